"""Operators of calculus inside a formula: diff, grad, hess, jac, D, lim. A claim such as `grad(f, x) = …` is an equation in the language.

They derive the expression as it is read, without the use of declared symmetry, as the verbs of the same names do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from symgd.algebra import expression as ex
from symgd.algebra import operations as op
from symgd.algebra.dimension import Shape, shape_text
from symgd.algebra.expression import Expression, Leaf, Map
from symgd.algebra.operations import Affine, Value
from symgd.algebra.simplify import simplified
from symgd.algebra.trampoline import Task
from symgd.calculus import derive
from symgd.calculus.reverse import kinks
from symgd.errors import FormulaError, NoRuleError, ShapeError, SymgdError
from symgd.language import indices
from symgd.language import syntax as sx
from symgd.language.arguments import check_count

if TYPE_CHECKING:
    from symgd.language.meaning import Elaborator

_HIGHEST = 20  # order of a derivative given as a number
_REPEATED = 8  # times that l'Hôpital's rule is tried


def _diff(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    """`diff(f, x)`, `diff(f, x, 2)`, `diff(f, x, y)`: by scalars, in the shape of f."""
    check_count(elaborator, node, 2, None)
    value: Value = yield _operand(elaborator, node)
    last: sx.Node | None = None
    for argument in node.arguments[1:]:
        place, times = argument, 1
        if isinstance(argument, sx.Number) and last is not None and argument.value in range(1, _HIGHEST + 1):
            place, times = last, int(argument.value) - 1
        leaf, entry = yield _variable(elaborator, place)
        for _ in range(times):
            value = _partial(elaborator, value, leaf, entry, place)
        last = place
    return value


def _partial(elaborator: Elaborator, value: Value, leaf: Leaf, entry: list[Affine] | None, place: sx.Node) -> Value:
    if leaf.shape and entry is None:
        error = ShapeError(
            f"diff is by a scalar, and {leaf.name} has shape {shape_text(leaf.shape)}.",
            hint=f"Write grad(f, {leaf.name}) or diff(f, {leaf.name}[1]).",
        )
        raise error.at(elaborator.text, place.start, place.end)
    elaborator.kinked += kinks(value.node, [leaf])
    found = Value(_jacobian(elaborator, place, value.node, leaf), value.free, value.row)
    if entry is None:
        return found
    if value.rank:
        error = ShapeError("the derivative by an entry is of a scalar.", hint=f"Write jac(F, {leaf.name}).")
        raise error.at(elaborator.text, place.start, place.end)
    return elaborator.apply(lambda slope: op.entry(slope, entry), [found], [place], place.start, place.end)


def _grad(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    """`grad(f, x)` in the shape of x; `grad(f, X, symmetric)` by the free entries of a structured matrix."""
    check_count(elaborator, node, 2, 3)
    value: Value = yield _scalar(elaborator, node)
    leaf: Leaf = yield _array(elaborator, node.arguments[1])
    found = _jacobian(elaborator, node, value.node, leaf)
    if len(node.arguments) == 3:
        written = node.arguments[2]
        if not isinstance(written, sx.Name):
            elaborator.refuse(written, f"expected the name of a structure: {', '.join(derive.STRUCTURES)}.", "Write grad(f, X, symmetric).")
        if value.free:
            raise _free(value).at(elaborator.text, node.start, node.end)
        structure = written.name
        return elaborator.apply(lambda: Value(derive.structured_gradient(found, structure, leaf)), [], [], written.start, written.end)
    elaborator.kinked += kinks(value.node, [leaf])
    return Value(found, value.free)


def _hess(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    """`hess(f, x)`, `hess(f, x, y)`: H[i,j] = ∂²f/∂x_i∂y_j; matrices in the vec layout."""
    check_count(elaborator, node, 2, 3)
    value: Value = yield _scalar(elaborator, node)
    first: Leaf = yield _array(elaborator, node.arguments[1])
    second: Leaf = yield _array(elaborator, node.arguments[-1])
    slope = _jacobian(elaborator, node, value.node, first)
    elaborator.kinked += [*kinks(value.node, [first]), *kinks(slope, [second])]
    return _laid_out(elaborator, node, Value(_jacobian(elaborator, node, slope, second), value.free), first.rank)


def _jac(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    """`jac(F, x)`: J[i,j] = ∂F_i/∂x_j; matrices in the vec layout."""
    check_count(elaborator, node, 2, 2)
    value: Value = yield _operand(elaborator, node)
    leaf: Leaf = yield _array(elaborator, node.arguments[1])
    elaborator.kinked += kinks(value.node, [leaf])
    return _laid_out(elaborator, node, Value(_jacobian(elaborator, node, value.node, leaf), value.free), value.rank)


def _directional(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    """`D(F, x, u)`: the derivative of F at x along u, in the shape of F."""
    check_count(elaborator, node, 3, 3)
    value: Value = yield _operand(elaborator, node)
    leaf: Leaf = yield _array(elaborator, node.arguments[1])
    along = node.arguments[2]
    direction: Value = elaborator.atom(along) or (yield elaborator.value(along))
    if direction.free:
        raise _free(direction).at(elaborator.text, along.start, along.end)
    if direction.shape != leaf.shape:
        reason = f"{leaf.name} {_shaped(leaf.shape)}, and the direction {_shaped(direction.shape)}."
        raise ShapeError(reason, hint="A direction has the shape of the variable.").at(elaborator.text, along.start, along.end)
    elaborator.kinked += kinks(value.node, [leaf])
    return elaborator.apply(
        lambda: Value(derive.directional(value.node, leaf, direction.node), value.free, value.row), [], [], node.start, node.end
    )


def _lim(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    """`lim(t, 0, expression)`: by continuity, and by l'Hôpital's rule where a quotient is 0/0."""
    check_count(elaborator, node, 3, 3)
    before = set(elaborator.undeclared)
    leaf, entry = yield _variable(elaborator, node.arguments[0])
    if leaf.shape or entry is not None:
        elaborator.refuse(node.arguments[0], f"a limit is by a scalar, and {leaf.name} is none.", "Write lim(t, 0, (f(x + t*u) - f(x))/t).")
    point: Value = elaborator.atom(node.arguments[1]) or (yield elaborator.value(node.arguments[1]))
    body = node.arguments[2]
    below: Value = op.number(1)
    if isinstance(body, sx.Chain) and body.rest[-1][0] == "/":
        divisor = body.rest[-1][2]
        below = elaborator.atom(divisor) or (yield elaborator.value(divisor))
        body = sx.Chain(body.first, body.rest[:-1], body.start, body.rest[-2][2].end) if len(body.rest) > 1 else body.first
    above: Value = elaborator.atom(body) or (yield elaborator.value(body))
    if point.node.rank or above.free or below.node.rank:
        raise NoRuleError("a limit inside a sum over an index is not available.", hint="Take the limit outside.").at(
            elaborator.text, node.start, node.end
        )
    if leaf.name not in before:
        elaborator.forget(leaf.name)
    top, bottom = above.node, below.node
    for _ in range(_REPEATED):
        bottom_there, top_there = _at(bottom, leaf, point.node), _at(top, leaf, point.node)
        if not ex.is_zero(bottom_there):
            return Value(ex.multiply(top_there, ex.power(bottom_there, -1)), (), above.row)
        if not ex.is_zero(top_there) or not (_is_smooth(top, leaf, point.node) and _is_smooth(bottom, leaf, point.node)):
            break
        elaborator.kinked += kinks(top, [leaf])
        top, bottom = derive.jacobian(top, leaf), derive.jacobian(bottom, leaf)
    hint = "The limit is taken of a quotient whose numerator vanishes too: lim(t, 0, (f(x + t*u) - f(x))/t)."
    raise NoRuleError("this limit is not known to exist.", hint=hint).at(elaborator.text, node.start, node.end)


def _is_smooth(root: Expression, leaf: Leaf, point: Expression) -> bool:
    """Can the expression be derived by the variable at the point: does no function under it meet a kink or a jump there?"""
    active: set[Expression] = {leaf}
    for node in ex.topological(root):
        if not any(child in active for child in node.children):
            continue
        active.add(node)
        if isinstance(node, Map) and node.children[0] in active:
            first = _at(node.children[0], leaf, point)
            is_flat = ex.is_zero(ex.constant(node.function.derivative[0](*node.children)))
            if is_flat and ex.constant_value(first) is not None:
                return False
            crossed = (
                first if len(node.children) == 1 else simplified(first - _at(ex.broadcast(node.children[1], first.shape), leaf, point))
            )
            if node.function.kinks and ex.constant_value(crossed) in node.function.kinks:
                return False
    return True


def _at(root: Expression, leaf: Leaf, point: Expression) -> Expression:
    return simplified(ex.substitute(root, {leaf: point}))


OPERATORS: dict[str, Callable[[Elaborator, sx.Call], Task[Value]]] = {
    "diff": _diff,
    "Derivative": _diff,
    "grad": _grad,
    "hess": _hess,
    "jac": _jac,
    "D": _directional,
    "lim": _lim,
}


def _jacobian(elaborator: Elaborator, node: sx.Node, root: Expression, leaf: Leaf) -> Expression:
    """The derivative; one that has no rule is refused at the node."""
    try:
        return derive.jacobian(root, leaf)
    except SymgdError as error:
        raise error.at(elaborator.text, node.start, node.end) from None


def _operand(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    first = node.arguments[0]
    found: Value = elaborator.atom(first) or (yield elaborator.value(first))
    return found


def _scalar(elaborator: Elaborator, node: sx.Call) -> Task[Value]:
    value: Value = yield _operand(elaborator, node)
    if value.rank:
        first = node.arguments[0]
        reason = f"{node.name} is of a scalar, and {elaborator.source(first)} has shape {shape_text(value.shape)}."
        raise ShapeError(reason, hint="Write jac(F, x) for an array.").at(elaborator.text, first.start, first.end)
    return value


def _array(elaborator: Elaborator, node: sx.Node) -> Task[Leaf]:
    """A whole variable to derive by."""
    leaf, entry = yield _variable(elaborator, node)
    if entry is not None:
        elaborator.refuse(
            node, "expected a whole variable, not an entry of it.", f"Write {leaf.name}, or diff(f, {elaborator.source(node)})."
        )
    found: Leaf = leaf
    return found


def _variable(elaborator: Elaborator, node: sx.Node) -> Task[tuple[Leaf, list[Affine] | None]]:
    """The variable that is named, and the subscripts of an entry of it."""
    subscripts: list[Affine] | None = None
    name = node
    if isinstance(node, sx.Index):
        name, subscripts = node.base, []
        for written in node.indices:
            found = yield indices.subscript(elaborator, written)
            subscripts.append(found)
    value = elaborator.atom(name) if isinstance(name, sx.Name) else None
    if value is None or not isinstance(value.node, Leaf):
        reason = f"expected the name of a variable to derive by, found {elaborator.source(node)}."
        raise FormulaError(reason, hint="Write diff(f, x), with a variable x.").at(elaborator.text, node.start, node.end)
    return value.node, subscripts


def _laid_out(elaborator: Elaborator, node: sx.Call, value: Value, split: int) -> Value:
    """The vec layout: the columns of matrices stacked, so that the result is a matrix."""
    if value.rank <= 2 and split <= 1:
        return value
    if value.free:
        raise _free(value).at(elaborator.text, node.start, node.end)
    return Value(derive.vectorised(value.node, split))


def _shaped(shape: Shape) -> str:
    return f"has shape {shape_text(shape)}" if shape else "is a scalar"


def _free(value: Value) -> NoRuleError:
    index = value.free[0].name
    return NoRuleError(f"this derivative is not available inside a sum over {index}.", hint="Derive the sum instead: grad(sum(i, …), x).")
