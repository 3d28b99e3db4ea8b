"""The user's object, `Formula`, and the verbs that derive one formula from another.

A formula is an expression with its declarations. Everything derived is a formula again: its variables, its text, its LaTeX, its
value are asked of it in the same way, and it can be derived once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from fractions import Fraction
from html import escape
from typing import TYPE_CHECKING, Any, NoReturn, Union

from symgd.algebra import expression as ex
from symgd.algebra import operations as op
from symgd.algebra.canonical import canonical, is_confined
from symgd.algebra.dimension import Dimension, Shape, shape_text
from symgd.algebra.expression import Expression, Leaf, Map, Unknown
from symgd.algebra.functions.table import F
from symgd.algebra.operations import Value
from symgd.algebra.shorten import shortened
from symgd.algebra.simplify import simplified, simplified_all
from symgd.calculus import derive
from symgd.calculus.reverse import kinks
from symgd.calculus.steps.recipes import Recipe
from symgd.errors import FormulaError, ShapeError
from symgd.language.declarations import declaration_of, parse_declarations
from symgd.language.elaborate import Reading, read
from symgd.language.limits import Limits
from symgd.notation.infix import infix
from symgd.notation.latex import latex
from symgd.notation.latex_style import Style
from symgd.notation.layouts import layout_of
from symgd.notation.letters import names_in
from symgd.notation.notebook import bundle

if TYPE_CHECKING:
    from symgd.notation.derivation import Derivation

Operand = Union["Formula", int, float, Fraction]
Names = Union[str, "Formula", Sequence[Union[str, "Formula"]]]


class Formula:
    """A scalar, vector, matrix or array given by a formula.

    `layout` says, of a derivative, what its entries are derivatives of, `recipe` how it was asked for.
    `expression` is what is shown and computed. `origin` is what derivatives are taken of: the same without the use of declared
    symmetry, because a derivative by a matrix sees its entries as independent. What is `derived` is simplified when it is first
    looked at. `author` is the expression that someone wrote, this one or the one it is derived of: its parts are printed in his
    order. `declared` are the leaves that may be given values, `kinked` the functions whose kinks a derivative crosses.
    """

    __slots__ = ("_expression", "_leaves", "_origin", "_raw", "author", "declared", "kinked", "layout", "reading", "recipe", "row")

    def __init__(
        self,
        origin: Expression,
        declared: Mapping[str, Leaf] | None = None,
        *,
        row: bool = False,
        expression: Expression | None = None,
        reading: Reading | None = None,
        kinked: Sequence[tuple[Map, Expression]] = (),
        layout: str = "",
        recipe: Recipe | None = None,
        derived: bool = False,
        author: Expression | None = None,
    ) -> None:
        self._origin = None if derived else origin
        self._raw = origin
        self.declared = declared or {}
        self.row = row
        self._expression = expression
        self._leaves: dict[str, Leaf] | None = None
        self.reading = reading
        self.kinked = tuple(kinked)
        self.layout = layout
        self.recipe = recipe
        self.author = author

    # ---- what it is -----------------------------------------------------------------------------------------------

    @property
    def origin(self) -> Expression:
        if self._origin is None:
            self._origin = self._raw = shortened(simplified(self._raw))
        return self._origin

    @property
    def expression(self) -> Expression:
        if self._expression is None:
            # What is derived is simplified already; only what is declared, and derivatives must not see, can shorten it further.
            confined = any(map(is_confined, ex.leaves(self.origin)))
            self._expression = shortened(simplified(self.origin, symmetry=True), symmetry=True) if confined else self.origin
        return self._expression

    @property
    def shape(self) -> Shape:
        """The sizes of the axes, each a `Dimension`; () for a scalar."""
        return self._raw.shape

    @property
    def leaves(self) -> dict[str, Leaf]:
        """The variables in order of appearance, by name."""
        if self._leaves is None:
            found: dict[str, Leaf] = {}
            for leaf in ex.leaves(self.expression):
                if found.setdefault(leaf.name, leaf) is not leaf:
                    raise FormulaError(
                        f"{leaf.name} is used with two declarations.", hint="Declare it once, by one call of symgd.variables."
                    )
            self._leaves = found
        return self._leaves

    @property
    def known(self) -> dict[str, Leaf]:
        """The variables, and those declared that the formula does not use."""
        return {**self.declared, **self.leaves}

    def _names(self) -> set[str]:
        """Names that no bound index may have: of variables, and of the dimensions in their declarations."""
        return names_in(self.known.values())

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables, in order of appearance."""
        return tuple(self.leaves)

    @property
    def given(self) -> str:
        """The complete declarations: `symgd.formula(str(f), given=f.given)` is f again."""
        return _declarations(self.known.values(), self.origin)

    @property
    def _authored(self) -> frozenset[Expression]:
        """The nodes whose parts are printed in the order they have."""
        return frozenset(ex.topological(self.author)) if self.author is not None else frozenset()

    def __str__(self) -> str:
        return infix(self.expression, row=self.row, avoid=self._names(), authored=self._authored)

    def __repr__(self) -> str:
        return f"Formula({str(self)!r})"

    def latex(
        self,
        notation: str = "auto",
        *,
        transpose: str = r"\top",
        bold: str = "none",
        fractions: str = "frac",
        brackets: str = "sized",
    ) -> str:
        r"""The formula in LaTeX, a fragment for math mode that needs amsmath and bm only.

        `notation` is "matrix", "index", or "auto" for the shorter; `transpose` is "\top", "T" or "'"; `bold` sets "vectors", or all
        "arrays", in bold (\bm), or "none"; `fractions` are "frac" or "slash", `brackets` "sized" (\left, \right) or "plain". Raises
        FormulaError for an option that is none of these.

        >>> from symgd import formula
        >>> f = formula("norm2(A*x)^2/2", given="A[m,n], x[n]")
        >>> print(f.latex(bold="vectors", fractions="slash", brackets="plain"))
        \lVert A \bm{x}\rVert_2^{2} / 2
        """
        style = Style(transpose, bold, fractions, brackets)
        return latex(self.expression, notation, row=self.row, avoid=self._names(), style=style, authored=self._authored)

    @property
    def steps(self) -> Derivation:
        """The derivation line by line, of what a verb such as `gradient` has derived: see `Derivation`.

        Raises FormulaError for a formula that was not derived.
        """
        if self.recipe is None:
            hint = 'Derive a formula first: gradient(f, "x").steps.'
            raise FormulaError("a formula that was written, not derived, has no steps.", hint=hint)
        from symgd.notation.derivation import Derivation

        recipe = replace(self.recipe, result=self.origin, shown=self.expression)
        return Derivation(recipe, [*self.known.values(), *ex.leaves(recipe.root)], _declarations, self._authored)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def _repr_html_(self) -> str:
        """Typeset where the notebook has MathJax; the formula as text shows under the pointer."""
        return f'<span title="{escape(str(self), quote=True)}">{escape(self._repr_latex_())}</span>'

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return bundle(str(self), self._repr_html_(), self._repr_latex_())

    def sympy(self) -> Any:
        """The formula in SymPy. Raises NoRuleError where SymPy has no form for it."""
        from symgd.notation.to_sympy import to_sympy

        return to_sympy(self.expression)

    def evaluate(self, values: Mapping[str, Any] | None = None, /, *, digits: int | None = None, **keywords: Any) -> Any:
        """The value at numbers: a float64 tensor, or with `digits` an mpmath number (nested lists of them for an array).

        `values` maps every variable to a number, list, array or tensor of its shape. With `digits=50` all fifty digits are
        right; what cannot be settled raises DomainError with the bound reached.

        >>> from symgd import formula
        >>> formula("x^2 + 1").evaluate(x=3).item()
        10.0
        """
        from symgd.lowering.evaluate import evaluate

        return evaluate(self, {**(values or {}), **keywords}, digits)

    # ---- arithmetic -----------------------------------------------------------------------------------------------

    @property
    def value(self) -> Value:
        """The formula as an operand of `algebra.operations`."""
        return Value(self.origin, (), self.row)

    def __add__(self, other: Operand) -> Formula:
        return _combined(lambda a, b: op.add(((1, a), (1, b))), self, other)

    def __radd__(self, other: Operand) -> Formula:
        return _combined(lambda a, b: op.add(((1, a), (1, b))), other, self)

    def __sub__(self, other: Operand) -> Formula:
        return _combined(lambda a, b: op.add(((1, a), (-1, b))), self, other)

    def __rsub__(self, other: Operand) -> Formula:
        return _combined(lambda a, b: op.add(((1, a), (-1, b))), other, self)

    def __mul__(self, other: Operand) -> Formula:
        """As numpy has it: entry by entry."""
        return _combined(op.hadamard, self, other)

    def __rmul__(self, other: Operand) -> Formula:
        return _combined(op.hadamard, other, self)

    def __matmul__(self, other: Operand) -> Formula:
        """The matrix product; of two vectors the inner product."""
        return _combined(lambda a, b: op.multiply(a, b, "@"), self, other)

    def __rmatmul__(self, other: Operand) -> Formula:
        return _combined(lambda a, b: op.multiply(a, b, "@"), other, self)

    def __truediv__(self, other: Operand) -> Formula:
        return _combined(lambda a, b: op.divide(a, b, "./"), self, other)

    def __rtruediv__(self, other: Operand) -> Formula:
        return _combined(lambda a, b: op.divide(a, b, "./"), other, self)

    def __pow__(self, other: Operand) -> Formula:
        """Entry by entry; refused for a matrix, where it could mean the matrix power."""
        return _combined(lambda a, b: op.power(a, b, "**"), self, other)

    def __rpow__(self, other: Operand) -> Formula:
        return _combined(lambda a, b: op.power(a, b, "**"), other, self)

    def __neg__(self) -> Formula:
        return _combined(op.negate, self)

    def __pos__(self) -> Formula:
        return self

    @property
    def T(self) -> Formula:  # noqa: N802
        """The transpose."""
        return _combined(op.transpose, self)

    def __getitem__(self, at: int | tuple[int, ...]) -> Formula:
        """The entry at indices counted from 0, as in Python (text counts from 1); fewer indices than axes give a slice."""
        node = self.origin
        for position in at if isinstance(at, tuple) else (at,):
            if not isinstance(position, int):
                raise ShapeError(
                    f"an index is a whole number, not {position!r}.", hint="Slices are not available; write sums over an index as text."
                )
            if not node.shape:
                raise ShapeError("a scalar takes no index.", hint="Declare an array, as in x[n].")
            length = node.shape[0].constant
            if length is not None and not -length <= position < length:
                raise IndexError(f"index {position} is outside 0..{length - 1}")
            if length is None and position < 0:
                raise ShapeError(f"a negative index needs a dimension that is a number, not {node.shape[0]}.", hint="Count from the start.")
            node = ex.element(node, 0, Dimension.of(position if position >= 0 else position + (length or 0)))
        shown = node if self._expression is self.origin else None
        return Formula(node, self.declared, expression=shown, kinked=self.kinked, author=self.author)

    def __len__(self) -> int:
        length = self.shape[0].constant if self.shape else None
        if length is None:
            raise TypeError("a formula has a length where its first dimension is a number")
        return length

    def __iter__(self) -> Iterator[Formula]:
        return (self[k] for k in range(len(self)))

    def __eq__(self, other: object) -> bool:
        """Structurally equal, up to the order of terms and factors. For mathematical equality see `symgd.check`."""
        return isinstance(other, Formula) and self._form() is other._form()

    def __hash__(self) -> int:
        return hash(self._form())

    def _form(self) -> Expression:
        return canonical(simplified(self.origin, symmetry=True))

    def __bool__(self) -> bool:
        raise TypeError("a formula is neither true nor false; compare with symgd.check, or choose with symgd.where")


# ---- making formulas -------------------------------------------------------------------------------------------------


def formula(text: Any, given: str | Mapping[str, str] = "", syntax: str = "infix", limits: Limits | None = None) -> Formula:
    """Read a formula: text in the infix language, or a SymPy expression.

    `given` declares the names, as in "A[m,n], x[n], S[n,n] symmetric, t > 0" or {"A": "[m,n]"}; a name that is not declared is
    a real scalar. Raises FormulaError, ShapeError, DomainError or LimitError, with the place in the text.

    >>> from symgd import formula
    >>> f = formula("norm2(A*x - b)^2", given="A[m,n], x[n], b[m]")
    >>> f.variables
    ('A', 'x', 'b')
    """
    if isinstance(text, Formula):
        return text
    if hasattr(text, "free_symbols"):
        from symgd.language.from_sympy import from_sympy

        root = from_sympy(text, given, limits)
        return Formula(root, _by_name(root), expression=root)
    reading = read(text, given, syntax, limits or Limits())
    value = reading.value
    node = value.node
    return Formula(node, reading.declared, row=value.row, expression=node, reading=reading, kinked=reading.kinked, author=node)


def variables(given: str) -> tuple[Formula, ...]:
    """The variables declared, one formula each, in order: `A, x, b = symgd.variables("A[m,n], x[n], b[m]")`."""
    made = []
    for declaration in parse_declarations(given, Limits(characters=10**7)):
        leaf = declaration.leaf()
        made.append(Formula(leaf, {leaf.name: leaf}, expression=leaf))
    return tuple(made)


def _declarations(leaves: Iterable[Leaf], root: Expression) -> str:
    """The declarations of these variables, and of the unknown functions of an expression."""
    unknown = {node.name: len(node.children) for node in ex.topological(root) if isinstance(node, Unknown)}
    functions = [f"{name}({', '.join(f'u{k + 1}' for k in range(count))})" for name, count in unknown.items()]
    return ", ".join([*(str(declaration_of(leaf)) for leaf in leaves), *functions])


def _by_name(root: Expression) -> dict[str, Leaf]:
    return {leaf.name: leaf for leaf in ex.leaves(root)}


def as_formula(value: Any) -> Formula:
    """A number, formula or SymPy expression as a formula; a float means the decimal it prints as."""
    if isinstance(value, Formula):
        return value
    if isinstance(value, bool):
        raise FormulaError("True and False are no numbers.", hint="Write 1 or 0.")
    if isinstance(value, int | Fraction):
        node = ex.constant(value)
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise FormulaError(f"{value} is no number that a formula can hold.")
        node = ex.constant(Fraction(repr(value)))
    elif isinstance(value, list | tuple):
        return function_of(lambda *items: op.literal(items), *value)
    else:
        return formula(value)
    return Formula(node, expression=node)


def _combined(operation: Callable[..., Value], *operands: Any) -> Formula:
    return function_of(operation, *operands)


def function_of(operation: Callable[..., Value], *operands: Any) -> Formula:
    """Apply an operation of `algebra.operations` to formulas and numbers."""
    formulas = [operand if isinstance(operand, Formula) else as_formula(operand) for operand in operands]
    try:
        value = operation(*[f.value for f in formulas])
    except ShapeError:
        # Only now is the text of the operands worth printing; it names them in the message.
        value = operation(*[replace(f.value, text=str(f)) for f in formulas])
    kinked = [pair for f in formulas for pair in f.kinked] if any(f.kinked for f in formulas) else ()
    author = value.node if all(f.author is f.origin or not f.origin.children for f in formulas) else None
    return Formula(value.node, None, row=value.row, expression=value.node, kinked=kinked, author=author)


# ---- deriving --------------------------------------------------------------------------------------------------------


def gradient(f: Any, variables: Names | None = None, *, structure: str | None = None) -> Formula:
    """∇f of a scalar formula: in the shape of the variable; for several scalars the vector of partial derivatives.

    By default of every scalar variable. Entries are independent, unless a `structure` is asked for: "symmetric" is the gradient
    by the lower triangle of a symmetric matrix, written as a symmetric matrix; "lower", "upper", "diagonal" and "banded" (as the
    variable is declared) are the gradient by the entries inside, 0 elsewhere.

    >>> from symgd import formula, gradient
    >>> print(gradient(formula("x^2 + sin(x)"), "x"))
    2*x + cos(x)
    """
    f = _scalar(f, "gradient", "jacobian")
    if variables is None:
        variables = [name for name, leaf in f.leaves.items() if not leaf.shape]
        if not variables:
            raise FormulaError(
                "the formula has no scalar variable to take the gradient by.", hint=f"Name one: {', '.join(f.variables) or 'it has none'}."
            )
    if _is_name(variables):
        leaf = _leaf(f, variables)
        node = derive.jacobian(f.origin, leaf)
        if structure is not None:
            node = derive.structured_gradient(node, structure, leaf)
        recipe = Recipe("gradient", f.origin, (leaf,), structure=structure or "")
        return _derived(f, node, recipe, layout=layout_of(node, (), [leaf], False, structure))
    if structure is not None:
        raise FormulaError("structure is an option of the gradient by one matrix.")
    chosen = _scalars(f, variables, "gradient")
    layout = f"the entries are {', '.join(f'∂f/∂{leaf.name}' for leaf in chosen)}"
    recipe = Recipe("gradient", f.origin, tuple(chosen))
    return _derived(f, ex.stack(derive.gradient(f.origin, chosen)), recipe, layout=layout)


def gradients(f: Any, variables: Sequence[Names]) -> dict[str, Formula]:
    """The gradients of a scalar by each variable, scalars and arrays, in one pass: {name: Formula}."""
    f = _scalar(f, "gradients", "jacobian")
    chosen = [_leaf(f, name) for name in variables]
    found = zip(chosen, derive.gradient(f.origin, chosen))
    return {
        leaf.name: _derived(f, node, Recipe("gradient", f.origin, (leaf,)), layout=layout_of(node, (), [leaf], False))
        for leaf, node in found
    }


def derivative(f: Any, variable: Names) -> Formula:
    """dF/dt by a scalar t, in the shape of F."""
    f = as_formula(f)
    leaf = _leaf(f, variable)
    if leaf.shape:
        raise ShapeError(
            f"derivative takes a scalar, and {leaf.name} is {shape_text(leaf.shape)}.",
            hint=f"Write gradient(f, {leaf.name!r}) or jacobian(f, {leaf.name!r}).",
        )
    node = derive.jacobian(f.origin, leaf)
    return _derived(f, node, Recipe("derivative", f.origin, (leaf,)), layout=layout_of(node, f.origin.shape, [leaf], False))


def jacobian(f: Any, variables: Names, *, layout: str = "vec") -> Formula:
    """J[i,j] = ∂F_i/∂x_j. Matrices are stacked column by column (layout "vec"), or keep their axes: F's, then x's ("indices")."""
    f = as_formula(f)
    if not _is_name(variables):
        chosen = _scalars(f, variables, "jacobian")
        columns = [derive.jacobian(f.origin, leaf) for leaf in chosen]
        stacked = ex.stack(columns)
        words = f"the last index counts {', '.join(leaf.name for leaf in chosen)}"
        recipe = Recipe("jacobian", f.origin, tuple(chosen))
        return _derived(f, ex.transposed(stacked, [*range(1, stacked.rank), 0]), recipe, layout=words)
    leaf = _leaf(f, variables)
    node = _laid_out(derive.jacobian(f.origin, leaf), f.origin.rank, layout)
    recipe = Recipe("jacobian", f.origin, (leaf,), in_layout=layout == "vec")
    return _derived(f, node, recipe, layout=layout_of(node, f.origin.shape, [leaf], layout == "vec"))


def hessian(f: Any, variables: Names | None = None, others: Names | None = None, *, layout: str = "vec") -> Formula:
    """H[i,j] = ∂²f/∂x_i∂y_j of a scalar f (y is x by default): a scalar for a scalar x; matrices as in `jacobian`."""
    f = _scalar(f, "hessian", "jacobian")
    if variables is None:
        variables = [name for name, leaf in f.leaves.items() if not leaf.shape]
    if others is None:
        others = variables
    if _is_name(variables) and _is_name(others):
        first, second = _leaf(f, variables), _leaf(f, others)
        slope = shortened(simplified(derive.jacobian(f.origin, first)))
        node = _laid_out(derive.jacobian(slope, second), first.rank, layout)
        recipe = Recipe("hessian", f.origin, (first, second), in_layout=layout == "vec")
        return _derived(f, node, recipe, layout=layout_of(node, (), [first, second], layout == "vec"))
    rows = _scalars(f, [variables] if _is_name(variables) else variables, "hessian")
    columns = _scalars(f, [others] if _is_name(others) else others, "hessian")
    slopes = simplified_all(derive.gradient(f.origin, rows))
    first_names, second_names = (", ".join(leaf.name for leaf in leaves) for leaves in (rows, columns))
    words = f"entry [i,j] is the derivative by number i of {first_names} and number j of {second_names}"
    recipe = Recipe("hessian", f.origin, (*rows, *columns), rows=len(rows))
    return _derived(f, ex.stack([ex.stack(derive.gradient(slope, columns)) for slope in slopes]), recipe, layout=words)


def directional(f: Any, variables: Names, *, along: Any, normalize: bool = False) -> Formula:
    """The directional derivative D_u f = d/dt f(x + t·u) at t = 0; for a scalar f that is ∇f·u.

    `along` names the direction (a variable of x's shape), or gives it: a formula, numbers, or texts such as "3/5".
    `normalize=True` divides by ‖u‖.
    """
    f = as_formula(f)
    if _is_name(variables):
        chosen = [_leaf(f, variables)]
        directions = [_direction(f, chosen[0], along)]
        length = _length(directions[0])
    else:
        chosen = _scalars(f, variables, "directional")
        if isinstance(along, str) or not isinstance(along, Sequence) or len(along) != len(chosen):
            raise ShapeError(f"the direction needs {len(chosen)} components, one for each of {', '.join(leaf.name for leaf in chosen)}.")
        directions = [_direction(f, leaf, component) for leaf, component in zip(chosen, along)]
        length = _length(ex.stack(directions))
    node = ex.add([derive.directional(f.origin, leaf, u) for leaf, u in zip(chosen, directions)])
    if normalize:
        node = ex.multiply(node, ex.power(length, -1))
    recipe = Recipe("directional", f.origin, tuple(chosen), tuple(directions), length=length if normalize else None)
    return _derived(f, node, recipe, directions)


def hessian_vector(f: Any, variable: Names, *, along: Any) -> Formula:
    """The Hessian times a direction, in the shape of the variable. The Hessian itself never arises."""
    f = _scalar(f, "hessian_vector", "jacobian")
    leaf = _leaf(f, variable)
    direction = _direction(f, leaf, along)
    node = derive.directional(shortened(simplified(derive.jacobian(f.origin, leaf))), leaf, direction)
    return _derived(f, node, Recipe("hessian_vector", f.origin, (leaf,), (direction,)), [direction])


def differential(f: Any) -> Formula:
    """The total differential df = Σ ∂f/∂x dx over all variables, with dx, dy, … as variables of the shapes of x, y, …"""
    f = _scalar(f, "differential", "jacobian")
    chosen = list(f.leaves.values())
    steps = []
    for leaf in chosen:
        if "d" + leaf.name in f.leaves:
            raise FormulaError(f"d{leaf.name} is a variable of the formula already.", hint="Rename it: the differential needs the name.")
        steps.append(ex.leaf("d" + leaf.name, leaf.shape))
    parts = [derive.inner(slope, step) for slope, step in zip(derive.gradient(f.origin, chosen), steps)]
    recipe = Recipe("differential", f.origin, tuple(chosen), tuple(steps))
    return _derived(f, ex.add(parts) if parts else ex.constant(0), recipe, steps)


def simplify(f: Any, *, seconds: float = 1.0) -> Formula:
    """The formula in a shorter form where one is found: beyond what every derivative gets, scalar identities through SymPy.

    Parts that work entry by entry go to SymPy; what it cannot shorten within `seconds` altogether stays as it is. An identity
    holds wherever both sides are defined.

    >>> from symgd import formula, simplify
    >>> print(simplify(formula("sin(x)^2 + cos(x)^2 + x"), seconds=60))
    x + 1
    """
    from symgd.algebra.pointwise import pointwise_simplified

    f = as_formula(f)
    return Formula(pointwise_simplified(simplified(f.origin), seconds), f.known, row=f.row, kinked=f.kinked)


# ---- names, directions, layouts ---------------------------------------------------------------------------------------


def _is_name(names: Any) -> bool:
    return isinstance(names, str | Formula)


def _leaf(f: Formula, name: Any) -> Leaf:
    """The variable of this name."""
    if isinstance(name, Formula):
        if not isinstance(name.origin, Leaf):
            raise FormulaError(f"cannot derive by {name}, which is no variable.", hint="Derive by a variable.")
        name = name.origin.name
    if not isinstance(name, str):
        raise FormulaError(f"a variable is named by text, not by {name!r}.")
    found = f.leaves.get(name) or f.declared.get(name)
    return unknown_name(name, f.known) if found is None else found


def unknown_name(name: str, known: Iterable[str]) -> NoReturn:
    """Raise the error for a name that is not a variable, with the nearest one that is."""
    known = list(known)
    near = get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]}?" if near else f"The variables are {', '.join(known)}." if known else "The formula has no variables."
    raise FormulaError(f"unknown variable {name!r}.", hint=hint)


def _scalars(f: Formula, names: Any, verb: str) -> list[Leaf]:
    if not isinstance(names, Sequence) or not names:
        raise FormulaError(f"{verb} takes a name or a list of names, not {names!r}.")
    chosen = [_leaf(f, name) for name in names]
    for leaf in chosen:
        if leaf.shape:
            hint = "Take one array at a time, or gradients(f, [...]) for a dict." if verb == "gradient" else "Take one array at a time."
            raise ShapeError(f"{verb} by a list takes scalars, and {leaf.name} is {shape_text(leaf.shape)}.", hint=hint)
    return chosen


def _scalar(f: Any, verb: str, instead: str) -> Formula:
    found = as_formula(f)
    if found.shape:
        raise ShapeError(
            f"{verb} takes a scalar formula, and this one is {shape_text(found.shape)}.",
            hint=f"Write {instead}, or reduce it with sum or norm2.",
        )
    return found


def _direction(f: Formula, leaf: Leaf, along: Any) -> Expression:
    """The direction as an expression of the variable's shape."""
    if isinstance(along, str) and along.isidentifier():
        direction: Expression = f.known.get(along) or ex.leaf(along, leaf.shape)
    elif isinstance(along, str):
        direction = formula(along).origin
    elif isinstance(along, list | tuple):
        direction = _literal(f, along)
    else:
        direction = as_formula(along).origin
    if direction.shape != leaf.shape:
        reason = f"the direction is {shape_text(direction.shape)}, and {leaf.name} is {shape_text(leaf.shape)}."
        raise ShapeError(reason, hint="A direction has the shape of the variable.")
    return direction


def _literal(f: Formula, along: Sequence[Any]) -> Expression:
    items = [
        _literal(f, item) if isinstance(item, list | tuple) else formula(item).origin if isinstance(item, str) else as_formula(item).origin
        for item in along
    ]
    return ex.stack(items)


def _length(direction: Expression) -> Expression:
    """‖u‖, the square root of the sum of the squares of all entries."""
    if not direction.shape:
        return F.abs(direction)
    return op.along("norm2", Value(direction)).node


def _laid_out(node: Expression, split: int, layout: str) -> Expression:
    if layout not in ("vec", "indices"):
        raise FormulaError(f"unknown layout {layout!r}.", hint='Layouts are "vec" (columns stacked) and "indices".')
    return derive.vectorised(node, split) if layout == "vec" else node


def _derived(f: Formula, node: Expression, recipe: Recipe, more: Sequence[Expression] = (), layout: str = "") -> Formula:
    """A formula derived from f, that knows the names f knows."""
    declared = {**f.known, **{leaf.name: leaf for leaf in more if isinstance(leaf, Leaf)}}
    kinked = [*f.kinked, *kinks(f.origin, recipe.by)]
    return Formula(node, declared, kinked=kinked, layout=layout, recipe=recipe, derived=True, author=f.author)
