"""The loss along a line, derived: φ(t) = f(w + t·u), φ'(t) = D_u f(w + t·u), φ''(t); and the Hessian times a direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from symgd.algebra import expression as ex
from symgd.algebra.expression import Expression, Leaf
from symgd.algebra.simplify import simplified_all
from symgd.calculus import derive
from symgd.descent.methods.method import State, split
from symgd.descent.objective import Objective


def _directions(objective: Objective) -> list[Leaf]:
    """A variable for the direction of every parameter; no text of a formula can have its name."""
    return [ex.leaf(f"along {leaf.name}", leaf.shape) for leaf in objective.leaves]


def line_of(objective: Objective) -> Callable[[State, Tensor, float], tuple[float, float, float]]:
    """φ, φ' and φ'' at a rate t from a state along a direction; each is a scalar formula of its own, no gradient is formed."""
    directions, rate = _directions(objective), ex.leaf("the rate")
    moved: dict[Expression, Expression] = {
        leaf: ex.add([leaf, ex.multiply(rate, along)]) for leaf, along in zip(objective.leaves, directions)
    }
    value = ex.substitute(objective.value, moved)
    slope = simplified_all([ex.add([derive.inner(ex.substitute(g, moved), u) for g, u in zip(objective.slopes, directions)])])[0]
    roots = simplified_all([value, slope, derive.jacobian(slope, rate)])
    evaluate = objective.of_all_data(roots, [rate, *directions])

    def call(state: State, direction: Tensor, at: float) -> tuple[float, float, float]:
        objective.evaluations += 1
        parts = split(direction.to(state.point[0].dtype), state.point)
        found = evaluate(state.point, torch.tensor(at, dtype=state.point[0].dtype, device=state.point[0].device), *parts)
        return float(found[0]), float(found[1]), float(found[2])

    return call


def hessian_vector_of(objective: Objective) -> Callable[[Sequence[Tensor], Tensor], Tensor]:
    """The Hessian at a point times a direction, both over all entries of all parameters; the Hessian itself is never formed."""
    directions = _directions(objective)
    along = ex.add([derive.inner(slope, direction) for slope, direction in zip(objective.slopes, directions)])
    evaluate = objective.of_all_data(simplified_all(derive.gradient(along, objective.leaves)), directions)

    def call(point: Sequence[Tensor], direction: Tensor) -> Tensor:
        objective.evaluations += 1
        found = evaluate(point, *split(direction.to(point[0].dtype), point))
        return torch.cat([part.reshape(-1) for part in found])

    return call
