"""Which learning rate? A ladder of rates run at once, each with a verdict, beside the largest stable rate from the Hessian."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from symgd.descent.curvature import Stability, stability
from symgd.descent.objective import Objective
from symgd.descent.options import count, positive
from symgd.descent.prepare import prepared
from symgd.descent.ulps import table
from symgd.errors import ValueGivenError

LADDER = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_STEPS = 100
_LEFT = 0.05  # share of what the best rate gains that may be missing from a good one
_LEVEL = 1e-10  # share of the loss at the start below which its changes say nothing


class Verdict(StrEnum):
    """What a rate does."""

    TOO_SMALL = "too small"
    GOOD = "good"
    OSCILLATING = "oscillating"
    DIVERGING = "diverging"


@dataclass(frozen=True, slots=True)
class Rung:
    """A rate, what it does, and the losses on the way, the start included; after they left all bounds they are inf or nan."""

    rate: float
    verdict: Verdict
    values: list[float]


@dataclass(frozen=True, slots=True)
class LearningRates:
    """The rungs by rate. `best` is the rate to take (None where all diverge); `stable` the largest stable rate, 2/L, or None.

    `everywhere` is whether `stable` holds everywhere, as for a quadratic, or around the best point reached.
    """

    rungs: tuple[Rung, ...]
    best: float | None
    stable: float | None
    everywhere: bool

    def __str__(self) -> str:
        body = [["rate", "verdict", "loss at the end"]]
        body += [[f"{rung.rate:g}", str(rung.verdict), f"{rung.values[-1]:.6g}"] for rung in self.rungs]
        lines = [table(body), ""]
        if self.stable is not None:
            where = "everywhere, as the loss is quadratic" if self.everywhere else "around the best point reached"
            lines.append(f"largest stable rate: 2/L = {self.stable:.6g}, {where}")
        lines.append("every rate diverges: try smaller ones" if self.best is None else f"best: {self.best:g}")
        return "\n".join(lines)


def learning_rates(
    f: Any,
    start: Mapping[str, Any],
    data: Mapping[str, Any] | str | Path | None = None,
    rates: Sequence[float] = LADDER,
    steps: int = _STEPS,
    device: Any = "cpu",
    dtype: Any = None,
) -> LearningRates:
    """Run gradient descent with every rate of a ladder at once, from one start, and judge each.

    The verdicts: "diverging" (the loss ends above its start, or is not finite), "oscillating" (most steps reverse the gradient, or
    many raise the loss), "too small" (more than a twentieth of what the best rate gains is still missing), "good". `stable` is 2/L
    with the largest eigenvalue L of the symbolic Hessian. Raises as `descend` does.

    >>> from symgd.formula import formula
    >>> found = learning_rates(formula("(w - 2)^2"), start={"w": 0.0})
    >>> found.best, found.stable, found.rungs[0].verdict.value
    (0.3, 1.0, 'too small')
    """
    chosen = _checked(rates)
    number = count("steps", steps) or _STEPS
    return ladder(prepared(f, start, data, device, dtype), chosen, number)


def _checked(rates: Any) -> list[float]:
    if isinstance(rates, str | bytes) or not hasattr(rates, "__iter__"):
        raise ValueGivenError("rates is no list of rates.", hint="Write rates=[0.001, 0.003, 0.01].")
    found = sorted({rate for one in rates if (rate := positive("rate", one)) is not None})
    if not found:
        raise ValueGivenError("rates is empty.", hint="Write rates=[0.001, 0.003, 0.01].")
    return found


def ladder(objective: Objective, rates: Sequence[float], steps: int) -> LearningRates:
    """The sweep of checked rates on an objective."""
    values, reversals, points = _swept(objective, rates, steps)
    ends = [one[-1] for one in values if math.isfinite(one[-1])]
    lowest = min(ends, default=math.nan)
    rungs = tuple(
        Rung(rate, _verdict(losses, reversed_, lowest), losses) for rate, losses, reversed_ in zip(rates, values, reversals, strict=True)
    )
    usable = [rung for rung in rungs if rung.verdict is not Verdict.DIVERGING]
    level = lowest + _LEVEL * abs(values[0][0] - lowest)  # ends as low as each other but for rounding: the fastest is the best
    low = [rung for rung in usable if rung.values[-1] <= level] or usable
    best = min(low, key=lambda rung: (rung.verdict is Verdict.OSCILLATING, sum(rung.values))) if low else None
    at = objective.start if best is None else [point[rates.index(best.rate)] for point in points]
    found: Stability | None = stability(objective, at)
    return LearningRates(
        rungs,
        best=None if best is None else best.rate,
        stable=None if found is None else found.rate,
        everywhere=found is not None and found.everywhere,
    )


def _swept(objective: Objective, rates: Sequence[float], steps: int) -> tuple[list[list[float]], list[list[bool]], list[Tensor]]:
    """Losses by rate, whether each step reversed the gradient, and the last points; one batched evaluation for all rates a step."""
    evaluate = objective.batched()
    number = len(rates)
    first = objective.start
    column = [torch.tensor(rates, dtype=one.dtype, device=one.device).reshape(-1, *[1] * one.dim()) for one in first]
    points = [one.expand(number, *one.shape).clone() for one in first]
    value, slopes = evaluate(points)
    losses, reversals = [value], []
    for _ in range(steps):
        points = [point - rate * slope for point, rate, slope in zip(points, column, slopes)]
        value, after = evaluate(points)
        reversals.append(torch.stack([(a * b).reshape(number, -1).sum(1) for a, b in zip(slopes, after)]).sum(0) < 0)
        losses.append(value)
        slopes = after
    return torch.stack(losses, 1).double().tolist(), torch.stack(reversals, 1).tolist(), points


def _verdict(values: Sequence[float], reversals: Sequence[bool], lowest: float) -> Verdict:
    start, end = values[0], values[-1]
    scale = abs(start - lowest) or abs(start) or 1.0
    if not math.isfinite(end) or end > start + _LEVEL * scale:
        return Verdict.DIVERGING
    moving = [k for k in range(1, len(values)) if abs(values[k - 1] - lowest) > _LEVEL * scale]
    reversed_ = sum(reversals[k - 1] for k in moving)
    risen = sum(values[k] > values[k - 1] for k in moving)
    if len(moving) > 2 and (2 * reversed_ > len(moving) or 4 * risen > len(moving)):
        return Verdict.OSCILLATING
    return Verdict.TOO_SMALL if end - lowest > _LEFT * scale else Verdict.GOOD


def rate_of(objective: Objective) -> tuple[float, str]:
    """The rate to take from the start of an objective, and why. Raises ValueGivenError where every rate of the ladder diverges."""
    found = stability(objective, objective.start)
    if found is not None and found.everywhere and found.best is not None:
        return found.best, f"the loss is quadratic, and this rate brings it down fastest; the largest stable rate is {found.rate:g}"
    swept = ladder(objective, LADDER, _STEPS)
    if swept.best is None:
        raise ValueGivenError(f"every rate from {LADDER[0]:g} to {LADDER[-1]:g} diverges.", hint="Give a smaller rate, or another start.")
    return swept.best, f"it is the best of {len(LADDER)} from {LADDER[0]:g} to {LADDER[-1]:g} over {_STEPS} steps"
