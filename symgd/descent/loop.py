"""The loop of a descent: take steps, keep the path, notice the end."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from symgd.descent.methods import FixedRate, Method, State
from symgd.descent.objective import Objective
from symgd.descent.outcome import Descent, Outcome, Parameter

_GROWTH = 1e8  # times the larger of 1 and the loss at the start: what grows beyond has diverged
_NEGLIGIBLE = 1e-14  # share of the loss: a method that promises less is done
_FAILED = 1e-9  # the same where a step fails, since only rounding is left
_NOTHING = 1e-20  # share of the loss at the start that counts as nothing
_PATIENCE = 5  # steps in a row whose promise is negligible
_KEPT = 10_000_000  # numbers of a path; a longer one is thinned out

Callback = Callable[[int, float, dict[str, Parameter]], Any]
End = tuple[Outcome, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of a descent.

    `batches` give the data of every update (None: all of them). `tolerance` is the largest entry of the gradient that counts
    as zero (None: the judgement of the method; with a fixed rate all steps are taken). `callback` gets the number of the step,
    the loss and the parameters, and stops the descent by returning something true.
    """

    method: Method
    steps: int
    tolerance: float | None = None
    batches: Iterator[Tensor | slice] | None = None
    callback: Callback | None = None


def run(objective: Objective, plan: Plan) -> Descent:
    """Descend from the start of the objective. Ctrl-C ends it with what it has."""
    walk = _Walk(objective, plan)
    try:
        outcome, message = walk.start() or walk.steps()
    except KeyboardInterrupt:
        if not walk.values:
            raise
        outcome, message = Outcome.STOPPED, "Interrupted. The parameters are those of the last whole step."
    return Descent(
        parameters=dict(zip(objective.names, _copied(walk.state))),
        values=walk.values,
        path={name: [point[k] for point in walk.points] for k, name in enumerate(objective.names)},
        outcome=outcome,
        steps=len(walk.values) - 1,
        evaluations=objective.evaluations,
        method=plan.method.described,
        message=message or outcome.value,
    )


class _Walk:
    """The state of the loop: where it is and how it got there."""

    state: State

    def __init__(self, objective: Objective, plan: Plan) -> None:
        self.objective, self.plan = objective, plan
        self.values: list[float] = []
        self.points: list[list[Parameter]] = []
        numbers = plan.steps * sum(tensor.numel() for tensor in objective.start)
        self.stride = max(1, math.ceil(numbers / _KEPT))

    def start(self) -> End | None:
        if self.plan.batches is not None:
            self.objective.use(next(self.plan.batches))
        self._arrive(State(self.objective.start, *self.objective.value_and_gradient(self.objective.start)))
        self.limit = _GROWTH * max(1.0, abs(self.values[0]))
        return self._end()

    def steps(self) -> End:
        plan, evaluate, quiet = self.plan, self.objective.value_and_gradient, 0
        for number in range(1, plan.steps + 1):
            if plan.batches is not None:
                found: State | None = self._batch_step(last=number == plan.steps)
            else:
                found = plan.method.step(self.state, evaluate)
            if found is None:
                return self._failed()
            self._arrive(found)
            end = self._end()
            if end is not None:
                return end
            if plan.callback is not None and plan.callback(number, self.values[-1], dict(zip(self.objective.names, _copied(found)))):
                return Outcome.STOPPED, "Stopped by the callback. The parameters are those of the last step."
            if plan.tolerance is None and plan.method.promise <= self._share(_NEGLIGIBLE):
                quiet += 1
                if quiet == _PATIENCE:
                    return Outcome.CONVERGED, "The steps left lower the loss by less than rounding does."
            else:
                quiet = 0
        return Outcome.MAX_STEPS, ""

    def _batch_step(self, last: bool) -> State:
        """A step down the loss of one batch, evaluated on the next; after the last step on all data."""
        assert isinstance(self.plan.method, FixedRate) and self.plan.batches is not None
        point = self.plan.method.moved(self.state)
        self.objective.use(None if last else next(self.plan.batches))
        return State(point, *self.objective.value_and_gradient(point))

    def _arrive(self, state: State) -> None:
        self.state = state
        self.values.append(state.value.item())
        if (len(self.values) - 1) % self.stride == 0 or len(self.values) == self.plan.steps + 1:
            self.points.append(_copied(state))

    def _end(self) -> End | None:
        value = self.values[-1]
        if not math.isfinite(value):
            return Outcome.NONFINITE, ""
        if abs(value) > self.limit:
            return Outcome.DIVERGED, ""
        if self.plan.tolerance is not None and self.state.size() <= self.plan.tolerance:
            return Outcome.CONVERGED, f"No entry of the gradient is larger than {self.plan.tolerance:g}."
        if not isinstance(self.plan.method, FixedRate) and self.state.size() == 0.0:
            return Outcome.CONVERGED, "The gradient is exactly zero."
        return None

    def _failed(self) -> End:
        """The method found no lower point: at a minimum, up to rounding, or stuck."""
        if self.plan.method.promise <= self._share(_FAILED):
            return Outcome.CONVERGED, "No lower point is found: what is left is rounding."
        hint = "Start elsewhere, or give a rate." if self.plan.tolerance is None else "A larger tolerance may be all that rounding permits."
        return Outcome.STOPPED, f"The line search finds no lower point, and the gradient is not zero. {hint}"

    def _share(self, share: float) -> float:
        return share * abs(self.values[-1]) + _NOTHING * abs(self.values[0])


def _copied(state: State) -> list[Parameter]:
    return [tensor.item() if not tensor.dim() else tensor.clone() for tensor in state.point]
