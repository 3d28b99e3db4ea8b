"""The truth for tests: an evaluator that shares no code with the package, only its nodes.

Every array is a numpy array of mpmath numbers of `DIGITS` digits, filled entry by entry; a function is found by its name in the
tables below. Slow and plain on purpose. What is undefined or not real is nan, and nan spreads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np
from mpmath import mp, mpf

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension, Shape
from symgd.algebra.expression import Expression

Array = np.ndarray[Any, Any]  # of mpmath numbers, dtype object
Values = Mapping[str, Any]
Sizes = Mapping[str, int]

DIGITS = 50
NAN = mp.nan


def evaluate(root: Expression, values: Values, sizes: Sizes, unknowns: Mapping[str, Callable[..., Any]] | None = None) -> Array:
    """The value at `values` (leaf name → number, nested list or array), for `sizes` (dimension name → number).

    `unknowns` maps the name of an unknown function to a callable (orders, *arguments) → its partial derivative.
    """
    return evaluate_all([root], values, sizes, unknowns)[0]


def evaluate_all(
    roots: Sequence[Expression], values: Values, sizes: Sizes, unknowns: Mapping[str, Callable[..., Any]] | None = None
) -> list[Array]:
    """Several expressions at one point."""
    with mp.workdps(DIGITS):
        return _evaluated(roots, values, sizes, unknowns or {})


def _evaluated(roots: Sequence[Expression], values: Values, sizes: Sizes, unknowns: Mapping[str, Callable[..., Any]]) -> list[Array]:
    done: dict[Expression, Array] = {}
    for node in ex.topological(*roots):
        shape = extent(node.shape, sizes)
        result = _node(node, [done[child] for child in node.children], shape, values, sizes, unknowns)
        assert result.shape == shape, f"{type(node).__name__} has shape {shape}, its value {result.shape}"
        done[node] = result
    return [done[root] for root in roots]


def extent(shape: Shape, sizes: Sizes) -> tuple[int, ...]:
    return tuple(length.evaluate(sizes) for length in shape)


def numbers(value: Any) -> Array:
    """Numbers, nested lists or arrays as an array of mpmath numbers."""
    given = np.array(value, dtype=object)
    with mp.workdps(DIGITS):
        return _filled(given.shape, lambda at: _rational(given[at]) if hasattr(given[at], "denominator") else mpf(given[at]))


def _filled(shape: tuple[int, ...], entry: Callable[[tuple[int, ...]], Any]) -> Array:
    out = np.empty(shape, dtype=object)
    for at in np.ndindex(shape):
        out[at] = entry(at)
    return out


def _node(
    node: Expression, children: list[Array], shape: tuple[int, ...], values: Values, sizes: Sizes, unknowns: Mapping[str, Any]
) -> Array:
    if isinstance(node, ex.Constant):
        return numbers(node.value)
    if isinstance(node, ex.Irrational):
        return numbers({"pi": +mp.pi, "e": +mp.e}[node.name])
    if isinstance(node, ex.Size):
        return numbers(node.dimension.evaluate(sizes))
    if isinstance(node, ex.Counter):
        return _filled(shape, lambda at: mpf(node.start.evaluate(sizes) + at[0]))
    if isinstance(node, ex.Leaf):
        return numbers(values[node.name])
    if isinstance(node, ex.Select):
        offset = node.offset.evaluate(sizes)
        steps = [Dimension.of(step).evaluate(sizes) for step in node.coefficients]
        return _filled(shape, lambda at: mpf(at[0] == offset + sum(step * k for step, k in zip(steps, at[1:], strict=True))))
    if isinstance(node, ex.Add):
        return _filled(shape, lambda at: _sum(_rational(c) * child[at] for c, child in zip(node.coefficients, children, strict=True)))
    if isinstance(node, ex.Contract):
        return _contraction(node, children, shape)
    if isinstance(node, ex.Map):
        return _filled(shape, lambda at: elementwise(node.function.name, *[child[at] for child in children]))
    if isinstance(node, ex.Along):
        return _blocks(children[0], 1, shape, lambda block: _along(node.function.name, list(block)))
    if isinstance(node, ex.MatrixFunction):
        return _blocks(children[0], 2, shape, lambda block: _of_matrix(node.function.name, block))
    if isinstance(node, ex.Stack):
        return _filled(shape, lambda at: children[at[0]][at[1:]])
    if isinstance(node, ex.Unknown):
        return numbers(unknowns[node.name](node.orders, *[child[()] for child in children]))
    raise AssertionError(f"no reference value for {type(node).__name__}")


def _rational(value: Any) -> Any:
    return mpf(value.numerator) / mpf(value.denominator)


def _sum(terms: Iterable[Any]) -> Any:
    total = mpf(0)
    for term in terms:
        total += term
    return total


def _contraction(node: ex.Contract, children: list[Array], shape: tuple[int, ...]) -> Array:
    """Factor by factor: a label is summed as soon as no later factor has it."""
    length = dict(enumerate(shape))
    for child, labels in zip(children, node.labels, strict=True):
        for label, size in zip(labels, child.shape, strict=True):
            assert length.setdefault(label, size) == size, "a label has two sizes"
    absent = [label for label in range(node.rank) if not any(label in labels for labels in node.labels)]
    repeated = _filled(tuple(shape[label] for label in absent), lambda at: mpf(1))  # along axes that no factor has
    factors = [*zip(children, node.labels, strict=True), (repeated, absent)]
    name = {label: k for k, label in enumerate(length)}
    product: Array = np.array(_rational(node.coefficient), dtype=object)
    kept: list[Any] = []
    for k, (child, labels) in enumerate(factors, 1):
        later = {*range(node.rank), *(label for _, more in factors[k:] for label in more)}
        left = [label for label in dict.fromkeys([*kept, *labels]) if label in later]
        operands = [product, [name[label] for label in kept], child, [name[label] for label in labels]]
        product, kept = np.asarray(np.einsum(*operands, [name[label] for label in left]), dtype=object), left
    return np.transpose(product, np.argsort(kept)) if kept else product


def _blocks(argument: Array, axes: int, shape: tuple[int, ...], function: Callable[[Array], Any]) -> Array:
    """A function of the last axes, one block at a time."""
    front = argument.shape[: argument.ndim - axes]
    out = np.empty(shape, dtype=object)
    for at in np.ndindex(front):
        result = numbers(function(argument[at]))
        if out.shape == front:
            out[at] = result[()]
        else:
            for k in np.ndindex(result.shape):
                out[at + k] = result[k]
    return out


# ---- functions of numbers ----------------------------------------------------------------------------------------------


def elementwise(name: str, *arguments: Any) -> Any:
    """The function of this name at numbers; nan where it is undefined or not real."""
    if name == "where":  # the branch that is not taken may be undefined
        condition, yes, no = arguments
        return NAN if mpmath.isnan(condition) else yes if condition != 0 else no
    if name == "power" and arguments[1] == 0:
        return mpf(1)
    if any(mpmath.isnan(argument) for argument in arguments):
        return NAN
    try:
        result = ELEMENTWISE[name](*arguments)
    except (ValueError, ZeroDivisionError, OverflowError, mpmath.libmp.NoConvergence):
        return NAN
    return result if isinstance(result, mpf) and mpmath.isfinite(result) else NAN


def _power(x: Any, y: Any) -> Any:
    whole = mpmath.isint(y)
    return x**y if x > 0 or whole or y > 0 == x else NAN


def _binomial(n: Any, k: Any) -> Any:
    return mpmath.binomial(n, k) if n > -1 else NAN


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "power": _power,
    "exp": mpmath.exp,
    "log": lambda x: mpmath.log(x) if x > 0 else NAN,
    "log10": lambda x: mpmath.log(x) / mpmath.log(10) if x > 0 else NAN,
    "log2": lambda x: mpmath.log(x) / mpmath.log(2) if x > 0 else NAN,
    "log1p": lambda x: mpmath.log1p(x) if x > -1 else NAN,
    "expm1": mpmath.expm1,
    "sqrt": mpmath.sqrt,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "abs": abs,
    "sign": mpmath.sign,
    "relu": lambda x: max(x, mpf(0)),
    "step": lambda x: mpf(x > 0),
    "floor": mpmath.floor,
    "max": max,
    "min": min,
    "clip": lambda x, low, high: min(max(x, low), high),
    "huber": lambda x, y: x * x / 2 if abs(x) <= y else y * (abs(x) - y / 2),
    "less": lambda x, y: mpf(x < y),
    "less_equal": lambda x, y: mpf(x <= y),
    "equal": lambda x, y: mpf(x == y),
    "not_equal": lambda x, y: mpf(x != y),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "sec": mpmath.sec,
    "csc": mpmath.csc,
    "cot": mpmath.cot,
    "asin": mpmath.asin,
    "acos": mpmath.acos,
    "atan": mpmath.atan,
    "atan2": mpmath.atan2,
    "acot": lambda x: mpmath.atan(1 / x),
    "asec": lambda x: mpmath.acos(1 / x),
    "acsc": lambda x: mpmath.asin(1 / x),
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "sech": mpmath.sech,
    "csch": mpmath.csch,
    "coth": mpmath.coth,
    "asinh": mpmath.asinh,
    "acosh": mpmath.acosh,
    "atanh": mpmath.atanh,
    "asech": lambda x: mpmath.acosh(1 / x),
    "acsch": lambda x: mpmath.asinh(1 / x),
    "acoth": lambda x: mpmath.atanh(1 / x),
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "erfi": mpmath.erfi,
    "gamma": mpmath.gamma,
    "loggamma": lambda x: mpmath.loggamma(x) if x > 0 else NAN,
    "digamma": mpmath.digamma,
    "polygamma": lambda n, x: mpmath.psi(int(n), x),
    "uppergamma": lambda a, x: mpmath.gammainc(a, x),
    "factorial": mpmath.factorial,
    "binomial": _binomial,
}


def _along(name: str, entries: list[Any]) -> Any:
    if any(mpmath.isnan(entry) for entry in entries):
        return [NAN] * len(entries) if name in KEEPING else NAN
    return ALONG[name](entries)


def _softmax(x: list[Any]) -> list[Any]:
    total = _sum(mpmath.exp(entry) for entry in x)
    return [mpmath.exp(entry) / total for entry in x]


def _lse(x: list[Any]) -> Any:
    return mpmath.log(_sum(mpmath.exp(entry) for entry in x))


def _product(x: list[Any]) -> Any:
    total = mpf(1)
    for entry in x:
        total *= entry
    return total


def _share(x: list[Any], best: Any) -> list[Any]:
    return [mpf(entry == best) / x.count(best) for entry in x]


KEEPING = ("softmax", "logsoftmax", "amax_share", "amin_share")
ALONG: dict[str, Callable[[list[Any]], Any]] = {
    "lse": _lse,
    "softmax": _softmax,
    "logsoftmax": lambda x: [entry - _lse(x) for entry in x],
    "norm1": lambda x: _sum(map(abs, x)),
    "norm2": lambda x: mpmath.sqrt(_sum(entry**2 for entry in x)),
    "prod": _product,
    "amax": max,
    "amin": min,
    "amax_share": lambda x: _share(x, max(x)),
    "amin_share": lambda x: _share(x, min(x)),
}


def _of_matrix(name: str, block: Array) -> Any:
    n = len(block)
    if any(mpmath.isnan(entry) for entry in block.flat):
        return np.full((n, n), NAN, dtype=object) if name == "inv" else NAN
    determinant = _determinant([list(row) for row in block])
    if name == "det":
        return determinant
    singular = abs(determinant) <= mpf(10) ** (10 - DIGITS) * _product([_sum(map(abs, row)) for row in block])  # 0, but for rounding
    if name == "logdet":
        return mpmath.log(determinant) if determinant > 0 and not singular else NAN
    assert name == "inv"
    if singular:
        return np.full((n, n), NAN, dtype=object)
    return [[(-1) ** (i + j) * _determinant(_minor(block.tolist(), j, i)) / determinant for j in range(n)] for i in range(n)]


def _minor(rows: list[list[Any]], i: int, j: int) -> list[list[Any]]:
    return [row[:j] + row[j + 1 :] for k, row in enumerate(rows) if k != i]


def _determinant(rows: list[list[Any]]) -> Any:
    """By its first row (Laplace)."""
    if not rows:
        return mpf(1)
    return _sum((-1) ** j * entry * _determinant(_minor(rows, 0, j)) for j, entry in enumerate(rows[0]))


# ---- difference quotients and comparison -------------------------------------------------------------------------------

STEP = "1e-16"  # of a central difference: its error is about 1e-32, that of rounding 1e-34
SECOND_STEP = "1e-11"  # of a second difference: its error is about 1e-22, that of rounding 1e-28
TOLERANCE = 1e-20  # of a difference quotient against a derivative: third derivatives may be large
LARGEST = 1e20  # of the values that are compared
EXACT = 1e-40  # of two forms of one value, rounded differently in the last of the digits


def difference_quotient(
    root: Expression, name: str, values: Values, sizes: Sizes, unknowns: Mapping[str, Callable[..., Any]] | None = None
) -> Array:
    """∂root/∂name by central differences: the axes of the root, then those of the variable."""
    with mp.workdps(DIGITS):
        centre, step = numbers(values[name]), mpf(STEP)
        columns: dict[tuple[int, ...], Array] = {}
        for at in np.ndindex(centre.shape):
            ends = []
            for sign in (1, -1):
                moved = centre.copy()
                moved[at] += sign * step
                ends.append(evaluate(root, {**values, name: moved}, sizes, unknowns))
            columns[at] = np.asarray((ends[0] - ends[1]) / (2 * step), dtype=object)
        rank = root.rank
        return _filled(extent(root.shape, sizes) + centre.shape, lambda at: columns[at[rank:]][at[:rank]])


def difference_along(root: Expression, direction: Mapping[str, Any], values: Values, sizes: Sizes) -> Array:
    """d/dt root at t = 0, every variable named moving along its direction, by central differences."""
    with mp.workdps(DIGITS):
        ends = [evaluate(root, moved(values, {name: (sign * mpf(STEP), u) for name, u in direction.items()}), sizes) for sign in (1, -1)]
        return np.asarray((ends[0] - ends[1]) / (2 * mpf(STEP)), dtype=object)


def second_difference_along(root: Expression, one: tuple[str, Any], other: tuple[str, Any], values: Values, sizes: Sizes) -> Array:
    """∂²/∂s∂t root at s = t = 0, the one variable moving by s along its direction, the other (or the same) by t."""
    with mp.workdps(DIGITS):
        step, total = mpf(SECOND_STEP), mpf(0)
        for sign, other_sign in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            start = moved(values, {one[0]: (sign * step, one[1])})
            total = total + sign * other_sign * evaluate(root, moved(start, {other[0]: (other_sign * step, other[1])}), sizes)
        return np.asarray(total / (4 * step**2), dtype=object)


def moved(values: Values, steps: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """The values, those named in `steps` gone a step along a direction."""
    with mp.workdps(DIGITS):
        return {**values, **{name: numbers(values[name]) + step * numbers(u) for name, (step, u) in steps.items()}}


def largest_difference(left: Any, right: Any) -> Any:
    """The largest difference of two arrays, relative to the larger of 1 and the largest entry; inf where a nan meets a number.

    A quotient of differences is as wrong as its largest intermediate value is large, hence the largest entry and not each.
    """
    with mp.workdps(DIGITS):
        left, right = numbers(left), numbers(right)
        if left.shape != right.shape:
            return mp.inf
        scale, worst = mpf(1), mpf(0)
        for a, b in zip(left.flat, right.flat, strict=True):
            if mpmath.isnan(a) != mpmath.isnan(b):
                return mp.inf
            if not mpmath.isnan(a):
                scale, worst = max(scale, abs(a), abs(b)), max(worst, abs(a - b))
        return worst / scale


def is_defined(value: Array) -> bool:
    """Is every entry a finite real number, and none so large that it is 1/0 with the 0 rounded?"""
    return all(mpmath.isfinite(entry) and abs(entry) < LARGEST for entry in value.flat)
