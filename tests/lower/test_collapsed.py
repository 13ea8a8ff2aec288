"""Loops over all axes of arrays that lie alike become one."""

from __future__ import annotations

import nest_interpreter
import numpy as np
import pytest

import wengert as wg
from wengert.lower.lowering import lowered
from wengert.lower.nest import Block, For
from wengert.programs.transformed import Built


def smooth(x):
    return np.sum(np.tanh(x) * x)


def shifted(x):
    y = x.copy()
    y[1:, 1:] = x[:-1, :-1]
    return y * 2


def scaled(x):
    return x * np.arange(x.shape[-1])


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Built]:
    seen: list[Built] = []
    plain = Built._result  # where all transforms run their function

    def noting(self, inputs, args, kwargs):
        seen.append(self)
        return plain(self, inputs, args, kwargs)

    monkeypatch.setattr(Built, "_result", noting)
    return seen


@pytest.mark.parametrize("shape", [(4, 3), (0, 3), (3, 0), (1, 1), (50, 33)])
def test_values(shape: tuple[int, int], built: list[Built]) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    np.testing.assert_allclose(wg.grad(smooth)(x), x / np.cosh(x) ** 2 + np.tanh(x), rtol=1e-12)
    for f in (shifted, scaled):
        found = wg.jit(f)(x)
        np.testing.assert_array_equal(found, f(x))
        (again,) = nest_interpreter.run(lowered(built[-1].captured.function), x)
        np.testing.assert_array_equal(again, found)


def test_how_deep_loops_are(built: list[Built]) -> None:
    x = np.random.default_rng(0).normal(size=(5, 4, 3))
    want = x / np.cosh(x) ** 2 + np.tanh(x)
    np.testing.assert_allclose(wg.grad(smooth)(x), want, rtol=1e-12)
    program = lowered(built[-1].captured.function)
    assert _depth(program.body) == 1
    (again,) = nest_interpreter.run(program, x)
    np.testing.assert_allclose(again, want, rtol=1e-12)
    wg.jit(scaled)(x)  # the last counter is used as a number
    assert _depth(lowered(built[-1].captured.function).body) > 1


def _depth(block: Block) -> int:
    return max([1 + _depth(s.body) for s in block if isinstance(s, For)], default=0)
