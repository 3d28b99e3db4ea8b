"""Slips of the pen where the slope wanted is known: in the formula that the left side of a claim derives.

A part that enters linearly is solved for: what factor, what term does it lack? At the others a short list of changes is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

from flint import arb

from symgd.verify.mistakes.changes import POWERS, Search
from symgd.verify.mistakes.numbers import Dual, ball, near, quotients, usable
from symgd.verify.mistakes.points import Monomial
from symgd.verify.mistakes.rewriting import Edit, Piece

_NOTHING = Dual(arb(0), arb(0))
EXPONENTS = range(-3, 4)  # of the variable, beside a part that is missing


class SlopeSearch(Search):
    """Changes after which the derivative of a formula is another one."""

    def edits(self, targets: Sequence[Any]) -> Iterator[Edit]:
        """Changes after which the derivative has the values `targets`; the simplest first."""
        errors = [target - run.slopes[-1] for target, run in zip(targets, self.runs)]
        linear = [i for i in self.order if self.written.is_linear(i)]
        terms = [i for i in linear if self.written.is_whole_sum(i)]
        products = [i for i in linear if not self.written.is_factor(i) and self.written.depends[i]]
        for i in products:
            if found := self._constant(quotients([a + b for a, b in zip(errors, self._shares(i))], self._shares(i))):
                yield self.rewriting.times(i, found)
        for i in terms:
            yield from self._lost_monomial(i, errors)
        yield from self.matching(self.small_changes(), targets, is_slope=True)
        for i in terms:
            yield from self._lost_pieces(i, errors)
        for i in products:
            yield from self._lost_factors(i, errors)
        yield from self.matching(self.pieces_tried(), targets, is_slope=True)

    def _shares(self, i: int) -> list[Any]:
        """What part i, which enters linearly, adds to the derivative."""
        return [run.slopes[-1] - self.written.replayed(run, i, _NOTHING).slope for run in self.runs]

    def _gain(self, i: int, added: Dual, k: int) -> Any:
        """What the derivative gains where something is added to part i."""
        return self.written.replayed(self.runs[k], i, self.runs[k][i] + added).slope - self.runs[k].slopes[-1]

    def _lost_monomial(self, i: int, errors: Sequence[Any]) -> Iterator[Edit]:
        count = range(len(self.runs))
        if any(self._gain(i, Dual(arb(1), arb(0)), k) != 0 for k in count):
            return  # what stands before the part depends on the variable
        slope = self.points.monomial(quotients(errors, [self._gain(i, Dual(arb(0), arb(1)), k) for k in count]))
        if slope and (lost := _integral(slope, self.written.variable)):
            yield self.rewriting.plus(i, lost)

    def _lost_pieces(self, i: int, errors: Sequence[Any]) -> Iterator[Edit]:
        variable = self.written.variable
        for piece in self.pool:
            for power in EXPONENTS:
                if found := self._constant_quotient(errors, partial(self._gain_of, i, piece, power)):
                    number, exponents = found
                    monomial = (number, {**exponents, variable: Fraction(power)} if power else exponents)
                    yield self.rewriting.plus(i, monomial, piece, Fraction(1))

    def _gain_of(self, i: int, piece: Piece, power: int, k: int) -> Any:
        x = Dual(ball(self.points.points[k][self.written.variable]), arb(1))
        return self._gain(i, piece.duals[k] * x ** Fraction(power) if power else piece.duals[k], k)

    def _lost_factors(self, i: int, errors: Sequence[Any]) -> Iterator[Edit]:
        wanted = [a + b for a, b in zip(errors, self._shares(i))]
        rest = [run.slopes[-1] - share for run, share in zip(self.runs, self._shares(i))]
        for piece in self.pool:
            if any(own.slope != 0 for own in piece.duals):
                for power in POWERS:
                    if found := self._constant_quotient(wanted, partial(self._share_with, i, piece, power, rest)):
                        yield self.rewriting.times(i, found, piece, power)

    def _share_with(self, i: int, piece: Piece, power: Fraction, rest: Sequence[Any], k: int) -> Any:
        return self.written.replayed(self.runs[k], i, self.runs[k][i] * piece.duals[k] ** power).slope - rest[k]

    def _constant_quotient(self, above: Sequence[Any], below: Callable[[int], Any]) -> Monomial | None:
        """The monomial without the variable that a quotient is at all points; first it is looked whether the variable moves it."""
        if self.is_late():
            return None
        moved = 1 + self.points.names.index(self.written.variable)
        found: dict[int, Any] = {}
        for k in (0, moved, *range(len(above))):
            if k not in found:
                value = below(k)
                if not usable(value) or value.contains(0):
                    return None
                found[k] = above[k] / value
                if k == moved and not near(found[0], found[k]):
                    return None
        return self._constant([found[k] for k in range(len(above))])

    def _constant(self, values: Sequence[Any]) -> Monomial | None:
        found = self.points.monomial(values)
        return None if found is None or self.written.variable in found[1] else found


def _integral(found: Monomial, variable: str) -> Monomial | None:
    """The monomial whose derivative this is."""
    number, exponents = found
    power = exponents.get(variable, Fraction(0)) + 1
    return None if not power else (number / power, {**exponents, variable: power})
