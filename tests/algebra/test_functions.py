"""The function table: every row, by a loop over the table, against mpmath at 60 digits."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import mpmath
import pytest
import sympy
import table_reference as ref
import torch
from flint import arb, ctx
from mpmath import mpf

from symgd.algebra.expression import constant, leaf
from symgd.algebra.functions import registry
from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.table import POWER, F, define_function, fill, row, rows
from symgd.errors import FormulaError, NoRuleError

ELEMENTWISE = [found for found in rows() if isinstance(found, Elementwise)]
each = pytest.mark.parametrize("function", ELEMENTWISE, ids=lambda found: found.name)
dtypes = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])

# Ulps of the accurate form at the hard points. The others: 4. Lanczos' formula multiplies a dozen rounded factors; a large
# binomial raises a rounded ratio to a large power. In float32 both are computed in double and rounded once.
ULPS = {"gamma": 16, "factorial": 16, "polygamma": 20, "uppergamma": 20, "erfi": 12, "binomial": 200}


@pytest.fixture(autouse=True)
def many_digits():
    with mpmath.workdps(60), ctx.workprec(ref.BITS):
        yield


@each
def test_every_field_says_something(function):
    assert function.name
    assert function.source
    assert function.hard
    assert len(function.derivative) == function.arity
    assert all(f"{{{k}}}" in template for k in range(function.arity) for template in (function.torch, function.accurate, function.latex))
    assert not function.kinks or function.convention


@each
def test_ball_is_the_function_of_mpmath(function):
    assert ref.ball_faults(function) == []


@each
def test_derivative_is_the_slope(function):
    assert ref.derivative_faults(function) == []


@each
def test_derivative_is_differentiable_again(function):
    assert ref.second_faults(function) == []


@each
@dtypes
def test_accurate_form_is_good_to_a_few_ulp(function, dtype):
    limit = ULPS.get(function.name, 4) if dtype == torch.float64 else 4
    assert ref.template_faults(function, function.accurate, dtype, limit) == []


@each
def test_plain_form_has_half_the_digits_at_ordinary_points(function):
    ordinary = tuple(point for point in function.hard if all(1e-20 < abs(float(p)) < 50 or float(p) == 0 for p in point))
    if ordinary:
        assert ref.template_faults(dataclasses.replace(function, hard=ordinary), function.torch, torch.float64, 2.0**26) == []


@each
def test_exact_values_are_those_of_the_ball(function):
    assert ref.exact_faults(function) == []


@each
def test_sympy_form_is_the_same_function(function):
    for point in function.hard:
        if all(1e-30 < abs(float(p)) < 500 or float(p) == 0 for p in point):
            numbers = [sympy.Integer(int(float(p))) if float(p) == int(float(p)) else sympy.Float(p, 60) for p in point]
            found = sympy.N(function.sympy(*numbers), 40)
            wanted = ref.reference(function.name)(*[mpf(p) for p in point])
            assert ref.agree(mpf(str(found)), wanted, 1e-30), (point, found, wanted)


@each
def test_kinks_are_kinks(function):
    for kink in function.kinks:
        where = mpf(kink.numerator) / kink.denominator
        rest = [mpf(1)] * (function.arity - 1) if function.name != "clip" else [mpf(1), mpf(3)]
        point = (where + rest[0], *rest) if rest else (where,)
        step = mpf(10) ** -30
        value = ref.reference(function.name)
        left = (value(*point) - value(point[0] - step, *point[1:])) / step
        right = (value(point[0] + step, *point[1:]) - value(*point)) / step
        assert abs(left - right) > 0.1 or abs(left) > 1e20  # a corner, or a jump


@each
def test_latex_braces_close_whatever_the_arguments(function):
    text = fill(function.latex, r"\frac{a}{b}", "x^{1}", "c")
    assert text.count("{") == text.count("}")
    assert text.count(r"\left") == text.count(r"\right")
    assert r"\frac{a}{b}" in text


def test_derivatives_at_kinks_are_those_of_the_convention():
    def slope(formula, **point):
        x = leaf("x")
        return ref.value(ref.adjoints(formula, [x])[x], tuple(map(mpf, point.values())))

    x, y = leaf("x"), leaf("y")
    assert slope(F.abs(x), x=0) == 0
    assert slope(F.relu(x), x=0) == 0
    assert slope(F.sign(x), x=0) == 0
    assert slope(F.max(x, y), x=2, y=2) == 0.5
    assert slope(F.min(x, y), x=2, y=2) == 0.5
    assert slope(F.clip(x, 0, 1), x=1) == 1
    assert slope(F.clip(x, 0, 1), x=0) == 1
    assert slope(F.where(F.less(0, x), x**2, -x), x=0) == -1


def test_conventions_at_kinks_are_those_of_torch():
    for formula, of_torch in (("abs", torch.abs), ("relu", torch.relu), ("sign", torch.sign)):
        x = torch.zeros((), dtype=torch.float64, requires_grad=True)
        of_torch(x).backward()
        (partial,) = row(formula).derivative
        assert ref.value(partial(leaf("x")), (mpf(0),)) == float(x.grad)
    a, b = (torch.ones((), dtype=torch.float64, requires_grad=True) for _ in range(2))
    torch.maximum(a, b).backward()
    assert [ref.value(d(leaf("x"), leaf("y")), (mpf(1), mpf(1))) for d in row("max").derivative] == [float(a.grad), float(b.grad)]
    for at in (0.0, 1.0, 0.5):
        x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
        torch.clamp(x, 0.0, 1.0).backward()
        assert ref.value(row("clip").derivative[0](leaf("x"), constant(0), constant(1)), (mpf(at),)) == float(x.grad)


def test_undecided_balls_cover_both_outcomes():
    unsure = arb(0, 1e-5)
    for name, low, high in (("step", 0, 1), ("sign", -1, 1)):
        assert row(name).ball(unsure).contains(low)
        assert row(name).ball(unsure).contains(high)
    for name in ("less", "less_equal", "equal", "not_equal"):
        assert row(name).ball(unsure, arb(0)).contains(0)
        assert row(name).ball(unsure, arb(0)).contains(1)
    chosen = row("where").ball(unsure, arb(3), arb(-2))
    assert chosen.contains(3)
    assert chosen.contains(-2)
    assert row("huber").ball(arb(1, 1e-5), arb(1)).contains(arb("0.5"))
    assert row("sqrt").ball(unsure).is_nan()


def test_power_of_negative_and_zero_bases():
    assert POWER.ball(arb(-2), arb(3)) == -8
    assert POWER.ball(arb(0), arb(0)) == 1
    assert POWER.ball(arb(0), arb("0.5")) == 0
    assert POWER.ball(arb(0), arb(-1)).is_nan()
    assert POWER.ball(arb(-2), arb("0.5")).is_nan()
    near = POWER.ball(arb(1e-9, 1e-9).nonnegative_part(), arb("0.5"))
    assert near.contains(0)
    assert near.contains(arb("4e-5"))
    assert POWER.exact(Fraction(2), Fraction(10)) == 1024
    assert POWER.exact(Fraction(8, 27), Fraction(-2, 3)) == Fraction(9, 4)
    assert POWER.exact(Fraction(2), Fraction(1, 2)) is None
    assert POWER.exact(Fraction(3), Fraction(10**9)) is None
    assert POWER.exact(Fraction(-1), Fraction(10**30 + 1)) == -1
    x, y = leaf("x"), leaf("y")
    assert ref.value(POWER.derivative[1](x, y), (mpf(0), mpf(2))) == 0


def test_derivatives_without_a_rule_say_so():
    with pytest.raises(NoRuleError, match=r"uppergamma\(a, x\) has no derivative by a in closed form"):
        row("uppergamma").derivative[0](leaf("a"), leaf("x"))
    with pytest.raises(NoRuleError, match="whole number"):
        row("polygamma").derivative[0](leaf("n"), leaf("x"))


def test_names_and_aliases_are_found():
    assert row("ln") is row("log")
    assert F.ln(leaf("x")) is F.log(leaf("x"))
    assert len({found.name for found in rows()}) == len(list(rows()))
    with pytest.raises(NoRuleError, match=r"no function is named 'sine'"):
        row("sine")


def test_fill_leaves_other_braces_alone():
    assert fill(r"\log_{10}\left({0}\right)^{{1}}", "x^{1}", "b") == r"\log_{10}\left(x^{1}\right)^{b}"


# ---- the checks can fail, and a row can be added ---------------------------------------------------------------------


@pytest.fixture
def table():
    """The table, restored afterwards."""
    before = dict(registry._rows)
    yield
    registry._rows.clear()
    registry._rows.update(before)


def _changed(original, /, **fields):
    return dataclasses.replace(row(original), **fields)


def test_planted_faults_are_found():
    wrong = _changed("tanh", derivative=(lambda x: 1 + F.tanh(x) ** 2,))
    assert ref.derivative_faults(wrong)
    slightly = _changed("erf", derivative=(lambda x: row("erf").derivative[0](x) * Fraction(10**20 + 1, 10**20),))
    assert ref.derivative_faults(slightly)
    swapped = _changed("atan2", derivative=tuple(reversed(row("atan2").derivative)))
    assert ref.derivative_faults(swapped)
    assert ref.ball_faults(_changed("sin", ball=lambda x: x.cos()))
    assert ref.template_faults(row("asec"), "torch.acos(1.0 / {0})", torch.float64, 4)
    assert ref.template_faults(row("sigmoid"), "torch.exp({0}) / (1.0 + torch.exp({0}))", torch.float64, 4)
    assert ref.exact_faults(_changed("sqrt", exact=lambda x: x))


def _softsign(**fields):
    given = {
        "name": "softsign",
        "derivative": (lambda x: (1 + F.abs(x)) ** -2,),
        "torch": "{0} / (1.0 + torch.abs({0}))",
        "accurate": "{0} / (1.0 + torch.abs({0}))",
        "ball": lambda x: x / (1 + abs(x)),
        "sympy": lambda x: x / (1 + sympy.Abs(x)),
        "latex": r"\operatorname{softsign}\left({0}\right)",
        "exact": lambda x: x / (1 + abs(x)),
        "aliases": (),
        "source": "Glorot, Bengio (2010)",
    }
    return _changed("tanh", **{**given, **fields})


def test_a_function_can_be_defined(table, monkeypatch):
    define_function(_softsign())
    monkeypatch.setitem(ref.REFERENCE, "softsign", lambda x: x / (1 + abs(x)))
    assert row("softsign") in list(rows())
    assert ref.derivative_faults(row("softsign")) == []
    x = leaf("x")
    assert ref.value(ref.adjoints(F.softsign(x) ** 2, [x])[x], (mpf(2),)) == mpf(4) / 27


TAKEN = "Choose another name for the function."
NO_NAME = "A name is letters, digits and _, and begins with a letter."
TEMPLATE = "A template uses names of torch only, and f for symgd.lowering.torch_functions."
WRITE = 'Write ("0.5",) for a function of one argument.'
REFUSED = [
    ({"name": "exp"}, "the name exp is taken.", TAKEN),
    ({"name": "mean"}, "the name mean is taken.", TAKEN),
    ({"aliases": ("ln",)}, "the name ln is taken.", TAKEN),
    ({"name": "soft sign"}, "'soft sign' is no name for a function.", NO_NAME),
    ({"arity": 0}, "its arity is 0", "A function has at least one argument."),
    ({"derivative": ()}, "it has arity 1 and 0 derivatives", "Give one derivative per argument."),
    (
        {"torch": "torch.tanh(x)"},
        "torch is 'torch.tanh(x)', its arguments are {0}",
        "A template mentions every argument, and no other.",
    ),
    ({"torch": "os.system({0})"}, "torch uses the name 'os'", TEMPLATE),
    ({"source": " "}, "source is empty", "Say where the derivative is printed, or how it was found."),
    ({"kinks": (Fraction(0),)}, "it has kinks and no convention", "Say what the derivative is taken to be there."),
    ({"hard": ()}, "it has no hard points", "Give sample points, as decimal text."),
    ({"hard": (("1", "2"),)}, "the hard point ('1', '2') has 2 of 1 arguments", "Give every argument."),
    ({"hard": (("one",),)}, "the hard point ('one',) is no tuple of decimal texts", WRITE),
    ({"ball": None}, "derivative, exact, ball and sympy must be callable", "Give them as functions of the arguments."),
]


@pytest.mark.parametrize(("fields", "reason", "hint"), REFUSED, ids=[reason for _, reason, _ in REFUSED])
def test_an_incomplete_row_is_refused(table, fields, reason, hint):
    with pytest.raises(FormulaError) as caught:
        define_function(_softsign(**fields))
    reason = reason if reason.endswith(".") else f"the row of softsign is not complete: {reason}."
    assert str(caught.value) == f"{reason}\n{hint}"


def test_constants_fold_through_functions():
    assert F.exp(0) is constant(1)
    assert F.sqrt(Fraction(9, 4)) is constant(Fraction(3, 2))
    assert F.factorial(5) is constant(120)
    assert F.binomial(5, 2) is constant(10)
    assert F.max(2, 3) is constant(3)
    assert F.log2(Fraction(1, 8)) is constant(-3)
    assert mpmath.almosteq(ref.value(F.log10(20), ()), mpmath.log10(20))


@pytest.mark.parametrize("row", [one for one in rows() if isinstance(one, Elementwise)], ids=lambda one: one.name)
def test_what_is_undefined_stays_undefined(row: Elementwise) -> None:
    """A nan ball among the arguments gives a nan ball; only a branch of `where` that is not chosen does no harm."""
    for k in range(row.arity):
        arguments = [arb("0.5")] * row.arity
        arguments[k] = arb("nan")
        assert row.ball(*arguments).is_nan() or (row.name == "where" and k == 2)
