r"""Scripts: exponents, transposes, primes, entries, factorials, `(…)_+`, after any operand but a name, which sees to its own subscripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symgd.algebra.trampoline import Task
from symgd.language.latex import subscripts
from symgd.language.latex.tokens import COMMAND, LETTER, NUMBER, SYMBOL, Token
from symgd.language.syntax import Call, Name, Node, Number, Power, Transpose

if TYPE_CHECKING:
    from symgd.language.latex.parser import Parser

_MARKS = {
    "*": "A mark such as x^* is part of a name: declare x^*.",
    r"\star": r"A mark such as x^\star is part of a name: declare x^*.",
    "+": r"Write the inverse that is meant: A^{-1}, or (A^\top A)^{-1} A^\top.",
    r"\dagger": r"Write the inverse that is meant: A^{-1}, or (A^\top A)^{-1} A^\top.",
    r"\circ": r"Angles are in radians: x \pi / 180.",
}


def scripted(p: Parser, node: Node, start: int) -> Task[Node]:
    """The operand with every script after it."""
    raised = False
    while True:
        token = p.token
        if token.kind != SYMBOL:
            return node
        if token.value == "'":
            p.advance()
            node = p.set(Transpose(node, start, p.end))
        elif token.value == "^":
            if raised:
                hint = "Write braces: x^{2^3}, or {x^2}^3."
                p.refuse(token, "unexpected '^': an exponent has been written already.", hint)
            p.advance()
            node = yield exponent(p, node, start, p.span(token))
            raised = True
        elif token.value == "_":
            p.advance()
            node = yield _lowered(p, node, start, token)
        elif token.value == "!":
            p.advance()
            node = p.set(Call("factorial", (node,), (), start, p.end))
            raised = False
        else:
            return node


def exponent(p: Parser, node: Node, start: int, span: tuple[int, int]) -> Task[Node]:
    """What ^ and the tokens of its argument make of the node."""
    first, stop = span
    content = p.tokens[first:stop]
    while content and content[0].value == "'" and content[0].kind == SYMBOL:
        node = p.set(Transpose(node, start, content[0].end))
        first, content = first + 1, content[1:]
        if not content:
            return node
    if is_transpose(p, content, node):
        return p.set(Transpose(node, start, p.end))
    if len(content) == 2 and content[0].value == "-" and is_transpose(p, content[1:], node):
        return p.set(Transpose(Call("inv", (node,), (), start, p.end), start, p.end))
    if len(content) == 1 and content[0].value in _MARKS:
        p.refuse(content[0], f"unexpected '{content[0].value}' as an exponent.", _MARKS[content[0].value])
    if content and content[0].value == "[" and content[-1].value == "]":
        hint = "Write x_1 for an entry, x^2 for a power; a layer is part of the name: W_1."
        p.refuse(content[0], "unexpected '[' in an exponent: it could be an entry, a layer or a power.", hint)
    operator = "^"
    if len(content) > 1 and content[0].value in (r"\odot", r"\circ"):
        operator, first = ".^", first + 1
    inside: Node = yield p.within(first, stop, what="an exponent")
    if _is_item(content) and not _is_number(node):
        only = content[1]
        if only.kind != NUMBER and not (_is_letter(only) and p.scope.is_bound(p.scope.resolve(only))):
            return p.set(Power(operator, node, inside, start, p.end))
        written = p.source(start, p.end)
        hint = "Write x^2 for the power; declare an array, as in x[n], for item number 2."
        p.refuse(content[0], f"{written} could be a power or an item: its base is not declared as an array.", hint)
    return p.set(Power(operator, node, inside, start, p.end))


def _is_letter(token: Token) -> bool:
    return token.kind == LETTER or (token.kind == COMMAND and token.value[1:].isalpha())


def _is_item(content: list[Token]) -> bool:
    return len(content) == 3 and content[0].value == "(" and content[-1].value == ")"


def _is_number(node: Node) -> bool:
    return isinstance(node, Number) or (isinstance(node, Name) and node.name == "e")


def is_transpose(p: Parser, content: list[Token], node: Node) -> bool:
    """Is the exponent ⊤, or a T that is not declared, or stands over an array?"""
    if len(content) != 1:
        return False
    token = content[0]
    if token.value == r"\top":
        return True
    if token.kind != LETTER or token.value != "T" or token.accent:
        return False
    if not p.scope.knows("T"):
        return True
    if isinstance(node, Name) and p.scope.is_array(node.name):
        p.scope.warn(f"{node.name}^T is read as the transpose, though T is declared.")
        return True
    return bool(token.head) or token.font == "rm"


def _lowered(p: Parser, node: Node, start: int, low: Token) -> Task[Node]:
    """`(x)_+`, the positive part; else an entry: `(A x)_i`, `softmax(z)_i`."""
    if p.is_symbol("+"):
        p.advance()
        return p.set(Call("relu", (node,), (), start, p.end))
    first, stop = p.span(low)
    content = p.tokens[first:stop]
    if len(content) == 1 and content[0].value == "+":
        return p.set(Call("relu", (node,), (), start, p.end))
    if isinstance(node, Number):
        p.refuse(low, "unexpected '_' after a number: only a name or an array has entries.", "")
    found: Node = yield subscripts.entry(p, node, (first, stop), start, None)
    return found
