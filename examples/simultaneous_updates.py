"""With several variables, all gradients are taken first and then all variables are updated: the order matters.

Claim: on f(x, y) = (x·y − 1)², from the same start with the same rate, updating x and y simultaneously and updating y after x (with
the new x) part at the first step and end at different minima, both with f = 0.
"""

from __future__ import annotations

import symgd

START, RATE, STEPS = {"x": 2.0, "y": 1.0}, 0.1, 400


def main() -> None:
    f = symgd.formula("(x*y - 1)^2")
    slopes = symgd.gradients(f, ["x", "y"])
    print(f"f = {f}\n∂f/∂x = {slopes['x']}\n∂f/∂y = {slopes['y']}\n")

    found = symgd.descend(f, start=START, rate=RATE, steps=STEPS)
    together = {name: float(found.parameters[name]) for name in START}

    # On paper, at (2, 1): ∂f/∂x = 2(xy − 1)y = 2 and ∂f/∂y = 2(xy − 1)x = 4, both at the start.
    one = symgd.descend(f, start=START, rate=RATE, steps=1).parameters
    assert abs(float(one["x"]) - 1.8) < 1e-15
    assert abs(float(one["y"]) - 0.6) < 1e-15

    in_turn = dict(START)
    for _ in range(STEPS):
        for name, slope in slopes.items():
            in_turn[name] -= RATE * float(slope.evaluate(in_turn))

    print("updates           x                    y                    f")
    for how, point in (("simultaneous", together), ("one after another", in_turn)):
        value = float(f.evaluate(point))
        print(f"{how:17} {point['x']:<20.15g} {point['y']:<20.15g} {value:.2g}")
        assert value < 1e-20
    assert abs(together["x"] - in_turn["x"]) > 0.01


if __name__ == "__main__":
    main()
