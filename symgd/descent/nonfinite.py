"""Where a loss or its gradient stops being finite: the first part of it, in the order of computation, that is no finite number."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from symgd.algebra import expression as ex
from symgd.algebra.expression import Constant, Expression, Leaf
from symgd.descent.objective import Objective
from symgd.errors import SymgdError
from symgd.formula import Formula
from symgd.lowering.convert import place

_SHOWN = 80  # characters of a part that are shown
_ADVICE = "Take a smaller rate, or another start."


def first_nonfinite(objective: Objective, point: Sequence[Tensor]) -> str:
    """A sentence that names the part, its value, and the parameters in it; "" where every part of loss and gradient is finite."""
    for name, tensor in zip(objective.names, point):
        if not bool(torch.isfinite(tensor).all()):
            return f"{name} itself is not finite any more: {_value(tensor)}. {_ADVICE}"
    if objective.blocked is not None:
        return ""
    parts = [node for node in ex.topological(objective.program.formula.origin, *objective.slopes) if not isinstance(node, Constant | Leaf)]
    try:
        values = objective.of_all_data(parts)(point)
    except (SymgdError, RuntimeError):  # what is no array by itself, or too large to be kept: the general advice has to do
        return ""
    for node, value in zip(parts, values):
        if not bool(torch.isfinite(value).all()):
            return f"{_text(node, objective)} is {_value(value)} there{_where(node, objective, point)}. {_ADVICE}"
    return ""


def _text(node: Expression, objective: Objective) -> str:
    found = str(Formula(node, objective.program.formula.known))
    return found if len(found) <= _SHOWN else f"{found[: _SHOWN - 2]} …"


def _value(value: Tensor) -> str:
    where = tuple(int(k) for k in torch.nonzero(~torch.isfinite(value))[0]) if value.dim() else ()
    return f"{float(value[where])} at {place(where)}" if where else f"{float(value)}"


def _where(node: Expression, objective: Objective, point: Sequence[Tensor]) -> str:
    """The parameters that the part depends on, with their values."""
    inside = set(ex.leaves(node))
    shown = [
        f"{leaf.name} = {float(tensor):.6g}" if not tensor.dim() else f"the largest entry of {leaf.name} {float(tensor.abs().max()):.6g}"
        for leaf, tensor in zip(objective.leaves, point)
        if leaf in inside
    ]
    return f", at {', '.join(shown)}" if shown else ", whatever the parameters"
