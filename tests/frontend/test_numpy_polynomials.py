"""Polynomials against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend.numpy_oracle import Case, case, check, rng_of

from wengert.frontend.table import apply, entries, entry_of
from wengert.ops.leaves import symbol

P = np.array([1.5, -2.0, 0.3, 4.0])
Q = np.array([0.5, -1.0])
K = np.array([3, 0, -2])
X = rng_of("x").uniform(-2, 2, (2, 3))
T = np.linspace(-1.0, 2.0, 9)
Y = rng_of("y").uniform(-1, 1, 9)
Y2 = rng_of("y2").uniform(-1, 1, (9, 2))
W = rng_of("w").uniform(0.5, 2, 9)
ROWS = rng_of("rows").uniform(-1, 1, (3, 2, 3))
TWO: list[Any] = [np.polyadd, np.polysub]

CASES = [
    case(np.polyval, P, X, smooth=True), case(np.polyval, P, 0.7), case(np.polyval, P, 2),
    case(np.polyval, K, X), case(np.polyval, K, 3),
    case(np.polyval, P.astype("float32"), X.astype("float32")), case(np.polyval, P, X + 1j, smooth=True),
    case(np.polyval, P * 1j, 0.5), case(np.polyval, K, K),
    case(np.polyval, P, np.array([np.inf, 1.0, np.nan])), case(np.polyval, P[:1], X),
    case(np.polyval, P[:0], X), case(np.polyval, ROWS, X, smooth=True),
    case(np.polyval, 2.0, X, refused=True), case(np.polyval, P, X > 0, refused=True),
    case(np.polyval, K, X.astype("float32")),
    *(case(np.polyder, p, m) for p in (P, K, P[:1], P * 1j, P.astype("float32")) for m in (0, 1, 2)),
    case(np.polyder, P, smooth=True), case(np.polyder, P, -1, refused=True), case(np.polyder, P, 5),
    *(case(np.polyint, p, m) for p in (P, K, P[:1], P * 1j, P.astype("float32")) for m in (0, 1, 2)),
    case(np.polyint, P, smooth=True), case(np.polyint, P, 2, Q, smooth=True), case(np.polyint, P, 2, 3.0),
    case(np.polyint, P, k=1), case(np.polyint, P, 3, Q, refused=True),
    *(case(f, a, b) for f in TWO for a in (P, K, P.astype("float32")) for b in (P, Q, K, 2.0)),
    *(case(f, P, Q, smooth=True) for f in TWO), *(case(f, Q, P, smooth=True) for f in TWO),
    *(case(f, P > 0, P > 1, refused=True) for f in TWO), *(case(f, X, P, refused=True) for f in TWO),
    case(np.poly, P, smooth=True), case(np.poly, K), case(np.poly, 2.0, refused=True),
    case(np.poly, P * 1j, refused=True), case(np.poly, P[:0], refused=True),
    case(np.poly, P.astype("float32")), case(np.poly, X, refused=True),
    case(np.roots, np.array([1.0, 0.5, 2.0]), smooth=True),
    case(np.roots, np.array([1.0, -1j, 2.0, 0.3]), smooth=True),
    case(np.roots, np.array([2.0]), refused=True), case(np.roots, X, refused=True),
    case(np.polyfit, T, Y, 3, smooth=True, rtol=1e-9), case(np.polyfit, T, Y2, 2, smooth=True, rtol=1e-9),
    case(np.polyfit, T, Y, 2, w=W, smooth=True, rtol=1e-9), case(np.polyfit, T, Y2, 1, w=W, rtol=1e-9),
    case(np.polyfit, T, Y, 0, rtol=1e-9), case(np.polyfit, T, Y, 2, cov=True, smooth=True, rtol=1e-9),
    case(np.polyfit, T, Y, 2, cov="unscaled", rtol=1e-9), case(np.polyfit, T, Y2, 2, cov=True, rtol=1e-9),
    case(np.polyfit, T, Y2, 2, cov="unscaled", rtol=1e-9),
    case(np.polyfit, T, Y, 1, None, True, refused=True), case(np.polyfit, T, Y[:4], 1, refused=True),
    case(np.polyfit, T, Y, 2, 1e-8, rtol=1e-9),
    case(np.polyfit, np.arange(6), np.arange(6) ** 2, 2, rtol=1e-9),
    case(np.polyfit, T, Y, -1, refused=True),
]  # fmt: skip


@pytest.mark.parametrize("c", CASES, ids=str)
def test_cases(c: Case) -> None:
    check(c)


def test_every_entry_has_cases() -> None:
    module = "wengert.frontend.numpy_polynomials"
    mine = {e.original for e in entries() if e.function.__module__ == module}
    assert mine == {c.function for c in CASES}


def test_real_roots_are_complex_numbers() -> None:
    """The dtype does not depend on the values."""
    built = apply(entry_of(np.roots), (symbol("p", (4,)),), {})  # type: ignore[arg-type]
    got = built.evaluate(p=np.poly([1.0, -2.0, 0.5]))
    assert got.dtype == np.complex128
    np.testing.assert_allclose(np.sort(got.real), [-2.0, 0.5, 1.0], 1e-12)
