"""The loop of a descent: take steps, keep the path, notice the end."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symgd.descent.checkpoint import Checkpoint, Saved
from symgd.descent.curvature import stability
from symgd.descent.history import History
from symgd.descent.interrupts import Interrupts
from symgd.descent.methods.method import Method, State, Updates
from symgd.descent.nonfinite import first_nonfinite
from symgd.descent.objective import Objective
from symgd.descent.outcome import Descent, Number, Outcome
from symgd.descent.progress import Progress
from symgd.descent.stationary import Stationary, classified
from symgd.errors import RankError, ValueGivenError

SMALL = 1e-8  # a gradient this small beside 1 + |loss| counts as zero where no tolerance is given
_GROWTH = 1e10  # times the larger of 1 and the loss at the start: what grows beyond has diverged
_NEGLIGIBLE = 1e-14  # share of the loss: a method that promises less is done
_FAILED = 1e-9  # the same where a step fails, since only rounding is left
_ROUNDED = 2e-15  # the same of the sizes of the terms of the loss, which may cancel
_NOTHING = 1e-20  # share of the loss at the start that counts as nothing
_DETERMINED = 1e-7  # relative change of a parameter, and of the loss by one, that may be left at a minimum
_VANISHED = 1e-13  # share of the loss at the start: a loss and a gradient below it are zero
_PATIENCE = 5  # steps in a row whose promise is negligible
_STALLED = 12  # steps in a row that lower the loss by no more than rounding
_DOUBT = "no lower point is found, but a minimum is not certain: the loss is flat along a direction there, or not smooth."
_SAME = 1e-9  # relative difference of a loss added up in another order

Callback = Callable[[int, float, dict[str, Number]], Any]
End = tuple[Outcome, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of a descent.

    `is_batched` is whether every update has its own batch of the data (see `Objective.draw`). `tolerance`·(1 + |loss|) is the largest
    component of the gradient that counts as zero (None: the judgement of the method; with a fixed rate all steps are taken). `callback`
    gets the number of the step, the loss and the parameters, and stops the descent by returning something true. `why` is the reason for
    the method, where it was chosen.
    """

    method: Method
    steps: int
    tolerance: float | None = None
    is_batched: bool = False
    callback: Callback | None = None
    why: str = ""
    checkpoint: Checkpoint | None = None
    progress: Progress | None = None

    def message(self, outcome: Outcome, advice: str, taken: int) -> str:
        """How it ended, after how many steps of what."""
        chosen = f", chosen because {self.why}" if self.why else ""
        return f"{advice or outcome.advice} {taken:,} step{'s' * (taken != 1)} of {self.method.described}{chosen}."


def run(objective: Objective, plan: Plan) -> Descent:
    """Descend from the start of the objective. Ctrl-C ends it with what it has; SIGTERM too, where others have to know."""
    with Interrupts(terminated=plan.checkpoint is not None or objective.team is not None) as interrupts:
        walk, is_whole = _Walk(objective, plan, interrupts), True
        try:
            outcome, advice = walk.resumed() or walk.start() or walk.steps()
        except KeyboardInterrupt:
            if not walk.history.count or objective.team is not None:
                raise
            outcome, advice, is_whole = Outcome.STOPPED, "", False  # half-way through a step: what was written before stands
        except RankError as error:
            raise _with_checkpoint(error, walk) from None
        finally:
            if plan.progress is not None:
                plan.progress.close()
        if plan.checkpoint is not None and is_whole:
            goes_on = outcome in (Outcome.STOPPED, Outcome.MAX_STEPS) and not advice  # stopped from outside
            walk.write(None if goes_on else (str(outcome), advice))
    if plan.is_batched:
        objective.draw(0)
    history, taken = walk.history, walk.history.taken
    values, path = history.ended(walk.state.point, objective.names)
    return Descent(
        parameters=dict(zip(objective.names, _copied(walk.state))),
        values=values,
        path=path,
        outcome=outcome,
        steps=taken,
        evaluations=objective.evaluations,
        stationary=walk.stationary,
        source=objective,
        message=plan.message(outcome, advice, taken),
        every=(history.losses.stride, history.points.stride),
    )


def _with_checkpoint(error: RankError, walk: _Walk) -> RankError:
    """The error, and how to go on."""
    taken, checkpoint = max(0, walk.history.taken), walk.plan.checkpoint
    hint = 'With checkpoint="run.safetensors" a run can be resumed.'
    if checkpoint is not None:
        hint = f"Start all ranks again with resume=True: the run goes on from {str(checkpoint.path)!r}."
    return RankError(f"{error.reason} {taken:,} step{'s' * (taken != 1)} had been taken.", hint=f"{error.hint} {hint}".strip())


class _Walk:
    """The state of the loop: where it is and how it got there."""

    state: State
    limit: float

    def __init__(self, objective: Objective, plan: Plan, interrupts: Interrupts) -> None:
        self.objective, self.plan, self.interrupts = objective, plan, interrupts
        self.searches = plan.method.searches
        self.history = History(objective.start)
        self.recent: deque[float] = deque(maxlen=_STALLED + 1)  # losses
        self.stationary: Stationary | None = None
        self.quiet = 0  # steps in a row whose promise is negligible
        self.whole: list[float] = []  # see Saved

    def resumed(self) -> End | None:
        """Go on from the checkpoint, where there is one; the end, where the run had ended."""
        plan = self.plan
        saved = None if plan.checkpoint is None else plan.checkpoint.read(plan.method, self.objective, self.history)
        if saved is None:
            return None
        self.state, self.quiet, self.whole = saved.state, saved.quiet, saved.whole
        self.recent.extend(saved.recent)
        if self.objective.blocked is not None:
            self._check_data(plan.checkpoint)
        if plan.is_batched:
            self.objective.draw(self.history.count if self.history.count <= plan.steps else 0)
        self.objective.evaluations = saved.evaluations
        if saved.ended is not None:
            return Outcome(saved.ended[0]), saved.ended[1]
        return None

    def _check_data(self, checkpoint: Checkpoint | None) -> None:
        """Are the blocks those of the run? Their loss tells; it may differ by rounding where another number of ranks adds it up."""
        assert checkpoint is not None
        if self.plan.is_batched:
            pairs = zip(("loss", "gradient"), self.whole, self._over_all())
        else:
            pairs = zip(("loss",), [self.history.last], [float(self.objective.value_and_gradient(self.state.point)[0])])
        for what, before, now in pairs:
            is_same = math.isclose(before, now, rel_tol=_SAME, abs_tol=_SAME) or (math.isnan(before) and math.isnan(now))
            if not is_same:
                told = f"the {what} there was {before:.10g}, and now is {now:.10g}"
                reason = f"the checkpoint {str(checkpoint.path)!r} is of other data: {told}."
                raise ValueGivenError(reason, hint="Resume with the data that the run was begun with, or begin anew with resume=False.")

    def _over_all(self) -> list[float]:
        """The loss at the start over all data, of which no batch is drawn yet, and the length of its gradient."""
        value, slopes = self.objective.value_and_gradient(self.objective.start)
        return [float(value), math.hypot(*(float(one.double().norm()) for one in slopes))]

    def write(self, ended: tuple[str, str] | None = None) -> None:
        """Write the checkpoint."""
        assert self.plan.checkpoint is not None
        saved = Saved(self.state, list(self.recent), self.quiet, self.objective.evaluations, ended, self.whole)
        self.plan.checkpoint.write(saved, self.history, self.plan.method, self.objective.names)

    def start(self) -> End | None:
        if self.history.count:  # resumed
            self.limit = _GROWTH * max(1.0, abs(self.history.first))
            return None
        if self.plan.is_batched:
            if self.plan.checkpoint is not None and self.objective.blocked is not None:
                self.whole = self._over_all()
            self.objective.draw()
        self._arrive(State(self.objective.start, *self.objective.value_and_gradient(self.objective.start)))
        self.limit = _GROWTH * max(1.0, abs(self.history.first))
        if self.plan.checkpoint is not None and self.objective.team is not None:
            self.write()  # a lost rank then always leaves a checkpoint
        return self._end()

    def steps(self) -> End:
        plan, evaluate = self.plan, self.objective.value_and_gradient
        for number in range(self.history.count, plan.steps + 1):
            if plan.is_batched:
                found: State | None = self._batch_step(last=number == plan.steps)
            else:
                found = plan.method.step(self.state, evaluate)
            if found is None:
                return self._failed()
            self._arrive(found)
            if plan.method.finished and math.isfinite(self.history.last):
                return Outcome.CONVERGED, plan.method.finished
            end = self._end()
            if end is not None:
                return end
            if plan.progress is not None:
                plan.progress.show(number, self.history.last, self.state)
            if plan.callback is not None and plan.callback(number, self.history.last, dict(zip(self.objective.names, _copied(found)))):
                return Outcome.STOPPED, ""
            if self._is_asked():
                return Outcome.STOPPED, ""
            if self.searches:
                self.quiet = self.quiet + 1 if plan.method.promise <= self._share(_NEGLIGIBLE) else 0
                if plan.tolerance is None and self.quiet >= _PATIENCE and self._is_minimum(_NEGLIGIBLE):
                    return self._converged("the steps left lower the loss by less than rounding does.")
                if number >= _STALLED and self.recent[0] - self.history.last <= _NEGLIGIBLE * abs(self.history.last):
                    return self._failed()
            if plan.checkpoint is not None and plan.checkpoint.is_due():
                self.write()
        small = SMALL if plan.tolerance is None else plan.tolerance
        is_small = not self.searches and self.state.size() <= small * (1 + abs(self.history.last))
        return (Outcome.CONVERGED if is_small else Outcome.MAX_STEPS), ""

    def _is_asked(self) -> bool:
        """Is this rank, or another, to stop?"""
        team = self.objective.team
        return self.interrupts.asked or (team is not None and team.is_asked)

    def _batch_step(self, last: bool) -> State:
        """A step down the loss of one batch, evaluated on the next; after the last step on all data."""
        assert isinstance(self.plan.method, Updates)
        point = self.plan.method.moved(self.state)
        self.objective.draw(0 if last else 1)
        return State(point, *self.objective.value_and_gradient(point))

    def _arrive(self, state: State) -> None:
        self.state = state
        self.history.add(state.value.item(), state.point)
        self.recent.append(self.history.last)

    def _end(self) -> End | None:
        value = self.history.last
        if not math.isfinite(value):
            return Outcome.NONFINITE, first_nonfinite(self.objective, self.state.point)
        if abs(value) > self.limit:
            return Outcome.DIVERGED, "" if self.searches else bound_of_rates(self.objective)
        if self.plan.tolerance is None and not self.searches:
            return None
        size = self.state.size()
        if self.plan.tolerance is not None and size <= self.plan.tolerance * (1 + abs(value)):
            return Outcome.CONVERGED, ""
        if not math.isfinite(size):
            return Outcome.NONFINITE, first_nonfinite(self.objective, self.state.point)
        return self._converged("the gradient is exactly zero.") if self.searches and size == 0.0 else None

    def _converged(self, advice: str) -> End:
        """The gradient vanishes: at a minimum, as far as the Hessian tells where it can be had."""
        kind = self._classified()
        if kind in (Stationary.SADDLE, Stationary.MAXIMUM):
            return Outcome.STOPPED, f"the gradient vanishes, but the point is {kind}: start beside it."
        if kind is Stationary.FLAT and not self._has_vanished() and not self.plan.method.is_sure:
            return Outcome.STOPPED, _DOUBT
        return Outcome.CONVERGED, advice

    def _classified(self) -> Stationary | None:
        """The kind of the stationary point, by the Hessian; None for many parameters, where it is not derived."""
        if not self.objective.is_small or self.plan.is_batched:
            return None
        found = classified(self.objective.hessian()(self.state.point))
        self.stationary = None if found is None else found[0]
        return self.stationary

    def _has_vanished(self) -> bool:
        """Are the loss and its gradient zero, beside those at the start?"""
        return max(self.state.relative_size(), abs(self.history.last)) <= _VANISHED * abs(self.history.first)

    def _failed(self) -> End:
        """The method found no lower point: at a minimum, up to rounding, or stuck."""
        if self._is_minimum(_FAILED):
            return self._converged("no lower point is found: what is left is rounding.")
        return Outcome.STOPPED, _DOUBT

    def _is_minimum(self, share: float) -> bool:
        """Is this a minimum, as far as the method can tell?

        Little may be left to gain, and little to change to gain it: a loss that hardly falls any more may still be far from its
        minimum along a flat valley.
        """
        relative, start = self.state.relative_size(), abs(self.history.first)
        if self._has_vanished():
            return True
        promise = self.plan.method.promise
        if promise > self._share(share) and not promise <= _ROUNDED * self.objective.magnitude(self.state.point):
            return False
        if self.plan.method.shift is not None:
            return self.plan.method.shift <= _DETERMINED
        return relative <= _DETERMINED * abs(self.history.last) + _VANISHED * start

    def _share(self, share: float) -> float:
        return share * abs(self.history.last) + _NOTHING * abs(self.history.first)


def bound_of_rates(objective: Objective) -> str:
    """On a quadratic: the rates that do not diverge."""
    if not objective.is_small or not objective.is_quadratic:
        return ""
    found = stability(objective, objective.start)
    if found is None or found.falls:
        return "the loss left all bounds: it is quadratic, and falls without end along a direction."
    return f"the loss left all bounds: it is quadratic, and rates from 2/L = {found.rate:.6g} on are too large."


def _copied(state: State) -> list[Number]:
    return [tensor.item() if not tensor.dim() else tensor.clone() for tensor in state.point]
