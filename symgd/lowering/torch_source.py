"""A program as readable torch source: one function of the inputs that returns the outputs as a tuple.

The source contains only names made here: `x0` for inputs, `n0` for dimensions, `v0` for values, `c0` for constants made once.
Names of the user stand in the docstring alone, where they cannot end it. How each kind of instruction is written stands in
`torch_templates`; this module decides what gets a line of its own: a value used once is written into the line that uses it,
while the line stays short; arrays are deleted after their last use.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from symgd.algebra.dimension import Dimension, shape_text
from symgd.lowering.passes import FREED
from symgd.lowering.program import Instruction, Program
from symgd.lowering.torch_templates import WRITERS, repeats
from symgd.lowering.torch_text import ATOM, Context, Text

_INLINE = 70  # characters of a value that is still written into the line that uses it
_SHOWN = 1_000  # characters of the formula in the docstring
HEADER = ("import torch", "", "from symgd.lowering import torch_arrays as g", "from symgd.lowering import torch_functions as f")


@dataclass(frozen=True, slots=True)
class Source:
    """`text` is the source of a module with one function, `program`. Its arguments are the inputs, then the sizes of `sizes`:
    dimensions that stand alone on no axis of an input."""

    text: str
    sizes: tuple[str, ...]


def torch_source(
    program: Program, dtype: str, device: str, title: str = "", outputs: Sequence[str] = (), documented: bool = True
) -> Source:
    """The source of a program in this dtype ("torch.float64") on this device.

    `title` and `outputs` are for the docstring, which `documented=False` leaves out, and with it all text of the user.
    """
    dimensions = {name: f"n{k}" for k, name in enumerate(program.dimension_names())}
    context = Context(dimensions, dtype, device, [instruction.shape for instruction in program.instructions])
    writer = _Writer(program, context)
    for number, instruction in enumerate(program.instructions):
        writer.instruction(number, instruction)
    returned = ", ".join(writer.returned())
    prologue, sizes = _sizes(program, context)
    arguments = ", ".join([*(f"x{k}" for k in range(len(program.inputs))), *(dimensions[name] for name in sizes)])
    result = f"return ({returned},)" if len(program.outputs) == 1 else f"return {returned}"
    body = [*(_docstring(program, sizes, title, outputs) if documented else ()), *prologue, *writer.lines, result]
    constants = ["", *writer.setup] if writer.setup else []
    lines = [*HEADER, *constants, "", "", f"def program({arguments}):", *(f"    {line}" if line else "" for line in body), ""]
    return Source("\n".join(lines), sizes)


class _Writer:
    """The lines so far; `pending` are values that wait to be written into the line that uses them."""

    def __init__(self, program: Program, context: Context) -> None:
        self.program, self.context = program, context
        self.uses = program.uses()
        self.remaining = list(self.uses)
        self.lines: list[str] = []
        self.setup: list[str] = []
        self.pending: dict[int, Text] = {}
        self.names: dict[int, str] = {}
        self.values = 0

    def instruction(self, number: int, instruction: Instruction) -> None:
        if instruction.kind == "input":
            self.names[number] = f"x{instruction.detail}"
            return
        if instruction.kind == "number":
            return
        in_setup = number in self.program.setup
        named = repeats(instruction) or in_setup
        inputs = [self._argument(value, named) for value in instruction.inputs]
        written = WRITERS[instruction.kind](self.context, instruction, inputs)
        text = Text(written.text, written.precedence, tuple(value for given in inputs for value in given.used))
        if self.uses[number] == 1 and len(text.text) <= _INLINE and not in_setup:
            self.pending[number] = text
        else:
            self._line(number, text)

    def _argument(self, value: int, named: bool) -> Text:
        """The text of a value in the expression being written: its name, if `named`."""
        instruction = self.program.instructions[value]
        if instruction.kind == "number":
            return self.context.number(instruction.detail)
        if value in self.pending:
            if not named:
                return self.pending.pop(value)
            self._line(value, self.pending.pop(value))
        return Text(self.names[value], ATOM, (value,))

    def _line(self, number: int, text: Text) -> None:
        if number in self.program.setup:
            self.names[number] = f"c{len(self.setup)}"
            self.setup.append(f"{self.names[number]} = {text.text}")
            return
        self.names[number] = f"v{self.values}"
        self.values += 1
        self.lines.append(f"{self.names[number]} = {text.text}")
        self._delete(text)

    def _delete(self, text: Text) -> None:
        """Free the arrays whose last use this line was."""
        if FREED not in self.program.passes:
            return
        gone = []
        for value in text.used:
            self.remaining[value] -= 1
            instruction = self.program.instructions[value]
            if not self.remaining[value] and instruction.shape and instruction.kind != "input" and value not in self.program.setup:
                gone.append(self.names[value])
        if gone:
            self.lines.append(f"del {', '.join(gone)}")

    def returned(self) -> list[str]:
        return [self._argument(value, False).text for value in self.program.outputs]


def _sizes(program: Program, context: Context) -> tuple[list[str], tuple[str, ...]]:
    """Lines that read the dimensions in use from the inputs, and the names that have to be given."""
    lines: list[str] = []
    found: set[str] = set()
    for k, leaf in enumerate(program.inputs):
        names = [_plain(length) for length in leaf.shape]
        new = [name for name in names if name in context.read and name not in found]
        if not new:
            continue
        if len(names) > 1 and len(set(names)) == len(names) and all(name in new for name in names):
            lines.append(f"{', '.join(context.dimensions[str(name)] for name in names)} = x{k}.shape")
        else:
            lines += [f"{context.dimensions[str(name)]} = x{k}.shape[{names.index(name)}]" for name in dict.fromkeys(new)]
        found.update(str(name) for name in new)
    return lines, tuple(name for name in context.dimensions if name in context.read and name not in found)


def _plain(length: Dimension) -> str | None:
    """The name, where the dimension is just one."""
    return length.names[0] if len(length.names) == 1 and length == Dimension.of(length.names[0]) else None


def described(program: Program, sizes: Sequence[str], title: str, outputs: Sequence[str]) -> list[str]:
    """What a program is of, its arguments and what it returns, in lines: text of the user, as it is."""
    lines = [title if len(title) <= _SHOWN else title[:_SHOWN] + " …"] if title else ["A program made by symgd."]
    for k, leaf in enumerate(program.inputs):
        lines.append(f"x{k}: {leaf.name} {shape_text(leaf.shape)}")
    lines += [f"size: {name}" for name in sizes]
    if outputs:
        lines.append("Returns " + ", ".join(outputs) + ".")
    return lines


def _docstring(program: Program, sizes: Sequence[str], title: str, outputs: Sequence[str]) -> list[str]:
    lines = [safe(line) for line in described(program, sizes, title, outputs)]
    return [f'"""{lines[0]}', "", *lines[1:], '"""'] if len(lines) > 1 else [f'"""{lines[0]}"""']


def safe(line: str) -> str:
    """Text that can neither end a docstring nor begin an escape in it."""
    return visible(line).replace("\\", "\\\\").replace('"', '\\"')


def visible(line: str) -> str:
    """Text in one line, without characters that are not seen."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in line)
