"""Steps of a given rate: w ← w − rate·gradient as in the lecture, and what torch.optim makes of the gradient instead.

The optimisers are torch's own, given the symbolic gradient, so that every step is the step torch takes: momentum and Nesterov's
(Sutskever et al., ICML 2013, without dampening), Adam (Kingma & Ba, ICLR 2015), AdamW (Loshchilov & Hutter, ICLR 2019), RMSprop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, final

import torch
from torch import Tensor

from symgd.descent.methods.method import Point, State, Updates

Schedule = Callable[[int], float]

# Of the rate: what is multiplied with it at update k (from 0) of `steps`, with a decay per update.
SCHEDULES: Mapping[str, Callable[[int, int, float], float]] = {
    "constant": lambda k, steps, decay: 1.0,
    "inverse": lambda k, steps, decay: 1.0 / (1.0 + decay * k),
    "exponential": lambda k, steps, decay: math.exp(-decay * k),
    "linear": lambda k, steps, decay: 1.0 - k / steps,
    "cosine": lambda k, steps, decay: 0.5 * (1.0 + math.cos(math.pi * k / steps)),
}


@final
class FixedRate(Updates):
    """w ← w − rate × gradient; the gradients are taken first, then all parameters change."""

    def __init__(self, rate: float) -> None:
        self.rate: Final = rate

    @property
    def described(self) -> str:
        return f"gradient descent with rate {self.rate:g}"

    def moved(self, state: State) -> Point:
        return [torch.add(tensor, slope, alpha=-self.rate) for tensor, slope in zip(state.point, state.gradient)]


@final
class Optimiser(Updates):
    """A torch optimiser, which may change its rate by a schedule."""

    def __init__(self, name: str, kind: Any, rate: float, schedule: str, schedule_of: Schedule, options: Mapping[str, Any]) -> None:
        self._name, self._kind, self._rate, self._schedule = name, kind, rate, schedule
        self._schedule_of, self._options = schedule_of, dict(options)
        self._parameters: list[Tensor] = []
        self._optimiser: Any = None
        self._taken = 0

    @property
    def described(self) -> str:
        falling = "" if self._schedule == "constant" else f", {self._schedule} schedule"
        return f"{self._name} with rate {self._rate:g}{falling}"

    def moved(self, state: State) -> Point:
        if self._optimiser is None:
            self._begin(state.point)
        for parameter, tensor, slope in zip(self._parameters, state.point, state.gradient):
            parameter.data.copy_(tensor)
            parameter.grad = slope.detach().clone()
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate * self._schedule_of(self._taken)
        self._optimiser.step()
        self._taken += 1
        return [parameter.detach().clone() for parameter in self._parameters]

    def _begin(self, point: Point) -> None:
        self._parameters = [tensor.detach().clone().requires_grad_() for tensor in point]
        self._optimiser = self._kind(self._parameters, lr=self._rate, **self._options)

    def memory(self) -> dict[str, Any]:
        """What the next update depends on besides the state: for a checkpoint."""
        return {"taken": self._taken, "state": None if self._optimiser is None else self._optimiser.state_dict()["state"]}

    def remember(self, memory: Mapping[str, Any], point: Point) -> None:
        """Go on from a memory."""
        self._taken = memory["taken"]
        if memory["state"] is not None:
            self._begin(point)
            whole = self._optimiser.state_dict()
            self._optimiser.load_state_dict({**whole, "state": memory["state"]})
