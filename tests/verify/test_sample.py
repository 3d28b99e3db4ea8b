"""Points of one-sided domains: on their side of the bound at every stratum, near it and far from it."""

from __future__ import annotations

from random import Random

import pytest

from symgd.algebra.expression import leaf
from symgd.verify import sample


@pytest.mark.parametrize("kind", ["> 0", ">= 0", "> 5/2", "< 0", "<= 0", "< 18", "< -1/3"])
def test_points_keep_to_their_side(kind: str) -> None:
    variable = leaf("t", (), (kind,))
    bound = sample.Fraction(kind.lstrip("<>= "))
    random, distances = Random(3), []
    for stratum in range(4 * len(sample.STRATA)):
        away = sample.point([variable], {}, random, stratum)["t"] - bound
        assert away > 0 if kind[0] == ">" else away < 0 or (away == 0 and "=" in kind)
        distances.append(abs(away))
    assert 20 * min(distances) < max(distances)
    assert max(distances) > 8
