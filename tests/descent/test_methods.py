"""The methods: torch's optimisers step by step, textbook iterates, closed forms to many digits, and every row of the table."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from symgd import ValueGivenError, descend, formula
from symgd.descent.methods.table import ROWS, TABLE
from symgd.descent.objective import Objective
from symgd.descent.squares import squares

ROSENBROCK = formula("(1 - a)^2 + 100*(b - a^2)^2")
SMOOTH = formula("cosh(a - 1) + (b + 2)^2 + exp((a + b)/4)")  # no sum of squares

# ---- every row -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_method_finds_a_minimum(row):
    f = formula("(a - 1)^2 + 2*(b + 2)^2 + a*b/2") if row.name == "closed-form" else formula("(a - 1)^2 + (exp(b/2) - 2)^2 + (a*b - 1)^2")
    truth = descend(f, start={"a": 1.0, "b": 1.0}, method="newton").parameters
    rate = 0.01 if row.rate == "needed" else None
    found = descend(f, start={"a": 0.5, "b": 0.5}, method=row.name, rate=rate, steps=3000)
    # RMSprop's steps do not become smaller than its rate, and AdamW's decay of the weights moves the minimum.
    digits = {"rmsprop": 2e-2, "adamw": 1e-3}
    assert found.parameters == pytest.approx(truth, abs=digits.get(row.name, 1e-5))
    assert found.evaluations >= 2


@pytest.mark.parametrize("name", [row.name for row in ROWS if row.rate == "none"])
def test_what_searches_never_climbs(name):
    f = formula("norm2(A*x - b)^2", given="A[m,n], x[n], b[m]")
    data = {"A": [[2.0, 1.0], [0.0, 1.0], [1.0, -1.0]], "b": [1.0, 2.0, 0.5]}
    found = descend(f, start={"x": [5.0, -3.0]}, data=data, method=name, steps=200)
    if name != "barzilai-borwein":  # which compares with the largest of the last losses
        assert found.values == sorted(found.values, reverse=True)
    assert found.outcome == "converged"
    truth = np.linalg.lstsq(np.array(data["A"]), np.array(data["b"]), rcond=None)[0]
    assert found.parameters["x"].tolist() == pytest.approx(truth.tolist(), abs=1e-7)


# ---- rates given -----------------------------------------------------------------------------------------------------

OPTIMISERS = [
    ("gradient", {}, torch.optim.SGD, {}),
    ("momentum", {"momentum": 0.8, "weight_decay": 0.1}, torch.optim.SGD, {"momentum": 0.8, "weight_decay": 0.1}),
    ("nesterov", {}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    ("adam", {}, torch.optim.Adam, {}),
    ("adam", {"beta1": 0.5, "eps": 1e-3, "weight_decay": 0.2}, torch.optim.Adam, {"betas": (0.5, 0.999), "eps": 1e-3, "weight_decay": 0.2}),
    ("adamw", {}, torch.optim.AdamW, {}),
    ("rmsprop", {"momentum": 0.5}, torch.optim.RMSprop, {"momentum": 0.5}),
]


@pytest.mark.parametrize(("method", "options", "kind", "theirs"), OPTIMISERS)
def test_the_steps_are_those_of_torch(method, options, kind, theirs):
    f = formula("sum((W*x - y).^2) + sum(cosh(W*x))", given="W[2,2], x[2], y[2]")
    W = torch.nn.Parameter(torch.tensor([[0.5, -0.2], [0.1, 0.7]], dtype=torch.float64))
    x, y = torch.tensor([1.0, 2.0], dtype=torch.float64), torch.tensor([0.3, -0.4], dtype=torch.float64)
    found = descend(f, start={"W": W.detach().clone()}, data={"x": x, "y": y}, method=method, rate=0.01, steps=30, options=options)
    optimiser = kind([W], lr=0.01, **theirs)
    for step in range(30):
        optimiser.zero_grad()
        (((W @ x - y) ** 2).sum() + torch.cosh(W @ x).sum()).backward()
        optimiser.step()
        assert torch.allclose(found.path["W"][step + 1], W.detach(), rtol=1e-12, atol=1e-14)  # the gradients differ by rounding


SCHEDULED = [
    ("inverse", 0.5, [1, 1 / 1.5, 1 / 2, 1 / 2.5]),
    ("exponential", math.log(2), [1, 1 / 2, 1 / 4, 1 / 8]),
    ("linear", 0.5, [1, 3 / 4, 2 / 4, 1 / 4]),
    ("cosine", 0.5, [1, (1 + math.sqrt(0.5)) / 2, 1 / 2, (1 - math.sqrt(0.5)) / 2]),
]


@pytest.mark.parametrize(("schedule", "decay", "shares"), SCHEDULED)
def test_schedules(schedule, decay, shares):
    found = descend(formula("3*w"), start={"w": 0.0}, rate=0.1, steps=4, schedule=schedule, options={"decay": decay})
    assert np.diff(found.path["w"]).tolist() == pytest.approx([-0.3 * share for share in shares])


def test_batches_with_adam():
    data = {"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]}
    loss = formula("mean((w*x - y)^2)", given="x[n], y[n]")
    found = descend(loss, start={"w": 1.0}, data=data, method="adam", rate=0.1, batch=1, epochs=2)
    w = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    optimiser = torch.optim.Adam([w], lr=0.1)
    for x, y in list(zip(*data.values())) * 2:
        optimiser.zero_grad()
        ((w * x - y) ** 2).backward()
        optimiser.step()
    assert found.parameters["w"] == pytest.approx(w.item(), rel=1e-13)


# ---- line searches ---------------------------------------------------------------------------------------------------


def test_the_exact_line_search_takes_the_textbooks_steps():
    """Boyd & Vandenberghe, Convex Optimization, 9.3.2: for (x² + γy²)/2 from (γ, 1) step k is at γq^k, (-q)^k with q = (γ-1)/(γ+1)."""
    gamma = 10.0
    f, q = formula("(x^2 + 10*y^2)/2"), (gamma - 1) / (gamma + 1)
    found = descend(f, start={"x": gamma, "y": 1.0}, method="exact", steps=300, tolerance=1e-6)
    for k in range(40):
        assert found.path["x"][k] == pytest.approx(gamma * q**k, rel=1e-9)
        assert found.path["y"][k] == pytest.approx((-q) ** k, rel=1e-9)
    assert found.steps == math.ceil(math.log(1e-6 / gamma) / math.log(q))  # the first with |∇f| = γq^k at most the tolerance
    assert found.outcome == "converged"


def test_the_exact_line_search_finds_the_minimum_of_any_line():
    f = formula("cosh(x - 1) + x^4")
    found = descend(f, start={"x": -3.0}, method="exact", steps=1)
    assert math.sinh(found.parameters["x"] - 1) + 4 * found.parameters["x"] ** 3 == pytest.approx(0, abs=1e-12)


def test_conjugate_gradients_need_few_steps_on_a_quadratic():
    f = formula("x'*A*x/2 - b'*x", given="A[n,n] symmetric, x[n], b[n]")
    A = np.diag([1.0, 3.0, 10.0]) + 0.1
    start, data = {"x": [1.0, 1.0, 1.0]}, {"A": A, "b": [1.0, 2.0, 3.0]}
    found = descend(f, start=start, data=data, method="conjugate-gradient", steps=60, tolerance=1e-9)
    plain = descend(f, start=start, data=data, method="armijo", steps=200, tolerance=1e-9)
    assert found.parameters["x"].tolist() == pytest.approx(np.linalg.solve(A, [1.0, 2.0, 3.0]).tolist(), abs=1e-8)
    assert found.steps < plain.steps


def test_newton_with_conjugate_gradients_for_many_parameters():
    f = formula("sum(cosh(x - c)) + norm2(x)^2", given="x[n], c[n]")
    c = torch.linspace(-1, 1, 3000, dtype=torch.float64)
    found = descend(f, start={"x": torch.zeros(3000)}, data={"c": c}, method="newton-cg")
    x = found.parameters["x"]
    assert found.outcome == "converged"
    assert float((torch.sinh(x - c) + 2 * x).abs().max()) < 1e-9
    assert found.steps < 10


def test_coordinate_descent_uses_each_new_value_at_once():
    """Gauss and Seidel's iteration for 2x + y = 1, x + 2y = 0."""
    f = formula("x^2 + x*y + y^2 - x")
    found = descend(f, start={"x": 0.0, "y": 0.0}, method="coordinate", steps=2)
    assert (found.path["x"][1], found.path["y"][1]) == pytest.approx((1 / 2, -1 / 4))
    assert (found.path["x"][2], found.path["y"][2]) == pytest.approx((5 / 8, -5 / 16))


# ---- sums of squares -------------------------------------------------------------------------------------------------

SQUARES = [
    ("mean((w*x + b - y)^2)", "x[n], y[n]", ["w*x + b - y"]),
    ("sum(i=1..n, (w*x[i] - y[i])^2)/n + 3", "x[n], y[n]", ["w*x - y"]),
    ("norm2(A*w - y)^2 + l*norm2(w)^2/2", "A[m,n], w[n], y[m], l > 0", ["A*w - y", "w"]),
    ("(A*w - y)'*(A*w - y)", "A[m,n], w[n], y[m]", ["A*w - y"]),
    ("normF(X - w*v')^2", "X[m,n], w[m], v[n]", ["X - w*v'"]),
    ("(w - 1)^4 + 2*(b*w)^2", "", ["(w - 1)^2", "b*w"]),
    ("sum(c.*(w*x - y).^2)", "x[n], y[n], c[n], w", ["w*x - y"]),
    ("mean(((w*x - y).^2 + (b - y).^2)/2)", "x[n], y[n], w, b", ["w*x - y", "b - y"]),
    ("sin(w)^2*(b - 1)^2", "", ["sin(w)*(b - 1)"]),
    ("w'*w", "w[n]", ["w"]),
]


@pytest.mark.parametrize(("text", "given", "residuals"), SQUARES)
def test_sums_of_squares_are_seen(text, given, residuals):
    f = formula(text, given=given)
    found = squares(f.origin, [f.known[name] for name in ("w", "b", "v") if name in f.known])
    assert found is not None
    assert {str(formula(residual, given=given)) for residual in residuals} == {_text(square.residual, f) for square in found}


def _text(node, f):
    from symgd.formula import Formula

    return str(Formula(node, f.known))


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("(w - 1)^2 - b^2", ""),
        ("(w - 1)^3", ""),
        ("(w - 1)^2*b", ""),
        ("sum(exp(w*x))", "x[n]"),
        ("norm2(w)", "w[n]"),
        ("w'*A*w", "A[n,n], w[n]"),
        ("(w - 1)^2 + b", ""),
        ("(w - 1)^(-2)", ""),
    ],
)
def test_what_is_no_sum_of_squares(text, given):
    f = formula(text, given=given)
    assert squares(f.origin, [f.known[name] for name in ("w", "b") if name in f.known]) is None


def test_weights_that_are_negative_are_seen_in_the_data():
    f = formula("sum(v.*(w*x - y).^2)", given="x[n], y[n], v[n]")
    data = {"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 5.0]}
    assert "squares" in descend(f, start={"w": 0.0}, data={**data, "v": [1.0, 0.0, 2.0]}).message
    found = descend(f, start={"w": 0.0}, data={**data, "v": [1.0, -1.0, 2.0]})
    assert "squares" not in found.message
    assert found.parameters["w"] == pytest.approx((1 - 4 + 30) / (1 - 4 + 18))
    with pytest.raises(ValueGivenError) as error:
        descend(f, start={"w": 0.0}, data={**data, "v": [1.0, -1.0, 2.0]}, method="gauss-newton")
    assert str(error.value) == (
        "method 'gauss-newton' needs a sum of squares, and the loss is not seen to be one.\n"
        'Write the loss as sum(r.^2), mean(r.^2) or norm2(r)^2 of residuals r, or method="newton".'
    )


def test_a_fit_with_residuals_that_stay_large():
    """Moré, Garbow & Hillstrom (1981), problem 16, Brown and Dennis: f = 85822.2016…"""
    times = torch.arange(1, 21, dtype=torch.float64) / 5
    f = formula("sum(((a + t.*b - exp(t)).^2 + (c + d*sin(t) - cos(t)).^2).^2)", given="t[m]")
    found = descend(f, start={"a": 25.0, "b": 5.0, "c": -5.0, "d": -1.0}, data={"t": times})
    assert found.values[-1] == pytest.approx(85822.20162635628, rel=1e-12)
    assert (found.outcome, "Newton's where residuals are large" in found.message) == ("converged", True)
    assert found.evaluations < 60


X = [50 + 5.0 * k for k in range(16)]
Y = [34780.0, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872]


@pytest.mark.parametrize("start", [(2.0, 400000.0, 25000.0), (0.02, 4000.0, 250.0)])
def test_a_fit_that_others_lose(start):
    """NIST StRD, MGH10, from both starts."""
    f = formula("mean((b1 .* exp(b2 ./ (x + b3)) - y).^2)", given="x[n], y[n]")
    found = descend(f, start=dict(zip(("b1", "b2", "b3"), start)), data={"x": X, "y": Y}, steps=1000)
    assert found.parameters == pytest.approx({"b1": 5.6096364710e-03, "b2": 6.1813463463e03, "b3": 3.4522363462e02}, rel=1e-9)
    assert found.outcome == "converged"


def test_no_step_jumps_over_a_pole():
    """s = -1 is as good as s = 1, but beyond the pole at 0; Gauss and Newton's first step would go to s = -1.48."""
    found = descend(formula("(1/s^2 - 1)^2 + (t - 30)^2/900"), start={"s": 2.1, "t": 300.0})
    assert found.parameters == pytest.approx({"s": 1.0, "t": 30.0}, rel=1e-9)


def test_behind_a_pole_there_may_be_the_only_minimum():
    """Moré, Garbow & Hillstrom (1981), problem 7, the helical valley, from (-1, 0, 0): the angle jumps at x = 0."""
    angle = "(atan(y/x)/(2*pi) + (0 if x > 0 else 1/2))"
    f = formula(f"100*((z - 10*{angle})^2 + (sqrt(x^2 + y^2) - 1)^2) + z^2")
    found = descend(f, start={"x": -1.0, "y": 0.0, "z": 0.0}, steps=500)
    assert found.parameters == pytest.approx({"x": 1.0, "y": 0.0, "z": 0.0}, abs=1e-9)
    assert found.outcome == "converged"


def test_a_saddle_is_not_called_a_minimum():
    found = descend(formula("x^2 - y^2 + y^4"), start={"x": 1.0, "y": 0.0}, method="bfgs")
    assert (found.outcome, found.stationary) == ("stopped", "a saddle")
    assert found.message.startswith("the gradient vanishes, but the point is a saddle: start beside it.")
    assert descend(formula("x^2 - y^2 + y^4"), start={"x": 1.0, "y": 0.1}, method="bfgs").stationary == "a minimum"
    assert descend(formula("-x^2"), start={"x": 0.0}).stationary == "a maximum"


def test_far_from_a_peak_everything_is_flat():
    """The peak fitted has its foot where there are no more data: the gradient vanishes, and no minimum is claimed."""
    x = torch.linspace(400, 500, 35, dtype=torch.float64)
    y = 1.55 / 4.1 * torch.exp(-(((x - 451.5) / 4.1) ** 2) / 2)
    f = formula("mean((a ./ s .* exp(-((x - c) ./ s).^2 ./ 2) - y).^2)", given="x[n], y[n]")
    found = descend(f, start={"a": 1.0, "s": 10.0, "c": 500.0}, data={"x": x, "y": y}, steps=500)
    assert found.outcome != "converged" or found.parameters["c"] == pytest.approx(451.5)


# ---- closed forms ----------------------------------------------------------------------------------------------------


def test_linear_least_squares_to_many_digits():
    """NIST StRD, Wampler5: a polynomial of degree 5 with residuals 10⁵ times those of Wampler2; all parameters are 1."""
    x = torch.arange(21, dtype=torch.float64)
    noise = torch.tensor([759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048, 2048, -2048, 1838, -2048, 2048, -2048, 2523])
    noise = torch.cat([noise, torch.tensor([-2048, 2048, -2048, 759])]).double() * 100
    powers = torch.stack([x**k for k in range(6)], 1)
    y = powers.sum(1) + (noise - powers @ torch.linalg.lstsq(powers, noise).solution).round()  # nearly orthogonal to the powers
    f = formula("mean((b0 + b1.*x + b2.*x.^2 + b3.*x.^3 + b4.*x.^4 + b5.*x.^5 - y).^2)", given="x[n], y[n]")
    found = descend(f, start=dict.fromkeys(["b0", "b1", "b2", "b3", "b4", "b5"], 0.0), data={"x": x, "y": y})
    from fractions import Fraction

    rows = [[Fraction(k) ** p for p in range(6)] for k in range(21)]
    normal = [[sum(row[i] * row[j] for row in rows) for j in range(6)] for i in range(6)]
    right = [sum(row[i] * Fraction(float(value)) for row, value in zip(rows, y)) for i in range(6)]
    truth = _solved(normal, right)
    assert list(found.parameters.values()) == pytest.approx([float(value) for value in truth], rel=1e-12)
    assert found.steps == 1
    assert found.message == (
        "the residuals are linear in the parameters, and this is their least sum of squares. 1 step of the closed form: linear least "
        "squares by a QR factorisation, chosen because the loss is a sum of 21 squares, linear in the parameters inside."
    )


def _solved(matrix, right):
    """Exact elimination."""
    rows = [[*row, value] for row, value in zip(matrix, right)]
    for k in range(len(rows)):
        rows[k] = [entry / rows[k][k] for entry in rows[k]]
        for j in range(len(rows)):
            if j != k:
                rows[j] = [a - rows[j][k] * b for a, b in zip(rows[j], rows[k])]
    return [row[-1] for row in rows]


def test_a_minimum_that_is_a_line_is_said_to_be_one():
    f = formula("norm2(A*x - b)^2", given="A[m,n], x[n], b[m]")
    found = descend(f, start={"x": [1.0, 0.0]}, data={"A": [[1.0, 1.0], [2.0, 2.0]], "b": [3.0, 6.0]})
    assert found.parameters["x"].tolist() == pytest.approx([2.0, 1.0])  # the nearest to the start
    assert "it is not one point, the others lie on a line or a plane through it" in found.message


def test_a_quadratic_that_is_no_sum_of_squares():
    f = formula("x'*A*x/2 - b'*x", given="A[n,n], x[n], b[n]")
    A, b = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])
    found = descend(f, start={"x": [0.0, 0.0]}, data={"A": A, "b": b})
    assert found.parameters["x"].tolist() == pytest.approx(np.linalg.solve(A, b).tolist(), rel=1e-14)
    assert "the gradient is linear in the parameters, and this is its zero, the minimum." in found.message


def test_a_quadratic_without_a_minimum_has_no_closed_form():
    for text in ("x^2 - y^2", "x^2 + y"):
        found = descend(formula(text), start={"x": 1.0, "y": 1.0}, steps=500)
        assert found.outcome == "diverged"


def test_the_closed_form_by_name_says_where_there_is_none():
    with pytest.raises(ValueGivenError) as error:
        descend(ROSENBROCK, start={"a": 0.0, "b": 0.0}, method="closed-form")
    assert str(error.value) == (
        "method 'closed-form' needs a gradient linear in the parameters, and the loss is not seen to have one.\n"
        'Leave the method out, or write method="newton".'
    )


def test_evaluations_count_every_evaluation():
    f = formula("sum((a*exp(b*x) - y).^2)", given="x[n], y[n]")
    counted = 0
    real = Objective.of_all_data

    def counting(self, roots, more=()):
        call = real(self, roots, more)

        def counted_call(*arguments):
            nonlocal counted
            counted += 1
            return call(*arguments)

        return counted_call

    Objective.of_all_data = counting
    try:
        found = descend(f, start={"a": 1.0, "b": 0.1}, data={"x": [0.0, 1.0, 2.0], "y": [1.0, 2.0, 5.0]})
    finally:
        Objective.of_all_data = real
    weights = 1  # of the residuals, once
    assert found.evaluations == counted - weights + 1  # the start is evaluated by the program of value and gradient


def test_the_table_names_every_method_once():
    assert len(TABLE) == len(ROWS)
    assert all(row.does and "decay" in row.options for row in ROWS if row.rate != "none")
