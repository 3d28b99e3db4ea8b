"""Products whose factors overflow or underflow against each other, as functions that do not.

exp(u)·sigmoid(-u)                sigmoid(u)
exp(u_j)/Σ c_i exp(u_i)           sigmoid(-lse(u_i - u_j + log(c_i/c_j) for i ≠ j))/c_j
sinh(u)/cosh(u)                   tanh(u)
exp(u)/expm1(u)²                  csch(u/2)²/4
u·sign(u)                         |u|
a comparison × y                  where it is 0, y does not count, even where y is no finite number
"""

from __future__ import annotations

from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Shape
from symgd.algebra.expression import Add, Contract, Expression, Map
from symgd.algebra.functions.table import F
from symgd.lowering.stable.reading import (
    argument,
    exponentials_of,
    factors_of,
    is_function,
    lse_of,
    negated,
    pairs,
    plus_log,
    power_of,
    product_of,
)

_SEARCHED = 100  # nodes that are looked at for what may overflow; larger expressions may
_MANY = 12  # factors up to which pairs are compared
_COMPARISONS = ("less", "less_equal", "equal", "not_equal", "step")
_UNBOUNDED = ("exp", "expm1", "sinh", "cosh", "log", "tan")


def stable_product(node: Contract) -> Expression:
    """The product with pairs of factors replaced, and comparisons made masks."""
    factors = factors_of(node)
    if factors is None or len(factors) > _MANY:
        return _masked(node)
    coefficient, changed = node.coefficient, False
    while True:
        found = _pair(factors, node.shape)
        if found is None:
            break
        gone, made = found
        factors = [factor for k, factor in enumerate(factors) if k not in gone]
        for factor in made:
            inner, unit = ex.split(factor)
            coefficient *= inner
            factors += factors_of(unit) or [ex.broadcast(unit, node.shape)]
        changed = True
    result = product_of(coefficient, factors, node.shape) if changed else node
    return _masked(result) if isinstance(result, Contract) else result


def _pair(factors: list[Expression], shape: Shape) -> tuple[tuple[int, int], list[Expression]] | None:
    for i, j in pairs(factors):
        made = _two(factors[i], factors[j], shape)
        if made is not None:
            return (i, j), made
    return None


def _two(left: Expression, right: Expression, shape: Shape) -> list[Expression] | None:
    """What the product of two factors is; None where no rule fits."""
    base, exponent = power_of(right)
    if is_function(left, "exp"):
        return _with_exponential(left, base, exponent, shape)
    if is_function(left, "sinh") and is_function(base, "cosh") and argument(left) is argument(base) and exponent <= -1:
        return [F.tanh(argument(left)), ex.power(base, exponent + 1)]
    if is_function(left, "sign") and argument(left) is base and exponent.denominator == 1 and exponent % 2:
        return [F.abs(base), ex.power(base, exponent - 1)]
    return None


def _with_exponential(left: Expression, base: Expression, exponent: Fraction, shape: Shape) -> list[Expression] | None:
    u = argument(left)
    if is_function(base, "sigmoid") and exponent >= 1 and negated(u, argument(base)):
        return [F.sigmoid(u), ex.power(base, exponent - 1)]
    if is_function(base, "expm1") and exponent <= -2 and argument(base) is u:
        return [F.csch(u * Fraction(1, 2)) ** 2 * Fraction(1, 4), ex.power(base, exponent + 2)]
    if exponent > -1:
        return None
    terms = exponentials_of(base)
    own = next((k for k, (_, other) in enumerate(terms or ()) if other is u), None)
    if terms is None or own is None:
        return None
    c = terms[own][0]
    others = [plus_log(other - u, a / c) for k, (a, other) in enumerate(terms) if k != own]
    return [F.sigmoid(-lse_of(others, shape)) * (1 / c), ex.power(base, exponent + 1)]


def _masked(node: Contract) -> Expression:
    """Where a comparison among the factors is 0 the other factors on its axes count as 0, whatever they are."""
    masks = [(child, labels) for child, labels in node.factors if _is_mask(child)]
    if not masks:
        return node
    factors: list[tuple[Expression, tuple[int, ...]]] = []
    changed = False
    for child, labels in node.factors:
        mask = next((mask for mask, theirs in masks if theirs == labels and mask is not child), None)
        if mask is not None and not _is_mask(child) and _may_overflow(child):
            child, changed = F.where(mask, child, 0), True
        factors.append((child, labels))
    return ex.contract(node.coefficient, factors, range(node.rank), node.dimensions()) if changed else node


def _is_mask(node: Expression) -> bool:
    """Is it made of comparisons, so that it is exactly 0 where none holds?"""
    if isinstance(node, Map):
        return any(is_function(node, name) for name in _COMPARISONS)
    return isinstance(node, Add) and all(coefficient > 0 and _is_mask(child) for coefficient, child in node.terms)


def _may_overflow(node: Expression) -> bool:
    """Could it be infinite or no number where the comparison excludes it?"""
    waiting, seen = [node], {node}
    while waiting and len(seen) < _SEARCHED:
        part = waiting.pop()
        if any(is_function(part, name) for name in _UNBOUNDED) or power_of(part)[1] < 0:
            return True
        waiting += [child for child in part.children if child not in seen]
        seen.update(part.children)
    return bool(waiting)
