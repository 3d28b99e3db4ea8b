"""Whole fits to the minimum: the problems, and how symgd, scipy and lmfit are asked.

Every one is asked for all the digits there are. The reference is Gauss and Newton's iteration with the Jacobian by hand. A fit is
right where its sum of squares is the smallest to 1e-8, and the parameters agree to 1e-6: differences of finite steps give no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgd.bench.problems import Call

_MISRA = (
    [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0],
    [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78],
)
_DIGITS = 1e-15  # the tolerances asked for


@dataclass(frozen=True, slots=True)
class Fit:
    """A model of x with its Jacobian, `start` and a point near the minimum; the loss is the mean of squares."""

    name: str
    title: str
    formula: str
    given: str
    data: Callable[[], tuple[Any, Any]]
    start: dict[str, float]
    near: tuple[float, ...]
    model: Callable[..., Any]
    jacobian: Callable[..., Any]


def _misra(x: Any, a: float, b: float) -> Any:
    return a * (1 - np.exp(-b * x))


def _misra_slopes(x: Any, a: float, b: float) -> Any:
    e = np.exp(-b * x)
    return np.stack([1 - e, a * x * e], axis=1)


def _decay(x: Any, a: float, b: float, c: float) -> Any:
    return a * np.exp(-b * x) + c


def _decay_slopes(x: Any, a: float, b: float, c: float) -> Any:
    e = np.exp(-b * x)
    return np.stack([e, -a * x * e, np.ones_like(x)], axis=1)


def _decay_data() -> tuple[Any, Any]:
    random = np.random.default_rng(1)
    x = random.uniform(0, 5, 1_000)
    return x, 2.5 * np.exp(-1.3 * x) + 0.5 + 0.1 * random.standard_normal(1_000)


FITS: dict[str, Fit] = {
    row.name: row
    for row in (
        Fit(
            "misra",
            "Misra1a of NIST, 14 points",
            "mean((a.*(1 - exp(-b.*x)) - y).^2)",
            "x[n], y[n]",
            lambda: (np.array(_MISRA[0]), np.array(_MISRA[1])),
            {"a": 500.0, "b": 0.0001},
            (239.0, 0.00055),
            _misra,
            _misra_slopes,
        ),
        Fit(
            "decay",
            "an exponential, 1,000 points",
            "mean((a*exp(-b*x) + c - y).^2)",
            "x[n], y[n]",
            _decay_data,
            {"a": 1.0, "b": 1.0, "c": 0.0},
            (2.5, 1.3, 0.5),
            _decay,
            _decay_slopes,
        ),
    )
}


def squares(fit: Fit, p: Sequence[Any]) -> float:
    """The sum of squares there."""
    x, y = fit.data()
    return float(((fit.model(x, *map(float, p)) - y) ** 2).sum())


def reference(fit: Fit) -> list[Any]:
    """The parameters at the minimum."""
    x, y = fit.data()
    p = np.array(fit.near)
    for _ in range(100):
        p = p + np.linalg.lstsq(fit.jacobian(x, *p), y - fit.model(x, *p), rcond=None)[0]
    return list(p)


def ours(fit: Fit) -> Call:
    import symgd

    x, y = fit.data()
    f = symgd.formula(fit.formula, given=fit.given)

    def call() -> Sequence[Any]:
        found = symgd.descend(f, start=fit.start, data={"x": x, "y": y})
        return [found.parameters[name] for name in fit.start]

    return Call(call)


def _squares(fit: Fit, by_hand: bool) -> Call:
    from scipy.optimize import least_squares

    x, y = fit.data()
    start = list(fit.start.values())
    more = {"jac": lambda p: fit.jacobian(x, *p)} if by_hand else {}

    def call() -> Sequence[Any]:
        asked = {"method": "lm", "x_scale": "jac", "ftol": _DIGITS, "xtol": _DIGITS, "gtol": _DIGITS}
        return list(least_squares(lambda p: fit.model(x, *p) - y, start, **asked, **more).x)

    return Call(call)


def scipy(fit: Fit) -> Call:
    return _squares(fit, by_hand=False)


def scipy_by_hand(fit: Fit) -> Call:
    return _squares(fit, by_hand=True)


def lmfit(fit: Fit) -> Call:
    import lmfit as package

    x, y = fit.data()
    model = package.Model(fit.model)

    def call() -> Sequence[Any]:
        found = model.fit(y, x=x, **fit.start, fit_kws={"ftol": _DIGITS, "xtol": _DIGITS, "gtol": _DIGITS})
        return [found.best_values[name] for name in fit.start]

    return Call(call)
