"""Which factors of a product summed labels connect."""

from __future__ import annotations

from collections.abc import Sequence


def connected(factors: Sequence[Sequence[int]], rank: int) -> list[list[int]]:
    """The positions of factors, given by their labels, in groups that labels from `rank` on connect; others are left out."""
    above: dict[int, int] = {}

    def top(x: int) -> int:
        while above[x] != x:
            above[x] = x = above[above[x]]
        return x

    summed = [[x for x in labels if x >= rank] for labels in factors]
    for labels in summed:
        for x in labels:
            above.setdefault(x, x)
            above[top(x)] = top(labels[0])
    found: dict[int, list[int]] = {}
    for k, labels in enumerate(summed):
        if labels:
            found.setdefault(top(labels[0]), []).append(k)
    return list(found.values())
