"""Generated source: golden files that are executed too, only names made here, text of the user nowhere but in the docstring."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import torch

from symgd import formula, to_torch
from symgd.algebra import expression as ex
from symgd.lowering.lower import lower
from symgd.lowering.torch_source import torch_source

GOLDEN = Path(__file__).parent / "golden"
CASES = {
    "least_squares": ("norm2(A*x - b)^2", "A[m,n], x[n], b[m]", ["x", "A"]),
    "lecture": ("mean((w*x - y)^2)", "x[n], y[n]", ["w"]),
    "logistic": ("mean(softplus(X*w) - y.*(X*w))", "X[N,d], w[d], y[N]", ["w"]),
    "network": ("mean((tanh(X*W)*v - y).^2)", "X[N,d], W[d,h], v[h], y[N]", ["W", "v"]),
    "rosenbrock": ("sum(i, 100*(x[i+1] - x[i]^2)^2 + (1 - x[i])^2)", "x[n]", ["x"]),
    "scalars": ("sqrt(2*pi)*exp(-x^2/2) + max(x, 0)/3", "", ["x"]),
}


def execute(source: str):
    namespace: dict[str, object] = {}
    exec(compile(source, "golden", "exec"), namespace)
    return namespace["program"]


@pytest.mark.parametrize("name", CASES)
def test_the_source_is_the_golden_file(name):
    """To accept a change: write `to_torch(…).source` to the file and read the difference."""
    text, given, names = CASES[name]
    source = to_torch(formula(text, given=given), gradient=names).source
    assert source == (GOLDEN / f"{name}.py.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_the_golden_file_computes_the_program(name):
    text, given, names = CASES[name]
    program = to_torch(formula(text, given=given), gradient=names)
    generator = torch.Generator().manual_seed(0)
    sizes = {"m": 4, "n": 3, "N": 5, "d": 2, "h": 3}
    values = {
        leaf.name: torch.rand([length.evaluate(sizes) for length in leaf.shape], generator=generator, dtype=torch.float64)
        for leaf in program.program.inputs
    }
    wanted, slopes = program(values)
    got = execute((GOLDEN / f"{name}.py.txt").read_text(encoding="utf-8"))(*values.values())
    assert torch.equal(got[0], wanted)
    assert all(torch.equal(a, b) for a, b in zip(got[1:], slopes.values(), strict=True))
    leaves = {name: value.clone().requires_grad_(name in names) for name, value in values.items()}
    by_torch = torch.autograd.grad(execute(to_torch(program.formula).source)(*leaves.values())[0], [leaves[name] for name in names])
    for name, wanted in zip(names, by_torch):
        torch.testing.assert_close(slopes[name], wanted, rtol=1e-12, atol=1e-12)


def test_float32_and_a_device_stand_in_the_source():
    program = to_torch(formula("x'*y + pi", given="x[n], y[n]"), dtype=torch.float32)
    assert "torch.sum(x0 * x1)" in program.source  # pairwise, where torch.dot adds one after the other
    assert program(x=[1, 2], y=[3, 4])[0].dtype == torch.float32


HOSTILE = [
    '"""\nimport os\nos.system("touch /tmp/planted")\n"""',
    "\\",
    '\\"""',
    "x\u2028y",
    "a\x00b",
    "__import__",
    "lambda",
    "x0",
    "torch",
    "'''",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_and_titles_cannot_leave_the_docstring(name):
    leaf = ex.leaf(name, ())
    source = torch_source(lower([ex.power(leaf, 2)], [leaf]), "torch.float64", "cpu", name, [name]).text
    tree = ast.parse(source)
    assert [type(node).__name__ for node in tree.body] == ["Import", "ImportFrom", "ImportFrom", "FunctionDef"]
    body = tree.body[-1].body
    assert isinstance(body[0], ast.Expr)
    assert isinstance(body[0].value, ast.Constant)
    without = ast.unparse(ast.Module(body[1:], []))
    assert re.findall(r"[A-Za-z_]\w*", without) == ["return", "x0", "x0"]


def test_what_is_executed_has_no_text_of_the_user():
    source = torch_source(lower([ex.power(ex.leaf("secret"), 2)], [ex.leaf("secret")]), "torch.float64", "cpu", documented=False).text
    assert "secret" not in source


def test_a_long_formula_is_cut_in_the_docstring():
    leaf = ex.leaf("x")
    source = torch_source(lower([leaf], [leaf]), "torch.float64", "cpu", "x" * 5000).text
    assert len(source) < 2000


def test_arrays_are_freed_after_their_last_use():
    source = to_torch(formula("sum(exp(x).*cos(x)) + sum(exp(x))*sum(sin(x).*exp(x))", given="x[n]")).source
    made = re.findall(r"^    (v\d+) = ", source, re.MULTILINE)
    assert made
    assert "    del v0" in source


def test_brackets_are_put_where_they_are_needed():
    for text in ("(a - b) - (c - a)", "a/(b*c)", "-(a + b)^2", "(a/b)/(c/a)", "2*(a - b)*c", "-(-a)", "a - (-b)", "(a*b)^3 - (a - b)^3/3"):
        program = to_torch(formula(text))
        values = {"a": 2.0, "b": 3.0, "c": 5.0}
        used = {name: values[name] for name in program.formula.variables}
        assert float(program(used)[0]) == pytest.approx(eval(text.replace("^", "**"), {}, values), rel=1e-15)
