"""A return from inside of loops gives back what it names, also an array that the loops change in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any  # Any: programs return whatever ordinary code does

import numpy as np
import pytest
from programs.judging import captured_differently

A = np.array([[4.0, 1, 0], [1, 3, 1], [0, 1, 5]])
B = np.array([1.0, 2, 3])


def gauss_seidel(A, b):
    x = np.zeros(3)
    for _ in range(50):
        old = x.copy()
        for i in range(3):
            x[i] = (b[i] - A[i] @ x + A[i, i] * x[i]) / A[i, i]
        if np.max(np.abs(x - old)) < 1e-8:
            return x
    return x


def counted(A, b):
    x = np.zeros(3)
    it = 0
    while it < 50:
        old = x.copy()
        x -= 0.1 * (A @ x - b)
        it += 1
        if np.max(np.abs(x - old)) < 1e-3:
            return {"x": x, "n": it, "ok": True}
    return {"x": x, "n": it, "ok": False}


def from_a_loop_in_a_loop(A, b):
    x = np.zeros(3)
    for outer in range(5):
        y = x
        for i in range(4):
            x[i % 3] += 0.5 * b[(i + outer) % 3]
            if x.sum() > b.sum() * 1.2:
                return x, y
        x *= 0.9
    x[0] = -1.0
    return x, y


def under_another_name(A, b):
    x = b.copy()
    for _ in range(6):
        x -= 0.3
        if x[0] < -0.2:
            r = x
            x = x * 2
            return r
    return x


def changed_after_the_loop(A, b):
    c = np.zeros(3)
    w = 0
    while w < 4 and b.sum() > 0.25 * w:
        w += 1
        c[c >= c.sum()] += b[0]
        if w > 2:
            return (c,)
    c[1] = 7.0
    return (c,)


PROGRAMS = [
    gauss_seidel,
    counted,
    from_a_loop_in_a_loop,
    under_another_name,
    changed_after_the_loop,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=[p.__name__ for p in PROGRAMS])
def test_the_array_is_that_of_the_last_iteration(program: Callable[..., Any]) -> None:
    inputs = [(A, B.copy()), (A, -B), (A, 3 * B), (A, 0.01 * B)]
    assert not captured_differently(program, inputs)
