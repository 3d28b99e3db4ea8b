"""Positions of entries, and what the Kronecker deltas of a contraction say about them.

A delta i = j + 1 (from 0) says that the summed j is i - 1. Where that may leave the range of j, the sum over j is its one term
under the guard i >= 2: j is then a letter that stands for i - 1, and keeps its own range, since nothing is said of it elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from symgd.algebra.dimension import ONE, ZERO, Dimension
from symgd.algebra.expression import Contract, Counter, Expression, Map, Select, Size, constant_value

MINUS = Dimension.of(-1)
_GUARDED = -1  # the level of letters that no binder binds


class Letter(NamedTuple):
    """A bound index, by the number of binders around its own, and the number of its values; or what is written as `value` under guards."""

    level: int
    length: Dimension
    value: Position | None = None


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

    def written(self) -> Position:
        """The position in letters that binders bind."""
        found = self
        while guarded := next(((letter, c) for letter, c in found.letters if letter.value is not None), None):
            letter, coefficient = guarded
            assert letter.value is not None
            found = found.plus(Position.of(letter), -coefficient).plus(letter.value, coefficient)
        return found

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
        return all(coefficient.constant is not None for _, coefficient in self.written().letters)

    @property
    def is_letter(self) -> bool:
        """Is it written as one letter?"""
        written = self.written()
        return not written.constant.terms and len(written.letters) == 1 and written.letters[0][1] == ONE

    def is_at_least(self, bound: int) -> bool:
        """Is it at least this, whatever the letters and sizes?"""
        found = [bounds[0].at_least(bound) for position in (self, self.written()) if (bounds := position.bounds())]
        return True in found

    def from_end(self, length: Dimension) -> Position:
        """The position counted from the last of `length` entries: 0 for that, 1 for the one before it."""
        return Position.fixed(length - 1).plus(self, MINUS)

    def is_inside(self, length: Dimension) -> bool:
        """Is it an index of an axis of this length, whatever the sizes? A fixed entry of an axis of unknown size is taken to exist."""
        if not self.is_at_least(0):
            return False
        return self.from_end(length).is_at_least(0) or (not self.letters and length.constant is None)


def selected(node: Select, at: Sequence[Position]) -> Position:
    """The entry of the first axis that is 1 at these positions of the others."""
    found = Position.fixed(node.offset)
    for position, coefficient in zip(at, node.coefficients):
        found = found.plus(position, Dimension.of(coefficient))
    return found


def equal(left: Position, right: Position) -> bool | None:
    """Are the positions equal, whatever the letters and sizes? None where that depends on them."""
    difference = left.plus(right, MINUS)
    written = difference.written()
    if written.letters:
        apart = difference.is_at_least(1) or right.plus(left, MINUS).is_at_least(1)
        return False if apart else None
    value = written.constant.constant
    return None if value is None else value == 0


class Condition(NamedTuple):
    """`left == right`, or `left >= right`."""

    left: Position
    right: Position
    operator: str = "=="

    @property
    def truth(self) -> bool | None:
        """Does it hold, whatever the letters and sizes? None where that depends on them."""
        if self.operator == "==":
            return equal(self.left, self.right)
        if self.left.plus(self.right, MINUS).is_at_least(0):
            return True
        return False if self.right.plus(self.left, MINUS).is_at_least(1) else None

    @property
    def letters(self) -> set[Letter]:
        return {letter for position in (self.left, self.right) for letter, _ in position.written().letters}

    def implies(self, other: Condition) -> bool:
        """Does the other, a guard, hold wherever this one does? What differs by a multiple of an equality, or is larger, is as good."""
        if other.operator == "==":
            return False
        # In letters that binders bind: the range of any other is what its own guards, which may be `other`, say.
        mine, theirs = self.left.plus(self.right, MINUS).written(), other.left.plus(other.right, MINUS).written()
        signs = (ONE, MINUS) if self.operator == "==" else (MINUS,)
        return any(theirs.plus(mine, sign).is_at_least(0) for sign in signs)

    def excludes(self, other: Condition) -> bool:
        """Is there nothing for which both hold, the other being a guard?"""
        if other.operator == "==":
            return False
        mine, theirs = self.right.plus(self.left, MINUS).written(), other.right.plus(other.left, MINUS).written()
        signs = (ONE, MINUS) if self.operator == "==" else (ONE,)
        return any(theirs.plus(mine, sign).is_at_least(1) for sign in signs)


def needed(conditions: Sequence[Condition]) -> list[Condition] | None:
    """The conditions that depend on letters, without those that others imply; None where they cannot hold together."""
    found: list[Condition] = []
    for condition in conditions:
        if condition.truth is False or any(other.excludes(condition) for other in conditions):
            return None
        if condition.truth is None and not any(other.implies(condition) for other in found):
            found = [*(other for other in found if not condition.implies(other)), condition]
    return found


def order_of(node: Expression, at: Sequence[Position]) -> Condition | None:
    """The condition that an entry of [i <= j + k] is, where it compares indices."""
    if not isinstance(node, Map) or node.function.name != "less_equal":
        return None
    smaller, larger = [_counted(child, at) for child in node.children]
    if smaller is None or larger is None or not larger.plus(smaller, MINUS).written().letters:
        return None
    return Condition(larger, smaller, ">=")


def _counted(node: Expression, at: Sequence[Position]) -> Position | None:
    """The value of an entry that is an index or a size, repeated along other axes."""
    number = constant_value(node)
    if number is not None:
        return Position.fixed(Dimension.of(int(number))) if number.denominator == 1 else None
    if isinstance(node, Contract) and node.coefficient == 1 and len(node.children) == 1:
        at = [at[label] for label in node.labels[0]]
        (node,) = node.children
    if isinstance(node, Size):
        return Position.fixed(node.dimension)
    return at[0].plus(Position.fixed(node.start), ONE) if isinstance(node, Counter) else None


def solve(node: Contract, at: tuple[Position, ...], level: int) -> tuple[dict[int, Position], list[Condition], list[Letter]]:
    """The position of every label of a contraction for one entry of it, the conditions that its deltas leave, and the letters summed over.

    A delta whose one side is known and whose other side is one summed label says what that label is; where that may lie outside
    the label's range, under guards. Other deltas are conditions. Letters are given out only to labels that nothing determines, of
    two in a delta to the one with the simpler range.
    """
    known = dict(enumerate(at))
    sizes = node.dimensions()
    conditions: list[Condition] = []
    bound: list[Letter] = []
    deltas = [(child, labels) for child, labels in node.factors if isinstance(child, Select)]
    while True:
        for guarded in (False, True):
            solved = next((delta for delta in deltas if _determines(*delta, known, sizes, conditions, guarded)), None)
            if solved:
                break
        if solved:
            deltas.remove(solved)
            continue
        free = [[label for label in (*labels[1:], labels[0]) if label not in known] for _, labels in deltas]
        candidates = next(filter(None, free), None) or [label for label in sizes if label not in known][:1]
        if not candidates:
            return known, conditions, bound
        label = min(candidates, key=lambda label: len(sizes[label].terms))
        letter = Letter(level + len(bound), sizes[label])
        bound.append(letter)
        known[label] = Position.of(letter)


def _determines(
    delta: Select,
    labels: tuple[int, ...],
    known: dict[int, Position],
    sizes: dict[int, Dimension],
    conditions: list[Condition],
    guarded: bool,
) -> bool:
    """Use a delta, if enough of its labels are known: note the label it determines, or the condition it is.

    `guarded` says that the label may be determined under guards, which are conditions too.
    """
    first, *others = labels
    unknown = [label for label in others if label not in known]
    if not unknown:
        position = selected(delta, [known[label] for label in others])
        if first in known:
            conditions.append(Condition(known[first], position))
            return True
        return _places(first, position, known, sizes, conditions, guarded)
    if first in known and len(unknown) == 2 == len(others):
        return _unpacks(delta, known[first], others, known)
    if first not in known or len(unknown) > 1:
        return False
    (label,) = unknown
    (coefficient,) = [Dimension.of(c) for other, c in zip(others, delta.coefficients) if other == label][:1]
    if coefficient.constant not in (1, -1) or others.count(label) > 1:
        return False
    rest = [(known[other], Dimension.of(c)) for other, c in zip(others, delta.coefficients) if other != label]
    position = known[first].plus(Position.fixed(delta.offset), MINUS)
    for other, c in rest:
        position = position.plus(other, -c)
    if coefficient.constant == -1:
        position = Position.fixed(ZERO).plus(position, MINUS)
    return _places(label, position, known, sizes, conditions, guarded)


def _places(
    label: int,
    position: Position,
    known: dict[int, Position],
    sizes: dict[int, Dimension],
    conditions: list[Condition],
    guarded: bool,
) -> bool:
    """Note the position of a label, if it is inside its range or may be guarded."""
    length = sizes[label]
    if position.is_inside(length):
        known[label] = position
        return True
    if not guarded or not position.is_subscript() or not position.written().letters:
        return False
    low, high = Condition(position, Position.fixed(ZERO), ">="), Condition(position.from_end(length), Position.fixed(ZERO), ">=")
    conditions += [guard for guard in (low, high) if guard.truth is not True]
    known[label] = Position.of(Letter(_GUARDED, length, position))
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
