"""A method made of two pieces: a direction, and a search for the rate along it."""

from __future__ import annotations

import math
from typing import final

import torch

from symgd.descent.methods.directions import Direction
from symgd.descent.methods.method import Evaluate, Method, State, flat
from symgd.descent.methods.searches import Line, Search


@final
class Searched(Method):
    """Steps along `direction`, as far as `search` says. Where no rate is found, what was learnt is forgotten, and once more."""

    def __init__(self, direction: Direction, search: Search, described: str = "") -> None:
        self._direction, self._search = direction, search
        self._described = described

    @property
    def described(self) -> str:
        return self._described or f"{self._direction.described}, {self._search.described}"

    def step(self, state: State, evaluate: Evaluate) -> State | None:
        direction = self._direction.at(state)
        slope = float(torch.dot(flat(state.gradient), direction))
        is_down = slope < 0 and bool(torch.isfinite(direction).all())
        if not is_down and not self._direction.forget():
            return None
        if not is_down:
            return self.step(state, evaluate)
        is_scaled = self._direction.is_scaled
        rate = 1.0 if is_scaled else self._direction.first(state, slope)
        if is_scaled:
            self.promise = -slope
        found = self._search.along(Line(state, direction, slope, evaluate), rate if math.isfinite(rate) and rate > 0 else 1.0)
        if found is None:
            return self.step(state, evaluate) if self._direction.forget() else None
        taken, there = found
        if not is_scaled:
            self.promise = -slope * taken
        self._direction.learn(state, there, taken)
        return there
