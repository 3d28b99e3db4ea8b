"""Gradient descent: w ← w − rate · ∂f/∂w, all gradients first, then all parameters together.

Source: the update is Cauchy's (1847); the line search is Armijo's (1966) from the step lengths of Barzilai and Borwein (1988).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

import torch
from torch import Tensor

from symgd.descent.batches import chosen, data_dimension, slices
from symgd.descent.data import read_data
from symgd.descent.outcome import Outcome
from symgd.errors import ValueGivenError
from symgd.formula import as_formula
from symgd.lowering.torch_program import TorchProgram, to_torch
from symgd.lowering.values import Bound

Number = Union[float, Tensor]
Callback = Callable[[int, float, Mapping[str, Number]], Any]

METHODS = ("auto", "gradient")
SMALL = 1e-8  # a gradient this small beside 1 + |loss| counts as zero where no tolerance is given
BEYOND = 1e10  # times the scale of the first loss: out of all bounds
ARMIJO = 1e-4
HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Descent:
    """What a descent found. `values` and `path` include the start: `values[k]` is the loss at `path[name][k]`.

    With batches, the loss is that of the batch about to be used. Parameters are floats for scalars, tensors for arrays.
    """

    parameters: dict[str, Number]
    values: list[float]
    path: dict[str, list[Number]]
    outcome: Outcome
    steps: int
    evaluations: int
    message: str

    def __str__(self) -> str:
        shown = [f"  {name} = {_shown(value)}" for name, value in self.parameters.items()]
        losses = [f"  loss {self.values[0]:.6g} at the start, {self.values[-1]:.6g} at the end"] if self.values else []
        return "\n".join([f"{self.outcome}: {self.message}", *shown, *losses])


def descend(
    f: Any,
    start: Mapping[str, Any],
    data: Mapping[str, Any] | str | Path | None = None,
    rate: float | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    method: str = "auto",
    batch: int | None = None,
    shuffle: int | None = None,
    tolerance: float | None = None,
    device: Any = "cpu",
    dtype: torch.dtype | None = None,
    callback: Callback | None = None,
) -> Descent:
    """Minimise a scalar formula over the variables named in `start` by gradient descent.

    `data` gives the other variables: a mapping, or the path of a .csv or .npz file. A given `rate` is kept throughout, and
    without `tolerance` all steps are taken; without a rate every step searches its own along the gradient. `steps` (default
    100) counts updates, `epochs` passes over the data. `batch=k` takes k entries of the data dimension per update, in order,
    or shuffled by the seed `shuffle`. `tolerance` stops where the largest component of the gradient is at most
    tolerance·(1 + |loss|). `callback(step, loss, parameters)` is called after every update and stops the descent by returning
    True; so does an interrupt from the keyboard, and what was reached is returned.

    Raises ValueGivenError, ShapeError, DomainError or LoweringError for values or options that do not fit; how the descent
    ends is no error but its outcome.

    >>> from symgd.formula import formula
    >>> r = descend(formula("(w - 2)^2"), start={"w": 0}, rate=0.25, steps=50)
    >>> r.outcome.value, round(r.parameters["w"], 6)
    ('converged', 2.0)
    """
    f = as_formula(f)
    _check_options(rate, steps, epochs, method, batch, shuffle, tolerance)
    if not isinstance(start, Mapping) or not start:
        raise ValueGivenError("a descent needs a start.", hint='Give every parameter a value, as in start={"w": 0.0}.')
    program = to_torch(f, gradient=list(start), dtype=dtype, device=device)
    if isinstance(data, str | Path):
        data = read_data(data, [name for name in f.variables if name not in start])
    both = [name for name in start if name in (data or {})]
    if both:
        raise ValueGivenError(f"{both[0]} is given in the start and in the data.", hint="Parameters have a start, everything else is data.")
    bound = program.bound({**(data or {}), **start})
    if bound.batch:
        raise ValueGivenError("every value of a descent is one number, or an array of the declared shape.", hint="Declare arrays: x[n].")
    updates = _Updates(program, bound, list(start), batch, shuffle)
    count = steps if epochs is None else epochs * updates.per_pass
    walk = _Walk(updates, bound, tolerance, callback)
    return walk.fixed(float(rate), count or 100) if rate is not None else walk.searching(count or 100)


def _check_options(rate: Any, steps: Any, epochs: Any, method: Any, batch: Any, shuffle: Any, tolerance: Any) -> None:
    for name, value in (("rate", rate), ("tolerance", tolerance)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf):
            raise ValueGivenError(f"{name} is {value!r}, not a positive number.", hint=f"Write {name}=0.01.")
    for name, value in (("steps", steps), ("epochs", epochs), ("batch", batch)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise ValueGivenError(f"{name} is {value!r}, not a whole number from 1.", hint=f"Write {name}=100.")
    if shuffle is not None and (isinstance(shuffle, bool) or not isinstance(shuffle, int) or shuffle < 0):
        raise ValueGivenError(f"shuffle is {shuffle!r}, not a seed.", hint="A seed is a whole number from 0, as in shuffle=1.")
    if method not in METHODS:
        raise ValueGivenError(f"unknown method {method!r}.", hint=f"Methods are {', '.join(METHODS)}.")
    if steps is not None and epochs is not None:
        raise ValueGivenError("steps and epochs are both given.", hint="steps counts updates, epochs passes over the data: give one.")
    if shuffle is not None and batch is None:
        raise ValueGivenError("shuffle without batch changes nothing.", hint="Give batch=k for updates on k entries of the data.")
    if batch is not None and rate is None:
        raise ValueGivenError("batches need a rate.", hint="A line search needs one loss; on batches every update has another. Write rate=0.01.")


class _Updates:
    """The loss and its gradient for one update after another, each on the data that is due."""

    def __init__(self, program: TorchProgram, bound: Bound, names: list[str], batch: int | None, shuffle: int | None) -> None:
        self.program, self.bound, self.names = program, bound, names
        self.evaluations = 0
        known = program.formula.known
        self.data = {name: known[name] for name in bound.tensors if name not in names}
        self.per_pass = 1
        self.batches: Iterator[Tensor | slice] | None = None
        if batch is not None:
            self.dimension = data_dimension({name: known[name] for name in names}, self.data)
            entries = bound.sizes[self.dimension]
            if batch > entries:
                raise ValueGivenError(f"batch is {batch}, and the data has {entries} entries.", hint=f"Give a batch from 1 to {entries}.")
            self.per_pass = -(-entries // batch)
            self.batches = slices(entries, batch, shuffle)
        self.due = bound

    def advance(self) -> None:
        """Take the data of the next update."""
        if self.batches is not None:
            entries = next(self.batches)
            rest = {name: self.bound.tensors[name] for name in self.data}
            tensors = chosen(rest, self.data, self.dimension, entries)
            count = next(t.shape[axis] for name, t in tensors.items() for axis, d in enumerate(self.data[name].shape) if str(d) == self.dimension)
            self.due = Bound({**self.bound.tensors, **tensors}, {**self.bound.sizes, self.dimension: count}, ())

    def at(self, parameters: Mapping[str, Tensor]) -> tuple[float, list[Tensor]]:
        """The loss and the gradient by each parameter, on the data that is due."""
        self.evaluations += 1
        value, *slopes = self.program.compiled.call(Bound({**self.due.tensors, **parameters}, self.due.sizes, ()))
        return float(value), slopes


class _Walk:
    """The walk from the start: parameters, history, and when to stop."""

    def __init__(self, updates: _Updates, bound: Bound, tolerance: float | None, callback: Callback | None) -> None:
        self.updates, self.tolerance, self.callback = updates, tolerance, callback
        self.parameters = {name: bound.tensors[name].clone() for name in updates.names}
        self.values: list[float] = []
        self.path: dict[str, list[Number]] = {name: [] for name in updates.names}
        self.slopes: list[Tensor] = []
        self.taken = 0

    def fixed(self, rate: float, count: int) -> Descent:
        """Every step rate × gradient."""
        return self._run(count, lambda: self._moved(rate), f"rate {rate:g}")

    def searching(self, count: int) -> Descent:
        """Every step its own rate: Barzilai and Borwein's, halved until the loss falls as Armijo asks."""
        before: list[tuple[list[Tensor], list[Tensor]]] = []

        def step() -> dict[str, Tensor] | None:
            slope = sum(float((g * g).sum()) for g in self.slopes)
            rate = _borwein(before[-1], list(self.parameters.values()), self.slopes) if before else 1 / max(1.0, math.sqrt(slope))
            before[:] = [([p.clone() for p in self.parameters.values()], self.slopes)]
            for _ in range(HALVINGS):
                moved = self._moved(rate)
                value, _ = self.updates.at(moved)
                if value <= self.values[-1] - ARMIJO * rate * slope:
                    return moved
                rate /= 2
            return None

        if self.tolerance is None:
            self.tolerance = SMALL
        return self._run(count, step, "a rate found at every step by line search")

    def _run(self, count: int, step: Callable[[], dict[str, Tensor] | None], how: str) -> Descent:
        outcome = Outcome.MAX_STEPS
        try:
            self.updates.advance()
            outcome = self._look() or outcome
            while outcome is Outcome.MAX_STEPS and self.taken < count:
                moved = step()
                if moved is None:
                    # No step along the gradient lowers the loss: as low as floating point tells.
                    outcome = Outcome.CONVERGED
                    break
                self.parameters = moved
                self.taken += 1
                self.updates.advance()
                outcome = self._look() or outcome
                if self.callback is not None and self.callback(self.taken, self.values[-1], self.report()):
                    outcome = Outcome.STOPPED
        except KeyboardInterrupt:
            outcome = Outcome.STOPPED
        if outcome is Outcome.MAX_STEPS and self.slopes and self._is_small(self.tolerance or SMALL):
            outcome = Outcome.CONVERGED
        message = f"{outcome.advice} {self.taken} step{'s' * (self.taken != 1)} of gradient descent with {how}."
        return Descent(self.report(), self.values, self.path, outcome, self.taken, self.updates.evaluations, message)

    def _look(self) -> Outcome | None:
        """Evaluate at the parameters, note them, and say whether that is the end."""
        value, slopes = self.updates.at(self.parameters)
        self.values.append(value)
        for name, parameter in self.parameters.items():
            self.path[name].append(_plain(parameter))
        self.slopes = slopes
        if not math.isfinite(value) or not all(bool(torch.isfinite(slope).all()) for slope in slopes):
            return Outcome.NONFINITE
        if abs(value) > BEYOND * max(1.0, abs(self.values[0])):
            return Outcome.DIVERGED
        return Outcome.CONVERGED if self.tolerance is not None and self._is_small(self.tolerance) else None

    def _is_small(self, tolerance: float) -> bool:
        largest = max((float(slope.abs().max()) for slope in self.slopes if slope.numel()), default=0.0)
        return largest <= tolerance * (1 + abs(self.values[-1]))

    def _moved(self, rate: float) -> dict[str, Tensor]:
        return {name: p - rate * slope for (name, p), slope in zip(self.parameters.items(), self.slopes)}

    def report(self) -> dict[str, Number]:
        return {name: _plain(parameter) for name, parameter in self.parameters.items()}


def _borwein(before: tuple[list[Tensor], list[Tensor]], parameters: list[Tensor], slopes: list[Tensor]) -> float:
    """⟨s, s⟩/⟨s, y⟩ for the last step s and the change y of the gradient; a cautious rate where the curvature is not positive."""
    moved = [p - q for p, q in zip(parameters, before[0])]
    changed = [g - h for g, h in zip(slopes, before[1])]
    curvature = sum(float((s * y).sum()) for s, y in zip(moved, changed))
    length = sum(float((s * s).sum()) for s in moved)
    if curvature > 0 and length > 0:
        return length / curvature
    return 1 / max(1.0, math.sqrt(sum(float((g * g).sum()) for g in slopes)))


def _plain(parameter: Tensor) -> Number:
    """A number for a scalar; for an array a tensor that later steps leave alone."""
    return parameter.item() if parameter.dim() == 0 else parameter.detach().cpu()


def _shown(value: Number) -> str:
    if not isinstance(value, Tensor):
        return f"{value:.10g}"
    return f"array of shape {tuple(value.shape)}" if value.numel() > 20 else str(value.tolist())
