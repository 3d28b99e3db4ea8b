"""Figures: that they draw what they say, and are files of their kind."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

import symgd
from symgd.errors import SymgdError
from symgd.notes.figures.canvas import label, saved

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


def test_animation(tmp_path: Path) -> None:
    found = symgd.descend("(w - 2)^2", start={"w": 0.0}, rate=0.1, steps=3)
    symgd.animate("(w - 2)^2", found).save(tmp_path / "film.gif")
    assert (tmp_path / "film.gif").read_bytes().startswith(b"GIF8")


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
        "a box has a lower and a larger upper end for each axis.\nWrite box=((-2, 2), (-1, 3)).",
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
