"""The largest curvature of a loss, L, and what follows: w ← w − rate·∇f is stable around a minimum for rates below 2/L.

On a quadratic that holds everywhere: the distance to the minimum along an eigenvector of curvature λ is multiplied by 1 − rate·λ at
every step (Nesterov, Lectures on Convex Optimization, 2nd ed., 2.1.5; Goh, Why Momentum Really Works, Distill 2017).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symgd.descent.line import hessian_vector_of
from symgd.descent.objective import Objective

_DENSE = 500  # numbers to be found up to which all eigenvalues are computed
_FEW_NAMES = 40  # parameters up to which the Hessian is derived
_ROUNDS = 60  # of Lanczos's iteration
_SEED = 0
_FLAT = 1e-12  # share of the largest curvature that counts as none


@dataclass(frozen=True, slots=True)
class Stability:
    """`rate` is 2/L, the bound of the stable rates; `everywhere` is whether L is that of a quadratic, or of one point.

    `best` is 2/(L + λ) with the least positive curvature λ, the rate that brings a quadratic down fastest (None where λ is not known).
    `falls` is whether the loss curves downwards along some direction.
    """

    rate: float
    everywhere: bool
    best: float | None
    falls: bool = False


def stability(objective: Objective, point: Sequence[Tensor]) -> Stability | None:
    """The largest stable rate, from the symbolic Hessian at a point; None where there is no positive curvature."""
    is_small = objective.count <= _DENSE and len(objective.names) <= _FEW_NAMES
    everywhere = is_small and objective.is_quadratic
    if is_small:
        matrix = objective.hessian()(point).double()
        if not bool(torch.isfinite(matrix).all()):
            return None
        values = torch.linalg.eigvalsh(matrix)
        largest, least = float(values[-1]), float(values[0])
    else:
        largest, least = _largest(objective, point), math.nan
    if not 0 < largest < math.inf:
        return None
    return Stability(2 / largest, everywhere, 2 / (largest + least) if least > 0 else None, least < -_FLAT * largest)


def _largest(objective: Objective, point: Sequence[Tensor]) -> float:
    """The largest eigenvalue of the Hessian by Lanczos's iteration, on products with vectors (Golub & Van Loan, 4th ed., 10.1)."""
    product = hessian_vector_of(objective)
    vector = torch.randn(objective.count, generator=torch.Generator().manual_seed(_SEED), dtype=torch.float64)
    vector = (vector / torch.linalg.vector_norm(vector)).to(point[0].device)
    before, beta = torch.zeros_like(vector), 0.0
    diagonal: list[float] = []
    beside: list[float] = []
    for _ in range(min(_ROUNDS, objective.count)):
        image = product(point, vector).double() - beta * before
        diagonal.append(float(torch.dot(vector, image)))
        image = image - diagonal[-1] * vector
        before, beta = vector, float(torch.linalg.vector_norm(image))
        if not beta > 1e-12 * abs(diagonal[0]):
            break
        beside.append(beta)
        vector = image / beta
    size = len(diagonal)
    small = torch.diag(torch.tensor(diagonal))
    for k in range(size - 1):
        small[k, k + 1] = small[k + 1, k] = beside[k]
    return float(torch.linalg.eigvalsh(small.double())[-1]) if bool(torch.isfinite(small).all()) else math.nan
