"""The expression: immutable arrays in index notation, hash-consed, so that equal means identical.

A node is an array of a symbolic shape. Indices live in `Contract` only, as small integers: the product of its factors, each
entry addressed by labels, summed over every label that is not an axis of the result. A matrix product, a trace, a sum over
data, an outer product, a broadcast and a transpose are all one `Contract`. Because labels are numbered in order of first
appearance, two expressions that differ in the names of bound indices are the same object.

Every traversal is a loop over `topological(root)`, children before parents, and no depth of nesting meets a recursion limit.
Children are made before their parents, so `serial` grows from child to parent; what is shown never depends on it.

Contract kept by every constructor: the result is a valid node (shapes agree, children interned); constants are folded;
trivial wrappers vanish. What costs more than a look at the direct children is left to `simplify`.
"""

from __future__ import annotations

import weakref
from collections import Counter as Counts
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from hashlib import blake2b
from itertools import count
from threading import RLock
from typing import Any, NoReturn, Union

from symgd.algebra.dimension import Dimension, Shape, shape_text
from symgd.algebra.functions.row import Along as AlongRow
from symgd.algebra.functions.row import Elementwise, OfMatrix
from symgd.errors import LimitError, ShapeError

Number = Union[int, Fraction]
Factor = tuple["Expression", tuple[int, ...]]
_Open = tuple["Expression", list[Hashable]]  # a factor of a product in the making

_interned: weakref.WeakValueDictionary[tuple[Any, ...], Expression] = weakref.WeakValueDictionary()
_serials = count()
_making = RLock()
ONE, MINUS = Fraction(1), Fraction(-1)
LONGEST_NUMBER = 100_000  # binary digits of numerator and denominator; squaring a number 40 times would fill the memory


class Expression:
    """An array of shape `shape`. Made by the functions below, never directly; `children` are the expressions it is made of."""

    __slots__ = ("__weakref__", "_digest", "children", "serial", "shape")
    _digest: bytes
    children: tuple[Expression, ...]
    shape: Shape
    serial: int

    @property
    def rank(self) -> int:
        return len(self.shape)

    def content(self) -> tuple[Any, ...]:
        """What tells it apart from other nodes of its class with the same children, in terms that hash the same in every process."""
        raise NotImplementedError

    @property
    def digest(self) -> bytes:
        """A hash of the structure, the same in every process; a fixed order for canonical forms."""
        if not self._digest:
            missing, waiting = {self}, [self]
            while waiting:
                found = [child for child in waiting.pop().children if not child._digest and child not in missing]
                missing.update(found)
                waiting += found
            for node in sorted(missing, key=lambda one: one.serial):
                text = repr((type(node).__name__, node.content(), node.shape)).encode()
                node._digest = blake2b(text + b"".join([child._digest for child in node.children]), digest_size=12).digest()
        return self._digest

    def __copy__(self) -> Expression:
        return self

    def __deepcopy__(self, memo: object) -> Expression:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("an expression is not pickled: equal ones would no longer be identical; print the formula and read it again")

    # Arithmetic entry by entry, numbers and scalars broadcast: what the derivative rows are written with.
    def __add__(self, other: Expression | Number) -> Expression:
        return add((self, constant(other)))

    def __sub__(self, other: Expression | Number) -> Expression:
        return add((self, negative(constant(other))))

    def __mul__(self, other: Expression | Number) -> Expression:
        return multiply(self, constant(other))

    def __truediv__(self, other: Expression | Number) -> Expression:
        return multiply(self, power(constant(other), -1))

    def __pow__(self, other: Expression | Number) -> Expression:
        return power(self, other)

    def __neg__(self) -> Expression:
        return negative(self)

    def __radd__(self, other: Number) -> Expression:
        return add((constant(other), self))

    def __rsub__(self, other: Number) -> Expression:
        return add((constant(other), negative(self)))

    def __rmul__(self, other: Number) -> Expression:
        return multiply(constant(other), self)

    def __rtruediv__(self, other: Number) -> Expression:
        return multiply(constant(other), power(self, -1))


class Constant(Expression):
    """An exact rational number."""

    __slots__ = ("value",)
    value: Fraction

    def content(self) -> tuple[Any, ...]:
        return (str(self.value),)


class Irrational(Expression):
    """`pi` or `e`."""

    __slots__ = ("name",)
    name: str

    def content(self) -> tuple[Any, ...]:
        return (self.name,)


class Size(Expression):
    """A dimension as a number: the `n` in `sum(x)/n`."""

    __slots__ = ("dimension",)
    dimension: Dimension

    def content(self) -> tuple[Any, ...]:
        return (str(self.dimension),)


class Counter(Expression):
    """The vector start, start + 1, …: the value of an index, as in `sum(i, i*x[i])`."""

    __slots__ = ("start",)
    start: Dimension

    def content(self) -> tuple[Any, ...]:
        return (str(self.start),)


class Leaf(Expression):
    """A variable. `kind` is what the declaration says of it, such as ("symmetric",) or ("> 0",)."""

    __slots__ = ("kind", "name")
    name: str
    kind: tuple[str, ...]

    def content(self) -> tuple[Any, ...]:
        return (self.name, self.kind)


class Select(Expression):
    """Entry [p, k, l, …] is 1 where p = offset + a·k + b·l + … (all from 0), else 0: Kronecker's delta for affine indices.

    `coefficients` are (a, b, …), whole numbers or dimensions. The identity matrix is offset 0, coefficients (1,), square; a unit
    vector has no coefficients; vec of an m×n matrix is coefficients (1, m) with p running over m·n.
    """

    __slots__ = ("coefficients", "offset")
    offset: Dimension
    coefficients: tuple[int | Dimension, ...]

    def content(self) -> tuple[Any, ...]:
        return (str(self.offset), tuple(map(str, self.coefficients)))


class Add(Expression):
    """The sum of coefficient × child, over children of one shape."""

    __slots__ = ("coefficients",)
    coefficients: tuple[Fraction, ...]

    def content(self) -> tuple[Any, ...]:
        return tuple(map(str, self.coefficients))

    @property
    def terms(self) -> Iterator[tuple[Fraction, Expression]]:
        return zip(self.coefficients, self.children)


class Contract(Expression):
    """coefficient × the product of the factors, summed over every label that is no axis of the result.

    Axis k of the result carries label k; `labels` has one tuple per child, one label per axis of it. A label of the result
    that no factor carries is a broadcast.
    """

    __slots__ = ("coefficient", "labels")
    coefficient: Fraction
    labels: tuple[tuple[int, ...], ...]

    def content(self) -> tuple[Any, ...]:
        return (str(self.coefficient), self.labels)

    @property
    def factors(self) -> tuple[Factor, ...]:
        return tuple(zip(self.children, self.labels))

    def dimensions(self) -> dict[int, Dimension]:
        """The size of every label."""
        sizes = dict(enumerate(self.shape))
        for child, labels in zip(self.children, self.labels):
            sizes.update(zip(labels, child.shape))
        return sizes


class Map(Expression):
    """An elementwise function of arguments of one shape."""

    __slots__ = ("function",)
    function: Elementwise

    def content(self) -> tuple[Any, ...]:
        return (self.function.name,)


class Along(Expression):
    """A function of the last axis of its argument."""

    __slots__ = ("function",)
    function: AlongRow

    def content(self) -> tuple[Any, ...]:
        return (self.function.name,)


class MatrixFunction(Expression):
    """A function of the last two axes of its first child, a square matrix: inverse, determinant, power.

    Other children are numbers (the exponent), one for each matrix.
    """

    __slots__ = ("function",)
    function: OfMatrix

    def content(self) -> tuple[Any, ...]:
        return (self.function.name,)


class Stack(Expression):
    """Children of one shape along a new first axis: literals, gradients by several scalars."""

    __slots__ = ()

    def content(self) -> tuple[Any, ...]:
        return ()


class Unknown(Expression):
    """An undefined function, `T(x, y)`, or its partial derivative: `orders[k]` times by argument k.

    Its value is a number. A derivative by an array has the axes of the array, those of earlier arguments first.
    """

    __slots__ = ("name", "orders")
    name: str
    orders: tuple[int, ...]

    def content(self) -> tuple[Any, ...]:
        return (self.name, self.orders)


def _intern(cls: type[Any], shape: Shape, children: tuple[Expression, ...], **fields: Any) -> Any:
    """The node with these fields: the one that exists already, or a new one."""
    return _made((cls, shape, children, *fields.values()), cls, shape, children, fields)


def _made(key: tuple[Any, ...], cls: type[Any], shape: Shape, children: tuple[Expression, ...], fields: dict[str, Any]) -> Any:
    found = _interned.get(key)
    if found is None:
        with _making:  # one node for one key, also where several threads make it
            found = _interned.get(key)
            if found is None:
                found = object.__new__(cls)
                found.shape, found.children, found.serial, found._digest = shape, children, next(_serials), b""
                for name, value in fields.items():
                    setattr(found, name, value)
                _interned[key] = found
    return found


def topological(*roots: Expression) -> list[Expression]:
    """Every node under the roots once, children before parents, from left to right: the same order whatever was built before."""
    order: list[Expression] = []
    done: set[Expression] = set()
    waiting = list(reversed(roots))
    while waiting:
        node = waiting[-1]
        missing = () if node in done else [child for child in node.children if child not in done]
        if missing:
            waiting.extend(reversed(missing))
            continue
        waiting.pop()
        if node not in done:
            done.add(node)
            order.append(node)
    return order


def leaves(*roots: Expression) -> list[Leaf]:
    """The variables in order of first appearance in a left-to-right reading."""
    found: dict[Leaf, None] = {}
    seen: set[Expression] = set()
    waiting = list(reversed(roots))
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, Leaf):
            found[node] = None
        waiting.extend(reversed(node.children))
    return list(found)


# ---- atoms -----------------------------------------------------------------------------------------------------------


def constant(value: Expression | Number) -> Expression:
    """A number as an expression; an expression as it is."""
    if isinstance(value, Expression):
        return value
    key = (Constant, value.as_integer_ratio())
    return _interned.get(key) or _made(key, Constant, (), (), {"value": Fraction(value)})


UNIT = constant(1)


def irrational(name: str) -> Irrational:
    return _intern(Irrational, (), (), name=name)  # type: ignore[no-any-return]


def size(dimension: Dimension) -> Expression:
    known = dimension.constant
    return constant(known) if known is not None else _intern(Size, (), (), dimension=dimension)


def counter(start: Dimension, length: Dimension) -> Expression:
    return _intern(Counter, (length,), (), start=start)  # type: ignore[no-any-return]


def leaf(name: str, shape: Shape = (), kind: tuple[str, ...] = ()) -> Leaf:
    return _intern(Leaf, shape, (), name=name, kind=kind)  # type: ignore[no-any-return]


def select(length: Dimension, offset: Dimension, coefficients: tuple[int | Dimension, ...] = (), dimensions: Shape = ()) -> Select:
    coefficients = tuple(c if isinstance(c, int) or c.constant is None else c.constant for c in coefficients)
    return _intern(Select, (length, *dimensions), (), offset=offset, coefficients=coefficients)  # type: ignore[no-any-return]


def identity(length: Dimension) -> Select:
    return select(length, Dimension(()), (1,), (length,))


def is_identity(node: Expression) -> bool:
    return isinstance(node, Select) and node.coefficients == (1,) and not node.offset.terms and node.shape[0] == node.shape[1]


def _product_node(coefficient: Fraction, children: tuple[Expression, ...], labels: tuple[tuple[int, ...], ...], shape: Shape) -> Expression:
    # Fractions hash slowly; their parts do not.
    key = (Contract, shape, children, coefficient.as_integer_ratio(), labels)
    return _made(key, Contract, shape, children, {"coefficient": coefficient, "labels": labels})  # type: ignore[no-any-return]


def full(value: Number, shape: Shape) -> Expression:
    """The array whose every entry is the number."""
    if not shape:
        return constant(value)
    return _product_node(Fraction(value), (), (), shape)


def constant_value(node: Expression) -> Fraction | None:
    """The number that every entry of the node is, where it is a constant or an array full of one."""
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Contract) and not node.children:
        return node.coefficient
    return None


def is_zero(node: Expression) -> bool:
    value = constant_value(node)
    return value is not None and not value


# ---- sums and products -----------------------------------------------------------------------------------------------


def split(node: Expression) -> tuple[Fraction, Expression]:
    """The node as coefficient × a node with coefficient 1."""
    if isinstance(node, Constant):
        return node.value, UNIT
    if isinstance(node, Contract) and node.coefficient is not ONE and node.coefficient != 1:
        if len(node.children) == 1 and node.labels[0] == tuple(range(node.rank)):
            return node.coefficient, node.children[0]
        return node.coefficient, _product_node(ONE, node.children, node.labels, node.shape)
    return ONE, node


def times(a: Fraction, b: Fraction) -> Fraction:
    """a·b; most coefficients are the one 1, and Fraction multiplies slowly. Raises LimitError where the number is too long."""
    if a is ONE or b is ONE:
        return b if a is ONE else a
    found = a * b
    if found.numerator.bit_length() + found.denominator.bit_length() > LONGEST_NUMBER:
        raise LimitError("a number becomes too long to be kept exactly.", hint=f"Numbers have up to {LONGEST_NUMBER} binary digits.")
    return found


def scaled(coefficient: Fraction, node: Expression) -> Expression:
    """coefficient × node."""
    if coefficient is ONE or coefficient == 1:
        return node
    if isinstance(node, Constant):
        return constant(times(coefficient, node.value))
    inner, unit = split(node)
    coefficient = times(coefficient, inner)
    if coefficient == 1:
        return unit
    if not coefficient:
        return full(0, node.shape)
    if isinstance(unit, Contract):
        return _product_node(coefficient, unit.children, unit.labels, unit.shape)
    return _product_node(coefficient, (unit,), (tuple(range(unit.rank)),), unit.shape)


def negative(node: Expression) -> Expression:
    return scaled(MINUS, node)


def add(nodes: Iterable[Expression]) -> Expression:
    """The sum; scalars among arrays are broadcast; equal terms are collected. Nested sums stay nested (see `simplify`)."""
    nodes = list(nodes)
    shape = common_shape(nodes)
    found: dict[Expression, Fraction] = {}
    for node in nodes:
        coefficient, unit = split(node if node.shape == shape else broadcast(node, shape))
        found[unit] = found[unit] + coefficient if unit in found else coefficient
    return total(found, shape)


def total(found: Mapping[Expression, Fraction], shape: Shape) -> Expression:
    """The sum of coefficient × node over nodes that have coefficient 1 themselves."""
    terms = [(c, node) for node, c in found.items() if c]
    if not terms:
        return full(0, shape)
    if len(terms) == 1:
        return scaled(*terms[0])
    coefficients, children = tuple([c for c, _ in terms]), tuple([node for _, node in terms])
    key = (Add, children, tuple([c.as_integer_ratio() for c in coefficients]))
    return _made(key, Add, shape, children, {"coefficients": coefficients})  # type: ignore[no-any-return]


def terms(node: Expression) -> list[tuple[Fraction, Expression]]:
    """The terms of a sum; any other node is its one term."""
    return list(node.terms) if isinstance(node, Add) else [(ONE, node)]


def common_shape(nodes: Sequence[Expression]) -> Shape:
    """The one shape of nodes that are scalars or arrays of that shape."""
    shape: Shape = ()
    for node in nodes:
        if node.shape and node.shape != shape:
            if shape:
                raise ShapeError(f"arrays of different shapes: {shape_text(shape)} and {shape_text(node.shape)}.")
            shape = node.shape
    return shape


def broadcast(node: Expression, shape: Shape) -> Expression:
    """A scalar as an array of this shape; an array as it is."""
    if node.shape == shape:
        return node
    return contract(1, [(node, ())], range(len(shape)), dict(enumerate(shape)))


def multiply(left: Expression, right: Expression) -> Expression:
    """The product entry by entry; scalars are broadcast."""
    shape = common_shape((left, right))
    if not shape:
        return _scalar_product(left, right)
    axes = tuple(range(len(shape)))
    return contract(1, [(left, axes[: left.rank]), (right, axes[: right.rank])], axes, dict(enumerate(shape)))


def _scalar_product(left: Expression, right: Expression) -> Expression:
    """What `contract` would make of two scalars, in a fraction of its time."""
    a, left = split(left)
    b, right = split(right)
    coefficient = times(a, b)
    if isinstance(left, Constant):
        return scaled(coefficient, right)
    if isinstance(right, Constant) or not coefficient:
        return scaled(coefficient, left)
    if any(isinstance(side, Contract) and len(side.children) == 1 for side in (left, right)):
        return contract(coefficient, [(left, ()), (right, ())], ())
    return _product_node(coefficient, (left, right), ((), ()), ())


def contract(
    coefficient: Number,
    factors: Iterable[tuple[Expression, Sequence[Hashable]]],
    out: Iterable[Hashable],
    sizes: Mapping[Any, Dimension] = {},
) -> Expression:
    """coefficient × the product of the factors, summed over every label that is not in `out` (which repeats none).

    `sizes` gives the size of labels that no factor carries: those in `out` are broadcast, others multiply by their size.
    Numbers move into the coefficient, factors that only scale, permute or broadcast are opened, identity matrices vanish
    by renaming a label, a unit vector takes its entry of a literal.
    """
    value, out, sizes = Fraction(coefficient), list(out), dict(sizes)
    opened: list[_Open] = []
    for child, labels in factors:
        _match(sizes, child, labels)
        number, unit = split(child)
        value = times(value, number)
        if isinstance(unit, Contract) and len(unit.children) <= 1:
            for inner, positions in unit.factors:
                own: dict[int, Hashable] = dict(enumerate(labels))
                axes = [own.setdefault(p, object()) for p in positions]  # what it sums over gets a label of its own
                _match(sizes, inner, axes)
                opened.append((inner, axes))
        elif not isinstance(unit, Constant):
            opened.append((unit, list(labels)))
    shape = tuple([sizes[label] for label in out])
    if not value:
        return full(0, shape)
    dropped, names = identified(opened, out)
    if dropped:
        opened = [(child, [names.get(x, x) for x in labels]) for k, (child, labels) in enumerate(opened) if k not in dropped]
        sizes = {label: length for label, length in sizes.items() if label not in names}
    chosen = _selected(_unpacked(opened, out, sizes), out, sizes)
    if chosen is not None and any(isinstance(child, Select) and labels[0] not in out for child, labels in chosen):
        from symgd.algebra.blocks import taken

        chosen = taken(chosen, out, sizes)
    if chosen is None:
        return full(0, shape)
    if chosen is not opened:
        return contract(value, chosen, out, sizes)
    carried = {label for _, labels in opened for label in labels}.union(out)
    for label, dimension in sizes.items():
        if label not in carried:
            number, unit = split(size(dimension))
            value *= number
            opened += [] if isinstance(unit, Constant) else [(unit, [])]
    return _numbered(value, opened, out, shape)


def _match(sizes: dict[Any, Dimension], child: Expression, labels: Sequence[Hashable]) -> None:
    """Note the sizes of a factor's labels; two sizes for one label is an error."""
    for label, dimension in zip(labels, child.shape, strict=True):
        if sizes.setdefault(label, dimension) != dimension:
            raise ShapeError(f"an index runs over {sizes[label]} in one factor and over {dimension} in another.")


def identified(factors: Iterable[tuple[Expression, Sequence[Any]]], out: Container[Any]) -> tuple[set[int], dict[Any, Any]]:
    """Which factors are identity matrices that may be dropped, and what their summed labels are called then.

    An identity with a summed label makes its two labels one; the diagonal of an identity is 1.
    """
    dropped: set[int] = set()
    names: dict[Any, Any] = {}

    def name(label: Any) -> Any:
        while label in names:
            label = names[label]
        return label

    for k, (child, labels) in enumerate(factors):
        if is_identity(child):
            a, b = map(name, labels)
            if a in out and b in out and a != b:
                continue
            dropped.add(k)
            if a != b:
                gone, stays = (a, b) if a not in out else (b, a)
                names[gone] = stays
    return dropped, {label: name(label) for label in names}


def _unpacked(factors: list[_Open], out: list[Hashable], sizes: dict[Any, Dimension]) -> list[_Open]:
    """Two packs of one label pack the same indices: one becomes identity matrices. A pack whose summed label nothing else carries is gone.

    The list itself where there is nothing to do.
    """
    packs: dict[tuple[Hashable, Expression], list[Hashable]] = {}
    kept: list[_Open] = []
    for child, labels in factors:
        if not (isinstance(child, Select) and _is_pack(child)):
            kept.append((child, labels))
        elif (labels[0], child) in packs:
            theirs = packs[labels[0], child][1:]
            kept += [(identity(length), [a, b]) for a, b, length in zip(theirs, labels[1:], child.shape[1:])]
        else:
            packs[labels[0], child] = labels
            kept.append((child, labels))
    if not packs:
        return factors
    carriers = Counts(label for _, labels in kept for label in labels)
    alone = [(child, labels) for (label, child), labels in packs.items() if label not in out and carriers[label] == 1]
    for child, labels in alone:
        kept.remove((child, labels))
        del sizes[labels[0]]
    return kept if kept != factors else factors


def _is_pack(select: Select) -> bool:
    """Is it p = i + m·j + m·n·k + …, every p once?"""
    stride = Dimension.of(1)
    for coefficient, length in zip(select.coefficients, select.shape[1:]):
        if stride != Dimension.of(coefficient):
            return False
        stride = stride * length
    return len(select.coefficients) > 1 and not select.offset.terms and stride == select.shape[0]


def _selected(factors: list[_Open], out: list[Hashable], sizes: dict[Any, Dimension]) -> list[_Open] | None:
    """Let unit vectors choose: two on one label are one or make the product 0 (None), one takes its entry of a literal, and
    one whose summed label nothing else carries is gone. The list itself where there is nothing to do."""
    positions: dict[Hashable, int] = {}
    kept: list[_Open] = []
    for child, labels in factors:
        at = child.offset.constant if isinstance(child, Select) and not child.coefficients else None
        if at is None or labels[0] not in positions:
            kept.append((child, labels))
        elif positions[labels[0]] != at:
            return None
        if at is not None:
            positions[labels[0]] = at
    if not positions:
        return factors
    for k, (child, labels) in enumerate(kept):
        if isinstance(child, Stack) and labels[0] in positions and labels[0] not in labels[1:]:
            kept[k] = (child.children[positions[labels[0]]], labels[1:])
    carriers = Counts(label for _, labels in kept for label in labels)
    alone = [label for label in positions if label not in out and carriers[label] == 1]
    for label in alone:
        del sizes[label]
        kept = [factor for factor in kept if factor[1] != [label]]
    return kept if kept != factors else factors


def _numbered(value: Fraction, factors: list[_Open], out: Sequence[Hashable], shape: Shape) -> Expression:
    """The node, with labels numbered: axes of the result first, then in order of appearance."""
    if not factors or not value:
        return full(value, shape)
    number: dict[Hashable, int] = {label: k for k, label in enumerate(out)}
    numbered = tuple(tuple([number.setdefault(label, len(number)) for label in labels]) for _, labels in factors)
    children = tuple(child for child, _ in factors)
    if len(children) == 1 and numbered[0] == tuple(range(len(shape))):
        return scaled(value, children[0])
    return _product_node(value, children, numbered, shape)


def product(to: str, *factors: tuple[Expression, str]) -> Expression:
    """A contraction written with letters, where `o` and `b` stand for any number of axes: what pullback rules are written with.

    `product("obi", (g, "ob"), (y, "bi"))` is out[o…, b…, i] = g[o…, b…] · y[b…, i]. The number of axes that `b` stands for
    follows from the factors that carry b without o, then that of `o` from the rest.
    """
    ranks: dict[str, int] = {}
    for letter, other in (("b", "o"), ("o", "")):
        for node, labels in factors:
            if letter in labels and (not other or other not in labels):
                ranks.setdefault(letter, node.rank - sum(ranks.get(x, 1) for x in labels if x != letter))
        if letter not in ranks:
            ranks[letter] = 0

    def spread(labels: str) -> list[Hashable]:
        return [(letter, k) for letter in labels for k in range(ranks.get(letter, 1))]

    return contract(1, [(node, spread(labels)) for node, labels in factors], spread(to))


def transposed(node: Expression, axes: Sequence[int]) -> Expression:
    """Axis k of the result is axis `axes[k]` of the node."""
    return contract(1, [(node, range(node.rank))], axes)


# ---- functions -------------------------------------------------------------------------------------------------------


def apply(function: Elementwise, *arguments: Expression | Number) -> Expression:
    """An elementwise function; scalars among arrays are broadcast; rational values are folded."""
    nodes = [constant(argument) for argument in arguments]
    shape = common_shape(nodes)
    known = [constant_value(node) for node in nodes]
    if all(value is not None for value in known):
        exact = function.exact(*known)
        if exact is not None:
            return full(exact, shape)
    return _intern(Map, shape, tuple([broadcast(node, shape) for node in nodes]), function=function)  # type: ignore[no-any-return]


def along(function: AlongRow, argument: Expression) -> Expression:
    shape = argument.shape if function.keeps_axis else argument.shape[:-1]
    return _intern(Along, shape, (argument,), function=function)  # type: ignore[no-any-return]


def of_matrix(function: OfMatrix, argument: Expression, *scalars: Expression) -> Expression:
    """A function of a matrix, and of numbers where its row says so; numbers are broadcast over the axes before the last two."""
    if argument.rank < 2 or argument.shape[-1] != argument.shape[-2]:
        raise ShapeError(f"{function.name} takes a square matrix.")
    shape = argument.shape if function.keeps_axes else argument.shape[:-2]
    numbers = [broadcast(scalar, argument.shape[:-2]) for scalar in scalars]
    return _intern(MatrixFunction, shape, (argument, *numbers), function=function)  # type: ignore[no-any-return]


def stack(items: Sequence[Expression]) -> Expression:
    """The items, all of one shape, along a new first axis."""
    shape = common_shape(items)
    children = tuple(broadcast(item, shape) for item in items)
    return _intern(Stack, (Dimension.of(len(children)), *shape), children)  # type: ignore[no-any-return]


def unknown(name: str, arguments: Sequence[Expression], orders: tuple[int, ...] | None = None) -> Expression:
    orders = orders or (0,) * len(arguments)
    shape = tuple(length for argument, order in zip(arguments, orders) for length in argument.shape * order)
    return _intern(Unknown, shape, tuple(arguments), name=name, orders=orders)  # type: ignore[no-any-return]


def power(base: Expression | Number, exponent: Expression | Number) -> Expression:
    """base ^ exponent, entry by entry; whole powers of powers are merged, and numbers leave whole powers."""
    from symgd.algebra.functions.table import POWER, TRUTHS

    base, exponent = constant(base), constant(exponent)
    shape = common_shape((base, exponent))
    base, number = broadcast(base, shape), constant_value(exponent)
    if number is None:
        return apply(POWER, base, exponent)
    if number == 1:
        return base
    if number == 0:
        return full(1, shape)
    if number > 0 and isinstance(base, Map) and base.function.name in TRUTHS:
        return base
    if number.denominator == 1:
        if isinstance(base, Map) and base.function is POWER and (inner := constant_value(base.children[1])) is not None:
            return power(base.children[0], times(inner, number))
        coefficient, unit = split(base)
        outside = POWER.exact(coefficient, number) if coefficient != 1 and constant_value(unit) is None else None
        if outside is not None:
            return scaled(outside, power(unit, number))
    return apply(POWER, base, number)


def element(node: Expression, axis: int, position: Dimension) -> Expression:
    """The slice of `node` at `position` (from 0) of one axis."""
    if isinstance(node, Stack) and position.constant is not None:
        return node.children[position.constant] if axis == 0 else stack([element(child, axis - 1, position) for child in node.children])
    labels = list(range(node.rank))
    if isinstance(node, Contract) and len(node.children) == 1 and isinstance(node.children[0], Stack) and node.labels[0].count(axis) == 1:
        (inside,), (whole,) = node.labels, node.children  # of a literal that is turned: an entry of the literal
        found = element(whole, inside.index(axis), position)
        sizes = {k: size for k, size in node.dimensions().items() if k != axis}
        return contract(node.coefficient, [(found, [k for k in inside if k != axis])], [k for k in labels if k != axis], sizes)
    return contract(1, [(node, labels), (select(node.shape[axis], position), [axis])], [k for k in labels if k != axis])


def rebuilt(node: Expression, children: Sequence[Expression]) -> Expression:
    """The node with other children, through the constructor of its class."""
    if all(new is old for new, old in zip(children, node.children, strict=True)):
        return node
    if isinstance(node, Add):
        return add([scaled(c, child) for c, child in zip(node.coefficients, children)])
    if isinstance(node, Contract):
        return contract(node.coefficient, list(zip(children, node.labels)), range(node.rank), node.dimensions())
    if isinstance(node, Map):
        from symgd.algebra.functions.table import POWER

        return power(*children) if node.function is POWER else apply(node.function, *children)
    if isinstance(node, Along):
        return along(node.function, children[0])
    if isinstance(node, MatrixFunction):
        return of_matrix(node.function, *children)
    if isinstance(node, Unknown):
        return unknown(node.name, children, node.orders)
    return stack(children)


def substitute(root: Expression, replacements: Mapping[Expression, Expression]) -> Expression:
    """The expression with every node in `replacements` replaced (by one of the same shape); replacements are not searched again."""
    done: dict[Expression, Expression] = dict(replacements)
    for node in topological(root):
        if node not in done:
            done[node] = rebuilt(node, [done[child] for child in node.children])
    return done[root]
