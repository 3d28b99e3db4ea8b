"""What notes are made of, whatever they are written in: text in pieces, displays, derivations, tables, figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of running text: its kind is "text", "math" (LaTeX), "strong", "emphasis" or "code"."""

    kind: str
    text: str


Inline = tuple[Piece, ...]


def say(*parts: Union[str, Piece]) -> Inline:
    """Running text of plain texts and pieces."""
    return tuple(Piece("text", part) if isinstance(part, str) else part for part in parts)


def math(latex: str) -> Piece:
    return Piece("math", latex)


def strong(text: str) -> Piece:
    return Piece("strong", text)


@dataclass(frozen=True, slots=True)
class Heading:
    content: Inline
    level: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    content: Inline


@dataclass(frozen=True, slots=True)
class Items:
    """A list, numbered or with bullets."""

    items: tuple[Inline, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Display:
    """One formula on a line of its own."""

    latex: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a derivation: `left` stands at the beginning of a chain only; `rule` is why the line holds."""

    left: str
    right: str
    rule: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A derivation, aligned, the rule beside every line."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table."""

    header: tuple[Inline, ...]
    rows: tuple[tuple[Inline, ...], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Text as it is, in letters of one width."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure: `draw()` gives it, as matplotlib has it."""

    draw: Callable[[], Any]
    caption: Inline


Block = Union[Heading, Paragraph, Items, Display, Derived, Grid, Listing, Picture]


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes. `complaints` are claims in them that are wrong, as sentences; `remarks` what has not been checked."""

    title: Inline
    blocks: tuple[Block, ...]
    complaints: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def tex(self) -> str:
        """The notes as a LaTeX document. Raises ValueGivenError where figures would need files: `write_notes` has a place for them."""
        return self._as(".tex")

    def html(self) -> str:
        """The notes as one HTML file."""
        return self._as(".html")

    def markdown(self) -> str:
        """The notes as Markdown."""
        return self._as(".md")

    def _as(self, kind: str) -> str:
        from symgd.notes.document import text_of

        return text_of(self, kind)
