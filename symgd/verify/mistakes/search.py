"""The likely mistake behind a refuted claim: the one slip that explains it, with the claim mended, which checks.

Scalar claims are searched as they are written: for a slip in the derivation, then for a slip of the pen on the right side, then for
one in the formula under the derivative. Claims about arrays are searched as expressions (`arrays`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from symgd.algebra import expression as ex
from symgd.algebra.certified import working_precision
from symgd.algebra.expression import Expression, Leaf
from symgd.algebra.operations import Value
from symgd.algebra.shorten import shortened
from symgd.algebra.simplify import simplified
from symgd.errors import SymgdError
from symgd.language import syntax as sx
from symgd.notation.infix import infix
from symgd.verify.mistakes.mistake import Mistake
from symgd.verify.mistakes.numbers import BITS
from symgd.verify.mistakes.points import points_of
from symgd.verify.mistakes.rewriting import Edit, pieces
from symgd.verify.mistakes.slips import slips
from symgd.verify.mistakes.slopes import SlopeSearch
from symgd.verify.mistakes.values import ValueSearch
from symgd.verify.mistakes.written import NotScalar, Written

LARGEST = 48  # nodes of a derivative that is shortened


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as it is written and as it was read."""

    text: str
    equation: sx.Equation
    left: Value
    right: Value | None  # None where it cannot be formed
    scalars: tuple[Leaf, ...]


def scalar_mistakes(claim: Claim, ends: float) -> Iterator[Mistake]:
    """Slips that explain a claim about numbers, the likeliest first; whether the repair checks is not decided here."""
    if claim.right is None:
        return
    left, right, text = claim.left.node, claim.right.node, claim.text
    if left.shape or right.shape or any(leaf.shape for leaf in ex.leaves(left, right)):
        return
    names = {leaf.name for leaf in claim.scalars}
    derived = _derived(claim.equation.left, names)
    points = points_of(left, right, claim.scalars, ends)
    if points is None:
        return
    with working_precision(BITS):
        right_side = _written(claim.equation.right, text, names, derived[1] if derived else "")
        formula = _written(derived[0], text, names, derived[1]) if derived else None
        left_side = None if derived else _written(claim.equation.left, text, names, "")
        written = [side for side in (right_side, formula, left_side) if side is not None]
        sides = [(side, [side.run(point) for point in points.points]) for side in written]
        whole = {side.source(len(side.parts) - 1) for side in (left_side, right_side) if side is not None}  # no part of its own other side
        pool = pieces(points, whole, *sides)
        found = dict(sides)
        if formula is not None:
            errors = [b - a for a, b in zip(points.lefts, points.rights)]
            for kind, sentence in slips(formula, found[formula], errors):
                yield Mistake(kind, sentence, f"{text[: claim.equation.left.end]} = {infix(_short(left), avoid=names)}")
        if right_side is not None:
            edits = ValueSearch(right_side, found[right_side], points, pool, ends).edits(points.lefts)
            yield from (_mended(text, edit) for edit in edits)
        if left_side is not None:
            edits = ValueSearch(left_side, found[left_side], points, pool, ends).edits(points.rights)
            yield from (_mended(text, edit, "on the left side, ") for edit in edits)
        if formula is not None:
            edits = SlopeSearch(formula, found[formula], points, pool, ends).edits(points.rights)
            yield from (_mended(text, edit, "in the formula, ") for edit in edits)


def _short(root: Expression) -> Expression:
    """The derivative that is right, as short as a large one can be made in little time."""
    simple = simplified(root)
    return shortened(simple) if len(ex.topological(simple)) <= LARGEST else simple


def _mended(text: str, edit: Edit, where: str = "") -> Mistake:
    return Mistake(edit.kind, where + edit.text, text[: edit.start] + edit.new + text[edit.end :])


def _derived(node: sx.Node, names: set[str]) -> tuple[sx.Node, str] | None:
    """What a side derives, and by which variable, where it is one derivative by a number."""
    if isinstance(node, sx.Call) and node.name in ("diff", "grad", "Derivative") and len(node.arguments) == 2:
        formula, name = node.arguments
        if isinstance(name, sx.Name) and name.name in names:
            return formula, name.name
    return None


def _written(node: sx.Node, text: str, names: set[str], variable: str) -> Written | None:
    try:
        return Written(node, text, names, variable)
    except NotScalar:
        return None


def first_that_checks(found: Iterator[Mistake], checks: Callable[[str], bool], tries: int = 150) -> Mistake | None:
    """The first mistake whose repair checks."""
    seen = set[str]()
    try:
        for mistake in found:
            if mistake.repair in seen:
                continue
            seen.add(mistake.repair)
            if checks(mistake.repair):
                return mistake
            if len(seen) >= tries:
                return None
    except (SymgdError, ZeroDivisionError, OverflowError):
        return None
    return None
