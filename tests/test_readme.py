"""What README.md shows is what happens: Python sessions, console sessions, and the commands it tells to use."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest

import symgd
from symgd import cli
from symgd.algebra.shorten import RULES
from symgd.descent.methods.table import ROWS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

TEST_COMMAND = "python3 run.py test"
DEMO_COMMAND = "python3 run.py demo"


def blocks(language: str, text: str = README) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def commands(block: str) -> list[tuple[str, str]]:
    """The commands of a console session with their outputs."""
    found: list[tuple[str, str]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            command, output = found[-1]
            found[-1] = (command, f"{output}{line}\n")
    return found


SESSIONS = [pair for block in blocks("console") for pair in commands(block) if pair[0].startswith("symgd ")]


def test_python_sessions() -> None:
    """They go on from one block to the next."""
    assert failures("\n".join(blocks("python"))) == ""


def failures(text: str) -> str:
    """What a Python session prints otherwise than it says."""
    test = doctest.DocTestParser().get_doctest(text, {}, "README", "README.md", 0)
    assert test.examples
    report: list[str] = []
    doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(test, out=report.append)
    return "".join(report)


def test_wrong_session_is_found() -> None:
    assert failures(">>> import symgd\n>>> print(symgd.gradient(symgd.formula('x^2'), 'x'))\n3*x\n") != ""


@pytest.mark.parametrize(("command", "output"), SESSIONS, ids=[command for command, _ in SESSIONS])
def test_console_session(command: str, output: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The command prints what is shown, on standard output and standard error together; `echo $?` shows the exit code."""
    monkeypatch.chdir(ROOT)
    cli.main(shlex.split(command)[1:])
    found = capsys.readouterr()
    assert found.out + found.err == output


def test_there_is_something_to_run() -> None:
    assert len(blocks("python")) >= 3
    assert len(SESSIONS) >= 3


def test_set_up_commands_stand_on_the_first_screen() -> None:
    first = "\n".join(README.splitlines()[:40])
    assert DEMO_COMMAND in first
    assert TEST_COMMAND in first
    assert "∇" in first


def test_continuous_integration_uses_the_same_command() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert TEST_COMMAND in lines


def test_rooms_are_those_there_are() -> None:
    listed = set(re.findall(r"^symgd/(\w+)(?:/|\.py)", "\n".join(blocks("text")), re.M))
    there = {path.stem for path in (ROOT / "symgd").iterdir() if (path / "__init__.py").exists() or path.suffix == ".py"}
    assert listed == there - {"__pycache__", "__init__", "__main__"}


def test_paths_named_exist() -> None:
    for path in re.findall(r"`((?:examples|tests|symgd)/[\w./]*|\.ci/\w+|run\.py)`", README):
        assert (ROOT / path).exists(), path


LATEX = [
    [cell.strip().strip("`") for cell in line.strip("|").split("|")]
    for line in README.split("## LaTeX")[1].split("\n## ")[0].splitlines()
    if line.startswith("| `")
]


@pytest.mark.parametrize(("written", "given", "read"), LATEX, ids=[written for written, _, _ in LATEX])
def test_latex_is_read_as_it_says(written: str, given: str, read: str) -> None:
    assert str(symgd.formula(written, given=given, syntax="latex")) == str(symgd.formula(read, given=plain(given)))


def plain(given: str) -> str:
    """The declarations that the infix reading needs: the same, in the other spelling."""
    declared = re.sub(r"\\mathbf\{(\w)\}", r"\1_bf" if ", w[n]" in given else r"\1", given)
    return "" if "=" in declared else declared


def test_the_table_of_rules_is_the_one_in_the_code() -> None:
    table = README.split("## What is printed")[1].split("## The command line")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| rule |")]
    assert rows == [f"| {rule.name} | `{rule.before}` | `{rule.after}` | `{rule.given}` |" for rule in RULES]


def test_every_method_is_listed() -> None:
    """The table of methods in the README is that of the package."""
    for row in ROWS:
        options = ", ".join(f"{name} {value:g}" for name, value in row.options.items())
        assert f"| `{row.name}` | {row.does} | {row.rate} | {options} |".replace("|  |", "| |") in README
