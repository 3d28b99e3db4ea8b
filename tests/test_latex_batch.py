"""The compilation of all LaTeX that the tests print: what is wrong is found, with the string it is in."""

from __future__ import annotations

import shutil

import latex_batch
import pytest

from symgd.formula import formula, gradient

needs_tex = pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex")


@needs_tex
def test_each_wrong_string_is_found() -> None:
    wrong = [r"\nosuch x", r"\frac{1}{", r"\left(x", "x_1_2", r"\text{a_b}"]
    right = ["x^2", r"\begin{align}" + "\nx &= y \\label{eq:1}\n" + r"\end{align}", r"\bm{x}", "x + " * 100_000 + "1"]
    assert [text for text, _ in latex_batch.compiled(right, "pdflatex")] == []
    for text in wrong:
        errors, remarks = latex_batch.report([*right, text])
        assert any(text in said for said in errors), text
        assert remarks[0].startswith("5 LaTeX strings compiled by pdflatex, ")


@needs_tex
def test_an_error_is_quoted() -> None:
    said = latex_batch.report([r"\nosuch x"])
    assert said == (["pdflatex: Undefined control sequence.\n    \\nosuch x"], ["1 LaTeX strings compiled by pdflatex, 1 with an error."])


def test_what_cannot_be_compiled_here_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    errors, remarks = latex_batch.report(["x", r"\left(" * 300 + "x" + r"\right)" * 300, "온"])
    assert errors == []
    assert remarks == [
        "1 LaTeX strings were not compiled: TeX cannot nest groups as deeply as they are.",
        "1 LaTeX strings were not compiled: there is no pdflatex on this machine.",
        "1 LaTeX strings were not compiled: there is no xelatex on this machine.",
    ]


def test_what_is_printed_is_gathered() -> None:
    g = gradient(formula("sum(cos(x_gathered)^3)", given="x_gathered[n]"), "x_gathered")
    assert g.latex() in latex_batch.gathered
    assert g.steps.latex() in latex_batch.gathered
