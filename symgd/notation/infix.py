"""Expressions as text of the language: what `symgd.formula` reads back as the same expression."""

from __future__ import annotations

from collections.abc import Iterable, Set
from fractions import Fraction

from symgd.algebra.expression import Expression
from symgd.notation import presentation as show
from symgd.notation.present import presented
from symgd.notation.presentation import (
    ATOM,
    CHOICE,
    COMPARISON,
    POSTFIX,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Piece,
    Tree,
)
from symgd.notation.terms import is_decimal


def infix(
    expression: Expression,
    notation: str = "auto",
    *,
    row: bool = False,
    avoid: Iterable[str] = (),
    authored: Set[Expression] = frozenset(),
) -> str:
    """The expression in the infix language.

    `notation` "auto" and "matrix" write matrix products where there are any, "index" writes index sums; `row` says that a vector
    lies down, `avoid` are names that no bound index may have. Terms and factors stand in the order that reads best, those of
    `authored` nodes in the order they have. Raises LimitError where the text would be too long to read.

    >>> from symgd import formula, gradient
    >>> print(gradient(formula("norm2(A*x - b)^2", given="A[m,n], x[n], b[m]"), "x"))
    2*A'*(A*x - b)
    """
    return show.rendered(presented(expression, notation, row, avoid, authored=authored), pieces, "(", ")")


def pieces(node: Tree) -> tuple[int, list[Piece]]:
    """One node in terms of its parts, and how tightly it holds together."""
    if isinstance(node, show.Number):
        return _number(node.value)
    if isinstance(node, show.Name):
        return ATOM, [node.name]
    if isinstance(node, show.Group):
        return ATOM, ["(", (node.inner, 0), ")"]
    if isinstance(node, show.Sum):
        return SUM, show.summed(node)
    if isinstance(node, show.Product):
        return PRODUCT, [(node.first, PRODUCT), *[piece for operator, factor in node.rest for piece in (operator, (factor, SIGN))]]
    if isinstance(node, show.Quotient):
        return PRODUCT, [(node.above, PRODUCT), "./" if node.entrywise else "/", (node.below, SIGN)]
    if isinstance(node, show.Power):
        # x.^y' would be ambiguous, and the language refuses it.
        least = ATOM if isinstance(node.exponent, show.Transpose) else POWER
        return POWER, [(node.base, POSTFIX), ".^" if node.entrywise else "^", (node.exponent, least)]
    if isinstance(node, show.Transpose):
        return POSTFIX, [(node.base, POSTFIX), "'"]
    if isinstance(node, show.Indexed):
        return POSTFIX, [(node.base, POSTFIX), f"[{','.join(map(_compact, node.indices))}]"]
    if isinstance(node, show.Call):
        axis: list[Piece] = [f", axis={node.axis}"] if node.axis else []
        return ATOM, [f"{node.name}(", *show.listed(node.arguments), *axis, ")"]
    if isinstance(node, show.Literal):
        return ATOM, ["[", *show.listed(node.items), "]"]
    if isinstance(node, show.Blocks):
        rows = [piece for row in node.rows for piece in ("; ", *show.listed(row))]
        return ATOM, ["[", *rows[1:], "]"]
    if isinstance(node, show.Bound):
        binders = "".join(f"{letter}=1..{_compact(last)}, " for letter, last in node.indices)
        return ATOM, [f"{node.kind}({binders}", (node.body, 0), ")"]
    if isinstance(node, show.Conditional):
        return CHOICE, [(node.value, COMPARISON), " if ", (node.condition, COMPARISON), " else ", (node.otherwise, CHOICE)]
    assert isinstance(node, show.Comparison)
    return COMPARISON, [(node.left, SUM), f" {node.operator} ", (node.right, SUM)]


def _compact(index: Tree) -> str:
    """An index or a size, without spaces: n-1."""
    return show.rendered(index, pieces, "(", ")").replace(" ", "")


def _number(value: Fraction) -> tuple[int, list[Piece]]:
    if value < 0:
        tightness, digits = _number(-value)
        return min(tightness, SUM), ["-", *digits]
    if value.denominator == 1:
        return ATOM, [str(value.numerator)]
    if is_decimal(value):
        whole, rest = divmod(value.numerator * (10**6 // value.denominator), 10**6)
        return ATOM, [f"{whole}.{rest:06d}".rstrip("0")]
    return PRODUCT, [f"{value.numerator}/{value.denominator}"]
