"""The expression in a form that keeps its digits: the same function of real numbers, without cancellation and needless overflow.

One pass, children first. Logarithms and powers are rewritten here, sums in `sums`, products in `products`. Every rule is an
identity wherever its left side is defined; what it makes are named functions, whose derivatives stay named, so a loss that is
rewritten before it is derived has an accurate gradient too.

    log(c₀ + c·exp(u))      softplus(u + log(c/c₀)) + log c₀
    log(Σ c·exp(u))         lse(u + log c)
    log(exp(a) + exp(-a))   logcosh(a) + log 2, and log(cosh(a)) = logcosh(a)
    log(sigmoid(u))         -softplus(-u)
    log(1 + u)              log1p(u)
    log(u^k)                k·log|u| for even k, k·log(u) otherwise
    log(exp(u)·v)           u + log(v)
    (c₀ + c·exp(u))^-k      (sigmoid(-u - log(c/c₀))/c₀)^k
    √(a·u² + b·v² + …)      hypot, or a norm that scales
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Shape
from symgd.algebra.expression import Add, Contract, Expression, Map
from symgd.algebra.functions import table
from symgd.algebra.functions.table import F
from symgd.lowering.stable.products import stable_product
from symgd.lowering.stable.reading import (
    Term,
    argument,
    exponentials_of,
    factors_of,
    is_function,
    is_positive,
    lse_of,
    negated,
    number_of,
    plus_log,
    power_of,
    product_of,
    terms_of,
)
from symgd.lowering.stable.rows import HYPOT, LOGCOSH
from symgd.lowering.stable.sums import stable_sum, without_one

HALF = Fraction(1, 2)
_NORM = table.row("norm2")


def stable(roots: Sequence[Expression], for_deriving: bool = False) -> list[Expression]:
    """The expressions rewritten, with what they share still shared.

    `for_deriving` makes named functions only: √(1 + u²) - 1 keeps its form, whose derivative is the simpler one.
    """
    done: dict[Expression, Expression] = {}
    for node in ex.topological(*roots):
        made = ex.rebuilt(node, [done[child] for child in node.children])
        if isinstance(made, Add):
            made = stable_sum(made, for_deriving)
        elif isinstance(made, Contract):
            made = stable_product(made)
        if isinstance(made, Map):
            made = _function(made)
        done[node] = made
    return [done[root] for root in roots]


def _function(node: Map) -> Expression:
    if is_function(node, "log"):
        return stable_log(argument(node))
    base, exponent = power_of(node)
    if exponent < 0:
        return _reciprocal(node, base, exponent)
    return _root(base) or node if exponent == HALF else node


def stable_log(inside: Expression) -> Expression:
    """log(inside)."""
    base, exponent = power_of(inside)
    if exponent != 1:
        return stable_log(base if exponent.denominator != 1 or exponent % 2 else F.abs(base)) * exponent
    if is_function(inside, "exp"):
        return argument(inside)
    if is_function(inside, "abs") and is_positive(argument(inside)):
        return stable_log(argument(inside))
    if is_function(inside, "sigmoid"):
        return -F.softplus(-argument(inside))
    if is_function(inside, "cosh"):
        return ex.apply(LOGCOSH, argument(inside))
    terms = exponentials_of(inside)
    if terms is not None:
        return _log_of_exponentials(terms, inside.shape)
    rest = without_one(inside)
    if rest is not None:
        return F.log1p(rest)
    return _log_of_product(inside)


def _log_of_exponentials(terms: list[tuple[Fraction, Expression]], shape: Shape) -> Expression:
    if len(terms) == 2:
        (a, u), (b, v) = terms
        if a == b and negated(u, v):
            return plus_log(ex.apply(LOGCOSH, v if ex.split(u)[0] < 0 else u), 2 * a)
        for (c, w), (c0, zero) in ((terms[0], terms[1]), (terms[1], terms[0])):
            if ex.is_zero(zero):
                return plus_log(F.softplus(plus_log(w, c / c0)), c0)
    return lse_of([plus_log(u, c) for c, u in terms], shape)


def _log_of_product(inside: Expression) -> Expression:
    """Factors whose logarithm has a form of its own leave the logarithm, where they are surely positive."""
    coefficient, unit = ex.split(inside)
    factors = factors_of(unit) or [unit]
    apart = [factor for factor in factors if _has_logarithm(factor)]
    if not apart or coefficient <= 0:
        return F.log(inside)
    rest = [factor for factor in factors if not _has_logarithm(factor)]
    logs = [ex.broadcast(stable_log(factor), inside.shape) for factor in apart]
    if rest:
        logs.append(stable_log(product_of(coefficient, rest, inside.shape)))
    elif coefficient != 1:
        logs.append(ex.broadcast(F.log(ex.constant(coefficient)), inside.shape))
    return ex.add(logs)


def _has_logarithm(factor: Expression) -> bool:
    base, _ = power_of(factor)
    return any(is_function(base, name) for name in ("exp", "sigmoid", "cosh")) or exponentials_of(base) is not None


def _reciprocal(node: Map, base: Expression, exponent: Fraction) -> Expression:
    """(c₀ + c·exp(u))^-k."""
    terms = exponentials_of(base)
    if terms is None or len(terms) != 2:
        return node
    for (c, u), (c0, zero) in ((terms[0], terms[1]), (terms[1], terms[0])):
        if ex.is_zero(zero) and not ex.is_zero(u):
            return ex.power(F.sigmoid(-plus_log(u, c / c0)) * (1 / c0), -exponent)
    return node


def _root(inside: Expression) -> Expression | None:
    """The square root of a sum of squares, without squaring; a number counts as the square of its root."""
    coefficient, unit = ex.split(inside)
    if coefficient > 0 and coefficient != 1 and isinstance(unit, Add):
        found = _root(unit)
        return None if found is None else ex.multiply(F.sqrt(ex.constant(coefficient)), found)
    whole = _norm_of_sum(inside)
    if whole is not None:
        return whole
    terms = terms_of(inside)
    legs = [_leg(term, inside.shape) for term in terms]
    if len(terms) < 2 or any(leg is None for leg in legs):
        return None
    sides = [leg for leg in legs if leg is not None]
    if len(sides) == 2:
        return ex.apply(HYPOT, *(sides if number_of(terms[0]) is None else reversed(sides)))
    stacked = ex.stack(sides)
    return ex.along(_NORM, ex.transposed(stacked, [*range(1, stacked.rank), 0]))  # type: ignore[arg-type]


def _leg(term: Term, shape: Shape) -> Expression | None:
    """√term, where the term is a positive multiple of a square."""
    coefficient, unit = term
    if coefficient <= 0:
        return None
    scale = F.sqrt(ex.constant(coefficient))
    if ex.constant_value(unit) == 1:
        return ex.broadcast(scale, shape)
    base, exponent = power_of(unit)
    return ex.multiply(ex.broadcast(base, shape), scale) if exponent == 2 else None


def _norm_of_sum(inside: Expression) -> Expression | None:
    """√(c·Σ u²) of all entries of an array, as √c·‖u‖."""
    coefficient, unit = ex.split(inside)
    if inside.shape or not isinstance(unit, Contract) or coefficient <= 0:
        return None
    base, labels = _square(unit)
    if base is None or len(set(labels)) < len(labels) or not labels:
        return None
    norm: Expression = base
    for _ in range(base.rank):
        norm = ex.along(_NORM, norm)  # type: ignore[arg-type]
    return norm * F.sqrt(ex.constant(coefficient))


def _square(unit: Contract) -> tuple[Expression | None, tuple[int, ...]]:
    """(u, its labels) where the product is u·u or u²."""
    if len(unit.children) == 2 and unit.children[0] is unit.children[1] and unit.labels[0] == unit.labels[1]:
        return unit.children[0], unit.labels[0]
    if len(unit.children) == 1:
        base, exponent = power_of(unit.children[0])
        if exponent == 2:
            return base, unit.labels[0]
    return None, ()
