"""What each class of nodes becomes in a program: one rule per class.

A rule takes the operands of the node's children and returns that of the node, whose label k is axis k; a label that is missing
is a broadcast. Everything shared in the expressions is shared in the program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import (
    Add,
    Along,
    Constant,
    Contract,
    Counter,
    Expression,
    Irrational,
    Leaf,
    Map,
    MatrixFunction,
    Select,
    Size,
    Stack,
    Unknown,
)
from symgd.algebra.functions import table
from symgd.algebra.grid import Block, Grid, Zeros, layers
from symgd.errors import LoweringError
from symgd.lowering.build import Builder, Operand
from symgd.lowering.contraction import Product, contract
from symgd.lowering.number import ONE, Number
from symgd.lowering.selection import Delta, Selection

_MULTIPLIED_OUT = 4  # whole exponents up to here become products


class Rules:
    """The rules; `done` holds the operand of every node so far."""

    def __init__(self, builder: Builder, inputs: Mapping[Leaf, int], form: str) -> None:
        self.builder, self.inputs, self.form = builder, inputs, form
        self.done: dict[Expression, Operand] = {}

    def node(self, node: Expression) -> Operand:
        found = self.done.get(node)
        if found is None:
            found = self.done[node] = _RULES[type(node)](self, node)
        return found

    # ---- atoms -------------------------------------------------------------------------------------------------------

    def leaf(self, node: Leaf) -> Operand:
        if node not in self.inputs:
            raise LoweringError(f"the variable {node.name} is no input of the program.", hint="Give it a value.")
        return Operand(self.builder.emit("input", (), self.inputs[node], node.shape), tuple(range(node.rank)))

    def constant(self, node: Constant) -> Operand:
        return Operand(self.builder.number(Number(node.value)))

    def irrational(self, node: Irrational) -> Operand:
        return Operand(self.builder.number(Number(Fraction(1), (), ((node.name, 1),))))

    def size(self, node: Size) -> Operand:
        return Operand(self.builder.number(Number(Fraction(1), ((node.dimension, 1),))))

    def counter(self, node: Counter) -> Operand:
        return Operand(self.builder.emit("arange", (), node.start, node.shape), (0,))

    def select(self, node: Select) -> Operand:
        return self.product(Fraction(1), [(node, tuple(range(node.rank)))], range(node.rank), dict(enumerate(node.shape)))

    def unknown(self, node: Unknown) -> Operand:
        raise LoweringError(
            f"{node.name} is declared as an unknown function: it has no values.",
            hint=f"Define it in given, as in {node.name} = …, to evaluate.",
        )

    # ---- sums --------------------------------------------------------------------------------------------------------

    def add(self, node: Add) -> Operand:
        """Blocks stand side by side. Of others, terms with the same axes are added first, smaller arrays before larger ones."""
        laid_out = layers(node.terms)
        if laid_out is not None and len(laid_out[0]) == 1 and not laid_out[1]:
            return Operand(self._blocks(laid_out[0][0], node.rank), tuple(range(node.rank)))
        terms, common = self._common(self._terms(node))
        groups: dict[frozenset[int], list[tuple[Fraction, Operand]]] = {}
        for coefficient, operand in terms:
            groups.setdefault(frozenset(operand.labels), []).append((coefficient, operand))
        sums = [self._sum(terms) for terms in groups.values()]
        sums.sort(key=lambda term: self.builder.cost(term[1]))
        coefficient, operand = self._sum(sums)
        return Operand(self.builder.scaled(operand.value, common * Number(coefficient)), operand.labels)

    def _blocks(self, grid: Grid, rank: int) -> int:
        rows = []
        for row in grid:
            values = [self._block(block, rank) for block in row]
            rows.append(values[0] if len(values) == 1 else self.builder.emit("cat", values, 1))
        return rows[0] if len(rows) == 1 else self.builder.emit("cat", rows, 0)

    def _block(self, block: Block, rank: int) -> int:
        if isinstance(block, tuple):
            return self._blocks(block, rank)
        if isinstance(block, Zeros):
            return self.builder.emit("full", (), Number(Fraction(0)), (block.rows, block.columns)[:rank])
        value = self.builder.complete(self.node(block.node), range(block.node.rank), dict(enumerate(block.node.shape)))
        value = self.builder.scaled(value, Number(block.coefficient))
        axes = iter(range(block.node.rank))
        return self.builder.arrange(value, tuple([next(axes) if own else None for own in block.axes[:rank]]))

    def _common(self, terms: list[tuple[Fraction, Operand]]) -> tuple[list[tuple[Fraction, Operand]], Number]:
        """The terms without a number that scales all of them, and that number: a/n - b/n is (a - b)/n."""
        found = [self.builder.scale_of(operand.value) for _, operand in terms]
        first = found[0]
        if first is None or first[1].is_rational or any(scale is None or scale[1] != first[1] for scale in found):
            return terms, ONE
        return [(coefficient, Operand(scale[0], operand.labels)) for (coefficient, operand), scale in zip(terms, found) if scale], first[1]

    def _sum(self, terms: list[tuple[Fraction, Operand]]) -> tuple[Fraction, Operand]:
        """The sum of coefficient × operand as one such term; it starts with one whose coefficient is 1 where there is one."""
        if len(terms) == 1:
            return terms[0]
        start = next((k for k, (coefficient, _) in enumerate(terms) if coefficient == 1), 0)
        coefficient, operand = terms[start]
        total = Operand(self.builder.scaled(operand.value, Number(coefficient)), operand.labels)
        for k, (coefficient, operand) in enumerate(terms):
            if k != start:
                total = self.builder.plus(total, operand, coefficient)
        return Fraction(1), total

    def _terms(self, node: Add) -> list[tuple[Fraction, Operand]]:
        """The terms; multiples of unit vectors along the first axis come together as one."""
        placed: dict[Dimension, list[tuple[Fraction, Operand]]] = {}
        others: list[tuple[Fraction, Operand]] = []
        for coefficient, child in node.terms:
            position = _unit_position(child)
            if position is None or len(node.children) < 2:
                others.append((coefficient, self.node(child)))
            else:
                assert isinstance(child, Contract)
                inner = [factor for factor in child.factors if factor[1] != (0,)]
                rest = self.product(child.coefficient, inner, range(1, child.rank), child.dimensions())
                placed.setdefault(position, []).append((coefficient, rest))
        if placed:
            others.append((Fraction(1), self._placed(placed, node)))
        return others

    def _placed(self, placed: Mapping[Dimension, list[tuple[Fraction, Operand]]], node: Add) -> Operand:
        values = []
        sizes = dict(enumerate(node.shape))
        for position, terms in placed.items():
            self.builder.require(position, node.shape[0])
            coefficient, operand = self._sum(terms)
            scaled = Operand(self.builder.scaled(operand.value, Number(coefficient)), operand.labels)
            values.append(self.builder.complete(scaled, range(1, node.rank), sizes))
        every = {Dimension.of(k): k for k in range(len(values))}
        if placed.keys() == every.keys() and node.shape[0].constant == len(values):
            order = sorted(zip(placed, values), key=lambda entry: every[entry[0]])
            return Operand(self.builder.emit("stack", [value for _, value in order]), tuple(range(node.rank)))
        return Operand(self.builder.emit("place", values, (tuple(placed), node.shape[0])), tuple(range(node.rank)))

    # ---- products ----------------------------------------------------------------------------------------------------

    def contract(self, node: Contract) -> Operand:
        return self.product(node.coefficient, node.factors, range(node.rank), node.dimensions())

    def product(
        self, coefficient: Fraction, factors: Sequence[tuple[Expression, Sequence[int]]], out: Sequence[int], sizes: dict[int, Dimension]
    ) -> Operand:
        product = Product(Number(coefficient))
        deltas: list[Delta] = []
        inverted: list[Operand] = []
        used = {label for _, labels in factors for label in labels}
        sizes = {label: length for label, length in sizes.items() if label in out or label in used}
        chosen = {label for child, labels in factors if isinstance(child, Select) for label in labels}
        arrays = sum(1 for _, labels in factors if labels)
        for child, labels in factors:
            if isinstance(child, Select):
                deltas.append(Delta.of(child, labels))
                continue
            below = _below(child)
            for divisor in below:
                operand = self._labelled(self.node(divisor), labels)
                if chosen & set(operand.labels):  # a slice may be padded with zeros, which nothing is divided by
                    product.operands.append(self.builder.reciprocal(operand))
                elif operand.labels:
                    inverted.append(operand)
                elif self.builder.known(operand.value) is not None:
                    product.scalars.append(self.builder.reciprocal(operand).value)
                else:
                    product.divisors.append(operand.value)
            if below:
                continue
            root = _squared(child)
            if root is not None and arrays == 1 and labels and not any(label in out for label in labels):
                product.operands += [self._labelled(self.node(root), labels)] * 2  # the sum of squares is a dot product
                continue
            product.operands.append(self._labelled(self.node(child), labels))
        selection = Selection(self.builder, product.operands + inverted, deltas, list(out), dict(sizes))
        upper = len(product.operands)
        selection.eliminate()
        product.operands = self._divided(selection.operands[:upper], selection.operands[upper : upper + len(inverted)])
        product.operands += selection.operands[upper + len(inverted) :]
        _numbers_out(self.builder, product)
        result = contract(self.builder, product, selection.out, selection.sizes)
        return selection.finish(result, sizes)

    def _divided(self, above: list[Operand], below: list[Operand]) -> list[Operand]:
        """Every divisor divides the smallest factor that has all of its labels; without one it becomes a reciprocal."""
        above = list(above)
        for divisor in below:
            fits = [k for k, operand in enumerate(above) if set(divisor.labels) <= set(operand.labels) and _is_plain(operand)]
            if fits and _is_plain(divisor):
                k = min(fits, key=lambda k: self.builder.cost(above[k]))
                above[k] = self.builder.over(above[k], divisor)
            else:
                above.append(self.builder.reciprocal(divisor))
        return above

    def _labelled(self, operand: Operand, labels: Sequence[int]) -> Operand:
        return Operand(operand.value, tuple(labels[axis] for axis in operand.labels))

    # ---- functions ---------------------------------------------------------------------------------------------------

    def map(self, node: Map) -> Operand:
        if node.function is table.POWER:
            exponent = ex.constant_value(node.children[1])
            if exponent is not None:
                return self._power(self.node(node.children[0]), exponent)
        operands = [self.node(child) for child in node.children]
        operands = [Operand(self.builder.tensor(operand.value), operand.labels) for operand in operands]
        return self.builder.entrywise("map", operands, (node.function, self.form))

    def _power(self, base: Operand, exponent: Fraction) -> Operand:
        known = self.builder.known(base.value)
        if known is not None and exponent.denominator == 1 and (exponent > 0 or known.is_invertible):
            return Operand(self.builder.number(known ** int(exponent)))
        base = Operand(self.builder.tensor(base.value), base.labels)
        if exponent < 0 and (-exponent in (1, Fraction(1, 2)) or _is_small(-exponent)):
            return self.builder.reciprocal(self._power(base, -exponent))
        if exponent == 1:
            return base
        if exponent == Fraction(1, 2):
            return Operand(self.builder.emit("map", (base.value,), (table.elementwise("sqrt"), self.form)), base.labels)
        if _is_small(exponent):
            half = self._power(base, Fraction(int(exponent) // 2))
            square = self.builder.times(half, half)
            return self.builder.times(square, base) if exponent % 2 else square
        return Operand(self.builder.emit("power", (base.value,), exponent), base.labels)

    def along(self, node: Along) -> Operand:
        return self._of_last(node, "along", 1, node.function.keeps_axis)

    def matrix(self, node: MatrixFunction) -> Operand:
        if len(node.children) == 1:
            return self._of_last(node, "matrix", 2, node.function.keeps_axes)
        axes = tuple(range(node.children[0].rank))
        sizes = dict(enumerate(node.children[0].shape))
        matrix, *scalars = [self.builder.complete(self.node(child), axes[: child.rank], sizes) for child in node.children]
        values = (matrix, *map(self.builder.tensor, scalars))
        return Operand(self.builder.emit("matrix", values, (node.function, self.form)), axes if node.function.keeps_axes else axes[:-2])

    def _of_last(self, node: Along | MatrixFunction, kind: str, many: int, keeps: bool) -> Operand:
        """A function of the last axes of its argument; other axes that are broadcast stay so."""
        child = node.children[0]
        operand = self.node(child)
        last = tuple(range(child.rank - many, child.rank))
        rest = tuple(label for label in operand.labels if label not in last)
        value = self.builder.complete(operand, (*rest, *last), dict(enumerate(child.shape)))
        return Operand(self.builder.emit(kind, (value,), (node.function, self.form)), (*rest, *last) if keeps else rest)

    def stack(self, node: Stack) -> Operand:
        operands = [self.node(child) for child in node.children]
        literal = self._literal(operands)
        if literal is not None:
            return Operand(literal, (0, *[label + 1 for label in operands[0].labels]))
        carried = sorted({label for operand in operands for label in operand.labels})
        sizes = dict(enumerate(node.shape[1:]))
        values = [self.builder.complete(operand, carried, sizes) for operand in operands]
        return Operand(self.builder.emit("stack", values), (0, *[label + 1 for label in carried]))

    def _literal(self, operands: Sequence[Operand]) -> int | None:
        """A stack of rational numbers, or of such stacks, as one constant."""
        parts: list[Any] = []
        for operand in operands:
            number = self.builder.known(operand.value)
            instruction = self.builder.instructions[operand.value]
            if number is not None and number.is_rational:
                parts.append(number.value)
            elif instruction.kind == "literal":
                parts.append(instruction.detail)
            else:
                return None
        shapes = {self.builder.shape(operand.value) for operand in operands}
        if len(shapes) > 1 or any(operand.labels != tuple(range(len(operand.labels))) for operand in operands):
            return None
        return self.builder.emit("literal", (), tuple(parts), (Dimension.of(len(parts)), *shapes.pop()))


def _is_plain(operand: Operand) -> bool:
    """Does no label stand on two of its axes?"""
    return len(set(operand.labels)) == len(operand.labels)


def _below(node: Expression) -> list[Expression]:
    """Divisors whose product the node is the reciprocal of; none where it is no reciprocal.

    1/y² divides by y twice: y² might overflow where the quotient does not.
    """
    if isinstance(node, Map) and node.function is table.POWER:
        exponent = ex.constant_value(node.children[1])
        if exponent is not None and exponent < 0:
            if _is_small(-exponent):
                return [node.children[0]] * int(-exponent)
            return [ex.power(node.children[0], -exponent)]
    return []


def _squared(node: Expression) -> Expression | None:
    """y where the node is y²."""
    if isinstance(node, Map) and node.function is table.POWER and ex.constant_value(node.children[1]) == 2:
        return node.children[0]
    return None


def _is_small(exponent: Fraction) -> bool:
    return exponent.denominator == 1 and 1 <= exponent <= _MULTIPLIED_OUT


def _numbers_out(builder: Builder, product: Product) -> None:
    """Scalar factors that are numbers go into the coefficient."""
    kept = []
    for value in product.scalars:
        number = builder.known(value)
        if number is None:
            kept.append(value)
        else:
            product.number *= number
    product.scalars = kept


def _unit_position(node: Expression) -> Dimension | None:
    """The position, where the node is something times a unit vector along its first axis, which nothing else carries."""
    if not isinstance(node, Contract):
        return None
    carriers = [(child, labels) for child, labels in node.factors if 0 in labels]
    if len(carriers) != 1:
        return None
    child, labels = carriers[0]
    return child.offset if isinstance(child, Select) and not child.coefficients and labels == (0,) else None


_RULES: dict[type, Callable[[Rules, Any], Operand]] = {
    Leaf: Rules.leaf,
    Constant: Rules.constant,
    Irrational: Rules.irrational,
    Size: Rules.size,
    Counter: Rules.counter,
    Select: Rules.select,
    Unknown: Rules.unknown,
    Add: Rules.add,
    Contract: Rules.contract,
    Map: Rules.map,
    Along: Rules.along,
    MatrixFunction: Rules.matrix,
    Stack: Rules.stack,
}
