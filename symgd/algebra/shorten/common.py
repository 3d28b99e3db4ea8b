"""What two products have in common: c·a and c·b as c, a and b, where the rests stand on the labels that join them to c.

    A'·D·A·x  and  A'·A·x         A', A·x     and  D, I
    (x'·y)·x·y'  and  x·z'        x           and  (x'·y)·y, z
A label that is summed in one product and an axis of the result in the other, as in A'·D and A', is joined by an identity
matrix in the rest of the second; so is a label that is two of the other product, as in A'·D·A and A'·u·v'·A.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.algebra.canonical import is_symmetric
from symgd.algebra.expression import Add, Expression, Select
from symgd.algebra.shorten.length import length
from symgd.algebra.shorten.product import Labels, Part, Product

TRIED = 100  # assignments that are looked at
SPLIT = 16  # of them, those of most worth, that are tried
BRIDGE = 2  # what an identity matrix costs

Pair = tuple[int, int]  # a label of the first product, the label of the second that it is


@dataclass(frozen=True, slots=True)
class _Match:
    """Parts of the two products that are one: (position, position, exponent, sign, labels of the second)."""

    pairs: tuple[tuple[int, int, Fraction, int, Labels], ...] = ()
    labels: frozenset[Pair] = frozenset()
    worth: int = 0


@dataclass(slots=True)
class _Search:
    """Assigns parts of one product to parts of the other, the longest first, on a budget."""

    one: Product
    other: Product
    symmetry: bool
    bridges: bool
    found: list[_Match] = field(default_factory=list)
    tried: int = 0

    def run(self) -> list[_Match]:
        """The matches found, those with most in common first."""
        ways = {k: list(self._counterparts(part)) for k, part in enumerate(self.one.parts)}
        shared = sorted((k for k in ways if ways[k]), key=lambda k: -length(self.one.parts[k].base))
        self._extend(shared, ways, _Match())
        return sorted(self.found, key=lambda match: -match.worth)[:SPLIT]

    def _counterparts(self, part: Part) -> Iterator[tuple[int, Fraction, int, Labels]]:
        for j, other in enumerate(self.other.parts):
            for exponent, sign, labels in self._ways(part, other):
                yield j, exponent, sign, labels

    def _extend(self, left: list[int], ways: dict[int, list[tuple[int, Fraction, int, Labels]]], match: _Match) -> None:
        self.tried += 1
        if not left or self.tried > TRIED:
            return
        k, *rest = left
        part = self.one.parts[k]
        used = {pair[1] for pair in match.pairs}
        for j, exponent, sign, labels in ways[k]:
            joined = None if j in used else self._joined(match.labels, part.labels, labels)
            if joined is not None:
                bridges = _bridges(joined, self.one.rank) - _bridges(match.labels, self.one.rank)
                worth = match.worth + length(part.base) + 1 - BRIDGE * bridges
                longer = _Match((*match.pairs, (k, j, exponent, sign, labels)), joined, worth)
                self.found.append(longer)
                self._extend(rest, ways, longer)
        self._extend(rest, ways, match)

    def _ways(self, part: Part, other: Part) -> Iterator[tuple[Fraction, int, Labels]]:
        """How one part may stand for the other: the power that is common, the sign, the labels of the other in order."""
        sign = 1
        if part.base is not other.base:
            if not (isinstance(part.base, Add) and part.is_plain and other.is_plain and part.base is ex.negative(other.base)):
                return
            sign = -1
        if part.exponent * other.exponent < 0:
            return
        exponent = min(part.exponent, other.exponent, key=abs)
        yield exponent, sign, other.labels
        if len(other.labels) == 2 and other.labels[0] != other.labels[1] and is_symmetric(part.base, self.symmetry):
            yield exponent, sign, other.labels[::-1]

    def _joined(self, known: frozenset[Pair], one: Labels, other: Labels) -> frozenset[Pair] | None:
        """The known pairs of labels with those of two parts; None where they cannot be one."""
        found = known | set(zip(one, other))
        if any(a != b and a < self.one.rank and b < self.one.rank for a, b in found):
            return None
        return found if self.bridges or not _bridges(found, self.one.rank) else None


def _bridges(pairs: Iterable[Pair], rank: int) -> int:
    """The identity matrices that are needed: a label of one product that is several of the other, or an axis and a summed one."""
    pairs = list(pairs)
    count = 0
    for side in (0, 1):
        names: dict[int, int] = {}
        for pair in pairs:
            if pair[side] >= rank or pair[0] != pair[1]:
                names[pair[side]] = names.get(pair[side], 0) + 1
        count += sum(n if x < rank else n - 1 for x, n in names.items())
    return count


@dataclass(frozen=True, slots=True)
class Common:
    """Two products as one: the common parts, and what each leaves, on the labels `axes`, to stand at a place among them."""

    product: Product
    rests: tuple[Expression, Expression]
    axes: Labels
    place: int

    def node(self, rest: Expression) -> Expression:
        """The common parts times what the rests add up to."""
        part = Part(rest, Fraction(1), self.axes)
        parts = [*self.product.parts[: self.place], part, *self.product.parts[self.place :]]
        return self.product.with_parts(parts).node()


def common(one: Product, other: Product, symmetry: bool, bridges: bool = False) -> Common | None:
    """What the products share, at its largest; None where they share nothing, or the rests could not be written as matrices."""
    for match in _Search(one, other, symmetry, bridges).run():
        whole = _split(match, one, other)
        if whole is not None:
            return whole
    return None


def _split(match: _Match, one: Product, other: Product) -> Common | None:
    """The products as common parts and rests; None where a rest would be no number, vector or matrix."""
    rank = one.rank
    # The labels of the whole: an axis for itself, a new number for every pair that has a summed label.
    fresh = max(one.fresh(), other.fresh())
    names = {pair: pair[0] if pair[0] == pair[1] < rank else fresh + k for k, pair in enumerate(sorted(match.labels))}
    mine, theirs = ({entry[side]: entry for entry in match.pairs} for side in (0, 1))
    shared = list[Part]()
    left, right = list[Part](), list[Part]()
    sign, place = 1, 0
    for k, part in enumerate(one.parts):
        if k not in mine:
            left.append(part)
            continue
        _, _, exponent, own, labels = mine[k]
        sign *= own
        shared.append(Part(part.base, exponent, tuple([names[pair] for pair in zip(part.labels, labels)])))
        if part.exponent != exponent:
            left.append(replace(part, exponent=part.exponent - exponent))
        if not left:
            place = len(shared)
    for j, part in enumerate(other.parts):
        if j not in theirs:
            right.append(part)
        elif part.exponent != theirs[j][2]:
            right.append(replace(part, labels=theirs[j][4], exponent=part.exponent - theirs[j][2]))
    if any(isinstance(part.base, Select) and not ex.is_identity(part.base) for part in (*left, *right)):
        return None  # a shift or an entry says which index its product has: it stays in the product
    rests = [_renamed(product, side, parts, names) for side, (product, parts) in enumerate(((one, left), (other, right)))]
    sizes = {x: n for x, n in one.sizes.items() if x < rank} | {x: n for part in shared for x, n in zip(part.labels, part.base.shape)}
    standing = [{x for part in parts for x in part.labels if x in sizes} for parts in rests]
    axes = tuple(sorted(standing[0] | standing[1]))
    if len(axes) > 2 or (len(axes) == 2 and standing[0] != standing[1]):
        return None  # a vector beside a matrix, as in I − v·1', is no gain
    if len(axes) == 2:
        axes = _read(axes, shared, rests[0], rank)
    first, second = (
        ex.contract(number, [(part.node, part.labels) for part in parts], axes, {x: sizes[x] for x in axes})
        for number, parts in zip((one.coefficient, sign * other.coefficient), rests)
    )
    return Common(Product(Fraction(1), tuple(shared), rank, sizes), (first, second), axes, place)


def _renamed(product: Product, side: int, parts: list[Part], names: dict[Pair, int]) -> list[Part]:
    """The parts that a product has for itself, under the labels of the whole, with the identity matrices that join these."""
    called = {x: x for x in range(product.rank)}
    for pair, name in names.items():
        called.setdefault(pair[side], name)
    bridges = [
        Part(ex.identity(product.sizes[pair[side]]), Fraction(1), (called[pair[side]], name))
        for pair, name in names.items()
        if called[pair[side]] != name
    ]
    return [*(replace(part, labels=tuple([called.get(x, -1 - x) for x in part.labels])) for part in parts), *bridges]


def _read(axes: Labels, shared: list[Part], rest: list[Part], rank: int) -> Labels:
    """The two labels in the order in which the product is read: the one on the side of the first axis first."""
    near = {0} if rank else set[int]()
    grown = True
    while grown:
        grown = False
        for part in shared:
            if near & set(part.labels) and not set(part.labels) <= near:
                near |= set(part.labels)
                grown = True
    one, other = axes
    if (one in near) != (other in near):
        return axes if one in near else (other, one)
    packs = [part.labels for part in shared if isinstance(part.base, Select) and set(axes) <= set(part.labels)]
    if packs:
        return tuple([x for x in packs[0] if x in axes])
    between = [part.labels for part in rest if set(part.labels) == set(axes)]
    return between[0] if between else axes
