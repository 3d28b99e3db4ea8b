"""Data by name: columns of a .csv, Parquet or Arrow file or of a frame, arrays of a .npz, .safetensors or .pt file."""

from __future__ import annotations

import csv
import math
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from symgd.descent.columns import read_arrow, read_parquet
from symgd.descent.tensors import read_tensors
from symgd.errors import ValueGivenError

MISSING = ("error", "drop")
_KINDS = "Give a .csv file with a heading, or a .npz, .safetensors, .parquet, .arrow, .feather or .pt file."


def read_data(path: str | Path, wanted: Iterable[str], missing: str = "error") -> dict[str, Any]:
    """The arrays of these names in a file: columns of a .csv file with a heading, or arrays of a .npz or .safetensors file.

    Names in the file that are not wanted are left out. `missing` says what becomes of lines of a .csv file with an entry that is
    empty or nan: "error", or "drop". Raises ValueGivenError, with the line and the column, where the file
    cannot be read, an entry is no finite number, or a name is not there.
    """
    path, wanted = Path(path), list(wanted)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueGivenError(f"cannot tell what kind of data {str(path)!r} holds.", hint=_KINDS)
    try:
        found, names = reader(path, set(wanted), missing == "drop")
    except OSError as error:
        raise ValueGivenError(f"cannot read {str(path)!r}: {(error.strerror or str(error)).lower()}.") from None
    absent = [name for name in wanted if name not in found]
    if absent:
        kind = "column" if path.suffix.lower() in (".csv", ".parquet", ".arrow", ".feather") else "array"
        hint = f"Its {kind}s are {', '.join(names) or 'none'}."
        if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
            hint = f"Its first line is {names[0]!r}: separate the columns by commas."
        raise ValueGivenError(f"{path} has no {kind} {absent[0]}.", hint=hint)
    return found


def _read_csv(path: Path, wanted: set[str], drop: bool) -> tuple[dict[str, Any], list[str]]:
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
                    have = f"{len(row)} {'entry' if len(row) == 1 else 'entries'}"
                    reason = f"{path}, line {rows.line_num}: {have}, and the heading has {len(heading)}."
                    raise ValueGivenError(reason, hint="Every line has one entry for each column.")
                if drop and any(_is_missing(row[k]) for k, _, _ in chosen):
                    continue
                for k, name, column in chosen:
                    column.append(_entry(path, rows.line_num, name, row[k]))
    except UnicodeDecodeError:
        raise ValueGivenError(f"{str(path)!r} is no UTF-8 text.", hint="Save it as UTF-8.") from None
    except csv.Error as error:
        raise ValueGivenError(f"{str(path)!r} is no comma-separated text: {error}.") from None
    if chosen and not chosen[0][2]:
        raise ValueGivenError(
            f"{path} has no line of data{' that is whole' if drop else ''}.", hint="Every line below the heading is one sample."
        )
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


def _is_missing(entry: str) -> bool:
    return entry.strip().lower() in ("", "nan", "na")


def _entry(path: Path, line: int, name: str, entry: str) -> float:
    found = _number(entry)
    if found is None or not math.isfinite(found):
        what = "is empty" if not entry.strip() else f"is {entry.strip()[:40]!r}, not a finite number"
        raise ValueGivenError(f"{path}, line {line}, column {name}: the entry {what}.", hint="Fill it in, or leave the line out.")
    return found


def _read_npz(path: Path, wanted: set[str], drop: bool) -> tuple[dict[str, Any], list[str]]:
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


def _read_safetensors(path: Path, wanted: set[str], drop: bool) -> tuple[dict[str, Any], list[str]]:
    found, _ = read_tensors(path)
    return {name: tensor for name, tensor in found.items() if name in wanted}, list(found)


def _read_pt(path: Path, wanted: set[str], drop: bool) -> tuple[dict[str, Any], list[str]]:
    """A mapping of tensors by name, read by torch's loader of weights only, which runs nothing."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # torch raises its own unpickler's errors, and RuntimeError, EOFError and others for broken files
        reason = f"{str(path)!r} holds more than tensors, or is broken ({type(error).__name__}): it is not loaded."
        raise ValueGivenError(reason, hint="Save a mapping from names to tensors, or a .safetensors file.") from None
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        raise ValueGivenError(f"{str(path)!r} holds no mapping from names to tensors.", hint='Write torch.save({"x": x}, path).')
    for name in found:
        if name in wanted and not isinstance(found[name], torch.Tensor):
            raise ValueGivenError(f"{path}: {name} is no tensor.", hint='Write torch.save({"x": x}, path).')
    return {name: tensor for name, tensor in found.items() if name in wanted}, list(found)


_READERS: dict[str, Callable[[Path, set[str], bool], tuple[dict[str, Any], list[str]]]] = {
    ".csv": _read_csv,
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
    ".parquet": read_parquet,
    ".arrow": read_arrow,
    ".feather": read_arrow,
    ".pt": _read_pt,
}


def is_frame(data: Any) -> bool:
    """Has it columns by name, as frames of pandas and polars have?"""
    return hasattr(data, "columns") and hasattr(data, "__getitem__") and not isinstance(data, Mapping)


def _no_number(name: str, column: Any) -> str:
    """Which entry of a column is no number."""
    for row, entry in enumerate(column, 1):
        try:
            float(entry)
        except (TypeError, ValueError):
            what = repr(str(entry))[:40] if isinstance(entry, str) else str(entry) if entry is None else f"of type {type(entry).__name__}"
            return f"row {row}, column {name}: the entry is {what}, not a number."
    return f"the column {name} holds {column.dtype}, not numbers."


def read_frame(frame: Any, wanted: Iterable[str], missing: str = "error") -> dict[str, Any]:
    """The columns of these names as float64 arrays; rows with nan are dropped where `missing` is "drop".

    Raises ValueGivenError for a column that is not there, or holds no numbers.
    """
    names, found = [str(name) for name in frame.columns], dict[str, Any]()
    for name in wanted:
        if name not in names:
            raise ValueGivenError(f"the frame has no column {name}.", hint=f"Its columns are {', '.join(names) or 'none'}.")
        try:
            found[name] = np.asarray(frame[name].to_numpy(), dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueGivenError(_no_number(name, frame[name].to_numpy()), hint="Convert the column to numbers.") from None
    if missing == "drop" and found:
        whole = np.all([np.isfinite(column) | np.isinf(column) for column in found.values()], axis=0)
        found = {name: column[whole] for name, column in found.items()}
    return found
