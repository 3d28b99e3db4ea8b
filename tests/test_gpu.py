"""The script for machines with a GPU runs, says so where there is none, and finds a planted fault."""

from __future__ import annotations

import pytest
import torch

from symgd.bench.problems import PROBLEMS, Case
from tests import gpu


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_claimed(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main() == 0
    assert capsys.readouterr().out == "torch sees no GPU here: nothing is checked.\n"


def test_the_checks_pass_on_the_processor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gpu, "BACKENDS", ("eager",))
    assert gpu.main("cpu", ("decay",)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "decay, float64, eager on cpu",
        "decay, float32, eager on cpu",
        "decay, descent on cpu",
    ]


def test_a_wrong_number_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "BACKENDS", ("eager",))
    right = gpu.numbers
    seen: list[int] = []

    def planted(found: object) -> list[object]:
        seen.append(1)
        return [value * (1 if len(seen) == 1 else 1.01) for value in right(found)]

    monkeypatch.setattr(gpu, "numbers", planted)
    faults = gpu.calls(Case.of(PROBLEMS["decay"]), "cpu")
    assert [fault.split(" is off")[0] for fault in faults] == [
        "decay, float64, eager on cpu: result 0",
        "decay, float32, eager on cpu: result 0",
    ]
