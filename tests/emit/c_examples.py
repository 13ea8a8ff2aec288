"""Programs whose C people read."""

from __future__ import annotations

import numpy as np


def loss(w, X, y):
    """The mean loss of a logistic regression."""
    return np.mean(np.log1p(np.exp(-y * (X @ w))))


def root(a):
    """The square root by Newton's method."""
    if a < 0:
        raise ValueError("negative")
    x = a
    steps = 0
    while abs(x * x - a) > 1e-10 * a and steps < 50:
        x = 0.5 * (x + a / x)
        steps += 1
    return x, steps


def pendulum(angle0, speed0, time):
    """The angle after a time, by steps of the classical method of Runge and Kutta."""
    angle = angle0
    speed = speed0
    h = time / 1000
    for _ in range(1000):
        a1, s1 = speed, -np.sin(angle)
        a2, s2 = speed + h / 2 * s1, -np.sin(angle + h / 2 * a1)
        a3, s3 = speed + h / 2 * s2, -np.sin(angle + h / 2 * a2)
        a4, s4 = speed + h * s3, -np.sin(angle + h * a3)
        angle = angle + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
        speed = speed + h / 6 * (s1 + 2 * s2 + 2 * s3 + s4)
    return angle
