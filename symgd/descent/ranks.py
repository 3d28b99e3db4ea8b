"""Several processes that descend together, each with a part of the data: the ranks that torchrun starts, or those of a group of torch.

Rank 0 leads: it takes the steps, keeps the path, writes the checkpoint. For every pass over the data it broadcasts the point, all
ranks add up their samples, and the sums are all-reduced. At the end it broadcasts what was found, so that the result is the same on
every rank, to the last bit. A rank that fails tells the others; one that is lost ends the run on all others with an error.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor
from torch import distributed as dist

from symgd.descent.interrupts import Interrupts
from symgd.errors import RankError, SymgdError, ValueGivenError

RANKS = ("split", "own", "alone")
END, FAILED = -1, -2  # commands beside those to a loss
_TEXT = 4_000  # bytes of a message


class Loss(Protocol):
    """What a rank does for the first."""

    def serve(self, what: int, numbers: Tensor) -> None: ...


class Team:
    """The processes of a descent, from the view of one. `splits`: all have the same data, and each takes its part of them."""

    def __init__(self, splits: bool, device: torch.device) -> None:
        self.rank, self.size, self.splits = dist.get_rank(), dist.get_world_size(), splits
        self._device = device if "nccl" in str(dist.get_backend()) else torch.device("cpu")
        self._home = device
        self.losses: list[Loss] = []
        self._is_over = False  # has a rank failed, and do all know?
        self.interrupts: Interrupts | None = None  # of this rank, while it serves the first
        self.is_asked = False  # to stop, by an interrupt of any rank; all know it from the next sum on

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def part(self, count: int) -> slice:
        """The rows of this rank, of so many."""
        if count < self.size:
            hint = f'Start at most {count} processes, or write ranks="alone".'
            raise ValueGivenError(f"the data have {count} rows, and there are {self.size} ranks.", hint=hint)
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    # ---- passes ------------------------------------------------------------------------------------------------------

    def joined(self, loss: Loss) -> int:
        """A loss whose data the team shares: which one it is, alike on all ranks."""
        self.losses.append(loss)
        return len(self.losses) - 1

    def command(self, place: int, what: int, numbers: Tensor) -> None:
        """Tell the other ranks what to do with one of the losses."""
        self._broadcast(torch.tensor([place, what, len(numbers)], dtype=torch.int64))
        if len(numbers):
            self._broadcast(numbers)

    def serve(self) -> None:
        """Do what the first rank asks for, until it is done. Raises RankError where it has failed."""
        while True:
            place, what, length = self._broadcast(torch.zeros(3, dtype=torch.int64)).tolist()
            if what == END:
                return
            if what == FAILED:
                raise _failure(0, self._said(""))
            numbers = self._broadcast(torch.zeros(length, dtype=torch.float64)) if length else torch.zeros(0, dtype=torch.float64)
            self.losses[place].serve(what, numbers.to(self._home))

    def slot(self, numbers: Tensor) -> Tensor:
        """Room for the numbers of every rank, with those of this one in their place: added up, it has them all."""
        room = numbers.new_zeros((self.size, len(numbers)))
        room[self.rank] = numbers
        return room.reshape(-1)

    def counts(self, count: Callable[[], int]) -> list[int]:
        """What every rank counts. Where one fails, all of them raise."""
        failed, number = None, 0
        try:
            number = count()
        except Exception as error:
            failed = error
        return [int(one) for one in self.added_up(self.slot(torch.tensor([float(number)], dtype=torch.float64)), failed)]

    def added_up(self, numbers: Tensor, failed: Exception | None) -> Tensor:
        """The sum over all ranks. Where one has failed, all of them raise: it its own error, the others RankError."""
        asked = self.interrupts is not None and self.interrupts.asked
        whole = torch.cat([numbers.new_tensor([float(failed is not None), float(asked)]), numbers]).to(self._device)
        self._do(lambda: dist.all_reduce(whole))
        if float(whole[0]):
            self._is_over = True
            texts = self._gathered(_words(failed))
            if failed is not None:
                raise failed
            first = next(k for k, text in enumerate(texts) if text)
            raise _failure(first, texts[first])
        self.is_asked = self.is_asked or bool(whole[1])
        return whole[2:].to(self._home)

    # ---- the beginning and the end -------------------------------------------------------------------------------------

    def agree(self, asked: Mapping[str, str]) -> None:
        """Is every rank asked for the same? Raises, on every rank, where one is not."""
        if not self.splits:
            asked = {name: text for name, text in asked.items() if not name.startswith("data of ")}
        own = hashlib.blake2b(json.dumps(asked).encode(), digest_size=16).digest()
        mark = torch.frombuffer(bytearray(own), dtype=torch.uint8).to(self._device)
        marks = [torch.zeros_like(mark) for _ in range(self.size)]
        self._do(lambda: dist.all_gather(marks, mark))
        if all(torch.equal(one, marks[0]) for one in marks):
            return
        theirs = [{line.partition("\t")[0]: line for line in text.splitlines()} for text in self._gathered(_listed(asked))]
        other = next(k for k, one in enumerate(marks) if not torch.equal(one, marks[0]))
        what = next((name for name in theirs[0] if theirs[other].get(name) != theirs[0][name]), "the rest")
        hint = "Give every rank the same"
        if what.startswith("data of "):
            hint = 'Give every rank the same data, or write ranks="own" where each has rows of its own'
        raise RankError(f"ranks 0 and {other} ask for different descents: {what} differs.", hint=f"{hint}.")

    def told(self, numbers: Tensor | None, text: str) -> tuple[Tensor, str]:
        """At the end: what the first rank found, as numbers and a text."""
        if numbers is not None:
            self.command(0, END, torch.zeros(0))
        size = self._broadcast(torch.tensor([0 if numbers is None else len(numbers)], dtype=torch.int64))
        found = self._broadcast(torch.zeros(int(size[0]), dtype=torch.float64) if numbers is None else numbers)
        return found, self._said(text)

    def fail(self, error: BaseException) -> None:
        """The first rank has failed: tell the others, unless they know."""
        if not self._is_over:
            self.command(0, FAILED, torch.zeros(0))
            self._said(_words(error))

    # ---- messages ----------------------------------------------------------------------------------------------------

    def _broadcast(self, tensor: Tensor) -> Tensor:
        tensor = tensor.to(self._device)
        self._do(lambda: dist.broadcast(tensor, 0))
        return tensor

    def _said(self, text: str) -> str:
        """The text of the first rank."""
        length = self._broadcast(torch.tensor([len(text.encode())], dtype=torch.int64))
        content = bytearray(text.encode()) if self.leads else bytearray(int(length[0]))
        if not content:
            return ""
        return bytes(self._broadcast(torch.frombuffer(content, dtype=torch.uint8)).cpu().tolist()).decode()

    def _gathered(self, text: str) -> list[str]:
        """The texts of all ranks."""
        content = torch.zeros(_TEXT, dtype=torch.uint8)
        encoded = text.encode()[:_TEXT]
        content[: len(encoded)] = torch.tensor(list(encoded), dtype=torch.uint8)
        own = content.to(self._device)
        every = [torch.zeros_like(own) for _ in range(self.size)]
        self._do(lambda: dist.all_gather(every, own))
        return [bytes(one.cpu().tolist()).rstrip(b"\0").decode(errors="replace") for one in every]

    def _do(self, collective: Any) -> None:
        try:
            collective()
        except RuntimeError as error:
            raise lost(str(error)) from None


def team_of(ranks: Any, device: Any) -> Team | None:
    """The team for this choice of `ranks`; None where this process descends by itself."""
    if ranks is not None and ranks not in RANKS:
        hint = 'Write ranks="split" where all have the same data, ranks="own" where each has rows of its own, or ranks="alone".'
        raise ValueGivenError(f"ranks is {str(ranks)[:40]!r}.", hint=hint)
    if ranks == "alone" or processes() == 1:
        return None
    place = device_of(device)
    if not dist.is_initialized():
        try:
            dist.init_process_group(transport(place))
        except (RuntimeError, ValueError) as error:
            raise lost(str(error)) from None
        atexit.register(_leave)
    return Team(ranks != "own", place) if dist.get_world_size() > 1 else None


def processes() -> int:
    """How many processes descend together: those of the group of torch, else those that torchrun started, else 1."""
    if not dist.is_available():
        return 1
    if dist.is_initialized():
        return dist.get_world_size()
    return int(os.environ.get("WORLD_SIZE", "1")) if dist.is_torchelastic_launched() else 1


def is_first() -> bool:
    """Is this the process that speaks: the only one, or rank 0?"""
    if processes() == 1:
        return True
    return dist.get_rank() == 0 if dist.is_initialized() else os.environ.get("RANK", "0") == "0"


def device_of(device: Any) -> torch.device:
    """The device of this rank: of "cuda" the one that torchrun means for it."""
    found = torch.device(device)
    if found.type == "cuda" and found.index is None and "LOCAL_RANK" in os.environ:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return found


def transport(device: torch.device) -> str:
    """What carries the sums between processes: NCCL between GPUs, else Gloo."""
    return "nccl" if device.type == "cuda" else "gloo"


def lost(why: str) -> RankError:
    """A rank does not answer."""
    line = next((line for line in why.splitlines() if line.strip()), "no answer").strip()
    line = re.sub(r"^\[\S*\]\s*", "", line).partition(". ")[0]  # without the place in torch's own source
    return RankError(
        f"a rank is lost, or takes no part in the descent: {line[:200].rstrip('.')}.",
        hint='All ranks have to call descend, with ranks="alone" where each descends by itself.',
    )


def _failure(rank: int, text: str) -> RankError:
    return RankError(f"rank {rank} has failed: {text.rstrip('.')}.")


def _words(error: BaseException | None) -> str:
    if error is None:
        return ""
    return str(error) if isinstance(error, SymgdError) else f"{type(error).__name__}: {error}"


def _listed(asked: Mapping[str, str]) -> str:
    """What is asked, one line each, short enough to be told."""
    lines = [f"{name}\t{hashlib.blake2b(value.encode(), digest_size=8).hexdigest()}" for name, value in asked.items()]
    return "\n".join(lines)


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
