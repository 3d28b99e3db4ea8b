"""What formulas and their derivatives print as: one row per habit of the printer. Every text is read back as the same formula."""

from __future__ import annotations

import pytest

from symgd.errors import NoRuleError
from symgd.formula import Formula, derivative, formula, gradient, hessian, jacobian
from symgd.notation.infix import infix

GIVEN = "A[m,n], B[m,n], C[n,p], S[n,n], X[m,n], x[n], y[n], b[m], u[m], v[n]"


def declared(text: str) -> str:
    """The declarations of GIVEN that the text uses."""
    names = {part.split("[")[0]: part for part in GIVEN.split(", ")}
    return ", ".join(part for name, part in names.items() if name in set(_words(text)))


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "_" else " " for c in text).split()


SAME = [
    # numbers, signs, fractions
    "x[1] - 2*y[1]",
    "1/2",
    "0.1*t",
    "t/2",
    "3*t/4",
    "-t",
    "t - 1",
    "2*t/(3*s)",
    "t^2",
    "t^(2*s)",
    "1/t^2",
    "sqrt(t)",
    "1/sqrt(t)",
    "t^(3/2)",
    "-(s + t)^2",
    "(-s)^t",
    "2^(-t)",
    "exp(-t^2/2)/sqrt(2*pi)",
    "a if t > 0 else b if t < -1 else c",
    "s*(1 if t <= s else 0)",
    "max(s, t, 0)",
    # vectors
    "x'*y",
    "x.*y",
    "x.^2./y",
    "2./x",
    "x*y'",
    "1 - tanh(x).^2",
    "x'*x",
    "sum(x)",
    "sum(x.*y.*v)",
    "mean((s*x - y).^2)",
    "norm2(x - y)^2",
    "x/norm2(x)",
    "softmax(x)",
    "[s, t^2]",
    "[[1, s], [t, 1/2]]",
    # matrices
    "A*x - b",
    "2*A'*(A*x - b)",
    "x'*A'*B*y",
    "(x'*S*x)*S*y",
    "(x'*y)*x",
    "A*diag(v)*B'",
    "diag(u)*A",
    "A'*(u.*(B*x))",
    "A.*B./X",
    "A*ones(n)",
    "sum(A)",
    "mean(A)",
    "tr(S)",
    "tr(inv(S)'*S)",
    "sum(A.*exp(B))",
    "S^3*x",
    "S'^2",
    "inv(S)*x",
    "det(S) + logdet(S)",
    "diag(x)",
    "diag(S)",
    "eye(n) + ones(n, n)",
    "u*ones(n)' + ones(m)*v'",
    "zeros(m, n)",
    "softmax(A, axis=2)",
    "softmax(A, axis=1)",
    "lse(A, axis=2)",
    "normF(A)^2",
    "sum(abs(A))",
    "max(A)",
    "kron(A, S)",
    "kron(S, A)*commut(n, n)",
    "vec(A*S)",
    "exp(u*ones(n)' - A)*ones(n)",
    # indices
    "sum(i=1..n-1, (x[i+1] - x[i])^2)",
    "sum(i=1..n, i*x[i])",
    "sum(i=1..n, x[i]^i)",
    "sum(i=1..m, j=1..n, exp(u[i] - v[j]))",
    "array(i=1..n, i*x[i])",
    "prod(x + 1)",
]


@pytest.mark.parametrize("text", SAME)
def test_is_printed_as_it_was_written(text: str) -> None:
    f = formula(text, given=declared(text))
    assert str(f) == text
    assert formula(str(f), given=f.given) == f


REWRITTEN = [
    ("x[2]*3 + 0*t", "3*x[2]"),
    ("(2*A')*((A*x) - b)", "2*A'*(A*x - b)"),
    ("sum(i=1..n, x[i]*y[i])", "sum(x.*y)"),
    ("sum(i=1..m, sum(j=1..n, A[i,j]*x[j])^2)", "sum((A*x).^2)"),
    ("sum(i=1..m, j=1..n, A[i,j]*u[i]*v[j])", "u'*A*v"),
    ("sum(i=1..n, S[i,i])", "tr(S)"),
    ("array(i=1..m, j=1..n, A[i,j]*v[j])", "A*diag(v)"),
    ("sum(i=1..n, x[i])/n", "mean(x)"),
    ("sum(A)/(m*n)", "mean(A)"),
    ("x'*diag(v)*y", "(x.*v)'*y"),
    ("sum(A')", "sum(A)"),
    ("1/(x'*y)*(A*x)", "A*x/(x'*y)"),
    ("sum(sum(A, axis=2))", "sum(A)"),
]


@pytest.mark.parametrize(("text", "expected"), REWRITTEN)
def test_is_printed_shorter(text: str, expected: str) -> None:
    assert str(formula(text, given=declared(text))) == expected


GRADIENTS = [
    ("norm2(A*x - b)^2", "x", "2*A'*(A*x - b)"),
    ("norm2(A*x - b)^2", "A", "2*(A*x - b)*x'"),
    ("mean((t*x - y)^2)", "t", "2*x'*(t*x - y)/n"),
    ("norm2(x - y)", "x", "(x - y)/norm2(x - y)"),
    ("u'*A*v", "A", "u*v'"),
    ("sum(exp(x))", "x", "exp(x)"),
    ("tr(S)", "S", "eye(n)"),
    ("logdet(S)", "S", "inv(S)'"),
    ("u'*tanh(A*x)", "x", "A'*(u.*(1 - tanh(A*x).^2))"),
    ("sum(x)^2", "x", "2*sum(x)*ones(n)"),
    ("sum(A)", "A", "ones(m, n)"),
    ("x[2]*t", "t", "x[2]"),
]


@pytest.mark.parametrize(("text", "variable", "expected"), GRADIENTS)
def test_gradients_read_as_in_a_textbook(text: str, variable: str, expected: str) -> None:
    f = formula(text, given=declared(text))
    g = gradient(f, variable) if f.leaves[variable].shape else derivative(f, variable)
    assert str(g) == expected
    assert formula(str(g), given=g.given) == g


def test_second_derivatives() -> None:
    f = formula("sum(softplus(A*x))", given="A[m,n], x[n]")
    assert str(hessian(f, "x")) == "A'*diag(sigmoid(A*x).*sigmoid(-A*x))*A"
    assert str(hessian(formula("normF(A*X)^2", given="A[m,n], X[n,p]"), "X")) == "2*kron(eye(p), A'*A)"
    assert str(jacobian(formula("X*X'", given="X[m,n]"), "X")) in (
        "kron(X, eye(m)) + kron(eye(m), X)*commut(m, n)",
        "kron(eye(m), X)*commut(m, n) + kron(X, eye(m))",
    )


def test_an_array_of_fixed_size_is_a_literal() -> None:
    g = gradient(formula("x[1]^2*x[2] + sin(x[2])", given="x[3]"), "x")
    assert str(g) == "[2*x[1]*x[2], x[1]^2 + cos(x[2]), 0]"
    assert formula(str(g), given=g.given) == g


def test_a_shifted_index_keeps_a_guard() -> None:
    g = gradient(formula("sum(i=1..n-1, x[i+1]*y[i])", given="x[n], y[n-1]"), "x")
    assert str(g) == "array(i=1..n, y[i-1] if i >= 2 else 0)"


def test_a_row_lies_down() -> None:
    f = formula("x'*A", given="x[m], A[m,n]")
    assert infix(f.expression, row=True) == "x'*A"
    assert infix(f.expression) == "A'*x"


def test_index_letters_avoid_every_name() -> None:
    f = formula("sum(k=1..n, x[k]^k)*i*j", given="x[n]")
    assert str(f) == "i*j*sum(k=1..n, x[k]^k)"
    assert infix(f.expression, avoid=["k", "l"]) == "i*j*sum(p=1..n, x[p]^p)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A*x - b", "array(i=1..m, sum(j=1..n, A[i,j]*x[j]) - b[i])"),
        ("tr(S)", "sum(i=1..n, S[i,i])"),
        ("eye(n)", "array(i=1..n, j=1..n, 1 if i == j else 0)"),
        ("inv(S)*x", "array(i=1..n, sum(j=1..n, x[j]*inv(S)[i,j]))"),
        ("sum(x)/n", "sum(i=1..n, x[i])/n"),
        ("x", "x"),
    ],
)
def test_index_notation_writes_entries(text: str, expected: str) -> None:
    f: Formula = formula(text, given=declared(text))
    assert infix(f.expression, "index") == expected


def test_unknown_functions_and_their_derivatives() -> None:
    f = formula("T(x, y)^2", given="T(x,y)")
    assert str(f) == "T(x, y)^2"
    assert str(gradient(f, ["x"])) == "[2*T(x, y)*diff(T(x, y), x)]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T(x^2, y)", "[2*x*lim(h, 0, (T(x^2 + h, y) - T(x^2, y))/h), diff(T(x^2, y), y)]"),
        ("T(x, x)", "[lim(h, 0, (T(x, x + h) - T(x, x))/h) + lim(h, 0, (T(x + h, x) - T(x, x))/h)]"),
    ],
)
def test_a_derivative_by_an_argument_that_is_no_variable_is_a_limit(text: str, expected: str) -> None:
    g = gradient(formula(text, given="T(a,b)"))
    assert str(g) == expected
    assert formula(str(g), given="T(a,b)") == g


def test_another_notation_is_refused() -> None:
    with pytest.raises(NoRuleError, match="unknown notation 'words'"):
        infix(formula("x").expression, "words")
