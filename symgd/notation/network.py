"""A contraction as a network: labels are points, vectors sit on points, matrices are lines between two points.

Reading a matrix formula off a contraction is reducing this network, one of these steps at a time:
    a summed point with vectors only           the scalar u'*v, sum(v), sum(u.*v.*w)
    a summed point at the end of one line      the vector M*v on the other point
    a summed point between two lines           the line M*N, or M*diag(v)*N
    two lines between the same points          the line M.*N, or a trace, or the diagonal of a product
    a line from a point to itself              the vector diag(M), or the scalar tr(M)
What is left of it when every summed point is gone is the result. A network that no step reduces has no matrix formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Expression, Leaf
from symgd.notation import presentation as show
from symgd.notation.presentation import Tree
from symgd.notation.terms import (
    MATRIX,
    Chain,
    chain_tree,
    column,
    diagonal,
    dimension_tree,
    entrywise,
    eye,
    joined,
    matrix,
    ones,
    turned,
)


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """A vector on a point.

    `place` orders factors as the author did, `divides` says that its entries are divisors, `is_power` that it shows a power;
    `square` is the x of a vector that shows x.^2, `over` the size that was summed over in a vector of row sums.
    """

    point: int
    chain: Chain
    place: int
    divides: bool = False
    is_power: bool = False
    square: Expression | None = None
    over: tuple[Dimension, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A matrix between two points. `is_map`: it is made entry by entry, so that `.*` suits it better than a trace."""

    rows: int
    columns: int
    chain: Chain
    place: int
    divides: bool = False
    is_map: bool = False

    def flipped(self) -> Line:
        return replace(self, rows=self.columns, columns=self.rows, chain=turned(self.chain))

    def ending_at(self, point: int) -> Line:
        return self if self.columns == point else self.flipped()

    def settled(self) -> Line:
        """The same line, as one that does not divide."""
        return replace(self, chain=matrix(entrywise([], [chain_tree(self.chain)])), divides=False, is_map=True) if self.divides else self

    def other(self, point: int) -> int:
        return self.columns if self.rows == point else self.rows


class Network:
    """The network of one contraction; `rank` points, the first ones, are axes of the result."""

    def __init__(self, rank: int, sizes: dict[int, Dimension], kept: bool = False) -> None:
        self.rank = rank
        self.sizes = sizes
        self.vectors: list[Vector] = []
        self.lines: list[Line] = []
        self.scalars: list[tuple[int, Tree]] = []  # with their places
        self.kept = kept  # the order of the author

    # ---- what there is at a point

    def at(self, point: int) -> list[Vector]:
        return sorted((v for v in self.vectors if v.point == point), key=lambda v: v.place)

    def lines_at(self, point: int) -> list[Line]:
        return [line for line in self.lines if point in (line.rows, line.columns)]

    def summed(self) -> list[int]:
        points = {v.point for v in self.vectors} | {p for line in self.lines for p in (line.rows, line.columns)}
        return sorted(point for point in points if point >= self.rank)

    def _take(self, point: int) -> list[Vector]:
        taken = self.at(point)
        self.vectors = [v for v in self.vectors if v.point != point]
        return taken

    def rename(self, points: dict[int, int]) -> None:
        """Give points the names of others, so that they are one."""
        self.vectors = [replace(v, point=points.get(v.point, v.point)) for v in self.vectors]
        self.lines = [replace(x, rows=points.get(x.rows, x.rows), columns=points.get(x.columns, x.columns)) for x in self.lines]

    # ---- reduction

    def reduces(self) -> bool:
        """Take every step there is; are all summed points gone?"""
        while self._step():
            pass
        return not self.summed()

    def result(self) -> Chain | None:
        """The chain that is left, () for a scalar; None where the network does not reduce."""
        if not self.reduces():
            return None
        if self.rank == 0:
            return ()
        return self.vector(0) if self.rank == 1 else self.matrix(0, 1)

    def _step(self) -> bool:
        return self._loops() or self._ends() or self._middles() or self._parallels()

    def _loops(self) -> bool:
        for line in self.lines:
            if line.rows == line.columns:
                self.lines.remove(line)
                line = line.settled()
                point = line.rows
                if point >= self.rank and not self.at(point) and not self.lines_at(point):
                    self.scalars.append((line.place, show.Call("tr", (chain_tree(_cycle(_fewest_turned(line.chain))),))))
                else:
                    self.vectors.append(Vector(point, column(show.Call("diag", (chain_tree(line.chain),))), line.place))
                return True
        return False

    def _ends(self) -> bool:
        """A summed point with vectors only, or at the end of one line."""
        for point in self.summed():
            lines = self.lines_at(point)
            if not lines:
                vectors = self._take(point)
                self.scalars.append((min(v.place for v in vectors), inner_product(vectors, self.sizes[point], self.kept)))
                return True
            if len(lines) == 1:
                (line,) = lines
                self.lines.remove(line)
                line = line.settled().ending_at(point)
                vectors = self._take(point)
                size = self.sizes[point]
                tail = vector_chain(vectors) if vectors else (ones(dimension_tree(size)),)
                place = min([line.place, *(v.place for v in vectors)])
                self.vectors.append(Vector(line.rows, joined(line.chain, tail), place, over=() if vectors else (size,)))
                return True
        return False

    def _middles(self) -> bool:
        """A summed point between two lines that lead to different points."""
        for point in self.summed():
            lines = sorted(self.lines_at(point), key=lambda line: line.place)
            if len(lines) == 2 and lines[0].other(point) != lines[1].other(point):
                self._join(point, lines)
                return True
        return False

    def _join(self, point: int, lines: Sequence[Line]) -> None:
        """Make one line of two that meet at a summed point."""
        for line in lines:
            self.lines.remove(line)
        first, second = lines[0].settled().ending_at(point), lines[1].settled().ending_at(point).flipped()
        vectors = self._take(point)
        between = diagonal(vector_chain(vectors)) if vectors else ()
        place = min(line.place for line in lines)
        self.lines.append(Line(first.rows, second.columns, joined(first.chain, between, second.chain), place))

    def _parallels(self) -> bool:
        groups: dict[frozenset[int], list[Line]] = {}
        for line in self.lines:
            groups.setdefault(frozenset((line.rows, line.columns)), []).append(line)
        for points, lines in groups.items():
            if len(lines) < 2:
                continue
            lines.sort(key=lambda line: line.place)
            inner = self._inner_point(points, lines)
            if inner is None:
                self._merge(lines)
            else:
                self._join(inner, lines)
            return True
        return False

    def _inner_point(self, points: frozenset[int], lines: Sequence[Line]) -> int | None:
        """The point through which two parallel lines are better joined than multiplied entry by entry: for a trace or a diagonal."""
        if len(lines) > 2 or any(line.is_map or line.divides for line in lines) or _is_one_node_twice(lines):
            return None
        free = [p for p in sorted(points) if p >= self.rank and len(self.lines_at(p)) == 2]
        if len(free) == 2:
            weighted = [p for p in free if self.at(p)]
            return None if len(weighted) == 2 else weighted[0] if weighted else free[1]
        return free[0] if free and not self.at(free[0]) else None

    def _merge(self, lines: Sequence[Line]) -> None:
        first = lines[0] if lines[0].rows < lines[0].columns or lines[0].columns >= self.rank else lines[0].flipped()
        aligned = [line if line.rows == first.rows else line.flipped() for line in lines]
        for line in lines:
            self.lines.remove(line)
        if _is_one_node_twice(aligned):
            tree: Tree = show.Power(chain_tree(first.chain), show.number(2), entrywise=True)
        else:
            factors = [chain_tree(line.chain) for line in aligned if not line.divides]
            tree = entrywise(factors, [chain_tree(line.chain) for line in aligned if line.divides])
        self.lines.append(Line(first.rows, first.columns, matrix(tree), first.place, is_map=True))

    # ---- results

    def vector(self, point: int) -> Chain:
        """What is left at a point."""
        vectors = self.at(point)
        return vector_chain(vectors) if vectors else (ones(dimension_tree(self.sizes[point])),)

    def between(self, rows: int, columns: int) -> Line | None:
        """The line that is left between two points."""
        found = [line for line in self.lines if {line.rows, line.columns} == {rows, columns}]
        return found[0].settled().ending_at(columns) if found else None

    def matrix(self, rows: int, columns: int) -> Chain:
        """What is left between and at two points: a matrix with its rows and columns scaled, or an outer product."""
        left, right = self.at(rows), self.at(columns)
        line = self.between(rows, columns)
        if line is None:
            return joined(self.vector(rows), turned(self.vector(columns)))
        if len(line.chain) == 1 and line.chain[0].is_identity:
            both = [*left, *right]
            return diagonal(vector_chain(sorted(both, key=lambda v: v.place))) if both else (eye(dimension_tree(self.sizes[rows])),)
        if left and right and line.is_map:
            outer = chain_tree(joined(vector_chain(left), turned(vector_chain(right))))
            return matrix(entrywise([show.Group(outer), chain_tree(line.chain)], []))
        before = diagonal(vector_chain(left)) if left else ()
        after = diagonal(vector_chain(right)) if right else ()
        return joined(before, line.chain, after)


def vector_chain(vectors: Sequence[Vector]) -> Chain:
    """The product of entries of vectors on one point."""
    if len(vectors) == 1 and not vectors[0].divides:
        return vectors[0].chain
    return column(_entrywise(vectors))


def _entrywise(vectors: Iterable[Vector]) -> Tree:
    vectors = list(vectors)
    above = [chain_tree(v.chain) for v in vectors if not v.divides]
    return entrywise(above, [chain_tree(v.chain) for v in vectors if v.divides])


def inner_product(vectors: Sequence[Vector], size: Dimension, kept: bool = False) -> Tree:
    """The sum over one point of the product of its vectors."""
    if len(vectors) == 1 and not vectors[0].divides:
        (vector,) = vectors
        if isinstance(vector.square, Leaf):
            base = column(show.Name(vector.square.name), vector.square)
            return chain_tree(joined(turned(base), base))
        if vector.over:
            return show.Call("sum", (chain_tree(_fewest_turned(vector.chain[:-1])),), over=(size, *vector.over))
        return show.Call("sum", (chain_tree(vector.chain),), over=(size,))
    if len(vectors) == 2 and not any(v.divides or v.is_power for v in vectors):
        one, two = vectors[0].chain, vectors[1].chain
        if len(one) == len(two) == 1 and one[0].node is two[0].node is not None and not isinstance(one[0].node, Leaf):
            return show.Call("sum", (show.Power(one[0].tree, show.number(2), entrywise=True),), over=(size,))
        if not kept and len(one) == 1 and isinstance(one[0].tree, show.Sum) and not isinstance(two[-1].tree, show.Sum):
            one, two = two, one  # x'*(A*y - b) rather than (A*y - b)'*x
        return chain_tree(_fewest_turned(joined(turned(one), two)))
    return show.Call("sum", (_entrywise(vectors),), over=(size,))


def _fewest_turned(chain: Chain) -> Chain:
    """The chain or its transpose, whichever has fewer transposed matrices."""

    def count(elements: Chain) -> int:
        return sum(element.turned for element in elements if element.kind == MATRIX)

    other = turned(chain)
    return other if count(other) < count(chain) else chain


def _cycle(chain: Chain) -> Chain:
    """The chain of a trace, which may begin anywhere: A'*B rather than B*A'."""
    start = next((k for k, element in enumerate(chain) if element.turned and not chain[k - 1].turned), 0)
    return chain[start:] + chain[:start]


def _is_one_node_twice(lines: Sequence[Line]) -> bool:
    if len(lines) != 2 or any(len(line.chain) != 1 for line in lines):
        return False
    (one,), (two,) = (line.chain for line in lines)
    same = one.node is two.node is not None and not isinstance(one.node, Leaf)
    return same and (one.turned == two.turned) == (lines[0].rows == lines[1].rows)
