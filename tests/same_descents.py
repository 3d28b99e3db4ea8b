"""Two descents that should be the same one: end, message, values and path, within rounding."""

from __future__ import annotations

import pytest
import torch


class always:  # noqa: N801 - it reads as the function it stands in for
    """In place of `fastest`: the route of this number, whatever it costs; `made` are the steps."""

    def __init__(self, ways, number=0):
        self.ways, self.number, self.made = ways, number, []

    def __call__(self, objective, steps, ways=()):
        routes = self.ways(objective, steps)
        if len(routes) <= self.number:
            return None
        self.made.append(routes[self.number].make())
        return self.made[-1]


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
