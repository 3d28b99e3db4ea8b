"""Scalar identities through SymPy: found, bounded in time, never worse."""

import sys
import time

import pytest

from symgd import formula, simplify
from symgd.algebra.pointwise import rows_by_sympy, within


@pytest.mark.parametrize(
    ("text", "given", "shorter"),
    [
        ("sin(x)^2 + cos(x)^2 + x", "", "x + 1"),
        ("cosh(x)^2 - sinh(x)^2", "", "1"),
        ("sqrt(x^2)", "x > 0", "x"),
        ("sqrt(x^2)", "", "abs(x)"),
        ("sum(sin(A*x).^2 + cos(A*x).^2)", "A[m,n], x[n]", "m"),
        ("x*y + 1", "", "x*y + 1"),
    ],
)
def test_shorter_forms(text: str, given: str, shorter: str) -> None:
    assert str(simplify(formula(text, given=given), seconds=20)) == shorter


def test_no_time_leaves_the_formula_alone() -> None:
    f = formula("sin(x)^2 + cos(x)^2 + x")
    assert str(simplify(f, seconds=0)) == str(f)


def test_the_budget_interrupts_python_code() -> None:
    def forever() -> None:
        while True:
            pass

    start = time.monotonic()
    assert within(0.2, forever) is None
    assert time.monotonic() - start < 30


def test_work_that_ends_in_time_is_not_interrupted_later() -> None:
    assert within(0.05, lambda: 3) == 3
    time.sleep(0.1)


@pytest.mark.parametrize("seconds", [0.05, 5.0])
def test_nothing_is_left_behind_for_a_profiler_to_stumble_over(seconds: float) -> None:
    within(seconds, lambda: time.sleep(0.1))
    seen = []
    sys.setprofile(lambda frame, event, argument: seen.append(event))
    try:
        (lambda: None)()
    finally:
        sys.setprofile(None)
    assert "call" in seen


def test_faults_of_the_work_come_through() -> None:
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_every_row_with_a_sympy_function_is_found() -> None:
    names = {row.name for row in rows_by_sympy().values()}
    assert {"exp", "log", "sin", "atan2", "gamma", "erf"} <= names
