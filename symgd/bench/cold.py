"""The time from a formula to its first gradient in a fresh process, after the imports: `python -m symgd.bench.cold PEER PROBLEM`.

What is kept on disk between processes is kept in one folder, which is empty for a first process and filled for a second.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

_KEEPS = ("SYMGD_CACHE", "TORCHINDUCTOR_CACHE_DIR", "NUMBA_CACHE_DIR")
_SECONDS = 300


def in_fresh_process(peer: str, problem: str, folder: Path) -> tuple[float, list[Any]]:
    """Seconds, and the numbers. Raises `RuntimeError` with the last line of what the process says, where it fails."""
    known = {name: str(folder) for name in _KEEPS}
    where = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-m", "symgd.bench.cold", peer, problem],
        env={**os.environ, **known, "PYTHONPATH": where},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["it failed without a word"])[-1])
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["seconds"], answer["numbers"]


def main(peer: str, problem: str) -> None:
    import numpy as np

    import symgd
    from symgd.bench.peers import PEERS
    from symgd.bench.problems import PROBLEMS, Case

    case, row = Case.of(PROBLEMS[problem]), PEERS[peer]
    for name in row.needs:
        import_module(name)
    _ = symgd.formula, symgd.to_torch  # which import what they need
    begin = _processor_seconds()
    numbers = row.ways["cold"](case).result()
    seconds = _processor_seconds() - begin
    print(json.dumps({"seconds": seconds, "numbers": [np.asarray(value, dtype=float).tolist() for value in numbers]}))


def _processor_seconds() -> float:
    """Of this process and of the compilers it has waited for: how busy the machine is besides does not count."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main(*sys.argv[1:])
