"""The form that proofs compare: every rule applied, inverses opened, of an inverse and its transpose always the same one."""

from __future__ import annotations

from collections.abc import Sequence

from symgd.algebra import expression as ex
from symgd.algebra.canonical import canonical, turned
from symgd.algebra.expression import Add, Contract, Expression, Map, MatrixFunction
from symgd.algebra.shorten.rule import named
from symgd.algebra.shorten.rules import opened
from symgd.algebra.shorten.shorten import shortened
from symgd.algebra.simplify import simplified
from symgd.algebra.trampoline import Task, run


def normal_form(root: Expression) -> Expression:
    """Equal expressions often have equal normal forms; different ones prove nothing. Declared symmetry is used."""
    done: dict[Expression, Expression] = {}
    for node in ex.topological(simplified(root, symmetry=True)):
        found = ex.rebuilt(node, [done[child] for child in node.children])
        if isinstance(found, MatrixFunction):
            found = _upright(opened(found, True))
        elif isinstance(found, Contract):
            found = run(_entry(found, range(found.rank)))
        done[node] = found
    return shortened(simplified(done[node], symmetry=True), symmetry=True)


def _entry(node: Expression, labels: Sequence[int]) -> Task[Expression]:
    """The node with its axes called by `labels`, those of one label as one: the diagonal of what works entry by entry is of the diagonals.

    So f(Q)[i,i] is f(Q[i,i]).
    """
    axes = tuple(dict.fromkeys(labels))
    if isinstance(node, Contract):
        called = dict(enumerate(labels))
        fresh = max(labels, default=-1) + 1
        sizes = {called.get(x, fresh + x): size for x, size in node.dimensions().items()}
        factors = []
        for child, inside in node.factors:
            own = [called.get(x, fresh + x) for x in inside]
            if len(set(own)) < len(own):
                child = yield _entry(child, own)
                own = list(dict.fromkeys(own))
            factors.append((child, own))
        return ex.contract(node.coefficient, factors, axes, sizes)
    if len(axes) == len(labels) or not isinstance(node, Map | Add):
        return ex.contract(1, [(node, labels)], axes)
    children = []
    for child in node.children:
        children.append((yield _entry(child, labels)))
    return ex.rebuilt(node, children)


def _upright(node: Expression) -> Expression:
    """inv(M) as inv(M')' where M' comes first, and det(M) as det(M')."""
    if not (isinstance(node, MatrixFunction) and len(node.children) == 1 and node.children[0].rank == 2):
        return node
    (inside,) = node.children
    other = canonical(turned(inside))
    if other.digest >= canonical(inside).digest:
        return node
    found = ex.of_matrix(node.function, other)
    return ex.transposed(found, (1, 0)) if named(node, "inv") else found
