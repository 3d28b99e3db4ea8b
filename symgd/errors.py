"""The errors symgd raises on bad input, and how each is shown: what, where, and what to write instead.

Every error a user can cause is a `SymgdError`. One about text carries the text and the position in it, and prints as

    cannot multiply W (3, 2) by x (3).
        sum((W*x - y)^2)
             ^^^
    W has 2 columns, x has 3 entries. Write W'*x, or declare x[2].
"""

from __future__ import annotations

import unicodedata
from typing import TypeVar

_SHOWN = 100  # characters of a formula that are shown in one line
_HEAD = 44  # of a longer one: its beginning …
_AROUND = 24  # … and this much on either side of the fault

_Error = TypeVar("_Error", bound="SymgdError")


class SymgdError(Exception):
    """Something symgd cannot do, with the reason, the place and a repair.

    `reason` is one sentence; `hint` says what to write instead ("" where there is nothing to say); `text` is the formula
    the fault is in and `position` the 0-based index of its first character there (None where no text is concerned);
    `length` is how many characters it takes.
    """

    def __init__(self, reason: str, *, hint: str = "", text: str | None = None, position: int | None = None, length: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.text = text
        self.position = position
        self.length = length

    def at(self: _Error, text: str, start: int, end: int) -> _Error:
        """The same error, placed at `text[start:end]`; one that has a place keeps it."""
        if self.position is None:
            self.text, self.position, self.length = text, start, max(1, end - start)
        return self

    def __str__(self) -> str:
        lines = [self.reason]
        if self.text is not None and self.position is not None:
            lines += _caret_lines(self.text, self.position, self.length)
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


class FormulaError(SymgdError):
    """Text that cannot be read as a formula, a claim or a declaration."""


class ShapeError(SymgdError):
    """Operands, values or indices whose shapes do not fit."""


class DomainError(SymgdError):
    """A value outside the domain of a function or of a declaration, or one that is not finite."""


class LimitError(SymgdError):
    """Input larger than the stated limits."""


class NoRuleError(SymgdError):
    """An operation for which symgd has no rule (yet)."""


class LoweringError(SymgdError):
    """A formula that cannot be turned into a program, or a backend or device that is not there."""


class ValueGivenError(SymgdError):
    """Values given for the variables of a formula that do not fit: missing, unknown, not finite, no number."""


class RankError(SymgdError):
    """Of several processes that descend together one has failed, is lost, or was asked for something else."""


def _caret_lines(text: str, position: int, length: int) -> list[str]:
    """The line of `text` that holds the fault, and carets under it."""
    position = min(position, len(text))
    start = max(text.rfind("\n", 0, position), text.rfind("\r", 0, position)) + 1
    ends = [end for end in (text.find("\n", position), text.find("\r", position)) if end >= 0]
    line, column = text[start : min(ends, default=len(text))], position - start
    length = max(1, min(length, len(line) - column))
    if len(line) > _SHOWN:
        line, column, length = _shortened(line, column, length)
    before = "".join("  " if unicodedata.east_asian_width(c) in "WF" else "" if unicodedata.combining(c) else " " for c in line[:column])
    return ["    " + "".join(map(_visible, line)), "    " + before + "^" * length]


def _shortened(line: str, column: int, length: int) -> tuple[str, int, int]:
    """A long line cut to its beginning and the neighbourhood of the fault."""
    length = min(length, _AROUND)
    if column + length <= _SHOWN - 2:
        return line[: _SHOWN - 2] + " …", column, length
    low, high = max(_HEAD, column - _AROUND), min(len(line), column + length + _AROUND)
    head = line[:_HEAD] + (" … " if low > _HEAD else "")
    return head + line[low:high] + (" …" if high < len(line) else ""), len(head) + column - low, length


def _visible(character: str) -> str:
    """Control and format characters would garble the terminal: show a replacement."""
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") else character
