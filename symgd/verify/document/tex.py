r"""A LaTeX document to its passages. It is read and never run: no file is opened, no command is executed.

Comments, verbatim and code are left out; `% given: A[m,n], x[n]` declares. Of what stands before \begin{document} only macros and
declarations count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from symgd.verify.document.passages import GIVEN, MACROS, MATH, PROSE, SKIPPED, Passage, Source

MATH_ENVIRONMENTS = "equation|align|gather|multline|eqnarray|displaymath|math|flalign|alignat|dmath|IEEEeqnarray"
_VERBATIM = (
    "verbatim|Verbatim|lstlisting|minted|comment|filecontents|luacode|pycode|pyblock|pyconsole|pythontexcustomcode|sagesilent|sageblock|sagecommandline"
    "|tikzpicture|asy|alltt"
)
_MACRO = r"\\(?:newcommand|renewcommand|providecommand|DeclareMathOperator)"
_RUN = (
    r"input|include|includeonly|subfile|import|write18|write|immediate|directlua|latelua|luaexec|def|edef|gdef|xdef|let|catcode|csname|openin|openout"
    r"|verbatiminput|lstinputlisting|inputminted|sage|py|pyc|ShellEscape"
)
_TOKEN = re.compile(
    rf"""%[^\n]*
    |\\begin[ ]*\{{(?:{_VERBATIM})\*?\}}
    |\\begin[ ]*\{{(?:{MATH_ENVIRONMENTS})\*?\}}
    |\\verb\*?[^A-Za-z\s]
    |{_MACRO}\*?(?![A-Za-z])
    |\\(?:{_RUN})(?![A-Za-z])
    |\\\[|\\\(|\$\$|\$
    |\\[A-Za-z]+|\\.
    """,
    re.VERBOSE | re.DOTALL,
)
_ENVIRONMENT = re.compile(r"\\begin *\{([^}]*)\}")
_GIVEN = re.compile(r"%+[ \t]*given[ \t]*:", re.IGNORECASE)
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n")
_CLOSING = {r"\[": r"\]", r"\(": r"\)", "$$": "$$", "$": "$"}


def passages(source: Source) -> Iterator[Passage]:
    """The passages in order."""
    text = source.text
    head = re.search(r"^[^%\n]*\\begin *\{document\}", text, re.MULTILINE)
    begins = head.end() if head else 0
    foot = text.find(r"\end{document}", begins)
    yield from _Scan(source, begins, foot if foot >= 0 else len(text)).run()


class _Scan:
    def __init__(self, source: Source, begins: int, ends: int) -> None:
        self.source, self.text = source, source.text
        self.begins, self.ends = begins, ends
        self.prose = begins

    def run(self) -> Iterator[Passage]:
        at = 0
        while True:
            found = _TOKEN.search(self.text, at, self.ends)
            if found is None:
                break
            passage, at = self.read(found)
            if passage is not None and (found.start() >= self.begins or passage.kind in (GIVEN, MACROS)):
                yield from self.words(found.start())
                yield passage
                self.prose = max(at, self.begins)
            elif found[0].startswith("%"):
                yield from self.words(found.start())
                self.prose = max(at, self.begins)
        yield from self.words(self.ends)

    def words(self, end: int) -> Iterator[Passage]:
        if self.prose < end:
            yield Passage(PROSE, self.text[self.prose : end], self.prose, self.source)

    def read(self, found: re.Match[str]) -> tuple[Passage | None, int]:
        """The passage that begins at a token, or None where it is of no interest; and where to go on."""
        token, at = found[0], found.end()
        if token.startswith("%"):
            given = _GIVEN.match(token)
            return (self.passage(GIVEN, found.start() + given.end(), at) if given else None), at
        if token in _CLOSING:
            return self.formula(token, found.start(), at)
        environment = _ENVIRONMENT.match(token)
        if environment:
            closing = f"\\end{{{environment[1]}}}"
            close = self.source.find(closing, at, self.ends)
            is_math = re.fullmatch(rf"(?:{MATH_ENVIRONMENTS})\*?", environment[1]) is not None
            if close < 0:
                why = f"missing {closing}: this environment is never closed."
                return self.passage(SKIPPED, found.start(), self.paragraph(at), why=why), self.ends if not is_math else self.paragraph(at)
            close += len(closing)
            if is_math:
                return self.passage(MATH, found.start(), close, display=environment[1] != "math"), close
            return self.passage(SKIPPED, found.start(), close), close
        if token.startswith(r"\verb") and len(token) in (6, 7) and not token[5:].isalpha():
            quote = self.source.find(token[-1], at, self.ends)
            return None, at if quote < 0 else quote + 1
        if re.match(_MACRO, token):
            return self.macro(found.start(), at)
        name = token[1:]
        if re.fullmatch(_RUN, name):
            end = self.group(at) if at < self.ends and self.text[at] == "{" else None
            why = f"{token} is not read: a document is never run, and no other file is opened."
            return self.passage(SKIPPED, found.start(), end or at, why=why), end or at
        return None, at

    def formula(self, opening: str, start: int, at: int) -> tuple[Passage, int]:
        closing = _CLOSING[opening]
        end = _closed(self.text, at, self.ends, closing)
        if end is None:
            after = self.paragraph(at)
            return self.passage(SKIPPED, start, after, why=f"missing '{closing}': this '{opening}' is never closed."), after
        return self.passage(MATH, at, end, display=opening in (r"\[", "$$")), end + len(closing)

    def macro(self, start: int, at: int) -> tuple[Passage | None, int]:
        r"""\newcommand{\R}[1]{…}: the name, and the body in braces."""
        found = re.compile(r"\s*(?:\{\s*\\[A-Za-z]+\s*\}|\\[A-Za-z]+)\s*(?:\[\d\])?\s*(?=\{)").match(self.text, at, self.ends)
        end = self.group(found.end()) if found else None
        if end is None:
            return self.passage(SKIPPED, start, at, why="this macro is not read: write \\newcommand{\\R}{\\mathbb{R}}."), at
        return self.passage(MACROS, start, end), end

    def group(self, at: int) -> int | None:
        """The place behind the group that opens at `at`, within the document."""
        end = self.source.group(at)
        return end if end is not None and end <= self.ends else None

    def paragraph(self, at: int) -> int:
        found = _PARAGRAPH.search(self.text, at, self.ends)
        return found.start() if found else self.ends

    def passage(self, kind: str, start: int, end: int, display: bool = False, why: str = "") -> Passage:
        return Passage(kind, self.text[start:end], start, self.source, display, why)


def _closed(text: str, at: int, ends: int, closing: str) -> int | None:
    """Where a formula ends; None where its paragraph ends first. A dollar sign inside braces is of the text there."""
    depth = 0
    for found in re.compile(r"\\[\[\]()]|\\.|[{}]|\$\$?|\n[ \t\r]*\n", re.DOTALL).finditer(text, at, ends):
        token = found[0]
        if token.startswith("\n"):
            return None
        if token == "{":
            depth += 1
        elif token == "}":
            depth = max(depth - 1, 0)
        elif (token == closing and (depth == 0 or not closing.startswith("$"))) or (token == "$$" and closing == "$" and depth == 0):
            return found.start()
    return None
