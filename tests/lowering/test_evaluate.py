"""`Formula.evaluate`: float64, certified digits, kinks, values that are not finite."""

from __future__ import annotations

import warnings
from fractions import Fraction

import mpmath
import pytest
import torch

from symgd import DomainError, ShapeError, ValueGivenError, formula, gradient, to_torch
from symgd.algebra import expression as ex
from symgd.lowering.evaluate import values_of


def test_a_tensor_in_float64():
    value = formula("A*x", given="A[m,n], x[n]").evaluate(A=[[1, 2], [3, 4]], x=[1, 1])
    assert value.dtype == torch.float64
    assert value.tolist() == [3, 7]


def test_values_by_mapping_and_keyword():
    f = formula("lambda*x")
    assert float(f.evaluate({"lambda": 2.0}, x=3.0)) == 6.0


def test_a_batch():
    assert formula("x^2").evaluate(x=[1, 2, 3]).tolist() == [1, 4, 9]


def test_many_digits():
    value = formula("exp(x)").evaluate(x=1, digits=50)
    with mpmath.workdps(60):
        assert abs(value - mpmath.e) < mpmath.mpf(10) ** -49


def test_a_variable_of_the_formula_it_came_from_may_be_given():
    f = formula("a*x^2 + b")
    slope = gradient(gradient(f, "x"), "x")
    assert float(slope.evaluate(a=3.0, x=1.0, b=7.0)) == 6.0


@pytest.mark.parametrize("digits", [None, 20])
def test_missing_and_unknown_values(digits):
    f = formula("x*y")
    with pytest.raises(ValueGivenError) as error:
        f.evaluate({"x": 1.0}, digits=digits)
    assert str(error.value) == "no value is given for y.\nValues are needed for x, y."
    with pytest.raises(ValueGivenError) as error:
        f.evaluate({"x": 1.0, "y": 1.0, "z": 1.0}, digits=digits)
    assert str(error.value) == "a value is given for z, which is no variable of the formula.\nThe variables are x, y."


@pytest.mark.parametrize("digits", [0, -1, 2.5, True, "50"])
def test_digits_that_are_no_count(digits):
    with pytest.raises(ValueGivenError, match=r"^digits is .*, not a whole number from 1\.\nWrite digits=50\.$"):
        formula("x").evaluate(x=1.0, digits=digits)


def test_a_pole_is_an_error():
    with pytest.raises(DomainError) as error:
        gradient(formula("1/x"), "x").evaluate(x=0)
    assert str(error.value) == (
        "the value is infinite at these values.\nThere is a pole, or the value is beyond 1.8e308; evaluate with digits=50 to see which."
    )


def test_outside_the_domain_is_an_error():
    with pytest.raises(DomainError) as error:
        formula("log(x)", given="x[n]").evaluate(x=[1, -1])
    assert str(error.value) == (
        "an entry of the value is not a real number at these values.\n"
        "A function is outside its domain; evaluate with digits=50 to see which."
    )


def test_a_derivative_at_a_kink_warns():
    slope = gradient(formula("abs(x)"), "x")
    with pytest.warns(UserWarning, match="jumps at 0") as caught:
        assert float(slope.evaluate(x=0)) == 0.0
    wanted = "the derivative of abs jumps at 0, where it is asked; it is taken by convention: the derivative at 0 is 0."
    assert [str(warning.message) for warning in caught] == [wanted]
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(slope.evaluate(x=-2)) == -1.0


def test_the_value_itself_does_not_warn_at_a_kink():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(formula("abs(x)").evaluate(x=0)) == 0.0


def test_several_expressions_share_their_parts():
    x = ex.leaf("x")
    square, fourth = values_of([ex.power(x, 2), ex.power(x, 4)], {"x": 3.0}, {"x": x})
    assert (float(square), float(fourth)) == (9.0, 81.0)


def test_evaluate_agrees_with_to_torch():
    f = formula("mean(softplus(X*w) - y.*(X*w))", given="X[N,d], w[d], y[N]")
    values = {"X": torch.rand(5, 3, dtype=torch.float64), "w": torch.rand(3, dtype=torch.float64), "y": torch.ones(5, dtype=torch.float64)}
    torch.testing.assert_close(f.evaluate(values), to_torch(f)(values)[0], rtol=1e-15, atol=0)


@pytest.mark.parametrize("digits", [None, 30])
def test_a_derivative_at_a_kink_warns_and_beside_it_does_not(digits: int | None) -> None:
    g = gradient(formula("abs(x - 1/3) + y"), "x")
    with pytest.warns(UserWarning, match="^the derivative of abs jumps at 0, where it is asked; it is taken by convention: "):
        assert g.evaluate({"x": Fraction(1, 3) if digits else 1 / 3}, digits=digits) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert g.evaluate({"x": 0.25}, digits=digits) == -1


@pytest.mark.parametrize("digits", [None, 10])
def test_an_entry_past_the_end_is_an_error(digits: int | None) -> None:
    with pytest.raises(ShapeError) as error:
        formula("x[3]", given="x[n]").evaluate({"x": [1, 2]}, digits=digits)
    assert str(error.value) == "the formula takes entry 3 along n, which has 2.\nGive arrays with n at least 3."


@pytest.mark.parametrize("digits", [None, 20])
def test_a_value_outside_its_declaration_is_an_error(digits: int | None) -> None:
    with pytest.raises(DomainError) as error:
        formula("t^2", given="t > 0").evaluate({"t": -1}, digits=digits)
    assert str(error.value) == "t is declared > 0, and its value is -1.\nChange the value, or the declaration t > 0."


def test_many_digits_hold_what_float64_cannot() -> None:
    with mpmath.workdps(40):
        assert abs(formula("x/4").evaluate({"x": "1e400"}, digits=20) / mpmath.mpf("2.5e399") - 1) < 1e-20


def test_sizes_come_from_arrays_that_have_left_the_formula() -> None:
    g = gradient(formula("sum(i=1..n-1, x[i])", given="x[n]"), "x")
    assert [int(entry) for entry in g.evaluate({"x": [1, 2, 3]}, digits=20)] == [1, 1, 0]
    assert g.evaluate({"x": [1, 2, 3]}).tolist() == [1, 1, 0]
