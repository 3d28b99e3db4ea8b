"""Derivatives that stand in a line and are not carried out yet: `diff(u, x)`, `D(u, x, dx)`, `grad(f, x)`, `lim(t, 0, u)`.

To the algebra such a derivative is a variable of its own, of the shape that the derivative has: so a line of a derivation is an
expression as any other, and a rule is carried out by putting its result in the place of that variable.
"""

from __future__ import annotations

from dataclasses import dataclass

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Shape
from symgd.algebra.expression import Expression, Leaf

PARTIAL = "partial"  # diff(u[i], x[k]) for every i and k: what has an entry for each index, and no name as a whole


class Pending(Leaf):
    """`operator(argument, …)`; the name is made from these and is never shown."""

    __slots__ = ("arguments", "operator")
    operator: str
    arguments: tuple[Expression, ...]


def pending(operator: str, arguments: tuple[Expression, ...], shape: Shape) -> Pending:
    name = "\0".join((operator, *(argument.digest.hex() for argument in arguments)))
    found: Pending = ex._intern(Pending, shape, (), name=name, kind=(), operator=operator, arguments=arguments)
    return found


def pendings(root: Expression) -> list[Pending]:
    """Those in the expression, in the order in which they are read."""
    return [leaf for leaf in ex.leaves(root) if isinstance(leaf, Pending)]


def variables(root: Expression) -> list[Leaf]:
    """The variables of a line, also those under its derivatives."""
    found: dict[Leaf, None] = {}
    waiting = [root]
    while waiting:
        for leaf in ex.leaves(waiting.pop()):
            if isinstance(leaf, Pending):
                waiting += leaf.arguments[1::-1] if leaf.operator == "grad" else reversed(leaf.arguments)  # a third names a structure
            else:
                found[leaf] = None
    return list(found)


@dataclass(frozen=True, slots=True)
class Derivative:
    """What is derived by: a variable; along a direction of its shape, or, without one, by each of its entries.

    A derivative along a direction, or by a scalar, has the shape of what is derived; by the entries of an array it has the axes
    of the array besides, last.
    """

    variable: Leaf
    direction: Expression | None = None

    @property
    def axes(self) -> Shape:
        return self.variable.shape if self.direction is None else ()

    @property
    def seed(self) -> Expression:
        """The derivative of the variable itself."""
        if self.direction is not None:
            return self.direction
        shape = self.variable.shape
        factors = [(ex.identity(length), (("u", k), ("x", k))) for k, length in enumerate(shape)]
        return ex.contract(1, factors, [*(("u", k) for k in range(len(shape))), *(("x", k) for k in range(len(shape)))])

    def of(self, node: Expression) -> Pending:
        """The derivative of the node, not carried out."""
        if self.direction is not None:
            return pending("D", (node, self.variable, self.direction), node.shape)
        return pending(PARTIAL if self.axes else "diff", (node, self.variable), node.shape + self.axes)
