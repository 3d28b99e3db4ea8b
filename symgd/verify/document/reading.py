r"""The second round through a document: its statements in order, as definitions, conditions and equations to check.

$f(x) = x^2$, $L := …$                       defines a fresh name; anew behind a heading, or after "let"
at $x = 1$, with $w = (1, 2)$                a value, which holds in its sentence; after "let" in its paragraph
$w \leftarrow w - \alpha g$, $a_{k+1} = 2 a_k$  an update: not checked
if $\|u\| = 1$; setting $\nabla L = 0$       holds for some values only: not checked, and what depends on it is not refuted
$a = b \Rightarrow c = d$                    a is claimed where it is a definition; else neither side is
everything else with =                       a claim, one for every =
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from symgd.errors import FormulaError, SymgdError
from symgd.language import infix
from symgd.language.declarations import Declaration, Definition, UnknownFunction, Variable
from symgd.language.latex import reader
from symgd.language.latex.chains import Member, Relation
from symgd.language.latex.scope import Scope
from symgd.language.limits import Limits
from symgd.verify.document import members, words
from symgd.verify.document.declaring import Declaring
from symgd.verify.document.entries import Defined, Entry, Equation, Place, Stated, Unread
from symgd.verify.document.heads import head_of, names_in
from symgd.verify.document.inferred import can_be_read, formula_fits, shapes_that_fit
from symgd.verify.document.ledger import Ledger
from symgd.verify.document.passages import MATH, Passage
from symgd.verify.document.sentences import Sentence, Words
from symgd.verify.document.unknown import UnknownFunctions

_CUES = re.compile(r"=|\\(?:leq?|geq?|neq?|approx|propto|equiv|in|lt|gt|triangleq|coloneqq)(?![A-Za-z])|[<>≤≥≠≈∈]")
EQUALS = ("=", "≡")
DEFINES = (":=", "←")
_UPDATE = "an update: it says how a value changes, and is no equation."
_SOLVE = "an equation to be solved: it holds for some values only, so it is no claim that can be checked."
_CONDITION = "a condition: it is assumed, and not checked."


@dataclass(frozen=True, slots=True)
class _Condition:
    """An equation that is assumed: the names in it, and where it holds."""

    names: frozenset[str]
    place: Place
    since: int
    until: int | None


class Reading:
    """Reads the statements; `entries` are what it found, in order. `ledger` then knows every definition."""

    def __init__(self, ledger: Ledger, stated: list[Stated], declared: Declaring, limits: Limits) -> None:
        self.ledger, self.limits, self.declaring = ledger, limits, declared
        self.unknown = UnknownFunctions(declared, stated, ledger)
        self.conditions: list[_Condition] = []
        self.sections: dict[str, int] = {}  # the section in which each name was defined
        self.previous = ""
        self.used: set[str] = set()  # names in the equations so far
        self.entries: list[Entry] = []
        for one in sorted(stated, key=self._rank):
            if id(one.statement) not in declared.statements:
                self.entries += self._read(one)

    def _rank(self, stated: Stated) -> tuple[int, bool]:
        """Where a statement is read: of its paragraph first of all the arrays of data, "where $x = (1, 2, 3)$"."""
        statement = stated.statement
        is_data = stated.syntax == "latex" and len(statement.relations) == 1 and statement.relations[0].sign in EQUALS
        if is_data and members.is_list(statement.members[1]) and members.is_value(stated, self.limits):
            return stated.sentence.paragraph, not words.defines(stated.before)
        return stated.sentence.paragraph, True

    def _read(self, stated: Stated) -> Iterator[Entry]:
        statement = stated.statement
        if not statement.relations:
            return
        scope = self.ledger.scope(stated.sentence.number)
        scope.declared |= (unknown := self.unknown.near(stated, scope))
        first = 0
        head = self._head(stated, scope)
        signs = [relation.sign for relation in statement.relations]
        why = self._no_claim(stated, scope)
        if why == _UPDATE:
            yield Unread(stated.place, why)
            return
        if why:
            self._assume(stated)
            yield self._link(stated, 0, tuple(unknown.values()), why)
            return
        if head is not None and self._is_definition(stated, head, scope):
            if id(statement) in self.declaring.compositions:
                self.unknown.of_numbers.add(self.declaring.compositions[id(statement)])
            scope.declared |= (unknown := self.unknown.near(stated, scope))
            yield from self._define(stated, head, scope, self._holds(stated, head))
            self.previous = statement.members[-1].text
            first = 1
        arrow = next((k for k, sign in enumerate(signs) if sign in ("⇒", "⇔")), None)
        if arrow is not None and (arrow != first or not first or "⇔" in signs):
            place = Place(stated.passage, statement.members[first].start, statement.end, stated.sentence.number)
            yield Unread(place, "an implication: neither side is claimed by itself.")
            self._assume(stated)
            return
        for k in range(first, len(statement.relations)):
            if signs[k] != "⇒":
                yield self._link(stated, k, tuple(unknown.values()))
        if statement.members[-1].text:
            self.previous = statement.members[-1].text
        for member in statement.members:
            self.used.update(names_in(member, stated.syntax, scope, self.limits))

    def _head(self, stated: Stated, scope: Scope) -> tuple[str, tuple[str, ...], bool] | None:
        """The name and parameters that a statement could define."""
        if stated.statement.relations[0].sign not in (*EQUALS, *DEFINES):
            return None
        return head_of(stated.statement.members[0], stated.syntax, scope, self.limits)

    # ---- what an equation is for

    def _no_claim(self, stated: Stated, scope: Scope) -> str:
        """Why an equation says nothing that is to be checked; "" where it does, or defines."""
        statement, relation = stated.statement, stated.statement.relations[0]
        left, right = statement.members[0], statement.members[1]
        if stated.syntax == "infix" or relation.sign not in (*EQUALS, *DEFINES) or not left.text:
            return ""
        head = self._head(stated, scope)
        if relation.sign == "←" and (head is None or self._is_bare(head, scope) or self._uses_itself(stated, head, scope)):
            return _UPDATE
        if (relation.sign == ":=" and head and self._uses_itself(stated, head, scope)) or members.is_recurrence(left, right, scope):
            return _UPDATE
        if relation.sign != "=" or len(statement.relations) > 1:
            return ""
        is_zero = members.is_zero(right) or members.is_zero(left)
        if head is not None and (self._is_definition(stated, head, scope) or not (self._is_bare(head, scope) or is_zero)):
            return ""
        derives = members.derives(left) or self._is_defined_call(left, scope)
        if words.is_assumed(stated.before) and not stated.passage.display and (is_zero or not derives):
            return _CONDITION
        if words.is_solved(stated.sentence.words) and (is_zero or not derives):
            return _SOLVE
        if head is not None and self._is_bare(head, scope) and not self._uses_itself(stated, head, scope):
            return f"an equation for the variable {head[0]}: it holds for one value of {head[0]}, so it is no claim that can be checked."
        return ""

    def _is_bare(self, head: tuple[str, tuple[str, ...], bool], scope: Scope) -> bool:
        """Is the head a variable, rather than a name that is free or defined?"""
        return not head[1] and isinstance(scope.declared.get(head[0]), Variable)

    def _is_defined_call(self, member: Member, scope: Scope) -> bool:
        found = names_in(member, "latex", scope, self.limits)
        return any(isinstance(scope.declared.get(name), Definition) for name in found)

    def _uses_itself(self, stated: Stated, head: tuple[str, tuple[str, ...], bool], scope: Scope) -> bool:
        return not head[1] and head[0] in names_in(stated.statement.members[1], stated.syntax, scope, self.limits)

    def _assume(self, stated: Stated) -> None:
        """From here on what uses these names may hold under this condition only: in the paragraph, or after "assume" to the end."""
        names = {n for m in stated.statement.members for n in names_in(m, stated.syntax, self.ledger.base, self.limits)}
        names = {n for n in names if n not in self.ledger.base.sizes}
        until = None if words.is_lasting(stated.before) else stated.sentence.paragraph
        self.conditions.append(_Condition(frozenset(names), stated.place, stated.sentence.number, until))
        del self.conditions[:-20]  # older ones are out of sight of a reader, too

    def _assumed(self, names: tuple[str, ...], place: Place) -> Iterator[Place]:
        """The conditions that a claim with these names may need."""
        for condition in reversed(self.conditions):
            holds = condition.since <= place.sentence and (condition.until is None or place.sentence <= condition.until)
            if not holds or condition.place.key == place.key or condition.names.isdisjoint(names):
                continue
            if not (len(condition.names) == 1 and members.derives_by(place, *condition.names)):  # by a name that is free
                yield condition.place

    # ---- definitions

    def _is_definition(self, stated: Stated, head: tuple[str, tuple[str, ...], bool], scope: Scope) -> bool:
        name, parameters, _ = head
        sign = stated.statement.relations[0].sign
        if self.ledger.base.declared.get(name) is not None and sign not in DEFINES:
            return False
        said = sign in DEFINES or stated.statement.word == "where" or words.defines(stated.before)
        known = scope.declared.get(name) if self.ledger.is_known(name, stated.sentence.number) else None
        if self._uses_itself(stated, head, scope) and sign not in DEFINES:
            return False
        is_value = members.is_value(stated, self.limits)
        if parameters and is_value and not said:
            return known is None and not members.is_zero(stated.statement.members[1]) and stated.passage.display
        if not parameters and is_value:
            return said or (not stated.passage.display and words.is_condition(stated.before)) or (known is None and name not in scope.sizes)
        if known is None:
            return name not in scope.sizes
        if parameters and _is_other(known, len(parameters)):
            return True
        if isinstance(known, Definition) and self.sections.get(name, stated.sentence.section) < stated.sentence.section:
            return bool(parameters) == bool(known.parameters) and stated.syntax == "latex"
        return said

    def _holds(self, stated: Stated, head: tuple[str, tuple[str, ...], bool]) -> int | None:
        """The last sentence in which a definition holds; None: to the end.

        A name that was used before, and is not said to be defined, may be a variable: then it is defined in its paragraph only, and what
        stands behind it is not refuted because of it.
        """
        sign = stated.statement.relations[0].sign
        if not head[1] and head[0] in self.used and not words.defines(stated.before) and sign not in DEFINES and not stated.statement.word:
            names = frozenset((head[0],))
            self.conditions.append(_Condition(names, stated.place, stated.sentence.paragraph + 1, None))
            return stated.sentence.number if members.is_value(stated, self.limits) else stated.sentence.paragraph
        if head[1] or stated.syntax == "infix" or not members.is_value(stated, self.limits):
            return None
        is_listed = members.is_list(stated.statement.members[1]) and not self._is_variable(head[0])
        if not words.defines(stated.before) and not is_listed:
            return stated.sentence.number
        if is_listed and stated.sentence.number < len(self.ledger.sections):
            return self.ledger.sections[stated.sentence.number]
        return stated.sentence.paragraph if self._is_variable(head[0]) or head[0] in self.used else None

    def _is_variable(self, name: str) -> bool:
        """Is a name with a value also a variable somewhere: declared, or the parameter of a function?"""
        return self.ledger.is_declared(name) or name in self.ledger.parameters

    def _define(self, stated: Stated, head: tuple[str, tuple[str, ...], bool], scope: Scope, until: int | None) -> Iterator[Entry]:
        name, parameters, is_family = head
        statement, text, number = stated.statement, stated.passage.text, stated.sentence.number
        place = Place(stated.passage, statement.members[0].start, statement.members[1].end, number)
        before = self.ledger.at(name, number)
        if stated.syntax == "latex" and not parameters:
            body_names = names_in(statement.members[1], stated.syntax, scope, self.limits)
            for variable in shapes_that_fit(formula_fits(statement.members[1].text), body_names, scope):
                scope.declared[variable.name] = self.ledger.infer(variable, number)
        try:
            if stated.syntax == "infix":
                body = infix.parse_formula(" " * statement.members[1].start + statement.members[1].text, self.limits)
                made = Definition(name, parameters, body, text)
            else:
                made = reader.definition(name, parameters, statement.members[1], text, self.limits, scope)
                if is_family and (array := members.as_array(made, scope)) is not None:
                    made, is_family = array, False
        except SymgdError as error:
            self.ledger.entries.pop(name, None)
            self.ledger.broken[name] = place.line
            yield Unread(place, f"the definition of {name} cannot be read: {error.reason}", error)
            return
        self.ledger.add(made, number, until)
        if stated.syntax == "latex" and parameters and not is_family:
            self._parameters_as_numbers(made, text[statement.members[1].start : statement.members[1].end], number)
        if is_family:
            self.ledger.base.families.add(name)
        self.sections[name] = stated.sentence.section
        holds = _told(until, number, stated.sentence.paragraph)
        if isinstance(before, Definition) and until is None:
            holds += ", in place of what was defined before"
        yield Defined(name, place, holds, is_link=len(statement.relations) > 1 and statement.relations[1].sign in EQUALS)

    def _parameters_as_numbers(self, made: Definition, body: str, number: int) -> None:
        """f(x, y) = (1 - x)^2 + y^2, where x and y are arrays elsewhere: here they are numbers, if only so it can be read."""
        scope, fits = self.ledger.scope(number), formula_fits(body)
        arrays = [name for name in made.parameters if scope.is_array(name) and name not in self.ledger.base.declared]
        if arrays and not can_be_read(fits, scope, ()) and can_be_read(fits, scope, [Variable(name) for name in arrays]):
            for name in arrays:
                self.ledger.infer(Variable(name), number)

    # ---- claims

    def _link(self, stated: Stated, k: int, unknown: tuple[UnknownFunction, ...], open_why: str = "") -> Entry:
        statement = stated.statement
        relation = statement.relations[k]
        left, right = statement.members[k], statement.members[k + 1]
        place = Place(stated.passage, left.start if left.text else relation.start, right.end, stated.sentence.number)
        if relation.sign not in (*EQUALS, *DEFINES):
            return Unread(place, _why_not(relation))
        if relation.sign in DEFINES and k:
            return Unread(place, "a second definition in one chain: write it by itself.")
        sides = [names_in(member, stated.syntax, self.ledger.base, self.limits) for member in (left, right)]
        names = (*sides[0], *sides[1])
        conditions = tuple(self._assumed(names, place))
        if not left.text:
            if not self.previous:
                return Unread(place, "the left side is empty, and no formula stands before it.", FormulaError("the left side is empty."))
            return Equation(f"{self.previous} = {right.text}", place, stated.syntax, names, unknown, is_placed=False, conditions=conditions)
        is_zero = stated.syntax == "latex" and (members.is_zero(right) or members.is_zero(left))
        return Equation(
            _padded(left, right), place, stated.syntax, names, unknown, True, conditions, open_why, is_zero, (sides[0], sides[1])
        )


def _told(until: int | None, number: int, paragraph: int) -> str:
    """Where a definition holds, in words."""
    if until is None:
        return "from here on"
    return "in this sentence" if until == number else "in this paragraph" if until <= paragraph else "in this section"


def _is_other(known: Declaration, arguments: int) -> bool:
    """Is a name that stands before so many arguments another one than what it stood for, an array or a function of fewer or more?"""
    if isinstance(known, Variable):
        return bool(known.shape)
    return len(known.parameters) != arguments


def statements_in_words(sentences: list[Sentence]) -> Iterator[Entry]:
    """The sentences that claim something in words: they are not checked, and told so."""
    for sentence in sentences:
        formulas = [item for item in sentence.items if not isinstance(item, Words)]
        if len(formulas) == len(sentence.items) or any(f.display or _CUES.search(f.text) for f in formulas):
            continue
        if words.is_claim(sentence.words):
            first, last = sentence.items[0], sentence.items[-1]
            text, start, end = first.source.text, first.start, last.start + len(last.text)
            start += len(text[start:end]) - len(text[start:end].lstrip())
            place = Place(Passage(MATH, text[start:end], start, first.source), 0, end - start, sentence.number)
            yield Unread(place, "a statement in words: write it as an equation to have it checked.")


def _padded(left: Member, right: Member) -> str:
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


__all__ = ["Reading", "statements_in_words"]
