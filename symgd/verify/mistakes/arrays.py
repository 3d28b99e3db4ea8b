"""The likely mistake behind a refuted claim: the one change to the right side that makes it right.

At a few points the right side R is compared with the left side L, term by term. With D = L − R, a term T of R is repaired by the factor
ρ = 1 + D/T, if that is everywhere one number, or one number times a part of the formula or its reciprocal; a missing term is D itself.
Other repairs are tried out: a matrix transposed, two matrices exchanged, an exponent one off, another function; and whether
the claim would hold for symmetric matrices. A repair counts only where the mended claim checks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

from symgd.algebra import expression as ex
from symgd.algebra.certified import balls, working_precision
from symgd.algebra.expression import Contract, Expression, Leaf, Map
from symgd.algebra.functions.table import POWER, build, elementwise
from symgd.algebra.operations import Value
from symgd.algebra.shorten import shortened
from symgd.algebra.shorten.expanding import multiplied_out
from symgd.algebra.simplify import simplified
from symgd.calculus import derive
from symgd.notation.infix import infix
from symgd.verify import sample
from symgd.verify.mistakes.derivations import planted
from symgd.verify.mistakes.mistake import Mistake

BITS = 160
POINTS = 3
CLOSE = 2.0**-90
LARGEST = 24  # numerators and denominators of a forgotten number
PARTS = 60  # parts of the formula that may have been forgotten
TRIED = 160  # changes that are tried out
EXCHANGED = (("sin", "cos"), ("sinh", "cosh"), ("tan", "cot"), ("tanh", "coth"), ("exp", "log"), ("asin", "acos"), ("sec", "csc"))


@dataclass(frozen=True, slots=True)
class Derived:
    """What the left side derives, where it is one derivative: `diff(F, x)`."""

    operator: str
    formula: Expression
    variable: Leaf
    structure: str = ""

    def claim(self, formula: Expression, right: str, names: set[str]) -> str:
        return f"{self.operator}({infix(shortened(simplified(formula)), avoid=names)}, {self.variable.name}) = {right}"


def array_mistakes(left: Value, right: Value, texts: tuple[str, str], derived: Derived | None, ends: float) -> Iterator[Mistake]:
    """Mistakes in the derivation, in the right side, or in the formula that the left side derives; whether a repair checks is open."""
    search = _Search(left, right, ends)
    if not search.points:
        return

    def mended(kind: str, text: str, node: Expression, row: bool) -> Mistake:
        return Mistake(kind, text, f"{texts[0]} = {infix(shortened(simplified(node)), row=row, avoid=search.names)}")

    for kind, text, node, row in search.simple_repairs():
        yield mended(kind, text, node, row)
    if derived is not None:
        also = ", factor" if search.ratio is not None else ""
        for kind, text in search.slips(derived):
            yield mended(kind + also, text, search.correct, left.row)
    for kind, text, node, row in search.repairs():
        yield mended(kind, text, node, row)
    for kind, text in search.deviations():
        yield mended(kind, text, search.correct, left.row)
    if derived is not None and not derived.structure:
        for kind, text, formula in search.repairs_of(derived):
            yield Mistake(kind, text, derived.claim(formula, texts[1], search.names))


Repair = tuple[str, str, Expression, bool]
Values = list[list[Any]]  # per point, per entry


class _Search:
    def __init__(self, left: Value, right: Value, ends: float) -> None:
        self.left, self.right, self.ends = left, right, ends
        self.correct = shortened(simplified(left.node))
        self.names = {leaf.name for leaf in ex.leaves(left.node, right.node)}
        self.points = self._points()
        self.cache: dict[Expression, Values] = {}

    def _points(self) -> list[tuple[dict[str, Any], dict[str, int]]]:
        """Points where both sides have values."""
        random, found = Random(7), list[tuple[dict[str, Any], dict[str, int]]]()
        sides = [self.left.node, self.right.node]
        leaves = ex.leaves(*sides)
        names = list(dict.fromkeys(name for node in ex.topological(*sides) for d in node.shape for name in d.names))
        for k in range(60):
            if len(found) == POINTS or time.monotonic() > self.ends:
                break
            sizes = sample.sizes(names, random)
            point = sample.point(leaves, sizes, random, k)
            if all(_is_finite(entry) for array in balls(sides, point, BITS, sizes) for entry in array.flat):
                found.append((point, sizes))
        return found

    def values(self, node: Expression) -> Values:
        if node not in self.cache:
            self.cache[node] = [list(balls(node, point, BITS, sizes).flat) for point, sizes in self.points]
        return self.cache[node]

    @property
    def ratio(self) -> Fraction | None:
        """The number by which the right side has to be multiplied, if there is one."""
        if self.left.node.shape != self.right.node.shape:
            return None
        return _one_number(_ratios(self.values(self.right.node), self.values(self.left.node), self.values(self.right.node)))

    # ---- what is tried, the likeliest first

    def slips(self, derived: Derived) -> Iterator[tuple[str, str]]:
        """Slips in the derivation whose result is the right side."""
        yield from self._structure(derived)
        if derived.structure or self.left.node.shape != self.right.node.shape:
            return
        target = self.values(self.right.node)
        for kind, text, wrong in planted(derived.formula, derived.variable):
            if time.monotonic() > self.ends:
                return
            if wrong.shape == self.right.node.shape and self._agrees_with(wrong, target):
                yield kind, text

    def _structure(self, derived: Derived) -> Iterator[tuple[str, str]]:
        """The gradient by independent entries taken for that under symmetry, or the other way round."""
        variable = derived.variable
        if not _is_square(variable) or (derived.structure not in ("", "symmetric")):
            return
        plain = derivative(derived.formula, variable)
        if plain.shape != self.right.node.shape:
            return
        turned = ex.transposed(plain, (1, 0))
        symmetric = derive.structured_gradient(plain, "symmetric", variable)
        name = variable.name
        found = {
            plain: f"the entries of {name} are taken as independent: with G for this gradient, that under symmetry is G + G' - G.*eye.",
            ex.add((plain, turned)): f"the diagonal of {name} is counted twice: it is G + G' - G.*eye, with G by independent entries.",
        }
        if not derived.structure:
            found = {symmetric: f"the gradient for symmetric {name} is taken, where its entries are independent."}
        instead: dict[Expression, Expression] = {variable: ex.leaf(name, variable.shape, ("symmetric",))}
        for wrong, text in found.items():
            if self._agree_at_symmetric_points([ex.substitute(side, instead) for side in (wrong, self.right.node)]):
                yield "symmetry", text

    def deviations(self) -> Iterator[tuple[str, str]]:
        """Changes to the right result that give the right side of the claim."""
        if self.left.node.shape != self.right.node.shape:
            return
        target = self.values(self.right.node)
        for count, (kind, text, wrong) in enumerate(_changes(self.correct)):
            if count > TRIED or time.monotonic() > self.ends:
                return
            if wrong.shape == self.right.node.shape and self._agrees_with(wrong, target):
                yield kind, f"the right side equals the left one with {text}."
        parts = multiplied_out(self.correct) if self.correct.rank == 2 and self.correct.shape[0] == self.correct.shape[1] else None
        for term in [ex.scaled(c, unit) for c, unit in parts or ()]:
            if self._agrees_with(self.correct + ex.negative(term) + ex.transposed(term, (1, 0)), target):
                yield "transpose", f"the right side equals the left one with {infix(term)} transposed."

    def _agrees_with(self, node: Expression, target: Values) -> bool:
        return all(_agree(node, point, sizes, values) for (point, sizes), values in zip(self.points, target))

    def simple_repairs(self) -> Iterator[Repair]:
        """A declaration, a row for a column, a sign."""
        if self.left.node.shape != self.right.node.shape or self.left.row != self.right.row:
            yield from self._layout()
            return
        yield from self._symmetry()
        if self.ratio == -1:
            yield "sign", "with the opposite sign it would be right.", ex.negative(self.right.node), self.right.row

    def repairs(self) -> Iterator[Repair]:
        if self.left.node.shape != self.right.node.shape or self.left.row != self.right.row:
            return
        yield from self._factors(constant=True)
        yield from self._changed()
        yield from self._factors(constant=False)
        yield from self._missing()

    def repairs_of(self, derived: Derived) -> Iterator[tuple[str, str, Expression]]:
        """The formula under the derivative with one of its terms, or one of its parts, changed."""
        if self.left.node.shape != self.right.node.shape:
            return
        left, right = self.values(self.left.node), self.values(self.right.node)
        simple = simplified(derived.formula)
        terms = [ex.scaled(c, unit) for c, unit in ex.terms(simple)]
        parts = multiplied_out(simple)
        for term in dict.fromkeys([*terms, *([] if parts is None else [ex.scaled(c, unit) for c, unit in parts])]):
            slope = derivative(term, derived.variable)
            ratios = _ratios(self.values(slope), right, left)
            number = None if ratios is None else _one_number(ratios)
            if number is not None and number != 1:
                kind, text = _named_number(number, f"the term {infix(simplified(term))} of the formula")
                yield kind, text, derived.formula + ex.scaled(number - 1, term)
        for count, (kind, text, changed) in enumerate(_changes(derived.formula)):
            if count > TRIED or time.monotonic() > self.ends:
                return
            slope = derivative(changed, derived.variable)
            if all(_agree(slope, point, sizes, values) for (point, sizes), values in zip(self.points, right)):
                yield kind, f"in the formula, with {text} it would be right.", changed

    def _layout(self) -> Iterator[Repair]:
        node, row = self.right.node, self.right.row
        if node.shape == self.left.node.shape:
            yield "layout", "as a column it would be right." if row else "as a row it would be right.", node, self.left.row
        elif node.rank == 2 and node.shape[::-1] == self.left.node.shape:
            text = "transposed it would be right: the entries stand as those of the variable."
            yield "layout, transpose", text, ex.transposed(node, (1, 0)), False
            for _, text, changed, own in self._changed_in(ex.transposed(node, (1, 0))):
                yield "layout, transpose", f"{text[:-1]}, and transposed.", changed, own

    def _terms(self) -> list[Expression]:
        """The right side, its terms, and the terms of it multiplied out."""
        whole = self.right.node
        simple = simplified(whole)
        found = [simple, *(ex.scaled(c, unit) for c, unit in ex.terms(simple))]
        parts = multiplied_out(simple)
        if parts is not None:
            found += [ex.scaled(c, unit) for c, unit in parts]
        return list(dict.fromkeys(found))

    def _parts(self) -> list[Expression]:
        """Parts of either side that a term may lack: of its shape, or numbers."""
        found: dict[Expression, None] = {}
        for root in (self.correct, self.left.node, self.right.node):
            for node in reversed(ex.topological(root)):
                unit = ex.split(node)[1]
                if ex.constant_value(unit) is None and (not node.shape or node.shape == self.left.node.shape):
                    found.setdefault(unit)
        return list(found)[:PARTS]

    def _factors(self, constant: bool) -> Iterator[Repair]:
        """A term with another factor."""
        left, right = self.values(self.left.node), self.values(self.right.node)
        parts = [] if constant else [(part, self.values(part)) for part in self._parts()]
        for term in self._terms():
            ratios = _ratios(self.values(term), left, right)
            if ratios is None:
                continue
            number = _one_number(ratios)
            if constant:
                if number is not None and number != 1:
                    yield self._by_number(term, number)
                continue
            if number is not None:
                continue
            for part, values in parts:
                if time.monotonic() > self.ends:
                    return
                for sign in (1, -1):
                    times = _one_number(_scaled(ratios, values, -sign))
                    if times is not None:
                        factor = ex.scaled(times, ex.power(part, sign))
                        repaired = self.right.node + ex.negative(term) + ex.multiply(term, factor)
                        kind = "dropped factor, chain-rule, factor" if sign > 0 else "power-rule, quotient-rule, exponent, factor"
                        yield kind, f"with the factor {infix(simplified(factor))} it would be right.", repaired, self.right.row

    def _by_number(self, term: Expression, number: Fraction) -> Repair:
        repaired = self.right.node + ex.scaled(number - 1, term)
        whole = len(ex.terms(simplified(self.right.node))) == 1
        where = "" if whole else f"the term {infix(simplified(term))}"
        kind, text = _named_number(number, where)
        return kind, text, repaired, self.right.row

    def _missing(self) -> Iterator[Repair]:
        """A term that is missing: one of the correct form, or a part of the formula."""
        left, right = self.values(self.left.node), self.values(self.right.node)
        differences = _differences(left, right)
        terms = [ex.scaled(c, unit) for c, unit in ex.terms(self.correct)]
        parts = multiplied_out(self.correct)
        terms += [] if parts is None else [ex.scaled(c, unit) for c, unit in parts]
        for term in [*terms, ex.full(1, self.left.node.shape), *self._parts()]:
            if term.shape != self.left.node.shape or time.monotonic() > self.ends:
                continue
            number = _one_number(_quotients(differences, self.values(term)))
            if number:
                lost = ex.scaled(number, term)
                text = f"with the term {infix(simplified(lost))} added it would be right."
                yield "dropped-term, product-rule, missing term", text, self.right.node + lost, self.right.row

    def _symmetry(self) -> Iterator[Repair]:
        """Would it hold for symmetric matrices?"""
        squares = [leaf for leaf in ex.leaves(self.left.node, self.right.node) if _is_square(leaf) and not leaf.kind]
        if not squares or len(squares) > 3:
            return
        groups = [[leaf] for leaf in squares] + ([squares] if len(squares) > 1 else [])
        for group in groups:
            instead: dict[Expression, Expression] = {leaf: ex.leaf(leaf.name, leaf.shape, ("symmetric",)) for leaf in group}
            sides = [ex.substitute(side, instead) for side in (self.left.node, self.right.node)]
            if self._agree_at_symmetric_points(sides):
                names = " and ".join(leaf.name for leaf in group)
                yield "symmetry, transpose", f"for symmetric {names} it would be right.", self.correct, self.left.row
                return

    def _agree_at_symmetric_points(self, sides: list[Expression]) -> bool:
        random, leaves = Random(3), ex.leaves(*sides)
        for k, (_, sizes) in enumerate(self.points):
            point = sample.point(leaves, sizes, random, k)
            one, other = (list(array.flat) for array in balls(sides, point, BITS, sizes))
            with working_precision(BITS):
                if not all(_is_finite(a) and _is_finite(b) and _close(a, b) for a, b in zip(one, other)):
                    return False
        return True

    def _changed(self) -> Iterator[Repair]:
        yield from self._changed_in(self.right.node)

    def _changed_in(self, root: Expression) -> Iterator[Repair]:
        """One part of the right side changed, where the values agree then."""
        target = self.values(self.left.node)
        for count, (kind, text, node) in enumerate(_changes(root)):
            if count > TRIED or time.monotonic() > self.ends:
                return
            if node.shape != self.left.node.shape:
                continue
            if all(_agree(node, point, sizes, values) for (point, sizes), values in zip(self.points, target)):
                yield kind, f"with {text} it would be right.", node, self.right.row


def derivative(formula: Expression, variable: Leaf) -> Expression:
    return derive.jacobian(formula, variable)


def _named_number(number: Fraction, where: str) -> tuple[str, str]:
    """A forgotten number as a kind of mistake, and as a sentence; "" is the whole side."""
    of = f" of {where}" if where else ""
    if number == -1:
        return "sign", f"with the opposite sign{of} it would be right."
    if number == 0:
        return "extra term", f"without {where} it would be right." if where else "0 would be right."
    return "factor", f"with the factor {number}{of} it would be right."


def _changes(root: Expression) -> Iterator[tuple[str, str, Expression]]:
    """The expression with one part of it changed."""
    for node in reversed(ex.topological(root)):
        for kind, text, changed in _changed_node(node):
            yield kind, text, ex.substitute(root, {node: changed})


def _changed_node(node: Expression) -> Iterator[tuple[str, str, Expression]]:
    if isinstance(node, Contract):
        yield from _turned(node)
    if isinstance(node, Map) and node.function is POWER and (value := ex.constant_value(node.children[1])) is not None:
        for other in (value - 1, value + 1, value / 2, 2 * value, -value):
            if other:
                text = f"the exponent {other} of {infix(node.children[0])}"
                yield "exponent, power-rule, function", text, ex.power(node.children[0], other)
        yield "exponent, power-rule, function", f"{infix(node.children[0])} itself, not its power,", node.children[0]
    if isinstance(node, Map):
        for wrong, right in (*EXCHANGED, *((b, a) for a, b in EXCHANGED)):
            if node.function.name == wrong:
                yield "function", f"{right} for {wrong}", build(elementwise(right), node.children[0])


def _turned(node: Contract) -> Iterator[tuple[str, str, Expression]]:
    """A matrix transposed, or two of one shape exchanged."""
    factors = list(node.factors)
    axes, sizes = range(node.rank), {x: n for x, n in node.dimensions().items() if x < node.rank}
    for k, (child, labels) in enumerate(factors):
        if _is_square(child) and labels[0] != labels[1]:
            changed = [*factors[:k], (child, labels[::-1]), *factors[k + 1 :]]
            text = f"{infix(child)} transposed"
            yield "transpose", text, ex.contract(node.coefficient, changed, axes, sizes)
    if node.rank == 2 and node.shape[0] == node.shape[1] and len(factors) > 1:
        turned = ex.contract(node.coefficient, factors, (1, 0), node.dimensions())
        yield "transpose", f"{infix(node)} transposed", turned
    for j in range(len(factors)):
        for k in range(j):
            (one, here), (other, there) = factors[k], factors[j]
            if one is not other and one.shape == other.shape and here != there:
                changed = list(factors)
                changed[k], changed[j] = (other, here), (one, there)
                text = f"{infix(one)} and {infix(other)} exchanged"
                yield "order-of-factors", text, ex.contract(node.coefficient, changed, axes, sizes)


def _agree(node: Expression, point: dict[str, Any], sizes: dict[str, int], values: list[Any]) -> bool:
    found = list(balls(node, point, BITS, sizes).flat)
    with working_precision(BITS):
        return all(_is_finite(a) and _close(a, b) for a, b in zip(found, values, strict=True))


def _is_square(node: Expression) -> bool:
    return node.rank == 2 and node.shape[0] == node.shape[1] and isinstance(node, Leaf | Map | ex.MatrixFunction | ex.Add)


def _is_finite(value: Any) -> bool:
    return not hasattr(value, "rad") or bool(value.is_finite())


def _ball(value: Any) -> Any:
    from flint import arb

    return value if hasattr(value, "rad") else arb(value)


def _close(a: Any, b: Any) -> bool:
    a, b = _ball(a), _ball(b)
    size = float(abs(a).upper()) + float(abs(b).upper())
    return float(abs(a - b).upper()) <= CLOSE * (size + 1e-6)


def _differences(left: Values, right: Values) -> Values:
    with working_precision(BITS):
        return [[a - b for a, b in zip(one, other)] for one, other in zip(left, right)]


def _ratios(term: Values, left: Values, right: Values) -> Values | None:
    """1 + (L − R)/T, entry by entry; entries where all is 0 are left out. None where T vanishes and L − R does not."""
    found = _quotients(_differences(left, right), term)
    if found is None:
        return None
    with working_precision(BITS):
        return [[None if value is None else 1 + value for value in row] for row in found]


def _quotients(above: Values, below: Values) -> Values | None:
    with working_precision(BITS):
        found = []
        for one, other in zip(above, below):
            row = list[Any]()
            for a, b in zip(one, other):
                a, b = _ball(a), _ball(b)
                if not _is_finite(b) or (b.contains(0) and float(abs(a).upper()) > CLOSE):
                    return None
                row.append(None if b.contains(0) else a / b)
            found.append(row)
        return found


def _scaled(ratios: Values, values: Values, sign: int) -> Values | None:
    """The ratios times or by the values of a part, which is a number or has an entry for each."""
    with working_precision(BITS):
        found = []
        for one, other in zip(ratios, values):
            if len(other) not in (1, len(one)):
                return None
            row = list[Any]()
            for k, ratio in enumerate(one):
                value = _ball(other[k if len(other) > 1 else 0])
                if ratio is None:
                    row.append(None)
                elif not value.is_finite() or (sign < 0 and value.contains(0)):
                    return None
                else:
                    row.append(ratio * value if sign > 0 else ratio / value)
            found.append(row)
        return found


def _one_number(values: Values | None) -> Fraction | None:
    """The number that all entries are, if it is a simple fraction."""
    flat = [value for row in values or [] for value in row if value is not None]
    if not flat:
        return None
    first = Fraction(float(flat[0].mid())).limit_denominator(LARGEST)
    if abs(first.numerator) > LARGEST:
        return None
    with working_precision(BITS):
        from flint import arb, fmpq

        wanted = arb(fmpq(first.numerator, first.denominator))
        return first if all(_close(value, wanted) for value in flat) else None
