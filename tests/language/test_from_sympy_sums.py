"""SymPy's sums and products over an index, entries of arrays, and elementwise functions of matrices."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp
from reference import evaluate, largest_difference

from symgd.algebra.expression import leaves
from symgd.errors import FormulaError, NoRuleError, ShapeError, SymgdError
from symgd.language.elaborate import read
from symgd.language.from_sympy import from_sympy

i, j, k, m, n, w = sp.symbols("i j k m n w")
x, y = sp.IndexedBase("x", shape=(n,)), sp.IndexedBase("y", shape=(n,))
X = sp.IndexedBase("X", shape=(m, n))
free = sp.IndexedBase("z")  # SymPy says nothing of its shape
A, B, v = sp.MatrixSymbol("A", m, n), sp.MatrixSymbol("B", n, n), sp.MatrixSymbol("v", n, 1)
t = sp.Dummy("t")

POINT = {
    "x": [2, -1, 3],
    "y": [1, 4, -2],
    "z": [5, 1, 2],
    "v": [1, 2, -1],
    "w": 3,
    "X": [[1, 2, 3], [4, 5, 7]],
    "A": [[1, 2, 3], [4, 5, 7]],
    "B": [[2, 1, 0], [0, 3, 1], [1, 0, 4]],
}
SIZES = {"m": 2, "n": 3}


@pytest.mark.parametrize(
    ("expression", "text", "given"),
    [
        (sp.Sum((w * x[i] - y[i]) ** 2, (i, 1, n)) / n, "mean((w*x - y)^2)", "x[n], y[n], w"),
        (sp.Sum(X[i, j] * x[j], (j, 1, n), (i, 1, m)), "sum(X*x)", "X[m,n], x[n]"),
        (sp.Sum(x[i] * sp.Sum(x[i], (i, 1, n)), (i, 1, n)), "sum(x)^2", "x[n]"),
        (sp.Sum((x[i + 1] - x[i]) ** 2, (i, 1, n - 1)), "sum(i=1..n-1, (x[i+1] - x[i])^2)", "x[n]"),
        (sp.Sum(x[n - i + 1] * y[i], (i, 1, n)), "sum(i=1..n, x[n-i+1]*y[i])", "x[n], y[n]"),
        (sp.Sum(i * x[i], (i, 1, n)), "sum(i=1..n, i*x[i])", "x[n]"),
        (sp.Product(1 + x[i], (i, 1, n)), "prod(1 + x)", "x[n]"),
        (sp.Sum(sp.KroneckerDelta(i, j) * x[i] * y[j], (i, 1, n), (j, 1, n)), "x'*y", "x[n], y[n]"),
        (sp.Sum(x[i], (i, 0, n - 1)) + x[0], "sum(x) + x[1]", "x[n]"),
        (sp.Sum(x[i], (i, 1, n)) + x[2], "sum(x) + x[2]", "x[n]"),
        (sp.Sum(free[k] ** 2, (k, 1, n)), "sum(z.^2)", "z[n]"),
        (sp.Sum(free[k] ** 2, (k, 0, n - 1)), "sum(z.^2)", "z[n]"),
        (sp.Sum(A[i, j] ** 2, (i, 0, m - 1), (j, 0, n - 1)), "normF(A)^2", "A[m,n]"),
        (sp.Sum(w, (i, 1, n)), "n*w", "w, x[n]"),
        ((A * v).applyfunc(sp.Lambda(t, sp.exp(t) + t**2)), "exp(A*v) + (A*v).^2", "A[m,n], v[n]"),
        (sp.HadamardPower(A, 2), "A.^2", "A[m,n]"),
        (sp.KroneckerProduct(A, B), "kron(A, B)", "A[m,n], B[n,n]"),
        (sp.matrices.expressions.diagonal.DiagMatrix(v) * B, "diag(v)*B", "v[n], B[n,n]"),
        (sp.Matrix([x[1], x[2] ** 2]), "[x[1], x[2]^2]", "x[n]"),
    ],
    ids=str,
)
def test_is_read_as_the_text_is(expression: Any, text: str, given: str) -> None:
    found = from_sympy(expression)
    used = {leaf.name for leaf in leaves(found)}
    declared = ", ".join(part for part in given.split(", ") if part.split("[")[0] in used)
    wanted = read(text, declared if used else "").value.node
    point = {**SIZES, **POINT}
    assert largest_difference(evaluate(found, point, SIZES), evaluate(wanted, point, SIZES)) < 1e-40


def test_given_declares_an_array() -> None:
    assert str(leaves(from_sympy(free[1] * free[2], "z[4]"))[0].shape[0]) == "4"


def test_a_dummy_of_the_same_name_is_another_index() -> None:
    inner = sp.Sum(x[i] ** 2, (i, 1, n))
    outer = sp.Sum(inner * y[i], (i, 1, n))
    wanted = read("sum(x.^2)*sum(y)", "x[n], y[n]").value.node
    assert evaluate(from_sympy(outer), {**SIZES, **POINT}, SIZES) == evaluate(wanted, {**SIZES, **POINT}, SIZES)


@pytest.mark.parametrize(
    ("expression", "kind", "reason"),
    [
        (free[2], FormulaError, "the shape of z is unknown."),
        (sp.Sum(x[i], (i, 1, sp.oo)), NoRuleError, "the range of i has no end."),
        (sp.Sum(x[i], (i, 3, 2)), ShapeError, "the range of the index i is empty."),
        (sp.Sum(x[i], (i, 1, n + 1)), ShapeError, "the index of x (n) goes up to n + 1, out of its range 1..n."),
        (sp.Sum(x[i**2], (i, 1, n)), NoRuleError, "the index i**2 is not available."),
        (sp.IndexedBase("exp", shape=(n,))[1], FormulaError, "the name 'exp' is not allowed for a variable: it is a function."),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_refused(expression: Any, kind: type[SymgdError], reason: str) -> None:
    with pytest.raises(kind) as caught:
        from_sympy(expression)
    assert caught.value.reason == reason
