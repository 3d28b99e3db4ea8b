"""`python -m symgd.bench`: measure symgd beside its peers, on one machine, in one run. See `python -m symgd.bench --help`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_DONE, _BAD, _INTERRUPTED = 0, 2, 130
README = Path(__file__).resolve().parent.parent.parent / "README.md"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.threads < 1:
        parser.error("--threads is a whole number from 1 on")
    _set_threads(asked.threads)  # before anything imports numpy
    from symgd.bench import kinds, peers, report, timing

    def note(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    try:
        cells = kinds.chosen([name for name in (asked.cells or ("call" if asked.passes else "")).split(",") if name])
        found = report.from_json(json.loads(Path(asked.keep).read_text(encoding="utf-8"))) if asked.keep else {}
        if asked.json:
            Path(asked.json).touch()  # what cannot be written is known before anything is measured
    except (ValueError, OSError) as error:
        note(f"error: {error}.")
        return _BAD
    except (KeyError, TypeError, AttributeError):
        note(f"error: {asked.keep} was not written by --json.")
        return _BAD
    rows = peers.without_passes() if asked.passes else peers.PEERS
    absent = [f"{peer.name} ({peer.missing})" for peer in rows.values() if peer.missing]
    if absent:
        note(f"not installed, their cells stay empty: {', '.join(absent)}; pip install 'symgd[bench]'")
    about = report.machine(asked.threads)

    def ordered() -> list[kinds.Measured]:
        return [found[name] for name in kinds.CELLS if name in found]

    def keep() -> None:
        if asked.json:
            Path(asked.json).write_text(json.dumps(report.as_json(about, ordered()), indent=1), encoding="utf-8")

    clock = time.process_time if asked.threads == 1 else time.perf_counter
    code = _DONE
    try:
        for number, cell in enumerate(cells):
            note(f"{number + 1}/{len(cells)} {cell.id}")
            found[cell.id] = kinds.measured(cell, rows, timing.QUICK if asked.quick else timing.FULL, clock, found)
            keep()  # after every cell: what ends the run loses one
    except KeyboardInterrupt:
        note("interrupted: what follows is what was measured before")
        code = _INTERRUPTED
    print(report.report(ordered(), rows))
    if asked.readme:
        try:
            README.write_text(report.rewritten(README.read_text(encoding="utf-8"), report.readme_tables(about, found)), encoding="utf-8")
        except (ValueError, OSError) as error:
            note(f"error: {error}.")
            return _BAD
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m symgd.bench",
        description="Measure symgd beside other packages. Numbers are compared first, to 1e-8 (parameters of fits to 1e-6, derivatives "
        "at n = 10); calls take turns; a ratio is the median of theirs/ours over the rounds, between its quartiles. "
        "pip install 'symgd[bench]' installs the packages.",
    )
    parser.add_argument("--cells", default="", metavar="NAMES", help="only these, by their first words: call,descent:line")
    parser.add_argument("--quick", action="store_true", help="few and short rounds: to see that all runs")
    parser.add_argument("--threads", type=int, default=1, help="of every package (1: the clock is processor time; else wall time)")
    parser.add_argument("--json", metavar="FILE", help="write all figures to this file")
    parser.add_argument("--keep", metavar="FILE", help="cells that are not measured come from this file, written by --json")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--passes", action="store_true", help="instead of other packages: symgd without each pass of its lowering")
    what.add_argument("--readme", action="store_true", help="write the tables to README.md")
    return parser


def _set_threads(many: int) -> None:
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{name}_NUM_THREADS"] = str(many)
    if many == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    import torch

    torch.set_num_threads(many)


if __name__ == "__main__":
    sys.exit(main())
