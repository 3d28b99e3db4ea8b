"""Functions of torch against formulas: right ones pass, and each planted fault is caught and named."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import torch
from random_formulas import GIVEN, made
from torch import Tensor

import symgd
from symgd import FormulaError, ValueGivenError, check_gradient
from symgd.algebra.expression import leaves
from symgd.descent.hard_points import Points, first
from symgd.lowering.compiled import compiled
from symgd.lowering.lower import lower
from symgd.lowering.values import Bound

F = torch.nn.functional


def function(forward: Callable[..., Tensor], backward: Callable[..., Any]) -> type[torch.autograd.Function]:
    """An autograd function of all its tensors: backward(g, *tensors)."""

    class Made(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: Tensor) -> Tensor:
            ctx.save_for_backward(*tensors)
            return forward(*tensors)

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Any:
            return backward(g, *ctx.saved_tensors)

    return Made


def squares(A: Tensor, x: Tensor, b: Tensor) -> Tensor:
    return ((A @ x - b) ** 2).sum()


def squares_back(g: Tensor, A: Tensor, x: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    r = 2 * g * (A @ x - b)
    return torch.outer(r, x), A.T @ r, -r


LEAST_SQUARES = ("norm2(A*x - b)^2", "A[m,n], x[n], b[m]")

RIGHT = {
    "autograd, least squares": (squares, *LEAST_SQUARES),
    "by hand, least squares": (function(squares, squares_back), *LEAST_SQUARES),
    "an elementwise function": (torch.exp, "exp(x)", "x[n]"),
    "a scalar": (lambda x: x * torch.sin(x), "x*sin(x)", ""),
    "abs": (torch.abs, "abs(x)", ""),
    "softplus": (lambda x: torch.logaddexp(x, torch.zeros_like(x)).sum(), "sum(softplus(x))", "x[n]"),
    "log-sum-exp": (lambda x: torch.logsumexp(x, 0), "lse(x)", "x[n]"),
    "a matrix": (lambda A, B: A @ B, "A*B", "A[m,n], B[n,m]"),
    "a declared domain": (lambda p: torch.log(p) - torch.log1p(-p), "log(p) - log1p(-p)", "p in (0,1)"),
    "labels": (lambda y, z: (y * z).sum(), "y'*z", "y[n] in {-1, 1}, z[n]"),
    "an array of three axes": (lambda X: (X**3).sum(), "sum(X.^3)", "X[k,m,n]"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_functions_pass(name: str) -> None:
    torch_function, text, given = RIGHT[name]
    found = check_gradient(torch_function, text, given)
    assert found.grade == "right", str(found)
    assert found
    assert all(row.error <= 1024 for row in found.rows), str(found)
    assert all(row.compared >= 24 for row in found.rows)


@pytest.mark.parametrize("name", ["autograd, least squares", "a scalar", "an elementwise function", "log-sum-exp", "a matrix"])
def test_right_second_derivatives_pass(name: str) -> None:
    found = check_gradient(*RIGHT[name], order=2, hard=False)
    assert found.right, str(found)
    assert any(row.name.endswith("second order") for row in found.rows)


def mean_square(x: Tensor, y: Tensor) -> Tensor:
    return ((x - y) ** 2).mean()


MEAN = ("mean((x - y)^2)", "x[n], y[n]")
QUADRATIC = ("x'*C*x", "x[n], C[n,n]")


def quadratic(x: Tensor, C: Tensor) -> Tensor:
    return x @ C @ x


def at_left_out(g: Tensor, x: Tensor) -> Tensor:
    return g * torch.where(x > 40, 0.0, torch.sigmoid(x))


def in_place(g: Tensor, x: Tensor) -> Tensor:
    return g.mul_(2 * x)


class OnTheClass(torch.autograd.Function):
    """Keeps what it needs where the next call overwrites it."""

    kept: Tensor

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        OnTheClass.kept = x.detach()
        return x.detach() ** 2

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return 2 * OnTheClass.kept * g


class WritesGrad(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.x = x
        return x.detach() ** 2

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        ctx.x.grad = 2 * ctx.x.detach() * g
        return 2 * ctx.x.detach() * g


def changes_input(x: Tensor) -> Tensor:
    value = x**2
    x.detach().mul_(2)
    return value + 0


def spends(x: Tensor) -> Tensor:
    """Its graph is spent after the first backward."""
    kept = [x.detach()]
    return function(lambda x: x**2, lambda g, x: 2 * kept.pop() * g).apply(x)


# name: function, formula, declarations, what the verdict says of it
WRONG: dict[str, tuple[Any, str, str, str]] = {
    "factor 2": (
        function(squares, lambda g, *at: (squares_back(g, *at)[0], squares_back(g, *at)[1] / 2, squares_back(g, *at)[2])),
        *LEAST_SQUARES,
        "the gradient by x has the factor 1/2 everywhere",
    ),
    "sign": (function(mean_square, lambda g, x, y: (2 * g * (x - y) / len(x),) * 2), *MEAN, "the gradient by y has the opposite sign"),
    "sum for mean": (function(mean_square, lambda g, x, y: (2 * g * (x - y), -2 * g * (x - y))), *MEAN, "has the factor n: that of a sum"),
    "mean for sum": (
        function(lambda x: (x**2).sum(), lambda g, x: 2 * g * x / len(x)), "sum(x.^2)", "x[n]", "the factor 1/n: that of a mean"
    ),
    "transposed": (function(quadratic, lambda g, x, C: (g * (C + C.T) @ x, g * torch.outer(x, x) @ C)), *QUADRATIC, "off by"),
    "transposed matrix": (
        function(lambda C, F: (C @ F).trace(), lambda g, C, F: (g * F, g * C.T)), "tr(C*F)", "C[n,n], F[n,n]", "by C is transposed"
    ),
    "symmetric only": (function(quadratic, lambda g, x, C: (2 * g * C @ x, g * torch.outer(x, x))), *QUADRATIC, "by x is off by"),
    "symmetrised": (
        function(lambda C: (C**2).sum(), lambda g, C: g * (C + C.T)), "normF(C)^2", "C[n,n]", "by C is symmetrised"
    ),
    "dropped term": (function(lambda x: x * torch.exp(x), lambda g, x: g * torch.exp(x)), "x*exp(x)", "", "the gradient by x is off by"),
    "detached": (lambda x: (x.detach() ** 2).sum() + 0 * x.sum(), "sum(x.^2)", "x[n]", "is 0 everywhere: it is detached"),
    "detached wholly": (lambda x: (x.detach() ** 2).sum(), "sum(x.^2)", "x[n]", "does not depend on the variables for autograd"),
    "in part detached": (lambda x, w: (w * x.detach()).sum(), "x'*w", "x[n], w[n]", "gives no gradient (None) by x"),
    "grad_output ignored": (function(lambda x: (x**2).sum(), lambda g, x: 2 * x), "sum(x.^2)", "x[n]", "multiply it by grad_output"),
    "grad_output ignored, an array": (function(lambda x: x**2, lambda g, x: 2 * x), "x.^2", "x[n]", "multiply it by grad_output"),
    "grad_output twice": (function(lambda x: x**2, lambda g, x: 2 * x * g * g), "x^2", "", "multiplied by the incoming gradient twice"),
    "grad_output by its size": (function(lambda x: x**2, lambda g, x: 2 * x * g.abs()), "x^2", "", "not linear in grad_output"),
    "exchanged": (
        function(lambda x, y: x @ y + y @ y, lambda g, x, y: (g * (x + 2 * y), g * y)), "x'*y + y'*y", "x[n], y[n]", "exchanged with"
    ),
    "value": (lambda x: 3 * x.sum(), "sum(x)", "x[n]", "the value has the factor 3 everywhere"),
    "a backward for another value": (function(lambda x: x**2 + 1, lambda g, x: 2 * x * g), "x^2", "", "the value is off by"),
    "nan": (function(lambda x: x**2, lambda g, x: g * x * math.nan), "x^2", "", "not finite where the truth is"),
    "nan value": (lambda x: x**2 + math.nan, "x^2", "", "not finite where the truth is"),
    "infinite": (function(lambda x: x**2, lambda g, x: g / torch.zeros(())), "x^2", "", "not finite where the truth is"),
    "too few gradients": (function(mean_square, lambda g, x, y: (g * x,)), *MEAN, "incorrect number of gradients"),
    "too many gradients": (function(lambda x: x**2, lambda g, x: (2 * x * g, x)), "x^2", "", "incorrect number of gradients"),
    "a gradient of another shape": (
        function(lambda x: (x**2).sum(), lambda g, x: (2 * x * g)[:, None] * torch.ones(5)), "sum(x.^2)", "x[n]", "raised RuntimeError"
    ),
    "a value of another shape": (lambda x: x**2, "sum(x.^2)", "x[n]", ") where f has the shape ()"),
    "a value with one axis": (lambda x: (x**2).sum().reshape(1), "sum(x.^2)", "x[n]", "returns the shape (1,) where f has the shape ()"),
    "float32": (lambda x: (x.float() ** 2).sum(), "sum(x.^2)", "x[n]", "returns float32 for float64 inputs"),
    "float32 inside": (lambda x: (x.float() ** 2).sum().double(), "sum(x.^2)", "x[n]", "the value is off by"),
    "a number": (lambda x: float((x.detach() ** 2).sum()), "sum(x.^2)", "x[n]", "returns a float, not a tensor"),
    "a pair": (lambda x: (x, x), "x", "x[n]", "returns a tuple, not a tensor"),
    "an exception": (lambda x: x @ torch.ones(77, dtype=x.dtype), "sum(x)", "x[n]", "the function raised RuntimeError"),
    "an exception in the backward": (function(lambda x: x**2, lambda g, x: g @ x), "x^2", "", "the backward raised RuntimeError"),
    "in place, the input": (changes_input, "x^2", "", "the function changes its input x"),
    "in place, a leaf": (lambda x: x.mul_(2), "2*x", "", "the function raised RuntimeError: a leaf Variable"),
    "in place, the incoming gradient": (function(lambda x: x**2, in_place), "x^2", "", "changes the incoming gradient in place"),
    "in place, what was saved": (lambda x: _saved_and_changed(x), "exp(x)", "x[n]", "modified by an inplace operation"),
    "kept on the class": (OnTheClass, "x^2", "", "the gradient by x is off by"),
    "written into grad": (WritesGrad, "x^2", "", "the backward writes into x.grad"),
    "spent": (spends, "x^2", "", "the backward raised IndexError: pop from empty list"),
}  # fmt: skip


def _saved_and_changed(x: Tensor) -> Tensor:
    value = torch.exp(x)
    value.detach().mul_(1)
    value.add_(0.0)
    return value


@pytest.mark.parametrize("name", WRONG)
def test_planted_faults_are_caught_and_named(name: str) -> None:
    torch_function, text, given, words = WRONG[name]
    found = check_gradient(torch_function, text, given, hard=False)
    assert found.grade == "wrong", str(found)
    assert not found
    assert words in str(found)


AT_HARD_POINTS = {
    "overflow": (lambda x: torch.log(1 + torch.exp(x)), "softplus(x)", "", "not finite where the truth is ("),
    "cancellation": (torch.tanh, "tanh(x)", "", "the gradient by x is off by"),
    "another branch far out": (function(lambda x: F.softplus(x, threshold=700), at_left_out), "softplus(x)", "", "off by"),
    "a kink at another place": (lambda x: F.relu(x + 1e-10), "relu(x)", "", "off by"),
    "an exception far out": (lambda x: x if float(x.detach()) < 1e6 else x @ x, "x", "", "the function raised RuntimeError"),
}  # fmt: skip


@pytest.mark.parametrize("name", AT_HARD_POINTS)
def test_faults_at_hard_points_are_caught(name: str) -> None:
    torch_function, text, given, words = AT_HARD_POINTS[name]
    found = check_gradient(torch_function, text, given)
    assert found.grade == "wrong at hard points", str(found)
    assert not found.right
    assert words in str(found)
    assert check_gradient(torch_function, text, given, hard=False).right


class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 3 * x**2 * g


def test_second_derivatives_that_are_wrong_are_caught() -> None:
    assert "once_differentiable" in check_gradient(Once, "x^3", order=2).why
    assert check_gradient(Once, "x^3").right
    cut = function(lambda x: x**3, lambda g, x: 3 * x.detach() ** 2 * g)
    found = check_gradient(cut, "x^3", order=2, hard=False)
    assert found.grade == "wrong"
    assert check_gradient(cut, "x^3", hard=False).right
    assert "second order" in str(found)


def test_the_worst_point_is_the_one_with_the_error() -> None:
    found = check_gradient(torch.tanh, "tanh(x)")
    row = {row.name: row for row in found.rows}["x"]
    assert row.point is not None
    x, truth = row.point["x"], symgd.gradient(symgd.formula("tanh(x)"), "x")
    assert float(row.truth) == pytest.approx(row.incoming * float(truth.evaluate(x=x, digits=30)), rel=1e-15)
    assert abs(x) > 10


def test_what_no_float_tells_apart_is_not_held_against_a_function() -> None:
    """x - y beside the kink: the difference has no right digit, whatever is computed."""
    assert check_gradient(lambda x, y: torch.nn.functional.huber_loss(x, y, reduction="none"), "huber(x - y, 1)").right


def test_too_few_points_are_no_verdict() -> None:
    found = check_gradient(lambda x: torch.sqrt(-1 - x**2), "sqrt(-1 - x^2)")
    assert found.grade == "undecided"
    assert not found
    assert sum(found.skipped.values()) > 24
    assert check_gradient(torch.exp, "exp(x)", seconds=0).grade == "undecided"


def test_points_that_were_skipped_are_counted_with_the_reason() -> None:
    found = check_gradient(torch.log, "log(x)")
    assert found.right
    assert any("outside the domain of f" in reason for reason in found.skipped)
    assert "skipped: " in str(found)


def test_names_order_keywords_and_what_to_derive_by() -> None:
    def of(b: Tensor, x: Tensor, A: Tensor) -> Tensor:
        return squares(A, x, b)

    assert not check_gradient(of, *LEAST_SQUARES, hard=False)
    assert check_gradient(of, *LEAST_SQUARES, names=["b", "x", "A"], hard=False)
    assert check_gradient(of, *LEAST_SQUARES, keywords=True, hard=False)
    found = check_gradient(lambda A, x, b: squares(A.detach(), x, b), *LEAST_SQUARES, by=["x", "b"], hard=False)
    assert found.right
    assert found.not_derived == ("A",)
    assert [row.name for row in found.rows] == ["value", "x", "b"]


def test_matrices_declared_positive_definite() -> None:
    assert check_gradient(torch.logdet, "logdet(P)", "P[n,n] spd", hard=False).right


def test_a_gradient_where_there_is_none_is_caught() -> None:
    value, given = "sum(softmax(x))*sum(w)", "x[n], w[m]"
    assert check_gradient(lambda x, w: torch.softmax(x, 0).sum() * w.sum(), value, given, names=["x", "w"], hard=False).right
    made_up = function(lambda x, w: w.sum(), lambda g, x, w: (g * x * 1e-3, g * torch.ones_like(w)))
    assert check_gradient(made_up, value, given, names=["x", "w"], hard=False).grade == "wrong"


def test_a_dimension_that_no_argument_shows_is_refused() -> None:
    with pytest.raises(FormulaError, match="no argument of the function shows how large n is"):
        check_gradient(lambda t: t, "n*t", "t, x[n]", names=["t"])


def test_a_module() -> None:
    assert check_gradient(torch.nn.Softmax(dim=0), "softmax(x)", "x[n]", hard=False).right


def test_it_is_the_same_every_time() -> None:
    one, other = (check_gradient(squares, *LEAST_SQUARES, order=2) for _ in range(2))
    assert str(one) == str(other)
    assert str(one) != str(check_gradient(squares, *LEAST_SQUARES, order=2, seed=1))


def test_json_is_plain_data() -> None:
    found = json.loads(json.dumps(check_gradient(torch.tanh, "tanh(x)").json(), allow_nan=False))
    assert found["grade"] == "wrong at hard points"
    nan = json.loads(json.dumps(check_gradient(*WRONG["nan"][:2]).json(), allow_nan=False))
    assert nan["rows"][1]["ordinary_ulp"] == "inf"


def test_hard_points_reach_the_arguments_of_functions() -> None:
    f = symgd.formula("sum(exp(2*A*x - b))", given="A[m,n], x[n], b[m]")
    points = first(Points(f.origin, list(f.known.values()), 0).hard(), 60)
    reached = [point for point in points if point.hard == "exp at 700"]
    assert reached
    for point in reached:
        A, x, b = (torch.tensor(point.values[name], dtype=torch.float64) for name in "Axb")
        assert float((2 * A @ x - b - 700).abs().min()) < 1e-6


def test_sizes_vary_and_one_is_among_them() -> None:
    f = symgd.formula("norm2(A*x - b)^2", given="A[m,n], x[n], b[m]")
    points = first(Points(f.origin, list(f.known.values()), 0).ordinary(), 12)
    assert len({tuple(point.sizes.values()) for point in points}) > 3
    assert {"m": 1, "n": 1} in [dict(point.sizes) for point in points]


REFUSED: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (3, {}, ValueGivenError, "torch_function is 3, which cannot be called with tensors."),
    (torch.nn.Linear, {}, ValueGivenError, "which cannot be called with tensors."),
    (squares, {"order": 3}, ValueGivenError, "order is 3.\nWrite 1 for the gradient, 2 for second derivatives as well."),
    (squares, {"tolerance": math.nan}, ValueGivenError, "tolerance is nan, not a positive number of units."),
    (squares, {"names": ["A", "x"]}, FormulaError, "names leaves out b.\nThe function gets every variable of f: A, x, b."),
    (squares, {"names": ["A", "x", "b", "b"]}, FormulaError, "names has a name twice.\nName every variable once."),
    (squares, {"by": ["c"]}, FormulaError, "unknown variable 'c'.\nThe variables are A, x, b."),
    (squares, {"by": []}, FormulaError, "there is no variable to derive by.\nName one: by=[…]."),
]


@pytest.mark.parametrize(("torch_function", "options", "kind", "text"), REFUSED, ids=range(len(REFUSED)))
def test_refusals(torch_function: Any, options: dict[str, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as error:
        check_gradient(torch_function, *LEAST_SQUARES, **options)
    assert text in str(error.value)


def in_torch(f: symgd.Formula) -> Callable[..., Tensor]:
    """The formula in plain torch, by keywords; autograd derives it."""
    program = compiled(lower([f.expression], leaves(f.expression), form="torch"), torch.float64, torch.device("cpu"))

    def call(**tensors: Tensor) -> Tensor:
        lengths = {name: zip(f.known[name].shape, tensor.shape) for name, tensor in tensors.items()}
        sizes = {d.names[0]: k for pairs in lengths.values() for d, k in pairs if d.names}
        (value,) = program.function(*program.arguments(Bound(tensors, sizes, ())))
        return value

    return call


@pytest.mark.parametrize("seed", range(25))
def test_random_formulas_in_plain_torch_are_right_and_with_a_wrong_sign_are_not(seed: int) -> None:
    """At ordinary points; autograd of a random formula is right there but for the last digits."""
    f = symgd.formula(made(Random(seed).choice, 2), given=GIVEN)
    if not f.variables:
        pytest.skip("the formula has no variable")
    plain = in_torch(f)
    found = check_gradient(plain, f, keywords=True, hard=False)
    assert found.right, str(found)
    turned = check_gradient(lambda **tensors: plain(**tensors).detach() * 2 - plain(**tensors), f, keywords=True, hard=False)
    assert all(row.ordinary == 0 for row in found.rows[1:]) or turned.grade == "wrong"
