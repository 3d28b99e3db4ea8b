"""The likely mistake in a claim in LaTeX where one name stands in place of another: dx for dz, mu for sigma."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from symgd.language.elaborate import Given, claim_of
from symgd.language.latex.chains import prepared
from symgd.language.latex.tokens import COMMAND, GREEK, LETTER, Token
from symgd.language.limits import Limits
from symgd.verify.mistakes.mistake import Mistake

_SWAPS = 40  # exchanges of a name that are tried


def exchanged_name(text: str, given: Given, ends: float, checks: Callable[[str], bool]) -> Mistake | None:
    """One name of the right side in place of another, dz for dx, if the mended claim checks."""
    equation = claim_of(text, given, "latex", Limits())
    tokens = [t for t in prepared(text, Limits()) if t.kind == LETTER or (t.kind == COMMAND and t.value[1:] in GREEK)]
    inside = [t for t in tokens if t.start >= equation.right.start]
    others = {text[t.start : t.end]: t for t in tokens if t.value != "d"}
    tried = 0
    for token in reversed(inside):
        for written in others:
            if written == text[token.start : token.end] or token.value == "d" or tried >= _SWAPS or time.monotonic() > ends:
                continue
            tried += 1
            gap = " " if written.startswith("\\") and text[token.end : token.end + 1].isalpha() else ""
            repair = text[: token.start] + written + gap + text[token.end :]
            if checks(repair):
                return Mistake("variable", _sentence(text, token, written), " ".join(repair.split()))
    return None


def _sentence(text: str, token: Token, written: str) -> str:
    old = text[token.start : token.end]
    if re.search(r"(?<![A-Za-z\\])d\s*\Z", text[: token.start]):
        return f"the differential d{old} is paired with the derivative by another variable: with d{written} it would be right."
    return f"with {written} in place of {old} it would be right."
