"""Work that may hang or take all memory, in a process of its own that is killed when its time is up.

Arithmetic on large polynomials runs in C and cannot be interrupted from within.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable

MEMORY = 1 << 30  # bytes beyond what the process has when it begins


def text_of(work: Callable[[], str], ends: float) -> str:
    """What the work returns; "" where it is not done when the clock says `ends`, or fails.

    Where processes cannot be forked it runs here, and may take longer.
    """
    if not hasattr(os, "fork"):
        return work()
    receiving, sending = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        _run(work, sending)
    os.close(sending)
    try:
        return _received(receiving, ends)
    finally:
        os.close(receiving)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _run(work: Callable[[], str], sending: int) -> None:
    """The child: it never returns."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _limit_memory()
        os.write(sending, work().encode() + b"\n")
        status = 0
    finally:
        os._exit(status)


def _limit_memory() -> None:
    import resource

    with open("/proc/self/statm", encoding="ascii") as pages:
        now = int(pages.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))


def _received(receiving: int, ends: float) -> str:
    found = b""
    while not found.endswith(b"\n"):
        ready, _, _ = select.select([receiving], [], [], max(0.0, ends - time.monotonic()))
        part = os.read(receiving, 4096) if ready else b""
        if not part:
            return ""
        found += part
    return found.decode().strip()
