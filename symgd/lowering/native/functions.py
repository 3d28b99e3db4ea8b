"""Functions of the table in C: the templates of the rows, over the kernels in `kernels.c`.

A row whose name is a kernel is that kernel; otherwise its template is read: calls of torch's functions become kernels of the
same name. What uses anything else has no C form, and `missing` says so.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from symgd.algebra.functions.table import fill

KERNELS = Path(__file__).with_name("kernels.c")
_CALL = re.compile(r"\b(?:torch|g|f)\.(\w+)\(")
_REWRITTEN = ((".to({0}.dtype)", ""), (", max=", ", -INFINITY, "), (", min=", ", "))


@cache
def kernels() -> dict[str, int]:
    """The functions that `kernels.c` has, with how many arguments they take."""
    found = re.findall(r"^INLINE double s_(\w+)\(([^)]*)\)", KERNELS.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: parameters.count(",") + 1 for name, parameters in found}


@cache
def along_kernels() -> frozenset[str]:
    """The functions along an axis that `kernels.c` has."""
    return frozenset(re.findall(r"^OWN (?:double|void) along_(\w+)\(", KERNELS.read_text(encoding="utf-8"), re.MULTILINE))


def has_along(row: Any, form: str) -> bool:
    """Is this function along an axis a kernel?"""
    return form == "accurate" and row.name in along_kernels()


def c_template(row: Any, form: str) -> str | None:
    """The row as a C template with {0} {1} … for its arguments; None where it has none."""
    if form == "accurate" and kernels().get(row.name) == row.arity:
        return f"s_{row.name}({', '.join(f'{{{k}}}' for k in range(row.arity))})"
    template: str = getattr(row, form)
    for old, new in _REWRITTEN:
        template = template.replace(old, new)
    called = set(_CALL.findall(template))
    rest = _CALL.sub("", template)
    if not called <= kernels().keys() or re.search(r"[A-Za-z_]\w*\.|\bdtype\b|=(?!=)(?<![=!<>]=)", rest):
        return None
    return _CALL.sub(r"s_\1(", template)


def written(row: Any, form: str, arguments: list[str]) -> str:
    template = c_template(row, form)
    assert template is not None
    return f"({fill(template, *arguments)})"
