"""Certified values against mpmath, known constants, brute force over exact fractions, and planted wrong values."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from flint import arb, ctx, fmpq
from mpmath import mpf

from symgd.algebra import expression as ex
from symgd.algebra.certified import balls, certified
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import constant, contract, irrational, leaf, select
from symgd.algebra.functions.table import F
from symgd.errors import DomainError, ShapeError, ValueGivenError
from tests.effort import calls_made

x, y = leaf("x"), leaf("y")
N, M = Dimension.of("n"), Dimension.of("m")
PI = irrational("pi")
v = leaf("v", (N,))
A = leaf("A", (M, N))


def _agrees(found, wanted, digits):
    """Is every one of the digits right?"""
    return abs(found - wanted) < abs(wanted) * mpf(10) ** -digits


# 60 digits of constants, OEIS A000796, A001113, A001620, A002193, A019727.
CONSTANTS = [
    (PI, {}, "3.14159265358979323846264338327950288419716939937510582097494"),
    (irrational("e"), {}, "2.71828182845904523536028747135266249775724709369995957496697"),
    (-F.digamma(1), {}, "0.57721566490153286060651209008240243104215933593992359880577"),
    (F.sqrt(2), {}, "1.41421356237309504880168872420969807856967187537694807317668"),
    (F.sqrt(2 * PI), {}, "2.50662827463100050241576528481104525300698674060993831662992"),
    (4 * F.atan(Fraction(1, 5)) * 4 - 4 * F.atan(Fraction(1, 239)), {}, "3.14159265358979323846264338327950288419716939937510582097494"),
    (F.gamma(Fraction(1, 2)) ** 2, {}, "3.14159265358979323846264338327950288419716939937510582097494"),
    (F.exp(x), {"x": 1}, "2.71828182845904523536028747135266249775724709369995957496697"),
]


@pytest.mark.parametrize(("formula", "values", "wanted"), CONSTANTS)
def test_known_constants(formula, values, wanted):
    with mpmath.workdps(70):
        assert _agrees(certified(formula, values, digits=55), mpf(wanted), 55)


@pytest.mark.parametrize("digits", [1, 15, 50, 300, 1000])
def test_every_digit_asked_for_is_right(digits):
    formula = F.sin(x) * F.exp(-(x**2)) / F.gamma(x + Fraction(1, 3))
    with mpmath.workdps(digits + 20):
        wanted = mpmath.sin(mpf(5) / 2) * mpmath.exp(-((mpf(5) / 2) ** 2)) / mpmath.gamma(mpf(5) / 2 + mpf(1) / 3)
        assert _agrees(certified(formula, {"x": 2.5}, digits=digits), wanted, digits)


def test_cancellation_takes_more_bits_not_fewer_digits():
    # rump's polynomial: double precision gets sign and size wrong
    a, b = leaf("a"), leaf("b")
    rump = Fraction("333.75") * b**6 + a**2 * (11 * a**2 * b**2 - b**6 - 121 * b**4 - 2) + Fraction("5.5") * b**8 + a / (2 * b)
    assert certified(rump, {"a": 77617, "b": 33096}, digits=30) == certified(constant(Fraction(-54767, 66192)), {}, digits=30)
    near = F.exp(x) - 1 - x - x**2 / 2
    with mpmath.workdps(200):
        tiny = mpf(10) ** -30
        assert _agrees(certified(near, {"x": "1e-30"}), mpmath.exp(tiny) - 1 - tiny - tiny**2 / 2, 50)


@pytest.mark.parametrize(
    ("formula", "values"),
    [
        (F.sin(x), {"x": 0}),
        (F.log(x), {"x": 1}),
        (x - y, {"x": 0.1, "y": 0.1}),
        (x**2 - y, {"x": "0.1", "y": "0.01"}),
        (F.sqrt(x) - Fraction(3, 2), {"x": 2.25}),
        (PI - PI, {}),
        (F.relu(x), {"x": -3}),
        (F.sign(x), {"x": 0}),
        (F.max(x, y) - F.max(y, x), {"x": "1/3", "y": "0.3"}),
        (F.less(x, y), {"x": 2, "y": 2}),
        (F.norm2(v) - 5, {"v": [3, 4]}),
        (F.lse(v) - 7, {"v": [7]}),
        (contract(1, [(F.softmax(v), "i"), (select(N, Dimension.of(0)), "i")], "") - Fraction(1, 3), {"v": [2, 2, 2]}),
        (F.where(F.less(x, 0), F.log(x), 0), {"x": 3}),
    ],
)
def test_exact_zeros_are_known_to_be_zero(formula, values):
    assert certified(formula, values) == 0


def test_a_tenth_is_a_tenth_as_text_and_a_double_as_a_float():
    assert certified(10 * x - 1, {"x": "0.1"}) == 0
    assert certified(10 * x - 1, {"x": 0.1}, digits=17) == mpf(2) ** -54


@pytest.mark.parametrize(
    ("formula", "values", "message"),
    [
        (F.log(x), {"x": -1}, "log(-1) is not a real number.\nThe domain of log is x > 0."),
        (F.log(x - y), {"x": 1, "y": 1}, "log(0) is not a real number.\nThe domain of log is x > 0."),
        (F.sqrt(x) + F.log(-PI), {"x": 1}, "log(-3.1415927) is not a real number.\nThe domain of log is x > 0."),
        (1 / x, {"x": 0}, "power(0, -1) is not a real number.\nThe domain of power is x > 0, or x != 0 and y whole, or x = 0 and y >= 0."),
        (F.exp(F.acosh(x)), {"x": "0.5"}, "acosh(1/2) is not a real number.\nThe domain of acosh is x >= 1."),
        (F.gamma(x), {"x": -2}, "gamma(-2) is not a real number.\nThe domain of gamma is x not 0, -1, -2, …."),
        (F.sin(x) ** 2 + F.cos(x) ** 2 - 1, {"x": 1}, "|value| < 1e-601, could not be told from 0 with 2,000 bits."),
        (
            F.sqrt(F.sin(x) ** 2 + F.cos(x) ** 2 - 1),
            {"x": 1},
            "sqrt got ±1e-601: with 2,000 bits not to be told from the edge of its domain.",
        ),
        (
            F.less(F.sin(x) ** 2 + F.cos(x) ** 2, 1),
            {"x": 1},
            "less(1.0000000, 1) could not be decided with 2,000 bits: the arguments are equal, or too near.",
        ),
        (
            F.floor(F.exp(F.log(x))),
            {"x": 3},
            "floor(3.0000000) could not be decided with 2,000 bits: the arguments are equal, or too near.",
        ),
        (F.exp(F.exp(F.exp(x))), {"x": 200}, "a value is too large to be computed with 2,000 bits."),
        (F.inv(leaf("S", (N, N))), {"S": [[1, 2], [2, 4]]}, "inv got a matrix outside its domain.\nThe domain of inv is det(x) != 0."),
        (
            F.logdet(leaf("S", (N, N))),
            {"S": [[1, 2], [2, 1]]},
            "logdet got a matrix outside its domain.\nThe domain of logdet is det(x) > 0.",
        ),
    ],
)
def test_what_cannot_be_settled_is_said(formula, values, message):
    with pytest.raises(DomainError) as caught:
        certified(formula, values, limit_bits=2000)
    assert str(caught.value) == message


def test_the_branch_not_taken_does_no_harm():
    guarded = F.where(F.less(0, x), F.log(x), F.sqrt(-x))
    assert certified(guarded, {"x": -4}) == 2
    assert certified(guarded, {"x": 1}) == 0
    undecided = F.where(F.less(F.sin(y) ** 2 + F.cos(y) ** 2, 1), F.log(x), 2)
    with pytest.raises(DomainError, match="with 2,000 bits"):  # and not that log(-1) is not real
        certified(undecided, {"x": -1, "y": 1}, limit_bits=2000)


def test_values_may_come_in_any_container():
    total = contract(1, [(A, "ij"), (v, "j")], "i")
    wanted = [mpf(17), mpf(39)]
    for matrix in ([[1, 2], [3, 4]], ((1, 2.0), (Fraction(3), mpf(4))), np.array([[1, 2], [3, 4]]), torch.tensor([[1.0, 2], [3, 4]])):
        assert certified(total, {"A": matrix, "v": [5, "6"]}) == wanted
    assert certified(x, {"x": np.float64(0.5)}) == 0.5
    assert certified(x, {"x": -mpf(3) / 4}) == -0.75
    assert certified(x, {"x": torch.tensor(2.5, dtype=torch.float32)}) == 2.5
    assert certified(F.log(x), {"x": mpmath.ldexp(mpf(1), -500_000)}, digits=20) == certified(-500_000 * F.log(2), {}, digits=20)


@pytest.mark.parametrize(
    ("formula", "values", "error", "message"),
    [
        (x + y, {"x": 1}, ValueGivenError, "no value is given for y.\nGive y a scalar."),
        (x, {"x": float("inf")}, ValueGivenError, "the value inf given for x is not finite."),
        (x, {"x": mpf("nan")}, ValueGivenError, "the value nan given for x is not finite."),
        (x, {"x": "two"}, ValueGivenError, "'two', given for x, is no real number."),
        (x, {"x": "1/0"}, ValueGivenError, "'1/0', given for x, is no real number."),
        (x, {"x": "1e999999999"}, ValueGivenError, "'1e999999999', given for x, is no real number."),
        (x, {"x": 1j}, ValueGivenError, "1j, given for x, is no real number."),
        (x, {"x": [1]}, ShapeError, "x is a scalar, the value given has 1 axis."),
        (F.norm2(v), {"v": 3}, ShapeError, "v is (n), the value given has no axes: it is a number."),
        (F.norm2(v), {"v": []}, ShapeError, "the value given for v is empty."),
        (F.norm2(F.norm2(A)), {"A": [[1, 2], [3]]}, ShapeError, "the rows given for A have different lengths."),
        (contract(1, [(A, "ij"), (v, "j")], "i"), {"A": [[1, 2]], "v": [1, 2, 3]}, ShapeError, "v has 3 entries, n is 2."),
        (ex.size(N) * x, {"x": 1}, ValueGivenError, "no value shows how large n is.\nGive n a value."),
        (
            ex.unknown("T", [x]),
            {"x": 1},
            ValueGivenError,
            "T is an unknown function: it has no value.\nDefine T by a formula to evaluate it.",
        ),
    ],
)
def test_values_that_do_not_fit_are_refused(formula, values, error, message):
    with pytest.raises(error) as caught:
        certified(formula, values)
    assert str(caught.value) == message


def test_sizes_are_those_of_the_values():
    mean = contract(1, [(v, "i"), (ex.size(N) ** -1, "")], "")
    assert certified(mean, {"v": [1, 2, 6]}) == 3
    assert certified(ex.counter(Dimension.of(1), N), {}, sizes={"n": 3}) == [1, 2, 3]
    assert certified(ex.size(N * N + 1), {}, sizes={"n": 3}) == 10


def test_roots_share_one_evaluation_and_keep_their_shapes():
    first, second = certified([F.norm2(v), F.softmax(v)], {"v": [3, 4]}, digits=20)
    assert first == 5
    assert len(second) == 2
    entry = balls(F.exp(v), {"v": [0, 1]}, 100)
    assert isinstance(entry[0], fmpq)
    assert isinstance(entry[1], arb)
    assert entry[1].overlaps(arb(1).exp())


def test_the_precision_of_the_caller_is_left_alone():
    before = ctx.prec
    with pytest.raises(DomainError):
        certified(F.log(x), {"x": -1})
    balls(F.exp(x), {"x": 1}, 3000)
    assert ctx.prec == before


def test_long_rationals_become_balls():
    formula = x
    for _ in range(20):
        formula = formula * formula - constant(Fraction(1, 3))
    assert isinstance(balls(formula, {"x": "0.7"}, 256)[()], arb)
    with mpmath.workdps(80):
        wanted = mpf(7) / 10
        for _ in range(20):
            wanted = wanted * wanted - mpf(1) / 3
        assert _agrees(certified(formula, {"x": "0.7"}), wanted, 50)


# ---- contractions, against brute force -------------------------------------------------------------------------------


def _brute_force(node, arrays):
    """Every entry as the sum over all values of all labels, in exact fractions."""
    lengths = {label: dimension.evaluate({}) for label, dimension in node.dimensions().items()}
    inner = {child: _brute_force(child, arrays) for child in node.children if isinstance(child, ex.Contract)}
    out = np.zeros([lengths[k] for k in range(node.rank)], dtype=object)
    for position in itertools.product(*map(range, lengths.values())):
        at = dict(zip(lengths, position))
        term = Fraction(node.coefficient)
        for child, labels in node.factors:
            where = [at[label] for label in labels]
            if isinstance(child, ex.Select):
                place = child.offset.evaluate({})
                for c, k in zip(child.coefficients, where[1:]):
                    place += c * k
                term *= where[0] == place
            elif isinstance(child, ex.Leaf):
                term *= arrays[child.name][tuple(where)]
            elif isinstance(child, ex.Contract):
                term *= inner[child][tuple(where)]
            else:
                assert isinstance(child, ex.Constant)
                term *= child.value
        out[tuple(at[k] for k in range(node.rank))] += term
    return out


def _random_contraction(rng):
    """Up to two arrays and three deltas over six labels, any of them repeated, any of them in the result."""
    size = {label: rng.choice([2, 3]) for label in "abcdef"}
    factors, arrays = [], {}
    for k in range(rng.randint(0, 2)):
        labels = [rng.choice("abcdef") for _ in range(rng.randint(0, 3))]
        shape = [size[label] for label in labels]
        arrays[f"A{k}"] = np.array([Fraction(rng.randint(-3, 3)) for _ in range(int(np.prod(shape)))], dtype=object).reshape(shape)
        factors.append((leaf(f"A{k}", tuple(map(Dimension.of, shape))), labels))
    for _ in range(rng.randint(0, 3)):
        labels = [rng.choice("abcdef") for _ in range(rng.randint(1, 3))]
        shape = [Dimension.of(size[label]) for label in labels]
        coefficients = tuple(rng.choice([-2, -1, 1, 1, 1, 2]) for _ in labels[1:])
        factors.append((select(shape[0], Dimension.of(rng.randint(-2, 2)), coefficients, tuple(shape[1:])), labels))
    out = rng.sample("abcdef", rng.randint(0, 3))
    node = contract(rng.choice([1, 2, Fraction(-1, 3)]), factors, out, {label: Dimension.of(size[label]) for label in out})
    return node, {name: data.tolist() for name, data in arrays.items()}, arrays


def test_contractions_with_deltas_are_those_of_brute_force():
    rng = random.Random(7)
    seen = 0
    while seen < 1500:
        node, values, arrays = _random_contraction(rng)
        if isinstance(node, ex.Contract):
            seen += 1
            found, wanted = balls(node, values), _brute_force(node, arrays)
            assert found.shape == wanted.shape
            assert [Fraction(int(e.p), int(e.q)) for e in found.flat] == list(wanted.flat), node.labels


def test_deltas_alone_are_arrays_of_zeros_and_ones():
    two = Dimension.of(2)
    shift = select(Dimension.of(3), Dimension.of(1), (1,), (two,))
    assert certified(shift, {}) == [[0, 0], [1, 0], [0, 1]]
    vec = select(Dimension.of(4), Dimension.of(0), (1, two), (two, two))
    assert certified(contract(1, [(vec, "pij"), (leaf("X", (two, two)), "ij")], "p"), {"X": [[1, 2], [3, 4]]}) == [1, 3, 2, 4]


# ---- it can fail, and it is quick ------------------------------------------------------------------------------------


def test_planted_wrong_values_are_told_apart():
    with mpmath.workdps(70):
        right = mpmath.exp(mpf(1) / 3)
        found = certified(F.exp(x), {"x": "1/3"}, digits=50)
        assert _agrees(found, right, 50)
        assert not _agrees(found, right * (1 + mpf(10) ** -49), 50)
        assert not _agrees(certified(F.exp(x), {"x": 1 / 3}, digits=50), right, 50)


def test_a_scalar_formula_is_evaluated_with_little_work():
    formula = x
    for _ in range(13):
        formula = F.sin(formula) * x + F.exp(-formula * formula)
    assert len(ex.topological(formula)) > 40
    certified(formula, {"x": "0.3"})
    assert calls_made(lambda: certified(formula, {"x": "0.3"})) < 5_000


def test_a_contraction_of_thousands_of_terms_is_summed_with_little_work():
    square = leaf("S", (N, N))
    quadratic = contract(1, [(v, "i"), (square, "ij"), (v, "j")], "")
    rng = np.random.default_rng(0)
    values = {"S": rng.random((60, 60)), "v": rng.random(60)}
    found = []
    assert calls_made(lambda: found.append(certified(F.log(quadratic), values))) < 200_000
    assert abs(float(found[0]) - float(np.log(values["v"] @ values["S"] @ values["v"]))) < 1e-13


def test_more_digits_than_the_limit_has_bits():
    with mpmath.workdps(10_050):
        assert _agrees(certified(F.exp(x), {"x": 1}, digits=10_000), mpmath.e, 10_000)
