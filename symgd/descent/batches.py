"""Which data each update sees: all of it, or `batch` entries of the data dimension, in order or shuffled by a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from symgd.algebra.expression import Leaf
from symgd.errors import ValueGivenError

Rows = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one update sees: `rows` lie with this process, in parts; `count` is their number over all processes."""

    rows: Sequence[Rows]
    count: int


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


def check_size(size: int, count: int) -> None:
    """Raise ValueGivenError for a batch of more samples than there are."""
    if size > count:
        raise ValueGivenError(f"batch is {size}, and the data has {count} entries.", hint=f"Give a batch from 1 to {count}.")


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


Sized = tuple[Rows, int]  # data, and how many samples they are
Cut = Callable[[Rows, "Tensor | slice"], Rows]


def no_block() -> ValueGivenError:
    return ValueGivenError("the data have no block.", hint="Give a function that returns the blocks anew at every call.")


def _changed(whose: str, how: str) -> ValueGivenError:
    return ValueGivenError(f"the data{whose} have become {how}.", hint="Give the same samples at every call.")


def batches_of(
    blocks: Callable[[], Iterable[Sized]], cut: Cut, total: int, size: int, shuffle: int | None, share: tuple[int, int]
) -> Iterator[Batch]:
    """Batches of `size` samples, one after the other across the borders of blocks, pass after pass; the last of a pass may be fewer.

    A pass takes the blocks in their order; shuffled, the samples of each block in an order drawn from the seed. Of each batch this
    process, `share` = (rank, number of ranks), has its part. Raises ValueGivenError where a pass has not `total` samples.
    """
    generator = None if shuffle is None else torch.Generator().manual_seed(shuffle)
    while True:
        seen, waiting = 0, list[Sized]()
        for rows, number in blocks():
            seen += number
            if seen > total:
                raise _changed("", "more")
            order = None if generator is None else torch.randperm(number, generator=generator)
            first = 0
            while first < number:
                last = min(number, first + size - sum(count for _, count in waiting))
                waiting.append((cut(rows, slice(first, last) if order is None else order[first:last]), last - first))
                first = last
                if sum(count for _, count in waiting) == size:
                    yield _shared(waiting, cut, share)
                    waiting = []
        if seen < total:
            raise _changed("", "fewer") if seen else no_block()
        if waiting:
            yield _shared(waiting, cut, share)


def _shared(parts: Sequence[Sized], cut: Cut, share: tuple[int, int]) -> Batch:
    """The part of a batch that a process has."""
    rank, ranks = share
    count = sum(number for _, number in parts)
    first, last = count * rank // ranks, count * (rank + 1) // ranks
    found, place = [], 0
    for rows, number in parts:
        here = slice(max(0, first - place), min(number, last - place))
        if here.start < here.stop:
            found.append(cut(rows, here))
        place += number
    return Batch(found, count)


def batches_of_own(
    blocks: Callable[[], Iterable[Sized]], cut: Cut, counts: Sequence[int], rank: int, size: int, shuffle: int | None
) -> Iterator[Batch]:
    """The same where every process has samples of its own, `counts` of them: each gives to a batch in proportion to what it has.

    All come to the end of a pass together. A batch has about `size` samples.
    """
    updates = -(-sum(counts) // size)
    bounds = [[count * k // updates for k in range(updates + 1)] for count in counts]
    sizes = [[after - before for before, after in pairwise(its)] for its in bounds]
    generator = None if shuffle is None else torch.Generator().manual_seed(shuffle)
    while True:
        update, waiting = 0, list[Sized]()
        for rows, number in blocks():
            order = None if generator is None else torch.randperm(number, generator=generator)
            first = 0
            while first < number:
                if update == updates:
                    raise _changed(f" of rank {rank}", "more")
                last = min(number, first + sizes[rank][update] - sum(count for _, count in waiting))
                if last > first:
                    waiting.append((cut(rows, slice(first, last) if order is None else order[first:last]), last - first))
                first = last
                while update < updates and sum(count for _, count in waiting) == sizes[rank][update]:
                    yield Batch([rows for rows, _ in waiting], sum(its[update] for its in sizes))
                    update, waiting = update + 1, []
        if update < updates:
            raise _changed(f" of rank {rank}", "fewer")
