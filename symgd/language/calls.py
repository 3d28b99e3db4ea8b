"""Calls: functions of the table, the functions of arrays, index sums, definitions, unknown functions.

`FORMS` is the table of what is no row of the function table: how many arguments, which keywords, and the operation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

from symgd.algebra import matrices
from symgd.algebra import operations as op
from symgd.algebra.functions import table
from symgd.algebra.functions.row import Along, Elementwise
from symgd.algebra.operations import Index, Value
from symgd.algebra.trampoline import Task
from symgd.errors import ShapeError
from symgd.language import indices, operators, written
from symgd.language import syntax as sx
from symgd.language.arguments import arguments, check_count, refuse
from symgd.language.binders import OF_SIZES, Binder, binder_of
from symgd.language.declarations import Definition, UnknownFunction
from symgd.language.words import ALSO_VARIABLES, instead_of

if TYPE_CHECKING:
    from symgd.language.meaning import Elaborator


@dataclass(frozen=True, slots=True)
class Form:
    """A function of values: the least and the largest number of arguments (None: any), and the operation."""

    least: int
    most: int | None
    operation: Callable[..., Value]


FORMS = {
    "tr": Form(1, 1, op.trace),
    "trace": Form(1, 1, op.trace),
    "det": Form(1, 1, op.determinant),
    "logdet": Form(1, 1, op.logdet),
    "inv": Form(1, 1, op.inverse),
    "matrix_power": Form(2, 2, op.power),
    "diag": Form(1, 1, op.diag),
    "vec": Form(1, 1, op.vec),
    "dot": Form(2, 2, op.dot),
    "outer": Form(2, 2, op.outer),
    "kron": Form(2, 2, op.kron),
    "normF": Form(1, 1, lambda value: op.along("norm2", value)),
    "normInf": Form(1, 1, op.largest_size),
    "solve": Form(2, 2, matrices.solve),
}
_OF_SIZES = {
    "eye": Form(1, 2, lambda *sizes: op.eye(sizes)),
    "ones": Form(1, None, lambda *sizes: op.filled(1, sizes)),
    "zeros": Form(1, None, lambda *sizes: op.filled(0, sizes)),
    "commut": Form(2, 2, op.commut),
}
_WITH_AXIS = frozenset({"sum", "mean", "max", "min"})
_OF_SCALAR = {
    "norm1": "abs",
    "norm2": "abs",
    "normF": "abs",
    "normInf": "abs",
    "sum": "",
    "mean": "",
    "prod": "",
    "tr": "",
    "trace": "",
}  # what they are of a number


_OF_BANDS = {
    "tril": Form(1, 2, matrices.lower),
    "triu": Form(1, 2, matrices.upper),
    "band": Form(3, 3, matrices.band),
}


def call(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    """The value of a call."""
    name = node.name
    if name in written.OPERATORS:
        return written.OPERATORS[name](elaborator, node)
    declared = elaborator.declared.get(name)
    if isinstance(declared, Definition | UnknownFunction) and name not in elaborator.bound:
        return _of_declared(elaborator, node, declared)
    if declared is not None or name in elaborator.bound or name in elaborator.sizes:
        is_both = name in ALSO_VARIABLES and (name in operators.OPERATORS or table.find(name) is not None)
        kind = "is declared as a variable, and is a function too" if is_both else "is a variable, not a function"
        refuse(elaborator, node, f"unknown function '{name}': it {kind}.", f"Write {name}*(…) for the product.")
    if name in operators.OPERATORS:
        return operators.OPERATORS[name](elaborator, node)
    binder = binder_of(node)
    if binder is not None:
        return _of_index(elaborator, node, binder)
    if name in OF_SIZES:
        return _of_sizes(elaborator, node, _OF_SIZES[name])
    if name in _OF_BANDS:
        return _of_band(elaborator, node, _OF_BANDS[name])
    row = table.find(name)
    if name in _WITH_AXIS or isinstance(row, Along):
        return _of_array(elaborator, node)
    if name in FORMS:
        return _of_values(elaborator, node, FORMS[name])
    if isinstance(row, Elementwise):
        return _of_values(elaborator, node, Form(row.arity, row.arity, lambda *values: op.elementwise(row.name, values)))
    if name == "array":
        refuse(
            elaborator,
            node,
            "missing index: array names its indices, then its entry.",
            "Write array(i=1..n, i^2), or array(i, j, x[i]*y[j]).",
        )
    refuse(elaborator, node, f"unknown function '{name}'.", instead_of(name))


def _of_declared(elaborator: Elaborator, node: sx.Call, declared: Definition | UnknownFunction) -> Task[Value]:
    if isinstance(declared, Definition) and not declared.parameters:
        refuse(elaborator, node, f"unknown function '{node.name}': it is defined as a value.", f"Write {node.name}*(…) for the product.")
    check_count(elaborator, node, len(declared.parameters), len(declared.parameters))
    values = yield arguments(elaborator, node)
    elaborator.used.add(node.name)
    if isinstance(declared, UnknownFunction):
        return elaborator.unknown(declared, values, node)
    found: Value = yield elaborator.expand(declared, values, node)
    return found


def _of_values(elaborator: Elaborator, node: sx.Call, form: Form) -> Task[Value]:
    check_count(elaborator, node, form.least, form.most)
    values = yield arguments(elaborator, node)
    if node.name in _OF_SCALAR and not values[0].rank:
        return _of_scalar(elaborator, node, values[0])
    found = elaborator.apply(form.operation, values, node.arguments, node.start, node.start + len(node.name))
    return elaborator.bounded(found, node)


def _of_scalar(elaborator: Elaborator, node: sx.Call, value: Value) -> Value:
    """norm2 of a number is its absolute value, its sum the number itself: read so, with a warning."""
    function = _OF_SCALAR[node.name]
    written = elaborator.source(node.arguments[0])
    meaning = f"{function}({written})" if function else written
    elaborator.warnings.append(f"{node.name}({written}) is read as {meaning}, because {written} is a scalar; declare arrays, as in x[n].")
    return op.elementwise(function, [value]) if function else value


def _of_sizes(elaborator: Elaborator, node: sx.Call, form: Form) -> Task[Value]:
    check_count(elaborator, node, form.least, form.most)
    sizes = []
    for argument in node.arguments:
        size = yield indices.size_of(elaborator, argument)
        if size.at_least(1) is False:
            error = ShapeError(f"the size {size} is too small.", hint="A size is 1 or more.")
            raise error.at(elaborator.text, argument.start, argument.end)
        sizes.append(size)
    return elaborator.apply(lambda: form.operation(*sizes), [], [], node.start, node.start + len(node.name))


def _of_band(elaborator: Elaborator, node: sx.Call, form: Form) -> Task[Value]:
    """`tril(X)`, `tril(X, k)`, `band(X, p, q)`: the array, then the numbers of diagonals."""
    check_count(elaborator, node, form.least, form.most)
    array, *written = node.arguments
    value: Value = elaborator.atom(array) or (yield elaborator.value(array))
    counts = []
    for argument in written:
        count = yield indices.size_of(elaborator, argument)
        counts.append(count)
    return elaborator.apply(lambda value: form.operation(value, *counts), [value], [array], node.start, node.start + len(node.name))


def _of_array(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    """`sum(X)`, `sum(X, axis=1)`, `softmax(x)`, `max(v)`; of several arguments `max(x, y, z)`."""
    name = node.name
    several = name in ("max", "min")
    if name in ("sum", "prod", "mean") and len(node.arguments) > 1:
        hint = f"Write {name}(i=1..n, x[i]), {name}(x[i], i, 1, n), or {name}(X, axis=1)."
        refuse(elaborator, node, f"unknown form of {name}: a number is not allowed where the name of an index is expected.", hint)
    check_count(elaborator, node, 1, None if several else 1, ("axis",))
    axis = _axis(elaborator, node)
    values = yield arguments(elaborator, node)
    if len(values) > 1:
        if axis is not None:
            elaborator.refuse(node.arguments[1], f"unexpected argument: {name} along an axis takes one array.", "Leave the axis out.")
        found = elaborator.apply(
            lambda *all: reduce(lambda a, b: op.elementwise(name, [a, b]), all), values, node.arguments, node.start, node.start + len(name)
        )
        return elaborator.bounded(found, node)
    if name in _OF_SCALAR and not values[0].rank and axis is None:
        return _of_scalar(elaborator, node, values[0])
    if name in ("norm1", "norm2") and values[0].rank > 1 and axis is None:
        meant = "normF(X)" if name == "norm2" else "sum(abs(X))"
        error = ShapeError(
            f"{name} takes a vector, and {elaborator.source(node.arguments[0])} is a matrix.",
            hint=f"Write {meant} for the norm of its entries.",
        )
        raise error.at(elaborator.text, node.start, node.start + len(name))
    return elaborator.apply(_along(name, axis), values, node.arguments, node.start, node.start + len(name))


def _along(name: str, axis: int | None) -> Callable[[Value], Value]:
    if name == "sum":
        return op.sum_all if axis is None else partial(op.sum_axis, axis=axis)
    if name == "mean":
        return partial(op.mean, axis=axis)
    return partial(_reduced, name, axis)


def _reduced(name: str, axis: int | None, value: Value) -> Value:
    return op.along(name, value, axis)


def _axis(elaborator: Elaborator, node: sx.Call) -> int | None:
    axes = [value for word, value in node.keywords if word == "axis"]
    if not axes:
        return None
    axis = axes[0]
    if len(axes) > 1 or not isinstance(axis, sx.Number) or axis.value.denominator != 1:
        elaborator.refuse(
            axis, "unexpected axis: expected one whole number.", "Write axis=1 for down the columns, axis=2 for along the rows."
        )
    return int(axis.value)


def _of_index(elaborator: Elaborator, node: sx.Call, binder: Binder) -> Task[Value]:
    """`sum(i, …)` and its kin: the body with the indices bound, then the operation over them."""
    name = node.name
    for word, value in node.keywords:
        elaborator.refuse(value, f"unknown keyword '{word}' of {name} over an index.", "State the range: i=1..n.")
    found: list[Index] = yield indices.bind(elaborator, node, binder)
    body: Value = yield indices.body(elaborator, node, binder)
    for bound in binder.indices:
        del elaborator.bound[bound.name]
    return elaborator.apply(lambda value: _over(name, value, found), [body], [binder.body], node.start, node.start + len(name))


def _over(name: str, value: Value, over: list[Index]) -> Value:
    if name == "array":
        return op.array_of(value, over)
    if name == "prod":
        return reduce(op.index_product, reversed(over), value)
    if name == "sum":
        return reduce(op.index_sum, reversed(over), value)
    if value.rank:
        raise ShapeError(
            f"{name} over an index takes numbers, and {value.described()} is an array.", hint=f"Write {name}(…, axis=1) of an array."
        )
    entries: Any = op.array_of(value, over)
    return op.mean(entries) if name == "mean" else op.along(name, entries)
