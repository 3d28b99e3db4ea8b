"""What a problem in notes may say: TOML, its keys a closed list, every value checked before anything is computed.

formula = "mean((w*x + b - y)^2)"     latex = true where it is LaTeX
given = "x[n], y[n]"
variables = ["w", "b"]                what to derive by (default: every parameter of the start, else every variable)
order = 2                             the Hessian too
point = {w = 1.0, …}                  where the gradient is computed and compared with autograd
direction = ["3/5", "4/5"]            the derivative along it; a number or text for each variable, or the name of a variable
claims = ["…"]                        equations written by hand, to be checked
start = {w = 0.0, b = 0.0}            a descent: with data (a table, or a .csv or .npz file beside the notes), rate, steps or epochs
figures = ["contours", "losses"]
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, Union

from symgd.calculus.steps.lines import DETAILS
from symgd.calculus.steps.recipes import FORMS
from symgd.errors import FormulaError, LimitError, ValueGivenError

FIGURES = ("contours", "surface", "curve", "slice", "directions", "rates", "losses")
LARGEST = 1 << 20  # bytes of a document
MOST_STEPS = 100_000  # updates of a descent in notes


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem, as the module says. `rates` are the learning rates that the figure "rates" sets side by side."""

    formula: Any
    given: str = ""
    latex: bool = False
    title: str = ""
    name: str = ""
    variables: tuple[str, ...] = ()
    order: int = 1
    detail: str = "normal"
    form: str = "vector"
    point: Mapping[str, Any] = field(default_factory=dict)
    direction: Union[tuple[Any, ...], str, None] = None
    normalize: bool = False
    claims: tuple[str, ...] = ()
    start: Mapping[str, Any] = field(default_factory=dict)
    data: Union[Mapping[str, Any], Path, None] = None
    rate: float | None = None
    rates: tuple[float, ...] = ()
    steps: int | None = None
    epochs: int | None = None
    figures: tuple[str, ...] = ()


def toml_of(text: str, where: str) -> dict[str, Any]:
    """The table that a TOML text is. Raises FormulaError with the place, LimitError where it is nested deeply."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
        place = re.search(r"\s*\(at line (\d+), column (\d+)\)$", reason)
        said = FormulaError(f"{where}: {reason[: place.start()] if place else reason.removesuffix(' (at end of document)')}.", hint=_TOML)
        if place is None:
            raise said from None
        starts = [0, *(found.end() for found in re.finditer("\n", text))]
        begin = starts[int(place[1]) - 1] + int(place[2]) - 1
        raise said.at(text, begin, begin + 1) from None
    except RecursionError:
        raise LimitError(f"{where}: brackets are nested too deeply.", hint="Values are numbers and lists of them.") from None
    except ValueError as error:  # a number with more digits than Python reads
        raise FormulaError(f"{where}: {str(error).split(';')[0].lower()}.", hint="Write numbers as 2, -0.5 or 1e-3.") from None


_TOML = "Write key = \"text\", key = 2 or key = [1, 2]; LaTeX between single quotes, as in formula = '\\frac12 x^2'."


def problem_of(table: Mapping[str, Any], where: str, folder: Path | None) -> Problem:
    """A problem of its table; `folder` is where files of data may stand, None where none may."""
    for key in table:
        if key not in KEYS:
            near = get_close_matches(key, KEYS, 1)
            _fail(where, f"unknown key {key[:40]!r}.", f"Did you mean {near[0]}?" if near else f"The keys are {', '.join(KEYS)}.")
    if "formula" not in table:
        _fail(where, "a problem needs a formula.", 'Write formula = "x^2 + sin(x)".')
    found = {key: KEYS[key](_Value(where, key, value, folder)) for key, value in table.items()}
    return Problem(**found)


def _fail(where: str, reason: str, hint: str = "") -> NoReturn:
    raise ValueGivenError(f"{where}: {reason}", hint=hint)


@dataclass(frozen=True, slots=True)
class _Value:
    where: str
    key: str
    value: Any
    folder: Path | None

    def fail(self, expected: str, hint: str = "") -> NoReturn:
        _fail(self.where, f"{self.key} is {_shown(self.value)}, not {expected}.", hint)


def _shown(value: Any) -> str:
    text = (
        repr(value) if isinstance(value, str | int | float | bool) else f"a {'table' if isinstance(value, dict) else type(value).__name__}"
    )
    return text if len(text) <= 40 else text[:38] + " …"


def _text(said: _Value) -> str:
    if not isinstance(said.value, str) or "\x00" in said.value:
        said.fail("a text")
    return str(said.value)


def _flag(said: _Value) -> bool:
    if not isinstance(said.value, bool):
        said.fail("true or false")
    return bool(said.value)


def _names(said: _Value) -> tuple[str, ...]:
    value = [said.value] if isinstance(said.value, str) else said.value
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        said.fail("a name or a list of names", f'Write {said.key} = ["w", "b"].')
    return tuple(dict.fromkeys(value))


def _texts(said: _Value) -> tuple[str, ...]:
    value = [said.value] if isinstance(said.value, str) else said.value
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        said.fail("a list of texts", f'Write {said.key} = ["…", "…"].')
    return tuple(value)


def _one_of(*known: Any) -> Callable[[_Value], Any]:
    def read(said: _Value) -> Any:
        if isinstance(said.value, bool) or said.value not in known:
            said.fail(f"one of {', '.join(map(str, known))}")
        return said.value

    return read


def _chosen_figures(said: _Value) -> tuple[str, ...]:
    for name in _names(said):
        if name not in FIGURES:
            near = get_close_matches(name, FIGURES, 1)
            hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(FIGURES)}."
            _fail(said.where, f"unknown figure {name[:40]!r}.", hint)
    return _names(said)


def is_number(value: Any) -> bool:
    """A finite number, or a list of numbers, or of such lists."""
    if isinstance(value, list):
        return bool(value) and all(map(is_number, value))
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 and math.isfinite(value)


def _values(said: _Value) -> dict[str, Any]:
    if not isinstance(said.value, dict) or not said.value:
        said.fail("a table of values", f"Write {said.key} = {{x = 2, y = [1, 0.6]}}.")
    for name, value in said.value.items():
        if not is_number(value):
            _fail(said.where, f"{said.key}: {name} is {_shown(value)}, not a finite number or a list of them.")
    return dict(said.value)


def _data(said: _Value) -> Union[dict[str, Any], Path]:
    """A table of values, or a file below the folder of the document: nothing elsewhere is read."""
    if not isinstance(said.value, str):
        return _values(said)
    if said.folder is None or "\x00" in said.value:
        said.fail("a table of values", "Only notes in a file may name a file of data.")
    folder = said.folder.resolve()
    path = (folder / said.value).resolve()
    if not path.is_relative_to(folder):
        _fail(said.where, f"the data {said.value[:60]!r} stand outside the folder of the notes.", "Put the file beside the notes.")
    return path


def _direction(said: _Value) -> Union[tuple[Any, ...], str]:
    value = said.value
    if isinstance(value, str) and value.isidentifier():
        return value
    if not isinstance(value, list) or not value or not all(isinstance(item, str) or is_number(item) for item in value):
        said.fail("a direction", 'Write direction = ["3/5", "4/5"], or the name of a variable.')
    return tuple(value)


def _rate(said: _Value) -> float:
    if isinstance(said.value, list) or not is_number(said.value) or said.value <= 0:
        said.fail("a positive number")
    return float(said.value)


def _rates(said: _Value) -> tuple[float, ...]:
    value = said.value
    if not isinstance(value, list) or not 1 <= len(value) <= 6 or any(isinstance(v, list) or not is_number(v) or v <= 0 for v in value):
        said.fail("a list of one to six positive numbers", "Write rates = [0.01, 0.1, 0.9, 1.1].")
    return tuple(map(float, value))


def _count(said: _Value) -> int:
    if isinstance(said.value, bool) or not isinstance(said.value, int) or not 1 <= said.value <= MOST_STEPS:
        said.fail(f"a whole number from 1 to {MOST_STEPS}")
    return int(said.value)


KEYS: dict[str, Callable[[_Value], Any]] = {
    "formula": _text,
    "given": _text,
    "latex": _flag,
    "title": _text,
    "name": _text,
    "variables": _names,
    "order": _one_of(1, 2),
    "detail": _one_of(*DETAILS),
    "form": _one_of(*FORMS),
    "point": _values,
    "direction": _direction,
    "normalize": _flag,
    "claims": _texts,
    "start": _values,
    "data": _data,
    "rate": _rate,
    "rates": _rates,
    "steps": _count,
    "epochs": _count,
    "figures": _chosen_figures,
}
