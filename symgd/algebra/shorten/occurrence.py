"""Where a product stands inside another one: the parts, and the labels, that spell it."""

from __future__ import annotations

from collections import Counter

from symgd.algebra.canonical import is_symmetric
from symgd.algebra.shorten.product import Part, Product

TRIED = 200


def occurrence(
    pattern: Product, product: Product, known: dict[int, int], apart: Part, symmetry: bool
) -> tuple[list[Part], dict[int, int]] | None:
    """The parts of the product (other than `apart`) that are the pattern, and what its labels are called there.

    `known` fixes some of its labels. What the pattern sums over must be summed there too, and stand on no other part.
    """
    candidates = [part for part in product.parts if part is not apart]
    carriers = product.carriers
    tried = 0

    def extend(k: int, taken: list[Part], names: dict[int, int]) -> tuple[list[Part], dict[int, int]] | None:
        nonlocal tried
        tried += 1
        if tried > TRIED:
            return None
        if k == len(pattern.parts):
            own = Counter(x for part in taken for x in part.labels)
            inner = [names[x] for x in names if x >= pattern.rank]
            closed = all(x >= product.rank and own[x] == carriers[x] for x in inner) and len(set(names.values())) == len(names)
            return (taken, names) if closed and all(axis in names for axis in range(pattern.rank)) else None
        wanted = pattern.parts[k]
        for part in candidates:
            if part.base is not wanted.base or part.exponent != wanted.exponent or any(part is one for one in taken):
                continue
            ways = [part.labels]
            if len(part.labels) == 2 and is_symmetric(part.base, symmetry):
                ways.append(part.labels[::-1])
            for labels in ways:
                called = dict(names)
                if all(called.setdefault(x, y) == y for x, y in zip(wanted.labels, labels)):
                    found = extend(k + 1, [*taken, part], called)
                    if found is not None:
                        return found
        return None

    return extend(0, [], dict(known))
