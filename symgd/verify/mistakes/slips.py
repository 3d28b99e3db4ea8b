"""Slips in a derivation: one rule of differentiation applied wrongly at one part of the formula.

If everything but the derivative of part v was derived rightly, the result is off by D = R − dF/dx = (∂F/∂v)·(s − dv/dx), where s is
what was taken for dv/dx. So s follows by one division, at every part at once, and is compared with what each known slip gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.table import POWER, rows
from symgd.verify.mistakes.floats import FLOATS, as_floats, may_be_near
from symgd.verify.mistakes.numbers import apply, log, near, same, simple, usable
from symgd.verify.mistakes.written import Run, Written, partial


@dataclass(frozen=True, slots=True)
class Local:
    """A part at a point: its value, and the values `u`, `w` and slopes `du`, `dw` of its children (0 where there is no second one)."""

    value: Any
    slope: Any
    u: Any
    w: Any
    du: Any
    dw: Any


@dataclass(frozen=True, slots=True)
class Slip:
    """One rule applied wrongly, at parts of one operator: `depends` says which children depend on the variable (None: either).

    `slope` is what is taken for the derivative of the part. In `text`, {0} is the part, {1} and {2} are its children.
    """

    operator: str
    depends: tuple[bool | None, ...]
    kind: str
    text: str
    slope: Callable[[Local], Any]


def _power(base: Any, exponent: Any) -> Any:
    return apply(POWER, base, exponent)


_CHAIN = "in the derivative of {0} the factor from the chain rule is missing, the derivative of {1}."
_INNER = "in the derivative of {0} the factor from the chain rule is missing, the derivative of {2}."
_LOST = "in the derivative of {0} the term is missing in which {%d} is derived."

SLIPS = (
    Slip("*", (True, True), "product-rule", "the derivative of {0} is not the product of the derivatives.", lambda p: p.du * p.dw),
    Slip("*", (True, True), "product-rule", _LOST % 2, lambda p: p.du * p.w),
    Slip("*", (True, True), "product-rule", _LOST % 1, lambda p: p.u * p.dw),
    Slip("*", (True, True), "product-rule", "in the derivative of {0} the second term has the wrong sign.",
         lambda p: p.du * p.w - p.u * p.dw),
    Slip("/", (False, True), "quotient-rule, sign", "the derivative of {0} has the wrong sign.", lambda p: p.u * p.dw / p.w**2),
    Slip("/", (False, True), "quotient-rule", "in the derivative of {0} the denominator is not squared.", lambda p: -p.u * p.dw / p.w),
    Slip("/", (False, True), "chain-rule", _INNER, lambda p: -p.u / p.w**2),
    Slip("/", (False, True), "quotient-rule", "the derivative of {0} is not one over the derivative of {2}.", lambda p: p.u / p.dw),
    Slip("/", (True, True), "quotient-rule, sign", "in the derivative of {0} the second term of the numerator has the wrong sign.",
         lambda p: (p.du * p.w + p.u * p.dw) / p.w**2),
    Slip("/", (True, True), "quotient-rule", "in the derivative of {0} the denominator is not squared.",
         lambda p: (p.du * p.w - p.u * p.dw) / p.w),
    Slip("/", (True, True), "quotient-rule, sign", "in the derivative of {0} the two terms of the numerator are exchanged.",
         lambda p: (p.u * p.dw - p.du * p.w) / p.w**2),
    Slip("/", (True, True), "quotient-rule", "the derivative of {0} is not the quotient of the derivatives.", lambda p: p.du / p.dw),
    Slip("/", (True, True), "quotient-rule", _LOST % 2, lambda p: p.du / p.w),
    Slip("/", (True, True), "quotient-rule", _LOST % 1, lambda p: -p.u * p.dw / p.w**2),
    Slip("^", (True, False), "power-rule, exponent", "in the derivative of {0} the exponent is not reduced by 1.",
         lambda p: p.w * p.value * p.du),
    Slip("^", (True, False), "power-rule, factor", "in the derivative of {0} the factor {2} is missing.",
         lambda p: _power(p.u, p.w - 1) * p.du),
    Slip("^", (True, False), "chain-rule", _CHAIN, lambda p: p.w * _power(p.u, p.w - 1)),
    Slip("^", (True, False), "power-rule", "in the derivative of {0} both the factor {2} and the derivative of {1} are missing.",
         lambda p: _power(p.u, p.w - 1)),
    Slip("^", (True, False), "power-rule, exponent", "in the derivative of {0} the exponent is raised by 1, not reduced.",
         lambda p: p.w * p.value * p.u * p.du),
    Slip("^", (True, False), "power-rule, factor", "in the derivative of {0} the factor is the exponent, before it is reduced.",
         lambda p: (p.w - 1) * _power(p.u, p.w - 1) * p.du),
    Slip("^", (True, False), "chain-rule", "in the derivative of {0} the derivative of {1} is put in the place of {1}.",
         lambda p: p.w * _power(p.du, p.w - 1)),
    Slip("^", (True, False), "power-rule", "{0} is integrated, not derived.", lambda p: p.value * p.u / (p.w + 1)),
    Slip("^", (False, True), "exponential, factor", "in the derivative of {0} the factor log({1}) is missing.", lambda p: p.value * p.dw),
    Slip("^", (False, True), "chain-rule", _INNER, lambda p: p.value * log(p.u)),
    Slip("^", (False, True), "power-rule, exponential", "{0} is no power of the variable: its derivative has the factor log({1}).",
         lambda p: p.w * _power(p.u, p.w - 1) * p.dw),
    Slip("^", (False, True), "power-rule, exponential", "{0} is no power of the variable: its derivative has the factor log({1}).",
         lambda p: p.w * _power(p.u, p.w - 1)),
    Slip("^", (False, True), "exponential, factor", "in the derivative of {0} log({1}) is a factor, not a divisor.",
         lambda p: p.value * p.dw / log(p.u)),
    Slip("^", (True, True), "power-rule, exponential", "in the derivative of {0} the exponent {2} is taken as constant.",
         lambda p: p.w * _power(p.u, p.w - 1) * p.du),
    Slip("^", (True, True), "power-rule, exponential", "in the derivative of {0} the base {1} is taken as constant.",
         lambda p: p.value * log(p.u) * p.dw),
)  # fmt: skip


def slips(written: Written, runs: Sequence[Run], errors: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """The kind and the sentence of every single slip that explains the errors D of a derivative, one at each point; the likeliest first."""
    taken = _taken(written, runs, errors)
    for i in taken:
        part = written.parts[i]
        depends = [written.depends[c] for c in part.children]
        parts = [_local(written, run, i) for run in runs]
        for slip in SLIPS:
            is_meant = slip.operator == part.operator and all(b is None or a == b for a, b in zip(depends, slip.depends))
            if is_meant and _explains(parts, taken[i], slip.slope):
                yield slip.kind, slip.text.format(written.source(i), *[written.source(c) for c in part.children])
        if part.operator == "call" and any(depends):
            yield from _of_call(written, runs, i, taken[i])
    for i in reversed(taken):
        yield from _of_any(written, runs, i, taken[i])
    calls = [i for i in taken if written.parts[i].operator == "call" and written.parts[i].what.arity == 1]
    for i, other, sign in _other_functions(written, runs[0], calls, taken):
        yield from _of_other_function(written, runs, i, taken[i], other, sign)


def _taken(written: Written, runs: Sequence[Run], errors: Sequence[Any]) -> dict[int, list[Any]]:
    """What was taken for the derivative of each part, if the fault is there: at every point."""
    found: dict[int, list[Any]] = {}
    adjoints = [run.adjoints(written) for run in runs]
    for i in range(len(written.parts)):
        factors = [own[i] for own in adjoints]
        if all(usable(factor) and not factor.contains(0) for factor in factors):
            found[i] = [run.slopes[i] + error / factor for run, error, factor in zip(runs, errors, factors)]
    return found


def _local(written: Written, run: Run, i: int) -> Local:
    children = written.parts[i].children
    return Local(run.values[i], run.slopes[i], *_two([run.values[c] for c in children]), *_two([run.slopes[c] for c in children]))


def _explains(parts: Sequence[Local], taken: Sequence[Any], slope: Callable[[Local], Any]) -> bool:
    try:
        return all(near(slope(part), wanted) for part, wanted in zip(parts, taken))
    except ZeroDivisionError:
        return False


def _two(values: Sequence[Any]) -> tuple[Any, Any]:
    return (values[0] if values else 0), (values[1] if len(values) > 1 else 0)


def _of_call(written: Written, runs: Sequence[Run], i: int, taken: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Slips in the chain rule of a function."""
    part = written.parts[i]
    name, row = written.source(i), part.what
    for k, child in enumerate(part.children):
        if not written.depends[child]:
            continue
        inner, own = written.source(child), partial(row, k)

        def outer(run: Run, own: Any = own) -> Any:
            return own(*[run.values[c] for c in part.children])

        chained = [run.partials[i][k] for run in runs]
        rest = [run.slopes[i] - factor * run.slopes[child] for run, factor in zip(runs, chained)]
        if same(taken, [r + factor for r, factor in zip(rest, chained)]):
            yield "chain-rule", _CHAIN.format(name, inner)
        if same(taken, [r - factor * run.slopes[child] for r, factor, run in zip(rest, chained, runs)]):
            yield "sign, function", f"the derivative of {name} has the wrong sign."
        if row.arity == 1:
            placed = [own(run.slopes[child]) for run in runs]
            if same(taken, placed):
                yield "chain-rule", f"in the derivative of {name} the derivative of {inner} is put in the place of {inner}."
            if same(taken, [factor * run.values[child] for factor, run in zip(chained, runs)]):
                yield "chain-rule", f"in the derivative of {name} the factor is {inner} itself, not its derivative."
            if same(taken, [run.values[i] * run.slopes[child] for run in runs]):
                yield "function", f"the derivative of {row.name} is not {row.name}."


def _of_any(written: Written, runs: Sequence[Run], i: int, taken: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Slips at any part: a constant derived as if it were none, a part left alone, a number forgotten."""
    name = written.source(i)
    if not written.depends[i]:
        if same(taken, [run.values[i] for run in runs]) or same(taken, [run.values[i] * 0 + 1 for run in runs]):
            yield "constant", f"the derivative of the constant {name} is 0."
        return
    if same(taken, [run.slopes[i] * 0 for run in runs]) and written.parents[i] >= 0:
        yield "dropped-term, constant", f"{name} is taken as constant: it depends on {written.variable}."
    if same(taken, [run.values[i] for run in runs]):
        yield "dropped derivative", f"{name} is left as it is, not derived."
    number = _common(taken, [run.slopes[i] for run in runs])
    if number == -1:
        yield "sign", f"the derivative of {name} has the wrong sign."
    elif number is not None and number != 1 and number:
        yield (
            "factor",
            f"the derivative of {name} has the factor {number} too much."
            if number.denominator == 1
            else (f"the derivative of {name} lacks the factor {1 / number}."),
        )


def _other_functions(written: Written, run: Run, calls: Sequence[int], taken: dict[int, list[Any]]) -> list[tuple[int, Elementwise, int]]:
    """At which call, by which function and sign, the derivative of another function may have been taken: as floats tell at one point."""
    calls = [i for i in calls if written.depends[i]]
    if not calls:
        return []
    inner = [written.parts[i].children[0] for i in calls]
    found = []
    with np.errstate(all="ignore"):
        arguments, slopes = as_floats([run.values[c] for c in inner]), as_floats([run.slopes[c] for c in inner])
        wanted = as_floats([taken[i][0] for i in calls]) / slopes
        for order, other in enumerate(rows()):
            if isinstance(other, Elementwise) and other.arity == 1:
                own = partial(other, 0, FLOATS)(arguments)
                for sign in (1, -1):
                    found += [(place, order, -sign, other) for place in np.flatnonzero(may_be_near(sign * own, wanted))]
    found.sort(key=lambda item: item[:3])
    return [(calls[place], other, -minus) for place, _, minus, other in found if other is not written.parts[calls[place]].what]


def _of_other_function(
    written: Written, runs: Sequence[Run], i: int, taken: Sequence[Any], other: Elementwise, sign: int
) -> Iterator[tuple[str, str]]:
    """The derivative of another function taken for that of this one, perhaps with the other sign."""
    part = written.parts[i]
    (child,) = part.children
    if same(taken, [partial(other, 0)(run.values[child]) * run.slopes[child] * sign for run in runs]):
        minus = "minus " if sign < 0 else ""
        yield "function", f"what is taken for the derivative of {part.what.name} is {minus}that of {other.name}."


def _common(above: Sequence[Any], below: Sequence[Any]) -> Fraction | None:
    if any(b.contains(0) for b in below):
        return None
    return simple([a / b for a, b in zip(above, below)])
