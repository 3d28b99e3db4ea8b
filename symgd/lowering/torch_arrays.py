"""Index arithmetic that torch has no single call for: the `g` of generated programs.

Positions are offset + Σ coefficient × index over several indices, all from 0, as in `algebra.expression.Select`. `inside` says
that every position is known to be there; otherwise those outside count as zeros.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_LOG_2 = 0.6931471805599453


def positions(offset: int, coefficients: Sequence[int], lengths: Sequence[int], device: torch.device) -> Tensor:
    """The positions as an array of shape `lengths`."""
    total = torch.full(tuple(lengths), offset, dtype=torch.int64, device=device)
    for axis, (coefficient, length) in enumerate(zip(coefficients, lengths)):
        steps = coefficient * torch.arange(length, device=device)
        total = total + steps.reshape([-1 if k == axis else 1 for k in range(len(lengths))])
    return total


def delta(shape: Sequence[int], offset: int, coefficients: Sequence[int], dtype: torch.dtype, device: str) -> Tensor:
    """The dense array of shape (p, k, l, …): 1 where p = offset + Σ coefficient × (k, l, …), else 0."""
    length, *lengths = shape
    places = positions(offset, coefficients, lengths, torch.device(device))
    rows = torch.arange(length, device=device).reshape([-1, *[1] * len(lengths)])
    return (rows == places).to(dtype)


def gather(x: Tensor, axis: int, offset: int, coefficients: Sequence[int], lengths: Sequence[int], inside: bool) -> Tensor:
    """out[…, k, l, …] = x[…, position(k, l), …]: one axis becomes as many as there are coefficients."""
    flat = positions(offset, coefficients, lengths, x.device).reshape(-1)
    if inside:
        return _split(x.index_select(axis, flat), axis, lengths)
    there = (flat >= 0) & (flat < x.shape[axis])
    if not x.shape[axis]:
        return x.new_zeros((*x.shape[:axis], *lengths, *x.shape[axis + 1 :]))
    taken = x.index_select(axis, torch.where(there, flat, 0))
    mask = there.reshape([-1 if k == axis else 1 for k in range(x.dim())])
    return _split(torch.where(mask, taken, 0.0), axis, lengths)


def _split(x: Tensor, axis: int, lengths: Sequence[int]) -> Tensor:
    """One axis as several, the last running fastest."""
    return x.reshape((*x.shape[:axis], *lengths, *x.shape[axis + 1 :]))


def scatter(x: Tensor, axis: int, offset: int, coefficients: Sequence[int], length: int, inside: bool) -> Tensor:
    """out[…, p, …] = Σ x[…, k, l, …] over position(k, l) = p: the transpose of `gather`."""
    many = len(coefficients)
    lengths = x.shape[axis : axis + many]
    flat = positions(offset, coefficients, lengths, x.device).reshape(-1)
    values = x.flatten(axis, axis + many - 1)
    if not inside:
        there = (flat >= 0) & (flat < length)
        values = torch.where(there.reshape([-1 if k == axis else 1 for k in range(values.dim())]), values, 0.0)
        flat = torch.where(there, flat, 0)
    out = x.new_zeros((*x.shape[:axis], length, *x.shape[axis + many :]))
    return out.index_add(axis, flat, values) if length else out


def place(values: Sequence[Tensor], places: Sequence[int], length: int) -> Tensor:
    """An array of zeros of this length along a new first axis, with the values at their places."""
    stacked = torch.stack(tuple(values))
    out = stacked.new_zeros((length, *stacked.shape[1:]))
    return out.index_copy(0, torch.tensor(places, device=stacked.device), stacked)


def power(x: Tensor, exponent: float, lost: float) -> Tensor:
    """x ^ (exponent + lost), where `lost` is what rounding took from an exponent such as 1/3."""
    rough = torch.pow(x, exponent)
    return torch.where(torch.isfinite(rough) & (rough != 0), rough + rough * (lost * torch.log(x)), rough)


def logcosh(x: Tensor) -> Tensor:
    """log(cosh(x)): log1p of the small quantity near 0, without the exponential that overflows away from it."""
    size = torch.abs(x)
    near = torch.sinh(0.5 * size.clamp(max=1.0))
    far = size + (torch.log1p(torch.exp(-2.0 * size)) - _LOG_2)
    return torch.where(size < 1.0, torch.log1p(2.0 * near * near), far)


def hypotm1(x: Tensor) -> Tensor:
    """√(1 + x²) - 1, as x times what neither cancels nor overflows."""
    return x * (x / (1.0 + torch.hypot(x, torch.ones_like(x))))


def sech2(x: Tensor) -> Tensor:
    """1 - tanh(x)² without cancellation, by one exponential that does not overflow."""
    small = torch.exp(-2.0 * torch.abs(x))
    above = 1.0 + small
    return 4.0 * small / (above * above)
