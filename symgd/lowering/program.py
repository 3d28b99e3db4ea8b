"""The program: straight-line instructions on arrays, each shared part once, checked when it is made.

Value k is the result of instruction k. Instructions that depend on no input stand in `setup`: they run once, when the program
is made, the others at every call. (Instructions that depend on data only belong there too; `setup` is where they will go.)

Contract of a valid program, checked by `validate`: every instruction refers to earlier values of shapes its kind takes; outputs are
tensors of their full shape with storage of their own, so that a caller may change one without changing an input, a constant or
another output; and what the passes promise that it has been through (see `passes`), as that nothing is computed that no output needs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from symgd.algebra.dimension import ZERO, Dimension, Shape, shape_text
from symgd.algebra.expression import Leaf
from symgd.errors import LoweringError
from symgd.lowering.instructions import KINDS, ShapeFault
from symgd.lowering.number import Number
from symgd.lowering.passes import ALL, PASSES, PRUNED, SETUP

_TAKES_NUMBERS = ("add", "multiply", "divide")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One operation: its kind, the values it takes, what else it needs, and the shape it makes (see `instructions`)."""

    kind: str
    inputs: tuple[int, ...]
    detail: Any
    shape: Shape

    @property
    def is_fixed(self) -> bool:
        """Is the result the same at every call, if its inputs are? A copy is not: the caller owns it."""
        named = any(length.names for length in _dimensions((self.shape, self.detail)))
        return self.kind not in ("input", "clone") and not named


@dataclass(frozen=True, slots=True)
class Requirement:
    """A position that an axis of this length has to have: `x[4]` needs n ≥ 4. Without one, the length is to be 0 or more: `sum(i=3..n, …)`
    needs n ≥ 2. Checked when sizes are known."""

    position: Dimension | None
    length: Dimension


@dataclass(frozen=True, slots=True)
class Program:
    """See the module. `inputs` are the variables in the order of the arguments; `outputs` are values, `passes` what it has been through."""

    inputs: tuple[Leaf, ...]
    instructions: tuple[Instruction, ...]
    outputs: tuple[int, ...]
    setup: frozenset[int]
    requirements: tuple[Requirement, ...] = ()
    passes: frozenset[str] = ALL

    def __post_init__(self) -> None:
        self.validate()

    @property
    def operations(self) -> Dimension:
        """Scalar floating-point operations of one call, a polynomial in the dimensions.

        Products and sums are counted one by one (an entry of a matrix product over n takes 2n − 1), a function is one operation
        per entry, a function along an axis three per entry, a matrix function n³; moving data is free.
        """
        total: dict[Any, int] = {}
        for number, instruction in enumerate(self.instructions):
            if number not in self.setup:
                shapes = [self.instructions[k].shape for k in instruction.inputs]
                for monomial, coefficient in KINDS[instruction.kind].count(instruction.detail, shapes, instruction.shape).terms:
                    total[monomial] = total.get(monomial, 0) + coefficient
        return Dimension(tuple(sorted((m, c) for m, c in total.items() if c))) if total else ZERO

    def uses(self) -> list[int]:
        """How often each value is used, outputs included."""
        found = [0] * len(self.instructions)
        for instruction in self.instructions:
            for value in instruction.inputs:
                found[value] += 1
        for value in self.outputs:
            found[value] += 1
        return found

    def dimension_names(self) -> tuple[str, ...]:
        """The names of dimensions in shapes of inputs and in instructions, in order of appearance."""
        found: dict[str, None] = {}
        for leaf in self.inputs:
            found.update(dict.fromkeys(name for length in leaf.shape for name in length.names))
        for instruction in self.instructions:
            found.update(dict.fromkeys(name for length in _dimensions((instruction.shape, instruction.detail)) for name in length.names))
        return tuple(found)

    def storage(self, value: int) -> int:
        """The value whose storage this one shares: itself, unless it is a view."""
        while KINDS[self.instructions[value].kind].is_view:
            value = self.instructions[value].inputs[0]
        return value

    def validate(self) -> None:
        """Raise `LoweringError`, naming the instruction, unless the program keeps its contract."""
        for number, instruction in enumerate(self.instructions):
            reason = self._fault(number, instruction)
            if reason:
                raise _invalid(f"instruction {number}, {instruction.kind}: {reason}")
        for place, value in enumerate(self.outputs):
            if not 0 <= value < len(self.instructions):
                raise _invalid(f"output {place}: it is no value of the program")
        for name in PASSES:
            reason = PASSES[name].promise(self) if name in self.passes else ""
            if reason:
                raise _invalid(reason)
        owners: dict[int, int] = {}
        for place, value in enumerate(self.outputs):
            reason = self._output_fault(value)
            if reason:
                raise _invalid(f"output {place}: {reason}")
            if owners.setdefault(self.storage(value), place) != place:
                raise _invalid(f"output {place}: it shares storage with output {owners[self.storage(value)]}")

    def _fault(self, number: int, instruction: Instruction) -> str:
        kind = KINDS.get(instruction.kind)
        if kind is None:
            return "no such kind"
        if any(not 0 <= value < number for value in instruction.inputs):
            return "it uses a value that is not there yet"
        if kind.inputs is not None and len(instruction.inputs) != kind.inputs:
            return f"it takes {kind.inputs} values, not {len(instruction.inputs)}"
        if instruction.kind not in _TAKES_NUMBERS and any(self.instructions[value].kind == "number" for value in instruction.inputs):
            return "it takes tensors, not numbers"
        if instruction.kind == "input" and self.inputs[instruction.detail].shape != instruction.shape:
            return "it has another shape than the variable"
        if number in self.setup and (instruction.kind == "input" or any(value not in self.setup for value in instruction.inputs)):
            return "it stands in setup and depends on an input"
        try:
            shape = kind.shape(instruction.detail, [self.instructions[value].shape for value in instruction.inputs], instruction.shape)
        except ShapeFault as fault:
            return str(fault)
        return "" if shape == instruction.shape else f"it makes {shape_text(shape)}, stated is {shape_text(instruction.shape)}"

    def _output_fault(self, value: int) -> str:
        if self.instructions[value].kind == "number":
            return "it is a number, not a tensor"
        if self.storage(value) in self.setup or self.instructions[self.storage(value)].kind == "input":
            return "it shares storage with an input or a constant"
        while KINDS[self.instructions[value].kind].is_view:
            if self.instructions[value].kind == "expand":
                return "it is expanded: many entries share one place"
            value = self.instructions[value].inputs[0]
        return ""

    def __str__(self) -> str:
        lines = []
        for number, instruction in enumerate(self.instructions):
            words = [instruction.kind, *[f"v{value}" for value in instruction.inputs]]
            if instruction.kind == "input":
                words.append(self.inputs[instruction.detail].name)
            elif instruction.detail is not None:
                words.append(_shown(instruction.detail))
            lines.append(f"{'setup ' if number in self.setup else ''}v{number} {shape_text(instruction.shape)} = {' '.join(words)}")
        return "\n".join([*lines, "return " + ", ".join(f"v{value}" for value in self.outputs)])


def pruned(program: Program) -> Program:
    """The program without what no output needs."""
    needed = [False] * len(program.instructions)
    for value in program.outputs:
        needed[value] = True
    for number in range(len(program.instructions) - 1, -1, -1):
        if needed[number]:
            for value in program.instructions[number].inputs:
                needed[value] = True
    renumbered: dict[int, int] = {}
    kept: list[Instruction] = []
    for number, instruction in enumerate(program.instructions):
        if needed[number]:
            renumbered[number] = len(kept)
            taken = tuple(renumbered[value] for value in instruction.inputs)
            kept.append(Instruction(instruction.kind, taken, instruction.detail, instruction.shape))
    outputs = tuple(renumbered[value] for value in program.outputs)
    setup = frozenset(renumbered[value] for value in program.setup if value in renumbered)
    return replace(program, instructions=tuple(kept), outputs=outputs, setup=setup, passes=program.passes | {PRUNED})


def set_up(program: Program) -> Program:
    """The program with what depends on no input in `setup`."""
    setup: set[int] = set()
    for number, instruction in enumerate(program.instructions):
        if instruction.is_fixed and all(value in setup for value in instruction.inputs):
            setup.add(number)
    return replace(program, setup=frozenset(setup), passes=program.passes | {SETUP})


def _dimensions(detail: Any) -> list[Dimension]:
    """The dimensions anywhere in an instruction's detail."""
    if isinstance(detail, Dimension):
        return [detail]
    if isinstance(detail, Number):
        return [dimension for dimension, _ in detail.dimensions]
    return [dimension for part in detail for dimension in _dimensions(part)] if isinstance(detail, tuple) else []


def _shown(detail: Any) -> str:
    if isinstance(detail, tuple):
        return f"({', '.join(map(_shown, detail))})"
    return str(getattr(detail, "name", detail))


def _invalid(reason: str) -> LoweringError:
    return LoweringError(f"the program is invalid: {reason}.", hint="This is a fault of symgd, not of the formula: please report it.")
