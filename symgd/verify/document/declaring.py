r"""The first round through a document: what it declares, since "where $A$ is a matrix" may stand behind the formula.

Let $A \in \mathbb{R}^{m \times n}$ be symmetric       types, with what the words around them say
for $t > 0$; $0 < p < 1$                              ranges, in the sentence or, after "let", from here on
$f : \mathbb{R}^n \to \mathbb{R}$; $f$ is smooth       unknown functions
$x_1 = x_1(h)$                                        an unknown function of h
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from symgd.errors import SymgdError
from symgd.language.declarations import Definition, UnknownFunction, Variable, parse_declarations
from symgd.language.latex import atoms
from symgd.language.latex import given as latex_given
from symgd.language.latex.scope import Scope
from symgd.language.latex.tokens import GREEK
from symgd.language.limits import Limits
from symgd.verify.document import words
from symgd.verify.document.entries import Place, Stated, Unread
from symgd.verify.document.heads import calls, name_at, single_name
from symgd.verify.document.ledger import Ledger
from symgd.verify.document.statements import Statements

_DOTS = re.compile(r"\s*,\s*(?:\\(?:dots|ldots|cdots|dotsc|dotsb)(?![A-Za-z])|…|\.\.\.)\s*,\s*(\\?[A-Za-z]+|\d+)?")
_FAMILY = re.compile(r"\s*(.*[A-Za-z}])\s*(?:_\{?\s*([ijkl])\s*\}?|\^\{\s*\(\s*([ijkl])\s*\)\s*\})\s*", re.DOTALL)
_ORDER = ("<", ">", "<=", ">=")


@dataclass(frozen=True, slots=True)
class _Sample:
    """`x_i \\in \\mathbb{R}^d`: the type of one of many, and the index that counts them."""

    variable: Variable
    index: str
    sentence: int
    stated: Stated


class Declaring:
    """Reads the declarations into the ledger. `statements` holds the ids of statements that only declare, `functions` the names of
    functions without a type: how many variables they have, 0 where that is not said."""

    def __init__(self, found: Statements, ledger: Ledger, given: str | Mapping[str, str], limits: Limits) -> None:
        self.ledger, self.limits, self.faults = ledger, limits, found.faults
        self.functions: dict[str, int] = {}
        self.statements: set[int] = set()
        self.samples: list[_Sample] = []
        self.compositions: dict[int, str] = {}  # the f of y = f(u), by the statement's id
        self.ranges: dict[tuple[int, str], str] = {}  # by sentence and index, the end of i = 1, …, n
        ledger.base.declared |= latex_given.parse_declarations(given, limits, ledger.base).declared
        for text, place in found.givens:
            self._given(text, place)
        for stated in found.stated:
            if stated.syntax == "latex" and not self._range(stated):
                self._declare(stated)
        for sample in self.samples:
            self._family(sample)
        self._note_applied(found.stated)

    def _given(self, text: str, place: Place) -> None:
        """Declarations in the infix language, or in LaTeX spelling."""
        try:
            declared = parse_declarations(text, self.limits)
        except SymgdError as error:
            try:
                declared = tuple(_parsed(text, self.limits, self.ledger.base))
            except SymgdError:
                self.faults.append(Unread(place, f"these declarations are not read: {error.reason} {error.hint}".strip()))
                return
        for declaration in declared:
            self.ledger.add(declaration, place.sentence)

    def _declare(self, stated: Stated) -> None:
        """What a statement, and the words around it, say of the types of names."""
        statement = stated.statement
        signs = [relation.sign for relation in statement.relations]
        if signs in (["∈"], ["→"]) or (len(signs) == 1 and signs[0] in _ORDER and self._is_range(stated)):
            self._by_relation(stated, signs[0])
            return
        if len(signs) == 2 and all(sign in ("<", "<=") for sign in signs) and (words.is_condition(stated.before) or statement.word):
            self._between(stated)
            return
        if self._by_itself(stated):
            return
        name = single_name(statement, self.ledger.base)
        if signs:
            self._note_calls(stated)
        if name is None:
            return
        arity = words.function_of(stated.before, stated.after)
        if arity is not None and not signs:
            self.functions.setdefault(name, arity)
        if arity is None:
            self._describe(stated, name)

    def _range(self, stated: Stated) -> bool:
        r"""`i = 1, \dots, n`: where an index runs, and no definition."""
        statement, text = stated.statement, stated.passage.text
        index = single_name(statement, self.ledger.base)
        goes_on = _DOTS.match(text, statement.end)
        if index is None or [r.sign for r in statement.relations] != ["="] or goes_on is None:
            return False
        self.ranges[stated.sentence.number, index] = goes_on[1]
        self.statements.add(id(statement))
        return True

    def _family(self, sample: _Sample) -> None:
        r"""`x_i \in \mathbb{R}^d`: the rows of an array, which is X or x where one of fitting shape is declared, else is declared here."""
        base = sample.variable
        for name in (base.name, base.name.upper()):
            known = self.ledger.at(name, sample.sentence)
            if isinstance(known, Variable) and known.shape[1:] == base.shape and known.shape:
                if name != base.name:
                    self.ledger.base.rows[base.name] = name
                return
        end = self.ranges.get((sample.sentence, sample.index), "")
        size = end if re.fullmatch(r"[A-Za-z]|[1-9]\d*", end) else "N"
        made = self._made(rf"{base.name} \in \mathbb{{R}}^{{{size}}}", sample.stated)
        for variable in made:
            if isinstance(variable, Variable):
                self.ledger.add(replace(base, shape=(*variable.shape, *base.shape)), sample.sentence)

    def _is_range(self, stated: Stated) -> bool:
        """`t > 0` as a declaration: after "for", or in the text where nothing says that it follows."""
        if single_name(stated.statement, self.ledger.base) is None:
            return False
        said = words.is_condition(stated.before) or bool(stated.statement.word)
        return said or (
            not stated.passage.display
            and re.fullmatch(r"\s*-?[\d.]+\s*", stated.statement.members[1].text) is not None
            and not words.asserts(stated.before)
        )

    def _describe(self, stated: Stated, name: str) -> None:
        found = words.properties(stated.before, stated.after)
        number = stated.sentence.number
        if found and (self.ledger.at(name, number) is not None or not stated.statement.relations):
            self.ledger.describe(name, found, number, number if words.is_tentative(stated.before, stated.after) else None)

    def _between(self, stated: Stated) -> None:
        """`0 < p < 1`: a range."""
        low, middle, high = stated.statement.members
        opening, closing = ("[" if r.sign == "<=" else "(" for r in stated.statement.relations)
        written = rf"{middle.text} \in {opening}{low.text}, {high.text}{']' if closing == '[' else ')'}"
        until = None if words.defines(stated.before) else stated.sentence.number
        for declaration in self._made(written, stated):
            if isinstance(declaration, Variable):
                self.ledger.describe(declaration.name, declaration.properties, stated.sentence.number, until)
        self.statements.add(id(stated.statement))

    def _made(self, written: str, stated: Stated) -> list[Variable | Definition | UnknownFunction]:
        try:
            return list(_parsed(written, self.limits, self.ledger.base))
        except SymgdError as error:
            self.faults.append(Unread(stated.place, f"this declaration is not read: {error.reason}"))
            return []

    def _by_relation(self, stated: Stated, sign: str) -> None:
        statement, number = stated.statement, stated.sentence.number
        text = stated.passage.text[statement.start : statement.end]
        if sign == "→":
            self._mapping(stated)
            return
        self.statements.add(id(statement))
        until = None if words.defines(stated.before) else number
        for name_text in self._listed(stated):
            rest = text[statement.members[0].end - statement.start :]
            family = _FAMILY.fullmatch(name_text) if sign == "∈" else None
            made = self._made((family[1] if family else name_text) + rest, stated)
            if not made:
                return
            if family:
                index = family[2] or family[3]
                self.samples += [_Sample(one, index, number, stated) for one in made if isinstance(one, Variable)]
                continue
            for declaration in made:
                if sign == "∈" or self.ledger.at(declaration.name, number) is None:
                    self.ledger.add(declaration, number, None if sign == "∈" else until)
                elif isinstance(declaration, Variable):
                    self.ledger.describe(declaration.name, declaration.properties, number, until)
                if isinstance(declaration, Variable) and sign == "∈":
                    found = words.properties(stated.before, stated.after)
                    if found:
                        self.ledger.describe(declaration.name, found, number)

    def _listed(self, stated: Stated) -> Iterator[str]:
        """The names of x, y \\in \\mathbb{R}^n: those just before in the same formula, and the one at the relation."""
        mine = stated.neighbours
        first = len(mine) - 1
        while first and not mine[first - 1].relations and single_name(mine[first - 1], self.ledger.base):
            first -= 1
        for other in mine[first:]:
            member = other.members[0]
            yield stated.passage.text[member.start : member.end]

    def _mapping(self, stated: Stated) -> None:
        r"""`f : \mathbb{R}^n \to \mathbb{R}`: an unknown function of a vector."""
        tokens = stated.statement.members[0].tokens
        colon = next((k for k, t in enumerate(tokens) if t.value == ":"), None)
        if colon is None or not atoms.is_name(tokens[0]):
            return
        scope = self.ledger.scope(stated.sentence.number)
        domain = stated.passage.text[tokens[colon].end : stated.statement.members[0].end]
        target = stated.statement.members[1].text.strip()
        self.statements.add(id(stated.statement))
        if re.sub(r"[\s{}]", "", target) not in (r"\mathbbR", r"\mathbbR_+", r"\R"):
            self.faults.append(Unread(stated.place, "only functions with real values are declared so."))
            return
        found = self._made(rf"x \in {domain}", stated)
        parameters = tuple(p for p in found if isinstance(p, Variable))
        if parameters:
            self.ledger.add(UnknownFunction(scope.resolve(tokens[0]), parameters), stated.sentence.number)

    def _note_calls(self, stated: Stated) -> None:
        """A name before a list of several names, f(x, y), is a function: a product with a list means nothing."""
        for member in stated.statement.members:
            for name, parameters in calls(member.tokens, self.ledger.base):
                if len(parameters) > 1 and not self.ledger.is_declared(name):
                    self.functions.setdefault(name, len(parameters))
        self._note_composition(stated)

    def _note_applied(self, stated: list[Stated]) -> None:
        """A letter that stands before a vector in brackets wherever it stands, the p of log p(x), is a function."""
        scope = self.ledger.base
        applied: dict[str, int] = {}
        counts: dict[str, int] = {}
        for one in stated:
            for member in one.statement.members if one.syntax == "latex" else ():
                for k in range(len(member.tokens)):
                    if (named := name_at(member.tokens, k, scope)) is not None:
                        counts[named[0]] = counts.get(named[0], 0) + 1
                for name, parameters in calls(member.tokens, scope):
                    known = self.ledger.at(parameters[0], one.sentence.number) if len(parameters) == 1 else None
                    is_letter = len(name) == 1 or name in GREEK
                    if is_letter and name not in atoms.LETTER_FUNCTIONS and isinstance(known, Variable) and len(known.shape) == 1:
                        applied[name] = applied.get(name, 0) + 1
        for name, times in applied.items():
            if times == counts.get(name) and not self.ledger.is_declared(name):
                self.functions.setdefault(name, 1)

    def _note_composition(self, stated: Stated) -> None:
        """`y = f(u)`: what is usually a function is one."""
        statement, scope = stated.statement, self.ledger.base
        if len(statement.relations) != 1 or single_name(statement, scope) is None:
            return
        right = statement.members[1]
        call = next(calls(right.tokens, scope), None)
        is_all = call is not None and re.fullmatch(r"\s*\\?[A-Za-z]+\s*\([^()]*\)\s*", right.text) is not None
        if call is not None and is_all and call[0] in atoms.USUALLY_FUNCTIONS and not self.ledger.is_declared(call[0]):
            self.functions.setdefault(call[0], len(call[1]))
            if len(call[1]) == 1:
                self.compositions[id(statement)] = call[0]

    def _by_itself(self, stated: Stated) -> bool:
        """`x_1 = x_1(t)`: an unknown function of t."""
        statement = stated.statement
        name = single_name(statement, self.ledger.base)
        if name is None or [r.sign for r in statement.relations] != ["="]:
            return False
        call = next(calls(statement.members[1].tokens, self.ledger.base), None)
        if call is None or call[0] != name or not statement.members[1].text.rstrip().endswith(")"):
            return False
        self.ledger.add(UnknownFunction(name, self.parameters(call[1], stated.sentence.number)), stated.sentence.number)
        self.statements.add(id(statement))
        return True

    def parameters(self, names: tuple[str, ...], place: int) -> tuple[Variable, ...]:
        """The names of a call as parameters, of the shapes that they have there."""
        known = [self.ledger.at(name, place) for name in names]
        return tuple(Variable(name, d.shape if isinstance(d, Variable) else ()) for name, d in zip(names, known))


def _parsed(text: str, limits: Limits, base: Scope) -> Iterator[Variable | Definition | UnknownFunction]:
    yield from latex_given.parse_declarations(text, limits, base).declared.values()
