"""The likely mistake: named where one change mends the claim, and the mended claim checks."""

from __future__ import annotations

import pytest

from symgd import check

NAMED = [
    ("grad(norm2(A*x - b)^2, x) = A'*(A*x - b)", "A[m,n], x[n], b[m]", "factor", "with the factor 2 it would be right."),
    ("grad(norm2(A*x - b)^2, x) = -2*A'*(A*x - b)", "A[m,n], x[n], b[m]", "sign", "with the opposite sign it would be right."),
    ("grad(x'*A*x, x) = 2*A*x", "A[n,n], x[n]", "symmetry", "for symmetric A it would be right."),
    ("grad(tr(A*X^3), X) = 3*(A*X^2)'", "A[n,n], X[n,n]", "chain-rule",
     "the derivative of X^3 is a sum: matrices do not commute as numbers do."),
    ("diff(inv(A + t*B), t) = -inv(A + t*B)^2*B", "A[n,n], B[n,n], t", "order-of-factors",
     "the right side equals the left one with inv(A + t*B) and B exchanged."),
    ("grad(sum(tanh(A*x)), x) = A'*ones(m)", "A[m,n], x[n]", "chain-rule",
     "in the derivative of tanh(A*x) the derivative of tanh is missing."),
    ("grad(sum(exp(A*x)), x) = exp(A*x)", "A[m,n], x[n]", "chain-rule", "with the factor A' of exp(A*x) it would be right."),
    ("grad(norm2(A*x - b)^2, x) = 2*A*(A*x - b)", "A[m,n], x[n], b[m]", "transpose", "with A' in place of A it would be right."),
    ("grad(a'*inv(X)*b, X) = inv(X)'*a*b'*inv(X)'", "a[n], b[n], X[n,n]", "sign", "with the opposite sign it would be right."),
    ("grad(tr(A*X), X, symmetric) = A'", "A[n,n], X[n,n]", "symmetry",
     "the entries of X are taken as independent: with G for this gradient, that under symmetry is G + G' - G.*eye."),
    ("grad(logdet(X), X) = 2*inv(X) - inv(X).*eye(n)", "X[n,n]", "symmetry",
     "the gradient for symmetric X is taken, where its entries are independent."),
    ("grad(norm2(W*x - y)^2 + l*norm2(x)^2, x) = 2*W'*(W*x - y)", "W[m,n], x[n], y[m], l", "dropped-term", ""),
    ("jac(softmax(x), x) = diag(softmax(x).*(1 - softmax(x)))", "x[n]", "chain-rule",
     "the derivative of softmax(x) is a matrix: every entry depends on all entries of x."),
    ("jac(A*x, x) = A'", "A[m,n], x[n]", "layout", "transposed it would be right: the entries stand as those of the variable."),
]  # fmt: skip

SLIPS = [
    ("diff(sin(x^2), x) = cos(x^2)", "chain-rule",
     "in the derivative of sin(x^2) the factor from the chain rule is missing, the derivative of x^2."),
    ("diff(cos(3*x)*x, x) = cos(3*x) - sin(3*x)*x", "chain-rule",
     "in the derivative of cos(3*x) the factor from the chain rule is missing, the derivative of 3*x."),
    ("diff(sin(x^2), x) = cos(2*x)", "chain-rule", "in the derivative of sin(x^2) the derivative of x^2 is put in the place of x^2."),
    ("diff((x^2 + 1)^3, x) = 3*(x^2 + 1)^2", "chain-rule",
     "in the derivative of (x^2 + 1)^3 the factor from the chain rule is missing, the derivative of x^2 + 1."),
    ("diff(x^5, x) = 5*x^5", "exponent", "in the derivative of x^5 the exponent is not reduced by 1."),
    ("diff(x^5 + x, x) = x^4 + 1", "power-rule", "in the derivative of x^5 the factor 5 is missing."),
    ("diff(a*x^3, x) = a*x^4/4", "power-rule", "x^3 is integrated, not derived."),
    ("diff(x*exp(x) + x, x) = x*exp(x) + 1", "product-rule", "in the derivative of x*exp(x) the term is missing in which x is derived."),
    ("diff(x^2*sin(x), x) = 2*x*cos(x)", "product-rule", "the derivative of x^2*sin(x) is not the product of the derivatives."),
    ("diff(x*log(x), x) = log(x) - 1", "sign", "the derivative of log(x) has the wrong sign."),
    ("diff(x^2*(x + 1)^3, x) = 2*x*(x + 1)^3 - 3*x^2*(x + 1)^2", "product-rule",
     "in the derivative of x^2*(x + 1)^3 the second term has the wrong sign."),
    ("diff(sin(x)/x, x) = (x*cos(x) - sin(x))/x", "quotient-rule", "in the derivative of sin(x)/x the denominator is not squared."),
    ("diff(sin(x)/x, x) = (x*cos(x) + sin(x))/x^2", "quotient-rule",
     "in the derivative of sin(x)/x the second term of the numerator has the wrong sign."),
    ("diff(sin(x)/(x^2 + 1), x) = cos(x)/(x^2 + 1)", "quotient-rule",
     "in the derivative of sin(x)/(x^2 + 1) the term is missing in which x^2 + 1 is derived."),
    ("diff(log(x)/(x + 1), x) = 1/x", "quotient-rule", "the derivative of log(x)/(x + 1) is not the quotient of the derivatives."),
    ("diff(1/(1 + x^2), x) = 2*x/(1 + x^2)^2", "sign", "the derivative of 1/(1 + x^2) has the wrong sign."),
    ("diff(2^x, x) = 2^x", "exponential", "in the derivative of 2^x the factor log(2) is missing."),
    ("diff(2^x, x) = x*2^(x - 1)", "exponential", "2^x is no power of the variable: its derivative has the factor log(2)."),
    ("diff(x^x, x) = x*x^(x - 1)", "power-rule", "in the derivative of x^x the exponent x is taken as constant."),
    ("diff(tan(x), x) = 1/sin(x)^2", "function", "what is taken for the derivative of tan is minus that of cot."),
    ("diff(cos(x), x) = sin(x)", "sign", "the derivative of cos(x) has the wrong sign."),
    ("diff(sin(x) - x^3/3, x) = cos(x) + x^2", "sign", "the derivative of x^3/3 has the wrong sign."),
    ("diff((c + d*x)^3, x) = 3*(c + d*x)^2*(c + d)", "constant", "the derivative of the constant c is 0."),
    ("diff(exp(a*x)*log(b*x), x) = a*exp(a*x)*log(b*x)", "product-rule",
     "in the derivative of exp(a*x)*log(b*x) the term is missing in which log(b*x) is derived."),
]  # fmt: skip

PEN = [
    ("diff(x^2 + sin(x), x) = 2*x + cos(x) + 3", "extra term", "without the term 3 it would be right."),
    ("diff(3*x/(a + x)^2, x) = 3*(a - x)/(a + x)^2", "exponent", "with (a + x)^3 in place of (a + x)^2 it would be right."),
    ("(x + y)^2 = x^2 + y^2", "dropped-term", "with the term 2*x*y added it would be right."),
    ("sin(2*x) = 2*sin(x)", "dropped-factor", "with the factor cos(x) it would be right."),
    ("cos(2*x) = cos(x)^2 + sin(x)^2", "operator", "with cos(x)^2 - sin(x)^2 in place of cos(x)^2 + sin(x)^2 it would be right."),
    ("diff(exp(a*x)/a^2, x) = exp(a*x)", "dropped-factor", "with the factor 1/a it would be right."),
    ("(a + b)^3 = a^3 + 3*a^2*b + 3*a*b + b^3", "dropped-factor", "with 3*a*b^2 in place of 3*a*b it would be right."),
    ("cosh(x)^2 + sinh(x)^2 = 1", "function", ""),
    ("diff(x^4/4 + a*x^2, x) = x^3 + a*x", "factor", ""),
    ("diff(x*log(x) - x, x) = log(2*x)", "factor", ""),
    ("diff(atan(x/a), x) = a^2/(a^2 + x^2)", "dropped-factor", ""),
]


@pytest.mark.parametrize(("claim", "given", "kind", "text"), NAMED)
def test_a_mistake_is_named_and_mended(claim: str, given: str, kind: str, text: str) -> None:
    verdict = check(claim, given=given)
    assert verdict.grade == "refuted"
    assert verdict.mistake is not None
    assert kind in verdict.mistake.kind
    assert not text or verdict.mistake.text == text
    assert check(verdict.mistake.repair, given=given).grade in ("proved", "agrees")


def test_a_mistake_in_the_formula_under_the_derivative_is_found() -> None:
    verdict = check("diff(-x^4/4 + log(x)^2, x) = x^3 + 2*log(x)/x")
    assert verdict.mistake is not None
    assert check(verdict.mistake.repair).grade == "proved"


@pytest.mark.parametrize(("claim", "kind", "text"), SLIPS)
def test_a_slip_in_the_derivation_is_named_and_mended(claim: str, kind: str, text: str) -> None:
    test_a_mistake_is_named_and_mended(claim, "", kind, text)


@pytest.mark.parametrize(("claim", "kind", "text"), PEN)
def test_a_slip_of_the_pen_is_named_and_mended(claim: str, kind: str, text: str) -> None:
    verdict = check(claim)
    assert verdict.grade == "refuted"
    assert verdict.mistake is not None
    assert not text or verdict.mistake.text == text
    assert not text or kind in verdict.mistake.kind
    assert check(verdict.mistake.repair).grade in ("proved", "agrees")


@pytest.mark.parametrize(
    ("claim", "given"), [("diff(x^3*sin(x), x) = tan(x) + erf(x)", ""), ("inv(A)*x = A'*y", "A[n,n], x[n], y[n]"), ("x = y + z", "")]
)
def test_what_no_single_change_mends_is_not_named(claim: str, given: str) -> None:
    verdict = check(claim, given=given)
    assert verdict.grade == "refuted"
    assert verdict.mistake is None or check(verdict.mistake.repair, given=given).grade in ("proved", "agrees")


def test_the_mistake_is_printed() -> None:
    shown = str(check("diff(x^2, x) = x"))
    assert "likely mistake (power-rule): in the derivative of x^2 the factor 2 is missing.\n  diff(x^2, x) = 2*x" in shown


@pytest.mark.parametrize(
    ("claim", "given", "syntax", "repair"),
    [
        ("lim(t, 0, (f(x+t*u)-f(x))/h) = D(f(x), x, u)", "f(x[n]), x[n], u[n]", "infix", "lim(t, 0, (f(x+t*u)-f(x))/t) = D(f(x), x, u)"),
        ("2*x = lim(t, 0, ((x+h)^2-x^2)/h)", "", "infix", "2*x = lim(t, 0, ((x+t)^2-x^2)/t)"),
        (
            r"D_{u}f(P)=\lim_{t\to 0}\frac{f(P+tu)-f(P)}{h}",
            "",
            "latex",
            r"D_{u}f(P)=\lim_{t\to 0}\frac{f(P+tu)-f(P)}{t}",
        ),
    ],
)
def test_a_name_that_a_limit_does_not_bind(claim, given, syntax, repair):
    verdict = check(claim, given=given, syntax=syntax)
    assert verdict.grade == "refuted"
    assert (verdict.mistake.kind, verdict.mistake.repair) == ("variable", repair)
    bound, free = ("t", "h")
    assert verdict.mistake.text == f"{free} is not bound by the limit: with {bound} in its place it would be right."
    assert check(repair, given=given, syntax=syntax).grade == "proved"
