"""A SymPy expression to an expression: scalar functions, piecewise choices, derivatives, sums over an index, matrix expressions.

Every operation goes through `algebra.operations`, so shapes are checked as for text. A SymPy matrix of one column is a vector, of one
row a vector lying down, of one row and one column a number. Assumptions of symbols become properties (positive is `> 0`), and `given` may
declare names instead. No string is handed to SymPy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from typing import Any

import sympy
from sympy.matrices import expressions as matrices
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from symgd.algebra import expression as ex
from symgd.algebra import operations as op
from symgd.algebra.dimension import ONE, Dimension
from symgd.algebra.expression import Expression, Leaf
from symgd.algebra.functions import table
from symgd.algebra.functions.row import Elementwise
from symgd.algebra.matrices import block
from symgd.algebra.operations import Index, Value
from symgd.algebra.trampoline import Task, run
from symgd.calculus import derive
from symgd.errors import DomainError, FormulaError, NoRuleError, ShapeError
from symgd.language.declarations import Variable, parse_declarations, shapes_of
from symgd.language.limits import Limits
from symgd.language.magnitude import Magnitude
from symgd.language.names import check_name
from symgd.language.sympy_indices import BINDERS, Arrays, bound_index, size_names, size_of, subscript
from symgd.language.words import is_function

_TEXT = 'Write the formula as text: symgd.formula("sum(i, x[i]^2)", given="x[n]").'
_RELATIONS = {"StrictLessThan": "<", "LessThan": "<=", "StrictGreaterThan": ">", "GreaterThan": ">=", "Equality": "==", "Unequality": "!="}
_PROPERTIES = {"is_positive": "> 0", "is_negative": "< 0", "is_nonnegative": ">= 0", "is_nonpositive": "<= 0"}


def from_sympy(expression: Any, given: str | Mapping[str, str] | None = "", limits: Limits | None = None) -> Expression:
    """The expression. Raises `FormulaError` for what is no SymPy expression, `NoRuleError` for what has no counterpart here.

    >>> import sympy
    >>> x = sympy.Symbol("x", positive=True)
    >>> from_sympy(x**2 + 1).shape
    ()
    """
    return _Reader(given, limits or Limits()).read(expression).node


class _Reader:
    """One reading: the leaves made so far, each for one SymPy symbol."""

    def __init__(self, given: str | Mapping[str, str] | None, limits: Limits) -> None:
        self.declared = {d.name: d for d in parse_declarations(given, limits)}
        self.sizes = {name for d in self.declared.values() for shape in shapes_of(d) for size in shape for name in size.names}
        self.magnitude = Magnitude(limits)
        self.symbols: dict[str, Any] = {}
        self.bound: dict[Any, Index | Value] = {}  # indices of sums, and arguments of elementwise functions, by their SymPy symbols
        self.arrays = Arrays(sympy.Integer(0))
        self.done: dict[Any, Value] = {}

    def read(self, expression: Any) -> Value:
        if isinstance(expression, sympy.MatrixBase):
            expression = expression.as_immutable()
        if not isinstance(expression, sympy.Basic):
            reason = f"expected a formula as text or a SymPy expression, found a value of type {type(expression).__name__}."
            raise FormulaError(reason, hint='Write the formula between quotes: "x^2 + 1".')
        self.sizes |= size_names(expression)
        self.arrays = Arrays(expression)
        return run(self.value(expression))

    def value(self, node: Any) -> Task[Value]:
        """The value of one SymPy node; each is read once, for one meaning of the symbols bound in it."""
        key = (node, *[pair for pair in self.bound.items() if pair[0] in node.free_symbols]) if self.bound else node
        if key not in self.done:
            read = next((reader for kind, reader in _READERS if isinstance(node, kind)), None)
            if read is None:
                raise NoRuleError(f"symgd has no counterpart of SymPy's {type(node).__name__}.", hint=_TEXT)
            found: Value = yield read(self, node)
            self.magnitude.check(found.node)
            self.done[key] = found
        return self.done[key]

    def arguments(self, node: Any) -> Task[list[Value]]:
        values = []
        for argument in node.args:
            value: Value = yield self.value(argument)
            values.append(value)
        return values

    # ---- numbers and names

    def number(self, node: Any) -> Task[Value]:
        if not node.is_finite:
            raise DomainError(f"{node} is not a finite number.", hint="Write a finite number.")
        if node.is_Rational:
            return op.number(Fraction(int(node.p), int(node.q)))
        if node.is_Float:
            return op.number(Fraction(str(node)))  # the decimal it prints as
        names = {sympy.pi: "pi", sympy.E: "e"}
        if node in names:
            return Value(ex.irrational(names[node]))
        if node is sympy.I:
            raise NoRuleError("the imaginary unit is not available: formulas are real.", hint="Write a real formula.")
        raise NoRuleError(f"symgd has no counterpart of the constant {node}.", hint="Write its value as a number.")
        yield

    def symbol(self, node: Any) -> Task[Value]:
        bound = self.bound.get(node)
        if bound is not None:
            return bound if isinstance(bound, Value) else op.index_value(bound)
        if node.name in self.sizes:
            return Value(ex.size(Dimension.of(node.name)))
        properties = [text for assumption, text in _PROPERTIES.items() if getattr(node, assumption)][:1]
        if node.is_integer:
            properties.insert(0, "integer")
        return Value(self.leaf(node, Variable(check_name(node.name), (), tuple(properties))))
        yield

    def leaf(self, node: Any, variable: Variable) -> Leaf:
        """The variable for a symbol: as `given` declares it, else as SymPy assumes."""
        name = variable.name
        if is_function(name):
            raise FormulaError(f"the name '{name}' is not allowed for a variable: it is a function.", hint="Choose another name.")
        if self.symbols.setdefault(name, node) != node:
            raise FormulaError(f"two different symbols have the name '{name}'.", hint="Rename one, or give both the same assumptions.")
        return self.declared[name].leaf() if name in self.declared else variable.leaf()

    def matrix_symbol(self, node: Any) -> Task[Value]:
        shape = tuple(map(size_of, node.shape))
        is_row = shape[0] == ONE and shape[1] != ONE
        kept = tuple(size for size in shape if size != ONE)
        return Value(self.leaf(node, Variable(check_name(node.name), kept)), (), is_row)
        yield

    # ---- scalars

    def add(self, node: Any) -> Task[Value]:
        values: list[Value] = yield self.arguments(node)
        return op.add([(1, value) for value in values])

    def multiply(self, node: Any) -> Task[Value]:
        values: list[Value] = yield self.arguments(node)
        return reduce(op.multiply, values)

    def power(self, node: Any) -> Task[Value]:
        base: Value = yield self.value(node.base)
        if node.exp == sympy.Rational(1, 2) and not base.rank:
            return op.elementwise("sqrt", [base])
        exponent: Value = yield self.value(node.exp)
        found = op.power(base, exponent, "^")
        self.magnitude.check_power(found.node, base.node, exponent.node)
        return found

    def piecewise(self, node: Any) -> Task[Value]:
        *cases, last = node.args
        if last.cond != sympy.true:
            raise NoRuleError("the last case of a Piecewise needs the condition True.", hint="Add (value, True) for all other points.")
        found: Value = yield self.value(last.expr)
        for case in reversed(cases):
            value: Value = yield self.value(case.expr)
            found = yield self.choice(case.cond, value, found)
        return found

    def choice(self, condition: Any, value: Value, otherwise: Value) -> Task[Value]:
        """value if condition else otherwise."""
        if isinstance(condition, sympy.And):
            for part in condition.args:
                value = yield self.choice(part, value, otherwise)
            return value
        if isinstance(condition, sympy.Or):
            for part in condition.args:
                otherwise = yield self.choice(part, value, otherwise)
            return otherwise
        if isinstance(condition, sympy.Not):
            found: Value = yield self.choice(condition.args[0], otherwise, value)
            return found
        relation = _RELATIONS.get(type(condition).__name__)
        if relation is None:
            raise NoRuleError(f"the condition {condition} is not available.", hint="Conditions compare two numbers.")
        left: Value = yield self.value(condition.lhs)
        right: Value = yield self.value(condition.rhs)
        return op.conditional(value, op.compare(relation, left, right), otherwise)

    def heaviside(self, node: Any) -> Task[Value]:
        argument: Value = yield self.value(node.args[0])
        if len(node.args) > 1 and node.args[1] == 0:
            return op.elementwise("step", [argument])
        at_zero: Value = yield self.value(node.args[1] if len(node.args) > 1 else sympy.Rational(1, 2))
        zero = op.number(0)
        upper = op.conditional(op.number(1), op.compare(">", argument, zero), at_zero)
        return op.conditional(zero, op.compare("<", argument, zero), upper)

    def derivative(self, node: Any) -> Task[Value]:
        value: Value = yield self.value(node.expr)
        for name, times in node.variable_count:
            variable: Value = yield self.value(name)
            if not isinstance(variable.node, Leaf) or variable.rank:
                raise NoRuleError(f"a derivative by {name} is not available.", hint="Derive by a scalar symbol.")
            for _ in range(int(times)):
                value = Value(derive.jacobian(value.node, variable.node), value.free, value.row)
        return value

    def function(self, node: Any) -> Task[Value]:
        values: list[Value] = yield self.arguments(node)
        name = type(node).__name__
        if isinstance(node, sympy.core.function.AppliedUndef):
            if any(value.node.rank for value in values):
                raise NoRuleError(f"the unknown function {check_name(name)} takes numbers.", hint="Declare it of scalars.")
            return Value(ex.unknown(check_name(name), [value.node for value in values]))
        if name == "log" and len(values) == 2:
            return op.divide(op.elementwise("log", values[:1]), op.elementwise("log", values[1:]))
        if name == "polygamma" and node.args[0] == 0:
            return op.elementwise("digamma", values[1:])
        ours = {"Abs": "abs", "Max": "max", "Min": "min"}.get(name, name)
        if ours in ("max", "min"):
            return reduce(lambda a, b: op.elementwise(ours, [a, b]), values)
        if not isinstance(table.find(ours), Elementwise):
            raise NoRuleError(f"symgd has no counterpart of SymPy's {name}.", hint=_TEXT)
        return op.elementwise(ours, values)

    # ---- indices

    def over_index(self, node: Any) -> Task[Value]:
        """A Sum or a Product; its first range is the innermost."""
        fold = op.index_sum if isinstance(node, sympy.Sum) else op.index_product
        indices = [bound_index(limit) for limit in node.limits]
        outside = self.bound
        self.bound = outside | {limit[0]: index for limit, index in zip(node.limits, indices)}
        value: Value = yield self.value(node.function)
        self.bound = outside
        return reduce(fold, indices, value)

    def indexed(self, node: Any) -> Task[Value]:
        name = check_name(str(node.base.label))
        variable = Variable(name, () if name in self.declared else self.arrays.shape(node.base, len(node.indices)))
        shift = 1 - self.arrays.start(name)
        found = [subscript(index, self.bound) for index in node.indices]
        at = [op.Affine(affine.coefficients, affine.constant + shift) for affine in found]
        return op.entry(Value(self.leaf(node.base.label, variable), text=name), at)
        yield

    def delta(self, node: Any) -> Task[Value]:
        left, right = yield self.arguments(node)
        return op.compare("==", left, right)

    # ---- matrices

    def literal(self, matrix: Any) -> Value:
        rows = [[run(self.value(matrix[i, j])) for j in range(matrix.cols)] for i in range(matrix.rows)]
        if not rows or not rows[0]:
            raise ShapeError("an empty matrix is not available.", hint="A matrix has one entry or more.")
        if matrix.cols == 1:
            return rows[0][0] if matrix.rows == 1 else op.literal([row[0] for row in rows])
        if matrix.rows == 1:
            return op.transpose(op.literal(rows[0]))
        return op.literal([op.literal(row) for row in rows])

    def dense(self, node: Any) -> Task[Value]:
        return self.literal(node)
        yield

    def filled(self, node: Any) -> Task[Value]:
        shape = tuple(size for size in map(size_of, node.shape) if size != ONE)
        if isinstance(node, matrices.Identity):
            return op.eye(shape)
        return op.filled(int(isinstance(node, matrices.special.OneMatrix)), shape)
        yield

    def of_one(self, node: Any) -> Task[Value]:
        value: Value = yield self.value(node.args[0])
        return _OF_ONE[type(node)](value)

    def hadamard(self, node: Any) -> Task[Value]:
        values: list[Value] = yield self.arguments(node)
        return reduce(op.hadamard, values)

    def entry(self, node: Any) -> Task[Value]:
        value: Value = yield self.value(node.parent)
        found = [subscript(index, self.bound) for index, size in zip((node.i, node.j), node.parent.shape) if size != 1]
        return op.entry(value, [op.Affine(affine.coefficients, affine.constant + 1) for affine in found])

    def entry_by_entry(self, node: Any) -> Task[Value]:
        """A function of every entry: of the one entry whose position is given by indices of its own."""
        value: Value = yield self.value(node.expr)
        axes = tuple(Index(f"axis {k} of {len(self.bound)}", ONE, length) for k, length in enumerate(value.shape))
        (argument,) = node.function.variables
        outside = self.bound
        self.bound = outside | {argument: Value(value.node, (*value.free, *axes))}
        entry: Value = yield self.value(node.function.expr)
        self.bound = outside
        return op.array_of(entry, axes)

    def power_of_entries(self, node: Any) -> Task[Value]:
        base, exponent = yield self.arguments(node)
        return op.power(base, exponent, ".^")

    def blocks(self, node: Any) -> Task[Value]:
        rows = []
        for written in node.blocks.tolist():
            row = []
            for cell in written:
                value: Value = yield self.value(cell)
                row.append(value)
            rows.append(row)
        return block(rows)

    def kronecker(self, node: Any) -> Task[Value]:
        values: list[Value] = yield self.arguments(node)
        return reduce(op.kron, values)


_OF_ONE: dict[Any, Callable[[Value], Value]] = {
    matrices.Transpose: op.transpose,
    matrices.Inverse: op.inverse,
    matrices.Determinant: op.determinant,
    matrices.Trace: op.trace,
    matrices.diagonal.DiagMatrix: op.diag,
    matrices.diagonal.DiagonalOf: op.diag,
}
# In this order: the first that fits reads the node.
_READERS: tuple[tuple[Any, Callable[[_Reader, Any], Task[Value]]], ...] = (
    (sympy.MatrixBase, _Reader.dense),
    (matrices.MatrixSymbol, _Reader.matrix_symbol),
    ((matrices.Identity, matrices.special.OneMatrix, matrices.ZeroMatrix), _Reader.filled),
    (tuple(_OF_ONE), _Reader.of_one),
    (matrices.HadamardProduct, _Reader.hadamard),
    (matrices.HadamardPower, _Reader.power_of_entries),
    (matrices.KroneckerProduct, _Reader.kronecker),
    (matrices.BlockMatrix, _Reader.blocks),
    (ElementwiseApplyFunction, _Reader.entry_by_entry),
    (matrices.matexpr.MatrixElement, _Reader.entry),
    (BINDERS, _Reader.over_index),
    (sympy.Indexed, _Reader.indexed),
    (sympy.KroneckerDelta, _Reader.delta),
    (sympy.Symbol, _Reader.symbol),
    ((sympy.Number, sympy.NumberSymbol, sympy.core.numbers.ImaginaryUnit, sympy.core.numbers.ComplexInfinity), _Reader.number),
    ((sympy.Add, matrices.MatAdd), _Reader.add),
    ((sympy.Mul, matrices.MatMul), _Reader.multiply),
    ((sympy.Pow, matrices.MatPow), _Reader.power),
    (sympy.Piecewise, _Reader.piecewise),
    (sympy.Heaviside, _Reader.heaviside),
    (sympy.Derivative, _Reader.derivative),
    ((sympy.Function, sympy.Max, sympy.Min), _Reader.function),
)
