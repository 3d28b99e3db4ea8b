"""Sums of embedded arrays as arrays of blocks: the grid, zeros in its gaps, and what has no grid."""

from __future__ import annotations

from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.algebra import matrices
from symgd.algebra.dimension import ONE, ZERO, Dimension
from symgd.algebra.expression import Expression, terms
from symgd.algebra.grid import Box, Span, Zeros, layers
from symgd.algebra.operations import Value

M, N, P, Q = map(Dimension.of, "mnpq")
A, B, C, D = ex.leaf("A", (M, N)), ex.leaf("B", (M, Q)), ex.leaf("C", (P, N)), ex.leaf("D", (P, Q))
x = ex.leaf("x", (N,))


def block(*rows: list[Expression]) -> Expression:
    return matrices.block([[Value(node) for node in row] for row in rows]).node


def test_a_grid() -> None:
    found = layers(terms(block([A, B], [C, D])))
    assert found is not None
    ((grid,), others) = found
    assert others == []
    assert [[box.node for box in row if isinstance(box, Box)] for row in grid] == [[A, B], [C, D]]
    corner = grid[1][1]
    assert isinstance(corner, Box)
    assert (corner.rows, corner.columns, corner.axes) == (Span(M, M + P), Span(N, N + Q), (True, True))


def test_zeros_fill_what_no_box_does() -> None:
    found = layers(terms(block([A, ex.full(0, (M, Q))], [ex.full(0, (P, N)), D])))
    assert found is not None
    assert [[block for block in row if isinstance(block, Zeros)] for row in found[0][0]] == [[Zeros(M, Q)], [Zeros(P, N)]]


def test_boxes_that_overlap_are_in_layers() -> None:
    whole = ex.leaf("W", (M + P, N))
    found = layers([*terms(block([A], [C])), (Fraction(3), whole), *terms(block([A * A], [-C]))])
    assert found is not None
    grids, others = found
    assert others == [(Fraction(3), whole)]
    boxes = [[(box.coefficient, box.node) for (box,) in grid if isinstance(box, Box)] for grid in grids]
    assert boxes == [[(1, A), (1, C)], [(1, A * A), (-1, C)]]


def test_boxes_that_may_overlap_are_in_layers() -> None:
    """Whether they do depends on the sizes."""
    total = M + N * 3
    embedded = [ex.contract(1, [(x, "i"), (ex.select(total, offset, (1,), (N,)), "pi")], "p") for offset in (ZERO, N, M)]
    apart, unknown = layers([(Fraction(1), node) for node in embedded[:2]]), layers([(Fraction(1), node) for node in embedded])
    assert apart is not None
    assert unknown is not None
    assert (len(apart[0]), len(unknown[0])) == (1, 2)


def test_what_has_no_grid() -> None:
    """Entries alone; sizes that may be 0; nothing embedded."""
    assert layers([(Fraction(1), ex.select(N, ZERO)), (Fraction(1), ex.select(N, ONE))]) is None
    shifted = ex.contract(1, [(ex.leaf("y", (N - 1,)), "i"), (ex.select(N, ONE, (1,), (N - 1,)), "pi")], "p")
    assert layers([(Fraction(1), shifted)]) is None
    assert layers([(Fraction(1), A)]) is None
