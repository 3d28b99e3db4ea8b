r"""Hints of the elaborator, which speaks of the infix language, as LaTeX: `A'*x` is A^\top x."""

from __future__ import annotations

import re

_SPELLINGS = (
    (re.compile(r"State it: (\w+)=1\.\.n\."), r"State it: \\sum_{\1=1}^{n}."),
    (re.compile(r"Bind it, as in sum\((\w+), …\), or write a number\."), r"Bind it, as in \\sum_{\1} …, or write a number."),
    (
        re.compile(r"state the range of the index, as in sum\((\w+)=1\.\.(\w+), …\)"),
        r"state the range of the index, as in \\sum_{\1=1}^{\2}",
    ),
    (re.compile(r"\b([A-Za-z]\w*)'(?=[*.,) ])"), r"\1^\\top"),
    (re.compile(r"([\w)])\.\*([\w(])"), r"\1 \\odot \2"),
    (re.compile(r"(\w|\\top)\*(\w)"), r"\1 \2"),
)


def in_latex(hint: str) -> str:
    r"""The hint with its formulas in LaTeX.

    >>> in_latex("Write A'*x.")
    'Write A^\\top x.'
    """
    for pattern, written in _SPELLINGS:
        hint = pattern.sub(written, hint)
    return hint
