"""Notes as Markdown, mathematics between dollar signs, as GitHub and notebooks show it."""

from __future__ import annotations

import re
from collections.abc import Callable

from symgd.notes import blocks as b

Place = Callable[[b.Picture, int], str]


def markdown(notes: b.Notes, place: Place) -> str:
    """The document."""
    parts = [f"# {inline(notes.title)}"] if notes.title else []
    figures = 0
    for block in notes.blocks:
        figures += isinstance(block, b.Picture)
        parts.append(_block(block, place, figures))
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text whose signs mean nothing to Markdown."""
    return re.sub(r"([\\`*_$<>|\[\]#])", r"\\\1", text)


def inline(content: b.Inline) -> str:
    return "".join(map(_piece, content))


def _piece(piece: b.Piece) -> str:
    if piece.kind == "math":
        return f"${piece.text}$"
    if piece.kind == "code":
        return f"``{piece.text}``" if "`" in piece.text else f"`{piece.text}`"
    marks = {"strong": "**", "emphasis": "*"}.get(piece.kind, "")
    return f"{marks}{escaped(piece.text)}{marks}"


def _block(block: b.Block, place: Place, figures: int) -> str:
    match block:
        case b.Heading(content, level):
            return f"{'#' * level} {inline(content)}"
        case b.Paragraph(content):
            return inline(content)
        case b.Items(items, numbered):
            return "\n".join(f"{'1.' if numbered else '-'} {inline(item)}" for item in items)
        case b.Display(latex):
            return f"$$\n{latex}\n$$"
        case b.Derived(lines):
            rows = [f"{line.left} &= {line.right} && \\text{{{line.rule.replace('_', chr(92) + '_')}}}".strip() for line in lines]
            return "$$\n\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}\n$$"
        case b.Grid(header, rows):
            cells = [header, *rows]
            shown = ["| " + " | ".join(inline(cell).replace("|", "\\|") or " " for cell in row) + " |" for row in cells]
            return "\n".join([shown[0], "|" + "---|" * len(header), *shown[1:]])
        case b.Listing(text):
            return f"````\n{text}\n````"
        case b.Picture(_, caption):
            return f"![{inline(caption)}]({place(block, figures)})"
