"""What kind of stationary point a descent has reached, by the eigenvalues of the symbolic Hessian in the scale of the parameters."""

from __future__ import annotations

from enum import StrEnum

import torch
from torch import Tensor

_CLEAR = 1e-12  # an eigenvalue below -this, beside the largest, is negative beyond rounding
_SINGULAR = 1e-14  # one above this is positive beyond rounding


class Stationary(StrEnum):
    """The value completes "the stationary point is …"."""

    MINIMUM = "a minimum"
    SADDLE = "a saddle"
    MAXIMUM = "a maximum"
    FLAT = "flat along a direction"


def classified(hessian: Tensor) -> tuple[Stationary, Tensor] | None:
    """The kind, and the direction of least curvature, over all entries of all parameters; None where the Hessian is not finite.

    "flat along a direction": an eigenvalue is 0 up to rounding and none is negative, so that values alone decide.
    """
    matrix = hessian.double()
    if not bool(torch.isfinite(matrix).all()):
        return None
    scale = torch.sqrt(torch.abs(torch.diagonal(matrix)))
    scale = torch.where(scale > 0, scale, 1.0)
    values, vectors = torch.linalg.eigh(matrix / torch.outer(scale, scale))
    largest = float(torch.abs(values).max())
    lowest, highest = float(values[0]), float(values[-1])
    if lowest < -_CLEAR * largest:
        kind = Stationary.MAXIMUM if highest < -_CLEAR * largest else Stationary.SADDLE
    else:
        kind = Stationary.MINIMUM if lowest > _SINGULAR * largest else Stationary.FLAT
    return kind, vectors[:, 0] / scale
