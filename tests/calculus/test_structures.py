"""Gradients by the free entries of structured matrices, declarations of structure, and values and points that keep them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
import torch

from symgd import DomainError, FormulaError, ShapeError, check, formula, gradient
from symgd.verify import sample

LOSS = "normF(L*L' - S)^2 + sum(exp(L))"
torch.manual_seed(2)
FREE = torch.rand(4, 4, dtype=torch.float64)
S = torch.rand(4, 4, dtype=torch.float64)
PATTERNS: dict[str, tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = {
    "lower": ("lower", torch.tril),
    "upper": ("upper", torch.triu),
    "diagonal": ("diagonal", lambda X: torch.diag(torch.diag(X))),
    "banded": ("banded(1, 2)", lambda X: torch.tril(torch.triu(X, -1), 2)),
}


@pytest.mark.parametrize("structure", PATTERNS)
def test_the_gradient_by_the_entries_inside(structure: str) -> None:
    """It is the gradient of the loss as a function of any matrix, of which only the entries inside are used."""
    declared, pattern = PATTERNS[structure]
    f = formula(LOSS, given=f"L[n,n] {declared}, S[n,n]")
    g = gradient(f, "L", structure=structure)
    free = FREE.clone().requires_grad_()
    L = pattern(free)
    ((L @ L.T - S) ** 2).sum().add(torch.exp(L).sum()).backward()
    torch.testing.assert_close(g.evaluate(L=L.detach(), S=S), free.grad, rtol=1e-12, atol=1e-12)
    again = formula(str(g), given=g.given)
    assert again == g
    assert check(f"grad({LOSS}, L, {structure}) = {g}", given=g.given).grade == "proved"
    if structure != "diagonal":
        assert gradient(f, "L", structure="symmetric") != g


def test_a_plain_gradient_sees_all_entries() -> None:
    f = formula("sum(L)", given="L[n,n] lower")
    assert str(gradient(f, "L")) == "ones(n, n)"
    assert str(gradient(f, "L", structure="lower")) == "tril(ones(n, n))"
    assert str(gradient(f, "L", structure="diagonal")) == "eye(n)"
    assert str(formula("grad(sum(L.^2), L, banded)", given="L[n,n] banded(0, 3)")) == "2*band(L, 0, 3)"


@pytest.mark.parametrize(
    ("structure", "given", "message"),
    [
        ("lowr", "X[n,n]", "unknown structure 'lowr'.\nDid you mean lower? The structures are symmetric, diagonal, lower, upper, banded."),
        ("free", "X[n,n]", "unknown structure 'free'.\nThe structures are symmetric, diagonal, lower, upper, banded."),
        ("lower", "X[m,n]", "a gradient under the structure lower needs a square matrix, and X is (m, n).\nDeclare it as X[n,n] lower."),
        (
            "banded",
            "X[n,n]",
            "structure 'banded' takes its diagonals from the declaration of X, which states none.\nDeclare X[n,n] banded(1, 1).",
        ),
        ("upper", "X[n]", "a gradient under the structure upper needs a square matrix, and X is (n).\nDeclare it as X[n,n] upper."),
    ],
)
def test_refusals(structure: str, given: str, message: str) -> None:
    with pytest.raises((FormulaError, ShapeError)) as caught:
        gradient(formula("sum(X)", given=given), "X", structure=structure)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("written", "printed"),
    [("lower", "lower"), ("upper", "upper"), ("banded(2,0)", "banded(2, 0)"), ("tridiagonal", "banded(1, 1)"), ("spd banded(1,1)", "")],
)
def test_declarations_print_as_they_are_read(written: str, printed: str) -> None:
    f = formula("tr(L)", given=f"L[n,n] {written}")
    assert f.given == f"L[n,n] {printed or 'spd banded(1, 1)'}"
    assert formula("tr(L)", given=f.given) == f
    assert formula("tr(L)", given={"L": f"[n,n] {written}"}) == f


@pytest.mark.parametrize(
    "kind",
    [
        "lower",
        "upper",
        "banded(1, 2)",
        "tridiagonal",
        "diagonal",
        "symmetric",
        "spd",
        "orthogonal",
        "symmetric tridiagonal",
        "spd banded(1, 1)",
        "spd banded(0, 2)",
        "orthogonal lower",
        "spd lower",
        "symmetric upper",
        "lower upper",
        "lower banded(2, 2)",
    ],
)
def test_random_points_keep_the_declaration(kind: str) -> None:
    """The point is taken as a value, which is checked against the declaration."""
    f = formula("L", given=f"L[n,n] {kind}")
    for seed in range(5):
        point = sample.point(f.leaves.values(), {"n": 4}, Random(seed))
        assert f.evaluate({"L": [[float(entry) for entry in row] for row in point["L"]]}).shape == (4, 4)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("lower", [[1, 2], [0, 1]], "Give a matrix with zeros above its diagonal, as torch.tril(L)."),
        ("upper", [[1, 0], [2, 1]], "Give a matrix with zeros below its diagonal, as torch.triu(L)."),
        (
            "banded(0, 1)",
            [[1, 2, 3], [0, 1, 2], [0, 0, 1]],
            "Give a matrix with zeros off its main diagonal, the 0 below it and the 1 above it.",
        ),
    ],
)
def test_values_outside_the_pattern_are_refused(kind: str, value: list[list[float]], message: str) -> None:
    for digits in (None, 20):
        with pytest.raises(DomainError) as caught:
            formula("sum(L)", given=f"L[n,n] {kind}").evaluate({"L": value}, digits=digits)
        assert str(caught.value) == f"L is declared {kind}, and the value given is not.\n{message}"
