"""JAX, numba, CasADi, and numpy by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from symgd.bench.problems import Call, Case, Run

_SCALAR = 64  # numbers of data up to which CasADi's scalar expressions are used, which are the faster ones there


def _arrays(values: Any, make: Callable[..., Any] = np.asarray) -> dict[str, Any]:
    return {name: make(value, dtype="float64") for name, value in values.items()}


def _floats_or_arrays(values: Any) -> list[Any]:
    """Scalars as floats: what numba is fastest with."""
    return [float(value) if np.ndim(value) == 0 else np.asarray(value, dtype=float) for value in values.values()]


# ---- by hand, in numpy -----------------------------------------------------------------------------------------------


def closed(case: Case) -> Call:
    p, d = {name: float(value) if np.ndim(value) == 0 else value for name, value in case.parameters.items()}, _arrays(case.data)
    return Call(lambda: case.problem.closed(p, d))


def closed_steps(case: Case) -> Run:
    d, rate, function = _arrays(case.data), case.problem.rate, case.problem.closed

    def run(steps: int) -> Sequence[Any]:
        p = dict(case.parameters)
        for _ in range(steps):
            slopes = function(p, d)[1:]
            p = {name: value - rate * slope for (name, value), slope in zip(p.items(), slopes)}
        return list(p.values())

    return run


# ---- JAX -------------------------------------------------------------------------------------------------------------


def jax_names() -> Any:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    return SimpleNamespace(
        exp=jnp.exp, tanh=jnp.tanh, softplus=lambda z: jnp.logaddexp(z, 0.0), mean=jnp.mean, sum=jnp.sum, sin=jnp.sin, asarray=jnp.asarray
    )


def jax_call(case: Case) -> Call:
    import jax

    m = jax_names()
    p, d = _arrays(case.parameters, m.asarray), _arrays(case.data, m.asarray)
    function = jax.jit(jax.value_and_grad(lambda p, d: case.problem.loss(m, p, d)))

    return Call(lambda: jax.block_until_ready(function(p, d)), lambda found: [found[0], *[found[1][name] for name in p]])


def jax_steps(case: Case) -> Run:
    """The whole loop inside one compiled function."""
    import jax

    m, rate = jax_names(), case.problem.rate
    start, d = _arrays(case.parameters, m.asarray), _arrays(case.data, m.asarray)
    gradient = jax.grad(lambda p, d: case.problem.loss(m, p, d))

    def step(p: Any, d: Any) -> Any:
        slopes = gradient(p, d)
        return {name: value - rate * slopes[name] for name, value in p.items()}

    loop = jax.jit(lambda p, d, steps: jax.lax.fori_loop(0, steps, lambda _, q: step(q, d), p))

    def run(steps: int) -> Sequence[Any]:
        p = jax.block_until_ready(loop(start, d, steps))
        return [p[name] for name in start]

    return run


# ---- numba -----------------------------------------------------------------------------------------------------------


def numba_call(case: Case) -> Call | None:
    if case.problem.kernel is None:
        return None
    import numba

    function = numba.njit(fastmath=True)(case.problem.kernel)
    arguments = [*_floats_or_arrays(case.parameters), *_floats_or_arrays(case.data)]
    return Call(partial(function, *arguments))


def numba_steps(case: Case) -> Run | None:
    if case.problem.descent is None:
        return None
    import numba

    function, rate = numba.njit(fastmath=True)(case.problem.descent), case.problem.rate
    arguments = [*_floats_or_arrays(case.parameters), *_floats_or_arrays(case.data)]
    return lambda steps: list(function(*arguments, rate, steps))


# ---- CasADi ----------------------------------------------------------------------------------------------------------


def casadi_call(case: Case) -> Call:
    """A compiled graph with its buffers looked up once: CasADi's fastest call from Python. Matrices are column by column there."""
    import casadi

    given = _arrays(case.both)
    kind = casadi.SX if sum(map(np.size, case.data.values())) <= _SCALAR else casadi.MX
    symbols = {name: kind.sym(name, *value.shape) for name, value in given.items()}
    m = SimpleNamespace(
        exp=casadi.exp,
        tanh=casadi.tanh,
        softplus=lambda z: casadi.fmax(z, 0) + casadi.log1p(casadi.exp(-casadi.fabs(z))),
        mean=lambda z: casadi.sum1(z) / z.numel(),
        sum=lambda z: casadi.sum1(casadi.sum2(z)),
    )
    value = case.problem.loss(m, symbols, symbols)
    slopes = [casadi.gradient(value, symbols[name]) for name in case.parameters]
    buffers, evaluate = casadi.Function("call", list(symbols.values()), [value, *slopes]).buffer()
    inputs = [np.ascontiguousarray(array.ravel(order="F")) for array in given.values()]
    shapes = [(), *[given[name].shape for name in case.parameters]]
    outputs = [np.zeros(int(np.prod(shape, dtype=int))) for shape in shapes]
    for place, array in enumerate(inputs):
        buffers.set_arg(place, array.data)
    for place, array in enumerate(outputs):
        buffers.set_res(place, array.data)
    views = [array.reshape(shape, order="F") for array, shape in zip(outputs, shapes)]

    def numbers(_: Any, kept: Any = (buffers, inputs)) -> Sequence[Any]:  # what `evaluate` reads, and does not keep
        return views

    return Call(evaluate, numbers)
