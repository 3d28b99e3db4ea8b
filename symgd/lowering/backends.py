"""Which backend a program runs on, and why.

    eager     torch operations one by one
    compile   torch.compile on them
    python    plain Python on floats, for programs of few numbers; nothing to compile
    native    C, compiled once and kept on disk
    auto      python where a program has no arrays; else native where there is a C form and a compiler; else eager

What was asked for and cannot be had is replaced, native by compile where torch can compile, else by eager, and `why` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from symgd.lowering.compiled import Compiled, compiled
from symgd.lowering.native.call import Native, unavailable
from symgd.lowering.native.library import NoCompiler, compiler
from symgd.lowering.program import Program
from symgd.lowering.scalar import Scalars


class Backend(str):
    """The name of the backend that runs; `why` it does, where that is not just what was asked for."""

    why: str

    def __new__(cls, name: str, why: str = "") -> Backend:
        made = super().__new__(cls, name)
        made.why = why
        return made


class Built:
    """A program on its backend. `native` and `scalars` are there where these backends run."""

    def __init__(self, program: Program, dtype: torch.dtype, device: torch.device, asked: str, small: Sequence[str]) -> None:
        self.native: Native | None = None
        self.scalars: Scalars | None = None
        self.backend = self._choose(program, dtype, device, asked, small)
        plain = compiled(program, dtype, device, "compile" if self.backend == "compile" else "eager")
        if self.backend == "python":
            self.scalars = Scalars(plain)
            self.compiled = Compiled(program, self._scalar_function(plain), plain.sizes, dtype, device, plain)
        elif self.native is not None:
            self.compiled = Compiled(program, self.native, self.native.extra, dtype, device, plain)
        else:
            self.compiled = plain
        if asked == "auto" and self.native is not None and dtype == torch.float64:
            self.scalars = Scalars(plain)

    def _choose(self, program: Program, dtype: torch.dtype, device: torch.device, asked: str, small: Sequence[str]) -> Backend:
        if asked == "python":
            fault = "plain Python is for float64 on the processor" if dtype != torch.float64 or device.type != "cpu" else ""
            return Backend("eager", fault) if fault else Backend("python")
        if asked not in ("native", "auto"):
            return Backend(asked)
        if asked == "auto" and dtype == torch.float64 and device.type == "cpu" and not any(leaf.shape for leaf in program.inputs):
            return Backend("python", "the formula has no arrays")
        try:
            self.native = Native(program, dtype, device, small)
        except NoCompiler as reason:
            return _instead(str(reason), asked, bool(unavailable(program, dtype, device)))
        return Backend("native", "the formula has arrays" if asked == "auto" else "")

    def _scalar_function(self, plain: Compiled) -> Callable[..., tuple[Tensor, ...]]:
        scalars = self.scalars
        assert scalars is not None
        many = len(plain.program.inputs)
        names = plain.program.dimension_names()
        if not names:
            return lambda *arguments: scalars.call(arguments, arguments, {})

        def function(*arguments: Any) -> tuple[Tensor, ...]:
            sizes = dict(zip(plain.sizes, arguments[many:]))
            for leaf, tensor in zip(plain.program.inputs, arguments):
                sizes.update({str(length): size for length, size in zip(leaf.shape, tensor.shape) if str(length) in names})
            known = all(name in sizes for name in names)
            return scalars.call(arguments[:many], arguments, sizes) if known else plain.function(*arguments)

        return function


def _instead(reason: str, asked: str, has_compiler: bool) -> Backend:
    """What runs where there is no native program: torch.compile takes seconds, and needs a C++ compiler, so "auto" goes without."""
    why = f"native is not possible: {reason}"
    if asked == "native" and has_compiler and compiler() is not None:
        return Backend("compile", why)
    return Backend("eager", why)
