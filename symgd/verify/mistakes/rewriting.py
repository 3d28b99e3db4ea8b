"""One part of a formula replaced by another text, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.notation.infix import infix
from symgd.verify.mistakes.numbers import Dual
from symgd.verify.mistakes.points import Monomial, Points, monomial_of
from symgd.verify.mistakes.written import Run, Written

POOL = 60  # parts of the claim that may stand elsewhere
_PLACE = "symgd_part"
RELATED = {
    "sin": ("cos",),
    "cos": ("sin",),
    "tan": ("cot", "tanh"),
    "cot": ("tan",),
    "sec": ("csc", "tan"),
    "csc": ("sec", "cot"),
    "sinh": ("cosh", "sin"),
    "cosh": ("sinh", "cos"),
    "tanh": ("coth", "tan"),
    "coth": ("tanh",),
    "sech": ("csch",),
    "csch": ("sech",),
    "asin": ("acos", "asinh", "atan"),
    "acos": ("asin",),
    "atan": ("atanh", "asin"),
    "acot": ("atan",),
    "atanh": ("atan", "acoth"),
    "acoth": ("atanh",),
    "asinh": ("acosh", "asin"),
    "acosh": ("asinh",),
    "exp": ("log",),
    "log": ("exp",),
    "sqrt": ("abs",),
}  # functions that are taken for one another


@dataclass(frozen=True, slots=True)
class Edit:
    """A part of a formula replaced by another text."""

    kind: str
    text: str
    start: int
    end: int
    new: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the claim that may stand elsewhere: its text, what it is at all points, and how fast it grows (`rates`)."""

    text: str
    duals: Sequence[Dual]
    rates: Sequence[float] | None
    is_one_symbol: bool


def pieces(points: Points, whole: set[str], *sides: tuple[Written, Sequence[Run]]) -> list[Piece]:
    """The parts of both sides that are no numbers, each once, the short ones first; but not those with the texts `whole`."""
    found: dict[str, Piece] = {}

    def add(text: str, duals: Sequence[Dual], operator: str) -> None:
        if text not in found and text not in whole:
            found[text] = Piece(text, duals, points.rates([own.value for own in duals]), operator in ("name", "call"))

    for written, runs in sides:
        for i, part in enumerate(written.parts):
            if part.operator != "number":
                text = written.source(i)
                add(text, [run[i] for run in runs], part.operator)
            if part.operator == "call":
                for name in RELATED.get(part.what.name, ()):
                    add(name + text[text.index("(") :], [written.called(run, i, name) for run in runs], part.operator)
    return sorted(found.values(), key=lambda piece: len(piece.text))[:POOL]


class Rewriting:
    """Edits of one formula."""

    def __init__(self, written: Written, runs: Sequence[Run], points: Points) -> None:
        self.written, self.runs, self.points = written, runs, points

    def number(self, i: int, number: Fraction) -> Edit:
        new = infix(ex.constant(number))
        parent = self.written.parents[i]
        if parent >= 0 and self.written.parts[parent].operator == "^" and self.written.parts[parent].children[1] == i:
            return self._edit(i, new, "exponent, power-rule, factor")
        return self._edit(i, new, "factor, number")

    def times(self, i: int, found: Monomial, piece: Piece | None = None, power: Fraction = Fraction(1)) -> Edit:
        number, exponents = found
        factor = _written(found, piece, power)
        own = self.points.monomial([run.values[i] for run in self.runs]) if piece is None else None
        new = factor(_bracketed(self.written, i)) if own is None else infix(monomial_of(_product(own, found)))
        if piece is None and not exponents:
            kind = "sign" if number == -1 else "factor"
        else:
            kind = "dropped-factor, chain-rule, factor, exponent"
        if self.written.parents[i] < 0:
            text = "with the opposite sign it would be right." if kind == "sign" else f"with the factor {factor('')} it would be right."
            return self._edit(i, new, kind, text)
        return self._edit(i, new, kind)

    def plus(self, i: int, found: Monomial, piece: Piece | None = None, power: Fraction = Fraction(1)) -> Edit:
        number, exponents = found
        sign = "-" if number < 0 else "+"
        term = _written((abs(number), exponents), piece, power)("")
        text = f"with the term {'-' if number < 0 else ''}{term} added "
        text += "it would be right." if self.written.parents[i] < 0 else f"to {self.written.source(i)} it would be right."
        return self._edit(i, f"{self.written.source(i)} {sign} {term}", "dropped-term, missing term, product-rule", text)

    def without(self, i: int) -> Edit:
        parent = self.written.parents[i]
        left, right = self.written.parts[parent].children
        text = f"without the term {self.written.source(i)} it would be right."
        minus = i == left and self.written.parts[parent].operator == "-"
        rest = self.written.source(left if i == right else right)
        return self._edit(parent, f"-({rest})" if minus else rest, "extra term", text)

    def powered(self, i: int, power: Fraction) -> Edit:
        found = (Fraction(1), {_PLACE: power})
        new = infix(monomial_of(found)).replace(_PLACE, _bracketed(self.written, i))
        return self._edit(i, new, "exponent, power-rule")

    def operator(self, i: int, operator: str) -> Edit:
        left, right = self.written.parts[i].children
        one, other = self.written.source(left), self.written.source(right)
        if operator in "*/" and self.written.parts[left].operator in ("+", "-", "negative"):
            one = f"({one})"
        if self.written.parts[right].operator in ("+", "-", "negative", "*", "/"):
            other = f"({other})"
        return self._edit(i, f"{one} {operator} {other}" if operator in "+-" else f"{one}{operator}{other}", "operator")

    def replaced(self, i: int, text: str, kind: str) -> Edit:
        return self._edit(i, text, kind)

    def function(self, i: int, name: str) -> Edit:
        old = self.written.source(i)
        return self._edit(i, name + old[old.index("(") :], "function, sign" if name in old else "function")

    def _edit(self, i: int, new: str, kind: str, text: str = "") -> Edit:
        part, parent = self.written.parts[i], self.written.parents[i]
        if not text:
            # An exponent or an argument alone says little: the power or the function around it is shown.
            shown, around = i, (self.written.source(i), new)
            if part.operator == "number" and parent >= 0 and self.written.parts[parent].operator in ("^", "call"):
                shown = parent
                outer = self.written.parts[parent]
                before, after = self.written.text[outer.start : part.start], self.written.text[part.end : outer.end]
                around = (self.written.source(shown), before + self._placed(i, new) + after)
            text = f"with {around[1]} in place of {around[0]} it would be right."
        return Edit(kind, text, part.start, part.end, self._placed(i, new))

    def _placed(self, i: int, new: str) -> str:
        """The new text in its place: in brackets where what stands beside it would take a part of it."""
        part, parent = self.written.parts[i], self.written.parents[i]
        before, after = self.written.text[: part.start].rstrip()[-1:], self.written.text[part.end :].lstrip()[:1]
        if parent < 0 or new.isalnum() or (before in "(," and after in "),"):
            return new
        if self.written.parts[parent].operator in ("+", "-") and not new.startswith("-") and not _is_sum(new):
            return new
        return f"({new})"


def _is_sum(text: str) -> bool:
    """Does the text have a + or - outside brackets?"""
    depth = 0
    for character in text:
        depth += character in "([{"
        depth -= character in ")]}"
        if character in "+-" and not depth:
            return True
    return False


def _product(one: Monomial, other: Monomial) -> Monomial:
    names = dict.fromkeys([*one[1], *other[1]])
    return one[0] * other[0], {name: one[1].get(name, Fraction(0)) + other[1].get(name, Fraction(0)) for name in names}


def _written(found: Monomial, piece: Piece | None, power: Fraction) -> Callable[[str], str]:
    """A text times the monomial and a power of the piece: "" for the text gives the factor alone."""
    number, exponents = found
    places = {} if piece is None else {_PLACE: power}
    inner = "" if piece is None else piece.text if piece.is_one_symbol else f"({piece.text})"

    def of(text: str) -> str:
        own = {**({_PLACE + "2": Fraction(1)} if text else {}), **exponents, **places}
        return infix(monomial_of((number, own))).replace(_PLACE + "2", text).replace(_PLACE, inner)

    return of


def _bracketed(written: Written, i: int) -> str:
    return written.source(i) if written.parts[i].operator in ("name", "call") else f"({written.source(i)})"
