"""`descend`: walk down the gradient of a formula from a start."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from symgd.algebra.dimension import shape_text
from symgd.descent.batches import slices
from symgd.descent.data import read_data
from symgd.descent.loop import Callback, Plan, run
from symgd.descent.methods.table import TABLE, Setting
from symgd.descent.methods.table import chosen as automatic
from symgd.descent.objective import Objective
from symgd.descent.options import check_combination, check_names, count, method_options, positive
from symgd.descent.outcome import Descent
from symgd.errors import ShapeError, ValueGivenError
from symgd.formula import as_formula

_STEPS = 100


def descend(
    f: Any,
    start: Mapping[str, Any],
    data: Mapping[str, Any] | str | Path | None = None,
    rate: float | None = None,
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
    callback: Callback | None = None,
) -> Descent:
    """Minimise a scalar formula over the variables named in `start`, by its symbolic gradient.

    `data` gives the other variables: a mapping, or the path of a .csv or .npz file. With a `rate` every step is
    w ← w − rate·∂f/∂w, all gradients first, then all parameters together, and without a `tolerance` all steps are taken.
    Without a rate, "auto" chooses a method and says why: the closed form where the gradient is linear in the parameters;
    "least-squares" where the loss is a sum of squares; else "newton" up to 40 numbers to be found, "bfgs" up to 500, "l-bfgs"
    beyond. The other methods, and their `options`, are rows of `symgd.descent.methods.table`; "momentum", "nesterov", "adam",
    "adamw" and "rmsprop" take the steps of torch.optim. `schedule` changes the rate: "inverse", "exponential", "linear", "cosine".

    `steps` (default 100) counts updates, `epochs` passes over the data. `batch=k` takes k entries of the data dimension per
    update, in order, or shuffled by the seed `shuffle`. `tolerance` stops where the largest component of the gradient is at most
    tolerance·(1 + |loss|). `callback(step, loss, parameters)` is called after every update and stops the
    descent by returning True; so does an interrupt from the keyboard, and what was reached is returned.

    Raises ValueGivenError, ShapeError, FormulaError, DomainError or LoweringError for values or options that do not fit; how
    the descent ends is no error but its outcome.

    >>> from symgd.formula import formula
    >>> r = descend(formula("(w - 2)^2"), start={"w": 0}, rate=0.25, steps=50)
    >>> r.outcome.value, round(r.parameters["w"], 6)
    ('converged', 2.0)
    """
    f = as_formula(f)
    if f.shape:
        reason = f"descend takes a scalar formula, and this one is {shape_text(f.shape)}."
        raise ShapeError(reason, hint="Reduce it with sum, mean or norm2.")
    rate, tolerance = positive("rate", rate), positive("tolerance", tolerance)
    steps, epochs, batch = count("steps", steps), count("epochs", epochs), count("batch", batch)
    check_combination(method, rate, steps, epochs, batch, shuffle, schedule)
    options = method_options(method, options)
    if not isinstance(start, Mapping) or not start:
        raise ValueGivenError("a descent needs a start.", hint='Give every parameter a value, as in start={"w": 0.0}.')
    if isinstance(data, str | Path):
        data = read_data(data, [name for name in f.variables if name not in start])
    if data is not None and not isinstance(data, Mapping):
        hint = "Give a mapping from names to arrays, or the path of a .csv or .npz file."
        raise ValueGivenError(f"the data are of type {type(data).__name__}.", hint=hint)
    check_names(start, data or {}, f.known, f.variables)
    objective = Objective(f, start, data or {}, device, dtype)
    passes, chosen = 1, None
    if batch is not None:
        entries = objective.entries()
        if batch > entries:
            raise ValueGivenError(f"batch is {batch}, and the data has {entries} entries.", hint=f"Give a batch from 1 to {entries}.")
        passes, chosen = math.ceil(entries / batch), slices(entries, batch, shuffle)
    total = epochs * passes if epochs is not None else steps or _STEPS
    setting = Setting(objective, rate, schedule, total, options)
    way, why = automatic(setting) if method == "auto" else (TABLE[method].make(setting), "")
    return run(objective, Plan(way, total, tolerance, chosen, callback, why))
