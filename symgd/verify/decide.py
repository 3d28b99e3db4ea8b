"""Are two expressions equal over the declared domain? Four grades, and never two.

`proved`     both sides have one expanded canonical form, or the difference is 0 as a fraction over kernels (see `kernels`):
             they agree wherever both are defined, for all sizes
`refuted`    at an exactly known point of the declared domain, certified arithmetic separates the sides (or their shapes differ)
`agrees`     the sides agree to many digits at every point tried: evidence, no proof
`undecided`  too few points where both sides are real and finite
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import mpmath

from symgd.algebra import expression as ex
from symgd.algebra.certified import balls, certified, working_precision
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Expression, Leaf
from symgd.algebra.operations import Value
from symgd.errors import DomainError, NoRuleError
from symgd.verify import sample
from symgd.verify.complexes import complex_values, real_values
from symgd.verify.models import models_of, with_models
from symgd.verify.proofs import proof_of

POINTS = 16
DIGITS = 30
TRIES = 200
PRECISIONS = (192, 512, 2048)  # bits
FIRST = 2  # points before a proof is tried: most false claims need no more


@dataclass(frozen=True, slots=True)
class Decision:
    """The grade, with its reason.

    `witness`, `left`, `right` are set where a point refutes: the point, exactly, and both sides there. `equal_at` is a point where the
    sides agree, where one was met.
    """

    grade: str
    why: str
    witness: Mapping[str, Any] | None = None
    left: Any = None
    right: Any = None
    equal_at: Mapping[str, Any] | None = None


def decide(left: Value, right: Value, seed: str, ends: float, variables: Iterable[Leaf] = (), tries: int = TRIES) -> Decision:
    """Compare two values until the clock says `ends`; points are drawn by `seed`, so that the same claim has the same verdict.

    `variables` are to have a value at a point also where they have left both sides. Among the first `tries` points one must be found
    where both sides have a value.
    """
    if left.node.shape != right.node.shape or left.row != right.row:
        return Decision("refuted", f"the left side is {left.described()}, the right side {right.described()}.")
    samples = _Samples(left.node, right.node, variables, seed, ends)
    refuted = samples.until(FIRST, min(tries, 12)) or samples.until(1, tries)
    if refuted is not None:
        return refuted
    if not samples.agreed:
        return samples.verdict()  # a proof about nothing is none
    why = proof_of(left.node, right.node, ends)
    if why:
        return Decision("proved", why, equal_at=samples.equal_at)
    return samples.until(POINTS) or samples.verdict()


class _Samples:
    """Compares two expressions at random exact points of the domain."""

    def __init__(self, left: Expression, right: Expression, variables: Iterable[Leaf], seed: str, ends: float) -> None:
        self.sides = with_models([left, right])
        self.about = models_of([left, right])
        self.generator = Random(seed)
        self.ends = ends
        self.leaves = list(dict.fromkeys([*variables, *ex.leaves(left, right)]))
        nodes = ex.topological(*self.sides, *self.leaves)
        self.names = list(dict.fromkeys(name for node in nodes for d in _dimensions(node) for name in d.names))
        self.tried = self.agreed = 0
        self.equal_at: Mapping[str, Any] | None = None
        self.fault = ""
        self.undefined: tuple[Mapping[str, Any], Mapping[str, int]] | None = None

    def until(self, points: int, tries: int = TRIES) -> Decision | None:
        """Go on until the sides agreed at this many points; a point where they differ ends it."""
        while self.agreed < points and self.tried < tries and time.monotonic() < self.ends:
            self.tried += 1
            dimensions = sample.sizes(self.names, self.generator)
            try:
                point = sample.point(self.leaves, dimensions, self.generator, self.tried - 1)
            except NoRuleError as error:
                self.fault = error.reason
                return None
            equal = self._compared(point, dimensions)
            if equal is False:
                return Decision(
                    "refuted", f"the sides differ at a point of the domain{self.about}.", point, *self._values(point, dimensions)
                )
            if equal is True:
                self.agreed, self.equal_at = self.agreed + 1, point
        return None

    def _compared(self, point: Mapping[str, Any], dimensions: Mapping[str, int]) -> bool | None:
        """Do balls around the sides exclude that they are equal, or are they as close as digits tell? None where a side has no value."""
        for bits in PRECISIONS:
            one, other = balls(self.sides, point, bits, dimensions)
            pairs = list(zip(one.flat, other.flat, strict=True))
            if any(_is_nan(a) or _is_nan(b) for a, b in pairs):
                if self._leaves_the_reals(point, bits):
                    break  # no digits would help
                continue
            with working_precision(bits):
                found = [_entries_compared(a, b) for a, b in pairs]
            if False in found:
                return False
            if None not in found:
                return True
            if bits == PRECISIONS[-1]:
                return None
        self.undefined = point, dimensions
        values = real_values(self.sides, point, PRECISIONS[1])
        if values is None:
            return None
        with working_precision(PRECISIONS[1]):
            return _entries_compared(values[0], values[1], near_zero=False)

    def _leaves_the_reals(self, point: Mapping[str, Any], bits: int) -> bool:
        """Is a part of a side surely not real there? Near the edge of a domain that takes more digits than elsewhere."""
        values = complex_values(self.sides, point, bits)
        return values is not None and any(not value.imag.contains(0) for value in values.values())

    def _why(self) -> str:
        """Why a side has no value at the last point without one."""
        if self.fault or self.undefined is None:
            return self.fault
        point, dimensions = self.undefined
        try:
            certified(self.sides, point, dimensions, 15, PRECISIONS[-1])
        except DomainError as error:
            return error.reason
        return ""

    def _values(self, point: Mapping[str, Any], dimensions: Mapping[str, int]) -> tuple[Any, Any]:
        """Both sides at a point where they differ, every digit right; one that is 0 but for what no precision tells is shown as 0."""
        found = []
        for side in self.sides:
            try:
                found.append(certified(side, point, dimensions, DIGITS))
            except DomainError:
                array = balls(side, point, PRECISIONS[-1], dimensions)
                by_complex = real_values([side], point, PRECISIONS[1]) if any(map(_is_nan, array.flat)) else None
                found.append(_listed(by_complex[0] if by_complex else array.tolist()))
        return found[0], found[1]

    def verdict(self) -> Decision:
        if self.agreed >= POINTS:
            return Decision("agrees", f"the sides agree to {DIGITS - 3} digits at {POINTS} random points of the domain; that is no proof.")
        why = self._why()
        reason = f"only {self.agreed} of {POINTS} points could be compared{': ' + why if why else '.'}"
        return Decision("undecided", reason)


def _dimensions(node: Expression) -> list[Dimension]:
    """Every dimension that the node depends on."""
    own = [node.dimension] if isinstance(node, ex.Size) else [node.start] if isinstance(node, ex.Counter) else []
    if isinstance(node, ex.Select):
        own = [node.offset, *(c for c in node.coefficients if isinstance(c, Dimension))]
    return [*node.shape, *own]


def _is_nan(value: Any) -> bool:
    return hasattr(value, "rad") and not value.is_finite()


def _entries_compared(a: Any, b: Any, near_zero: bool = True) -> bool | None:
    """False where two balls or exact numbers differ, True where they agree to `DIGITS` − 3 digits, None where that is not known.

    With `near_zero` both may be so close to 0 that no digit of them is known.
    """
    difference = a - b
    if difference == 0:
        return True
    if not hasattr(difference, "rad"):
        return False
    if not difference.contains(0):
        return False
    size = max(abs(float(abs(x).upper())) if hasattr(x, "rad") else abs(float(x.p) / float(x.q)) for x in (a, b))
    if float(difference.rad()) <= 10.0 ** (3 - DIGITS) * size:
        return True
    return True if near_zero and float(difference.rad()) < 10.0 ** (-2 * DIGITS) else None


def _listed(value: Any) -> Any:
    if isinstance(value, list):
        return [_listed(entry) for entry in value]
    if not hasattr(value, "rad"):
        return mpmath.mpf(int(value.p)) / int(value.q)
    with mpmath.workdps(DIGITS):
        return mpmath.mpf(0) if value.contains(0) else mpmath.mpf(value.mid().str(DIGITS, radius=False))
