"""The rules by which expressions get shorter, applied. A rule holds wherever its left side is defined.

`MERGING` is what `simplify` does, the other tables are of this room. Each row has its statement in the language, with
declarations, so that it can be tested on what it says.
"""

from __future__ import annotations

from symgd.algebra import expression as ex
from symgd.algebra.expression import Add, Contract, Expression, Map, MatrixFunction
from symgd.algebra.shorten.of_functions import FUNCTIONS, OPENINGS
from symgd.algebra.shorten.of_products import PRODUCTS
from symgd.algebra.shorten.of_sums import SUMS
from symgd.algebra.shorten.product import Product, is_product, taken_apart
from symgd.algebra.shorten.rule import Rule
from symgd.algebra.simplify import simplified


def _merged(node: Expression, symmetry: bool) -> Expression | None:
    """What `simplify` makes of it, where that is something else."""
    found = simplified(node, symmetry)
    return None if found is node else found


MERGING = (
    Rule("like terms", "2*(A*x + y) + A*x", "3*A*x + 2*y", "A[m,n], x[n], y[m]", _merged),
    Rule("like terms, transposed", "x'*A*y + y'*A'*x", "2*x'*A*y", "A[m,n], x[m], y[n]", _merged),
    Rule("like terms, under a trace", "tr(A*B) + tr(B*A)", "2*tr(A*B)", "A[m,n], B[n,m]", _merged),
    Rule("declared symmetry", "S*x + S'*x", "2*S*x", "S[n,n] symmetric, x[n]", _merged),
    Rule("symmetry of products", "A'*A*x + (A'*A)'*x", "2*A'*A*x", "A[m,n], x[n]", _merged),
    Rule("symmetry of inverses", "inv(A'*A)'*x + inv(A'*A)*x", "2*inv(A'*A)*x", "A[n,n], x[n]", _merged),
    Rule("products in products", "A*(B*(x.*y))", "A*B*(x.*y)", "A[m,n], B[n,n], x[n], y[n]", _merged),
    Rule("powers of one base", "norm2(x)^2*x/norm2(x)", "norm2(x)*x", "x[n]", _merged),
    Rule("powers of products", "(x.*y).^3./x", "x.^2.*y.^3", "x[n], y[n]", _merged),
    Rule("powers of powers", "sqrt(x).^3.*sqrt(x)", "x.^2", "x[n] > 0", _merged),
    Rule("roots of squares", "sqrt(x.^2)", "abs(x)", "x[n]", _merged),
    Rule("squares of moduli", "abs(x).^2", "x.^2", "x[n]", _merged),
    Rule("exponentials of logarithms", "exp(log(x))", "x", "x[n] > 0", _merged),
    Rule("logarithms of exponentials", "log(exp(x))", "x", "x[n]", _merged),
    Rule("choices", "(t if t > 0 else 0)*log(t)", "t*log(t) if t > 0 else 0", "t", _merged),
)
MERGING_AND_NAMING = (*MERGING, *PRODUCTS, *FUNCTIONS, *SUMS, *OPENINGS)
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
