"""symgd itself, in the same kinds of cells as its peers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import symgd
from symgd.bench.problems import Call, Case, Run


def call(case: Case) -> Call:
    """Values bound once, the backend chosen by symgd."""
    return _bound(case, "auto")


def call_without_compiler(case: Case) -> Call:
    """The same where there is no C compiler: torch operations, or plain floats."""
    scalars = all(isinstance(value, float | list) for value in case.both.values())
    return _bound(case, "python" if scalars else "eager")


def call_without(*passes: str) -> Callable[[Case], Call]:
    """The same without these passes of the lowering, on torch operations, where each shows; see `symgd.lowering.passes`."""
    return lambda case: _bound(case, "eager", passes)


def _bound(case: Case, backend: str, without: Sequence[str] = ()) -> Call:
    f = symgd.formula(case.problem.formula, given=case.problem.given)
    bound = symgd.to_torch(f, gradient=list(case.parameters), backend=backend, without=without).bind(case.both)
    return Call(bound, lambda found: [found[0], *[found[1][name] for name in case.parameters]])


def descent(case: Case) -> Run:
    f = symgd.formula(case.problem.formula, given=case.problem.given)

    def run(steps: int) -> Sequence[Any]:
        found = symgd.descend(f, start=case.parameters, data=case.data, rate=case.problem.rate, steps=steps)
        return [found.parameters[name] for name in case.parameters]

    return run
