"""The numbers of a figure: values and gradients of a formula at many points, through its torch program."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from symgd.errors import DomainError, FormulaError, ShapeError, ValueGivenError
from symgd.formula import Formula, as_formula, unknown_name

Box = tuple[tuple[float, float], ...]
_RANGES = 'Write box=((-2, 2), (-1, 3)), or --box "x=[-2, 2], y=[-1, 3]" on the command line.'


def scalar_formula(f: Any) -> Formula:
    found = as_formula(f)
    if found.shape:
        raise ShapeError("a figure is drawn of a scalar formula.", hint="Reduce it with sum, mean or norm2.")
    return found


def axes_of(f: Formula, variables: Any, count: int, values: Mapping[str, Any]) -> list[str]:
    """The names of the axes: those given, or else the scalar variables that have no value."""
    names = [variables] if isinstance(variables, str) else list(variables or ())
    for name in names:
        if name not in f.known:
            unknown_name(name, f.known)
        if f.known[name].shape:
            raise ShapeError(f"{name} is an array, and an axis is a number.", hint="Draw a slice: symgd.plot_slice.")
    names = names or [name for name, leaf in f.leaves.items() if not leaf.shape and name not in values]
    if not names:
        hint = "Draw a slice of an array along a direction: symgd.plot_slice, or --kind slice on the command line." if f.leaves else ""
        raise FormulaError("the formula has no scalar variable for an axis.", hint=hint)
    if len(names) != count:
        words = {1: "one variable", 2: "two variables"}[count]
        reason = f"this figure has {words} for its {'axis' if count == 1 else 'axes'}, and there are {len(names)}."
        raise FormulaError(reason, hint=f"Name {words}, and give the others values.")
    missing = [name for name in f.variables if name not in names and name not in values]
    if missing:
        have, them = ("has", "it a value") if len(missing) == 1 else ("have", "them values")
        hint = f'Give {them}: values={{"{missing[0]}": 1}}, or --at "{missing[0]}=1" on the command line.'
        raise ValueGivenError(f"{', '.join(missing)} {have} no value.", hint=hint)
    return names


class Numbers:
    """A formula of some scalars, the others fixed: its values and slopes at points."""

    def __init__(self, f: Formula, names: Sequence[str], values: Mapping[str, Any]) -> None:
        from symgd.lowering.torch_program import to_torch

        self.names = list(names)
        self.fixed = {name: value for name, value in values.items() if name in f.variables and name not in self.names}
        self.used = [name for name in self.names if name in f.variables]
        self.program = to_torch(f, gradient=self.used) if self.used else None
        self.constant = 0.0 if self.used else float(f.evaluate(self.fixed))
        self.takes_batches = not any(leaf.shape for leaf in f.leaves.values())

    def at(self, point: Sequence[float]) -> tuple[float, list[float]]:
        """The value and the slopes."""
        if self.program is None:
            return self.constant, [0.0] * len(self.names)
        told = {name: float(value) for name, value in zip(self.names, point) if name in self.used}
        value, slopes = self.program({**self.fixed, **told})
        return float(value), [float(slopes[name]) if name in slopes else 0.0 for name in self.names]

    def many(self, points: Any) -> tuple[Any, Any]:
        """Values, and slopes in columns, at the points that are the rows of an array; nan where a declaration leaves a point out.

        One call where all variables are scalars and no point is left out.
        """
        import numpy as np

        points = np.asarray(points, float)
        if self.program is not None and self.takes_batches:
            with suppress(DomainError):
                columns = {name: points[:, k] for k, name in enumerate(self.names) if name in self.used}
                value, slopes = self.program({**self.fixed, **columns})
                none = np.zeros(len(points))
                return value.numpy(), np.stack([slopes[name].numpy() if name in slopes else none for name in self.names], axis=1)
        found, left_out = [], 0
        for point in points:
            try:
                found.append(self.at(point))
            except DomainError:
                left_out += 1
                if left_out == len(points):
                    raise
                found.append((math.nan, [math.nan] * len(self.names)))
        return np.array([value for value, _ in found]), np.array([slopes for _, slopes in found])


def box_of(box: Any, count: int, points: Sequence[Sequence[float]], least: float = 1.0) -> Box:
    """The ranges of the axes: those given, or such that all the points are well inside."""
    if box is not None:
        flat = [box] if count == 1 and not isinstance(box[0], Sequence) else list(box)
        if len(flat) != count or any(len(side) != 2 or not side[0] < side[1] or not all(map(math.isfinite, side)) for side in flat):
            raise ValueGivenError("a box has a lower and a larger upper end for each axis.", hint=_RANGES)
        return tuple((float(low), float(high)) for low, high in flat)
    if not points:
        return ((-3.0, 3.0),) * count
    found = []
    for coordinates in zip(*points):
        finite = [value for value in coordinates if math.isfinite(value)] or [0.0]
        low, high = min(finite), max(finite)
        margin = max(0.25 * (high - low), 0.5 * least)
        found.append((low - margin, high + margin))
    return tuple(found)


def mesh(box: Box, count: int) -> tuple[Any, Any]:
    """The coordinates along the two axes."""
    import numpy as np

    (left, right), (low, high) = box
    return np.linspace(left, right, count), np.linspace(low, high, count)


def levels_of(values: Any, count: int = 14) -> Any:
    """Levels for contours, dense where the values are low, so that a steep wall does not take them all."""
    import numpy as np

    finite = values[np.isfinite(values)]
    if not finite.size:
        raise ValueGivenError("the formula has no finite value in the box.", hint="Give another box.")
    low, high = float(finite.min()), float(np.quantile(finite, 0.97))
    if not high > low:
        return np.array([low - 1, low, low + 1])
    return low + (high - low) * np.linspace(0.02, 1, count) ** 2
