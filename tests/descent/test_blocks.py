"""Losses over data that come in blocks: the same values and gradients as over all data at once, in little memory."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from symgd import ValueGivenError, descend, formula, learning_rates, multistart
from symgd.descent.line import hessian_vector_of, line_of
from symgd.descent.methods.method import State, flat
from symgd.descent.methods.table import ROWS
from symgd.descent.objective import Objective
from symgd.descent.residuals import residuals_of

G = torch.Generator().manual_seed(0)
X, Y = torch.randn(23, 3, generator=G, dtype=torch.float64), torch.randn(23, generator=G, dtype=torch.float64)
W = {"w": torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64), "b": torch.tensor(0.1, dtype=torch.float64)}
GIVEN = "X[n,d], y[n], w[d], b"


def blocks(size=5):
    return ({"X": X[k : k + size], "y": Y[k : k + size]} for k in range(0, len(Y), size))


LOSSES = [
    "mean((X*w + b - y).^2)",
    "norm2(X*w - y)^2/n + b^2*norm2(w)^2",
    "norm2(X*w + b - y)",  # a root of a sum: two passes
    "sum(log(1 + exp(-y.*(X*w + b))))/n + norm1(w)",
    "norm2(X'*(X*w - y))^2/n^2 + b^2",  # a sum that is an array
    "log(sum(exp(X*w + b))) - sum(y)*b",
    "sum((X*w - y).^2)*sum(cosh(X*w/5 - b))",
    "norm2(softmax(X*b, axis=2)*w - y) + b^2",  # a softmax within every sample
]


@pytest.mark.parametrize("text", LOSSES)
def test_values_and_gradients_are_those_over_all_data(text):
    f = formula(text, given=GIVEN)
    whole = Objective(f, W, {"X": X, "y": Y}, "cpu", None)
    split = Objective(f, W, next(blocks()), "cpu", None)
    split.in_blocks(blocks)
    for shift in (0.0, 0.7):
        point = [tensor + shift for tensor in whole.start]
        (value, slopes), (other, others) = whole.value_and_gradient(point), split.value_and_gradient(point)
        assert float(other) == pytest.approx(float(value), rel=1e-13)
        for a, b in zip(slopes, others):
            assert torch.allclose(a, b, rtol=1e-12, atol=1e-13)


def split_and_whole(text, given=GIVEN, start=W, parts=blocks):
    """The objective over blocks, and the same over all data."""
    whole = Objective(formula(text, given=given), start, {"X": X, "y": Y}, "cpu", None)
    split = Objective(formula(text, given=given), start, next(iter(parts())), "cpu", None)
    split.in_blocks(parts)
    return split, whole


@pytest.mark.parametrize("text", LOSSES)
def test_second_derivatives_are_those_over_all_data(text):
    split, whole = split_and_whole(text)
    generator = torch.Generator().manual_seed(1)
    direction = torch.randn(4, generator=generator, dtype=torch.float64)
    for shift in (0.0, 0.7):
        point = [tensor + shift for tensor in whole.start]
        matrix = whole.hessian()(point)
        scale = float(matrix.abs().max())
        assert torch.allclose(split.hessian()(point), matrix, rtol=0, atol=1e-12 * scale)
        product, (slopes, *_) = hessian_vector_of(split)(point, direction), [whole.value_and_gradient(point)[1]]
        assert torch.allclose(product, matrix @ direction, rtol=0, atol=1e-11 * scale)
        state = State(point, *whole.value_and_gradient(point))
        value, slope, curvature = line_of(split)(state, direction, 0.0)
        assert value == pytest.approx(float(state.value), rel=1e-13)
        assert slope == pytest.approx(float(flat(slopes) @ direction), rel=1e-11, abs=1e-12)
        assert curvature == pytest.approx(float(direction @ matrix @ direction), rel=1e-11, abs=1e-11 * scale)
        assert line_of(whole)(state, direction, 0.3) == pytest.approx(line_of(split)(state, direction, 0.3), rel=1e-11)
    assert split.is_quadratic == whole.is_quadratic
    assert split.magnitude(whole.start) == pytest.approx(whole.magnitude(whole.start), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "linear"),
    [
        ("mean((X*w + b - y).^2)", True),
        ("mean((X*w + b - y).^2) + 2*norm2(w)^2 + (b - 1)^2/n", True),  # squares of no sample
        ("sum(y.^2 .* (X*w + b - y).^2) + b^2", True),  # weights
        ("sum((exp(b)*X*w - y).^2)", False),
        ("norm2(X'*(X*w - y))^2 + b^2", True),  # residuals that are sums over the samples
        ("sum((exp(b)*X*w - y).^2) + norm2(X'*(X*w - y))^2/n", False),
    ],
)
def test_residuals_stand_for_those_of_all_data(text, linear):
    split, whole = split_and_whole(text)
    merged, held = residuals_of(split), residuals_of(whole)
    assert (merged.count, merged.is_linear, held.is_linear) == (held.count, linear, linear)
    for shift in (0.0, 0.7):
        point = [tensor + shift for tensor in whole.start]
        a, b = merged.at(point), held.at(point)
        assert len(a.residuals) <= min(len(b.residuals), 12)
        assert a.factor == pytest.approx(b.factor)
        assert torch.allclose(a.jacobian.T @ a.jacobian, b.jacobian.T @ b.jacobian, rtol=1e-12)
        assert torch.allclose(a.jacobian.T @ a.residuals, b.jacobian.T @ b.residuals, rtol=1e-11)
        assert float(a.residuals @ a.residuals) == pytest.approx(float(b.residuals @ b.residuals), rel=1e-13)
        assert float(a.state.value) == pytest.approx(float(b.state.value), rel=1e-13)


@pytest.mark.parametrize(
    "text",
    [
        "sum(y.*(X*w + b - y).^2)",  # a weight is negative
        "norm2(y)*sum((X*w - y).^2) + b^2",  # a weight is a sum of them
        "sum((X*w - y).^2) + b^2*sqrt(sum(y) - 1000)",  # a weight is nan, after others that are not
        "norm2(y)*b^2 + (b - 2)^2*sqrt(sum(y) - 1000) + (b - sum(X*w))^2",  # and where none runs over samples
        "sum(sqrt(y - 1000).*(X*w - y).^2) + b^2",
        "norm2(X*w - y)^2 + b^2*exp(1000*norm2(y)^2)",  # infinite
    ],
)
def test_what_is_no_sum_of_squares_over_samples(text):
    split, _ = split_and_whole(text)
    assert residuals_of(split) is None


def test_what_needs_squares_says_what_blocks_do_not_show():
    f = formula("norm2(y)*sum((X*w - y).^2) + b^2", given=GIVEN)
    message = (
        "method 'levenberg-marquardt' needs a sum of squares, and the loss is not seen to be one.\n"
        'Write the loss as sum(r.^2), mean(r.^2) or norm2(r)^2 of residuals r, or method="newton".'
    )
    with pytest.raises(ValueGivenError) as error:
        descend(f, start=W, data=blocks, method="levenberg-marquardt")
    assert (
        str(error.value)
        == f"{message} In blocks a weight of the samples that is itself a function of sums over them is not seen to be one."
    )


NEEDS_SQUARES = ("gauss-newton", "levenberg-marquardt", "least-squares", "closed-form")


@pytest.mark.parametrize("row", [row for row in ROWS if row.rate != "needed"], ids=lambda row: row.name)
def test_every_method_that_finds_its_rate_goes_the_way_of_all_data(row):
    text = "mean((X*w + b - y).^2) + norm2(w)^2/5" if row.name in NEEDS_SQUARES else "mean(log(cosh(X*w + b - y))) + norm2(w)^2/5"
    f, given = formula(text, given=GIVEN), {"start": W, "method": row.name, "steps": 8}
    found, truth = descend(f, data=blocks, **given), descend(f, data={"X": X, "y": Y}, **given)
    count = min(len(found.values), len(truth.values))  # where only rounding is left one may stop before the other
    assert found.values[:count] == pytest.approx(truth.values[:count], rel=1e-10)
    assert torch.allclose(found.parameters["w"], truth.parameters["w"], rtol=1e-6, atol=1e-8)


def test_the_choice_of_a_method_and_of_a_rate_is_that_for_all_data():
    for text in ("mean((X*w + b - y).^2)", "sum((exp(X*w/5) + b - y).^2)", "mean(log(cosh(X*w + b - y)))", "norm2(X'*y - w)^2 + b^4"):
        f = formula(text, given=GIVEN)
        for rate in (None, "auto"):
            options = {"start": W, "rate": rate, "steps": 50, "method": "auto"}
            found, truth = descend(f, data=blocks, **options), descend(f, data={"X": X, "y": Y}, **options)
            assert found.message.split(", chosen ")[1] == truth.message.split(", chosen ")[1]
            assert found.stationary == truth.stationary
            assert torch.allclose(found.parameters["w"], truth.parameters["w"], rtol=1e-6, atol=1e-7)
    f = formula("mean((X*w + b - y).^2)", given=GIVEN)
    found, truth = learning_rates(f, start=W, data=blocks), learning_rates(f, start=W, data={"X": X, "y": Y})
    assert [rung.verdict for rung in found.rungs] == [rung.verdict for rung in truth.rungs]
    assert (found.best, found.everywhere) == (truth.best, True)
    assert found.stable == pytest.approx(truth.stable, rel=1e-12)


def test_a_closed_form_over_blocks_loses_no_digits_to_squares():
    """A polynomial of degree 9 on [0, 1], as ill-conditioned as fits get: normal equations would leave a few digits."""
    x = torch.linspace(0.0, 1.0, 60, dtype=torch.float64)
    powers = torch.stack([x**k for k in range(10)], 1)
    y = powers @ torch.ones(10, dtype=torch.float64)
    f = formula("mean((X*w - y).^2)", given="X[n,d], y[n], w[d]")
    found = descend(f, start={"w": torch.zeros(10)}, data=lambda: [{"X": powers[k : k + 7], "y": y[k : k + 7]} for k in range(0, 60, 7)])
    assert found.message.startswith("the residuals are linear in the parameters, and this is their least sum of squares.")
    assert "a sum of 60 squares" in found.message
    assert float((found.parameters["w"] - 1).abs().max()) < 1e-7


def test_reports_over_blocks():
    for text in ("mean((X*w + b - y).^2) + 2*norm2(w)^2", "sum(log(cosh(X*w + b - y)))"):
        f = formula(text, given=GIVEN)
        found, truth = descend(f, start=W, data=blocks).report(), descend(f, start=W, data={"X": X, "y": Y}).report()
        assert [one.name for one in found.parameters] == [one.name for one in truth.parameters]
        assert [one.error for one in found.parameters] == pytest.approx([one.error for one in truth.parameters], rel=1e-7)
        assert torch.allclose(found.correlation, truth.correlation, atol=1e-7)
        assert (found.freedom, found.residuals) == (truth.freedom, None)
        assert found.squares == (None if truth.squares is None else pytest.approx(truth.squares, rel=1e-10))
        assert str(found).splitlines()[-5] == str(truth).splitlines()[-5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sum((y - mean(y) - b).^2) + norm2(X*w)^2", "a sum over the samples stands inside another, which takes more than one pass."),
        (
            "sum(i, sum(j, exp(-(y[i] - b*y[j])^2))) + norm2(X*w)^2",
            "the loss speaks of pairs of samples, which blocks do not keep together.",
        ),
        ("sum((y*sum(y) - b*y).^2) + norm2(X*w)^2", "a sum over the samples stands inside another, which takes more than one pass."),
        ("norm2(X*X'*y - b*y)^2 + norm2(w)^2", "the loss speaks of pairs of samples, which blocks do not keep together."),
        ("max(X*w) + b^2 + sum(y)", "a function other than a sum runs over the samples, which blocks cannot add up."),
        *(
            (text, "a function other than a sum runs over the samples, which blocks cannot add up.")
            for text in ("b - sum(y.*logsoftmax(X*w))", "softmax(X*w)'*y + w'*w + b", "sum(softmax(X, axis=1)*w) + norm2(y)*b")
        ),
        ("sum(i, i*y[i])*b + norm2(X*w)^2", "the loss depends on the position of a sample, which blocks do not keep."),
    ],
)
def test_what_blocks_cannot_do_is_refused(text, message):
    with pytest.raises(ValueGivenError) as error:
        descend(formula(text, given=GIVEN), start=W, data=blocks, rate=0.1)
    assert str(error.value) == f'{message}\nGive all data at once, without blocks; on several ranks write ranks="alone".'


@pytest.mark.parametrize("options", [{}, {"method": "l-bfgs"}, {"rate": 0.1, "steps": 400}, {"method": "adam", "rate": 0.05, "steps": 600}])
def test_descents(options):
    f = formula("mean(log(cosh(X*w + b - y)))", given=GIVEN)
    found = descend(f, start=W, data=blocks, **{"steps": 200, **options})
    truth = descend(f, start=W, data={"X": X, "y": Y})
    assert torch.allclose(found.parameters["w"], truth.parameters["w"], atol=1e-4)
    if not options:
        assert (found.outcome, found.message, found.stationary) == (truth.outcome, truth.message, truth.stationary)


def test_refusals():
    f = formula("mean((X*w + b - y).^2)", given=GIVEN)
    for options, text in (({"rate": 0.1, "batch": 24}, "batch is 24, and the data has 23 entries."),):
        with pytest.raises(ValueGivenError) as error:
            descend(f, start=W, **{"data": blocks, **options})
        assert str(error.value).startswith(text)
    for data, text in (
        (list, "the function given as data returns no blocks."),
        (lambda: None, "the function given as data returns something of type NoneType, not blocks."),
        (lambda: {"X": X, "y": Y}, "the function given as data returns something of type dict, not blocks."),
        (lambda: [*blocks(), 3], "block 6 of the data is of type int, not a mapping."),
    ):
        with pytest.raises(ValueGivenError) as error:
            descend(f, start=W, data=data, rate=0.1)
        assert str(error.value) == f"{text}\nLet it return, at every call, an iterable of mappings from names to arrays."
    with pytest.raises(ValueGivenError) as error:
        descend(f, start=W, data=lambda: [*blocks(), {"X": [[1.0, 2.0, 3.0]], "y": [float("nan")]}], rate=0.1)
    assert str(error.value) == "block 6 of the data: the value given for y is nan at [1].\nEvery value has to be a finite number."
    once = iter([*blocks()])
    with pytest.raises(ValueGivenError):
        descend(f, start=W, data=lambda: once, rate=0.1)


STREAM = """
import resource, sys, torch
from symgd import descend, formula
rows, size = int(sys.argv[1]), 50_000
def blocks():
    for k in range(rows // size):
        generator = torch.Generator().manual_seed(k)
        X = torch.randn(size, 25, generator=generator, dtype=torch.float64)
        yield {"X": X, "y": X @ torch.arange(25, dtype=torch.float64) + 1}
f = formula("mean((X*w + b - y).^2)", given="X[n,d], y[n], w[d], b")
descend(f, start={"w": torch.zeros(25), "b": 0.0}, data=lambda: [next(blocks())], rate=0.1, steps=1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
r = descend(f, start={"w": torch.zeros(25), "b": 0.0}, data=blocks, rate=0.45, steps=8)
print(float((r.parameters["w"] - torch.arange(25)).abs().max()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def streamed(rows: int) -> tuple[float, int]:
    """The largest error of a weight, and the most memory in MB, of a fit to this many rows of 200 bytes."""
    out = subprocess.run([sys.executable, "-c", STREAM, str(rows)], check=True, capture_output=True, text=True).stdout
    error, memory = out.split()
    return float(error), int(memory)


@pytest.mark.long
def test_two_gigabytes_of_rows_in_little_memory():
    error, memory = streamed(10_000_000)
    assert error < 1e-6
    assert memory < 600


def test_constraints_are_kept_over_all_blocks():
    f = formula("sum((y - m).^2)/(2*s^2) + n*log(s)", given="y[n], m, s > 0")
    y = torch.arange(1.0, 13.0, dtype=torch.float64)
    found = descend(f, start={"m": 1.0, "s": 1.0}, data=lambda: ({"y": y[k : k + 4]} for k in (0, 4, 8)))
    assert found.parameters["m"] == pytest.approx(6.5, rel=1e-7)
    assert found.parameters["s"] == pytest.approx(float(y.std(correction=0)), rel=1e-7)


def test_many_starts_over_blocks():
    f = formula("mean((y.^2 - w^2).^2) + (w - 1)^2", given="y[n]")
    options = {"starts": [{"w": -2.0}, {"w": 2.0}, {"w": 0.1}], "rounds": 20}
    found = multistart(f, data=lambda: [{"y": Y[:11]}, {"y": Y[11:]}], **options)
    truth = multistart(f, data={"y": Y}, **options)
    assert found.losses == pytest.approx(truth.losses, rel=1e-9)
    assert found.best.parameters["w"] == pytest.approx(truth.best.parameters["w"], rel=1e-8)


def test_more_samples_than_half_precision_can_count():
    y = torch.ones(70_000)
    given = {"start": {"m": 0.0}, "data": lambda: ({"y": part} for part in y.split(7_000)), "rate": 0.1, "steps": 3, "dtype": torch.float16}
    found = descend(formula("sum((y - m).^2)/n", given="y[n], m"), **given)
    assert found.values == pytest.approx([0.8 ** (2 * k) for k in range(4)], rel=1e-2)
    assert found.parameters["m"] == pytest.approx(1 - 0.8**3, rel=1e-2)
    with pytest.raises(ValueGivenError) as error:
        descend(formula("sum(((y - m)/n).^2)", given="y[n], m"), **given)
    assert str(error.value) == (
        "the number of samples stands in what is added up over them, and is more than float16 can hold.\n"
        "Give dtype=torch.float32, or divide the sum as a whole."
    )
