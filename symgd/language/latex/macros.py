r"""The user's macros: `\newcommand`, `\renewcommand`, `\providecommand`, `\DeclareMathOperator`, expanded on a budget.

A token that a macro makes stands at the place of the macro's use, so that every error points into the text as it was written; the
arguments of a macro keep their own places. What expands to more tokens than a text may have characters is refused, before it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from symgd.errors import FormulaError
from symgd.language.latex.tokens import COMMAND, END, FAULT, LETTER, NUMBER, SYMBOL, WORD, Token, placed, tokens_of
from symgd.language.limits import Limits

_DEFINE = frozenset((r"\newcommand", r"\renewcommand", r"\providecommand"))
_OPERATOR = r"\DeclareMathOperator"
_HINT = r"Write it as in \newcommand{\R}{\mathbb{R}} or \newcommand{\norm}[1]{\|#1\|}."


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro with the number of its arguments."""

    arguments: int
    body: tuple[Token, ...]


def expanded(tokens: list[Token], text: str, limits: Limits, known: Mapping[str, Macro] | None = None) -> list[Token]:
    """The tokens with every definition taken out and every use replaced, also of `known` macros.

    Raises `FormulaError` or `LimitError`, placed.
    """
    names = {*_DEFINE, _OPERATOR, *(known or ())}
    if not any(token.kind == COMMAND and token.value in names for token in tokens):
        return tokens
    return _Expansion(tokens, text, limits, dict(known or {})).run()


def macros_in(text: str, limits: Limits) -> dict[str, Macro]:
    """The macros that a text of definitions defines."""
    expansion = _Expansion(tokens_of(text, limits), text, limits, {})
    expansion.run()
    return expansion.macros


class _Expansion:
    """The tokens still to be read stand on a stack, the next one last; None ends what a macro made."""

    def __init__(self, tokens: list[Token], text: str, limits: Limits, macros: dict[str, Macro]) -> None:
        self.text, self.limits = text, limits
        self.waiting: list[Token | None] = list(reversed(tokens))
        self.macros = macros
        self.active: list[str] = []
        self.made = 0

    def run(self) -> list[Token]:
        found: list[Token] = []
        while self.waiting:
            token = self.waiting.pop()
            if token is None:
                self.active.pop()
            elif token.kind == COMMAND and token.value in self.macros:
                self.use(token)
            elif token.kind == COMMAND and token.value in _DEFINE:
                self.define(token)
            elif token.kind == COMMAND and token.value == _OPERATOR:
                self.define_operator(token)
            else:
                found.append(token)
        return found

    def use(self, token: Token) -> None:
        if token.value in self.active:
            self.fail(token, f"the macro {token.value} is not allowed: it is defined by itself.", "Write out what it stands for.")
        macro = self.macros[token.value]
        arguments = [self.argument(token) for _ in range(macro.arguments)]
        made: list[Token] = []
        body = iter(macro.body)
        for part in body:
            if part.kind == SYMBOL and part.value == "#":
                number = next(body, part).value[:1]
                if not number.isdigit() or not 1 <= int(number) <= macro.arguments:
                    self.fail(token, f"unexpected '#' in the macro {token.value}: expected the number of an argument.", _HINT)
                made += arguments[int(number) - 1]
            else:
                made.append(placed(part, token.start, token.end))
        self.made += len(made) + 1
        if self.made > self.limits.characters:
            raise self.limits.exceeded("characters", "the macros make too long a text").at(self.text, token.start, token.end)
        self.active.append(token.value)
        self.waiting.append(None)
        self.waiting.extend(reversed(made))

    def define(self, token: Token) -> None:
        name = self.name(token)
        count = 0
        if self.peek().value == "[":
            self.pop()
            number = self.pop()
            if number.kind != NUMBER or not number.value.isdigit() or not 1 <= int(number.value) <= 9 or self.pop().value != "]":
                self.fail(number, "unexpected number of arguments of a macro: expected 1 to 9.", _HINT)
            count = int(number.value)
            if self.peek().value == "[":
                self.fail(self.peek(), "a macro with an optional argument is not supported.", _HINT)
        self.macros[name] = Macro(count, tuple(self.group(token)))

    def define_operator(self, token: Token) -> None:
        name = self.name(token)
        body = self.group(token)
        word = "".join(part.value for part in body)
        if not word.isalpha() or any(part.kind not in (LETTER, WORD) for part in body):
            self.fail(token, r"unexpected name in \DeclareMathOperator: expected a word.", r"Write \DeclareMathOperator{\tr}{tr}.")
        self.macros[name] = Macro(0, (Token(WORD, word, token.start, token.end, head=r"\operatorname"),))

    def name(self, token: Token) -> str:
        """The command that is defined, in braces or not."""
        inner = self.group(token) if self.peek().value == "{" else [self.pop()]
        if len(inner) != 1 or inner[0].kind not in (COMMAND, FAULT):
            self.fail(inner[0] if inner else token, f"unexpected name after {token.value}: expected a command.", _HINT)
        if inner[0].kind == FAULT and inner[0].error:
            raise inner[0].error
        return inner[0].value

    def argument(self, token: Token) -> list[Token]:
        if self.peek().value == "{":
            return self.group(token)
        found = self.pop()
        if found.kind == END or found.value == "}":
            self.fail(token, f"the macro {token.value} is missing an argument.", "Write it in braces.")
        if found.kind == NUMBER and len(found.value) > 1:
            self.waiting.append(Token(NUMBER, found.value[1:], found.start + 1, found.end, glued=True))
            found = Token(NUMBER, found.value[0], found.start, found.start + 1)
        return [found]

    def group(self, token: Token) -> list[Token]:
        """The tokens of a group, without its braces."""
        opening = self.pop()
        if opening.value != "{":
            self.fail(opening, f"unexpected {_told(opening)} after {token.value}: expected '{{'.", _HINT)
        depth, found = 1, list[Token]()
        while True:
            part = self.pop()
            if part.kind == FAULT and part.error:
                raise part.error
            if part.kind == END:
                self.fail(opening, "missing '}': this '{' is never closed.", "Write '}' where it ends.")
            if part.kind == SYMBOL:
                depth += (part.value == "{") - (part.value == "}")
            if depth == 0:
                return found
            found.append(part)

    def peek(self) -> Token:
        return next(token for token in reversed(self.waiting) if token is not None)

    def pop(self) -> Token:
        while True:
            token = self.waiting.pop()
            if token is not None:
                if token.kind == END:
                    self.waiting.append(token)
                return token
            self.active.pop()

    def fail(self, token: Token, reason: str, hint: str) -> NoReturn:
        raise FormulaError(reason, hint=hint).at(self.text, token.start, token.end)


def _told(token: Token) -> str:
    return "end" if token.kind == END else f"'{token.value[:30]}'"
