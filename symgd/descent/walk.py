"""From what was asked to a descent: the method made, constraints kept, and what was found told in the user's own parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from symgd.descent.checkpoint import Checkpoint
from symgd.descent.constraints import Freed, Projected
from symgd.descent.loop import Callback, Plan, run
from symgd.descent.methods.method import Method, Updates
from symgd.descent.methods.table import TABLE, Setting, chosen, linear
from symgd.descent.methods.updates import FixedRate
from symgd.descent.native_loop import native_routes
from symgd.descent.objective import Objective
from symgd.descent.outcome import Descent, Number, Outcome
from symgd.descent.progress import Progress
from symgd.descent.quadratic_loop import quadratic_routes
from symgd.descent.routes import fastest

WAYS = (native_routes, quadratic_routes)


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of a descent, checked. `reason` is why there is this rate, where it was chosen."""

    method: str
    rate: float | None
    schedule: str
    steps: int
    options: Mapping[str, float]
    tolerance: float | None
    is_batched: bool
    callback: Callback | None
    reason: str
    checkpoint: Checkpoint | None = None
    progress: bool = False

    def setting(self, objective: Objective) -> Setting:
        return Setting(objective, self.rate, self.schedule, self.steps, self.options)

    def way(self, setting: Setting) -> tuple[Method, str]:
        """The method, and why it was chosen."""
        way, why = chosen(setting) if self.method == "auto" else (TABLE[self.method].make(setting), "")
        return way, why or self.reason

    def plan(self, way: Method, why: str, callback: Callback | None) -> Plan:
        return Plan(
            way,
            self.steps,
            self.tolerance,
            self.is_batched,
            callback,
            why,
            self.checkpoint,
            Progress(self.steps) if self.progress else None,
        )


def walked(objective: Objective, asked: Asked) -> Descent:
    """A descent without constraints; at a fixed rate it goes many steps at a time, in C, where that is faster."""
    way, why = asked.way(asked.setting(objective))
    plan = asked.plan(way, why, asked.callback)
    is_plain = not asked.is_batched and asked.callback is None and asked.checkpoint is None and objective.blocked is None
    if isinstance(way, FixedRate) and is_plain:
        steps = fastest(objective, asked.steps, WAYS)
        if steps is not None:
            return steps.taken(plan, way.rate)
    objective.check_data()
    return run(objective, plan)


def kept(objective: Objective, freed: Freed, asked: Asked) -> Descent:
    """A descent that keeps constraints; `freed` is the same in free parameters.

    Updates of a given rate are projected. Where the gradient is linear and its zero keeps the constraints, that is the minimum. Else
    the loss is descended in free parameters.
    """
    way, why = asked.way(setting) if (setting := asked.setting(objective)).has_rate else (None, "")
    if isinstance(way, Updates):
        return run(objective, asked.plan(Projected(way, objective.names, freed.constraints), why, asked.callback))
    closed = linear(setting) if asked.method in ("auto", "closed-form") else None
    if closed is not None:
        found = run(objective, replace(asked, checkpoint=None).plan(*closed, None))
        names = [one.leaf.name for one in freed.constraints]
        values = [torch.as_tensor(found.parameters[name], dtype=torch.float64) for name in names]
        if found.outcome is Outcome.CONVERGED and all(one.holds(value) for one, value in zip(freed.constraints, values)):
            return replace(found, message=f"{found.message[:-1]}; the bounds hold there.")
    inner = replace(asked, method="auto" if asked.method == "closed-form" else asked.method)
    way, why = inner.way(inner.setting(freed.objective))
    found = run(freed.objective, inner.plan(way, why, _told(asked.callback, objective, freed)))
    return _natural(found, objective, freed)


def _told(callback: Callback | None, objective: Objective, freed: Freed) -> Callback | None:
    """The callback, given the user's parameters."""
    if callback is None:
        return None
    told = callback

    def call(step: int, loss: float, parameters: dict[str, Number]) -> object:
        return told(step, loss, _named(parameters, objective, freed))

    return call


def _named(parameters: Mapping[str, Number], objective: Objective, freed: Freed) -> dict[str, Number]:
    return {name: _value(value, name, objective, freed) for name, value in zip(objective.names, parameters.values())}


def _value(value: Number, name: str, objective: Objective, freed: Freed) -> Number:
    dtype = objective.program.dtype
    found = freed.natural(name, torch.as_tensor(value, dtype=dtype))
    return found if found.dim() else float(found)


def _natural(found: Descent, objective: Objective, freed: Freed) -> Descent:
    """What was found in free parameters, told in the user's."""
    objective.evaluations = freed.objective.evaluations
    path = {name: [_value(value, name, objective, freed) for value in values] for name, values in zip(objective.names, found.path.values())}
    return replace(
        found,
        parameters=_named(found.parameters, objective, freed),
        path=path,
        message=f"{found.message[:-1]}; {freed.described}.",
        source=objective,
    )


def with_held(found: Descent, order: Sequence[str], held: Mapping[str, Tensor]) -> Descent:
    """A descent whose parameters include those that were held, in the order of the start."""
    values = {name: tensor.clone() if tensor.dim() else tensor.item() for name, tensor in held.items()}
    every = {**found.parameters, **values}
    return replace(found, parameters={name: every[name] for name in order}, message=f"{found.message[:-1]}; {', '.join(held)} held.")
