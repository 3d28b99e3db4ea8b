"""`symgd plot`: a figure of a formula, to a .pdf, .png, .svg or .pgf file, or an animation of a descent."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from symgd.cli.derive import components
from symgd.cli.figure import FIGURES, check_ending
from symgd.cli.notes import rate
from symgd.cli.values import assignments, number
from symgd.cli.verb import FINE, Verb, print_json, read_formula, text
from symgd.errors import FormulaError, ValueGivenError
from symgd.formula import Formula, unknown_name

_KINDS = ("contours", "surface", "curve", "slice", "directions", "rates", "losses", "animation")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "variables", metavar="VARIABLE", nargs="*", default=[], type=text, help="the axes (default: scalars without a value)"
    )
    parser.add_argument("--output", "-o", metavar="FILE", type=text, default="figure.png", help="the file (default: figure.png)")
    parser.add_argument("--kind", choices=_KINDS, help="what to draw (default: a curve, or contours)")
    parser.add_argument("--at", metavar="VALUES", type=text, help='the point, and values of what is no axis: "x=2, y=[1, 3/5]"')
    parser.add_argument("--along", metavar="U", type=text, help='the direction of a slice: "3/5, 4/5"')
    parser.add_argument("--box", metavar="RANGES", type=text, help='the ranges of the axes: "x=[-2, 2], y=[-1, 3]"')
    parser.add_argument("--start", metavar="VALUES", type=text, help="where a descent starts")
    parser.add_argument("--rate", metavar="R", action="append", type=rate, help="its rate; several for --kind rates")
    parser.add_argument("--steps", metavar="N", type=int, default=30, help="its updates (default: 30)")


def _run(arguments: argparse.Namespace) -> int:
    f = read_formula(arguments)
    output = Path(arguments.output)
    point = assignments(arguments.at) if arguments.at else {}
    start = assignments(arguments.start) if arguments.start else {}
    for name in (*arguments.variables, *point, *start):
        if name not in f.known:
            unknown_name(name, f.known)
    kind = arguments.kind or _suited(f, arguments, point, start)
    from symgd.notes.figures.moving import FILMS

    check_ending(arguments.output, FILMS if kind == "animation" else FIGURES)
    data = _drawn(f, kind, arguments, point, start, output.suffix.lower())
    from symgd.notes.document import write_file

    write_file(output, data)
    if arguments.json:
        print_json({"formula": str(f), "kind": kind, "output": str(output)})
    else:
        print(f"wrote {output}")
    return FINE


def _suited(f: Formula, arguments: argparse.Namespace, point: dict[str, Any], start: dict[str, Any]) -> str:
    """The kind of figure where none is asked for."""
    if start and len(arguments.rate or ()) > 1:
        return "rates"
    if arguments.along:
        return "slice"
    axes = arguments.variables or list(start) or [name for name, leaf in f.leaves.items() if not leaf.shape and name not in point]
    return "contours" if len(axes) == 2 else "losses" if start and (len(axes) > 2 or any(f.known[a].shape for a in axes)) else "curve"


def _drawn(f: Formula, kind: str, arguments: argparse.Namespace, point: dict[str, Any], start: dict[str, Any], ending: str) -> bytes:
    import symgd
    from symgd.notes.figures.canvas import saved

    names = arguments.variables or list(start) or None
    fixed = {name: value for name, value in point.items() if name not in (names or ())}
    box = _box(arguments.box, names, f, fixed)
    if kind in ("rates", "losses", "animation") and not start:
        raise ValueGivenError("a descent needs a start.", hint='Write --start "w=0".')
    walked = None
    if start and kind != "rates":
        rates = arguments.rate or [None]
        walked = symgd.descend(f, start=start, data=fixed or None, rate=rates[0], steps=arguments.steps)
    if kind == "animation":
        return symgd.animate(f, walked, names, values=fixed, box=box).data(ending)
    if kind == "contours":
        figure = symgd.plot_contours(f, names, values=fixed, box=box, descent=walked)
    elif kind == "surface":
        figure = symgd.plot_surface(f, names, values=fixed, box=box, descent=walked)
    elif kind == "curve":
        name = (
            names[0]
            if names
            else next((n for n, leaf in f.leaves.items() if not leaf.shape and (n not in point or len(f.leaves) == 1)), None)
        )
        at = point.get(name, start.get(name)) if name is not None else None
        others = {n: value for n, value in point.items() if n != name}
        figure = symgd.plot_curve(f, name, values=others, box=box, at=at)
    elif kind == "slice":
        if arguments.along is None:
            raise ValueGivenError("a slice needs a direction.", hint='Write --along "3/5, 4/5".')
        figure = symgd.plot_slice(f, names, point=point, along=_direction(f, names, arguments.along))
    elif kind == "directions":
        figure = symgd.plot_directions(f, names, point=point)
    elif kind == "rates":
        figure = symgd.plot_rates(f, start, arguments.rate or [0.01, 0.1, 0.9, 1.1], data=fixed or None, steps=arguments.steps, box=box)
    else:
        figure = symgd.plot_losses(walked)
    return saved(figure, ending[1:])


def _direction(f: Formula, names: list[str] | None, along: str) -> Any:
    """The components: numbers for scalars; for an array its nested list."""
    if names and len(names) == 1 and f.known[names[0]].shape:
        return assignments(f"u={along if along.strip().startswith('[') else f'[{along}]'}")["u"]
    return [number(part) for part in components(along)]


def _box(said: str | None, names: list[str] | None, f: Formula, fixed: dict[str, Any]) -> Any:
    """The ranges in the order of the axes."""
    if said is None:
        return None
    given = assignments(said)
    axes = names or [name for name, leaf in f.leaves.items() if not leaf.shape and name not in fixed]
    for name in given:
        if name not in axes:
            raise FormulaError(f"{name} is no axis of the figure.", hint=f"The axes are {', '.join(axes)}.")
    sides = [given.get(name, [-3.0, 3.0]) for name in axes]
    if not all(isinstance(side, list) and len(side) == 2 and all(isinstance(end, float) for end in side) for side in sides):
        raise ValueGivenError("a range has two ends.", hint='Write --box "x=[-2, 2], y=[-1, 3]".')
    return tuple((side[0], side[1]) for side in sides if isinstance(side, list))


VERB = Verb(
    name="plot",
    summary="Draw a formula: its curve, contours, surface, a slice, a descent.",
    examples=(
        'plot "x^2 + sin(3*x)" --at "x=1"',
        'plot "(1-x)^2 + 5*(y-x^2)^2" --start "x=-1, y=1" --rate 0.02 --output valley.pdf',
        'plot "x^2*y + sin(y)" x y --at "x=1, y=1" --along "3/5, 4/5" --output slice.svg',
        'plot "(w - 2)^2" --start "w=0" --rate 0.05 --rate 0.4 --rate 0.95 --rate 1.05 --output rates.png',
        'plot "(w - 2)^2" --kind animation --start "w=0" --rate 0.1 --output descent.gif',
    ),
    options=_options,
    run=_run,
    short=("-o",),
)
