"""Functions of the last axis of an array: log-sum-exp, softmax, norms, product, largest and smallest entry.

`pullback(g, x, y)` is the adjoint of x: x has axes b…i, y has b… (or b…i where the axis is kept), g has any leading axes o…
before those of y. Balls are lists of `flint.arb` or exact `flint.fmpq`, so that what is rational stays exact.
The language writes `amax`, `amin` as `max`, `min` of one array. The norm of a matrix is `norm2` along its last axis, twice.
"""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any

from symgd.algebra.expression import Expression, identity, product
from symgd.algebra.functions.row import Along
from symgd.algebra.functions.writing import F

_VECTORS = (("0.5", "-1.25", "3"), ("1e-9", "2e-9", "-1e-9"), ("100", "99.5", "-3"), ("-7",))


def _softmax_back(g: Expression, x: Expression, y: Expression) -> Expression:
    """y ∘ (g − ⟨g, y⟩)."""
    inner = product("ob", (g, "obi"), (y, "bi"))
    return product("obi", (g, "obi"), (y, "bi")) - product("obi", (inner, "ob"), (y, "bi"))


def _logsoftmax_back(g: Expression, x: Expression, y: Expression) -> Expression:
    """g − (Σ g)·softmax(x)."""
    return g - product("obi", (product("ob", (g, "obi")), "ob"), (F.softmax(x), "bi"))


def _norm2_back(g: Expression, x: Expression, y: Expression) -> Expression:
    """g·x/‖x‖."""
    return product("obi", (g, "ob"), (x, "bi"), (y**-1, "b"))


def _others(x: Expression) -> Expression:
    """Axes b…ij: x_j, and 1 where j = i. The product along j is that of the entries other than i, right also where entries are 0."""
    own = identity(x.shape[-1])
    return product("bij", (x, "bj"), (1 - own, "ij")) + product("bij", (x**0, "bj"), (own, "ij"))


def _share_back(g: Expression, x: Expression, y: Expression) -> Expression:
    return g * 0


def _largest(entries: list[Any]) -> Any:
    return reduce(_max, entries)


def _max(a: Any, b: Any) -> Any:
    """The larger of two exact numbers or balls."""
    if a >= b:
        return a
    return b if b >= a else _ball(a, b).max(_ball(b, a))


def _ball(value: Any, other: Any) -> Any:
    """An exact number as a ball, of the type of the other; at least one is a ball."""
    return value if hasattr(value, "rad") else type(other)(value)


def _exp(value: Any) -> Any:
    """exp, exact at 0."""
    from flint import arb

    return value**0 if value == 0 and not hasattr(value, "rad") else arb(value).exp()


def _sum(entries: list[Any]) -> Any:
    return reduce(operator.add, entries)


def _product(entries: list[Any]) -> Any:
    from flint import fmpq

    return reduce(operator.mul, entries, fmpq(1))


def _softmax_ball(x: list[Any]) -> list[Any]:
    # 1/Σ exp(x_j − x_i) has no cancellation, and is exact where all entries are equal.
    return [1 / _sum([_exp(other - entry) for other in x]) for entry in x]


def _lse_ball(x: list[Any]) -> Any:
    top = _largest(x)
    total = _sum([_exp(entry - top) for entry in x])
    from flint import arb

    return top + (total - total if total == 1 else arb(total).log())


def _norm2_ball(x: list[Any]) -> Any:
    from flint import arb

    total = _sum([entry * entry for entry in x])
    if hasattr(total, "rad"):
        return total.nonnegative_part().sqrt()
    top, bottom = total.numer().isqrt(), total.denom().isqrt()
    exact = top * top == total.numer() and bottom * bottom == total.denom()
    return type(total)(top, bottom) if exact else arb(total).sqrt()


def _shares(x: list[Any], sign: int) -> list[Any]:
    """1/(number of ties) at each largest entry; the hull of all outcomes where balls overlap."""
    from flint import arb, fmpq

    if any(hasattr(entry, "rad") and entry.is_nan() for entry in x):
        return [arb("nan")] * len(x)
    x = [sign * entry for entry in x]
    out: list[Any] = []
    for i, entry in enumerate(x):
        rest = [other for j, other in enumerate(x) if j != i]
        if any(other > entry for other in rest):
            out.append(fmpq(0))
        elif all(other <= entry or other == entry for other in rest):
            ties = [other for other in rest if not other < entry]
            known = all(other == entry for other in ties)
            out.append(fmpq(1, 1 + len(ties)) if known else arb(fmpq(1, 1 + len(ties))).union(arb(1)))
        else:
            out.append(arb(0).union(arb(1)))
    return out


# fmt: off
ROWS = (
    Along(
        name="lse", aliases=("logsumexp",), keeps_axis=False, domain="",
        pullback=lambda g, x, y: product("obi", (g, "ob"), (F.softmax(x), "bi")),
        torch="torch.logsumexp({0}, dim=-1)", accurate="f.lse({0})", ball=_lse_ball,
        latex=r"\operatorname{lse}\left({0}\right)", convention="", hard=(*_VECTORS, ("1000", "1000", "-1000"), ("-800", "-801")),
        source="Boyd, Vandenberghe, Convex Optimization (2004), 3.1.5",
    ),
    Along(
        name="softmax", aliases=(), keeps_axis=True, domain="", pullback=_softmax_back,
        torch="torch.softmax({0}, dim=-1)", accurate="torch.softmax({0}, dim=-1)", ball=_softmax_ball,
        latex=r"\operatorname{softmax}\left({0}\right)", convention="",
        hard=(*_VECTORS, ("1000", "1000", "-1000"), ("0", "-80"), ("30", "-700")),
        source="Bishop, Pattern Recognition and Machine Learning (2006), 4.106",
    ),
    Along(
        name="logsoftmax", aliases=(), keeps_axis=True, domain="", pullback=_logsoftmax_back,
        torch="torch.log_softmax({0}, dim=-1)", accurate="f.logsoftmax({0})",
        ball=lambda x: [-_lse_ball([other - entry for other in x]) for entry in x],
        latex=r"\operatorname{logsoftmax}\left({0}\right)", convention="",
        hard=(*_VECTORS, ("1000", "1000", "-1000"), ("0", "-40"), ("30", "-700")),
        source="Goodfellow, Bengio, Courville, Deep Learning (2016), 6.30",
    ),
    Along(
        name="norm1", aliases=(), keeps_axis=False, domain="",
        pullback=lambda g, x, y: product("obi", (g, "ob"), (F.sign(x), "bi")),
        torch="torch.sum(torch.abs({0}), dim=-1)", accurate="torch.sum(torch.abs({0}), dim=-1)",
        ball=lambda x: _sum([abs(entry) for entry in x]),
        latex=r"\left\lVert{0}\right\rVert_1", convention="the derivative by an entry that is 0 is 0", hard=(*_VECTORS, ("0", "2", "0")),
        source="Boyd, Vandenberghe, Convex Optimization (2004), A.1.2",
    ),
    Along(
        name="norm2", aliases=(), keeps_axis=False, domain="",
        pullback=_norm2_back,
        torch="torch.linalg.vector_norm({0}, dim=-1)", accurate="f.norm2({0})", ball=_norm2_ball,
        latex=r"\left\lVert{0}\right\rVert_2", convention="there is none at the zero vector: x/norm2(x) is undefined",
        hard=(*_VECTORS, ("1e-200", "1e-200"), ("1e200", "-1e200"), ("3", "4"), ("1e-30", "1e-30"), ("1e30", "1e30")),
        source="Petersen, Pedersen, The Matrix Cookbook (2012), 129",
    ),
    Along(
        name="prod", aliases=(), keeps_axis=False, domain="",
        pullback=lambda g, x, y: product("obi", (g, "ob"), (F.prod(_others(x)), "bi")),
        torch="torch.prod({0}, dim=-1)", accurate="torch.prod({0}, dim=-1)", ball=_product,
        latex=r"\operatorname{prod}\left({0}\right)", convention="", hard=(*_VECTORS, ("0", "2", "3"), ("0", "0", "3")),
        source="DLMF 1.4.11",
    ),
    Along(
        name="amax", aliases=(), keeps_axis=False, domain="",
        pullback=lambda g, x, y: product("obi", (g, "ob"), (F.amax_share(x), "bi")),
        torch="torch.amax({0}, dim=-1)", accurate="torch.amax({0}, dim=-1)", ball=_largest,
        latex=r"\max\left({0}\right)", convention="ties share the derivative equally", hard=(*_VECTORS, ("2", "2", "1")),
        source="Boyd, Vandenberghe, Convex Optimization (2004), 3.1.5",
    ),
    Along(
        name="amin", aliases=(), keeps_axis=False, domain="",
        pullback=lambda g, x, y: product("obi", (g, "ob"), (F.amin_share(x), "bi")),
        torch="torch.amin({0}, dim=-1)", accurate="torch.amin({0}, dim=-1)", ball=lambda x: -_largest([-entry for entry in x]),
        latex=r"\min\left({0}\right)", convention="ties share the derivative equally", hard=(*_VECTORS, ("2", "1", "1")),
        source="Boyd, Vandenberghe, Convex Optimization (2004), 3.1.5",
    ),
    Along(
        name="amax_share", aliases=(), keeps_axis=True, domain="", pullback=_share_back,
        torch="f.amax_share({0})", accurate="f.amax_share({0})", ball=lambda x: _shares(x, 1),
        latex=r"\operatorname{amax\_share}\left({0}\right)", convention="1 / the number of ties at each largest entry; the derivative is 0",
        hard=(*_VECTORS, ("2", "2", "1")), source="the derivative of amax, constant between ties",
    ),
    Along(
        name="amin_share", aliases=(), keeps_axis=True, domain="", pullback=_share_back,
        torch="f.amax_share(-{0})", accurate="f.amax_share(-{0})", ball=lambda x: _shares(x, -1),
        latex=r"\operatorname{amin\_share}\left({0}\right)",
        convention="1 / the number of ties at each smallest entry; the derivative is 0",
        hard=(*_VECTORS, ("2", "1", "1")), source="the derivative of amin, constant between ties",
    ),
)
