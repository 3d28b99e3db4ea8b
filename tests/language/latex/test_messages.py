"""The full text of every error message about LaTeX: `messages.txt` holds the input and what is said to the user."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from symgd.errors import SymgdError
from symgd.language.elaborate import read, read_claim

READERS = {"read": read, "read_claim": read_claim}
CASES = [case.partition("\n") for case in (Path(__file__).parent / "messages.txt").read_text(encoding="utf-8").split("\n----\n") if case]


@pytest.mark.parametrize(("call", "message"), [(call, message) for call, _, message in CASES], ids=[call for call, _, _ in CASES])
def test_message(call: str, message: str) -> None:
    reader, text, given, syntax = json.loads(call)
    with pytest.raises(SymgdError) as caught:
        READERS[reader](text, given, syntax)
    kind, _, written = message.partition(": ")
    assert type(caught.value).__name__ == kind
    assert str(caught.value) == written
    assert caught.value.position is not None
