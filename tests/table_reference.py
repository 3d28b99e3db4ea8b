"""What the function table is tested against: mpmath's functions, written down a second time, and the checks the tests make.

A check returns the faults it finds, as text, so that a test can also show that it finds a planted one.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import mpmath
import torch
from flint import arb, ctx
from mpmath import mp, mpf

from symgd.algebra.certified import balls
from symgd.algebra.expression import Expression, leaf
from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.table import fill
from symgd.calculus.reverse import adjoints
from symgd.errors import NoRuleError
from symgd.lowering import torch_functions

BITS = 700


def _huber(x: Any, delta: Any) -> Any:
    return x * x / 2 if abs(x) <= delta else delta * (abs(x) - delta / 2)


def _atan2(y: Any, x: Any) -> Any:
    return mpmath.atan2(y, x)


REFERENCE: dict[str, Callable[..., Any]] = {
    "power": lambda x, y: x**y,
    "log": mpmath.log,
    "log10": mpmath.log10,
    "log2": lambda x: mpmath.log(x, 2),
    "log1p": mpmath.log1p,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "abs": abs,
    "sign": mpmath.sign,
    "relu": lambda x: max(x, mpf(0)),
    "step": lambda x: mpf(x > 0),
    "max": max,
    "min": min,
    "clip": lambda x, low, high: min(max(x, low), high),
    "huber": _huber,
    "where": lambda c, yes, no: yes if c else no,
    "less": lambda x, y: mpf(x < y),
    "less_equal": lambda x, y: mpf(x <= y),
    "equal": lambda x, y: mpf(x == y),
    "not_equal": lambda x, y: mpf(x != y),
    "acot": lambda x: mpmath.atan(1 / x),
    "atan2": _atan2,
    "loggamma": mpmath.loggamma,
    "polygamma": lambda n, x: mpmath.psi(int(n), x),
    "uppergamma": lambda a, x: mpmath.gammainc(a, x),
}


def _listed(check: Callable[..., Iterator[str]]) -> Callable[..., list[str]]:
    """The faults as a list, found at the precision of the checks, which is restored."""

    @functools.wraps(check)
    def call(*arguments: Any) -> list[str]:
        with mp.workdps(60), ctx.workprec(BITS):
            return list(check(*arguments))

    return call


def reference(name: str) -> Callable[..., Any]:
    """mpmath's function, under its own name where it has one."""
    return REFERENCE.get(name) or getattr(mpmath, name)


def at_corner(row: Elementwise, point: tuple[mpf, ...]) -> bool:
    """Is the function not differentiable at the point, where the derivative is a convention?"""
    first, *others = point
    offsets = [first - other for other in others] if others else [first]
    kinks = [mpf(k.numerator) / k.denominator for k in row.kinks]
    return any(offset == kink for offset in offsets for kink in kinks) or (row.name == "floor" and first == mpmath.floor(first))


def points(row: Elementwise) -> list[tuple[mpf, ...]]:
    return [tuple(mpf(text) for text in point) for point in row.hard]


def leaves(row: Elementwise) -> list[Any]:
    return [leaf(name) for name in "xyz"[: row.arity]]


def value(root: Expression, point: tuple[mpf, ...]) -> mpf:
    """The certified value of a formula in x, y, z."""
    return as_mpf(balls(root, dict(zip("xyz", point)), int(3.4 * digits_at(point)))[()])


def _value_at(root: Expression, *point: mpf) -> mpf:
    return value(root, point)


def as_mpf(ball: Any) -> mpf:
    if not isinstance(ball, arb):
        return mpf(int(ball.p)) / int(ball.q)
    if not ball.is_finite():
        return mpf("nan")
    mantissa, exponent = ball.mid().man_exp()
    return mpmath.ldexp(mpf(int(mantissa)), int(exponent))


def agree(found: mpf, wanted: Any, tolerance: float = 1e-25) -> bool:
    return bool(abs(found - wanted) <= tolerance * max(abs(wanted), mpf(10) ** -320))


def digits_at(point: tuple[mpf, ...]) -> int:
    """150 digits and those that 1 - tanh(x)^2 loses."""
    return 150 + int(max([abs(p) for p in point if abs(p) < 1000], default=0))


def slope(function: Callable[..., Any], point: tuple[mpf, ...], axis: int, sides: tuple[int, int] = (-1, 1)) -> Any:
    """The partial derivative by a difference quotient, central unless told: its error is of relative order 1e-60."""
    with mp.workdps(digits_at(point)):
        step = (abs(point[axis]) or mpf(1)) * mpf(10) ** -30
        low, high = (function(*point[:axis], point[axis] + side * step, *point[axis + 1 :]) for side in sides)
        return (high - low) / (step * (sides[1] - sides[0]))


@_listed
def ball_faults(row: Elementwise) -> Iterator[str]:
    """The certified value against mpmath, at the hard points."""
    for point in points(row):
        found, wanted = row.ball(*[arb(p) if p != int(p) else arb(int(p)) for p in point]), reference(row.name)(*point)
        if not agree(as_mpf(found), wanted, 1e-50):
            yield f"{row.name}{point}: ball {found.str(20)}, mpmath {wanted}"


@_listed
def derivative_faults(row: Elementwise) -> Iterator[str]:
    """Each partial derivative against a difference quotient of mpmath's function, at the hard points that are no kinks."""
    function = reference(row.name)
    for axis, partial in enumerate(row.derivative):
        try:
            formula = partial(*leaves(row))
        except NoRuleError:
            continue
        for point in points(row):
            if at_corner(row, point):
                continue
            found, wanted = value(formula, point), slope(function, point, axis)
            if mpmath.im(wanted):  # outside the domain on one side, as the power of a negative base by its exponent
                continue
            left, right = slope(function, point, axis, (-1, 0)), slope(function, point, axis, (0, 1))
            if not agree(found, wanted) and not abs(found - wanted) <= abs(right - left) < 1e-25:
                shown = f"{mpmath.nstr(found, 20)}, difference quotient {mpmath.nstr(wanted, 20)}"
                yield f"d {row.name}{point} / d argument {axis + 1}: {shown}"


@_listed
def second_faults(row: Elementwise) -> Iterator[str]:
    """The derivative of the derivative, against a difference quotient of the derivative."""
    variables = leaves(row)
    for axis, partial in enumerate(row.derivative):
        try:
            formula = partial(*variables)
            second = adjoints(formula, variables[axis : axis + 1])[variables[axis]]
        except NoRuleError:
            continue
        for point in points(row):
            if at_corner(row, point):
                continue
            first = functools.partial(_value_at, formula)
            left, right = slope(first, point, axis, (-1, 0)), slope(first, point, axis, (0, 1))
            if not agree(left, right, 1e-9):
                continue  # the derivative has a kink
            found, wanted = value(second, point), slope(first, point, axis)
            if not agree(found, wanted, 1e-20):
                yield f"second derivative of {row.name}{point}: {mpmath.nstr(found, 20)}, difference quotient {mpmath.nstr(wanted, 20)}"


def run_template(template: str, *tensors: torch.Tensor) -> torch.Tensor:
    names = [f"x{k}" for k in range(len(tensors))]
    return eval(fill(template, *names), {"torch": torch, "f": torch_functions, **dict(zip(names, tensors))})


def ulps(found: float, wanted: Any, dtype: torch.dtype) -> float:
    """|found − wanted| in units in the last place of `wanted` in this dtype (of subnormal numbers, their spacing)."""
    bits, lowest = (53, -1074) if dtype == torch.float64 else (24, -149)
    if abs(wanted) > torch.finfo(dtype).max:
        return 0.0 if found in (float("inf"), float("-inf")) and (found > 0) == (wanted > 0) else float("inf")
    if found != found or found in (float("inf"), float("-inf")):
        return float("inf")
    exponent = max(mpmath.frexp(wanted)[1] - bits, lowest)
    return float(abs(mpf(found) - wanted) / mpmath.ldexp(mpf(1), exponent))


def representable(row_points: list[tuple[mpf, ...]], dtype: torch.dtype) -> torch.Tensor:
    """The points rounded to the dtype, one per row, without those that round to 0 or infinity."""
    rounded = torch.tensor([[float(p) for p in point] for point in row_points], dtype=torch.float64).to(dtype)
    exact = torch.tensor([[p != 0 for p in point] for point in row_points])
    kept = (torch.isfinite(rounded) & ((rounded != 0) == exact)).all(dim=1)
    return rounded[kept]


@_listed
def template_faults(row: Elementwise, template: str, dtype: torch.dtype, limit: float) -> Iterator[str]:
    """The torch form on a batch and on scalars, against the ball at the very numbers that torch got."""
    batch = representable(points(row), dtype)
    together = run_template(template, *batch.unbind(dim=1))
    if together.dtype != dtype:
        yield f"{row.name} returns {together.dtype} for {dtype}"
    for arguments, of_batch in zip(batch, together):
        alone = run_template(template, *arguments.unbind())
        wanted = as_mpf(row.ball(*[arb(float(argument)) for argument in arguments]))
        if not mpmath.isfinite(wanted):
            continue
        for found in (float(of_batch), float(alone)):
            error = ulps(found, wanted, dtype)
            if error > limit:
                yield f"{row.name}{tuple(arguments.tolist())} in {dtype}: {found}, truth {mpmath.nstr(wanted, 20)}: {error:.3g} ulp"


@_listed
def exact_faults(row: Elementwise) -> Iterator[str]:
    """Exact values against the ball, over small rationals."""
    some = [Fraction(p) for p in (-3, -2, -1, 0, 1, 2, 3, 5, 9, 100)] + [Fraction(1, 2), Fraction(-1, 2), Fraction(1, 4), Fraction(9, 64)]
    for point in itertools.product(some, repeat=row.arity) if row.arity < 3 else itertools.product(some[1:6], repeat=3):
        found = row.exact(*point)
        if found is None:
            continue
        ball = row.ball(*[arb(p.numerator) / p.denominator for p in point])
        wanted = mpf(found.numerator) / found.denominator
        if not agree(as_mpf(ball), wanted, 1e-60) and abs(as_mpf(ball) - wanted) > 1e-80:
            yield f"{row.name}{tuple(map(str, point))}: exact {found}, ball {ball.str(20)}"
