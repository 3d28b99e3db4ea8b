"""`symgd compare`: the derived gradient against autograd, both against 50 digits."""

from __future__ import annotations

import argparse

import symgd
from symgd.cli.values import assignments
from symgd.cli.verb import FINE, Verb, print_json, read_formula, text


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--at", metavar="VALUES", type=text, required=True, help='the point: "x=2, y=[1, 3/5]"')


def _run(arguments: argparse.Namespace) -> int:
    f = read_formula(arguments)
    values = assignments(arguments.at)
    found = symgd.compare(f, values)
    if arguments.json:
        print_json(found.json())
    else:
        print(found)
    return FINE


VERB = Verb(
    name="compare",
    summary="Compare the derived gradient with autograd's, both against 50 digits.",
    examples=('compare "x^2 + sin(x)" --at "x=2"', 'compare "norm2(x)^2" --at "x=[1, 2]" --given "x[n]"'),
    options=_options,
    run=_run,
)
