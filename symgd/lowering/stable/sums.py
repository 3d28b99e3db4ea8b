"""Sums that cancel, as functions that do not: each rule replaces two terms of a sum by one, exactly.

c·exp(u) - c            c·expm1(u)
c - c·tanh(u)²          c·sech2(u)
c - c·sigmoid(u)        c·sigmoid(-u)
c - c·cos(u)            2c·sin(u/2)²
c·cosh(u) - c           2c·sinh(u/2)²
c - c·erf(u)            c·erfc(u)
c·√(u² + 1) - c         c·hypotm1(u)
c·√(1 + u) - c          c·u/(1 + √(1 + u))
c·(1 + u)^p - c         c·expm1(p·log1p(u)) for p that is no whole number
c·exp(u) ± c·exp(-u)    2c·cosh(u), 2c·sinh(u)
a/b + t/b²              (a·b + t)/b² where the sum above gets shorter
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.algebra.expression import Add, Expression, Map
from symgd.algebra.functions.table import F
from symgd.lowering.stable.reading import (
    Term,
    argument,
    factors_of,
    is_function,
    negated,
    number_of,
    power_of,
    product_of,
    sum_of,
    terms_of,
)
from symgd.lowering.stable.rows import HYPOT, HYPOTM1, SECH2

HALF = Fraction(1, 2)
_MANY = 12  # terms up to which pairs are compared; longer sums are searched for numbers only


def stable_sum(node: Add, for_deriving: bool) -> Expression:
    """The sum with every pair that cancels replaced; what is to be derived keeps its numbers, which vanish then."""
    terms = terms_of(node)
    while True:
        found = (None if for_deriving else _against_number(terms)) or (_pair(terms) if len(terms) <= _MANY else None)
        if found is None:
            return node if len(terms) == len(node.children) else sum_of(terms, node.shape)
        gone, made = found
        terms = [term for k, term in enumerate(terms) if k not in gone]
        terms += [term for part in made for term in terms_of(part)]


Found = tuple[tuple[int, ...], list[Expression]]


def _against_number(terms: list[Term]) -> Found | None:
    """A term whose value near a number cancels against that number."""
    numbers = [k for k, term in enumerate(terms) if number_of(term) is not None]
    if not numbers:
        return None
    place = numbers[0]
    number = number_of(terms[place])
    for k, (coefficient, unit) in enumerate(terms):
        if k != place and coefficient == -(number or 0):
            for rule in _MINUS_ONE:
                made = rule(unit)
                if made is not None:
                    return (place, k), [ex.scaled(coefficient, made)]
    return None


def _exp(unit: Expression) -> Expression | None:
    return F.expm1(argument(unit)) if is_function(unit, "exp") else None


def _tanh(unit: Expression) -> Expression | None:
    base, exponent = power_of(unit)
    return -ex.apply(SECH2, argument(base)) if exponent == 2 and is_function(base, "tanh") else None


def _sigmoid(unit: Expression) -> Expression | None:
    return -F.sigmoid(-argument(unit)) if is_function(unit, "sigmoid") else None


def _cos(unit: Expression) -> Expression | None:
    return -2 * F.sin(argument(unit) * HALF) ** 2 if is_function(unit, "cos") else None


def _cosh(unit: Expression) -> Expression | None:
    return 2 * F.sinh(argument(unit) * HALF) ** 2 if is_function(unit, "cosh") else None


def _erf(unit: Expression) -> Expression | None:
    return -F.erfc(argument(unit)) if is_function(unit, "erf") else None


def _hypot(unit: Expression) -> Expression | None:
    if isinstance(unit, Map) and unit.function is HYPOT and ex.constant_value(unit.children[1]) == 1:
        return ex.apply(HYPOTM1, unit.children[0])
    return None


def _root(unit: Expression) -> Expression | None:
    base, exponent = power_of(unit)
    if exponent.denominator == 1:
        return None
    rest = without_one(base)
    if rest is None:
        return None
    return rest / (unit + 1) if exponent == HALF else F.expm1(F.log1p(rest) * exponent)


_MINUS_ONE: tuple[Callable[[Expression], Expression | None], ...] = (_exp, _tanh, _sigmoid, _cos, _cosh, _erf, _hypot, _root)


def without_one(node: Expression) -> Expression | None:
    """u where the node is 1 + u."""
    terms = terms_of(node)
    rest = [term for term in terms if number_of(term) != 1]
    return sum_of(rest, node.shape) if rest and len(rest) == len(terms) - 1 else None


def _pair(terms: list[Term]) -> Found | None:
    for i, first in enumerate(terms):
        for j, second in enumerate(terms[:i]):
            made = _exponentials(first, second) or _fractions(first, second) or _fractions(second, first)
            if made is not None:
                return (i, j), [made]
    return None


def _exponentials(first: Term, second: Term) -> Expression | None:
    (a, left), (b, right) = first, second
    if abs(a) != abs(b) or not (is_function(left, "exp") and is_function(right, "exp")):
        return None
    u = argument(left)
    if not negated(u, argument(right)):
        return None
    if ex.split(u)[0] < 0:
        a, u = b, argument(right)
    return ex.scaled(2 * a, F.cosh(u) if first[0] == second[0] else F.sinh(u))


def _fractions(first: Term, second: Term) -> Expression | None:
    """a/b + t/b² as (a·b + t)/b², where a is a number and terms of a·b cancel against t."""
    (a, left), (c, right) = first, second
    base, exponent = power_of(left)
    if exponent != -1 or not isinstance(base, Add):
        return None
    squared = ex.power(base, -2)
    factors = [right] if right is squared else factors_of(right)
    if not factors or squared not in factors:
        return None
    others = list(factors)
    others.remove(squared)
    above = sum_of([*((a * k, unit) for k, unit in terms_of(base)), (c, product_of(Fraction(1), others, base.shape))], base.shape)
    if isinstance(above, Add):
        return None
    return product_of(Fraction(1), [above, squared], base.shape)
