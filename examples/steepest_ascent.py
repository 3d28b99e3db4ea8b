"""Steepest ascent: over all unit vectors u, the slope D_u f is largest, +‖∇f‖, along the gradient and least, −‖∇f‖, against it.

    python examples/steepest_ascent.py                            the default, x^2*y + sin(y)
    python examples/steepest_ascent.py "x*y*exp(-x^2 - z^2)"      a formula of yours in scalar variables

Claim: no direction of many does better than the gradient, and the gradient's own does exactly as well as the theorem says.
"""

from __future__ import annotations

import math
import random
import sys

import symgd

DIRECTIONS = 2000


def unit(vector: list[float]) -> list[float]:
    length = math.hypot(*vector)
    return [component / length for component in vector]


def main(text: str) -> None:
    f = symgd.formula(text)
    names = list(f.variables)
    random.seed(1)
    point = {name: random.uniform(0.5, 1.5) for name in names}
    along = [f"u_{name}" for name in names]
    slope = symgd.directional(f, names, along=along)
    gradient = symgd.gradient(f, names)
    ascent = [float(component) for component in gradient.evaluate(point)]
    norm = math.hypot(*ascent)
    print(f"f     = {f}\n∇f    = {gradient}\nD_u f = {slope}")
    print("at P: " + ", ".join(f"{name} = {value:.6f}" for name, value in point.items()))
    assert norm > 0, "the gradient vanishes at P: no direction ascends"

    def slope_along(u: list[float]) -> float:
        return float(slope.evaluate({**point, **dict(zip(along, u))}))

    best = unit(ascent)
    tried = [slope_along(unit([random.gauss(0, 1) for _ in names])) for _ in range(DIRECTIONS)]
    print(f"‖∇f‖                               = {norm}")
    print(f"D_u f along the gradient           = {slope_along(best)}")
    print(f"D_u f against the gradient         = {slope_along([-component for component in best])}")
    print(f"largest of {DIRECTIONS} random directions  = {max(tried)}")
    print(f"least of {DIRECTIONS} random directions    = {min(tried)}")
    rounding = 1e-12 * norm
    assert abs(slope_along(best) - norm) <= rounding
    assert abs(slope_along([-component for component in best]) + norm) <= rounding
    assert all(-norm - rounding <= value <= norm + rounding for value in tried)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "x^2*y + sin(y)")
