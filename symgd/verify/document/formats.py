"""A report in the formats that other programs read: JSON, SARIF 2.1.0, and the commands of GitHub's workflows.

Sources: OASIS, Static Analysis Results Interchange Format 2.1.0; GitHub, Workflow commands for GitHub Actions.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import mpmath

from symgd.verify.check import Verdict
from symgd.verify.document.report import Claim, Definition, Finding, Report, Unchecked

_LEVELS = {"refuted": "error", "undecided": "warning", "unchecked": "note"}
_RULES = {
    "refuted": "An equation is wrong: at an exactly known point its sides differ.",
    "undecided": "An equation could not be decided, or not be read.",
    "unchecked": "A statement was not checked.",
}


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values: the fields of the Python objects."""
    return {
        "path": report.path,
        "grade": report.grade,
        "claims": [
            {
                **_place(claim),
                "given": list(claim.given),
                "warnings": list(claim.warnings),
                "error": claim.error and {"reason": claim.error.reason, "hint": claim.error.hint, "position": claim.error.position},
                **verdict_as_json(claim.verdict),
            }
            for claim in report.claims
        ],
        "definitions": [{**_place(found), "name": found.name, "holds": found.holds} for found in report.definitions],
        "declarations": list(report.declarations),
        "unchecked": [{**_place(found), "why": found.why} for found in report.unchecked],
    }


def verdict_as_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain values; fractions and long decimals are text."""
    return {
        "claim": verdict.claim,
        "grade": verdict.grade,
        "why": verdict.why,
        "witness": _plain(verdict.witness),
        "left": _plain(verdict.left),
        "right": _plain(verdict.right),
        "gap": _plain(verdict.gap),
        "equal_at": _plain(verdict.equal_at),
        "mistake": verdict.mistake and asdict(verdict.mistake),
    }


def as_sarif(report: Report, version: str) -> dict[str, Any]:
    """The refuted and undecided claims, and what was not checked, as a SARIF log."""
    uri = report.path.replace("\\", "/")
    results = []
    for found, rule, message in _problems(report):
        region = {
            "startLine": found.line,
            "startColumn": found.column,
            "endLine": found.end_line,
            "endColumn": max(found.end_column, found.column + (found.end_line == found.line)),
        }
        location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
        if found.cell is not None:
            location["logicalLocations"] = [{"name": f"cell {found.cell}"}]
        results.append({"ruleId": rule, "level": _LEVELS[rule], "message": {"text": message}, "locations": [location]})
    rules = [{"id": rule, "shortDescription": {"text": text}} for rule, text in _RULES.items()]
    driver = {"name": "symgd", "version": version, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def as_github(report: Report) -> str:
    """A line for every problem, which GitHub shows beside the line of the document."""
    lines = []
    for found, rule, message in _problems(report):
        kind = {"error": "error", "warning": "warning", "note": "notice"}[_LEVELS[rule]]
        place = f"file={_property(report.path)},line={found.line},col={found.column},endLine={found.end_line}"
        lines.append(f"::{kind} {place},title={_property(f'symgd: {rule}')}::{_escaped(message)}")
    return "\n".join(lines)


def _problems(report: Report) -> list[tuple[Finding, str, str]]:
    """What is to be looked at, the rule it falls under, and the message."""
    found: list[tuple[Finding, str, str]] = []
    for finding in report.findings:
        if isinstance(finding, Claim) and finding.verdict.grade in ("refuted", "undecided"):
            found.append((finding, finding.verdict.grade, "\n".join([finding.text, *finding.details()])))
        elif isinstance(finding, Unchecked):
            found.append((finding, "unchecked", f"{finding.text}\n{finding.why}"))
        else:
            assert isinstance(finding, Claim | Definition)
    return found


def _place(found: Finding) -> dict[str, Any]:
    names = ("line", "column", "end_line", "end_column", "text", "cell")
    return {name: getattr(found, name) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return mpmath.nstr(value, 30) if isinstance(value, mpmath.mpf) else value if value is None else str(value)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
