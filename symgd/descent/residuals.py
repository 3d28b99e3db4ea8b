"""The residuals of a loss that is a sum of squares, and their Jacobian, at a point: what fits are computed from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symgd.algebra.expression import Expression, leaves
from symgd.algebra.simplify import simplified_all
from symgd.calculus import derive
from symgd.descent.methods.method import State
from symgd.descent.objective import Objective
from symgd.descent.squares import Square, squares
from symgd.lowering.stable.rewrite import stable
from symgd.lowering.torch_program import value_and_slopes

_LARGEST = 20_000_000  # numbers of a Jacobian; beyond, it is not made


@dataclass(frozen=True, slots=True)
class Local:
    """At a state: residuals r (m) and Jacobian J (m, p), weighted so that the loss is `factor`·|r|² and a constant."""

    state: State
    residuals: Tensor
    jacobian: Tensor
    factor: float


class Residuals:
    """A loss as a sum of weighted squares of residuals, evaluated together with its gradient: `at(point)`. Made by `residuals_of`."""

    def __init__(self, objective: Objective, parts: Sequence[Square], weights: Sequence[Tensor]) -> None:
        self.objective = objective
        largest = max((float(weight.max()) for weight in weights), default=0.0)
        self.factor = largest or 1.0
        self._roots_of_weights = None
        if any(bool((weight != largest).any()) for weight in weights):  # one weight for all is a factor: it would only round
            self._roots_of_weights = torch.cat([torch.sqrt(weight / self.factor).reshape(-1) for weight in weights]).double()
        self.expressions = [square.residual for square in parts]
        self._counts = [weight.numel() for weight in weights]
        found = jacobians(self.expressions, objective)
        self.is_linear = not set(leaves(*(block for blocks in found for block in blocks))) & set(objective.leaves)
        roots = [*self.expressions, *(block for blocks in found for block in blocks)]
        ready = simplified_all(stable(simplified_all(roots)))
        f = objective.program.formula
        loss = value_and_slopes(f.expression, f.origin, objective.leaves)
        self._evaluate = objective.of_all_data([*loss, *ready])

    @property
    def count(self) -> int:
        """How many residuals there are."""
        return sum(self._counts)

    def at(self, point: Sequence[Tensor]) -> Local:
        """Everything at a point: one evaluation."""
        self.objective.evaluations += 1
        number = len(self.objective.names)
        value, *rest = self._evaluate(point)
        slopes, rest = rest[:number], rest[number:]
        residuals, blocks = rest[: len(self._counts)], rest[len(self._counts) :]
        r = torch.cat([tensor.reshape(-1) for tensor in residuals]).double()
        lengths = [tensor.numel() for tensor in self.objective.start]
        entries = iter(blocks)
        columns: list[list[Tensor]] = [[] for _ in lengths]
        for rows in self._counts:
            for column, length in zip(columns, lengths):
                column.append(next(entries).reshape(rows, length))
        J = torch.cat([torch.cat(column) for column in columns], 1).double()  # noqa: N806
        if self._roots_of_weights is not None:
            r, J = r * self._roots_of_weights, J * self._roots_of_weights.unsqueeze(1)  # noqa: N806
        return Local(State(list(point), value, slopes), r, J, self.factor)


def jacobians(roots: Sequence[Expression], objective: Objective) -> list[list[Expression]]:
    """∂root/∂parameter for every root and every parameter."""
    found = []
    for root in stable(roots, for_deriving=True):
        found.append([derive.jacobian(root, leaf) for leaf in objective.leaves] if root.shape else derive.gradient(root, objective.leaves))
    return found


def residuals_of(objective: Objective) -> Residuals | None:
    """The residuals of an objective; None where it is not a sum of squares, a weight is negative, or the Jacobian would not fit."""
    if objective.blocked is not None:
        return None
    parts = squares(objective.program.formula.origin, objective.leaves)
    if parts is None:
        return None
    if sum(objective.size(square.residual.shape) for square in parts) * objective.count > _LARGEST:
        return None
    weights = objective.of_all_data(simplified_all([square.weight for square in parts]))(objective.start)
    if any(not bool(((weight >= 0) & torch.isfinite(weight)).all()) for weight in weights):
        return None
    return Residuals(objective, parts, weights)


def deviation(local: Local) -> float:
    """The standard deviation of the residuals: √(|r|²/(m − p)); nan without degrees of freedom."""
    free = local.jacobian.shape[0] - local.jacobian.shape[1]
    return math.sqrt(float(torch.dot(local.residuals, local.residuals)) / free) if free > 0 else math.nan
