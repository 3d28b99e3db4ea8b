"""A loss, a start and data, checked and made an objective: what every descent and every sweep begins with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from symgd.algebra.dimension import shape_text
from symgd.descent.columns import is_large, parquet_blocks
from symgd.descent.data import MISSING, is_frame, read_data, read_frame
from symgd.descent.objective import Objective
from symgd.descent.options import check_names
from symgd.descent.ranks import Team
from symgd.errors import ShapeError, ValueGivenError
from symgd.formula import Formula, as_formula


def prepared(
    f: Any,
    start: Any,
    data: Any,
    device: Any,
    dtype: Any,
    fixed: Any = (),
    missing: Any = "error",
    team: Team | None = None,
    later: bool = False,
) -> Objective:
    """The objective; with a team, over the data of all its ranks. With `later`, `check_data` is still to be called.

    Raises ShapeError for a formula that is no scalar, ValueGivenError and its kin for values that do not fit.
    """
    f = as_formula(f)
    if f.shape:
        reason = f"descend takes a scalar formula, and this one is {shape_text(f.shape)}."
        raise ShapeError(reason, hint="Reduce it with sum, mean or norm2.")
    if not isinstance(start, Mapping) or not start:
        raise ValueGivenError("a descent needs a start.", hint='Give every parameter a value, as in start={"w": 0.0}.')
    if missing not in MISSING:
        raise ValueGivenError(f"missing is {str(missing)[:40]!r}.", hint='Write missing="error", or missing="drop".')
    wanted = [name for name in f.variables if name not in start]
    if isinstance(data, str | Path):
        path = Path(data)
        data = parquet_blocks(path, wanted, missing) if is_large(path, wanted) else read_data(path, wanted, missing)
    if callable(data):
        return _in_blocks(f, start, data, device, dtype, fixed, team)
    if is_frame(data):
        data = read_frame(data, wanted, missing)
    if data is not None and not isinstance(data, Mapping):
        example = ", ".join(f'"{name}": …' for name in wanted)
        hint = f"Give arrays by name, data={{{example}}}, a frame with these columns, or the path of a file."
        raise ValueGivenError(f"the data are of type {type(data).__name__}.", hint=hint)
    check_names(start, data or {}, f.known, f.variables)
    held = _held(start, fixed)
    moving = {name: value for name, value in start.items() if name not in held}
    objective = Objective(f, moving, {**(data or {}), **held}, device, dtype, later)
    if team is not None and (objective.has_arrays or not team.splits):
        every = objective.rows(slice(None))
        part = objective.rows(team.part(objective.entries())) if team.splits else every
        objective.in_blocks(lambda: [part], team, lambda: [every])
    return objective


_BLOCKS = "Let it return, at every call, an iterable of mappings from names to arrays."


def checked_blocks(blocks: Any) -> Iterator[Mapping[str, Any]]:
    """What a function given as data returns. Raises ValueGivenError for what are no blocks."""
    found = blocks()
    if isinstance(found, Mapping | str) or not hasattr(found, "__iter__"):
        raise ValueGivenError(f"the function given as data returns something of type {type(found).__name__}, not blocks.", hint=_BLOCKS)
    for number, block in enumerate(found, 1):
        if not isinstance(block, Mapping):
            raise ValueGivenError(f"block {number} of the data is of type {type(block).__name__}, not a mapping.", hint=_BLOCKS)
        yield block


def _in_blocks(f: Formula, start: Mapping[str, Any], blocks: Any, device: Any, dtype: Any, fixed: Any, team: Team | None) -> Objective:
    """An objective over what a function returns at every call: mappings from names to arrays, one block after the other."""
    first = next(iter(checked_blocks(blocks)), None)
    if first is None:
        raise ValueGivenError("the function given as data returns no blocks.", hint=_BLOCKS)
    check_names(start, first, f.known, f.variables)
    held = _held(start, fixed)
    moving = {name: value for name, value in start.items() if name not in held}
    objective = Objective(f, moving, {**first, **held}, device, dtype)
    mine, step = (team.rank, team.size) if team is not None and team.splits else (0, 1)

    def every() -> Iterator[Mapping[str, Any]]:
        return ({**block, **held} for block in checked_blocks(blocks))

    objective.in_blocks(lambda: islice(every(), mine, None, step), team, every)
    return objective


def _held(start: Mapping[str, Any], fixed: Any) -> dict[str, Any]:
    """The parameters that keep the values of their start."""
    names = [fixed] if isinstance(fixed, str) else list(fixed)
    unknown = [name for name in names if name not in start]
    if unknown:
        raise ValueGivenError(f"fixed names {unknown[0]!r}, which has no start.", hint=f"The start has {', '.join(start)}.")
    if len(set(names)) == len(start):
        raise ValueGivenError("every parameter is fixed.", hint="Leave one out of fixed.")
    return {name: start[name] for name in names}
