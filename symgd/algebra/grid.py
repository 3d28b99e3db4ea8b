"""Sums of embedded arrays as arrays of blocks, [A, B; C, D]: where every block stands.

Every embedded array has a box, its rows and columns in the whole. Boxes that do not overlap make one array of blocks: it is cut
along its rows where no box is cut, each strip along its columns, and so on; what no box fills is zeros.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Union

from symgd.algebra import expression as ex
from symgd.algebra.blocks import part_of
from symgd.algebra.dimension import ONE, ZERO, Dimension
from symgd.algebra.expression import Contract, Expression, Select

_MOST = 64  # boxes


@dataclass(frozen=True, slots=True)
class Span:
    """Places from `start` (inclusive) to `end`, counted from 0."""

    start: Dimension
    end: Dimension

    @property
    def length(self) -> Dimension:
        return self.end - self.start

    def is_apart(self, other: Span) -> bool:
        return bool((other.start - self.end).at_least(0) or (self.start - other.end).at_least(0))

    def is_in(self, other: Span) -> bool:
        return bool((self.start - other.start).at_least(0) and (other.end - self.end).at_least(0))


@dataclass(frozen=True, slots=True)
class Box:
    """coefficient × an array, in its place: `node` has an axis for the rows and one for the columns where `axes` says so."""

    rows: Span
    columns: Span
    coefficient: Fraction
    node: Expression
    axes: tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class Zeros:
    """A block that nothing fills."""

    rows: Dimension
    columns: Dimension


Block = Union[Box, Zeros, "Grid"]
Grid = tuple[tuple[Block, ...], ...]


def layers(terms: Iterable[tuple[Fraction, Expression]]) -> tuple[list[Grid], list[tuple[Fraction, Expression]]] | None:
    """A sum as a sum of arrays of blocks, and its other terms; None where its boxes cannot be laid out."""
    found: list[list[Box]] = []
    others: list[tuple[Fraction, Expression]] = []
    shape: tuple[Dimension, ...] = ()
    for coefficient, node in terms:
        box = _box(coefficient, node)
        if box is None:
            others.append((coefficient, node))
            continue
        shape = node.shape
        layer = next((layer for layer in found if all(_are_apart(box, other) for other in layer)), None)
        if layer is None:
            layer = []
            found.append(layer)
        layer.append(box)
        if len(layer) > _MOST or len(found) > _MOST:
            return None
    if not found:
        return None
    whole = Span(ZERO, shape[0]), Span(ZERO, shape[1] if len(shape) > 1 else ONE)
    grids = []
    for boxes in found:
        if all(not any(box.axes) for box in boxes):
            return None  # entries: they are written as a literal, or by index
        grid = _laid_out(boxes, *whole)
        if not isinstance(grid, tuple):
            return None
        grids.append(grid)
    return grids, others


def _box(coefficient: Fraction, node: Expression) -> Box | None:
    """The array that is embedded, with its place; None where the node fills its shape."""
    if not isinstance(node, Contract | Select) or node.rank > 2:
        return None
    if isinstance(node, Contract):
        coefficient *= node.coefficient
    factors = list(node.factors) if isinstance(node, Contract) else [(node, tuple(range(node.rank)))]
    lengths = node.dimensions() if isinstance(node, Contract) else dict(enumerate(node.shape))
    spans, axes, out = [], [], list[Hashable]()
    rest: list[tuple[Expression, Sequence[Hashable]]] = []
    used: list[int] = []
    for axis in range(node.rank):
        span, length = Span(ZERO, node.shape[axis]), node.shape[axis]
        carriers = [k for k, (_, labels) in enumerate(factors) if axis in labels]
        chooser, labels = factors[carriers[0]] if len(carriers) == 1 else (node, ())
        part = part_of(chooser) if labels[:1] == (axis,) and labels[1:] != (axis,) and not ex.is_identity(chooser) else None
        if part is not None:
            if not part.is_inside(length):
                return None
            span = Span(part.offset, part.end)
            used.append(carriers[0])
        if part is None or part.length is not None:
            out.append(("block", axis))
            own = labels[1] if part is not None else axis
            rest.append((ex.identity(span.length), (("block", axis), own)))
        if not span.length.at_least(1):
            return None
        spans.append(span)
        axes.append(part is None or part.length is not None)
    if not used:
        return None
    rest += [factor for k, factor in enumerate(factors) if k not in used]
    kept = {label for _, labels in rest for label in labels}
    cell = ex.contract(1, rest, out, {label: size for label, size in lengths.items() if label in kept or label not in range(node.rank)})
    if node.rank == 1:
        return Box(spans[0], Span(ZERO, ONE), coefficient, cell, (axes[0], False))
    return Box(spans[0], spans[1], coefficient, cell, (axes[0], axes[1]))


def _are_apart(one: Box, other: Box) -> bool:
    return one.rows.is_apart(other.rows) or one.columns.is_apart(other.columns)


def _laid_out(boxes: Sequence[Box], rows: Span, columns: Span) -> Block | None:
    """The boxes as blocks of the region between these rows and columns."""
    if not boxes:
        return Zeros(rows.length, columns.length)
    if len(boxes) == 1 and boxes[0].rows == rows and boxes[0].columns == columns:
        return boxes[0]
    strips = _cut([box.rows for box in boxes], rows)
    if strips is None:
        return None
    grid = []
    for strip in strips:
        inside = [box for box in boxes if box.rows.is_in(strip)]
        parts = _cut([box.columns for box in inside], columns)
        if parts is None or len(strips) == len(parts) == 1:
            return None
        row = []
        for part in parts:
            block = _laid_out([box for box in inside if box.columns.is_in(part)], strip, part)
            if block is None:
                return None
            row.append(block)
        grid.append(tuple(row))
    return tuple(grid)


def _cut(spans: Sequence[Span], whole: Span) -> list[Span] | None:
    """The whole cut at the ends of the spans, wherever that cuts none of them; None where their order depends on sizes."""
    waiting = {end for span in spans for end in (span.start, span.end)} | {whole.end}
    waiting.discard(whole.start)
    found, start = [], whole.start
    while waiting:
        at = next((end for end in waiting if all((other - end).at_least(0) for other in waiting)), None)
        if at is None or not (at - start).at_least(1):
            return None
        waiting.remove(at)
        if all((span.start - at).at_least(0) or (at - span.end).at_least(0) for span in spans):
            found.append(Span(start, at))
            start = at
    return found
