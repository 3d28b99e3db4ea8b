"""Numbers as balls, real ones where they are real, and what they are recognised as: equal ones, simple fractions, exponents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import acb, arb, fmpq

from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.table import POWER
from symgd.verify.complexes import FUNCTIONS

BITS = 160
CLOSE = 2.0**-90
STEP = Fraction(65, 64)  # how far a variable is moved to find its exponent
HIGHEST = 16  # exponents
ROOTS = 12  # denominators of exponents divide it
LONGEST = 50_000  # numerators and denominators of numbers


@dataclass(frozen=True, slots=True)
class Dual:
    """A value and its slope."""

    value: Any
    slope: Any

    def __add__(self, other: Dual) -> Dual:
        return Dual(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other: Dual) -> Dual:
        return Dual(self.value - other.value, self.slope - other.slope)

    def __mul__(self, other: Dual) -> Dual:
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def __truediv__(self, other: Dual) -> Dual:
        value = self.value / other.value
        return Dual(value, (self.slope - value * other.slope) / other.value)

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __pow__(self, power: Fraction) -> Dual:
        if (power.denominator != 1 and not is_positive(self.value)) or (power < 1 and self.value.contains(0)):
            return Dual(arb("nan"), arb("nan"))
        value = self.value ** (int(power) if power.denominator == 1 else ball(power))
        below = self.value ** (int(power) - 1 if power.denominator == 1 else ball(power - 1))
        return Dual(value, ball(power) * below * self.slope)


def dual(number: Fraction) -> Dual:
    return Dual(ball(number), arb(0))


def quotients(above: Sequence[Any], below: Sequence[Any]) -> list[Any]:
    return [arb("nan") if not usable(b) or b.contains(0) else a / b for a, b in zip(above, below)]


def near(a: Any, b: Any) -> bool:
    """Finite and equal."""
    return usable(a) and usable(b) and close(a, b)


def same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return all(map(near, one, other))


def usable(value: Any) -> bool:
    return bool(value.is_finite())


def close(a: Any, b: Any) -> bool:
    """Are two balls equal, as far as their digits tell? Balls too wide to tell are not."""
    size = float(abs(a).upper()) + float(abs(b).upper())
    return float(abs(a - b).upper()) <= CLOSE * (size + 1e-6)


def is_positive(value: Any) -> bool:
    return isinstance(value, arb) and bool(value > 0)


def apply(row: Elementwise, *arguments: Any) -> Any:
    """A function of balls; what is not real is a complex ball with the principal value, or nan where that is not known."""
    if all(isinstance(argument, arb) for argument in arguments):
        value = row.ball(*arguments)
        if usable(value):
            return value
    if row is not POWER and row.name not in FUNCTIONS:
        return arb("nan")
    given = [acb(argument) for argument in arguments]
    return given[0] ** given[1] if row is POWER else FUNCTIONS[row.name](*given)


def log(value: Any) -> Any:
    return value.log() if is_positive(value) else acb(value).log()


@dataclass(frozen=True, eq=False, slots=True)
class Arithmetic:
    """Numbers of one sort: what a fraction, a function of the table, and what is called for a constant give.

    `product` is a derivative times a slope: 0 where the slope is, whatever the derivative.
    """

    number: Callable[[Fraction | int], Any]
    constants: Mapping[str, Any]
    apply: Callable[..., Any]
    product: Callable[[Any, Any], Any]


def simple(values: Sequence[Any], longest: int = LONGEST) -> Fraction | None:
    """The simple fraction that all the balls are, or None."""
    if not all(usable(value) for value in values):
        return None
    middle = float(values[0].real.mid() if isinstance(values[0], acb) else values[0].mid())
    if abs(middle) > longest:
        return None
    found = Fraction(middle).limit_denominator(longest)
    if abs(found.numerator) > longest or not all(close(value, ball(found)) for value in values):
        return None
    return found


def real(value: Any) -> Any:
    """The real part of a complex ball that may be real; other complex balls stay as they are."""
    return value.real if isinstance(value, acb) and value.imag.contains(0) else value


def ball(number: Fraction | int) -> Any:
    return arb(fmpq(number.numerator, number.denominator))


def exponent(at: Any, moved: Any) -> Fraction | None:
    """The exponent of a variable in a quantity, from its values at a point and where the variable is `STEP` times as large."""
    if not usable(at) or not usable(moved) or at.contains(0):
        return None
    ratio = real(moved / at)
    if not is_positive(ratio):
        return None
    value = ratio.log() / ball(STEP).log()
    found = Fraction(float(value.mid())).limit_denominator(ROOTS)
    return found if abs(found) <= HIGHEST and not ROOTS % found.denominator and float(abs(value - ball(found)).upper()) < 1e-18 else None


BALLS = Arithmetic(ball, {"pi": arb.pi, "e": arb.const_e}, apply, lambda factor, slope: arb(0) if slope == 0 else factor * slope)
