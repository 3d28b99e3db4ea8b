"""Two variables: contours with the field of gradients and the path of a descent, and the surface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symgd.notes.figures.canvas import ACCENT, DARK, PALE, SURFACE, label, sheet, style
from symgd.notes.figures.grid import Numbers, axes_of, box_of, levels_of, mesh, scalar_formula

_POINTS = 81  # along an axis
_ARROWS = 13


def plot_contours(
    f: Any,
    variables: Sequence[str] | None = None,
    *,
    values: Mapping[str, Any] | None = None,
    box: Any = None,
    descent: Any = None,
    gradient: bool = True,
    title: str = "",
) -> Any:
    """The contours of f over two scalar variables, arrows along −∇f or none, and the path of a `descent`; a matplotlib Figure.

    `values` fixes the other variables (the data, say), `box` is ((left, right), (low, high)). Raises FormulaError, ShapeError or
    ValueGivenError where variables, values or box do not fit, LoweringError without matplotlib.

    >>> figure = plot_contours("(w - 1)^2 + 4*b^2", ["w", "b"], box=((-2, 4), (-2, 2)))
    >>> figure.axes[0].get_xlabel()
    '$w$'
    """
    f = scalar_formula(f)
    names = axes_of(f, variables, 2, values or {})
    path = path_of(descent, names)
    sides = box_of(box, 2, path)
    numbers = Numbers(f, names, values or {})
    with style():
        figure, axes = sheet()
        contours_on(axes, numbers, sides, gradient)
        if path:
            path_on(axes, path)
            axes.legend(loc="best", handlelength=1.6, frameon=True, facecolor="white", edgecolor="none", framealpha=0.85)
        axes.set(xlabel=label(names[0]), ylabel=label(names[1]), xlim=sides[0], ylim=sides[1], title=title)
    return figure


def path_of(descent: Any, names: Sequence[str]) -> list[list[float]]:
    """The points of a descent; [] without one."""
    if descent is None:
        return []
    return [[float(coordinate) for coordinate in point] for point in zip(*(descent.path[name] for name in names))]


def _top(heights: Any) -> float:
    """Up to where the surface is drawn: all of it, but for walls that would make the rest flat."""
    import numpy as np

    ends = levels_of(heights)
    highest = float(np.nanmax(np.where(np.isfinite(heights), heights, np.nan)))
    return highest if highest - ends[0] < 8 * (ends[-1] - ends[0]) else float(ends[-1])


def contours_on(axes: Any, numbers: Numbers, sides: Any, gradient: bool) -> None:
    import numpy as np

    across, up = mesh(sides, _POINTS)
    points = np.array([[x, y] for y in up for x in across])
    heights = numbers.many(points)[0].reshape(len(up), len(across))
    shown = np.ma.masked_invalid(heights)
    levels = levels_of(heights)
    axes.contourf(across, up, shown, levels=levels, cmap=SURFACE, alpha=0.35, extend="both")
    axes.contour(across, up, shown, levels=levels, colors=PALE, linewidths=0.8)
    if gradient:
        x, y = (np.linspace(low, high, _ARROWS + 2)[1:-1] for low, high in sides)
        roots = np.array([[p, q] for q in y for p in x])
        slopes = numbers.many(roots)[1]
        width, height = sides[0][1] - sides[0][0], sides[1][1] - sides[1][0]
        # As long on the paper as 0.55 of the distance between arrows, in the direction that −∇f has on the paper's scales.
        lengths = np.hypot(slopes[:, 0] / width, slopes[:, 1] / height)
        with np.errstate(all="ignore"):
            arrows = -slopes / lengths[:, None] * 0.55 / _ARROWS
        keep = np.isfinite(arrows).all(axis=1)
        axes.quiver(
            *roots[keep].T, *arrows[keep].T, angles="xy", scale_units="xy", scale=1, width=0.0028, color=DARK, alpha=0.65, pivot="mid"
        )


def path_on(axes: Any, path: Sequence[Sequence[float]]) -> None:
    x, y = zip(*path)
    axes.plot(x, y, "-o", color=ACCENT, linewidth=1.6, markersize=3, label="descent", zorder=4)
    axes.plot(x[0], y[0], "s", color="white", markeredgecolor=ACCENT, markersize=7, label="start", zorder=5)
    axes.plot(x[-1], y[-1], "*", color="black", markeredgecolor="white", markersize=12, label="end", zorder=5)


def plot_surface(
    f: Any, variables: Sequence[str] | None = None, *, values: Mapping[str, Any] | None = None, box: Any = None, descent: Any = None
) -> Any:
    """The surface of f over two scalar variables, with the path of a `descent` on it; options and errors as for `plot_contours`."""
    import numpy as np

    f = scalar_formula(f)
    names = axes_of(f, variables, 2, values or {})
    path = path_of(descent, names)
    sides = box_of(box, 2, path)
    numbers = Numbers(f, names, values or {})
    across, up = mesh(sides, 51)
    points = np.array([[x, y] for y in up for x in across])
    heights = numbers.many(points)[0].reshape(len(up), len(across))
    top = _top(heights)
    with style():
        figure, axes = sheet(5.4, 4.4, subplot_kw={"projection": "3d"})
        clipped = np.where(heights <= top, heights, np.nan)
        mesh_x, mesh_y = np.meshgrid(across, up)
        low, high = float(np.nanmin(clipped)), float(np.nanmax(clipped))
        axes.plot_surface(
            mesh_x,
            mesh_y,
            clipped,
            cmap=SURFACE,
            vmin=low,
            vmax=high + (high - low or 1),  # not to black, on which nothing could be seen
            alpha=0.8,
            linewidth=0.25,
            edgecolor="#33333366",
            rcount=34,
            ccount=34,
            zorder=1,
        )
        if path:
            inside = [(*point, height) for point, height in zip(path, descent.values) if height <= top]
            if inside:
                axes.plot(*zip(*inside), "-o", color=ACCENT, linewidth=2, markersize=3, zorder=10)
        axes.set(xlabel=label(names[0]), ylabel=label(names[1]))
        axes.set_zlabel("value")
        axes.locator_params(nbins=5)
        axes.view_init(elev=32, azim=-58)
        axes.set_box_aspect(None, zoom=0.88)
    return figure
