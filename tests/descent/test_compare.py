"""Comparisons: errors in ulps against 50 digits, tables, and whole descents by symgd and by autograd."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

from symgd import ValueGivenError, compare, formula
from symgd.descent import history

LOSS = formula("mean((w*x - y)^2)", given="x[n], y[n]")
VALUES = {"w": 1.0, "x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]}


def test_a_point():
    found = compare(LOSS, VALUES)
    assert sorted(row.name for row in found.rows) == ["value", "w", "x", "y"]
    assert all(row.symgd <= 2 and row.autograd <= 2 for row in found.rows)
    assert found.symgd_seconds > 0
    assert found.autograd_seconds > 0


def test_it_prints_as_a_table():
    text = str(compare(LOSS, VALUES))
    assert all(word in text for word in ("symgd, error in ulp", "autograd, error in ulp", "time", "value"))
    assert len({len(line) > 0 for line in text.splitlines()}) == 1
    assert re.search(r"time +[\d.]+ (µs|ms|s) +[\d.]+ (µs|ms|s)", text)


def test_an_error_of_autograd_is_found():
    """tanh at 9: 1 - tanh² cancels, and autograd is off by millions of ulps."""
    row = compare("tanh(x)", {"x": 9.0}).rows[1]
    assert row.symgd <= 4
    assert row.autograd > 1e4


def test_a_correctly_rounded_value_is_within_half_a_unit():
    assert compare("x*3", {"x": 0.1}).rows[0].symgd <= 0.5


def test_json_is_plain_data():
    found = json.loads(json.dumps(compare(LOSS, VALUES).json()))
    assert found["rows"][0]["name"] == "value"


def test_a_kink_warns():
    with pytest.warns(UserWarning, match=r"the derivative of abs jumps at 0, where it is asked") as caught:
        compare("abs(x)", {"x": 0})
    assert caught[0].filename == __file__


def test_a_large_formula_is_compared_without_the_truth():
    found = compare(LOSS, {"w": 1.0, "x": np.ones(200_000), "y": np.ones(200_000)})
    assert all(math.isnan(row.symgd) for row in found.rows)
    assert "unknown" in str(found)


def test_descents():
    found = compare(LOSS, start={"w": 1.0}, data={"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]}, rate=0.01, steps=50)
    assert found.steps == 50
    assert found.differences["w"] <= 1e-15
    assert "largest difference along the path" in str(found)
    assert json.loads(json.dumps(found.json()))["outcome"] == "max_steps"


def test_descents_of_arrays():
    f = formula("norm2(A*x - b)^2", given="A[m,n], x[n], b[m]")
    found = compare(f, start={"x": [0.0, 0.0]}, data={"A": np.eye(2), "b": [1.0, 2.0]}, rate=0.1, steps=10)
    assert found.differences["x"] <= 1e-15


REFUSED = [
    ({"start": {"w": 1.0}, "data": {}}, "comparing descents needs a rate.\nBoth take the same steps: write rate=0.01."),
    ({"rate": 0.1}, "data and rate belong to a descent, and there is no start.\nWrite compare(f, start=…, data=…, rate=…)."),
    (
        {"start": {"w": 1.0}, "rate": 0.1, "x": 1.0},
        "both a point and a start are given.\nWrite compare(f, values), or compare(f, start=…, data=…, rate=…).",
    ),
]


@pytest.mark.parametrize(("options", "text"), REFUSED, ids=range(len(REFUSED)))
def test_refusals(options, text):
    with pytest.raises(ValueGivenError) as error:
        compare(LOSS, **options)
    assert str(error.value) == text


def test_descents_are_compared_at_the_steps_that_were_kept(monkeypatch):
    monkeypatch.setattr(history, "_KEPT", 20)
    found = compare("(a - 2)^2 + b^2", start={"a": 0.0, "b": 1.0}, rate=0.1, steps=101)
    assert found.steps == 101
    assert all(gap < 1e-14 for gap in found.differences.values())
