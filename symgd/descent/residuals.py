"""The residuals of a loss that is a sum of squares, and their Jacobian, at a point: what fits are computed from."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import torch
from torch import Tensor

from symgd.algebra.expression import Expression, leaves
from symgd.algebra.simplify import simplified_all
from symgd.calculus import derive
from symgd.descent.blocks import BlockedLoss
from symgd.descent.methods.method import State
from symgd.descent.objective import Objective
from symgd.descent.sample_squares import Squares
from symgd.descent.squares import Square, squares
from symgd.lowering.stable.rewrite import stable
from symgd.lowering.torch_program import value_and_slopes

_LARGEST = 20_000_000  # numbers of a Jacobian; beyond, it is not made


@dataclass(frozen=True, slots=True)
class Local:
    """At a state: residuals r (m) and Jacobian J (m, p), weighted so that the loss is `factor`·|r|² and a constant.

    Where they come in blocks, r and J stand for those of all samples, which an orthogonal matrix takes to them: |r|, J'J and J'r are the
    same, and so is every least-squares problem of them.
    """

    state: State
    residuals: Tensor
    jacobian: Tensor
    factor: float


class Residuals(ABC):
    """A loss as a sum of weighted squares of residuals: `at(point)`. Made by `residuals_of`."""

    is_linear: bool  # in the parameters

    @property
    @abstractmethod
    def count(self) -> int:
        """How many residuals there are."""

    @abstractmethod
    def at(self, point: Sequence[Tensor]) -> Local:
        """Everything at a point: one evaluation."""


@final
class Held(Residuals):
    """All residuals at hand, evaluated together with the loss and its gradient."""

    def __init__(self, objective: Objective, parts: Sequence[Square], weights: Sequence[Tensor]) -> None:
        self.objective = objective
        largest = max((float(weight.max()) for weight in weights), default=0.0)
        self._factor = largest or 1.0
        self._roots_of_weights = None
        if any(bool((weight != largest).any()) for weight in weights):  # one weight for all is a factor: it would only round
            self._roots_of_weights = torch.cat([torch.sqrt(weight / self._factor).reshape(-1) for weight in weights]).double()
        residuals = [square.residual for square in parts]
        self._counts = [weight.numel() for weight in weights]
        found = _jacobians(residuals, objective)
        self.is_linear = not set(leaves(*(block for blocks in found for block in blocks))) & set(objective.leaves)
        roots = [*residuals, *(block for blocks in found for block in blocks)]
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
        return Local(State(list(point), value, slopes), r, J, self._factor)


@final
class Merged(Residuals):
    """Residuals of data in blocks, as a triangle of p + 1 rows that stands for those of all samples; those of no sample follow."""

    def __init__(self, objective: Objective, blocked: BlockedLoss, parts: Squares, factor: float) -> None:
        self._objective, self._blocked, self._factor = objective, blocked, factor
        self.is_linear = parts.is_linear

    @cached_property
    def count(self) -> int:
        return self._blocked.residuals()

    def at(self, point: Sequence[Tensor]) -> Local:
        self._objective.evaluations += 1
        state = State(list(point), *self._blocked.value_and_gradient(point))
        rows = []
        _, largest = self._blocked.weights()
        if math.isfinite(largest):
            rows.append(self._blocked.rows(point) * math.sqrt(largest / self._factor))
        for weight, residual, slopes in self._blocked.level(point):
            part = torch.cat([one.reshape(residual.numel(), -1) for one in (*slopes, residual)], 1).double()
            rows.append(part * torch.sqrt(weight.double() / self._factor).reshape(-1, 1))
        matrix = torch.cat(rows)
        return Local(state, matrix[:, -1], matrix[:, :-1], self._factor)


def _jacobians(roots: Sequence[Expression], objective: Objective) -> list[list[Expression]]:
    """∂root/∂parameter for every root and every parameter."""
    found = []
    for root in stable(roots, for_deriving=True):
        found.append([derive.jacobian(root, leaf) for leaf in objective.leaves] if root.shape else derive.gradient(root, objective.leaves))
    return found


def residuals_of(objective: Objective) -> Residuals | None:
    """The residuals of an objective; None where it is not a sum of squares, a weight is negative, or the Jacobian would not fit."""
    if objective.blocked is not None:
        return _merged(objective, objective.blocked)
    parts = squares(objective.program.formula.origin, objective.leaves)
    if parts is None:
        return None
    if sum(objective.size(square.residual.shape) for square in parts) * objective.count > _LARGEST:
        return None
    weights = objective.of_all_data(simplified_all([square.weight for square in parts]))(objective.start)
    return Held(objective, parts, weights) if _are_weights(weights) else None


def _are_weights(found: Sequence[Tensor]) -> bool:
    """Has every one a root? Comparisons of nan are false, and so is this where one is nan."""
    return all(bool(((one >= 0) & torch.isfinite(one)).all()) for one in found)


def _merged(objective: Objective, blocked: BlockedLoss) -> Merged | None:
    parts = blocked.squares
    if parts is None or (objective.count + 1) ** 2 > _LARGEST:
        return None
    weights = [torch.tensor(blocked.weights(), dtype=torch.float64)] if parts.rows else []  # the least and the largest
    weights += [weight.reshape(-1).double().cpu() for weight, _, _ in blocked.level(objective.start)]
    return Merged(objective, blocked, parts, float(torch.cat(weights).max()) or 1.0) if _are_weights(weights) else None
