"""Descents by several processes: the numbers of one process within rounding, the same on every rank; what fails or is lost is told."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from symgd import ValueGivenError, descend
from symgd.cli import main
from symgd.descent.ranks import device_of, transport
from symgd.descent.tensors import read_tensors

HEAD = """
import os, sys, torch, torch._dynamo, symgd, symgd.descent.descend, symgd.descent.report
from torch import distributed as dist
torch.set_num_threads(1)
generator = torch.Generator().manual_seed(0)
X = torch.randn(23, 3, generator=generator, dtype=torch.float64)
y = X @ torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64) + 0.1 * torch.randn(23, generator=generator, dtype=torch.float64)
GIVEN = "X[n,d], y[n], w[d], b"
start = {"w": torch.zeros(3), "b": 0.1}

def attempt(**options):
    try:
        return symgd.descend(**options)
    except Exception as error:
        print(f"{type(error).__name__}: {error}")

def started(job, size):  # processes forked from one that has imported torch, and computed nothing yet, are there at once
    children = []
    for rank in range(size):
        children.append(os.fork())
        if children[-1] == 0:
            sys.stdout = open(f"{folder}/{job}.{size}.{rank}", "w")
            if size > 1:
                dist.init_process_group("gloo", init_method=f"file://{folder}/meeting.{job}.{size}", rank=rank, world_size=size)
            return rank
    for child in children:
        os.waitpid(child, 0)

folder = sys.argv[1]
for argument in sys.argv[2:]:
    job, size = argument.split(".")
    size = int(size)
    rank = started(job, size)
    if rank is not None:
        exec(open(f"{folder}/{job.partition('-')[0]}.py").read())
        sys.stdout.flush()
        os._exit(0)
"""


RUNS, FEWER = 22, 10

DESCENTS = """
def own(rows):
    first, last = 3 * rank + (rank > 0), 23 if rank == size - 1 else 3 * rank + 4  # parts of different lengths
    return rows[first:last]

def blocks():
    return ({"X": X[k : k + 5], "y": y[k : k + 5]} for k in range(0, 23, 5))

f = symgd.formula("mean(log(cosh(X*w + b - y)))", given=GIVEN)
line = symgd.formula("mean((X*w + b - y).^2)", given=GIVEN)
curve = symgd.formula("sum((exp(X*w/5) + b - y).^2) + norm2(w)^2", given=GIVEN)
positive = symgd.formula("sum((y - m).^2)/(2*s^2) + n*log(s)", given="y[n], m, s > 0")
norm = symgd.formula("norm2(X*w - y) + b^2", given=GIVEN)
mine, every = {"X": own(X), "y": own(y)}, {"X": X, "y": y}
here = {"f": f, "start": start, "data": every}
runs = {
    "a rate": {**here, "rate": 0.3, "steps": 12},
    "own rows": {**here, "data": mine, "ranks": "own", "rate": 0.3, "steps": 12},
    "blocks": {**here, "data": blocks, "rate": 0.3, "steps": 12},
    "the closed form": {**here, "f": line},
    "the closed form of own rows": {**here, "f": line, "data": mine, "ranks": "own"},
    "batches in order": {**here, "rate": 0.3, "batch": 5, "epochs": 3},
    "batches shuffled": {**here, "rate": 0.3, "batch": 5, "shuffle": 1, "epochs": 3},
    "batches of blocks": {**here, "data": blocks, "rate": 0.3, "batch": 7, "epochs": 3},
    "batches of blocks shuffled": {**here, "data": blocks, "rate": 0.3, "batch": 7, "shuffle": 2, "epochs": 3},
    "batches of own rows": {**here, "data": mine, "ranks": "own", "rate": 0.3, "batch": 23, "epochs": 3},
    "adam": {**here, "method": "adam", "rate": 0.05, "schedule": "cosine", "steps": 50},
    "fixed": {**here, "f": norm, "fixed": ["b"], "method": "l-bfgs"},
    "a bound": {"f": positive, "start": {"m": 0.0, "s": 0.5}, "data": {"y": y}},
    "no data": {"f": "(w - 2)^4", "start": {"w": 0.0}},
    "auto": here,
    "least squares": {**here, "f": curve},
    "newton-cg": {**here, "method": "newton-cg"},
    "exact": {**here, "method": "exact", "steps": 4},
    "a rate chosen": {**here, "f": line, "rate": "auto", "steps": 12},
    "the best rate": {**here, "rate": "auto", "steps": 12},
}
for name, options in list(runs.items())[: None if size < 4 else 10]:
    found = symgd.descend(**options)
    numbers = torch.cat([torch.as_tensor(value, dtype=torch.float64).reshape(-1) for value in found.parameters.values()])
    path = torch.cat([torch.as_tensor(point, dtype=torch.float64).reshape(-1) for points in found.path.values() for point in points])
    searches = "rate" not in options
    print(f"{name}:{searches}", f"{found.outcome} {found.stationary}", numbers.tolist(), f"{found.steps} {len(found.values)} {len(path)}",
          found.message, f"{float(path.sum()):.10g} {found.evaluations}", sep="|")
    if name in ("auto", "least squares"):
        report = found.report()
        numbers = [one.error for one in report.parameters] + report.correlation.reshape(-1).tolist()
        print(f"report of {name}:True", report.freedom, numbers, sep="|")
"""


def find_what_one_finds(said):
    (alone,) = said("descents", 1)
    assert alone.count("\n") == RUNS
    for ranks in (said("descents", 2), said("descents", 4)):
        assert all(one == ranks[0] for one in ranks)
        assert ranks[0].count("\n") == (RUNS if len(ranks) < 4 else FEWER)
        for line, other in zip(ranks[0].splitlines(), alone.splitlines()):
            got, want = line.split("|"), other.split("|")
            name, is_searching = got[0].split(":")
            assert got[0] == want[0]
            assert got[1] == want[1], name
            tolerance = 1e-7 if is_searching == "True" else 1e-12  # methods that search end where only rounding is left
            numbers, truth = ([float(entry) for entry in text[2][1:-1].split(",")] for text in (got, want))
            assert numbers == pytest.approx(truth, rel=tolerance, abs=tolerance), name
            if is_searching == "False":
                assert got[3:5] == want[3:5], name


FAULTS = """
f = symgd.formula("mean((X*w + b - y).^2)", given=GIVEN)
plain = {"f": f, "start": start, "rate": 0.1, "steps": 20}
attempt(**plain, data={"X": X, "y": y + rank})
attempt(**{**plain, "steps": 20 + rank}, data={"X": X, "y": y}, ranks="own")
attempt(**plain, data={"X": X, "y": y}, ranks="own", batch=5 if rank else None)
attempt(f=f, start=start, data={"X": X, "y": y}, ranks="own", rate=0.1, batch=5, epochs=2 + rank)
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
attempt(**plain, data={"X": X, "y": y}, batch=24)
attempt(**{**plain, "f": symgd.formula("max(X*w) + b + sum(y)", given=GIVEN)}, data={"X": X, "y": y})
attempt(f=symgd.formula("mean(log(cosh(X*w + b - y)))", given=GIVEN), start=start, data={"X": X, "y": y}, method="closed-form")
try:
    symgd.descend(symgd.formula("mean(log(cosh(X*w)))", given=GIVEN), start={"w": start["w"]}, data={"X": 0 * X}).report()
except Exception as error:
    print(f"{type(error).__name__}: {error}")
alone = symgd.descend(f, start=start, data={"X": X[rank:], "y": y[rank:]}, ranks="alone")
print(alone.outcome, symgd.descend("(w*c - 2)^2", start={"w": 0.0}, data={"c": 1.0}).outcome)
"""

TOLD = """RankError: ranks 0 and 1 ask for different descents: data of y differs.
Give every rank the same data, or write ranks="own" where each has rows of its own.
RankError: ranks 0 and 1 ask for different descents: steps differs.
Give every rank the same.
RankError: ranks 0 and 1 ask for different descents: batch differs.
Give every rank the same.
RankError: ranks 0 and 1 ask for different descents: epochs differs.
Give every rank the same.
{0}
{1}
ValueGivenError: the data have 1 rows, and there are 2 ranks.
Start at most 1 processes, or write ranks="alone".
ValueGivenError: batch is 24, and the data has 23 entries.
Give a batch from 1 to 23.
ValueGivenError: a function other than a sum runs over the samples, which blocks cannot add up.
Give all data at once, without blocks; on several ranks write ranks="alone".
{2}
{3}
converged converged
"""


def tell_faults_on_every_rank(said):
    first, second = said("faults", 2)
    told = "RankError: rank 1 has failed: OSError: the disk is gone. 1 step had been taken.\n"
    told += 'With checkpoint="run.safetensors" a run can be resumed.'
    no_form = "method 'closed-form' needs a gradient linear in the parameters, and the loss is not seen to have one."
    flat = "the standard errors are not determined: the loss is flat along a direction."
    hints = ('\nLeave the method out, or write method="newton".', "\nFix a parameter, or write the model with fewer.")
    own = [f"ValueGivenError: {text}{hint}" for text, hint in zip((no_form, flat), hints)]
    theirs = [f"RankError: rank 0 has failed: {text}{hint}" for text, hint in zip((no_form, flat), hints)]
    assert first == TOLD.format(told, "ZeroDivisionError: in the callback", *own)
    assert second == TOLD.format("OSError: the disk is gone", "RankError: rank 0 has failed: ZeroDivisionError: in the callback.", *theirs)


JOBS = ("descents.1", "descents.2", "descents.4", "faults.2", "lost-no.2", "lost-twenty.2", "lost-resumed.2", "stopped.2")


def test_several_processes(tmp_path):
    """One process imports torch, and forks all the others, since starting is what takes long."""
    for name, program in {"descents": DESCENTS, "faults": FAULTS, "lost": LOST, "stopped": STOPPED}.items():
        (tmp_path / f"{name}.py").write_text(program)
    subprocess.run([sys.executable, "-c", HEAD, str(tmp_path), *JOBS], timeout=300, stderr=subprocess.DEVNULL, check=False)

    def said(job: str, size: int) -> list[str]:
        """What every rank prints."""
        return [(tmp_path / f"{job}.{size}.{rank}").read_text() for rank in range(size)]

    find_what_one_finds(said)
    tell_faults_on_every_rank(said)
    leave_a_checkpoint_where_one_is_lost(said, tmp_path)
    end_together_where_one_is_to_stop(said)


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
passes, fatal = [], 20 if job == "lost-twenty" else 0

def blocks():
    passes.append(1)
    if rank == 1 and len(passes) == fatal:
        os._exit(1)
    return [{"X": X[rank::size], "y": y[rank::size]}]

file = f"{folder}/run{job == 'lost-no'}"
found = attempt(f=f, start=start, data=blocks, ranks="own", method="adam", rate=0.05, steps=40, checkpoint=file, every=0.001, resume=True)
if found is not None:
    print(found.parameters["w"].numpy().tobytes().hex(), found.parameters["b"], found.steps, len(found.values), found.outcome)
"""


def leave_a_checkpoint_where_one_is_lost(said, folder):
    whole = said("lost-no", 2)
    assert whole[0] == whole[1]
    first, second = said("lost-twenty", 2)
    assert second == ""
    assert first.startswith("RankError: a rank is lost, or takes no part in the descent: ")
    assert first.partition(". ")[2] == (
        '16 steps had been taken.\nAll ranks have to call descend, with ranks="alone" where each descends by itself. '
        f"Start all ranks again with resume=True: the run goes on from '{folder}/runFalse'.\n"
    )
    assert said("lost-resumed", 2) == whole


STOPPED = """
import signal
passes = []

def blocks():
    passes.append(1)
    if rank == 1 and len(passes) == 8:
        os.kill(os.getpid(), signal.SIGTERM)
    return [{"X": X[rank::size], "y": y[rank::size]}]

file = f"{folder}/stopped"
f = symgd.formula("mean(log(cosh(X*w + b - y)))", given=GIVEN)
given = {"f": f, "start": start, "data": blocks, "ranks": "own", "rate": 0.1, "steps": 40, "checkpoint": file}
found = attempt(**given)  # rank 1 takes the signal when the result is there
print(found.outcome, found.steps, len(found.values), os.path.exists(file))
"""


def end_together_where_one_is_to_stop(said):
    first, second = said("stopped", 2)
    outcome, steps, values, is_there = first.split()
    assert (outcome, is_there) == ("stopped", "True")
    assert 1 <= int(steps) <= 8
    assert int(values) == int(steps) + 1
    assert second == ""


KILLED = """
import os, signal, sys
from symgd.cli import main
from symgd.descent.blocks import BlockedLoss

passes, whole = [], BlockedLoss._here

def counted(self, *given):
    passes.append(1)
    if os.environ["RANK"] == "1" and len(passes) == 20:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(self, *given)

BlockedLoss._here = counted
sys.exit(main(sys.argv[1:]))
"""


def test_a_worker_killed_under_torchrun_ends_all_and_the_run_goes_on_from_the_checkpoint(tmp_path, capsys):
    problem, file, script = tmp_path / "line.toml", tmp_path / "run", tmp_path / "killed.py"
    problem.write_text(
        'formula = "mean((w*x + b - y)^2)"\ngiven = "x[n], y[n]"\nrate = 0.1\nsteps = 50\n'
        "[data]\nx = [0.0, 1.0, 2.0, 3.0]\ny = [1.0, 3.0, 5.0, 8.0]\n[start]\nw = 0.0\nb = 0.0\n",
        encoding="utf-8",
    )
    script.write_text(KILLED, encoding="utf-8")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    asked = ["descend", str(problem), "--checkpoint", str(file), "--every", "0.001", "--resume", "--report"]
    run = {"capture_output": True, "text": True, "env": {**os.environ, "OMP_NUM_THREADS": "1"}, "timeout": 240}
    killed = subprocess.run([*torchrun, str(script), *asked], check=False, **run)
    assert killed.returncode != 0
    assert killed.stdout == ""
    told = killed.stderr.partition("error: ")[2]
    assert told.startswith("a rank is lost, or takes no part in the descent: "), killed.stderr
    assert f"Start all ranks again with resume=True: the run goes on from {str(file)!r}." in told
    reached = len(read_tensors(file)[0]["values"])
    assert 1 <= reached < 20
    resumed = subprocess.run([*torchrun, "-m", "symgd", *asked], check=True, **run).stdout
    assert main(["descend", str(problem), "--report"]) == 0
    assert resumed == capsys.readouterr().out


def test_gpus_speak_by_nccl_and_each_rank_has_its_own(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert [str(device_of(device)) for device in ("cpu", "cuda", "cuda:1")] == ["cpu", "cuda:3", "cuda:1"]
    assert [transport(device_of(device)) for device in ("cpu", "cuda", "cuda:1")] == ["gloo", "nccl", "nccl"]


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
