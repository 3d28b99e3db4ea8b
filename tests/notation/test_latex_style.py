"""The options of LaTeX output, and that what they give is read back and compiles."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import symgd
from symgd import FormulaError, formula
from symgd.algebra.functions.table import rows
from symgd.notation.statements import statement_of
from tests.losses import LOSSES
from tests.notation.test_latex import FORMULAS

LEAST = ("norm2(A*x - b)^2/2 + b'*A*x", "A[m,n], x[n], b[m]")
STYLES: list[tuple[dict[str, Any], str]] = [
    ({}, r"\frac{\left\lVert A x - b\right\rVert_2^{2}}{2} + b^{\top} A x"),
    ({"transpose": "T"}, r"\frac{\left\lVert A x - b\right\rVert_2^{2}}{2} + b^{T} A x"),
    ({"transpose": "'"}, r"\frac{\left\lVert A x - b\right\rVert_2^{2}}{2} + b' A x"),
    ({"bold": "vectors"}, r"\frac{\left\lVert A \bm{x} - \bm{b}\right\rVert_2^{2}}{2} + \bm{b}^{\top} A \bm{x}"),
    ({"bold": "arrays"}, r"\frac{\left\lVert \bm{A} \bm{x} - \bm{b}\right\rVert_2^{2}}{2} + \bm{b}^{\top} \bm{A} \bm{x}"),
    ({"fractions": "slash"}, r"\left\lVert A x - b\right\rVert_2^{2} / 2 + b^{\top} A x"),
    ({"brackets": "plain"}, r"\frac{\lVert A x - b\rVert_2^{2}}{2} + b^{\top} A x"),
]


@pytest.mark.parametrize(("options", "expected"), STYLES)
def test_style(options: dict[str, Any], expected: str) -> None:
    f = formula(LEAST[0], given=LEAST[1])
    assert f.latex(**options) == expected
    assert formula(expected, given=f.given, syntax="latex") == f


@pytest.mark.parametrize(("text", "given", "expected"), FORMULAS)
def test_every_style_is_read_back(text: str, given: str, expected: str) -> None:
    f = formula(text, given=given)
    for options, _ in STYLES:
        written = f.latex(**options)
        verdict = symgd.check(f"{f} = {f}", given=f.given)
        assert verdict.grade in ("proved", "agrees", "undecided")
        assert formula(written, given=f.given, syntax="latex").shape == f.shape, written


@pytest.mark.parametrize(("transpose", "expected"), [(r"\top", r"S^{-\top} x"), ("T", r"S^{-T} x"), ("'", r"\left(S^{-1}\right)' x")])
def test_the_transpose_of_an_inverse(transpose: str, expected: str) -> None:
    f = formula("inv(S)'*x", given="S[n,n], x[n]")
    assert f.latex(transpose=transpose) == expected
    assert formula(expected, given=f.given, syntax="latex") == f


def test_entries_of_bold_vectors_are_not_bold() -> None:
    assert formula("x[1]*y", given="x[n], y[n]").latex(bold="vectors") == r"x_{1} \bm{y}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transpose": "t"}, "unknown transpose 't'.\nIt is one of \\top, T, '."),
        ({"bold": "all"}, "unknown bold 'all'.\nIt is one of none, vectors, arrays."),
        ({"fractions": "over"}, "unknown fractions 'over'.\nIt is one of frac, slash."),
        ({"brackets": "big"}, "unknown brackets 'big'.\nIt is one of sized, plain."),
    ],
)
def test_unknown_styles_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FormulaError) as caught:
        formula("x").latex(**options)
    assert str(caught.value) == message


def test_numbered_and_labelled() -> None:
    steps = symgd.gradient(formula("x^2*sin(x)"), "x").steps
    assert steps.latex(detail="brief", environment="align", label="eq:f", rules=False) == (
        r"\begin{align}"
        "\n"
        r"\frac{\partial}{\partial x} \left(x^{2} \sin\left(x\right)\right) "
        r"&= 2 x \sin\left(x\right) + x^{2} \cos\left(x\right) \label{eq:f:1}"
        "\n"
        r"\end{align}"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "eq:f"}, 'a label needs numbered lines.\nWrite latex(environment="align", label="eq:f").'),
        ({"environment": "aligne"}, "unknown environment 'aligne'.\nDid you mean 'aligned'?"),
    ],
)
def test_unknown_environments_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FormulaError) as caught:
        symgd.gradient(formula("x^2"), "x").steps.latex(**options)
    assert str(caught.value) == message


def displays() -> list[str]:
    """What stands in displays of its own: formulas in every style, and derivations."""
    found = []
    for text, given, _ in FORMULAS:
        f = formula(text, given=given)
        found += [rf"\[{f.latex(**options)}\]" for options, _ in STYLES]
        found.append(rf"\[{f.latex('index')}\]")
    for text, given, names in LOSSES:
        steps = symgd.gradient(formula(text, given=given), names[0]).steps
        found.append(rf"\[{steps.latex()}\]")
        found.append(rf"\[{steps.latex(form='component', bold='vectors')}\]")
        found.append(steps.latex(detail="full", environment="align", label=f"eq:{len(found)}", transpose="T"))
    for name in sorted(symgd.function_names()):
        for text in (f"{name}(x)", f"{name}(x, y)", f"{name}(v)", f"{name}(A)"):
            try:
                found.append(rf"\[{formula(text, given='x, y, v[n], A[n,n]').latex()}\]")
            except symgd.SymgdError:
                continue  # the function is of something else
    return found


def test_all_of_it_compiles(tmp_path: Path) -> None:
    """One run of pdflatex over formulas in every style, derivations, and every function."""
    if not shutil.which("pdflatex"):
        pytest.skip("pdflatex is not installed: apt-get install texlive-latex-extra")
    body = "\n".join(displays())
    assert body.isascii()
    source = (
        "\\documentclass{article}\n\\usepackage[paperwidth=500cm,paperheight=100cm]{geometry}\n\\usepackage{amsmath,bm}\n"
        f"\\begin{{document}}\n{body}\n\\end{{document}}\n"
    )
    (tmp_path / "all.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "all.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120, check=False)
    assert run.returncode == 0, "\n".join(line for line in run.stdout.splitlines() if line.startswith(("!", "l.")))


def test_every_function_states_its_derivative() -> None:
    from symgd.calculus.steps.rules import of_function

    silent = [row.name for row in rows() if " = " not in statement_of(of_function(row))]
    assert silent == ["matrix_power"]
