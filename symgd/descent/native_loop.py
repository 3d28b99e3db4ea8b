"""Whole descents at a fixed rate inside one native loop over the program, without Python in between.

The results differ from those by torch by rounding.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from symgd.descent.loop import Plan
from symgd.descent.objective import Objective
from symgd.descent.recorded import Steps, largest, pointers
from symgd.descent.routes import Route, native_seconds
from symgd.lowering.native.call import row_dimension, unavailable
from symgd.lowering.native.library import Candidate
from symgd.lowering.native.source import native_source
from symgd.lowering.program import Program

_BUILT_IN = 64  # entries of all inputs together up to which sizes are built into the loop, which is then unrolled
_NO_MEMORY = "no memory for a descent"


def native_routes(objective: Objective, steps: int) -> list[Route]:
    """The steps in C; none where they have no native form."""
    program, dtype, device = objective.program.program, objective.program.dtype, objective.program.device
    positions = {leaf.name: k for k, leaf in enumerate(program.inputs)}
    if unavailable(program, dtype, device) or not all(name in positions for name in objective.names):
        return []
    entries = sum(objective.bound.tensors[leaf.name].numel() for leaf in program.inputs)
    places = tuple(positions[name] for name in objective.names)
    fixed = tuple(objective.bound.sizes.items()) if entries <= _BUILT_IN else None
    made = _candidate(program, dtype == torch.float32, fixed, places)
    return [Route(steps * native_seconds(program, objective.bound.sizes), [made], lambda: _NativeSteps(objective, made.library(), places))]


class _NativeSteps(Steps):
    """The buffers that the loop in C works on."""

    def __init__(self, objective: Objective, made: Any, places: tuple[int, ...]) -> None:
        super().__init__(objective)
        self.call, self.loop = made.symgd_call, made.symgd_descend
        self.loop.restype = ctypes.c_long
        bound, program = objective.bound, objective.program.program
        self.inputs = [bound.tensors[leaf.name].contiguous().resolve_neg() for leaf in program.inputs]
        for place, tensor in zip(places, objective.start):
            self.inputs[place] = tensor.contiguous().resolve_neg().clone()
        self.moved = [self.inputs[place] for place in places]
        shapes = [[length.evaluate(bound.sizes) for length in program.instructions[value].shape] for value in program.outputs]
        self.outputs = [torch.empty(shape, dtype=self.dtype) for shape in shapes]
        names = program.dimension_names()
        sizes = (ctypes.c_long * max(1, len(names)))(*[bound.sizes[name] for name in names])
        self.arguments = (pointers(self.inputs), pointers(self.outputs), sizes, ctypes.c_long(torch.get_num_threads()))

    @property
    def point(self) -> list[Tensor]:
        return self.moved

    def begin(self) -> float:
        self.objective.check_data()
        if self.call(*self.arguments):
            raise MemoryError(_NO_MEMORY)
        return float(self.outputs[0])

    def size(self) -> float:
        return largest(self.outputs[1:])

    def advance(
        self, walk: Plan, rate: float, limit: float, left: int, wanted: int, stride: int, until: int, values: Any, path: Tensor
    ) -> int:
        numbers = [ctypes.c_double(x) for x in (rate, -1.0 if walk.tolerance is None else walk.tolerance, limit)]
        counts = [ctypes.c_long(x) for x in (wanted, stride, until)]
        records = [ctypes.c_void_p(values.ctypes.data), ctypes.c_void_p(path.data_ptr())]
        done = int(self.loop(*self.arguments, pointers(self.moved), *numbers, *counts, *records))
        if done < 0:
            raise MemoryError(_NO_MEMORY)
        return done


@lru_cache(maxsize=64)
def _candidate(program: Program, single: bool, sizes: tuple[tuple[str, int], ...] | None, places: tuple[int, ...]) -> Candidate:
    small = [name for place in places for length in program.inputs[place].shape for name in length.names]
    return Candidate(native_source(program, row_dimension(program, small), single, None if sizes is None else dict(sizes), places))
