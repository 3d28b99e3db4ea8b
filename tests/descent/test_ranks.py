"""Descents by several processes: the numbers of one process within rounding, the same on every rank; what fails or is lost is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from symgd import ValueGivenError, descend

HEAD = """
import os, sys, torch, symgd, symgd.descent.descend
from torch import distributed as dist
torch.set_num_threads(1)
sizes, folder = [int(size) for size in sys.argv[1].split(",")], sys.argv[2]

def attempt(**options):
    try:
        return symgd.descend(**options)
    except Exception as error:
        print(f"{type(error).__name__}: {error}")

def forked():  # processes forked from one that has imported torch, and computed nothing yet, are there at once
    for size in sizes:
        children = []
        for rank in range(size):
            children.append(os.fork())
            if children[-1] == 0:
                sys.stdout = open(f"{folder}/{size}.{rank}", "w")
                if size > 1:
                    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting.{size}", rank=rank, world_size=size)
                return rank, size
        for child in children:
            os.waitpid(child, 0)
    sys.exit()

rank, size = forked()
generator = torch.Generator().manual_seed(0)
X = torch.randn(23, 3, generator=generator, dtype=torch.float64)
y = X @ torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64) + 0.1 * torch.randn(23, generator=generator, dtype=torch.float64)
GIVEN = "X[n,d], y[n], w[d], b"
start = {"w": torch.zeros(3), "b": 0.1}
"""


def everywhere(program: str, sizes: Sequence[int], folder: Path) -> list[list[str]]:
    """What every rank prints, for each number of processes."""
    for size in sizes:
        (folder / f"meeting.{size}").unlink(missing_ok=True)
    command = [sys.executable, "-c", HEAD + program, ",".join(map(str, sizes)), str(folder)]
    subprocess.run(command, timeout=240, stderr=subprocess.DEVNULL, check=False)
    return [[(folder / f"{size}.{rank}").read_text() for rank in range(size)] for size in sizes]


DESCENTS = """
def own(rows):
    first, last = 3 * rank + (rank > 0), 23 if rank == size - 1 else 3 * rank + 4  # parts of different lengths
    return rows[first:last]

def blocks():
    return ({"X": X[k : k + 5], "y": y[k : k + 5]} for k in range(0, 23, 5))

f = symgd.formula("mean(log(cosh(X*w + b - y)))", given=GIVEN)
positive = symgd.formula("sum((y - m).^2)/(2*s^2) + n*log(s)", given="y[n], m, s > 0")
norm = symgd.formula("norm2(X*w - y) + b^2", given=GIVEN)
mine = {"X": own(X), "y": own(y)}
runs = (
    {"f": f, "start": start, "data": {"X": X, "y": y}, "rate": 0.3, "steps": 12},
    {"f": f, "start": start, "data": mine, "ranks": "own", "rate": 0.3, "steps": 12},
    {"f": f, "start": start, "data": blocks, "rate": 0.3, "steps": 12},
    {"f": f, "start": start, "data": {"X": X, "y": y}, "method": "adam", "rate": 0.05, "schedule": "cosine", "steps": 50},
    {"f": norm, "start": start, "data": {"X": X, "y": y}, "fixed": ["b"], "method": "l-bfgs"},
    {"f": positive, "start": {"m": 0.0, "s": 0.5}, "data": {"y": y}},
    {"f": "(w - 2)^4", "start": {"w": 0.0}},
)
for options in runs if size < 4 else runs[:3]:
    found = symgd.descend(**options)
    numbers = torch.cat([torch.as_tensor(value, dtype=torch.float64).reshape(-1) for value in found.parameters.values()])
    path = torch.cat([torch.as_tensor(point, dtype=torch.float64).reshape(-1) for points in found.path.values() for point in points])
    print(found.outcome, found.steps, len(found.values), len(path), numbers.tolist(), float(path.sum()), found.evaluations, found.message,
          sep="|")
"""


def test_two_and_four_processes_find_what_one_finds(tmp_path):
    (alone,), *several = everywhere(DESCENTS, (1, 2, 4), tmp_path)
    assert alone.count("\n") == 7
    for ranks in several:
        assert all(one == ranks[0] for one in ranks)
        assert ranks[0].count("\n") == (7 if len(ranks) < 4 else 3)
        for k, (line, other) in enumerate(zip(ranks[0].splitlines(), alone.splitlines())):
            got, want = line.split("|"), other.split("|")
            assert got[0] == want[0]
            tolerance = 1e-12 if k not in (4, 5) else 1e-7  # methods that search end where only rounding is left
            numbers, truth = ([float(entry) for entry in text[4][1:-1].split(",")] for text in (got, want))
            assert numbers == pytest.approx(truth, rel=tolerance, abs=tolerance)
            if k < 4:
                assert got[1:4] == want[1:4]


FAULTS = """
f = symgd.formula("mean((X*w + b - y).^2)", given=GIVEN)
plain = {"f": f, "start": start, "rate": 0.1, "steps": 20}
attempt(**plain, data={"X": X, "y": y + rank})
attempt(**{**plain, "steps": 20 + rank}, data={"X": X, "y": y}, ranks="own")
passes = []

def blocks():
    passes.append(1)
    if rank == 1 and len(passes) == 5:
        raise OSError("the disk is gone")
    return [{"X": X, "y": y}]

attempt(**plain, data=blocks, ranks="own")

def callback(step, loss, parameters):
    raise ZeroDivisionError("in the callback")

attempt(**plain, data={"X": X, "y": y}, callback=callback)
attempt(**plain, data={"X": X[:1], "y": y[:1]})
attempt(**plain, data={"X": X, "y": y}, batch=3)
attempt(**{**plain, "f": symgd.formula("max(X*w) + b + sum(y)", given=GIVEN)}, data={"X": X, "y": y})
attempt(f=f, start=start, data={"X": X, "y": y}, method="newton-cg")
alone = symgd.descend(f, start=start, data={"X": X[rank:], "y": y[rank:]}, ranks="alone")
print(alone.outcome, symgd.descend("(w*c - 2)^2", start={"w": 0.0}, data={"c": 1.0}).outcome)
"""

TOLD = """RankError: ranks 0 and 1 ask for different descents: data of y differs.
Give every rank the same data, or write ranks="own" where each has rows of its own.
RankError: ranks 0 and 1 ask for different descents: steps differs.
Give every rank the same.
{0}
{1}
ValueGivenError: the data have 1 rows, and there are 2 ranks.
Start at most 1 processes, or write ranks="alone".
ValueGivenError: data on several ranks do not go with batch.
Leave batch out, or give all data at once to one process.
ValueGivenError: a function other than a sum runs over the samples, which blocks cannot add up.
Give all data at once, without blocks; on several ranks write ranks="alone".
ValueGivenError: this takes all data at once, and every rank has a part of them.
Write method="l-bfgs", "bfgs", "conjugate-gradient", "gradient", or give a rate.
converged converged
"""


def test_faults_are_told_on_every_rank(tmp_path):
    ((first, second),) = everywhere(FAULTS, (2,), tmp_path)
    told = "RankError: rank 1 has failed: OSError: the disk is gone. 0 steps had been taken.\n"
    told += 'With checkpoint="run.safetensors" a run can be resumed.'
    assert first == TOLD.format(told, "ZeroDivisionError: in the callback")
    assert second == TOLD.format("OSError: the disk is gone", "RankError: rank 0 has failed: ZeroDivisionError: in the callback.")


def test_names_of_ranks():
    with pytest.raises(ValueGivenError) as error:
        descend("(w - 2)^2", start={"w": 0.0}, ranks="shared")
    assert str(error.value) == (
        "ranks is 'shared'.\n"
        'Write ranks="split" where all have the same data, ranks="own" where each has rows of its own, or ranks="alone".'
    )
    assert descend("(w - 2)^2", start={"w": 0.0}, rate=0.1, ranks="own").steps == 100  # one process is one rank


LOST = """
f = symgd.formula("mean(log(cosh(X*w + b - y)))", given=GIVEN)
passes, fatal = [], int(os.environ.get("FATAL", "0"))

def blocks():
    passes.append(1)
    if rank == 1 and len(passes) == fatal:
        os._exit(1)
    return [{"X": X[rank::size], "y": y[rank::size]}]

found = attempt(f=f, start=start, data=blocks, ranks="own", method="adam", rate=0.05, steps=40, checkpoint=f"{folder}/run", every=0.001,
                resume=True)
if found is not None:
    print(found.parameters["w"].numpy().tobytes().hex(), found.parameters["b"], found.steps, len(found.values), found.outcome)
"""


def test_a_lost_rank_leaves_a_checkpoint(tmp_path, monkeypatch):
    (whole,) = everywhere(LOST, (2,), tmp_path)
    assert whole[0] == whole[1]
    (tmp_path / "run").unlink()
    monkeypatch.setenv("FATAL", "20")
    ((first, second),) = everywhere(LOST, (2,), tmp_path)
    assert second == ""
    assert first.startswith("RankError: a rank is lost, or takes no part in the descent: ")
    assert first.partition(". ")[2] == (
        '15 steps had been taken.\nAll ranks have to call descend, with ranks="alone" where each descends by itself. '
        f"Start all ranks again with resume=True: the run goes on from '{tmp_path}/run'.\n"
    )
    monkeypatch.delenv("FATAL")
    assert everywhere(LOST, (2,), tmp_path) == [whole]


def test_the_same_command_under_torchrun(tmp_path):
    problem = tmp_path / "line.toml"
    problem.write_text(
        'formula = "mean((w*x + b - y)^2)"\ngiven = "x[n], y[n]"\nrate = 0.1\nsteps = 50\n'
        "[data]\nx = [0.0, 1.0, 2.0, 3.0]\ny = [1.0, 3.0, 5.0, 8.0]\n[start]\nw = 0.0\nb = 0.0\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "symgd", "descend"]
    run = {"capture_output": True, "text": True, "env": {**os.environ, "OMP_NUM_THREADS": "1"}, "timeout": 120}
    shared = subprocess.run([*command, str(problem)], check=True, **run).stdout
    alone = subprocess.run([sys.executable, "-m", "symgd", "descend", str(problem)], check=True, **run).stdout
    assert shared == alone


def test_sigterm_writes_the_checkpoint_and_ends(tmp_path):
    program = f"""
import os, signal, symgd
def callback(step, loss, parameters):
    if step == 30:
        os.kill(os.getpid(), signal.SIGTERM)
symgd.descend("(w - 2)^4", start={{"w": 0.0}}, rate=0.01, steps=100, checkpoint={str(tmp_path / "run")!r}, callback=callback)
"""
    process = subprocess.run([sys.executable, "-c", program], check=False, timeout=120)
    assert process.returncode == -15
    options = {"start": {"w": 0.0}, "rate": 0.01, "steps": 100}
    found = descend("(w - 2)^4", checkpoint=tmp_path / "run", resume=True, callback=lambda step, *rest: step == 31, **options)
    assert found.steps == 31
    whole = descend("(w - 2)^4", checkpoint=tmp_path / "other", **options)
    assert torch.equal(torch.tensor(found.values), torch.tensor(whole.values[:32]))
