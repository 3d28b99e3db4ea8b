"""Columns of Parquet, Arrow and Feather files, by pyarrow; a Parquet file larger than memory comes in blocks of its row groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from symgd.errors import LoweringError, ValueGivenError

AT_ONCE = 1 << 30  # bytes of numbers beyond which a Parquet file is read in blocks
_BLOCK = 1 << 18  # rows of a block


def _pyarrow(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise LoweringError("Parquet, Arrow and Feather files need pyarrow, which is not installed.", hint="pip install pyarrow") from None


def read_parquet(path: Path, wanted: set[str], drop: bool) -> tuple[dict[str, Any], list[str]]:
    """The wanted columns, and the names of all."""
    with _opened(path) as file:
        names = list(file.schema_arrow.names)
        table = _reading(path, lambda: file.read(columns=_chosen(path, names, wanted)))
    return _columns(path, table, drop, 0), names


def read_arrow(path: Path, wanted: set[str], drop: bool) -> tuple[dict[str, Any], list[str]]:
    """The same of a file in the Arrow format, which Feather is too."""
    feather = _pyarrow("pyarrow.feather")
    table = _reading(path, lambda: feather.read_table(str(path)))
    names = list(table.column_names)
    return _columns(path, table.select(_chosen(path, names, wanted)), drop, 0), names


def is_large(path: Path, wanted: Iterable[str]) -> bool:
    """Is this a Parquet file whose wanted columns are more than is read at once?"""
    if path.suffix.lower() != ".parquet" or not path.is_file():
        return False
    with _opened(path) as file:
        return bool(file.metadata.num_rows * 8 * len(list(wanted)) > AT_ONCE)


def parquet_blocks(path: Path, wanted: Iterable[str], missing: str = "error") -> Callable[[], Iterator[dict[str, Any]]]:
    """A function that returns the columns in blocks, anew at every call: data for `descend` that are larger than memory."""
    columns = set(wanted)
    with _opened(path) as file:
        names = list(file.schema_arrow.names)
    absent = [name for name in wanted if name not in names]
    if absent:
        raise ValueGivenError(f"{path} has no column {absent[0]}.", hint=f"Its columns are {', '.join(names) or 'none'}.")

    def blocks() -> Iterator[dict[str, Any]]:
        first = 0
        with _opened(path) as file:
            for batch in file.iter_batches(batch_size=_BLOCK, columns=_chosen(path, names, columns)):
                found = _columns(path, batch, missing == "drop", first)
                first += batch.num_rows
                if any(len(column) for column in found.values()):
                    yield found

    return blocks


def _opened(path: Path) -> Any:
    parquet = _pyarrow("pyarrow.parquet")
    return _reading(path, lambda: parquet.ParquetFile(str(path)))


def _reading(path: Path, read: Callable[[], Any]) -> Any:
    """What is read; a file of another kind is the user's fault. pyarrow's errors are ValueErrors and OSErrors."""
    try:
        return read()
    except FileNotFoundError:
        raise
    except (ValueError, OSError) as error:
        reason = (str(error).splitlines() or ["it is cut off"])[0].rstrip(".")
        raise ValueGivenError(f"{str(path)!r} is no {path.suffix.lower()} file that can be read: {reason}.") from None


def _chosen(path: Path, names: list[str], wanted: set[str]) -> list[str]:
    twice = next((name for name in names if name in wanted and names.count(name) > 1), None)
    if twice is not None:
        raise ValueGivenError(f"{path}: two columns are named {twice!r}.", hint="Rename one of them.")
    return [name for name in names if name in wanted]


def _columns(path: Path, table: Any, drop: bool, first: int) -> dict[str, Any]:
    """Columns of a table as float64 arrays. `first` is the number of its first row in the file."""
    types, found = _pyarrow("pyarrow.types"), dict[str, Any]()
    for name in table.schema.names:
        column = table.column(name)
        if not (types.is_integer(column.type) or types.is_floating(column.type)):
            raise ValueGivenError(f"{path}: the column {name} holds {column.type}, not numbers.", hint="Convert it to numbers.")
        if column.null_count and not drop:
            row = first + column.is_null().to_pylist().index(True) + 1
            hint = 'Fill it in, or write missing="drop".'
            raise ValueGivenError(f"{path}, row {row}, column {name}: the entry is missing.", hint=hint)
        found[name] = column.to_numpy(zero_copy_only=False).astype(np.float64)  # what is missing becomes nan
    if drop and found:
        whole = ~np.any([np.isnan(column) for column in found.values()], axis=0)
        found = {name: column[whole] for name, column in found.items()}
    return found
