"""Ridge and logistic regression in matrix form: the gradients of the textbooks, derived.

Claims: the gradient of ‖Xw − y‖² + λ‖w‖² is 2Xᵀ(Xw − y) + 2λw, and descent ends where the normal equations
(XᵀX + λI) w = Xᵀy have their solution; the gradient of the logistic loss Σ log(1 + exp(−y·Xw)) is −Xᵀ(y ⊙ σ(−y ⊙ Xw)),
and its Hessian Xᵀ D X.
Source of the formulas: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 2nd edition, equations (3.43), (3.44), (4.21).
"""

from __future__ import annotations

import torch

import symgd


def gap(left: torch.Tensor, right: torch.Tensor) -> float:
    """The largest difference, relative to the larger array."""
    return float((left - right).abs().max() / torch.maximum(left.abs().max(), right.abs().max()))


def ridge(X: torch.Tensor, y: torch.Tensor) -> None:
    given = "X[n,d], w[d], y[n], lambda > 0"
    loss = symgd.formula("norm2(X*w - y)^2 + lambda*norm2(w)^2", given=given)
    gradient = symgd.gradient(loss, "w")
    textbook = symgd.formula("2*X'*(X*w - y) + 2*lambda*w", given=given)
    print(f"ridge loss        {loss}\ngradient          {gradient}")

    penalty = 0.5
    at = {"X": X, "y": y, "w": torch.ones(X.shape[1], dtype=torch.float64), "lambda": penalty}
    assert gap(gradient.evaluate(at), textbook.evaluate(at)) < 1e-14

    largest = float(torch.linalg.eigvalsh(X.T @ X)[-1])
    start = {"w": [0.0] * X.shape[1]}
    found = symgd.descend(loss, start=start, data={"X": X, "y": y, "lambda": penalty}, rate=0.5 / (largest + penalty), steps=2000)
    w = torch.as_tensor(found.parameters["w"])
    solution = torch.linalg.solve(X.T @ X + penalty * torch.eye(X.shape[1], dtype=torch.float64), X.T @ y)
    print(f"descended to      {w.tolist()}\nnormal equations  {solution.tolist()}")
    assert gap(w, solution) < 1e-10


def logistic(X: torch.Tensor, y: torch.Tensor) -> None:
    given = "X[n,d], w[d], y[n]"
    loss = symgd.formula("sum(log(1 + exp(-y.*(X*w))))", given=given)
    gradient = symgd.gradient(loss, "w")
    textbook = symgd.formula("-X'*(y.*sigmoid(-y.*(X*w)))", given=given)
    print(f"\nlogistic loss     {loss}\ngradient          {gradient}\nHessian           {symgd.hessian(loss, 'w')}")
    at = {"X": X, "y": y, "w": torch.linspace(-1, 1, X.shape[1], dtype=torch.float64)}
    assert gap(gradient.evaluate(at), textbook.evaluate(at)) < 1e-13

    weight = torch.sigmoid(X @ at["w"])
    assert gap(symgd.hessian(loss, "w").evaluate(at), X.T @ torch.diag(weight * (1 - weight)) @ X) < 1e-13

    found = symgd.descend(loss, start={"w": [0.0] * X.shape[1]}, data={"X": X, "y": y}, rate=0.05, steps=500)
    first, last = float(found.values[0]), float(found.values[-1])
    print(f"loss              {first:.6f} at the start, {last:.6f} after {found.steps} steps")
    assert last < first
    assert float(gradient.evaluate({**at, "w": found.parameters["w"]}).abs().max()) < 1e-6


def main() -> None:
    noise = torch.Generator().manual_seed(3)
    X = torch.randn(60, 3, dtype=torch.float64, generator=noise)
    y = X @ torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64) + torch.randn(60, dtype=torch.float64, generator=noise)
    ridge(X, y)
    logistic(X, torch.sign(y))


if __name__ == "__main__":
    main()
