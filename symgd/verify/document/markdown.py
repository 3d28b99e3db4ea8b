r"""A Markdown document to its passages: `$…$`, `$$…$$`, `\( \)`, `\[ \]`, LaTeX environments, fenced blocks, front matter.

    ---                              ```symgd                      <!-- given: t > 0 -->
    given: A[m,n], x[n], b[m]        given: A[m,n], x[n]           declares, too
    ---                              grad(sum(A*x), x)
    declares                           = A'*ones(m)                ```math holds LaTeX

A dollar sign opens a formula where no space follows it, and closes one where no space comes before it and no digit after it. Blocks of any
other language are code: they are left out, and never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from symgd.verify.document.passages import GIVEN, INFIX, MATH, PROSE, SKIPPED, Passage, Source
from symgd.verify.document.tex import MATH_ENVIRONMENTS

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*\{?[ \t]*([^\s`{}]*)[^\n`]*$", re.MULTILINE)
_FRONT = re.compile(r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t\r]*$", re.DOTALL | re.MULTILINE)
_GIVEN = re.compile(r"^given[ \t]*:[ \t]*([|>][-+]?[ \t]*)?([^\n]*(?:\n[ \t]+[^\n]*|\n-[ \t][^\n]*)*)", re.MULTILINE)
_INFIX = ("symgd", "infix")
_CODE = 5_000  # characters of code inside a line
_TOKEN = re.compile(
    rf"""(?P<code>`+)|<!--|\\\[|\\\(|\\begin\{{(?P<name>(?:{MATH_ENVIRONMENTS})\*?)\}}|\\.|\$\$|\$""",
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {r"\[": r"\]", r"\(": r"\)", "$$": "$$", "$": "$"}
_COMMENT_GIVEN = re.compile(r"\s*given\s*:", re.IGNORECASE)


def passages(source: Source) -> Iterator[Passage]:
    """The passages in order."""
    text, at = source.text, 0
    front = _FRONT.match(text.removeprefix("\ufeff"))
    if front:
        at = front.end() + text.startswith("\ufeff")
        yield from _front_matter(source, front.start(1) + text.startswith("\ufeff"), front[1])
    while True:
        opening = _FENCE.search(text, at)
        yield from _flow(source, at, opening.start() if opening else len(text))
        if opening is None:
            return
        closing = re.compile(rf"^ {{0,3}}{re.escape(opening[1][0])}{{{len(opening[1])},}}[ \t\r]*$", re.MULTILINE).search(
            text, opening.end()
        )
        end, at = (closing.start(), closing.end()) if closing else (len(text), len(text))
        language = opening[2].lower()
        if language in _INFIX or language == "math":
            start = min(opening.end() + 1, end)
            yield Passage(INFIX if language in _INFIX else MATH, text[start:end], start, source, display=True)
        else:
            yield Passage(SKIPPED, text[opening.start() : at], opening.start(), source)


def _front_matter(source: Source, start: int, text: str) -> Iterator[Passage]:
    """The declarations of the front matter, in the lines of its key `given`; a list has commas for its dashes."""
    for found in _GIVEN.finditer(text):
        written = re.sub(r"(?m)^([ \t]*)-(?=[ \t])", lambda dash: f"{dash[1]},", found[2])
        blank = len(written) - len(written.lstrip(" \t\r\n,"))
        written = " " * blank + written[blank:]
        stripped = written.strip()
        if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "\"'":
            written = written.replace(stripped, f" {stripped[1:-1]} ")
        yield Passage(GIVEN, written, start + found.start(2), source)


def _flow(source: Source, at: int, ends: int) -> Iterator[Passage]:
    text, prose = source.text, at
    while True:
        found = _TOKEN.search(text, at, ends)
        if found is None:
            break
        passage, at = _read(source, found, ends)
        if passage is not None:
            if prose < found.start():
                yield Passage(PROSE, text[prose : found.start()], prose, source)
            yield passage
            prose = at
    if prose < ends:
        yield Passage(PROSE, text[prose:ends], prose, source)


def _read(source: Source, found: re.Match[str], ends: int) -> tuple[Passage | None, int]:
    text, token, at = source.text, found[0], found.end()
    if found["code"]:
        if source.find(token, at, ends) < 0:
            return None, at
        closing = re.compile(rf"(?<!`){token}(?!`)").search(text, at, min(ends, at + _CODE))
        return (Passage(SKIPPED, text[found.start() : closing.end()], found.start(), source), closing.end()) if closing else (None, at)
    if token == "<!--":
        end = source.find("-->", at, ends)
        end = ends if end < 0 else end
        given = _COMMENT_GIVEN.match(text, at, end)
        if given:
            return Passage(GIVEN, text[given.end() : end], given.end(), source), min(end + 3, ends)
        return Passage(SKIPPED, text[found.start() : end], found.start(), source), min(end + 3, ends)
    if found["name"]:
        closing_text = f"\\end{{{found['name']}}}"
        end = source.find(closing_text, at, ends)
        if end < 0:
            return Passage(SKIPPED, token, found.start(), source, why=f"missing {closing_text}: this environment is never closed."), at
        end += len(closing_text)
        return Passage(MATH, text[found.start() : end], found.start(), source, display=True), end
    if token not in _CLOSING:
        return None, at
    return _formula(source, token, found.start(), at, ends)


def _formula(source: Source, opening: str, start: int, at: int, ends: int) -> tuple[Passage | None, int]:
    text, closing = source.text, _CLOSING[opening]
    if opening == "$":
        if at >= ends or text[at].isspace():
            return None, at
        for found in re.compile(r"\\.|\$|\n[ \t\r]*\n", re.DOTALL).finditer(text, at, ends):
            if found[0].startswith("\n"):
                return None, at
            if found[0] == "$":
                end = found.start()
                is_end = not text[end - 1].isspace() and not (end + 1 < len(text) and text[end + 1].isdigit())
                return (Passage(MATH, text[at:end], at, source), end + 1) if is_end else (None, at)
        return None, at
    end = source.find(closing, at, ends)
    if end < 0:
        return Passage(SKIPPED, opening, start, source, why=f"missing '{closing}': this '{opening}' is never closed."), at
    return Passage(MATH, text[at:end], at, source, display=opening != r"\("), end + len(closing)
