"""The rules by which expressions get shorter, applied. A rule holds wherever its left side is defined.

Each row of `RULES` has its statement in the language, with declarations, so that it can be tested on what it says.
"""

from __future__ import annotations

from symgd.algebra import expression as ex
from symgd.algebra.expression import Add, Contract, Expression, Map, MatrixFunction
from symgd.algebra.shorten.of_functions import FUNCTIONS, OPENINGS
from symgd.algebra.shorten.of_products import PRODUCTS
from symgd.algebra.shorten.of_sums import SUMS
from symgd.algebra.shorten.product import Product, is_product, taken_apart

RULES = (*PRODUCTS, *FUNCTIONS, *SUMS, *OPENINGS)
# Several rows may be one piece of code.
_PRODUCTS, _FUNCTIONS, _SUMS, _OPENINGS = (
    tuple(dict.fromkeys(rule.apply for rule in table)) for table in (PRODUCTS, FUNCTIONS, SUMS, OPENINGS)
)


def of_product(node: Expression, symmetry: bool) -> Expression:
    """The product with the rules for products applied until none applies."""
    product, changed = taken_apart(node), False
    if any(map(is_product, node.children)):
        node = product.node()  # once more: what met in one product may have become identity matrices
        product = taken_apart(node)
    found: Product | None = product
    while found is not None:
        product = found
        found = next((made for apply in _PRODUCTS if (made := apply(product, symmetry)) is not None), None)
        if found is not None:
            changed = True
            found = taken_apart(found.node())
    return product.node() if changed else node


def of_function(node: Expression, symmetry: bool) -> Expression:
    """A function with the rules for functions, then those for products, applied."""
    for _ in range(10):
        found = next((made for apply in _FUNCTIONS if (made := apply(node, symmetry)) is not None), None)
        if found is None:
            break
        node = found
    return of_product(node, symmetry) if isinstance(node, Map | Contract) else node


def of_sum(node: Expression, symmetry: bool) -> Expression:
    """A sum with the rules for sums applied until none applies."""
    while isinstance(node, Add):
        found = next((made for apply in _SUMS if (made := apply(node, symmetry)) is not None), None)
        if found is None:
            break
        node = found
    return node


def opened(root: Expression, symmetry: bool) -> Expression:
    """The expression with the rules that open inverses applied everywhere but inside other functions."""
    done: dict[Expression, Expression] = {}
    for node in ex.topological(root):
        if isinstance(node, MatrixFunction):
            found = next((made for apply in _OPENINGS if (made := apply(node, symmetry)) is not None), None)
            done[node] = found or node
        elif isinstance(node, Add | Contract):
            done[node] = ex.rebuilt(node, [done[child] for child in node.children])
        else:
            done[node] = node
    return done[root]
