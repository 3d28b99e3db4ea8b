"""Slips of the pen where the slope wanted is known: in the formula that the left side of a claim derives.

A part that enters linearly is solved for: what factor, what term does it lack? At the others a short list of changes is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from symgd.verify.mistakes.changes import POWERS, Search, Target
from symgd.verify.mistakes.floats import as_floats, may_be_near, power
from symgd.verify.mistakes.numbers import Dual, ball, quotients
from symgd.verify.mistakes.points import Monomial
from symgd.verify.mistakes.rewriting import Edit, Piece, Rewriting
from symgd.verify.mistakes.written import Run

EXPONENTS = tuple(map(Fraction, range(-3, 4)))  # of the variable, beside a part that is missing


class SlopeSearch(Search):
    """Changes after which the derivative of a formula is another one."""

    def edits(self, targets: Sequence[Any]) -> Iterator[Edit]:
        """Changes after which the derivative has the values `targets`; the simplest first."""
        errors = [target - run.slopes[-1] for target, run in zip(targets, self.runs)]
        linear = [i for i in self.order if self._is_linear(i)]
        terms = [i for i in linear if self.written.is_whole_sum(i)]
        products = [i for i in linear if not self.written.is_factor(i) and self.written.depends[i]]
        for i in products:
            if found := self._constant(quotients(self._wanted(i, errors), self._shares(i))):
                yield self.rewriting.times(i, found)
        for i in terms:
            yield from self._lost_monomial(i, errors)
        target = Target(targets, is_slope=True)
        yield from self.tried(target, self.order)
        for i in terms:
            yield from self._lost(i, errors, self._term())
        for i in products:
            yield from self._lost(i, self._wanted(i, errors), FACTOR)
        yield from self.tried_with_pieces(target, self.order)

    def _is_linear(self, i: int) -> bool:
        return all(run.factors[i] is not None for run in self.runs)

    def _gain(self, run: Run, i: int, added: Dual) -> Any:
        """What the derivative gains where something is added to part i, which enters linearly."""
        factor = run.factors[i]
        assert factor is not None
        return (factor * added).slope

    def _shares(self, i: int) -> list[Any]:
        """What part i adds to the derivative."""
        return [self._gain(run, i, run[i]) for run in self.runs]

    def _wanted(self, i: int, errors: Sequence[Any]) -> list[Any]:
        """What part i should add to it."""
        return [error + share for error, share in zip(errors, self._shares(i))]

    def _lost_monomial(self, i: int, errors: Sequence[Any]) -> Iterator[Edit]:
        if any(self._gain(run, i, Dual(arb(1), arb(0))) != 0 for run in self.runs):
            return  # what stands before the part depends on the variable
        slope = self.points.monomial(quotients(errors, [self._gain(run, i, Dual(arb(0), arb(1))) for run in self.runs]))
        if slope and (lost := _integral(slope, self.written.variable)):
            yield self.rewriting.plus(i, lost)

    def _lost(self, i: int, wanted: Sequence[Any], lost: Lost) -> Iterator[Edit]:
        """A piece, times a monomial, that part i lacks: with it the part adds to the derivative what is wanted.

        The quotient of both is constant in the variable; where it is not is seen in floats.
        """
        if not self.pool or self.is_late():
            return
        moved = 1 + self.points.names.index(self.written.variable)
        powers = np.array([float(power) for power in lost.powers])
        with np.errstate(all="ignore"):
            at = []
            for k in (0, moved):
                pool, run = self.pool_floats(k), self.floats(k)
                column = Dual(pool.value[:, None], pool.slope[:, None])
                x = Dual(complex(self.points.points[k][self.written.variable]), 1.0)
                at.append(as_floats(wanted[k : k + 1])[0] / self._gain(run, i, lost.added(run[i], column, x, powers, power)))
            may = may_be_near(*at)
        for place, n in np.argwhere(may):
            piece, exponent = self.pool[place], lost.powers[n]
            if not self.is_late() and (found := self._constant(quotients(wanted, self._added(i, piece, exponent, lost)))):
                yield lost.written(self.rewriting, i, found, piece, exponent)

    def _added(self, i: int, piece: Piece, exponent: Fraction, lost: Lost) -> list[Any]:
        found = []
        for k, run in enumerate(self.runs):
            x = Dual(ball(self.points.points[k][self.written.variable]), arb(1))
            found.append(self._gain(run, i, lost.added(run[i], piece.duals[k], x, exponent, pow)))
        return found

    def _constant(self, values: Sequence[Any]) -> Monomial | None:
        """The monomial without the variable that a quotient is at all points."""
        found = self.points.monomial(values)
        return None if found is None or self.written.variable in found[1] else found

    def _term(self) -> Lost:
        """A term that a part lacks: a piece times a power of the variable."""
        variable = self.written.variable

        def written(write: Rewriting, i: int, found: Monomial, piece: Piece, exponent: Fraction) -> Edit:
            number, exponents = found
            return write.plus(i, (number, {**exponents, variable: exponent} if exponent else exponents), piece, Fraction(1))

        return Lost(EXPONENTS, lambda own, piece, x, exponent, raised: piece * raised(x, exponent), written)


@dataclass(frozen=True, slots=True)
class Lost:
    """What a part may lack: `added(part, piece, variable, exponent, raised)` is what it adds to the formula, `raised` takes the power."""

    powers: Sequence[Fraction]
    added: Callable[[Dual, Dual, Dual, Any, Callable[[Dual, Any], Dual]], Dual]
    written: Callable[[Rewriting, int, Monomial, Piece, Fraction], Edit]


FACTOR = Lost(
    POWERS,
    lambda own, piece, x, exponent, raised: own * raised(piece, exponent),
    lambda write, i, found, piece, exponent: write.times(i, found, piece, exponent),
)


def _integral(found: Monomial, variable: str) -> Monomial | None:
    """The monomial whose derivative this is."""
    number, exponents = found
    power = exponents.get(variable, Fraction(0)) + 1
    return None if not power else (number / power, {**exponents, variable: power})
