r"""From the sentences of a document to its declarations, its definitions and the equations to check.

Two rounds: the first collects what the document declares (types, properties, unknown functions, conditions), since "where A is …" may
stand behind the formula; the second goes through the statements in order, defines names and lists the equations.

A statement with = is a definition where its head is a fresh name (`f(x) = …`, `L = …`) or where := or the words say so; a number for a
name in the text ("at x = 1") is a condition on its sentence; everything else with = is a claim, one for every =.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from symgd.errors import FormulaError, SymgdError
from symgd.language import infix
from symgd.language.declarations import Definition, UnknownFunction, Variable, parse_declarations
from symgd.language.latex import atoms, reader
from symgd.language.latex import given as latex_given
from symgd.language.latex.chains import Member, Relation, Statement, prepared, statements_of
from symgd.language.latex.macros import macros_in
from symgd.language.latex.scope import Scope
from symgd.language.latex.tokens import COMMAND, END, FAULT, NUMBER, SYMBOL, Token
from symgd.language.limits import Limits
from symgd.verify.document import infix_statements, words
from symgd.verify.document.ledger import Ledger
from symgd.verify.document.passages import GIVEN, INFIX, MACROS, MATH, SKIPPED, Passage
from symgd.verify.document.sentences import Sentence, Words

_CUES = re.compile(r"=|\\(?:leq?|geq?|neq?|approx|propto|equiv|in|lt|gt|triangleq|coloneqq)(?![A-Za-z])|[<>≤≥≠≈∈]")
_ORDER = {"<": "<", ">": ">", "<=": "<=", ">=": ">="}
_EQUALS = ("=", "≡")
_DEFINES = (":=", "←")
_MENTION = 40  # characters: a longer formula without a relation is not a name of something


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: `passage.text[start:end]`, in a sentence."""

    passage: Passage
    start: int
    end: int
    sentence: int


@dataclass(frozen=True, slots=True)
class Equation:
    """A link of a chain to be checked: `text` is the equation, padded so that places in it are places in the passage (`is_placed`).

    `names` are those in it, `unknown` the functions without a definition.
    """

    text: str
    place: Place
    syntax: str
    names: tuple[str, ...]
    unknown: tuple[UnknownFunction, ...] = ()
    is_placed: bool = True


@dataclass(frozen=True, slots=True)
class Defined:
    """A definition, or a condition, that was read. `link` is set where its text goes on, a := b = c: a claim that needs no check."""

    name: str
    place: Place
    holds: str
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """What is not checked, and why; `error` where it looks like an equation and cannot be read."""

    place: Place
    why: str
    error: SymgdError | None = None


Entry = Equation | Defined | Unread


@dataclass(frozen=True, slots=True)
class _Stated:
    """A statement with what stands around it."""

    statement: Statement
    passage: Passage
    sentence: Sentence
    before: str
    after: str
    syntax: str = "latex"


class Reading:
    """Reads the sentences; `entries` are what it found, in order. `ledger` then knows every declaration."""

    def __init__(self, ledger: Ledger, sentences: list[Sentence], given: str | Mapping[str, str], limits: Limits) -> None:
        self.ledger, self.limits = ledger, limits
        self.functions: dict[str, int] = {}  # names of unknown functions: how many variables they have, 0 where that is not said
        self.givens: list[tuple[str, Place]] = []
        self.declaring: set[int] = set()  # statements that only declare
        self.faults: list[Unread] = []
        self.previous: tuple[str, Place] | None = None
        self.stated = [stated for sentence in sentences for stated in self._statements(sentence)]
        self._note_fonts()
        ledger.base.declared |= latex_given.parse_declarations(given, limits, ledger.base).declared
        for text, place in self.givens:
            self._given(text, place)
        for stated in self.stated:
            self._declare(stated)
        self.entries = sorted(self._all(sentences), key=_order)

    # ---- the first round: statements and declarations

    def _note_fonts(self) -> None:
        """Fonts that tell names apart in the whole document."""
        tokens = [t for stated in self.stated for member in stated.statement.members for t in member.tokens]
        self.ledger.base.fonts.note(tokens)

    def _statements(self, sentence: Sentence) -> Iterator[_Stated]:
        for k, item in enumerate(sentence.items):
            if isinstance(item, Words):
                continue
            place = Place(item, 0, len(item.text), sentence.number)
            try:
                if item.kind == MATH:
                    tokens = prepared(item.text, self.limits, self.ledger.base.macros)
                    found = statements_of(tokens, item.text)
                    for number, statement in enumerate(found):
                        before = sentence.before(k) if number == 0 else _between(item.text, found[number - 1], statement)
                        after = sentence.after(k) if number == len(found) - 1 else _between(item.text, statement, found[number + 1])
                        yield _Stated(statement, item, sentence, before, after)
                elif item.kind == INFIX:
                    yield from self._block(item, sentence)
                elif item.kind == GIVEN:
                    self.givens.append((item.text, place))
                elif item.kind == MACROS:
                    self.ledger.base.macros |= macros_in(item.text, self.limits)
                elif item.kind == SKIPPED and item.why:
                    self.faults.append(Unread(place, item.why))
            except SymgdError as error:
                is_claim = item.kind == MATH and "=" in item.text
                self.faults.append(Unread(place, error.reason, error if is_claim else None))

    def _block(self, passage: Passage, sentence: Sentence) -> Iterator[_Stated]:
        for is_given, start, end in infix_statements.blocks(passage.text):
            place = Place(passage, start, end, sentence.number)
            try:
                if is_given:
                    self.givens.append((passage.text[start:end], place))
                else:
                    found = infix_statements.statement(passage.text, start, end, self.limits)
                    yield _Stated(found, passage, sentence, "", "", "infix")
            except SymgdError as error:
                self.faults.append(Unread(place, error.reason))

    def _given(self, text: str, place: Place) -> None:
        """Declarations in the infix language, or in LaTeX spelling."""
        try:
            declared = parse_declarations(text, self.limits)
        except SymgdError as error:
            try:
                declared = tuple(_parsed_given(text, self.limits, self.ledger.base))
            except SymgdError:
                self.faults.append(Unread(place, f"these declarations are not read: {error.reason} {error.hint}".strip()))
                return
        for declaration in declared:
            self.ledger.add(declaration, place.sentence)

    def _declare(self, stated: _Stated) -> None:
        """What a statement, and the words around it, say of the types of names."""
        if stated.syntax == "infix":
            return
        statement, number = stated.statement, stated.sentence.number
        signs = [relation.sign for relation in statement.relations]
        if signs in (["∈"], ["→"]) or (len(signs) == 1 and signs[0] in _ORDER and (words.is_condition(stated.before) or statement.word)):
            self._declared_by_relation(stated, signs[0])
            return
        if len(signs) == 2 and all(sign in ("<", "<=") for sign in signs) and (words.is_condition(stated.before) or statement.word):
            self._declared_between(stated)
            return
        if self._note_itself(stated):
            return
        name = self._single_name(statement)
        if signs:
            self._note_calls(stated)
        if name is None:
            return
        arity = words.function_of(stated.before, stated.after)
        if arity is not None and not signs:
            self.functions.setdefault(name, arity)
        if arity is None:
            self._describe(stated, name)

    def _describe(self, stated: _Stated, name: str) -> None:
        found = words.properties(stated.before, stated.after)
        if found and (self.ledger.at(name, stated.sentence.number) is not None or not stated.statement.relations):
            self.ledger.describe(name, found, stated.sentence.number)

    def _declared_between(self, stated: _Stated) -> None:
        """`0 < p < 1`: a range."""
        low, middle, high = stated.statement.members
        opening, closing = ("[" if r.sign == "<=" else "(" for r in stated.statement.relations)
        written = rf"{middle.text} \in {opening}{low.text}, {high.text}{']' if closing == '[' else ')'}"
        try:
            made = list(_parsed_given(written, self.limits, self.ledger.base))
        except SymgdError as error:
            self.faults.append(Unread(_place(stated), f"this declaration is not read: {error.reason}"))
            made = []
        until = None if words.defines(stated.before) else stated.sentence.number
        for declaration in made:
            if isinstance(declaration, Variable):
                self.ledger.describe(declaration.name, declaration.properties, stated.sentence.number, until)
        self.declaring.add(id(stated.statement))

    def _declared_by_relation(self, stated: _Stated, sign: str) -> None:
        statement, number = stated.statement, stated.sentence.number
        text = stated.passage.text[statement.start : statement.end]
        if sign == "→":
            self._mapping(stated)
            return
        for name_text in self._listed(stated):
            written = name_text + text[statement.members[0].end - statement.start :]
            try:
                made = list(_parsed_given(written, self.limits, self.ledger.base))
            except SymgdError as error:
                self.faults.append(Unread(_place(stated), f"this declaration is not read: {error.reason}"))
                self.declaring.add(id(statement))
                return
            for declaration in made:
                if sign == "∈" or self.ledger.at(declaration.name, number) is None:
                    until = None if sign == "∈" or words.defines(stated.before) else number
                    self.ledger.add(declaration, number, until)
                elif isinstance(declaration, Variable):
                    self.ledger.describe(declaration.name, declaration.properties, number, None if words.defines(stated.before) else number)
                if isinstance(declaration, Variable) and sign == "∈":
                    found = words.properties(stated.before, stated.after)
                    if found:
                        self.ledger.describe(declaration.name, found, number)
        self.declaring.add(id(statement))

    def _listed(self, stated: _Stated) -> Iterator[str]:
        """The names of x, y \\in \\mathbb{R}^n: those just before in the same formula, and the one at the relation."""
        mine = [s for s in self.stated if s.passage is stated.passage]
        at = next(k for k, s in enumerate(mine) if s.statement is stated.statement)
        first = at
        while first and not mine[first - 1].statement.relations and self._single_name(mine[first - 1].statement):
            first -= 1
        for other in mine[first : at + 1]:
            member = other.statement.members[0]
            yield stated.passage.text[member.start : member.end]

    def _mapping(self, stated: _Stated) -> None:
        r"""`f : \mathbb{R}^n \to \mathbb{R}`: an unknown function of a vector."""
        tokens = stated.statement.members[0].tokens
        colon = next((k for k, t in enumerate(tokens) if t.value == ":"), None)
        if colon is None or not atoms.is_name(tokens[0]):
            return
        scope = self.ledger.scope(stated.sentence.number)
        domain = stated.passage.text[tokens[colon].end : stated.statement.members[0].end]
        target = stated.statement.members[1].text.strip()
        self.declaring.add(id(stated.statement))
        if re.sub(r"[\s{}]", "", target) not in (r"\mathbbR", r"\mathbbR_+", r"\R"):
            self.faults.append(Unread(_place(stated), "only functions with real values are declared so."))
            return
        try:
            found = list(_parsed_given(rf"x \in {domain}", self.limits, self.ledger.base))
        except SymgdError as error:
            self.faults.append(Unread(_place(stated), f"this declaration is not read: {error.reason}"))
            return
        name = scope.resolve(tokens[0])
        parameters = tuple(p for p in found if isinstance(p, Variable))
        self.ledger.add(UnknownFunction(name, parameters), stated.sentence.number)

    def _single_name(self, statement: Statement) -> str | None:
        """The name that a statement consists of, or begins a relation with."""
        scope = self.ledger.base
        tokens = [t for t in statement.members[0].tokens if t.kind != END]
        found = _name_at(tokens, 0, scope)
        return found[0] if found and found[1] == len(tokens) else None

    def _note_calls(self, stated: _Stated) -> None:
        """A name before a list of several names, f(x, y), is a function: a product with a list means nothing; so is x in x = x(t)."""
        statement = stated.statement
        for member in statement.members:
            for name, parameters in _calls(member.tokens, self.ledger.base):
                if len(parameters) > 1 and not self.ledger.is_declared(name):
                    self.functions.setdefault(name, len(parameters))

    def _note_itself(self, stated: _Stated) -> bool:
        """`x_1 = x_1(t)`: an unknown function of t."""
        statement, name = stated.statement, self._single_name(stated.statement)
        if name is None or [r.sign for r in statement.relations] != ["="]:
            return False
        call = next(_calls(statement.members[1].tokens, self.ledger.base), None)
        if call is None or call[0] != name or not statement.members[1].text.rstrip().endswith(")"):
            return False
        self.ledger.add(UnknownFunction(name, self._parameters(call[1], stated.sentence.number)), stated.sentence.number)
        self.declaring.add(id(statement))
        return True

    def _parameters(self, names: tuple[str, ...], place: int) -> tuple[Variable, ...]:
        known = [self.ledger.at(name, place) for name in names]
        return tuple(Variable(name, d.shape if isinstance(d, Variable) else ()) for name, d in zip(names, known))

    def _unknown_functions(self, stated: _Stated, scope: Scope) -> dict[str, UnknownFunction]:
        """Functions without a definition, with the parameters of the nearest call by names: in the statement, the sentence, or before."""
        place = stated.sentence.number
        near = [s for s in self.stated if s.sentence is stated.sentence and s is not stated]
        before = [s for s in self.stated if s.sentence.number < place]
        found: dict[str, UnknownFunction] = {}
        for name, arity in self.functions.items():
            if scope.declared.get(name) is not None:
                continue
            for other in (stated, *near, *reversed(before)):
                calls = [c[1] for m in other.statement.members for c in _calls(m.tokens, self.ledger.base) if c[0] == name]
                if not calls:
                    continue
                call = next((c for c in calls if len(c) == arity), calls[0])
                parameters = self._parameters(call, place)
                if len(parameters) > 1 or any(p.shape for p in parameters):
                    found[name] = UnknownFunction(name, parameters)
                break  # f(x) of an x without a shape: the formula itself tells whether it is a number
        return found

    def _head(self, stated: _Stated, scope: Scope) -> tuple[str, tuple[str, ...]] | None:
        """The name and parameters that a statement could define."""
        statement = stated.statement
        if not statement.relations or statement.relations[0].sign not in (*_EQUALS, *_DEFINES) or id(statement) in self.declaring:
            return None
        if stated.syntax == "infix":
            return infix_statements.head_of(statement.members[0], self.limits)
        head = reader.head_of(statement.members[0], scope)
        return (head[0], head[1]) if head else None

    # ---- the second round: definitions and claims

    def _all(self, sentences: list[Sentence]) -> Iterator[Entry]:
        for stated in self.stated:
            if id(stated.statement) not in self.declaring:
                yield from self._read(stated)
        yield from self.faults
        for sentence in sentences:
            yield from self._prose(sentence)

    def _prose(self, sentence: Sentence) -> Iterator[Entry]:
        """A sentence that claims something in words is not checked, and told so."""
        spoken = [item for item in sentence.items if isinstance(item, Words)]
        formulas = [item for item in sentence.items if not isinstance(item, Words)]
        if not spoken or any(f.display or _CUES.search(f.text) for f in formulas):
            return
        if words.is_claim(" ".join(item.text for item in spoken)):
            first = sentence.items[0]
            text = first.source.text
            start = first.start
            while start < len(text) and text[start].isspace():
                start += 1
            last = sentence.items[-1]
            end = last.start + len(last.text)
            passage = Passage(MATH, text[start:end], start, first.source)
            yield Unread(
                Place(passage, 0, end - start, sentence.number), "a statement in words: write it as an equation to have it checked."
            )

    def _read(self, stated: _Stated) -> Iterator[Entry]:
        statement, number = stated.statement, stated.sentence.number
        if not statement.relations:
            return
        first = 0
        scope = self.ledger.scope(number)
        scope.declared |= (unknown := self._unknown_functions(stated, scope))
        head = self._head(stated, scope)
        if head is not None and self._is_definition(stated, head, scope):
            holds = self._holds(stated, head)
            yield from self._define(stated, head, scope, holds)
            self.previous = (statement.members[-1].text, _place(stated))
            first = 1
        for k in range(first, len(statement.relations)):
            yield self._link(stated, k, tuple(unknown.values()))
        if statement.members[-1].text:
            self.previous = (statement.members[-1].text, _place(stated))

    def _is_definition(self, stated: _Stated, head: tuple[str, tuple[str, ...]], scope: Scope) -> bool:
        name, parameters = head
        sign = stated.statement.relations[0].sign
        said = sign in _DEFINES or stated.statement.word == "where" or words.defines(stated.before)
        known = scope.declared.get(name) if self.ledger.is_known(name, stated.sentence.number) else None
        uses_itself = not parameters and name in self._names(stated, stated.statement.members[1], scope)
        if uses_itself and sign not in _DEFINES:
            return False
        if self._is_value(stated) and not parameters:
            return said or (not stated.passage.display and words.is_condition(stated.before))
        if known is None:
            return name not in scope.sizes
        return said and not (isinstance(known, UnknownFunction) and not parameters and self.ledger.base.declared.get(name) is known)

    def _is_value(self, stated: _Stated) -> bool:
        """Is the right side a number, or a list of numbers?"""
        member = stated.statement.members[1]
        if stated.syntax == "infix":
            return not [t for t in infix_statements.names_in(member, self.limits) if t.value not in ("pi", "e", "E", "sqrt")]
        allowed = (r"\frac", r"\pi", r"\sqrt", r"\top", r"\begin", r"\end", r"\\", r"\dots")
        tokens = [t for t in member.tokens if t.kind != END]
        inner = re.sub(
            r"\\(?:begin|end)\{[a-zA-Z]*matrix\*?\}|\\(?:frac|dfrac|tfrac|sqrt|pi|top|left|right|quad|[,;! ])|[{}]", " ", member.text
        )
        return (
            bool(tokens)
            and not re.search(r"[A-Za-z]", inner.replace("^T", ""))
            and all(t.kind != COMMAND or t.value in allowed for t in tokens)
        )

    def _holds(self, stated: _Stated, head: tuple[str, tuple[str, ...]]) -> int | None:
        """The last sentence in which a definition holds; None: to the end."""
        if head[1] or not self._is_value(stated) or stated.syntax == "infix":
            return None
        if not words.defines(stated.before):
            return stated.sentence.number
        return stated.sentence.paragraph if self._is_variable(head[0]) else None

    def _is_variable(self, name: str) -> bool:
        """Is a name with a value also a variable somewhere: declared, or the parameter of a function?"""
        if self.ledger.is_declared(name):
            return True
        for entries in self.ledger.entries.values():
            for entry in entries:
                d = entry.declaration
                parameters = (
                    d.parameters
                    if isinstance(d, Definition)
                    else tuple(p.name for p in d.parameters)
                    if isinstance(d, UnknownFunction)
                    else ()
                )
                if name in parameters:
                    return True
        return False

    def _define(self, stated: _Stated, head: tuple[str, tuple[str, ...]], scope: Scope, until: int | None) -> Iterator[Entry]:
        name, parameters = head
        statement, text = stated.statement, stated.passage.text
        place = Place(stated.passage, statement.members[0].start, statement.members[1].end, stated.sentence.number)
        try:
            if stated.syntax == "infix":
                body = infix.parse_formula(" " * statement.members[1].start + statement.members[1].text, self.limits)
                made = Definition(name, parameters, body, text)
            else:
                made = reader.definition(name, parameters, statement.members[1], text, self.limits, scope)
        except SymgdError as error:
            self.ledger.entries.pop(name, None)
            self.ledger.broken[name] = stated.passage.source.place(stated.passage.start + place.start)[0]
            yield Unread(place, f"the definition of {name} cannot be read: {error.reason}", error)
            return
        self.ledger.add(made, stated.sentence.number, until)
        holds = "from here on" if until is None else "in this sentence" if until == stated.sentence.number else "in this paragraph"
        yield Defined(name, place, holds, is_link=len(statement.relations) > 1)

    def _link(self, stated: _Stated, k: int, unknown: tuple[UnknownFunction, ...]) -> Entry:
        statement = stated.statement
        relation = statement.relations[k]
        left, right = statement.members[k], statement.members[k + 1]
        place = Place(stated.passage, left.start if left.text else relation.start, right.end, stated.sentence.number)
        if relation.sign not in (*_EQUALS, *_DEFINES):
            return Unread(place, _why_not(relation))
        names = (*self._names(stated, left, self.ledger.base), *self._names(stated, right, self.ledger.base))
        if not left.text:
            if self.previous is None:
                return Unread(place, "the left side is empty, and no formula stands before it.", FormulaError("the left side is empty."))
            return Equation(f"{self.previous[0]} = {right.text}", place, stated.syntax, names, unknown, is_placed=False)
        return Equation(_padded(left, relation, right), place, stated.syntax, names, unknown)

    def _names(self, stated: _Stated, member: Member, scope: Scope) -> tuple[str, ...]:
        """The names that a member uses, as far as tokens tell."""
        if stated.syntax == "infix":
            return tuple(token.value for token in infix_statements.names_in(member, self.limits))
        found = []
        for k, token in enumerate(member.tokens):
            named = _name_at(list(member.tokens), k, scope)
            if named:
                found += [named[0], scope.resolve(token)]
        return tuple(dict.fromkeys(found))


def _padded(left: Member, relation: Relation, right: Member) -> str:
    """The equation with spaces before it, so that places in it are places in the text; `≡` and `:=` become `=`."""
    characters = [" "] * right.end
    for member in (left, right):
        characters[member.start : member.end] = member.text
    gap = right.start - left.end
    characters[left.end : right.start] = "=".center(gap) if gap else "="
    return "".join(characters)


def _why_not(relation: Relation) -> str:
    if relation.sign in ("<", ">", "<=", ">=", "!=", "≪", "≫"):
        return "an inequality: only equations are checked."
    return f"only equations are checked, and this is a relation with {relation.text}."


def _between(text: str, one: Statement, other: Statement) -> str:
    return re.sub(r"\\(?:text|mathrm|mbox|textrm)\{([^}]*)\}", r" \1 ", text[one.end : other.start])


def _place(stated: _Stated) -> Place:
    return Place(stated.passage, stated.statement.start, stated.statement.end, stated.sentence.number)


def _order(entry: Entry) -> tuple[int, int]:
    return entry.place.passage.source.cell or 0, entry.place.passage.start + entry.place.start


def _parsed_given(text: str, limits: Limits, base: Scope) -> Iterator[Variable | Definition | UnknownFunction]:
    yield from latex_given.parse_declarations(text, limits, base).declared.values()


def _name_at(tokens: list[Token] | tuple[Token, ...], k: int, scope: Scope) -> tuple[str, int] | None:
    """The name that begins at token k, with its subscript, and the place behind it."""
    if k >= len(tokens) or not atoms.is_name(tokens[k]) or tokens[k].kind == FAULT:
        return None
    name, at = scope.resolve(tokens[k]), k + 1
    if at + 1 < len(tokens) and tokens[at].kind == SYMBOL and tokens[at].value == "_":
        if tokens[at + 1].value == "{":
            close = next((j for j in range(at + 2, len(tokens)) if tokens[j].value == "}"), len(tokens))
            suffix, after = atoms._suffix(list(tokens[at + 2 : close])), close + 1
        else:
            suffix, after = atoms._suffix([tokens[at + 1]]), at + 2
        if suffix:
            return f"{name}_{suffix}", min(after, len(tokens))
    return name, at


def _calls(tokens: tuple[Token, ...], scope: Scope) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Calls of names with names: f(x, y)."""
    for k in range(len(tokens)):
        head = _name_at(tokens, k, scope)
        if head is None or head[1] >= len(tokens) or tokens[head[1]].value != "(":
            continue
        at, names = head[1] + 1, list[str]()
        while (found := _name_at(tokens, at, scope)) is not None and found[1] < len(tokens):
            names.append(found[0])
            at = found[1]
            if tokens[at].value == ")":
                yield head[0], tuple(names)
                break
            if tokens[at].value not in (",", ";"):
                break
            at += 1


__all__ = ["NUMBER", "Defined", "Entry", "Equation", "Place", "Reading", "Unread"]
