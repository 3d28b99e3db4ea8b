"""Many starts at once: all go down in one batched run, and the best are followed to the end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from symgd.descent.constraints import Freed, constraints_of
from symgd.descent.descend import descend
from symgd.descent.objective import Objective
from symgd.descent.options import count
from symgd.descent.outcome import Descent
from symgd.descent.prepare import prepared
from symgd.descent.ulps import table
from symgd.errors import ValueGivenError

_ROUNDS = 200  # steps of the batched run
_FOLLOWED = 3  # starts that are followed to the end
_DECREASE = 1e-4  # share of the decrease a straight line promises that a step has to bring
_FIRST = 1e-2  # of the length of the point, or of 1: the first step
_SAME = 1e-6  # relative difference below which two ends are one


@dataclass(frozen=True, slots=True)
class Ends:
    """`best` is the descent that ended lowest; `losses` are those of all starts after the batched run; `followed` the starts followed."""

    best: Descent
    losses: list[float]
    followed: list[tuple[int, Descent]]

    def __str__(self) -> str:
        body = [["start", "loss", "outcome"], *[[str(k), f"{one.values[-1]:.8g}", str(one.outcome)] for k, one in self.followed]]
        return f"{self.best}\n\nthe best of {len(self.losses):,} starts; followed to the end:\n{table(body)}"


def multistart(
    f: Any,
    starts: Sequence[Mapping[str, Any]],
    data: Mapping[str, Any] | str | Path | None = None,
    rounds: int = _ROUNDS,
    steps: int = 1000,
    method: str = "auto",
    device: Any = "cpu",
    dtype: Any = None,
) -> Ends:
    """Descend from many starts: all of them for some `rounds` of gradient descent in one batched run, the best few by `method`.

    In the batched run every start has a rate of its own (Barzilai and Borwein's, halved until the loss falls). Starts are numbered
    from 0. Constraints are kept as by `descend`. Raises as `descend` does, and where no start has a finite loss.

    >>> from symgd.formula import formula
    >>> found = multistart(formula("x^4 - 8*x^2 + x"), [{"x": -1.0}, {"x": 1.0}])
    >>> round(found.best.parameters["x"], 4)
    -2.0305
    """
    if isinstance(starts, Mapping) or not hasattr(starts, "__iter__") or not list(starts):
        raise ValueGivenError("starts are no list of starts.", hint='Write starts=[{"w": 0.0}, {"w": 1.0}].')
    starts, rounds = list(starts), count("rounds", rounds) or _ROUNDS
    points = []
    for start in starts:
        one = prepared(f, start, data, device, dtype)
        if one.names != list(starts[0]):
            raise ValueGivenError("the starts name different parameters.", hint="Give every start the same names in the same order.")
        constraints = constraints_of(one.leaves)
        freed = Freed(one, constraints) if constraints else None
        inner = one if freed is None else freed.objective
        points.append(inner.start)
    ends, losses = _descended(inner, [torch.stack(parts) for parts in zip(*points)], rounds)
    order = sorted((loss, k) for k, loss in enumerate(losses) if math.isfinite(loss))
    if not order:
        raise ValueGivenError("no start has a finite loss.", hint="Start where the loss is defined.")
    followed: list[tuple[int, Descent]] = []
    for _, k in _distinct(order, ends):
        end = {name: part[k] if freed is None else freed.natural(name, part[k]) for name, part in zip(one.names, ends)}
        found = descend(f, start=end, data=data, steps=steps, method=method, device=device, dtype=dtype)
        followed.append((k, found))
    best = min((one for _, one in followed), key=lambda one: one.values[-1] if math.isfinite(one.values[-1]) else math.inf)
    return Ends(replace(best, message=f"{best.message[:-1]}, from the best of {len(starts):,} starts."), losses, followed)


def _distinct(order: Sequence[tuple[float, int]], ends: Sequence[Tensor]) -> list[tuple[float, int]]:
    """The lowest few whose ends differ."""
    found: list[tuple[float, int]] = []
    for loss, k in order:
        here = torch.cat([part[k].reshape(-1) for part in ends])
        known = [torch.cat([part[other].reshape(-1) for part in ends]) for _, other in found]
        if all(bool((here - one).abs().max() > _SAME * (1 + one.abs().max())) for one in known):
            found.append((loss, k))
        if len(found) == _FOLLOWED:
            break
    return found


def _descended(objective: Objective, points: list[Tensor], rounds: int) -> tuple[list[Tensor], list[float]]:
    """The points after some rounds, and their losses; a start that finds nothing lower stays."""
    evaluate = objective.batched()
    number = len(points[0])

    def wide(row: Tensor, like: Tensor) -> Tensor:
        return row.reshape(-1, *[1] * (like.dim() - 1)).to(like.dtype)

    def dot(left: Sequence[Tensor], right: Sequence[Tensor]) -> Tensor:
        return torch.stack([(a * b).reshape(number, -1).sum(1) for a, b in zip(left, right)]).sum(0)

    value, slopes = evaluate(points)
    length = torch.sqrt(dot(points, points))
    rate = _FIRST * torch.clamp(length, min=1.0) / torch.clamp(torch.sqrt(dot(slopes, slopes)), min=1e-300)
    for _ in range(rounds):
        square = dot(slopes, slopes)
        there = [point - wide(rate, point) * slope for point, slope in zip(points, slopes)]
        lower, after = evaluate(there)
        fine = torch.isfinite(lower) & (lower <= value - _DECREASE * rate * square) & torch.isfinite(dot(after, after))
        moved = [a - b for a, b in zip(there, points)]
        changed = [a - b for a, b in zip(after, slopes)]
        curvature = dot(moved, changed)
        guess = torch.where(curvature > 0, dot(moved, moved) / curvature, 4 * rate)
        points = [torch.where(wide(fine, old) > 0, new, old) for new, old in zip(there, points)]
        slopes = [torch.where(wide(fine, old) > 0, new, old) for new, old in zip(after, slopes)]
        value = torch.where(fine, lower, value)
        rate = torch.where(fine, guess, rate / 4)
    return points, value.double().tolist()
