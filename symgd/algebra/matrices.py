"""Typed operations that make matrices: of blocks, of triangles and bands of others, of solutions of linear equations.

Like those of `operations`, whose `Value` they take, each checks shapes and raises `ShapeError` without a position.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from symgd.algebra import expression as ex
from symgd.algebra import operations as op
from symgd.algebra.dimension import ONE, ZERO, Dimension
from symgd.algebra.expression import Expression
from symgd.algebra.functions.table import elementwise
from symgd.algebra.operations import Index, Value
from symgd.errors import ShapeError

# ---- blocks ----------------------------------------------------------------------------------------------------------


def block(rows: Sequence[Sequence[Value]]) -> Value:
    """`[A, b; b', c]`: blocks side by side in rows, and the rows below each other. Vectors are columns, a scalar is one entry.

    One column of vectors and scalars is a vector, and so is one row of rows.
    """
    heights = [_height(row) for row in rows]
    widths = [sum((_sides(value)[1] for value in row), ZERO) for row in rows]
    for row, width in zip(rows[1:], widths[1:]):
        if width != widths[0]:
            _refuse_rows(rows[0], row)
    cells = [value for row in rows for value in row]
    height, width = sum(heights, ZERO), widths[0]
    free = tuple(dict.fromkeys(index for value in cells for index in value.free))
    axes = ("row",) if _is_column(cells) and width == ONE else ("column",) if _is_row(cells) and height == ONE else ("row", "column")
    sizes: dict[object, Dimension] = {**{index: index.length for index in free}, "row": height, "column": width}
    sizes = {label: size for label, size in sizes.items() if label in (*free, *axes)}
    placed, top = [], ZERO
    for row, own in zip(rows, heights):
        left = ZERO
        for value in row:
            sides = _sides(value)
            placed.append(_placed(value, (top, left), (height, width), axes, free, sizes))
            left = left + sides[1]
        top = top + own
    return Value(ex.add(placed), free, axes == ("column",))


def _placed(
    value: Value,
    corner: tuple[Dimension, Dimension],
    whole: tuple[Dimension, Dimension],
    axes: Sequence[str],
    free: tuple[Index, ...],
    sizes: Mapping[object, Dimension],
) -> Expression:
    """The block in its place, zeros elsewhere."""
    own = {"row": value.rank == 2 or (value.rank == 1 and not value.row), "column": value.rank == 2 or (value.rank == 1 and value.row)}
    factors: list[tuple[Expression, Sequence[object]]] = []
    labels: list[object] = list(value.free)
    for axis, offset, total, length in zip(("row", "column"), corner, whole, _sides(value)):
        if length == total:
            labels += [axis] if own[axis] else []
        elif own[axis]:
            labels.append(f"block {axis}")
            factors.append((ex.select(total, offset, (1,), (length,)), (axis, f"block {axis}")))
        else:
            factors.append((ex.select(total, offset), (axis,)))
    return ex.contract(1, [(value.node, labels), *factors], (*free, *axes), sizes)


def _sides(value: Value) -> tuple[Dimension, Dimension]:
    """Rows and columns of a block."""
    if value.rank > 2:
        raise ShapeError(f"{value.described()} is no block of a matrix.", hint="Blocks are matrices, vectors and scalars.")
    if value.rank == 2:
        return value.shape[0], value.shape[1]
    (length,) = value.shape or (ONE,)
    return (ONE, length) if value.row else (length, ONE)


def _is_column(cells: Sequence[Value]) -> bool:
    return all(value.rank < 2 and not value.row for value in cells)


def _is_row(cells: Sequence[Value]) -> bool:
    return all(value.rank == 0 or (value.rank == 1 and value.row) for value in cells)


def _height(row: Sequence[Value]) -> Dimension:
    """The rows that the blocks of one row have, all of them as many."""
    heights = [_sides(value)[0] for value in row]
    for value, height in zip(row[1:], heights[1:]):
        if height != heights[0]:
            reason = f"blocks side by side need as many rows: {_described(row[0])} beside {value.described()}."
            raise ShapeError(reason, hint=_mend_block(row[0], value, 0))
    return heights[0]


def _refuse_rows(above: Sequence[Value], below: Sequence[Value]) -> NoReturn:
    """Refuse rows of blocks of different width, at the first two blocks that do not fit."""
    one, other = next(((a, b) for a, b in zip(above, below) if _sides(a)[1] != _sides(b)[1]), (above[-1], below[-1]))
    if len(above) == len(below):
        reason = f"blocks below each other need as many columns: {_described(one)} above {other.described()}."
        raise ShapeError(reason, hint=_mend_block(one, other, 1))
    shown = [" and ".join(map(_described, row)).removesuffix(",") for row in (above, below)]
    raise ShapeError(f"rows of blocks need as many columns: {shown[0]}, above {shown[1]}.", hint="The columns of each row are added up.")


def _described(value: Value) -> str:
    """With what closes it in the middle of a sentence."""
    return value.described() if value.rank or not value.text else f"{value.described()},"


def _mend_block(one: Value, other: Value, side: int) -> str:
    if side == 0 and _is_column([one, other]):
        return f"Columns stand below each other with ;, as in [{one.text or 'x'}; {other.text or 'y'}]."
    if not one.rank or not other.rank:
        return "A scalar is a block of one entry: write zeros(m,n) for a block of zeros, s*ones(m,n) or s*eye(n) for one made of s."
    if other.rank and _sides(one)[side] == _sides(other)[1 - side]:
        return f"Write {other.turned} for the second."
    return f"They have {_sides(one)[side]} and {_sides(other)[side]} {('rows', 'columns')[side]}: declare these as one."


BANDED = re.compile(r"banded\((\d+), (\d+)\)\Z")  # what a declaration says of a matrix with diagonals below and above its main one

# ---- triangles and bands ---------------------------------------------------------------------------------------------


def lower(value: Value, above: Dimension = ZERO) -> Value:
    """`tril(X, k)`: zeros above diagonal k, the main one by default (k > 0 lies above it)."""
    return _masked("tril", value, None, above)


def upper(value: Value, above: Dimension = ZERO) -> Value:
    """`triu(X, k)`: zeros below diagonal k."""
    return _masked("triu", value, -above, None)


def band(value: Value, below: Dimension, above: Dimension) -> Value:
    """`band(X, p, q)`: zeros but on the main diagonal, the p below it and the q above it."""
    return _masked("band", value, below, above)


def _masked(name: str, value: Value, below: Dimension | None, above: Dimension | None) -> Value:
    if value.rank != 2:
        raise ShapeError(f"{name} takes a matrix, not {value.described()}.", hint="A matrix is declared as A[m,n].")
    *free, rows, columns = range(value.node.rank)
    factors = [(value.node, (*free, rows, columns))]
    if below is not None:
        factors.append((_up_to_diagonal(value.shape[::-1], below), (columns, rows)))
    if above is not None:
        factors.append((_up_to_diagonal(value.shape, above), (rows, columns)))
    return Value(ex.contract(1, factors, range(value.node.rank)), value.free)


def in_band(node: Expression, below: Dimension | None, above: Dimension | None) -> Expression:
    """The matrix with zeros but on the diagonals from `below` below the main one to `above` above it; None is all of them."""
    return _masked("band", Value(node), below, above).node


def _up_to_diagonal(shape: Sequence[Dimension], above: Dimension) -> Expression:
    """[j <= i + above]: 1 where it holds, else 0. The one form there is: with turned labels it is a bound from below."""
    sizes = dict(enumerate(shape))
    column = ex.contract(1, [(ex.counter(ONE, shape[1]), (1,))], (0, 1), sizes)
    row = ex.contract(1, [(ex.counter(ONE + above, shape[0]), (0,))], (0, 1), sizes)
    return ex.apply(elementwise("less_equal"), column, row)


# ---- linear equations ------------------------------------------------------------------------------------------------


def solve(matrix: Value, right: Value) -> Value:
    r"""`solve(A, b)`, `A\b`: the x with A*x = b."""
    if not matrix.rank:
        shown = matrix.text or "its first argument"
        raise ShapeError(f"solve takes a square matrix, and {shown} is a scalar.", hint=f"Write {right.name}/{matrix.name}.")
    if matrix.rank != 2 or matrix.shape[0] != matrix.shape[1]:
        hint = f"Least squares are inv({matrix.turned}*{matrix.name})*{matrix.turned}*{right.name}." if matrix.rank == 2 else ""
        raise ShapeError(f"solve takes a square matrix, and {matrix.described()} is none.", hint=hint)
    if not right.rank or right.rank > 2 or right.row or right.shape[0] != matrix.shape[0]:
        hint = f"Declare them with one dimension, {matrix.name}[n,n] and {right.name}[n]."
        if right.row:
            hint = f"Write {right.turned} to turn the vector."
        elif not right.rank:
            hint = f"Write {right.name}*inv({matrix.text or 'A'})."
        raise ShapeError(f"cannot solve {matrix.name}*x = {right.name} with {matrix.described()} and {right.described()}.", hint=hint)
    return op.multiply(op.inverse(matrix), right)
