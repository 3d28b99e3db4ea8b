"""A rule of the simplifier: a row of one of the tables in `of_products`, `of_functions`, `of_sums`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symgd.algebra.expression import Along, Expression, Map, MatrixFunction

ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule says: `before` = `after` under the declarations `given`; `apply` returns None where it does not apply."""

    name: str
    before: str
    after: str
    given: str
    apply: Callable[..., Any]


def named(node: Expression, *names: str) -> bool:
    """Is the node one of these functions?"""
    return isinstance(node, Map | Along | MatrixFunction) and node.function.name in names
