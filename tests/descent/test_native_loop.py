"""Descents in one native loop against the same descents by torch: path, values, outcome, message, ends of every kind."""

from __future__ import annotations

import _thread
import math
import threading
from functools import partial

import pytest
import torch
from same_descents import always, same_descent

from symgd import descend, formula
from symgd.descent import history, native_loop, recorded
from symgd.descent import walk as module
from symgd.descent.outcome import Outcome
from symgd.descent.prepare import prepared

F64 = torch.float64
same = partial(same_descent, tolerance=1e-12, nan=True)
LINE = formula("mean((w*x - y)^2)", given="x[n], y[n]")
DATA = {"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]}
LOGISTIC = formula("mean(softplus(X*w + b*ones(N)) - y.*(X*w + b*ones(N)))", given="X[N,d], w[d], y[N], b")


def logistic_data(rows=200, columns=3):
    made = torch.Generator().manual_seed(3)
    X = torch.randn(rows, columns, generator=made, dtype=F64)
    return {"X": X, "y": (X.sum(1) > 0).to(F64)}


@pytest.fixture
def both(monkeypatch):
    """The descent in a native loop, and by torch."""

    def run(f, **options):
        natively = always(native_loop.native_routes)
        monkeypatch.setattr(module, "fastest", natively)
        first = descend(f, **options)
        assert natively.made, "there was no native form"
        monkeypatch.setattr(module, "fastest", lambda *given: None)
        return first, descend(f, **options)

    return run


def test_all_steps_are_taken(both):
    same(*both(LINE, start={"w": 1.0}, data=DATA, rate=0.01, steps=300))


def test_arrays_and_scalars_move_together(both):
    same(*both(LOGISTIC, start={"w": [0.1, 0.2, 0.3], "b": 1.0}, data=logistic_data(), rate=0.5, steps=77))


def test_without_data(both):
    same(*both(formula("(1-a)^2 + 100*(b-a^2)^2"), start={"a": -1.2, "b": 1.0}, rate=1e-3, steps=500), tolerance=1e-9)


def test_a_matrix(both):
    f = formula("normF(M - U*V')^2", given="M[m,n], U[m,r], V[n,r]")
    made = torch.Generator().manual_seed(0)
    M, U, V = (torch.rand(shape, generator=made, dtype=F64) for shape in [(5, 4), (5, 2), (4, 2)])
    same(*both(f, start={"V": V, "U": U}, data={"M": M}, rate=0.01, steps=50))


def test_single_precision(both):
    found, wanted = both(LOGISTIC, start={"w": [0.1, 0.2, 0.3], "b": 1.0}, data=logistic_data(), rate=0.5, steps=40, dtype=torch.float32)
    assert found.parameters["w"].dtype == torch.float32
    assert found.values == pytest.approx(wanted.values, rel=1e-5)


def test_a_tolerance_ends_it(both):
    found, wanted = both(LINE, start={"w": 1.0}, data=DATA, rate=0.05, steps=5000, tolerance=1e-6)
    assert found.outcome is Outcome.CONVERGED
    same(found, wanted)


def test_a_start_that_is_a_minimum(both):
    found, wanted = both(LINE, start={"w": 2.0}, data=DATA, rate=0.05, steps=5000, tolerance=1e-6)
    assert found.steps == 0
    same(found, wanted)


def test_divergence(both):
    found, wanted = both(LINE, start={"w": 1.0}, data=DATA, rate=1.0, steps=5000)
    assert found.outcome is Outcome.DIVERGED
    same(found, wanted)


def test_a_value_that_is_not_finite(both):
    found, wanted = both(formula("log(w)"), start={"w": 1.0}, rate=0.6, steps=5000)
    assert found.outcome is Outcome.NONFINITE
    assert math.isnan(found.values[-1])
    same(found, wanted)


def test_a_gradient_that_is_not_finite_under_a_tolerance(both):
    found, wanted = both(formula("sqrt(abs(w))"), start={"w": 0.25}, rate=0.25, steps=50, tolerance=1e-3)
    same(found, wanted)


@pytest.mark.parametrize("steps", [10, 11, 12, 13])
def test_a_long_path_is_thinned_out(both, monkeypatch, steps):
    monkeypatch.setattr(history, "_KEPT", 5)
    found, wanted = both(LINE, start={"w": 1.0}, data=DATA, rate=0.01, steps=steps)
    assert len(found.path["w"]) < steps
    same(found, wanted)


def test_the_loop_comes_back_often(both, monkeypatch):
    monkeypatch.setattr(recorded, "_CHUNK", 0.0)
    same(*both(LINE, start={"w": 1.0}, data=DATA, rate=0.01, steps=60))


@pytest.mark.parametrize("room", [1, 7, 64])
def test_room_is_made_for_more_steps(both, monkeypatch, room):
    """What was kept is kept when the arrays grow, also where the path is thinned out."""
    monkeypatch.setattr(history, "_FIRST", room)
    monkeypatch.setattr(recorded, "_CHUNK", 0.0)
    same(*both(LINE, start={"w": 1.0}, data=DATA, rate=0.01, steps=90))
    monkeypatch.setattr(history, "_KEPT", 40)
    same(*both(LOGISTIC, start={"w": [0.1, 0.2, 0.3], "b": 1.0}, data=logistic_data(), rate=0.5, steps=61))


def test_values_and_path_are_read_like_lists(both):
    found, wanted = both(LINE, start={"w": 1.0}, data=DATA, rate=0.01, steps=20)
    assert found.path["w"][:3] == pytest.approx(wanted.path["w"][:3], rel=1e-12)
    assert list(found.values) == found.values == found.values[:]
    assert {type(value) for value in found.values} == {type(w) for w in found.path["w"]} == {float}


def test_an_interrupt_gives_what_was_reached(monkeypatch):
    monkeypatch.setattr(history, "_KEPT", 1_000)
    monkeypatch.setattr(module, "fastest", always(native_loop.native_routes))
    options = {"start": {"w": [0.1, 0.2, 0.3], "b": 1.0}, "data": logistic_data(20_000), "rate": 0.1}
    descend(LOGISTIC, steps=1, **options)  # compiled now, so that the interrupt comes into the loop
    threading.Timer(1.0, _thread.interrupt_main).start()
    found = descend(LOGISTIC, steps=50_000_000, **options)
    assert found.outcome is Outcome.STOPPED
    assert 0 < found.steps < 50_000_000
    assert len(found.values) == found.steps // found.every[0] + 1 + (found.steps % found.every[0] > 0)


def test_the_start_is_left_alone(both):
    w = torch.tensor([0.1, 0.2, 0.3], dtype=F64)
    found, _ = both(LOGISTIC, start={"w": w, "b": 1.0}, data=logistic_data(), rate=0.5, steps=7)
    assert w.tolist() == [0.1, 0.2, 0.3]
    found.parameters["w"].zero_()
    found.path["w"][0].zero_()
    assert found.path["w"][1].abs().sum() > 0


def test_what_has_no_native_form_is_left_to_torch():
    f, start = formula("-logdet(W)", given="W[n,n]"), {"W": [[2.0, 1.0], [1.0, 3.0]]}
    assert descend(f, start=start, rate=0.001, steps=20).steps == 20
    assert native_loop.native_routes(prepared(f, start, None, "cpu", None), 10) == []


def test_a_parameter_that_the_loss_does_not_hold_is_left_to_torch():
    f, start = formula("w^2 + 0*v"), {"w": 1.0, "v": 3.0}
    assert native_loop.native_routes(prepared(f, start, None, "cpu", None), 10) == []
    assert descend(f, start=start, rate=0.1, steps=10).parameters["v"] == 3.0
