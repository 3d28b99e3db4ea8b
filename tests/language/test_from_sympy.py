"""SymPy expressions: each against SymPy's own value, and what has no counterpart is refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import pytest
import sympy as sp
from reference import evaluate
from sympy.functions import special

from symgd.algebra import expression as ex
from symgd.errors import DomainError, FormulaError, LimitError, NoRuleError, ShapeError, SymgdError
from symgd.language.elaborate import read
from symgd.language.from_sympy import from_sympy

x, y = sp.symbols("x y")
p = sp.Symbol("p", positive=True)
m, n = sp.symbols("m n")
A, S = sp.MatrixSymbol("A", m, n), sp.MatrixSymbol("S", n, n)
b, v = sp.MatrixSymbol("b", m, 1), sp.MatrixSymbol("v", n, 1)
POINT = {x: sp.Rational(3, 10), y: -sp.Rational(7, 10), p: sp.Rational(7, 5)}

SCALARS = [
    x**2 + 1,
    sp.sqrt(p) + 1 / p,
    sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi),
    sp.log(p, 2),
    sp.E**x * sp.pi**y,
    p**y,
    sp.Abs(y) + sp.sign(y),
    sp.Max(x, y, 0) + sp.Min(x, 1),
    sp.Piecewise((x, x > 0), (y, True)),
    sp.Piecewise((1, (x > 0) & (y > 0)), (2, (x > 0) | (y > 0)), (3, True)),
    sp.Piecewise((1, sp.Not(sp.Eq(x, 0))), (2, True)),
    sp.Heaviside(x) + sp.Heaviside(y),
    sp.sin(x) * sp.asinh(y) + sp.sec(x) + sp.acot(x) + sp.atan2(y, x),
    sp.erf(x) + sp.erfc(y),
    sp.gamma(p) + sp.loggamma(p) + sp.digamma(p) + sp.factorial(p) + sp.binomial(p, 2),
    sp.uppergamma(p, 2),
    sp.floor(3 * x),
    sp.Derivative(x**3 * y, (x, 2), y),
]


def test_blocks() -> None:
    assert from_sympy(sp.BlockMatrix([[S, v], [v.T, sp.Matrix([[1]])]])) is read("[S, v; v', 1]", "S[n,n], v[n]").value.node
    k = sp.Symbol("k", integer=True)
    assert from_sympy(S**k) is read("S^k", "S[n,n], k integer").value.node


@pytest.mark.parametrize("expression", SCALARS, ids=str)
def test_value_is_that_of_sympy(expression: Any) -> None:
    found = evaluate(from_sympy(expression), {str(symbol): value for symbol, value in POINT.items()}, {})[()]
    expected = sp.N(expression.doit().subs(POINT), 40)
    with mpmath.workdps(50):
        assert abs(found - mpmath.mpf(str(expected))) < mpmath.mpf("1e-25")  # SymPy gives 40 digits, some of them lost to cancellation


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ((A * v - b).T * (A * v - b), "(A*v - b)'*(A*v - b)"),
        (sp.Trace(S * S.T), "tr(S*S')"),
        (sp.Determinant(S) * n, "det(S)*n"),
        (S.I * v, "inv(S)*v"),
        (sp.HadamardProduct(A, A), "A.*A"),
        (A[0, 1] + v[1, 0], "A[1,2] + v[2]"),
        (2 * S + sp.Identity(n), "2*S + eye(n)"),
        (S**2, "S^2"),
        (sp.Matrix([x, y]), "[x, y]"),
        (sp.Matrix([[x, y], [1, 2]]), "[[x, y], [1, 2]]"),
        (sp.Function("T")(x, y), "T(x, y)"),
        (sp.Derivative(sp.Function("T")(x, y), x), "diff(T(x, y), x)"),
    ],
    ids=str,
)
def test_matrices_are_read_as_the_text_is(expression: Any, text: str) -> None:
    used = ", ".join(part for part in ("A[m,n]", "S[n,n]", "b[m]", "v[n]", "T(x,y)") if part[0] in text)
    point = {
        "A": [[1, 2, 3], [4, 5, 7]],
        "S": [[2, 1, 0], [0, 3, 1], [1, 0, 4]],
        "b": [1, -1],
        "v": [1, 2, -1],
        "x": 2,
        "y": 3,
    }
    unknowns = {"T": lambda orders, a, b: a**2 * b if orders == (0, 0) else 2 * a * b}
    found = evaluate(from_sympy(expression, used or None), point, {"m": 2, "n": 3}, unknowns)
    assert (found == evaluate(read(text, used).value.node, point, {"m": 2, "n": 3}, unknowns)).all()


def test_a_float_means_the_decimal_it_prints_as() -> None:
    assert from_sympy(sp.Float("0.1") + 0 * x) is ex.constant(Fraction(1, 10))


def test_assumptions_become_properties_and_given_overrides_them() -> None:
    k = sp.Symbol("k", integer=True, nonnegative=True)
    assert from_sympy(k) is ex.leaf("k", (), ("integer", ">= 0"))
    assert from_sympy(x, "x in (0, 1)") is ex.leaf("x", (), ("in (0, 1)",))


@pytest.mark.parametrize(
    ("expression", "kind", "reason"),
    [
        (sp.Symbol("x;y"), FormulaError, "';' is not allowed in a name."),
        (sp.Symbol(""), FormulaError, "a name is missing: it is empty."),
        (sp.Symbol("exp"), FormulaError, "the name 'exp' is not allowed for a variable: it is a function."),
        (x + sp.Symbol("x", positive=True), FormulaError, "two different symbols have the name 'x'."),
        ([1], FormulaError, "expected a formula as text or a SymPy expression, found a value of type list."),
        (sp.oo, DomainError, "oo is not a finite number."),
        (sp.I * x, NoRuleError, "the imaginary unit is not available: formulas are real."),
        (sp.EulerGamma, NoRuleError, "symgd has no counterpart of the constant EulerGamma."),
        (special.bessel.besselj(0, x), NoRuleError, "symgd has no counterpart of SymPy's besselj."),
        (sp.Integral(x, x), NoRuleError, "symgd has no counterpart of SymPy's Integral."),
        (sp.Piecewise((x, x > 0)), NoRuleError, "the last case of a Piecewise needs the condition True."),
        (sp.Matrix(0, 0, []), ShapeError, "an empty matrix is not available."),
        (
            x ** (10**9),
            LimitError,
            "the exponent is too large: the limit is exponent=1000 (whole exponent of something that is not a constant).",
        ),
        (sp.Integer(10) ** 400, LimitError, "the number is too large: the limit is magnitude=308 (decimal exponent of a constant)."),
    ],
    ids=str,
)
def test_what_has_no_counterpart_is_refused(expression: Any, kind: type[SymgdError], reason: str) -> None:
    with pytest.raises(kind) as caught:
        from_sympy(expression)
    assert caught.value.reason == reason
