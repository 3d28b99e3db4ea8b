"""Multiplied out: polynomial identities become identical, values stay, and what is too large is refused in time."""

from __future__ import annotations

import time
from math import comb

import pytest
from hypothesis import given, settings
from random_expressions import SIZES, N, expressions, is_small, point
from reference import EXACT, evaluate, is_defined, largest_difference

from symgd.algebra import expression as ex
from symgd.algebra.expand import expanded
from symgd.algebra.expression import Expression
from symgd.algebra.functions.table import F
from symgd.calculus.derive import inner

a, b, c = ex.leaf("a"), ex.leaf("b"), ex.leaf("c")
x, y = ex.leaf("x", (N,)), ex.leaf("y", (N,))
A, B = ex.leaf("A", (N, N)), ex.leaf("B", (N, N))
S = ex.leaf("S", (N, N), ("symmetric",))
ONES = ex.full(1, (N,))


def product(*matrices: Expression) -> Expression:
    """The matrix product; the last may be a column."""
    result = matrices[0]
    for matrix in matrices[1:]:
        result = ex.contract(1, [(result, "ij"), (matrix, "jk"[: matrix.rank])], "ik"[: matrix.rank])
    return result


def turned(matrix: Expression) -> Expression:
    return ex.transposed(matrix, (1, 0))


def total(node: Expression) -> Expression:
    return ex.contract(1, [(node, range(node.rank))], ())


@settings(max_examples=120)
@given(expressions(depth=3))
def test_the_value_is_the_same(root: Expression) -> None:
    form = expanded(root)
    if form is None or not is_small(root, form):
        return
    values = point(root)
    before = evaluate(root, values, SIZES)
    if is_defined(before):
        assert largest_difference(before, evaluate(form, values, SIZES)) < EXACT


@settings(max_examples=60)
@given(expressions(depth=3))
def test_expanding_twice_is_expanding_once(root: Expression) -> None:
    once = expanded(root)
    assert once is None or expanded(once) is once


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((a + b) * (a - b), a**2 - b**2),
        ((a + b) ** 7, ex.add([comb(7, k) * a ** (7 - k) * b**k for k in range(8)])),
        ((a + b) ** 2 * (a - b) ** 2, a**4 - 2 * a**2 * b**2 + b**4),
        (((a + b) ** 2 + c) ** 2, (a + b) ** 4 + 2 * c * (a + b) ** 2 + c**2),
        (F.exp((a + b) ** 2), F.exp(a**2 + 2 * a * b + b**2)),
        ((a + b) / c, a / c + b / c),
        (a * (1 + b / a), a + b),
        (inner(product(A, x) - y, product(A, x) - y), inner(x, product(turned(A), A, x)) - 2 * inner(y, product(A, x)) + inner(y, y)),
        (total(ex.multiply(x + y, x - y)), inner(x, x) - inner(y, y)),
        (total(x) ** 2 - inner(x, x), total(ex.contract(1, [(x, "i"), (x, "j"), (1 - ex.identity(N), "ij")], "ij"))),
        (product(A + B, A + B), product(A, A) + product(A, B) + product(B, A) + product(B, B)),
        (inner(x + y, product(S, x + y)), inner(x, product(S, x)) + 2 * inner(x, product(S, y)) + inner(y, product(S, y))),
        (total(x - total(x) / ex.size(N)), ex.constant(0)),
    ],
)
def test_identities(left: Expression, right: Expression) -> None:
    assert expanded(left - right) is ex.constant(0) or expanded(left) is expanded(right)


def test_all_pairs() -> None:
    """Σᵢⱼ (xᵢ − xⱼ)² = 2n Σ x² − 2 (Σ x)²."""
    pairs = ex.contract(1, [(x, "i"), (ONES, "j")], "ij") - ex.contract(1, [(x, "j"), (ONES, "i")], "ij")
    assert expanded(total(pairs**2) - 2 * ex.size(N) * inner(x, x) + 2 * total(x) ** 2) is ex.constant(0)


@pytest.mark.parametrize(
    ("left", "right"),
    [((a + b) ** 2, a**2 + b**2), (product(A + B, A + B), product(A, A) + 2 * product(A, B) + product(B, B)), (F.sqrt(a**2), a)],
)
def test_what_is_not_equal_stays_apart(left: Expression, right: Expression) -> None:
    assert expanded(left - right) is not ex.full(0, left.shape)


@pytest.mark.parametrize(
    "root",
    [
        ex.add([ex.leaf(f"u{k}") for k in range(30)]) ** 30,
        ex.contract(1, [(ex.leaf(f"u{k}") + ex.leaf(f"v{k}"), ()) for k in range(200)], ()),
        ((((a + b) ** 30 + c) ** 30 + a) ** 30 + b) ** 30,
    ],
    ids=["power", "product", "tower"],
)
def test_what_is_too_large_is_refused_at_once(root: Expression) -> None:
    start = time.process_time()
    assert expanded(root) is None
    assert time.process_time() - start < 60
