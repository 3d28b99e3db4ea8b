"""The minimum in one step, where the gradient is linear in the parameters.

A sum of squares is solved by a QR factorisation of the Jacobian of its residuals with columns of length 1, never by the squared
normal equations, and refined: the augmented system of residuals and parameters with products in twice the precision (Björck, BIT 7
(1967) 257; Golub & Van Loan, Matrix Computations, 4th ed., 5.3.8). Any other quadratic by its Hessian, scaled, in its eigenbasis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import final

import torch
from torch import Tensor

from symgd.descent.methods.method import Evaluate, Method, State, flat, is_finite, split
from symgd.descent.residuals import Residuals
from symgd.descent.twofold import product

_ROUNDS = 10  # of refinement
_RANK = 1e-14  # least singular value beside the largest of columns of length 1, times √m, that is told from 0


@final
class LinearLeastSquares(Method):
    """One step to the minimum of a sum of squares of linear residuals; `is_unique` is whether it is the only one."""

    described = "the closed form: linear least squares by a QR factorisation"

    def __init__(self, residuals: Residuals) -> None:
        self._residuals = residuals
        self.is_unique = True

    def step(self, state: State, evaluate: Evaluate) -> State | None:
        self.promise, self.shift = 0.0, 0.0
        local = self._residuals.at(state.point)
        if not bool(torch.isfinite(local.jacobian).all() and torch.isfinite(local.residuals).all()):
            self.promise = math.inf
            return None
        found = self._solved(state)
        if found is None:  # the minimum nearest to the start, in the scale of the columns
            self.is_unique = False
            scale = _lengths(local.jacobian)
            move = torch.linalg.lstsq(local.jacobian / scale, -local.residuals.unsqueeze(1), driver="gelsd").solution.squeeze(1)
            found = flat(state.point).double() + move / scale
        point = split(found.to(state.point[0].dtype), state.point)
        there = State(point, *evaluate(point))
        if not is_finite(there):
            self.promise = math.inf
        return there if is_finite(there) and float(there.value) <= float(state.value) else None

    @property
    def finished(self) -> str:
        return "the residuals are linear in the parameters, and this is their least sum of squares" + _unless_unique(self.is_unique)

    def _solved(self, state: State) -> Tensor | None:
        """The parameters at the minimum; None where the columns depend on one another."""
        local = self._residuals.at([torch.zeros_like(tensor) for tensor in state.point])
        matrix, right = local.jacobian, -local.residuals
        rows, columns = matrix.shape
        if rows < columns:
            return None
        scale = _lengths(matrix)
        Q, R = torch.linalg.qr(matrix / scale)  # noqa: N806
        singular = torch.linalg.svdvals(R)
        if not float(singular[-1]) > _RANK * math.sqrt(self._residuals.count) * float(singular[0]):
            return None
        if not bool(torch.isfinite(right).all()):
            return None
        found, left = torch.zeros(columns, dtype=torch.float64), torch.zeros(rows, dtype=torch.float64)
        found, left, smallest = found.to(matrix), left.to(matrix), math.inf
        for _ in range(_ROUNDS):
            first = product(matrix, found, right, left)  # right − left − J·found
            second = product(matrix.T, left, torch.zeros_like(found), torch.zeros_like(found)) / scale  # −J'·left
            # The correction (dr, dx) of dr + J·dx = first, J'·dr = second.
            inner = torch.linalg.solve_triangular(R.T, second.unsqueeze(1), upper=False).squeeze(1)
            change = torch.linalg.solve_triangular(R, (Q.T @ first - inner).unsqueeze(1), upper=True).squeeze(1)
            size = float(torch.linalg.vector_norm(change))
            if not size < 0.5 * smallest:
                break
            left = left + first - Q @ (Q.T @ first - inner)
            found, smallest = found + change / scale, size
        return found if math.isfinite(smallest) else None


def _lengths(matrix: Tensor) -> Tensor:
    lengths = torch.linalg.vector_norm(matrix, dim=0)
    return torch.where(lengths > 0, lengths, 1.0)


@final
class Quadratic(Method):
    """One step to the stationary point of a quadratic that has a minimum; None where it has none."""

    described = "the closed form: the gradient is linear, its zero by the eigenvalues of the Hessian"

    def __init__(self, hessian: Callable[[Sequence[Tensor]], Tensor]) -> None:
        self._hessian = hessian
        self.is_unique = True

    def step(self, state: State, evaluate: Evaluate) -> State | None:
        self.promise, self.shift = 0.0, 0.0
        matrix = self._hessian(state.point).double()
        if not bool(torch.isfinite(matrix).all()):
            self.promise = math.inf
            return None
        scale = torch.sqrt(torch.abs(torch.diagonal(matrix)))
        scale = torch.where(scale > 0, scale, 1.0)
        values, vectors = torch.linalg.eigh(matrix / torch.outer(scale, scale))
        limit = _RANK * math.sqrt(len(values)) * float(torch.abs(values).max())
        for _ in range(2):  # the second step is one of refinement
            along = vectors.T @ (flat(state.gradient).double() / scale)
            is_flat = torch.abs(values) <= limit
            lost = torch.abs(along[is_flat]).max() > 1e-10 * torch.abs(along).max() if bool(is_flat.any()) else False
            if float(values.min()) < -limit or bool(lost):
                self.promise = math.inf  # a saddle, or no stationary point: there is no minimum
                return None
            self.is_unique = not bool(is_flat.any())
            move = vectors @ torch.where(is_flat, 0.0, -along / torch.where(is_flat, 1.0, values)) / scale
            point = state.moved(move)
            there = State(point, *evaluate(point))
            if not is_finite(there) or float(there.value) > float(state.value):
                break
            state = there
        return state

    @property
    def finished(self) -> str:
        return "the gradient is linear in the parameters, and this is its zero, the minimum" + _unless_unique(self.is_unique)


def _unless_unique(is_unique: bool) -> str:
    return "." if is_unique else "; it is not one point, the others lie on a line or a plane through it."
