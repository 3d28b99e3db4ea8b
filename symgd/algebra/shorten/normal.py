"""The form that proofs compare: every rule applied, inverses opened, of an inverse and its transpose always the same one."""

from __future__ import annotations

from symgd.algebra import expression as ex
from symgd.algebra.canonical import canonical, turned
from symgd.algebra.expression import Expression, MatrixFunction
from symgd.algebra.shorten.rule import named
from symgd.algebra.shorten.rules import opened
from symgd.algebra.shorten.shorten import shortened
from symgd.algebra.simplify import simplified


def normal_form(root: Expression) -> Expression:
    """Equal expressions often have equal normal forms; different ones prove nothing. Declared symmetry is used."""
    done: dict[Expression, Expression] = {}
    for node in ex.topological(simplified(root, symmetry=True)):
        found = ex.rebuilt(node, [done[child] for child in node.children])
        done[node] = _upright(opened(found, True)) if isinstance(found, MatrixFunction) else found
    return shortened(simplified(done[node], symmetry=True), symmetry=True)


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
