"""Descents on losses that are quadratic in the parameters: the data are read a few times, and a step costs nothing in their number.

From an anchor a, loss(a + d) = loss(a) + ⟨g, d⟩ + ⟨d, H d⟩/2 exactly, with the gradient g at a and the Hessian H, which is the same
everywhere. A step needs H d alone. The statistics of a least-squares loss are these three: X'X, and what the data say at a.

Rounding: the gradient g + H d has an error beside its terms, not beside itself. Where it has become much smaller than these, or the
loss much smaller than that at the anchor, both are computed from the data again, and the anchor moves there. The errors of squared
data thus never become errors of the result: they shrink with d, as in iterative refinement.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from symgd.algebra.expression import Add, Contract, Expression, Leaf, Map, Stack, constant_value, topological
from symgd.algebra.expression import leaves as leaves_of
from symgd.algebra.functions import table
from symgd.algebra.simplify import simplified_all
from symgd.calculus import derive
from symgd.descent.loop import Plan
from symgd.descent.methods.method import split
from symgd.descent.objective import Objective
from symgd.descent.recorded import Steps, pointers, torch_seconds
from symgd.lowering.compiled import Compiled, compiled
from symgd.lowering.lower import lower
from symgd.lowering.native.library import NoCompiler, library
from symgd.lowering.norms import norms_opened

_WORTH = 0.03  # seconds that a descent by torch has to take
_MOST = 300  # parameters up to which their Hessian is kept
_PASSES = 40  # over all data at most
_SOURCE = Path(__file__).with_name("quadratic_loop.c")
_SHARES = (1e-4, 1e-2)  # of their terms below which the gradient, and the loss, are computed from the data again


def quadratic_steps(objective: Objective, steps: int) -> Steps | None:
    """The steps on the statistics, or None where the loss is not quadratic, or they do not pay."""
    many = sum(tensor.numel() for tensor in objective.start)
    on_processor = objective.program.device.type == "cpu" and objective.program.dtype == torch.float64
    if torch_seconds(objective, steps) < _WORTH or not 0 < many <= min(_MOST, steps) or not on_processor:
        return None
    known = objective.program.formula.known
    hessian = _hessian(objective.program.formula.origin, tuple(known[name] for name in objective.names))
    if hessian is None:
        return None
    try:
        made = _library()
    except NoCompiler:
        return None
    return _QuadraticSteps(objective, hessian, made, many)


@lru_cache(maxsize=64)
def _hessian(loss: Expression, parameters: tuple[Leaf, ...]) -> Compiled | None:
    """The blocks of the Hessian as a program of the data; None where the loss is no polynomial of degree 2 in the parameters.

    A Hessian without parameters is not enough: that of |w| is 0.
    """
    (loss,) = norms_opened([loss])
    if not _is_polynomial(loss, set(parameters)):
        return None
    slopes = derive.gradient(loss, list(parameters))
    blocks = simplified_all([block for slope in slopes for block in derive.gradient(slope, list(parameters))])
    inputs = leaves_of(*blocks)
    if set(inputs) & set(parameters):
        return None
    return compiled(lower(blocks, inputs, parameters), torch.float64, torch.device("cpu"))


def _is_polynomial(loss: Expression, parameters: set[Leaf]) -> bool:
    """Are sums, products and whole powers all that is done with the parameters?"""
    holds: set[Expression] = set()
    for node in topological(loss):
        if node in parameters or any(child in holds for child in node.children):
            holds.add(node)
            if isinstance(node, Map) and not _is_whole_power(node):
                return False
            if not isinstance(node, Leaf | Add | Contract | Stack | Map):
                return False
    return True


def _is_whole_power(node: Map) -> bool:
    exponent = constant_value(node.children[1]) if node.function is table.POWER else None
    return exponent is not None and exponent.denominator == 1 and exponent >= 0


@lru_cache(maxsize=1)
def _library() -> Any:
    made = library(_SOURCE.read_text(encoding="utf-8"))
    made.symgd_quadratic.restype = ctypes.c_long
    return made


class _QuadraticSteps(Steps):
    """Where the walk is, the anchor, and what is known there."""

    def __init__(self, objective: Objective, hessian: Compiled, made: Any, many: int) -> None:
        super().__init__(objective)
        self.made, self.many, self.passes = made, many, 0
        self.at = torch.cat([tensor.reshape(-1) for tensor in objective.start]).contiguous().clone()
        self.slope, self.anchor, self.first, self.work = (torch.zeros(many, dtype=self.dtype) for _ in range(4))
        self.here = torch.zeros(2, dtype=self.dtype)  # the loss at the anchor, and where the walk is
        self.shares = torch.tensor(_SHARES, dtype=self.dtype)
        blocks = iter(hessian.call(objective.bound))
        lengths = [tensor.numel() for tensor in objective.start]
        rows = [torch.cat([next(blocks).reshape(row, column) for column in lengths], 1) for row in lengths]
        self.hessian = torch.cat(rows).contiguous()

    @property
    def point(self) -> list[Tensor]:
        return split(self.at, self.objective.start)

    def begin(self) -> float:
        before = self.objective.evaluations
        self._anchor_here()
        self.objective.evaluations = before
        return float(self.here[1])

    def _anchor_here(self) -> None:
        """Compute the loss and its gradient from the data."""
        value, slopes = self.objective.value_and_gradient([tensor.clone() for tensor in self.point])
        self.first = torch.cat([slope.reshape(-1) for slope in slopes]).contiguous().clone()
        off = torch.stack([(self.slope - self.first).abs().max() / self.first.abs().max(), (self.here[1] - value).abs() / value.abs()])
        self.passes += 1
        if self.passes > 1:  # what differs by half of itself is rounding: nothing is gained by anchors any more
            self.shares = torch.where((off < 0.5) & (self.passes < _PASSES), self.shares, 0.0)
        self.anchor, self.slope = self.at.clone(), self.first.clone()
        self.here = torch.stack([value, value]).to(self.dtype).clone()

    def size(self) -> float:
        return float(self.slope.abs().max())

    def advance(self, walk: Plan, rate: float, limit: float, wanted: int, stride: int, until: int, values: Any, path: Tensor) -> int:
        tensors = [self.hessian, self.anchor, self.first, self.at, self.slope, self.here, self.shares, self.work]
        numbers = [ctypes.c_double(x) for x in (rate, -1.0 if walk.tolerance is None else walk.tolerance, limit)]
        counts = [ctypes.c_long(x) for x in (wanted, stride, until)]
        records = [ctypes.c_void_p(values.ctypes.data), ctypes.c_void_p(path.data_ptr())]
        done = int(self.made.symgd_quadratic(ctypes.c_long(self.many), pointers(tensors), *numbers, *counts, *records))
        if done < 0:  # the last of these steps needs an anchor, and its value from there
            done = -done
            before = self.objective.evaluations
            self._anchor_here()
            self.objective.evaluations = before
            values[done - 1] = float(self.here[1])
        return done
