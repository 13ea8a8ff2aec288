"""Einstein products of all kinds as ``*``, ``@``, ``.T`` and sums: each gives what the reference gives."""

from __future__ import annotations

import numpy as np
from emit.comparing import assert_emitted
from hypothesis import given, settings
from hypothesis import strategies as st

import wengert as wg
from wengert.emit.python import source
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ops.einstein import ein
from wengert.ops.leaves import symbol

EXTENTS = {"i": 2, "j": 3, "k": 4, "l": 2}
AXES = st.lists(st.sampled_from("ijkl"), max_size=3).map("".join)


@st.composite
def products(draw: st.DrawFn) -> tuple[tuple[str, ...], str]:
    """Axes of the factors and of the result, some of which may be in no factor."""
    factors = tuple(draw(st.lists(AXES, min_size=1, max_size=4)))
    out = draw(st.lists(st.sampled_from("ijkl"), max_size=3, unique=True))
    return factors, "".join(out)


def build(factors: tuple[str, ...], out: str) -> tuple[Expr, list[Expr]]:
    symbols = [symbol(f"a{n}", tuple(EXTENTS[a] for a in axes)) for n, axes in enumerate(factors)]
    return ein(list(zip(symbols, factors, strict=True)), out, dict(EXTENTS)), symbols


@settings(max_examples=300, deadline=None)
@given(products())
def test_products(product: tuple[tuple[str, ...], str]) -> None:
    e, symbols = build(*product)
    rng = np.random.default_rng(1)
    values = {s.attr.name: rng.uniform(0.5, 1.5, s.shape) for s in symbols}
    assert_emitted([e, e * 2 + 1], values, symbols)


def test_common_products_are_no_einsum() -> None:
    A, B = wg.symbol("A", ("m", "n")), wg.symbol("B", ("n", "m"))
    v, w = wg.symbol("v", "n"), wg.symbol("w", "m")
    outputs = [
        A @ v, v @ A.T, A @ B, (A @ B).T, A.T @ w, wg.outer(v, w), wg.outer(w, v), v @ v, wg.trace(A @ B),
        wg.sum(A), wg.sum(A, axis=0), A.T, A * v, w[:, None] * A, wg.sum(A * A, axis=1), wg.diag(v) @ B,
        ein([(A, "ij"), (v, "j"), (w, "i")], ""), ein([(A, "ij"), (B, "jk"), (w, "k")], "i"),
    ]  # fmt: skip
    text = source(Function((A, B, v, w), tuple(outputs)))
    assert "einsum" not in text
    rng = np.random.default_rng(2)
    values = {
        "A": rng.random((3, 4)),
        "B": rng.random((4, 3)),
        "v": rng.random(4),
        "w": rng.random(3),
    }
    assert_emitted(outputs, values, [A, B, v, w])
