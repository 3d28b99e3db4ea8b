"""Functions of a square matrix, the last two axes of an array: inverse, determinant, log-determinant, powers with any whole exponent.

`pullback(g, x, y)` is the adjoint of x, with leading axes o… of g and batch axes b…: see `expression.product`.
Balls are `flint.arb_mat`, or exact `flint.fmpq_mat`; a matrix that is or may be singular raises ZeroDivisionError.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symgd.algebra.expression import (
    Contract,
    Expression,
    Factor,
    MatrixFunction,
    add,
    broadcast,
    constant,
    constant_value,
    contract,
    identity,
    is_identity,
    product,
    scaled,
    terms,
)
from symgd.algebra.functions.row import OfMatrix
from symgd.algebra.functions.writing import F
from symgd.errors import NoRuleError


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


def raised(x: Expression, exponent: Expression) -> Expression:
    """x^exponent, the matrix power: I, x, inv(x) where the exponent is the number 0, 1, -1."""
    known = constant_value(exponent)
    if known == 0:
        axes = range(x.rank)
        return contract(1, [(identity(x.shape[-1]), axes[-2:])], axes, dict(enumerate(x.shape)))
    return x if known == 1 else F.inv(x) if known == -1 else F.matrix_power(x, exponent)


def _power_back(g: Expression, x: Expression, y: Expression, k: Expression) -> Expression:
    """Σ_r (X^r)′ G (X^(k−1−r))′, which is k·(X^(k−1+s))′·c for G = c·(X^s)′; others have no closed form."""
    return add([_power_back_of(term, coefficient, x, k) for coefficient, term in terms(g)])


def _power_back_of(g: Expression, coefficient: Fraction, x: Expression, k: Expression) -> Expression:
    found = _as_power(g, x)
    if found is None:
        hint = (
            "In general it is the sum over r = 0, …, k - 1 of (A^r)'*G*(A^(k-1-r))', which has a closed form for functions such as "
            "tr(A^k) and det(A^k), where G commutes with A'. Write a number as the exponent."
        )
        raise NoRuleError("the derivative of A^k by A has no closed form here.", hint=hint)
    scale, exponents = found
    power = raised(x, add([broadcast(exponent, k.shape) for exponent in (k, *exponents, constant(-1))]))
    return product("obij", (scaled(coefficient, scale), "ob"), (k, "b"), (power, "bji"))


def _as_power(g: Expression, x: Expression) -> tuple[Expression, list[Expression]] | None:
    """g as c·(X^s)′: c, and the exponents whose sum is s. None where it is none.

    A product is followed from the label of its rows to that of its columns; every matrix on the way is to be a power of X.
    """
    coefficient, factors = _opened(g)
    batch = tuple(range(g.rank - x.rank, g.rank - 2))
    rows, columns = g.rank - 2, g.rank - 1
    exponents: list[Expression] = []
    at = rows
    while at != columns:
        carriers = [factor for factor in factors if at in factor[1]]
        if len(carriers) != 1 or len(carriers[0][1]) < 2:
            return None
        ((child, (*front, one, two)),) = carriers
        factors.remove(carriers[0])
        power = [] if is_identity(child) else _exponent(child, x)
        if power is None or one == two or tuple(front) not in ((), batch):
            return None
        if two == at:
            at = one
        elif is_identity(child):
            at = two
        else:
            return None
        exponents += power
    if any({rows, columns} & set(labels) for _, labels in factors):
        return None
    inner = [label for label in range(g.rank) if label not in (rows, columns)]
    sizes = {label: g.shape[label] for label in inner}
    return contract(coefficient, factors, inner, sizes), exponents


def _opened(g: Expression) -> tuple[Fraction, list[Factor]]:
    """A product with the products inside it opened."""
    coefficient, factors = Fraction(1), list[Factor]()
    waiting: list[Factor] = [(g, tuple(range(g.rank)))]
    fresh = g.rank
    while waiting:
        child, labels = waiting.pop()
        if not isinstance(child, Contract):
            factors.append((child, labels))
            continue
        coefficient *= child.coefficient
        names = dict(enumerate(labels))
        for label in child.dimensions():
            if label not in names:
                names[label] = fresh
                fresh += 1
        waiting += [(inner, tuple([names[label] for label in inside])) for inner, inside in child.factors]
    return coefficient, factors


def _exponent(node: Expression, x: Expression) -> list[Expression] | None:
    """The exponent s, as terms of a sum, where the node is X^s."""
    sign = 1
    while isinstance(node, MatrixFunction) and node.function.name == "inv":
        node, sign = node.children[0], -sign
    if node is x or unrepeated(node) is unrepeated(x):
        return [constant(sign)]
    if isinstance(node, MatrixFunction) and node.function.name == "matrix_power" and unrepeated(node.children[0]) is unrepeated(x):
        return [scaled(Fraction(sign), node.children[1])]
    return None


def unrepeated(node: Expression) -> Expression:
    """The matrix that the node repeats along the axes before the last two."""
    is_repeated = isinstance(node, Contract) and node.coefficient == 1 and node.labels == ((node.rank - 2, node.rank - 1),)
    return node.children[0] if is_repeated else node


def _power_ball(x: Any, k: Any) -> Any:
    """By squaring; the exponent is exact where it is whole."""
    if not hasattr(k, "q") or k.q != 1:
        raise ZeroDivisionError
    exponent = int(k.p)
    base = x if exponent >= 0 else x.inv()
    result, exponent = type(x)(x.nrows(), x.ncols(), [int(i == j) for i in range(x.nrows()) for j in range(x.ncols())]), abs(exponent)
    while exponent:
        result = result * base if exponent % 2 else result
        exponent //= 2
        base = base * base if exponent else base
    return result


# fmt: off
ROWS = (
    OfMatrix(
        name="inv", aliases=(), scalars=0, keeps_axes=True, domain="det(x) != 0", pullback=_inverse_back,
        torch="torch.linalg.inv({0})", accurate="f.inv({0})", ball=lambda x: x.inv(),
        latex=r"\left({0}\right)^{-1}", source="Petersen, Pedersen, The Matrix Cookbook (2012), 40, 124",
    ),
    OfMatrix(
        name="det", aliases=(), scalars=0, keeps_axes=False, domain="", pullback=_determinant_back,
        torch="torch.linalg.det({0})", accurate="torch.linalg.det({0})", ball=lambda x: x.det(),
        latex=r"\det\left({0}\right)", source="Petersen, Pedersen, The Matrix Cookbook (2012), 41, 49",
    ),
    OfMatrix(
        name="logdet", aliases=(), scalars=0, keeps_axes=False, domain="det(x) > 0", pullback=_logdet_back,
        torch="f.logdet({0})", accurate="f.logdet({0})", ball=_logdet_ball,
        latex=r"\log\det\left({0}\right)", source="Petersen, Pedersen, The Matrix Cookbook (2012), 43, 57",
    ),
    OfMatrix(
        name="matrix_power", aliases=(), scalars=1, keeps_axes=True, domain="y whole; det(x) != 0 where y < 0", pullback=_power_back,
        torch="f.matrix_power({0}, {1})", accurate="f.matrix_power({0}, {1})", ball=_power_ball,
        latex=r"\left({0}\right)^{{1}}", source="Petersen, Pedersen, The Matrix Cookbook (2012), 58, 90",
    ),
)
