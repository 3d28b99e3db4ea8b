"""What a declaration says of a variable, checked on the values given: `t > 0`, `S[n,n] symmetric`, `y[n] in {-1, 1}`."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

import torch
from torch import Tensor

from symgd.algebra.dimension import shape_text
from symgd.algebra.expression import Leaf
from symgd.algebra.matrices import BANDED
from symgd.errors import DomainError
from symgd.lowering.convert import place

_TOLERANCE = 1e-5  # of matrix properties, relative: rounding in float32 is allowed for
_RELATION = re.compile(r"(<=|>=|<|>) *(\S+)\Z")
_INTERVAL = re.compile(r"in *([\[(]) *([^,]*), *([^,\])]*)([\])])\Z")
_SET = re.compile(r"in *\{(.*)\}\Z")

Check = Callable[[Tensor], Tensor]  # which entries are fine


def check_kind(leaf: Leaf, value: Tensor) -> None:
    """Raise `DomainError`, naming the entry, where the value is not what the variable is declared to be."""
    for kind in leaf.kind:
        whole = _whole(kind)
        if whole is not None:
            fits, hint = whole
            if not fits(value):
                raise DomainError(f"{leaf.name} is declared {kind}, and the value given is not.", hint=hint.format(leaf.name))
            continue
        check = _entrywise(kind)
        if check is None:
            continue
        fine = check(value)
        if not bool(fine.all()):
            where = tuple(int(k) for k in torch.nonzero(~fine)[0]) if value.dim() else ()
            shown = float(value[where]) if where else float(value)
            what = f"entry {place(where)} of it is" if where else "its value is"
            reason = f"{leaf.name} is declared {kind}, and {what} {shown:g}."
            raise DomainError(reason, hint=f"Change the value, or the declaration {leaf.name}{_sizes(leaf)} {kind}.")


def _sizes(leaf: Leaf) -> str:
    return shape_text(leaf.shape).replace("(", "[").replace(")", "]") if leaf.shape else ""


def _entrywise(kind: str) -> Check | None:
    if kind == "integer":
        return lambda value: value == torch.round(value)
    relation = _RELATION.match(kind)
    if relation:
        bound = float(Fraction(relation[2]))
        compare = {"<": torch.lt, "<=": torch.le, ">": torch.gt, ">=": torch.ge}[relation[1]]
        return lambda value: compare(value, bound)
    interval = _INTERVAL.match(kind)
    if interval:
        above = torch.gt if interval[1] == "(" else torch.ge
        below = torch.lt if interval[4] == ")" else torch.le
        low, high = float(Fraction(interval[2].strip())), float(Fraction(interval[3].strip()))
        return lambda value: above(value, low) & below(value, high)
    members = _SET.match(kind)
    if members:
        numbers = [float(Fraction(text.strip())) for text in members[1].split(",")]
        return lambda value: torch.isin(value, torch.tensor(numbers, dtype=value.dtype, device=value.device))
    return None


def _near(left: Tensor, right: Tensor) -> bool:
    return bool(torch.all(torch.abs(left - right) <= _TOLERANCE * torch.amax(torch.abs(left))))


def _is_symmetric(value: Tensor) -> bool:
    return value.numel() == 0 or _near(value, value.mT)


def _is_positive(value: Tensor) -> bool:
    return _is_symmetric(value) and not bool(torch.linalg.cholesky_ex(value.double()).info.any())


def _is_orthogonal(value: Tensor) -> bool:
    return _near(torch.eye(value.shape[-1], dtype=value.dtype, device=value.device), value.mT @ value)


def _is_diagonal(value: Tensor) -> bool:
    return not bool((value - torch.diag_embed(torch.diagonal(value, dim1=-2, dim2=-1))).any())


def _is_in_band(value: Tensor, below: int, above: int) -> bool:
    return not bool(torch.tril(value, -below - 1).any() or torch.triu(value, above + 1).any())


def _is_simplex(value: Tensor) -> bool:
    return bool((value >= 0).all()) and abs(float(value.sum()) - 1) <= _TOLERANCE


_WHOLE: dict[str, tuple[Callable[[Tensor], bool], str]] = {
    "symmetric": (_is_symmetric, "Give a matrix that equals its transpose, such as ({0} + {0}.T)/2."),
    "spd": (_is_positive, "Give a symmetric matrix with positive eigenvalues."),
    "diagonal": (_is_diagonal, "Give a matrix with zeros off its diagonal."),
    "orthogonal": (_is_orthogonal, "Give a matrix whose transpose is its inverse."),
    "lower": (lambda value: _is_in_band(value, value.shape[-2], 0), "Give a matrix with zeros above its diagonal, as torch.tril({0})."),
    "upper": (lambda value: _is_in_band(value, 0, value.shape[-1]), "Give a matrix with zeros below its diagonal, as torch.triu({0})."),
    "simplex": (_is_simplex, "Give non-negative entries that add up to 1."),
}


def _whole(kind: str) -> tuple[Callable[[Tensor], bool], str] | None:
    """The test of a property that is one of the whole array, and what to give instead."""
    banded = BANDED.match(kind)
    if banded:
        below, above = int(banded[1]), int(banded[2])
        hint = f"Give a matrix with zeros off its main diagonal, the {below} below it and the {above} above it."
        return lambda value: _is_in_band(value, below, above), hint
    return _WHOLE.get(kind)
