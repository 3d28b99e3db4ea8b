"""What the infix parser has begun and not ended yet: signs, chains, powers, comparisons, conditionals, brackets.

Each knows how tightly it binds (`power`), whether it counts as nesting (`deep`), where it starts, and how to become a node
when its last operand is there (`close`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Union

from symgd.language.syntax import Binding, Call, Chain, Comparison, Conditional, Index, List, Node, Power, Prefix, Rows
from symgd.language.tokens import Token

CHOICE, COMPARISON, SUM, PRODUCT, SIGN, POWER = 1, 2, 3, 4, 5, 6  # brackets are 0: no operator closes them


@dataclass(slots=True)
class Signed:
    """`-` or `+` before an operand."""

    power: ClassVar[int] = SIGN
    deep: ClassVar[int] = 1
    operator: str
    start: int

    def close(self, operand: Node, end: int) -> Node:
        return Prefix(self.operator, operand, self.start, end)


@dataclass(slots=True)
class Raised:
    """A base and its operator, waiting for the exponent."""

    power: ClassVar[int] = POWER
    deep: ClassVar[int] = 1
    operator: str
    base: Node
    start: int

    def close(self, exponent: Node, end: int) -> Node:
        return Power(self.operator, self.base, exponent, self.start, end)


class Chained:
    """Operands of one precedence, and the operator after the last of them."""

    __slots__ = ("first", "operator", "operator_start", "power", "rest", "start")
    deep: ClassVar[int] = 0

    def __init__(self, operator: str, operator_start: int, first: Node, start: int) -> None:
        self.operator, self.operator_start, self.first, self.start = operator, operator_start, first, start
        self.power = SUM if operator in ("+", "-") else PRODUCT
        self.rest: list[tuple[str, int, Node]] = []

    def extend(self, operator: str, operator_start: int, operand: Node) -> None:
        self.rest.append((self.operator, self.operator_start, operand))
        self.operator, self.operator_start = operator, operator_start

    def close(self, operand: Node, end: int) -> Node:
        return Chain(self.first, (*self.rest, (self.operator, self.operator_start, operand)), self.start, end)


@dataclass(slots=True)
class Compared:
    """The left side of a comparison and its operator."""

    power: ClassVar[int] = COMPARISON
    deep: ClassVar[int] = 0
    operator: str
    operator_start: int
    left: Node
    start: int

    def close(self, right: Node, end: int) -> Node:
        return Comparison(self.operator, self.operator_start, self.left, right, self.start, end)


@dataclass(slots=True)
class Choice:
    """`value if`, then also `condition else`."""

    power: ClassVar[int] = CHOICE
    deep: ClassVar[int] = 1
    value: Node
    start: int
    condition: Node | None = None

    def close(self, otherwise: Node, end: int) -> Node:
        assert self.condition is not None
        return Conditional(self.value, self.condition, otherwise, self.start, end)


@dataclass(slots=True)
class Bracket:
    """An open bracket of a `group`, a `call`, an `index` or a `list`, with what stands in it so far.

    `first` is the token it starts with (the name of a call), `opening` the bracket itself; an index has the `base` it is an index of.
    While an argument `name=…` is being read, `binding` is its name and `lower` the beginning of its range.
    """

    power: ClassVar[int] = 0
    deep: ClassVar[int] = 1
    kind: str
    first: Token
    opening: Token
    base: Node | None = None
    base_start: int = -1
    items: list[Node] = field(default_factory=list)
    keywords: list[tuple[str, Node]] = field(default_factory=list)
    rows: list[tuple[Node, ...]] = field(default_factory=list)
    binding: Token | None = None
    lower: Node | None = None

    @property
    def closing(self) -> str:
        return ")" if self.opening.value == "(" else "]"

    @property
    def start(self) -> int:
        return self.base_start if self.base is not None else self.first.start

    def add(self, item: Node, end: int) -> None:
        """One more item, complete at `end`."""
        if self.binding is None:
            self.items.append(item)
        elif self.lower is None:
            self.keywords.append((self.binding.value, item))
        else:
            self.items.append(Binding(self.binding.value, self.lower, item, self.binding.start, end))
        self.binding = self.lower = None

    def end_row(self) -> None:
        self.rows.append(tuple(self.items))
        self.items = []

    def node(self, end: int) -> Node:
        """What the brackets and all in them are, closed at `end`."""
        if self.kind == "group":
            return self.items[0]
        if self.kind == "call":
            return Call(self.first.value, tuple(self.items), tuple(self.keywords), self.first.start, end)
        if self.kind == "index":
            assert self.base is not None
            return Index(self.base, tuple(self.items), self.start, end)
        if self.rows:
            return Rows((*self.rows, tuple(self.items)), self.start, end)
        return List(tuple(self.items), self.start, end)

    def close(self, operand: Node, end: int) -> Node:
        raise AssertionError("brackets are closed by brackets")


Open = Union[Signed, Raised, Chained, Compared, Choice, Bracket]
