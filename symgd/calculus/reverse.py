"""Reverse mode on the expression: one rule per node class, one visit per node.

`adjoints(root, targets)` returns, for each target, the array J[r…, t…] = ∂root[r…] / ∂target[t…]: the axes of the root first,
then those of the target. For a scalar root that is the gradient, in the shape of the target; the cost is a few operations per
operation of the root, whatever the number of targets.

Rules keep this contract: given `g`, the adjoint of a node (its last axes are those of the node, before them come the axes of
the root), they return the contribution to each child that depends on a target, in the same form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import (
    Add,
    Along,
    Contract,
    Expression,
    Leaf,
    Map,
    MatrixFunction,
    Stack,
    Unknown,
)
from symgd.errors import NoRuleError

Active = set[Expression]  # the nodes that depend on a target
Contributions = Iterator[tuple[Expression, Expression]]  # (child, its share of the adjoint)
Rule = Callable[..., Contributions]  # of a node, its adjoint, and the active nodes


def adjoints(root: Expression, targets: Sequence[Leaf], instead: Mapping[Expression, Rule] | None = None) -> dict[Leaf, Expression]:
    """∂root/∂target for each target: see the module. `instead` has rules for single nodes, in place of that of their class."""
    order = ex.topological(root)
    active: set[Expression] = set(targets)
    for node in order:
        if any(child in active for child in node.children):
            active.add(node)
    shares: dict[Expression, list[Expression]] = {root: [_seed(root)]}
    found: dict[Leaf, Expression] = {}
    for node in reversed(order):
        if node not in active or node not in shares:
            continue
        adjoint = ex.add(reversed(shares.pop(node)))  # in the order of the parents, so that terms stand as the author put them
        if isinstance(node, Leaf):
            found[node] = adjoint
            continue
        rule = instead[node] if instead and node in instead else RULES[type(node)]
        for child, share in rule(node, adjoint, active):
            if not ex.is_zero(share):
                shares.setdefault(child, []).append(share)
    return {target: found.get(target, ex.full(0, root.shape + target.shape)) for target in targets}


def kinks(root: Expression, targets: Sequence[Leaf]) -> list[tuple[Map, Expression]]:
    """The functions with kinks that stand between the root and a target, each with what reaches the kink: its argument, or the
    difference of two arguments (max, min, comparisons, clip), which is 0 there."""
    order = ex.topological(root)
    active: set[Expression] = set(targets)
    found = []
    for node in order:
        if any(child in active for child in node.children):
            active.add(node)
            if isinstance(node, Map) and node.function.kinks:
                first, *others = node.children
                reaching = [ex.add((first, ex.negative(other))) for other in others] or [first]
                found += [(node, crossing) for crossing in reaching if ex.constant_value(crossing) is None]
    return found


def _seed(root: Expression) -> Expression:
    """∂root/∂root: a product of identity matrices."""
    axes = range(root.rank)
    factors = [(ex.identity(length), (("r", k), k)) for k, length in enumerate(root.shape)]
    return ex.contract(1, factors, [*(("r", k) for k in axes), *axes])


def _leading(adjoint: Expression, node: Expression) -> list[object]:
    """Labels for the axes of the root, in front of those of the node."""
    return [("r", k) for k in range(adjoint.rank - node.rank)]


def _add(node: Add, adjoint: Expression, active: Active) -> Contributions:
    for coefficient, child in node.terms:
        if child in active:
            yield child, ex.scaled(coefficient, adjoint)


def _contract(node: Contract, adjoint: Expression, active: Active) -> Contributions:
    if not any(node.labels) and not node.shape:
        yield from _scalar_factors(node, ex.scaled(node.coefficient, adjoint), active)
        return
    front = _leading(adjoint, node)
    whole = (adjoint, (*front, *range(node.rank)))
    sizes = node.dimensions()
    for k, (child, labels) in enumerate(node.factors):
        if child not in active:
            continue
        others = [factor for j, factor in enumerate(node.factors) if j != k]
        # A label that the factor repeats (a diagonal) gets an identity matrix, so that every axis has a label of its own.
        axes: list[object] = list(labels)
        diagonal: list[tuple[Expression, Sequence[object]]] = []
        for position, label in enumerate(labels):
            if label in labels[:position]:
                axes[position] = ("d", position)
                diagonal.append((ex.identity(child.shape[position]), (label, axes[position])))
        yield child, ex.contract(node.coefficient, [whole, *others, *diagonal], [*front, *axes], sizes)


def _scalar_factors(node: Contract, adjoint: Expression, active: Active) -> Contributions:
    """Of a product of n numbers, each by products of those before and of those after it: 3 operations a factor, not n."""
    before = [adjoint]
    for child in node.children[:-1]:
        before.append(ex.multiply(before[-1], child))
    after: Expression = ex.constant(1)
    for child, front in zip(reversed(node.children), reversed(before)):
        if child in active:
            yield child, ex.multiply(front, after)
        after = ex.multiply(child, after)


def _map(node: Map, adjoint: Expression, active: Active) -> Contributions:
    front, axes = _leading(adjoint, node), tuple(range(node.rank))
    for child, partial in zip(node.children, node.function.derivative):
        if child in active:
            slope = ex.broadcast(ex.constant(partial(*node.children)), node.shape)
            whole = (*front, *axes)
            yield child, ex.contract(1, [(adjoint, whole), (slope, axes)], whole) if front else ex.multiply(adjoint, slope)


def _function(node: Along | MatrixFunction, adjoint: Expression, active: Active) -> Contributions:
    child, *scalars = node.children
    if any(scalar in active for scalar in scalars):
        raise NoRuleError("the exponent of a matrix power cannot be derived by.", hint="It is a whole number: derive by another variable.")
    yield child, node.function.pullback(adjoint, child, node, *scalars)


def _stack(node: Stack, adjoint: Expression, active: Active) -> Contributions:
    axis = adjoint.rank - node.rank
    for k, child in enumerate(node.children):
        if child in active:
            yield child, ex.element(adjoint, axis, Dimension.of(k))


def _unknown(node: Unknown, adjoint: Expression, active: Active) -> Contributions:
    front = _leading(adjoint, node)
    for k, child in enumerate(node.children):
        if child in active:
            orders = tuple(order + (j == k) for j, order in enumerate(node.orders))
            slope = ex.unknown(node.name, node.children, orders)
            # The new axes stand behind those of the orders there were by the same argument.
            before = sum(own.rank * order for own, order in zip(node.children[: k + 1], node.orders))
            new = tuple(("u", j) for j in range(child.rank))
            axes = (*range(before), *new, *range(before, node.rank))
            yield child, ex.contract(1, [(adjoint, (*front, *range(node.rank))), (slope, axes)], [*front, *new])


RULES: dict[type, Rule] = {
    Add: _add,
    Contract: _contract,
    Map: _map,
    Along: _function,
    MatrixFunction: _function,
    Stack: _stack,
    Unknown: _unknown,
}
