r"""Markers in an existing .tex, filled in place:

    % symgd: given A[m,n], x[n], b[m]
    \[ \nabla_x f =
    % symgd: gradient of norm2(A*x - b)^2 wrt x
    2 A^{\top} \left(A x - b\right)
    % symgd: end
    \]

The lines from a marker to its `% symgd: end` are symgd's, and written anew every time; a marker without an end gets one. Nothing else of
the file changes. What is written is for math mode. A formula between dollar signs is LaTeX.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from symgd.errors import FormulaError, LimitError, SymgdError, ValueGivenError
from symgd.formula import Formula, directional, formula, gradient, hessian, jacobian
from symgd.notes.document import write_file
from symgd.notes.problem import LARGEST

_MARKER = re.compile(r"^(?P<indent>[ \t]*)%[ \t]*symgd:[ \t]*(?P<text>.*?)[ \t]*$")
_ASKS = re.compile(
    r"(?P<what>\S+) of (?P<formula>\$[^$]+\$|.+?) wrt (?P<by>\w+(?:\s*,\s*\w+)*)"
    r"(?: along (?P<along>\[[^\]]*\]|\w+))?(?: given (?P<given>.+))?$"
)
_WHAT = ("gradient", "hessian", "directional", "steps")


@dataclass(frozen=True, slots=True)
class Filled:
    """The text with its markers filled; how many there are, and how many said something else before."""

    text: str
    markers: int
    changed: int


def fill_notes(path: Union[str, Path], output: Union[str, Path, None] = None, *, given: str = "") -> Filled:
    """Fill the markers of a .tex file, in place or to `output`; a second run changes nothing.

    `given` declares names for all markers, before what `% symgd: given …` declares. Raises FormulaError and its kin for a marker that
    cannot be read, with its line; then nothing is written.
    """
    path = Path(path)
    if path.suffix.lower() != ".tex":
        raise ValueGivenError(f"{str(path)!r} is no .tex file.", hint="Markers are filled in a .tex file.")
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise ValueGivenError(f"cannot read {str(path)!r}: {said.lower()}.") from None
    if len(data) > LARGEST:
        raise LimitError(f"{str(path)!r} is longer than {LARGEST} bytes.", hint="Give a shorter document.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise FormulaError(f"{str(path)!r} is no UTF-8 text.", hint="Save it as UTF-8.") from None
    found = filled(text, given)
    if output is not None or found.text != text:
        write_file(Path(output) if output is not None else path, found.text.encode())
    return found


def filled(text: str, given: str = "") -> Filled:
    r"""The text with its markers filled.

    >>> print(filled("% symgd: gradient of x^2 wrt x\n").text, end="")
    % symgd: gradient of x^2 wrt x
    2 x
    % symgd: end
    """
    lines = text.splitlines(keepends=True)
    newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    out: list[str] = []
    at = markers = changed = 0
    while at < len(lines):
        line = lines[at]
        out.append(line)
        at += 1
        found = _MARKER.match(line.rstrip("\r\n"))
        if found is None:
            continue
        said = found["text"]
        if said == "end":
            raise FormulaError(f"line {at}: this end has no beginning.", hint="Before it stands % symgd: gradient of … wrt ….")
        if said.startswith("given "):
            given = ", ".join(filter(None, (given, said[6:].strip())))
            continue
        made = _placed(at, said, given)
        new = [found["indent"] + part + newline for part in made.split("\n")]
        end = _end(lines, at)
        markers += 1
        changed += lines[at : max(at, end)] != new or end < 0
        if not line.endswith(("\n", "\r")):
            out.append(newline)
        out += new
        if end < 0:
            out.append(f"{found['indent']}% symgd: end{newline}")
        at = max(at, end)
        if end >= 0:
            out.append(lines[at])
            at += 1
    return Filled("".join(out), markers, changed)


def _end(lines: list[str], at: int) -> int:
    """The number of the line that ends the marker before line `at`; -1 where another marker, or the end of the file, comes first."""
    for k in range(at, len(lines)):
        found = _MARKER.match(lines[k].rstrip("\r\n"))
        if found is not None:
            return k if found["text"] == "end" else -1
    return -1


def _placed(line: int, said: str, given: str) -> str:
    try:
        return _made(said, given)
    except SymgdError as error:
        error.reason = f"line {line}: {error.reason}"
        raise


def _made(said: str, given: str) -> str:
    """The LaTeX that a marker asks for."""
    asked = _ASKS.match(said)
    if asked is None or asked["what"] not in _WHAT:
        hint = f"Write % symgd: gradient of x^2 wrt x; there are {', '.join(_WHAT)}; at the end stand along u, given x[n]."
        raise FormulaError(f"this marker is not understood: {said[:60]!r}.", hint=hint)
    written = asked["formula"]
    latex = written.startswith("$")
    declared = ", ".join(filter(None, (given if not asked["given"] else "", asked["given"])))
    f = formula(written.strip("$") if latex else written, declared, "latex" if latex else "infix")
    names = [name.strip() for name in asked["by"].split(",")]
    by = names[0] if len(names) == 1 else names
    if (asked["along"] is not None) != (asked["what"] == "directional"):
        raise FormulaError("a directional derivative, and only that, is along something.", hint="Write directional of x^2 wrt x along u.")
    return _derived(f, asked["what"], by, asked["along"])


def _derived(f: Formula, what: str, by: Union[str, list[str]], along: str | None) -> str:
    if what == "hessian":
        return hessian(f, by).latex()
    if what == "directional":
        items = [item.strip() for item in along[1:-1].split(",")] if along is not None and along.startswith("[") else along
        if isinstance(items, list) and isinstance(by, str) and not f.known[by].shape:
            items = items[0]
        return directional(f, by, along=items).latex()
    g = gradient(f, by) if not f.shape else jacobian(f, by)
    return g.latex() if what == "gradient" else g.steps.latex()
