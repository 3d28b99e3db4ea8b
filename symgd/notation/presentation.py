"""The presentation tree: a formula as it is written, before it is text. Infix and LaTeX are two renderings of one tree.

Nodes know how large their text is about to be (`size`, in characters, about right for infix), so that a formula which would
never be read is refused before it is built; and whether they bind an index (`binds`), because such a part has to be built anew
where it stands inside another binder. Trees may share parts and may be 10^4 levels deep: they are walked with a stack.

There is one table of precedence, below. Who renders a node says how tightly it holds together; who contains it asks for a least
tightness, and brackets appear where the one is below the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Union

from symgd.algebra.dimension import Dimension
from symgd.errors import LimitError

LARGEST = 200_000  # characters of a formula that is still written out
_DIGITS = 4_000  # of a number: beyond that Python refuses to write it in decimal

# Tightest last. The same order as in the language, see `language.pending`.
CHOICE, COMPARISON, SUM, PRODUCT, SIGN, POWER, POSTFIX, ATOM = range(1, 9)


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A part of a formula as it is written."""

    size: int = field(init=False, repr=False)
    binds: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = list(self.parts())
        size = self.own() + sum(part.size for part in parts)
        if size > LARGEST:
            raise LimitError(
                f"the formula is too long to write out, more than {LARGEST:,} characters.",
                hint="Print a part of it, or let it be computed: evaluate and to_torch share its common parts.",
            )
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "binds", isinstance(self, Bound) or any(part.binds for part in parts))

    def own(self) -> int:
        """The characters that are not those of parts."""
        return 2

    def parts(self) -> Iterator[Tree]:
        return iter(())


@dataclass(frozen=True, slots=True, eq=False)
class Number(Tree):
    """An exact number, of either sign."""

    value: Fraction

    def own(self) -> int:
        bits = self.value.numerator.bit_length() + self.value.denominator.bit_length()
        if bits > _DIGITS * 3:
            raise LimitError(f"a number of more than {_DIGITS:,} digits is too long to write out.", hint="Evaluate it with digits=50.")
        return 1 + bits // 3


@dataclass(frozen=True, slots=True, eq=False)
class Name(Tree):
    """A variable, a dimension, an index or a constant."""

    name: str

    def own(self) -> int:
        return len(self.name)


@dataclass(frozen=True, slots=True, eq=False)
class Group(Tree):
    """Brackets that grammar does not ask for and the reader does: `(x'*y)*z`."""

    inner: Tree

    def parts(self) -> Iterator[Tree]:
        yield self.inner


@dataclass(frozen=True, slots=True, eq=False)
class Sum(Tree):
    """The sum of sign × term; one term with the sign -1 is a negative."""

    terms: tuple[tuple[int, Tree], ...]

    def own(self) -> int:
        return 3 * len(self.terms)

    def parts(self) -> Iterator[Tree]:
        return (term for _, term in self.terms)

    def spliced(self) -> list[tuple[int, Tree]]:
        """The terms with those of sums inside the sum in their places."""
        found: list[tuple[int, Tree]] = []
        waiting = list(reversed(self.terms))
        while waiting:
            sign, term = waiting.pop()
            if isinstance(term, Sum) and (sign > 0 or len(term.terms) == 1):
                waiting.extend((sign * inner, part) for inner, part in reversed(term.terms))
            else:
                found.append((sign, term))
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Product(Tree):
    """`first op factor op factor …`, op being `*` or `.*`. `arrays`: a scalar, but a product of arrays, as `x'*y` is."""

    first: Tree
    rest: tuple[tuple[str, Tree], ...]
    arrays: bool = False

    def own(self) -> int:
        return 2 * len(self.rest)

    def parts(self) -> Iterator[Tree]:
        yield self.first
        for _, factor in self.rest:
            yield factor


@dataclass(frozen=True, slots=True, eq=False)
class Quotient(Tree):
    """`above/below`, or `above./below` entry by entry; `scalar`: both are scalars, so that LaTeX may set a fraction."""

    above: Tree
    below: Tree
    entrywise: bool = False
    scalar: bool = True

    def parts(self) -> Iterator[Tree]:
        yield self.above
        yield self.below


@dataclass(frozen=True, slots=True, eq=False)
class Power(Tree):
    """`base^exponent`, or `base.^exponent` entry by entry."""

    base: Tree
    exponent: Tree
    entrywise: bool = False

    def parts(self) -> Iterator[Tree]:
        yield self.base
        yield self.exponent


@dataclass(frozen=True, slots=True, eq=False)
class Transpose(Tree):
    base: Tree

    def parts(self) -> Iterator[Tree]:
        yield self.base


@dataclass(frozen=True, slots=True, eq=False)
class Call(Tree):
    """`name(argument, …, axis=…)`.

    `latex` is the template of the function's row, "" for what has no row (sum, tr, eye, …); a `sum` is `over` axes of these sizes.
    """

    name: str
    arguments: tuple[Tree, ...]
    axis: int | None = None
    latex: str = ""
    over: tuple[Dimension, ...] = ()

    def own(self) -> int:
        return len(self.name) + 2 * len(self.arguments) + (8 if self.axis else 0)

    def parts(self) -> Iterator[Tree]:
        return iter(self.arguments)


@dataclass(frozen=True, slots=True, eq=False)
class Indexed(Tree):
    """`base[index, …]`, indices from 1."""

    base: Tree
    indices: tuple[Tree, ...]

    def own(self) -> int:
        return 2 * len(self.indices)

    def parts(self) -> Iterator[Tree]:
        yield self.base
        yield from self.indices


@dataclass(frozen=True, slots=True, eq=False)
class Bound(Tree):
    """`sum(i=1..n, body)`, `prod(…)`, or the array `array(i=1..n, j=1..m, body)`."""

    kind: str
    indices: tuple[tuple[str, Tree], ...]  # (letter, last value); all run from 1
    body: Tree

    def own(self) -> int:
        return len(self.kind) + 8 * len(self.indices)

    def parts(self) -> Iterator[Tree]:
        for _, last in self.indices:
            yield last
        yield self.body


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Tree):
    """`[a, b]`; a matrix where the items are literals."""

    items: tuple[Tree, ...]

    def own(self) -> int:
        return 2 * len(self.items)

    def parts(self) -> Iterator[Tree]:
        return iter(self.items)


@dataclass(frozen=True, slots=True, eq=False)
class Blocks(Tree):
    """`[a, b; c, d]`, rows of matrices, vectors and scalars."""

    rows: tuple[tuple[Tree, ...], ...]

    def own(self) -> int:
        return 2 * sum(map(len, self.rows))

    def parts(self) -> Iterator[Tree]:
        return (block for row in self.rows for block in row)


@dataclass(frozen=True, slots=True, eq=False)
class Conditional(Tree):
    """`value if condition else otherwise`. `of_indices`: the condition speaks of indices only, and what it excludes is 0."""

    value: Tree
    condition: Tree
    otherwise: Tree
    of_indices: bool = False

    def own(self) -> int:
        return 10

    def parts(self) -> Iterator[Tree]:
        yield self.value
        yield self.condition
        yield self.otherwise


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Tree):
    operator: str
    left: Tree
    right: Tree

    def own(self) -> int:
        return 4

    def parts(self) -> Iterator[Tree]:
        yield self.left
        yield self.right


ZERO = Number(Fraction(0))
ONE = Number(Fraction(1))

Piece = Union[str, tuple[Tree, int]]  # text, or a part with the tightness it needs
Rule = Callable[[Tree], tuple[int, list[Piece]]]  # a node as its tightness and its pieces


def rendered(root: Tree, rule: Rule, opening: str, closing: str) -> str:
    """The text of the tree by a rule that writes one node in terms of its parts."""
    out: list[str] = []
    waiting: list[Piece] = [(root, 0)]
    while waiting:
        piece = waiting.pop()
        if isinstance(piece, str):
            out.append(piece)
            continue
        node, least = piece
        tightness, pieces = rule(node)
        if tightness < least:
            pieces = [opening, *pieces, closing]
        waiting.extend(reversed(pieces))
    return "".join(out)


def listed(trees: Iterable[Tree], separator: str = ", ") -> list[Piece]:
    """The trees side by side, a separator between them."""
    found: list[Piece] = []
    for tree in trees:
        found += [separator, (tree, 0)] if found else [(tree, 0)]
    return found


def summed(node: Sum) -> list[Piece]:
    """The terms with their signs."""
    found: list[Piece] = []
    for sign, term in node.spliced():
        if found:
            found.append(" + " if sign > 0 else " - ")
        elif sign < 0:
            found.append("-")
        found.append((term, PRODUCT))
    return found


def contains(root: Tree, name: str) -> bool:
    """Is a function of this name called anywhere in the tree?"""
    return any(isinstance(node, Call) and node.name == name for node in walked(root))


def bound_letters(root: Tree) -> set[str]:
    """The indices that the tree binds."""
    return {letter for node in walked(root) if isinstance(node, Bound) for letter, _ in node.indices}


def walked(root: Tree) -> Iterator[Tree]:
    """Every node of the tree once."""
    waiting, seen = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        yield node
        for part in node.parts():
            if id(part) not in seen:
                seen.add(id(part))
                waiting.append(part)


# ---- small constructors ----------------------------------------------------------------------------------------------


def number(value: int | Fraction) -> Number:
    return Number(Fraction(value))


def is_number(tree: Tree, value: int) -> bool:
    return isinstance(tree, Number) and tree.value == value


def negative(tree: Tree) -> Tree:
    if isinstance(tree, Number):
        return Number(-tree.value)
    if isinstance(tree, Sum) and len(tree.terms) == 1:
        ((sign, inner),) = tree.terms
        return inner if sign < 0 else Sum(((-1, inner),))
    return Sum(((-1, tree),))


def signed(tree: Tree) -> tuple[int, Tree]:
    """The tree as a sign and a tree that begins with none."""
    if isinstance(tree, Number) and tree.value < 0:
        return -1, Number(-tree.value)
    if isinstance(tree, Sum) and len(tree.terms) == 1:
        return tree.terms[0]
    return 1, tree


def sum_of(terms: list[tuple[int, Tree]]) -> Tree:
    """The sum of sign × tree; () is 0."""
    if not terms:
        return ZERO
    if len(terms) == 1:
        sign, tree = terms[0]
        return tree if sign > 0 else negative(tree)
    return Sum(tuple(terms))


def product(first: Tree, *rest: tuple[str, Tree], arrays: bool = False) -> Tree:
    """The product from left to right; a product in front is opened."""
    if not rest:
        return first
    if isinstance(first, Product) and not first.arrays:
        return Product(first.first, (*first.rest, *rest), arrays)
    return Product(first, rest, arrays)


def times(factor: Tree, tree: Tree) -> Tree:
    """factor * tree for a scalar factor, written in front of a product or of the upper side of a quotient."""
    if isinstance(tree, Quotient):
        above = factor if tree.above is ONE else times(factor, tree.above)
        return Quotient(above, tree.below, tree.entrywise, tree.scalar)
    if isinstance(tree, Product):
        return Product(factor, (("*", tree.first), *tree.rest), tree.arrays)
    return Product(factor, (("*", tree),))


def power(base: Tree, exponent: Tree, entrywise: bool = False) -> Tree:
    return base if isinstance(exponent, Number) and exponent.value == 1 else Power(base, exponent, entrywise)


def transpose(tree: Tree) -> Tree:
    if isinstance(tree, Transpose):
        return tree.base
    return tree if isinstance(tree, Call) and tree.name == "eye" else Transpose(tree)
