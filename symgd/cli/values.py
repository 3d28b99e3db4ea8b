"""Values on the command line, `x=2, y=[1, 3/5]`, and files of data: read character by character, nothing is ever run."""

from __future__ import annotations

import csv
import math
import re
import unicodedata
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, Union

from symgd.errors import ValueGivenError

Value = Union[float, list["Value"]]

_TOKEN = re.compile(r"\s*(?:(?P<name>[^\s,=\[\]]+)|(?P<sign>[,=\[\]])|$)")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?", re.ASCII)
_NESTING = 8  # axes of an array
_DIGITS = 400


def number(text: str) -> float:
    """A decimal number or a fraction such as 3/5, as the nearest float. Raises ValueGivenError where it is neither, or too large."""
    shown = text.strip()
    parts = [part.strip() for part in shown.replace("−", "-").split("/")]
    if len(parts) > 2 or len(shown) > _DIGITS or not all(_NUMBER.fullmatch(part) for part in parts):
        raise ValueGivenError(f"{shown[:40]!r} is not a number.", hint="Write numbers as 2, -0.5, 1e-3 or 3/5.")
    if len(parts) == 2 and Fraction(parts[1]) == 0:
        raise ValueGivenError(f"{shown!r} divides by zero.")
    try:
        found = float(Fraction(parts[0]) / Fraction(parts[1])) if len(parts) == 2 else float(parts[0])
    except OverflowError:
        found = math.inf
    if math.isinf(found):
        raise ValueGivenError(f"{shown!r} is too large for a float64 number.")
    return found


def assignments(text: str) -> dict[str, Value]:
    """Names with their values: `x=2, y=[1, 3/5], A=[[1, 0], [0, 1]]`. Raises ValueGivenError with the place in the text.

    >>> assignments("x=2, y=[1, 3/5]")
    {'x': 2.0, 'y': [1.0, 0.6]}
    """
    return _Reader(text).assignments()


class _Reader:
    """A position in the text of assignments."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def assignments(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while True:
            name, start = self.take()
            if name in ("", *",=[]"):
                raise self.fault("expected a name", start, name)
            name = unicodedata.normalize("NFC", name)
            if name in found:
                raise ValueGivenError(f"{name} is given twice.").at(self.text, start, self.position)
            self.expect("=")
            found[name] = self.value(0)
            sign, start = self.take()
            if not sign:
                return found
            if sign != ",":
                raise self.fault("expected ',' or the end", start, sign)

    def value(self, depth: int) -> Value:
        found, start = self.take()
        if found != "[":
            if found in ("", *",=]"):
                raise self.fault("expected a number or '['", start, found)
            return self.number(found, start)
        if depth == _NESTING:
            raise ValueGivenError(f"more than {_NESTING} brackets inside one another.").at(self.text, start, start + 1)
        items = [self.value(depth + 1)]
        while True:
            sign, start = self.take()
            if sign == "]":
                return items
            if sign != ",":
                raise self.fault("expected ',' or ']'", start, sign)
            items.append(self.value(depth + 1))

    def number(self, found: str, start: int) -> float:
        """The number that begins with `found`; a fraction may have spaces around its bar."""
        end = re.compile(r"[^,=\[\]]*").match(self.text, start)
        self.position = end.end() if end else self.position
        written = self.text[start : self.position].rstrip()
        try:
            return number(written)
        except ValueGivenError as error:
            raise error.at(self.text, start, start + len(written)) from None

    def take(self) -> tuple[str, int]:
        """The next word or sign and where it starts; "" at the end."""
        found = _TOKEN.match(self.text, self.position)
        if found is None or found.lastgroup is None:
            self.position = len(self.text)
            return "", self.position
        self.position = found.end()
        return found[found.lastgroup], found.start(found.lastgroup)

    def expect(self, sign: str) -> None:
        found, start = self.take()
        if found != sign:
            raise self.fault(f"expected '{sign}'", start, found)

    def fault(self, expected: str, start: int, found: str) -> ValueGivenError:
        shown = f"found '{found[:40]}'" if found else "the text ends"
        error = ValueGivenError(f"{expected}, but {shown}.", hint="Write values as x=2, y=[1, 3/5], A=[[1, 0], [0, 1]].")
        return error.at(self.text, start, start + len(found))


def read_data(path: str, wanted: Iterable[str]) -> dict[str, Any]:
    """The arrays of these names in a file: columns of a .csv file with a heading, or arrays of a .npz file.

    Names in the file that are not wanted are left out. Raises ValueGivenError, with the line, where the file cannot be read.
    """
    readers = {".csv": _read_csv, ".npz": _read_npz}
    reader = readers.get(Path(path).suffix.lower())
    if reader is None:
        raise ValueGivenError(f"cannot tell what kind of data {path!r} holds.", hint="Give a .csv file with a heading, or a .npz file.")
    try:
        found = reader(path, set(wanted))
    except OSError as error:
        raise ValueGivenError(f"cannot read {path!r}: {(error.strerror or str(error)).lower()}.") from None
    return found


def _read_csv(path: str, wanted: set[str]) -> dict[str, Any]:
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
                    raise ValueGivenError(f"{path}, line {rows.line_num}: {len(row)} entries, and the heading has {len(heading)}.")
                for k, name, column in chosen:
                    column.append(_entry(path, rows.line_num, name, row[k]))
    except UnicodeDecodeError:
        raise ValueGivenError(f"{path!r} is no UTF-8 text.", hint="Save it as UTF-8.") from None
    except csv.Error as error:
        raise ValueGivenError(f"{path!r} is no comma-separated text: {error}.") from None
    return {name: column for _, name, column in chosen}


def _check_heading(path: str, heading: list[str]) -> None:
    if not heading or not all(heading) or any(_NUMBER.fullmatch(name) for name in heading):
        reason = f"{path}, line 1: expected a heading, the names of the columns separated by commas."
        raise ValueGivenError(reason, hint="Begin the file with a line such as: x,y")
    twice = next((name for name in heading if heading.count(name) > 1), None)
    if twice is not None:
        raise ValueGivenError(f"{path}, line 1: two columns are named {twice!r}.")


def _entry(path: str, line: int, name: str, entry: str) -> float:
    try:
        return number(entry)
    except ValueGivenError as error:
        raise ValueGivenError(f"{path}, line {line}, column {name}: {error.reason}", hint=error.hint) from None


def _read_npz(path: str, wanted: set[str]) -> dict[str, Any]:
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as archive:
            if not hasattr(archive, "files"):
                raise ValueGivenError(f"{path!r} holds one array without a name.", hint="Save arrays by name with numpy.savez.")
            found = {name: archive[name] for name in archive.files if name in wanted}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueGivenError(f"{path!r} is no .npz file of numbers: {(str(error) or 'it is empty').splitlines()[0]}.") from None
    for name, array in found.items():
        if array.dtype.kind not in "iuf":
            raise ValueGivenError(f"{path}: the array {name} holds {array.dtype}, not numbers.")
    return found
