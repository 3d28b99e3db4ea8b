"""A report as text, JSON, SARIF and GitHub's commands; the exit codes of the command line; interruption."""

from __future__ import annotations

import json

import pytest

from symgd import check_document
from symgd.cli import main
from symgd.verify.document import formats, judge

TEXT = "Let $f(x) = x^3$.\nThen $f'(x) = 3x$, and $x^2 > 0$.\nAlso $f''(x) = 6x$ and $\\int f = 1$.\n"


def test_text():
    report = str(check_document(text=TEXT))
    assert report.splitlines()[:2] == ["text:1:6: defined from here on: f(x) = x^3", "text:2:7: refuted: f'(x) = 3x"]
    assert report.splitlines()[-1] == "3 claims: 1 proved, 1 undecided, 1 refuted; 1 not checked."


def test_json_is_the_python_objects():
    report = formats.as_json(check_document(text=TEXT))
    assert json.loads(json.dumps(report)) == report
    assert [(c["line"], c["column"], c["grade"]) for c in report["claims"]] == [(2, 7, "refuted"), (3, 7, "proved"), (3, 25, "undecided")]
    assert report["claims"][0]["mistake"]["repair"] == "f'(x) = 3 x^{2}"
    assert report["grade"] == "refuted"


def test_sarif_has_the_required_fields():
    log = formats.as_sarif(check_document(text=TEXT), "1.0")
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["tool"]["driver"]["name"] == "symgd"
    assert run["columnKind"] == "unicodeCodePoints"
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("refuted", "error"),
        ("unchecked", "note"),
        ("undecided", "warning"),
    ]
    for result in run["results"]:
        assert result["ruleId"] in rules
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "text"
        region = place["region"]
        assert (region["startLine"], region["startColumn"]) < (region["endLine"], region["endColumn"])


def test_github_escapes_what_would_end_a_command(tmp_path):
    path = tmp_path / "a,b:c.md"
    path.write_text("$50\\% = 1$ and $1 = 2$")
    lines = formats.as_github(check_document(path)).splitlines()
    assert all(line.startswith(("::error file=", "::warning file=")) for line in lines)
    assert len(lines) == 2
    assert "a%2Cb%3Ac.md" in lines[0]
    assert "%25" in lines[0]
    assert "%0A" in lines[1]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("$1 + 1 = 2$", 0),
        ("No mathematics.", 0),
        ("$x^2 > 1$ only", 0),
        ("$1 + 1 = 3$", 1),
        ("$\\int f = 1$", 3),
        ("$\\int f = 1$ and $1 + 1 = 3$", 1),
    ],
)
def test_exit_codes(tmp_path, capsys, text, code):
    path = tmp_path / "notes.md"
    path.write_text(text)
    assert main(["check", str(path)]) == code
    assert capsys.readouterr().out.startswith(f"{path}:" if "$" in text else "0 claims")


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_formats_on_the_command_line(tmp_path, capsys, form):
    path = tmp_path / "notes.tex"
    path.write_text("$1 + 1 = 3$")
    assert main(["check", str(path), "--format", form]) == 1
    out = capsys.readouterr().out
    assert form not in ("json", "sarif") or json.loads(out)


def test_a_missing_file_is_bad_input(capsys):
    assert main(["check", "nowhere.md"]) == 2
    assert "nowhere.md cannot be read: no such file or directory." in capsys.readouterr().err


def test_a_format_of_documents_is_refused_for_a_claim(capsys):
    assert main(["check", "x = x", "--format", "sarif"]) == 2
    assert "--format sarif is of documents." in capsys.readouterr().err


def test_interrupted_claims_are_undecided(monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(judge, "check", interrupted)
    report = check_document(text="$1 = 1$ and $2 = 2$.")
    assert [claim.verdict.grade for claim in report.claims] == ["undecided", "undecided"]
    assert [claim.verdict.why for claim in report.claims] == ["interrupted while it was checked.", "interrupted before it was checked."]


def test_progress_counts_every_claim():
    seen = []
    check_document(text=TEXT, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
