"""Loops on known values, which Python itself runs: beside, inside and around what is captured."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any  # Any: programs take and return whatever ordinary code does

import numpy as np
import pytest
from programs.judging import captured_differently

import wengert as wg
from wengert.frontend.capture import capture


def sieve(x):
    flags = [True] * 60
    for i in range(2, 60):
        if not flags[i]:
            continue
        for j in range(i * i, 60, i):
            flags[j] = False
    return x * sum(flags)


def in_a_branch(x):
    table, total = [1, 2, 3], 0
    if x > 0:
        for k in range(5):
            table[k % 3] += k
            total += k
    for k in range(5):
        table.append(k * k)
    return x * total, table


def in_a_loop_kept(x):
    found = []
    for _ in range(20):
        s = 0
        for j in range(5):
            s += j * j
        x = x + s * 0.5
        found.append(x)
    return x, found[-1]


def counts_of_a_loop_kept(x):
    n = 0
    for _ in range(20):
        for _ in range(3):
            n += 1
        x = x + n
    return x, n


def aliases(x):
    rows = [[0] * 3 for _ in range(3)]
    row = rows[1]
    for i in range(3):
        row[i] += i
        other = rows[i]
        other[0] = i
    rows[1].append(x)
    return rows


def made_in_the_loop(x):
    rows = []
    for _ in range(5):
        row = [0.5]
        for j in range(4):
            row.append(j + 0.5)
        rows.append(row)
    if x > 0:
        rows[0].append(x)
        row[0] = 7.0
    return rows


def lists_that_may_be_longer(x):
    found = [1, 2, 3]
    if x > 0:
        found.append(4)
    total = 0
    for k in found:
        total += k
    return x * total


def list_of_run_time_length(x):
    found = []
    t = 0.0
    while t < x:
        t = t + 1.0
        found.append(t)
    total = 0
    for v in found:
        total += v
    return total, len(found)


def texts(x):
    shown = ""
    for k in range(4):
        shown += str(k) + ","
    marked = f"{x:.2f}"
    for _ in range(4):
        marked += "!"
    return shown, marked, x


def broken(x):
    last = -1
    for k in range(100):
        if k * k > 50:
            break
        if k % 2:
            continue
        last = k
    n = 0
    while True:
        n += 3
        if n > 20:
            break
    return x * last + n


def unbound_before(x):
    for k in range(4):
        square = k * k
        if k:
            total = total + square  # noqa: F821  bound in the first round
        else:
            total = square
    return x * total


def dictionaries(x):
    counts = {}
    for word in ["a", "b", "a", "c"]:
        counts[word] = counts.get(word, 0) + 1
    if x > 1:
        counts["a"] = x
    return counts["a"] * x, counts["b"]


def closures(x):
    n = 0

    def more(times):
        nonlocal n
        for k in range(times):
            n += k
        return n

    if x > 0:
        more(4)
    more(2)
    return x + n


def changed_by_run_time_values(x):
    weights = [1.0, 2.0, 3.0]
    for _ in range(2):
        total = 0.0
        for w in weights:
            total += w
        weights[0] = total * x
    return total, weights


def mathematics(x):
    table = []
    for k in range(6):
        table.append(math.sin(k) + math.sqrt(k))
    return x * table[3] + sum(table)


def until_it_is_large(x):
    n, steps = 27, 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    while steps + x < 1000:
        steps += 1
    return x * steps


PROGRAMS = [
    sieve, in_a_branch, in_a_loop_kept, counts_of_a_loop_kept, aliases, made_in_the_loop,
    lists_that_may_be_longer, list_of_run_time_length, texts, broken, unbound_before, dictionaries,
    closures, changed_by_run_time_values, mathematics, until_it_is_large,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_plain_loops_do_what_python_does(program: Callable[..., Any]) -> None:
    assert not captured_differently(program, [(1.5,), (0.25,), (2.5,)], 1e-12)
    assert not captured_differently(program, [(-1.5,), (1.5,)], 1e-12)


def test_errors_in_plain_loops_are_those_of_python() -> None:
    def program(x):
        values = [3, 2, 1, 0]
        total = 0
        for v in values:
            total += 6 // v
        return x * total

    with pytest.raises(ZeroDivisionError) as raised:
        wg.jit(program)(1.5)
    line = program.__code__.co_firstlineno + 4
    assert raised.traceback[-1].lineno + 1 == line


base = 2.0


def test_what_is_read_from_outside_is_no_plain_value() -> None:
    def program(x):
        total = 0
        for k in range(5):
            total += k * base
        return x * total

    inner = capture(program, (1.5,), {})
    assert [h.name for h in inner.hidden] == ["base"]


def test_lists_of_arguments_and_defaults_are_not_changed_by_capture() -> None:
    kept = [0, 0]

    def program(x, counts, own=kept):
        for k in range(6):
            counts[k % 2] += k
            own[k % 2] += k
        return x * counts[0]

    counts = [1, 1]
    capture(program, (1.5, counts), {})
    assert counts == [1, 1]
    assert kept == [0, 0]
    wg.jit(program)(1.5, counts)
    assert counts == [7, 10]


def test_arrays_and_numbers_of_numpy_are_captured() -> None:
    def program(x):
        steps, total = np.int64(3), 0.0
        for k in range(4):
            total = total + x * k * steps
        return total

    assert not captured_differently(program, [(1.5,), (np.ones(2),)], 1e-12)


def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else halfway(n)
        steps += 1
    return steps


def halfway(n):
    return 3 * n + 1


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def share(n):
    return 12 // n


def based(n):
    return n * base


def filled(row, value):
    for k in range(len(row)):
        row[k] += value
    return row


def test_functions_of_known_values_are_called_as_they_are() -> None:
    def program(x):
        row = [0, 1]
        total = 0
        for k in range(1, 12):
            total += collatz(k)
            filled(row, k)
        if x > 1:
            filled(row, fibonacci(10))
        return x * total + fibonacci(12), row

    assert not captured_differently(program, [(1.5,), (0.5,)], 1e-12)
    assert not captured_differently(program, [(0.5,), (1.5,)], 1e-12)


def test_functions_that_are_called_as_they_are_may_be_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def program(x):
        return x * collatz(27)

    compiled = wg.jit(program)
    assert compiled(1.5) == program(1.5)
    monkeypatch.setitem(globals(), "halfway", lambda n: n + 1)
    assert compiled(1.5) == program(1.5)


def test_functions_that_read_floats_from_outside_are_captured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def program(x):
        total = 0
        for k in range(4):
            total += based(k)
        return x * total

    compiled = wg.jit(program)
    assert compiled(1.5) == program(1.5)
    monkeypatch.setitem(globals(), "base", 5.0)
    assert compiled(1.5) == program(1.5)


def test_errors_in_functions_are_shown_in_their_lines() -> None:
    def program(x):
        return x * share(0)

    with pytest.raises(ZeroDivisionError) as raised:
        wg.jit(program)(1.5)
    lines = [entry.lineno for entry in raised.traceback]
    assert share.__code__.co_firstlineno in lines
    assert program.__code__.co_firstlineno in lines
