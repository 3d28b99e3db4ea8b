"""What a derivative says of its layout."""

from __future__ import annotations

import pytest

import symgd

GIVEN = "A[m,n], X[n,p], x[n], S[n,n] symmetric, t"

SAID = [
    (lambda: symgd.gradient(symgd.formula("norm2(A*x)^2", given=GIVEN), "x"), "entry i is ∂f/∂x[i]"),
    (lambda: symgd.gradient(symgd.formula("tr(A'*A)", given=GIVEN), "A"), "entry [i,j] is ∂f/∂A[i,j]"),
    (
        lambda: symgd.gradient(symgd.formula("x'*S*x", given=GIVEN), "S"),
        "entry [i,j] is ∂f/∂S[i,j]; the entries of S, declared symmetric, are taken as independent",
    ),
    (
        lambda: symgd.gradient(symgd.formula("x'*S*x", given=GIVEN), "S", structure="symmetric"),
        "entry [i,j] is ∂f/∂S[i,j]; S is taken as symmetric: derived by its free entries",
    ),
    (lambda: symgd.gradient(symgd.formula("a*b + c")), "the entries are ∂f/∂a, ∂f/∂b, ∂f/∂c"),
    (lambda: symgd.derivative(symgd.formula("t*x", given=GIVEN), "t"), "entry i is ∂F[i]/∂t"),
    (lambda: symgd.derivative(symgd.formula("t^2"), "t"), ""),
    (lambda: symgd.jacobian(symgd.formula("A*x", given=GIVEN), "x"), "entry [i,j] is ∂F[i]/∂x[j]"),
    (
        lambda: symgd.jacobian(symgd.formula("A*X", given=GIVEN), "X"),
        "entry [i + m*(j-1), k + n*(l-1)] is ∂F[i,j]/∂X[k,l]",
    ),
    (lambda: symgd.jacobian(symgd.formula("A*X", given=GIVEN), "X", layout="indices"), "entry [i,j,k,l] is ∂F[i,j]/∂X[k,l]"),
    (lambda: symgd.hessian(symgd.formula("norm2(A*x)^2", given=GIVEN), "x"), "entry [i,j] is ∂²f/∂x[i]∂x[j]"),
    (lambda: symgd.hessian(symgd.formula("norm2(A*x)^2", given=GIVEN), "x", "A"), "entry [i, j + m*(k-1)] is ∂²f/∂x[i]∂A[j,k]"),
    (lambda: symgd.hessian(symgd.formula("a^2*b")), "entry [i,j] is the derivative by number i of a, b and number j of a, b"),
    (lambda: symgd.jacobian(symgd.formula("x*a^2*b", given="x[n]"), ["a", "b"]), "the last index counts a, b"),
]


@pytest.mark.parametrize(("derived", "said"), SAID)
def test_a_derivative_says_what_its_entries_are(derived: object, said: str) -> None:
    assert derived().layout == said  # type: ignore[operator]


def test_the_letters_are_those_of_the_array() -> None:
    found = symgd.hessian(symgd.formula("sum(i=1..n, j=1..n, k=1..n, T[i,j,k]^3)", given="T[n,n,n]"), "T", layout="indices")
    assert found.layout == "entry [i,j,k,l,p,q] is ∂²f/∂T[i,j,k]∂T[l,p,q]"
    assert str(found).startswith("array(i=1..n, j=1..n, k=1..n, l=1..n, p=1..n, q=1..n, ")


def test_the_letters_avoid_the_names_of_the_formula() -> None:
    found = symgd.gradient(symgd.formula("i*sum(x.^2)", given="x[n]"), "x")
    assert found.layout == "entry j is ∂f/∂x[j]"


def test_a_formula_that_is_no_derivative_says_nothing() -> None:
    assert symgd.formula("x'*x", given="x[n]").layout == ""
