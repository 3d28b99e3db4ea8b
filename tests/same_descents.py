"""Two descents that should be the same one: end, message, values and path, within rounding."""

from __future__ import annotations

import pytest
import torch


def same_descent(found, wanted, tolerance, nan=False):
    """`nan` says that values may be nan, in both at the same places."""
    assert (found.outcome, found.steps, found.evaluations, found.message) == (
        wanted.outcome,
        wanted.steps,
        wanted.evaluations,
        wanted.message,
    )
    assert found.values == pytest.approx(wanted.values, rel=tolerance, nan_ok=nan)
    assert found.path.keys() == wanted.path.keys() == found.parameters.keys()
    for name, points in wanted.path.items():
        assert len(found.path[name]) == len(points)
        for a, b in zip([*found.path[name], found.parameters[name]], [*points, wanted.parameters[name]]):
            assert type(a) is type(b)
            torch.testing.assert_close(torch.as_tensor(a), torch.as_tensor(b), rtol=tolerance, atol=tolerance, equal_nan=nan)
