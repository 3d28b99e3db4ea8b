"""Letters for bound indices: i, j, k, … without those that the formula uses for something else."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count

from symgd.algebra.expression import Expression, Leaf, Unknown, topological
from symgd.calculus.steps.pending import Pending

_PREFERRED = "ijklpqrstuvwabcdgmnxyz"


def used_names(root: Expression) -> set[str]:
    """Every name that stands in the formula: variables, unknown functions, dimensions."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        for node in topological(waiting.pop()):
            if isinstance(node, Pending):
                waiting += node.arguments
            elif isinstance(node, Leaf | Unknown):
                found.add(node.name)
            for dimension in node.shape:
                found.update(dimension.names)
    return found


def names_in(variables: Iterable[Leaf]) -> set[str]:
    """The names of variables, and of the dimensions in their declarations."""
    return {name for leaf in variables for name in (leaf.name, *(name for size in leaf.shape for name in size.names))}


class Letters:
    """The letter of each depth of binders: an index that stands inside another has another letter."""

    def __init__(self, avoided: Iterable[str]) -> None:
        self.avoided = set(avoided)
        self._found = [letter for letter in _PREFERRED if letter not in self.avoided]
        self._numbered = (f"i{k}" for k in count(1))

    def step(self) -> str:
        """A name for a small number h, which no index has."""
        return next(name for name in chain(["h"], (f"h{k}" for k in count(1))) if name not in self.avoided)

    def __getitem__(self, level: int) -> str:
        while level >= len(self._found):
            name = next(self._numbered)
            if name not in self.avoided:
                self._found.append(name)
        return self._found[level]
