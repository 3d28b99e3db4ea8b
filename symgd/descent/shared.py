"""A descent of several processes: the first rank descends, the others serve its passes, and all of them return the same."""

from __future__ import annotations

import torch
from torch import Tensor

from symgd.descent.interrupts import Interrupts
from symgd.descent.loop import Plan, run
from symgd.descent.objective import Objective
from symgd.descent.outcome import Descent, Number, Outcome
from symgd.errors import RankError

_HEAD = 4  # the outcome, evaluations, the number of losses, the number of points of the path


def run_shared(objective: Objective, plan: Plan) -> Descent:
    """`run`, by all ranks of the objective's team, where there is one. Raises RankError where a rank fails or is lost."""
    blocked, team = objective.blocked, objective.team
    if blocked is None or team is None:
        return run(objective, plan)
    if not team.leads:
        with Interrupts():  # Ctrl-C reaches every process: the first rank ends the descent
            blocked.serve()
        return _received(objective, *team.told(None, "", 0))
    try:
        found = run(objective, plan)
    except RankError:
        raise
    except Exception as error:
        team.fail(error, blocked.length)
        raise
    team.told(_numbers(found, objective), found.message, blocked.length)
    return found


def _numbers(found: Descent, objective: Objective) -> Tensor:
    """What was found, as float64 numbers."""
    count = len(next(iter(found.path.values())))
    head = [float(list(Outcome).index(found.outcome)), float(found.evaluations), float(len(found.values)), float(count)]
    parts = [torch.tensor(head, dtype=torch.float64), torch.tensor(found.values, dtype=torch.float64)]
    for name in objective.names:
        parts += [torch.as_tensor(one, dtype=torch.float64).reshape(-1).cpu() for one in (*found.path[name], found.parameters[name])]
    return torch.cat(parts)


def _received(objective: Objective, numbers: Tensor, message: str) -> Descent:
    """What the first rank has found."""
    numbers = numbers.cpu()
    outcome, evaluations, losses, points = (int(one) for one in numbers[:_HEAD])
    values = numbers[_HEAD : _HEAD + losses].tolist()
    place = _HEAD + losses
    path: dict[str, list[Number]] = {}
    for name, like in zip(objective.names, objective.start):
        length = like.numel() * (points + 1)
        rows = numbers[place : place + length].reshape(points + 1, *like.shape)
        place += length
        path[name] = list(rows.to(like.dtype).to(like.device).clone().unbind()) if like.dim() else rows.tolist()
    objective.evaluations = evaluations
    return Descent(
        parameters={name: rows.pop() for name, rows in path.items()},
        values=values,
        path=path,
        outcome=list(Outcome)[outcome],
        steps=losses - 1,
        evaluations=evaluations,
        message=message,
        source=objective,
    )
