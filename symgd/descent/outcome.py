"""How a descent ends, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Union

from torch import Tensor

Parameter = Union[float, Tensor]

_SHOWN = 6  # entries of an array that are printed


class Outcome(Enum):
    """How a descent ended; the value is the message with advice, the text the word: `str(Outcome.CONVERGED)` is "converged".

    An outcome equals its word, so that `r.outcome == "converged"` reads as it should.
    """

    CONVERGED = "The gradient is within the tolerance."
    MAX_STEPS = "All steps were taken. If the loss still falls, take more steps, or a larger rate."
    DIVERGED = "The loss grew beyond all measure. Take a smaller rate, such as a third of it; or the formula has no minimum."
    NONFINITE = "The loss or its gradient is no finite number any more. Take a smaller rate, or start where the formula is defined."
    STOPPED = "Stopped before the end. The parameters are those of the best point so far."

    def __str__(self) -> str:
        return self.name.lower()

    def __eq__(self, other: object) -> bool:
        return str(self) == other if isinstance(other, str) else self is other

    def __hash__(self) -> int:
        return hash(str(self))


@dataclass(frozen=True, slots=True)
class Descent:
    """The result of `descend`.

    `parameters` are the last ones: floats for scalars, tensors for arrays. `values` are the losses and `path` the parameters
    (a list per name) at the start and after every update; with batches a loss is over the batch that the next update takes,
    the last one over all data. `steps` counts updates, `evaluations` evaluations of the loss. `method` says what was done,
    `message` how it ended and what to do about it.
    """

    parameters: dict[str, Parameter]
    values: list[float]
    path: dict[str, list[Parameter]]
    outcome: Outcome
    steps: int
    evaluations: int
    method: str
    message: str

    def __str__(self) -> str:
        lines = [f"{self.outcome} after {_counted(self.steps, 'step')}, {_counted(self.evaluations, 'evaluation')}: {self.method}"]
        lines.append(f"  loss {self.values[0]:.10g} -> {self.values[-1]:.10g}")
        lines += [f"  {name} = {_shown(value)}" for name, value in self.parameters.items()]
        return "\n".join([*lines, self.message])


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _shown(value: Parameter) -> str:
    if isinstance(value, float):
        return f"{value:.15g}"
    flat = value.reshape(-1)[:_SHOWN].tolist()
    shape = "" if value.dim() == 1 else f" of shape {tuple(value.shape)}"
    return f"[{', '.join(f'{entry:.8g}' for entry in flat)}{', …' if value.numel() > _SHOWN else ''}]{shape}"
