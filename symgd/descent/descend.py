"""`descend`: walk down the gradient of a formula from a start."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

from symgd.errors import FormulaError, ShapeError, ValueGivenError
from symgd.algebra.dimension import shape_text
from symgd.descent.data import DataLike, read_data
from symgd.descent.loop import Callback, Plan, run
from symgd.descent.methods import Bfgs, FixedRate, LineSearch, Method
from symgd.descent.objective import Objective, batches
from symgd.descent.outcome import Descent
from symgd.formula import Formula, as_formula
from symgd.lowering.values import nearest

METHODS = ("auto", "gradient", "bfgs")
_STEPS = 100
_DENSE = 500  # parameters up to which "auto" keeps an inverse Hessian


def descend(
    f: Any,
    start: Mapping[str, Any],
    data: DataLike = None,
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
    """Minimise a scalar formula from `start`, by its symbolic gradient.

    `start` maps the parameters to their first values, `data` the other variables to theirs (or names a .csv or .npz file).
    With a `rate` every step is w ← w − rate·∂f/∂w, all parameters at once, and without a `tolerance` all `steps` (100) are
    taken. Without a rate method "gradient" finds one for every step by a line search, "bfgs" learns the curvature too, and
    "auto" takes "bfgs" for up to 500 parameters. The formula speaks of whole data arrays; `batch=k` takes k entries of the data
    dimension per update, in order or shuffled by the seed `shuffle`; `epochs` counts passes over the data instead of steps.
    `tolerance` is the largest entry of the gradient that counts as zero; `dtype` is float64 unless another is given.

    Raises `ValueGivenError` or `ShapeError` for options and values that do not fit; reaching the last step, diverging or
    leaving the domain are outcomes, not errors.

    >>> from symgd.formula import formula
    >>> r = descend(formula("(w - 2)^2"), start={"w": 0.0}, rate=0.1, steps=200)
    >>> round(r.parameters["w"], 12), str(r.outcome), r.steps
    (2.0, 'max_steps', 200)
    """
    f = as_formula(f)
    if f.shape:
        raise ShapeError(f"descend takes a scalar formula, and this one is {shape_text(f.shape)}.", hint="Reduce it with sum, mean or norm2.")
    rate, tolerance = _positive("rate", rate), _positive("tolerance", tolerance)
    steps, epochs, batch = _count("steps", steps), _count("epochs", epochs), _count("batch", batch)
    _check_combination(method, rate, steps, epochs, batch, shuffle)
    arrays, origin = read_data(data)
    _check_names(f, start, arrays, origin)
    if origin:
        arrays = {name: array for name, array in arrays.items() if name in f.variables and name not in start}
    objective = Objective(f, start, arrays, device, dtype)
    per_epoch = 1 if batch is None else math.ceil(objective.length() / batch)
    chosen = None if batch is None else batches(objective.length(), batch, shuffle)
    total = _STEPS if steps is None else steps
    plan = Plan(_method(method, rate, objective), total if epochs is None else epochs * per_epoch, tolerance, chosen, callback)
    return run(objective, plan)


def _method(method: str, rate: float | None, objective: Objective) -> Method:
    if rate is not None:
        return FixedRate(rate)
    entries = sum(tensor.numel() for tensor in objective.start)
    return Bfgs() if method == "bfgs" or (method == "auto" and entries <= _DENSE) else LineSearch()


# ---- options ---------------------------------------------------------------------------------------------------------


def _positive(name: str, value: Any) -> float | None:
    """A positive finite number, or None."""
    if value is None:
        return None
    is_number = isinstance(value, numbers.Real) or (hasattr(value, "item") and getattr(value, "ndim", 1) == 0)
    if isinstance(value, bool) or not is_number:
        raise ValueGivenError(f"{name} is {_shown(value)}, not a number.", hint=f"Write {name}=0.01.")
    number = float(value)
    if not (number > 0 and math.isfinite(number)):
        raise ValueGivenError(f"{name} is {number:g}, not a positive number.", hint=f"Write {name}=0.01.")
    return number


def _count(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise ValueGivenError(f"{name} is {_shown(value)}, not a whole number.", hint=f"Write {name}=100.")
    if value < 1:
        raise ValueGivenError(f"{name} is {int(value)}; it has to be at least 1.", hint=f"Write {name}=100.")
    return int(value)


def _check_combination(method: Any, rate: float | None, steps: int | None, epochs: int | None, batch: int | None, shuffle: Any) -> None:
    if method not in METHODS:
        raise ValueGivenError(f"unknown method {_shown(method)}.", hint=f"Methods are {', '.join(METHODS)}.")
    if method == "bfgs" and rate is not None:
        raise ValueGivenError("method 'bfgs' finds its own rate.", hint='Leave rate out, or write method="gradient".')
    if steps is not None and epochs is not None:
        raise ValueGivenError("steps and epochs are both given.", hint="steps counts updates, epochs passes over the data: give one of them.")
    if batch is not None and rate is None:
        raise ValueGivenError("batch needs a rate.", hint="A line search needs all data; write rate=0.01 beside batch.")
    if shuffle is not None:
        if batch is None:
            raise ValueGivenError("shuffle needs a batch.", hint="Write batch=32 beside shuffle.")
        if isinstance(shuffle, bool) or not isinstance(shuffle, int) or shuffle < 0:
            raise ValueGivenError(f"shuffle is {_shown(shuffle)}, not a seed.", hint="Write shuffle=0, or another whole number.")


def _shown(value: Any) -> str:
    return repr(value)[:40] if isinstance(value, str | int | float | bool) else f"of type {type(value).__name__}"


def _check_names(f: Formula, start: Any, data: Mapping[str, Any], origin: str) -> None:
    """Every variable has a start or data, none has both, nothing else is given."""
    if not isinstance(start, Mapping) or not start:
        raise ValueGivenError("descend needs a start for at least one variable.", hint=f"Write start={{{next(iter(f.variables), 'x')!r}: 0.0}}.")
    for name in start:
        if name not in f.variables:
            raise FormulaError(f"{name!r} is given a start and is no variable of the formula.", hint=nearest(name, f.variables))
        if name in data and not origin:
            raise ValueGivenError(f"{name} is given a start and data.", hint="Parameters have a start, all other variables data.")
    for name in data:
        if not origin and name not in f.variables and name not in f.declared and not _is_dimension(f, name):
            raise ValueGivenError(f"data are given for {name}, which is no variable of the formula.", hint=nearest(name, f.variables))
    missing = [name for name in f.variables if name not in start and name not in data]
    if missing:
        where = f"{origin} has the columns {', '.join(data)}" if origin else "Give it in data, or a start to make it a parameter"
        raise ValueGivenError(f"{', '.join(missing)} has neither a start nor data.", hint=f"{where}.")


def _is_dimension(f: Formula, name: str) -> bool:
    return any(name in length.names for leaf in {**f.declared, **f.leaves}.values() for length in leaf.shape)
