"""A native program as a function of tensors, like the generated torch function it stands in for."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from symgd.algebra.dimension import Dimension
from symgd.lowering.native.library import NoCompiler, library
from symgd.lowering.native.plan import unsupported
from symgd.lowering.native.source import native_source
from symgd.lowering.program import Program

Layout = tuple[Any, list[Tensor]]

_PRECISIONS = {torch.float64: False, torch.float32: True}


class Native:
    """The program in C, called with the tensors of the inputs, then the sizes of `extra`, dimensions that stand alone on no axis.

    Raises `NoCompiler`, with the reason, where there is no C form, or nothing to compile it.
    """

    def __init__(self, program: Program, dtype: torch.dtype, device: torch.device, small: Sequence[str] = ()) -> None:
        reason = unavailable(program, dtype, device)
        if reason:
            raise NoCompiler(reason)
        self.program, self.dtype = program, dtype
        self.rows = row_dimension(program, small)
        self.source = native_source(program, self.rows, _PRECISIONS[dtype])
        self.function = library(self.source).symgd_call
        self.function.restype = ctypes.c_int
        self.names = program.dimension_names()
        on_axes = {str(length) for leaf in program.inputs for length in leaf.shape}
        self.extra = tuple(name for name in self.names if name not in on_axes)
        self._shapes = [program.instructions[value].shape for value in program.outputs]
        self._ranks = [leaf.rank for leaf in program.inputs]
        self._inputs = ctypes.c_void_p * max(1, len(program.inputs))
        self._outputs = ctypes.c_void_p * max(1, len(program.outputs))
        self._sizes = ctypes.c_long * max(1, len(self.names))
        self._known: dict[tuple[Any, ...], Layout] = {}

    def sizes(self, tensors: Sequence[Tensor], extra: Sequence[int]) -> dict[str, int]:
        """The dimensions: read off the axes of the tensors, and those that no axis has by itself."""
        found: dict[str, int] = {}
        for leaf, tensor in zip(self.program.inputs, tensors):
            found.update({str(length): size for length, size in zip(leaf.shape, tensor.shape)})
        return {**found, **dict(zip(self.extra, extra))}

    def layout(self, tensors: Sequence[Tensor], extra: Sequence[int] = ()) -> Layout:
        """The sizes as C takes them, and tensors like the outputs."""
        key = (*[tensor.shape for tensor in tensors], *extra)
        known = self._known.get(key)
        if known is None:
            sizes = self.sizes(tensors, extra)
            like = [torch.empty([length.evaluate(sizes) for length in shape], dtype=self.dtype) for shape in self._shapes]
            known = self._known[key] = self._sizes(*[sizes[name] for name in self.names]), like
            if len(self._known) > 100:
                self._known.pop(next(iter(self._known)))
        return known

    def __call__(self, *arguments: Any) -> tuple[Tensor, ...]:
        many = len(self._ranks)
        return self.run(arguments[:many], self.layout(arguments[:many], arguments[many:]))

    def run(self, tensors: Sequence[Tensor], layout: Layout) -> tuple[Tensor, ...]:
        """The outputs for tensors of this layout."""
        sizes, like = layout
        tensors = [tensor if is_plain(tensor) else tensor.contiguous().resolve_neg() for tensor in tensors]
        outputs = [torch.empty_like(tensor) for tensor in like]
        ins = self._inputs(*[tensor.data_ptr() for tensor in tensors])
        outs = self._outputs(*[tensor.data_ptr() for tensor in outputs])
        if self.function(ins, outs, sizes, torch.get_num_threads()):
            raise MemoryError("no memory for a program of symgd")
        return tuple(outputs)

    def bound(self, arguments: Sequence[Any]) -> Callable[[], tuple[Tensor, ...]]:
        """A call without arguments on these tensors, whose memory is looked up once. All have to be contiguous."""
        many = len(self._ranks)
        tensors = [tensor.detach() for tensor in arguments[:many]]  # whose memory stays, whatever becomes of the caller's
        sizes, like = self.layout(tensors, arguments[many:])
        ins = self._inputs(*[tensor.data_ptr() for tensor in tensors])
        function, make, pointers, threads = self.function, torch.empty_like, self._outputs, torch.get_num_threads()

        def call(kept: Sequence[Tensor] = tensors) -> tuple[Tensor, ...]:
            outputs = [make(tensor) for tensor in like]
            if function(ins, pointers(*[tensor.data_ptr() for tensor in outputs]), sizes, threads):
                raise MemoryError("no memory for a program of symgd")
            return tuple(outputs)

        return call


def is_plain(tensor: Tensor) -> bool:
    """Are its entries in memory as they are, one after the other? A view may stand for their negatives."""
    return tensor.is_contiguous() and not tensor.is_neg()


def unavailable(program: Program, dtype: torch.dtype, device: torch.device) -> str:
    """Why a program has no native form, in words; "" where it has one."""
    if device.type != "cpu":
        return f"it runs on the processor, not on {device.type}"
    if dtype not in _PRECISIONS:
        return f"it has no {str(dtype).removeprefix('torch.')}"
    missing = unsupported(program)
    return f"it lacks {missing}" if missing else ""


def row_dimension(program: Program, small: Sequence[str] = ()) -> Dimension | None:
    """The dimension that rows run over: of the axes of inputs the one that is no dimension of a parameter (`small`), is the first
    axis most often, and stands in most inputs."""
    found: dict[str, list[int]] = {}
    for leaf in program.inputs:
        for axis, length in enumerate(leaf.shape):
            if len(length.names) == 1 and length == Dimension.of(length.names[0]):
                score = found.setdefault(length.names[0], [length.names[0] not in small, 0, 0])
                score[1] += axis == 0
                score[2] += leaf.rank
    best = max(found, key=lambda name: found[name], default=None)
    return None if best is None else Dimension.of(best)
