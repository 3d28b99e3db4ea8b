"""Rules for functions of matrices and for names such as log-sum-exp.

`FUNCTIONS` shorten; `OPENINGS` make an expression longer at first, and are tried where something may cancel then.
"""

from __future__ import annotations

from dataclasses import replace

from symgd.algebra import expression as ex
from symgd.algebra.expression import Add, Contract, Expression, Leaf, Select
from symgd.algebra.functions.table import F
from symgd.algebra.shorten.product import Part, Product, taken_apart
from symgd.algebra.shorten.rule import ONE, Rule, named
from symgd.algebra.simplify import power_of


def _inverse_of(node: Expression, symmetry: bool) -> Expression | None:
    """Inverses of inverses, multiples, transposes, diagonal and orthogonal matrices."""
    if not named(node, "inv") or node.rank != 2:
        return None
    inside = taken_apart(node.children[0])
    if len(inside.parts) == 1 and inside.parts[0].is_plain:
        (part,) = inside.parts
        turned = part.labels == (1, 0)
        axes = (1, 0) if turned else (0, 1)
        if named(part.base, "inv") and len(part.labels) == 2:
            return ex.contract(1 / inside.coefficient, [(part.base.children[0], axes)], (0, 1))
        if symmetry and isinstance(part.base, Leaf) and "orthogonal" in part.base.kind and len(part.labels) == 2:
            return ex.contract(1 / inside.coefficient, [(part.base, axes[::-1])], (0, 1))
        if ex.is_identity(part.base):
            return ex.scaled(1 / inside.coefficient, part.base)
        if turned and part.base.rank == 2:
            return ex.contract(1 / inside.coefficient, [(F.inv(part.base), axes)], (0, 1))
    diagonal = [part for part in inside.parts if not ex.is_identity(part.base)]
    if len(diagonal) == len(inside.parts) - 1 and all(set(part.labels) in ({0}, {1}, set()) for part in diagonal):
        # On the diagonal both axes are one; entries are inverted one by one.
        parts = [replace(part, exponent=-part.exponent) if part in diagonal else part for part in inside.parts]
        return replace(inside, coefficient=1 / inside.coefficient, parts=tuple(parts)).node()
    scalars = [part for part in inside.parts if not part.labels]
    if inside.parts and (inside.coefficient != 1 or scalars):
        rest = inside.with_parts([part for part in inside.parts if part.labels], 1 / inside.coefficient)
        below = [Part(part.base, -part.exponent, ()) for part in scalars]
        return Product(1 / inside.coefficient, (*below, Part(F.inv(rest.node()), ONE, (0, 1))), 2, dict(enumerate(node.shape))).node()
    return None


def _determinant_of(node: Expression, symmetry: bool) -> Expression | None:
    if not named(node, "det", "logdet") or node.rank:
        return None
    inside = taken_apart(node.children[0])
    if inside.coefficient == 1 and len(inside.parts) == 1 and inside.parts[0].is_plain and len(inside.parts[0].labels) == 2:
        (part,) = inside.parts
        if named(part.base, "inv"):
            inner = ex.of_matrix(node.function, part.base.children[0])  # type: ignore[attr-defined]
            return ex.power(inner, -1) if named(node, "det") else ex.negative(inner)
        if part.labels == (1, 0) and part.base.rank == 2:
            return ex.of_matrix(node.function, part.base)  # type: ignore[attr-defined]
        if ex.is_identity(part.base):
            return ex.constant(1 if named(node, "det") else 0)
    return None


def _logarithm_of(node: Expression, symmetry: bool) -> Expression | None:
    if named(node, "log") and named(node.children[0], "det"):
        return F.logdet(node.children[0].children[0])
    if named(node, "exp") and named(node.children[0], "logdet"):
        return F.det(node.children[0].children[0])
    if named(node, "log") and (base := _summed_exponential(node.children[0])) is not None:
        return F.lse(base)
    return None


def _summed_exponential(node: Expression) -> Expression | None:
    """The z of sum(exp(z)) along the last axis."""
    if isinstance(node, Contract) and len(node.children) == 1 and named(node.children[0], "exp"):
        (raised,) = node.children
        axes = range(raised.rank)
        if ex.contract(1, [(raised, axes)], axes[:-1]) is node:
            return raised.children[0]
    return None


def _softmax_exponent(node: Expression, symmetry: bool) -> Expression | None:
    """exp(x − lse(x)), exp(logsoftmax(x))."""
    if not named(node, "exp"):
        return None
    (inner,) = node.children
    if named(inner, "logsoftmax"):
        return F.softmax(inner.children[0])
    if isinstance(inner, Add) and inner.rank:
        axes = range(inner.rank)
        for coefficient, term in inner.terms:
            part = next(iter(taken_apart(term).parts), None)
            if coefficient == -1 and part is not None and named(part.base, "lse"):
                x = part.base.children[0]
                if ex.add([x, ex.negative(ex.contract(1, [(part.base, axes[:-1])], axes, dict(enumerate(inner.shape))))]) is inner:
                    return F.softmax(x)
    return None


FUNCTIONS = (
    Rule("inverses of inverses", "inv(inv(A))", "A", "A[n,n]", _inverse_of),
    Rule("inverses of multiples", "inv(2*t*A)", "inv(A)/(2*t)", "A[n,n], t", _inverse_of),
    Rule("inverses of transposes", "inv(A')", "inv(A)'", "A[n,n]", _inverse_of),
    Rule("inverses of diagonal matrices", "inv(diag(v))", "diag(1./v)", "v[n]", _inverse_of),
    Rule("inverses of orthogonal matrices", "inv(Q)", "Q'", "Q[n,n] orthogonal", _inverse_of),
    Rule("determinants of inverses", "det(inv(A))", "1/det(A)", "A[n,n]", _determinant_of),
    Rule("log-determinants of inverses", "logdet(inv(A))", "-logdet(A)", "A[n,n] spd", _determinant_of),
    Rule("determinants of transposes", "det(A')", "det(A)", "A[n,n]", _determinant_of),
    Rule("log-determinant", "log(det(A))", "logdet(A)", "A[n,n] spd", _logarithm_of),
    Rule("determinant", "exp(logdet(A))", "det(A)", "A[n,n] spd", _logarithm_of),
    Rule("log-sum-exp", "log(sum(exp(x)))", "lse(x)", "x[n]", _logarithm_of),
    Rule("softmax as a power of e", "exp(x - lse(x))", "softmax(x)", "x[n]", _softmax_exponent),
)


def _inverse_of_product(node: Expression, symmetry: bool) -> Expression | None:
    """inv(A·B) = inv(B)·inv(A) for a chain of square matrices."""
    if not named(node, "inv") or node.rank != 2:
        return None
    inside = taken_apart(node.children[0])
    chain, at, left = list[tuple[Expression, bool]](), 0, [part for part in inside.parts if part.labels]
    if any(count != (1 if label < 2 else 2) for label, count in inside.carriers.items()):
        return None  # no chain: entrywise products, or a number beside it
    while left:
        part = next((one for one in left if at in one.labels), None)
        if part is None or len(part.labels) != 2 or not part.is_plain or part.base.shape[0] != part.base.shape[1]:
            return None
        left.remove(part)
        turned = part.labels[1] == at
        chain.append((part.base, turned))
        at = part.labels[0] if turned else part.labels[1]
    if len(chain) < 2 or at != 1:
        return None
    factors: list[tuple[Expression, tuple[int, ...]]] = []
    for k, (base, turned) in enumerate(reversed(chain)):
        here, there = (0 if k == 0 else 1 + k), (1 if k == len(chain) - 1 else 2 + k)
        factors.append((F.inv(base), (there, here) if turned else (here, there)))
    factors += [(power_of(part.base, -part.exponent), ()) for part in inside.parts if not part.labels]
    return ex.contract(1 / inside.coefficient, factors, (0, 1))


def _inverse_of_kron(node: Expression, symmetry: bool) -> Expression | None:
    """inv(kron(A, B)) = kron(inv(A), inv(B)): both axes pack two labels of square matrices in one way."""
    if not named(node, "inv") or node.rank != 2:
        return None
    inside = taken_apart(node.children[0])
    packs = [part for part in inside.parts if isinstance(part.base, Select)]
    others = [part for part in inside.parts if not isinstance(part.base, Select)]
    if len(packs) != 2 or packs[0].base is not packs[1].base or {packs[0].labels[0], packs[1].labels[0]} != {0, 1}:
        return None
    joined = dict(zip(packs[0].labels[1:], packs[1].labels[1:]))
    if len(others) != sum(one != two for one, two in joined.items()) or len({frozenset(part.labels) for part in others}) != len(others):
        return None
    turned = []
    for part in others:
        if (
            len(part.labels) == 2
            and part.is_plain
            and (joined.get(part.labels[0]) == part.labels[1] or joined.get(part.labels[1]) == part.labels[0])
        ):
            turned.append(replace(part, base=F.inv(part.base)))
        else:
            return None
    return replace(inside, coefficient=1 / inside.coefficient, parts=(*turned, *packs)).node()


OPENINGS = (
    Rule("inverses of products", "inv(A*B)", "inv(B)*inv(A)", "A[n,n], B[n,n]", _inverse_of_product),
    Rule("inverses of Kronecker products", "inv(kron(A, B))", "kron(inv(A), inv(B))", "A[m,m], B[n,n]", _inverse_of_kron),
)
