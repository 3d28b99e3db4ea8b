"""Mini-batches of data in blocks and of samples that lie with several processes: in order they are those of all data at hand."""

from __future__ import annotations

import itertools

import pytest
import torch

from symgd import ValueGivenError, descend, formula
from symgd.descent.batches import batches_of, batches_of_own, slices

X = torch.randn(23, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = X @ torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64) + 0.1
F = formula("mean(log(cosh(X*w + b - y)))", given="X[n,d], y[n], w[d], b")
START = {"w": [0.0, 0.0, 0.0], "b": 0.1}
WHOLE = {"X": X, "y": Y}


def blocks(size=5):
    return ({"X": X[k : k + size], "y": Y[k : k + size]} for k in range(0, len(Y), size))


@pytest.mark.parametrize("batch", [1, 4, 5, 7, 12, 23])
def test_batches_of_blocks_in_order_are_those_of_all_data(batch):
    given = {"start": START, "rate": 0.2, "batch": batch, "epochs": 3}
    found, truth = descend(F, data=blocks, **given), descend(F, data=WHOLE, **given)
    assert found.steps == truth.steps == 3 * -(-23 // batch)
    assert found.values == pytest.approx(truth.values, rel=1e-12)
    assert torch.allclose(found.parameters["w"], truth.parameters["w"], rtol=1e-12)


def test_shuffled_batches_of_one_block_are_those_of_all_data():
    given = {"start": START, "method": "adam", "rate": 0.05, "batch": 6, "shuffle": 3, "steps": 20}
    found, truth = descend(F, data=lambda: [WHOLE], **given), descend(F, data=WHOLE, **given)
    assert found.values == pytest.approx(truth.values, rel=1e-12)


def drawn(stream, passes):
    """The samples of every batch, until so many passes over 23 of them are over."""
    found, seen = [], 0
    while seen < 23 * passes:
        batch = next(stream)
        found.append([int(one) for rows in batch.rows for one in rows["k"]])
        seen += batch.count
    return found


def numbered(size, first=0, last=23):
    rows = torch.arange(23)
    return lambda: (({"k": rows[k : min(last, k + size)]}, min(last, k + size) - k) for k in range(first, last, size))


def cut(rows, entries):
    return {"k": rows["k"][entries]}


@pytest.mark.parametrize("shuffle", [None, 1])
@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_every_sample_is_in_one_batch_of_a_pass_and_with_one_rank(shuffle, ranks):
    streams = [batches_of(numbered(6), cut, 23, 5, shuffle, (rank, ranks)) for rank in range(ranks)]
    shares = [drawn(stream, 2) for stream in streams]
    batches = [list(itertools.chain(*its)) for its in zip(*shares)]
    assert [len(batch) for batch in batches] == 2 * [5, 5, 5, 5, 3]
    assert all(max(map(len, its)) - min(map(len, its)) <= 1 for its in zip(*shares))
    for half in (batches[:5], batches[5:]):
        every = list(itertools.chain(*half))
        assert sorted(every) == list(range(23))
        assert (every == list(range(23))) == (shuffle is None)
        assert all(sorted(every[k : k + 6]) == list(range(k, min(23, k + 6))) for k in range(0, 23, 6))  # shuffled within blocks
    if shuffle is not None:
        assert batches[:5] != batches[5:]


def test_the_draws_of_one_block_are_those_of_data_at_hand():
    ours, theirs = batches_of(numbered(23), cut, 23, 6, 4, (0, 1)), slices(23, 6, 4)
    for _ in range(9):
        assert next(ours).rows[0]["k"].tolist() == next(theirs).tolist()


@pytest.mark.parametrize("size", [1, 4, 10, 23])
def test_ranks_with_samples_of_their_own_end_a_pass_together(size):
    counts = [3, 20]
    parts = [numbered(4, 0, 3), numbered(6, 3, 23)]
    streams = [batches_of_own(part, cut, counts, rank, size, None) for rank, part in enumerate(parts)]
    first, second = (drawn(stream, 2) for stream in streams)
    updates = -(-23 // size)
    assert len(first) == len(second) == 2 * updates
    for half in (slice(0, updates), slice(updates, None)):
        assert list(itertools.chain(*first[half])) == [0, 1, 2]
        assert list(itertools.chain(*second[half])) == list(range(3, 23))
    assert max(len(a) + len(b) for a, b in zip(first, second)) <= size + 1


def test_samples_of_their_own_that_become_more_or_fewer_are_told():
    for last, what in ((22, "fewer"), (23, "more")):
        stream = batches_of_own(numbered(6, 3, last), cut, [3, 19 if what == "more" else 20], 1, 5, None)
        with pytest.raises(ValueGivenError) as error:
            drawn(stream, 2)
        assert str(error.value) == f"the data of rank 1 have become {what}.\nGive the same samples at every call."


def test_batches_of_blocks_go_on_bit_for_bit(tmp_path):
    for shuffle in (None, 2):
        path = tmp_path / f"run{shuffle}"
        given = {"start": START, "data": blocks, "method": "adam", "rate": 0.05, "batch": 4, "shuffle": shuffle, "steps": 25}
        whole = descend(F, **given)
        for cut_at in (3, 11):
            descend(F, checkpoint=path, callback=lambda step, *rest, last=cut_at: step == last, **given)
            found = descend(F, checkpoint=path, resume=True, **given)
            assert found.values == whole.values
            assert torch.equal(found.parameters["w"], whole.parameters["w"])
        again = descend(F, checkpoint=path, resume=True, **given)  # a run that has ended, on all data
        assert again.values == whole.values


def test_data_that_cannot_be_read_in_the_middle_of_a_pass_are_told():
    calls = []

    def broken():
        calls.append(1)
        yield from itertools.islice(blocks(), 3)
        if len(calls) > 4:
            raise OSError("the disk is gone")
        yield from itertools.islice(blocks(), 3, None)

    with pytest.raises(OSError, match="the disk is gone"):
        descend(F, start=START, data=broken, rate=0.1, batch=4, epochs=9)


def test_blocks_that_become_more_or_fewer_are_told_in_the_next_pass():
    for last, text in (
        (21, "the data have become fewer.\nGive the same samples at every call."),
        (25, "the data have become more.\nGive the same samples at every call."),
        (0, "the data have no block.\nGive a function that returns the blocks anew at every call."),
    ):
        passes = []

        def changing(last=last, passes=passes):  # the first block is looked at, then all are counted, then batches are cut
            passes.append(1)
            rows = torch.cat([X, X[:2]]), torch.cat([Y, Y[:2]])
            count = 23 if len(passes) <= 3 else last
            return ({"X": rows[0][k : min(k + 5, count)], "y": rows[1][k : min(k + 5, count)]} for k in range(0, count, 5))

        with pytest.raises(ValueGivenError) as error:
            descend(F, start=START, data=changing, rate=0.1, batch=4, epochs=9)
        assert str(error.value) == text


def test_an_iterator_that_is_used_up_is_told():
    for used in (5, 1):
        once = iter([*blocks(23)] * used)
        with pytest.raises(ValueGivenError) as error:
            descend(F, start=START, data=lambda once=once: once, rate=0.1, batch=4, steps=9)
        assert str(error.value) == "the data have no block.\nGive a function that returns the blocks anew at every call."
