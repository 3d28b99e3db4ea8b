"""Unknown functions at the points where two sides are compared: each becomes one polynomial, with every derivative of it.

A claim about an unknown differentiable function is meant for all of them. So one polynomial at which it fails refutes it; where it
holds for the polynomial, that proves nothing, and only the proofs, which leave the function unknown, do.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Expression, Leaf, Unknown
from symgd.calculus import derive

_DEGREE = 3  # beyond the highest order of a derivative


def with_models(sides: Sequence[Expression]) -> list[Expression]:
    """The sides with a polynomial for every unknown function, the same one on all sides."""
    nodes = [node for node in ex.topological(*sides) if isinstance(node, Unknown)]
    if not nodes:
        return list(sides)
    degrees: dict[str, int] = {}
    for unknown in nodes:
        degrees[unknown.name] = max(degrees.get(unknown.name, 0), sum(unknown.orders) + _DEGREE)
    places = {name: 2 + 3 * k for k, name in enumerate(sorted(degrees))}
    done: dict[Expression, Expression] = {}
    for node in ex.topological(*sides):
        children = [done[child] for child in node.children]
        if isinstance(node, Unknown):
            done[node] = _value(node, children, degrees[node.name], places[node.name])
        elif all(new is old for new, old in zip(children, node.children)):
            done[node] = node
        else:
            done[node] = ex.rebuilt(node, children)
    return [done[side] for side in sides]


def models_of(sides: Sequence[Expression]) -> str:
    """A part of a sentence: which unknown functions have a polynomial; nothing where there is none."""
    names = sorted({node.name for node in ex.topological(*sides) if isinstance(node, Unknown)})
    return f", with a polynomial for {' and for '.join(names)}" if names else ""


def _value(node: Unknown, arguments: Sequence[Expression], degree: int, place: int) -> Expression:
    """The polynomial, derived as often as the node says, at the arguments."""
    letters = [ex.leaf(f"{node.name} {k}", argument.shape) for k, argument in enumerate(arguments)]
    found = _polynomial(letters, degree, place)
    for letter, order in zip(letters, node.orders):
        for _ in range(order):
            found = derive.jacobian(found, letter)
    return ex.substitute(found, dict(zip(letters, arguments)))


def _polynomial(letters: Sequence[Leaf], degree: int, place: int) -> Expression:
    """Powers of linear forms in all entries, with weights that tell them apart."""
    total: list[Expression] = []
    for power in range(1, degree + 1):
        form = ex.add([_linear(letter, place + power * (k + 2)) for k, letter in enumerate(letters)])
        total.append(ex.scaled(Fraction(1, power * place), ex.power(ex.add([form, ex.constant(Fraction(power, 7))]), power)))
    return ex.add(total)


def _linear(letter: Leaf, place: int) -> Expression:
    """The sum of the entries, entry i with the weight 1/(place + i), so that no two weigh the same."""
    factors: list[tuple[Expression, Sequence[int]]] = [(letter, tuple(range(letter.rank)))]
    for axis, length in enumerate(letter.shape):
        counted = ex.counter(Dimension.of(place + axis), length)
        factors.append((ex.power(counted, -1), (axis,)))
    return ex.contract(Fraction(place, 3), factors, ())
