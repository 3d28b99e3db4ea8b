"""What the search for a likely mistake finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """What went wrong: its kind, a sentence, and the claim mended, which checks."""

    kind: str
    text: str
    repair: str
