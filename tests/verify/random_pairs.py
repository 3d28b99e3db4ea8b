"""Random claims with a known answer: `pair(seed)` is true by construction, or false by one edit.

A true claim is made twice from one tree of choices: at every node an identity of `pair_rules` is drawn, the left text takes its left
side and the right text its right side, and the slots are filled in the same way. Or it is a derivative: a formula on the left, and on the
right what a textbook's rules give, written with those identities. A false claim is a look-alike of an identity, or a true
claim with one edit of its right side.

Every label is confirmed by `pair_values`, which reads the text in its own way: a true claim holds to 33 digits at every point tried,
a false one fails at one by more than 10^-28, also in 300 digits. Nothing here asks symgd.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from pair_rules import ATOMS, DECLARED, FUNCTIONS, GRADIENTS, LOOK_ALIKES, RULES
from pair_values import MANY_DIGITS, NotComparable, point_of, relative_gap

TRUE_BELOW, FALSE_ABOVE = 1e-33, 1e-28
POINTS = 3  # at which a true claim is confirmed
TRIES = 12  # points, and for a false claim edits
LONGEST = 600  # characters of a claim


@dataclass(frozen=True)
class Pair:
    """A claim, whether it holds on its domain, and how it was made."""

    seed: int
    claim: str
    given: str
    holds: bool
    made: str

    def __str__(self) -> str:
        return f"seed {self.seed}, {'true' if self.holds else 'false'} ({self.made}): {self.claim}    given {self.given}"


class WrongLabel(Exception):
    """The table of identities has a fault: a claim made to be true is not."""


def pair(seed: int) -> Pair:
    """The claim of this number: even ones are true, odd ones false."""
    random = Random(seed)
    while True:
        found = _true(random) if seed % 2 == 0 else _false(random)
        if found is not None:
            claim, made = found
            return Pair(seed, claim, _given(claim), seed % 2 == 0, made)


def _given(claim: str) -> str:
    used = set(re.findall(r"[A-Za-z_]\w*", claim))
    return ", ".join(declared for name, declared in DECLARED.items() if name in used)


# ---- true claims -----------------------------------------------------------------------------------------------------


def _true(random: Random) -> tuple[str, str] | None:
    left, right, made = _sides(random)
    if len(left) + len(right) > LONGEST or left == right:
        return None
    gaps = list(_gaps(left, right, random, POINTS))
    if len(gaps) < POINTS:
        return None
    if max(gaps) > TRUE_BELOW:
        raise WrongLabel(f"{left} = {right}: off by {float(max(gaps)):.3g} ({made})")
    return f"{left} = {right}", made


def _sides(random: Random) -> tuple[str, str, str]:
    kind = random.choice(("identity", "identity", "array identity", "derivative", "gradient", "gradient"))
    if kind == "identity":
        left, right = _equal("a", random.choice((1, 2, 2, 3, 3)), random)
    elif kind == "array identity":
        left, right = _equal(random.choice("uwkACS"), random.choice((1, 2, 2)), random)
    elif kind == "derivative":
        left, right = _derivative(random)
    else:
        left, right = _gradient(random)
    if random.random() < 0.15:
        left, right = right, left
    return left, right, kind


def _equal(kind: str, depth: int, random: Random) -> tuple[str, str]:
    """Two texts of one value."""
    options = RULES.get(kind, ())
    if depth <= 0 or not options:
        atom = random.choice(ATOMS[kind])
        return atom, atom
    if kind == "a" and random.random() < 0.15:
        kind = "p"
        options = RULES[kind]
    return _filled(random.choice(options), depth - 1, random)


def _filled(sides: tuple[str, str], depth: int, random: Random) -> tuple[str, str]:
    """Both sides with their slots filled, each with two texts of one value."""
    slots = dict.fromkeys(re.findall(r"\{([a-zA-Z]\d)\}", "".join(sides)))
    texts = {slot: _equal(slot[0], depth - random.choice((0, 0, 1)), random) for slot in slots}

    def text(found: re.Match[str], k: int) -> str:
        return _operand(texts[found[1]][k])

    left, right = (re.sub(r"\{([a-zA-Z]\d)\}", partial(text, k=k), side) for k, side in enumerate(sides))
    return left, right


def _operand(text: str) -> str:
    return text if re.fullmatch(r"[\w']+|\w+\([^()]*\)", text) else f"({text})"


def _derivative(random: Random) -> tuple[str, str]:
    left, right, slope = _with_slope(random.choice((2, 2, 3)), random)
    return f"diff({left}, x)", slope if random.random() < 0.7 else f"{slope} + ({right}) - ({left})"


def _with_slope(depth: int, random: Random) -> tuple[str, str, str]:
    """A formula in x, the same in other words, and its derivative by the rules of a textbook."""
    if depth <= 0:
        if random.random() < 0.6:
            return "x", "x", "1"
        power, scale = random.choice((2, 3, 4)), random.choice((2, 3, 5))
        return f"{scale}*x^{power}", f"x^{power}*{scale}", f"{scale * power}*x^{power - 1}"
    f, f2, df = [_bracketed(text) for text in _with_slope(depth - 1, random)]
    rule = random.choice(("sum", "product", "quotient", "outer", "outer", "outer", "power", "root", "constant"))
    if rule in ("sum", "product", "quotient"):
        g, g2, dg = [_bracketed(text) for text in _with_slope(depth - random.choice((1, 2)), random)]
        if rule == "sum":
            return f"{f} - {g}", f"-{g2} + {f2}", f"{df} - {dg}"
        if rule == "product":
            return f"{f}*{g}", f"{g2}*{f2}", f"{df}*{g2} + {f2}*{dg}"
        return f"{f}/(1 + {g}^2)", f"{f2}/({g2}^2 + 1)", f"({df}*(1 + {g}^2) - 2*{f}*{g2}*{dg})/(1 + {g}^2)^2"
    if rule == "outer":
        outer, slope, _ = random.choice(FUNCTIONS)
        return outer.replace("{0}", f), outer.replace("{0}", f2), f"{slope.replace('{0}', f2)}*{df}"
    if rule == "power":
        return f"s^{f}", f"exp({f2}*log(s))", f"s^{f}*log(s)*{df}"
    if rule == "root":
        return f"sqrt(1 + {f}^2)", f"(1 + {f2}^2)^(1/2)", f"{f}*{df}/sqrt(1 + {f2}^2)"
    scale = random.choice(("z", "t", "(1 + z^2)", "pi"))
    return f"{scale}*{f}", f"{f2}*{scale}", f"{scale}*{df}"


def _bracketed(text: str) -> str:
    return text if re.fullmatch(r"\w+", text) else f"({text})"


def _gradient(random: Random) -> tuple[str, str]:
    shape, left, right = random.choice(GRADIENTS)
    outer = random.choice(FUNCTIONS)

    def chosen(found: re.Match[str]) -> str:
        return outer[("F", "dF", "ddF").index(found[1])].replace("{0}", f"({found[2]})")

    sides = re.sub(r"<(\w+) ([^<>]*)>", chosen, left), re.sub(r"<(\w+) ([^<>]*)>", chosen, right)
    one, two = _filled(sides, random.choice((0, 1, 1)), random)
    if random.random() < 0.3:
        more, again = _equal(shape, 1, random)
        one, two = f"{one} + {_operand(more)}", f"{_operand(again)} + {two}"
    return one, two


# ---- false claims ----------------------------------------------------------------------------------------------------


def _false(random: Random) -> tuple[str, str] | None:
    if random.random() < 0.3:
        left, right = _filled(random.choice(LOOK_ALIKES), random.choice((0, 0, 1, 2)), random)
        made = "look-alike"
        return (f"{left} = {right}", made) if len(left) + len(right) <= LONGEST and _differ(left, right, random) else None
    true = _true(random)
    if true is None:
        return None
    left, _, right = true[0].partition(" = ")
    for _ in range(TRIES):
        name = random.choice(_DRAWN)
        edited = EDITS[name](right, random)
        if edited is not None and edited != right and _differ(left, edited, random):
            return f"{left} = {edited}", f"{name} in a true {true[1]}"
    return None


def _differ(left: str, right: str, random: Random) -> bool:
    """Is there a point where both sides have a value, and not the same?"""
    return any(gap > FALSE_ABOVE for gap in _gaps(left, right, random, TRIES))


def _gaps(left: str, right: str, random: Random, wanted: int) -> list[float]:
    found: list[float] = []
    for _ in range(TRIES):
        point = point_of(random)
        try:
            gap = relative_gap(left, right, point)
            found.append(relative_gap(left, right, point, MANY_DIGITS) if gap > TRUE_BELOW else gap)
        except NotComparable:
            continue
        if len(found) == wanted or (wanted == TRIES and found[-1] > FALSE_ABOVE):
            break
    return found


def _replaced(pattern: str, instead: Callable[[re.Match[str]], str]) -> Callable[[str, Random], str | None]:
    """An edit of one place, drawn among all that match."""

    def edit(text: str, random: Random) -> str | None:
        places = list(re.finditer(pattern, text))
        if not places:
            return None
        place = random.choice(places)
        return text[: place.start()] + instead(place) + text[place.end() :]

    return edit


_OTHER = {"sin": "cos", "cos": "sin", "tan": "tanh", "exp": "sinh", "log": "log2", "sqrt": "log1p", "tanh": "atan", "sinh": "cosh"}
_OTHER |= {"cosh": "exp", "sigmoid": "tanh", "softplus": "relu", "asin": "acos", "acos": "asin", "atan": "tanh", "asinh": "atan"}
_OTHER |= {"atanh": "tanh", "erf": "tanh", "erfc": "erf", "relu": "abs", "abs": "relu", "max": "min", "min": "max", "gamma": "factorial"}
_OTHER |= {"sum": "mean", "tr": "sum", "det": "tr", "logdet": "tr", "lse": "sum", "softmax": "exp", "norm2": "sum", "expm1": "exp"}


def _dropped_term(text: str, random: Random) -> str | None:
    """Without one term of the sum that stands outermost."""
    depth, cuts = 0, [0]
    for k, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if not depth and text[k : k + 3] in (" + ", " - "):
            cuts.append(k)
    if len(cuts) < 2:
        return None
    cuts.append(len(text))
    k = random.randrange(len(cuts) - 1)
    left = (text[: cuts[k]] + text[cuts[k + 1] :]).strip()
    return left.removeprefix("+ ") or None


def _exchanged(text: str, random: Random) -> str | None:
    """Two names beside a product sign exchanged."""
    return _replaced(r"\b(\w+'?)\*(\w+'?)(?![\w'(\[])", lambda found: f"{found[2]}*{found[1]}")(text, random)


EDITS: dict[str, Callable[[str, Random], str | None]] = {
    "a sign": _replaced(r" [+-] ", lambda found: " - " if "+" in found[0] else " + "),
    "the sign of all": lambda text, random: f"-({text})",
    "a number": _replaced(r"(?<![\w.\[,=^])\d+(?![\w.]|\s*\.\.)", lambda found: str(int(found[0]) + 1)),
    "a factor": lambda text, random: f"{random.choice(('2', '1/2', '3', '(1 - 1/1000)'))}*({text})",
    "an exponent": _replaced(r"\^\d", lambda found: f"^{int(found[0][1:]) + 1}"),
    "a transpose dropped": _replaced(r"'", lambda found: ""),
    "a transpose added": _replaced(r"\b[CFGXPS]\b(?!')", lambda found: f"{found[0]}'"),
    "another function": _replaced(r"\b(" + "|".join(_OTHER) + r")(?=\()", lambda found: _OTHER[found[0]]),
    "another name": _replaced(r"\b[xzstuvCFAHwb]\b(?!\()", lambda found: dict(zip("xzstuvCFAHwb", "zxtsvuFCHAbw"))[found[0]]),
    "a term dropped": _dropped_term,
    "two factors exchanged": _exchanged,
    "a relative 10^-9": lambda text, random: f"({text})*(1 + 1/10^9)",
    "a relative 10^-20": lambda text, random: f"({text})*(1 - 1/10^20)",
    "exp(-50) beside a number": _replaced(r"(?<![\w.\[,=^(-])\d(?![\w.]|\s*\.\.)", lambda found: f"({found[0]} + exp(-50))"),
    "an index counted backwards": _replaced(r"\[([ij])\]", lambda found: f"[n+1-{found[1]}]"),
    "a bound": _replaced(r"=1\.\.n(?!-)", lambda found: "=2..n"),
}
_OF_ALL = ("the sign of all", "a factor", "a relative 10^-9", "a relative 10^-20")  # these always succeed: drawn less often
_DRAWN = [name for name in EDITS for _ in range(1 if name in _OF_ALL else 4)]
