"""Blocks in programs: put side by side, not added up from arrays padded with zeros."""

from __future__ import annotations

import pytest
import torch

from symgd import formula, to_torch

GIVEN = "A[m,n], B[m,q], C[p,n], D[p,q], b[m], x[n], w[n+1]"
A, b, x = torch.rand(2, 3, dtype=torch.float64), torch.rand(2, dtype=torch.float64), torch.rand(3, dtype=torch.float64)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("[A; C]", "torch.cat((x0, x1))"),
        ("[A, B]", "torch.cat((x0, x1), dim=1)"),
        ("[A, B; C, D]", "torch.cat((torch.cat((x0, x1), dim=1), torch.cat((x2, x3), dim=1)))"),
        ("[A, b]*[x; 1]", "torch.cat((x0, x1[:, None]), dim=1) @ torch.cat((x2, c1))"),
        ("[2*A; -C]", "torch.cat((2 * x0, -x1))"),
        ("[A, zeros(m,q); C, D]", "torch.cat((x0, torch.full((n0, n3), 0, "),
    ],
)
def test_source(text: str, written: str) -> None:
    source = to_torch(formula(text, given=GIVEN)).source
    assert written in source
    assert "pad" not in source


def test_a_block_beside_another_term_is_added() -> None:
    value, _ = to_torch(formula("w + [x; 1]", given=GIVEN))(w=[1, 2, 3, 4], x=[5, 6, 7])
    assert value.tolist() == [6, 8, 10, 5]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_gradient_in_every_dtype(dtype: torch.dtype) -> None:
    loss = formula("norm2(tanh([A, b]*[x; 1]))^2", given=GIVEN)
    leaves = [value.to(dtype, copy=True).requires_grad_() for value in (A, b, x)]
    torch.tanh(leaves[0] @ leaves[2] + leaves[1]).square().sum().backward()
    _, gradients = to_torch(loss, gradient=["A", "b", "x"], dtype=dtype)(A=A, b=b, x=x)
    for gradient, leaf in zip(gradients.values(), leaves):
        assert gradient.dtype == dtype
        torch.testing.assert_close(gradient, leaf.grad, rtol=100 * torch.finfo(dtype).eps, atol=1e-7)


def test_compiled() -> None:
    program = to_torch(formula("sum([x; 1].^2)", given=GIVEN), gradient=["x"], backend="compile")
    value, gradients = program(x=x)
    torch.testing.assert_close(value, (x * x).sum() + 1)
    torch.testing.assert_close(gradients["x"], 2 * x)
