"""The time given for a claim is kept, also where a proof would take far longer: large work is done in a process that can be killed."""

from __future__ import annotations

import os
import time

import pytest

from symgd import check
from symgd.verify import proofs, worker

EIGHT = "a + b + c + d + p + q + r + s"


def test_the_time_is_kept() -> None:
    begun = time.monotonic()
    verdict = check(f"({EIGHT})^40*(sin(a)*sin(a) + cos(b)^2) = ({EIGHT})^40*(1 - cos(a)^2 + cos(b)^2)", seconds=2)
    assert time.monotonic() - begun < 20
    assert verdict.grade in ("proved", "agrees")


def test_what_is_large_is_proved_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(worker, "text_of", lambda work, ends: asked.append(1) or work())
    assert check(f"({EIGHT})^9*(sin(a)^2 + cos(a)^2) = (s + r + q + p + d + c + b + a)^9").grade == "proved"
    assert asked == [1]
    assert check("sin(2*x) = 2*sin(x)*cos(x)").grade == "proved"
    assert asked == [1]


def test_a_worker_gives_its_text() -> None:
    assert worker.text_of(lambda: f"done {os.getpid()}", time.monotonic() + 20) != f"done {os.getpid()}"
    assert worker.text_of(lambda: "both sides", time.monotonic() + 20) == "both sides"
    assert worker.text_of(lambda: "", time.monotonic() + 20) == ""


def test_a_worker_is_killed_in_time() -> None:
    begun = time.monotonic()
    assert worker.text_of(lambda: time.sleep(60) or "late", begun + 0.2) == ""
    assert time.monotonic() - begun < 30


def test_a_worker_that_fails_says_nothing() -> None:
    def fails() -> str:
        raise ArithmeticError

    assert worker.text_of(fails, time.monotonic() + 20) == ""
    assert worker.text_of(lambda: str(os._exit(3)), time.monotonic() + 20) == ""


def test_a_worker_has_a_limit_of_memory() -> None:
    assert worker.text_of(lambda: str(len(bytearray(4 * worker.MEMORY))), time.monotonic() + 20) == ""


def test_terms_are_estimated() -> None:
    from symgd import formula

    def terms(text: str) -> int:
        return proofs._terms(formula(text).origin)

    assert terms("x*y + 1") == 2
    assert terms("(x + y)*(x - y)*(x + 1)") == 8
    assert terms("(x + y + z)^2") == 6
    assert terms(f"({EIGHT})^40") == proofs.TERMS + 1
    assert terms("sin((x + y)^2)") == 1
