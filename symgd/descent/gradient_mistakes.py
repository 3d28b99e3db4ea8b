"""What is likely wrong with a gradient that is wrong everywhere: a factor, a sign, a transpose, the incoming gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import torch
from torch import Tensor

CLOSE = 1e-6  # relative to the largest entry
FACTOR = 1000  # the largest denominator of a factor that is named as a fraction


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was got and the truth in float64 at one ordinary point; `again` the same two for another incoming gradient."""

    name: str
    got: Tensor
    truth: Tensor
    again: tuple[Tensor, Tensor] | None
    sizes: Mapping[str, int]


def likely_mistake(bad: Sequence[str], comparisons: Iterable[Comparison]) -> str | None:
    """A sentence on the first of the wrong arrays for which one is found; None where there is none."""
    usable = [c for c in comparisons if bool(torch.isfinite(c.got).all() and torch.isfinite(c.truth).all())]
    for name in bad:
        own = [c for c in usable if c.name == name and bool((c.truth != 0).any())]
        if len(own) < 3:
            continue
        what = "the value" if name == "value" else f"the gradient by {name}"
        found = _of_one(own) or _incoming(own) or _exchanged(name, own, [c for c in usable if c.name in bad and c.name != name])
        if found:
            return f"{what} {found}"
    return None


def _of_one(own: Sequence[Comparison]) -> str | None:
    if all(not bool((c.got != 0).any()) for c in own):
        return "is 0 everywhere: it is detached, or filled with zeros."
    if _all(own, lambda c: -c.truth):
        return "has the opposite sign."
    turned = [c for c in own if c.truth.dim() == 2]
    if len(turned) == len(own) and all(c.truth.shape[0] == c.truth.shape[1] for c in own):
        if any(c.truth.shape[0] > 1 for c in own) and _all(own, lambda c: c.truth.T):
            return "is transposed."
        if any(c.truth.shape[0] > 1 for c in own) and _all(own, lambda c: (c.truth + c.truth.T) / 2):
            return "is symmetrised: entries of a symmetric matrix are independent here."
    return _by_sizes(own) or _by_number(own)


def _by_sizes(own: Sequence[Comparison]) -> str | None:
    """A factor that is a product of dimensions, or one over it."""
    names = list(own[0].sizes)
    for powers in product((0, 1, -1), repeat=len(names)) if len(names) <= 4 else ():
        if not any(powers) or all(_size(c, names, powers) == 1 for c in own):
            continue
        if _all(own, lambda c, powers=powers: c.truth * _size(c, names, powers)):  # type: ignore[misc]
            above = "*".join(name for name, power in zip(names, powers) if power > 0)
            below = "*".join(name for name, power in zip(names, powers) if power < 0)
            factor = (above or "1") + (f"/({below})" if "*" in below else f"/{below}" if below else "")
            hint = (
                ": that of a sum where f has a mean" if above and not below else ": that of a mean where f has a sum" if not above else ""
            )
            return f"has the factor {factor}{hint}."
    return None


def _size(c: Comparison, names: Sequence[str], powers: Sequence[int]) -> float:
    found = 1.0
    for name, power in zip(names, powers):
        found *= float(c.sizes[name]) ** power
    return found


def _by_number(own: Sequence[Comparison]) -> str | None:
    k = int(own[0].truth.abs().argmax())
    factor = float(own[0].got.reshape(-1)[k] / own[0].truth.reshape(-1)[k])
    if abs(factor - 1) <= CLOSE or not _all(own, lambda c: c.truth * factor):
        return None
    fraction = Fraction(factor).limit_denominator(FACTOR)
    shown = str(fraction) if abs(float(fraction) - factor) <= CLOSE * abs(factor) else f"{factor:.6g}"
    return f"has the factor {shown} everywhere."


def _incoming(own: Sequence[Comparison]) -> str | None:
    """Right for the first incoming gradient and wrong for the second."""
    pairs = [(c, *c.again) for c in own if c.again is not None]
    if not pairs:
        return None
    if all(_close(got, c.got) for c, got, _ in pairs):
        return "does not depend on the incoming gradient: multiply it by grad_output."
    if all(_close(c.got, c.truth) for c, _, _ in pairs) and not all(_close(got, truth) for _, got, truth in pairs):
        if all(_close(got, truth * -1.25) for _, got, truth in pairs):
            return "is multiplied by the incoming gradient twice."
        return "is right for one incoming gradient only: it is not linear in grad_output, or the graph cannot be used twice."
    return None


def _exchanged(name: str, own: Sequence[Comparison], others: Sequence[Comparison]) -> str | None:
    for other in dict.fromkeys(c.name for c in others):
        pairs = list(zip(own, (c for c in others if c.name == other)))
        if pairs and all(a.got.shape == b.truth.shape and _close(a.got, b.truth) and _close(b.got, a.truth) for a, b in pairs):
            return f"is exchanged with that by {other}: backward returns gradients in the order of forward's arguments."
    return None


def _all(own: Sequence[Comparison], expected: Callable[[Comparison], Tensor]) -> bool:
    return all(_close(c.got, expected(c)) for c in own)


def _close(got: Tensor, expected: Tensor) -> bool:
    largest = float(expected.abs().max()) if expected.numel() else 0.0
    return got.shape == expected.shape and float((got - expected).abs().max() if got.numel() else 0.0) <= CLOSE * largest
