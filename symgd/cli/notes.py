"""`symgd notes`: lecture notes of a formula or of a document, and markers in an existing .tex filled."""

from __future__ import annotations

import argparse
import sys
import warnings
from typing import Any

import symgd
from symgd.calculus.steps.lines import DETAILS
from symgd.cli.derive import components
from symgd.cli.values import assignments, number
from symgd.cli.verb import FINE, REFUTED, UNDECIDED, UsageError, Verb, from_stdin, print_json, text
from symgd.errors import SymgdError

_OF_PROBLEM = ("at", "start", "rate", "steps", "along", "claim", "order", "detail", "figures")


def _options(parser: argparse.ArgumentParser) -> None:
    from symgd.notes.problem import FIGURES  # here, not above: the other verbs need not wait for it

    parser.add_argument(
        "variables", metavar="VARIABLE", nargs="*", default=[], type=text, help="what to derive by (default: every variable)"
    )
    parser.add_argument("--output", "-o", metavar="FILE", type=text, help="a .tex, .pdf, .html or .md file (default: LaTeX, printed)")
    parser.add_argument("--fill", action="store_true", help="FORMULA is a .tex file: fill its markers '% symgd: gradient of … wrt x'")
    parser.add_argument("--order", type=int, choices=(1, 2), help="2: second derivatives too (default: 1)")
    parser.add_argument("--detail", choices=DETAILS, help="how finely it is derived (default: normal)")
    parser.add_argument("--at", metavar="VALUES", type=text, help='compute there, and compare with autograd: "x=2, y=[1, 3/5]"')
    parser.add_argument("--along", metavar="U", type=text, help='the directional derivative too: "3/5, 4/5", or a name')
    parser.add_argument("--claim", metavar="EQUATION", action="append", type=text, help="an equation to check; may be given several times")
    parser.add_argument("--start", metavar="VALUES", type=text, help="a descent from there")
    parser.add_argument("--rate", metavar="R", type=rate, help="its rate")
    parser.add_argument("--steps", metavar="N", type=int, help="its updates")
    parser.add_argument("--figures", metavar="NAMES", help=f"names with commas between them, of {', '.join(FIGURES)}")


def rate(argument: str) -> float:
    try:
        return number(argument)
    except SymgdError as error:
        raise argparse.ArgumentTypeError(error.reason.rstrip(".")) from None


def _run(arguments: argparse.Namespace) -> int:
    if arguments.fill:
        return _fill(arguments)
    from symgd.notes.document import SOURCES, text_of

    source: Any = arguments.formula
    chosen: dict[str, Any] = {}
    if source.lower().endswith(SOURCES):
        used = next((name for name in (*_OF_PROBLEM, "given", "latex", "variables") if getattr(arguments, name)), None)
        if used is not None:
            named = "a variable" if used == "variables" else f"--{used}"
            raise UsageError(f"{named} is said in the file, not beside it.", hint="Write it in the problem.")
    else:
        source = from_stdin() if source == "-" else source
        chosen = _problem(arguments)
    found = symgd.write_notes(source, arguments.output, **chosen)
    code = REFUTED if found.complaints else UNDECIDED if any("not decided: " in said for said in found.remarks) else FINE
    if arguments.json:
        answer = {"output": arguments.output, "complaints": found.complaints, "remarks": found.remarks}
        print_json(answer if arguments.output else {**answer, "tex": text_of(found, ".tex")})
    elif arguments.output is None:
        print(text_of(found, ".tex"), end="")
    else:
        print(f"wrote {arguments.output}")
    for said in found.complaints:
        print(said, file=sys.stderr)
    for said in found.remarks:
        warnings.warn(said, stacklevel=2)
    return code


def _problem(arguments: argparse.Namespace) -> dict[str, Any]:
    """The keys of the problem that the options say."""
    said: dict[str, Any] = {
        "given": arguments.given,
        "latex": arguments.latex,
        "variables": arguments.variables,
        "order": arguments.order,
        "detail": arguments.detail,
        "point": arguments.at and assignments(arguments.at),
        "start": arguments.start and assignments(arguments.start),
        "rate": arguments.rate,
        "steps": arguments.steps,
        "claims": arguments.claim,
        "figures": arguments.figures and [name.strip() for name in arguments.figures.split(",")],
    }
    if arguments.along is not None:
        along = arguments.along.strip()
        said["direction"] = along if along.isidentifier() else components(along)
    return {name: value for name, value in said.items() if value not in (None, [], "")}


def _fill(arguments: argparse.Namespace) -> int:
    used = next((name for name in (*_OF_PROBLEM, "variables") if getattr(arguments, name)), None)
    if used is not None:
        raise UsageError("--fill takes a file, --given and --output; the markers say the rest.")
    found = symgd.fill_notes(arguments.formula, arguments.output, given=arguments.given)
    if arguments.json:
        print_json({"output": arguments.output or arguments.formula, "markers": found.markers, "changed": found.changed})
    else:
        print(f"{found.markers} {'marker' if found.markers == 1 else 'markers'}, {found.changed} changed")
    return FINE


VERB = Verb(
    name="notes",
    summary="Write lecture notes of a formula or a document. Exit code 1 where a claim or an equation in them is wrong.",
    examples=(
        'notes "x^2*sin(x)" x --output notes.tex',
        'notes "norm2(A*x - b)^2" x --given "A[m,n], x[n], b[m]" --output notes.pdf',
        'notes "(x - y)^2" x y --at "x=1, y=2" --along "3/5, 4/5" --output notes.html',
        "notes lecture.md --output lecture.pdf",
        "notes --fill lecture.tex",
    ),
    options=_options,
    run=_run,
    short=("-o",),
)
