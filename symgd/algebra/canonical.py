"""The canonical form: one expression for all orders of terms and factors, for transposes of symmetric matrices, for cyclic traces.

Equal canonical forms prove equality; different ones prove nothing. Sums and factors are sorted by digest, summed labels by
what they connect (colour refinement), so the form is the same in every process.
"""

from __future__ import annotations

import weakref
from collections import Counter

from symgd.algebra import expression as ex
from symgd.algebra.connected import connected
from symgd.algebra.expression import Add, Contract, Expression, Leaf, Map, MatrixFunction
from symgd.algebra.functions.pieces import EITHER_WAY

SYMMETRIC = ("symmetric", "spd", "diagonal")
ZEROS = ("diagonal", "lower", "upper", "banded", "tridiagonal")
ON_A_SET = (*SYMMETRIC, "orthogonal", "simplex", "in {")  # what holds on a set without interior: derivatives must not use it
TRIED = 8  # labels of one colour that are told apart by trying; of more, the first ones

Colours = dict[int, int]  # of each label: a number that no order of factors and no naming of labels changes
Edges = list[tuple[int, bool, tuple[int, ...]]]  # of each factor: its digest, whether it is symmetric, its labels


def has_zeros(leaf: Leaf) -> bool:
    """Are some entries declared to be 0?"""
    return any(kind.startswith(ZEROS) for kind in leaf.kind)


def is_confined(leaf: Leaf) -> bool:
    """Is something declared of it that can shorten what is shown, and that derivatives must not use?"""
    return any(kind.startswith(ON_A_SET) for kind in leaf.kind)


_symmetric: tuple[weakref.WeakKeyDictionary[Expression, bool], ...] = (weakref.WeakKeyDictionary(), weakref.WeakKeyDictionary())


def is_symmetric(node: Expression, declared: bool = True) -> bool:
    """Is it equal to its transpose: made so, as X'X and A + A' are, or (where `declared` counts) declared so?

    True is a proof, False is none.
    """
    known = _symmetric[declared]
    waiting = [node]
    while waiting:  # what it is made of first, so that no call goes deep
        one = waiting[-1]
        missing = [child for child in one.children if child not in known and _is_square(child)] if one not in known else []
        if missing:
            waiting += missing
            continue
        waiting.pop()
        if one not in known:
            known[one] = _is_square(one) and _is_made_symmetric(one, declared)
    return known[node]


def _is_square(node: Expression) -> bool:
    return node.rank == 2 and node.shape[0] == node.shape[1]


def _is_made_symmetric(node: Expression, declared: bool) -> bool:
    if isinstance(node, Leaf):
        return declared and any(flag in node.kind for flag in SYMMETRIC)
    if isinstance(node, MatrixFunction | Map):
        return all(is_symmetric(child, declared) for child in node.children if child.rank)
    if isinstance(node, Add):
        forms: dict[Expression, Expression] = {}
        terms = {canonical(term, forms, declared): c for c, term in node.terms}
        return terms == {canonical(turned(term), forms, declared): c for c, term in node.terms}
    if isinstance(node, Contract):
        return _ends(node, 0) == _ends(node, 1) and canonical(turned(node), None, declared) is canonical(node, None, declared)
    return ex.is_identity(node)


def turned(node: Expression) -> Expression:
    """The transpose of a matrix, taken inside sums and products."""
    if isinstance(node, Add):
        return ex.add([ex.scaled(c, turned(term)) for c, term in node.terms])
    if isinstance(node, Contract):
        return ex.contract(node.coefficient, node.factors, (1, 0), node.dimensions())
    return ex.transposed(node, (1, 0))


def _ends(node: Contract, axis: int) -> Counter[Expression]:
    """The factors that stand on an axis; a look that tells most products from their transposes."""
    return Counter(child for child, labels in node.factors if axis in labels)


def canonical(root: Expression, done: dict[Expression, Expression] | None = None, symmetry: bool = True) -> Expression:
    """The canonical form. `done` may be kept between calls to share work; `symmetry` uses declared symmetry of matrices."""
    done = {} if done is None else done
    for node in ex.topological(root) if root not in done else ():
        if node in done:
            continue
        found = ex.rebuilt(node, [done[child] for child in node.children])
        if isinstance(found, Add):
            terms = sorted(found.terms, key=lambda term: term[1].digest)
            found = ex.total({child: c for c, child in terms}, found.shape)
        elif isinstance(found, Contract):
            found = _sorted(found, symmetry)
        elif isinstance(found, Map) and found.function.name in EITHER_WAY:
            found = ex.apply(found.function, *sorted(found.children, key=lambda child: child.digest))
        done[node] = found
    return done[root]


def _sorted(node: Contract, symmetry: bool) -> Expression:
    node = _on_one_axis(node)
    symmetric = [is_symmetric(child, symmetry) for child in node.children]
    edges = [(int.from_bytes(child.digest, "big"), free, labels) for child, free, labels in zip(node.children, symmetric, node.labels)]
    colour = _told_apart(node, edges)
    turned = [
        (child, tuple(sorted(labels, key=lambda x: (x >= node.rank, colour[x]))) if free else labels)
        for child, free, labels in zip(node.children, symmetric, node.labels)
    ]
    ordered = sorted(turned, key=lambda factor: (factor[0].digest, tuple([colour[x] for x in factor[1]])))
    return ex.contract(node.coefficient, ordered, range(node.rank), node.dimensions())


def _on_one_axis(node: Contract) -> Contract:
    """Where an identity matrix stands on two axes, all else on the first of them: diag(v) has v on either."""
    names: dict[int, int] = {}
    for child, labels in node.factors:
        if len(labels) == 2 and max(labels) < node.rank and labels[0] != labels[1] and ex.is_identity(child):
            one, two = (names.get(x, x) for x in labels)
            names |= {x: min(one, two) for x in (*labels, one, two)}
    if not names:
        return node
    factors = [(child, labels if ex.is_identity(child) else tuple([names.get(x, x) for x in labels])) for child, labels in node.factors]
    found = ex.contract(node.coefficient, factors, range(node.rank), node.dimensions())
    return found if isinstance(found, Contract) else node


def _told_apart(node: Contract, edges: Edges) -> Colours:
    """A colour of its own for every label: its place for an axis; for a summed label, what it stands in, one piece at a time."""
    places = {x: hash((x,)) for x in range(node.rank)}
    sizes = {x: int.from_bytes(str(length).encode()[:7], "big") for x, length in node.dimensions().items()}
    pieces = []
    for group in connected(node.labels, node.rank):
        piece = [edges[k] for k in group]  # the factors that summed labels connect
        colour = _piece_told_apart({x: places.get(x, sizes[x]) for _, _, labels in piece for x in labels}, piece)
        look = sorted((digest, _around(colour, symmetric, labels)) for digest, symmetric, labels in piece)
        pieces.append((look, {x: colour[x] for x in colour if x >= node.rank}))
    for k, (_, colour) in enumerate(sorted(pieces, key=lambda piece: piece[0])):
        places.update({x: hash((k, own)) for x, own in colour.items()})
    return places


def _piece_told_apart(colour: Colours, edges: Edges) -> Colours:
    """Labels that refinement leaves alike are told apart by marking one of them: the one whose mark gives the smallest colours.
    Where all give the same, they are alike in earnest, and any will do."""
    colour = _refined(colour, edges)
    while len(found := set(colour.values())) < len(colour):
        cells = {value: [x for x in colour if colour[x] == value] for value in found}
        tied = cells[min(value for value, cell in cells.items() if len(cell) > 1)]
        marked = [_refined({**colour, x: hash((colour[x], 1))}, edges) for x in tied[:TRIED]]
        colour = min(marked, key=lambda colours: sorted(colours.values()))
    return colour


def _refined(colour: Colours, edges: Edges) -> Colours:
    """Colours that differ wherever the labels stand in different factors, places or company."""
    classes = len(set(colour.values()))
    while classes < len(colour):
        marks = {label: [own] for label, own in colour.items()}
        for digest, symmetric, labels in edges:
            whole = hash((digest, _around(colour, symmetric, labels)))
            for position, label in enumerate(labels):
                marks[label].append(hash((whole, 0 if symmetric else position)))
        colour = {label: hash((found[0], *sorted(found[1:]))) for label, found in marks.items()}
        before, classes = classes, len(set(colour.values()))
        if classes == before:
            break
    return colour


def _around(colour: Colours, symmetric: bool, labels: tuple[int, ...]) -> tuple[int, ...]:
    """The colours of a factor's labels, in order where order matters."""
    around = [colour[x] for x in labels]
    return tuple(sorted(around) if symmetric else around)
