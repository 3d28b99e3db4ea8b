"""How each kind of instruction is written in torch: one writer per kind, checked at import against the table of kinds.

A writer takes the context, the instruction and the texts of its inputs, and returns an expression with its precedence, so that
brackets are put only where they are needed.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from symgd.algebra.dimension import ONE, Dimension, Shape
from symgd.algebra.functions.table import fill
from symgd.lowering.instructions import KINDS
from symgd.lowering.number import Number, double
from symgd.lowering.program import Instruction

SUM, PRODUCT, UNARY, ATOM = 1, 2, 3, 4
_EXACT_INTEGER = 2**53
_BARE_ARGUMENT = re.compile(r"[(,]\s*\Z")


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
        is_short = max(abs(above_line), below_line) < _EXACT_INTEGER
        if not number.constants and not _is_power_of_two(below_line) and is_short:
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
    text = str(int(value)) if value == int(value) and abs(value) < _EXACT_INTEGER else repr(value)
    return Text(text, UNARY if value < 0 else ATOM)


Writer = Callable[[Context, Instruction, Sequence[Text]], Text]


def _call(function: str, *arguments: str) -> Text:
    return Text(f"{function}({', '.join(arguments)})")


def _infix(left: Text, operator: str, right: Text, precedence: int) -> Text:
    """Left-associative: the right side binds more tightly."""
    return Text(f"{left.at(precedence)} {operator} {right.at(precedence + 1)}", precedence)


# ---- sources ---------------------------------------------------------------------------------------------------------


def _input(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    return Text(f"x{instruction.detail}")


def _number(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    return context.number(instruction.detail)


def _full(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    number: Number = instruction.detail
    below = tuple((dimension, power) for dimension, power in number.dimensions if power < 0 and dimension.at_least(1) is not True)
    rest = Number(number.value, tuple(item for item in number.dimensions if item not in below), number.constants)
    made = _call("torch.full", context.shape(instruction.shape), context.number(rest).text, context.options)
    if not below:
        return made
    return Text(f"{made.text} / {context.powers([(dimension, -power) for dimension, power in below]).at(UNARY)}", PRODUCT)


def _literal(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    def nested(part: Any) -> str:
        return repr(double(part)) if isinstance(part, Fraction) else f"[{', '.join(map(nested, part))}]"

    return _call("torch.tensor", nested(instruction.detail), context.options)


def _arange(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    start: Dimension = instruction.detail
    stop = start + instruction.shape[0]
    return _call("torch.arange", context.length(start), context.length(stop), context.options)


def _delta(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    offset, coefficients = instruction.detail
    shape = instruction.shape
    if coefficients == (ONE,) and not offset.terms:
        return _call("torch.eye", context.length(shape[0]), context.length(shape[1]), context.options)
    return _call("g.delta", context.shape(shape), context.length(offset), _lengths(context, coefficients), context.options)


# ---- arithmetic ------------------------------------------------------------------------------------------------------


def _add(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    left, right = inputs
    coefficient: Fraction = instruction.detail
    if coefficient == 1 and right.precedence == UNARY and right.text.startswith("-"):
        return _infix(left, "-", Text(right.text[1:]), SUM)
    if abs(coefficient) == 1:
        return _infix(left, "+" if coefficient > 0 else "-", right, SUM)
    return _call("torch.add", left.text, right.text, f"alpha={literal(double(coefficient)).text}")


def _multiply(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    return _infix(inputs[0], "*", inputs[1], PRODUCT)


def _divide(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    return _infix(inputs[0], "/", inputs[1], PRODUCT)


def _scale(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    """value × number with one rounding where that can be: x/3, not x·(1/3); 2x/n as x/(n/2), since n/2 is exact."""
    number: Number = instruction.detail
    array = inputs[0]
    above = [(dimension, power) for dimension, power in number.dimensions if power > 0]
    below = [(dimension, -power) for dimension, power in number.dimensions if power < 0]
    if number.value == -1 and number.is_rational:
        return Text(f"-{array.at(UNARY)}", UNARY)
    if not above and _divides(number):
        inverse = 1 / number.value
        divisor = context.powers(below) if below else literal(double(inverse))
        if below and inverse.denominator > 1 and abs(inverse.numerator) == 1:
            divisor = Text(f"{'-' if inverse < 0 else ''}{divisor.at(PRODUCT)} / {inverse.denominator}", PRODUCT)
        elif below and inverse != 1:
            divisor = Text(f"{literal(double(inverse)).text} * {divisor.text}", PRODUCT)
        return _infix(array, "/", divisor, PRODUCT)
    if number.is_safe:
        return Text(f"{context.number(number).at(PRODUCT)} * {array.at(UNARY)}", PRODUCT)
    rest = Number(number.value, tuple(above), number.constants)
    return Text(f"{context.number(rest).at(PRODUCT)} * {array.at(UNARY)} / {context.powers(below).at(UNARY)}", PRODUCT)


def _divides(number: Number) -> bool:
    """Is dividing by the inverse exact up to the one rounding, where multiplying would round twice?"""
    value = number.value
    if number.constants or not value or not _is_power_of_two(value.numerator) or value.denominator >= _EXACT_INTEGER:
        return False
    return bool(number.dimensions) or not _is_power_of_two(value.denominator)


def _is_power_of_two(value: int) -> bool:
    value = abs(value)
    return value & (value - 1) == 0


def _power(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    exponent: Fraction = instruction.detail
    rounded = double(exponent)
    lost = exponent - Fraction(rounded)
    if not lost or not context.is_double:
        return _call("torch.pow", inputs[0].text, literal(rounded).text)
    return _call("g.power", inputs[0].text, repr(rounded), repr(double(lost)))


def _function(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    template = _template(instruction)
    texts = []
    for k, text in enumerate(inputs):
        places = [match.start() for match in re.finditer(rf"\{{{k}\}}", template)]
        bare = all(_BARE_ARGUMENT.search(template[:start]) and template[start + 3 : start + 4] in (")", ",") for start in places)
        texts.append(text.text if bare else text.at(ATOM))
    closed = re.fullmatch(r"[\w.]+\([^()]*\)", template) is not None
    return Text(fill(template, *texts), ATOM if closed else SUM)


def _template(instruction: Instruction) -> str:
    row, form = instruction.detail
    template: str = getattr(row, form)
    return template


def repeats(instruction: Instruction) -> bool:
    """Does the text mention an input more than once? Then the input needs a name."""
    if instruction.kind not in ("map", "along", "matrix"):
        return False
    template = _template(instruction)
    return any(template.count(f"{{{k}}}") > 1 for k in range(len(instruction.inputs)))


# ---- sums of products ------------------------------------------------------------------------------------------------


def _sum(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    if not instruction.shape:
        return _call("torch.sum", inputs[0].text)
    axes = instruction.detail
    return _call("torch.sum", inputs[0].text, f"dim={axes[0] if len(axes) == 1 else axes}")


def _dot(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    left, right = inputs
    if not context.is_double:  # torch.sum adds pairwise: a million float32 terms keep their digits
        return _call("torch.sum", _infix(left, "*", right, PRODUCT).text)
    if len(context.shapes[instruction.inputs[0]]) == 1:
        return _call("torch.dot", left.text, right.text)
    return _call("torch.dot", f"{left.at(ATOM)}.reshape(-1)", f"{right.at(ATOM)}.reshape(-1)")


def _matmul(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    return _infix(inputs[0], "@", inputs[1], PRODUCT)


def _tensordot(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    return _call("torch.tensordot", inputs[0].text, inputs[1].text, f"dims={tuple(map(list, instruction.detail))}")


def _einsum(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    labels = sorted({label for part in instruction.detail for label in part})
    if len(labels) > len(string.ascii_letters):
        raise AssertionError("more labels than letters")  # 52 axes: torch itself stops at 64
    left, right, out = ("".join(string.ascii_letters[labels.index(label)] for label in part) for part in instruction.detail)
    return _call("torch.einsum", f'"{left},{right}->{out}"', inputs[0].text, inputs[1].text)


# ---- axes ------------------------------------------------------------------------------------------------------------


def _arrange(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    axes = [axis for axis in instruction.detail if axis is not None]
    text = inputs[0].at(ATOM)
    if axes != sorted(axes):
        if axes == [1, 0]:
            text += ".T"
        elif axes[:-2] == list(range(len(axes) - 2)) and axes[-2:] == [len(axes) - 1, len(axes) - 2]:
            text += ".mT"
        else:
            text += f".permute({', '.join(map(str, axes))})"
    new = [axis is None for axis in instruction.detail]
    if any(new):
        while new and not new[-1] and len(new) > 1:
            new.pop()  # axes at the end need no mention
        text += (
            f"[{', '.join('None' if is_new else ':' for is_new in new)}]"
            if axes or not all(new)
            else f".reshape({', '.join('1' for _ in new)})"
        )
    return Text(text)


def _expand(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    return Text(f"{inputs[0].at(ATOM)}.expand({', '.join(map(context.length, instruction.shape))})")


def _diagonal(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    first, second = instruction.detail
    if (first, second) == (0, 1):
        return _call("torch.diagonal", inputs[0].text)
    return _call("torch.diagonal", inputs[0].text, f"dim1={first}, dim2={second}")


def _embed(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    return _call("torch.diag_embed", inputs[0].text)


def _flatten(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    axis, many = instruction.detail
    return Text(f"{inputs[0].at(ATOM)}.flatten({axis}, {axis + many - 1})")


def _unflatten(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    axis, lengths = instruction.detail
    return Text(f"{inputs[0].at(ATOM)}.unflatten({axis}, {context.shape(lengths)})")


def _take(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    axis, position = instruction.detail
    return Text(f"{inputs[0].at(ATOM)}[{':, ' * axis}{context.length(position)}]")


def _window(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    """A slice where the window surely lies inside; else padding, which cuts where it is negative."""
    axis, offset, length = instruction.detail
    whole = context.shapes[instruction.inputs[0]][axis]
    after = offset + length - whole
    if offset.at_least(0) and (-after).at_least(0):
        start = context.length(offset) if offset.terms else ""
        stop = context.length(offset + length) if after.terms else ""
        return Text(f"{inputs[0].at(ATOM)}[{':, ' * axis}{start}:{stop}]")
    pads = ["0", "0"] * (len(instruction.shape) - 1 - axis) + [context.length(-offset), context.length(after)]
    return _call("torch.nn.functional.pad", inputs[0].text, f"({', '.join(pads)})")


def _gather(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    axis, offset, coefficients, lengths, inside = instruction.detail
    return _call(
        "g.gather", inputs[0].text, str(axis), context.length(offset), _lengths(context, coefficients), context.shape(lengths), str(inside)
    )


def _scatter(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    axis, offset, coefficients, length, inside = instruction.detail
    return _call(
        "g.scatter", inputs[0].text, str(axis), context.length(offset), _lengths(context, coefficients), context.length(length), str(inside)
    )


def _place(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    positions, length = instruction.detail
    return _call("g.place", f"({', '.join(text.text for text in inputs)},)", _lengths(context, positions), context.length(length))


def _lengths(context: Context, dimensions: Sequence[Dimension]) -> str:
    return f"({', '.join(map(context.length, dimensions))}{',' if len(dimensions) == 1 else ''})"


def _stack(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    return _call("torch.stack", f"({', '.join(text.text for text in inputs)}{',' if len(inputs) == 1 else ''})")


def _clone(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    return Text(f"{inputs[0].at(ATOM)}.clone()")


WRITERS: dict[str, Writer] = {
    "input": _input,
    "number": _number,
    "full": _full,
    "literal": _literal,
    "arange": _arange,
    "delta": _delta,
    "add": _add,
    "multiply": _multiply,
    "divide": _divide,
    "scale": _scale,
    "power": _power,
    "map": _function,
    "along": _function,
    "matrix": _function,
    "sum": _sum,
    "dot": _dot,
    "matmul": _matmul,
    "tensordot": _tensordot,
    "einsum": _einsum,
    "arrange": _arrange,
    "expand": _expand,
    "diagonal": _diagonal,
    "embed": _embed,
    "flatten": _flatten,
    "unflatten": _unflatten,
    "take": _take,
    "window": _window,
    "gather": _gather,
    "scatter": _scatter,
    "place": _place,
    "stack": _stack,
    "clone": _clone,
}
if set(WRITERS) != set(KINDS):
    raise ImportError(f"kinds without a writer, or the reverse: {sorted(set(WRITERS) ^ set(KINDS))}")
