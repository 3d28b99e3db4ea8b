"""The value of a claim's two sides at a point, from its text: independent of symgd, by Python's own reading and mpmath.

The text is turned into Python (`^` is `**`, `'` is `.T`, `.*` is `*_times*`, which binds as it does) and run on arrays of mpmath
numbers. Derivatives are central differences of step 10^-27 in 90 digits, so that some 40 digits of a second derivative are right. A
function outside its real domain has its principal value, and a side that is not real in the end is no number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from random import Random
from typing import Any

import numpy as np
from mpmath import mp, mpf

DIGITS = 90
MANY_DIGITS = 300  # for a second look
LARGEST = mpf(10) ** 12  # where a function or a side is larger, too many digits may be lost

Point = dict[str, Any]


class NotComparable(Exception):
    """No value here: not real, not finite, too large, or shapes that do not fit."""


class Array:
    """A vector (one axis), a row or a matrix; `*` is the matrix product."""

    __array_priority__ = 100

    def __init__(self, entries: np.ndarray, row: bool = False) -> None:
        self.entries, self.row = entries, row

    @property
    def T(self) -> Array:  # noqa: N802
        if self.row:
            return Array(self.entries[0])
        return Array(self.entries[None, :], True) if self.entries.ndim == 1 else Array(self.entries.T)

    def __add__(self, other: Any) -> Array:
        return Array(self.entries + _fitting(self, other), self.row)

    __radd__ = __add__

    def __neg__(self) -> Array:
        return Array(-self.entries, self.row)

    def __sub__(self, other: Any) -> Array:
        return Array(self.entries - _fitting(self, other), self.row)

    def __rsub__(self, other: Any) -> Array:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, _Entrywise):
            return other.__rmul__(self)
        if not isinstance(other, Array):
            return Array(self.entries * other, self.row)
        one, two = self.entries, other.entries
        if one.ndim == 1 and other.row:
            return Array(one[:, None] * two)
        if one.ndim != 2 or one.shape[1] != two.shape[0]:
            raise NotComparable
        product = one.dot(two)
        if self.row and two.ndim == 1:
            return product[0]
        return Array(product, self.row)

    def __rmul__(self, other: Any) -> Array:
        return Array(self.entries * other, self.row)

    def __truediv__(self, other: Any) -> Array:
        return Array(self.entries / (_fitting(self, other) if isinstance(other, Array) else other), self.row)

    def __rtruediv__(self, other: Any) -> Array:
        return Array(other / self.entries, self.row)

    def __pow__(self, exponent: Any) -> Array:
        if self.entries.ndim == 1:
            return Array(_each(lambda entry: entry**exponent, self.entries))
        if self.entries.shape[0] != self.entries.shape[1]:
            raise NotComparable
        found = np.array(mp.eye(len(self.entries)).tolist(), dtype=object)
        for _ in range(int(exponent)):
            found = found.dot(self.entries)
        return Array(found)

    def __getitem__(self, at: Any) -> Any:
        places = at if isinstance(at, tuple) else (at,)
        if len(places) != self.entries.ndim or any(not 1 <= k <= n for k, n in zip(places, self.entries.shape)):
            raise NotComparable
        return self.entries[tuple(int(k) - 1 for k in places)]


class _Entrywise:
    """`x*_times*y` and `x*_over*y`: a product and a quotient entry by entry, read from left to right like `*`."""

    def __init__(self, is_quotient: bool, left: Any = None) -> None:
        self.is_quotient, self.left = is_quotient, left

    def __rmul__(self, left: Any) -> _Entrywise:
        return _Entrywise(self.is_quotient, left)

    def __mul__(self, right: Any) -> Any:
        if self.is_quotient:
            return self.left / right
        if isinstance(self.left, Array) and isinstance(right, Array):
            return Array(self.left.entries * _fitting(self.left, right), self.left.row)
        return self.left * right


def _fitting(one: Array, other: Any) -> Any:
    if not isinstance(other, Array):
        if one.entries.ndim == 2 and not one.row:
            raise NotComparable
        return other
    if one.entries.shape != other.entries.shape or one.row != other.row:
        raise NotComparable
    return other.entries


def _each(function: Callable[[Any], Any], entries: np.ndarray) -> np.ndarray:
    found = np.empty(entries.shape, dtype=object)
    for at in np.ndindex(*entries.shape):
        found[at] = function(entries[at])
    return found


def _entrywise(function: Callable[..., Any]) -> Callable[..., Any]:
    def one(argument: Any) -> Any:
        found = function(argument)
        if not abs(found) < LARGEST:
            raise NotComparable
        return found

    def apply(argument: Any) -> Any:
        return Array(_each(one, argument.entries), argument.row) if isinstance(argument, Array) else one(argument)

    return apply


def _matrix(value: Array) -> Any:
    if value.entries.ndim != 2 or value.entries.shape[0] != value.entries.shape[1]:
        raise NotComparable
    return mp.matrix(value.entries.tolist())


def _inverse(value: Array) -> Array:
    try:
        return Array(np.array((_matrix(value) ** -1).tolist(), dtype=object))
    except ZeroDivisionError:
        raise NotComparable from None


def _sum(value: Array, axis: int | None = None) -> Any:
    return value.entries.sum() if axis is None else Array(value.entries.sum(axis=int(axis) - 1))


def _lse(value: Array) -> Any:
    return mp.log(sum(mp.exp(entry) for entry in value.entries.flat))


def _diag(value: Array) -> Array:
    return Array(np.diag(value.entries) if value.entries.ndim == 2 else np.where(np.eye(len(value.entries)) > 0, value.entries, mpf(0)))


def _kron(one: Array, two: Array) -> Array:
    return Array(np.kron(one.entries, two.entries))


def _softplus(x: Any) -> Any:
    return mp.log(1 + mp.exp(x))


def _real(x: Any) -> Any:
    if isinstance(x, mp.mpc) and x.imag != 0:
        raise NotComparable
    return x.real if isinstance(x, mp.mpc) else x


_SAME = (
    *("exp", "log", "sqrt", "sin", "cos", "tan", "sec", "csc", "cot", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh"),
    *("atanh", "erf", "erfc", "gamma", "loggamma", "digamma", "factorial", "floor"),
)
ENTRYWISE: dict[str, Callable[..., Any]] = {
    **{name: getattr(mp, name) for name in _SAME},
    "log10": lambda x: mp.log(x) / mp.log(10),
    "log2": lambda x: mp.log(x) / mp.log(2),
    "log1p": lambda x: mp.log(1 + x),
    "expm1": lambda x: mp.exp(x) - 1,
    "abs": abs,
    "sign": lambda x: mpf((_real(x) > 0) - (_real(x) < 0)),
    "relu": lambda x: max(_real(x), mpf(0)),
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": _softplus,
}
OTHERS: dict[str, Any] = {
    "max": lambda x, y: max(_real(x), _real(y)),
    "min": lambda x, y: min(_real(x), _real(y)),
    "atan2": lambda y, x: mp.atan2(_real(y), _real(x)),
    "sum": _sum,
    "mean": lambda value: value.entries.sum() / value.entries.size,
    "tr": lambda value: sum(_matrix(value)[k, k] for k in range(len(value.entries))),
    "det": lambda value: mp.det(_matrix(value)),
    "logdet": lambda value: mp.log(mp.det(_matrix(value))),
    "inv": _inverse,
    "norm2": lambda value: mp.sqrt(sum(entry**2 for entry in value.entries.flat)),
    "normF": lambda value: mp.sqrt(sum(entry**2 for entry in value.entries.flat)),
    "lse": _lse,
    "softmax": lambda value: Array(_each(lambda entry: mp.exp(entry - _lse(value)), value.entries)),
    "diag": _diag,
    "vec": lambda value: Array(value.entries.flatten("F")),
    "kron": _kron,
    "eye": lambda n: Array(np.array(mp.eye(int(n)).tolist(), dtype=object)),
    "ones": lambda *shape: Array(np.full([int(n) for n in shape], mpf(1), dtype=object)),
    "zeros": lambda *shape: Array(np.full([int(n) for n in shape], mpf(0), dtype=object)),
}


class _Evaluation:
    """Runs one text at one point; derivatives move the point."""

    def __init__(self, point: Mapping[str, Any]) -> None:
        self.names: dict[str, Any] = {name: _entrywise(function) for name, function in ENTRYWISE.items()}
        self.names |= {
            **OTHERS,
            "pi": +mp.pi,
            "_times": _Entrywise(False),
            "_over": _Entrywise(True),
            "_number": mpf,
            "_sum": self.index_sum,
            "_moved": self.moved,
            "_grad": self.grad,
        }
        self.names |= {"_jac": self.jac, "_hess": self.hess, "__builtins__": {}, **point}

    def run(self, text: str) -> Any:
        return eval(python_of(text), self.names)

    def index_sum(self, term: Callable[[int], Any], first: Any, last: Any) -> Any:
        return sum((term(k) for k in range(int(first), int(last) + 1)), mpf(0))

    def moved(self, function: Callable[[], Any], name: str, along: Any) -> Any:
        """d/dt at t = 0 with `name` moved by t along a direction."""
        kept = self.names[name]
        values = []
        step = mpf(10) ** (-3 * mp.dps // 10)
        for sign in (1, -1):
            self.names[name] = kept + along * (sign * step)
            values.append(function())
        self.names[name] = kept
        return (values[0] - values[1]) / (2 * step)

    def _units(self, name: str) -> list[tuple[Any, Any]]:
        value = self.names[name]
        if not isinstance(value, Array):
            return [((), mpf(1))]
        found = []
        for at in np.ndindex(*value.entries.shape):
            unit = np.full(value.entries.shape, mpf(0), dtype=object)
            unit[at] = mpf(1)
            found.append((at, Array(unit)))
        return found

    def grad(self, function: Callable[[], Any], name: str) -> Any:
        found = np.empty(getattr(self.names[name], "entries", np.empty(())).shape, dtype=object)
        for at, unit in self._units(name):
            found[at] = self.moved(function, name, unit)
        return Array(found) if found.ndim else found[()]

    def jac(self, function: Callable[[], Any], name: str) -> Array:
        return Array(np.stack([self.moved(function, name, unit).entries for _, unit in self._units(name)], axis=1))

    def hess(self, function: Callable[[], Any], name: str) -> Array:
        return self.jac(lambda: self.grad(function, name), name)


def _inside(text: str, start: int) -> tuple[list[str], int]:
    """The arguments of the call whose '(' is at `start`, and where it ends."""
    depth, begin, found = 0, start + 1, []
    for k in range(start, len(text)):
        if text[k] in "([":
            depth += 1
        elif text[k] in ")]":
            depth -= 1
            if not depth:
                return [*found, text[begin:k].strip()], k + 1
        elif text[k] == "," and depth == 1:
            found.append(text[begin:k].strip())
            begin = k + 1
    raise ValueError(text)


def python_of(text: str) -> str:
    """The text as a Python expression."""
    text = text.replace("'", ".T").replace(".*", "*_times*").replace("./", "*_over*").replace(".^", "**").replace("^", "**")
    text = re.sub(r"(?<![\w.])(\d+(?:\.\d+)?)(?![\w.]*\])", r"_number('\1')", text)
    return _calls(text)


def _calls(text: str) -> str:
    out, k = "", 0
    while True:
        found = re.compile(r"\b(sum|diff|grad|hess|jac|D)\(").search(text, k)
        if not found:
            return out + text[k:]
        (first, *more), end = _inside(text, found.end() - 1)
        head = found[1]
        out += text[k : found.start()]
        k = end
        binder = re.match(r"(\w+)\s*=\s*(.+)\.\.(.+)", first)
        if head == "sum" and binder:
            out += f"_sum(lambda {binder[1]}: {_calls(more[0])}, {binder[2]}, {binder[3]})"
        elif head == "sum":
            out += f"sum({', '.join([_calls(first), *more])})"
        elif head == "D":
            out += f'_moved(lambda: {_calls(first)}, "{more[0]}", {_calls(more[1])})'
        else:
            out += f'_{"grad" if head == "diff" else head}(lambda: {_calls(first)}, "{more[0]}")'


def value(text: str, point: Mapping[str, Any]) -> list[Any]:
    """The entries of the value as real numbers, with the shape first. Raises `NotComparable` where there is none."""
    try:
        found = _Evaluation(point).run(text)
    except (ArithmeticError, LookupError, ValueError, TypeError, AttributeError, SyntaxError):
        raise NotComparable from None
    entries = found.entries if isinstance(found, Array) else np.array(found, dtype=object)
    flat = [_real(entry) for entry in entries.flat]
    if not all(mp.isfinite(entry) and abs(entry) < LARGEST for entry in flat):
        raise NotComparable
    return [(entries.shape, isinstance(found, Array) and found.row), *flat]


def relative_gap(left: str, right: str, point: Mapping[str, Any], digits: int = DIGITS) -> Any:
    """The largest difference of two entries, relative to the largest entry. Raises `NotComparable`."""
    with mp.workdps(digits):
        (one, *a), (two, *b) = value(left, point), value(right, point)
        if one != two:
            raise NotComparable
        return max(abs(x - y) for x, y in zip(a, b)) / max([mpf(1), *map(abs, a), *map(abs, b)])


# ---- points ----------------------------------------------------------------------------------------------------------


def point_of(random: Random) -> Point:
    """Values for every name of `random_pairs.DECLARED`."""
    with mp.workdps(DIGITS):
        n, m = random.choice(((2, 3), (3, 2)))
        scale = random.choice((Fraction(1), Fraction(1), Fraction(1), Fraction(3), Fraction(1, 4)))

        def number(low: int = -97) -> Any:
            chosen = Fraction(random.randrange(low, 98) or 1, 61) * scale
            return mpf(chosen.numerator) / chosen.denominator

        def array(*shape: int, low: int = -97) -> Array:
            found = np.empty(shape, dtype=object)
            for at in np.ndindex(*shape):
                found[at] = number(low)
            return Array(found)

        low = array(n, n)
        weights = array(n, low=1).entries
        reflections = [array(n).entries for _ in range(random.choice((1, 2)))]
        signs = np.array([mpf(random.choice((-1, 1))) for _ in range(m)], dtype=object)
        eye = OTHERS["eye"](n)
        return {
            **{name: number() for name in "xz"},
            **{name: number(1) for name in "st"},
            "r": mpf(random.randrange(1, 97)) / 97,
            **{name: array(n) for name in "uvy"},
            **{name: array(m) for name in "wb"},
            "p": array(n, low=1),
            "q": Array(weights / weights.sum()),
            "c": Array(signs),
            **{name: array(m, n) for name in "AHW"},
            "B": array(n, m),
            **{name: array(n, n) for name in "CFX"},
            "G": array(m, m),
            "S": low + low.T,
            "P": low * low.T + eye,
            "Q": reduce(lambda q, v: q * (eye - Array(2 * np.outer(v, v) / v.dot(v))), reflections, eye),
            "n": n,
            "m": m,
        }
