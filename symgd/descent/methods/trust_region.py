"""A model of the loss minimised within a radius it is trusted in: Newton's method, and that of Levenberg and Marquardt.

The model g'p + p'Bp/2 is minimised over |Dp| ≤ Δ exactly, by the eigenvalues of the scaled matrix (Conn, Gould & Toint,
Trust-Region Methods, 2000, ch. 7; Nocedal & Wright, 2nd ed., ch. 4.3), so directions of negative curvature are followed, not
feared. D keeps the largest curvature seen along every parameter (Moré's scaling), which makes the method indifferent to units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import final

import torch
from torch import Tensor

from symgd.descent.methods.method import Evaluate, Method, Point, State, flat, is_finite
from symgd.descent.methods.models import Model, Modeller

_ACCEPTED, _GOOD, _POOR = 1e-4, 0.75, 0.25  # shares of the promised decrease
_TRIALS = 60
_TINY = 1e-8  # a scaled parameter this small counts as this large where relative changes are told
_NOISE = 1e-12  # share of the loss that rounding may make up


Walls = Callable[[Point], Sequence[Tensor]]  # what the loss divides by, as far as it is a function of the parameters alone


@final
class TrustRegion(Method):
    """Steps to the minimum of a model within a radius; it gives up where the model is not finite, or no good guide.

    A step does not jump over a wall: where the loss has `b/s` in it, the sign of s stays what it is. Only where nothing lower is
    found on this side are walls forgotten.
    `magnitude(point)` is the size of the terms of the loss, which its rounding follows, where they may cancel.
    """

    def __init__(self, modeller: Modeller, walls: Walls | None = None, magnitude: Callable[[Point], float] | None = None) -> None:
        self._modeller, self._walls, self._magnitude = modeller, walls, magnitude
        self._scale: Tensor | None = None
        self._radius = 0.0

    @property
    def described(self) -> str:
        return self._modeller.described

    def step(self, state: State, evaluate: Evaluate) -> State | None:
        self.promise, self.shift = math.inf, None
        curvature = self._modeller.curvatures(state)
        if curvature is None:
            return None
        self._scale = curvature if self._scale is None else torch.maximum(self._scale, curvature)
        scale = torch.where(self._scale > 0, self._scale, 1.0)
        model = self._modeller.model(state, scale)
        point = flat(state.point).double()
        inside = model.minimum()
        if inside is not None:
            self.promise = -0.5 * float(torch.dot(model.along, inside))
            far = torch.abs(model.vectors @ inside) / torch.clamp(torch.abs(scale * point), min=_TINY)
            self.shift = float(torch.max(far)) if model.is_bowl else math.inf
        size = float(torch.linalg.vector_norm(scale * point))
        self._radius = self._radius or size or 1.0
        value, was_walled = float(state.value), False
        for _ in range(_TRIALS):
            is_inside = inside is not None and float(torch.linalg.vector_norm(inside)) <= self._radius
            move = inside if inside is not None and is_inside else _on_edge(model, self._radius)
            length = float(torch.linalg.vector_norm(move))
            there_point = state.moved((model.vectors @ move) / scale)
            if self._is_behind(state.point, there_point):
                self._radius, was_walled = length / 4, True
                continue
            there = self._modeller.evaluated(there_point, evaluate)
            if is_inside and self.promise <= _NOISE * abs(value):
                return self._accepted(state, there) if self._is_nearer(there, model, scale) else None
            promised = -float(torch.dot(model.along, move)) - 0.5 * float(torch.dot(model.values, move * move))
            share = (value - float(there.value)) / promised if is_finite(there) and promised > 0 else -math.inf
            if is_inside and share <= _ACCEPTED and self._is_noise(state):
                return self._accepted(state, there) if self._is_nearer(there, model, scale) else None
            if share < _POOR:
                self._radius = length / 4
            elif share > _GOOD and not is_inside:
                self._radius *= 2
            if share > _ACCEPTED:
                return self._accepted(state, there)
            if self._radius <= 1e-15 * size:
                break
        if was_walled:  # nothing is lower on this side
            self._walls, self._radius = None, size or 1.0
            return self.step(state, evaluate)
        return None

    def _is_behind(self, here: Point, there: Point) -> bool:
        """Does a wall stand between the two points?"""
        if self._walls is None:
            return False
        return any(bool((torch.sign(a) != torch.sign(b)).any()) for a, b in zip(self._walls(here), self._walls(there)))

    def _is_noise(self, state: State) -> bool:
        """Is less promised than the rounding of terms that cancel?"""
        return self._magnitude is not None and self.promise <= _NOISE * self._magnitude(state.point)

    def _accepted(self, before: State, after: State) -> State:
        self._modeller.moved(before, after)
        return after

    def _is_nearer(self, there: State, model: Model, scale: Tensor) -> bool:
        """Where the loss itself tells nothing any more, its gradient still does."""
        slope = flat(there.gradient).double() / scale
        return is_finite(there) and float(torch.linalg.vector_norm(slope)) <= 0.5 * float(torch.linalg.vector_norm(model.along))


def _on_edge(model: Model, radius: float) -> Tensor:
    """The minimum of along·p + Σ values·p²/2 over |p| = radius, in the eigenbasis (values ascending)."""
    values, along = model.values, model.along
    lowest = float(values[0])
    low = max(0.0, -lowest)
    high = low + float(torch.linalg.vector_norm(along)) / radius + abs(lowest) * 1e-12 + 1e-300
    least = model.smallest * max(abs(lowest), abs(float(values[-1]))) * 1e-6 + 1e-300  # a smaller shift changes nothing
    for _ in range(100):  # |p| falls as the shift grows
        shift = (low + high) / 2 if low else math.sqrt(max(low, high * 1e-20) * high)
        length = float(torch.linalg.vector_norm(along / (values + shift)))
        low, high = (shift, high) if length > radius else (low, shift)
        if high - low <= 1e-12 * high or high <= least:
            break
    move = -along / (values + high)
    missing = radius**2 - float(torch.dot(move, move))
    if lowest < 0 and missing > 1e-6 * radius**2:  # the gradient has no part along the lowest curvature: go there anyway
        move = move.clone()
        move[0] += math.copysign(math.sqrt(missing), -float(along[0]))
    return move
