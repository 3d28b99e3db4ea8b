"""Passages to sentences: words and formulas in the order they are read, since the words say what a formula is for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from symgd.verify.document.passages import MATH, PROSE, SKIPPED, Passage, Source

_BREAK = re.compile(
    r"""\n[ \t\r]*\n
    |^[ \t]*(?:\#{1,6}[ ]|[-*+][ ]|\d+[.)][ ]|>[ ]|\|)
    |\\(?:section|subsection|subsubsection|paragraph|chapter|item|par|begin|end)(?![A-Za-z])
    |[.!?](?=["')\]}*_]*(?:\s|$))""",
    re.VERBOSE | re.MULTILINE,
)
_NEW = re.compile(
    r"[ \t]*(?:#{1,6} |\d+[.)] )|\\(?:section|subsection|subsubsection|paragraph|chapter|item)"
    r"|\\begin\{(?:exercise|problem|question|example|frame)\*?\}",
    re.IGNORECASE,
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|eq|eqs|fig|resp|w\.r\.t|s\.t|vs|etc|approx|bzw|z\.B|d\.h|Dr|Prof|al)|\b[A-Z])\.$", re.IGNORECASE
)
_ENDING = re.compile(r"\\end\{[^}]*\}|\\label\{[^}]*\}|\\tag\{[^}]*\}|\s")


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of prose inside a sentence."""

    text: str
    start: int
    source: Source


@dataclass(slots=True)
class Sentence:
    """Words and formulas; `number` counts sentences, `paragraph` is the number of the last sentence of its paragraph.

    `section` counts headings, items and numbered problems: behind one of them a name may be defined anew.
    """

    number: int
    items: list[Words | Passage] = field(default_factory=list)
    paragraph: int = 0
    section: int = 0

    def before(self, k: int) -> str:
        """The words directly before item k."""
        item = self.items[k - 1] if k else None
        return item.text if isinstance(item, Words) else ""

    def after(self, k: int) -> str:
        item = self.items[k + 1] if k + 1 < len(self.items) else None
        return item.text if isinstance(item, Words) else ""

    @property
    def words(self) -> str:
        return " ".join(item.text for item in self.items if isinstance(item, Words))


@dataclass(frozen=True, slots=True)
class _Cut:
    """What one sentence holds; whether its paragraph ends with it, and whether a section begins with it."""

    items: list[Words | Passage]
    ends_paragraph: bool = False
    is_section: bool = False


def sentences(passages: Iterable[Passage]) -> list[Sentence]:
    """The sentences in order; a passage that is neither prose nor LaTeX stands in one of its own."""
    made: list[Sentence] = []
    section = first = 0
    for number, cut in enumerate(_cut(passages)):
        section += cut.is_section
        made.append(Sentence(number, cut.items, section=section))
        if cut.ends_paragraph:
            for sentence in made[first:]:
                sentence.paragraph = number
            first = number + 1
    for sentence in made[first:]:
        sentence.paragraph = len(made) - 1
    return made


def _cut(passages: Iterable[Passage]) -> Iterator[_Cut]:
    items: list[Words | Passage] = []
    is_section = False
    source: Source | None = None
    listed = list(passages)
    for number, passage in enumerate(listed):
        if source is not None and passage.source is not source:
            yield _Cut(items, True, is_section)
            items, is_section = [], False
        source = passage.source
        if passage.kind == MATH:
            items.append(passage)
            if passage.display and _ENDING.sub("", passage.text).endswith("."):
                yield _Cut(items, False, is_section)
                items, is_section = [], False
        elif passage.kind != PROSE:
            if passage.why or passage.kind != SKIPPED or "\n" in passage.text:  # code in a line is a word of its sentence
                yield _Cut(items, False, is_section)
                yield _Cut([passage])
                items, is_section = [], False
        else:
            before, after = (listed[k] if 0 <= k < len(listed) else None for k in (number - 1, number + 1))
            for words, ends, is_paragraph, is_new in _pieces(passage, _is_display(before), _is_display(after)):
                if words.text.strip():
                    items.append(words)
                if ends:
                    yield _Cut(items, is_paragraph, is_section)
                    items, is_section = [], is_new
    yield _Cut(items, True, is_section)


def _is_display(passage: Passage | None) -> bool:
    return passage is not None and passage.kind == MATH and passage.display


def _pieces(passage: Passage, follows: bool, leads: bool) -> Iterator[tuple[Words, bool, bool, bool]]:
    """The prose of a passage cut where sentences end: the words, whether the sentence ends there, whether the paragraph does, and
    whether a section begins behind them.

    A sentence goes on over the blank line before a displayed formula (`leads`), and, in small letters, over the one behind it (`follows`).
    """
    text, at = passage.text, 0
    for found in _BREAK.finditer(text):
        token = found[0]
        is_stop = token in (".", "!", "?")
        if is_stop and _ABBREVIATION.search(text, max(0, found.start() - 8), found.end()):
            continue
        if token.startswith("\n") and (
            (leads and not text[found.end() :].strip() and text[: found.start()].rstrip()[-1:] not in (*".!?", ""))
            or (follows and not text[: found.start()].strip() and text[found.end() : found.end() + 1].islower())
        ):
            continue
        end = found.end() if is_stop else found.start()
        is_paragraph = not is_stop and not token.strip().startswith((r"\begin", r"\end"))
        yield Words(text[at:end], passage.start + at, passage.source), True, is_paragraph, _NEW.match(text, found.start()) is not None
        at = found.end()
    yield Words(text[at:], passage.start + at, passage.source), False, False, False
