"""What all tests share: the reference evaluator on the import path, fixed examples for property tests, and that all LaTeX compiles."""

from __future__ import annotations

import getpass
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

import latex_batch

settings.register_profile(
    "fixed", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("fixed")

# Programs compiled by tests are kept apart from the user's, and found again by the next run: a file is named by its content.
os.environ.setdefault("SYMGD_CACHE", str(Path(tempfile.gettempdir()) / f"symgd-tests-{getpass.getuser()}"))

latex_batch.gather()
_FROM_WORKER = "latex"  # where a worker's strings are in what it sends
_report = pytest.StashKey[tuple[list[str], list[str]]]()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """What a worker has gathered, once it ends."""
    latex_batch.gathered.update(getattr(node, "workeroutput", {}).get(_FROM_WORKER, ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_FROM_WORKER] = sorted(latex_batch.gathered)
        return
    errors, _ = session.config.stash[_report] = latex_batch.report(latex_batch.gathered)
    if errors and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    errors, remarks = config.stash.get(_report, ([], []))
    if errors:
        terminalreporter.section("LaTeX that does not compile")
    for line in [*errors, *remarks]:
        terminalreporter.line(line)
