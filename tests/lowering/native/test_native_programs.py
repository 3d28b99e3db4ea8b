"""Native programs, and programs in plain Python, against the torch program: random ones, awkward shapes, threads."""

from __future__ import annotations

import ctypes
import math

import pytest
import torch
from random_programs import Maker

from symgd import formula, to_torch
from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.errors import SymgdError
from symgd.lowering.compiled import compiled
from symgd.lowering.lower import lower
from symgd.lowering.native.call import Native, row_dimension, unavailable
from symgd.lowering.native.library import library
from symgd.lowering.native.plan import plan
from symgd.lowering.native.source import native_source
from symgd.lowering.scalar import Scalars

CPU, F64, F32 = torch.device("cpu"), torch.float64, torch.float32


def close(got, want, dtype):
    """To rounding of a few dozen operations, beside the largest entry: sums are made in another order."""
    assert len(got) == len(want)
    for a, b in zip(got, want):
        assert a.shape == b.shape
        fine = b[torch.isfinite(b)]
        scale = float(fine.abs().max()) if fine.numel() else 1.0
        relative = 1e-10 if dtype == F64 else 1e-3
        torch.testing.assert_close(a, b, rtol=relative, atol=relative * scale, equal_nan=True)


def random_program(seed, most=3):
    maker = Maker(seed)
    roots = [maker.expression(maker.shape(), maker.rng.randint(2, most)) for _ in range(maker.rng.randint(1, 2))]
    program = lower(roots, ex.leaves(*roots))
    inside = all(
        0 <= r.position.evaluate(maker.sizes) < r.length.evaluate(maker.sizes) for r in program.requirements if r.position is not None
    )
    return maker, program, inside


SEEDS = [seed for seed in range(90) if (lambda made: made[2] and not unavailable(made[1], F64, CPU))(random_program(seed))]


def test_random_programs_that_have_a_native_form_are_many():
    assert len(SEEDS) >= 35


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dtype", [F64, F32], ids=["float64", "float32"])
def test_random_programs(seed, dtype):
    maker, program, _ = random_program(seed)
    tensors = [torch.as_tensor(maker.values[leaf.name], dtype=dtype) for leaf in program.inputs]
    torch_made, made = compiled(program, dtype, CPU), Native(program, dtype, CPU)
    want = torch_made.function(*tensors, *[maker.sizes[name] for name in torch_made.sizes])
    close(made(*tensors, *[maker.sizes[name] for name in made.extra]), want, dtype)


@pytest.mark.parametrize("seed", range(250))
def test_random_programs_in_plain_python(seed):
    maker, program, inside = random_program(seed, most=2)
    torch_made = compiled(program, F64, CPU)
    scalars = Scalars(torch_made)
    if not inside or scalars.function(maker.sizes) is None:
        return
    tensors = [torch.as_tensor(maker.values[leaf.name], dtype=F64) for leaf in program.inputs]
    arguments = [*tensors, *[maker.sizes[name] for name in torch_made.sizes]]
    close(scalars.call(tensors, arguments, maker.sizes), torch_made.function(*arguments), F64)


# ---- formulas --------------------------------------------------------------------------------------------------------

LOSSES = {
    "logistic": ("mean(softplus(X*w) - y.*(X*w))", "X[N,d], w[d], y[N]", ["w"]),
    "network": ("mean((tanh(tanh(X*A)*B)*v - y).^2)", "X[N,d], A[d,h], B[h,h], v[h], y[N]", ["A", "B", "v"]),
    "factorisation": ("normF(M - U*V')^2", "M[m,n], U[m,r], V[n,r]", ["U", "V"]),
    "elementwise": ("mean((a*exp(-b*x) + c - y).^2)", "a, b, c, x[N], y[N]", ["a", "b", "c"]),
    "centred": ("sum((x - mean(x)).^4)", "x[N]", ["x"]),
    "neighbours": ("sum(i=1..n-1, (x[i+1] - x[i]^2)^2)", "x[n]", ["x"]),
    "quadratic": ("x'*A*x/2 - b'*x", "A[n,n], x[n], b[n]", ["x", "A"]),
    "two passes": ("norm2(X*w - mean(y)*ones(N))^2 + sum(tanh(X'*y))", "X[N,d], w[d], y[N]", ["w"]),
    "columns": ("sum(exp(sum(X, axis=1)))", "X[N,d]", ["X"]),
    "softmax regression": ("mean(lse(X*A, axis=2)) - sum(Y.*(X*A))/N", "X[N,d], A[d,h], Y[N,h]", ["A"]),
    "mixture": ("norm2(softmax(x)*s - softmax(M*x))^2 + max(x)", "x[m], M[m,m], s", ["x", "M"]),
    "over all rows": ("lse(X*w) + norm2(y - X*w) + min(X*w)", "X[N,d], w[d], y[N]", ["w", "y"]),
    "attention": ("sum((softmax(X*A*X', axis=2)*X).*Y)", "X[N,d], A[d,d], Y[N,d]", ["A", "X"]),
    "covariance": ("tr((X'*X)*S)", "X[N,d], S[d,d]", ["X", "S"]),
}


def values_of(given, sizes, seed=0):
    made = torch.Generator().manual_seed(seed)
    found = {}
    for part in given.replace("], ", "];").split(";"):
        for name in part.split(", "):
            base, _, axes = name.partition("[")
            if axes or "[" not in part:
                shape = [sizes[axis] for axis in axes.rstrip("]").split(",")] if axes else []
                found[base] = torch.rand(shape, generator=made, dtype=F64) + 0.1
            else:
                found[base] = torch.rand((), generator=made, dtype=F64) + 0.1
    return found


@pytest.mark.parametrize("sizes", [{}, {"N": 1, "m": 1}, {"N": 2500, "d": 21, "h": 13}, {"d": 1, "h": 1, "r": 1}], ids=str)
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, sizes):
    text, given, by = LOSSES[name]
    names = given.replace("[", ",").replace("]", ",").replace(" ", "").split(",")
    values = values_of(given, {"N": 7, "d": 3, "h": 5, "m": 6, "n": 4, "r": 2, **sizes})
    assert {"X", "x", "M", "A"} & set(names)
    programs = [to_torch(formula(text, given=given), gradient=by, backend=backend) for backend in ("eager", "native")]
    assert programs[1].backend == "native", programs[1].backend.why
    (value, slopes), (wanted, by_torch) = (program(values) for program in programs)
    close([value, *slopes.values()], [wanted, *by_torch.values()], F64)


@pytest.mark.parametrize("dtype", [F64, F32])
def test_tensors_that_are_not_contiguous(dtype):
    f = formula("mean(softplus(X*w) - y.*(X*w))", given="X[N,d], w[d], y[N]")
    X, w, y = torch.rand(3, 40, dtype=dtype).T, torch.rand(9, dtype=dtype)[::3], torch.rand(40, 2, dtype=dtype)[:, 1]
    close(*[_flat(to_torch(f, gradient=["w"], dtype=dtype, backend=b)(X=X, w=w, y=y)) for b in ("native", "eager")], dtype)


def test_a_view_that_stands_for_negatives():
    x = torch._neg_view(torch.tensor([1.0, 2.0], dtype=F64))
    program = to_torch(formula("sum(x)", given="x[n]"), backend="native")
    assert [float(program(x=x)[0]), float(program(x=x)[0]), float(program.bind(x=x)()[0])] == [-3, -3, -3]


def _flat(result):
    return [result[0], *result[1].values()]


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0, 0)])
def test_axes_without_entries(shape):
    f = formula("norm2(X*w - y)^2", given="X[N,d], w[d], y[N]")
    program = to_torch(f, gradient=["w"])
    tensors = {"X": torch.ones(shape, dtype=F64), "w": torch.ones(shape[1], dtype=F64), "y": torch.ones(shape[0], dtype=F64)}
    arguments = [tensors[leaf.name] for leaf in program.program.inputs]
    close(Native(program.program, F64, CPU)(*arguments), program.compiled.function(*arguments), F64)


def test_nan_and_infinity_go_through():
    f = formula("sum(relu(x).*y)", given="x[n], y[n]")
    program = to_torch(f, gradient=["x", "y"])
    x = torch.tensor([math.nan, math.inf, -math.inf, 1.0, 0.0], dtype=F64)
    for y in (torch.ones(5, dtype=F64), torch.tensor([0.0, 1, 1, math.inf, 1], dtype=F64)):
        arguments = [{"x": x, "y": y}[leaf.name] for leaf in program.program.inputs]
        close(Native(program.program, F64, CPU)(*arguments), program.compiled.function(*arguments), F64)


def test_differences_of_products_cancel_as_in_torch():
    """Products are not joined with sums: sqrt(x^2 - y^2) at x = y is 0, not the root of a rounding error."""
    x = torch.rand(1000, dtype=F64)
    value, _ = to_torch(formula("sum(sqrt(x.*x - y.*y))", given="x[n], y[n]"), backend="native")(x=x, y=x.clone())
    assert float(value) == 0.0


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 20, 23, 30])
@pytest.mark.parametrize("rows", [1, 2, 700])
def test_a_product_of_a_matrix_with_itself_is_symmetric(rows, columns):
    made = torch.Generator().manual_seed(columns)
    X = torch.randn(rows, columns, generator=made, dtype=F64)
    program = to_torch(formula("X'*X", given="X[N,d]"), backend="native")
    assert "gram(d1" in program.built.native.source
    found, _ = program(X=X)
    assert torch.equal(found, found.T)
    close([found], [X.T @ X], F64)


@pytest.mark.parametrize("columns", range(1, 14))
def test_a_product_of_any_width(columns):
    made = torch.Generator().manual_seed(columns)
    A, B = (torch.randn(shape, generator=made, dtype=F64) for shape in ((7, 5), (5, columns)))
    value, slopes = to_torch(formula("sum((A*B).^2)", given="A[m,n], B[n,k]"), gradient=["A", "B"], backend="native")(A=A, B=B)
    close([value, slopes["A"], slopes["B"]], [(A @ B).square().sum(), 2 * A @ B @ B.T, 2 * A.T @ A @ B], F64)


def test_threads_of_python_may_share_a_program():
    from concurrent.futures import ThreadPoolExecutor

    program = to_torch(formula("sum(x.^2)", given="x[n]"), gradient=["x"], backend="native")
    tensors = [torch.full((k,), 1.0, dtype=F64) for k in range(1, 40)]

    def work(tensor):
        return [float(program(x=tensor)[0]) for _ in range(50)]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, tensors)) == [[float(len(tensor))] * 50 for tensor in tensors]


def test_a_batch_of_scalars():
    program = to_torch(formula("a*exp(b) + 2"), gradient=["a", "b"], backend="native")
    a, b = torch.rand(4, 3, dtype=F64), torch.rand(4, 3, dtype=F64)
    close(_flat(program(a=a, b=b)), [a * torch.exp(b) + 2, torch.exp(b), a * torch.exp(b)], F64)


def test_results_belong_to_the_caller():
    program = to_torch(formula("sum(x)*s", given="x[n]"), gradient=["x", "s"], backend="native")
    x, s = torch.ones(3, dtype=F64), torch.tensor(2.0, dtype=F64)
    first = program(x=x, s=s)[1]
    first["x"].zero_()
    first["s"].zero_()
    again = program(x=x, s=s)[1]
    assert again["x"].tolist() == [2, 2, 2]
    assert float(s) == 2
    bound = program.bind(x=x, s=s)
    kept = bound()
    x += 1
    assert [float(kept[0]), float(bound()[0])] == [6.0, 12.0]


def test_a_second_call_sees_new_entries_and_new_storage():
    program = to_torch(formula("sum(x)", given="x[n]"), gradient=["x"], backend="native")
    x = torch.ones(3, dtype=F64)
    assert [float(program(x=x)[0]), float(program(x=x)[0])] == [3, 3]
    x.data = torch.full((3,), 5.0, dtype=F64)
    assert float(program(x=x)[0]) == 15


def test_the_module_differentiates_twice():
    model = to_torch(formula("sum(x.^3)*w", given="x[n]"), gradient=["w", "x"], backend="native").module()
    x = torch.tensor([1.0, 2.0], dtype=F64, requires_grad=True)
    (slope,) = torch.autograd.grad(model(w=2.0, x=x), x, create_graph=True)
    assert slope.tolist() == [6.0, 24.0]
    assert torch.autograd.grad(slope.sum(), x)[0].tolist() == [12.0, 24.0]


def test_threads_do_not_change_a_bit():
    f = formula("mean(softplus(X*w) - y.*(X*w))", given="X[N,d], w[d], y[N]")
    program = to_torch(f, gradient=["w"], backend="native")
    made = torch.Generator().manual_seed(1)
    X, w, y = (torch.rand(shape, generator=made, dtype=F64) for shape in [(300_001, 10), (10,), (300_001,)])
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3, 20):
            torch.set_num_threads(threads)
            found.append(_flat(program(X=X, w=w, y=y)))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other))
    close(found[0], _flat(to_torch(f, gradient=["w"])(X=X, w=w, y=y)), F64)


def test_single_precision_keeps_its_digits_in_a_long_sum():
    x = torch.full((3_000_000,), 0.1, dtype=F32)
    value, _ = to_torch(formula("sum(x)", given="x[n]"), dtype=F32, backend="native")(x=x)
    assert float(value) == pytest.approx(3e6 * float(torch.tensor(0.1, dtype=F32)), rel=1e-6)


# ---- the plan and the source -----------------------------------------------------------------------------------------


def planned(text, given, by):
    program = to_torch(formula(text, given=given), gradient=by)
    small = [name for leaf in map(program.formula.known.get, by) for length in leaf.shape for name in length.names]
    return plan(program.program, row_dimension(program.program, small))


def test_a_logistic_regression_is_one_pass_of_three_loops():
    made = planned(*LOSSES["logistic"])
    assert str(made.rows) == "N"
    assert [len(groups) for groups in made.passes] == [3]
    assert [group.is_product for group in made.passes[0]] == [True, False, True]


def test_an_elementwise_fit_is_one_loop():
    made = planned(*LOSSES["elementwise"])
    assert [[len(group.nests) for group in groups] for groups in made.passes] == [[10]]
    assert {made.keeps[nest.value] for nest in made.passes[0][0].nests if nest.is_map} == {"register"}


def test_what_needs_a_sum_over_all_rows_waits_for_another_pass():
    """First the mean, then the value and the mean of the cubes, then the gradient."""
    assert [len(groups) for groups in planned(*LOSSES["centred"]).passes] == [1, 1, 1]


@pytest.mark.parametrize("name", [*LOSSES, "repeated"])
@pytest.mark.parametrize("first", [1, 2])
def test_outputs_may_be_left_out(name, first):
    """Without a place for the later outputs the others are the same, up to the order of sums, and nothing is written elsewhere."""
    text, given, by = {**LOSSES, "repeated": ("s*sum(x)", "s, x[N]", ["x", "s"])}[name]
    values = values_of(given, {"N": 70, "d": 3, "h": 5, "m": 6, "n": 4, "r": 2})
    program = to_torch(formula(text, given=given), gradient=by)
    source = native_source(program.program, row_dimension(program.program, program.small), optional=first)
    call = library(source).symgd_call
    tensors = [values[leaf.name] for leaf in program.program.inputs]
    sizes = [program.bound(values).sizes[dimension] for dimension in program.program.dimension_names()]
    whole, partly = ([torch.full_like(out, 7.0) for out in program.compiled.function(*tensors)] for _ in range(2))

    def run(outputs, given_places):
        places = [out.data_ptr() if k < given_places else None for k, out in enumerate(outputs)]
        ins = (ctypes.c_void_p * len(tensors))(*[tensor.data_ptr() for tensor in tensors])
        outs = (ctypes.c_void_p * len(places))(*places)
        assert call(ins, outs, (ctypes.c_long * max(1, len(sizes)))(*sizes), ctypes.c_long(1)) == 0

    run(whole, len(whole))
    run(partly, first)
    close(whole, program.compiled.function(*tensors), F64)
    close(partly[:first], whole[:first], F64)
    assert all(bool((out == 7.0).all()) for out in partly[first:])


def test_the_source_has_names_of_our_own_alone():
    f = formula("mean((evil*x_1 - system).^2)", given="x_1[n], system[n]")
    program = to_torch(f, gradient=["evil"])
    source = native_source(program.program, Dimension.of("n"))
    assert not any(name in source for name in ("evil", "system", "x_1"))


def test_the_source_is_the_same_every_time():
    made = [to_torch(formula(*LOSSES["network"][:2]), gradient=["A", "B", "v"]).program for _ in range(2)]
    assert native_source(made[0], Dimension.of("N")) == native_source(made[1], Dimension.of("N"))


def test_values_are_checked_as_elsewhere():
    program = to_torch(formula("sum(x)", given="x[n]"), backend="native")
    with pytest.raises(SymgdError):
        program(x=[1.0, math.nan])
