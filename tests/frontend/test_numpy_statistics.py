"""Averages, covariances, histograms and counts against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend.numpy_oracle import Case, case, check, rng_of

from wengert.frontend.table import apply, entries, entry_of
from wengert.ops.leaves import symbol

X = rng_of("statistics").uniform(-2, 2, (3, 5))
X32 = X.astype("float32")
N = rng_of("counts").integers(0, 7, (3, 5))
B = N > 3
Z = X + 1j * X[::-1]
W = rng_of("weights").uniform(0.2, 2, (3, 5))
W5, W3 = W[0], W[:, 0]
CUBE = rng_of("cube").uniform(-1, 1, (2, 3, 4))
Y = rng_of("y").uniform(-1, 1, (2, 5))
F = np.array([1, 2, 1, 3, 1])
V = X.ravel()
EDGES = np.array([-1.9, -0.7, 0.1, 0.2, 1.6])

CASES = [
    # average
    *(case(np.average, x, a) for x in (X, X32, N, B, Z) for a in (None, 0, 1, (0, 1))),
    case(np.average, 2.5), case(np.average, 3),
    *(case(np.average, X, a, W, smooth=True) for a in (None, 0, (0, 1))),
    case(np.average, X, 1, W5, smooth=True), case(np.average, X, 0, W3, True, smooth=True),
    case(np.average, X, returned=True), case(np.average, X, axis=-1, weights=W5),
    *(case(np.average, x, 1, w) for x in (X32, N, B, Z) for w in (W5, F, W5.astype("float32"))),
    case(np.average, X, 1, keepdims=True), case(np.average, X, 1, W5, keepdims=True),
    case(np.average, X, None, W, True),
    case(np.average, CUBE, (0, 2), rng_of("a").uniform(1, 2, (2, 4)), smooth=True),
    case(np.average, CUBE, (2, 0), rng_of("a").uniform(1, 2, (4, 2))),
    case(np.average, X, weights=W5, refused=True), case(np.average, X, 0, W5, refused=True),
    case(np.average, X, smooth=True), case(np.average, X, 1, W5, returned=True, keepdims=True),
    # covariance
    case(np.cov, X, smooth=True), case(np.cov, X, Y, smooth=True),
    case(np.cov, X, rowvar=False, smooth=True), case(np.cov, X.T, Y.T, False),
    case(np.cov, W5, smooth=True), case(np.cov, W5, Y[0], smooth=True), case(np.cov, N),
    case(np.cov, X, bias=True), case(np.cov, X, ddof=0), case(np.cov, X, ddof=2), case(np.cov, X32),
    case(np.cov, Z, smooth=True), case(np.cov, X32, dtype="float32"),
    case(np.cov, X, fweights=F, smooth=True), case(np.cov, X, aweights=W5, smooth=True),
    case(np.cov, X, fweights=F, aweights=W5, smooth=True), case(np.cov, X, aweights=W5, ddof=0),
    case(np.cov, X, fweights=F, bias=True), case(np.cov, X, None, True, True),
    case(np.cov, CUBE, refused=True), case(np.cov, 2.5), case(np.cov, W5, rowvar=False),
    case(np.cov, W5, Y[0], rowvar=False), case(np.cov, X[:, :1]), case(np.corrcoef, X, smooth=True),
    case(np.corrcoef, X, Y, smooth=True), case(np.corrcoef, X.T, None, False), case(np.corrcoef, N),
    case(np.corrcoef, W5), case(np.corrcoef, X32, dtype="float32"), case(np.corrcoef, Z),
    case(np.corrcoef, W5, Y[0]),
    # histograms
    *(case(f, x) for f in (np.histogram, np.histogram_bin_edges) for x in (X, X32, N, V)),
    *(case(f, X, 4) for f in (np.histogram, np.histogram_bin_edges)),
    case(np.histogram, X, bins=3, smooth=True),
    *(case(f, X, 4, (-1.0, 1.0)) for f in (np.histogram, np.histogram_bin_edges)),
    case(np.histogram, X, EDGES), case(np.histogram, X, EDGES, density=True),
    case(np.histogram, X, 5, density=True), case(np.histogram, N, 5, density=True),
    case(np.histogram, V, 3, weights=W.ravel(), smooth=True),
    case(np.histogram, V, EDGES, weights=W.ravel(), smooth=True),
    case(np.histogram, V, 3, weights=W.ravel(), density=True, smooth=True),
    case(np.histogram, V, 3, weights=N.ravel()),
    case(np.histogram, np.array([1.0, 2.0, 2.0, np.nan]), 2, (0.0, 2.0)),
    case(np.histogram, np.full(4, 3.0), 3),
    case(np.histogram, np.array([-1.9, 1.6, 0.1, 0.2, 5.0]), EDGES), case(np.histogram, np.zeros(0), 3),
    case(np.histogram, 2.0, 2), case(np.histogram, V, "auto", refused=True),
    case(np.histogram, V, 0, refused=True), case(np.histogram, V, 2, (1.0, 0.0), refused=True),
    case(np.histogram, B, refused=True), case(np.histogram, Z, refused=True),
    case(np.histogram, V, 3, weights=W5, refused=True), case(np.histogram, N, np.arange(8)),
    case(np.histogram, V, 3, (2.0, 2.0)), case(np.histogram_bin_edges, V, EDGES),
    # counts
    case(np.bincount, N[0]), case(np.bincount, N[0], W5, smooth=True),
    case(np.bincount, N[0], minlength=12), case(np.bincount, N[0], F),
    case(np.bincount, N[0].astype("int32"), W5, 3), case(np.bincount, np.array([], int), minlength=3),
    case(np.bincount, N, refused=True), case(np.bincount, np.array([1, -1]), refused=True),
    case(np.bincount, W5, refused=True), case(np.bincount, N[0], W3, refused=True),
    # digitize
    case(np.digitize, X, EDGES), case(np.digitize, X, EDGES, True),
    case(np.digitize, X, EDGES[::-1].copy()), case(np.digitize, 0.15, EDGES),
    case(np.digitize, N, np.array([0, 2, 5])), case(np.digitize, X32, EDGES, right=True),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("c", CASES, ids=str)
def test_cases(c: Case) -> None:
    check(c)


def test_every_entry_has_cases() -> None:
    module = "wengert.frontend.numpy_statistics"
    mine = {e.original for e in entries() if e.function.__module__ == module}
    assert mine == {c.function for c in CASES}


@pytest.mark.parametrize(
    "function", [np.average, np.cov, np.corrcoef, np.histogram], ids=lambda f: f.__name__
)
def test_symbolic_extents(function: Any) -> None:
    x = symbol("x", (2, "n"))
    built = apply(entry_of(function), (x,), {})  # type: ignore[arg-type]
    for columns in (3, 6):
        value = rng_of(f"{columns}").uniform(-1, 1, (2, columns))
        expected = function(value)
        if function is np.histogram:
            np.testing.assert_array_equal(built[0].evaluate(x=value), expected[0])
        else:
            np.testing.assert_allclose(built.evaluate(x=value), expected, 1e-12, 1e-15)
