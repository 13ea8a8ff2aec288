"""Order statistics against NumPy: every method, levels, axes, dtypes, NaN, weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend.numpy_oracle import Case, case, check, judge, rng_of

from wengert.frontend.table import apply, entries, entry_of
from wengert.ops.leaves import symbol

METHODS = [
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen",
    "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
]  # fmt: skip
SMOOTH = METHODS[3:9]
MEDIANS: list[Any] = [np.median, np.nanmedian]
QUANTILES: list[Any] = [np.quantile, np.nanquantile]
PERCENTILES: list[Any] = [np.percentile, np.nanpercentile]

X = rng_of("quantiles").permutation(np.linspace(-3.0, 4.0, 24)).reshape(4, 6)
X32 = X.astype("float32")
N = rng_of("whole").integers(-9, 9, (4, 6))
B = N > 0
CUBE = np.linspace(-1, 1, 30)[rng_of("cube").permutation(30)].reshape(2, 5, 3)
GAPS = np.where(rng_of("gaps").uniform(size=(4, 6)) < 0.4, np.nan, X)
HOLES = np.array([[np.nan, np.nan, np.nan], [2.0, np.nan, 1.0], [5.0, 1.5, -2.0]])
Q = np.array([0.0, 0.1, 0.35, 0.5, 0.8, 1.0])
LEVELS: list[Any] = [0.3, np.float64(0.3), Q, np.float32(0.25), Q.astype("float32")]
W = rng_of("weights").uniform(0.1, 2.0, (4, 6))
ZERO_W = np.array([0.0, 1.0, 0.0, 2.0, 1.0, 0.0])
LARGE = np.array([1.0, np.inf, -np.inf, 2.0])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("function", QUANTILES, ids=lambda f: f.__name__)
def test_methods(function: Any, method: str) -> None:
    for q in (0.0, 0.25, 0.5, 0.61, 1.0, Q):
        for axis in (None, 0, 1):
            for x in (X, X32, N, GAPS):
                judge(case(function, x, q, axis, method=method))
    for n in range(1, 9):  # every number of elements, where the methods differ
        judge(case(function, X.ravel()[:n], np.linspace(0, 1, 13), method=method))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("axis", [None, 0, -1, 1, (0, 2), (0, 1, 2), (1,)], ids=str)
@pytest.mark.parametrize("function", [*QUANTILES, *PERCENTILES, *MEDIANS], ids=lambda f: f.__name__)
def test_axes(function: Any, axis: Any) -> None:
    scale = 100 if function in PERCENTILES else 1
    more: list[tuple[Any, ...]] = [()] if function in MEDIANS else [(0.3 * scale,), (Q * scale,)]
    for keepdims in (False, True):
        for rest in more:
            judge(case(function, CUBE, *rest, axis=axis, keepdims=keepdims))


CASES = [
    *(case(f, x, a) for f in MEDIANS for x in (X, X32, N, GAPS, HOLES) for a in (None, 0, 1)),
    *(case(f, X[:, :5], 1, smooth=True) for f in MEDIANS), *(case(f, X, 0, smooth=True) for f in MEDIANS),
    *(case(f, x) for f in MEDIANS for x in (2.5, 3, np.array([4.0]), LARGE, B, X[0, :5])),
    *(case(f, X, 0, None, False, True) for f in MEDIANS),
    *(case(f, X + 0j, refused=True) for f in MEDIANS), case(np.nanmedian, GAPS, 1, smooth=True),
    case(np.median, np.zeros(0), refused=True),
    *(case(f, X, 0.37, 1, method=m, smooth=True) for f in QUANTILES for m in METHODS[3:]),
    *(case(f, X, 0.37, 1, method=m, smooth=True) for f in QUANTILES for m in (METHODS[0], METHODS[2])),
    *(case(f, X, np.array([0.13, 0.52]), 1, method=m, smooth=True) for f in QUANTILES for m in SMOOTH),
    *(case(f, GAPS, 0.37, 1, smooth=True) for f in (np.nanquantile,)),
    *(case(f, X, q) for f in QUANTILES for q in (0, 1, np.array([0, 1]), np.float64(0.3), np.float32(0.25))),
    *(case(f, X32, q, 0) for f in QUANTILES for q in LEVELS),
    *(case(f, N, q, 1) for f in QUANTILES for q in (0, 1, 0.5, np.array([0, 1]))),
    *(case(f, x, q, 1) for f in PERCENTILES for x in (X, X32, N, GAPS) for q in (0, 50, 33.3, Q * 100)),
    *(case(f, X, 37.0, 0, smooth=True) for f in PERCENTILES), *(case(f, 3.0, 0.5) for f in QUANTILES),
    *(case(f, X, 37.0, 0, method="hazen") for f in PERCENTILES),
    # as in NumPy, levels outside, unknown methods, complex numbers and no elements are errors
    *(case(f, X, 0.3, method="nearly", refused=True) for f in QUANTILES),
    *(case(f, X + 0j, 0.3, refused=True) for f in QUANTILES),
    case(np.quantile, np.zeros(0), 0.5, refused=True),
    case(np.quantile, X, 0.3, out=np.zeros(()), refused=True),
    case(np.quantile, X, np.full((2, 2), 0.5), refused=True),
    # weights
    *(case(np.quantile, X, q, a, method="inverted_cdf", weights=W) for q in (0.3, Q) for a in (None, 0, 1)),
    *(case(np.quantile, x, Q, 1, method="inverted_cdf", weights=ZERO_W) for x in (X, X32, N)),
    case(np.quantile, X, 0.4, 1, method="inverted_cdf", weights=W[0], smooth=True),
    case(np.percentile, X, 40.0, 0, method="inverted_cdf", weights=W, keepdims=True),
    case(np.quantile, X, 0.4, weights=W, refused=True),
    case(np.nanquantile, X, 0.4, weights=W, refused=True),
    case(np.nanquantile, X, 0.4, method="inverted_cdf", weights=W, refused=True),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("c", CASES, ids=str)
def test_cases(c: Case) -> None:
    check(c)


def test_levels_outside_are_refused() -> None:
    for function, q in ((np.quantile, 1.5), (np.percentile, -1), (np.nanquantile, [0.5, 2])):
        with pytest.raises(TypeError, match="from 0 to"):
            apply(entry_of(function), (symbol("x", (3,)), q), {})  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS)
def test_symbolic_extents(method: str) -> None:
    x = symbol("x", ("n", 2))
    quantile = apply(entry_of(np.quantile), (x, 0.3), {"axis": 0, "method": method})  # type: ignore[arg-type]
    middle = apply(entry_of(np.median), (x,), {"axis": 0})  # type: ignore[arg-type]
    for rows in (1, 2, 5, 8):
        value = X.ravel()[: 2 * rows].reshape(rows, 2)
        expected = np.quantile(value, 0.3, 0, method=method)
        np.testing.assert_allclose(quantile.evaluate(x=value), expected, 1e-12)
        np.testing.assert_allclose(middle.evaluate(x=value), np.median(value, 0), 1e-12)


def test_every_entry_has_cases() -> None:
    module = "wengert.frontend.numpy_quantiles"
    mine = {e.original for e in entries() if e.function.__module__ == module}
    assert mine == {*MEDIANS, *QUANTILES, *PERCENTILES}


def test_known_places_are_taken_as_they_are() -> None:
    """With a known level and size no place is computed at run time."""
    x = symbol("x", (9,))
    built = apply(entry_of(np.quantile), (x, 0.25), {})  # type: ignore[arg-type]
    assert str(built).startswith("where(isnan(sort(x, axis=0)[8])")
    assert "floor" not in str(built)
