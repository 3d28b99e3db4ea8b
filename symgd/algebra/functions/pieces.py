"""Functions made of pieces: abs, sign, relu, max, min, clip, huber, comparisons and `where`.

At a kink the derivative is what torch takes: 0 for abs and relu, a half on each side of a tie of max.
A comparison is 1 or 0, and its derivative 0; `where(c, a, b)` is a where c is not 0, so its derivative by c is 0 too.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symgd.algebra.expression import Expression
from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.writing import F, from_sympy, hull, piecewise, points, truth, zero

EITHER_WAY = frozenset({"equal", "not_equal"})  # they say the same with their sides exchanged
TRUTHS = frozenset({"step", "less", "less_equal", "equal", "not_equal"})  # they are 0 or 1, and so a power of one is itself
_ZERO = (Fraction(0),)
_PAIRS = points("0.5 2", "2 0.5", "-1 1", "3 3", "1e-300 2e-300", "1e30 1e30", "1.0000000001 1")


def _half_at_tie(above: Expression, below: Expression) -> Expression:
    """1 where above > below, 1/2 where they are equal."""
    return F.less(below, above) + F.equal(below, above) / 2


def _huber_ball(x: Any, delta: Any) -> Any:
    inside, outer = x * x / 2, delta * (abs(x) - delta / 2)
    return inside if abs(x) <= delta else outer if abs(x) > delta else hull(inside, outer)


def _clip_ball(x: Any, low: Any, high: Any) -> Any:
    return x.max(low).min(high)


def _where_ball(condition: Any, yes: Any, no: Any) -> Any:
    if condition.is_nan():
        return condition
    if condition == 0:
        return no
    return yes if condition != 0 else hull(yes, no)


def _comparison(name: str, symbol: str, latex: str, relation: str, decide: Any, exact: Any, source: str) -> Elementwise:
    template = f"({{0}} {symbol} {{1}}).to({{0}}.dtype)"
    return Elementwise(
        name=name,
        aliases=(),
        arity=2,
        domain="",
        derivative=(zero, zero),
        exact=lambda x, y: Fraction(exact(x, y)),
        torch=template,
        accurate=template,
        ball=decide,
        sympy=piecewise(lambda x, y: (1, from_sympy(relation)(x, y)), lambda x, y: (0, True)),
        latex=rf"\left[{{0}} {latex} {{1}}\right]",
        kinks=_ZERO,
        convention="a jump where both are equal; the derivative is 0",
        hard=_PAIRS,
        source=source,
    )


_IVERSON = "Graham, Knuth, Patashnik, Concrete Mathematics (1994), 2.1: Iverson's bracket"

# fmt: off
ROWS = (
    Elementwise(
        name="abs", aliases=(), arity=1, domain="", derivative=(lambda x: F.sign(x),), exact=abs,
        torch="torch.abs({0})", accurate="torch.abs({0})", ball=abs, sympy=from_sympy("Abs"),
        latex=r"\left|{0}\right|", kinks=_ZERO, convention="the derivative at 0 is 0", hard=points("0.5", "-2", "0", "-1e-300", "1e300"),
        source="Boyd, Vandenberghe, Convex Optimization (2004), 3.1.5",
    ),
    Elementwise(
        name="sign", aliases=(), arity=1, domain="", derivative=(zero,), exact=lambda x: Fraction((x > 0) - (x < 0)),
        torch="torch.sign({0})", accurate="torch.sign({0})", ball=lambda x: x if x.is_nan() else x.sgn(), sympy=from_sympy("sign"),
        latex=r"\operatorname{sign}\left({0}\right)", kinks=_ZERO, convention="sign(0) is 0, and so is the derivative",
        hard=points("0.5", "-2", "0", "-1e-300", "1e300"), source="DLMF 1.16(iii)",
    ),
    Elementwise(
        name="relu", aliases=(), arity=1, domain="", derivative=(lambda x: F.step(x),), exact=lambda x: max(x, Fraction(0)),
        torch="torch.relu({0})", accurate="torch.relu({0})", ball=lambda x: x.max(type(x)(0)), sympy=lambda x: from_sympy("Max")(0, x),
        latex=r"\operatorname{relu}\left({0}\right)", kinks=_ZERO, convention="the derivative at 0 is 0",
        hard=points("0.5", "-2", "0", "1e-300", "1e300"), source="Goodfellow, Bengio, Courville, Deep Learning (2016), 6.3.1",
    ),
    Elementwise(
        name="step", aliases=(), arity=1, domain="", derivative=(zero,), exact=lambda x: Fraction(x > 0),
        torch="({0} > 0).to({0}.dtype)", accurate="({0} > 0).to({0}.dtype)", ball=lambda x: truth(x > 0, x <= 0, x),
        sympy=lambda x: from_sympy("Heaviside")(x, 0),
        latex=r"\operatorname{step}\left({0}\right)", kinks=_ZERO, convention="step(0) is 0, and so is the derivative",
        hard=points("0.5", "-2", "0", "1e-300", "-1e300"), source="DLMF 1.16.13",
    ),
    Elementwise(
        name="floor", aliases=(), arity=1, domain="", derivative=(zero,), exact=lambda x: Fraction(x.numerator // x.denominator),
        torch="torch.floor({0})", accurate="torch.floor({0})", ball=lambda x: x.floor(), sympy=from_sympy("floor"),
        latex=r"\left\lfloor{0}\right\rfloor", kinks=(), convention="the derivative is 0, also at the jumps, the whole numbers",
        hard=points("0.5", "-2", "-0.5", "2.9999999", "1e15"), source="DLMF 1.1 (notation); constant between whole numbers",
    ),
    Elementwise(
        name="max", aliases=(), arity=2, domain="", derivative=(lambda x, y: _half_at_tie(x, y), lambda x, y: _half_at_tie(y, x)),
        exact=max,
        torch="torch.maximum({0}, {1})", accurate="torch.maximum({0}, {1})", ball=lambda x, y: x.max(y), sympy=from_sympy("Max"),
        latex=r"\max\left({0}, {1}\right)", kinks=_ZERO, convention="at a tie the derivative is 1/2 by each argument", hard=_PAIRS,
        source="Boyd, Vandenberghe, Convex Optimization (2004), 3.2.3",
    ),
    Elementwise(
        name="min", aliases=(), arity=2, domain="", derivative=(lambda x, y: _half_at_tie(y, x), lambda x, y: _half_at_tie(x, y)),
        exact=min,
        torch="torch.minimum({0}, {1})", accurate="torch.minimum({0}, {1})", ball=lambda x, y: x.min(y), sympy=from_sympy("Min"),
        latex=r"\min\left({0}, {1}\right)", kinks=_ZERO, convention="at a tie the derivative is 1/2 by each argument", hard=_PAIRS,
        source="Boyd, Vandenberghe, Convex Optimization (2004), 3.2.3",
    ),
    Elementwise(
        name="clip", aliases=(), arity=3, domain="",
        derivative=(
            lambda x, low, high: F.less_equal(low, x) * F.less_equal(x, high),
            lambda x, low, high: F.less(x, low) * F.less(low, high),
            lambda x, low, high: F.less(high, F.max(x, low)),
        ),
        exact=lambda x, low, high: min(max(x, low), high),
        torch="torch.clamp({0}, {1}, {2})", accurate="torch.clamp({0}, {1}, {2})", ball=_clip_ball,
        sympy=lambda x, low, high: from_sympy("Min")(from_sympy("Max")(x, low), high),
        latex=r"\operatorname{clip}\left({0}, {1}, {2}\right)", kinks=_ZERO,
        convention="min(max(x, low), high); at a bound the derivative by x is 1 and by the bound 0",
        hard=points("0.5 0 1", "-2 0 1", "3 0 1", "0 0 1", "1 0 1", "5 2 1", "1e30 -1e29 1e29"), source="min and max in turn",
    ),
    Elementwise(
        name="huber", aliases=(), arity=2, domain="y > 0",
        derivative=(lambda x, delta: F.clip(x, -delta, delta), lambda x, delta: F.relu(F.abs(x) - delta)),
        exact=lambda x, delta: x * x / 2 if abs(x) <= delta else delta * (abs(x) - delta / 2),
        torch="torch.where(torch.abs({0}) <= {1}, 0.5 * {0} * {0}, {1} * (torch.abs({0}) - 0.5 * {1}))",
        accurate="torch.where(torch.abs({0}) <= {1}, 0.5 * {0} * {0}, {1} * (torch.abs({0}) - 0.5 * {1}))",
        ball=_huber_ball,
        sympy=piecewise(
            lambda x, delta: (x**2 / 2, from_sympy("Abs")(x) <= delta),
            lambda x, delta: (delta * (from_sympy("Abs")(x) - delta / 2), True),
        ),
        latex=r"\operatorname{huber}_{{1}}\left({0}\right)", kinks=(), convention="",
        hard=points("0.5 1", "-2 1", "1 1", "-1 1", "1.0000001 1", "1e-8 1", "1e10 1"),
        source="Boyd, Vandenberghe, Convex Optimization (2004), 6.1.2",
    ),
    Elementwise(
        name="where", aliases=(), arity=3, domain="",
        derivative=(zero, lambda c, yes, no: F.where(c, 1, 0), lambda c, yes, no: F.where(c, 0, 1)),
        exact=lambda c, yes, no: yes if c else no,
        torch="torch.where({0} != 0, {1}, {2})", accurate="torch.where({0} != 0, {1}, {2})", ball=_where_ball,
        sympy=piecewise(lambda c, yes, no: (yes, from_sympy("Ne")(c, 0)), lambda c, yes, no: (no, True)),
        latex=r"\begin{cases} {1} & \text{if } {0} \\ {2} & \text{otherwise} \end{cases}", kinks=(),
        convention="the derivative by the condition is 0, also where the value jumps",
        hard=points("1 2 3", "0 2 3", "-1 0.1 1e300"), source="DLMF 1.4.32 on each piece",
    ),
    _comparison("less", "<", "<", "StrictLessThan", lambda x, y: truth(x < y, x >= y, x + y), lambda x, y: x < y, _IVERSON),
    _comparison("less_equal", "<=", r"\le", "LessThan", lambda x, y: truth(x <= y, x > y, x + y), lambda x, y: x <= y, _IVERSON),
    _comparison("equal", "==", "=", "Equality", lambda x, y: truth(x == y, x != y, x + y), lambda x, y: x == y, _IVERSON),
    _comparison("not_equal", "!=", r"\ne", "Unequality", lambda x, y: truth(x != y, x == y, x + y), lambda x, y: x != y, _IVERSON),
)
