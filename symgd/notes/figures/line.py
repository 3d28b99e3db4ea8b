"""One number along the axis: a curve with its tangent, the slice of f along a direction, the slope by the angle of the direction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from symgd.errors import ShapeError, ValueGivenError
from symgd.formula import Formula, as_formula, directional, formula, gradient
from symgd.notes.figures.canvas import ACCENT, DARK, PALE, label, sheet, style
from symgd.notes.figures.grid import Numbers, axes_of, box_of, scalar_formula

_POINTS = 401
_HALF = 100  # points of a slice on either side


def plot_curve(
    f: Any, variable: str | None = None, *, values: Mapping[str, Any] | None = None, box: Any = None, at: float | None = None
) -> Any:
    """The curve of f over one scalar variable, its derivative below, and the tangent `at` a point; a matplotlib Figure."""
    import numpy as np

    f = scalar_formula(f)
    told = {name: value for name, value in (values or {}).items() if name != variable}
    (name,) = axes_of(f, variable, 1, told)
    ((low, high),) = box_of(box, 1, [] if at is None else [[at - 2], [at + 2]])
    numbers = Numbers(f, [name], told)
    across = np.linspace(low, high, _POINTS)
    heights, slopes = numbers.many(across[:, None])
    slopes = slopes[:, 0]
    with style():
        figure, (upper, lower) = sheet(5.2, 4.6, rows=2, sharex=True, height_ratios=(2, 1))
        upper.plot(across, _clipped(heights), color=DARK, linewidth=1.8, label="value")
        lower.axhline(0, color=PALE, linewidth=0.8)
        lower.plot(across, _clipped(slopes), color=DARK, linewidth=1.4, linestyle="--")
        if at is not None:
            height, (slope,) = numbers.at([at])
            reach = 0.22 * (high - low)
            ends = np.array([at - reach, at + reach])
            tangent = height + slope * (ends - at)
            upper.plot(ends, tangent, color=ACCENT, linewidth=1.6, linestyle="--", label=f"tangent, slope {slope:.3g}")
            upper.plot([at], [height], "o", color="black", zorder=5)
            lower.plot([at], [slope], "o", color="black", zorder=5)
            upper.legend(loc="best")
        upper.set_ylabel("value")
        lower.set(xlabel=label(name), ylabel="derivative", xlim=(low, high))
    return figure


def _clipped(heights: Any) -> Any:
    """Values without the far ends of poles, which would make everything else flat."""
    import numpy as np

    finite = heights[np.isfinite(heights)]
    if not finite.size:
        raise ValueGivenError("the formula has no finite value in the box.", hint="Give another box.")
    low, high = np.quantile(finite, (0.01, 0.99))
    reach = 4 * (high - low)
    if reach == 0:
        return heights
    return np.where((heights < low - reach) | (heights > high + reach), np.nan, heights)


def _unit(direction: Any, length: float) -> list[float]:
    return [component / length for component in direction]


def plot_slice(
    f: Any,
    variables: Any = None,
    *,
    point: Mapping[str, Any],
    along: Any,
    reach: float = 1.5,
) -> Any:
    """The slice t ↦ f(P + t·u) through the point P, and its tangent at t = 0, whose slope is D_u f(P); a matplotlib Figure.

    `along` is divided by its length first: numbers for scalar variables, nested lists for an array. `reach` is how far t goes.
    Raises ShapeError where the direction does not fit, ValueGivenError for missing values.
    """
    import numpy as np

    f = scalar_formula(f)
    names = [variables] if isinstance(variables, str) else list(variables or [name for name, leaf in f.leaves.items() if not leaf.shape])
    if len(names) == 1:
        steps = {names[0]: np.asarray(_numbers(along if f.known[names[0]].shape or not _listed(along) else along[0]), float)}
    else:
        if not _listed(along) or len(along) != len(names):
            raise ShapeError(f"the direction needs {len(names)} components, one for each of {', '.join(names)}.")
        steps = {name: np.asarray(_number(component), float) for name, component in zip(names, along)}
    length = math.sqrt(sum(float((step**2).sum()) for step in steps.values()))
    if not 0 < length < math.inf:
        raise ValueGivenError("the direction has no length.", hint="Give one that is not zero.")
    start = {name: np.asarray(point[name], float) for name in names if name in point}
    missing = [name for name in names if name not in start]
    if missing:
        raise ValueGivenError(f"the point has no value for {missing[0]}.", hint="Give every variable a value.")
    bad = next((name for name in names if steps[name].shape != start[name].shape), None)
    if bad is not None:
        raise ShapeError(f"the direction of {bad} has the shape {steps[bad].shape}, the point {start[bad].shape}.")
    across = np.linspace(-reach, reach, 2 * _HALF + 1)
    heights, height, slope = _along(f, start, {name: step / length for name, step in steps.items()}, point, across)
    with style():
        figure, axes = sheet()
        axes.plot(across, _clipped(heights), color=DARK, linewidth=1.8, label="$f(P + t\\,u)$")
        ends = np.array([-0.6 * reach, 0.6 * reach])
        axes.plot(
            ends, height + slope * ends, color=ACCENT, linewidth=1.6, linestyle="--", label=f"tangent, slope $D_u f(P) = {slope:.4g}$"
        )
        axes.plot([0], [height], "o", color="black", zorder=5)
        axes.annotate("$P$", (0, height), textcoords="offset points", xytext=(7, -13))
        axes.set(xlabel="$t$", ylabel="value", xlim=(-reach, reach))
        axes.legend(loc="best")
    return figure


def _along(
    f: Formula, start: Mapping[str, Any], unit: Mapping[str, Any], point: Mapping[str, Any], across: Any
) -> tuple[Any, float, float]:
    """The values of f at the places `across` on the line through the start, and at the start the value and the slope along the line."""
    import numpy as np

    names = list(start)
    if all(np.ndim(step) == 0 for step in unit.values()):
        numbers = Numbers(f, names, point)
        height, slopes = numbers.at([float(start[name]) for name in names])
        line = np.stack([start[name] + across * unit[name] for name in names], axis=1)
        return numbers.many(line)[0], height, sum(float(part * unit[name]) for name, part in zip(names, slopes))
    from symgd.lowering.torch_program import to_torch

    program = to_torch(f, gradient=names)
    fixed = {name: value for name, value in point.items() if name in f.known}
    found = [program({**fixed, **{name: (start[name] + t * unit[name]).tolist() for name in names}})[0] for t in across]
    value, by_name = program({**fixed, **{name: start[name].tolist() for name in names}})
    return np.array(found, float), float(value), sum(float((np.asarray(by_name[name]) * unit[name]).sum()) for name in names)


def _listed(along: Any) -> bool:
    return isinstance(along, Sequence) and not isinstance(along, str)


def _numbers(along: Any) -> Any:
    return [_numbers(item) for item in along] if _listed(along) else _number(along)


def _number(item: Any) -> float:
    """A component: a number, or a text such as 3/5 or sqrt(2)/2."""
    found = formula(item) if isinstance(item, str) else as_formula(item)
    if found.variables or found.shape:
        raise ValueGivenError(f"the direction has the component {item}, which is no number.", hint="Write numbers, as in 3/5.")
    return float(found.evaluate())


def plot_directions(f: Any, variables: Sequence[str] | None = None, *, point: Mapping[str, Any]) -> Any:
    """The slope D_u f(P) by the angle of the unit vector u: a cosine between ±‖∇f(P)‖, largest along the gradient; a matplotlib Figure."""
    import numpy as np

    f = scalar_formula(f)
    others = {name: value for name, value in point.items() if variables is not None and name not in variables}
    names = axes_of(f, variables, 2, others)
    missing = [name for name in f.variables if name not in point]
    if missing:
        raise ValueGivenError(f"the point has no value for {missing[0]}.", hint="Give every variable a value.")
    value = gradient(f, names).evaluate(point).tolist()
    norm = math.hypot(*value)
    angles = np.linspace(0, 2 * np.pi, 145)
    towards = [f"u_{name}_" for name in names]
    slope = directional(f, names, along=towards)
    slopes = Numbers(slope, towards, point).many(np.stack([np.cos(angles), np.sin(angles)], axis=1))[0]
    best = math.atan2(value[1], value[0]) % (2 * math.pi)
    with style():
        figure, axes = sheet(5.4, 3.6)
        axes.plot(angles, slopes, color=DARK, linewidth=1.8, label="$D_u f(P)$")
        axes.axhline(0, color=PALE, linewidth=0.8)
        for sign, shift in ((1, 0.0), (-1, math.pi)):
            axes.axhline(sign * norm, color=ACCENT, linewidth=1, linestyle="--")
            at = (best + shift) % (2 * math.pi)
            axes.plot([at], [sign * norm], "o", color="black", zorder=5)
            axes.annotate(
                "along $\\nabla f$" if sign > 0 else "against $\\nabla f$",
                (at, sign * norm),
                textcoords="offset points",
                xytext=(0, 7 if sign > 0 else -15),
                ha="left" if at < 1 else "right" if at > 5.2 else "center",
            )
        axes.set_xticks(np.pi * np.arange(0, 2.1, 0.5), ["$0$", "$\\pi/2$", "$\\pi$", "$3\\pi/2$", "$2\\pi$"])
        axes.set_yticks(
            [-norm, 0, norm] if norm else [0], ["$-\\Vert\\nabla f\\Vert$", "$0$", "$\\Vert\\nabla f\\Vert$"] if norm else ["$0$"]
        )
        axes.set(xlabel=f"angle of $u$ in the plane of {label(names[0])} and {label(names[1])}", ylabel="slope", xlim=(0, 2 * math.pi))
        axes.set_ylim(-1.3 * (norm or 1), 1.3 * (norm or 1))
        axes.set_title(f"$\\Vert\\nabla f(P)\\Vert = {norm:.4g}$")
    return figure
