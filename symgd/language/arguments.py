"""The arguments of a call: how many there may be, and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from symgd.algebra.operations import Value
from symgd.algebra.trampoline import Task
from symgd.errors import FormulaError
from symgd.language import syntax as sx

if TYPE_CHECKING:
    from symgd.language.meaning import Elaborator


def refuse(elaborator: Elaborator, node: sx.Call, reason: str, hint: str) -> NoReturn:
    """Refuse a call, at its name."""
    raise FormulaError(reason, hint=hint).at(elaborator.text, node.start, node.start + len(node.name))


def check_count(elaborator: Elaborator, node: sx.Call, least: int, most: int | None, keywords: tuple[str, ...] = ()) -> None:
    """Refuse a wrong number of arguments and unknown keywords, before any of them is read."""
    given = len(node.arguments)
    takes = f"{least}" if most == least else f"{least} or more" if most is None else f"{least} to {most}"
    takes = f"{node.name} takes {takes} argument{'' if takes == '1' else 's'}"
    if given < least:
        refuse(elaborator, node, f"missing argument: {takes}, not {given}.", f"Write {node.name}({', '.join('xyzuvw'[: max(least, 1)])}).")
    if most is not None and given > most:
        excess = node.arguments[most]
        elaborator.refuse(excess, f"unexpected argument: {takes}, not {given}.", "Leave it out.")
    for word, value in node.keywords:
        if word not in keywords:
            hint = f"The keyword is {keywords[0]}." if keywords else "It takes no keywords."
            elaborator.refuse(value, f"unknown keyword '{word}' of {node.name}.", hint)


def arguments(elaborator: Elaborator, node: sx.Call) -> Task[list[Value]]:
    values = []
    for argument in node.arguments:
        value: Value = elaborator.atom(argument) or (yield elaborator.value(argument))
        values.append(value)
    return values
