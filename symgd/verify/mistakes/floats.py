"""Numbers as complex floats, many at once.

Thousands of changes are looked at here first; only those that may be right are computed with balls. Principal values, as in `numbers`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from flint import acb, arb

from symgd.algebra.certified import working_precision
from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.table import POWER
from symgd.verify.mistakes import numbers
from symgd.verify.mistakes.numbers import Arithmetic, Dual

Floats = npt.NDArray[np.complex128]
TOLERANCE = 1e-6  # relative: what is farther off is not what is wanted, whatever the rounding
_BITS = 64  # of functions that numpy does not have


def _continuous(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function with its cut right of 1 taken from below, as DLMF 4.23 does; numpy follows the sign of the imaginary zero."""
    return lambda z: function(np.where((z.imag == 0) & (z.real > 0), np.conj(z), z))


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "cot": lambda z: 1 / np.tan(z),
    "sec": lambda z: 1 / np.cos(z),
    "csc": lambda z: 1 / np.sin(z),
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "coth": lambda z: 1 / np.tanh(z),
    "sech": lambda z: 1 / np.cosh(z),
    "csch": lambda z: 1 / np.sinh(z),
    "asin": _continuous(np.arcsin),
    "acos": _continuous(np.arccos),
    "atan": np.arctan,
    "acot": lambda z: np.arctan(1 / z + 0),
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": _continuous(np.arctanh),
    "acoth": lambda z: _continuous(np.arctanh)(1 / z + 0),
}


def as_floats(values: Sequence[Any]) -> Floats:
    return np.array([complex(acb(value)) for value in values], dtype=np.complex128)


def as_dual(duals: Sequence[Dual]) -> Dual:
    """Many numbers with their slopes as one pair of arrays."""
    return Dual(as_floats([own.value for own in duals]), as_floats([own.slope for own in duals]))


def power(base: Dual, exponent: Any) -> Dual:
    value = np.asarray(base.value, np.complex128)
    return Dual(np.power(value, exponent), exponent * np.power(value, exponent - 1) * base.slope)


def may_be_near(found: Any, wanted: Any) -> npt.NDArray[np.bool_]:
    """Equal as far as floats tell; what overflows may be."""
    return np.asarray(~(abs(found - wanted) > TOLERANCE * (abs(found) + abs(wanted))))


def _apply(row: Elementwise, *arguments: Any) -> Any:
    if row is POWER:
        return np.power(*[np.asarray(argument, np.complex128) + 0 for argument in arguments])
    if row.name in FUNCTIONS:
        return FUNCTIONS[row.name](np.asarray(arguments[0], np.complex128) + 0)  # + 0: on a cut, above it
    with working_precision(_BITS):
        broad = np.broadcast_arrays(*arguments)
        found = [numbers.apply(row, *map(_ball, own)) for own in zip(*(array.flat for array in broad))]
        return as_floats(found).reshape(broad[0].shape)


def _ball(number: complex) -> Any:
    return acb(number.real, number.imag) if number.imag else arb(number.real)


def _product(factor: Any, slope: Any) -> Any:
    return np.where(slope == 0, 0, factor * slope)


FLOATS = Arithmetic(complex, {"pi": lambda: complex(np.pi), "e": lambda: complex(np.e)}, _apply, _product)
