"""Depth costs no recursion, length is bounded, and importing the printers brings in neither torch nor SymPy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Expression
from symgd.algebra.functions.table import F
from symgd.calculus import derive
from symgd.errors import LimitError
from symgd.notation.infix import infix
from symgd.notation.latex import latex

DEPTH = 10_000
x = ex.leaf("x")


def nested(step: Callable[[Expression], Expression]) -> Expression:
    node: Expression = x
    for _ in range(DEPTH):
        node = step(node)
    return node


@pytest.mark.parametrize(
    ("step", "beginning"),
    [(F.sin, r"sin(sin("), (lambda node: 1 / (1 + node), "1/(1 + 1/(1"), (lambda node: 1 + node**2, "1 + (1 + (")],
)
def test_ten_thousand_levels_are_written(step: Callable[[Expression], Expression], beginning: str) -> None:
    node = nested(step)
    assert infix(node).startswith(beginning)
    assert len(latex(node)) > len(infix(node))


def test_a_long_sum_made_term_by_term_is_flat() -> None:
    node: Expression = x
    for k in range(DEPTH):
        node = ex.add((node, F.sin(ex.multiply(ex.constant(k + 2), x))))
    assert infix(node).startswith("x + sin(2*x) + sin(3*x) + ")


@pytest.mark.parametrize("write", [infix, latex])
def test_what_nobody_would_read_is_refused(write: Callable[[Expression], str]) -> None:
    node: Expression = x
    for _ in range(60):
        node = ex.add((ex.multiply(node, node), ex.leaf("y")))  # doubles the text each time, and shares its parts
    with pytest.raises(LimitError) as caught:
        write(node)
    assert str(caught.value) == (
        "the formula is too long to write out, more than 200,000 characters.\n"
        "Print a part of it, or let it be computed: evaluate and to_torch share its common parts."
    )


def test_a_number_that_python_refuses_to_write_is_refused_here() -> None:
    with pytest.raises(LimitError, match="a number of more than 4,000 digits is too long to write out"):
        infix(ex.constant(10**5000))


def test_a_gradient_by_many_entries_is_one_literal() -> None:
    length = 300
    array = ex.leaf("v", (Dimension.of(length),))
    entry = [ex.element(array, 0, Dimension.of(k)) for k in range(length)]
    f = ex.add([100 * (entry[k + 1] - entry[k] ** 2) ** 2 for k in range(length - 1)])
    text = infix(derive.jacobian(f, array))
    assert text.startswith("[-400*v[1]*(v[2] - v[1]^2), 200*(v[2] - v[1]^2) - 400*v[2]*(v[3] - v[2]^2), ")
    assert "if" not in text


def test_importing_the_printers_is_light() -> None:
    program = "import sys, symgd.notation.infix, symgd.notation.latex, symgd.notation.to_sympy; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert not {"torch", "sympy", "numpy", "mpmath"} & set(loaded)
