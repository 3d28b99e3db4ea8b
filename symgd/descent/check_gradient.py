"""A value and a backward written by hand, or by autograd, against the formula and its derived gradient at ordinary and at hard points.

The truth is certified arithmetic to 50 digits at exactly the floats given. An error is the largest difference of an entry, in
*units*: a unit in the last place of the largest entry of the same array or, where that is more, the change of the array that one
unit in the last place of the inputs makes. So a result that is exact for inputs no float tells apart is not held against the function.
Where the gradient is exactly 0, as by terms that cancel, the unit is that of |f|·|g|/|x| for the incoming gradient g.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import mpmath
import torch
from torch import Tensor

from symgd.algebra import expression as ex
from symgd.algebra.certified import certified
from symgd.algebra.expression import Expression, Leaf
from symgd.calculus.derive import inner
from symgd.calculus.reverse import kinks
from symgd.descent.gradient_mistakes import Comparison, likely_mistake
from symgd.descent.gradient_report import GradientCheck, Row
from symgd.descent.hard_points import Point, Points, first, perturbed
from symgd.descent.torch_call import Fault, Results, callable_of, called
from symgd.descent.ulps import DIGITS, entries, ulps_text, unit
from symgd.errors import DomainError, FormulaError, LimitError, ShapeError, ValueGivenError
from symgd.formula import Formula, formula, gradients, unknown_name
from symgd.lowering.kinds import check_kind

TOLERANCE = 2.0**26  # units: half of the digits. A mistake in a formula costs all of them but one or two, a sum of a few terms some units
ORDINARY, HARD = 24, 96  # points
FEWEST = 6  # ordinary points at which a gradient must have been compared
LIMIT_BITS = 6_000  # of the truth: what is open then is skipped, and said so
SECONDS = 60.0
DOUBLE = torch.float64
EPS = torch.finfo(DOUBLE).eps
LARGEST = torch.finfo(DOUBLE).max
DISCRETE = ("integer", "in {")


def check_gradient(
    torch_function: Any,
    f: Any,
    given: str | Mapping[str, str] = "",
    *,
    names: Sequence[str] | None = None,
    by: Sequence[str] | str | None = None,
    keywords: bool = False,
    order: int = 1,
    hard: bool = True,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    seconds: float = SECONDS,
) -> GradientCheck:
    """Compare a torch function and its backward with the formula f and its derived gradient.

    `torch_function` is a callable on tensors, a module, or a subclass of `torch.autograd.Function` (its `apply` is called). It gets
    float64 tensors of the shapes declared, for the variables of f in the order of `f.variables`, or of `names` (with
    `keywords=True` by name), and returns a tensor of f's shape. Its gradient is asked `by` all variables but discrete ones, unless
    they are named. The incoming gradient is 1 and once more -5/4; for an f that is an array two random arrays. `order=2` compares
    the gradient of ⟨gradient, u⟩ too, for random u. `hard=False` leaves the hard points out; `tolerance` is in units (see above).
    Raises FormulaError and its kin where f cannot be read or derived or a name is unknown; faults of the function are verdicts.

    >>> import torch
    >>> check_gradient(lambda x: torch.exp(x).sum(), "sum(exp(x))", given="x[n]").grade
    'right'
    """
    f = formula(f, given)
    if order not in (1, 2):
        raise ValueGivenError(f"order is {order!r}.", hint="Write 1 for the gradient, 2 for second derivatives as well.")
    if not tolerance > 0 or not math.isfinite(tolerance):
        raise ValueGivenError(f"tolerance is {tolerance!r}, not a positive number of units.", hint="Write tolerance=2.0**26.")
    chosen = _names(f, f.variables if names is None else names, "names")
    missing = [name for name in f.variables if name not in chosen]
    if missing:
        raise FormulaError(
            f"names leaves out {', '.join(missing)}.", hint=f"The function gets every variable of f: {', '.join(f.variables)}."
        )
    derived = _names(f, [name for name in chosen if not _is_discrete(f.known[name])] if by is None else by, "by")
    if not derived:
        raise FormulaError("there is no variable to derive by.", hint="Name one: by=[…].")
    outside = [name for name in derived if name not in chosen]
    if outside:
        raise FormulaError(f"by names {', '.join(outside)}, which the function does not get.", hint=f"It gets {', '.join(chosen)}.")
    shown = {size for name in chosen for length in f.known[name].shape for size in length.names}
    hidden = [size for node in ex.topological(f.origin) if isinstance(node, ex.Size) for size in node.dimension.names if size not in shown]
    if hidden:
        hint = "Write a number for it, or declare an array that has it as an axis."
        raise FormulaError(f"no argument of the function shows how large {hidden[0]} is.", hint=hint)
    run = _Run(callable_of(torch_function), f, chosen, derived, keywords, order, tolerance, seed, time.monotonic() + seconds)
    points = Points(f.origin, [f.known[name] for name in chosen], seed)
    run.compare(first(points.ordinary(), ORDINARY))
    if hard and not run.is_hopeless:
        run.compare(first(points.hard(), HARD))
    return run.result()


def _names(f: Formula, names: Any, option: str) -> list[str]:
    found = [names] if isinstance(names, str | Formula) else list(names)
    texts = [str(name) if isinstance(name, Formula) else name for name in found]
    for name in texts:
        if not isinstance(name, str) or name not in f.known:
            unknown_name(str(name), f.known)
    if len(set(texts)) < len(texts):
        raise FormulaError(f"{option} has a name twice.", hint="Name every variable once.")
    return texts


def _is_discrete(leaf: Leaf) -> bool:
    return any(kind.startswith(DISCRETE) for kind in leaf.kind)


@dataclass(slots=True)
class _Tally:
    """Errors of the value or of one gradient as they come in."""

    name: str
    errors: dict[bool, float] = field(default_factory=lambda: {True: math.nan, False: math.nan})
    compared: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    beyond: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})  # how many errors exceed the tolerance
    worst: tuple[float, Point | None, Any, Any, Any] = (-1.0, None, None, None, None)

    def add(self, error: float, tolerance: float, point: Point, incoming: Any, got: Any, truth: Any) -> None:
        is_hard = bool(point.hard)
        self.compared[is_hard] += 1
        self.beyond[is_hard] += not error <= tolerance
        before = self.errors[is_hard]
        self.errors[is_hard] = error if before != before else max(before, error)
        if error > self.worst[0]:
            self.worst = error, point, incoming, got, truth

    def row(self) -> Row:
        _, point, incoming, got, truth = self.worst
        where, what = (None, "") if point is None else (dict(point.values), point.hard)
        return Row(self.name, self.errors[False], self.errors[True], sum(self.compared.values()), where, what, incoming, got, truth)


class _Run:
    def __init__(
        self,
        function: Any,
        f: Formula,
        names: Sequence[str],
        by: Sequence[str],
        keywords: bool,
        order: int,
        tolerance: float,
        seed: int,
        ends: float,
    ) -> None:
        self.function, self.f, self.names, self.by = function, f, names, by
        self.keywords, self.order, self.tolerance, self.ends = keywords, order, tolerance, ends
        self.random = Random(seed + 1)
        self.leaves = [f.known[name] for name in names]
        self.kinked = [(float(kink), crossing) for node, crossing in kinks(f.origin, self.leaves) for kink in node.function.kinks]
        known = dict(f.known)
        self.incoming = ex.leaf(_fresh("g", known), f.shape)
        whole = inner(f.origin, self.incoming)
        known[self.incoming.name] = self.incoming
        slopes = gradients(Formula(whole, known), by)
        self.directions = {name: ex.leaf(_fresh(f"u_{name}", known), f.known[name].shape) for name in by}
        self.roots: dict[str, Expression] = {"value": f.origin, **{name: slopes[name].origin for name in by}}
        if order == 2:
            known |= {leaf.name: leaf for leaf in self.directions.values()}
            along = ex.add([inner(slopes[name].origin, self.directions[name]) for name in by])
            second = gradients(Formula(along, known), by)
            self.roots |= {f"{name}, second order": second[name].origin for name in by}
        self.tallies = {name: _Tally(name) for name in self.roots}
        self.comparisons: list[Comparison] = []
        self.faults: list[tuple[Fault, Point]] = []
        self.skipped: dict[str, int] = {}
        self.compared = {True: 0, False: 0}
        self.inputs: dict[str, Tensor] | None = None  # of the point before

    @property
    def is_hopeless(self) -> bool:
        """The function fails in the same way at every ordinary point."""
        return len(self.faults) >= ORDINARY or (bool(self.faults) and not self.compared[False])

    def _skip(self, reason: str) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    # ---- one point ---------------------------------------------------------------------------------------------------

    def compare(self, points: Sequence[Point]) -> None:
        for point in points:
            if time.monotonic() > self.ends:
                self._skip("for lack of time")
                continue
            values = {**point.values, **self._extra(point)}
            truth = self._truth(point, values)
            if truth is not None:
                self._compare(point, values, truth)

    def _extra(self, point: Point) -> dict[str, Any]:
        """The incoming gradient and the directions: exact in float64 and of moderate size."""

        def eighths(shape: Sequence[int]) -> Any:
            if not shape:
                return self.random.choice((-9, -7, -5, -3, 3, 5, 7, 9)) / 8
            return [eighths(shape[1:]) for _ in range(shape[0])]

        found: dict[str, Any] = {}
        if self.order == 2:
            found = {leaf.name: eighths([d.evaluate(point.sizes) for d in leaf.shape]) for leaf in self.directions.values()}
        shape = [d.evaluate(point.sizes) for d in self.f.shape]
        return {**found, self.incoming.name: eighths(shape) if shape else 1.0}

    def _truth(self, point: Point, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Every root to 50 digits; None, with the reason counted, where the point does not count."""
        reason = "outside the declared domain"
        try:
            for leaf in self.leaves:
                check_kind(leaf, torch.tensor(point.values[leaf.name], dtype=DOUBLE))
            reason = "outside the domain of f or of its gradient, or not settled by many digits"
            for kink, crossing in self.kinked:
                if any(entry == kink for entry in entries(certified(crossing, values, point.sizes, 20, LIMIT_BITS))):
                    self._skip("at a kink, where there is no derivative")
                    return None
            found = certified(list(self.roots.values()), values, point.sizes, DIGITS, LIMIT_BITS)
        except DomainError:
            self._skip(reason)
            return None
        except (ShapeError, ValueGivenError, LimitError):
            self._skip("of a size that f does not have")
            return None
        except ValueError:  # an index that runs over no value
            self._skip("of a size that certified arithmetic does not take")
            return None
        return dict(zip(self.roots, found))

    def _compare(self, point: Point, values: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        other = self._extra(point)[self.incoming.name] if self.f.shape else -1.25
        try:
            shape = tuple(d.evaluate(point.sizes) for d in self.f.shape)
            incoming = [torch.tensor(one, dtype=DOUBLE) for one in (values[self.incoming.name], other)]
            directions = {name: torch.tensor(values[leaf.name], dtype=DOUBLE) for name, leaf in self.directions.items() if self.order == 2}
            inputs = {name: torch.tensor(point.values[name], dtype=DOUBLE) for name in self.names}
            before, self.inputs = self.inputs, inputs
            got = called(self.function, inputs, before, self.by, incoming, directions, shape, self.keywords)
        except Fault as fault:
            self.faults.append((fault, point))
            return
        if got.missing and any(_is_nonzero(truth[name]) for name in got.missing):
            name = next(name for name in got.missing if _is_nonzero(truth[name]))
            self.faults.append((Fault("no gradient", f"the backward gives no gradient (None) by {name}, on which f depends."), point))
        self.compared[bool(point.hard)] += 1
        noise = self._noise(point, values, truth)
        for name, array in got.first.items():
            self._entered(name, point, values[self.incoming.name], array, truth[name], noise[name])
        again = self._again(point, values, truth, other)
        for name in again:
            self._entered(name, point, other, got.again[name], again[name], noise[name])
        if not point.hard:
            self._noted(point, got, truth, again)

    def _again(self, point: Point, values: Mapping[str, Any], truth: Mapping[str, Any], other: Any) -> dict[str, Any]:
        """The gradients for the second incoming gradient."""
        if not self.f.shape:
            with mpmath.workdps(DIGITS + 10):
                return {name: _times(truth[name], other) for name in self.by}
        changed = {**values, self.incoming.name: other}
        try:
            found = certified([self.roots[name] for name in self.by], changed, point.sizes, DIGITS, LIMIT_BITS)
        except DomainError:
            self._skip("for the second incoming gradient alone, not settled by many digits")
            return {}
        return dict(zip(self.by, found))

    def _noise(self, point: Point, values: Mapping[str, Any], truth: Mapping[str, Any]) -> dict[str, Any]:
        """How much each root changes when the inputs move by one unit in their last place."""
        found = {name: self._natural(name, point, values, truth) if not _is_nonzero(truth[name]) else mpmath.mpf(0) for name in truth}
        succeeded = 0
        with mpmath.workdps(DIGITS + 10):
            for _ in range(8):
                if succeeded == 2:
                    break
                try:
                    moved = certified(
                        list(self.roots.values()), {**values, **perturbed(point, self.leaves, self.random)}, point.sizes, 30, LIMIT_BITS
                    )
                except DomainError:  # beyond the edge of the domain
                    continue
                succeeded += 1
                for (name, right), array in zip(truth.items(), moved):
                    change = max((abs(a - b) for a, b in zip(entries(right), entries(array))), default=mpmath.mpf(0))
                    found[name] = max(found[name], change)
        return found

    def _natural(self, name: str, point: Point, values: Mapping[str, Any], truth: Mapping[str, Any]) -> Any:
        """A unit for an array that is exactly 0, as by terms that cancel: that of |f|·|g|/|x|, which the terms may be as large as."""
        variable, _, second = name.partition(", second")
        if name == "value":
            return mpmath.mpf(0)

        def size(value: Any) -> Any:
            return max((abs(mpmath.mpf(entry)) for entry in entries(value)), default=mpmath.mpf(0))

        below = size(point.values[variable]) ** (2 if second else 1)
        return EPS * size(truth["value"]) * size(values[self.incoming.name]) / below if below else mpmath.mpf(0)

    def _entered(self, name: str, point: Point, incoming: Any, got: Tensor, truth: Any, noise: Any) -> None:
        right = entries(truth)
        with mpmath.workdps(DIGITS + 10):
            largest = max((abs(entry) for entry in right), default=mpmath.mpf(0))
            if largest > LARGEST:
                return self._skip(f"for the {'value' if name == 'value' else f'gradient by {name}'} alone, which is beyond float64")
            if not bool(torch.isfinite(got).all()):
                error = math.inf
            else:
                differences = [abs(mpmath.mpf(a) - b) for a, b in zip(got.reshape(-1).tolist(), right, strict=True)]
                error = min(float(max(differences, default=mpmath.mpf(0)) / max(unit(largest, DOUBLE), noise)), LARGEST)
        self.tallies[name].add(error, self.tolerance, point, incoming, got.tolist(), truth)

    def _noted(self, point: Point, got: Results, truth: Mapping[str, Any], again: Mapping[str, Any]) -> None:
        """What the search for the likely mistake looks at."""
        for name, array in got.first.items():
            other = None if name not in again else (got.again[name], _tensor(again[name], array.shape))
            self.comparisons.append(Comparison(name, array, _tensor(truth[name], array.shape), other, point.sizes))

    # ---- the verdict -------------------------------------------------------------------------------------------------

    def result(self) -> GradientCheck:
        rows = tuple(tally.row() for tally in self.tallies.values())
        grade, why = self._verdict(rows)
        mistake = None
        if grade == "wrong" and not any(not point.hard for _, point in self.faults):
            bad = [row.name for row in rows if not row.ordinary <= self.tolerance]
            mistake = likely_mistake(bad, self.comparisons)
        left_out = tuple(name for name in self.names if name not in self.by)
        counts = self.compared
        return GradientCheck(grade, why, mistake, rows, self.tolerance, counts[False], counts[True], self.skipped, left_out)

    def _where(self, name: str, is_hard: bool) -> str:
        """At how many points, of those that were compared for each incoming gradient."""
        tally = self.tallies[name]
        return f"({tally.beyond[is_hard]} of {tally.compared[is_hard]} comparisons at {'hard' if is_hard else 'ordinary'} points)"

    def _verdict(self, rows: Sequence[Row]) -> tuple[str, str]:
        for is_hard, grade in ((False, "wrong"), (True, "wrong at hard points")):
            place = "hard" if is_hard else "ordinary"
            faults = [(fault, point) for fault, point in self.faults if bool(point.hard) is is_hard]
            if faults:
                (fault, point), *_ = faults
                where = f" ({point.hard})" if is_hard else ""
                return grade, f"{fault.text}{where}"
            errors = {row.name: row.hard if is_hard else row.ordinary for row in rows}
            bad = [name for name, tally in self.tallies.items() if tally.beyond[is_hard]]
            if bad:
                words = [f"{_of(name)} is {_off(errors[name])} {self._where(name, is_hard)}" for name in bad]
                return grade, f"{'; '.join(words)}{'; at ordinary points all is well' if is_hard else ''}."
            if not is_hard:
                few = [name for name, tally in self.tallies.items() if tally.compared[False] < FEWEST]
                if few:
                    return "undecided", f"{_of(few[0])} could be compared at only {self.tallies[few[0]].compared[False]} {place} points."
        shown = f"{self.tolerance:.3g}"
        return (
            "right",
            f"value and gradient are within {shown} ulp at {self.compared[False]} ordinary and {self.compared[True]} hard points.",
        )


def _of(name: str) -> str:
    return "the value" if name == "value" else f"the gradient by {name}"


def _off(error: float) -> str:
    return "not finite where the truth is" if math.isinf(error) else f"off by {ulps_text(error)} ulp"


def _fresh(name: str, known: Mapping[str, Any]) -> str:
    while name in known:
        name += "_"
    return name


def _times(value: Any, factor: float) -> Any:
    return [_times(entry, factor) for entry in value] if isinstance(value, list) else value * mpmath.mpf(factor)


def _is_nonzero(value: Any) -> bool:
    return any(entry != 0 for entry in entries(value))


def _tensor(value: Any, shape: torch.Size) -> Tensor:
    """The truth rounded to float64; what is beyond is infinite."""
    return torch.tensor([float(entry) if abs(entry) <= LARGEST else math.inf for entry in entries(value)], dtype=DOUBLE).reshape(shape)
