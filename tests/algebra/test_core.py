"""The expression core: one object per meaning, the same hash in every process, labels kept straight."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from reference import evaluate

from symgd.algebra import expression as ex
from symgd.algebra import operations as op
from symgd.algebra.dimension import ZERO, Dimension
from symgd.algebra.expand import expanded
from symgd.algebra.functions.table import F
from symgd.algebra.operations import Affine, Index, Value
from symgd.algebra.simplify import simplified
from symgd.errors import ShapeError

N, M = Dimension.of("n"), Dimension.of("m")
A, B = ex.leaf("A", (M, N)), ex.leaf("B", (N, N))
X, Y = ex.leaf("x", (N,)), ex.leaf("y", (N,))


def test_bound_labels_have_no_names() -> None:
    one = ex.contract(1, [(A, "ij"), (X, "j")], "i")
    other = ex.contract(1, [(A, ("p", 7)), (X, (7,))], ("p",))
    assert one is other


def test_numbers_move_into_the_coefficient() -> None:
    node = ex.contract(3, [(ex.constant(Fraction(1, 2)), ()), (ex.scaled(Fraction(4), X), "i")], "i")
    assert ex.split(node) == (6, X)


def test_a_zero_factor_makes_zero() -> None:
    node = ex.contract(1, [(A, "ij"), (ex.full(0, (N,)), "j")], "i")
    assert ex.constant_value(node) == 0
    assert node.shape == (M,)


def test_identities_vanish_and_traces_of_them_are_sizes() -> None:
    eye = ex.identity(N)
    assert ex.contract(1, [(B, "ij"), (eye, "jk")], "ik") is B
    assert ex.contract(1, [(eye, "ii")], "") is ex.size(N)
    assert ex.contract(1, [(eye, "ij"), (eye, "ij")], "") is ex.size(N)
    assert ex.contract(1, [(eye, "ij"), (X, "i"), (X, "j")], "") is ex.contract(1, [(X, "i"), (X, "i")], "")


def test_a_sum_over_nothing_counts() -> None:
    scalar = ex.leaf("s")
    assert ex.contract(1, [(scalar, "")], "", {"i": N}) is ex.contract(1, [(scalar, ""), (ex.size(N), "")], "")
    assert ex.contract(1, [(scalar, "")], "", {"i": Dimension.of(4)}) is ex.scaled(Fraction(4), scalar)


def test_one_label_has_one_size() -> None:
    with pytest.raises(ShapeError) as error:
        ex.contract(1, [(A, "ij"), (X, "i")], "j")
    assert str(error.value) == "an index runs over m in one factor and over n in another."


def test_unit_vectors_choose() -> None:
    two = Dimension.of(2)
    literal = ex.stack([ex.leaf("a"), ex.leaf("b")])
    assert ex.element(literal, 0, Dimension.of(1)) is ex.leaf("b")
    first, second = (ex.select(two, Dimension.of(k)) for k in (0, 1))
    assert ex.contract(1, [(first, "i"), (first, "i")], "") is ex.constant(1)
    assert ex.contract(1, [(first, "i"), (second, "i")], "") is ex.constant(0)


def test_packed_indices_unpack() -> None:
    x = Value(A)
    inner = op.dot(op.vec(x), op.vec(x))
    difference = expanded(inner.node - op.sum_all(op.power(x, op.number(2), ".^")).node)
    assert difference is not None
    assert ex.is_zero(difference)


def test_vec_and_kron_agree_with_numpy() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 3)), rng.standard_normal((3, 3))
    values, sizes = {"A": a, "B": b}, {"m": 2, "n": 3}
    assert np.array_equal(evaluate(op.vec(Value(A)).node, values, sizes).astype(float), a.reshape(-1, order="F"))
    assert np.allclose(evaluate(op.kron(Value(A), Value(B)).node, values, sizes).astype(float), np.kron(a, b))
    turned = op.multiply(op.commut(M, N), op.vec(Value(A))).node
    assert np.array_equal(evaluate(turned, values, sizes).astype(float), a.T.reshape(-1, order="F"))


def test_even_powers_are_not_undone_to_the_wrong_sign() -> None:
    x = ex.leaf("x")
    for node in (F.sqrt(x**2), ex.power(x**2, Fraction(3, 2)), ex.power(x**-2, Fraction(1, 2))):
        for at in (-2, 3):
            assert evaluate(node, {"x": at}, {}) == evaluate(simplified(node), {"x": at}, {})


def test_slices_stay_in_range() -> None:
    i = Index("i", Dimension.of(2), N - 1)
    assert op.entry(Value(X), [Affine(((i, 1),), Dimension.of(-1))]).free == (i,)
    with pytest.raises(ShapeError) as error:
        op.entry(Value(X, text="x"), [Affine(((i, 1),), Dimension.of(1))])
    assert str(error.value) == (
        "the index of x (n) goes up to n + 1, out of its range 1..n.\n"
        "The dimension is n: state the range of the index, as in sum(i=1..n, …)."
    )
    with pytest.raises(ShapeError) as error:
        op.entry(Value(X, text="x"), [Affine((), ZERO)])
    assert str(error.value) == "the index of x (n) goes down to 0, out of its range 1..n.\nIndices start at 1."


def test_what_was_built_before_does_not_change_the_order() -> None:
    x = ex.leaf("x")
    kept = F.sin(x)  # an older node than the other term
    terms = [x**2, kept]
    root = ex.add(terms)
    assert [node for node in ex.topological(root) if node in terms] == terms


def test_the_digest_is_the_same_in_every_process() -> None:
    code = (
        "from symgd.algebra import expression as ex; from symgd.algebra.functions.table import F;"
        "from symgd.algebra.dimension import Dimension; n = Dimension.of('n'); x = ex.leaf('x', (n,), ('> 0',));"
        "print((F.softmax(x) * F.exp(x) + ex.select(n, n - 1) / 3).digest.hex())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
