"""`symgd export`: the value of a formula and its gradients as a file that needs no symgd."""

from __future__ import annotations

import argparse

import symgd
from symgd.cli.verb import FINE, Verb, print_json, read_formula, text
from symgd.formula import unknown_name

_DTYPES = ("float64", "float32")


def _options(parser: argparse.ArgumentParser) -> None:
    wanted = "the gradients to export (default: by every variable, where the formula is a scalar)"
    parser.add_argument("variables", metavar="VARIABLE", nargs="*", default=[], type=text, help=wanted)
    parser.add_argument(
        "--output", metavar="FILE", type=text, required=True, help=".py: a torch module; .pt2: torch.export; .c: C with a header"
    )
    parser.add_argument("--dtype", choices=_DTYPES, default=_DTYPES[0], help="the numbers it computes in (default: float64)")
    parser.add_argument("--value-only", action="store_true", help="no gradients")


def _run(arguments: argparse.Namespace) -> int:
    import torch

    f = read_formula(arguments)
    for name in arguments.variables:
        if name not in f.known:
            unknown_name(name, f.known)
    names = list(dict.fromkeys(arguments.variables)) or ([] if f.shape else list(f.variables))
    program = symgd.to_torch(f, gradient=[] if arguments.value_only else names, dtype=getattr(torch, arguments.dtype))
    files = [str(path) for path in program.export(arguments.output)]
    if arguments.json:
        inputs = [{"name": leaf.name, "shape": [str(length) for length in leaf.shape]} for leaf in program.program.inputs]
        print_json(
            {"formula": str(f), "given": f.given, "dtype": arguments.dtype, "inputs": inputs, "outputs": program.outputs, "files": files}
        )
    else:
        print(f"f = {f}")
        print(f"takes {', '.join(leaf.name for leaf in program.program.inputs) or 'nothing'}")
        print(f"gives {', '.join(program.outputs)}")
        print(f"wrote {', '.join(files)}")
    return FINE


VERB = Verb(
    name="export",
    summary="Write a formula and its gradients to a file that needs no symgd.",
    examples=(
        'export "x^2 + sin(x)" x --output f.py',
        'export "mean((w*x - y)^2)" w --given "x[n], y[n]" --output loss.pt2',
        'export "mean((w*x - y)^2)" w --given "x[n], y[n]" --dtype float32 --output loss.c',
    ),
    options=_options,
    run=_run,
)
