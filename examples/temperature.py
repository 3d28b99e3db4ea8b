"""A temperature in space: its gradient, its total differential and its slope in a direction.

Claims: dT = ∇T · ds, and for a small step ds the temperature changes by dT up to an error that falls fourfold when the step
halves; the slope along a unit vector u is the limit of (T(P + t·u) − T(P))/t.
"""

from __future__ import annotations

from itertools import pairwise

import symgd

POINT = {"x": 1.0, "y": -0.5, "z": 2.0}
STEP = {"dx": 0.002, "dy": 0.001, "dz": -0.002}
DIRECTION = {"x": 2 / 3, "y": 1 / 3, "z": -2 / 3}  # the direction of the step, of length 1


def moved(step: dict[str, float], t: float) -> dict[str, float]:
    """The point P + t·step, with the step by the names of the variables."""
    return {name: POINT[name] + t * step[name] for name in POINT}


def main() -> None:
    temperature = symgd.formula("20 + 5*exp(-(x^2 + y^2)/4)*cos(z)")
    gradient = symgd.gradient(temperature, ["x", "y", "z"])
    differential = symgd.differential(temperature)
    slope = symgd.directional(temperature, ["x", "y", "z"], along=["2/3", "1/3", "-2/3"])
    print(f"T      = {temperature}")
    print(f"∇T     = {gradient}")
    print(f"dT     = {differential}")
    print(f"D_u T  = {slope}")

    at_point = gradient.evaluate(POINT)
    dT = float(differential.evaluate({**POINT, **STEP}))
    print(f"\nat P = {POINT}\n∇T = {at_point.tolist()}\ndT = {dT} for the step {STEP}")
    assert abs(dT - sum(float(g) * step for g, step in zip(at_point, STEP.values()))) < 1e-15

    start = float(temperature.evaluate(POINT))
    step = {name: STEP["d" + name] for name in POINT}
    print("\nshare of the step   change of T            dT                     error")
    errors = []
    for share in (1, 1 / 2, 1 / 4, 1 / 8):
        change = float(temperature.evaluate(moved(step, share))) - start
        errors.append(abs(change - share * dT))
        print(f"{share:<19} {change:<22.15g} {share * dT:<22.15g} {errors[-1]:.3g}")
    assert all(3.8 < before / after < 4.2 for before, after in pairwise(errors))

    t = 1e-6
    quotient = (float(temperature.evaluate(moved(DIRECTION, t))) - float(temperature.evaluate(moved(DIRECTION, -t)))) / (2 * t)
    along = float(slope.evaluate(POINT))
    print(f"\nD_u T = {along}, the quotient of differences at t = {t} is {quotient}")
    assert abs(along - quotient) < 1e-8  # rounding of T over 2t: 20 · 1e-16 / 2e-6


if __name__ == "__main__":
    main()
