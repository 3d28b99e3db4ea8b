"""The points at which a claim is searched for its mistake.

One point, the same with every scalar variable moved in turn (which shows exponents), and others far away (which confirm).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
from flint import arb

from symgd.algebra import expression as ex
from symgd.algebra.certified import balls, working_precision
from symgd.algebra.expression import Expression, Leaf
from symgd.verify import sample
from symgd.verify.complexes import real_values
from symgd.verify.mistakes.numbers import BITS, ROOTS, STEP, ball, close, exponent, is_positive, real, simple, usable

OTHERS = 2
TRIES = 60
LOG_STEP = math.log(STEP)
_CLOSE = 1e-6
Monomial = tuple[Fraction, dict[str, Fraction]]


@dataclass(frozen=True, slots=True)
class Points:
    """`points[0]` is the first, `points[1:1 + len(names)]` have one name moved each, the others confirm."""

    names: tuple[str, ...]
    points: tuple[dict[str, Fraction], ...]
    lefts: tuple[Any, ...]
    rights: tuple[Any, ...]

    def monomial(self, values: Sequence[Any]) -> Monomial | None:
        """The number times powers of the variables that a quantity is at all points, or None."""
        first = values[0]
        if not all(usable(value) for value in values) or first.contains(0):
            return None
        rates = self.rates(values)
        if rates is None or not may_be_monomial(rates):
            return None
        exponents: dict[str, Fraction] = {}
        rest = list(values)
        for k, name in enumerate(self.names):
            power = exponent(first, values[1 + k])
            if power is None:
                return None
            if power:
                exponents[name] = power
                for place, point in enumerate(self.points):
                    base = ball(point[name])
                    if power.denominator != 1 and not is_positive(base):
                        return None
                    rest[place] = rest[place] / base ** ball(power)
        number = simple(rest)
        return None if not number else (number, exponents)

    def rates(self, values: Sequence[Any]) -> list[float] | None:
        """The exponent of every variable in a quantity, as floats: what a monomial has whole, and a power of it has as often."""
        first = values[0]
        if not usable(first) or first.contains(0):
            return None
        found = []
        for k in range(len(self.names)):
            ratio = real(values[1 + k] / first)
            if not is_positive(ratio) or not usable(ratio):
                return None
            found.append(float(ratio.log().mid()) / LOG_STEP)
        return found


def may_be_monomial(rates: Sequence[float]) -> bool:
    """May the quantity with these rates be a monomial?"""
    return all(abs(ROOTS * rate - round(ROOTS * rate)) <= _CLOSE for rate in rates)


def may_be_monomials(rates: Sequence[float], powers: Sequence[Fraction], of: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """May it be one, once it is divided by a power of another quantity? For all of others, by their rates in rows, and for all powers."""
    divided = np.array(rates) - np.array([float(power) for power in powers])[:, None] * of[:, None, :]
    exponents = ROOTS * divided
    return np.asarray((abs(exponents - np.round(exponents)) <= _CLOSE).all(axis=2))


def points_of(left: Expression, right: Expression, scalars: Sequence[Leaf], ends: float) -> Points | None:
    """Points where both sides are finite and differ; None where there are too few."""
    random = Random(7)
    names = tuple(leaf.name for leaf in scalars)
    found: list[tuple[dict[str, Fraction], Any, Any]] = []

    def add(point: dict[str, Fraction]) -> bool:
        with working_precision(BITS):
            one, other = (_number(array[()]) for array in balls([left, right], point, BITS))
            if not usable(one) or not usable(other):
                one, other = real_values([left, right], point, BITS) or (one, other)
        if usable(one) and usable(other):
            found.append((point, one, other))
            return True
        return False

    for k in range(TRIES):
        if time.monotonic() > ends:
            return None
        point = sample.point(scalars, {}, random, k)
        if not found:
            if not add(point):
                continue
            with working_precision(BITS):
                differ = not close(found[0][1], found[0][2])
            moved = [{**point, name: point[name] * STEP} for name in names]
            if not differ or not all(add(other) for other in moved):
                found.clear()
        elif len(found) < 1 + len(names) + OTHERS:
            add(point)
        else:
            break
    if len(found) < 1 + len(names) + OTHERS:
        return None
    one, two, three = zip(*found)
    return Points(names, tuple(one), tuple(two), tuple(three))


def _number(value: Any) -> Any:
    return value if hasattr(value, "rad") else arb(value)


def monomial_of(found: Monomial) -> Expression:
    number, exponents = found
    product = ex.constant(1)
    for name, power in exponents.items():
        product = ex.multiply(product, ex.power(ex.leaf(name), power))
    return ex.scaled(number, product)
