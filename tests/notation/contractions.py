"""Random contractions of random arrays: what no author writes, and derivatives produce."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension, Shape
from symgd.algebra.expression import Expression
from symgd.algebra.functions.table import F

DIMENSIONS = tuple(map(Dimension.of, ("m", "n", "p")))
SIZES = {"m": 2, "n": 3, "p": 1}
_NAMES = ("cde", "uvwxyz", "ABCGH", "TUVWXY")


class Maker:
    """One random expression; names stand for one shape each."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.names: dict[tuple[Shape, int], str] = {}

    def shape(self) -> Shape:
        return tuple(self.dimension() for _ in range(self.random.choice((0, 0, 1, 1, 2, 2, 2))))

    def dimension(self) -> Dimension:
        return self.random.choice(DIMENSIONS)

    def leaf(self, shape: Shape) -> Expression:
        key = (shape, self.random.randrange(2))
        letters = _NAMES[len(shape)]
        name = self.names.setdefault(key, f"{letters[len(self.names) % len(letters)]}_{len(self.names)}")
        return ex.leaf(name, shape)

    def make(self, shape: Shape, depth: int) -> Expression:
        chance = self.random.random()
        if depth <= 0 or chance < 0.25:
            return self.leaf(shape)
        if chance < 0.4:
            inner = self.make(shape, depth - 1)
            return self.random.choice((F.tanh, F.exp, lambda x: x**2, lambda x: F.sigmoid(x) ** -1, lambda x: (x**2 + 1) ** -2))(inner)
        if chance < 0.55:
            parts = [
                self.random.choice((1, -1, 2, -3)) * self.make(shape if self.random.random() < 0.9 else (), depth - 1) for _ in range(2)
            ]
            return ex.add([*parts, self.leaf(shape)])
        if chance < 0.62 and len(shape) == 2 and shape[0] == shape[1]:
            definite = 3 * ex.identity(shape[0]) + F.tanh(self.make(shape, depth - 1))
            return self.random.choice((ex.identity(shape[0]), F.inv(definite)))
        if chance < 0.66 and len(shape) < 2:
            return F.norm2(self.make((*shape, self.dimension()), depth - 1))
        if chance < 0.7 and shape and len(shape) < 3:
            return F.softmax(self.make(shape, depth - 1))
        if chance < 0.73 and len(shape) == 2:
            return ex.transposed(F.softmax(self.make(shape[::-1], depth - 1)), (1, 0))
        return self.contraction(shape, depth)

    def contraction(self, shape: Shape, depth: int) -> Expression:
        sizes = dict(enumerate(shape))
        for k in range(self.random.randint(0, 3)):
            sizes[len(shape) + k] = self.dimension()
        factors = []
        for _ in range(self.random.randint(1, 4)):
            rank = self.random.choice((0, 1, 1, 2, 2, 2, 3) if self.random.random() < 0.2 else (0, 1, 1, 2, 2)) if sizes else 0
            labels = [self.random.choice(list(sizes)) for _ in range(rank)]
            factors.append((self.make(tuple(sizes[label] for label in labels), depth - 1), labels))
        coefficient = self.random.choice((Fraction(1), Fraction(1), Fraction(-1), Fraction(2), Fraction(1, 2), Fraction(-3, 4)))
        return ex.contract(coefficient, factors, range(len(shape)), sizes)
