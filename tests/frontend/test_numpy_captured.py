"""The same cases as programs that are captured, written as source and run: the results are NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend import (
    test_numpy_creation,
    test_numpy_fft,
    test_numpy_layout,
    test_numpy_linalg,
    test_numpy_products,
    test_scipy_fft,
    test_scipy_linalg,
)
from frontend.numpy_cases import Case, leaves

import wengert as wg

_INEXACT = ("float32", "float64", "complex64", "complex128")
_EACH = 9  # every ninth case: all of them take a minute


def varying(value: Any) -> list[Any]:
    """The arrays of floating-point numbers among arguments, which the program is given."""
    if isinstance(value, (list, tuple)):
        return [x for v in value for x in varying(v)]
    return [value] if isinstance(value, np.ndarray) and value.dtype.name in _INEXACT else []


def filled(value: Any, given: Any) -> Any:
    """The arguments with the given values in the places of those arrays."""
    if isinstance(value, (list, tuple)):
        return type(value)([filled(v, given) for v in value])
    return next(given) if varying(value) else value


def _cases() -> list[Case]:
    tables = [
        test_numpy_creation.CASES,
        test_numpy_fft.CASES,
        test_numpy_layout.CASES,
        test_numpy_linalg.CASES,
        test_numpy_products.CASES,
        test_scipy_fft.CASES,
        test_scipy_linalg.CASES,
    ]
    some = [c for table in tables for c in table if c.gauge is None]
    return [c for c in some if varying([c.args, tuple(c.kwargs.values())])][::_EACH]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("c", _cases(), ids=str)
def test_captured(c: Case) -> None:
    own = (c.function, tuple(c.args), tuple(c.kwargs), tuple(c.kwargs.values()))

    # No closure, nor a default value that can change: its numbers would be inputs.
    def program(*arrays: Any, own: tuple[Any, ...] = own) -> Any:
        function, args, names, values = own
        args, values = filled((args, values), iter(arrays))
        return function(*args, **dict(zip(names, values, strict=True)))

    arrays = varying([c.args, tuple(c.kwargs.values())])
    want, got = leaves(program(*arrays)), leaves(wg.jit(program)(*arrays))
    assert len(got) == len(want)
    for value, right in zip(got, want, strict=True):
        value, right = np.asarray(value), np.asarray(right)
        assert value.shape == right.shape
        assert value.dtype == right.dtype or not c.check_dtype
        single = right.dtype.name in ("float32", "complex64")
        tolerance = 1e-4 if single else 1e-9
        np.testing.assert_allclose(value, right, rtol=tolerance, atol=tolerance)
