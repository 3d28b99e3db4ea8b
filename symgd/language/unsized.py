r"""Ones, zeros and identity matrices of no stated size, \mathbf{1} and I: of the size that their neighbours ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from symgd.algebra import operations as op
from symgd.algebra.dimension import Dimension
from symgd.algebra.operations import Value
from symgd.algebra.trampoline import Task
from symgd.errors import ShapeError
from symgd.language import syntax as sx

if TYPE_CHECKING:
    from symgd.language.meaning import Elaborator


def unsized_in(root: sx.Node) -> set[int]:
    """The nodes whose shape depends on a \\mathbf{1} or I that has no size."""
    found: set[int] = set()
    waiting: list[tuple[sx.Node, bool]] = [(root, False)]
    while waiting:
        node, is_done = waiting.pop()
        if not is_done:
            waiting.append((node, True))
            waiting.extend((child, False) for child in sx.children(node))
        elif isinstance(node, sx.Call):
            if node.name in ("ones", "zeros", "eye") and not node.arguments:
                found.add(id(node))
        elif isinstance(node, sx.Prefix | sx.Transpose | sx.Chain) and any(id(child) in found for child in sx.children(node)):
            found.add(id(node))
    return found


def sized(elaborator: Elaborator, node: sx.Node, wanted: Sequence[Dimension] | None = None) -> Task[Value]:
    """The value of a node with ones or an identity of no stated size: of the size that its neighbours, or `wanted`, ask for."""
    if id(node) not in elaborator.unsized:
        value: Value = elaborator.atom(node) or (yield elaborator.value(node))
        return value
    if isinstance(node, sx.Prefix):
        operand: Value = yield sized(elaborator, node.operand, wanted)
        return op.negate(operand) if node.operator == "-" else operand
    if isinstance(node, sx.Transpose):
        turned: Value = yield sized(elaborator, node.operand, wanted and tuple(reversed(wanted)))
        return op.transpose(turned)
    if isinstance(node, sx.Chain):
        is_sum = node.rest[0][0] in ("+", "-")
        found: Value = yield (_sum if is_sum else _product)(elaborator, node, wanted)
        return found
    assert isinstance(node, sx.Call)
    return _filled(elaborator, node, wanted)


def _filled(elaborator: Elaborator, node: sx.Call, wanted: Sequence[Dimension] | None) -> Value:
    if wanted is None or (node.name == "eye" and (len(wanted) != 2 or wanted[0] != wanted[1])) or not wanted:
        sign = {"ones": r"\mathbf{1}", "zeros": r"\mathbf{0}", "eye": "I"}[node.name]
        raise ShapeError(f"the size of {sign} is not known here.", hint=f"Write it: {sign}_n.").at(elaborator.text, node.start, node.end)
    return op.eye(wanted) if node.name == "eye" else op.filled(node.name == "ones", wanted)


def _sum(elaborator: Elaborator, node: sx.Chain, wanted: Sequence[Dimension] | None) -> Task[Value]:
    operands = [("+", node.first), *[(sign, operand) for sign, _, operand in node.rest]]
    values: dict[int, Value] = {}
    for k, (_, operand) in enumerate(operands):
        if id(operand) not in elaborator.unsized:
            value: Value = elaborator.atom(operand) or (yield elaborator.value(operand))
            values[k] = value
    shape = next((value.shape for value in values.values() if value.rank), wanted)
    for k, (_, operand) in enumerate(operands):
        if k not in values:
            values[k] = yield sized(elaborator, operand, shape)
    terms = [(1 if sign == "+" else -1, values[k]) for k, (sign, _) in enumerate(operands)]
    return elaborator.bounded(elaborator.sum(node, terms), node)


def _product(elaborator: Elaborator, node: sx.Chain, wanted: Sequence[Dimension] | None) -> Task[Value]:
    from symgd.language.meaning import PRODUCTS

    operands = [node.first, *[operand for _, _, operand in node.rest]]
    values: dict[int, Value] = {}
    for k, operand in enumerate(operands):
        if id(operand) not in elaborator.unsized:
            value: Value = elaborator.atom(operand) or (yield elaborator.value(operand))
            values[k] = value
    for k, operand in enumerate(operands):
        if k not in values:
            before = next((values[j] for j in range(k - 1, -1, -1) if j in values and values[j].rank), None)
            after = next((values[j] for j in range(k + 1, len(operands)) if j in values and values[j].rank), None)
            values[k] = yield sized(elaborator, operand, _fitting(operand, before, after, wanted))
    left = values[0]
    for k, (operator, place, operand) in enumerate(node.rest, 1):
        start, end = elaborator.place(node, place, operator, operand)
        left = elaborator.apply(PRODUCTS[operator], [left, values[k]], [(node.start, place), operand], start, end)
        elaborator.bounded(left, node)
    return left


def _fitting(node: sx.Node, before: Value | None, after: Value | None, wanted: Sequence[Dimension] | None) -> Sequence[Dimension] | None:
    """The shape that a factor without a size has between its neighbours."""
    inner, turned = node, False
    while isinstance(inner, sx.Prefix | sx.Transpose):
        inner, turned = inner.operand, turned ^ isinstance(inner, sx.Transpose)
    if isinstance(inner, sx.Call) and inner.name == "eye":
        size = before.shape[-1] if before is not None else after.shape[0] if after is not None else None
        return (size, size) if size is not None else wanted
    if turned and after is not None and not after.row:
        return (after.shape[0],)
    if not turned and before is not None and (before.rank == 2 or before.row):
        return (before.shape[-1],)
    if wanted and before is None and after is None:
        return wanted
    if wanted and len(wanted) == 2:
        return (wanted[1 if turned else 0],)
    return None
