r"""Names: which one a letter, a Greek letter or a word is, together with its subscript; and whether it is applied to what follows."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from symgd.algebra.trampoline import Task
from symgd.language.declarations import Variable
from symgd.language.latex import derivatives, extremes, functions, scripts, subscripts
from symgd.language.latex.names import checked
from symgd.language.latex.tokens import COMMAND, GREEK, LETTER, NUMBER, SYMBOL, WORD, Token
from symgd.language.syntax import Call, Name, Node, Number, Transpose

if TYPE_CHECKING:
    from symgd.language.latex.parser import Parser

Span = tuple[int, int]
LETTER_FUNCTIONS = {"sigma": "sigmoid", "Gamma": "gamma"}  # applied, and not declared
USUALLY_FUNCTIONS = frozenset("fghFGHJLROTU") | {"phi", "psi", "Phi", "Psi", "ell", "varphi"}
_SETS = frozenset("RNZQCPSKX")


def is_name(token: Token) -> bool:
    """May the token be a name?"""
    if token.kind == WORD:
        return token.error is None and " " not in token.value.strip()
    return token.kind == LETTER or (token.kind == COMMAND and token.value[1:] in GREEK)


@dataclass(slots=True)
class Scripts:
    """The scripts after a name: the tokens of its subscript and of its exponent, and its primes."""

    low: Span | None = None
    high: Span | None = None
    caret: Token | None = None
    primes: int = 0


def letter(p: Parser) -> Task[Node]:
    """A name of one letter; of several where they stand side by side and are declared so."""
    token = p.token
    longest = _longest(p)
    if longest:
        for _ in range(longest[1]):
            p.advance()
        found: Node = yield named(p, token, longest[0])
        return found
    _refuse_spelled_function(p, token)
    p.advance()
    found = yield named(p, token, checked(p.scope.resolve(token), p.text, token))
    return found


def word(p: Parser) -> Task[Node]:
    r"""`\mathrm{loss}`, `\operatorname{tr}`: a declared name, else a function, else a name of its own."""
    token = p.token
    if token.error is not None:
        raise token.error
    if token.head in (r"\text", r"\textrm", r"\mbox", r"\textit") and " " in token.value.strip():
        p.refuse(
            token,
            f"unexpected words '{p.source(token.start, token.end)}': expected a number, a name or an opening bracket.",
            "Words are not computed.",
        )
    name = p.scope.resolve(token)
    p.advance()
    if not p.scope.knows(name):
        function = functions.of_word(token.value.strip())
        opens = p.token.value in ("(", "[", "_", "^", "{", r"\{") or token.head == r"\operatorname"
        if function and (opens or p.starts_factor(p.token)):
            found: Node = yield functions.applied(p, function, token)
            return found
        if functions.is_refused_word(token.value.strip()):
            p.refuse(token, f"'{token.value.strip()}' is not supported.", functions.is_refused_word(token.value.strip()))
        if token.head == r"\operatorname" or (len(name) > 1 and p.token.kind == SYMBOL and p.token.value == "("):
            p.refuse(token, f"unknown function '{token.value.strip()}'.", functions.instead_of(token.value.strip()))
    found = yield named(p, token, checked(name, p.text, token))
    return found


def _longest(p: Parser) -> tuple[str, int] | None:
    """The longest declared name of two characters or more that the letters and digits side by side spell."""
    names = p.scope.declared
    most = max((len(name) for name in names), default=1)
    if most < 2 or p.token.accent or p.token.font or p.token.head:
        return None
    spelled, found = "", None
    for k in range(min(most, p.stop - p.at)):
        token = p.tokens[p.at + k]
        if (k and not token.glued) or token.kind not in (LETTER, NUMBER) or token.font or token.accent:
            break
        spelled += token.value
        if len(spelled) > 1 and spelled in names:
            found = spelled, k + 1
    return found


def _refuse_spelled_function(p: Parser, token: Token) -> None:
    """`sin(x)` without its backslash is the product s i n (x); nobody means that."""
    if token.head or (p.at and p.tokens[p.at - 1].kind == LETTER and token.glued):
        return
    k = 0
    while p.at + k < p.stop and p.tokens[p.at + k].kind == LETTER and (not k or p.tokens[p.at + k].glued) and k < 12:
        k += 1
    run = p.tokens[p.at : p.at + k]
    spelled = "".join(t.value for t in run)
    word = next((w for w in functions.SPELLED if spelled.endswith(w)), None)
    if word and not all(p.scope.knows(p.scope.resolve(t)) for t in run[-len(word) :]):
        hint = rf"Write \{word}, or declare the letters of {word} as variables."
        place = run[-len(word)]
        p.refuse(place, f"unexpected '{word}': without a backslash it is the product of its letters.", hint)
    if k > 2 and not any(p.scope.knows(p.scope.resolve(t)) for t in run):
        p.scope.warn(rf"{spelled} is read as the product of its letters; a name of several letters is written \mathrm{{{spelled}}}.")


def gathered(p: Parser) -> Scripts:
    """The scripts that follow; written twice, one of them is refused."""
    found = Scripts()
    while p.token.kind == SYMBOL:
        token = p.token
        if token.value == "'" and found.high is None:
            p.advance()
            found.primes += 1
        elif token.value == "_":
            if found.low is not None:
                p.refuse(token, "unexpected '_': a subscript has been written already.", "Write both in braces: x_{1,2}.")
            found.low = p.span(p.advance())
        elif token.value == "^":
            if found.high is not None:
                p.refuse(token, "unexpected '^': an exponent has been written already.", "Write braces: x^{2^3}, or {x^2}^3.")
            found.caret = p.advance()
            start, stop = p.span(found.caret)
            while start < stop and p.tokens[start].kind == SYMBOL and p.tokens[start].value == "'":
                found.primes, start = found.primes + 1, start + 1
            if start < stop or not found.primes:
                found.high = (start, stop)
        else:
            break
    return found


def named(p: Parser, token: Token, name: str) -> Task[Node]:
    """The name with its scripts, applied to what follows if it is a function."""
    scope, start = p.scope, token.start
    special = _special(p, token, name)
    if special is not None:
        found: Node = yield special
        return found
    marks = gathered(p)
    name = _marked(p, name, marks)
    if name in scope.rows and not scope.knows(name) and (marks.low is not None or marks.high is not None):
        name = scope.rows[name]
    partials: list[str] = []
    if marks.low is not None and name in scope.families:
        found = yield _of_family(p, token, name, marks)
        return found
    if marks.low is not None:
        name, partials = _joined(p, token, name, marks)
    if scope.parameters(name) is not None:
        found = yield derivatives.function(p, token, name, partials, marks)
        return found
    if not scope.knows(name):
        function = LETTER_FUNCTIONS.get(name)
        if function and (p.is_symbol("(", "[")):
            found = yield functions.applied(p, function, token, marks)
            return found
        if p.is_symbol("("):
            _check_applied(p, token, name)
        if marks.primes:
            hint = f"Define it, as in {name}(x) = x^2, or declare {name}(x); the transpose is of an array: declare {name}[n]."
            p.refuse(token, f"{name}' is not known: {name} is declared neither as a function nor as an array.", hint)
    found = yield _scripted(p, token, name, marks, start)
    return found


def _of_family(p: Parser, token: Token, name: str, marks: Scripts) -> Task[Node]:
    """`t_i` where the text defines t_i = …: a function of its index."""
    assert marks.low is not None
    index: Node = yield p.within(*marks.low, what="an index")
    node: Node = p.set(Call(name, (index,), (), token.start, p.end))
    if marks.high is not None:
        node = yield scripts.exponent(p, node, token.start, marks.high)
    return node


def _special(p: Parser, token: Token, name: str) -> Task[Node] | None:
    """Letters with a meaning of their own, where they are not declared: D_u f, the expectation, the indicator, I_n, sets of numbers."""
    if name == "d" and token.head == r"\mathrm" and p.is_symbol("_") and derivatives.is_differential_of_brackets(p):
        return derivatives.differential(p, token)  # also beside a d that is a size
    if p.scope.knows(name):
        return None
    if token.font == "bb":
        if token.value == "E":
            return extremes.expectation(p, token)
        if token.value == "I":
            return extremes.indicator(p, token)
        if token.value in _SETS:
            p.refuse(
                token,
                f"the set {p.told(token)} is not supported: it is no value.",
                r"Declare the shape of a variable: x[n], or x \in \mathbb{R}^n.",
            )
    if name == "D" and p.is_symbol("_"):
        return derivatives.directional(p, token)
    if name == "I" and p.is_symbol("_"):
        return _sized(p, token, "eye")
    if name == "I" and any(p.scope.rank(other) == 2 for other in p.scope.declared):
        p.scope.warn("I is read as the identity matrix, because it is not declared, and matrices are.")
        return _identity(p, token)
    if name == "d" and p.scope.has_differentials and is_name(p.token):
        return _differential(p, token)
    if name == "d" and p.token.kind == LETTER and p.token.glued:
        hint = r"A derivative is written \frac{d}{dx}; declare d where it is a variable."
        p.refuse(token, "unexpected 'd': a differential is no value.", hint)
    if name == "delta" and p.is_symbol("_"):
        return _kronecker(p, token)
    return None


def _differential(p: Parser, token: Token) -> Task[Node]:
    """`df` of a function, its total differential; `dx` of a variable, the differential that stands in it."""
    name = p.scope.resolve(p.token)
    place = p.advance()
    if p.is_symbol("_"):
        suffix = _suffix(p.tokens[slice(*p.span(p.advance()))])
        name = f"{name}_{suffix}" if suffix else name
    if p.scope.is_definition(name):
        return p.set(Call("d·", (derivatives.own(p, name, place),), (), token.start, p.end))
    return p.set(Name(f"d{name}", token.start, p.end))
    yield  # a task, as its like


def _identity(p: Parser, token: Token) -> Task[Node]:
    """`I`, of the size that fits."""
    return p.set(Call("eye", (), (), token.start, token.end))
    yield  # a task, as its like


def _sized(p: Parser, token: Token, function: str) -> Task[Node]:
    """`I_n`, `\\mathbf{1}_{m \\times n}`."""
    start, stop = p.span(p.advance())
    cuts = [k for k in range(start, stop) if p.tokens[k].value in (r"\times", ",")]
    sizes: list[Node] = []
    for first, last in zip([start, *[k + 1 for k in cuts]], [*cuts, stop]):
        size: Node = yield p.within(first, last, what="a size")
        sizes.append(size)
    return p.set(Call(function, tuple(sizes), (), token.start, p.end))


def ones(p: Parser) -> Task[Node]:
    r"""`\mathbf{1}`: ones, of the size that is written, or that fits; before a bracket with a condition, the indicator."""
    token = p.advance()
    if token.value == "1" and (p.is_symbol("[", r"\{", "(") or (p.is_symbol("_") and extremes.is_condition(p))):
        found: Node = yield extremes.indicator(p, token)
        return found
    function = "ones" if token.value == "1" else "zeros"
    if p.is_symbol("_"):
        found = yield _sized(p, token, function)
        return found
    return p.set(Call(function, (), (), token.start, p.end))


def _kronecker(p: Parser, token: Token) -> Task[Node]:
    """`\\delta_{ij}`: 1 where both indices are the same."""
    from symgd.language.syntax import Comparison, Conditional

    at = p.at
    start, stop = p.span(p.advance())
    letters = [t for t in p.tokens[start:stop] if t.value != ","]
    if len(letters) != 2 or not all(subscripts.is_simple(t) for t in letters):
        p.at = at
        name, marks = "delta", gathered(p)
        name, _ = _joined(p, token, name, marks)
        found: Node = yield _scripted(p, token, name, marks, token.start)
        return found
    first: Node = yield p.within(start, start + 1)
    second: Node = yield p.within(stop - 1, stop)
    one, zero = (Number(Fraction(k), token.start, p.end) for k in (1, 0))
    same = Comparison("==", token.start, first, second, token.start, p.end)
    return p.set(Conditional(one, same, zero, token.start, p.end))


def _marked(p: Parser, name: str, marks: Scripts) -> str:
    """The name with the marks that belong to it: x^* is x_star, x' is x_prime where it is declared."""
    if marks.high is not None:
        start, stop = marks.high
        if stop == start + 1 and p.tokens[start].value in ("*", r"\star"):
            name, marks.high = f"{name}_star", None
    if marks.primes and p.scope.knows(name + "_prime" * marks.primes):
        name, marks.primes = name + "_prime" * marks.primes, 0
    return name


def _joined(p: Parser, token: Token, name: str, marks: Scripts) -> tuple[str, list[str]]:
    """The name with its subscript, where that is part of it; or the parameters that a function is derived by, f_{xy}."""
    assert marks.low is not None
    scope = p.scope
    start, stop = marks.low
    content = p.tokens[start:stop]
    suffix = _suffix(content)
    base = name.removesuffix("_star")
    for joined in (f"{name}_{suffix}", f"{base}_{suffix}_star"):
        if suffix and scope.knows(joined) and (joined != name):
            marks.low = None
            return joined, []
    parameters = scope.parameters(name)
    if parameters is not None:
        wanted = [scope.resolve(t) for t in content if is_name(t)]
        if len(wanted) == len([t for t in content if t.value != ","]) and all(w in parameters for w in wanted):
            marks.low = None
            return name, wanted
    if scope.is_array(name) or scope.is_definition(name) or scope.is_bound(name):
        return name, []
    index = next((t for t in content if is_name(t) and scope.is_bound(scope.resolve(t))), None)
    if index is not None or not suffix:
        told = p.source(token.start, p.end)
        reason = f"{told} has an index, and {name} is not declared as an array."
        p.refuse(token, reason, f"Declare it with its shape: {name}[n].")
    marks.low = None
    if isinstance(scope.declared.get(name), Variable):
        scope.warn(f"{p.source(token.start, p.end)} is read as a name of its own, because {name} is a scalar.")
    return checked(f"{name}_{suffix}", p.text, token), []


def _suffix(content: list[Token]) -> str:
    """The subscript as a part of a name: digits, letters and words; "" where it is more than that."""
    if not content or not all(subscripts.is_simple(t) and (t.kind != NUMBER or t.value.isdigit()) for t in content):
        return ""
    parts = ["_".join(t.value.replace("-", "_").split()).removeprefix("\\") + (f"_{t.accent}" if t.accent else "") for t in content]
    return "".join(parts) if all(part.replace("_", "").isalnum() for part in parts) else ""


suffix_of = _suffix  # documents find names before a formula is parsed


def _check_applied(p: Parser, token: Token, name: str) -> None:
    """A letter that is not declared before a bracket: a product where it stands for a value elsewhere, else it is not known which."""
    if name == "O":
        p.refuse(token, "an order of growth is not supported: it is no value.", "Declare O where it is a variable.")
    alone = (token.kind, token.value) in p.alone
    if name in USUALLY_FUNCTIONS or not (alone or name in "abcdkmnpqstuvwxyz" or len(name) > 1):
        hint = f"Declare {name} where it is a variable; define the function, {name}(x) = x^2, or declare an unknown one, {name}(x)."
        p.refuse(token, f"{name}(…) could be a product or a call: {name} is not declared.", hint)
    p.scope.warn(f"{name}(…) is read as a product, because {name} is not declared as a function.")


def _scripted(p: Parser, token: Token, name: str, marks: Scripts, start: int) -> Task[Node]:
    """The name with the scripts that are left: an entry, an item x^{(i)}, an exponent, a transpose."""
    scope = p.scope
    rank = scope.rank(name)
    node: Node = p.set(Name(name, token.start, token.end))
    before: tuple[Node, ...] = ()
    if marks.high is not None and (rank or scope.is_definition(name)):
        first, stop = marks.high
        if stop - first >= 3 and p.tokens[first].value == "(" and p.tokens[stop - 1].value == ")":
            item: Node = yield p.within(first + 1, stop - 1, what="an index")
            before, marks.high = (item,), None
    if marks.low is not None:
        node = yield subscripts.entry(p, node, marks.low, start, rank, before)
    elif before:
        node = subscripts.entry_at(p, node, list(before), start, rank)
    for _ in range(marks.primes):
        node = p.set(Transpose(node, start, p.end))
    if marks.high is not None:
        assert marks.caret is not None
        node = yield exponent_of(p, node, start, marks)
    return node


def exponent_of(p: Parser, node: Node, start: int, marks: Scripts) -> Task[Node]:
    """The exponent, which has been read over already."""
    assert marks.high is not None
    found: Node = yield scripts.exponent(p, node, start, marks.high)
    return found
