"""Random expressions that use every node class, and values for their leaves."""

from __future__ import annotations

import random

import numpy as np

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.functions.table import F, elementwise, row

NAMES = ("m", "n", "k")
ELEMENTWISE = ("exp", "tanh", "sigmoid", "sin", "softplus", "relu", "abs")


def dimension(rng: random.Random) -> Dimension:
    """Mostly a name, sometimes a number or a name plus one."""
    name = Dimension.of(rng.choice(NAMES))
    return rng.choice([name, name, name, Dimension.of(rng.choice([2, 3])), name + 1, name - 1])


class Maker:
    """Expressions over a growing pool of leaves, whose dimensions are given `sizes`."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.sizes = {name: self.rng.choice([2, 3, 4]) for name in NAMES}
        self.leaves: dict[str, ex.Leaf] = {}
        self.values: dict[str, np.ndarray] = {}
        self.numbers = np.random.default_rng(seed)
        self.pool: list[ex.Expression] = []

    def leaf(self, shape) -> ex.Expression:
        same = [leaf for leaf in self.leaves.values() if leaf.shape == shape]
        if same and self.rng.random() < 0.6:
            return self.rng.choice(same)
        leaf = ex.leaf(f"x{len(self.leaves)}", shape)
        self.leaves[leaf.name] = leaf
        self.values[leaf.name] = self.numbers.uniform(0.3, 1.5, [length.evaluate(self.sizes) for length in shape]) * self.numbers.choice(
            [-1, 1]
        )
        return leaf

    def shape(self, most: int = 2):
        return tuple(dimension(self.rng) for _ in range(self.rng.randint(0, most)))

    def expression(self, shape, depth: int) -> ex.Expression:
        """An expression of this shape."""
        same = [node for node in self.pool if node.shape == shape]
        if same and self.rng.random() < 0.25:
            return self.rng.choice(same)
        if depth == 0:
            made = self.atom(shape)
        else:
            made = self.rng.choice(
                [self.add, self.map, self.contract, self.contract, self.contract, self.stack, self.along, self.power, self.matrix]
            )(shape, depth)
        self.pool.append(made)
        return made

    def atom(self, shape):
        choice = self.rng.random()
        if choice < 0.1:
            return ex.full(self.rng.choice([2, -1]), shape)
        if choice < 0.2 and len(shape) == 1:
            return ex.counter(Dimension.of(1), shape[0])
        if choice < 0.3 and len(shape) >= 1:
            return self.select(shape)
        if choice < 0.4 and not shape:
            return self.rng.choice(
                [
                    ex.irrational("pi"),
                    ex.size(dimension(self.rng)),
                    ex.constant(ex.Fraction(1, 3)),
                    ex.power(ex.size(Dimension.of("m")), -1),
                ]
            )
        return self.leaf(shape)

    def select(self, shape):
        offset = Dimension.of(self.rng.choice([0, 1]))
        coefficients = tuple(self.rng.choice([1, 1, 1, 2, -1]) for _ in shape[1:])
        if -1 in coefficients:
            offset = offset + shape[0] - 1
        return ex.select(shape[0], offset, coefficients, shape[1:])

    def add(self, shape, depth):
        terms = [self.expression(shape if self.rng.random() < 0.8 else (), depth - 1) for _ in range(self.rng.randint(2, 3))]
        terms.append(self.expression(shape, depth - 1))
        return ex.add([ex.scaled(ex.Fraction(self.rng.choice([1, 1, -1, 2, -3]), self.rng.choice([1, 1, 2, 3])), term) for term in terms])

    def map(self, shape, depth):
        inner = self.expression(shape, depth - 1)
        if self.rng.random() < 0.3:
            other = self.expression(shape if self.rng.random() < 0.7 else (), depth - 1)
            return self.rng.choice(
                [lambda: ex.apply(elementwise("max"), inner, other), lambda: F.where(F.less(inner, other), inner, ex.constant(2))]
            )()
        return ex.apply(elementwise(self.rng.choice(ELEMENTWISE)), inner)

    def power(self, shape, depth):
        inner = self.expression(shape, depth - 1)
        base = ex.add((ex.power(inner, 2), ex.constant(1)))
        return ex.power(base, self.rng.choice([-1, 2, 3, -2, ex.Fraction(1, 2), ex.Fraction(-1, 2), ex.Fraction(1, 3), 5]))

    def stack(self, shape, depth):
        if not shape or shape[0].constant is None:
            return self.contract(shape, depth)
        return ex.stack([self.expression(shape[1:], depth - 1) for _ in range(shape[0].constant)])

    def along(self, shape, depth):
        name = self.rng.choice(["lse", "softmax", "amax"])
        if name == "softmax":
            return ex.along(row(name), self.expression(shape, depth - 1)) if shape else self.map(shape, depth)
        return ex.along(row(name), self.expression((*shape, dimension(self.rng)), depth - 1))

    def matrix(self, shape, depth):
        length = shape[-1] if len(shape) > 1 and shape[-1] == shape[-2] else None
        if length is None and shape:
            return self.contract(shape, depth)
        length = length or dimension(self.rng)
        inner = self.expression((length, length), depth - 1)
        body = ex.add((ex.scaled(ex.Fraction(4), ex.identity(length)), ex.apply(elementwise("tanh"), inner)))
        made = ex.of_matrix(row("inv" if shape else "det"), body)
        return made

    def contract(self, shape, depth):
        """A product of up to four factors with random labels; some are deltas, some labels are broadcast."""
        sizes = dict(enumerate(shape))
        for label in range(len(shape), len(shape) + self.rng.randint(0, 3)):
            sizes[label] = dimension(self.rng)
        factors = []
        for _ in range(self.rng.randint(1, 4)):
            labels = [self.rng.choice(list(sizes)) for _ in range(self.rng.randint(0, min(3, len(sizes))))]
            inner = tuple(sizes[label] for label in labels)
            if labels and self.rng.random() < 0.35:
                child: ex.Expression = self.select(inner)
            else:
                child = self.expression(inner, depth - 1 if len(labels) < 3 else 0)
            factors.append((child, labels))
        carried = {label for _, labels in factors for label in labels}
        sizes = {label: length for label, length in sizes.items() if label < len(shape) or label in carried}
        return ex.contract(ex.Fraction(self.rng.choice([1, 2, -1]), self.rng.choice([1, 3])), factors, range(len(shape)), sizes)
