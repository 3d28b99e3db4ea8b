"""Losses over data that come in blocks: the same values and gradients as over all data at once, in little memory."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from symgd import ValueGivenError, descend, formula, learning_rates, multistart
from symgd.descent.objective import Objective

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
        assert "chosen because the data come in blocks" in found.message
        assert found.outcome == "converged"


def test_refusals():
    f = formula("mean((X*w + b - y).^2)", given=GIVEN)
    for options, text in (
        ({"method": "newton"}, "this takes all data at once, and they come in blocks."),
        ({"rate": 0.1, "batch": 3}, "data in blocks do not go with batch."),
        ({"data": list}, "the function given as data returns no blocks."),
    ):
        with pytest.raises(ValueGivenError) as error:
            descend(f, start=W, **{"data": blocks, **options})
        assert str(error.value).startswith(text)
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


def test_many_points_at_once_take_all_data():
    f = formula("mean((y - w).^2)", given="y[n]")
    for call in (
        lambda: learning_rates(f, start={"w": 1.0}, data=lambda: [{"y": Y}]),
        lambda: multistart(f, [{"w": 1.0}, {"w": 2.0}], data=lambda: [{"y": Y}]),
    ):
        with pytest.raises(ValueGivenError, match="this takes all data at once, and they come in blocks"):
            call()
