"""Containers that are changed in branches by other ways than statements and the usual methods."""

from __future__ import annotations

import heapq
import operator
from collections import Counter, deque
from collections.abc import Callable
from typing import Any  # Any: programs take and return whatever ordinary code does

import pytest
from programs.judging import captured_differently

import wengert as wg


def item_of_a_deque(x):
    d = deque([1.0, 2.0])
    if x > 0:
        d[0] = 5.0
    return d[0]


def heap(x):
    d = [3, 1, 2]
    if x > 0:
        heapq.heapify(d)
    return d[0] + x


def operator_function(x):
    d = [3, 1, 2]
    if x > 0:
        operator.setitem(d, 0, 7)
    return d[0] + x


def unbound_method(x):
    d = [3, 1, 2]
    if x > 0:
        list.append(d, 7)
    return len(d) + x


def dunder_of_a_dict(x):
    d = {1: 2}
    if x > 0:
        d.__setitem__(1, 5)
    return d[1] + x


def dunder_of_a_list(x):
    d = [1, 2]
    if x > 0:
        d.__iadd__([3])
    return len(d) + x


def counter(x):
    c = Counter([1, 1, 2])
    if x > 0:
        c.update([1])
    else:
        c.subtract([2])
    return c[1] + c[2] * x


FOLLOWED = [
    item_of_a_deque, heap, operator_function, unbound_method, dunder_of_a_dict, dunder_of_a_list, counter,
]  # fmt: skip


@pytest.mark.parametrize("program", FOLLOWED)
def test_changes_are_those_of_the_branch(program: Callable[..., Any]) -> None:
    assert not captured_differently(program, [(1.0,), (-1.0,)], 1e-12)
    assert not captured_differently(program, [(-1.0,), (1.0,)], 1e-12)


def bytes_(x):
    d = bytearray(3)
    if x > 0:
        d[0] = 5
    return d[0] + x


def more_bytes(x):
    d = bytearray(3)
    if x > 0:
        d.append(5)
    return len(d) + x


@pytest.mark.parametrize("program", [bytes_, more_bytes])
def test_what_cannot_be_followed_is_refused(program: Callable[..., Any]) -> None:
    with pytest.raises(wg.CaptureError):
        wg.jit(program)(1.0)
