"""The laws of the design over random well-typed expressions, against an evaluator that shares no code with the package.

Each law is a function from a seed to a fault (None where the law holds), so that a test can also show that it would fail.
"""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from random_expressions import SIZES, is_small, made, point, point_of
from reference import EXACT, TOLERANCE, difference_quotient, evaluate, evaluate_all, is_defined, largest_difference

from symgd.algebra import expression as ex
from symgd.algebra.canonical import canonical
from symgd.algebra.expand import expanded
from symgd.algebra.expression import Expression
from symgd.algebra.simplify import simplified, simplified_all
from symgd.calculus import derive

SEEDS = range(60)


def random_expression(seed: int, rank: int | None = None, smooth: bool = False) -> Expression:
    """One that has variables and that the reference evaluator can loop over."""
    generator = Random(seed)
    while True:
        root = made(generator.choice, rank, depth=3, smooth=smooth)
        if ex.leaves(root) and is_small(root):
            return root


def same_value(root: Expression, *forms: Expression) -> None:
    """Where the expression is defined, the forms have its value."""
    value, *others = evaluate_all([root, *forms], point_of(ex.leaves(root, *forms)), SIZES)
    if is_defined(value):
        for other in others:
            assert largest_difference(value, other) < EXACT


@pytest.mark.parametrize("seed", SEEDS)
def test_simpler_forms_have_the_same_value(seed: int) -> None:
    root = random_expression(seed)
    product = expanded(root)
    same_value(root, simplified(root), *simplified_all([root]), canonical(root), *([] if product is None else [product]))
    same_value(root, simplified(root, symmetry=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_canonical_form_is_one_for_all_orders(seed: int) -> None:
    root = random_expression(seed)
    assert canonical(shuffled(root, Random(seed))) is canonical(root)
    assert canonical(canonical(root)) is canonical(root)


def shuffled(root: Expression, generator: Random) -> Expression:
    """The expression with terms and factors in another order."""
    done: dict[Expression, Expression] = {}
    for node in ex.topological(root):
        children = [done[child] for child in node.children]
        order = list(range(len(children)))
        generator.shuffle(order)
        if isinstance(node, ex.Add):
            done[node] = ex.add([ex.scaled(node.coefficients[k], children[k]) for k in order])
        elif isinstance(node, ex.Contract):
            factors = [(children[k], node.labels[k]) for k in order]
            done[node] = ex.contract(node.coefficient, factors, range(node.rank), node.dimensions())
        else:
            done[node] = ex.rebuilt(node, children)
    return done[root]


@pytest.mark.parametrize("seed", SEEDS)
def test_derivatives_are_limits_of_difference_quotients(seed: int) -> None:
    root = random_expression(seed, rank=seed % 3, smooth=True)
    values = point(root)
    for leaf in ex.leaves(root)[:2]:
        slope = derive.jacobian(root, leaf)
        got = evaluate(slope, values, SIZES)
        want = difference_quotient(root, leaf.name, values, SIZES)
        if is_defined(want) and is_defined(got):
            assert largest_difference(got, want) < TOLERANCE
            same_value(slope, simplified(slope))


@pytest.mark.parametrize("seed", SEEDS)
def test_directional_derivatives_are_inner_products(seed: int) -> None:
    root = random_expression(seed, rank=seed % 2, smooth=True)
    leaf = ex.leaves(root)[0]
    u = ex.leaf("direction", leaf.shape)
    along = derive.directional(root, leaf, u)
    assert all(other.name for other in ex.leaves(along)), "the probe is left over"
    slope = derive.jacobian(root, leaf)
    axes = [("r", k) for k in range(root.rank)]
    inner = ex.contract(1, [(slope, [*axes, *range(leaf.rank)]), (u, range(leaf.rank))], axes)
    one, other = evaluate_all([along, inner], point_of(ex.leaves(along, inner)), SIZES)
    if is_defined(other):
        assert largest_difference(one, other) < EXACT


@pytest.mark.parametrize("seed", SEEDS)
def test_hessians_are_symmetric(seed: int) -> None:
    root = random_expression(seed, rank=0, smooth=True)
    leaves = ex.leaves(root)
    first, second = leaves[0], leaves[-1]
    one = derive.hessian(root, first, second)
    turned = ex.transposed(derive.hessian(root, second, first), [*range(second.rank, second.rank + first.rank), *range(second.rank)])
    left, right = evaluate_all([one, turned], point_of(ex.leaves(root, one, turned)), SIZES)
    if is_defined(left):
        assert largest_difference(left, right) < EXACT


def test_derivatives_are_linear() -> None:
    for seed in range(20):
        f, g = (random_expression(seed + k, rank=0, smooth=True) for k in (0, 1000))
        leaf = ex.leaves(f)[0]
        both = derive.jacobian(3 * f - g, leaf)
        apart = 3 * derive.jacobian(f, leaf) - derive.jacobian(g, leaf)
        left, right = evaluate_all([both, apart], point_of(ex.leaves(f, g, both, apart)), SIZES)
        if is_defined(right):
            assert largest_difference(left, right) < EXACT


def taylor_remainders(f: Expression, leaf: ex.Leaf, slope: Expression) -> list[float]:
    """|f(x + hu) − f(x) − h⟨∇f, u⟩| for h and h/2."""
    values = point(f)
    x, u = np.array(values[leaf.name], dtype=object), np.array(point_of([leaf], seed=7)[leaf.name], dtype=object)
    start, gradient = evaluate_all([f, slope], values, SIZES)
    remainders = []
    for h in (2**-20, 2**-21):
        moved = evaluate(f, {**values, leaf.name: (x + u * _exact(h)).tolist() if leaf.rank else x.item() + u.item() * _exact(h)}, SIZES)
        linear = sum(g * w for g, w in zip(gradient.flat, np.ravel(u).tolist()))
        remainders.append(abs(float(moved[()] - start[()] - h * linear)))
    return remainders


def _exact(h: float) -> Any:
    from fractions import Fraction

    return Fraction(h)


@pytest.mark.parametrize("seed", range(12))
def test_the_taylor_remainder_falls_fourfold_and_a_wrong_gradient_shows(seed: int) -> None:
    n = ex.leaf("x", (ex.Dimension.of("n"),))
    f = derive.inner(ex.apply(_row("sin"), n), n) + (seed + 1) * derive.inner(n, n) ** 2
    right = derive.jacobian(f, n)
    ratio = np.divide(*taylor_remainders(f, n, right))
    assert 3.9 < ratio < 4.1
    wrong = np.divide(*taylor_remainders(f, n, ex.negative(right)))
    assert 1.9 < wrong < 2.1


def _row(name: str) -> Any:
    from symgd.algebra.functions.table import elementwise

    return elementwise(name)
