"""Which loops a program becomes: nests, gathered in groups that share a loop, in passes over the rows of the data.

A *nest* is the loop over all indices of one instruction: a map (each entry by itself), a sum of products, or a function along the last
axis of an array in memory. Instructions that
only move data have none; they are indices in the nests that read them (see `elements`). One dimension is that of the rows, by
default that of the data. A nest with an index of that length runs inside a *pass*: the rows come in blocks, and every nest of
the pass handles one block before the next is read, so that each array is read from memory once a pass. What depends on a sum
over all rows waits for the end of the pass: *stage* s stands before pass s. Nests of the same lengths that follow each other
entry by entry are one loop, a *group*, and what they hand on stays in registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symgd.algebra.dimension import ONE, Dimension, Shape
from symgd.lowering.native.elements import MOVES, Elements, broadcast
from symgd.lowering.native.functions import c_template, has_along
from symgd.lowering.program import Instruction, Program

Labels = tuple[int | None, ...]
MAPS = frozenset(["add", "multiply", "divide", "scale", "power", "map", "clone"])
SUMS = frozenset(["sum", "dot", "matmul", "tensordot", "einsum"])
NESTS = MAPS | SUMS | {"along"}


@dataclass(slots=True)
class Nest:
    """The loops of one value: `labels` from the outermost in, `out` the label of every axis of the result, `operands` values
    with the label of every axis (None: of length 1). `row` is the label that runs over rows; `when` the pass, or the stage; `along`
    the label that a kernel runs over."""

    value: int
    lengths: dict[int, Dimension]
    out: Labels
    operands: tuple[tuple[int, Labels], ...]
    is_map: bool
    row: int | None = None
    when: int = 0
    labels: tuple[int, ...] = ()
    along: int | None = None

    @property
    def summed(self) -> list[int]:
        return [label for label in self.lengths if label not in self.out]

    @property
    def sums_rows(self) -> bool:
        return self.row is not None and self.row not in self.out

    @property
    def signature(self) -> tuple[bool, Shape]:
        return self.row is not None, tuple(self.lengths[label] for label in self.labels)

    def index(self, labels: Labels) -> list[str]:
        """The loop variables by which an operand with these labels is read."""
        return ["0" if label is None else self.variable(label) for label in labels]

    def variable(self, label: int) -> str:
        return f"i{self.labels.index(label)}"


@dataclass(slots=True)
class Group:
    """Nests that share their loops; `is_product` for one product of matrices, `is_alone` for what a kernel computes."""

    nests: list[Nest]
    is_product: bool = False

    @property
    def is_alone(self) -> bool:
        return self.is_product or self.nests[0].along is not None


@dataclass(slots=True)
class Plan:
    """`stages[k]` runs before `passes[k]`. `keeps` says of every value with a nest where it is: "register", "block" (of the rows
    at hand), "whole", or "output k"."""

    instructions: list[Instruction]
    outputs: tuple[int, ...]
    nests: dict[int, Nest]
    stages: list[list[Group]]
    passes: list[list[Group]]
    keeps: dict[int, str]
    row_axis: dict[int, int]
    rows: Dimension | None
    elements: Elements = field(repr=False)


def unsupported(program: Program) -> str:
    """The first thing in the program that has no C form, in words; "" where there is none."""
    for instruction in program.instructions:
        if instruction.kind == "matrix" or (instruction.kind == "along" and not has_along(*instruction.detail)):
            return str(instruction.detail[0].name)
        if instruction.kind == "map" and c_template(*instruction.detail) is None:
            return str(instruction.detail[0].name)
        if instruction.kind not in MOVES | NESTS | {"input", "literal"}:
            return f"the operation {instruction.kind}"
    return ""


def plan(program: Program, rows: Dimension | None, single: bool = False, optional: int | None = None) -> Plan:
    """The plan, with `rows` as the dimension of the rows. In `single` precision outputs are written by maps alone. The outputs from
    `optional` on, which there may be no place for, hold nothing that others need."""
    instructions, outputs = _in_memory(program, single)
    shared = needed(instructions, outputs[:optional]) if optional is not None else set[int]()
    for place, value in enumerate(outputs):
        kind = instructions[value].kind
        is_read = optional is not None and place >= optional and value in shared
        if outputs.index(value) < place or is_read or kind not in NESTS or (kind not in MAPS and (single or not instructions[value].shape)):
            instructions.append(Instruction("clone", (value,), place, instructions[value].shape))
            outputs[place] = len(instructions) - 1
    elements = Elements(instructions, {name: k for k, name in enumerate(program.dimension_names())})
    nests = {value: _nest(value, instructions) for value, made in enumerate(instructions) if made.kind in NESTS}
    scheduler = _Scheduler(instructions, elements, nests, rows)
    for nest in nests.values():
        scheduler.place(nest)
    return scheduler.finish(tuple(outputs))


def _in_memory(program: Program, single: bool) -> tuple[list[Instruction], list[int]]:
    """The instructions and outputs, with copies of what a function along an axis reads and no nest has put into memory as doubles."""
    made: list[Instruction] = []
    place: list[int] = []
    for instruction in program.instructions:
        inputs = tuple(place[value] for value in instruction.inputs)
        if instruction.kind == "along" and (single or made[inputs[0]].kind not in NESTS):
            made.append(Instruction("clone", inputs, None, made[inputs[0]].shape))
            inputs = (len(made) - 1,)
        place.append(len(made))
        made.append(Instruction(instruction.kind, inputs, instruction.detail, instruction.shape))
    return made, [place[value] for value in program.outputs]


def needed(instructions: Sequence[Instruction], values: Sequence[int]) -> set[int]:
    """These values and all that they are made of."""
    found: set[int] = set()
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if value not in found:
            found.add(value)
            waiting += instructions[value].inputs
    return found


class _Scheduler:
    def __init__(self, instructions: list[Instruction], elements: Elements, nests: dict[int, Nest], rows: Dimension | None) -> None:
        self.instructions, self.elements, self.nests, self.rows = instructions, elements, nests, rows
        self.row_axis: dict[int, int] = {}
        self.whole: set[int] = set()

    def reads(self, nest: Nest) -> list[tuple[int, tuple[str, ...]]]:
        """The values with a nest that this one reads, and by which indices; variables are L0, L1, … by label."""
        found: list[tuple[int, tuple[str, ...]]] = []

        def note(base: int, index: tuple[str, ...]) -> str:
            found.append((base, index))
            return "0"

        for value, labels in nest.operands:
            self.elements.element(value, ["0" if k is None else f"L{k}" for k in labels], note)
        return [(base, index) for base, index in found if base in self.nests]

    def place(self, nest: Nest) -> None:
        """Choose the row of a nest, and its pass or stage."""
        reads = self.reads(nest)
        candidates = [label for label, length in nest.lengths.items() if length == self.rows and label != nest.along]
        nest.row = min(candidates, key=lambda label: self._when(reads, label), default=None)
        nest.when = self._when(reads, nest.row)
        for base, index in reads:
            if base in self.row_axis and (
                nest.row is None or self.nests[base].when < nest.when or not self._is_local(base, index, nest.row)
            ):
                self.whole.add(base)
        rest = [label for label in nest.out if label is not None and label != nest.row]
        rest += [label for label in nest.summed if label != nest.row]
        nest.labels = (*((nest.row,) if nest.row is not None else ()), *rest)
        if nest.row is not None and nest.row in nest.out:
            self.row_axis[nest.value] = nest.out.index(nest.row)

    def _is_local(self, base: int, index: Sequence[str], row: int | None) -> bool:
        return index[self.row_axis[base]] == f"L{row}"

    def _when(self, reads: Sequence[tuple[int, Sequence[str]]], row: int | None) -> int:
        when = 0
        for base, index in reads:
            made = self.nests[base]
            later = made.sums_rows or (base in self.row_axis and (row is None or not self._is_local(base, index, row)))
            when = max(when, made.when + later)
        return when

    # ---- groups ------------------------------------------------------------------------------------------------------

    def finish(self, outputs: tuple[int, ...]) -> Plan:
        last = max((nest.when for nest in self.nests.values()), default=0)
        stages: list[list[Group]] = [[] for _ in range(last + 2)]
        passes: list[list[Group]] = [[] for _ in range(last + 1)]
        group_of: dict[int, Group] = {}
        keeps = dict.fromkeys(self.nests, "register")
        for value, nest in self.nests.items():
            groups = (stages if nest.row is None else passes)[nest.when]
            first = 0
            for base, index in self.reads(nest):
                other = self.nests[base]
                if group_of[base] not in groups:
                    continue
                follows = self._follows(nest, other, index)
                first = max(first, groups.index(group_of[base]) + (not follows))
            group_of[value] = _joined(groups, first, nest, self._is_product(nest))
        while passes and not passes[-1]:
            passes.pop()
        for nest in self.nests.values():
            for base, index in self.reads(nest):
                if group_of[base] is not group_of[nest.value] or not self._follows(nest, self.nests[base], index):
                    keeps[base] = "block" if base in self.row_axis and base not in self.whole else "whole"
        for nest in self.nests.values():
            if not nest.is_map and keeps[nest.value] == "register" and nest.value not in outputs:
                keeps[nest.value] = "block" if nest.value in self.row_axis else "whole"
        for place, value in enumerate(outputs):
            keeps[value] = f"output {place}"
        return Plan(self.instructions, outputs, self.nests, stages, passes, keeps, self.row_axis, self.rows, self.elements)

    def _follows(self, nest: Nest, other: Nest, index: Sequence[str]) -> bool:
        """Does the nest read what the other has just made in the same turn of the loops, so that a register will do?"""
        if not other.is_map or nest.signature != other.signature:
            return False
        turns = [other.labels.index(label) if label is not None else -1 for label in other.out]
        return [f"L{nest.labels[turn]}" if turn >= 0 else "0" for turn in turns] == list(index)

    def _is_product(self, nest: Nest) -> bool:
        """Is it a product of a matrix and a vector, or of two matrices, over one label?"""
        if nest.is_map or len(nest.operands) != 2 or len(nest.lengths) not in (2, 3) or len(nest.summed) != 1:
            return False
        sets = [{label for label in labels if label is not None} for _, labels in nest.operands]
        sizes = sorted(len(labels) for labels in sets)
        shared = sets[0] & sets[1]
        if shared != set(nest.summed) or sizes != ([1, 2] if len(nest.lengths) == 2 else [2, 2]):
            return False
        return all(len(set(labels)) == len(labels) for _, labels in nest.operands)


def _joined(groups: list[Group], first: int, nest: Nest, is_product: bool) -> Group:
    """The first group from this one on with the same loops, or a new one."""
    for group in groups[first:]:
        if not is_product and nest.along is None and not group.is_alone and group.nests[0].signature == nest.signature:
            group.nests.append(nest)
            return group
    groups.append(Group([nest], is_product))
    return groups[-1]


# ---- the nest of an instruction --------------------------------------------------------------------------------------


def _nest(value: int, instructions: Sequence[Instruction]) -> Nest:
    instruction = instructions[value]
    shapes = [instructions[k].shape for k in instruction.inputs]
    if instruction.kind in MAPS:
        axes: list[int | None] = list(range(len(instruction.shape)))
        lengths = dict(enumerate(instruction.shape))
        read = [tuple(broadcast(shape, instruction.shape, axes, None)) for shape in shapes]
        return Nest(value, lengths, tuple(axes), tuple(zip(instruction.inputs, read)), True)
    if instruction.kind == "along":
        axes = list(range(len(shapes[0])))
        out = tuple(axes[: len(instruction.shape)])
        return Nest(value, dict(enumerate(shapes[0])), out, ((instruction.inputs[0], tuple(axes)),), False, along=axes[-1])
    labels, out = _LABELS[instruction.kind](instruction, shapes)
    lengths = {}
    for given, shape in zip(labels, shapes):
        for label, length in zip(given, shape):
            if lengths.get(label, ONE) == ONE:
                lengths[label] = length
    read = [
        tuple(None if length == ONE and lengths[label] != ONE else label for label, length in zip(given, shape))
        for given, shape in zip(labels, shapes)
    ]
    return Nest(value, lengths, out, tuple(zip(instruction.inputs, read)), False)


def _sum(instruction: Instruction, shapes: Sequence[Shape]) -> tuple[list[tuple[int, ...]], Labels]:
    axes = tuple(range(len(shapes[0])))
    return [axes], tuple(axis for axis in axes if axis not in instruction.detail)


def _dot(instruction: Instruction, shapes: Sequence[Shape]) -> tuple[list[tuple[int, ...]], Labels]:
    axes = tuple(range(len(shapes[0])))
    return [axes, axes], ()


def _matmul(instruction: Instruction, shapes: Sequence[Shape]) -> tuple[list[tuple[int, ...]], Labels]:
    """Batch axes from the right are 10, 11, …; rows 0, summed 1, columns 2."""
    a, b = shapes
    left = (*range(10 + len(a[:-2]) - 1, 9, -1), *((0,) if len(a) > 1 else ()), 1)
    right = (*range(10 + len(b[:-2]) - 1, 9, -1), 1, *((2,) if len(b) > 1 else ()))
    batch = range(10 + max(len(a[:-2]), len(b[:-2])) - 1, 9, -1)
    return [left, right], (*batch, *((0,) if len(a) > 1 else ()), *((2,) if len(b) > 1 else ()))


def _tensordot(instruction: Instruction, shapes: Sequence[Shape]) -> tuple[list[tuple[int, ...]], Labels]:
    first, second = instruction.detail
    left = tuple(range(len(shapes[0])))
    right = tuple(first[second.index(axis)] if axis in second else 100 + axis for axis in range(len(shapes[1])))
    return [left, right], tuple(label for label in (*left, *right) if label not in first)


def _einsum(instruction: Instruction, shapes: Sequence[Shape]) -> tuple[list[tuple[int, ...]], Labels]:
    left, right, out = instruction.detail
    return [tuple(left), tuple(right)], tuple(out)


_LABELS = {"sum": _sum, "dot": _dot, "matmul": _matmul, "tensordot": _tensordot, "einsum": _einsum}
if set(_LABELS) != SUMS:
    raise ImportError("sums without labels, or the reverse")
