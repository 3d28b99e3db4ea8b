"""A loss over data that come in blocks: exact values, gradients, Hessians, residuals from passes that merge what each block gives.

The loss is a function of sums over the samples (see `split`). A pass adds up sums over the blocks; the chain rule gives the gradient,
whose sums are added up in the same pass where the outer function is linear in them, in a second one otherwise. Residuals of a sum of
squares are merged too: the triangle of their QR factorisation stands for all of them, and no digits are lost to squaring. Blocks may
lie with several processes (see `ranks`): every pass is then one over all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Expression, Leaf
from symgd.algebra.simplify import simplified_all
from symgd.calculus import derive
from symgd.descent.batches import Batch, Cut, batches_of, batches_of_own, check_size, no_block
from symgd.descent.passes import Pass, larger, range_of, triangle
from symgd.descent.quantities import QUANTITIES, Derived
from symgd.descent.ranks import Team
from symgd.descent.sample_squares import Squares, squares_over
from symgd.descent.split import Split
from symgd.errors import SymgdError, ValueGivenError
from symgd.lowering.compiled import Compiled, compiled
from symgd.lowering.lower import lower
from symgd.lowering.stable.rewrite import stable
from symgd.lowering.torch_program import TorchProgram, used_inputs
from symgd.lowering.values import Bound

Blocks = Callable[[], Iterable[Mapping[str, Any]]]
Given = Mapping[str, Tensor]

# What a pass makes of the blocks: nothing but the number of samples; the sums; the gradient for given shares; both; what is known of
# the squares before; their residuals. Quantities are the other passes, sums all of them.
COUNT, ADDED, PULLED, BOTH, WEIGHTS, ROWS, LEVEL = "count", "added", "pulled", "both", "weights", "rows", "level"
PASSES = (COUNT, ADDED, PULLED, BOTH, WEIGHTS, ROWS, LEVEL, *QUANTITIES)
DRAW = len(PASSES)  # the command beside those of passes: to another batch


class BlockedLoss:
    """`value_and_gradient(point)` of a loss over blocks, which may lie with several processes, the ranks of a team.

    The first rank decides what is computed where; the others `serve` it. `first` are values that fit, with data of any block.
    `whole` are the blocks of all ranks, where this rank has them: of every batch each takes its part.
    """

    def __init__(
        self,
        program: TorchProgram,
        names: Sequence[str],
        dimension: str,
        blocks: Blocks,
        first: Bound,
        team: Team | None = None,
        whole: Blocks | None = None,
    ) -> None:
        self.whole = whole
        self.program, self.names, self.blocks, self.dimension = program, list(names), blocks, dimension
        self.team, self.first = team, first
        self.parameters = [program.formula.known[name] for name in names]
        self.place = 0 if team is None else team.joined(self)  # which of the losses of its team it is
        self.batches: Iterator[Batch] | None = None
        self._batch: Batch | None = None  # None: all data are used
        self._trouble: Exception | None = None  # that a batch was to be drawn with
        self._passes: dict[str, Pass] = {}
        self._outers: dict[str, tuple[Compiled, list[Leaf]]] = {}
        self._range: Tensor | None = None  # minus the least weight of the squares, and the largest
        self._total = 0  # samples; counted by the first pass
        split = self._split()
        self._sums, bodies = list(split.bodies), list(split.bodies.values())
        self._shares = [ex.leaf(f"share {k}", one.shape) for k, one in enumerate(self._sums)]
        direct = derive.gradient(split.value, [*self._sums, *self.parameters])
        self._is_linear = not set(ex.leaves(*direct[: len(self._sums)])) & set(self._sums)
        pulled = derive.gradient(ex.add([derive.inner(body, share) for body, share in zip(bodies, self._shares)]), self.parameters)
        self._outer = self._compiled([split.value, *direct], split, self._sums, torch.float64)
        self._passes[COUNT] = Pass(None, (), ())
        self._passes[ADDED] = self._sum_of(bodies, split, ())
        for what, roots in {PULLED: pulled, BOTH: [*bodies, *pulled]}.items():
            self._passes[what] = self._sum_of(roots, split, self._shares)

    def _split(self) -> Split:
        return Split(self.program.formula.origin, self.parameters, self.dimension)

    def _compiled(self, roots: Sequence[Expression], split: Split, more: Sequence[Leaf] = (), dtype: torch.dtype | None = None) -> Compiled:
        ready = simplified_all(stable(simplified_all(roots)))
        known = {**self.program.formula.known, **{leaf.name: leaf for leaf in (split.COUNT, *more)}}
        return compiled(lower(ready, used_inputs(ready, known), self.parameters), dtype or self.program.dtype, self.program.device)

    def _shape(self, shape: Sequence[Dimension]) -> torch.Size:
        return torch.Size(length.evaluate(self.first.sizes) for length in shape)

    def _sum_of(self, bodies: Sequence[Expression], split: Split, more: Sequence[Leaf]) -> Pass:
        shapes = tuple(self._shape(body.shape) for body in bodies)
        return Pass(self._compiled(bodies, split, more) if bodies else None, (*self.parameters, *more), shapes)

    # ---- the loss --------------------------------------------------------------------------------------------------------

    def value_and_gradient(self, point: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The loss over all blocks, and its gradient by each parameter."""
        return self.values_and_gradients([point])[0]

    def values_and_gradients(self, points: Sequence[Sequence[Tensor]]) -> list[tuple[Tensor, list[Tensor]]]:
        """The same at several points, in the same passes."""
        here = [dict(zip(self.names, point)) for point in points]
        self._counted()
        if self._is_linear:  # the slopes by the sums do not depend on them: one pass for both
            zeros = self._passes[ADDED].start(self.program.device)
            shares = [self._outer_at(one, zeros)[1] for one in here]
            found = self._pass(BOTH, [self._with_shares(one, its) for one, its in zip(here, shares)])
            number = len(self._sums)
            return [self._joined(one, both[:number], both[number:]) for one, both in zip(here, found)]
        sums = self._pass(ADDED, here)
        shares = [self._outer_at(one, its)[1] for one, its in zip(here, sums)]
        pulled = self._pass(PULLED, [self._with_shares(one, its) for one, its in zip(here, shares)])
        return [self._joined(*one) for one in zip(here, sums, pulled)]

    def _with_shares(self, here: Given, shares: Sequence[Tensor]) -> Given:
        return {**here, **{leaf.name: share.to(self.program.dtype) for leaf, share in zip(self._shares, shares)}}

    def _joined(self, here: Given, sums: Sequence[Tensor], pulled: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        value, _, direct = self._outer_at(here, sums)
        dtype = self.program.dtype
        return value.to(dtype), [(a + b).to(dtype) for a, b in zip(direct, pulled)]

    def _outer_at(self, here: Given, sums: Sequence[Tensor]) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The loss, its slopes by the sums, and by the parameters where the sums are held, in float64."""
        value, *rest = self._of_sums(self._outer, here, self._sums, sums)
        return value, list(rest[: len(sums)]), list(rest[len(sums) :])

    def _of_sums(self, outer: Compiled, here: Given, leaves: Sequence[Leaf], sums: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """A function of sums, in float64: sums, and the number of samples, may be larger than numbers of the program can be."""
        given = {leaf.name: one for leaf, one in zip(leaves, sums)}
        values = {**self.first.tensors, **here, **given, _COUNT: self._samples()}
        inside = {leaf.name: values[leaf.name].double() for leaf in outer.program.inputs}
        return outer.function(*outer.arguments(Bound(inside, self.first.sizes, ())))

    # ---- quantities, and the squares ---------------------------------------------------------------------------------------

    def quantity(self, name: str) -> Callable[..., tuple[Tensor, ...]]:
        """One of the `QUANTITIES` as a function of the point, and of values for the variables it has beside."""
        outer, sums = self._quantity(name)

        def call(point: Sequence[Tensor], *values: Tensor) -> tuple[Tensor, ...]:
            step = self._passes[name]
            here = {leaf.name: value for leaf, value in zip(step.given, (*point, *values), strict=True)}
            self._counted()
            found = self._pass(name, [here])[0] if sums else []
            return tuple(one.to(self.program.dtype) for one in self._of_sums(outer, here, sums, found))

        return call

    def _quantity(self, name: str) -> tuple[Compiled, list[Leaf]]:
        """The function of sums, and its sums; their pass is among the passes then."""
        if name not in self._outers:
            split, (roots, more) = self._derived(name)
            used = split.used(*roots)
            self._passes[name] = self._sum_of([split.bodies[one] for one in used], split, more)
            self._outers[name] = self._compiled(roots, split, [*more, *used], torch.float64), used
        return self._outers[name]

    def _derived(self, name: str) -> tuple[Split, Derived]:
        if name != LEVEL:
            split = self._split()
            return split, QUANTITIES[name](split)
        assert self.squares is not None
        return self.squares.split, ([root for one in self.squares.level for root in (one.weight, one.residual, *one.slopes)], ())

    @cached_property
    def squares(self) -> Squares | None:
        """The squares that the loss is a sum of; None where it is not seen to be one, or a sample's stand beside a sum over all."""
        return squares_over(self._split(), self.program.formula.origin)

    def weights(self) -> tuple[float, float]:
        """The least and the largest weight of the squares that run over the samples; (inf, -inf) where there are none."""
        assert self.squares is not None
        if self.squares.rows and self._range is None:
            self._counted()
            self._pass(WEIGHTS, [{}])
        return (math.inf, -math.inf) if self._range is None else (-float(self._range[0]), float(self._range[1]))

    def rows(self, point: Sequence[Tensor]) -> Tensor:
        """For the residuals r that run over the samples, with their Jacobian J, a matrix of p + 1 rows and columns: an upper triangle
        R with R'R = [J r]'[J r]. Each is multiplied by the root of its weight, beside the largest weight."""
        self.weights()
        return self._pass(ROWS, [dict(zip(self.names, point))])[0][0]

    def level(self, point: Sequence[Tensor]) -> list[tuple[Tensor, Tensor, list[Tensor]]]:
        """Weights, residuals and Jacobians of the squares that do not run over the samples."""
        assert self.squares is not None
        if not self.squares.level:
            return []
        entries = iter(self.quantity(LEVEL)(point))
        return [(next(entries), next(entries), [next(entries) for _ in self.names]) for _ in self.squares.level]

    def residuals(self) -> int:
        """How many residuals there are."""
        assert self.squares is not None
        self._counted()
        sizes = {**self.first.sizes, self.dimension: self._total}
        every = [*self.squares.rows, *self.squares.level]
        return sum(math.prod(length.evaluate(sizes) for length in one.residual.shape) for one in every)

    def _weights_pass(self) -> Pass:
        assert self.squares is not None
        program = self._compiled([one.weight for one in self.squares.rows], self.squares.split)
        return Pass(program, (), (torch.Size([2]),), False, range_of, larger, -math.inf)

    def _rows_pass(self) -> Pass:
        assert self.squares is not None
        squares, (least, largest) = self.squares, self.weights()
        weighted = least != largest  # one weight for all is a factor: it would only round
        roots = [root for one in squares.rows for root in (one.residual, *one.slopes)]
        program = self._compiled([*roots, *(one.weight for one in squares.rows if weighted)], squares.split)
        lengths, number = [self.first.tensors[name].numel() for name in self.names], len(squares.rows)

        def merged(results: Sequence[Tensor]) -> list[Tensor]:
            parts = []
            for k in range(number):
                residual, *slopes = results[k * (1 + len(lengths)) : (k + 1) * (1 + len(lengths))]
                rows = torch.cat([one.reshape(residual.numel(), -1) for one in (*slopes, residual)], 1)
                if weighted:
                    rows = rows * torch.sqrt(results[len(roots) + k] / largest).reshape(-1, 1)
                parts.append(rows)
            return [triangle(torch.cat(parts))]

        wide = sum(lengths) + 1
        return Pass(
            program, tuple(self.parameters), (torch.Size([wide, wide]),), False, merged, lambda a, b: [triangle(torch.cat([*a, *b]))]
        )

    # ---- batches ---------------------------------------------------------------------------------------------------------

    def in_batches(self, size: int, shuffle: int | None, cut: Cut) -> int:
        """From the next `draw` on use batches: how many updates a pass takes."""
        team = self.team

        def blocks() -> Iterator[tuple[Given, int]]:
            for bound in self._bounds((self.whole or self.blocks)()):
                yield {name: one for name, one in bound.tensors.items() if name not in self.names}, bound.sizes[self.dimension]

        if team is None or team.splits:
            total = sum(number for _, number in blocks())
            if not total:
                raise no_block()
            check_size(size, total)
            self.batches = batches_of(blocks, cut, total, size, shuffle, (0, 1) if team is None else (team.rank, team.size))
            return math.ceil(total / size)
        counts = team.counts(lambda: sum(number for _, number in blocks()))
        check_size(size, sum(counts))
        self.batches = batches_of_own(blocks, cut, counts, team.rank, size, shuffle)
        return math.ceil(sum(counts) / size)

    def draw(self, number: int) -> None:
        """From now on use the next batch but `number` - 1; 0: all data."""
        if self.team is not None and self.team.leads:
            self.team.command(self.place, DRAW, torch.tensor([float(number)], dtype=torch.float64))
        self._drawn(number)

    def _drawn(self, number: int) -> None:
        if not number:
            self._batch = None
            return
        assert self.batches is not None
        try:
            for _ in range(number):
                self._batch = next(self.batches)
        except Exception as error:  # told in the next pass, by which all ranks hear of it
            self._trouble = error

    # ---- passes ----------------------------------------------------------------------------------------------------------

    def _counted(self) -> None:
        """The number of samples stands in the sums: it has to be known before them."""
        if not self._total and self._batch is None:
            self._pass(COUNT, [{}])

    def _samples(self) -> Tensor:
        number = self._total if self._batch is None else self._batch.count
        return torch.tensor(float(number), dtype=torch.float64, device=self.program.device)

    def _samples_of(self, program: Compiled | None) -> Given:
        """The number of samples as a value for a program of blocks. Raises ValueGivenError where it takes one, and cannot hold it."""
        found, dtype = self._samples().to(self.program.dtype), self.program.dtype
        if program is not None and _COUNT in {leaf.name for leaf in program.program.inputs} and not bool(torch.isfinite(found)):
            reason = f"the number of samples stands in what is added up over them, and is more than {str(dtype)[6:]} can hold."
            raise ValueGivenError(reason, hint="Give dtype=torch.float32, or divide the sum as a whole.")
        return {_COUNT: found}

    def _step(self, what: str) -> Pass:
        """A pass, made when it is first asked for."""
        if what not in self._passes and what in (WEIGHTS, ROWS):
            self._passes[what] = self._weights_pass() if what == WEIGHTS else self._rows_pass()
        elif what not in self._passes:
            self._quantity(what)
        return self._passes[what]

    def _pass(self, what: str, given: Sequence[Given]) -> list[list[Tensor]]:
        """A pass over all blocks of all ranks, in float64, for one or several sets of values of its variables."""
        step = self._step(what)
        if self.team is None:
            total, found = self._here(step, given)
        else:
            self.team.command(self.place, PASSES.index(what), self._packed(step, given))
            total, found = self._everywhere(what, given)
        if self._batch is None and self._total and total != self._total:
            raise ValueGivenError(
                f"the blocks had {self._total:,} samples, and now have {total:,}.",
                hint="Give a function that returns all blocks at every call.",
            )
        self._note(what, total, found)
        return found

    def _note(self, what: str, total: int, found: list[list[Tensor]]) -> None:
        """What later passes need of this one."""
        if self._batch is None:
            self._total = total
        if what == WEIGHTS:
            self._range = found[0][0]

    def _here(self, step: Pass, given: Sequence[Given]) -> tuple[int, list[list[Tensor]]]:
        """The number of samples of this process, and what its blocks give."""
        if self._trouble is not None:
            raise self._trouble
        program, total, more = step.program, 0, self._samples_of(step.program)
        found = [step.start(self.program.device) for _ in given]
        for bound in self._bounds(self.blocks() if self._batch is None else self._batch.rows):
            total += bound.sizes[self.dimension]
            for k, values in enumerate(given if program is not None else ()):
                assert program is not None
                parts = program.function(*program.arguments(Bound({**bound.tensors, **more, **values}, bound.sizes, ())))
                found[k] = step.merge(found[k], step.of([part.double() for part in parts]))
        if not total and self._batch is None:
            raise no_block()
        return total, found

    def _bounds(self, blocks: Iterable[Mapping[str, Any]]) -> Iterator[Bound]:
        """The blocks, checked; an error says which it is about."""
        start = {name: self.first.tensors[name] for name in self.names}
        for number, block in enumerate(blocks, 1):
            try:
                yield self.program.bound({**block, **start})
            except SymgdError as error:
                raise type(error)(f"block {number} of the data: {error.reason}", hint=error.hint) from None

    # ---- with several processes ------------------------------------------------------------------------------------------

    def serve(self, what: int, numbers: Tensor) -> None:
        """Do what the first rank asks for."""
        if what == DRAW:
            self._drawn(int(numbers[0]))
            return
        if self._batch is None:
            self._total = int(numbers[0])
        name = PASSES[what]
        total, found = self._everywhere(name, self._unpacked(self._step(name), numbers[1:]))
        self._note(name, total, found)

    def _packed(self, step: Pass, given: Sequence[Given]) -> Tensor:
        """What the other ranks have to know for a pass: the number of samples, and the values."""
        parts = [one[leaf.name].reshape(-1).double() for one in given for leaf in step.given]
        return torch.cat([self._samples().reshape(1), *parts])

    def _unpacked(self, step: Pass, numbers: Tensor) -> list[Given]:
        shapes = [self._shape(leaf.shape) for leaf in step.given]
        wide = sum(shape.numel() for shape in shapes)
        found: list[Given] = []
        for row in numbers.to(self.program.dtype).reshape(-1, wide) if wide else [numbers]:
            parts = torch.split(row, [shape.numel() for shape in shapes])
            found.append({leaf.name: part.reshape(shape) for leaf, part, shape in zip(step.given, parts, shapes)})
        return found

    def _everywhere(self, what: str, given: Sequence[Given]) -> tuple[int, list[list[Tensor]]]:
        """The same over all ranks. Where one fails, all of them raise."""
        assert self.team is not None
        step, failed = self._step(what), None
        try:
            total, found = self._here(step, given)
        except Exception as error:  # the others wait for this rank: they have to hear of it
            failed, total, found = error, 0, [step.start(self.program.device) for _ in given]
        flat = torch.cat([one.reshape(-1) for its in found for one in its] or [torch.zeros(0, dtype=torch.float64)])
        count = torch.tensor([float(total)], dtype=torch.float64, device=flat.device)
        if step.is_sum:
            added = self.team.added_up(torch.cat([count, flat]), failed)
            return int(added[0]), self._shaped(step, added[1:], len(given))
        every = self.team.added_up(torch.cat([count, self.team.slot(flat)]), failed)
        ranks = [self._shaped(step, row, len(given)) for row in every[1:].reshape(self.team.size, -1)]
        merged = ranks[0]
        for other in ranks[1:]:
            merged = [step.merge(a, b) for a, b in zip(merged, other)]
        return int(every[0]), merged

    def _shaped(self, step: Pass, numbers: Tensor, times: int) -> list[list[Tensor]]:
        parts = iter(torch.split(numbers, [shape.numel() for shape in step.shapes] * times))
        return [[next(parts).reshape(shape) for shape in step.shapes] for _ in range(times)]


_COUNT = Split.COUNT.name
