"""The order of a product of many factors, and where its scalar part is applied."""

from __future__ import annotations

import pytest

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.lowering.lower import lower

a, b, c, d, N = map(Dimension.of, ("a", "b", "c", "d", "N"))


def operations(node: ex.Expression, sizes, parameters=()) -> int:
    return lower([node], ex.leaves(node), parameters).operations.evaluate(sizes)


def test_a_chain_of_matrices_ends_at_its_vector():
    factors = [(ex.leaf(f"M{k}", (a, a)), (k, k + 1)) for k in range(6)] + [(ex.leaf("v", (a,)), (6,))]
    assert operations(ex.contract(1, factors, [0]), {"a": 100}) == 6 * (2 * 100 - 1) * 100


def test_a_chain_of_matrices_between_two_vectors():
    factors = [(ex.leaf("u", (a,)), (0,)), *[(ex.leaf(f"M{k}", (a, a)), (k, k + 1)) for k in range(4)], (ex.leaf("v", (a,)), (4,))]
    assert operations(ex.contract(1, factors, []), {"a": 100}) < 5 * 2 * 100 * 100


def test_dimensions_that_are_numbers_decide():
    """(3 x 1000)(1000 x 3)(3 x 1000): the small product first."""
    three, thousand = Dimension.of(3), Dimension.of(1000)
    node = ex.contract(
        1, [(ex.leaf("A", (three, thousand)), "ij"), (ex.leaf("B", (thousand, three)), "jk"), (ex.leaf("C", (three, thousand)), "kl")], "il"
    )
    assert operations(node, {}) == 9 * 1999 + 3000 * 5


def test_dimensions_of_parameters_are_taken_to_be_small():
    """X'X W, with N data and d parameters: X (N,d), W (d,d). Without data, X'(XW) and (X'X)W tie."""
    X, W = ex.leaf("X", (N, d)), ex.leaf("W", (d, d))
    node = ex.contract(1, [(X, "ni"), (X, "nj"), (W, "jk")], "ik")
    assert operations(node, {"N": 1000, "d": 10}, [W]) <= 2 * 2 * 1000 * 100


@pytest.mark.parametrize("many", [7, 12])
def test_the_order_is_the_same_every_time(many):
    factors = [(ex.leaf(f"M{k}", (a, b) if k % 2 else (b, a)), (k, k + 1)) for k in range(many)]
    node = ex.contract(1, factors, [0, many])
    assert str(lower([node], ex.leaves(node))) == str(lower([node], ex.leaves(node)))


def test_scalar_factors_meet_before_they_meet_an_array():
    s, t, x = ex.leaf("s"), ex.leaf("t"), ex.leaf("x", (a,))
    node = ex.contract(3, [(x, "i"), (s, ""), (t, "")], "i")
    assert operations(node, {"a": 1000}) == 1000 + 2


def test_disconnected_parts():
    x, y, z = ex.leaf("x", (a,)), ex.leaf("y", (b,)), ex.leaf("z", (c,))
    node = ex.contract(1, [(x, "i"), (x, "i"), (y, "j"), (y, "j"), (z, "k")], "k")
    assert operations(node, {"a": 10, "b": 20, "c": 30}) == 19 + 39 + 1 + 30


def test_ten_thousand_scalar_factors_take_linear_time():
    leaves = [ex.leaf(f"x{k}") for k in range(10_000)]
    node = ex.contract(1, [(leaf, "") for leaf in leaves], "")
    assert operations(node, {}) == 9_999
