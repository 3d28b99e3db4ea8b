"""Arrays put together from blocks, and the parts that are taken out of them again.

[A; B] is the sum of A and B, each embedded by a `Select`: [p = i]·A[i,j] + [p = m + i]·B[i,j]. A part of it is a sum over p with
another `Select`. Where the rows that are wanted are those of one block, the part is that block: the two meet, and are an identity
matrix, or 0. A choice goes down to the blocks through sums, products and functions of entries, where there are any; what stands
beside them, such as the b of [A; B]*x - b, is cut there.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from symgd.algebra import expression as ex
from symgd.algebra.dimension import ZERO, Dimension
from symgd.algebra.expression import Add, Along, Contract, Counter, Expression, Map, Select

_DEEPEST = 12  # functions of functions that a choice goes through
_Open = tuple[Expression, list[Hashable]]


class Part(NamedTuple):
    """The entries offset, offset + 1, … of an axis, `length` of them; None is the one entry, without the axis."""

    offset: Dimension
    length: Dimension | None

    @property
    def end(self) -> Dimension:
        return self.offset + (1 if self.length is None else self.length)

    def is_inside(self, length: Dimension) -> bool:
        return self.offset.at_least(0) is True and (length - self.end).at_least(0) is True


def part_of(node: Expression) -> Part | None:
    """The part that a `Select` chooses from its first axis: one entry, or entries side by side."""
    if not isinstance(node, Select) or node.coefficients not in ((), (1,)):
        return None
    return Part(node.offset, node.shape[1] if node.coefficients else None)


def taken(factors: list[_Open], out: Sequence[Hashable], sizes: dict[Hashable, Dimension]) -> list[_Open] | None:
    """The factors of a product once the parts chosen by summed labels are taken out of arrays of blocks.

    The list itself where there is nothing to do, None where the product is 0.
    """
    for k, (child, labels) in enumerate(factors):
        chosen = part_of(child)
        if chosen is None or labels[0] in out or labels[0] in labels[1:]:
            continue
        if chosen.length is not None and not chosen.is_inside(child.shape[0]):
            continue
        others = factors[:k] + factors[k + 1 :]
        taker = _Taker(chosen)
        carriers = [(node, theirs.index(labels[0])) for node, theirs in others if labels[0] in theirs]
        if carriers and not any(taker.meets(node, axis, 0) for node, axis in carriers):
            continue
        found = [taker.factor(one, labels) if labels[0] in one[1] else one for one in others]
        kept = [one for one in found if one is not None]
        if len(kept) < len(found):
            continue
        del sizes[labels[0]]
        return None if any(ex.is_zero(one) for one, _ in kept) else kept
    return factors


def _is_closed(node: Expression, axis: int) -> bool:
    """Is it an array that a choice of entries does not go into: a variable, an inverse, a function along the axis?"""
    if isinstance(node, Along):
        return axis == node.children[0].rank - 1
    return not isinstance(node, Select | Contract | Add | Map | Counter)


class _Taker:
    """Takes one part out of arrays; what it has been asked for already it knows."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.meeting: dict[tuple[Expression, int], bool] = {}
        self.known: dict[tuple[Expression, int], Expression | None] = {}

    def factor(self, factor: _Open, chosen: Sequence[Hashable]) -> _Open | None:
        """The factor with the label that is left in place of the one that is chosen from."""
        node: Expression | None = factor[0]
        place, rest = chosen[0], list(chosen[1:])
        labels = list(factor[1])
        while node is not None and place in labels:
            axis = labels.index(place)
            node = self.taken(node, axis, 0)
            labels[axis : axis + 1] = rest
        return None if node is None else (node, labels)

    def meets(self, node: Expression, axis: int, depth: int) -> bool:
        """Does the choice come upon a `Select` somewhere inside? Identity matrices, which leave everything in its place, do not count."""
        key = node, axis
        if key not in self.meeting:
            if isinstance(node, Select) or depth > _DEEPEST or _is_closed(node, axis):
                self.meeting[key] = isinstance(node, Select) and not ex.is_identity(node)
            elif isinstance(node, Contract):
                carriers = [(child, labels.index(axis)) for child, labels in node.factors if axis in labels]
                self.meeting[key] = any(self.meets(child, at, depth + 1) for child, at in carriers)
            else:
                self.meeting[key] = any(self.meets(child, axis, depth + 1) for child in node.children)
        return self.meeting[key]

    def taken(self, node: Expression, axis: int, depth: int) -> Expression | None:
        """The part of one axis of the node, where the node is made of blocks along it; None where it is not, or it cannot be told."""
        key = node, axis
        if key not in self.known:
            self.known[key] = None if depth > _DEEPEST else self._taken(node, axis, depth + 1)
        return self.known[key]

    def _taken(self, node: Expression, axis: int, depth: int) -> Expression | None:
        if _is_closed(node, axis):
            return self._cut(node, axis)
        if isinstance(node, Select):
            return self._of_select(node, axis)
        if isinstance(node, Contract):
            return self._of_product(node, axis, depth)
        if isinstance(node, Add):
            children = self._all(node, axis, depth)
            if children is None:
                return None
            return ex.add([ex.scaled(c * inner, term) for c, child in zip(node.coefficients, children) for inner, term in ex.terms(child)])
        if isinstance(node, Map):
            children = self._all(node, axis, depth)
            return None if children is None else ex.rebuilt(node, children)
        if isinstance(node, Counter):
            start, length = node.start + self.part.offset, self.part.length
            return ex.size(start) if length is None else ex.counter(start, length)
        assert isinstance(node, Along)
        inner = self.taken(node.children[0], axis, depth)
        return None if inner is None else ex.along(node.function, inner)

    def _cut(self, node: Expression, axis: int) -> Expression:
        """The part of an array, as a product with the choice."""
        labels: list[Hashable] = list(range(node.rank))
        own, dimensions = ([], ()) if self.part.length is None else (["part"], (self.part.length,))
        chosen = ex.select(node.shape[axis], self.part.offset, (1,) * len(own), dimensions)
        return ex.contract(1, [(node, labels), (chosen, [axis, *own])], [*labels[:axis], *own, *labels[axis + 1 :]])

    def _all(self, node: Expression, axis: int, depth: int) -> list[Expression] | None:
        found = []
        for child in node.children:
            inner = self.taken(child, axis, depth)
            if inner is None:
                return None
            found.append(inner)
        return found

    def _of_product(self, node: Contract, axis: int, depth: int) -> Expression | None:
        own = ["part"] if self.part.length is not None else []
        factors: list[_Open] = []
        for child, inside in node.factors:
            labels: list[Hashable] = list(inside)
            inner: Expression | None = child
            while inner is not None and axis in labels:
                at = labels.index(axis)
                inner = self.taken(inner, at, depth)
                labels[at : at + 1] = own
            if inner is None:
                return None
            factors.append((inner, labels))
        sizes: dict[Hashable, Dimension] = {label: size for label, size in node.dimensions().items() if label != axis}
        if self.part.length is not None:
            sizes["part"] = self.part.length
        out: list[Hashable] = list(range(node.rank))
        out[axis : axis + 1] = own
        return ex.contract(node.coefficient, factors, out, sizes)

    def _of_select(self, node: Select, axis: int) -> Expression | None:
        if axis > 0:
            return self._shifted(node, axis - 1)
        block = part_of(node)
        if block is None:
            return None
        return self._met(block) if self.part.length is not None else self._entry(block)

    def _shifted(self, node: Select, at: int) -> Expression:
        """One of the indices that the place is made of, with the part in its place."""
        coefficient, (offset, length) = node.coefficients[at], self.part
        before, after = slice(0, at), slice(at + 1, None)
        inner, dimensions = node.coefficients, node.shape[1:]
        return ex.select(
            node.shape[0],
            node.offset + offset * Dimension.of(coefficient),
            (*inner[before], *(() if length is None else (coefficient,)), *inner[after]),
            (*dimensions[before], *(() if length is None else (length,)), *dimensions[after]),
        )

    def _met(self, block: Part) -> Expression | None:
        """[j, i] or [j], j running over the part: 1 where it is the place of entry i of the block."""
        length = self.part.length
        assert length is not None
        ahead = block.offset - self.part.offset
        if (block.offset - self.part.end).at_least(0) or (self.part.offset - block.end).at_least(0):
            return ex.full(0, (length,) if block.length is None else (length, block.length))
        if block.is_inside(self.part.end) and ahead.at_least(0):
            return ex.select(length, ahead, () if block.length is None else (1,), () if block.length is None else (block.length,))
        if block.length is not None and (-ahead).at_least(0) and (block.end - self.part.end).at_least(0):
            return ex.transposed(ex.select(block.length, -ahead, (1,), (length,)), (1, 0))
        return None

    def _entry(self, block: Part) -> Expression | None:
        """[i] or a number: 1 where entry i of the block is the entry that is chosen."""
        at = self.part.offset - block.offset
        if (-at).at_least(1) or (self.part.offset - block.end).at_least(0):
            return ex.full(0, () if block.length is None else (block.length,))
        if block.length is None:
            return ex.constant(1) if at == ZERO else None
        return ex.select(block.length, at) if Part(at, None).is_inside(block.length) else None
