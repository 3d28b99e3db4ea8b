"""How a descent ends, and what to do about it."""

from __future__ import annotations

from enum import StrEnum


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
