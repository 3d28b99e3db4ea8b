"""Every node of an expression as a term in matrix notation, where there is one, children before parents.

`Forms(root).terms[node]` is the `Term` of a node, or None where no matrix formula was found: arrays of three axes, shifted
indices, contractions that do not reduce. What contains such a part is either written with indices altogether (`entries`), or,
where it is a scalar, contains the scalar as an index sum.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import (
    Add,
    Along,
    Constant,
    Contract,
    Counter,
    Expression,
    Factor,
    Irrational,
    Leaf,
    Map,
    MatrixFunction,
    Select,
    Size,
    Stack,
    Unknown,
)
from symgd.algebra.functions.table import POWER
from symgd.algebra.grid import layers
from symgd.algebra.trampoline import run
from symgd.calculus.steps.pending import PARTIAL, Pending
from symgd.notation import blocks, masks
from symgd.notation import presentation as show
from symgd.notation.entries import OF_ENTRIES, Entries, flat_terms
from symgd.notation.functions import call_name, elementwise_term, innermost, matrix_tree, of_all_entries, unknown_tree
from symgd.notation.letters import Letters
from symgd.notation.network import Line, Network, Vector
from symgd.notation.presentation import Tree
from symgd.notation.terms import (
    COLUMN,
    DIAGONAL,
    Chain,
    Term,
    chain_tree,
    column,
    dimension_tree,
    entrywise,
    eye,
    is_sum,
    matrix,
    ones,
    sum_tree,
    turned,
    with_means,
)
from symgd.notation.vectorised import Points, distributed, is_pack, packed_result, packs_in, unpacked

_DEEPEST = 4  # sums inside sums that a product is distributed over


class Forms:
    """The terms of all nodes under a root.

    With `by_index`, arrays have a term only where they are named. Without `sums_as_words`, sums of all entries have an index.
    The parts of `authored` sums and products stay in the order they have.
    """

    def __init__(
        self,
        root: Expression,
        letters: Letters,
        by_index: bool = False,
        sums_as_words: bool = True,
        authored: Set[Expression] = frozenset(),
    ) -> None:
        self.by_index = by_index
        self.sums_as_words = sums_as_words
        self.authored = authored
        self.terms: dict[Expression, Term | None] = {}
        self.entries = Entries(self.terms, letters, by_index, authored)
        self._include(root)

    def _include(self, root: Expression) -> None:
        for node in ex.topological(root):
            if node not in self.terms:
                for argument in node.arguments if isinstance(node, Pending) else ():
                    self._include(argument)
                self.terms[node] = term = self._term(node)
                if term is None and not node.shape:
                    self.terms[node] = run(self.entries.entry(node, (), 0))

    def tree(self, node: Expression) -> Tree:
        """The node as a tree, with indices where matrix notation fails."""
        term = self.terms[node]
        return term.tree() if term is not None else self.entries.array(node)

    # ---- one node

    def _term(self, node: Expression) -> Term | None:
        if node.rank > 2:
            return None
        if isinstance(node, Contract):
            return self._blocks(node) or self._contract(node)
        if isinstance(node, Add):
            return self._blocks(node) or self._add(node)
        if isinstance(node, Map):
            return self._map(node)
        tree = self._atom(node)
        return None if tree is None else _whole(node, tree)

    def _atom(self, node: Expression) -> Tree | None:
        if isinstance(node, Constant):
            return show.number(node.value)
        if isinstance(node, Pending):
            return self._pending(node)
        if isinstance(node, Irrational | Leaf):
            return show.Name(node.name)
        if isinstance(node, Size):
            return dimension_tree(node.dimension)
        if isinstance(node, Select):
            return eye(dimension_tree(node.shape[0])).tree if ex.is_identity(node) and not self.by_index else None
        if isinstance(node, Counter):
            return None
        arguments = [self.terms[child] for child in node.children]
        if any(argument is None for argument in arguments):
            return None
        trees = [argument.tree() for argument in arguments if argument is not None]
        if isinstance(node, Along):
            return self._along(node, trees[0])
        if isinstance(node, MatrixFunction):
            return matrix_tree(node.function, trees)
        if isinstance(node, Unknown):
            return unknown_tree(node, trees, self.entries.letters.step())
        assert isinstance(node, Stack)
        return self._stack(node, trees)

    def _pending(self, node: Pending) -> Tree | None:
        """A derivative that is not carried out, of arrays as they are; one by the entries of an array has no name as a whole."""
        if node.operator == PARTIAL or (self.by_index and node.shape and node.operator in OF_ENTRIES):
            return None
        return show.Call(node.operator, tuple([self.tree(argument) for argument in node.arguments]))

    def _along(self, node: Along, argument: Tree) -> Tree | None:
        child = node.children[0]
        if node.function.name == "prod" and not node.shape and not self.sums_as_words:
            return None
        array = innermost(node)
        if not node.shape and array.rank > 1:
            inner = self.terms[array]
            return of_all_entries(node.function, inner.tree()) if inner else None
        if child.rank == 1:
            return show.Call(call_name(node.function), (argument,), latex=node.function.latex)
        if child.rank == 2:
            return show.Call(call_name(node.function), (argument,), 2, node.function.latex)
        return None

    def _stack(self, node: Stack, trees: Sequence[Tree]) -> Tree | None:
        if node.rank == 1 or all(isinstance(tree, show.Literal) for tree in trees):
            return show.Literal(tuple(trees))
        return None

    def _map(self, node: Map) -> Term | None:
        if self.by_index and node.shape:
            return None
        mask = masks.bounds_of(node)
        if mask is not None:
            return _whole(node, mask.tree(masks.ones(node.shape)))
        terms = []
        for child in node.children:
            term = self.terms[child]
            if term is None or masks.bounds_of(child):
                return None
            terms.append(term)
        broadcast = bool(node.shape) and all(term.is_broadcast for term in terms)
        arguments = [term.as_scalar() if term.is_broadcast else term for term in terms]
        found = elementwise_term(node.function, [term.tree() for term in arguments], bool(node.shape) and not broadcast)
        if broadcast:
            return Term(found.coefficient, found.scalars, found.divisors, _all_ones(node))
        return _placed(node, found) if node.shape else found

    def _add(self, node: Add) -> Term | None:
        if self.by_index and node.shape:
            return None
        terms = []
        for coefficient, child in node.terms:
            term = self.terms[child]
            if term is None:
                return None
            terms.append(term.scaled(coefficient))
        kept = node in self.authored
        if not node.shape:
            return Term(scalars=(sum_tree(terms, kept),))
        if all(term.is_broadcast for term in terms):
            return Term(scalars=(sum_tree([term.as_scalar() for term in terms], kept),), chain=_all_ones(node))
        if node.rank == 1:
            terms = [term.as_scalar() if term.is_broadcast else term for term in terms]
        return _whole(node, sum_tree(terms, kept))

    # ---- blocks

    def _blocks(self, node: Expression) -> Term | None:
        """A sum of embedded arrays, and of others, as a sum of arrays of blocks."""
        found = None if self.by_index or not node.shape else layers(flat_terms(node))
        if found is None:
            return None
        grids, others = found
        terms = []
        for coefficient, other in others:
            term = self.terms.get(other)
            if term is None or term.is_broadcast:
                return None
            terms.append(term.scaled(coefficient))
        for grid in grids:
            common = blocks.common(grid) if len(grids) + len(others) > 1 else Fraction(1)
            tree = blocks.tree(grid, self._cell, common)
            if tree is None:
                return None
            terms.append(_whole(node, tree).scaled(common))
        return terms[0] if len(terms) == 1 else _whole(node, sum_tree(terms))

    def _cell(self, node: Expression) -> Term | None:
        """The term of an array that is made for showing it."""
        self._include(node)
        return self.terms[node]

    # ---- contractions

    def _contract(self, node: Contract, depth: int = 0, parts_as_matrices: bool = False) -> Term | None:
        if self.by_index and (node.shape or any(node.labels)):
            return None
        if not node.shape and not any(node.labels):
            return self._scalar_product(node)
        masked = masks.split(node)
        if masked is not None:
            kept, rest = masked
            found = self._cell(rest)
            return found and replace(found, chain=matrix(kept.tree(chain_tree(found.chain))))
        in_order = node in self.authored
        parts = unpacked(node)
        if parts is not None:
            return self._total(node, parts, depth)
        is_authored = node in self.authored
        node = masks.paired(node)
        for child in node.children:
            self._include(child)
        packs = packs_in(node.factors, node.rank)
        opened = self._opened(node, [factor for factor in node.factors if not is_pack(factor, packs)], parts_as_matrices)
        if opened is None:
            return self._distributed(node, depth) or (None if parts_as_matrices else self._contract(node, depth, True))
        coefficient, factors, sizes = opened
        points = Points(node.rank, packs)
        items, gone = _united([(child, tuple(map(points.of, labels)), self._known(child)) for child, labels in factors], points.rank)
        network = Network(points.rank, {points.of(label): size for label, size in sizes.items() if label not in packs}, is_authored)
        divisors: list[Tree] = []
        for place, (child, labels, term) in enumerate(items):
            coefficient *= term.coefficient
            network.scalars += [(place, tree) for tree in term.scalars]
            divisors += term.divisors
            _put(network, child, labels, term, place)
        # A label that broadcasts only multiplies by its size where it is summed.
        bare = {point for point in network.sizes if point >= points.rank} - set(network.summed()) - gone
        network.scalars += [(len(items), dimension_tree(network.sizes[label])) for label in sorted(bare)]
        chain = packed_result(network, points) if packs else network.result()
        if chain is None or not (self.sums_as_words or chain or not any(is_sum(tree) for _, tree in network.scalars)):
            return None
        network.scalars.sort(key=lambda scalar: scalar[0])
        return with_means(Term(coefficient, tuple([tree for _, tree in network.scalars]), tuple(divisors), chain, kept=in_order))

    def _scalar_product(self, node: Contract) -> Term:
        coefficient, scalars, divisors = node.coefficient, list[Tree](), list[Tree]()
        for child in node.children:
            term = self._known(child)
            coefficient *= term.coefficient
            scalars += term.scalars
            divisors += term.divisors
        return with_means(Term(coefficient, tuple(scalars), tuple(divisors), kept=node in self.authored))

    def _distributed(self, node: Contract, depth: int) -> Term | None:
        """A product with a sum that has no matrix form, such as one with three axes: as the sum of the products."""
        found = next((k for k, child in enumerate(node.children) if isinstance(child, Add) and self.terms[child] is None), None)
        if found is None:
            return None
        return self._total(node, distributed(node, found), depth)

    def _total(self, node: Contract, parts: Sequence[Expression], depth: int) -> Term | None:
        """The node as the sum of parts that are made for showing it."""
        if depth >= _DEEPEST:
            return None
        terms = []
        for part in parts:
            for piece in part.children if isinstance(part, Contract) else (part,):
                if piece not in self.terms:
                    self._include(piece)
            term = self._contract(part, depth + 1) if isinstance(part, Contract) else self.terms.get(part)
            if term is None:
                return None
            terms.append(term)
        if len(terms) == 1:
            return terms[0]
        if node.rank == 0:
            return Term(scalars=(sum_tree(terms),))
        return None if any(term.is_broadcast for term in terms) else _whole(node, sum_tree(terms))

    def _known(self, node: Expression) -> Term:
        term = self.terms[node] or self._blocks(node)
        assert term is not None
        return term

    def _opened(
        self, node: Contract, factors: Sequence[Factor], parts_as_matrices: bool
    ) -> tuple[Fraction, list[Factor], dict[int, Dimension]] | None:
        """The coefficient, the factors, and the sizes of all labels, once factors without a term, products themselves, are opened.

        None where one of them is no product. With `parts_as_matrices`, rows and columns that are chosen from the matrices of a
        product are a product with [eye(n); zeros(p, n)].
        """
        coefficient, sizes = node.coefficient, node.dimensions()
        found: list[Factor] = []
        waiting = list(reversed(factors))
        while waiting:
            child, labels = waiting.pop()
            if self.terms.get(child) is not None:
                found.append((child, labels))
                continue
            if parts_as_matrices and isinstance(child, Select) and self._blocks(child):
                found.append((child, labels))
                continue
            if not isinstance(child, Contract):
                return None
            coefficient *= child.coefficient
            names = dict(enumerate(labels))
            for label, size in child.dimensions().items():
                if label not in names:
                    names[label] = max(sizes, default=-1) + 1
                    sizes[names[label]] = size
            waiting.extend((inner, tuple([names[x] for x in inside])) for inner, inside in reversed(child.factors))
        return (coefficient, found, sizes) if not parts_as_matrices or _is_product_of_parts(found) else None


Item = tuple[Expression, tuple[int, ...], Term]


def _is_product_of_parts(factors: Sequence[Factor]) -> bool:
    """Are these several arrays, parts being chosen from matrices only? A part of one array is written by its indices."""
    arrays = [(child, labels) for child, labels in factors if not isinstance(child, Select)]
    chosen = {labels[0] for child, labels in factors if isinstance(child, Select) and not ex.is_identity(child)}
    of_matrices = all(any(label in labels and len(labels) == 2 for _, labels in arrays) for label in chosen)
    return sum(1 for _, labels in arrays if labels) > 1 and of_matrices


def _whole(node: Expression, tree: Tree) -> Term:
    """A tree that shows the node as it is."""
    if isinstance(tree, show.Number):
        return Term(tree.value)
    if not node.shape:
        return Term(scalars=(tree,))
    return Term(chain=column(tree, node) if node.rank == 1 else matrix(tree, node))


def _placed(node: Expression, found: Term) -> Term:
    """The term of an elementwise function as an array."""
    under = found.divisors[0] if found.divisors else None
    term = _whole(node, found.tree() if under is None else entrywise([], [under]))
    return replace(term, under=under)


def _all_ones(node: Expression) -> Chain:
    chain = tuple([ones(dimension_tree(length)) for length in node.shape])
    return (chain[0], chain[1].transposed()) if len(chain) == 2 else chain


def _united(items: list[Item], rank: int) -> tuple[list[Item], set[int]]:
    """The items with diag(v) made a vector v on one label, where one of its two labels is summed; and the labels that are gone."""
    renamed: dict[int, int] = {}

    def now(label: int) -> int:
        while label in renamed:
            label = renamed[label]
        return label

    kept: list[Item] = []
    for child, labels, term in items:
        if len(term.chain) == 1 and (term.chain[0].kind == DIAGONAL or term.chain[0].is_identity):
            one, two = sorted(map(now, labels))
            if two >= rank or one == two:
                if one != two:
                    renamed[two] = one
                weight = () if term.chain[0].is_identity else column(term.chain[0].tree)
                kept.append((child, (one,), replace(term, chain=weight)))
                continue
        kept.append((child, labels, term))
    return [(child, tuple(map(now, labels)), term) for child, labels, term in kept], set(renamed)


def _put(network: Network, child: Expression, labels: tuple[int, ...], term: Term, place: int) -> None:
    """Add the array part of a factor to the network: a vector, a line, or two vectors for an outer product."""
    chain = term.chain
    if not chain:
        return
    if len(labels) == 1:
        _put_vector(network, labels[0], chain, term, child, place)
        return
    split = next((k for k in range(1, len(chain)) if _ends_in_column(chain, k)), None)
    if split is None:
        # Scaled rows and columns are vectors of their own: diag(u)*M*diag(v).
        for label, end in ((labels[0], 0), (labels[1], -1)):
            if len(chain) > 1 and chain[end].kind == DIAGONAL:
                network.vectors.append(Vector(label, column(chain[end].tree), place))
                chain = chain[1:] if end == 0 else chain[:-1]
        shown = chain if term.under is None else matrix(term.under)
        network.lines.append(Line(labels[0], labels[1], shown, place, term.under is not None, isinstance(child, Map)))
        return
    for label, part in ((labels[0], chain[:split]), (labels[1], turned(chain[split:]))):
        if not all(element.is_ones for element in part):
            network.vectors.append(Vector(label, part, place))


def _ends_in_column(chain: Chain, k: int) -> bool:
    return chain[k - 1].kind == COLUMN and not chain[k - 1].turned and chain[k].kind == COLUMN and chain[k].turned


def _put_vector(network: Network, label: int, chain: Chain, term: Term, child: Expression, place: int) -> None:
    if all(element.is_ones for element in chain):
        return
    is_power = isinstance(child, Map) and child.function is POWER and ex.constant_value(child.children[1]) is not None
    square = child.children[0] if is_power and ex.constant_value(child.children[1]) == 2 else None
    shown = chain if term.under is None else column(term.under)
    network.vectors.append(Vector(label, shown, place, term.under is not None, is_power, square))
