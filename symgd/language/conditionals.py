"""`a if i >= 2 else b`: conditions on indices guard their branches, all other conditions choose between two values.

Conditionals with the same other branch 0 inside each other, `(a if i <= n - 1 else 0) if i >= 2 else 0`, are read together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

from symgd.algebra import expression as ex
from symgd.algebra import operations as op
from symgd.algebra.dimension import ONE, ZERO, Dimension, shape_text
from symgd.algebra.operations import Affine, Index, Value
from symgd.algebra.trampoline import Task, run
from symgd.errors import ShapeError, SymgdError
from symgd.language import indices
from symgd.language import syntax as sx
from symgd.language.guards import Guard, Narrowing, ends, is_harmless, narrowing

if TYPE_CHECKING:
    from symgd.language.meaning import Elaborator

_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def conditional(elaborator: Elaborator, node: sx.Conditional) -> Task[Value]:
    """The value of a conditional."""
    conditions, body = _peeled(node)
    guard = guard_of(elaborator, conditions[0])
    if guard is None:
        found: Value = yield _chosen(elaborator, node, [node.condition], node.value, None, None)
        return found
    mine, others = [conditions[0]], list[sx.Node]()
    for condition in conditions[1:]:
        more = guard_of(elaborator, condition)
        both = guard.also(more) if more is not None else None
        if both is not None:
            guard = both
        (mine if both is not None else others).append(condition)
    for condition in reversed(others):
        body = sx.Conditional(body, condition, node.otherwise, node.start, node.end)
    yes, no = narrowing(guard, elaborator.bound), None
    if not _is_zero(node.otherwise):
        opposite = guard_of(elaborator, _negation(node.condition))
        no = narrowing(opposite, elaborator.bound) if opposite is not None else None
    if not (yes and yes.is_safe and _is_zero(node.otherwise)) and not any(_shifts(one, guard) for one in (node.value, node.otherwise)):
        yes, no = [one and replace(one, is_whole=False) for one in (yes, no)]
    found = yield _chosen(elaborator, node, mine, body, yes, no)
    return found


def _negation(condition: sx.Node) -> sx.Node:
    return replace(condition, operator=_NEGATED[condition.operator]) if isinstance(condition, sx.Comparison) else condition


def guard_of(elaborator: Elaborator, node: sx.Node) -> Guard | None:
    """The condition as bounds of a form of bound indices, where it is that."""
    if not isinstance(node, sx.Comparison):
        return None
    try:
        left, a = run(indices.linear(elaborator, node.left))
        right, b = run(indices.linear(elaborator, node.right))
    except SymgdError:
        return None
    terms = {name: left.get(name, 0) - right.get(name, 0) for name in (*left, *right)}
    terms = {name: terms[name] for name in sorted(terms) if terms[name]}
    if not terms:
        return None
    operator, bound = node.operator, b - a
    if next(iter(terms.values())) < 0:
        terms, bound = {name: -c for name, c in terms.items()}, -bound
        operator = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(operator, operator)
    if operator == "!=":
        least, most = ends(Affine(tuple((_index(elaborator, name), c) for name, c in terms.items()), Dimension.of(0)))
        operator = ">" if bound == least else "<" if bound == most else operator
    low = {">=": bound, ">": bound + 1, "==": bound}.get(operator)
    high = {"<=": bound, "<": bound - 1, "==": bound}.get(operator)
    solved = node.left.name if isinstance(node.left, sx.Name) else ""
    return Guard(terms, low, high, solved) if low is not None or high is not None else None


def _index(elaborator: Elaborator, name: str) -> Index:
    index = elaborator.bound[name]
    assert isinstance(index, Index)
    return index


def _peeled(node: sx.Conditional) -> tuple[list[sx.Node], sx.Node]:
    """The conditions of conditionals inside each other, all 0 where they do not hold, and the value inside."""
    conditions, body = [node.condition], node.value
    while _is_zero(node.otherwise) and isinstance(body, sx.Conditional) and _is_zero(body.otherwise):
        conditions.append(body.condition)
        body = body.value
    return conditions, body


def _is_zero(node: sx.Node) -> bool:
    return isinstance(node, sx.Number) and not node.value


def _shifts(branch: sx.Node, guard: Guard) -> bool:
    """Has the branch an entry such as x[i-1], which may need the guard of i?"""
    for node in sx.nodes_of(branch):
        subscripts = node.indices if isinstance(node, sx.Index) else ()
        if any(not isinstance(subscript, sx.Name) and set(sx.names_in(subscript)) & set(guard.terms) for subscript in subscripts):
            return True
    return False


def _chosen(
    elaborator: Elaborator,
    node: sx.Conditional,
    conditions: Sequence[sx.Node],
    body: sx.Node,
    yes: Narrowing | None,
    no: Narrowing | None,
) -> Task[Value]:
    """One branch or the other; their sum, where a guard makes one of them 0 where it does not hold."""
    value: Value = yield _under(elaborator, yes, body)
    is_delta = yes is not None and yes.values is None and yes.place.coefficients
    if yes is not None and _is_zero(node.otherwise) and (_is_placed(yes) or is_delta):
        return yes.embedded(value)
    truths: list[Value] = []
    for condition in reversed(conditions):
        truth: Value = _truth(elaborator, condition) or (yield elaborator.condition(condition))
        truths.append(truth)
    otherwise: Value = yield _under(elaborator, no, node.otherwise)
    if not _is_placed(yes) and not _is_placed(no):
        bounds = [guard_of(elaborator, condition) for condition in conditions]
        if _is_zero(node.otherwise) and is_harmless(value) and all(guard and guard.low != guard.high for guard in bounds):
            return reduce(op.hadamard, truths, value)
        for truth in truths:
            value = _one_of(elaborator, node, value, truth, otherwise)
        return value
    (truth,) = truths
    value = yes.embedded(value) if yes and _is_placed(yes) else _one_of(elaborator, node, value, truth, op.number(0))
    otherwise = no.embedded(otherwise) if no and _is_placed(no) else _one_of(elaborator, node, op.number(0), truth, otherwise)
    if value.shape != otherwise.shape:
        return _one_of(elaborator, node, value, truth, otherwise)
    return op.add([(1, value), (1, otherwise)])


def _truth(elaborator: Elaborator, node: sx.Node) -> Value | None:
    """The truth of a condition on one or two indices: i < j and i + 1 <= j are both i <= j - 1, so that one meaning is one expression."""
    guard = guard_of(elaborator, node)
    if guard is None or list(guard.terms.values()) not in ([1], [1, -1]):
        return None
    smaller, larger = [*(_index(elaborator, name) for name in guard.terms), None][:2]
    shift = guard.high
    if shift is None:
        assert guard.low is not None
        smaller, larger, shift = larger, smaller, -guard.low
    # Counted from 1 are the smaller side and an index that stands alone.
    shift = shift + (larger.lower if larger else ZERO) - (smaller.lower if smaller else ZERO)
    if larger is None:
        left, right = _counted(smaller, ONE), Value(ex.size(shift + 1))
    elif smaller is None:
        left, right = Value(ex.size(ONE - shift)), _counted(larger, ONE)
    else:
        left, right = _counted(smaller, ONE), _counted(larger, shift + 1)
    return op.compare("==" if guard.low == guard.high else "<=", left, right)


def _counted(index: Index | None, start: Dimension) -> Value:
    """The number of the value that the index has, counted from `start`."""
    assert index is not None
    return replace(op.index_value(Index(index.name, start, index.length)), free=(index,))


def _is_placed(one: Narrowing | None) -> bool:
    return one is not None and (one.is_whole or one.is_used or one.is_never)


def _under(elaborator: Elaborator, guard: Narrowing | None, branch: sx.Node) -> Task[Value]:
    """The value of a branch under its guard."""
    outside, guards = elaborator.bound, elaborator.guards
    if guard is not None:
        elaborator.bound = guard.scope(outside)
        elaborator.guards = guards if guard.is_whole else [*guards, guard]
    value: Value = elaborator.atom(branch) or (yield elaborator.value(branch))
    elaborator.bound, elaborator.guards = outside, guards
    return value


def _one_of(elaborator: Elaborator, node: sx.Conditional, value: Value, truth: Value, otherwise: Value) -> Value:
    shapes = {part.shape: part for part in (value, truth, otherwise) if part.rank}
    if len(shapes) > 1:
        one, other = list(shapes)[:2]
        reason = f"the parts of a conditional have different shapes, {shape_text(one)} and {shape_text(other)}."
        error = ShapeError(reason, hint="Value, condition and alternative have one shape, or are scalars.")
        raise error.at(elaborator.text, node.start, node.end)
    parts = [node.value, node.condition, node.otherwise]
    return elaborator.apply(op.conditional, [value, truth, otherwise], parts, node.start, node.end)
