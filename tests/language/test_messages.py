"""The full text of every error message of the language: `messages.txt` holds the input and what is said to the user."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symgd.errors import SymgdError
from symgd.language.declarations import parse_declarations
from symgd.language.elaborate import read, read_claim
from symgd.language.infix import parse_claim, parse_formula
from symgd.language.names import check_name

READERS: dict[str, Callable[..., Any]] = {
    "formula": parse_formula,
    "claim": parse_claim,
    "given": parse_declarations,
    "name": check_name,
    "read": read,
    "read_claim": read_claim,
}
CASES = [case.partition("\n") for case in (Path(__file__).parent / "messages.txt").read_text(encoding="utf-8").split("\n----\n") if case]


@pytest.mark.parametrize(("call", "message"), [(call, message) for call, _, message in CASES], ids=[call for call, _, _ in CASES])
def test_message(call: str, message: str) -> None:
    reader, *arguments = json.loads(call)
    with pytest.raises(SymgdError) as caught:
        READERS[reader](*arguments)
    kind, _, text = message.partition(": ")
    assert type(caught.value).__name__ == kind
    assert str(caught.value) == text


def test_messages_are_many_and_each_once() -> None:
    calls = [call for call, _, _ in CASES]
    assert len(calls) == len(set(calls)) > 200
