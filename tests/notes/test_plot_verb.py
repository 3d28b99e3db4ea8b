"""`symgd plot` as a new user meets it: what it writes, and the full text of what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from symgd.cli import main

ENDINGS = "Its ending is one of .png, .pdf, .svg, .pgf."
REFUSED = [
    (["3"], "the formula has no scalar variable for an axis."),
    (
        ["norm2(x)", "--given", "x[n]"],
        "the formula has no scalar variable for an axis.\n"
        "Draw a slice of an array along a direction: symgd.plot_slice, or --kind slice on the command line.",
    ),
    (["x*y*z"], 'y, z have no value.\nGive them values: values={"y": 1}, or --at "y=1" on the command line.'),
    (["x*y", "--kind", "curve"], 'y has no value.\nGive it a value: values={"y": 1}, or --at "y=1" on the command line.'),
    (["x^2", "y"], "unknown variable 'y'.\nThe variables are x."),
    (["x^2", "--at", "y=1"], "unknown variable 'y'.\nThe variables are x."),
    (["x^2", "--at", "x=1, x=2"], "x is given twice.\n    x=1, x=2\n         ^"),
    (["x^2", "--at", "x=nan"], "'nan' is not a number.\n    x=nan\n      ^^^\nWrite numbers as 2, -0.5, 1e-3 or 3/5."),
    (["x^2", "-o", "a.bmp"], f"a figure of this kind cannot be written to 'a.bmp'.\n{ENDINGS}"),
    (["x^2", "-o", "no/such/a.png"], "cannot write 'no/such/a.png': no such file or directory."),
    (
        ["x^2", "--kind", "animation", "--start", "x=1"],
        "a figure of this kind cannot be written to 'figure.png'.\nIts ending is one of .gif, .mp4, .html.",
    ),
    (["x^2", "--kind", "animation", "-o", "a.gif"], 'a descent needs a start.\nWrite --start "w=0".'),
    (
        ["x^2", "--box", "x=[2, 1]"],
        "a box has a lower and a larger upper end for each axis.\n"
        'Write box=((-2, 2), (-1, 3)), or --box "x=[-2, 2], y=[-1, 3]" on the command line.',
    ),
    (["x^2", "--box", "x=3"], 'a range has two ends.\nWrite --box "x=[-2, 2], y=[-1, 3]".'),
    (["x^2", "--box", "z=[1, 2]"], "z is no axis of the figure.\nThe axes are x."),
    (["sqrt(-1 - x^2)"], "the formula has no finite value in the box.\nGive another box."),
    (
        ["x^2 + y^2", "--box", "x=[1e300, 1e308], y=[0, 1]"],
        "the formula has no finite value in the box.\nGive another box.",
    ),
    (["x^2", "--kind", "slice"], 'a slice needs a direction.\nWrite --along "3/5, 4/5".'),
    (["x*y", "--along", "1", "--at", "x=1, y=1"], "the direction needs 2 components, one for each of x, y."),
    (["x*y", "--along", "0, 0", "--at", "x=1, y=1"], "the direction has no length.\nGive one that is not zero."),
    (["x*y", "--along", "1, 1"], "the point has no value for x.\nGive every variable a value."),
    (["x*y", "--kind", "directions"], "the point has no value for x.\nGive every variable a value."),
    (["x^2", "--start", "x=1", "--rate", "abc"], "argument --rate: 'abc' is not a number.\nsymgd plot --help shows what it takes."),
    (["x^2", "--start", "x=1", "--steps", "0"], "steps is 0, not a whole number from 1.\nWrite steps=100."),
    (["(w*x)^2", "--start", "w=1"], "x has neither a start nor data.\nGive a start to make a variable a parameter, or data."),
    (["x +"], "unexpected end: expected a number, a name or an opening bracket.\n    x +\n       ^"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_what_cannot_be_drawn_is_refused(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plot", *arguments]) == 2
    said = capsys.readouterr()
    assert said.err == f"error: {message}\n"
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []


DRAWN = [
    ["exp(exp(x^4))"],  # infinite at the ends
    ["1e300*x^9"],
    ["1/x"],
    ["floor(x)"],
    ["a + 0*b", "a", "b"],  # a plane, of which one slope is 0
    [r"\hat{y}^2 + \theta_1", "--latex"],
    ["x^2", "--start", "x=1", "--rate", "1e9"],  # leaves every box
    ["x^2", "--start", "x=1", "--rate", "1e9", "--rate", "0.1"],
    ["mean((w*x - y)^2)", "--given", "x[n], y[n]", "--at", "x=[1, 2], y=[2, 4]", "--start", "w=0", "--rate", "0.05"],
]


@pytest.mark.parametrize("arguments", DRAWN, ids=" ".join)
def test_unusual_formulas_are_drawn(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plot", *arguments]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("wrote figure.png\n", "")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_names_in_another_script_are_labels(tmp_path: Path) -> None:
    """Where no font has the letters, matplotlib warns of it; the figure is drawn."""
    assert main(["plot", "온도^2 + 시간", "--output", str(tmp_path / "a.svg")]) == 0
    assert (tmp_path / "a.svg").read_bytes().startswith(b"<?xml")
