"""What the reading of a document is made of: statements with what stands around them, and what becomes of each."""

from __future__ import annotations

from dataclasses import dataclass

from symgd.errors import SymgdError
from symgd.language.declarations import UnknownFunction
from symgd.language.latex.chains import Statement
from symgd.verify.document.passages import Passage
from symgd.verify.document.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: `passage.text[start:end]`, in a sentence."""

    passage: Passage
    start: int
    end: int
    sentence: int

    @property
    def key(self) -> tuple[int, int, int]:
        """Tells it from every other place of the document."""
        return self.passage.source.cell or 0, self.passage.start + self.start, self.passage.start + self.end

    @property
    def line(self) -> int:
        return self.passage.source.place(self.passage.start + self.start)[0]


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement with the words before and after it; `neighbours` are those of the same formula up to itself."""

    statement: Statement
    passage: Passage
    sentence: Sentence
    before: str
    after: str
    syntax: str = "latex"
    neighbours: tuple[Statement, ...] = ()

    @property
    def place(self) -> Place:
        return Place(self.passage, self.statement.start, self.statement.end, self.sentence.number)


@dataclass(frozen=True, slots=True)
class Equation:
    """A link of a chain to be checked: `text` is the equation, padded so that places in it are places in the passage (`is_placed`).

    `names` are those in it, `unknown` the functions without a definition. `conditions` are equations that are assumed where it stands, by
    their places: it is not refuted, because it may hold under them only. `open_why` says why the equation is no claim unless it is proved.
    With 0 on one side (`is_zero`) it may be an equation to be solved. `sides` are the names of each side.
    """

    text: str
    place: Place
    syntax: str
    names: tuple[str, ...]
    unknown: tuple[UnknownFunction, ...] = ()
    is_placed: bool = True
    conditions: tuple[Place, ...] = ()
    open_why: str = ""
    is_zero: bool = False
    sides: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())


@dataclass(frozen=True, slots=True)
class Defined:
    """A definition, or a condition, that was read. `is_link` where its text goes on, a := b = c: a claim that needs no check."""

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
