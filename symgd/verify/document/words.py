"""What the words around a formula say of it: that it defines, that it is a condition, that a matrix is symmetric.

And which sentences claim something in words.
"""

from __future__ import annotations

import re

_LET = re.compile(
    r"\b(?:let|set|setting|define|defines|defined|denote|denoted|put|putting|write|writing|call|called|introduce|consider|given|take|choose|fix|pick|where|with|using|here)\b"
    r"|\b(?:sei|seien|setze|wobei|mit)\b|(?:라 하자|로 두|정의|여기서|단,)",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:at|for|if|when|where|whenever|with|as|since|because|let|assume|assuming|suppose|supposing|provided|given|require|requires|requiring|throughout|set|setting|take|taking)\b"
    r"|\b(?:für|wenn|falls|sei|mit)\b|(?:일 때|에서)",
    re.IGNORECASE,
)
_LISTING = re.compile(r"\s*(?:,|and|or|,\s*and|und|와|과|및)?\s*(?:a|an|the)?\s*\Z", re.IGNORECASE)
_PROPERTIES = (
    (r"symmetric\s+positive[\s-]+definite|positive[\s-]+definite|\bspd\b", ("spd",)),
    (r"\bsymmetric\b", ("symmetric",)),
    (r"\bdiagonal\b", ("diagonal",)),
    (r"\borthogonal\b", ("orthogonal",)),
    (r"lower[\s-]+triangular", ("lower",)),
    (r"upper[\s-]+triangular", ("upper",)),
    (r"\bone[\s-]*hot\b|\bprobability\s+(?:vector|distribution)|\b(?:on|in)\s+the\s+simplex\b", ("simplex",)),
    (r"\btridiagonal\b", ("banded(1, 1)",)),
    (r"non-?negative", (">= 0",)),
    (r"non-?positive", ("<= 0",)),
    (r"\bpositive\b(?![\s-]+(?:semi|definite))", ("> 0",)),
    (r"\bnegative\b(?![\s-]+(?:semi|definite))", ("< 0",)),
    (r"\b(?:an|is|are|whole|positive|natural)\s+integers?\b|\binteger\b|\bnatural number", ("integer",)),
)
_NOT = re.compile(r"\b(?:not|non|no|neither|skew|anti|semi|without|need)\b[\s-]*(?:\w+\s+){0,2}\Z|(?:skew|anti)-?\Z", re.IGNORECASE)
_FUNCTION = re.compile(r"\bfunctions?\b|\bdifferentiable\b|\bsmooth\b|\bconvex\b|함수", re.IGNORECASE)
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "several": 0}
_VARIABLES = re.compile(rf"\b({'|'.join(_NUMBERS)}|\d)\s+(?:real\s+)?(?:variables|arguments)", re.IGNORECASE)
_SUBJECT = re.compile(
    r"\b(?:gradients?|derivatives?|partials?|hessians?|jacobians?|maxim\w+|minim\w+|norms?|traces?|determinants?|inverses?|slopes?|differentials?|directional"
    r"|products?|sums?|integrals?|limits?|magnitudes?|lengths?|eigenvalues?|loss|max|min|perpendicular|descent|ascent)\b|기울기|도함수|미분|최댓값|최솟값",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"\b(?:is|are|was|equals?|vanish\w*|becomes?|points?|has|have|gives?|holds?|increases?|decreases?|converges?|diverges?|must|cannot|always|never|lies|leads?)\b|이다|같다",
    re.IGNORECASE,
)
_ASSUMED = re.compile(
    r"\b(?:suppose|supposing|assume|assuming|assumption|provided|if|when|whenever|where|unless|such\s+that|so\s+that|subject\s+to|s\.t|with|for|at|under"
    r"|given|require|requires|requiring|satisf\w+|solv\w+|need|needs|want|until|normali[sz]ed|wenn|falls|mit|für)\s*(?:that|the|a|an|each|all|any|some)?[\s:]*\Z"
    r"|(?:만족|조건)",
    re.IGNORECASE,
)
_SOLVED = re.compile(
    r"\b(?:solv\w*|satisf\w*|obey\w*|stationar\w*|critical|first[\s-]order|optimality|normal\s+equations?|vanish\w*|minimi[sz]ers?|maximi[sz]ers?|optimum|optimal|root"
    r"|fixed\s+point|at\s+(?:the|a|an|any|every)\s+(?:minimum|maximum|solution)|constraints?|constrained|subject\s+to|steady|multipliers?|boundary|initial|differential\s+equation|equilibrium"
    r"|set(?:ting)?\b.{0,60}\b(?:zero|0)|equal(?:s|ing)?\s+(?:to\s+)?zero|is\s+zero|to\s+zero|be\s+zero)\b|풀면|푼다|만족|최적|0으로",
    re.IGNORECASE,
)
_TENTATIVE = re.compile(r"\b(?:if|when|whenever|unless|where|case|cases|falls|wenn|for)\b|이면|경우", re.IGNORECASE)
_ASSERTS = re.compile(
    r"\b(?:then|so|hence|thus|therefore|have|has|get|gets|is|are|that|implies|follows|shows?|proves?|means|since|because)\s*\Z",
    re.IGNORECASE,
)
_LEADS = re.compile(
    r"(?::|\b(?:is|are|gives?|reads?|becomes?|to|by|as|get|obtain|have|that|follows|equals?|yields?|says|namely)|다음과 같다\W*|같이)\s*\Z",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"\\(?:[A-Za-z]+|.)\*?|[{}$*_`~#>|\[\]]")


def defines(before: str) -> bool:
    """Do the words before an equation say that it defines its left side?"""
    return _LET.search(_near(before)) is not None


def is_condition(before: str) -> bool:
    """Do the words before say that what follows is assumed?"""
    return _CONDITION.search(_near(before)) is not None


def is_assumed(before: str) -> bool:
    """Do the words directly before an equation say that it is a condition: "provided that", "such that", "if"?"""
    return _ASSUMED.search(_near(before)) is not None


def is_lasting(before: str) -> bool:
    """Is a condition assumed from here on: "assume that", "throughout", "let"?"""
    return re.search(r"\b(?:suppose|assum\w+|throughout|let|always|from now on)\b", _near(before), re.IGNORECASE) is not None


def is_solved(sentence: str) -> bool:
    """Does a sentence speak of equations that hold for some values only: of a minimum, of a constraint, of setting to zero?"""
    return _SOLVED.search(_plain(sentence)) is not None


def is_listing(between: str) -> bool:
    """Do the words only join one formula to the next, so that they share what is said of them?"""
    return _LISTING.fullmatch(_plain(between)) is not None


def properties(before: str, after: str) -> tuple[str, ...]:
    """What adjectives say of a name: "a symmetric matrix $A$", "$A$ is symmetric", "$A$ symmetric"."""
    ahead = _plain(re.split(r"[,;:.]|\bwith\b|\band\b", before)[-1])
    behind = re.match(
        r"\s*(?:(?:is|are|be|both|a|an|all|being|which|that|real|assumed|of)\s+|\(?\s*)*((?:[\w-]+[\s)]*){0,4})",
        _plain(re.split(r"[,;:.]", after)[0]),
    )
    found: list[str] = []
    for text in (ahead[-60:], behind[1] if behind else ""):
        for pattern, made in _PROPERTIES:
            match = re.search(pattern, text, re.IGNORECASE)
            if match and not _NOT.search(text[: match.start()]) and not (text is ahead[-60:] and re.search(r"\b(?:is|are)\b", text)):
                found += [p for p in made if p not in found]
                text = text[: match.start()] + text[match.end() :]
    return tuple(found)


def function_of(before: str, after: str) -> int | None:
    """How many variables a function has of which the words speak: 0 where they do not say; None where the name is no function."""
    ahead, behind = _plain(before)[-40:], _plain(re.split(r"[.;:]", after)[0])[:80]
    is_one = re.search(r"\bfunctions?\s*\Z|함수\s*\Z", ahead, re.IGNORECASE) or (
        re.match(r"\s*(?:is|be|are|denotes?|은|는|가|이)?\s*", behind) and _FUNCTION.search(behind[:60])
    )
    if not is_one:
        return None
    said = _VARIABLES.search(behind)
    return (_NUMBERS.get(said[1].lower()) or (int(said[1]) if said[1].isdigit() else 0)) if said else 0


def is_tentative(before: str, after: str) -> bool:
    """Do the words around a name speak of a case only: "if $A$ is symmetric", "for symmetric $A$", "unless"?"""
    return _TENTATIVE.search(_near(before)) is not None and not re.search(
        r"\b(?:let|assume|suppose|throughout)\b", _near(before), re.IGNORECASE
    )


def asserts(before: str) -> bool:
    """Do the words before an inequality say that it follows, so that it is no declaration?"""
    return _ASSERTS.search(_near(before)) is not None


def is_claim(sentence: str) -> bool:
    """Does a sentence without an equation say something that could be wrong? One that ends in "is" or ":" leads to a formula."""
    plain = _plain(sentence)
    if _LEADS.search(plain):
        return False
    return _SUBJECT.search(plain) is not None and _VERB.search(plain) is not None


def _plain(text: str) -> str:
    return " ".join(_MARKUP.sub(" ", text).split()) if text.strip() else ""


def _near(before: str) -> str:
    """The clause before a formula: its last few words."""
    return " ".join(_plain(re.split(r"[;:]", before)[-1]).split()[-7:])
