"""`descend`: walk down the gradient of a formula from a start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from symgd.descent.checkpoint import Checkpoint, asked_of
from symgd.descent.constraints import Freed, constraints_of
from symgd.descent.learning_rates import rate_of
from symgd.descent.loop import Callback
from symgd.descent.options import check_combination, count, method_options, positive
from symgd.descent.outcome import Descent
from symgd.descent.prepare import prepared
from symgd.descent.ranks import device_of, team_of
from symgd.descent.shared import descended_together
from symgd.descent.walk import Asked, kept, walked, with_held
from symgd.errors import ValueGivenError

_STEPS = 100
_TO_COME = 1.0  # in place of a rate that is yet to be chosen


def descend(
    f: Any,
    start: Mapping[str, Any],
    data: Mapping[str, Any] | str | Path | None = None,
    rate: float | str | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    method: str = "auto",
    batch: int | None = None,
    shuffle: int | None = None,
    tolerance: float | None = None,
    device: Any = "cpu",
    dtype: Any = None,
    schedule: str = "constant",
    options: Mapping[str, float] | None = None,
    fixed: Sequence[str] = (),
    missing: str = "error",
    checkpoint: str | Path | None = None,
    every: float = 10.0,
    resume: bool = False,
    callback: Callback | None = None,
    ranks: str | None = None,
    progress: bool = False,
) -> Descent:
    """Minimise a scalar formula over the variables named in `start`, by its symbolic gradient.

    `data` gives the other variables: a mapping, a frame of pandas or polars, or the path of a .csv, .npz, .safetensors,
    .parquet, .arrow, .feather or .pt file (a Parquet file of more than a gigabyte comes in blocks);
    or a function that returns blocks of the data, mappings, anew at every call, for data larger than memory (exact over all blocks);
    `missing="drop"` leaves out rows of a frame or a .csv file with an entry that is missing. With a `rate` every step is
    w ← w − rate·∂f/∂w, all gradients first, then all parameters together, and without a `tolerance` all steps are taken.
    `rate="auto"` takes the best rate of a quadratic, 2/(L + λ) with the extreme curvatures, else the best of `learning_rates`.
    Without a rate, method "auto" chooses a method and says why: the closed form where the gradient is linear in the parameters;
    "least-squares" where the loss is a sum of squares; else "newton" up to 40 numbers to be found, "bfgs" up to 500, "l-bfgs"
    beyond. The other methods, and their `options`, are rows of `symgd.descent.methods.table`; "momentum", "nesterov", "adam",
    "adamw" and "rmsprop" take the steps of torch.optim. `schedule` changes the rate: "inverse", "exponential", "linear", "cosine".

    `steps` (default 100) counts updates, `epochs` passes over the data. `batch=k` takes k entries of the data dimension per
    update, in order, or shuffled by the seed `shuffle`; of data in blocks, across their borders, and the entries of each block are
    shuffled, the blocks are not. `tolerance` stops where the largest component of the gradient is at most
    tolerance·(1 + |loss|). What a declaration asks of a parameter, as `t > 0`, `p in (0, 1)` or `q[n] simplex`, is kept, by a
    smooth function of a free parameter or, with a rate, by projection; the message says how. `fixed` parameters stay.
    `checkpoint` is a file that is written `every` so many seconds and at the end, whole or not at all; with `resume=True` a run goes
    on from it bit for bit, and begins where there is none.
    `callback(step, loss, parameters)` is called after every update and stops the descent by returning True; so does an interrupt
    from the keyboard, and what was reached is returned. Plain descents with a rate, without batches and without a callback, are taken
    in C where there is a compiler and that is done sooner by estimate (see `symgd.descent.routes`): in one loop over the program, or
    on the statistics of the data where the loss is quadratic in the parameters. They differ from those by torch by rounding.

    Several processes, as torchrun starts them, share the data: `ranks="split"` (the usual) where all give the same data, of which
    each takes its part, `ranks="own"` where each gives rows of its own, `ranks="alone"` for descents that have nothing to do with one
    another. Losses are functions of sums over the rows. Of a batch every rank takes its part, so that it is the batch of one process;
    with "own" each gives rows in proportion to those it has, about k together. Rank 0 takes the steps, calls `callback` and writes the
    checkpoint; the result is the same on every rank, and that of one process within rounding.

    `progress=True` shows steps, loss, gradient and speed in a bar on standard error, where that is a terminal; descents that run in
    C as a whole show nothing.

    Raises ValueGivenError, ShapeError, FormulaError, DomainError or LoweringError for values or options that do not fit, RankError
    where a process fails or is lost; how the descent ends is no error but its outcome.

    >>> from symgd.formula import formula
    >>> r = descend(formula("(w - 2)^2"), start={"w": 0}, rate=0.25, steps=50)
    >>> r.outcome.value, round(r.parameters["w"], 6)
    ('converged', 2.0)
    """
    is_automatic = isinstance(rate, str) and rate == "auto"
    given, tolerance = None if is_automatic else positive("rate", rate), positive("tolerance", tolerance)
    steps, epochs, batch = count("steps", steps), count("epochs", epochs), count("batch", batch)
    check_combination(method, _TO_COME if is_automatic else given, steps, epochs, batch, shuffle, schedule)
    if is_automatic and method not in ("auto", "gradient"):
        raise ValueGivenError(f'rate="auto" is for gradient descent, not for {method!r}.', hint="Write rate=0.01.")
    options = method_options(method, options)
    seconds = positive("every", every) or 10.0
    if resume and checkpoint is None:
        raise ValueGivenError("there is nothing to resume from.", hint='Write checkpoint="run.safetensors".')
    team = team_of(ranks, device)
    is_plain = given is not None and batch is None and checkpoint is None and callback is None and team is None
    objective = prepared(f, start, data, device if team is None else device_of(device), dtype, fixed, missing, team, later=is_plain)
    total = epochs if epochs is not None else steps or _STEPS
    run = {"method": method, "rate": given, "schedule": schedule, "options": options, "tolerance": tolerance, "batch": batch}
    team = objective.team  # None where there are no rows to share: every rank then computes the same by itself
    if team is not None:  # before anything is counted: ranks that ask for different things would wait for one another
        same = asked_of(objective, **run, shuffle=shuffle)
        team.agree({**same, "rate": repr(rate), "epochs": repr(epochs), "steps": repr(total)})
    if batch is not None:
        passes = objective.in_batches(batch, shuffle)
        total = epochs * passes if epochs is not None else total
    asked = Asked(method, given, schedule, total, options, tolerance, batch is not None, callback, "", progress=bool(progress))
    constraints = constraints_of(objective.leaves)
    if constraints:
        objective.check_data()
    freed = Freed(objective, constraints) if constraints else None

    def here() -> Descent:
        now = asked
        if is_automatic:
            chosen, reason = rate_of(objective)
            now = replace(now, rate=chosen, reason=reason)
        if checkpoint is not None:
            of_steps = total if batch is not None or schedule != "constant" else None
            size = 1 if team is None else team.size
            same = asked_of(objective, **{**run, "rate": now.rate}, shuffle=shuffle, steps=of_steps, ranks=size)
            now = replace(now, checkpoint=Checkpoint(checkpoint, seconds, resume, same))
        found = walked(objective, now) if freed is None else kept(objective, freed, now)
        held = {name: objective.bound.tensors[name] for name in start if name not in objective.names}
        return found if not held else with_held(found, list(start), held)

    return descended_together(objective, list(start), here)
