"""What a method remembers from step to step, as plain data and tensors, and back: so that a checkpoint goes on bit for bit.

A method and its pieces are objects of this package; what they remember are their attributes that are numbers, texts, tensors, or
sequences of them. What they were made from (functions, programs) is made anew when a run is resumed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from torch import Tensor

from symgd.descent.methods.directions import Direction
from symgd.descent.methods.method import Method
from symgd.descent.methods.models import Modeller
from symgd.descent.methods.searches import Search
from symgd.descent.methods.updates import Optimiser

_PIECES = (Method, Direction, Search, Modeller)
_SKIP = object()

Keep = Callable[[Tensor], str]  # stores a tensor, and gives the name it has
Take = Callable[[str], Tensor]


def remembered(piece: Any, keep: Keep) -> dict[str, Any]:
    """What a piece remembers, as JSON, its tensors by name."""
    if isinstance(piece, Optimiser):
        return {"memory": _plain(piece.memory(), keep)}
    found = {name: _plain(value, keep) for name, value in vars(piece).items()}
    return {name: value for name, value in found.items() if value is not _SKIP}


def recall(piece: Any, memory: dict[str, Any], take: Take, point: list[Tensor]) -> None:
    """Give a piece, made anew, what it remembered."""
    if isinstance(piece, Optimiser):
        piece.remember(_value(memory["memory"], take), point)
        return
    for name, value in memory.items():
        now = getattr(piece, name, None)
        if isinstance(now, _PIECES):
            recall(now, value["piece"], take, point)
        elif isinstance(now, deque):
            now.clear()
            now.extend(_value(value, take))
        else:
            setattr(piece, name, _value(value, take))


def _plain(value: Any, keep: Keep) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        return {"tensor": keep(value)}
    if isinstance(value, _PIECES):
        return {"piece": remembered(value, keep)}
    if isinstance(value, list | tuple | deque):
        items = [_plain(item, keep) for item in value]
        return _SKIP if any(item is _SKIP for item in items) else {"tuple" if isinstance(value, tuple) else "list": items}
    if isinstance(value, dict):
        pairs = [[_plain(name, keep), _plain(item, keep)] for name, item in value.items()]
        return _SKIP if any(_SKIP in pair for pair in pairs) else {"pairs": pairs}
    return _SKIP


def _value(plain: Any, take: Take) -> Any:
    if not isinstance(plain, dict):
        return plain
    (kind, content), *_ = plain.items()
    if kind == "tensor":
        return take(content)
    if kind == "pairs":
        return {_value(name, take): _value(item, take) for name, item in content}
    items = [_value(item, take) for item in content]
    return tuple(items) if kind == "tuple" else items
