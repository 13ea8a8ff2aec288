"""Context managers of the program: what entering and leaving change is journaled, merged and carried."""

import contextlib

import numpy as np
import pytest

import wengert as wg


class Count:
    def __init__(self):
        self.n = 0

    def __enter__(self):
        self.n += 1
        return self

    def __exit__(self, *error):
        self.n += 10
        return False


class Catching:
    def __init__(self, x):
        self.x = x

    def __enter__(self):
        return 2 * self.x if self.x > 1 else self.x

    def __exit__(self, kind, error, trace):
        return kind is ValueError


@contextlib.contextmanager
def noted(log, k):
    log["n"] = log.get("n", 0) + k
    try:
        yield k * 2
    finally:
        log["n"] += 100


def in_a_loop(x):
    log = {}
    for _ in range(5):
        with noted(log, x) as t:
            x = x + t
    return x, log


def in_a_loop_on_values(x):
    log = {"n": 0.0}
    while x < 100:
        with noted(log, x) as t:
            x = x + t
    return x, log


def on_a_path(x):
    log, count = {"n": 0.0}, Count()
    if x > 1:
        with noted(log, x) as t, count:
            x = x + t
    return x, log, count.n


def breaks_out(x):
    count = Count()
    for _ in range(6):
        with count as same:
            if x > 50:
                break
            x = 2 * x + same.n
    return x, count.n


def returns_from_inside(x):
    count = Count()
    with count:
        if x > 1:
            return x, count.n
    return x + 1, count.n


def enters_by_a_value(x):
    with Catching(x) as y:
        return y * 3


def catches(x):
    with Catching(x) as y:
        x = y * 3
        raise ValueError("caught")
    return x


def suppresses(x):
    y = x
    with contextlib.suppress(ZeroDivisionError):
        y = x * 2
        1 / 0
    return y


def stacks(x):
    with contextlib.ExitStack() as stack:
        count = stack.enter_context(Count())
        if x > 1:
            count.n += 5
    with contextlib.nullcontext(x * 2) as y, np.errstate(all="ignore"):
        return y * count.n


@pytest.mark.parametrize(
    "function",
    [in_a_loop, in_a_loop_on_values, on_a_path, breaks_out, returns_from_inside, enters_by_a_value,
     catches, suppresses, stacks],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_with_is_that_of_python(function):
    compiled = wg.jit(function)
    for x in (1.7, 0.5, 30.0, 1.7):
        assert compiled(x) == function(x)
