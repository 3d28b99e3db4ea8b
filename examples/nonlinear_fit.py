"""A nonlinear fit with a certified answer: NIST's problem Misra1a, by plain gradient descent.

The model is y = b1·(1 − exp(−b2·x)). In b1 and b2 themselves descent crawls: the curve hardly changes along b1·b2 = const, and the
two differ by six orders of magnitude. So it is descended in other variables: v, a twentieth of the height of the curve at x = 760,
and c = 760·b2, its bend up to there. In those the valley is nearly round.
Claim: the certified parameters and the certified sum of squares are reached to 9 digits.
Data and certified values: NIST/ITL Statistical Reference Datasets, Misra1a (public domain).
"""

from __future__ import annotations

import math

import symgd

X = [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0]
Y = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78]
CERTIFIED = {"b1": 2.3894212918e02, "b2": 5.5015643181e-04, "sum of squares": 1.2455138894e-01}
END, HEIGHT = 760.0, 20.0


def main() -> None:
    loss = symgd.formula(f"mean(({HEIGHT}*v*(1 - exp(-c*t))/(1 - exp(-c)) - y)^2)", given="t[n], y[n]")
    for name, gradient in symgd.gradients(loss, ["v", "c"]).items():
        print(f"∂loss/∂{name} = {gradient}")

    data = {"t": [x / END for x in X], "y": Y}
    found = symgd.descend(loss, start={"v": 4.0, "c": 1.0}, data=data, rate=0.005, steps=400)
    v, c = (float(found.parameters[name]) for name in ("v", "c"))
    reached = {"b1": HEIGHT * v / -math.expm1(-c), "b2": c / END, "sum of squares": len(X) * float(found.values[-1])}

    print(f"\nafter {found.steps} steps   reached            certified          digits")
    for name, certified in CERTIFIED.items():
        digits = -math.log10(max(abs(reached[name] / certified - 1), 1e-16))
        print(f"{name:18} {reached[name]:<18.11g} {certified:<18.11g} {digits:.1f}")
        assert digits >= 9


if __name__ == "__main__":
    main()
