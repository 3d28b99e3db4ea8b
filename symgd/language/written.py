r"""Operations that LaTeX writes alike for numbers, vectors and matrices, so that only the shapes say which is meant.

    ∂(f, x)   \frac{\partial f}{\partial x}   the derivative by a number, the gradient or the Jacobian by an array
    ∇(f, x…)  \nabla_x f                      the gradient; ∇²(f, x…) the Hessian; D·(g, u) the gradient g along u
    d·(f)     df                              the total differential; max‖(f, u) the largest value of f for |u| = 1
    ‖(x)      \|x\|                           the 2-norm of a vector, the Frobenius norm of a matrix; |(x) also the determinant
    ⟨⟩(a, b)  \langle a, b \rangle            the inner product, or a vector of numbers
    ⋮(…), ⋯(…)                                \begin{bmatrix} … \end{bmatrix} with one column, one row: of numbers or of blocks

The names of these calls cannot be written in a formula. `Let` and `At` stand here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from symgd.algebra import expression as ex
from symgd.algebra import matrices
from symgd.algebra import operations as op
from symgd.algebra.dimension import Dimension, shape_text
from symgd.algebra.expression import Add, Contract, Expression, Leaf, Map, Size
from symgd.algebra.operations import Value
from symgd.algebra.simplify import simplified
from symgd.algebra.trampoline import Task
from symgd.calculus import derive
from symgd.calculus.reverse import kinks
from symgd.errors import NoRuleError, ShapeError
from symgd.language import operators
from symgd.language import syntax as sx
from symgd.language.arguments import arguments
from symgd.language.declarations import Variable
from symgd.language.guards import Moved

if TYPE_CHECKING:
    from symgd.language.meaning import Elaborator

_HIGHEST = 20


# ---- derivatives -------------------------------------------------------------------------------------------------------


def _derivative(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    """`∂(f, x, 2, y)`: by each variable in turn; by a name that is defined, as if it were a variable, at its value."""
    names = [a.name for a in node.arguments[1:] if isinstance(a, sx.Name) and elaborator.is_defined(a.name)]
    places: dict[str, sx.Node] = {a.name: a for a in node.arguments[1:] if isinstance(a, sx.Name)}
    points: dict[str, Value] = {}
    for name in names:
        point: Value = elaborator.atom(places[name]) or (yield elaborator.value(places[name]))
        if point.free:
            elaborator.refuse(places[name], f"a derivative by {name} is not available inside a sum over an index.", "")
        points[name] = point
    with _as_variables(elaborator, points) as leaves:
        value: Value = elaborator.atom(node.arguments[0]) or (yield elaborator.value(node.arguments[0]))
        last: sx.Node | None = None
        for argument in node.arguments[1:]:
            place, times = argument, 1
            if isinstance(argument, sx.Number) and last is not None:
                place, times = last, int(argument.value) - 1
            leaf, entry = yield operators._variable(elaborator, place)
            _refuse_undeclared(elaborator, node.arguments[0], leaf)
            for _ in range(times):
                if leaf.shape and entry is None:
                    value = _by_array(elaborator, node, value, leaf)
                else:
                    value = operators._partial(elaborator, value, leaf, entry, place)
            last = place
    return replace(value, node=ex.substitute(value.node, {leaves[name]: points[name].node for name in points})) if points else value


def _refuse_undeclared(elaborator: Elaborator, body: sx.Node, by: Leaf) -> None:
    """Of a name that nothing declares the derivative is not 0: it is not known."""
    if isinstance(body, sx.Name) and body.name in elaborator.undeclared and body.name != by.name:
        hint = f"Define it, as in {body.name} = x^2 or {body.name}(x) = x^2, or declare an unknown function, {body.name}({by.name})."
        elaborator.refuse(body, f"the derivative of {body.name} is not known: {body.name} is not declared.", hint)


def _by_array(elaborator: Elaborator, node: sx.Call, value: Value, leaf: Leaf) -> Value:
    elaborator.kinked += kinks(value.node, [leaf])
    found = operators._jacobian(elaborator, node, value.node, leaf)
    if not value.rank:
        return Value(found, value.free)
    return operators._laid_out(elaborator, node, Value(found, value.free), value.rank)


@contextmanager
def _as_variables(elaborator: Elaborator, points: dict[str, Value]) -> Iterator[dict[str, Leaf]]:
    """Within, the defined names are variables of the shapes of their values."""
    if not points:
        yield {}
        return
    before = elaborator.declared, elaborator.defined, elaborator._known
    made = {name: Variable(f"{name}'", point.shape) for name, point in points.items()}
    elaborator.declared, elaborator.defined, elaborator._known = {**before[0], **made}, {}, {}
    yield {name: variable.leaf() for name, variable in made.items()}
    elaborator.declared, elaborator.defined, elaborator._known = before


def _gradient(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    value, by = yield _value_and_variables(elaborator, node)
    if len(by) == 1 and by[0].shape:
        return _by_array(elaborator, node, value, by[0])
    partials = [operators._partial(elaborator, value, leaf, None, node) for leaf in by]
    return partials[0] if len(partials) == 1 else op.literal(partials)


def _hessian(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    value, by = yield _value_and_variables(elaborator, node)
    if len(by) == 1 and by[0].shape:
        slope = operators._jacobian(elaborator, node, value.node, by[0])
        elaborator.kinked += [*kinks(value.node, by), *kinks(slope, by)]
        found = Value(operators._jacobian(elaborator, node, slope, by[0]), value.free)
        return operators._laid_out(elaborator, node, found, by[0].rank)
    first = [operators._partial(elaborator, value, leaf, None, node) for leaf in by]
    rows = [[operators._partial(elaborator, slope, leaf, None, node) for leaf in by] for slope in first]
    return rows[0][0] if len(rows) == 1 else op.literal([op.literal(row) for row in rows])


def _value_and_variables(elaborator: Elaborator, node: sx.Call) -> Task[tuple[Value, list[Leaf]]]:
    """The number that is derived, and what by: the names that are given, else every variable of it."""
    first = node.arguments[0]
    value: Value = elaborator.atom(first) or (yield elaborator.value(first))
    if value.rank:
        reason = f"a gradient is of a scalar, and {elaborator.source(first)} has shape {shape_text(value.shape)}."
        raise ShapeError(reason, hint=r"Write the Jacobian: \frac{\partial F}{\partial x}.").at(elaborator.text, first.start, first.end)
    by: list[Leaf] = []
    for argument in node.arguments[1:]:
        leaf: Leaf = yield operators._array(elaborator, argument)
        by.append(leaf)
    if not by and isinstance(value.node, Leaf):
        reason = f"{elaborator.source(first)} is a variable, and no function: its gradient is not known."
        elaborator.refuse(
            node,
            reason,
            f'Define it, as in given="{value.node.name}(x,y) = x^2 + y", or declare an unknown function, {value.node.name}(x,y).',
        )
    if not by:
        by = ex.leaves(value.node)
        names = ", ".join(leaf.name for leaf in by)
        if not by:
            elaborator.refuse(node, "the gradient of a constant: it is not known what by.", r"Write it with what it is by: \nabla_x f.")
        elaborator.warnings.append(f"the gradient is read as that by {names}.")
    if len(by) > 1 and any(leaf.shape for leaf in by):
        names = ", ".join(leaf.name for leaf in by)
        elaborator.refuse(node, f"the gradient could be by any of {names}.", rf"Write it with what it is by: \nabla_{{{by[-1].name}}} f.")
    return value, by


def _along(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    """The gradient along a direction of its shape."""
    gradient, direction = yield arguments(elaborator, node)
    if not gradient.rank and not direction.rank:
        return op.hadamard(gradient, direction)
    if gradient.shape != direction.shape:
        place = node.arguments[1]
        written = (
            f"{elaborator.source(place)} {shape_text(direction.shape)}" if direction.rank else f"{elaborator.source(place)} is a scalar"
        )
        reason = f"the gradient has shape {shape_text(gradient.shape)}, and the direction {written}."
        raise ShapeError(reason, hint="Declare the direction with the shape of the variable, or define it: u = (3, 4).").at(
            elaborator.text, place.start, place.end
        )
    return _inner(gradient, direction)


def _differential(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    """Σ ∂f/∂x dx over the variables of f; dx is a variable of the shape of x."""
    value: Value = elaborator.atom(node.arguments[0]) or (yield elaborator.value(node.arguments[0]))
    if value.rank or value.free:
        elaborator.refuse(node, f"a total differential is of a scalar, and {elaborator.source(node.arguments[0])} is none.", "")
    leaves = ex.leaves(value.node)
    elaborator.kinked += kinks(value.node, leaves)
    parts = []
    for leaf in leaves:
        name = f"d{leaf.name}"
        step = elaborator.declared[name].leaf() if name in elaborator.declared else ex.leaf(name, leaf.shape)
        if name not in elaborator.declared:
            elaborator.undeclared.setdefault(name, (elaborator.text, sx.Name(name, node.start, node.end)))
        parts.append(derive.inner(derive.jacobian(value.node, leaf), step))
    return Value(ex.add(parts) if parts else ex.constant(0))


def _extreme(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    r"""`\max_{\|u\|=1}` of what is linear in u: the norm of its gradient by u, and minus that for the minimum."""
    body, direction = node.arguments
    leaf = yield operators._array(elaborator, direction)
    value: Value = elaborator.atom(body) or (yield elaborator.value(body))
    slope = derive.jacobian(value.node, leaf) if not value.rank and not value.free else value.node
    offset = simplified(ex.substitute(value.node, {leaf: ex.full(0, leaf.shape)})) if leaf.shape else value.node
    if value.rank or value.free or not leaf.shape or leaf in ex.topological(slope):
        reason = f"this {node.name[:3]}imum is not supported: it is known only of what is linear in {leaf.name}, an array."
        elaborator.refuse(node, reason, r"Write it as in \max_{\|u\|=1} D_u f(x), with u and x declared as arrays.")
    sign = 1 if node.name == "max‖" else -1
    return op.add([(sign, op.along("norm2", Value(slope))), (1, Value(offset))])


def _inner(left: Value, right: Value) -> Value:
    if left.rank == right.rank == 1:
        return op.dot(left, right)
    return op.sum_all(op.hadamard(left, right))


# ---- norms, brackets ----------------------------------------------------------------------------------------------------


def _norm(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    """`‖(x)`, `|(x)`."""
    (value,) = yield arguments(elaborator, node)
    if not value.rank:
        return op.elementwise("abs", [value])
    operation: Callable[[Value], Value] = lambda value: op.along("norm2", value)  # noqa: E731  one of two operations
    if node.name == "|" and value.rank == 2:
        operation = op.determinant
        elaborator.warnings.append(f"{elaborator.source(node)} is read as the determinant, because what is between the bars is a matrix.")
    elif node.name == "‖" and value.rank == 2:
        elaborator.warnings.append(
            f"{elaborator.source(node)} is read as the Frobenius norm, because what is between the bars is a matrix."
        )
    elif node.name == "|":
        elaborator.warnings.append(f"{elaborator.source(node)} is read as the 2-norm, because what is between the bars is a vector.")
    return elaborator.bounded(elaborator.apply(operation, [value], node.arguments, node.start, node.end), node)


def _angle(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    values = yield arguments(elaborator, node)
    if len(values) == 2 and all(value.rank for value in values):
        return elaborator.apply(_inner, values, node.arguments, node.start, node.end)
    if len(values) > 1 and not any(value.rank for value in values):
        written = elaborator.source(node)
        elaborator.warnings.append(f"{written} is read as a vector, because its entries are scalars.")
        return elaborator.apply(lambda *items: op.literal(items), values, node.arguments, node.start, node.end)
    elaborator.refuse(
        node, "unexpected ⟨ ⟩: expected two vectors, or a vector of numbers.", r"Write \langle x, y \rangle with arrays x and y."
    )


def _column(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    """A column of numbers is a vector, of arrays their blocks one below the other; a row likewise."""
    values = yield arguments(elaborator, node)
    if any(value.rank for value in values):
        rows = [[value] for value in values] if node.name == "⋮" else [values]
        return elaborator.apply(lambda *all: matrices.block(rows), values, node.arguments, node.start, node.end)
    found = elaborator.apply(lambda *items: op.literal(items), values, node.arguments, node.start, node.end)
    return found if node.name == "⋮" else op.transpose(found)


def dotted(left: Value, right: Value) -> Value:
    r"""`a \cdot b`: the inner product of two vectors, else the product."""
    if left.rank == right.rank == 1 and left.row == right.row:
        return op.dot(left, right)
    return op.multiply(left, right, "*")


def crossed(left: Value, right: Value) -> Value:
    r"""`a \times b`, a product where one of them is a number."""
    if left.rank and right.rank:
        raise NoRuleError(
            f"the product × of {left.described()} and {right.described()} is not supported.", hint=r"Write \cdot, or the components."
        )
    return op.multiply(left, right, "*")


# ---- names that stand for values -----------------------------------------------------------------------------------------


def let(elaborator: Elaborator, node: sx.Let) -> Task[Value]:
    """The body, its names standing for the values; a whole number is a subscript, too."""
    bound: dict[str, Value | Moved] = {}
    for name, written in zip(node.names, node.values):
        if isinstance(written, sx.Number) and written.value.denominator == 1:
            bound[name] = Moved({}, Dimension.of(int(written.value)))
        else:
            value: Value = elaborator.atom(written) or (yield elaborator.value(written))
            bound[name] = value
    outside = elaborator.bound
    elaborator.bound = {**outside, **bound}
    # The same tree is read once for every element of a set: nothing read early may be kept.
    found: Value = elaborator.atom(node.body) or (yield elaborator.value(node.body))
    elaborator.bound = outside
    return found


def at(elaborator: Elaborator, node: sx.At) -> Task[Value]:
    """The body with its names as variables, then at the values."""
    points: list[Value] = []
    for written in node.values:
        value: Value = elaborator.atom(written) or (yield elaborator.value(written))
        points.append(value)
    taken = set(elaborator.declared) | set(elaborator.bound)
    leaves: list[Leaf] = []
    for name, point in zip(node.names, points):
        own = f"{name}'"
        while own in taken:
            own += "'"
        taken.add(own)
        is_scalar = node.each and len(points) == 1 and point.rank != 0
        leaves.append(ex.leaf(own, () if is_scalar or point.free else point.shape))
    outside = elaborator.bound
    elaborator.bound = {**outside, **dict(zip(node.names, map(Value, leaves)))}
    body: Value = elaborator.atom(node.body) or (yield elaborator.value(node.body))
    elaborator.bound = outside
    if all(leaf.shape == point.shape and not point.free for leaf, point in zip(leaves, points)):
        return replace(body, node=ex.substitute(body.node, {leaf: point.node for leaf, point in zip(leaves, points)}))
    if body.free or body.rank:
        error = NoRuleError(
            "this derivative at a point is not available inside a sum over an index.", hint="Write it out, or derive the sum."
        )
        raise error.at(elaborator.text, node.start, node.end)
    try:
        return _each(body.node, dict(zip(leaves, points)))
    except NoRuleError as error:
        raise error.at(elaborator.text, node.start, node.end) from None


def _each(root: Expression, points: dict[Leaf, Value]) -> Value:
    """The expression of numbers, entry by entry at values that are arrays or have bound indices."""
    found: dict[Expression, Value] = {}
    for node in ex.topological(root):
        parts = [found[child] for child in node.children]
        if isinstance(node, Leaf) and node in points:
            found[node] = points[node]
        elif all(part.node is child for part, child in zip(parts, node.children)) or isinstance(node, Size):
            found[node] = Value(node)
        elif isinstance(node, Map):
            found[node] = op.elementwise(node.function.name, parts)
        elif isinstance(node, Add) and not node.shape:
            found[node] = op.add([(1, op.hadamard(op.number(c), part)) for c, part in zip(node.coefficients, parts)])
        elif isinstance(node, Contract) and not any(child.shape for child in node.children):
            value = op.number(node.coefficient)
            for part in parts:
                value = op.hadamard(value, part)
            found[node] = value
        else:
            raise NoRuleError("this derivative is not available entry by entry.", hint="Write it out.")
    return found[root]


OPERATORS: dict[str, Callable[[Elaborator, sx.Call], Task[Value]]] = {
    "∂": _derivative,
    "∇": _gradient,
    "∇²": _hessian,
    "D·": _along,
    "d·": _differential,
    "max‖": _extreme,
    "min‖": _extreme,
    "‖": _norm,
    "|": _norm,
    "⟨⟩": _angle,
    "⋮": _column,
    "⋯": _column,
}
