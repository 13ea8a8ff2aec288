"""Derivatives of captured programs that change arrays in place, against differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg

# Any, throughout: captured programs are as users write them, without types.


def element_and_inner_loop(x: Any) -> Any:
    x = x * 1.0
    for _ in range(4):
        x[0] = x[0] * 2
        for _ in range(4):
            x[0] -= 0.1 * x[0] * x[0]
    return x[1] + x[0]


def element_stored_twice(x: Any) -> Any:
    y = np.zeros(2)
    y[[0, 0, 1]] = np.array([x[0], x[1], x[0] * x[1]])
    return np.sum(y * y * np.array([1.0, 2.0]))


def element_doubled_twice(x: Any) -> Any:
    x = x * 1.0
    x[[0, 0]] *= 2
    return np.sum(x * x)


def rows_swapped_with_themselves(x: Any) -> Any:
    matrix = np.outer(x, x) + np.eye(2)
    for k in range(2):
        p = k + int(np.argmax(np.abs(matrix[k:, k])))
        matrix[[k, p]] = matrix[[p, k]]
        matrix[k] = matrix[k] * matrix[k, k]
    return np.sum(matrix * matrix * np.array([[1.0, 2.0], [3.0, 4.0]]))


def added_at_equal_places(x: Any) -> Any:
    y = np.zeros(2)
    np.add.at(y, np.array([0, 0, 1]), np.array([x[0], x[1], x[0] * x[1]]))
    return np.sum(y * y)


PROGRAMS = [
    element_and_inner_loop,
    element_stored_twice,
    element_doubled_twice,
    rows_swapped_with_themselves,
    added_at_equal_places,
]


def _differences(f: Callable[[Any], Any], x: Any) -> Any:
    step = 1e-6
    return np.array([(f(x + step * e) - f(x - step * e)) / (2 * step) for e in np.eye(len(x))])


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_gradients_of_stores(program: Callable[[Any], Any]) -> None:
    x = np.array([0.3, 0.7])
    assert wg.jit(program)(x) == pytest.approx(program(x), rel=1e-14)
    expected = _differences(program, x)
    np.testing.assert_allclose(wg.grad(program)(x), expected, rtol=1e-7)
    np.testing.assert_allclose(wg.jacfwd(program)(x), expected, rtol=1e-7)
