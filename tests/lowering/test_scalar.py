"""The backend in plain Python: what it computes, what it leaves to torch, and bound calls on floats."""

from __future__ import annotations

import math

import pytest
import torch

from symgd import formula, to_torch
from symgd.lowering.scalar_source import scalar_source

F64 = torch.float64
ROSENBROCK = formula("(1-a)^2 + 100*(b-a^2)^2")
LECTURE = formula("mean((w*x - y).^2)", given="w, x[N], y[N]")


def test_the_source_of_rosenbrock():
    program = to_torch(ROSENBROCK, gradient=["a", "b"]).program
    assert scalar_source(program, {}).split("\n\ndef named")[0] == (
        "def program(x0, x1):\n"
        "    v0 = 1.0 - x0\n"
        "    v1 = v0 * v0\n"
        "    v2 = x0 * x0\n"
        "    v3 = x1 - v2\n"
        "    v4 = v3 * v3\n"
        "    v5 = v1 + 100.0 * v4\n"
        "    v6 = x0 * v3\n"
        "    v7 = -2.0 * v0\n"
        "    v8 = v7 - 400.0 * v6\n"
        "    v9 = 200.0 * v3\n"
        "    return (v5, v8, v9,)\n"
    )


def test_names_of_the_user_are_keys_and_never_source():
    f = formula("x_1^2 + sin(evil)")
    program = to_torch(f, gradient=["x_1", "evil"], backend="python")
    assert "evil" not in scalar_source(program.program, {})
    assert program.bind(x_1=2.0, evil=0.0)() == (4.0, {"x_1": 4.0, "evil": 1.0})


def test_two_bound_calls_do_not_share_values():
    program = to_torch(ROSENBROCK, gradient=["a", "b"], backend="python")
    first, second = program.bind(a=1.0, b=1.0), program.bind(a=0.0, b=0.0)
    assert (first()[0], second()[0], first()[0]) == (0.0, 1.0, 0.0)


@pytest.mark.parametrize("backend", ["python", "auto"])
def test_a_bound_call_on_floats_gives_floats(backend):
    value, slopes = to_torch(ROSENBROCK, gradient=["a", "b"], backend=backend).bind(a=-1.2, b=1.0)()
    assert type(value) is type(slopes["a"]) is float
    assert (value, slopes["a"], slopes["b"]) == pytest.approx((24.2, -215.6, -88.0))


def test_a_bound_call_on_lists_gives_floats_and_tensors():
    value, slopes = to_torch(LECTURE, gradient=["w", "x"], backend="python").bind(w=1.0, x=[1, 2], y=[2, 4])()
    assert value == 2.5
    assert slopes["w"] == -5.0
    assert slopes["x"].tolist() == [-1.0, -2.0]


def test_a_call_gives_tensors():
    value, slopes = to_torch(LECTURE, gradient=["w", "x"], backend="python")(w=1.0, x=[1, 2], y=[2, 4])
    assert value.dtype == F64
    assert (value.item(), slopes["w"].item(), slopes["x"].tolist()) == (2.5, -5.0, [-1.0, -2.0])


def test_many_entries_are_left_to_torch():
    x, y = torch.rand(1000, dtype=F64), torch.rand(1000, dtype=F64)
    found = [to_torch(LECTURE, gradient=["w"], backend=backend)(w=0.5, x=x, y=y) for backend in ("python", "eager")]
    assert torch.equal(found[0][0], found[1][0])


@pytest.mark.parametrize(
    ("text", "x", "want"),
    [
        ("exp(x)", 1000.0, math.inf),
        ("log(x)", 0.0, -math.inf),
        ("1/x", 0.0, math.inf),
        ("sqrt(x)", -1.0, math.nan),
        ("x^(1/3)", -8.0, math.nan),
    ],
)
def test_where_python_raises_torch_answers(text, x, want):
    program = to_torch(formula(text), gradient=["x"], backend="python")
    for value in (program.bind(x=x)()[0], program(x=x)[0].item()):
        assert value == want or (math.isnan(value) and math.isnan(want))


def test_bound_tensors_are_read_anew():
    a = torch.tensor(2.0, dtype=F64)
    call = to_torch(formula("a^2"), gradient=["a"], backend="auto").bind(a=a)
    assert float(call()[0]) == 4
    a += 1
    assert float(call()[1]["a"]) == 6


def test_a_number_that_divides_by_no_entries():
    value, _ = to_torch(formula("sum(x)/(n - 1)", given="x[n]"), backend="python")(x=[2.0])
    assert math.isinf(float(value))
