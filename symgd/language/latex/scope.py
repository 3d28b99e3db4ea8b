"""What the parser may ask of the declarations: which names are arrays, functions, sets; and what it reports of its own reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from symgd.language.declarations import Declaration, Definition, UnknownFunction, Variable, shapes_of
from symgd.language.latex.macros import Macro
from symgd.language.latex.names import Fonts, base_of, default_name, spellings
from symgd.language.latex.tokens import Token
from symgd.language.syntax import Node


@dataclass(slots=True)
class Scope:
    """The declarations of one text, the sets among them, the indices and parameters bound where the parser is, and its warnings."""

    declared: dict[str, Declaration] = field(default_factory=dict)
    sets: dict[str, tuple[Node, ...]] = field(default_factory=dict)
    fonts: Fonts = field(default_factory=Fonts)
    bound: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    free: dict[str, Node] = field(default_factory=dict)  # indices of a claim that no sum binds: it is meant for every one of them
    frees: bool = False
    counter: int = 0
    has_differentials: bool = False  # the text has one of a function, df, so that dx is one too
    defines: str = ""  # the head that a claim defines, as it is written
    local: set[str] = field(default_factory=set)  # names that the text itself defines
    heads: dict[int, tuple[str, tuple[str, ...], bool]] = field(default_factory=dict)
    families: set[str] = field(default_factory=set)  # of those, the ones with an index: t_i = …
    macros: dict[str, Macro] = field(default_factory=dict)  # that the document defines
    rows: dict[str, str] = field(default_factory=dict)  # with an index these names are rows of an array: x_i of X
    functions: set[str] = field(default_factory=set)  # names that the words of the document call functions
    in_document: bool = False  # the document says what defines a name, and which names are unused

    def copy(self) -> Scope:
        """A scope to read one text in, which does not change this one."""
        return replace(
            self,
            declared=dict(self.declared),
            sets=dict(self.sets),
            fonts=Fonts(set(self.fonts.split)),
            bound={},
            warnings=[],
            free={},
            local=set(),
            heads={},
            families=set(self.families),
        )

    @property
    def sizes(self) -> set[str]:
        return {name for d in self.declared.values() for shape in shapes_of(d) for size in shape for name in size.names}

    def add(self, declarations: Sequence[Declaration]) -> None:
        self.declared.update({declaration.name: declaration for declaration in declarations})

    @contextmanager
    def binding(self, *names: str) -> Iterator[None]:
        for name in names:
            self.bound[name] = self.bound.get(name, 0) + 1
        try:
            yield
        finally:
            for name in names:
                self.bound[name] -= 1

    def is_bound(self, name: str) -> bool:
        return self.bound.get(name, 0) > 0

    def knows(self, name: str) -> bool:
        return name in self.declared or self.is_bound(name) or name in self.sets or name in self.sizes

    def is_value(self, name: str) -> bool:
        """Does the name stand for a value here, and not only for a dimension: the d of \\frac{d}{dx} may be one, too."""
        return name in self.declared or self.is_bound(name) or name in self.sets

    def rank(self, name: str) -> int | None:
        """The number of axes of a declared variable; None where it is not known."""
        found = self.declared.get(name)
        if self.is_bound(name):
            return None
        return len(found.shape) if isinstance(found, Variable) else None

    def is_array(self, name: str) -> bool:
        return bool(self.rank(name))

    def parameters(self, name: str) -> tuple[str, ...] | None:
        """The names of the parameters of a function; None where it is none."""
        found = self.declared.get(name)
        if self.is_bound(name):
            return None
        if isinstance(found, Definition) and found.parameters:
            return found.parameters
        return tuple(p.name for p in found.parameters) if isinstance(found, UnknownFunction) else None

    def is_definition(self, name: str) -> bool:
        """Does the name stand for a formula?"""
        return isinstance(self.declared.get(name), Definition | UnknownFunction) and not self.is_bound(name)

    def resolve(self, token: Token) -> str:
        """The name that a letter or word stands for."""
        known = next((name for name in spellings(token, self.fonts) if self.knows(name)), None)
        if known is None and token.font and self.knows(base_of(token)):
            known = base_of(token)
            self.warn(f"{known} stands in two fonts, and is declared in one: both are read as {known}.")
        name = known or default_name(token, self.fonts)
        base = base_of(token)
        if token.font and name != base and self.fonts.is_split(base):
            self.warn(f"{base} stands in two fonts: the one in {token.font} is read as {name}.")
        return name

    def warn(self, warning: str) -> None:
        if warning not in self.warnings:
            self.warnings.append(warning)

    def fresh(self) -> str:
        """A name that no user can write."""
        self.counter += 1
        return f"{self.counter}'"
