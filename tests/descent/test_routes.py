"""Which way a descent at a fixed rate is taken: the fastest by estimate, with what its libraries cost until they are there."""

from __future__ import annotations

import pytest

from symgd import descend, formula
from symgd.descent import routes as module
from symgd.descent.native_loop import native_routes
from symgd.descent.prepare import prepared
from symgd.descent.quadratic_loop import quadratic_routes
from symgd.descent.routes import Route, fastest
from symgd.lowering.native import library as libraries
from symgd.lowering.native.library import Candidate, NoCompiler

LINE = formula("mean((w*x - y)^2)", given="x[n], y[n]")


@pytest.fixture
def line():
    return prepared(LINE, {"w": 1.0}, {"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]}, "cpu", None)


@pytest.fixture
def nothing_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMGD_CACHE", str(tmp_path))


def source(number):
    return f"int answer(void) {{ return {number}; }}\n"


def route(seconds, candidates, name, taken):
    def make():
        taken.append(name)
        return name

    return Route(seconds, candidates, make)


def test_short_descents_look_at_nothing(line):
    assert fastest(line, 100, [lambda *given: pytest.fail("looked at")]) is None


def test_short_descents_compile_nothing(monkeypatch):
    monkeypatch.setattr(libraries, "_compile", lambda *given: pytest.fail("compiled"))
    assert descend(LINE, start={"w": 1.0}, data={"x": [1.0, 2.0], "y": [1.0, 2.0]}, rate=0.01, steps=100).steps == 100


def test_the_fastest_is_taken(line):
    taken = []
    ways = [
        lambda *given: [route(2e-3, [], "slow", taken)],
        lambda *given: [route(1e-3, [], "fast", taken), route(9.0, [], "never", taken)],
    ]
    assert fastest(line, 10_000, ways) == "fast"
    assert taken == ["fast"]


def test_a_route_slower_than_torch_is_not_taken(line):
    assert fastest(line, 1_000, [lambda *given: [route(60.0, [], "slow", [])]]) is None


def test_a_library_that_is_kept_costs_nothing(nothing_kept):
    made = Candidate(source(1))
    assert made.seconds > 0
    assert made.library().answer() == 1
    assert made.seconds == 0
    assert Candidate(source(1)).seconds == 0  # another process finds it on disk
    assert Candidate(source(2)).seconds > 0


def test_a_library_is_made_once_it_would_have_paid_for_itself(nothing_kept, line, monkeypatch):
    monkeypatch.setattr(libraries, "_taken", [1.0])
    monkeypatch.setattr(module, "torch_seconds", lambda program, sizes: 0.3)
    one, taken = Candidate(source(3)), []
    outcomes = [fastest(line, 1, [lambda *given: [route(0.04, [one], "native", taken)]]) for _ in range(5)]
    assert outcomes == [None, None, None, "native", "native"]  # 0.26 s are missed at a time


def test_what_would_have_been_saved_is_credited_once(nothing_kept, line, monkeypatch):
    """A library that several routes share is missed as much as its best route, and the libraries of a route share what it saves."""
    monkeypatch.setattr(libraries, "_taken", [100.0])
    monkeypatch.setattr(module, "torch_seconds", lambda program, sizes: 1.0)
    shared, own, slow = (Candidate(source(number)) for number in (5, 6, 7))
    routes = [route(0.5, [shared], "torch", []), route(0.25, [shared, own], "C", []), route(2.0, [slow], "slow", [])]
    for times in (1, 2):
        assert fastest(line, 1, [lambda *given: routes]) is None
        assert [one.missed for one in (shared, own, slow)] == [times * 0.5, times * 0.375, 0.0]


def test_without_a_compiler_torch_walks_and_does_not_ask_again(line):
    calls = []

    def make():
        calls.append(1)
        raise NoCompiler("no C compiler is found")

    one = Candidate(source(4))
    assert fastest(line, 100_000, [lambda *given: [Route(1e-3, [one], make)]]) is None
    assert calls == [1]


def test_a_source_that_does_not_compile_never_pays(nothing_kept):
    broken = Candidate("int broken(")
    with pytest.raises(NoCompiler):
        broken.library()
    broken.missed += 1e6
    assert broken.seconds == float("inf")


def test_quadratics_on_much_data_go_by_statistics_and_tiny_ones_by_the_loop(line):
    def first(objective, steps):
        found = [(one.seconds, way.__name__) for way in (native_routes, quadratic_routes) for one in way(objective, steps)]
        return min(found)[1]

    many = prepared(formula("mean((X*w - y).^2)", given="X[N,d], w[d], y[N]"), {"w": [0.0] * 5}, _data(20_000, 5), "cpu", None)
    assert first(many, 1_000) == "quadratic_routes"
    assert first(line, 100_000) == "native_routes"
    assert first(many, 1) == "native_routes"


def _data(rows, columns):
    import torch

    made = torch.Generator().manual_seed(0)
    return {
        "X": torch.randn(rows, columns, generator=made, dtype=torch.float64),
        "y": torch.randn(rows, generator=made, dtype=torch.float64),
    }
