"""Iterators that a branch moves on, and the order of the keys of a dict: equal or refused."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any  # Any: programs return whatever ordinary code does

import pytest

import wengert as wg


def iterator_of_a_branch(x):
    total = 0.0
    if x > 0:
        numbers = iter([1.0, 2.0, 3.0])
        next(numbers)
        total = sum(numbers) * x
        for a, b in itertools.combinations([1.0, 2.0, 3.0], 2):
            total += a * b
        total += sum(v * x for v in [1.0, 2.0]) + max(map(abs, [1.0, x]))
    return total


def one_iterator_for_both(x):
    numbers = iter([1.0, 2.0, 3.0, 4.0])
    total = 0.0
    for a, b in zip(numbers, numbers, strict=True):
        total += a * b * x
    return total


def older_iterator(x):
    numbers = iter([1.0, 2.0, 3.0])
    if x > 0:
        next(numbers)
    return next(numbers) * x


def older_generator(x):
    numbers = (v * x for v in [1.0, 2.0, 3.0])
    first = next(numbers) if x > 0 else 0.0
    return first + sum(numbers)


def iterator_of_a_loop(x):
    numbers = iter(range(10))
    while (k := next(numbers)) < x * 3:
        pass
    return k


def keys_in_another_order(x):
    d = {"a": 1.0, "b": 2.0}
    if x > 0:
        d["a"] = d.pop("a")
    return list(d)


def keys_on_one_path(x):
    d = {"a": 1.0}
    if x > 0:
        d["b"] = x
    total = 0.0
    for k in d:
        total = 2 * total + d[k]
    return total, len(d)


def moved_to_the_end(x):
    d = OrderedDict(a=1.0, b=2.0)
    if x > 0:
        d.move_to_end("a")
    return list(d)


EQUAL = [iterator_of_a_branch, one_iterator_for_both, keys_on_one_path]
REFUSED = [
    (older_iterator, "the iterator is older"),
    (older_generator, "the iterator is older"),
    (iterator_of_a_loop, "the iterator is older"),
    (keys_in_another_order, "a dict with the keys"),
    (moved_to_the_end, "OrderedDict"),
]


@pytest.mark.parametrize("program", EQUAL, ids=[p.__name__ for p in EQUAL])
def test_equal(program: Callable[..., Any]) -> None:
    compiled = wg.jit(program)
    for x in (2.0, -1.0):
        assert compiled(x) == program(x)


@pytest.mark.parametrize(("program", "words"), REFUSED, ids=[p.__name__ for p, _ in REFUSED])
def test_refused(program: Callable[..., Any], words: str) -> None:
    with pytest.raises(wg.CaptureError, match=words):
        wg.jit(program)(2.0)
