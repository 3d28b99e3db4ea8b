"""Numbers made of arrays as variables: what is proved of (x'·A·x)/(1 + t²) with any number in the place of x'·A·x is proved."""

from __future__ import annotations

from symgd.algebra import expression as ex
from symgd.algebra.canonical import canonical
from symgd.algebra.expand import expanded
from symgd.algebra.expression import Contract, Expression

_DEEPEST = 8  # numbers of arrays inside numbers of arrays that are looked into


def with_numbers(root: Expression, depth: int = 0) -> Expression:
    """The number with each number in it that is made of arrays, multiplied out and term by term, replaced by a variable.

    Equal such numbers get one variable where their canonical forms are the same; taking equal ones for different proves less, never more.
    """
    done: dict[Expression, Expression] = {}
    for node in ex.topological(root):
        if node.shape:
            continue
        if all(child in done for child in node.children):
            done[node] = ex.rebuilt(node, [done[child] for child in node.children])
        else:
            form = expanded(node) if depth < _DEEPEST else None
            done[node] = ex.add([ex.scaled(c, _term(unit, depth)) for c, unit in ex.terms(form)]) if form is not None else _variable(node)
    return done[root]


def _term(unit: Expression, depth: int) -> Expression:
    """A product: its numbers as they are, what is left of arrays as one variable."""
    if not isinstance(unit, Contract):
        return _variable(unit) if unit.children and any(child.shape for child in unit.children) else with_numbers(unit, depth + 1)
    labelled = [factor for factor in unit.factors if factor[1]]
    numbers = [with_numbers(child, depth + 1) for child, labels in unit.factors if not labels]
    rest = _variable(ex.contract(1, labelled, (), unit.dimensions())) if labelled else ex.constant(1)
    return ex.contract(unit.coefficient, [(child, ()) for child in (*numbers, rest)], ())


def _variable(node: Expression) -> Expression:
    number, unit = ex.split(node)
    return ex.scaled(number, ex.leaf("\0" + canonical(unit).digest.hex()))
