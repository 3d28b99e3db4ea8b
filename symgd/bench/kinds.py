"""What is measured: kinds of cells, one row each, and the measuring of one cell.

A cell prepares its values and its reference once; `Ready` then makes, of a peer's way, a call that was checked against the reference.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from symgd.bench import other_ways, torch_ways
from symgd.bench.checking import WrongNumbers, check
from symgd.bench.cold import in_fresh_process
from symgd.bench.families import FAMILIES, Family, derivation, point
from symgd.bench.fits import FITS, Fit, reference, squares
from symgd.bench.peers import OURS, Peer
from symgd.bench.problems import PROBLEMS, Case, Problem
from symgd.bench.timing import Clock, Effort, Ratio, interleaved, ratio, told


@dataclass(frozen=True, slots=True)
class Timed:
    """A call that was checked, and how many units it does: steps of a descent. `keeps` is what it needs, and may not hold itself."""

    call: Callable[[], Any]
    units: int = 1
    keeps: object = None


Ready = Callable[[Peer], Timed | None]
Rounds = Callable[..., dict[str, list[float]]]

_TOO_LONG = 0.5  # seconds at a smaller size from which a larger one is left out
_LADDER = (10, 100, 1_000, 10_000, 100_000)  # steps of descents: as many as end in `_DESCENT` seconds
_DESCENT = 3.0
_OF_FITS = 1e-6  # what parameters of fits agree to: see `fits`


@dataclass(frozen=True, slots=True)
class Cell:
    """`kind:name`, in words, and what prepares it; `before` is the same at a smaller size; `rounds` times the calls."""

    kind: str
    name: str
    title: str
    prepare: Callable[[], Ready]
    before: str = ""
    rounds: Rounds = interleaved

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(slots=True)
class Measured:
    """Of one cell: seconds by peer, of the first call and of one unit; times/ours; and why a peer has none."""

    id: str
    title: str
    seconds: dict[str, float] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, Ratio] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def measured(
    cell: Cell, peers: Mapping[str, Peer], effort: Effort, clock: Clock = time.process_time, known: Mapping[str, Measured] | None = None
) -> Measured:
    """The cell, measured for every peer that has a way to do it and gives the right numbers."""
    out, ready = Measured(cell.id, cell.title), cell.prepare()
    earlier = (known or {}).get(cell.before)
    found: dict[str, Timed] = {}
    for peer in peers.values():
        if cell.kind not in peer.ways:
            continue
        out.notes[peer.name] = _left_out(peer, cell, earlier)
        if not out.notes[peer.name]:
            begin = time.perf_counter()
            try:
                made = ready(peer)
            except Exception as error:  # whatever a package raises: it is named, and has no time
                made, out.notes[peer.name] = None, _words(error)
            if made is not None:
                found[peer.name], out.first[peer.name] = made, time.perf_counter() - begin
    out.notes = {name: note for name, note in out.notes.items() if note}
    rounds = cell.rounds({name: made.call for name, made in found.items()}, effort, clock)
    times = {name: [seconds / found[name].units for seconds in row] for name, row in rounds.items()}
    out.seconds = {name: median(row) for name, row in times.items()}
    if OURS in times:
        out.ratios = {name: ratio(row, times[OURS]) for name, row in times.items() if name != OURS}
    return out


def _left_out(peer: Peer, cell: Cell, earlier: Measured | None) -> str:
    if peer.missing:
        return f"{peer.missing} is not installed"
    if earlier is None or peer.missing:
        return ""
    seconds = earlier.seconds.get(peer.name)
    if seconds is None:
        return f"left out, as at {earlier.title}"
    return f"left out: {seconds:.2g} s at {earlier.title}" if seconds > _TOO_LONG else ""


def _words(error: Exception) -> str:
    if isinstance(error, WrongNumbers):
        return f"wrong: {error}"
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:100]}"


# ---- how cells are prepared ------------------------------------------------------------------------------------------


def call_of(problem: Problem) -> Callable[[], Ready]:
    """One call of value and gradient; the reference is autograd."""

    def prepare() -> Ready:
        case = Case.of(problem)
        wanted = torch_ways.autograd(case).result()

        def ready(peer: Peer) -> Timed | None:
            call = peer.ways["call"](case)
            if call is None:
                return None
            check(call.result(), wanted)
            return Timed(call.call, keeps=call)

        return ready

    return prepare


def descent_of(problem: Problem) -> Callable[[], Ready]:
    """A whole descent at a fixed rate, by step; the reference is the loop by hand, whose gradient is checked against autograd."""

    def prepare() -> Ready:
        case = Case.of(problem)
        check(other_ways.closed(case).result(), torch_ways.autograd(case).result())
        wanted = cache(other_ways.closed_steps(case))

        def ready(peer: Peer) -> Timed | None:
            run = peer.ways["descent"](case)
            if run is None:
                return None
            run(2)  # compiles
            steps = _ladder_steps(run, problem.steps)
            check(run(steps), wanted(steps))
            return Timed(lambda: run(steps), steps)

        return ready

    return prepare


def _ladder_steps(run: Callable[[int], object], most: int) -> int:
    steps = _LADDER[0]
    for wanted in _LADDER[1:]:
        if wanted > most:
            break
        run(steps)  # what is compiled for descents of this length only
        begin = time.perf_counter()
        run(steps)
        if (time.perf_counter() - begin) * wanted / steps > _DESCENT:
            break
        steps = wanted
    return steps


def fit_of(fit: Fit) -> Callable[[], Ready]:
    """A whole fit, from the start to the minimum."""

    def prepare() -> Ready:
        wanted = reference(fit)

        def ready(peer: Peer) -> Timed:
            call = peer.ways["fit"](fit)
            found = call.result()
            check([squares(fit, found)], [squares(fit, wanted)])
            check(found, wanted, _OF_FITS)
            return Timed(call.call, keeps=call)

        return ready

    return prepare


def derivation_of(family: Family, n: int) -> Callable[[], Ready]:
    """Building a formula and deriving its gradient; checked at a small size of the same family."""

    def prepare() -> Ready:
        def ready(peer: Peer) -> Timed:
            deriver, small = peer.ways["derive"](), min(n, 10)
            where = point(family, small)
            slopes, x = derivation(deriver, family, small)
            check([deriver.at(slopes, x, where)], [family.slopes(where, small)])
            derivation(deriver, family, n)
            return Timed(lambda: derivation(deriver, family, n))

        return ready

    return prepare


def cold_of(problem: Problem, again: bool) -> Callable[[], Ready]:
    """From the formula to the first gradient in a fresh process: the first one, or one that finds what an earlier one kept on disk."""

    def prepare() -> Ready:
        wanted = torch_ways.autograd(Case.of(problem)).result()
        kept = TemporaryDirectory(prefix="symgd-bench-")

        def ready(peer: Peer) -> Timed:
            folder = Path(kept.name, peer.name.replace(" ", "-"))

            def run() -> float:
                with TemporaryDirectory(prefix="symgd-bench-") as empty:
                    return in_fresh_process(peer.name, problem.name, folder if again else Path(empty))[0]

            check(in_fresh_process(peer.name, problem.name, folder)[1], wanted)
            return Timed(run, keeps=kept)

        return ready

    return prepare


# ---- the table of cells ----------------------------------------------------------------------------------------------

TITLES = {
    "call": "one call of value and gradient",
    "descent": "a whole descent, by step",
    "fit": "a whole fit, to the minimum",
    "derive": "building a formula of n scalars and deriving its gradient",
    "cold": "in a fresh process, after the imports: from the formula to the first gradient",
}
_SIZES = (10, 100, 1_000)
_COLD = ("rosenbrock", "decay", "logistic")


def _cells() -> Iterator[Cell]:
    for problem in PROBLEMS.values():
        yield Cell("call", problem.name, problem.title, call_of(problem))
    for problem in PROBLEMS.values():
        if problem.steps:
            yield Cell("descent", problem.name, problem.title, descent_of(problem))
    for fit in FITS.values():
        yield Cell("fit", fit.name, fit.title, fit_of(fit))
    for family in FAMILIES.values():
        before = ""
        for n in _SIZES:
            cell = Cell("derive", f"{family.name}:{n}", f"{family.title}, n = {n:,}", derivation_of(family, n), before)
            before = cell.id
            yield cell
    for problem in PROBLEMS.values():
        if problem.name in _COLD:
            yield Cell("cold", problem.name, problem.title, cold_of(problem, False), rounds=told)
            yield Cell("cold", f"{problem.name}:again", f"{problem.title}, a second process", cold_of(problem, True), rounds=told)


CELLS: dict[str, Cell] = {cell.id: cell for cell in _cells()}


def chosen(names: Sequence[str]) -> list[Cell]:
    """The cells that begin with one of these names; all where there are none. Raises `ValueError` for a name without a cell."""
    for name in names:
        if not any(_is_in(cell, name) for cell in CELLS.values()):
            raise ValueError(f"no cell {name!r}; cells are {', '.join(CELLS)}")
    return [cell for cell in CELLS.values() if not names or any(_is_in(cell, name) for name in names)]


def _is_in(cell: Cell, name: str) -> bool:
    return f"{cell.id}:".startswith(f"{name}:")
