"""Exported programs: files are imported, loaded or compiled without symgd, and give the numbers of the program."""

from __future__ import annotations

import builtins
import ctypes
import dis
import json
import re
import shutil
import subprocess
import sys

import pytest
import torch

from symgd import LoweringError, ValueGivenError, formula, to_torch
from symgd.lowering import torch_arrays, torch_functions
from symgd.lowering.export import python, traced, write

F64, F32 = torch.float64, torch.float32
CASES = {
    "least squares": ("norm2(A*x - b)^2", "A[m,n], x[n], b[m]", ["x", "A"]),
    "lecture": ("mean((w*x - y)^2)", "x[n], y[n]", ["w"]),
    "logistic": ("mean(softplus(X*w) - y.*(X*w))", "X[N,d], w[d], y[N]", ["w"]),
    "network": ("mean((tanh(X*W)*v - y).^2)", "X[N,d], W[d,h], v[h], y[N]", ["W", "v"]),
    "rosenbrock": ("sum(i, 100*(x[i+1] - x[i]^2)^2 + (1 - x[i])^2)", "x[n]", ["x"]),
    "scalars": ("sqrt(2*pi)*exp(-x^2/2) + max(x, 0)/3", "", ["x"]),
    "an array, without gradients": ("A*x", "A[m,n], x[n]", []),
    "a dimension on no axis": ("m*sum(x)^2", "x[n], A[m+1,n]", ["x"]),
    "one entry": ("x[4]*x[1]", "x[n]", ["x"]),
    "a condition": ("sum(i=1..n, (x[i] - (x[i-1] if i >= 2 else 0))^2)", "x[n]", ["x"]),
}
WITHOUT_C = {
    "along an axis": ("lse(x) + norm2(x)*softmax(x)'*y", "x[n], y[n]", ["x", "y"]),
    "log-determinant": ("logdet(S) + x'*inv(S)*x", "S[n,n] spd, x[n]", ["S", "x"]),
    "gamma": ("gamma(x) + digamma(x)*uppergamma(t, x)", "x > 0, t > 0", ["x"]),
}


def made(name, dtype=F64):
    """A program, the values it takes in order, and what it gives."""
    text, given, names = {**CASES, **WITHOUT_C}[name]
    program = to_torch(formula(text, given=given), gradient=names, dtype=dtype)
    sizes = {**traced.example_sizes(program.program), "m": 6}
    generator = torch.Generator().manual_seed(1)
    values = []
    for leaf in program.program.inputs:
        value = torch.rand([length.evaluate(sizes) for length in leaf.shape], generator=generator, dtype=dtype) + 0.1
        values.append(value @ value.T + torch.eye(len(value), dtype=dtype) if leaf.kind and leaf.rank == 2 else value)
    extra = [sizes[one] for one in program.compiled.sizes]
    return program, [*values, *extra], program.compiled.function(*values, *extra)


def close(got, want, dtype=F64):
    assert len(got) == len(want)
    for a, b in zip(got, want):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        tolerance = 1e-12 if dtype == F64 else 1e-5
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


# ---- Python ----------------------------------------------------------------------------------------------------------


def imported(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE).count("symgd") == 0
    namespace: dict[str, object] = {}
    exec(compile(text, str(path), "exec"), namespace)
    return namespace["program"]


@pytest.mark.parametrize("name", [*CASES, *WITHOUT_C])
def test_a_torch_module_gives_the_same_numbers(name, tmp_path):
    program, values, want = made(name)
    (path,) = program.export(tmp_path / "program.py")
    got = imported(path)(*values)
    assert all(torch.equal(a, b) for a, b in zip(got, want, strict=True))


def test_a_torch_module_says_what_it_is(tmp_path):
    program = to_torch(formula("mean((w*x - y)^2)", given="x[n], y[n]"), gradient=["w"], dtype=F32)
    (path,) = program.export(str(tmp_path / "loss.py"))
    assert path.read_text(encoding="utf-8") == (
        '"""mean((w*x - y).^2)\n'
        "\n"
        "x0: x (n)\n"
        "x1: y (n)\n"
        "x2: w a scalar\n"
        "Returns the value, the gradient by w.\n"
        "Tensors are of torch.float32 on cpu. Shapes and values are not checked.\n"
        '"""\n'
        "\n"
        "from __future__ import annotations\n"
        "\n"
        "import torch\n"
        "\n"
        "\n"
        "def program(x0, x1, x2):\n"
        '    """The values, in the order that the module says."""\n'
        "    n0 = x0.shape[0]\n"
        "    v0 = x0 * x2 - x1\n"
        "    return torch.sum(v0 * v0) / n0, torch.sum(v0 * x0) / (n0 / 2)\n"
    )


def test_a_torch_module_is_imported_where_symgd_is_not(tmp_path):
    program, _, _ = made("gamma")
    program.export(tmp_path / "gamma_loss.py")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.modules['symgd'] = None\n"
        "import gamma_loss, torch; x = torch.tensor(2.0, dtype=torch.float64); print(*[float(v) for v in gamma_loss.program(x, x)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    want, slopes = program(x=2.0, t=2.0)
    assert [float(word) for word in done.stdout.split()] == [float(want), float(slopes["x"])]


@pytest.mark.parametrize("module", [torch_arrays, torch_functions], ids=lambda module: module.__name__)
def test_every_function_is_exported_with_all_it_uses(module):
    """No function mentions a name that its file would lack."""
    names = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
    assert len(names) > 8
    known = {
        "math",
        "torch",
        "Tensor",
        "Callable",
        "Sequence",
        *vars(builtins),
        "__name__",
        "__annotations__",
        "__conditional_annotations__",
    }
    for name in names:
        code = compile("from __future__ import annotations\n" + "\n\n".join(python._helpers([name])), name, "exec")
        read, stored = names_of(code)
        assert name in stored
        assert read - stored - known == set(), name


def names_of(code):
    """The names that code reads from its module, at any depth, and those that it stores there."""
    steps = list(dis.get_instructions(code))
    read = {step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    stored = {step.argval for step in steps if step.opname == "STORE_NAME"}
    return read.union(*[names_of(part)[0] for part in code.co_consts if hasattr(part, "co_code")]), stored


# ---- torch.export ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*CASES, *WITHOUT_C])
def test_an_exported_module_gives_the_same_numbers(name, tmp_path):
    program, values, _ = made(name)
    (path,) = program.export(tmp_path / "program.pt2")
    about = {traced.ABOUT: ""}
    module = torch.export.load(path, extra_files=about).module()
    close(module(*values), program.compiled.function(*values))
    said = json.loads(about[traced.ABOUT])
    assert [one["name"] for one in said["inputs"]] == [leaf.name for leaf in program.program.inputs]
    assert (said["formula"], said["dtype"]) == (str(program.formula), "torch.float64")


def test_lengths_stay_open(tmp_path):
    program = to_torch(formula("norm2(A*x - b)^2", given="A[m,n], x[n], b[m]"), gradient=["x"])
    (path,) = program.export(tmp_path / "program.pt2")
    module = torch.export.load(path).module()
    for m, n in [(2, 2), (2, 50), (300, 3)]:
        A, x, b = torch.rand(m, n, dtype=F64), torch.rand(n, dtype=F64), torch.rand(m, dtype=F64)
        value, slopes = program(A=A, x=x, b=b)
        close(module(A, x, b), (value, slopes["x"]))


def test_what_torch_cannot_trace_is_refused(tmp_path):
    program = to_torch(formula("tr(A^k)", given="A[n,n], k integer"))
    with pytest.raises(LoweringError) as error:
        program.export(tmp_path / "program.pt2")
    assert str(error.value).startswith("torch.export does not take this program: ")
    assert error.value.hint == "Export it to .py, or to .c."
    assert list(tmp_path.iterdir()) == []


# ---- C ---------------------------------------------------------------------------------------------------------------


def built(path):
    """The C file as a library; the header alone has to compile too, as C and, where there is a compiler, as C++."""
    compiler = shutil.which("cc") or pytest.skip("no C compiler")
    made = path.with_suffix(".so")
    strict = ["-Wall", "-Wextra", "-Wno-unused", "-Wno-unknown-pragmas", "-Werror"]
    subprocess.run(
        [compiler, "-O1", "-fopenmp-simd", *strict, "-fPIC", "-shared", "-pthread", str(path), "-lm", "-o", str(made)], check=True
    )
    for language, other in (("c", compiler), ("c++", shutil.which("c++"))):
        if other is not None:
            header = str(path.with_suffix(".h"))
            subprocess.run([other, "-x", language, "-Wall", "-Werror", "-fsyntax-only", "-include", header, "-"], input=b"", check=True)
    return ctypes.CDLL(str(made))


@pytest.mark.parametrize("dtype", [F64, F32], ids=["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_c_source_gives_the_same_numbers(name, dtype, tmp_path):
    program, values, want = made(name, dtype)
    header, path = program.export(tmp_path / "my-loss.c")
    assert (header.name, path.name) == ("my-loss.h", "my-loss.c")
    function = built(path).symgd_my_loss
    tensors = [value.contiguous() for value in values if isinstance(value, torch.Tensor)]
    outputs = [torch.full_like(one, torch.nan).contiguous() for one in want]
    sizes = {str(length): size for leaf, one in zip(program.program.inputs, tensors) for length, size in zip(leaf.shape, one.shape)}
    sizes.update(zip(program.compiled.sizes, values[len(tensors) :]))
    order = re.findall(r"sizes\[\d+\]: (.*)", header.read_text(encoding="utf-8"))
    pointers = [(ctypes.c_void_p * len(some))(*[one.data_ptr() for one in some]) for some in (tensors, outputs)]
    assert function(*pointers, (ctypes.c_long * max(1, len(order)))(*[sizes[one] for one in order]), ctypes.c_long(2)) == 0
    close(outputs, want, dtype)


def test_two_exports_stand_in_one_program(tmp_path):
    """Nothing but the function is seen from outside."""
    compiler = shutil.which("cc") or pytest.skip("no C compiler")
    program, _, _ = made("lecture")
    paths = [program.export(tmp_path / f"{name}.c")[1] for name in ("one", "two")]
    subprocess.run([compiler, "-shared", "-fPIC", "-pthread", *map(str, paths), "-lm", "-o", str(tmp_path / "both.so")], check=True)
    both = ctypes.CDLL(str(tmp_path / "both.so"))
    assert both.symgd_one
    assert both.symgd_two


def test_what_has_no_form_in_c_is_refused(tmp_path):
    program, _, _ = made("log-determinant")
    with pytest.raises(LoweringError) as error:
        program.export(tmp_path / "program.c")
    assert re.fullmatch(r"the program has no form in C: it lacks .*\.\nExport it to \.py, or to \.pt2\.", str(error.value))
    assert list(tmp_path.iterdir()) == []


def test_names_of_c_files_are_plain(tmp_path):
    with pytest.raises(ValueGivenError) as error:
        made("lecture")[0].export(tmp_path / 'a"b.c')
    assert str(error.value) == "'a\"b.c' is no name for C source.\nWrite letters from A to Z, digits, _ and -, as in loss.c."


# ---- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "found"), [("loss.txt", "has the suffix '.txt'"), ("loss", "has no suffix")])
def test_other_suffixes_are_refused(name, found, tmp_path):
    with pytest.raises(ValueGivenError) as error:
        made("lecture")[0].export(tmp_path / name)
    repair = "Write .py for a torch module, .pt2 for torch.export, .c for C with a header."
    assert str(error.value) == f"cannot export to {str(tmp_path / name)!r}: it {found}.\n{repair}"


def test_a_folder_that_is_not_there(tmp_path):
    path = tmp_path / "none" / "loss.py"
    with pytest.raises(ValueGivenError) as error:
        made("lecture")[0].export(path)
    assert str(error.value) == f"cannot write {str(path)!r}: no such file or directory."


def test_a_file_is_replaced_as_a_whole(tmp_path, monkeypatch):
    program, values, want = made("lecture")
    path = tmp_path / "loss.py"
    path.write_text("before")
    monkeypatch.setattr(write.os, "replace", lambda *given: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(ValueGivenError, match="no space left on device"):
        program.export(path)
    assert [one.name for one in tmp_path.iterdir()] == ["loss.py"]
    assert path.read_text() == "before"
    monkeypatch.undo()
    program.export(path)
    assert torch.equal(imported(path)(*values)[0], want[0])
    assert [one.name for one in tmp_path.iterdir()] == ["loss.py"]


@pytest.mark.parametrize("suffix", [".py", ".c"])
def test_no_name_of_the_user_is_code(suffix, tmp_path):
    """A name that is a word of Python and of C, and one that torch uses."""
    program = to_torch(formula("mean((lambda*torch - int)^2)", given="torch[n], int[n]"), gradient=["lambda"])
    path = program.export(tmp_path / f"loss{suffix}")[-1]
    text = path.read_text(encoding="utf-8")
    code = re.sub(r'""".*?"""|/\*.*?\*/', "", text, flags=re.DOTALL)
    assert not re.search(r"\blambda\b", code)
    x = torch.tensor([1.0, 2.0], dtype=F64)
    if suffix == ".py":
        close(imported(path)(x, x, torch.tensor(3.0, dtype=F64)), (torch.tensor(10.0, dtype=F64), torch.tensor(10.0, dtype=F64)))
    else:
        assert built(path).symgd_loss
