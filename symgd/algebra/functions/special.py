"""Error functions, the gamma function and its relatives, factorials."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from symgd.algebra.expression import Expression, irrational
from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.writing import F, at, from_sympy, no_rule, nowhere, outside, points

_WHOLE = 150  # the largest whole number whose factorial is folded, about 900 bits
_ERROR = points("0.5", "-0.25", "1e-9", "-1e-30", "1.5", "-2.5", "3", "5.5", "8.9")


def _bell(sign: int) -> Any:
    """The derivative of the error functions: 2/√π · exp(±x²)."""
    return lambda x: 2 / F.sqrt(irrational("pi")) * F.exp(sign * x**2)


def _exact_factorial(x: Fraction) -> Fraction | None:
    return Fraction(math.factorial(int(x))) if x.denominator == 1 and 0 <= x <= _WHOLE else None


def _exact_gamma(x: Fraction) -> Fraction | None:
    return _exact_factorial(x - 1)


def _exact_binomial(n: Fraction, k: Fraction) -> Fraction | None:
    if n.denominator == 1 and k.denominator == 1 and 0 <= n <= 1000:
        return Fraction(math.comb(int(n), int(k)) if k >= 0 else 0)
    return None


def _loggamma_ball(x: Any) -> Any:
    return x.lgamma() if x > 0 else outside(x)


def _polygamma_ball(n: Any, x: Any) -> Any:
    from flint import acb

    if not n.is_integer() or n < 0:
        return outside(x)
    return x.digamma() if n == 0 else acb(x).polygamma(n).real


def _uppergamma_ball(a: Any, x: Any) -> Any:
    return x.gamma_upper(a) if (a >= 0 and x > 0) or (a > 0 and x >= 0) else outside(x)


def _binomial_ball(n: Any, k: Any) -> Any:
    return (n + 1).gamma() * (k + 1).rgamma() * (n - k + 1).rgamma() if n > -1 else outside(n)


def _binomial_by_n(n: Expression, k: Expression) -> Expression:
    return F.binomial(n, k) * (F.digamma(n + 1) - F.digamma(n - k + 1))


def _binomial_by_k(n: Expression, k: Expression) -> Expression:
    return F.binomial(n, k) * (F.digamma(n - k + 1) - F.digamma(k + 1))


# fmt: off
ROWS = (
    Elementwise(
        name="erf", aliases=(), arity=1, domain="", derivative=(_bell(-1),), exact=at({0: 0}),
        torch="torch.erf({0})", accurate="torch.erf({0})", ball=lambda x: x.erf(), sympy=from_sympy("erf"),
        latex=r"\operatorname{erf}\left({0}\right)", kinks=(), convention="", hard=_ERROR, source="Abramowitz & Stegun 7.1.19",
    ),
    Elementwise(
        name="erfc", aliases=(), arity=1, domain="", derivative=(lambda x: -_bell(-1)(x),), exact=at({0: 1}),
        torch="torch.erfc({0})", accurate="torch.erfc({0})", ball=lambda x: x.erfc(), sympy=from_sympy("erfc"),
        latex=r"\operatorname{erfc}\left({0}\right)", kinks=(), convention="", hard=(*_ERROR, ("15.3",), ("26.2",)),
        source="Abramowitz & Stegun 7.1.19",
    ),
    Elementwise(
        name="erfi", aliases=(), arity=1, domain="", derivative=(_bell(1),), exact=at({0: 0}),
        torch="f.erfi({0})", accurate="f.erfi({0})", ball=lambda x: x.erfi(), sympy=from_sympy("erfi"),
        latex=r"\operatorname{erfi}\left({0}\right)", kinks=(), convention="", hard=(*_ERROR, ("15.3",), ("26.2",)),
        source="DLMF 7.10.1 with erfi(x) = -i erf(ix)",
    ),
    Elementwise(
        name="gamma", aliases=(), arity=1, domain="x not 0, -1, -2, …", derivative=(lambda x: F.gamma(x) * F.digamma(x),),
        exact=_exact_gamma,
        torch="f.gamma({0})", accurate="f.gamma({0})", ball=lambda x: x.gamma(), sympy=from_sympy("gamma"),
        latex=r"\Gamma\left({0}\right)", kinks=(), convention="",
        hard=points("0.5", "1e-9", "3.7", "-1.5", "-0.001", "-7.3", "20.25", "33.5", "100.1", "171"),
        source="DLMF 5.2.2",
    ),
    Elementwise(
        name="loggamma", aliases=(), arity=1, domain="x > 0", derivative=(lambda x: F.digamma(x),), exact=at({1: 0, 2: 0}),
        torch="torch.lgamma({0})", accurate="torch.lgamma({0})", ball=_loggamma_ball, sympy=from_sympy("loggamma"),
        latex=r"\operatorname{loggamma}\left({0}\right)", kinks=(), convention="",
        hard=points("0.5", "1e-9", "0.999", "1.0000001", "1.9999", "3.7", "100.1", "1e15", "1e300"),
        source="DLMF 5.2.2",
    ),
    Elementwise(
        name="digamma", aliases=(), arity=1, domain="x not 0, -1, -2, …", derivative=(lambda x: F.polygamma(1, x),), exact=nowhere,
        torch="torch.digamma({0})", accurate="f.digamma({0})", ball=lambda x: x.digamma(), sympy=from_sympy("digamma"),
        latex=r"\operatorname{digamma}\left({0}\right)", kinks=(), convention="",
        hard=points("0.5", "1e-9", "1.4616", "1.5", "3.7", "-1.25", "-0.001", "9.9", "100.1", "1e15"),
        source="DLMF 5.15.1",
    ),
    Elementwise(
        name="polygamma", aliases=(), arity=2, domain="x whole, x >= 0; y not 0, -1, -2, …",
        derivative=(
            no_rule("polygamma(n, x) has no derivative by its order n, a whole number.", "Differentiate by x, or fix n."),
            lambda n, x: F.polygamma(n + 1, x),
        ),
        exact=nowhere,
        torch="f.polygamma({0}, {1})", accurate="f.polygamma({0}, {1})", ball=_polygamma_ball, sympy=from_sympy("polygamma"),
        latex=r"\operatorname{polygamma}\left({0}, {1}\right)", kinks=(), convention="",
        hard=points("0 1.5", "1 0.5", "1 1e-9", "1 30", "2 3.7", "3 0.25", "1 -1.5", "2 -0.75", "5 12"),
        source="DLMF 5.15",
    ),
    Elementwise(
        name="uppergamma", aliases=(), arity=2, domain="x > 0 and y >= 0, or x = 0 and y > 0",
        derivative=(
            no_rule("uppergamma(a, x) has no derivative by a in closed form.", "Differentiate by x, or write the integral with a fixed."),
            lambda a, x: -(x ** (a - 1)) * F.exp(-x),
        ),
        exact=nowhere,
        torch="f.uppergamma({0}, {1})", accurate="f.uppergamma({0}, {1})", ball=_uppergamma_ball, sympy=from_sympy("uppergamma"),
        latex=r"\Gamma\left({0}, {1}\right)", kinks=(), convention="",
        hard=points("0.5 1", "2 3", "0 0.5", "0 3", "3.5 0.01", "1 20", "0.5 1e-9", "10 2", "10 30", "2.5 600"), source="DLMF 8.8.13",
    ),
    Elementwise(
        name="factorial", aliases=(), arity=1, domain="x not -1, -2, …", derivative=(lambda x: F.factorial(x) * F.digamma(x + 1),),
        exact=_exact_factorial,
        torch="f.gamma({0} + 1.0)", accurate="f.gamma({0} + 1.0)", ball=lambda x: (x + 1).gamma(), sympy=from_sympy("factorial"),
        latex=r"\left({0}\right)!", kinks=(), convention="", hard=points("0.5", "3", "5", "12", "-0.5", "19.25", "170"),
        source="DLMF 5.4.1, 5.2.2",
    ),
    Elementwise(
        name="binomial", aliases=(), arity=2, domain="x > -1", derivative=(_binomial_by_n, _binomial_by_k), exact=_exact_binomial,
        torch="f.binomial({0}, {1})", accurate="f.binomial({0}, {1})", ball=_binomial_ball, sympy=from_sympy("binomial"),
        latex=r"\binom{{0}}{{1}}", kinks=(), convention="", hard=points("5 2", "4.5 1.25", "30 15", "1000 2", "200.5 100.25", "0.25 0.5"),
        source="DLMF 1.2.6, 5.2.2",
    ),
)
