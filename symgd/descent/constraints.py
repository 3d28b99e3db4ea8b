"""What a declaration asks of a parameter, kept during a descent: `t > 0`, `p in (0, 1)`, `q[n] simplex`.

Where the method searches, a parameter is written as a smooth function of a free one, and the loss is descended in that; with a rate
given, steps are those of the parameters themselves, and each is projected back. The functions are those of the table below: of an open
bound the exponential, of an interval the logistic function, of a bound that belongs to the set one that reaches it (as MINUIT has it:
James & Winkler, MINUIT User's Guide, CERN 2004, 1.3.1). The simplex: softmax; its projection: Duchi et al., ICML 2008.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Expression, Leaf
from symgd.algebra.functions.table import F
from symgd.descent.blocks import Blocks
from symgd.descent.methods.method import Evaluate, Point, State, Updates
from symgd.descent.objective import Objective
from symgd.errors import ValueGivenError
from symgd.formula import Formula

_RELATION = re.compile(r"(<=|>=|<|>) *(\S+)\Z")
_INTERVAL = re.compile(r"in *([\[(]) *([^,]*), *([^,\])]*)([\])])\Z")
_INSIDE = 1e-8  # how far from an open bound a projection stays, beside its size
_OFF = 1e-3  # a free parameter begins at least this far from where its function turns round
_NOT_KEPT = ("integer", "in {", "spd", "orthogonal")  # kinds that a descent does not keep


@dataclass(frozen=True, slots=True)
class Bounds:
    """A lower and an upper bound (None: none), and whether they belong to the set."""

    low: Fraction | None
    high: Fraction | None
    closed: bool


@dataclass(frozen=True, slots=True)
class Constraint:
    """What one parameter keeps: as the function `outer` of `free`, by numbers in both directions, and by projection."""

    leaf: Leaf
    text: str
    free: Leaf
    outer: Expression
    to_free: Callable[[Tensor], Tensor]
    from_free: Callable[[Tensor], Tensor]
    projected: Callable[[Tensor], Tensor]
    how: str
    constants: Mapping[Leaf, Callable[[Tensor], Tensor]]  # arrays in `outer`, from the start

    def holds(self, value: Tensor) -> bool:
        """Is the value where the projection leaves it?"""
        return bool(torch.isfinite(value).all()) and bool(torch.allclose(self.projected(value), value, rtol=0, atol=0))


def constraints_of(leaves: Sequence[Leaf]) -> list[Constraint]:
    """The constraints on parameters. Raises ValueGivenError for one that a descent does not keep."""
    found = []
    for leaf in leaves:
        for kind in leaf.kind:
            if kind.startswith(_NOT_KEPT):
                raise ValueGivenError(
                    f"{leaf.name} is declared {kind}, which a descent does not keep.",
                    hint="Leave it out of the declaration, or give a value.",
                )
            made = _simplex(leaf) if kind == "simplex" else _bounded(leaf, kind)
            if made is not None:
                found.append(made)
    return found


def _free(leaf: Leaf, shape: tuple[Dimension, ...]) -> Leaf:
    return ex.leaf(f"free {leaf.name}", shape)


def _bounds(kind: str) -> Bounds | None:
    relation, interval = _RELATION.match(kind), _INTERVAL.match(kind)
    if relation:
        bound, closed = Fraction(relation[2]), relation[1].endswith("=")
        return Bounds(bound, None, closed) if relation[1].startswith(">") else Bounds(None, bound, closed)
    if interval:
        return Bounds(Fraction(interval[2].strip()), Fraction(interval[3].strip()), interval[1] == "[" or interval[4] == "]")
    return None


def _bounded(leaf: Leaf, kind: str) -> Constraint | None:
    bounds = _bounds(kind)
    if bounds is None:
        return None
    u, one = _free(leaf, leaf.shape), ex.full(1, leaf.shape)
    low, high = bounds.low, bounds.high
    if low is not None and high is not None:
        a, wide = float(low), float(high - low)
        if bounds.closed:
            outer, how = low + (high - low) * (one + F.sin(u)) / 2, "a sine"
            turn = math.pi / 2 - _OFF
            to, back = (
                lambda t: torch.clamp(torch.asin(torch.clamp(2 * (t - a) / wide - 1, -1, 1)), -turn, turn),
                lambda u: a + wide * (1 + torch.sin(u)) / 2,
            )
        else:
            outer, how = low + (high - low) * F.sigmoid(u), "the logistic function"
            to, back = lambda t: torch.logit((t - a) / wide), lambda u: a + wide * torch.sigmoid(u)
    else:
        bound = low if low is not None else high
        assert bound is not None
        sign, a = (1 if low is not None else -1), float(bound)
        if bounds.closed:
            outer, how = bound + sign * (F.sqrt(one + u**2) - 1), "a hyperbola"
            to, back = (
                lambda t: torch.clamp(torch.sqrt((sign * (t - a) + 1) ** 2 - 1), min=_OFF),
                lambda u: a + sign * (torch.sqrt(1 + u**2) - 1),
            )
        else:
            outer, how = bound + sign * F.exp(u), "an exponential"
            to, back = lambda t: torch.log(sign * (t - a)), lambda u: a + sign * torch.exp(u)
    return Constraint(leaf, f"{leaf.name} {kind}", u, outer, to, back, _clamped(bounds), how, {})


def _clamped(bounds: Bounds) -> Callable[[Tensor], Tensor]:
    def inside(bound: Fraction | None, sign: int) -> float | None:
        if bound is None:
            return None
        return float(bound) if bounds.closed else float(bound) + sign * _INSIDE * max(1.0, abs(float(bound)))

    low, high = inside(bounds.low, 1), inside(bounds.high, -1)
    return lambda t: torch.clamp(t, min=low, max=high)


def _simplex(leaf: Leaf) -> Constraint:
    """q = softmax(B·u), with the columns of B orthogonal to one another and to (1, …, 1): n − 1 free numbers, and no flat direction."""
    n = leaf.shape[0]
    u = _free(leaf, (n - Dimension.of(1),))
    basis = ex.leaf(f"basis of {leaf.name}", (n, n - Dimension.of(1)))
    outer = F.softmax(ex.contract(1, [(basis, (0, 1)), (u, (1,))], (0,)))
    return Constraint(
        leaf,
        f"{leaf.name} simplex",
        u,
        outer,
        lambda q: _basis(q).T @ torch.log(torch.clamp(q, min=1e-12)),
        lambda u: torch.softmax(_basis(u.new_zeros(len(u) + 1)) @ u, 0),
        on_simplex,
        "softmax",
        {basis: _basis},
    )


def _basis(q: Tensor) -> Tensor:
    """Helmert's matrix without its first column."""
    n = len(q)
    k = torch.arange(1, n, dtype=q.dtype, device=q.device)
    rows = torch.arange(n, dtype=q.dtype, device=q.device).unsqueeze(1)
    return torch.where(rows < k, 1.0, torch.where(rows == k, -k, 0.0)) / torch.sqrt(k * (k + 1))


def on_simplex(q: Tensor) -> Tensor:
    """The nearest point of the simplex."""
    falling = torch.sort(q, descending=True).values
    count = torch.arange(1, len(q) + 1, dtype=q.dtype, device=q.device)
    shift = (torch.cumsum(falling, 0) - 1) / count
    last = int((falling > shift).sum()) - 1
    nearest = torch.clamp(q - shift[last], min=0)
    return q if bool((q >= 0).all()) and abs(float(q.sum()) - 1) <= 1e-15 * len(q) else nearest


class Projected(Updates):
    """Updates, each projected back to where the constraints hold."""

    def __init__(self, updates: Updates, names: Sequence[str], constraints: Sequence[Constraint]) -> None:
        self.updates = updates
        self._projections = {names.index(one.leaf.name): one.projected for one in constraints}
        self._described = f", projected on {', '.join(one.text for one in constraints)}"

    @property
    def described(self) -> str:
        return self.updates.described + self._described

    def moved(self, state: State) -> Point:
        return [self._projections.get(k, _same)(tensor) for k, tensor in enumerate(self.updates.moved(state))]

    def step(self, state: State, evaluate: Evaluate) -> State:
        point = self.moved(state)
        return State(point, *evaluate(point))


def _same(tensor: Tensor) -> Tensor:
    return tensor


class Freed:
    """An objective in free parameters, and the way back: `natural(point)`."""

    def __init__(self, objective: Objective, constraints: Sequence[Constraint]) -> None:
        self.constraints = constraints
        f = objective.program.formula
        self._by_name = {one.leaf.name: one for one in constraints}
        self._names = objective.names
        replaced: dict[Expression, Expression] = {one.leaf: one.outer for one in constraints}
        start: dict[str, Tensor] = {}
        constants: dict[str, Tensor] = {}
        for name, tensor in zip(objective.names, objective.start):
            one = self._by_name.get(name)
            start[name if one is None else one.free.name] = tensor if one is None else one.to_free(tensor)
            constants |= {} if one is None else {leaf.name: make(tensor) for leaf, make in one.constants.items()}
        leaves = [leaf for one in constraints for leaf in (one.free, *one.constants)]
        known = {name: leaf for name, leaf in f.known.items() if name not in self._by_name} | {leaf.name: leaf for leaf in leaves}
        formula = Formula(ex.substitute(f.origin, replaced), known)
        data = {name: tensor for name, tensor in objective.bound.tensors.items() if name not in objective.names}
        sizes = {name: size for name, size in objective.bound.sizes.items() if name in objective.program.compiled.sizes}
        self.objective = Objective(formula, start, {**data, **constants, **sizes}, objective.program.device, objective.program.dtype)
        if objective.blocked is not None:
            blocked, extra = objective.blocked, {**constants, **sizes}

            def extended(blocks: Blocks) -> Blocks:
                return lambda: ({**block, **extra} for block in blocks())

            self.objective.in_blocks(extended(blocked.blocks), blocked.team, extended(blocked.whole or blocked.blocks))
        self.described = " and ".join(f"{one.text} kept by {one.how}" for one in constraints)

    def natural(self, name: str, value: Tensor) -> Tensor:
        """A free value of the parameter of this name as the value it stands for."""
        one = self._by_name.get(name)
        return value if one is None else one.from_free(value)
