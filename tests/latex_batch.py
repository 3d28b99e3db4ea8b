"""Every LaTeX string that the tests produce, compiled in one run of TeX: it needs amsmath and bm, and nothing else.

The printing functions are wrapped for the session, so that no test has to hand in what it prints. With workers, each sends what it has
gathered to the session that started it, which compiles.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from textwrap import wrap
from typing import Any

from symgd.notation.derivation import Derivation
from symgd.notation.latex import _Writer

SECONDS = 600  # of one run of TeX; it takes about one for 5,000 formulas
ENGINES = {True: "pdflatex", False: "xelatex"}  # by: is it ASCII only? Names in other scripts need an engine that has their letters
_PREAMBLE = r"\documentclass{article}\usepackage{amsmath,bm}\newsavebox\kept\begin{document}"
_WIDTH = 10_000  # characters of a line; TeX reads 200,000 at most
_WHOLE = "(the document as a whole)"
_FORMULA = re.compile(r"l\.(\d+)")
_GROUP = re.compile(r"(?<!\\)[{}]|\\left(?![a-z])|\\right(?![a-z])")
_DEEPEST = 200  # TeX refuses more than 255 groups inside each other
_SHOWN = 200  # characters of a formula in a report

gathered: set[str] = set()


def gather() -> None:
    """From now on, keep every string that is printed in LaTeX."""
    for owner, name in ((_Writer, "text"), (Derivation, "latex")):
        setattr(owner, name, _kept(getattr(owner, name)))


def _kept(printing: Any) -> Any:
    @functools.wraps(printing)
    def printed(*arguments: Any, **keywords: Any) -> str:
        text: str = printing(*arguments, **keywords)
        gathered.add(text)
        return text

    return printed


def report(strings: Iterable[str]) -> tuple[list[str], list[str]]:
    """What TeX says of the strings: errors, and remarks on what could not be compiled here."""
    errors, remarks = [], []
    strings = set(strings)
    deep = {text for text in strings if _depth(text) > _DEEPEST}
    if deep:
        remarks.append(f"{len(deep):,} LaTeX strings were not compiled: TeX cannot nest groups as deeply as they are.")
    for is_ascii, engine in ENGINES.items():
        chosen = sorted(text for text in strings - deep if text.isascii() == is_ascii)
        if not chosen:
            continue
        if shutil.which(engine) is None:
            remarks.append(f"{len(chosen):,} LaTeX strings were not compiled: there is no {engine} on this machine.")
            continue
        if compiled([], engine):
            remarks.append(f"{len(chosen):,} LaTeX strings were not compiled: the {engine} of this machine lacks amsmath or bm.")
            continue
        found = compiled(chosen, engine)
        errors += [f"{engine}: {said}\n    {text[:_SHOWN]}" for text, said in found]
        remarks.append(f"{len(chosen):,} LaTeX strings compiled by {engine}, {len(found)} with an error.")
    return errors, remarks


def compiled(strings: list[str], engine: str) -> list[tuple[str, str]]:
    """Each string at which TeX stops, with what it says."""
    lines, owners = [_PREAMBLE], [-1]
    for number, text in enumerate(strings):
        own = _lines(text)
        lines += own
        owners += [number] * len(own)
    with tempfile.TemporaryDirectory(prefix="symgd-tests-") as folder:
        Path(folder, "all.tex").write_text("\n".join([*lines, r"\end{document}"]), encoding="utf-8")
        command = [engine, "-no-shell-escape", "-interaction=nonstopmode", "all.tex"]
        try:
            done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return [(_WHOLE, f"{engine} did not end within {SECONDS} seconds.")]
        log = Path(folder, "all.log").read_text(encoding="utf-8", errors="replace").splitlines()
    found: dict[str, str] = {}
    for k, line in enumerate(log):
        if line.startswith("!"):
            place = next((match for after in log[k:] if (match := _FORMULA.match(after))), None)
            number = owners[int(place[1]) - 1] if place and int(place[1]) <= len(owners) else -1
            found.setdefault(strings[number] if number >= 0 else _WHOLE, line.removeprefix("!").strip())
    if done.returncode and not found:
        found[_WHOLE] = f"{engine} ended with exit code {done.returncode}."
    return list(found.items())


def _depth(text: str) -> int:
    """How deeply braces and pairs of \\left and \\right are nested."""
    depth = deepest = 0
    for mark in _GROUP.findall(text):
        depth += 1 if mark in ("{", r"\left") else -1
        deepest = max(deepest, depth)
    return deepest


def _lines(text: str) -> list[str]:
    """Lines that set the string in a box that is thrown away: no page is built, however wide it is."""
    text = "\n".join(wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False))
    if text.startswith((r"\begin{align}", r"\begin{align*}")):
        return rf"\setbox\kept\vbox{{{text}}}".split("\n")
    return rf"\setbox\kept\hbox{{$\displaystyle {text}$}}".split("\n")
