"""Standard errors of fits against certified ones, intervals, correlations; and what a loss that is not finite says of itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from symgd import ValueGivenError, descend, formula
from symgd.descent.report import quantile

X = [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0]
Y = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78]
MEYER = [34780.0, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872]

# NIST StRD: model, data, start; certified parameters, their standard deviations, residual sum of squares and standard deviation.
CERTIFIED = [
    (
        "b1.*(1 - exp(-b2.*x))",  # Misra1a
        (X, Y),
        (500.0, 1e-4),
        (2.3894212918e02, 5.5015643181e-04),
        (2.7070075241e00, 7.2668688436e-06),
        (1.2455138894e-01, 1.0187876330e-01),
    ),
    (
        "b1 .* exp(b2 ./ (x + b3))",  # MGH10
        ([50 + 5.0 * k for k in range(16)], MEYER),
        (0.02, 4000.0, 250.0),
        (5.6096364710e-03, 6.1813463463e03, 3.4522363462e02),
        (1.5687892471e-04, 2.3309021107e01, 7.8486103508e-01),
        (8.7945855171e01, 2.6009740065e00),
    ),
]


@pytest.mark.parametrize(("model", "data", "start", "values", "errors", "residual"), CERTIFIED, ids=["Misra1a", "MGH10"])
def test_certified_standard_deviations(model, data, start, values, errors, residual):
    f = formula(f"mean(({model} - y).^2)", given="x[n], y[n]")
    names = [f"b{k + 1}" for k in range(len(start))]
    found = descend(f, start=dict(zip(names, start)), data=dict(zip("xy", data)), steps=1000).report()
    assert [one.value for one in found.parameters] == pytest.approx(values, rel=1e-9)
    assert [one.error for one in found.parameters] == pytest.approx(errors, rel=1e-8)
    assert (found.squares, found.deviation) == pytest.approx(residual, rel=1e-9)
    assert found.freedom == len(data[0]) - len(start)


def test_a_straight_line_by_its_textbook_formulas():
    """Draper & Smith, Applied Regression Analysis, 3rd ed., 1.4: s²/Σ(x - x̄)² is the variance of the slope."""
    x, y = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([1.1, 1.9, 3.2, 3.9, 5.1])
    f = formula("sum((a + b*x - y)^2)", given="x[n], y[n]")
    fit = descend(f, start={"a": 0.0, "b": 0.0}, data={"x": x, "y": y})
    found = fit.report(level=0.9)
    rest = y - fit.parameters["a"] - fit.parameters["b"] * x
    s = math.sqrt(rest @ rest / 3)
    assert found.parameters[1].error == pytest.approx(s / math.sqrt(((x - 3) ** 2).sum()), rel=1e-12)
    assert found.parameters[1].high - found.parameters[1].value == pytest.approx(2.353363 * found.parameters[1].error, rel=1e-6)
    assert float(found.correlation[0, 1]) == pytest.approx(-3 / math.sqrt((x**2).mean()), rel=1e-12)
    assert found.residuals.tolist() == pytest.approx((-rest).tolist(), abs=1e-12)
    assert (
        str(found)
        == """\
   value  standard error          90 % interval
a   0.04          0.1625  -0.342376 to 0.422376
b      1         0.04899    0.884709 to 1.11529

5 residuals, 3 degrees of freedom
sum of squares 0.072, standard deviation of the residuals 0.15491933
correlation of a and b: -0.9045"""
    )


def test_a_likelihood_by_its_hessian():
    """Counts 3, 5, 7 of a Poisson distribution: the logarithm of the mean has the variance 1/15."""
    f = formula("sum(exp(t) - k*t)", given="k[n], t")
    found = descend(f, start={"t": 0.0}, data={"k": [3.0, 5.0, 7.0]}).report()
    assert found.parameters[0].value == pytest.approx(math.log(5), rel=1e-10)
    assert found.parameters[0].error == pytest.approx(1 / math.sqrt(15), rel=1e-10)
    assert found.parameters[0].high - found.parameters[0].value == pytest.approx(1.959964 / math.sqrt(15), rel=1e-6)
    assert "the loss is taken for a negative log-likelihood: errors from its Hessian" in str(found)


def test_entries_of_arrays_have_their_places():
    f = formula("norm2(A*x - b)^2", given="A[m,n], x[n], b[m]")
    data = {"A": [[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]], "b": [1.0, 2.0, 2.5]}
    assert [one.name for one in descend(f, start={"x": [0.0, 0.0]}, data=data).report().parameters] == ["x[1]", "x[2]"]


@pytest.mark.parametrize(
    ("text", "data", "message"),
    [
        (
            "sum((a + b - y)^2)",
            [1.0, 2.0, 3.0],
            "the standard errors are not determined: the loss is flat along a direction.\nFix a parameter, or write the model with fewer.",
        ),
        (
            "sum((a + b*y - 1)^2)",
            [1.0, 2.0],
            "2 residuals leave no degree of freedom for 2 parameters.\nStandard errors need more data than parameters.",
        ),
    ],
)
def test_where_errors_are_not_determined(text, data, message):
    found = descend(formula(text, given="y[n]"), start={"a": 0.0, "b": 0.0}, data={"y": data})
    with pytest.raises(ValueGivenError) as error:
        found.report()
    assert str(error.value) == message


def test_no_report_at_a_saddle():
    found = descend(formula("cosh(x) - y^2"), start={"x": 0.0, "y": 0.0})
    with pytest.raises(ValueGivenError) as error:
        found.report()
    assert str(error.value) == "there are no standard errors: the point is no minimum.\nDescend to a minimum first."


@pytest.mark.parametrize(
    ("share", "freedom", "value"),
    [(0.975, 1, 12.7062047362), (0.975, 10, 2.2281388520), (0.95, 30, 1.6972608866), (0.975, math.inf, 1.9599639845)],
)
def test_quantiles(share, freedom, value):
    assert quantile(share, freedom) == pytest.approx(value, rel=1e-9)


# ---- what is not finite ----------------------------------------------------------------------------------------------


def test_the_part_that_overflowed_first_is_named():
    f = formula("mean((exp(w*x) - y)^2)", given="x[n], y[n]")
    found = descend(f, start={"w": 1.0}, data={"x": [1.0, 400.0], "y": [2.0, 3.0]}, rate=0.1)
    assert found.outcome == "nonfinite"
    assert found.message.startswith("(exp(w*x) - y).^2 is inf at [2] there, at w = 1. Take a smaller rate, or another start.")
    found = descend(f, start={"w": 1.0}, data={"x": [1.0, 800.0], "y": [2.0, 3.0]}, rate=0.1)
    assert found.message.startswith("exp(w*x) is inf at [2] there, at w = 1.")


def test_a_logarithm_of_a_negative_number_is_named():
    found = descend(formula("w^2 + log(w)"), start={"w": -1.0})
    assert found.message == (
        "log(w) is nan there, at w = -1. Take a smaller rate, or another start. 0 steps of Newton's method in a trust region, chosen "
        "because there is 1 number to be found."
    )


def test_a_parameter_that_is_not_finite_is_named():
    found = descend(formula("w^3"), start={"w": -1e150}, rate=1e10, steps=5)
    assert found.outcome in ("nonfinite", "diverged")
    start = torch.tensor(-1e200, dtype=torch.float64)
    found = descend(formula("exp(-w)"), start={"w": start}, rate=0.1)
    assert found.message.startswith("exp(-w) is inf there, at w = -1e+200.")
