"""Contractions of arrays of exact numbers and balls: the product of factors, summed over every label that is not in the result.

A `Select` factor is the equation place = offset + Σ a·label, and is solved instead of multiplied: the label it determines is
replaced in the other factors by entries picked there, and in the result by entries put there. The rest is multiplied pair
by pair, smallest result first, each label summed as soon as nothing else carries it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from flint import fmpq

Array = npt.NDArray[np.object_]
Factor = tuple[Array, tuple[int, ...]]


def filled(value: Any, shape: Sequence[int]) -> Array:
    out = np.empty(tuple(shape), dtype=object)
    out.fill(value)
    return out


def array(value: Any) -> Array:
    """What an operation on object arrays returned; numpy unpacks those without axes."""
    return value if isinstance(value, np.ndarray) else filled(value, ())


@dataclass(frozen=True, slots=True)
class Equation:
    """offset + Σ coefficient × label = 0; coefficients are not 0."""

    offset: int
    coefficients: dict[int, int]

    def substituted(self, label: int, other: Equation) -> Equation:
        """With `label` replaced by what `other`, which has it with coefficient ±1, says it is."""
        factor = self.coefficients.get(label, 0) * other.coefficients[label]
        if not factor:
            return self
        found = dict(self.coefficients)
        for name, coefficient in other.coefficients.items():
            found[name] = found.get(name, 0) - factor * coefficient
        return Equation(self.offset - factor * other.offset, {name: c for name, c in found.items() if c})

    def solved(self, label: int) -> Equation:
        """label = offset + Σ coefficient × others, as an equation without the label."""
        sign = -self.coefficients[label]
        return Equation(sign * self.offset, {name: sign * c for name, c in self.coefficients.items() if name != label})

    def values(self, sizes: dict[int, int]) -> npt.NDArray[np.int64]:
        """offset + Σ coefficient × label over all values of the labels, one axis each."""
        out = np.full((1,) * len(self.coefficients), self.offset, dtype=np.int64)
        for axis, (label, coefficient) in enumerate(self.coefficients.items()):
            shape = [1] * len(self.coefficients)
            shape[axis] = sizes[label]
            out = out + coefficient * np.arange(sizes[label], dtype=np.int64).reshape(shape)
        return out


def contract(coefficient: Any, factors: Iterable[Factor], selects: Sequence[Equation], out: Sequence[int], sizes: dict[int, int]) -> Array:
    """The contraction; `sizes` has every label, `out` those of the result, in order."""
    operands = list(factors)
    equations = list(selects)
    wanted, scattered, solved = list(out), list[tuple[int, Equation]](), set[int]()
    while equations:
        equation = equations.pop()
        label = _determined(equation, wanted, sizes)
        if label is None:
            operands.append((_ones_where(equation.values(sizes) == 0), tuple(equation.coefficients)))
            continue
        solved.add(label)
        equations = [other.substituted(label, equation) for other in equations]
        scattered = [(place, other.substituted(label, equation)) for place, other in scattered]
        solution = equation.solved(label)
        carriers = [k for k, (_, labels) in enumerate(operands) if label in labels]
        for k in carriers:
            operands[k] = _picked(operands[k], label, solution, sizes)
        if not carriers:
            values = solution.values(sizes)
            operands.append((_ones_where((values >= 0) & (values < sizes[label])), tuple(solution.coefficients)))
        if label in wanted:
            wanted.remove(label)
            wanted += [name for name in solution.coefficients if name not in wanted]
            scattered.append((label, solution))
    operands = [_diagonal(operand) for operand in operands]
    for label in sizes.keys() - solved - set(wanted) - {label for _, labels in operands for label in labels}:
        coefficient = coefficient * sizes[label]  # summed, and nothing depends on it
    result = _product(coefficient, operands, wanted, sizes)
    return _placed(result, wanted, scattered, list(out), sizes) if scattered else result


def _determined(equation: Equation, wanted: list[int], sizes: dict[int, int]) -> int | None:
    """The label to solve for, where the equation gives one: the largest, and rather one that is summed."""
    candidates = [label for label, coefficient in equation.coefficients.items() if abs(coefficient) == 1]
    return min(candidates, key=lambda label: (-sizes[label], label in wanted), default=None)


def _ones_where(truth: npt.NDArray[np.bool_]) -> Array:
    return np.where(truth, filled(fmpq(1), ()), filled(fmpq(0), ()))


def _picked(operand: Factor, label: int, solution: Equation, sizes: dict[int, int]) -> Factor:
    """The entries where `label` has the value that the solution gives it, 0 where that is outside; the other labels take its axis."""
    data, labels = operand
    while labels.count(label) > 1:
        data, labels = _diagonal((data, labels))
    axis = labels.index(label)
    places = solution.values(sizes)
    inside = (places >= 0) & (places < sizes[label])
    if not inside.any():  # also where there is no entry to take
        shape = (*data.shape[:axis], *inside.shape, *data.shape[axis + 1 :])
        return filled(fmpq(0), shape), (*labels[:axis], *solution.coefficients, *labels[axis + 1 :])
    taken = array(np.take(data, np.where(inside, places, 0), axis=axis))
    if not inside.all():
        mask = inside.reshape((1,) * axis + inside.shape + (1,) * (data.ndim - axis - 1))
        taken = np.where(mask, taken, filled(fmpq(0), ()))
    return taken, (*labels[:axis], *solution.coefficients, *labels[axis + 1 :])


def _diagonal(operand: Factor) -> Factor:
    """Without repeated labels."""
    data, labels = operand
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            data = np.diagonal(data, axis1=first, axis2=second)
            labels = (*(name for k, name in enumerate(labels) if k not in (first, second)), label)
    return data, labels


def _product(coefficient: Any, operands: list[Factor], out: list[int], sizes: dict[int, int]) -> Array:
    """Operands without repeated labels, multiplied pair by pair."""
    operands = [_summed(operand, {*out, *_others(operands, k)}) for k, operand in enumerate(operands)]
    while len(operands) > 1:
        pairs = list(combinations(range(len(operands)), 2))
        costs = [_cost(operands, pair, out, sizes) for pair in pairs] if len(pairs) > 1 else [(0, 0)]
        i, j = pairs[costs.index(min(costs))]
        rest = [operand for k, operand in enumerate(operands) if k not in (i, j)]
        kept = {*out, *(label for _, labels in rest for label in labels)}
        operands = [*rest, _times(operands[i], operands[j], kept, sizes)]
    data, labels = operands[0] if operands else (filled(fmpq(1), ()), ())
    data = data.transpose([labels.index(label) for label in out if label in labels])
    if coefficient != 1:
        data = array(data * coefficient)
    if len(labels) < len(out):
        data = data.reshape([sizes[label] if label in labels else 1 for label in out])
        data = np.broadcast_to(data, [sizes[label] for label in out])
    return data


def _others(operands: list[Factor], k: int) -> set[int]:
    return {label for j, (_, labels) in enumerate(operands) if j != k for label in labels}


def _summed(operand: Factor, kept: set[int]) -> Factor:
    """Labels that nothing else carries are summed first."""
    data, labels = operand
    axes = tuple(k for k, label in enumerate(labels) if label not in kept)
    if axes:
        data = array(np.add.reduce(data, axis=axes, initial=fmpq(0)))
    return data, tuple(label for label in labels if label in kept)


def _cost(operands: list[Factor], pair: tuple[int, int], out: list[int], sizes: dict[int, int]) -> tuple[int, int]:
    """Entries of the result, less those that go away, and multiplications."""
    i, j = pair
    both = {*operands[i][1], *operands[j][1]}
    kept = {*out, *(label for k, (_, labels) in enumerate(operands) if k not in pair for label in labels)}
    made = prod(sizes[label] for label in both & kept)
    return made - operands[i][0].size - operands[j][0].size, prod(sizes[label] for label in both)


def _times(left: Factor, right: Factor, kept: set[int], sizes: dict[int, int]) -> Factor:
    """The product of two factors, summed over what both carry and nothing else needs: numpy's matmul of objects."""
    (a, a_labels), (b, b_labels) = left, right
    shared = [label for label in a_labels if label in b_labels and label in kept]
    summed = [label for label in a_labels if label in b_labels and label not in kept]
    a_own = [label for label in a_labels if label not in b_labels]
    b_own = [label for label in b_labels if label not in a_labels]
    lengths = [[sizes[label] for label in labels] for labels in (shared, a_own, summed, b_own)]
    batch, rows, inner, columns = map(prod, lengths)
    a = a.transpose([a_labels.index(label) for label in (*shared, *a_own, *summed)]).reshape(batch, rows, inner)
    b = b.transpose([b_labels.index(label) for label in (*shared, *summed, *b_own)]).reshape(batch, inner, columns)
    result = np.matmul(a, b) if inner > 1 else a * b
    return result.reshape([*lengths[0], *lengths[1], *lengths[3]]), (*shared, *a_own, *b_own)


def _placed(result: Array, labels: list[int], scattered: list[tuple[int, Equation]], out: list[int], sizes: dict[int, int]) -> Array:
    """Zeros, with the entries of `result` added where the solutions say that the labels they determine are."""
    places: list[Any] = []
    solutions = dict(scattered)
    valid = np.ones(result.shape, dtype=bool)
    for label in out:
        solution = solutions.get(label, Equation(0, {label: 1}))
        values = solution.values(sizes)
        order = sorted(solution.coefficients, key=labels.index)
        values = values.transpose([list(solution.coefficients).index(name) for name in order])
        values = values.reshape([sizes[name] if name in solution.coefficients else 1 for name in labels])
        values = np.broadcast_to(values, result.shape)
        places.append(values)
        valid &= (values >= 0) & (values < sizes[label])
    placed = filled(fmpq(0), [sizes[label] for label in out])
    np.add.at(placed, tuple(values[valid] for values in places), result[valid])
    return placed
