"""How each kind of instruction is written in torch: one writer per kind, checked at import against the table of kinds.

A writer takes the context, the instruction and the texts of its inputs, and returns an expression with its precedence, so that
brackets are put only where they are needed.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from symgd.algebra.dimension import ONE, Dimension
from symgd.algebra.functions.table import fill
from symgd.lowering.instructions import KINDS
from symgd.lowering.number import Number, double
from symgd.lowering.program import Instruction
from symgd.lowering.torch_text import ATOM, EXACT_INTEGER, PRODUCT, SUM, UNARY, Context, Text, is_power_of_two, literal

_BARE_ARGUMENT = re.compile(r"[(,]\s*\Z")

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
    if number.constants or not value or not is_power_of_two(value.numerator) or value.denominator >= EXACT_INTEGER:
        return False
    return bool(number.dimensions) or not is_power_of_two(value.denominator)


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


def _cat(context: Context, instruction: Instruction, inputs: Sequence[Text]) -> Text:
    axis = () if not instruction.detail else (f"dim={instruction.detail}",)
    return _call("torch.cat", f"({', '.join(text.text for text in inputs)})", *axis)


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
    "cat": _cat,
    "clone": _clone,
}
if set(WRITERS) != set(KINDS):
    raise ImportError(f"kinds without a writer, or the reverse: {sorted(set(WRITERS) ^ set(KINDS))}")
