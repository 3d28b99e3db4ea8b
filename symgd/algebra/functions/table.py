"""The function table: every function symgd knows, by name. The one place other rooms import functions from.

`row(name)` finds a row by name or alias, `rows()` goes through all of them, `F.exp(x)` builds an expression,
`define_function(row)` adds one. `POWER` is the row that `expression.power` builds, `MATRIX_POWER` that of A^k.
"""

from __future__ import annotations

from symgd.algebra.functions import along, elementary, hyperbolic, matrix, pieces, special, trigonometric
from symgd.algebra.functions.pieces import TRUTHS
from symgd.algebra.functions.registry import RESERVED, build, define_function, elementwise, fill, find, row, rows
from symgd.algebra.functions.writing import F

__all__ = ["MATRIX_POWER", "POWER", "RESERVED", "TRUTHS", "F", "build", "define_function", "elementwise", "fill", "find", "row", "rows"]

for _family in (elementary, pieces, trigonometric, hyperbolic, special, along, matrix):
    for _row in _family.ROWS:
        define_function(_row)

POWER, MATRIX_POWER = elementwise("power"), row("matrix_power")
