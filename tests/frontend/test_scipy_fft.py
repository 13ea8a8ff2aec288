"""``scipy.fft`` and ``scipy.signal``: every option against SciPy itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.fft
import scipy.signal
from frontend.numpy_cases import Case, case, check_constants, check_derivative, check_value, draw

import wengert.frontend.scipy_fft
import wengert.frontend.scipy_signal  # noqa: F401
from wengert.errors import ShapeError, TypeMismatchError
from wengert.frontend.table import apply, entry_of
from wengert.ops.leaves import symbol
from wengert.run.reference import evaluate

F, S = scipy.fft, scipy.signal
V, W, A, T = draw(5), draw(6), draw(3, 4), draw(2, 3, 4)
CV, CA = draw(5, dtype="complex128"), draw(3, 4, dtype="complex128")
MODES = ["interp", "mirror", "nearest", "wrap", "constant"]
NORMS = [None, "ortho", "forward"]


def _transforms() -> list[Case]:
    found = []
    for f in (F.fft, F.ifft):
        found += [case(f, x, n) for x in (V, CV, draw(4, dtype="float32")) for n in (None, 3, 8)]
        found += [case(f, CA, axis=0, norm=o, overwrite_x=False) for o in NORMS]
    for f in (F.rfft, F.ihfft):
        found += [case(f, x) for x in (V, W, A)]
        found += [case(f, A, norm=o) for o in NORMS]
    for f in (F.irfft, F.hfft):
        found += [case(f, x) for x in (CV, CA)]
        found += [case(f, CA, n=5, norm=o) for o in NORMS]
    for f in (F.fft2, F.ifft2, F.fftn, F.ifftn, F.rfft2, F.rfftn):
        found += [case(f, A), case(f, T, norm="ortho"), case(f, T, (2, 5), axes=(0, 2))]
    for f in (F.irfft2, F.irfftn):
        found += [case(f, CA), case(f, T, norm="ortho"), case(f, T, (2, 5), axes=(0, 2))]
    for f in (F.dct, F.idct, F.dst, F.idst):
        found += [case(f, x, t, norm=o) for x in (V, W) for t in (1, 2, 3, 4) for o in NORMS]
        found += [case(f, A, axis=0), case(f, V, n=3), case(f, V, n=8), case(f, CV)]
        found += [case(f, draw(4, dtype="float32")), case(f, draw(4, dtype="int64"))]
    found += [case(f, 5, 0.1) for f in (F.fftfreq, F.rfftfreq)]
    found += [case(f, A) for f in (F.fftshift, F.ifftshift)]
    return found


def _signals() -> list[Case]:
    found = []
    for f in (S.convolve, S.correlate, S.fftconvolve):
        found += [
            case(f, a, b, m)
            for a, b in ((W, V[:3]), (V[:3], W), (V, V))
            for m in ("full", "same", "valid")
        ]
        found += [case(f, CV, V[:2])]
    found += [
        case(S.convolve, draw(4, dtype="int64"), draw(3, dtype="int64")),
        case(S.lfilter, [0.5, 0.2], [1.0, -0.4], V),
        case(S.lfilter, draw(3), np.array([2.0, 0.5, 0.3]), draw(9)),
        case(S.lfilter, draw(2), [1.0], A),
        case(S.lfilter, [1.0], np.array([1.5, 0.5]), A, axis=0),
        *[case(S.savgol_filter, draw(9), 5, 2, mode=m) for m in MODES],
        case(S.savgol_filter, draw(9), 5, 3, deriv=1, delta=0.1),
        case(S.savgol_filter, draw(9), 5, 3, mode="constant", cval=2.5),
        case(S.savgol_filter, draw(7, 3), 3, 1, axis=0),
        *[case(S.detrend, x, type=t) for x in (V, A) for t in ("linear", "constant")],
        case(S.detrend, A, axis=0),
        *[case(S.hilbert, x) for x in (V, W, A)],
    ]  # fmt: skip
    return found


CASES = [*_transforms(), *_signals()]


@pytest.mark.parametrize("c", CASES, ids=str)
def test_like_scipy(c: Case) -> None:
    check_value(c)
    check_constants(c)
    check_derivative(c)


def built(function: Any, *args: Any, **options: Any) -> Any:
    entry = entry_of(function)
    assert entry is not None
    return apply(entry, args, options)


def test_symbolic_sizes() -> None:
    x = symbol("x", "n")
    value = draw(12)
    for function, args in (
        (S.savgol_filter, (5, 2)),
        (S.savgol_filter, (5, 2, 0, 1.0, -1, "nearest")),
    ):
        got = evaluate(built(function, x, *args), {"x": value})
        np.testing.assert_allclose(got, function(value, *args), atol=1e-13)
    b, a = np.array([0.5, 0.2]), np.array([1.0, -0.4])
    got = evaluate(built(S.lfilter, b, a, x), {"x": value})
    np.testing.assert_allclose(got, S.lfilter(b, a, value), atol=1e-13)


@pytest.mark.parametrize(
    ("function", "args", "options", "error"),
    [
        (F.dct, (V, 5), {}, TypeMismatchError),
        (F.dct, (symbol("x", "n"),), {}, ShapeError),
        (S.convolve, (A, A), {}, ShapeError),
        (S.lfilter, ([1.0], [1.0], V), {"zi": [1.0]}, TypeMismatchError),
        (S.savgol_filter, (V, 7, 2), {}, ShapeError),
        (S.savgol_filter, (V, 4, 2), {}, TypeMismatchError),
    ],
)
def test_refused(function: Any, args: Any, options: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="expected "):
        built(function, *args, **options)
