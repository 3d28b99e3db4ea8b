"""What a condition on indices makes of the branch it guards: `x[i-1] if i >= 2 else 0`.

The guard says low <= L <= high of a form L such as i, or i - j. In the branch, L is an index of its own, t, that runs from low to high,
and one letter of L is written with it: i = t + j. Where that names an index of the right range for all t and j, the branch is read in t
and j alone, and put back at its places by the delta i = t + j (`is_whole`): it is never evaluated where the guard does not hold, and is the
same expression as the sum whose derivative it is. Otherwise the branch keeps its letters, and only subscripts that would leave their
range without the guard are written with t.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from symgd.algebra import expression as ex
from symgd.algebra.choices import may_be_undefined
from symgd.algebra.dimension import Dimension
from symgd.algebra.functions.table import elementwise
from symgd.algebra.operations import Affine, Index, Value

Terms = dict[str, int]  # coefficients of index names
_HARMLESS = {"power", "where", "less", "less_equal", "equal", "not_equal"}


@dataclass(frozen=True, slots=True)
class Moved:
    """What a letter is written as in a branch: a form of other letters."""

    terms: Terms
    constant: Dimension


Scope = Mapping[str, Index | Value | Moved]


@dataclass(frozen=True, slots=True)
class Guard:
    """low <= Σ coefficient × letter <= high; None where there is no bound on that side. `solved` is the letter that stands alone in it."""

    terms: Terms
    low: Dimension | None
    high: Dimension | None
    solved: str = ""

    def also(self, other: Guard) -> Guard | None:
        """Both guards as one; None where they speak of different forms, or the sizes decide which is stricter."""
        if self.terms != other.terms:
            return None
        low, high = _stricter(self.low, other.low), _stricter(other.high, self.high, upper=True)
        undecided = (low is None and self.low and other.low) or (high is None and self.high and other.high)
        return None if undecided else Guard(self.terms, low, high, self.solved)


@dataclass(slots=True)
class Narrowing:
    """A guard at work, see the module: t is the index `values`, or the one value `fixed`; `letter`, called `name`, is at `place`."""

    form: Affine  # L
    values: Index | None
    fixed: Dimension
    name: str
    letter: Index
    place: Affine  # i as a form of t and the other letters
    is_whole: bool
    is_used: bool = False

    @property
    def is_never(self) -> bool:
        """Is there no index for which the guard holds?"""
        return self.values is not None and self.values.length.at_least(1) is False

    @property
    def is_safe(self) -> bool:
        """Is there such a range whatever the sizes? `i >= 3` says one of n - 2 values, which is none where n is 1."""
        return self.values is None or self.values.length.at_least(0) is True

    def scope(self, outside: Scope) -> dict[str, Index | Value | Moved]:
        """The letters of the branch, t among them, so that no other index is named like it."""
        inside = dict(outside)
        if not self.is_whole:
            return inside | ({self.values.name: self.values} if self.values is not None else {})
        if self.values is not None and self.place.coefficients == ((self.values, 1),) and not self.place.constant.terms:
            inside[self.name] = self.values
            return inside
        names = {index: name for name, index in outside.items() if isinstance(index, Index)}
        if self.values is not None:
            inside[self.values.name], names[self.values] = self.values, self.values.name
        moved = Moved({names[index]: c for index, c in self.place.coefficients}, self.place.constant)
        inside[self.name] = moved
        for name, value in outside.items():
            if isinstance(value, Moved) and self.name in value.terms:
                inside[name] = _replaced(value, self.name, moved)
        return inside

    def reach(self, subscript: Affine, scope: Scope, size: Dimension) -> Affine | None:
        """The subscript written with t so that it stays inside 1..size, if the guard makes it so; any, where the branch is never taken."""
        if self.is_never:
            return Affine((), Dimension.of(1))
        alive = [value for value in scope.values() if isinstance(value, Index)]
        written = dict(subscript.coefficients)
        for index, coefficient in self.form.coefficients:
            times, rest = divmod(written.get(index, 0), coefficient)
            if rest or not times or index not in alive:
                continue
            found = written | {i: written.get(i, 0) - times * c for i, c in self.form.coefficients}
            if self.values is not None:
                found[self.values] = times
            shift = self.fixed * times if self.values is None else 0
            affine = Affine(tuple((i, c) for i, c in found.items() if c), subscript.constant + shift)
            if is_inside(affine, size):
                self.is_used = True
                return affine
        return None

    def embedded(self, value: Value) -> Value:
        """The value of the branch where the guard holds, elsewhere 0."""
        if self.is_never:
            return Value(ex.full(0, value.shape), (), value.row)
        indices = tuple(index for index, _ in self.place.coefficients)
        offset = self.place.constant - self.letter.lower
        for index, coefficient in self.place.coefficients:
            offset = offset + index.lower * coefficient
        delta = ex.select(self.letter.length, offset, tuple(c for _, c in self.place.coefficients), tuple(i.length for i in indices))
        labels = (self.letter, *indices)
        free = tuple(dict.fromkeys(i for i in (*value.free, *labels) if i != self.values))
        axes = tuple(range(value.rank))
        own = (*value.free, *axes)
        if self.is_whole or is_harmless(value):
            return Value(ex.contract(1, [(delta, labels), (value.node, own)], (*free, *axes)), free, value.row)
        # The value may be undefined or infinite where the guard does not hold: it is chosen, not multiplied.
        every = (*free, *axes, *([self.values] if self.values is not None else []))
        sizes: dict[object, Dimension] = dict(zip((*labels, *own), (*delta.shape, *value.node.shape)))
        condition, chosen = (ex.contract(1, [factor], every, sizes) for factor in ((delta, labels), (value.node, own)))
        found = ex.apply(elementwise("where"), condition, chosen, 0)
        return Value(ex.contract(1, [(found, every)], (*free, *axes)), free, value.row)


def is_harmless(value: Value) -> bool:
    """Is it a polynomial, so that 0 times it is 0 wherever it is evaluated? An exponential may overflow, a logarithm be undefined."""
    nodes = ex.topological(value.node)
    functions = {node.function.name for node in nodes if isinstance(node, ex.Map | ex.Along)}
    return functions <= _HARMLESS and not may_be_undefined(value.node, {}) and not any(isinstance(node, ex.Unknown) for node in nodes)


def narrowing(guard: Guard, scope: Scope) -> Narrowing | None:
    """The guard at work; None where it says nothing, or no letter can be written with it."""
    letters = {name: index for name in guard.terms if isinstance(index := scope[name], Index)}
    form = Affine(tuple((letters[name], c) for name, c in guard.terms.items()), Dimension.of(0))
    least, most = ends(form)
    low, high = _stricter(least, guard.low) or guard.low, _stricter(guard.high, most, upper=True) or guard.high
    if low is None or high is None or (low == least and high == most):
        return None
    is_never = (high - low).at_least(0) is False
    if is_never:
        high = low - 1
    values = None if low == high else Index(_label(scope, next(iter(letters))), low, high - low + 1)
    found: list[Narrowing] = []
    for name in sorted(letters, key=lambda name: (name != guard.solved, list(scope).index(name))):
        coefficient, index = guard.terms[name], letters[name]
        if abs(coefficient) == 1:
            own = ((values, coefficient),) if values is not None else ()
            others = tuple((other, -coefficient * c) for other, c in form.coefficients if other != index)
            place = Affine(own + others, Dimension.of(0) if values is not None else low * coefficient)
            whole = is_inside(Affine(place.coefficients, place.constant - index.lower + 1), index.length)
            found.append(Narrowing(form, values, low, name, index, place, whole and not is_never))
    return next((one for one in found if one.is_whole), found[0] if found else None)


def ends(affine: Affine) -> tuple[Dimension, Dimension]:
    """The least and the largest value of a form of indices."""
    low = high = affine.constant
    for index, coefficient in affine.coefficients:
        least, most = index.lower * coefficient, (index.lower + index.length - 1) * coefficient
        low, high = (low + least, high + most) if coefficient > 0 else (low + most, high + least)
    return low, high


def is_inside(affine: Affine, size: Dimension) -> bool:
    """Does the subscript stay in 1..size, whatever the indices and sizes?"""
    low, high = ends(affine)
    return low.at_least(1) is True and (size - high).at_least(0) is True


def _stricter(one: Dimension | None, other: Dimension | None, upper: bool = False) -> Dimension | None:
    """The larger of two lower bounds, the smaller of two upper ones; None where the sizes decide, or there is none."""
    if one is None or other is None:
        return one or other
    difference = other - one if upper else one - other
    if difference.at_least(0):
        return one
    return other if (-difference).at_least(0) else None


def _replaced(value: Moved, name: str, moved: Moved) -> Moved:
    factor = value.terms[name]
    terms = {other: c for other, c in value.terms.items() if other != name}
    for other, c in moved.terms.items():
        terms[other] = terms.get(other, 0) + factor * c
    return Moved({other: c for other, c in terms.items() if c}, value.constant + moved.constant * factor)


def _label(scope: Scope, name: str) -> str:
    """A name for an index that no index in sight has; a user cannot write it."""
    taken = {name for value in scope.values() for name in _names(value)}
    name += "'"
    while name in taken:
        name += "'"
    return name


def _names(value: Index | Value | Moved) -> Iterable[str]:
    if isinstance(value, Index):
        return (value.name,)
    return [index.name for index in value.free] if isinstance(value, Value) else ()
