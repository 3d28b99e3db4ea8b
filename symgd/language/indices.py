"""Subscripts, sizes and the ranges of bound indices.

A subscript is affine in bound indices, `x[i+1]`, `x[2*i]`, with a polynomial of dimension names as its constant. A range that is not
stated is what keeps every entry with the index inside its array, and at least one entry must be indexed by the index alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn

from symgd.algebra import expression as ex
from symgd.algebra import operations as op
from symgd.algebra.dimension import Dimension
from symgd.algebra.operations import Affine, Index
from symgd.algebra.trampoline import Task
from symgd.errors import FormulaError, NoRuleError, ShapeError
from symgd.language import syntax as sx
from symgd.language.binders import Binder, Bound, Use
from symgd.language.guards import Moved, Terms, ends, is_inside

if TYPE_CHECKING:
    from symgd.language.meaning import Elaborator

ONE = Dimension.of(1)
_HIGHEST = 64  # power of a size
_FEW = 64  # entries of an array of unknown size that are written out one by one
NEUTRAL = {"sum": Fraction(0), "prod": Fraction(1)}  # what they make nothing of; their ranges may depend on other indices
_CONDITION = "Sum over the whole range and write the condition inside: sum(j=1..n, x[j] if j <= i else 0)."


def size_of(elaborator: Elaborator, node: sx.Node) -> Task[Dimension]:
    """A size: a whole number or a polynomial of dimension names."""
    terms: Terms
    constant: Dimension
    terms, constant = yield linear(elaborator, node)
    if terms:
        raise NoRuleError(f"the size depends on the index {next(iter(terms))}.", hint=_CONDITION).at(elaborator.text, node.start, node.end)
    return constant


def subscript(elaborator: Elaborator, node: sx.Node) -> Task[Affine]:
    terms, constant = yield linear(elaborator, node)
    found = []
    for name, coefficient in terms.items():
        index = elaborator.bound[name]
        assert isinstance(index, Index)
        found.append((index, coefficient))
    return Affine(tuple(found), constant)


def value_of(elaborator: Elaborator, index: Index | Moved) -> op.Value:
    """The index as a number, the `i` of `sum(i, i*x[i])`."""
    if isinstance(index, Index):
        return op.index_value(index)
    terms = [(1, op.Value(ex.size(index.constant)))]
    for name, coefficient in index.terms.items():
        letter = elaborator.bound[name]
        assert isinstance(letter, Index)
        terms.append((1, op.hadamard(op.number(coefficient), op.index_value(letter))))
    return op.add(terms)


def linear(elaborator: Elaborator, node: sx.Node, unbound: frozenset[str] = frozenset()) -> Task[tuple[Terms, Dimension]]:
    """Coefficients of the indices in the node, and its constant. Names in `unbound` are indices whose range is not known yet."""
    if isinstance(node, sx.Number):
        if node.value.denominator != 1:
            _refuse(elaborator, node, "a whole number")
        return {}, Dimension.of(int(node.value))
    if isinstance(node, sx.Name):
        return _named(elaborator, node, unbound)
    if isinstance(node, sx.Prefix):
        terms, constant = yield linear(elaborator, node.operand, unbound)
        return _times({}, Dimension.of(-1), terms, constant) if node.operator == "-" else (terms, constant)
    if isinstance(node, sx.Power) and isinstance(node.exponent, sx.Number) and node.exponent.value in range(_HIGHEST + 1):
        terms, constant = yield linear(elaborator, node.base, unbound)
        if not terms:
            return {}, _raised(constant, int(node.exponent.value))
    if isinstance(node, sx.Chain):
        terms, constant = yield linear(elaborator, node.first, unbound)
        for operator, _, operand in node.rest:
            more, by = yield linear(elaborator, operand, unbound)
            if operator in ("+", "-"):
                sign = 1 if operator == "+" else -1
                terms = {name: terms.get(name, 0) + sign * more.get(name, 0) for name in (*terms, *more)}
                constant = constant + by * sign
            elif operator == "*" and not (terms and more) and (terms or more) and (by if terms else constant).constant is None:
                _refuse(elaborator, node, "an index times a whole number")
            elif operator == "*" and not (terms and more):
                terms, constant = _times(terms, constant, more, by)
            else:
                _refuse(elaborator, node, "a sum of indices, dimensions and whole numbers")
        return {name: c for name, c in terms.items() if c}, constant
    _refuse(elaborator, node, "a sum of indices, dimensions and whole numbers")


def _named(elaborator: Elaborator, node: sx.Name, unbound: frozenset[str]) -> tuple[Terms, Dimension]:
    name = node.name
    bound = elaborator.bound.get(name)
    if name in unbound or isinstance(bound, Index):
        return {name: 1}, Dimension.of(0)
    if isinstance(bound, Moved):
        return dict(bound.terms), bound.constant
    if name in elaborator.sizes:
        return {}, Dimension.of(name)
    if name in elaborator.declared or name in elaborator.bound:
        reason = f"'{name}' is a variable: expected an index, a dimension or a whole number."
        hint = f"Leave {name} undeclared to use it as a size, or choose another name."
    else:
        reason = f"unknown index '{name}': it is bound by no sum."
        hint = f"Bind it, as in sum({name}, …), or write a number."
    raise FormulaError(reason, hint=hint).at(elaborator.text, node.start, node.end)


def _raised(base: Dimension, exponent: int) -> Dimension:
    if base.constant is not None:
        return Dimension.of(base.constant**exponent)
    raised = ONE
    for _ in range(exponent):
        raised = raised * base
    return raised


def _times(a: Terms, c: Dimension, b: Terms, d: Dimension) -> tuple[Terms, Dimension]:
    """The product of two of which at most one has indices."""
    terms, factor = (a, d) if a else (b, c)
    number = factor.constant or 0
    return {name: coefficient * number for name, coefficient in terms.items()}, c * d


def _refuse(elaborator: Elaborator, node: sx.Node, expected: str) -> NoReturn:
    reason = f"unexpected index or size {elaborator.source(node)}: expected {expected}."
    error = FormulaError(reason, hint="Entries count from 1: x[1], x[i], x[i+1], x[n].")
    raise error.at(elaborator.text, node.start, node.end)


# ---- ranges ----------------------------------------------------------------------------------------------------------


def bind(elaborator: Elaborator, call: sx.Call, binder: Binder) -> Task[list[Index]]:
    """The indices of a call with their ranges, bound from now on; whoever calls removes them from `elaborator.bound`."""
    uses = elaborator.uses[id(call)]
    names = frozenset(bound.name for bound in binder.indices)
    found: list[Index] = []
    for bound in binder.indices:
        _check_name(elaborator, call, bound)
        label = _fresh(elaborator, bound.name)
        elaborator.stated.pop(label, None)
        if bound.lower is not None and bound.upper is not None:
            lower = yield _end(elaborator, bound.lower, call, 0)
            upper = yield _end(elaborator, bound.upper, call, 1)
            _check_length(elaborator, bound, bound.upper, upper - lower + 1)
            elaborator.stated[label] = (bound.lower, bound.upper)
        else:
            lower, upper = yield _inferred(elaborator, bound, uses[bound.name], names)
        found.append(Index(label, lower, upper - lower + 1))
        elaborator.bound[bound.name] = found[-1]
    return found


def _end(elaborator: Elaborator, node: sx.Node, call: sx.Call, side: int) -> Task[Dimension]:
    """An end of a range; where it depends on an index, the least (`side` 0) or largest (1) that it may be: see `body`."""
    if call.name not in NEUTRAL:
        size: Dimension = yield size_of(elaborator, node)
        return size
    affine: Affine = yield subscript(elaborator, node)
    return ends(affine)[side]


def body(elaborator: Elaborator, call: sx.Call, binder: Binder) -> Task[op.Value]:
    """The body of a call with its indices bound; sum(j=1..i, …) runs over every j, under the condition j <= i."""
    node = binder.body
    for bound in reversed(binder.indices):
        for operator, end in (("<=", bound.upper), (">=", bound.lower)):
            if end is not None and any(isinstance(elaborator.bound.get(name), Index | Moved) for name in sx.names_in(end)):
                letter = sx.Name(bound.name, bound.start, bound.start + len(bound.name))
                condition = sx.Comparison(operator, bound.start, letter, end, bound.start, end.end)
                node = sx.Conditional(node, condition, sx.Number(NEUTRAL[call.name], end.start, end.end), bound.start, end.end)
    value: op.Value = elaborator.atom(node) or (yield elaborator.value(node))
    return value


def _fresh(elaborator: Elaborator, name: str) -> str:
    """The name, marked where an argument of the definition being read contains an index of that name from outside."""
    taken = {index.name for value in elaborator.bound.values() if isinstance(value, op.Value) for index in value.free}
    while name in taken:
        name += "'"
    return name


def _check_name(elaborator: Elaborator, call: sx.Call, bound: Bound) -> None:
    name = bound.name
    if name in elaborator.declared:
        reason = f"'{name}' is declared as {elaborator.declared[name]}: it cannot be the index of {call.name}."
        hint = f"Choose another name for the index, or name an axis: {call.name}(X, axis=1)."
    elif name in elaborator.sizes:
        reason, hint = f"'{name}' is a dimension: it cannot be the index of {call.name}.", "Choose another name for the index."
    elif name in elaborator.bound:
        reason, hint = f"the index '{name}' is bound twice.", "Choose another name for one of the indices."
    else:
        return
    raise FormulaError(reason, hint=hint).at(elaborator.text, call.start, bound.end)


def _check_length(elaborator: Elaborator, bound: Bound, place: sx.Node, length: Dimension) -> None:
    if length.at_least(1) is False:
        error = ShapeError(f"the range of the index {bound.name} is empty.", hint="Write the smaller number first: i=1..n.")
        raise error.at(elaborator.text, place.start, place.end)
    number = length.constant
    if number is None:
        return
    for outer in elaborator.bound.values():
        if isinstance(outer, Index) and (count := outer.length.constant) is not None:
            number *= count
    if number > elaborator.limits.terms:
        raise elaborator.limits.exceeded("terms", "the sum is too long").at(elaborator.text, place.start, place.end)


def _inferred(elaborator: Elaborator, bound: Bound, uses: list[Use], names: frozenset[str]) -> Task[tuple[Dimension, Dimension]]:
    """The first and last value that keep every use inside its array."""
    name = bound.name
    plain: tuple[Dimension, sx.Node] | None = None
    lowest: Dimension = ONE
    highest: Dimension | None = None
    for use in uses:
        offset, size = yield _constraint(elaborator, use, name, names)
        if offset is None or size is None:
            continue
        if offset == Dimension.of(0):
            if plain and plain[0] != size:
                _refuse_range(elaborator, bound, plain, (size, use.node))
            plain = plain or (size, use.node)
        low, high = ONE - offset, size - offset
        if (low - lowest).at_least(0) is True:
            lowest = low
        if highest is None or (highest - high).at_least(0) is True:
            highest = high
        elif (high - highest).at_least(0) is not True:
            _refuse_range(elaborator, bound, plain or (highest, use.node), (size, use.node))
    if plain is None or highest is None:
        reason = f"the range of the index '{name}' is unknown: no entry such as x[{name}] says it."
        raise FormulaError(reason, hint=f"State it: {name}=1..n.").at(elaborator.text, bound.start, bound.end)
    return lowest, highest


def _constraint(elaborator: Elaborator, use: Use, name: str, names: frozenset[str]) -> Task[tuple[Dimension | None, Dimension | None]]:
    """The offset c of a use x[i + c], and the size of the axis; None where the use says nothing of the range."""
    subscript, base = use.node.indices[use.axis], use.node.base
    inner = frozenset(sx.names_in(subscript)) - set(elaborator.sizes) - set(elaborator.declared) - set(elaborator.bound)
    terms, offset = yield linear(elaborator, subscript, inner | names)
    if terms != {name: 1}:
        return None, None
    value = elaborator.atom(base)
    if value is None:
        if not use.is_closed:
            return None, None
        if id(base) not in elaborator.done:
            elaborator.done[id(base)] = yield elaborator.value(base)
        value = elaborator.done[id(base)]
    if value.rank != len(use.node.indices):
        return None, None  # refused when the entry itself is read
    return offset, value.shape[use.axis]


def _refuse_range(elaborator: Elaborator, bound: Bound, first: tuple[Dimension, sx.Node], second: tuple[Dimension, sx.Node]) -> NoReturn:
    (a, one), (b, other) = first, second
    reason = f"the index {bound.name} runs over 1..{a} in {elaborator.source(one)} and over 1..{b} in {elaborator.source(other)}."
    hint = f"Declare both with one dimension, or state the range: {bound.name}=1..{a}."
    raise ShapeError(reason, hint=hint).at(elaborator.text, other.start, other.end)


# ---- entries ---------------------------------------------------------------------------------------------------------


def entry(elaborator: Elaborator, node: sx.Index) -> Task[op.Value]:
    """`X[i, 2]`, with a fault of range placed at the end of the range that was stated, else at the subscript."""
    base = elaborator.done.pop(id(node.base), None) or elaborator.atom(node.base)
    if base is None:
        base = yield elaborator.value(node.base)
    subscripts = []
    for index in node.indices:
        found = yield subscript(elaborator, index)
        subscripts.append(found)
    place: sx.Node = node
    if base.rank == len(subscripts):
        for axis, (written, affine) in enumerate(zip(node.indices, subscripts)):
            size = base.shape[axis]
            if not is_inside(affine, size):
                reached = (guard.reach(affine, elaborator.bound, size) for guard in reversed(elaborator.guards))
                subscripts[axis] = next(filter(None, reached), affine)
                place = _outside(elaborator, written, subscripts[axis], size) or place
    return elaborator.apply(lambda value: _entries(value, subscripts, _FEW), [base], [node.base], place.start, place.end)


def _entries(value: op.Value, subscripts: Sequence[Affine], most: int) -> op.Value:
    """The entry, at the values of an index one by one where it has few and the array may be smaller: `sum(i=1..3, x[i])` is
    x[1] + x[2] + x[3], and the size of x is checked when its value comes."""
    outside = [affine for affine, size in zip(subscripts, value.shape) if not is_inside(affine, size) and size.constant is None]
    few = (index for affine in outside if ends(affine)[0].at_least(1) for index, _ in affine.coefficients)
    index = next((index for index in few if 0 < (index.length.constant or 0) <= most and index not in value.free), None)
    if index is None or len(subscripts) != value.rank:
        return op.entry(value, subscripts)
    items, count = [], index.length.constant or 0
    for k in range(count):
        fixed = []
        for affine in subscripts:
            times = dict(affine.coefficients).get(index, 0)
            rest = tuple((other, c) for other, c in affine.coefficients if other != index)
            fixed.append(Affine(rest, affine.constant + (index.lower + k) * times))
        items.append(_entries(value, fixed, most // count))
    found = op.literal(items)
    return replace(found, free=(*found.free, index))


def _outside(elaborator: Elaborator, written: sx.Node, affine: Affine, size: Dimension) -> sx.Node | None:
    """Where to point, if the subscript may leave 1..size: at the bound that was stated, or at the subscript."""
    low, high = ends(affine)
    too_low, too_high = (low - 1).at_least(0) is not True, (size - high).at_least(0) is not True
    if not too_low and not too_high:
        return None
    for index, coefficient in affine.coefficients:
        if index.name in elaborator.stated:
            return elaborator.stated[index.name][too_high == (coefficient > 0)]
    return written
