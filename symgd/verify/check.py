"""Is a claim right? An equation in the language gets one of the four grades of `decide`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import mpmath

from symgd.algebra import expression as ex
from symgd.errors import ShapeError
from symgd.language.elaborate import Given, Reading, claim_of, read_claim
from symgd.language.latex.reader import links_of
from symgd.language.limits import Limits
from symgd.notation.notebook import bundle, table
from symgd.verify.decide import Decision, decide
from symgd.verify.mistakes import Mistake, likely_mistake

REGION = 0.15  # seconds for the question whether a refuted claim holds for positive numbers
REGION_TRIES = 12  # points tried there until both sides have a value
SHOWN = 20  # digits of a value in text
MISTAKE = 1.0  # seconds that the search for a likely mistake takes at most


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `check` found. `witness`, `left`, `right` are set where a point refutes the claim: the point, exactly, and both sides there;
    `equal_at` is a point where the sides agree, where the claim holds on a part of the domain.
    """

    grade: str
    why: str
    claim: str
    witness: Mapping[str, Any] | None = None
    left: Any = None
    right: Any = None
    mistake: Mistake | None = None
    equal_at: Mapping[str, Any] | None = None

    @property
    def gap(self) -> mpmath.mpf | None:
        """How far the sides are apart at the witness, the largest distance of two entries; None unless refuted by a point."""
        return None if self.witness is None else _distance(self.left, self.right)

    def __str__(self) -> str:
        lines = [f"{self.grade}: {self.why}"]
        if self.mistake is not None:
            lines.append(f"likely mistake ({self.mistake.kind.split(',')[0]}): {self.mistake.text}\n  {self.mistake.repair}")
        if self.witness:
            lines.append(f"at {_point(self.witness)}")
        if self.witness is not None:
            lines.append(f"  left  {_shown(self.left)}\n  right {_shown(self.right)}")
        if self.equal_at:
            lines.append(f"equal at {_point(self.equal_at)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [["claim", self.claim], [self.grade, self.why]]
        if self.mistake is not None:
            rows.append(["likely mistake", f"{self.mistake.text}\n{self.mistake.repair}"])
        if self.witness is not None:
            rows.append(["at", _point(self.witness)])
            rows += [["left", _shown(self.left)], ["right", _shown(self.right)]]
        if self.equal_at:
            rows.append(["equal at", _point(self.equal_at)])
        return table(rows)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return bundle(str(self), self._repr_html_())


def check(claim: str, given: Given = "", syntax: str = "infix", seconds: float = 10.0, *, warnings: list[str] | None = None) -> Verdict:
    """Decide an equation of the language, such as "grad(norm2(A*x-b)^2, x) = 2*A'*(A*x-b)", over the declared domain.

    A right side whose shapes do not fit is refuted, with the reason. Raises FormulaError and its kin where the claim cannot be
    read; never because it is wrong.

    >>> from symgd import check
    >>> check("(x+1)^2 = x^2 + 2*x + 1").grade
    'proved'
    """
    ends = time.monotonic() + seconds
    links = links_of(claim, Limits()) if syntax == "latex" else ()
    if len(links) > 1:
        return _weakest([check(link, given, syntax, seconds / len(links), warnings=warnings) for link in links], claim)
    try:
        one, other = read_claim(claim, given, syntax, Limits())
    except ShapeError as error:
        if error.text != claim or error.position is None or error.position < claim_of(claim, given, syntax, Limits()).right.start:
            raise
        mistake = likely_mistake(claim, given, min(ends, time.monotonic() + MISTAKE), syntax)
        return Verdict("refuted", f"the right side cannot be formed: {error.reason}", claim, mistake=mistake)
    if warnings is not None:
        warnings += dict.fromkeys((*one.warnings, *other.warnings))
    if one.defines:
        return Verdict("proved", f"this defines {one.defines}: there is nothing to check.", claim)
    variables = [leaf for leaf in {**one.declared, **other.declared}.values() if leaf.name in one.used | other.used]
    left, right = _side(one), _side(other)
    verdict = verdict_of(decide(left, right, claim, ends, variables), claim)
    if verdict.grade != "refuted":
        return verdict
    ends = min(ends, time.monotonic() + MISTAKE)
    region = _where_it_holds(left, right, verdict, ends)
    if region is not None:
        told, equal_at = region
        return replace(verdict, why=f"{verdict.why} {told}", equal_at=equal_at)
    return replace(verdict, mistake=likely_mistake(claim, given, ends, syntax, (one, other)))


def _weakest(verdicts: list[Verdict], claim: str) -> Verdict:
    """The verdict on a chain a = b = c: that on its first link that is refuted, else on the one that is known least surely."""
    order = ("refuted", "undecided", "agrees", "proved")
    found = min(verdicts, key=lambda verdict: order.index(verdict.grade))
    return replace(found, why=f"{found.claim.strip()}: {found.why}", claim=claim)


def _where_it_holds(left: Any, right: Any, refuted: Verdict, ends: float) -> tuple[str, Mapping[str, Any] | None] | None:
    """The part of the domain, all numbers positive or all negative, where the claim would be right, in a sentence and by a point."""
    free = [leaf for leaf in ex.leaves(left.node, right.node) if not leaf.kind and not leaf.shape]
    if not free or len(free) > 4 or refuted.witness is None:
        return None
    ends = min(ends, time.monotonic() + REGION)
    for sign in (">", "<") if len(free) == 1 else (">",):
        if all(refuted.witness[leaf.name] > 0 if sign == ">" else refuted.witness[leaf.name] < 0 for leaf in free):
            continue  # it is wrong there
        instead: dict[ex.Expression, ex.Expression] = {leaf: ex.leaf(leaf.name, (), (f"{sign} 0",)) for leaf in free}
        one, other = (replace(side, node=ex.substitute(side.node, instead)) for side in (left, right))
        found = decide(one, other, refuted.claim, ends, tries=REGION_TRIES)
        if found.grade == "proved":
            return f"For {', '.join(f'{leaf.name} {sign} 0' for leaf in free)} it would be right.", found.equal_at
    return None


def verdict_of(decision: Decision, claim: str) -> Verdict:
    return Verdict(decision.grade, decision.why, claim, decision.witness, decision.left, decision.right)


def _side(reading: Reading) -> Any:
    """The value as it is named in messages."""
    return replace(reading.value, text=reading.text)


def _distance(left: Any, right: Any) -> mpmath.mpf:
    if isinstance(left, list):
        return max((_distance(one, other) for one, other in zip(left, right)), default=mpmath.mpf(0))
    return abs(left - right)


def _point(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {_shown(value)}" for name, value in values.items())


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return mpmath.nstr(value, SHOWN) if isinstance(value, mpmath.mpf) else str(value)
