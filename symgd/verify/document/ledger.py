"""Which declarations and definitions hold at a place of a document.

Places are the numbers of sentences. A type holds in the whole document: of several for one name the last one before a claim, else the first
after it. A definition holds from its paragraph on, a condition ("at x = 1") in its sentence or paragraph only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from symgd.errors import SymgdError
from symgd.language.declarations import SQUARE, Declaration, Definition, UnknownFunction, Variable
from symgd.language.latex.scope import Scope

RELATED = (">", "<", "in ")  # what a range begins with: a variable has one at most


@dataclass(frozen=True, slots=True)
class Entry:
    declaration: Declaration
    place: int
    until: int | None = None


class Ledger:
    """`base` holds what the caller has given, the macros and the fonts; what is given there is not declared again."""

    def __init__(self, base: Scope) -> None:
        self.base = base
        self.base.in_document = True
        self.entries: dict[str, list[Entry]] = {}
        self.paragraphs: list[int] = []  # of each sentence, the last one of its paragraph
        self.sections: list[int] = []  # of each sentence, the last one of its section
        self.parameters: set[str] = set()  # of functions
        self.described: dict[str, tuple[str, ...]] = {}  # what is said of names without a type, and does not suit a number
        self.identities: set[tuple[int, int, int]] = set()  # the keys of assumed equations that turned out to hold always
        self.broken: dict[str, int] = {}  # names whose definition could not be read, and the line it stands in

    def add(self, declaration: Declaration, place: int, until: int | None = None) -> None:
        if isinstance(declaration, Definition):
            self.parameters.update(declaration.parameters)
        elif isinstance(declaration, UnknownFunction):
            self.parameters.update(p.name for p in declaration.parameters)
        if declaration.name not in self.base.declared:
            self.entries.setdefault(declaration.name, []).append(Entry(declaration, place, until))
            if not isinstance(declaration, Variable):
                self.broken.pop(declaration.name, None)

    def describe(self, name: str, properties: tuple[str, ...], place: int, until: int | None = None) -> bool:
        """Add properties to a variable, or declare a number with them; False where they do not suit it."""
        known = self.at(name, place)
        if known is not None and not isinstance(known, Variable):
            return False
        variable = known or Variable(name)
        kept = tuple(
            p
            for p in variable.properties
            if p not in properties and not (p.startswith(RELATED) and any(q.startswith(RELATED) for q in properties))
        )
        made = replace(variable, properties=(*kept, *properties))
        if known is None and any(one in (*SQUARE, "simplex") for one in properties):
            self.described[name] = properties  # an array, whose shape is still to be known
            return False
        try:
            made.leaf()
        except SymgdError:
            return False
        self.add(made, place, until)
        return True

    def infer(self, variable: Variable, place: int) -> Variable:
        """Take a type that the document does not state, in its section, with what is said of the name."""
        made = replace(variable, properties=self.described.get(variable.name, ()))
        try:
            made.leaf()
        except SymgdError:
            made = variable
        self.add(made, place, self.sections[place] if place < len(self.sections) else None)
        return made

    def at(self, name: str, place: int) -> Declaration | None:
        """What a name stands for in a sentence."""
        if name in self.base.declared:
            return self.base.declared[name]
        entries = [e for e in self.entries.get(name, ()) if e.until is None or e.until >= place]
        before = [e for e in entries if e.place <= place]
        if before:
            return max(reversed(before), key=lambda e: (e.place, e.until is not None)).declaration
        end = self.paragraphs[place] if place < len(self.paragraphs) else place
        lasting = (
            e for e in entries if (e.place <= end and e.until != e.place if isinstance(e.declaration, Definition) else e.until is None)
        )
        return next((e.declaration for e in lasting), None)

    def later(self, name: str, place: int) -> Entry | None:
        """The definition of a name that stands only behind its paragraph; None where it has a meaning there."""
        if self.at(name, place) is not None:
            return None
        lasting = (e for e in self.entries.get(name, ()) if e.until is None and isinstance(e.declaration, Definition))
        return next((e for e in lasting if e.place > place), None)

    def is_known(self, name: str, place: int) -> bool:
        """Does the document say before the end of a sentence what a name is?"""
        return name in self.base.declared or any(e.place <= place for e in self.entries.get(name, ()))

    def scope(self, place: int) -> Scope:
        """All that holds in a sentence."""
        found = self.base.copy()
        for name in self.entries:
            declaration = self.at(name, place)
            if declaration is not None:
                found.declared[name] = declaration
        return found

    def is_declared(self, name: str) -> bool:
        """Is the name a variable somewhere in the document?"""
        known = self.base.declared.get(name)
        return isinstance(known, Variable) or any(isinstance(e.declaration, Variable) for e in self.entries.get(name, ()))
