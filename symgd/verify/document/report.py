"""What a document's check found, and how it prints."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from symgd.errors import SymgdError
from symgd.verify.check import Verdict

GRADES = ("refuted", "undecided", "agrees", "proved")  # the worst first


@dataclass(frozen=True, slots=True)
class Finding:
    """Something at a place of a document: lines and columns count from 1, of a notebook in its cell; `end_column` is behind it."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    cell: int | None

    def where(self, path: str) -> str:
        return f"{path}:{f'cell {self.cell}:' if self.cell is not None else ''}{self.line}:{self.column}"

    def told(self) -> str:
        """What was found, in one line."""
        raise NotImplementedError

    def details(self) -> list[str]:
        """More about it, in lines."""
        return []


@dataclass(frozen=True, slots=True)
class Claim(Finding):
    """One equation: a chain a = b = c has two. `error` where it could not be read (the verdict is then undecided, and says why).

    `given` is what the document declares of the names in it; `warnings` what was read in a way that may not be meant.
    """

    verdict: Verdict
    error: SymgdError | None = None
    given: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def told(self) -> str:
        return f"{self.verdict.grade}: {self.text}"

    def details(self) -> list[str]:
        if self.verdict.grade not in ("refuted", "undecided"):
            return []
        lines = str(self.verdict).removeprefix(f"{self.verdict.grade}: ").splitlines()
        return [*lines, *(f"given: {', '.join(self.given)}" for _ in self.given[:1]), *self.warnings]


@dataclass(frozen=True, slots=True)
class Definition(Finding):
    """A name that the document defines, `f(x) = …`; `holds` says where: "from here on", or "in this sentence" for a condition."""

    name: str
    holds: str

    def told(self) -> str:
        return f"defined {self.holds}: {self.text}"


@dataclass(frozen=True, slots=True)
class Unchecked(Finding):
    """What was not checked, and why: an inequality, a sentence, text that could not be read."""

    why: str

    def told(self) -> str:
        return f"not checked: {self.text}"

    def details(self) -> list[str]:
        return [self.why]


@dataclass(frozen=True, slots=True)
class Report:
    """The claims of a document, with their verdicts; what it declares and defines; and what was not checked."""

    path: str
    claims: tuple[Claim, ...]
    definitions: tuple[Definition, ...]
    declarations: tuple[str, ...]
    unchecked: tuple[Unchecked, ...]

    @property
    def grade(self) -> str:
        """The worst grade of a claim: refuted, undecided, agrees, proved; "" of a document without claims."""
        found = {claim.verdict.grade for claim in self.claims}
        return next((grade for grade in GRADES if grade in found), "")

    @property
    def findings(self) -> list[Finding]:
        """Claims, definitions and what was not checked, in the order of the document."""
        told = {(c.cell, c.line, c.column) for c in self.claims if c.error is not None}
        others = [u for u in self.unchecked if (u.cell, u.line, u.column) not in told]
        everything: list[Finding] = [*self.claims, *self.definitions, *others]
        return sorted(everything, key=lambda found: (found.cell or 0, found.line, found.column))

    def __str__(self) -> str:
        lines = []
        for found in self.findings:
            lines.append(f"{found.where(self.path)}: {found.told()}")
            lines += [f"    {line}" for line in found.details()]
        counts = Counter(claim.verdict.grade for claim in self.claims)
        told = ", ".join(f"{counts[grade]} {grade}" for grade in reversed(GRADES) if counts[grade])
        total = f"{len(self.claims)} claim{'s' * (len(self.claims) != 1)}{': ' if told else ''}{told}"
        others = sum(isinstance(found, Unchecked) for found in self.findings)
        return "\n".join([*lines, f"{total}; {others} not checked."])
