"""Long programs without loops: functions that are called, and code that is made quickly."""

from __future__ import annotations

import random

import numpy as np
import pytest

import wengert as wg
from wengert.lower.lowering import lowered
from wengert.native import engine, parts
from wengert.native.generate import Generated, generated
from wengert.native.mathematics import CALLED

UNARY = (np.sin, np.cos, np.tanh, np.arctan)


def mixture(n: int, seed: int = 1):
    rng = random.Random(seed)
    steps = [
        (rng.randrange(len(UNARY) + 3), -1 - rng.randrange(8), -1 - rng.randrange(8))
        for _ in range(n)
    ]

    def f(x):
        values = [x[i] for i in range(len(x))]
        for kind, i, j in steps:
            a, b = values[i], values[j]
            if kind < len(UNARY):
                values.append(UNARY[kind](a - 0.5 * b) * 0.5)
            else:
                values.append((a + b, a * b, a - b)[kind - len(UNARY)] * 0.75)
        return sum(values[-8:])

    return f


def text_of(function, *args) -> Generated:
    made = wg.grad(function, backend="native")
    made(*args)
    return generated(lowered(made._last.captured.function), engine.host())


@pytest.mark.parametrize("n", [30, 1000])
def test_gradients(n: int) -> None:
    x = np.linspace(0.2, 1.1, 8)
    f = mixture(n)
    found, wanted = (wg.grad(f, backend=b)(x) for b in ("native", "reference"))
    assert np.allclose(found, wanted, rtol=1e-9, atol=1e-12)
    made = text_of(f, x)
    assert "call { double, double } @wengert.math.sincos.f64" in made.text
    assert (made.tier == "quick") == (n > 30)


@pytest.mark.parametrize("enough", [1, 20, 150])
def test_parts(enough: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same whatever the parts are, also where functions stand beside loops and branches."""
    x = np.linspace(0.2, 1.1, 8)
    many = mixture(150)

    def f(x):
        y = many(x)
        total = np.sum(np.sin(x * y))
        for k in range(40):
            total = total + np.cos(y * k) if total < 3.0 else 0.5 * total
        return total * many(np.cos(x)) + y

    wanted = wg.value_and_grad(f, backend="reference")(x)
    whole = wg.value_and_grad(f, backend="native")(x)
    monkeypatch.setattr(parts, "ENOUGH", enough)
    monkeypatch.setattr(parts, "LONG", 0)
    function = wg.value_and_grad(f, backend="native")
    found = function(x)
    made = generated(lowered(function._last.captured.function), engine.host())
    assert made.text.count("define internal i64 @part") > 1
    for a, b, c in zip(found, wanted, whole, strict=True):
        assert np.allclose(a, b, rtol=1e-9)
        assert np.allclose(a, c, rtol=1e-12)


def test_a_very_long_program() -> None:
    x, step = np.linspace(0.2, 1.1, 8), 1e-6 * np.array([1, -2, 1, 0, 3, -1, 0.5, 1])
    f = mixture(2000)
    function = wg.grad(f, backend="native")
    slope = (f(x + step) - f(x - step)) / 2
    assert np.isclose(slope, function(x) @ step, rtol=1e-3, atol=1e-12)
    made = generated(lowered(function._last.captured.function), engine.host())
    assert "define internal i64 @part" in made.text


def test_few_functions_are_inlined() -> None:
    made = text_of(lambda x: np.sin(x[0]) * np.tan(x[1]), np.ones(2))
    assert "wengert.math" not in made.text
    assert made.tier == "light"


def test_functions_in_loops_are_inlined() -> None:
    def f(x):
        total = sum(np.sin(x[i]) for i in range(12))
        k = 0
        while total * total > 1e-6 and k < 50:
            total = 0.5 * np.tanh(total)
            k += 1
        return total

    x = np.linspace(0.1, 1.0, 12)
    text = text_of(f, x).text
    assert "@wengert.math.sincos" in text
    assert "@wengert.math.tanh" not in text
    found, wanted = (wg.grad(f, backend=b)(x) for b in ("native", "reference"))
    assert np.allclose(found, wanted, rtol=1e-10)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_edges(dtype: str) -> None:
    """A function gives the same to the last bit, called and inlined."""
    functions = (np.sin, np.cos, np.tan, np.tanh, np.sinh, np.cosh, np.arctan, np.expm1, np.cbrt)
    assert {"sin", "cos", "tan", "tanh", "sinh", "cosh", "atan", "expm1", "cbrt"} <= CALLED
    tiny = np.finfo(dtype).tiny
    edges = [
        0.0,
        -0.0,
        np.inf,
        -np.inf,
        np.nan,
        tiny,
        -tiny / 4,
        1e-9,
        0.7,
        -1.3,
        3.0,
        1e6,
        1e22,
        -3e38,
    ]
    at = np.array(edges, dtype)
    alone = [wg.jit(lambda x, g=g: g(x[0]), backend="native") for g in functions]
    together = wg.jit(lambda x: tuple(g(x[0]) for g in functions), backend="native")
    for k in range(len(at)):
        point = at[k : k + 1]
        with np.errstate(all="ignore"):
            for one, other in zip(together(point), (f(point) for f in alone), strict=True):
                assert type(one) is type(other)
                assert np.array_equal(one, other, equal_nan=True), (edges[k], one, other)
                assert np.signbit(one) == np.signbit(other) or np.isnan(one)
