"""Notes as one HTML file: formulas in MathML, figures inside, nothing loaded from anywhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from html import escape

from symgd.notes import blocks as b
from symgd.notes.mathematics import mathml

Draw = Callable[[b.Picture], bytes]  # a figure as SVG

_STYLE = """
body { max-width: 54rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/1.55 Georgia, "Noto Serif KR", serif; color: #111; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.35rem; } h3 { font-size: 1.1rem; }
.wide { overflow: auto hidden; padding: 0.3rem 0; margin: 0.5rem 0; }
table { border-collapse: collapse; } td, th { padding: 0.2rem 0.8rem; text-align: right; }
td:first-child, th:first-child { text-align: left; } th { border-bottom: 1px solid #111; font-weight: 600; }
.derivation td { padding: 0.3rem 0.35rem; text-align: left; white-space: nowrap; } .derivation td:first-child { text-align: right; }
.derivation td.rule { padding-left: 2rem; color: #444; font-size: 0.9rem; }
figure { margin: 1rem 0; text-align: center; } figure img { max-width: 100%; } figcaption { font-style: italic; font-size: 0.95rem; }
pre, code { font-family: "DejaVu Sans Mono", Consolas, monospace; font-size: 0.92em; }
pre { background: #f4f4f4; padding: 0.7rem; overflow-x: auto; }
"""
_TAGS = {"strong": "strong", "emphasis": "em", "code": "code"}


def html(notes: b.Notes, draw: Draw) -> str:
    """The document."""
    plain = "".join(piece.text for piece in notes.title) or "Notes"
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en" xmlns="http://www.w3.org/1999/xhtml">',
        f'<head><meta charset="utf-8"/><title>{escape(plain)}</title><style>{_STYLE}</style></head>',
        "<body>",
        *([f"<h1>{inline(notes.title)}</h1>"] if notes.title else []),
        *(_block(block, draw) for block in notes.blocks),
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def inline(content: b.Inline) -> str:
    return "".join(map(_piece, content))


def _piece(piece: b.Piece) -> str:
    if piece.kind == "math":
        return mathml(piece.text)
    tag = _TAGS.get(piece.kind)
    return f"<{tag}>{escape(piece.text)}</{tag}>" if tag else escape(piece.text)


def _block(block: b.Block, draw: Draw) -> str:
    match block:
        case b.Heading(content, level):
            return f"<h{level}>{inline(content)}</h{level}>"
        case b.Paragraph(content):
            return f"<p>{inline(content)}</p>"
        case b.Items(items, numbered):
            tag = "ol" if numbered else "ul"
            return f"<{tag}>{''.join(f'<li>{inline(item)}</li>' for item in items)}</{tag}>"
        case b.Display(latex):
            return f'<div class="wide">{mathml(latex, display=True)}</div>'
        case b.Derived(lines):
            rows = "".join(_line(line) for line in lines)
            return f'<div class="wide"><table class="derivation">{rows}</table></div>'
        case b.Grid(header, rows):
            head = "".join(f"<th>{inline(cell)}</th>" for cell in header)
            body = "".join(f"<tr>{''.join(f'<td>{inline(cell)}</td>' for cell in row)}</tr>" for row in rows)
            return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'
        case b.Listing(text):
            return f"<pre>{escape(text)}</pre>"
        case b.Picture(_, caption):
            image = b64encode(draw(block)).decode("ascii")
            said = "".join(piece.text for piece in caption)
            source = f"data:image/svg+xml;base64,{image}"
            return f'<figure><img alt="{escape(said, quote=True)}" src="{source}"/><figcaption>{inline(caption)}</figcaption></figure>'


def _line(line: b.Line) -> str:
    left = mathml(rf"\displaystyle {line.left}") if line.left else ""
    right = mathml(rf"\displaystyle = {line.right}").replace("<math ", '<math displaystyle="true" ', 1)
    left = left.replace("<math ", '<math displaystyle="true" ', 1)
    return f'<tr><td>{left}</td><td>{right}</td><td class="rule">{escape(line.rule)}</td></tr>'
