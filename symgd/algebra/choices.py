"""A rule of the simplifier: (p if c else 0)·h = (p·h if c else 0) where h is not defined everywhere.

The derivative of `x*log(x) if x > 0 else 0` is a choice times 1 + log x; computed as it stands, at x = 0 that is 0·∞. Taken
into the choice, what is not chosen does no harm.
"""

from __future__ import annotations

from symgd.algebra import expression as ex
from symgd.algebra.expression import Along, Expression, Factor, Map, MatrixFunction
from symgd.algebra.functions.table import POWER


def chosen(factors: list[Factor], partial: dict[Expression, bool]) -> list[Factor]:
    """The factors of a product, those that may be undefined taken into a choice between something and 0.

    `partial` remembers, between calls, which expressions may be undefined.
    """
    for k, (choice, labels) in enumerate(factors):
        if not (isinstance(choice, Map) and choice.function.name == "where") or len(set(labels)) < len(labels):
            continue
        condition, *branches = choice.children
        taken = [f for j, f in enumerate(factors) if j != k and set(f[1]) <= set(labels) and may_be_undefined(f[0], partial)]
        if not taken or not any(map(ex.is_zero, branches)):
            continue
        sizes = dict(zip(labels, choice.shape))
        products = [b if ex.is_zero(b) else ex.contract(1, [(b, labels), *taken], labels, sizes) for b in branches]
        whole = (ex.apply(choice.function, condition, *products), labels)
        return [whole if j == k else f for j, f in enumerate(factors) if f not in taken]
    return factors


def may_be_undefined(root: Expression, known: dict[Expression, bool]) -> bool:
    """Has the expression a part that is undefined or infinite at some values?"""
    waiting = [root]
    while waiting:
        node = waiting[-1]
        missing = [child for child in node.children if child not in known]
        if missing and node not in known:
            waiting += missing
            continue
        waiting.pop()
        known[node] = _own(node) or any(known[child] for child in node.children)
    return known[root]


def _own(node: Expression) -> bool:
    if isinstance(node, Map) and node.function is POWER:
        exponent = ex.constant_value(node.children[1])
        return exponent is None or exponent < 0 or exponent.denominator != 1
    return isinstance(node, MatrixFunction) or (isinstance(node, Map | Along) and bool(node.function.domain))
