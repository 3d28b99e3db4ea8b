"""What `descend` is asked for, checked before anything is computed: every refusal says what to write instead."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from symgd.descent.methods.table import METHODS, TABLE
from symgd.descent.methods.updates import SCHEDULES
from symgd.errors import ValueGivenError
from symgd.lowering.values import nearest


def method_options(method: str, options: Any) -> dict[str, float]:
    """The options of a method, checked, the usual values where none are given."""
    usual = TABLE["gradient" if method == "auto" else method].options
    found = dict(usual)
    if options is not None and not isinstance(options, Mapping):
        raise ValueGivenError(f"options are {_shown(options)}, not names with numbers.", hint='Write options={"momentum": 0.9}.')
    for name, value in (options or {}).items():
        if name not in usual:
            has = f"It has {', '.join(usual)}." if usual else "It has none."
            raise ValueGivenError(f"method {method!r} has no option {_shown(name)}.", hint=has)
        number = float(value) if isinstance(value, numbers.Real) and not isinstance(value, bool) else math.nan
        if not 0 <= number < math.inf:
            raise ValueGivenError(f"option {name} is {_shown(value)}, not a number from 0.", hint=f"It is usually {usual[name]:g}.")
        found[name] = number
    return found


def positive(name: str, value: Any) -> float | None:
    """A positive finite number, or None."""
    if value is None:
        return None
    is_number = isinstance(value, numbers.Real) or (hasattr(value, "item") and getattr(value, "ndim", 1) == 0)
    number = float(value) if is_number and not isinstance(value, bool) else math.nan
    if not 0 < number < math.inf:
        raise ValueGivenError(f"{name} is {_shown(value)}, not a positive number.", hint=f"Write {name}=0.01.")
    return number


def count(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueGivenError(f"{name} is {_shown(value)}, not a whole number from 1.", hint=f"Write {name}=100.")
    return int(value)


def check_combination(
    method: Any, rate: float | None, steps: int | None, epochs: int | None, batch: int | None, shuffle: Any, schedule: Any
) -> None:
    """Do these options go together?"""
    if shuffle is not None and (isinstance(shuffle, bool) or not isinstance(shuffle, int) or shuffle < 0):
        raise ValueGivenError(f"shuffle is {_shown(shuffle)}, not a seed.", hint="A seed is a whole number from 0, as in shuffle=1.")
    if method not in METHODS:
        near = get_close_matches(str(method), METHODS, 1)
        meant = f"Did you mean {near[0]!r}? " if near else ""
        raise ValueGivenError(f"unknown method {_shown(method)}.", hint=f"{meant}Methods are {', '.join(METHODS)}.")
    if schedule not in SCHEDULES:
        raise ValueGivenError(f"unknown schedule {_shown(schedule)}.", hint=f"Schedules are {', '.join(SCHEDULES)}.")
    if rate is not None and method != "auto" and TABLE[method].rate == "none":
        raise ValueGivenError(f"method {method!r} finds its own rate.", hint='Leave the rate out, or write method="gradient".')
    if rate is None and method != "auto" and TABLE[method].rate == "needed":
        raise ValueGivenError(f"method {method!r} needs a rate.", hint="Write rate=0.01.")
    if schedule != "constant" and rate is None:
        raise ValueGivenError("a schedule needs a rate to change.", hint="Write rate=0.01, or leave the schedule out.")
    if steps is not None and epochs is not None:
        raise ValueGivenError("steps and epochs are both given.", hint="steps counts updates, epochs passes over the data: give one.")
    if shuffle is not None and batch is None:
        raise ValueGivenError("shuffle without batch changes nothing.", hint="Give batch=k for updates on k entries of the data.")
    if batch is not None and rate is None:
        hint = "A line search needs one loss; on batches every update has another. Write rate=0.01."
        raise ValueGivenError("batches need a rate.", hint=hint)


def _shown(value: Any) -> str:
    return repr(value)[:40] if isinstance(value, str | int | float) else f"of type {type(value).__name__}"


def check_names(start: Mapping[str, Any], data: Mapping[str, Any], known: Mapping[str, Any], variables: tuple[str, ...]) -> None:
    """Parameters are variables, no name has both a start and data, and every variable has one of them."""
    absent = [str(name) for name in start if name not in known]
    if absent:
        listed, are = ", ".join(absent), "is no variable" if len(absent) == 1 else "are no variables"
        hint = f"{nearest(absent[0], known)} Else leave {listed} out of the start."
        raise ValueGivenError(f"a start is given for {listed}, which {are} of the formula.", hint=hint)
    for name in start:
        if name in data:
            reason = f"{name} is given in the start and in the data."
            raise ValueGivenError(reason, hint="Parameters have a start, everything else is data.")
    missing = [name for name in variables if name not in start and name not in data]
    if missing:
        reason = f"{', '.join(missing)} {'has' if len(missing) == 1 else 'have'} neither a start nor data."
        raise ValueGivenError(reason, hint="Give a start to make a variable a parameter, or data.")
