"""What a walk keeps: every step while there is room, then every second, every fourth; the same whenever it was stopped and resumed."""

from __future__ import annotations

import pytest
import torch

from symgd import descend, formula
from symgd.descent import history
from symgd.descent.history import History, Thinned, most_rows
from symgd.descent.tensors import read_tensors


@pytest.fixture
def little_room(monkeypatch):
    monkeypatch.setattr(history, "_KEPT", 20)
    monkeypatch.setattr(history, "_FIRST", 2)


@pytest.mark.parametrize("steps", [0, 1, 18, 19, 20, 21, 38, 39, 40, 79, 80, 81, 1000])
def test_rows_are_those_of_every_so_many_steps(little_room, steps):
    one_by_one, at_once = (Thinned(most_rows(1), 1, torch.float64) for _ in range(2))
    for step in range(steps + 1):
        one_by_one.add(step, float(step))
    first = 0
    for number in (1, 7, 30, 200, 2000):
        chunk = torch.arange(first, min(first + number, steps + 1), dtype=torch.float64).unsqueeze(1)
        at_once.extend(first, chunk)
        first += len(chunk)
    assert one_by_one.stride == at_once.stride == max(1, 2 ** max(0, (steps // 20)).bit_length())
    for kept in (one_by_one, at_once):
        found = kept.ended(steps, float(steps))[:, 0].tolist()
        assert found[-1] == steps
        assert found[:-1] == [float(kept.stride * k) for k in range(len(found) - 1)]
        assert len(found) <= 21


F = formula("(a - 2)^4 + (b*a - 1)^2")
GIVEN = {"start": {"a": 0.0, "b": 0.5}, "method": "adam", "rate": 0.01}


def test_losses_and_points_of_a_long_run(little_room):
    found = descend(F, steps=100, **GIVEN)
    assert (found.steps, found.every) == (100, (16, 16))
    assert (len(found.values), len(found.path["a"])) == (8, 8)  # the last is that of the end
    assert [found.step_of(k) for k in range(8)] == [0, 16, 32, 48, 64, 80, 96, 100]
    assert (found.step_of(-1), found.step_of(-2)) == (100, 96)
    assert list(found.values) == [F.evaluate(a=a, b=b) for a, b in zip(found.path["a"], found.path["b"])]
    losses = []
    descend(F, steps=100, callback=lambda step, loss, parameters: losses.append((loss, parameters["a"])), **GIVEN)
    assert found.values[1:] == [loss for loss, _ in losses[15::16]] + [losses[-1][0]]
    assert found.path["a"][1:] == [a for _, a in losses[15::16]] + [losses[-1][1]]
    assert found.path["a"][-1] == found.parameters["a"]


@pytest.mark.parametrize("cut", [1, 19, 20, 21, 40, 50, 77])
def test_a_run_that_is_resumed_keeps_the_same(little_room, tmp_path, cut):
    for given in (GIVEN, {"start": GIVEN["start"], "method": "barzilai-borwein"}):
        whole = descend(F, steps=90, **given)
        descend(F, steps=cut, checkpoint=tmp_path / given["method"], **given)
        found = descend(F, steps=90, checkpoint=tmp_path / given["method"], resume=True, **given)
        assert (found.values, found.path, found.every) == (whole.values, whole.path, whole.every)
        assert (found.outcome, found.steps, found.message) == (whole.outcome, whole.steps, whole.message)


def test_the_file_of_a_long_run_stays_small(little_room, tmp_path):
    sizes = []
    for steps in (100, 400, 1600):
        descend(F, steps=steps, checkpoint=tmp_path / "run", **GIVEN)
        tensors, _ = read_tensors(tmp_path / "run")
        sizes.append((len(tensors["values"]), len(tensors["path"])))
    assert all(losses <= 10 and points <= 10 for losses, points in sizes)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_the_path_of_a_scalar_in_every_number_format(dtype):
    found = descend(formula("(w - 2)^2"), start={"w": 0.0}, rate=0.25, steps=3, dtype=dtype)
    assert found.path["w"] == [0.0, 1.0, 1.5, 1.75]  # exact in all of them
    assert found.values == [4.0, 1.0, 0.25, 0.0625]


@pytest.mark.parametrize(("width", "rows"), [(1, 1024), (5_000, 1024), (1_000_000, 11), (10_000_000, 3), (100_000_000, 3)])
def test_no_more_room_is_made_than_is_kept(width, rows):
    """The numbers have no memory here: only how many there would be counts."""
    kept = History([torch.empty(width, dtype=torch.float64, device="meta")])
    assert len(kept.points.buffer) == rows


def test_kept_at_different_strides_they_go_on_at_one():
    """As files hold them in which losses were kept more often."""
    kept = History([torch.zeros(1, dtype=torch.float64)])
    rows = torch.arange(13, dtype=torch.float64).unsqueeze(1)
    kept.restore((rows, 1), (rows[::4], 4), 12, 12.0)
    for step in range(13, 18):
        kept.add(float(step), [torch.tensor([float(step)])])
    values, path = kept.ended([torch.tensor([17.0])], ["a"])
    assert (kept.losses.stride, kept.points.stride) == (4, 4)
    assert values == [entry.item() for entry in path["a"]] == [0.0, 4.0, 8.0, 12.0, 16.0, 17.0]
