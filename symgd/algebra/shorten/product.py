"""A product taken apart: a number, and powers of bases on labels. What the rules of this room read and write."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from symgd.algebra import expression as ex
from symgd.algebra.canonical import canonical
from symgd.algebra.connected import connected
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Contract, Expression, Select
from symgd.algebra.simplify import base_and_exponent, is_slice, power_of

Labels = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """base ^ exponent, entry by entry; one label per axis."""

    base: Expression
    exponent: Fraction
    labels: Labels

    @property
    def node(self) -> Expression:
        return power_of(self.base, self.exponent)

    @property
    def is_plain(self) -> bool:
        return self.exponent == 1


@dataclass(frozen=True)
class Product:
    """coefficient × the product of the parts, summed over every label from `rank` on.

    `sizes` has every label; one that no part carries broadcasts, or multiplies by its size where it is summed.
    """

    coefficient: Fraction
    parts: tuple[Part, ...]
    rank: int
    sizes: dict[int, Dimension]

    def node(self) -> Expression:
        """The product as an expression."""
        factors = [(part.node, part.labels) for part in self.parts]
        return ex.contract(self.coefficient, factors, range(self.rank), self.sizes)

    def with_parts(self, parts: Iterable[Part], factor: Fraction | int = 1) -> Product:
        return replace(self, coefficient=self.coefficient * factor, parts=tuple(parts))

    def without(self, *gone: Part, factor: Fraction | int = 1, more: Sequence[Part] = (), labels: Iterable[int] = ()) -> Product:
        """The product without some of its parts (by identity) and labels, with other parts in the place of the first."""
        places = [k for k, part in enumerate(self.parts) if any(part is one for one in gone)]
        kept = [part for k, part in enumerate(self.parts) if k not in places]
        at = places[0] if places else len(kept)
        sizes = {label: size for label, size in self.sizes.items() if label not in labels}
        return replace(self.with_parts([*kept[:at], *more, *kept[at:]], factor), sizes=sizes)

    @cached_property
    def carriers(self) -> Counter[int]:
        """How often each label stands on a part."""
        return Counter(label for part in self.parts for label in part.labels)

    @cached_property
    def groups(self) -> dict[Labels, list[Part]]:
        """The parts that stand on the same labels in the same order, together."""
        found: dict[Labels, list[Part]] = {}
        for part in self.parts:
            found.setdefault(part.labels, []).append(part)
        return found

    @cached_property
    def pieces(self) -> list[list[Part]]:
        """The parts with summed labels, those that are connected by them together: each piece is an array on axes of the result."""
        return [[self.parts[k] for k in group] for group in connected([part.labels for part in self.parts], self.rank)]

    def fresh(self) -> int:
        return max((self.rank - 1, *self.sizes)) + 1


def is_product(node: Expression) -> bool:
    """Is it a product that may be opened? An entry of a variable, `x[2]`, is kept in one piece."""
    return isinstance(node, Contract) and not (is_slice(node) and not isinstance(node.children[0], Contract))


_apart: weakref.WeakKeyDictionary[Expression, Product] = weakref.WeakKeyDictionary()


def taken_apart(node: Expression) -> Product:
    """Any node as a product; products inside it are opened, powers of one base on the same labels merged."""
    if not isinstance(node, Contract):
        return _taken_apart(node)
    if node not in _apart:
        _apart[node] = _taken_apart(node)
    return _apart[node]


def _taken_apart(node: Expression) -> Product:
    sizes = dict(enumerate(node.shape))
    axes = tuple(range(node.rank))
    coefficient, found, waiting = Fraction(1), list[tuple[Expression, Labels]](), [(node, axes)]
    while waiting:
        child, labels = waiting.pop()
        if not is_product(child):
            number, unit = ex.split(child)
            coefficient *= number
            if unit is not ex.UNIT:
                found.append((unit, labels))
            continue
        assert isinstance(child, Contract)
        coefficient *= child.coefficient
        names = dict(enumerate(labels))
        for label, size in child.dimensions().items():
            if label not in names:
                names[label] = max(sizes, default=-1) + 1
                sizes[names[label]] = size
        waiting.extend((inner, tuple([names[x] for x in inside])) for inner, inside in reversed(child.factors))
    dropped, called = ex.identified(found, range(node.rank))
    if dropped:
        found = [(factor, tuple([called.get(x, x) for x in labels])) for k, (factor, labels) in enumerate(found) if k not in dropped]
        sizes = {x: n for x, n in sizes.items() if x not in called}
    powers: dict[tuple[Expression, Labels], Fraction] = {}
    for factor, labels in found:
        base, exponent = base_and_exponent(factor)
        known = powers.get((base, labels))
        # Entries of a Select are 0 or 1: a power of one is itself.
        powers[base, labels] = exponent if known is None else known if isinstance(base, Select) else known + exponent
    parts = [Part(base, exponent, labels) for (base, labels), exponent in powers.items() if exponent]
    carried = {label for part in parts for label in part.labels}
    for label in [x for x in sizes if x >= node.rank and x not in carried]:
        number, unit = ex.split(ex.size(sizes.pop(label)))
        coefficient *= number
        parts += [] if unit is ex.UNIT else [Part(unit, Fraction(1), ())]
    return Product(coefficient, tuple(parts), node.rank, sizes)


def piece_node(product: Product, piece: Sequence[Part]) -> tuple[Expression, Labels]:
    """A piece as an array, and the axes of the result that it stands on."""
    labels = labels_of(piece)
    axes = tuple(sorted(label for label in labels if label < product.rank))
    factors = [(part.node, part.labels) for part in piece]
    return ex.contract(1, factors, axes, {label: product.sizes[label] for label in labels}), axes


def summed_in(product: Product, parts: Iterable[Part]) -> set[int]:
    return {label for label in labels_of(parts) if label >= product.rank}


def with_numbers(products: Sequence[Product]) -> list[Product]:
    """The products with every piece that stands on no axis as one part: x'·A·x as the number it is, the same for equal ones."""
    shown: dict[Expression, Expression] = {}
    return [_with_numbers(product, shown) for product in products]


def _with_numbers(product: Product, shown: dict[Expression, Expression]) -> Product:
    for piece in product.pieces:
        number, axes = piece_node(product, piece)
        if not axes:
            number = shown.setdefault(canonical(number, symmetry=False), number)
            product = product.without(*piece, more=[Part(number, Fraction(1), ())], labels=labels_of(piece))
    return product


def labels_of(parts: Iterable[Part]) -> set[int]:
    return {label for part in parts for label in part.labels}


def embedded(product: Product, node: Expression, labels: Labels) -> Product:
    """The product times one more node on these labels, its own summed labels made fresh."""
    inner = taken_apart(node)
    names, start = dict(enumerate(labels)), product.fresh()
    for label in inner.sizes:
        if label >= inner.rank:
            names[label] = start
            start += 1
    sizes = {**product.sizes, **{names[x]: n for x, n in inner.sizes.items()}}
    parts = [replace(part, labels=tuple([names[x] for x in part.labels])) for part in inner.parts]
    return Product(product.coefficient * inner.coefficient, (*product.parts, *parts), product.rank, sizes)
