"""Derivatives against difference quotients of 50 digits, and the laws they keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from mpmath import mp, mpf
from random_expressions import SIZES, K, M, N, expressions, is_small, point
from reference import EXACT, TOLERANCE, difference_quotient, evaluate, extent, is_defined, largest_difference, numbers

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension, shape_text
from symgd.algebra.expression import Expression, Leaf, Select
from symgd.algebra.functions.table import F
from symgd.algebra.simplify import simplified
from symgd.calculus.derive import directional, gradient, hessian, inner, jacobian, structured_gradient, vectorised
from symgd.calculus.reverse import adjoints, kinks
from symgd.errors import NoRuleError, ShapeError

a, b, p = ex.leaf("a"), ex.leaf("b"), ex.leaf("p", (), ("> 0",))
x, y, z = ex.leaf("x", (N,)), ex.leaf("y", (N,)), ex.leaf("z", (M,))
A, B = ex.leaf("A", (M, N)), ex.leaf("B", (N, N))
S = ex.leaf("S", (N, N), ("symmetric",))


def product(*matrices: Expression) -> Expression:
    result = matrices[0]
    for matrix in matrices[1:]:
        result = ex.contract(1, [(result, "ij"), (matrix, "jk"[: matrix.rank])], "ik"[: matrix.rank])
    return result


def agrees(derivative: Expression, root: Expression, name: str, values: dict[str, Any]) -> bool:
    """Is it the derivative, as far as a difference quotient tells? True also where either is undefined at the point."""
    if not is_small(derivative):
        return True
    found = evaluate(derivative, values, SIZES)
    quotient = difference_quotient(root, name, values, SIZES)
    return not (is_defined(found) and is_defined(quotient)) or largest_difference(found, quotient) < TOLERANCE


# ---- against difference quotients -------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(expressions(depth=3))
def test_jacobians(root: Expression) -> None:
    if not is_small(root):
        return
    values = point(root)
    for leaf in ex.leaves(root):
        derivative = jacobian(root, leaf)
        assert derivative.shape == root.shape + leaf.shape
        assert agrees(derivative, root, leaf.name, values)
        assert agrees(simplified(derivative), root, leaf.name, values)


@settings(max_examples=60)
@given(expressions(rank=0, depth=3, smooth=True))
def test_hessians(root: Expression) -> None:
    values = point(root)
    for leaf in ex.leaves(root)[:2]:
        slope = jacobian(root, leaf)
        for other in ex.leaves(root)[:2]:
            second = hessian(root, leaf, other)
            assert second.shape == leaf.shape + other.shape
            if is_small(slope):
                assert agrees(second, slope, other.name, values)


@settings(max_examples=60)
@given(expressions(rank=0, depth=3, smooth=True))
def test_hessians_are_symmetric(root: Expression) -> None:
    values = point(root)
    for leaf in ex.leaves(root)[:2]:
        for other in ex.leaves(root)[:2]:
            one, two = hessian(root, leaf, other), hessian(root, other, leaf)
            if is_small(one, two):
                left, right = evaluate(one, values, SIZES), evaluate(two, values, SIZES)
                turned = np.transpose(right, [*range(other.rank, right.ndim), *range(other.rank)])
                if is_defined(left):
                    assert largest_difference(left, turned) < EXACT


@settings(max_examples=60)
@given(expressions(rank=0, depth=2, smooth=True))
def test_third_derivatives(root: Expression) -> None:
    values = point(root)
    for leaf in [leaf for leaf in ex.leaves(root) if leaf.rank < 2][:2]:
        second = jacobian(jacobian(root, leaf), leaf)
        if is_small(second):
            assert agrees(jacobian(second, leaf), second, leaf.name, values)
            assert agrees(jacobian(simplified(second), leaf), second, leaf.name, values)


@settings(max_examples=40)
@given(expressions(rank=0, depth=3, smooth=True), expressions(rank=0, depth=3, smooth=True))
def test_the_derivative_is_linear(first: Expression, second: Expression) -> None:
    both = 3 * first - p * second
    values = point(both * p)
    for leaf in [leaf for leaf in ex.leaves(both) if leaf is not p]:
        left = jacobian(both, leaf)
        right = 3 * jacobian(first, leaf) - p * jacobian(second, leaf)
        if is_small(left, right):
            known = evaluate(right, values, SIZES)
            if is_defined(known):
                assert largest_difference(evaluate(left, values, SIZES), known) < EXACT


# ---- a checker must be able to fail ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "variable", "wrong"),
    [
        (inner(product(A, x), z), x, ex.negative(product(ex.transposed(A, (1, 0)), z))),
        (inner(product(A, x), z), A, ex.contract(1, [(z, "i"), (x, "j")], "ij") * 2),
        (inner(product(B, x), y), B, ex.contract(1, [(y, "i"), (x, "j")], "ji")),
        (product(B, x), x, ex.transposed(B, (1, 0))),
        (inner(x, product(B, x)), x, product(B, x) * 2),
        (F.sin(a), a, F.cos(a) + ex.constant(1) / 10**15),
    ],
    ids=["sign", "factor", "transposed", "layout", "as if symmetric", "a digit"],
)
def test_planted_errors_are_found(root: Expression, variable: Leaf, wrong: Expression) -> None:
    values = point(root)
    assert agrees(jacobian(root, variable), root, variable.name, values)
    assert not agrees(wrong, root, variable.name, values)


def test_a_missing_axis_is_found() -> None:
    assert largest_difference(np.zeros(3), np.zeros((3, 1))) == mp.inf
    assert largest_difference([mp.nan], [0]) == mp.inf


# ---- directions --------------------------------------------------------------------------------------------------------------


def direction_of(leaf: Leaf) -> Leaf:
    return ex.leaf(f"u_{leaf.name}", leaf.shape)


@settings(max_examples=80)
@given(expressions(depth=3))
def test_a_directional_derivative_is_the_jacobian_times_the_direction(root: Expression) -> None:
    if not is_small(root):
        return
    for leaf in ex.leaves(root)[:3]:
        u = direction_of(leaf)
        along = directional(root, leaf, u)
        assert along.shape == root.shape
        assert all(found.name for found in ex.leaves(along)), "the probe is left over"
        front, axes = [("r", k) for k in range(root.rank)], range(leaf.rank)
        expected = ex.contract(1, [(jacobian(root, leaf), (*front, *axes)), (u, axes)], front)
        if is_small(along, expected):
            values = point(inner(root, root) + inner(u, u))
            known = evaluate(expected, values, SIZES)
            if is_defined(known):
                assert largest_difference(evaluate(along, values, SIZES), known) < EXACT


@pytest.mark.parametrize(
    "root",
    [
        inner(x, x) ** 2,
        F.lse(product(A, x)),
        F.norm2(product(A, x) - z),
        inner(F.exp(x), F.sigmoid(product(B, x))),
        F.logdet(ex.contract(1, [(A, "ki"), (x, "i"), (A, "li"), (x, "i")], "kl") + ex.identity(M)),
        inner(F.softmax(x), y),
        F.amax(x**2),
    ],
)
def test_a_hessian_times_a_vector_never_builds_the_hessian(root: Expression) -> None:
    u = ex.leaf("u", (N,))
    times_vector = directional(jacobian(root, x), x, u)
    assert times_vector.shape == (N,)
    for node in ex.topological(times_vector, simplified(times_vector)):
        assert node.shape != (N, N) or node is B
    values = point(root + inner(u, u))
    whole = product(hessian(root, x, x), u)
    assert largest_difference(evaluate(times_vector, values, SIZES), evaluate(whole, values, SIZES)) < EXACT


def test_a_jacobian_times_a_vector_never_builds_the_jacobian() -> None:
    root, u = F.exp(product(B, F.sin(product(B, x)))), ex.leaf("u", (N,))
    for node in ex.topological(directional(root, x, u)):
        assert node.shape != (N, N) or node is B


# ---- several variables, literals, unknown functions ---------------------------------------------------------------------------


def test_one_pass_for_all_variables() -> None:
    root = inner(product(A, x), z) * F.exp(a)
    found = gradient(root, [x, A, a, b])
    assert [node.shape for node in found] == [(N,), (M, N), (), ()]
    assert found[:3] == [jacobian(root, leaf) for leaf in (x, A, a)]
    assert found[3] is ex.constant(0)


def test_what_does_not_depend_has_the_derivative_zero() -> None:
    assert jacobian(product(A, x), y) is ex.full(0, (M, N))
    assert jacobian(ex.constant(2), a) is ex.constant(0)


def test_the_derivative_by_itself_is_the_identity() -> None:
    assert jacobian(a, a) is ex.constant(1)
    assert jacobian(x, x) is ex.identity(N)
    identity = evaluate(jacobian(B, B), {"B": np.ones((3, 3))}, SIZES)
    assert largest_difference(identity, np.eye(9).reshape(3, 3, 3, 3)) == 0


@pytest.mark.parametrize("count", [3, 40])
def test_literals_short_and_long(count: int) -> None:
    literal = ex.stack([F.sin(a * k) * b for k in range(1, count + 1)])
    values = point(inner(literal, literal))
    assert agrees(jacobian(literal, a), literal, "a", values)
    assert agrees(jacobian(inner(literal, literal), a), inner(literal, literal), "a", values)


def test_unknown_functions_by_the_chain_rule() -> None:
    """f(a·b, a) stands for sin(a·b)·a, whose partial derivatives the reference knows."""

    def known(orders: tuple[int, ...], first: Any, second: Any) -> Any:
        outer = [mp.sin, mp.cos, lambda t: -mp.sin(t), lambda t: -mp.cos(t)][orders[0]](first)
        return outer * [second, mpf(1), mpf(0), mpf(0)][orders[1]]

    root = ex.unknown("f", [a * b, a]) * a
    spelt = F.sin(a * b) * a * a
    values = {"a": mpf("0.7"), "b": mpf("-0.4")}
    for left, right in ((root, spelt), (jacobian(root, a), jacobian(spelt, a)), (hessian(root, a, b), hessian(spelt, a, b))):
        assert largest_difference(evaluate(left, values, {}, {"f": known}), evaluate(right, values, {})) < EXACT


def test_what_has_no_rule_says_so() -> None:
    order, argument = ex.leaf("k"), ex.leaf("t")
    assert jacobian(F.polygamma(order, argument), argument) is F.polygamma(order + 1, argument)
    with pytest.raises(NoRuleError):
        jacobian(F.polygamma(order, argument), order)


def test_a_branch_with_derivative_zero_needs_no_rule() -> None:
    """Nothing is asked of what stands under a derivative that is 0, such as the condition of a choice."""
    condition = F.less(F.polygamma(a, b), 0)
    assert simplified(jacobian(F.where(condition, a, 2 * a), a) - F.where(condition, 1, 2)) is not None
    assert adjoints(F.where(condition, a**2, b), [a])[a] is not ex.constant(0)


# ---- symmetry, layouts ----------------------------------------------------------------------------------------------------------


def test_entries_of_a_symmetric_matrix_are_independent() -> None:
    """∂(x'Sy)/∂S is xy', not (xy' + yx')/2, also after simplifying."""
    root = ex.contract(1, [(x, "i"), (S, "ij"), (y, "j")], "") - ex.contract(1, [(y, "i"), (S, "ij"), (x, "j")], "")
    values = point(root)
    assert agrees(jacobian(root, S), root, "S", values)
    assert agrees(jacobian(simplified(root), S), root, "S", values)


def test_the_gradient_by_the_lower_triangle() -> None:
    root = F.logdet(product(S, S) + ex.identity(N)) + ex.contract(1, [(x, "i"), (S, "ij"), (y, "j")], "")
    values = point(root)
    found = evaluate(structured_gradient(jacobian(root, S), "symmetric", S), values, SIZES)
    matrix, step = numbers(values["S"]), mpf("1e-16")
    with mp.workdps(50):
        for i in range(3):
            for j in range(i + 1):
                ends = []
                for sign in (1, -1):
                    moved = matrix.copy()
                    moved[i, j] += sign * step
                    moved[j, i] = moved[i, j]
                    ends.append(evaluate(root, {**values, "S": moved}, SIZES)[()])
                quotient = (ends[0] - ends[1]) / (2 * step)
                assert largest_difference([found[i, j], found[j, i]], [quotient, quotient]) < TOLERANCE
    with pytest.raises(ShapeError) as caught:
        structured_gradient(jacobian(inner(product(A, x), z), A), "symmetric", A)
    reason = f"a gradient under the structure symmetric needs a square matrix, and A is {shape_text(A.shape)}."
    assert str(caught.value) == f"{reason}\nDeclare it as A[n,n] symmetric."


@pytest.mark.parametrize(("shape", "split"), [((N, K), 2), ((N, K, M, N), 2), ((N, K, N), 2), ((N, N, K), 1), ((N,), 1), ((N, K, M), 3)])
def test_the_vec_layout_is_that_of_numpy(shape: tuple[Dimension, ...], split: int) -> None:
    T = ex.leaf("T", shape)
    values = point(inner(T, T))
    sizes = extent(shape, SIZES)
    expected = numbers(values["T"]).reshape(
        [int(np.prod(sizes[:split])), *([int(np.prod(sizes[split:]))] if split < len(sizes) else [])], order="F"
    )
    assert largest_difference(evaluate(vectorised(T, split), values, SIZES), expected) == 0


def test_a_jacobian_of_matrices_in_the_vec_layout() -> None:
    """vec(AXB) = (B' ⊗ A) vec(X): the Jacobian of AXB is B' ⊗ A (Magnus & Neudecker, 3rd ed., theorem 2.2)."""
    X, C = ex.leaf("X", (N, N)), ex.leaf("C", (N, K))
    root = product(A, X, C)
    layout = vectorised(jacobian(root, X), 2)
    values = point(inner(root, root))
    left, right = (np.array(numbers(values[name]).tolist(), dtype=float) for name in ("A", "C"))
    assert largest_difference(evaluate(layout, values, SIZES), np.kron(right.T, left)) < 1e-14


# ---- kinks ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "variable", "crossings"),
    [
        (F.abs(a) + a, a, [a]),
        (F.max(2, a), a, [2 - a]),
        (F.max(a, b), b, [a - b]),
        (F.clip(a, -1, b), a, [a + 1, a - b]),
        (F.relu(b) + a, a, []),
        (F.exp(a), a, []),
        (F.sin(F.relu(a * b)), b, [a * b]),
        (F.where(F.less(a, 1), a, b), a, [a - 1]),
    ],
)
def test_kinks_that_a_derivative_crosses(root: Expression, variable: Leaf, crossings: list[Expression]) -> None:
    assert [crossing for _, crossing in kinks(root, [variable])] == crossings


def test_ties_share_the_derivative() -> None:
    """At a kink the convention of the table: symmetric, so that the derivative of max(x, x) is 1."""
    cases: list[tuple[Callable[[Expression], Expression], float]] = [
        (lambda t: F.max(t, t), 1),
        (lambda t: F.min(t, 2 * t), 1.5),
        (F.abs, 0),
        (F.relu, 0),
        (lambda t: F.amax(ex.stack([t, 0 * t])), 0.5),
    ]
    for function, slope in cases:
        assert largest_difference(evaluate(jacobian(function(a), a), {"a": 0}, {}), slope) == 0


def test_the_layout_names_no_selection() -> None:
    """A Jacobian of a function that works entry by entry is diagonal: one identity, no larger selection."""
    found = jacobian(F.exp(x), x)
    assert [node for node in ex.topological(found) if isinstance(node, Select)] == [ex.identity(N)]
