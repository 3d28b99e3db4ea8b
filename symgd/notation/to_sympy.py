"""Expressions in SymPy, built node by node, never by way of text.

    scalars of scalars     SymPy expressions; Symbols are real, and positive, integer … where the declaration says so
    scalars of arrays      index sums: Sum over Indexed, indices from 1 as in the language: Sum(x[i]**2, (i, 1, n))
    arrays of fixed size   dense matrices of such scalars; a vector is a column
    other arrays           expressions of MatrixSymbols, a vector being one of one column: 2*A.T*(A*x - b)

What SymPy has no form for raises NoRuleError. SymPy's own derivatives of Sum, Indexed and matrix expressions are wrong in many
cases: derive first, then convert.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count, product
from typing import Any

from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Expression, Leaf, MatrixFunction, leaves, topological
from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.table import find
from symgd.errors import LimitError, NoRuleError
from symgd.notation import presentation as show
from symgd.notation.letters import Letters, used_names
from symgd.notation.matrix_form import Forms
from symgd.notation.presentation import Tree
from symgd.notation.sympy_matrices import MATRIX_CALLS, block_matrix, matrix_power, product_of, quotient_of, sum_of_terms, unwrapped

_ENTRIES = 4_096  # of an array that is written out

_ASSUMPTIONS = {
    "> 0": {"positive": True},
    ">= 0": {"nonnegative": True},
    "< 0": {"negative": True},
    "<= 0": {"nonpositive": True},
    "integer": {"integer": True},
}


def to_sympy(expression: Expression) -> Any:
    """The expression as a SymPy object: see the module.

    Raises NoRuleError where SymPy has no form for it, LimitError where it is too deep.

    >>> from symgd import formula
    >>> formula("x^2/2 + sin(y)").sympy()
    x**2/2 + sin(y)
    >>> formula("sum((A*x - b).^2)", given="A[m,n], x[n], b[m]").sympy()
    Sum((-b[i] + Sum(A[i, j]*x[j], (j, 1, n)))**2, (i, 1, m))
    """
    letters = Letters(used_names(expression))
    try:
        if not expression.shape and not any(isinstance(node, MatrixFunction) for node in topological(expression)):
            forms = Forms(expression, letters, by_index=True)
            return _Converter(expression, letters, as_matrices=False).convert(forms.tree(expression))
        if expression.shape and all(length.constant is not None for length in expression.shape) and expression.rank <= 2:
            return _dense(expression, letters)
        forms = Forms(expression, letters)
        return _Converter(expression, letters, as_matrices=True).convert(forms.tree(expression))
    except RecursionError:
        raise LimitError("the formula is nested too deep for SymPy.", hint="Convert a part of it.") from None


def symbol(leaf: Leaf) -> Any:
    """The Symbol of a scalar variable, with what its declaration says of it."""
    import sympy

    found: dict[str, bool] = {"real": True}
    for kind in leaf.kind:
        found.update(_ASSUMPTIONS.get(kind, {}))
    return sympy.Symbol(leaf.name, **found)


def dimension_symbol(name: str) -> Any:
    import sympy

    return sympy.Symbol(name, integer=True, positive=True)


def size(dimension: Dimension) -> Any:
    """A size as a SymPy number or polynomial."""
    import sympy

    total = sympy.Integer(0)
    for monomial, coefficient in dimension.terms:
        total += coefficient * sympy.prod([dimension_symbol(name) ** power for name, power in monomial])
    return total


def _dense(expression: Expression, letters: Letters) -> Any:
    import sympy

    lengths = [length.constant or 0 for length in expression.shape]
    rows, columns = lengths if len(lengths) == 2 else (lengths[0], 1)
    if rows * columns > _ENTRIES:
        raise LimitError(f"an array of {rows * columns:,} entries is too large to write out.", hint="Convert an entry of it.")
    forms = Forms(expression, letters, by_index=True)
    literal = forms.entries.literal(expression)
    converter = _Converter(expression, letters, as_matrices=False)
    assert isinstance(literal, show.Literal)
    entries = [item.items if isinstance(item, show.Literal) else (item,) for item in literal.items]
    return sympy.ImmutableDenseMatrix(rows, columns, [converter.convert(entry) for row in entries for entry in row])


class _Converter:
    """Presentation trees to SymPy. With `as_matrices` a variable that is an array is a MatrixSymbol, else an IndexedBase."""

    def __init__(self, expression: Expression, letters: Letters, as_matrices: bool) -> None:
        self.leaves = {leaf.name: leaf for leaf in leaves(expression)}
        self.letters = letters
        self.as_matrices = as_matrices
        self.bound: set[str] = set()
        self.done: dict[int, Any] = {}

    def convert(self, root: Tree) -> Any:
        """The tree as a SymPy object; parts before what they are part of, so that depth is no matter here."""
        self.bound |= show.bound_letters(root)
        waiting = [root]
        while waiting:
            node = waiting[-1]
            missing = [part for part in self._parts(node) if id(part) not in self.done]
            if missing:
                waiting.extend(reversed(missing))
                continue
            waiting.pop()
            if id(node) not in self.done:
                self.done[id(node)] = self._node(node)
        return self.done[id(root)]

    def _parts(self, node: Tree) -> Iterable[Tree]:
        """What is converted before the node: not a derivative's inside, nor the array whose entry is taken."""
        if isinstance(node, show.Indexed) and isinstance(node.base, show.Name):
            return node.indices
        if isinstance(node, show.Call) and len(node.arguments) == 1 and node.name in _OF_ENTRIES and not self.as_matrices:
            return _array_parts(node.arguments[0])
        return node.parts()

    def _node(self, node: Tree) -> Any:
        import sympy

        part = self.done
        if isinstance(node, show.Number):
            return sympy.Rational(node.value.numerator, node.value.denominator)
        if isinstance(node, show.Name):
            return self._name(node.name)
        if isinstance(node, show.Group):
            return unwrapped(part[id(node.inner)])
        if isinstance(node, show.Sum):
            return sum_of_terms([(sign, part[id(term)]) for sign, term in node.terms])
        if isinstance(node, show.Product):
            found = product_of(part[id(node.first)], [(operator, part[id(factor)]) for operator, factor in node.rest])
            return unwrapped(found) if node.arrays else found
        if isinstance(node, show.Quotient):
            return quotient_of(part[id(node.above)], part[id(node.below)], node.entrywise)
        if isinstance(node, show.Power):
            return matrix_power(part[id(node.base)], part[id(node.exponent)], node.entrywise)
        if isinstance(node, show.Transpose):
            return part[id(node.base)].T
        if isinstance(node, show.Conditional):
            return sympy.Piecewise((part[id(node.value)], part[id(node.condition)]), (part[id(node.otherwise)], True))
        if isinstance(node, show.Comparison):
            return getattr(sympy, _RELATIONS[node.operator])(part[id(node.left)], part[id(node.right)])
        if isinstance(node, show.Indexed):
            return self._indexed(node)
        if isinstance(node, show.Bound):
            return self._bound(node)
        if isinstance(node, show.Literal):
            rows = [item.items if isinstance(item, show.Literal) else (item,) for item in node.items]
            return sympy.ImmutableDenseMatrix([[part[id(entry)] for entry in row] for row in rows])
        if isinstance(node, show.Blocks):
            return block_matrix([[part[id(block)] for block in row] for row in node.rows])
        assert isinstance(node, show.Call)
        return self._call(node)

    def _name(self, name: str) -> Any:
        import sympy

        leaf = self.leaves.get(name)
        if leaf is None:
            if name in ("pi", "e"):
                return sympy.pi if name == "pi" else sympy.E
            return dimension_symbol(name)
        if not leaf.shape:
            return symbol(leaf)
        if not self.as_matrices:
            return sympy.IndexedBase(name, shape=tuple(map(size, leaf.shape)), real=True)
        if leaf.rank > 2:
            raise _no_form(f"the array {name} of {leaf.rank} axes as a whole")
        rows, columns = (*leaf.shape, Dimension.of(1))[:2]
        return sympy.MatrixSymbol(name, size(rows), size(columns))

    def _indexed(self, node: show.Indexed) -> Any:
        indices = [self.done[id(index)] for index in node.indices]
        if isinstance(node.base, show.Name):
            if self.as_matrices:
                base = self._name(node.base.name)
                return base[tuple([index - 1 for index in indices] + [0] * (2 - len(indices)))]
            import sympy

            leaf = self.leaves[node.base.name]
            return sympy.IndexedBase(leaf.name, shape=tuple(map(size, leaf.shape)), real=True)[tuple(indices)]
        base = self.done[id(node.base)]
        if callable(base):
            return base(*indices)
        return base[tuple([index - 1 for index in indices] + [0] * (2 - len(indices)))]

    def _bound(self, node: show.Bound) -> Any:
        import sympy

        over = {"sum": sympy.Sum, "prod": sympy.Product}.get(node.kind)
        if over is None:
            raise _no_form(f"{node.kind} over an index" if node.kind != "array" else "an array given by its entries")
        ranges = [(dimension_symbol(letter), 1, self.done[id(last)]) for letter, last in node.indices]
        return over(self.done[id(node.body)], *ranges)

    # ---- calls

    def _call(self, node: show.Call) -> Any:
        import sympy

        if node.name == "diff":
            body, variable = node.arguments
            return sympy.Derivative(self.done[id(body)], self.done[id(variable)])
        if node.name == "lim":
            raise _no_form("the derivative of an unknown function by an argument that is no variable")
        if node.name in _OF_ENTRIES and len(node.arguments) == 1 and not self.as_matrices and node.axis is None:
            return self._of_entries(node)
        arguments = [self.done[id(argument)] for argument in node.arguments]
        row = find(node.name)
        if isinstance(row, Elementwise) and len(arguments) >= row.arity:  # more than that for max and min
            if not any(getattr(argument, "is_Matrix", False) for argument in arguments):
                return row.sympy(*arguments)
            if row.arity > 1:
                raise _no_form(f"{node.name} of arrays")
            x = sympy.Dummy("x", real=True)
            return arguments[0].applyfunc(sympy.Lambda(x, row.sympy(x)))
        form = MATRIX_CALLS.get(node.name)
        if form and node.axis is None:
            return form(*arguments)
        if row is None and node.name not in _KNOWN:
            return sympy.Function(node.name)(*arguments)
        raise _no_form(node.name if node.axis is None else f"{node.name} along an axis")

    def _of_entries(self, node: show.Call) -> Any:
        """A function of all entries of an array, as a sum over them; softmax as a function of the index."""
        import sympy

        (argument,) = node.arguments
        entry, ranges = self._entries(argument)
        return _OF_ENTRIES[node.name](sympy, entry, ranges)

    def _entries(self, argument: Tree) -> tuple[Callable[..., Any], list[tuple[Any, Any, Any]]]:
        """The entry of an array as a function of its indices, and the ranges of fresh indices over all of them."""
        import sympy

        if isinstance(argument, show.Bound) and argument.kind == "array":
            ranges = [(dimension_symbol(letter), 1, self.done[id(last)]) for letter, last in argument.indices]
            body = self.done[id(argument.body)]
            return lambda *at: body.subs(dict(zip([index for index, _, _ in ranges], at))) if at else body, ranges
        if isinstance(argument, show.Name) and argument.name in self.leaves:
            leaf = self.leaves[argument.name]
            base = sympy.IndexedBase(leaf.name, shape=tuple(map(size, leaf.shape)), real=True)
            ranges = [(self._letter(), 1, size(length)) for length in leaf.shape]
            return lambda *at: base[at or tuple(index for index, _, _ in ranges)], ranges
        raise _no_form("a function of all entries of such an array")

    def _letter(self) -> Any:
        """An index that no binder of the formula has."""
        letter = next(self.letters[level] for level in count() if self.letters[level] not in self.bound)
        self.bound.add(letter)
        return dimension_symbol(letter)


def _array_parts(argument: Tree) -> Iterable[Tree]:
    """What is converted before a function of all entries: not the array itself, which may have no form."""
    if isinstance(argument, show.Bound) and argument.kind == "array":
        return argument.parts()
    return () if isinstance(argument, show.Name) else (argument,)


def _no_form(what: str) -> NoRuleError:
    return NoRuleError(f"SymPy has no form for {what}.", hint="Declare sizes as numbers, x[3], or convert a scalar of it.")


def _of_each(name: str, entry: Callable[..., Any], ranges: list[tuple[Any, Any, Any]]) -> Any:
    """Max or Min of all entries, which SymPy has for a number of them only."""
    import sympy

    lengths = [last for _, _, last in ranges]
    if not all(length.is_Integer for length in lengths) or sympy.prod(lengths) > _ENTRIES:
        raise _no_form(f"{name} of an array whose size is no number")
    return getattr(sympy, name)(*[entry(*at) for at in product(*(range(1, int(length) + 1) for length in lengths))])


_OF_ENTRIES: dict[str, Callable[..., Any]] = {
    "max": lambda sympy, entry, ranges: _of_each("Max", entry, ranges),
    "min": lambda sympy, entry, ranges: _of_each("Min", entry, ranges),
    "prod": lambda sympy, entry, ranges: sympy.Product(entry(), *ranges),
    "norm1": lambda sympy, entry, ranges: sympy.Sum(sympy.Abs(entry()), *ranges),
    "norm2": lambda sympy, entry, ranges: sympy.sqrt(sympy.Sum(entry() ** 2, *ranges)),
    "normF": lambda sympy, entry, ranges: sympy.sqrt(sympy.Sum(entry() ** 2, *ranges)),
    "lse": lambda sympy, entry, ranges: sympy.log(sympy.Sum(sympy.exp(entry()), *ranges)),
    "softmax": lambda sympy, entry, ranges: lambda *at: sympy.exp(entry(*at)) / sympy.Sum(sympy.exp(entry()), *ranges),
}
_KNOWN = frozenset({"sum", "mean", "tr", "diag", "eye", "ones", "zeros", "vec", "kron", "commut", "normF", "tril", "triu", "band"})
_RELATIONS = {"<": "Lt", "<=": "Le", ">": "Gt", ">=": "Ge", "==": "Eq", "!=": "Ne"}
