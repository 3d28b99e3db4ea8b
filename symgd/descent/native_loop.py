"""Whole descents at a fixed rate inside one native loop: the steps, the values and the path, without Python in between.

The semantics are those of `loop`: values and path include the start, all parameters move together, a value that is not finite or
leaves all bounds ends the walk. The loop comes back every few hundredths of a second, so that Ctrl-C is noticed. Compiling takes
some tenths of a second, so short descents are left to torch; results of both differ by rounding.
"""

from __future__ import annotations

import ctypes
import math
import time
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symgd.descent.interrupts import Interrupts
from symgd.descent.loop import _GROWTH, _KEPT, SMALL
from symgd.descent.objective import Objective
from symgd.descent.outcome import Descent, Number, Outcome
from symgd.lowering.native.call import row_dimension, unavailable
from symgd.lowering.native.library import NoCompiler, library
from symgd.lowering.native.source import native_source
from symgd.lowering.program import Program

_INSTRUCTION, _OPERATION = 4e-6, 3e-10  # rough seconds that torch takes for an instruction, and for an operation in one
_WORTH = 0.25  # seconds that a descent by torch has to take
_BUILT_IN = 64  # entries of all inputs together up to which sizes are built into the loop, which is then unrolled
_CHUNK = 0.05  # seconds after which the loop comes back


def descend_natively(objective: Objective, rate: float, steps: int, tolerance: float | None, described: str) -> Descent | None:
    """The descent, or None where it is short, or has no native form."""
    made = _Loop.of(objective, steps)
    if made is None:
        return None
    with Interrupts() as interrupts:
        return made.walk(rate, steps, tolerance, described, interrupts)


class _Loop:
    """A descent in C: the buffers that it works on, and its record."""

    def __init__(self, objective: Objective, made: Any, names: tuple[str, ...], places: list[int]) -> None:
        self.objective, self.call, self.loop = objective, made.symgd_call, made.symgd_descend
        self.loop.restype = ctypes.c_long
        bound, program = objective.bound, objective.program
        self.inputs = [bound.tensors[leaf.name].contiguous() for leaf in program.program.inputs]
        for place, tensor in zip(places, objective.start):
            self.inputs[place] = tensor.contiguous().clone()
        self.moved = [self.inputs[place] for place in places]
        shapes = [tuple(length.evaluate(bound.sizes) for length in program.program.instructions[k].shape) for k in program.program.outputs]
        self.outputs = [torch.empty(shape, dtype=program.dtype) for shape in shapes]
        self.sizes = (ctypes.c_long * max(1, len(names)))(*[bound.sizes[name] for name in names])

    @staticmethod
    def of(objective: Objective, steps: int) -> _Loop | None:
        program, dtype, device = objective.program.program, objective.program.dtype, objective.program.device
        sizes = objective.bound.sizes
        seconds = steps * (_INSTRUCTION * len(program.instructions) + _OPERATION * program.operations.evaluate(sizes))
        positions = {leaf.name: k for k, leaf in enumerate(program.inputs)}
        if seconds < _WORTH or unavailable(program, dtype, device) or not all(name in positions for name in objective.names):
            return None
        entries = sum(objective.bound.tensors[leaf.name].numel() for leaf in program.inputs)
        places = [positions[name] for name in objective.names]
        names = program.dimension_names()
        fixed = tuple(sizes.items()) if entries <= _BUILT_IN else ()
        try:
            made = _library(program, dtype == torch.float32, fixed, tuple(places))
        except NoCompiler:
            return None
        return _Loop(objective, made, names, places)

    def walk(self, rate: float, steps: int, tolerance: float | None, described: str, interrupts: Interrupts) -> Descent:
        names = self.objective.names
        many = sum(tensor.numel() for tensor in self.moved)
        stride = max(1, math.ceil(steps * many / _KEPT))
        values, points = [], [_row(self.moved)]
        self._start()
        values.append(self.outputs[0].item())
        limit = _GROWTH * max(1.0, abs(values[0]))
        outcome = self._outcome(values[0], limit, tolerance)
        taken, chunk = 0, 1
        while outcome is None and taken < steps:
            if interrupts.asked:
                outcome = Outcome.STOPPED
                break
            wanted = min(chunk, steps - taken)
            until = stride - taken % stride
            record, path = self._doubles(wanted), self._path((taken + wanted) // stride - taken // stride)
            begun = time.perf_counter()
            done = self._run(rate, -1.0 if tolerance is None else tolerance, limit, wanted, stride, until, record, path)
            if done < 0:
                raise MemoryError("no memory for a descent")
            spent = time.perf_counter() - begun
            kept = (taken + done) // stride - taken // stride
            values += record[:done].tolist()
            points.append(path[:kept])
            taken += done
            outcome = self._outcome(values[-1], limit, tolerance)
            chunk = min(max(1, int(chunk * min(8.0, _CHUNK / max(spent, 1e-9)))), 1 << 20)
        if taken == steps and steps % stride:
            points.append(_row(self.moved))
        if outcome is None:
            small = SMALL if tolerance is None else tolerance
            outcome = Outcome.CONVERGED if self._size() <= small * (1 + abs(values[-1])) else Outcome.MAX_STEPS
        self.objective.evaluations += taken + 1
        return Descent(
            parameters={name: _number(tensor) for name, tensor in zip(names, self.moved)},
            values=values,
            path=self._columns(torch.cat(points)),
            outcome=outcome,
            steps=taken,
            evaluations=self.objective.evaluations,
            message=f"{outcome.advice} {taken:,} step{'s' * (taken != 1)} of {described}.",
        )

    def _outcome(self, value: float, limit: float, tolerance: float | None) -> Outcome | None:
        """The end that the last step was, None if it was none; the same as in `loop`."""
        if not math.isfinite(value):
            return Outcome.NONFINITE
        if abs(value) > limit:
            return Outcome.DIVERGED
        if tolerance is None:
            return None
        size = self._size()
        if size <= tolerance * (1 + abs(value)):
            return Outcome.CONVERGED
        return None if math.isfinite(size) else Outcome.NONFINITE

    def _size(self) -> float:
        return max((float(torch.linalg.vector_norm(slope, math.inf)) for slope in self.outputs[1:] if slope.numel()), default=0.0)

    def _start(self) -> None:
        """The value and the gradient where the walk begins."""
        if self.call(_pointers(self.inputs), _pointers(self.outputs), self.sizes, ctypes.c_long(torch.get_num_threads())):
            raise MemoryError("no memory for a descent")

    def _run(self, rate: float, tolerance: float, limit: float, steps: int, stride: int, until: int, record: Any, path: Tensor) -> int:
        done = self.loop(
            _pointers(self.inputs),
            _pointers(self.outputs),
            self.sizes,
            ctypes.c_long(torch.get_num_threads()),
            _pointers(self.moved),
            ctypes.c_double(rate),
            ctypes.c_double(tolerance),
            ctypes.c_double(limit),
            ctypes.c_long(steps),
            ctypes.c_long(stride),
            ctypes.c_long(until),
            ctypes.c_void_p(record.ctypes.data),
            ctypes.c_void_p(path.data_ptr()),
        )
        return int(done)

    def _doubles(self, many: int) -> Any:
        return np.empty(many)

    def _path(self, points: int) -> Tensor:
        return torch.empty((points, sum(tensor.numel() for tensor in self.moved)), dtype=self.objective.program.dtype)

    def _columns(self, points: Tensor) -> dict[str, list[Number]]:
        """The path by parameter: floats for scalars, tensors of their own for arrays."""
        path: dict[str, list[Number]] = {}
        place = 0
        for name, tensor in zip(self.objective.names, self.moved):
            part = points[:, place : place + tensor.numel()]
            place += tensor.numel()
            path[name] = part[:, 0].tolist() if not tensor.dim() else list(part.reshape(len(points), *tensor.shape).unbind())
        return path


@lru_cache(maxsize=64)
def _library(program: Program, single: bool, sizes: tuple[tuple[str, int], ...], places: tuple[int, ...]) -> Any:
    small = [name for place in places for length in program.inputs[place].shape for name in length.names]
    return library(native_source(program, row_dimension(program, small), single, dict(sizes), places))


def _pointers(tensors: list[Tensor]) -> Any:
    return (ctypes.c_void_p * max(1, len(tensors)))(*[tensor.data_ptr() for tensor in tensors])


def _row(tensors: list[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])[None]


def _number(tensor: Tensor) -> Number:
    return tensor.item() if not tensor.dim() else tensor.clone()
