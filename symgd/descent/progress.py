"""A line on standard error that shows how far a descent is: steps, loss, largest entry of the gradient, steps a second."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from symgd.descent.methods.method import State

_EVERY = 0.1  # seconds


class Progress:
    """Written over itself on a terminal, a few times a second; elsewhere nothing is written. `close()` clears it."""

    def __init__(self, steps: int, stream: TextIO | None = None) -> None:
        self._stream, self._steps = sys.stderr if stream is None else stream, steps
        self._is_shown = self._stream.isatty()
        self._begun: tuple[float, int] | None = None
        self._next, self._width = 0.0, 0

    def show(self, step: int, loss: float, state: State) -> None:
        now = time.monotonic()
        if not self._is_shown or now < self._next:
            return
        self._begun = self._begun or (now, step)
        self._next = now + _EVERY
        begun, first = self._begun
        speed = f"{(step - first) / (now - begun):,.0f} steps/s" if step > first else ""
        line = f"step {step:,} of {self._steps:,}  loss {loss:.6g}  gradient {state.size():.3g}  {speed}".rstrip()
        self._stream.write("\r" + line.ljust(self._width))
        self._stream.flush()
        self._width = len(line)

    def close(self) -> None:
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
