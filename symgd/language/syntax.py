"""The syntax tree of a formula: what was written, before any name is looked up.

Both syntaxes, infix and LaTeX, are read into it. Every node knows its place, `text[start:end]`, brackets around it left out. Equality
looks at the place too. A tree may be 10⁵ levels deep: walk it with a stack or with `trampoline`, never with Python's own recursion.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Union


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number: `0.1` is 1/10."""

    value: Fraction
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Name:
    """A name in its normal form, undecided whether variable, dimension, index or constant."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Prefix:
    """A sign, `-` or `+`, before its operand."""

    operator: str
    operand: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Transpose:
    """`operand'` or `operand.T`."""

    operand: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Power:
    """`base ^ exponent`; the operator is `^`, `**` or `.^`."""

    operator: str
    base: Node
    exponent: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands of one precedence from left to right: `first op node op node …`, with the place of each operator.

    The operators are of {`+`, `-`} or of {`*`, `@`, `/`, `\\`, `.*`, `./`}. A sum of ten thousand terms is one node.
    """

    first: Node
    rest: tuple[tuple[str, int, Node], ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left < right`: a condition, of a conditional only. The operator, `< <= > >= == !=`, stands at `operator_start`."""

    operator: str
    operator_start: int
    left: Node
    right: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Conditional:
    """`value if condition else otherwise`."""

    value: Node
    condition: Node
    otherwise: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Binding:
    """`i=1..n` as an argument: an index and the whole numbers it runs over, both ends included; None where they are to be inferred."""

    name: str
    lower: Node | None
    upper: Node | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call:
    """`name(argument, …, keyword=value)`; the name is at `start`."""

    name: str
    arguments: tuple[Node, ...]
    keywords: tuple[tuple[str, Node], ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Index:
    """`base[index, …]`; indices count from 1."""

    base: Node
    indices: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class List:
    """`[item, …]`: a vector, or a matrix where the items are lists."""

    items: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rows:
    """`[item, …; item, …]`: a matrix of numbers or of blocks, by rows."""

    rows: tuple[tuple[Node, ...], ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Let:
    """The body with each name standing for a value: a whole number may be a subscript. Written in LaTeX only, as a sum over a set."""

    body: Node
    names: tuple[str, ...]
    values: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class At:
    """The body, derived by its names where it says so, at the values: f'(3). Written in LaTeX only; `each`: entry by entry of a value."""

    body: Node
    names: tuple[str, ...]
    values: tuple[Node, ...]
    each: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Equation:
    """`left = right`, a claim; never inside another node."""

    left: Node
    right: Node
    start: int
    end: int


Node = Union[Number, Name, Prefix, Transpose, Power, Chain, Comparison, Conditional, Binding, Call, Index, List, Rows, Let, At]


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly inside, from left to right."""
    if isinstance(node, Chain):
        return (node.first, *[operand for _, _, operand in node.rest])
    if isinstance(node, Number | Name):
        return ()
    if isinstance(node, Prefix | Transpose):
        return (node.operand,)
    if isinstance(node, Power):
        return (node.base, node.exponent)
    if isinstance(node, Comparison):
        return (node.left, node.right)
    if isinstance(node, Conditional):
        return (node.value, node.condition, node.otherwise)
    if isinstance(node, Binding):
        return tuple(bound for bound in (node.lower, node.upper) if bound is not None)
    if isinstance(node, Call):
        return (*node.arguments, *[value for _, value in node.keywords])
    if isinstance(node, Index):
        return (node.base, *node.indices)
    if isinstance(node, List):
        return node.items
    if isinstance(node, Let | At):
        return (*node.values, node.body)
    return tuple(item for row in node.rows for item in row)


def nodes_of(root: Node) -> list[Node]:
    """The node and all inside it, those that stand higher first."""
    found = [root]
    for node in found:
        found.extend(children(node))
    return found


def names_in(*nodes: Node) -> dict[str, Name]:
    """Every name that stands for a value, with its first place."""
    found: dict[str, Name] = {}
    waiting = list(reversed(nodes))
    while waiting:
        node = waiting.pop()
        if isinstance(node, Name):
            found.setdefault(node.name, node)
        else:
            waiting.extend(reversed(children(node)))
    return found
