"""Changes are screened in floats: what balls would find must stay, and the numbers must be those of the balls."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import acb, arb

from symgd.algebra.certified import working_precision
from symgd.algebra.functions.table import find
from symgd.language.infix import parse_formula
from symgd.language.limits import Limits
from symgd.verify.mistakes.floats import FLOATS, FUNCTIONS, as_dual, as_floats, may_be_near, power
from symgd.verify.mistakes.numbers import BITS, Dual, apply, ball, dual
from symgd.verify.mistakes.written import Written

POINTS = (0.3, -0.7, 2.5, -2.5, -0.5j, complex(0.4, 0.3), complex(-1.5, 0.2))  # on cuts too
TEXTS = ("a*x^2 - 3*sin(x)/(1 + x^2)", "(x + a)*(2 - x)/a", "exp(a*x)^3 - sqrt(1 + x)", "erf(x)*a + log(x/a)", "2^x - x^a*(x - 1)")
POINT = {"x": Fraction(5, 4), "a": Fraction(7, 3)}


def written(text: str) -> Written:
    return Written(parse_formula(text, Limits()), text, {"x", "a"}, "x")


@pytest.mark.parametrize("name", [*FUNCTIONS, "erf", "abs"])
@pytest.mark.parametrize("at", POINTS)
def test_a_function_is_the_one_of_the_balls(name, at):
    row = find(name)
    with working_precision(BITS):
        exact = apply(row, arb(at) if isinstance(at, float) else acb(at.real, at.imag))
        found = FLOATS.apply(row, np.array([at, at]))
        assert found.shape == (2,)
        assert abs(found[1] - complex(acb(exact))) <= 1e-12 * (1 + abs(found[1]))


@pytest.mark.parametrize("text", TEXTS)
def test_a_formula_with_a_part_changed_is_the_changed_formula(text):
    """The part's factor, where it enters linearly, and the way up elsewhere: against the formula with the part written anew."""
    formula = written(text)
    with working_precision(BITS):
        run = formula.run(POINT)
        floats = formula.in_floats(run)
        assert any(factor is None for factor in run.factors) or text == TEXTS[1]
        for i, part in enumerate(formula.parts):
            new = f"{text[: part.start]}(x*a + 1/3){text[part.end :]}"
            changed = written(new)
            wanted = changed.run(POINT)[-1]
            place = written("x*a + 1/3").run(POINT)[-1]
            found = formula.replayed(run, i, place)
            assert (found.value - wanted.value).contains(0)
            assert (found.slope - wanted.slope).contains(0)
            assert (formula.revalued(run, i, place.value) - wanted.value).contains(0)
            many = formula.replayed(floats, i, as_dual([place, dual(Fraction(2))]))
            for one, other in ((many.value, wanted.value), (many.slope, wanted.slope)):
                assert abs(one[0] - complex(acb(other))) <= 1e-9 * (1 + abs(one[0]))
                assert one.shape == (2,)


def test_powers_in_floats_are_those_of_balls():
    with working_precision(BITS):
        own = Dual(ball(Fraction(3, 2)), ball(Fraction(-1, 3)))
        for exponent in map(Fraction, ("2", "-1", "1/2", "-3/2", "3")):
            exact, found = own**exponent, power(as_dual([own]), float(exponent))
            assert abs(found.value[0] - float(exact.value)) < 1e-14
            assert abs(found.slope[0] - float(exact.slope)) < 1e-14


def test_what_is_near_and_what_overflows_stays():
    found = as_floats([ball(Fraction(1)), ball(1 + Fraction(1, 10**9)), ball(1 + Fraction(1, 1000)), arb("nan"), arb("1e400"), acb(1, 1)])
    with np.errstate(all="ignore"):
        assert may_be_near(found, 1.0).tolist() == [True, True, False, True, True, False]
