"""The methods of a descent, one row each, and the choice between them.

A row says what a user has to know to choose: what it does, whether it takes a rate, and its options with their usual values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch

from symgd.descent.line import hessian_vector_of, line_of
from symgd.descent.methods import directions, models, searches
from symgd.descent.methods.closed_form import LinearLeastSquares, Quadratic
from symgd.descent.methods.conjugate import NewtonConjugate
from symgd.descent.methods.coordinates import Coordinates
from symgd.descent.methods.method import Method, Otherwise
from symgd.descent.methods.searched import Searched
from symgd.descent.methods.trust_region import TrustRegion
from symgd.descent.methods.updates import SCHEDULES, FixedRate, Optimiser
from symgd.descent.objective import FEW, Objective
from symgd.descent.residuals import Residuals, residuals_of
from symgd.descent.walls import walls_of
from symgd.errors import ValueGivenError

_FEW_NAMES = 40  # parameters up to which it asks whether the gradient is linear
_DENSE = 500  # up to which it keeps a matrix of them
_SOLVED = 2000  # up to which it solves a linear system of them


class Setting:
    """What a method is made from: the objective, and what the user chose. Residuals are looked for once."""

    def __init__(
        self, objective: Objective, rate: float | None = None, schedule: str = "constant", steps: int = 1, options: Mapping[str, float] = {}
    ) -> None:
        self.objective, self.schedule, self.steps, self.options = objective, schedule, steps, options
        self._rate = rate

    @property
    def rate(self) -> float:
        assert self._rate is not None
        return self._rate

    @property
    def has_rate(self) -> bool:
        return self._rate is not None

    @cached_property
    def residuals(self) -> Residuals | None:
        return residuals_of(self.objective)

    def sum_of_squares(self, method: str) -> Residuals:
        """The residuals. Raises ValueGivenError where the loss is not seen to be a sum of squares."""
        if self.residuals is None:
            hint = 'Write the loss as sum(r.^2), mean(r.^2) or norm2(r)^2 of residuals r, or method="newton".'
            if self.objective.blocked is not None:
                hint += " In blocks a weight of the samples that is itself a function of sums over them is not seen to be one."
            raise ValueGivenError(f"method {method!r} needs a sum of squares, and the loss is not seen to be one.", hint=hint)
        return self.residuals

    def scheduled(self, k: int) -> float:
        return SCHEDULES[self.schedule](k, self.steps, self.options["decay"])


@dataclass(frozen=True, slots=True)
class Row:
    """A method: its name, what it does, whether it takes a rate, its options with their usual values, and how it is made."""

    name: str
    does: str
    rate: Literal["needed", "possible", "none"]
    options: Mapping[str, float]
    make: Callable[[Setting], Method]


def _gradient(setting: Setting) -> Method:
    if not setting.has_rate:
        return Searched(directions.Steepest(), searches.Armijo())
    if setting.schedule == "constant":
        return FixedRate(setting.rate)
    return Optimiser("gradient descent", torch.optim.SGD, setting.rate, setting.schedule, setting.scheduled, {})


def _momentum(setting: Setting, name: str, nesterov: bool) -> Method:
    options = {"momentum": setting.options["momentum"], "weight_decay": setting.options["weight_decay"], "nesterov": nesterov}
    return Optimiser(name, torch.optim.SGD, setting.rate, setting.schedule, setting.scheduled, options)


def _adam(setting: Setting, name: str, kind: type[torch.optim.Optimizer]) -> Method:
    own = setting.options
    options = {"betas": (own["beta1"], own["beta2"]), "eps": own["eps"], "weight_decay": own["weight_decay"]}
    return Optimiser(name, kind, setting.rate, setting.schedule, setting.scheduled, options)


def _rmsprop(setting: Setting) -> Method:
    options = {name: setting.options[name] for name in ("alpha", "eps", "momentum", "weight_decay")}
    return Optimiser("RMSprop", torch.optim.RMSprop, setting.rate, setting.schedule, setting.scheduled, options)


def _newton(setting: Setting) -> Method:
    return Otherwise(
        TrustRegion(models.Hessian(setting.objective.hessian()), walls_of(setting.objective), setting.objective.magnitude), _bfgs()
    )


def _bfgs() -> Method:
    return Searched(directions.Bfgs(), searches.Wolfe(0.9), "BFGS with a line search")


def _exact(setting: Setting) -> searches.Exact:
    return searches.Exact(line_of(setting.objective))


def _least_squares(setting: Setting) -> Method:
    modeller = models.Hybrid(setting.sum_of_squares("least-squares"), setting.objective.hessian())
    return Otherwise(TrustRegion(modeller, walls_of(setting.objective)), _bfgs())


def _closed_form(setting: Setting) -> Method:
    found = linear(setting)
    if found is None:
        raise ValueGivenError(
            "method 'closed-form' needs a gradient linear in the parameters, and the loss is not seen to have one.",
            hint='Leave the method out, or write method="newton".',
        )
    return found[0]


def linear(setting: Setting) -> tuple[Method, str] | None:
    """The closed form and why there is one; None where there is none."""
    objective = setting.objective
    residuals = setting.residuals if objective.count <= _SOLVED else None
    if residuals is not None and residuals.is_linear:
        return LinearLeastSquares(residuals), f"the loss is a sum of {residuals.count:,} squares, linear in the parameters inside"
    if residuals is None and len(objective.names) <= _FEW_NAMES and objective.count <= _SOLVED and objective.is_quadratic:
        return Quadratic(objective.hessian()), "the gradient is linear in the parameters"
    return None


_DECAY = {"decay": 0.01}  # of the schedules "inverse" and "exponential", per update
_MOMENTUM = {"momentum": 0.9, "weight_decay": 0.0, **_DECAY}
_ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, **_DECAY}

ROWS: tuple[Row, ...] = (
    Row("gradient", "against the gradient; without a rate, one is searched for every step", "possible", _DECAY, _gradient),
    Row("momentum", "gradient descent with momentum", "needed", _MOMENTUM, lambda s: _momentum(s, "momentum", nesterov=False)),
    Row("nesterov", "Nesterov's accelerated gradient", "needed", _MOMENTUM, lambda s: _momentum(s, "Nesterov's gradient", nesterov=True)),
    Row("adam", "Adam", "needed", {**_ADAM, "weight_decay": 0.0}, lambda s: _adam(s, "Adam", torch.optim.Adam)),
    Row("adamw", "AdamW", "needed", {**_ADAM, "weight_decay": 0.01}, lambda s: _adam(s, "AdamW", torch.optim.AdamW)),
    Row("rmsprop", "RMSprop", "needed", {"alpha": 0.99, "eps": 1e-8, "momentum": 0.0, "weight_decay": 0.0, **_DECAY}, _rmsprop),
    Row("exact", "against the gradient to the exact minimum", "none", {}, lambda s: Searched(directions.Steepest(), _exact(s))),
    Row("armijo", "against the gradient, halved until it falls", "none", {}, lambda s: Searched(directions.Steepest(), searches.Armijo())),
    Row(
        "wolfe",
        "against the gradient, by Wolfe's conditions",
        "none",
        {"curvature": 0.9},
        lambda s: Searched(directions.Steepest(), searches.Wolfe(s.options["curvature"])),
    ),
    Row(
        "barzilai-borwein",
        "against the gradient, at the rate of the last change of it",
        "none",
        {"memory": 10},
        lambda s: Searched(
            directions.Steepest(), searches.Armijo(max(1, int(s.options["memory"]))), "gradient descent with Barzilai and Borwein's rates"
        ),
    ),
    Row(
        "conjugate-gradient",
        "Polak and Ribière's conjugate gradients",
        "none",
        {"curvature": 0.1},
        lambda s: Searched(directions.ConjugateGradient(), searches.Wolfe(s.options["curvature"])),
    ),
    Row("bfgs", "the curvature learnt on the way, a matrix of it", "none", {}, lambda s: _bfgs()),
    Row(
        "l-bfgs",
        "the curvature of the last steps",
        "none",
        {"memory": 10, "curvature": 0.9},
        lambda s: Searched(directions.LimitedBfgs(max(1, int(s.options["memory"]))), searches.Wolfe(s.options["curvature"])),
    ),
    Row("newton", "the symbolic Hessian, in a trust region", "none", {}, _newton),
    Row(
        "newton-cg",
        "products of the symbolic Hessian with vectors, in a trust region",
        "none",
        {},
        lambda s: NewtonConjugate(hessian_vector_of(s.objective)),
    ),
    Row(
        "gauss-newton",
        "residuals made linear, with a line search",
        "none",
        {},
        lambda s: Searched(directions.GaussNewton(s.sum_of_squares("gauss-newton")), searches.Armijo()),
    ),
    Row(
        "levenberg-marquardt",
        "residuals made linear, in a trust region",
        "none",
        {},
        lambda s: Otherwise(TrustRegion(models.GaussNewton(s.sum_of_squares("levenberg-marquardt")), walls_of(s.objective)), _bfgs()),
    ),
    Row("least-squares", "Levenberg and Marquardt's, with Newton's where residuals are large", "none", {}, _least_squares),
    Row("closed-form", "one step, where the gradient is linear", "none", {}, _closed_form),
    Row("coordinate", "one coordinate after the other, each to its minimum", "none", {}, lambda s: Coordinates(_exact(s))),
)
TABLE: Mapping[str, Row] = {row.name: row for row in ROWS}
METHODS = ("auto", *TABLE)


def chosen(setting: Setting) -> tuple[Method, str]:
    """The method that "auto" takes, and why."""
    if setting.has_rate:
        return TABLE["gradient"].make(setting), ""
    count = setting.objective.count
    closed = linear(setting)
    if closed is not None:
        return closed[0] if isinstance(closed[0], LinearLeastSquares) else Otherwise(closed[0], _by_size(setting)), closed[1]
    residuals = setting.residuals if count <= _DENSE else None
    if residuals is None:
        return _by_size(setting), f"there {'is 1 number' if count == 1 else f'are {count:,} numbers'} to be found"
    name = "least-squares" if count <= FEW else "levenberg-marquardt"
    return TABLE[name].make(setting), f"the loss is a sum of {residuals.count:,} squares"


def _by_size(setting: Setting) -> Method:
    count = setting.objective.count
    row = TABLE["newton" if count <= FEW else "bfgs" if count <= _DENSE else "l-bfgs"]
    return row.make(Setting(setting.objective, options=row.options))
