"""How well the parameters of a fit are known: what the curvature of the loss at its minimum says.

Of a sum of m squares over p parameters the covariance is s²·(J'J)⁻¹, with the Jacobian J of the (weighted) residuals and the residual
variance s² = |r|²/(m − p) (Seber & Wild, Nonlinear Regression, 1989, 2.1 and 5.1); the intervals are Student's. Of any other loss it is
the inverse of the Hessian, which is right where the loss is a negative log-likelihood, not a mean of one; the intervals are normal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mpmath
import torch
from torch import Tensor

from symgd.descent.methods.method import flat
from symgd.descent.objective import Objective
from symgd.descent.residuals import residuals_of
from symgd.descent.shared import together
from symgd.descent.ulps import table
from symgd.errors import ValueGivenError

_MANY = 2000  # numbers found beyond which no report is made
_SHOWN = 0.1  # correlations below are not printed
_LISTED = 20  # correlations printed


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number found: its name (of an array with the place, counted from 1), standard error, and confidence interval."""

    name: str
    value: float
    error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a fit tells. `correlation` is over `parameters`. `residuals` are weighted.

    `deviation` is the standard deviation of the residuals, `freedom` their degrees of freedom, m − p; `squares` the sum of their squares.
    These four are None where the loss is no sum of squares; `residuals` also where the data come in blocks, or lie with several ranks.
    """

    parameters: tuple[Parameter, ...]
    correlation: Tensor
    residuals: Tensor | None
    squares: float | None
    freedom: int | None
    deviation: float | None
    level: float

    def json(self) -> dict[str, Any]:
        """The same as plain data."""
        rows = [{"name": p.name, "value": p.value, "error": p.error, "low": p.low, "high": p.high} for p in self.parameters]
        return {
            "parameters": rows,
            "level": self.level,
            "correlation": self.correlation.tolist(),
            "residuals": None if self.residuals is None else self.residuals.tolist(),
            "squares": self.squares,
            "freedom": self.freedom,
            "deviation": self.deviation,
        }

    def __str__(self) -> str:
        body = [["", "value", "standard error", f"{100 * self.level:g} % interval"]]
        for one in self.parameters:
            body.append([one.name, f"{one.value:.8g}", f"{one.error:.4g}", f"{one.low:.6g} to {one.high:.6g}"])
        lines = [table(body), ""]
        if self.freedom is None:
            lines.append("the loss is taken for a negative log-likelihood: errors from its Hessian")
        else:
            lines.append(f"{self.freedom + len(self.parameters):,} residuals, {self.freedom:,} degrees of freedom")
            lines.append(f"sum of squares {self.squares:.8g}, standard deviation of the residuals {self.deviation:.8g}")
        pairs = [
            (abs(float(self.correlation[i, j])), i, j)
            for i in range(len(self.parameters))
            for j in range(i)
            if self.correlation[i, j] == self.correlation[i, j]
        ]
        shown = [(i, j) for size, i, j in sorted(pairs, reverse=True) if size >= _SHOWN][:_LISTED]
        lines += [
            f"correlation of {self.parameters[j].name} and {self.parameters[i].name}: {float(self.correlation[i, j]):.4f}" for i, j in shown
        ]
        return "\n".join(lines)


def report(objective: Objective, parameters: Mapping[str, Any], level: float) -> Report:
    """The report of an objective at the parameters found; of data that several ranks share it is asked for on every rank."""
    if not 0 < level < 1:
        raise ValueGivenError(f"level is {level!r}, not between 0 and 1.", hint="Write level=0.95.")
    if objective.count > _MANY:
        raise ValueGivenError(f"a report is made for up to {_MANY:,} numbers, and there are {objective.count:,}.")
    point = [torch.as_tensor(parameters[name], dtype=one.dtype, device=one.device) for name, one in zip(objective.names, objective.start)]
    values = flat(point).double().tolist()
    if objective.team is None:
        covariance, squares, freedom, residuals = _fitted(objective, point)
    else:
        (first, second, *entries), _ = together(objective.team, lambda: (_flat(*_fitted(objective, point)[:3]), ""))
        squares, freedom = (None, None) if second < 0 else (float(first), int(second))
        covariance, residuals = torch.stack(entries).reshape(len(values), len(values)).cpu(), None
    errors = torch.sqrt(torch.diagonal(covariance))
    correlation = covariance / torch.outer(errors, errors)
    wide = quantile(0.5 + level / 2, math.inf if freedom is None else freedom)
    names = [name for name, one in zip(objective.names, objective.start) for name in _names(name, one)]
    rows = tuple(
        Parameter(name, value, error, value - wide * error, value + wide * error)
        for name, value, error in zip(names, values, errors.tolist(), strict=True)
    )
    deviation = None if squares is None or freedom is None else math.sqrt(squares / freedom)
    return Report(rows, correlation, residuals, squares, freedom, deviation, level)


def _fitted(objective: Objective, point: list[Tensor]) -> tuple[Tensor, float | None, int | None, Tensor | None]:
    """The covariance; of a sum of squares the sum, its degrees of freedom, and the residuals, where all are at hand."""
    found = residuals_of(objective)
    if found is None:
        return _inverse_of_hessian(objective.hessian()(point).double()), None, None, None
    local = found.at(point)
    freedom = found.count - objective.count
    if freedom <= 0:
        reason = f"{found.count} residuals leave no degree of freedom for {objective.count} parameters."
        raise ValueGivenError(reason, hint="Standard errors need more data than parameters.")
    squares = float(torch.dot(local.residuals, local.residuals))
    covariance = squares / freedom * _inverse_of_product(local.jacobian)
    return covariance, squares, freedom, local.residuals if objective.blocked is None else None


def _flat(covariance: Tensor, squares: float | None, freedom: int | None) -> Tensor:
    head = [0.0 if squares is None else squares, -1.0 if freedom is None else float(freedom)]
    return torch.cat([torch.tensor(head, dtype=torch.float64), covariance.reshape(-1).cpu()])


def _names(name: str, value: Tensor) -> list[str]:
    """Names of the entries, counted from 1 as in formulas."""
    if not value.dim():
        return [name]
    places = torch.cartesian_prod(*[torch.arange(1, length + 1) for length in value.shape]).reshape(-1, value.dim())
    return [f"{name}[{', '.join(str(int(k)) for k in one)}]" for one in places]


_SINGULAR = "the standard errors are not determined: the loss is flat along a direction."
_REPAIR = "Fix a parameter, or write the model with fewer."


def _inverse_of_product(jacobian: Tensor) -> Tensor:
    """(J'J)⁻¹ by a QR factorisation of J with columns of length 1."""
    scale = torch.linalg.vector_norm(jacobian, dim=0)
    if bool((scale == 0).any()) or not bool(torch.isfinite(scale).all()):
        raise ValueGivenError(_SINGULAR, hint=_REPAIR)
    upper = torch.linalg.qr(jacobian / scale)[1]
    singular = torch.linalg.svdvals(upper)
    if not float(singular[-1]) > 1e-14 * float(singular[0]):
        raise ValueGivenError(_SINGULAR, hint=_REPAIR)
    inverse = torch.linalg.solve_triangular(upper, torch.eye(len(scale), dtype=upper.dtype, device=upper.device), upper=True)
    found: Tensor = inverse @ inverse.T / torch.outer(scale, scale)
    return found


def _inverse_of_hessian(matrix: Tensor) -> Tensor:
    scale = torch.sqrt(torch.abs(torch.diagonal(matrix)))
    if bool((scale == 0).any()) or not bool(torch.isfinite(matrix).all()):
        raise ValueGivenError(_SINGULAR, hint=_REPAIR)
    values, vectors = torch.linalg.eigh(matrix / torch.outer(scale, scale))
    if float(values[0]) < -1e-12 * float(values[-1]):
        raise ValueGivenError("there are no standard errors: the point is no minimum.", hint="Descend to a minimum first.")
    if not float(values[0]) > 1e-14 * float(values[-1]):
        raise ValueGivenError(_SINGULAR, hint=_REPAIR)
    found: Tensor = (vectors / values) @ vectors.T / torch.outer(scale, scale)
    return found


def quantile(share: float, freedom: float) -> float:
    """The quantile of Student's distribution, above a half; of the normal one for infinitely many degrees of freedom."""
    if math.isinf(freedom):
        return float(mpmath.sqrt(2) * mpmath.erfinv(2 * share - 1))
    low, high = mpmath.mpf(0), mpmath.mpf(1)

    def beyond(t: Any) -> Any:
        return mpmath.betainc(freedom / 2, mpmath.mpf("0.5"), 0, freedom / (freedom + t * t), regularized=True) / 2

    while beyond(high) > 1 - share:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) > 1 - share else (low, middle)
    return float(high)
