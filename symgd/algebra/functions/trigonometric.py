"""Trigonometric functions and their inverses. `acot(x)` is atan(1/x), which jumps at 0."""

from __future__ import annotations

from typing import Any

from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.writing import F, at, from_sympy, nowhere, outside, points

_CIRCLE = points("0.5", "-1.25", "1e-9", "3.1415926", "1.5707963", "22", "-1e5")
_INSIDE = points("0.5", "-0.25", "1e-9", "0.99999", "-0.9999999", "0")
_BEYOND = points("1.5", "-2.5", "1.00001", "-1.0000001", "1e9", "-1e30")


def _atan2_ball(y: Any, x: Any) -> Any:
    return outside(y) if (x.contains(0) and y.contains(0)) else type(y).atan2(y, x)


# fmt: off
ROWS = (
    Elementwise(
        name="sin", aliases=(), arity=1, domain="", derivative=(lambda x: F.cos(x),), exact=at({0: 0}),
        torch="torch.sin({0})", accurate="torch.sin({0})", ball=lambda x: x.sin(), sympy=from_sympy("sin"),
        latex=r"\sin\left({0}\right)", kinks=(), convention="", hard=_CIRCLE, source="DLMF 4.20.1",
    ),
    Elementwise(
        name="cos", aliases=(), arity=1, domain="", derivative=(lambda x: -F.sin(x),), exact=at({0: 1}),
        torch="torch.cos({0})", accurate="torch.cos({0})", ball=lambda x: x.cos(), sympy=from_sympy("cos"),
        latex=r"\cos\left({0}\right)", kinks=(), convention="", hard=_CIRCLE, source="DLMF 4.20.2",
    ),
    Elementwise(
        name="tan", aliases=(), arity=1, domain="cos(x) != 0", derivative=(lambda x: 1 + F.tan(x) ** 2,), exact=at({0: 0}),
        torch="torch.tan({0})", accurate="torch.tan({0})", ball=lambda x: x.tan(), sympy=from_sympy("tan"),
        latex=r"\tan\left({0}\right)", kinks=(), convention="", hard=_CIRCLE, source="DLMF 4.20.3",
    ),
    Elementwise(
        name="sec", aliases=(), arity=1, domain="cos(x) != 0", derivative=(lambda x: F.sec(x) * F.tan(x),), exact=at({0: 1}),
        torch="1.0 / torch.cos({0})", accurate="1.0 / torch.cos({0})", ball=lambda x: x.sec(), sympy=from_sympy("sec"),
        latex=r"\sec\left({0}\right)", kinks=(), convention="", hard=_CIRCLE, source="DLMF 4.20.5",
    ),
    Elementwise(
        name="csc", aliases=(), arity=1, domain="sin(x) != 0", derivative=(lambda x: -F.csc(x) * F.cot(x),), exact=nowhere,
        torch="1.0 / torch.sin({0})", accurate="1.0 / torch.sin({0})", ball=lambda x: x.csc(), sympy=from_sympy("csc"),
        latex=r"\csc\left({0}\right)", kinks=(), convention="", hard=_CIRCLE, source="DLMF 4.20.4",
    ),
    Elementwise(
        name="cot", aliases=(), arity=1, domain="sin(x) != 0", derivative=(lambda x: -1 - F.cot(x) ** 2,), exact=nowhere,
        torch="1.0 / torch.tan({0})", accurate="1.0 / torch.tan({0})", ball=lambda x: x.cot(), sympy=from_sympy("cot"),
        latex=r"\cot\left({0}\right)", kinks=(), convention="", hard=_CIRCLE, source="DLMF 4.20.6",
    ),
    Elementwise(
        name="asin", aliases=("arcsin",), arity=1, domain="-1 <= x <= 1", derivative=(lambda x: 1 / F.sqrt(1 - x**2),), exact=at({0: 0}),
        torch="torch.asin({0})", accurate="torch.asin({0})", ball=lambda x: x.asin(), sympy=from_sympy("asin"),
        latex=r"\arcsin\left({0}\right)", kinks=(), convention="", hard=_INSIDE, source="DLMF 4.24.7",
    ),
    Elementwise(
        name="acos", aliases=("arccos",), arity=1, domain="-1 <= x <= 1", derivative=(lambda x: -1 / F.sqrt(1 - x**2),), exact=at({1: 0}),
        torch="torch.acos({0})", accurate="torch.acos({0})", ball=lambda x: x.acos(), sympy=from_sympy("acos"),
        latex=r"\arccos\left({0}\right)", kinks=(), convention="", hard=_INSIDE, source="DLMF 4.24.8",
    ),
    Elementwise(
        name="atan", aliases=("arctan",), arity=1, domain="", derivative=(lambda x: 1 / (1 + x**2),), exact=at({0: 0}),
        torch="torch.atan({0})", accurate="torch.atan({0})", ball=lambda x: x.atan(), sympy=from_sympy("atan"),
        latex=r"\arctan\left({0}\right)", kinks=(), convention="", hard=points("0.5", "-2", "1e-9", "0", "1e9", "-1e30"),
        source="DLMF 4.24.9",
    ),
    Elementwise(
        name="atan2", aliases=(), arity=2, domain="x != 0 or y != 0",
        derivative=(lambda y, x: x / (x**2 + y**2), lambda y, x: -y / (x**2 + y**2)),
        exact=lambda y, x: 0 * y if y == 0 and x > 0 else None,
        torch="torch.atan2({0}, {1})", accurate="torch.atan2({0}, {1})", ball=_atan2_ball, sympy=from_sympy("atan2"),
        latex=r"\operatorname{atan2}\left({0}, {1}\right)", kinks=(), convention="",
        hard=points("1 2", "1 -2", "-1 -2", "3 0", "1e-9 1", "1 1e-9", "1e-9 -1", "1e200 1e199"), source="DLMF 4.24.9 in each quadrant",
    ),
    Elementwise(
        name="acot", aliases=("arccot",), arity=1, domain="x != 0", derivative=(lambda x: -1 / (1 + x**2),), exact=nowhere,
        torch="torch.atan(1.0 / {0})", accurate="torch.atan(1.0 / {0})", ball=lambda x: (1 / x).atan(), sympy=from_sympy("acot"),
        latex=r"\operatorname{arccot}\left({0}\right)", kinks=(), convention="", hard=points("0.5", "-2", "1e-9", "-1e-9", "1e9", "-1e30"),
        source="DLMF 4.24.12",
    ),
    Elementwise(
        name="asec", aliases=("arcsec",), arity=1, domain="x <= -1 or x >= 1",
        derivative=(lambda x: 1 / (F.abs(x) * F.sqrt(x**2 - 1)),), exact=at({1: 0}),
        torch="torch.acos(1.0 / {0})",
        accurate="torch.atan2(torch.sqrt(torch.abs({0}) - 1.0) * torch.sqrt(torch.abs({0}) + 1.0), torch.sign({0}))",
        ball=lambda x: (1 / x).acos(), sympy=from_sympy("asec"),
        latex=r"\operatorname{arcsec}\left({0}\right)", kinks=(), convention="", hard=_BEYOND, source="DLMF 4.24.11",
    ),
    Elementwise(
        name="acsc", aliases=("arccsc",), arity=1, domain="x <= -1 or x >= 1",
        derivative=(lambda x: -1 / (F.abs(x) * F.sqrt(x**2 - 1)),), exact=nowhere,
        torch="torch.asin(1.0 / {0})",
        accurate="torch.atan2(torch.sign({0}), torch.sqrt(torch.abs({0}) - 1.0) * torch.sqrt(torch.abs({0}) + 1.0))",
        ball=lambda x: (1 / x).asin(), sympy=from_sympy("acsc"),
        latex=r"\operatorname{arccsc}\left({0}\right)", kinks=(), convention="", hard=_BEYOND, source="DLMF 4.24.10",
    ),
)
