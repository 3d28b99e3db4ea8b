"""Data for a descent: arrays by name, a CSV file by the names in its first line, or a .npz file."""

from __future__ import annotations

import csv
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union

import numpy as np

from symgd.errors import ValueGivenError

DataLike = Union[Mapping[str, Any], str, Path, None]


def read_data(data: DataLike) -> tuple[dict[str, Any], str]:
    """The arrays by name, and where they come from ("" for a mapping). A file may hold columns that the formula does not use.

    Raises `ValueGivenError`, with line and column, for a file that cannot be read, is ragged, or holds something else than
    finite numbers.
    """
    if data is None:
        return {}, ""
    if isinstance(data, Mapping):
        return dict(data), ""
    if not isinstance(data, str | Path):
        hint = "Give a mapping from names to arrays, or the name of a .csv or .npz file."
        raise ValueGivenError(f"the data are of type {type(data).__name__}.", hint=hint)
    path = Path(data)
    readers = {".csv": _read_csv, ".npz": _read_npz}
    if path.suffix.lower() not in readers:
        raise ValueGivenError(f"cannot read {path.name}: its ending tells no kind of file.", hint="Give a .csv or a .npz file.")
    try:
        return readers[path.suffix.lower()](path), path.name
    except OSError as error:
        raise ValueGivenError(f"cannot read {path.name}: {error.strerror or error}.", hint="Check the name of the file.") from None
    except UnicodeDecodeError:
        raise ValueGivenError(f"cannot read {path.name}: it is no text in UTF-8.", hint="Save it as UTF-8.") from None


def _read_csv(path: Path) -> dict[str, list[float]]:
    """Columns by the names in the first line; every other line has a number for each of them. Lines count from 1."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        names = [name.strip() for name in next(rows, [])]
        if not names or any(not name or _number(name) is not None for name in names):
            hint = "Begin the file with a line such as: x,y"
            raise ValueGivenError(f"the first line of {path.name} does not name its columns.", hint=hint)
        twice = next((name for k, name in enumerate(names) if name in names[:k]), None)
        if twice is not None:
            raise ValueGivenError(f"{path.name} has two columns named {twice}.", hint="Name every column once.")
        columns: dict[str, list[float]] = {name: [] for name in names}
        try:
            for row in rows:
                if row:
                    _add_row(path, rows.line_num, row, columns)
        except csv.Error as error:
            raise ValueGivenError(f"{path.name}, line {rows.line_num}: {error}.", hint="Fields are separated by commas.") from None
    if not columns[names[0]]:
        raise ValueGivenError(f"{path.name} has no line of numbers.", hint="Put the data below the names.")
    return columns


def _add_row(path: Path, line: int, row: list[str], columns: dict[str, list[float]]) -> None:
    if len(row) != len(columns):
        raise ValueGivenError(f"{path.name}, line {line} has {len(row)} fields, not {len(columns)}.", hint="Every line has one for each column.")
    for (name, column), text in zip(columns.items(), row):
        number = _number(text)
        if number is None:
            shown = f"{text.strip()[:40]!r} is not a number" if text.strip() else "a number is missing"
            raise ValueGivenError(f"{path.name}, line {line}, column {name}: {shown}.", hint="Write numbers as 2, -0.5 or 1e-3.")
        if not math.isfinite(number):
            reason = f"{path.name}, line {line}, column {name}: {text.strip()} is not finite."
            raise ValueGivenError(reason, hint="Leave the line out, or fill the gap.")
        column.append(number)


def _number(text: str) -> float | None:
    try:
        return float(text) if "_" not in text else None
    except ValueError:
        return None


def _read_npz(path: Path) -> dict[str, Any]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise ValueGivenError(f"{path.name} holds one array without a name.", hint="Save arrays by name with numpy.savez.")
        with loaded:
            found = {name: loaded[name] for name in loaded.files}
    except (ValueError, EOFError, zipfile.BadZipFile):
        raise ValueGivenError(f"{path.name} is no .npz file of numbers.", hint="Save arrays by name with numpy.savez.") from None
    for name, array in found.items():
        if array.dtype.kind not in "biuf":
            raise ValueGivenError(f"{path.name}: the array {name} holds {array.dtype}, not numbers.", hint="Save arrays of numbers.")
    return found
