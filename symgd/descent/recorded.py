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

from symgd.descent.history import History
from symgd.descent.interrupts import Interrupts
from symgd.descent.loop import _GROWTH, SMALL, Plan, bound_of_rates
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
        """The value at the start. Whether the data are finite is checked here at the latest."""

    @abstractmethod
    def size(self) -> float:
        """The largest entry of the gradient now."""

    @abstractmethod
    def advance(
        self, walk: Plan, rate: float, limit: float, left: int, wanted: int, stride: int, until: int, values: Any, path: Tensor
    ) -> int:
        """Take up to so many steps as wanted, of those left of the walk; how many were taken.

        Fills in `values`, and a row of `path` after `until` steps and every `stride` from there. Stops after a step whose value
        is not finite or beyond the limit, or whose gradient is not finite, or within the tolerance.
        """

    def taken(self, plan: Plan, rate: float) -> Descent:
        """The descent."""
        with Interrupts() as interrupts:
            return self._taken(plan, rate, interrupts)

    def _taken(self, walk: Plan, rate: float, interrupts: Interrupts) -> Descent:
        history = History(self.point)
        start = self.begin()
        history.add(start, self.point)
        limit = _GROWTH * max(1.0, abs(start))
        outcome = self._outcome(start, limit, walk.tolerance)
        values, chunk, losses, points = np.empty(0), 1, history.losses, history.points
        while outcome is None and history.taken < walk.steps:
            if interrupts.asked:
                outcome = Outcome.STOPPED
                break
            taken, stride = history.taken, points.stride
            wanted = min(chunk, walk.steps - taken)
            values = values if len(values) >= wanted else np.empty(wanted)
            path = points.room(wanted // stride + 1)
            begun = time.perf_counter()
            done = self.advance(walk, rate, limit, walk.steps - taken, wanted, stride, stride - taken % stride, values, path)
            spent = time.perf_counter() - begun
            losses.extend(taken + 1, torch.from_numpy(values[:done]).unsqueeze(1))
            points.grown((taken + done) // stride - taken // stride)
            history.taken, history.last = taken + done, float(values[done - 1])
            outcome = self._outcome(history.last, limit, walk.tolerance)
            chunk = min(max(1, int(chunk * min(8.0, _CHUNK / max(spent, 1e-9)))), _MOST)
        if outcome is None:
            small = SMALL if walk.tolerance is None else walk.tolerance
            outcome = Outcome.CONVERGED if self.size() <= small * (1 + abs(history.last)) else Outcome.MAX_STEPS
        self.objective.evaluations += history.count
        advice = self._advice(outcome)
        kept, path_of_all = history.ended(self.point, self.objective.names)
        return Descent(
            parameters={name: _number(tensor) for name, tensor in zip(self.objective.names, self.point)},
            values=kept,
            path=path_of_all,
            outcome=outcome,
            steps=history.taken,
            evaluations=self.objective.evaluations,
            every=(losses.stride, points.stride),
            source=self.objective,
            message=walk.message(outcome, advice, history.taken),
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


def largest(tensors: list[Tensor]) -> float:
    """The largest entry of all; nan where one is nan."""
    return max((float(torch.linalg.vector_norm(tensor, math.inf)) for tensor in tensors if tensor.numel()), default=0.0)


def pointers(tensors: list[Tensor]) -> Any:
    """Where the entries of tensors begin, as C takes it."""
    return (ctypes.c_void_p * max(1, len(tensors)))(*[tensor.data_ptr() for tensor in tensors])


def _number(tensor: Tensor) -> Number:
    return tensor.item() if not tensor.dim() else tensor.clone()
