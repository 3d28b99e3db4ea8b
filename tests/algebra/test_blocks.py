"""Parts that are taken out of arrays of blocks: what is simplified, what is left alone, and that the value stays."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from reference import EXACT, evaluate, largest_difference

from symgd.algebra import expression as ex
from symgd.algebra import matrices
from symgd.algebra.blocks import Part, part_of
from symgd.algebra.dimension import ZERO, Dimension
from symgd.algebra.expression import Add, Contract, Expression, Select
from symgd.algebra.functions.table import F
from symgd.algebra.operations import Value

N, M, K = Dimension.of("n"), Dimension.of("m"), Dimension.of("k")
x, y = ex.leaf("x", (N,)), ex.leaf("y", (M,))
A, B = ex.leaf("A", (N, K)), ex.leaf("B", (M, K))
SIZES = {"n": 3, "m": 2, "k": 2}
VALUES = {"x": [2, 3, 5], "y": [7, 11], "A": [[1, 2], [3, 4], [5, 6]], "B": [[7, 8], [9, 10]]}


def stacked(*rows: Expression) -> Expression:
    return matrices.block([[Value(row)] for row in rows]).node


def part(node: Expression, offset: Dimension, length: Dimension | None) -> Expression:
    """Entries of the first axis, the rest summed away or kept."""
    rest = list(range(1, node.rank))
    if length is None:
        return ex.contract(1, [(node, [0, *rest]), (ex.select(node.shape[0], offset), [0])], rest)
    chosen = ex.select(node.shape[0], offset, (1,), (length,))
    return ex.contract(1, [(node, [0, *rest]), (chosen, [0, "new"])], ["new", *rest])


@pytest.mark.parametrize(
    ("taken", "wanted"),
    [
        (part(stacked(x, y), ZERO, N), x),
        (part(stacked(x, y), N, M), y),
        (part(stacked(A, B), ZERO, N), A),
        (part(F.exp(stacked(A, B)), N, M), F.exp(B)),
        (part(F.exp(stacked(x, y)) * stacked(x, y) + 1, N, M), F.exp(y) * y + 1),
        (part(F.lse(stacked(A, B)), N, M), F.lse(B)),
        (part(stacked(stacked(x, y), x), ZERO, N + M), stacked(x, y)),
        (part(stacked(x, y), ZERO, None), ex.element(x, 0, ZERO)),
        (part(stacked(x, ex.constant(4)), N, None), ex.constant(4)),
    ],
)
def test_a_part_is_its_block(taken: Expression, wanted: Expression) -> None:
    assert taken is wanted


@pytest.mark.parametrize(
    "node",
    [
        part(stacked(x, y), ZERO, N + 1),
        part(stacked(x, y), Dimension.of(1), M),
        part(stacked(x, y), Dimension.of(1), None),
        part(ex.leaf("z", (N + M,)), N, M),
        part(F.softmax(stacked(x, y)), N, M),
    ],
)
def test_what_is_no_block_is_left_alone(node: Expression) -> None:
    """Also what may be one for some sizes and is none for others."""
    assert isinstance(node, Contract)
    assert any(isinstance(child, Select) for child in node.children)


@pytest.mark.parametrize("rows", [(x, y), (y, x, y), (F.sin(x), y)])
def test_the_value_stays(rows: Sequence[Expression]) -> None:
    whole = stacked(*rows)
    offset = ZERO
    for row in rows:
        found = part(whole, offset, row.shape[0])
        assert largest_difference(evaluate(found, VALUES, SIZES), evaluate(row, VALUES, SIZES)) < EXACT
        offset = offset + row.shape[0]


def test_blocks_are_no_part_of_each_other() -> None:
    first, second = ex.select(N + M, ZERO, (1,), (N,)), ex.select(N + M, N, (1,), (M,))
    assert ex.is_identity(ex.contract(1, [(first, "pi"), (first, "pj")], "ij"))
    assert ex.is_zero(ex.contract(1, [(first, "pi"), (second, "pj")], "ij"))
    assert ex.contract(1, [(second, "pi")], "i") is ex.full(1, (M,))


def test_parts() -> None:
    assert part_of(ex.select(N, ZERO)) == Part(ZERO, None)
    assert part_of(ex.select(N + 2, Dimension.of(1), (1,), (N,))) == Part(Dimension.of(1), N)
    assert part_of(ex.select(N, ZERO, (2,), (K,))) is None
    assert Part(Dimension.of(1), N).is_inside(N + 1)
    assert not Part(Dimension.of(1), N).is_inside(N)


def test_a_long_sum_of_blocks_is_taken_apart_in_linear_time() -> None:
    rows = [ex.leaf(f"x{k}", (N,)) for k in range(1000)]
    whole = stacked(*rows)
    assert isinstance(whole, Add)
    assert part(whole, N * 700, N) is rows[700]
