"""Numbers in notes: six digits, arrays of few entries."""

from __future__ import annotations

import math
from typing import Any

_ENTRIES = 9  # of an array that is shown


def number_latex(value: Any) -> str:
    """A number with six digits, an array of few entries, or the shape of one of many."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if not isinstance(value, list):
        return _digits(float(value))
    rows = value if value and isinstance(value[0], list) else [value]
    if sum(map(len, rows)) > _ENTRIES or any(isinstance(row[0], list) for row in rows if row):
        return rf"\text{{{len(value)} {'rows' if rows is value else 'numbers'}}}"
    if rows is not value:
        return f"\\left({', '.join(_digits(float(entry)) for entry in value)}\\right)"
    return r"\begin{bmatrix}" + r" \\ ".join(" & ".join(_digits(float(entry)) for entry in row) for row in rows) + r"\end{bmatrix}"


def _digits(value: float) -> str:
    if math.isnan(value):
        return r"\text{nan}"
    if math.isinf(value):
        return r"\infty" if value > 0 else r"-\infty"
    mantissa, _, exponent = f"{value:.6g}".partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa
