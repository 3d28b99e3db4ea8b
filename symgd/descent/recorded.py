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
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symgd.descent.interrupts import Interrupts
from symgd.descent.loop import _GROWTH, _KEPT, SMALL, Plan, bound_of_rates
from symgd.descent.nonfinite import first_nonfinite
from symgd.descent.objective import Objective
from symgd.descent.outcome import Descent, Number, Outcome

_CHUNK = 0.05  # seconds after which the steps come back
_MOST = 1 << 20  # steps in one go


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
        """The value at the start."""

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
        values, points = [self.begin()], [self._row()]
        limit = _GROWTH * max(1.0, abs(values[0]))
        outcome = self._outcome(values[0], limit, walk.tolerance)
        taken, chunk = 0, 1
        while outcome is None and taken < walk.steps:
            if interrupts.asked:
                outcome = Outcome.STOPPED
                break
            wanted = min(chunk, walk.steps - taken)
            record = np.empty(wanted)
            path = torch.empty(((taken + wanted) // stride - taken // stride, many), dtype=self.dtype)
            begun = time.perf_counter()
            done = self.advance(walk, rate, limit, wanted, stride, stride - taken % stride, record, path)
            spent = time.perf_counter() - begun
            values += record[:done].tolist()
            points.append(path[: (taken + done) // stride - taken // stride])
            taken += done
            outcome = self._outcome(values[-1], limit, walk.tolerance)
            chunk = min(max(1, int(chunk * min(8.0, _CHUNK / max(spent, 1e-9)))), _MOST)
        if taken == walk.steps and walk.steps % stride:
            points.append(self._row())
        if outcome is None:
            small = SMALL if walk.tolerance is None else walk.tolerance
            outcome = Outcome.CONVERGED if self.size() <= small * (1 + abs(values[-1])) else Outcome.MAX_STEPS
        self.objective.evaluations += taken + 1
        advice = self._advice(outcome)
        return Descent(
            parameters={name: _number(tensor) for name, tensor in zip(self.objective.names, self.point)},
            values=values,
            path=self._columns(torch.cat(points)),
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
        return torch.cat([tensor.reshape(-1) for tensor in self.point])[None]

    def _columns(self, points: Tensor) -> dict[str, list[Number]]:
        """The path by parameter: floats for scalars, tensors of their own for arrays."""
        path: dict[str, list[Number]] = {}
        place = 0
        for name, tensor in zip(self.objective.names, self.point):
            part = points[:, place : place + tensor.numel()]
            place += tensor.numel()
            if tensor.dim():
                path[name] = list(part.clone().reshape(len(points), *tensor.shape).unbind())
            else:
                path[name] = part[:, 0].tolist()
        return path


def largest(tensors: list[Tensor]) -> float:
    """The largest entry of all; nan where one is nan."""
    return max((float(torch.linalg.vector_norm(tensor, math.inf)) for tensor in tensors if tensor.numel()), default=0.0)


def pointers(tensors: list[Tensor]) -> Any:
    """Where the entries of tensors begin, as C takes it."""
    return (ctypes.c_void_p * max(1, len(tensors)))(*[tensor.data_ptr() for tensor in tensors])


def torch_seconds(objective: Objective, steps: int) -> float:
    """Roughly how long torch takes for so many steps: by instruction, and by operation."""
    program = objective.program.program
    return steps * (4e-6 * len(program.instructions) + 3e-10 * program.operations.evaluate(objective.bound.sizes))


def _number(tensor: Tensor) -> Number:
    return tensor.item() if not tensor.dim() else tensor.clone()
