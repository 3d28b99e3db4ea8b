"""What is written side by side and could mean two things: 1e-3, f ∘ g, a number behind a factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symgd.language.latex.tokens import COMMAND, LETTER, NUMBER, SYMBOL, WORD, Token
from symgd.language.syntax import Call, Node

if TYPE_CHECKING:
    from symgd.language.latex.parser import Parser


def check_composition(p: Parser, token: Token, left: Node) -> None:
    r"""`f \circ g` of two functions is no product of their values."""
    if token.value != r"\circ" or not isinstance(left, Call) or p.scope.parameters(left.name) is None:
        return
    after = p.token
    name = p.scope.resolve(after) if after.kind in (LETTER, WORD, COMMAND) else ""
    if p.scope.parameters(name) is not None and p.peek().value != "(":
        p.refuse(token, rf"the composition {left.name} \circ {name} is not supported.", f"Write {left.name}({name}(x)).")


def check_number(p: Parser, token: Token) -> None:
    """A number follows no factor, except a power such as 2^k a name or a bracket: `\\frac{1}{2}{3}` could mean several things."""
    is_braced = token.kind == SYMBOL and token.value == "{" and p.peek().kind == NUMBER and p.peek(2).value == "}"
    if is_braced:
        token = p.peek()
    elif token.kind != NUMBER or token.font:
        return
    before = p.tokens[p.at - 1]
    if p.peek().value == "^" and not is_braced and (before.kind == LETTER or before.value in (")", "]", r"\rfloor", r"\rceil")):
        return
    hint = rf"Write \cdot between two factors: … \cdot {token.value}."
    p.refuse(token, f"unexpected '{token.value}': a number does not follow a factor.", hint)


def check_exponent(p: Parser, token: Token) -> None:
    """`1e-3` could be a number of a program, or 1·e - 3."""
    before, sign, digits = p.tokens[p.at - 1], p.peek(), p.peek(2)
    if token.kind != LETTER or token.value not in ("e", "E") or not token.glued or before.kind != NUMBER or token.font:
        return
    if (sign.value in ("+", "-") and sign.glued and digits.kind == NUMBER and digits.glued) or (sign.kind == NUMBER and sign.glued):
        power = digits.value if sign.kind != NUMBER else sign.value
        minus = "-" if sign.value == "-" else ""
        hint = rf"Write {before.value} \cdot 10^{{{minus}{power}}}, or {before.value} \cdot e."
        p.refuse(token, f"unexpected '{token.value}' between numbers: it could be a power of 10, or the number e.", hint)
