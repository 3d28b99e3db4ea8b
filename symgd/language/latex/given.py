r"""Declarations in LaTeX: `\mathbf{w}[3], \hat{y}[N], \theta_0 > 0, x \in \mathbb{R}^n, f(x,y) = x^2 y, B = \{1,3\}`.

A name is read as in a formula, or in the plain spelling of `f.given`, `y_hat[N]`. What follows a name, its shape and properties, is in the
language of declarations; what a definition stands for is LaTeX. A set of numbers is a definition, too, which sums run over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NoReturn

from symgd.algebra.trampoline import run
from symgd.errors import FormulaError
from symgd.language import tokens as infix
from symgd.language.declarations import Declaration, Definition, _check_dimension, _Reader, shapes_of
from symgd.language.latex import atoms, big
from symgd.language.latex.chains import prepared
from symgd.language.latex.implied import imply
from symgd.language.latex.names import base_of, checked
from symgd.language.latex.parser import Parser
from symgd.language.latex.scope import Scope
from symgd.language.latex.tokens import COMMAND, END, FAULT, GREEK, LETTER, NUMBER, SYMBOL, WORD, Token
from symgd.language.limits import Limits
from symgd.language.syntax import Name

_NO_LIMITS = Limits()
_SEPARATE = r"Separate names with commas: \mathbf{w}[3], \hat{y}[n], t > 0, f(x) = x^2."
_OPERATORS = {r"\leq": "<=", r"\geq": ">=", r"\{": "{", r"\}": "}", r"\cdot": "*", r"\times": "*"}
_NOTHING = Name("", 0, 0)  # a body that is still to be read
_WORDS = {r"\in": "in", r"\infty": "inf"}
_SPACES = {
    ("R", "bb"): "",
    ("Z", "bb"): "integer",
    ("N", "bb"): "integer",
    ("S", "bb"): "symmetric",
    ("S", ""): "symmetric",
    ("S", "cal"): "symmetric",
}
_PARTS = {"+": ">= 0", ">=": ">= 0", "++": "> 0", ">": "> 0"}  # of real numbers, as a subscript says


def parse_declarations(given: str | Mapping[str, str] | None, limits: Limits = _NO_LIMITS, document: Scope | None = None) -> Scope:
    """The scope that the declarations make, with the fonts and macros of the document they stand in.

    Raises `FormulaError`, `ShapeError` or `LimitError`, placed in the text.

    >>> scope = parse_declarations(r"\\mathbf{w}[3], \\hat{y}[N], f(x) = x^2")
    >>> [str(declaration) for declaration in scope.declared.values()]
    ['w[3]', 'y_hat[N]', 'f(x) = x^2']
    """
    scope = Scope(fonts=document.fonts, macros=document.macros) if document is not None else Scope()
    later: list[tuple[str, str, tuple[str, ...], list[Token]]] = []
    dimensions: set[str] = set()
    for text in _texts(given):
        tokens = prepared(text, limits, scope.macros)
        scope.fonts.note(tokens)
        for entry in _entries(tokens, text):
            reader = _Entry(entry, text, limits, scope)
            made = reader.read()
            if made.name in scope.declared or made.name in scope.sets:
                reader.fail(entry[0], f"the name '{made.name}' is declared twice.", "Keep one of the two declarations.")
            scope.declared[made.name] = made
            if reader.body:
                later.append((text, made.name, reader.parameters, reader.body))
            named = [name for shape in shapes_of(made) for size in shape for name in size.names]
            dimensions.update(named)
            for name in (*named, *([made.name] if made.name in dimensions else [])):
                place = infix.Token(infix.NAME, made.name, entry[0].start, entry[0].end)
                _check_dimension(name, scope.declared.get(name), text, place)
    for text, name, parameters, body in later:
        _define(scope, text, name, parameters, body, limits)
    return scope


def _define(scope: Scope, text: str, name: str, parameters: tuple[str, ...], body: list[Token], limits: Limits) -> None:
    """The definition with its body read, now that every name is known."""
    parser = Parser(body, text, limits, scope)
    if body[0].value == r"\{" and body[-2].value == r"\}" and body[0].kind == SYMBOL:
        del scope.declared[name]
        scope.sets[name] = tuple(run(parser.within(1, len(body) - 2, task=lambda: big.listed(parser), what="an element")))
        return
    with scope.binding(*parameters):
        imply([[token for token in body if token.kind not in (END, FAULT)]], text, scope, is_claim=False, in_given=True)
        try:
            node = parser.whole()
        except FormulaError as error:
            error.hint = f"{error.hint} This is read as the definition of the name {name}.".strip()
            raise
    scope.declared[name] = Definition(name, parameters, node, text)


def _texts(given: str | Mapping[str, str] | None) -> Iterator[str]:
    if given is None:
        return
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping):
        for name, rest in given.items():
            if not isinstance(name, str) or not isinstance(rest, str):
                raise FormulaError("expected names and declarations as text.", hint=_SEPARATE)
            yield name + rest if rest.startswith(("[", "(")) else f"{name} {rest}"
    else:
        raise FormulaError(f"expected declarations as text or a mapping, found a value of type {type(given).__name__}.", hint=_SEPARATE)


def _entries(tokens: list[Token], text: str) -> Iterator[list[Token]]:
    """Cut at the commas outside brackets; an interval may open with ( and close with ]."""
    depth, entry = 0, list[Token]()
    last = tokens[-1]
    if last.kind == FAULT and last.error:
        last.error.hint = f"{last.error.hint} {_SEPARATE}".strip()
        raise last.error
    for token in tokens[:-1]:
        if token.kind in (SYMBOL, COMMAND):
            depth += (token.value in ("(", "[", "{", r"\{", r"\begin")) - (token.value in (")", "]", "}", r"\}", r"\end"))
            if token.value in (",", ";") and depth == 0:
                if not entry:
                    raise FormulaError(f"unexpected '{token.value}': expected a name.", hint=_SEPARATE).at(text, token.start, token.end)
                yield [*entry, Token(END, "", token.start, token.start)]
                entry = []
                continue
        if token.value != r"\quad":
            entry.append(token)
    if entry:
        yield [*entry, Token(END, "", entry[-1].end, entry[-1].end)]


class _Entry:
    """One declaration: its name, then what `declarations` reads; a body is left for later."""

    def __init__(self, tokens: list[Token], text: str, limits: Limits, scope: Scope) -> None:
        self.tokens, self.text, self.limits, self.scope = tokens, text, limits, scope
        self.at = 0
        self.body: list[Token] = []
        self.parameters: tuple[str, ...] = ()

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def fail(self, token: Token, reason: str, hint: str = _SEPARATE) -> NoReturn:
        raise FormulaError(reason, hint=hint).at(self.text, token.start, token.end)

    def read(self) -> Declaration:
        place = self.token
        name = self.name()
        rest = self.tokens[self.at :]
        equals = next((k for k, t in enumerate(rest) if t.kind in (SYMBOL, COMMAND) and t.value in ("=", r"\triangleq")), None)
        if equals is not None and (equals == 0 or rest[0].value in ("(", ":")):
            head = [t for t in rest[:equals] if t.value != ":"]
            self.parameters = tuple(self.parameter_names(head))
            self.body = rest[equals + 1 :]
            if len(self.body) < 2:
                self.fail(self.body[0], f"the definition of '{name}' is empty: expected a formula.")
            return Definition(name, self.parameters, _NOTHING, self.text)
        first = infix.Token(infix.NAME, name, place.start, rest[0].start if rest else place.end)
        return _Reader(self.text, [first, *self.converted(rest)], self.limits).declaration()

    def parameter_names(self, head: list[Token]) -> Iterator[str]:
        if not head:
            return
        inner = _Entry([*head[1:-1], Token(END, "", head[-1].start, head[-1].start)], self.text, self.limits, self.scope)
        while inner.token.kind != END:
            yield inner.name()
            if inner.token.kind != END:
                if inner.token.value not in (",", ";"):
                    self.fail(inner.token, f"unexpected '{inner.token.value}' among the parameters: expected ','.")
                inner.at += 1

    def name(self) -> str:
        """A name as a formula has it, or in the plain spelling."""
        token = self.token
        if token.kind == SYMBOL and token.value == "{":
            self.at += 1
            name = self.name()
            if self.token.value == "}":
                self.at += 1
            return name + self.suffixes()
        if not atoms.is_name(token):
            told = "end" if token.kind == END else f"'{self.text[token.start : token.end][:30]}'"
            self.fail(token, f"unexpected {told}: expected a name.")
        self.at += 1
        name = base_of(token)
        if token.font and self.scope.fonts.is_split(name):
            name = f"{name}_{token.font}"
        if token.kind == LETTER and not token.accent and not token.font and not token.head:
            name += self.spelled()
        return checked(name + self.suffixes(), self.text, token)

    def spelled(self) -> str:
        """The rest of a name in the plain spelling: letters, digits and underscores without a space between."""
        found = ""
        while True:
            token = self.token
            is_part = token.kind in (LETTER, NUMBER) and not token.accent and not token.font and token.value.replace(".", "").isalnum()
            if not token.glued or not (
                is_part
                or (
                    token.value == "_"
                    and self.tokens[self.at + 1].glued
                    and self.tokens[self.at + 1].kind in (LETTER, NUMBER)
                    and (found or self.is_plain())
                )
            ):
                return found
            found += token.value
            self.at += 1

    def is_plain(self) -> bool:
        return True

    def suffixes(self) -> str:
        """A subscript, a star, primes; the dot of a family, x^{(\\cdot)}, says nothing."""
        found = ""
        while self.token.kind == SYMBOL and self.token.value in ("_", "^", "'"):
            mark = self.token
            self.at += 1
            if mark.value == "'":
                found += "_prime"
                continue
            content = self.argument()
            values = [t.value for t in content]
            if values in ([r"\cdot"], ["(", r"\cdot", ")"]):
                continue
            if mark.value == "^" and values in (["*"], [r"\star"]):
                found += "_star"
            elif mark.value == "^" and set(values) == {"'"}:
                found += "_prime" * len(values)
            elif mark.value == "_" and atoms._suffix(content):
                found += f"_{atoms._suffix(content)}"
            else:
                self.fail(content[0] if content else mark, "unexpected script of a declared name: expected letters or digits.")
        return found

    def argument(self) -> list[Token]:
        if self.token.value != "{":
            self.at += self.token.kind != END
            return [self.tokens[self.at - 1]]
        depth, start = 0, self.at + 1
        while self.token.kind != END:
            depth += (self.token.value == "{") - (self.token.value == "}")
            self.at += 1
            if depth == 0:
                return self.tokens[start : self.at - 1]
        self.fail(self.tokens[start - 1], "missing '}': this '{' is never closed.", "Write '}' where it ends.")

    def converted(self, rest: list[Token]) -> list[infix.Token]:
        """The tokens in the language of declarations."""
        found: list[infix.Token] = []
        k = 0
        while k < len(rest):
            token = rest[k]
            if token.value == r"\in" and (rest[k + 1].value, rest[k + 1].font) in _SPACES:
                more, k = self.space(rest, k + 1)
                found += more
                continue
            if token.kind == LETTER:
                end = k + 1
                while (end < len(rest) and rest[end].kind in (LETTER, NUMBER) and rest[end].glued) or (
                    end < len(rest) and (rest[end].value == "_" and rest[end].glued and rest[end].kind == SYMBOL)
                ):
                    end += 1
                word = "".join(base_of(t) if t.kind == LETTER else t.value for t in rest[k:end])
                found.append(infix.Token(infix.NAME, word, token.start, rest[end - 1].end))
                k = end
                continue
            found.append(self.one(token))
            k += 1
        return found

    def one(self, token: Token) -> infix.Token:
        if token.kind == NUMBER:
            return infix.Token(infix.NUMBER, token.value, token.start, token.end)
        if token.kind == END:
            return infix.Token(infix.END, "", token.start, token.end)
        if token.kind == WORD or (token.kind == COMMAND and token.value[1:] in GREEK):
            return infix.Token(infix.NAME, base_of(token), token.start, token.end)
        if token.value in _WORDS:
            return infix.Token(infix.NAME, _WORDS[token.value], token.start, token.end)
        value = _OPERATORS.get(token.value, token.value)
        if token.kind == COMMAND and value == token.value:
            self.fail(token, f"unexpected {token.value} in a declaration.")
        return infix.Token(infix.OPERATOR, value, token.start, token.end)

    def space(self, rest: list[Token], k: int) -> tuple[list[infix.Token], int]:
        r"""The set that begins at token k: `\mathbb{R}^{m \times n}` is `[m,n]`, `\mathbb{R}_{++}` is `> 0`, `\mathbb{Z}` is `integer`."""
        place = rest[k]
        scripts: dict[str, list[Token]] = {}
        k += 1
        while rest[k].kind == SYMBOL and rest[k].value in ("^", "_"):
            inner = _Entry(rest[k + 1 :], self.text, self.limits, self.scope)
            scripts[rest[k].value] = inner.argument()
            k += 1 + inner.at
        properties = _SPACES[place.value, place.font]
        low = "".join(t.value for t in scripts.get("_", ())).replace(r"\geq", ">=").replace("0", "")
        if low and (place.value not in ("R", "S") or low not in _PARTS):
            self.fail(
                place, "unexpected set of a declaration.", r"Write x \in \mathbb{R}^n, t > 0, k \in \mathbb{Z} or S \in \mathbb{S}^n_{++}."
            )
        if place.value == "S":
            if low in ("+", ">="):
                self.fail(
                    place,
                    "positive semidefinite matrices cannot be declared.",
                    r"Write S \in \mathbb{S}^n, or \mathbb{S}^n_{++} for positive definite ones.",
                )
            properties = "spd" if low else "symmetric"
        elif low:
            properties = _PARTS[low]
        sizes = [infix.Token(infix.OPERATOR, ",", t.start, t.end) if t.value == r"\times" else t for t in scripts.get("^", ())]
        if sizes and place.value == "S":
            sizes = [*sizes, infix.Token(infix.OPERATOR, ",", place.start, place.end), *sizes]
        made: list[infix.Token] = []
        run: list[Token] = []
        for size in sizes:
            if isinstance(size, infix.Token):
                made += [*self.converted(run), size]
                run = []
            else:
                run.append(size)
        made += self.converted(run)
        if made:
            opening = infix.Token(infix.OPERATOR, "[", place.start, place.end)
            made = [opening, *made, infix.Token(infix.OPERATOR, "]", place.start, place.end)]
        kinds = {">": infix.OPERATOR, ">=": infix.OPERATOR, "0": infix.NUMBER}
        made += [infix.Token(kinds.get(word, infix.NAME), word, place.start, place.end) for word in properties.split()]
        return made, k
