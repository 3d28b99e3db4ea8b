"""The backend "python": programs of few numbers as plain Python on floats, without tensors inside and without a compiler."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from types import FunctionType
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
        self._named: dict[tuple[int, ...], FunctionType | None] = {}
        self._names = self.program.dimension_names()
        self._alone = None if any(leaf.shape for leaf in self.program.inputs) or self._names else self.function({})
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
        made = executed(source, NAMES)
        self._named[tuple(sizes[name] for name in self._names)] = made.get("named")
        function: Floats = made["program"]
        return function

    def call(self, tensors: Sequence[Tensor], arguments: Sequence[Any], sizes: Mapping[str, int]) -> tuple[Tensor, ...]:
        """The outputs as tensors; `arguments` are those of the plain function."""
        function = self._alone or self.function(sizes)
        if function is None:
            return self.plain.function(*arguments)
        try:
            found = function(*([tensor.item() for tensor in tensors] if self._alone else entries(tensors)))
        except FAULTS:
            return self.plain.function(*arguments)
        return self._tensors(found, sizes)

    def _tensors(self, found: Sequence[float], sizes: Mapping[str, int]) -> tuple[Tensor, ...]:
        if not any(self._ranks):
            return tuple([torch.scalar_tensor(value, dtype=torch.float64) for value in found])
        out, place = [], 0
        for value in self.program.outputs:
            shape = [length.evaluate(sizes) for length in self.program.instructions[value].shape]
            many = 1
            for length in shape:
                many *= length
            out.append(torch.tensor(found[place : place + many], dtype=torch.float64).reshape(shape))
            place += many
        return tuple(out)

    def bound(
        self, tensors: Sequence[Tensor], arguments: Sequence[Any], sizes: Mapping[str, int], names: Sequence[str]
    ) -> Callable[[], tuple[Any, dict[str, Any]]] | None:
        """A call without arguments on these numbers: the value, and the gradients by these names. Without axes they are floats."""
        function = self.function(sizes)
        if function is None:
            return None
        values, plain, ranks = entries(tensors), self.plain, self._ranks

        def slow() -> tuple[Any, dict[str, Any]]:
            value, *slopes = [out.item() if not rank else out for out, rank in zip(plain.function(*arguments), ranks)]
            return value, dict(zip(names, slopes))

        named = self._named[tuple(sizes[name] for name in self._names)]
        if named is not None:  # the values as defaults of the arguments: nothing is between the caller and the arithmetic
            known = {**NAMES, "faults": FAULTS, "slow": slow, **{f"k{place}": name for place, name in enumerate(names)}}
            return FunctionType(named.__code__, known, "bound", tuple(values))

        def call() -> tuple[Any, dict[str, Any]]:
            try:
                found = function(*values)
            except FAULTS:
                return slow()
            value, *slopes = [out.item() if not rank else out for out, rank in zip(self._tensors(found, sizes), ranks)]
            return value, dict(zip(names, slopes))

        return call


def entries(tensors: Sequence[Tensor]) -> list[float]:
    """All entries, one tensor after the other."""
    return list(chain.from_iterable([tensor.tolist()] if not tensor.dim() else tensor.reshape(-1).tolist() for tensor in tensors))
