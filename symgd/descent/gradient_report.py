"""What `check_gradient` found: the errors, the worst points, the verdict; printed as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mpmath

from symgd.descent.ulps import table, ulps_text

SHOWN = 200  # characters of an array in text


@dataclass(frozen=True, slots=True)
class Row:
    """The value, or the gradient by one variable: the largest error at ordinary and at hard points, in units, and the worst point.

    `got` and `truth` are the arrays there, as nested lists, for the incoming gradient `incoming`; `what` says what is hard about the
    point. `error` is infinite where something that is not finite was given for what is; nan where nothing could be compared.
    """

    name: str
    ordinary: float
    hard: float
    compared: int
    point: Mapping[str, Any] | None
    what: str
    incoming: Any
    got: Any
    truth: Any

    @property
    def error(self) -> float:
        found = [error for error in (self.ordinary, self.hard) if error == error]
        return max(found, default=math.nan)


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """What `check_gradient` found.

    `grade` is "right", "wrong", "wrong at hard points" (all is well at the ordinary ones) or "undecided" (too few points could be
    compared); `why` says why in a sentence, `mistake` names the likely mistake, where it is simple. `ordinary` and `hard` count the
    points that were compared, `skipped` the others by reason; `not_derived` are variables whose gradient was not asked for.
    """

    grade: str
    why: str
    mistake: str | None
    rows: tuple[Row, ...]
    tolerance: float
    ordinary: int
    hard: int
    skipped: Mapping[str, int]
    not_derived: tuple[str, ...]

    @property
    def right(self) -> bool:
        return self.grade == "right"

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        lines = [f"{self.grade}: {self.why}"]
        if self.mistake is not None:
            lines.append(f"likely mistake: {self.mistake}")
        if self.rows:
            body = [["", "worst error in ulp", f"at {self.ordinary} ordinary points", f"at {self.hard} hard points", "compared"]]
            body += [[r.name, *map(ulps_text, (r.error, r.ordinary, r.hard)), str(r.compared)] for r in self.rows]
            lines += ["", table(body)]
        for row in self._shown_rows():
            at = ", ".join(f"{name} = {_cut(_shown(value))}" for name, value in (row.point or {}).items())
            if row.name != "value" and row.incoming != 1.0:
                at += f", for the incoming gradient {_cut(_shown(row.incoming))}"
            lines += ["", f"worst of {row.name}{f' ({row.what})' if row.what else ''}: at {at}"]
            lines += [f"  got   {_cut(_shown(row.got))}", f"  truth {_cut(_shown(row.truth))}"]
        if self.not_derived:
            lines += ["", f"not derived by: {', '.join(self.not_derived)}"]
        if self.skipped:
            lines += ["", "skipped: " + "; ".join(f"{count} {reason}" for reason, count in self.skipped.items())]
        return "\n".join(lines)

    def _shown_rows(self) -> list[Row]:
        """Those beyond the tolerance, or else the worst."""
        measured = [row for row in self.rows if row.error > 0]
        return [row for row in measured if row.error > self.tolerance] or sorted(measured, key=lambda row: -row.error)[:1]

    def json(self) -> dict[str, Any]:
        """The same as plain data; what is not finite is text."""
        rows = [
            {"name": r.name, "ordinary_ulp": _plain(r.ordinary), "hard_ulp": _plain(r.hard), "compared": r.compared, "hard": r.what}
            | {"point": r.point, "incoming": r.incoming, "got": _texts(r.got), "truth": _texts(r.truth)}
            for r in self.rows
        ]
        return {"grade": self.grade, "why": self.why, "mistake": self.mistake, "rows": rows, "tolerance_ulp": self.tolerance} | {
            "ordinary": self.ordinary,
            "hard": self.hard,
            "skipped": dict(self.skipped),
            "not_derived": list(self.not_derived),
        }


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return mpmath.nstr(value, 17) if isinstance(value, mpmath.mpf) else repr(value)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} …"


def _texts(value: Any) -> Any:
    if isinstance(value, list):
        return [_texts(entry) for entry in value]
    return mpmath.nstr(value, 20) if isinstance(value, mpmath.mpf) else value if value is None else _plain(value)


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
