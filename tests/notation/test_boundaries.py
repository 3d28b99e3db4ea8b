"""Sums with shifted indices: their derivatives are printed with the guards of the boundary, and read back with the value they had.

The values come from the reference evaluator and its difference quotients, which know nothing of guards.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from notation.test_print_parse import balanced
from reference import TOLERANCE, Array, difference_quotient, evaluate, largest_difference

from symgd.formula import Formula, formula, gradient, hessian

SAME = 1e-35
SIZES = {"m": 3, "n": 5, "k": 2}
SHAPES = {
    "x": "x[n]",
    "y": "y[n-k+1]",
    "w": "w[k]",
    "c": "c[2*n-1]",
    "X": "X[m,n]",
    "A": "A[n,n]",
    "z": "z[2*n]",
    "a": "a",
    "b": "b",
    "t": "t > 0",
}

GOLDEN = [
    (
        "sum(i=2..n, (x[i]-x[i-1])^2)",
        "x",
        "array(i=1..n, 2*(x[i] - x[i-1] if i >= 2 else 0) - 2*(x[i+1] - x[i] if i <= n - 1 else 0))",
        r"\left[2 \mathbf{1}\left[i \ge 2\right] \left(x_{i} - x_{i-1}\right)"
        r" - 2 \mathbf{1}\left[i \le n - 1\right] \left(x_{i+1} - x_{i}\right)\right]_{i=1,\dots,n}",
    ),
    (
        "sum(i=1..n-1, x[i]*x[i+1])",
        "x",
        "array(i=1..n, (x[i+1] if i <= n - 1 else 0) + (x[i-1] if i >= 2 else 0))",
        r"\left[\mathbf{1}\left[i \le n - 1\right] x_{i+1} + \mathbf{1}\left[i \ge 2\right] x_{i-1}\right]_{i=1,\dots,n}",
    ),
    (
        "sum(i=3..n, (x[i] - a*x[i-1] - b*x[i-2])^2)",
        "x",
        "array(i=1..n, 2*(x[i] - a*x[i-1] - b*x[i-2] if i >= 3 else 0)"
        " - 2*a*((x[i+1] - a*x[i] - b*x[i-1] if i <= n - 1 else 0) if i >= 2 else 0)"
        " - 2*b*(x[i+2] - a*x[i+1] - b*x[i] if i <= n - 2 else 0))",
        r"\left[2 \mathbf{1}\left[i \ge 3\right] \left(x_{i} - a x_{i-1} - b x_{i-2}\right)"
        r" - 2 a \mathbf{1}\left[i \ge 2, i \le n - 1\right] \left(x_{i+1} - a x_{i} - b x_{i-1}\right)"
        r" - 2 b \mathbf{1}\left[i \le n - 2\right] \left(x_{i+2} - a x_{i+1} - b x_{i}\right)\right]_{i=1,\dots,n}",
    ),
    (
        "sum(i=2..n, sqrt((x[i]-x[i-1])^2 + t))",
        "x",
        "array(i=1..n, ((x[i] - x[i-1])/sqrt((x[i] - x[i-1])^2 + t) if i >= 2 else 0)"
        " - ((x[i+1] - x[i])/sqrt((x[i+1] - x[i])^2 + t) if i <= n - 1 else 0))",
        None,
    ),
    (
        "sum(i=1..n-k+1, (sum(j=1..k, w[j]*x[i+j-1]) - y[i])^2)",
        "w",
        "array(i=1..k, 2*sum(j=1..n-k+1, x[i+j-1]*(sum(l=1..k, w[l]*x[j+l-1]) - y[j])))",
        None,
    ),
    (
        "sum(i=1..n-k+1, (sum(j=1..k, w[j]*x[i+j-1]) - y[i])^2)",
        "x",
        "array(i=1..n, 2*sum(j=1..k, (w[j]*(sum(l=1..k, w[l]*x[i-j+l]) - y[i-j+1]) if i <= j - k + n else 0) if i >= j else 0))",
        r"\left[2 \sum_{j=1}^{k} \mathbf{1}\left[i \ge j, i \le j - k + n\right]"
        r" w_{j} \left(\sum_{l=1}^{k} w_{l} x_{i-j+l} - y_{i-j+1}\right)\right]_{i=1,\dots,n}",
    ),
    (
        "sum(i=2..m, j=1..n, (X[i,j]-X[i-1,j])^2)",
        "X",
        "array(i=1..m, j=1..n, 2*(X[i,j] - X[i-1,j] if i >= 2 else 0) - 2*(X[i+1,j] - X[i,j] if i <= m - 1 else 0))",
        None,
    ),
    ("sum(i=1..n-1, A[i,i+1])", "A", "array(i=1..n, j=1..n, 1 if j == i + 1 else 0)", None),
    ("sum(i=1..n, j=1..n, A[i,j]*c[i-j+n])", "A", "array(i=1..n, j=1..n, c[i-j+n])", None),
    (
        "sum(i=1..n, j=1..n, A[i,j]*c[i-j+n])",
        "c",
        "array(i=1..2*n-1, sum(j=1..n, (A[j,j-i+n] if i >= j else 0) if i <= j + n - 1 else 0))",
        None,
    ),
    # a coefficient other than 1: whether there is such an index is not said by a range
    ("sum(i=1..n, z[2*i]^2)", "z", "array(i=1..2*n, 2*sum(j=1..n, z[2*j] if i == 2*j else 0))", None),
    # no boundary is left: matrix notation
    ("sum(i=1..n, (x[i] - a)^2)", "x", "2*(x - a)", None),
    ("sum(i=1..n, j=1..n, A[i,j]*x[i]*x[j])", "x", "(A + A')*x", None),
]  # fmt: skip


def declared(text: str) -> str:
    words = set("".join(c if c.isalnum() else " " for c in text).split())
    return ", ".join(shape for name, shape in SHAPES.items() if name in words)


def values_of(f: Formula, seed: int = 1) -> dict[str, Any]:
    random = Random(seed)

    def block(lengths: tuple[int, ...]) -> Any:
        return [block(lengths[1:]) for _ in range(lengths[0])] if lengths else random.randint(1, 19) / 8

    return {name: block(tuple(length.evaluate(SIZES) for length in leaf.shape)) for name, leaf in f.leaves.items()}


def value(f: Formula, values: Mapping[str, Any]) -> Array:
    return evaluate(f.expression, {**SIZES, **values}, SIZES)


def check_read_back(f: Formula, values: Mapping[str, Any]) -> Formula:
    """What the text means is what was printed; and it is printed alike."""
    back = formula(str(f), given=f.given)
    assert largest_difference(value(f, values), value(back, values)) < SAME, str(f)
    balanced(f.latex())
    return back


@pytest.mark.parametrize(("text", "variable", "expected", "latex"), GOLDEN)
def test_derivatives_are_printed_as_in_a_textbook(text: str, variable: str, expected: str, latex: str | None) -> None:
    f = formula(text, given=declared(text))
    g = gradient(f, variable)
    assert str(g) == expected
    assert latex is None or g.latex() == latex
    values = values_of(f)
    check_read_back(g, values)
    wanted = difference_quotient(f.expression, variable, values, SIZES)
    assert largest_difference(value(g, values), wanted) < TOLERANCE


@pytest.mark.parametrize("text", [text for text, variable, *_ in GOLDEN if variable == "x"])
def test_second_derivatives(text: str) -> None:
    f = formula(text, given=declared(text))
    h, values = hessian(f, "x"), values_of(f)
    check_read_back(h, values)
    wanted = difference_quotient(gradient(f, "x").expression, "x", values, SIZES)
    assert largest_difference(value(h, values), wanted) < TOLERANCE


@pytest.mark.parametrize(("text", "variable"), [(text, variable) for text, variable, expected, _ in GOLDEN if "if" in expected])
def test_what_is_read_is_printed_alike(text: str, variable: str) -> None:
    g = gradient(formula(text, given=declared(text)), variable)
    once = str(formula(str(g), given=g.given))
    assert str(formula(once, given=g.given)) == once
    if not text.endswith("c[i-j+n])"):  # of two guards, which is the outer one depends on the order of the deltas
        assert once == str(g)


def test_what_is_read_is_the_same_expression() -> None:
    differences = formula("sum(i=2..n, (x[i]-x[i-1])^2)", given="x[n]")
    variation = formula("sum(i=2..n, sqrt((x[i]-x[i-1])^2 + t))", given="x[n], t > 0")
    for g in (gradient(differences, "x"), hessian(differences, "x"), gradient(variation, "x")):
        assert formula(str(g), given=g.given) == g
    # Guards that several terms have in common are told apart in another way, to the same value.
    g = hessian(variation, "x")
    check_read_back(g, values_of(g))


# ---- random formulas


class Shifted:
    """Random sums of products of entries with shifted indices."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def text(self) -> str:
        return self.random.choice([self.line, self.grid, self.window, self.toeplitz, self.strided, self.pairs])()

    def shape(self, inner: str) -> str:
        return self.random.choice(["({})^2", "sin({})", "{}", "({})^3", "exp(-({})^2)", "sqrt(({})^2 + t)", "1/(({})^2 + 1)"]).format(inner)

    def line(self) -> str:
        low, high = self.random.choice([(1, 1), (0, 1), (2, 0), (0, 2), (1, 0), (0, 0)])
        shifts = [self.random.randint(-low, high) for _ in range(self.random.randint(1, 3))]
        entries = [f"{self.random.choice(['', 'a*', '2*'])}x[i{shift:+d}]" if shift else "x[i]" for shift in shifts]
        joined = self.random.choice([" - ", " + ", "*"]).join(entries)
        weight = self.random.choice(["", "i*", "x[i]*"])
        kind = self.random.choice(["sum", "sum", "sum", "prod"])
        return f"{kind}(i={1 + low}..n-{high}, {weight}{self.shape(joined)})".replace("n-0", "n")

    def grid(self) -> str:
        a, b = self.random.choice([(1, 0), (0, 1), (1, 1)])
        step = self.random.choice(["X[i,j]-X[i-1,j]", "X[i,j]*X[i-1,j]"] if a else ["X[i,j]-X[i,j-1]"])
        step += self.random.choice(["", " + X[i-1,j-1]", " - X[i,j-1]"] if a and b else [""])
        return f"sum(i={1 + a}..m, j={1 + b}..n, {self.shape(step)})"

    def window(self) -> str:
        inner = self.random.choice(["w[j]*x[i+j-1]", "w[j]*x[i-j+k]", "w[j]*x[i+j-1]*x[i]", "sin(w[j]*x[i+k-j])", "x[i+j-1]^2"])
        return f"sum(i=1..n-k+1, {self.shape(f'sum(j=1..k, {inner}) - y[i]')})"

    def toeplitz(self) -> str:
        entry = self.random.choice(["c[i-j+n]", "c[i+j-1]", "c[n-i+j]"])
        return f"sum(i=1..n, j=1..n, {self.shape(f'A[i,j]*{entry} - x[i]')})"

    def pairs(self) -> str:
        last = self.random.choice(["j=i+1..n", "j=1..i", "j=1..i-1", "j=i..n"])
        return f"sum(i=1..n, {last}, {self.shape(self.random.choice(['x[i]-x[j]', 'x[i]*x[j]', 'A[i,j]*x[j]', 'x[j]']))})"

    def strided(self) -> str:
        return f"sum(i=1..n, {self.shape(self.random.choice(['z[2*i]-z[2*i-1]', 'z[2*i]*x[i]', 'z[i+n]-z[i]', 'z[n-i+1]*z[i]']))})"


@pytest.mark.parametrize("seed", [*range(80), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(80, 800))])
def test_random_sums(seed: int) -> None:
    text = Shifted(seed).text()
    f = formula(text, given=declared(text))
    values = values_of(f, seed)
    assert largest_difference(value(f, values), value(check_read_back(f, values), values)) < SAME
    for variable in f.leaves:
        g = gradient(f, variable)
        wanted = difference_quotient(f.expression, variable, values, SIZES)
        assert largest_difference(value(g, values), wanted) < TOLERANCE, text
        back = check_read_back(g, values)
        if seed < 20:
            computed = back.evaluate({**values, **{name: size for name, size in SIZES.items() if name in back.variables}})
            assert largest_difference(value(g, values), computed.numpy()) < 1e-12, text
        if variable == "x" and seed < 30:
            h = hessian(f, "x")
            wanted = difference_quotient(g.expression, "x", values, SIZES)
            assert largest_difference(value(h, values), wanted) < TOLERANCE, text
            check_read_back(h, values)


@pytest.mark.parametrize("seed", range(40))
def test_random_sums_of_nothing(seed: int) -> None:
    """At the smallest sizes, where some sums have no term."""
    text = Shifted(seed).line()
    f = formula(text, given=declared(text))
    values = {name: ([1.5, 0.25] if name == "x" else value) for name, value in values_of(f, seed).items()}
    sizes = {"n": 2}
    for g in (f, *(gradient(f, name) for name in f.leaves)):
        back = formula(str(g), given=g.given)
        wanted = evaluate(g.expression, {**sizes, **values}, sizes)
        assert largest_difference(wanted, evaluate(back.expression, {**sizes, **values}, sizes)) < SAME, str(g)
