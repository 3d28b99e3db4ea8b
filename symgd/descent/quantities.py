"""What methods ask of a loss beside its value and gradient, as functions of the point: each is derived from a `Split`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from symgd.algebra import expression as ex
from symgd.algebra.expression import Expression, Leaf
from symgd.algebra.simplify import simplified_all
from symgd.descent.split import Split

Derived = tuple[Sequence[Expression], Sequence[Leaf]]  # the results, and the variables that they have beside those of the loss


def _directions(split: Split) -> list[Leaf]:
    """A variable for the direction of every parameter; no text of a formula can have its name."""
    return [ex.leaf(f"along {leaf.name}", leaf.shape) for leaf in split.parameters]


def _hessian(split: Split) -> Derived:
    slopes = split.gradient(split.value)
    return simplified_all([split.jacobian(slope, leaf) for slope in slopes for leaf in split.parameters]), ()


def _product(split: Split) -> Derived:
    directions = _directions(split)
    return split.gradient(split.along(split.value, directions)), directions


def _line(split: Split) -> Derived:
    directions = _directions(split)
    slope = simplified_all([split.along(split.value, directions)])[0]
    return simplified_all([split.value, slope, split.along(slope, directions)]), directions


def _terms(split: Split) -> Derived:
    return [ex.scaled(coefficient, node) for coefficient, node in ex.terms(split.value)], ()


QUANTITIES: Mapping[str, Callable[[Split], Derived]] = {
    "hessian": _hessian,  # ∂²f/∂a∂b for every pair of parameters, row by row
    "product": _product,  # the Hessian times a direction; the Hessian itself is never formed
    "line": _line,  # the loss, and its first and second derivative along a direction; no gradient by all parameters is formed
    "terms": _terms,  # the terms of the loss
}
