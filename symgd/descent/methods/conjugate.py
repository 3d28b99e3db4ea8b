"""Newton's method in a trust region for many parameters: the model is minimised by conjugate gradients, with products of the Hessian
and a direction only (Steihaug, SIAM J. Numer. Anal. 20 (1983) 626; Nocedal & Wright, 2nd ed., algorithm 7.2)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, final

import torch
from torch import Tensor

from symgd.descent.methods.method import Evaluate, Method, State, flat, is_finite

_ACCEPTED, _GOOD, _POOR = 1e-4, 0.75, 0.25  # shares of the promised decrease
_TRIALS = 60
_NOISE = 1e-14  # share of the loss that rounding may make up

Product = Callable[[Sequence[Tensor], Tensor], Tensor]


@final
class NewtonConjugate(Method):
    """`product(point, direction)` is the Hessian at the point times the direction."""

    described = "Newton's method by conjugate gradients in a trust region"

    def __init__(self, product: Product) -> None:
        self._product: Final = product
        self._radius = 0.0

    def step(self, state: State, evaluate: Evaluate) -> State | None:
        slope = flat(state.gradient)
        size = float(torch.linalg.vector_norm(flat(state.point)))
        self._radius = self._radius or max(1.0, size)
        value = float(state.value)
        for _ in range(_TRIALS):
            move, image, is_inside = self._minimum(state, slope)
            promised = -float(torch.dot(slope, move)) - 0.5 * float(torch.dot(move, image))
            self.promise = promised if is_inside else math.inf
            point = state.moved(move)
            there = State(point, *evaluate(point))
            length = float(torch.linalg.vector_norm(move))
            if is_inside and promised <= _NOISE * abs(value):
                nearer = float(torch.linalg.vector_norm(flat(there.gradient))) <= 0.5 * float(torch.linalg.vector_norm(slope))
                return there if is_finite(there) and nearer and float(there.value) <= value else None
            share = (value - float(there.value)) / promised if is_finite(there) and promised > 0 else -math.inf
            if share < _POOR:
                self._radius = length / 4
            elif share > _GOOD and not is_inside:
                self._radius *= 2
            if share > _ACCEPTED:
                return there
            if self._radius <= 1e-15 * max(size, 1e-300):
                break
        return None

    def _minimum(self, state: State, slope: Tensor) -> tuple[Tensor, Tensor, bool]:
        """A step, the Hessian times it, and whether it is a minimum inside the radius."""
        move, image, residual = torch.zeros_like(slope), torch.zeros_like(slope), slope.clone()
        direction, square = -residual, float(torch.dot(residual, residual))
        enough = min(0.5, math.sqrt(math.sqrt(square))) * math.sqrt(square)
        for _ in range(2 * len(slope)):
            product = self._product(state.point, direction)
            curvature = float(torch.dot(direction, product))
            rate = square / curvature if curvature > 0 else math.inf
            if math.isinf(rate) or float(torch.linalg.vector_norm(move + rate * direction)) >= self._radius:
                edge = _to_edge(move, direction, self._radius)
                return move + edge * direction, image + edge * product, False
            move, image, residual = move + rate * direction, image + rate * product, residual + rate * product
            before, square = square, float(torch.dot(residual, residual))
            if math.sqrt(square) <= enough:
                break
            direction = -residual + square / before * direction
        return move, image, True


def _to_edge(move: Tensor, direction: Tensor, radius: float) -> float:
    """The rate t ≥ 0 at which |move + t·direction| is the radius."""
    a, b = float(torch.dot(direction, direction)), float(torch.dot(move, direction))
    c = float(torch.dot(move, move)) - radius**2
    root = math.sqrt(max(0.0, b * b - a * c))
    return -c / (b + root) if b > 0 else (root - b) / a
