"""The derivatives of an expression, each by one or two passes of reverse mode.

Layouts: a gradient has the shape of the variable; a Jacobian has the axes of the function, then those of the variable
(J[i,j] = ∂F_i/∂x_j); a Hessian H[i,j] = ∂²f/∂x_i∂y_j. `layout="vec"` stacks the columns of matrices, so that a Jacobian of a
matrix by a matrix is a matrix again (Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 9).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches

from symgd.algebra import expression as ex
from symgd.algebra.dimension import ZERO, Dimension, shape_text
from symgd.algebra.expression import Expression, Leaf, Stack
from symgd.algebra.matrices import BANDED, in_band
from symgd.calculus.reverse import adjoints
from symgd.errors import FormulaError, ShapeError

SHORT = 16  # entries of a literal that are derived one by one


def jacobian(root: Expression, variable: Leaf) -> Expression:
    """∂root/∂variable: the axes of the root, then those of the variable; for a scalar root the gradient."""
    if isinstance(root, Stack) and len(root.children) <= SHORT:
        return ex.stack([jacobian(child, variable) for child in root.children])  # a short literal stays one
    return adjoints(root, [variable])[variable]


def gradient(root: Expression, variables: Sequence[Leaf]) -> list[Expression]:
    """The gradient of a scalar by each variable, in one pass."""
    found = adjoints(root, variables)
    return [found[variable] for variable in variables]


def directional(root: Expression, variable: Leaf, direction: Expression) -> Expression:
    """d/dt root(variable + t·direction) at t = 0, in the shape of the root. Nothing larger than the root or the variable arises.

    For an array the product of the Jacobian and the direction is found by two passes of reverse mode: ⟨root, v⟩ has the
    gradient Jᵀv, and ⟨Jᵀv, direction⟩, which is linear in v, the gradient J·direction.
    """
    if not root.shape:
        return inner(jacobian(root, variable), direction)
    probe = ex.leaf("", root.shape)
    backward = jacobian(inner(root, probe), variable)
    return jacobian(inner(backward, direction), probe)


def hessian(root: Expression, first: Leaf, second: Leaf) -> Expression:
    """∂²root/∂first∂second of a scalar: the axes of `first`, then those of `second`."""
    return jacobian(jacobian(root, first), second)


def inner(left: Expression, right: Expression) -> Expression:
    """The sum of the products of all entries."""
    axes = range(left.rank)
    return ex.contract(1, [(left, axes), (right, axes)], ())


def structured_gradient(gradient: Expression, structure: str, variable: Leaf) -> Expression:
    """The gradient by the free entries of a matrix of this structure, written in its pattern.

    `gradient` is the one by independent entries. A triangle, a band or a diagonal keeps the entries inside it.
    """
    if structure not in STRUCTURES:
        near = get_close_matches(structure, STRUCTURES, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise FormulaError(f"unknown structure {structure!r}.", hint=f"{hint}The structures are {', '.join(STRUCTURES)}.")
    if gradient.rank != 2 or gradient.shape[0] != gradient.shape[1]:
        reason = f"a gradient under the structure {structure} needs a square matrix, and {variable.name} is {shape_text(variable.shape)}."
        raise ShapeError(reason, hint=f"Declare it as {variable.name}[n,n] {_DECLARED.get(structure, structure)}.")
    return STRUCTURES[structure](gradient, variable)


def _banded_gradient(gradient: Expression, variable: Leaf) -> Expression:
    found = [match for kind in variable.kind if (match := BANDED.match(kind))]
    if not found:
        reason = f"structure 'banded' takes its diagonals from the declaration of {variable.name}, which states none."
        raise FormulaError(reason, hint=f"Declare {variable.name}[n,n] banded(1, 1).")
    return in_band(gradient, Dimension.of(int(found[0][1])), Dimension.of(int(found[0][2])))


def _symmetric_gradient(gradient: Expression) -> Expression:
    """The gradient by the lower triangle of a symmetric matrix, written as a symmetric matrix: G + G' − G∘I.

    G is the gradient by independent entries.

    Source: The Matrix Cookbook (2012), equation (138).
    """
    turned = ex.transposed(gradient, (1, 0))
    on_diagonal = ex.multiply(gradient, ex.identity(gradient.shape[0]))
    return ex.add((gradient, turned, ex.negative(on_diagonal)))


STRUCTURES: dict[str, Callable[[Expression, Leaf], Expression]] = {
    "symmetric": lambda gradient, _: _symmetric_gradient(gradient),
    "diagonal": lambda gradient, _: ex.multiply(gradient, ex.identity(gradient.shape[0])),
    "lower": lambda gradient, _: in_band(gradient, None, ZERO),
    "upper": lambda gradient, _: in_band(gradient, ZERO, None),
    "banded": _banded_gradient,
}
_DECLARED = {"banded": "banded(1, 1)"}


def vectorised(node: Expression, split: int) -> Expression:
    """An array with axes (a, b | c, d) as a matrix: the axes before `split` and those after it stacked column by column."""
    labels = list(range(node.rank))
    factors: list[tuple[Expression, Sequence[object]]] = [(node, labels)]
    out: list[object] = []
    for name, group in (("rows", labels[:split]), ("columns", labels[split:])):
        if len(group) < 2:
            out += group
            continue
        stride, strides = Dimension.of(1), []
        for label in group:
            strides.append(stride)
            stride = stride * node.shape[label]
        chosen = ex.select(stride, ZERO, tuple(strides), tuple(node.shape[label] for label in group))
        factors.append((chosen, [name, *group]))
        out.append(name)
    return ex.contract(1, factors, out)
