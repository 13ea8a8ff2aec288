"""Memory whose size only running tells: lists, loops that end when they like, rows for their derivatives."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any  # Any: programs take and return whatever ordinary code does

import nest_interpreter
import numpy as np
import pytest

import wengert as wg
from wengert.ir.types import Type
from wengert.lower.nest import (
    Accumulate,
    Allocate,
    Assign,
    Block,
    Buffer,
    For,
    Program,
    Store,
    read,
    variable,
)
from wengert.lower.values import COUNTER
from wengert.native.compiled import compiled
from wengert.native.heap import NO_MEMORY
from wengert.ops.leaves import const, symbol
from wengert.programs.backends import NativeWarning


def halvings(x, stop):
    """As many iterations as the data want."""
    s = 0.0
    while abs(x) > stop:
        s = s + np.sin(x)
        x = 0.7 * x
    return s


def states(x, stop):
    """The same with an array that is carried."""
    y = np.array([x, 2 * x, x * x])
    k = 0
    while y[0] > stop:
        y = y * np.cos(y[::-1]) * 0.5
        y[k % 3] += 0.01
        k += 1
    return np.sum(y)


def collected(x, n):
    """A list whose length only running tells."""
    found = []
    while len(found) < n and x > 0.01:
        found.append(np.exp(-x))
        x = 0.7 * x
    return sum(found) + len(found) * x


def nested(x, stop):
    """A loop of unknown length in each iteration of another one."""
    total = 0.0
    while x > stop:
        y = x
        while y > stop:
            y = y * y / (1 + y)
            total = total + y
        x = 0.8 * x
    return total


CASES = [
    (halvings, (1.0, 1e-3)), (halvings, (1.0, 2.0)), (halvings, (1.0, 0.9)), (halvings, (1e3, 1e-120)),
    (states, (1.3, 0.05)), (states, (1.3, 2.0)), (collected, (0.3, 20)), (collected, (0.3, 0)),
    (collected, (0.3, 1)), (nested, (2.0, 0.1)), (nested, (2.0, 3.0)),
]  # fmt: skip


@pytest.mark.parametrize("transform", [wg.jit, wg.grad, wg.value_and_grad])
@pytest.mark.parametrize(("function", "args"), CASES)
def test_sizes_that_only_running_tells(
    transform: Callable[..., Any], function: Callable[..., Any], args: tuple[Any, ...]
) -> None:
    plain = transform(function)
    with warnings.catch_warnings():
        warnings.simplefilter("error", NativeWarning)
        fast = transform(function, backend="native")
        for _ in range(2):  # memory is kept from call to call
            np.testing.assert_allclose(fast(*args), plain(*args), rtol=1e-11, atol=1e-300)


def test_calls_that_need_more_and_less_memory_than_the_one_before() -> None:
    fast, plain = wg.grad(halvings, backend="native"), wg.grad(halvings)
    for stop in (0.5, 1e-300, 1e-2, 1e-200, 0.99, 2.0):
        assert np.isclose(fast(1.0, stop), plain(1.0, stop), rtol=1e-12)


def test_threads_have_memory_of_their_own() -> None:
    fast = wg.grad(halvings, backend="native")
    stops = [1e-5, 1e-100, 1e-20, 1e-300]
    wanted = [fast(1.0, stop) for stop in stops]
    wrong: list[float] = []

    def work(stop: float, want: float) -> None:
        for _ in range(300):
            if fast(1.0, stop) != want:
                wrong.append(stop)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(stops, wanted, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def growing(rows: int) -> Program:
    """Rows of numbers, one after the other, and then the sum of all of them."""
    n = symbol("n", dtype="int64")
    extents = (variable(COUNTER), variable(COUNTER))
    heap = Buffer("h", "float64", (0, 0), "heap", extents=extents)
    k, i, row, place = (variable(COUNTER) for _ in range(4))
    total = variable(Type("float64"))
    filled = [
        Allocate(heap, (k + 1, const(rows)), keeps=True),
        For(i, const(rows), Block([Store(heap, (k, i), k * 1.5 + i)]), parallel=True),
    ]
    added = For(place, const(rows), Block([Accumulate(total, "add", read(heap, (row, place)))]))
    body = Block(
        [
            Assign(total, const(0.0), again=True),
            Allocate(heap, (const(0), const(rows))),
            For(k, n, Block(filled)),
            For(row, n, Block([added])),
        ]
    )
    return Program((n,), (total,), (), body, {}, (heap,))


@pytest.mark.parametrize("rows", [0, 1, 3, 1000])
def test_what_stands_in_memory_that_grows_stays(rows: int) -> None:
    program = growing(rows)
    run = compiled(program, name="f", slow=failing, failed=failing)
    for n in (0, 1, 2, 100, 7):
        wanted = sum(1.5 * k + i for k in range(n) for i in range(rows))
        assert run(n) == (pytest.approx(wanted),)
        assert n > 10 or nest_interpreter.run(program, n) == [pytest.approx(wanted)]


def failing(*args: object) -> None:
    raise AssertionError(args)


def test_refused_memory_is_told() -> None:
    n = symbol("n", dtype="int64")
    extents = (variable(COUNTER), variable(COUNTER))
    heap = Buffer("h", "float64", (0, 0), "heap", extents=extents)
    asking = Block([Allocate(heap, (n, n)), Store(heap, (const(0), const(0)), const(1.0))])
    body = Block([*asking, Assign(out := variable(Type("float64")), read(heap, (n - 1, n - 1)))])
    program = Program((n,), (out,), (), body, {}, (heap,))
    codes: list[int] = []
    run = compiled(
        program, name="f", slow=failing, failed=lambda code, words, n: codes.append(code)
    )
    assert run(1) == (1.0,)
    run(2**31)
    run(2**62)
    assert codes == [NO_MEMORY, NO_MEMORY]
    assert run(1) == (1.0,)
