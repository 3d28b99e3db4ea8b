"""Numbers are compared before anything is timed: who gives others has no time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

TOLERANCE = 1e-8  # of the largest entry of each array


class WrongNumbers(Exception):
    """What a package gives differs from the reference."""


def check(found: Sequence[Any], wanted: Sequence[Any], tolerance: float = TOLERANCE) -> None:
    """Raise `WrongNumbers` unless all arrays agree, each within the tolerance times its largest entry; nan agrees with nothing."""
    if len(found) != len(wanted):
        raise WrongNumbers(f"it gives {len(found)} arrays, not {len(wanted)}")
    for number, (given, right) in enumerate(zip(found, wanted)):
        off = distance(given, right)
        if not off <= tolerance:
            raise WrongNumbers(f"result {number} is off by {off:.2g} of its largest entry")


def distance(found: Any, wanted: Any) -> float:
    """The largest difference over the largest entry wanted (over 1 where all are 0); infinite for another shape, or nan."""
    import numpy as np

    a, b = (np.squeeze(np.asarray(value, dtype=float)) for value in (found, wanted))
    if a.shape != b.shape or not np.isfinite(a).all():
        return math.inf
    return float(np.abs(a - b).max(initial=0.0) / (np.abs(b).max(initial=0.0) or 1.0))
