"""The loss along a line, derived: φ(t) = f(w + t·u), φ'(t) = D_u f(w + t·u), φ''(t); and the Hessian times a direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from symgd.descent.methods.method import State, split
from symgd.descent.objective import Objective


def line_of(objective: Objective) -> Callable[[State, Tensor, float], tuple[float, float, float]]:
    """φ, φ' and φ'' at a rate t from a state along a direction; each is a scalar formula of its own, no gradient is formed."""
    evaluate = objective.quantity("line")

    def call(state: State, direction: Tensor, at: float) -> tuple[float, float, float]:
        objective.evaluations += 1
        parts = split(direction.to(state.point[0].dtype), state.point)
        found = evaluate(state.moved(direction, at), *parts)
        return float(found[0]), float(found[1]), float(found[2])

    return call


def hessian_vector_of(objective: Objective) -> Callable[[Sequence[Tensor], Tensor], Tensor]:
    """The Hessian at a point times a direction, both over all entries of all parameters; the Hessian itself is never formed."""
    evaluate = objective.quantity("product")

    def call(point: Sequence[Tensor], direction: Tensor) -> Tensor:
        objective.evaluations += 1
        found = evaluate(point, *split(direction.to(point[0].dtype), point))
        return torch.cat([part.reshape(-1) for part in found])

    return call
