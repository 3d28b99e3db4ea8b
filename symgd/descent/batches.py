"""Which data each update sees: all of it, or `batch` entries of the data dimension, in order or shuffled by a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from symgd.algebra.expression import Leaf
from symgd.errors import ValueGivenError


def data_dimension(parameters: Mapping[str, Leaf], data: Mapping[str, Leaf]) -> str:
    """The dimension that runs over samples: the one axis of the data that no parameter has.

    Raises ValueGivenError where there is none, or more than one.
    """
    theirs = {name for leaf in parameters.values() for length in leaf.shape for name in length.names}
    found = dict.fromkeys(
        name for leaf in data.values() for length in leaf.shape for name in length.names if str(length) == name and name not in theirs
    )
    if len(found) != 1:
        listed = f" ({', '.join(found)})" if found else ""
        reason = (
            f"batches, blocks and ranks need one dimension that runs over the data, and the formula has {len(found) or 'none'}{listed}."
        )
        raise ValueGivenError(reason, hint='Declare the data with it, as in given="x[n], y[n]".')
    return next(iter(found))


def slices(count: int, size: int, shuffle: int | None) -> Iterator[Tensor | slice]:
    """Positions of the entries of one update after another, pass after pass without end; the last of a pass may be fewer.

    A pass in order starts at the first entry again; a shuffled pass is a new permutation, drawn from the seed `shuffle`.
    """
    generator = None if shuffle is None else torch.Generator().manual_seed(shuffle)
    while True:
        order = None if generator is None else torch.randperm(count, generator=generator)
        for first in range(0, count, size):
            yield slice(first, first + size) if order is None else order[first : first + size]


def chosen(tensors: Mapping[str, Tensor], data: Mapping[str, Leaf], dimension: str, entries: Tensor | slice) -> dict[str, Tensor]:
    """The data with only these entries of the data dimension."""
    found = {}
    for name, tensor in tensors.items():
        for axis, length in enumerate(data[name].shape) if name in data else ():
            if str(length) == dimension:
                index = (slice(None),) * axis + (entries if isinstance(entries, slice) else entries.to(tensor.device),)
                tensor = tensor[index]
        found[name] = tensor
    return found
