"""Random exact points of the declared domain: where two sides of a claim are compared.

Coordinates are rationals with a prime denominator, so that no accident of small numbers makes unequal things equal. Declared
kinds hold: positive entries, symmetric and positive definite matrices, probabilities, whole numbers, values of a finite set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Any

from symgd.algebra.expression import Leaf
from symgd.algebra.expression import leaf as leaf_of
from symgd.algebra.matrices import BANDED
from symgd.errors import NoRuleError

PRIME = 97
Nested = Any  # a Fraction, or nested lists of them


def sizes(names: Iterable[str], generator: Random) -> dict[str, int]:
    """A small size for every dimension name, no two alike, in random order: where sizes coincide, unequal things may be equal."""
    names = list(names)
    return dict(zip(names, generator.sample(range(2, 4 + len(names)), len(names))))


# What a point may look like, in turn: the factor of its coordinates (None: of each its own), and their signs (0: of each its own).
# Domains lie near 0, far out, on one side; what has parameters in exponents is often real at whole ones only (the factor 0).
STRATA = tuple(
    (None if scale == "any" else Fraction(scale), sign)
    for row in (
        (("1", 1), ("1", -1), ("1", 0), ("1/3", 1), ("1/3", -1), ("any", 0)),
        (("3", 1), ("1/3", 0), ("3", -1), ("0", 0), ("any", 0), ("1/10", 0)),
        (("1/30", 1), ("10", 1), ("any", 1), ("any", 0), ("0", 0), ("any", 0)),
    )
    for scale, sign in row
)
SCALES = tuple(map(Fraction, ("1/10", "1/3", "1", "1", "3", "10")))


def point(leaves: Iterable[Leaf], dimensions: Mapping[str, int], generator: Random, stratum: int = 0) -> dict[str, Nested]:
    """A value for every variable, in its domain; `stratum` counts through `STRATA`."""
    scale, sign = STRATA[stratum % len(STRATA)]
    found = {}
    for leaf in leaves:
        value = _value(leaf, [d.evaluate(dimensions) for d in leaf.shape], generator)
        own = generator.choice(SCALES) if scale is None else scale
        if not leaf.kind:
            value = _scaled(value, own, sign)
        elif all(kind.startswith((">", "<")) for kind in leaf.kind):
            value = _spread(value, own, Fraction(leaf.kind[0].lstrip("<>= ")))
        found[leaf.name] = value
    return found


def _spread(value: Nested, scale: Fraction, bound: Fraction) -> Nested:
    """On its side of a bound, nearer or farther; a whole number away where the scale is 0."""
    if isinstance(value, list):
        return [_spread(entry, scale, bound) for entry in value]
    away = value - bound
    return bound + scale * away if scale else bound + (round(away) or (away > 0) - (away < 0))


def _scaled(value: Nested, scale: Fraction, sign: int) -> Nested:
    if isinstance(value, list):
        return [_scaled(entry, scale, sign) for entry in value]
    if not scale:  # a whole number, not 0
        return Fraction(round(value) or 1)
    return scale * sign * abs(value) if sign else scale * value


def _value(leaf: Leaf, shape: list[int], generator: Random) -> Nested:
    kinds = set(leaf.kind)
    bands = [band for kind in leaf.kind if (band := _band(kind, shape)) is not None]
    if bands or kinds & {"symmetric", "spd", "orthogonal"}:
        below, above = (min(counts) for counts in zip(*bands, (shape[0], shape[0])))
        return _matrix(leaf, shape[0], below, above, generator)
    if "simplex" in kinds:
        weights = [Fraction(generator.randrange(1, PRIME)) for _ in range(shape[0])]
        return [w / sum(weights) for w in weights]
    return _array(shape, lambda: _number(leaf, generator))


def _array(shape: list[int], entry: Any) -> Nested:
    return [_array(shape[1:], entry) for _ in range(shape[0])] if shape else entry()


def _number(leaf: Leaf, generator: Random) -> Fraction:
    for _ in range(1000):
        value = Fraction(generator.randrange(-3 * PRIME, 3 * PRIME + 1), PRIME)
        if "integer" in leaf.kind:
            value = Fraction(generator.randrange(-4, 8) if generator.randrange(4) else generator.randrange(-60, 100))
        for kind in leaf.kind:
            choices = _choices(kind)
            if choices:
                value = generator.choice(choices)
        value = _moved(value, leaf.kind)
        if all(_holds(value, kind) for kind in leaf.kind):
            return value
    raise NoRuleError(f"no sample point for {leaf.name} {' '.join(leaf.kind)}.")


def _choices(kind: str) -> list[Fraction]:
    """The members of `in {a, b}`."""
    if not kind.startswith("in {"):
        return []
    return [Fraction(part.strip()) for part in kind[4:-1].split(",")]


def _moved(value: Fraction, kinds: Iterable[str]) -> Fraction:
    """Into an open interval `in (a, b)`, or beyond a bound `> a`, where the kinds say one."""
    for kind in kinds:
        if kind.startswith(("in (", "in [")):
            low, high = (Fraction(part.strip()) for part in kind[4:-1].split(","))
            value = low + (high - low) * Fraction(abs(value.numerator) % (PRIME - 1) + 1, PRIME)
        elif kind.startswith((">", "<")) and not _holds(value, kind):
            bound = Fraction(kind.lstrip("<>= "))
            value = 2 * bound - value
    return value


def _holds(value: Fraction, kind: str) -> bool:
    for sign, test in ((">=", value.__ge__), ("<=", value.__le__), (">", value.__gt__), ("<", value.__lt__)):
        if kind.startswith(sign):
            return bool(test(Fraction(kind[len(sign) :].strip())))
    return value.denominator == 1 if kind == "integer" else True


def _band(kind: str, shape: Sequence[int]) -> tuple[int, int] | None:
    """How many diagonals below and above the main one a declared structure leaves."""
    banded = BANDED.match(kind)
    if banded:
        return int(banded[1]), int(banded[2])
    return {"diagonal": (0, 0), "lower": (shape[0], 0), "upper": (0, shape[0])}.get(kind) if shape else None


def _matrix(leaf: Leaf, n: int, below: int, above: int, generator: Random) -> Nested:
    """A matrix of declared structure; what is declared of entries holds for those inside the structure."""
    kinds = set(leaf.kind)
    of_entries = tuple(kind for kind in leaf.kind if kind not in ("symmetric", "spd", "orthogonal") and _band(kind, [n, n]) is None)
    if (of_entries and kinds & {"spd", "orthogonal"}) or {"spd", "orthogonal"} <= kinds:
        raise NoRuleError(f"no sample point for {leaf.name} {' '.join(leaf.kind)}.")
    if kinds & {"symmetric", "spd", "orthogonal"} and below != above:
        below = above = min(below, above)
    if "orthogonal" in kinds:
        # A product of reflections I - 2vv'/v'v is orthogonal and rational, one of them symmetric; so is a diagonal matrix of signs,
        # whatever the band.
        q = [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]
        if min(below, above) < n - 1:
            return [[x * generator.choice((-1, 1)) for x in row] for row in q]
        for _ in range(1 if "symmetric" in kinds else generator.choice((1, 2, 3))):
            v = [_small(generator) + 2 for _ in range(n)]
            length = sum(x * x for x in v)
            q = [[row[j] - 2 * sum(row[k] * v[k] for k in range(n)) * v[j] / length for j in range(n)] for row in q]
        return q
    replaced = leaf_of(leaf.name, (), of_entries)

    def entry() -> Fraction:
        return _number(replaced, generator) if of_entries else _small(generator)

    b = [[entry() if -below <= j - i <= above else Fraction(0) for j in range(n)] for i in range(n)]
    if "spd" in kinds:
        # L L' + I has as many diagonals as the lower triangle L.
        b = [[x if j <= i else Fraction(0) for j, x in enumerate(row)] for i, row in enumerate(b)] if below < n else b
        return [[sum((b[i][k] * b[j][k] for k in range(n)), Fraction(int(i == j))) for j in range(n)] for i in range(n)]
    return [[b[max(i, j)][min(i, j)] for j in range(n)] for i in range(n)] if "symmetric" in kinds else b


def _small(generator: Random) -> Fraction:
    return Fraction(generator.randrange(-PRIME, PRIME + 1), PRIME)
