"""Rules for sums: complements, Pythagoras, the lowest power of a common denominator."""

from __future__ import annotations

from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.algebra.expression import Add, Contract, Expression
from symgd.algebra.functions.table import F
from symgd.algebra.shorten.expanding import Memory, Term, alike, multiplied_out, upright_first
from symgd.algebra.shorten.length import length
from symgd.algebra.shorten.product import Part, taken_apart
from symgd.algebra.shorten.rule import ONE, Rule, named
from symgd.algebra.simplify import power_of


def _complement(node: Expression, symmetry: bool) -> Expression | None:
    """1 − sigmoid(u) = sigmoid(−u), sigmoid(u) + sigmoid(−u) = 1, cos² + sin² = 1, cosh² − sinh² = 1."""
    if not isinstance(node, Add):
        return None
    terms = {unit: c for c, unit in node.terms}
    one = ex.full(1, node.shape)
    number = ex.split(one)[1]

    def without(*gone: Expression) -> list[Expression]:
        return [ex.scaled(c, unit) for unit, c in terms.items() if unit not in gone]

    for unit, c in terms.items():
        if named(unit, "sigmoid"):
            other = F.sigmoid(ex.negative(unit.children[0]))
            if terms.get(number) == -c:
                return ex.add([*without(unit, number), ex.scaled(-c, other)])
            if terms.get(other) == c:
                return ex.add([*without(unit, other), ex.scaled(c, one)])
        base, exponent = (part.base, part.exponent) if (part := _single(unit)) else (unit, ONE)
        for first, second, sign in (("cos", "sin", 1), ("cosh", "sinh", -1)):
            if exponent == 2 and named(base, first):
                other = power_of(F.__getattr__(second)(base.children[0]), exponent)
                if terms.get(other) == sign * c:
                    return ex.add([*without(unit, other), ex.scaled(c, one)])
    return None


def _denominator(node: Expression, symmetry: bool) -> Expression | None:
    """Terms over different powers of one sum, over the lowest: 1/√(1 + u²) − u²/(1 + u²)^(3/2) = (1 + u²)^(-3/2)."""
    if not isinstance(node, Add):
        return None
    terms = [(c, taken_apart(unit)) for c, unit in node.terms]
    below = dict.fromkeys(
        (part.base, part.labels)
        for _, term in terms
        for part in term.parts
        if isinstance(part.base, Add) and part.exponent < 0 and all(label < node.rank for label in part.labels)
    )
    for base, labels in below:
        powers = [
            next((part.exponent for part in term.parts if (part.base, part.labels) == (base, labels)), Fraction(0)) for _, term in terms
        ]
        lowest = min(powers)
        if any((power - lowest).denominator != 1 or power - lowest > 2 for power in powers) or len(set(powers)) == 1:
            continue
        above = []
        for (c, term), power in zip(terms, powers):
            rest = term.with_parts([part for part in term.parts if (part.base, part.labels) != (base, labels)], c)
            whole = [(rest.node(), range(node.rank))] + [(base, labels)] * int(power - lowest)
            above.append(ex.contract(1, whole, range(node.rank), dict(enumerate(node.shape))))
        whole_sum = ex.add(above)
        parts = multiplied_out(whole_sum) or ex.terms(whole_sum)
        units = [ex.scaled(c, unit) for c, unit in alike(parts, Memory(symmetry))]
        numerator = ex.add(units) if units else ex.full(0, node.shape)
        axes = range(node.rank)
        found = ex.contract(1, [(numerator, axes), (power_of(base, lowest), labels)], axes)
        if length(found) < length(node):
            return found
    return None


def terms_of_transposed(node: Expression) -> list[Term]:
    """A' - B' of (A - B)'; nothing of what is no transposed bracket."""
    if not isinstance(node, Contract) or node.rank != 2 or node.labels != ((1, 0),) or not isinstance(node.children[0], Add):
        return []
    return [(node.coefficient * c, ex.transposed(part, (1, 0))) for c, part in node.children[0].terms]


def _transposed_bracket(node: Expression, symmetry: bool) -> Expression | None:
    """(A + B)' − B' = A', where that is shorter."""
    if not isinstance(node, Add) or node.rank != 2:
        return None
    terms = []
    for c, unit in node.terms:
        terms += [(c * inner, part) for inner, part in terms_of_transposed(unit)] or [(c, unit)]
    if len(terms) == len(node.children):
        return None
    units = [ex.scaled(c, unit) for c, unit in upright_first(alike(terms, Memory(symmetry)))]
    found = ex.add(units) if units else ex.full(0, node.shape)
    return found if length(found) < length(node) else None


def _single(node: Expression) -> Part | None:
    """The one power that the node is, entry by entry."""
    product = taken_apart(node)
    if len(product.parts) == 1 and product.coefficient == 1 and product.parts[0].labels == tuple(range(node.rank)):
        return product.parts[0]
    return None


SUMS = (
    Rule("complement of sigmoid", "1 - sigmoid(x)", "sigmoid(-x)", "x[n]", _complement),
    Rule("sigmoids that add up to 1", "sigmoid(x) + sigmoid(-x)", "ones(n)", "x[n]", _complement),
    Rule("Pythagoras", "cos(x).^2 + sin(x).^2", "ones(n)", "x[n]", _complement),
    Rule("lowest powers", "1./sqrt(1 + x.^2) - x.^2./(1 + x.^2).^(3/2)", "(1 + x.^2).^(-3/2)", "x[n]", _denominator),
    Rule("a transposed bracket", "(A + B)' - B'", "A'", "A[n,n], B[n,n]", _transposed_bracket),
    Rule("hyperbola", "cosh(x).^2 - sinh(x).^2", "ones(n)", "x[n]", _complement),
)
