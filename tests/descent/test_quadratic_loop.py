"""Descents on the statistics of quadratic losses: against torch, against exact arithmetic on awkward data, passes over the data."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial

import mpmath
import pytest
import torch
from same_descents import always, same_descent

from symgd import descend, formula
from symgd.descent import quadratic_loop
from symgd.descent import walk as module
from symgd.descent.outcome import Outcome
from symgd.descent.polynomials import is_arithmetic
from symgd.descent.prepare import prepared
from symgd.errors import ValueGivenError

F64 = torch.float64
same = partial(same_descent, tolerance=1e-10)
SQUARES = formula("mean((X*w - y).^2)", given="X[N,d], w[d], y[N]")
LINE = formula("mean((a + b*x - y).^2)", given="x[n], y[n]")


def regression(rows=500, columns=4, offset=0.0):
    made = torch.Generator().manual_seed(5)
    X = torch.randn(rows, columns, generator=made, dtype=F64) + offset
    y = X @ torch.arange(1, columns + 1, dtype=F64) + 0.1 * torch.randn(rows, generator=made, dtype=F64)
    return {"X": X, "y": y}


@pytest.fixture(params=[0, 1], ids=["torch", "native"])
def both(monkeypatch, request):
    """The descent on the statistics, which torch or C makes of the data, and by torch; beside them how often the data were read."""

    def run(f, **options):
        on_statistics = always(quadratic_loop.quadratic_routes, request.param)
        monkeypatch.setattr(module, "fastest", on_statistics)
        first = descend(f, **options)
        assert on_statistics.made, "the loss was not taken for quadratic"
        monkeypatch.setattr(module, "fastest", lambda *given: None)
        return first, descend(f, **options), on_statistics.made[0].passes

    return run


def test_least_squares(both):
    found, wanted, passes = both(SQUARES, start={"w": torch.zeros(4, dtype=F64)}, data=regression(), rate=0.05, steps=400)
    same(found, wanted)
    assert passes < 10


def test_scalars_and_arrays(both):
    f = formula("mean((X*w + b*ones(N) - y).^2) + 0.1*norm2(w)^2", given="X[N,d], w[d], y[N], b")
    same(*both(f, start={"b": 1.0, "w": torch.ones(4, dtype=F64)}, data=regression(), rate=0.05, steps=200)[:2])


def test_a_matrix_of_parameters(both):
    f = formula("normF(X*W - Y)^2/N", given="X[N,d], W[d,k], Y[N,k]")
    X = regression()["X"]
    data = {"X": X, "Y": torch.stack([X.sum(1), X.prod(1)], 1)}
    same(*both(f, start={"W": torch.zeros(4, 2, dtype=F64)}, data=data, rate=0.05, steps=200)[:2])


def test_a_fit_that_is_exact(both):
    """The loss and the gradient go to 0; the path is right to rounding of the parameters, and the data are not read for ever."""
    x = torch.linspace(-1, 1, 50, dtype=F64)
    found, wanted, passes = both(LINE, start={"a": 0.0, "b": 0.0}, data={"x": x, "y": 2 - 3 * x}, rate=0.1, steps=3000)
    assert found.values[-1] < 1e-28
    assert passes <= quadratic_loop._PASSES
    assert found.outcome is wanted.outcome
    for name in ("a", "b"):
        assert found.path[name] == pytest.approx(wanted.path[name], rel=1e-13, abs=1e-13)


def test_a_tolerance(both):
    found, wanted, _ = both(SQUARES, start={"w": torch.zeros(4, dtype=F64)}, data=regression(), rate=0.05, steps=3000, tolerance=1e-9)
    assert found.outcome is Outcome.CONVERGED
    same(found, wanted)


def test_divergence(both):
    found, wanted, _ = both(SQUARES, start={"w": torch.ones(4, dtype=F64)}, data=regression(), rate=3.0, steps=3000)
    assert found.outcome is Outcome.DIVERGED
    same(found, wanted)


def test_a_linear_loss_and_a_saddle(both):
    same(*both(formula("2*x - y"), start={"x": 1.0, "y": 2.0}, rate=0.1, steps=50)[:2])
    found, wanted, _ = both(formula("x*y"), start={"x": 1.0, "y": -1.0}, rate=0.5, steps=200)
    assert found.outcome is Outcome.DIVERGED
    assert found.message.startswith("the loss left all bounds: it is quadratic, and falls without end along a direction.")
    same(found, wanted)


@pytest.mark.parametrize("text", ["(w^2 - 1)^2", "exp(w)", "w^3", "relu(w) + relu(-w)", "abs(w - 1/4)", "max(w, -w)"])
def test_what_is_not_quadratic(text):
    """The Hessian of abs is 0 wherever there is one, and so is that of relu: kinks are not taken for flat."""
    assert quadratic_loop.quadratic_routes(prepared(formula(text), {"w": 0.5}, None, "cpu", None), 1000) == []


@pytest.mark.parametrize("looks_ahead", [False, True])
def test_one_more_pass_is_enough_where_the_end_can_be_seen(both, monkeypatch, looks_ahead):
    monkeypatch.setattr(quadratic_loop, "_looks_ahead", lambda many, seconds: looks_ahead)
    found, wanted, passes = both(SQUARES, start={"w": torch.zeros(4, dtype=F64)}, data=regression(), rate=0.05, steps=400)
    same(found, wanted)
    assert passes == 2 if looks_ahead else passes > 2


def test_the_end_is_seen_before_it_is_reached(both, monkeypatch):
    monkeypatch.setattr(quadratic_loop, "_looks_ahead", lambda many, seconds: True)
    found, wanted, passes = both(SQUARES, start={"w": torch.zeros(4, dtype=F64)}, data=regression(), rate=0.05, steps=40)
    same(found, wanted)
    assert passes == 2


def test_the_anchor_ahead_is_where_the_walk_ends(both, monkeypatch):
    """Where the steps left lead to, not as many more as the whole walk has."""
    seen, end = [], quadratic_loop._QuadraticSteps._end
    monkeypatch.setattr(quadratic_loop, "_looks_ahead", lambda many, seconds: True)
    monkeypatch.setattr(quadratic_loop._QuadraticSteps, "_end", lambda self: seen.append(end(self)) or seen[-1])
    found, _, _ = both(SQUARES, start={"w": torch.zeros(4, dtype=F64)}, data=regression(), rate=0.05, steps=60)
    assert len(seen) == 1
    torch.testing.assert_close(seen[0], found.parameters["w"], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_data_that_are_not_finite_are_told_after_the_pass(both, bad):
    data = regression()
    data["X"][7, 2] = bad
    with pytest.raises(ValueGivenError) as caught:
        both(SQUARES, start={"w": torch.zeros(4, dtype=F64)}, data=data, rate=0.05, steps=40)
    shown = "nan" if math.isnan(bad) else "inf"
    assert str(caught.value).splitlines()[0] == f"the value given for X is {shown} at [8, 3]."


PARTLY_READ = ["(w - trace(A))^2", "norm2(w*ones(n) - diag(A))^2", "(w - A[1,1])^2", "(w - sum(i, A[i,i]))^2"]


@pytest.mark.parametrize("text", [*PARTLY_READ, "(w - trace(A) - sum(A))^2", "(w - [1, 0]'*A*[1, 0])^2"])
@pytest.mark.parametrize("steps", [10, 200_000])
def test_entries_that_are_not_read_are_checked_too(text, steps):
    """Where a formula leaves entries of the data out, a loss that is finite says nothing of them."""
    f = formula(text, given="A[2,2]" if "[1, 0]" in text else "A[n,n]")
    with pytest.raises(ValueGivenError) as caught:
        descend(f, start={"w": 0.0}, data={"A": [[1.0, math.nan], [0.0, 1.0]]}, rate=1e-5, steps=steps)
    assert str(caught.value).splitlines()[0] == "the value given for A is nan at [1, 2]."


@pytest.mark.parametrize(("text", "is_read"), [*((text, False) for text in PARTLY_READ), ("(w - sum(A))^2", True), ("normF(w*A)^2", True)])
def test_which_formulas_read_all_entries(text, is_read):
    f = formula(text, given="A[n,n]")
    assert is_arithmetic(f.origin, tuple(f.known.values())) is is_read


def test_data_that_overflow_are_no_error(both):
    found, wanted, _ = both(LINE, start={"a": 0.0, "b": 0.0}, data={"x": [1.0, 2.0], "y": [1e200, 1.0]}, rate=0.05, steps=40)
    assert found.outcome is wanted.outcome is Outcome.NONFINITE


# ---- awkward data against exact arithmetic ---------------------------------------------------------------------------

# NIST, Statistical Reference Datasets, Longley (1967): y, then x1 … x6.
LONGLEY = """
60323 83 234289 2356 1590 107608 1947
61122 88.5 259426 2325 1456 108632 1948
60171 88.2 258054 3682 1616 109773 1949
61187 89.5 284599 3351 1650 110929 1950
63221 96.2 328975 2099 3099 112075 1951
63639 98.1 346999 1932 3594 113270 1952
64989 99 365385 1870 3547 115094 1953
63761 100 363112 3578 3350 116219 1954
66019 101.2 397469 2904 3048 117388 1955
67857 104.6 419180 2822 2857 118734 1956
68169 108.4 442769 2936 2798 120445 1957
66513 110.8 444546 4681 2637 121950 1958
68655 112.6 482704 3813 2552 123366 1959
69564 114.2 502601 3931 2514 125368 1960
69331 115.7 518173 4806 2572 127852 1961
70551 116.9 554894 4007 2827 130081 1962
"""


def longley():
    rows = [[Fraction(entry) for entry in line.split()] for line in LONGLEY.splitlines() if line]
    return [[Fraction(1), *row[1:]] for row in rows], [row[0] for row in rows]


def wampler():
    """NIST, Wampler-1: y = 1 + x + … + x^5 at x = 0, …, 20."""
    X = [[Fraction(x) ** k for k in range(6)] for x in range(21)]
    return X, [sum(row) for row in X]


def filip():
    """The columns of NIST's Filip problem, 1, x, …, x^10 for x in [-8.8, -3.1]; observations on an even grid."""
    points = [Fraction(-88, 10) + Fraction(57, 10) * k / 40 for k in range(41)]
    return [[x**k for k in range(11)] for x in points], [Fraction(8, 10) + x / 100 + x**2 / 1000 for x in points]


def exact_path(X, y, rate, steps, digits=60):
    """The losses and the last point of the descent from 0 in many digits."""
    with mpmath.workdps(digits):
        rows = mpmath.matrix([[mpmath.mpf(float(entry)) for entry in row] for row in X])
        right = mpmath.matrix([mpmath.mpf(float(entry)) for entry in y])
        w, values = mpmath.zeros(rows.cols, 1), []
        for step in range(steps + 1):
            off = rows * w - right
            values.append((off.T * off)[0] / rows.rows)
            if step < steps:
                w = w - mpmath.mpf(rate) * 2 / rows.rows * (rows.T * off)
        return values, list(w)


@pytest.mark.parametrize(("made", "steps"), [(longley, 60), (wampler, 60), (filip, 60)], ids=["Longley", "Wampler", "Filip"])
def test_squared_data_lose_no_digits(both, made, steps):
    """Losses and parameters are as near to exact arithmetic as those of torch, which reads all data at every step."""
    X, y = made()
    matrix, right = (torch.tensor([[float(v) for v in row] for row in X], dtype=F64), torch.tensor([float(v) for v in y], dtype=F64))
    rate = 0.9 * len(y) / (2 * float(torch.linalg.matrix_norm(matrix, 2)) ** 2)
    start = {"w": torch.zeros(matrix.shape[1], dtype=F64)}
    found, wanted, _ = both(SQUARES, start=start, data={"X": matrix, "y": right}, rate=rate, steps=steps)
    values, point = exact_path(X, y, rate, steps)

    def error(result):
        of_values = max(abs(mpmath.mpf(a) - b) / b for a, b in zip(result.values, values))
        largest = max(abs(x) for x in point)
        return max(of_values, max(abs(mpmath.mpf(float(a)) - b) for a, b in zip(result.parameters["w"], point)) / largest)

    assert error(found) <= 30 * error(wanted) + 1e-14


def test_an_offset_in_the_data(both):
    data = regression(offset=1000.0)
    rate = 0.5 * 500 / (2 * float(torch.linalg.matrix_norm(data["X"], 2)) ** 2)
    found, wanted, _ = both(SQUARES, start={"w": torch.zeros(4, dtype=F64)}, data=data, rate=rate, steps=300)
    same(found, wanted, tolerance=1e-9)
