"""Descents: the lecture's trajectory to the last digit, batches, line searches, outcomes, and the text of every refusal."""

from __future__ import annotations

import math
import signal
import threading
from itertools import pairwise

import numpy as np
import pytest
import torch

from symgd import FormulaError, LoweringError, ShapeError, SymgdError, ValueGivenError, descend, formula
from symgd.descent.outcome import Outcome

LOSS = formula("mean((w*x - y)^2)", given="x[n], y[n]")
DATA = {"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]}
BOWL = formula("(w - 2)^2")
ROSENBROCK = formula("(1 - a)^2 + 100*(b - a^2)^2")


# ---- a given rate ----------------------------------------------------------------------------------------------------


def test_the_lecture_one_sample_at_a_time():
    """PyTorch Zero to All, lecture 3: ten epochs, w = 1 and rate 0.01; the prediction for four hours."""
    found = descend(LOSS, start={"w": 1.0}, data=DATA, rate=0.01, epochs=10, batch=1)
    w, path = 1.0, [1.0]
    for _ in range(10):
        for x, y in zip(DATA["x"], DATA["y"]):
            w = w - 0.01 * 2 * x * (x * w - y)
            path.append(w)
    assert found.path["w"] == pytest.approx(path, rel=1e-15)
    assert 4 * found.parameters["w"] == pytest.approx(7.804863933862125, abs=1e-12)
    assert (found.steps, found.evaluations, len(found.values)) == (30, 31, 31)


def test_all_samples_as_torch_does_it():
    w = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    x, y = (torch.tensor(value, dtype=torch.float64) for value in DATA.values())
    optimiser = torch.optim.SGD([w], lr=0.01)
    path = [1.0]
    for _ in range(100):
        optimiser.zero_grad()
        ((w * x - y) ** 2).mean().backward()
        optimiser.step()
        path.append(w.item())
    found = descend(LOSS, start={"w": 1.0}, data=DATA, rate=0.01, steps=100)
    assert found.path["w"] == pytest.approx(path, rel=1e-14)
    assert found.outcome == "max_steps"
    assert found.values[0] == pytest.approx(14 / 3)
    assert found.values == sorted(found.values, reverse=True)


def test_all_parameters_change_at_once():
    """The gradient of b is taken before a has moved."""
    found = descend(formula("a*b"), start={"a": 1.0, "b": 2.0}, rate=0.5, steps=1)
    assert found.parameters == {"a": 0.0, "b": 1.5}


def test_arrays_are_tensors_and_the_path_keeps_them_apart():
    f = formula("norm2(A*x - b)^2", given="A[m,n], x[n], b[m]")
    found = descend(f, start={"x": [0, 0]}, data={"A": np.eye(2), "b": [1.0, 2.0]}, rate=0.25, steps=3)
    assert [point.tolist() for point in found.path["x"]] == [[0, 0], [0.5, 1.0], [0.75, 1.5], [0.875, 1.75]]
    assert found.parameters["x"].tolist() == [0.875, 1.75]


def test_the_start_is_not_changed():
    start = torch.tensor([3.0, 4.0], dtype=torch.float64)
    descend(formula("norm2(x)^2", given="x[n]"), start={"x": start}, rate=0.1, steps=5)
    assert start.tolist() == [3, 4]


def test_without_a_tolerance_all_steps_are_taken():
    found = descend(BOWL, start={"w": 2.0}, rate=0.1, steps=7)
    assert (found.steps, str(found.outcome)) == (7, "converged")


def test_a_tolerance_stops():
    found = descend(BOWL, start={"w": 0.0}, rate=0.1, steps=1000, tolerance=1e-3)
    assert found.outcome is Outcome.CONVERGED
    assert found.steps < 50
    assert abs(2 * (found.parameters["w"] - 2)) <= 1e-3 * (1 + found.values[-1])


def test_float32():
    found = descend(LOSS, start={"w": 1.0}, data=DATA, rate=0.01, steps=3, dtype=torch.float32)
    assert found.parameters["w"] == float(torch.tensor(found.parameters["w"], dtype=torch.float32))


def test_a_parameter_that_the_loss_does_not_depend_on_stays():
    f = formula("(a - 1)^2 + 0*b", given="a, b")
    found = descend(f, start={"a": 0.0, "b": 5.0}, rate=0.5, steps=3)
    assert found.parameters == {"a": 1.0, "b": 5.0}


# ---- batches ---------------------------------------------------------------------------------------------------------


def test_batches_in_order_with_a_shorter_last_one():
    data = {"x": [1.0, 2.0, 3.0, 4.0, 5.0], "y": [1.0, 1.0, 1.0, 1.0, 1.0]}
    found = descend(LOSS, start={"w": 0.0}, data=data, rate=0.01, epochs=2, batch=2)
    w = 0.0
    for chosen in ([0, 1], [2, 3], [4]) * 2:
        w -= 0.01 * sum(2 * data["x"][k] * (w * data["x"][k] - 1) for k in chosen) / len(chosen)
    assert found.steps == 6
    assert found.parameters["w"] == pytest.approx(w, rel=1e-14)


def test_steps_count_updates():
    assert descend(LOSS, start={"w": 1.0}, data=DATA, rate=0.01, steps=5, batch=2).steps == 5


def test_the_last_loss_is_over_all_data():
    found = descend(LOSS, start={"w": 1.0}, data=DATA, rate=0.01, steps=1, batch=1)
    assert found.values == pytest.approx([1.0, (1 - 0.02) ** 2 * 14 / 3])


def test_shuffled_batches_go_through_all_data_and_follow_the_seed():
    f, data = formula("sum(w*x)", given="x[n]"), {"x": [1.0, 2.0, 4.0, 8.0]}

    def moves(seed):
        path = descend(f, start={"w": 0.0}, data=data, rate=1.0, epochs=3, batch=1, shuffle=seed).path["w"]
        return [before - after for before, after in pairwise(path)]

    assert moves(0) == moves(0)
    assert moves(0) != moves(1)
    for k in (0, 4, 8):
        assert sorted(moves(0)[k : k + 4]) == [1, 2, 4, 8]


def test_a_batch_of_matrix_rows_and_a_vector():
    f = formula("norm2(X*w - y)^2/N", given="X[N,d], w[d], y[N]")
    X, y = torch.arange(8.0).reshape(4, 2).double(), torch.ones(4).double()
    found = descend(f, start={"w": [0.0, 0.0]}, data={"X": X, "y": y}, rate=0.001, steps=1, batch=2)
    assert found.parameters["w"].tolist() == pytest.approx((0.001 * X[:2].T @ y[:2]).tolist())


# ---- no rate ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["auto", "newton", "bfgs", "gradient"])
def test_methods_that_find_their_own_rate(method):
    found = descend(ROSENBROCK, start={"a": -1.2, "b": 1.0}, method=method, steps=2000)
    assert found.outcome == "converged"
    assert found.parameters["a"] == pytest.approx(1.0, abs=1e-8)
    assert found.parameters["b"] == pytest.approx(1.0, abs=1e-8)
    assert {"auto": "Levenberg", "newton": "Newton", "bfgs": "BFGS", "gradient": "line search"}[method] in found.message
    assert found.values == sorted(found.values, reverse=True)


def test_the_method_follows_the_number_of_parameters():
    f = formula("sum(cosh(x - 1)) + sum(x.^4)", given="x[n]")
    for count, name in ((3, "Newton"), (100, "BFGS"), (1000, "L-BFGS")):
        assert name in descend(f, start={"x": np.zeros(count)}).message


def test_a_curved_valley_of_a_matrix_and_a_vector():
    f = formula("norm2(A*x - b)^2 + normF(A - C)^2/10 + norm2(x)^2", given="A[m,n], C[m,n], x[n], b[m]")
    start, data = {"A": [[1.0, 0.5], [0.2, 1.0]], "x": [1.0, 1.0]}, {"b": [1.0, 2.0], "C": [[2.0, 0.0], [1.0, 3.0]]}
    by_newton, by_bfgs = (descend(f, start=start, data=data, method=method, steps=500) for method in ("newton", "bfgs"))
    assert by_newton.values[-1] <= by_bfgs.values[-1] * (1 + 1e-6)
    assert by_newton.outcome == "converged"
    assert by_newton.steps < by_bfgs.steps


def test_negative_curvature_is_followed():
    """From the saddle's neighbourhood to a minimum of x⁴ - x² + y²; the gradient along x begins tiny."""
    found = descend(formula("x^4 - x^2 + y^2"), start={"x": 1e-9, "y": 1.0})
    assert abs(found.parameters["x"]) == pytest.approx(math.sqrt(0.5), abs=1e-9)


def test_parameters_of_very_different_size():
    """The units of a parameter do not matter to Newton's method."""
    f = formula("(1000000*a - 3)^2 + (b/1000000 - 2)^2 + (a*b - 6)^2")
    found = descend(f, start={"a": 1e-6, "b": 1e6})
    assert found.outcome == "converged"
    assert found.parameters["a"] == pytest.approx(3e-6, rel=1e-9)


def test_a_minimum_at_a_level_other_than_zero_is_found_to_many_digits():
    found = descend(formula("cosh(x - 1/3) + 5"), start={"x": 2.0})
    assert found.parameters["x"] == pytest.approx(1 / 3, rel=1e-12)


def test_a_minimum_that_is_not_one_point_is_not_claimed():
    """Every rotation of A and x has the same loss: the Hessian is singular, and how far the minimum is cannot be told."""
    f = formula("norm2(A*x - b)^2 + (normF(A)^2 + norm2(x)^2)/10", given="A[m,n], x[n], b[m]")
    found = descend(f, start={"A": [[1.0, 0.5], [0.2, 1.0]], "x": [1.0, 1.0]}, data={"b": [1.0, 2.0]}, steps=500)
    assert found.outcome is Outcome.STOPPED
    assert "a minimum is not certain" in found.message


def test_a_flat_valley_is_not_called_a_minimum():
    """NIST's Misra1b from its first start stops BFGS far from the minimum, where the loss hardly falls along b1."""
    x = [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0]
    y = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78]
    f = formula("mean((b1 .* (1 - (1 + b2 .* x ./ 2).^(-2)) - y).^2)", given="x[n], y[n]")
    start, data = {"b1": 500.0, "b2": 0.0001}, {"x": x, "y": y}
    assert descend(f, start=start, data=data, method="bfgs", steps=500).outcome != "converged"
    found = descend(f, start=start, data=data, steps=500)
    assert found.outcome == "converged"
    assert found.parameters == pytest.approx({"b1": 3.3799746163e02, "b2": 3.9039091287e-04}, rel=1e-10)


# ---- outcomes --------------------------------------------------------------------------------------------------------


def test_a_rate_too_large_diverges():
    found = descend(BOWL, start={"w": 0.0}, rate=10, steps=2000)
    assert found.outcome is Outcome.DIVERGED
    assert found.message == (
        "the loss left all bounds: it is quadratic, and rates from 2/L = 1 on are too large. 4 steps of gradient descent with rate 10."
    )


def test_a_loss_without_a_minimum_diverges():
    found = descend(formula("-w^2"), start={"w": 1.0}, rate=1.0, steps=100)
    assert found.message == (
        "the loss left all bounds: it is quadratic, and falls without end along a direction. 11 steps of gradient descent with rate 1."
    )
    found = descend(formula("w^3"), start={"w": -1.0}, rate=1.0, steps=100)
    assert found.message == (
        "the loss left all bounds: the rate is too large (try a third of it), or the loss has no minimum. "
        "3 steps of gradient descent with rate 1."
    )


def test_leaving_the_domain_is_nonfinite():
    found = descend(formula("log(w)"), start={"w": 0.5}, rate=1.0, steps=10)
    assert found.outcome is Outcome.NONFINITE
    assert found.steps == 1


def test_a_start_outside_the_domain_is_nonfinite():
    found = descend(formula("log(w)"), start={"w": -1.0})
    assert (found.outcome, found.steps, found.parameters) == (Outcome.NONFINITE, 0, {"w": -1.0})


def test_no_minimum():
    assert descend(formula("-w^2"), start={"w": 1.0}).outcome is Outcome.DIVERGED


def test_a_callback_stops():
    seen = []

    def callback(step, loss, parameters):
        seen.append((step, loss, parameters["w"]))
        return step == 3

    found = descend(BOWL, start={"w": 0.0}, rate=0.25, steps=50, callback=callback)
    assert found.outcome is Outcome.STOPPED
    assert seen == [(1, 1.0, 1.0), (2, 0.25, 1.5), (3, 0.0625, 1.75)]
    assert found.parameters == {"w": 1.75}


def test_an_interrupt_keeps_what_there_is():
    def callback(step, loss, parameters):
        if step == 5:
            raise KeyboardInterrupt

    found = descend(BOWL, start={"w": 0.0}, rate=0.1, steps=100, callback=callback)
    assert (found.outcome, found.steps) == (Outcome.STOPPED, 5)


def test_a_signal_interrupts():
    threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT)).start()
    found = descend(BOWL, start={"w": 0.0}, rate=1e-9, steps=10**7)
    assert found.outcome is Outcome.STOPPED
    assert found.steps > 0


def test_an_interrupt_is_not_lost_where_python_swallows_it():
    """In a finalizer a KeyboardInterrupt would be printed and dropped."""

    class Finalized:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    def callback(step, loss, parameters):
        if step == 5:
            Finalized()

    found = descend(BOWL, start={"w": 0.0}, rate=0.1, steps=100, callback=callback)
    assert (found.outcome, found.steps) == (Outcome.STOPPED, 5)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_ends_a_step_that_takes_long():
    def callback(step, loss, parameters):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError

    found = descend(BOWL, start={"w": 0.0}, rate=0.1, steps=100, callback=callback)
    assert (found.outcome, found.steps) == (Outcome.STOPPED, 1)


def test_a_long_path_is_thinned_out():
    f = formula("norm2(x)^2", given="x[n]")
    found = descend(f, start={"x": np.ones(200_000)}, rate=1e-3, steps=100)
    assert len(found.values) == len(found.path["x"]) == 26
    assert [found.step_of(k) for k in range(26)] == list(range(0, 101, 4))
    assert [float(x.square().sum()) for x in found.path["x"]] == pytest.approx(found.values, rel=1e-12)
    assert torch.equal(found.path["x"][-1], found.parameters["x"])


def test_the_result_prints():
    assert str(descend(BOWL, start={"w": 0.0}, rate=0.25, steps=2)) == (
        "max_steps: all steps were taken and the gradient is not small yet: take more steps, or a larger rate. "
        "2 steps of gradient descent with rate 0.25.\n"
        "  w = 1.5\n"
        "  loss 4 at the start, 0.25 at the end"
    )


# ---- refusals --------------------------------------------------------------------------------------------------------

NUMBER, WHOLE = "Write {0}=0.01.", "Write {0}=100."
REFUSED = [
    ({"rate": "inf"}, ValueGivenError, "rate is 'inf', not a positive number.\nWrite rate=0.01."),
    ({"rate": math.inf}, ValueGivenError, "rate is inf, not a positive number.\nWrite rate=0.01."),
    ({"rate": math.nan}, ValueGivenError, "rate is nan, not a positive number.\nWrite rate=0.01."),
    ({"rate": 0}, ValueGivenError, "rate is 0, not a positive number.\nWrite rate=0.01."),
    ({"rate": -0.1}, ValueGivenError, "rate is -0.1, not a positive number.\nWrite rate=0.01."),
    ({"rate": True}, ValueGivenError, "rate is True, not a positive number.\nWrite rate=0.01."),
    ({"rate": [0.1]}, ValueGivenError, "rate is of type list, not a positive number.\nWrite rate=0.01."),
    ({"tolerance": 0}, ValueGivenError, "tolerance is 0, not a positive number.\nWrite tolerance=0.01."),
    ({"steps": -3}, ValueGivenError, "steps is -3, not a whole number from 1.\nWrite steps=100."),
    ({"steps": 0}, ValueGivenError, "steps is 0, not a whole number from 1.\nWrite steps=100."),
    ({"steps": 2.5}, ValueGivenError, "steps is 2.5, not a whole number from 1.\nWrite steps=100."),
    ({"steps": True}, ValueGivenError, "steps is True, not a whole number from 1.\nWrite steps=100."),
    ({"epochs": 0}, ValueGivenError, "epochs is 0, not a whole number from 1.\nWrite epochs=100."),
    ({"batch": 0, "rate": 0.1}, ValueGivenError, "batch is 0, not a whole number from 1.\nWrite batch=100."),
    ({"batch": 9, "rate": 0.1}, ValueGivenError, "batch is 9, and the data has 3 entries.\nGive a batch from 1 to 3."),
    (
        {"batch": 1},
        ValueGivenError,
        "batches need a rate.\nA line search needs one loss; on batches every update has another. Write rate=0.01.",
    ),
    (
        {"shuffle": 1, "rate": 0.1},
        ValueGivenError,
        "shuffle without batch changes nothing.\nGive batch=k for updates on k entries of the data.",
    ),
    (
        {"shuffle": True, "batch": 1, "rate": 0.1},
        ValueGivenError,
        "shuffle is True, not a seed.\nA seed is a whole number from 0, as in shuffle=1.",
    ),
    (
        {"steps": 1, "epochs": 1, "rate": 0.1},
        ValueGivenError,
        "steps and epochs are both given.\nsteps counts updates, epochs passes over the data: give one.",
    ),
    (
        {"method": "adan"},
        ValueGivenError,
        "unknown method 'adan'.\nDid you mean 'adam'? Methods are auto, gradient, momentum, nesterov, adam, adamw, rmsprop, exact, armijo, "
        "wolfe, barzilai-borwein, conjugate-gradient, bfgs, l-bfgs, newton, newton-cg, gauss-newton, levenberg-marquardt, least-squares, "
        "closed-form, coordinate.",
    ),
    ({"method": "adam"}, ValueGivenError, "method 'adam' needs a rate.\nWrite rate=0.01."),
    ({"schedule": "cosine"}, ValueGivenError, "a schedule needs a rate to change.\nWrite rate=0.01, or leave the schedule out."),
    (
        {"schedule": "step", "rate": 0.1},
        ValueGivenError,
        "unknown schedule 'step'.\nSchedules are constant, inverse, exponential, linear, cosine.",
    ),
    ({"options": {"beta": 1}}, ValueGivenError, "method 'auto' has no option 'beta'.\nIt has decay."),
    ({"method": "bfgs", "options": {"memory": 1}}, ValueGivenError, "method 'bfgs' has no option 'memory'.\nIt has none."),
    (
        {"method": "l-bfgs", "options": {"memory": -1}},
        ValueGivenError,
        "option memory is -1, not a number from 0.\nIt is usually 10.",
    ),
    ({"options": 3}, ValueGivenError, 'options are 3, not names with numbers.\nWrite options={"momentum": 0.9}.'),
    (
        {"method": "bfgs", "rate": 0.1},
        ValueGivenError,
        "method 'bfgs' finds its own rate.\nLeave the rate out, or write method=\"gradient\".",
    ),
    ({"start": {}}, ValueGivenError, 'a descent needs a start.\nGive every parameter a value, as in start={"w": 0.0}.'),
    ({"start": 1.0}, ValueGivenError, 'a descent needs a start.\nGive every parameter a value, as in start={"w": 0.0}.'),
    (
        {"start": {"v": 1.0}},
        ValueGivenError,
        "a start is given for v, which is no variable of the formula.\nThe variables are x, y, w. Else leave v out of the start.",
    ),
    (
        {"start": {"w": 1.0, "x": [1.0]}},
        ValueGivenError,
        "x is given in the start and in the data.\nParameters have a start, everything else is data.",
    ),
    ({"start": {"w": math.nan}}, ValueGivenError, "the value given for w is nan.\nEvery value has to be a finite number."),
    ({"start": {"w": [1.0, 2.0]}}, ShapeError, None),
    ({"data": {"x": [1.0]}}, ValueGivenError, "y has neither a start nor data.\nGive a start to make a variable a parameter, or data."),
    ({"data": {}}, ValueGivenError, "x, y have neither a start nor data.\nGive a start to make a variable a parameter, or data."),
    (
        {"data": {**DATA, "z": 1}},
        ValueGivenError,
        "a value is given for z, which is no variable of the formula.\nThe variables are x, y, w.",
    ),
    (
        {"data": {**DATA, "y": [1.0, math.nan, 3.0]}},
        ValueGivenError,
        "the value given for y is nan at [2].\nEvery value has to be a finite number.",
    ),
    (
        {"data": {**DATA, "y": [1.0]}},
        ShapeError,
        "y is declared (n), and the value given for it has 1 entry, not 3.\nx has 3 entries, so n = 3.",
    ),
    (
        {"data": 3},
        ValueGivenError,
        'the data are of type int.\nGive arrays by name, data={"x": …, "y": …}, a frame with these columns, or the path of a file.',
    ),
    ({"device": "cuda; touch planted"}, LoweringError, None),
]


@pytest.mark.parametrize(("options", "kind", "text"), REFUSED, ids=range(len(REFUSED)))
def test_refusals(options, kind, text):
    with pytest.raises(kind) as error:
        descend(LOSS, **{"start": {"w": 1.0}, "data": DATA, **options})
    assert text is None or str(error.value) == text


def test_an_array_is_refused():
    with pytest.raises(ShapeError) as error:
        descend(formula("A*x", given="A[m,n], x[n]"), start={"x": [1.0]})
    assert str(error.value) == "descend takes a scalar formula, and this one is (m).\nReduce it with sum, mean or norm2."


def test_batches_of_which_dimension():
    f = formula("normF(M - U*V')^2", given="M[m,n], U[m,r], V[n,r]")
    start = {"U": np.ones((2, 1)), "V": np.ones((3, 1))}
    with pytest.raises(ValueGivenError) as error:
        descend(f, start=start, data={"M": np.ones((2, 3))}, rate=0.1, batch=1)
    assert str(error.value).startswith("batches, blocks and ranks need one dimension that runs over the data, and the formula has none.")


@pytest.mark.parametrize("text", ["w +", "(w"])
def test_text_is_read_as_a_formula(text):
    with pytest.raises(FormulaError):
        descend(text, start={"w": 1.0})
    assert issubclass(FormulaError, SymgdError)


def test_starts_for_parameters_that_the_formula_does_not_contain():
    for start, text in (
        (
            {"x1": 1.0, "x2": 1.0, "y": 0.0, "z": 0.0},
            "a start is given for y, z, which are no variables of the formula.\n"
            "The variables are x1, x2. Else leave y, z out of the start.",
        ),
        (
            {"x1": 1.0, "x2": 1.0, "xx2": 1.0},
            "a start is given for xx2, which is no variable of the formula.\nDid you mean x2? Else leave xx2 out of the start.",
        ),
    ):
        with pytest.raises(ValueGivenError) as error:
            descend("(x1 - 1)^2 + x2^2", start=start)
        assert str(error.value) == text


@pytest.mark.parametrize("steps", [10, 200_000])
@pytest.mark.parametrize(("entry", "said"), [(1e300, "beyond the range of float32 at [2]"), (math.inf, "inf at [2]")])
def test_data_beyond_the_range_of_the_number_format_are_not_called_infinite(steps, entry, said):
    """Also where they are checked after the values have become tensors."""
    with pytest.raises(ValueGivenError) as error:
        descend(LOSS, {"w": 0.0}, {"x": [1.0, entry], "y": [1.0, 2.0]}, dtype=torch.float32, rate=1e-3, steps=steps)
    assert str(error.value) == f"the value given for x is {said}.\nEvery value has to be a finite number."
