"""Differences, gradients, integrals, interpolation, convolution and phases against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend.numpy_oracle import Case, case, check, rng_of

from wengert.errors import ShapeError
from wengert.frontend.table import apply, entries, entry_of
from wengert.ops.leaves import symbol

X = rng_of("calculus").uniform(-2, 2, (4, 5))
X32 = X.astype("float32")
N = rng_of("whole").integers(-9, 9, (4, 5))
B = N > 0
Z = X + 1j * X[::-1]
V = rng_of("v").uniform(-1, 1, 6)
T = np.array([0.0, 0.4, 1.1, 1.5, 2.3])
EVEN = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
T4 = np.array([-1.0, 0.2, 0.5, 2.0])
FP = np.array([1.0, -1.0, 0.5, 2.0, 3.0])
AT = np.array([[-1.0, 0.1, 0.45], [1.2, 2.25, 3.0]])
NODES = np.array([0.0, 0.4, 2.3, 1.1, np.nan, np.inf, -np.inf])
ANGLES = np.array([[0.1, 2.0, -3.0, 2.9], [3.1, -3.1, 6.0, 0.0]])
MODES = ["full", "same", "valid"]
BOTH: list[Any] = [np.convolve, np.correlate]
SHORT = [T, T[:4], T[:2], T[:3]]

CASES = [
    # diff
    *(case(np.diff, x, axis=a) for x in (X, X32, N, B, Z) for a in (-1, 0)),
    case(np.diff, X, smooth=True), case(np.diff, X, 2, 0, smooth=True), case(np.diff, X, 0),
    case(np.diff, X, 3), case(np.diff, V, prepend=0), case(np.diff, V, append=1.5, smooth=True),
    case(np.diff, N, prepend=0.5), case(np.diff, X, 1, 0, prepend=X[:1], append=X[:2], smooth=True),
    case(np.diff, X32, prepend=0.0), case(np.diff, 3.0, refused=True), case(np.diff, X, -1, refused=True),
    case(np.diff, np.zeros(0)), case(np.diff, np.zeros(1)), case(np.diff, B, 2),
    case(np.diff, X, 1, 2, refused=True), case(np.ediff1d, X, smooth=True), case(np.ediff1d, N),
    case(np.ediff1d, V, 9.0, smooth=True), case(np.ediff1d, V, to_begin=np.array([1.0, 2.0])),
    case(np.ediff1d, V, V, 2.0), case(np.ediff1d, N, 0.5, refused=True), case(np.ediff1d, N, 5),
    case(np.ediff1d, X32, 1.5), case(np.ediff1d, B, refused=True),
    # gradient
    *(case(np.gradient, x) for x in (X, X32, N, Z, V)), case(np.gradient, B, refused=True),
    case(np.gradient, V, smooth=True), case(np.gradient, X, smooth=True),
    *(case(np.gradient, X, axis=a, edge_order=o) for a in (0, 1, (0, 1), (1, 0), -1) for o in (1, 2)),
    case(np.gradient, X, 0.5, smooth=True),
    *(case(np.gradient, FP, h, edge_order=o, smooth=h is not EVEN) for h in (T, EVEN, 0.25) for o in (1, 2)),
    case(np.gradient, X, T4, T, smooth=True), case(np.gradient, X, T4, 0.5, edge_order=2, smooth=True),
    case(np.gradient, X, T, axis=1), case(np.gradient, X32, T, axis=1), case(np.gradient, X32, 2),
    case(np.gradient, FP, np.array([0, 1, 3, 4, 7])), case(np.gradient, FP, T[:3], refused=True),
    case(np.gradient, X, T, T, refused=True), case(np.gradient, V[:1], refused=True),
    case(np.gradient, V[:2], edge_order=2, refused=True),
    case(np.gradient, V, edge_order=3, refused=True), case(np.gradient, X, T4, T, T, refused=True),
    case(np.gradient, V[:2]), case(np.gradient, V[:3], edge_order=2),
    # trapezoid
    *(case(np.trapezoid, x, axis=a) for x in (X, X32, N, Z, B) for a in (-1, 0)),
    case(np.trapezoid, X, smooth=True), case(np.trapezoid, X, T, smooth=True),
    case(np.trapezoid, X, T4, axis=0, smooth=True), case(np.trapezoid, X, dx=0.3, smooth=True),
    case(np.trapezoid, X, None, 2), case(np.trapezoid, X, X + 1), case(np.trapezoid, X32, dx=0.5),
    case(np.trapezoid, X32, T), case(np.trapezoid, N, np.arange(5)), case(np.trapezoid, V),
    case(np.trapezoid, V[:1]),
    # interp
    case(np.interp, AT, T, FP, smooth=True), case(np.interp, 0.7, T, FP), case(np.interp, 1, T, FP),
    case(np.interp, AT.astype("float32"), T, FP), case(np.interp, AT, T, FP, -9.0, 9.0, smooth=True),
    case(np.interp, AT, T, FP, left=0), case(np.interp, NODES, T, FP),
    case(np.interp, AT, T, FP * 1j + 1), case(np.interp, AT, np.arange(5), np.arange(5)),
    case(np.interp, AT, T[:1], FP[:1]), case(np.interp, AT, T[:2], FP[:2], right=1.5),
    case(np.interp, AT, T, FP, period=3.1, smooth=True),
    case(np.interp, AT + 7.3, np.array([2.0, 0.5, 4.0]), FP[:3], period=5.0, smooth=True),
    case(np.interp, NODES, T, np.array([1.0, np.inf, np.inf, 2.0, 3.0])),
    case(np.interp, AT, T, FP[:3], refused=True), case(np.interp, AT, T, FP * 1j, smooth=True),
    # convolution
    *(case(f, a, v, m) for f in BOTH for a in (V, V[:5]) for v in SHORT for m in MODES),
    *(case(f, v, a, m) for f in BOTH for a in (V, V[:5]) for v in SHORT[1:] for m in MODES),
    *(case(f, V, T[:3], m, smooth=True) for f in BOTH for m in MODES),
    *(case(f, V, Z[0], smooth=True) for f in BOTH),
    *(case(f, Z[1], Z[0], "full", smooth=True) for f in BOTH), *(case(f, N[0], N[1]) for f in BOTH),
    *(case(f, X32[0], N[0, :2]) for f in BOTH), case(np.convolve, V, 2.0),
    case(np.correlate, V, 2.0, refused=True), *(case(f, X, V, refused=True) for f in BOTH),
    *(case(f, V, V, "half", refused=True) for f in BOTH),
    *(case(f, V, V[:0], refused=True) for f in BOTH), *(case(f, B[0], B[1], refused=True) for f in BOTH),
    # unwrap
    *(case(np.unwrap, 2 * ANGLES, axis=a) for a in (-1, 0)), case(np.unwrap, ANGLES, smooth=True),
    case(np.unwrap, ANGLES.astype("float32")), case(np.unwrap, 2 * ANGLES, 4.0),
    case(np.unwrap, ANGLES, period=2.3, smooth=True), case(np.unwrap, N, period=6),
    case(np.unwrap, N, period=5), case(np.unwrap, N),
    case(np.unwrap, np.array([0.0, np.pi, 2 * np.pi, np.pi])),
    case(np.unwrap, 2 * ANGLES, discont=1.0, axis=0),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("c", CASES, ids=str)
def test_cases(c: Case) -> None:
    check(c)


def test_every_entry_has_cases() -> None:
    module = "wengert.frontend.numpy_calculus"
    mine = {e.original for e in entries() if e.function.__module__ == module}
    assert mine == {c.function for c in CASES}


def _of(function: Any, *args: Any, **kwargs: Any) -> Any:
    return apply(entry_of(function), args, kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("rows", [2, 5, 9])
def test_symbolic_extents(rows: int) -> None:
    v, w = symbol("v", "n"), symbol("w", "m")
    value, other = rng_of(f"{rows}").uniform(-1, 1, rows), V[:3]
    points = np.linspace(0, 1, rows)
    for function, args in (
        (np.diff, (v,)), (np.gradient, (v,)), (np.trapezoid, (v,)), (np.unwrap, (v,)), (np.convolve, (v, w)),
        (np.interp, (w, v, v)), (np.ediff1d, (v,)),
    ):  # fmt: skip
        given = [other if a is w else value for a in args]
        if function is np.interp:
            given = [other, points, points]
            built = _of(function, w, v, symbol("u", "n"))
            got = built.evaluate(w=other, v=points, u=value)
            given[2] = value
        else:
            got = _of(function, *args).evaluate(v=value, w=other)
        np.testing.assert_allclose(got, function(*given), 1e-12, 1e-14, err_msg=str(function))


def test_modes_want_known_sizes() -> None:
    with pytest.raises(ShapeError, match="full"):
        _of(np.convolve, symbol("v", "n"), symbol("w", "m"), mode="same")
