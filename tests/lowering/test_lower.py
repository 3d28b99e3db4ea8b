"""Programs against the reference evaluator, which shares no code with them: every node class, all shapes, both precisions."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from random_programs import Maker
from reference import evaluate_all

from symgd.algebra import expression as ex
from symgd.algebra.dimension import ONE, ZERO, Dimension
from symgd.algebra.functions.table import F, row
from symgd.errors import LoweringError
from symgd.lowering.compiled import compiled
from symgd.lowering.lower import lower
from symgd.lowering.program import Program

CPU = torch.device("cpu")
m, n, k = map(Dimension.of, "mnk")
SIZES = {"m": 4, "n": 3, "k": 2}


def run(program: Program, values, sizes, dtype=torch.float64):
    made = compiled(program, dtype, CPU)
    tensors = [torch.as_tensor(np.asarray(values[leaf.name]), dtype=dtype) for leaf in program.inputs]
    return [out.numpy() for out in made.function(*tensors, *[sizes[name] for name in made.sizes])]


def agrees(roots, values, sizes, dtype=torch.float64):
    """Lower the expressions together and compare each with the reference; the program is returned."""
    program = lower(roots, ex.leaves(*roots))
    tolerance = 1e-11 if dtype == torch.float64 else 2e-4  # rounding of a few dozen operations on numbers near 1
    for got, wanted, root in zip(run(program, values, sizes, dtype), evaluate_all(roots, values, sizes), roots):
        want = np.array(wanted.tolist(), dtype=np.float64).reshape(wanted.shape)
        assert got.shape == want.shape, root
        fine = np.isnan(want) | (np.abs(got - want) <= tolerance * np.maximum(1, np.abs(want)))
        assert fine.all(), (got, want)
    return program


def kinds(program: Program) -> list[str]:
    return [instruction.kind for instruction in program.instructions if instruction.kind not in ("input", "number")]


def values_for(*leaves, seed=0):
    rng = np.random.default_rng(seed)
    return {leaf.name: rng.uniform(0.5, 1.5, [length.evaluate(SIZES) for length in leaf.shape]) for leaf in leaves}


@pytest.mark.parametrize("seed", range(250))
def test_random_expressions(seed):
    maker = Maker(seed)
    roots = [maker.expression(maker.shape(), maker.rng.randint(1, 3)) for _ in range(maker.rng.randint(1, 3))]
    program = lower(roots, ex.leaves(*roots))
    for requirement in program.requirements:
        if not 0 <= requirement.position.evaluate(maker.sizes) < requirement.length.evaluate(maker.sizes):
            return  # an index outside its axis: refused when the values are given
    agrees(roots, maker.values, maker.sizes)


@pytest.mark.parametrize("seed", range(250, 300))
def test_random_expressions_in_float32(seed):
    maker = Maker(seed)
    root = maker.expression(maker.shape(), 1)
    if not lower([root], ex.leaves(root)).requirements:
        agrees([root], maker.values, maker.sizes, torch.float32)


def test_random_expressions_use_every_kind():
    found: set[str] = set()
    for seed in range(250):
        maker = Maker(seed)
        roots = [maker.expression(maker.shape(), maker.rng.randint(1, 3)) for _ in range(maker.rng.randint(1, 3))]
        found.update(kinds(lower(roots, ex.leaves(*roots))))
    assert {"tensordot", "einsum", "matmul", "gather", "scatter", "window", "place", "take", "diagonal", "delta", "stack"} <= found


# ---- what a product becomes ------------------------------------------------------------------------------------------

A, B = ex.leaf("A", (m, n)), ex.leaf("B", (n, k))
x, y, u = ex.leaf("x", (n,)), ex.leaf("y", (n,)), ex.leaf("u", (m,))
s, t = ex.leaf("s"), ex.leaf("t")
S = ex.leaf("S", (n, n))


@pytest.mark.parametrize(
    ("name", "node", "wanted"),
    [
        ("matrix product", ex.contract(1, [(A, "ij"), (B, "jk")], "ik"), ["matmul"]),
        ("its transpose", ex.contract(1, [(A, "ij"), (B, "jk")], "ki"), ["matmul", "arrange"]),
        ("matrix times vector", ex.contract(1, [(A, "ij"), (x, "j")], "i"), ["matmul"]),
        ("row times matrix", ex.contract(1, [(A, "ij"), (u, "i")], "j"), ["matmul"]),
        ("dot", ex.contract(1, [(x, "j"), (y, "j")], ""), ["dot"]),
        ("sum of squares", ex.contract(1, [(ex.power(x, 2), "j")], ""), ["dot"]),
        ("Frobenius", ex.contract(1, [(A, "ij"), (A, "ij")], ""), ["dot"]),
        ("trace", ex.contract(1, [(S, "ii")], ""), ["diagonal", "sum"]),
        ("outer", ex.contract(1, [(u, "i"), (x, "j")], "ij"), ["arrange", "multiply"]),
        ("entry by entry", ex.contract(1, [(x, "j"), (y, "j")], "j"), ["multiply"]),
        ("rows scaled", ex.contract(1, [(A, "ij"), (u, "i")], "ij"), ["arrange", "multiply"]),
        ("row-wise dot", ex.contract(1, [(A, "ij"), (A, "ij")], "i"), ["multiply", "sum"]),
        ("sum over an axis", ex.contract(1, [(A, "ij")], "i"), ["sum"]),
        ("mean", ex.contract(1, [(x, "j"), (ex.power(ex.size(n), -1), "")], ""), ["sum", "scale"]),
        ("quotient", ex.contract(1, [(x, "j"), (ex.power(y, -1), "j")], "j"), ["divide"]),
        ("divided by a scalar", ex.contract(1, [(A, "ij"), (ex.power(s, -1), "")], "ij"), ["divide"]),
        ("bilinear form from the cheap end", ex.contract(1, [(u, "i"), (A, "ij"), (x, "j")], ""), ["matmul", "dot"]),
        ("coefficient on the smallest", ex.contract(2, [(A, "ij"), (x, "j"), (u, "i")], ""), ["matmul", "dot", "scale"]),
        ("coefficient on a vector, not on the outer product", ex.contract(2, [(u, "i"), (x, "j")], "ij"), ["scale", "arrange", "multiply"]),
        ("an entry", ex.element(x, 0, Dimension.of(1)), ["take", "clone"]),
        ("a shift", ex.contract(1, [(x, "p"), (ex.select(n, ONE, (1,), (n - 1,)), "pj")], "j"), ["window", "clone"]),
        ("a diagonal matrix", ex.contract(1, [(x, "i"), (ex.identity(n), "ij")], "ij"), ["embed"]),
        ("an identity", ex.contract(3, [(ex.identity(n), "ij")], "ij"), ["delta", "scale"]),
        ("vec", ex.contract(1, [(A, "ij"), (ex.select(m * n, ZERO, (ONE, m), (m, n)), "pij")], "p"), ["arrange", "flatten", "clone"]),
        (
            "its inverse",
            ex.contract(1, [(ex.leaf("v", (m * n,)), "p"), (ex.select(m * n, ZERO, (ONE, m), (m, n)), "pij")], "ij"),
            ["unflatten", "arrange", "clone"],
        ),
        (
            "a convolution",
            ex.contract(1, [(x, "p"), (ex.leaf("h", (k,)), "j"), (ex.select(n, ZERO, (1, 1), (n - k + 1, k)), "pij")], "i"),
            ["gather", "matmul"],
        ),
    ],
)
def test_products_become_the_operation_torch_has(name, node, wanted):
    program = agrees([node], values_for(*ex.leaves(node)), SIZES)
    found = kinds(program)
    assert sorted(found) == sorted(wanted), (name, found)


def test_the_adjoint_of_a_shift_is_padding():
    g = ex.leaf("g", (n - 1,))
    node = ex.contract(1, [(g, "j"), (ex.select(n, ONE, (1,), (n - 1,)), "pj")], "p")
    assert kinds(agrees([node], values_for(g), SIZES)) == ["window", "clone"]


def test_the_adjoint_of_a_convolution_scatters():
    g, h = ex.leaf("g", (n - k + 1,)), ex.leaf("h", (k,))
    node = ex.contract(1, [(g, "i"), (h, "j"), (ex.select(n, ZERO, (1, 1), (n - k + 1, k)), "pij")], "p")
    assert "scatter" in kinds(agrees([node], values_for(g, h), SIZES))


def test_many_unit_vectors_are_placed_at_once():
    terms = [ex.contract(1, [(leaf, ""), (ex.select(Dimension.of(5), Dimension.of(p)), "i")], "i") for p, leaf in ((0, s), (3, t), (4, s))]
    program = agrees([ex.add(terms)], {"s": 2.0, "t": 3.0}, {})
    assert kinds(program) == ["place"]


def test_unit_vectors_in_order_are_stacked():
    terms = [ex.contract(1, [(leaf, ""), (ex.select(Dimension.of(2), Dimension.of(p)), "i")], "i") for p, leaf in ((1, s), (0, t))]
    assert kinds(agrees([ex.add(terms)], {"s": 2.0, "t": 3.0}, {})) == ["stack"]


def test_shared_parts_are_computed_once():
    z = ex.contract(1, [(A, "ij"), (x, "j")], "i")
    value = ex.contract(1, [(F.tanh(z), "i")], "")
    other = ex.contract(1, [(F.exp(F.tanh(z)), "i"), (A, "ij")], "j")
    program = agrees([value, other], values_for(A, x), SIZES)
    assert kinds(program).count("map") == 2  # tanh, exp
    assert kinds(program).count("matmul") == 2  # Ax, then the product with A


def test_equal_parts_of_different_products_are_computed_once():
    """A x is no node of its own in either product; equal instructions are one."""
    first = ex.contract(1, [(A, "ij"), (x, "j"), (u, "i")], "")
    second = ex.contract(1, [(A, "ij"), (x, "j")], "i")
    assert kinds(lower([first, second], [A, x, u])).count("matmul") == 1


def test_a_square_and_a_square_root():
    assert kinds(lower([ex.power(s, 4)], [s])) == ["multiply", "multiply"]
    assert kinds(lower([ex.power(s, Fraction(1, 2))], [s])) == ["map"]
    assert kinds(lower([ex.power(s, 7)], [s])) == ["power"]
    assert kinds(lower([ex.power(s, -2)], [s])) == ["multiply", "divide"]


def test_the_square_of_a_norm_is_a_dot_product():
    r = ex.add((ex.contract(1, [(A, "ij"), (x, "j")], "i"), u))
    node = ex.power(ex.along(row("norm2"), r), 2)
    assert kinds(agrees([node], values_for(A, x, u), SIZES)) == ["matmul", "add", "dot"]


def test_the_square_of_a_frobenius_norm_is_a_dot_product():
    node = ex.power(ex.along(row("norm2"), ex.along(row("norm2"), A)), 2)
    assert kinds(agrees([node], values_for(A), SIZES)) == ["dot"]


def test_a_norm_that_is_also_divided_by_stays():
    norm = ex.along(row("norm2"), x)
    program = agrees([ex.power(norm, 2), ex.contract(1, [(x, "j"), (ex.power(norm, -1), "")], "j")], values_for(x), SIZES)
    assert "along" in kinds(program)


def test_a_norm_does_not_overflow():
    program = lower([ex.along(row("norm2"), x)], [x])
    assert run(program, {"x": np.array([3e200, 4e200, 0.0])}, {})[0] == pytest.approx(5e200)


# ---- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("value", [Fraction(1, 3), Fraction(2, 3), Fraction(1, 10), Fraction(-7, 5), Fraction(22, 7)])
def test_a_rational_factor_is_rounded_as_little_as_can_be(value, dtype):
    program = lower([ex.scaled(value, s)], [s])
    for number in (1.0, 3.0, 0.7, 1e10):
        given = float(torch.tensor(number, dtype=dtype))
        exact = Fraction(given) * value
        got = float(run(program, {"s": given}, {}, dtype)[0])
        ulp = abs(float(exact)) * (2.0**-52 if dtype == torch.float64 else 2.0**-23)
        assert abs(Fraction(got) - exact) <= ulp  # one rounding of the factor, one of the product


def test_a_mean_divides():
    node = ex.contract(1, [(x, "j"), (ex.power(ex.size(n), -1), "")], "")
    assert float(run(lower([node], [x]), {"x": [0.1, 0.1, 0.1]}, SIZES)[0]) == (0.1 + 0.1 + 0.1) / 3


def test_constants_with_pi_are_correctly_rounded():
    with mpmath.workdps(30):
        exact = float(mpmath.pi / 3)
    third = ex.contract(Fraction(1, 3), [(ex.irrational("pi"), ""), (s, "")], "")
    assert float(run(lower([third], [s]), {"s": 1.0}, {})[0]) == exact != np.pi / 3


def test_dividing_by_a_dimension_that_is_zero_is_an_infinity():
    """1/(n-1) for n = 1 is no ZeroDivisionError."""
    node = ex.contract(1, [(x, "j"), (ex.power(ex.size(n - 1), -1), "")], "")
    assert run(lower([node], [x]), {"x": [2.0]}, {"n": 1})[0] == np.inf
    plain = ex.add((ex.power(ex.size(n - 1), -1), ex.contract(1, [(x, "j")], "")))
    assert run(lower([plain], [x]), {"x": [2.0]}, {"n": 1})[0] == np.inf


def test_dimensions_as_numbers():
    node = ex.add((ex.size(n), ex.contract(2, [(ex.size(m), ""), (ex.size(n), "")], ""), ex.power(ex.size(n), 3), ex.irrational("e")))
    agrees([node], {}, SIZES)


def test_a_number_beyond_floating_point_is_refused():
    with pytest.raises(LoweringError) as error:
        run(lower([ex.scaled(Fraction(10) ** 400, s)], [s]), {"s": 1.0}, {})
    assert str(error.value) == (
        "the number 1.0e+400 is beyond the range of floating point, about 1.8e308.\n"
        "Evaluate with digits=50, which has no such limit, or rescale the formula."
    )


def test_roots_whose_exponent_has_no_double_keep_their_digits():
    """x^(1/3) with the exponent rounded is off by 170 ulp at 1e300."""
    got = float(run(lower([ex.power(s, Fraction(1, 3))], [s]), {"s": 1e300}, {})[0])
    assert got == pytest.approx(1e100, rel=4e-16)


def test_the_branch_not_taken_does_not_matter():
    node = F.where(F.less(s, 0), F.log(s), s)
    assert run(lower([node], [s]), {"s": 2.0}, {})[0] == 2.0
    assert run(lower([F.where(F.less(0, s), F.log(s), s)], [s]), {"s": -2.0}, {})[0] == -2.0


def test_an_unknown_function_is_refused():
    with pytest.raises(LoweringError) as error:
        lower([ex.unknown("T", [s])], [s])
    assert str(error.value) == "T is declared as an unknown function: it has no values.\nDefine it in given, as in T = …, to evaluate."


# ---- outputs ---------------------------------------------------------------------------------------------------------


def test_outputs_are_the_callers_own():
    """The input itself, its transpose, a constant and one value twice: each has storage of its own."""
    roots = [A, ex.transposed(A, (1, 0)), ex.full(2, (n,)), ex.full(2, (n,)), ex.full(3, ()), ex.full(3, ())]
    made = compiled(lower(roots, [A]), torch.float64, CPU)
    given = torch.ones(2, 3, dtype=torch.float64)
    first = made.function(given)
    for out in first:
        out.zero_()
    assert given.eq(1).all()
    assert [float(out.reshape(-1)[0]) for out in made.function(given)] == [1, 1, 2, 2, 3, 3]
    assert len({out.data_ptr() for out in first}) == len(first)


def test_a_broadcast_output_has_its_full_shape():
    node = ex.broadcast(s, (m, n))
    out = compiled(lower([node], [s]), torch.float64, CPU).function(torch.tensor(2.0, dtype=torch.float64), 4, 3)[0]
    assert out.shape == (4, 3)
    assert out.is_contiguous()


def test_large_formulas_take_linear_time_and_no_recursion():
    """A chain of 20,000 operations, deeper than any recursion limit."""
    node: ex.Expression = s
    for _ in range(10_000):
        node = F.sin(ex.add((node, t)))
    program = lower([node], [s, t])
    assert len(program.instructions) == 20_002
    assert np.isfinite(run(program, {"s": 0.1, "t": 0.2}, {})[0])
