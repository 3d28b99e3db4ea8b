"""The public face of programs: values, gradients, batches, binding, backends, options and their refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from symgd import FormulaError, LoweringError, ShapeError, formula, jacobian, to_torch

F64 = torch.float64
LOSS = formula("mean((w*x - y)^2)", given="x[n], y[n]")
X, Y = torch.tensor([1.0, 2.0, 3.0], dtype=F64), torch.tensor([2.0, 4.0, 6.0], dtype=F64)


def by_autograd(function, values, names):
    leaves = {name: value.detach().clone().requires_grad_(name in names) for name, value in values.items()}
    value = function(**leaves)
    return value.detach(), dict(zip(names, torch.autograd.grad(value, [leaves[name] for name in names])))


def test_value_and_gradient():
    value, slopes = to_torch(LOSS, gradient=["w", "y"])(w=1.0, x=X, y=Y)
    wanted, by = by_autograd(lambda w, x, y: ((w * x - y) ** 2).mean(), {"w": torch.tensor(1.0, dtype=F64), "x": X, "y": Y}, ["w", "y"])
    torch.testing.assert_close(value, wanted, rtol=1e-15, atol=0)
    torch.testing.assert_close(slopes["w"], by["w"], rtol=1e-15, atol=0)
    torch.testing.assert_close(slopes["y"], by["y"], rtol=1e-15, atol=0)
    assert list(slopes) == ["w", "y"]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_dtype_of_the_results(dtype):
    value, slopes = to_torch(LOSS, gradient=["w"], dtype=dtype)(w=1.0, x=X, y=Y)
    assert value.dtype == slopes["w"].dtype == dtype
    assert float(value) == pytest.approx(14 / 3, rel=0.02)


def test_a_gradient_that_is_constant_or_zero_has_the_shape_of_its_variable():
    f = formula("sum(x) + 0*sum(y)", given="x[n], y[m]")
    _, slopes = to_torch(f, gradient=["x", "y"])(x=[1, 2], y=[1, 2, 3])
    assert slopes["x"].tolist() == [1, 1]
    assert slopes["y"].tolist() == [0, 0, 0]


def test_gradients_belong_to_the_caller():
    program = to_torch(formula("sum(x)*s", given="x[n]"), gradient=["x", "s"])
    s = torch.tensor(2.0, dtype=F64)
    _, slopes = program(x=X, s=s)
    slopes["x"].zero_()
    slopes["s"].zero_()
    assert float(s) == 2.0
    assert program(x=X, s=s)[1]["x"].tolist() == [2, 2, 2]


def test_an_array_valued_formula():
    assert to_torch(jacobian(formula("A*x", given="A[m,n], x[n]"), "x"))(A=[[1, 2], [3, 4]], x=[1, 1])[0].tolist() == [[1, 2], [3, 4]]


# ---- batches ---------------------------------------------------------------------------------------------------------


def test_scalars_given_as_arrays_are_a_batch():
    program = to_torch(formula("a*exp(b) + 2"), gradient=["a", "b"])
    a, b = torch.rand(4, 3, dtype=F64), torch.rand(4, 3, dtype=F64)
    value, slopes = program(a=a, b=b)
    torch.testing.assert_close(value, a * torch.exp(b) + 2)
    torch.testing.assert_close(slopes["a"], torch.exp(b))
    torch.testing.assert_close(slopes["b"], a * torch.exp(b))


def test_a_batch_beside_a_number():
    value, slopes = to_torch(formula("a*b + c"), gradient=["a", "c"])(a=[1, 2, 3], b=2.0, c=1)
    assert value.tolist() == [3, 5, 7]
    assert slopes["a"].tolist() == [2, 2, 2]
    assert slopes["c"].tolist() == [1, 1, 1]


def test_a_batch_of_a_constant_gradient_may_be_written_to():
    _, slopes = to_torch(formula("a + b"), gradient=["a", "b"])(a=[1, 2], b=[3, 4])
    slopes["a"][0] = 7
    assert slopes["a"].tolist() == [7, 1]
    assert slopes["b"].tolist() == [1, 1]


def test_a_batch_through_literals():
    value, slopes = to_torch(formula("norm2([x, y])"), gradient=["x"])(x=[3.0, 5.0], y=[4.0, 12.0])
    assert value.tolist() == [5, 13]
    torch.testing.assert_close(slopes["x"], torch.tensor([3 / 5, 5 / 13], dtype=F64))
    assert to_torch(formula("[x, y, 1]"))(x=[[1.0, 2.0]], y=3.0)[0].tolist() == [[[1, 3, 1], [2, 3, 1]]]


def test_an_empty_batch():
    assert to_torch(formula("x^2"))(x=torch.empty(0, dtype=F64))[0].shape == (0,)
    assert to_torch(formula("norm2([x, y])"))(x=torch.empty(0, dtype=F64), y=1.0)[0].shape == (0,)


def test_batches_of_two_shapes_are_refused():
    with pytest.raises(ShapeError) as error:
        to_torch(formula("a*b"))(a=[1, 2], b=[1, 2, 3])
    assert str(error.value) == (
        "the batches given for a and b have shapes (2,) and (3,).\nScalars may be given as arrays of one shape, beside plain numbers."
    )


# ---- binding ---------------------------------------------------------------------------------------------------------


def test_a_bound_call_reads_the_tensors_anew():
    w = torch.tensor(1.0, dtype=F64)
    call = to_torch(LOSS, gradient=["w"]).bind(w=w, x=X, y=Y)
    for _ in range(10):
        w -= 0.01 * call()[1]["w"]
    assert float(call()[0]) < 1.0
    assert float(w) == pytest.approx(1.6245, abs=1e-3)


def test_a_bound_call_takes_numbers_and_lists():
    value, slopes = to_torch(LOSS, gradient=["w"]).bind(w=1.0, x=[1, 2, 3], y=(2, 4, 6))()
    assert float(value) == pytest.approx(14 / 3)
    assert float(slopes["w"]) == pytest.approx(-28 / 3)


def test_a_bound_call_follows_arrays_that_it_converts():
    x = np.array([1, 2, 3], dtype=np.int32)
    shared = np.array([2.0, 4.0, 6.0])
    call = to_torch(LOSS).bind(w=1.0, x=x, y=shared)
    before = float(call()[0])
    x *= 2
    assert float(call()[0]) == pytest.approx(0.0)
    shared += 1
    assert float(call()[0]) == pytest.approx(1.0)
    assert before == pytest.approx(14 / 3)


def test_a_bound_batch():
    a = torch.tensor([1.0, 2.0], dtype=F64)
    call = to_torch(formula("a^2"), gradient=["a"]).bind(a=a)
    assert call()[0].tolist() == [1, 4]
    a += 1
    assert call()[1]["a"].tolist() == [4, 6]


# ---- options ---------------------------------------------------------------------------------------------------------


def test_compiled_programs_give_the_same_numbers():
    eager, made = to_torch(LOSS, gradient=["w"]), to_torch(LOSS, gradient=["w"], backend="compile")
    assert made.backend == "compile"
    for n in (3, 5):
        x, y = torch.rand(n, dtype=F64), torch.rand(n, dtype=F64)
        for a, b in zip(
            (eager(w=1.5, x=x, y=y)[0], eager(w=1.5, x=x, y=y)[1]["w"]), (made(w=1.5, x=x, y=y)[0], made(w=1.5, x=x, y=y)[1]["w"])
        ):
            torch.testing.assert_close(a, b, rtol=1e-14, atol=1e-14)


def test_auto_says_what_it_chose():
    backend = to_torch(LOSS, backend="auto").backend
    assert (backend, backend.why) == ("native", "the formula has arrays")
    assert to_torch(LOSS).backend.why == ""


def test_operations_are_a_number_where_no_dimension_is_named():
    value, both = to_torch(formula("(1-a)^2 + 100*(b-a^2)^2")), to_torch(formula("(1-a)^2 + 100*(b-a^2)^2"), gradient=["a", "b"])
    assert both.operations / value.operations < 5
    assert str(to_torch(LOSS).operations) == "4*n"


def test_a_program_names_itself():
    assert (
        repr(to_torch(formula("x^2"), gradient=["x"]))
        == "TorchProgram('x^2', gradient=['x'], dtype=torch.float64, device='cpu', backend='eager')"
    )


DEVICES = 'Give device="cpu", or "cuda" where there is a GPU.'
REFUSED = [
    ({"device": "cuda; touch planted"}, LoweringError, f"unknown device 'cuda; touch planted'.\n{DEVICES}"),
    ({"device": ""}, LoweringError, f"unknown device ''.\n{DEVICES}"),
    ({"device": None}, LoweringError, f"unknown device None.\n{DEVICES}"),
    ({"device": "meta"}, LoweringError, f"the device 'meta' holds no values.\n{DEVICES}"),
    ({"backend": "fast"}, LoweringError, "unknown backend 'fast'.\nBackends are eager, compile, python, native, auto."),
    ({"backend": ["eager"]}, LoweringError, "unknown backend ['eager'].\nBackends are eager, compile, python, native, auto."),
    ({"dtype": torch.int64}, LoweringError, "cannot compute in torch.int64.\nGive dtype=torch.float64 or torch.float32."),
    ({"dtype": torch.complex128}, LoweringError, "cannot compute in torch.complex128.\nGive dtype=torch.float64 or torch.float32."),
    ({"dtype": "float32"}, LoweringError, "cannot compute in 'float32'.\nGive dtype=torch.float64 or torch.float32."),
    ({"gradient": ["v"]}, FormulaError, "unknown variable 'v'.\nThe variables are x, y, w."),
    ({"gradient": ["ww"]}, FormulaError, "unknown variable 'ww'.\nDid you mean w?"),
    ({"gradient": ["w", "w"]}, FormulaError, "w is named twice in gradient.\nName every variable once."),
    ({"gradient": [1]}, FormulaError, "a variable is named by text, not by 1."),
]


@pytest.mark.parametrize(("options", "kind", "text"), REFUSED, ids=[str(row[0]) for row in REFUSED])
def test_refused_options(options, kind, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind) as error:
        to_torch(LOSS, **options)
    assert str(error.value) == text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")
def test_a_device_that_is_not_there():
    with pytest.raises(LoweringError) as error:
        to_torch(LOSS, device="cuda")
    assert str(error.value) == "the device 'cuda' is not available here.\nGive device=\"cpu\"."


def test_the_gradient_of_an_array_is_refused():
    with pytest.raises(ShapeError) as error:
        to_torch(formula("A*x", given="A[m,n], x[n]"), gradient=["x"])
    assert (
        str(error.value) == "a gradient takes a scalar formula, and this one is (m).\nLower the Jacobian: to_torch(symgd.jacobian(f, …))."
    )


def test_a_hundred_thousand_operations():
    """Linear in the number of nodes; the source is one function, which Python compiles at a few µs a line."""
    count = 2_000
    text = " + ".join(f"100*(x{k + 1} - x{k}^2)^2 + (1 - x{k})^2" for k in range(1, count))
    from symgd import Limits

    f = formula(text, limits=Limits(characters=10**7, nesting=10**5, nodes=10**7))
    names = [f"x{k}" for k in range(1, count + 1)]
    program = to_torch(f, gradient=names)
    value, slopes = program(dict.fromkeys(names, 1.0))
    assert float(value) == 0.0
    assert all(float(slope) == 0.0 for slope in slopes.values())
