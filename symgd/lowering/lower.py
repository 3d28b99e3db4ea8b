"""Expressions to a program: one visit per node, children first, by the rules of `rules`; the outputs made the caller's own."""

from __future__ import annotations

from collections.abc import Sequence

from symgd.algebra import expression as ex
from symgd.algebra.expression import Contract, Expression, Leaf
from symgd.lowering.build import Builder, Operand
from symgd.lowering.instructions import KINDS
from symgd.lowering.norms import norms_opened
from symgd.lowering.passes import ALL, ORDERED, PRUNED, SETUP, SHARED
from symgd.lowering.program import Program, pruned, set_up
from symgd.lowering.rules import Rules

PARAMETER_SIZE, DATA_SIZE = 32, 1_000  # assumed lengths of dimensions: of those of parameters, of all others


def lower(
    roots: Sequence[Expression],
    inputs: Sequence[Leaf],
    parameters: Sequence[Leaf] = (),
    form: str = "accurate",
    passes: frozenset[str] = ALL,
) -> Program:
    """The program of these expressions as functions of `inputs`.

    `parameters` are the variables whose dimensions are taken to be small beside those of the data, where the order of a
    product depends on that. `form` chooses the column of the function table: "accurate" or "torch". `passes` are those it goes
    through.
    Raises `LoweringError` for an unknown function, or a number beyond floating point.
    """
    roots = norms_opened(roots)
    names = {name for root in ex.topological(*roots) for length in root.shape for name in length.names}
    small = {name for leaf in parameters for length in leaf.shape for name in length.names}
    assumed = _Assumed({name: PARAMETER_SIZE if name in small else DATA_SIZE for name in names})
    builder = Builder(assumed, shares=SHARED in passes, orders=ORDERED in passes)
    lowering = Rules(builder, {leaf: k for k, leaf in enumerate(inputs)}, form)
    for leaf in inputs:
        lowering.node(leaf)
    for node in ex.topological(*roots):
        lowering.node(node)
        for length in node.dimensions().values() if isinstance(node, Contract) else node.shape:
            builder.require_range(length)
    outputs = _owned(builder, [_complete(builder, lowering.done[root], root) for root in roots])
    program = Program(
        tuple(inputs), tuple(builder.instructions), tuple(outputs), frozenset(), tuple(builder.requirements), passes.difference(_MADE_LATER)
    )
    for name, change in _MADE_LATER.items():
        program = change(program) if name in passes else program
    return program


_MADE_LATER = {PRUNED: pruned, SETUP: set_up}  # the passes over instructions; the others are made while these are built


class _Assumed(dict[str, int]):
    """Sizes of dimensions; a name that stands in no shape counts as data."""

    def __missing__(self, name: str) -> int:
        return DATA_SIZE


def _complete(builder: Builder, operand: Operand, node: Expression) -> int:
    return builder.complete(operand, range(node.rank), dict(enumerate(node.shape)))


def _owned(builder: Builder, values: Sequence[int]) -> list[int]:
    """The values, copied where they share storage with an input, a constant or another output, or are stretched."""
    fixed: list[bool] = []
    for instruction in builder.instructions:
        fixed.append(instruction.is_fixed and all(fixed[value] for value in instruction.inputs))
    taken: set[int] = set()
    out = []
    for place, value in enumerate(values):
        root, stretched = value, False
        while KINDS[builder.instructions[root].kind].is_view:
            stretched = stretched or builder.instructions[root].kind == "expand"
            root = builder.instructions[root].inputs[0]
        if stretched or root in taken or fixed[root] or builder.instructions[root].kind == "input":
            value = root = builder.emit("clone", (value,), place)
        taken.add(root)
        out.append(value)
    return out
