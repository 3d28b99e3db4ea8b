"""Newton's method in a trust region, with the exact symbolic Hessian: for a few parameters.

The model g'p + p'Hp/2 is minimised over |Dp| ≤ Δ exactly, by the eigenvalues of the scaled Hessian (Conn, Gould & Toint,
Trust-Region Methods, 2000, ch. 7; Nocedal & Wright, 2nd ed., ch. 4.3), so directions of negative curvature are followed, not
feared. D keeps the largest curvature seen along every parameter (Moré's scaling), which makes the method indifferent to units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import final

import torch
from torch import Tensor

from symgd.descent.methods import Bfgs, Evaluate, Method, Point, State, flat, is_finite, split

_ACCEPTED, _GOOD, _POOR = 1e-4, 0.75, 0.25  # shares of the promised decrease
_TRIALS = 60
_SINGULAR = 1e-14  # smallest eigenvalue beside the largest that is told from 0
_TINY = 1e-8  # a scaled parameter this small counts as this large where relative changes are told
_NOISE = 1e-12  # share of the loss that rounding may make up


@final
class Newton(Method):
    """Trust-region steps; `hessian(point)` is the matrix over all entries of all parameters, in order."""

    def __init__(self, hessian: Callable[[Sequence[Tensor]], Tensor]) -> None:
        self._hessian = hessian
        self._scale: Tensor | None = None
        self._radius = 0.0
        self._instead: Bfgs | None = None

    @property
    def described(self) -> str:
        return "Newton's method in a trust region" + (", then BFGS" if self._instead else "")

    def step(self, state: State, evaluate: Evaluate) -> State | None:
        """A step in the trust region; where the Hessian is not finite, or no good guide, BFGS goes on from there."""
        if self._instead is None:
            found = self._trusted(state, evaluate)
            if found is not None or math.isfinite(self.promise):
                return found
            self._instead = Bfgs()
        self.promise, self.shift = math.inf, None
        return self._instead.step(state, evaluate)

    def _trusted(self, state: State, evaluate: Evaluate) -> State | None:
        self.promise = math.inf
        matrix = self._hessian(state.point).double()
        slope, point = flat(state.gradient).double(), flat(state.point).double()
        if not bool(torch.isfinite(matrix).all()):
            return None
        curvature = torch.sqrt(torch.abs(torch.diagonal(matrix)))
        self._scale = curvature if self._scale is None else torch.maximum(self._scale, curvature)
        scale = torch.where(self._scale > 0, self._scale, 1.0)
        values, vectors = torch.linalg.eigh(matrix / torch.outer(scale, scale))
        along = vectors.T @ (slope / scale)
        is_bowl = float(values[0]) > _SINGULAR * float(values[-1])
        self.promise, self.shift = math.inf, None
        if is_bowl:
            self.promise = 0.5 * float(torch.sum(along * along / values))
            self.shift = float(torch.max(torch.abs(vectors @ (along / values)) / torch.clamp(torch.abs(scale * point), min=_TINY)))
        size = float(torch.linalg.vector_norm(scale * point))
        self._radius = self._radius or size or 1.0
        for _ in range(_TRIALS):
            move, is_newton = _minimum(values, along, self._radius)
            there = self._moved(state, (vectors @ move) / scale, evaluate)
            if is_newton and self.promise <= _NOISE * abs(float(state.value)):
                return there if self._is_nearer(there, along, scale) else None
            promised = -float(torch.dot(along, move)) - 0.5 * float(torch.dot(values, move * move))
            length = float(torch.linalg.vector_norm(move))
            share = (float(state.value) - float(there.value)) / promised if is_finite(there) and promised > 0 else -math.inf
            if share < _POOR:
                self._radius = length / 4
            elif share > _GOOD and not is_newton:
                self._radius *= 2
            if share > _ACCEPTED:
                return there
            if self._radius <= 1e-15 * size:
                break
        return None

    def _is_nearer(self, there: State, along: Tensor, scale: Tensor) -> bool:
        """Where the loss itself tells nothing any more, its gradient still does."""
        slope = flat(there.gradient).double() / scale
        return is_finite(there) and float(torch.linalg.vector_norm(slope)) <= 0.5 * float(torch.linalg.vector_norm(along))

    def _moved(self, state: State, move: Tensor, evaluate: Evaluate) -> State:
        parts = split(move.to(state.point[0].dtype), state.point)
        point: Point = [tensor + part for tensor, part in zip(state.point, parts)]
        return State(point, *evaluate(point))


def _minimum(values: Tensor, along: Tensor, radius: float) -> tuple[Tensor, bool]:
    """The minimum of along·p + Σ values·p²/2 over |p| ≤ radius, in the eigenbasis (values ascending), and whether it lies inside."""
    lowest = float(values[0])
    if lowest > _SINGULAR * float(values[-1]):
        inside = -along / values
        if float(torch.linalg.vector_norm(inside)) <= radius:
            return inside, True
    low = max(0.0, -lowest)
    high = low + float(torch.linalg.vector_norm(along)) / radius + abs(lowest) * 1e-12 + 1e-300
    for _ in range(100):  # |p| falls as the shift grows
        shift = (low + high) / 2 if low else math.sqrt(max(low, high * 1e-20) * high)
        length = float(torch.linalg.vector_norm(along / (values + shift)))
        low, high = (shift, high) if length > radius else (low, shift)
        if high - low <= 1e-12 * high:
            break
    move = -along / (values + high)
    missing = radius**2 - float(torch.dot(move, move))
    if lowest < 0 and missing > 1e-6 * radius**2:  # the gradient has no part along the lowest curvature: go there anyway
        move = move.clone()
        move[0] += math.copysign(math.sqrt(missing), -float(along[0]))
    return move, False
