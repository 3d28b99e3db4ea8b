"""Numbers known before any array is read: a rational × powers of dimensions × powers of π and e.

They are Python numbers in a generated program, never tensors, so that `x / n` is one operation with one rounding and the
precision of the program is applied only where they meet a tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import mpmath

from symgd.algebra.dimension import Dimension
from symgd.errors import LoweringError

_Base = TypeVar("_Base")
_DIGITS = 40  # to which constants with π and e are computed before they are rounded to a double


@dataclass(frozen=True, slots=True)
class Number:
    """`value` × Π dimension^power × Π constant^power. `dimensions` and `constants` are sorted and hold no power 0."""

    value: Fraction
    dimensions: tuple[tuple[Dimension, int], ...] = ()
    constants: tuple[tuple[str, int], ...] = ()

    @property
    def is_one(self) -> bool:
        return self.value == 1 and self.is_rational

    @property
    def is_rational(self) -> bool:
        return not self.dimensions and not self.constants

    @property
    def is_invertible(self) -> bool:
        """Is it surely not 0? A dimension such as n − 1 may be 0; dividing by it is left to tensors, where it gives an infinity."""
        return bool(self.value) and self.is_safe and all(power < 0 or length.at_least(1) is True for length, power in self.dimensions)

    @property
    def is_safe(self) -> bool:
        """Is no dimension below the line that may be 0?"""
        return all(power > 0 or length.at_least(1) is True for length, power in self.dimensions)

    def __mul__(self, other: Number) -> Number:
        return Number(
            self.value * other.value,
            tuple(sorted(_added(self.dimensions, other.dimensions).items(), key=lambda item: item[0].terms)),
            tuple(sorted(_added(self.constants, other.constants).items())),
        )

    def __pow__(self, exponent: int) -> Number:
        if exponent == 0:
            return ONE
        powers = tuple((base, power * exponent) for base, power in self.dimensions)
        return Number(self.value**exponent, powers, tuple((name, power * exponent) for name, power in self.constants))

    @property
    def names(self) -> tuple[str, ...]:
        """The dimension names it depends on."""
        return tuple(dict.fromkeys(name for dimension, _ in self.dimensions for name in dimension.names))

    def factor(self) -> float:
        """value × constants, correctly rounded. Raises `LoweringError` where that is beyond the range of a double."""
        if not self.constants:
            return double(self.value)
        with mpmath.workdps(_DIGITS):
            product = mpmath.mpf(self.value.numerator) / self.value.denominator
            for name, power in self.constants:
                product *= mpmath.mpf({"pi": mpmath.pi, "e": mpmath.e}[name]) ** power
            return double(Fraction(*_ratio(product)))

    def evaluate(self, sizes: Mapping[str, int]) -> float:
        """The number for these sizes. Raises `ZeroDivisionError` where a dimension below the line is 0."""
        exact = Fraction(1)
        for dimension, power in self.dimensions:
            exact *= Fraction(dimension.evaluate(sizes)) ** power
        return Number(self.value * exact, (), self.constants).factor()

    def __str__(self) -> str:
        parts = [str(self.value)] if self.value != 1 or self.is_rational else []
        parts += [f"({base})" + (f"^{power}" if power != 1 else "") for base, power in self.dimensions]
        parts += [name + (f"^{power}" if power != 1 else "") for name, power in self.constants]
        return "·".join(parts)


ONE = Number(Fraction(1))


def double(value: Fraction) -> float:
    """The nearest double. Raises `LoweringError` beyond its range: an infinity in a program would be a silent error."""
    try:
        return value.numerator / value.denominator
    except OverflowError:
        shown = mpmath.nstr(mpmath.mpf(value.numerator) / value.denominator, 3)
        reason = f"the number {shown} is beyond the range of floating point, about 1.8e308."
        raise LoweringError(reason, hint="Evaluate with digits=50, which has no such limit, or rescale the formula.") from None


def _ratio(number: mpmath.mpf) -> tuple[int, int]:
    sign, mantissa, exponent, _ = number._mpf_
    mantissa = -int(mantissa) if sign else int(mantissa)
    return (mantissa << exponent, 1) if exponent >= 0 else (mantissa, 1 << -exponent)


def _added(left: tuple[tuple[_Base, int], ...], right: tuple[tuple[_Base, int], ...]) -> dict[_Base, int]:
    found = dict(left)
    for base, power in right:
        found[base] = found.get(base, 0) + power
    return {base: power for base, power in found.items() if power}
