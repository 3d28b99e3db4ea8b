"""A^k with a whole exponent that is a name: its value, in torch and with many digits, its derivative where there is one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from symgd import DomainError, NoRuleError, check, derivative, formula, gradient, hessian, to_torch

GIVEN = "A[n,n], B[n,n], x[n], k integer, j integer"
torch.manual_seed(1)
VALUES = {"A": torch.rand(3, 3, dtype=torch.float64) + torch.eye(3, dtype=torch.float64), "B": torch.rand(3, 3, dtype=torch.float64)}
VALUES |= {"x": torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64), "k": torch.tensor(3.0), "j": torch.tensor(-2.0)}
power, inverse = torch.linalg.matrix_power, torch.linalg.inv

CASES: list[tuple[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor], str]] = [
    ("tr(A^k)", lambda A, B: power(A, 3).trace(), "k*(A^(k - 1))'"),
    ("tr(A^n)", lambda A, B: power(A, 3).trace(), "n*(A^(n - 1))'"),
    ("det(A^k)", lambda A, B: power(A, 3).det(), "k*det(A^k)*inv(A)'"),
    ("logdet(A^k)", lambda A, B: power(A, 3).logdet(), "k*inv(A)'"),
    ("tr(A^(-k))", lambda A, B: inverse(power(A, 3)).trace(), "-k*(A^(-k - 1))'"),
    ("tr(A^(2*k - 1))", lambda A, B: power(A, 5).trace(), "(2*k - 1)*(A^(2*k - 2))'"),
    ("tr(inv(A^k))^2", lambda A, B: inverse(power(A, 3)).trace() ** 2, "-2*k*tr(inv(A^k))*(A^(-k - 1))'"),
    ("tr((A*B)^k)", lambda A, B: power(A @ B, 3).trace(), "k*((A*B)^(k - 1))'*B'"),
    ("tr(A^k*A^j)", lambda A, B: A.trace(), "k*(A^(k + j - 1))' + j*(A^(j + k - 1))'"),
]


@pytest.mark.parametrize(("text", "by_torch", "slope"), CASES, ids=[case[0] for case in CASES])
def test_gradient(text: str, by_torch: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], slope: str) -> None:
    """Source: The Matrix Cookbook (2012), equations (58) and (90)."""
    f = formula(text, given=GIVEN)
    g = gradient(f, "A")
    assert str(g) == slope
    assert formula(str(g), given=g.given) == g
    A = VALUES["A"].clone().requires_grad_()
    wanted = by_torch(A, VALUES["B"])
    wanted.backward()
    value, gradients = to_torch(f, gradient=["A"])({name: VALUES[name] for name in f.variables})
    torch.testing.assert_close(value, wanted.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradients["A"], A.grad, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("k", [-2, -1, 0, 1, 5])
def test_value(k: int) -> None:
    f = formula("A^k", given=GIVEN)
    wanted = power(VALUES["A"], k)
    torch.testing.assert_close(f.evaluate(A=VALUES["A"], k=k), wanted, rtol=1e-12, atol=1e-12)
    exact = np.array(f.evaluate({"A": VALUES["A"], "k": k}, digits=30)).astype(float)
    np.testing.assert_allclose(exact, wanted.numpy(), rtol=1e-12, atol=1e-12)


def test_exact_values_stay_exact() -> None:
    found = formula("A^k", given=GIVEN).evaluate({"A": [[1, 1], [0, 1]], "k": 10**6}, digits=40)
    assert found == [[1, 10**6], [0, 1]]


def test_an_exponent_may_be_an_index() -> None:
    f = formula("sum(i=1..4, tr(A^i)/i)", given="A[n,n]")
    assert formula(str(f), given=f.given) == f
    A = VALUES["A"].clone().requires_grad_()
    sum(power(A, i).trace() / i for i in range(1, 5)).backward()
    torch.testing.assert_close(gradient(f, "A").evaluate(A=VALUES["A"]), A.grad)


def test_numbers_are_products_still() -> None:
    assert formula("A^3", given=GIVEN) == formula("A*A*A", given=GIVEN)
    assert formula("A^0", given=GIVEN) == formula("eye(n)", given=GIVEN)
    assert formula("A^-2", given=GIVEN) == formula("inv(A)*inv(A)", given=GIVEN)
    assert formula("matrix_power(A, k)", given=GIVEN) == formula("A^k", given=GIVEN)


def test_printed() -> None:
    f = formula("(A^k)'*A^(k-1)*x", given=GIVEN)
    assert str(f) == "(A^k)'*A^(k - 1)*x"
    assert f.latex() == r"\left(A^{k}\right)^{\top} A^{k - 1} x"


@pytest.mark.parametrize("text", ["tr(B*A^k)", "x'*A^k*x", "sum(A^k)", "tr(A'*A^k)", "normF(A^k)"])
def test_there_is_no_closed_form_where_the_adjoint_does_not_commute(text: str) -> None:
    with pytest.raises(NoRuleError, match=r"the sum over r = 0, …, k - 1 of \(A\^r\)'\*G\*\(A\^\(k-1-r\)\)'"):
        gradient(formula(text, given=GIVEN), "A")


def test_what_else_is_refused() -> None:
    with pytest.raises(NoRuleError, match="cannot be derived by"):
        derivative(formula("tr(A^k)", given=GIVEN), "k")
    with pytest.raises(NoRuleError, match="no closed form"):
        hessian(formula("tr(A^k)", given=GIVEN), "A")
    singular = {"A": [[1.0, 2.0], [2.0, 4.0]], "k": -1}
    for digits in (None, 20):
        with pytest.raises(DomainError):
            formula("A^k", given=GIVEN).evaluate(singular, digits=digits)
        with pytest.raises(DomainError, match=r"k is declared integer, and its value is 1\.5"):
            formula("A^k", given=GIVEN).evaluate({**singular, "k": 1.5}, digits=digits)


def test_claims() -> None:
    assert check("grad(tr(A^k), A) = k*(A^(k-1))'", given=GIVEN).grade == "proved"
    assert check("grad(tr(A^k), A) = k*A^(k-1)", given=GIVEN).grade == "refuted"
