"""Nodes: equal means identical, products mean what their labels say, and no depth is too deep."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import reduce
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from random_expressions import SIZES, K, M, N, expressions, point
from reference import EXACT, evaluate, extent, largest_difference

from symgd.algebra import expression as ex
from symgd.algebra.canonical import canonical
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Constant, Contract, Expression, Size
from symgd.algebra.functions.table import POWER, F
from symgd.algebra.simplify import simplified
from symgd.errors import LimitError, ShapeError

a, b, p = ex.leaf("a"), ex.leaf("b"), ex.leaf("p", (), ("> 0",))
x, y, z = ex.leaf("x", (N,)), ex.leaf("y", (N,)), ex.leaf("z", (M,))
A, B = ex.leaf("A", (M, N)), ex.leaf("B", (N, N))
ONE, TWO = Dimension.of(1), Dimension.of(2)


# ---- a product is what its labels say ----------------------------------------------------------------------------------

FACTORS = [
    a, ex.constant(3), ex.size(N), x, y, z, A, B, ex.leaf("T", (N, K, N)), ex.leaf("v", (K,)),
    ex.identity(N), ex.identity(K), ex.full(2, (N,)), ex.full(1, (N, N)), ex.negative(x), ex.transposed(B, (1, 0)),
    ex.select(N, Dimension.of(2)), ex.select(N, ONE), ex.select(K, ONE), ex.select(K, Dimension(())),
    ex.select(N, ONE, (1,), (N - 1,)), ex.select(N, Dimension(()), (1,), (K,)), ex.select(N * K, Dimension(()), (1, N), (N, K)),
    ex.stack([a, ex.constant(0)]), ex.stack([x, y]), ex.stack([ex.identity(N), ex.full(0, (N, N))]), F.sin(x), x * 2 + y,
    ex.contract(1, [(B, (0, 1))], (0,)), ex.contract(Fraction(1, 2), [(B, (0, 0)), (x, (0,))], (0,)), ex.counter(ONE, N),
]  # fmt: skip
LABELS = {N: "abc", M: "d", K: "ef", N - 1: "g", N * K: "h"}


@st.composite
def products(draw: Any) -> tuple[Fraction, list[tuple[Expression, tuple[str, ...]]], tuple[str, ...], dict[Any, Dimension]]:
    """Any factors on any labels: repeated ones, ones that no factor carries, diagonals, traces."""
    factors = []
    for child in draw(st.lists(st.sampled_from(FACTORS), max_size=4)):
        factors.append((child, tuple(draw(st.sampled_from(LABELS[length])) for length in child.shape)))
    sizes: dict[Any, Dimension] = {label: length for length, labels in LABELS.items() for label in labels if draw(st.integers(0, 5)) == 0}
    for child, labels in factors:
        sizes.update(zip(labels, child.shape, strict=True))
    out = draw(st.permutations(sorted(sizes)).flatmap(lambda order: st.integers(0, min(3, len(order))).map(lambda k: order[:k])))
    return draw(st.sampled_from([Fraction(1), Fraction(-2, 3)])), factors, tuple(out), sizes


@settings(max_examples=400)
@given(products())
def test_a_contraction_is_the_sum_over_its_labels(drawn: Any) -> None:
    coefficient, factors, out, sizes = drawn
    node = ex.contract(coefficient, factors, out, sizes)
    values = point(ex.stack([ex.contract(1, [(child, range(child.rank))], ()) for child, _ in factors])) if factors else {}
    arrays = [evaluate(child, values, SIZES) for child, _ in factors]
    length = {label: size.evaluate(SIZES) for label, size in sizes.items()}
    expected = np.full(extent(tuple(sizes[label] for label in out), SIZES), mpf(0), dtype=object)
    with mp.workdps(50):
        for chosen in product(*(range(length[label]) for label in length)):
            index = dict(zip(length, chosen, strict=True))
            term = mpf(coefficient.numerator) / coefficient.denominator
            for array, (_, labels) in zip(arrays, factors, strict=True):
                term *= array[tuple(index[label] for label in labels)]
            expected[tuple(index[label] for label in out)] += term
    assert largest_difference(evaluate(node, values, SIZES), expected) < EXACT


@settings(max_examples=150)
@given(products())
def test_a_contraction_is_in_normal_form(drawn: Any) -> None:
    """No number, no factor that only scales or permutes, no zero: those are in the coefficient or gone."""
    node = ex.contract(*drawn)
    if isinstance(node, Contract) and node.children:
        assert node.coefficient != 0
        for child in node.children:
            assert not isinstance(child, Constant)
            assert not (isinstance(child, Contract) and (child.coefficient != 1 or len(child.children) < 2))
        assert ex.contract(node.coefficient, node.factors, range(node.rank), node.dimensions()) is node


SCALARS = [a, b, a * b, 3 * a, ex.contract(1, [(x, "i"), (y, "i")], ""), ex.contract(2, [(x, "i")], ""), a + b, ex.constant(-2), a**2]


@pytest.mark.parametrize("left", SCALARS)
@pytest.mark.parametrize("right", SCALARS)
def test_the_short_way_of_multiplying_scalars_is_the_long_way(left: Expression, right: Expression) -> None:
    assert ex.multiply(left, right) is ex.contract(1, [(left, ()), (right, ())], ())


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (ex.contract(1, [(ex.identity(N), "ii"), (x, "i")], "i"), x),
        (ex.contract(1, [(ex.identity(N), "ii")], "i"), ex.full(1, (N,))),
        (ex.contract(1, [(ex.identity(N), "ii")], ""), ex.size(N)),
        (ex.contract(1, [(ex.identity(N), "ij"), (ex.identity(N), "jk")], "ik"), ex.identity(N)),
        (ex.contract(1, [(ex.identity(N), "ij")], "i"), ex.full(1, (N,))),
        (ex.contract(1, [(ex.identity(N), "ij"), (ex.identity(N), "ij")], ""), ex.size(N)),
        (ex.contract(1, [(ex.identity(K), "ij"), (ex.identity(K), "ij")], ""), ex.constant(2)),
        (ex.contract(1, [(ex.stack([a, ex.constant(0)]), "i"), (ex.select(K, ONE), "i"), (b, "")], ""), ex.constant(0)),
        (ex.contract(1, [(ex.stack([a, b]), "i"), (ex.select(K, ONE), "i"), (z, "j")], "j"), ex.multiply(b, z)),
        (ex.contract(1, [(ex.select(N, ONE), "i"), (ex.select(N, ONE), "i")], ""), ex.constant(1)),
        (ex.contract(1, [(ex.select(N, ONE), "i"), (ex.select(N, TWO), "i")], "i"), ex.full(0, (N,))),
        (ex.contract(1, [(x, "i"), (ex.constant(0), "")], "i"), ex.full(0, (N,))),
        (ex.contract(3, [(ex.full(2, (K,)), "i")], ""), ex.constant(12)),
    ],
)
def test_what_vanishes_from_products(node: Expression, expected: Expression) -> None:
    assert node is expected


def test_labels_that_no_factor_carries_multiply_by_their_size() -> None:
    node = ex.contract(1, [(a, ())], (), {"i": N, "j": K})
    assert isinstance(node, Contract)
    assert node.coefficient == 2
    assert [type(child) for child in node.children] == [type(a), Size]


def test_one_label_has_one_size() -> None:
    with pytest.raises(ShapeError, match="an index runs over n in one factor and over m in another"):
        ex.contract(1, [(x, "i"), (z, "i")], "")
    with pytest.raises(ShapeError, match=r"arrays of different shapes: \(n\) and \(m\)"):
        ex.add((x, z))


# ---- powers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (ex.power(a, 1), a),
        (ex.power(a, 0), ex.constant(1)),
        (ex.power(ex.power(a, 2), 3), ex.power(a, 6)),
        (ex.power(ex.power(a, Fraction(1, 2)), 2), a),
        (ex.power(ex.power(a, -1), -1), a),
        (ex.power(3 * a, 2), 9 * ex.power(a, 2)),
        (ex.power(-a * b, 3), -ex.power(a * b, 3)),
        (ex.power(2 * x, -1), Fraction(1, 2) * ex.power(x, -1)),
        (ex.power(ex.constant(8), Fraction(1, 3)), ex.constant(2)),
        (ex.power(ex.constant(0), 0), ex.constant(1)),
        (ex.power(a, ex.full(1, (N,))), ex.broadcast(a, (N,))),
        (ex.power(ex.power(a, 2), ex.full(3, (N,))), ex.power(ex.broadcast(a**2, (N,)), 3)),
    ],
)
def test_powers_that_merge(node: Expression, expected: Expression) -> None:
    assert node is expected


@pytest.mark.parametrize(
    "node",
    [
        ex.power(ex.power(a, 2), Fraction(1, 2)),  # |a|
        ex.power(ex.power(a, 3), Fraction(1, 3)),  # a, but only where a >= 0
        ex.power(ex.constant(-8), Fraction(1, 3)),  # not real
        ex.power(ex.constant(0), -1),  # infinite
        ex.power(-a, Fraction(1, 2)),  # √(-1) is no number
        ex.power(a, b),
    ],
)
def test_powers_that_stay(node: Expression) -> None:
    assert isinstance(node, ex.Map)
    assert node.function is POWER


def test_a_number_too_large_is_not_worked_out() -> None:
    node = ex.power(3 * a, 10**9)
    assert simplified(node) is node


def test_a_number_that_grows_without_end_is_refused() -> None:
    """Sixty squarings in a row would need more memory than there is."""
    for first, square in (
        (ex.constant(3), lambda node: node * node),
        (3 * a, lambda node: ex.contract(1, [(node, ()), (b, ())], ()) * node),
    ):
        with pytest.raises(LimitError) as caught:
            reduce(lambda node, _: square(node), range(60), first)
        assert str(caught.value) == "a number becomes too long to be kept exactly.\nNumbers have up to 100000 binary digits."


# ---- equal means identical ------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(expressions(depth=3), st.data())
def test_equal_constructions_are_identical(root: Expression, data: Any) -> None:
    done: dict[Expression, Expression] = {}
    for node in ex.topological(root):
        children = [done[child] for child in node.children]
        if isinstance(node, Contract):  # the labels renamed, the summed ones in another order
            names = dict(zip(node.dimensions(), data.draw(st.permutations(range(100, 100 + len(node.dimensions())))), strict=True))
            factors = [(child, [names[label] for label in labels]) for child, labels in zip(children, node.labels, strict=True)]
            sizes = {names[label]: size for label, size in node.dimensions().items()}
            done[node] = ex.contract(node.coefficient, factors, [names[k] for k in range(node.rank)], sizes)
        else:
            done[node] = ex.rebuilt(node, children)
    assert done[root] is root


def test_equal_leaves_are_identical_and_kinds_tell_them_apart() -> None:
    assert ex.leaf("x", (N,)) is x
    assert ex.leaf("x", (M,)) is not x
    assert ex.leaf("x", (N,), ("> 0",)) is not x
    assert ex.constant(Fraction(4, 2)) is ex.constant(2)
    assert ex.constant(True) is ex.constant(1)


def test_threads_make_one_node_for_one_key() -> None:
    def work(_: int) -> list[Expression]:
        return [F.sin(ex.leaf(f"thread{k}")) for k in range(300)]

    with ThreadPoolExecutor(8) as pool:
        first, *others = pool.map(work, range(16))
    assert all(found == first for found in others)


def test_copies_are_the_expression_itself() -> None:
    root = F.sin(a * b)
    assert copy.copy(root) is copy.deepcopy(root) is root
    with pytest.raises(TypeError, match="an expression is not pickled"):
        pickle.dumps(root)


DIGESTS = """
import sys
sys.path.insert(0, sys.argv[1])
from random import Random
from random_expressions import made
from symgd.algebra.canonical import canonical
from symgd.algebra.simplify import simplified
for seed in range(12):
    root = made(Random(seed).choice)
    print(root.digest.hex(), canonical(root).digest.hex(), canonical(simplified(root)).digest.hex())
"""


def test_digests_and_canonical_forms_are_the_same_in_every_process() -> None:
    found = set()
    for seed in ("0", "1", "random"):
        run = subprocess.run(
            [sys.executable, "-c", DIGESTS, str(Path(__file__).parent.parent)],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.add(run.stdout)
    assert len(found) == 1
    assert len(set(found.pop().split("\n"))) > 10


@settings(max_examples=60)
@given(expressions(depth=3), expressions(depth=3))
def test_digests_differ_where_expressions_do(left: Expression, right: Expression) -> None:
    assert (left is right) == (left.digest == right.digest)


# ---- walks and depth -------------------------------------------------------------------------------------------------------


def test_children_come_before_parents() -> None:
    root = F.exp(a * b) + ex.contract(1, [(x, "i"), (x, "i")], "")
    order = ex.topological(root)
    assert order[-1] is root
    assert len(order) == len(set(order))
    for position, node in enumerate(order):
        assert all(child in order[:position] for child in node.children)


def test_leaves_are_in_the_order_of_reading() -> None:
    assert ex.leaves(F.sin(b) * a + b * p) == [b, a, p]
    assert ex.leaves(a + b, p) == [a, b, p]


def test_substitution() -> None:
    root = a * F.exp(a) + b
    assert ex.substitute(root, {a: b, b: a}) is b * F.exp(b) + a
    assert ex.substitute(ex.multiply(a, x), {x: ex.full(1, (N,))}) is ex.broadcast(a, (N,))


DEPTH = 10_000


def test_deep_chains_meet_no_recursion_limit() -> None:
    before = len(ex._interned)
    node: Expression = a
    for _ in range(DEPTH):
        node = F.sin(node) + b
    assert len(ex.topological(node)) == 2 * DEPTH + 2
    assert ex.leaves(node) == [a, b]
    assert len(node.digest) == 12
    assert len(ex.topological(canonical(node))) == 2 * DEPTH + 2
    assert simplified(node) is node
    assert len(ex.topological(ex.substitute(node, {a: p}))) == 2 * DEPTH + 2
    del node
    gc.collect()
    assert len(ex._interned) <= before + 10


def test_deep_products_meet_no_recursion_limit() -> None:
    node: Expression = x
    for _ in range(DEPTH // 4):
        node = ex.contract(1, [(B, "ij"), (node, "j")], "i")
    assert len(node.digest) == 12
    assert canonical(node).shape == simplified(node).shape == (N,)
