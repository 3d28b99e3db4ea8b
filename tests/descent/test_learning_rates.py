"""The ladder of learning rates, its verdicts, and the largest stable rate on both sides."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import symgd
from symgd import ValueGivenError, descend, formula, learning_rates
from symgd.descent.curvature import stability
from symgd.descent.objective import Objective

LOSS = formula("mean((w*x - y)^2)", given="x[n], y[n]")
DATA = {"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]}


def test_the_ladder_of_the_lecture():
    assert (
        str(learning_rates(LOSS, start={"w": 1.0}, data=DATA))
        == """\
rate     verdict  loss at the end
0.001  too small         0.715347
0.003       good        0.0159316
0.01        good      1.44058e-08
0.03        good      1.32529e-28
0.1         good                0
0.3    diverging      5.29064e+51
1      diverging     6.80389e+184

largest stable rate: 2/L = 0.214286, everywhere, as the loss is quadratic
best: 0.1"""
    )


def test_every_rung_is_a_descent_of_its_own():
    f = formula("norm2(A*x - b)^2 + sum(cosh(x)) + t^2", given="A[m,n], x[n], b[m], t")
    data, start = {"A": [[1.0, 2.0], [3.0, 4.0]], "b": [1.0, 2.0]}, {"x": [1.0, 2.0], "t": 0.5}
    found = learning_rates(f, start=start, data=data, rates=[0.01, 0.001], steps=20)
    for rung in found.rungs:
        alone = descend(f, start=start, data=data, rate=rung.rate, steps=20)
        assert rung.values == pytest.approx(alone.values, rel=1e-12)


def test_verdicts():
    rungs = learning_rates(formula("w^2"), start={"w": 1.0}, rates=[0.0001, 0.3, 0.9, 0.999, 1.001, 1000.0]).rungs
    assert [str(rung.verdict) for rung in rungs] == ["too small", "good", "oscillating", "oscillating", "diverging", "diverging"]


@pytest.mark.parametrize("share", [0.99, 1.01])
def test_the_largest_stable_rate_on_both_sides(share):
    """Below 2/L the loss tends to its minimum, above it leaves every bound."""
    A = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
    f, data = formula("x'*A*x/2 - b'*x", given="A[n,n] symmetric, x[n], b[n]"), {"A": A, "b": [1.0, 2.0, 3.0]}
    stable = learning_rates(f, start={"x": [0.0, 0.0, 0.0]}, data=data).stable
    assert stable == pytest.approx(2 / np.linalg.eigvalsh(A)[-1])
    found = descend(f, start={"x": [1.0, 1.0, 1.0]}, data=data, rate=share * stable, steps=20_000)
    assert found.outcome == ("converged" if share < 1 else "diverged")


def test_the_stable_rate_of_many_parameters_by_products_with_vectors():
    f = formula("sum(c.*x.^2)/2 + sum(cosh(x))", given="c[n], x[n]")
    c = torch.linspace(0, 9, 2000, dtype=torch.float64)
    objective = Objective(f, {"x": torch.zeros(2000)}, {"c": c}, "cpu", None)
    found = stability(objective, objective.start)
    assert found is not None
    assert found.rate == pytest.approx(2 / 10, rel=1e-3)
    assert not found.everywhere


def test_without_curvature_there_is_no_stable_rate():
    found = learning_rates(formula("-w^2"), start={"w": 1.0}, rates=[0.1])
    assert (found.stable, found.best) == (None, 0.1)


def test_an_automatic_rate():
    found = descend(LOSS, start={"w": 1.0}, data=DATA, rate="auto", steps=3)
    assert found.parameters["w"] == pytest.approx(2.0, abs=1e-12)  # one curvature: one step
    assert found.message.endswith(
        "chosen because the loss is quadratic, and this rate brings it down fastest; the largest stable rate is 0.214286."
    )
    found = descend(formula("cosh(w)"), start={"w": 1.0}, rate="auto", steps=3)
    assert "chosen because it is the best of 7 from 0.001 to 1 over 100 steps" in found.message
    with pytest.raises(ValueGivenError) as error:
        descend(formula("cosh(w)"), start={"w": 1.0}, rate="auto", method="adam", steps=3)
    assert str(error.value) == "rate=\"auto\" is for gradient descent, not for 'adam'.\nWrite rate=0.01."


def test_nothing_to_choose_from():
    with pytest.raises(ValueGivenError) as error:
        descend(formula("exp(1000*w^2)"), start={"w": 0.5}, rate="auto")
    assert str(error.value) == "every rate from 0.001 to 1 diverges.\nGive a smaller rate, or another start."
    assert str(learning_rates(formula("w^2"), start={"w": 1.0}, rates=[5.0])).endswith("every rate diverges: try smaller ones")


@pytest.mark.parametrize(
    ("rates", "text"),
    [
        ([], "rates is empty.\nWrite rates=[0.001, 0.003, 0.01]."),
        (3, "rates is no list of rates.\nWrite rates=[0.001, 0.003, 0.01]."),
        ("0.1", "rates is no list of rates.\nWrite rates=[0.001, 0.003, 0.01]."),
        ([0.1, -1], "rate is -1, not a positive number.\nWrite rate=0.01."),
        ([math.nan], "rate is nan, not a positive number.\nWrite rate=0.01."),
    ],
)
def test_refusals(rates, text):
    with pytest.raises(ValueGivenError) as error:
        symgd.learning_rates(LOSS, start={"w": 1.0}, data=DATA, rates=rates)
    assert str(error.value) == text
