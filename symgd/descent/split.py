"""A loss as a function of sums over the samples, and its derivatives as functions of such sums.

mean((w*x - y)^2) is S/n with S = Σ (w*x - y)². The samples stand inside the sums only, so that these are all that has to be added up
over blocks of data, or over processes. A derivative is of the same kind: by the chain rule it has the sums of the derivatives in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Along, Contract, Counter, Expression, Leaf, Select, Size
from symgd.algebra.simplify import simplified_all
from symgd.calculus import derive
from symgd.errors import ValueGivenError
from symgd.lowering.norms import norms_opened
from symgd.lowering.stable.rewrite import stable

Factor = tuple[Expression, tuple[int, ...]]

_NESTED = "a sum over the samples stands inside another, which takes more than one pass."
_PAIRS = "the loss speaks of pairs of samples, which blocks do not keep together."
_HINT = 'Give all data at once, without blocks; on several ranks write ranks="alone".'


class Split:
    """Scalars and arrays as functions of sums over samples: `bodies` has the variable of each sum, and what it adds up.

    `value` is the loss. Without a `dimension` of samples there are no sums, and derivatives are what they are. The variables of the
    sums are numbered as they are made, so that all processes that ask for the same things number them alike.
    """

    COUNT: Final = ex.leaf("the number of samples")

    def __init__(self, root: Expression, parameters: Sequence[Leaf], dimension: str | None) -> None:
        self.parameters, self.dimension = list(parameters), dimension
        self.bodies: dict[Leaf, Expression] = {}
        self._known: dict[Expression, Leaf] = {}
        self._derived: dict[Leaf, Expression] = {}
        (self.value,) = stable([root], for_deriving=True) if dimension is None else self.opened([root])

    def used(self, *roots: Expression) -> list[Leaf]:
        """The variables of the sums in these functions, in the order in which they were made."""
        inside = set(ex.leaves(*roots))
        return [one for one in self.bodies if one in inside]

    # ---- derivatives, what the sums depend on included -------------------------------------------------------------------

    def gradient(self, root: Expression) -> list[Expression]:
        """The gradient of a scalar by each parameter, simplified: of |x|² there is 2x left, which has a derivative at 0."""
        used = self.used(root)
        direct = derive.gradient(root, [*self.parameters, *used])
        shares = direct[len(self.parameters) :]
        found = [self._chained(one, leaf, used, shares) for one, leaf in zip(direct, self.parameters)]
        return simplified_all(found)

    def jacobian(self, root: Expression, leaf: Leaf) -> Expression:
        """∂root/∂leaf: the axes of the root, then those of the parameter."""
        used = self.used(root)
        return self._chained(derive.jacobian(root, leaf), leaf, used, [derive.jacobian(root, one) for one in used])

    def along(self, root: Expression, directions: Sequence[Leaf]) -> Expression:
        """d/dt of a scalar where every parameter moves by t times its direction, at t = 0."""
        used = self.used(root)
        direct = simplified_all(derive.gradient(root, [*self.parameters, *used]))
        moves = [*directions, *(self._moved(one, directions) for one in used)]
        return ex.add([derive.inner(slope, move) for slope, move in zip(direct, moves)])

    def holds(self, *roots: Expression) -> bool:
        """Is a parameter in these functions, or in a sum that they are functions of?"""
        inside = [self.bodies[one] for one in self.used(*roots)]
        return bool(set(ex.leaves(*roots, *inside)) & set(self.parameters))

    def _chained(self, direct: Expression, leaf: Leaf, used: Sequence[Leaf], shares: Sequence[Expression]) -> Expression:
        parts, before = [direct], direct.rank - leaf.rank
        for one, share in zip(used, shares):
            slope = self._added(simplified_all([derive.jacobian(self._body(one), leaf)])[0])
            inner, last = range(before, before + one.rank), range(before + one.rank, before + one.rank + leaf.rank)
            parts.append(ex.contract(1, [(share, [*range(before), *inner]), (slope, [*inner, *last])], [*range(before), *last]))
        return ex.add(parts)

    def _moved(self, one: Leaf, directions: Sequence[Leaf]) -> Expression:
        """The change of a sum along directions."""
        body = self._body(one)
        if body.shape:
            moves = [derive.directional(body, leaf, move) for leaf, move in zip(self.parameters, directions)]
        else:
            moves = [derive.inner(slope, move) for slope, move in zip(simplified_all(derive.gradient(body, self.parameters)), directions)]
        return self._added(ex.add(moves))

    def _body(self, one: Leaf) -> Expression:
        """What a sum adds up, in the form that derivatives are taken of."""
        if one not in self._derived:
            (self._derived[one],) = stable([self.bodies[one]], for_deriving=True)
        return self._derived[one]

    # ---- a function of sums ----------------------------------------------------------------------------------------------

    def opened(self, roots: Sequence[Expression]) -> list[Expression]:
        """Expressions with their sums over samples as variables. Raises ValueGivenError for what is no function of such sums.

        A root that runs over the samples itself keeps its samples.
        """
        dimension, done = self.dimension, dict[Expression, Expression]()
        assert dimension is not None
        later: set[Expression] = set()  # what a sum is in
        roots = norms_opened(roots)
        for node in ex.topological(*roots):
            made = self._sized(node, dimension) if isinstance(node, Size) else ex.rebuilt(node, [done[child] for child in node.children])
            inside = [child for child in node.children if runs_over(child, dimension)]
            is_later = any(done[child] in later for child in node.children)
            if isinstance(node, Counter | Select) and runs_over(node, dimension):
                raise ValueGivenError("the loss depends on the position of a sample, which blocks do not keep.", hint=_HINT)
            if sum(dimension in length.names for length in node.shape) > 1:
                raise ValueGivenError(_PAIRS, hint=_HINT)
            if isinstance(node, Contract) and runs_over(node, dimension) and _sums_over(node, dimension):
                raise ValueGivenError(_NESTED, hint=_HINT)
            ends = inside and not runs_over(node, dimension)
            if not isinstance(node, Contract) and not _is_norm(node) and (ends or _runs_along(node, dimension)):
                raise ValueGivenError("a function other than a sum runs over the samples, which blocks cannot add up.", hint=_HINT)
            if ends:
                if any(done[child] in later for child in inside):
                    raise ValueGivenError(_NESTED, hint=_HINT)
                if isinstance(node, Contract):
                    made = self._sum_of(node, done, dimension, later)
                else:
                    vector, axes = done[node.children[0]], range(node.rank + 1)
                    made = ex.power(self._added(ex.contract(1, [(vector, axes)] * 2, range(node.rank))), Fraction(1, 2))
                is_later = True
            done[node] = made
            if is_later:
                later.add(made)
        return [done[root] for root in roots]

    def _sized(self, node: Size, dimension: str) -> Expression:
        """The length of the data dimension counts the samples of all blocks."""
        if dimension not in node.dimension.names:
            return node
        terms: list[Expression] = []
        for monomial, coefficient in node.dimension.terms:
            term: Expression = ex.constant(coefficient)
            for name, power in monomial:
                term = term * (self.COUNT if name == dimension else ex.size(Dimension.of(name))) ** power
            terms.append(term)
        return ex.add(terms)

    def _sum_of(self, node: Contract, done: Mapping[Expression, Expression], dimension: str, later: set[Expression]) -> Expression:
        """The node with what depends on samples, and on no sum before, added up as a variable of its own."""
        factors = [(done[child], labels) for child, labels in node.factors]
        kept = [(child, labels) for child, labels in factors if child not in later]
        outside = [(child, labels) for child, labels in factors if child in later]
        lengths = node.dimensions()
        beside = {label for _, its in outside for label in its} | set(range(node.rank))
        parts: list[tuple[Expression, list[int]]] = []
        for group in _joined(kept, beside):
            own = dict.fromkeys(label for _, its in group for label in its)
            samples = [label for label in own if dimension in lengths[label].names]
            if len(samples) > 1:
                raise ValueGivenError(_PAIRS, hint=_HINT)
            if not samples:
                parts += [(child, list(its)) for child, its in group]
                continue
            shared = [label for label in own if label in beside]
            parts.append((self._added(ex.contract(1, group, shared)), shared))
        left = {label for _, its in [*parts, *outside] for label in its} | set(range(node.rank))
        sizes = {label: size for label, size in lengths.items() if label in left}
        return ex.contract(node.coefficient, [*parts, *outside], range(node.rank), sizes)

    def _added(self, body: Expression) -> Expression:
        """The variable for the sum of a part over all blocks; 0 stays what it is."""
        if ex.is_zero(body):
            return body
        if body not in self._known:
            one = ex.leaf(f"sum {len(self.bodies) + 1}", body.shape)
            self._known[body], self.bodies[one] = one, body
        return self._known[body]


def _joined(factors: Sequence[Factor], beside: set[int]) -> list[list[Factor]]:
    """The factors in groups, those that share a summed label together."""
    groups: list[list[Factor]] = []
    for factor in factors:
        linked = [group for group in groups if any(set(its) & set(factor[1]) - beside for _, its in group)]
        groups = [group for group in groups if group not in linked]
        groups.append([*(one for group in linked for one in group), factor])
    return groups


def _sums_over(node: Contract, dimension: str) -> bool:
    """Does one of the sums of a product run over the samples?"""
    return any(label >= node.rank and dimension in length.names for label, length in node.dimensions().items())


def _is_norm(node: Expression) -> bool:
    return isinstance(node, Along) and node.function.name == "norm2"


def _runs_along(node: Expression, dimension: str) -> bool:
    """Is it a function of all samples together, of which it may keep the axis, as softmax does?"""
    return isinstance(node, Along) and dimension in node.children[0].shape[-1].names


def runs_over(node: Expression, dimension: str) -> bool:
    return any(dimension in length.names for length in node.shape)
