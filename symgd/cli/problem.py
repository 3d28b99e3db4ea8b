"""A descent in a file, `problem.toml`: the formula, its declarations, the data, the start and how to descend.

    formula = "mean((w*x + b - y)^2)"
    given = "x[n], y[n]"
    data = "hours.csv"            # beside the file
    steps = 500
    [start]
    w = 1.0
    b = 0.0

Every key is one row of `KEYS`; a key that is not there is an error.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from symgd.errors import LimitError, ValueGivenError

_BYTES = 10_000_000


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_array(value: Any) -> bool:
    return _is_number(value) or (isinstance(value, list) and all(map(_is_array, value)))


def _is_table(inside: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(inside, value.values()))


# Of every key: what fits, and how it is called.
_TEXT = (lambda value: isinstance(value, str), "a text")
_NUMBER = (_is_number, "a number")
_COUNT = (_is_count, "a whole number")
KEYS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "formula": _TEXT,
    "given": _TEXT,
    "data": (lambda value: isinstance(value, str) or _is_table(_is_array)(value), "the name of a file, or a table of arrays"),
    "start": (_is_table(_is_array), "a table of numbers or arrays"),
    "fixed": (lambda value: isinstance(value, list) and all(isinstance(name, str) for name in value), "a list of names"),
    "method": _TEXT,
    "rate": (lambda value: _is_number(value) or value == "auto", 'a number, or "auto"'),
    "schedule": _TEXT,
    "options": (_is_table(_is_number), "a table of numbers"),
    "steps": _COUNT,
    "epochs": _COUNT,
    "batch": _COUNT,
    "shuffle": _COUNT,
    "tolerance": _NUMBER,
    "missing": _TEXT,
    "checkpoint": _TEXT,
    "every": _NUMBER,
}
NEEDED = ("formula", "start")
_FILES = ("data", "checkpoint")  # names of files, which stand beside the problem


def read_problem(path: Path) -> dict[str, Any]:
    """The entries of the file by key, checked. Raises ValueGivenError with what to write instead."""
    try:
        with open(path, "rb") as file:
            content = file.read(_BYTES + 1)
    except OSError as error:
        raise ValueGivenError(f"cannot read {str(path)!r}: {(error.strerror or str(error)).lower()}.") from None
    if len(content) > _BYTES:
        raise LimitError(f"{str(path)!r} is longer than {_BYTES} bytes.", hint="Keep data in a file of their own.")
    try:
        found = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueGivenError(f"{str(path)!r} is no UTF-8 text.", hint="Save it as UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).rstrip(".")
        raise ValueGivenError(f"{path} is no TOML: {reason}.", hint='Write lines such as: formula = "(w - 2)^2"') from None
    for key, value in found.items():
        if key not in KEYS:
            near = get_close_matches(key, KEYS, 1)
            meant = f"Did you mean {near[0]}? " if near else ""
            raise ValueGivenError(f"{path}: unknown key {key[:40]!r}.", hint=f"{meant}The keys are {', '.join(KEYS)}.")
        fits, what = KEYS[key]
        if not fits(value):
            raise ValueGivenError(f"{path}: {key} is not {what}.", hint=f"Write {key} as {what}.")
    missing = [key for key in NEEDED if key not in found]
    if missing:
        hint = 'Write formula = "(w - 2)^2", and below it [start] and w = 0.0.'
        raise ValueGivenError(f"{path}: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing.", hint=hint)
    return {key: str(path.parent / value) if key in _FILES and isinstance(value, str) else value for key, value in found.items()}
