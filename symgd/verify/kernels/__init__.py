"""A zero test for numbers: both sides as fractions of polynomials over kernels that know their own relations.

Every function is written with exp, log, sin, cos, powers and moduli; their arguments are factored, and each irreducible factor f
gets kernels of its own:

    |f| = σ·f            σ² = 1
    |f|^p                r^L = |f|, where L is the common denominator of all powers
    log u, for u > 0     Σ n·log|f|
    u^v, for u > 0       Π |f|^(n·v), where v is no number: one kernel for each part of v
    exp u                Π exp(m)^c over the terms c·m of u
    sin u, cos u         by the terms of u; sin² = 1 − cos²

What must be positive gives equations between the signs σ, so that one calculation covers every pattern of signs on which both sides
are real. A difference whose numerator these relations reduce to 0 is 0 wherever both sides are defined. One that does not reduce to
0 proves nothing.
"""

from __future__ import annotations

from math import lcm

from symgd.algebra import expression as ex
from symgd.algebra.expression import Constant, Expression, Map
from symgd.algebra.functions.table import POWER
from symgd.verify.kernels.forms import Kernels
from symgd.verify.kernels.ratio import Finer, NoForm, Ratio
from symgd.verify.kernels.signs import STEPS

FINEST = 240  # the largest denominator of powers, and of multiples in exponents
ANGLES = {"sin", "cos", "tan", "cot", "sec", "csc"}
WAYS = ((True, 1), (True, 2), (False, 1), (False, 2))  # of writing angles: whole or by terms, by their halves or not


def is_zero(difference: Expression, ends: float) -> bool:
    """Is the number 0 wherever it is defined? True is a proof, False is none. The work stops when the clock says `ends`."""
    if any(node.shape for node in ex.topological(difference)):
        return False
    has_angles = any(isinstance(node, Map) and node.function.name in ANGLES for node in ex.topological(difference))
    return any(_reduces_to_zero(difference, whole, parts, ends) for whole, parts in (WAYS if has_angles else WAYS[:1]))


def _reduces_to_zero(difference: Expression, whole: bool, parts: int, ends: float) -> bool:
    root, steps = _common_root(difference), STEPS
    while root <= FINEST and steps <= FINEST:
        try:
            kernels = Kernels(root, whole, parts, ends, steps)
            found = kernels.form(difference)
            return bool(kernels.reduced(found.above).is_zero()) and not kernels.reduced(found.below).is_zero()
        except Finer as finer:
            root, steps = root * finer.root, steps * finer.steps
        except (NoForm, ZeroDivisionError):
            return False
    return False


def _common_root(root: Expression) -> int:
    """The common denominator of all powers in the expression."""
    found = 2
    for node in ex.topological(root):
        if isinstance(node, Constant) and node.value.denominator > 1:
            continue
        if isinstance(node, Map) and node.function is POWER and (value := ex.constant_value(node.children[1])) is not None:
            found = lcm(found, value.denominator)
    return found


__all__ = ["Kernels", "Ratio", "is_zero"]
