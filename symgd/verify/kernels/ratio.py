"""Fractions of polynomials over kernels, and what numbers need: prime factors, roots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from math import comb, gcd, isqrt
from typing import Any

LARGEST = 1_500  # terms of a polynomial
DEEPEST_POWER = 64
DEEPEST_MONOMIAL = 2_000
PRIMES = 10**6  # numbers with a prime factor above this have no roots or logarithms here


class TooLarge(Exception):
    """Polynomials so large that arithmetic on them may take long: it cannot be interrupted."""


WORK = 60_000  # products of terms, or terms of a power, that are computed without asking
_is_bounded = True


@contextmanager
def unbounded() -> Iterator[None]:
    """Within it nothing is too large."""
    global _is_bounded
    before, _is_bounded = _is_bounded, False
    try:
        yield
    finally:
        _is_bounded = before


def _check(work: int) -> None:
    if _is_bounded and work > WORK:
        raise TooLarge


class NoForm(Exception):
    """The expression is not a number of the kind treated here, or it is too large."""


class Finer(Exception):
    """A power or a multiple is met whose denominator the present kernels do not divide into: start again with finer ones."""

    def __init__(self, root: int = 1, steps: int = 1) -> None:
        super().__init__()
        self.root, self.steps = root, steps


class Ratio:
    """numerator / denominator, polynomials over the kernels."""

    __slots__ = ("above", "below")

    def __init__(self, above: Any, below: Any) -> None:
        _check(len(above) * len(below))
        common = above.gcd(below)
        self.above, self.below = above / common, below / common
        if len(self.above) > LARGEST or len(self.below) > LARGEST:
            raise NoForm

    def __add__(self, other: Ratio) -> Ratio:
        _check(len(self.above) * len(other.below) + len(other.above) * len(self.below))
        return Ratio(self.above * other.below + other.above * self.below, self.below * other.below)

    def __mul__(self, other: Ratio) -> Ratio:
        _check(len(self.above) * len(other.above) + len(self.below) * len(other.below))
        return Ratio(self.above * other.above, self.below * other.below)

    def __neg__(self) -> Ratio:
        return Ratio(-self.above, self.below)

    def power(self, exponent: int) -> Ratio:
        if abs(exponent) > (DEEPEST_POWER if self.is_sum else DEEPEST_MONOMIAL):
            raise NoForm
        _check(max(comb(len(p) + abs(exponent) - 1, abs(exponent)) if len(p) > 1 else 1 for p in (self.above, self.below)))
        if exponent >= 0:
            return Ratio(self.above**exponent, self.below**exponent)
        if self.above.is_zero():
            raise NoForm  # undefined everywhere
        return Ratio(self.below**-exponent, self.above**-exponent)

    @property
    def is_sum(self) -> bool:
        return len(self.above) > 1 or len(self.below) > 1

    @property
    def key(self) -> str:
        """The same for equal fractions."""
        scale = self.below.leading_coefficient()
        return f"{self.above / scale}|{self.below / scale}"


def is_negative(u: Ratio) -> bool:
    """Is the first number in it negative?"""
    return bool((u.above.leading_coefficient() < 0) != (u.below.leading_coefficient() < 0))


def replaced(polynomial: Any, k: int, power: int, value: Any) -> Any:
    """kernel^power = value put in, as often as it goes."""
    degree = int(polynomial.degrees()[k]) if not polynomial.is_constant() else 0
    if degree < power:
        return polynomial
    context = polynomial.context()
    parts: dict[int, dict[Any, Any]] = {}
    for monomial, coefficient in polynomial.to_dict().items():
        times, left = divmod(monomial[k], power)
        rest = (*monomial[:k], left, *monomial[k + 1 :])
        parts.setdefault(int(times), {})[rest] = coefficient
    total = context.constant(0)
    for times, part in parts.items():
        total = total + context.from_dict(part) * value**times
    return total


def common_divisor(a: Fraction, b: Fraction) -> Fraction:
    """The largest number of which both are whole multiples."""
    return Fraction(gcd(a.numerator * b.denominator, b.numerator * a.denominator), a.denominator * b.denominator)


def square_root(value: Fraction) -> Fraction | None:
    """The square root of a number, where it is a fraction."""
    if value < 0:
        return None
    above, below = isqrt(value.numerator), isqrt(value.denominator)
    return Fraction(above, below) if above * above == value.numerator and below * below == value.denominator else None


def primes(value: Fraction) -> list[tuple[int, int]]:
    """The prime factors of a positive number with their powers."""
    found = []
    for number, sign in ((value.numerator, 1), (value.denominator, -1)):
        divisor = 2
        while number > 1:
            if divisor * divisor > number:
                divisor = number
            if divisor > PRIMES:
                raise NoForm
            power = 0
            while number % divisor == 0:
                number, power = number // divisor, power + 1
            if power:
                found.append((divisor, sign * power))
            divisor += 1
    return found
