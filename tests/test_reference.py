"""The reference evaluator itself, against arithmetic written out."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from mpmath import mp
from reference import NAN, difference_along, evaluate, is_defined, largest_difference, second_difference_along

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.functions.table import F

N, M = Dimension.of("n"), Dimension.of("m")
SIZES = {"n": 3, "m": 2}
A, B, x = ex.leaf("A", (M, N)), ex.leaf("B", (N, N)), ex.leaf("x", (N,))
VALUES = {"A": [[1, 2, 3], [4, 5, 7]], "B": [[2, -1, 0], [3, 1, 4], [0, 5, -2]], "x": [1, -2, 3]}


def test_a_contraction_is_the_sum_of_all_products() -> None:
    """Labels summed, kept, out of order and twice in one factor."""
    root = ex.contract(3, [(A, "ij"), (B, "jk"), (x, "k"), (B, "kk")], "ki")
    a, b, c = (np.array(VALUES[name], dtype=object) for name in "ABx")
    written = [[3 * sum(a[i, j] * b[j, k] for j in range(3)) * c[k] * b[k, k] for i in range(2)] for k in range(3)]
    assert largest_difference(evaluate(root, VALUES, SIZES), written) == 0


def test_an_axis_that_no_factor_has_repeats() -> None:
    root = ex.contract(2, [(x, "j")], "ij", {"i": M})
    assert largest_difference(evaluate(root, VALUES, SIZES), [[2, -4, 6], [2, -4, 6]]) == 0


def test_nothing_times_what_is_undefined_is_undefined() -> None:
    root = ex.contract(1, [(x, "i"), (F.log(x), "i")], "")
    assert not is_defined(evaluate(root, {"x": [1, 0, 2]}, SIZES))
    assert largest_difference([NAN], [0]) == mp.inf


def test_a_matrix_that_is_singular_but_for_rounding_has_no_inverse() -> None:
    v = [Fraction(1, 3), Fraction(1, 7), Fraction(1, 11)]
    values = {"B": [[a * b + (a is b is v[0]) for a in v] for b in v]}
    assert evaluate(F.det(B), values, SIZES)[()] != 0
    assert not is_defined(evaluate(F.inv(B), values, SIZES))
    assert not is_defined(evaluate(F.logdet(B), values, SIZES))


def test_differences_along_directions() -> None:
    """Of f = (u'x)^2 with u = (1, 1, 1): f' = 2(u'x)(u'd), f'' = 2(u'd)(u'e)."""
    total = ex.contract(1, [(x, "i")], "")
    f = total * total
    assert largest_difference(difference_along(f, {"x": [1, 0, 4]}, VALUES, SIZES), 20) < 1e-30
    assert largest_difference(second_difference_along(f, ("x", [1, 0, 4]), ("x", [0, 3, 0]), VALUES, SIZES), 30) < 1e-25
    assert largest_difference(second_difference_along(f, ("x", [1, 0, 4]), ("x", [0, 3, 0]), VALUES, SIZES), 15) > 0.1
