"""Functions that only rewritten expressions use: rows as in the function table, but without a name in the language."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symgd.algebra import expression as ex
from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.table import F


def _logcosh_ball(x: Any) -> Any:
    if abs(x) < 1:
        return x.cosh().log()
    size = abs(x)
    return size + (-2 * size).exp().log1p() - type(x)(2).log()


def _hypot_ball(x: Any, y: Any) -> Any:
    return (x * x + y * y).sqrt()


def _hypotm1_ball(x: Any) -> Any:
    return x * x / (1 + (1 + x * x).sqrt())


def _exact_hypot(x: Fraction, y: Fraction) -> Fraction | None:
    return abs(x) if y == 0 else abs(y) if x == 0 else None


def _sympy_logcosh(x: Any) -> Any:
    import sympy

    return sympy.log(sympy.cosh(x))


def _sympy_hypot(x: Any, y: Any) -> Any:
    import sympy

    return sympy.sqrt(x**2 + y**2)


def _sympy_sech(x: Any) -> Any:
    import sympy

    return sympy.sech(x)


# fmt: off
LOGCOSH: Elementwise = Elementwise(
    name="logcosh", aliases=(), arity=1, domain="", derivative=(lambda x: F.tanh(x),), exact=lambda x: Fraction(0) if x == 0 else None,
    torch="torch.log(torch.cosh({0}))", accurate="g.logcosh({0})", ball=_logcosh_ball, sympy=_sympy_logcosh,
    latex=r"\log\cosh\left({0}\right)", kinks=(), convention="", hard=(("1e-150",), ("1e-8",), ("0.3",), ("-2",), ("40",), ("1e300",)),
    source="DLMF 4.34.3, 4.28.2",
)
HYPOT: Elementwise = Elementwise(
    name="hypot", aliases=(), arity=2, domain="",
    derivative=(lambda x, y: x / ex.apply(HYPOT, x, y), lambda x, y: y / ex.apply(HYPOT, x, y)), exact=_exact_hypot,
    torch="torch.sqrt({0} * {0} + {1} * {1})", accurate="torch.hypot({0}, {1})", ball=_hypot_ball, sympy=_sympy_hypot,
    latex=r"\sqrt{{0}^2+{1}^2}", kinks=(), convention="",
    hard=(("3", "4"), ("1e-200", "1e-200"), ("1e200", "1"), ("1e-300", "1"), ("-5", "12")),
    source="Moler, Morrison, Replacing square roots by Pythagorean sums (1983)",
)
HYPOTM1: Elementwise = Elementwise(
    name="hypotm1", aliases=(), arity=1, domain="", derivative=(lambda x: x / ex.apply(HYPOT, x, 1),),
    exact=lambda x: Fraction(0) if x == 0 else None,
    torch="(torch.sqrt(1.0 + {0} * {0}) - 1.0)", accurate="g.hypotm1({0})", ball=_hypotm1_ball, sympy=lambda x: _sympy_hypot(x, 1) - 1,
    latex=r"\left(\sqrt{1+{0}^2}-1\right)", kinks=(), convention="", hard=(("1e-150",), ("1e-8",), ("0.75",), ("-3",), ("1e200",)),
    source="DLMF 4.7.7 with a = 1/2",
)
SECH2: Elementwise = Elementwise(
    name="sech2", aliases=(), arity=1, domain="", derivative=(lambda x: ex.apply(SECH2, x) * F.tanh(x) * -2,),
    exact=lambda x: Fraction(1) if x == 0 else None,
    torch="(1.0 - torch.tanh({0}) * torch.tanh({0}))", accurate="g.sech2({0})", ball=lambda x: x.sech() * x.sech(),
    sympy=lambda x: _sympy_sech(x) ** 2,
    latex=r"\operatorname{sech}^2\left({0}\right)", kinks=(), convention="", hard=(("1e-9",), ("0.3",), ("-9",), ("30",), ("-350",)),
    source="DLMF 4.35.12, 4.34.3",
)
# fmt: on
