"""Numbers for a row of the table: points of its domain, and difference quotients that judge an answer without any calculus.

An answer is contracted with random directions and compared with the change of the formula along them: one number for a gradient
or a Hessian, one for every entry of a Jacobian. A wrong entry shows, because a random direction meets all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from identities.identity import Identity
from mpmath import mp
from random_expressions import point_of
from reference import (
    DIGITS,
    Array,
    difference_along,
    evaluate,
    evaluate_all,
    is_defined,
    largest_difference,
    numbers,
    second_difference_along,
)

from symgd import Formula

SAME = 1e-30  # of two forms of one value: of 50 digits the inverse of an ill-conditioned matrix costs some
POINTS = 2
TRIES = 40  # a logarithm of a random determinant is defined every other time, an inverse of X'*X where X is tall
CLOSE = 1e-15  # of a quotient: higher derivatives may be large


@dataclass(frozen=True, slots=True)
class Place:
    """Sizes of the dimensions, all different, values of the variables, and a direction for every name that is derived by."""

    sizes: Mapping[str, int]
    values: Mapping[str, Any]
    directions: Mapping[str, Array]


def places(identity: Identity, *formulas: Formula) -> Iterator[Place]:
    """Points of the domain where all the formulas are defined."""
    leaves = {name: leaf for f in formulas for name, leaf in f.known.items()}
    dimensions = list(dict.fromkeys(name for leaf in leaves.values() for length in leaf.shape for name in length.names))
    found = 0
    for seed in range(TRIES):
        random = Random(f"{identity.formula} {seed}")
        sizes = dict(zip(dimensions, random.sample(range(2, 2 + max(2, len(dimensions))), len(dimensions))))
        values = {**sizes, **point_of(leaves.values(), seed, sizes)}  # a size is a variable too, where no array has it
        if all(is_defined(value) for value in evaluate_all([f.expression for f in formulas], values, sizes)):
            turned = {**sizes, **point_of(leaves.values(), seed + TRIES, sizes)}
            yield Place(sizes, values, {name: numbers(turned[name]) for name in identity.names})
            found += 1
        if found == POINTS:
            return
    raise AssertionError(f"no point of the domain found: {identity}")


def value(f: Formula, place: Place) -> Array:
    return evaluate(f.expression, place.values, place.sizes)


def is_same(one: Array, other: Array) -> bool:
    return bool(largest_difference(one, other) < SAME)


def is_derivative(answer: Array, identity: Identity, place: Place) -> bool:
    """Do the difference quotients of the formula confirm the answer?"""
    with mp.workdps(DIGITS):
        return bool(largest_difference(_contracted(answer, identity, place), _change(identity, place)) < CLOSE)


def _contracted(answer: Array, identity: Identity, place: Place) -> Array:
    """The answer along the directions."""
    first, last = place.directions[identity.names[0]], place.directions[identity.names[-1]]
    if identity.verb in ("gradient", "hessian_vector"):
        return np.array(np.sum(answer * first)) if answer.shape == first.shape else answer
    if identity.verb == "structured":
        return np.array(np.sum(np.tril(answer * first))) if answer.shape == first.shape else answer
    if identity.verb == "hessian":
        fits = answer.shape == (first.size, last.size)
        return np.array(np.dot(np.dot(_stacked(first), answer), _stacked(last))) if fits else answer
    if identity.verb == "jacobian":
        return np.dot(answer, _stacked(first)) if answer.ndim == 2 and answer.shape[1] == first.size else answer
    return answer


def _change(identity: Identity, place: Place) -> Array:
    """The change of the formula along the directions, by differences."""
    f = identity.read(identity.formula).origin
    first, last = identity.names[0], identity.names[-1]
    direction = place.directions[first]
    if identity.verb in ("hessian", "hessian_vector"):
        other = (last, place.directions[last]) if identity.verb == "hessian" else (first, place.values[last])
        return second_difference_along(f, (first, direction), other, place.values, place.sizes)
    given = {"derivative": 1, "directional": place.values[last]}
    change = difference_along(f, {first: given.get(identity.verb, direction)}, place.values, place.sizes)
    return _stacked(change) if identity.verb == "jacobian" else change


def _stacked(matrix: Array) -> Array:
    """Column by column."""
    return matrix.flatten(order="F")
