"""The canonical form: blind to the order of terms and factors and to the names of indices, and to nothing else."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_expressions import SIZES, N, expressions, is_small, point
from reference import EXACT, evaluate, is_defined, largest_difference

from symgd.algebra import expression as ex
from symgd.algebra.canonical import canonical
from symgd.algebra.expression import Add, Contract, Expression
from symgd.algebra.functions.table import F
from symgd.algebra.simplify import simplified

x, y = ex.leaf("x", (N,)), ex.leaf("y", (N,))
A, B = ex.leaf("A", (N, N)), ex.leaf("B", (N, N))
C = ex.leaf("C", (N, N))
S, P, Q = (ex.leaf(name, (N, N), (kind,)) for name, kind in (("S", "symmetric"), ("P", "spd"), ("Q", "symmetric")))


def shuffled(root: Expression, random: Random) -> Expression:
    """The expression with its terms, factors and summed labels in random order."""
    done: dict[Expression, Expression] = {}
    for node in ex.topological(root):
        children = [done[child] for child in node.children]
        if isinstance(node, Add):
            terms = list(zip(node.coefficients, children, strict=True))
            random.shuffle(terms)
            done[node] = ex.add([ex.scaled(c, child) for c, child in terms])
        elif isinstance(node, Contract):
            factors = list(zip(children, node.labels, strict=True))
            random.shuffle(factors)
            names: dict[int, Any] = {label: label if label < node.rank else object() for label in node.dimensions()}
            sizes = {names[label]: length for label, length in node.dimensions().items()}
            renamed = [(child, [names[label] for label in labels]) for child, labels in factors]
            done[node] = ex.contract(node.coefficient, renamed, range(node.rank), sizes)
        else:
            done[node] = ex.rebuilt(node, children)
    return done[root]


@settings(max_examples=150)
@given(expressions(), st.integers(0, 10**6))
def test_order_does_not_matter(root: Expression, seed: int) -> None:
    for form in (root, simplified(root)):
        assert canonical(shuffled(form, Random(seed))) is canonical(form)


@settings(max_examples=80)
@given(expressions())
def test_the_value_is_the_same(root: Expression) -> None:
    form = canonical(root)
    if is_small(root, form):
        values = point(root)
        before = evaluate(root, values, SIZES)
        if is_defined(before):
            assert largest_difference(before, evaluate(form, values, SIZES)) < EXACT


@settings(max_examples=80)
@given(expressions())
def test_it_is_its_own_canonical_form(root: Expression) -> None:
    assert canonical(canonical(root)) is canonical(root)


def trace(*matrices: Expression, shift: int = 0, turned: bool = False) -> Expression:
    """tr(M₁M₂…) with the factors and the labels rotated, read forwards or backwards."""
    n = len(matrices)
    factors = [(matrix, ((k + shift) % n, (k + 1 + shift) % n)) for k, matrix in enumerate(matrices)]
    if turned:
        factors = [(matrix, (b, a)) for matrix, (a, b) in reversed(factors)]
    return ex.contract(1, factors[shift:] + factors[:shift], ())


@pytest.mark.parametrize("matrices", [(A, B), (A, A, A), (A, B, A, B), (A, A, B, B, A), (A,) * 7, (S, A, S)])
@pytest.mark.parametrize("shift", [1, 2])
def test_traces_are_cyclic(matrices: tuple[Expression, ...], shift: int) -> None:
    assert canonical(trace(*matrices, shift=shift)) is canonical(trace(*matrices))


def test_a_trace_is_that_of_the_transposed_product_in_reverse() -> None:
    assert canonical(trace(A, B, C, turned=True)) is canonical(trace(A, C, B))
    assert canonical(trace(A, B, C, turned=True)) is not canonical(trace(A, B, C))
    assert canonical(trace(S, P, Q, turned=True)) is canonical(trace(S, P, Q)) is canonical(trace(S, Q, P))


def pieces(*sizes: int, order: Callable[[int], int] = lambda k: k) -> Expression:
    """∏ tr(A^size), with the factors in another order: labels that are alike, and pieces that are not."""
    factors, start = [], 0
    for size in sizes:
        factors += [(A, (start + k, start + (k + 1) % size)) for k in range(size)]
        start += size
    return ex.contract(1, sorted(factors, key=lambda factor: order(factor[1][0])), ())


@pytest.mark.parametrize("factor", [1, 3, 5, 11])
def test_pieces_that_look_alike_from_within(factor: int) -> None:
    def other(k: int) -> int:
        return (factor * k + 2) % 7

    assert canonical(pieces(3, 4, order=other)) is canonical(pieces(3, 4)) is canonical(pieces(4, 3))
    assert canonical(pieces(7, order=other)) is canonical(pieces(7))
    assert canonical(pieces(7)) is not canonical(pieces(3, 4))
    assert canonical(pieces(2, 2, 3, order=other)) is canonical(pieces(3, 2, 2))


def test_long_chains_are_told_apart_to_the_middle() -> None:
    factors = [(A, (k, k + 1)) for k in range(12)]
    middle = [(A, (k, k + 1)) for k in (6, 2, 9, 0, 11, 4, 5, 1, 10, 3, 8, 7)]
    ends = [(x, (0,)), (y, (12,))]
    assert canonical(ex.contract(1, factors + ends, ())) is canonical(ex.contract(1, ends + middle, ()))


def quadratic(left: Expression, matrix: Expression, right: Expression) -> Expression:
    return ex.contract(1, [(left, "i"), (matrix, "ij"), (right, "j")], "")


def test_declared_symmetry() -> None:
    assert canonical(quadratic(x, S, y)) is canonical(quadratic(y, S, x))
    assert canonical(quadratic(x, A, y)) is not canonical(quadratic(y, A, x))
    assert canonical(ex.transposed(S, (1, 0))) is S
    assert canonical(quadratic(x, F.inv(S), y)) is canonical(quadratic(y, F.inv(S), x))
    assert canonical(quadratic(x, F.inv(A), y)) is not canonical(quadratic(y, F.inv(A), x))


def test_symmetry_can_be_left_out() -> None:
    assert canonical(quadratic(x, S, y), symmetry=False) is not canonical(quadratic(y, S, x), symmetry=False)


def test_many_factors_alike_take_no_time() -> None:
    """60 factors: not as many marks as there are orders of them."""
    total = ex.contract(1, [(x, (("i", k),)) for k in range(60)], ())
    assert canonical(total) is total
    star = ex.contract(1, [(A, ("i", k)) for k in range(20)], ("i",))
    assert canonical(shuffled(star, Random(1))) is canonical(star)


def test_terms_that_cancel_in_canonical_form() -> None:
    a, b = ex.leaf("a"), ex.leaf("b")
    assert canonical(F.exp(a * b) - F.exp(b * a)) is ex.constant(0)
    assert canonical(ex.add((a * b, a, -(b * a))) * b) is canonical(a * b)
