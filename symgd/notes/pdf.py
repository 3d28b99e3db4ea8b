"""LaTeX to PDF through a TeX found on the machine: in an empty folder, without shell escape, on a budget of time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from symgd.errors import LimitError, LoweringError
from symgd.notes.tex import is_korean

SECONDS = 120
_INSTALL = "On Debian and Ubuntu: apt install texlive-latex-extra texlive-fonts-recommended"
_KOREAN = "On Debian and Ubuntu: apt install texlive-xetex texlive-lang-korean"


def pdf(text: str, files: Mapping[str, bytes], seconds: float = SECONDS) -> bytes:
    """The PDF of a document; `files` are the figures it names. Raises LoweringError where there is no TeX, or TeX finds an error."""
    engine = engine_for(text)
    with tempfile.TemporaryDirectory(prefix="symgd-") as folder:
        for name, data in {**files, "notes.tex": text.encode()}.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        command = [engine, "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "notes.tex"]
        confined = {**os.environ, "openin_any": "p", "openout_any": "p"}  # TeX reads and writes below its folder only
        try:
            done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, env=confined)
        except subprocess.TimeoutExpired:
            raise LimitError(f"{Path(engine).name} was still running after {seconds:g} seconds.", hint="Make the notes shorter.") from None
        found = Path(folder, "notes.pdf")
        if done.returncode or not found.exists():
            raise LoweringError(f"{Path(engine).name} stopped: {first_error(done.stdout.decode(errors='replace'))}", hint=_advice(text))
        return found.read_bytes()


def engine_for(text: str) -> str:
    """The TeX for this document: pdflatex, or one that has the letters of other scripts."""
    korean = any(map(is_korean, text))
    wanted = ("xelatex", "lualatex", "pdflatex") if korean else ("pdflatex", "lualatex", "xelatex")
    for name in wanted:
        if path := shutil.which(name):
            return path
    hint = f"{_KOREAN if korean else _INSTALL}. Without TeX, write HTML: --output notes.html"
    raise LoweringError("a PDF needs TeX, and neither pdflatex, lualatex nor xelatex is on this machine.", hint=hint)


def first_error(log: str) -> str:
    """The first error of a log of TeX, with the line it names."""
    lines = log.splitlines()
    at = next((k for k, line in enumerate(lines) if line.startswith("!")), None)
    if at is None:
        return (lines[-1] if lines else "no message") + "."
    place = next((line for line in lines[at:] if re.match(r"l\.\d+", line)), "")
    said = lines[at].removeprefix("!").strip()
    return said if not place else f"{said} ({place.strip()[:80]})"


def _advice(text: str) -> str:
    if any(map(is_korean, text)):
        return f"Korean needs the package kotex. {_KOREAN}"
    return "The packages it needs are amsmath, amssymb, bm, graphicx, geometry, iftex, lmodern. " + _INSTALL
