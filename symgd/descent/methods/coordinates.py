"""Coordinate descent: one coordinate after the other to the minimum along it, the others held. Asked for by name only.

A step is a pass over all coordinates. It uses each new value at once; every other method changes all parameters together.
"""

from __future__ import annotations

from typing import final

import torch

from symgd.descent.methods.directions import first_rate
from symgd.descent.methods.method import Evaluate, Method, State, flat
from symgd.descent.methods.searches import Exact, Line


@final
class Coordinates(Method):
    """A pass over all coordinates, each to the minimum along it."""

    described = "coordinate descent"

    def __init__(self, search: Exact) -> None:
        self._search = search

    def step(self, state: State, evaluate: Evaluate) -> State | None:
        begun, has_moved = float(state.value), False
        for k in range(sum(tensor.numel() for tensor in state.point)):
            slope = float(flat(state.gradient)[k])
            if slope == 0:
                continue
            direction = torch.zeros_like(flat(state.gradient))
            direction[k] = -slope
            line = Line(state, direction, -slope * slope, evaluate)
            found = self._search.along(line, first_rate(state, abs(slope)))
            if found is not None:
                state, has_moved = found[1], True
        self.promise = begun - float(state.value)
        return state if has_moved else None
