"""Recursion without Python's recursion limit: a function that yields a generator where it would call itself.

`run` runs every generator that is yielded first, to any depth, and sends back what it returned.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

Result = TypeVar("Result")
Task = Generator[Any, Any, Result]


def run(task: Task[Result]) -> Result:
    """What the generator returns."""
    waiting: list[Task[Any]] = [task]
    value: Any = None
    while waiting:
        try:
            called = waiting[-1].send(value)
        except StopIteration as done:
            waiting.pop()
            value = done.value
        else:
            waiting.append(called)
            value = None
    result: Result = value
    return result
