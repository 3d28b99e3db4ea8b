"""The way in: a text and its declarations to a typed value, with a report of how it was read.

A name that is not declared is a real scalar. But where a declared name goes unused beside an undeclared one, that is taken for a
misspelling and refused, with the nearest name suggested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

from symgd.algebra.dimension import shape_text
from symgd.algebra.expression import Expression, Leaf, Map, leaf
from symgd.algebra.operations import Value
from symgd.errors import FormulaError
from symgd.language import infix
from symgd.language.binders import outline
from symgd.language.declarations import Variable, parse_declarations
from symgd.language.latex import given as latex_given
from symgd.language.latex import reader as latex
from symgd.language.latex.scope import Scope
from symgd.language.limits import Limits
from symgd.language.meaning import Elaborator
from symgd.language.syntax import Equation, Node

_NO_LIMITS = Limits()
Given = str | Mapping[str, str] | Scope | None  # a Scope: what a document declares


@dataclass(frozen=True, slots=True)
class Reading:
    """How a formula was read.

    `names` lists every name with its type; `warnings` what was read in a way that may not be meant. `declared` are the variables that may
    be given values, by name; `kinked` the functions whose kinks a derivative inside the formula crosses, each with its argument; `used` the
    names of variables that the text uses.
    """

    text: str
    value: Value
    declared: Mapping[str, Leaf]
    names: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    kinked: tuple[tuple[Map, Expression], ...]
    defines: str = ""
    used: frozenset[str] = frozenset()

    def __str__(self) -> str:
        lines = [self.text, *(f"  {name}: {kind}" for name, kind in self.names), *(f"  warning: {warning}" for warning in self.warnings)]
        return "\n".join(lines)


def read(text: str, given: Given = "", syntax: str = "infix", limits: Limits = _NO_LIMITS) -> Reading:
    """Read a formula. Raises `FormulaError`, `ShapeError`, `DomainError`, `LimitError` or `NoRuleError`, placed in the text.

    >>> print(read("norm2(A*x - b)^2", "A[m,n], x[n], b[m]"))
    norm2(A*x - b)^2
      A: a matrix (m, n)
      x: a vector (n)
      b: a vector (m)
      m: a dimension
      n: a dimension
    """
    root, elaborator = _parsed(text, given, syntax, limits)
    value = elaborator.read(root, text)
    _refuse_misspelling(elaborator, given)
    return _report(elaborator, text, value)


def read_claim(text: str, given: Given = "", syntax: str = "infix", limits: Limits = _NO_LIMITS) -> tuple[Reading, Reading]:
    """Read an equation: its left side and its right side, with the same names."""
    equation, elaborator = _claim(text, given, syntax, limits)
    elaborator.prepare(equation.right)  # a name that is a size on one side is the same on the other
    left = elaborator.read(equation.left, text)
    right = left if equation.right is equation.left else elaborator.read(equation.right, text, left.shape)
    _refuse_misspelling(elaborator, given)
    sides = [(left, text[equation.left.start : equation.left.end]), (right, text[equation.right.start : equation.right.end])]
    one, other = (_report(elaborator, written, value) for value, written in sides)
    return one, other


def claim_of(text: str, given: Given = "", syntax: str = "infix", limits: Limits = _NO_LIMITS) -> Equation:
    """The syntax tree of an equation, in either syntax."""
    return _claim(text, given, syntax, limits)[0]


def _parsed(text: str, given: Given, syntax: str, limits: Limits) -> tuple[Node, Elaborator]:
    """The tree of a formula, and the elaborator that knows its declarations."""
    _check_syntax(syntax)
    if syntax == "infix":
        return infix.parse_formula(text, limits), _infix_elaborator(given, limits)
    scope = _scope(given, limits)
    root = latex.parse_formula(text, limits, scope)
    return root, _elaborator(scope, limits, root)


def _claim(text: str, given: Given, syntax: str, limits: Limits) -> tuple[Equation, Elaborator]:
    _check_syntax(syntax)
    if syntax == "infix":
        elaborator = _infix_elaborator(given, limits)
        return infix.parse_claim(text, limits), elaborator
    scope = _scope(given, limits)
    equation = latex.parse_claim(text, limits, scope)
    return equation, _elaborator(scope, limits, equation.left, equation.right)


def _scope(given: Given, limits: Limits) -> Scope:
    return given.copy() if isinstance(given, Scope) else latex_given.parse_declarations(given, limits)


def _infix_elaborator(given: Given, limits: Limits) -> Elaborator:
    return _elaborator(given.copy(), limits) if isinstance(given, Scope) else Elaborator(parse_declarations(given, limits), limits)


def _elaborator(scope: Scope, limits: Limits, *roots: Node) -> Elaborator:
    # A declared number that a sum runs to, as in \\sum_{k=1}^{n} k with n declared, is a size.
    sizes = {name for root in roots for name in outline(root).sizes}
    declared = [d for d in scope.declared.values() if not (d.name in sizes and isinstance(d, Variable) and not d.shape)]
    made = Elaborator(declared, limits)
    made.is_latex = True
    made.warnings += scope.warnings
    made.defines = scope.defines
    made.local = scope.local
    return made


def _check_syntax(syntax: str) -> None:
    if syntax not in ("infix", "latex"):
        raise FormulaError(f"unknown syntax {syntax!r}.", hint='Formulas are read with syntax="infix" or syntax="latex".')


def _refuse_misspelling(elaborator: Elaborator, given: Given) -> None:
    """Refuse an undeclared name where a declared one goes unused; in a document, which declares for many formulas, warn of it."""
    if isinstance(given, Scope):
        elaborator.warnings += [f"{name} is not declared: it is read as a real scalar." for name in elaborator.undeclared]
        return
    unused = [name for name in elaborator.declared if name not in elaborator.used | elaborator.local and name not in elaborator.sizes]
    if not unused or not elaborator.undeclared:
        return
    # The one that looks most like an unused name is the one to point at.
    for name in elaborator.undeclared:
        near = _nearest(name, unused)
        if near:
            _refuse_name(elaborator, name, f"Did you mean {near}? It is declared and not used.")
    listed = ", ".join(unused[:8]) + (", …" if len(unused) > 8 else "")
    name = next(iter(elaborator.undeclared))
    _refuse_name(elaborator, name, f"Declared and not used: {listed}. Declare {name} too if it is meant.")


def _refuse_name(elaborator: Elaborator, name: str, hint: str) -> NoReturn:
    text, node = elaborator.undeclared[name]
    raise FormulaError(f"unknown name '{name}'.", hint=hint).at(text, node.start, node.end)


def _nearest(name: str, names: list[str]) -> str | None:
    same = [other for other in names if other.lower() == name.lower()]
    return next(iter(same or get_close_matches(name, names, 1, 0.6)), None)


def _report(elaborator: Elaborator, text: str, value: Value) -> Reading:
    names: dict[str, str] = {}
    declared: dict[str, Leaf] = {}
    for declaration in elaborator.declared.values():
        if isinstance(declaration, Variable):
            if declaration.name not in elaborator.sizes:
                names[declaration.name] = _kind(declaration)
                declared[declaration.name] = declaration.leaf()
        else:
            names[declaration.name] = "defined" if hasattr(declaration, "body") else "an unknown function"
    for name in elaborator.undeclared:
        names[name] = "a real scalar, not declared"
        declared[name] = leaf(name)
    names.update(dict.fromkeys(sorted(elaborator.sizes), "a dimension"))
    return Reading(
        text,
        value,
        declared,
        tuple(names.items()),
        tuple(elaborator.warnings),
        tuple(elaborator.kinked),
        elaborator.defines,
        frozenset(elaborator.used | set(elaborator.undeclared)),
    )


def _kind(variable: Variable) -> str:
    rank = len(variable.shape)
    what = "a real scalar" if not rank else f"{('a vector', 'a matrix')[rank - 1] if rank < 3 else 'an array'} {shape_text(variable.shape)}"
    return ", ".join((what, *variable.properties))
