"""The losses that are measured: one row each.

A loss is written twice: as a formula for symgd, and as `loss(m, p, d)` for all peers, where `m` has a peer's functions under common
names (see `names`), and `p` and `d` are the parameters and the data by name. `closed(p, d)` is what one writes by hand in numpy: the
value, then the gradient by each parameter. `kernel` and `descent` are loops for numba, where one writes such.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgd.bench import kernels

Arrays = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """See the module. `values()` are the start and the data; a descent takes `steps` steps of `rate`."""

    name: str
    title: str
    formula: str
    given: str
    values: Callable[[], tuple[Arrays, Arrays]]
    loss: Callable[[Any, Any, Any], Any]
    closed: Callable[[Any, Any], Sequence[Any]]
    kernel: Callable[..., Any] | None = None
    descent: Callable[..., Any] | None = None
    rate: float = 0.0
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """What is timed, as a package has it, and `numbers`, which takes value and gradients out of its result."""

    call: Callable[[], Any]
    numbers: Callable[[Any], Sequence[Any]] = list

    def result(self) -> Sequence[Any]:
        return self.numbers(self.call())


Run = Callable[[int], Sequence[Any]]  # a descent of so many steps; the parameters at its end


@dataclass(frozen=True, slots=True)
class Case:
    """A problem with its values at hand."""

    problem: Problem
    parameters: Mapping[str, Any]
    data: Mapping[str, Any]

    @classmethod
    def of(cls, problem: Problem) -> Case:
        return cls(problem, *problem.values())

    @property
    def both(self) -> Arrays:
        return {**self.parameters, **self.data}


# ---- values ----------------------------------------------------------------------------------------------------------


def _line_values() -> tuple[Arrays, Arrays]:
    return {"w": 0.3}, {"x": [1.0, 2.0, 3.0], "y": [2.0, 4.1, 5.9]}


def _decay_values(n: int) -> tuple[Arrays, Arrays]:
    random = np.random.default_rng(1)
    x = random.uniform(0, 2, n)
    return {"a": 1.2, "b": 0.7, "c": 0.3}, {"x": x, "y": np.exp(-x) + 0.5 + 0.1 * random.standard_normal(n)}


def _rows(n: int, d: int) -> tuple[Any, Any, Any]:
    """Features, weights, and their products with noise."""
    random = np.random.default_rng(2)
    features, w = random.standard_normal((n, d)), random.standard_normal(d)
    return features, w, features @ w + random.standard_normal(n)


def _logistic_values(n: int, d: int) -> tuple[Arrays, Arrays]:
    features, w, z = _rows(n, d)
    return {"w": 0.1 * w}, {"X": features, "y": (z > 0).astype(float)}


def _squares_values(n: int, d: int) -> tuple[Arrays, Arrays]:
    features, _, z = _rows(n, d)
    return {"w": np.zeros(d)}, {"X": features, "y": z}


def _network_values(n: int, d: int, h: int) -> tuple[Arrays, Arrays]:
    random = np.random.default_rng(3)
    sizes = {"W1": (d, h), "W2": (h, h), "v": (h,)}
    features = random.standard_normal((n, d))
    return {name: 0.25 * random.standard_normal(size) for name, size in sizes.items()}, {"X": features, "y": np.sin(features.sum(1))}


def _factors(rows: int, columns: int, rank: int) -> tuple[Arrays, Arrays]:
    random = np.random.default_rng(4)
    target = random.standard_normal((rows, rank)) @ random.standard_normal((rank, columns))
    return {"U": 0.3 * random.standard_normal((rows, rank)), "V": 0.3 * random.standard_normal((columns, rank))}, {"M": target}


# ---- by hand ---------------------------------------------------------------------------------------------------------


def _line(p: Any, d: Any) -> Sequence[Any]:
    r = p["w"] * d["x"] - d["y"]
    return r @ r / len(r), 2 * (r @ d["x"]) / len(r)


def _rosenbrock(p: Any, d: Any) -> Sequence[Any]:
    u, q = 1 - p["a"], p["b"] - p["a"] ** 2
    return u * u + 100 * q * q, -2 * u - 400 * p["a"] * q, 200 * q


def _decay(p: Any, d: Any) -> Sequence[Any]:
    e = np.exp(-p["b"] * d["x"])
    r = p["a"] * e + p["c"] - d["y"]
    n = len(r)
    return r @ r / n, 2 * (r @ e) / n, -2 * p["a"] * ((r * e) @ d["x"]) / n, 2 * r.sum() / n


def _logistic(p: Any, d: Any) -> Sequence[Any]:
    z = d["X"] @ p["w"]
    t = np.exp(-np.abs(z))
    s = np.where(z > 0, 1.0, t) / (1 + t)
    return (np.log1p(t) + np.maximum(z, 0) - d["y"] * z).mean(), (s - d["y"]) @ d["X"] / len(z)


def _squares(p: Any, d: Any) -> Sequence[Any]:
    r = d["X"] @ p["w"] - d["y"]
    return r @ r / len(r), 2 * (r @ d["X"]) / len(r)


def _network(p: Any, d: Any) -> Sequence[Any]:
    first = np.tanh(d["X"] @ p["W1"])
    second = np.tanh(first @ p["W2"])
    r = second @ p["v"] - d["y"]
    s = r * (2 / len(r))
    down = np.outer(s, p["v"]) * (1 - second * second)
    lower = (down @ p["W2"].T) * (1 - first * first)
    return r @ r / len(r), d["X"].T @ lower, first.T @ down, s @ second


def _factorisation(p: Any, d: Any) -> Sequence[Any]:
    r = p["U"] @ p["V"].T - d["M"]
    return (r * r).sum(), 2 * (r @ p["V"]), 2 * (r.T @ p["U"])


# ---- for the peers ---------------------------------------------------------------------------------------------------


def _line_loss(m: Any, p: Any, d: Any) -> Any:
    return m.mean((p["w"] * d["x"] - d["y"]) ** 2)


def _rosenbrock_loss(m: Any, p: Any, d: Any) -> Any:
    return (1 - p["a"]) ** 2 + 100 * (p["b"] - p["a"] ** 2) ** 2


def _decay_loss(m: Any, p: Any, d: Any) -> Any:
    return m.mean((p["a"] * m.exp(-p["b"] * d["x"]) + p["c"] - d["y"]) ** 2)


def _logistic_loss(m: Any, p: Any, d: Any) -> Any:
    z = d["X"] @ p["w"]
    return m.mean(m.softplus(z) - d["y"] * z)


def _squares_loss(m: Any, p: Any, d: Any) -> Any:
    return m.mean((d["X"] @ p["w"] - d["y"]) ** 2)


def _network_loss(m: Any, p: Any, d: Any) -> Any:
    return m.mean((m.tanh(m.tanh(d["X"] @ p["W1"]) @ p["W2"]) @ p["v"] - d["y"]) ** 2)


def _factorisation_loss(m: Any, p: Any, d: Any) -> Any:
    return m.sum((d["M"] - p["U"] @ p["V"].T) ** 2)


# ---- the table -------------------------------------------------------------------------------------------------------


def _line_row() -> Problem:
    made = "mean((w*x - y).^2)", "w, x[N], y[N]", _line_values, _line_loss, _line, kernels.line, kernels.line_descent
    return Problem("line", "a line through 3 points", *made, rate=0.01, steps=100_000)


def _rosenbrock_row() -> Problem:
    def values() -> tuple[Arrays, Arrays]:
        return {"a": -1.2, "b": 1.0}, {}

    made = "(1-a)^2 + 100*(b-a^2)^2", "a, b", values, _rosenbrock_loss, _rosenbrock, kernels.rosenbrock, kernels.rosenbrock_descent
    return Problem("rosenbrock", "Rosenbrock's function", *made, rate=1e-3, steps=100_000)


def _decay_row(name: str, title: str, n: int, steps: int) -> Problem:
    formula, given = "mean((a*exp(-b*x) + c - y).^2)", "a, b, c, x[N], y[N]"
    made = formula, given, lambda: _decay_values(n), _decay_loss, _decay, kernels.decay, kernels.decay_descent
    return Problem(name, title, *made, rate=0.1, steps=steps)


def _logistic_row(name: str, n: int, d: int, steps: int) -> Problem:
    formula, given = "mean(softplus(X*w) - y.*(X*w))", "X[N,d], w[d], y[N]"
    made = formula, given, lambda: _logistic_values(n, d), _logistic_loss, _logistic, kernels.logistic, kernels.logistic_descent
    return Problem(name, f"logistic regression, {n:,} × {d}", *made, rate=0.5, steps=steps)


def _squares_row(name: str, n: int) -> Problem:
    formula, given = "mean((X*w - y).^2)", "X[N,d], w[d], y[N]"
    made = formula, given, lambda: _squares_values(n, 20), _squares_loss, _squares, None, kernels.squares_descent
    return Problem(name, f"least squares, {n:,} × 20", *made, rate=0.05, steps=1_000)


def _network_row() -> Problem:
    formula, given = "mean((tanh(tanh(X*W1)*W2)*v - y).^2)", "X[N,d], W1[d,h], W2[h,h], v[h], y[N]"
    return Problem(
        "network", "a network, 1,000 × 16-32-32-1", formula, given, lambda: _network_values(1_000, 16, 32), _network_loss, _network
    )


def _factorisation_row() -> Problem:
    formula, given = "normF(M - U*V')^2", "M[m,n], U[m,r], V[n,r]"
    title = "a factorisation, 1,000 × 800, rank 20"
    return Problem("factorisation", title, formula, given, lambda: _factors(1_000, 800, 20), _factorisation_loss, _factorisation)


PROBLEMS: dict[str, Problem] = {
    row.name: row
    for row in (
        _line_row(),
        _rosenbrock_row(),
        _decay_row("decay", "a fit, 1,000 points", 1_000, 10_000),
        _logistic_row("logistic", 10_000, 20, 1_000),
        _squares_row("squares", 10_000),
        _squares_row("squares_large", 1_000_000),
        _network_row(),
        _factorisation_row(),
        _logistic_row("logistic_large", 1_000_000, 50, 0),
        _decay_row("decay_large", "a fit, 10,000,000 points", 10_000_000, 0),
    )
}
