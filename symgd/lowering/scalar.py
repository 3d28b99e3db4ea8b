"""The backend "python": programs of few numbers as plain Python on floats, without tensors inside and without a compiler."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from symgd.lowering.compiled import Compiled, executed
from symgd.lowering.scalar_functions import FAULTS, NAMES
from symgd.lowering.scalar_source import fits, scalar_source

Floats = Callable[..., tuple[float, ...]]


class Scalars:
    """A float64 program on floats. Where Python raises and torch answers inf or nan, torch's answer is taken, from `plain`."""

    def __init__(self, plain: Compiled) -> None:
        self.plain, self.program = plain, plain.program
        self._made: dict[tuple[int, ...], Floats | None] = {}
        self._names = self.program.dimension_names()
        self._ranks = [len(self.program.instructions[value].shape) for value in self.program.outputs]

    def function(self, sizes: Mapping[str, int]) -> Floats | None:
        """The program at these sizes as a function of floats; None where it has too many numbers, or a kind that is not written so."""
        key = tuple(sizes[name] for name in self._names)
        if key not in self._made:
            self._made[key] = self._make(sizes)
        return self._made[key]

    def _make(self, sizes: Mapping[str, int]) -> Floats | None:
        if self.plain.dtype != torch.float64 or not fits(self.program, sizes):
            return None
        try:
            source = scalar_source(self.program, sizes)
        except ZeroDivisionError:
            return None
        made: Floats = executed(source, NAMES)["program"]
        return made

    def call(self, tensors: Sequence[Tensor], arguments: Sequence[Any], sizes: Mapping[str, int]) -> tuple[Tensor, ...]:
        """The outputs as tensors; `arguments` are those of the plain function."""
        function = self.function(sizes)
        if function is None:
            return self.plain.function(*arguments)
        try:
            found = function(*entries(tensors))
        except FAULTS:
            return self.plain.function(*arguments)
        return self._tensors(found, sizes)

    def _tensors(self, found: Sequence[float], sizes: Mapping[str, int]) -> tuple[Tensor, ...]:
        if not any(self._ranks):
            return tuple([torch.tensor(value, dtype=torch.float64) for value in found])
        out, place = [], 0
        for value in self.program.outputs:
            shape = [length.evaluate(sizes) for length in self.program.instructions[value].shape]
            many = 1
            for length in shape:
                many *= length
            out.append(torch.tensor(found[place : place + many], dtype=torch.float64).reshape(shape))
            place += many
        return tuple(out)

    def bound(self, tensors: Sequence[Tensor], arguments: Sequence[Any], sizes: Mapping[str, int]) -> Callable[[], Sequence[Any]] | None:
        """A call without arguments on these numbers. Outputs without axes are floats, others tensors."""
        function = self.function(sizes)
        if function is None:
            return None
        values, plain, ranks = entries(tensors), self.plain, self._ranks

        def slow() -> Sequence[Any]:
            return [out.item() if not rank else out for out, rank in zip(plain.function(*arguments), ranks)]

        def call() -> Sequence[Any]:
            try:
                return function(*values)
            except FAULTS:
                return slow()

        def with_arrays() -> Sequence[Any]:
            try:
                return [out.item() if not rank else out for out, rank in zip(self._tensors(function(*values), sizes), ranks)]
            except FAULTS:
                return slow()

        return with_arrays if any(ranks) else call


def entries(tensors: Sequence[Tensor]) -> list[float]:
    """All entries, one tensor after the other."""
    return list(chain.from_iterable([tensor.tolist()] if not tensor.dim() else tensor.reshape(-1).tolist() for tensor in tensors))
