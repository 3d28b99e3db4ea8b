"""Values given for variables: what is taken, and the full text of every refusal."""

# ruff: noqa: E501  messages stand whole

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy
import torch

from symgd import DomainError, ShapeError, ValueGivenError, formula, to_torch

LOSS = to_torch(formula("mean((w*x - y)^2)", given="x[n], y[n]"))
X, Y = [1.0, 2.0, 3.0], [2.0, 4.0, 6.0]


@pytest.mark.parametrize(
    "value",
    [
        2,
        2.0,
        np.float32(2),
        np.int64(2),
        np.array(2),
        Fraction(2),
        Decimal("2"),
        sympy.Integer(2),
        torch.tensor(2),
        torch.tensor(2.0),
        torch.tensor(2.0, dtype=torch.float64, requires_grad=True),
        torch.nn.Parameter(torch.tensor(2.0)),
        True + True,
    ],
    ids=lambda value: type(value).__name__,
)
def test_numbers(value):
    assert float(to_torch(formula("w^2"))(w=value)[0]) == 4.0


@pytest.mark.parametrize(
    "value",
    [
        [1, 2, 3],
        (1.0, 2.0, 3.0),
        [Fraction(1), 2, np.float64(3)],
        [torch.tensor(1.0), torch.tensor(2.0), torch.tensor(3.0)],
        range(1, 4),
        np.array([1, 2, 3], dtype=np.uint8),
        np.array([1.0, 2.0, 3.0], dtype=">f8"),
        np.array([3.0, 2.0, 1.0])[::-1],
        np.array([1.0, 2.0, 3.0], dtype=np.float16),
        torch.tensor([1, 2, 3]),
        torch.tensor([[1.0, 2.0, 3.0]]).T[:, 0],
    ],
    ids=str,
)
def test_vectors(value):
    assert float(to_torch(formula("sum(i, i*x[i])", given="x[n]"))(x=value)[0]) == 14.0


def test_arrays_that_may_not_be_written_to():
    value = np.array(X)
    value.flags.writeable = False
    assert float(LOSS(w=2.0, x=value, y=Y)[0]) == 0.0


def test_names_that_are_no_python_names():
    program = to_torch(formula("lambda^2 + 온도", given="lambda, 온도"), gradient=["lambda"])
    value, slopes = program({"lambda": 3.0, "온도": 1.0})
    assert float(value) == 10.0
    assert float(slopes["lambda"]) == 6.0


VALUES = "Give a number, a nested list, a numpy array or a tensor."
FINITE = "Every value has to be a finite number."
REFUSED = [
    ({"x": X, "y": Y}, ValueGivenError, "no value is given for w.\nValues are needed for w, x, y."),
    ({}, ValueGivenError, "no value is given for w, x, y.\nValues are needed for w, x, y."),
    ({"v": 1}, ValueGivenError, "a value is given for v, which is no variable of the formula.\nThe variables are x, y, w."),
    ({"xx": 1}, ValueGivenError, "a value is given for xx, which is no variable of the formula.\nDid you mean x?"),
    ({3: 1}, ValueGivenError, "a value is given for 3, which is no name.\nGive values by name, as in {'x': 1.0}."),
    ({"w": math.nan}, ValueGivenError, f"the value given for w is nan.\n{FINITE}"),
    ({"w": math.inf}, ValueGivenError, f"the value given for w is inf.\n{FINITE}"),
    ({"w": 10**400}, ValueGivenError, f"the value given for w is beyond the range of floating point.\n{FINITE}"),
    ({"x": [1.0, math.nan, 3.0]}, ValueGivenError, f"the value given for x is nan at [2].\n{FINITE}"),
    ({"x": [1.0, 10**400, 3.0]}, ValueGivenError, f"the value given for x is beyond the range of floating point at [2].\n{FINITE}"),
    ({"w": "2"}, ValueGivenError, f"the value given for w is the text '2', not a number.\n{VALUES}"),
    ({"w": None}, ValueGivenError, f"the value given for w is None, not a number.\n{VALUES}"),
    ({"w": {"a": 1}}, ValueGivenError, f"the value given for w is of type dict, not a number.\n{VALUES}"),
    ({"w": object()}, ValueGivenError, f"the value given for w is of type object, not a number.\n{VALUES}"),
    ({"w": sympy.Symbol("q")}, ValueGivenError, f"the value given for w is of type Symbol, not a real number.\n{VALUES}"),
    (
        {"w": 1j},
        ValueGivenError,
        "the value given for w is complex.\nFormulas are real: give the real and the imaginary part as two variables.",
    ),
    (
        {"x": torch.ones(3, dtype=torch.complex64)},
        ValueGivenError,
        "the value given for x is complex.\nFormulas are real: give the real and the imaginary part as two variables.",
    ),
    (
        {"x": np.ones(3, dtype=complex)},
        ValueGivenError,
        "the value given for x is complex.\nFormulas are real: give the real and the imaginary part as two variables.",
    ),
    (
        {"x": [1, 2j, 3]},
        ValueGivenError,
        "the value given for x is complex.\nFormulas are real: give the real and the imaginary part as two variables.",
    ),
    ({"x": np.array(["1", "2", "3"])}, ValueGivenError, f"the array given for x holds text, not numbers.\n{VALUES}"),
    ({"x": [1, "2", 3]}, ValueGivenError, f"the value given for x has the text '2' at [2], not a number.\n{VALUES}"),
    ({"x": [1, None, 3]}, ValueGivenError, f"the value given for x has None at [2], not a number.\n{VALUES}"),
    (
        {"x": [1, [2], 3]},
        ShapeError,
        "the lists given for x are ragged: 1 entry at [2], a number at [1].\nEvery row has the same number of entries.",
    ),
    (
        {"x": [[1, 2], [3]]},
        ShapeError,
        "the lists given for x are ragged: 1 entry at [2], 2 entries at [1].\nEvery row has the same number of entries.",
    ),
    (
        {"x": torch.eye(3).to_sparse()},
        ValueGivenError,
        "the tensor given for x has a layout other than dense.\nGive a dense tensor, as value.to_dense() makes.",
    ),
    (
        {"x": torch.ones(3, device="meta")},
        ValueGivenError,
        "the tensor given for x has no values.\nGive a dense tensor, as value.to_dense() makes.",
    ),
    ({"y": [1.0, 2.0]}, ShapeError, "y is declared (n), and the value given for it has 2 entries, not 3.\nx has 3 entries, so n = 3."),
    (
        {"y": [[1.0], [2.0], [3.0]]},
        ShapeError,
        "y is declared (n), and the value given for it has shape (3, 1).\nGive it without the axis of length 1, as value.reshape(-1).",
    ),
    (
        {"y": 1.0},
        ShapeError,
        "y is declared (n), and the value given for it has no axes: it is a number.\nGive an array of the declared shape.",
    ),
    (
        {"w": [1.0, 2.0]},
        ShapeError,
        "w is a scalar, and the value given for it has shape (2,).\nDeclare w[2], or give one number; batches are for formulas of scalars only.",
    ),
    ({"n": 4}, ShapeError, "x is declared (n), and the value given for it has 3 entries, not 4.\nn is given as 4."),
    ({"n": 2.5}, ValueGivenError, "the value given for the dimension n is 2.5, not a whole number from 1.\nA dimension counts entries."),
]


@pytest.mark.parametrize(("changed", "kind", "text"), REFUSED, ids=range(len(REFUSED)))
def test_refusals(changed, kind, text):
    values = {"w": 2.0, "x": X, "y": Y, **changed}
    if text.startswith("no value"):
        values = changed
    with pytest.raises(kind) as error:
        LOSS(values)
    assert str(error.value) == text


def test_a_value_for_a_dimension_may_be_given_where_it_agrees():
    assert float(LOSS(w=2.0, x=X, y=Y, n=3)[0]) == 0.0


# ---- dimensions ------------------------------------------------------------------------------------------------------


def test_a_matrix_of_the_wrong_shape_names_both_arrays():
    program = to_torch(formula("A*x", given="A[m,n], x[n]"))
    with pytest.raises(ShapeError) as error:
        program(A=[[1, 2, 3], [4, 5, 6]], x=[1, 2])
    assert str(error.value) == "x is declared (n), and the value given for it has 2 entries, not 3.\nA has 3 columns, so n = 3."


def test_numeric_dimensions():
    with pytest.raises(ShapeError) as error:
        to_torch(formula("sum(x)", given="x[3]"))(x=[1, 2])
    assert str(error.value) == "x is declared (3), and the value given for it has 2 entries, not 3.\nGive an array of the declared shape."


def test_a_dimension_less_one():
    program = to_torch(formula("sum(x) + sum(y)", given="x[n], y[n-1]"))
    assert float(program(x=[1, 2, 3], y=[4, 5])[0]) == 15
    with pytest.raises(ShapeError) as error:
        program(x=[1, 2, 3], y=[4, 5, 6])
    assert str(error.value) == "y is declared (n - 1), and the value given for it has 3 entries, not 2.\nx has 3 entries, so n = 3."


def test_a_dimension_found_from_a_polynomial():
    program = to_torch(formula("sum(y)/n", given="y[2*n+1]"))
    assert float(program(y=[1, 2, 3, 4, 5])[0]) == 7.5
    with pytest.raises(ShapeError) as error:
        program(y=[1, 2, 3, 4])
    assert str(error.value) == "y is declared (2*n + 1), and the value given for it has 4 entries.\nGive an array of the declared shape."


def test_a_dimension_that_no_array_has_must_be_given():
    program = to_torch(formula("sum(i=1..n, i*s)", given="s, x[n]"))
    assert float(program(s=2.0, n=4)[0]) == 20
    with pytest.raises(ValueGivenError) as error:
        program(s=2.0)
    assert str(error.value) == "no value is given for the dimension n.\nNo array has it as an axis: give n, a whole number."


def test_an_entry_beyond_the_end_is_an_error_not_a_zero():
    program = to_torch(formula("x[4]^2", given="x[n]"), gradient=["x"])
    assert program(x=[1, 2, 3, 4, 5])[1]["x"].tolist() == [0, 0, 0, 8, 0]
    with pytest.raises(ShapeError) as error:
        program(x=[1, 2, 3])
    assert str(error.value) == "the formula takes entry 4 along n, which has 3.\nGive arrays with n at least 4."


# ---- declarations ----------------------------------------------------------------------------------------------------

DECLARED = [
    ("t", "t > 0", 0.0, "t is declared > 0, and its value is 0.\nChange the value, or the declaration t > 0."),
    ("t", "t >= 0", -1.0, "t is declared >= 0, and its value is -1.\nChange the value, or the declaration t >= 0."),
    ("p", "p in (0, 1)", 1.0, "p is declared in (0, 1), and its value is 1.\nChange the value, or the declaration p in (0, 1)."),
    ("k", "k integer", 1.5, "k is declared integer, and its value is 1.5.\nChange the value, or the declaration k integer."),
    ("sum(v)", "v[n] > 0", [1.0, -2.0], "v is declared > 0, and entry [2] of it is -2.\nChange the value, or the declaration v[n] > 0."),
    (
        "sum(y)",
        "y[n] in {-1, 1}",
        [1, 0],
        "y is declared in {-1, 1}, and entry [2] of it is 0.\nChange the value, or the declaration y[n] in {-1, 1}.",
    ),
    (
        "sum(q)",
        "q[n] simplex",
        [0.5, 0.6],
        "q is declared simplex, and the value given is not.\nGive non-negative entries that add up to 1.",
    ),
    (
        "tr(S)",
        "S[n,n] symmetric",
        [[1, 2], [3, 4]],
        "S is declared symmetric, and the value given is not.\nGive a matrix that equals its transpose, such as (S + S.T)/2.",
    ),
    (
        "tr(S)",
        "S[n,n] spd",
        [[1, 2], [2, 1]],
        "S is declared spd, and the value given is not.\nGive a symmetric matrix with positive eigenvalues.",
    ),
    (
        "tr(S)",
        "S[n,n] diagonal",
        [[1, 2], [2, 1]],
        "S is declared diagonal, and the value given is not.\nGive a matrix with zeros off its diagonal.",
    ),
    (
        "tr(S)",
        "S[n,n] orthogonal",
        [[1, 2], [2, 1]],
        "S is declared orthogonal, and the value given is not.\nGive a matrix whose transpose is its inverse.",
    ),
]


@pytest.mark.parametrize(("text", "given", "value", "wanted"), DECLARED, ids=[row[1] for row in DECLARED])
def test_values_outside_the_declaration(text, given, value, wanted):
    f = formula(text, given=given)
    with pytest.raises(DomainError) as error:
        to_torch(f)({f.variables[0]: value})
    assert str(error.value) == wanted


@pytest.mark.parametrize(
    ("text", "given", "value"),
    [
        ("t", "t > 0", 0.1),
        ("p", "p in [0, 1]", 1.0),
        ("k", "k integer", -3),
        ("sum(y)", "y[n] in {-1, 1}", [1, -1]),
        ("sum(q)", "q[n] simplex", [0.1] * 10),
        ("tr(S)", "S[n,n] symmetric", [[1, 2], [2, 4]]),
        ("tr(S)", "S[n,n] spd", [[2, 1], [1, 2]]),
        ("tr(S)", "S[n,n] diagonal", [[2, 0], [0, 2]]),
        ("tr(S)", "S[n,n] orthogonal", [[0.6, -0.8], [0.8, 0.6]]),
    ],
)
def test_values_inside_the_declaration(text, given, value):
    f = formula(text, given=given)
    for dtype in (torch.float64, torch.float32):
        assert torch.isfinite(to_torch(f, dtype=dtype)({f.variables[0]: value})[0])


# ---- what is checked once --------------------------------------------------------------------------------------------


def test_a_tensor_that_was_written_to_is_checked_again():
    x, y, w = (torch.tensor(value, dtype=torch.float64) for value in (X, Y, 1.0))
    first = LOSS(w=w, x=x, y=y)[0]
    assert LOSS(w=w, x=x, y=y)[0] == first
    w.fill_(2.0)
    assert LOSS(w=w, x=x, y=y)[0] == 0.0
    x[1] = math.nan
    with pytest.raises(ValueGivenError, match=r"the value given for x is nan at \[2\]"):
        LOSS(w=w, x=x, y=y)


def test_the_fast_path_does_not_hide_missing_or_other_values():
    x, y, w = (torch.tensor(value, dtype=torch.float64) for value in (X, Y, 1.0))
    LOSS(w=w, x=x, y=y)
    with pytest.raises(ValueGivenError, match="no value is given for y"):
        LOSS(w=w, x=x)
    with pytest.raises(ValueGivenError, match="which is no variable"):
        LOSS(w=w, x=x, y=y, z=y)
    assert LOSS(w=w, x=x, y=x)[0] == 0.0


def test_data_replaced_behind_a_tensor_is_seen():
    parameter = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    x, y = torch.tensor(X, dtype=torch.float64), torch.tensor(Y, dtype=torch.float64)
    LOSS(w=parameter, x=x, y=y)
    parameter.data = torch.tensor(2.0, dtype=torch.float64)
    assert LOSS(w=parameter, x=x, y=y)[0] == 0.0
    assert not LOSS(w=parameter, x=x, y=y)[0].requires_grad


def test_float32_overflow_is_said():
    with pytest.raises(ValueGivenError) as error:
        to_torch(formula("w^2"), dtype=torch.float32)(w=1e300)
    assert str(error.value) == f"the value given for w is beyond the range of float32.\n{FINITE}"
