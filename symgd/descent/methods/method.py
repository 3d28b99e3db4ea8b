"""A state of a descent, and what every method can do: take a step from it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

Point = list[Tensor]
Evaluate = Callable[[Sequence[Tensor]], tuple[Tensor, list[Tensor]]]

_TINY = 1e-8  # a parameter this small counts as this large where relative changes are told


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

    def moved(self, direction: Tensor, rate: float = 1.0) -> Point:
        """The point `rate` times a direction away; the direction is one vector over all entries of all parameters."""
        parts = split(direction.to(self.point[0].dtype), self.point)
        return [torch.add(tensor, part, alpha=rate) for tensor, part in zip(self.point, parts)]


class Method(ABC):
    """A way to go on from a state; None where it finds no better point.

    After a step, `promise` is how much lower the loss may still get as far as the method can tell, and `shift` the largest
    relative change of a parameter that this takes (None where it cannot tell). `searches` is whether the method judges its own
    steps, so that it may end by itself; one that does not takes all steps asked for.
    """

    promise: float = math.inf
    shift: float | None = None
    searches: bool = True

    @property
    def is_sure(self) -> bool:
        """Does the method know that there is one minimum, more exactly than the Hessian in floating point does?"""
        return self.shift is not None and math.isfinite(self.shift)

    @property
    def finished(self) -> str | None:
        """Where one step is the whole way: how it ends. None for all others."""
        return None

    @property
    @abstractmethod
    def described(self) -> str:
        """What it does, in a few words."""

    @abstractmethod
    def step(self, state: State, evaluate: Evaluate) -> State | None:
        """The next state."""


class Updates(Method):
    """A method whose step is fixed by the gradients so far, so that every step may be down another loss: that of a batch."""

    searches = False

    @abstractmethod
    def moved(self, state: State) -> Point:
        """The next point; every parameter changes at once, by gradients all taken before."""

    def step(self, state: State, evaluate: Evaluate) -> State:
        point = self.moved(state)
        return State(point, *evaluate(point))


@final
class Otherwise(Method):
    """One method until it gives up (no step, and no promise to judge by), then another from there."""

    def __init__(self, first: Method, then: Method) -> None:
        self._first, self._then = first, then
        self._is_first, self._taken = True, 0

    @property
    def described(self) -> str:
        if self._is_first:
            return self._first.described
        return f"{self._first.described}, then {self._then.described}" if self._taken else self._then.described

    @property
    def finished(self) -> str | None:
        return (self._first if self._is_first else self._then).finished

    def step(self, state: State, evaluate: Evaluate) -> State | None:
        now = self._first if self._is_first else self._then
        found = now.step(state, evaluate)
        if found is None and self._is_first and not math.isfinite(now.promise):
            self._is_first, now = False, self._then
            found = now.step(state, evaluate)
        self._taken += self._is_first
        self.promise, self.shift = now.promise, now.shift
        return found


def is_finite(state: State) -> bool:
    return math.isfinite(float(state.value)) and all(bool(torch.isfinite(slope).all()) for slope in state.gradient)


def flat(point: Sequence[Tensor]) -> Tensor:
    """All entries of all parameters as one vector."""
    return torch.cat([tensor.reshape(-1) for tensor in point])


def split(vector: Tensor, like: Sequence[Tensor]) -> Point:
    """A vector over all entries as tensors of the shapes of `like`."""
    parts = torch.split(vector, [tensor.numel() for tensor in like])
    return [part.reshape(tensor.shape) for part, tensor in zip(parts, like)]
