"""Where a loss has a pole for certain parameters, whatever the data: its walls."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from symgd.algebra import expression as ex
from symgd.algebra.expression import Expression, Map
from symgd.algebra.functions.table import POWER
from symgd.algebra.simplify import simplified_all
from symgd.descent.objective import Objective


def walls_of(objective: Objective) -> Callable[[Sequence[Tensor]], Sequence[Tensor]] | None:
    """What the loss divides by that is a function of the parameters alone, such as s in `b/s`; None where there is nothing."""
    parameters, found = set(objective.leaves), dict[Expression, None]()
    for node in ex.topological(objective.program.formula.origin):
        if isinstance(node, Map) and node.function is POWER:
            exponent = ex.constant_value(node.children[1])
            variables = set(ex.leaves(node.children[0]))
            if exponent is not None and exponent < 0 and variables and variables <= parameters:
                found[node.children[0]] = None
    return objective.of_all_data(simplified_all(list(found))) if found else None
