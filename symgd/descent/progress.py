"""A bar on standard error that shows how far a descent is: steps, loss, largest entry of the gradient, steps a second."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

from symgd.descent.methods.method import State

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

_EVERY = 0.1  # seconds


class Progress:
    """Drawn over itself on a terminal, a few times a second; elsewhere nothing is written. `close()` clears it."""

    def __init__(self, steps: int, stream: TextIO | None = None) -> None:
        self._stream, self._steps = sys.stderr if stream is None else stream, steps
        self._is_shown = self._stream.isatty()
        self._bar: Bar | None = None
        self._begun: tuple[float, int] | None = None
        self._next = 0.0

    def show(self, step: int, loss: float, state: State) -> None:
        now = time.monotonic()
        if not self._is_shown or now < self._next:
            return
        self._begun = self._begun or (now, step)
        self._next = now + _EVERY
        begun, first = self._begun
        speed = f"{(step - first) / (now - begun):,.0f} steps/s" if step > first else ""
        figures = f"step {step:,} of {self._steps:,}  loss {loss:.6g}  gradient {state.size():.3g}  {speed}".rstrip()
        bar = self._bar or self._opened()
        bar.update(bar.task_ids[0], completed=step, description=figures)
        bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _opened(self) -> Bar:
        from rich.console import Console  # a tenth of a second, for those alone who see the bar
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        # Drawn by the descent itself: a thread that draws would take steps from it.
        columns = BarColumn(bar_width=20), TextColumn("{task.description}", markup=False)
        console = Console(file=self._stream, force_terminal=True, soft_wrap=True)
        self._bar = Bar(*columns, console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False)
        self._bar.add_task("", total=self._steps)
        self._bar.start()
        return self._bar
