"""The values given for a call, checked: every name, number and shape, before anything is computed.

Shapes bind dimension names: `A[m,n]` given as (3, 2) says m = 3, n = 2, and every other array has to agree. In a formula of
scalars only, scalars may be arrays of one shape: a batch, evaluated entry by entry.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor

from symgd.algebra.dimension import Dimension, negative_range, shape_text
from symgd.algebra.expression import Leaf
from symgd.errors import ShapeError, ValueGivenError
from symgd.lowering.convert import as_tensor, not_finite, place
from symgd.lowering.kinds import check_kind
from symgd.lowering.program import Requirement


@dataclass(frozen=True, slots=True)
class Bound:
    """Values that fit: one tensor per variable, the dimensions, and the shape of the batch (() without one)."""

    tensors: dict[str, Tensor]
    sizes: dict[str, int]
    batch: tuple[int, ...]


class Values:
    """Checks values for variables. `leaves` may be given, `required` of them must be; `sizes` are dimensions that must be known."""

    def __init__(
        self,
        leaves: Mapping[str, Leaf],
        required: Iterable[str],
        sizes: Iterable[str] = (),
        requirements: Sequence[Requirement] = (),
        dtype: torch.dtype = torch.float64,
        device: torch.device | None = None,
    ) -> None:
        self.leaves, self.required, self.sizes = dict(leaves), tuple(required), tuple(sizes)
        self.requirements, self.dtype, self.device = tuple(requirements), dtype, device or torch.device("cpu")
        self.dimensions = {name for leaf in self.leaves.values() for length in leaf.shape for name in length.names} | set(self.sizes)
        self.takes_batches = not any(self.leaves[name].shape for name in self.required) and not self.sizes
        self._seen: dict[str, tuple[weakref.ref[Tensor], int]] = {}
        self._last: tuple[list[tuple[str, weakref.ref[Tensor], int, torch.Size]], list[Any], Any] | None = None

    def bind(self, values: Mapping[str, Any], later: Collection[str] = ()) -> Bound:
        """The values as tensors. Raises `ValueGivenError`, `ShapeError` or `DomainError` with what does not fit.

        Of the variables to be checked `later`, whether all entries are finite is left to `check_finite`.
        """
        self.check_names(values)
        tensors = {name: self._tensor(name, value, name in later) for name, value in values.items() if name in self.leaves}
        batch = self._batch(tensors)
        sizes = self._sizes(tensors, {name: value for name, value in values.items() if name not in self.leaves})
        return Bound(tensors, sizes, batch)

    def check_names(self, values: Mapping[str, Any]) -> None:
        """Raise `ValueGivenError` for a name that is unknown, or missing."""
        for name in values:
            if name not in self.leaves and name not in self.dimensions:
                self._unknown(name)
        missing = [name for name in self.required if name not in values]
        if missing:
            raise ValueGivenError(f"no value is given for {', '.join(missing)}.", hint=f"Values are needed for {', '.join(self.required)}.")

    # ---- the same tensors again ----------------------------------------------------------------------------------------

    def remember(self, values: Mapping[str, Any], bound: Bound, arguments: Sequence[Any], note: Any = None) -> None:
        """Note a call whose values were all tensors taken as they are, so that the next one with them needs no checks."""
        self._last = None
        entries = []
        for name, value in values.items():
            if not isinstance(value, Tensor) or value.is_inference() or name not in bound.tensors:
                return
            if value.data_ptr() != bound.tensors[name].data_ptr():
                return
            entries.append((name, weakref.ref(value), value._version, value.shape))
        if not bound.batch and all(isinstance(argument, Tensor) for argument in arguments):
            names = {id(tensor): name for name, tensor in bound.tensors.items()}
            self._last = entries, [names[id(argument)] for argument in arguments], note

    def again(self, values: Mapping[str, Any]) -> tuple[list[Tensor], Any] | None:
        """The arguments and the note, where these are the tensors of the call before, not written to since; else None."""
        last = self._last
        if last is None:
            return None
        entries, names, note = last
        if len(values) != len(entries):
            return None
        for name, reference, version, shape in entries:
            value = reference()
            if value is None or id(values.get(name)) != id(value):
                return None
            if value._version != version or value.shape != shape:
                return None
        return [values[name].detach() if values[name].requires_grad else values[name] for name in names], note

    # ---- one value ---------------------------------------------------------------------------------------------------

    def _tensor(self, name: str, value: Any, is_later: bool = False) -> Tensor:
        tensor = as_tensor(name, value, self.dtype, self.device)
        if torch.compiler.is_compiling():  # values are not known then, and a branch on them would break the graph
            return tensor
        if isinstance(value, float | int) and math.isfinite(tensor.item()) and not self.leaves[name].kind:
            return tensor
        if isinstance(value, Tensor) and not value.is_inference():
            seen = self._seen.get(name)
            if seen is not None and seen[0]() is value and seen[1] == value._version:
                return tensor  # the same tensor, not written to since it was checked
        leaf = self.leaves[name]
        if is_later and not leaf.kind:
            return tensor
        self.check_finite(name, tensor, value)
        if leaf.kind and tensor.dim() >= leaf.rank:
            check_kind(leaf, tensor)
        if isinstance(value, Tensor) and not value.is_inference():
            self._seen[name] = (weakref.ref(value), value._version)
        return tensor

    def check_finite(self, name: str, tensor: Tensor, value: Any) -> None:
        """Raise `ValueGivenError` unless all entries are finite.

        The sum is finite where all entries are, unless it overflows: only then every entry is looked at.
        """
        if bool(torch.isfinite(tensor.sum())):
            return
        fine = torch.isfinite(tensor)
        if bool(fine.all()):
            return
        where = tuple(int(k) for k in torch.nonzero(~fine)[0]) if tensor.dim() else ()
        shown = float(tensor[where]) if where else float(tensor)
        if self.dtype != torch.float64 and bool(torch.isfinite(as_tensor(name, value, torch.float64, self.device)[where])):
            raise not_finite(name, f"beyond the range of {str(self.dtype).removeprefix('torch.')}{f' at {place(where)}' if where else ''}")
        raise not_finite(name, f"{shown}{f' at {place(where)}' if where else ''}")

    def _unknown(self, name: Any) -> None:
        if not isinstance(name, str):
            raise ValueGivenError(f"a value is given for {name!r}, which is no name.", hint="Give values by name, as in {'x': 1.0}.")
        hint = nearest(name, self.leaves, sorted(self.dimensions))
        raise ValueGivenError(f"a value is given for {name}, which is no variable of the formula.", hint=hint)

    # ---- shapes ------------------------------------------------------------------------------------------------------

    def _batch(self, tensors: Mapping[str, Tensor]) -> tuple[int, ...]:
        """The one shape of arrays given for scalars; () where there are none."""
        found: dict[tuple[int, ...], str] = {}
        for name, tensor in tensors.items():
            if not self.leaves[name].shape and tensor.dim():
                found.setdefault(tuple(tensor.shape), name)
        if not found:
            return ()
        if not self.takes_batches:
            shape, name = next(iter(found.items()))
            hint = f"Declare {name}[{','.join(str(k) for k in shape)}], or give one number; batches are for formulas of scalars only."
            raise ShapeError(f"{name} is a scalar, and the value given for it has shape {shape}.", hint=hint)
        if len(found) > 1:
            (first, left), (second, right), *_ = found.items()
            reason = f"the batches given for {left} and {right} have shapes {first} and {second}."
            raise ShapeError(reason, hint="Scalars may be given as arrays of one shape, beside plain numbers.")
        return next(iter(found))

    def _sizes(self, tensors: Mapping[str, Tensor], given: Mapping[str, Any]) -> dict[str, int]:
        """The dimension names bound by shapes and by values given for them."""
        sizes: dict[str, int] = {}
        origin: dict[str, str] = {}
        for name, value in given.items():
            sizes[name], origin[name] = _whole(name, value), f"{name} is given as {value}"
        later: list[tuple[str, int, Dimension, int]] = []
        for name, tensor in tensors.items():
            leaf = self.leaves[name]
            if tensor.dim() != leaf.rank:
                if leaf.shape:
                    raise self._wrong_rank(leaf, tensor)
                continue
            later += [(name, axis, length, found) for axis, (length, found) in enumerate(zip(leaf.shape, tensor.shape))]
        # Plain names first: `x[n-1]` then only has to agree.
        later.sort(key=lambda entry: (len(entry[2].names), len(entry[2].terms)))
        for name, axis, length, found in later:
            self._solve(name, axis, length, found, sizes, origin)
        for name in self.sizes:
            if name not in sizes:
                hint = f"No array has it as an axis: give {name}, a whole number."
                raise ValueGivenError(f"no value is given for the dimension {name}.", hint=hint)
        self._check_requirements(sizes)
        return sizes

    def _solve(self, name: str, axis: int, length: Dimension, found: int, sizes: dict[str, int], origin: dict[str, str]) -> None:
        unknown = [other for other in length.names if other not in sizes]
        if len(unknown) == 1:
            value = _root(length, unknown[0], sizes, found)
            if value is not None:
                sizes[unknown[0]] = value
                origin[unknown[0]] = f"{name}{_entries(found, axis, self.leaves[name].rank)}, so {unknown[0]} = {value}"
                return
        elif unknown:
            return
        if not found and unknown:
            raise ShapeError(f"the value given for {name} has no entries.", hint="Give at least one.")
        expected = None if unknown else length.evaluate(sizes)
        if expected != found:
            shape = shape_text(self.leaves[name].shape)
            reason = f"{name} is declared {shape}, and the value given for it{_entries(found, axis, self.leaves[name].rank)}"
            if expected is not None:
                reason += f", not {expected}"
            known = [origin[other] for other in length.names if other in origin]
            raise ShapeError(f"{reason}.", hint=f"{'; '.join(known)}." if known else "Give an array of the declared shape.")

    def _wrong_rank(self, leaf: Leaf, tensor: Tensor) -> ShapeError:
        found = f"shape {tuple(tensor.shape)}" if tensor.dim() else "no axes: it is a number"
        hint = "Give an array of the declared shape."
        if leaf.rank == 1 and tensor.dim() == 2 and 1 in tensor.shape:
            hint = "Give it without the axis of length 1, as value.reshape(-1)."
        return ShapeError(f"{leaf.name} is declared {shape_text(leaf.shape)}, and the value given for it has {found}.", hint=hint)

    def _check_requirements(self, sizes: Mapping[str, int]) -> None:
        for position, length in [(requirement.position, requirement.length) for requirement in self.requirements]:
            if not {*length.names, *(position.names if position is not None else ())} <= sizes.keys():
                continue
            found = length.evaluate(sizes)
            if position is None and found < 0:
                raise negative_range(length, found)
            at = position.evaluate(sizes) if position is not None else 0
            if position is not None and not 0 <= at < found:
                reason = f"the formula takes entry {at + 1} along {length}, which has {found}."
                raise ShapeError(reason, hint=f"Give arrays with {length} at least {at + 1}.")


def nearest(name: str, variables: Iterable[str], others: Iterable[str] = ()) -> str:
    """What to write instead of a name that is unknown: the nearest one, or which there are."""
    variables = list(variables)
    near = get_close_matches(str(name), [*variables, *others], 1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"The variables are {', '.join(variables)}." if variables else "The formula has no variables."


def _entries(found: int, axis: int, rank: int) -> str:
    if rank == 1:
        return f" has {found} {'entry' if found == 1 else 'entries'}"
    if rank == 2:
        return f" has {found} {('row', 'column')[axis]}{'' if found == 1 else 's'}"
    return f" has length {found} along axis {axis + 1}"


def _whole(name: str, value: Any) -> int:
    """A value given for a dimension."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        number = float("nan")
    if not number >= 1 or number != int(min(number, 1e18)):
        shown = value if isinstance(value, int | float | str) else type(value).__name__
        raise ValueGivenError(
            f"the value given for the dimension {name} is {shown}, not a whole number from 1.", hint="A dimension counts entries."
        )
    return int(number)


def _root(length: Dimension, name: str, sizes: Mapping[str, int], found: int) -> int | None:
    """The value ≥ 1 of the one unknown name, in which the polynomial is linear; None where there is none."""
    slope = length.evaluate({**sizes, name: 1}) - length.evaluate({**sizes, name: 0})
    if length.evaluate({**sizes, name: 2}) - length.evaluate({**sizes, name: 0}) != 2 * slope:
        return next((value for value in range(1, found + 2) if length.evaluate({**sizes, name: value}) == found), None)
    rest = found - length.evaluate({**sizes, name: 0})
    if not slope or rest % slope or rest // slope < 1:
        return None
    return rest // slope
