"""Is a loss a sum of squares? Read off its expression: Σ weight·residual², the weights free of the parameters.

Recognised are squares and other even powers, `norm2(r)^2` and `normF(R)^2`, `r'*r`, sums and means of them over any indices,
multiplied by anything that no parameter is in, and sums of all these. Whether the weights are at least 0 is known when there are data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Add, Along, Contract, Expression, Leaf, Map
from symgd.algebra.functions.table import POWER

_LIMIT = 20_000  # terms looked at

_Factor = tuple[Expression, tuple[Hashable, ...]]


@dataclass(frozen=True, slots=True)
class Square:
    """weight · residual², summed over all entries; both have one shape, and no parameter is in the weight."""

    weight: Expression
    residual: Expression


@dataclass(frozen=True, slots=True)
class _Term:
    """coefficient × the product of the factors, summed over all labels. `sizes` has those of labels that no factor may carry."""

    coefficient: Fraction
    factors: tuple[_Factor, ...]
    sizes: dict[Hashable, Dimension]


def squares(root: Expression, parameters: Collection[Leaf]) -> list[Square] | None:
    """The squares whose sum a scalar is, up to a part that no parameter is in; None where it is not seen to be one."""
    varies = _Varies(parameters)
    found: list[Square] = []
    waiting = [_Term(Fraction(1), ((root, ()),), {})]
    for _ in range(_LIMIT):
        if not waiting:
            return found or None
        term = waiting.pop()
        parts = [factor for factor in term.factors if varies(factor[0])]
        if not parts:
            continue
        roots = _even(parts)
        if roots is not None:
            square = _square(term, roots, parts)
            if square is None:
                return None
            found.append(square)
            continue
        opened = next((list(terms) for k, factor in enumerate(term.factors) if varies(factor[0]) and (terms := _opened(term, k))), None)
        if opened is None:
            return None
        waiting += reversed(opened)
    return None


class _Varies:
    """Is a parameter in an expression?"""

    def __init__(self, parameters: Collection[Leaf]) -> None:
        self._known: dict[Expression, bool] = dict.fromkeys(parameters, True)

    def __call__(self, node: Expression) -> bool:
        for inner in [] if node in self._known else ex.topological(node):
            if inner not in self._known:
                self._known[inner] = any(self._known[child] for child in inner.children)
        return self._known[node]


def _even(parts: Sequence[_Factor]) -> list[_Factor] | None:
    """Factors whose product squared is the product of the parts; None where it is no square."""
    roots: list[_Factor] = []
    for (node, labels), times in Counter(parts).items():
        exponent = _whole_exponent(node)
        if times % 2 == 0:
            roots += [(node, labels)] * (times // 2)
        elif exponent is not None and exponent % 2 == 0 and not _is_norm(node.children[0]):
            roots.append((ex.power(node.children[0], exponent * times // 2), labels))
        else:
            return None
    return roots


def _whole_exponent(node: Expression) -> int | None:
    if not (isinstance(node, Map) and node.function is POWER):
        return None
    value = ex.constant_value(node.children[1])
    return int(value) if value is not None and value > 0 and value.denominator == 1 else None


def _is_norm(node: Expression) -> bool:
    return isinstance(node, Along) and node.function.name == "norm2"


def _square(term: _Term, roots: Sequence[_Factor], parts: Sequence[_Factor]) -> Square | None:
    """The term as one weighted square; None where its weight is negative whatever the data."""
    fixed = [factor for factor in term.factors if factor not in parts]
    if term.coefficient < 0 and not fixed:
        return None
    labels = list(dict.fromkeys(label for _, its in parts for label in its))
    sizes = _sizes(term)
    shape = {label: sizes[label] for label in labels}
    rest = {label: size for label, size in sizes.items() if label not in shape}
    weight = ex.contract(term.coefficient, fixed, labels, {**shape, **rest})
    return Square(weight, ex.contract(1, roots, labels, shape))


def _sizes(term: _Term) -> dict[Hashable, Dimension]:
    found = dict(term.sizes)
    for node, labels in term.factors:
        found.update(zip(labels, node.shape))
    return found


def _opened(term: _Term, position: int) -> Iterator[_Term] | None:
    """The term with one of its factors opened: a sum distributed, a product joined, a squared norm written out."""
    node, labels = term.factors[position]
    others = term.factors[:position] + term.factors[position + 1 :]
    if isinstance(node, Add):
        return (_Term(term.coefficient * c, (*others, (child, labels)), term.sizes) for c, child in node.terms)
    if isinstance(node, Contract):
        own: dict[int, Hashable] = dict(enumerate(labels))
        inner = tuple((child, tuple(own.setdefault(label, object()) for label in its)) for child, its in node.factors)
        sizes = {**term.sizes, **{own.setdefault(label, object()): size for label, size in node.dimensions().items()}}
        return iter([_Term(term.coefficient * node.coefficient, (*others, *inner), sizes)])
    if _whole_exponent(node) == 2 and _is_norm(node.children[0]):
        vector = node.children[0].children[0]
        entry: Hashable = object()
        if _is_norm(vector):  # the norm of norms: that of a matrix
            return iter([_Term(term.coefficient, (*others, (ex.power(vector, 2), (*labels, entry))), term.sizes)])
        return iter([_Term(term.coefficient, (*others, *[(vector, (*labels, entry))] * 2), term.sizes)])
    return None
