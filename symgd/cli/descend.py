"""`symgd descend`: gradient descent on a formula, from a start, with data from a file."""

from __future__ import annotations

import argparse
from typing import Any

import symgd
from symgd.cli.values import assignments, number
from symgd.cli.verb import FINE, REFUTED, Verb, print_json, read_formula, text


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--start", metavar="VALUES", type=text, required=True, help='where the parameters start: "w=0, b=[0, 0]"')
    parser.add_argument("--data", metavar="FILE", type=text, help="a .csv file with a heading, or a .npz file")
    parser.add_argument(
        "--rate", metavar="R", type=_number, help="the rate of plain gradient descent (default: the method finds its own steps)"
    )
    parser.add_argument("--steps", metavar="N", type=_count, help="how many updates (default: 100)")
    parser.add_argument("--epochs", metavar="N", type=_count, help="how many passes over the data, instead of --steps")
    parser.add_argument("--batch", metavar="K", type=_count, help="data entries per update (default: all)")
    parser.add_argument("--shuffle", metavar="SEED", type=_seed, help="shuffle the data before every pass")
    parser.add_argument("--tolerance", metavar="T", type=_number, help="stop where the gradient is at most T·(1 + |loss|)")


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


def _run(arguments: argparse.Namespace) -> int:
    f = read_formula(arguments)
    start = assignments(arguments.start)
    names = ("data", "rate", "steps", "epochs", "batch", "shuffle", "tolerance")
    chosen: dict[str, Any] = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    found = symgd.descend(f, start=start, **chosen)
    outcome = found.outcome.value
    if arguments.json:
        print_json(
            {
                "formula": str(f),
                "given": f.given,
                "parameters": found.parameters,
                "values": found.values,
                "outcome": outcome,
                "steps": found.steps,
                "evaluations": found.evaluations,
                "message": found.message,
            }
        )
    else:
        print(found)
    return REFUTED if outcome in ("diverged", "nonfinite") else FINE


VERB = Verb(
    name="descend",
    summary="Walk down the gradient of a formula. Exit code 1 where the descent diverges.",
    examples=(
        'descend "(w - 2)^2" --start "w=0" --rate 0.1 --steps 200',
        'descend "mean((w*x - y)^2)" --start "w=1" --given "x[n], y[n]" --data hours.csv --rate 0.01 --epochs 100',
    ),
    options=_options,
    run=_run,
)
