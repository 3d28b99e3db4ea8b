"""The loss and its gradient as a function of the parameters alone, over all data or a batch of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from symgd.algebra.dimension import Dimension, shape_text
from symgd.algebra.expression import Leaf
from symgd.errors import ShapeError, ValueGivenError
from symgd.formula import Formula
from symgd.lowering.compiled import checked_device, checked_dtype
from symgd.lowering.torch_program import TorchProgram
from symgd.lowering.values import Bound

Point = list[Tensor]


class Objective:
    """`value_and_gradient(point)`: the loss and its gradient by each of `names`, on the data of the current batch."""

    def __init__(self, f: Formula, start: Mapping[str, Any], data: Mapping[str, Any], device: Any, dtype: Any) -> None:
        self.names = list(start)
        self.program = TorchProgram(f, self.names, checked_dtype(dtype), checked_device(device), "eager")
        bound = self.program.bound({**data, **start})
        if bound.batch:
            name = next(name for name in start if bound.tensors[name].dim()) if any(bound.tensors[name].dim() for name in start) else ""
            what = f"{name} is a scalar, and its start has shape {bound.batch}" if name else "scalars are given arrays as data"
            raise ShapeError(f"{what}.", hint="Declare the shape of an array, as in x[n].")
        self.start: Point = [bound.tensors[name].clone() for name in self.names]
        self.evaluations = 0
        self._leaves = [leaf for leaf in self.program.program.inputs if leaf.name not in start]
        self._whole, self._sizes = bound.tensors, bound.sizes
        self._positions = {leaf.name: k for k, leaf in enumerate(self.program.program.inputs)}
        self._places = [self._positions.get(name) for name in self.names]
        self._arguments: list[Any] = self.program.compiled.arguments(bound)

    def value_and_gradient(self, point: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The loss, a tensor without axes, and its gradient at the point, one tensor per parameter."""
        self.evaluations += 1
        arguments = self._arguments
        for place, tensor in zip(self._places, point):
            if place is not None:
                arguments[place] = tensor
        value, *slopes = self.program.compiled.function(*arguments)
        return value, slopes

    # ---- batches -----------------------------------------------------------------------------------------------------

    def length(self) -> int:
        """How many entries the data have along the dimension that batches are taken of."""
        return self._sizes[self._dimension()]

    def use(self, chosen: Tensor | slice | None) -> None:
        """Evaluate on these entries of the data, on all of them for None."""
        tensors = dict(self._whole)
        sizes = dict(self._sizes)
        if chosen is not None:
            name = self._dimension()
            for leaf in self._leaves:
                axis = next((axis for axis, length in enumerate(leaf.shape) if length == Dimension.of(name)), None)
                if axis is not None:
                    tensors[leaf.name] = _taken(tensors[leaf.name], axis, chosen)
                    sizes[name] = tensors[leaf.name].shape[axis]
        self._arguments = self.program.compiled.arguments(Bound(tensors, sizes, ()))

    def _dimension(self) -> str:
        """The dimension of the data alone: the one name that stands on axes of data and in no parameter."""
        of_parameters = {name for leaf in self.program.program.inputs if leaf not in self._leaves for name in _names(leaf)}
        found = list(dict.fromkeys(name for leaf in self._leaves for name in _names(leaf) if name not in of_parameters))
        if len(found) != 1:
            what = f"there are {len(found)}: {', '.join(found)}" if found else "there is none"
            hint = "Batches are taken of the one dimension that only the data have, as n in x[n], y[n]."
            raise ShapeError(f"batch needs one dimension of the data alone, and {what}.", hint=hint)
        for leaf in self._leaves:
            plain = [length for length in leaf.shape if length == Dimension.of(found[0])]
            if found[0] in _names(leaf) and (len(plain) != 1 or sum(found[0] in length.names for length in leaf.shape) > 1):
                reason = f"batch takes entries along {found[0]}, and {leaf.name} is {shape_text(leaf.shape)}."
                raise ShapeError(reason, hint=f"Every array of the data has {found[0]} as one axis, or not at all.")
        return found[0]


def _names(leaf: Leaf) -> tuple[str, ...]:
    return tuple(name for length in leaf.shape for name in length.names)


def _taken(tensor: Tensor, axis: int, chosen: Tensor | slice) -> Tensor:
    if isinstance(chosen, slice):
        return tensor[(slice(None),) * axis + (chosen,)]
    return tensor.index_select(axis, chosen.to(tensor.device))


def batches(length: int, size: int, seed: int | None) -> Iterator[Tensor | slice]:
    """Batches of this size for ever: each pass goes through all entries, in order or shuffled anew by the seed."""
    if size > length:
        raise ValueGivenError(f"batch is {size}, and the data have {length} entries.", hint=f"Give batch={length} at most.")
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    while True:
        order = None if generator is None else torch.randperm(length, generator=generator)
        for start in range(0, length, size):
            yield slice(start, min(start + size, length)) if order is None else order[start : start + size]
