"""Even powers of Euclidean norms, opened: ‖x‖² is x'x, one pass over x without a root.

The norm itself is computed with scaling, so that no square overflows; the square of a norm overflows whenever x'x does, so
nothing is lost. Norms that are used otherwise too, such as by a gradient that divides by them, stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgd.algebra import expression as ex
from symgd.algebra.expression import Along, Expression, Map
from symgd.algebra.functions import table

_NORM = table.row("norm2")


def norms_opened(roots: Sequence[Expression]) -> list[Expression]:
    """The expressions with every norm that occurs in even powers only written as a sum of squares."""
    order = ex.topological(*roots)
    if not any(isinstance(node, Along) and node.function is _NORM for node in order):
        return list(roots)
    parents: dict[Expression, list[Expression]] = {}
    for node in order:
        for child in node.children:
            parents.setdefault(child, []).append(node)
    openable = {
        node
        for node in order
        if isinstance(node, Along)
        and node.function is _NORM
        and node not in roots
        and all(_is_even_power(parent) for parent in parents[node])
    }
    done: dict[Expression, Expression] = {}
    for node in order:
        if node in openable:
            # a norm of norms: its own argument may hold a norm that only the square of this one uses
            done[node] = node
        elif _is_even_power(node) and node.children[0] in openable:
            argument = done[node.children[0].children[0]]
            exponent = ex.constant_value(node.children[1])
            assert exponent is not None
            done[node] = ex.power(_square_sum(argument), exponent / 2)
        else:
            done[node] = ex.rebuilt(node, [done[child] for child in node.children])
    opened = [done[root] for root in roots]
    return opened if opened == list(roots) else norms_opened(opened)


def _square_sum(argument: Expression) -> Expression:
    """The sum over the last axis of the squares; squares of norms are opened with it."""
    *front, last = range(argument.rank)
    if isinstance(argument, Along) and argument.function is _NORM:
        inner = argument.children[0]
        axes = range(inner.rank)
        return ex.contract(1, [(inner, axes), (inner, axes)], front)
    return ex.contract(1, [(argument, [*front, last])] * 2, front)


def _is_even_power(node: Expression) -> bool:
    if not isinstance(node, Map) or node.function is not table.POWER:
        return False
    exponent = ex.constant_value(node.children[1])
    return exponent is not None and exponent % 2 == 0
