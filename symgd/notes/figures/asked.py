"""A figure by its name, with what a problem says: for notes and for the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from symgd.errors import ValueGivenError
from symgd.formula import Formula
from symgd.notes.blocks import Inline, math, say
from symgd.notes.figures.descents import plot_losses, plot_rates
from symgd.notes.figures.line import plot_curve, plot_directions, plot_slice
from symgd.notes.figures.plane import plot_contours, plot_surface
from symgd.notes.problem import Problem

Made = tuple[Callable[[], Any], Inline]
RATES = (0.01, 0.1, 0.9, 1.1)


def picture(kind: str, problem: Problem, f: Formula, names: list[str], point: dict[str, Any], letter: str) -> Made:
    """The figure, still to be drawn, and its caption. `point` has a value for every variable, or is empty."""
    by = names if len(names) > 1 else names[0]
    values = {name: value for name, value in point.items() if name not in names}
    if problem.data is not None and not isinstance(problem.data, Path):
        values = {**values, **{name: value for name, value in problem.data.items() if name not in names}}
    name = math(letter)
    match kind:
        case "contours":
            walked = _walked(problem, f)
            said = "" if walked is None else ", and the path of the descent"
            caption = say("Contours of ", name, ", arrows along ", math(rf"-\nabla {letter}"), f"{said}.")
            return lambda: plot_contours(f, names, values=values, descent=walked), caption
        case "surface":
            walked = _walked(problem, f)
            return lambda: plot_surface(f, names, values=values, descent=walked), say("The surface of ", name, ".")
        case "curve":
            at = problem.point.get(names[0], problem.start.get(names[0]))
            return lambda: plot_curve(f, names[0], values=values, at=at), say("The curve of ", name, " and its derivative.")
        case "slice":
            _needs(kind, bool(point) and not isinstance(problem.direction, str) and problem.direction is not None, _DIRECTION)
            direction = list(problem.direction or ())
            caption = say("The slice of ", name, " through ", math("P"), " along ", math("u"), ", and its tangent.")
            return lambda: plot_slice(f, by, point=point, along=direction), caption
        case "directions":
            _needs(kind, bool(point), "a point, or a start")
            caption = say("The slope of ", name, " at ", math("P"), " by the direction.")
            return lambda: plot_directions(f, names, point=point), caption
        case "rates":
            _needs(kind, bool(problem.start), "a start")
            rates = problem.rates or RATES
            caption = say("The same descent of ", name, " with several learning rates.")
            return lambda: plot_rates(f, problem.start, rates, data=values, steps=min(problem.steps or 20, 30)), caption
        case _:
            _needs(kind, bool(problem.start), "a start")
            return lambda: plot_losses(_walked(problem, f)), say("The loss over the steps.")


_DIRECTION = "a point and a direction in numbers"


def _needs(kind: str, there: bool, what: str) -> None:
    if not there:
        raise ValueGivenError(f"the figure {kind!r} needs {what}.", hint="Say it in the problem.")


def _walked(problem: Problem, f: Formula) -> Any:
    """The descent, where the problem has one."""
    if not problem.start:
        return None
    from symgd.notes.contents import descent_of

    return descent_of(problem, f)
