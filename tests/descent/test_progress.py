"""The bar that shows how far a descent is: on a terminal only, and cleared at the end."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest

from symgd import descend
from symgd.descent import progress

_CLEARED = "\x1b[1A\x1b[2K"  # what rich writes last: up to the bar's line, which is erased


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_progress(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    monkeypatch.setenv("COLUMNS", "120")
    found = descend("(w - 2)^2", start={"w": 0.0}, method="momentum", rate=0.01, steps=3, progress=True)
    text = stream.getvalue()
    if not stream.isatty():
        assert text == ""
        return
    figures = re.findall(r"step (\d) of 3 +loss (\S+) +gradient (\S+)", re.sub(r"\x1b\[[0-9;]*m", "", text))
    shown = {step: (loss, slope) for step, loss, slope in figures}
    assert shown["1"] == (f"{found.values[1]:.6g}", f"{2 * (2 - found.path['w'][1]):.3g}")
    assert shown["3"][0] == f"{found.values[3]:.6g}"
    assert " steps/s" in text
    assert text.endswith(_CLEARED)


def test_without_a_bar_its_library_is_not_loaded():
    program = (
        "import sys, symgd; symgd.descend('(w - 2)^2', start={'w': 0.0}, rate=0.1, steps=3, progress=True); print('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True).stdout == "False\n"
