"""The instructions of a program: one row per kind, with the shape it makes and the operations it costs.

Shapes are those of torch: axes by position, an axis of length 1 stretches to any length where two arrays meet entry by
entry. How a row is written in torch stands in `torch_source`, one template per row; that table is checked against this one
when it is imported.

    kind        detail                                   result
    input       position in the program's inputs         the array given
    number      Number                                   a Python number, no tensor
    full        Number                                   a tensor full of the number
    literal     nested tuples of Fractions               a tensor of constants
    arange      start                                    start, start + 1, …
    delta       offset, coefficients                     the dense array of a `Select`
    add         coefficient c                            a + c·b
    multiply                                             a·b
    divide                                               a / b
    scale       Number                                   a × number
    power       rational exponent                        a ^ exponent
    map         row, form                                an elementwise function
    along       row, form                                a function of the last axis
    matrix      row, form                                a function of the last two axes, and of one number each
    sum         axes                                     the sum over them
    dot                                                  the sum of a·b over all entries
    matmul                                               torch's a @ b
    tensordot   axes of a, axes of b                     the sum of products over paired axes; the rest of a, then of b
    einsum      labels of a, of b, of the result         the general product
    arrange     for each axis an input axis or None      axes permuted, axes of length 1 put in
    expand                                               axes of length 1 stretched to the stated shape
    diagonal    two axes                                 the diagonal, as the last axis
    embed                                                the last axis as the diagonal of the last two
    flatten     axis, how many                           these axes as one, the last running fastest
    unflatten   axis, lengths                            the reverse
    take        axis, position                           the slice at the position
    window      axis, offset, length                     out[i] = a[i + offset], 0 outside
    gather      axis, offset, coefficients, lengths,     out[…, k, l, …] = a[…, offset + coefficients·(k, l), …], 0 outside
                inside
    scatter     axis, offset, coefficients, length,      out[…, p, …] = Σ a[…, k, l, …] over offset + coefficients·(k, l) = p
                inside
    place       positions, length                        the inputs at these positions of a new first axis, 0 elsewhere
    stack                                                the inputs along a new first axis
    cat         axis                                     the inputs side by side along it
    clone                                                a copy with storage of its own

`inside` says that no position lies outside whatever the sizes are, so that no mask is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import prod
from typing import Any

from symgd.algebra.dimension import ONE, ZERO, Dimension, Shape, shape_text


@dataclass(frozen=True, slots=True)
class Kind:
    """`inputs` is how many values it takes (None: any number); `is_view` says that the result shares storage with the first;
    `shape` gives the result's shape from (detail, shapes of inputs, stated shape); `count` the operations from the same."""

    name: str
    inputs: int | None
    is_view: bool
    shape: Callable[[Any, Sequence[Shape], Shape], Shape]
    count: Callable[[Any, Sequence[Shape], Shape], Dimension]


class ShapeFault(Exception):
    """Shapes that an instruction cannot take: a fault of symgd, found by `Program.validate`."""


def entries(shape: Shape) -> Dimension:
    """How many entries an array of this shape has."""
    return prod(shape, start=ONE)


def broadcast_shape(shapes: Sequence[Shape]) -> Shape:
    """The shape of arrays that meet entry by entry."""
    out: list[Dimension] = []
    for lengths in zip_longest(*map(reversed, shapes), fillvalue=ONE):
        proper = set(lengths) - {ONE}
        if len(proper) > 1:
            raise ShapeFault(f"arrays of shapes {', '.join(map(shape_text, shapes))} meet entry by entry")
        out.append(proper.pop() if proper else ONE)
    return tuple(reversed(out))


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise ShapeFault(reason)


# ---- shapes ----------------------------------------------------------------------------------------------------------


def _stated(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    return stated


def _entrywise(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    return broadcast_shape(shapes)


def _along(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    _require(len(shapes[0]) >= 1, "a function along an axis of a scalar")
    return shapes[0] if detail[0].keeps_axis else shapes[0][:-1]


def _matrix(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    shape = shapes[0]
    _require(len(shape) >= 2 and shape[-1] == shape[-2], f"a function of a square matrix of {shape_text(shape)}")
    return shape if detail[0].keeps_axes else shape[:-2]


def _sum(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    _require(all(0 <= axis < len(shapes[0]) for axis in detail), "a sum over an axis that is not there")
    return tuple(length for axis, length in enumerate(shapes[0]) if axis not in detail)


def _dot(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    _require(shapes[0] == shapes[1], f"a dot product of {shape_text(shapes[0])} and {shape_text(shapes[1])}")
    return ()


def _matmul(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    a, b = shapes
    _require(bool(a) and bool(b), "a matrix product of a scalar")
    _require(a[-1] == b[-2 if len(b) > 1 else 0], f"a matrix product of {shape_text(a)} and {shape_text(b)}")
    batch = broadcast_shape((a[:-2], b[:-2]))
    return (*batch, *(a[-2:-1] if len(a) > 1 else ()), *(b[-1:] if len(b) > 1 else ()))


def _tensordot(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    a, b = shapes
    _require([a[k] for k in detail[0]] == [b[k] for k in detail[1]], "a tensordot over axes of different lengths")
    rest = [length for k, length in enumerate(a) if k not in detail[0]]
    return (*rest, *[length for k, length in enumerate(b) if k not in detail[1]])


def _einsum(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    sizes: dict[int, Dimension] = {}
    for labels, shape in zip(detail[:-1], shapes, strict=True):
        _require(len(labels) == len(shape), "an einsum with labels that do not fit")
        for label, length in zip(labels, shape):
            _require(sizes.setdefault(label, length) == length, "an einsum with one label for two lengths")
    return tuple(sizes[label] for label in detail[-1])


def _arrange(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    _require(sorted(axis for axis in detail if axis is not None) == list(range(len(shapes[0]))), "an arrangement that loses an axis")
    return tuple(ONE if axis is None else shapes[0][axis] for axis in detail)


def _expand(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    _require(broadcast_shape((shapes[0], stated)) == stated, f"{shape_text(shapes[0])} expanded to {shape_text(stated)}")
    return stated


def _diagonal(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    first, second = detail
    _require(shapes[0][first] == shapes[0][second], "a diagonal of axes of different lengths")
    return (*[length for axis, length in enumerate(shapes[0]) if axis not in detail], shapes[0][first])


def _embed(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    return (*shapes[0], shapes[0][-1])


def _flatten(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    axis, many = detail
    return (*shapes[0][:axis], entries(shapes[0][axis : axis + many]), *shapes[0][axis + many :])


def _unflatten(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    axis, lengths = detail
    _require(shapes[0][axis] == entries(lengths), "an axis split into lengths that do not multiply to its own")
    return (*shapes[0][:axis], *lengths, *shapes[0][axis + 1 :])


def _take(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    return (*shapes[0][: detail[0]], *shapes[0][detail[0] + 1 :])


def _window(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    axis, _, length = detail
    return (*shapes[0][:axis], length, *shapes[0][axis + 1 :])


def _gather(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    axis, _, coefficients, lengths, _ = detail
    _require(len(coefficients) == len(lengths), "a gather with coefficients that do not fit")
    return (*shapes[0][:axis], *lengths, *shapes[0][axis + 1 :])


def _scatter(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    axis, _, coefficients, length, _ = detail
    return (*shapes[0][:axis], length, *shapes[0][axis + len(coefficients) :])


def _place(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    positions, length = detail
    _require(len(positions) == len(shapes) == len(set(positions)), "values placed at positions that do not fit")
    _require(len(set(shapes)) == 1, "values of different shapes placed together")
    return (length, *shapes[0])


def _stack(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    _require(len(set(shapes)) == 1, "values of different shapes stacked")
    return (Dimension.of(len(shapes)), *shapes[0])


def _cat(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    across = {(*shape[:detail], *shape[detail + 1 :]) for shape in shapes}
    _require(len(across) == 1, "values of different shapes side by side")
    return (*shapes[0][:detail], sum((shape[detail] for shape in shapes), ZERO), *shapes[0][detail + 1 :])


def _same(detail: Any, shapes: Sequence[Shape], stated: Shape) -> Shape:
    return shapes[0]


# ---- operations ------------------------------------------------------------------------------------------------------


def _none(detail: Any, shapes: Sequence[Shape], out: Shape) -> Dimension:
    return ZERO


def _each(detail: Any, shapes: Sequence[Shape], out: Shape) -> Dimension:
    return entries(out)


def _add_count(detail: Any, shapes: Sequence[Shape], out: Shape) -> Dimension:
    return entries(out) + (entries(shapes[1]) if abs(detail) != 1 else ZERO)


def _each_of_argument(detail: Any, shapes: Sequence[Shape], out: Shape) -> Dimension:
    return entries(shapes[0]) * 3


def _cube(detail: Any, shapes: Sequence[Shape], out: Shape) -> Dimension:
    return entries(shapes[0]) * shapes[0][-1]


def _sum_count(detail: Any, shapes: Sequence[Shape], out: Shape) -> Dimension:
    return entries(shapes[0]) - entries(out)


def _product_count(summed: Dimension, out: Shape) -> Dimension:
    """Each entry of the result takes `summed` multiplications and one addition less."""
    return entries(out) * (summed * 2 - 1)


def _dot_count(detail: Any, shapes: Sequence[Shape], out: Shape) -> Dimension:
    return _product_count(entries(shapes[0]), out)


def _matmul_count(detail: Any, shapes: Sequence[Shape], out: Shape) -> Dimension:
    return _product_count(shapes[0][-1], out)


def _tensordot_count(detail: Any, shapes: Sequence[Shape], out: Shape) -> Dimension:
    return _product_count(entries(tuple(shapes[0][k] for k in detail[0])), out)


def _einsum_count(detail: Any, shapes: Sequence[Shape], out: Shape) -> Dimension:
    sizes = {label: length for labels, shape in zip(detail[:-1], shapes) for label, length in zip(labels, shape)}
    return _product_count(entries(tuple(length for label, length in sizes.items() if label not in detail[-1])), out)


def _scatter_count(detail: Any, shapes: Sequence[Shape], out: Shape) -> Dimension:
    return entries(shapes[0]) if len(detail[2]) > 1 else ZERO


KINDS: dict[str, Kind] = {
    row.name: row
    for row in (
        Kind("input", 0, False, _stated, _none),
        Kind("number", 0, False, _stated, _none),
        Kind("full", 0, False, _stated, _none),
        Kind("literal", 0, False, _stated, _none),
        Kind("arange", 0, False, _stated, _none),
        Kind("delta", 0, False, _stated, _none),
        Kind("add", 2, False, _entrywise, _add_count),
        Kind("multiply", 2, False, _entrywise, _each),
        Kind("divide", 2, False, _entrywise, _each),
        Kind("scale", 1, False, _same, _each),
        Kind("power", 1, False, _same, _each),
        Kind("map", None, False, _entrywise, _each),
        Kind("along", 1, False, _along, _each_of_argument),
        Kind("matrix", None, False, _matrix, _cube),
        Kind("sum", 1, False, _sum, _sum_count),
        Kind("dot", 2, False, _dot, _dot_count),
        Kind("matmul", 2, False, _matmul, _matmul_count),
        Kind("tensordot", 2, False, _tensordot, _tensordot_count),
        Kind("einsum", 2, False, _einsum, _einsum_count),
        Kind("arrange", 1, True, _arrange, _none),
        Kind("expand", 1, True, _expand, _none),
        Kind("diagonal", 1, True, _diagonal, _none),
        Kind("embed", 1, False, _embed, _none),
        Kind("flatten", 1, True, _flatten, _none),
        Kind("unflatten", 1, True, _unflatten, _none),
        Kind("take", 1, True, _take, _none),
        Kind("window", 1, True, _window, _none),
        Kind("gather", 1, False, _gather, _none),
        Kind("scatter", 1, False, _scatter, _scatter_count),
        Kind("place", None, False, _place, _none),
        Kind("stack", None, False, _stack, _none),
        Kind("cat", None, False, _cat, _none),
        Kind("clone", 1, False, _same, _none),
    )
}
