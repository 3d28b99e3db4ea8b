"""What was measured, as a table of text, as JSON, and as the table in README.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from symgd.bench.kinds import CELLS, TITLES, Cell, Measured
from symgd.bench.peers import OURS, PEERS, Peer
from symgd.bench.timing import Ratio

BEGIN, END = "<!-- written by python -m symgd.bench --readme -->", "<!-- until here -->"


def machine(threads: int) -> dict[str, Any]:
    """What the figures depend on."""
    packages = dict.fromkeys(name for peer in PEERS.values() for name in peer.needs)
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "python": platform.python_version(),
        "versions": {name: found for name in packages if (found := _version(name))},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def shown(seconds: float | None) -> str:
    """Seconds with three digits and a unit; "" for None."""
    if seconds is None:
        return ""
    for unit, many in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * many >= 0.9995:
            return f"{_digits(seconds * many)} {unit}"
    return f"{_digits(seconds * 1e9)} ns"


def _digits(number: float) -> str:
    return f"{number:,.0f}" if number >= 99.95 else f"{number:.3g}"


def times(found: Ratio | None) -> str:
    """A ratio with as many digits as mean something."""
    if found is None:
        return ""
    return f"{found.median:,.0f}" if found.median >= 10 else f"{found.median:.1f}" if found.median >= 0.095 else f"{found.median:.2g}"


def header(kind: str, peers: Mapping[str, Peer] = PEERS) -> list[str]:
    """The columns of a kind: symgd's time, then each peer that can do it."""
    return [TITLES[kind], OURS, *[name for name in peers if name != OURS and kind in peers[name].ways]]


def row(heads: Sequence[str], cell: Cell | Measured, found: Measured | None, spread: bool = False) -> list[str]:
    """symgd's time, and the times of the others over it; a cell is empty where there is none. `heads` are from `header`."""
    cells = [cell.title, shown(found.seconds.get(OURS)) if found else ""]
    for name in heads[2:]:
        known = found.ratios.get(name) if found else None
        text = times(known)
        if spread and known is not None:
            text += f" ({times(Ratio(known.low, 0, 0))}–{times(Ratio(known.high, 0, 0))})"
        cells.append(text or (shown(found.seconds.get(name)) if found else ""))  # without a time of ours, theirs
    return cells


def table(heads: list[str], found: Iterable[Measured]) -> str:
    """As text: for every cell symgd's time, and how many times as long the others take, between quartiles."""
    lines = [heads, *[row(heads, one, one, spread=True) for one in found]]
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines)


def report(found: Sequence[Measured], peers: Mapping[str, Peer] = PEERS) -> str:
    """All tables, and below them what has no time, with the reason."""
    parts = []
    for kind in TITLES:
        rows = [one for one in found if one.id.startswith(f"{kind}:")]
        if rows:
            parts.append(table(header(kind, peers), rows))
    notes = [f"{one.id}, {name}: {note}" for one in found for name, note in one.notes.items() if not _is_missing(note)]
    absent = sorted({f"{name} ({note})" for one in found for name, note in one.notes.items() if _is_missing(note)})
    if absent:
        notes.insert(0, f"not measured: {'; '.join(absent)}")
    return "\n\n".join([*parts, *(["\n".join(notes)] if notes else [])])


def _is_missing(note: str) -> bool:
    return note.endswith("is not installed")


def as_json(about: Mapping[str, Any], found: Sequence[Measured]) -> dict[str, Any]:
    return {"machine": dict(about), "cells": {one.id: asdict(one) for one in found}}


def from_json(answer: Mapping[str, Any]) -> dict[str, Measured]:
    """The cells of `as_json`, by id."""
    made = {}
    for name, fields in answer["cells"].items():
        ratios = {peer: Ratio(**values) for peer, values in fields["ratios"].items()}
        made[name] = Measured(**{**fields, "ratios": ratios})
    return made


# ---- README.md -------------------------------------------------------------------------------------------------------


def readme_tables(about: Mapping[str, Any], found: Mapping[str, Measured]) -> str:
    """The tables for README.md: every row in which symgd has a time; a cell of another is empty where it was not measured."""
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    lines = [
        BEGIN,
        f"Measured on {about['cores']} cores of {about['processor']}, on {_threads(about['threads'])}, "
        f"with Python {about['python']}, {versions}.",
    ]
    for kind in TITLES:
        cells = [cell for cell in CELLS.values() if cell.kind == kind and cell.id in found and OURS in found[cell.id].seconds]
        if cells:
            heads = header(kind)
            lines += ["", _line(heads), _line(["---"] + ["---:"] * (len(heads) - 1))]
            lines += [_line(row(heads, cell, found[cell.id])) for cell in cells]
    return "\n".join([*lines, "", END])


def _threads(many: int) -> str:
    return "one thread" if many == 1 else f"{many} threads"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def rewritten(text: str, tables: str) -> str:
    """README's text with these tables between the marks. Raises `ValueError` where the marks are missing."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise ValueError(f"README.md has no place for the table: one line {BEGIN!r}, and below it one {END!r}")
    before, rest = text.split(BEGIN)
    return before + tables + rest.split(END)[1]
