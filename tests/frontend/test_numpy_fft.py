"""Fourier transforms: every option against NumPy itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend.numpy_cases import Case, case, check_constants, check_derivative, check_value, draw

import wengert.frontend.numpy_fft  # noqa: F401
from wengert.errors import ShapeError, TypeMismatchError
from wengert.frontend.table import apply, entry_of
from wengert.ir.dims import Dim
from wengert.ops.leaves import symbol
from wengert.run.reference import evaluate

F = np.fft
V, W, A, T = draw(5), draw(6), draw(3, 4), draw(2, 3, 4)
CV, CA = draw(5, dtype="complex128"), draw(3, 4, dtype="complex128")
NORMS = [None, "backward", "ortho", "forward"]
SMALL = [draw(4, dtype=d) for d in ("float32", "complex64", "int64", "bool")]


def _one_axis() -> list[Case]:
    found = []
    for f in (F.fft, F.ifft):
        found += [case(f, x) for x in (V, W, CV, A, *SMALL)]
        found += [case(f, x, n) for x in (V, CV) for n in (1, 3, 5, 8)]
        found += [case(f, CA, axis=0, norm=o) for o in NORMS]
    for f in (F.rfft, F.ihfft):
        found += [case(f, x) for x in (V, W, A, SMALL[0], SMALL[2])]
        found += [case(f, V, n) for n in (1, 2, 3, 8)]
        found += [case(f, A, axis=0, norm=o) for o in NORMS]
    for f in (F.irfft, F.hfft):
        found += [case(f, x) for x in (CV, W, CA, SMALL[1], SMALL[2])]
        found += [case(f, CV, n) for n in (1, 2, 3, 7, 8, 9, 12)]
        found += [case(f, CA, axis=0, norm=o) for o in NORMS]
    return found


def _several_axes() -> list[Case]:
    found = []
    for f in (F.fft2, F.ifft2, F.fftn, F.ifftn):
        found += [case(f, x) for x in (A, T, CA)]
        found += [case(f, T, (2, 5), axes=(0, 2), norm=o) for o in NORMS]
        found += [case(f, T, axes=(1, 0))]
    for f in (F.rfft2, F.rfftn):
        found += [case(f, x) for x in (A, T)]
        found += [case(f, T, (2, 5), axes=(0, 2), norm=o) for o in NORMS]
    for f in (F.irfft2, F.irfftn):
        found += [case(f, x) for x in (CA, T)]
        found += [case(f, T, (2, 5), axes=(0, 2), norm=o) for o in NORMS]
    return found


def _frequencies() -> list[Case]:
    return [
        *[case(f, n) for f in (F.fftfreq, F.rfftfreq) for n in (1, 2, 5, 8)],
        *[case(f, n, 0.1) for f in (F.fftfreq, F.rfftfreq) for n in (5, 8)],
        *[case(f, n, d=np.asarray(0.3)) for f in (F.fftfreq, F.rfftfreq) for n in (5, 8)],
        *[case(f, x) for f in (F.fftshift, F.ifftshift) for x in (V, W, A, T)],
        *[case(f, T, a) for f in (F.fftshift, F.ifftshift) for a in (0, (1, 2))],
    ]


CASES = [*_one_axis(), *_several_axes(), *_frequencies()]


@pytest.mark.filterwarnings("ignore:`axes` should not be `None`:DeprecationWarning")
@pytest.mark.parametrize("c", CASES, ids=str)
def test_like_numpy(c: Case) -> None:
    check_value(c)
    check_constants(c)
    check_derivative(c)


def built(function: Any, *args: Any, **options: Any) -> Any:
    entry = entry_of(function)
    assert entry is not None
    return apply(entry, args, options)


@pytest.mark.parametrize("length", [4, 5])
def test_symbolic_sizes(length: int) -> None:
    x, n = symbol("x", "n"), Dim.named("n")
    value = draw(length)
    for f in (F.fft, F.ifft, F.fftshift, F.ifftshift):
        np.testing.assert_allclose(evaluate(built(f, x), {"x": value}), f(value), atol=1e-14)
    for norm in NORMS:
        got = evaluate(built(F.fft, x, norm=norm), {"x": value})
        np.testing.assert_allclose(got, F.fft(value, norm=norm), atol=1e-14)
    got = evaluate(built(F.fftfreq, n, 0.5), {"n": length})
    np.testing.assert_allclose(got, F.fftfreq(length, 0.5))


@pytest.mark.parametrize(
    ("function", "args", "error"),
    [
        (F.fft, (V, 0), ShapeError),
        (F.fft, (V, None, 2), ShapeError),
        (F.fft, (V, None, 0, "other"), TypeMismatchError),
        (F.rfft, (CV,), ShapeError),
        (F.rfft, (symbol("x", "n"),), ShapeError),
        (F.irfft, (symbol("x", "n"),), ShapeError),
        (F.fftn, (A, (2, 2, 2), (0, 1)), ShapeError),
    ],
)
def test_refused(function: Any, args: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="expected "):
        built(function, *args)
