"""Recursion that does not meet Python's recursion limit: a function on a tree, written as a generator.

The function yields a generator where it would call itself, and gets back what that one returned.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

Result = TypeVar("Result")
Task = Generator[Any, Any, Result]


def run(task: Task[Result]) -> Result:
    """What the generator returns; every generator it yields is run first, to any depth."""
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
