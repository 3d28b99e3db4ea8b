"""Where an operand is needed: numbers, brackets, bars, fractions and roots; names, functions and big operators are of other modules."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from fractions import Fraction
from typing import TYPE_CHECKING

from symgd.algebra.trampoline import Task
from symgd.errors import DomainError
from symgd.language.latex import atoms, big, derivatives, environments, extremes, fractions, functions
from symgd.language.latex.symbols import BARS
from symgd.language.latex.tokens import COMMAND, GREEK, LETTER, NUMBER, SYMBOL, WORD, Token
from symgd.language.syntax import Binding, Call, Chain, List, Node, Number, Power, Prefix, Transpose

if TYPE_CHECKING:
    from symgd.language.latex.parser import Parser

_NOT_COMPUTED = {
    **dict.fromkeys((r"\int", r"\iint", r"\iiint", r"\oint"), "an integral is not supported: symgd derives, it does not integrate."),
    r"\dots": "an ellipsis is not supported: it leaves open what stands between.",
    **dict.fromkeys((r"\vdots", r"\ddots"), "an ellipsis is not supported: it leaves open what stands between."),
    **dict.fromkeys(
        (r"\forall", r"\exists", r"\nexists", r"\neg", r"\land", r"\lor", r"\wedge", r"\vee"),
        "a statement of logic is not supported: it is no value.",
    ),
    **dict.fromkeys((r"\cup", r"\cap", r"\setminus", r"\emptyset", r"\varnothing", r"\subset"), "a set is not supported: it is no value."),
    r"\infty": "infinity is not supported: it is no number.",
    **dict.fromkeys((r"\arg", r"\argmin", r"\argmax"), "the place of a minimum is not supported: symgd.descend looks for it."),
    **dict.fromkeys((r"\sup", r"\inf", r"\limsup", r"\liminf"), "a supremum or infimum is not supported."),
    **dict.fromkeys((r"\Pr", r"\gcd", r"\dim", r"\ker", r"\hom", r"\deg"), "this function is not supported."),
    **dict.fromkeys((r"\Re", r"\Im"), "complex numbers are not supported."),
}
_ELLIPSIS = r"Write a sum or a product over an index: \sum_{i=1}^{n} x_i."
_UNWRAPPED = frozenset((r"\underbrace", r"\overbrace", r"\mathclose", r"\mathopen", r"\mathinner", r"\mathpunct", r"\displaylimits"))


def operand(p: Parser) -> Task[Node]:
    """One operand without its scripts, except where they are part of it: of names, functions, norms and big operators."""
    token = p.token
    if token.kind == NUMBER:
        if token.font in ("bf", "bb") and token.value in ("1", "0"):
            found: Node = yield atoms.ones(p)
            return found
        p.advance()
        return p.set(p.number(token))
    if token.kind == LETTER:
        found = yield atoms.letter(p)
        return found
    if token.kind == WORD:
        found = yield atoms.word(p)
        return found
    if token.kind == COMMAND:
        found = yield _command(p, token)
        return found
    if token.kind == SYMBOL and token.side not in ("r", "m"):
        reader = _BRACKETS.get(token.value)
        if reader is not None:
            found = yield reader(p, token)
            return found
        if token.value == "." and token.sized:
            p.advance()
            found = yield derivatives.left_open(p, token)
            return found
    p.refuse_operand()


def _command(p: Parser, token: Token) -> Task[Node]:
    value = token.value
    if value[1:] in GREEK:
        return atoms.letter(p)
    reader = _COMMANDS.get(value)
    if reader is not None:
        return reader(p, token)
    if value in _UNWRAPPED:
        return _unwrapped(p, token)
    if functions.is_head(value):
        p.advance()
        return functions.applied(p, value, token)
    if value in _NOT_COMPUTED:
        p.refuse(token, f"unexpected {p.told(token)}: {_NOT_COMPUTED[value]}", _ELLIPSIS if "ellipsis" in _NOT_COMPUTED[value] else "")
    if not value[1:].isalpha() or value in _OTHER:
        p.refuse_operand()
    known = [*_COMMANDS, *(f"\\{name}" for name in GREEK), *functions.heads()]
    near = get_close_matches(value, [name for name in known if name.startswith("\\")], 1, 0.7)
    hint = f"Did you mean {near[0]}?" if near else rf"A name of several letters is written \mathrm{{{value[1:31]}}}."
    p.refuse(token, f"unknown command {value[:31]}.", hint)


_OTHER = frozenset((r"\pm", r"\mp", r"\over", r"\end", r"\quad", r"\top", r"\to", r"\in", r"\leq", r"\geq", r"\neq", r"\cdot", r"\times"))


# ---- brackets ---------------------------------------------------------------------------------------------------------


def _parenthesis(p: Parser, token: Token) -> Task[Node]:
    """`(a + b)`, or the vector `(a, b)`."""
    p.advance()
    items: list[Node] = yield p.bracketed(token)
    return items[0] if len(items) == 1 else p.set(List(tuple(items), token.start, p.end))


def _square(p: Parser, token: Token) -> Task[Node]:
    """Brackets; with a range below, `[x_i^2]_{i=1,\\dots,n}`, the array of the values."""
    at, closing = p.at, p.squares.get(p.at, p.stop)
    if closing + 1 < p.stop and p.tokens[closing + 1].value == "_" and big.is_range(p, closing + 1):
        p.at = closing + 1
        over: list[Node] = yield big.listed_range(p, token)
        after, end = p.at, p.end
        p.at = at + 1
        with p.scope.binding(*[binding.name for binding in over if isinstance(binding, Binding)]):
            items: list[Node] = yield p.bracketed(token)
        p.at, p.end = after, end
        return p.set(Call("array", (*over, *items), (), token.start, end))
    found: Node = yield _parenthesis(p, token)
    return found


def _set(p: Parser, token: Token) -> Task[Node]:
    """Braces as brackets; with commas they are a set, which is no value."""
    p.advance()
    items: list[Node] = yield p.bracketed(token)
    if len(items) > 1:
        p.refuse(token, "a set is not supported: it is no value.", "Write a vector in brackets: (x, y).")
    return items[0]


def _group(p: Parser, token: Token) -> Task[Node]:
    """`{…}`: nothing but its content; around one name, the scripts after it belong to the name."""
    inner = p.at + 1
    closing = p.matching[p.at]
    while p.tokens[inner].value == "{" and p.tokens[inner].kind == SYMBOL and p.matching[inner] == closing - 1:
        inner, closing = inner + 1, closing - 1
    if closing == inner + 1 and atoms.is_name(p.tokens[inner]):
        outer = p.matching[p.at]
        p.at, p.end = outer + 1, p.tokens[outer].end
        found: Node = yield atoms.named(p, p.tokens[inner], p.scope.resolve(p.tokens[inner]))
        return found
    start, stop = p.span(token)
    found = yield p.within(start, stop)
    return found


def _angle(p: Parser, token: Token) -> Task[Node]:
    """`⟨a, b⟩`: the inner product of two arrays, a vector of numbers."""
    p.advance()
    items: list[Node] = yield p.bracketed(token)
    return p.set(Call("⟨⟩", tuple(items), (), token.start, p.end))


def _floor(p: Parser, token: Token) -> Task[Node]:
    p.advance()
    items: list[Node] = yield p.bracketed(token)
    if len(items) > 1:
        p.refuse_node(items[1], "unexpected argument: the floor is of one number.", "")
    if token.value == r"\lfloor":
        return p.set(Call("floor", (items[0],), (), token.start, p.end))
    inside = Prefix("-", items[0], items[0].start, items[0].end)
    return p.set(Prefix("-", Call("floor", (inside,), (), token.start, p.end), token.start, p.end))


def _bar(p: Parser, token: Token) -> Task[Node]:
    """`|x|`, the number of elements of a set, and `||x||` typed with four bars."""
    if _is_double(p):
        p.advance()
    p.advance()
    if token.value == "|" and p.tokens[p.at - 1] is token:
        inside = p.token
        if atoms.is_name(inside) and p.peek().value == "|" and (name := p.scope.resolve(inside)) in p.scope.sets:
            p.advance()
            p.advance()
            return p.set(Number(Fraction(len(p.scope.sets[name])), token.start, p.end))
        items: list[Node] = yield p.bracketed(token)
        _one(p, items, "an absolute value")
        return p.set(Call("|", (items[0],), (), token.start, p.end))
    double = token.value == "|"
    items = yield p.bracketed(token)
    _one(p, items, "a norm")
    if double and not p.take("|"):
        p.refuse_unclosed(token, "||")
    found: Node = yield _norm(p, items[0], token)
    return found


def _one(p: Parser, items: list[Node], what: str) -> None:
    if len(items) > 1:
        p.refuse_node(items[1], f"unexpected ',': {what} is of one value.", "A vector stands in brackets: (x, y).")


def _is_double(p: Parser) -> bool:
    """Do two bars begin a norm? They do where the next bar is double too: `||x|-1|` begins with two absolute values."""
    token, after = p.token, p.peek()
    if token.value != "|" or token.sized or not (after.kind == SYMBOL and after.value == "|" and after.glued and not after.sized):
        return False
    at = p.at + 2
    while at < p.stop:
        here = p.tokens[at]
        if here.kind == SYMBOL and here.value == "{":
            at = p.matching[at]
        elif here.kind == SYMBOL and here.value == "|":
            following = p.tokens[at + 1]
            return at + 1 < p.stop and following.kind == SYMBOL and following.value == "|" and following.glued
        at += 1
    return False


def _norm(p: Parser, inside: Node, token: Token) -> Task[Node]:
    """The norm that the subscript names; without one the 2-norm of a vector, the Frobenius norm of a matrix."""
    if not p.is_symbol("_"):
        return p.set(Call("‖", (inside,), (), token.start, p.end))
    low = p.advance()
    start, stop = p.span(low)
    only = p.tokens[start] if stop == start + 1 else None
    known = {"1": "norm1", "2": "norm2", "F": "normF", "Fro": "normF", "fro": "normF", r"\infty": "normInf"}
    if only is not None and only.value in known:
        return p.set(Call(known[only.value], (inside,), (), token.start, p.end))
    if (only is not None and only.value in ("*", r"\star")) or (only is not None and only.kind == WORD):
        p.refuse(
            only,
            f"the norm with the subscript {p.told(only)} is not supported.",
            r"The norms are \|x\|_1, \|x\|_2, \|x\|_\infty, \|A\|_F and \|x\|_p.",
        )
    order: Node = yield p.within(start, stop)
    if only is not None and atoms.is_name(only) and p.scope.rank(p.scope.resolve(only)) == 2:
        turned = Transpose(inside, inside.start, inside.end)
        square = Chain(turned, (("*", order.start, order), ("*", inside.start, inside)), token.start, p.end)
        return p.set(Call("sqrt", (square,), (), token.start, p.end))
    powers = Power(".^", Call("abs", (inside,), (), token.start, p.end), order, token.start, p.end)
    one = Number(Fraction(1), order.start, order.end)
    root = Chain(one, (("/", order.start, order),), order.start, order.end)
    return p.set(Power("^", Call("sum", (powers,), (), token.start, p.end), root, token.start, p.end))


_BRACKETS: dict[str, Callable[[Parser, Token], Task[Node]]] = {
    "(": _parenthesis,
    "[": _square,
    r"\{": _set,
    "{": _group,
    r"\langle": _angle,
    r"\lfloor": _floor,
    r"\lceil": _floor,
    **dict.fromkeys(BARS, _bar),
}


# ---- commands with arguments -------------------------------------------------------------------------------------------


def _fraction(p: Parser, token: Token) -> Task[Node]:
    p.advance()
    above, below = p.span(token), p.span(token)
    found: Node | None = yield fractions.fraction(p, token, above, below)
    if found is not None:
        return found
    numerator: Node = yield p.within(*above, what="a numerator")
    denominator: Node = yield p.within(*below, what="a denominator")
    if isinstance(denominator, Number) and not denominator.value:
        error = DomainError("unexpected 0 below the bar of a fraction: division by zero.", hint="Write another denominator.")
        raise error.at(p.text, denominator.start, denominator.end)
    return p.set(Chain(numerator, (("/", denominator.start, denominator),), token.start, p.end))


def _root(p: Parser, token: Token) -> Task[Node]:
    p.advance()
    order: Node | None = None
    if p.is_symbol("["):
        opening = p.advance()
        order = yield p.expression()
        p.close(opening, "]")
    start, stop = p.span(token)
    inside: Node = yield p.within(start, stop)
    end = p.end
    if order is None:
        return p.set(Call("sqrt", (inside,), (), token.start, end))
    one = Number(Fraction(1), order.start, order.end)
    return p.set(Power("^", inside, Chain(one, (("/", order.start, order),), order.start, order.end), token.start, end))


def _binomial(p: Parser, token: Token) -> Task[Node]:
    p.advance()
    above, below = p.span(token), p.span(token)
    n: Node = yield p.within(*above)
    k: Node = yield p.within(*below)
    return p.set(Call("binomial", (n, k), (), token.start, p.end))


def _unwrapped(p: Parser, token: Token) -> Task[Node]:
    """`\\underbrace{x}_{\\text{…}}` is x; what is written at the brace says nothing of the value."""
    p.advance()
    start, stop = p.span(token)
    inside: Node = yield p.within(start, stop)
    while token.value in (r"\underbrace", r"\overbrace") and p.is_symbol("_", "^"):
        start, stop = p.span(p.advance())
        p.scope.warn(f"what is written at {token.value} is not read: {p.source(p.tokens[start].start, p.tokens[stop - 1].end)}.")
    return inside


def _over_set(p: Parser, token: Token) -> Task[Node]:
    """`\\overset{…}{x}` is x."""
    p.advance()
    start, stop = p.span(token)
    if start < stop:
        p.scope.warn(f"what is written at {token.value} is not read: {p.source(p.tokens[start].start, p.tokens[stop - 1].end)}.")
    start, stop = p.span(token)
    inside: Node = yield p.within(start, stop)
    return inside


_COMMANDS: dict[str, Callable[[Parser, Token], Task[Node]]] = {
    r"\frac": _fraction,
    r"\sqrt": _root,
    r"\binom": _binomial,
    r"\overset": _over_set,
    r"\underset": _over_set,
    r"\sum": big.summed,
    r"\prod": big.summed,
    r"\lim": extremes.limit,
    r"\max": extremes.extreme,
    r"\min": extremes.extreme,
    r"\nabla": derivatives.nabla,
    r"\partial": derivatives.partial,
    r"\begin": environments.environment,
}
