"""Quadratic models of a loss around a point, f + g'p + p'Bp/2, in the eigenbasis of the scaled B: what a trust region minimises.

`Hessian` takes B from the symbolic Hessian. `GaussNewton` takes B = 2·factor·J'J from the residuals of a sum of squares, by the
singular values of J, so that no digits are lost to squaring. `Hybrid` is Gauss and Newton's as long as it lowers the loss fast,
as where the residuals are small, and Newton's otherwise (Fletcher & Xu, IMA J. Numer. Anal. 7 (1987) 371).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, final

import torch
from torch import Tensor

from symgd.descent.methods.method import Evaluate, Point, State, flat
from symgd.descent.residuals import Local, Residuals

_FAST = 0.2  # share of the loss that a step lowers it by, where residuals are taken to be small
_FORGIVEN = 2.0  # a model not used is thought of this many times better, step by step
_LEVEL = 1e-8  # share of the slope that may lie along directions without curvature, where they count as level
_SETTLED = 1e-8  # share of the loss that a model promises less than, where it has settled
_ROUNDED = 1e-14  # smallest eigenvalue beside the largest that is told from 0
_ROUNDED_SQUARE = 1e-26  # the same of eigenvalues that are squares of singular values


@dataclass(frozen=True, slots=True)
class Model:
    """Around a point, over the scaled step q = D·p: slope `along`, curvatures `values` (ascending), both in the basis `vectors`.

    `smallest` is the least curvature, beside the largest, that is told from 0.
    """

    values: Tensor
    vectors: Tensor
    along: Tensor
    smallest: float

    @property
    def is_bowl(self) -> bool:
        """Has it one minimum?"""
        return float(self.values[0]) > self.smallest * float(self.values[-1])

    def minimum(self) -> Tensor | None:
        """The step to its minimum, in the basis; of a trough to the nearest. None where it has none."""
        limit = self.smallest * float(self.values[-1])
        if float(self.values[0]) > limit:
            return -self.along / self.values
        is_flat = self.values <= limit
        lost = float(torch.linalg.vector_norm(self.along[is_flat]))
        if float(self.values[0]) < -limit or lost > _LEVEL * float(torch.linalg.vector_norm(self.along)):
            return None
        return torch.where(is_flat, 0.0, -self.along / torch.where(is_flat, 1.0, self.values))


class Modeller(ABC):
    """Makes a model around a state, and evaluates states."""

    described: str = ""  # the method that minimises its models, in a few words

    def evaluated(self, point: Point, evaluate: Evaluate) -> State:
        return State(point, *evaluate(point))

    @abstractmethod
    def curvatures(self, state: State) -> Tensor | None:
        """The square roots of the curvatures along every parameter, which set its scale; None where they are not finite."""

    @abstractmethod
    def model(self, state: State, scale: Tensor) -> Model:
        """The model; called after `curvatures` of the same state."""

    def moved(self, before: State, after: State) -> None:  # noqa: B027  # most have nothing to learn
        """A step was taken."""


@final
class Hessian(Modeller):
    """The loss to second order; `hessian(point)` is the matrix over all entries of all parameters, in order."""

    described = "Newton's method in a trust region"

    def __init__(self, hessian: Callable[[Sequence[Tensor]], Tensor]) -> None:
        self._hessian: Final = hessian
        self._matrix = torch.zeros((0, 0))

    def curvatures(self, state: State) -> Tensor | None:
        self._matrix = self._hessian(state.point).double()
        if not bool(torch.isfinite(self._matrix).all()):
            return None
        return torch.sqrt(torch.abs(torch.diagonal(self._matrix)))

    def model(self, state: State, scale: Tensor) -> Model:
        values, vectors = torch.linalg.eigh(self._matrix / torch.outer(scale, scale))
        return Model(values, vectors, vectors.T @ (flat(state.gradient).double() / scale), _ROUNDED)


@final
class GaussNewton(Modeller):
    """Residuals to first order: the method of Levenberg and Marquardt, as a trust region (Moré, LNM 630 (1978) 105)."""

    described = "the method of Levenberg and Marquardt"

    def __init__(self, residuals: Residuals) -> None:
        self.residuals: Final = residuals
        self._known: list[Local] = []

    def evaluated(self, point: Point, evaluate: Evaluate) -> State:
        local = self.residuals.at(point)
        self._known = [*self._known[-1:], local]
        return local.state

    def local(self, state: State) -> Local:
        """The residuals at a state, kept from its evaluation."""
        for local in self._known:
            if local.state is state:
                return local
        local = self.residuals.at(state.point)
        local = Local(state, local.residuals, local.jacobian, local.factor)
        self._known = [local]
        return local

    def curvatures(self, state: State) -> Tensor | None:
        local = self.local(state)
        if not bool(torch.isfinite(local.jacobian).all() and torch.isfinite(local.residuals).all()):
            return None
        lengths: Tensor = torch.linalg.vector_norm(local.jacobian, dim=0)
        return lengths * math.sqrt(2 * local.factor)

    def model(self, state: State, scale: Tensor) -> Model:
        local = self.local(state)
        left, singular, right = torch.linalg.svd(local.jacobian / scale, full_matrices=False)
        along = 2 * local.factor * singular * (left.T @ local.residuals)
        values = 2 * local.factor * singular**2
        missing = len(scale) - len(values)
        if missing:  # fewer residuals than parameters: nothing is known along the rest
            right = torch.linalg.svd(local.jacobian / scale, full_matrices=True)[2]
            values, along = torch.nn.functional.pad(values, (0, missing)), torch.nn.functional.pad(along, (0, missing))
        return Model(values.flip(0), right.T.flip(1), along.flip(0), _ROUNDED_SQUARE)


@final
class Hybrid(Modeller):
    """Gauss and Newton's model while it lowers the loss fast, Newton's otherwise."""

    def __init__(self, residuals: Residuals, hessian: Callable[[Sequence[Tensor]], Tensor]) -> None:
        self._first, self._second = GaussNewton(residuals), Hessian(hessian)
        self._is_fast = True
        self._is_second = self._used_second = False
        self._gains = [1.0, 1.0]  # shares of the loss that the last step by either model took away

    @property
    def described(self) -> str:  # type: ignore[override]
        return "the method of Levenberg and Marquardt" + (", with Newton's where residuals are large" if self._used_second else "")

    def evaluated(self, point: Point, evaluate: Evaluate) -> State:
        return self._first.evaluated(point, evaluate)

    def curvatures(self, state: State) -> Tensor | None:
        return self._first.curvatures(state)

    def model(self, state: State, scale: Tensor) -> Model:
        first = self._first.model(state, scale)
        self._is_second = False
        if self._is_fast or self._second.curvatures(state) is None:
            return first
        second = self._second.model(state, scale)
        if not second.is_bowl and self._gains[0] > self._gains[1]:  # neither is a sure guide: the one that did better when last used
            inside = first.minimum()
            promise = math.inf if inside is None else -0.5 * float(torch.dot(first.along, inside))
            if promise > _SETTLED * abs(float(state.value)):  # where Gauss and Newton's has settled, it may be on a saddle
                return first
        self._is_second = self._used_second = True
        return second

    def moved(self, before: State, after: State) -> None:
        gain = (float(before.value) - float(after.value)) / (abs(float(before.value)) or 1.0)
        used, other = int(self._is_second), 1 - int(self._is_second)
        self._gains[used], self._gains[other] = gain, _FORGIVEN * self._gains[other]
        self._is_fast = gain >= _FAST
