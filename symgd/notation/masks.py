"""Triangles and bands: products with [j <= i + k], which is 1 on and below a diagonal and else 0, read back as tril, triu, band."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Contract, Counter, Expression, Factor, Map
from symgd.notation import presentation as show
from symgd.notation.presentation import Tree
from symgd.notation.terms import dimension_tree


class Bounds(NamedTuple):
    """The diagonals that are kept: from `below` below the main one to `above` above it; None is all of them."""

    below: Dimension | None
    above: Dimension | None

    def and_also(self, other: Bounds) -> Bounds | None:
        """Both at once; None where that would be two bounds of one kind."""
        pairs = list(zip(self, other))
        if any(None not in pair for pair in pairs):
            return None
        return Bounds(*[one if one is not None else two for one, two in pairs])

    @property
    def turned(self) -> Bounds:
        return Bounds(self.above, self.below)

    def tree(self, matrix: Tree) -> Tree:
        """`tril(X)`, `tril(X, k)`, `triu(X)`, `band(X, p, q)`."""
        if self.below is not None and self.above is not None:
            return show.Call("band", (matrix, dimension_tree(self.below), dimension_tree(self.above)))
        name, k = ("tril", self.above) if self.above is not None else ("triu", -self.below if self.below is not None else None)
        return show.Call(name, (matrix, dimension_tree(k)) if k is not None and k.terms else (matrix,))


def bounds_of(node: Expression) -> Bounds | None:
    """What the node keeps of a matrix that it is multiplied with, if it is a comparison of row and column numbers."""
    if not isinstance(node, Map) or node.function.name != "less_equal" or node.rank != 2:
        return None
    (one, first), (two, second) = map(_counted, node.children)
    if one is None or two is None or first == second:
        return None
    ahead = two.start - one.start
    return Bounds(ahead, None) if first == 0 else Bounds(None, ahead)


def _counted(node: Expression) -> tuple[Counter | None, int]:
    """The counter that the node repeats along its other axis, and the axis it counts along."""
    if isinstance(node, Contract) and node.coefficient == 1 and len(node.children) == 1 and isinstance(node.children[0], Counter):
        return node.children[0], node.labels[0][0]
    return None, 0


def split(node: Contract) -> tuple[Bounds, Expression] | None:
    """A matrix as the triangle or band of another."""
    if node.rank != 2:
        return None
    found, rest = Bounds(None, None), list[Factor]()
    for child, labels in node.factors:
        own = bounds_of(child) if set(labels) == {0, 1} else None
        both = found.and_also(own if labels == (0, 1) else own.turned) if own else None
        if both is None:
            rest.append((child, labels))
        else:
            found = both
    if found == Bounds(None, None):
        return None
    return found, ex.contract(node.coefficient, rest, (0, 1), _sizes(node))


def paired(node: Contract) -> Contract:
    """The product with every comparison of row and column numbers put together with a matrix of these rows and columns."""
    masks = [(child, labels) for child, labels in node.factors if bounds_of(child) and labels[0] != labels[1]]
    others = [factor for factor in node.factors if factor not in masks and not _is_one(*factor)]
    if not others or len(others) == len(node.factors):
        return node
    for mask, labels in masks:
        k = next((k for k, (_, theirs) in enumerate(others) if set(labels) <= set(theirs) and len(theirs) == 2), None)
        if k is None:
            others.append((mask, labels))
        else:
            child, theirs = others[k]
            others[k] = ex.contract(1, [(child, theirs), (mask, labels)], theirs), theirs
    made = ex.contract(node.coefficient, others, range(node.rank), _sizes(node))
    return made if isinstance(made, Contract) else node


def _is_one(child: Expression, labels: tuple[int, ...]) -> bool:
    """Is it the diagonal of a triangle or band that keeps its diagonal?"""
    kept = bounds_of(child)
    if kept is None or labels[0] != labels[1]:
        return False
    return all(bound is None or bound.at_least(0) is True for bound in kept)


def _sizes(node: Contract) -> dict[Hashable, Dimension]:
    carried: set[Hashable] = {label for labels in node.labels for label in labels}
    return {label: size for label, size in node.dimensions().items() if label in carried or label < node.rank}


def ones(shape: Sequence[Dimension]) -> Tree:
    return show.Call("ones", tuple(map(dimension_tree, shape)))
