"""Values and paths that lie in arrays: they are read as the lists they stand for."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from symgd.descent.kept import Arrays, Floats

NUMBERS = [3.0, -1.5, 0.25, 1e300]
ROWS = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=torch.float64)


@given(st.lists(st.floats(allow_nan=False), max_size=6), st.slices(8), st.integers(-8, 8))
def test_floats_are_read_like_a_list(numbers, part, place):
    kept = Floats(np.array(numbers, dtype=float))
    assert kept == numbers
    assert numbers == kept
    assert (len(kept), list(kept), list(reversed(kept)), repr(kept)) == (len(numbers), numbers, numbers[::-1], repr(numbers))
    assert kept[part] == numbers[part]
    assert type(kept[part]) is list
    assert (kept + [1.0], [1.0] + kept) == ([*numbers, 1.0], [1.0, *numbers])  # noqa: RUF005
    if -len(numbers) <= place < len(numbers):
        assert kept[place] == numbers[place]
        assert type(kept[place]) is float
    else:
        with pytest.raises(IndexError):
            kept[place]


def test_floats_elsewhere():
    kept = Floats(np.array(NUMBERS))
    assert kept != [*NUMBERS, 1.0]
    assert kept != tuple(NUMBERS)
    assert kept == pytest.approx(NUMBERS)
    assert (kept.index(0.25), kept.count(3.0), 3.0 in kept, min(kept), sorted(kept)) == (2, 1, True, -1.5, sorted(NUMBERS))
    assert np.asarray(kept).tolist() == torch.tensor(kept, dtype=torch.float64).tolist() == kept.tolist() == NUMBERS
    assert json.dumps(kept.tolist()) == json.dumps(NUMBERS)
    with pytest.raises(TypeError):
        hash(kept)


def test_a_column_is_read_entry_by_entry():
    assert Floats(ROWS[:, 1].numpy()) == [2.0, 4.0, 6.0]
    assert Floats(torch.tensor([0.1], dtype=torch.float32).numpy()) == [torch.tensor(0.1).item()]


def test_arrays_are_tensors():
    kept = Arrays(ROWS.clone())
    assert [row.tolist() for row in kept] == [row.tolist() for row in kept[:]] == ROWS.tolist()
    assert kept[-1].tolist() == [5.0, 6.0]
    assert type(kept[1:]) is list
    assert repr(kept) == repr(list(ROWS))
    kept[0].zero_()
    assert [row.tolist() for row in kept] == [[0.0, 0.0], [3.0, 4.0], [5.0, 6.0]]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda kept: pickle.loads(pickle.dumps(kept))])
def test_copies(again):
    assert again(Floats(np.array(NUMBERS))) == NUMBERS
    assert torch.equal(torch.stack(again(Arrays(ROWS)).copy()), ROWS)
