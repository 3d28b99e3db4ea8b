"""Sums, products and functions of SymPy objects that may be scalars or matrix expressions, a vector being a matrix of one column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def is_matrix(value: Any) -> bool:
    return bool(getattr(value, "is_Matrix", False))


def unwrapped(value: Any) -> Any:
    """A matrix of one entry as that entry: what `x'*y` is in the language."""
    return value[0, 0] if is_matrix(value) and value.shape == (1, 1) else value


def sum_of_terms(terms: Sequence[tuple[int, Any]]) -> Any:
    """The sum of sign × value; a scalar beside vectors is added to every entry."""
    import sympy

    shape = next((value.shape for _, value in terms if is_matrix(value)), None)
    if shape is None:
        return sympy.Add(*[sign * value for sign, value in terms])
    spread = [value if is_matrix(value) else value * sympy.OneMatrix(*shape) for _, value in terms]
    return sympy.MatAdd(*[sign * value for (sign, _), value in zip(terms, spread)]).doit(deep=False)


def product_of(first: Any, rest: Sequence[tuple[str, Any]]) -> Any:
    """The product from left to right, `*` being the matrix product and `.*` that of entries."""
    import sympy

    result = first
    for operator, factor in rest:
        if operator == ".*" and is_matrix(result) and is_matrix(factor):
            result = sympy.HadamardProduct(result, factor)
        else:
            result = result * factor
    return result


def quotient_of(above: Any, below: Any, entrywise: bool) -> Any:
    import sympy

    if not entrywise or not is_matrix(below):
        return above / below
    reciprocal = sympy.HadamardPower(below, -1)
    return sympy.HadamardProduct(above, reciprocal) if is_matrix(above) else above * reciprocal


def matrix_power(base: Any, exponent: Any, entrywise: bool) -> Any:
    import sympy

    return sympy.HadamardPower(base, exponent) if entrywise and is_matrix(base) else base**exponent


def block_matrix(rows: Sequence[Sequence[Any]]) -> Any:
    """Rows of blocks; where they do not stand below each other, each row is a matrix of its own."""
    import sympy

    cells = [[cell if is_matrix(cell) else sympy.ImmutableDenseMatrix([[cell]]) for cell in row] for row in rows]
    if any([cell.shape[1] for cell in row] != [cell.shape[1] for cell in cells[0]] for row in cells):
        cells = [[sympy.BlockMatrix([row]) if len(row) > 1 else row[0]] for row in cells]
    return sympy.BlockMatrix(cells)


def _total(value: Any) -> Any:
    """The sum of all entries."""
    import sympy

    return (sympy.OneMatrix(1, value.shape[0]) * value * sympy.OneMatrix(value.shape[1], 1))[0, 0]


def _diag(value: Any) -> Any:
    import sympy
    from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalOf

    return DiagMatrix(value) if value.shape[1] == 1 and value.shape[0] != sympy.Integer(1) else DiagonalOf(value)


def _norm(value: Any) -> Any:
    import sympy

    if value.shape[1] == 1:
        return sympy.sqrt((value.T * value)[0, 0])
    return sympy.sqrt(sympy.Trace(value.T * value))


def _of(name: str) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        import sympy

        return getattr(sympy, name)(*arguments)

    return call


def _logdet(value: Any) -> Any:
    import sympy

    return sympy.log(sympy.Determinant(value))


def _ones(*sizes: Any) -> Any:
    import sympy

    return sympy.OneMatrix(*(*sizes, 1)[:2])


def _zeros(*sizes: Any) -> Any:
    import sympy

    return sympy.ZeroMatrix(*(*sizes, 1)[:2])


MATRIX_CALLS: dict[str, Callable[..., Any]] = {
    "tr": _of("Trace"),
    "inv": _of("Inverse"),
    "det": _of("Determinant"),
    "logdet": _logdet,
    "eye": _of("Identity"),
    "ones": _ones,
    "zeros": _zeros,
    "kron": _of("KroneckerProduct"),
    "diag": _diag,
    "sum": _total,
    "mean": lambda value: _total(value) / (value.shape[0] * value.shape[1]),
    "norm2": _norm,
    "normF": _norm,
}
