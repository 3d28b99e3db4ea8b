"""Descents on losses that are quadratic in the parameters: the data are read a few times, and a step costs nothing in their number.

From an anchor a, loss(a + d) = loss(a) + ⟨g, d⟩ + ⟨d, H d⟩/2 exactly, with the gradient g at a and the Hessian H, which is the same
everywhere. A step needs H d alone. The statistics of a least-squares loss are these three: X'X, and what the data say at a. In C all
of them come from one pass over the data.

Rounding: the gradient g + H d has an error beside its terms, not beside itself. Where it has become much smaller than these, or the
loss much smaller than that at the anchor, both are computed from the data again at another anchor: where the walk will end, if from
there the terms are no larger than the gradient, so that one more pass is enough; else where the walk is. The errors of squared data
thus never become errors of the result: they shrink with d, as in iterative refinement.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from symgd.algebra.expression import Expression, Leaf
from symgd.algebra.expression import leaves as leaves_of
from symgd.algebra.simplify import simplified_all
from symgd.calculus import derive
from symgd.descent.loop import Plan
from symgd.descent.methods.method import flat, split
from symgd.descent.objective import Objective
from symgd.descent.polynomials import is_polynomial
from symgd.descent.recorded import Steps, pointers
from symgd.descent.routes import Route, native_seconds, operations, torch_seconds
from symgd.lowering.compiled import Compiled, compiled
from symgd.lowering.lower import lower
from symgd.lowering.native.call import row_dimension, unavailable
from symgd.lowering.native.library import Candidate
from symgd.lowering.native.source import native_source
from symgd.lowering.norms import norms_opened
from symgd.lowering.program import Program
from symgd.lowering.torch_program import used_inputs, value_and_slopes

_MOST = 300  # parameters up to which their Hessian is kept
_PASSES = 40  # over all data at most
_SOURCE = Path(__file__).with_name("quadratic_loop.c")
_SHARES = (1e-4, 1e-2)  # of their terms below which the gradient, and the loss, are computed from the data again
_MARGIN = 30.0  # times these shares that they have to have beside their terms from an anchor ahead
_BEGUN = 2e-4  # seconds that Python takes for a descent on statistics
_PRODUCT = 3e-11  # seconds of an operation of the Hessian, mostly a product of matrices, in C
_EIGENVALUES = 1e-9  # seconds by the cube of the number of parameters
_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class _Statistics:
    """The blocks of the Hessian as a torch program of the data; the loss, its gradient and these blocks as one in C, where it can be."""

    hessian: Compiled
    program: Program
    made: Candidate | None


def quadratic_routes(objective: Objective, steps: int) -> list[Route]:
    """The steps on the statistics, made in C and by torch; none where the loss is not quadratic."""
    many = objective.count
    on_processor = objective.program.device.type == "cpu" and objective.program.dtype == torch.float64
    if not 0 < many <= _MOST or not on_processor:
        return []
    f = objective.program.formula
    found = _statistics(f.expression, f.origin, tuple(f.known.items()), tuple(objective.leaves))
    if found is None:
        return []
    program, sizes = objective.program.program, objective.bound.sizes
    loop, passed = _loop(), native_seconds(program, sizes)
    walked = _BEGUN + steps * (4e-8 + 8e-9 * many + 1e-10 * many**2)
    blocks = operations(found.hessian.program, sizes)

    def made(data: Any) -> Steps:
        return _QuadraticSteps(objective, data, loop.library(), passed)

    by_torch = 3 * torch_seconds(program, sizes) + 1e-10 * blocks
    routes = [Route(walked + by_torch, [loop], lambda: made(_TorchData(objective, found)))]
    if found.made is not None:
        libraries = [loop, found.made]
        routes.append(Route(walked + 3 * passed + _PRODUCT * blocks, libraries, lambda: made(_NativeData(objective, found))))
    return routes


@lru_cache(maxsize=64)
def _statistics(
    value: Expression, origin: Expression, known: tuple[tuple[str, Leaf], ...], parameters: tuple[Leaf, ...]
) -> _Statistics | None:
    """None where the loss is no polynomial of degree 2 in the parameters.

    A Hessian without parameters is not enough: that of |w| is 0.
    """
    (loss,) = norms_opened([origin])
    if not is_polynomial(loss, parameters):
        return None
    slopes = derive.gradient(loss, list(parameters))
    blocks = simplified_all([block for slope in slopes for block in derive.gradient(slope, list(parameters))])
    inputs = leaves_of(*blocks)
    if set(inputs) & set(parameters):
        return None
    roots = [*value_and_slopes(value, origin, parameters), *blocks]
    program = lower(roots, used_inputs(roots, dict(known)), parameters)
    made = None
    if set(parameters) <= set(program.inputs) and not unavailable(program, torch.float64, _CPU):
        small = [name for leaf in parameters for length in leaf.shape for name in length.names]
        made = Candidate(native_source(program, row_dimension(program, small), optional=1 + len(parameters)))
    return _Statistics(compiled(lower(blocks, inputs, parameters), torch.float64, _CPU), program, made)


@lru_cache(maxsize=1)
def _loop() -> Candidate:
    return Candidate(_SOURCE.read_text(encoding="utf-8"))


# ---- passes over the data --------------------------------------------------------------------------------------------


class _TorchData:
    """`all(point)`: the loss, its gradient and the Hessian, over all entries of all parameters in order; `again` without the last."""

    def __init__(self, objective: Objective, found: _Statistics) -> None:
        self.objective, self.hessian = objective, found.hessian

    def all(self, point: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        blocks = self.hessian.call(self.objective.bound)
        return *self.again(point), _joined(blocks, self.objective)

    def again(self, point: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        before = self.objective.evaluations
        value, slopes = self.objective.value_and_gradient([tensor.clone() for tensor in point])
        self.objective.evaluations = before
        return value, flat(slopes)


class _NativeData:
    """The same in C."""

    def __init__(self, objective: Objective, found: _Statistics) -> None:
        assert found.made is not None
        self.objective, self.call = objective, found.made.library().symgd_call
        self.call.restype = ctypes.c_int
        program, bound = found.program, objective.bound
        self.inputs = [bound.tensors[leaf.name].contiguous().resolve_neg() for leaf in program.inputs]
        self.places = [program.inputs.index(leaf) for leaf in objective.leaves]
        shapes = [[length.evaluate(bound.sizes) for length in program.instructions[value].shape] for value in program.outputs]
        self.outputs = [torch.empty(shape, dtype=torch.float64) for shape in shapes]
        names = program.dimension_names()
        self.sizes = (ctypes.c_long * max(1, len(names)))(*[bound.sizes[name] for name in names])

    def _passed(self, point: Sequence[Tensor], is_whole: bool) -> None:
        for place, tensor in zip(self.places, point):
            self.inputs[place] = tensor.contiguous()
        outs = pointers(self.outputs)
        if not is_whole:
            for place in range(1 + len(point), len(outs)):
                outs[place] = None
        if self.call(pointers(self.inputs), outs, self.sizes, ctypes.c_long(torch.get_num_threads())):
            raise MemoryError("no memory for the statistics of the data")

    def all(self, point: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        self._passed(point, True)
        many = len(point)
        return self.outputs[0].clone(), flat(self.outputs[1 : 1 + many]), _joined(self.outputs[1 + many :], self.objective)

    def again(self, point: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        self._passed(point, False)
        return self.outputs[0].clone(), flat(self.outputs[1 : 1 + len(point)])


def _joined(blocks: Sequence[Tensor], objective: Objective) -> Tensor:
    """The blocks of the Hessian, row by row, as one matrix."""
    lengths, given = [tensor.numel() for tensor in objective.start], iter(blocks)
    rows = [torch.cat([next(given).reshape(row, column) for column in lengths], 1) for row in lengths]
    return torch.cat(rows).contiguous()


def _looks_ahead(many: int, seconds: float) -> bool:
    """Is a pass of so many seconds longer than seeing where the walk ends?"""
    return seconds > _EIGENVALUES * many**3 + 1e-4


# ---- the walk --------------------------------------------------------------------------------------------------------


class _QuadraticSteps(Steps):
    """Where the walk is, the anchor, and what is known there. `seconds` is about how long a pass over the data takes."""

    def __init__(self, objective: Objective, data: _TorchData | _NativeData, made: Any, seconds: float) -> None:
        super().__init__(objective)
        self.data, self.made, self.many, self.passes = data, made, objective.count, 0
        self.made.symgd_quadratic.restype = ctypes.c_long
        self.looks_ahead = _looks_ahead(self.many, seconds)
        self.at = flat(objective.start).contiguous().clone()
        self.slope, self.anchor, self.first, self.work = (torch.zeros(self.many, dtype=self.dtype) for _ in range(4))
        self.here = torch.zeros(2, dtype=self.dtype)  # the loss at the anchor, and where the walk is
        self.shares = torch.tensor(_SHARES, dtype=self.dtype)
        self.hessian = torch.zeros(0)
        self.rate, self.left = 0.0, 0

    @property
    def point(self) -> list[Tensor]:
        return split(self.at, self.objective.start)

    def begin(self) -> float:
        value, slope, self.hessian = self.data.all(self.point)
        if not all(bool(torch.isfinite(tensor).all()) for tensor in (value, slope, self.hessian)):
            self.objective.check_data()  # else all data are finite: they enter by sums and products alone
        self._anchored(self.at.clone(), value, slope)
        return float(self.here[1])

    def _anchored(self, anchor: Tensor, value: Tensor, slope: Tensor) -> None:
        """From now on the walk is seen from this anchor, with this loss and this gradient there."""
        self.passes += 1
        if self.passes >= _PASSES:
            self.shares = torch.zeros_like(self.shares)
        self.anchor, self.first = anchor, slope.contiguous().clone()
        d = self.at - anchor
        curved = self.hessian @ d
        self.slope = self.first + curved
        self.here = torch.stack([value, value + d @ (self.first + 0.5 * curved)])

    def _anchor_anew(self) -> None:
        """Compute the loss and its gradient from the data: where the walk will end, if that serves, else where it is."""
        end = self._end() if self.looks_ahead else None
        if end is not None:
            self._anchored(end, *self.data.again(split(end, self.objective.start)))
            return
        value, slope = self.data.again(self.point)
        off = torch.stack([(self.slope - slope).abs().max() / slope.abs().max(), (self.here[1] - value).abs() / value.abs()])
        # what differs by half of itself is rounding: nothing is gained by anchors any more
        self.shares = torch.where(off < 0.5, self.shares, 0.0)
        self._anchored(self.at.clone(), value, slope)

    @cached_property
    def _eigen(self) -> tuple[Tensor, Tensor]:
        values, vectors = torch.linalg.eigh(self.hessian)
        return values, vectors

    def _end(self) -> Tensor | None:
        """The point the steps left lead to, about; None where the terms from there would be much larger than the gradient here.

        Along an eigenvector of curvature λ, k steps multiply the gradient by (1 − rate·λ)^k and thus move by its sum.
        """
        if not bool(torch.isfinite(self.slope).all() and torch.isfinite(self.hessian).all()):
            return None
        values, vectors = self._eigen
        shrunk = 1.0 - (1.0 - self.rate * values) ** self.left
        moved = torch.where(values.abs() * self.rate * self.left > 1e-8, shrunk / values, self.rate * self.left)
        d = vectors @ (moved * (vectors.T @ self.slope))  # from the end to here
        curved = self.hessian @ d
        terms = (self.slope - curved).abs().max() + self.hessian.abs().sum(1).max() * d.abs().max()
        there = self.here[1] - d @ (self.slope - 0.5 * curved)
        gradient, loss = self.slope.abs().max() / terms, self.here[1].abs() / (there.abs() + (d * (self.slope - curved)).abs().sum())
        fits = bool(gradient > _MARGIN * self.shares[0]) and bool(loss > _MARGIN * self.shares[1])
        return self.at - d if fits and bool(torch.isfinite(d).all()) else None

    def size(self) -> float:
        return float(self.slope.abs().max())

    def advance(
        self, walk: Plan, rate: float, limit: float, left: int, wanted: int, stride: int, until: int, values: Any, path: Tensor
    ) -> int:
        tensors = [self.hessian, self.anchor, self.first, self.at, self.slope, self.here, self.shares, self.work]
        numbers = [ctypes.c_double(x) for x in (rate, -1.0 if walk.tolerance is None else walk.tolerance, limit)]
        counts = [ctypes.c_long(x) for x in (wanted, stride, until)]
        records = [ctypes.c_void_p(values.ctypes.data), ctypes.c_void_p(path.data_ptr())]
        done = int(self.made.symgd_quadratic(ctypes.c_long(self.many), pointers(tensors), *numbers, *counts, *records))
        if done < 0:  # the last of these steps needs an anchor, and its value from there
            done, self.rate, self.left = -done, rate, left + done
            self._anchor_anew()
            values[done - 1] = float(self.here[1])
        return done
