"""Many starts in one batched run: the lowest of several minima is found, and constraints are kept."""

from __future__ import annotations

import math

import pytest
import torch

from symgd import ValueGivenError, descend, formula, multistart

RASTRIGIN = formula("20 + x^2 + y^2 - 10*cos(2*pi*x) - 10*cos(2*pi*y)")


def test_the_lowest_of_many_minima():
    """Rastrigin's function: from one start a local minimum, from a grid the global one at (0, 0)."""
    alone = descend(RASTRIGIN, start={"x": 3.2, "y": -2.1})
    assert alone.values[-1] > 1
    found = multistart(RASTRIGIN, [{"x": x, "y": y} for x in (-3.2, -1.1, 0.3, 2.2) for y in (-2.1, 0.2, 1.2)])
    assert found.best.parameters == pytest.approx({"x": 0.0, "y": 0.0}, abs=1e-8)
    assert (found.best.outcome, len(found.losses)) == ("converged", 12)
    assert found.best.message.endswith(", from the best of 12 starts.")
    assert "the best of 12 starts; followed to the end:" in str(found)


def test_starts_that_are_not_finite_do_not_disturb_the_others():
    f = formula("(log(w) - 1)^2")
    found = multistart(f, [{"w": -1.0}, {"w": 2.0}])
    assert math.isnan(found.losses[0])
    assert found.best.parameters["w"] == pytest.approx(math.e)
    with pytest.raises(ValueGivenError) as error:
        multistart(f, [{"w": -1.0}, {"w": -2.0}])
    assert str(error.value) == "no start has a finite loss.\nStart where the loss is defined."


def test_arrays_data_and_bounds():
    f = formula("mean((a*exp(-k*x) - y).^2)", given="x[n], y[n], a, k > 0")
    x = torch.linspace(0, 4, 20, dtype=torch.float64)
    found = multistart(f, [{"a": a, "k": k} for a in (1.0, 5.0) for k in (0.01, 1.0, 20.0)], data={"x": x, "y": 3 * torch.exp(-0.7 * x)})
    assert found.best.parameters == pytest.approx({"a": 3.0, "k": 0.7}, rel=1e-8)


@pytest.mark.parametrize(
    ("starts", "text"),
    [
        ([], 'starts are no list of starts.\nWrite starts=[{"w": 0.0}, {"w": 1.0}].'),
        ({"w": 1.0}, 'starts are no list of starts.\nWrite starts=[{"w": 0.0}, {"w": 1.0}].'),
        (
            [{"x": 1.0, "y": 1.0}, {"y": 1.0, "x": 1.0}],
            "the starts name different parameters.\nGive every start the same names in the same order.",
        ),
    ],
)
def test_refusals(starts, text):
    with pytest.raises(ValueGivenError) as error:
        multistart(RASTRIGIN, starts)
    assert str(error.value) == text
