"""Lecture notes: what stands in them, that they compile, that wrong claims are not set as true, that hostile input is refused."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

import symgd
from symgd.cli import main
from symgd.descent import history
from symgd.errors import SymgdError
from symgd.notes.document import text_of
from symgd.notes.fill import filled
from symgd.notes.mathematics import mathml
from symgd.notes.pdf import first_error, pdf
from symgd.notes.tex import escaped
from symgd.notes.widths import broken, width

CASES = [
    (r"x^2\sin x", "x", "x"),
    (r"\frac{1}{N}\sum_{i=1}^{N}\left(w x_i + b - y_i\right)^2", "w", "x[N], y[N], w, b"),
    (r"\log\left(1+e^{-y\,w^\top x}\right)", "w", "w[d], x[d], y"),
    (r"\tfrac12 x^\top A x - b^\top x", "x", "A[n,n] symmetric, x[n], b[n]"),
]
needs_tex = pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex")


@pytest.mark.parametrize(("formula", "variable", "given"), CASES)
def test_derivation_and_gradient_stand_in_the_notes(formula: str, variable: str, given: str) -> None:
    notes = symgd.write_notes(formula, given=given, latex=True, variables=variable)
    g = symgd.gradient(symgd.formula(formula, given=given, syntax="latex"), variable)
    tex = notes.tex()
    assert g.latex() in tex
    assert all(line.rule in tex for line in g.steps.lines)
    assert notes.complaints == ()


@needs_tex
def test_notes_compile(tmp_path: Path) -> None:
    for number, (formula, variable, given) in enumerate(CASES):
        path = tmp_path / f"{number}.pdf"
        symgd.write_notes(formula, path, given=given, latex=True, variables=variable)
        assert path.read_bytes().startswith(b"%PDF")


@needs_tex
def test_tex_error_is_quoted() -> None:
    with pytest.raises(SymgdError, match=r"pdflatex stopped: Undefined control sequence. \(l.2 \\nosuch"):
        pdf("\\documentclass{article}\\begin{document}\n\\nosuch\n\\end{document}", {})


def test_first_error_of_a_log() -> None:
    assert first_error("(./notes.tex\n! Missing $ inserted.\n<inserted text>\nl.7 x^\n") == "Missing $ inserted. (l.7 x^)"


def test_a_table_of_a_long_descent_names_the_steps_that_were_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_KEPT", 10)
    tex = symgd.write_notes("(w - 2)^2", start={"w": 0.0}, rate=0.1, steps=50).tex()
    table = tex[tex.index("Gradient descent") :]
    assert re.findall(r"(\d+) & \$", table) == ["0", "8", "16", "24", "32", "40", "48", "50"]


def test_html_is_well_formed_and_loads_nothing() -> None:
    html = symgd.write_notes("x^2*y", point={"x": 1, "y": 2}, direction=["3/5", "4/5"]).html()
    root = ElementTree.fromstring(html.removeprefix("<!DOCTYPE html>"))
    assert {node.tag.rpartition("}")[2] for node in root.iter()} >= {"math", "table", "h2"}
    assert re.findall(r'(?:src|href)="(?!data:)', html) == []


def test_wrong_claim_is_not_set_as_true() -> None:
    wrong, right = "diff(x^2, x) = 3*x", "diff(x^2, x) = 2*x"
    notes = symgd.write_notes("x^2", claims=[wrong, right])
    assert notes.complaints == (f"wrong: {wrong}: the sides differ at a point of the domain.",)
    assert r"\textbf{Wrong}: \texttt{" + escaped(wrong) in notes.tex()
    assert r"Proved: \texttt{" + escaped(right) in notes.tex()


def test_wrong_claim_in_latex_stands_as_text_only() -> None:
    claim = r"\frac{d}{dx} x^2 = 3x"
    tex = symgd.write_notes("x^2", latex=True, claims=[claim]).tex()
    assert claim not in tex
    assert escaped(claim) in tex


def document(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "notes.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_document(tmp_path: Path) -> None:
    text = (
        "# On $x$\n\nSome *prose* & more.\n\n```symgd-problem\nformula = 'x^2'\nstart = {x = 1}\nrate = 0.1\nsteps = 30\n```\n\n- a\n- b\n"
    )
    notes = symgd.write_notes(document(tmp_path, text), tmp_path / "out.md")
    assert "2 x" in (tmp_path / "out.md").read_text(encoding="utf-8")
    assert r"Some \emph{prose} \& more." in notes.tex()
    assert "with the gradient from autograd" in notes.tex()


def test_toml(tmp_path: Path) -> None:
    path = tmp_path / "notes.toml"
    path.write_text('title = "T"\ntext = "Prose."\n[[problem]]\nformula = "x^3"\norder = 2\n', encoding="utf-8")
    assert "6 x" in symgd.write_notes(path).tex()


PROSE = """\
# Notes

Let $f(x) = x^2$, so that $f'(x) = 3x$ and
$$\\frac{d}{dx} x^3 = 3 x^2.$$
Then $\\nabla T = 0$.

```symgd-problem
formula = "x^2"
```

```symgd-claim
claim = "diff(x^2, x) = 4*x"
```

Also $1 = 2$.
"""
WRONG = (
    "line 3: wrong: f'(x) = 3x: the sides differ at a point of the domain.",
    "line 12: wrong: diff(x^2, x) = 4*x: the sides differ at a point of the domain.",
    "line 15: wrong: 1 = 2: the sides differ at a point of the domain.",
)
UNSURE = (
    r"line 5: not checked: \nabla T = 0: it cannot be read: T is a variable, and no function: its gradient is not known. "
    'Define it, as in given="T(x,y) = x^2 + y", or declare an unknown function, T(x,y).',
)


def test_equations_in_the_prose_are_checked(tmp_path: Path) -> None:
    notes = symgd.write_notes(document(tmp_path, PROSE))
    assert notes.complaints == WRONG
    assert notes.remarks == UNSURE


def test_equations_in_the_text_of_a_toml_file_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "notes.toml"
    path.write_text('text = "First.\\n\\nThen $1 = 2$ and $x = x$."\n[[problem]]\nformula = "x^3"\n', encoding="utf-8")
    assert symgd.write_notes(path).complaints == ("line 3 of text: wrong: 1 = 2: the sides differ at a point of the domain.",)


def test_a_document_with_a_wrong_equation_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notes", str(document(tmp_path, PROSE)), "--output", str(tmp_path / "out.tex")]) == 1
    said = capsys.readouterr()
    assert said.out == f"wrote {tmp_path / 'out.tex'}\n"
    assert said.err.splitlines() == [*WRONG, *(f"warning: {one}" for one in UNSURE)]
    assert main(["notes", str(document(tmp_path, "Now $1 + 1 = 2$.\n")), "--output", str(tmp_path / "out.tex")]) == 0
    assert capsys.readouterr().err == ""


HOSTILE = [
    ("$\\input{/etc/passwd}$", "\\input cannot stand in a formula of the notes."),
    ("$x^^5cinput$", "an argument is missing here."),
    ("$$\\write18{ls}$$", "\\write cannot stand in a formula of the notes."),
    ("```symgd-problem\nformula = 'x'\nshell = 'ls'\n```", "unknown key 'shell'."),
    ("```symgd-problem\nformulas = 'x'\n```", "unknown key 'formulas'."),
    ("```symgd-problem\nformula = \"mean(x)\"\ngiven = 'x[n]'\ndata = '../../etc/passwd'\n```", "stand outside the folder of the notes."),
    ("```symgd-problem\nformula = 'x'\nsteps = 10000000\n```", "steps is 10000000, not a whole number from 1 to 100000."),
    ("```symgd-problem\nformula = 'x'\npoint = {x = nan}\n```", "point: x is nan, not a finite number or a list of them."),
    ("```symgd-problem\nformula = " + "[" * 3000 + "\n```", "brackets are nested too deeply."),
    ("```symgd-run\nls\n```", "unknown block 'symgd-run'."),
    ("```symgd-problem\nformula = \n```", "invalid value"),
    ("```symgd-problem\nformula = 'x +'\n```", "line 2"),
    ("```\nopen", "this block is never closed."),
]


@pytest.mark.parametrize(("text", "said"), HOSTILE)
def test_hostile_documents_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SymgdError) as found:
        symgd.write_notes(document(tmp_path, text), tmp_path / "out.tex")
    assert said.lower() in str(found.value).lower()
    assert "notes.md" in str(found.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.md"]


def test_unknown_key_has_a_suggestion() -> None:
    with pytest.raises(SymgdError) as found:
        symgd.write_notes("x^2", ponit={"x": 1})
    assert str(found.value) == "the notes: unknown key 'ponit'.\nDid you mean point?"


def test_prose_speaks_of_what_the_problems_declare(tmp_path: Path) -> None:
    text = r"""Let $f(w) = \frac12\|Xw-y\|^2$. Then $\nabla f(w) = X^\top(Xw - y)$.

Wrong is $\nabla f(w) = 2X^\top(Xw - y)$.

```symgd-problem
formula = "norm2(X*w - y)^2/2"
given = "X[m,n], w[n], y[m]"
variables = "w"
```
"""
    path = tmp_path / "notes.md"
    path.write_text(text)
    notes = symgd.write_notes(path)
    assert notes.complaints == (r"line 3: wrong: \nabla f(w) = 2X^\top(Xw - y): the sides differ at a point of the domain.",)
    assert notes.remarks == ()
    path.write_text(text + '\n```symgd-problem\nformula = "y^2"\ngiven = "y"\nvariables = "y"\n```\n')
    assert len(symgd.write_notes(path).remarks) > 0  # y is declared in two ways: the text says which is meant to nobody


def test_prose_acts_on_nothing(tmp_path: Path) -> None:
    tex = symgd.write_notes(document(tmp_path, "\\input{x} % <b> ^^5c\n")).tex()
    assert r"\textbackslash{}input\{x\} \% \textless{}b\textgreater{} \textasciicircum{}\textasciicircum{}5c" in tex
    html = text_of(symgd.write_notes(document(tmp_path, "<script>alert(1)</script>\n")), ".html")
    assert "<script" not in html


def test_output_never_replaces_its_source(tmp_path: Path) -> None:
    path = document(tmp_path, "text\n")
    with pytest.raises(SymgdError, match=r"the notes would overwrite the file they come from\."):
        symgd.write_notes(path, path)


def test_unknown_ending() -> None:
    with pytest.raises(SymgdError) as found:
        symgd.write_notes("x^2", "notes.exe")
    assert str(found.value) == "notes cannot be written to 'notes.exe'.\nIts ending is one of .tex, .pdf, .html, .md."


def test_korean_needs_its_package_only_where_it_is(tmp_path: Path) -> None:
    assert r"\usepackage{kotex}" in symgd.write_notes(document(tmp_path, "경사 하강법\n")).tex()
    assert r"\usepackage{kotex}" not in symgd.write_notes("x^2").tex()


MARKED = "before\n% symgd: given A[m,n], x[n], b[m]\n\\[\n  % symgd: gradient of norm2(A*x - b)^2 wrt x\n\\]\nafter\n"


def test_fill_is_idempotent_and_keeps_the_rest() -> None:
    once = filled(MARKED)
    assert (once.markers, once.changed) == (1, 1)
    new = "  2 A^{\\top} \\left(A x - b\\right)\n  % symgd: end\n"
    assert once.text == MARKED.replace("wrt x\n", f"wrt x\n{new}")
    twice = filled(once.text)
    assert (twice.text, twice.changed) == (once.text, 0)


def test_fill_mends_what_stands_between_markers() -> None:
    text = "% symgd: gradient of $x^2$ wrt x\n3 x\n% symgd: end\n"
    assert filled(text).text == text.replace("3 x", "2 x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("% symgd: end\n", "line 1: this end has no beginning."),
        ("\n% symgd: grdient of x wrt x\n", "line 2: this marker is not understood: 'grdient of x wrt x'."),
        ("% symgd: gradient of x + wrt x\n", "line 1: "),
        ("% symgd: gradient of x^2 wrt q\n", "line 1: unknown variable 'q'."),
    ],
)
def test_fill_errors(text: str, said: str) -> None:
    with pytest.raises(SymgdError) as found:
        filled(text)
    assert str(found.value).startswith(said)


def test_mathml_of_what_is_printed() -> None:
    for formula, variable, given in CASES:
        f = symgd.formula(formula, given=given, syntax="latex")
        for chain in symgd.gradient(f, variable).steps.latex_chains():
            for latex in chain:
                ElementTree.fromstring(mathml(latex))


def test_wide_formulas_are_broken_at_terms() -> None:
    latex = " + ".join(f"x_{{{k}}}" for k in range(60))
    pieces = broken(latex, 20)
    assert " ".join(pieces) == latex
    assert all(width(piece) <= 21 for piece in pieces)


def test_a_function_stands_apart_from_what_is_before_it() -> None:
    assert '<mi>y</mi><mo lspace="0.17em" rspace="0">cos</mo>' in mathml(r"y \cos\left(x\right)")
    assert '<mo lspace="0.17em" rspace="0.17em">log</mo><mi>x</mi>' in mathml(r"\log x")
