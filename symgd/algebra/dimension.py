"""Sizes of axes: polynomials with whole coefficients in dimension names, such as `n`, `n - 1`, `2*m*n`.

Two sizes are equal when their polynomials are; `n` and `m` are different sizes until a value says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Union

from symgd.errors import ShapeError

Monomial = tuple[tuple[str, int], ...]  # ((name, power), …), sorted by name


@dataclass(frozen=True, slots=True)
class Dimension:
    """A polynomial: `terms` maps monomials to whole coefficients, sorted, without zeros; () is 0."""

    terms: tuple[tuple[Monomial, int], ...]

    @staticmethod
    def of(value: DimensionLike) -> Dimension:
        """The dimension for a whole number, a name, or a dimension."""
        if isinstance(value, Dimension):
            return value
        if isinstance(value, str):
            return Dimension(((((value, 1),), 1),))
        return Dimension((((), int(value)),) if value else ())

    @property
    def constant(self) -> int | None:
        """The number, where it is one."""
        if not self.terms:
            return 0
        (monomial, coefficient), *more = self.terms
        return coefficient if not monomial and not more else None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for monomial, _ in self.terms for name, _ in monomial))

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        total = 0
        for monomial, coefficient in self.terms:
            for name, power in monomial:
                coefficient *= sizes[name] ** power
            total += coefficient
        return total

    def at_least(self, bound: int) -> bool | None:
        """Is it ≥ `bound` whenever every name is ≥ 1? None where that depends on the sizes."""
        low = sum(c for _, c in self.terms if c > 0) if all(c > 0 for m, c in self.terms if m) else None
        if low is not None and sum(c for _, c in self.terms) >= bound:
            return True
        if all(c < 0 for m, c in self.terms if m) and sum(c for _, c in self.terms) < bound:
            return False
        return None

    def __add__(self, other: DimensionLike) -> Dimension:
        found = dict(self.terms)
        for monomial, coefficient in Dimension.of(other).terms:
            found[monomial] = found.get(monomial, 0) + coefficient
        return _collected(found)

    def __mul__(self, other: DimensionLike) -> Dimension:
        found: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in Dimension.of(other).terms:
                powers = dict(left)
                for name, power in right:
                    powers[name] = powers.get(name, 0) + power
                monomial = tuple(sorted(powers.items()))
                found[monomial] = found.get(monomial, 0) + a * b
        return _collected(found)

    def __neg__(self) -> Dimension:
        return Dimension(tuple((monomial, -c) for monomial, c in self.terms))

    def __sub__(self, other: DimensionLike) -> Dimension:
        return self + (-Dimension.of(other))

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: DimensionLike) -> Dimension:
        return Dimension.of(other) - self

    def __str__(self) -> str:
        """As the language writes it: `2*m*n - 1`."""
        if not self.terms:
            return "0"
        out = ""
        for monomial, coefficient in sorted(self.terms, key=lambda term: (-sum(p for _, p in term[0]), term[0])):
            factors = [name if power == 1 else f"{name}^{power}" for name, power in monomial]
            if abs(coefficient) != 1 or not factors:
                factors.insert(0, str(abs(coefficient)))
            sign = ("-" if coefficient < 0 else "") if not out else " - " if coefficient < 0 else " + "
            out += sign + "*".join(factors)
        return out


DimensionLike = Union[Dimension, int, str]
Shape = tuple[Dimension, ...]

ZERO = Dimension(())
ONE = Dimension.of(1)


def _collected(found: dict[Monomial, int]) -> Dimension:
    return Dimension(tuple(sorted((monomial, c) for monomial, c in found.items() if c)))


def negative_range(length: Dimension, found: int) -> ShapeError:
    """The error of an index that would run over fewer values than none."""
    hint = "Give larger arrays, or state another range."
    return ShapeError(f"an index runs over {length} values, and {length} is {found} here.", hint=hint)


def shape_text(shape: Shape) -> str:
    """A shape in messages: `(3, 2)`, a vector `(n)`, a scalar `a scalar`."""
    return f"({', '.join(map(str, shape))})" if shape else "a scalar"
