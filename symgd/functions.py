"""The functions of the language on formulas: `symgd.exp(A @ x)`, `symgd.sum(X, axis=1)`.

`named(name)` finds one by the name it has in the language; `symgd.exp` is `named("exp")`, so that a function added by
`define_function` is there at once. Text counts axes from 1, and so do these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import accumulate, pairwise
from typing import Any

from symgd.algebra import matrices
from symgd.algebra import operations as op
from symgd.algebra.dimension import Dimension
from symgd.algebra.functions import table
from symgd.algebra.functions.row import Along, Elementwise
from symgd.errors import FormulaError
from symgd.formula import Formula, function_of


def named(name: str) -> Callable[..., Formula] | None:
    """The function of this name, None where there is none."""
    if name in _OTHERS:
        return _OTHERS[name]
    if name in op.OF_ARRAY:
        return _largest(name)
    row = table.find(name)
    if row is None:
        return None
    if isinstance(row, Elementwise):
        return _elementwise(row.name, row.arity)
    if isinstance(row, Along):
        return _along(row.name)
    return _matrix(row.name)


def names() -> list[str]:
    """Every name that `named` knows."""
    return sorted({*_OTHERS, *op.OF_ARRAY, *(row.name for row in table.rows())})


def _elementwise(name: str, arity: int) -> Callable[..., Formula]:
    def function(*arguments: Any) -> Formula:
        if len(arguments) != arity:
            raise FormulaError(f"{name} takes {arity} argument{'s' * (arity > 1)}, not {len(arguments)}.")
        return function_of(lambda *values: op.elementwise(name, values), *arguments)

    return _titled(function, name, f"{name} of every entry.")


def _along(name: str) -> Callable[..., Formula]:
    def function(array: Any, axis: int | None = None) -> Formula:
        return function_of(lambda value: op.along(name, value, axis), array)

    return _titled(function, name, f"{name} of all entries of an array, or along an axis (counted from 1).")


def _matrix(name: str) -> Callable[..., Formula]:
    operations: dict[str, Callable[..., op.Value]] = {
        "inv": op.inverse,
        "det": op.determinant,
        "logdet": op.logdet,
        "matrix_power": op.power,
    }
    operation = operations[name]

    def function(matrix: Any, *scalars: Any) -> Formula:
        return function_of(operation, matrix, *scalars)

    return _titled(function, name, f"{name} of a square matrix.")


def _largest(name: str) -> Callable[..., Formula]:
    def function(*arguments: Any, axis: int | None = None) -> Formula:
        if not arguments:
            raise FormulaError(f"{name} takes at least one argument.")
        if len(arguments) == 1:
            return function_of(lambda value: op.along(name, value, axis), *arguments)
        return function_of(lambda *values: reduce(lambda a, b: op.elementwise(name, (a, b)), values), *arguments)

    return _titled(function, name, f"{name} of all entries of one array, or of several arguments entry by entry.")


def _titled(function: Callable[..., Formula], name: str, text: str) -> Callable[..., Formula]:
    function.__name__, function.__qualname__, function.__doc__ = name, name, text
    return function


def _sum(array: Any, axis: int | None = None) -> Formula:
    """The sum of all entries, or along an axis (counted from 1)."""
    return function_of(lambda value: op.sum_all(value) if axis is None else op.sum_axis(value, axis), array)


def _mean(array: Any, axis: int | None = None) -> Formula:
    """The mean of all entries, or along an axis (counted from 1)."""
    return function_of(lambda value: op.mean(value, axis), array)


def _norm_frobenius(matrix: Any) -> Formula:
    """The Frobenius norm."""
    return function_of(lambda value: op.along("norm2", value), matrix)


def _eye(n: int | str) -> Formula:
    """The identity matrix of a dimension: a number or a name."""
    return function_of(lambda: op.eye([Dimension.of(n)]))


def _commut(rows: int | str, columns: int | str) -> Formula:
    """The commutation matrix: commut(m, n) @ vec(X) is vec(X.T) for an m × n matrix X."""
    return function_of(lambda: op.commut(Dimension.of(rows), Dimension.of(columns)))


def _ones(*shape: int | str) -> Formula:
    """The array of ones."""
    return function_of(lambda: op.filled(1, [Dimension.of(n) for n in shape]))


def _zeros(*shape: int | str) -> Formula:
    """The array of zeros."""
    return function_of(lambda: op.filled(0, [Dimension.of(n) for n in shape]))


def _plain(operation: Callable[..., op.Value], text: str) -> Callable[..., Formula]:
    def function(*arguments: Any) -> Formula:
        return function_of(operation, *arguments)

    function.__doc__ = text
    return function


def _triangle(operation: Callable[..., op.Value], text: str) -> Callable[..., Formula]:
    def function(matrix: Any, k: int | str = 0) -> Formula:
        return function_of(lambda value: operation(value, Dimension.of(k)), matrix)

    function.__doc__ = text
    return function


def _band(matrix: Any, below: int | str, above: int | str) -> Formula:
    """The matrix with zeros but on its main diagonal, `below` diagonals below it and `above` above it."""
    return function_of(lambda value: matrices.band(value, Dimension.of(below), Dimension.of(above)), matrix)


def _block(rows: Sequence[Sequence[Any]]) -> Formula:
    """A matrix from rows of blocks: block([[A, b], [b.T, c]]); one column of vectors and numbers is a vector."""
    if not rows or not all(isinstance(row, list | tuple) and row for row in rows):
        raise FormulaError("block takes rows of blocks.", hint="Write block([[A, b], [c.T, 1]]).")
    ends = list(accumulate(map(len, rows), initial=0))
    return function_of(lambda *cells: matrices.block([cells[a:b] for a, b in pairwise(ends)]), *[cell for row in rows for cell in row])


_OTHERS: Mapping[str, Callable[..., Formula]] = {
    "sum": _sum,
    "mean": _mean,
    "normF": _norm_frobenius,
    "normInf": _plain(op.largest_size, "The largest absolute value of an entry of a vector."),
    "solve": _plain(matrices.solve, "The x with A @ x = b."),
    "tril": _triangle(matrices.lower, "The matrix with zeros above diagonal k (the main one by default)."),
    "triu": _triangle(matrices.upper, "The matrix with zeros below diagonal k (the main one by default)."),
    "band": _band,
    "block": _block,
    "tr": _plain(op.trace, "The trace of a square matrix."),
    "diag": _plain(op.diag, "A vector as a diagonal matrix, or the diagonal of a matrix."),
    "dot": _plain(op.dot, "The inner product of two vectors."),
    "outer": _plain(op.outer, "The outer product of two vectors."),
    "kron": _plain(op.kron, "The Kronecker product."),
    "vec": _plain(op.vec, "The columns of a matrix, one below the other."),
    "commut": _commut,
    "eye": _eye,
    "ones": _ones,
    "zeros": _zeros,
}
