"""C source compiled and loaded: the machine's compiler, a cache on disk by content, ctypes.

A library is compiled into a file of its own and renamed to its place, so that processes may do this at the same time and one
that is killed leaves nothing half-made. The name is a hash of the source, the flags, the compiler and the processor.
"""

from __future__ import annotations

import ctypes
import hashlib
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

FLAGS = (
    "-O3",
    "-march=native",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fopenmp-simd",
    "-fPIC",
    "-shared",
    "-pthread",
)
_SECONDS = 120  # for a compilation
_GUESS = 0.4  # seconds that a compilation takes, as long as there has been none
_taken: list[float] = []  # by compilations of this process


class NoCompiler(Exception):
    """Why there is no library, in words."""


def compiler() -> str | None:
    """The path of the C compiler: that of the environment variable CC, else cc, gcc or clang."""
    named = os.environ.get("CC", "").split()
    candidates = named[:1] if named else ["cc", "gcc", "clang"]
    return next((found for name in candidates if (found := shutil.which(name))), None)


def cache_folder() -> Path:
    """Where libraries are kept: SYMGD_CACHE, else symgd in the user's cache folder."""
    given = os.environ.get("SYMGD_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "symgd"


@cache
def _machine() -> str:
    """What machine code depends on beyond the source."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        chip = [next((line for line in lines if line.startswith(start)), "") for start in ("model name", "flags", "Features")]
    except OSError:
        chip = [platform.processor()]
    return "\n".join([sys.platform, platform.machine(), *chip])


class Candidate:
    """A source that becomes a library once that pays: where it is kept, or when it would have saved as much as compiling takes."""

    def __init__(self, source: str) -> None:
        self.source, self.missed, self._is_kept = source, 0.0, False
        self._library: ctypes.CDLL | None = None

    @property
    def seconds(self) -> float:
        """What a decision for it has to save."""
        self._is_kept = self._is_kept or is_kept(self.source)
        if self._is_kept:
            return 0.0
        return max(0.0, (sum(_taken) / len(_taken) if _taken else _GUESS) - self.missed)

    def library(self) -> ctypes.CDLL:
        """The library. Raises `NoCompiler` with the reason; it then never pays any more."""
        if self._library is None:
            try:
                self._library = library(self.source)
            except NoCompiler:
                self.missed, self._is_kept = -math.inf, False
                raise
            self._is_kept = True
        return self._library


def is_kept(source: str) -> bool:
    """Has the source been compiled, by this process or another? Without a compiler it has not."""
    found = compiler()
    return found is not None and _path(found, source).exists()


def library(source: str) -> ctypes.CDLL:
    """The source as a loaded library, from the cache where it is there. Raises `NoCompiler` with the reason."""
    found = compiler()
    if found is None:
        raise NoCompiler("no C compiler is found")
    path = _path(found, source)
    if not path.exists():
        _compile(found, source, path)
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        path.unlink(missing_ok=True)
        _compile(found, source, path)
        try:
            return ctypes.CDLL(str(path))
        except OSError:
            raise NoCompiler(f"what the C compiler makes cannot be loaded ({error})") from None


def _path(found: str, source: str) -> Path:
    """Where the library of this source is, or will be."""
    place = Path(os.path.realpath(found))
    stamp = place.stat()
    key = "\n".join([*FLAGS, str(place), str(stamp.st_size), str(stamp.st_mtime_ns), _machine(), source])
    return _writable() / (hashlib.sha256(key.encode()).hexdigest()[:40] + ".so")


def _writable() -> Path:
    """The cache where it is the user's own and can be written to, else a folder of this process."""
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK) and (not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()):
            return folder
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        pass
    return Path(_own_folder().name)


@cache
def _own_folder() -> tempfile.TemporaryDirectory[str]:
    """Gone when the process ends."""
    return tempfile.TemporaryDirectory(prefix="symgd-")


def _compile(found: str, source: str, path: Path) -> None:
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="making-", dir=path.parent) as folder:
        text, made = Path(folder) / "program.c", Path(folder) / "program.so"
        text.write_text(source, encoding="utf-8")
        try:
            done = subprocess.run(
                [found, *FLAGS, "-o", str(made), str(text), "-lm"], capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoCompiler(f"the C compiler {found} does not run ({type(error).__name__})") from None
        if done.returncode or not made.exists():
            lines = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines() or ["no message"]
            raise NoCompiler(f"the C compiler {found} fails: {lines[0][:200]}")
        os.replace(made, path)
    _taken.append(time.perf_counter() - begun)
