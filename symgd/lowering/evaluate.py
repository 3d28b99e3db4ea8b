"""`Formula.evaluate`: the value at numbers, in float64 or with many certified digits."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache
from typing import Any

import torch
from flint import fmpq
from torch import Tensor

from symgd.algebra import expression as ex
from symgd.algebra.certified import balls, certified
from symgd.algebra.expression import Expression, Leaf, Map
from symgd.algebra.functions.row import Elementwise
from symgd.algebra.simplify import simplified_all
from symgd.errors import DomainError, ValueGivenError
from symgd.formula import Formula
from symgd.lowering.compiled import Compiled, compiled
from symgd.lowering.lower import lower
from symgd.lowering.stable.rewrite import stable
from symgd.lowering.values import Bound, Values

_KEPT = 256  # programs of formulas evaluated lately
_CPU = torch.device("cpu")


def evaluate(f: Formula, values: Mapping[str, Any], digits: int | None = None) -> Any:
    """The value of the formula: a float64 tensor of its shape, or with `digits` mpmath numbers, every digit right.

    Raises `ValueGivenError` or `ShapeError` for values that do not fit, `DomainError` where the value is not finite. Warns
    where the formula is a derivative taken at a kink.
    """
    known = f.known
    prepared = _prepared((f.expression, *[argument for _, argument in f.kinked]))
    required = dict.fromkeys([*f.variables, *(leaf.name for leaf in prepared.program.inputs if leaf.name in f.leaves)])
    checks = Values(known, required, prepared.sizes, prepared.program.requirements)
    if digits is not None:
        return _with_digits(f, checks, values, digits)
    bound = checks.bind(values)
    if f.kinked and all(leaf.name in bound.tensors for leaf in prepared.program.inputs):
        value, *arguments = prepared.call(bound)
        _warn_at_kinks(f.kinked, arguments)
    else:
        (value,) = _prepared((f.expression,)).call(bound)
    if not bool(torch.isfinite(value).all()):
        raise _not_finite(value)
    return value


def values_of(expressions: Sequence[Expression], values: Mapping[str, Any], known: Mapping[str, Leaf]) -> list[Tensor]:
    """The values of several expressions in float64, computed together; nothing is said of entries that are not finite."""
    prepared = _prepared(tuple(expressions))
    checks = Values(known, [leaf.name for leaf in prepared.program.inputs], prepared.sizes, prepared.program.requirements)
    return list(prepared.call(checks.bind(values)))


@lru_cache(maxsize=_KEPT)
def _prepared(expressions: tuple[Expression, ...]) -> Compiled:
    """The program of these expressions in float64 on the processor."""
    return compiled(lower(simplified_all(stable(expressions)), ex.leaves(*expressions)), torch.float64, _CPU)


def _with_digits(f: Formula, checks: Values, values: Mapping[str, Any], digits: int) -> Any:
    if isinstance(digits, bool) or not isinstance(digits, int) or digits < 1:
        raise ValueGivenError(f"digits is {digits!r}, not a whole number from 1.", hint="Write digits=50.")
    checks.check_names(values)
    sizes: dict[str, Any] = {}
    with suppress(ValueGivenError):  # what float64 cannot hold, certified arithmetic may: it refuses what is no number itself
        sizes = dict(checks.bind(values).sizes)  # also those that only arrays show which have left the formula
    sizes.update({name: value for name, value in values.items() if name not in checks.leaves})
    given = {name: value for name, value in values.items() if name in checks.leaves}
    found = certified(f.expression, given, sizes, digits)
    known = [(node, argument) for node, argument in f.kinked if all(leaf.name in given for leaf in ex.leaves(f.expression, argument))]
    crossed = balls([f.expression, *[argument for _, argument in known]], given, sizes=sizes)[1:] if known else []
    for (node, _), argument in zip(known, crossed):
        # What is exactly at a kink is an exact number; a ball around one may be beside it.
        exact = [float(Fraction(int(entry.p), int(entry.q))) for entry in argument.flat if isinstance(entry, fmpq)]
        _warn_at_kink(node.function, torch.tensor(exact, dtype=torch.float64), 5)
    return found


def warn_at_kinks(f: Formula, bound: Bound, stacklevel: int) -> None:
    """Where the formula is a derivative and the values lie at a kink of a function it crosses, warn, and say what is taken."""
    if not f.kinked:
        return
    prepared = _prepared(tuple(argument for _, argument in f.kinked))
    if all(leaf.name in bound.tensors for leaf in prepared.program.inputs):
        _warn_at_kinks(f.kinked, prepared.call(bound), stacklevel + 1)


def _warn_at_kinks(kinked: Sequence[tuple[Map, Expression]], arguments: Sequence[Tensor], stacklevel: int = 4) -> None:
    """A derivative is taken at a kink: say so, and what it is taken to be."""
    for (node, _), argument in zip(kinked, arguments):
        _warn_at_kink(node.function, argument, stacklevel + 1)


def _warn_at_kink(function: Elementwise, argument: Tensor, stacklevel: int) -> None:
    for kink in function.kinks:
        if bool((argument == float(kink)).any()):
            reason = f"the derivative of {function.name} jumps at {kink}, where it is asked"
            warnings.warn(f"{reason}; it is taken by convention: {function.convention}.", stacklevel=stacklevel)


def _not_finite(value: Tensor) -> DomainError:
    flat = value.reshape(-1)
    where = int(torch.nonzero(~torch.isfinite(flat))[0])
    shown = float(flat[where])
    what = "the value" if value.numel() == 1 else "an entry of the value"
    if shown != shown:
        return DomainError(
            f"{what} is not a real number at these values.", hint="A function is outside its domain; evaluate with digits=50 to see which."
        )
    return DomainError(
        f"{what} is infinite at these values.",
        hint="There is a pole, or the value is beyond 1.8e308; evaluate with digits=50 to see which.",
    )
