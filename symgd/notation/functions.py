"""How functions are written: which are operators, what the language calls them, what a negative power becomes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.algebra.expression import Expression, Leaf, Unknown, topological
from symgd.algebra.functions.row import Along, Elementwise, OfMatrix
from symgd.algebra.functions.table import MATRIX_POWER, POWER, elementwise
from symgd.algebra.operations import OF_ARRAY
from symgd.errors import NoRuleError
from symgd.notation import presentation as show
from symgd.notation.presentation import Tree
from symgd.notation.terms import Term

COMPARISONS = {"less": "<", "less_equal": "<=", "equal": "==", "not_equal": "!="}
_NEGATED = {"<": ">=", "<=": ">", "==": "!=", "!=": "==", ">": "<=", ">=": "<"}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_CALLED = {row: name for name, row in OF_ARRAY.items()}  # the table tells the largest entry from the larger of two numbers
_OF_ALL_ENTRIES = {"norm2": "normF"}

_HALF = Fraction(1, 2)
_ABS_OF_ARRAY = r"\operatorname{abs}\left({0}\right)"


def call_name(function: Along | OfMatrix | Elementwise) -> str:
    return _CALLED.get(function.name, function.name)


def matrix_tree(function: OfMatrix, arguments: Sequence[Tree]) -> Tree:
    """A function of a matrix: `inv(A)`, `A^k`."""
    if function is MATRIX_POWER:
        return show.Power(arguments[0], arguments[1])
    return show.Call(call_name(function), tuple(arguments), latex=function.latex)


def of_all_entries(function: Along, argument: Tree) -> Tree:
    """A function of all entries of an array of two or more axes."""
    if function.name == "norm1":
        return show.Call("sum", (show.Call("abs", (argument,), latex=_ABS_OF_ARRAY),))
    return show.Call(_OF_ALL_ENTRIES.get(function.name, call_name(function)), (argument,), latex=function.latex)


def innermost(node: ex.Along) -> Expression:
    """The array that a function of its last axis, and of the axis before it, and so on, is of."""
    inner = node.children[0]
    while isinstance(inner, ex.Along) and inner.function is node.function and not inner.function.keeps_axis:
        inner = inner.children[0]
    return inner


def elementwise_term(function: Elementwise, arguments: Sequence[Tree], entrywise: bool) -> Term:
    """A function of the table applied to trees: scalars, or arrays where `entrywise`."""
    if function is POWER:
        return _power_term(arguments[0], arguments[1], entrywise)
    if function.name in COMPARISONS:
        # A comparison is no value in the language; this is the value it has.
        return Term(scalars=(show.Conditional(show.ONE, _comparison(COMPARISONS[function.name], *arguments), show.ZERO),))
    if function.name == "where":
        condition, value, otherwise = arguments
        return Term(scalars=(show.Conditional(value, _comparison("!=", condition, show.ZERO), otherwise),))
    if function.name in OF_ARRAY:
        # max(max(x, y), z) is max(x, y, z)
        first, *rest = arguments
        if isinstance(first, show.Call) and first.name == function.name and len(first.arguments) > 1:
            return Term(scalars=(show.Call(function.name, (*first.arguments, *rest)),))
    # Bars round an array are a norm or a determinant.
    written = _ABS_OF_ARRAY if entrywise and function.name == "abs" else function.latex
    return Term(scalars=(show.Call(call_name(function), tuple(arguments), latex=written),))


def _comparison(operator: str, left: Tree, right: Tree) -> show.Comparison:
    """The comparison with a number on the right; of a truth value with 0, the comparison that the truth value is of."""
    if isinstance(left, show.Number) and not isinstance(right, show.Number):
        return _comparison(_MIRRORED[operator], right, left)
    inner = _truth(left)
    if inner and operator in ("==", "!=") and show.is_number(right, 0):
        return inner if operator == "!=" else show.Comparison(_NEGATED[inner.operator], inner.left, inner.right)
    return show.Comparison(operator, left, right)


def _truth(tree: Tree) -> show.Comparison | None:
    """The comparison that the tree is the value of."""
    if not isinstance(tree, show.Conditional) or not show.is_number(tree.value, 1) or not show.is_number(tree.otherwise, 0):
        return None
    return tree.condition if isinstance(tree.condition, show.Comparison) else None


def _power_term(base: Tree, exponent: Tree, entrywise: bool) -> Term:
    value = exponent.value if isinstance(exponent, show.Number) else None
    if value == -1 and not entrywise and isinstance(base, show.Product) and not base.arrays:
        return Term(divisors=tuple(base.parts()))
    if value is not None and value < 0:
        return Term(divisors=(power_tree(base, show.number(-value), entrywise),))
    return Term(scalars=(power_tree(base, exponent, entrywise),))


def power_tree(base: Tree, exponent: Tree, entrywise: bool) -> Tree:
    if isinstance(exponent, show.Number) and exponent.value == _HALF:
        return square_root(base)
    return show.power(base, exponent, entrywise)


def square_root(tree: Tree) -> Tree:
    return show.Call("sqrt", (tree,), latex=elementwise("sqrt").latex)


def unknown_tree(node: Unknown, arguments: Sequence[Tree], step: str) -> Tree:
    """`T(x, y)`, its derivative by arguments that are variables, `diff(T(x, y), x)`, by others as the limit of a quotient.

    `step` is a name for the small number of that quotient.
    """
    if all(order == 0 or _is_own(node, k) for k, order in enumerate(node.orders)):
        tree: Tree = show.Call(node.name, tuple(arguments))
        if node.shape:
            return _by_array(node, tree, arguments)
        for argument, order in zip(arguments, node.orders):
            for _ in range(order):
                tree = show.Call("diff", (tree, argument))
        return tree
    if node.shape:
        raise NoRuleError(f"the gradient of the unknown function {node.name} at a point that is no variable has no form as text.")
    return _limit(node.name, list(arguments), node.orders, step)


def _by_array(node: Unknown, tree: Tree, arguments: Sequence[Tree]) -> Tree:
    """`grad(f(x), x)`, `hess(f(x), x)`."""
    by = [(child.rank, order, argument) for child, order, argument in zip(node.children, node.orders, arguments) if order]
    if len(by) == 1 and by[0][0] == 1 and by[0][1] <= 2:
        return show.Call("grad" if by[0][1] == 1 else "hess", (tree, by[0][2]))
    raise NoRuleError(f"this derivative of the unknown function {node.name} has no form as text.")


def _is_own(node: Unknown, at: int) -> bool:
    """Is the argument a variable that no other argument contains?"""
    argument = node.children[at]
    others = [child for k, child in enumerate(node.children) if k != at]
    return isinstance(argument, Leaf) and argument not in topological(*others)


def _limit(name: str, arguments: list[Tree], orders: tuple[int, ...], step: str) -> Tree:
    """lim(h, 0, (T(x^2 + h) - T(x^2))/h), again for every further order."""
    if not any(orders):
        return show.Call(name, tuple(arguments))
    at = next(k for k, order in enumerate(orders) if order)
    lower = tuple([order - (k == at) for k, order in enumerate(orders)])
    h = show.Name(step)
    moved = [show.Sum(((1, argument), (1, h))) if k == at else argument for k, argument in enumerate(arguments)]
    inner = step + "1" if any(lower) else step
    change = show.Sum(((1, _limit(name, moved, lower, inner)), (-1, _limit(name, arguments, lower, inner))))
    return show.Call("lim", (h, show.ZERO, show.Quotient(change, h)))
