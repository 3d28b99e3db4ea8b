"""A syntax tree to a typed value: names looked up, every operation one call of `algebra.operations`, errors placed in the text.

The walk is a generator run by `trampoline`, so that no depth of nesting meets a recursion limit, and visits every node once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from symgd.algebra import expression as ex
from symgd.algebra import matrices
from symgd.algebra import operations as op
from symgd.algebra.dimension import Dimension, Shape, shape_text
from symgd.algebra.expression import Expression, Irrational, Leaf, Map
from symgd.algebra.operations import Index, Value
from symgd.algebra.trampoline import Task, run
from symgd.errors import FormulaError, LimitError, ShapeError, SymgdError
from symgd.language import calls, conditionals, indices, unsized, written
from symgd.language import syntax as sx
from symgd.language.binders import Use, outline
from symgd.language.declarations import Declaration, Definition, UnknownFunction, Variable, shapes_of
from symgd.language.guards import Moved, Narrowing
from symgd.language.latex.hints import in_latex
from symgd.language.limits import Limits
from symgd.language.magnitude import Magnitude
from symgd.language.words import CONSTANTS, is_function

_SHOWN = 40  # characters of an operand in a message
PRODUCTS: dict[str, Callable[[Value, Value], Value]] = {
    "*": lambda left, right: op.multiply(left, right, "*"),
    "@": lambda left, right: op.multiply(left, right, "@"),
    "/": lambda left, right: op.divide(left, right, "/"),
    "\\": matrices.solve,
    ".*": op.hadamard,
    "./": lambda left, right: op.divide(left, right, "./"),
    # written in LaTeX only: \cdot, \times, \otimes
    "·": written.dotted,
    "×": written.crossed,
    "⊗": op.kron,
}


class Elaborator:
    """One reading: the declarations, and what the formula turns out to use.

    `text` is the text of the tree being read (that of a definition while its body is read), `bound` the indices and parameters in
    scope, `stated` the ends of their ranges where the text states them. `undeclared`, `used`, `warnings` and `kinked` are for the report.
    """

    def __init__(self, declarations: Sequence[Declaration], limits: Limits) -> None:
        self.limits = limits
        self.declared = {declaration.name: declaration for declaration in declarations}
        self.sizes = {name for d in declarations for shape in shapes_of(d) for size in shape for name in size.names}
        self.text = ""
        self.bound: dict[str, Index | Value | Moved] = {}
        self.guards: list[Narrowing] = []  # those that hold where the reading is, outermost first
        self.stated: dict[str, tuple[sx.Node, sx.Node]] = {}
        self.uses: dict[int, dict[str, list[Use]]] = {}
        self.done: dict[int, Value] = {}  # arrays read early, for the range of an index
        self.defined: dict[str, Value] = {}
        self._known: dict[str, Value] = {}  # names that have been looked up; they mean the same everywhere
        self._numbers: dict[int, Value] = {}
        self.reading: list[str] = []  # definitions whose bodies are being read
        self.undeclared: dict[str, tuple[str, sx.Name]] = {}
        self.used: set[str] = set()
        self.warnings: list[str] = []
        self.kinked: list[tuple[Map, Expression]] = []
        self.magnitude = Magnitude(limits)
        self.count = 0
        self.is_latex = False
        self.defines = ""  # the head that a claim in LaTeX defines
        self.local: set[str] = set()  # names that a text in LaTeX defines itself
        self.unsized: set[int] = set()  # nodes with ones or an identity of no stated size: see `unsized`
        self._trees: list[sx.Node] = []  # kept alive: `uses` and `done` know nodes by identity

    def read(self, root: sx.Node, text: str, wanted: Shape | None = None) -> Value:
        """The value of a formula, of the shape `wanted` where it leaves one open.

        Raises `FormulaError`, `ShapeError`, `DomainError`, `LimitError` or `NoRuleError`, placed.
        """
        self.text = text
        self.prepare(root)
        try:
            return run(unsized.sized(self, root, wanted) if id(root) in self.unsized else self.value(root))
        except SymgdError as error:
            if self.is_latex:
                error.hint = in_latex(error.hint)
            raise _at_whole_constant(error, root, self.text) from None

    def prepare(self, root: sx.Node) -> None:
        """Note the binders of a tree before it is read."""
        found = outline(root)
        self._trees.append(root)
        self.uses.update(found.uses)
        if self.is_latex:
            self.unsized |= unsized.unsized_in(root)
        self.sizes.update(name for name in found.sizes if name not in self.declared)

    # ---- names

    def atom(self, node: sx.Node) -> Value | None:
        """The value of a number or a name; None for anything larger."""
        if isinstance(node, sx.Name):
            name = node.name
            found = self._known.get(name) if name not in self.bound else None
            return found or (self.named(node) if not self.is_definition(name) else None)
        if isinstance(node, sx.Number):
            number = self._numbers.get(id(node.value))  # the parser makes one Fraction of all equal texts
            if number is None:
                number = self._numbers[id(node.value)] = op.number(node.value)
            return number
        return None

    def is_definition(self, name: str) -> bool:
        return isinstance(self.declared.get(name), Definition) and name not in self.bound and name not in self.defined

    def is_defined(self, name: str) -> bool:
        """Does the name alone stand for a formula, or for the value of an unknown function?"""
        declared = self.declared.get(name)
        is_value = isinstance(declared, UnknownFunction) or (isinstance(declared, Definition) and not declared.parameters)
        return is_value and name not in self.bound

    def named(self, node: sx.Name) -> Value:
        """What a name stands for: an index or parameter, a declared name, a dimension, a constant, else a real scalar."""
        name = node.name
        found = self.bound.get(name)
        if found is not None:
            return found if isinstance(found, Value) else indices.value_of(self, found)
        value = self._known[name] = self.looked_up(node)
        return value

    def looked_up(self, node: sx.Name) -> Value:
        """What a name that is not bound stands for."""
        name = node.name
        declared = self.declared.get(name)
        if declared is not None:
            self.used.add(name)
        if name in self.sizes:
            return Value(ex.size(Dimension.of(name)))
        if isinstance(declared, Variable):
            return Value(declared.leaf())
        if isinstance(declared, UnknownFunction):
            return self.unknown(declared, [Value(parameter.leaf()) for parameter in declared.parameters], node)
        if name in self.defined:
            return self.defined[name]
        if name in CONSTANTS:
            return Value(ex.irrational(CONSTANTS[name])) if CONSTANTS[name] not in self.declared else Value(self.variable(CONSTANTS[name]))
        if is_function(name):
            self.refuse(node, f"unexpected '{name}': a function, expected its argument in brackets.", f"Write {name}(x).")
        self.undeclared.setdefault(name, (self.text, node))
        return Value(ex.leaf(name))

    def forget(self, name: str) -> None:
        """An undeclared name that stood for something inside an operator only, such as the t of a limit."""
        self.undeclared.pop(name, None)
        self._known.pop(name, None)

    def variable(self, name: str) -> Leaf:
        self.used.add(name)
        return self.declared[name].leaf()

    def unknown(self, function: UnknownFunction, values: Sequence[Value], node: sx.Node) -> Value:
        """An unknown function at its arguments, of the shapes that are declared, without bound indices."""
        if any(value.free for value in values):
            reason = f"the unknown function {function} does not take an index of a sum."
            self.refuse(node, reason, "Write its values as an array, or define the function.")
        for parameter, value in zip(function.parameters, values):
            if value.shape != parameter.shape:
                reason = f"{function} takes {_of_shape(parameter.shape)} for {parameter.name}, not {_of_shape(value.shape)}."
                raise ShapeError(reason, hint="Declare it with the shapes of its arguments: f(x[n]), f(x,y).").at(
                    self.text, node.start, node.end
                )
        return Value(ex.unknown(function.name, [value.node for value in values]))

    # ---- operations

    def apply(self, operation: Callable[..., Value], values: Sequence[Value], nodes: Sequence[Any], start: int, end: int) -> Value:
        """The operation of the values; an error is placed, and names the operands as they are written (`nodes`: trees or spans)."""
        try:
            return operation(*values)
        except SymgdError:
            # Only now is the text of the operands worth cutting out.
            named = [replace(value, text=self.source(node)) for value, node in zip(values, nodes)]
            try:
                return operation(*named)
            except SymgdError as error:
                raise error.at(self.text, start, end) from None

    def source(self, node: Any) -> str:
        """How the user wrote it, shortened."""
        start, end = node if isinstance(node, tuple) else (node.start, node.end)
        written = " ".join(self.text[start : min(end, start + 2 * _SHOWN)].split())
        return written if len(written) <= _SHOWN and end - start <= 2 * _SHOWN else written[: _SHOWN - 1] + "…"

    def refuse(self, node: sx.Node, reason: str, hint: str) -> NoReturn:
        raise FormulaError(reason, hint=hint).at(self.text, node.start, node.end)

    def bounded(self, value: Value, node: sx.Node) -> Value:
        """The value, if its constants are within the limits."""
        try:
            self.magnitude.check(value.node)
        except SymgdError as error:
            raise error.at(self.text, node.start, node.end) from None
        return value

    # ---- nodes

    def value(self, node: sx.Node) -> Task[Value]:
        self.count += 1
        if self.count > self.limits.nodes:
            raise self.limits.exceeded("nodes", "the formula is too large").at(self.text, node.start, node.end)
        if id(node) in self.unsized:
            return unsized.sized(self, node)
        return _READERS[type(node)](self, node)

    def _atom(self, node: sx.Number | sx.Name) -> Task[Value]:
        if isinstance(node, sx.Name) and self.is_definition(node.name):
            definition = self.declared[node.name]
            assert isinstance(definition, Definition)
            defined: Value = yield self.expand(definition, (), node)
            self.defined[node.name] = defined
            return defined
        found = self.atom(node)
        assert found is not None
        return found

    def expand(self, definition: Definition, values: Sequence[Value], node: sx.Node) -> Task[Value]:
        """The body of a definition, its parameters standing for the values."""
        name = definition.name
        self.used.add(name)
        if len(values) != len(definition.parameters):
            expected = f"{name}({', '.join(definition.parameters)})"
            self.refuse(node, f"unexpected '{name}' alone: expected {expected}.", f"It is defined as {definition}.")
        if name in self.reading:
            self.refuse(node, f"'{name}' is defined by itself.", "Definitions may use each other, but not in a circle.")
        outside = self.text, self.bound, self.stated
        self.text, self.bound, self.stated = definition.text, dict(zip(definition.parameters, values)), {}
        self.reading.append(name)
        if not any(tree is definition.body for tree in self._trees):
            self.prepare(definition.body)
        found: Value = self.atom(definition.body) or (yield self.value(definition.body))
        self.reading.pop()
        self.text, self.bound, self.stated = outside
        return found

    def _prefix(self, node: sx.Prefix) -> Task[Value]:
        operand: Value = self.atom(node.operand) or (yield self.value(node.operand))
        return op.negate(operand) if node.operator == "-" else operand

    def _transpose(self, node: sx.Transpose) -> Task[Value]:
        operand: Value = self.atom(node.operand) or (yield self.value(node.operand))
        return self.apply(op.transpose, [operand], [node.operand], node.start, node.end)

    def _power(self, node: sx.Power) -> Task[Value]:
        base: Value = self.atom(node.base) or (yield self.value(node.base))
        exponent: Value = self.atom(node.exponent) or (yield self.value(node.exponent))
        operator = node.operator
        if operator != ".^" and exponent.rank > 1:
            error = ShapeError(
                f"an exponent is a number, and {self.source(node.exponent)} is a matrix.", hint="Write .^ for a power of every entry."
            )
            raise error.at(self.text, node.exponent.start, node.exponent.end)
        if isinstance(base.node, Irrational) and base.node.name == "e":
            return self.bounded(op.elementwise("exp", [exponent]), node)
        found = self.apply(lambda b, x: op.power(b, x, operator), [base, exponent], [node.base, node.exponent], node.start, node.end)
        try:
            self.magnitude.check_power(found.node, base.node, exponent.node)
        except SymgdError as error:
            raise error.at(self.text, node.start, node.end) from None
        return found

    def _chain(self, node: sx.Chain) -> Task[Value]:
        left: Value = self.atom(node.first) or (yield self.value(node.first))
        if node.rest[0][0] in ("+", "-"):
            terms = [(1, left)]
            for operator, _, operand in node.rest:
                term: Value = self.atom(operand) or (yield self.value(operand))
                terms.append((1 if operator == "+" else -1, term))
            return self.bounded(self.sum(node, terms), node)
        for operator, at, operand in node.rest:
            right: Value = self.atom(operand) or (yield self.value(operand))
            start, end = self.place(node, at, operator, operand)
            left = self.apply(PRODUCTS[operator], [left, right], [(node.start, at), operand], start, end)
            self.bounded(left, node)
        return left

    def sum(self, node: sx.Chain, terms: list[tuple[int, Value]]) -> Value:
        if self.is_latex and any(term.free for _, term in terms):
            self.refuse_unindexed(node, [term for _, term in terms])
        try:
            return op.add(terms)
        except SymgdError:
            # Which of the terms does not fit? The first that cannot be added to those before it.
            total = terms[0][1]
            for (sign, term), (operator, at, operand) in zip(terms[1:], node.rest):
                start, end = self.place(node, at, operator, operand)
                total = self.apply(lambda a, b, s=sign: op.add([(1, a), (s, b)]), [total, term], [(node.start, at), operand], start, end)
            raise

    def refuse_unindexed(self, node: sx.Chain, terms: list[Value]) -> None:
        r"""`\sum_i (A_i + B)` with an array B: its index has been forgotten."""
        for term, operand in zip(terms, [node.first, *(operand for _, _, operand in node.rest)]):
            if term.rank and any(not other.rank for other in terms):
                reason = (
                    f"cannot add entries and the array {self.source(operand)} of shape {shape_text(term.shape)} inside a sum over an index."
                )
                raise ShapeError(reason, hint="Write its entry, with the index.").at(self.text, operand.start, operand.end)

    def place(self, node: sx.Chain, at: int, operator: str, operand: sx.Node) -> tuple[int, int]:
        """Where to point in a chain: the operator, with its operands where they are names."""
        first = node.first
        is_short = at == node.rest[0][1] and isinstance(first, sx.Name) and isinstance(operand, sx.Name)
        return (first.start, operand.end) if is_short else (at, at + len(operator))

    def _comparison(self, node: sx.Comparison) -> Task[Value]:
        reason = f"unexpected '{node.operator}': a comparison is not a value."
        hint = f"Write it as a condition: 1 if x {node.operator} 0 else 0."
        raise FormulaError(reason, hint=hint).at(self.text, node.operator_start, node.operator_start + len(node.operator))
        yield

    def condition(self, node: sx.Node) -> Task[Value]:
        if not isinstance(node, sx.Comparison):
            self.refuse(node, "expected a comparison as the condition.", "Write a if x > 0 else b, with one of < <= > >= == !=.")
        left: Value = self.atom(node.left) or (yield self.value(node.left))
        right: Value = self.atom(node.right) or (yield self.value(node.right))
        operator, at = node.operator, node.operator_start
        return self.apply(lambda a, b: op.compare(operator, a, b), [left, right], [node.left, node.right], at, at + len(operator))

    def _conditional(self, node: sx.Conditional) -> Task[Value]:
        return conditionals.conditional(self, node)

    def _binding(self, node: sx.Binding) -> Task[Value]:
        self.refuse(
            node,
            f"unexpected range of '{node.name}': only an index sum takes one.",
            "Write sum(i=1..n, x[i]), or prod, mean, array, max, min.",
        )
        yield

    def _call(self, node: sx.Call) -> Task[Value]:
        return calls.call(self, node)

    def _index(self, node: sx.Index) -> Task[Value]:
        return indices.entry(self, node)

    def _let(self, node: sx.Let) -> Task[Value]:
        return written.let(self, node)

    def _at(self, node: sx.At) -> Task[Value]:
        return written.at(self, node)

    def _list(self, node: sx.List) -> Task[Value]:
        """`[a, b]`, a vector, or `[[…], […]]`, rows; of blocks where an item is an array."""
        rows = [item for item in node.items if isinstance(item, sx.List)]
        if len(rows) < len(node.items):
            return self._array(node, [node])
        if all(isinstance(cell, sx.List) for row in rows for cell in row.items):
            return self._deep(node)
        return self._array(node, rows)

    def _rows(self, node: sx.Rows) -> Task[Value]:
        return self._array(node, [sx.List(row, row[0].start, row[-1].end) for row in node.rows])

    def _deep(self, node: sx.List) -> Task[Value]:
        """A literal with three axes or more."""
        items = []
        for item in node.items:
            value: Value = yield self.value(item)
            items.append(value)
        return self.apply(lambda *values: op.literal(values), items, node.items, node.start, node.end)

    def _array(self, node: sx.List | sx.Rows, rows: Sequence[sx.List]) -> Task[Value]:
        """Rows of numbers, or of blocks where one of them is an array; one row that is the node itself is a vector."""
        cells = [cell for row in rows for cell in row.items]
        values: list[Value] = []
        for cell in cells:
            value: Value = self.atom(cell) or (yield self.value(cell))
            values.append(value)
        is_block = any(value.rank for value in values)
        odd = next((row for row in rows if len(row.items) != len(rows[0].items)), None)
        if odd is not None and not is_block:
            reason = f"unexpected shape of {self.source(odd)}: expected rows of one length in a literal."
            raise ShapeError(reason, hint="Every row has the same number of entries.").at(self.text, odd.start, odd.end)

        def made(*values: Value) -> Value:
            remaining = iter(values)
            found = [[next(remaining) for _ in row.items] for row in rows]
            if is_block:
                return matrices.block(found)
            return op.literal(found[0] if rows[0] is node else [op.literal(row) for row in found])

        return self.apply(made, values, cells, node.start, node.end)


def _of_shape(shape: Shape) -> str:
    kind = {0: "a scalar", 1: "a vector", 2: "a matrix"}.get(len(shape), "an array")
    return f"{kind} of shape {shape_text(shape)}" if shape else kind


_READERS: dict[type, Callable[[Elaborator, Any], Task[Value]]] = {
    sx.Number: Elaborator._atom,
    sx.Name: Elaborator._atom,
    sx.Prefix: Elaborator._prefix,
    sx.Transpose: Elaborator._transpose,
    sx.Power: Elaborator._power,
    sx.Chain: Elaborator._chain,
    sx.Comparison: Elaborator._comparison,
    sx.Conditional: Elaborator._conditional,
    sx.Binding: Elaborator._binding,
    sx.Call: Elaborator._call,
    sx.Index: Elaborator._index,
    sx.List: Elaborator._list,
    sx.Rows: Elaborator._rows,
    sx.Let: Elaborator._let,
    sx.At: Elaborator._at,
}


def _at_whole_constant(error: SymgdError, root: sx.Node, text: str) -> SymgdError:
    """A limit exceeded inside an expression of numbers only is placed at the whole of it: `9^9^9` is too large, not its `9^9`."""
    if not isinstance(error, LimitError) or error.position is None or error.text is not text:
        return error
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if not (node.start <= error.position and error.position + error.length <= max(node.end, node.start + 1)):
            continue
        if not set(sx.names_in(node)) - set(CONSTANTS):
            error.position, error.length = node.start, node.end - node.start
            return error
        waiting.extend(sx.children(node))
    return error
