"""A Jupyter notebook to its passages: its Markdown cells. Code and outputs are left out, and never run."""

from __future__ import annotations

import json
from collections.abc import Iterator

from symgd.errors import FormulaError
from symgd.verify.document import markdown
from symgd.verify.document.passages import Passage, Source


def passages(source: Source) -> Iterator[Passage]:
    """The passages of every cell, in order. Raises FormulaError where the text is no notebook."""
    for cell in cells(source.text):
        yield from markdown.passages(cell)


def cells(text: str) -> list[Source]:
    """The Markdown cells, each with its number among all cells, from 1."""
    hint = "A notebook is JSON with a list of cells."
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        at = getattr(error, "pos", 0)
        raise FormulaError("the text is no notebook: it is not JSON.", hint=hint).at(text, at, at + 1) from None
    listed = found.get("cells") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise FormulaError("the text is no notebook: it has no cells.", hint=hint).at(text, 0, 1)
    made = []
    for number, cell in enumerate(listed, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "markdown":
            written = cell.get("source", "")
            lines = written if isinstance(written, list) else [written]
            made.append(Source("".join(line for line in lines if isinstance(line, str)), number))
    return made
