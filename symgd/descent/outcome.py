"""How a descent ends, what to do about it, and what it hands back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Union

from torch import Tensor

from symgd.descent.objective import Objective
from symgd.descent.stationary import Stationary
from symgd.notation.notebook import bundle, table

if TYPE_CHECKING:
    from symgd.descent.report import Report

Number = Union[float, Tensor]

_SHOWN = 20  # entries up to which an array is printed


class Outcome(StrEnum):
    """The value is the name users see; `advice` completes the report."""

    CONVERGED = "converged"
    MAX_STEPS = "max_steps"
    DIVERGED = "diverged"
    NONFINITE = "nonfinite"
    STOPPED = "stopped"

    @property
    def advice(self) -> str:
        return _ADVICE[self]


_ADVICE = {
    Outcome.CONVERGED: "the gradient is as small as asked.",
    Outcome.MAX_STEPS: "all steps were taken and the gradient is not small yet: take more steps, or a larger rate.",
    Outcome.DIVERGED: "the loss left all bounds: the rate is too large (try a third of it), or the loss has no minimum.",
    Outcome.NONFINITE: "the loss or its gradient is not finite there: take a smaller rate, or another start.",
    Outcome.STOPPED: "stopped from outside; the parameters are those of the last full step.",
}


@dataclass(frozen=True, slots=True)
class Descent:
    """What a descent found. `values` and `path` include the start: `values[k]` is the loss at `path[name][k]`, after `step_of(k)`
    steps. They are read like lists (see `kept`). Of millions of numbers they are thinned out together (see `history`): with
    `every` = (k, k) both are those of every k-th step; the last of each is that of the end.

    With batches a loss is that of the batch about to be used, the last one that of all data. Parameters are floats for
    scalars, tensors for arrays. `steps` counts updates, `evaluations` evaluations of the loss with its gradient, of its Hessian,
    and of the loss along a line, each as one. `stationary` is what the Hessian tells of the point where the gradient vanishes
    (None where it was not asked: the gradient is not zero there, or there are many parameters).
    """

    parameters: dict[str, Number]
    values: Sequence[float]
    path: Mapping[str, Sequence[Number]]
    outcome: Outcome
    steps: int
    evaluations: int
    message: str
    stationary: Stationary | None = None
    every: tuple[int, int] = (1, 1)
    source: Objective | None = field(default=None, repr=False, compare=False)

    def step_of(self, k: int) -> int:
        """After how many steps the loss was `values[k]`, at `path[name][k]`."""
        place = range(len(self.values))[k]
        return self.steps if place == len(self.values) - 1 else place * self.every[0]

    def report(self, level: float = 0.95) -> Report:
        """Standard errors, confidence intervals and correlations of the parameters found, and the residuals of a fit.

        See `symgd.descent.report`. Raises ValueGivenError where they cannot be had: the point is no minimum, or parameters are many.
        """
        from symgd.descent.report import report

        assert self.source is not None
        return report(self.source, self.parameters, level)

    def __str__(self) -> str:
        shown = [f"  {name} = {_shown(value)}" for name, value in self.parameters.items()]
        losses = f"  loss {self.values[0]:.6g} at the start, {self.values[-1]:.6g} at the end"
        return "\n".join([f"{self.outcome}: {self.message}", *shown, losses])

    def _repr_html_(self) -> str:
        rows = [[str(self.outcome), self.message], *([name, _shown(value)] for name, value in self.parameters.items())]
        rows += [["steps", str(self.steps)], ["loss", f"{self.values[0]:.6g} at the start, {self.values[-1]:.6g} at the end"]]
        return table(rows)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return bundle(str(self), self._repr_html_())


def _shown(value: Number) -> str:
    if not isinstance(value, Tensor):
        return f"{value:.10g}"
    return f"array of shape {tuple(value.shape)}" if value.numel() > _SHOWN else str(value.tolist())
