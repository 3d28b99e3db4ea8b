"""Expressions as fractions of polynomials over kernels."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from math import factorial

from symgd.algebra import expression as ex
from symgd.algebra.expression import Add, Constant, Contract, Expression, Irrational, Leaf, Map, Size
from symgd.algebra.functions.table import POWER, F
from symgd.algebra.functions.writing import is_positive
from symgd.verify.kernels.angles import Angles
from symgd.verify.kernels.ratio import NoForm, Ratio, is_negative

ODD = {"erf", "erfi"}

# Functions in terms of others: exp, log, sin, cos, abs, sqrt and powers are left.
WRITTEN: dict[str, Callable[..., Expression]] = {
    "tan": lambda x: F.sin(x) / F.cos(x),
    "cot": lambda x: F.cos(x) / F.sin(x),
    "sec": lambda x: 1 / F.cos(x),
    "csc": lambda x: 1 / F.sin(x),
    "sinh": lambda x: (F.exp(x) - F.exp(-x)) / 2,
    "cosh": lambda x: (F.exp(x) + F.exp(-x)) / 2,
    "tanh": lambda x: (F.exp(x) - F.exp(-x)) / (F.exp(x) + F.exp(-x)),
    "coth": lambda x: (F.exp(x) + F.exp(-x)) / (F.exp(x) - F.exp(-x)),
    "sech": lambda x: 2 / (F.exp(x) + F.exp(-x)),
    "csch": lambda x: 2 / (F.exp(x) - F.exp(-x)),
    "sigmoid": lambda x: F.exp(x) / (1 + F.exp(x)),
    "softplus": lambda x: F.log(1 + F.exp(x)),
    "expm1": lambda x: F.exp(x) - 1,
    "log1p": lambda x: F.log(1 + x),
    "log10": lambda x: F.log(x) / F.log(10),
    "log2": lambda x: F.log(x) / F.log(2),
    "acos": lambda x: ex.irrational("pi") / 2 - F.asin(x),
    "acot": lambda x: F.atan(1 / x),
    "asec": lambda x: ex.irrational("pi") / 2 - F.asin(1 / x),
    "acsc": lambda x: F.asin(1 / x),
    "asech": lambda x: F.acosh(1 / x),
    "acsch": lambda x: F.asinh(1 / x),
    "acoth": lambda x: F.atanh(1 / x),
    "asinh": lambda x: F.log(x + F.sqrt(x**2 + 1)),
    "acosh": lambda x: F.log(x + F.sqrt(x - 1) * F.sqrt(x + 1)),
    "atanh": lambda x: (F.log(1 + x) - F.log(1 - x)) / 2,
}


class Kernels(Angles):
    """Kernels with the functions of the table."""

    def form(self, root: Expression) -> Ratio:
        for node in ex.topological(root):
            if time.monotonic() > self.ends:
                raise NoForm
            if node not in self.done:
                self.done[node] = self._form(node)
        return self.done[root]

    def _form(self, node: Expression) -> Ratio:
        if node.shape:
            raise NoForm
        if isinstance(node, Constant):
            return self.constant(node.value)
        if isinstance(node, Irrational):
            return self.exp(self.constant(1)) if node.name == "e" else self.pi()
        if isinstance(node, Leaf):
            is_negative_number = "< 0" in node.kind  # written as −k with a positive k
            number = self.kernel(("leaf", node.name), is_positive(node) or is_negative_number)
            return -number if is_negative_number else number
        if isinstance(node, Size):
            return self.kernel(("size", str(node.dimension)), positive=True)
        if isinstance(node, Add):
            found = self.constant(0)
            for c, child in node.terms:
                found = found + self.done[child] * self.constant(c)
            return found
        if isinstance(node, Contract) and not any(node.labels):
            found = self.constant(node.coefficient)
            for child in node.children:
                found = found * self.done[child]
            return found
        if isinstance(node, Map):
            return self._function(node)
        raise NoForm

    def _function(self, node: Map) -> Ratio:
        name, arguments = node.function.name, [self.simple(self.done[child]) for child in node.children]
        if node.function is POWER:
            return self.power(arguments[0], arguments[1], ex.constant_value(node.children[1]))
        if name == "sqrt":
            return self.power(arguments[0], arguments[0], Fraction(1, 2))
        if name == "exp":
            return self.exp(arguments[0])
        if name == "log":
            return self.log(arguments[0])
        if name in ("sin", "cos"):
            return self.angle(arguments[0])[name == "cos"]
        if name == "abs":
            number, factors = self.factored(arguments[0]) if not arguments[0].above.is_zero() else (Fraction(0), [])
            return self.absolute_power(number, factors, Fraction(1)) if number else self.constant(0)
        if name == "uppergamma" and (order := ex.constant_value(node.children[0])) and order.denominator == 1 and 0 < order <= 12:
            return self.form(_gamma_of_whole(int(order), node.children[1]))
        if name == "where" and _is_limit(node):
            return arguments[2]
        if name in WRITTEN:
            return self.form(WRITTEN[name](*node.children))
        if name in ("asin", "atan"):
            return self.inverse_angle(name, arguments[0])
        if name in ODD and not arguments[0].above.is_zero() and is_negative(arguments[0]):
            return -self.kernel((name, (-arguments[0]).key))
        return self.kernel((name, *[argument.key for argument in arguments]))


def _gamma_of_whole(n: int, x: Expression) -> Expression:
    """Γ(n, x) = (n−1)!·exp(−x)·Σ x^k/k! for k < n."""
    return sum((x**k * Fraction(factorial(n - 1), factorial(k)) for k in range(n)), start=ex.constant(0)) * F.exp(-x)


def _is_limit(node: Map) -> bool:
    """Is it `0 if u == 0 else …log(u)…`, as derivatives of powers have it? At u = 0 the second branch is undefined, and 0 its limit."""
    condition, zero, other = node.children
    if not (isinstance(condition, Map) and condition.function.name == "equal" and ex.is_zero(condition.children[1]) and ex.is_zero(zero)):
        return False
    logarithm = F.log(condition.children[0])
    return any(part is logarithm for part in ex.topological(other))
