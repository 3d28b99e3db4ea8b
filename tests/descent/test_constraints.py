"""What declarations ask of parameters is kept: bounds, intervals, the simplex; fixed parameters."""

from __future__ import annotations

import math

import pytest
import torch

from symgd import ValueGivenError, descend, formula
from symgd.descent.constraints import constraints_of, on_simplex
from symgd.formula import variables

SIGMA = formula("sum((y - m).^2)/(2*s^2) + n*log(s)", given="y[n], m, s > 0")
Y = [1.0, 2.0, 4.0, 5.0]


def test_a_deviation_stays_positive():
    found = descend(SIGMA, start={"m": 0.0, "s": 0.1}, data={"y": Y}, steps=300)
    assert found.parameters == pytest.approx({"m": 3.0, "s": math.sqrt(2.5)}, rel=1e-8)
    assert found.outcome == "converged"
    assert found.message.endswith("; s > 0 kept by an exponential.")
    assert min(found.path["s"]) > 0
    assert found.path["s"][0] == pytest.approx(0.1)


def test_the_report_is_in_the_parameters_themselves():
    """The variances of a normal sample: s²/n and s²/(2n)."""
    found = descend(SIGMA, start={"m": 0.0, "s": 0.1}, data={"y": Y}, steps=300).report()
    assert [one.name for one in found.parameters] == ["m", "s"]
    assert [one.error for one in found.parameters] == pytest.approx([math.sqrt(2.5 / 4), math.sqrt(2.5 / 8)], rel=1e-6)


BOUNDED = [
    ("t >= 1", "t^2", 2.0, 1.0, "a hyperbola"),
    ("t <= -1", "(t - 1)^2", -2.0, -1.0, "a hyperbola"),
    ("t in [0, 2]", "(t - 5)^2", 1.0, 2.0, "a sine"),
    ("t in [0, 2]", "(t - 5)^2", 0.0, 2.0, "a sine"),
    ("t >= 0", "cosh(t - 1)", 0.0, 1.0, "a hyperbola"),
    ("t in (0, 1)", "-3*log(t) - log(1 - t)", 0.5, 0.75, "the logistic function"),
    ("t < 0", "t + 1/t^2", -1.0, None, "an exponential"),
    ("t[2] > 0", "sum(t) - log(t[1]) - 2*log(t[2])", [0.5, 0.5], [1.0, 2.0], "an exponential"),
]


@pytest.mark.parametrize(("given", "text", "start", "minimum", "how"), BOUNDED)
def test_bounds(given, text, start, minimum, how):
    found = descend(formula(text, given=given), start={"t": start}, steps=500)
    assert f"; {given.replace('[2]', '')} kept by {how}." in found.message.replace("[2]", "")
    if minimum is None:
        assert found.outcome != "converged"  # falls without end
    else:
        value = found.parameters["t"]
        assert (value.tolist() if hasattr(value, "tolist") else value) == pytest.approx(minimum, abs=1e-5)


def test_a_closed_form_that_keeps_the_bounds_is_taken():
    f = formula("sum((a*x - y).^2)", given="x[n], y[n], a > 0")
    found = descend(f, start={"a": 5.0}, data={"x": [1.0, 2.0], "y": [2.0, 4.0]})
    assert found.parameters["a"] == pytest.approx(2.0, rel=1e-14)
    assert found.message.endswith("linear in the parameters inside; the bounds hold there.")
    found = descend(f, start={"a": 5.0}, data={"x": [1.0, 2.0], "y": [-2.0, -4.0]}, steps=200)
    assert 0 < found.parameters["a"] < 1e-3
    assert "kept by an exponential" in found.message


def test_with_a_rate_steps_are_projected():
    f = formula("(t - 3)^2 + (p - 1)^2", given="t in [0, 2], p")
    found = descend(f, start={"t": 0.5, "p": 0.0}, rate=0.25, steps=20)
    assert found.path["t"][:4] == [0.5, 1.75, 2.0, 2.0]
    assert found.parameters["p"] == pytest.approx(1.0, abs=1e-5)
    assert found.message.endswith("20 steps of gradient descent with rate 0.25, projected on t in [0, 2].")


def test_the_simplex():
    """The proportions of counts."""
    f = formula("-k'*log(q)", given="k[n], q[n] simplex")
    data = {"k": [1.0, 2.0, 5.0]}
    found = descend(f, start={"q": [1 / 3, 1 / 3, 1 / 3]}, data=data)
    assert found.parameters["q"].tolist() == pytest.approx([1 / 8, 2 / 8, 5 / 8], rel=1e-8)
    assert (found.outcome, "q simplex kept by softmax" in found.message) == ("converged", True)
    projected = descend(f, start={"q": [1 / 3, 1 / 3, 1 / 3]}, data=data, rate=0.01, steps=500)
    assert projected.parameters["q"].tolist() == pytest.approx([1 / 8, 2 / 8, 5 / 8], rel=1e-6)
    assert all(abs(float(q.sum()) - 1) < 1e-12 for q in projected.path["q"])


def test_the_projection_on_the_simplex_is_the_nearest_point():
    generator = torch.Generator().manual_seed(1)
    for _ in range(20):
        point = torch.randn(4, generator=generator, dtype=torch.float64)
        nearest = on_simplex(point)
        assert float(nearest.sum()) == pytest.approx(1)
        assert bool((nearest >= 0).all())
        for _ in range(50):
            other = torch.rand(4, generator=generator, dtype=torch.float64)
            assert float((point - nearest).norm()) <= float((point - other / other.sum()).norm()) + 1e-12


@pytest.mark.parametrize("given", ["t > 2", "t >= 2", "t < 2", "t <= 2", "t in (1, 3)", "t in [1, 3]", "q[3] simplex"])
def test_there_and_back(given):
    (one,) = constraints_of([variables(given)[0].origin])
    value = torch.tensor({"t > 2": 2.5, "t >= 2": 2.5}.get(given, 1.5), dtype=torch.float64)
    if "simplex" in given:
        value = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
    assert torch.allclose(one.from_free(one.to_free(value)), value, rtol=1e-14)


def test_what_a_descent_does_not_keep():
    with pytest.raises(ValueGivenError) as error:
        descend(formula("(k - 3)^2", given="k integer"), start={"k": 1.0})
    assert str(error.value) == ("k is declared integer, which a descent does not keep.\nLeave it out of the declaration, or give a value.")


def test_fixed_parameters_stay():
    f = formula("sum((a + b*x - y)^2)", given="x[n], y[n]")
    found = descend(f, start={"a": 1.0, "b": 0.0}, data={"x": [1.0, 2.0], "y": [3.0, 5.0]}, fixed=["a"])
    assert found.parameters == pytest.approx({"a": 1.0, "b": 2.0})
    assert list(found.path) == ["b"]
    assert found.message.endswith("; a held.")


@pytest.mark.parametrize(
    ("fixed", "text"),
    [
        (["c"], "fixed names 'c', which has no start.\nThe start has a, b."),
        (["a", "b"], "every parameter is fixed.\nLeave one out of fixed."),
    ],
)
def test_fixed_refusals(fixed, text):
    with pytest.raises(ValueGivenError) as error:
        descend("a^2 + b^2", start={"a": 1.0, "b": 1.0}, fixed=fixed)
    assert str(error.value) == text
