"""What `given` says: variables with shapes and properties, definitions, unknown functions.

    A[m,n], x[n], S[n,n] symmetric, t > 0, p in (0,1), y[n] in {-1, 1}     variables
    p = sigmoid(z), f(u) = u^2                                             definitions: names for formulas
    T(x,y,z), f(x[n])                                                      unknown differentiable functions

Sizes are whole numbers or polynomials in dimension names, `n-1`, `2*n`. The records print as they are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fractions import Fraction
from typing import NoReturn, Union

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension, Shape, shape_text
from symgd.algebra.expression import Leaf
from symgd.errors import FormulaError, ShapeError, SymgdError
from symgd.language.infix import exact_number, parse_tokens
from symgd.language.limits import Limits
from symgd.language.names import RESERVED, check_name
from symgd.language.ranges import Bounds
from symgd.language.sizes import dimension_of
from symgd.language.syntax import Node
from symgd.language.tokens import END, FAULT, NAME, NUMBER, OPERATOR, Token, tokens_of
from symgd.language.words import is_function

SQUARE = ("symmetric", "spd", "diagonal", "orthogonal", "lower", "upper", "banded", "tridiagonal")
_NOTHING = ("scalar", "real")
_PROPERTIES = {
    **{name: name for name in (*SQUARE, "integer", "simplex", *_NOTHING)},
    "positive": "> 0",
    "nonnegative": ">= 0",
    "negative": "< 0",
    "nonpositive": "<= 0",
    "tridiagonal": "banded(1, 1)",
}
_RELATIONS = (">", ">=", "<", "<=")
_SEPARATE = "Separate names with commas: A[m,n], x[n], P[n,n] spd, t > 0."
_NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: a name, its shape (() for a scalar), and its properties, in the language of declarations.

    Properties are of {symmetric, spd, diagonal, orthogonal, lower, upper, banded(p, q), integer, simplex} and at most one set: `> 0`,
    `>= 0`, `< 0`, `<= 0` (any rational bound), `in (0, 1)` (or with [ or ] where the end belongs to it), `in {-1, 1}`.
    """

    name: str
    shape: Shape = ()
    properties: tuple[str, ...] = ()

    def __str__(self) -> str:
        sizes = f"[{','.join(str(size).replace(' ', '') for size in self.shape)}]" if self.shape else ""
        return " ".join((self.name + sizes, *self.properties))

    def leaf(self) -> Leaf:
        """The variable as an expression."""
        return ex.leaf(self.name, self.shape, self.properties)


@dataclass(frozen=True, slots=True)
class Definition:
    """`name = body` or `name(parameters) = body`: the name stands for the formula, whose text is `text[body.start:body.end]`."""

    name: str
    parameters: tuple[str, ...]
    body: Node
    text: str

    def __str__(self) -> str:
        parameters = f"({', '.join(self.parameters)})" if self.parameters else ""
        return f"{self.name}{parameters} = {self.text[self.body.start : self.body.end]}"

    def leaf(self) -> Leaf:
        raise FormulaError(f"{self.name} is declared as a definition, not as a variable.", hint="Declare a name with its shape: x[n].")


@dataclass(frozen=True, slots=True)
class UnknownFunction:
    """`name(parameters)`: a differentiable function of which nothing else is known; the name alone is its value at its parameters."""

    name: str
    parameters: tuple[Variable, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.parameters))})"

    def leaf(self) -> Leaf:
        raise FormulaError(
            f"{self.name} is declared as an unknown function, not as a variable.", hint="Declare a name with its shape: x[n]."
        )


Declaration = Union[Variable, Definition, UnknownFunction]


def parse_declarations(given: str | Mapping[str, str] | None, limits: Limits = _NO_LIMITS) -> tuple[Declaration, ...]:
    """The declarations in order. `given` is their text, or a mapping from a name to the rest of its declaration ("[m,n] spd", "> 0").

    Raises `FormulaError`, `ShapeError` or `LimitError`, placed in the text.
    """
    found: dict[str, Declaration] = {}
    dimensions: set[str] = set()
    for text, tokens in _entries(given, limits):
        declared = _Reader(text, tokens, limits).declaration()
        if declared.name in found:
            reason = f"the name '{declared.name}' is declared twice."
            raise FormulaError(reason, hint="Keep one of the two declarations.").at(text, tokens[0].start, tokens[0].end)
        found[declared.name] = declared
        named = [name for shape in shapes_of(declared) for size in shape for name in size.names]
        dimensions.update(named)
        for name in (*named, *([declared.name] if declared.name in dimensions else [])):
            _check_dimension(name, found.get(name), text, tokens[0])
    return tuple(found.values())


def declaration_of(leaf: Leaf) -> Variable:
    """The declaration that a variable was made by."""
    return Variable(leaf.name, leaf.shape, leaf.kind)


def shapes_of(declaration: Declaration) -> tuple[Shape, ...]:
    """The shapes a declaration states."""
    if isinstance(declaration, Variable):
        return (declaration.shape,)
    return tuple(p.shape for p in declaration.parameters) if isinstance(declaration, UnknownFunction) else ()


def _entries(given: str | Mapping[str, str] | None, limits: Limits) -> Iterator[tuple[str, list[Token]]]:
    """Each declaration: the text it stands in and its tokens, closed by an end or a fault."""
    if given is None:
        return
    if not isinstance(given, str | Mapping):
        raise FormulaError(f"expected declarations as text or a mapping, found a value of type {type(given).__name__}.", hint=_SEPARATE)
    if not isinstance(given, Mapping):
        for tokens in _split(list(tokens_of(given, limits))):
            yield given, tokens
        return
    for name, rest in given.items():
        check_name(name)
        if not isinstance(rest, str):
            raise FormulaError(
                f"expected the declaration of '{name}' as text, found a value of type {type(rest).__name__}.", hint=_SEPARATE
            )
        text = name + rest if rest.startswith(("[", "(")) else f"{name} {rest}"
        first, *more = _split(list(tokens_of(text, limits)))
        if more:
            place = more[0][0]
            reason = f"unexpected '{place.value}': expected one declaration for the name '{name}'."
            raise FormulaError(reason, hint="Declare every name in an entry of its own.").at(text, place.start, place.end)
        yield text, first


def _split(tokens: list[Token]) -> Iterator[list[Token]]:
    """Cut at the commas outside brackets; an interval may open with ( and close with ]."""
    if len(tokens) == 1 and tokens[0].kind == END:
        return
    depth, entry = 0, list[Token]()
    for token in tokens:
        if token.kind == OPERATOR:
            depth += (token.value in ("(", "[", "{")) - (token.value in (")", "]", "}"))
            if token.value == "," and depth == 0:
                yield [*entry, Token(END, "", token.start, token.end)]
                entry = []
                continue
        entry.append(token)
    yield entry


def _check_dimension(name: str, declared: Declaration | None, text: str, place: Token) -> None:
    """A dimension name is a whole number: no array and no formula may have it."""
    if declared is not None and not (isinstance(declared, Variable) and not declared.shape):
        reason = f"'{name}' is the name of a dimension and cannot be declared as {declared}."
        raise FormulaError(reason, hint="Give one of the two another name.").at(text, place.start, place.end)


class _Reader:
    """One declaration, token by token."""

    def __init__(self, text: str, tokens: list[Token], limits: Limits) -> None:
        self.text, self.tokens, self.limits = text, tokens, limits
        self.position = 0

    @property
    def token(self) -> Token:
        return self.tokens[min(self.position, len(self.tokens) - 1)]

    def take(self, *values: str) -> Token | None:
        """The next token, if it is one of these."""
        token = self.token
        if token.value in values and token.kind in (OPERATOR, NAME):
            self.position += 1
            return token
        return None

    def need(self, *values: str) -> Token:
        return self.take(*values) or self.refuse(self.token, f"expected {' or '.join(map(repr, values))}")

    def name(self) -> Token:
        token = self.token
        if token.kind != NAME:
            self.refuse(token, "expected a name")
        if token.value in RESERVED:
            self.fail(token, f"the name '{token.value}' is not allowed: the word is a part of the language.", "Choose another name.")
        if is_function(token.value):
            self.fail(token, f"the name '{token.value}' is not allowed for a variable: it is a function.", "Choose another name.")
        self.position += 1
        return token

    def declaration(self) -> Declaration:
        name = self.name()
        if self.take("("):
            parameters = self.parameters()
            if self.take("="):
                for parameter in parameters:
                    if parameter.shape:
                        self.fail(
                            name, f"the definition of '{name.value}' has a parameter with a shape, {parameter}.", f"Write {parameter.name}."
                        )
                return Definition(name.value, tuple(p.name for p in parameters), self.body(name), self.text)
            self.end(name)
            return UnknownFunction(name.value, tuple(parameters))
        if self.take("="):
            return Definition(name.value, (), self.body(name), self.text)
        variable = Variable(name.value, self.shape() if self.take("[") else ())
        return replace(variable, properties=self.properties(variable))

    def parameters(self) -> list[Variable]:
        found: list[Variable] = []
        while True:
            name = self.name()
            if any(name.value == other.name for other in found):
                self.fail(name, f"the name '{name.value}' stands twice among the parameters.", "Name every parameter once.")
            found.append(Variable(name.value, self.shape() if self.take("[") else ()))
            if self.need(",", ")").value == ")":
                return found

    def body(self, name: Token) -> Node:
        """The formula of a definition: all that is left."""
        try:
            return parse_tokens(self.text, self.tokens[self.position :], self.limits)
        except SymgdError as error:
            error.hint = f"{error.hint} This is read as the definition of the name {name.value}.".strip()
            raise

    def shape(self) -> Shape:
        """The sizes up to the closing bracket."""
        sizes: list[Dimension] = []
        while True:
            start, depth = self.position, 0
            while depth or self.token.value not in (",", "]"):
                token = self.token
                if token.kind in (END, FAULT):
                    self.refuse(token, "expected ']'")
                depth += (token.value in ("(", "[")) - (token.value in (")", "]"))
                self.position += 1
            piece = self.tokens[start : self.position]
            if not piece:
                self.fail(self.token, "a size is missing: expected a whole number or a dimension name.", "Write x[3] or x[n].")
            node = parse_tokens(self.text, [*piece, Token(END, "", self.token.start, self.token.start)], self.limits)
            size = dimension_of(node, self.text)
            if size.at_least(1) is False:
                raise FormulaError(f"the size {size} is too small.", hint="A size is 1 or more.").at(self.text, node.start, node.end)
            sizes.append(size)
            self.position += 1
            if self.tokens[self.position - 1].value == "]":
                return tuple(sizes)

    def properties(self, variable: Variable) -> tuple[str, ...]:
        found: list[str] = []
        bounds = Bounds()
        chosen = ""
        while self.token.kind != END:
            token = self.token
            if self.take(*_RELATIONS):
                bounds = self.bounded(bounds, token, self.number())
            elif self.take("in"):
                if self.take("{"):
                    chosen = self.choices()
                else:
                    bounds = self.interval(bounds, token)
            elif token.kind == NAME:
                self.position += 1
                written = self.property(token, variable)
                if written.startswith(_RELATIONS):
                    bounds = self.bounded(bounds, Token(OPERATOR, written.split()[0], token.start, token.end), Fraction(0))
                elif written not in (*found, *_NOTHING):
                    found.append(written)
            else:
                self.refuse(token, "expected a property or the end")
        if chosen and bounds != Bounds():
            self.fail(self.tokens[0], f"'{variable.name}' has two ranges.", "Give one of them.")
        return (*found, *filter(None, (chosen or str(bounds),)))

    def property(self, token: Token, variable: Variable) -> str:
        """The property that a word says; refused where it does not suit the shape."""
        word, shape = token.value, variable.shape
        if word not in _PROPERTIES:
            near = get_close_matches(word, _PROPERTIES, 1, 0.6)
            meant = f"Did you mean {near[0]}? " if near else ""
            self.fail(
                token,
                f"unknown property '{word}' of '{variable.name}'.",
                f"{meant}Separate names with commas; properties are {', '.join(_PROPERTIES)}.",
            )
        if word in SQUARE and (len(shape) != 2 or shape[0] != shape[1]):
            reason = f"'{word}' is a property of square matrices, and {variable.name} has shape {shape_text(shape)}."
            raise ShapeError(reason, hint=f"Declare {variable.name}[n,n] {word}.").at(self.text, token.start, token.end)
        if (word == "simplex") > bool(shape) or (word == "scalar" and shape):
            reason = f"'{word}' does not suit the shape of {variable.name}, {shape_text(shape)}."
            hint = f"Declare {variable.name}[n] simplex." if word == "simplex" else f"Declare {variable} alone."
            raise ShapeError(reason, hint=hint).at(self.text, token.start, token.end)
        return self.banded(token) if word == "banded" else _PROPERTIES[word]

    def banded(self, word: Token) -> str:
        """`banded(p, q)`: p diagonals below the main one, q above it."""
        if not self.take("("):
            self.fail(word, "'banded' needs its diagonals, below and above the main one.", "Write banded(1, 1), or tridiagonal.")
        counts = []
        for closing in (",", ")"):
            place, count = self.token, self.number()
            if count is None or count < 0 or count.denominator > 1 or not self.take(closing):
                hint = "Write banded(p, q) with p diagonals below the main one and q above it, as in banded(1, 2)."
                self.fail(place, "'banded' takes two whole numbers of diagonals, 0 or more.", hint)
            counts.append(count)
        return f"banded({counts[0]}, {counts[1]})"

    def number(self) -> Fraction | None:
        """A rational number with its sign; None for an infinity."""
        sign = -1 if self.take("-") else 1
        if self.take("inf", "oo"):
            return None
        value = self.unsigned()
        if self.take("/"):
            place, below = self.token, self.unsigned()
            if not below:
                self.fail(place, "a bound is divided by zero.", "Write a number.")
            value /= below
        return sign * value

    def unsigned(self) -> Fraction:
        token = self.token
        if token.kind != NUMBER:
            self.refuse(token, "expected a number")
        self.position += 1
        try:
            return exact_number(token.value, self.limits)
        except SymgdError as error:
            raise error.at(self.text, token.start, token.end) from None

    def bounded(self, bounds: Bounds, relation: Token, value: Fraction | None) -> Bounds:
        strict = "=" not in relation.value
        if relation.value.startswith(">"):
            new = bounds if value is None else replace(bounds, low=value, open_low=strict)
        else:
            new = bounds if value is None else replace(bounds, high=value, open_high=strict)
        if new.is_empty():
            self.fail(relation, "the range holds no number.", "Write the smaller bound first: p in (0, 1).")
        return new

    def interval(self, bounds: Bounds, place: Token) -> Bounds:
        opening = self.need("(", "[")
        low = self.number()
        self.need(",")
        high = self.number()
        closing = self.need(")", "]")
        bounds = self.bounded(bounds, place._replace(value=">" if opening.value == "(" else ">="), low)
        return self.bounded(bounds, place._replace(value="<" if closing.value == ")" else "<="), high)

    def choices(self) -> str:
        """The numbers of `{-1, 1}`, from the least."""
        found: set[Fraction] = set()
        while True:
            value = self.number()
            if value is not None:
                found.add(value)
            if self.need(",", "}").value == "}":
                return f"in {{{', '.join(map(str, sorted(found)))}}}"

    def end(self, name: Token) -> None:
        if self.token.kind != END:
            self.refuse(self.token, f"expected '=' or the end of the declaration of '{name.value}'")

    def refuse(self, token: Token, expected: str) -> NoReturn:
        if token.kind == FAULT and token.error:
            token.error.hint = f"{token.error.hint} {_SEPARATE}"
            raise token.error
        told = "end" if token.kind == END else f"'{token.value[:30]}'"
        self.fail(token, f"unexpected {told}: {expected}.", _SEPARATE)

    def fail(self, token: Token, reason: str, hint: str) -> NoReturn:
        raise FormulaError(reason, hint=hint).at(self.text, token.start, token.end)
