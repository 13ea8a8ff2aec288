"""``threads=n``: the same result, bit for bit, for any number of threads; close to the one without."""

from __future__ import annotations

import os
import threading
import warnings

import numpy as np
import pytest

import wengert as wg
from wengert.errors import TypeMismatchError
from wengert.native import shared

RNG = np.random.default_rng(11)


@pytest.fixture(autouse=True)
def _many_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "RANGE", 1)  # nanoseconds: however short the loops of a test


def wave(x):
    return np.tanh(np.sin(x) * np.exp(-x * x) + np.log(1 + x * x))


def total(x):
    return np.sum(wave(x))


def mixture(means, x):
    """A sum over rows of sums over means: derivatives are added to the same places in every row."""
    distance = np.sum((x[:, None, :] - means) ** 2, axis=2)
    nearest = np.min(distance, axis=1)
    return np.sum(np.log(np.sum(np.exp(nearest[:, None] - distance), axis=1)) - nearest)


def rows(A, x):
    scaled = A / np.sum(A * A, axis=1, keepdims=True)
    return scaled @ x, np.max(A), np.sum(A > 0)


def counted(x, k):
    found = np.zeros(7, dtype=np.int64)
    for i in range(len(x)):
        found[k[i] % 7] += 1
    return found, np.prod(1 + 0.001 * x), np.any(x > 3), np.all(x > -9), np.min(x)


def smoothed(row):
    level = 0.0
    for number in row:
        level = 0.5 * level + np.sin(number)
    return level


CASES = {
    "elementwise": (wg.jit, wave, (RNG.normal(size=1003),)),
    "sum": (wg.value_and_grad, total, (RNG.normal(size=1003),)),
    "single": (wg.value_and_grad, total, (RNG.normal(size=1003).astype("float32"),)),
    "mixture": (wg.grad, mixture, (RNG.normal(size=(5, 3)), RNG.normal(size=(303, 3)))),
    "rows": (wg.jit, rows, (RNG.normal(size=(203, 17)), RNG.normal(size=17))),
    "complex": (wg.jit, lambda z: (z * z, np.sum(z)), (np.exp(1j * RNG.normal(size=203)),)),
    "counted": (wg.jit, counted, (RNG.normal(size=203), RNG.integers(0, 99, 203))),
    "rows of a map": (wg.vmap, smoothed, (RNG.normal(size=(203, 9)),)),
}  # fmt: skip


def flat(result):
    parts = result if isinstance(result, tuple) else (result,)
    return [np.asarray(part) for part in parts]


@pytest.mark.parametrize("case", CASES)
def test_same_bits_for_any_number(case) -> None:
    transform, function, args = CASES[case]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = flat(transform(function, backend="native")(*args))
        one, two, many = (transform(function, backend="native", threads=n) for n in (1, 2, 7))
        first = flat(one(*args))
        assert isinstance(one._last.run, shared.Shared)
        for f in (two, many, two):
            for a, b in zip(flat(f(*args)), first, strict=True):
                assert a.dtype == b.dtype
                assert a.tobytes() == b.tobytes()
    for a, b in zip(first, plain, strict=True):
        single = a.dtype == "float32"
        np.testing.assert_allclose(a, b, rtol=1e-5 if single else 1e-12, atol=1e-14)


def test_ranges_depend_on_the_size_alone() -> None:
    for trip, work in ((0, 0), (1, 10**9), (5, 10**9), (1000, 10**7), (10**6, 10**9), (10**6, 10)):
        ranges = shared._ranges(trip, work)
        assert len(ranges) <= shared.MOST
        assert [k for first, count in ranges for k in range(first, first + count)] == [*range(trip)]


def test_sizes_and_other_arguments() -> None:
    f = wg.value_and_grad(total, backend="native", threads=2)
    for n in (1000, 9, 0, 3, 64, 5000):
        x = RNG.normal(size=n)
        value, slope = f(x)
        want = wg.value_and_grad(total, backend="python")(x)
        np.testing.assert_allclose(value, want[0], rtol=1e-12)
        np.testing.assert_allclose(slope, want[1], rtol=1e-12, atol=1e-14)
    x = RNG.normal(size=2000)
    np.testing.assert_allclose(f(x[::2])[1], f(x[::2].copy())[1], rtol=0)
    out = np.zeros(1000)
    assert f(x[::2], out=(None, out))[1] is out
    assert np.isnan(f(np.full(1000, np.nan))[0])


def test_strict_order_puts_nothing_together() -> None:
    x, means = RNG.normal(size=(303, 3)), RNG.normal(size=(5, 3))
    for function, args in ((total, (x[:, 0].copy(),)), (mixture, (means, x))):
        strict = wg.value_and_grad(function, backend="native", fast=False)(*args)
        both = wg.value_and_grad(function, backend="native", fast=False, threads=2)(*args)
        assert strict[0] == both[0]
        np.testing.assert_array_equal(strict[1], both[1])


def root(x):
    for k in range(len(x)):
        if x[k] < 0:
            raise ValueError("negative")
    return np.sqrt(x)


def test_errors_are_those_of_python() -> None:
    f = wg.jit(root, backend="native", threads=2)
    x = np.ones(500)
    np.testing.assert_array_equal(f(x), x)
    x[400] = -1
    with pytest.raises(ValueError, match="negative"):
        f(x)
    with pytest.raises((IndexError, ValueError)):
        wg.jit(lambda x, k: x[k] * 2, backend="native", threads=2)(np.ones(50), np.full(99, 77))


def test_called_by_several_threads() -> None:
    f = wg.value_and_grad(total, backend="native", threads=2)
    x = RNG.normal(size=3000)
    want = f(x)
    wrong: list[int] = []

    def run() -> None:
        for _ in range(10):
            value, slope = f(x)
            if value != want[0] or slope.tobytes() != want[1].tobytes():
                wrong.append(1)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_process_has_threads_of_its_own() -> None:
    f = wg.jit(wave, backend="native", threads=2)
    x = RNG.normal(size=3000)
    want = f(x)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(f(x), want) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_only_whole_numbers() -> None:
    for wrong in (0, -1, 2.0, True, "2"):
        with pytest.raises(
            TypeMismatchError, match="threads: expected a whole number, one or more"
        ):
            wg.grad(total, threads=wrong)
