r"""LaTeX tokens to a syntax tree, by precedence: sums, then \cdot and its kin, then factors side by side and /, then scripts.

    a + b     a \cdot b, a \times b, a \odot b     a b, a/b     a^2, a_i, a', a!

A big operator (\sum, \prod, \lim, \max_i) reaches to the next + or - at its level; a derivative (\frac{d}{dx}, \nabla_x) over the factors
that stand side by side after it, \nabla f over f alone. A function without brackets, \sin 2x, takes the factors side by side up to
the next function, bracket or big operator.

Every method that may meet itself is a generator, run by `trampoline`: no depth of nesting meets a recursion limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NoReturn

from symgd.algebra.trampoline import Task, run
from symgd.errors import FormulaError, SymgdError
from symgd.language.infix import exact_number
from symgd.language.latex import derivatives, doubtful, operands, scripts
from symgd.language.latex.scope import Scope
from symgd.language.latex.symbols import BARS, CLOSERS, CLOSING, DOTS, EXPECTED, RELATIONS
from symgd.language.latex.tokens import COMMAND, END, FAULT, LETTER, NUMBER, SYMBOL, WORD, Token
from symgd.language.limits import Limits
from symgd.language.syntax import Call, Chain, Node, Number, Prefix

_NO_OPERAND = frozenset({*DOTS, *RELATIONS, r"\over", r"\quad", r"\pm", r"\mp", r"\end", r"\\", r"\choose", r"\setminus", r"\cup", r"\cap"})
_HINTS = {
    r"\pm": "Write two formulas, one with + and one with -.",
    r"\mp": "Write two formulas, one with + and one with -.",
    "&": r"An & stands in an environment: \begin{aligned} … \end{aligned}.",
    r"\\": r"Lines stand in an environment: \begin{aligned} … \end{aligned}.",
    "$": "Write one formula between two dollar signs.",
    "#": "The argument of a macro stands in its definition.",
    "_": "A subscript stands after a name: x_i.",
    "^": "An exponent stands after its base: x^2.",
    r"\approx": r"A claim is an equation, with =; what holds approximately cannot be checked.",
}


class Parser:
    """The state between two tokens: the place `at` in the tokens, and `stop`, where the part that is being read ends."""

    def __init__(self, tokens: list[Token], text: str, limits: Limits, scope: Scope) -> None:
        self.tokens, self.text, self.limits, self.scope = tokens, text, limits, scope
        self.at, self.stop = 0, len(tokens) - 1
        self.bars: list[str] = [""]  # for every open bracket, the bar that closes it
        self.depth = self.nodes = 0
        self.matching = self.braces()
        self.squares = self.paired("[", "]")
        self.numbers: dict[str, Any] = {}
        # Letters that somewhere stand before no bracket, and so for a value.
        self.alone = {(t.kind, t.value) for t, after in pairwise(tokens) if not (after.kind == SYMBOL and after.value == "(")}
        self.end = 0  # where the token before `at` ends

    def braces(self) -> dict[int, int]:
        """The place of the brace that closes each brace. Raises `FormulaError` where one is not closed."""
        found: dict[int, int] = {}
        opened: list[int] = []
        for k, token in enumerate(self.tokens):
            if token.kind != SYMBOL:
                continue
            if token.value == "{":
                opened.append(k)
            elif token.value == "}" and opened:
                found[opened.pop()] = k
        if opened:
            last = self.tokens[-1]
            if last.kind == FAULT and last.error:
                raise last.error
            self.refuse(self.tokens[opened[-1]], "missing '}': this '{' is never closed.", "Write '}' where it ends.")
        return found

    def paired(self, opening: str, closing: str) -> dict[int, int]:
        """The place of the bracket that closes each bracket, where one does."""
        found: dict[int, int] = {}
        opened: list[int] = []
        for k, token in enumerate(self.tokens):
            if token.kind == SYMBOL and token.value == opening:
                opened.append(k)
            elif token.kind == SYMBOL and token.value == closing and opened:
                found[opened.pop()] = k
        return found

    # ---- tokens

    @property
    def token(self) -> Token:
        token = self.tokens[self.at]
        return token if self.at < self.stop or token.kind in (END, FAULT) else Token(END, "", token.start, token.start)

    def peek(self, k: int = 1) -> Token:
        at = min(self.at + k, self.stop)
        return self.tokens[at] if at < self.stop else Token(END, "", self.tokens[at].start, self.tokens[at].start)

    def advance(self) -> Token:
        token = self.token
        if self.at < self.stop:
            self.at += 1
            self.end = token.end
        return token

    def take(self, *values: str) -> Token | None:
        token = self.token
        return self.advance() if token.value in values and token.kind in (SYMBOL, COMMAND) else None

    def is_symbol(self, *values: str) -> bool:
        return self.token.kind == SYMBOL and self.token.value in values

    # ---- limits and places

    def set(self, node: Node) -> Node:
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            raise self.limits.exceeded("nodes", "the formula is too long").at(self.text, node.start, node.end)
        return node

    @contextmanager
    def deeper(self, token: Token) -> Iterator[None]:
        self.depth += 1
        if self.depth > self.limits.nesting:
            raise self.limits.exceeded("nesting", "the formula is nested too deep").at(self.text, token.start, token.end)
        try:
            yield
        finally:
            self.depth -= 1

    def number(self, token: Token) -> Number:
        """The number; digits grouped as 1{,}000 are one number."""
        value = token.value
        groups = 0
        while (
            "." not in value
            and self.is_symbol("{")
            and self.peek().value == ","
            and self.peek(2).value == "}"
            and self.peek(3).kind == NUMBER
            and self.peek(3).glued
        ):
            self.at += 3
            after = self.advance()
            if len(after.value.split(".")[0]) != 3 or (not groups and len(value) > 3):
                self.refuse(
                    after,
                    f"unexpected '{{,}}' in a number: {value}{{,}}{after.value} could mean two things.",
                    f"Write {value}.{after.value} or {value}{after.value}.",
                )
            value, groups = value + after.value, groups + 1
        if groups:
            self.scope.warn(f"{self.text[token.start : self.end]} is read as {value}.")
        found = self.numbers.get(value)
        if found is None:
            try:
                found = self.numbers[value] = exact_number(value, self.limits)
            except SymgdError as error:
                raise error.at(self.text, token.start, self.end) from None
        return Number(found, token.start, self.end)

    # ---- parts

    def whole(self) -> Node:
        """The one expression that all tokens make."""
        return run(self.all_of(self.expression()))

    def all_of(self, task: Task[Node]) -> Task[Node]:
        if self.token.kind == END:
            raise FormulaError("empty formula: expected a value.", hint="Write one, such as x^2 + 1.").at(
                self.text, self.token.start, self.token.start
            )
        node: Node = yield task
        if self.token.kind != END:
            self.refuse_operator()
        return node

    def within(self, start: int, stop: int, task: Callable[[], Task[Any]] | None = None, what: str = "a value") -> Task[Any]:
        """What the tokens from `start` to `stop` make, all of them; the place in the tokens stays where it is."""
        if start >= stop:
            place = self.tokens[start - 1] if start else self.tokens[start]
            self.refuse(
                place if place.kind == SYMBOL else self.tokens[min(start, len(self.tokens) - 1)], f"empty group: expected {what}.", ""
            )
        before = self.at, self.stop, self.end
        self.at, self.stop = start, stop
        self.bars.append("")
        with self.deeper(self.tokens[start]):
            node = yield (task or self.expression)()
        if self.at < self.stop:
            self.refuse_operator()
        self.bars.pop()
        self.at, self.stop, self.end = before
        return node

    def span(self, after: Token) -> tuple[int, int]:
        """The tokens of the argument that follows, without its braces: a group, or one token as TeX takes it."""
        token = self.token
        start = self.at
        if token.kind == SYMBOL and token.value == "{":
            stop = self.matching[start]
            self.at, self.end = stop + 1, self.tokens[stop].end
            return start + 1, stop
        if (
            token.kind in (END, FAULT)
            or (token.kind == SYMBOL and token.value not in ("*", "+", "-", "(", "[", "'"))
            or token.value == r"\quad"
        ):
            if token.kind == FAULT and token.error:
                raise token.error
            self.refuse(
                token if token.kind != END else after,
                f"unexpected {self.told(token)}: {after.value} is missing its argument.",
                f"Write it in braces: {after.value}{{x}}.",
            )
        if token.kind == NUMBER and len(token.value) > 1 and after.value in ("^", "_"):
            hint = f"Write {after.value}{{{token.value}}}."
            self.refuse(token, f"unexpected '{token.value}': without braces, {after.value} takes one digit only.", hint)
        self.advance()
        for _ in range({r"\frac": 2, r"\binom": 2, r"\sqrt": 1}.get(token.value, 0)):
            self.span(token)
        return start, self.at

    # ---- sums and products

    def expression(self) -> Task[Node]:
        """Terms with + and - between them."""
        first: Node = yield self.term()
        rest: list[tuple[str, int, Node]] = []
        while self.is_symbol("+", "-"):
            token = self.advance()
            operand: Node = yield self.term()
            rest.append((token.value, token.start, operand))
        if self.token.value in (r"\over", r"\choose") and self.token.kind == COMMAND:
            found: Node = yield self.over(self.set(Chain(first, tuple(rest), first.start, self.end)) if rest else first)
            return found
        return self.set(Chain(first, tuple(rest), first.start, self.end)) if rest else first

    def over(self, above: Node) -> Task[Node]:
        """`{a \\over b}`, `{n \\choose k}`."""
        token = self.advance()
        below: Node = yield self.expression()
        if token.value == r"\over":
            return self.set(Chain(above, (("/", token.start, below),), above.start, below.end))
        return self.set(Call("binomial", (above, below), (), above.start, below.end))

    def term(self) -> Task[Node]:
        """A product with the signs before it."""
        if self.is_symbol("+", "-"):
            token = self.advance()
            with self.deeper(token):
                operand: Node = yield self.term()
            return self.set(Prefix(token.value, operand, token.start, operand.end))
        found: Node = yield self.dots()
        return found

    def dots(self) -> Task[Node]:
        """Products of factors side by side, with \\cdot and its kin between them."""
        first: Node = yield self.side()
        rest: list[tuple[str, int, Node]] = []
        while self.token.value in DOTS and self.token.kind in (COMMAND, SYMBOL):
            token = self.advance()
            doubtful.check_composition(self, token, first if not rest else rest[-1][2])
            right: Node = yield (self.signed() if self.is_symbol("+", "-") else self.side())
            rest.append((DOTS[token.value], token.start, right))
        return self.set(Chain(first, tuple(rest), first.start, self.end)) if rest else first

    def signed(self, bars: bool = True) -> Task[Node]:
        token = self.advance()
        operand: Node = yield self.side(bars)
        return self.set(Prefix(token.value, operand, token.start, operand.end))

    def side(self, bars: bool = True) -> Task[Node]:
        r"""Factors side by side, and divisions by the one factor after /; with `bars` also \Big|_{x=1} after them."""
        first: Node = yield self.factor()
        rest: list[tuple[str, int, Node]] = []
        while True:
            token = self.token
            if token.kind == SYMBOL and token.value == "/":
                self.advance()
                operator, at = "/", token.start
            elif token.kind == SYMBOL and token.value in BARS and self.peek().value == "_" and not self.closes_bar(token):
                if not bars:
                    break
                node = self.set(Chain(first, tuple(rest), first.start, self.end)) if rest else first
                self.advance()
                first, rest = (yield derivatives.at_bar(self, node)), []
                continue
            elif self.starts_factor(token):
                doubtful.check_number(self, token)
                doubtful.check_exponent(self, token)
                operator, at = "*", token.start
                if any(before == "/" for before, _, _ in rest[-1:]):
                    written = f"{self.source(first.start, token.start)} {self.source(token.start, token.end)}"
                    self.scope.warn(f"{written}… is read from left to right: (a/b) c.")
            else:
                break
            right: Node = yield self.factor()
            rest.append((operator, at, right))
        return self.set(Chain(first, tuple(rest), first.start, self.end)) if rest else first

    def starts_factor(self, token: Token) -> bool:
        if token.kind in (LETTER, NUMBER, WORD):
            return True
        if token.kind == COMMAND:
            return token.value not in _NO_OPERAND and token.value != r"\top"
        if token.kind != SYMBOL or token.side in ("r", "m"):
            return False
        if token.value in BARS:
            return not self.closes_bar(token)
        return token.value in CLOSING or (token.value == "." and token.sized)

    def closes_bar(self, token: Token) -> bool:
        """Does this bar end what an open bar began?"""
        return token.side == "r" or (token.side != "l" and self.bars[-1] == token.value)

    # ---- factors

    def factor(self) -> Task[Node]:
        """An operand with its scripts."""
        start = self.token.start
        node: Node = yield operands.operand(self)
        found: Node = yield scripts.scripted(self, node, start)
        return found

    def bracketed(self, opening: Token) -> Task[list[Node]]:
        """What stands between the bracket `opening`, which has been read, and the one that closes it, separated by commas."""
        items: list[Node] = []
        closing = CLOSING.get(opening.value, opening.value)
        self.bars.append(opening.value if opening.value in BARS else "")
        with self.deeper(opening):
            while True:
                if self.token.kind == END and not items:
                    self.refuse_unclosed(opening, closing)
                node: Node = yield self.expression()
                items.append(node)
                if not self.take(",", ";"):
                    break
        self.close(opening, closing)
        self.bars.pop()
        return items

    def bracketed_until_right(self, opening: Token) -> Task[list[Node]]:
        """What stands between \\left. and the \\right of any kind."""
        self.bars.append("")
        with self.deeper(opening):
            node: Node = yield self.expression()
        self.bars.pop()
        if not (self.token.kind == SYMBOL and self.token.sized and self.token.side == "r"):
            if self.token.kind == END:
                self.refuse_unclosed(opening, ".")
            self.refuse_operator()
        self.advance()
        return [node]

    def close(self, opening: Token, closing: str) -> Token:
        """The bracket that closes `opening`."""
        token = self.token
        if token.kind == END:
            self.refuse_unclosed(opening, closing)
        is_match = token.kind == SYMBOL and token.value == closing and token.sized == opening.sized
        if not is_match and not (opening.sized and token.sized and token.side == "r" and "." in (token.value, opening.value)):
            if token.kind == FAULT or self.starts_factor(token) or token.value not in CLOSERS:
                self.refuse_operator()
            wanted, written = _shown(opening, closing), self.source(opening.start, opening.end)
            self.refuse(token, f"unexpected {self.told(token)}: expected '{wanted}', which closes '{written}'.")
        return self.advance()

    # ---- refusals

    def source(self, start: int, end: int) -> str:
        written = " ".join(self.text[start : min(end, start + 80)].split())
        return written if len(written) <= 40 else written[:39] + "…"

    def told(self, token: Token) -> str:
        return "end" if token.kind == END else f"'{self.source(token.start, token.end)}'"

    def refuse(self, token: Token, reason: str, hint: str = "") -> NoReturn:
        raise FormulaError(reason, hint=hint).at(self.text, token.start, token.end)

    def refuse_node(self, node: Node, reason: str, hint: str = "") -> NoReturn:
        raise FormulaError(reason, hint=hint).at(self.text, node.start, node.end)

    def refuse_unclosed(self, opening: Token, closing: str) -> NoReturn:
        written, closing = self.source(opening.start, opening.end), _shown(opening, closing)
        self.refuse(opening, f"missing '{closing}': this '{written}' is never closed.", f"Write '{closing}' where it ends.")

    def refuse_operand(self) -> NoReturn:
        token = self.tokens[self.at]
        if token.kind == FAULT and token.error:
            raise token.error
        self.refuse(self.token, f"unexpected {self.told(token)}: {EXPECTED}.", _HINTS.get(token.value, ""))

    def refuse_missing(self, operator: Token, what: str) -> NoReturn:
        """At the present place there should be what an operator is of."""
        token = self.token
        if token.kind == FAULT and token.error:
            raise token.error
        reason = f"unexpected {self.told(token)}: {self.source(operator.start, self.end)} is missing {what}."
        self.refuse(token if token.kind != END else operator, reason, "Write it after the operator.")

    def refuse_operator(self) -> NoReturn:
        token = self.token
        if token.kind == FAULT and token.error:
            raise token.error
        hint = _HINTS.get(token.value, "")
        if token.value in RELATIONS and token.kind != NUMBER:
            told = "an equation is a claim" if token.value == "=" else "a relation is not a value"
            hint = hint or ("Check it with symgd.check." if token.value == "=" else "Write one value.")
            self.refuse(token, f"unexpected {self.told(token)}: {told}.", hint)
        if token.value in CLOSERS:
            opening = next(o for o, c in CLOSING.items() if c == token.value)
            self.refuse(
                token, f"unexpected {self.told(token)}: no '{opening}' stands before it.", "Remove it, or write the bracket it closes."
            )
        if token.value == ",":
            hint = "Write one formula at a time; a vector stands in brackets: (x, y)."
        self.refuse(token, f"unexpected {self.told(token)}: expected an operator or the end.", hint)


def _shown(opening: Token, closing: str) -> str:
    return rf"\right{closing}" if opening.sized else closing
