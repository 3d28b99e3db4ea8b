"""The textbook form of an expression: rules applied from the inside out, sums weighed as they stand against multiplied out.

A *region* is a sum of products down to what is neither. Each is shortened where it stands, by rules and by collecting; where it
holds arrays, it is multiplied out, and with inverses opened, as well, and the shortest of the three is taken.
"""

from __future__ import annotations

from symgd.algebra import expression as ex
from symgd.algebra.canonical import is_symmetric
from symgd.algebra.expression import Add, Contract, Expression, Factor, Select
from symgd.algebra.shorten.collect import collected
from symgd.algebra.shorten.expanding import Memory, alike, multiplied_out, region
from symgd.algebra.shorten.length import length
from symgd.algebra.shorten.of_sums import terms_of_transposed
from symgd.algebra.shorten.product import is_product
from symgd.algebra.shorten.rules import of_function, of_product, opened

LARGEST = 400  # nodes
HOPELESS = 1.5  # times the length: what is as long as that when multiplied out does not become shorter
WORTH = 0.75  # times the length: for less, brackets stay as the author set them


def shortened(root: Expression, symmetry: bool = False) -> Expression:
    """The expression in the shortest form that the rules find. `symmetry` uses declared symmetry, which derivatives must not see."""
    order = ex.topological(root)
    if len(order) > LARGEST:
        return root
    tops = {root} | {child for node in order if not _is_polynomial(node) for child in node.children}
    done: dict[Expression, Expression] = {}
    memory = Memory(symmetry)
    for node in order:
        found = _shorter(ex.rebuilt(node, [done[child] for child in node.children]), memory)
        if node in tops and _is_polynomial(found):
            found = _region(found, memory)
        done[node] = found
    best = done[root] if length(done[root]) <= length(root) else root
    return _oriented(best, symmetry)


def _oriented(root: Expression, symmetry: bool) -> Expression:
    """Symmetric matrices turned so that a product, read from its first axis, shows none of them transposed."""
    done: dict[Expression, Expression] = {}
    for node in ex.topological(root):
        found = ex.rebuilt(node, [done[child] for child in node.children])
        if isinstance(found, Contract) and any(child.rank == 2 and is_symmetric(child, symmetry) for child in found.children):
            found = _read(found, symmetry)
        done[node] = found
    return done[root]


def _read(node: Contract, symmetry: bool) -> Expression:
    """The product, walked through from its first axis, from packed axes and from vectors, each symmetric matrix as it is met."""
    factors: list[Factor | None] = list(node.factors)
    turned = list(node.factors)
    vectors = [labels[0] for child, labels in node.factors if child.rank == 1]
    packed = [label for child, labels in node.factors if isinstance(child, Select) and labels[:1] == (0,) for label in labels[1:]]
    for start in (*range(min(node.rank, 1)), *packed, *vectors, *(labels[0] for _, labels in node.factors if labels)):
        at: int | None = start
        while at is not None:
            k = next((k for k, factor in enumerate(factors) if factor and at in factor[1] and factor[0].rank == 2), None)
            if k is None:
                break
            child, labels = turned[k]
            factors[k] = None
            if labels[1] == at and is_symmetric(child, symmetry):
                turned[k] = child, labels[::-1]
            at = labels[0] if labels[1] == at else labels[1]
    return ex.contract(node.coefficient, turned, range(node.rank), node.dimensions())


def _is_polynomial(node: Expression) -> bool:
    return isinstance(node, Add) or is_product(node)


def _shorter(node: Expression, memory: Memory) -> Expression:
    """The node with the rules of its class applied."""
    if isinstance(node, Add):
        return collected(ex.add([ex.scaled(c, of_product(term, memory.symmetry)) for c, term in node.terms]), memory)
    if parts := terms_of_transposed(node):
        inside = collected(ex.add([ex.scaled(c, of_product(term, memory.symmetry)) for c, term in parts]), memory)
        return min(inside, of_product(node, memory.symmetry), key=length)
    return of_product(node, memory.symmetry) if isinstance(node, Contract) else of_function(node, memory.symmetry)


def _region(node: Expression, memory: Memory) -> Expression:
    """The shorter of a sum of products as it stands and multiplied out, each with common factors collected.

    Sums of numbers are not multiplied out: where they are polynomials, the author's brackets are as good as any.
    """
    best, symmetry = node, memory.symmetry
    worth = 1.0 if _has_identities(node) else WORTH
    for start in dict.fromkeys((node, opened(node, symmetry))):
        parts = multiplied_out(start) if _has_labels(node) else None
        if parts is None and start is not node:
            parts = ex.terms(start)
        if parts is None:
            continue
        units = alike([ex.split(of_product(ex.scaled(c, term), symmetry)) for c, term in parts], memory)
        flat = ex.add([ex.scaled(c, unit) for c, unit in units]) if units else ex.full(0, node.shape)
        if length(flat) <= HOPELESS * length(best):
            flat = collected(flat, memory)
            for candidate in (flat, of_product(flat, symmetry)):
                if length(candidate) < min(worth * length(node), length(best)):
                    best = candidate
    return best


def _has_labels(root: Expression) -> bool:
    """Is there an array in the sums and products under the root?"""
    return any(isinstance(node, Contract) and any(node.labels) for node in region(root))


def _has_identities(root: Expression) -> bool:
    """Is there a number times an identity matrix in a bracket, as in tr((t*eye(n) - A)*B), which nobody would write?"""
    brackets = {child for node in region(root) if isinstance(node, Contract) for child in node.children if isinstance(child, Add)}
    units = (unit for bracket in brackets for unit in bracket.children)
    return any(isinstance(unit, Contract) and any(map(ex.is_identity, unit.children)) and len(unit.children) > 1 for unit in units)
