"""The benchmark times nobody whose numbers differ, names who is missing, and writes tables of the shape that README.md has."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from symgd.bench import __main__ as command
from symgd.bench import families, fits, kinds, other_ways, ours, peers, report, torch_ways
from symgd.bench.checking import WrongNumbers, check
from symgd.bench.cold import in_fresh_process
from symgd.bench.kinds import CELLS, Measured, chosen, measured
from symgd.bench.peers import OURS, Peer
from symgd.bench.problems import PROBLEMS, Call, Case
from symgd.bench.timing import QUICK, Effort, Ratio, interleaved, ratio, told
from symgd.lowering.passes import PASSES

README = (Path(__file__).resolve().parent.parent.parent / "README.md").read_text(encoding="utf-8")
ABOUT = {"cores": 2, "processor": "a processor", "threads": 1, "python": "3.11.7", "versions": {"torch": "2.13.0"}}


# ---- checking --------------------------------------------------------------------------------------------------------


def test_equal_numbers_pass() -> None:
    check([1.0, np.array([1.0, 2.0])], [1.0 + 1e-12, torch.tensor([1.0, 2.0], dtype=torch.float64)])
    check([0.0], [0.0])


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([1.0, np.array([1.0, 2.00001])], "result 1 is off by 5e-06 of its largest entry"),
        ([1.0, np.array([1.0, np.nan])], "result 1 is off by inf of its largest entry"),
        ([1.0, np.array([1.0, 2.0, 3.0])], "result 1 is off by inf of its largest entry"),
        ([np.inf, np.array([1.0, 2.0])], "result 0 is off by inf of its largest entry"),
        ([1.0], "it gives 1 arrays, not 2"),
    ],
)
def test_wrong_numbers_are_refused(found: list[Any], reason: str) -> None:
    with pytest.raises(WrongNumbers) as error:
        check(found, [1.0, np.array([1.0, 2.0])])
    assert str(error.value) == reason


# ---- timing ----------------------------------------------------------------------------------------------------------


class _Machine:
    """A clock that calls move on, and that goes half as fast from some moment on."""

    def __init__(self) -> None:
        self.now, self.log = 0.0, list[str]()

    def call(self, name: str, seconds: float) -> Callable[[], None]:
        def run() -> None:
            self.log.append(name)
            self.now += seconds * (2 if len(self.log) > 8 else 1)

        return run


def test_calls_take_turns_and_a_slower_machine_does_not_change_the_ratio() -> None:
    machine = _Machine()
    times = interleaved({"a": machine.call("a", 3.0), "b": machine.call("b", 1.0)}, Effort(5, 0.5, 1e9), lambda: machine.now)
    assert machine.log == ["a", "b"] * 6  # once to see how long it takes, then five rounds
    assert ratio(times["a"], times["b"]) == Ratio(3.0, 3.0, 3.0)


def test_short_calls_are_repeated() -> None:
    machine = _Machine()
    times = interleaved({"a": machine.call("a", 0.001)}, Effort(1, 0.5, 1e9), lambda: machine.now)
    assert len(machine.log) > 200
    assert times["a"] == [pytest.approx(0.002)]


def test_a_ratio_has_quartiles() -> None:
    assert ratio([1.0, 2.0, 3.0, 4.0, 5.0], [1.0] * 5) == Ratio(3.0, 2.0, 4.0)
    assert ratio([4.0], [2.0]) == Ratio(2.0, 2.0, 2.0)


# ---- a cell ----------------------------------------------------------------------------------------------------------


def _planted(case: Case) -> Call:
    """The closed form with a wrong sign in the second gradient."""
    right = other_ways.closed(case)
    return Call(lambda: (lambda value, first, second: (value, first, -second))(*right.call()))


def _raising(case: Case) -> Call:
    raise RuntimeError("no such device\nand more")


def table(**ways: Any) -> dict[str, Peer]:
    rows = [Peer(OURS, (), {"call": ours.call}), *[Peer(name, (), {"call": way}) for name, way in ways.items()]]
    return {row.name: row for row in rows}


def test_a_cell_times_who_is_right_and_nobody_else() -> None:
    rows = table(right=other_ways.closed, wrong=_planted, raises=_raising, none=lambda case: None)
    rows["absent"] = Peer("absent", ("no_such_module",), {"call": other_ways.closed})
    rows["other"] = Peer("other", (), {"fit": fits.scipy})
    found = measured(CELLS["call:rosenbrock"], rows, QUICK)
    assert set(found.seconds) == {OURS, "right"}
    assert set(found.ratios) == {"right"}
    assert all(seconds > 0 for seconds in found.seconds.values())
    assert found.notes == {
        "wrong": "wrong: result 2 is off by 2 of its largest entry",
        "raises": "RuntimeError: no such device",
        "absent": "no_such_module is not installed",
    }


def test_wrong_numbers_of_ours_have_no_time_either() -> None:
    rows = {OURS: Peer(OURS, (), {"call": _planted}), "right": Peer("right", (), {"call": other_ways.closed})}
    found = measured(CELLS["call:rosenbrock"], rows, QUICK)
    assert set(found.seconds) == {"right"}
    assert found.ratios == {}
    assert report.row(report.header("call"), found, found)[1] == ""


def test_a_descent_with_another_rate_is_refused() -> None:
    def hasty(case: Case) -> Any:
        run = other_ways.closed_steps(case)
        return lambda steps: run(steps + 1)

    rows = {OURS: Peer(OURS, (), {"descent": other_ways.closed_steps}), "hasty": Peer("hasty", (), {"descent": hasty})}
    cell = kinds.Cell("descent", "short", "short", kinds.descent_of(replace(PROBLEMS["line"], steps=10)))
    found = measured(cell, rows, QUICK)
    assert set(found.seconds) == {OURS}
    assert found.notes["hasty"].startswith("wrong: result 0 is off by")


def test_who_was_slow_at_a_smaller_size_is_left_out() -> None:
    small = Measured("derive:product:10", "n = 10", seconds={OURS: 0.001, "slow": 2.0})
    rows = {name: Peer(name, (), {"derive": families.ours}) for name in (OURS, "slow", "failed")}
    found = measured(CELLS["derive:product:100"], rows, QUICK, known={small.id: small})
    assert set(found.seconds) == {OURS}
    assert found.notes == {"slow": "left out: 2 s at n = 10", "failed": "left out, as at n = 10"}


# ---- what is written for the peers -----------------------------------------------------------------------------------

MEDIUM = [row for row in PROBLEMS.values() if not row.name.endswith("_large")]


@pytest.mark.parametrize("problem", MEDIUM, ids=[row.name for row in MEDIUM])
def test_the_closed_form_is_the_gradient(problem: Any) -> None:
    case = Case.of(problem)
    wanted = torch_ways.autograd(case).result()
    check(other_ways.closed(case).result(), wanted)
    check(ours.call(case).result(), wanted)
    check(ours.call_without_compiler(case).result(), wanted)
    check(torch_ways.functional(case).result(), wanted)


LOOPS = [row for row in MEDIUM if row.descent is not None]


@pytest.mark.parametrize("problem", LOOPS, ids=[row.name for row in LOOPS])
def test_loops_for_numba_are_right(problem: Any) -> None:
    """As plain Python, on the first rows of the data."""
    case = Case.of(problem)
    data = {name: np.asarray(value)[:50] for name, value in case.data.items()}
    short = Case(problem, case.parameters, data)
    if problem.kernel is not None:
        check(problem.kernel(*case.parameters.values(), *data.values()), other_ways.closed(short).result())
    check(problem.descent(*case.parameters.values(), *data.values(), problem.rate, 3), other_ways.closed_steps(short)(3))
    check(torch_ways.sgd(short)(3), other_ways.closed_steps(short)(3))


@pytest.mark.parametrize("name", families.FAMILIES)
@pytest.mark.parametrize("deriver", [families.ours, families.sympy])
def test_families_are_derived_right(name: str, deriver: Any) -> None:
    family, made = families.FAMILIES[name], deriver()
    where = families.point(family, 6)
    slopes, x = families.derivation(made, family, 6)
    check([made.at(slopes, x, where)], [family.slopes(where, 6)])


@pytest.mark.parametrize("fit", fits.FITS.values(), ids=list(fits.FITS))
def test_fits_end_where_they_should(fit: Any) -> None:
    wanted = fits.reference(fit)
    check(fits.ours(fit).result(), wanted, 1e-6)
    if fit.name == "misra":  # https://www.itl.nist.gov/div898/strd/nls/data/misra1a.shtml
        check(wanted, [2.3894212918e02, 5.5015643181e-04], 1e-10)
        assert fits.squares(fit, wanted) == pytest.approx(1.2455138894e-01, rel=1e-10)


# ---- cells by name ---------------------------------------------------------------------------------------------------


def test_cells_are_chosen_by_their_first_words() -> None:
    assert [cell.id for cell in chosen(["fit", "derive:product:100"])] == ["fit:misra", "fit:decay", "derive:product:100"]
    assert [cell.id for cell in chosen([])] == list(CELLS)
    with pytest.raises(ValueError, match="no cell 'call:li'; cells are call:line, "):
        chosen(["call:li"])


# ---- tables ----------------------------------------------------------------------------------------------------------

FOUND = Measured(
    "call:line", "a line", {OURS: 4e-7, "JAX": 2e-5}, {}, {"JAX": Ratio(50.2, 48.0, 52.6)}, {"numba": "numba is not installed"}
)


def test_the_table_shows_times_and_ratios() -> None:
    lines = report.report([FOUND]).splitlines()
    assert lines[0].split() == " ".join(report.header("call")).split()
    assert lines[1].split("  ")[0] == "a line"
    assert "400 ns" in lines[1]
    assert "50 (48–53)" in lines[1]
    assert lines[-1] == "not measured: numba (numba is not installed)"


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.5e-8, "15 ns"), (4.444e-6, "4.44 µs"), (0.0123, "12.3 ms"), (2.0, "2 s"), (123.4, "123 s"), (None, "")]
)
def test_seconds_are_shown_with_a_unit(seconds: float | None, text: str) -> None:
    assert report.shown(seconds) == text


def test_json_holds_all_of_it() -> None:
    text = json.dumps(report.as_json(ABOUT, [FOUND]), allow_nan=False)
    assert report.from_json(json.loads(text)) == {"call:line": FOUND}


def shape(text: str) -> list[tuple[str, ...]]:
    """Heads of tables in full, of other rows the first cell."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    heads = [k - 1 for k, cells in enumerate(lines) if set(cells[0]) == {"-"}]
    return [tuple(cells) if k in heads else (cells[0], str(len(cells))) for k, cells in enumerate(lines)]


def test_the_readme_has_the_table_that_the_benchmark_makes() -> None:
    inside = README.split(report.BEGIN)[1].split(report.END)[0]
    lines, full = shape(inside), iter(shape(report.readme_tables(ABOUT, dict.fromkeys(CELLS, FOUND))))
    assert all(line in full for line in lines)  # in the order of the whole tables
    assert len(lines) > 20
    rows = [[cell.strip() for cell in line.split("|")] for line in inside.splitlines() if line.startswith("|")]
    assert all(cells[2] for cells in rows)  # symgd has a time


def test_a_row_without_a_time_of_ours_is_not_written() -> None:
    theirs = replace(FOUND, id="call:rosenbrock", seconds={"JAX": 2e-5}, ratios={})
    tables = report.readme_tables(ABOUT, {"call:line": FOUND, "call:rosenbrock": theirs})
    assert [line[0] for line in shape(tables)] == [kinds.TITLES["call"], "---", "a line through 3 points"]


def test_the_readme_is_rewritten_between_its_marks_only() -> None:
    tables = report.readme_tables(ABOUT, {"call:line": FOUND})
    once = report.rewritten(README, tables)
    assert report.rewritten(once, tables) == once
    assert once.split(report.BEGIN)[0] == README.split(report.BEGIN)[0]
    assert once.split(report.END)[1] == README.split(report.END)[1]
    assert "| a line through 3 points | 400 ns |" in once
    with pytest.raises(ValueError, match="has no place for the table"):
        report.rewritten("# A text without marks\n", tables)


# ---- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Peer]]:
    """Peers that need no compiler; what the command sets is set back."""
    rows = table(right=other_ways.closed)
    rows["absent"] = Peer("absent", ("no_such_module",), {"call": other_ways.closed})
    monkeypatch.setattr(peers, "PEERS", rows)
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        monkeypatch.setenv(f"{name}_NUM_THREADS", "1")
    monkeypatch.setenv("XLA_FLAGS", "")
    threads = torch.get_num_threads()
    yield rows
    torch.set_num_threads(threads)


def test_the_command_measures_a_cell(few: dict[str, Peer], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "figures.json"
    assert command.main(["--quick", "--cells", "call:rosenbrock", "--json", str(path)]) == 0
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [
        "not installed, their cells stay empty: absent (no_such_module); pip install 'symgd[bench]'",
        "1/1 call:rosenbrock",
    ]
    assert "Rosenbrock's function" in shown.out
    answer = json.loads(path.read_text(encoding="utf-8"))
    assert set(answer) == {"machine", "cells"}
    assert set(answer["machine"]) == {"processor", "cores", "threads", "python", "versions"}
    assert set(answer["cells"]["call:rosenbrock"]["seconds"]) == {OURS, "right"}
    assert command.main(["--quick", "--cells", "call:line", "--keep", str(path), "--json", str(path)]) == 0
    assert list(json.loads(path.read_text(encoding="utf-8"))["cells"]) == ["call:line", "call:rosenbrock"]


def test_an_interrupt_keeps_what_there_is(few: dict[str, Peer], capsys: pytest.CaptureFixture[str]) -> None:
    def stopping(case: Case) -> Call:
        if case.problem.name == "rosenbrock":
            raise KeyboardInterrupt
        return other_ways.closed(case)

    few["stops"] = Peer("stops", (), {"call": stopping})
    assert command.main(["--quick", "--cells", "call:line,call:rosenbrock"]) == 130
    shown = capsys.readouterr()
    assert "a line through 3 points" in shown.out
    assert "Rosenbrock" not in shown.out
    assert shown.err.splitlines()[-1] == "interrupted: what follows is what was measured before"


def test_a_cell_that_is_not_there_is_an_error(few: dict[str, Peer], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--cells", "call:lines"]) == 2
    assert capsys.readouterr().err.startswith("error: no cell 'call:lines'; cells are call:line, call:rosenbrock, ")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--keep", "{folder}/other.json"], "error: {folder}/other.json was not written by --json."),
        (["--json", "{folder}/none/x.json"], "error: [Errno 2] No such file or directory: '{folder}/none/x.json'."),
    ],
)
def test_files_that_do_not_fit_are_errors_before_anything_is_measured(
    asked: list[str], said: str, few: dict[str, Peer], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.json").write_text('{"a": 1}')
    assert command.main([one.format(folder=tmp_path) for one in asked]) == 2
    assert capsys.readouterr().err == said.format(folder=tmp_path) + "\n"


def test_no_threads_are_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--threads", "0"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith("error: --threads is a whole number from 1 on\n")


def test_installing_the_extra_brings_every_peer() -> None:
    text = (Path(__file__).resolve().parent.parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    extra = text.split("\nbench = [")[1].split("\n]\n")[0] + text.split("dependencies = [")[1].split("\n]\n")[0]
    assert {name for peer in peers.PEERS.values() for name in peer.needs} <= set(re.findall(r'"(\w+)>=', extra))


def test_passes_are_measured_one_by_one(few: dict[str, Peer], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--quick", "--passes", "--cells", "call:rosenbrock"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [name for name in PASSES if f"without {name}" in shown[0]] == list(PASSES)
    assert shown[1].count("(") == len(PASSES) + 1


# ---- fresh processes -------------------------------------------------------------------------------------------------


def test_a_fresh_process_gives_its_time_and_its_numbers(tmp_path: Path) -> None:
    seconds, numbers = in_fresh_process("symgd, no compiler", "rosenbrock", tmp_path)
    assert seconds > 0
    check(numbers, torch_ways.autograd(Case.of(PROBLEMS["rosenbrock"])).result())


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="KeyError: 'nobody'"):
        in_fresh_process("nobody", "rosenbrock", tmp_path)


def test_processes_that_measure_themselves_take_turns() -> None:
    left = {"a": iter((3.0, 4.0)), "b": iter((1.0, 2.0))}
    assert told({name: lambda one=one: next(one) for name, one in left.items()}, Effort(1, 1.0, 1.0)) == {"a": [3.0, 4.0], "b": [1.0, 2.0]}
