"""Passes over data in blocks: what a program gives for one block, and how that is merged with what it gives for another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symgd.algebra.expression import Leaf
from symgd.lowering.compiled import Compiled


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass over the data: `program` is evaluated on every block, `of` its results is merged. `given` are the variables it takes."""

    program: Compiled | None
    given: tuple[Leaf, ...]
    shapes: tuple[torch.Size, ...]
    is_sum: bool = True
    of: Callable[[Sequence[Tensor]], list[Tensor]] = list
    merge: Callable[[Sequence[Tensor], Sequence[Tensor]], list[Tensor]] = lambda left, right: [a + b for a, b in zip(left, right)]
    empty: float = 0.0

    def start(self, device: torch.device) -> list[Tensor]:
        return [torch.full(shape, self.empty, dtype=torch.float64, device=device) for shape in self.shapes]


def triangle(rows: Tensor) -> Tensor:
    """The triangle of the QR factorisation of a matrix, with as many rows as columns."""
    upper: Tensor = torch.linalg.qr(rows, mode="r")[1]
    missing = rows.shape[1] - upper.shape[0]
    return torch.nn.functional.pad(upper, (0, 0, 0, missing)) if missing else upper


def range_of(weights: Sequence[Tensor]) -> list[Tensor]:
    """Minus the least, and the largest; nan where one is nan."""
    every = torch.cat([weight.reshape(-1) for weight in weights])
    return [torch.stack([(-every).max(), every.max()])]


def larger(left: Sequence[Tensor], right: Sequence[Tensor]) -> list[Tensor]:
    return [torch.maximum(a, b) for a, b in zip(left, right)]
