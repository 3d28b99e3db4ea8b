"""Where to go from a state: a direction along which the loss falls. How far is another piece's question (`searches`).

Sources: Nocedal & Wright, Numerical Optimization, 2nd ed.: Polak and Ribière's conjugate gradients with restarts (5.45), BFGS
(algorithm 6.1), L-BFGS (algorithm 7.4), Gauss and Newton (ch. 10.3). Barzilai & Borwein, IMA J. Numer. Anal. 8 (1988) 141.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from typing import Final, final

import torch
from torch import Tensor

from symgd.descent.methods.method import State, flat
from symgd.descent.residuals import Residuals

_FIRST = 1e-2  # of a unit length, or of the length of the point: the first step where nothing is known
_CURVED = 1e-14  # least cosine between a step and the change of the gradient that shows a curvature


class Direction(ABC):
    """A direction at a state, one vector over all entries. `is_scaled`: has it a length, so that a rate of 1 is the one to try?"""

    is_scaled: bool = False

    described: str = ""  # what it is called

    @abstractmethod
    def at(self, state: State) -> Tensor:
        """The direction."""

    def learn(self, before: State, after: State, rate: float) -> None:  # noqa: B027  # some have nothing to learn
        """A step was taken from one state to another."""

    def forget(self) -> bool:
        """Go back to the steepest way; False where it is that already."""
        return False

    def first(self, state: State, slope: float) -> float:
        """The rate to try first, where the direction has no length of its own; `slope` is the loss's along it."""
        return first_rate(state, math.sqrt(-slope))


def first_rate(state: State, length: float) -> float:
    """A rate for a direction of this length that changes the point by a hundredth, or by 0.01."""
    return _FIRST * max(1.0, float(torch.linalg.vector_norm(flat(state.point)))) / length


@final
class Steepest(Direction):
    """The negative gradient; its first rate is that of Barzilai and Borwein."""

    described = "gradient descent"

    def __init__(self) -> None:
        self._moved: tuple[float, float, float] | None = None

    def at(self, state: State) -> Tensor:
        return -flat(state.gradient)

    def learn(self, before: State, after: State, rate: float) -> None:
        moved, changed = flat(after.point) - flat(before.point), flat(after.gradient) - flat(before.gradient)
        self._moved = float(torch.dot(moved, moved)), float(torch.dot(moved, changed)), rate

    def first(self, state: State, slope: float) -> float:
        if self._moved is None:
            return super().first(state, slope)
        square, curvature, rate = self._moved
        return square / curvature if curvature > 0 else 4 * rate


@final
class ConjugateGradient(Direction):
    """Polak and Ribière's, begun anew where the factor would be negative."""

    described = "conjugate gradients"

    def __init__(self) -> None:
        self._direction: Tensor | None = None
        self._slope = self._rate = 0.0

    def at(self, state: State) -> Tensor:
        return -flat(state.gradient) if self._direction is None else self._direction

    def learn(self, before: State, after: State, rate: float) -> None:
        old, new, along = flat(before.gradient), flat(after.gradient), self.at(before)
        self._slope, self._rate = float(torch.dot(old, along)), rate
        factor = max(0.0, float(torch.dot(new, new - old)) / float(torch.dot(old, old)))
        self._direction = -new + factor * along

    def forget(self) -> bool:
        had, self._direction = self._direction is not None, None
        return had

    def first(self, state: State, slope: float) -> float:
        if self._direction is None:
            return super().first(state, slope)
        return self._rate * self._slope / slope


@final
class Bfgs(Direction):
    """Quasi-Newton steps with a dense inverse Hessian: for up to a few hundred parameters."""

    described = "BFGS"

    def __init__(self) -> None:
        self._inverse: Tensor | None = None

    @property
    def is_scaled(self) -> bool:  # type: ignore[override]
        return self._inverse is not None

    def at(self, state: State) -> Tensor:
        slope = flat(state.gradient)
        return -slope if self._inverse is None else -(self._inverse @ slope)

    def forget(self) -> bool:
        had, self._inverse = self._inverse is not None, None
        return had

    def learn(self, before: State, after: State, rate: float) -> None:
        """The update of the inverse Hessian (6.17); the first one is scaled (6.20)."""
        moved, changed = flat(after.point) - flat(before.point), flat(after.gradient) - flat(before.gradient)
        if not is_curved(moved, changed):
            return
        curvature = float(torch.dot(moved, changed))
        if self._inverse is None:
            scale = curvature / float(torch.dot(changed, changed))
            self._inverse = scale * torch.eye(len(moved), dtype=moved.dtype, device=moved.device)
        image = self._inverse @ changed
        self._inverse = (
            self._inverse
            + torch.outer(moved, moved) * ((curvature + float(torch.dot(changed, image))) / curvature**2)
            - (torch.outer(image, moved) + torch.outer(moved, image)) / curvature
        )


def is_curved(moved: Tensor, changed: Tensor) -> bool:
    """Did the gradient grow along the step, beyond rounding?"""
    lengths = float(torch.linalg.vector_norm(moved)) * float(torch.linalg.vector_norm(changed))
    return float(torch.dot(moved, changed)) > _CURVED * lengths


@final
class LimitedBfgs(Direction):
    """Quasi-Newton steps from the last few steps only: for any number of parameters."""

    described = "L-BFGS"

    def __init__(self, memory: int) -> None:
        self._steps: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=memory)

    @property
    def is_scaled(self) -> bool:  # type: ignore[override]
        return bool(self._steps)

    def at(self, state: State) -> Tensor:
        vector = flat(state.gradient)
        shares = []
        for moved, changed, inverse in reversed(self._steps):
            share = inverse * torch.dot(moved, vector)
            vector = vector - share * changed
            shares.append(share)
        if self._steps:
            moved, changed, inverse = self._steps[-1]
            vector = vector / (inverse * torch.dot(changed, changed))
        for (moved, changed, inverse), share in zip(self._steps, reversed(shares)):
            vector = vector + (share - inverse * torch.dot(changed, vector)) * moved
        return -vector

    def forget(self) -> bool:
        had = bool(self._steps)
        self._steps.clear()
        return had

    def learn(self, before: State, after: State, rate: float) -> None:
        moved, changed = flat(after.point) - flat(before.point), flat(after.gradient) - flat(before.gradient)
        if is_curved(moved, changed):
            self._steps.append((moved, changed, 1 / float(torch.dot(moved, changed))))


@final
class GaussNewton(Direction):
    """To the minimum of the residuals made linear."""

    described, is_scaled = "Gauss and Newton's method", True

    def __init__(self, residuals: Residuals) -> None:
        self.residuals: Final = residuals

    def at(self, state: State) -> Tensor:
        local = self.residuals.at(state.point)
        scale = torch.linalg.vector_norm(local.jacobian, dim=0)
        scale = torch.where(scale > 0, scale, 1.0)
        found: Tensor = (
            torch.linalg.lstsq(local.jacobian / scale, -local.residuals.unsqueeze(1), driver="gelsd").solution.squeeze(1) / scale
        )
        return found.to(state.point[0].dtype)
