"""A derivation line by line: which line is the first that does not follow from the one before?"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from symgd.algebra.operations import Value
from symgd.errors import FormulaError, ShapeError
from symgd.language.elaborate import read
from symgd.language.limits import Limits
from symgd.verify.check import MISTAKE, Verdict, verdict_of
from symgd.verify.decide import decide
from symgd.verify.mistakes import likely_mistake


@dataclass(frozen=True, slots=True)
class Chain:
    """The verdicts on a derivation: number k is that line k + 1 equals line k, counted from 0.

    `first_wrong` is the index of the first line that is refuted, None where there is none. `undecided` are the lines that could
    not be decided: a chain with some of them has not been found right.
    """

    lines: tuple[str, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def first_wrong(self) -> int | None:
        return next((k + 1 for k, verdict in enumerate(self.verdicts) if verdict.grade == "refuted"), None)

    @property
    def undecided(self) -> tuple[int, ...]:
        return tuple(k + 1 for k, verdict in enumerate(self.verdicts) if verdict.grade == "undecided")

    def __str__(self) -> str:
        shown = [f"1  {self.lines[0]}"]
        for k, (line, verdict) in enumerate(zip(self.lines[1:], self.verdicts), 2):
            shown.append(f"{k}  = {line}    {verdict}")
        return "\n".join(shown)


def check_chain(lines: Sequence[str], given: str | Mapping[str, str] = "", syntax: str = "infix", seconds: float = 10.0) -> Chain:
    """Check that every line of a derivation equals the line before it. A leading `=` may stand in front of a line.

    `seconds` is the time for the whole chain. A line that does not follow from the one before, but from an earlier one, is told so.
    The verdict on the first wrong line has its likely mistake.
    Raises FormulaError and its kin where a line cannot be read, with the number of the line.

    >>> from symgd import check_chain
    >>> check_chain(["diff(x^3 - x, x)", "3*x^2 - x", "3*x^2 - 1"]).first_wrong
    1
    """
    if isinstance(lines, str) or not lines:
        raise FormulaError("a chain is a list of lines.", hint='Write check_chain(["diff(x^2, x)", "2*x"]).')
    ends = time.monotonic() + seconds
    texts = tuple(line.strip().removeprefix("=").strip() for line in lines)
    values = [_value(text, k, given, syntax) for k, text in enumerate(texts)]
    verdicts: list[Verdict] = []
    for k in range(1, len(values)):
        left = max(0.0, ends - time.monotonic())
        verdict = _compared(values, texts, k - 1, k, time.monotonic() + left / (len(values) - k))
        if verdict.grade == "refuted":
            verdict = _with_origin(verdict, values, texts, k, ends)
            if all(earlier.grade != "refuted" for earlier in verdicts):
                mistake = likely_mistake(verdict.claim, given, min(ends, time.monotonic() + MISTAKE), syntax)
                verdict = replace(verdict, mistake=mistake)
        verdicts.append(verdict)
    return Chain(texts, tuple(verdicts))


def _value(text: str, number: int, given: str | Mapping[str, str], syntax: str) -> Value | ShapeError:
    """The value of a line; where its shapes do not fit, the error that says so (the first line must have a value)."""
    try:
        return replace(read(text, given, syntax, Limits()).value, text=text)
    except ShapeError as error:
        if number:
            return error
        raise
    except FormulaError as error:
        error.reason = f"line {number + 1}: {error.reason}"
        raise


def _compared(values: Sequence[Value | ShapeError], texts: Sequence[str], before: int, after: int, ends: float) -> Verdict:
    claim = f"{texts[before]} = {texts[after]}"
    one, other = values[before], values[after]
    if isinstance(other, ShapeError):
        return Verdict("refuted", f"the line cannot be formed: {other.reason}", claim)
    if isinstance(one, ShapeError):
        return Verdict("undecided", "the line before cannot be formed.", claim)
    return verdict_of(decide(one, other, claim, ends), claim)


def _with_origin(verdict: Verdict, values: Sequence[Value | ShapeError], texts: Sequence[str], k: int, ends: float) -> Verdict:
    """The verdict on a line that does not follow from the one before; where an earlier line has its value, that is said."""
    for earlier in range(k - 2, -1, -1):
        if time.monotonic() > ends:
            break
        if _compared(values, texts, earlier, k, ends).grade in ("proved", "agrees"):
            return replace(verdict, why=f"{verdict.why} It equals line {earlier + 1}: the lines between have another value.")
    return verdict
