r"""Fractions that are derivatives: \frac{\partial^2 f}{\partial x \partial y}, \frac{d}{dx} f(x), \frac{dL}{dt}\Big|_{t=0}."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symgd.algebra.trampoline import Task
from symgd.language.latex import atoms, derivatives
from symgd.language.latex.symbols import BARS
from symgd.language.latex.tokens import COMMAND, LETTER, NUMBER, SYMBOL, Token
from symgd.language.syntax import Call, Index, Name, Node

if TYPE_CHECKING:
    from symgd.language.latex.parser import Parser

Span = tuple[int, int]
_HIGHEST = 20
WRITE = r"Write it as in \frac{\partial f}{\partial x}, \frac{d}{dx} f(x) or \frac{\partial^2 f}{\partial x \partial y}."


def is_differential(p: Parser, at: int, stop: int) -> bool:
    """Does a differential sign stand at `at`: ∂, or a d that is no variable?"""
    if at >= stop:
        return False
    token = p.tokens[at]
    if token.kind == COMMAND:
        return token.value == r"\partial"
    if token.kind != LETTER or token.value != "d" or token.accent or p.scope.is_value(p.scope.resolve(token)):
        return False
    if p.scope.knows("d"):  # a dimension: \\frac{d}{dx} is a derivative, and \\frac{d}{d+1} a quotient
        after = at + 1 if at + 1 < stop and p.tokens[at + 1].value != "{" else at + 2
        return at + 1 >= stop or atoms.is_name(p.tokens[min(after, stop - 1)])
    return True


def order_of(p: Parser, at: int, stop: int) -> tuple[int, int]:
    """The number after ^, and the place behind it; 1 where there is none."""
    if at < stop and p.tokens[at].kind == SYMBOL and p.tokens[at].value == "^":
        first, last = (at + 2, p.matching[at + 1]) if p.tokens[at + 1].value == "{" else (at + 1, at + 2)
        token = p.tokens[first]
        if last != first + 1 or token.kind != NUMBER or not token.value.isdigit() or not 1 <= int(token.value) <= _HIGHEST:
            p.refuse(token, f"unexpected order of a derivative: expected a number from 1 to {_HIGHEST}.", WRITE)
        return int(token.value), (last + 1 if p.tokens[at + 1].value == "{" else last)
    return 1, at


def fraction(p: Parser, token: Token, above: Span, below: Span) -> Task[Node | None]:
    """The derivative that the fraction is; None where it is a quotient."""
    above, below = _stripped(p, above), _stripped(p, below)
    if not is_differential(p, *above):
        return None
    if not is_differential(p, *below) or (below[1] == below[0] + 1):
        if p.tokens[above[0]].kind == COMMAND or (above[1] == above[0] + 1 and below[0] >= below[1]):
            place = p.tokens[below[0]] if below[0] < below[1] else p.tokens[below[0] - 1]
            p.refuse(
                place,
                "empty derivative: expected what it is by."
                if below[0] >= below[1]
                else "unexpected denominator of a derivative: expected what it is by.",
                WRITE,
            )
        return None
    order, start = order_of(p, above[0] + 1, above[1])
    by: list[tuple[Node, int]] = yield variables_of(p, below)
    total = sum(times for _, times in by)
    if total != order:
        place = p.tokens[above[0]]
        p.refuse(place, f"unexpected order of a derivative: the numerator says {order}, the denominator {total}.", WRITE)
    if start < above[1]:
        if start + 1 == above[1] and p.tokens[above[0]].kind == LETTER and not atoms.is_name(p.tokens[start]):
            return None
        if start + 1 == above[1] and atoms.is_name(p.tokens[start]):
            written: Node | None = yield _written_again(p, p.tokens[start], by, token)
            if written is not None:
                return written
        operand: Node = yield p.within(start, above[1], task=lambda: _numerator(p))
        if p.tokens[above[0]].kind == LETTER:
            _refuse_total(p, operand, by, token)
        point: Node = yield derivatives.at_arguments(p, operand, by, token)
        return point
    body: Node = yield derivatives.reach(p, token)
    return derivatives.derivative(p, body, by, token.start, p.end)


def _refuse_total(p: Parser, operand: Node, by: list[tuple[Node, int]], token: Token) -> None:
    r"""`\frac{df}{dx}` of f(x, y) with x = x(t), y = y(t): the partial derivative is meant, and the total one is written."""
    name = operand.name if isinstance(operand, Name | Call) else ""
    if len(p.scope.parameters(name) or ()) < 2:
        return
    moving = next((node.name for node, _ in by if isinstance(node, Name) and p.scope.is_definition(node.name)), None)
    if moving is not None:
        written = p.source(token.start, p.end)
        reason = f"{written} could be the partial or the total derivative: {moving} depends on another variable."
        p.refuse(token, reason, rf"Write the partial derivative: \frac{{\partial {name}}}{{\partial {moving}}}.")


def _written_again(p: Parser, above: Token, by: list[tuple[Node, int]], token: Token) -> Task[Node | None]:
    r"""`\frac{dL}{d\alpha}\Big|_{\alpha=0} L(w - \alpha g)`: the derivative of what stands behind, at the point; None where none does."""
    name, at, end = p.scope.resolve(above), p.at, p.end
    bar = -1
    if p.is_symbol(*BARS) and p.peek().value == "_":
        p.advance()
        bar = p.at
        p.span(p.advance())
    is_again = atoms.is_name(p.token) and p.scope.resolve(p.token) == name and p.peek().value == "(" and p.scope.parameters(name)
    if not is_again:
        p.at, p.end = at, end
        return None
    p.scope.warn(f"{p.source(token.start, p.end)} is read as the derivative of what stands behind it.")
    body: Node = yield p.factor()
    node = derivatives.derivative(p, body, by, token.start, p.end)
    if bar >= 0:
        after = p.at, p.end
        p.at = bar
        node = yield derivatives.at_bar(p, node)
        p.at, p.end = after
    return node


def _numerator(p: Parser) -> Task[Node]:
    """`f` of `\\partial f`: a function stands for its value at its own parameters."""
    node: Node = yield p.expression()
    return node


def _stripped(p: Parser, span: Span) -> Span:
    start, stop = span
    while start < stop and p.tokens[start].value == "{" and p.tokens[start].kind == SYMBOL and p.matching[start] == stop - 1:
        start, stop = start + 1, stop - 1
    return start, stop


def variables_of(p: Parser, span: Span) -> Task[list[tuple[Node, int]]]:
    """`\\partial x^2 \\partial y`: what a derivative is by, and how often."""
    at, stop = span
    found: list[tuple[Node, int]] = []
    while at < stop:
        if not is_differential(p, at, stop):
            p.refuse(p.tokens[at], f"unexpected {p.told(p.tokens[at])} in the denominator of a derivative: expected \\partial or d.", WRITE)
        end = at + 1
        depth = 0
        while end < stop and (end == at + 1 or depth or not is_differential(p, end, stop)):
            depth += (p.tokens[end].value == "{") - (p.tokens[end].value == "}") if p.tokens[end].kind == SYMBOL else 0
            end += 1
        times, last = 1, end
        for k in range(at + 1, end):
            if p.tokens[k].value == "^" and p.tokens[k].kind == SYMBOL:
                if p.tokens[k + 1].value == r"\top" or (p.tokens[k + 1].value == "{" and p.tokens[k + 2].value == r"\top"):
                    last = k
                elif k + 1 < end and (p.tokens[k + 1].kind == NUMBER or (p.tokens[k + 1].value == "{" and p.tokens[k + 2].kind == NUMBER)):
                    (times, after), last = order_of(p, k, end), k
                    if after != end:
                        p.refuse(p.tokens[after], f"unexpected {p.told(p.tokens[after])} after the order of a derivative.", WRITE)
        node: Node = yield p.within(at + 1, last, task=p.factor, what="what the derivative is by")
        if isinstance(node, Call) and derivatives.is_own(node, p.scope.parameters(node.name) or ()):
            node = Name(node.name, node.start, node.end)  # x of x(t): what is derived by it has it as a variable
        if not isinstance(node, Name | Index | Call):
            p.refuse_node(node, "unexpected denominator of a derivative: expected a variable, or an entry of one.", WRITE)
        found.append((node, times))
        at = end
    return found
