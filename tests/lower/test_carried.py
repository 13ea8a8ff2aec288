"""What an iteration stores and the next one reads is in a variable, and the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nest_interpreter
import numpy as np
import pytest

import wengert as wg
from wengert.lower.lowering import lowered
from wengert.lower.nest import Assign, Block, For
from wengert.programs.transformed import Built


def forwards(x):
    y = x.copy()
    for i in range(1, len(x)):
        y[i] = 0.5 * (x[i] + y[i - 1]) - x[i - 1]
    return y


def backwards(x):
    y = x.copy()
    for i in range(len(x) - 2, -1, -1):
        y[i] -= y[i + 1] * x[i]
    return y


def read_behind(x):
    y = x.copy()
    total = 0.0
    for i in range(1, len(x)):
        y[i] = np.sin(y[i - 1])
        total += y[i - 1] * y[i]
    return y, total


def both_ways(x):
    y = x.copy()
    for i in range(1, len(x) - 1):
        y[i] = 0.25 * (y[i - 1] + x[i] + y[i + 1])
    return y


def in_rows(x):
    a = np.outer(x, x)
    n = len(x)
    for i in range(1, n):
        for j in range(1, n):
            a[i, j] = 0.3 * a[i, j - 1] - 0.2 * a[i - 1, j] + a[i, j] * a[i - 1, j - 1]
    return a


def several(found):
    return found if isinstance(found, tuple) else (found,)


PROGRAMS = (forwards, backwards, read_behind, both_ways, in_rows)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Built]:
    seen: list[Built] = []
    plain = Built._result  # where all transforms run their function

    def noting(self: Built, inputs: list[Any], args: Any, kwargs: Any) -> Any:
        seen.append(self)
        return plain(self, inputs, args, kwargs)

    monkeypatch.setattr(Built, "_result", noting)
    return seen


@pytest.mark.parametrize("f", PROGRAMS)
@pytest.mark.parametrize("n", [1, 2, 3, 9, 40])
def test_values_and_derivatives(f: Callable[..., Any], n: int) -> None:
    x = np.random.default_rng(n).normal(size=n)
    for a, b in zip(several(wg.jit(f)(x)), several(f(x)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)

    def total(x):
        return sum(np.sum(part) for part in f(x)) if f is read_behind else np.sum(f(x) ** 2)

    want = wg.grad(total, backend="python")(x)
    np.testing.assert_allclose(wg.grad(total)(x), want, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("f", PROGRAMS)
def test_loop_nests(f: Callable[..., Any], built: list[Built]) -> None:
    x = np.random.default_rng(3).normal(size=12)
    want = wg.jit(f)(x)
    for strict in (False, True):
        program = lowered(built[-1].captured.function, strict=strict)
        found = nest_interpreter.run(program, x)
        for a, b in zip(found, several(want), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
        assert any(_carries(program.body))


def _carries(block: Block) -> list[bool]:
    found = []
    for statement in block:
        if isinstance(statement, For):
            again = [s.variable for s in statement.body if isinstance(s, Assign) and s.again]
            found.append(any("last" in v.attr.name for v in again))
            found += _carries(statement.body)
    return found
