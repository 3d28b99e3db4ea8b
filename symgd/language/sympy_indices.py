"""Indices in SymPy expressions: the ranges of sums and products, and the shapes and first indices of the arrays they run over.

SymPy does not say from where an `Indexed` counts. Here an array counts from 1, as in the language, unless the expression takes
an entry 0 of it: `Sum(x[i], (i, 0, n - 1))` counts from 0. The entries of SymPy's matrices always count from 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy

from symgd.algebra.dimension import Dimension, Shape
from symgd.algebra.operations import Affine, Index
from symgd.errors import FormulaError, NoRuleError, ShapeError
from symgd.language.names import check_name

BINDERS = (sympy.Sum, sympy.Product)


def size_of(node: Any) -> Dimension:
    """A whole number or a polynomial of dimension names as a size."""
    if node.is_Integer:
        return Dimension.of(int(node))
    if node.is_Symbol:
        return Dimension.of(check_name(node.name))
    if node.is_Pow and node.exp.is_Integer and 0 < node.exp < 9:
        result = Dimension.of(1)
        for _ in range(int(node.exp)):
            result = result * size_of(node.base)
        return result
    if node.is_Add or node.is_Mul:
        result = Dimension.of(0 if node.is_Add else 1)
        for part in node.args:
            result = result + size_of(part) if node.is_Add else result * size_of(part)
        return result
    raise NoRuleError(f"the size {node} is not available.", hint="Sizes are whole numbers and polynomials of dimension names.")


def size_names(expression: Any) -> set[str]:
    """The names that stand as sizes: in the ranges of sums, in the shapes of matrices and of indexed arrays."""
    found: set[Any] = set()
    for binder in expression.atoms(*BINDERS):
        for _, *ends in binder.limits:
            found.update(*(end.free_symbols for end in ends))
        found -= {index for index, *_ in binder.limits}
    for matrix in expression.atoms(sympy.MatrixSymbol):
        found.update(*(size.free_symbols for size in matrix.shape))
    for base in expression.atoms(sympy.IndexedBase):
        found.update(*(size.free_symbols for size in base.shape or ()))
    return {check_name(symbol.name) for symbol in found}


def bound_index(limit: Any) -> Index:
    """The index of one range of a Sum or Product."""
    if len(limit) != 3:
        raise NoRuleError(f"the range of {limit[0]} is not stated.", hint="State it: Sum(x[i], (i, 1, n)).")
    symbol, low, high = limit
    if not (low.is_finite is not False and high.is_finite is not False):
        raise NoRuleError(f"the range of {symbol} has no end.", hint="Sums are finite: Sum(x[i], (i, 1, n)).")
    first, length = size_of(low), size_of(high) - size_of(low) + 1
    if length.at_least(1) is False:
        raise ShapeError(f"the range of the index {symbol} is empty.", hint="Write the smaller number first: (i, 1, n).")
    return Index(check_name(symbol.name), first, length)


def subscript(node: Any, bound: dict[Any, Any]) -> Affine:
    """An index that is affine in bound indices."""
    indices = [symbol for symbol in node.free_symbols if isinstance(bound.get(symbol), Index)]
    polynomial = sympy.Poly(node, *indices) if indices else None
    if polynomial is None:
        return Affine((), size_of(node))
    found = []
    for symbol in indices:
        step = polynomial.coeff_monomial(symbol)
        if polynomial.degree(symbol) > 1 or not step.is_Integer:
            raise NoRuleError(f"the index {node} is not available.", hint="An index is a sum of indices, dimensions and whole numbers.")
        found.append((bound[symbol], int(step)))
    return Affine(tuple(found), size_of(polynomial.coeff_monomial(1)))


class Arrays:
    """The arrays that an expression takes entries of: where they start counting, and their shapes where nothing declares them."""

    def __init__(self, expression: Any) -> None:
        self.first: dict[str, int] = {}
        self.lengths: dict[str, dict[int, Dimension]] = {}
        for entry, bound in _entries(expression):
            self._note(entry, bound)

    def _note(self, entry: Any, bound: dict[Any, Any]) -> None:
        name = str(entry.base.label)
        for axis, index in enumerate(entry.indices):
            affine = subscript(index, bound)
            low = high = affine.constant
            for inner, step in affine.coefficients:
                ends = (inner.lower * step, (inner.lower + inner.length - 1) * step)
                low, high = low + ends[step < 0], high + ends[step > 0]
            if low == Dimension.of(0):
                self.first[name] = 0
            if len(affine.coefficients) == 1 and not affine.constant.terms and affine.coefficients[0][1] == 1:
                self.lengths.setdefault(name, {}).setdefault(axis, high)

    def start(self, name: str) -> int:
        return self.first.get(name, 1)

    def shape(self, base: Any, rank: int) -> Shape:
        """The shape that SymPy states, or that the ranges of plain indices say."""
        if base.shape is not None:
            return tuple(map(size_of, base.shape))
        name = str(base.label)
        lengths = self.lengths.get(name, {})
        if set(lengths) != set(range(rank)):
            hint = f'Declare it: given="{name}[n]", or IndexedBase("{name}", shape=(n,)).'
            raise FormulaError(f"the shape of {name} is unknown.", hint=hint)
        return tuple(lengths[axis] + 1 - self.start(name) for axis in range(rank))


def _entries(expression: Any) -> Iterable[tuple[Any, dict[Any, Any]]]:
    """Every entry of an array, with the indices that are bound around it."""
    waiting: list[tuple[Any, dict[Any, Any]]] = [(expression, {})]
    seen: set[tuple[Any, frozenset[Any]]] = set()
    while waiting:
        node, bound = waiting.pop()
        key = (node, frozenset(bound.items()))
        if key in seen:
            continue
        seen.add(key)
        if isinstance(node, sympy.Indexed):
            yield node, bound
        elif isinstance(node, BINDERS):
            waiting.append((node.function, bound | {limit[0]: bound_index(limit) for limit in node.limits}))
        else:
            waiting += [(part, bound) for part in node.args]
