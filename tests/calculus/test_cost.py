"""What a derivative costs: a few nodes for each node of the function, in time that grows with their number, at any depth."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pytest

import symgd
from symgd.algebra import expression as ex
from symgd.algebra.canonical import canonical
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Expression, Leaf
from symgd.algebra.functions.table import F
from symgd.algebra.simplify import simplified, simplified_all
from symgd.calculus.derive import directional, gradient
from tests.effort import calls_made

Problem = Callable[[int], tuple[Expression, list[Leaf]]]


def scalars(count: int) -> list[Leaf]:
    return [ex.leaf(f"x{k}") for k in range(count)]


def rosenbrock(n: int) -> tuple[Expression, list[Leaf]]:
    """A left-folded sum, as a loop in Python builds it."""
    x = scalars(n)
    total: Expression = ex.constant(0)
    for k in range(n - 1):
        total = total + 100 * (x[k + 1] - x[k] ** 2) ** 2 + (1 - x[k]) ** 2
    return total, x


def chained_product(n: int) -> tuple[Expression, list[Leaf]]:
    x = scalars(n)
    whole: Expression = x[0]
    for factor in x[1:]:
        whole = whole * factor
    return whole, x


def flat_product(n: int) -> tuple[Expression, list[Leaf]]:
    x = scalars(n)
    return ex.contract(1, [(factor, ()) for factor in x], ()), x


def composition(n: int) -> tuple[Expression, list[Leaf]]:
    x = ex.leaf("x")
    node: Expression = x
    for _ in range(n):
        node = F.sin(node)
    return node, [x]


def shared_prefixes(n: int) -> tuple[Expression, list[Leaf]]:
    """Σ sin(x₁ + … + x_k): every term contains the one before it."""
    x = scalars(n)
    prefix, total = ex.constant(0), ex.constant(0)
    for variable in x:
        prefix = prefix + variable
        total = total + F.sin(prefix)
    return total, x


PROBLEMS = [rosenbrock, chained_product, flat_product, composition, shared_prefixes]


def nodes_made(work: Callable[[], object]) -> int:
    """Nodes created by the work, also those thrown away since."""
    before = next(ex._serials)
    kept = work()
    made = next(ex._serials) - before - 1
    del kept
    return made


@dataclass(frozen=True)
class Cost:
    """Numbers of nodes: of the function, made for its gradient, of both together, made by simplifying those, left of them."""

    function: int
    deriving: int
    together: int
    simplifying: int
    simplified: int


@cache
def cost(problem: Problem, n: int) -> Cost:
    root, variables = problem(n)
    slope: list[Expression] = []
    simple: list[Expression] = []
    deriving = nodes_made(lambda: slope.extend(gradient(root, variables)))
    simplifying = nodes_made(lambda: simple.extend(simplified_all([root, *slope], sharing=True)))
    return Cost(len(ex.topological(root)), deriving, len(ex.topological(root, *slope)), simplifying, len(ex.topological(*simple)))


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_gradient_costs_a_few_nodes_a_node(problem: Problem) -> None:
    small, large = cost(problem, 1_000), cost(problem, 10_000)
    assert large.deriving <= 5 * large.function
    assert large.deriving <= 12 * small.deriving


@pytest.mark.parametrize("problem", PROBLEMS)
def test_simplifying_for_a_program_keeps_it_linear(problem: Problem) -> None:
    small, large = cost(problem, 1_000), cost(problem, 10_000)
    assert large.simplified <= 1.2 * large.together
    assert large.simplifying <= 8 * large.together
    assert large.simplifying + large.together <= 12 * (small.simplifying + small.together)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_walks_meet_no_recursion_limit(problem: Problem) -> None:
    root, variables = problem(3_000)
    assert set(ex.leaves(root)) == set(variables)
    assert len(root.digest) == 12
    assert canonical(root).shape == simplified(root).shape == ()
    assert directional(root, variables[-1], ex.constant(1)) is gradient(root, variables)[-1]
    before, size = len(ex._interned), len(ex.topological(root))
    del root, variables
    gc.collect()
    assert len(ex._interned) <= before - size + 10


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_work_grows_with_the_function(problem: Problem) -> None:
    """The gradient and what a program is made of: a constant number of calls for a variable."""

    def calls(n: int) -> int:
        root, variables = problem(n)
        return calls_made(lambda: simplified_all([root, *gradient(root, variables)], sharing=True))

    small, large = calls(500), calls(2_000)
    assert large <= 2_500 * 2_000
    assert large <= 4.2 * small


def test_second_derivatives_are_linear_too() -> None:
    counts = []
    for n in (100, 1_000):
        root, variables = rosenbrock(n)
        slope = gradient(root, variables)[n // 2]
        counts.append(nodes_made(lambda slope=slope, variables=variables: gradient(slope, variables)))
    assert counts[1] <= 12 * counts[0] + 100


def test_a_gradient_is_simplified_when_it_is_looked_at() -> None:
    """Deriving what is not shown makes few calls; what is shown is the same."""
    x = symgd.variables(", ".join(f"x{k}" for k in range(40)))
    whole = math.prod(x[1:], start=x[0])
    found: list[symgd.Formula] = []
    deriving = calls_made(lambda: found.append(symgd.gradient(whole, [str(one) for one in x])))
    looking = calls_made(lambda: found[0].variables)
    assert 2 * deriving < looking
    assert found[0].shape == (Dimension.of(40),)
    assert set(str(found[0][0]).split("*")) == {f"x{k}" for k in range(1, 40)}


def test_long_products_are_not_written_out_for_each_of_their_factors() -> None:
    """Every gradient of a product of n factors holds n - 1: written out, they are n² altogether."""

    def nodes_and_factors(n: int) -> int:
        root, variables = flat_product(n)
        return sum(1 + len(node.children) for node in ex.topological(simplified(ex.stack(gradient(root, variables)))))

    assert nodes_and_factors(90) <= 12 * 90
    assert nodes_and_factors(20) >= 20 * 18  # short ones are, as they are read
