"""Reverse mode is linearize and transpose: the two-step way agrees with the sweep."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.diff.linear import linearize, transpose
from wengert.diff.reverse import vjp

CASES = {
    "product": ("x*sin(y)", {}),
    "matrix": ("tanh(A @ x)", {"A": ("m", "n"), "x": "n"}),
    "inverse": ("x @ inv(B) @ x", {"B": ("n", "n"), "x": "n"}),
    "softmax": ("softmax(x)", {"x": "n"}),
    "choice": ("where(x > 0, x^2, sin(x))", {"x": "n"}),
    "norm": ("x/norm(x)", {"x": "n"}),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_transpose_of_the_linear_map_is_the_reverse_sweep(name: str) -> None:
    text, shapes = CASES[name]
    e = wg.parse(text, **shapes)
    symbols = e.free_symbols
    function = wg.Function(symbols, (e,))
    linear = linearize(function)
    rng = np.random.default_rng(0)
    sizes = {"m": 2, "n": 3}
    at = {s.attr.name: rng.normal(size=[sizes[str(d)] for d in s.shape]) + 0.1 for s in symbols}
    ct = wg.symbol("ct", e.shape)
    seed = rng.normal(size=[sizes[str(d)] for d in e.shape])
    two_steps = transpose(linear, [ct])
    one_sweep = vjp([e], [ct], symbols)
    for a, b in zip(two_steps, one_sweep, strict=True):
        assert b is not None
        np.testing.assert_allclose(
            a.evaluate(**at, ct=seed), b.evaluate(**at, ct=seed), rtol=1e-12, atol=1e-14
        )


def test_linear_map_is_linear() -> None:
    e = wg.parse("sin(A @ x)", A=("m", "n"), x="n")
    linear = linearize(wg.Function(e.free_symbols, (e,)), [e.free_symbols[1]])
    (t,), (out,) = linear.inputs, linear.outputs
    assert out is not None
    rng = np.random.default_rng(0)
    a, x, u, v = rng.normal(size=(2, 3)), *rng.normal(size=(3, 3))
    from wengert.ir.walk import substitute

    d = wg.symbol("d", "n")
    named = substitute([out], {t: d})[0]

    def at(direction: np.ndarray) -> np.ndarray:
        return named.evaluate(A=a, x=x, d=direction)

    np.testing.assert_allclose(at(2 * u - 3 * v), 2 * at(u) - 3 * at(v), rtol=1e-12)


def test_wrt_must_be_an_input() -> None:
    e = wg.parse("x^2")
    with pytest.raises(wg.GraphError, match="inputs of the function"):
        linearize(wg.Function(e.free_symbols, (e,)), [wg.symbol("z")])
