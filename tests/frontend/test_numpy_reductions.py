"""Reductions against NumPy: axes, kept axes, dtypes, masks, initial values, empty arrays, NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend.numpy_oracle import Case, case, check, check_refused, judge, rng_of

from wengert.frontend.table import apply, entries, entry_of
from wengert.ir.dims import Dim
from wengert.ops.leaves import symbol

DTYPES = ("bool", "int32", "int64", "float32", "float64", "complex64", "complex128")
SUMS = [np.sum, np.prod, np.nansum, np.nanprod]
EXTREMA = [np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin]
MEANS = [np.mean, np.var, np.std, np.nanmean, np.nanvar, np.nanstd]
TRUTHS = [np.any, np.all]
POSITIONS = [np.argmax, np.argmin, np.nanargmax, np.nanargmin]
RUNNING = [np.cumsum, np.cumprod, np.nancumsum, np.nancumprod]
WITH_INITIAL = [np.cumulative_sum, np.cumulative_prod]
REDUCTIONS = [*SUMS, *EXTREMA, *MEANS, *TRUTHS, np.ptp, np.count_nonzero]
ORDERED = {*EXTREMA, *POSITIONS, np.ptp}  # wengert has no order of complex numbers

AXES: list[tuple[tuple[int, ...], Any]] = [
    ((), None), ((4,), None), ((4,), 0), ((4,), -1), ((2, 3), None), ((2, 3), 0), ((2, 3), 1),
    ((2, 3), (0, 1)), ((2, 3, 2), (0, -1)), ((2, 3, 2), 1), ((1, 3), 0), ((0, 3), 1), ((3, 0), 0),
    ((2, 3), ()),
]  # fmt: skip


def array(dtype: str, shape: tuple[int, ...], text: str = "") -> Any:
    rng = rng_of(f"{dtype}{shape}{text}")
    if dtype == "bool":
        return np.asarray(rng.integers(0, 2, shape), bool)[()]
    if dtype.startswith("int"):
        return np.asarray(rng.integers(-4, 6, shape)).astype(dtype)[()]
    x = rng.uniform(-2, 2, shape)
    if dtype.startswith("complex"):
        x = x + 1j * rng.uniform(-2, 2, shape)
    return np.asarray(x).astype(dtype)[()]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", REDUCTIONS, ids=lambda f: f.__name__)
def test_axes(function: Any, dtype: str) -> None:
    refused = function in ORDERED and dtype.startswith("complex")
    for shape, axis in AXES:
        x = array(dtype, shape)
        judge(case(function, x, axis), refused)
        judge(case(function, x, axis=axis, keepdims=True), refused)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", POSITIONS, ids=lambda f: f.__name__)
def test_positions(function: Any, dtype: str) -> None:
    refused = dtype.startswith("complex")
    for shape, axis in AXES:
        if isinstance(axis, tuple) or 0 in shape:
            continue
        x = array(dtype, shape)
        judge(case(function, x, axis), refused)
        judge(case(function, x, axis=axis, keepdims=True), refused)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [*RUNNING, *WITH_INITIAL], ids=lambda f: f.__name__)
def test_running(function: Any, dtype: str) -> None:
    for shape, axis in AXES:
        if isinstance(axis, tuple) or shape == ():
            continue
        x = array(dtype, shape)
        judge(case(function, x, axis=axis))
        if function in WITH_INITIAL:
            judge(case(function, x, axis=axis, include_initial=True))


@pytest.mark.parametrize(
    "function", [*SUMS, *MEANS, *RUNNING, *WITH_INITIAL], ids=lambda f: f.__name__
)
def test_dtypes(function: Any) -> None:
    for dtype in DTYPES:
        x = array(dtype, (2, 3))
        for wanted in ("float32", float, "complex128", "int64"):
            if np.can_cast(dtype, np.dtype(wanted), "same_kind"):
                widened = wanted == "complex128"
                refused = wanted == "int64" or (widened and "mean" not in function.__name__)
                # Past NaN NumPy subtracts the mean in single precision.
                rtol = 1e-6 if function in (np.nanvar, np.nanstd) else 1e-12
                judge(
                    case(function, x, axis=0, dtype=wanted, rtol=rtol),
                    function in MEANS and refused,
                )
        check_refused(case(function, x, axis=0, dtype=bool))
        check_refused(case(function, x, axis=0, dtype="float16"))


@pytest.mark.parametrize("number", [2, 2.5, 1 + 1j, True], ids=repr)
@pytest.mark.parametrize("function", [*REDUCTIONS, *POSITIONS], ids=lambda f: f.__name__)
def test_python_numbers(function: Any, number: Any) -> None:
    judge(case(function, number), function in ORDERED and isinstance(number, complex))


X = array("float64", (3, 4))
X32 = X.astype("float32")
N = array("int64", (3, 4))
Z = array("complex128", (3, 4))
B = array("bool", (3, 4))
MASK = np.array([[True, False, True, True], [False, True, True, False], [True, True, False, True]])
ROW = np.array([True, False, True, True])
GAPS = np.array([[1.0, np.nan, 3.0, -0.5], [np.nan, np.nan, 2.0, 7.0], [0.5, -1.0, 4.0, np.nan]])
NONE = np.array([[np.nan, np.nan], [1.0, np.nan]])
BEGUN: list[tuple[Any, Any]] = [(N, 2), (X32, 0.25), (X32, 1), (X, 9)]
ALL = [*SUMS, *EXTREMA, *MEANS, *RUNNING, *TRUTHS]
PAST_NAN = [
    np.nansum,
    np.nanmean,
    np.nanmax,
    np.nanmin,
    np.nanvar,
    np.nanprod,
    np.nancumsum,
    np.nancumprod,
]
TIES = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])


def _masks(function: Any) -> list[Case]:
    """The cases of a reduction that takes a mask."""
    cases = [
        case(function, X, where=MASK, smooth=True),
        case(function, X, 1, where=ROW, smooth=True),
    ]
    cases += [case(function, x, axis=0, where=MASK) for x in (N, B, X32)]
    return [
        *cases,
        case(function, X, axis=0, where=True),
        case(function, X, where=MASK, keepdims=True),
    ]


CASES = [
    *(c for f in (np.sum, np.prod, np.mean, np.var, np.std, np.nansum, np.nanprod) for c in _masks(f)),
    *(c for f in (np.nanmean, np.nanvar, np.nanstd) for c in _masks(f)),
    *(case(f, x, a, where=MASK) for f in TRUTHS for x in (X, N, B) for a in (None, 0, 1)),
    # initial values
    *(case(f, X, 0, initial=0.5, smooth=True) for f in (*SUMS, *EXTREMA)),
    *(case(f, x, 1, initial=i) for f in (*SUMS, *EXTREMA) for x, i in BEGUN),
    *(case(f, np.zeros((0, 2)), 0, initial=1.5) for f in (*SUMS, *EXTREMA)),
    *(case(f, N, initial=0.5, refused=True) for f in (np.max, np.min)),
    *(case(f, X, 1, initial=0.3, where=MASK, smooth=True) for f in (*SUMS, *EXTREMA)),
    *(case(f, X, where=MASK, refused=True) for f in (np.max, np.min, np.nanmax, np.nanmin)),
    # smooth, over axes
    *(case(f, X, a, smooth=True) for f in (*SUMS, *EXTREMA, *MEANS, np.ptp) for a in (None, 0, (0, 1))),
    *(case(f, X, axis=a, smooth=True) for f in RUNNING for a in (None, 0, 1)),
    *(case(f, X, axis=a, include_initial=True, smooth=True) for f in WITH_INITIAL for a in (0, -1)),
    *(case(f, Z, a, smooth=True) for f in (np.sum, np.prod, np.mean, np.var, np.std) for a in (None, 1)),
    *(case(f, X, 0, np.float64, None, True) for f in (np.sum, np.prod)),
    *(case(f, X, 0, None, True) for f in (np.max, np.min, np.any, np.all, np.ptp)),
    *(case(f, X, 0, None, None, True) for f in (np.mean,)),
    # degrees of freedom
    *(case(f, X, a, ddof=1, smooth=True) for f in (np.var, np.std, np.nanvar, np.nanstd) for a in (None, 1)),
    *(case(f, X, 0, None, None, 2) for f in (np.var, np.std)),
    *(case(f, X, 0, correction=1) for f in (np.var, np.std)),
    *(case(f, Z, 0, ddof=1) for f in (np.var, np.std)), *(case(f, X, ddof=0.5) for f in (np.var, np.std)),
    *(case(f, X, 1, mean=np.mean(X, 1, keepdims=True), smooth=True) for f in (np.var, np.std)),
    *(case(f, X, 1, ddof=1, correction=1, refused=True) for f in (np.var, np.std)),
    *(case(f, X[:, :1], 1, ddof=1) for f in (np.var, np.std)),
    *(case(f, X[:, :1], 1, ddof=3) for f in (np.var, np.std)),
    # NaN
    *(case(f, x, a) for f in ALL for x in (GAPS, NONE) for a in (None, 0, 1)),
    *(case(f, GAPS, a, ddof=2) for f in (np.nanvar, np.nanstd) for a in (None, 0, 1)),
    *(case(f, GAPS, a, smooth=True) for f in PAST_NAN[:4] for a in (None, 0, 1)),
    *(case(f, GAPS, a, smooth=True) for f in PAST_NAN[4:] for a in (0, 1)),
    *(case(f, GAPS + 1j, 1) for f in (np.nansum, np.nanprod, np.nanmean, np.nanvar)),
    *(case(f, GAPS, a) for f in POSITIONS for a in (None, 0, 1)),
    *(case(f, NONE, 1, refused=True) for f in POSITIONS[2:]),
    *(case(f, GAPS, 1, initial=2.5) for f in (np.nanmax, np.nanmin, np.nansum)),
    *(case(f, NONE, 1, initial=2.5) for f in (np.nanmax, np.nanmin)),
    *(case(f, GAPS, 1, where=MASK) for f in (np.nansum, np.nanmean, np.nanvar)),
    # one dtype refused, and errors of NumPy
    *(case(f, np.zeros(0), refused=True) for f in (*EXTREMA, *POSITIONS, np.ptp)),
    *(case(f, X, 2, refused=True) for f in (*REDUCTIONS, *POSITIONS, *RUNNING)),
    *(case(f, X, (0, 0), refused=True) for f in REDUCTIONS), case(np.cumulative_sum, X, refused=True),
    case(np.sum, X, out=np.zeros(()), refused=True), case(np.mean, X, dtype="int64", refused=True),
    *(case(f, TIES, a) for f in (*EXTREMA, *POSITIONS) for a in (None, 0, 1)),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("c", CASES, ids=str)
def test_cases(c: Case) -> None:
    check(c)


def test_every_entry_has_cases() -> None:
    modules = {"wengert.frontend.numpy_reductions", "wengert.frontend.numpy_missing"}
    mine = {e.original for e in entries() if e.function.__module__ in modules}
    tried = {*REDUCTIONS, *POSITIONS, *RUNNING, *WITH_INITIAL}
    assert mine == tried


def test_ties_share_equally() -> None:
    x = symbol("x", (3,))
    from wengert.diff.reverse import vjp

    (g,) = vjp([apply(entry_of(np.max), (x,), {})], [symbol("c")], [x])  # type: ignore[arg-type]
    assert g is not None
    np.testing.assert_array_equal(g.evaluate(x=[1.0, 3.0, 3.0], c=2.0), [0.0, 1.0, 1.0])


@pytest.mark.parametrize(
    "function", [*SUMS, *EXTREMA, *MEANS, *RUNNING, *POSITIONS], ids=lambda f: f.__name__
)
def test_symbolic_extents(function: Any) -> None:
    """One graph for every number of rows."""
    x = symbol("x", ("n", 3))
    built = apply(entry_of(function), (x,), {"axis": 0})  # type: ignore[arg-type]
    assert built.shape == ((Dim.named("n"), 3) if function in RUNNING else (3,))
    for rows in (1, 4):
        value = array("float64", (rows, 3))
        np.testing.assert_allclose(built.evaluate(x=value), function(value, axis=0), 1e-12, 1e-14)
