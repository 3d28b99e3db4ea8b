"""What a document is made of: passages of prose, of mathematics and of declarations, each with its place."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

PROSE, MATH, INFIX, GIVEN, MACROS, SKIPPED = "prose", "math", "infix", "given", "macros", "skipped"

_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Source:
    """A text with its lines: a file, or one cell of a notebook (counted from 1)."""

    text: str
    cell: int | None = None
    _lines: list[int] = field(default_factory=list)
    _found: dict[str, tuple[int, int]] = field(default_factory=dict)  # of a sign: from where it was searched, and where it is
    _braces: dict[int, int] = field(default_factory=dict)

    def find(self, sign: str, start: int, end: int) -> int:
        """Where a sign begins behind `start`, before `end`; -1 where it does not. What was found once is not searched for again."""
        since, place = self._found.get(sign, (0, -2))
        if place == -2 or start < since or (place >= 0 and start > place):
            place = self.text.find(sign, start)
            self._found[sign] = start, place
        return place if 0 <= place <= end - len(sign) else -1

    def group(self, start: int) -> int | None:
        """The place behind the group in braces that opens at `start`; None where it is never closed."""
        if not self._braces:
            waiting: list[int] = []
            self._braces[-1] = -1
            for brace in _BRACE.finditer(self.text):
                if brace[0] == "{":
                    waiting.append(brace.start())
                elif brace[0] == "}" and waiting:
                    self._braces[waiting.pop()] = brace.end()
        return self._braces.get(start)

    def place(self, offset: int) -> tuple[int, int]:
        """The line and the column of a character, both counted from 1."""
        if not self._lines:
            self._lines.append(0)
            self._lines.extend(k + 1 for k, character in enumerate(self.text) if character == "\n")
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document.

    `text` is `source.text[start:start + len(text)]`, without the dollar signs or the environment around it. MATH is LaTeX and INFIX the
    infix language; GIVEN are declarations; MACROS define commands; SKIPPED is not read, and `why` says so.
    """

    kind: str
    text: str
    start: int
    source: Source
    display: bool = False
    why: str = ""
