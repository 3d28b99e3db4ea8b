"""Expressions in LaTeX, from the same presentation tree as the infix text. Needs amsmath and bm.

How a function looks stands in its row of the function table; what has no row (sum, tr, diag, …) is in `_BUILT_IN` below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from fractions import Fraction

from symgd.algebra.expression import Expression
from symgd.calculus.steps.pending import variables
from symgd.notation import presentation as show
from symgd.notation.latex_names import has_script, name_latex
from symgd.notation.latex_style import PLAIN_STYLE, Style, unsized
from symgd.notation.letters import used_names
from symgd.notation.present import presented
from symgd.notation.presentation import (
    ATOM,
    CHOICE,
    COMPARISON,
    POSTFIX,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Piece,
    Tree,
)
from symgd.notation.terms import is_decimal

_OPENING, _CLOSING = r"\left(", r"\right)"
_OPERATORS = {"<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "==": "=", "!=": r"\ne"}
_BUILT_IN = {
    "tr": r"\operatorname{tr}\left({0}\right)",
    "diag": r"\operatorname{diag}\left({0}\right)",
    "vec": r"\operatorname{vec}\left({0}\right)",
    "sum": r"\operatorname{sum}\left({0}\right)",
    "mean": r"\operatorname{mean}\left({0}\right)",
    "normF": r"\left\lVert {0}\right\rVert_{F}",
}
_DERIVATIVES: dict[str, Callable[[Sequence[Tree]], tuple[int, list[Piece]]]] = {
    "diff": lambda arguments: _partial(arguments),
    "jac": lambda arguments: _partial(arguments),
    "grad": lambda arguments: _nabla("", arguments),
    "hess": lambda arguments: _nabla("^{2}", arguments),
    "D": lambda arguments: _along(*arguments),
}
_PLACE = re.compile(r"\{(\d)\}")
_BRACKETED = re.compile(r"\\left\(\{0\}\\right\)")  # a template that begins so needs the brackets only round what is not one symbol
_NAMED = re.compile(r"(\\[a-z]+)\\left\(\{0\}\\right\)\Z")  # \sin\left(…\right): its square is \sin^{2}\left(…\right)


def latex(
    expression: Expression,
    notation: str = "auto",
    *,
    row: bool = False,
    avoid: Iterable[str] = (),
    style: Style = PLAIN_STYLE,
    authored: Set[Expression] = frozenset(),
) -> str:
    """The expression in LaTeX, without dollar signs.

    `notation` "auto" and "matrix" write matrix products where there are any, "index" writes sums over indices; `row` says that a
    vector lies down, `avoid` are names that no bound index may have. Terms and factors stand in the order that reads best, those of
    `authored` nodes in the order they have. Raises LimitError where it would be too long to read.

    >>> from symgd import formula
    >>> print(formula("norm2(A*x - b)^2", given="A[m,n], x[n], b[m]").latex())
    \\left\\lVert A x - b\\right\\rVert_2^{2}
    """
    tree = presented(expression, notation, row, avoid, sums_as_words=False, authored=authored)
    arrays = {leaf.name: leaf.rank for leaf in variables(expression)} if style.bold != "none" else {}
    return _Writer(used_names(expression), style, arrays).text(tree)


class _Writer:
    """The rule of LaTeX; `names` are those of the formula, which symbols such as I_n must not be taken for; `ranks` of arrays in bold."""

    def __init__(self, names: set[str], style: Style = PLAIN_STYLE, ranks: Mapping[str, int] = {}) -> None:
        self.names = names
        self.style = style
        self.ranks = ranks

    def text(self, tree: Tree) -> str:
        found = show.rendered(tree, self.pieces, _OPENING, _CLOSING)
        return found if self.style.brackets == "sized" else unsized(found)

    def pieces(self, node: Tree) -> tuple[int, list[Piece]]:
        """One node in terms of its parts, and how tightly it holds together."""
        if isinstance(node, show.Number):
            return _number(node.value, self.style.fractions)
        if isinstance(node, show.Name):
            return ATOM, [self._name(node.name)]
        if isinstance(node, show.Group):
            return ATOM, [_OPENING, (node.inner, 0), _CLOSING]
        if isinstance(node, show.Sum):
            return SUM, show.summed(node)
        if isinstance(node, show.Product):
            return PRODUCT, _product(node)
        if isinstance(node, show.Quotient):
            return _quotient(node, self.style.fractions)
        if isinstance(node, show.Power):
            return self._power(node)
        if isinstance(node, show.Transpose):
            return self._transpose(node)
        if isinstance(node, show.Indexed):
            return POSTFIX, [_subscripted(node.base), f"_{{{','.join(map(self._compact, node.indices))}}}"]
        if isinstance(node, show.Call):
            return self._call(node)
        if isinstance(node, show.Literal):
            return ATOM, [r"\begin{bmatrix} ", *_rows(node), r" \end{bmatrix}"]
        if isinstance(node, show.Blocks):
            return ATOM, _blocks(node.rows)
        if isinstance(node, show.Bound):
            return self._bound(node)
        if isinstance(node, show.Conditional):
            return self._conditional(node)
        assert isinstance(node, show.Comparison)
        return COMPARISON, [(node.left, SUM), f" {_OPERATORS[node.operator]} ", (node.right, SUM)]

    def _name(self, name: str) -> str:
        rank = self.ranks.get(name, 0)
        bold = rank and (self.style.bold == "arrays" or rank == 1)
        return rf"\bm{{{name_latex(name)}}}" if bold and not has_script(name) else name_latex(name)

    def _compact(self, index: Tree) -> str:
        """An index or a size, without spaces round its signs."""
        return self.text(index).replace(" + ", "+").replace(" - ", "-")

    def _bound(self, node: show.Bound) -> tuple[int, list[Piece]]:
        ranges = [(name_latex(letter), self._compact(last)) for letter, last in node.indices]
        if node.kind == "array":
            listed = ", ".join(rf"{letter}=1,\dots,{last}" for letter, last in ranges)
            return ATOM, [r"\left[", (node.body, 0), rf"\right]_{{{listed}}}"]
        sign = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min"}.get(node.kind, rf"\operatorname{{{node.kind}}}")
        return PRODUCT, ["".join(f"{sign}_{{{letter}=1}}^{{{last}}} " for letter, last in ranges), (node.body, PRODUCT)]

    def _conditional(self, node: show.Conditional) -> tuple[int, list[Piece]]:
        """Cases; conditions on indices as one Iverson bracket in front of the value."""
        conditions, value = [node.condition], node.value
        while node.of_indices and isinstance(value, show.Conditional) and value.of_indices:
            conditions.append(value.condition)
            value = value.value
        if show.is_number(node.otherwise, 0) and isinstance(node.condition, show.Comparison):
            truth: list[Piece] = [r"\mathbf{1}\left[", *show.listed(conditions), r"\right]"]
            if show.is_number(value, 1):
                return ATOM, truth
            if node.of_indices or node.condition.operator == "==":
                return PRODUCT, [*truth, " ", (value, PRODUCT)]
        return CHOICE, _cases(node)

    def _power(self, node: show.Power) -> tuple[int, list[Piece]]:
        shown: Piece = (node.exponent, 0)
        if isinstance(node.exponent, show.Number) and node.exponent.value.denominator != 1:
            shown = str(node.exponent.value)
        exponent: list[Piece] = [r"^{\odot " if node.entrywise else "^{", shown, "}"]
        base = node.base
        if isinstance(base, show.Indexed) and isinstance(base.base, show.Name) and not has_script(base.base.name):
            return POWER, [(base, 0), *exponent]
        is_whole = isinstance(node.exponent, show.Number) and node.exponent.value.denominator == 1 and not node.entrywise
        if isinstance(base, show.Call) and is_whole:
            named = _NAMED.match(base.latex)
            if named:
                return POWER, [named[1], *exponent, _OPENING, (base.arguments[0], 0), _CLOSING]
            if base.latex.endswith(r"\left({0}\right)") or base.name == "inv":
                return POWER, [_OPENING, (base, 0), _CLOSING, *exponent]
        return POWER, [(base, ATOM), *exponent]

    def _transpose(self, node: show.Transpose) -> tuple[int, list[Piece]]:
        base = node.base
        if isinstance(base, show.Call) and base.name == "inv":
            if self.style.transpose == "'":
                return POWER, [_OPENING, (base, 0), _CLOSING, "'"]
            return POWER, [(base.arguments[0], ATOM), rf"^{{-{self.style.transpose}}}"]
        return POWER, [(base, ATOM), f"^{{{self.style.transpose}}}" if self.style.transpose != "'" else "'"]

    def _call(self, node: show.Call) -> tuple[int, list[Piece]]:
        if node.name in _DERIVATIVES:
            return _DERIVATIVES[node.name](node.arguments)
        if node.name == "lim":
            step, point, body = node.arguments
            return PRODUCT, [r"\lim_{", (step, 0), r" \to ", (point, 0), "} ", (body, SIGN)]
        if node.name == "kron":
            left, right = node.arguments
            return PRODUCT, [(left, SIGN), r" \otimes ", (right, SIGN)]
        if node.name == "ones":
            return POSTFIX, [r"\mathbf{1}_{", *show.listed(node.arguments, r" \times "), "}"]
        if node.name == "eye" and not any(name == "I" or name.startswith("I_") for name in self.names):
            return POSTFIX, ["I_{", (node.arguments[0], 0), "}"]
        if node.name in ("max", "min") and node.axis is None:
            return ATOM, [f"\\{node.name}", _OPENING, *show.listed(node.arguments), _CLOSING]
        template = node.latex if node.name != "normF" else ""
        template = template or _BUILT_IN.get(node.name, "")
        if node.axis is not None:
            return ATOM, [
                rf"\operatorname{{{node.name}}}_{{\mathrm{{axis}}={node.axis}}}",
                _OPENING,
                *show.listed(node.arguments),
                _CLOSING,
            ]
        if template:
            return _filled(template, node.arguments)
        known = node.name in ("eye", "commut") or node.name not in self.names
        head = rf"\operatorname{{{node.name}}}" if known and node.name.isascii() and node.name.isalnum() else name_latex(node.name)
        return ATOM, [head, _OPENING, *show.listed(node.arguments), _CLOSING]


def _partial(arguments: Sequence[Tree]) -> tuple[int, list[Piece]]:
    """The derivative by one variable, or by several in turn."""
    body, *by = arguments
    order = "" if len(by) == 1 else f"^{{{len(by)}}}"
    below: list[Piece] = [piece for k, variable in enumerate(by) for piece in (r" \partial " if k else r"\partial ", (variable, 0))]
    return PRODUCT, [rf"\frac{{\partial{order}}}{{", *below, "} ", (body, SIGN)]


def _nabla(order: str, arguments: Sequence[Tree]) -> tuple[int, list[Piece]]:
    body, *by = arguments
    return PRODUCT, [r"\nabla_{", *show.listed(by, ", "), "}", order, " ", (body, SIGN)]


def _along(body: Tree, variable: Tree, direction: Tree) -> tuple[int, list[Piece]]:
    """The differential, d_x(A x), along a direction that is named after the variable; else D_u f, or D_u^x f where f has other names."""
    if isinstance(direction, show.Name) and isinstance(variable, show.Name) and direction.name == "d" + variable.name:
        return POWER, [r"\mathrm{d}_{", (variable, 0), "}", (show.Group(body), 0)]
    names = {part.name for part in show.walked(body) if isinstance(part, show.Name)}
    by: list[Piece] = ["}^{", (variable, 0)] if len(names) > 1 else []
    return PRODUCT, ["D_{", (direction, 0), *by, "} ", (body, SIGN)]


def _filled(template: str, arguments: Sequence[Tree]) -> tuple[int, list[Piece]]:
    """A function's template with its arguments in their places."""
    if _BRACKETED.match(template):
        pieces: list[Piece] = [(arguments[0], ATOM)]
        template = _BRACKETED.sub("", template, count=1)
        tightness = POWER
    else:
        pieces, tightness = [], ATOM
    position = 0
    for match in _PLACE.finditer(template):
        before = template[position : match.start()]
        pieces.append(before + " " if before[-1:].isalpha() else before)
        pieces.append((arguments[int(match[1])], PRODUCT if template[: match.start()].endswith(("+", "-")) else 0))
        position = match.end()
    return tightness, [*pieces, template[position:]]


def _subscripted(base: Tree) -> Piece:
    if isinstance(base, show.Name) and not has_script(base.name):
        return name_latex(base.name)
    return (show.Group(base), 0)


def _product(node: show.Product) -> list[Piece]:
    """Factors side by side. A big operator reaches to the end of its term, so anywhere but last it stands in brackets."""
    factors = [node.first, *[factor for _, factor in node.rest]]
    last = len(factors) - 1
    found: list[Piece] = []
    for k, factor in enumerate(factors):
        if k:
            entrywise = node.rest[k - 1][0] == ".*"
            found.append(r" \odot " if entrywise else r" \cdot " if _begins_with_digit(factor) else " ")
        found.append((factor, PRODUCT if k == last and _reaches_on(factor) else SIGN))
    return found


def _reaches_on(tree: Tree) -> bool:
    if isinstance(tree, show.Conditional):
        return tree.of_indices
    return isinstance(tree, show.Bound) or (isinstance(tree, show.Call) and tree.name in ("diff", "lim"))


def _begins_with_digit(tree: Tree) -> bool:
    while isinstance(tree, show.Power):
        tree = tree.base
    return isinstance(tree, show.Number) and tree.value >= 0 and (tree.value.denominator == 1 or is_decimal(tree.value))


def _quotient(node: show.Quotient, fractions: str) -> tuple[int, list[Piece]]:
    above_least = SIGN if isinstance(node.above, show.Bound) or _ends_in_sum(node.above) else PRODUCT
    if node.entrywise:
        return PRODUCT, [(node.above, above_least), r" \oslash ", (node.below, SIGN)]
    if fractions == "slash" and node.scalar:
        below_least = POWER if isinstance(node.below, show.Product) else SIGN
        return PRODUCT, [(node.above, above_least), " / ", (node.below, below_least)]
    above = node.above
    factors = [above.first, *[factor for _, factor in above.rest]] if isinstance(above, show.Product) else [above]
    if node.scalar and not isinstance(factors[-1], show.Bound):
        return SIGN, [r"\frac{", (above, 0), "}{", (node.below, 0), "}"]
    front: Tree = show.ONE
    if isinstance(above, show.Product) and isinstance(above.first, show.Number):
        front, first, rest = above.first, above.rest[0][1], above.rest[1:]
        above = show.Product(first, rest, above.arrays) if rest else first
    return PRODUCT, [r"\frac{", (front, 0), "}{", (node.below, 0), "} ", (above, PRODUCT)]


def _ends_in_sum(tree: Tree) -> bool:
    return isinstance(tree, show.Product) and _reaches_on(tree.rest[-1][1])


def _blocks(rows: Sequence[Sequence[Tree]]) -> list[Piece]:
    """Rows of blocks; where they do not stand below each other, each is a matrix of its own."""
    is_grid = all(len(row) == len(rows[0]) for row in rows)
    found: list[Piece] = []
    for row in rows:
        own = show.listed(row, " & ")
        found += [r" \\ "] if found else []
        found += own if is_grid or len(row) == 1 else [r"\begin{bmatrix} ", *own, r" \end{bmatrix}"]
    return [r"\begin{bmatrix} ", *found, r" \end{bmatrix}"]


def _rows(node: show.Literal) -> list[Piece]:
    found: list[Piece] = []
    for item in node.items:
        found += [r" \\ "] if found else []
        found += show.listed(item.items, " & ") if isinstance(item, show.Literal) else [(item, 0)]
    return found


def _cases(node: show.Conditional) -> list[Piece]:
    """`a if c else (b if d else e)` as three cases."""
    found: list[Piece] = [r"\begin{cases} "]
    rest: Tree = node
    while isinstance(rest, show.Conditional):
        found += [(rest.value, 0), r" & \text{if } ", (rest.condition, 0), r" \\ "]
        rest = rest.otherwise
    return [*found, (rest, 0), r" & \text{otherwise} \end{cases}"]


def _number(value: Fraction, fractions: str) -> tuple[int, list[Piece]]:
    if value < 0:
        _, digits = _number(-value, fractions)
        return SUM, ["-", *digits]
    if value.denominator == 1:
        return ATOM, [str(value.numerator)]
    if is_decimal(value):
        whole, rest = divmod(value.numerator * (10**6 // value.denominator), 10**6)
        return ATOM, [f"{whole}.{rest:06d}".rstrip("0")]
    if fractions == "slash":
        return PRODUCT, [f"{value.numerator} / {value.denominator}"]
    return SIGN, [rf"\frac{{{value.numerator}}}{{{value.denominator}}}"]
