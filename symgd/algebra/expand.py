"""Multiplying out: products distributed over sums, whole powers of sums, until nothing is left to distribute.

Two polynomials are equal exactly when their expanded canonical forms are; that is what proofs of equality use. The work is
bounded: `expanded` returns None where the result would have more than `budget` terms.
"""

from __future__ import annotations

from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.algebra.canonical import canonical
from symgd.algebra.expression import Add, Along, Contract, Expression, Map
from symgd.algebra.functions.table import POWER
from symgd.algebra.simplify import is_slice, simplified_all

BUDGET = 4_000  # terms
LARGEST_POWER = 32


class _TooManyTerms(Exception):
    pass


def expanded(root: Expression, budget: int = BUDGET) -> Expression | None:
    """The canonical form of the expression multiplied out, or None where that is too large."""
    current = simplified_all([root], sharing=False, symmetry=True)[0]
    seen: set[Expression] = set()
    try:
        while current not in seen:
            seen.add(current)
            done: dict[Expression, Expression] = {}
            for node in ex.topological(current):
                done[node] = _distributed(ex.rebuilt(node, [done[child] for child in node.children]), budget)
            current = canonical(simplified_all([done[current]], sharing=False, symmetry=True)[0])
    except _TooManyTerms:
        return None
    return current


def _distributed(node: Expression, budget: int) -> Expression:
    if isinstance(node, Map) and node.function is POWER:
        base, exponent = node.children[0], ex.constant_value(node.children[1])
        if exponent is not None and exponent.denominator == 1 and 2 <= exponent <= LARGEST_POWER:
            if isinstance(base, Along) and base.function.name == "norm2" and exponent % 2 == 0:
                axes = range(base.children[0].rank)
                square = ex.contract(1, [(base.children[0], axes), (base.children[0], axes)], axes[:-1])
                return ex.power(square, exponent / 2)
            if isinstance(base, Add):
                if len(base.children) ** int(exponent) > 1000 * budget:
                    raise _TooManyTerms
                return _power(base, int(exponent), budget)
            if isinstance(base, Contract) and not is_slice(base):  # (Σ x)^2 is the sum of all products of two
                axes = range(node.rank)
                return ex.contract(1, [(base, axes)] * int(exponent), axes)
    if not isinstance(node, Contract):
        return node
    sums = [k for k, child in enumerate(node.children) if isinstance(child, Add)]
    if not sums:
        return node
    size = 1
    for k in sums:
        size *= len(node.children[k].children)
    if size > budget:
        raise _TooManyTerms
    position = sums[0]
    chosen = node.children[position]
    assert isinstance(chosen, Add)
    parts = []
    for coefficient, term in chosen.terms:
        factors = [(term if k == position else child, labels) for k, (child, labels) in enumerate(node.factors)]
        part = ex.contract(node.coefficient * coefficient, factors, range(node.rank), node.dimensions())
        parts.append(_distributed(part, budget))
    return ex.add(parts)


def _power(base: Add, exponent: int, budget: int) -> Expression:
    """base^exponent multiplied out, term by term."""
    terms: dict[Expression, Fraction] = {ex.full(1, base.shape): Fraction(1)}
    for _ in range(exponent):
        found: dict[Expression, Fraction] = {}
        for node, c in terms.items():
            for coefficient, term in base.terms:
                product = ex.multiply(node, term)
                simple = canonical(simplified_all([product], sharing=False)[0])
                inner, unit = ex.split(simple)
                found[unit] = found.get(unit, Fraction(0)) + c * coefficient * inner
        if len(found) > budget:
            raise _TooManyTerms
        terms = found
    return ex.total(terms, base.shape)
