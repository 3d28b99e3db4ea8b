"""Sums made shorter: like terms up to transposition, common factors in front of brackets."""

from __future__ import annotations

from symgd.algebra import expression as ex
from symgd.algebra.expression import Add, Expression
from symgd.algebra.shorten.common import common
from symgd.algebra.shorten.expanding import Memory, Term, alike, content, upright_first
from symgd.algebra.shorten.length import length
from symgd.algebra.shorten.product import Product, taken_apart, with_numbers
from symgd.algebra.shorten.rule import Rule
from symgd.algebra.shorten.rules import of_sum

MOST = 24  # terms of a sum whose factors are collected
BRIDGED = 2  # tokens that must be saved where an identity matrix or a diag comes in


def collected(node: Expression, memory: Memory) -> Expression:
    """The sum with like terms and common factors collected, as long as that makes it shorter."""
    if node not in memory.sums:
        memory.sums[node] = _collected(node, memory)
    return memory.sums[node]


def _collected(node: Expression, memory: Memory) -> Expression:
    found = alike(ex.terms(node), memory)
    if len(found) > MOST:
        return _sum(found, node)
    whole = [ex.scaled(c, unit) for c, unit in found]
    while len(whole) > 1:
        best: tuple[int, int, int, Expression] | None = None
        for j in range(len(whole)):
            for i in range(j):
                gain = _gain(whole[i], whole[j], memory)
                if gain and (best is None or gain[0] > best[0]):
                    best = gain[0], i, j, gain[1]
        if best is None:
            break
        _, i, j, whole[i] = best
        del whole[j]
    return of_sum(_sum(alike([ex.split(term) for term in whole], memory), node), memory.symmetry)


def _gain(one: Expression, other: Expression, memory: Memory) -> tuple[int, Expression] | None:
    pair = one, other
    if pair not in memory.gains:
        memory.gains[pair] = _joined(taken_apart(one), taken_apart(other), *pair, memory)
    return memory.gains[pair]


def _sum(terms: list[Term], like: Expression) -> Expression:
    return ex.add([ex.scaled(c, unit) for c, unit in upright_first(terms)]) if terms else ex.full(0, like.shape)


def _joined(one: Product, other: Product, left: Expression, right: Expression, memory: Memory) -> tuple[int, Expression] | None:
    """Two terms as one, and how many tokens that saves; None where it saves none."""
    if not _may_gain(one, other):
        return None
    before = length(left) + length(right) + 1
    # Numbers such as x'·A·x stay whole beside other factors, as a reader sees them; alone, they may share factors themselves.
    whole = with_numbers((one, other))
    alone = not one.rank and all(len(product.parts) == 1 for product in whole)
    first, second = (one, other) if alone else whole
    for bridges in (False,) if alone else (False, True):
        found = common(first, second, memory.symmetry, bridges)
        if found is None:
            continue
        number, inner = content(collected(ex.add(found.rests), memory))
        joined = ex.scaled(number, found.node(inner))
        gain = before - length(joined)
        # At equal length (A + A')*x rather than A*x + A'*x; but A*x + d.*x rather than (A + diag(d))*x.
        rank = max(part.base.rank for part in found.product.parts)
        needs_more = bridges and (rank < 2 or any(map(_is_scaled_identity, found.rests)))
        least = BRIDGED if needs_more else -1 if rank else 0
        if gain > least:
            return gain, joined
    return None


def _is_scaled_identity(node: Expression) -> bool:
    return all(ex.is_identity(part.base) for part in taken_apart(node).parts if any(label < node.rank for label in part.labels))


def _may_gain(one: Product, other: Product) -> bool:
    """Have they enough in common? Of numbers one letter is not: x·a + x·b is as long as x·(a + b)."""
    theirs = {part.base for part in other.parts} | {ex.negative(part.base) for part in other.parts if isinstance(part.base, Add)}
    shared = [part for part in one.parts if part.base in theirs]
    return any(part.labels for part in shared) or sum(length(part.node) + 1 for part in shared) > 2


def _with_brackets(node: Expression, symmetry: bool) -> Expression | None:
    found = collected(node, Memory(symmetry))
    return None if found is node else found


COLLECTING = (
    Rule("a common factor", "A*x + B*x", "(A + B)*x", "A[m,n], B[m,n], x[n]", _with_brackets),
    Rule("common factors on both sides", "A'*C*A + A'*D*A", "A'*(C + D)*A", "A[m,n], C[m,m], D[m,m]", _with_brackets),
    Rule("a common vector on a diagonal", "A'*diag(x)*A + A'*diag(y)*A", "A'*diag(x + y)*A", "A[m,n], x[m], y[m]", _with_brackets),
    Rule("a common factor and nothing else", "A'*diag(x) + A'", "A'*diag(x + 1)", "A[m,n], x[m]", _with_brackets),
    Rule("a common number", "(x'*y)^2*A*z - 2*(x'*y)^2*b", "(x'*y)^2*(A*z - 2*b)", "A[m,n], x[n], y[n], z[n], b[m]", _with_brackets),
    Rule("a label that is two", "A'*diag(v)*A - A'*v*v'*A", "A'*(diag(v) - v*v')*A", "A[m,n], v[m]", _with_brackets),
)
