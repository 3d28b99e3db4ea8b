"""The lecture's first gradient descent: how many points for four hours of study?

Hours x = 1, 2, 3 brought y = 2, 4, 6 points; the model is ŷ = w·x, the loss the mean of (w·x − y)², the start w = 1, the rate 0.01.
Claim: the formulas derived here take the same path as the same descent written out by hand in plain Python, to 1e-12.
"""

from __future__ import annotations

import symgd

HOURS, POINTS = [1.0, 2.0, 3.0], [2.0, 4.0, 6.0]
START, RATE = 1.0, 0.01


def by_hand(epochs: int, per_sample: bool) -> float:
    """The weight after so many passes, with the derivative 2x(wx − y) worked out on paper."""
    w = START
    for _ in range(epochs):
        for batch in [[pair] for pair in zip(HOURS, POINTS)] if per_sample else [list(zip(HOURS, POINTS))]:
            w -= RATE * sum(2 * x * (w * x - y) for x, y in batch) / len(batch)
    return w


def prediction(w: float) -> float:
    return float(symgd.formula("w*x").evaluate(w=w, x=4))


def main() -> None:
    loss = symgd.formula("mean((w*x - y)^2)", given="x[n], y[n]")
    gradient = symgd.gradient(loss, "w")
    print(f"loss         {loss}")
    print(f"derivative   {gradient}")
    print(f"in LaTeX     {gradient.latex()}")

    print("\nThe derivative at w = 1, against autograd and 50 digits:")
    print(symgd.compare(loss, {"w": START, "x": HOURS, "y": POINTS}))

    print(f"\nprediction for 4 hours before the descent: {prediction(START)}")
    assert prediction(START) == 4.0

    data = {"x": HOURS, "y": POINTS}
    print("\nupdates        epochs   w                    prediction for 4 hours")
    for per_sample, epochs in ((True, 10), (True, 100), (False, 10), (False, 100)):
        found = symgd.descend(loss, start={"w": START}, data=data, rate=RATE, epochs=epochs, batch=1 if per_sample else None)
        w = float(found.parameters["w"])
        print(f"{'one sample' if per_sample else 'all samples':14} {epochs:6}   {w:<19}  {prediction(w)}")
        assert abs(w - by_hand(epochs, per_sample)) < 1e-12
        if per_sample and epochs == 10:
            assert abs(prediction(w) - 7.804863933862125) < 1e-12
    assert abs(prediction(w) - 8) < 1e-3


if __name__ == "__main__":
    main()
