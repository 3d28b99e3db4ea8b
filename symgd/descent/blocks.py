"""A loss over data that come in blocks: exact values and gradients from sums over the samples.

The loss is split, as a formula, into sums over the data dimension and a function of these sums: mean((w*x - y)^2) is S/n with
S = Σ (w*x - y)². A pass adds up every S over the blocks; the chain rule gives the gradient, whose sums are
added up in the same pass where the outer function is linear in them, in a second one otherwise. Blocks may lie with several
processes (see `ranks`): every sum is then one over all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Along, Contract, Counter, Expression, Leaf, Select, Size
from symgd.algebra.simplify import simplified_all
from symgd.calculus import derive
from symgd.descent.ranks import Team
from symgd.errors import ValueGivenError
from symgd.lowering.compiled import Compiled, compiled
from symgd.lowering.lower import lower
from symgd.lowering.norms import norms_opened
from symgd.lowering.stable.rewrite import stable
from symgd.lowering.torch_program import TorchProgram, used_inputs
from symgd.lowering.values import Bound

Blocks = Callable[[], Iterable[Mapping[str, Any]]]
Factor = tuple[Expression, tuple[int, ...]]

_NESTED = "a sum over the samples stands inside another, which takes more than one pass."
_PAIRS = "the loss speaks of pairs of samples, which blocks do not keep together."
_HINT = 'Give all data at once, without blocks; on several ranks write ranks="alone".'


class Split:
    """A loss as sums over samples (`bodies`, one variable of `sums` for each) and the `outer` function of them and their number."""

    def __init__(self, root: Expression, dimension: str) -> None:
        self.count = ex.leaf("the number of samples")
        self.sums: list[Leaf] = []
        self.bodies: list[Expression] = []
        done: dict[Expression, Expression] = {}
        later: set[Expression] = set()  # what a sum is in
        for node in ex.topological(*norms_opened([root])):
            made = self._sized(node, dimension) if isinstance(node, Size) else ex.rebuilt(node, [done[child] for child in node.children])
            inside = [child for child in node.children if _runs(child, dimension)]
            is_later = any(done[child] in later for child in node.children)
            if isinstance(node, Counter | Select) and _runs(node, dimension):
                raise ValueGivenError("the loss depends on the position of a sample, which blocks do not keep.", hint=_HINT)
            if sum(dimension in length.names for length in node.shape) > 1:
                raise ValueGivenError(_PAIRS, hint=_HINT)
            if isinstance(node, Contract) and _runs(node, dimension) and _sums_over(node, dimension):
                raise ValueGivenError(_NESTED, hint=_HINT)
            if inside and not _runs(node, dimension):
                if not isinstance(node, Contract) and not _is_norm(node):
                    raise ValueGivenError("a function other than a sum runs over the samples, which blocks cannot add up.", hint=_HINT)
                if any(done[child] in later for child in inside):
                    raise ValueGivenError(_NESTED, hint=_HINT)
                if isinstance(node, Contract):
                    made = self._sum_of(node, done, dimension, later)
                else:
                    vector, axes = done[node.children[0]], range(node.rank + 1)
                    made = ex.power(self._added(ex.contract(1, [(vector, axes)] * 2, range(node.rank))), Fraction(1, 2))
                is_later = True
            done[node] = made
            if is_later:
                later.add(made)
        self.outer = list(done.values())[-1]

    def _sized(self, node: Size, dimension: str) -> Expression:
        """The length of the data dimension counts the samples of all blocks."""
        if dimension not in node.dimension.names:
            return node
        terms: list[Expression] = []
        for monomial, coefficient in node.dimension.terms:
            term: Expression = ex.constant(coefficient)
            for name, power in monomial:
                term = term * (self.count if name == dimension else ex.size(Dimension.of(name))) ** power
            terms.append(term)
        return ex.add(terms)

    def _sum_of(self, node: Contract, done: Mapping[Expression, Expression], dimension: str, later: set[Expression]) -> Expression:
        """The node with what depends on samples, and on no sum before, added up as a variable of its own."""
        factors = [(done[child], labels) for child, labels in node.factors]
        kept = [(child, labels) for child, labels in factors if child not in later]
        outside = [(child, labels) for child, labels in factors if child in later]
        lengths = node.dimensions()
        beside = {label for _, its in outside for label in its} | set(range(node.rank))
        parts: list[tuple[Expression, list[int]]] = []
        for group in _joined(kept, beside):
            own = dict.fromkeys(label for _, its in group for label in its)
            samples = [label for label in own if dimension in lengths[label].names]
            if len(samples) > 1:
                raise ValueGivenError(_PAIRS, hint=_HINT)
            if not samples:
                parts += [(child, list(its)) for child, its in group]
                continue
            shared = [label for label in own if label in beside]
            parts.append((self._added(ex.contract(1, group, shared)), shared))
        left = {label for _, its in [*parts, *outside] for label in its} | set(range(node.rank))
        sizes = {label: size for label, size in lengths.items() if label in left}
        return ex.contract(node.coefficient, [*parts, *outside], range(node.rank), sizes)

    def _added(self, body: Expression) -> Leaf:
        """The variable for the sum of a part over all blocks."""
        self.bodies.append(body)
        self.sums.append(ex.leaf(f"sum {len(self.sums)}", body.shape))
        return self.sums[-1]


def _joined(factors: Sequence[Factor], beside: set[int]) -> list[list[Factor]]:
    """The factors in groups, those that share a summed label together."""
    groups: list[list[Factor]] = []
    for factor in factors:
        linked = [group for group in groups if any(set(its) & set(factor[1]) - beside for _, its in group)]
        groups = [group for group in groups if group not in linked]
        groups.append([*(one for group in linked for one in group), factor])
    return groups


def _sums_over(node: Contract, dimension: str) -> bool:
    """Does one of the sums of a product run over the samples?"""
    return any(label >= node.rank and dimension in length.names for label, length in node.dimensions().items())


def _is_norm(node: Expression) -> bool:
    return isinstance(node, Along) and node.function.name == "norm2"


def _runs(node: Expression, dimension: str) -> bool:
    return any(dimension in length.names for length in node.shape)


COUNT, ADDED, PULLED, BOTH = range(4)  # what a pass adds up: samples alone; the sums; the gradient for given shares; both


class BlockedLoss:
    """`value_and_gradient(point)` of a loss over blocks, which may lie with several processes, the ranks of a team.

    The first rank decides what is computed where; the others `serve` it. `first` are values that fit, with data of any block.
    """

    def __init__(
        self, program: TorchProgram, names: Sequence[str], dimension: str, blocks: Blocks, first: Bound, team: Team | None = None
    ) -> None:
        self.program, self.names, self.blocks, self.dimension = program, list(names), blocks, dimension
        self.team, self._first = team, first
        self._last: list[Tensor] = []
        f = program.formula
        known = f.known
        parameters = [known[name] for name in names]
        split = Split(f.origin, dimension)
        self._shares = [ex.leaf(f"share {k}", one.shape) for k, one in enumerate(split.sums)]
        slopes = [derive.jacobian(split.outer, one) for one in split.sums]
        self._is_linear = not set(ex.leaves(*slopes)) & set(split.sums)
        pulled = derive.gradient(ex.add([derive.inner(body, share) for body, share in zip(split.bodies, self._shares)]), parameters)
        extra = [split.count, *split.sums, *self._shares]
        self._known = {**known, **{leaf.name: leaf for leaf in extra}}
        self._count, self._sums = split.count.name, [leaf.name for leaf in split.sums]
        self._outer = self._compiled([split.outer, *slopes, *derive.gradient(split.outer, parameters)], parameters)
        passes = {ADDED: split.bodies, PULLED: pulled, BOTH: [*split.bodies, *pulled]}
        self._passes = {what: self._compiled(roots, parameters) for what, roots in passes.items()}
        sums = [torch.Size(length.evaluate(first.sizes) for length in one.shape) for one in split.sums]
        points = [first.tensors[name].shape for name in names]
        self._shapes = {COUNT: [], ADDED: sums, PULLED: points, BOTH: [*sums, *points]}
        self._total = 0  # samples; counted by the first pass

    def _compiled(self, roots: Sequence[Expression], parameters: Sequence[Leaf]) -> Compiled:
        ready = simplified_all(stable(simplified_all(roots)))
        return compiled(lower(ready, used_inputs(ready, self._known), parameters), self.program.dtype, self.program.device)

    def value_and_gradient(self, point: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The loss over all blocks, and its gradient by each parameter."""
        here = dict(zip(self.names, point))
        number = len(self._sums)
        if not self._total:  # the number of samples stands in the sums
            self._pass(COUNT, here)
        if not self._is_linear or not self._last:
            sums = self._pass(ADDED, here)
        else:
            sums = [one.new_zeros(one.shape) for one in self._last]
        shares = self._outer_at(here, sums)[1]
        given = {**here, **{leaf.name: share for leaf, share in zip(self._shares, shares)}}
        if self._is_linear:  # the slopes by the sums do not depend on them: one pass for both
            found = self._pass(BOTH, given)
            sums, pulled = found[:number], found[number:]
        else:
            pulled = self._pass(PULLED, given)
        self._last = sums
        value, _, direct = self._outer_at(here, sums)
        return value, [a + b.to(a.dtype) for a, b in zip(direct, pulled)]

    def _outer_at(self, here: Mapping[str, Tensor], sums: Sequence[Tensor]) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The loss, its slopes by the sums, and by the parameters where the sums are held."""
        dtype = self.program.dtype
        given = {
            **self._first.tensors,
            **here,
            **{name: one.to(dtype) for name, one in zip(self._sums, sums)},
            self._count: self._samples(),
        }
        value, *rest = self._outer.function(*self._outer.arguments(Bound(given, self._first.sizes, ())))
        return value, list(rest[: len(sums)]), list(rest[len(sums) :])

    def _samples(self) -> Tensor:
        return torch.tensor(float(self._total), dtype=self.program.dtype, device=self.program.device)

    def _pass(self, what: int, given: Mapping[str, Tensor]) -> list[Tensor]:
        """Add up, in float64, the results of a program over all blocks of all ranks."""
        if self.team is None:
            total, sums = self._added_here(what, given)
        else:
            self.team.command(what, self._packed(given))
            total, sums = self._added_everywhere(what, given)
        if self._total and total != self._total:
            raise ValueGivenError(
                f"the blocks had {self._total:,} samples, and now have {total:,}.",
                hint="Give a function that returns all blocks at every call.",
            )
        self._total = total
        return sums

    def _added_here(self, what: int, given: Mapping[str, Tensor]) -> tuple[int, list[Tensor]]:
        """The number of samples of this process, and their sums."""
        program = self._passes.get(what)
        total, sums = 0, [torch.zeros(shape, dtype=torch.float64, device=self.program.device) for shape in self._shapes[what]]
        more = {self._count: self._samples()}
        for block in self.blocks():
            bound = self.program.bound({**block, **{name: given[name] for name in self.names}})
            if program is not None:
                parts = program.function(*program.arguments(Bound({**bound.tensors, **more, **given}, bound.sizes, ())))
                sums = [a + part.double() for a, part in zip(sums, parts)]
            total += bound.sizes[self.dimension]
        if not total:
            raise ValueGivenError("the data have no block.", hint="Give a function that returns the blocks anew at every call.")
        return total, sums

    # ---- with several processes ----------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Add up what the first rank asks for, until its descent has ended."""
        assert self.team is not None
        shapes = [*self._shapes[PULLED], *self._shapes[ADDED]]
        names = [*self.names, *(leaf.name for leaf in self._shares)]
        while True:
            what, numbers = self.team.commanded(self.length)
            if what not in self._shapes:
                return
            self._total = int(numbers[0])
            parts = torch.split(numbers[1:].to(self.program.dtype), [shape.numel() for shape in shapes])
            self._added_everywhere(int(what), {name: part.reshape(shape) for name, part, shape in zip(names, parts, shapes)})

    @property
    def length(self) -> int:
        """How many numbers a command has."""
        return 1 + sum(shape.numel() for shape in self._shapes[BOTH])

    def _packed(self, given: Mapping[str, Tensor]) -> Tensor:
        """What the other ranks have to know for a pass: the number of samples, the point, the shares (zeros, where there are none)."""
        parts = [given[name].reshape(-1).double() for name in self.names]
        shares = [given.get(leaf.name, torch.zeros(shape)) for leaf, shape in zip(self._shares, self._shapes[ADDED])]
        device = self.program.device
        return torch.cat([self._samples().reshape(1).double(), *parts, *(one.to(device).reshape(-1).double() for one in shares)])

    def _added_everywhere(self, what: int, given: Mapping[str, Tensor]) -> tuple[int, list[Tensor]]:
        """The same over all ranks. Where one fails, all of them raise."""
        assert self.team is not None
        failed: Exception | None = None
        shapes = self._shapes[what]
        try:
            total, sums = self._added_here(what, given)
        except Exception as error:  # the others wait for this rank: they have to hear of it
            failed, total, sums = error, 0, [torch.zeros(shape, dtype=torch.float64) for shape in shapes]
        device = self.program.device
        numbers = torch.cat([torch.tensor([float(total)], dtype=torch.float64), *(one.reshape(-1).cpu() for one in sums)]).to(device)
        added = self.team.added_up(numbers, failed)
        parts = torch.split(added[1:], [shape.numel() for shape in shapes])
        return int(added[0]), [part.reshape(shape) for part, shape in zip(parts, shapes)]
