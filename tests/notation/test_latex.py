"""LaTeX: exact text of one formula per habit, names, and that no name can act on LaTeX."""

from __future__ import annotations

import pytest

from symgd.algebra import expression as ex
from symgd.formula import formula, gradient
from symgd.notation.latex import latex
from symgd.notation.latex_names import has_script, name_latex

FORMULAS = [
    # scalars
    ("x^2/2 - 3*x + 0.1", "", r"\frac{x^{2}}{2} - 3 x + 0.1"),
    ("2*3^n", "", r"2 \cdot 3^{n}"),
    ("-x/(y*z)", "", r"-\frac{x}{y z}"),
    ("(x + y)^2*(x - y)", "", r"\left(x + y\right)^{2} \left(x - y\right)"),
    ("x^(3/2) + 1/sqrt(x)", "", r"x^{3/2} + \frac{1}{\sqrt{x}}"),
    ("sin(x)^2 + exp(-x)^2", "", r"\sin^{2}\left(x\right) + \exp^{2}\left(-x\right)"),
    ("log(x)*x", "", r"\log\left(x\right) x"),
    ("abs(x - 1) + floor(x)", "", r"\left|x - 1\right| + \left\lfloor x\right\rfloor"),
    ("factorial(k) + factorial(k + 1)", "", r"k! + \left(k + 1\right)!"),
    ("max(x, y, 0)", "", r"\max\left(x, y, 0\right)"),
    ("lambda*theta_1^2 + loss", "", r"\lambda \theta_{1}^{2} + \mathrm{loss}"),
    ("2*pi*e^x", "", r"2 \pi \exp\left(x\right)"),
    ("x if x >= 0 else -x if x < -1 else 2", "",
     r"\begin{cases} x & \text{if } x \ge 0 \\ -x & \text{if } x < -1 \\ 2 & \text{otherwise} \end{cases}"),
    ("1 if x > 0 else 0", "", r"\mathbf{1}\left[x > 0\right]"),
    # arrays
    ("norm2(A*x - b)^2", "A[m,n], x[n], b[m]", r"\left\lVert A x - b\right\rVert_2^{2}"),
    ("2*A'*(A*x - b)", "A[m,n], x[n], b[m]", r"2 A^{\top} \left(A x - b\right)"),
    ("A'*(A*x - b)/norm2(x)", "A[m,n], x[n], b[m]", r"\frac{1}{\left\lVert x\right\rVert_2} A^{\top} \left(A x - b\right)"),
    ("x'*S*x/2", "S[n,n], x[n]", r"\frac{x^{\top} S x}{2}"),
    ("inv(S)'*x", "S[n,n], x[n]", r"S^{-\top} x"),
    ("tr(inv(A + S)*S)", "S[n,n], A[n,n]", r"\operatorname{tr}\left(\left(A + S\right)^{-1} S\right)"),
    ("x.*y.^2", "x[n], y[n]", r"x \odot y^{\odot 2}"),
    ("x./(1 + y)", "x[n], y[n]", r"x \oslash \left(1 + y\right)"),
    ("S^2*x + x", "S[n,n], x[n]", r"S^{2} x + x"),
    ("2*eye(n) + ones(n, n)", "", r"2 I_{n} + \mathbf{1}_{n \times n}"),
    ("normF(X)^2", "X[m,n]", r"\left\lVert X\right\rVert_{F}^{2}"),
    ("kron(A, B) + ones(m*p, n*q)", "A[m,n], B[p,q]", r"A \otimes B + \mathbf{1}_{m p \times n q}"),
    ("[x, y^2]", "", r"\begin{bmatrix} x \\ y^{2} \end{bmatrix}"),
    ("[[1, x], [y, 0]]", "", r"\begin{bmatrix} 1 & x \\ y & 0 \end{bmatrix}"),
    ("softmax(X, axis=2)", "X[m,n]", r"\operatorname{softmax}_{\mathrm{axis}=2}\left(X\right)"),
    # sums
    ("mean((w*x - y)^2)", "x[n], y[n]", r"\frac{1}{n} \sum_{i=1}^{n} \left(w x_{i} - y_{i}\right)^{2}"),
    ("sum(i=1..n-1, x[i+1]*x[i])", "x[n]", r"\sum_{i=1}^{n-1} x_{i+1} x_{i}"),
    ("sum(X.*exp(X))", "X[m,n]", r"\sum_{i=1}^{m} \sum_{j=1}^{n} X_{i,j} \exp\left(X_{i,j}\right)"),
    ("prod(x)", "x[n]", r"\prod_{i=1}^{n} x_{i}"),
    ("array(i=1..n, i*x[i])", "x[n]", r"\left[i x_{i}\right]_{i=1,\dots,n}"),
    ("x[1]^2*x[2]", "x[n]", r"x_{1}^{2} x_{2}"),
    ("sum(i=1..n, x_1[i])", "x_1[n]", r"\sum_{i=1}^{n} \left(x_{1}\right)_{i}"),
    # derivatives of unknown functions
    ("diff(T(x, y), x)", "T(x,y)", r"\frac{\partial}{\partial x} T\left(x, y\right)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "given", "expected"), FORMULAS)
def test_formula(text: str, given: str, expected: str) -> None:
    assert formula(text, given=given).latex() == expected


def test_index_notation() -> None:
    g = gradient(formula("norm2(A*x - b)^2", given="A[m,n], x[n], b[m]"), "x")
    expected = r"\left[2 \sum_{j=1}^{m} A_{j,i} \left(\sum_{k=1}^{n} A_{j,k} x_{k} - b_{j}\right)\right]_{i=1,\dots,n}"
    assert g.latex("index") == expected


def test_an_index_of_a_delta_is_in_iversons_bracket() -> None:
    g = gradient(formula("sum(i=1..n, x[2*i]*y[i])", given="x[2*n], y[n]"), "x")
    assert g.latex() == r"\left[\sum_{j=1}^{n} \mathbf{1}\left[i = 2 j\right] y_{j}\right]_{i=1,\dots,2 n}"


def test_a_guard_is_in_iversons_bracket() -> None:
    g = gradient(formula("sum(i=1..n-1, x[i+1]*y[i])", given="x[n], y[n-1]"), "x")
    assert g.latex() == r"\left[\mathbf{1}\left[i \ge 2\right] y_{i-1}\right]_{i=1,\dots,n}"


def test_the_identity_is_spelled_out_beside_a_variable_of_its_name() -> None:
    assert formula("I*eye(n)", given="A[n,n], I").latex() == r"I \operatorname{eye}\left(n\right)"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x", "x"),
        ("theta", r"\theta"),
        ("lambda", r"\lambda"),
        ("Omega", r"\Omega"),
        ("Alpha", r"\mathrm{Alpha}"),
        ("x_1", "x_{1}"),
        ("x_12", "x_{12}"),
        ("theta_0", r"\theta_{0}"),
        ("w_out", r"w_{\mathrm{out}}"),
        ("x_i", "x_{i}"),
        ("sigma_theta", r"\sigma_{\theta}"),
        ("y_hat", r"\hat{y}"),
        ("theta_hat", r"\hat{\theta}"),
        ("y_hat_1", r"\hat{y}_{1}"),
        ("x_bar", r"\bar{x}"),
        ("w_bf", r"\mathbf{w}"),
        ("loss", r"\mathrm{loss}"),
        ("loss_1", r"\mathrm{loss}_{1}"),
        ("x1", r"\mathrm{x1}"),
        ("x_1_2", r"\mathrm{x\_1\_2}"),
        ("_x", r"\mathrm{\_x}"),
        ("x_", r"\mathrm{x\_}"),
        ("온도", r"\text{온도}"),
        ("온도_1", r"\text{온도}_{1}"),
        ("θ", r"\text{θ}"),
        ("é", r"\text{é}"),
        ("hat", r"\mathrm{hat}"),
    ],
)
def test_name(name: str, expected: str) -> None:
    assert name_latex(name) == expected


def test_names_that_carry_a_subscript_take_indices_in_brackets() -> None:
    assert has_script("x_1")
    assert not has_script("y_hat")
    assert not has_script("loss")


HOSTILE = [r"\input{secret}", "x}", "a{b", "$x$", "x^2", "x&y", "x%y", "x#1", "x~y", r"\\", "x y", "x\ny", "‮x", "x\\"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_acts_on_latex(name: str) -> None:
    text = latex(ex.leaf(name))
    assert not set(text.replace(r"\_", "").removeprefix(r"\mathrm{").removeprefix(r"\text{").removesuffix("}")) & set("\\{}$&#^_%~ \n")


def test_no_function_name_acts_on_latex() -> None:
    assert "input" in latex(ex.unknown(r"\input{f}", [ex.leaf("x")]))
    assert r"\input" not in latex(ex.unknown(r"\input{f}", [ex.leaf("x")]))
