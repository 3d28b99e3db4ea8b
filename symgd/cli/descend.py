"""`symgd descend`: descents of a formula, from a start, with data from a file; or of a problem in a .toml file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import symgd
from symgd.cli.figure import check_figure, draw
from symgd.cli.problem import read_problem
from symgd.cli.values import assignments, number
from symgd.cli.verb import FINE, REFUTED, UsageError, Verb, print_json, read_formula, text
from symgd.formula import Formula


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--start", metavar="VALUES", type=text, help='where the parameters start: "w=0, b=[0, 0]"')
    parser.add_argument(
        "--data",
        metavar="FILE",
        type=text,
        help="a .csv file with a heading, or a .npz, .safetensors, .parquet, .arrow, .feather or .pt file",
    )
    parser.add_argument("--rate", metavar="R", type=_rate, help="the rate of the steps, or auto (default: the method finds its own)")
    parser.add_argument("--method", metavar="NAME", type=text, help="how to descend (default: auto, which chooses and says why)")
    parser.add_argument("--schedule", metavar="NAME", type=text, help="how the rate changes: inverse, exponential, linear, cosine")
    parser.add_argument("--steps", metavar="N", type=_count, help="how many updates (default: 100)")
    parser.add_argument("--epochs", metavar="N", type=_count, help="how many passes over the data, instead of --steps")
    parser.add_argument("--batch", metavar="K", type=_count, help="data entries per update (default: all)")
    parser.add_argument("--shuffle", metavar="SEED", type=_seed, help="shuffle the data before every pass")
    parser.add_argument("--tolerance", metavar="T", type=_number, help="stop where the gradient is at most T·(1 + |loss|)")
    parser.add_argument("--missing", metavar="WHAT", type=text, help="rows with a missing entry: error (default) or drop")
    parser.add_argument("--checkpoint", metavar="FILE", type=text, help="write the run to this file every few seconds")
    parser.add_argument("--every", metavar="SECONDS", type=_number, help="how often (default: 10)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint, where there is one")
    parser.add_argument("--plot", metavar="FILE", type=text, help="a figure: the path over two parameters, else the loss")
    parser.add_argument("--report", action="store_true", help="standard errors, confidence intervals and correlations")


def _number(argument: str) -> float:
    try:
        return number(argument)
    except symgd.SymgdError as error:
        raise argparse.ArgumentTypeError(error.reason.rstrip(".")) from None


def _whole(argument: str, least: int) -> int:
    digits = argument.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18 and int(digits) >= least):
        raise argparse.ArgumentTypeError(f"{digits[:40]!r} is not a whole number from {least} on")
    return int(digits)


def _count(argument: str) -> int:
    return _whole(argument, 1)


def _seed(argument: str) -> int:
    return _whole(argument, 0)


def _rate(argument: str) -> float | str:
    return "auto" if argument.strip() == "auto" else _number(argument)


_NAMES = ("data", "rate", "steps", "epochs", "batch", "shuffle", "tolerance", "method", "schedule", "missing", "checkpoint", "every")


def _problem(arguments: argparse.Namespace) -> tuple[Formula, dict[str, Any]]:
    """The formula and what `descend` is asked for, from the command line or from a file."""
    given: dict[str, Any] = {name: value for name in _NAMES if (value := getattr(arguments, name)) is not None}
    if not arguments.formula.endswith(".toml"):
        if arguments.start is None:
            raise UsageError("the following arguments are required: --start.", hint="symgd descend --help shows what it takes.")
        return read_formula(arguments), {"start": assignments(arguments.start), **given}
    found = read_problem(Path(arguments.formula))
    if arguments.given or arguments.start is not None:
        raise UsageError("declarations and a start stand in the file.", hint=f"Write given and [start] in {arguments.formula}.")
    arguments.formula, arguments.given = found.pop("formula"), found.pop("given", "")
    return read_formula(arguments), {**found, **given}


def _run(arguments: argparse.Namespace) -> int:
    from symgd.descent.ranks import is_first

    if arguments.plot is not None:
        check_figure(arguments.plot)
    f, asked = _problem(arguments)
    found = symgd.descend(f, **asked, resume=arguments.resume, progress=True)
    outcome = found.outcome.value
    code = REFUTED if outcome in ("diverged", "nonfinite") else FINE
    report = found.report() if arguments.report else None  # of data on several ranks made by all of them
    if not is_first():  # of the processes of torchrun one speaks
        return code
    if arguments.json:
        answer: dict[str, Any] = {
            "formula": str(f),
            "given": f.given,
            "parameters": found.parameters,
            "values": found.values,
            "every": found.every[0],
            "outcome": outcome,
            "steps": found.steps,
            "evaluations": found.evaluations,
            "message": found.message,
        }
        if report is not None:
            answer["report"] = report.json()
        if arguments.plot is not None:
            answer["plot"] = arguments.plot
        print_json(answer)
    else:
        print(found if report is None else f"{found}\n\n{report}")
    if arguments.plot is not None:  # last: what was found is not lost where drawing fails
        draw(symgd.plot_descent(f, found), arguments.plot)
        if not arguments.json:
            print(f"wrote {arguments.plot}")
    return code


VERB = Verb(
    name="descend",
    summary="Walk down the gradient of a formula. Exit code 1 where the descent diverges.",
    examples=(
        'descend "(w - 2)^2" --start "w=0" --rate 0.1 --steps 200',
        'descend "mean((w*x - y)^2)" --start "w=1" --given "x[n], y[n]" --data hours.csv --rate 0.01 --epochs 100',
        'descend "(1-x)^2 + 5*(y-x^2)^2" --start "x=-1, y=1" --plot valley.pdf',
        "descend problem.toml --report --checkpoint run.safetensors --resume",
    ),
    options=_options,
    run=_run,
)
