"""Ctrl-C during long work: noticed between two steps, so that what was reached is whole.

A KeyboardInterrupt may otherwise arrive anywhere: half-way through a step, or inside a callback of the garbage collector,
where Python prints it and goes on.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Interrupts:
    """Within it, the first Ctrl-C sets `asked`; the second raises KeyboardInterrupt where it is.

    With `terminated`, SIGTERM (what schedulers of clusters send before they kill) sets `asked` too, and takes its course at the end
    of the work, unless an error ends it. Signals reach the main thread only: in another thread, or where the program handles them in
    its own way, nothing changes.
    """

    def __init__(self, terminated: bool = False) -> None:
        self.asked = False
        self._before: Any = None
        self._notices, self._is_terminated = terminated, False
        self._before_term: Any = None

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._noticed)
            if self._notices and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
                self._before_term = signal.signal(signal.SIGTERM, self._terminated)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if self._before_term is not None:
            signal.signal(signal.SIGTERM, self._before_term)
            if self._is_terminated and error is None:
                signal.raise_signal(signal.SIGTERM)

    def _noticed(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def _terminated(self, number: int, frame: FrameType | None) -> None:
        self.asked = self._is_terminated = True
