"""A program made callable: its source executed, for one dtype, device and backend.

No text of the user reaches `exec`: the source that is executed has no docstring, and every name in it was made here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from symgd.errors import LoweringError
from symgd.lowering import torch_arrays, torch_functions
from symgd.lowering.program import Program
from symgd.lowering.torch_source import torch_source
from symgd.lowering.values import Bound

IMPORTED = (torch_arrays, torch_functions)  # by generated source: loaded here, so that the first program need not wait for them
BACKENDS = ("eager", "compile", "python", "native", "auto")
_DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
_ENTRYWISE = {"input", "number", "full", "add", "multiply", "divide", "scale", "power", "map", "clone"}

Call = Callable[..., tuple[Tensor, ...]]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A program as a function of tensors (and of `sizes`, dimensions that no input has as an axis).

    `plain` is the same made of torch operations, where `function` is not: for batches, and where autograd or a compiler of torch
    follows the computation.
    """

    program: Program
    function: Call
    sizes: tuple[str, ...]
    dtype: torch.dtype
    device: torch.device
    plain: Compiled | None = None

    def arguments(self, bound: Bound) -> list[Any]:
        """The arguments of `function`, in order."""
        tensors: list[Any] = [bound.tensors[leaf.name] for leaf in self.program.inputs]
        return tensors + [bound.sizes[name] for name in self.sizes]

    def call(self, bound: Bound) -> tuple[Tensor, ...]:
        """The outputs; for a batch each has the shape of the batch in front of its own."""
        if self.plain is not None and (bound.batch or torch.compiler.is_compiling()):
            return self.plain.call(bound)
        if bound.batch:
            return self.batched(bound)
        return self.function(*self.arguments(bound))

    def differentiable(self, bound: Bound) -> tuple[Tensor, ...]:
        """The outputs, with the history of the values where these have one."""
        return (self.plain or self).call(bound)

    def batched(self, bound: Bound) -> tuple[Tensor, ...]:
        arguments = self.arguments(bound)
        shapes = [self.program.instructions[value].shape for value in self.program.outputs]
        if all(instruction.kind in _ENTRYWISE for instruction in self.program.instructions):
            outputs = self.function(*arguments)
            return tuple(out if out.shape == bound.batch else out.expand(bound.batch).clone() for out in outputs)
        flat = [value.expand(bound.batch).reshape(-1) for value in arguments]
        if not flat or not flat[0].numel():
            wide = self.function(*[value.new_ones(()) for value in flat])
            return tuple(out.expand(*bound.batch, *out.shape).clone() for out in wide)
        outputs = torch.vmap(self.function)(*flat)
        return tuple(out.reshape(*bound.batch, *out.shape[1:]) for out, _ in zip(outputs, shapes))


def compiled(program: Program, dtype: torch.dtype, device: torch.device, backend: str = "eager") -> Compiled:
    """The program as a function. `backend` is "eager" or "compile" (torch.compile)."""
    source = torch_source(program, str(dtype), str(device), documented=False)
    function: Call = executed(source.text)["program"]
    if backend == "compile":
        function = torch.compile(function, fullgraph=True)
    return Compiled(program, function, source.sizes, dtype, device)


def executed(source: str, names: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What generated source defines, given these names."""
    namespace: dict[str, Any] = dict(names or {})
    exec(compile(source, "<a program made by symgd>", "exec"), namespace)
    return namespace


def checked_dtype(dtype: Any) -> torch.dtype:
    """The dtype, float64 for None. Raises `LoweringError` for what is no floating-point dtype of torch."""
    if dtype is None:
        return torch.float64
    if dtype not in _DTYPES:
        raise LoweringError(f"cannot compute in {_quoted(dtype)}.", hint="Give dtype=torch.float64 or torch.float32.")
    assert isinstance(dtype, torch.dtype)
    return dtype


def checked_device(device: Any) -> torch.device:
    """The device. Raises `LoweringError` where it is none, or is not there."""
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError, ValueError):
        raise LoweringError(f"unknown device {_quoted(device)}.", hint='Give device="cpu", or "cuda" where there is a GPU.') from None
    if found.type == "meta":
        raise LoweringError("the device 'meta' holds no values.", hint='Give device="cpu", or "cuda" where there is a GPU.')
    try:
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise LoweringError(f"the device {str(found)!r} is not available here.", hint='Give device="cpu".') from None
    return found


def checked_backend(backend: Any) -> str:
    """The backend asked for. Raises `LoweringError` for one that is not there."""
    if backend not in BACKENDS:
        raise LoweringError(f"unknown backend {_quoted(backend)}.", hint=f"Backends are {', '.join(BACKENDS)}.")
    return str(backend)


def _quoted(value: Any) -> str:
    return repr(value)[:60]
