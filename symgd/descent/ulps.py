"""Errors of floating-point numbers against many digits, in ulps: units in the last place of the truth. Tables of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import mpmath
import torch

DIGITS = 50


def unit(truth: Any, dtype: torch.dtype) -> Any:
    """One unit in the last place of a number, an mpmath number; below the normal numbers that of the smallest of them."""
    info = torch.finfo(dtype)
    with mpmath.workdps(DIGITS + 10):
        size = abs(mpmath.mpf(truth))
        exponent = max(int(mpmath.floor(mpmath.log(size, 2))) if size else -(1 << 20), round(math.log2(info.tiny)))
        return mpmath.mpf(info.eps) * mpmath.mpf(2) ** exponent


def error_in_ulps(got: float, truth: Any, dtype: torch.dtype) -> float:
    """How far `got` is from the truth, in units in the last place of the truth; infinite where it is not finite."""
    if not math.isfinite(got):
        return math.inf
    with mpmath.workdps(DIGITS + 10):
        return float(abs(mpmath.mpf(got) - truth) / unit(truth, dtype))


def entries(value: Any) -> list[Any]:
    """The numbers of nested lists."""
    flat = [value]
    while flat and isinstance(flat[0], list):
        flat = [entry for part in flat for entry in part]
    return flat


def ulps_text(error: float) -> str:
    return "unknown" if math.isnan(error) else "not finite" if math.isinf(error) else f"{error:.2f}" if error < 1e4 else f"{error:.3g}"


def table(body: Sequence[Sequence[str]]) -> str:
    """Columns aligned, the first to the left."""
    width = [max(len(line[k]) for line in body) for k in range(len(body[0]))]
    lines = ["  ".join(cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(line, width))) for line in body]
    return "\n".join(line.rstrip() for line in lines)
