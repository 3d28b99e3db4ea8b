"""Blocks, triangles, bands, linear equations: what they are, against torch; with many digits; and their gradients, against autograd."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import symgd
from symgd import formula, to_torch

GIVEN = "A[m,n], B[m,q], C[p,n], D[p,q], S[n,n], x[n], y[n], z[p], s"
SIZES = {"m": 2, "n": 3, "p": 1, "q": 4}
SHAPES = {"A": "mn", "B": "mq", "C": "pn", "D": "pq", "S": "nn", "x": "n", "y": "n", "z": "p", "s": ""}
torch.manual_seed(0)
VALUES = {name: torch.rand([SIZES[size] for size in shape], dtype=torch.float64) + 0.5 for name, shape in SHAPES.items()}
VALUES["S"] = VALUES["S"] + 3 * torch.eye(3, dtype=torch.float64)
cat, linalg = torch.cat, torch.linalg


def column(vector: torch.Tensor) -> torch.Tensor:
    return vector[:, None]


def blocks(rows: list[list[torch.Tensor]]) -> torch.Tensor:
    return cat([cat(row, dim=1) for row in rows])


MEANINGS: list[tuple[str, Callable[[Any], torch.Tensor]]] = [
    ("[A, B; C, D]", lambda v: blocks([[v.A, v.B], [v.C, v.D]])),
    ("[[A, B], [C, D]]", lambda v: blocks([[v.A, v.B], [v.C, v.D]])),
    ("[A; C]*x", lambda v: cat([v.A, v.C]) @ v.x),
    ("[x; z; s; 2]", lambda v: cat([v.x, v.z, v.s[None], v.s[None] * 0 + 2])),
    ("[x', s]", lambda v: cat([v.x, v.s[None]])),
    ("[x, y]", lambda v: torch.stack([v.x, v.y], dim=1)),
    ("[x'; y']", lambda v: torch.stack([v.x, v.y])),
    ("[S, x; y', s]", lambda v: blocks([[v.S, column(v.x)], [v.y[None], v.s[None, None]]])),
    ("[A, zeros(m,q); zeros(p,n), D]", lambda v: torch.block_diag(v.A, v.D)),
    ("exp([A; C]) .* [A; C]", lambda v: torch.exp(cat([v.A, v.C])) * cat([v.A, v.C])),
    ("sum(i, x[i]*[y; i])", lambda v: cat([v.x.sum() * v.y, (v.x * torch.arange(1, 4)).sum()[None]])),
    ("solve(S, x)", lambda v: linalg.solve(v.S, v.x)),
    ("S\\x", lambda v: linalg.solve(v.S, v.x)),
    ("2*S\\A'*s", lambda v: linalg.solve(2 * v.S, v.A.T) * v.s),
    ("normInf(x - 2*y)", lambda v: (v.x - 2 * v.y).abs().max()),
    ("tril(S)", lambda v: torch.tril(v.S)),
    ("triu(S)", lambda v: torch.triu(v.S)),
    ("tril(A, 1)", lambda v: torch.tril(v.A, 1)),
    ("triu(A', -1)", lambda v: torch.triu(v.A.T, -1)),
    ("band(S, 0, 1)", lambda v: torch.tril(torch.triu(v.S), 1)),
    ("tril(S)*triu(S)'*x", lambda v: torch.tril(v.S) @ torch.triu(v.S).T @ v.x),
    ("tril(tril(S).*S)", lambda v: torch.tril(v.S) ** 2),
]


def digits_of(values: Any) -> Any:
    return [digits_of(entry) for entry in values] if isinstance(values, list) else float(values)


@pytest.mark.parametrize(("text", "meaning"), MEANINGS, ids=[text for text, _ in MEANINGS])
def test_meaning(text: str, meaning: Callable[[Any], torch.Tensor]) -> None:
    """In torch, with many digits, and the gradient of a sum of squares."""
    f = formula(text, given=GIVEN)
    values = {name: VALUES[name] for name in f.variables}
    wanted = meaning(SimpleNamespace(**VALUES))
    assert [dimension.evaluate(SIZES) for dimension in f.shape] == list(wanted.shape)
    torch.testing.assert_close(f.evaluate(values), wanted, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(digits_of(f.evaluate(values, digits=30)), wanted.numpy(), rtol=1e-13, atol=1e-13)

    loss = formula(f"sum(sin({text}))" if f.shape else text, given=GIVEN)
    leaves = {name: VALUES[name].clone().requires_grad_() for name in loss.variables}
    by_torch = meaning(SimpleNamespace(**{**VALUES, **leaves}))
    (by_torch.sin().sum() if f.shape else by_torch).backward()
    _, gradients = to_torch(loss, gradient=list(leaves))(values)
    for name, leaf in leaves.items():
        torch.testing.assert_close(gradients[name], leaf.grad, rtol=1e-11, atol=1e-12)


def test_in_python() -> None:
    S, x, s = symgd.variables("S[n,n], x[n], s")
    assert str(symgd.block([[S, x], [x.T, 1]])) == "[S, x; x', 1]"
    assert str(symgd.block([[x], [s]])) == "[x; s]"
    assert str(symgd.solve(S, x)) == "inv(S)*x"
    assert str(symgd.normInf(x)) == "max(abs(x))"
    assert [str(symgd.tril(S)), str(symgd.triu(S, 1)), str(symgd.band(S, 1, "m"))] == ["tril(S)", "triu(S, 1)", "band(S, 1, m)"]
    assert str(symgd.matrix_power(S, 3)) == "S^3"
    with pytest.raises(symgd.FormulaError, match="block takes rows of blocks"):
        symgd.block([S, x])


def test_ties_of_the_largest_entry_share_its_derivative() -> None:
    found = symgd.gradient(formula("normInf(x)", given="x[n]"), "x").evaluate(x=[-2.0, 1.0, 2.0])
    assert found.tolist() == [-0.5, 0.0, 0.5]


def test_the_backslash_binds_as_the_product_does() -> None:
    given = "A[n,n], B[n,n], b[n]"
    assert str(formula("A\\B*b + b", given=given)) == "inv(A)*B*b + b"
    assert str(formula("A*B\\b", given=given)) == "inv(A*B)*b"
    assert str(formula("A\\ alpha", given="A[n,n], alpha[n]")) == "inv(A)*alpha"


def test_a_triangle_of_a_transpose() -> None:
    f = formula("tr(tril(A)*B)", given="A[n,n], B[n,n]")
    assert [str(symgd.gradient(f, name)) for name in "AB"] == ["tril(B')", "triu(A')"]
    g = symgd.gradient(formula("normF(tril(A)*tril(A)' - B)^2", given="A[n,n], B[n,n]"), "A")
    assert formula(str(g), given=g.given) == g
    assert symgd.check("tril(A)' = triu(A')", given="A[n,n]").grade == "proved"
    assert symgd.check("tril(A) + triu(A, 1) = A", given="A[n,n]").grade in ("proved", "agrees")
    assert symgd.check("tril(A) + triu(A) = A", given="A[n,n]").grade == "refuted"
