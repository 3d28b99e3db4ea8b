"""The typed operations of the language on arrays: what `*`, `'`, `sum` or `x[i+1]` mean, with their shape rules.

A `Value` is an expression with a reading: its first axes belong to the bound indices in `free` (inside `sum(i, …)`, the value
depends on i), the others are its shape; `row` says that a vector lies down (`x'`); `text` is how the user wrote it, for
messages. Both the text language and Python's operators call these functions; each checks shapes and raises `ShapeError`
(without a position: who knows the text adds it by `.at`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from symgd.algebra import expression as ex
from symgd.algebra.dimension import ONE, ZERO, Dimension, Shape, shape_text
from symgd.algebra.expression import Expression
from symgd.algebra.functions import table
from symgd.algebra.functions.row import Along, Elementwise, OfMatrix
from symgd.errors import DomainError, FormulaError, NoRuleError, ShapeError

_Row = TypeVar("_Row", Elementwise, Along, OfMatrix)


@dataclass(frozen=True, slots=True)
class Index:
    """A bound index: it runs from `lower` (inclusive, as written: from 1) over `length` values."""

    name: str
    lower: Dimension
    length: Dimension


@dataclass(frozen=True, slots=True)
class Affine:
    """A subscript a·i + b·j + … + constant, in the user's 1-based counting."""

    coefficients: tuple[tuple[Index, int], ...]
    constant: Dimension


@dataclass(frozen=True, slots=True)
class Value:
    """An expression as the user sees it; see the module."""

    node: Expression
    free: tuple[Index, ...] = ()
    row: bool = False
    text: str = ""

    @property
    def shape(self) -> Shape:
        return self.node.shape[len(self.free) :]

    @property
    def rank(self) -> int:
        return self.node.rank - len(self.free)

    def described(self) -> str:
        """`W (3, 2)` for messages."""
        shape = f"(1, {self.shape[0]})" if self.row else shape_text(self.shape)
        return f"{self.text} {shape}".strip() if self.rank else f"{self.text}, a scalar".strip(", ")

    @property
    def name(self) -> str:
        """For repairs in messages: the text, in brackets where it is more than a name or its transpose."""
        plain = self.text.removesuffix("'").replace("_", "a").isalnum() or not self.text
        return (self.text or "x") if plain else f"({self.text})"

    @property
    def turned(self) -> str:
        """The transpose, for repairs in messages."""
        return self.name[:-1] if self.name.endswith("'") else self.name + "'"


def number(value: int | Fraction) -> Value:
    return Value(ex.constant(value))


# ---- alignment -------------------------------------------------------------------------------------------------------


def _union(values: Sequence[Value]) -> tuple[Index, ...]:
    return tuple(dict.fromkeys(index for value in values for index in value.free))


def _labels(value: Value, axes: Sequence[object] = ()) -> tuple[object, ...]:
    """A label for every axis of the value's node: its free indices, then the given ones (default: axis numbers)."""
    return (*value.free, *(axes or range(value.rank)))


def _contracted(factors: Sequence[tuple[Value, Sequence[object]]], out: Sequence[object]) -> Value:
    """The contraction of values by labels of their shapes; free indices stay."""
    free = _union([value for value, _ in factors])
    return Value(ex.contract(1, [(value.node, (*value.free, *axes)) for value, axes in factors], [*free, *out]), free)


def _lifted(values: Sequence[Value], shape: Shape) -> tuple[list[Expression], tuple[Index, ...]]:
    """The nodes with all free indices of all values, and scalars broadcast to the shape."""
    if all(value.node.shape == shape and not value.free for value in values):
        return [value.node for value in values], ()
    free = _union(values)
    sizes: dict[object, Dimension] = {index: index.length for index in free} | dict(enumerate(shape))
    axes = [*free, *range(len(shape))]
    return [ex.contract(1, [(value.node, _labels(value))], axes, sizes) for value in values], free


def _one_shape(values: Sequence[Value], action: str) -> tuple[Shape, bool]:
    """The shape and orientation of values that are scalars or agree; `action` says what is done with two, as in "add {} and {}"."""
    shapes = {(value.shape, value.row and value.shape != (ONE,)): value for value in values if value.rank}
    if len(shapes) > 1:
        left, right, *_ = shapes.values()
        raise ShapeError(f"cannot {action.format(left.described(), right.described())}.", hint=_mend(left, right))
    return next(iter(shapes)) if shapes else ((), False)


def _mend(left: Value, right: Value) -> str:
    if left.rank == right.rank == 1:
        if left.shape == right.shape:
            return f"One is a column, the other a row. Write {right.turned} for the second, or leave the transpose out."
        return f"The dimensions are {left.shape[0]} and {right.shape[0]}: declare them as one."
    if {left.rank, right.rank} == {1, 2}:
        vector, matrix = (left, right) if left.rank == 1 else (right, left)
        column, row = (vector.turned, vector.name) if vector.row else (vector.name, vector.turned)
        rows, columns = matrix.shape
        if vector.shape[0] == columns and (vector.row or columns != rows):
            return f"Write ones({rows})*{row} to repeat the vector in every row."
        if vector.shape[0] == rows:
            return f"Write {column}*ones({columns})' to repeat the vector in every column."
        return f"{vector.name} has {vector.shape[0]} entries, {matrix.name} has {rows} rows and {columns} columns."
    if left.rank == right.rank == 2 and left.shape == right.shape[::-1]:
        return f"The shapes are each other's transpose: write {right.turned}."
    return "Both sides need one shape."


# ---- sums, products, powers ------------------------------------------------------------------------------------------


def add(terms: Sequence[tuple[int, Value]]) -> Value:
    """The sum of sign × value. A scalar is added to every entry of a vector, and refused beside a matrix."""
    values = [value for _, value in terms]
    shape, row = _one_shape(values, "add {} and {}")
    scalar = next((value for value in values if not value.rank and not ex.is_zero(value.node)), None)
    if len(shape) > 1 and scalar is not None:
        other = next(value for value in values if value.rank)
        hint = f"Write {scalar.name}*ones({', '.join(map(str, shape))}) for every entry"
        hint += f", or {scalar.name}*eye({shape[0]}) for the diagonal." if len(shape) == 2 and shape[0] == shape[1] else "."
        raise ShapeError(f"cannot add {scalar.described()}{',' if scalar.text else ''} to {other.described()}.", hint=hint)
    nodes, free = _lifted(values, shape)
    return Value(ex.add([node if sign > 0 else ex.negative(node) for (sign, _), node in zip(terms, nodes)]), free, row)


def negate(value: Value) -> Value:
    return replace(value, node=ex.negative(value.node), text="")


def transpose(value: Value) -> Value:
    if value.rank == 0:
        return value
    if value.rank == 1:
        return replace(value, row=not value.row, text="")
    if value.rank > 2:
        raise ShapeError(f"cannot transpose {value.described()}.", hint="Name the axes: array(i, j, k, T[j,i,k]).")
    axes = value.free
    return Value(ex.contract(1, [(value.node, (*axes, 0, 1))], (*axes, 1, 0)), value.free)


def multiply(left: Value, right: Value, operator: str = "*") -> Value:
    """The matrix product; a scalar times anything; row times column is a scalar, column times row a matrix."""
    if not left.rank or not right.rank:
        return hadamard(left, right)
    if left.rank > 2 or right.rank > 2:
        hint = "Write the sum over its index, as in sum(k, T[i,j,k]*x[k])."
        raise ShapeError(f"cannot multiply {left.described()} by {right.described()}.", hint=hint)
    vectors = left.rank == right.rank == 1
    if vectors and left.row == right.row:
        if operator == "@" and not left.row:
            return dot(left, right)
        inner = f"{left.name}*{right.turned}" if left.row else f"{left.turned}*{right.name}"
        hint = f"Write {left.name}.*{right.name} for the product of entries, or {inner} for the inner product."
        kind = "rows" if left.row else "columns"
        raise ShapeError(f"cannot multiply {left.described()} by {right.described()}: both are {kind}.", hint=hint)
    if vectors and not left.row:
        return replace(_contracted([(left, "a"), (right, "b")], "ab"), text="")
    if (left.rank == 1 and not left.row) or (right.rank == 1 and right.row):
        column = left if left.rank == 1 else right
        raise ShapeError(f"cannot multiply {left.described()} by {right.described()}.", hint=f"Write {column.turned} to turn the vector.")
    if left.shape[-1] != right.shape[0]:
        raise ShapeError(f"cannot multiply {left.described()} by {right.described()}.", hint=_mend_product(left, right))
    a = "k" if left.rank == 1 else "ik"
    b = "k" if right.rank == 1 else "kj"
    out = ("" if left.rank == 1 else "i") + ("" if right.rank == 1 else "j")
    return replace(_contracted([(left, a), (right, b)], out), row=left.rank == 1 and right.rank == 2)


def _mend_product(left: Value, right: Value) -> str:
    found = f"{left.name} has {left.shape[-1]} columns, {right.name} has {right.shape[0]} {'entries' if right.rank == 1 else 'rows'}"
    inner = f"The dimensions differ: {found}."
    if left.rank == 2 and left.shape[0] == right.shape[0]:
        return f"{inner} Write {left.turned}*{right.name}."
    if right.rank == 2 and left.shape[-1] == right.shape[1]:
        return f"{inner} Write {left.name}*{right.turned}."
    if left.rank == 1 and right.rank == 1:
        return f"Declare both with one dimension, {left.shape[0]} or {right.shape[0]}."
    return f"{inner} Declare them as one."


def hadamard(left: Value, right: Value) -> Value:
    """The product entry by entry, `.*`; scalars are broadcast."""
    if not left.node.shape and not right.node.shape:
        return Value(ex.multiply(left.node, right.node))
    _, row = _one_shape((left, right), "multiply {} and {} entry by entry")
    axes = tuple(range(max(left.rank, right.rank)))
    return replace(_contracted([(left, axes[: left.rank]), (right, axes[: right.rank])], axes), row=row)


def divide(left: Value, right: Value, operator: str = "/") -> Value:
    """`/` by a scalar, or entry by entry where neither is a matrix; `./` entry by entry."""
    if operator == "/" and right.rank > 1:
        hint = f"Write ./ for the quotient of entries, or {left.name}*inv({right.text or 'A'})."
        raise ShapeError(f"cannot divide by {right.described()}, a matrix.", hint=hint)
    if operator == "/" and left.rank > 1 and right.rank:
        hint = "Write diag(1./v)*A to divide the rows of A by v."
        raise ShapeError(f"cannot divide {left.described()} by {right.described()}.", hint=hint)
    _one_shape((left, right), "divide {} by {}")
    if ex.is_zero(right.node):
        raise DomainError("division by zero.", hint="The divisor is 0 whatever the values are.")
    inverse = replace(right, node=ex.power(right.node, -1))
    return hadamard(left, inverse)


def power(base: Value, exponent: Value, operator: str = "^") -> Value:
    """`^`: of numbers; entry by entry on vectors; the matrix product with itself for a square matrix. `.^`: entry by entry."""
    if base.rank > 1 and operator == "**":
        hint = f"Write {base.name}^2 for the matrix product, {base.name}.^2 for the entries."
        raise ShapeError(f"{base.described()} ** … could mean two things.", hint=hint)
    if exponent.rank > 1 and operator != ".^":
        raise ShapeError(f"an exponent is a number, and {exponent.described()} is a matrix.", hint="Write .^ for a power of every entry.")
    if base.rank > 1 and operator == "^":
        return _matrix_power(base, exponent)
    _, row = _one_shape((base, exponent), "raise {} to the power {}")
    nodes, free = _lifted((base, exponent), base.shape or exponent.shape)
    if ex.is_zero(nodes[0]) and (known := ex.constant_value(nodes[1])) is not None and known < 0:
        raise DomainError("division by zero.", hint="A power of 0 with a negative exponent.")
    return Value(ex.power(*nodes), free, row)


_MOST_FACTORS = 64  # of a matrix power that is a product


def is_whole(node: Expression) -> bool:
    """Is every entry certainly a whole number: made of whole numbers, dimensions, indices and variables declared so?"""
    for part in ex.topological(node):
        if isinstance(part, ex.Constant):
            fine = part.value.denominator == 1
        elif isinstance(part, ex.Leaf):
            fine = "integer" in part.kind
        elif isinstance(part, ex.Add):
            fine = all(coefficient.denominator == 1 for coefficient in part.coefficients)
        elif isinstance(part, ex.Contract):
            fine = part.coefficient.denominator == 1
        else:
            fine = isinstance(part, ex.Size | ex.Counter)
        if not fine:
            return False
    return True


def _matrix_power(base: Value, exponent: Value) -> Value:
    times = ex.constant_value(exponent.node)
    if base.rank != 2 or base.shape[0] != base.shape[1]:
        hint = f"Write {base.name}.^2 for the power of every entry."
        raise ShapeError(f"a power needs a square matrix, and {base.described()} is none.", hint=hint)
    entrywise = f"{base.name}.^{exponent.name}" if exponent.text else f"{base.name}.^p"
    if exponent.rank:
        raise ShapeError(f"an exponent is a number, and {exponent.described()} is a vector.", hint=f"Write {entrywise}.")
    if times is None and is_whole(exponent.node):
        free = _union((base, exponent))
        matrix = ex.contract(1, [(base.node, _labels(base))], (*free, 0, 1), {index: index.length for index in free})
        number_ = ex.contract(1, [(exponent.node, exponent.free)], free, {index: index.length for index in free})
        return Value(ex.of_matrix(_row(OfMatrix, "matrix_power"), matrix, number_), free)
    if times is None or times.denominator != 1:
        shown = exponent.text or "the exponent"
        what = "is not known to be whole" if times is None else "is not whole"
        declare = f'Declare it, as in given="{shown} integer". ' if isinstance(exponent.node, ex.Leaf) else ""
        hint = f"{declare}For the power of every entry write {entrywise}."
        raise ShapeError(f"a matrix power takes a whole exponent, and {shown} {what}.", hint=hint)
    if abs(times) > _MOST_FACTORS:
        reason = f"a matrix power takes exponents up to {_MOST_FACTORS} as numbers, and this one is {times}."
        raise ShapeError(reason, hint=f'Write {base.name}^k with given="k integer", or {entrywise} for the power of every entry.')
    if times < 0:
        return _matrix_power(inverse(base), number(-times))
    result = replace(eye([base.shape[0]]), text="")
    for _ in range(int(times)):
        result = multiply(result, base)
    return result


# ---- functions -------------------------------------------------------------------------------------------------------


OF_ARRAY = {"max": "amax", "min": "amin"}  # rows of the functions that the language writes alike for several numbers and for one array


def _row(kind: type[_Row], name: str) -> _Row:
    """The row of this kind: elementwise, along an axis, or of a matrix."""
    found = table.row(name)
    if not isinstance(found, kind):
        raise NoRuleError(f"{name} does not take such an argument.")
    return found


def elementwise(name: str, arguments: Sequence[Value]) -> Value:
    """An elementwise function of the table, of scalars and arrays of one shape."""
    return _mapped(name, arguments, f"take {name} of {{}} and {{}}")


def _mapped(name: str, arguments: Sequence[Value], action: str) -> Value:
    row = _row(Elementwise, name)
    if len(arguments) != row.arity:
        found = f"{row.arity} argument{'s' if row.arity > 1 else ''}"
        raise FormulaError(f"{name} takes {found}, not {len(arguments)}.")
    shape, lying = _one_shape(arguments, action)
    nodes, free = _lifted(arguments, shape)
    return Value(ex.apply(row, *nodes), free, lying)


def along(name: str, value: Value, axis: int | None = None) -> Value:
    """A function of a vector, of all entries of an array (axis None), or along an axis of it (1-based).

    One that keeps its axis (softmax) takes a vector, or a matrix with the axis named.
    """
    row = _row(Along, OF_ARRAY.get(name, name))
    if value.rank == 0:
        hint = f"Declare it, as in x[n], to take {name} of its entries."
        raise ShapeError(f"{name} takes an array, and {value.text or 'its argument'} is a scalar.", hint=hint)
    if axis is None and row.keeps_axis and value.rank > 1:
        hint = f"Write {name}({value.text or 'X'}, axis=2) for every row, axis=1 for every column."
        raise ShapeError(f"{name} of {value.described()} needs an axis.", hint=hint)
    if axis is None and not row.keeps_axis:
        node = value.node
        for _ in range(value.rank):
            node = ex.along(row, node)
        return Value(node, value.free)
    at = _axis(value, 1 if axis is None else axis)
    last = [k for k in range(value.rank) if k != at] + [at]
    node = ex.along(row, ex.contract(1, [(value.node, _labels(value))], (*value.free, *last)))
    if row.keeps_axis:
        node = ex.contract(1, [(node, (*value.free, *last))], (*value.free, *range(value.rank)))
    return Value(node, value.free, value.row and row.keeps_axis)


def _axis(value: Value, axis: int) -> int:
    if not value.rank:
        raise ShapeError(f"{value.text or 'a number'} is a scalar and has no axis {axis}.", hint="Leave the axis out.")
    if not 1 <= axis <= value.rank:
        of_matrix = "Axes are counted from 1: axis=1 runs down the columns, axis=2 along the rows."
        raise ShapeError(f"{value.described()} has no axis {axis}.", hint="Leave the axis out." if value.rank == 1 else of_matrix)
    return axis - 1


def largest_size(value: Value) -> Value:
    """`normInf`: the largest absolute value of an entry of a vector."""
    if value.rank > 1:
        name = value.text or "X"
        hint = f"Write max(abs({name})) for the largest entry, max(sum(abs({name}), axis=2)) for the largest row sum."
        raise ShapeError(f"normInf takes a vector, not {value.described()}.", hint=hint)
    return along("max", elementwise("abs", [value]))


def sum_all(value: Value) -> Value:
    return _contracted([(value, range(value.rank))], ())


def sum_axis(value: Value, axis: int) -> Value:
    at = _axis(value, axis)
    return _contracted([(value, range(value.rank))], [k for k in range(value.rank) if k != at])


def mean(value: Value, axis: int | None = None) -> Value:
    lengths = value.shape if axis is None else (value.shape[_axis(value, axis)],)
    total = sum_all(value) if axis is None else sum_axis(value, axis)
    for length in lengths:
        total = hadamard(total, Value(ex.power(ex.size(length), -1)))
    return total


def inverse(value: Value) -> Value:
    return _of_matrix("inv", value)


def determinant(value: Value) -> Value:
    return _of_matrix("det", value)


def logdet(value: Value) -> Value:
    return _of_matrix("logdet", value)


def _of_matrix(name: str, value: Value) -> Value:
    _square(name, value)
    return Value(ex.of_matrix(_row(OfMatrix, name), value.node), value.free)


def _square(name: str, value: Value) -> None:
    if value.rank != 2 or value.shape[0] != value.shape[1]:
        found = f"{value.described()} is none" if value.rank else f"{value.text or 'its argument'} is a scalar"
        raise ShapeError(f"{name} takes a square matrix, and {found}.", hint="A square matrix is declared as A[n,n].")


def trace(value: Value) -> Value:
    _square("tr", value)
    return _contracted([(value, "aa")], ())


def diag(value: Value) -> Value:
    """A vector as a diagonal matrix; the diagonal of a square matrix as a vector."""
    if value.rank == 1:
        delta = Value(ex.identity(value.shape[0]))
        return _contracted([(value, "a"), (delta, "ab")], "ab")
    if value.rank != 2 or value.shape[0] != value.shape[1]:
        reason = f"diag takes a vector or a square matrix, not {value.described()}."
        raise ShapeError(reason, hint="diag(v) is the matrix with v on its diagonal.")
    return _contracted([(value, "aa")], "a")


def dot(left: Value, right: Value) -> Value:
    if left.rank != 1 or right.rank != 1 or left.shape != right.shape:
        hint = _mend(left, right) if left.rank == right.rank == 1 else "It is the sum of the products of the entries."
        raise ShapeError(f"dot takes two vectors of one dimension, not {left.described()} and {right.described()}.", hint=hint)
    return _contracted([(left, "a"), (right, "a")], ())


def outer(left: Value, right: Value) -> Value:
    if left.rank != 1 or right.rank != 1:
        raise ShapeError(f"outer takes two vectors, not {left.described()} and {right.described()}.", hint="u*v' is the outer product.")
    return _contracted([(left, "a"), (right, "b")], "ab")


def kron(left: Value, right: Value) -> Value:
    """The Kronecker product: entry (i·p + k, j·q + l) is A[i,j]·B[k,l]; a column is a matrix of one column, a row one of one row."""
    if left.rank not in (1, 2) or right.rank not in (1, 2):
        reason = f"kron takes matrices, columns and rows, not {left.described()} and {right.described()}."
        raise ShapeError(reason, hint="Write A*B or A.*B for another product.")
    factors: list[tuple[Value, Sequence[object]]] = []
    stacked: dict[int, list[tuple[object, Dimension]]] = {0: [], 1: []}  # of the rows and of the columns: what is stacked there
    for name, value in (("l", left), ("r", right)):
        axes = [0, 1] if value.rank == 2 else [int(value.row)]
        factors.append((value, [(name, axis) for axis in axes]))
        for axis, length in zip(axes, value.shape):
            stacked[axis].append(((name, axis), length))
    out: list[object] = []
    for axis, labels in stacked.items():
        if len(labels) == 2:
            (one, outer), (other, inner) = labels
            factors.append((Value(_stacked((inner, outer))), (axis, other, one)))
            out.append(axis)
        out += [label for label, _ in labels] if len(labels) == 1 else []
    found = _contracted(factors, out)
    return replace(found, row=not stacked[0])


def vec(value: Value) -> Value:
    """The columns of a matrix, one below the other: entry i + m·j is X[i,j]."""
    if value.rank != 2:
        raise ShapeError(f"vec takes a matrix, not {value.described()}.", hint="A vector needs no vec.")
    return _contracted([(value, "ij"), (Value(_stacked(value.shape)), "pij")], "p")


def commut(rows: Dimension, columns: Dimension) -> Value:
    """The commutation matrix K with K*vec(X) = vec(X') for X of this shape."""
    turned = Value(_stacked((columns, rows)))
    return _contracted([(turned, "pji"), (Value(_stacked((rows, columns))), "qij")], "pq")


def _stacked(shape: Shape) -> Expression:
    """1 at [i + m·j, i, j]."""
    rows, columns = shape
    return ex.select(rows * columns, ZERO, (1, rows), (rows, columns))


# ---- arrays made of nothing, literals, conditions ----------------------------------------------------------------------


def eye(dimensions: Sequence[Dimension]) -> Value:
    if len(dimensions) not in (1, 2) or dimensions[0] != dimensions[-1]:
        raise ShapeError("eye takes one dimension, as in eye(n).", hint="An identity matrix is square.")
    return Value(ex.identity(dimensions[0]))


def filled(value: int, dimensions: Sequence[Dimension]) -> Value:
    """`ones(n)`, `ones(m, n)`, `zeros(…)`."""
    return Value(ex.full(value, tuple(dimensions)))


def literal(items: Sequence[Value]) -> Value:
    """`[a, b]` is a vector, `[[a, b], [c, d]]` a matrix given by its rows."""
    first = items[0]
    for item in items:
        if item.shape != first.shape:
            reason = f"a literal needs rows of one length: {first.described()} beside {item.described()}."
            raise ShapeError(reason, hint="Every row has the same number of entries.")
    nodes, free = _lifted(items, first.shape)
    if not free:
        return Value(ex.stack(nodes))
    stacked = ex.stack(nodes)
    rank = stacked.rank
    order = [*range(1, 1 + len(free)), 0, *range(1 + len(free), rank)]
    return Value(ex.transposed(stacked, order), free)


COMPARISONS = {"<": "less", "<=": "less_equal", "==": "equal", "!=": "not_equal"}


def compare(operator: str, left: Value, right: Value) -> Value:
    """1 where the comparison holds, else 0; `i == j` of two bound indices is Kronecker's delta."""
    if operator in (">", ">="):
        return compare("<" if operator == ">" else "<=", right, left)
    return _mapped(COMPARISONS[operator], (left, right), "compare {} and {}")


def conditional(value: Value, condition: Value, otherwise: Value) -> Value:
    one_or_zero = ex.constant_value(value.node) == 1 and ex.is_zero(otherwise.node) and not value.rank and not otherwise.rank
    if one_or_zero and isinstance(condition.node, ex.Map) and condition.node.function.name in table.TRUTHS:
        return condition  # it is 1 or 0 itself
    return _mapped("where", (condition, value, otherwise), "choose by condition with {} and {}")


# ---- indices ---------------------------------------------------------------------------------------------------------


def index_value(index: Index) -> Value:
    """The index as a number, the `i` of `sum(i, i*x[i])`."""
    return Value(ex.counter(index.lower, index.length), (index,))


def entry(value: Value, subscripts: Sequence[Affine]) -> Value:
    """`X[i, 2]`, `x[i+1]`: one subscript per axis, each checked to stay inside."""
    if len(subscripts) != value.rank:
        if not value.rank:
            raise ShapeError(f"{value.text or 'a number'} is a scalar and takes no index.", hint="Declare an array, as in x[n].")
        count = f"{value.rank} {'index' if value.rank == 1 else 'indices'}"
        raise ShapeError(f"{value.described()} takes {count}, not {len(subscripts)}.", hint="One index for every dimension declared.")
    factors: list[tuple[Expression, tuple[object, ...]]] = [(value.node, (*value.free, *range(value.rank)))]
    found: dict[Index, None] = dict.fromkeys(value.free)
    for axis, subscript in enumerate(subscripts):
        _inside(value, axis, subscript)
        found.update(dict.fromkeys(index for index, _ in subscript.coefficients))
        offset = subscript.constant - 1
        for index, coefficient in subscript.coefficients:
            offset = offset + index.lower * coefficient
        indices = tuple(index for index, _ in subscript.coefficients)
        chosen = ex.select(value.shape[axis], offset, tuple(c for _, c in subscript.coefficients), tuple(i.length for i in indices))
        factors.append((chosen, (axis, *indices)))
    return Value(ex.contract(1, factors, tuple(found)), tuple(found))


def _inside(value: Value, axis: int, subscript: Affine) -> None:
    """The subscript lies between 1 and the dimension, for every value of its indices and every size."""
    low = high = subscript.constant
    for index, coefficient in subscript.coefficients:
        ends = (index.lower * coefficient, (index.lower + index.length - 1) * coefficient)
        low, high = low + ends[coefficient < 0], high + ends[coefficient > 0]
    size = value.shape[axis]
    whole_numbers = not subscript.coefficients and low.constant is not None and size.constant is None
    if (low - 1).at_least(0) is not True:
        raise ShapeError(f"the index of {value.described()} goes down to {low}, out of its range 1..{size}.", hint="Indices start at 1.")
    if not whole_numbers and (size - high).at_least(0) is not True:
        range_of = f": state the range of the index, as in sum(i=1..{size}, …)" if subscript.coefficients else ""
        hint = f"The dimension is {size}{range_of}."
        raise ShapeError(f"the index of {value.described()} goes up to {high}, out of its range 1..{size}.", hint=hint)


def index_sum(value: Value, index: Index) -> Value:
    """The sum over a bound index."""
    free = tuple(other for other in value.free if other != index)
    axes = tuple(range(value.rank))
    return Value(ex.contract(1, [(value.node, (*value.free, *axes))], (*free, *axes), {index: index.length}), free, value.row)


def index_product(value: Value, index: Index) -> Value:
    free = tuple(other for other in value.free if other != index)
    axes = tuple(range(value.rank))
    node = ex.contract(1, [(value.node, (*value.free, *axes))], (*free, *axes, index), {index: index.length})
    return Value(ex.along(_row(Along, "prod"), node), free, value.row)


def array_of(value: Value, indices: Sequence[Index]) -> Value:
    """`array(i, j, x[i]*y[j])`: the indices become the axes of the result, in the order named."""
    free = tuple(other for other in value.free if other not in indices)
    axes = tuple(range(value.rank))
    sizes: dict[object, Dimension] = {index: index.length for index in indices}
    return Value(ex.contract(1, [(value.node, (*value.free, *axes))], (*free, *indices, *axes), sizes), free)
