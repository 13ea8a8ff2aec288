"""Memory that becomes zero: results that come so, and parts of memory that are cleared at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.lower.lowering import lowered
from wengert.lower.zeros import zeroed, zeros_of
from wengert.native.generate import signature_of


def _diagonals(x: Any, y: Any) -> Any:
    return np.sum(np.exp(x) + y * x**2)


def _table(x: Any) -> Any:
    found = np.zeros((len(x), 9))
    for i in range(len(x)):
        found[i, 2] += x[i]
    return found, np.sum(found)


@pytest.mark.parametrize("n", [9, 40])
def test_results_come_as_zeros_in_every_call(n: int) -> None:
    H = wg.hessian(_diagonals, backend="native")
    for call in range(6):  # by way of ctypes, by a builtin, and straight
        x, y = np.full(n, 0.5 * call), np.arange(float(n))
        assert np.allclose(H(x, y), np.diag(np.exp(x) + 2 * y), rtol=1e-12)


def test_arrays_of_the_caller_become_zero() -> None:
    H = wg.hessian(_diagonals, backend="native")
    x, y = np.full(20, 0.5), np.arange(20.0)
    for _ in range(5):
        room = np.full((20, 20), 7.0)
        assert H(x, y, out=room) is room
        assert np.allclose(room, np.diag(np.exp(x) + 2 * y), rtol=1e-12)
        assert np.allclose(H(x, y), room)


def test_what_is_cleared_is_not_stored_again() -> None:
    x = np.ones(12)
    program = lowered(wg.hessian(_diagonals).graph(x, x))
    cleared = zeroed(program)
    assert list(cleared) == list(program.outputs)
    (array,) = signature_of(program, cleared).result  # type: ignore[misc]  # a tuple
    assert array.zeroed  # type: ignore[union-attr]  # an array


@pytest.mark.parametrize("n", [9, 100])
def test_tables_that_are_filled_in_part(n: int) -> None:
    x = np.arange(float(n))
    made = wg.jit(_table, backend="native")
    for _ in range(5):
        found, total = made(x)
        assert np.array_equal(found, _table(x)[0])
        assert total == np.sum(x)


def test_only_whole_parts_count() -> None:
    def framed(x: Any) -> Any:
        found = 1.0 * x
        found[1:, :] = 0.0
        return found

    x = np.ones((11, 10))
    program = lowered(wg.jit(framed).graph(x))
    assert not zeroed(program)
    assert all(z is None or not z.places for z in map(zeros_of, program.body))
    assert np.array_equal(wg.jit(framed, backend="native")(x), framed(x))
