"""Deriving costs a few operations per operation: linear in the size, whatever the number of variables and the depth."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import reduce

import pytest

from symgd.algebra import expression as ex
from symgd.algebra.canonical import canonical
from symgd.algebra.expression import Expression, Leaf
from symgd.algebra.functions.table import F
from symgd.algebra.simplify import simplified
from symgd.calculus import derive

Family = Callable[[list[Leaf]], Expression]


def rosenbrock(x: list[Leaf]) -> Expression:
    return reduce(lambda f, k: f + 100 * (x[k + 1] - x[k] ** 2) ** 2 + (1 - x[k]) ** 2, range(len(x) - 1), ex.constant(0))


def product(x: list[Leaf]) -> Expression:
    return reduce(lambda f, factor: f * factor, x[1:], x[0] * 1)


def composition(x: list[Leaf]) -> Expression:
    return reduce(lambda f, _: F.sin(F.exp(f)), range(len(x) // 2), x[0] * 1)


def nodes_made(family: Family, n: int) -> int:
    """How many nodes deriving and simplifying makes."""
    gc.collect()
    x = [ex.leaf(f"x{k}") for k in range(n)]
    before = ex.leaf(f"before {family.__name__} {n}").serial
    f = family(x)
    slopes = derive.gradient(f, x)
    found = simplified(ex.stack(slopes))
    assert found.shape == (ex.Dimension.of(n),)
    return ex.leaf(f"after {family.__name__} {n}").serial - before


@pytest.mark.parametrize("family", [rosenbrock, product, composition])
def test_cost_is_linear_and_no_depth_is_too_much(family: Family) -> None:
    small, large = (nodes_made(family, n) for n in (1_000, 10_000))
    assert large <= 12 * small
    assert small <= 60 * 1_000


def test_deep_expressions_pass_through_everything() -> None:
    x = [ex.leaf("x")] * 20_000
    f = composition(x)
    assert canonical(f) is f
    assert len(f.digest) == 12
    assert ex.leaves(f) == [x[0]]


def test_a_hessian_vector_product_never_makes_a_matrix() -> None:
    n = ex.Dimension.of("n")
    x, u, a = ex.leaf("x", (n,)), ex.leaf("u", (n,)), ex.leaf("a", (n,))
    f = F.log(derive.inner(F.exp(a * x), F.cosh(x))) + derive.inner(x, x) ** 2
    product_ = derive.directional(derive.jacobian(f, x), x, u)
    assert max(node.rank for node in ex.topological(product_)) == 1
    hessian = derive.hessian(f, x, x)
    assert max(node.rank for node in ex.topological(hessian)) == 2
