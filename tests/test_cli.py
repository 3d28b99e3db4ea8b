"""The command line: what each verb prints, its exit codes, and the full text of its messages. Never a traceback."""

from __future__ import annotations

import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import symgd
from symgd import cli
from symgd.cli import descend as descending
from symgd.cli import figure as figures
from symgd.cli import values
from symgd.cli.verb import Verb

ROOT = Path(__file__).resolve().parent.parent
DESCENT = ("descend", "(w - 2)^2", "--start", "w=0", "--rate", "0.1")


class Run:
    """What one command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        assert "Traceback" not in out + err

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


class Command:
    """Runs the command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys, self.monkeypatch = capsys, monkeypatch

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Run:
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = cli.main(arguments)
        found = self.capsys.readouterr()
        return Run(code, found.out, found.err)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(capsys, monkeypatch)


def process(*arguments: str, stdin: bytes = b"", python: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The command line in a process of its own."""
    line = [sys.executable, *python, "-m", "symgd", *arguments]
    return subprocess.run(line, input=stdin, capture_output=True, cwd=ROOT, env={**os.environ, **environment}, timeout=60)


# ---- help and usage --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_every_verb(command: Command, option: str) -> None:
    found = command(option)
    assert found.code == 0
    assert all(re.search(rf"^  {name} ", found.out, re.M) for name in cli.VERBS)


@pytest.mark.parametrize("verb", cli.VERBS.values(), ids=lambda verb: verb.name)
def test_help_of_a_verb(command: Command, verb: Verb) -> None:
    found = command(verb.name, "--help")
    assert found.code == 0
    assert found.out.startswith(f"usage: symgd {verb.name}")
    assert all(example in found.out for example in verb.examples)


def test_version(command: Command) -> None:
    assert re.fullmatch(r"symgd \d+\.\d+\.\d+\n", command("--version").out)


USAGE = {
    (): "error: a verb is missing.\nsymgd --help lists the verbs.\n",
    ("differentiate", "x^2"): "error: unknown verb 'differentiate'.\nThe verbs are derive, check, compare, descend, notes, plot, export.\n",
    ("derve", "x^2"): "error: unknown verb 'derve'.\nDid you mean derive?\n",
    ("--verbose",): "error: unknown option '--verbose'.\nThe verbs are derive, check, compare, descend, notes, plot, export.\n",
    ("derive",): "error: the following arguments are required: FORMULA.\nsymgd derive --help shows what it takes.\n",
    ("derive", "x^2", "x", "--fast"): "error: unrecognized arguments: --fast.\nsymgd derive --help shows what it takes.\n",
    ("derive", "x^2", "x", "--giv", "x"): "error: unrecognized arguments: --giv x.\nsymgd derive --help shows what it takes.\n",
    ("derive", "x^2", "--given"): "error: argument --given: expected one argument.\nsymgd derive --help shows what it takes.\n",
    ("derive", "x^2", "--normalize"): "error: --normalize needs --along, and first order.\n",
    ("derive", "x^2", "--detail", "full"): "error: --detail needs --steps.\n",
    ("derive", "x^2", "--form", "vector"): "error: --form needs --steps.\n",
    ("derive", "x^2", "--steps", "--detail", "x"): (
        "error: argument --detail: invalid choice: 'x' (choose from 'brief', 'normal', 'full').\nsymgd derive --help shows what it takes.\n"
    ),
    ("export", "x^2"): "error: the following arguments are required: --output.\nsymgd export --help shows what it takes.\n",
    ("export", "x^2", "--output", "f.txt"): (
        "error: cannot export to 'f.txt': it has the suffix '.txt'.\n"
        "Write .py for a torch module, .pt2 for torch.export, .c for C with a header.\n"
    ),
    ("export", "x^2", "q", "--output", "f.py"): "error: unknown variable 'q'.\nThe variables are x.\n",
    ("compare", "x^2"): "error: the following arguments are required: --at.\nsymgd compare --help shows what it takes.\n",
    ("descend", "x^2"): "error: the following arguments are required: --start.\nsymgd descend --help shows what it takes.\n",
    (*DESCENT[:-1], "fast"): "error: argument --rate: 'fast' is not a number.\nsymgd descend --help shows what it takes.\n",
    (*DESCENT, "--steps", "1.5"): (
        "error: argument --steps: '1.5' is not a whole number from 1 on.\nsymgd descend --help shows what it takes.\n"
    ),
}


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_usage_messages(command: Command, arguments: tuple[str, ...]) -> None:
    found = command(*arguments)
    assert (found.code, found.out, found.err) == (2, "", USAGE[arguments])


# ---- derive ----------------------------------------------------------------------------------------------------------


def derivative_in(out: str, label: str) -> symgd.Formula:
    """The formula after `label = ` in what derive printed."""
    line = next(line for line in out.splitlines() if line.startswith(f"{label} = "))
    return symgd.formula(line.removeprefix(f"{label} = "))


def test_derive_prints_text_shape_and_latex(command: Command) -> None:
    found = command("derive", "x^2 + sin(x)", "x")
    latex = symgd.formula("2*x + cos(x)").latex()
    assert found.out == f"f = x^2 + sin(x)\n\ndf/dx = 2*x + cos(x)\nshape: a scalar\nLaTeX: {latex}\n"
    assert (found.code, found.err) == (0, "")


def test_derivative_reads_back(command: Command) -> None:
    found = derivative_in(command("derive", "x^3*exp(x)", "x").out, "df/dx")
    assert float(found.evaluate(x=2)) == pytest.approx((12 + 8) * math.exp(2), rel=1e-15)


def test_derive_shows_steps(command: Command) -> None:
    found = command("derive", "x^2*sin(x)", "x", "--steps").out
    assert "  = diff(x^2, x)*sin(x) + x^2*diff(sin(x), x)    product rule\n" in found
    assert "\\begin{aligned}" in found
    (derivative,) = command("derive", "x^2*sin(x)", "x", "--steps", "--detail", "brief", "--json").json["derivatives"]
    assert derivative["steps"][-1]["after"] == derivative["derivative"]
    assert derivative["steps_given"] == "x"


def test_derive_by_an_array(command: Command) -> None:
    found = command("derive", "norm2(A*x - b)^2", "x", "--given", "A[m,n], x[n], b[m]").out.splitlines()
    assert found[2] == "∇f = 2*A'*(A*x - b)"


def test_derive_by_every_variable(command: Command) -> None:
    found = command("derive", "x^2*y").out
    assert derivative_in(found, "∂f/∂x") == symgd.formula("2*x*y")
    assert derivative_in(found, "∂f/∂y") == symgd.formula("x^2")


def test_options_may_stand_anywhere(command: Command) -> None:
    assert command("derive", "--given", "x[n]", "norm2(x)^2", "--json", "x").json["derivatives"][0]["derivative"] == "2*x"


def test_formula_with_a_leading_minus(command: Command) -> None:
    found = command("derive", "-x^2", "x")
    assert (found.code, found.out.splitlines()[2]) == (0, "df/dx = -2*x")
    assert command("derive", "--", "x", "--x").err.startswith("error: unknown variable '--x'.")
    assert command("derive", "--", "-x^2", "x").out == found.out


def test_derive_json(command: Command) -> None:
    found = command("derive", "sum(x.*y)", "x", "--given", "x[n], y[n]", "--json").json
    assert found["formula"] == str(symgd.formula("sum(x.*y)", given="x[n], y[n]"))
    assert (found["variables"], found["order"], found["along"], found["given"]) == (["x"], 1, None, "x[n], y[n]")
    [derivative] = found["derivatives"]
    assert derivative["label"] == "∇f"
    assert derivative["variables"] == ["x"]
    assert derivative["derivative"] == "y"
    assert derivative["shape"] == ["n"]
    assert derivative["latex"]
    assert symgd.formula(derivative["derivative"], given=derivative["given"]).shape


def test_second_derivative(command: Command) -> None:
    assert derivative_in(command("derive", "x^3", "x", "--order", "2").out, "d²f/dx²") == symgd.formula("6*x")


def test_hessian_of_several_scalars(command: Command) -> None:
    found = command("derive", "x^2*y", "x", "y", "--order", "2", "--json").json["derivatives"]
    assert [item["shape"] for item in found] == [["2", "2"]]
    assert symgd.formula(found[0]["derivative"]).evaluate(x=3, y=5).tolist() == [[10, 6], [6, 0]]


def test_hessian_in_blocks(command: Command) -> None:
    found = command("derive", "t*norm2(x)^2", "t", "x", "--given", "x[n]", "--order", "2", "--json").json["derivatives"]
    assert [item["label"] for item in found] == ["∂²f/∂t∂t", "∂²f/∂t∂x", "∂²f/∂x∂x"]


def test_jacobian_of_a_vector(command: Command) -> None:
    found = command("derive", "A*x", "x", "--given", "A[m,n], x[n]", "--json").json["derivatives"]
    assert (found[0]["derivative"], found[0]["shape"]) == ("A", ["m", "n"])


@pytest.mark.parametrize("along", ["3/5, 4/5", "[3/5, 4/5]"])
def test_directional_by_components(command: Command, along: str) -> None:
    found = command("derive", "x^2 + y^2", "x", "y", "--along", along)
    slope = derivative_in(found.out, "D_[3/5, 4/5] f")
    assert float(slope.evaluate(x=5, y=10)) == pytest.approx(22, rel=1e-15)


def test_directional_normalized(command: Command) -> None:
    found = command("derive", "norm2(x)^2", "x", "--given", "x[2]", "--along", "[3, 4]", "--normalize", "--json").json["derivatives"]
    slope = symgd.formula(found[0]["derivative"], given=found[0]["given"])
    assert float(slope.evaluate(x=[5, 10])) == pytest.approx(22, rel=1e-15)


def test_hessian_vector_product(command: Command) -> None:
    found = command("derive", "norm2(x)^2", "x", "--given", "x[n], u[n]", "--along", "u", "--order", "2").out
    assert "∇²f·u = 2*u" in found.splitlines()


def test_reading_warns_on_standard_error(command: Command) -> None:
    found = command("derive", "norm2(x)", "x")
    assert (found.code, found.out.splitlines()[2]) == (0, "df/dx = sign(x)")
    assert found.err == "warning: norm2(x) is read as abs(x), because x is a scalar; declare arrays, as in x[n].\n"


def test_kink_warns_on_standard_error(command: Command) -> None:
    found = command("compare", "abs(x)", "--at", "x=0")
    assert found.code == 0
    assert found.err.startswith("warning: the derivative of abs jumps at 0, where it is asked; ")


# ---- standard input --------------------------------------------------------------------------------------------------


def test_formula_from_standard_input(command: Command) -> None:
    found = command("derive", "-", "x", stdin=b"\xef\xbb\xbfx^2 + sin(x)\n")
    assert found.out == command("derive", "x^2 + sin(x)", "x").out


STDIN = {
    b"": 'error: standard input is empty.\nPipe a formula in, as in: echo "x^2" | symgd derive - x\n',
    b" \n": 'error: standard input is empty.\nPipe a formula in, as in: echo "x^2" | symgd derive - x\n',
    b"x + \xff": "error: standard input is no UTF-8 text: byte 4 is 0xff.\nSave it as UTF-8.\n",
    b"x+" * 600_000 + b"x": "error: standard input is longer than 1048576 bytes.\nGive one formula.\n",
}


@pytest.mark.parametrize("stdin", STDIN, ids=["empty", "blank", "not UTF-8", "long"])
def test_bad_standard_input(command: Command, stdin: bytes) -> None:
    found = command("derive", "-", "x", stdin=stdin)
    assert (found.code, found.out, found.err) == (2, "", STDIN[stdin])


# ---- faults in formulas ----------------------------------------------------------------------------------------------

CARETS = [
    ("sin(x",),
    ("x + * y",),
    ("x @@ $",),
    ("х + ｘ",),
    ("sen(x)",),
    ("norm2(A*x)^2", "--given", "A[3,2], x[3]"),
    ("__import__('os').system('touch canary')",),
    (" x + )",),
]


@pytest.mark.parametrize("arguments", CARETS, ids=lambda arguments: arguments[0])
@pytest.mark.parametrize("verb", ["derive", "compare", "descend"])
def test_message_has_carets_under_the_formula(command: Command, verb: str, arguments: tuple[str, ...]) -> None:
    rest = {"derive": ("x",), "compare": ("--at", "x=2"), "descend": ("--start", "x=2")}[verb]
    found = command(verb, arguments[0], *rest, *arguments[1:])
    lines = found.err.splitlines()
    assert (found.code, found.out) == (2, "")
    assert lines[0].startswith("error: ")
    assert lines[1].strip() == arguments[0].strip()
    assert re.fullmatch(r" +\^+", lines[2])
    assert lines[2].index("^") <= len(lines[1])


def test_message_about_declarations(command: Command) -> None:
    found = command("derive", "x^2", "x", "--given", "A[m,")
    assert (found.code, found.out) == (2, "")
    assert found.err.splitlines()[1] == "    A[m,"


def test_unknown_variable(command: Command) -> None:
    found = command("derive", "x^2", "q")
    assert (found.code, found.err) == (2, "error: unknown variable 'q'.\nThe variables are x.\n")


def test_no_variable(command: Command) -> None:
    found = command("derive", "2 + 3")
    assert (found.code, found.err) == (2, "error: 5 has no variable to derive by.\nName a variable that it contains.\n")


def test_json_does_not_change_messages(command: Command) -> None:
    plain, json_too = command("derive", "sin(x", "x"), command("derive", "sin(x", "x", "--json")
    assert (json_too.code, json_too.out, json_too.err) == (2, "", plain.err)


def test_deep_formula_is_a_message(command: Command) -> None:
    found = command("derive", "(" * 3000 + "x" + ")" * 3000, "x")
    assert found.code == 2
    assert found.err.startswith("error: ")


def test_fault_of_ours_is_a_message_with_its_place(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(symgd, "gradients", broken)
    found = command("derive", "x^2", "x")
    assert found.code == 70
    assert re.fullmatch(r"internal error, a fault of symgd: KeyError: 'x' \(test_cli\.py:\d+\)\n", found.err)


def test_interrupt_is_clean(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(symgd, "gradients", interrupted)
    found = command("derive", "x^2", "x")
    assert (found.code, found.out, found.err) == (130, "", "interrupted\n")


# ---- values ----------------------------------------------------------------------------------------------------------


def test_assignments() -> None:
    found = values.assignments(" x = 2, y=[1, 3/5] ,A=[[1e3,-.5],[−2., +4 / 8]], θ=0.1,x_1=1")
    assert found == {"x": 2.0, "y": [1.0, 0.6], "A": [[1000.0, -0.5], [-2.0, 0.5]], "θ": 0.1, "x_1": 1.0}


def test_names_are_normalized() -> None:
    assert values.assignments("e\u0301=1") == {"\u00e9": 1.0}


SHOW = "Write values as x=2, y=[1, 3/5], A=[[1, 0], [0, 1]]."
NUMBERS = "Write numbers as 2, -0.5, 1e-3 or 3/5."
VALUES = {
    "": f"expected a name, but the text ends.\n    \n    ^\n{SHOW}",
    "x": f"expected '=', but the text ends.\n    x\n     ^\n{SHOW}",
    "x=": f"expected a number or '[', but the text ends.\n    x=\n      ^\n{SHOW}",
    "x=abc": f"'abc' is not a number.\n    x=abc\n      ^^^\n{NUMBERS}",
    "x=1 2": f"'1 2' is not a number.\n    x=1 2\n      ^^^\n{NUMBERS}",
    "x=nan": f"'nan' is not a number.\n    x=nan\n      ^^^\n{NUMBERS}",
    "x=1_000": f"'1_000' is not a number.\n    x=1_000\n      ^^^^^\n{NUMBERS}",
    "x=1/0": "'1/0' divides by zero.\n    x=1/0\n      ^^^",
    "x=1e999": "'1e999' is too large for a float64 number.\n    x=1e999\n      ^^^^^",
    "x=2 y=3": f"'2 y' is not a number.\n    x=2 y=3\n      ^^^\n{NUMBERS}",
    "x=2,": f"expected a name, but the text ends.\n    x=2,\n        ^\n{SHOW}",
    "x=2, x=3": "x is given twice.\n    x=2, x=3\n         ^",
    "x=[1, 2": f"expected ',' or ']', but the text ends.\n    x=[1, 2\n           ^\n{SHOW}",
    "x=[]": f"expected a number or '[', but found ']'.\n    x=[]\n       ^\n{SHOW}",
    "x=[1]]": f"expected ',' or the end, but found ']'.\n    x=[1]]\n         ^\n{SHOW}",
    "x=[[[[[[[[[1]]]]]]]]]": "more than 8 brackets inside one another.\n    x=[[[[[[[[[1]]]]]]]]]\n              ^",
    "x=__import__('os')": f"\"__import__('os')\" is not a number.\n    x=__import__('os')\n      {'^' * 16}\n{NUMBERS}",
}


@pytest.mark.parametrize("text", VALUES)
def test_messages_about_values(command: Command, text: str) -> None:
    found = command("compare", "x^2", "--at", text)
    assert (found.code, found.out, found.err) == (2, "", f"error: {VALUES[text]}\n")


def test_long_number_is_refused() -> None:
    with pytest.raises(symgd.SymgdError, match="is not a number"):
        values.number("1" * 10_000)


# ---- compare ---------------------------------------------------------------------------------------------------------


def test_compare_prints_a_table(command: Command) -> None:
    found = command("compare", "x^2 + sin(x)", "--at", "x=2")
    assert found.code == 0
    assert all(word in found.out for word in ("x", "autograd", "ulp"))


def test_compare_json(command: Command) -> None:
    found = command("compare", "norm2(x)^2 + t", "--at", "x=[1, 2], t=3", "--given", "x[n]", "--json")
    assert found.code == 0
    assert [row["name"] for row in found.json["rows"]] == ["value", "x", "t"]
    assert all(row["symgd_ulp"] <= 1 for row in found.json["rows"])


@pytest.mark.parametrize("at", ["y=2", "x=2, y=3"])
def test_compare_with_other_names(command: Command, at: str) -> None:
    found = command("compare", "x^2", "--at", at)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("error: ")


def test_compare_with_a_wrong_shape(command: Command) -> None:
    found = command("compare", "norm2(x)^2", "--at", "x=[[1,2],[3]]", "--given", "x[n]")
    assert (found.code, found.out) == (2, "")


# ---- descend ---------------------------------------------------------------------------------------------------------


def test_descend(command: Command) -> None:
    found = command(*DESCENT, "--steps", "200")
    assert (found.code, found.err) == (0, "")
    assert "w" in found.out


def test_descend_json(command: Command) -> None:
    found = command(*DESCENT, "--steps", "200", "--json").json
    assert found["parameters"]["w"] == pytest.approx(2, abs=1e-12)
    assert len(found["values"]) == 201
    assert found["values"][0] == 4
    assert (found["steps"], found["every"]) == (200, 1)
    assert {"outcome", "evaluations", "message"} <= found.keys()


def test_divergence_is_exit_code_1(command: Command) -> None:
    found = command("descend", "(w - 2)^2", "--start", "w=0", "--rate", "10", "--steps", "2000", "--json")
    assert found.code == 1
    assert found.json["outcome"] in ("diverged", "nonfinite")


def test_taking_all_steps_is_fine(command: Command) -> None:
    found = command(*DESCENT, "--steps", "3", "--json")
    assert (found.code, found.json["outcome"], found.json["steps"]) == (0, "max_steps", 3)


def lecture(folder: Path, name: str = "hours.csv") -> Path:
    path = folder / name
    path.write_text("x, y, note\n1,2,7\n2,4,8\n\n3,6,9\n", encoding="utf-8")
    return path


def test_descend_on_a_csv_file(command: Command, tmp_path: Path) -> None:
    options = ("--given", "x[n], y[n]", "--start", "w=1", "--rate", "0.01", "--epochs", "10", "--batch", "1")
    found = command("descend", "mean((w*x - y)^2)", *options, "--data", str(lecture(tmp_path)), "--json").json
    assert 4 * found["parameters"]["w"] == pytest.approx(7.804863933862125, rel=1e-14)
    assert found["steps"] == 30


def test_descend_on_an_npz_file(command: Command, tmp_path: Path) -> None:
    import numpy as np

    path = tmp_path / "data.npz"
    np.savez(path, X=np.eye(3), y=np.array([1.0, 2.0, 3.0]))
    options = ("--given", "X[n,d], w[d], y[n]", "--start", "w=[0,0,0]", "--rate", "0.25", "--steps", "200")
    found = command("descend", "norm2(X*w - y)^2", *options, "--data", str(path), "--json").json
    assert found["parameters"]["w"] == pytest.approx([1, 2, 3], abs=1e-12)


HEADING = "{}, line 1: expected a heading, the names of the columns separated by commas.\nBegin the file with a line such as: x,y"
DATA = {
    "x,y\n1,2\n3\n": "{}, line 3: 1 entry, and the heading has 2.\nEvery line has one entry for each column.",
    "x,y\n1,2\n3,three\n": "{}, line 3, column y: the entry is 'three', not a finite number.\nFill it in, or leave the line out.",
    "x,y\n1,\n": "{}, line 2, column y: the entry is empty.\nFill it in, or leave the line out.",
    "x,z\n1,2\n": "{} has no column y.\nIts columns are x, z.",
    "x,x\n1,2\n": "{}, line 1: two columns are named 'x'.\nRename one of them.",
    "1,2\n3,4\n": HEADING,
    "": HEADING,
}


@pytest.mark.parametrize("text", DATA)
def test_messages_about_csv_files(command: Command, tmp_path: Path, text: str) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text, encoding="utf-8")
    found = command("descend", "mean((w*x - y)^2)", "--given", "x[n], y[n]", "--start", "w=1", "--data", str(path))
    assert (found.code, found.out, found.err) == (2, "", f"error: {DATA[text]}\n".replace("{}", str(path)))


def test_messages_about_other_files(command: Command, tmp_path: Path) -> None:
    def message(name: str, content: bytes | None) -> str:
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        found = command("descend", "mean((w*x - y)^2)", "--given", "x[n], y[n]", "--start", "w=1", "--data", str(path))
        assert (found.code, found.out) == (2, "")
        return found.err.replace(str(path), name)

    kinds = "Give a .csv file with a heading, or a .npz, .safetensors, .parquet, .arrow, .feather or .pt file."
    assert message("data.txt", b"") == f"error: cannot tell what kind of data 'data.txt' holds.\n{kinds}\n"
    assert message("none.csv", None) == "error: cannot read 'none.csv': no such file or directory.\n"
    assert message("latin.csv", b"x,\xe9\n") == "error: 'latin.csv' is no UTF-8 text.\nSave it as UTF-8.\n"
    assert message("empty.npz", b"").startswith("error: 'empty.npz' is no .npz file of numbers: ")
    assert message("broken.npz", b"PK\x03\x04 broken").startswith("error: 'broken.npz' is no .npz file of numbers: ")


def test_objects_in_npz_files_are_refused(command: Command, tmp_path: Path) -> None:
    import numpy as np

    path = tmp_path / "data.npz"
    np.savez(path, x=np.array([{}], dtype=object))
    found = command("descend", "mean((w*x)^2)", "--given", "x[n]", "--start", "w=1", "--data", str(path))
    assert found.code == 2
    assert found.err.startswith(f"error: {str(path)!r} is no .npz file of numbers: ")


PROBLEM = """
formula = "mean((w*x + b - y)^2)"
given = "x[n], y[n]"
data = "hours.csv"
[start]
w = 1.0
b = 0.0
"""


def test_a_problem_in_a_file(command: Command, tmp_path: Path) -> None:
    lecture(tmp_path)
    path = tmp_path / "problem.toml"
    path.write_text(PROBLEM.replace("x[n], y[n]", "x[n], y[n], w > 0"), encoding="utf-8")
    found = command("descend", str(path), "--json").json
    assert found["parameters"] == {"w": pytest.approx(2.0), "b": pytest.approx(0.0, abs=1e-12)}
    assert found["message"].endswith("; the bounds hold there.")
    path.write_text(PROBLEM, encoding="utf-8")
    shown = command("descend", str(path), "--report", "--rate", "auto", "--steps", "500")
    assert (shown.code, shown.err) == (0, "")
    assert "3 residuals, 1 degrees of freedom" in shown.out


def test_a_descent_is_drawn(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lecture(tmp_path)
    path = tmp_path / "problem.toml"
    drawn: list[Any] = []

    def draw(figure: Any, output: str) -> None:
        drawn.append(figure)
        write(figure, output)

    write = figures.draw
    monkeypatch.setattr(descending, "draw", draw)
    for declared in ("x[n], y[n]", "x[n], y[n], w > 0"):
        path.write_text(PROBLEM.replace("x[n], y[n]", declared), encoding="utf-8")
        figure = tmp_path / "fit.svg"
        shown = command("descend", str(path), "--rate", "0.05", "--steps", "5", "--plot", str(figure))
        assert (shown.code, shown.err) == (0, "")
        assert shown.out.endswith(f"wrote {figure}\n")
        assert figure.read_bytes().startswith(b"<?xml")
        axes = drawn[-1].axes[0]
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("$w$", "$b$")
        assert len(axes.lines[0].get_xdata()) == 6  # the start and 5 steps
    assert command(*DESCENT, "--plot", str(tmp_path / "loss.png")).code == 0
    axes = drawn[-1].axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "loss")
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    refused = command(*DESCENT, "--plot", "loss.jpg")
    said = "error: a figure of this kind cannot be written to 'loss.jpg'.\nIts ending is one of .png, .pdf, .svg, .pgf.\n"
    assert (refused.code, refused.out, refused.err) == (2, "", said)


def test_where_no_figure_can_be_written_nothing_is_descended(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symgd, "descend", lambda *given, **options: pytest.fail("descended"))
    absent, file = tmp_path / "a" / "b" / "loss.svg", tmp_path / "taken"
    file.write_text("", encoding="utf-8")
    (tmp_path / "folder.svg").mkdir()
    for path, said in (
        (absent, f"{str(tmp_path / 'a')!r} is no folder.\nName a file in a folder that is there.\n"),
        (file / "loss.svg", f"{str(file)!r} is no folder.\nName a file in a folder that is there.\n"),
        (tmp_path / "folder.svg", "it is a folder.\nName a file.\n"),
    ):
        refused = command(*DESCENT, "--plot", str(path))
        assert (refused.code, refused.out, refused.err) == (2, "", f"error: cannot write {str(path)!r}: {said}")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused = command(*DESCENT, "--plot", str(tmp_path / "loss.svg"))
    said = "error: figures need matplotlib, which is not installed.\npip install matplotlib\n"
    assert (refused.code, refused.out, refused.err) == (2, "", said)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_what_was_found_is_printed_also_where_drawing_fails(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    figure, wanted = str(tmp_path / "loss.svg"), command(*DESCENT, *options)

    def fails(figure: Any, output: str) -> None:
        raise symgd.ValueGivenError("the disk is full.")

    monkeypatch.setattr(descending, "draw", fails)
    shown = command(*DESCENT, *options, "--plot", figure)
    assert (shown.code, shown.err) == (2, "error: the disk is full.\n")
    if options:
        assert shown.json == {**wanted.json, "plot": figure}
    else:
        assert shown.out == wanted.out


def test_a_run_is_resumed(command: Command, tmp_path: Path) -> None:
    path = str(tmp_path / "run.safetensors")
    whole = command(*DESCENT, "--steps", "30", "--json").json
    command(*DESCENT, "--steps", "10", "--checkpoint", path)
    assert command(*DESCENT, "--steps", "30", "--checkpoint", path, "--resume", "--json").json == whole


FIRST = "formula, given, data, start, fixed, method, rate, schedule, options, "
KEYS = FIRST + "steps, epochs, batch, shuffle, tolerance, missing, checkpoint, every"
PROBLEMS = {
    "formula = 'w^2'\nstrat = 3\n": f"{{}}: unknown key 'strat'.\nDid you mean start? The keys are {KEYS}.",
    "formula = 3\n": "{}: formula is not a text.\nWrite formula as a text.",
    "formula = 'w^2'\n": '{}: start is missing.\nWrite formula = "(w - 2)^2", and below it [start] and w = 0.0.',
    "": '{}: formula and start are missing.\nWrite formula = "(w - 2)^2", and below it [start] and w = 0.0.',
    "formula = 'w^2'\nsteps = 1.5\n[start]\nw = 1\n": "{}: steps is not a whole number.\nWrite steps as a whole number.",
    "formula = 'w^2'\n[start]\nw = true\n": "{}: start is not a table of numbers or arrays.\nWrite start as a table of numbers or arrays.",
}


@pytest.mark.parametrize("text", PROBLEMS)
def test_messages_about_problems(command: Command, tmp_path: Path, text: str) -> None:
    path = tmp_path / "problem.toml"
    path.write_text(text, encoding="utf-8")
    found = command("descend", str(path))
    assert (found.code, found.out, found.err) == (2, "", f"error: {PROBLEMS[text]}\n".replace("{}", str(path)))


def test_other_problems(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "problem.toml"
    assert command("descend", str(path)).err == f"error: cannot read {str(path)!r}: no such file or directory.\n"
    path.write_text("formula = = 2", encoding="utf-8")
    assert command("descend", str(path)).err.startswith(f"error: {path} is no TOML: Invalid value")
    path.write_text("a = " + "[" * 5000, encoding="utf-8")
    assert command("descend", str(path)).code == 2
    path.write_text(PROBLEM, encoding="utf-8")
    assert command("descend", str(path), "--start", "w=1").err == (
        f"error: declarations and a start stand in the file.\nWrite given and [start] in {path}.\n"
    )


# ---- processes: time, imports, pipes, signals ------------------------------------------------------------------------


def test_derive_is_light() -> None:
    """It answers in a moment because it loads little: far below the two thousand modules of torch."""
    found = process("derive", "x^2 + sin(x)", "x", python=("-X", "importtime"))
    assert found.returncode == 0
    loaded = re.findall(r"\|\s*([\w.]+)$", found.stderr.decode(), re.M)
    assert not {"torch", "matplotlib", "sympy", "numpy", "rich", "typer"} & set(loaded)
    assert 50 < len(loaded) < 600


def test_ascii_terminal() -> None:
    found = process("derive", "norm2(x)^2", "x", "--given", "x[n]", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert found.returncode == 0
    assert b"\\u2207f = 2*x" in found.stdout


def test_argument_that_is_no_utf8() -> None:
    found = subprocess.run([sys.executable, "-m", "symgd", "derive", b"x + \xff", "x"], capture_output=True, cwd=ROOT, timeout=60)
    assert found.returncode == 2
    assert found.stderr.startswith(b"error: ")
    assert b"Traceback" not in found.stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes and signals of POSIX")
def test_closed_pipe_is_quiet() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    running = subprocess.Popen([sys.executable, "-m", "symgd", "derive", "x^2", "x"], stdout=writer, stderr=subprocess.PIPE, cwd=ROOT)
    os.close(writer)
    assert running.communicate(timeout=60)[1] == b""


@pytest.mark.skipif(os.name == "nt", reason="pipes and signals of POSIX")
def test_ctrl_c_is_quiet() -> None:
    line = [sys.executable, "-c", "import sys; from symgd import cli; print('up', flush=True); sys.exit(cli.main(['derive', '-', 'x']))"]
    running = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert running.stdout is not None
    assert running.stdout.readline() == b"up\n"
    time.sleep(0.2)  # it waits for standard input now
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=60) == 130
    assert running.stderr is not None
    assert running.stderr.read() == b"interrupted\n"
    for stream in (running.stdin, running.stdout, running.stderr):
        if stream is not None:
            stream.close()


def test_derive_says_the_layout(command: Command) -> None:
    found = command("derive", "A*X", "X", "--given", "A[m,n], X[n,p]")
    assert found.out == (
        "f = A*X\n\n∂f/∂X = kron(eye(p), A)\nshape: (m*p, n*p)\n"
        "layout: entry [i + m*(j-1), k + n*(l-1)] is ∂F[i,j]/∂X[k,l]\nLaTeX: I_{p} \\otimes A\n"
    )


def test_derive_with_an_index_for_each_axis(command: Command) -> None:
    found = command("derive", "A*X", "X", "--given", "A[m,n], X[n,p]", "--layout", "indices", "--json")
    (derivative,) = found.json["derivatives"]
    assert derivative["derivative"] == "array(i=1..m, j=1..p, k=1..n, l=1..p, A[i,k] if j == l else 0)"
    assert derivative["shape"] == ["m", "p", "n", "p"]
    assert derivative["layout"] == "entry [i,j,k,l] is ∂F[i,j]/∂X[k,l]"


def test_derive_by_the_free_entries(command: Command) -> None:
    arguments = ("derive", "logdet(S)", "S", "--given", "S[n,n] spd")
    assert "layout: entry [i,j] is ∂f/∂S[i,j]; the entries of S, declared spd, are taken as independent\n" in command(*arguments).out
    found = command(*arguments, "--structure", "symmetric").out
    assert "∇f = 2*inv(S) - inv(S).*eye(n)\n" in found
    assert "layout: entry [i,j] is ∂f/∂S[i,j]; S is taken as symmetric: derived by its free entries\n" in found


def test_structure_is_of_gradients(command: Command) -> None:
    found = command("derive", "logdet(S)", "S", "--given", "S[n,n] spd", "--structure", "symmetric", "--order", "2")
    assert found.code == 2
    assert found.err.startswith("error: --structure is an option of the gradient of a scalar.\n")


CLAIMS = {
    "(x+1)^2 = x^2 + 2*x + 1": (0, "proved"),
    "erf(x) + erfc(x) = 1": (0, "agrees"),
    "(x+1)^2 = x^2 + 3*x + 1": (1, "refuted"),
    "sqrt(-1-x^2) = log(-1-x^2)": (3, "undecided"),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_check_has_an_exit_code_for_each_grade(command: Command, claim: str) -> None:
    code, grade = CLAIMS[claim]
    found = command("check", claim)
    assert found.code == code
    assert found.out.startswith(grade + ": ")
    assert command("check", "-", "--json", stdin=claim.encode()).json["grade"] == grade


def test_check_shows_where_a_claim_fails(command: Command) -> None:
    found = command("check", "x + 1 = x", "--json").json
    assert set(found) == {"claim", "grade", "why", "witness", "left", "right", "mistake", "gap", "equal_at"}
    assert abs(float(found["left"]) - float(found["right"]) - 1) < 1e-12


def test_check_takes_an_equation(command: Command) -> None:
    found = command("check", "x^2")
    assert (found.code, found.out) == (2, "")
    assert found.err == "error: missing '=': a claim is an equation, left = right.\n    x^2\n       ^\nWrite what the left side equals.\n"


def test_compare_outside_the_domain(command: Command) -> None:
    found = command("compare", "log(x)", "--at", "x=-1")
    assert (found.code, found.out, found.err) == (2, "", "error: log(-1) is not a real number.\nThe domain of log is x > 0.\n")


# ---- export ----------------------------------------------------------------------------------------------------------


def test_export_writes_a_module(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "loss.py"
    found = command("export", "mean((w*x - y)^2)", "w", "--given", "x[n], y[n]", "--output", str(path))
    assert found.out == f"f = mean((w*x - y).^2)\ntakes x, y, w\ngives the value, the gradient by w\nwrote {path}\n"
    assert (found.code, found.err) == (0, "")
    assert "def program(x0, x1, x2):" in path.read_text(encoding="utf-8")


def test_export_json(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "f.c"
    found = command("export", "A*x", "--given", "A[m,n], x[n]", "--dtype", "float32", "--output", str(path), "--json").json
    assert found["outputs"] == ["the value"]
    assert found["inputs"] == [{"name": "A", "shape": ["m", "n"]}, {"name": "x", "shape": ["n"]}]
    assert found["files"] == [str(tmp_path / "f.h"), str(path)]
    assert "float *const *out" in (tmp_path / "f.h").read_text(encoding="utf-8")


def test_export_of_every_gradient_or_of_none(command: Command, tmp_path: Path) -> None:
    arguments = ("export", "x^2*y", "--output", str(tmp_path / "f.py"), "--json")
    assert command(*arguments).json["outputs"] == ["the value", "the gradient by x", "the gradient by y"]
    assert command(*arguments, "--value-only").json["outputs"] == ["the value"]
