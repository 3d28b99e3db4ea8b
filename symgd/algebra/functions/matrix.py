"""Functions of a square matrix, the last two axes of an array: inverse, determinant, log-determinant.

`pullback(g, x, y)` is the adjoint of x, with leading axes o… of g and batch axes b…: see `expression.product`.
Balls are `flint.arb_mat`, or exact `flint.fmpq_mat`; a matrix that is or may be singular raises ZeroDivisionError.
"""

from __future__ import annotations

from typing import Any

from symgd.algebra.expression import Expression, product
from symgd.algebra.functions.row import OfMatrix
from symgd.algebra.functions.writing import F


def _inverse_back(g: Expression, x: Expression, y: Expression) -> Expression:
    """−Y′ G Y′."""
    return -product("obij", (y, "bpi"), (g, "obpq"), (y, "bjq"))


def _determinant_back(g: Expression, x: Expression, y: Expression) -> Expression:
    """g · det(X) · X⁻ᵀ."""
    return product("obij", (g, "ob"), (y, "b"), (F.inv(x), "bji"))


def _logdet_back(g: Expression, x: Expression, y: Expression) -> Expression:
    """g · X⁻ᵀ."""
    return product("obij", (g, "ob"), (F.inv(x), "bji"))


def _logdet_ball(x: Any) -> Any:
    from flint import arb

    determinant = x.det()
    if determinant == 1:
        return determinant - 1
    return arb(determinant).log() if determinant > 0 else arb("nan")


# fmt: off
ROWS = (
    OfMatrix(
        name="inv", aliases=(), keeps_axes=True, domain="det(x) != 0", pullback=_inverse_back,
        torch="torch.linalg.inv({0})", accurate="f.inv({0})", ball=lambda x: x.inv(),
        latex=r"\left({0}\right)^{-1}", source="Petersen, Pedersen, The Matrix Cookbook (2012), 40, 124",
    ),
    OfMatrix(
        name="det", aliases=(), keeps_axes=False, domain="", pullback=_determinant_back,
        torch="torch.linalg.det({0})", accurate="torch.linalg.det({0})", ball=lambda x: x.det(),
        latex=r"\det\left({0}\right)", source="Petersen, Pedersen, The Matrix Cookbook (2012), 41, 49",
    ),
    OfMatrix(
        name="logdet", aliases=(), keeps_axes=False, domain="det(x) > 0", pullback=_logdet_back,
        torch="f.logdet({0})", accurate="f.logdet({0})", ball=_logdet_ball,
        latex=r"\log\det\left({0}\right)", source="Petersen, Pedersen, The Matrix Cookbook (2012), 43, 57",
    ),
)
