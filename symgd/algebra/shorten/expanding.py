"""Sums of products multiplied out, down to what is neither."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import gcd, lcm

from symgd.algebra import expression as ex
from symgd.algebra.canonical import canonical
from symgd.algebra.expression import Add, Contract, Expression
from symgd.algebra.shorten.length import of_number
from symgd.algebra.shorten.product import Product, embedded, is_product
from symgd.algebra.simplify import simplified_all

MOST = 40  # terms

Term = tuple[Fraction, Expression]


@dataclass(slots=True)
class Memory:
    """What is known while one expression is shortened: whether declared symmetry counts, canonical forms, what pairs of terms gave."""

    symmetry: bool
    forms: dict[Expression, Expression] = field(default_factory=dict)
    gains: dict[tuple[Expression, Expression], tuple[int, Expression] | None] = field(default_factory=dict)
    sums: dict[Expression, Expression] = field(default_factory=dict)


def multiplied_out(node: Expression) -> list[Term] | None:
    """The terms of the sum of products that the node is, None where there are too many or nothing is to be multiplied."""
    if not any(isinstance(child, Add) for inner in region(node) if isinstance(inner, Contract) for child in inner.children):
        return None
    found = _terms(node)
    if found is None:
        return None
    simple = simplified_all([ex.scaled(c, term) for c, term in found], sharing=False)
    return [ex.split(term) for term in simple]


def region(root: Expression) -> list[Expression]:
    """The sums and products under the root that no other function stands above."""
    found: dict[Expression, None] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node not in found and (isinstance(node, Add) or is_product(node)):
            found[node] = None
            waiting.extend(node.children)
    return list(found)


def _terms(node: Expression) -> list[Term] | None:
    if isinstance(node, Add):
        found = []
        for c, child in node.terms:
            parts = _terms(child)
            if parts is None:
                return None
            found += [(c * inner, term) for inner, term in parts]
        return found if len(found) <= MOST else None
    if not isinstance(node, Contract) or not is_product(node):
        return [ex.split(node)]
    products = [Product(node.coefficient, (), node.rank, node.dimensions())]
    for child, labels in node.factors:
        parts = _terms(child)
        if parts is None or len(parts) * len(products) > MOST:
            return None
        products = [embedded(product, ex.scaled(c, term), labels) for product in products for c, term in parts]
    return [ex.split(product.node()) for product in products]


def alike(terms: list[Term], memory: Memory) -> list[Term]:
    """Like terms collected, nested sums opened; each shown as the first of its kind."""
    weights: dict[Expression, Fraction] = {}
    first: dict[Expression, Expression] = {}
    for coefficient, term in terms:
        for c, unit in ex.terms(term):
            form = canonical(unit, memory.forms, memory.symmetry)
            number, form = ex.split(form)
            if not number:
                continue
            first.setdefault(form, ex.scaled(1 / number, unit))
            weights[form] = weights.get(form, Fraction(0)) + coefficient * c * number
    return [(c, first[form]) for form, c in weights.items() if c]


def upright_first(terms: list[Term]) -> list[Term]:
    """A + A' rather than A' + A."""
    places = {unit: k for k, (_, unit) in enumerate(terms)}
    ordered = list(terms)
    for _, unit in terms:
        if isinstance(unit, Contract) and len(unit.children) == 1 and unit.labels == ((1, 0),):
            here, there = places[unit], places.get(unit.children[0], -1)
            if here < there:
                ordered[here], ordered[there] = ordered[there], ordered[here]
    return ordered


def content(node: Expression, outside: Fraction = Fraction(1)) -> Term:
    """A sum as a number times a sum of whole coefficients without a common divisor, where that is shorter; others as they are split.

    `outside` is the number that stands in front of the sum already.
    """
    terms = ex.terms(node)
    if len(terms) < 2:
        return ex.split(node)
    number = Fraction(gcd(*[c.numerator for c, _ in terms]), lcm(*[c.denominator for c, _ in terms]))
    if all(c < 0 for c, _ in terms):
        number = -number
    saved = sum(of_number(c) - of_number(c / number) for c, _ in terms)
    if number == 1 or (number > 0 and saved <= of_number(outside * number) - of_number(outside)):
        return Fraction(1), node
    return number, ex.add([ex.scaled(c / number, unit) for c, unit in terms])
