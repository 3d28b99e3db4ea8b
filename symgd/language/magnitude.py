"""The budget of constants: no number in a formula leaves the range of float64, however it is composed.

Every constant is bounded by ball arithmetic as soon as it is built, from the balls of its parts, so that `9^9^9` costs nothing.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import arb, ctx, fmpq

from symgd.algebra.expression import Add, Constant, Contract, Expression, Irrational, Map
from symgd.language.limits import Limits


_BITS, _MORE_BITS = 128, 2048


class Magnitude:
    """Bounds on the constants met so far; each expression is looked at once."""

    def __init__(self, limits: Limits, bits: int = _BITS) -> None:
        self.limits = limits
        self.bits = bits
        self.largest = arb(10) ** limits.magnitude
        self.smallest = arb(10) ** -limits.magnitude
        self._balls: dict[Expression, Any] = {}  # the value of a constant; of anything else its constant factor, None for 1
        self._constants: set[Expression] = set()

    def check(self, node: Expression) -> None:
        """Raise `LimitError` where a constant, or the constant factor of a product, is too large or cannot be bounded."""
        ball = self.ball(node)
        if ball is None or ball.abs_upper() <= self.largest or ball.is_nan():
            return
        if ball.abs_lower() > self.largest or self.bits >= _MORE_BITS:
            raise self.limits.exceeded("magnitude", "the number is too large")
        Magnitude(self.limits, _MORE_BITS).check(node)

    def check_power(self, node: Expression, base: Expression, exponent: Expression) -> None:
        """Raise `LimitError` where a power is too large or too small, or raises a variable to a high degree."""
        self.check(node)
        degree = exponent.value if isinstance(exponent, Constant) else None
        if base in self._constants:
            ball = self._balls.get(node)
            if node in self._constants and ball is not None and ball.abs_upper() < self.smallest and ball != 0:
                raise self.limits.exceeded("magnitude", "the number is too small")
        elif degree is not None and abs(degree) > self.limits.exponent:
            raise self._high()
        elif isinstance(node, Map) and node.function.name == "power":  # (x^999)^999 is x^998001
            last = node.children[-1]
            if isinstance(last, Constant) and abs(last.value) > self.limits.exponent:
                raise self._high()

    def _high(self) -> Exception:
        return self.limits.exceeded("exponent", "the exponent is too large")

    def ball(self, root: Expression) -> Any:
        """The value of a constant as a ball, or the constant factor of anything else (None where there is none)."""
        waiting = [root]
        while waiting:
            node = waiting[-1]
            if node in self._balls:
                waiting.pop()
                continue
            missing = [child for child in node.children if child not in self._balls]
            if missing:
                waiting += missing
                continue
            waiting.pop()
            with ctx.workprec(self.bits):
                self._balls[node] = self._of(node)
        return self._balls[root]

    def _of(self, node: Expression) -> Any:
        if isinstance(node, Constant):
            self._constants.add(node)
            return _exact(node.value)
        if isinstance(node, Irrational):
            self._constants.add(node)
            return arb.pi() if node.name == "pi" else arb(1).exp()
        parts = [self._balls[child] for child in node.children]
        known = not node.shape and bool(parts) and all(child in self._constants for child in node.children)
        if isinstance(node, Contract):
            if known:
                self._constants.add(node)
            product = None if node.coefficient == 1 else _exact(node.coefficient)
            for part in parts:
                product = part if product is None else product if part is None else product * part
            return product
        if not known:
            return None
        if isinstance(node, Add):
            self._constants.add(node)
            return sum((_exact(c) * part for c, part in zip(node.coefficients, parts)), arb(0))
        if isinstance(node, Map):
            try:
                ball = node.function.ball(*parts)
            except (ValueError, ZeroDivisionError, OverflowError):
                return None
            if isinstance(ball, arb) and not ball.is_nan():
                self._constants.add(node)
                return ball
        return None


def _exact(value: Fraction) -> Any:
    return arb(fmpq(value.numerator, value.denominator))
