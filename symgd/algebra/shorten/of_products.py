"""Rules for products: what cancels, and what has a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import reduce

from symgd.algebra import expression as ex
from symgd.algebra.canonical import canonical, has_zeros, is_symmetric
from symgd.algebra.expression import Add, Contract, Expression, Leaf, Select
from symgd.algebra.functions.table import F
from symgd.algebra.shorten.expanding import content
from symgd.algebra.shorten.occurrence import occurrence
from symgd.algebra.shorten.product import Labels, Part, Product, piece_node, summed_in, taken_apart
from symgd.algebra.shorten.rule import ONE, Rule, named


def _inverse_cancels(product: Product, symmetry: bool) -> Product | None:
    for part in product.parts:
        if not (named(part.base, "inv") and part.is_plain and len(part.labels) == 2):
            continue
        inside = taken_apart(part.base.children[0])
        rows, columns = part.labels
        for near, far, axis in ((columns, rows, 0), (rows, columns, 1), (columns, rows, 1), (rows, columns, 0)):
            if near < product.rank or ((near, axis) in ((columns, 1), (rows, 0)) and not is_symmetric(part.base, symmetry)):
                continue
            found = occurrence(inside, product, {axis: near}, part, symmetry)
            if found is None:
                continue
            parts, labels = found
            if product.carriers[near] != 1 + sum(one.labels.count(near) for one in parts):
                continue
            bridge = Part(ex.identity(inside.sizes[0]), ONE, (far, labels[1 - axis]))
            gone = [near, *(label for x, label in labels.items() if x >= inside.rank)]
            return product.without(part, *parts, factor=1 / inside.coefficient, more=[bridge], labels=gone)
    return None


def _orthogonal_cancels(product: Product, symmetry: bool) -> Product | None:
    """Q'Q = I, and the squares of a row or a column add up to 1: on the declared set only, so not where derivatives come later."""
    if not symmetry:
        return None
    carriers = product.carriers
    for part in product.parts:
        if isinstance(part.base, Leaf) and "orthogonal" in part.base.kind and part.exponent == 2:
            for label in part.labels:
                if label >= product.rank and carriers[label] == 1:
                    return product.without(part, labels=[label])
    for k, part in enumerate(product.parts):
        if not (isinstance(part.base, Leaf) and "orthogonal" in part.base.kind and part.is_plain):
            continue
        for other in product.parts[k + 1 :]:
            if other.base is part.base and other.is_plain:
                for axis in (0, 1):
                    label = part.labels[axis]
                    if label == other.labels[axis] and label >= product.rank and carriers[label] == 2:
                        bridge = Part(ex.identity(part.base.shape[0]), ONE, (part.labels[1 - axis], other.labels[1 - axis]))
                        return product.without(part, other, more=[bridge], labels=[label])
    return None


def _adds_up_to_one(product: Product, symmetry: bool) -> Product | None:
    """The entries of softmax do, and, on the declared set, those of a point of the simplex."""
    for part in product.parts:
        declared = symmetry and isinstance(part.base, Leaf) and "simplex" in part.base.kind
        last = part.labels[-1] if part.is_plain and (declared or named(part.base, "softmax")) else -1
        if last >= product.rank and product.carriers[last] == 1:
            return product.without(part, labels=[last])
    return None


def _softmax(product: Product, symmetry: bool) -> Product | None:
    for part in product.parts:
        if not (named(part.base, "exp") and part.exponent >= 1):
            continue
        for axis, label in enumerate(part.labels):
            rest = tuple([k for k in range(part.base.rank) if k != axis])
            total = ex.contract(1, [(part.base, range(part.base.rank))], rest)
            labels = tuple([part.labels[k] for k in rest])
            for below in product.parts:
                times = min(part.exponent, -below.exponent)
                if below.base is total and below.labels == labels and times >= 1 and times.denominator == 1:
                    exponents = ex.transposed(part.base.children[0], (*rest, axis))
                    found = Part(F.softmax(exponents), times, (*labels, label))
                    left = [replace(one, exponent=e) for one, e in ((part, part.exponent - times), (below, below.exponent + times)) if e]
                    return product.without(part, below, more=[found, *left])
    return None


def _norm(product: Product, symmetry: bool) -> Product | None:
    for part in product.parts:
        if part.exponent.denominator != 2 or part.labels or not isinstance(part.base, Contract):
            continue
        squares = taken_apart(part.base)
        if squares.coefficient == 1 and len(squares.parts) == 1 and squares.parts[0].exponent == 2:
            (inner,) = squares.parts
            if inner.labels and len(set(inner.labels)) == len(inner.labels):
                norm: Expression = reduce(lambda node, _: F.norm2(node), inner.labels, inner.base)
                return product.without(part, more=[Part(norm, 2 * part.exponent, ())])
    return None


Powers = dict[Expression, Fraction]


def _pointwise(rewrite: Callable[[Powers], Powers | None], declared: bool = False) -> Callable[[Product, bool], Product | None]:
    """A rule about powers that are multiplied entry by entry; one that holds on the `declared` set only waits until all is derived."""

    def apply(product: Product, symmetry: bool) -> Product | None:
        if declared and not symmetry:
            return None
        for labels, parts in product.groups.items():
            found = rewrite({part.base: part.exponent for part in parts})
            if found is not None:
                return product.without(*parts, more=_parts(found, labels))
        return None

    return apply


def _parts(powers: Powers, labels: Labels) -> list[Part]:
    return [Part(base, exponent, labels) for base, exponent in powers.items() if exponent]


def _moved(powers: Powers, *changes: tuple[Expression, Fraction]) -> Powers:
    found = dict(powers)
    for base, change in changes:
        found[base] = found.get(base, Fraction(0)) + change
    return found


def _sigmoid(powers: Powers) -> Powers | None:
    """(1 + e^u)^-1 = sigmoid(-u), and e^u times it is sigmoid(u)."""
    for base, exponent in powers.items():
        if named(base, "sigmoid") and exponent >= 1:
            against, along = F.exp(ex.negative(base.children[0])), F.exp(base.children[0])
            for raised, times in ((against, -ONE), (along, ONE)):
                if powers.get(raised, Fraction(0)) * times <= -1:
                    return _moved(powers, (base, -ONE), (raised, times), (F.sigmoid(ex.negative(base.children[0])), ONE))
        if not (isinstance(base, Add) and exponent <= -1 and len(base.children) == 2):
            continue
        units = {unit: c for c, unit in base.terms}
        power = next((unit for unit in units if named(unit, "exp")), None)
        if power is None or any(c != 1 for c in units.values()) or ex.constant_value(next(one for one in units if one is not power)) != 1:
            continue
        u = power.children[0]
        if powers.get(power, Fraction(0)) >= 1:
            return _moved(powers, (base, ONE), (power, -ONE), (F.sigmoid(u), ONE))
        return _moved(powers, (base, ONE), (F.sigmoid(ex.negative(u)), ONE))
    return None


def _quotient(powers: Powers) -> Powers | None:
    for base, exponent in powers.items():
        for above, below, ratio in (("sinh", "cosh", "tanh"), ("sin", "cos", "tan")):
            if named(base, above) and exponent > 0:
                under = F.__getattr__(below)(base.children[0])
                times = min(exponent, -powers.get(under, Fraction(0)))
                if times > 0 and times.denominator == 1:
                    return _moved(powers, (base, -times), (under, times), (F.__getattr__(ratio)(base.children[0]), times))
    return None


def _sign(powers: Powers) -> Powers | None:
    """|x|·sign(x) = x, sign(x)/|x| = 1/x, x·sign(x) = |x|, x/|x| = sign(x)."""
    for base, exponent in powers.items():
        if named(base, "sign") and exponent == 1:
            u = base.children[0]
            modulus = powers.get(F.abs(u), Fraction(0))
            if abs(modulus) == 1:
                return _moved(powers, (base, -ONE), (F.abs(u), -modulus), (u, modulus))
            if powers.get(u, 0) == 1:
                return _moved(powers, (base, -ONE), (u, -ONE), (F.abs(u), ONE))
        if named(base, "abs") and exponent == -1 and powers.get(base.children[0], 0) == 1 and F.sign(base.children[0]) not in powers:
            return _moved(powers, (base, ONE), (base.children[0], -ONE), (F.sign(base.children[0]), ONE))
    return None


def _step(powers: Powers) -> Powers | None:
    for base, exponent in powers.items():
        if named(base, "step") and exponent > 0:
            u = base.children[0]
            if exponent != 1:
                return {**powers, base: ONE}
            if powers.get(F.relu(u), 0) > 0:
                return _moved(powers, (base, -ONE))
            if powers.get(u, 0) == 1:
                return _moved(powers, (base, -ONE), (u, -ONE), (F.relu(u), ONE))
    return None


def _two_valued(powers: Powers) -> Powers | None:
    for base, exponent in powers.items():
        if isinstance(base, Leaf) and exponent.denominator == 1 and not has_zeros(base):
            if "in {-1, 1}" in base.kind and exponent not in (0, 1):
                return {**powers, base: exponent % 2}
            if "in {0, 1}" in base.kind and exponent > 1:
                return {**powers, base: ONE}
    return None


def _exponentials(powers: Powers) -> Powers | None:
    """e^u · e^-u = 1."""
    for base, exponent in powers.items():
        if named(base, "exp"):
            other = F.exp(ex.negative(base.children[0]))
            against = powers.get(other, Fraction(0))
            if exponent > 0 and against > 0:
                times = min(exponent, against)
                return _moved(powers, (base, -times), (other, -times))
    return None


def _packed_identity(product: Product, symmetry: bool) -> Product | None:
    """Two packs of the same indices, which nothing else has: kron(I, I) = I."""
    packs = [part for part in product.parts if isinstance(part.base, Select) and len(part.labels) > 2]
    for k, part in enumerate(packs):
        for other in packs[k + 1 :]:
            inner = part.labels[1:]
            shared = other.base is part.base and other.labels[1:] == inner and part.labels[0] != other.labels[0]
            if shared and all(label >= product.rank and product.carriers[label] == 2 for label in inner):
                bridge = Part(ex.identity(part.base.shape[0]), ONE, (part.labels[0], other.labels[0]))
                return product.without(part, other, more=[bridge], labels=inner)
    return None


def _upright_on_the_diagonal(product: Product, symmetry: bool) -> Product | None:
    """Beside an identity matrix a matrix and its transpose are one."""
    for identity in product.parts:
        if ex.is_identity(identity.base) and len(set(identity.labels)) == 2:
            turned = [part for part in product.parts if part.labels == identity.labels[::-1] and not ex.is_identity(part.base)]
            if turned:
                return product.without(*turned, more=[replace(part, labels=identity.labels) for part in turned])
    return None


def _equal_pieces(product: Product, symmetry: bool) -> Product | None:
    """Equal pieces, x'·A·x twice, or the entries of A·x twice, as a power of one."""
    found: dict[tuple[Expression, Labels], tuple[Expression, list[Part]]] = {}
    powers = any(isinstance(part.base, Contract) for part in product.parts)
    alike = Counter(_look(piece) for piece in product.pieces)
    for piece in product.pieces:
        if alike[_look(piece)] == 1 and not powers:
            continue
        node, axes = piece_node(product, piece)
        key = canonical(node, None, symmetry), axes
        if key in found:
            node, other = found[key]
            both = [*other, *piece]
            return product.without(*both, more=[Part(node, Fraction(2), axes)], labels=summed_in(product, both))
        found[key] = node, piece
    for part in product.parts:
        if part.exponent.denominator == 1 and isinstance(part.base, Contract):
            key = canonical(part.base, None, symmetry), part.labels
            if key in found:
                piece = found[key][1]
                more = [replace(part, exponent=part.exponent + 1)]
                return product.without(part, *piece, more=more, labels=summed_in(product, piece))
    return None


def _number_in_front(product: Product, symmetry: bool) -> Product | None:
    """2·(2x + 2y) = 4·(x + y)."""
    for part in product.parts:
        if isinstance(part.base, Add) and part.is_plain and (len(product.parts) > 1 or product.coefficient != 1):
            number, rest = content(part.base, product.coefficient)
            if number != 1:
                return product.without(part, factor=number, more=[replace(part, base=rest)])
    return None


def _look(piece: list[Part]) -> frozenset[tuple[Expression, Fraction]]:
    """What equal pieces have in common, and most others have not."""
    return frozenset((part.base, part.exponent) for part in piece)


PRODUCTS = (
    Rule("a number in front", "2*A*(2*x + 4*y)", "4*A*(x + 2*y)", "A[m,n], x[n], y[n]", _number_in_front),
    Rule("an inverse beside its matrix", "inv(A)*A*x", "x", "A[n,n], x[n]", _inverse_cancels),
    Rule("an orthogonal matrix beside its transpose", "Q'*Q*x", "x", "Q[n,n] orthogonal, x[n]", _orthogonal_cancels),
    Rule("squares of an orthogonal matrix", "tr(Q'*Q)", "n", "Q[n,n] orthogonal, x[n]", _orthogonal_cancels),
    Rule("the entries of softmax add up to 1", "sum(softmax(x))", "1", "x[n]", _adds_up_to_one),
    Rule("a point of the simplex adds up to 1", "sum(q)*x", "x", "q[n] simplex, x[m]", _adds_up_to_one),
    Rule("softmax", "exp(x)/sum(exp(x))", "softmax(x)", "x[n]", _softmax),
    Rule("norm", "y/sqrt(x'*x)", "y/norm2(x)", "x[n], y[n]", _norm),
    Rule("sigmoid", "exp(x)./(1 + exp(x))", "sigmoid(x)", "x[n]", _pointwise(_sigmoid)),
    Rule("hyperbolic tangents", "sinh(x)./cosh(x)", "tanh(x)", "x[n]", _pointwise(_quotient)),
    Rule("tangents", "sin(x)./cos(x)", "tan(x)", "x[n]", _pointwise(_quotient)),
    Rule("sign and modulus", "x.*sign(x)", "abs(x)", "x[n]", _pointwise(_sign)),
    Rule("step", "relu(x).*step(x)", "relu(x)", "x[n]", _pointwise(_step)),
    Rule("powers of signs", "y.^2", "ones(n)", "y[n] in {-1, 1}", _pointwise(_two_valued, declared=True)),
    Rule("powers of 0 and 1", "y.^3", "y", "y[n] in {0, 1}", _pointwise(_two_valued, declared=True)),
    Rule("exponentials", "exp(x).*exp(-x)", "ones(n)", "x[n]", _pointwise(_exponentials)),
    Rule("identities in Kronecker products", "kron(eye(m), eye(n))", "eye(m*n)", "x[m], y[n]", _packed_identity),
    Rule("a transpose on the diagonal", "A'.*B'.*eye(n)", "A.*B.*eye(n)", "A[n,n], B[n,n]", _upright_on_the_diagonal),
    Rule("equal pieces", "(x'*A*y)*(y'*A'*x)", "(x'*A*y)^2", "A[m,n], x[m], y[n]", _equal_pieces),
)
