"""A program of few numbers as plain Python on floats: every entry of every value is a variable, nothing is compiled.

The source contains only names made here: `x0` … for the entries of the inputs, one after the other, `v0` … for values, and the
functions of `scalar_functions`. Views cost nothing: they are arrangements of names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from symgd.algebra.dimension import Dimension
from symgd.algebra.functions.table import fill
from symgd.lowering.instructions import entries
from symgd.lowering.native.functions import c_template
from symgd.lowering.number import double
from symgd.lowering.program import Instruction, Program

MOST = 400  # entries of all values together up to which a program is written so
_KINDS = frozenset(
    [
        "input",
        "number",
        "full",
        "literal",
        "arange",
        "add",
        "multiply",
        "divide",
        "scale",
        "power",
        "map",
        "sum",
        "dot",
        "matmul",
        "arrange",
        "expand",
        "diagonal",
        "flatten",
        "unflatten",
        "take",
        "stack",
        "cat",
        "clone",
    ]
)


def fits(program: Program, sizes: Mapping[str, int]) -> bool:
    """Can the program be written so, at these sizes?"""
    total = 0
    for instruction in program.instructions:
        if instruction.kind not in _KINDS or (instruction.kind == "map" and c_template(*instruction.detail) is None):
            return False
        shapes = [instruction.shape, *[program.instructions[k].shape for k in instruction.inputs]]
        total += max(entries(shape).evaluate(sizes) for shape in shapes)
    return total <= MOST


def scalar_source(program: Program, sizes: Mapping[str, int]) -> str:
    """A function `program` of the entries of all inputs, in order, that returns the entries of all outputs, as one tuple.

    Where no output has axes, beside it `named`, which returns the first and a dict of the others by the keys `k0`, `k1`, …; where
    Python raises one of `faults` it returns `slow()`. These names are the caller's to give.
    Raises ZeroDivisionError where a number of the program divides by a dimension that is 0.
    """
    return _Writer(program, sizes).text()


class _Writer:
    def __init__(self, program: Program, sizes: Mapping[str, int]) -> None:
        self.program, self.sizes = program, sizes
        self.lines: list[str] = []
        self.values: list[Any] = []
        self.inputs: dict[int, Any] = {}
        count = 0
        for k, leaf in enumerate(program.inputs):
            shape = self.shape(leaf.shape)
            many = int(np.prod(shape))
            self.inputs[k] = np.array([f"x{count + j}" for j in range(many)], dtype=object).reshape(shape)
            count += many
        self.arguments = [f"x{j}" for j in range(count)]

    def shape(self, shape: Sequence[Dimension]) -> tuple[int, ...]:
        return tuple(length.evaluate(self.sizes) for length in shape)

    def text(self) -> str:
        for instruction in self.program.instructions:
            made = getattr(self, f"_{instruction.kind}")(instruction, [self.values[k] for k in instruction.inputs])
            self.values.append(made)
        returned = [name for value in self.program.outputs for name in np.ravel(self.values[value])]
        arguments = ", ".join(self.arguments)
        lines = [f"def program({arguments}):", *(f"    {line}" for line in self.lines), f"    return ({', '.join(returned)},)", ""]
        if not any(self.program.instructions[value].shape for value in self.program.outputs):
            slopes = ", ".join(f"k{place}: {name}" for place, name in enumerate(returned[1:]))
            body = [*self.lines, f"return {returned[0]}, {{{slopes}}}"]
            lines += [
                "",
                f"def named({arguments}):",
                "    try:",
                *(f"        {line}" for line in body),
                "    except faults:",
                "        return slow()",
                "",
            ]
        return "\n".join(lines)

    def _line(self, text: str) -> str:
        self.lines.append(f"v{len(self.lines)} = {text}")
        return f"v{len(self.lines) - 1}"

    def _each(self, write: Callable[..., str], *arrays: Any) -> Any:
        """One line for every entry of the arrays, stretched to each other."""
        arrays = np.broadcast_arrays(*arrays)
        out = np.empty(arrays[0].shape, dtype=object)
        for place in np.ndindex(out.shape):
            out[place] = self._line(write(*[array[place] for array in arrays]))
        return out

    # ---- sources -----------------------------------------------------------------------------------------------------

    def _input(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        return self.inputs[instruction.detail]

    def _number(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        return _constants(np.full(self.shape(instruction.shape), instruction.detail.evaluate(self.sizes)))

    _full = _number

    def _literal(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        def nested(part: Any) -> Any:
            return double(part) if isinstance(part, Fraction) else [nested(entry) for entry in part]

        return _constants(np.array(nested(instruction.detail), dtype=float))

    def _arange(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        start = instruction.detail.evaluate(self.sizes)
        return _constants(np.arange(start, start + self.shape(instruction.shape)[0], dtype=float))

    # ---- entry by entry ----------------------------------------------------------------------------------------------

    def _add(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        coefficient = double(instruction.detail)
        factor = "" if abs(coefficient) == 1 else f"{abs(coefficient)!r} * "
        return self._each(lambda a, b: f"{a} {'-' if coefficient < 0 else '+'} {factor}{b}", *inputs)

    def _multiply(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        return self._each(lambda a, b: f"{a} * {b}", *inputs)

    def _divide(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        return self._each(lambda a, b: f"{a} / {b}", *inputs)

    def _scale(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        number = instruction.detail.evaluate(self.sizes)
        inverse = 1.0 / number if number else 0.0
        if inverse == int(inverse or 0) and inverse and 1.0 / inverse == number:
            return self._each(lambda a: f"{a} / {inverse!r}", *inputs)  # dividing by a whole number rounds once
        return self._each(lambda a: f"{number!r} * {a}", *inputs)

    def _power(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        rounded = double(instruction.detail)
        lost = double(instruction.detail - Fraction(rounded))
        return self._each(lambda a: f"s_power({a}, {rounded!r}, {lost!r})" if lost else f"s_pow({a}, {rounded!r})", *inputs)

    def _map(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        template = c_template(*instruction.detail)
        assert template is not None
        return self._each(lambda *arguments: fill(template, *arguments), *inputs)

    def _clone(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        return inputs[0]

    # ---- sums --------------------------------------------------------------------------------------------------------

    def _sum(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        axes = instruction.detail
        moved = np.moveaxis(inputs[0], axes, range(len(axes)))
        return self._totals(moved.reshape((-1, *moved.shape[len(axes) :])))

    def _dot(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        return self._products(np.ravel(inputs[0]), np.ravel(inputs[1]))

    def _matmul(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        left, right = inputs
        a = left[None, :] if left.ndim == 1 else left
        b = right[:, None] if right.ndim == 1 else right
        a, b = np.swapaxes(a, -1, -2)[..., :, :, None], b[..., :, None, :]
        out = self._products(np.moveaxis(a, -3, 0), np.moveaxis(b, -3, 0))
        if right.ndim == 1:
            out = out[..., 0]
        return out[..., 0, :] if left.ndim == 1 and right.ndim > 1 else out[..., 0] if left.ndim == 1 else out

    def _products(self, left: Any, right: Any) -> Any:
        """The sum over the first axis of the products."""
        left, right = np.broadcast_arrays(left, right)
        out = np.empty(left.shape[1:], dtype=object)
        for place in np.ndindex(out.shape):
            terms = [f"{left[k, *place]} * {right[k, *place]}" for k in range(left.shape[0])]
            out[place] = self._line(" + ".join(terms) or "0.0")
        return out

    def _totals(self, values: Any) -> Any:
        out = np.empty(values.shape[1:], dtype=object)
        for place in np.ndindex(out.shape):
            out[place] = self._line(" + ".join(values[k, *place] for k in range(values.shape[0])) or "0.0")
        return out

    # ---- views -------------------------------------------------------------------------------------------------------

    def _arrange(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        axes = [axis for axis in instruction.detail if axis is not None]
        return np.transpose(inputs[0], axes).reshape(self.shape(instruction.shape))

    def _expand(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        return np.broadcast_to(inputs[0], self.shape(instruction.shape))

    def _diagonal(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        return np.diagonal(inputs[0], 0, *instruction.detail)

    def _flatten(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        return inputs[0].reshape(self.shape(instruction.shape))

    _unflatten = _flatten

    def _take(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        axis, position = instruction.detail
        return np.asarray(np.take(inputs[0], position.evaluate(self.sizes), axis), dtype=object)

    def _stack(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        return np.stack(inputs)

    def _cat(self, instruction: Instruction, inputs: Sequence[Any]) -> Any:
        return np.concatenate(inputs, instruction.detail)


def _constants(values: Any) -> Any:
    """Numbers as text; what is no finite number has none."""
    if not np.isfinite(values).all():
        raise ZeroDivisionError
    out = np.empty(values.shape, dtype=object)
    for place in np.ndindex(values.shape):
        out[place] = repr(float(values[place])) if values[place] >= 0 else f"({float(values[place])!r})"
    return out
