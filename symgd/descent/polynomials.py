"""Is an expression made of sums, products and whole powers of some variables? Read off its nodes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from symgd.algebra.expression import Add, Contract, Expression, Leaf, Map, Select, Stack, constant_value, topological
from symgd.algebra.functions import table
from symgd.lowering.norms import norms_opened


def is_polynomial(root: Expression, variables: Iterable[Leaf]) -> bool:
    """Are sums, products and whole powers all that is done with the variables?"""
    holds: set[Expression] = set(variables)
    for node in topological(root):
        if any(child in holds for child in node.children):
            holds.add(node)
        if node in holds and not (isinstance(node, Leaf | Add | Contract | Stack) or _is_whole_power(node)):
            return False
    return True


@lru_cache(maxsize=128)
def is_arithmetic(root: Expression, variables: tuple[Leaf, ...]) -> bool:
    """Is it a polynomial in all variables that reads all their entries, so that one that is not finite makes the result so?"""
    (opened,) = norms_opened([root])
    return is_polynomial(opened, variables) and not any(_is_selective(node) for node in topological(opened))


def _is_selective(node: Expression) -> bool:
    """Does it leave entries out: by an index that is computed or a number, or along a diagonal, where a factor has a label twice?"""
    return isinstance(node, Select) or (isinstance(node, Contract) and any(len(set(one)) < len(one) for one in node.labels))


def _is_whole_power(node: Expression) -> bool:
    exponent = constant_value(node.children[1]) if isinstance(node, Map) and node.function is table.POWER else None
    return exponent is not None and exponent.denominator == 1 and exponent >= 0
