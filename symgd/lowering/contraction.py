"""A product of many factors, summed over some of their labels, as a sequence of operations on two arrays each.

The order is chosen by cost (opt_einsum, on assumed sizes); this choice is what makes a chain of Jacobians forward or reverse
mode. Each step becomes the cheapest operation that torch has for it. Numbers and scalar factors are applied to the smallest
array on the way.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

import opt_einsum

from symgd.lowering.build import Builder, Operand, Sizes
from symgd.lowering.number import ONE, Number

_EXHAUSTIVE = 7  # factors up to which all orders are compared
_DYNAMIC = 24  # up to which dynamic programming compares all orders without outer products


@dataclass(slots=True)
class Product:
    """number × Π scalars / Π divisors × Π operands."""

    number: Number = ONE
    scalars: list[int] = field(default_factory=list)
    divisors: list[int] = field(default_factory=list)
    operands: list[Operand] = field(default_factory=list)


def contract(builder: Builder, product: Product, out: Sequence[int], sizes: Sizes) -> Operand:
    """The product summed over every label not in `out`; labels of `out` that nothing carries are missing in the result."""
    operands: list[Operand] = []
    for operand in product.operands:
        scale = builder.scale_of(operand.value)
        if scale is not None:  # the number is applied anew where the arrays are smallest
            operand, product.number = Operand(scale[0], operand.labels), product.number * scale[1]
        operand = _without_repeats(builder, operand)
        number = builder.known(operand.value)
        if number is not None:
            product.number *= number
        elif not operand.labels:
            product.scalars.append(operand.value)
        else:
            operands.append(operand)
    carried = Counter(label for operand in operands for label in operand.labels)
    for label in [label for label in sizes if label not in out and label not in carried]:
        product.number *= Number(ONE.value, ((sizes[label], 1),))
    alone = {label for label, times in carried.items() if times == 1} - set(out)
    operands = [_summed(builder, operand, alone) for operand in operands]
    product.scalars += [operand.value for operand in operands if not operand.labels]
    operands = [operand for operand in operands if operand.labels]
    if not operands:
        return _scalar(builder, product)
    return _steps(builder, product, operands, frozenset(out), sizes)


def _steps(builder: Builder, product: Product, operands: list[Operand], out: frozenset[int], sizes: Sizes) -> Operand:
    """Contract pair by pair; the scalar part joins at the smallest result."""
    path = _path(builder, operands, out, sizes)
    target = _smallest(builder, operands, path, out, sizes)
    factor = _factor(builder, product)
    if factor is not None and target < 0:  # an operand that is smaller than every result
        operands[~target] = _apply(builder, operands[~target], *factor)
    elif factor is not None and not path:
        return _apply(builder, operands[0], *factor)
    for number, (first, second) in enumerate(path):
        right, left = operands.pop(max(first, second)), operands.pop(min(first, second))
        keep = out.union(*(operand.labels for operand in operands))
        made = _pair(builder, left, right, keep)
        operands.append(_apply(builder, made, *factor) if factor is not None and number == target else made)
    return operands[0]


def _path(builder: Builder, operands: Sequence[Operand], out: frozenset[int], sizes: Sizes) -> list[tuple[int, int]]:
    """Pairs of positions in the list of operands; a pair is taken out, its product put at the end."""
    if len(operands) <= 2:
        return [(0, 1)] * (len(operands) - 1)
    if not builder.orders:
        return _linear(range(len(operands)))
    inputs = [frozenset(operand.labels) for operand in operands]
    if all(labels <= out for labels in inputs):  # entry by entry: from the smallest up
        order = sorted(range(len(operands)), key=lambda k: builder.cost(operands[k]))
        return _linear(order)
    lengths = {label: builder.assumed(sizes[label]) for labels in inputs for label in labels}
    searches = [opt_einsum.paths.greedy]
    if len(operands) <= _EXHAUSTIVE:
        searches = [opt_einsum.paths.optimal]
    elif len(operands) <= _DYNAMIC:
        searches.append(opt_einsum.paths.DynamicProgramming())
    found = [_pairs(search(list(inputs), out & frozenset(lengths), lengths, None), len(inputs)) for search in searches]
    return min(found, key=lambda pairs: _cost(inputs, pairs, out, lengths))


def _pairs(path: Iterable[Sequence[int]], count: int) -> list[tuple[int, int]]:
    """The path in steps of two: disconnected parts left over may come as one step, a single factor as a step of its own."""
    theirs, ours, made = list(range(count)), list(range(count)), count
    pairs = []
    for step in path:
        taken = [theirs.pop(k) for k in sorted(step, reverse=True)]
        while len(taken) > 1:
            first, second = sorted(ours.index(factor) for factor in (taken.pop(), taken.pop()))
            pairs.append((first, second))
            del ours[second], ours[first]
            ours.append(made)
            taken.append(made)
            made += 1
        theirs.append(taken[0])
    return pairs


def _cost(inputs: Sequence[frozenset[int]], path: Sequence[tuple[int, int]], out: frozenset[int], lengths: Mapping[int, int]) -> int:
    """Multiplications of a path."""
    waiting, total = list(inputs), 0
    for first, second in path:
        right, left = waiting.pop(second), waiting.pop(first)
        total += math.prod(lengths[label] for label in left | right)
        waiting.append((left | right) & out.union(*waiting))
    return total


def _linear(order: Sequence[int]) -> list[tuple[int, int]]:
    """The path that multiplies operands in this order."""
    remaining = list(range(len(order)))
    path = []
    current = order[0]
    for number, k in enumerate(order[1:]):
        first, second = remaining.index(current), remaining.index(k)
        path.append((first, second))
        for gone in (current, k):
            remaining.remove(gone)
        current = len(order) + number
        remaining.append(current)
    return path


def _smallest(builder: Builder, operands: Sequence[Operand], path: Sequence[tuple[int, int]], out: frozenset[int], sizes: Sizes) -> int:
    """The step after which the scalar part is applied, or ~k for operand k of a product entry by entry."""

    def entries(labels: Iterable[int]) -> int:
        total = 1
        for label in labels:
            total *= builder.assumed(sizes[label])
        return total

    best, place = None, 0
    waiting = [(frozenset(operand.labels), ~k) for k, operand in enumerate(operands)]
    for number, (first, second) in enumerate(path):
        right, left = waiting.pop(max(first, second)), waiting.pop(min(first, second))
        keep = out.union(*(labels for labels, _ in waiting))
        made = (left[0] | right[0]) & keep
        candidates = [(entries(made), number)]
        if made == left[0] | right[0]:  # nothing is summed: an operand may be smaller; it is no product that another node shares
            candidates += [(entries(labels), origin) for labels, origin in (left, right) if origin < 0]
        for cost, origin in candidates:
            if best is None or cost < best or (cost == best and origin >= 0):
                best, place = cost, origin
        waiting.append((made, number))
    return place


def _pair(builder: Builder, left: Operand, right: Operand, keep: frozenset[int]) -> Operand:
    """Two operands multiplied and summed over the labels that are not kept."""
    left, right = (_summed(builder, a, frozenset(a.labels) - keep - frozenset(b.labels)) for a, b in ((left, right), (right, left)))
    shared = [label for label in left.labels if label in right.labels]
    summed = [label for label in shared if label not in keep]
    batch = [label for label in shared if label in keep]
    rows = [label for label in left.labels if label not in shared]
    columns = [label for label in right.labels if label not in shared]
    if not summed:
        return builder.times(left, right)
    if not rows and not columns:
        if not batch:
            return Operand(builder.emit("dot", (left.value, builder.arrange(right.value, _axes(right, left.labels)))))
        return _summed(builder, builder.times(left, right), frozenset(summed))
    if len(rows) <= 1 and len(columns) <= 1 and len(summed) == 1:
        if not batch:
            return _matrix_product(builder, left, right, summed[0])
        if rows and columns:
            a = builder.arrange(left.value, _axes(left, (*batch, *rows, *summed)))
            b = builder.arrange(right.value, _axes(right, (*batch, *summed, *columns)))
            return Operand(builder.emit("matmul", (a, b)), (*batch, *rows, *columns))
    if not batch:
        axes = (_axes(left, summed), _axes(right, summed))
        return Operand(builder.emit("tensordot", (left.value, right.value), axes), (*rows, *columns))
    out = (*batch, *rows, *columns)
    return Operand(builder.emit("einsum", (left.value, right.value), (left.labels, right.labels, out)), out)


def _matrix_product(builder: Builder, left: Operand, right: Operand, summed: int) -> Operand:
    """Vectors and matrices over one label, with as few transposes as can be; on a tie with the labels of the result in order."""
    if len(left.labels) == 1 or len(right.labels) == 1:
        vector, matrix = (left, right) if len(left.labels) == 1 else (right, left)
        other = next(label for label in matrix.labels if label != summed)
        if matrix.labels == (other, summed):
            return Operand(builder.emit("matmul", (matrix.value, vector.value)), (other,))
        return Operand(builder.emit("matmul", (vector.value, matrix.value)), (other,))
    row = next(label for label in left.labels if label != summed)
    column = next(label for label in right.labels if label != summed)
    turns = (left.labels[1] != summed) + (right.labels[0] != summed)
    if turns > 1 or (turns == 1 and row > column):
        left, right, row, column = right, left, column, row
    a, b = builder.arrange(left.value, _axes(left, (row, summed))), builder.arrange(right.value, _axes(right, (summed, column)))
    return Operand(builder.emit("matmul", (a, b)), (row, column))


def _axes(operand: Operand, labels: Sequence[int]) -> tuple[int, ...]:
    return tuple(operand.labels.index(label) for label in labels)


def _summed(builder: Builder, operand: Operand, gone: Iterable[int]) -> Operand:
    """The sum over these labels of the operand."""
    axes = tuple(axis for axis, label in enumerate(operand.labels) if label in set(gone))
    if not axes:
        return operand
    left = tuple(label for axis, label in enumerate(operand.labels) if axis not in axes)
    return Operand(builder.emit("sum", (operand.value,), axes), left)


def _without_repeats(builder: Builder, operand: Operand) -> Operand:
    """The operand with a label on two axes reduced to its diagonal."""
    while len(set(operand.labels)) < len(operand.labels):
        label = next(label for label, times in Counter(operand.labels).items() if times > 1)
        first, second = [axis for axis, other in enumerate(operand.labels) if other == label][:2]
        rest = tuple(other for axis, other in enumerate(operand.labels) if axis not in (first, second))
        operand = Operand(builder.emit("diagonal", (operand.value,), (first, second)), (*rest, label))
    return operand


# ---- the scalar part -------------------------------------------------------------------------------------------------


def _factor(builder: Builder, product: Product) -> tuple[str, Operand] | None:
    """The scalar part as one value and the operation that applies it, or None where it is 1."""
    if not product.scalars and not product.divisors:
        return None if product.number.is_one else ("times", Operand(builder.number(product.number)))
    if not product.scalars and len(product.divisors) == 1 and product.number.is_one:
        return "over", Operand(product.divisors[0])
    return "times", _scalar(builder, product)


def _scalar(builder: Builder, product: Product) -> Operand:
    """The scalar part. Multiplications and divisions take turns, so that the size of the numbers stays moderate."""
    number, scalars, divisors = product.number, list(product.scalars), list(product.divisors)
    if scalars:
        result = Operand(scalars.pop(0))
    else:
        result, number = Operand(builder.number(number)), ONE
    for above, below in zip_longest(scalars, divisors):
        if below is not None:
            result = builder.over(result, Operand(below))
        if above is not None:
            result = builder.times(result, Operand(above))
    return Operand(builder.scaled(result.value, number))


def _apply(builder: Builder, operand: Operand, how: str, factor: Operand) -> Operand:
    return builder.over(operand, factor) if how == "over" else builder.times(operand, factor)
