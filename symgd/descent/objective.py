"""The loss and its gradient as a function of the parameters alone, over all data or a batch of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Expression, Leaf
from symgd.algebra.expression import leaves as expression_leaves
from symgd.descent.batches import check_size, chosen, data_dimension, slices
from symgd.descent.blocks import BlockedLoss, Blocks
from symgd.descent.polynomials import is_arithmetic
from symgd.descent.quantities import QUANTITIES
from symgd.descent.ranks import Team
from symgd.descent.split import Split, runs_over
from symgd.errors import ValueGivenError
from symgd.formula import Formula
from symgd.lowering.compiled import compiled
from symgd.lowering.lower import lower
from symgd.lowering.torch_program import TorchProgram, to_torch, used_inputs
from symgd.lowering.values import Bound

Point = list[Tensor]

FEW = 40  # numbers to be found up to which the Hessian is derived without being asked for


class Objective:
    """`value_and_gradient(point)`: the loss and its gradient by each of `names`, on the data that are due."""

    def __init__(self, f: Formula, start: Mapping[str, Any], data: Mapping[str, Any], device: Any, dtype: Any, later: bool = False) -> None:
        """With `later`, whether the data are finite is left to `check_data`, where a loss that is finite says so."""
        self.names = list(start)
        self.program: TorchProgram = to_torch(f, gradient=self.names, dtype=dtype, device=device)
        inputs = {leaf.name for leaf in self.program.program.inputs}  # what is not read at all cannot show
        is_shown = later and is_arithmetic(f.origin, tuple(f.known.values()))
        self._unchecked = {name: value for name, value in data.items() if name in inputs} if is_shown else {}  # as they were given
        self.bound = self.program.bound({**data, **start}, self._unchecked)
        if self.bound.batch:
            reason = "every value of a descent is one number, or an array of the declared shape."
            raise ValueGivenError(reason, hint="Declare arrays: x[n].")
        self.start: Point = [self.bound.tensors[name].clone() for name in self.names]
        self.evaluations = 0
        self.blocked: BlockedLoss | None = None
        self._batches: Iterator[Tensor | slice] = iter(())
        known = f.known
        self._data = {name: known[name] for name in self.bound.tensors if name not in self.names}
        self._parameters = {name: known[name] for name in self.names}
        positions = {leaf.name: k for k, leaf in enumerate(self.program.program.inputs)}
        self._places = [positions.get(name) for name in self.names]
        self._arguments: list[Any] = self.program.compiled.arguments(self.bound)

    def value_and_gradient(self, point: Sequence[Tensor]) -> tuple[Tensor, Point]:
        """The loss, a tensor without axes, and its gradient at the point, one tensor per parameter."""
        self.evaluations += 1
        if self.blocked is not None:
            return self.blocked.value_and_gradient(point)
        arguments = self._arguments
        for place, tensor in zip(self._places, point):
            if place is not None:  # a parameter that the loss does not depend on is no argument
                arguments[place] = tensor
        value, *slopes = self.program.compiled.function(*arguments)
        return value, slopes

    def check_data(self) -> None:
        """Raise `ValueGivenError` where an entry of the data is not finite, unless that has been checked."""
        for name, value in self._unchecked.items():
            self.program.check_finite(name, self.bound.tensors[name], value)
        self._unchecked = {}

    def in_blocks(self, blocks: Blocks, team: Team | None = None, whole: Blocks | None = None) -> None:
        """From now on the loss is over all blocks, of all ranks of a team: see `blocks`. The data given before were one of them.

        `whole` are the blocks of all ranks, where this rank has them.
        """
        dimension = data_dimension(self._parameters, self._data)
        self.blocked = BlockedLoss(self.program, self.names, dimension, blocks, self.bound, team, whole)

    @property
    def team(self) -> Team | None:
        """The processes that share the data, where there are several."""
        return None if self.blocked is None else self.blocked.team

    @property
    def is_small(self) -> bool:
        """Is the Hessian derived without being asked for: are there few numbers to be found?"""
        return self.count <= FEW

    def batched(self) -> Callable[[Sequence[Tensor]], tuple[Tensor, Point]]:
        """`value_and_gradient` of many points at once, along a new first axis of every parameter; on all data."""
        if self.blocked is not None:
            return self._at_many

        arguments = self.program.compiled.arguments(self.bound)
        inner = [place for place in self._places if place is not None]
        axes = tuple(0 if k in inner else None for k in range(len(arguments)))
        function = torch.vmap(self.program.compiled.function, in_dims=axes) if inner else self.program.compiled.function

        def call(points: Sequence[Tensor]) -> tuple[Tensor, Point]:
            self.evaluations += len(points[0])
            for place, tensor in zip(self._places, points):
                if place is not None:
                    arguments[place] = tensor
            value, *slopes = function(*arguments)
            number = len(points[0])
            if not inner:
                return value.expand(number), [slope.expand(number, *slope.shape) for slope in slopes]
            return value, slopes

        return call

    def _at_many(self, points: Sequence[Tensor]) -> tuple[Tensor, Point]:
        assert self.blocked is not None
        self.evaluations += len(points[0])
        found = self.blocked.values_and_gradients([list(point) for point in zip(*points)])
        return torch.stack([value for value, _ in found]), [torch.stack(slopes) for slopes in zip(*(slopes for _, slopes in found))]

    @property
    def leaves(self) -> list[Leaf]:
        """The parameters as variables of the formula, in order."""
        return list(self._parameters.values())

    @property
    def count(self) -> int:
        """How many numbers are to be found."""
        return sum(tensor.numel() for tensor in self.start)

    def size(self, shape: Sequence[Dimension]) -> int:
        """How many entries an array of this shape has."""
        return math.prod(length.evaluate(self.bound.sizes) for length in shape)

    def of_all_data(self, roots: Sequence[Expression], more: Sequence[Leaf] = ()) -> Callable[..., tuple[Tensor, ...]]:
        """Expressions as a function of the point, and of values for variables that are neither parameters nor data; on all data.

        Of data in blocks the expressions may hold none.
        """
        inside = set(expression_leaves(*roots))
        if self.blocked is not None and any(runs_over(leaf, self.blocked.dimension) for leaf in inside):
            raise ValueGivenError("this takes all data at once, and they come in blocks or lie with several ranks.")
        f = self.program.formula
        known = {**f.known, **{leaf.name: leaf for leaf in more}}
        made = compiled(lower(roots, used_inputs(roots, known), self.leaves), self.program.dtype, self.program.device)
        places = {leaf.name: k for k, leaf in enumerate(made.program.inputs)}
        given = dict.fromkeys((leaf.name for leaf in more), torch.zeros(()))
        arguments = made.arguments(Bound({**self.bound.tensors, **given}, self.bound.sizes, ()))
        inner = [places.get(name) for name in (*self.names, *(leaf.name for leaf in more))]

        def call(point: Sequence[Tensor], *values: Tensor) -> tuple[Tensor, ...]:
            for place, tensor in zip(inner, (*point, *values)):
                if place is not None:
                    arguments[place] = tensor
            return made.function(*arguments)

        return call

    def _split(self) -> Split:
        dimension = None if self.blocked is None else self.blocked.dimension
        return Split(self.program.formula.origin, self.leaves, dimension)

    def quantity(self, name: str) -> Callable[..., tuple[Tensor, ...]]:
        """One of the `QUANTITIES` as a function of the point, and of values for the variables it has beside."""
        if self.blocked is not None:
            return self.blocked.quantity(name)
        roots, more = QUANTITIES[name](self._split())
        return self.of_all_data(roots, more)

    @cached_property
    def _terms(self) -> Callable[..., tuple[Tensor, ...]]:
        if self.blocked is not None:
            return self.quantity("terms")
        root = self.program.formula.expression
        return self.of_all_data([ex.scaled(coefficient, node) for coefficient, node in ex.terms(root)])

    def magnitude(self, point: Sequence[Tensor]) -> float:
        """The sum of the sizes of the terms of the loss: what its rounding is a share of."""
        self.evaluations += 1
        return sum(abs(float(term)) for term in self._terms(point))

    @cached_property
    def slopes(self) -> list[Expression]:
        """The gradient by each parameter."""
        split = self._split()
        return split.gradient(split.value)

    @cached_property
    def is_quadratic(self) -> bool:
        """Is the gradient linear in the parameters: is no parameter in the Hessian?"""
        split = self._split()
        return not split.holds(*QUANTITIES["hessian"](split)[0])

    def hessian(self) -> Callable[[Sequence[Tensor]], Tensor]:
        """The symbolic Hessian as a function of the point: a matrix over all entries of all parameters, in order.

        It is derived when it is first asked for.
        """
        made: list[Callable[..., tuple[Tensor, ...]]] = []
        lengths = [tensor.numel() for tensor in self.start]

        def call(point: Sequence[Tensor]) -> Tensor:
            if not made:
                made.append(self.quantity("hessian"))
            self.evaluations += 1
            found = iter(made[0](point))
            return torch.cat([torch.cat([next(found).reshape(rows, columns) for columns in lengths], 1) for rows in lengths])

        return call

    def entries(self) -> int:
        """How many entries the data have along their own dimension."""
        return self.bound.sizes[data_dimension(self._parameters, self._data)]

    @property
    def has_arrays(self) -> bool:
        """Is any of the data an array?"""
        return any(leaf.shape for leaf in self._data.values())

    def rows(self, entries: slice) -> dict[str, Tensor]:
        """The data with only these entries of their own dimension."""
        tensors = {name: self.bound.tensors[name] for name in self._data}
        return chosen(tensors, self._data, data_dimension(self._parameters, self._data), entries)

    # ---- batches ---------------------------------------------------------------------------------------------------------

    def in_batches(self, size: int, shuffle: int | None) -> int:
        """From the next `draw` on use batches of the data: how many updates a pass takes. Raises ValueGivenError for too large a batch."""
        if self.blocked is not None:
            return self.blocked.in_batches(size, shuffle, self._cut)
        entries = self.entries()
        check_size(size, entries)
        self._batches = slices(entries, size, shuffle)
        return math.ceil(entries / size)

    def draw(self, number: int = 1) -> None:
        """From now on use the next batch but `number` - 1; 0: all data."""
        if self.blocked is not None:
            self.blocked.draw(number)
            return
        entries: Tensor | slice | None = None
        for _ in range(number):
            entries = next(self._batches)
        self._use(entries)

    def _cut(self, tensors: Mapping[str, Tensor], entries: Tensor | slice) -> dict[str, Tensor]:
        return chosen(tensors, self._data, data_dimension(self._parameters, self._data), entries)

    def _use(self, entries: Tensor | slice | None) -> None:
        """Evaluate on these entries of the data; on all of them for None."""
        bound = self.bound
        if entries is not None:
            dimension = data_dimension(self._parameters, self._data)
            tensors = chosen({name: bound.tensors[name] for name in self._data}, self._data, dimension, entries)
            count = next(
                tensor.shape[axis]
                for name, tensor in tensors.items()
                for axis, length in enumerate(self._data[name].shape)
                if str(length) == dimension
            )
            bound = Bound({**bound.tensors, **tensors}, {**bound.sizes, dimension: count}, ())
        self._arguments = self.program.compiled.arguments(bound)
