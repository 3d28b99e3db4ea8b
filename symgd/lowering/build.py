"""Making instructions: equal ones once, axes by label, views only where an operation needs them.

While a program is built an array is an `Operand`: a value and a label for each of its axes, in any order. A label that the
array should have and the value lacks is a broadcast; nothing is permuted or stretched before an operation asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symgd.algebra.dimension import Dimension, Shape
from symgd.lowering.instructions import KINDS, entries
from symgd.lowering.number import ONE as UNIT
from symgd.lowering.number import Number
from symgd.lowering.program import Instruction, Requirement

Sizes = Mapping[int, Dimension]


@dataclass(frozen=True, slots=True)
class Operand:
    """A value whose axis k carries label `labels[k]`."""

    value: int
    labels: tuple[int, ...] = ()


class Builder:
    """The instructions so far. `assumed` gives the sizes of named dimensions that costs are compared with; `shares` makes equal
    instructions once, `orders` says that products are made in the order of least cost."""

    def __init__(self, assumed: Mapping[str, int], shares: bool = True, orders: bool = True) -> None:
        self.shares, self.orders = shares, orders
        self.instructions: list[Instruction] = []
        self.requirements: dict[Requirement, None] = {}
        self._known: dict[Instruction, int] = {}
        self._assumed = assumed

    def emit(self, kind: str, inputs: Sequence[int] = (), detail: Any = None, shape: Shape = ()) -> int:
        """The value of this instruction; `shape` is needed where it does not follow from the inputs."""
        shapes = [self.instructions[value].shape for value in inputs]
        made = Instruction(kind, tuple(inputs), detail, KINDS[kind].shape(detail, shapes, shape))
        found = self._known.get(made) if self.shares else None
        if found is None:
            found = self._known[made] = len(self.instructions)
            self.instructions.append(made)
        return found

    def shape(self, value: int) -> Shape:
        return self.instructions[value].shape

    def assumed(self, dimension: Dimension) -> int:
        """A size for comparing costs."""
        return max(1, dimension.evaluate(self._assumed))

    def require(self, position: Dimension, length: Dimension) -> None:
        """The axis has to have this position; checked when sizes are known, unless it is certain."""
        if (length - position).at_least(1) is not True:
            self.requirements[Requirement(position, length)] = None

    def require_range(self, length: Dimension) -> None:
        """An index runs over so many values, which may be none, and not fewer."""
        if length.at_least(0) is not True:
            self.requirements[Requirement(None, length)] = None

    # ---- numbers -----------------------------------------------------------------------------------------------------

    def number(self, number: Number) -> int:
        return self.emit("number", (), number)

    def known(self, value: int) -> Number | None:
        """The number that a value is, where it is one."""
        instruction = self.instructions[value]
        return instruction.detail if instruction.kind == "number" else None

    def tensor(self, value: int) -> int:
        """The value as a tensor: numbers become tensors without axes."""
        number = self.known(value)
        return value if number is None else self.emit("full", (), number)

    def scaled(self, value: int, number: Number) -> int:
        """value × number."""
        known = self.known(value)
        if known is not None:
            return self.number(known * number)
        if number.is_one:
            return value
        instruction = self.instructions[value]
        if instruction.kind == "scale":
            return self.scaled(instruction.inputs[0], instruction.detail * number)
        return self.emit("scale", (value,), number)

    def scale_of(self, value: int) -> tuple[int, Number] | None:
        """(a, number) where the value is a × number."""
        instruction = self.instructions[value]
        return (instruction.inputs[0], instruction.detail) if instruction.kind == "scale" else None

    # ---- axes --------------------------------------------------------------------------------------------------------

    def arrange(self, value: int, detail: tuple[int | None, ...]) -> int:
        """Axis k of the result is axis `detail[k]` of the value, or one of length 1."""
        if detail == tuple(range(len(self.shape(value)))):
            return value
        instruction = self.instructions[value]
        if instruction.kind == "arrange":  # one view instead of two
            return self.arrange(instruction.inputs[0], tuple(None if axis is None else instruction.detail[axis] for axis in detail))
        return self.emit("arrange", (value,), detail)

    def aligned(self, operand: Operand, order: Sequence[int]) -> int:
        """The value with its axes in this order, axes of length 1 for labels it lacks, except in front."""
        detail = [operand.labels.index(label) if label in operand.labels else None for label in order]
        while detail and detail[0] is None:
            detail.pop(0)
        return self.arrange(operand.value, tuple(detail))

    def complete(self, operand: Operand, order: Sequence[int], sizes: Sizes) -> int:
        """The value with all of these labels as axes, in this order, stretched to full size where it lacks them."""
        value = self.arrange(
            self.tensor(operand.value), tuple(operand.labels.index(label) if label in operand.labels else None for label in order)
        )
        shape = tuple(sizes[label] for label in order)
        return value if self.shape(value) == shape else self.emit("expand", (value,), None, shape)

    def entrywise(self, kind: str, operands: Sequence[Operand], detail: Any = None) -> Operand:
        """An operation entry by entry; the axes come in the order of the operand that has most of them."""
        order = self.order(operands)
        return Operand(self.emit(kind, [self.aligned(operand, order) for operand in operands], detail), order)

    def order(self, operands: Sequence[Operand]) -> tuple[int, ...]:
        """All labels, in the order of an operand that has them all, else by number."""
        widest = max(operands, key=lambda operand: len(operand.labels)).labels
        labels = {label for operand in operands for label in operand.labels}
        return widest if len(widest) == len(labels) else tuple(sorted(labels))

    # ---- arithmetic --------------------------------------------------------------------------------------------------

    def times(self, left: Operand, right: Operand) -> Operand:
        """The product entry by entry; numbers scale."""
        for one, other in ((left, right), (right, left)):
            number = self.known(one.value)
            if number is not None:
                return Operand(self.scaled(other.value, number), other.labels)
        if left.value > right.value and len(left.labels) == len(right.labels):
            left, right = right, left  # products of the same two values in either order are one
        return self.entrywise("multiply", (left, right))

    def over(self, left: Operand, right: Operand) -> Operand:
        """The quotient entry by entry."""
        number = self.known(right.value)
        if number is not None and number.is_invertible:
            return Operand(self.scaled(left.value, number**-1), left.labels)
        return self.entrywise("divide", (left, Operand(self.tensor(right.value), right.labels)))

    def plus(self, left: Operand, right: Operand, coefficient: Fraction) -> Operand:
        """left + coefficient × right."""
        number = self.known(right.value)
        if number is not None:
            return self._plus_number(left, number * Number(coefficient))
        left = self._safe(left)
        if self.known(left.value) is not None and abs(coefficient) != 1:
            right, coefficient = Operand(self.scaled(right.value, Number(coefficient)), right.labels), Fraction(1)
        return self.entrywise("add", (left, right), coefficient)

    def _plus_number(self, left: Operand, number: Number) -> Operand:
        known = self.known(left.value)
        total = None if known is None else _sum(known, number)
        if total is not None:
            return Operand(self.number(total))
        return self.entrywise("add", (Operand(self.tensor(left.value), left.labels), self._safe(Operand(self.number(number)))), Fraction(1))

    def _safe(self, operand: Operand) -> Operand:
        """The operand, as a tensor where it is a number that may divide by 0."""
        number = self.known(operand.value)
        return operand if number is None or number.is_safe else Operand(self.tensor(operand.value))

    def reciprocal(self, operand: Operand) -> Operand:
        number = self.known(operand.value)
        if number is not None and number.is_invertible:
            return Operand(self.number(number**-1))
        return Operand(self.emit("divide", (self.number(UNIT), self.tensor(operand.value))), operand.labels)

    def cost(self, operand: Operand) -> int:
        """How many entries the operand has, by assumed sizes."""
        return self.assumed(entries(self.shape(operand.value)))


def _sum(left: Number, right: Number) -> Number | None:
    """The sum as one number, where both are multiples of whole polynomials in dimensions, or of the same number."""
    if left.dimensions == right.dimensions and left.constants == right.constants:
        return Number(left.value + right.value, left.dimensions, left.constants)
    if left.constants or right.constants or any(power < 0 for _, power in (*left.dimensions, *right.dimensions)):
        return None
    below = left.value.denominator * right.value.denominator
    polynomial = Dimension(())
    for number in (left, right):
        term = Dimension.of(int(number.value * below))
        for dimension, power in number.dimensions:
            for _ in range(power):
                term = term * dimension
        polynomial = polynomial + term
    known = polynomial.constant
    return Number(Fraction(known, below)) if known is not None else Number(Fraction(1, below), ((polynomial, 1),))
