"""Which index is bound by which call, and where it is used: known before anything is elaborated, from the syntax alone.

    sum(i, x[i]^2)   sum(i=1..n, j=1..m, …)   sum(x[i], i, 1, n)   prod(i, …)   array(i, j, …)   mean(i, …)   max(i=1..n, …)

A range that is not stated is inferred from the entries `x[i]` in the body; those are collected here, in one pass over the tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from symgd.language.syntax import Binding, Call, Index, Name, Node, children, names_in

BINDERS = frozenset({"sum", "prod", "array", "mean", "max", "min", "lse"})
_LEADING = frozenset({"sum", "prod", "array", "mean"})  # those that take `sum(i, body)`: max(x, y) is the larger of two numbers
OF_SIZES = frozenset({"eye", "ones", "zeros", "commut"})
_LONGEST_BASE = 2000  # characters: of a longer array with an index the range is to be stated


@dataclass(frozen=True, slots=True)
class Bound:
    """One index of a binder, at its place in the text; the ends of its range where they are stated."""

    name: str
    lower: Node | None
    upper: Node | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Binder:
    """A call that binds indices in its body."""

    indices: tuple[Bound, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class Use:
    """`node.indices[axis]` contains the index; `is_closed`: the array itself contains no index bound inside the binder."""

    node: Index
    axis: int
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Outline:
    """What one pass over a tree finds: the uses of every bound index, by the identity of its call, and names that stand as sizes."""

    uses: dict[int, dict[str, list[Use]]] = field(default_factory=dict)
    sizes: dict[str, Name] = field(default_factory=dict)


def binder_of(call: Call) -> Binder | None:
    """The indices and the body, where the call binds any."""
    if call.name not in BINDERS:
        return None
    stated = [a for a in call.arguments if isinstance(a, Binding)]
    rest = [a for a in call.arguments if not isinstance(a, Binding)]
    if stated:
        if not rest or not all(isinstance(a, Name) for a in rest[:-1]):
            return None
        body = rest[-1]
        named = [a for a in call.arguments if a is not body]
        return Binder(tuple(_bound(a) for a in named if isinstance(a, Name | Binding)), body)
    if call.name not in _LEADING or len(rest) < 2:
        return None
    if all(isinstance(a, Name) for a in rest[:-1]):
        return Binder(tuple(_bound(a) for a in rest[:-1] if isinstance(a, Name)), rest[-1])
    if len(rest) == 4 and isinstance(index := rest[1], Name):
        return Binder((Bound(index.name, rest[2], rest[3], index.start, index.end),), rest[0])
    return None


def outline(root: Node) -> Outline:
    """One pass over the tree: see `Outline`."""
    found = Outline()
    scope: dict[str, list[tuple[int, list[Use]]]] = {}  # index name → depth and uses of the calls around that bind it
    depth = 0
    waiting: list[Node | tuple[str, ...]] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            for name in node:
                scope[name].pop()
            depth -= 1
            continue
        if isinstance(node, Index):
            _note_uses(node, scope)
        elif isinstance(node, Call):
            binder = binder_of(node)
            if binder:
                ends = [end for bound in binder.indices for end in (bound.lower, bound.upper) if end is not None]
                found.sizes.update(names_in(*ends))
                depth += 1
                uses = found.uses.setdefault(id(node), {bound.name: [] for bound in binder.indices})
                for name, noted in uses.items():
                    scope.setdefault(name, []).append((depth, noted))
                waiting += [tuple(uses), binder.body]
                continue
            if node.name in OF_SIZES:
                found.sizes.update(names_in(*node.arguments))
        waiting.extend(reversed(children(node)))
    for name in [name for name in found.sizes if name in scope]:
        del found.sizes[name]
    return found


def _bound(node: Name | Binding) -> Bound:
    if isinstance(node, Name):
        return Bound(node.name, None, None, node.start, node.end)
    return Bound(node.name, node.lower, node.upper, node.start, node.start + len(node.name))


def _note_uses(node: Index, scope: dict[str, list[tuple[int, list[Use]]]]) -> None:
    inside: int | None = None  # the depth of the innermost binder whose index the array itself contains; found when first needed
    for axis, subscript in enumerate(node.indices):
        for name in names_in(subscript):
            if not scope.get(name):
                continue
            if inside is None:
                inside = _depth(node.base, scope)
            depth, uses = scope[name][-1]
            uses.append(Use(node, axis, inside < depth))


def _depth(base: Node, scope: dict[str, list[tuple[int, list[Use]]]]) -> int:
    if base.end - base.start > _LONGEST_BASE:
        return 1 << 60
    return max((scope[name][-1][0] for name in names_in(base) if scope.get(name)), default=0)
