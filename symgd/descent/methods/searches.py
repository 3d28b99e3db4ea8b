"""How far to go along a direction: a rate t at which φ(t) = f(w + t·d) has fallen enough.

Sources: Nocedal & Wright, Numerical Optimization, 2nd ed., algorithm 3.1 (Armijo) and 3.5, 3.6 (Wolfe), with cubic interpolation
(3.59); Grippo, Lampariello & Lucidi, SIAM J. Numer. Anal. 23 (1986) 707 (beside the largest of the last losses).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from symgd.descent.methods.method import Evaluate, State, flat, is_finite

_DECREASE = 1e-4  # share of the decrease a straight line promises that a step has to bring
_TRIALS = 60  # rates tried: then rounding alone decides
_LARGEST = 1e12  # rates beyond are not tried
_SMALL = 1e-15  # a change of the rate this small beside it ends an exact search

Slopes = Callable[[State, Tensor, float], tuple[float, float, float]]  # φ, φ', φ'' at a rate


@dataclass(frozen=True, slots=True)
class Line:
    """The loss along a direction from a state; `slope` is φ'(0), which is negative."""

    state: State
    direction: Tensor
    slope: float
    evaluate: Evaluate

    def at(self, rate: float) -> State:
        point = self.state.moved(self.direction, rate)
        return State(point, *self.evaluate(point))

    def slope_at(self, there: State) -> float:
        return float(torch.dot(flat(there.gradient), self.direction))


class Search(ABC):
    """Finds a rate: `along(line, first)` tries `first` first, and returns the rate and the state there; None where none is found."""

    described: str = ""

    @abstractmethod
    def along(self, line: Line, first: float) -> tuple[float, State] | None:
        """The rate and the state there."""


@final
class Armijo(Search):
    """The rate is halved until the loss has fallen by a share of what the slope promises.

    With `memory` above 1 it has to fall below the largest of that many losses before, not the last one alone.
    """

    described = "the rate of every step found by a line search"

    def __init__(self, memory: int = 1) -> None:
        self._values: deque[float] = deque(maxlen=memory)

    def along(self, line: Line, first: float) -> tuple[float, State] | None:
        self._values.append(float(line.state.value))
        value, rate = max(self._values), first
        for _ in range(_TRIALS):
            there = line.at(rate)
            if float(there.value) <= value + _DECREASE * rate * line.slope and is_finite(there):
                return rate, there
            rate /= 2
        return None


@final
class Wolfe(Search):
    """The loss has fallen enough, and the slope is at most a share `curvature` of what it was; by brackets and cubics."""

    described = "rates by Wolfe's conditions"

    def __init__(self, curvature: float) -> None:
        self._curvature = curvature

    def along(self, line: Line, first: float) -> tuple[float, State] | None:
        value, slope, rate = float(line.state.value), line.slope, first
        low, high = (0.0, value, slope), (math.inf, math.inf, math.nan)
        best: tuple[float, State] | None = None
        for _ in range(_TRIALS):
            there = line.at(rate)
            here = (rate, float(there.value), line.slope_at(there))
            if not is_finite(there):
                high = (rate, math.inf, math.nan)
            elif not (here[1] <= value + _DECREASE * rate * slope or (here[1] <= value and here[2] <= (2 * _DECREASE - 1) * slope)):
                high = here
            else:
                if best is None or here[1] <= float(best[1].value):
                    best = rate, there
                if abs(here[2]) <= -self._curvature * slope:
                    return rate, there
                if here[2] > 0:
                    high = here
                else:
                    low = here
            rate = self._next(low, high)
            if rate > _LARGEST or high[0] - low[0] <= 1e-14 * high[0]:
                break
        return best

    def _next(self, low: tuple[float, float, float], high: tuple[float, float, float]) -> float:
        """Beyond the largest rate so far, or inside the bracket where a cubic has its minimum."""
        if math.isinf(high[0]):
            return 4 * low[0] if low[0] else 1.0
        width = high[0] - low[0]
        if not math.isfinite(high[1]) or math.isnan(high[2]):
            return low[0] + 0.3 * width if low[0] == 0 else low[0] + 0.5 * width
        mixed = low[2] + high[2] - 3 * (high[1] - low[1]) / width
        square = mixed * mixed - low[2] * high[2]
        if square < 0:
            return low[0] + 0.5 * width
        root = math.sqrt(square)
        at = high[0] - width * (high[2] + root - mixed) / ((high[2] - low[2] + 2 * root) or math.inf)
        return min(max(at, low[0] + 0.05 * width), high[0] - 0.05 * width) if math.isfinite(at) else low[0] + 0.5 * width


@final
class Exact(Search):
    """The minimum along the line: the zero of φ', by Newton's method with the symbolic φ' and φ'', kept inside a bracket."""

    described = "the rate of every step that of the exact minimum along it"

    def __init__(self, slopes: Slopes) -> None:
        self._slopes = slopes

    def along(self, line: Line, first: float) -> tuple[float, State] | None:
        value = float(line.state.value)
        low, high, rate = 0.0, math.inf, 0.0
        now = self._slopes(line.state, line.direction, 0.0)
        rate = -now[1] / now[2] if now[2] > 0 else first
        for _ in range(_TRIALS):
            there, slope, curvature = self._slopes(line.state, line.direction, rate)
            if not all(map(math.isfinite, (there, slope, curvature))) or there > value:
                high = min(high, rate)
            elif slope > 0:
                high = rate
            elif slope < 0:
                low = rate
            else:
                break
            newton = rate - slope / curvature if curvature > 0 and math.isfinite(slope) else math.nan
            outside = not low < newton < high
            following = (2 * low if math.isinf(high) else (low + high) / 2) if outside else newton
            done = abs(following - rate) <= _SMALL * rate or abs(slope) <= _SMALL * abs(line.slope)
            if done or following > _LARGEST:
                break
            rate = following
        found = line.at(rate)
        return (rate, found) if is_finite(found) and rate > 0 and float(found.value) <= value else None
