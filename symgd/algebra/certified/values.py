"""Values given for variables, as arrays of exact numbers, and the sizes of dimensions that they show.

A float is the double it is, a decimal text means what it says, an mpmath number is its binary value; nothing is rounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from numbers import Integral, Rational
from typing import Any

import mpmath
import numpy as np
from flint import arb, fmpq

from symgd.algebra.certified.contraction import Array, filled
from symgd.algebra.dimension import Dimension, shape_text
from symgd.algebra.expression import Leaf
from symgd.errors import ShapeError, ValueGivenError

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,5})?\Z|[+-]?\d+/0*[1-9]\d*\Z", re.IGNORECASE)
_LARGEST_EXPONENT = 100_000  # of a binary number that is still written as a fraction


def given_arrays(leaves: Sequence[Leaf], values: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[dict[Leaf, Array], dict[str, int]]:
    """The array of every leaf and the sizes by name. Raises `ValueGivenError` where a value is missing or no number,
    `ShapeError` where it has not the shape of its leaf."""
    found = {node: _array(node.name, _value(node, values)) for node in leaves}
    known = dict(sizes)
    for node, data in found.items():
        if data.ndim != node.rank:
            raise ShapeError(f"{node.name} is {shape_text(node.shape)}, the value given has {_counted(data.ndim)}.")
        for dimension, length in zip(node.shape, data.shape):
            if dimension.terms and dimension == Dimension.of(dimension.names[0] if dimension.names else 0):
                known.setdefault(dimension.names[0], length)
    for node, data in found.items():
        for axis, (dimension, length) in enumerate(zip(node.shape, data.shape)):
            if all(name in known for name in dimension.names) and dimension.evaluate(known) != length:
                where = "entries" if data.ndim == 1 else ("rows", "columns")[axis] if data.ndim == 2 else f"entries along axis {axis + 1}"
                raise ShapeError(f"{node.name} has {length} {where}, {dimension} is {dimension.evaluate(known)}.")
    return found, known


def _value(node: Leaf, values: Mapping[str, Any]) -> Any:
    if node.name not in values:
        raise ValueGivenError(f"no value is given for {node.name}.", hint=f"Give {node.name} {shape_text(node.shape)}.")
    return values[node.name]


def _counted(rank: int) -> str:
    return "no axes: it is a number" if rank == 0 else f"{rank} axis" if rank == 1 else f"{rank} axes"


def _array(name: str, value: Any) -> Array:
    """Nested lists, arrays and tensors (by their `tolist`) as an object array of exact numbers."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        return filled(number(name, value), ())
    rows = [_array(name, item) for item in value]
    if not rows:
        raise ShapeError(f"the value given for {name} is empty.")
    if len({row.shape for row in rows}) > 1:
        raise ShapeError(f"the rows given for {name} have different lengths.")
    return np.stack(rows)


def number(name: str, value: Any) -> Any:
    """One number: `fmpq`, or `arb` where it is given as a ball or is out of the range where a fraction makes sense."""
    if isinstance(value, (fmpq, arb)):
        return value
    if isinstance(value, Integral):
        return fmpq(int(value))
    if isinstance(value, Rational):
        return fmpq(int(value.numerator), int(value.denominator))
    if isinstance(value, str) and len(value) < 10_000 and _DECIMAL.match(value.strip()):
        fraction = Fraction(value.strip())
        return fmpq(fraction.numerator, fraction.denominator)
    if isinstance(value, mpmath.mpf):
        return _binary(name, value)
    if hasattr(value, "p") and hasattr(value, "q"):  # a SymPy rational
        return fmpq(int(value.p), int(value.q))
    if isinstance(value, float):
        try:
            numerator, denominator = value.as_integer_ratio()
        except (OverflowError, ValueError):
            raise ValueGivenError(f"the value {value} given for {name} is not finite.") from None
        return fmpq(numerator, denominator)
    raise ValueGivenError(f"{value!r}, given for {name}, is no real number.")


def _binary(name: str, value: mpmath.mpf) -> Any:
    if not mpmath.isfinite(value):
        raise ValueGivenError(f"the value {value} given for {name} is not finite.")
    sign, mantissa, exponent, _ = value._mpf_  # man_exp has no sign
    mantissa = -mantissa if sign else mantissa
    if abs(exponent) > _LARGEST_EXPONENT:
        return arb((mantissa, exponent))
    return fmpq(mantissa) * fmpq(2) ** exponent
