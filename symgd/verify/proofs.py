"""Proofs that two expressions are equal wherever both are defined, and for all sizes: the cheapest first.

Canonical forms multiplied out; fractions over kernels (see `kernels`); the simplified form that is also printed. What could take long
or much memory, by an estimate or once it is met, is left to a process of its own, which is killed in time.
"""

from __future__ import annotations

import time
from math import comb

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expand import expanded
from symgd.algebra.expression import Add, Contract, Expression, Map
from symgd.algebra.functions.table import POWER
from symgd.algebra.shorten import normal_form
from symgd.algebra.simplify import simplified
from symgd.verify import kernels, worker
from symgd.verify.array_numbers import with_numbers
from symgd.verify.kernels.ratio import TooLarge, unbounded

WRITTEN_OUT = 16  # entries of an array that are compared one by one
SMALL = 60  # nodes: numbers made of more are compared over kernels first
LARGE = 600  # nodes that a proof here may have
TERMS = 5_000  # terms that an expression may have, multiplied out, for a proof here
_SHARE = 0.6  # of the time that is left: what a proof in another process may take, so that points can still be compared


def proof_of(left: Expression, right: Expression, ends: float) -> str:
    """By what the two are proved to be equal; "" where they are not."""
    if time.monotonic() >= ends:
        return ""
    try:
        if len(ex.topological(left, right)) > LARGE or _terms(left) > TERMS or _terms(right) > TERMS:
            raise TooLarge
        return _first(left, right, ends)
    except TooLarge:
        with unbounded():
            return worker.text_of(lambda: _first(left, right, ends, is_large=True), time.monotonic() + _SHARE * (ends - time.monotonic()))


def _terms(root: Expression) -> int:
    """About how many terms the expression has, multiplied out."""
    found: dict[Expression, int] = {}
    for node in ex.topological(root):
        counts = [found[child] for child in node.children]
        count = 1
        if isinstance(node, Add):
            count = sum(counts)
        elif isinstance(node, Contract):
            for one in counts:
                count *= one
        elif isinstance(node, Map) and node.function is POWER and (power := ex.constant_value(node.children[1])) is not None:
            count = comb(counts[0] + abs(int(power)) - 1, abs(int(power))) if counts[0] > 1 else 1
        found[node] = min(count, TERMS + 1)
    return found[root]


def _first(left: Expression, right: Expression, ends: float, is_large: bool = False) -> str:
    difference = left - right
    proofs = [_by_canonical_form, _by_normal_form]
    if not difference.shape:
        place = 2 if is_large else 0 if len(ex.topological(difference)) > SMALL else 1
        proofs.insert(place, _by_kernels)
        if any(node.shape for node in ex.topological(difference)):
            proofs.append(_by_kernels_of_arrays)
    elif _entries_of(difference):
        proofs.append(_by_entries)
    return next((why for proof in proofs if (why := proof(left, right, ends))), "")


def _by_canonical_form(left: Expression, right: Expression, ends: float) -> str:
    return "both sides have the same canonical form, multiplied out." if _is_zero(expanded(left - right)) else ""


def _by_kernels(left: Expression, right: Expression, ends: float) -> str:
    return "the difference is 0 as a fraction of polynomials over independent kernels." if kernels.is_zero(left - right, ends) else ""


def _by_kernels_of_arrays(left: Expression, right: Expression, ends: float) -> str:
    """The same with numbers made of arrays, such as x'·A·x, as numbers of which nothing is known."""
    return _by_kernels(with_numbers(left), with_numbers(right), ends)


def _by_entries(left: Expression, right: Expression, ends: float) -> str:
    """Of a literal, entry by entry."""
    entries = zip(_entries_of(left), _entries_of(right))
    same = all(_by_canonical_form(one, other, ends) or _by_kernels(one, other, ends) for one, other in entries)
    return "each entry is proved to be the same." if same else ""


def _entries_of(root: Expression) -> list[Expression]:
    """The entries of a small array whose dimensions are numbers; none of any other."""
    found = [root]
    while found and found[0].shape:
        length = found[0].shape[0].constant
        if length is None or length * len(found) > WRITTEN_OUT:
            return []
        found = [ex.element(one, 0, Dimension.of(k)) for one in found for k in range(length)]
    return [simplified(one) for one in found]


def _by_normal_form(left: Expression, right: Expression, ends: float) -> str:
    same = _is_zero(expanded(normal_form(left) - normal_form(right)))
    return "both sides have the same canonical form, simplified and multiplied out." if same else ""


def _is_zero(form: Expression | None) -> bool:
    return form is not None and ex.is_zero(form)
