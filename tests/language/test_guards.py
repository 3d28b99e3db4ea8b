"""Conditions on indices keep the entries of a branch inside their ranges: `x[i-1] if i >= 2 else 0`.

The values wanted are computed by plain loops over the entries, written out here for every formula.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from reference import TOLERANCE, difference_quotient, evaluate, largest_difference

from symgd.algebra.expression import Select
from symgd.errors import ShapeError, SymgdError
from symgd.formula import formula, gradient, jacobian
from symgd.verify.check import check

N, K = 4, 2
SIZES = {"n": N, "k": K, "m": 3}
SHAPES = {"x": "x[n]", "y": "y[n]", "w": "w[k]", "u": "u[m]", "A": "A[n,n]", "s": "s"}
VALUES: dict[str, Any] = {
    "x": [0.5, 2, 3.5, 6],
    "y": [1, 0.25, 4, 2],
    "w": [1.5, -2],
    "u": [3, 1, 2],
    "A": [[1, 2, 3, 4], [5, 6, 7, 8], [2, 3, 5, 7], [1, 4, 9, 16]],
    "s": 0.75,
}


def x(i: int) -> float:
    """An entry, counted from 1; nothing outside the range is ever asked for."""
    assert 1 <= i <= N
    return float(VALUES["x"][i - 1])


def y(i: int) -> float:
    assert 1 <= i <= N
    return float(VALUES["y"][i - 1])


def u(i: int) -> float:
    assert 1 <= i <= 3
    return float(VALUES["u"][i - 1])


def w(i: int) -> float:
    assert 1 <= i <= K
    return float(VALUES["w"][i - 1])


def a(i: int, j: int) -> float:
    assert 1 <= i <= N >= j >= 1
    return float(VALUES["A"][i - 1][j - 1])


def upto(first: int, last: int) -> range:
    return range(first, last + 1)


Entry = Callable[..., float]
ARRAYS: list[tuple[str, Entry]] = [
    # one index
    ("array(i=1..n, x[i-1] if i >= 2 else 0)", lambda i: x(i - 1) if i >= 2 else 0),
    ("array(i=1..n, x[i-1] if i > 1 else 0)", lambda i: x(i - 1) if i > 1 else 0),
    ("array(i=1..n, x[i-1] if 2 <= i else 0)", lambda i: x(i - 1) if i >= 2 else 0),
    ("array(i=1..n, x[i-1] if i != 1 else 0)", lambda i: x(i - 1) if i >= 2 else 0),
    ("array(i=1..n, x[i+1] if i != n else 0)", lambda i: x(i + 1) if i < N else 0),
    ("array(i=1..n, 0 if i == 1 else x[i-1])", lambda i: x(i - 1) if i >= 2 else 0),
    ("array(i=1..n, x[i+1] if i < n else x[1])", lambda i: x(i + 1) if i < N else x(1)),
    ("array(i=1..n, x[i-1] if i - 1 >= 1 else y[i+2])", lambda i: x(i - 1) if i >= 2 else y(i + 2)),
    ("array(i=1..n, log(x[i-1]) if i >= 2 else 0)", lambda i: math.log(x(i - 1)) if i >= 2 else 0),
    ("array(i=1..n, 1/(x[i] - x[i-1]) if i >= 2 else s)", lambda i: 1 / (x(i) - x(i - 1)) if i >= 2 else 0.75),
    ("array(i=1..n, (x[i] - x[i-1])^2 if i >= 2 else x[1]^2)", lambda i: (x(i) - x(i - 1)) ** 2 if i >= 2 else x(1) ** 2),
    ("array(i=1..n, i*x[i-1] + i if i >= 2 else 0)", lambda i: i * x(i - 1) + i if i >= 2 else 0),
    ("array(i=1..n, 2 if i >= 2 else 0)", lambda i: 2 if i >= 2 else 0),
    ("array(i=1..n, i if i == 3 else 0)", lambda i: i if i == 3 else 0),
    ("array(i=1..n, x[n-i] if n - i >= 1 else 0)", lambda i: x(N - i) if i <= N - 1 else 0),
    ("array(i=1..n, y[i]*u[i] if i <= m else 0)", lambda i: y(i) * u(i) if i <= 3 else 0),
    ("array(i=1..n, sqrt(y[i])*log(u[i]) if i <= m else 0)", lambda i: math.sqrt(y(i)) * math.log(u(i)) if i <= 3 else 0),
    ("array(i=1..n, x[i] if 2*i >= 3 else 0)", lambda i: x(i) if i >= 2 else 0),
    # both ends, and branches in branches
    ("array(i=1..n, (x[i-1]*x[i+1] if i <= n - 1 else 0) if i >= 2 else 0)", lambda i: x(i - 1) * x(i + 1) if 2 <= i <= N - 1 else 0),
    ("array(i=1..n, x[i-1] if i >= 2 else x[i+1] if i == 1 else 0)", lambda i: x(i - 1) if i >= 2 else x(i + 1)),
    ("array(i=1..n, (x[i] if x[i-1] > 1 else 0) if i >= 2 else 0)", lambda i: x(i) if i >= 2 and x(i - 1) > 1 else 0),
    ("array(i=1..n, (y[i] if x[i-1] > 1 else s) if i >= 2 else x[1])", lambda i: (y(i) if x(i - 1) > 1 else 0.75) if i >= 2 else x(1)),
    # two indices
    ("array(i=1..n, sum(j=1..n, y[j]*x[i-j+1] if j <= i else 0))", lambda i: sum(y(j) * x(i - j + 1) for j in upto(1, i))),
    ("array(i=1..n, j=1..n, x[i-j] if i > j else 0)", lambda i, j: x(i - j) if i > j else 0),
    ("array(i=1..n, j=1..n, x[i-j] if i > j else x[j-i+1])", lambda i, j: x(i - j) if i > j else x(j - i + 1)),
    ("array(i=1..n, j=1..n, 1/(x[i-j] + x[i]) if i > j else 0)", lambda i, j: 1 / (x(i - j) + x(i)) if i > j else 0),
    ("array(i=1..n, j=1..n, log(x[i] - x[i-j]) if i > j else 0)", lambda i, j: math.log(x(i) - x(i - j)) if i > j else 0),
    ("array(i=1..n, j=1..n, x[i+j] if i + j <= n else 0)", lambda i, j: x(i + j) if i + j <= N else 0),
    (
        "array(i=1..n, sum(j=1..k, (w[j]*x[i-j+1] if i - j <= n - k else 0) if i >= j else 0))",
        lambda i: sum(w(j) * x(i - j + 1) for j in upto(1, K) if j <= i <= j + N - K),
    ),
    (
        "array(i=1..n, j=1..n, (x[i-1]*y[j+1] if j < n else 0) if i > 1 else 0)",
        lambda i, j: x(i - 1) * y(j + 1) if i > 1 and j < N else 0,
    ),
    (
        "array(i=1..n, j=1..n, sum(k=1..n, (x[i-j]*x[i-k] if i > k else 0) if i > j else 0))",
        lambda i, j: sum(x(i - j) * x(i - k) for k in upto(1, N) if i > k) if i > j else 0,
    ),
    (
        "array(i=1..n, j=1..n, sum(k=1..n, (log(x[i-j]*x[i-k]*x[k]) if i > k else 0) if i > j else 0))",
        lambda i, j: sum(math.log(x(i - j) * x(i - k) * x(k)) for k in upto(1, N) if i > k) if i > j else 0,
    ),
    ("array(i=1..n, j=1..n, exp(800*(y[i] - y[j])) if i == j else 0)", lambda i, j: i == j),
    ("array(i=1..n, j=1..n, exp(800*(x[j] - x[i])) if i >= j + n - 1 else 0)", lambda i, j: math.exp(-4400) if i >= j + 3 else 0),
    # equalities
    ("array(i=1..n, j=1..n, 1 if i == j else 0)", lambda i, j: i == j),
    ("array(i=1..n, j=1..n, 1 if j == i + 1 else 0)", lambda i, j: j == i + 1),
    ("array(i=1..n, j=1..n, x[i+1] if j == i + 1 else 0)", lambda i, j: x(i + 1) if j == i + 1 else 0),
    ("array(i=1..n, j=1..n, log(x[i]*x[i+1]) if j == i + 1 else 0)", lambda i, j: math.log(x(i) * x(i + 1)) if j == i + 1 else 0),
    ("array(i=1..n, j=1..n, log(x[i] - x[j]) if i == j + 1 else 0)", lambda i, j: math.log(x(i) - x(j)) if i == j + 1 else 0),
    ("array(i=1..n, j=1..n, 1/(i - j) if i != j else 0)", lambda i, j: 1 / (i - j) if i != j else 0),
    ("array(i=1..n, j=1..n, x[i] if i == 2*j else 0)", lambda i, j: x(i) if i == 2 * j else 0),
    ("array(i=1..n, j=1..n, x[i] if i == j else A[i,j])", lambda i, j: x(i) if i == j else a(i, j)),
    # ranges that depend on another index
    ("array(i=1..n, sum(j=1..i, A[i,j]*x[j]))", lambda i: sum(a(i, j) * x(j) for j in upto(1, i))),
    ("array(i=1..n, sum(j=i..n, A[i,j]))", lambda i: sum(a(i, j) for j in upto(i, N))),
    ("array(i=1..n, sum(j=1..i-1, x[i-j]))", lambda i: sum(x(i - j) for j in upto(1, i - 1))),
    ("array(i=1..n, prod(j=1..i, x[j]))", lambda i: math.prod(x(j) for j in upto(1, i))),
    ("array(i=1..n, prod(j=1..i, x[i-j+1]))", lambda i: math.prod(x(i - j + 1) for j in upto(1, i))),
    ("array(i=1..n, sum(j=1..i, k=j..i, x[k] - x[j]))", lambda i: sum(x(k) - x(j) for j in upto(1, i) for k in upto(j, i))),
]  # fmt: skip


def declared(text: str) -> str:
    words = set("".join(c if c.isalnum() else " " for c in text).split())
    return ", ".join(shape for name, shape in SHAPES.items() if name in words and not (name == "w" and "k=j" in text))


@pytest.mark.parametrize(("text", "entry"), ARRAYS, ids=[text for text, _ in ARRAYS])
def test_values(text: str, entry: Entry) -> None:
    f = formula(text, given=declared(text))
    wanted = np.array([[float(entry(i, j)) for j in upto(1, N)] if f.expression.rank == 2 else float(entry(i)) for i in upto(1, N)])
    given = {name: VALUES[name] for name in f.leaves}
    names = {name: value for name, value in SIZES.items() if name not in f.leaves}
    assert largest_difference(evaluate(f.expression, {**names, **given}, SIZES), wanted) < 1e-14
    sizes = {} if given else {"n": N}
    assert np.allclose(f.evaluate({**given, **sizes}).numpy(), wanted, rtol=1e-13)
    digits = np.array(f.evaluate({**given, **sizes}, digits=50), dtype=float)
    assert np.allclose(digits, wanted, rtol=1e-15)
    back = formula(str(f), given=f.given)
    assert largest_difference(evaluate(back.expression, {**names, **given}, SIZES), wanted) < 1e-14, str(f)
    for name, leaf in f.leaves.items():
        if leaf.rank == 1 and f.expression.rank == 1:
            slope = difference_quotient(f.expression, name, {**names, **given}, SIZES)
            assert largest_difference(evaluate(jacobian(f, name).expression, {**names, **given}, SIZES), slope) < TOLERANCE
            found = jacobian(f, name).evaluate({**given, **sizes}).numpy()
            assert np.allclose(found, np.array(slope, dtype=float), rtol=1e-12)


Meaning = Callable[[int, int], float]
Written = tuple[str, Meaning]  # a part of a formula, and what it is at i, j: x and y above refuse every entry outside
FORMS: list[Written] = [
    ("i", lambda i, j: i),
    ("j", lambda i, j: j),
    ("i-j", lambda i, j: i - j),
    ("i+j", lambda i, j: i + j),
    ("j-i", lambda i, j: j - i),
    ("2*i", lambda i, j: 2 * i),
    ("n-i", lambda i, j: N - i),
    ("i-2*j", lambda i, j: i - 2 * j),
    ("n-i+j", lambda i, j: N - i + j),
    ("i+j-n", lambda i, j: i + j - N),
]
BOUNDS: list[Written] = [
    *((str(k), lambda i, j, k=k: k) for k in range(4)),
    ("n", lambda i, j: N),
    ("n-1", lambda i, j: N - 1),
    *FORMS[:2],
]
OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}


class Guarded:
    """Random conditionals in i and j, with what they mean."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def entry(self) -> Written:
        form, place = self.random.choice(FORMS)
        shift = self.random.choice([0, 0, -1, 1, -2])
        array, read = self.random.choice([("x", x), ("y", y)])
        return f"{array}[{form}{shift:+d}]", lambda i, j: read(int(place(i, j)) + shift)

    def branch(self, depth: int) -> Written:
        if depth and self.random.random() < 0.6:
            text, inner = self.conditional(depth - 1)
            return f"({text})", inner
        (one, a), (other, b) = self.entry(), self.entry()
        kind = self.random.choice(["{0}", "{0}*{1}", "log({0}*{1})", "1/({0} + {1})", "i*{0}"])
        meanings: dict[str, Meaning] = {
            "{0}": a,
            "{0}*{1}": lambda i, j: a(i, j) * b(i, j),
            "log({0}*{1})": lambda i, j: math.log(a(i, j) * b(i, j)),
            "1/({0} + {1})": lambda i, j: 1 / (a(i, j) + b(i, j)),
            "i*{0}": lambda i, j: i * a(i, j),
        }
        return kind.format(one, other), meanings[kind]

    def conditional(self, depth: int) -> Written:
        (left, a), (right, b) = self.random.choice(FORMS), self.random.choice(BOUNDS)
        sign = self.random.choice(list(OPERATORS))
        zero: Written = ("0", lambda i, j: 0)
        text, value = self.branch(depth)
        other, otherwise = self.random.choice([zero, zero, zero, ("s", lambda i, j: 0.75), self.branch(depth)])
        return f"{text} if {left} {sign} {right} else {other}", lambda i, j: (value if OPERATORS[sign](a(i, j), b(i, j)) else otherwise)(
            i, j
        )


def is_right(seed: int) -> bool:
    """Is the formula accepted? Then it has the value wanted, and no entry outside is asked for."""
    text, meaning = Guarded(seed).conditional(2)
    try:
        f = formula(f"array(i=1..n, j=1..n, {text})", given="x[n], y[n], s")
        given = {name: VALUES[name] for name in f.leaves}
        computed = f.evaluate({"n": N, **given} if "n" in f.variables else given).numpy()
    except SymgdError:  # an entry may be outside, or n is too small for a range
        return False
    wanted = np.array([[meaning(i, j) for j in upto(1, N)] for i in upto(1, N)])
    assert np.allclose(computed, wanted, rtol=1e-12), text
    assert largest_difference(evaluate(f.expression, {"n": N, **given}, SIZES), wanted) < 1e-13, text
    back = formula(str(f), given=f.given)
    assert largest_difference(evaluate(back.expression, {"n": N, **given}, SIZES), wanted) < 1e-13, f"{text} -> {f}"
    return True


def test_random_conditionals_mean_what_python_makes_of_them() -> None:
    """Those that are refused are most; of those that are accepted, not one may be wrong."""
    assert sum(map(is_right, range(1000))) > 20


@pytest.mark.long
def test_many_random_conditionals_mean_what_python_makes_of_them() -> None:
    assert sum(map(is_right, range(1000, 30_000))) > 600


@pytest.mark.parametrize(
    "text",
    [
        "array(i=1..n, x[i-1])",
        "array(i=1..n, x[i-1] if i >= 1 else 0)",
        "array(i=1..n, x[i-2] if i >= 2 else 0)",
        "array(i=1..n, x[i-1] if x[i] > 0 else 0)",
        "array(i=1..n, 0 if i >= 2 else x[i-1])",
        "array(i=1..n, x[i+1] if i >= 2 else 0)",
        "array(i=1..n, j=1..n, x[i-1] if j >= 2 else 0)",
        "array(i=1..n, j=1..n, x[i-j] if i >= j else 0)",
        "array(i=1..n, x[i+1] if i <= n else 0)",
        "array(i=1..n, (0 if x[i-1] > 0 else x[i]) if i >= 1 else 0)",
        "array(i=1..n, x[i-1] if i >= 2 else 0) + array(i=1..n, x[i-1])",
    ],
)
def test_an_entry_out_of_range_without_a_guard_is_refused(text: str) -> None:
    with pytest.raises(ShapeError, match=r"out of its range 1\.\.n"):
        formula(text, given="x[n]")


def test_an_equality_of_indices_is_kroneckers_delta() -> None:
    f = formula("array(i=1..n, j=1..n, 1 if i == j else 0)", given="x[n]")
    assert isinstance(f.expression, Select)
    assert f == formula("eye(n)", given="x[n]")
    assert str(formula("array(i=1..n, j=1..n, x[i] if i == j else 0)", given="x[n]")) == "diag(x)"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("array(i=1..n, x[i-1] if i >= 2 else 0)", "array(i=1..n, 0 if i < 2 else x[i-1])"),
        ("sum(i=1..n, (x[i] - x[i-1])^2 if i >= 2 else 0)", "sum(i=2..n, (x[i] - x[i-1])^2)"),
        (
            "grad(sum(i=2..n, (x[i] - x[i-1])^2), x)",
            "array(i=1..n, (2*(x[i] - x[i-1]) if i >= 2 else 0) - (2*(x[i+1] - x[i]) if i <= n - 1 else 0))",
        ),
    ],
)
def test_a_guard_and_the_range_it_says_are_proved_equal(left: str, right: str) -> None:
    assert check(f"{left} = {right}", given="x[n]").grade == "proved"


def test_a_wrong_boundary_is_refuted() -> None:
    claim = "grad(sum(i=2..n, (x[i]-x[i-1])^2), x) = array(i=1..n, 2*(x[i]-x[i-1]) if i >= 2 else 0)"
    assert check(claim, given="x[n]").grade == "refuted"


def test_a_guard_that_never_holds_for_some_sizes_is_no_error() -> None:
    f = formula("array(i=1..n, x[i] if i >= 3 else 0)", given="x[n]")
    assert f.evaluate(x=[5]).tolist() == [0]
    assert f.evaluate(x=[5, 6, 7]).tolist() == [0, 0, 7]


def test_a_range_of_less_than_nothing_is_refused() -> None:
    f = formula("sum(i=3..n, (x[i] - x[i-2])^2)", given="x[n]")
    for one in (f, gradient(f, "x")):
        assert not one.evaluate(x=[1, 2]).any()
        assert largest_difference(one.evaluate({"x": [1, 2]}, digits=20), np.zeros((2,) * len(one.shape))) == 0
        for digits in (None, 20):
            with pytest.raises(ShapeError, match="n - 2 is -1 here"):
                one.evaluate({"x": [1]}, digits=digits)


def test_a_range_of_nothing_is_neutral() -> None:
    for text, neutral in (("sum(i=2..n, log(x[i] - x[i-1]))", 0), ("prod(i=2..n, x[i] - x[i-1])", 1)):
        f = formula(text, given="x[n]")
        assert float(f.evaluate(x=[2])) == neutral == float(f.evaluate({"x": [2]}, digits=20))
        assert gradient(f, "x").evaluate(x=[2]).tolist() == [0]


def test_a_few_entries_of_an_array_of_unknown_size() -> None:
    f = formula("sum(i=1..3, i*x[i]) + sum(i=1..2, j=1..2, A[i,j])", given="x[n], A[n,n]")
    values = {"x": VALUES["x"], "A": VALUES["A"]}
    assert float(f.evaluate(values)) == 0.5 + 4 + 10.5 + 1 + 2 + 5 + 6 == float(f.evaluate(values, digits=20))
    assert formula(str(f), given=f.given) == f
    with pytest.raises(ShapeError, match="the formula takes entry 3 along n, which has 2"):
        f.evaluate(x=[1, 2], A=[[1, 2], [3, 4]])
    with pytest.raises(ShapeError, match=r"the index of x \(n\) goes up to 100, out of its range 1\.\.n"):
        formula("sum(i=1..100, x[i])", given="x[n]")


def test_a_condition_on_two_indices_is_one_expression_however_it_is_written() -> None:
    texts = ["i < j", "i + 1 <= j", "j > i", "j - i >= 1", "i <= j - 1"]
    found = [formula(f"sum(i=1..n, j=1..n, log(x[i]*x[j]) if {text} else 0)", given="x[n]") for text in texts]
    assert all(f == found[0] for f in found)


def test_a_dependent_range_is_refused_where_nothing_is_not_neutral() -> None:
    for name in ("mean", "max", "min", "lse", "array"):
        with pytest.raises(SymgdError, match="the size depends on the index i"):
            formula(f"array(i=1..n, {name}(j=1..i, x[j]))", given="x[n]")
