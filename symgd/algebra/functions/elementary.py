"""Powers, exponentials, logarithms, and the functions learning is written with: sigmoid, softplus."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symgd.algebra.expression import Expression
from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.writing import F, at, from_sympy, hull, is_positive, nowhere, outside, points, root

_LARGEST = 1000  # bits of a power that is still folded: 3^600 is a number, 3^(10^9) stays a power


def _exact_power(x: Fraction, y: Fraction) -> Fraction | None:
    if y.denominator == 1:
        if x == 0:
            return Fraction(y == 0) if y >= 0 else None
        if abs(x) == 1:
            return x ** (int(y) % 2)
        if abs(y) > 1 and abs(y) * max(abs(x.numerator).bit_length(), x.denominator.bit_length()) > _LARGEST:
            return None
        return x ** int(y)
    if x < 0 or y.denominator > _LARGEST or (x == 0 and y < 0):
        return None
    base = root(x, y.denominator)
    return None if base is None else _exact_power(base, Fraction(y.numerator))


def _power_by_exponent(x: Expression, y: Expression) -> Expression:
    """x^y·log(x), whose limit at x = 0 is 0 for y > 0; a base known to be positive needs no guard."""
    slope = x**y * F.log(x)
    return slope if is_positive(x) else F.where(F.equal(x, 0), 0, slope)


def _power_ball(x: Any, y: Any) -> Any:
    if y.is_exact() and y.is_integer():
        return x**y
    if x > 0:
        return x**y
    if y > 0 and x.lower() >= 0:  # x may be 0: between 0 and the power of its upper end
        return hull(x.upper() * 0, x.upper() ** y) if x.upper() > 0 else x.upper() * 0
    return outside(x)


def _exact_sqrt(x: Fraction) -> Fraction | None:
    return root(x, 2) if x >= 0 else None


def _sqrt_ball(x: Any) -> Any:
    return x.sqrt() if x >= 0 else outside(x)


def _log_in(base: int) -> Any:
    def exact(x: Fraction) -> Fraction | None:
        """log of base^k is k."""
        sign, value = (1, x) if x >= 1 else (-1, 1 / x if x > 0 else Fraction(0))
        if value.denominator != 1 or value < 1 or value.numerator.bit_length() > _LARGEST:
            return None
        whole, k = value.numerator, 0
        while whole % base == 0:
            whole, k = whole // base, k + 1
        return Fraction(sign * k) if whole == 1 else None

    return exact


def _sigmoid_ball(x: Any) -> Any:
    # Towards -∞ the exponential itself is the value, towards +∞ it leaves 1: neither form cancels.
    return 1 / (1 + (-x).exp()) if x >= 0 else 1 - 1 / (1 + x.exp()) if not x < 0 else x.exp() / (1 + x.exp())


def _softplus_ball(x: Any) -> Any:
    return x.exp().log1p() if not x > 0 else x + (-x).exp().log1p()


def _expm1_ball(x: Any) -> Any:
    return x.expm1()


# fmt: off
ROWS = (
    Elementwise(
        name="power", aliases=(), arity=2, domain="x > 0, or x != 0 and y whole, or x = 0 and y >= 0",
        derivative=(lambda x, y: y * x ** (y - 1), _power_by_exponent), exact=_exact_power,
        torch="torch.pow({0}, {1})", accurate="torch.pow({0}, {1})", ball=_power_ball, sympy=lambda x, y: x**y,
        latex=r"\left({0}\right)^{{1}}", kinks=(), convention="0^0 is 1; the derivative by y at x = 0 is 0",
        hard=points("2 3", "-2 3", "-3 4", "2.5 -1.5", "1e-5 0.5", "1.0000001 1e6", "0.1 300", "10 -300", "3 0.25"),
        source="DLMF 4.8.3, 4.2.26",
    ),
    Elementwise(
        name="exp", aliases=(), arity=1, domain="", derivative=(lambda x: F.exp(x),), exact=at({0: 1}),
        torch="torch.exp({0})", accurate="torch.exp({0})", ball=lambda x: x.exp(), sympy=from_sympy("exp"),
        latex=r"\exp\left({0}\right)", kinks=(), convention="", hard=points("0.5", "-3", "1e-12", "80", "-80", "700", "-740"),
        source="DLMF 4.7.3",
    ),
    Elementwise(
        name="log", aliases=("ln",), arity=1, domain="x > 0", derivative=(lambda x: 1 / x,), exact=at({1: 0}),
        torch="torch.log({0})", accurate="torch.log({0})", ball=lambda x: x.log(), sympy=from_sympy("log"),
        latex=r"\log\left({0}\right)", kinks=(), convention="",
        hard=points("0.5", "2", "1.0000001", "0.9999999", "1e-30", "1e30", "1e-300", "1e300"),
        source="DLMF 4.7.1",
    ),
    Elementwise(
        name="log10", aliases=(), arity=1, domain="x > 0", derivative=(lambda x: 1 / (x * F.log(10)),), exact=_log_in(10),
        torch="torch.log10({0})", accurate="torch.log10({0})", ball=lambda x: x.log() / type(x)(10).log(),
        sympy=lambda x: from_sympy("log")(x, 10),
        latex=r"\log_{10}\left({0}\right)", kinks=(), convention="", hard=points("0.5", "20", "1.0000001", "0.999", "1e-30", "1e300"),
        source="DLMF 4.2.17, 4.7.1",
    ),
    Elementwise(
        name="log2", aliases=(), arity=1, domain="x > 0", derivative=(lambda x: 1 / (x * F.log(2)),), exact=_log_in(2),
        torch="torch.log2({0})", accurate="torch.log2({0})", ball=lambda x: x.log() / type(x)(2).log(),
        sympy=lambda x: from_sympy("log")(x, 2),
        latex=r"\log_2\left({0}\right)", kinks=(), convention="", hard=points("0.7", "20", "1.0000001", "0.999", "1e-30", "1e300"),
        source="DLMF 4.2.10, 4.7.1",
    ),
    Elementwise(
        name="log1p", aliases=(), arity=1, domain="x > -1", derivative=(lambda x: 1 / (1 + x),), exact=at({0: 0}),
        torch="torch.log1p({0})", accurate="torch.log1p({0})", ball=lambda x: x.log1p(), sympy=lambda x: from_sympy("log")(1 + x),
        latex=r"\operatorname{log1p}\left({0}\right)", kinks=(), convention="",
        hard=points("0.5", "-0.5", "1e-15", "-1e-15", "1e-30", "-0.9999", "1e30"),
        source="DLMF 4.7.1",
    ),
    Elementwise(
        name="expm1", aliases=(), arity=1, domain="", derivative=(lambda x: F.exp(x),), exact=at({0: 0}),
        torch="torch.expm1({0})", accurate="torch.expm1({0})", ball=_expm1_ball, sympy=lambda x: from_sympy("exp")(x) - 1,
        latex=r"\operatorname{expm1}\left({0}\right)", kinks=(), convention="",
        hard=points("0.5", "-0.5", "1e-15", "-1e-15", "1e-30", "-40", "80", "700"),
        source="DLMF 4.7.3",
    ),
    Elementwise(
        name="sqrt", aliases=(), arity=1, domain="x >= 0", derivative=(lambda x: 1 / (2 * F.sqrt(x)),), exact=_exact_sqrt,
        torch="torch.sqrt({0})", accurate="torch.sqrt({0})", ball=_sqrt_ball, sympy=from_sympy("sqrt"),
        latex=r"\sqrt{{0}}", kinks=(), convention="", hard=points("0.5", "2", "1e-30", "1e30", "1e-300", "1e300"),
        source="DLMF 4.7.7 with a = 1/2",
    ),
    Elementwise(
        name="sigmoid", aliases=(), arity=1, domain="", derivative=(lambda x: F.sigmoid(x) * F.sigmoid(-x),),
        exact=lambda x: Fraction(1, 2) if x == 0 else None,
        torch="torch.sigmoid({0})", accurate="torch.exp(torch.clamp({0}, max=0.0)) / (1.0 + torch.exp(-torch.abs({0})))",
        ball=_sigmoid_ball, sympy=lambda x: 1 / (1 + from_sympy("exp")(-x)),
        latex=r"\sigma\left({0}\right)", kinks=(), convention="",
        hard=points("0.5", "-2", "1e-9", "17", "-17", "40", "-80", "-700", "-740", "720"),
        source="Bishop, Pattern Recognition and Machine Learning (2006), 4.88",
    ),
    Elementwise(
        name="softplus", aliases=(), arity=1, domain="", derivative=(lambda x: F.sigmoid(x),), exact=nowhere,
        torch="torch.logaddexp({0}, torch.zeros_like({0}))", accurate="torch.relu({0}) + torch.log1p(torch.exp(-torch.abs({0})))",
        ball=_softplus_ball, sympy=lambda x: from_sympy("log")(1 + from_sympy("exp")(x)),
        latex=r"\operatorname{softplus}\left({0}\right)", kinks=(), convention="",
        hard=points("0.5", "-2", "1e-9", "19", "21", "-21", "40", "-40", "-80", "-740", "720"),
        source="Goodfellow, Bengio, Courville, Deep Learning (2016), 3.42",
    ),
)
