"""The checker of programs finds planted faults; operations are counted as by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symgd import formula, gradients
from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.functions.table import F
from symgd.errors import LoweringError
from symgd.lowering.lower import lower
from symgd.lowering.number import Number
from symgd.lowering.passes import ALL, PRUNED, SHARED
from symgd.lowering.program import Instruction, Program, pruned
from symgd.lowering.torch_program import to_torch

m, n, k, N = map(Dimension.of, ("m", "n", "k", "N"))
A, x = ex.leaf("A", (m, n)), ex.leaf("x", (n,))
z = ex.contract(1, [(A, "ij"), (x, "j")], "i")
GOOD = lower([F.tanh(z), ex.contract(1, [(z, "i")], ""), ex.full(2, ())], [A, x])


def changed(number: int, **fields) -> tuple[Instruction, ...]:
    return tuple(replace(instruction, **fields) if k == number else instruction for k, instruction in enumerate(GOOD.instructions))


def test_the_program_prints():
    assert str(GOOD) == (
        "v0 (m, n) = input A\n"
        "v1 (n) = input x\n"
        "v2 (m) = matmul v0 v1\n"
        "v3 (m) = map v2 (tanh, accurate)\n"
        "v4 a scalar = sum v2 (0)\n"
        "setup v5 a scalar = full 2\n"
        "v6 a scalar = clone v5 2\n"
        "return v3, v4, v6"
    )


TWO = Number(ex.Fraction(2))
PLANTED = [
    (
        "a value from the future",
        {"instructions": changed(2, inputs=(0, 3))},
        "instruction 2, matmul: it uses a value that is not there yet",
    ),
    ("too few inputs", {"instructions": changed(2, inputs=(0,))}, "instruction 2, matmul: it takes 2 values, not 1"),
    ("inputs that do not fit", {"instructions": changed(2, inputs=(1, 0))}, "instruction 2, matmul: a matrix product of (n) and (m, n)"),
    ("a wrong shape", {"instructions": changed(3, shape=(n,))}, "instruction 3, map: it makes (m), stated is (n)"),
    ("a wrong axis", {"instructions": changed(4, detail=(1,))}, "instruction 4, sum: a sum over an axis that is not there"),
    ("an unknown kind", {"instructions": changed(3, kind="tanh")}, "instruction 3, tanh: no such kind"),
    ("an input of another shape", {"instructions": changed(1, shape=(m,))}, "instruction 1, input: it has another shape than the variable"),
    ("setup that reads an input", {"setup": frozenset({1, 5})}, "instruction 1, input: it stands in setup and depends on an input"),
    (
        "a number where a tensor is due",
        {"instructions": changed(5, kind="number", detail=TWO)},
        "instruction 6, clone: it takes tensors, not numbers",
    ),
    ("dead code", {"outputs": (3, 6)}, "instruction 4, sum: nothing uses it"),
    ("an input handed out", {"outputs": (3, 4, 6, 0)}, "output 3: it shares storage with an input or a constant"),
    ("a constant handed out", {"outputs": (3, 4, 6, 5)}, "output 3: it shares storage with an input or a constant"),
    ("no value", {"outputs": (3, 4, 6, 9)}, "output 3: it is no value of the program"),
    ("one value handed out twice", {"outputs": (3, 4, 6, 3)}, "output 3: it shares storage with output 0"),
]


@pytest.mark.parametrize(("what", "fields", "reason"), PLANTED, ids=[row[0] for row in PLANTED])
def test_planted_faults_are_found(what, fields, reason):
    whole = {"inputs": GOOD.inputs, "instructions": GOOD.instructions, "outputs": GOOD.outputs, "setup": GOOD.setup}
    if "number" in what:
        whole["setup"] = frozenset()
    with pytest.raises(LoweringError) as error:
        Program(**{**whole, **fields})
    assert str(error.value) == f"the program is invalid: {reason}.\nThis is a fault of symgd, not of the formula: please report it."


def test_an_expanded_output_is_found():
    row = Instruction("expand", (3,), None, (n, m))
    with pytest.raises(LoweringError, match="output 3: it is expanded: many entries share one place"):
        Program(GOOD.inputs, (*GOOD.instructions, row), (*GOOD.outputs, 7), GOOD.setup)


def test_what_no_output_needs_is_left_out():
    extra = Instruction("map", (2,), GOOD.instructions[3].detail, (m,))
    dead = Instruction("scale", (7,), TWO, (m,))
    drafted = Program(GOOD.inputs, (*GOOD.instructions, extra, dead), GOOD.outputs, GOOD.setup, passes=ALL - {PRUNED, SHARED})
    assert str(pruned(drafted)) == str(GOOD)


# ---- operations ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "given", "wanted"),
    [
        ("x + y", "", "1"),
        ("x*y + 2*x", "", "3"),  # two products, one sum
        ("exp(x)^2", "", "2"),
        ("x'*y", "x[n], y[n]", "2*n - 1"),  # n products, n - 1 sums
        ("sum(x)", "x[n]", "n - 1"),
        ("mean(x)", "x[n]", "n"),  # and one division
        ("A*x", "A[m,n], x[n]", "2*m*n - m"),  # m dot products
        ("A*B", "A[m,n], B[n,k]", "2*k*m*n - k*m"),
        ("norm2(A*x - b)^2", "A[m,n], x[n], b[m]", "2*m*n + 2*m - 1"),  # Ax: 2mn - m, minus b: m, dot: 2m - 1
        ("A*B*x", "A[m,n], B[n,k], x[k]", "2*k*n + 2*m*n - m - n"),  # from the right: never the product of the matrices
        ("u'*A*x", "u[m], A[m,n], x[n]", "2*m*n + n - 1"),
        ("u*x'", "u[m], x[n]", "m*n"),
        ("tr(S)", "S[n,n]", "n - 1"),
        ("A'", "A[m,n]", "0"),
        ("X .* X", "X[m,n]", "m*n"),
        ("inv(S)", "S[n,n]", "n^3"),
        ("softmax(x)", "x[n]", "3*n"),
    ],
)
def test_operations_are_counted_as_by_hand(text, given, wanted):
    assert str(to_torch(formula(text, given=given)).operations) == wanted


LOSSES = [
    ("norm2(A*x - b)^2", "A[m,n], x[n], b[m]", ["x"]),
    ("mean((w*x - y)^2)", "x[n], y[n]", ["w"]),
    ("mean(softplus(X*w) - y.*(X*w))", "X[N,d], w[d], y[N]", ["w"]),
    ("mean((tanh(tanh(X*W1)*W2)*v - y).^2)", "X[N,d], W1[d,h], W2[h,h], v[h], y[N]", ["W1", "W2", "v"]),
    ("normF(M - U*V')^2", "M[m,n], U[m,r], V[n,r]", ["U", "V"]),
    ("mean((a*exp(-b*x) + c - y).^2)", "x[N], y[N]", ["a", "b", "c"]),
    ("(1-a)^2 + 100*(b-a^2)^2", "", ["a", "b"]),
    ("sum(i, 100*(x[i+1] - x[i]^2)^2 + (1 - x[i])^2)", "x[n]", ["x"]),
    ("log(exp(x) + exp(y)) * sin(x*y)", "", ["x", "y"]),
    ("sum(softmax(X*w) .* y)", "X[N,d], w[d], y[N]", ["w"]),
    ("logdet(P) + x'*inv(P)*x", "P[n,n] spd, x[n]", ["P", "x"]),
    (" * ".join(f"x{k}" for k in range(40)), "", [f"x{k}" for k in range(40)]),
    ("sin(exp(" * 20 + "x" + "))" * 20, "", ["x"]),
]


@pytest.mark.parametrize(("text", "given", "names"), LOSSES, ids=[row[0][:40] for row in LOSSES])
def test_a_gradient_costs_at_most_five_values(text, given, names):
    f = formula(text, given=given)
    sizes = dict.fromkeys(("m", "n", "N", "d", "h", "r"), 100)
    both, value = (to_torch(f, gradient=chosen).program.operations.evaluate(sizes) for chosen in (names, []))
    assert both <= 5 * value, (both, value)


def test_gradients_of_several_variables_share_what_they_have_in_common():
    f = formula("norm2(A*x - b)^2", given="A[m,n], x[n], b[m]")
    separate = sum(to_torch(g).program.operations.evaluate({"m": 100, "n": 50}) for g in gradients(f, ["x", "b"]).values())
    together = to_torch(f, gradient=["x", "b"]).program.operations.evaluate({"m": 100, "n": 50})
    assert together < separate
