"""Data from files: columns of a .csv file by name, arrays of a .npz file by name."""

from __future__ import annotations

import csv
import math
import unicodedata
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from symgd.errors import ValueGivenError


def read_data(path: str | Path, wanted: Iterable[str]) -> dict[str, Any]:
    """The arrays of these names in a file: columns of a .csv file with a heading, or arrays of a .npz file.

    Names in the file that are not wanted are left out. Raises ValueGivenError, with the line and the column, where the file
    cannot be read, an entry is no finite number, or a name is not there.
    """
    path, wanted = Path(path), list(wanted)
    readers = {".csv": _read_csv, ".npz": _read_npz}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ValueGivenError(
            f"cannot tell what kind of data {str(path)!r} holds.", hint="Give a .csv file with a heading, or a .npz file."
        )
    try:
        found, names = reader(path, set(wanted))
    except OSError as error:
        raise ValueGivenError(f"cannot read {str(path)!r}: {(error.strerror or str(error)).lower()}.") from None
    missing = [name for name in wanted if name not in found]
    if missing:
        kind = "column" if path.suffix.lower() == ".csv" else "array"
        raise ValueGivenError(f"{path} has no {kind} {missing[0]}.", hint=f"Its {kind}s are {', '.join(names) or 'none'}.")
    return found


def _read_csv(path: Path, wanted: set[str]) -> tuple[dict[str, Any], list[str]]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            heading = [unicodedata.normalize("NFC", name.strip()) for name in next(rows, [])]
            _check_heading(path, heading)
            chosen = [(k, name, list[float]()) for k, name in enumerate(heading) if name in wanted]
            for row in rows:
                if not row:
                    continue
                if len(row) != len(heading):
                    reason = f"{path}, line {rows.line_num}: {len(row)} entries, and the heading has {len(heading)}."
                    raise ValueGivenError(reason, hint="Every line has one entry for each column.")
                for k, name, column in chosen:
                    column.append(_entry(path, rows.line_num, name, row[k]))
    except UnicodeDecodeError:
        raise ValueGivenError(f"{str(path)!r} is no UTF-8 text.", hint="Save it as UTF-8.") from None
    except csv.Error as error:
        raise ValueGivenError(f"{str(path)!r} is no comma-separated text: {error}.") from None
    return {name: column for _, name, column in chosen}, heading


def _check_heading(path: Path, heading: list[str]) -> None:
    if not heading or not all(heading) or any(_number(name) is not None for name in heading):
        reason = f"{path}, line 1: expected a heading, the names of the columns separated by commas."
        raise ValueGivenError(reason, hint="Begin the file with a line such as: x,y")
    twice = next((name for name in heading if heading.count(name) > 1), None)
    if twice is not None:
        raise ValueGivenError(f"{path}, line 1: two columns are named {twice!r}.", hint="Rename one of them.")


def _number(entry: str) -> float | None:
    try:
        return float(entry.strip().replace("_", "?"))
    except ValueError:
        return None


def _entry(path: Path, line: int, name: str, entry: str) -> float:
    found = _number(entry)
    if found is None or not math.isfinite(found):
        what = "is empty" if not entry.strip() else f"is {entry.strip()[:40]!r}, not a finite number"
        raise ValueGivenError(f"{path}, line {line}, column {name}: the entry {what}.", hint="Fill it in, or leave the line out.")
    return found


def _read_npz(path: Path, wanted: set[str]) -> tuple[dict[str, Any], list[str]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not hasattr(archive, "files"):
                raise ValueGivenError(f"{str(path)!r} holds one array without a name.", hint="Save arrays by name with numpy.savez.")
            found = {name: archive[name] for name in archive.files if name in wanted}
            names = list(archive.files)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueGivenError(f"{str(path)!r} is no .npz file of numbers: {(str(error) or 'it is empty').splitlines()[0]}.") from None
    for name, array in found.items():
        if array.dtype.kind not in "iuf":
            raise ValueGivenError(f"{path}: the array {name} holds {array.dtype}, not numbers.", hint="Save numbers.")
    return found, names
