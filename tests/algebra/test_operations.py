"""What the operators of the language mean, against numpy, and the full text of every refusal."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_expressions import point
from reference import EXACT, evaluate, largest_difference

from symgd.algebra import expression as ex
from symgd.algebra import operations as op
from symgd.algebra.dimension import ONE, Dimension
from symgd.algebra.operations import Affine, Index, Value
from symgd.errors import SymgdError

D = Dimension.of
N, M = D("n"), D("m")
SIZES = {"n": 3, "m": 2, "k": 2}


def variable(name: str, *shape: int | str) -> Value:
    return Value(ex.leaf(name, tuple(map(D, shape))), text=name)


a, x, y, z, w = variable("a"), variable("x", "n"), variable("y", "n"), variable("z", "m"), variable("w", 3)
A, B, C, T = variable("A", "m", "n"), variable("B", "n", "n"), variable("C", "n", "m"), variable("T", "n", "m", "k")
xt, yt = (Value(v.node, row=True, text=f"{v.text}'") for v in (x, y))
Ax = Value(op.multiply(A, x).node, text="A*x")
two, zero = Value(ex.constant(2), text="2"), Value(ex.constant(0), text="0")

i, j = Index("i", ONE, N), Index("j", ONE, N - 1)
later, third = Index("i", D(2), N - 1), Index("k", ONE, D(3))


def at(constant: Any, *terms: tuple[Index, int]) -> Affine:
    return Affine(terms, D(constant))


xi, yi, yj = op.entry(x, [at(0, (i, 1))]), op.entry(y, [at(0, (i, 1))]), op.entry(y, [at(0, (j, 1))])

rng = np.random.default_rng(7)
NUMBERS: dict[str, Any] = {
    "a": 0.75, "x": rng.normal(size=3), "y": rng.normal(size=3), "z": rng.normal(size=2), "w": rng.normal(size=3),
    "A": rng.normal(size=(2, 3)), "B": rng.normal(size=(3, 3)), "C": rng.normal(size=(3, 2)), "T": rng.normal(size=(3, 2, 2)),
}  # fmt: skip
n = {name: np.asarray(value) for name, value in NUMBERS.items()}


def total(value: Value, index: Index) -> Value:
    return op.index_sum(value, index)


MEANINGS: list[tuple[str, Callable[[], Value], Any]] = [
    ("A*x", lambda: op.multiply(A, x), n["A"] @ n["x"]),
    ("x'*B", lambda: op.multiply(xt, B), n["x"] @ n["B"]),
    ("x'*y", lambda: op.multiply(xt, y), n["x"] @ n["y"]),
    ("x*y'", lambda: op.multiply(x, yt), np.outer(n["x"], n["y"])),
    ("x@y", lambda: op.multiply(x, y, "@"), n["x"] @ n["y"]),
    ("A*C", lambda: op.multiply(A, C), n["A"] @ n["C"]),
    ("a*A", lambda: op.multiply(a, A), n["a"] * n["A"]),
    ("A'", lambda: op.transpose(A), n["A"].T),
    ("x''", lambda: op.transpose(op.transpose(x)), n["x"]),
    ("a + x", lambda: op.add([(1, a), (1, x)]), n["a"] + n["x"]),
    ("x - y", lambda: op.add([(1, x), (-1, y)]), n["x"] - n["y"]),
    ("A + 0", lambda: op.add([(1, A), (1, zero)]), n["A"]),
    ("-A", lambda: op.negate(A), -n["A"]),
    ("A.*C'", lambda: op.hadamard(A, op.transpose(C)), n["A"] * n["C"].T),
    ("x/y", lambda: op.divide(x, y), n["x"] / n["y"]),
    ("A/a", lambda: op.divide(A, a), n["A"] / n["a"]),
    ("a/x", lambda: op.divide(a, x), n["a"] / n["x"]),
    ("A./C'", lambda: op.divide(A, op.transpose(C), "./"), n["A"] / n["C"].T),
    ("x^2", lambda: op.power(x, two), n["x"] ** 2),
    ("2^x", lambda: op.power(two, x), 2 ** n["x"]),
    ("B^3", lambda: op.power(B, op.number(3)), np.linalg.matrix_power(n["B"], 3)),
    ("B^0", lambda: op.power(B, zero), np.eye(3)),
    ("B^-1", lambda: op.power(B, op.number(-1)), np.linalg.inv(n["B"])),
    ("A.^2", lambda: op.power(A, two, ".^"), n["A"] ** 2),
    ("2.^B", lambda: op.power(two, B, ".^"), 2 ** n["B"]),
    ("sum(A)", lambda: op.sum_all(A), n["A"].sum()),
    ("sum(A, axis=1)", lambda: op.sum_axis(A, 1), n["A"].sum(axis=0)),
    ("mean(A, axis=2)", lambda: op.mean(A, 2), n["A"].mean(axis=1)),
    ("mean(A)", lambda: op.mean(A), n["A"].mean()),
    ("max(A)", lambda: op.along("max", A), n["A"].max()),
    ("max(A, axis=1)", lambda: op.along("max", A, 1), n["A"].max(axis=0)),
    ("norm2(A)", lambda: op.along("norm2", A), np.linalg.norm(n["A"])),
    ("prod(T, axis=2)", lambda: op.along("prod", T, 2), n["T"].prod(axis=1)),
    ("softmax(A, axis=1)", lambda: op.along("softmax", A, 1), np.exp(n["A"]) / np.exp(n["A"]).sum(axis=0)),
    ("lse(x')", lambda: op.along("lse", xt), np.log(np.exp(n["x"]).sum())),
    ("tr(B)", lambda: op.trace(B), np.trace(n["B"])),
    ("det(B)", lambda: op.determinant(B), np.linalg.det(n["B"])),
    ("logdet(B'B)", lambda: op.logdet(op.multiply(op.transpose(B), B)), np.log(np.linalg.det(n["B"].T @ n["B"]))),
    ("diag(x)", lambda: op.diag(x), np.diag(n["x"])),
    ("diag(B)", lambda: op.diag(B), np.diag(n["B"])),
    ("dot(x, y)", lambda: op.dot(x, y), n["x"] @ n["y"]),
    ("outer(x, z)", lambda: op.outer(x, z), np.outer(n["x"], n["z"])),
    ("kron(A, B)", lambda: op.kron(A, B), np.kron(n["A"], n["B"])),
    ("kron(x, z)", lambda: op.kron(x, z), np.kron(n["x"], n["z"])),
    ("kron(x, A)", lambda: op.kron(x, A), np.kron(n["x"][:, None], n["A"])),
    ("kron(A, x')", lambda: op.kron(A, op.transpose(x)), np.kron(n["A"], n["x"][None, :])),
    ("kron(x', z)", lambda: op.kron(op.transpose(x), z), np.outer(n["z"], n["x"])),
    ("vec(A)", lambda: op.vec(A), n["A"].reshape(-1, order="F")),
    ("commut(m, n)*vec(A)", lambda: op.multiply(op.commut(M, N), op.vec(A)), n["A"].T.reshape(-1, order="F")),
    ("eye(n)", lambda: op.eye([N]), np.eye(3)),
    ("zeros(m, n)", lambda: op.filled(0, [M, N]), np.zeros((2, 3))),
    ("[x, y]", lambda: op.literal([x, y]), np.stack([n["x"], n["y"]])),
    ("a < x", lambda: op.compare("<", op.multiply(a, op.filled(1, [N])), x), (n["a"] < n["x"]) * 1.0),
    ("x >= y", lambda: op.compare(">=", x, y), (n["x"] >= n["y"]) * 1.0),
    ("x if a > 0 else y", lambda: op.conditional(x, op.compare(">", a, zero), y), n["x"]),
    ("atan2(x, a)", lambda: op.elementwise("atan2", [x, a]), np.arctan2(n["x"], n["a"])),
    ("x[2]", lambda: op.entry(x, [at(2)]), n["x"][1]),
    ("x[n]", lambda: op.entry(x, [at("n")]), n["x"][2]),
    ("A[2, n]", lambda: op.entry(A, [at(2), at("n")]), n["A"][1, 2]),
    ("sum(i, x[i])", lambda: total(xi, i), n["x"].sum()),
    ("sum(i, i*x[i])", lambda: total(op.multiply(op.index_value(i), xi), i), n["x"] @ [1, 2, 3]),
    ("sum(j, x[j+1]*y[j])", lambda: total(op.multiply(op.entry(x, [at(1, (j, 1))]), yj), j), n["x"][1:] @ n["y"][:-1]),
    ("sum(i=2..n, x[i-1])", lambda: total(op.entry(x, [at(-1, (later, 1))]), later), n["x"][:-1].sum()),
    ("sum(i, x[n+1-i]*y[i])", lambda: total(op.multiply(op.entry(x, [at(N + 1, (i, -1))]), yi), i), n["x"][::-1] @ n["y"]),
    ("sum(i, B[i,i])", lambda: total(op.entry(B, [at(0, (i, 1)), at(0, (i, 1))]), i), np.trace(n["B"])),
    ("sum(i, a)", lambda: total(a, i), 3 * n["a"]),
    ("prod(i, x[i])", lambda: op.index_product(xi, i), n["x"].prod()),
    ("prod(i, a)", lambda: op.index_product(a, i), n["a"] ** 3),
    ("array(i, j, x[i]*y[j])", lambda: op.array_of(op.multiply(xi, yj), [j, i]), np.outer(n["y"][:-1], n["x"])),
    ("sum(i, x[i]*x)", lambda: total(op.multiply(xi, x), i), n["x"].sum() * n["x"]),
    ("sum(i, [x[i], a])", lambda: total(op.literal([xi, a]), i), [n["x"].sum(), 3 * n["a"]]),
    ("sum(i, x[i]^i)", lambda: total(op.power(xi, op.index_value(i)), i), n["x"] @ [1, 0, 0] + n["x"][1] ** 2 + n["x"][2] ** 3),
    ("sum(i, i == 2)", lambda: total(op.compare("==", op.index_value(i), two), i), 1),
]  # fmt: skip


@pytest.mark.parametrize(("make", "expected"), [(make, expected) for _, make, expected in MEANINGS], ids=[name for name, _, _ in MEANINGS])
def test_meaning(make: Callable[[], Value], expected: Any) -> None:
    value = make()
    assert value.free == ()
    assert largest_difference(evaluate(value.node, NUMBERS, SIZES), np.asarray(expected, dtype=float)) < 1e-13


def test_rows_and_columns() -> None:
    assert op.transpose(x).row
    assert not op.transpose(xt).row
    assert op.multiply(xt, B).row
    assert not op.multiply(B, x).row
    assert op.add([(1, xt), (1, yt)]).row
    assert op.hadamard(xt, yt).row
    assert op.elementwise("exp", [xt]).row
    assert op.along("softmax", xt).row
    assert not op.along("lse", xt).row


REFUSED: dict[str, Callable[[], Value]] = {
    "x*y": lambda: op.multiply(x, y),
    "x'*y'": lambda: op.multiply(xt, yt),
    "A*x*x": lambda: op.multiply(Ax, x),
    "x@z": lambda: op.multiply(x, z, "@"),
    "A*A": lambda: op.multiply(A, A),
    "B*A": lambda: op.multiply(B, A),
    "A*z": lambda: op.multiply(A, z),
    "A*w": lambda: op.multiply(A, w),
    "x'*z": lambda: op.multiply(xt, z),
    "x*A": lambda: op.multiply(x, A),
    "A*x'": lambda: op.multiply(A, xt),
    "T*x": lambda: op.multiply(T, x),
    "T'": lambda: op.transpose(T),
    "x + z": lambda: op.add([(1, x), (1, z)]),
    "x + y'": lambda: op.add([(1, x), (1, yt)]),
    "A + C": lambda: op.add([(1, A), (1, C)]),
    "A + B": lambda: op.add([(1, A), (1, B)]),
    "A + x": lambda: op.add([(1, A), (1, x)]),
    "A + z": lambda: op.add([(1, A), (1, z)]),
    "B + x": lambda: op.add([(1, B), (1, x)]),
    "B + x'": lambda: op.add([(1, B), (1, xt)]),
    "A + w": lambda: op.add([(1, A), (1, w)]),
    "B + a": lambda: op.add([(1, B), (1, a)]),
    "A + 2": lambda: op.add([(1, A), (1, two)]),
    "x.*z": lambda: op.hadamard(x, z),
    "x/B": lambda: op.divide(x, B),
    "A/x": lambda: op.divide(A, x),
    "x/z": lambda: op.divide(x, z),
    "x/0": lambda: op.divide(x, zero),
    "0^-1": lambda: op.power(zero, op.number(-1)),
    "A**2": lambda: op.power(A, two, "**"),
    "A^2": lambda: op.power(A, two),
    "T^2": lambda: op.power(T, two),
    "B^a": lambda: op.power(B, a),
    "B^(1/2)": lambda: op.power(B, op.number(Fraction(1, 2))),
    "B^65": lambda: op.power(B, op.number(65)),
    "2^B": lambda: op.power(two, B),
    "x^z": lambda: op.power(x, z),
    "max(x, z)": lambda: op.elementwise("max", [x, z]),
    "exp(x, y)": lambda: op.elementwise("exp", [x, y]),
    "atan2(x)": lambda: op.elementwise("atan2", [x]),
    "x < z": lambda: op.compare("<", x, z),
    "x if … else z": lambda: op.conditional(x, a, z),
    "lse(exp)": lambda: op.along("exp", x),
    "exp(lse)": lambda: op.elementwise("lse", [x]),
    "softmax(a)": lambda: op.along("softmax", a),
    "softmax(A)": lambda: op.along("softmax", A),
    "lse(A, axis=3)": lambda: op.along("lse", A, 3),
    "lse(A, axis=0)": lambda: op.along("lse", A, 0),
    "sum(x, axis=2)": lambda: op.sum_axis(x, 2),
    "mean(a, axis=1)": lambda: op.mean(a, 1),
    "inv(A)": lambda: op.inverse(A),
    "det(x)": lambda: op.determinant(x),
    "logdet(a)": lambda: op.logdet(a),
    "tr(A)": lambda: op.trace(A),
    "diag(A)": lambda: op.diag(A),
    "dot(A, x)": lambda: op.dot(A, x),
    "outer(A, x)": lambda: op.outer(A, x),
    "kron(2, A)": lambda: op.kron(op.number(2), A),
    "vec(x)": lambda: op.vec(x),
    "eye(n, m)": lambda: op.eye([N, M]),
    "[x, a]": lambda: op.literal([x, a]),
    "A[1]": lambda: op.entry(A, [at(1)]),
    "x[1, 1]": lambda: op.entry(x, [at(1), at(1)]),
    "a[1]": lambda: op.entry(a, [at(1)]),
    "x[0]": lambda: op.entry(x, [at(0)]),
    "w[4]": lambda: op.entry(w, [at(4)]),
    "x[n+1]": lambda: op.entry(x, [at(N + 1)]),
    "x[m]": lambda: op.entry(x, [at("m")]),
    "x[i+1]": lambda: op.entry(x, [at(1, (i, 1))]),
    "x[i-1]": lambda: op.entry(x, [at(-1, (i, 1))]),
    "x[2*i]": lambda: op.entry(x, [at(0, (i, 2))]),
    "x[n-i]": lambda: op.entry(x, [at(N, (i, -1))]),
    "w[k+1]": lambda: op.entry(w, [at(1, (third, 1))]),
    "A[i, 1]": lambda: op.entry(A, [at(0, (i, 1)), at(1)]),
}  # fmt: skip

REFUSALS = dict(
    case.split("\n", 1)
    for case in (Path(__file__).parent / "refusals.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n----\n")
)


@pytest.mark.parametrize("name", REFUSED)
def test_refusal(name: str) -> None:
    with pytest.raises(SymgdError) as caught:
        REFUSED[name]()
    assert f"{type(caught.value).__name__}: {caught.value}" == REFUSALS[name]


def test_every_refusal_is_made() -> None:
    assert REFUSALS.keys() == REFUSED.keys()


def test_a_wrong_transpose_would_be_found() -> None:
    """The comparison can fail: A'·z is not A·x."""
    wrong = op.multiply(op.transpose(A), z)
    assert largest_difference(evaluate(wrong.node, NUMBERS, SIZES), n["A"] @ n["x"]) > EXACT


def test_values_come_from_the_point() -> None:
    assert point(op.multiply(A, x).node).keys() == {"A", "x"}
