"""Matrices whose columns are stacked: vec(X), Kronecker products and the commutation matrix.

A stacked axis is a `Select` that packs two labels into one, p = i + m·j. What is left between the labels it packs says which
formula it is (Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 2 and 3; X is m × n, p and q pack (i, j) and (k, l)):
    A[i,k]·B[j,l]      kron(B, A)
    A[i,l]·B[j,k]      kron(B, A)*commut(m, n)
    A[i,j]·B[k,l]      vec(A)*vec(B)'
    W[i,j]·[i=k]·[j=l] diag(vec(W))
"""

from __future__ import annotations

from collections.abc import Iterable

from symgd.algebra.dimension import ONE, Dimension
from symgd.algebra.expression import Add, Contract, Expression, Factor, Select, contract
from symgd.notation import presentation as show
from symgd.notation.network import Line, Network
from symgd.notation.terms import MATRIX, Chain, Element, chain_tree, column, dimension_tree, eye, matrix, turned


def packs_in(factors: Iterable[Factor], rank: int) -> dict[int, tuple[int, int]]:
    """The axes of the result that stack columns, each with the two labels it packs."""
    found = {}
    for child, labels in factors:
        if isinstance(child, Select) and len(labels) == 3 and labels[0] < rank and _is_column_major(child):
            found[labels[0]] = (labels[1], labels[2])
    return found


def is_pack(factor: Factor, packs: dict[int, tuple[int, int]]) -> bool:
    child, labels = factor
    return isinstance(child, Select) and packs.get(labels[0]) == labels[1:]


def _is_column_major(select: Select) -> bool:
    first, second = map(Dimension.of, select.coefficients)
    return not select.offset.terms and first == ONE and second == select.shape[1] and select.shape[0] == select.shape[1] * select.shape[2]


def distributed(node: Contract, at: int) -> list[Expression]:
    """The product with its factor number `at`, a sum, multiplied out."""
    total, labels = node.children[at], node.labels[at]
    assert isinstance(total, Add)
    others = [factor for k, factor in enumerate(node.factors) if k != at]
    axes, sizes = range(node.rank), node.dimensions()
    return [contract(node.coefficient * c, [*others[:at], (child, labels), *others[at:]], axes, sizes) for c, child in total.terms]


def unpacked(node: Contract) -> list[Expression] | None:
    """The product, where it takes a stacked vector apart that it stacks itself, without either: vec(X)[k + m·l] is X[k,l].

    As a list of terms, because a sum of stacked vectors is multiplied out; None where there is nothing of the kind.
    """
    for k, (child, labels) in enumerate(node.factors):
        if not isinstance(child, Select) or len(labels) != 3 or labels[0] < node.rank or not _is_column_major(child):
            continue
        carriers = [j for j, others in enumerate(node.labels) if j != k and labels[0] in others]
        if len(carriers) != 1 or node.labels[carriers[0]].count(labels[0]) != 1:
            continue
        at = carriers[0]
        other, axis = node.children[at], node.labels[at].index(labels[0])
        if isinstance(other, Add):
            return distributed(node, at)
        inner = packs_in(other.factors, other.rank).get(axis) if isinstance(other, Contract) else None
        if inner is None or not isinstance(other, Contract):
            continue
        names: dict[int, object] = {**dict(enumerate(node.labels[at])), **dict(zip(inner, labels[1:]))}
        opened = [(c, [names.get(x, ("inner", x)) for x in ls]) for c, ls in other.factors if not (isinstance(c, Select) and ls[0] == axis)]
        rest: list[tuple[Expression, list[object]]] = [(c, list(ls)) for j, (c, ls) in enumerate(node.factors) if j not in (k, at)]
        sizes = {label: size for label, size in node.dimensions().items() if label != labels[0]}
        return [contract(node.coefficient * other.coefficient, [*rest[:at], *opened, *rest[at:]], range(node.rank), sizes)]
    return None


class Points:
    """The points of a network whose result axes are packed: those of the result first, packed axes with two points each."""

    def __init__(self, rank: int, packs: dict[int, tuple[int, int]]) -> None:
        self.number: dict[int, int] = {}
        self.twins: list[tuple[int, int]] = []  # points that one label has on two axes
        self.axes: list[tuple[int, ...]] = []
        count = 0
        for axis in range(rank):
            points = []
            for label in packs.get(axis, (axis,)):
                if label in self.number:
                    self.twins.append((self.number[label], count))
                self.number.setdefault(label, count)
                points.append(count)
                count += 1
            self.axes.append(tuple(points))
        self.rank = count

    def of(self, label: int) -> int:
        """The point of a label; new labels get the next number."""
        return self.number.setdefault(label, self.rank + len(self.number))


def packed_result(network: Network, points: Points) -> Chain | None:
    """The chain of a reduced network with packed axes, where it is one of those above."""
    for one, two in points.twins:
        network.sizes[two] = network.sizes[one]
        network.lines.append(Line(one, two, (eye(dimension_tree(network.sizes[one])),), 10**9))
    if not network.reduces():
        return None
    if len(points.axes) == 1:
        return column(_vec(network, *points.axes[0])) if len(points.axes[0]) == 2 else None
    rows, columns = points.axes
    if len(rows) == len(columns) == 2:
        return _square(network, rows, columns)
    if len(rows) == 2:
        turned_result = _strip(network, columns[0], rows)
        return turned(turned_result) if turned_result else None
    return _strip(network, rows[0], columns)


def _vec(network: Network, one: int, two: int) -> show.Tree:
    return show.Call("vec", (chain_tree(network.matrix(one, two)),))


def _square(network: Network, rows: tuple[int, ...], columns: tuple[int, ...]) -> Chain | None:
    """A matrix with both axes packed."""
    (i, j), (k, l) = rows, columns  # noqa: E741
    lines = {frozenset((line.rows, line.columns)) for line in network.lines}
    straight, crossed, apart = ({frozenset(pair) for pair in pairs} for pairs in (((i, k), (j, l)), ((i, l), (j, k)), ((i, j), (k, l))))
    if lines <= straight:
        return matrix(_kron(network, (j, l), (i, k)))
    if lines <= crossed:
        sizes = tuple([dimension_tree(network.sizes[point]) for point in columns])
        return (*matrix(_kron(network, (j, k), (i, l))), Element(show.Call("commut", sizes), MATRIX))
    if lines <= apart:
        return (*column(_vec(network, i, j)), *turned(column(_vec(network, k, l))))
    if straight < lines and all(_is_identity(network, *pair) for pair in ((i, k), (j, l))):
        renamed = {k: i, l: j}
        network.lines = [line for line in network.lines if frozenset((line.rows, line.columns)) not in straight]
        network.rename(renamed)
        if network.reduces() and {frozenset((line.rows, line.columns)) for line in network.lines} <= {frozenset((i, j))}:
            return matrix(show.Call("diag", (_vec(network, i, j),)))
    return None


def _is_identity(network: Network, one: int, two: int) -> bool:
    line = network.between(one, two)
    return line is not None and len(line.chain) == 1 and line.chain[0].is_identity


def _kron(network: Network, left: tuple[int, int], right: tuple[int, int]) -> show.Tree:
    if all(_is_identity(network, *pair) and not network.at(pair[0]) and not network.at(pair[1]) for pair in (left, right)):
        return show.Call("eye", (dimension_tree(network.sizes[left[0]] * network.sizes[right[0]]),))
    return show.Call("kron", (chain_tree(network.matrix(*left)), chain_tree(network.matrix(*right))))


def _strip(network: Network, row: int, columns: tuple[int, ...]) -> Chain | None:
    """A matrix whose columns alone are packed."""
    k, l = columns  # noqa: E741
    lines = {frozenset((line.rows, line.columns)) for line in network.lines}
    if lines <= {frozenset((k, l))}:
        return (*network.vector(row), *turned(column(_vec(network, k, l))))
    if lines <= {frozenset((row, k))}:
        return matrix(show.Call("kron", (chain_tree(turned(network.vector(l))), chain_tree(network.matrix(row, k)))))
    if lines <= {frozenset((row, l))}:
        return matrix(show.Call("kron", (chain_tree(network.matrix(row, l)), chain_tree(turned(network.vector(k))))))
    return None
