"""`symgd check`: is an equation right? The verdict, and where it is wrong an exact point with both values there."""

from __future__ import annotations

import argparse
from dataclasses import asdict

import symgd
from symgd.cli.verb import FINE, REFUTED, UNDECIDED, Verb, from_stdin, print_json

_CODES = {"proved": FINE, "agrees": FINE, "refuted": REFUTED, "undecided": UNDECIDED}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", metavar="S", type=float, default=10.0, help="the time to spend (default: 10)")


def _run(arguments: argparse.Namespace) -> int:
    claim = from_stdin() if arguments.formula == "-" else arguments.formula
    verdict = symgd.check(claim, given=arguments.given, syntax="latex" if arguments.latex else "infix", seconds=arguments.seconds)
    if arguments.json:
        print_json(
            {
                "claim": verdict.claim,
                "grade": verdict.grade,
                "why": verdict.why,
                "witness": verdict.witness,
                "left": verdict.left,
                "right": verdict.right,
                "mistake": verdict.mistake and asdict(verdict.mistake),
            }
        )
    else:
        print(verdict)
    return _CODES[verdict.grade]


VERB = Verb(
    name="check",
    summary="Check an equation. Exit code 1 where it is refuted, 3 where it stays undecided.",
    examples=(
        'check "(x+1)^2 = x^2 + 2*x + 1"',
        'check "grad(norm2(A*x-b)^2, x) = 2*A\'*(A*x-b)" --given "A[m,n], x[n], b[m]"',
    ),
    options=_options,
    run=_run,
)
