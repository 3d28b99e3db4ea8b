"""What all tests share: the reference evaluator on the import path, and fixed examples for property tests."""

from __future__ import annotations

import getpass
import os
import sys
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile(
    "fixed", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("fixed")

# Programs compiled by tests are kept apart from the user's, and found again by the next run: a file is named by its content.
os.environ.setdefault("SYMGD_CACHE", str(Path(tempfile.gettempdir()) / f"symgd-tests-{getpass.getuser()}"))
