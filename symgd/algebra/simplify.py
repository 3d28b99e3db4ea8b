"""The simplifier: a bottom-up pass that multiplies out nested products, collects like terms and merges powers of one base.

What it does, rule by rule:
    nested        a product inside a product, a sum inside a sum: one product, one sum
    like terms    terms that are equal up to the order of factors are collected
    powers        factors of one base on the same indices merge: ‖x‖² · x/‖x‖ = ‖x‖ x
    power of product   (a·b)^k = a^k · b^k for whole k, entry by entry
    choices       (p if c else 0)·h = (p·h if c else 0) where h is not defined everywhere: what is not chosen is not computed with
    inverse pairs exp(log x) = x, log(exp x) = x, (√x)² = x, |x|² = x², √(x²) = |x|
    literals      a sum of unit vectors of a numeric dimension is a literal; a sum over a literal's entries is written out
A rule holds wherever the left side is defined. `sharing=True` leaves nodes that are used several times alone, so that no work
is doubled: that is for programs, and linear in the number of nodes. `sharing=False` is for reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.algebra.canonical import canonical, is_symmetric
from symgd.algebra.choices import chosen
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Add, Contract, Expression, Factor, Map, Select, Stack
from symgd.algebra.functions.table import POWER, F, elementwise
from symgd.algebra.functions.writing import is_positive

READABLE = 3_000  # nodes; larger expressions are never written out, and are simplified with sharing kept
SHORT = 100  # factors of a product that is multiplied out in every place it stands in; a longer one in its only place
LITERAL = 16  # entries that a sum of unit vectors is written out to

NONE, HALF = Fraction(0), Fraction(1, 2)


def simplified(root: Expression, symmetry: bool = False) -> Expression:
    """The expression for reading. `symmetry` uses declared symmetry of matrices (which derivatives by them must not see)."""
    whole = _Pass([root], None, symmetry)
    (result,) = whole.results()
    return result if whole.sharing else _literal(result, symmetry)


def simplified_all(roots: Sequence[Expression], sharing: bool = True, symmetry: bool = False) -> list[Expression]:
    """The expressions simplified together, so that what they share stays shared."""
    return _Pass(roots, sharing, symmetry).results()


class _Pass:
    """One pass over the nodes under some roots. `sharing` None keeps what is shared where there is too much to be read."""

    def __init__(self, roots: Sequence[Expression], sharing: bool | None, symmetry: bool) -> None:
        self.order = ex.topological(*roots)
        self.roots, self.symmetry = roots, symmetry
        self.uses = Counter(child for node in self.order for child in node.children)
        self.uses.update(roots)
        self.done: dict[Expression, Expression] = {}
        self.forms: dict[Expression, Expression] = {}
        self.partial: dict[Expression, bool] = {}
        self.sharing = len(self.order) > READABLE if sharing is None else sharing
        if self._open() > READABLE and sharing is None and not self.sharing:
            self.sharing = True  # few nodes, and much to read: every gradient of a long product holds all the others
            self._open()

    def _open(self) -> int:
        """Find `opened`, sums used by sums only, products used by products only: taken up by those, never built for themselves. Gives
        how many terms and factors all sums and products have in the end."""
        self.opened = {node for node in self.order if isinstance(node, Add | Contract)} - set(self.roots)
        for node in self.order:
            for child in node.children:
                if type(child) is not type(node) or (self.sharing and self.uses[child] > 1) or is_slice(child):
                    self.opened.discard(child)
        length: dict[Expression, int] = {}
        for node in self.order:
            length[node] = sum(length[child] if child in self.opened else 1 for child in node.children)
            if isinstance(node, Contract) and self.uses[node] > 1 and length[node] > SHORT:
                self.opened.discard(node)
        return sum(many for node, many in length.items() if node not in self.opened)

    def results(self) -> list[Expression]:
        for node in self.order:
            if node not in self.opened:
                self.done[node] = self._node(node)
        return [self.done[root] for root in self.roots]

    def _node(self, node: Expression) -> Expression:
        if isinstance(node, Add):
            return self._sum(node)
        if isinstance(node, Contract):
            return self._product(node)
        children = [self.done[child] for child in node.children]
        return _function(node, children) if isinstance(node, Map) else ex.rebuilt(node, children)

    def _sum(self, node: Add) -> Expression:
        """Terms of nested sums, like ones collected under their canonical form, shown as the first of them was."""
        found: dict[Expression, Fraction] = {}
        first: dict[Expression, Expression] = {}
        for coefficient, term in self._terms(node):
            inner, unit = ex.split(self.done[term])
            coefficient = ex.times(coefficient, inner)
            may_open = isinstance(unit, Add) and (not self.sharing or self.uses[term] == 1)
            for c, part in ex.terms(unit) if may_open else ((ex.ONE, unit),):
                form = part if self.sharing else canonical(part, self.forms, self.symmetry)
                first.setdefault(form, part)
                c = ex.times(coefficient, c)
                found[form] = found[form] + c if form in found else c
        return ex.total({first[form]: c for form, c in found.items()}, node.shape)

    def _terms(self, node: Add) -> list[tuple[Fraction, Expression]]:
        """The terms of a sum and of those opened in it, each once, in the order of reading."""
        weights: dict[Expression, Fraction] = {}
        sums, waiting = list[Add](), list[Expression]([node])
        while waiting:
            term = waiting.pop()
            if term not in weights:
                weights[term] = ex.ONE if term is node else NONE
                if isinstance(term, Add) and (term is node or term in self.opened):
                    sums.append(term)
                    waiting.extend(reversed(term.children))
        for term in sorted(sums, key=lambda one: -one.serial):
            for c, child in term.terms:
                weight = ex.times(weights[term], c)
                weights[child] = weight if weights[child] is NONE else weights[child] + weight
        return [(c, term) for term, c in weights.items() if term is not node and term not in self.opened]

    def _product(self, node: Contract) -> Expression:
        coefficient, sizes = node.coefficient, node.dimensions()
        found: list[tuple[Expression, Fraction, tuple[int, ...]]] = []
        fresh = max(sizes, default=-1) + 1
        waiting: list[tuple[Expression, tuple[int, ...], bool]] = [(c, labels, False) for c, labels in reversed(node.factors)]
        while waiting:
            child, labels, is_done = waiting.pop()
            inner = child
            if is_done or child not in self.opened:
                inner = child if is_done else self.done[child]
                once = self.uses[child] == 1 or (not self.sharing and len(inner.children) <= SHORT)
                if not (once and not is_done and isinstance(inner, Contract) and not is_slice(inner)):
                    found += self._powers(inner, labels)
                    continue
                is_done = True
            assert isinstance(inner, Contract)
            coefficient = ex.times(coefficient, inner.coefficient)
            names = dict(enumerate(labels))
            for label, dimension in inner.dimensions().items():
                if label not in names:
                    names[label] = fresh
                    sizes[fresh] = dimension
                    fresh += 1
            for grandchild, inside in reversed(inner.factors):
                waiting.append((grandchild, tuple(names[x] for x in inside), is_done))
        dropped, called = ex.identified([(base, labels) for base, _, labels in found], range(node.rank))
        powers: dict[Factor, Fraction] = {}
        for base, exponent, labels in [one for k, one in enumerate(found) if k not in dropped]:
            key = base, self._axes(base, [called.get(x, x) for x in labels])
            # Entries of a Select are 0 or 1: a power of one is itself.
            powers[key] = ex.ONE if isinstance(base, Select) else powers[key] + exponent if key in powers else exponent
        sizes = {x: n for x, n in sizes.items() if x not in called}
        factors = [(power_of(base, exponent), labels) for (base, labels), exponent in powers.items() if exponent]
        whole = chosen(_sliced(factors if self.sharing else self._written_out(factors, node.rank), node.rank), self.partial)
        absorbed = {x for _, labels in factors for x in labels} - {x for _, labels in whole for x in labels}
        return ex.contract(coefficient, whole, range(node.rank), {x: n for x, n in sizes.items() if x not in absorbed})

    def _written_out(self, factors: list[Factor], rank: int) -> list[Factor]:
        """Where the first axis of a literal is summed, the factors on that axis as one: the sum of their products, entry by entry."""
        repeated = {x for _, labels in factors for k, x in enumerate(labels) if x in labels[:k]}
        at = 0
        while at < len(factors):
            child, labels = factors[at]
            summed = labels[0] if labels and labels[0] >= rank and labels[0] not in repeated else None
            entries = child if summed is None else _literal(child, self.symmetry)
            if summed is None or not isinstance(entries, Stack):
                at += 1
                continue
            group = [factor for factor in factors if summed in factor[1]]
            axes = tuple(dict.fromkeys(x for _, other in group for x in other if x != summed))
            whole = [(entries if factor[0] is child else factor[0], factor[1]) for factor in group]
            parts = [ex.contract(1, [_entry(*factor, summed, k) for factor in whole], axes) for k in range(len(entries.children))]
            (written,) = simplified_all([ex.add(parts)], sharing=False, symmetry=self.symmetry)
            at = factors.index(group[0])
            rest = [factor for factor in factors if factor not in group]
            factors = [*rest[:at], (written, axes), *rest[at:]]
        return factors

    def _powers(self, node: Expression, labels: tuple[int, ...]) -> Iterator[tuple[Expression, Fraction, tuple[int, ...]]]:
        """The factor as powers of bases: (‖x‖·y)^-2 is ‖x‖^-2 and y^-2."""
        base, exponent = base_and_exponent(node)
        whole = exponent.denominator == 1 and exponent != 1
        if whole and isinstance(base, Contract) and base.coefficient == 1 and not is_slice(base) and _is_entrywise(base):
            for child, inside in base.factors:
                inner, power = base_and_exponent(child)
                yield inner, power * exponent, tuple([labels[x] for x in inside])
        else:
            yield base, exponent, labels

    def _axes(self, base: Expression, labels: list[int]) -> tuple[int, ...]:
        """The labels, in order where the order does not matter."""
        return tuple(sorted(labels) if is_symmetric(base, self.symmetry) else labels)


def is_slice(node: Expression) -> bool:
    """An entry or a slice, `x[2]` or `x[i-1]`: an array and the choice of its indices. Kept in one piece, as a variable is."""
    if not isinstance(node, Contract) or node.coefficient != 1 or len(node.children) < 2 or isinstance(node.children[0], Select):
        return False
    return all(isinstance(child, Select) and labels[0] >= node.rank and labels[0] in node.labels[0] for child, labels in node.factors[1:])


def _sliced(factors: list[tuple[Expression, tuple[int, ...]]], rank: int) -> list[tuple[Expression, tuple[int, ...]]]:
    """Put every choice of an index together with the array it chooses from."""
    carriers = Counter(label for _, labels in factors for label in labels)
    choices: dict[int, tuple[Expression, tuple[int, ...]]] = {}
    arrays: list[tuple[Expression, tuple[int, ...]]] = []
    for child, labels in factors:
        alone = isinstance(child, Select) and labels[0] >= rank and carriers[labels[0]] == 2 and labels[0] not in choices
        if alone:
            choices[labels[0]] = (child, labels)
        else:
            arrays.append((child, labels))
    out = []
    for child, labels in arrays:
        taken = [] if isinstance(child, Select) else [choices.pop(label) for label in labels if label in choices]
        stays = [label for label in labels if all(label != theirs[0] for _, theirs in taken)]
        axes = tuple(dict.fromkeys((*stays, *(label for _, theirs in taken for label in theirs[1:]))))
        out.append((ex.contract(1, [(child, labels), *taken], axes), axes) if taken else (child, labels))
    return out + list(choices.values())


def _entry(child: Expression, labels: tuple[int, ...], label: int, position: int) -> Factor:
    """The factor at one position of a label, without the label."""
    return ex.element(child, labels.index(label), Dimension.of(position)), tuple([x for x in labels if x != label])


def _is_entrywise(node: Contract) -> bool:
    """A product of a few factors without sums: every label is an axis."""
    return 0 < len(node.children) <= SHORT and all(label < node.rank for labels in node.labels for label in labels)


def base_and_exponent(node: Expression) -> tuple[Expression, Fraction]:
    """The node as base and exponent."""
    exponent = ex.ONE
    while isinstance(node, Map):
        if node.function is POWER and (value := ex.constant_value(node.children[1])) is not None:
            if exponent.denominator != 1 and value % 2 == 0:
                return _absolute(node.children[0]), ex.times(exponent, value)  # (x^2)^(1/2) is |x|, not x
            exponent = ex.times(exponent, value)
        elif node.function is elementwise("sqrt"):
            exponent *= HALF
        else:
            break
        node = node.children[0]
    return node, exponent


def _absolute(node: Expression) -> Expression:
    return node if is_positive(node) else F.abs(node)


def power_of(base: Expression, exponent: Fraction) -> Expression:
    while isinstance(base, Map) and base.function.name == "abs" and exponent % 2 == 0:
        base, inner = base_and_exponent(base.children[0])
        exponent *= inner
    if abs(exponent) == HALF:
        return ex.power(F.sqrt(base), 1 if exponent > 0 else -1)
    return ex.power(base, exponent)


_INVERSES = {("exp", "log"), ("log", "exp")}


def _function(node: Map, children: list[Expression]) -> Expression:
    inner = children[0]
    if isinstance(inner, Map) and (node.function.name, inner.function.name) in _INVERSES:
        return inner.children[0]
    if node.function.name == "abs":
        return _absolute(inner)
    return power_of(*base_and_exponent(ex.rebuilt(node, children)))


def _literal(node: Expression, symmetry: bool) -> Expression:
    """A sum of multiples of unit vectors along its first axis, or a function of a literal, written out as a literal."""
    if isinstance(node, Stack) and len(node.children) <= LITERAL:
        return ex.stack([_literal(child, symmetry) for child in node.children])
    length = node.shape[0].constant if node.shape else None
    if length is None or length > LITERAL:
        return node
    positions = [Dimension.of(k) for k in range(length)]
    if isinstance(node, Map) and {type(child) for child in node.children if ex.constant_value(child) is None} == {Stack}:
        entries = [ex.rebuilt(node, [ex.element(child, 0, k) for child in node.children]) for k in positions]
    elif all(isinstance(term, Contract) and _unit_first(term) for _, term in ex.terms(node)):
        entries = [ex.add([ex.scaled(c, ex.element(term, 0, k)) for c, term in ex.terms(node)]) for k in positions]
    else:
        return node
    return ex.stack([simplified(entry, symmetry) for entry in entries])


def _unit_first(term: Contract) -> bool:
    """Is the first axis carried by a unit vector alone?"""
    carriers = [child for child, labels in term.factors if 0 in labels]
    return len(carriers) == 1 and isinstance(carriers[0], Select) and not carriers[0].coefficients
