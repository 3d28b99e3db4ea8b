"""The likely mistake behind a claim that was refuted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from symgd.algebra import expression as ex
from symgd.algebra.operations import Value
from symgd.algebra.shorten import shortened
from symgd.algebra.simplify import simplified
from symgd.errors import ShapeError, SymgdError
from symgd.language import syntax as sx
from symgd.language.elaborate import Given, Reading, claim_of, read, read_claim
from symgd.language.infix import parse_claim
from symgd.language.limits import Limits
from symgd.verify.decide import decide
from symgd.verify.mistakes.arrays import Derived, array_mistakes, derivative
from symgd.verify.mistakes.exchanged import exchanged_name
from symgd.verify.mistakes.latex import mistake_in_latex
from symgd.verify.mistakes.mistake import Mistake
from symgd.verify.mistakes.search import Claim, first_that_checks, scalar_mistakes
from symgd.verify.mistakes.shapes import missing_parts
from symgd.verify.mistakes.unbound import unbound_names

PROOF = 1.0  # seconds beyond the search that the proof of a repair may take


def likely_mistake(
    text: str, given: Given, ends: float, syntax: str = "infix", sides: tuple[Reading, Reading] | None = None
) -> Mistake | None:
    """The one slip that explains a refuted claim, with the claim mended, which checks; None where no single slip does, or time is up.

    `sides` are those of the claim, where it was read before.
    """
    if syntax == "latex":
        found = unbound_names(text, claim_of(text, given, syntax, Limits()))
        unbound = first_that_checks(found, lambda repair: _checks(repair, given, ends + PROOF, syntax))
        slip = unbound or mistake_in_latex(
            text,
            given,
            lambda claim, declared: likely_mistake(claim, declared, ends),
            lambda repair: _checks(repair, given, ends + PROOF, syntax),
        )
        return slip or exchanged_name(text, given, ends, lambda repair: _checks(repair, given, ends, syntax))
    equation = parse_claim(text, Limits())
    try:
        left, right = sides or read_claim(text, given, "infix", Limits())
    except ShapeError:
        left, right = _left(text, equation, given), None
    declared = {**left.declared, **(right.declared if right is not None else {})}
    variables = [leaf for leaf in declared.values() if leaf.name in text]
    scalars = tuple(leaf for leaf in variables if not leaf.shape)
    claim = Claim(text, equation, _side(left), None if right is None else _side(right), scalars)
    found = _mistakes(claim, variables, (left.text, right.text if right is not None else ""), given, ends)
    return first_that_checks(found, lambda repair: _checks(repair, given, ends + PROOF))


def _mistakes(claim: Claim, variables: list[ex.Leaf], texts: tuple[str, str], given: Given, ends: float) -> Iterator[Mistake]:
    """What may have gone wrong, the likeliest first."""
    yield from unbound_names(claim.text, claim.equation)
    yield from scalar_mistakes(claim, ends)
    if not any(leaf.shape for leaf in variables):
        return
    if claim.right is not None:
        yield from array_mistakes(claim.left, claim.right, texts, _derived(claim, given), ends)

    def right_side(written: str) -> Value | None:
        try:
            return read(written, given, "infix", Limits()).value if time.monotonic() < ends else None
        except SymgdError:
            return None

    yield from missing_parts(claim, variables, right_side)


def _left(text: str, equation: sx.Equation, given: Given) -> Reading:
    """The left side of a claim whose right side cannot be formed."""
    return read(text[equation.left.start : equation.left.end], given, "infix", Limits())


def _side(reading: Reading) -> Value:
    """The value as it is named in messages."""
    return replace(reading.value, text=reading.text)


def _checks(claim: str, given: Given, ends: float, syntax: str = "infix") -> bool:
    """Is a mended claim right?"""
    try:
        one, other = read_claim(claim, given, syntax, Limits())
    except SymgdError:
        return False
    return decide(_side(one), _side(other), claim, ends).grade in ("proved", "agrees")


def _derived(claim: Claim, given: Given) -> Derived | None:
    """What the left side derives, where it is a derivative by a name; of a second derivative the first one is the formula."""
    node = claim.equation.left
    if not (isinstance(node, sx.Call) and node.name in ("diff", "Derivative", "grad", "jac", "hess") and len(node.arguments) in (2, 3)):
        return None
    formula, name, *structure = node.arguments
    if not isinstance(name, sx.Name) or not all(isinstance(word, sx.Name) for word in structure) or (structure and node.name != "grad"):
        return None
    try:
        reading = read(claim.text[formula.start : formula.end], given, "infix", Limits())
    except SymgdError:
        return None
    leaf, value = reading.declared.get(name.name), reading.value.node
    if leaf is None:
        return None
    if node.name == "hess":
        value = shortened(simplified(derivative(value, leaf)))
    return Derived(node.name, value, leaf, structure[0].name if structure and isinstance(structure[0], sx.Name) else "")
