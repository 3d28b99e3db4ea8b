"""Formulas in n scalars, to be derived: one row for each family, and who derives them.

A family is written once, for a `Deriver`'s symbols and functions. Building the formula and deriving its gradient are measured
together, with new names every time, so that nothing is remembered from the time before. Gradients are had as each package derives them,
to be computed with: what symgd does for reading, when a gradient is looked at, is not in it.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Any

_FRESH = count()


@dataclass(frozen=True, slots=True)
class Deriver:
    """What a package needs for a derivation: `symbols` of these names, sums and products of lists, sin and exp, the gradient of a
    formula by its symbols, and the numbers of a gradient at a point."""

    symbols: Callable[[Sequence[str]], list[Any]]
    add: Callable[[list[Any]], Any]
    multiply: Callable[[list[Any]], Any]
    sin: Callable[[Any], Any]
    exp: Callable[[Any], Any]
    gradient: Callable[[Any, list[Any]], Any]
    at: Callable[[Any, list[Any], Sequence[float]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Family:
    """`build(d, x)` is the formula of the symbols x; `variables(n)` how many there are; `slopes` the gradient at a point, by hand."""

    name: str
    title: str
    build: Callable[[Deriver, list[Any], int], Any]
    variables: Callable[[int], int]
    slopes: Callable[[Sequence[float], int], Sequence[float]]


def _rosenbrock(d: Deriver, x: list[Any], n: int) -> Any:
    return d.add([term for a, b in pairwise(x) for term in (100 * (b - a**2) ** 2, (1 - a) ** 2)])


def _rosenbrock_slopes(x: Sequence[float], n: int) -> Sequence[float]:
    slopes = [0.0] * n
    for k in range(n - 1):
        q = x[k + 1] - x[k] ** 2
        slopes[k] += -400 * q * x[k] - 2 * (1 - x[k])
        slopes[k + 1] += 200 * q
    return slopes


def _composition(d: Deriver, x: list[Any], n: int) -> Any:
    f = x[0]
    for _ in range(n // 2):
        f = d.sin(d.exp(f))
    return f


def _composition_slopes(x: Sequence[float], n: int) -> Sequence[float]:
    value, slope = x[0], 1.0
    for _ in range(n // 2):
        inner = math.exp(value)
        value, slope = math.sin(inner), slope * inner * math.cos(inner)
    return [slope]


FAMILIES: dict[str, Family] = {
    row.name: row
    for row in (
        Family("rosenbrock", "Rosenbrock's function", _rosenbrock, lambda n: n, _rosenbrock_slopes),
        Family(
            "product",
            "a product",
            lambda d, x, n: d.multiply(x),
            lambda n: n,
            lambda x, n: [math.prod(x[:k]) * math.prod(x[k + 1 :]) for k in range(n)],
        ),
        Family("composition", "sin(exp(sin(exp(…))))", _composition, lambda n: 1, _composition_slopes),
    )
}


def derivation(deriver: Deriver, family: Family, n: int) -> tuple[Any, list[Any]]:
    """The gradient, and the symbols it is by."""
    mark = next(_FRESH)
    x = deriver.symbols([f"x{k}_{mark}" for k in range(family.variables(n))])
    return deriver.gradient(family.build(deriver, x, n), x), x


def point(family: Family, n: int) -> list[float]:
    return [0.9 + 0.2 * math.sin(k) for k in range(family.variables(n))]


# ---- who derives -----------------------------------------------------------------------------------------------------


def ours() -> Deriver:
    import symgd

    def at(slopes: Any, x: list[Any], where: Sequence[float]) -> Sequence[float]:
        found: Sequence[float] = symgd.to_torch(slopes)({str(name): value for name, value in zip(x, where)})[0].reshape(-1).tolist()
        return found

    def symbols(names: Sequence[str]) -> list[Any]:
        return list(symgd.variables(", ".join(names)))

    return Deriver(
        symbols,
        lambda terms: sum(terms[1:], terms[0]),
        math.prod,
        symgd.sin,
        symgd.exp,
        lambda f, x: symgd.gradient(f, [str(name) for name in x]),
        at,
    )


def sympy() -> Deriver:
    import sympy as s

    return _as_sympy(s, lambda slopes, x, where: s.lambdify([x], slopes, "math")(where))


def symengine() -> Deriver:
    import symengine as s

    return _as_sympy(s, lambda slopes, x, where: [float(slope.subs(dict(zip(x, where)))) for slope in slopes])


def _as_sympy(s: Any, at: Callable[..., Any]) -> Deriver:
    """A package with SymPy's names."""
    return Deriver(
        lambda names: [s.Symbol(name) for name in names],
        lambda terms: s.Add(*terms),
        lambda factors: s.Mul(*factors),
        s.sin,
        s.exp,
        lambda f, x: [f.diff(name) for name in x],
        at,
    )


def casadi() -> Deriver:
    import casadi as c

    return Deriver(
        lambda names: [c.SX.sym(name) for name in names],
        lambda terms: functools.reduce(operator.add, terms),
        lambda factors: functools.reduce(operator.mul, factors),
        c.sin,
        c.exp,
        lambda f, x: c.gradient(f, c.vertcat(*x)),
        lambda slopes, x, where: c.Function("at", [c.vertcat(*x)], [slopes])(where).full().ravel().tolist(),
    )


def jax() -> Deriver:
    """Tracing: what JAX does before it compiles. The symbols are positions, the formula a function of the list of values."""
    import jax
    import jax.extend.core as extend
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    class Node:
        """A formula as a function of the values, built by the operators."""

        def __init__(self, run: Callable[[Any], Any]) -> None:
            self.run = run

        def __add__(self, other: Any) -> Any:
            return Node(lambda v: self.run(v) + _run(other, v))

        def __rsub__(self, other: Any) -> Any:
            return Node(lambda v: other - self.run(v))

        def __sub__(self, other: Any) -> Any:
            return Node(lambda v: self.run(v) - _run(other, v))

        def __rmul__(self, other: Any) -> Any:
            return Node(lambda v: other * self.run(v))

        def __pow__(self, power: int) -> Any:
            return Node(lambda v: self.run(v) ** power)

    def _run(node: Any, values: Any) -> Any:
        return node.run(values) if isinstance(node, Node) else node

    def gradient(f: Any, x: list[Any]) -> Any:
        return jax.make_jaxpr(jax.grad(f.run))([1.0] * len(x))

    def folded(op: Callable[[Any, Any], Any]) -> Callable[[list[Any]], Any]:
        return lambda nodes: Node(lambda v: functools.reduce(op, [node.run(v) for node in nodes]))

    return Deriver(
        lambda names: [Node(lambda v, k=k: v[k]) for k in range(len(names))],  # type: ignore[misc]
        folded(operator.add),
        folded(operator.mul),
        lambda f: Node(lambda v: jnp.sin(f.run(v))),
        lambda f: Node(lambda v: jnp.exp(f.run(v))),
        gradient,
        lambda slopes, x, where: [float(value) for value in extend.jaxpr_as_fun(slopes)(*where)],
    )


def pytensor() -> Deriver:
    import pytensor as p
    import pytensor.tensor as t

    def at(slopes: Any, x: list[Any], where: Sequence[float]) -> Sequence[float]:
        return [float(value) for value in p.function(x, slopes, mode=p.compile.mode.Mode(linker="py", optimizer=None))(*where)]

    return Deriver(
        lambda names: [t.dscalar(name) for name in names],
        lambda terms: functools.reduce(operator.add, terms),
        lambda factors: functools.reduce(operator.mul, factors),
        t.sin,
        t.exp,
        lambda f, x: p.grad(f, x),
        at,
    )
