"""Random well-typed expressions, made by the operations of the language, and points to evaluate them at.

`expressions(shape)` is a hypothesis strategy; `point(root, seed)` gives every leaf exact values, symmetric where it is declared
so. Sizes of the dimension names are in `SIZES`: all different, so that a confused axis shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import prod
from random import Random
from typing import Any

from hypothesis import strategies as st

from symgd.algebra import expression as ex
from symgd.algebra import operations as op
from symgd.algebra.dimension import ONE, Dimension, Shape
from symgd.algebra.expression import Expression
from symgd.algebra.operations import Affine, Index, Value

N, M, K = Dimension.of("n"), Dimension.of("m"), Dimension.of(2)
DIMENSIONS = (N, M, K)
SIZES = {"n": 3, "m": 1}

SMOOTH = ("sin", "cos", "tanh", "sigmoid", "softplus", "atan", "exp", "asinh", "erf")
KINKED = ("abs", "relu")
POSITIVE = ("log", "sqrt", "log1p")
NORMS = ("lse", "norm1", "norm2", "prod", "max", "min")


def affine(index: Index, shift: int = 0) -> Affine:
    return Affine(((index, 1),), Dimension.of(shift))


def whole_range(name: str, length: Dimension) -> Index:
    return Index(name, ONE, length)


def _tag(shape: Shape) -> str:
    return "".join(map(str, shape))


class Maker:
    """Makes one expression by choices. `free` are the bound indices in scope; `smooth` leaves out functions with kinks."""

    def __init__(self, choose: Callable[[Sequence[Any]], Any], smooth: bool = False) -> None:
        self.choose, self.smooth = choose, smooth
        self.count = 0

    def pick(self, *options: Any) -> Any:
        return self.choose(options)

    def dimension(self) -> Dimension:
        return self.pick(*DIMENSIONS)  # type: ignore[no-any-return]

    def make(self, shape: Shape, depth: int, free: tuple[Index, ...] = ()) -> Value:
        """A value of this shape, a column where it is a vector."""
        if depth <= 0:
            return self.atom(shape, free)
        rules = {0: SCALARS, 1: VECTORS, 2: MATRICES, 3: ARRAYS}[len(shape)]
        return self.pick(*EVERYWHERE, *rules)(self, shape, depth - 1, free)  # type: ignore[no-any-return]

    # ---- atoms -----------------------------------------------------------------------------------------------------

    def leaf(self, shape: Shape) -> Value:
        if not shape:
            name = self.pick("a", "b", "t")
            return Value(ex.leaf("p", (), ("> 0",)) if name == "t" else ex.leaf(name), text=name)
        if len(shape) == 2 and shape[0] == shape[1] and self.pick(True, False):
            return Value(ex.leaf(f"S{_tag(shape)}", shape, ("symmetric",)))
        return Value(ex.leaf(self.pick("x", "y") + _tag(shape), shape))

    def atom(self, shape: Shape, free: tuple[Index, ...]) -> Value:
        if not shape:
            kind = self.pick("leaf", "leaf", "number", *(["entry", "entry", "index"] if free else []))
            if kind == "number":
                return op.number(self.pick(2, -1, Fraction(1, 2), 3))
            if kind == "index":
                return op.index_value(self.pick(*free))
            return self.entry((), free) if kind == "entry" else self.leaf(())
        kind = self.pick("leaf", "leaf", "leaf", "filled", *(["entry"] if free and len(shape) < 3 else []))
        if kind == "filled":
            return op.eye(shape) if len(shape) == 2 and shape[0] == shape[1] else op.filled(1, shape)
        return self.leaf(shape) if kind == "leaf" else self.rows(shape, free)

    def entry(self, shape: Shape, free: tuple[Index, ...]) -> Value:
        """X[i, j] or x[i] or x[i-1] with indices in scope."""
        chosen = [self.pick(*free) for _ in range(self.pick(1, 2))]
        array = self.leaf(tuple(self.carrier(index) for index in chosen))
        return op.entry(array, [affine(index, self.shift(index)) for index in chosen])

    def rows(self, shape: Shape, free: tuple[Index, ...]) -> Value:
        """array(k, …, X[i, k, …])"""
        index = self.pick(*free)
        own = [whole_range(self.fresh(), length) for length in shape]
        array = self.leaf((self.carrier(index), *shape))
        return op.array_of(op.entry(array, [affine(index, self.shift(index)), *map(affine, own)]), own)

    def carrier(self, index: Index) -> Dimension:
        """A dimension that the index runs over, wholly or in part."""
        return index.lower + index.length - 1

    def shift(self, index: Index) -> int:
        return self.pick(0, -1) if index.lower == Dimension.of(2) else 0  # type: ignore[no-any-return]

    def fresh(self) -> str:
        self.count += 1
        return f"i{self.count}"

    def index(self) -> Index:
        if self.pick(True, True, False):
            return whole_range(self.fresh(), self.dimension())
        return Index(self.fresh(), Dimension.of(2), N - 1)

    def safe(self, value: Value) -> Value:
        """1 + v^2, entry by entry: positive."""
        square = op.hadamard(value, value)
        return op.add(((1, op.hadamard(op.number(1), square)), (1, self.ones(value))))

    def ones(self, value: Value) -> Value:
        return op.filled(1, value.shape)


Rule = Callable[[Maker, Shape, int, tuple[Index, ...]], Value]


# ---- rules for every shape -----------------------------------------------------------------------------------------------


def _sum(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    return op.add([(make.pick(1, -1), make.make(shape, depth, free)) for _ in range(make.pick(2, 3))])


def _product(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    return op.hadamard(make.make(make.pick((), shape), depth, free), make.make(shape, depth, free))


def _quotient(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    below = make.make(make.pick((), shape), depth, free)
    if make.pick(True, False):
        below = make.safe(below)
    elif ex.is_zero(below.node):
        return make.atom(shape, free)
    return op.divide(make.make(shape, depth, free), below, "./")


def _function(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    name = make.pick(*SMOOTH, *POSITIVE, *(() if make.smooth else KINKED))
    argument = make.make(shape, depth, free)
    return op.elementwise(name, [make.safe(argument) if name in POSITIVE else argument])


def _inverse_pair(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    """log(exp(v)), exp(log(v)), sqrt(v)^2, sqrt(v^2), |v|^2 and the like."""
    outer, inner = make.pick(("log", "exp"), ("exp", "log"), ("sqrt", "square"), ("square", "sqrt"), ("square", "abs"), ("cube", "abs"))
    value = make.make(shape, depth, free)
    for name in (inner, outer):
        if name == "abs" and make.smooth:
            continue
        value = _powered(value, 2 if name == "square" else 3) if name in ("square", "cube") else op.elementwise(name, [value])
    return value


def _powered(value: Value, exponent: Any) -> Value:
    return op.power(value, op.number(exponent), ".^")


def _power(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    base = make.make(shape, depth, free)
    exponent = make.pick(2, 2, 3, 0, -1, -2, Fraction(1, 2), Fraction(3, 2), Fraction(1, 3), Fraction(2, 3), Fraction(-1, 2))
    if exponent < 0 or (exponent.denominator != 1 and make.pick(True, False)):
        base = make.safe(base)
    return _powered(base, exponent)


def _general_power(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    return op.power(make.safe(make.make(shape, depth, free)), make.make(shape, depth, free), ".^")


def _conditional(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    if make.smooth:
        return make.make(shape, depth, free)
    condition = op.compare(make.pick("<", "<=", ">", ">=", "!="), make.make((), depth, free), make.make((), depth, free))
    return op.conditional(make.make(shape, depth, free), condition, make.make(shape, depth, free))


def _largest(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    if make.smooth:
        return make.make(shape, depth, free)
    return op.elementwise(make.pick("max", "min"), [make.make(shape, depth, free), make.make(shape, depth, free)])


def _index_sum(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    index = make.index()
    fold = op.index_product if make.pick(True, False, False, False) else op.index_sum
    return fold(make.make(shape, depth, (*free, index)), index)


# ---- rules by rank --------------------------------------------------------------------------------------------------------


def _inner(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    length = make.dimension()
    return op.multiply(op.transpose(make.make((length,), depth, free)), make.make((length,), depth, free))


def _quadratic(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    rows, columns = make.dimension(), make.dimension()
    left = op.multiply(op.transpose(make.make((rows,), depth, free)), make.make((rows, columns), depth, free))
    return op.multiply(left, make.make((columns,), depth, free))


def _reduced(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    argument = make.make(tuple(make.dimension() for _ in range(make.pick(1, 1, 2, 3))), depth, free)
    name = make.pick("sum", "mean", "lse", "norm2", "prod", *(() if make.smooth else ("norm1", "max", "min")))
    return op.sum_all(argument) if name == "sum" else op.mean(argument) if name == "mean" else op.along(name, argument)


def _of_square(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    length = make.dimension()
    argument = make.make((length, length), depth, free)
    name = make.pick("trace", "det", "logdet")
    if name == "trace":
        return op.trace(argument)
    return op.determinant(argument) if name == "det" else op.logdet(_definite(argument))


def _definite(value: Value) -> Value:
    """V'V + I."""
    return op.add(((1, op.multiply(op.transpose(value), value)), (1, op.eye(value.shape))))


def _chosen_entry(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    lengths = [make.dimension() for _ in range(make.pick(1, 2))]
    array = make.make(tuple(lengths), depth, free)
    return op.entry(array, [Affine((), Dimension.of(make.pick(1, 2) if length == K else 1)) for length in lengths])


def _matrix_vector(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    inner = make.dimension()
    if make.pick(True, False):
        return op.multiply(make.make((shape[0], inner), depth, free), make.make((inner,), depth, free))
    row = op.transpose(make.make((inner,), depth, free))
    return op.transpose(op.multiply(row, make.make((inner, shape[0]), depth, free)))


def _softmax(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    axis = make.pick(1, 2) if len(shape) == 2 else None
    return op.along(make.pick("softmax", "logsoftmax"), make.make(shape, depth, free), axis)


def _along_axis(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    axis = make.pick(1, 2)
    other = make.dimension()
    argument = make.make((other, shape[0]) if axis == 1 else (shape[0], other), depth, free)
    name = make.pick("sum", "mean", "lse", "norm2", "prod", *(() if make.smooth else ("norm1", "max", "min")))
    return {"sum": op.sum_axis, "mean": op.mean}.get(name, lambda value, at: op.along(name, value, at))(argument, axis)


def _diagonal(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    if len(shape) == 1:
        return op.diag(make.make((*shape, *shape), depth, free))
    return op.diag(make.make(shape[:1], depth, free)) if shape[0] == shape[1] else make.make(shape, depth, free)


def _literal(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    if shape[0] != K:
        return make.make(shape, depth, free)
    return op.literal([make.make(shape[1:], depth, free) for _ in range(2)])


def _array(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    indices = [whole_range(make.fresh(), length) for length in shape]
    return op.array_of(make.make((), depth, (*free, *indices)), indices)


def _matrix_product(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    inner = make.dimension()
    return op.multiply(make.make((shape[0], inner), depth, free), make.make((inner, shape[1]), depth, free))


def _outer(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    return op.outer(make.make(shape[:1], depth, free), make.make(shape[1:], depth, free))


def _transposed(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    return op.transpose(make.make(shape[::-1], depth, free))


def _matrix_function(make: Maker, shape: Shape, depth: int, free: tuple[Index, ...]) -> Value:
    argument = make.make(shape, depth, free)
    if shape[0] != shape[1]:
        return argument
    return op.inverse(_definite(argument)) if make.pick(True, False) else op.power(argument, op.number(make.pick(0, 2, 3)))


EVERYWHERE: tuple[Rule, ...] = (
    _sum, _sum, _product, _product, _quotient, _function, _function, _inverse_pair, _power, _general_power, _conditional, _largest,
    _index_sum,
)  # fmt: skip
SCALARS: tuple[Rule, ...] = (_inner, _inner, _quadratic, _reduced, _reduced, _of_square, _chosen_entry)
VECTORS: tuple[Rule, ...] = (_matrix_vector, _matrix_vector, _softmax, _along_axis, _diagonal, _literal, _array)
MATRICES: tuple[Rule, ...] = (
    _matrix_product, _matrix_product, _outer, _transposed, _matrix_function, _diagonal, _softmax, _literal, _array,
)  # fmt: skip
ARRAYS: tuple[Rule, ...] = (_array, _literal)


def expressions(rank: int | None = None, depth: int = 4, smooth: bool = False) -> st.SearchStrategy[Expression]:
    """An expression of this rank, by default of any rank up to 3: drawn choice by choice, which shrinks well, or from a seed,
    which varies more."""
    return _drawn(rank, depth, smooth) | st.integers(0, 10**6).map(lambda seed: made(Random(seed).choice, rank, depth, smooth))


@st.composite
def _drawn(draw: Any, rank: int | None, depth: int, smooth: bool) -> Expression:
    return made(lambda options: draw(st.sampled_from(options)), rank, depth, smooth)


def made(choose: Callable[[Sequence[Any]], Any], rank: int | None = None, depth: int = 4, smooth: bool = False) -> Expression:
    """The expression that these choices make; `Random(seed).choice` makes one without hypothesis."""
    make = Maker(choose, smooth)
    shape = tuple(make.dimension() for _ in range(make.pick(0, 0, 1, 2, 3) if rank is None else rank))
    return make.make(shape, make.pick(depth, depth - 1)).node


# ---- points ----------------------------------------------------------------------------------------------------------------


def point(root: Expression, seed: int = 0) -> dict[str, Any]:
    """Exact values for the leaves, none 0 and no two alike, from -3/2 to 3/2."""
    return point_of(ex.leaves(root), seed)


def point_of(leaves: Iterable[ex.Leaf], seed: int = 0, sizes: Mapping[str, int] = SIZES) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for leaf in sorted(leaves, key=lambda one: one.name):
        random = Random(f"{leaf.name} {seed}")
        found[leaf.name] = _values(leaf, random, sizes)
    return found


def _values(leaf: ex.Leaf, random: Random, sizes: Mapping[str, int]) -> Any:
    lengths = [length.evaluate(sizes) for length in leaf.shape]
    chosen = [kind.removeprefix("in {").removesuffix("}").split(", ") for kind in leaf.kind if kind.startswith("in {")]

    def entry(at: tuple[int, ...]) -> Fraction:
        if chosen:
            return Fraction(random.choice(chosen[0]))
        value = Fraction(random.randrange(1, 1500), 1000) * random.choice((1, -1))
        return abs(value) if "> 0" in leaf.kind or "simplex" in leaf.kind else value

    def block(at: tuple[int, ...]) -> Any:
        return entry(at) if len(at) == len(lengths) else [block((*at, k)) for k in range(lengths[len(at)])]

    value = block(())
    if "simplex" in leaf.kind:
        return [part / sum(value) for part in value]
    if "symmetric" in leaf.kind:
        return [[value[max(i, j)][min(i, j)] for j in range(lengths[0])] for i in range(lengths[0])]
    if "spd" in leaf.kind:
        return [[sum((a * b for a, b in zip(left, right)), Fraction(left is right)) for right in value] for left in value]
    return value


LARGEST_LOOP = 30_000  # products of entries that the reference evaluator multiplies out for one node


def is_small(*roots: Expression) -> bool:
    """Can the reference evaluator loop over it in reasonable time?"""
    products = [node for node in ex.topological(*roots) if isinstance(node, ex.Contract)]
    return all(
        prod(length.evaluate(SIZES) for length in node.dimensions().values()) * len(node.children) <= LARGEST_LOOP for node in products
    )
