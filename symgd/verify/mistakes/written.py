"""A scalar formula as it is written, part by part, with the value and the slope of every part at a point.

The slips of a hand derivation and the slips of the pen are made in what is written: `x/x^2` is a quotient, though the expression
made of it is a product. So the likely mistake is looked for here, in the syntax tree; every part is one occurrence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from flint import arb

from symgd.algebra import expression as ex
from symgd.algebra.expression import Expression
from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.table import POWER, find
from symgd.errors import NoRuleError
from symgd.language import syntax as sx
from symgd.language.words import CONSTANTS
from symgd.verify.mistakes.floats import FLOATS, as_floats
from symgd.verify.mistakes.numbers import BALLS, Arithmetic, Dual, apply, dual, usable

LARGEST = 400  # parts
LOG = find("log")
_ARITHMETIC = {"+": "+", "-": "-", "*": "*", "@": "*", ".*": "*", "/": "/", "./": "/"}
Point = Mapping[str, Fraction]


class NotScalar(Exception):
    """The formula has a part that is no number, or that is not written with operators and functions of numbers."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a formula: `operator` is "number", "name", "+", "-", "*", "/", "^", "negative" or "call".

    `children` are places in the list of parts, `what` is the number, the name, or the function; it stands at `start:end` of the text.
    """

    operator: str
    children: tuple[int, ...]
    what: Any
    start: int
    end: int


@dataclass(slots=True)
class Run:
    """All parts at one point: values, slopes (0 where a part does not depend on the variable), and the partial derivatives by children.

    `factors` are set where a part enters linearly: the whole is the factor times the part, and a rest without it.
    """

    values: Sequence[Any]
    slopes: Sequence[Any]
    partials: Sequence[tuple[Any, ...]]
    factors: Sequence[Dual | None]
    arithmetic: Arithmetic = BALLS

    def __getitem__(self, i: int) -> Dual:
        return Dual(self.values[i], self.slopes[i])

    def adjoints(self, written: Written) -> list[Any]:
        """The derivative of the whole by every part."""
        found: list[Any] = [arb(0)] * len(written.parts)
        found[-1] = arb(1)
        for i in reversed(range(len(written.parts))):
            for child, partial in zip(written.parts[i].children, self.partials[i]):
                found[child] = found[i] * partial
        return found


class Written:
    """The parts of a formula, children before parents, the whole last. Raises `NotScalar`.

    `scalars` are the names of the variables that are numbers; `variable` is the name that slopes are by.
    """

    def __init__(self, node: sx.Node, text: str, scalars: set[str], variable: str = "") -> None:
        self.text, self.scalars, self.variable = text, scalars, variable
        self.parts: list[Part] = []
        self._add(node)
        self.parents = [-1] * len(self.parts)
        for i, part in enumerate(self.parts):
            for child in part.children:
                self.parents[child] = i
        self.depends = [False] * len(self.parts)
        for i, part in enumerate(self.parts):
            self.depends[i] = part.what == variable if part.operator == "name" else any(self.depends[c] for c in part.children)

    def source(self, i: int) -> str:
        return self.text[self.parts[i].start : self.parts[i].end]

    def _add(self, node: sx.Node) -> int:
        if len(self.parts) >= LARGEST:
            raise NotScalar
        if isinstance(node, sx.Number):
            return self._part("number", (), node.value, node)
        if isinstance(node, sx.Name):
            if node.name not in self.scalars and node.name not in CONSTANTS:
                raise NotScalar
            return self._part("name", (), node.name, node)
        if isinstance(node, sx.Prefix):
            inner = self._add(node.operand)
            return inner if node.operator == "+" else self._part("negative", (inner,), None, node)
        if isinstance(node, sx.Power):
            return self._part("^", (self._add(node.base), self._add(node.exponent)), POWER, node)
        if isinstance(node, sx.Chain):
            left = self._add(node.first)
            for operator, _, operand in node.rest:
                if operator not in _ARITHMETIC:
                    raise NotScalar
                right = self._add(operand)
                left = self._part(_ARITHMETIC[operator], (left, right), None, node, operand.end)
            return left
        if isinstance(node, sx.Call) and not node.keywords:
            row = find(node.name)
            if isinstance(row, Elementwise) and row.arity == len(node.arguments):
                return self._part("call", tuple(self._add(argument) for argument in node.arguments), row, node)
        raise NotScalar

    def _part(self, operator: str, children: tuple[int, ...], what: Any, node: sx.Node, end: int | None = None) -> int:
        start = node.start
        if operator in ("+", "-", "*", "/") and children:
            start = min(start, self.parts[children[0]].start)
            end = _closed(self.text, start, node.end if end is None else end)
        self.parts.append(Part(operator, children, what, start, node.end if end is None else end))
        return len(self.parts) - 1

    def run(self, point: Point) -> Run:
        """Everything at a point, with the working precision."""
        values: list[Any] = []
        slopes: list[Any] = []
        partials: list[tuple[Any, ...]] = []
        for i, part in enumerate(self.parts):
            arguments = [values[c] for c in part.children]
            values.append(_value(part, arguments, point))
            partials.append(_partials(part, arguments, values[i]))
            slopes.append(self._slope(i, partials[i], slopes))
        return Run(values, slopes, partials, self._factors(values, slopes))

    def _factors(self, values: Sequence[Any], slopes: Sequence[Any]) -> list[Dual | None]:
        found: list[Dual | None] = [None] * len(self.parts)
        found[-1] = dual(Fraction(1))
        for i in reversed(range(len(self.parts))):
            factor, part = found[i], self.parts[i]
            if factor is None or not usable(values[i]):
                continue
            own = [Dual(values[c], slopes[c]) for c in part.children]
            if part.operator in ("+", "-"):
                found[part.children[0]], found[part.children[1]] = factor, factor if part.operator == "+" else -factor
            elif part.operator == "negative":
                found[part.children[0]] = -factor
            elif part.operator == "*":
                found[part.children[0]], found[part.children[1]] = factor * own[1], factor * own[0]
            elif part.operator == "/":
                found[part.children[0]] = factor / own[1]
        return found

    def in_floats(self, run: Run) -> Run:
        """The same in floats; the partial derivatives are left out."""
        factors = [None if factor is None else Dual(*map(complex, as_floats([factor.value, factor.slope]))) for factor in run.factors]
        return Run(list(as_floats(run.values)), list(as_floats(run.slopes)), (), factors, FLOATS)

    def _slope(self, i: int, partials: Sequence[Any], slopes: Sequence[Any]) -> Any:
        if not self.depends[i]:
            return arb(0)
        if not self.parts[i].children:
            return arb(1)
        total = arb(0)
        for child, partial in zip(self.parts[i].children, partials):
            if self.depends[child]:
                total += partial * slopes[child]
        return total

    def replayed(self, run: Run, i: int, changed: Dual) -> Dual:
        """The whole where part i is another number."""
        while (factor := run.factors[i]) is None:
            parent = self.parents[i]
            part = self.parts[parent]
            arguments = [changed.value if c == i else run.values[c] for c in part.children]
            whole = _value(part, arguments, {}, run.arithmetic)
            slope = run.arithmetic.number(0)
            for child, partial in zip(part.children, _partials(part, arguments, whole, run.arithmetic)):
                if child == i or self.depends[child]:
                    slope = slope + run.arithmetic.product(partial, changed.slope if child == i else run.slopes[child])
            i, changed = parent, Dual(whole, slope)
        return run[-1] + factor * (changed - run[i])

    def revalued(self, run: Run, i: int, value: Any) -> Any:
        """The value of the whole where part i has another one."""
        while (factor := run.factors[i]) is None:
            part = self.parts[self.parents[i]]
            value = _value(part, [value if c == i else run.values[c] for c in part.children], {}, run.arithmetic)
            i = self.parents[i]
        return run.values[-1] + factor.value * (value - run.values[i])

    # ---- where a part stands

    def is_factor(self, i: int) -> bool:
        """A factor of a larger product, which lacks what it lacks."""
        parent = self.parents[i]
        return parent >= 0 and (
            self.parts[parent].operator in ("*", "negative") or (self.parts[parent].operator == "/" and self.parts[parent].children[0] == i)
        )

    def is_whole_sum(self, i: int) -> bool:
        parent = self.parents[i]
        return parent < 0 or self.parts[parent].operator not in ("+", "-", "negative")

    def is_term(self, i: int) -> bool:
        parent = self.parents[i]
        return parent >= 0 and self.parts[parent].operator in ("+", "-")

    def is_below_arithmetic(self, i: int) -> bool:
        """Only sums, products and quotients lie above: other operators have no inverse that is one number."""
        while self.parents[i] >= 0:
            i = self.parents[i]
            if self.parts[i].operator in ("^", "call"):
                return False
        return True

    def top_down(self) -> list[int]:
        """All parts, those that stand higher first."""
        depths = [0] * len(self.parts)
        for i in reversed(range(len(self.parts))):
            if self.parents[i] >= 0:
                depths[i] = depths[self.parents[i]] + 1
        return sorted(range(len(self.parts)), key=depths.__getitem__)

    def called(self, run: Run, i: int, name: str) -> Dual:
        """Part i with another function of the same arguments."""
        row = find(name)
        assert isinstance(row, Elementwise)
        children = self.parts[i].children
        arguments = [run.values[c] for c in children]
        slope = arb(0)
        for place, child in enumerate(children):
            if self.depends[child]:
                slope += partial(row, place)(*arguments) * run.slopes[child]
        return Dual(apply(row, *arguments), slope)


def _closed(text: str, start: int, end: int) -> int:
    """The end of a part that begins with an operand: brackets round its last operand belong to it."""
    depth = text.count("(", start, end) - text.count(")", start, end)
    while depth > 0 and end < len(text) and text[end] in ") ":
        depth -= text[end] == ")"
        end += 1
    return end


def _value(part: Part, arguments: Sequence[Any], point: Point, arithmetic: Arithmetic = BALLS) -> Any:
    operator = part.operator
    if operator == "number":
        return arithmetic.number(part.what)
    if operator == "name":
        if part.what in point:
            return arithmetic.number(point[part.what])
        return arithmetic.constants[CONSTANTS[part.what]]()
    if operator == "+":
        return arguments[0] + arguments[1]
    if operator == "-":
        return arguments[0] - arguments[1]
    if operator == "*":
        return arguments[0] * arguments[1]
    if operator == "/":
        return arguments[0] / arguments[1]
    if operator == "negative":
        return -arguments[0]
    return arithmetic.apply(part.what, *arguments)


def _partials(part: Part, arguments: Sequence[Any], value: Any, arithmetic: Arithmetic = BALLS) -> tuple[Any, ...]:
    operator = part.operator
    if not arguments:
        return ()
    if operator in ("+", "-"):
        return arithmetic.number(1), arithmetic.number(1 if operator == "+" else -1)
    if operator == "*":
        return arguments[1], arguments[0]
    if operator == "/":
        return 1 / arguments[1], -value / arguments[1]
    if operator == "negative":
        return (arithmetic.number(-1),)
    if operator == "^":
        base, exponent = arguments
        return exponent * arithmetic.apply(POWER, base, exponent - 1), value * arithmetic.apply(LOG, base)
    return tuple(partial(part.what, k, arithmetic)(*arguments) for k in range(part.what.arity))


@cache
def partial(row: Elementwise, k: int, arithmetic: Arithmetic = BALLS) -> Callable[..., Any]:
    """The partial derivative of a function by its argument k."""
    leaves = [ex.leaf(f"_{place}") for place in range(row.arity)]
    try:
        root = ex.constant(row.derivative[k](*leaves))
    except NoRuleError:  # by this argument there is no derivative in closed form
        return lambda *arguments: arguments[0] * float("nan")
    order = ex.topological(root)

    def of(*arguments: Any) -> Any:
        found: dict[Expression, Any] = dict(zip(leaves, arguments))
        for node in order:
            if node not in found:
                found[node] = _scalar(node, [found[child] for child in node.children], arithmetic)
        return found[root]

    return of


def _scalar(node: Expression, children: Sequence[Any], arithmetic: Arithmetic) -> Any:
    """A scalar node: what the derivatives of the table are made of."""
    if isinstance(node, ex.Constant):
        return arithmetic.number(node.value)
    if isinstance(node, ex.Irrational):
        return arithmetic.constants[node.name]()
    if isinstance(node, ex.Add):
        terms = [child * arithmetic.number(c) for c, child in zip(node.coefficients, children)]
        return sum(terms, arithmetic.number(0))
    if isinstance(node, ex.Contract):
        product = arithmetic.number(node.coefficient)
        for child in children:
            product = product * child
        return product
    if isinstance(node, ex.Map):
        return arithmetic.apply(node.function, *children)
    raise NotScalar
