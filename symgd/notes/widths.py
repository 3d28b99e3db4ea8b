"""How wide a formula is when it is set, roughly, in em: read off its MathML. It decides where a line of a derivation is broken."""

from __future__ import annotations

from xml.etree import ElementTree

from symgd.notes.mathematics import mathml

_SMALL = 0.7  # scripts


def width(latex: str) -> float:
    """The width in em.

    >>> width("x") < width("x + y") < width("x + y + z")
    True
    """
    return _of(ElementTree.fromstring(mathml(latex)))


def _of(node: ElementTree.Element) -> float:
    tag = node.tag.rpartition("}")[2]
    inner = [_of(child) for child in node]
    if tag == "mspace":
        return float(node.get("width", "0em").removesuffix("em"))
    if tag in ("mi", "mn", "mtext", "mo"):
        text = node.text or ""
        if tag == "mo":
            return 1.3 if text in "+−=<>≤≥→←≠∈⋅⊙" else 0.95 if text in "∑∏∫" else 0.4
        return (0.57 if tag == "mi" and len(text) == 1 else 0.5) * len(text)
    if tag == "mfrac":
        return max(inner) + 0.25
    if tag in ("msub", "msup", "msubsup"):
        return inner[0] + _SMALL * max(inner[1:])
    if tag in ("munder", "mover", "munderover"):
        return max(inner[0], *(_SMALL * part for part in inner[1:]))
    if tag == "mtable":
        rows = [[_of(cell) for cell in row] for row in node]
        return sum(max(row[k] if k < len(row) else 0 for row in rows) for k in range(max(map(len, rows)))) + len(rows)
    return sum(inner) + (1 if tag in ("msqrt", "mroot") else 0)


def broken(latex: str, most: float) -> list[str]:
    """The formula in pieces that are at most so wide where that is possible, broken before a + or − outside all brackets."""
    if width(latex) <= most:
        return [latex]
    places, depth = [], 0
    for k, character in enumerate(latex):
        opens = character == "{" or latex.startswith((r"\left", r"\begin"), k)
        closes = character == "}" or latex.startswith((r"\right", r"\end"), k)
        opens = opens and not latex.startswith(r"\leftarrow", k)
        closes = closes and not latex.startswith(r"\rightarrow", k)
        depth += opens - closes
        if depth == 0 and latex.startswith((" + ", " - "), k):
            places.append(k + 1)
    pieces, begin = [], 0
    for place, after in zip(places, [*places[1:], len(latex)]):
        if width(latex[begin:after]) > most and place > begin:
            pieces.append(latex[begin:place].rstrip())
            begin = place
    return [*pieces, latex[begin:]]
