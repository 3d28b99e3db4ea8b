"""Positions of entries, and what the Kronecker deltas of a contraction say about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from symgd.algebra.dimension import ONE, ZERO, Dimension
from symgd.algebra.expression import Contract, Select


class Letter(NamedTuple):
    """A bound index, by the number of binders around its own, and the number of its values."""

    level: int
    length: Dimension


@dataclass(frozen=True, slots=True)
class Position:
    """An index counted from 0: the sum of coefficient × letter (counted from 0 too) and a constant."""

    letters: tuple[tuple[Letter, Dimension], ...]
    constant: Dimension

    @staticmethod
    def fixed(constant: Dimension) -> Position:
        return Position((), constant)

    @staticmethod
    def of(letter: Letter) -> Position:
        return Position(((letter, ONE),), ZERO)

    def plus(self, other: Position, factor: Dimension) -> Position:
        found = dict(self.letters)
        for letter, coefficient in other.letters:
            found[letter] = found.get(letter, ZERO) + coefficient * factor
        return Position(tuple((letter, c) for letter, c in found.items() if c.terms), self.constant + other.constant * factor)

    def bounds(self) -> tuple[Dimension, Dimension] | None:
        """The least and the largest value; None where a sign depends on sizes."""
        low = high = self.constant
        for letter, coefficient in self.letters:
            reach = coefficient * (letter.length - 1)
            if coefficient.at_least(0):
                high = high + reach
            elif (-coefficient).at_least(0):
                low = low + reach
            else:
                return None
        return low, high

    def is_subscript(self) -> bool:
        """Can it be written as the index of an entry, whose letters have numbers as coefficients?"""
        return all(coefficient.constant is not None for _, coefficient in self.letters)

    def is_inside(self, length: Dimension) -> bool:
        """Is it an index of an axis of this length, whatever the sizes? A fixed entry of an axis of unknown size is taken to exist."""
        bounds = self.bounds()
        if bounds is None or not (bounds[0]).at_least(0):
            return False
        return bool((length - bounds[1]).at_least(1)) or (not self.letters and length.constant is None)


def selected(node: Select, at: Sequence[Position]) -> Position:
    """The entry of the first axis that is 1 at these positions of the others."""
    found = Position.fixed(node.offset)
    for position, coefficient in zip(at, node.coefficients):
        found = found.plus(position, Dimension.of(coefficient))
    return found


def equal(left: Position, right: Position) -> bool | None:
    """Are the positions equal, whatever the letters and sizes? None where that depends on them."""
    difference = left.plus(right, Dimension.of(-1))
    if difference.letters:
        bounds = difference.bounds()
        apart = bounds is not None and (bounds[0].at_least(1) or (-bounds[1]).at_least(1))
        return False if apart else None
    value = difference.constant.constant
    return None if value is None else value == 0


Condition = tuple[Position, Position]


def solve(node: Contract, at: tuple[Position, ...], level: int) -> tuple[dict[int, Position], list[Condition], list[Letter]]:
    """The position of every label of a contraction for one entry of it, the conditions that its deltas leave, and the letters summed over.

    A delta whose one side is known and whose other side is one summed label says what that label is, provided that it stays
    inside its axis. Other deltas are conditions. Letters are given out only to labels that nothing determines.
    """
    known = dict(enumerate(at))
    sizes = node.dimensions()
    conditions: list[Condition] = []
    bound: list[Letter] = []
    deltas = [(child, labels) for child, labels in node.factors if isinstance(child, Select)]
    while True:
        while solved := next((delta for delta in deltas if _determines(*delta, known, sizes, conditions)), None):
            deltas.remove(solved)
        free = [label for delta in deltas for label in (*delta[1][1:], delta[1][0]) if label not in known]
        label = free[0] if free else next((label for label in sizes if label not in known), None)
        if label is None:
            return known, conditions, bound
        letter = Letter(level + len(bound), sizes[label])
        bound.append(letter)
        known[label] = Position.of(letter)


def _determines(
    delta: Select, labels: tuple[int, ...], known: dict[int, Position], sizes: dict[int, Dimension], conditions: list[Condition]
) -> bool:
    """Use a delta, if enough of its labels are known: note the label it determines, or the condition it is."""
    first, *others = labels
    unknown = [label for label in others if label not in known]
    if not unknown:
        position = selected(delta, [known[label] for label in others])
        if first in known:
            conditions.append((known[first], position))
            return True
        if position.is_inside(sizes[first]):
            known[first] = position
            return True
        return False
    if first in known and len(unknown) == 2 == len(others):
        return _unpacks(delta, known[first], others, known)
    if first not in known or len(unknown) > 1:
        return False
    (label,) = unknown
    (coefficient,) = [Dimension.of(c) for other, c in zip(others, delta.coefficients) if other == label][:1]
    if coefficient.constant not in (1, -1) or others.count(label) > 1:
        return False
    rest = [(known[other], Dimension.of(c)) for other, c in zip(others, delta.coefficients) if other != label]
    position = known[first].plus(Position.fixed(delta.offset), Dimension.of(-1))
    for other, c in rest:
        position = position.plus(other, -c)
    if coefficient.constant == -1:
        position = Position.fixed(ZERO).plus(position, Dimension.of(-1))
    if not position.is_inside(sizes[label]):
        return False
    known[label] = position
    return True


def _unpacks(delta: Select, position: Position, labels: Sequence[int], known: dict[int, Position]) -> bool:
    """Take i + m·j apart, where the coefficients say which letters belong to i and which to j."""
    first, stride = map(Dimension.of, delta.coefficients)
    if first != ONE or delta.offset.terms or position.constant.terms or stride.constant is not None:
        return False
    low = Position(tuple((letter, c) for letter, c in position.letters if c.constant is not None), ZERO)
    high = Position(tuple((letter, ONE) for letter, c in position.letters if c == stride), ZERO)
    if len(low.letters) + len(high.letters) != len(position.letters):
        return False
    if not low.is_inside(delta.shape[1]) or not high.is_inside(delta.shape[2]):
        return False
    known.update(zip(labels, (low, high)))
    return True
