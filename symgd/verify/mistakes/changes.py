"""Changes to a formula that are tried out, and the search that both sides share.

All changes to one part are looked at together in floats, at the first point; what may be right is then computed with balls, at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from symgd.verify.mistakes.floats import as_dual, as_floats, may_be_near
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


@dataclass(frozen=True, slots=True)
class Target:
    """What the formula should have at every point: the values of itself, or of its slope."""

    wanted: Sequence[Any]
    is_slope: bool


class Search:
    """Changes to one formula; `pool` are the parts of the claim that may stand in it."""

    def __init__(self, written: Written, runs: Sequence[Run], points: Points, pool: Sequence[Piece], ends: float) -> None:
        self.written, self.runs, self.points, self.pool, self.ends = written, runs, points, pool, ends
        self.order = written.top_down()
        self.rewriting = Rewriting(written, runs, points)
        self._floats: dict[int, Run] = {}
        self._pools: dict[int, Dual] = {}

    def is_late(self) -> bool:
        return time.monotonic() > self.ends

    def tried(self, target: Target, parts: Sequence[int]) -> Iterator[Edit]:
        """What is right of the small changes to these parts."""
        return self._right(self._screened(self._small_changes(parts), target), target)

    def tried_with_pieces(self, target: Target, parts: Sequence[int]) -> Iterator[Edit]:
        """What is right of the changes to these parts in which another part of the claim takes part."""
        return self._right(self._changes_with_pieces(target, parts), target)

    def _right(self, changes: Iterable[Change], target: Target) -> Iterator[Edit]:
        """The changes after which the value, or the slope, of the formula is as wanted."""
        for change in changes:
            if self.is_late():
                return
            if all(self._matches(change, k, target) for k in self._by_distance()):
                yield change.edit()

    def _by_distance(self) -> Iterator[int]:
        """The first point, then those far from it: what fails, fails soon."""
        yield 0
        yield from range(len(self.runs) - 1, 0, -1)

    def _matches(self, change: Change, k: int, target: Target) -> bool:
        changed = change.at(k)
        if not usable(changed.value):
            return False
        if not target.is_slope:
            return near(self.written.revalued(self.runs[k], change.i, changed.value), target.wanted[k])
        return usable(changed.slope) and near(self.written.replayed(self.runs[k], change.i, changed).slope, target.wanted[k])

    # ---- in floats

    def floats(self, k: int) -> Run:
        """The run at a point in floats."""
        if k not in self._floats:
            self._floats[k] = self.written.in_floats(self.runs[k])
        return self._floats[k]

    def pool_floats(self, k: int) -> Dual:
        """All pieces at a point in floats."""
        if k not in self._pools:
            self._pools[k] = as_dual([piece.duals[k] for piece in self.pool])
        return self._pools[k]

    def _may_match(self, i: int, changed: Dual, target: Target) -> npt.NDArray[np.bool_]:
        """May the formula be as wanted where part i is one of many numbers? What overflows may."""
        run, wanted = self.floats(0), as_floats(target.wanted[:1])[0]
        replayed = self.written.replayed(run, i, changed).slope if target.is_slope else self.written.revalued(run, i, changed.value)
        return may_be_near(replayed, wanted)

    def _screened(self, changes: Sequence[Change], target: Target) -> Iterator[Change]:
        at: dict[int, list[int]] = {}
        for place, change in enumerate(changes):
            at.setdefault(change.i, []).append(place)
        stay = np.zeros(len(changes), bool)
        with np.errstate(all="ignore"):
            for i, places in at.items():
                stay[places] = self._may_match(i, as_dual([changes[place].at(0) for place in places]), target)
        return (change for place, change in enumerate(changes) if stay[place])

    # ---- what is tried

    def _small_changes(self, parts: Sequence[int]) -> list[Change]:
        """Another number, another function, a sign, a factor 2, another exponent."""
        found = []
        for i in parts:
            part = self.written.parts[i]
            if part.operator == "number":
                value = part.what
                for number in (value - 1, value + 1, -value, 2 * value, value / 2, 1 / value if value else value):
                    if number != value:
                        found.append(Change(i, partial(_always, dual(number)), partial(self.rewriting.number, i, number)))
        for i in parts:
            part = self.written.parts[i]
            if part.operator == "call":
                for name in RELATED.get(part.what.name, ()):
                    found.append(Change(i, partial(self._called, i, name), partial(self.rewriting.function, i, name)))
            for number in (Fraction(-1), Fraction(2), Fraction(1, 2)):
                found.append(Change(i, partial(self._scaled, i, number), partial(self.rewriting.times, i, (number, {}))))
            for exponent in (Fraction(2), Fraction(1, 2), Fraction(3, 2), Fraction(-1)):
                found.append(Change(i, partial(self._powered, i, exponent), partial(self.rewriting.powered, i, exponent)))
        return found

    def _changes_with_pieces(self, target: Target, parts: Sequence[int]) -> Iterator[Change]:
        """Another part of the claim as a term, as a factor, below, or in the place of a part: those that may be right, by the piece."""
        if not self.pool:
            return
        pool, may = self.pool_floats(0), []
        with np.errstate(all="ignore"):
            for place, i in enumerate(parts):
                if self.is_late():
                    return
                forms = self._forms(i)
                changed = [form.of(self.floats(0)[i], pool) for form in forms]
                found = Dual(np.array([own.value for own in changed]), np.array([own.slope for own in changed]))
                may += [(piece, place, form) for form, piece in np.argwhere(self._may_match(i, found, target))]
        for piece, place, form in sorted(may):
            i = parts[place]
            chosen = self._forms(i)[form]
            yield Change(i, partial(self._formed, i, self.pool[piece], chosen), partial(chosen.write, self.rewriting, i, self.pool[piece]))

    def _forms(self, i: int) -> list[Form]:
        """The forms in which a piece may stand at part i."""
        sums = FORMS[:2] if self.written.is_whole_sum(i) else ()
        factors = () if self.written.is_factor(i) else FORMS[2:4]
        return [*sums, *factors, *FORMS[4:]]

    def _formed(self, i: int, piece: Piece, form: Form, k: int) -> Dual:
        return form.of(self.runs[k][i], piece.duals[k])

    def _called(self, i: int, name: str, k: int) -> Dual:
        return self.written.called(self.runs[k], i, name)

    def _scaled(self, i: int, number: Fraction, k: int) -> Dual:
        return self.runs[k][i] * dual(number)

    def _powered(self, i: int, power: Fraction, k: int) -> Dual:
        return self.runs[k][i] ** power


def _always(number: Dual, k: int) -> Dual:
    return number


@dataclass(frozen=True, slots=True)
class Form:
    """How a piece of the claim stands at a part: the number it makes of both, and how that is written."""

    of: Callable[[Dual, Dual], Dual]
    write: Callable[[Rewriting, int, Piece], Edit]


FORMS = (
    Form(lambda own, piece: own + piece, lambda write, i, piece: write.plus(i, _ONE, piece, _WHOLE)),
    Form(lambda own, piece: own - piece, lambda write, i, piece: write.plus(i, (-_WHOLE, {}), piece, _WHOLE)),
    Form(lambda own, piece: own * piece, lambda write, i, piece: write.times(i, _ONE, piece, _WHOLE)),
    Form(lambda own, piece: own / piece, lambda write, i, piece: write.times(i, _ONE, piece, -_WHOLE)),
    Form(lambda own, piece: piece, lambda write, i, piece: write.replaced(i, piece.text, "variable, term")),
)
