"""What is done to a program on its way from the formula, pass by pass, each with a switch.

A program carries the names of the passes it has been through. What a pass promises is checked when it ends and after every later
one (`Program.validate`). `to_torch(…, without=["sharing"])` leaves passes out, so that what each brings can be measured; the
numbers are the same up to rounding.

    accurate forms      the formula rewritten so that digits are kept, before it is derived and once more after
    simplification      like terms and powers of one base collected
    contraction order   products of several arrays in the order of least cost
    sharing             equal instructions once
    dead code           what no output needs left out
    setup               what depends on no input computed once
    early freeing       arrays deleted after their last use
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from symgd.errors import LoweringError

if TYPE_CHECKING:
    from symgd.lowering.program import Program


@dataclass(frozen=True, slots=True)
class Pass:
    """`promise` gives what is wrong with a program that has been through it, in words; "" where nothing is."""

    name: str
    promise: Callable[[Program], str]


def _nothing(program: Program) -> str:
    """For passes over the formula, and over the source that is generated: no instruction shows them."""
    return ""


def _equal_instructions(program: Program) -> str:
    first: dict[object, int] = {}
    for number, instruction in enumerate(program.instructions):
        if first.setdefault(instruction, number) != number:
            return f"instruction {number}, {instruction.kind}: it is the same as instruction {first[instruction]}"
    return ""


def _unused(program: Program) -> str:
    for number, uses in enumerate(program.uses()):
        if not uses:
            return f"instruction {number}, {program.instructions[number].kind}: nothing uses it"
    return ""


def _computed_anew(program: Program) -> str:
    for number, instruction in enumerate(program.instructions):
        if number not in program.setup and instruction.is_fixed and all(value in program.setup for value in instruction.inputs):
            return f"instruction {number}, {instruction.kind}: it depends on no input and stands outside setup"
    return ""


ACCURATE, SIMPLIFIED, ORDERED, SHARED = "accurate forms", "simplification", "contraction order", "sharing"
PRUNED, SETUP, FREED = "dead code", "setup", "early freeing"

PASSES: dict[str, Pass] = {
    row.name: row
    for row in (
        Pass(ACCURATE, _nothing),
        Pass(SIMPLIFIED, _nothing),
        Pass(ORDERED, _nothing),
        Pass(SHARED, _equal_instructions),
        Pass(PRUNED, _unused),
        Pass(SETUP, _computed_anew),
        Pass(FREED, _nothing),
    )
}
ALL = frozenset(PASSES)


def passes_without(left_out: Iterable[str]) -> frozenset[str]:
    """The passes but these. Raises `LoweringError` for a name that is none."""
    names = [left_out] if isinstance(left_out, str) else list(left_out)
    for name in names:
        if name not in PASSES:
            near = get_close_matches(str(name), PASSES, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Passes are {', '.join(PASSES)}."
            raise LoweringError(f"unknown pass {name!r}.", hint=hint)
    return ALL.difference(names)
