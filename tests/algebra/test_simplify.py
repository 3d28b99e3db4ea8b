"""Simplified expressions have the same value wherever the original has one, and the rules do what their names say."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from random_expressions import SIZES, K, M, N, expressions, is_small, point
from reference import EXACT, evaluate, evaluate_all, is_defined, largest_difference

from symgd.algebra import expression as ex
from symgd.algebra import operations as op
from symgd.algebra.canonical import canonical
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Contract, Expression, Map, Stack
from symgd.algebra.functions.table import F
from symgd.algebra.operations import Value
from symgd.algebra.simplify import is_slice, simplified, simplified_all
from symgd.calculus.derive import inner, jacobian

a, b, p = ex.leaf("a"), ex.leaf("b"), ex.leaf("p", (), ("> 0",))
x, y, z = ex.leaf("x", (N,)), ex.leaf("y", (N,)), ex.leaf("z", (M,))
A, B = ex.leaf("A", (M, N)), ex.leaf("B", (N, N))
S = ex.leaf("S", (N, N), ("symmetric",))

FORMS: list[Callable[[Expression], Expression]] = [
    simplified,
    lambda root: simplified(root, symmetry=True),
    lambda root: simplified_all([root], sharing=True)[0],
    lambda root: simplified_all([root], sharing=True, symmetry=True)[0],
]


@settings(max_examples=200)
@given(expressions())
def test_the_value_is_the_same(root: Expression) -> None:
    values = point(root)
    if not is_small(root):
        return
    before = evaluate(root, values, SIZES)
    if not is_defined(before):
        return
    for form in FORMS:
        after = form(root)
        assert after.shape == root.shape
        if is_small(after):
            assert largest_difference(before, evaluate(after, values, SIZES)) < EXACT


@settings(max_examples=100)
@given(expressions(depth=3), expressions(depth=3))
def test_several_roots_are_simplified_together(first: Expression, second: Expression) -> None:
    roots = [first, second, ex.contract(1, [(first, range(first.rank))], ())]
    if not is_small(*roots):
        return
    values = point(ex.stack([inner(root, root) for root in roots]))
    originals, results = evaluate_all(roots, values, SIZES), evaluate_all(simplified_all(roots), values, SIZES)
    for before, after in zip(originals, results, strict=True):
        if is_defined(before):
            assert largest_difference(before, after) < EXACT


@settings(max_examples=100)
@given(expressions())
def test_simplifying_comes_to_rest(root: Expression) -> None:
    """One pass is nearly always enough; what the merging of powers uncovers takes a second."""
    twice = simplified(simplified(root))
    assert simplified(twice) is twice


@settings(max_examples=60)
@given(expressions(rank=0, depth=3))
def test_the_derivative_of_the_simplified_is_that_of_the_original(root: Expression) -> None:
    """Also by a symmetric matrix, whose entries a derivative takes as independent."""
    values = point(root)
    for leaf in ex.leaves(root):
        before, after = jacobian(root, leaf), jacobian(simplified(root), leaf)
        if is_small(before, after):
            known = evaluate(before, values, SIZES)
            if is_defined(known):
                assert largest_difference(known, evaluate(after, values, SIZES)) < EXACT


# ---- rules -----------------------------------------------------------------------------------------------------------------


def same(left: Expression, right: Expression, symmetry: bool = False) -> bool:
    """Does the left side simplify to the right, up to the order of terms and factors?"""
    return canonical(simplified(left, symmetry=symmetry), symmetry=False) is canonical(right, symmetry=False)


def norm(node: Expression) -> Expression:
    return F.norm2(node)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (a + (b + (a - b)), 2 * a),
        ((a + b) - (b + a), ex.constant(0)),
        (a * b - b * a, ex.constant(0)),
        (2 * (a + b) + 3 * (a - b), 5 * a - b),
        (a * (b * (a * b)), a**2 * b**2),
        (a * b / a, b),
        (a**2 / a**3, 1 / a),
        ((a * b) ** 2 / a, a * b**2),
        ((a * b) ** -2 * b, a**-2 / b),
        ((2 * a * b) ** 2, 4 * a**2 * b**2),
        (F.sqrt(a) * F.sqrt(a), a),
        (F.sqrt(a) ** 3 * a, ex.power(a, Fraction(5, 2))),
        (F.sqrt(a) ** 2, a),
        (ex.power(a, Fraction(1, 2)), F.sqrt(a)),
        (ex.power(a, Fraction(-1, 2)) * a, F.sqrt(a)),
        (F.sqrt(a**2) * F.sqrt(a**2), a**2),
        (F.sqrt(a**2), F.abs(a)),
        (F.sqrt(a**2) ** 3, F.abs(a) ** 3),
        (ex.power(a**-4, Fraction(1, 4)), F.abs(a) ** -1),
        (ex.power(ex.power(a**2, Fraction(1, 2)), 2) * a, a**3),
        (F.sqrt(p**2), p),
        (F.abs(p), p),
        (F.abs(a) ** 2, a**2),
        (F.abs(a) * F.abs(a), a**2),
        (F.abs(a) ** -4, a**-4),
        (F.abs(F.abs(a) ** 3) ** 2, a**6),
        (F.exp(F.log(a)), a),
        (F.log(F.exp(a)), a),
        (norm(x) ** 2 / norm(x), norm(x)),
        (ex.multiply(ex.multiply(norm(x) ** 2, x), 1 / norm(x)), ex.multiply(norm(x), x)),
        (inner(x, ex.multiply(x, y)), inner(x**2, y)),
        (inner(x, y) - inner(y, x), ex.constant(0)),
        (ex.contract(1, [(x, "i"), (B, "ij"), (y, "j")], "") - ex.contract(1, [(y, "j"), (B, "ij"), (x, "i")], ""), ex.constant(0)),
        (inner(ex.multiply(x, x**-1), ex.full(1, (N,))), ex.size(N)),
        (op.diag(op.diag(Value(x))).node, x),
        (ex.contract(1, [(x, "i"), (op.diag(Value(x)).node, "ij"), (x, "j")], ""), inner(x**3, ex.full(1, (N,)))),
    ],
)  # fmt: skip
def test_what_becomes_simpler(before: Expression, after: Expression) -> None:
    assert same(before, after)


@pytest.mark.parametrize(
    "node",
    [
        F.abs(a) ** 3,  # not a³
        F.abs(a),
        ex.power(a**2, b),
        F.exp(F.log1p(a)),
        ex.power(a + b, 2),
        inner(x, y) ** 2,
    ],
)
def test_what_stays(node: Expression) -> None:
    assert simplified(node) is node


def test_symmetry_is_used_where_it_is_asked_for() -> None:
    left = ex.contract(1, [(x, "i"), (S, "ij"), (y, "j")], "")
    right = ex.contract(1, [(y, "i"), (S, "ij"), (x, "j")], "")
    assert simplified(left - right, symmetry=True) is ex.constant(0)
    assert simplified(left - right) is not ex.constant(0)
    assert simplified(jacobian(simplified(left - right), S)) is not ex.full(0, (N, N))
    assert simplified(inner(S, ex.transposed(S, (1, 0))), symmetry=True) is simplified(inner(S, S))


# ---- entries, slices, literals ---------------------------------------------------------------------------------------------


def entry(array: Expression, *positions: int) -> Expression:
    for position in positions:
        array = ex.element(array, 0, Dimension.of(position))
    return array


def test_an_entry_stays_in_one_piece() -> None:
    assert is_slice(entry(x, 1))
    assert simplified(entry(x, 1) * entry(x, 1)) is entry(x, 1) ** 2
    assert simplified(entry(x, 0) * entry(y, 0) - entry(y, 0) * entry(x, 0)) is ex.constant(0)
    assert not is_slice(x)


def test_a_slice_of_a_diagonal() -> None:
    """T[2,j,j] keeps one axis for its two equal indices."""
    T = ex.leaf("T", (N, N, N))
    chosen = ex.contract(1, [(T, "pjj"), (ex.select(N, Dimension.of(1)), "p"), (x, "j")], "j")
    values = point(inner(inner(T, T), inner(x, x)))
    for form in FORMS:
        assert largest_difference(evaluate(chosen, values, SIZES), evaluate(form(chosen), values, SIZES)) < EXACT


def test_a_gradient_by_a_short_vector_is_a_literal() -> None:
    v = ex.leaf("v", (K,))
    gradient = simplified(jacobian(entry(v, 0) ** 2 * entry(v, 1), v))
    assert isinstance(gradient, Stack)
    assert same(gradient, ex.stack([2 * entry(v, 0) * entry(v, 1), entry(v, 0) ** 2]))


def test_a_sum_over_a_literal_is_written_out() -> None:
    literal = ex.stack([a, b])
    v = ex.leaf("v", (K,))
    assert same(inner(literal, ex.full(1, (K,))), a + b)
    assert same(inner(literal, v), a * entry(v, 0) + b * entry(v, 1))
    assert same(p * inner(literal, literal), p * (a**2 + b**2))
    assert simplified(F.exp(literal)) is ex.stack([F.exp(a), F.exp(b)])


# ---- size ------------------------------------------------------------------------------------------------------------------


def fibonacci(combine: Callable[[Expression, Expression], Expression], first: Expression, depth: int) -> Expression:
    """As many paths from the root to the leaves as a Fibonacci number says."""
    left, right = first, b
    for k in range(depth):
        left, right = right, combine(combine(left, right), ex.leaf(f"u{k}"))
    return right


def nested(step: Callable[[Expression], Expression], first: Expression, depth: int) -> Expression:
    for _ in range(depth):
        first = step(first)
    return first


def sums_of_literals(count: int) -> Expression:
    total: Expression = ex.constant(1)
    for k in range(count):
        total = total * inner(ex.stack([ex.leaf(f"u{k}"), ex.leaf(f"v{k}")]), ex.full(1, (K,)))
    return total


@pytest.mark.parametrize(
    "root",
    [
        fibonacci(lambda s, t: s + t, a, 200),
        fibonacci(lambda s, t: s * t, a, 200),
        fibonacci(lambda s, t: s * t, inner(x, x), 60),
        nested(lambda s: s * s, a, 300),
        nested(lambda s: (s + a) * (s + b), p, 200),
        nested(lambda s: F.abs(s) ** 2, a, 300),
        nested(lambda s: (s * b) ** 2, a, 200),
        nested(lambda s: ex.contract(1, [(s, "ij"), (s, "jk")], "ik"), B, 40),
        sums_of_literals(40),
    ],
    ids=["sums", "products", "inner products", "squares", "factors", "absolute values", "powers", "matrices", "literals"],
)
def test_what_is_shared_is_not_written_out_again_and_again(root: Expression) -> None:
    start = time.process_time()
    assert len(ex.topological(simplified(root))) < 20 * len(ex.topological(root))
    assert time.process_time() - start < 60  # each took far longer than a day where every path is written out


def test_depth_and_breadth_meet_no_recursion_limit() -> None:
    assert simplified(nested(F.abs, a, 2_500) ** 2) is a**2
    assert len(ex.topological(simplified(sums_of_literals(500)))) > 1000


def test_large_expressions_keep_their_sharing() -> None:
    root: Expression = a
    for k in range(2000):
        root = F.sin(root) * root + ex.leaf(f"u{k % 7}")
    assert len(ex.topological(simplified(root))) <= len(ex.topological(root))


def test_a_chain_of_sums_and_one_of_products_become_flat() -> None:
    terms = [ex.leaf(f"u{k}") for k in range(500)]
    total, whole = terms[0], terms[0]
    for term in terms[1:]:
        total, whole = total + term, whole * term
    for form in FORMS:
        assert form(total) is ex.add(terms)
        assert form(whole) is ex.contract(1, [(term, ()) for term in terms], ())


def test_products_of_maps_are_not_opened() -> None:
    node = simplified(F.sin(a * b) * a)
    assert isinstance(node, Contract)
    assert any(isinstance(child, Map) for child in node.children)
