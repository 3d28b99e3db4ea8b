"""Sizes are polynomials: equal when they are equal for all values of the names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symgd.algebra.dimension import ONE, ZERO, Dimension, shape_text

N, M = Dimension.of("n"), Dimension.of("m")
SIZES = {"n": 3, "m": 5}

polynomials = st.recursive(
    st.sampled_from([N, M, ONE, ZERO, Dimension.of(-2), Dimension.of(7)]),
    lambda inner: st.tuples(st.sampled_from("+-*"), inner, inner).map(
        lambda t: t[1] + t[2] if t[0] == "+" else t[1] - t[2] if t[0] == "-" else t[1] * t[2]
    ),
    max_leaves=6,
)


@given(polynomials, polynomials)
def test_arithmetic_is_that_of_the_values(a: Dimension, b: Dimension) -> None:
    x, y = a.evaluate(SIZES), b.evaluate(SIZES)
    assert ((a + b).evaluate(SIZES), (a - b).evaluate(SIZES), (a * b).evaluate(SIZES), (-a).evaluate(SIZES)) == (x + y, x - y, x * y, -x)


@given(polynomials, polynomials)
def test_equal_polynomials_are_equal_objects(a: Dimension, b: Dimension) -> None:
    assert (a + b) * (a - b) == a * a - b * b
    assert hash(a + b) == hash(b + a)


def test_numbers_and_names_mix_with_dimensions() -> None:
    assert 2 * N + 1 - "n" == N + 1
    assert 3 - N == -(N - 3)
    assert (N - N).constant == 0
    assert Dimension.of(4).constant == 4
    assert N.constant is None


@pytest.mark.parametrize(
    ("dimension", "text"),
    [(ZERO, "0"), (N, "n"), (N - 1, "n - 1"), (2 * M * N - 1, "2*m*n - 1"), (-N, "-n"), (1 - N, "-n + 1"), (N * N * 3, "3*n^2")],
)
def test_text(dimension: Dimension, text: str) -> None:
    assert str(dimension) == text


@pytest.mark.parametrize(
    ("dimension", "bound", "answer"),
    [
        (N, 1, True), (N, 2, None), (N + M, 2, True), (N - 1, 0, True), (N - 1, 1, None), (-N, 0, False), (1 - N, 1, False),
        (1 - N, 0, None), (N - M, 0, None), (Dimension.of(3), 3, True), (Dimension.of(3), 4, False), (2 * N * M, 2, True),
    ],
)  # fmt: skip
def test_at_least(dimension: Dimension, bound: int, answer: bool | None) -> None:
    assert dimension.at_least(bound) is answer


@given(polynomials, st.integers(-3, 8))
def test_at_least_never_contradicts_a_value(dimension: Dimension, bound: int) -> None:
    answer = dimension.at_least(bound)
    for n in (1, 2, 5):
        for m in (1, 3):
            assert answer in (None, dimension.evaluate({"n": n, "m": m}) >= bound)


def test_shapes_in_messages() -> None:
    assert (shape_text(()), shape_text((N,)), shape_text((M, N + 1))) == ("a scalar", "(n)", "(m, n + 1)")
