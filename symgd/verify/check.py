"""Is a claim right? Four grades, and never two.

`proved`     both sides have one expanded canonical form: they agree wherever both are defined, for all sizes
`refuted`    at an exactly known point of the declared domain, certified arithmetic separates the sides (or their shapes differ)
`agrees`     the sides agree to many digits at every point tried: evidence, no proof
`undecided`  too few points where both sides are real and finite
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import mpmath

from symgd.algebra import expression as ex
from symgd.algebra.certified import certified
from symgd.algebra.expand import expanded
from symgd.algebra.expression import Expression
from symgd.algebra.shorten import normal_form
from symgd.errors import DomainError
from symgd.language.elaborate import read_claim
from symgd.language.limits import Limits
from symgd.verify import sample

POINTS = 12
DIGITS = 30
TRIES = 60
SHOWN = 20  # digits of a value in text


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `check` found. `witness`, `left`, `right` are set where a point refutes the claim: the point, exactly, and both sides there."""

    grade: str
    why: str
    claim: str
    witness: Mapping[str, Any] | None = None
    left: Any = None
    right: Any = None
    mistake: None = None

    def __str__(self) -> str:
        lines = [f"{self.grade}: {self.why}"]
        if self.witness is not None:
            lines.append("at " + ", ".join(f"{name} = {_shown(value)}" for name, value in self.witness.items()))
            lines.append(f"  left  {_shown(self.left)}\n  right {_shown(self.right)}")
        return "\n".join(lines)


def check(claim: str, given: str | Mapping[str, str] = "", syntax: str = "infix", seconds: float = 10.0) -> Verdict:
    """Decide an equation of the language, such as "grad(norm2(A*x-b)^2, x) = 2*A'*(A*x-b)", over the declared domain.

    Raises FormulaError and its kin where the claim cannot be read; never because it is wrong.

    >>> from symgd import check
    >>> check("(x+1)^2 = x^2 + 2*x + 1").grade
    'proved'
    """
    ends = time.monotonic() + seconds
    one, other = read_claim(claim, given, syntax, Limits())
    left, right = one.value, other.value
    if left.node.shape != right.node.shape or left.row != right.row:
        shapes = [replace(side.value, text=side.text).described() for side in (one, other)]
        return Verdict("refuted", f"the left side is {shapes[0]}, the right side {shapes[1]}.", claim)
    if _is_zero(expanded(left.node - right.node)):
        return Verdict("proved", "both sides have the same canonical form, multiplied out.", claim)
    if _is_zero(expanded(normal_form(left.node) - normal_form(right.node))):
        return Verdict("proved", "both sides have the same canonical form, simplified and multiplied out.", claim)
    return _sampled(claim, left.node, right.node, ends)


def _is_zero(form: Expression | None) -> bool:
    return form is not None and ex.is_zero(form)


def _sampled(claim: str, left: Expression, right: Expression, ends: float) -> Verdict:
    """Compare the sides at random exact points."""
    generator = Random(claim)
    leaves = ex.leaves(left, right)
    names = list(dict.fromkeys(name for node in ex.topological(left, right) for d in node.shape for name in d.names))
    agreed, faults = 0, ""
    for _ in range(TRIES):
        if agreed == POINTS or time.monotonic() > ends:
            break
        dimensions = sample.sizes(names, generator)
        point = sample.point(leaves, dimensions, generator)
        try:
            one, other = certified([left, right], point, dimensions, DIGITS)
        except DomainError as error:
            faults = error.reason
            continue
        if _differ(one, other):
            return Verdict("refuted", "the sides differ at a point of the domain.", claim, point, one, other)
        agreed += 1
    if agreed == POINTS:
        return Verdict(
            "agrees", f"the sides agree to {DIGITS - 3} digits at {POINTS} random points of the domain; that is no proof.", claim
        )
    return Verdict("undecided", f"only {agreed} of {POINTS} points could be compared{': ' + faults if faults else '.'}", claim)


def _differ(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return any(_differ(a, b) for a, b in zip(one, other, strict=True))
    return bool(abs(one - other) > 10 ** (3 - DIGITS) * max(abs(one), abs(other)))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return mpmath.nstr(value, SHOWN) if isinstance(value, mpmath.mpf) else str(value)
