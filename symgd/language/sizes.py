"""Sizes as they are written, `3`, `n`, `2*n - 1`, to polynomials of dimension names."""

from __future__ import annotations

from symgd.algebra.dimension import ONE, Dimension
from symgd.algebra.trampoline import Task, run
from symgd.errors import FormulaError
from symgd.language.syntax import Chain, Name, Node, Number, Power, Prefix


def dimension_of(node: Node, text: str) -> Dimension:
    """The size that is written. Raises `FormulaError` at what is none."""
    return run(_dimension(node, text))


def _dimension(node: Node, text: str) -> Task[Dimension]:
    if isinstance(node, Number) and node.value.denominator == 1:
        return Dimension.of(int(node.value))
    if isinstance(node, Name):
        return Dimension.of(node.name)
    if isinstance(node, Prefix):
        operand: Dimension = yield _dimension(node.operand, text)
        return -operand if node.operator == "-" else operand
    if isinstance(node, Power) and isinstance(node.exponent, Number) and node.exponent.value in range(1, 9):
        base: Dimension = yield _dimension(node.base, text)
        raised = ONE
        for _ in range(int(node.exponent.value)):
            raised = raised * base
        return raised
    if isinstance(node, Chain) and all(operator in ("+", "-", "*") for operator, _, _ in node.rest):
        total: Dimension = yield _dimension(node.first, text)
        for operator, _, term in node.rest:
            value: Dimension = yield _dimension(term, text)
            total = total * value if operator == "*" else total + value if operator == "+" else total - value
        return total
    reason = "unexpected size: expected a whole number, or a polynomial of dimension names."
    raise FormulaError(reason, hint="Write sizes such as x[3], x[n], x[2*n - 1].").at(text, node.start, node.end)
