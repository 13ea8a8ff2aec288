"""Machine code does what the programs do: programs of the tests, their derivatives, and `backend`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any  # Any: programs take and return whatever ordinary code does
from zlib import crc32

import numpy as np
import pytest
from programs.corpus import PROGRAMS
from programs.judging import Projection, leaves

import wengert as wg
from wengert.errors import NativeWarning, TypeMismatchError

SMOOTH = [p for p in PROGRAMS.values() if p.wrt][::3]


def differs(found: Any, wanted: Any, tolerance: float) -> bool:
    pairs = zip(leaves(found), leaves(wanted), strict=True)
    return any(
        type(a) is not type(b)
        or np.shape(a) != np.shape(b)
        or (
            isinstance(a, (float, complex, np.ndarray, np.generic))
            and not np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
        )
        for (_, a), (_, b) in pairs
    )


@pytest.mark.parametrize("transform", ["jit", "grad"])
def test_programs(transform: str) -> None:
    compiled = 0
    for program in SMOOTH:
        args = program.inputs()[0]
        if transform == "jit":
            make: Callable[..., Any] = lambda backend, p=program: wg.jit(  # noqa: E731
                p.function, backend=backend
            )
        else:
            rng = np.random.default_rng(crc32(program.name.encode()))
            function = Projection(program.function, args, program.wrt, rng).function
            make = lambda backend, p=program, f=function: wg.grad(  # noqa: E731
                f, argnums=p.wrt, backend=backend
            )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                wanted = make("python")(*program.inputs()[0])
            except wg.WengertError:
                continue
            found = make("native")(*program.inputs()[0])
        compiled += not any(issubclass(w.category, NativeWarning) for w in caught)
        assert not differs(found, wanted, max(1e-8, 1e3 * program.tolerance)), program.name
    assert compiled > len(SMOOTH) / 2


def logistic_map(x):
    for _ in range(1000):
        x = 3.9 * x * (1 - x)
    return x


def test_one_compiled_function_serves_all_sizes() -> None:
    gradient = wg.grad(lambda x: np.sum(np.tanh(x) ** 2), backend="native")
    for n in (9, 10, 64, 1000):
        x = np.linspace(-2.0, 2.0, n)
        assert np.allclose(gradient(x), 2 * np.tanh(x) / np.cosh(x) ** 2)


def test_arrays_that_are_not_one_piece_of_memory() -> None:
    double = wg.jit(lambda x: 2 * x, backend="native")
    x = np.arange(40.0).reshape(4, 10)
    assert np.array_equal(double(x.T), 2 * x.T)
    assert np.array_equal(double(x[:, ::2]), 2 * x[:, ::2])
    x.setflags(write=False)
    assert np.array_equal(double(x), 2 * x)


def element(x, k):
    return x[k] * 2.0


def test_places_outside_are_errors_of_python() -> None:
    compiled = wg.jit(element, backend="native")
    x = np.arange(12.0)
    for k in (3, 4, -1, -12):
        assert compiled(x, k) == 2 * x[k]
    for k in (12, -13):
        with pytest.raises(IndexError):
            compiled(x, k)


def test_what_has_no_machine_code_runs_as_source_after_a_warning() -> None:
    positive = wg.jit(lambda x: x[x > 0], backend="native")
    with pytest.warns(NativeWarning, match=r"a result whose size .*runs as NumPy source"):
        found = positive(np.array([1.0, -2.0, 3.0]))
    assert found.tolist() == [1.0, 3.0]


def test_backends_agree() -> None:
    results = [
        wg.grad(logistic_map, backend=backend)(0.3) for backend in ("python", "native", "reference")
    ]
    assert results[0] == pytest.approx(results[1], rel=1e-9)
    assert results[0] == results[2]
    with pytest.raises(TypeMismatchError, match="'python' or 'native' or 'reference'"):
        wg.jit(logistic_map, backend="fast")  # type: ignore[arg-type]


def added(x, k):
    return x + k


def smaller(x, k):
    return x < k


def test_integers_of_python_that_a_type_does_not_hold() -> None:
    """NumPy raises an error, except in comparisons; so does the NumPy source that then runs."""
    narrow, wide = np.arange(10, dtype=np.int32), np.arange(10)
    for x in (narrow, wide, narrow[3], wide[3]):
        for k in (7, -7, 2**31, 2**40, -(2**40)):
            for function in (added, smaller):
                results: list[Any] = []
                for backend in ("python", "native"):
                    compiled = wg.jit(function, backend=backend)
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        try:
                            results.append(compiled(x, k))
                        except OverflowError as error:
                            results.append(type(error))
                assert type(results[0]) is type(results[1])
                assert np.array_equal(results[0], results[1]), (function, x, k)
