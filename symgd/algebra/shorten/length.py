"""How long an expression is when it is written in matrix notation: an estimate in tokens, that rules are judged by."""

from __future__ import annotations

import weakref
from collections import Counter
from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.algebra.canonical import is_symmetric
from symgd.algebra.connected import connected
from symgd.algebra.expression import (
    Add,
    Along,
    Constant,
    Contract,
    Expression,
    Irrational,
    Leaf,
    Map,
    MatrixFunction,
    Select,
    Size,
    Stack,
    Unknown,
)
from symgd.algebra.functions.table import POWER

CALL = 3  # a name and two brackets
BRACKETS = 2
AWAY = 8  # what is written with indices

_known: weakref.WeakKeyDictionary[Expression, int] = weakref.WeakKeyDictionary()


def length(root: Expression) -> int:
    """The tokens of the expression, shared parts as often as they are used."""
    if root not in _known:
        for node in ex.topological(root):
            if node not in _known:
                _known[node] = _own(node)
    return _known[root]


def of_number(value: Fraction) -> int:
    """Tokens of a factor in front: none for 1, `2*`, `/2`, `3*…/2`."""
    value = abs(value)
    return 2 * (value.numerator != 1) + 2 * (value.denominator != 1)


def _own(node: Expression) -> int:
    if isinstance(node, Leaf | Irrational):
        return 1
    if isinstance(node, Constant):
        return 1 + 2 * (node.value.denominator != 1) + (node.value < 0)
    if isinstance(node, Size):
        return 2 * sum(len(monomial) or 1 for monomial, _ in node.dimension.terms) - 1
    if isinstance(node, Select):
        return CALL + 1 if ex.is_identity(node) else CALL if len(node.coefficients) > 1 else AWAY
    if isinstance(node, Add):
        inner = sum(_shown(child) if node.rank < 2 else _known[child] for child in node.children)
        inner += 4 * AWAY * (node.rank > 2)  # a sum of products of matrices can be written, a product with such a sum cannot
        return inner + sum(map(of_number, node.coefficients)) + len(node.children) - any(c > 0 for c in node.coefficients)
    if isinstance(node, Contract):
        return _product(node)
    if isinstance(node, Map):
        return _map(node)
    inner = sum(_known[child] for child in node.children)
    if isinstance(node, Along | MatrixFunction):
        return CALL + inner + 4 * (isinstance(node, Along) and node.rank > 0 and node.children[0].rank == 2)
    if isinstance(node, Stack | Unknown):
        return CALL + inner + len(node.children)
    return AWAY


def _map(node: Map) -> int:
    inner = sum(_shown(child) for child in node.children)
    if node.function is not POWER:
        return CALL + inner + len(node.children) - 1
    base, exponent = _plain(node.children[0]), ex.constant_value(node.children[1])
    bracketed = BRACKETS * isinstance(base, Add | Contract)
    if exponent is None:
        return inner + 1 + bracketed + BRACKETS * isinstance(node.children[1], Add | Contract)
    if abs(exponent) == 1:
        return _known[base] + bracketed
    return _known[base] + bracketed + 2 + 4 * (exponent.denominator != 1)


def _shown(node: Expression) -> int:
    """The length of an argument or a term, where a broadcast number is written as the number."""
    return 1 if isinstance(node, Contract) and not node.children else _known[_plain(node)]


def _plain(node: Expression) -> Expression:
    """A broadcast number as the number."""
    if isinstance(node, Contract) and len(node.children) == 1 and node.labels == ((),) and node.coefficient == 1:
        return node.children[0]
    return node


def _product(node: Contract) -> int:
    """Factors with signs between them, brackets around sums, diag around vectors between matrices, ones where nothing varies."""
    if not node.children:
        return 1 + (CALL + 1) * node.rank
    total = of_number(node.coefficient) + len(node.children) - 1 + (node.coefficient < 0)
    matrices = Counter(label for child, labels in node.factors if child.rank > 1 and not ex.is_identity(child) for label in labels)
    seen, diagonal = set[int](), set[int]()
    scaled = {label for child, labels in node.factors if child.rank == 1 for label in labels}
    for child, labels in node.factors:
        if ex.is_identity(child) and scaled.intersection(labels):
            total += CALL - 1  # the identity matrix with a vector on it is diag(v)
            scaled = set()
            seen.update(labels)
            continue
        total += _known[child]
        if child.rank == 1 and (matrices[labels[0]] > 1 or (labels[0] < node.rank and matrices[labels[0]])) and labels[0] not in diagonal:
            total += CALL
            diagonal.add(labels[0])
        elif isinstance(child, Add) and (len(node.children) > 1 or node.coefficient != 1):
            total += BRACKETS
        seen.update(labels)
        if child.rank > 2:
            total += AWAY
    total += sum(CALL + 2 for label in range(node.rank) if label not in seen)
    # A matrix whose rows or columns are summed is multiplied by ones; over both, it is one sum.
    carriers = Counter(label for labels in node.labels for label in labels)
    for child, labels in node.factors:
        alone = [label for label in labels if label >= node.rank and carriers[label] == 1]
        total += (CALL + 3) * (child.rank == 2 and len(alone) == 1)
    return total + _of_scalars(node) + _turned(node)


def _turned(node: Contract) -> int:
    """The transposes in a product that is read from its first axis to its last, and those of matrices multiplied entry by entry."""
    left = [(child, labels) for child, labels in node.factors if labels and child.rank <= 2]
    by_entry = [factor for factor in left if node.rank == 2 and set(factor[1]) == {0, 1}]
    count, at = 0, 0
    if len(by_entry) > 1:
        count = sum(labels == (1, 0) and not is_symmetric(child) for child, labels in by_entry)
        left = [factor for factor in left if factor not in by_entry]
    for start, side in ((0, 1), (1, 0)):
        at = start
        while start < node.rank:
            step = next((factor for factor in left if at in factor[1]), None)
            if step is None:
                break
            left.remove(step)
            child, labels = step
            if child.rank == 1:
                count += start and at == start
                continue
            turned = labels[0] != at
            count += turned == (side == 1) and not is_symmetric(child)
            at = labels[0] if turned else labels[1]
    return count


def _of_scalars(node: Contract) -> int:
    """What is written around the pieces of a product, connected by summed labels, that no axis of the result stands on.

    The sum of one vector is a call, whose brackets serve a sum inside it; others need a transpose, a trace or a sum.
    """
    total = 0
    for group in connected(node.labels, node.rank):
        if any(label < node.rank for k in group for label in node.labels[k]):
            continue
        child = node.children[group[0]]
        inside = BRACKETS * (isinstance(child, Add) and (len(node.children) > 1 or node.coefficient != 1))
        total += CALL - inside if len(group) == 1 else 2
    return total
