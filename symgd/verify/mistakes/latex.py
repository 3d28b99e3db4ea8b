"""Claims in LaTeX: the likely mistake is looked for in the claim as infix text, and the repair is written in LaTeX again.

The side that is right stays as the user wrote it; the side that is mended is printed. The repair is read and checked as LaTeX.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from symgd.algebra import expression as ex
from symgd.algebra.expression import Expression, Leaf
from symgd.algebra.operations import Value
from symgd.algebra.simplify import simplified
from symgd.calculus import derive
from symgd.errors import SymgdError
from symgd.language import syntax as sx
from symgd.language.declarations import declaration_of
from symgd.language.elaborate import Given, Reading, claim_of, read, read_claim
from symgd.language.infix import parse_claim
from symgd.language.latex.hints import in_latex
from symgd.language.limits import Limits
from symgd.notation.infix import infix
from symgd.notation.latex import latex
from symgd.notation.latex_names import name_latex
from symgd.verify.mistakes.mistake import Mistake

_DERIVATIVES = {"∂": ("diff", "grad"), "∇": ("diff", "grad"), "∇²": ("", "hess")}  # by a number, by an array


@dataclass(frozen=True, slots=True)
class _Claim:
    """A claim in LaTeX with its infix text, whose sides are `left` and `right`, and the infix declarations."""

    text: str
    equation: sx.Equation
    left: str
    right: str
    given: str
    names: frozenset[str]

    def written(self, side: sx.Node) -> str:
        return self.text[side.start : side.end].replace("&", " ").replace(r"\\", " ").strip()


def mistake_in_latex(
    text: str, given: Given, search: Callable[[str, str], Mistake | None], checks: Callable[[str], bool]
) -> Mistake | None:
    """The mistake that `search` finds in the infix form of a claim, if its repair in LaTeX `checks`."""
    try:
        claim = _in_infix(text, given)
        found = None if claim is None else search(f"{claim.left} = {claim.right}", claim.given)
        if claim is None or found is None:
            return None
        repair = _repair(claim, found.repair)
    except SymgdError:
        return None
    return Mistake(found.kind, in_latex(found.text), repair) if checks(repair) else None


def _in_infix(text: str, given: Given) -> _Claim | None:
    one, other = read_claim(text, given, "latex", Limits())
    roots = one.value.node, other.value.node
    if any(isinstance(node, ex.Unknown) for node in ex.topological(*roots)):
        return None
    declared = {**one.declared, **other.declared}
    equation = claim_of(text, given, "latex", Limits())
    left, formula = _derived(text, equation.left, given, declared, one.value.node) or (_infix(one), None)
    leaves = ex.leaves(*roots, *([formula] if formula is not None else []))
    names = frozenset(leaf.name for leaf in leaves)
    return _Claim(text, equation, left, _infix(other), ", ".join(str(declaration_of(leaf)) for leaf in leaves), names)


def _infix(reading: Reading) -> str:
    return infix(reading.value.node, row=reading.value.row)


def _derived(text: str, side: sx.Node, given: Given, declared: Mapping[str, Leaf], left: Expression) -> tuple[str, Expression] | None:
    """`grad(F, x)` with the formula F, where the side is one derivative of a formula by a name."""
    if not (isinstance(side, sx.Call) and side.name in _DERIVATIVES and len(side.arguments) == 2):
        return None
    body, by = side.arguments
    leaf = declared.get(by.name) if isinstance(by, sx.Name) else None
    if leaf is None:
        return None
    operator, source = _DERIVATIVES[side.name][bool(leaf.shape)], text[body.start : body.end]
    for written in (source, source.replace("'", "")):  # of f'(x), f(x) is derived
        formula = _read(written, given)
        if formula is not None and operator and not formula.rank and _is_derivative(formula.node, leaf, operator, left):
            return f"{operator}({infix(formula.node)}, {leaf.name})", formula.node
    return None


def _read(written: str, given: Given) -> Value | None:
    try:
        return read(written, given, "latex", Limits()).value
    except SymgdError:
        return None


def _is_derivative(formula: Expression, leaf: Leaf, operator: str, left: Expression) -> bool:
    found = derive.jacobian(formula, leaf)
    return simplified(derive.jacobian(found, leaf) if operator == "hess" else found) is simplified(left)


def _repair(claim: _Claim, repair: str) -> str:
    """The mended claim in LaTeX."""
    equation = parse_claim(repair, Limits())
    left, right = (repair[side.start : side.end] for side in (equation.left, equation.right))
    if left == claim.left:
        return f"{claim.written(claim.equation.left)} = {_latex(claim, right)}"
    node = equation.left
    if (
        isinstance(node, sx.Call)
        and len(node.arguments) == 2
        and node.name in ("diff", "grad", "hess")
        and isinstance(node.arguments[1], sx.Name)
    ):
        body, by = node.arguments[0], name_latex(node.arguments[1].name)
        operator = {"diff": rf"\frac{{\partial}}{{\partial {by}}}", "grad": rf"\nabla_{{{by}}}", "hess": rf"\nabla_{{{by}}}^{{2}}"}[
            node.name
        ]
        return rf"{operator} \left({_latex(claim, repair[body.start : body.end])}\right) = {claim.written(claim.equation.right)}"
    return f"{_latex(claim, left)} = {claim.written(claim.equation.right)}"


def _latex(claim: _Claim, written: str) -> str:
    value = read(written, claim.given, "infix", Limits()).value
    return latex(value.node, row=value.row, avoid=claim.names)
