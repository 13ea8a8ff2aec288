"""Single formulas whose simplification once had another value, lost a point, or did not read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.ir.node import Expr

SIZES = {"m": 3, "n": 4, "k": 2}
SHAPES = {
    "A": ("m", "n"), "B": ("n", "m"), "C": ("m", "m"), "D": ("m", "m"), "X": ("m", "n"), "Y": ("m", "k"),
    "Z": ("k", "n"), "u": ("m",), "v": ("n",), "w": ("m",),
}  # fmt: skip


def read(text: str) -> Expr:
    """A formula in matrices and vectors, the names of which say the shape."""
    return wg.parse(text, **{k: s for k, s in SHAPES.items() if k in text})


def point(expr: Expr) -> dict[str, Any]:  # Any: numbers and arrays
    """Values for the symbols of a formula."""
    rng = np.random.default_rng(5)
    found = sorted(expr.free_symbols, key=str)
    values = {str(s): rng.normal(size=[SIZES[str(d)] for d in s.shape]) for s in found}
    return {**SIZES, **values}


def same(a: Expr, b: Expr, at: Mapping[str, Any]) -> None:
    """Both have the same value at a point, and are undefined at the same points."""
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(b.evaluate(**at), a.evaluate(**at), rtol=1e-9)


# --- products of matrices ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        "trace(C*(C @ A @ B))",
        "trace(C*(D @ A @ B))*u @ w",
        "trace(diag(u) @ A @ diag(v) @ B @ diag(w) @ C)",
        "trace(diag(u) @ A @ diag(v) @ B @ diag(w)*(C @ D))",
        "sum(u**2 * diag(A @ diag(v) @ B @ diag(w) @ C))",
        "sum(X**2*(Y @ Z)*(A @ B @ X))",
        "sum(X**2*(C @ A)*(Y @ Z))",
        "sum(X*(C @ A)*(Y @ Z)*X)",
        "sum((A @ v)**2*(X @ v)*u)",
        "trace(C**2*diag(w))",
        "sum(C*diag(w)*diag(u))",
        "diag(eye(m))*u @ w",
        "sum(1/eye(m)*C*0.5)",
    ],
)
def test_no_factor_of_a_product_is_lost(text: str) -> None:
    expr = read(text)
    at = point(expr)
    same(expr, wg.simplify(expr), at)
    for symbol in expr.free_symbols:
        raw = wg.diff(expr, str(symbol), simplify=False)
        same(raw, wg.diff(expr, str(symbol)), at)
