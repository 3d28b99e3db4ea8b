"""Every equation of a document: which are right, and which are not?"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from symgd.errors import FormulaError, LimitError
from symgd.language import declarations
from symgd.language.latex.scope import Scope
from symgd.language.limits import Limits
from symgd.verify.check import Verdict
from symgd.verify.document import judge, markdown, notebook, tex
from symgd.verify.document.declaring import Declaring
from symgd.verify.document.entries import Defined, Entry, Equation, Unread
from symgd.verify.document.ledger import Ledger
from symgd.verify.document.passages import Passage, Source
from symgd.verify.document.reading import Reading, statements_in_words
from symgd.verify.document.report import Claim, Definition, Report, Unchecked
from symgd.verify.document.sentences import sentences
from symgd.verify.document.statements import Statements

LONGEST = 5_000_000  # characters of a document
SYNTAXES = {"markdown": markdown.passages, "latex": tex.passages, "notebook": notebook.passages}
SUFFIXES = {
    **dict.fromkeys((".md", ".markdown", ".qmd", ".rmd", ".mdx", ".txt"), "markdown"),
    **dict.fromkeys((".tex", ".latex", ".ltx"), "latex"),
    ".ipynb": "notebook",
}


def check_document(
    path: str | os.PathLike[str] | None = None,
    given: str | Mapping[str, str] = "",
    syntax: str | None = None,
    *,
    text: str | None = None,
    seconds: float = 10.0,
    progress: Callable[[int, int], object] | None = None,
) -> Report:
    r"""Check every equation in a document: Markdown, LaTeX or a Jupyter notebook, from a file or as text.

    Formulas are LaTeX between `$…$`, `$$…$$`, `\( \)`, `\[ \]` and in the environments of amsmath; in Markdown also the infix language in
    blocks fenced as ```symgd. Types come from the document ("Let $A \in \mathbb{R}^{m \times n}$ be symmetric", front matter with
    `given:`, a comment `% given: A[m,n], x[n]` or `<!-- given: … -->`) and from `given`, which comes first. `f(x) = …` with a fresh name
    defines it; "at $x = 1$" holds in its sentence. A chain a = b = c has two claims. Nothing in a document is run, and no other file is
    opened.

    `syntax` is "markdown", "latex" or "notebook"; None takes it from the name of the file, or from the text. `seconds` are for one claim;
    `progress` is called with the number of claims done and their total. Ctrl-C ends the work: the claims that are left are undecided.

    Raises FormulaError where the file cannot be read or `given` is wrong. What cannot be read inside the document is listed in the report:
    an equation as undecided, anything else as unchecked.

    >>> from symgd import check_document
    >>> report = check_document(text="Let $f(x) = x^3$. Then $f'(x) = 3x$.")
    >>> [(claim.line, claim.column, claim.verdict.grade) for claim in report.claims]
    [(1, 25, 'refuted')]
    >>> report.claims[0].verdict.mistake.repair
    "f'(x) = 3 x^{2}"
    """
    name, content = _opened(path, text)
    reader = SYNTAXES[_syntax(syntax, name, content)]
    limits = Limits()
    ledger = Ledger(Scope())
    cut = sentences(reader(Source(content)))
    ledger.paragraphs = [sentence.paragraph for sentence in cut]
    last = {sentence.section: sentence.number for sentence in cut}
    ledger.sections = [last[sentence.section] for sentence in cut]
    found = Statements(ledger.base, limits)
    found.read(cut)
    declared = Declaring(found, ledger, given, limits)
    ledger.base.functions |= set(declared.functions)
    reading = Reading(ledger, found.stated, declared, limits)
    entries = [*reading.entries, *found.faults, *statements_in_words(cut)]
    return _report(name, sorted(entries, key=_order), ledger, seconds, progress)


def _opened(path: str | os.PathLike[str] | None, text: str | None) -> tuple[str, str]:
    """The name and the text of a document."""
    if (path is None) == (text is None):
        raise FormulaError("a document is a path, or text=…: one of the two.", hint='Write check_document("notes.md").')
    if text is not None:
        if not isinstance(text, str):
            raise FormulaError(f"expected a document as text, found a value of type {type(text).__name__}.")
        return "text", _bounded(text)
    assert path is not None
    name = os.fspath(path)
    try:
        if not stat.S_ISREG(os.stat(name).st_mode):
            raise FormulaError(f"{name} is no file.", hint="Give the path of a Markdown or LaTeX file.")
        if os.path.getsize(name) > 4 * LONGEST:
            raise _too_long(os.path.getsize(name), "bytes")
        data = Path(name).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FormulaError(f"{name} cannot be read: {reason[:1].lower()}{reason[1:]}.") from None
    try:
        return name, _bounded(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise FormulaError(f"{name} is not UTF-8: line {line} has the byte {data[error.start]:#04x}.", hint="Save it as UTF-8.") from None


def _bounded(text: str) -> str:
    if len(text) > LONGEST:
        raise _too_long(len(text), "characters")
    return text


def _too_long(size: int, unit: str) -> LimitError:
    return LimitError(f"the document is too long, it has {size:,} {unit}: the limit is {LONGEST:,} characters.", hint="Check it in parts.")


def _syntax(syntax: str | None, name: str, text: str) -> str:
    if syntax is None:
        guessed = "latex" if r"\documentclass" in text or r"\begin{document}" in text else "markdown"
        return SUFFIXES.get(os.path.splitext(name)[1].lower(), guessed)
    if syntax not in SYNTAXES:
        raise FormulaError(f"unknown syntax {syntax!r} of a document.", hint='It is "markdown", "latex" or "notebook".')
    return syntax


def _order(entry: Entry) -> tuple[int, int]:
    return entry.place.passage.source.cell or 0, entry.place.passage.start + entry.place.start


def _report(name: str, entries: list[Entry], ledger: Ledger, seconds: float, progress: Callable[[int, int], object] | None) -> Report:
    claims: list[Claim] = []
    definitions: list[Definition] = []
    unchecked: list[Unchecked] = []
    total, is_interrupted = sum(map(_is_claim, entries)), False
    for entry in entries:
        where = judge.where_of(entry.place)
        claim: Claim | Unchecked | None = None
        if isinstance(entry, Equation):
            try:
                if is_interrupted:
                    claim = judge.undecided(where, "interrupted before it was checked.")
                else:
                    claim = judge.judged(entry, where, ledger, seconds)
            except KeyboardInterrupt:
                is_interrupted, claim = True, judge.undecided(where, "interrupted while it was checked.")
        elif isinstance(entry, Defined):
            definitions.append(Definition(*where, name=entry.name, holds=entry.holds))
            if entry.is_link:
                claim = Claim(*where, verdict=Verdict("proved", f"this defines {entry.name}: there is nothing to check.", where[4]))
        elif entry.error is not None:
            claim = replace(
                judge.undecided(where, judge.unread(entry.error, entry.why)),
                error=judge.moved(entry.error, entry.place, entry.place.passage.text),
            )
        else:
            unchecked.append(Unchecked(*where, why=entry.why))
        if claim is not None:
            if isinstance(claim, Unchecked):
                unchecked.append(claim)
                continue
            claims.append(claim)
            if claim.error is not None:
                unchecked.append(Unchecked(*where, why=f"it cannot be read: {claim.error.reason}"))
            if progress is not None:
                progress(len(claims), total)
    declared = [
        str(e.declaration) for entries in ledger.entries.values() for e in entries if not isinstance(e.declaration, declarations.Definition)
    ]
    return Report(name, tuple(claims), tuple(definitions), tuple(dict.fromkeys(declared)), tuple(unchecked))


def _is_claim(entry: Entry) -> bool:
    return (
        isinstance(entry, Equation)
        or (isinstance(entry, Defined) and entry.is_link)
        or (isinstance(entry, Unread) and entry.error is not None)
    )


__all__ = ["Passage", "check_document"]
