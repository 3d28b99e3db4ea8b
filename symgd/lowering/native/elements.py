"""One entry of a value as a C expression: views, constants and index arithmetic become arithmetic on indices.

`element(value, index)` goes through every kind that only moves data, down to the values that are kept in memory or in a
register, for which it asks `load`. Nothing is copied for a transpose, a slice or a delta.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from symgd.algebra.dimension import ONE, Dimension
from symgd.lowering.number import Number
from symgd.lowering.program import Instruction
from symgd.lowering.torch_text import Context

Load = Callable[[int, tuple[str, ...]], str]

MOVES = frozenset(
    [
        "number",
        "full",
        "arange",
        "delta",
        "arrange",
        "expand",
        "diagonal",
        "embed",
        "flatten",
        "unflatten",
        "take",
        "window",
        "gather",
        "place",
        "stack",
        "cat",
    ]
)
_WHOLE_NUMBER = re.compile(r"(?<![\w.])(\d+)(?![\w.])")


class Elements:
    """Entries of the values of a program. `lengths` writes dimensions as whole numbers, `numbers` as doubles."""

    def __init__(self, instructions: Sequence[Instruction], names: dict[str, int]) -> None:
        self.instructions = instructions
        self.lengths = Context({name: f"d{k}" for name, k in names.items()}, "", "")
        self.numbers = Context({name: f"n{k}" for name, k in names.items()}, "torch.float64", "")

    def length(self, dimension: Dimension) -> str:
        text = self.lengths.length(dimension)
        return text if re.fullmatch(r"\w+", text) else f"({text})"

    def size(self, lengths: Sequence[Dimension]) -> str:
        """The product of lengths, as C text."""
        return " * ".join(self.length(length) for length in lengths if length != ONE) or "1"

    def number(self, number: Number) -> str:
        return f"({as_doubles(self.numbers.number(number).text)})" if number.is_safe else self._unsafe(number)

    def _unsafe(self, number: Number) -> str:
        """A number that may divide by a dimension that is 0: an infinity then, as in torch."""
        below = tuple((dimension, -power) for dimension, power in number.dimensions if power < 0)
        above = Number(number.value, tuple(item for item in number.dimensions if item[1] > 0), number.constants)
        return f"({as_doubles(self.numbers.number(above).text)} / ({as_doubles(self.numbers.powers(below).text)}))"

    def element(self, value: int, index: Sequence[str], load: Load) -> str:
        instruction = self.instructions[value]
        if instruction.kind not in MOVES:
            return load(value, tuple(index))
        written: str = getattr(self, f"_{instruction.kind}")(instruction, list(index), load)
        return written

    def _of(self, instruction: Instruction, index: Sequence[str], load: Load, which: int = 0) -> str:
        return self.element(instruction.inputs[which], index, load)

    # ---- constants ---------------------------------------------------------------------------------------------------

    def _number(self, instruction: Instruction, index: list[str], load: Load) -> str:
        return self.number(instruction.detail)

    _full = _number

    def _arange(self, instruction: Instruction, index: list[str], load: Load) -> str:
        return f"(double)({self.length(instruction.detail)} + {index[0]})"

    def _delta(self, instruction: Instruction, index: list[str], load: Load) -> str:
        offset, coefficients = instruction.detail
        return f"({index[0]} == {self._position(offset, coefficients, index[1:])} ? 1.0 : 0.0)"

    def _position(self, offset: Dimension, coefficients: Sequence[Dimension], index: Sequence[str]) -> str:
        terms = [self.length(offset)] if offset.terms or not coefficients else []
        terms += [k if coefficient == ONE else f"{self.length(coefficient)} * {k}" for coefficient, k in zip(coefficients, index)]
        return f"({' + '.join(terms)})" if len(terms) > 1 or "*" in terms[0] else terms[0]

    # ---- views -------------------------------------------------------------------------------------------------------

    def _arrange(self, instruction: Instruction, index: list[str], load: Load) -> str:
        axes: Any = instruction.detail
        rank = len(self.instructions[instruction.inputs[0]].shape)
        return self._of(instruction, [index[axes.index(axis)] for axis in range(rank)], load)

    def _expand(self, instruction: Instruction, index: list[str], load: Load) -> str:
        return self._of(instruction, broadcast(self.instructions[instruction.inputs[0]].shape, instruction.shape, index), load)

    def _diagonal(self, instruction: Instruction, index: list[str], load: Load) -> str:
        rest, rank = iter(index[:-1]), len(index) + 1
        return self._of(instruction, [index[-1] if axis in instruction.detail else next(rest) for axis in range(rank)], load)

    def _embed(self, instruction: Instruction, index: list[str], load: Load) -> str:
        return f"({index[-1]} == {index[-2]} ? {self._of(instruction, index[:-1], load)} : 0.0)"

    def _flatten(self, instruction: Instruction, index: list[str], load: Load) -> str:
        axis, many = instruction.detail
        lengths = self.instructions[instruction.inputs[0]].shape[axis : axis + many]
        parts, rest = [], index[axis]
        for length in reversed(lengths):
            parts.append(f"({rest} % {self.length(length)})")
            rest = f"({rest} / {self.length(length)})"
        return self._of(instruction, [*index[:axis], *reversed(parts), *index[axis + 1 :]], load)

    def _unflatten(self, instruction: Instruction, index: list[str], load: Load) -> str:
        axis, lengths = instruction.detail
        place = index[axis]
        for length, k in zip(lengths[1:], index[axis + 1 :]):
            place = f"({place} * {self.length(length)} + {k})"
        return self._of(instruction, [*index[:axis], place, *index[axis + len(lengths) :]], load)

    def _take(self, instruction: Instruction, index: list[str], load: Load) -> str:
        axis, position = instruction.detail
        return self._of(instruction, [*index[:axis], self.length(position), *index[axis:]], load)

    def _window(self, instruction: Instruction, index: list[str], load: Load) -> str:
        axis, offset, length = instruction.detail
        whole = self.instructions[instruction.inputs[0]].shape[axis]
        place = f"({index[axis]} + {self.length(offset)})" if offset.terms else index[axis]
        taken = self._of(instruction, [*index[:axis], place, *index[axis + 1 :]], load)
        below, above = offset.at_least(0) is True, (whole - offset - length).at_least(0) is True
        return self._inside(place, whole, taken, below, above)

    def _inside(self, place: str, length: Dimension, taken: str, below: bool, above: bool) -> str:
        tests = [] if below else [f"{place} >= 0"]
        tests += [] if above else [f"{place} < {self.length(length)}"]
        return f"({' && '.join(tests)} ? {taken} : 0.0)" if tests else taken

    def _gather(self, instruction: Instruction, index: list[str], load: Load) -> str:
        axis, offset, coefficients, _, inside = instruction.detail
        many = len(coefficients)
        place = self._position(offset, coefficients, index[axis : axis + many])
        taken = self._of(instruction, [*index[:axis], place, *index[axis + many :]], load)
        return self._inside(place, self.instructions[instruction.inputs[0]].shape[axis], taken, inside, inside)

    # ---- several values as one ---------------------------------------------------------------------------------------

    def _place(self, instruction: Instruction, index: list[str], load: Load) -> str:
        positions, _ = instruction.detail
        tests = [f"{index[0]} == {self.length(position)}" for position in positions]
        return self._choice(tests, [self._of(instruction, index[1:], load, k) for k in range(len(tests))], "0.0")

    def _stack(self, instruction: Instruction, index: list[str], load: Load) -> str:
        if index[0].isdigit():
            return self._of(instruction, index[1:], load, int(index[0]))
        taken = [self._of(instruction, index[1:], load, k) for k in range(len(instruction.inputs))]
        return self._choice([f"{index[0]} == {k}" for k in range(len(taken) - 1)], taken[:-1], taken[-1])

    def _cat(self, instruction: Instruction, index: list[str], load: Load) -> str:
        axis, before, tests, taken = instruction.detail, Dimension.of(0), [], []
        for which, value in enumerate(instruction.inputs):
            place = f"({index[axis]} - {self.length(before)})" if before.terms else index[axis]
            taken.append(self._of(instruction, [*index[:axis], place, *index[axis + 1 :]], load, which))
            before = before + self.instructions[value].shape[axis]
            tests.append(f"{index[axis]} < {self.length(before)}")
        return self._choice(tests[:-1], taken[:-1], taken[-1])

    def _choice(self, tests: Sequence[str], taken: Sequence[str], otherwise: str) -> str:
        text = otherwise
        for test, chosen in reversed(list(zip(tests, taken))):
            text = f"({test} ? {chosen} : {text})"
        return text


def broadcast(shape: Sequence[Dimension], wide: Sequence[Dimension], index: Sequence[Any], zero: Any = "0") -> list[Any]:
    """The index into an array of `shape` that is stretched to `wide`, of which `index` is given."""
    missing = len(wide) - len(shape)
    return [zero if length == ONE and wide[missing + k] != ONE else index[missing + k] for k, length in enumerate(shape)]


def as_doubles(text: str) -> str:
    """Arithmetic on numbers as C reads it: whole numbers become doubles, so that 1 / 3 is a third."""
    return _WHOLE_NUMBER.sub(r"\1.0", text.replace("float(", "("))
