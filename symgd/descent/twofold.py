"""Sums of products in twice the working precision, by error-free transformations (Dekker, Numer. Math. 18 (1971) 224; Ogita, Rump &
Oishi, SIAM J. Sci. Comput. 26 (2005) 1955): what iterative refinement needs for its residuals."""

from __future__ import annotations

import torch
from torch import Tensor

_SPLIT = 134217729.0  # 2^27 + 1


def product(matrix: Tensor, vector: Tensor, plus: Tensor, minus: Tensor) -> Tensor:
    """plus − minus − matrix·vector, rounded once as it were; float64 throughout."""
    high, low = _products(-matrix, vector.unsqueeze(0))
    total, error = _added(plus, -minus)
    high = torch.cat([high, total.unsqueeze(1)], 1)
    low = torch.cat([low, error.unsqueeze(1)], 1)
    while high.shape[1] > 1:
        if high.shape[1] % 2:
            high, low = torch.nn.functional.pad(high, (0, 1)), torch.nn.functional.pad(low, (0, 1))
        total, error = _added(high[:, ::2], high[:, 1::2])
        high, low = total, error + low[:, ::2] + low[:, 1::2]
    return (high + low).squeeze(1)


def _added(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The rounded sum and its error."""
    total = a + b
    virtual = total - a
    return total, (a - (total - virtual)) + (b - virtual)


def _products(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The rounded products and their errors."""
    total = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    return total, a_low * b_low - (((total - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _halves(a: Tensor) -> tuple[Tensor, Tensor]:
    scaled = _SPLIT * a
    high = scaled - (scaled - a)
    return high, a - high
