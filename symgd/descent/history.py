"""Losses and points of a walk as they are kept: of every step while there is room, then of every second, every fourth, and so on.

Both are of the same steps: there is as much room for losses as for points, and they are thinned out together.

What is kept depends on the steps taken alone, not on how many were asked for: a run that is stopped and resumed keeps the same as one
that goes on. Memory, and the file of a checkpoint, stay bounded however long a walk is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from symgd.descent.kept import Arrays, Floats, Kept

_KEPT = 10_000_000  # numbers of the points; of more every second is left out
_FIRST = 1 << 10  # rows that there is room for at first


def most_rows(width: int) -> int:
    """How many points of so many numbers are kept."""
    return max(2, _KEPT // max(1, width))


@final
class Thinned:
    """Rows of numbers by step: row k is that of step k·`stride`. `size` rows are there, at most so many are kept."""

    def __init__(self, most: int, width: int, dtype: torch.dtype, device: torch.device | None = None) -> None:
        self.buffer = torch.empty((min(_FIRST, most + 1), width), dtype=dtype, device=device)
        self.size, self.stride = 0, 1
        self._most = most

    @property
    def rows(self) -> Tensor:
        return self.buffer[: self.size]

    def add(self, step: int, row: Tensor | float) -> None:
        """The row of a step, which is kept where its turn has come."""
        if step % self.stride == 0:
            self.room(1)
            self.buffer[self.size] = row
            self.grown(1)

    def room(self, rows: int) -> Tensor:
        """Room for so many more rows."""
        if self.size + rows > len(self.buffer):
            length = max(min(2 * len(self.buffer), self._most + 1), self.size + rows)
            longer = self.buffer.new_empty((length, self.buffer.shape[1]))
            longer[: self.size] = self.rows
            self.buffer = longer
        return self.buffer[self.size :]

    def grown(self, rows: int) -> None:
        """So many rows were filled in."""
        self.size += rows
        while self.size > self._most:
            kept = self.rows[::2].clone()
            self.size, self.stride = len(kept), 2 * self.stride
            self.buffer[: self.size] = kept

    def extend(self, first: int, rows: Tensor) -> None:
        """The rows of the steps from `first` on."""
        mine = rows[-first % self.stride :: self.stride]
        self.room(len(mine))[: len(mine)] = mine
        self.grown(len(mine))

    def restore(self, rows: Tensor, stride: int, wanted: int) -> None:
        """Go on from what was kept of every so many steps, with as many as wanted of them."""
        self.size, self.stride = 0, wanted
        rows = rows[:: wanted // stride]
        self.room(len(rows))[: len(rows)] = rows.to(self.buffer)
        self.grown(len(rows))

    def ended(self, step: int, last: Tensor | float) -> Tensor:
        """The rows kept, and that of the last step where it is none of them."""
        if step % self.stride:
            self.room(1)[0] = last
            self.size += 1
        found = self.rows
        return found if 2 * self.size > len(self.buffer) else found.clone()


@final
class History:
    """The losses and the points of a walk: `taken` steps; -1 before it begins."""

    def __init__(self, like: Sequence[Tensor]) -> None:
        self._like = like
        width = sum(tensor.numel() for tensor in like)
        most = most_rows(width)
        self.losses = Thinned(most, 1, torch.float64)
        self.points = Thinned(most, width, like[0].dtype, like[0].device)
        self.taken = -1
        self.first = self.last = 0.0  # losses

    @property
    def count(self) -> int:
        """How many points were visited, the start included."""
        return self.taken + 1

    def add(self, loss: float, point: Sequence[Tensor]) -> None:
        """The start, or the next step."""
        self.taken += 1
        self.losses.add(self.taken, loss)
        if self.taken % self.points.stride == 0:
            self.points.add(self.taken, row(point))
        self.last = loss
        if not self.taken:
            self.first = loss

    def restore(self, losses: tuple[Tensor, int], points: tuple[Tensor, int], taken: int, last: float) -> None:
        """Go on from what was kept: rows and strides."""
        stride = max(losses[1], points[1])
        self.losses.restore(*losses, stride)
        self.points.restore(*points, stride)
        self.taken, self.first, self.last = taken, float(losses[0][0, 0]), last

    def ended(self, point: Sequence[Tensor], names: Sequence[str]) -> tuple[Floats, Mapping[str, Kept[float] | Kept[Tensor]]]:
        """Losses, and points by parameter: floats for scalars, tensors for arrays; the last of each is the end."""
        values = Floats(self.losses.ended(self.taken, self.last)[:, 0].numpy())
        points, path, place = self.points.ended(self.taken, row(point)), dict[str, Kept[float] | Kept[Tensor]](), 0
        for name, tensor in zip(names, self._like):
            part = points[:, place : place + tensor.numel()]
            place += tensor.numel()
            path[name] = Arrays(part.reshape(len(part), *tensor.shape)) if tensor.dim() else Floats(_array(part[:, 0].cpu()))
        return values, path


def row(point: Sequence[Tensor]) -> Tensor:
    """All entries of all parameters as one row."""
    return torch.cat([tensor.detach().reshape(-1) for tensor in point])


def _array(numbers: Tensor) -> np.ndarray[Any, Any]:
    """As an array of numpy, which has no bfloat16."""
    return np.asarray((numbers.double() if numbers.dtype == torch.bfloat16 else numbers).numpy())
