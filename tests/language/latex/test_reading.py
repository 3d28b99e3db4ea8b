"""LaTeX as lecturers write it, and the formula it is read as."""

from __future__ import annotations

import pytest

from symgd import formula
from symgd.language.latex import functions
from symgd.language.latex.tokens import _SAME, _SPACE, ACCENTS, FONTS, OLD_FONTS

READINGS = [
    (r"\frac12 x^2", r"", "x^2/2"),
    (r"\dfrac{x}{2} + \tfrac12", r"", "x/2 + 1/2"),
    (r"\frac1N\sum_{i=1}^N (w x_i - y_i)^2", r"x[N], y[N]", "mean((w*x - y).^2)"),
    (r"\|Xw-y\|_2^2", r"X[N,d], w[d], y[N]", "norm2(X*w - y)^2"),
    (r"\lVert x\rVert", r"x[n]", "norm2(x)"),
    (r"\left\|x\right\|_1", r"x[n]", "norm1(x)"),
    (r"\|x\|_\infty", r"x[n]", "max(abs(x))"),
    (r"\|A\|_F^2", r"A[m,n]", "normF(A)^2"),
    (r"|x|", r"", "abs(x)"),
    (r"|A|", r"A[n,n]", "det(A)"),
    (r"w^\top x", r"w[n], x[n]", "w'*x"),
    (r"w^T x", r"w[n], x[n]", "w'*x"),
    (r"w^{\mathsf T} x", r"w[n], x[n]", "w'*x"),
    (r"w^\intercal x", r"w[n], x[n]", "w'*x"),
    (r"w' x", r"w[n], x[n]", "w'*x"),
    (r"A^{-1} b", r"A[n,n], b[n]", "inv(A)*b"),
    (r"A^{-\top} b", r"A[n,n], b[n]", "inv(A)'*b"),
    (r"\operatorname{tr}(A B)", r"A[n,n], B[n,n]", "tr(A*B)"),
    (r"\log\det A", r"A[n,n] spd", "logdet(A)"),
    (r"\ln x", r"", "log(x)"),
    (r"\log_2 x", r"", "log2(x)"),
    (r"\log_{10}(x)", r"", "log10(x)"),
    (r"\exp\left(-x\right)", r"", "exp(-x)"),
    (r"e^{-x}", r"", "exp(-x)"),
    (r"\sin^2 x", r"", "sin(x)^2"),
    (r"\sin^{-1} x", r"", "asin(x)"),
    (r"\sin 2x", r"", "sin(2*x)"),
    (r"\sin x \cos y", r"", "sin(x)*cos(y)"),
    (r"\sigma(z)", r"", "sigmoid(z)"),
    (r"\sigma z", r"", "sigma*z"),
    (r"\sigma'(z)", r"", "sigmoid(z)*sigmoid(-z)"),
    (r"\operatorname{softmax}(z)", r"z[k]", "softmax(z)"),
    (r"\operatorname*{softmax}(z)", r"z[k]", "softmax(z)"),
    (r"\operatorname{ReLU}(x)", r"", "relu(x)"),
    (r"[x]_+", r"", "relu(x)"),
    (r"\max(0, 1 - y z)", r"", "max(0, 1 - y*z)"),
    (r"\max_i x_i", r"x[n]", "max(x)"),
    (r"\sqrt[3]{x}", r"", "x^(1/3)"),
    (r"\binom{n}{2}", r"n integer", "binomial(n, 2)"),
    (r"n!", r"n integer", "factorial(n)"),
    (r"x \cdot y", r"x[n], y[n]", "x'*y"),
    (r"a \cdot b", r"", "a*b"),
    (r"a \times b", r"", "a*b"),
    (r"x \odot y", r"x[n], y[n]", "x.*y"),
    (r"A \otimes B", r"A[m,n], B[p,q]", "kron(A, B)"),
    (r"\langle u, v\rangle", r"u[n], v[n]", "u'*v"),
    (r"\lfloor x \rfloor", r"", "floor(x)"),
    (r"\lceil x \rceil", r"", "-floor(-x)"),
    (r"\sum_{i,j} a_{ij} x_i x_j", r"a[n,n], x[n]", "x'*a*x"),
    (r"\sum_{i<j} x_i x_j", r"x[n]", "sum(triu(x*x', 1))"),
    (r"\sum_{i \in \{1,3\}} x_i", r"x[4]", "x[1] + x[3]"),
    (r"\sum\limits_{i=1}^{3} i^2", r"", "sum(i=1..3, i^2)"),
    (r"\sum_{\substack{i,j \\ i \neq j}} a_{ij}", r"a[n,n]", "sum(i=1..n, j=1..n, a[i,j] if i != j else 0)"),
    (r"\prod_{i=1}^n x_i", r"x[n]", "prod(x)"),
    (r"x^{(i)}", r"x[n], i integer", "sum(j=1..n, x[j] if j == i else 0)"),
    (r"\sum_i y^{(i)} w^\top\mathbf{x}^{(i)}", r"\mathbf{x}[N,3], w[3], y[N]", "sum(y.*(x*w))"),
    (r"\hat{y}^2", r"", "y_hat^2"),
    (r"\hat{\mathbf y}^\top\hat{\mathbf y}", r"\hat y[n]", "y_hat'*y_hat"),
    (r"\theta_0 + \theta_1 x", r"", "theta_0 + theta_1*x"),
    (r"x_{\text{max}}", r"", "x_max"),
    (r"x^*", r"", "x_star"),
    (r"\mathbf{w}^\top w", r"\mathbf{w}[n], w[n]", "w_bf'*w"),
    (r"\mathcal{L}^2", r"", "L^2"),
    (r"\ell^2", r"", "ell^2"),
    (r"\text{온도}^2", r"", "온도^2"),
    (r"1{,}000 x", r"", "1000*x"),
    (r"2.5 x", r"", "5*x/2"),
    (r"f'(x)", r"f(x) = x^3", "3*x^2"),
    (r"f''(2)", r"f(x) = x^3", "12"),
    (r"f_x(x, y)", r"f(x,y) = x^2 y", "2*y*x"),
    (r"\frac{\partial f}{\partial x}", r"f(x,y) = x^2 y", "2*y*x"),
    (r"\frac{\partial^2 f}{\partial x\,\partial y}", r"f(x,y) = x^2 y^2", "4*x*y"),
    (r"\frac{\mathrm{d}}{\mathrm{d}x} x^3", r"", "3*x^2"),
    (r"\left.\frac{d}{dx} x^3\right|_{x=2}", r"", "12"),
    (r"\frac{d}{dx} x^3 \Big|_{x=2}", r"", "12"),
    (r"\partial_x f", r"f(x,y) = x^2 y", "2*y*x"),
    (r"\nabla f", r"f(x,y) = x^2 y", "[2*y*x, x^2]"),
    (r"\nabla f(1, 2)", r"f(x,y) = x^2 y", "[4, 1]"),
    (r"\nabla^2 f", r"f(x,y) = x^2 y", "[[2*y, 2*x], [2*x, 0]]"),
    (r"\nabla_w \|Xw\|^2", r"X[N,d], w[d]", "2*norm2(X*w)*X'*X*w/norm2(X*w)"),
    (r"D_u f(1,2)", r"f(x,y) = x^2 y, u = (3, 4)", "[4, 1]'*[3, 4]"),
    (r"\lim_{h \to 0}\frac{f(x+h) - f(x)}{h}", r"f(x) = x^2", "2*x"),
    (r"\begin{bmatrix} x \\ y \end{bmatrix}", r"", "[x, y]"),
    (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", r"", "[[1, 2], [3, 4]]"),
    (r"\begin{vmatrix} a & b \\ c & d \end{vmatrix}", r"", "det([[a, b], [c, d]])"),
    (r"\begin{cases} x & x > 0 \\ 0 & \text{otherwise} \end{cases}", r"", "x if x > 0 else 0"),
    (r"\mathbb{1}[x > 0]", r"", "1 if x > 0 else 0"),
    (r"\mathbf{1}_{x > 0}", r"", "1 if x > 0 else 0"),
    (r"\mathbf{1}^\top x", r"x[n]", "sum(x)"),
    (r"(A + \lambda I)^{-1} b", r"A[n,n], b[n]", "inv(A + lambda*eye(n))*b"),
    (r"\mathbb{E}_{x \sim p}[x^2]", r"x[n], p[n]", "sum(p.*x.^2)"),
    (r"D_{\mathrm{KL}}(p \| q)", r"p[n], q[n]", "sum(p.*log(p./q))"),
    (r"[x_i^2]_{i=1,\dots,n}", r"x[n]", "x.^2"),
    (r"\underbrace{x^2}_{\text{square}} + 1", r"", "x^2 + 1"),
    (r"x(x + 1)", r"", "x*(x + 1)"),
    (r"a/bc", r"", "a*c/b"),
    (r"\overset{!}{x}", r"", "x"),
    (r"x^2 \quad \text{where } x = w - 1", r"", "(w - 1)^2"),
    (r"\newcommand{\norm}[1]{\|#1\|} \norm{x}", r"x[n]", "norm2(x)"),
    (r"\DeclareMathOperator{\trace}{tr} \trace(A)", r"A[n,n]", "tr(A)"),
    (r"\[ x^2 \,. \]", r"", "x^2"),
    (r"$$ \bigl( x + 1 \bigr)^2 $$", r"", "(x + 1)^2"),
    (r"\begin{equation} x^2 \label{eq:one} \tag{1} \end{equation}", r"", "x^2"),
    (r"L(w) = \|Xw - y\|^2", r"X[N,d], w[d], y[N]", "norm2(X*w - y)^2"),
    (r"\max_{\|u\|=1} g^\top u", r"u[n], g[n]", "norm2(g)"),
]

WARNINGS = [
    (r"\sin^{-1} x", r"", r"\sin^{-1} is read as the inverse function, asin."),
    (r"|A|", r"A[n,n]", r"|A| is read as the determinant, because what is between the bars is a matrix."),
    (r"\|A\|", r"A[n,n]", r"\|A\| is read as the Frobenius norm, because what is between the bars is a matrix."),
    (r"1{,}000 x", r"", r"1{,}000 is read as 1000."),
    (r"x(x + 1)", r"", r"x(…) is read as a product, because x is not declared as a function."),
    (r"a/bc", r"", r"a/b c… is read from left to right: (a/b) c."),
    (r"\mathbf{w}^\top w", r"\mathbf{w}[n], w[n]", r"w stands in two fonts: the one in bf is read as w_bf."),
    (r"A + I", r"A[n,n]", r"I is read as the identity matrix, because it is not declared, and matrices are."),
    (r"\overset{!}{x}", r"", r"what is written at \overset is not read: !."),
    (r"\underbrace{x}_{\text{cost}}", r"", r"what is written at \underbrace is not read: \text{cost}."),
    (r"\nabla f(x)^\top u", r"", r"f is not declared: it is read as an unknown differentiable function, f(x[n])."),
    (r"x^{(i)}", r"x[n], i integer", r"x^{(i)} is read as the entry whose number is the value of i."),
    (r"\operatorname{tr} A B", r"A[n,n], B[n,n]", r"A B is read as one argument of the function before it."),
    (r"abc", r"", r"abc is read as the product of its letters; a name of several letters is written \mathrm{abc}."),
    (r"\ln x/y", r"", r"x alone is the argument of the function before it: the division comes after."),
    (r"\langle a, b\rangle", r"", r"\langle a, b\rangle is read as a vector, because its entries are scalars."),
]


@pytest.mark.parametrize(("text", "given", "read"), READINGS)
def test_reading(text: str, given: str, read: str) -> None:
    assert str(formula(text, given=given, syntax="latex")) == read


@pytest.mark.parametrize(("text", "given", "warning"), WARNINGS)
def test_a_default_is_reported(text: str, given: str, warning: str) -> None:
    assert warning in formula(text, given=given, syntax="latex").reading.warnings


def test_text_without_warnings_has_none() -> None:
    assert formula(r"\frac12\|Xw - y\|^2", given="X[N,d], w[d], y[N]", syntax="latex").reading.warnings == ()


# ---- nothing is dropped: a command changes what is read, or it is one of spacing


@pytest.mark.parametrize("command", sorted(_SPACE))
def test_spacing_changes_nothing(command: str) -> None:
    assert str(formula(rf"x {command} y", syntax="latex")) == "x*y"


@pytest.mark.parametrize("command", sorted(functions.heads()))
def test_every_function_is_applied(command: str) -> None:
    name = functions.heads()[command]
    given = "X[2,2]" if name in ("tr", "det", "logdet", "inv", "diag", "vec") else ""
    inside = "X" if given else "a, b" if name in ("max", "min", "binomial", "atan2", "uppergamma") else "x"
    assert str(formula(rf"{command}({inside})", given=given, syntax="latex")) != inside


@pytest.mark.parametrize("command", sorted(ACCENTS))
def test_an_accent_is_part_of_the_name(command: str) -> None:
    assert formula(rf"{command}{{x}}", syntax="latex").variables == (f"x_{ACCENTS[command]}",)


@pytest.mark.parametrize("command", sorted(set(FONTS) - OLD_FONTS))
def test_a_font_tells_names_apart_only_beside_another(command: str) -> None:
    assert formula(rf"{command}{{x}}^2", syntax="latex").variables == ("x",)
    both = formula(rf"{command}{{x}} + x", syntax="latex").variables
    assert both == ((f"x_{FONTS[command]}", "x") if FONTS[command] not in ("", "rm") else ("x",))


@pytest.mark.parametrize("command", sorted(c for c in _SAME if _SAME[c] in (r"\frac", r"\binom")))
def test_synonyms_of_fractions(command: str) -> None:
    plain = _SAME[command]
    assert str(formula(rf"{command}{{n}}{{2}}", given="n integer", syntax="latex")) == str(
        formula(rf"{plain}{{n}}{{2}}", given="n integer", syntax="latex")
    )


@pytest.mark.parametrize("size", ["big", "Big", "bigg", "Bigg"])
def test_sizes_of_brackets(size: str) -> None:
    assert str(formula(rf"\{size}l( x + 1 \{size}r)^2", syntax="latex")) == "(x + 1)^2"
    assert str(formula(rf"\{size}| x \{size}|", syntax="latex")) == "abs(x)"


def test_a_name_is_declared_in_either_spelling() -> None:
    text = r"\hat{\mathbf{y}}^\top\boldsymbol\theta"
    for given in (r"\hat{\mathbf{y}}[n], \boldsymbol{\theta}[n]", "y_hat[n], theta[n]"):
        assert str(formula(text, given=given, syntax="latex")) == "y_hat'*theta"
