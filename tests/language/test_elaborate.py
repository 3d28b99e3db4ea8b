"""What formulas mean: each against the same computation in numpy, through the reference evaluator."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from language.counting import calls
from reference import evaluate

from symgd.language.elaborate import read, read_claim
from symgd.language.limits import Limits

GIVEN = "A[m,n], B[m,n], C[n,n], P[n,n] spd, x[n], y[n], b[m], r[3], s, t > 0, k integer"
SIZES = {"m": 2, "n": 3}
_random = np.random.default_rng(0)
_square = _random.standard_normal((3, 3))
VALUES: dict[str, Any] = {
    **{name: _random.standard_normal((2, 3)) for name in ("A", "B")},
    "C": _random.standard_normal((3, 3)),
    "P": _square @ _square.T + 3 * np.eye(3),
    **{name: _random.standard_normal(3) for name in ("x", "y", "r")},
    "b": _random.standard_normal(2),
    "s": -0.7,
    "t": 1.3,
    "k": 2.0,
}
V = SimpleNamespace(**VALUES)
N = np.linalg
MEANINGS: list[tuple[str, Callable[[Any], Any]]] = [
    # scalars
    ("2 + 3*4", lambda v: 14),
    ("2*3^2", lambda v: 18),
    ("-2^2", lambda v: -4),
    ("2^-1", lambda v: 0.5),
    ("2^3^2", lambda v: 512),
    ("8/2/2", lambda v: 2),
    ("1 - 2 - 3", lambda v: -4),
    ("--s + +s", lambda v: 2 * v.s),
    ("0.1 + .2 + 1e-1 + 2.", lambda v: 2.4),
    ("s − 2×t·3", lambda v: v.s - 6 * v.t),
    ("E^s + e^s + pi + π", lambda v: 2 * np.exp(v.s) + 2 * np.pi),
    ("log(t) + ln(t) + log10(t) + log2(t)", lambda v: 2 * np.log(v.t) + np.log10(v.t) + np.log2(v.t)),
    ("atan2(s, t)", lambda v: np.arctan2(v.s, v.t)),
    ("max(s, t, 2) + min(s, t, 2)", lambda v: 2 + v.s),
    ("clip(s, -0.5, 0.5)", lambda v: -0.5),
    ("1 if s > 0 else 2 if t >= 1 else 3", lambda v: 2),
    ("(s if s < t else t) + 1", lambda v: v.s + 1),
    # vectors and matrices
    ("A*x", lambda v: v.A @ v.x),
    ("A@x", lambda v: v.A @ v.x),
    ("x'*C*x", lambda v: v.x @ v.C @ v.x),
    ("x.T*y", lambda v: v.x @ v.y),
    ("x@y", lambda v: v.x @ v.y),
    ("x*y'", lambda v: np.outer(v.x, v.y)),
    ("A'*b", lambda v: v.A.T @ v.b),
    ("2.*x", lambda v: 2 * v.x),
    ("1./x", lambda v: 1 / v.x),
    ("x.^2", lambda v: v.x**2),
    ("x^2", lambda v: v.x**2),
    ("x**2", lambda v: v.x**2),
    ("2.^x", lambda v: 2.0**v.x),
    ("x.*y./x", lambda v: v.y),
    ("x/y", lambda v: v.x / v.y),
    ("A/s", lambda v: v.A / v.s),
    ("1 - x", lambda v: 1 - v.x),
    ("C^2", lambda v: v.C @ v.C),
    ("C.^2", lambda v: v.C**2),
    ("C^-1", lambda v: N.inv(v.C)),
    ("s*eye(n) + C", lambda v: v.s * np.eye(3) + v.C),
    ("s*ones(m,n) - zeros(m, n) + A", lambda v: v.s + v.A),
    ("ones(n)'*x", lambda v: v.x.sum()),
    ("sum(ones(2*n-1))", lambda v: 5),
    ("sum(A.*B)", lambda v: (v.A * v.B).sum()),
    ("sum(A, axis=1)", lambda v: v.A.sum(0)),
    ("mean(A, axis=2)", lambda v: v.A.mean(1)),
    ("mean((x - mean(x))^2)", lambda v: v.x.var()),
    ("prod(x)", lambda v: v.x.prod()),
    ("max(x) + min(A)", lambda v: v.x.max() + v.A.min()),
    ("max(A, axis=1)", lambda v: v.A.max(0)),
    ("lse(x)", lambda v: np.log(np.exp(v.x).sum())),
    ("softmax(A, axis=2)", lambda v: np.exp(v.A) / np.exp(v.A).sum(1, keepdims=True)),
    ("norm1(x) + norm2(x) + normF(A)", lambda v: abs(v.x).sum() + N.norm(v.x) + N.norm(v.A)),
    ("tr(C) + det(C)", lambda v: np.trace(v.C) + N.det(v.C)),
    ("logdet(P)", lambda v: np.log(N.det(v.P))),
    ("inv(C)*x", lambda v: N.inv(v.C) @ v.x),
    ("dot(x, y) + sum(outer(x, y))", lambda v: v.x @ v.y + v.x.sum() * v.y.sum()),
    ("diag(x)", lambda v: np.diag(v.x)),
    ("diag(C)", lambda v: np.diag(v.C)),
    ("x if x > 0 else y", lambda v: np.where(v.x > 0, v.x, v.y)),
    ("n*s + m", lambda v: 3 * v.s + 2),
    # literals
    ("[1, 2, s]", lambda v: [1, 2, v.s]),
    ("[[1, 2], [3, s]]", lambda v: [[1, 2], [3, v.s]]),
    ("[1, 2; 3, s]", lambda v: [[1, 2], [3, v.s]]),
    ("[x, y]", lambda v: np.stack([v.x, v.y], axis=1)),
    ("[1, 2, 3]'*r", lambda v: v.r @ [1, 2, 3]),
    # indices
    ("x[2] + A[1,3]", lambda v: v.x[1] + v.A[0, 2]),
    ("x[n]", lambda v: v.x[2]),
    ("(A*x)[2]", lambda v: (v.A @ v.x)[1]),
    ("sum(i, x[i]^2)", lambda v: v.x @ v.x),
    ("sum(i, i*x[i])", lambda v: v.x @ [1, 2, 3]),
    ("sum(i=1..n, x[i])", lambda v: v.x.sum()),
    ("sum(i=2..3, r[i])", lambda v: v.r[1:].sum()),
    ("sum(i=2..n, x[i] - x[i-1])", lambda v: v.x[2] - v.x[0]),
    ("sum(i, (x[i+1] - x[i])^2)", lambda v: (np.diff(v.x) ** 2).sum()),
    ("sum(i, x[i-1]*x[i])", lambda v: v.x[:-1] @ v.x[1:]),
    ("sum(r[i]^2, i, 1, 3)", lambda v: v.r @ v.r),
    ("sum(x[i]^2, i, 1, n)", lambda v: v.x @ v.x),
    ("sum(i, j, A[i,j]*b[i]*x[j])", lambda v: v.b @ v.A @ v.x),
    ("sum(i, sum(j, A[i,j]*b[i]*x[j]))", lambda v: v.b @ v.A @ v.x),
    ("sum(i=1..m, j=1..n, A[i,j])", lambda v: v.A.sum()),
    ("sum(i, C[i,i])", lambda v: np.trace(v.C)),
    ("sum(i=1..n, s)", lambda v: 3 * v.s),
    ("sum(i=1..2, r[2*i - 1])", lambda v: v.r[0] + v.r[2]),
    ("sum(i, (A*x)[i]*b[i])", lambda v: v.b @ v.A @ v.x),
    ("sum(i=1..n, sum(j=1..n, x[i]*x[j] if i == j else 0))", lambda v: v.x @ v.x),
    ("prod(i, x[i] + 1)", lambda v: (v.x + 1).prod()),
    ("prod(i=1..n, i)", lambda v: 6),
    ("mean(i, x[i]^2)", lambda v: (v.x**2).mean()),
    ("max(i=1..n, x[i]^2)", lambda v: (v.x**2).max()),
    ("array(i, j, x[i]*b[j])", lambda v: np.outer(v.x, v.b)),
    ("array(i=1..4, i^2)", lambda v: [1, 4, 9, 16]),
    # derivatives
    ("diff(s^3*t, s)", lambda v: 3 * v.s**2 * v.t),
    ("diff(s^3*t, s, 2)", lambda v: 6 * v.s * v.t),
    ("Derivative(s^3*t^2, s, t)", lambda v: 6 * v.s**2 * v.t),
    ("diff(s*x, s)", lambda v: v.x),
    ("diff(x'*x, x[2])", lambda v: 2 * v.x[1]),
    ("grad(norm2(A*x - b)^2, x)", lambda v: 2 * v.A.T @ (v.A @ v.x - v.b)),
    ("grad(tr(C*P), P)", lambda v: v.C.T),
    ("grad(tr(C*P), P, symmetric)", lambda v: v.C + v.C.T - np.diag(np.diag(v.C))),
    ("hess(x'*C*x, x)", lambda v: v.C + v.C.T),
    ("hess(b'*A*x, b, x)", lambda v: v.A),
    ("jac(A*x, x)", lambda v: v.A),
    ("jac(C*P, P)", lambda v: np.kron(np.eye(3), v.C)),
    ("D(x'*C*x, x, y)", lambda v: v.x @ (v.C + v.C.T) @ v.y),
    ("D(A*x, x, y)", lambda v: v.A @ v.y),
    ("lim(h, 0, ((s + h)^3 - s^3)/h)", lambda v: 3 * v.s**2),
    ("lim(h, 0, (sum((x + h*y)^2) - sum(x^2))/h)", lambda v: 2 * v.x @ v.y),
    ("lim(h, 2, h*s)", lambda v: 2 * v.s),
    ("sum(i, diff(s^2*x[i], s))", lambda v: 2 * v.s * v.x.sum()),
]


def value_of(text: str, given: Any = GIVEN) -> Any:
    value = read(text, given).value
    assert not value.free
    return np.array(evaluate(value.node, VALUES, SIZES), dtype=float)


@pytest.mark.parametrize(("text", "meaning"), MEANINGS, ids=[text for text, _ in MEANINGS])
def test_formula_means_what_numpy_computes(text: str, meaning: Callable[[Any], Any]) -> None:
    expected = np.array(meaning(V), dtype=float)
    found = value_of(text)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)  # the truth is rounded to double


@pytest.mark.parametrize(
    ("text", "given", "same"),
    [
        ("p*(1 - p)", "s, p = sigmoid(s)", "sigmoid(s)*(1 - sigmoid(s))"),
        ("f(2) + f(s)", "f(u) = u^2 + s, s", "(4 + s) + (s^2 + s)"),
        ("q", "q = r*r, r = s + 1, s", "(s + 1)*(s + 1)"),
        ("sum(i, f(x[i]))", "f(u) = sum(i=1..2, i*u), x[n]", "sum(i, 3*x[i])"),
        ("sum(i, f(x[i]))", "f(u) = sum(i, u*y[i]), x[n], y[n]", "sum(i, x[i]*sum(j, y[j]))"),
        ("diff(f(s), s)", "f(u) = u^3, s", "3*s^2"),
        ("gamma + beta*zeta", "gamma = s, beta = 2, zeta = 3, s", "s + 6"),
    ],
)
def test_definitions_stand_for_their_bodies(text: str, given: str, same: str) -> None:
    other = ", ".join(
        part
        for part in ("x[n]" if "x[" in given else "", "y[n]" if "y[" in given else "", "s" if "s" in same.split("(")[0] else "")
        if part
    )
    np.testing.assert_allclose(value_of(text, given), value_of(same, other), rtol=1e-12)


def test_every_other_name_is_the_users() -> None:
    reading = read("I*S + N*beta + gamma - lambda*del*w_1 + θ*온도 + e*pi", "e, pi")
    assert list(reading.declared) == ["e", "pi", "I", "S", "N", "beta", "gamma", "lambda", "del", "w_1", "θ", "온도"]


def test_reading_lists_every_name_and_warns() -> None:
    reading = read("norm2(w) + x'*x/n", "x[n], w")
    assert str(reading) == (
        "norm2(w) + x'*x/n\n"
        "  x: a vector (n)\n"
        "  w: a real scalar\n"
        "  n: a dimension\n"
        "  warning: norm2(w) is read as abs(w), because w is a scalar; declare arrays, as in x[n]."
    )


def test_names_that_are_not_declared_are_scalars() -> None:
    reading = read("a*x^2 + b")
    assert reading.names == tuple((name, "a real scalar, not declared") for name in ("a", "x", "b"))
    assert reading.value.shape == ()


def test_an_unknown_function_is_itself_at_its_arguments() -> None:
    assert read("diff(T, x)", "T(x,y)").value == read("diff(T(x,y), x)", "T(x,y)").value


def test_the_variable_of_a_limit_is_not_one_of_the_formula() -> None:
    assert list(read("lim(h, 0, ((x + h)^2 - x^2)/h)").declared) == ["x"]


def test_derivatives_in_a_formula_report_their_kinks() -> None:
    assert [argument.name for _, argument in read("diff(abs(x), x)").kinked] == ["x"]


def test_a_claim_is_read_side_by_side() -> None:
    left, right = read_claim("grad(norm2(A*x-b)^2, x) = 2*A'*(A*x-b)", "A[m,n], x[n], b[m]")
    assert (left.text, right.text) == ("grad(norm2(A*x-b)^2, x)", "2*A'*(A*x-b)")
    assert left.declared == right.declared
    assert left.value.shape == right.value.shape


def test_reading_takes_steps_in_proportion_to_the_text() -> None:
    def steps(n: int) -> int:
        text = " + ".join(f"100*(x{k + 1} - x{k}^2)^2 + (1 - x{k})^2" for k in range(n))
        return calls(lambda: read(text, limits=Limits(characters=10**8)))

    assert steps(400) < 2.2 * steps(200)


@pytest.mark.parametrize(
    "text", ["-" * 30_000 + "x", "sin(" * 30_000 + "x" + ")" * 30_000, "x" + "'" * 30_000, "1 if x < 1 else " * 30_000 + "2"]
)
def test_deep_formulas_are_read(text: str) -> None:
    read(text, limits=Limits(characters=10**8, nesting=10**5, nodes=10**7))
