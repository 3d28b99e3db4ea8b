"""The options of LaTeX output: how transposes, vectors, fractions and brackets look."""

from __future__ import annotations

from dataclasses import dataclass

from symgd.errors import FormulaError

_CHOICES = {
    "transpose": (r"\top", "T", "'"),
    "bold": ("none", "vectors", "arrays"),
    "fractions": ("frac", "slash"),
    "brackets": ("sized", "plain"),
}


@dataclass(frozen=True, slots=True)
class Style:
    """`transpose` is how a transpose is marked; `bold` which names are in bold (\\bm); `fractions` a/b one over the other or with a
    slash; `brackets` as large as what they hold (\\left, \\right) or plain."""

    transpose: str = r"\top"
    bold: str = "none"
    fractions: str = "frac"
    brackets: str = "sized"

    def __post_init__(self) -> None:
        for option, known in _CHOICES.items():
            value = getattr(self, option)
            if value not in known:
                raise FormulaError(f"unknown {option} {value!r}.", hint=f"It is one of {', '.join(known)}.")


PLAIN_STYLE = Style()


def unsized(text: str) -> str:
    """The text with brackets of the size of letters."""
    return text.replace(r"\left", "").replace(r"\right", "")
