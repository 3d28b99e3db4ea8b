"""Slips of the pen where the value wanted is known: on the right side of a claim.

The value that a part should have follows from the value of the whole, operator by operator downwards. What it lacks is then
recognised: a number, a monomial in the variables, another part of the claim, another function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from flint import arb

from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.table import find, rows
from symgd.verify.mistakes.changes import POWERS, Search, Target
from symgd.verify.mistakes.numbers import apply, is_positive, near, quotients, same, simple, usable
from symgd.verify.mistakes.points import Monomial, may_be_monomials
from symgd.verify.mistakes.rewriting import Edit, Piece
from symgd.verify.mistakes.written import Run

_INVERSES: dict[str, tuple[str, ...]] = {
    "exp": ("log",),
    "log": ("exp",),
    "sinh": ("asinh",),
    "asinh": ("sinh",),
    "tanh": ("atanh",),
    "atanh": ("tanh",),
    "atan": ("tan",),
    "asin": ("sin",),
    "acos": ("cos",),
    "acosh": ("cosh",),
    "sin": ("asin",),
    "cos": ("acos",),
    "tan": ("atan",),
    "cosh": ("acosh",),
}
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if not b.contains(0) else arb("nan"),
}


class ValueSearch(Search):
    """Changes after which a formula has other values."""

    def edits(self, targets: Sequence[Any]) -> Iterator[Edit]:
        """Changes after which the formula has the values `targets`; the simplest first."""
        wanted = self._wanted(targets)
        known = [i for i in self.order if i in wanted]
        for find_some in (self._extra, self._numbers, self._other_operators, self._factors, self._other_functions, self._monomials):
            for i in known:
                yield from find_some(i, wanted[i])
        for i in known:
            yield from self._replaced(i, wanted[i])
        for i in known:
            if not self.written.is_factor(i):
                yield from self._with_pieces(quotients(wanted[i], self._values(i)), partial(self.rewriting.times, i))
        for i in known:
            if self.written.is_whole_sum(i):
                rest = [a - b for a, b in zip(wanted[i], self._values(i))]
                yield from self._with_pieces(rest, partial(self.rewriting.plus, i))
        unsure = [i for i in self.order if i not in wanted or not self.written.is_below_arithmetic(i)]
        target = Target(targets, is_slope=False)
        yield from self.tried(target, unsure)
        yield from self.tried_with_pieces(target, unsure)

    @cached_property
    def _powered_pieces(self) -> list[Piece]:
        """The pieces that are more than a variable, with known rates of growth."""
        return [piece for piece in self.pool if piece.rates is not None and piece.text not in self.points.names]

    @cached_property
    def _rates(self) -> npt.NDArray[np.float64]:
        return np.array([piece.rates for piece in self._powered_pieces]).reshape(len(self._powered_pieces), len(self.points.names))

    def _values(self, i: int) -> list[Any]:
        return [run.values[i] for run in self.runs]

    def _extra(self, i: int, wanted: Sequence[Any]) -> Iterator[Edit]:
        if self.written.is_term(i) and all(value.contains(0) for value in wanted):
            yield self.rewriting.without(i)

    def _numbers(self, i: int, wanted: Sequence[Any]) -> Iterator[Edit]:
        if self.written.parts[i].operator == "number" and (number := simple(wanted)) is not None:
            yield self.rewriting.number(i, number)

    def _factors(self, i: int, wanted: Sequence[Any]) -> Iterator[Edit]:
        if number := simple(quotients(wanted, self._values(i))):
            yield self.rewriting.times(i, (number, {}))

    def _monomials(self, i: int, wanted: Sequence[Any]) -> Iterator[Edit]:
        if not self.written.is_factor(i) and (found := self.points.monomial(quotients(wanted, self._values(i)))):
            yield self.rewriting.times(i, found)
        if self.written.is_whole_sum(i) and (found := self.points.monomial([a - b for a, b in zip(wanted, self._values(i))])):
            yield self.rewriting.plus(i, found)

    def _replaced(self, i: int, wanted: Sequence[Any]) -> Iterator[Edit]:
        operator = self.written.parts[i].operator
        if operator != "number":
            for piece in self.pool:
                if same([own.value for own in piece.duals], wanted):
                    yield self.rewriting.replaced(i, piece.text, "function" if operator == "call" else "variable, term")

    def _other_functions(self, i: int, wanted: Sequence[Any]) -> Iterator[Edit]:
        part = self.written.parts[i]
        arguments = [[run.values[c] for c in part.children] for run in self.runs]
        if part.operator != "call":
            return
        for other in rows():
            if isinstance(other, Elementwise) and other.arity == part.what.arity and other is not part.what:
                is_right = near(apply(other, *arguments[0]), wanted[0])
                if is_right and same([apply(other, *own) for own in arguments], wanted):
                    yield self.rewriting.function(i, other.name)

    def _other_operators(self, i: int, wanted: Sequence[Any]) -> Iterator[Edit]:
        part = self.written.parts[i]
        if part.operator not in OPERATORS:
            return
        one, other = (self._values(c) for c in part.children)
        for operator, combined in OPERATORS.items():
            if operator != part.operator and same([combined(a, b) for a, b in zip(one, other)], wanted):
                yield self.rewriting.operator(i, operator)

    def _with_pieces(self, values: Sequence[Any], made: Callable[[Monomial, Piece, Fraction], Edit]) -> Iterator[Edit]:
        """Is it a power of a piece, times a monomial?"""
        rates = self.points.rates(values)
        if rates is None:
            return
        for place, n in np.argwhere(may_be_monomials(rates, POWERS, self._rates)):
            if self.is_late():
                return
            piece, power = self._powered_pieces[place], POWERS[n]
            factors = [(own**power).value for own in piece.duals]
            if found := self.points.monomial(quotients(values, factors)):
                yield made(found, piece, power)

    def _wanted(self, targets: Sequence[Any]) -> dict[int, list[Any]]:
        """The values each part should have, the others being right; parts where that is not one number are left out."""
        last = len(self.written.parts) - 1
        found = {last: list(targets)}
        for parent in reversed(range(last + 1)):
            if parent not in found:
                continue
            for k, child in enumerate(self.written.parts[parent].children):
                values = [self._inverse(parent, k, run, wanted) for run, wanted in zip(self.runs, found[parent])]
                if all(value is not None and usable(value) for value in values):
                    found[child] = values
        return found

    def _inverse(self, parent: int, k: int, run: Run, wanted: Any) -> Any:
        part = self.written.parts[parent]
        own = [run.values[c] for c in part.children]
        operator = part.operator
        try:
            if operator == "+":
                return wanted - own[1 - k]
            if operator == "-":
                return own[0] - wanted if k else wanted + own[1]
            if operator == "negative":
                return -wanted
            if operator == "*":
                return wanted / own[1 - k]
            if operator == "/":
                return own[0] / wanted if k else wanted * own[1]
            if operator == "^":
                if k:
                    return abs(wanted).log() / abs(own[0]).log()
                root = abs(wanted) ** (1 / own[1])
                is_odd = own[1].is_integer() and not (own[1] / 2).is_integer()
                return root if is_positive(wanted if is_odd else own[0]) else -root
        except ZeroDivisionError:
            return None
        if part.what.name == "sqrt":
            return wanted * wanted
        for name in _INVERSES.get(part.what.name, ()):
            row = find(name)
            assert isinstance(row, Elementwise)
            return apply(row, wanted)
        return None
