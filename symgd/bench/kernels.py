"""Loops as one writes them for numba, which compiles them; plain Python until then.

Values with gradients return (value, gradient, …); descents take the rate and the number of steps last, and return the parameters.
"""

from __future__ import annotations

from math import exp, log1p
from typing import Any

import numpy as np

Array = Any


def line(w: float, x: Array, y: Array) -> Any:
    value = slope = 0.0
    for i in range(len(x)):
        r = w * x[i] - y[i]
        value += r * r
        slope += r * x[i]
    return value / len(x), 2 * slope / len(x)


def line_descent(w: float, x: Array, y: Array, rate: float, steps: int) -> Any:
    for _ in range(steps):
        slope = 0.0
        for i in range(len(x)):
            slope += (w * x[i] - y[i]) * x[i]
        w -= rate * 2 * slope / len(x)
    return (w,)


def rosenbrock(a: float, b: float) -> Any:
    u, q = 1 - a, b - a * a
    return u * u + 100 * q * q, -2 * u - 400 * a * q, 200 * q


def rosenbrock_descent(a: float, b: float, rate: float, steps: int) -> Any:
    for _ in range(steps):
        q = b - a * a
        a, b = a - rate * (-2 * (1 - a) - 400 * a * q), b - rate * 200 * q
    return a, b


def decay(a: float, b: float, c: float, x: Array, y: Array) -> Any:
    value = by_a = by_b = by_c = 0.0
    for i in range(len(x)):
        e = exp(-b * x[i])
        r = a * e + c - y[i]
        value += r * r
        by_a += r * e
        by_b += r * e * x[i]
        by_c += r
    n = len(x)
    return value / n, 2 * by_a / n, -2 * a * by_b / n, 2 * by_c / n


def decay_descent(a: float, b: float, c: float, x: Array, y: Array, rate: float, steps: int) -> Any:
    n = len(x)
    for _ in range(steps):
        by_a = by_b = by_c = 0.0
        for i in range(n):
            e = exp(-b * x[i])
            r = a * e + c - y[i]
            by_a += r * e
            by_b += r * e * x[i]
            by_c += r
        a, b, c = a - rate * 2 * by_a / n, b + rate * 2 * a * by_b / n, c - rate * 2 * by_c / n
    return a, b, c


def logistic(w: Array, features: Array, y: Array) -> Any:
    n, d = features.shape
    value, slope = 0.0, np.zeros(d)
    for i in range(n):
        z = 0.0
        for j in range(d):
            z += features[i, j] * w[j]
        t = exp(-abs(z))
        value += log1p(t) + max(z, 0.0) - y[i] * z
        r = (1 / (1 + t) if z > 0 else t / (1 + t)) - y[i]
        for j in range(d):
            slope[j] += r * features[i, j]
    return value / n, slope / n


def logistic_descent(w: Array, features: Array, y: Array, rate: float, steps: int) -> Any:
    n, d = features.shape
    w = w.copy()
    for _ in range(steps):
        slope = np.zeros(d)
        for i in range(n):
            z = 0.0
            for j in range(d):
                z += features[i, j] * w[j]
            r = 1 / (1 + exp(-z)) - y[i]
            for j in range(d):
                slope[j] += r * features[i, j]
        w -= rate / n * slope
    return (w,)


def squares_descent(w: Array, features: Array, y: Array, rate: float, steps: int) -> Any:
    n, d = features.shape
    w = w.copy()
    for _ in range(steps):
        slope = np.zeros(d)
        for i in range(n):
            z = -y[i]
            for j in range(d):
                z += features[i, j] * w[j]
            for j in range(d):
                slope[j] += z * features[i, j]
        w -= 2 * rate / n * slope
    return (w,)
