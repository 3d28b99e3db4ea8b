"""Rows by name, and the one way in: `define_function` checks a row and adds it; every other room looks functions up here.

Two rows never share a name or an alias, also across kinds: the maximum of two numbers is `max`, that along an axis is `amax`
(the language writes both `max`, and takes the second where there is one argument).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from symgd.algebra.expression import Expression, Number, along, apply, constant, of_matrix
from symgd.algebra.functions.row import Elementwise, OfMatrix, Row
from symgd.errors import FormulaError, NoRuleError

_rows: dict[str, Row] = {}

# Names with a meaning of their own in the language, and those that templates use.
_OPERATORS = ("diff", "Derivative", "grad", "hess", "jac", "D", "lim")
_ARRAYS = ("sum", "mean", "tr", "trace", "normF", "normInf", "dot", "outer", "diag", "vec", "kron", "commut", "eye", "ones", "zeros")
_MATRICES = ("solve", "tril", "triu", "band")
RESERVED = frozenset((*_OPERATORS, *_ARRAYS, *_MATRICES, "e", "E", "pi", "if", "else", "torch", "f"))
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_PLACE = re.compile(r"\{(\d)\}")
_FREE_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?!\w*\s*=[^=])")


def row(name: str) -> Row:
    """The row of this name or alias."""
    try:
        return _rows[name]
    except KeyError:
        raise NoRuleError(f"no function is named {name!r}.", hint="symgd.define_function(row) adds one.") from None


def find(name: str) -> Row | None:
    """The row of this name or alias, None where there is none."""
    return _rows.get(name)


def elementwise(name: str) -> Elementwise:
    found = row(name)
    if not isinstance(found, Elementwise):
        raise NoRuleError(f"{name} is no elementwise function.")
    return found


def rows() -> Iterator[Row]:
    """Every row once, in the order of definition."""
    return iter([found for name, found in _rows.items() if name == found.name])


def build(function: Row, *arguments: Expression | Number) -> Expression:
    """The function of the arguments, as an expression."""
    if isinstance(function, Elementwise):
        return apply(function, *arguments)
    if isinstance(function, OfMatrix):
        return of_matrix(function, *map(constant, arguments))
    (argument,) = arguments
    return along(function, constant(argument))


def define_function(function: Row) -> Row:
    """Add a function to the table: from then on it is read, derived, printed, lowered and verified like every other.

    Raises `FormulaError` where the name is taken or is no name, a template misses an argument, the number of derivatives is
    not the arity, or a field says nothing.
    """
    for name in (function.name, *function.aliases):
        if not _NAME.match(name):
            raise FormulaError(f"{name!r} is no name for a function.", hint="A name is letters, digits and _, and begins with a letter.")
        if name in _rows or name in RESERVED:
            raise FormulaError(f"the name {name} is taken.", hint="Choose another name for the function.")
    arity = function.arity if isinstance(function, Elementwise) else 1 + function.scalars if isinstance(function, OfMatrix) else 1
    if arity < 1:
        _fault(function, f"its arity is {arity}", "A function has at least one argument.")
    for field in ("torch", "accurate", "latex"):
        _check_template(function, field, arity)
    if not function.source.strip():
        _fault(function, "source is empty", "Say where the derivative is printed, or how it was found.")
    if isinstance(function, Elementwise):
        _check_elementwise(function)
    elif not callable(function.pullback) or not callable(function.ball):
        _fault(function, "pullback and ball must be callable", "Give them as functions.")
    for name in (function.name, *function.aliases):
        _rows[name] = function
    return function


def fill(template: str, *texts: str) -> str:
    """The template with {0}, {1}, … replaced; other braces stand for themselves."""
    return _PLACE.sub(lambda match: texts[int(match[1])], template)


def _fault(function: Row, reason: str, hint: str) -> None:
    raise FormulaError(f"the row of {function.name} is not complete: {reason}.", hint=hint)


def _check_template(function: Row, field: str, arity: int) -> None:
    template: str = getattr(function, field)
    found = {int(place) for place in _PLACE.findall(template)}
    if found != set(range(arity)):
        wanted = " ".join(f"{{{k}}}" for k in range(arity))
        _fault(function, f"{field} is {template!r}, its arguments are {wanted}", "A template mentions every argument, and no other.")
    if field != "latex":
        for name in _FREE_NAME.findall(template):
            if name not in ("torch", "f", "True", "False", "None"):
                hint = "A template uses names of torch only, and f for symgd.lowering.torch_functions."
                _fault(function, f"{field} uses the name {name!r}", hint)


def _check_elementwise(function: Elementwise) -> None:
    if len(function.derivative) != function.arity:
        count = len(function.derivative)
        _fault(function, f"it has arity {function.arity} and {count} derivatives", "Give one derivative per argument.")
    callables = (*function.derivative, function.exact, function.ball, function.sympy)
    if not all(callable(field) for field in callables):
        _fault(function, "derivative, exact, ball and sympy must be callable", "Give them as functions of the arguments.")
    if function.kinks and not function.convention:
        _fault(function, "it has kinks and no convention", "Say what the derivative is taken to be there.")
    if not function.hard:
        _fault(function, "it has no hard points", "Give sample points, as decimal text.")
    for point in function.hard:
        try:
            [Decimal(text) for text in point]
        except (InvalidOperation, TypeError):
            _fault(function, f"the hard point {point!r} is no tuple of decimal texts", 'Write ("0.5",) for a function of one argument.')
        if len(point) != function.arity:
            _fault(function, f"the hard point {point!r} has {len(point)} of {function.arity} arguments", "Give every argument.")
