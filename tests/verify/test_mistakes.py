"""The likely mistake: named where one change mends the claim, and the mended claim checks."""

from __future__ import annotations

import pytest

from symgd import check

NAMED = [
    ("grad(norm2(A*x - b)^2, x) = A'*(A*x - b)", "A[m,n], x[n], b[m]", "factor", "with the factor 2 of it it would be right."),
    ("grad(norm2(A*x - b)^2, x) = -2*A'*(A*x - b)", "A[m,n], x[n], b[m]", "sign", "with the opposite sign of it it would be right."),
    ("grad(x'*A*x, x) = 2*A*x", "A[n,n], x[n]", "symmetry", "for symmetric A it would be right."),
    ("diff(sin(x^2), x) = cos(x^2)", "", "chain-rule", "with the factor 2*x it would be right."),
    ("diff(x^5, x) = 5*x^5", "", "exponent", "with the exponent 4 of x it would be right."),
    ("diff(x*exp(x) + x, x) = x*exp(x) + 1", "", "dropped-term", "with the term exp(x) added it would be right."),
    ("diff(x^2 + sin(x), x) = 2*x + cos(x) + 3", "", "extra term", "without the term 3 it would be right."),
    ("diff(tan(x), x) = 1/sin(x)^2", "", "function", "with cos for sin it would be right."),
    ("jac(A*x, x) = A'", "A[m,n], x[n]", "layout", "transposed it would be right: the entries stand as those of the variable."),
    ("diff(sin(x)/x, x) = (x*cos(x) - sin(x))/x", "", "exponent", "with the exponent -2 of x it would be right."),
    ("diff(sin(x) - x^3/3, x) = cos(x) + x^2", "", "sign", "with the opposite sign of the term x^2 it would be right."),
]


@pytest.mark.parametrize(("claim", "given", "kind", "text"), NAMED)
def test_a_mistake_is_named_and_mended(claim: str, given: str, kind: str, text: str) -> None:
    verdict = check(claim, given=given)
    assert verdict.grade == "refuted"
    assert verdict.mistake is not None
    assert kind in verdict.mistake.kind
    assert verdict.mistake.text == text
    assert check(verdict.mistake.repair, given=given).grade in ("proved", "agrees")


def test_a_mistake_in_the_formula_under_the_derivative_is_found() -> None:
    verdict = check("diff(-x^4/4 + log(x)^2, x) = x^3 + 2*log(x)/x")
    assert verdict.mistake is not None
    assert check(verdict.mistake.repair).grade == "proved"


@pytest.mark.parametrize(
    ("claim", "given"), [("diff(x^3*sin(x), x) = tan(x) + erf(x)", ""), ("inv(A)*x = A'*y", "A[n,n], x[n], y[n]"), ("x = y + z", "")]
)
def test_what_no_single_change_mends_is_not_named(claim: str, given: str) -> None:
    verdict = check(claim, given=given)
    assert verdict.grade == "refuted"
    assert verdict.mistake is None or check(verdict.mistake.repair, given=given).grade in ("proved", "agrees")


def test_the_mistake_is_printed() -> None:
    shown = str(check("diff(x^2, x) = x"))
    assert "likely mistake (factor): with the factor 2 of it it would be right.\n  diff(x^2, x) = 2*x" in shown
