"""SymPy out: exact objects, and back again to the same formula."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp
from reference import evaluate, largest_difference

from symgd.algebra import expression as ex
from symgd.algebra.functions import table
from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.table import F
from symgd.errors import LimitError, NoRuleError, SymgdError
from symgd.formula import formula
from symgd.language.from_sympy import from_sympy
from symgd.notation.to_sympy import to_sympy

m, n, i, j = sp.symbols("m n i j", integer=True, positive=True)
x, y, s = sp.symbols("x y s", real=True)
xs, ys, bs = (sp.IndexedBase(name, shape=(size,), real=True) for name, size in (("x", n), ("y", n), ("b", m)))
As = sp.IndexedBase("A", shape=(m, n), real=True)
A, S, v, b = sp.MatrixSymbol("A", m, n), sp.MatrixSymbol("S", n, n), sp.MatrixSymbol("v", n, 1), sp.MatrixSymbol("b", m, 1)
v3 = sp.IndexedBase("v", shape=(3,), real=True)

CONVERTED: list[tuple[str, str, Any]] = [
    ("x^2/2 + sin(y)*exp(-x)", "", x**2 / 2 + sp.sin(y) * sp.exp(-x)),
    ("0.1*x", "", x / 10),
    ("2*pi + e", "", 2 * sp.pi + sp.E),
    ("log10(x)", "", sp.log(x, 10)),
    ("x if x > 0 else y", "", sp.Piecewise((x, x > 0), (y, True))),
    ("max(x, y, 0)", "", sp.Max(x, y, 0)),
    ("T(x, y)", "T(x,y)", sp.Function("T")(x, y)),
    ("diff(T(x, y), x)", "T(x,y)", sp.Derivative(sp.Function("T")(x, y), x)),
    ("sum((A*x - b).^2)", "A[m,n], x[n], b[m]", sp.Sum((sp.Sum(As[i, j] * xs[j], (j, 1, n)) - bs[i]) ** 2, (i, 1, m))),
    ("mean((s*x - y)^2)", "s, x[n], y[n]", sp.Sum((s * xs[i] - ys[i]) ** 2, (i, 1, n)) / n),
    ("sum(i=1..n-1, x[i+1]*x[i])", "x[n]", sp.Sum(xs[i + 1] * xs[i], (i, 1, n - 1))),
    ("norm2(x)", "x[n]", sp.sqrt(sp.Sum(xs[i] ** 2, (i, 1, n)))),
    ("norm1(x) + lse(y)", "x[n], y[n]", sp.Sum(sp.Abs(xs[i]), (i, 1, n)) + sp.log(sp.Sum(sp.exp(ys[j]), (j, 1, n)))),
    ("prod(x)", "x[n]", sp.Product(xs[i], (i, 1, n))),
    ("max(v)", "v[3]", sp.Max(v3[1], v3[2], v3[3])),
    ("2*v", "v[3]", sp.ImmutableDenseMatrix([2 * v3[1], 2 * v3[2], 2 * v3[3]])),
    ("[[x, y], [1, 2]]", "", sp.ImmutableDenseMatrix([[x, y], [1, 2]])),
    ("2*A'*(A*v - b)", "A[m,n], v[n], b[m]", 2 * A.T * (A * v - b)),
    ("inv(S)*v", "S[n,n], v[n]", S.I * v),
    ("tr(S'*inv(S))", "S[n,n]", sp.Trace(S.T * S.I)),
    ("det(S) + logdet(S)", "S[n,n]", sp.Determinant(S) + sp.log(sp.Determinant(S))),
    ("S.*S", "S[n,n]", sp.HadamardProduct(S, S)),
    ("S^2 + 3*eye(n)", "S[n,n]", S**2 + 3 * sp.Identity(n)),
    ("diag(v)*S", "v[n], S[n,n]", sp.matrices.expressions.diagonal.DiagMatrix(v) * S),
    ("kron(A, S)", "A[m,n], S[n,n]", sp.KroneckerProduct(A, S)),
    ("v + 1", "v[n]", v + sp.OneMatrix(n, 1)),
    ("[S, v; v', 1]", "S[n,n], v[n]", sp.BlockMatrix([[S, v], [v.T, sp.ImmutableDenseMatrix([[1]])]])),
    ("S^k", "S[n,n], k integer", S ** sp.Symbol("k", integer=True)),
]


@pytest.mark.parametrize(("text", "given", "expected"), CONVERTED, ids=[row[0] for row in CONVERTED])
def test_is_the_sympy_object(text: str, given: str, expected: Any) -> None:
    assert formula(text, given=given).sympy() == expected


BACK = [
    "x^2/2 + sin(y)",
    "sum((A*x - b).^2)",
    "mean((s*x - y)^2)",
    "2*A'*(A*x - b)",
    "x'*exp(y)",
    "prod(x)",
    "sum(i=1..n-1, (x[i+1] - x[i])^2)",
    "tr(inv(S)*B)",
    "exp(A*x)",
    "1 - tanh(x)",
    "diag(x)*S",
]


@pytest.mark.parametrize("text", BACK)
def test_comes_back_as_the_same_formula(text: str) -> None:
    shapes = {"A": "A[m,n]", "B": "B[n,n]", "S": "S[n,n]", "x": "x[n]", "y": "y[n]", "b": "b[m]", "s": "s"}
    scalars = text == BACK[0]
    words = set("".join(c if c.isalnum() else " " for c in text).split())
    f = formula(text, given="" if scalars else ", ".join(shape for name, shape in shapes.items() if name in words))
    assert formula(f.sympy(), given=f.given) == f


def test_declarations_become_assumptions() -> None:
    assert formula("t*k", given="t > 0, k integer").sympy() == sp.Symbol("t", positive=True) * sp.Symbol("k", integer=True, real=True)


ROWS = [row for row in table.rows() if isinstance(row, Elementwise)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_function_comes_back_with_its_value(row: Elementwise) -> None:
    leaves = [ex.leaf(name) for name in "xyz"[: row.arity]]
    point = dict(zip("xyz", row.hard[0]))
    node = ex.apply(row, *leaves)
    wanted = evaluate(node, point, {})
    found = evaluate(from_sympy(to_sympy(node)), point, {})
    assert largest_difference(wanted, found) < 1e-30


@pytest.mark.parametrize(
    ("text", "given", "kind", "reason"),
    [
        ("softmax(A, axis=2)", "A[m,n]", NoRuleError, "SymPy has no form for softmax along an axis."),
        ("max(x)", "x[n]", NoRuleError, "SymPy has no form for Max of an array whose size is no number."),
        ("array(i=1..n, i*x[i])", "x[n]", NoRuleError, "SymPy has no form for an array given by its entries."),
        ("ones(100, 100)", "", LimitError, "an array of 10,000 entries is too large to write out."),
    ],
)
def test_what_has_no_form_is_refused(text: str, given: str, kind: type[SymgdError], reason: str) -> None:
    with pytest.raises(kind) as caught:
        formula(text, given=given).sympy()
    assert caught.value.reason == reason


def test_depth_is_no_crash() -> None:
    node: ex.Expression = ex.leaf("x")
    for _ in range(5_000):
        node = F.sin(node)
    with pytest.raises(LimitError, match="nested too deep for SymPy"):
        to_sympy(node)
