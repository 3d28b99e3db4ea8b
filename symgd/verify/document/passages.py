"""What a document is made of: passages of prose, of mathematics and of declarations, each with its place."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

PROSE, MATH, INFIX, GIVEN, MACROS, SKIPPED = "prose", "math", "infix", "given", "macros", "skipped"


@dataclass(frozen=True, slots=True)
class Source:
    """A text with its lines: a file, or one cell of a notebook (counted from 1)."""

    text: str
    cell: int | None = None
    _lines: list[int] = field(default_factory=list)

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
    infix language; GIVEN are declarations, `is_latex` where the document is; MACROS define commands; SKIPPED is not read, and `why` says so.
    """

    kind: str
    text: str
    start: int
    source: Source
    display: bool = False
    why: str = ""
