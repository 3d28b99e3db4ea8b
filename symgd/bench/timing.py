"""Seconds of calls that take turns, and ratios of them.

All calls of a cell run in one process, in rounds A B C A B C …, so that a machine that slows down slows all of them. A ratio is the
median over the rounds of theirs/ours, with its quartiles: above 1, ours is faster.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Effort:
    """How long a cell is measured: `rounds`, of at least `least` seconds for every call, for about `budget` seconds in all."""

    rounds: int
    least: float
    budget: float


FULL, QUICK = Effort(9, 0.02, 12.0), Effort(3, 0.002, 1.5)


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of theirs/ours over the rounds, between its quartiles."""

    median: float
    low: float
    high: float


def interleaved(calls: Mapping[str, Callable[[], object]], effort: Effort, clock: Clock = time.process_time) -> dict[str, list[float]]:
    """Seconds of a call, one for every round, by name. The names take turns; rounds that would pass the budget are left out."""
    repeats = {name: _repeats(call, effort.least, clock) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    begin = time.perf_counter()
    for number in range(effort.rounds):
        if number and time.perf_counter() - begin > effort.budget * number / (number + 1):
            break
        gc.collect()
        for name, call in calls.items():
            times[name].append(_seconds(call, repeats[name], clock))
    return times


def told(calls: Mapping[str, Callable[[], float]], effort: Effort, clock: Clock = time.process_time) -> dict[str, list[float]]:
    """The same for calls that measure themselves, and give their seconds: of processes, whose start does not count."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(max(2, effort.rounds // 2)):
        for name, call in calls.items():
            times[name].append(call())
    return times


def _repeats(call: Callable[[], object], least: float, clock: Clock) -> int:
    """How often the call is repeated, so that it takes as long as `least`."""
    many = 1
    while True:
        seconds = _seconds(call, many, clock) * many
        if seconds >= least or many >= 1 << 22:
            return many
        many = min(many * 10, max(many * 2, math.ceil(many * least / max(seconds, 1e-9))))


def _seconds(call: Callable[[], object], many: int, clock: Clock) -> float:
    begin = clock()
    for _ in range(many):
        call()
    return max(clock() - begin, 1e-9) / many  # a clock with coarse ticks may see nothing


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> Ratio:
    """Theirs/ours, round by round: the rounds that both have."""
    found = [a / b for a, b in zip(theirs, ours)]
    low, _, high = quantiles(found, n=4, method="inclusive") if len(found) > 1 else found * 3
    return Ratio(median(found), low, high)
