"""The ways down: how a step is made from a point, its value and its gradient.

`FixedRate` is gradient descent as in the lecture: w ← w − rate·∂f/∂w, all parameters at once. `LineSearch` takes the steepest
way too, and finds the rate of every step. `Bfgs` learns the curvature on the way (Nocedal & Wright, Numerical Optimization,
2nd ed., algorithm 6.1); its line search satisfies the weak Wolfe conditions (algorithm 3.5 by bisection).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, final

import torch
from torch import Tensor

Point = list[Tensor]
Evaluate = Callable[[Sequence[Tensor]], tuple[Tensor, list[Tensor]]]

_DECREASE = 1e-4  # share of the decrease a straight line promises that a step has to bring
_CURVATURE = 0.9  # share of the slope that may be left after a step
_TRIALS = 60  # halvings of a step: then rounding alone decides
_TINY = 1e-8  # a parameter this small counts as this large where relative changes are told
_FIRST = 1e-2  # of a unit length: the first step of a line search


@dataclass(slots=True)
class State:
    """A point with the loss and its gradient there."""

    point: Point
    value: Tensor
    gradient: Point

    def size(self) -> float:
        """The largest entry of the gradient."""
        return max((float(torch.linalg.vector_norm(slope, math.inf)) if slope.numel() else 0.0 for slope in self.gradient), default=0.0)

    def relative_size(self) -> float:
        """The largest |∂f/∂x|·|x|: what a small relative change of a parameter does to the loss, in whatever unit it is."""
        sizes = [torch.abs(slope) * torch.clamp(torch.abs(tensor), min=_TINY) for slope, tensor in zip(self.gradient, self.point)]
        return max((float(size.max()) for size in sizes if size.numel()), default=0.0)


class Method(ABC):
    """A way to go on from a state; None where it finds no better point.

    After a step, `promise` is how much lower the loss may still get as far as the method can tell, and `shift` the largest
    relative change of a parameter that this takes (None where it cannot tell).
    """

    promise: float = math.inf
    shift: float | None = None

    @property
    @abstractmethod
    def described(self) -> str:
        """What it does, in a few words."""

    @abstractmethod
    def step(self, state: State, evaluate: Evaluate) -> State | None:
        """The next state."""


@final
class FixedRate(Method):
    """w ← w − rate × gradient; the gradients are taken first, then all parameters change."""

    def __init__(self, rate: float) -> None:
        self.rate: Final = rate

    @property
    def described(self) -> str:
        return f"gradient descent with rate {self.rate:g}"

    def moved(self, state: State) -> Point:
        return [torch.add(tensor, slope, alpha=-self.rate) for tensor, slope in zip(state.point, state.gradient)]

    def step(self, state: State, evaluate: Evaluate) -> State:
        point = self.moved(state)
        return State(point, *evaluate(point))


@final
class LineSearch(Method):
    """Gradient descent whose rate is halved until the loss falls enough (Armijo), begun at the Barzilai–Borwein rate."""

    def __init__(self) -> None:
        self._rate = 0.0
        self._before: State | None = None

    @property
    def described(self) -> str:
        return "gradient descent, the rate of every step found by a line search"

    def step(self, state: State, evaluate: Evaluate) -> State | None:
        square = _dot(state.gradient, state.gradient)
        rate = self._guess(state, square)
        value = float(state.value)
        for _ in range(_TRIALS):
            point = [torch.add(tensor, slope, alpha=-rate) for tensor, slope in zip(state.point, state.gradient)]
            there = State(point, *evaluate(point))
            if float(there.value) <= value - _DECREASE * rate * square and is_finite(there):
                self._rate, self._before, self.promise = rate, state, rate * square
                return there
            rate /= 2
        return None

    def _guess(self, state: State, square: float) -> float:
        if self._before is None:
            return _FIRST / math.sqrt(square) * max(1.0, math.sqrt(_dot(state.point, state.point)))
        moved = _minus(state.point, self._before.point)
        changed = _minus(state.gradient, self._before.gradient)
        curvature = _dot(moved, changed)
        return _dot(moved, moved) / curvature if curvature > 0 else 4 * self._rate


@final
class Bfgs(Method):
    """Quasi-Newton steps with a dense inverse Hessian: for up to a few hundred parameters."""

    def __init__(self) -> None:
        self._inverse: Tensor | None = None

    @property
    def described(self) -> str:
        return "BFGS with a line search"

    def step(self, state: State, evaluate: Evaluate) -> State | None:
        slope = flat(state.gradient)
        direction = -slope if self._inverse is None else -(self._inverse @ slope)
        if self._inverse is not None and not float(torch.dot(direction, slope)) < 0:
            self._inverse, direction = None, -slope
        first = 1.0
        if self._inverse is None:
            first = min(1.0, _FIRST * max(1.0, math.sqrt(_dot(state.point, state.point))) / float(torch.linalg.vector_norm(slope)))
        self.promise = -float(torch.dot(direction, slope)) if self._inverse is not None else math.inf
        there = _wolfe(state, direction, first, evaluate)
        if there is None:
            if self._inverse is None:
                return None
            promise, self._inverse = self.promise, None  # the curvature learnt is of no use here: once more, the steepest way
            there = self.step(state, evaluate)
            self.promise = promise
            return there
        self._learn(flat(_minus(there.point, state.point)), flat(there.gradient) - slope)
        return there

    def _learn(self, moved: Tensor, changed: Tensor) -> None:
        """The update of the inverse Hessian (6.17); the first one is scaled (6.20)."""
        curvature = float(torch.dot(moved, changed))
        if not curvature > 1e-14 * float(torch.linalg.vector_norm(moved)) * float(torch.linalg.vector_norm(changed)):
            return
        if self._inverse is None:
            scale = curvature / float(torch.dot(changed, changed))
            self._inverse = scale * torch.eye(len(moved), dtype=moved.dtype, device=moved.device)
        image = self._inverse @ changed
        self._inverse = (
            self._inverse
            + torch.outer(moved, moved) * ((curvature + float(torch.dot(changed, image))) / curvature**2)
            - (torch.outer(image, moved) + torch.outer(moved, image)) / curvature
        )


def _wolfe(state: State, direction: Tensor, first: float, evaluate: Evaluate) -> State | None:
    """A step that lowers the loss enough and leaves a slope flat enough, by doubling and bisection."""
    low, high, rate = 0.0, math.inf, first
    value, slope = float(state.value), float(torch.dot(flat(state.gradient), direction))
    directions = split(direction, state.point)
    best: State | None = None
    for _ in range(_TRIALS):
        point = [torch.add(tensor, part, alpha=rate) for tensor, part in zip(state.point, directions)]
        there = State(point, *evaluate(point))
        if not (is_finite(there) and float(there.value) <= value + _DECREASE * rate * slope):
            high = rate
        elif float(torch.dot(flat(there.gradient), direction)) < _CURVATURE * slope:
            low, best = rate, there
        else:
            return there
        rate = 2 * low if math.isinf(high) else (low + high) / 2
        if rate > 1e12 or high - low <= 1e-14 * high:
            break
    return best


def is_finite(state: State) -> bool:
    return math.isfinite(float(state.value)) and all(bool(torch.isfinite(slope).all()) for slope in state.gradient)


def _dot(left: Sequence[Tensor], right: Sequence[Tensor]) -> float:
    return sum(float(torch.sum(a * b)) for a, b in zip(left, right))


def _minus(left: Sequence[Tensor], right: Sequence[Tensor]) -> Point:
    return [a - b for a, b in zip(left, right)]


def flat(point: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in point])


def split(flat: Tensor, like: Sequence[Tensor]) -> Point:
    parts = torch.split(flat, [tensor.numel() for tensor in like])
    return [part.reshape(tensor.shape) for part, tensor in zip(parts, like)]
