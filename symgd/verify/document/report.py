"""What a document's check found, and how it prints."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from symgd.errors import SymgdError
from symgd.verify.check import Verdict

GRADES = ("refuted", "undecided", "agrees", "proved")  # the worst first


@dataclass(frozen=True, slots=True)
class Finding:
    """Something at a place of a document: lines and columns count from 1, in its cell where it is a notebook's; `end_column` is behind it."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    cell: int | None

    def where(self, path: str) -> str:
        return f"{path}:{f'cell {self.cell}:' if self.cell is not None else ''}{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Claim(Finding):
    """One equation: a chain a = b = c has two. `error` where it could not be read (the verdict is then undecided, and says why).

    `given` is what the document declares of the names in it; `warnings` what was read in a way that may not be meant.
    """

    verdict: Verdict
    error: SymgdError | None = None
    given: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition(Finding):
    """A name that the document defines, `f(x) = …`; `holds` says where: "from here on", or "in this sentence" for a condition."""

    name: str
    holds: str


@dataclass(frozen=True, slots=True)
class Unchecked(Finding):
    """What was not checked, and why: an inequality, a sentence, text that could not be read."""

    why: str


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

    def __str__(self) -> str:
        lines = []
        for claim in self.claims:
            grade, _, rest = str(claim.verdict).partition(": ")
            shown = rest.splitlines() if grade == "refuted" else rest.splitlines()[:1]
            lines.append(f"{claim.where(self.path)}: {grade}: {claim.text}")
            if grade in ("refuted", "undecided"):
                lines += [f"    {line}" for line in shown]
                lines += [f"    {warning}" for warning in claim.warnings]
        for definition in self.definitions:
            lines.append(f"{definition.where(self.path)}: defined {definition.holds}: {definition.text}")
        for unchecked in self.unchecked:
            lines.append(f"{unchecked.where(self.path)}: not checked: {unchecked.text}\n    {unchecked.why}")
        counts = Counter(claim.verdict.grade for claim in self.claims)
        told = ", ".join(f"{counts[grade]} {grade}" for grade in reversed(GRADES) if counts[grade])
        total = f"{len(self.claims)} claim{'s' * (len(self.claims) != 1)}{': ' if told else ''}{told}"
        return "\n".join([*lines, f"{total}; {len(self.unchecked)} not checked."])
