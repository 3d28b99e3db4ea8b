"""Derivations line by line: the first wrong line, and nothing but wrong lines."""

from __future__ import annotations

import pytest

from symgd import FormulaError, ShapeError, check, check_chain

GRADIENT = [
    "grad(norm2(A*x - b)^2, x)",
    "grad((A*x - b)'*(A*x - b), x)",
    "A'*(A*x - b) + A'*(A*x - b)",
    "2*A'*(A*x - b)",
]
GIVEN = "A[m,n], x[n], b[m]"


def test_a_right_chain_has_no_wrong_line() -> None:
    chain = check_chain(GRADIENT, given=GIVEN)
    assert chain.first_wrong is None
    assert chain.undecided == ()
    assert [verdict.grade for verdict in chain.verdicts] == ["proved"] * 3


@pytest.mark.parametrize(
    ("k", "wrong"),
    [
        (1, "grad((A*x + b)'*(A*x - b), x)"),
        (2, "A'*(A*x - b)"),
        (3, "2*A'*(A*x) - b'*A"),
        (3, "2*A*(A*x - b)"),
        (3, "-2*A'*(A*x - b)"),
    ],
)
def test_the_first_wrong_line_is_named(k: int, wrong: str) -> None:
    chain = check_chain([*GRADIENT[:k], wrong, *GRADIENT[k + 1 :]], given=GIVEN)
    assert chain.first_wrong == k
    assert chain.verdicts[k - 1].grade == "refuted"


def test_a_line_that_returns_to_an_earlier_one_is_told_apart() -> None:
    chain = check_chain(["diff(x^3 - x, x)", "3*x^2 - x", "3*x^2 - 1"])
    assert chain.first_wrong == 1
    first, second = chain.verdicts
    assert first.why == "the sides differ at a point of the domain."
    assert second.grade == "refuted"
    assert second.why == "the sides differ at a point of the domain. It equals line 1: the lines between have another value."


def test_a_line_that_stays_wrong_follows() -> None:
    chain = check_chain(["diff(x^3 - x, x)", "3*x^2 - x", "x*(3*x - 1)"])
    assert chain.first_wrong == 1
    assert chain.verdicts[1].grade == "proved"


def test_signs_of_equality_may_stand_in_front() -> None:
    assert check_chain(["(x + 1)^2", "= x^2 + 2*x + 1", " = 1 + x*(x + 2)"]).first_wrong is None


def test_a_line_whose_shapes_do_not_fit_is_refuted() -> None:
    chain = check_chain(["A*x", "A*b", "A*x"], given="A[m,n], x[n], b[k]")
    assert chain.first_wrong == 1
    assert chain.verdicts[0].why == "the line cannot be formed: cannot multiply A (m, n) by b (k)."
    assert chain.verdicts[1].grade == "undecided"
    with pytest.raises(ShapeError):
        check_chain(["A*b", "A*x"], given="A[m,n], x[n], b[k]")


def test_a_line_that_cannot_be_read_is_named() -> None:
    with pytest.raises(FormulaError) as caught:
        check_chain(["x^2", "x*(x", "x^2"])
    assert str(caught.value).splitlines()[0] == "line 2: missing ')': this '(' is never closed."
    for lines in ([], "x = x"):
        with pytest.raises(FormulaError, match="a chain is a list of lines"):
            check_chain(lines)


def test_a_chain_prints_its_lines() -> None:
    shown = str(check_chain(["(x + 1)^2", "x^2 + 2*x + 1"]))
    assert shown == "1  (x + 1)^2\n2  = x^2 + 2*x + 1    proved: both sides have the same canonical form, multiplied out."


def test_a_right_side_that_cannot_be_formed_is_refuted() -> None:
    verdict = check("grad(norm2(A*x - b)^2, x) = 2*A*(A*x - b)", given=GIVEN)
    assert verdict.grade == "refuted"
    assert verdict.witness is None
    assert verdict.why == "the right side cannot be formed: cannot multiply 2*A (m, n) by A*x - b (m)."
    with pytest.raises(ShapeError):
        check("2*A*(A*x - b) = grad(norm2(A*x - b)^2, x)", given=GIVEN)


def test_the_first_wrong_line_has_its_likely_mistake() -> None:
    chain = check_chain(["diff(x^2*sin(x), x)", "diff(x^2, x)*diff(sin(x), x)", "2*x*cos(x)"])
    mistake = chain.verdicts[0].mistake
    assert mistake is not None
    assert mistake.text == "the derivative of x^2*sin(x) is not the product of the derivatives."
    assert chain.verdicts[1].grade == "proved"
