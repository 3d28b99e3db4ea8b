"""A Hessian-vector product never forms the Hessian: no value of its program has as many numbers as the square of the variable's."""

from __future__ import annotations

from functools import reduce

import pytest

from symgd import Formula, formula, hessian, hessian_vector, to_torch
from symgd.algebra.dimension import ONE, Dimension

# Loss, declarations, the variable, and how many numbers it has. Data come as a matrix of m rows.
LOSSES = [
    ("sum(softplus(A*x) - y.*(A*x))", "A[m,n], x[n], y[m]", "x", "n"),
    ("sum(softplus(A*x) - y.*(A*x)) + l*x'*x", "A[m,n], x[n], y[m], l > 0", "x", "n"),
    ("norm2(A*x - b)^2", "A[m,n], x[n], b[m]", "x", "n"),
    ("norm2(A*x - b)", "A[m,n], x[n], b[m]", "x", "n"),
    ("(x'*A'*A*x)^2", "A[m,n], x[n]", "x", "n"),
    ("lse(A*x + b)", "A[m,n], x[n], b[m]", "x", "n"),
    ("-sum(log(b - A*x))", "A[m,n], x[n], b[m]", "x", "n"),
    ("sum(i, (x[i+1] - x[i]^2)^2)", "x[n]", "x", "n"),
    ("mean((tanh(X*W)*v - y).^2)", "X[m,d], W[d,h], v[h], y[m]", "W", "d*h"),
    ("mean((tanh(X*W)*v - y).^2)", "X[m,d], W[d,h], v[h], y[m]", "v", "h"),
    ("normF(M - U*V')^2", "M[m,n], U[m,r], V[n,r]", "U", "m*r"),
]

each_loss = pytest.mark.parametrize(("text", "given", "variable", "numbers"), LOSSES, ids=[f"{row[0]} by {row[2]}" for row in LOSSES])


def counts(f: Formula) -> list[Dimension]:
    """How many numbers each value of the program has that is no variable, as polynomials in the dimensions."""
    instructions = to_torch(f).program.instructions
    return [reduce(Dimension.__mul__, one.shape, ONE) for one in instructions if one.kind != "input"]


def holds_square(count: Dimension, numbers: str) -> bool:
    """Is the square of this many numbers a factor of a term of the count?"""
    needed = {name: 2 * numbers.split("*").count(name) for name in numbers.split("*")}
    return any(all(dict(monomial).get(name, 0) >= power for name, power in needed.items()) for monomial, _ in count.terms)


@each_loss
def test_a_hessian_vector_product_never_forms_the_hessian(text: str, given: str, variable: str, numbers: str) -> None:
    f = formula(text, given=given)
    product = counts(hessian_vector(f, variable, along="u"))
    assert not any(holds_square(count, numbers) for count in product)
    assert any(holds_square(count, numbers) for count in counts(hessian(f, variable)))


@each_loss
def test_nothing_is_larger_than_the_data(text: str, given: str, variable: str, numbers: str) -> None:
    """The largest value of the program is no larger than the largest variable; of the Hessian's program it is larger."""
    f = formula(text, given=given)
    sizes = {"m": 1000, "n": 1001, "d": 1002, "h": 1003, "r": 1004}
    largest = max(reduce(Dimension.__mul__, leaf.shape, ONE).evaluate(sizes) for leaf in f.known.values())
    assert max(count.evaluate(sizes) for count in counts(hessian_vector(f, variable, along="u"))) <= largest
    assert max(count.evaluate(sizes) for count in counts(hessian(f, variable))) > largest


def test_a_square_is_told_from_a_product() -> None:
    m, n = Dimension.of("m"), Dimension.of("n")
    assert holds_square(n * n + m, "n")
    assert holds_square(m * n * n, "n")
    assert not holds_square(m * n, "n")
    assert not holds_square(m * m * n, "m*n")
    assert holds_square(m * m * n * n, "m*n")
