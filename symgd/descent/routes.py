"""Which way a plain descent at a fixed rate goes: step by step in torch, or many steps at a time in C, whichever is done first.

Times are estimated from the operations of the program; a library that is not there yet costs its compilation. What a descent
would have saved with one is noted, so that a loss that is descended often gets it: once it would have paid for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from symgd.algebra.dimension import Dimension
from symgd.descent.objective import Objective
from symgd.descent.recorded import Steps
from symgd.lowering.native.library import Candidate, NoCompiler
from symgd.lowering.program import Program

_LOOKED_AT = 0.01  # seconds of a descent by torch below which looking for another way costs as much
_CALL, _OPERATION = 3e-8, 2e-10  # seconds of a native step, and of each of its operations
_INSTRUCTION, _ENTRY = 4e-6, 3e-10  # the same of torch


@dataclass(frozen=True, slots=True)
class Route:
    """`seconds` that the descent takes once the libraries are there; `make` may raise `NoCompiler`."""

    seconds: float
    libraries: Sequence[Candidate]
    make: Callable[[], Steps]

    @property
    def total(self) -> float:
        return self.seconds + sum(one.seconds for one in self.libraries)


Routes = Callable[[Objective, int], Sequence[Route]]


def fastest(objective: Objective, steps: int, ways: Sequence[Routes]) -> Steps | None:
    """The steps of the fastest of all routes; None where that is torch's, step by step."""
    by_torch = steps * torch_seconds(objective.program.program, objective.bound.sizes)
    if by_torch < _LOOKED_AT:
        return None
    routes = [route for way in ways for route in way(objective, steps)]
    for route in sorted(routes, key=lambda one: one.total):
        if route.total >= by_torch:
            break
        try:
            made = route.make()
        except NoCompiler:
            continue
        _note(routes, route.seconds)
        return made
    _note(routes, by_torch)
    return None


def _note(routes: Sequence[Route], seconds: float) -> None:
    """Note what each library would have saved: on the best of its routes, whose saving its libraries share."""
    saved: dict[Candidate, float] = {}
    for route in routes:
        for library in route.libraries:
            saved[library] = max(saved.get(library, 0.0), (seconds - route.seconds) / len(route.libraries))
    for library, share in saved.items():
        library.missed += share


def torch_seconds(program: Program, sizes: Mapping[str, int]) -> float:
    """Roughly how long torch takes for a call: by instruction, and by operation."""
    return _INSTRUCTION * len(program.instructions) + _ENTRY * operations(program, sizes)


def native_seconds(program: Program, sizes: Mapping[str, int]) -> float:
    """Roughly how long a native call takes."""
    return _CALL + _OPERATION * operations(program, sizes)


def operations(program: Program, sizes: Mapping[str, int]) -> int:
    return _operations(program).evaluate(sizes)


@lru_cache(maxsize=256)
def _operations(program: Program) -> Dimension:
    return program.operations
