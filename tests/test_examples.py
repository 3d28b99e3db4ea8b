"""Every example runs, prints what it shows, and its own assertions hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=120)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_holds(path: Path) -> None:
    found = run(str(path))
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip()
    assert found.stderr == ""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_asserts_its_claim(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "Claim" in text
    assert "    assert " in text


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 6


@pytest.mark.parametrize("formula", ["x*y*exp(-x^2 - z^2)", "log(1 + a^2 + b^2)", "t^3"])
def test_steepest_ascent_of_any_formula(formula: str) -> None:
    found = run(str(ROOT / "examples" / "steepest_ascent.py"), formula)
    assert found.returncode == 0, found.stderr
