"""Products on their way to the page: a number, scalars, divisors, and a chain of matrices and vectors.

A chain is read from left to right as a matrix product, `x' A' B y`. It keeps the ends open that it has: a chain that is a vector
ends in a column, one that is a scalar begins with a row as well. Chains are joined and turned here without any brackets,
because matrix products are associative; the brackets come when a chain becomes a tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symgd.algebra.canonical import is_symmetric
from symgd.algebra.dimension import Dimension, Monomial
from symgd.algebra.expression import Expression
from symgd.notation import presentation as show
from symgd.notation.presentation import Tree

MATRIX, COLUMN, DIAGONAL = "matrix", "column", "diagonal"


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """A factor of a chain: a matrix, a column (a row where `turned`), or the diagonal matrix of a vector.

    `node` is what it shows, where it shows one expression: equal neighbours are written as a power.
    """

    tree: Tree
    kind: str
    turned: bool = False
    node: Expression | None = None

    @property
    def is_ones(self) -> bool:
        return self.kind == COLUMN and isinstance(self.tree, show.Call) and self.tree.name == "ones"

    @property
    def is_identity(self) -> bool:
        return self.kind == MATRIX and isinstance(self.tree, show.Call) and self.tree.name == "eye"

    def transposed(self) -> Element:
        if self.kind == DIAGONAL or self.is_identity or (self.node is not None and is_symmetric(self.node, declared=False)):
            return self  # X'X is its own transpose; what is declared symmetric may be written either way, and is left as it is
        return Element(self.tree, self.kind, not self.turned, self.node)


Chain = tuple[Element, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """coefficient · scalars / divisors · chain, the chain empty for a scalar.

    `kept`: the scalars and divisors stand in the order of their author, not numbers first, then letters, then the rest.
    """

    coefficient: Fraction = Fraction(1)
    scalars: tuple[Tree, ...] = ()
    divisors: tuple[Tree, ...] = ()
    chain: Chain = ()
    under: Tree | None = None  # of an array of reciprocals 1./under
    kept: bool = False

    def scaled(self, factor: Fraction) -> Term:
        return self if factor == 1 else replace(self, coefficient=self.coefficient * factor)

    @property
    def is_broadcast(self) -> bool:
        """Is every entry the same scalar?"""
        return bool(self.chain) and all(element.is_ones for element in self.chain)

    def as_scalar(self) -> Term:
        """One entry of a broadcast."""
        return replace(self, chain=(), under=None)

    def tree(self) -> Tree:
        return show.negative(self.unsigned()) if self.coefficient < 0 else self.unsigned()

    def unsigned(self) -> Tree:
        """The term without its sign, as a tree."""
        value = abs(self.coefficient)
        if not value:
            sizes = [part for element in self.chain for part in element.tree.parts()]
            return show.Call("zeros", tuple(sizes)) if self.is_broadcast else show.ZERO
        above, below = split_number(value)
        scalars = _scalars_in_order(self.scalars, bool(self.chain), self.kept)
        if not self.chain and not scalars and not self.divisors:
            return show.number(value)
        divisors = ([show.number(below)] if below != 1 else []) + list(self.divisors)
        body = chain_tree(self.chain) if self.chain else None
        factors = [*scalars, *([body] if body else [])]
        tree = _product(factors)
        if above != 1 or tree is None:
            tree = show.number(above) if tree is None else show.times(show.number(above), tree)
        if not divisors:
            return tree
        divisor = _product(_scalars_in_order(divisors, False, self.kept))
        assert divisor is not None
        return show.Quotient(tree, divisor, scalar=not self.chain)


def split_number(value: Fraction) -> tuple[Fraction, int]:
    """A positive number as what is written in front, and what the term is divided by: 3/2 as (3, 2), 1/10 as (0.1, 1)."""
    return (value, 1) if is_decimal(value) else (Fraction(value.numerator), value.denominator)


def is_decimal(value: Fraction) -> bool:
    """Is it written as a decimal? 0.1 and 0.05 are, 1/2 and 1/4 are not; six places at most."""
    return value.denominator % 10 == 0 and 10**6 % value.denominator == 0


def _scalars_in_order(scalars: Sequence[Tree], followed: bool, kept: bool) -> list[Tree]:
    """Numbers, letters, other scalars, and products of arrays last, these in brackets unless there is one and nothing follows.

    Where the order is `kept`, sums over an index still come last: they reach to the end of the term. One product of arrays needs no
    brackets in the first place either: x'*y*a.
    """
    if kept:
        scalars = sorted(scalars, key=lambda tree: isinstance(tree, show.Bound))
        products = sum(map(_is_array_product, scalars))
        open_places = () if followed or products > 1 else (0, len(scalars) - 1)
        return [show.Group(tree) if _is_array_product(tree) and k not in open_places else tree for k, tree in enumerate(scalars)]
    plain = _entries_in_order(sorted((tree for tree in scalars if not _is_array_product(tree)), key=_order))
    inner = [tree for tree in scalars if _is_array_product(tree)]
    if followed or len(inner) > 1:
        inner = [show.Group(tree) for tree in inner]
    return plain + inner


def _is_array_product(tree: Tree) -> bool:
    return isinstance(tree, show.Product) and tree.arrays


def _entries_in_order(scalars: list[Tree]) -> list[Tree]:
    """Entries of one array by their indices: x[1]*x[2] rather than x[2]*x[1]."""
    places: dict[str, list[tuple[tuple[Fraction, ...], int]]] = {}
    for k, scalar in enumerate(scalars):
        entry = scalar.base if isinstance(scalar, show.Power) else scalar
        if isinstance(entry, show.Indexed) and isinstance(entry.base, show.Name):
            indices = tuple([index.value for index in entry.indices if isinstance(index, show.Number)])
            if len(indices) == len(entry.indices):
                places.setdefault(entry.base.name, []).append((indices, k))
    result = list(scalars)
    for found in places.values():
        for (_, origin), (_, target) in zip(sorted(found), found):
            result[target] = scalars[origin]
    return result


def _order(scalar: Tree) -> int:
    return 0 if isinstance(scalar, show.Number) else 1 if _is_letter(scalar) else 2


def _is_letter(tree: Tree) -> bool:
    """Is it a name, an entry, or a power of one?"""
    if isinstance(tree, show.Power):
        tree = tree.base
    return isinstance(tree.base if isinstance(tree, show.Indexed) else tree, show.Name)


def _product(factors: Iterable[Tree]) -> Tree | None:
    """The factors with `*` between them; a product in the last place is written on, since all that stands before it is scalar."""
    result: Tree | None = None
    for factor in factors:
        if result is None:
            result = factor
        elif isinstance(factor, show.Product):
            left = result.rest if isinstance(result, show.Product) else ()
            first = result.first if isinstance(result, show.Product) else result
            result = show.Product(first, (*left, ("*", factor.first), *factor.rest), factor.arrays)
        elif isinstance(factor, show.Quotient):
            above = _product([result, factor.above]) if factor.above is not show.ONE else result
            assert above is not None
            result = show.Quotient(above, factor.below, factor.entrywise, factor.scalar)
        else:
            result = show.product(result, ("*", factor))
    return result


def sum_tree(terms: Sequence[Term], kept: bool = False) -> Tree:
    """The sum of the terms; those that are 0 are left out, and one that is added comes first, unless the order is `kept`."""
    terms = [term for term in terms if term.coefficient]
    first = 0 if kept else next((k for k, term in enumerate(terms) if term.coefficient > 0), 0)
    terms = [*terms[first : first + 1], *terms[:first], *terms[first + 1 :]]  # y - x rather than -x + y
    return show.sum_of([(1 if term.coefficient > 0 else -1, term.unsigned()) for term in terms])


def sum_term(terms: Sequence[Term], kept: bool = False) -> Term:
    """The sum of scalars as one scalar."""
    terms = [term for term in terms if term.coefficient]
    if len(terms) == 1:
        return terms[0]
    return Term(scalars=(sum_tree(terms, kept),)) if terms else Term(Fraction(0))


def binds(term: Term) -> bool:
    """Does a part of the term bind an index?"""
    return any(tree.binds for tree in (*term.scalars, *term.divisors, *(element.tree for element in term.chain)))


def with_means(term: Term) -> Term:
    """Sums that are divided by the number of their terms, as means."""
    if not term.divisors or not term.scalars:
        return term
    divisors = list(term.divisors)
    scalars = []
    for tree in term.scalars:
        if is_sum(tree) and isinstance(tree, show.Call) and tree.over:
            found = [_divisor_of(divisors, length) for length in tree.over]
            if None not in found and len({id(divisor) for divisor in found}) == len(found):
                divisors = [divisor for divisor in divisors if not any(divisor is used for used in found)]
                tree = show.Call("mean", tree.arguments)
        scalars.append(tree)
    return replace(term, scalars=tuple(scalars), divisors=tuple(divisors))


def is_sum(tree: Tree) -> bool:
    return isinstance(tree, show.Call) and tree.name == "sum"


def _divisor_of(divisors: Sequence[Tree], length: Dimension) -> Tree | None:
    return next((divisor for divisor in divisors if isinstance(divisor, show.Name) and divisor.name == str(length)), None)


# ---- chains ----------------------------------------------------------------------------------------------------------


def turned(chain: Chain) -> Chain:
    """The transpose of the chain."""
    return tuple(element.transposed() for element in reversed(chain))


def column(tree: Tree, node: Expression | None = None) -> Chain:
    return (Element(tree, COLUMN, False, node),)


def matrix(tree: Tree, node: Expression | None = None) -> Chain:
    return (Element(tree, MATRIX, False, node),)


def ones(length: Tree) -> Element:
    return Element(show.Call("ones", (length,)), COLUMN)


def eye(length: Tree) -> Element:
    return Element(show.Call("eye", (length,)), MATRIX)


def diagonal(vector: Chain) -> Chain:
    """The chain of one element that is diag(v)."""
    return (Element(chain_tree(vector), DIAGONAL),)


def joined(*chains: Chain) -> Chain:
    """The matrix product of the chains: identities vanish, a diagonal matrix beside a vector becomes the product of entries."""
    found: list[Element] = []
    elements = [element for chain in chains for element in chain]
    plain = [element for element in elements if not element.is_identity] or elements[:1]
    for element in plain:
        last = found[-1] if found else None
        if last and last.kind == DIAGONAL and element.is_ones and not element.turned:
            found[-1] = Element(last.tree, COLUMN)
        elif last and last.kind == DIAGONAL and element.kind == COLUMN and not element.turned:
            found[-1] = Element(entrywise([last.tree, element.tree], []), COLUMN)
        elif last and last.is_ones and last.turned and element.kind == DIAGONAL:
            found[-1] = Element(element.tree, COLUMN, True)
        elif last and last.kind == COLUMN and last.turned and element.kind == DIAGONAL:
            found[-1] = Element(entrywise([last.tree, element.tree], []), COLUMN, True)
        elif last and last.kind == element.kind == DIAGONAL:
            found[-1] = Element(entrywise([last.tree, element.tree], []), DIAGONAL)
        else:
            found.append(element)
    return tuple(found)


def entrywise(factors: Sequence[Tree], divisors: Sequence[Tree]) -> Tree:
    """`a.*b./c`, flat where a factor is such a product itself."""
    above: Tree = show.ONE
    for k, factor in enumerate(factors):
        if k == 0:
            above = _lead(factor) if len(factors) > 1 or divisors else factor
        elif isinstance(factor, show.Product) and all(operator == ".*" for operator, _ in factor.rest):
            above = show.product(above, (".*", factor.first), *factor.rest)
        else:
            above = show.product(above, (".*", factor))
    if not divisors:
        return above
    below = _lead(divisors[0]) if len(divisors) > 1 else divisors[0]
    for divisor in divisors[1:]:
        below = show.product(below, (".*", divisor))
    return show.Quotient(above, below, entrywise=True, scalar=False)


def _lead(tree: Tree) -> Tree:
    """The first factor of a product of entries: a matrix product in brackets."""
    matrix_product = isinstance(tree, show.Product) and any(operator == "*" for operator, _ in tree.rest)
    return show.Group(tree) if matrix_product else tree


def chain_tree(chain: Chain) -> Tree:
    """The chain as a tree; powers of equal neighbours are collected."""
    chain = joined(chain)
    if [element.kind for element in chain] == [DIAGONAL, MATRIX, DIAGONAL]:  # A.*(u*v') rather than diag(u)*A*diag(v)
        u, matrix_tree, v = chain[0].tree, _element_tree(chain[1]), chain[2].tree
        return entrywise([matrix_tree, show.Group(chain_tree((Element(u, COLUMN), Element(v, COLUMN, True))))], [])
    factors: list[Tree] = []
    k = 0
    while k < len(chain):
        element, count = chain[k], 1
        while element.kind == MATRIX and element.node is not None and k + count < len(chain) and _same(chain[k + count], element):
            count += 1
        tree = _element_tree(element)
        if count > 1:
            tree = show.Power(tree, show.number(count))
        factors.append(tree)
        k += count
    if len(factors) == 1:
        return factors[0]
    if len(chain) == 2 and all(element.is_ones for element in chain):
        return show.Call("ones", tuple([part for element in chain for part in element.tree.parts()]))
    first = show.Group(factors[0]) if isinstance(factors[0], show.Product | show.Quotient) else factors[0]
    is_scalar = chain[0].kind == COLUMN and chain[0].turned and chain[-1].kind == COLUMN and not chain[-1].turned
    return show.Product(first, tuple([("*", factor) for factor in factors[1:]]), is_scalar)


def _same(one: Element, other: Element) -> bool:
    return one.kind == other.kind and one.node is other.node and one.turned == other.turned


def _element_tree(element: Element) -> Tree:
    if element.kind == DIAGONAL:
        return show.Call("diag", (element.tree,))
    if not element.turned:
        return element.tree
    tree = element.tree
    if element.kind == MATRIX and isinstance(tree, show.Call) and tree.axis is not None:
        # A function along the rows of X, turned, is the function along the columns of X'.
        return show.Call(tree.name, (show.transpose(tree.arguments[0]),), 3 - tree.axis, tree.latex)
    if isinstance(tree, show.Call) and tree.name == "kron" and any(isinstance(one, show.Transpose) for one in tree.arguments):
        return show.Call("kron", tuple([show.transpose(one) for one in tree.arguments]), latex=tree.latex)  # kron(x, A) for kron(x', A')'
    return show.transpose(tree)


# ---- dimensions ------------------------------------------------------------------------------------------------------


def dimension_tree(dimension: Dimension, letters: Sequence[str] = ()) -> Tree:
    """A size or an index as it is written: n, n - 1, 2*m*n, i + 1. Terms with letters come first, then those of highest degree."""

    def rank(term: tuple[Monomial, int]) -> tuple[bool, int, Monomial]:
        monomial, _ = term
        degree = sum(power for _, power in monomial)
        has_letter = any(name in letters for name, _ in monomial)
        return not has_letter, degree if has_letter else -degree, monomial

    ordered = sorted(dimension.terms, key=rank)
    first = next((k for k, (_, c) in enumerate(ordered) if c > 0), 0)
    found = []
    for monomial, coefficient in [*ordered[first : first + 1], *ordered[:first], *ordered[first + 1 :]]:
        powers = tuple([show.power(show.Name(name), show.number(p)) for name, p in monomial])
        found.append((1 if coefficient > 0 else -1, Term(Fraction(abs(coefficient)), powers).tree()))
    return show.sum_of(found)
