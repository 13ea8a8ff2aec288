"""Sorting, searching, sets and run-time sizes against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend.numpy_oracle import Case, case, check, rng_of

from wengert.frontend.table import apply, entries, entry_of
from wengert.ops.leaves import symbol

X = rng_of("sorting").permutation(np.linspace(-2, 3, 20)).reshape(4, 5)
X32 = X.astype("float32")
N = rng_of("ties").integers(0, 4, (4, 5))
B = N > 1
Z = np.round(X) + 1j * X[::-1]
GAPS = np.where(N == 0, np.nan, X)
MANY = rng_of("many").integers(0, 6, 200)
V = np.array([0.1, 0.5, 0.5, 0.9, 2.0])
Q = np.array([[0.5, -1.0], [3.0, 0.7]])
KINDS: list[Any] = [None, "quicksort", "stable", "mergesort"]
SET_PAIRS: list[tuple[Any, Any]] = [
    (N, N[:2] + 1), (X, X[1:3]), (MANY, np.array([2, 9, 2])), (X32, X.ravel()), (N, np.array([1.0, 7.0])),
    (np.array([3]), N[0]),
]  # fmt: skip
TWO: list[Any] = [np.partition, np.argpartition]
OF_PAIRS: list[Any] = [np.union1d, np.intersect1d, np.setxor1d, np.setdiff1d]
ARRAYS: list[Any] = [X, N, B, Z, GAPS, N[0], np.zeros((2, 3)), np.zeros((0, 2))]
UNIQUE: list[Any] = [np.unique_counts, np.unique_inverse, np.unique_all]

CASES = [
    *(case(np.sort, x, a) for x in (X, X32, N, B, Z, GAPS) for a in (-1, 0, None)),
    *(case(np.sort, X, kind=k) for k in (*KINDS, "heapsort")), case(np.sort, X, smooth=True),
    case(np.sort, X, 0, smooth=True), case(np.sort, X, None, smooth=True), case(np.sort, X, 0, "stable"),
    case(np.sort, X, stable=True), case(np.sort, 2.0, refused=True), case(np.sort, 2.0, None),
    case(np.sort, X, 2, refused=True), case(np.sort, X, kind="bubble", refused=True),
    case(np.sort, X, order="x", refused=True), case(np.sort, np.zeros(0)),
    case(np.sort, X[0] + 1j * X[1], smooth=True),
    case(np.sort, X, kind="stable", stable=True, refused=True),
    *(case(np.argsort, x, a) for x in (X, X32, N, B, Z, GAPS) for a in (-1, 0, None)),
    *(case(np.argsort, MANY, kind=k) for k in KINDS), case(np.argsort, MANY, stable=True),
    case(np.argsort, MANY, stable=False), case(np.argsort, X, kind="heapsort", refused=True),
    case(np.argsort, X, -1, "stable"), case(np.argsort, X, order="x", refused=True),
    *(case(f, x, k, a) for f in TWO for x in (X, X32, N) for k in (0, 2, -1, [1, 3]) for a in (-1, 0)),
    *(case(f, X, 7, None) for f in TWO), *(case(f, MANY, 77) for f in TWO),
    *(case(f, X, 9, refused=True) for f in TWO),
    *(case(f, X, 1, kind="other", refused=True) for f in TWO),
    *(case(f, X, 1, order="x", refused=True) for f in TWO), case(np.partition, X, 2, smooth=True),
    case(np.partition, X, 1, 0, smooth=True), case(np.lexsort, (X[0], N[0])), case(np.lexsort, (X, N)),
    case(np.lexsort, (N, N.T.reshape(4, 5)), 0), case(np.lexsort, [N[0], N[1], N[2]]),
    case(np.sort_complex, X), case(np.sort_complex, Z), case(np.sort_complex, X32),
    case(np.sort_complex, N), case(np.sort_complex, X[0], smooth=True),
    *(case(np.searchsorted, V, q, s) for q in (Q, 0.5, 1, N) for s in ("left", "right")),
    case(np.searchsorted, V, Q, "middle", refused=True),
    case(np.searchsorted, V[::-1].copy(), Q, sorter=np.arange(4, -1, -1)),
    case(np.searchsorted, V.astype("float32"), Q), case(np.searchsorted, V, np.array([np.nan, np.inf])),
    case(np.searchsorted, X, Q, refused=True), case(np.searchsorted, np.arange(5), 2.5),
    # places
    *(case(f, x) for f in (np.nonzero, np.flatnonzero, np.argwhere) for x in ARRAYS),
    case(np.nonzero, 2.0, refused=True), case(np.argwhere, 2.0, refused=True), case(np.flatnonzero, 2.0),
    case(np.flatnonzero, 0.0),
    # sets
    *(case(np.unique, x) for x in (X, X32, N, B, GAPS, MANY, np.zeros(0), np.array([2.0]))),
    case(np.unique, 3.0),
    *(case(np.unique, x, True, True, True) for x in (N, B, GAPS, MANY, X, np.zeros(0))),
    case(np.unique, N, return_counts=True), case(np.unique, MANY, return_index=True),
    case(np.unique, N, return_inverse=True), case(np.unique, GAPS, equal_nan=False),
    case(np.unique, GAPS, True, True, True, equal_nan=False), case(np.unique, N, axis=0, refused=True),
    case(np.unique, Z, refused=True), case(np.unique, N, sorted=False, refused=True),
    case(np.unique, X, smooth=True),
    *(case(f, x) for f in (np.unique_values, *UNIQUE) for x in (X, GAPS)),
    *(case(f, x) for f in UNIQUE for x in (N, MANY)), *(case(np.isin, a, b) for a, b in SET_PAIRS),
    *(case(np.isin, a, b, invert=True) for a, b in SET_PAIRS), case(np.isin, 2, N), case(np.isin, N, 2),
    case(np.isin, N, N[0], False, True), case(np.isin, N, N[0], kind="sort"),
    case(np.isin, N, N[0], kind="hash", refused=True), case(np.isin, X, X[0], True),
    *(case(f, a, b) for f in OF_PAIRS for a, b in SET_PAIRS),
    *(case(f, X[0], X[:, 2], assume_unique=True) for f in OF_PAIRS[1:]),
    case(np.setdiff1d, MANY[:9], N[0], True),
    case(np.intersect1d, N, N, return_indices=True, refused=True),
    *(case(f, X[0], X[1], smooth=True) for f in (np.union1d, np.setxor1d, np.setdiff1d)),
    *(case(f, GAPS, X) for f in OF_PAIRS),
]  # fmt: skip


@pytest.mark.parametrize("c", CASES, ids=str)
def test_cases(c: Case) -> None:
    check(c)


def test_every_entry_has_cases() -> None:
    module = "wengert.frontend.numpy_sorting"
    mine = {e.original for e in entries() if e.function.__module__ == module}
    assert mine == {c.function for c in CASES}


@pytest.mark.parametrize("rows", [1, 4, 7])
def test_symbolic_extents(rows: int) -> None:
    v = symbol("v", "n")
    value = rng_of(f"{rows}").integers(0, 3, rows) * 1.0
    for function in (np.sort, np.argsort, np.unique, np.flatnonzero, np.unique_counts):
        built = apply(entry_of(function), (v,), {})  # type: ignore[arg-type]
        expected = function(value)
        for mine, theirs in zip(
            built if isinstance(built, tuple) else [built],
            expected if isinstance(expected, tuple) else [expected],
            strict=True,
        ):
            np.testing.assert_array_equal(mine.evaluate(v=value), theirs)


RUN_TIME = [
    *(case(np.compress, c, x, a) for c in (N[0] > 1, N[0]) for x, a in ((X, 1), (X.T, 0), (N, -1))),
    case(np.compress, N[0], X),
    case(np.compress, np.array([1, 0]), X, 0), case(np.compress, N[0] > 1, X, 1, smooth=True),
    case(np.compress, N, X, refused=True), case(np.extract, N > 1, X, smooth=True),
    case(np.extract, N, X), case(np.extract, N[0], X[0]), case(np.extract, N > 9, X),
]  # fmt: skip


@pytest.mark.parametrize("c", RUN_TIME, ids=str)
def test_conditions_of_run_time(c: Case) -> None:
    check(c)
