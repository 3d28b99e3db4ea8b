"""Descents at a fixed rate that go many steps at a time, in C: what they keep, and how they end.

The semantics are those of `loop`: values and path include the start, all parameters move together, a value that is not finite or
leaves all bounds ends the walk, a long path is thinned out. The steps come back every few hundredths of a second, so that Ctrl-C
is noticed.
"""

from __future__ import annotations

import ctypes
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symgd.descent.interrupts import Interrupts
from symgd.descent.kept import Arrays, Floats
from symgd.descent.loop import _GROWTH, _KEPT, SMALL, Plan, bound_of_rates
from symgd.descent.nonfinite import first_nonfinite
from symgd.descent.objective import Objective
from symgd.descent.outcome import Descent, Number, Outcome

_CHUNK = 0.05  # seconds after which the steps come back
_MOST = 1 << 20  # steps in one go
_FIRST = 1 << 20  # steps that there is room for at first


class Steps(ABC):
    """Many steps at a time. `point` are the parameters where the walk is."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.dtype = objective, objective.program.dtype

    @property
    @abstractmethod
    def point(self) -> list[Tensor]:
        """The parameters now."""

    @abstractmethod
    def begin(self) -> float:
        """The value at the start. Whether the data are finite is checked here at the latest."""

    @abstractmethod
    def size(self) -> float:
        """The largest entry of the gradient now."""

    @abstractmethod
    def advance(self, walk: Plan, rate: float, limit: float, wanted: int, stride: int, until: int, values: Any, path: Tensor) -> int:
        """Take up to so many steps; how many were taken.

        Fills in `values`, and a row of `path` after `until` steps and every `stride` from there. Stops after a step whose value
        is not finite or beyond the limit, or whose gradient is not finite, or within the tolerance.
        """

    def taken(self, plan: Plan, rate: float) -> Descent:
        """The descent."""
        with Interrupts() as interrupts:
            return self._taken(plan, rate, interrupts)

    def _taken(self, walk: Plan, rate: float, interrupts: Interrupts) -> Descent:
        many = sum(tensor.numel() for tensor in self.point)
        stride = max(1, math.ceil(walk.steps * many / _KEPT))
        values, path = np.empty(1), torch.empty((1, many), dtype=self.dtype)
        values[0], path[0] = self.begin(), self._row()
        limit = _GROWTH * max(1.0, abs(values[0]))
        outcome = self._outcome(float(values[0]), limit, walk.tolerance)
        taken, chunk = 0, 1
        while outcome is None and taken < walk.steps:
            if interrupts.asked:
                outcome = Outcome.STOPPED
                break
            wanted = min(chunk, walk.steps - taken)
            if taken + wanted >= len(values):
                room = min(walk.steps, max(2 * (taken + wanted), _FIRST)) + 1
                values, path = _longer(values, path, taken, taken // stride, room, (room - 1) // stride + 2)
            begun = time.perf_counter()
            done = self.advance(
                walk, rate, limit, wanted, stride, stride - taken % stride, values[taken + 1 :], path[taken // stride + 1 :]
            )
            spent = time.perf_counter() - begun
            taken += done
            outcome = self._outcome(float(values[taken]), limit, walk.tolerance)
            chunk = min(max(1, int(chunk * min(8.0, _CHUNK / max(spent, 1e-9)))), _MOST)
        rows, end = taken // stride + 1, float(values[taken])
        if taken == walk.steps and walk.steps % stride:
            path[rows] = self._row()
            rows += 1
        if outcome is None:
            small = SMALL if walk.tolerance is None else walk.tolerance
            outcome = Outcome.CONVERGED if self.size() <= small * (1 + abs(end)) else Outcome.MAX_STEPS
        self.objective.evaluations += taken + 1
        advice = self._advice(outcome)
        if 2 * taken < len(values):
            values, path = values[: taken + 1].copy(), path[:rows].clone()
        return Descent(
            parameters={name: _number(tensor) for name, tensor in zip(self.objective.names, self.point)},
            values=Floats(values[: taken + 1]),
            path=self._columns(path[:rows]),
            outcome=outcome,
            steps=taken,
            evaluations=self.objective.evaluations,
            source=self.objective,
            message=walk.message(outcome, advice, taken),
        )

    def _advice(self, outcome: Outcome) -> str:
        if outcome is Outcome.NONFINITE:
            return first_nonfinite(self.objective, self.point)
        return bound_of_rates(self.objective) if outcome is Outcome.DIVERGED else ""

    def _outcome(self, value: float, limit: float, tolerance: float | None) -> Outcome | None:
        """The end that the last step was, None if it was none; the same as in `loop`."""
        if not math.isfinite(value):
            return Outcome.NONFINITE
        if abs(value) > limit:
            return Outcome.DIVERGED
        if tolerance is None:
            return None
        size = self.size()
        if size <= tolerance * (1 + abs(value)):
            return Outcome.CONVERGED
        return None if math.isfinite(size) else Outcome.NONFINITE

    def _row(self) -> Tensor:
        return torch.cat([tensor.reshape(-1) for tensor in self.point])

    def _columns(self, points: Tensor) -> dict[str, Sequence[Number]]:
        """The path by parameter: floats for scalars, tensors for arrays."""
        path: dict[str, Sequence[Number]] = {}
        place = 0
        for name, tensor in zip(self.objective.names, self.point):
            part = points[:, place : place + tensor.numel()]
            place += tensor.numel()
            path[name] = Arrays(part.reshape(len(part), *tensor.shape)) if tensor.dim() else Floats(part[:, 0].numpy())
        return path


def _longer(values: Any, path: Tensor, taken: int, rows: int, room: int, room_of_path: int) -> tuple[Any, Tensor]:
    """Room for more steps, with what was kept."""
    more, further = np.empty(room), torch.empty((room_of_path, path.shape[1]), dtype=path.dtype)
    more[: taken + 1], further[: rows + 1] = values[: taken + 1], path[: rows + 1]
    return more, further


def largest(tensors: list[Tensor]) -> float:
    """The largest entry of all; nan where one is nan."""
    return max((float(torch.linalg.vector_norm(tensor, math.inf)) for tensor in tensors if tensor.numel()), default=0.0)


def pointers(tensors: list[Tensor]) -> Any:
    """Where the entries of tensors begin, as C takes it."""
    return (ctypes.c_void_p * max(1, len(tensors)))(*[tensor.data_ptr() for tensor in tensors])


def _number(tensor: Tensor) -> Number:
    return tensor.item() if not tensor.dim() else tensor.clone()
