"""Hyperbolic functions and their inverses. The accurate forms are those in exp(-|x|), log1p, expm1: no overflow, no cancellation."""

from __future__ import annotations

from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.writing import F, at, from_sympy, nowhere, points

_LINE = points("0.5", "-2", "1e-9", "9", "-19", "40", "-80", "700", "-705")
_NO_ZERO = points("0.5", "-2", "1e-9", "9", "-19", "40", "-80", "700", "-740")
_BEYOND = points("1.5", "-2.5", "1.00001", "-1.0000001", "1e9", "-1e30")
_UNIT = points("0.5", "0.25", "1e-9", "0.99999", "0.9999999", "1e-30", "1e-300")

# fmt: off
ROWS = (
    Elementwise(
        name="sinh", aliases=(), arity=1, domain="", derivative=(lambda x: F.cosh(x),), exact=at({0: 0}),
        torch="torch.sinh({0})", accurate="torch.sinh({0})", ball=lambda x: x.sinh(), sympy=from_sympy("sinh"),
        latex=r"\sinh\left({0}\right)", kinks=(), convention="", hard=_LINE, source="DLMF 4.34.1",
    ),
    Elementwise(
        name="cosh", aliases=(), arity=1, domain="", derivative=(lambda x: F.sinh(x),), exact=at({0: 1}),
        torch="torch.cosh({0})", accurate="torch.cosh({0})", ball=lambda x: x.cosh(), sympy=from_sympy("cosh"),
        latex=r"\cosh\left({0}\right)", kinks=(), convention="", hard=_LINE, source="DLMF 4.34.2",
    ),
    Elementwise(
        name="tanh", aliases=(), arity=1, domain="", derivative=(lambda x: 1 - F.tanh(x) ** 2,), exact=at({0: 0}),
        torch="torch.tanh({0})", accurate="torch.tanh({0})", ball=lambda x: x.tanh(), sympy=from_sympy("tanh"),
        latex=r"\tanh\left({0}\right)", kinks=(), convention="", hard=_LINE, source="DLMF 4.34.3",
    ),
    Elementwise(
        name="sech", aliases=(), arity=1, domain="", derivative=(lambda x: -F.sech(x) * F.tanh(x),), exact=at({0: 1}),
        torch="1.0 / torch.cosh({0})", accurate="2.0 * torch.exp(-torch.abs({0})) / (1.0 + torch.exp(-2.0 * torch.abs({0})))",
        ball=lambda x: x.sech(), sympy=from_sympy("sech"),
        latex=r"\operatorname{sech}\left({0}\right)", kinks=(), convention="", hard=_NO_ZERO, source="DLMF 4.34.5",
    ),
    Elementwise(
        name="csch", aliases=(), arity=1, domain="x != 0", derivative=(lambda x: -F.csch(x) * F.coth(x),), exact=nowhere,
        torch="1.0 / torch.sinh({0})", accurate="-2.0 * torch.sign({0}) * torch.exp(-torch.abs({0})) / torch.expm1(-2.0 * torch.abs({0}))",
        ball=lambda x: x.csch(), sympy=from_sympy("csch"),
        latex=r"\operatorname{csch}\left({0}\right)", kinks=(), convention="", hard=_NO_ZERO, source="DLMF 4.34.4",
    ),
    Elementwise(
        name="coth", aliases=(), arity=1, domain="x != 0", derivative=(lambda x: -(F.csch(x) ** 2),), exact=nowhere,
        torch="1.0 / torch.tanh({0})", accurate="1.0 / torch.tanh({0})", ball=lambda x: x.coth(), sympy=from_sympy("coth"),
        latex=r"\coth\left({0}\right)", kinks=(), convention="", hard=_NO_ZERO, source="DLMF 4.34.6",
    ),
    Elementwise(
        name="asinh", aliases=("arcsinh", "arsinh"), arity=1, domain="", derivative=(lambda x: 1 / F.sqrt(1 + x**2),), exact=at({0: 0}),
        torch="torch.asinh({0})", accurate="torch.asinh({0})", ball=lambda x: x.asinh(), sympy=from_sympy("asinh"),
        latex=r"\operatorname{arsinh}\left({0}\right)", kinks=(), convention="",
        hard=points("0.5", "-2", "1e-9", "0", "-0.1", "1e9", "-1e30", "-1e300"),
        source="DLMF 4.38.9",
    ),
    Elementwise(
        name="acosh", aliases=("arccosh", "arcosh"), arity=1, domain="x >= 1", derivative=(lambda x: 1 / (F.sqrt(x - 1) * F.sqrt(x + 1)),),
        exact=at({1: 0}),
        torch="torch.acosh({0})", accurate="torch.acosh({0})", ball=lambda x: x.acosh(), sympy=from_sympy("acosh"),
        latex=r"\operatorname{arcosh}\left({0}\right)", kinks=(), convention="",
        hard=points("1.5", "20", "1.00001", "1.0000001", "1e9", "1e300"),
        source="DLMF 4.38.10",
    ),
    Elementwise(
        name="atanh", aliases=("arctanh", "artanh"), arity=1, domain="-1 < x < 1", derivative=(lambda x: 1 / (1 - x**2),), exact=at({0: 0}),
        torch="torch.atanh({0})", accurate="torch.atanh({0})", ball=lambda x: x.atanh(), sympy=from_sympy("atanh"),
        latex=r"\operatorname{artanh}\left({0}\right)", kinks=(), convention="",
        hard=points("0.5", "-0.25", "1e-9", "0", "0.1", "0.99999", "-0.9999999"),
        source="DLMF 4.38.11",
    ),
    Elementwise(
        name="asech", aliases=("arcsech", "arsech"), arity=1, domain="0 < x <= 1",
        derivative=(lambda x: -1 / (x * F.sqrt(1 - x**2)),), exact=at({1: 0}),
        torch="torch.acosh(1.0 / {0})", accurate="f.asech({0})", ball=lambda x: (1 / x).acosh(), sympy=from_sympy("asech"),
        latex=r"\operatorname{arsech}\left({0}\right)", kinks=(), convention="", hard=_UNIT, source="DLMF 4.38.13",
    ),
    Elementwise(
        name="acsch", aliases=("arccsch", "arcsch"), arity=1, domain="x != 0",
        derivative=(lambda x: -1 / (F.abs(x) * F.sqrt(1 + x**2)),), exact=nowhere,
        torch="torch.asinh(1.0 / {0})", accurate="f.acsch({0})", ball=lambda x: (1 / x).asinh(), sympy=from_sympy("acsch"),
        latex=r"\operatorname{arcsch}\left({0}\right)", kinks=(), convention="",
        hard=points("0.5", "-2", "1e-9", "-1e-30", "1e9", "-1e30", "1e-300"),
        source="DLMF 4.38.12",
    ),
    Elementwise(
        name="acoth", aliases=("arccoth", "arcoth"), arity=1, domain="x < -1 or x > 1", derivative=(lambda x: 1 / (1 - x**2),),
        exact=nowhere,
        torch="torch.atanh(1.0 / {0})", accurate="0.5 * torch.sign({0}) * torch.log1p(2.0 / (torch.abs({0}) - 1.0))",
        ball=lambda x: (1 / x).atanh(), sympy=from_sympy("acoth"),
        latex=r"\operatorname{arcoth}\left({0}\right)", kinks=(), convention="", hard=_BEYOND, source="DLMF 4.38.14",
    ),
)
