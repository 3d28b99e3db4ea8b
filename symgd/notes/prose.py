r"""Prose in Markdown to blocks: headings, paragraphs, lists, displays $$…$$, fenced blocks; **strong**, *emphasis*, `code`, $math$.

Fenced blocks whose name begins with `symgd-` are not prose: they are handed back with the line that they begin in. Nothing else of Markdown
is known, HTML least of all: what looks like it is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

from symgd.errors import FormulaError
from symgd.notes.blocks import Block, Display, Heading, Inline, Items, Listing, Paragraph, Piece
from symgd.notes.mathematics import checked

_INLINE = re.compile(
    r"\\(?P<escaped>[\\$*`#_-])|(?<!\\)\$(?P<math>[^$]+)\$|`(?P<code>[^`]+)`|\*\*(?P<strong>[^*]+)\*\*|\*(?P<emphasis>[^*\s][^*]*)\*"
)
_HEADING = re.compile(r"(#{1,4})\s+(.*?)\s*#*$")
_ITEM = re.compile(r"(?:(?P<bullet>[-*+])|(?P<number>\d{1,4})[.)])\s+(?P<text>.*)$")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block for symgd: its name, its text, and the number of its first line in the document, from 1."""

    name: str
    text: str
    line: int


def inline(text: str) -> Inline:
    """The pieces of running text. Raises FormulaError for mathematics that cannot stand in notes."""
    pieces: list[Piece] = []
    at = 0
    for found in _INLINE.finditer(text):
        pieces.append(Piece("text", text[at : found.start()]))
        kind = str(found.lastgroup)
        pieces.append(Piece("math", checked(found[kind].strip())) if kind == "math" else Piece(kind, found[kind]))
        at = found.end()
    pieces.append(Piece("text", text[at:]))
    joined: list[Piece] = []
    for piece in pieces:
        piece = Piece("text", piece.text) if piece.kind == "escaped" else piece
        if joined and piece.kind == joined[-1].kind == "text":
            joined[-1] = Piece("text", joined[-1].text + piece.text)
        elif piece.text:
            joined.append(piece)
    return tuple(joined)


def parts(text: str) -> Iterator[Union[Block, Fence]]:
    """The document in order."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        if not line:
            at += 1
        elif line.startswith("```"):
            part, at = _fence(lines, at)
            yield part
        elif line.startswith("$$"):
            display, at = _display(lines, at)
            yield display
        elif heading := _HEADING.match(line):
            yield _placed(at, lambda: Heading(inline(heading[2]), len(heading[1])))
            at += 1
        elif _ITEM.match(line):
            begin, at = at, _end(lines, at, items=True)
            yield _placed(begin, lambda: _items(lines[begin:at]))  # noqa: B023
        else:
            begin, at = at, _end(lines, at, items=False)
            yield _placed(begin, lambda: Paragraph(inline(" ".join(part.strip() for part in lines[begin:at]))))  # noqa: B023


def _placed(at: int, make: object) -> Block:
    """The block, or the error in it with the line of the document it begins in."""
    try:
        found: Block = make()  # type: ignore[operator]
    except FormulaError as error:
        error.reason = f"line {at + 1}: {error.reason}"
        raise
    return found


def _end(lines: list[str], at: int, items: bool) -> int:
    """Where a paragraph, or a list, ends."""
    at += 1
    while at < len(lines):
        line = lines[at].strip()
        if not line or line.startswith(("```", "$$")) or _HEADING.match(line) or (not items and _ITEM.match(line)):
            break
        at += 1
    return at


def _items(lines: list[str]) -> Items:
    texts: list[str] = []
    numbered = False
    for line in lines:
        found = _ITEM.match(line.strip())
        if found:
            numbered = numbered or found["number"] is not None
            texts.append(found["text"])
        else:
            texts[-1] += " " + line.strip()
    return Items(tuple(map(inline, texts)), numbered)


def _fence(lines: list[str], at: int) -> tuple[Union[Block, Fence], int]:
    name = lines[at].strip().lstrip("`").strip()
    end = next((k for k in range(at + 1, len(lines)) if lines[k].strip() == "```"), None)
    if end is None:
        raise FormulaError(f"line {at + 1}: this block is never closed.", hint="Write ``` on a line of its own where it ends.")
    text = "\n".join(lines[at + 1 : end])
    return (Fence(name, text, at + 2) if name.startswith("symgd") else Listing(text)), end + 1


def _display(lines: list[str], at: int) -> tuple[Block, int]:
    text = lines[at].strip()[2:]
    end = at
    while not text.rstrip().endswith("$$"):
        end += 1
        if end == len(lines):
            raise FormulaError(f"line {at + 1}: this formula is never closed.", hint="Write $$ where it ends, as the last of its line.")
        text += "\n" + lines[end]
    return _placed(at, lambda: Display(checked(text.rstrip()[:-2].strip()))), end + 1
