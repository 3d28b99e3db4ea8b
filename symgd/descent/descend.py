"""`descend`: walk down the gradient of a formula from a start."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from symgd.algebra.dimension import shape_text
from symgd.descent.batches import slices
from symgd.descent.data import read_data
from symgd.descent.loop import Callback, Plan, run
from symgd.descent.methods import Bfgs, FixedRate, LineSearch, Method
from symgd.descent.native_loop import native_steps
from symgd.descent.newton import Newton
from symgd.descent.objective import Objective
from symgd.descent.outcome import Descent
from symgd.descent.quadratic_loop import quadratic_steps
from symgd.descent.recorded import Walk
from symgd.errors import ShapeError, ValueGivenError
from symgd.formula import as_formula
from symgd.lowering.values import nearest

METHODS = ("auto", "gradient", "bfgs", "newton")
_STEPS = 100
_FEW = 40  # parameters up to which "auto" derives the Hessian
_DENSE = 500  # parameters up to which "auto" keeps an inverse Hessian


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
    callback: Callback | None = None,
) -> Descent:
    """Minimise a scalar formula over the variables named in `start`, by its symbolic gradient.

    `data` gives the other variables: a mapping, or the path of a .csv or .npz file. With a `rate` every step is
    w ← w − rate·∂f/∂w, all gradients first, then all parameters together, and without a `tolerance` all steps are taken.
    Without a rate, method "gradient" searches one for every step, "bfgs" learns the curvature too, "newton" has it from the
    symbolic Hessian; "auto" is "newton" up to 40 numbers to be found, "bfgs" up to 500, then "gradient". `steps` (default
    100) counts updates, `epochs` passes over the data. `batch=k` takes k entries of the data dimension per update, in order,
    or shuffled by the seed `shuffle`. `tolerance` stops where the largest component of the gradient is at most
    tolerance·(1 + |loss|). `callback(step, loss, parameters)` is called after every update and stops the
    descent by returning True; so does an interrupt from the keyboard, and what was reached is returned. Long descents with a
    rate, without batches and without a callback, are taken in C where there is a compiler: on the statistics of the data where
    the loss is quadratic in the parameters, else in one loop over the program. They differ from those by torch by rounding.

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
    rate, tolerance = _positive("rate", rate), _positive("tolerance", tolerance)
    steps, epochs, batch = _count("steps", steps), _count("epochs", epochs), _count("batch", batch)
    _check_combination(method, rate, steps, epochs, batch, shuffle)
    if not isinstance(start, Mapping) or not start:
        raise ValueGivenError("a descent needs a start.", hint='Give every parameter a value, as in start={"w": 0.0}.')
    if isinstance(data, str | Path):
        data = read_data(data, [name for name in f.variables if name not in start])
    if data is not None and not isinstance(data, Mapping):
        hint = "Give a mapping from names to arrays, or the path of a .csv or .npz file."
        raise ValueGivenError(f"the data are of type {type(data).__name__}.", hint=hint)
    _check_names(start, data or {}, f.known, f.variables)
    objective = Objective(f, start, data or {}, device, dtype)
    passes, chosen = 1, None
    if batch is not None:
        entries = objective.entries()
        if batch > entries:
            raise ValueGivenError(f"batch is {batch}, and the data has {entries} entries.", hint=f"Give a batch from 1 to {entries}.")
        passes, chosen = math.ceil(entries / batch), slices(entries, batch, shuffle)
    total = epochs * passes if epochs is not None else steps or _STEPS
    plan = Plan(_method(method, rate, objective), total, tolerance, chosen, callback)
    if rate is not None and chosen is None and callback is None:
        steps_at_once = quadratic_steps(objective, total) or native_steps(objective, total)
        if steps_at_once is not None:
            return steps_at_once.taken(Walk(rate, total, tolerance, plan.method.described))
    return run(objective, plan)


def _method(method: str, rate: float | None, objective: Objective) -> Method:
    if rate is not None:
        return FixedRate(rate)
    entries = sum(tensor.numel() for tensor in objective.start)
    if method == "newton" or (method == "auto" and entries <= _FEW):
        return Newton(objective.hessian())
    return Bfgs() if method == "bfgs" or (method == "auto" and entries <= _DENSE) else LineSearch()


def _positive(name: str, value: Any) -> float | None:
    """A positive finite number, or None."""
    if value is None:
        return None
    is_number = isinstance(value, numbers.Real) or (hasattr(value, "item") and getattr(value, "ndim", 1) == 0)
    number = float(value) if is_number and not isinstance(value, bool) else math.nan
    if not 0 < number < math.inf:
        raise ValueGivenError(f"{name} is {_shown(value)}, not a positive number.", hint=f"Write {name}=0.01.")
    return number


def _count(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueGivenError(f"{name} is {_shown(value)}, not a whole number from 1.", hint=f"Write {name}=100.")
    return int(value)


def _check_combination(method: Any, rate: float | None, steps: int | None, epochs: int | None, batch: int | None, shuffle: Any) -> None:
    if shuffle is not None and (isinstance(shuffle, bool) or not isinstance(shuffle, int) or shuffle < 0):
        raise ValueGivenError(f"shuffle is {_shown(shuffle)}, not a seed.", hint="A seed is a whole number from 0, as in shuffle=1.")
    if method not in METHODS:
        raise ValueGivenError(f"unknown method {_shown(method)}.", hint=f"Methods are {', '.join(METHODS)}.")
    if method in ("bfgs", "newton") and rate is not None:
        raise ValueGivenError(f"method {method!r} finds its own rate.", hint='Leave the rate out, or write method="gradient".')
    if steps is not None and epochs is not None:
        raise ValueGivenError("steps and epochs are both given.", hint="steps counts updates, epochs passes over the data: give one.")
    if shuffle is not None and batch is None:
        raise ValueGivenError("shuffle without batch changes nothing.", hint="Give batch=k for updates on k entries of the data.")
    if batch is not None and rate is None:
        hint = "A line search needs one loss; on batches every update has another. Write rate=0.01."
        raise ValueGivenError("batches need a rate.", hint=hint)


def _shown(value: Any) -> str:
    return repr(value)[:40] if isinstance(value, str | int | float) else f"of type {type(value).__name__}"


def _check_names(start: Mapping[str, Any], data: Mapping[str, Any], known: Mapping[str, Any], variables: tuple[str, ...]) -> None:
    """Parameters are variables, no name has both a start and data, and every variable has one of them."""
    for name in start:
        if name not in known:
            raise ValueGivenError(f"a start is given for {name}, which is no variable of the formula.", hint=nearest(name, known))
        if name in data:
            reason = f"{name} is given in the start and in the data."
            raise ValueGivenError(reason, hint="Parameters have a start, everything else is data.")
    missing = [name for name in variables if name not in start and name not in data]
    if missing:
        reason = f"{', '.join(missing)} {'has' if len(missing) == 1 else 'have'} neither a start nor data."
        raise ValueGivenError(reason, hint="Give a start to make a variable a parameter, or data.")
