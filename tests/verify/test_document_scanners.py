"""What of a document is read, and where it stands: verbatim text, comments, code, money, fences, front matter; and what never ends."""

from __future__ import annotations

import json
import time

import pytest

from symgd import check_document
from symgd.errors import FormulaError, LimitError
from symgd.verify.document import markdown, tex
from symgd.verify.document.check import LONGEST
from symgd.verify.document.passages import GIVEN, INFIX, MATH, Source

SCANNERS = {"markdown": markdown.passages, "latex": tex.passages}


def formulas(text, syntax):
    return [p.text.strip() for p in SCANNERS[syntax](Source(text)) if p.kind == MATH]


def kinds(text, syntax="markdown"):
    return [(p.kind, p.text.strip()) for p in SCANNERS[syntax](Source(text)) if p.kind in (MATH, INFIX, GIVEN)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"$a = b$ and \(c = d\) and \[e = f\] and $$g = h$$", ["a = b", "c = d", "e = f", "g = h"]),
        ("\\begin{verbatim}$a = b$\\end{verbatim} $c = d$", ["c = d"]),
        ("\\begin{lstlisting}[language=C]\n$a = b$\n\\end{lstlisting} $c = d$", ["c = d"]),
        (r"\verb|$a = b$| \verb+$e$+ $c = d$", ["c = d"]),
        ("$a = b$ % $c = d$\n$e = f$", ["a = b", "e = f"]),
        (r"\$5 = \$5, 10\% of \$3 and $a = b$", ["a = b"]),
        (r"$a = b \text{ if $c$ holds}$", [r"a = b \text{ if $c$ holds}"]),
        ("$a = b\n\n$c = d$", ["c = d"]),  # the first is never closed in its paragraph
        (r"\begin{align} a &= b \\ c &= d \end{align}", [r"\begin{align} a &= b \\ c &= d \end{align}"]),
        (r"\newcommand{\f}{$a = b$} $c = d$", ["c = d"]),
        (r"\documentclass{a} $x = y$ \begin{document} $a = b$ \end{document} $c = d$", ["a = b"]),
        (r"\\$a = b$\\[2pt]$c = d$", ["a = b", "c = d"]),
        ("\\begin{comment}\n$a = b$\n\\end{comment}", []),
    ],
)
def test_formulas_of_latex(text, expected):
    assert formulas(text, "latex") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$a = b$ and $$c = d$$", ["a = b", "c = d"]),
        ("I paid $5 and she $10. The $ sign.", []),
        ("It is $20,000 or $x = y$", ["x = y"]),
        (r"\$a = b\$ $c = d$", ["c = d"]),
        ("`$a = b$` and ``$c`d$`` and $e = f$", ["e = f"]),
        ("```\n$a = b$\n```\n$c = d$", ["c = d"]),
        ("~~~python\n$a = b$\n```\n$a = b$\n~~~\n$c = d$", ["c = d"]),
        ("````\n```\n$a = b$\n```\n````\n$c = d$", ["c = d"]),
        ("   ```js\n$a = b$\n   ```\n$c = d$", ["c = d"]),
        ("```{python}\n$a = b$\n```\n", []),
        ("```math\na = b\n```", ["a = b"]),
        ("<!-- $a = b$ --> $c = d$", ["c = d"]),
        ("<!-- $a = b$", []),
        ("```\n$a = b$", []),
        ("$a = b", []),
        ("$a =\n\nb$", []),
        ("\\begin{equation}\na = b\n\\end{equation}", ["\\begin{equation}\na = b\n\\end{equation}"]),
        ("> $a = b$\n- $c = d$\n\n| $e = f$ | $g = h$ |", ["a = b", "c = d", "e = f", "g = h"]),
        ("\t$a = b$", ["a = b"]),
    ],
)
def test_formulas_of_markdown(text, expected):
    assert formulas(text, "markdown") == expected


@pytest.mark.parametrize(
    "text",
    [
        "---\ngiven: A[m,n], x[n]\n---\n",
        "---\ntitle: a\ngiven: 'A[m,n], x[n]'\nauthor: b\n...\n",
        "---\ngiven:\n  - A[m,n]\n  - x[n]\n---\n",
        "---\ngiven: |\n  A[m,n], x[n]\n---\n",
        "---\r\ngiven: A[m,n], x[n]\r\n---\r\n",
        "\ufeff---\ngiven: A[m,n], x[n]\n---\n",
        "<!-- given: A[m,n], x[n] -->",
        "```symgd\ngiven: A[m,n], x[n]\n```",
    ],
)
def test_declarations_of_markdown(text):
    report = check_document(text=text, syntax="markdown")
    assert report.declarations == ("A[m,n]", "x[n]")
    assert report.unchecked == ()


def test_declarations_of_latex():
    report = check_document(text="% given: A[m,n], x[n]\n%% Given: t > 0\n", syntax="latex")
    assert report.declarations == ("A[m,n]", "x[n]", "t > 0")


def test_declarations_that_cannot_be_read_are_told():
    found = check_document(text="<!-- given: A[ -->", syntax="markdown").unchecked
    assert len(found) == 1
    assert found[0].why.startswith("these declarations are not read: ")


# ---- places


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_places(newline):
    lines = ["한국어 🙂 $1 + 1 = 2$ 그리고 $2 = 3$", "", "$$", "  x + x", "  = 2x", "$$", "tab\t$4 = 5$"]
    report = check_document(text=newline.join(lines), syntax="markdown")
    places = [(c.line, c.column, c.end_line, c.end_column) for c in report.claims]
    assert places == [
        (1, 8, 1, 17),
        (1, 24, 1, 29),
        (4, 3, 5, 7),
        (7, 6, 7, 11),
    ]
    assert [c.verdict.grade for c in report.claims] == ["proved", "refuted", "proved", "refuted"]


def test_the_place_of_every_link_of_a_chain():
    text = "\\begin{align}\n (x+1)^2 &= x^2 + 2x + 1 \\\\\n  &= x(x+2) + 1 \\\\\n  &= x(x+2)\n\\end{align}"
    report = check_document(text=text, syntax="latex")
    assert [(c.line, c.column, c.end_line, c.end_column) for c in report.claims] == [(2, 2, 2, 25), (2, 13, 3, 16), (3, 6, 4, 12)]
    assert [c.verdict.grade for c in report.claims] == ["proved", "proved", "refuted"]


def test_an_error_is_placed_in_the_document():
    text = "First.\n\nThen $x = \\foo y$."
    claim = check_document(text=text, syntax="markdown").claims[0]
    assert claim.verdict.grade == "undecided"
    assert claim.error.text == text
    assert text[claim.error.position :].startswith("\\foo")


def test_cells_of_a_notebook():
    cells = [{"cell_type": "code", "source": "1"}, {"cell_type": "markdown", "source": ["a\n", "$1 = 2$"]}]
    claim = check_document(text=json.dumps({"cells": cells}), syntax="notebook").claims[0]
    assert (claim.cell, claim.line, claim.column) == (2, 2, 2)


# ---- what never ends


@pytest.mark.parametrize(
    ("text", "syntax", "why"),
    [
        (r"\[ x = 1", "latex", r"missing '\]': this '\[' is never closed."),
        ("$x = 1", "latex", "missing '$': this '$' is never closed."),
        (r"\begin{align} x = 1", "latex", r"missing \end{align}: this environment is never closed."),
        (r"\begin{verbatim} x = 1", "latex", r"missing \end{verbatim}: this environment is never closed."),
        (r"\newcommand{\a}{x", "latex", r"this macro is not read: write \newcommand{\R}{\mathbb{R}}."),
        (r"\input{/etc/passwd}", "latex", r"\input is not read: a document is never run, and no other file is opened."),
        ("$$x = 1", "markdown", "missing '$$': this '$$' is never closed."),
        (r"\( x = 1", "markdown", r"missing '\)': this '\(' is never closed."),
        (r"\begin{align} x = 1", "markdown", r"missing \end{align}: this environment is never closed."),
    ],
)
def test_what_is_never_closed_is_told(text, syntax, why):
    report = check_document(text=text, syntax=syntax)
    assert [found.why for found in report.unchecked] == [why]
    assert report.claims == ()


HOSTILE = {
    "dollars": "$" * 100_000,
    "brackets": r"\(" * 50_000,
    "environments": r"\begin{align}" * 20_000,
    "verbatim": r"\begin{verbatim}" * 20_000,
    "macros": r"\newcommand{\a}{" * 20_000,
    "inputs": r"\input{" * 20_000,
    "comments": "<!--" * 30_000,
    "fences": "```\n" * 30_000,
    "ticks": " ".join("`" * (k % 300 + 1) for k in range(2_000)),
    "braces": "${" * 50_000,
    "front matter": "---\n" + "a: b\n" * 50_000,
    "stops": "." * 100_000,
    "blank lines": " \n" * 100_000,
    "backslashes": "\\" * 100_000,
    "list": "- \n" * 50_000,
}


@pytest.mark.parametrize("syntax", SCANNERS)
@pytest.mark.parametrize("name", HOSTILE)
def test_scanning_takes_linear_time(name, syntax):
    def seconds(text):
        start = time.process_time()
        for _ in SCANNERS[syntax](Source(text)):
            pass
        return time.process_time() - start

    text = HOSTILE[name]
    assert seconds(text) < 12 * seconds(text[: len(text) // 4]) + 2  # quadratic time would be 16-fold, and minutes


def test_a_document_of_five_million_characters_is_read():
    text = "Nothing to see here.\n" * 230_000 + "$1 + 1 = 3$"
    assert [claim.line for claim in check_document(text=text).claims] == [230_001]


def test_a_formula_that_is_nested_deeply():
    report = check_document(text=f"$x = {'(' * 10_000}x{')' * 10_000}$")
    assert [claim.verdict.grade for claim in report.claims] == ["undecided"]


# ---- full messages about documents


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({}, FormulaError, "a document is a path, or text=…: one of the two."),
        ({"path": "a.md", "text": "a"}, FormulaError, "a document is a path, or text=…: one of the two."),
        ({"text": 3}, FormulaError, "expected a document as text, found a value of type int."),
        ({"path": "/nowhere/at/all.md"}, FormulaError, "/nowhere/at/all.md cannot be read: no such file or directory."),
        ({"path": "/"}, FormulaError, "/ is no file."),
        ({"text": "a", "syntax": "html"}, FormulaError, "unknown syntax 'html' of a document."),
        ({"text": "a", "syntax": "notebook"}, FormulaError, "the text is no notebook: it is not JSON."),
        ({"text": "{}", "syntax": "notebook"}, FormulaError, "the text is no notebook: it has no cells."),
        (
            {"text": "a" * (LONGEST + 1)},
            LimitError,
            "the document is too long, it has 5,000,001 characters: the limit is 5,000,000 characters.",
        ),
    ],
)
def test_messages(options, error, reason):
    with pytest.raises(error) as raised:
        check_document(**options)
    assert raised.value.reason == reason


def test_a_file_that_is_not_utf_8(tmp_path):
    path = tmp_path / "a.md"
    path.write_bytes(b"one\ntwo \xff\n")
    with pytest.raises(FormulaError) as raised:
        check_document(path)
    assert raised.value.reason == f"{path} is not UTF-8: line 2 has the byte 0xff."


# ---- nothing is run, nothing is opened


def test_nothing_is_executed_and_no_other_file_is_opened(tmp_path):
    (tmp_path / "canary.tex").write_text("$1 = 2$")
    canary = tmp_path / "touched"
    text = rf"""
\input{{{tmp_path}/canary.tex}} \include{{canary}} \write18{{touch {canary}}} \directlua{{os.execute("touch {canary}")}}
$x = \input{{{tmp_path}/canary.tex}}$ $y = \write18{{touch {canary}}}$ $z = __import__('os').system('touch {canary}')$
% given: __import__('os').system('touch {canary}')
\newcommand{{\a}}{{\input{{canary}}}} $w = \a$
"""
    for syntax in ("latex", "markdown"):
        path = tmp_path / f"document.{syntax}"
        path.write_text(text)
        report = check_document(path, syntax=syntax)
        assert not any("1 = 2" in claim.text for claim in report.claims)
        assert "proved" not in [claim.verdict.grade for claim in report.claims]
        assert not canary.exists()
