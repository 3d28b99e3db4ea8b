"""A backward written by hand against the derived gradient: focal loss, in three versions.

    python examples/hand_written_backward.py

Claim: a forgotten term is caught at ordinary points; the textbook's form, right on paper, loses all digits where the model is sure
of itself, and only hard points show it; the third version is right to a few ulps everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import symgd

# Lin, Goyal, Girshick, He, Dollár, Focal Loss for Dense Object Detection (2017), (5), with gamma = 2 and p = sigmoid(z).
LOSS = "sum(sigmoid(-z).^2 .* softplus(-z))"
GIVEN = "z[n]"


def value(z: Tensor) -> Tensor:
    return (torch.sigmoid(-z) ** 2 * torch.logaddexp(-z, torch.zeros_like(z))).sum()


def focal(backward: Callable[[Tensor], Tensor]) -> type[torch.autograd.Function]:
    """The loss with a backward by hand."""

    class Focal(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, z: Tensor) -> Tensor:
            ctx.save_for_backward(z)
            return value(z)

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Tensor:
            (z,) = ctx.saved_tensors
            return g * backward(z)

    return Focal


def forgotten_term(z: Tensor) -> Tensor:
    """Without the derivative of the weight (1 - p)^2."""
    return -(torch.sigmoid(-z) ** 3)


def textbook(z: Tensor) -> Tensor:
    """(1 - p)^2 (2 p log p + p - 1), as the paper prints it."""
    p = torch.sigmoid(z)
    return (1 - p) ** 2 * (2 * p * torch.log(p) + p - 1)


def careful(z: Tensor) -> Tensor:
    """The same with q = 1 - p = sigmoid(-z) and -log p = softplus(-z): nothing cancels, nothing overflows."""
    q = torch.sigmoid(-z)
    return -(q**2) * (2 * torch.sigmoid(z) * torch.logaddexp(-z, torch.zeros_like(z)) + q)


def main() -> None:
    print(f"f  = {LOSS}\n∇f = {symgd.gradient(symgd.formula(LOSS, given=GIVEN), 'z')}")
    found = {}
    for backward in (forgotten_term, textbook, careful):
        found[backward] = symgd.check_gradient(focal(backward), LOSS, given=GIVEN)
        print(f"\n{backward.__name__.replace('_', ' ')}\n{found[backward]}")
    assert found[forgotten_term].grade == "wrong"
    assert found[textbook].grade == "wrong at hard points"
    assert found[careful].right
    assert all(row.error <= 1000 for row in found[careful].rows)


if __name__ == "__main__":
    main()
