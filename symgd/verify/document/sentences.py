"""Passages to sentences: words and formulas in the order they are read, since the words say what a formula is for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from symgd.verify.document.passages import MATH, PROSE, Passage, Source

_BREAK = re.compile(
    r"""\n[ \t\r]*\n
    |^[ \t]*(?:\#{1,6}[ ]|[-*+][ ]|\d+[.)][ ]|>[ ])
    |\\(?:section|subsection|subsubsection|paragraph|chapter|item|par|begin|end)(?![A-Za-z])
    |[.!?](?=["')\]}*_]*(?:\s|$))""",
    re.VERBOSE | re.MULTILINE,
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|eq|eqs|fig|resp|w\.r\.t|vs|etc|approx|bzw|z\.B|d\.h|Dr|Prof|al)|\b[A-Z])\.$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of prose inside a sentence."""

    text: str
    start: int
    source: Source


@dataclass(slots=True)
class Sentence:
    """Words and formulas; `number` counts sentences, `paragraph` is the number of the last sentence of its paragraph."""

    number: int
    items: list[Words | Passage] = field(default_factory=list)
    paragraph: int = 0

    def before(self, k: int) -> str:
        """The words directly before item k."""
        item = self.items[k - 1] if k else None
        return item.text if isinstance(item, Words) else ""

    def after(self, k: int) -> str:
        item = self.items[k + 1] if k + 1 < len(self.items) else None
        return item.text if isinstance(item, Words) else ""


def sentences(passages: Iterable[Passage]) -> list[Sentence]:
    """The sentences in order; a passage that is neither prose nor LaTeX stands in one of its own."""
    found = list(_cut(passages))
    number = 0
    ends: list[int] = []
    for k, (_, is_end) in enumerate(found):
        if is_end or k == len(found) - 1:
            ends.append(k)
    made = []
    for k, (items, _) in enumerate(found):
        while number < len(ends) - 1 and ends[number] < k:
            number += 1
        made.append(Sentence(k, items, ends[number]))
    return made


def _cut(passages: Iterable[Passage]) -> Iterator[tuple[list[Words | Passage], bool]]:
    """The items of each sentence, and whether its paragraph ends with it."""
    items: list[Words | Passage] = []
    for passage in passages:
        if passage.kind == MATH:
            items.append(passage)
            if passage.display and re.sub(r"\\end\{[^}]*\}|\\label\{[^}]*\}|\\tag\{[^}]*\}|\s", "", passage.text).endswith("."):
                yield items, False
                items = []
        elif passage.kind != PROSE:
            if passage.why or passage.text:
                yield items, False
                yield [passage], False
                items = []
        else:
            for words, ends, is_paragraph in _pieces(passage):
                if words.text.strip():
                    items.append(words)
                if ends:
                    yield items, is_paragraph
                    items = []
    yield items, True


def _pieces(passage: Passage) -> Iterator[tuple[Words, bool, bool]]:
    """The prose of a passage cut where sentences end: the words, whether the sentence ends there, and whether the paragraph does."""
    text, at = passage.text, 0
    for found in _BREAK.finditer(text):
        token = found[0]
        if token in ".!?" and _ABBREVIATION.search(text, max(0, found.start() - 8), found.end()):
            continue
        end = found.end() if token in ".!?" else found.start()
        yield (
            Words(text[at:end], passage.start + at, passage.source),
            True,
            token not in ".!?" and not token.strip().startswith((r"\begin", r"\end")),
        )
        at = found.end()
    yield Words(text[at:], passage.start + at, passage.source), False, False
