"""`symgd check`: is an equation right? Or all of a document? The verdict, and where one is wrong an exact point with both values there."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import symgd
from symgd.cli.verb import FINE, REFUTED, UNDECIDED, UsageError, Verb, from_stdin, print_json

if TYPE_CHECKING:
    from symgd.verify.document.report import Report

_SYNTAXES = ("markdown", "latex", "notebook")
_CODES = {"proved": FINE, "agrees": FINE, "": FINE, "refuted": REFUTED, "undecided": UNDECIDED}
_FORMATS = ("text", "json", "sarif", "github")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", metavar="S", type=float, default=10.0, help="the time to spend on a claim (default: 10)")
    parser.add_argument("--format", choices=_FORMATS, help="how a document's report prints (default: text)")
    parser.add_argument("--syntax", choices=_SYNTAXES, help="what a document is written in (default: by the name of the file)")


def _run(arguments: argparse.Namespace) -> int:
    from symgd.verify.document import formats
    from symgd.verify.document.check import SUFFIXES

    kind = os.path.splitext(arguments.formula)[1].lower()
    if arguments.syntax or kind in SUFFIXES:
        return _document(arguments)
    if arguments.format not in (None, "text", "json"):
        raise UsageError(f"--format {arguments.format} is of documents.", hint="symgd check notes.md --format sarif.")
    claim = from_stdin() if arguments.formula == "-" else arguments.formula
    verdict = symgd.check(claim, given=arguments.given, syntax="latex" if arguments.latex else "infix", seconds=arguments.seconds)
    if arguments.json or arguments.format == "json":
        print_json(formats.verdict_as_json(verdict))
    else:
        print(verdict)
    return _CODES[verdict.grade]


def _document(arguments: argparse.Namespace) -> int:
    source: dict[str, Any] = {"text": from_stdin()} if arguments.formula == "-" else {"path": arguments.formula}
    shows = sys.stderr.isatty()
    report = symgd.check_document(
        **source, given=arguments.given, syntax=arguments.syntax, seconds=arguments.seconds, progress=_progress if shows else None
    )
    if shows:
        print("\r\033[K", end="", file=sys.stderr)
    _print(report, "json" if arguments.json else arguments.format or "text")
    return _CODES[report.grade]


def _print(report: Report, form: str) -> None:
    from symgd.verify.document import formats

    if form == "json":
        print_json(formats.as_json(report))
    elif form == "sarif":
        print_json(formats.as_sarif(report, version("symgd")))
    elif form == "github":
        print(formats.as_github(report))
    else:
        print(report)


def _progress(done: int, total: int) -> None:
    print(f"\rchecked {done} of {total} claims", end="", file=sys.stderr, flush=True)


VERB = Verb(
    name="check",
    summary="Check an equation, or every equation of a document. Exit code 1 where one is refuted, 3 where one stays undecided.",
    examples=(
        'check "(x+1)^2 = x^2 + 2*x + 1"',
        'check "grad(norm2(A*x-b)^2, x) = 2*A\'*(A*x-b)" --given "A[m,n], x[n], b[m]"',
        "check notes.md",
        "check paper.tex --format github",
    ),
    options=_options,
    run=_run,
)
