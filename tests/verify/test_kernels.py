"""The zero test over kernels: what it proves is true, and each of its rules is needed for that."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from symgd import check, formula
from symgd.algebra.certified import balls, working_precision
from symgd.algebra.expression import Expression, leaves
from symgd.verify import sample
from symgd.verify.kernels import Kernels, Ratio, angles, forms, is_zero, powers

TRUE = [
    "sin(2*x) - 2*sin(x)*cos(x)",
    "sin(x + y) - sin(x)*cos(y) - cos(x)*sin(y)",
    "sin(3*x) - 3*sin(x) + 4*sin(x)^3",
    "cos(x/2)^2 - (1 + cos(x))/2",
    "tan(x + y) - (tan(x) + tan(y))/(1 - tan(x)*tan(y))",
    "sin(x + pi/2) - cos(x)",
    "cosh(x)^2 - sinh(x)^2 - 1",
    "tanh(x) - 1 + 2/(exp(2*x) + 1)",
    "sigmoid(x) + sigmoid(-x) - 1",
    "softplus(x) - softplus(-x) - x",
    "exp(x + y) - exp(x)*exp(y)",
    "exp(2*log(x)) - x^2",
    "e^x - exp(x)",
    "log(x*y) - log(x) - log(y)",
    "log(x^2) - 2*log(abs(x))",
    "log(sqrt(x)) - log(x)/2",
    "log(12) - 2*log(2) - log(3)",
    "sqrt(x^2) - abs(x)",
    "sqrt(x*y)*sqrt(x) - abs(x)*sqrt(y)",
    "sqrt(6) - sqrt(2)*sqrt(3)",
    "x^(1/3)*x^(2/3) - x",
    "abs(x*y) - abs(x)*abs(y)",
    "abs(x)^2 - x^2",
    "x^(n + 1) - x*x^n",
    "2^x*3^x - 6^x",
    "diff(x^n, x) - n*x^(n - 1)",
    "diff(x^x, x) - x^x*(1 + log(x))",
    "diff(asin(x), x) - 1/sqrt(1 - x^2)",
    "diff(atan(x) + atan(1/x), x)",
    "diff(log(x + sqrt(1 + x^2)), x) - 1/sqrt(1 + x^2)",
    "asinh(x) - log(x + sqrt(x^2 + 1))",
    "erf(x)^2 - erf(x)*erf(x + 0*x)",
    "erf(-x) + erf(x)",
    "asin(x - y) + asin(y - x)",
    "sin(pi/4 + x) - (sin(x) + cos(x))/sqrt(2)",
    "cos(pi/12) - (sqrt(6) + sqrt(2))/4",
    "sin(asin(x)) - x",
    "cos(3*asin(x)) - sqrt(1 - x^2)*(1 - 4*x^2)",
    "tan(atan(x)/2) - (sqrt(1 + x^2) - 1)/x",
    "sin(2*acos(x)) - 2*x*sqrt(1 - x^2)",
    "(exp(5*x) + exp(7*x))/(exp(-x) + exp(x)) - exp(6*x)",
    "exp(x/7)^7 - exp(x)",
    "exp(y/8)*exp(7*y/8) - exp(y)",
    "x^(1/7)*x^(6/7) - x",
    "exp(a + b/(c + x)^2) - exp(a)*exp(b/(c + x)^2)",
    "exp((x^3 + 1)/x) - exp(x^2)*exp(1/x)",
    "x^(2*n)*x^(3*n) - x^(5*n)",
    "x^n*x^m - x^(n + m)",
    "(x^n)^2 - x^(2*n)",
    "sqrt(3 + 2*sqrt(2)) - 1 - sqrt(2)",
    "sqrt(5 + sqrt(5))*sqrt(5 - sqrt(5)) - 2*sqrt(5)",
    "sqrt(5*sqrt(2) - 7)*sqrt(sqrt(2) - 1) - (3 - 2*sqrt(2))",
    "abs(1 - sqrt(2)) - sqrt(2) + 1",
    "sqrt((1 - x)/(1 + x))*(1 + x) - sqrt(1 - x^2)",
    "uppergamma(3, x) - (x^2 + 2*x + 2)*exp(-x)",
    "diff(uppergamma(n, x), x) + x^(n - 1)*exp(-x)",
    "diff(acosh(x), x) - 1/sqrt(x^2 - 1)",
    "diff(asech(x), x) + sqrt((1 - x)/(1 + x))/(x*(1 - x))",
]
# Each differs from 0 somewhere where it is defined.
FALSE = [
    "sqrt(x^2) - x",
    "(x^2)^(n/2) - x^n",
    "abs(x) - x",
    "log(x^2) - 2*log(3*x)",
    "sin(2*x) - 2*sin(x)",
    "sin(x)^2 + cos(y)^2 - 1",
    "cos(x)^2 - sin(x)^2 - 1",
    "exp(x)*exp(y) - exp(x*y)",
    "exp(x - y) - exp(x) + exp(y)",
    "sqrt(x + y) - sqrt(x) - sqrt(y)",
    "sqrt(6) - sqrt(2) - sqrt(3)",
    "sqrt(2)*sqrt(3) - sqrt(5)",
    "log(12) - log(2) - log(3)",
    "x^(1/3)*x^(1/3) - x",
    "abs(x + y) - abs(x) - abs(y)",
    "abs(x)*x - x^2",
    "sqrt(x^2*y^2) - x*y",
    "2^x*3^x - 5^x",
    "(x*y)^n - x^n",
    "diff(x^n, x) - n*x^n",
    "diff(sin(x)^2, x) - 2*sin(x)",
    "tan(x) - sin(x)*cos(x)",
    "cosh(x)^2 + sinh(x)^2 - 1",
    "erf(x) - erf(2*x)",
    "x*sin(pi/2) + 1",
    "sigmoid(x) - sigmoid(-x)",
    "(-x)^n - x^n",
    "sin(2*x) - sin(x)",
    "log(x) - log(y)",
    "log(3) - log(2)",
    "sqrt(3) - sqrt(2)",
    "erf(-x) - erf(x)",
    "asin(x - y) - asin(y - x)",
    "sin(pi/4 + x) - sin(x) - cos(x)",
    "cos(pi/12) - sin(pi/12)",
    "cos(2*asin(x)) - sqrt(1 - x^2)",
    "sin(atan(x)) - x*sqrt(1 + x^2)",
    "tan(atan(x)/2) - (sqrt(1 + x^2) + 1)/x",
    "exp(a + b/(c + x)^2) - exp(a)*exp(b/(c + x))",
    "exp((x^3 + 1)/x) - exp(x)*exp(1/x)",
    "x^(2*n) - x^n*x",
    "(-x)^(2*n)*(-x)^n - x^(3*n)",
    "sqrt(3 + 2*sqrt(2)) - 2 - sqrt(2)",
    "sqrt(5 + sqrt(5))*sqrt(5 - sqrt(5)) - sqrt(5)",
    "sqrt(5*sqrt(2) - 7)*sqrt(sqrt(2) - 1) + (3 - 2*sqrt(2))",
    "abs(1 - sqrt(2)) - 1 + sqrt(2)",
    "sqrt((x - 1)*(x + 1)) - sqrt(abs(x) - 1)*sqrt(x^2)",
    "uppergamma(3, x) - (x^2 + x + 2)*exp(-x)",
]


def proved(text: str) -> bool:
    return is_zero(formula(text).origin, time.monotonic() + 20)


@pytest.mark.parametrize("text", TRUE)
def test_identities_are_proved(text: str) -> None:
    assert proved(text)
    assert not vanishes_nowhere(formula(text).origin)


@pytest.mark.parametrize("text", FALSE)
def test_what_is_no_identity_is_not_proved(text: str) -> None:
    assert not proved(text)
    assert vanishes_nowhere(formula(text).origin), "the example itself is wrong"


def vanishes_nowhere(root: Expression) -> bool:
    """Is there a point where it is certainly not 0?"""
    random = Random(1)
    for k in range(120):
        (value,) = balls([root], sample.point(leaves(root), {}, random, k), 256)
        with working_precision(256):
            entry = value.flat[0]
            if not hasattr(entry, "rad"):
                if entry != 0:
                    return True
            elif entry.is_finite() and not entry.contains(0):
                return True
    return False


def patched(name: str, method: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda monkeypatch: monkeypatch.setattr(Kernels, name, method)


_multiple, _root_of, _exp, _log_of = Kernels.multiple, Kernels.root_of, Kernels.exp, Kernels.log_of
_square, _of_pair, _of_inverse, _sine, _expansion = Kernels.square, Kernels._of_pair, Kernels.of_inverse, Kernels.sine, Kernels.expansion

# A fault for each rule of the module.
FAULTS = {
    "every factor is positive": patched("is_positive", lambda self, polynomial: True),
    "moduli without signs": patched("modulus", lambda self, polynomial: polynomial),
    "roots of the wrong degree": patched("root_of", lambda self, f, p: _root_of(self, f, p if p.denominator == 1 else 2 * p)),
    "angles without their number": patched("multiple", lambda self, number, term: _multiple(self, 1, term)),
    "exponentials of products": patched("exp", lambda self, u: _exp(self, u) if len(u.above) < 2 else _exp(self, u.power(2))),
    "logarithms of all factors alike": patched("log_of", lambda self, f: self.kernel(("log", self.name(self.context.constant(2))))),
    "no parity": patched("sign_of", lambda self, number, factors: (frozenset(), 1)),
    "sums without their second term": lambda monkeypatch: monkeypatch.setattr(Ratio, "__add__", lambda self, other: self),
    "nested roots without their number": patched("square", lambda self, a, b, n, k: _square(self, 4 * a, 4 * b, n, k)),
    "every pair of signs is known": patched("is_positive", lambda self, polynomial: len(polynomial) > 1),
    "angles of sines whole": patched("of_inverse", lambda self, name, u, parts: _of_inverse(self, name, u, 1)),
    "sines of the complement": patched("sine", lambda self, twelfth: _sine(self, 6 - twelfth)),
    "whole parts only": patched("expansion", lambda self, u: _expansion(self, u)[:1]),
    "every power of -1 is 1": patched(
        "_parity_rules",
        lambda self: [(k, 1, self.context.constant(1)) for key, k in self.number.items() if key[0] == "parity"],
    ),
    "functions are even": lambda monkeypatch: [monkeypatch.setattr(module, "is_negative", lambda u: False) for module in (angles, forms)],
    "every number has one prime": lambda monkeypatch: monkeypatch.setattr(powers, "primes", lambda value: [(2, 1)] if value != 1 else []),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_a_rule_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[name](monkeypatch)
    assert any(proved(text) for text in FALSE) or not all(proved(text) for text in TRUE)


def test_a_side_that_is_real_nowhere_is_not_proved() -> None:
    assert check("atanh(x) = atanh(1/x)").grade != "proved"
    assert check("sqrt(-1 - x^2) = sqrt(-1 - x^2) + 0*x").grade in ("proved", "undecided")


def test_sides_that_are_real_by_way_of_complex_numbers_are_compared() -> None:
    verdict = check("sqrt(x*y) = sqrt(x)*sqrt(y)")
    assert verdict.grade == "refuted"
    assert verdict.witness is not None
    assert verdict.witness["x"] < 0
    assert verdict.witness["y"] < 0
    assert abs(verdict.left + verdict.right) < 1e-12
    assert check("sqrt(x*y) = sqrt(x)*sqrt(y)", given="x > 0, y > 0").grade == "proved"


@pytest.mark.parametrize(
    ("claim", "given", "grade"),
    [
        ("det(Q) = 1", "Q[n,n] orthogonal", "refuted"),
        ("Q^2 = eye(n)", "Q[n,n] orthogonal symmetric", "agrees"),
        ("Q = eye(n)", "Q[n,n] orthogonal spd", "undecided"),
        ("norm1(vec(W)) = sum(W)", "W[n,n] diagonal > 0", "agrees"),
        ("max(vec(W)) = normInf(vec(W))", "W[n,n] symmetric > 0", "agrees"),
        ("(p if p < 0.8 else 0) = p", "p in (0,1)", "refuted"),
        ("(k if k < 8 else 0) = k", "k integer", "refuted"),
        ("(cos(A).^2)' + sin(A).^2 = ones(n,n)", "A[n,n]", "refuted"),
        ("sum(V.^2.*B) = sum(B)", "V[n,n] lower in {-1,1}, B[n,n]", "refuted"),
        ("exp(pi*sqrt(163)) = 640320^3 + 744", "", "refuted"),
        ("sum(k=3..n, t) = (n-2)*t", "x[n], t", "agrees"),
    ],
)
def test_points_lie_in_the_domain_and_everywhere_in_it(claim: str, given: str, grade: str) -> None:
    assert check(claim, given=given).grade == grade
