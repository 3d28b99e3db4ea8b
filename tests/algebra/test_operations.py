"""What the operators of the language mean, against numpy, and the full text of every refusal."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
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
    ("sum(i, x[i])", lambda: total(op.entry(x, [at(0, (i, 1))]), i), n["x"].sum()),
    ("sum(i, i*x[i])", lambda: total(op.multiply(op.index_value(i), op.entry(x, [at(0, (i, 1))])), i), n["x"] @ [1, 2, 3]),
    ("sum(j, x[j+1]*y[j])", lambda: total(op.multiply(op.entry(x, [at(1, (j, 1))]), op.entry(y, [at(0, (j, 1))])), j), n["x"][1:] @ n["y"][:-1]),
    ("sum(i=2..n, x[i-1])", lambda: total(op.entry(x, [at(-1, (later, 1))]), later), n["x"][:-1].sum()),
    ("sum(i, x[n+1-i]*y[i])", lambda: total(op.multiply(op.entry(x, [at(N + 1, (i, -1))]), op.entry(y, [at(0, (i, 1))])), i), n["x"][::-1] @ n["y"]),
    ("sum(i, B[i,i])", lambda: total(op.entry(B, [at(0, (i, 1)), at(0, (i, 1))]), i), np.trace(n["B"])),
    ("sum(i, a)", lambda: total(a, i), 3 * n["a"]),
    ("prod(i, x[i])", lambda: op.index_product(op.entry(x, [at(0, (i, 1))]), i), n["x"].prod()),
    ("prod(i, a)", lambda: op.index_product(a, i), n["a"] ** 3),
    ("array(i, j, x[i]*y[j])", lambda: op.array_of(op.multiply(op.entry(x, [at(0, (i, 1))]), op.entry(y, [at(0, (j, 1))])), [j, i]), np.outer(n["y"][:-1], n["x"])),
    ("sum(i, x[i]*x)", lambda: total(op.multiply(op.entry(x, [at(0, (i, 1))]), x), i), n["x"].sum() * n["x"]),
    ("sum(i, [x[i], a])", lambda: total(op.literal([op.entry(x, [at(0, (i, 1))]), a]), i), [n["x"].sum(), 3 * n["a"]]),
    ("sum(i, x[i]^i)", lambda: total(op.power(op.entry(x, [at(0, (i, 1))]), op.index_value(i)), i), n["x"] @ [1, 0, 0] + n["x"][1] ** 2 + n["x"][2] ** 3),
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


REFUSED: list[tuple[str, Callable[[], Value], str]] = [
    ("x*y", lambda: op.multiply(x, y), "cannot multiply x (n) by y (n): both are columns.\nWrite x.*y for the product of entries, or x'*y for the inner product."),
    ("x'*y'", lambda: op.multiply(xt, yt), "cannot multiply x' (1, n) by y' (1, n): both are rows.\nWrite x'.*y' for the product of entries, or x'*y for the inner product."),
    ("A*x*x", lambda: op.multiply(Ax, x), "cannot multiply A*x (m) by x (n): both are columns.\nWrite (A*x).*x for the product of entries, or (A*x)'*x for the inner product."),
    ("x@z", lambda: op.multiply(x, z, "@"), "dot takes two vectors of one dimension, not x (n) and z (m).\nThe dimensions are n and m: declare them as one."),
    ("A*A", lambda: op.multiply(A, A), "cannot multiply A (m, n) by A (m, n).\nThe dimensions differ: A has n columns, A has m rows. Write A'*A."),
    ("B*A", lambda: op.multiply(B, A), "cannot multiply B (n, n) by A (m, n).\nThe dimensions differ: B has n columns, A has m rows. Write B*A'."),
    ("A*z", lambda: op.multiply(A, z), "cannot multiply A (m, n) by z (m).\nThe dimensions differ: A has n columns, z has m entries. Write A'*z."),
    ("A*w", lambda: op.multiply(A, w), "cannot multiply A (m, n) by w (3).\nThe dimensions differ: A has n columns, w has 3 entries. Declare them as one."),
    ("x'*z", lambda: op.multiply(xt, z), "cannot multiply x' (1, n) by z (m).\nDeclare both with one dimension, n or m."),
    ("x*A", lambda: op.multiply(x, A), "cannot multiply x (n) by A (m, n).\nWrite x' to turn the vector."),
    ("A*x'", lambda: op.multiply(A, xt), "cannot multiply A (m, n) by x' (1, n).\nWrite x to turn the vector."),
    ("T*x", lambda: op.multiply(T, x), "cannot multiply T (n, m, k) by x (n).\nWrite the sum over its index, as in sum(k, T[i,j,k]*x[k])."),
    ("T'", lambda: op.transpose(T), "cannot transpose T (n, m, k).\nName the axes: array(i, j, k, T[j,i,k])."),
    ("x + z", lambda: op.add([(1, x), (1, z)]), "cannot add x (n) and z (m).\nThe dimensions are n and m: declare them as one."),
    ("x + y'", lambda: op.add([(1, x), (1, yt)]), "cannot add x (n) and y' (1, n).\nOne is a column, the other a row. Write y for the second, or leave the transpose out."),
    ("A + C", lambda: op.add([(1, A), (1, C)]), "cannot add A (m, n) and C (n, m).\nThe shapes are each other's transpose: write C'."),
    ("A + B", lambda: op.add([(1, A), (1, B)]), "cannot add A (m, n) and B (n, n).\nBoth sides need one shape."),
    ("A + x", lambda: op.add([(1, A), (1, x)]), "cannot add A (m, n) and x (n).\nWrite ones(m)*x' to repeat the vector in every row."),
    ("A + z", lambda: op.add([(1, A), (1, z)]), "cannot add A (m, n) and z (m).\nWrite z*ones(n)' to repeat the vector in every column."),
    ("B + x", lambda: op.add([(1, B), (1, x)]), "cannot add B (n, n) and x (n).\nWrite x*ones(n)' to repeat the vector in every column."),
    ("B + x'", lambda: op.add([(1, B), (1, xt)]), "cannot add B (n, n) and x' (1, n).\nWrite ones(n)*x' to repeat the vector in every row."),
    ("A + w", lambda: op.add([(1, A), (1, w)]), "cannot add A (m, n) and w (3).\nw has 3 entries, A has m rows and n columns."),
    ("B + a", lambda: op.add([(1, B), (1, a)]), "cannot add a, a scalar, to B (n, n).\nWrite a*ones(n, n) for every entry, or a*eye(n) for the diagonal."),
    ("A + 2", lambda: op.add([(1, A), (1, two)]), "cannot add 2, a scalar, to A (m, n).\nWrite 2*ones(m, n) for every entry."),
    ("x.*z", lambda: op.hadamard(x, z), "cannot multiply x (n) and z (m) entry by entry.\nThe dimensions are n and m: declare them as one."),
    ("x/B", lambda: op.divide(x, B), "cannot divide by B (n, n), a matrix.\nWrite ./ for the quotient of entries, or x*inv(B)."),
    ("A/x", lambda: op.divide(A, x), "cannot divide A (m, n) by x (n).\nWrite diag(1./v)*A to divide the rows of A by v."),
    ("x/z", lambda: op.divide(x, z), "cannot divide x (n) by z (m).\nThe dimensions are n and m: declare them as one."),
    ("x/0", lambda: op.divide(x, zero), "division by zero.\nThe divisor is 0 whatever the values are."),
    ("0^-1", lambda: op.power(zero, op.number(-1)), "division by zero.\nA power of 0 with a negative exponent."),
    ("A**2", lambda: op.power(A, two, "**"), "A (m, n) ** … could mean two things.\nWrite A^2 for the matrix product, A.^2 for the entries."),
    ("A^2", lambda: op.power(A, two), "a power needs a square matrix, and A (m, n) is none.\nWrite A.^2 for the power of every entry."),
    ("T^2", lambda: op.power(T, two), "a power needs a square matrix, and T (n, m, k) is none.\nWrite T.^2 for the power of every entry."),
    ("B^a", lambda: op.power(B, a), "a matrix power takes a whole exponent, up to 64.\nWrite B.^p for the power of every entry."),
    ("B^(1/2)", lambda: op.power(B, op.number(Fraction(1, 2))), "a matrix power takes a whole exponent, up to 64.\nWrite B.^p for the power of every entry."),
    ("B^65", lambda: op.power(B, op.number(65)), "a matrix power takes a whole exponent, up to 64.\nWrite B.^p for the power of every entry."),
    ("2^B", lambda: op.power(two, B), "an exponent is a number, and B (n, n) is a matrix.\nWrite .^ for a power of every entry."),
    ("x^z", lambda: op.power(x, z), "cannot raise x (n) to the power z (m).\nThe dimensions are n and m: declare them as one."),
    ("max(x, z)", lambda: op.elementwise("max", [x, z]), "cannot take max of x (n) and z (m).\nThe dimensions are n and m: declare them as one."),
    ("exp(x, y)", lambda: op.elementwise("exp", [x, y]), "exp takes 1 argument, not 2."),
    ("atan2(x)", lambda: op.elementwise("atan2", [x]), "atan2 takes 2 arguments, not 1."),
    ("x < z", lambda: op.compare("<", x, z), "cannot compare x (n) and z (m).\nThe dimensions are n and m: declare them as one."),
    ("x if … else z", lambda: op.conditional(x, a, z), "cannot choose by condition with x (n) and z (m).\nThe dimensions are n and m: declare them as one."),
    ("lse(exp)", lambda: op.along("exp", x), "exp does not take such an argument."),
    ("exp(lse)", lambda: op.elementwise("lse", [x]), "lse does not take such an argument."),
    ("softmax(a)", lambda: op.along("softmax", a), "softmax takes an array, and a is a scalar.\nDeclare it, as in x[n], to take softmax of its entries."),
    ("softmax(A)", lambda: op.along("softmax", A), "softmax of A (m, n) needs an axis.\nWrite softmax(A, axis=2) for every row, axis=1 for every column."),
    ("lse(A, axis=3)", lambda: op.along("lse", A, 3), "A (m, n) has no axis 3.\nAxes are counted from 1: axis=1 runs down the columns, axis=2 along the rows."),
    ("lse(A, axis=0)", lambda: op.along("lse", A, 0), "A (m, n) has no axis 0.\nAxes are counted from 1: axis=1 runs down the columns, axis=2 along the rows."),
    ("sum(x, axis=2)", lambda: op.sum_axis(x, 2), "x (n) has no axis 2.\nLeave the axis out."),
    ("mean(a, axis=1)", lambda: op.mean(a, 1), "a is a scalar and has no axis 1.\nLeave the axis out."),
    ("inv(A)", lambda: op.inverse(A), "inv takes a square matrix, and A (m, n) is none.\nA square matrix is declared as A[n,n]."),
    ("det(x)", lambda: op.determinant(x), "det takes a square matrix, and x (n) is none.\nA square matrix is declared as A[n,n]."),
    ("logdet(a)", lambda: op.logdet(a), "logdet takes a square matrix, and a is a scalar.\nA square matrix is declared as A[n,n]."),
    ("tr(A)", lambda: op.trace(A), "tr takes a square matrix, and A (m, n) is none.\nA square matrix is declared as A[n,n]."),
    ("diag(A)", lambda: op.diag(A), "diag takes a vector or a square matrix, not A (m, n).\ndiag(v) is the matrix with v on its diagonal."),
    ("dot(A, x)", lambda: op.dot(A, x), "dot takes two vectors of one dimension, not A (m, n) and x (n).\nIt is the sum of the products of the entries."),
    ("outer(A, x)", lambda: op.outer(A, x), "outer takes two vectors, not A (m, n) and x (n).\nu*v' is the outer product."),
    ("kron(x, A)", lambda: op.kron(x, A), "kron takes two matrices or two columns, not x (n) and A (m, n).\nTurn rows with ', as in kron(x, y)' for kron(x', y')."),
    ("vec(x)", lambda: op.vec(x), "vec takes a matrix, not x (n).\nA vector needs no vec."),
    ("eye(n, m)", lambda: op.eye([N, M]), "eye takes one dimension, as in eye(n).\nAn identity matrix is square."),
    ("[x, a]", lambda: op.literal([x, a]), "a literal needs rows of one length: x (n) beside a, a scalar.\nEvery row has the same number of entries."),
    ("A[1]", lambda: op.entry(A, [at(1)]), "A (m, n) takes 2 indices, not 1.\nOne index for every dimension declared."),
    ("x[1, 1]", lambda: op.entry(x, [at(1), at(1)]), "x (n) takes 1 index, not 2.\nOne index for every dimension declared."),
    ("a[1]", lambda: op.entry(a, [at(1)]), "a is a scalar and takes no index.\nDeclare an array, as in x[n]."),
    ("x[0]", lambda: op.entry(x, [at(0)]), "the index of x (n) goes down to 0, out of its range 1..n.\nIndices start at 1."),
    ("w[4]", lambda: op.entry(w, [at(4)]), "the index of w (3) goes up to 4, out of its range 1..3.\nThe dimension is 3."),
    ("x[n+1]", lambda: op.entry(x, [at(N + 1)]), "the index of x (n) goes up to n + 1, out of its range 1..n.\nThe dimension is n."),
    ("x[m]", lambda: op.entry(x, [at("m")]), "the index of x (n) goes up to m, out of its range 1..n.\nThe dimension is n."),
    ("x[i+1]", lambda: op.entry(x, [at(1, (i, 1))]), "the index of x (n) goes up to n + 1, out of its range 1..n.\nThe dimension is n: state the range of the index, as in sum(i=1..n, …)."),
    ("x[i-1]", lambda: op.entry(x, [at(-1, (i, 1))]), "the index of x (n) goes down to 0, out of its range 1..n.\nIndices start at 1."),
    ("x[2*i]", lambda: op.entry(x, [at(0, (i, 2))]), "the index of x (n) goes up to 2*n, out of its range 1..n.\nThe dimension is n: state the range of the index, as in sum(i=1..n, …)."),
    ("x[n-i]", lambda: op.entry(x, [at(N, (i, -1))]), "the index of x (n) goes down to 0, out of its range 1..n.\nIndices start at 1."),
    ("w[k+1]", lambda: op.entry(w, [at(1, (third, 1))]), "the index of w (3) goes up to 4, out of its range 1..3.\nThe dimension is 3: state the range of the index, as in sum(i=1..3, …)."),
    ("A[i, 1]", lambda: op.entry(A, [at(0, (i, 1)), at(1)]), "the index of A (m, n) goes up to n, out of its range 1..m.\nThe dimension is m: state the range of the index, as in sum(i=1..m, …)."),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), [(make, message) for _, make, message in REFUSED], ids=[name for name, _, _ in REFUSED])
def test_refusal(make: Callable[[], Value], message: str) -> None:
    with pytest.raises(SymgdError) as caught:
        make()
    assert str(caught.value) == message


def test_a_wrong_transpose_would_be_found() -> None:
    """The comparison can fail: A'·z is not A·x."""
    wrong = op.multiply(op.transpose(A), z)
    assert largest_difference(evaluate(wrong.node, NUMBERS, SIZES), n["A"] @ n["x"]) > EXACT


def test_values_come_from_the_point() -> None:
    assert point(op.multiply(A, x).node).keys() == {"A", "x"}
