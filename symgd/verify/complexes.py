"""Values by way of complex numbers: sqrt(x)·sqrt(y) at x = y = −1 is −1, though neither root is real.

Principal values throughout, as in DLMF chapters 4 and 6 to 8. A side that is real only in this way is compared too, for numbers made
of the functions below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from symgd.algebra import expression as ex
from symgd.algebra.certified import working_precision
from symgd.algebra.expression import Add, Constant, Contract, Expression, Irrational, Leaf, Map
from symgd.algebra.functions.table import POWER

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": lambda z: z.exp(),
    "log": lambda z: z.log(),
    "sqrt": lambda z: z.sqrt(),
    "sin": lambda z: z.sin(),
    "cos": lambda z: z.cos(),
    "tan": lambda z: z.tan(),
    "cot": lambda z: z.cot(),
    "sec": lambda z: 1 / z.cos(),
    "csc": lambda z: 1 / z.sin(),
    "asin": lambda z: z.asin(),
    "acos": lambda z: z.acos(),
    "atan": lambda z: z.atan(),
    "acot": lambda z: (1 / z).atan(),
    "asec": lambda z: (1 / z).acos(),
    "acsc": lambda z: (1 / z).asin(),
    "sinh": lambda z: z.sinh(),
    "cosh": lambda z: z.cosh(),
    "tanh": lambda z: z.tanh(),
    "coth": lambda z: 1 / z.tanh(),
    "sech": lambda z: 1 / z.cosh(),
    "csch": lambda z: 1 / z.sinh(),
    "asinh": lambda z: z.asinh(),
    "acosh": lambda z: z.acosh(),
    "atanh": lambda z: z.atanh(),
    "acoth": lambda z: (1 / z).atanh(),
    "asech": lambda z: (1 / z).acosh(),
    "acsch": lambda z: (1 / z).asinh(),
    "erf": lambda z: z.erf(),
    "erfc": lambda z: z.erfc(),
    "erfi": lambda z: z.erfi(),
    "gamma": lambda z: z.gamma(),
    "loggamma": lambda z: z.lgamma(),
    "digamma": lambda z: z.digamma(),
    "uppergamma": lambda s, z: z.gamma_upper(s),
    "abs": lambda z: type(z)(abs(z)),
    "sign": lambda z: z.sgn(),
    "sigmoid": lambda z: 1 / (1 + (-z).exp()),
    "log1p": lambda z: z.log1p(),
    "expm1": lambda z: z.expm1(),
    "equal": lambda a, b: type(a)(int(a == b)) if a == b or not (a - b).contains(0) else type(a)("nan"),
    "where": lambda c, yes, no: no if c == 0 else yes,
}


def complex_values(sides: list[Expression], point: Mapping[str, Any], bits: int) -> dict[Expression, Any] | None:
    """The values of the sides and of all their parts as complex balls; None where one is not finite, or not made of the functions above."""
    with working_precision(bits):
        done: dict[Expression, Any] = {}
        for node in ex.topological(*sides):
            value = _value(node, done, point)
            if value is None or not value.is_finite():
                return None
            done[node] = value
        return done


def real_values(sides: list[Expression], point: Mapping[str, Any], bits: int) -> list[Any] | None:
    """The values of numbers as real balls; None where one is not known to be real, or not made of the functions above."""
    values = complex_values(sides, point, bits)
    if values is None:
        return None
    with working_precision(bits):
        found = [values[side] for side in sides]
        tiny = Fraction(1, 2 ** (bits // 2))
        if any(not value.imag.contains(0) or not value.imag.rad() < _size(value) * tiny.numerator / tiny.denominator for value in found):
            return None
        return [value.real for value in found]


def _size(value: Any) -> Any:
    return abs(value.real).upper() + 1


def _value(node: Expression, done: Mapping[Expression, Any], point: Mapping[str, Any]) -> Any:
    from flint import acb, arb, fmpq

    if node.shape:
        return None
    if isinstance(node, Constant):
        return acb(arb(fmpq(node.value.numerator, node.value.denominator)))
    if isinstance(node, Irrational):
        return acb(arb.pi() if node.name == "pi" else arb(1).exp())
    if isinstance(node, Leaf):
        value = Fraction(point[node.name])
        return acb(arb(fmpq(value.numerator, value.denominator)))
    arguments = [done[child] for child in node.children]
    if isinstance(node, Add):
        return sum((argument * arb(fmpq(c.numerator, c.denominator)) for c, argument in zip(node.coefficients, arguments)), acb(0))
    if isinstance(node, Contract) and not any(node.labels):
        found = acb(arb(fmpq(node.coefficient.numerator, node.coefficient.denominator)))
        for argument in arguments:
            found = found * argument
        return found
    if isinstance(node, Map) and node.function is POWER:
        whole = ex.constant_value(node.children[1])
        if whole is not None and whole.denominator == 1:
            return arguments[0] ** int(whole)
        return arguments[0] ** arguments[1]
    if isinstance(node, Map) and node.function.name in FUNCTIONS:
        return FUNCTIONS[node.function.name](*arguments)
    return None
