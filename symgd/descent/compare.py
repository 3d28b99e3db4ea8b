"""The derived gradient against autograd's, both against 50 digits; and a whole descent by either.

The truth is certified arithmetic at exactly the point given, not autograd. Errors are counted in ulps, units in the last
place of the truth in the dtype: 0.5 is correctly rounded.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor

from symgd.algebra.certified import certified
from symgd.algebra.expression import Expression, leaves
from symgd.descent.descend import descend
from symgd.descent.ulps import DIGITS, entries, error_in_ulps, table, ulps_text
from symgd.errors import DomainError, ValueGivenError
from symgd.formula import Formula, as_formula
from symgd.formula import gradients as derived
from symgd.lowering.compiled import compiled
from symgd.lowering.evaluate import warn_at_kinks
from symgd.lowering.lower import lower
from symgd.lowering.torch_program import to_torch
from symgd.lowering.values import Bound
from symgd.notation import notebook

LARGEST = 400_000  # operations up to which the truth is computed: some ten seconds
ROUNDS = 7  # runs of each that are timed, in turn; the median counts


@dataclass(frozen=True, slots=True)
class Row:
    """The value, or the gradient by one variable: the largest error of an entry in ulps.

    nan where the truth is not known: certified arithmetic cannot settle it, or the formula is too large for it.
    """

    name: str
    symgd: float
    autograd: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Errors of symgd and of autograd against 50 digits, and the time of value and gradient by each, in seconds."""

    rows: tuple[Row, ...]
    symgd_seconds: float
    autograd_seconds: float

    def __str__(self) -> str:
        return table(self._body())

    def _body(self) -> list[list[str]]:
        body = [["", "symgd, error in ulp", "autograd, error in ulp"]]
        body += [[row.name, ulps_text(row.symgd), ulps_text(row.autograd)] for row in self.rows]
        return [*body, ["time", _time(self.symgd_seconds), _time(self.autograd_seconds)]]

    def _repr_html_(self) -> str:
        header, *rows = self._body()
        return notebook.table(rows, header)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return notebook.bundle(str(self), self._repr_html_())

    def json(self) -> dict[str, Any]:
        """The same as plain data."""
        rows = [{"name": row.name, "symgd_ulp": row.symgd, "autograd_ulp": row.autograd} for row in self.rows]
        return {"rows": rows, "symgd_seconds": self.symgd_seconds, "autograd_seconds": self.autograd_seconds}


@dataclass(frozen=True, slots=True)
class DescentComparison:
    """The same descent by symgd and by autograd: the largest difference along the path, by parameter, and the seconds of each."""

    differences: Mapping[str, float]
    steps: int
    outcome: str
    symgd_seconds: float
    autograd_seconds: float

    def __str__(self) -> str:
        body = [["", "largest difference along the path"], *[[name, f"{gap:.3g}"] for name, gap in self.differences.items()]]
        timed = [["", "symgd", "autograd"], [f"time of {self.steps} steps", _time(self.symgd_seconds), _time(self.autograd_seconds)]]
        return f"{table(body)}\n\n{table(timed)}\n\noutcome: {self.outcome}"

    def _repr_html_(self) -> str:
        rows = [[name, f"{gap:.3g}"] for name, gap in self.differences.items()]
        rows += [[f"symgd, time of {self.steps} steps", _time(self.symgd_seconds)], ["autograd", _time(self.autograd_seconds)]]
        return notebook.table([*rows, ["outcome", self.outcome]], ["", "largest difference along the path"])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return notebook.bundle(str(self), self._repr_html_())

    def json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "differences": dict(self.differences),
            "steps": self.steps,
            "outcome": self.outcome,
            "symgd_seconds": self.symgd_seconds,
            "autograd_seconds": self.autograd_seconds,
        }


def compare(
    f: Any,
    values: Mapping[str, Any] | None = None,
    /,
    *,
    start: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    rate: float | None = None,
    steps: int = 100,
    dtype: torch.dtype | None = None,
    **keywords: Any,
) -> Comparison | DescentComparison:
    """Compare symgd with torch's autograd: at a point (`values`), or over a whole descent (`start`, `data`, `rate`, `steps`).

    At a point: the value and the gradient by every variable, each against 50 digits. A descent: the same steps by autograd of
    the same value in plain torch, and the largest difference along the path. Raises as `evaluate` and `descend` do.

    >>> from symgd.formula import formula
    >>> c = compare(formula("x^2 + sin(x)"), {"x": 2.0})
    >>> [row.name for row in c.rows], c.rows[1].symgd <= 1
    (['value', 'x'], True)
    """
    f = as_formula(f)
    if start is None:
        if data is not None or rate is not None:
            raise ValueGivenError(
                "data and rate belong to a descent, and there is no start.", hint="Write compare(f, start=…, data=…, rate=…)."
            )
        return _at_point(f, {**(values or {}), **keywords}, dtype)
    if values is not None or keywords:
        raise ValueGivenError(
            "both a point and a start are given.", hint="Write compare(f, values), or compare(f, start=…, data=…, rate=…)."
        )
    if rate is None:
        raise ValueGivenError("comparing descents needs a rate.", hint="Both take the same steps: write rate=0.01.")
    return _descents(f, start, data or {}, rate, steps, dtype)


class _Autograd:
    """The value in plain torch, differentiated by autograd."""

    def __init__(self, f: Formula, names: Sequence[str], dtype: torch.dtype, device: torch.device) -> None:
        self.names = list(names)
        self.value = compiled(lower([f.expression], leaves(f.expression), form="torch"), dtype, device)

    def __call__(self, bound: Bound) -> tuple[Tensor, list[Tensor]]:
        tensors = dict(bound.tensors)
        for name in self.names:
            tensors[name] = tensors[name].detach().requires_grad_()
        (value,) = self.value.function(*self.value.arguments(Bound(tensors, bound.sizes, ())))
        wanted = [tensors[name] for name in self.names]
        if not value.requires_grad:
            return value, [torch.zeros_like(tensor) for tensor in wanted]
        found = torch.autograd.grad(value, wanted, allow_unused=True)
        return value.detach(), [torch.zeros_like(t) if g is None else g for t, g in zip(wanted, found)]


def _at_point(f: Formula, values: Mapping[str, Any], dtype: torch.dtype | None) -> Comparison:
    names = list(f.variables)
    program = to_torch(f, gradient=names, dtype=dtype)
    bound = program.bound(values)
    autograd = _Autograd(f, names, program.dtype, program.device)
    value, *slopes = program.compiled.call(bound)
    plain, plain_slopes = autograd(bound)
    exact = {name: tensor.tolist() for name, tensor in bound.tensors.items()}
    gradients = derived(f, names)
    in_double = Bound({name: tensor.double().cpu() for name, tensor in bound.tensors.items()}, bound.sizes, bound.batch)
    for gradient in gradients.values():
        warn_at_kinks(gradient, in_double, stacklevel=4)
    known = program.program.operations.evaluate(bound.sizes) <= LARGEST
    rows = []
    for name, root, one, other in [
        ("value", f.expression, value, plain),
        *[(name, gradients[name].expression, one, other) for name, one, other in zip(names, slopes, plain_slopes)],
    ]:
        truth = _truth(root, exact, bound.sizes, one) if known else None
        rows.append(Row(name, _worst(one, truth, program.dtype), _worst(other, truth, program.dtype)))
    times = _timed([lambda: program.compiled.call(bound), lambda: autograd(bound)])
    return Comparison(tuple(rows), *times)


def _truth(root: Expression, exact: Mapping[str, Any], sizes: Mapping[str, int], got: Tensor) -> Any:
    """The value to 50 digits; None where certified arithmetic cannot settle it. Raises where there is no value, and none was got."""
    try:
        return certified(root, exact, sizes, DIGITS)
    except DomainError:
        if not bool(torch.isfinite(got).all()):
            raise
        return None


def _worst(got: Tensor, truth: Any, dtype: torch.dtype) -> float:
    """The largest error of an entry, in ulps."""
    if truth is None:
        return math.nan
    pairs = zip(got.reshape(-1).tolist(), entries(truth), strict=True)
    return max((error_in_ulps(entry, right, dtype) for entry, right in pairs), default=0.0)


def _timed(calls: Sequence[Callable[[], Any]]) -> list[float]:
    """Median seconds of each, run in turn after a first call that is thrown away."""
    found: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    for _ in range(ROUNDS):
        for call, seconds in zip(calls, found):
            before = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - before)
    return [median(seconds) for seconds in found]


def _descents(
    f: Formula, start: Mapping[str, Any], data: Mapping[str, Any], rate: float, steps: int, dtype: torch.dtype | None
) -> DescentComparison:
    before = time.perf_counter()
    ours = descend(f, start=start, data=data, rate=rate, steps=steps, dtype=dtype)
    between = time.perf_counter()
    program = to_torch(f, gradient=list(start), dtype=dtype)
    bound = program.bound({**data, **start})
    autograd = _Autograd(f, list(start), program.dtype, program.device)
    parameters = {name: bound.tensors[name].clone() for name in start}
    differences = dict.fromkeys(start, 0.0)
    began = time.perf_counter()
    kept = {ours.step_of(k): k for k in range(len(ours.values))}
    for step in range(ours.steps + 1):
        for name, parameter in parameters.items() if step in kept else ():
            gap = float((parameter - torch.as_tensor(ours.path[name][kept[step]], dtype=program.dtype)).abs().max())
            differences[name] = max(differences[name], gap) if gap == gap else math.nan
        if step < ours.steps:
            _, slopes = autograd(Bound({**bound.tensors, **parameters}, bound.sizes, ()))
            parameters = {name: p - rate * g for (name, p), g in zip(parameters.items(), slopes)}
    return DescentComparison(differences, ours.steps, str(ours.outcome), between - before, time.perf_counter() - began)


def _time(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
