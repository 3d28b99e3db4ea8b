"""From sentences to statements: each formula cut into its equations and relations, with the words before and after each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from symgd.errors import SymgdError
from symgd.language.latex import atoms
from symgd.language.latex.chains import Statement, prepared, statements_of
from symgd.language.latex.macros import macros_in
from symgd.language.latex.scope import Scope
from symgd.language.latex.tokens import END, FAULT, Token
from symgd.language.limits import Limits
from symgd.verify.document import infix_statements, words
from symgd.verify.document.entries import Place, Stated, Unread
from symgd.verify.document.passages import GIVEN, INFIX, MACROS, MATH, SKIPPED, Passage
from symgd.verify.document.sentences import Sentence, Words

_OF_ONE = re.compile(r"\b(?:an?|one)\s+[^\W\d_][\w-]*(?:\s+[\w-]+)?\s*\Z", re.IGNORECASE)
_LISTED = 8  # formulas of a list that share the words before it
_TEXT = re.compile(r"\\(?:text|mathrm|mbox|textrm)\{([^}]*)\}")


@dataclass(slots=True)
class Statements:
    """The statements of a document, in order; the texts that declare, with their places; and what could not be cut."""

    base: Scope
    limits: Limits
    stated: list[Stated] = field(default_factory=list)
    givens: list[tuple[str, Place]] = field(default_factory=list)
    faults: list[Unread] = field(default_factory=list)

    def read(self, sentences: list[Sentence]) -> None:
        for sentence in sentences:
            self.stated += self._of(sentence)
        self.base.fonts.note(t for s in self.stated for member in s.statement.members for t in member.tokens)

    def _of(self, sentence: Sentence) -> Iterator[Stated]:
        for k, item in enumerate(sentence.items):
            if isinstance(item, Words):
                continue
            place = Place(item, 0, len(item.text), sentence.number)
            try:
                if item.kind == MATH:
                    yield from self._formula(item, sentence, k)
                elif item.kind == INFIX:
                    yield from self._block(item, sentence)
                elif item.kind == GIVEN:
                    self.givens.append((item.text, place))
                elif item.kind == MACROS:
                    self.base.macros |= macros_in(item.text, self.limits)
                elif item.kind == SKIPPED and item.why:
                    self.faults.append(Unread(place, item.why))
            except SymgdError as error:
                is_claim = item.kind == MATH and "=" in item.text
                self.faults.append(Unread(place, error.reason, error if is_claim else None))

    def _formula(self, item: Passage, sentence: Sentence, k: int) -> Iterator[Stated]:
        tokens = prepared(item.text, self.limits, self.base.macros)
        if tokens[-1].kind == FAULT and tokens[-1].error is not None:
            raise tokens[-1].error  # what stands behind it would be lost
        found = statements_of(tokens, item.text)
        found = tuple(self._without_remark(statement, item, sentence) for statement in found)
        lead = self._lead(sentence, k)
        for number, statement in enumerate(found):
            between = _between(item.text, found[number - 1], statement) if number else ""
            before = between if re.search(r"[^\W\d_]", between) else lead
            after = sentence.after(k) if number == len(found) - 1 else _between(item.text, statement, found[number + 1])
            neighbours = found[max(0, number - 20) : number + 1]
            yield Stated(statement, item, sentence, before, after, neighbours=neighbours)

    def _lead(self, sentence: Sentence, k: int) -> str:
        """The words before formula k: of a list, "with $c = 2$, $a = 1$ and $w = 0$", those before its first formula.

        What an article says of the first one, "a one-hot $y$ and $z$", is not said of the others.
        """
        own = k
        for _ in range(_LISTED):
            if k < 2 or not sentence.before(k) or isinstance(sentence.items[k - 2], Words) or not words.is_listing(sentence.before(k)):
                break
            k -= 2
        lead = sentence.before(k)
        return lead if k == own else _OF_ONE.sub("", lead)

    def _without_remark(self, statement: Statement, item: Passage, sentence: Sentence) -> Statement:
        r"""The statement without a condition in brackets at its end, `… = \|\nabla f\| \ (u = \nabla f)`, which is not checked."""
        last = statement.members[-1]
        at = remark_in(last.tokens)
        if at is None or not statement.relations:
            return statement
        place = Place(item, last.tokens[at].start, last.end, sentence.number)
        self.faults.append(Unread(place, "a condition in brackets: it says where the equality is reached, and is not checked."))
        tokens = last.tokens[:at]
        end = tokens[-1].end
        rest = replace(last, tokens=(*tokens, Token(END, "", end, end)), text=item.text[last.start : end].rstrip(), end=end)
        return replace(statement, members=(*statement.members[:-1], rest))

    def _block(self, passage: Passage, sentence: Sentence) -> Iterator[Stated]:
        for is_given, start, end in infix_statements.blocks(passage.text):
            place = Place(passage, start, end, sentence.number)
            try:
                if is_given:
                    self.givens.append((passage.text[start:end], place))
                else:
                    found = infix_statements.statement(passage.text, start, end, self.limits)
                    yield Stated(found, passage, sentence, "", "", "infix")
            except SymgdError as error:
                self.faults.append(Unread(place, error.reason))


def remark_in(tokens: tuple[Token, ...]) -> int | None:
    """Where a remark `(u = …)` or `(i = 1, …, n)` at the end begins; None where there is none."""
    inside = [t for t in tokens if t.kind != END]
    if len(inside) < 6 or inside[-1].value != ")":
        return None
    depth = 0
    for k in range(len(inside) - 1, 0, -1):
        depth += (inside[k].value == ")") - (inside[k].value == "(")
        if depth == 0:
            head = [t.value for t in inside[k + 1 : k + 8]]
            is_gap = inside[k].start > inside[k - 1].end
            return k if is_gap and "=" in head and atoms.is_name(inside[k + 1]) else None
    return None


def _between(text: str, one: Statement, other: Statement) -> str:
    return _TEXT.sub(r" \1 ", text[one.end : other.start])
