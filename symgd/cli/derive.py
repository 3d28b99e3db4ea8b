"""`symgd derive`: the derivatives of a formula, as text and as LaTeX."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any, Union

import symgd
from symgd.algebra.dimension import shape_text
from symgd.calculus.steps.lines import DETAILS
from symgd.calculus.steps.recipes import FORMS
from symgd.cli.verb import FINE, UsageError, Verb, print_json, read_formula, text
from symgd.errors import FormulaError
from symgd.formula import Formula, unknown_name
from symgd.notation.derivation import Derivation


@dataclass(frozen=True, slots=True)
class Derivative:
    """A derivative with the name it is shown by, such as df/dx, and the variables it was taken by."""

    label: str
    variables: tuple[str, ...]
    formula: Formula


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "variables", metavar="VARIABLE", nargs="*", default=[], type=text, help="what to derive by (default: every variable)"
    )
    parser.add_argument("--order", type=int, choices=(1, 2), default=1, help="2: second derivatives, the Hessian (default: 1)")
    directions = 'the directional derivative along u, "[1, 0]" or "3/5, 4/5"; with --order 2 the Hessian times u'
    parser.add_argument("--along", metavar="U", type=text, help=directions)
    parser.add_argument(
        "--layout",
        choices=("vec", "indices"),
        default="vec",
        help="by a matrix: columns stacked, or an index for each axis",
    )
    parser.add_argument("--structure", help="the gradient by the free entries of a matrix: symmetric, diagonal, lower, upper, banded")
    parser.add_argument("--steps", action="store_true", help="show how it is derived, one rule a line")
    parser.add_argument("--detail", choices=DETAILS, help="how finely, with --steps (default: normal)")
    parser.add_argument("--form", choices=FORMS, help="of whole arrays or of their entries, with --steps (default: vector)")
    parser.add_argument("--normalize", action="store_true", help="divide by the length of the direction")


def _run(arguments: argparse.Namespace) -> int:
    if arguments.normalize and (arguments.along is None or arguments.order == 2):
        raise UsageError("--normalize needs --along, and first order.")
    if not arguments.steps and (arguments.detail is not None or arguments.form is not None):
        raise UsageError(f"--{'detail' if arguments.detail is not None else 'form'} needs --steps.")
    f = read_formula(arguments)
    if arguments.structure is not None and (arguments.order == 2 or arguments.along is not None or f.shape):
        raise UsageError("--structure is an option of the gradient of a scalar.")
    names = _names(f, arguments.variables)
    if arguments.along is not None:
        found = [_along(f, names, arguments)]
    elif arguments.order == 2:
        found = _second(f, names, arguments.layout)
    else:
        found = _first(f, names, arguments)
    if arguments.json:
        print_json(
            {
                "formula": str(f),
                "given": f.given,
                "variables": names,
                "order": arguments.order,
                "along": arguments.along,
                "normalize": arguments.normalize,
                "derivatives": [
                    {
                        "label": item.label,
                        "variables": item.variables,
                        "derivative": str(item.formula),
                        "latex": item.formula.latex(),
                        "shape": [str(size) for size in item.formula.shape],
                        "layout": item.formula.layout,
                        "given": item.formula.given,
                        **(_steps_as_data(item.formula, arguments) if arguments.steps else {}),
                    }
                    for item in found
                ],
            }
        )
        return FINE
    print(f"f = {f}")
    for item in found:
        print()
        print(f"{item.label} = {item.formula}")
        print(f"shape: {shape_text(item.formula.shape)}")
        if item.formula.layout:
            print(f"layout: {item.formula.layout}")
        print(f"LaTeX: {item.formula.latex()}")
        if arguments.steps:
            derivation = _derivation(item.formula, arguments)
            print(f"\n{derivation}\n\nLaTeX:\n{derivation.latex()}")
    return FINE


def _derivation(f: Formula, arguments: argparse.Namespace) -> Derivation:
    return f.steps.written(arguments.detail or "normal", arguments.form or "vector")


def _steps_as_data(f: Formula, arguments: argparse.Namespace) -> dict[str, Any]:
    """The derivation as JSON has it: its lines, its declarations, its LaTeX."""
    derivation = _derivation(f, arguments)
    lines = [
        {
            "before": line.before,
            "after": line.after,
            "rule": line.rule,
            "statement": line.statement,
            "place": line.place,
            "chain": line.chain,
        }
        for line in derivation
    ]
    return {"steps": lines, "steps_given": derivation.given, "steps_latex": derivation.latex()}


def _names(f: Formula, wanted: Sequence[str]) -> list[str]:
    """The variables asked for; by default all that the formula has."""
    known = f.known
    for name in wanted:
        if name not in known:
            unknown_name(name, known)
    names = list(dict.fromkeys(wanted)) or list(f.variables)
    if not names:
        raise FormulaError(f"{f} has no variable to derive by.", hint="Name a variable that it contains.")
    return names


def _first(f: Formula, names: Sequence[str], arguments: argparse.Namespace) -> list[Derivative]:
    """First derivatives: gradients of a scalar, Jacobians of anything else."""
    if f.shape:
        return [Derivative(_quotient(f, name), (name,), symgd.jacobian(f, name, layout=arguments.layout)) for name in names]
    if arguments.structure is None:
        found = symgd.gradients(f, names)
    else:
        found = {name: symgd.gradient(f, name, structure=arguments.structure) for name in names}
    return [Derivative(_gradient_label(f, name, names), (name,), found[name]) for name in names]


def _second(f: Formula, names: Sequence[str], layout: str) -> list[Derivative]:
    """Second derivatives: one Hessian of one variable or of several scalars, otherwise a block for every pair."""
    if len(names) == 1 and not _is_array(f, names[0]):
        twice = symgd.derivative(symgd.derivative(f, names[0]), names[0])
        return [Derivative(_quotient(f, names[0], order=2), (names[0], names[0]), twice)]
    if not any(_is_array(f, name) for name in names):
        return [Derivative("∇²f", tuple(names), symgd.hessian(f, names))]
    if len(names) == 1:
        return [Derivative("∇²f", (names[0], names[0]), symgd.hessian(f, names[0], layout=layout))]
    return [Derivative(f"∂²f/∂{a}∂{b}", (a, b), symgd.hessian(f, a, b, layout=layout)) for a, b in combinations_with_replacement(names, 2)]


def _along(f: Formula, names: Sequence[str], arguments: argparse.Namespace) -> Derivative:
    """The derivative in a direction; of second order the Hessian times the direction."""
    along: Union[str, list[str]] = arguments.along
    if len(names) > 1:
        along = components(arguments.along)
    by: Union[str, Sequence[str]] = names[0] if len(names) == 1 else names
    if arguments.order == 1:
        found = symgd.directional(f, by, along=along, normalize=arguments.normalize)
        return Derivative(f"D_{_subscript(arguments.along)} f", tuple(names), found)
    if not isinstance(by, str):
        raise UsageError("--order 2 --along takes one variable.", hint="Name the variable after the formula.")
    return Derivative(f"∇²f·{_subscript(arguments.along)}", tuple(names), symgd.hessian_vector(f, by, along=along))


def components(along: str) -> list[str]:
    """`[a, b]` or `a, b` as its components: the text between commas that stand in no inner bracket."""
    inner = along.strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1]
    parts, depth = [""], 0
    for character in inner:
        depth += (character in "([") - (character in ")]")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _subscript(along: str) -> str:
    along = along.strip()
    return along if along.isidentifier() or along.startswith("[") else f"[{along}]"


def _is_array(f: Formula, name: str) -> bool:
    return bool(f.known[name].shape)


def _gradient_label(f: Formula, name: str, names: Sequence[str]) -> str:
    if not _is_array(f, name):
        return _quotient(f, name)
    return "∇f" if len(names) == 1 else f"∇_{name} f"


def _quotient(f: Formula, name: str, order: int = 1) -> str:
    """df/dx where x is the only variable, ∂f/∂x where there are others."""
    d, power = "d" if len(f.variables) == 1 else "∂", "²" if order == 2 else ""
    return f"{d}{power}f/{d}{name}{power}"


VERB = Verb(
    name="derive",
    summary="Derive a formula by its variables.",
    examples=(
        'derive "x^2 + sin(x)" x',
        'derive "norm2(A*x - b)^2" x --given "A[m,n], x[n], b[m]"',
        'derive "x^2*sin(x)" x --steps',
        'derive "x^2*y" x y --along "3/5, 4/5"',
        'derive "sum((w*x - y)^2)" w --given "x[n], y[n]" --order 2 --json',
    ),
    options=_options,
    run=_run,
)
