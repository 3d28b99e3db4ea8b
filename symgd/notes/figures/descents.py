"""Descents: learning rates side by side, and losses over the steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from symgd.errors import ValueGivenError
from symgd.notes.figures.canvas import ACCENT, DARK, DASHES, INKS, label, sheet, style
from symgd.notes.figures.grid import Numbers, axes_of, box_of, scalar_formula
from symgd.notes.figures.plane import contours_on, path_of, path_on, plot_contours

MOST = 6  # rates side by side
_FAR = 1e6
_SHORT = 0.05


def plot_rates(
    f: Any,
    start: Mapping[str, Any],
    rates: Sequence[float],
    *,
    data: Mapping[str, Any] | None = None,
    steps: int = 20,
    box: Any = None,
) -> Any:
    """The same descent with several learning rates side by side, over one or two scalar parameters; a matplotlib Figure.

    Each title says the rate and how the descent goes: it falls, falls from side to side, or grows. Raises ValueGivenError for rates or
    a start that do not fit, and what `descend` raises.
    """
    from symgd.descent.descend import descend

    f = scalar_formula(f)
    names = list(start)
    if not 1 <= len(rates) <= MOST:
        raise ValueGivenError(f"there are {len(rates)} rates.", hint=f"Give one to {MOST} of them.")
    if len(names) > 2:
        raise ValueGivenError(f"the start has {len(names)} parameters, and a plane has two.", hint="Put the others among the data.")
    names = axes_of(f, names, len(names), data or {})
    found = [descend(f, start=start, data=data, rate=rate, steps=steps) for rate in rates]
    paths = [[point for point in path_of(one, names) if all(abs(c) < _FAR for c in point)] for one in found]
    calm = [point for one, path in zip(found, paths) if one.values[-1] <= one.values[0] for point in path] or [paths[0][0]]
    sides = box_of(box, len(names), _symmetric(f, calm, names, data or {}))
    numbers = Numbers(f, names, data or {})
    columns = min(len(rates), 2 if len(rates) == 4 else 3)
    rows = -(-len(rates) // columns)
    with style():
        figure, made = sheet(2.75 * columns + 0.3, 2.55 * rows + 0.2, columns, rows, squeeze=False, sharex=True, sharey=True)
        for k, axes in enumerate(made.flat):
            if k >= len(rates):
                axes.set_visible(False)
                continue
            if len(names) == 1:
                _curve_on(axes, numbers, sides[0], paths[k], found[k].values)
            else:
                contours_on(axes, numbers, sides, False)
                path_on(axes, paths[k])
                axes.set(xlim=sides[0], ylim=sides[1])
            axes.set_title(f"rate {rates[k]:g}: {course_of(found[k].values, paths[k])}")
        for axes in made[-1]:
            axes.set_xlabel(label(names[0]))
        for row in made:
            row[0].set_ylabel(label(names[1]) if len(names) == 2 else "loss")
    return figure


def _symmetric(f: Any, points: list[list[float]], names: Sequence[str], data: Mapping[str, Any]) -> list[list[float]]:
    """The points, and their mirror images at the best one: so that what jumps over the minimum is seen."""
    numbers = Numbers(f, names, data)
    best = min(points, key=lambda point: numbers.at(point)[0])
    return [*points, *([2 * b - c for b, c in zip(best, point)] for point in points)]


def course_of(values: Sequence[float], path: Sequence[Sequence[float]]) -> str:
    """How a descent goes, in two words."""
    if not math.isfinite(values[-1]) or values[-1] > values[0]:
        return "diverges"
    moves = [[b - a for a, b in zip(p, q)] for p, q in pairwise(path)]
    turns = sum(sum(a * b for a, b in zip(p, q)) < 0 for p, q in pairwise(moves))
    if turns > len(moves) / 3:
        return "oscillates"
    # A step is the rate times the gradient: where the last is not much shorter than the first, the descent is far from its end.
    lengths = [math.hypot(*move) for move in moves]
    return "too small" if len(moves) > 2 and lengths[-1] > _SHORT * lengths[0] else "good"


def _curve_on(axes: Any, numbers: Numbers, side: tuple[float, float], path: Sequence[Sequence[float]], values: Sequence[float]) -> None:
    import numpy as np

    across = np.linspace(*side, 241)
    heights = numbers.many(across[:, None])[0]
    axes.plot(across, heights, color=DARK, linewidth=1.4)
    axes.plot([point[0] for point in path], values[: len(path)], "-o", color=ACCENT, linewidth=1, markersize=3)
    axes.plot(path[0][0], values[0], "s", color="white", markeredgecolor=ACCENT, markersize=7)
    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    axes.set(xlim=side, ylim=(low - 0.08 * (high - low), high + 0.05 * (high - low)))


def plot_descent(f: Any, descent: Any) -> Any:
    """Where a descent went: over two scalar parameters the contours and its path, else the loss over the steps; a matplotlib Figure.

    `f` is the formula that was descended. Data that came in blocks, or lie with several ranks, are not drawn: then too it is the loss.
    """
    source = descent.source
    names = list(source.names)
    is_plane = len(names) == 2 and all(not tensor.dim() for tensor in source.start) and source.blocked is None
    if not is_plane:
        return plot_losses(descent)
    values = {name: tensor for name, tensor in source.bound.tensors.items() if name not in names}
    return plot_contours(f, names, values=values, descent=descent)


def plot_losses(descents: Any, *, logarithmic: bool | None = None) -> Any:
    """The loss over the steps of one descent, or of several by name, {"rate 0.1": …}; a matplotlib Figure. Losses alone are of every step.

    The axis is logarithmic where losses are positive and fall by more than a hundred, unless `logarithmic` says otherwise.
    """
    named = dict(descents) if isinstance(descents, Mapping) else {"": descents}
    if not named or len(named) > MOST:
        raise ValueGivenError(f"there are {len(named)} descents.", hint=f"Give one to {MOST} of them.")
    curves = {name: [float(v) for v in getattr(one, "values", one)] for name, one in named.items()}
    steps = {name: _steps(one, len(curves[name])) for name, one in named.items()}
    every = [value for values in curves.values() for value in values if math.isfinite(value)]
    positive = bool(every) and min(every) > 0
    if logarithmic and not positive:
        raise ValueGivenError("a logarithmic axis needs losses above 0.", hint="Write logarithmic=False.")
    shown = logarithmic if logarithmic is not None else positive and max(every) > 100 * min(every)
    with style():
        figure, axes = sheet(5.2, 3.4)
        for k, (name, values) in enumerate(curves.items()):
            axes.plot(steps[name], values, color=INKS[k], linestyle=DASHES[k], linewidth=1.8, label=name)
        axes.set(xlabel="step", ylabel="loss", yscale="log" if shown else "linear")
        axes.set_xlim(left=0)
        if any(curves):
            axes.legend(loc="best", handlelength=3)
    return figure


def _steps(descent: Any, count: int) -> list[int]:
    """After how many steps each of so many losses was."""
    return [descent.step_of(k) for k in range(count)] if hasattr(descent, "step_of") else list(range(count))
