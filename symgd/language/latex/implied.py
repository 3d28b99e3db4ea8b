r"""Functions that a text derives and nothing declares: D_u f(P) = \nabla f(P) \cdot u speaks of every differentiable f.

A letter is taken for an unknown function where the text derives it: \nabla f, D_u f, \frac{\partial f}{\partial x}, \frac{d}{dt} f(t),
f'(x). It is a function of the numbers in its brackets, or of those that \partial derives it by; under \nabla and D_u, of a vector, if it
has one argument. Then the direction, the point, and letters in bold are vectors of its size. All of it is reported.

Nothing is implied where that would hide a fault: an equation must have an unknown function on both sides, for of one that stands on one
side only it says what it is; and no declared name may be left unused, for then the undeclared one is a misspelling.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NoReturn

from symgd.algebra.dimension import Dimension, Shape
from symgd.errors import FormulaError
from symgd.language.declarations import UnknownFunction, Variable
from symgd.language.latex import atoms
from symgd.language.latex.scope import Scope
from symgd.language.latex.tokens import COMMAND, LETTER, NUMBER, SYMBOL, Token

Span = tuple[int, int]
_SCRIPTS = ("_", "^")


@dataclass(slots=True)
class _Seen:
    """What the text shows of a letter that it derives."""

    token: Token
    by_vector: bool = False  # \nabla f, D_u f
    partial: list[str] = field(default_factory=list)  # what \partial derives it by
    total: list[str] = field(default_factory=list)  # what d derives it by
    arguments: list[list[Span]] = field(default_factory=list)


def imply(sides: Sequence[Sequence[Token]], text: str, scope: Scope, is_claim: bool, in_given: bool = False) -> None:
    """Put the functions that the sides of a text imply into the scope, with the vectors they need. Raises `FormulaError`, placed."""
    tokens = [token for side in sides for token in side]
    found = _Search(tokens, text, scope)
    found.derived()
    scope.has_differentials = any(found.is_function_differential(k) for k in range(len(tokens) - 1))
    found.direct()
    names = set(found.seen)
    if not names:
        return
    if is_claim and not all(any(found.name(t) in names for t in side) for side in sides) and not names <= scope.functions:
        return
    used = {found.name(token) for token in tokens} | {name for k in range(len(tokens)) for name, _ in [found.scripted(k)]}
    is_unused = any(name not in used and name not in scope.sizes and name not in scope.local for name in scope.declared)
    if is_unused and not (in_given or scope.in_document):
        return
    found.declare()


class _Search:
    def __init__(self, tokens: list[Token], text: str, scope: Scope) -> None:
        self.tokens, self.text, self.scope = tokens, text, scope
        self.seen: dict[str, _Seen] = {}
        self.directions: list[Span] = []
        self.fractions: set[int] = set()  # the places of differentials in \\frac{df}{dx}

    def name(self, token: Token) -> str:
        return self.scope.resolve(token) if atoms.is_name(token) else ""

    def scripted(self, at: int) -> tuple[str, int]:
        """The name with its subscript, x_0, and the place behind it."""
        name = self.name(self.tokens[at])
        if not name:
            return "", at + 1
        end = self.after_scripts(at + 1)
        low = next((self.argument(k) for k in range(at + 1, end) if self.tokens[k].value == "_"), None)
        suffix = atoms._suffix(self.tokens[low[0] : low[1]]) if low else ""
        return (f"{name}_{suffix}" if suffix else name), end

    def is_differential(self, at: int) -> bool:
        token = self.tokens[at] if at < len(self.tokens) else None
        if token is None:
            return False
        return token.value == r"\partial" or (token.kind == LETTER and token.value == "d" and not self.scope.is_value("d"))

    def is_function_differential(self, at: int) -> bool:
        """`df` outside a fraction, of a function."""
        if self.tokens[at].value == r"\partial" or not self.is_differential(at) or at in self.fractions:
            return False
        name = self.scripted(at + 1)[0]
        return bool(name) and (name in self.seen or self.scope.is_definition(name))

    # ---- places

    def argument(self, at: int) -> Span:
        """The tokens of the argument of the script or command at `at`, without braces."""
        start = at + 1
        if start < len(self.tokens) and self.tokens[start].value == "{":
            return start + 1, self.closing(start)
        return start, min(start + 1, len(self.tokens))

    def closing(self, at: int) -> int:
        """The place of the bracket that closes the one at `at`."""
        depth = 0
        for k in range(at, len(self.tokens)):
            value = self.tokens[k].value if self.tokens[k].kind == SYMBOL else ""
            depth += (value in ("{", "(", "[")) - (value in ("}", ")", "]"))
            if depth == 0:
                return k
        return len(self.tokens)

    def after_scripts(self, at: int) -> int:
        while at < len(self.tokens) and self.tokens[at].kind == SYMBOL and self.tokens[at].value in _SCRIPTS:
            _, stop = self.argument(at)
            at = stop + (self.tokens[at + 1].value == "{" if at + 1 < len(self.tokens) else 0)
        return at

    def after_group(self, at: int) -> int:
        start, stop = self.argument(at)
        return stop + (start == at + 2)

    # ---- what is derived

    def derived(self) -> None:
        """Note every letter that the text derives."""
        for at, token in enumerate(self.tokens):
            if token.kind == COMMAND and token.value == r"\nabla":
                self.note(self.after_scripts(at + 1), by_vector=True)
            elif token.kind == COMMAND and token.value == r"\frac":
                self.fraction(at)
            elif token.value == "D" and token.kind == LETTER and not self.scope.knows("D") and at + 1 < len(self.tokens):
                if self.tokens[at + 1].value == "_":
                    low = self.argument(at + 1)
                    if "".join(t.value for t in self.tokens[slice(*low)]).upper() != "KL" and self.note(
                        self.after_scripts(at + 1), by_vector=True
                    ):
                        self.directions.append(low)
            elif atoms.is_name(token) and at + 1 < len(self.tokens) and self.tokens[at + 1].value == "'":
                end = at + 1
                while end < len(self.tokens) and self.tokens[end].value == "'":
                    end += 1
                if end < len(self.tokens) and self.tokens[end].value == "(":
                    self.note(at)
            elif (atoms.is_name(token) and self.name(token) in atoms.USUALLY_FUNCTIONS and self.has_several(at)) or (
                self.scope.functions and self.scripted(at)[0] in self.scope.functions
            ):
                self.note(at)
        for name, seen in self.seen.items():
            seen.arguments = list(self.applied(name))
            if name in self.scope.functions and any(self.is_vector(*span) for spans in seen.arguments for span in spans):
                seen.by_vector = True

    def direct(self) -> None:
        """The direction u in D_u f of a declared f(p[n]) is a vector, too."""
        for at, token in enumerate(self.tokens[:-1]):
            if token.value == "D" and token.kind == LETTER and not self.scope.knows("D") and self.tokens[at + 1].value == "_":
                start, stop = self.argument(at + 1)
                operand = self.after_scripts(at + 1)
                f = self.scope.declared.get(self.scripted(operand)[0]) if operand < len(self.tokens) else None
                name, end = self.scripted(start) if start < len(self.tokens) else ("", 0)
                is_one = end == stop and not self.scope.knows(name)
                if is_one and isinstance(f, UnknownFunction) and len(f.parameters) == 1 and f.parameters[0].shape:
                    self.scope.declared[name] = Variable(name, f.parameters[0].shape)
                    self.scope.local.add(name)
                    self.scope.warn(f"{name} is not declared: it is read as a vector, {self.scope.declared[name]}.")

    def is_vector(self, start: int, stop: int) -> bool:
        """Is there a vector in the span, declared or bold?"""
        return any(t.font == "bf" or self.scope.rank(self.scripted(start + k)[0]) == 1 for k, t in enumerate(self.tokens[start:stop]))

    def has_several(self, at: int) -> bool:
        """`f(x, y)`: no product has a comma."""
        end = self.scripted(at)[1]
        is_applied = end < len(self.tokens) and self.tokens[end].kind == SYMBOL and self.tokens[end].value == "("
        return is_applied and len(self.split((end + 1, self.closing(end)), (",", ";"))) > 1

    def note(self, at: int, by_vector: bool = False) -> _Seen | None:
        """The letter at `at` is derived, if nothing declares it."""
        if at >= len(self.tokens) or not atoms.is_name(self.tokens[at]):
            return None
        name, end = self.scripted(at)
        if (
            name in atoms.LETTER_FUNCTIONS
            or self.scope.knows(name)
            or self.scope.knows(self.name(self.tokens[at]))
            or self.tokens[at].head == r"\operatorname"
        ):
            return None
        is_function = end < len(self.tokens) and self.tokens[end].value == "("
        if "_" in name and by_vector and not is_function:
            return None
        seen = self.seen.setdefault(name, _Seen(self.tokens[at]))
        seen.by_vector |= by_vector
        return seen

    def fraction(self, at: int) -> None:
        r"""`\frac{\partial f}{\partial x}`, `\frac{d}{dt} f(…)`."""
        above = self.argument(at)
        if not self.is_differential(above[0]):
            return
        below_at = self.after_group(at) - 1
        below = self.argument(below_at)
        self.fractions |= {above[0], *range(*below)}
        by = self.variables(below)
        operand = self.after_scripts(above[0] + 1)
        is_partial = self.tokens[above[0]].value == r"\partial"
        if operand >= above[1]:
            operand = self.after_group(below_at)
            after = self.scripted(operand)[1] if operand < len(self.tokens) else operand
            if after >= len(self.tokens) or self.tokens[after].value != "(":
                return
        seen = self.note(operand) if by else None
        if seen is not None and operand < above[1]:
            into = seen.partial if is_partial else seen.total
            into += [name for name in by if name not in into]

    def variables(self, span: Span) -> list[str]:
        found, at = [], span[0]
        while at < span[1] and self.is_differential(at) and at + 1 < span[1]:
            name, at = self.scripted(at + 1)
            if not name:
                return []
            found.append(name)
        return found if at == span[1] else []

    def applied(self, name: str) -> Iterator[list[Span]]:
        """The arguments of every call of the letter."""
        for at in range(len(self.tokens)):
            if self.scripted(at)[0] != name:
                continue
            end = self.scripted(at)[1]
            while end < len(self.tokens) and self.tokens[end].value == "'":
                end += 1
            if end < len(self.tokens) and self.tokens[end].kind == SYMBOL and self.tokens[end].value == "(":
                yield self.split((end + 1, self.closing(end)), (",", ";"))

    def split(self, span: Span, signs: Sequence[str]) -> list[Span]:
        cuts, depth = [], 0
        for k in range(*span):
            value = self.tokens[k].value if self.tokens[k].kind == SYMBOL else ""
            depth += (value in ("{", "(", "[")) - (value in ("}", ")", "]"))
            if depth == 0 and value in signs:
                cuts.append(k)
        ends = [span[0] - 1, *cuts, span[1]]
        return [(a + 1, b) for a, b in pairwise(ends) if b > a + 1]

    # ---- what is declared

    def declare(self) -> None:
        """The functions of numbers, then those of vectors with the vectors."""
        functions: list[UnknownFunction] = []
        vectors: list[str] = []
        for name, seen in self.seen.items():
            counts = {len(arguments) for arguments in seen.arguments}
            if len(counts) > 1:
                self.refuse_count(name, seen)
            count = counts.pop() if counts else 0
            if seen.by_vector and count <= 1 and not seen.partial:
                vectors.append(name)
                continue
            parameters = self.parameters(seen, count)
            if not parameters:
                return
            self.refuse_total(name, seen, parameters)
            functions.append(UnknownFunction(name, tuple(Variable(parameter, ()) for parameter in parameters)))
        shape = self.shape(vectors) if vectors else ()
        made = self.arrays(vectors, shape) if vectors else []
        if shape is None or made is None:
            return
        for name in vectors:
            parameter = Variable(self.parameter(self.seen[name], {v.name for v in made}), shape)
            functions.append(UnknownFunction(name, (parameter,)))
            if not self.seen[name].arguments and parameter not in made:
                made.append(parameter)
        for function in functions:
            self.scope.declared[function.name] = function
            self.scope.warn(f"{function.name} is not declared: it is read as an unknown differentiable function, {function}.")
        for variable in made:
            self.scope.declared[variable.name] = variable
            self.scope.warn(f"{variable.name} is not declared: it is read as a vector, {variable}.")
        self.scope.local |= {function.name for function in functions} | {variable.name for variable in made}

    def parameters(self, seen: _Seen, count: int) -> list[str]:
        """The names of the parameters, all of them numbers."""
        if not count:
            return self.slots(seen.partial or seen.total)
        for arguments in seen.arguments:
            names = [self.scripted(start)[0] if self.scripted(start)[1] == stop else "" for start, stop in arguments]
            if all(names) and len(set(names)) == count:
                return names
        return [f"{seen.token.value.removeprefix(chr(92))}{k}" for k in range(1, count + 1)]

    def slots(self, by: list[str]) -> list[str]:
        r"""What a function is derived by, without what it depends on through another: w in L(z(w)), for \frac{\partial L}{\partial z}."""
        inner: set[str] = set()
        waiting = [name for name in by if name in self.seen]
        while waiting:
            seen = self.seen[waiting.pop()]
            fresh = {*seen.partial, *seen.total} - inner
            inner |= fresh
            waiting += [name for name in fresh if name in self.seen]
        return [name for name in by if name not in inner] or by

    def refuse_count(self, name: str, seen: _Seen) -> NoReturn:
        """A function that has two arguments here, and one there."""
        first = len(seen.arguments[0])
        other = next(arguments for arguments in seen.arguments if len(arguments) != first)
        start, end = (self.tokens[other[0][0]].start, self.tokens[other[-1][1] - 1].end) if other else (seen.token.start, seen.token.end)
        reason = f"{name} takes {first} argument{'' if first == 1 else 's'} before, and {len(other)} here."
        hint = "A function has one number of arguments: separate them with commas, or declare it as one of a vector, f(x[n])."
        raise FormulaError(reason, hint=hint).at(self.text, start, end)

    def refuse_total(self, name: str, seen: _Seen, parameters: list[str]) -> None:
        r"""`\frac{df}{dx}` of f(x(h), y(h)): the partial derivative is meant, and the total one is written."""
        moving = [by for by in seen.total if by in self.seen]
        if moving and len(parameters) > 1:
            written = rf"\frac{{d{name}}}{{d{moving[0]}}}"
            reason = f"{written} could be the partial or the total derivative: {moving[0]} depends on another variable."
            hint = rf"Write the partial derivative: \frac{{\partial {name}}}{{\partial {moving[0]}}}."
            raise FormulaError(reason, hint=hint).at(self.text, seen.token.start, seen.token.end)

    def shape(self, vectors: list[str]) -> Shape | None:
        """The shape of the arguments: that of a declared array among them, else (n) with a new name; None where one is a number."""
        spans = [span for name in vectors for arguments in self.seen[name].arguments for span in arguments] + self.directions
        shape: Shape | None = None
        for start, stop in spans:
            for at in range(start, stop):
                rank = self.scope.rank(self.scripted(at)[0])
                if rank == 1 and shape is None:
                    shape = self.scope.declared[self.scripted(at)[0]].shape  # type: ignore[union-attr]
            if stop == start + 1 and (self.tokens[start].kind == NUMBER or self.scope.rank(self.name(self.tokens[start])) == 0):
                return None
        if shape is not None:
            return shape
        taken = {self.name(token) for token in self.tokens} | self.scope.sizes | set(self.scope.declared)
        return (Dimension.of(next(letter for letter in ("n", "m", "d", "N", "k", "n_1") if letter not in taken)),)

    def parameter(self, seen: _Seen, vectors: set[str]) -> str:
        for arguments in seen.arguments:
            for start, stop in arguments:
                name, end = self.scripted(start)
                if name in vectors and end == stop:
                    return name
        taken = {self.name(token) for token in self.tokens} | self.scope.sizes | set(self.scope.declared)
        return next(letter for letter in ("x", "y", "p", "x_1") if letter not in taken)

    def arrays(self, vectors: list[str], shape: Shape | None) -> list[Variable] | None:
        """The undeclared names that are vectors: directions, points, terms of points, letters in bold."""
        spans = [span for name in vectors for arguments in self.seen[name].arguments for span in arguments]
        found: list[str] = []

        def add(name: str) -> None:
            if name and not self.scope.knows(name) and name not in self.seen and name not in found:
                found.append(name)

        for start, stop in self.directions:
            if self.scripted(start)[1] == stop:
                add(self.scripted(start)[0])
        for span in spans:
            for start, stop in self.split(span, ("+", "-")):
                if self.scripted(start)[1] == stop:
                    add(self.scripted(start)[0])
        for at in range(len(self.tokens)):
            if self.tokens[at].value == r"\nabla":
                add(self.beside(at, vectors))
        for at, token in enumerate(self.tokens):
            if token.font == "bf" and token.kind != NUMBER:
                add(self.scripted(at)[0])
        if not spans and self.is_open({*found, *vectors}):
            return None
        return [Variable(name, shape or ()) for name in found]

    def beside(self, at: int, vectors: list[str]) -> str:
        r"""The u of `\nabla f(x)^\top u`, `\nabla f(x) \cdot u`."""
        name, at = self.scripted(self.after_scripts(at + 1))
        if name not in vectors or at >= len(self.tokens):
            return ""
        if self.tokens[at].value == "(":
            at = self.closing(at) + 1
        before = at
        at = self.after_scripts(at)
        if at < len(self.tokens) and self.tokens[at].value == r"\cdot":
            at += 1
        return self.scripted(at)[0] if before < at < len(self.tokens) else ""

    def is_open(self, known: set[str]) -> bool:
        """Of a function without a point, is there another name whose meaning nothing says?"""
        names = {self.scripted(at)[0] for at, token in enumerate(self.tokens) if atoms.is_name(token) and token.value not in ("d", "D")}
        return any(not self.scope.knows(name) and name not in known for name in names if name)
