"""Rewritten forms: each is the same function to many digits, and right to a few units in the last place where the plain one is not."""

from __future__ import annotations

import random

import mpmath
import numpy as np
import pytest
import torch
from random_programs import Maker
from reference import evaluate_all

from symgd import compare, formula, gradients
from symgd.algebra import expression as ex
from symgd.algebra.certified import certified
from symgd.algebra.functions.table import F
from symgd.errors import DomainError
from symgd.lowering.compiled import compiled
from symgd.lowering.lower import lower
from symgd.lowering.stable.reading import exponentials_of, is_positive
from symgd.lowering.stable.rewrite import stable
from symgd.lowering.stable.rows import HYPOT, HYPOTM1, LOGCOSH, SECH2
from symgd.notation.infix import infix

x, y, z = (ex.leaf(name) for name in "xyz")

FORMS = [
    ("log(1 + exp(x))", "softplus(x)"),
    ("log(3 + 2*exp(x))", "softplus(x + log(2/3)) + log(3)"),
    ("log(exp(x) + exp(y) + exp(z))", "lse([x, y, z])"),
    ("log(exp(x) + 2*exp(y) + 3)", "lse([x, y + log(2), log(3)])"),
    ("log((exp(x) + exp(-x))/2)", "logcosh(x)"),
    ("log(cosh(x - y))", "logcosh(x - y)"),
    ("log(1/(1 + exp(-x)))", "-softplus(-x)"),
    ("log(1 - 1/(1 + exp(-x)))", "-softplus(x)"),
    ("log(1 + x)", "log1p(x)"),
    ("log(x^2)", "2*log(abs(x))"),
    ("log(x^3)", "3*log(x)"),
    ("log(sqrt(x))", "log(x)/2"),
    ("log(x*exp(y))", "y + log(x)"),
    ("log(exp(x)/(exp(x) + exp(y)))", "-softplus(y - x)"),
    ("1/(1 + exp(x))", "sigmoid(-x)"),
    ("1/(2 + 3*exp(x))^2", "sigmoid(-(x + log(3/2)))^2/4"),
    ("exp(x)/(1 + exp(x))", "sigmoid(x)"),
    ("exp(x)/(exp(x) + exp(y))", "sigmoid(-(y - x))"),
    ("exp(x)/(exp(x) + exp(y) + exp(z))", "sigmoid(-lse([y - x, z - x]))"),
    ("1 - exp(x)/(exp(x) + exp(y))", "sigmoid(y - x)"),
    ("1 - tanh(x)^2", "sech2(x)"),
    ("1 - 1/(1 + exp(-x))", "sigmoid(-x)"),
    ("exp(x) - 1", "expm1(x)"),
    ("2 - 2*exp(-x)", "-2*expm1(-x)"),
    ("1 - cos(x)", "2*sin(x/2)^2"),
    ("cosh(x) - 1", "2*sinh(x/2)^2"),
    ("1 - erf(x)", "erfc(x)"),
    ("exp(x) + exp(-x)", "2*cosh(x)"),
    ("exp(x) - exp(-x)", "2*sinh(x)"),
    ("(exp(x) - exp(-x))/(exp(x) + exp(-x))", "tanh(x)"),
    ("sqrt(1 + x) - 1", "x/(sqrt(1 + x) + 1)"),
    ("(1 + x)^(1/3) - 1", "expm1(log1p(x)/3)"),
    ("sqrt(x^2 + y^2)", "hypot(x, y)"),
    ("sqrt(x^2 + 1)", "hypot(x, 1)"),
    ("sqrt(4*x^2 + y^2 + z^2)", "norm2([2*x, y, z])"),
    ("sqrt((x^2 + y^2)/4)", "hypot(x, y)/2"),
    ("sqrt(1 + x^2) - 1", "hypotm1(x)"),
    ("x*sign(x)", "abs(x)"),
    ("exp(x)/(exp(x) - 1)^2", "csch(x/2)^2/4"),
    ("1/(1 + x) - x/(1 + x)^2", "1/(1 + x)^2"),
]
POINTS = [{"x": a, "y": b, "z": c} for a, b, c in ((0.3, -1.1, 2.0), (2.5, 0.7, -0.4), (0.01, 0.02, 3.0), (7.0, 1.5, 0.5))]


@pytest.mark.parametrize(("text", "wanted"), FORMS, ids=[row[0] for row in FORMS])
def test_forms(text, wanted):
    f = formula(text)
    (made,) = stable([f.origin])
    assert infix(made).replace(" ", "") == wanted.replace(" ", "")
    for point in POINTS:
        values = {name: point[name] for name in f.variables}
        before, after = certified([f.origin, made], values, digits=40)
        with mpmath.workdps(45):
            assert abs(before - after) <= mpmath.mpf(10) ** -35 * abs(before)


KEPT = [
    "log(x)",
    "log(exp(x) - exp(y))",
    "log(2 + x)",
    "exp(x) + 1",
    "1 - x^2",
    "(1 + x)^2 - 1",
    "1/(exp(x) + y)",
    "sqrt(x^2 - y^2)",
    "exp(x)*sigmoid(x)",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_no_rule_fits_stays(text):
    node = formula(text).origin
    assert stable([node]) == [node]


EXTREME = [
    ("log(1 + exp(x))", [{"x": 800.0}, {"x": -800.0}, {"x": -40.0}]),
    ("1/(1 + exp(-x))", [{"x": 40.0}, {"x": -700.0}, {"x": 800.0}]),
    ("x/(1 + exp(-x))", [{"x": 800.0}, {"x": -30.0}]),
    ("log(exp(x) + exp(y))", [{"x": 1000.0, "y": 999.0}, {"x": -1000.0, "y": -1001.0}]),
    ("exp(x)/(exp(x) + exp(y))", [{"x": 1000.0, "y": 998.0}, {"x": -1000.0, "y": -990.0}]),
    ("-log(exp(x)/(exp(x) + exp(y) + exp(z)))", [{"x": 900.0, "y": 899.0, "z": -900.0}]),
    ("log(cosh(x))", [{"x": 1e-9}, {"x": 1000.0}, {"x": -1.0}]),
    ("tanh(x)", [{"x": 9.0}, {"x": 19.0}, {"x": 1e-10}]),
    ("1 - exp(-x^2/2)", [{"x": 1e-9}]),
    ("sqrt(x^2 + y^2)", [{"x": 1e200, "y": 1e200}, {"x": 1e-200, "y": 1e-200}]),
    ("sqrt(1 + x^2) - 1", [{"x": 1e-9}, {"x": 1e200}]),
    ("max(0, x) + min(0, y*(exp(x) - 1))", [{"x": 800.0, "y": 2.0}, {"x": -1e-9, "y": 2.0}]),
    ("x/(1 + abs(x))", [{"x": 1e8}, {"x": -1e12}]),
    ("log(x^2)", [{"x": 1e200}, {"x": 1e-200}]),
    ("x/(x + y)", [{"x": 1e200, "y": 1e200}]),
    ("log(1 + x)", [{"x": 1e-12}]),
]


@pytest.mark.parametrize(("text", "points"), EXTREME, ids=[row[0] for row in EXTREME])
def test_value_and_gradient_keep_their_digits(text, points):
    """Against 50 digits; 8 units leave room for a dozen operations of half a unit each."""
    for point in points:
        for row in compare(text, point).rows:
            assert row.symgd <= 8, (point, row)


def test_a_gradient_that_is_evaluated_keeps_its_digits_too():
    slope = gradients(formula("log(1 + exp(x))"), ["x"])["x"]
    assert float(slope.evaluate(x=800.0)) == 1.0


@pytest.mark.parametrize("seed", range(120))
def test_random_compositions_are_the_same_function(seed):
    """Random sums, products, logarithms and roots of exponentials: equal to 30 digits wherever the plain form is defined."""
    rng = random.Random(seed)

    def make(depth):
        if depth == 0:
            return rng.choice([x, y, -x, x - y, ex.scaled(ex.Fraction(rng.randint(1, 3)), x), ex.constant(rng.randint(1, 3))])
        a, b = make(depth - 1), make(depth - 1)
        return rng.choice(
            [
                lambda: F.exp(a) + F.exp(b),
                lambda: F.exp(a) - 1,
                lambda: F.exp(a) + 1,
                lambda: F.exp(a) * ex.power(F.exp(a) + F.exp(b) + 2, -1),
                lambda: ex.power(1 + F.exp(a), -rng.randint(1, 3)),
                lambda: F.log(F.exp(a) + 2 * F.exp(b)),
                lambda: F.log(1 + a**2),
                lambda: F.sqrt(a**2 + b**2 + 1) - 1,
                lambda: 1 - F.tanh(a) ** 2,
                lambda: 1 - F.sigmoid(a),
                lambda: F.log(F.sigmoid(a) * (b**2 + 1)),
                lambda: a * F.sign(a) + F.less(a, b) * F.exp(b),
                lambda: 1 - F.cos(a),
                lambda: a * b,
                lambda: a + b,
            ]
        )()

    node = make(3)
    (made,) = stable([node])
    for point in ({"x": 0.37, "y": -0.61}, {"x": -1.3, "y": 0.9}):
        try:
            before = certified(node, {leaf.name: point[leaf.name] for leaf in ex.leaves(node)}, digits=30)
        except DomainError:
            continue
        after = certified(made, {leaf.name: point[leaf.name] for leaf in ex.leaves(made)}, digits=30)
        with mpmath.workdps(40):
            assert abs(before - after) <= mpmath.mpf(10) ** -27 * (1 + abs(before)), (infix(node), infix(made))


@pytest.mark.parametrize("seed", range(60))
def test_random_arrays_keep_their_values(seed):
    maker = Maker(seed)
    root = maker.expression(maker.shape(), maker.rng.randint(1, 3))
    made = stable([root])
    program = lower(made, ex.leaves(root))
    for requirement in program.requirements:
        if not 0 <= requirement.position.evaluate(maker.sizes) < requirement.length.evaluate(maker.sizes):
            return
    function = compiled(program, torch.float64, torch.device("cpu"))
    tensors = [torch.as_tensor(np.asarray(maker.values[leaf.name])) for leaf in program.inputs]
    (got,) = function.function(*tensors, *[maker.sizes[name] for name in function.sizes])
    (wanted,) = evaluate_all([root], maker.values, maker.sizes)
    want = np.array(wanted.tolist(), dtype=np.float64).reshape(wanted.shape)
    finite = np.isfinite(want)
    assert np.allclose(got.numpy()[finite], want[finite], rtol=1e-11, atol=1e-11)


def test_arrays_are_rewritten_entry_by_entry():
    v = ex.leaf("v", (ex.Dimension.of("n"),))
    assert infix(stable([F.log(1 + F.exp(v))])[0]) == "softplus(v)"
    f = formula("log(sum(exp(x)))", given="x[n]")
    assert float(f.evaluate(x=[1.0, 2.0])) == pytest.approx(2.3132616875182226, rel=1e-15)


def test_shared_parts_stay_shared():
    node = F.log(1 + F.exp(x))
    first, second = stable([node * node, node + 3])
    assert set(first.children) <= set(ex.topological(second))


def test_the_rows_of_rewritten_forms():
    """Derivatives and certified values of the functions that have no name in the language, at their hard points."""
    for row in (LOGCOSH, HYPOT, HYPOTM1, SECH2):
        for point in row.hard:
            leaves = [x, y][: row.arity]
            node = ex.apply(row, *leaves)
            values = dict(zip("xy", map(float, point)))
            program = compiled(lower([node], leaves), torch.float64, torch.device("cpu"))
            (got,) = program.function(*[torch.tensor(values[leaf.name], dtype=torch.float64) for leaf in leaves])
            want = certified(node, values, digits=30)
            with mpmath.workdps(40):
                assert abs(mpmath.mpf(float(got)) - want) <= 4 * mpmath.mpf(2) ** -52 * abs(want), (row.name, point)
                for leaf, derivative in zip(leaves, row.derivative):
                    step = mpmath.mpf(10) ** -12 * max(1, abs(values[leaf.name]))
                    if abs(values[leaf.name]) > 1e100 or 0 < abs(values[leaf.name]) < 1e-100:
                        continue
                    sides = [certified(node, {**values, leaf.name: mpmath.mpf(values[leaf.name]) + s * step}, digits=40) for s in (1, -1)]
                    slope = certified(derivative(*leaves), values, digits=30)
                    assert abs((sides[0] - sides[1]) / (2 * step) - slope) <= mpmath.mpf(10) ** -15 * (1 + abs(slope))


def test_what_is_surely_positive():
    assert is_positive(1 + F.exp(x))
    assert is_positive(F.sigmoid(x) * F.exp(y))
    assert not is_positive(x)
    assert not is_positive(F.exp(x) - 1)
    assert exponentials_of(F.exp(x) - F.exp(y)) is None
