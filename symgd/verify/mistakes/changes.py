"""Changes to a formula that are tried out one by one, and the search that both sides share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from symgd.verify.mistakes.numbers import Dual, dual, near, usable
from symgd.verify.mistakes.points import Monomial, Points
from symgd.verify.mistakes.rewriting import RELATED, Edit, Piece, Rewriting
from symgd.verify.mistakes.written import Run, Written

POWERS = tuple(map(Fraction, ("1", "-1", "2", "-2", "1/2", "-1/2", "3/2", "-3/2", "3", "-3")))
_ONE: Monomial = (Fraction(1), {})
_WHOLE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Change:
    """Part `i` becomes another number, `at(k)` at run k; `edit()` writes it."""

    i: int
    at: Callable[[int], Dual]
    edit: Callable[[], Edit]


class Search:
    """Changes to one formula; `pool` are the parts of the claim that may stand in it."""

    def __init__(self, written: Written, runs: Sequence[Run], points: Points, pool: Sequence[Piece], ends: float) -> None:
        self.written, self.runs, self.points, self.pool, self.ends = written, runs, points, pool, ends
        self.order = written.top_down()
        self.rewriting = Rewriting(written, runs, points)

    def is_late(self) -> bool:
        return time.monotonic() > self.ends

    def matching(self, changes: Iterator[Change], targets: Sequence[Any], is_slope: bool) -> Iterator[Edit]:
        """The changes after which the value, or the slope, of the formula is as wanted."""
        for change in changes:
            if self.is_late():
                return
            if all(self._matches(change, k, target, is_slope) for k, target in self._by_distance(targets)):
                yield change.edit()

    def _by_distance(self, targets: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """The first point, then those far from it: what fails, fails soon."""
        yield 0, targets[0]
        for k in range(len(targets) - 1, 0, -1):
            yield k, targets[k]

    def _matches(self, change: Change, k: int, target: Any, is_slope: bool) -> bool:
        changed = change.at(k)
        if not usable(changed.value):
            return False
        if not is_slope:
            return near(self.written.revalued(self.runs[k], change.i, changed.value), target)
        return usable(changed.slope) and near(self.written.replayed(self.runs[k], change.i, changed).slope, target)

    # ---- what is tried

    def small_changes(self) -> Iterator[Change]:
        """Another number, another function, a sign, a factor 2, another exponent."""
        for i in self.order:
            part = self.written.parts[i]
            if part.operator == "number":
                value = part.what
                for number in (value - 1, value + 1, -value, 2 * value, value / 2, 1 / value if value else value):
                    if number != value:
                        yield Change(i, partial(_always, dual(number)), partial(self.rewriting.number, i, number))
        for i in self.order:
            part = self.written.parts[i]
            if part.operator == "call":
                for name in RELATED.get(part.what.name, ()):
                    yield Change(i, partial(self._called, i, name), partial(self.rewriting.function, i, name))
            for number in (Fraction(-1), Fraction(2), Fraction(1, 2)):
                yield Change(i, partial(self._scaled, i, number), partial(self.rewriting.times, i, (number, {})))
            for power in (Fraction(2), Fraction(1, 2), Fraction(3, 2), Fraction(-1)):
                yield Change(i, partial(self._powered, i, power), partial(self.rewriting.powered, i, power))

    def pieces_tried(self) -> Iterator[Change]:
        """Another part of the claim as a term, as a factor, below, or in the place of a part."""
        write = self.rewriting
        for piece in self.pool:
            for i in self.order:
                if self.written.is_whole_sum(i):
                    for sign in (Fraction(1), Fraction(-1)):
                        yield Change(i, partial(self._plus, i, piece, sign), partial(write.plus, i, (sign, {}), piece, _WHOLE))
                if not self.written.is_factor(i):
                    for power in (_WHOLE, -_WHOLE):
                        yield Change(i, partial(self._times, i, piece, power), partial(write.times, i, _ONE, piece, power))
                yield Change(i, piece.duals.__getitem__, partial(write.replaced, i, piece.text, "variable, term"))

    def _called(self, i: int, name: str, k: int) -> Dual:
        return self.written.called(self.runs[k], i, name)

    def _scaled(self, i: int, number: Fraction, k: int) -> Dual:
        return self.runs[k][i] * dual(number)

    def _powered(self, i: int, power: Fraction, k: int) -> Dual:
        return self.runs[k][i] ** power

    def _plus(self, i: int, piece: Piece, sign: Fraction, k: int) -> Dual:
        return self.runs[k][i] + piece.duals[k] * dual(sign)

    def _times(self, i: int, piece: Piece, power: Fraction, k: int) -> Dual:
        return self.runs[k][i] * piece.duals[k] ** power


def _always(number: Dual, k: int) -> Dual:
    return number
