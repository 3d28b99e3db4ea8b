"""Points where a formula and its gradient are compared with a program: ordinary ones, and those where programs go wrong.

An ordinary point is random in the declared domain. A hard one brings the argument of a function of the formula to one of the hard
points of its row (beside a kink, where digits cancel, where it overflows), or a variable to a magnitude between 5e-324 and 1e300 or to the
end of its interval. Dimensions are 1 at every third point, and small and different at the others. Values are floats, exactly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, islice, zip_longest
from random import Random
from typing import Any

from symgd.algebra import expression as ex
from symgd.algebra.certified import balls
from symgd.algebra.expression import Along, Contract, Expression, Leaf, Map
from symgd.calculus.reverse import kinks
from symgd.errors import SymgdError
from symgd.verify import sample

MAGNITUDES = (0.0, 5e-324, 1e-310, 1e-300, 1e-160, 1e-30, 1e-8, 30.0, 1e3, 1e8, 1e16, 1e100, 1e160, 1e300)
BESIDE = (1e-300, 1e-9)  # of a kink, in units of 1 or of its own size
FIXED = ("integer", "simplex", "orthogonal", "in {")  # what is declared so has no magnitude
ORDINARY = [
    k for k, (scale, _) in enumerate(sample.STRATA) if scale is not None and 0 < scale <= 1
]  # of ordinary points: entries of size 1
STEPS = 8  # of the secant method
NEAR = 1e-9  # relative: how near an argument comes to its target
_INTERVAL = re.compile(r"in *[\[(] *([^,]*), *([^,\])]*)[\])]\Z")

Nested = Any  # a float, or nested lists of them


@dataclass(frozen=True, slots=True)
class Point:
    """Floats for every variable, and the dimensions; `hard` says what is hard about it, "" where it is ordinary."""

    values: Mapping[str, Nested]
    sizes: Mapping[str, int]
    hard: str = ""


@dataclass(frozen=True, slots=True)
class _Target:
    """An argument, and what it is to be."""

    argument: Expression
    value: tuple[float, ...]
    what: str


class Points:
    """The points of a formula; the same seed gives the same ones."""

    def __init__(self, root: Expression, leaves: Sequence[Leaf], seed: int) -> None:
        self.root, self.leaves, self.random = root, list(leaves), Random(seed)
        dimensions = [d for node in ex.topological(root, *leaves) for d in node.shape]
        self.names = list(dict.fromkeys(name for d in dimensions for name in d.names))
        self.made = 0

    def ordinary(self) -> Iterator[Point]:
        """Without end."""
        while True:
            yield self._ordinary()

    def hard(self) -> Iterator[Point]:
        """Those of the functions and those of the variables in turn, each kind in random order."""
        of_functions, of_variables = self._targets(), self._magnitudes()
        self.random.shuffle(of_variables)
        for target, magnitude in zip_longest(of_functions, of_variables):
            if target is not None and (found := self._reached(target)) is not None:
                yield found
            if magnitude is not None:
                yield self._scaled(*magnitude)

    def _ordinary(self) -> Point:
        self.made += 1
        sizes = dict.fromkeys(self.names, 1) if self.made % 3 == 0 else sample.sizes(self.names, self.random)
        return Point(_floats(sample.point(self.leaves, sizes, self.random, ORDINARY[self.made % len(ORDINARY)])), sizes)

    # ---- of functions ------------------------------------------------------------------------------------------------

    def _targets(self) -> list[_Target]:
        """One of each function in turn, so that none is left out where points are few."""
        found: list[list[_Target]] = []
        for node in ex.topological(self.root):
            if isinstance(node, Along):
                found.append([self._target(node.children[0], point, node.function.name) for point in node.function.hard])
            if isinstance(node, Map):
                arguments = [child for child in node.children if ex.constant_value(child) is None and ex.leaves(child)]
                name = node.function.name
                found += [
                    [self._target(child, point[k : k + 1], name) for point in node.function.hard]
                    for k, child in enumerate(node.children)
                    if child in arguments
                ]
        for node, crossing in kinks(self.root, self.leaves):
            around = [
                float(kink) + sign * step * (abs(float(kink)) or 1) for kink in node.function.kinks for step in BESIDE for sign in (1, -1)
            ]
            found.append([_Target(crossing, (value,), f"beside the kink of {node.function.name}") for value in around])
        for row in found:
            self.random.shuffle(row)
        return [target for turn in zip_longest(*found) for target in turn if target is not None]

    def _target(self, argument: Expression, texts: Sequence[str], name: str) -> _Target:
        return _Target(argument, tuple(map(float, texts)), f"{name} at {', '.join(texts)}")

    def _reached(self, target: _Target) -> Point | None:
        """The target reached from an ordinary point: all entries of a variable, or one entry where the argument is something else."""
        start = self._ordinary()
        leaf, factor = _multiple_of_leaf(target.argument)
        if leaf is not None:
            values = cycle([value / factor for value in target.value])
            changed = {leaf.name: _filled(start.values[leaf.name], values)} if leaf.name in start.values else {}
            return Point({**start.values, **changed}, start.sizes, target.what)
        inside = [one for one in ex.leaves(target.argument) if not any(kind.startswith(FIXED) for kind in one.kind)]
        self.random.shuffle(inside)
        for one in sorted(inside, key=lambda one: bool(one.kind)):
            found = self._solved(target, one, start)
            if found is not None:
                return Point(found, start.sizes, target.what)
        return None

    def _solved(self, target: _Target, leaf: Leaf, start: Point) -> dict[str, Nested] | None:
        """One entry of a variable moved by the secant method until one entry of the argument is the target."""
        count = math.prod(d.evaluate(start.sizes) for d in leaf.shape)
        where, entry = self.random.randrange(max(count, 1)), self.random.random()
        flat = _flat(start.values[leaf.name])

        def moved(to: float) -> dict[str, Nested]:
            return {**start.values, leaf.name: _filled(start.values[leaf.name], [*flat[:where], to, *flat[where + 1 :]])}

        def value(at: float) -> float:
            try:
                found = balls(target.argument, moved(at), 160, start.sizes).flatten()
            except (SymgdError, ValueError):
                return math.nan
            return _middle(found[int(entry * len(found))]) if len(found) else math.nan

        wanted = target.value[0]
        here, there = flat[where], flat[where] + 1.0
        a, b = value(here), value(there)
        for _ in range(STEPS):
            if not (math.isfinite(a) and math.isfinite(b)) or a == b:
                return None
            here, there = there, there + (wanted - b) * ((there - here) / (b - a))
            if not math.isfinite(there):
                return None
            a, b = b, value(there)
            if abs(b - wanted) <= NEAR * abs(wanted):
                break
        return moved(there) if math.isfinite(b) else None

    # ---- of variables ------------------------------------------------------------------------------------------------

    def _magnitudes(self) -> list[tuple[list[Leaf], float, str]]:
        """Variables with the factor of their values, or a value near the end of their interval."""
        free = [leaf for leaf in self.leaves if not any(kind.startswith((*FIXED, "in")) for kind in leaf.kind)]
        groups = [[leaf] for leaf in free] + ([free] if len(free) > 1 else [])
        found = [(group, m, f"{', '.join(leaf.name for leaf in group)} of size {m:g}") for group in groups for m in MAGNITUDES]
        for leaf in self.leaves:
            for kind in leaf.kind:
                interval = _INTERVAL.match(kind)
                if interval:
                    low, high = (float(Fraction(text.strip())) for text in interval.groups())
                    ends = (math.nextafter(low, high), low + 1e-9 * (high - low), math.nextafter(high, low), high - 1e-9 * (high - low))
                    found += [([leaf], end, f"{leaf.name} at the end of its interval") for end in ends]
        return found

    def _scaled(self, group: Sequence[Leaf], size: float, what: str) -> Point:
        start = self._ordinary()
        changed = {}
        for leaf in group:
            flat = _flat(start.values[leaf.name])
            if what.endswith("interval"):
                moved = [size] * len(flat)
            else:
                largest = max(map(abs, flat), default=1.0) or 1.0
                moved = [entry / largest * size for entry in flat]
            changed[leaf.name] = _filled(start.values[leaf.name], moved)
        return Point({**start.values, **changed}, start.sizes, what)


def _multiple_of_leaf(node: Expression) -> tuple[Leaf | None, float]:
    """A variable and the number it is multiplied by, where the expression is that (or the variable repeated along more axes)."""
    if isinstance(node, Leaf):
        return node, 1.0
    if isinstance(node, Contract) and len(node.children) == 1 and isinstance(node.children[0], Leaf):
        labels = node.labels[0]
        if len(set(labels)) == len(labels) and all(label < node.rank for label in labels):
            return node.children[0], float(node.coefficient)
    return None, 1.0


def _middle(entry: Any) -> float:
    """The middle of a ball, or an exact number, as a float."""
    if hasattr(entry, "rad"):
        return float(entry.mid()) if entry.is_finite() else math.nan
    try:
        return int(entry.p) / int(entry.q)
    except OverflowError:
        return math.nan


def _floats(values: Mapping[str, Any]) -> dict[str, Nested]:
    def convert(value: Any) -> Nested:
        return [convert(entry) for entry in value] if isinstance(value, list) else float(value)

    return {name: convert(value) for name, value in values.items()}


def _flat(value: Nested) -> list[float]:
    return [entry for part in value for entry in _flat(part)] if isinstance(value, list) else [value]


def _filled(like: Nested, entries: Any) -> Nested:
    """Nested lists of the same shape with other entries, in order."""
    source = iter(entries)

    def build(part: Nested) -> Nested:
        return [build(inner) for inner in part] if isinstance(part, list) else next(source)

    return build(like)


def perturbed(point: Point, leaves: Sequence[Leaf], random: Random) -> dict[str, Nested]:
    """Every entry moved by one unit in its last place, up or down; the smallest away from 0, and whole numbers not at all."""

    def moved(entry: float) -> float:
        if not entry:
            return entry
        away = math.copysign(math.inf, entry)
        return math.nextafter(entry, away if abs(entry) < 1e-290 or random.random() < 0.5 else 0.0)

    fixed = {leaf.name for leaf in leaves if "integer" in leaf.kind or any(kind.startswith("in {") for kind in leaf.kind)}
    return {
        name: value if name in fixed else _filled(value, [moved(entry) for entry in _flat(value)]) for name, value in point.values.items()
    }


def first(points: Iterator[Point], count: int) -> list[Point]:
    return list(islice(points, count))
