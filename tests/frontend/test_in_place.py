"""Captured programs that change arrays through functions of NumPy and through views of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg

X = np.array([1.0, 2.0, 3.0, 4.0])


def diagonal(x: Any) -> Any:
    a = np.outer(x, x)
    np.fill_diagonal(a, x[:2] * 3)
    return np.sum(a * a)


def wrapped_diagonal(x: Any) -> Any:
    a = np.outer(np.concatenate([x, x]), x[:3])
    np.fill_diagonal(a, 0.5, wrap=True)
    return np.sum(a * a)


def places(x: Any) -> Any:
    a = np.outer(x, x)
    np.put(a, [0, 5, -1], [x[0], 2.0])
    np.put(a, [17], x[1], mode="wrap")
    np.put_along_axis(a, np.array([[1], [0], [3], [2]]), x[:, None] * 2, axis=1)
    return np.sum(a**3)


def masks(x: Any) -> Any:
    a = np.outer(x, x)
    np.place(a, a > 5.5, [x[0] * 7, 1.0])
    np.putmask(a, a < 3.5, a * x[1])
    np.putmask(a, a > 7.5, x)
    return np.sum(a**2)


def all_values_of_a_mask(x: Any) -> Any:
    a = np.outer(x, x)
    np.place(a, a > 5.5, np.outer(x, x) * 2)  # the first ones, not those of the same places
    return np.sum(a**2)


def turned(x: Any) -> Any:
    a = np.outer(x, x)
    r = np.rot90(a)
    r[0, 0] = 5.0
    r[1] = x**3
    return np.sum(a * np.arange(16.0).reshape(4, 4))


def depths(x: Any) -> Any:
    a = np.reshape(x * x, (1, 1, 4)).copy()
    left, right = np.dsplit(a, 2)
    left[0, 0, 0] = 3 * x[1]
    np.atleast_3d(right)[0, 0, 1] = x[0]
    return np.sum(a**2)


def rows(x: Any) -> Any:
    a = np.outer(x, x)
    parts = np.unstack(a)
    parts[1][2] = x[0] ** 3
    np.linalg.matrix_transpose(a)[3, 2] = 7.0 * x[1]
    return np.sum(a * a)


def seen_diagonals(x: Any) -> Any:
    a = np.outer(x, x)
    d, e, m = np.diagonal(a), np.diag(a, 1), np.diag(x)
    a[0, 0], a[0, 1] = 5.0, 7.0
    return np.sum(d * d) + np.sum(e**3) + np.sum(m)


PROGRAMS = [
    seen_diagonals,
    diagonal,
    wrapped_diagonal,
    places,
    masks,
    all_values_of_a_mask,
    turned,
    depths,
    rows,
]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_like_the_program(f: Callable[[Any], Any]) -> None:
    value, gradient = wg.value_and_grad(f)(X)
    np.testing.assert_allclose(value, f(X), rtol=1e-14)
    h = 1e-5
    differences = [(f(X + h * d) - f(X - h * d)) / (2 * h) for d in np.eye(4)]
    np.testing.assert_allclose(gradient, differences, rtol=1e-6)
