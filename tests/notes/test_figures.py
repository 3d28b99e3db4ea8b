"""Figures: that they draw what they say, and are files of their kind."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

import symgd
from symgd.descent import history
from symgd.errors import SymgdError
from symgd.notes.figures.canvas import label, saved
from symgd.notes.figures.grid import Numbers

F = "(w - 2)^2 + 3*b^2"


@pytest.mark.parametrize(("kind", "begin"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_files(kind: str, begin: bytes) -> None:
    data = saved(symgd.plot_curve("x^2", at=1.0), kind)
    assert data.startswith(begin)
    assert data == saved(symgd.plot_curve("x^2", at=1.0), kind)  # drawn again, the same file


def test_tangent_has_the_slope() -> None:
    figure = symgd.plot_slice("x^2*y", ["x", "y"], point={"x": 1, "y": 2}, along=["3/5", "4/5"])
    tangent = figure.axes[0].lines[1]
    (a, b), (p, q) = tangent.get_xdata(), tangent.get_ydata()
    assert (q - p) / (b - a) == pytest.approx(4 * 0.6 + 0.8)


def test_slopes_by_direction_reach_the_norm() -> None:
    figure = symgd.plot_directions("x^2*y", ["x", "y"], point={"x": 1, "y": 2})
    slopes = figure.axes[0].lines[0].get_ydata()
    assert max(slopes) == pytest.approx(math.hypot(4, 1), rel=1e-3)
    assert min(slopes) == pytest.approx(-math.hypot(4, 1), rel=1e-3)


def test_rates_are_told_apart() -> None:
    figure = symgd.plot_rates("(w - 2)^2", {"w": 0.0}, [0.02, 0.3, 0.95, 1.05])
    assert [axes.get_title().split(": ")[1] for axes in figure.axes] == ["too small", "good", "oscillates", "diverges"]


def test_path_is_that_of_the_descent() -> None:
    found = symgd.descend(F, start={"w": 0.0, "b": 1.0}, rate=0.1, steps=5)
    figure = symgd.plot_contours(F, ["w", "b"], descent=found)
    assert list(figure.axes[0].lines[0].get_xdata()) == found.path["w"]
    assert symgd.plot_surface(F, ["w", "b"], descent=found).axes
    assert list(symgd.plot_losses(found).axes[0].lines[0].get_ydata()) == found.values


def test_a_long_descent_is_shown_at_the_steps_that_were_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a path that is thinned out, every second step say, the k-th point is not that of step k."""
    monkeypatch.setattr(history, "_KEPT", 20)
    found = symgd.descend(F, start={"w": 0.0, "b": 1.0}, rate=0.01, steps=50)
    line = symgd.plot_losses(found).axes[0].lines[0]
    assert line.get_xdata().tolist() == [0, 8, 16, 24, 32, 40, 48, 50]
    points = [float(symgd.formula(F).evaluate(w=w, b=b)) for w, b in zip(found.path["w"], found.path["b"])]
    assert list(line.get_ydata()) == pytest.approx(points)
    film = symgd.animate(F, found)
    film.film._func(3)
    assert film.figure.axes[0].get_title() == f"step 24, loss {points[3]:.4g}"
    (on_surface,) = symgd.plot_surface(F, ["w", "b"], descent=found, box=((-1, 3), (-2, 2))).axes[0].lines
    assert list(on_surface.get_data_3d()[2]) == pytest.approx(points)
    assert symgd.plot_losses([3.0, 2.0, 1.0]).axes[0].lines[0].get_xdata().tolist() == [0, 1, 2]


def test_animation(tmp_path: Path) -> None:
    found = symgd.descend("(w - 2)^2", start={"w": 0.0}, rate=0.1, steps=3)
    symgd.animate("(w - 2)^2", found).save(tmp_path / "film.gif")
    assert (tmp_path / "film.gif").read_bytes().startswith(b"GIF8")


def test_mp4(tmp_path: Path) -> None:
    film = symgd.animate("(w - 2)^2", symgd.descend("(w - 2)^2", start={"w": 0.0}, rate=0.1, steps=3))
    if shutil.which("ffmpeg"):
        film.save(tmp_path / "film.mp4")
        assert (tmp_path / "film.mp4").read_bytes()[4:8] == b"ftyp"


def test_mp4_without_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    film = symgd.animate("(w - 2)^2", symgd.descend("(w - 2)^2", start={"w": 0.0}, rate=0.1, steps=3))
    monkeypatch.setattr("matplotlib.animation.FFMpegWriter.isAvailable", lambda: False)
    with pytest.raises(SymgdError) as found:
        film.data(".mp4")
    assert str(found.value) == "MP4 needs ffmpeg, which is not on this machine.\nDebian and Ubuntu: apt install ffmpeg. Or write .gif."
    with pytest.raises(SymgdError) as found:
        film.data(".avi")
    assert str(found.value) == "an animation cannot be written as '.avi'.\nIts ending is one of .gif, .mp4, .html."


@pytest.mark.parametrize(
    ("text", "fixed"), [("(1 - w)^2 + k*b*w", {"k": 2.0}), ("abs(w)*log(b)", {}), ("w + 3", {}), ("mean((w*x - b)^2)", {"x": [1, 2]})]
)
def test_many_points_have_the_numbers_of_each(text: str, fixed: dict[str, object]) -> None:
    numbers = Numbers(symgd.formula(text, given="x[n]" if "x" in fixed else ""), ["w", "b"], fixed)
    points = [[-1.0, 2.0], [0.5, 0.25], [0.0, -1.0], [3.0, 1e-3]]
    values, slopes = numbers.many(points)
    for k, point in enumerate(points):
        value, slope = numbers.at(point)
        assert values[k] == pytest.approx(value, rel=1e-12, nan_ok=True)
        assert list(slopes[k]) == pytest.approx(slope, rel=1e-12, nan_ok=True)


def test_points_of_scalars_are_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = Numbers(symgd.formula("w^2*b"), ["w", "b"], {})
    calls = []
    program = numbers.program
    numbers.program = lambda values: calls.append(1) or program(values)
    numbers.many([[k, 1.0] for k in range(1000)])
    assert len(calls) == 1


def test_labels() -> None:
    assert [label(name) for name in ("theta_1", "y_hat", "loss", "온도")] == [r"$\theta_{1}$", r"$\hat{y}$", r"$\mathrm{loss}$", "온도"]


ERRORS = [
    (
        lambda: symgd.plot_contours("x*y*z"),
        "this figure has two variables for its axes, and there are 3.\nName two variables, and give the others values.",
    ),
    (
        lambda: symgd.plot_contours("x*y*z", ["x", "y"]),
        'z has no value.\nGive it a value: values={"z": 1}, or --at "z=1" on the command line.',
    ),
    (
        lambda: symgd.plot_contours("x*y*z*w", ["x", "y"]),
        'z, w have no value.\nGive them values: values={"z": 1}, or --at "z=1" on the command line.',
    ),
    (
        lambda: symgd.plot_contours("x*y", box=((1, 0), (0, 1))),
        "a box has a lower and a larger upper end for each axis.\n"
        'Write box=((-2, 2), (-1, 3)), or --box "x=[-2, 2], y=[-1, 3]" on the command line.',
    ),
    (
        lambda: symgd.plot_slice("x*y", ["x", "y"], point={"x": 1, "y": 1}, along=[0, 0]),
        "the direction has no length.\nGive one that is not zero.",
    ),
    (lambda: symgd.plot_curve("sqrt(-1 - x^2)"), "the formula has no finite value in the box.\nGive another box."),
    (lambda: symgd.plot_rates("w^2", {"w": 1.0}, []), "there are 0 rates.\nGive one to 6 of them."),
]


@pytest.mark.parametrize(("call", "message"), ERRORS)
def test_errors(call: object, message: str) -> None:
    with pytest.raises(SymgdError) as found:
        call()  # type: ignore[operator]
    assert str(found.value) == message


def test_what_a_declaration_leaves_out_is_not_drawn():
    f = symgd.formula("sum((y - m).^2)/(2*s^2) + n*log(s)", given="y[n], m, s > 0")
    found = symgd.descend(f, start={"m": 0.0, "s": 0.1}, data={"y": [1.0, 2.0, 4.0, 5.0]})
    axes = symgd.plot_descent(f, found).axes[0]
    assert axes.get_ylim()[0] < 0
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$m$", "$s$")
    with pytest.raises(symgd.DomainError, match="s is declared > 0, and its value is -1"):
        symgd.plot_contours(f, ["m", "s"], values={"y": [1.0, 2.0]}, box=((0, 1), (-2, -1)))
