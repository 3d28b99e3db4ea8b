"""Checkpoints: a descent written to a file every few seconds, whole or not at all, from which it goes on bit for bit.

The file holds tensors (safetensors) and one JSON text: the point with its loss and gradient, what the method remembers, the losses
and the path so far, and what the run was asked, by which a resumed run is known to be the same.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from symgd.descent.history import History
from symgd.descent.memory import recall, remembered
from symgd.descent.methods.method import Method, State
from symgd.descent.objective import Objective
from symgd.descent.tensors import read_tensors, write_tensors
from symgd.errors import ValueGivenError

_NAME = "symgd descent, "
_FORMAT = f"{_NAME}3"
_SHARE = 20.0  # times as long as writing takes is waited, where that is more than the seconds asked for


@dataclass(slots=True)
class Saved:
    """What a checkpoint holds of the loop.

    `recent` are the last losses, `ended` is how the run ended, where it did: (outcome, advice). `whole` tells data in blocks apart where
    updates see batches of them: the loss over all data at the start, and the length of its gradient.
    """

    state: State
    recent: list[float]
    quiet: int
    evaluations: int
    ended: tuple[str, str] | None
    whole: list[float]


class Checkpoint:
    """Writes and reads one file. `asked` is what has to be the same in a run that is resumed, by name."""

    def __init__(self, path: str | Path, seconds: float, resume: bool, asked: dict[str, str]) -> None:
        self.path, self.seconds, self.resume, self.asked = Path(path), seconds, resume, asked
        self._next = time.monotonic() + seconds

    def is_due(self) -> bool:
        return time.monotonic() >= self._next

    def write(self, saved: Saved, history: History, method: Method, names: Sequence[str]) -> None:
        """Raises ValueGivenError where the file cannot be written."""
        began = time.monotonic()
        tensors: dict[str, Tensor] = {"values": history.losses.rows, "path": history.points.rows, "value": saved.state.value}
        for k, name in enumerate(names):
            tensors[f"point/{name}"], tensors[f"gradient/{name}"] = saved.state.point[k], saved.state.gradient[k]
        kept: dict[str, Tensor] = {}

        def keep(tensor: Tensor) -> str:
            name = f"method/{len(kept)}"
            kept[name] = tensor
            return name

        notes = {
            "format": _FORMAT,
            "asked": self.asked,
            "method": remembered(method, keep),
            "taken": history.taken,
            "strides": [history.losses.stride, history.points.stride],
            "recent": saved.recent,
            "quiet": saved.quiet,
            "evaluations": saved.evaluations,
            "ended": saved.ended,
            "whole": saved.whole,
        }
        try:
            write_tensors(self.path, {**tensors, **kept}, {"symgd": json.dumps(notes)})
        except OSError as error:
            raise ValueGivenError(f"cannot write the checkpoint {str(self.path)!r}: {(error.strerror or str(error)).lower()}.") from None
        now = time.monotonic()
        self._next = now + max(self.seconds, _SHARE * (now - began))

    def read(self, method: Method, objective: Objective, history: History) -> Saved | None:
        """What was saved, the method and the history given back what they kept; None where a run begins.

        Raises ValueGivenError for another run's.
        """
        if not self.resume or not self.path.exists():
            return None
        try:
            tensors, texts = read_tensors(self.path)
        except OSError as error:
            raise ValueGivenError(f"cannot read the checkpoint {str(self.path)!r}: {(error.strerror or str(error)).lower()}.") from None
        notes = json.loads(texts.get("symgd", "{}"))
        if notes.get("format") != _FORMAT:
            if str(notes.get("format")).startswith(_NAME):
                reason = f"the checkpoint {str(self.path)!r} was written by another version of symgd."
                raise ValueGivenError(reason, hint="Resume with that version, or begin anew with resume=False.")
            raise ValueGivenError(f"{str(self.path)!r} is no checkpoint of a descent.", hint="Give the file that checkpoint= wrote.")
        for name, text in self.asked.items():
            if notes["asked"].get(name) != text:
                reason = f"the checkpoint {str(self.path)!r} is of another run: its {name} differs."
                raise ValueGivenError(reason, hint="Resume with what the run was begun with, or begin anew with resume=False.")
        device = objective.program.device
        moved = {name: tensor.to(device) for name, tensor in tensors.items()}
        names = objective.names
        point = [moved[f"point/{name}"].to(one.dtype) for name, one in zip(names, objective.start)]
        gradient = [moved[f"gradient/{name}"].to(one.dtype) for name, one in zip(names, objective.start)]
        recall(method, notes["method"], lambda name: moved[name], point)
        state = State(point, moved["value"].to(objective.program.dtype), gradient)
        strides = notes["strides"]
        history.restore((tensors["values"], strides[0]), (moved["path"], strides[1]), notes["taken"], state.value.item())
        ended = notes["ended"]
        return Saved(state, notes["recent"], notes["quiet"], notes["evaluations"], ended and (ended[0], ended[1]), notes["whole"])


def asked_of(objective: Objective, **options: Any) -> dict[str, str]:
    """What makes a run this run: the formula, the start and the data to the last bit, the options.

    Of data in blocks only the first is looked at: reading them all costs as much as a step, so their loss is compared (see `loop`).
    """
    f = objective.program.formula
    found = {"formula": str(f), "declarations": f.given, "number format": str(objective.program.dtype)}
    for name, tensor in objective.bound.tensors.items():
        kind = "start" if name in objective.names else "data"
        content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        digest = hashlib.blake2b(str(tuple(tensor.shape)).encode() + content, digest_size=16)
        found[f"{kind} of {name}"] = digest.hexdigest()
    return found | {name: repr(value) for name, value in options.items()}
