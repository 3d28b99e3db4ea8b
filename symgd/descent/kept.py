"""What a descent keeps of every step, as it lies in memory: read like lists, without a Python object for each of millions of numbers.

`Floats` are the entries of an array as floats, `Arrays` its rows as tensors. Both have the length, the indices, the slices (lists),
the equality, the printed form of the list they stand for; they cannot be changed.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, SupportsIndex, TypeVar, final, overload

import numpy as np
from torch import Tensor

_Item = TypeVar("_Item")


class Kept(Sequence[_Item]):
    """Numbers kept, as a sequence."""

    __slots__ = ("buffer",)
    __hash__ = None  # type: ignore[assignment]  # as lists have none

    def __init__(self, buffer: Any) -> None:
        self.buffer = buffer

    @abstractmethod
    def _item(self, row: Any) -> _Item: ...

    @abstractmethod
    def _list(self, rows: Any) -> list[_Item]: ...

    def __len__(self) -> int:
        return len(self.buffer)

    @overload
    def __getitem__(self, index: SupportsIndex) -> _Item: ...

    @overload
    def __getitem__(self, index: slice) -> list[_Item]: ...

    def __getitem__(self, index: Any) -> _Item | list[_Item]:
        if isinstance(index, slice):
            return self._list(self.buffer)[index]
        place = range(len(self.buffer))[index]  # raises what lists raise
        return self._item(self.buffer[place])

    def __iter__(self) -> Iterator[_Item]:
        return iter(self._list(self.buffer))

    def copy(self) -> list[_Item]:
        """As a list."""
        return self._list(self.buffer)

    def __eq__(self, other: object) -> bool:
        return self.copy() == list(other) if isinstance(other, list | Kept) else NotImplemented

    def __add__(self, other: list[_Item]) -> list[_Item]:
        return [*self, *other] if isinstance(other, list | Kept) else NotImplemented

    def __radd__(self, other: list[_Item]) -> list[_Item]:
        return [*other, *self] if isinstance(other, list) else NotImplemented

    def __repr__(self) -> str:
        return repr(self.copy())

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.buffer,)


@final
class Floats(Kept[float]):
    """The entries of an array of one axis."""

    __slots__ = ()
    buffer: np.ndarray[Any, Any]

    def _item(self, row: Any) -> float:
        return float(row)

    def _list(self, rows: Any) -> list[float]:
        found: list[float] = rows.tolist()
        return found

    def tolist(self) -> list[float]:
        """As a list."""
        return self.copy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.buffer, dtype=dtype)


@final
class Arrays(Kept[Tensor]):
    """The rows of a tensor."""

    __slots__ = ()
    buffer: Tensor

    def _item(self, row: Any) -> Tensor:
        found: Tensor = row
        return found

    def _list(self, rows: Any) -> list[Tensor]:
        return list(rows.unbind())
