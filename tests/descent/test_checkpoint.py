"""Runs that survive: killed at random moments they go on to the same numbers bit for bit; a checkpoint of another run is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from symgd import ValueGivenError, descend, formula
from symgd.descent.methods.table import ROWS
from symgd.descent.tensors import read_tensors, write_tensors

F = formula("sum(log(cosh(W*x - y))) + normF(W)^2/10 + (a - 1)^4 + sum(cosh(W*x))/5", given="W[3,2], x[2], y[3], a")
START = {"W": [[0.5, -1.0], [2.0, 0.1], [0.3, 0.3]], "a": 4.0}
DATA = {"x": [1.0, 2.0], "y": [3.0, -1.0, 0.5]}
SQUARES = formula("sum((a*exp(b*x) - y).^2)", given="x[n], y[n]")
FIT = {"start": {"a": 1.0, "b": 0.1}, "data": {"x": [0.0, 1.0, 2.0, 3.0], "y": [1.0, 2.0, 5.0, 9.0]}}
NEEDS_SQUARES = ("gauss-newton", "levenberg-marquardt", "least-squares")


def same(left, right):
    assert left.values == right.values
    for name in left.parameters:
        assert torch.equal(torch.as_tensor(left.parameters[name]), torch.as_tensor(right.parameters[name]))
        assert torch.equal(torch.as_tensor(left.path[name][-1]), torch.as_tensor(right.path[name][-1]))
    assert (left.outcome, left.steps, left.message) == (right.outcome, right.steps, right.message)


@pytest.mark.parametrize("row", [row for row in ROWS if row.name != "closed-form"], ids=lambda row: row.name)
def test_every_method_goes_on_bit_for_bit(row, tmp_path):
    path = tmp_path / "run.safetensors"
    f, given = (SQUARES, FIT) if row.name in NEEDS_SQUARES else (F, {"start": START, "data": DATA})
    options = {"method": row.name, "rate": 0.01 if row.rate == "needed" else None, **given}
    whole = descend(f, steps=40, **options)
    for cut in (1, 5, 6, 13):
        descend(f, steps=cut, checkpoint=path, **options)
        same(descend(f, steps=40, checkpoint=path, resume=True, **options), whole)


# Shuffled batches, and a rate that follows a schedule. One process imports torch and forks the runs, which are killed at a random moment
# of their whole length, again and again, until one comes to its end.
KILLS = """
import hashlib, os, random, signal, sys, time
import torch, torch._dynamo
import symgd, symgd.descent.descend
torch.set_num_threads(1)
folder, wanted = sys.argv[1], int(sys.argv[2])
random.seed(int(sys.argv[3]))

def run(path):
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(40, 3, generator=generator, dtype=torch.float64)
    y = X @ torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64) + 0.1 * torch.randn(40, generator=generator, dtype=torch.float64)
    f = symgd.formula("mean(log(cosh(X*w - y)))", given="X[n,d], w[d], y[n]")
    r = symgd.descend(f, start={"w": torch.zeros(3)}, data={"X": X, "y": y}, method="adam", rate=0.05, schedule="cosine", batch=7,
                      shuffle=3, steps=1500, checkpoint=path, every=0.005, resume=True)
    told = r.parameters["w"].numpy().tobytes() + repr((r.values, r.steps, r.outcome)).encode()
    with open(path + ".told", "w") as file:
        file.write(hashlib.blake2b(told).hexdigest())

def started(path):
    child = os.fork()
    if child == 0:
        run(path)
        os._exit(0)
    return child

def ended(child):
    return os.WIFEXITED(os.waitpid(child, 0)[1])

begun = time.monotonic()
assert ended(started(f"{folder}/whole"))
length = time.monotonic() - begun
whole, kills, resumed, sequence = open(f"{folder}/whole.told").read(), 0, 0, 0
while kills < wanted:
    path, is_over, sequence = f"{folder}/{sequence}", False, sequence + 1
    for _ in range(5):
        is_there = os.path.exists(path)
        child = started(path)
        time.sleep(length * random.random())
        os.kill(child, signal.SIGKILL)
        is_over = ended(child)
        kills, resumed = kills + (not is_over), resumed + is_there
        if is_over:
            break
    if not is_over:
        assert ended(started(path))
    if open(path + ".told").read() != whole:
        print("DIFFERENT")
        sys.exit(1)
    for name in (path, path + ".told"):
        os.unlink(name)
left = sorted(os.listdir(folder))
print(kills, sequence, resumed, len([name for name in left if not name.endswith(".part")]))
"""


def killed(folder: Path, wanted: int) -> tuple[int, ...]:
    """How many runs were killed, how many came to their end, how many had a checkpoint to go on from, and the files of the whole run."""
    given = [sys.executable, "-c", KILLS, str(folder), str(wanted), "1"]
    return tuple(map(int, subprocess.run(given, check=True, capture_output=True, text=True).stdout.split()))


def test_kills(tmp_path):
    kills, _, _, files = killed(tmp_path, 3)
    assert kills >= 3
    assert files == 2


@pytest.mark.long
def test_two_hundred_kills(tmp_path):
    kills, _, resumed, _ = killed(tmp_path, 200)
    assert kills >= 200
    assert resumed >= 100


def test_constraints_and_fits_go_on(tmp_path):
    f = formula("sum((y - m).^2)/(2*s^2) + n*log(s)", given="y[n], m, s > 0")
    options = {"start": {"m": 0.0, "s": 0.1}, "data": {"y": [1.0, 2.0, 4.0, 5.0]}}
    whole = descend(f, steps=50, **options)
    descend(f, steps=4, checkpoint=tmp_path / "a", **options)
    same(descend(f, steps=50, checkpoint=tmp_path / "a", resume=True, **options), whole)


def test_a_run_that_ended_is_not_run_again(tmp_path):
    found = descend("(w - 2)^4", start={"w": 0.0}, steps=200, checkpoint=tmp_path / "a")
    again = descend("(w - 2)^4", start={"w": 0.0}, steps=200, checkpoint=tmp_path / "a", resume=True)
    same(again, found)
    assert again.evaluations == found.evaluations


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"start": {"w": 0.5}}, "start of w"),
        ({"data": {"c": 3.0}}, "data of c"),
        ({"f": "(w - c)^4"}, "formula"),
        ({"rate": 0.2}, "rate"),
        ({"method": "momentum"}, "method"),
    ],
)
def test_another_run_is_refused(tmp_path, change, what):
    options = {"f": "(w - c)^2", "start": {"w": 0.0}, "data": {"c": 2.0}, "rate": 0.1, "steps": 3, "checkpoint": tmp_path / "a"}
    descend(**options)
    with pytest.raises(ValueGivenError) as error:
        descend(**{**options, **change}, resume=True)
    assert str(error.value) == (
        f"the checkpoint {str(tmp_path / 'a')!r} is of another run: its {what} differs.\n"
        "Resume with what the run was begun with, or begin anew with resume=False."
    )


def marked(path, notes):
    """A file of tensors with these notes."""
    write_tensors(path, {}, {"symgd": json.dumps(notes)})
    return path.read_bytes()


def test_files_that_are_no_checkpoints(tmp_path):
    path = tmp_path / "a"
    for content, text in (
        (b"abc", f"{str(path)!r} is no safetensors file: its heading is cut off."),
        (
            marked(path, {"format": "symgd descent, 1"}),
            f"the checkpoint {str(path)!r} was written by another version of symgd.\n"
            "Resume with that version, or begin anew with resume=False.",
        ),
        (
            marked(path, {"format": "symgd descends"}),
            f"{str(path)!r} is no checkpoint of a descent.\nGive the file that checkpoint= wrote.",
        ),
        (b"\x02" + b"\0" * 7 + b"{}", f"{str(path)!r} is no checkpoint of a descent.\nGive the file that checkpoint= wrote."),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueGivenError) as error:
            descend("w^2", start={"w": 1.0}, checkpoint=path, resume=True)
        assert str(error.value) == text
    with pytest.raises(ValueGivenError) as error:
        descend("w^2", start={"w": 1.0}, resume=True)
    assert str(error.value) == 'there is nothing to resume from.\nWrite checkpoint="run.safetensors".'
    with pytest.raises(ValueGivenError) as error:
        descend("w^2", start={"w": 1.0}, checkpoint=tmp_path / "none" / "a")
    assert str(error.value) == f"cannot write the checkpoint {str(tmp_path / 'none' / 'a')!r}: no such file or directory."


def test_tensors_come_back(tmp_path):
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(3), "c": torch.zeros(0), "d": torch.tensor([True, False])}
    write_tensors(tmp_path / "t", tensors, {"note": "ü"})
    found, texts = read_tensors(tmp_path / "t")
    assert texts == {"note": "ü"}
    assert all(torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype for name, tensor in tensors.items())
    content = (tmp_path / "t").read_bytes()
    (tmp_path / "t").write_bytes(content[:-1])
    with pytest.raises(ValueGivenError, match="its heading does not fit its length"):
        read_tensors(tmp_path / "t")


def test_data_in_blocks_go_on_bit_for_bit(tmp_path):
    rows = torch.linspace(0.0, 3.0, 12, dtype=torch.float64)

    def blocks():
        return ({"x": rows[k : k + 5], "y": torch.sin(rows[k : k + 5])} for k in range(0, 12, 5))

    f = formula("mean(log(cosh(a*x + b - y)))", given="x[n], y[n]")
    for options in ({"method": "bfgs"}, {"method": "adam", "rate": 0.05}):
        path = tmp_path / options["method"]
        given = {"start": {"a": 1.0, "b": 0.0}, "data": blocks, **options}
        whole = descend(f, steps=30, **given)
        for cut in (1, 7):
            descend(f, steps=cut, checkpoint=path, **given)
            same(descend(f, steps=30, checkpoint=path, resume=True, **given), whole)
        descend(f, steps=3, checkpoint=path, **given)
        with pytest.raises(ValueGivenError) as error:
            descend(f, checkpoint=path, resume=True, **{**given, "data": lambda: [*blocks(), {"x": [9.0], "y": [1.0]}]})
        assert str(error.value).startswith(f"the checkpoint {str(path)!r} is of other data: the loss there was ")
        assert str(error.value).endswith("\nResume with the data that the run was begun with, or begin anew with resume=False.")


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_run_over_blocks_that_ended_where_the_loss_is_not_finite_is_resumed(value, tmp_path):
    rows = torch.ones(4, dtype=torch.float64)
    f = formula("sum(y)*exp(-w)" if value == float("inf") else "sum(y)*sqrt(w + 1)", given="y[n]")
    start = {"w": -700.0 if value == float("inf") else 1.0}
    options = {"start": start, "data": lambda: [{"y": rows}, {"y": 1e4 * rows}], "rate": 1.0, "checkpoint": tmp_path / "a"}
    found, again = descend(f, **options), descend(f, resume=True, **options)
    assert found.outcome.value == "nonfinite"
    assert found.values[-1] == pytest.approx(value, nan_ok=True)
    assert (again.outcome, again.steps, again.message) == (found.outcome, found.steps, found.message)


def test_a_batched_run_is_of_the_data_in_all_blocks(tmp_path):
    rows = torch.linspace(0.5, 3.0, 12, dtype=torch.float64)

    def blocks(x=rows, y=rows):
        return lambda: ({"x": x[k : k + 4], "y": y[k : k + 4]} for k in range(0, 12, 4))

    f = formula("mean(log(cosh(a*x - y)))", given="x[n], y[n], a")
    given = {"start": {"a": 0.0}, "rate": 0.1, "batch": 4, "checkpoint": tmp_path / "a"}
    descend(f, data=blocks(), steps=9, callback=lambda step, *rest: step == 3, **given)
    other = rows.clone()
    other[10] += 1  # the current batch is of other rows
    for changed, what in ((blocks(y=other), "loss"), (blocks(x=other), "gradient")):
        with pytest.raises(ValueGivenError) as error:
            descend(f, data=changed, steps=9, resume=True, **given)
        assert str(error.value).startswith(f"the checkpoint {str(tmp_path / 'a')!r} is of other data: the {what} there was ")
    given = {**given, "data": blocks(), "steps": 9}
    found = descend(f, resume=True, **given)
    same(found, descend(f, **{**given, "checkpoint": None}))
