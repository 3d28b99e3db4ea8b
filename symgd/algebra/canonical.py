"""The canonical form: one expression for all orders of terms and factors, for transposes of symmetric matrices, for cyclic traces.

Equal canonical forms prove equality; different ones prove nothing. Sums and factors are sorted by digest, summed labels by
what they connect (colour refinement), so the form is the same in every process.
"""

from __future__ import annotations

from symgd.algebra import expression as ex
from symgd.algebra.expression import Add, Contract, Expression, Leaf

SYMMETRIC = ("symmetric", "spd", "diagonal")


def is_symmetric(node: Expression) -> bool:
    """Is it declared equal to its transpose?"""
    return isinstance(node, Leaf) and any(flag in node.kind for flag in SYMMETRIC)


def canonical(root: Expression, done: dict[Expression, Expression] | None = None) -> Expression:
    """The canonical form; `done` may be kept between calls to share work."""
    done = {} if done is None else done
    for node in ex.topological(root) if root not in done else ():
        if node in done:
            continue
        children = [done[child] for child in node.children]
        if isinstance(node, Add):
            terms = sorted(zip(node.coefficients, children), key=lambda term: term[1].digest)
            done[node] = ex.add([ex.scaled(c, child) for c, child in terms])
        elif isinstance(node, Contract):
            done[node] = _sorted(node, children)
        else:
            done[node] = ex.rebuilt(node, children)
    return done[root]


def _sorted(node: Contract, children: list[Expression]) -> Expression:
    factors = list(zip(children, node.labels))
    colour: dict[int, int] = {}
    for label, dimension in node.dimensions().items():
        colour[label] = hash((label,)) if label < node.rank else int.from_bytes(str(dimension).encode()[:7], "big")
    for _ in range(min(len(factors), 4)):
        marks: dict[int, list[tuple[bytes, int, tuple[int, ...]]]] = {label: [] for label in colour}
        for child, labels in factors:
            symmetric = is_symmetric(child)
            around = tuple(sorted(colour[x] for x in labels)) if symmetric else tuple(colour[x] for x in labels)
            for position, label in enumerate(labels):
                marks[label].append((child.digest, 0 if symmetric else position, around))
        colour = {label: hash((colour[label], *(_number(m) for m in sorted(found)))) for label, found in marks.items()}

    def turned(child: Expression, labels: tuple[int, ...]) -> tuple[Expression, tuple[int, ...]]:
        return (child, tuple(sorted(labels, key=lambda x: (x >= node.rank, colour[x])))) if is_symmetric(child) else (child, labels)

    ordered = sorted((turned(*factor) for factor in factors), key=lambda f: (f[0].digest, tuple(colour[x] for x in f[1])))
    return ex.contract(node.coefficient, ordered, range(node.rank), node.dimensions())


def _number(mark: tuple[bytes, int, tuple[int, ...]]) -> int:
    """A hash of whole numbers only: Python salts the hashes of bytes, not those of numbers."""
    digest, position, around = mark
    return hash((int.from_bytes(digest, "big"), position, around))
