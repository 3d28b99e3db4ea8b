"""The squares that a loss over samples is a sum of: those of every sample, and those that are functions of sums over the samples."""

from __future__ import annotations

from dataclasses import dataclass

from symgd.algebra.expression import Expression
from symgd.algebra.simplify import simplified_all
from symgd.descent.split import Split, runs_over
from symgd.descent.squares import squares
from symgd.errors import ValueGivenError
from symgd.lowering.stable.rewrite import stable


@dataclass(frozen=True, slots=True)
class Square:
    """weight · residual², and the derivative of the residual by each parameter."""

    weight: Expression
    residual: Expression
    slopes: list[Expression]


@dataclass(frozen=True, slots=True)
class Squares:
    """The squares that a loss is a sum of: `rows` run over the samples, `level` do not, they are functions of sums."""

    split: Split
    rows: list[Square]
    level: list[Square]

    @property
    def is_linear(self) -> bool:
        """Are the residuals linear in the parameters?"""
        return not self.split.holds(*(slope for one in (*self.rows, *self.level) for slope in one.slopes))


def squares_over(split: Split, root: Expression) -> Squares | None:
    """The squares that a loss is a sum of; None where it is not seen to be one, or those of a sample stand beside a sum over all."""
    assert split.dimension is not None
    parts, rows, level = squares(root, split.parameters), list[Square](), list[Square]()
    for part in parts or ():
        try:
            weight, residual = split.opened([part.weight, part.residual])
        except ValueGivenError:
            return None
        (residual,) = stable([residual], for_deriving=True)
        slopes = simplified_all([split.jacobian(residual, leaf) for leaf in split.parameters])
        runs = runs_over(residual, split.dimension)
        if runs and split.used(weight, residual):
            return None
        (rows if runs else level).append(Square(weight, residual, slopes))
    return Squares(split, rows, level) if parts else None
