"""The budget of constants: no number in a formula leaves the range of float64, however it is composed.

Every constant is bounded as soon as it is built, from the bounds of its parts, so that `9^9^9` costs nothing. Rational factors are
followed as logarithms, all other constants as balls.
"""

from __future__ import annotations

from fractions import Fraction
from math import log2
from typing import Any

from flint import arb, ctx, fmpq

from symgd.algebra.expression import Add, Constant, Contract, Expression, Irrational, Map
from symgd.errors import LimitError
from symgd.language.limits import Limits

_BITS, _MORE_BITS = 128, 2048
_SLACK = 1e-6  # of a logarithm: 10^308 itself is within the limit 308


class Magnitude:
    """Bounds on the constants met so far; each expression is looked at once."""

    def __init__(self, limits: Limits, bits: int = _BITS) -> None:
        self.limits = limits
        self.bits = bits
        self.range = limits.magnitude * log2(10) + _SLACK
        self._scales: dict[Expression, float] = {}  # log2 of a bound of the constant, or of the constant factor of anything else
        self._constants: set[Expression] = set()
        self._balls: dict[Expression, Any] = {}  # of constants, where they are needed

    def check(self, node: Expression) -> None:
        """Raise `LimitError` where a constant, or the constant factor of a product, is too large or cannot be bounded."""
        if self.scale(node) > self.range:
            raise self.limits.exceeded("magnitude", "the number is too large")

    def check_power(self, node: Expression, base: Expression, exponent: Expression) -> None:
        """Raise `LimitError` where a power is too large or too small, or raises a variable to a high degree."""
        self.check(node)
        if self.scale(base) < -self.range or (node in self._constants and self.scale(node) < -self.range):
            raise self.limits.exceeded("magnitude", "the number is too small")
        if base in self._constants:
            return
        if isinstance(exponent, Constant) and abs(exponent.value) > self.limits.exponent:
            raise self._high()
        if isinstance(node, Map) and node.function.name == "power":  # (x^999)^999 is x^998001
            last = node.children[-1]
            if isinstance(last, Constant) and abs(last.value) > self.limits.exponent:
                raise self._high()

    def _high(self) -> LimitError:
        return self.limits.exceeded("exponent", "the exponent is too large")

    def scale(self, root: Expression) -> float:
        """log2 of a bound of a constant, or of the constant factor of anything else."""
        scales = self._scales
        waiting = [root]
        while waiting:
            node = waiting[-1]
            if node in scales:
                waiting.pop()
                continue
            missing = [child for child in node.children if child not in scales]
            if missing:
                waiting += missing
                continue
            waiting.pop()
            scales[node] = self._scale(node)
        return scales[root]

    def _scale(self, node: Expression) -> float:
        if isinstance(node, Constant):
            self._constants.add(node)
            return _log2(node.value)
        if isinstance(node, Irrational):
            self._constants.add(node)
            return 2.0
        constants = self._constants
        is_constant = bool(node.children) and not node.shape and all(child in constants for child in node.children)
        if isinstance(node, Contract):
            if is_constant:
                constants.add(node)
            own = 0.0 if node.coefficient == 1 else _log2(node.coefficient)
            return own + sum(self._scales[child] for child in node.children)
        if not is_constant or not isinstance(node, Add | Map):
            return 0.0
        ball = self.ball(node)
        if ball is None or ball.is_nan():  # outside the domain, or unknown: refused where it is evaluated
            return 0.0
        constants.add(node)
        if self.bits < _MORE_BITS and (not ball.is_finite() or ball.rad() > 1):
            more = Magnitude(self.limits, _MORE_BITS)
            more._constants = constants
            ball = more.ball(node)
        upper = ball.abs_upper()
        if not upper.is_finite():
            return float("inf")
        return float(upper.log() / arb(2).log()) if upper > 0 else 0.0

    def ball(self, root: Expression) -> Any:
        """The value of a constant as a ball; None where that is not known."""
        balls = self._balls
        waiting = [root]
        with ctx.workprec(self.bits):
            while waiting:
                node = waiting[-1]
                missing = [child for child in node.children if child not in balls]
                if node in balls or not missing:
                    waiting.pop()
                    if node not in balls:
                        balls[node] = self._ball(node)
                else:
                    waiting += missing
        return balls[root]

    def _ball(self, node: Expression) -> Any:
        if isinstance(node, Constant):
            return _exact(node.value)
        if isinstance(node, Irrational):
            return arb.pi() if node.name == "pi" else arb(1).exp()
        parts = [self._balls[child] for child in node.children]
        if any(part is None for part in parts):
            return None
        if isinstance(node, Add):
            return sum((_exact(c) * part for c, part in zip(node.coefficients, parts)), arb(0))
        if isinstance(node, Contract):
            product = _exact(node.coefficient)
            for part in parts:
                product *= part
            return product
        try:
            found = node.function.ball(*parts) if isinstance(node, Map) else None
        except (ValueError, ZeroDivisionError, OverflowError):
            return None
        return found if isinstance(found, arb) else None


def _exact(value: Fraction) -> Any:
    return arb(fmpq(value.numerator, value.denominator))


def _log2(value: Fraction) -> float:
    """log2 of its absolute value; 0 for 0."""
    return log2(abs(value.numerator)) - log2(value.denominator) if value else 0.0
