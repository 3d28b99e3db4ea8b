"""Descents on the statistics of quadratic losses: against torch, against exact arithmetic on awkward data, passes over the data."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial

import mpmath
import pytest
import torch
from same_descents import same_descent

from symgd import descend, formula
from symgd.descent import quadratic_loop
from symgd.descent import walk as module
from symgd.descent.outcome import Outcome

F64 = torch.float64
same = partial(same_descent, tolerance=1e-10)
SQUARES = formula("mean((X*w - y).^2)", given="X[N,d], w[d], y[N]")
LINE = formula("mean((a + b*x - y).^2)", given="x[n], y[n]")


def regression(rows=500, columns=4, offset=0.0):
    made = torch.Generator().manual_seed(5)
    X = torch.randn(rows, columns, generator=made, dtype=F64) + offset
    y = X @ torch.arange(1, columns + 1, dtype=F64) + 0.1 * torch.randn(rows, generator=made, dtype=F64)
    return {"X": X, "y": y}


@pytest.fixture
def both(monkeypatch):
    """The descent on the statistics, and by torch; beside them how often the data were read."""

    def run(f, **options):
        monkeypatch.setattr(quadratic_loop, "_WORTH", 0.0)
        made = []
        monkeypatch.setattr(module, "quadratic_steps", lambda *given: made.append(quadratic_loop.quadratic_steps(*given)) or made[-1])
        first = descend(f, **options)
        assert made[0] is not None, "the loss was not taken for quadratic"
        monkeypatch.setattr(module, "quadratic_steps", lambda *given: None)
        return first, descend(f, **options), made[0].passes

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


@pytest.mark.parametrize("text", ["(w^2 - 1)^2", "exp(w)", "abs(w)", "w^3"])
def test_what_is_not_quadratic(text, monkeypatch):
    monkeypatch.setattr(quadratic_loop, "_WORTH", 0.0)
    monkeypatch.setattr(quadratic_loop, "_QuadraticSteps", lambda *given: pytest.fail("taken for quadratic"))
    assert descend(formula(text), start={"w": 0.5}, rate=0.01, steps=20).steps == 20


def test_kinks_are_not_taken_for_flat(monkeypatch):
    """The Hessian of abs is 0 wherever there is one, and so is that of relu."""
    monkeypatch.setattr(quadratic_loop, "_WORTH", 0.0)
    monkeypatch.setattr("symgd.descent.native_loop._WORTH", math.inf)
    for text in ("relu(w) + relu(-w)", "abs(w - 1/4)", "max(w, -w)"):
        found = descend(formula(text), start={"w": 0.5}, rate=0.1, steps=40)
        assert found.values[-1] < 0.2, text


def test_short_descents_are_left_to_torch(monkeypatch):
    monkeypatch.setattr(quadratic_loop, "_library", lambda: pytest.fail("compiled"))
    assert descend(LINE, start={"a": 0.0, "b": 0.0}, data={"x": [1.0, 2.0], "y": [1.0, 2.0]}, rate=0.01, steps=50).steps == 50


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
