"""What a rule says, as one sentence: that of the table of rules, or, of a function, its row of the function table written out."""

from __future__ import annotations

from functools import cache

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Expression
from symgd.algebra.functions.row import Along, Elementwise
from symgd.calculus.steps.forward import opened
from symgd.calculus.steps.pending import Derivative, Pending
from symgd.calculus.steps.rules import Rule
from symgd.errors import NoRuleError
from symgd.notation.functions import OF_ALL_ENTRIES, call_name
from symgd.notation.infix import infix

_LETTERS = "uvwz"


def name_of(rule: Rule) -> str:
    """The name that stands beside a line: that of a function is its name in the language."""
    if rule.function is None:
        return rule.name
    name = call_name(rule.function)
    return f"derivative of {OF_ALL_ENTRIES.get(name, name) if rule.of_all else name}"


@cache
def statement_of(rule: Rule) -> str:
    """The content of the rule.

    >>> from symgd.algebra.functions.table import elementwise
    >>> from symgd.calculus.steps.rules import of_function
    >>> statement_of(of_function(elementwise("tanh")))
    'diff(tanh(u), u) = 1 - tanh(u)^2.'
    """
    row = rule.function
    if row is None:
        return rule.statement
    size = Dimension.of("n")
    if isinstance(row, Elementwise):
        arguments = [ex.leaf(letter) for letter in _LETTERS[: row.arity]]
        by, body = Derivative(arguments[0]), ex.apply(row, *arguments)
        if len(arguments) > 1:
            return ", ".join(said for u in arguments if (said := _said(Derivative(u).of(body)))) + "."
    elif isinstance(row, Along):
        array = ex.leaf("U", (Dimension.of("m"), size)) if rule.of_all else ex.leaf("u", (size,))
        by, body = Derivative(array, ex.leaf(f"d{array.name}", array.shape)), ex.along(row, array)
        body = ex.along(row, body) if rule.of_all else body
    else:
        square = ex.leaf("U", (size, size))
        scalars: list[Expression] = [ex.leaf("k", (), ("integer",))] * row.scalars
        by, body = Derivative(square, ex.leaf("dU", (size, size))), ex.of_matrix(row, square, *scalars)
    said = _said(by.of(body))
    return f"{said}." if said else ""


def _said(question: Pending) -> str:
    """The derivative and what it is; "" where it is not known, as by the order of a polygamma function."""
    try:
        return f"{infix(question)} = {infix(opened(question)[0])}"
    except NoRuleError:
        return ""
