"""uint8, int16, float16 and their like wrap around and round as in NumPy, or are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any  # Any: programs take and return whatever ordinary code does

import numpy as np
import pytest

import wengert as wg

PIXELS = np.array([1, 200, 3], np.uint8)
SAMPLES = np.array([100, -100, 50], np.int8)
WORDS = np.array([1, 2**32 - 1], np.uint32)
LARGE = np.array([2**63, 2**64 - 1, 2], np.uint64)
PLACES = np.array([2**62 - 1, -1, 0])
X = np.arange(3.0)
GLOBAL = np.array([250, 10, 7], np.uint8)


def looped(x, u):
    total = x
    for i in range(len(u)):
        for _ in range(5):
            total = total + u[i]
    return total


PROGRAMS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (lambda x, u: (u[1:] - u[:-1]) * x, (1.0, PIXELS)),
    (lambda x, u: (u + u, x), (1.0, PIXELS)),
    (lambda x, u: u * x, (1.5, PIXELS)),
    (lambda x, u: u.sum() * x, (1.5, PIXELS)),
    (lambda x, u: sum([v * 2 for v in u]) * x, (1.5, PIXELS)),
    (lambda x, u: x * (u[1] + u[1]), (1.5, PIXELS)),
    (lambda x, u: x[u - 1], (np.arange(300.0), PIXELS)),
    (lambda x, u: x[u % 3] + np.take(x, u % 3), (X, PIXELS)),
    (lambda x, u: (u + u) * x, (1.5, SAMPLES)),
    (lambda x, u: (u + u) * x, (1.5, WORDS)),
    (lambda x, v: x * (v + v), (1.5, np.uint8(200))),
    (lambda x: x * (GLOBAL + GLOBAL), (1.5,)),
    (lambda x, u: (u.reshape(1, 3) @ x)[0], (X, PIXELS)),
    (lambda x, u: np.where(u > 5, x, u), (X, PIXELS)),
    (lambda x, u: x * u.mean(), (X, PIXELS)),
    (lambda x, u: x * u, (X.astype(np.float32), PIXELS)),
    (lambda x, u: x * u, (X.astype(np.complex64), SAMPLES)),
    (lambda x, u: (u.astype(float) - 5) * x, (X, PIXELS)),
    (lambda x, u: (x, u), (X, PIXELS)),
    (looped, (1.5, PIXELS)),
    (lambda x, u: (x + u, u - x, np.maximum(x, u)), (X, LARGE)),
    (lambda x, u: (x < u, u == x, np.not_equal(u, x)), (X, LARGE)),
    (lambda k, u: (k + u, k == u, k <= u), (PLACES, LARGE - 1 >> 1)),
]
REFUSED: list[tuple[Callable[..., Any], tuple[Any, ...], str]] = [
    (lambda x, u: np.sum(u + int(x)), (1.5, PIXELS), "result would be uint8"),
    (lambda x, u: (u if x > 0 else u + 1) * x, (1.5, PIXELS), "dtype uint8 cannot be captured"),
    (lambda x, u: u.__iadd__(x), (1.5, PIXELS), "writes a traced value"),
    (lambda x, u: x * u, (1.5, X.astype(np.float16)), "dtype float16"),
    (lambda x, u: x.astype(np.uint8), (X, PIXELS), "uint8"),
    (lambda k, u: k == u, (PLACES, LARGE), "uint64 beyond"),
]


def write(x, u):
    u[0] = 5
    return x * u


def change(x, u):
    u += 5
    return x * u


def change_of_a_copy(x, u):
    v = u.copy()
    v += x
    return v


REFUSED += [(f, (1.5, PIXELS), "dtype uint8") for f in (write, change, change_of_a_copy)]


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize(("function", "args"), PROGRAMS)
def test_as_numpy_has_it(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    expected, got = function(*args), wg.jit(function)(*args)
    for a, b in (
        zip(np.atleast_1d(expected), np.atleast_1d(got), strict=True)
        if not isinstance(expected, tuple)
        else zip(expected, got, strict=True)
    ):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        assert np.array_equal(a, b)


@pytest.mark.parametrize(("function", "args", "words"), REFUSED)
def test_or_refused(function: Callable[..., Any], args: tuple[Any, ...], words: str) -> None:
    before = args[1].copy()
    with pytest.raises((wg.WengertError, TypeError), match=words):
        wg.jit(function)(*args)
    assert np.array_equal(args[1], before)
