"""Functions of one float, by the names that the templates of kernels use: the `s_…` of programs in plain Python.

They raise what Python's `math` raises (OverflowError, ValueError, ZeroDivisionError) where torch answers inf or nan; the caller
then takes torch's answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable

FAULTS = (OverflowError, ValueError, ZeroDivisionError)


def _maximum(x: float, y: float) -> float:
    return x if x > y or x != x else y


def _minimum(x: float, y: float) -> float:
    return x if x < y or x != x else y


def _sign(x: float) -> float:
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else 0.0  # of nan too, as in torch


def _sigmoid(x: float) -> float:
    small = math.exp(-abs(x))
    return (1.0 if x >= 0.0 else small) / (1.0 + small)


def _softplus(x: float) -> float:
    return (0.0 if x <= 0.0 else x) + math.log1p(math.exp(-abs(x)))


def _sech2(x: float) -> float:
    small = math.exp(-2.0 * abs(x))
    return 4.0 * small / ((1.0 + small) * (1.0 + small))


def _logcosh(x: float) -> float:
    size = abs(x)
    if size < 1.0:
        near = math.sinh(0.5 * size)
        return math.log1p(2.0 * near * near)
    return size + (math.log1p(math.exp(-2.0 * size)) - 0.6931471805599453)


def _power(x: float, exponent: float, lost: float) -> float:
    rough = math.pow(x, exponent)
    return rough + rough * (lost * math.log(x)) if rough else rough


_SAME = "exp log log10 log2 log1p expm1 sqrt sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc hypot pow lgamma"

FUNCTIONS: dict[str, Callable[..., float]] = {
    **{name: getattr(math, name) for name in _SAME.split()},
    "abs": abs,
    "relu": lambda x: 0.0 if x <= 0.0 else x,
    "sign": _sign,
    "floor": lambda x: float(math.floor(x)),
    "maximum": _maximum,
    "minimum": _minimum,
    "clamp": lambda x, low, high: _minimum(_maximum(x, low), high),
    "where": lambda condition, yes, no: yes if condition != 0.0 else no,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "sech2": _sech2,
    "logcosh": _logcosh,
    "hypotm1": lambda x: x * (x / (1.0 + math.hypot(x, 1.0))),
    "power": _power,
}
NAMES = {"INFINITY": math.inf, **{f"s_{name}": function for name, function in FUNCTIONS.items()}}
