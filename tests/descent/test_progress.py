"""The line that shows how far a descent is: on a terminal only, and cleared at the end."""

from __future__ import annotations

import io
import sys

import pytest

from symgd import descend
from symgd.descent import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_progress(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    found = descend("(w - 2)^2", start={"w": 0.0}, method="momentum", rate=0.01, steps=3, progress=True)
    lines = stream.getvalue().split("\r")
    if not stream.isatty():
        assert lines == [""]
        return
    assert lines[1] == f"step 1 of 3  loss {found.values[1]:.6g}  gradient {2 * (2 - found.path['w'][1]):.3g}"
    assert lines[3].startswith(f"step 3 of 3  loss {found.values[3]:.6g}  gradient ")
    assert lines[3].rstrip().endswith(" steps/s")
    assert lines[-2].isspace()
    assert lines[-1] == ""
