"""Kronecker deltas in a product: what `Select` factors become before the rest is contracted.

A factor [p = offset + a·k + …] is not an array to multiply by but a choice of entries:

    p is summed            every other factor that carries p is sliced there, and carries k instead
    p is an axis of the result, k is not     the same, and the result is put back at its places along p, zeros elsewhere
    both are axes          a diagonal, or the array of zeros and ones
    p is summed, and another delta carries it    the other way: what carries k is padded with zeros, and carries p

What none of these fits becomes the dense array of zeros and ones, which is always right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symgd.algebra.dimension import ONE, Dimension, Shape
from symgd.algebra.expression import Select
from symgd.lowering.build import Builder, Operand
from symgd.lowering.number import ONE as UNIT


@dataclass(frozen=True, slots=True)
class Delta:
    """Is 1 where label `place` equals offset + Σ coefficient × label over `labels`."""

    place: int
    length: Dimension
    offset: Dimension
    coefficients: Shape
    labels: tuple[int, ...]
    lengths: Shape

    @staticmethod
    def of(node: Select, labels: Sequence[int]) -> Delta:
        coefficients = tuple(Dimension.of(coefficient) for coefficient in node.coefficients)
        return Delta(labels[0], node.shape[0], node.offset, coefficients, tuple(labels[1:]), node.shape[1:])

    @property
    def is_shift(self) -> bool:
        return self.coefficients == (ONE,)

    @property
    def is_identity(self) -> bool:
        return self.is_shift and not self.offset.terms and self.length == self.lengths[0]

    @property
    def is_inside(self) -> bool | None:
        """Do all values of the labels give a place that is there? None where that depends on the sizes."""
        low = high = self.offset
        for coefficient, length in zip(self.coefficients, self.lengths):
            if coefficient.at_least(0) is True:
                high = high + coefficient * (length - 1)
            else:
                low = low + coefficient * (length - 1)
        below, above = low.at_least(0), (self.length - high).at_least(1)
        if below is False or above is False:
            return False
        return True if below and above else None

    @property
    def strides(self) -> tuple[int, ...] | None:
        """The axes slowest first, where the places are the positions in a flattened array of these axes."""
        order, stride = [], ONE
        waiting = dict(enumerate(self.coefficients))
        while waiting:
            axis = next((axis for axis, coefficient in waiting.items() if coefficient == stride), None)
            if axis is None:
                return None
            del waiting[axis]
            order.append(axis)
            stride = stride * self.lengths[axis]
        return tuple(reversed(order)) if len(order) > 1 and stride == self.length and not self.offset.terms else None


@dataclass(slots=True)
class Selection:
    """The factors of a product on their way: deltas leave, operands change their labels, `out` what the rest is summed to."""

    builder: Builder
    operands: list[Operand]
    deltas: list[Delta]
    out: list[int]
    sizes: dict[int, Dimension]
    waiting: list[tuple[str, Delta]] = field(default_factory=list)  # what the result of the rest goes through, last first

    def eliminate(self) -> None:
        """Turn every delta into a choice of entries; afterwards `operands` are to be contracted to `out`."""
        while self.deltas:
            delta = self._next()
            if delta is None:
                self._backward()
                continue
            self.deltas.remove(delta)
            self._forward(delta)

    def _next(self) -> Delta | None:
        """A delta whose place no other delta carries."""
        for delta in self.deltas:
            if not any(delta.place in (other.place, *other.labels) for other in self.deltas if other is not delta):
                return delta
        return None

    def _forward(self, delta: Delta) -> None:
        repeated = len({delta.place, *delta.labels}) <= len(delta.labels)
        carriers = [operand for operand in self.operands if delta.place in operand.labels]
        kept = [label for label in delta.labels if label in self.out]
        is_out = delta.place in self.out
        if repeated or (not delta.labels and delta.is_inside is False):
            return self._dense(delta)
        if is_out and kept:
            touched = carriers or any(delta.labels[0] in operand.labels for operand in self.operands)
            if not (delta.is_identity and touched):
                return self._dense(delta)
            self.waiting.append(("diagonal", delta))
            self.out.remove(delta.place)
        elif is_out:
            self.waiting.append(("places", delta))
            position = self.out.index(delta.place)
            self.out[position : position + 1] = delta.labels
        elif not carriers and delta.is_inside is not True:
            return self._dense(delta)
        if not delta.labels:
            self.builder.require(delta.offset, delta.length)
        self.operands = [self._sliced(operand, delta) if delta.place in operand.labels else operand for operand in self.operands]
        self.sizes.pop(delta.place, None)
        return None

    def _dense(self, delta: Delta) -> None:
        value = self.builder.emit("delta", (), (delta.offset, delta.coefficients), (delta.length, *delta.lengths))
        self.operands.append(Operand(value, (delta.place, *delta.labels)))

    def _backward(self) -> None:
        """Every place is carried by another delta: pad along one that is summed, or make one dense."""
        for delta in self.deltas:
            others = [other for other in self.deltas if other is not delta]
            label = delta.labels[0] if delta.labels else None
            if delta.is_shift and label not in self.out and not any(label in (other.place, *other.labels) for other in others):
                assert label is not None
                self.deltas.remove(delta)
                if not any(label in operand.labels for operand in self.operands):
                    ones = self.builder.emit("full", (), UNIT, delta.lengths)
                    self.operands.append(Operand(ones, (label,)))
                self.operands = [self._padded(operand, delta) if label in operand.labels else operand for operand in self.operands]
                self.sizes.pop(label, None)
                return
        self._dense(self.deltas.pop(0))

    def _sliced(self, operand: Operand, delta: Delta) -> Operand:
        """The operand with the labels of the delta instead of its place."""
        axis = operand.labels.index(delta.place)
        before, after = operand.labels[:axis], operand.labels[axis + 1 :]
        if not delta.labels:
            return self._sliced_again(Operand(self.builder.emit("take", (operand.value,), (axis, delta.offset)), (*before, *after)), delta)
        if delta.is_shift:
            if delta.is_identity:
                value = operand.value
            else:
                value = self.builder.emit("window", (operand.value,), (axis, delta.offset, delta.lengths[0]))
            return self._sliced_again(Operand(value, (*before, *delta.labels, *after)), delta)
        if delta.strides:
            lengths = tuple(delta.lengths[k] for k in delta.strides)
            value = self.builder.emit("unflatten", (operand.value,), (axis, lengths))
            return self._sliced_again(Operand(value, (*before, *[delta.labels[k] for k in delta.strides], *after)), delta)
        detail = (axis, delta.offset, delta.coefficients, delta.lengths, delta.is_inside is True)
        return self._sliced_again(Operand(self.builder.emit("gather", (operand.value,), detail), (*before, *delta.labels, *after)), delta)

    def _sliced_again(self, operand: Operand, delta: Delta) -> Operand:
        """An operand that carries the place twice (its diagonal) is sliced on both axes."""
        return self._sliced(operand, delta) if delta.place in operand.labels else operand

    def _padded(self, operand: Operand, delta: Delta) -> Operand:
        """The operand with the place of a shift instead of its label, zeros where the shift does not reach."""
        while delta.labels[0] in operand.labels:
            axis = operand.labels.index(delta.labels[0])
            labels = (*operand.labels[:axis], delta.place, *operand.labels[axis + 1 :])
            operand = Operand(self.builder.emit("window", (operand.value,), (axis, -delta.offset, delta.length)), labels)
        return operand

    # ---- afterwards --------------------------------------------------------------------------------------------------

    def finish(self, operand: Operand, sizes: dict[int, Dimension]) -> Operand:
        """The result of the rest put back at its places; `sizes` are those of all labels."""
        for how, delta in reversed(self.waiting):
            rest = tuple(label for label in operand.labels if label not in delta.labels)
            if how == "diagonal":
                value = self.builder.complete(operand, (*rest, *delta.labels), sizes)
                operand = Operand(self.builder.emit("embed", (value,)), (*rest, delta.place, *delta.labels))
            else:
                operand = self._placed(operand, delta, rest, sizes)
        return operand

    def _placed(self, operand: Operand, delta: Delta, rest: tuple[int, ...], sizes: dict[int, Dimension]) -> Operand:
        emit = self.builder.emit
        order = [delta.labels[k] for k in delta.strides] if delta.strides else list(delta.labels)
        value = self.builder.complete(operand, (*order, *rest), sizes)
        out = (delta.place, *rest)
        if not delta.labels:
            return Operand(emit("place", (value,), ((delta.offset,), delta.length)), out)
        if delta.is_identity:
            return Operand(value, out)
        if delta.is_shift:
            return Operand(emit("window", (value,), (0, -delta.offset, delta.length)), out)
        if delta.strides:
            return Operand(emit("flatten", (value,), (0, len(order))), out)
        detail = (0, delta.offset, delta.coefficients, delta.length, delta.is_inside is True)
        return Operand(emit("scatter", (value,), detail), out)
