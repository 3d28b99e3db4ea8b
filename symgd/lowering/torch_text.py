"""Expressions of generated source: text with a precedence, and how sizes and numbers are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symgd.algebra.dimension import Dimension, Shape
from symgd.lowering.number import Number

SUM, PRODUCT, UNARY, ATOM = 1, 2, 3, 4
EXACT_INTEGER = 2**53


@dataclass(frozen=True, slots=True)
class Text:
    """An expression, how tightly it binds, and the named values it mentions."""

    text: str
    precedence: int = ATOM
    used: tuple[int, ...] = ()

    def at(self, precedence: int) -> str:
        """The text, in brackets where it binds less tightly."""
        return self.text if self.precedence >= precedence else f"({self.text})"


@dataclass(slots=True)
class Context:
    """What writers know of the surroundings: how dimensions are called, the dtype and the device, shapes of values."""

    dimensions: dict[str, str]
    dtype: str
    device: str
    shapes: Sequence[Shape] = ()
    read: set[str] = field(default_factory=set)  # dimensions that the text mentions

    @property
    def options(self) -> str:
        return f'dtype={self.dtype}, device="{self.device}"'

    @property
    def is_double(self) -> bool:
        return self.dtype == "torch.float64"

    # ---- sizes and numbers -------------------------------------------------------------------------------------------

    def length(self, dimension: Dimension) -> str:
        """A dimension as a whole number."""
        return self._polynomial(dimension).text

    def _polynomial(self, dimension: Dimension) -> Text:
        out = ""
        for monomial, coefficient in sorted(dimension.terms, key=lambda term: (-sum(p for _, p in term[0]), term[0])):
            self.read.update(name for name, _ in monomial)
            factors = [self.dimensions[name] for name, power in monomial for _ in range(power)]
            if abs(coefficient) != 1 or not factors:
                factors.insert(0, str(abs(coefficient)))
            sign = ("-" if coefficient < 0 else "") if not out else " - " if coefficient < 0 else " + "
            out += sign + " * ".join(factors)
        single = len(dimension.terms) == 1
        return Text(out or "0", SUM if not single else PRODUCT if " * " in out else UNARY if out.startswith("-") else ATOM)

    def shape(self, shape: Shape) -> str:
        return f"({', '.join(map(self.length, shape))}{',' if len(shape) == 1 else ''})"

    def powers(self, powers: Sequence[tuple[Dimension, int]]) -> Text:
        """A product of dimensions; as a float where a whole number might not fit 64 bits."""
        parts = [self._polynomial(dimension).at(UNARY) for dimension, power in powers for _ in range(power)]
        if len(parts) > 2:
            parts[0] = f"float({parts[0]})"
        return Text(" * ".join(parts), PRODUCT if len(parts) > 1 else ATOM)

    def number(self, number: Number) -> Text:
        """A number as a Python expression; only of numbers that are `is_safe`, else Python would divide by 0."""
        above = [(dimension, power) for dimension, power in number.dimensions if power > 0]
        below = [(dimension, -power) for dimension, power in number.dimensions if power < 0]
        factor = number.factor()
        above_line, below_line = number.value.numerator, number.value.denominator
        is_short = max(abs(above_line), below_line) < EXACT_INTEGER
        if not number.constants and not is_power_of_two(below_line) and is_short:
            text = Text(f"{above_line} / {below_line}", PRODUCT)
        else:
            text = literal(factor)
        if above:
            product = self.powers(above)
            text = product if factor == 1 else Text(f"{text.at(PRODUCT)} * {product.text}", PRODUCT)
        if below:
            text = Text(f"{text.at(PRODUCT)} / {self.powers(below).at(UNARY)}", PRODUCT)
        return text


def literal(value: float) -> Text:
    """A Python literal: whole numbers without a point."""
    text = str(int(value)) if value == int(value) and abs(value) < EXACT_INTEGER else repr(value)
    return Text(text, UNARY if value < 0 else ATOM)


def is_power_of_two(value: int) -> bool:
    value = abs(value)
    return value & (value - 1) == 0
