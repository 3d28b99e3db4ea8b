"""How the rules see an expression: as a function, a sum, a product entry by entry, an exponential, a square."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Shape
from symgd.algebra.expression import Add, Contract, Expression, Map
from symgd.algebra.functions import table
from symgd.algebra.functions.table import F

Term = tuple[Fraction, Expression]


def is_function(node: Expression, name: str) -> bool:
    """Is it this function of the table?"""
    return isinstance(node, Map) and node.function is table.elementwise(name)


def argument(node: Expression) -> Expression:
    return node.children[0]


def power_of(node: Expression) -> tuple[Expression, Fraction]:
    """(base, exponent) of a power with a known exponent; a square root has exponent 1/2, anything else 1."""
    if is_function(node, "sqrt"):
        return node.children[0], Fraction(1, 2)
    if isinstance(node, Map) and node.function is table.POWER:
        exponent = ex.constant_value(node.children[1])
        if exponent is not None:
            return node.children[0], exponent
    return node, Fraction(1)


def terms_of(node: Expression) -> list[Term]:
    """The terms of a sum, coefficients apart; anything else is one term. A number is a multiple of 1."""
    return [_term(c, child) for c, child in node.terms] if isinstance(node, Add) else [_term(Fraction(1), node)]


def _term(coefficient: Fraction, node: Expression) -> Term:
    inner, unit = ex.split(node)
    value = ex.constant_value(unit)
    if value is not None:
        return coefficient * inner * value, ex.full(1, node.shape)
    return coefficient * inner, unit


def number_of(term: Term) -> Fraction | None:
    """The number that a term is, None where it is none."""
    value = ex.constant_value(term[1])
    return None if value is None else term[0] * value


def sum_of(terms: Sequence[Term], shape: Shape) -> Expression:
    return ex.add([ex.full(0, shape), *[ex.scaled(c, ex.broadcast(node, shape)) for c, node in terms]])


def plus_log(node: Expression, factor: Fraction) -> Expression:
    """node + log(factor)."""
    return node if factor == 1 else node + F.log(ex.constant(factor))


def exponentials_of(node: Expression) -> list[tuple[Fraction, Expression]] | None:
    """[(c, u), …] where the node is Σ c·exp(u) with positive c and at least two terms; a number c is c·exp(0)."""
    terms = terms_of(node)
    found = []
    for coefficient, unit in terms:
        if coefficient <= 0:
            return None
        if is_function(unit, "exp"):
            found.append((coefficient, argument(unit)))
        elif ex.constant_value(unit) == 1:
            found.append((coefficient, ex.full(0, node.shape)))
        else:
            return None
    return found if len(found) > 1 else None


def factors_of(node: Expression) -> list[Expression] | None:
    """The factors of a product entry by entry, each with all axes of the node; None where something is summed or moved."""
    if not isinstance(node, Contract) or len(node.children) < 2:
        return None
    axes = tuple(range(node.rank))
    if any(labels not in ((), axes) for labels in node.labels):
        return None
    return [ex.broadcast(child, node.shape) for child in node.children]


def product_of(coefficient: Fraction, factors: Sequence[Expression], shape: Shape) -> Expression:
    axes = tuple(range(len(shape)))
    pairs = [(factor, axes[: factor.rank]) for factor in factors]
    return ex.contract(coefficient, pairs, axes, dict(enumerate(shape)))


def is_positive(node: Expression) -> bool:
    """Is it certainly > 0, by its form?"""
    if any(is_function(node, name) for name in ("exp", "sigmoid", "softplus", "cosh", "sech")):
        return True
    value = ex.constant_value(node)
    if value is not None:
        return value > 0
    base, exponent = power_of(node)
    if exponent != 1:
        return is_positive(base)
    if isinstance(node, Add):
        return all(coefficient > 0 and is_positive(unit) for coefficient, unit in terms_of(node))
    factors = factors_of(node)
    return bool(factors) and isinstance(node, Contract) and node.coefficient > 0 and all(map(is_positive, factors or ()))


def negated(first: Expression, second: Expression) -> bool:
    """Is second = -first, by its form?"""
    return ex.negative(first) is second or ex.negative(second) is first


def pairs(items: Sequence[Expression]) -> Iterator[tuple[int, int]]:
    """Positions of two different items, in both orders."""
    return ((i, j) for i in range(len(items)) for j in range(len(items)) if i != j)


def lse_of(entries: Sequence[Expression], shape: Shape) -> Expression:
    """log Σ exp(entry), entry by entry of arrays of this shape."""
    if len(entries) == 1:
        return entries[0]
    stacked = ex.stack([ex.broadcast(entry, shape) for entry in entries])
    last = ex.transposed(stacked, [*range(1, stacked.rank), 0])
    return ex.along(table.row("lse"), last)  # type: ignore[arg-type]
