"""What notebooks show: small self-contained HTML. Everything a user wrote is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
    """A table of texts."""
    head = f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in header)}</tr>" if header else ""
    body = "".join(f"<tr>{''.join(cell_of(cell) for cell in row)}</tr>" for row in rows)
    return f"<table>{head}{body}</table>"


def cell_of(text: str, title: str = "", side: str = "left") -> str:
    """One cell; lines stay lines, and `title` shows under the pointer."""
    shown = f' title="{escape(title, quote=True)}"' if title else ""
    return f'<td style="text-align:{side}"{shown}>{escape(text).replace(chr(10), "<br>")}</td>'


def bundle(plain: str, html: str, latex: str = "") -> dict[str, str]:
    """The forms that a notebook chooses from."""
    return {"text/plain": plain, "text/html": html, **({"text/latex": latex} if latex else {})}
