"""What several processes do together: the first rank computes, the others serve its passes, and all of them return the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from symgd.descent.interrupts import Interrupts
from symgd.descent.objective import Objective
from symgd.descent.outcome import Descent, Number, Outcome
from symgd.descent.ranks import Team
from symgd.descent.stationary import Stationary
from symgd.errors import RankError

_HEAD = 8  # outcome, kind of stationary point, evaluations, steps, how many losses, how many points of the path, steps between them


def together(team: Team, compute: Callable[[], tuple[Tensor, str]]) -> tuple[Tensor, str]:
    """What the first rank computes, as float64 numbers and a text. Raises RankError where a rank fails or is lost."""
    if not team.leads:
        with Interrupts(terminated=True) as team.interrupts:  # the first rank hears of it in the next sum, and ends the descent
            team.serve()
            return team.told(None, "")
    try:
        numbers, text = compute()
    except RankError:
        raise
    except Exception as error:
        team.fail(error)
        raise
    team.told(numbers, text)
    return numbers, text


def descended_together(objective: Objective, names: Sequence[str], compute: Callable[[], Descent]) -> Descent:
    """The descent that `compute` returns on the first rank, on all; `names` are its parameters, in order."""
    team = objective.team
    if team is None:
        return compute()
    own: list[Descent] = []

    def told() -> tuple[Tensor, str]:
        own.append(compute())
        return _numbers(own[0]), own[0].message

    numbers, message = together(team, told)
    return own[0] if own else _received(objective, names, numbers, message)


def _numbers(found: Descent) -> Tensor:
    """What was found, as float64 numbers."""
    count = len(next(iter(found.path.values())))
    kind = -1 if found.stationary is None else list(Stationary).index(found.stationary)
    head = [list(Outcome).index(found.outcome), kind, found.evaluations, found.steps, len(found.values), count, *found.every]
    parts = [torch.tensor(head, dtype=torch.float64), torch.tensor(found.values, dtype=torch.float64)]
    for name, value in found.parameters.items():
        parts += [torch.as_tensor(one, dtype=torch.float64).reshape(-1).cpu() for one in (*found.path.get(name, ()), value)]
    return torch.cat(parts)


def _received(objective: Objective, names: Sequence[str], numbers: Tensor, message: str) -> Descent:
    """What the first rank has found."""
    numbers = numbers.cpu()
    outcome, kind, evaluations, steps, losses, points, *every = (int(one) for one in numbers[:_HEAD])
    values = numbers[_HEAD : _HEAD + losses].tolist()
    place = _HEAD + losses
    path: dict[str, list[Number]] = {}
    for name in names:
        like = objective.bound.tensors[name]
        rows = 1 + (points if name in objective.names else 0)  # what was held has no path
        length = like.numel() * rows
        found = numbers[place : place + length].reshape(rows, *like.shape)
        place += length
        path[name] = list(found.to(like.dtype).to(like.device).clone().unbind()) if like.dim() else found.tolist()
    objective.evaluations = evaluations
    parameters = {name: path[name].pop() for name in names}
    return Descent(
        parameters=parameters,
        values=values,
        path={name: path[name] for name in objective.names},
        outcome=list(Outcome)[outcome],
        steps=steps,
        evaluations=evaluations,
        message=message,
        every=(every[0], every[1]),
        stationary=None if kind < 0 else list(Stationary)[kind],
        source=objective,
    )
