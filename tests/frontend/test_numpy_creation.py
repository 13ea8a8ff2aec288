"""Functions of NumPy that create arrays: every option against NumPy itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend.numpy_cases import Case, case, check_constants, check_derivative, check_value, draw

from wengert.errors import ShapeError, TypeMismatchError
from wengert.frontend.numpy_creation import array_of
from wengert.frontend.numpy_indices import INDEX_OBJECTS
from wengert.frontend.table import apply, entry_of
from wengert.ir.dims import Dim
from wengert.ir.node import Expr
from wengert.ops.leaves import symbol
from wengert.run.reference import evaluate

X, A = np.asarray(1.5), draw(3, 4)
DTYPES = ["bool", np.int32, int, np.float32, "f8", complex, np.dtype("complex64")]


def _filled() -> list[Case]:
    return [
        *[case(f, s) for f in (np.zeros, np.ones) for s in (3, (2, 3), (), (0, 2), [2, 1])],
        *[case(f, 2, d) for f in (np.zeros, np.ones) for d in DTYPES],
        *[case(np.full, (2, 3), v) for v in (1, 2.5, True, 1j, X)],
        *[case(np.full, 2, 1, dtype=d) for d in DTYPES],
        case(np.full, (3, 4), draw(4)),
        case(np.full, (2,), 2.7, int),
        case(np.full, 2, np.float32(1.5)),
        *[case(f, A) for f in (np.zeros_like, np.ones_like)],
        *[case(f, A, dtype=int) for f in (np.zeros_like, np.ones_like)],
        *[case(f, A.astype("f4"), shape=(2,)) for f in (np.zeros_like, np.ones_like)],
        case(np.zeros_like, 3),
        case(np.full_like, A, X),
        Case(np.full_like, (A.astype(int), X), smooth=False),
        case(np.full_like, A, 2, dtype="complex64"),
        *[case(np.array, [1, 2.5], d) for d in (float, "f4")],
    ]


def _ranges() -> list[Case]:
    ends = [
        (5,),
        (2, 7),
        (7, 2),
        (0, 1, 0.1),
        (1, 3, 0.25),
        (5, 0, -2),
        (0.5,),
        (3, 3),
        (-2, 2.5, 0.7),
    ]
    return [
        *[case(np.arange, *e) for e in ends],
        case(np.arange, 4, dtype=float),
        case(np.arange, 1, 5, dtype="f4"),
        case(np.arange, np.float32(3)),
        case(np.arange, np.int64(3)),
        *[case(np.linspace, a, b, n) for a, b in ((0, 1), (2.5, -1)) for n in (0, 1, 2, 5, 50)],
        *[case(np.linspace, X, np.asarray(-0.3), n) for n in (0, 1, 2, 7)],
        *[case(np.linspace, 1, X, n, False) for n in (0, 1, 2, 7)],
        case(np.linspace, X, 3, 4, retstep=True),
        case(np.linspace, 0, 3, 4, retstep=True),
        case(np.linspace, X, 3, 4, endpoint=False, retstep=True),
        Case(np.linspace, (X, 9, 4), {"dtype": int}, smooth=False),
        case(np.linspace, draw(3), draw(2, 1), 4),
        case(np.linspace, draw(3), 1, 4, axis=1),
        case(np.linspace, draw(3), 1, 4, axis=-1),
        case(np.linspace, np.float32(1.5), 2, 3),
        case(np.linspace, draw(dtype="float32"), 2, 3),
        case(np.linspace, draw(dtype="complex128"), 2, 3),
        case(np.linspace, np.array([1, 2]), 2, 3),
        case(np.logspace, X, 2, 4),
        case(np.logspace, X, 2, 4, base=2),
        case(np.logspace, X, 2, 4, False, base=np.asarray(2.5)),
        case(np.logspace, 0, 3, 4),
        case(np.logspace, draw(2), 3, 4, axis=1),
        case(np.geomspace, 1, 1000, 4),
        *[case(np.geomspace, X, 20.0, n) for n in (0, 1, 2, 3, 5)],
        *[case(np.geomspace, X, 20.0, n, False) for n in (1, 2, 5)],
        case(np.geomspace, -X, -2.0, 5),
        case(np.geomspace, np.array([1.0, 2.0]), 3, 5, axis=1),
    ]


def _matrices() -> list[Case]:
    return [
        *[case(np.eye, 3, m, k) for m in (None, 3, 5, 2) for k in (-1, 0, 1)],
        *[case(np.eye, 2, dtype=d) for d in DTYPES],
        case(np.eye, 80, 90, 1),
        case(np.identity, 3),
        case(np.identity, 3, "f4"),
        case(np.tri, 3),
        case(np.tri, 3, 5, 1),
        case(np.tri, 90, 80, -2, dtype=int),
        case(np.vander, draw(4)),
        case(np.vander, draw(4), 3, increasing=True),
        case(np.vander, draw(4), 0),
        case(np.vander, draw(3, dtype="int64")),
        case(np.vander, draw(3, dtype="float32"), 2),
    ]


def _lists() -> list[Case]:
    x, y = np.asarray(0.5), np.asarray(2.0)
    return [
        case(np.array, [x, y]),
        case(np.array, [[x, 1], [2.5, y]]),
        case(np.array, [[[x], [1]], [[2.5], [y]]]),
        case(np.array, [1, 2]),
        case(np.array, [1, 2.0, True]),
        case(np.array, []),
        case(np.array, [[], []]),
        case(np.array, [x, 1j]),
        case(np.array, [np.float32(1.5), 2]),
        case(np.array, [np.float32(1.5), 2.5]),
        case(np.array, [draw(3), draw(3)]),
        case(np.array, [draw(3), [x, 1.0, y]]),
        case(np.array, (x, 2), dtype="f4"),
        case(np.array, x, ndmin=2),
        case(np.array, 2.5),
        case(np.array, 3, float),
        case(np.array, A),
        case(np.asarray, [x, True]),
        case(np.asarray, A, complex),
        case(np.asanyarray, [1, 2]),
    ]


CASES = [*_filled(), *_ranges(), *_matrices(), *_lists()]


@pytest.mark.parametrize("c", CASES, ids=str)
def test_like_numpy(c: Case) -> None:
    check_value(c)
    check_constants(c)
    check_derivative(c)


def test_empty_is_filled_with_zeros() -> None:
    for function, args in ((np.empty, ((2, 3),)), (np.empty_like, (A,))):
        entry = entry_of(function)
        assert entry is not None
        made = apply(entry, args, {"dtype": "f4"})
        assert made.value_type.dtype == "float32"
        assert not made.evaluate().any()


# --- indexed objects -------------------------------------------------------------------------------------
KEYS: list[tuple[Any, Any]] = [
    (np.mgrid, np.s_[0:3]),
    (np.mgrid, np.s_[0:3, 1:5:2]),
    (np.mgrid, np.s_[0:1:5j, 1:5]),
    (np.mgrid, np.s_[0.5:2:0.3]),
    (np.ogrid, np.s_[0:3, 1:5:2]),
    (np.ogrid, np.s_[0:1:5j, 1:2:3j]),
    (np.ogrid, np.s_[2:5]),
    (np.r_, np.s_[0:3]),
    (np.r_, np.s_[1:4, 0, 2.5]),
    (np.r_, np.s_[0:1:3j, A[0]]),
    (np.r_, np.s_[A[0], np.float32(1)]),
    (np.r_, np.s_[A[0].astype("f4"), 1.5, 2]),
    (np.c_, np.s_[A[0], A[1]]),
    (np.c_, np.s_[A, A]),
    (np.s_, np.s_[1:2, 3]),
    (np.index_exp, 3),
]


@pytest.mark.parametrize(("original", "key"), KEYS)
def test_indexed_objects(original: Any, key: Any) -> None:
    got, want = INDEX_OBJECTS[original](key), original[key]
    if not isinstance(got, Expr) and not (isinstance(got, tuple) and isinstance(got[0], Expr)):
        assert got == want
        return
    for node, right in zip(
        got if isinstance(got, tuple) else [got],
        want if isinstance(want, tuple) else [want],
        strict=True,
    ):
        assert node.value_type.dtype == right.dtype.name
        np.testing.assert_array_equal(evaluate(node, {}), right)


# --- symbolic sizes --------------------------------------------------------------------------------------
N, M = Dim.named("n"), Dim.named("m")
SIZED: list[tuple[Any, tuple[Any, ...]]] = [
    (np.zeros, ((N, M),)),
    (np.ones, (N,)),
    (np.full, ((N, 2), 1.5)),
    (np.arange, (N,)),
    (np.arange, (1, N)),
    (np.arange, (N, 0, -1)),
    (np.arange, (0, N * 2, 2)),
    (np.linspace, (0.0, 1.0, N)),
    (np.linspace, (0.0, 1.0, N, False)),
    (np.logspace, (0.0, 1.0, N)),
    (np.geomspace, (1.0, 4.0, N)),
    (np.eye, (N,)),
    (np.eye, (N, M, 1)),
    (np.identity, (N,)),
    (np.tri, (N, M, -1)),
    (np.indices, ((N, M),)),
    (np.diag_indices, (N,)),
]


@pytest.mark.parametrize(("function", "args"), SIZED)
def test_symbolic_sizes(function: Any, args: Any) -> None:
    sizes = {"n": 5, "m": 3}

    def numbers(arg: Any) -> Any:
        if isinstance(arg, tuple):
            return tuple(map(numbers, arg))
        return arg.evaluate(sizes) if isinstance(arg, Dim) else arg

    entry = entry_of(function)
    assert entry is not None
    found, right = apply(entry, args, {}), function(*numbers(args))
    for node, want in zip(
        found if isinstance(found, tuple) else [found],
        right if isinstance(right, tuple) else [right],
        strict=True,
    ):
        assert node.value_type.dtype == want.dtype.name
        value = evaluate(node, {"n": 5, "m": 3})
        np.testing.assert_allclose(value, want, rtol=1e-15, atol=1e-15)


def test_grids_of_symbolic_sizes() -> None:
    grid = INDEX_OBJECTS[np.mgrid]((slice(0, N), slice(1, M)))
    np.testing.assert_array_equal(evaluate(grid, {"n": 3, "m": 4}), np.mgrid[0:3, 1:4])


@pytest.mark.parametrize(
    ("function", "args", "error"),
    [
        (np.zeros, (3, "int8"), TypeMismatchError),
        (np.ones, (3, object), TypeMismatchError),
        (np.zeros, (3, "nonsense"), TypeMismatchError),
        (np.zeros, (-1,), ShapeError),
        (np.arange, (symbol("x"),), TypeMismatchError),
        (np.arange, (0, N, 3), ShapeError),
        (np.linspace, (0, 1, -1), ShapeError),
        (np.full, (2, 1.5, np.float16), TypeMismatchError),
        (np.array, ([[1, 2], [3]],), ShapeError),
        (np.array, ([symbol("x"), A],), ShapeError),
        (np.array, ([2**70, symbol("x")], int), TypeMismatchError),
    ],
)
def test_refused(function: Any, args: Any, error: type[Exception]) -> None:
    entry = entry_of(function)
    assert entry is not None
    with pytest.raises(error, match="expected "):
        apply(entry, args, {})


def test_reading_an_element_of_a_list_reads_the_element() -> None:
    x, y = symbol("x"), symbol("y")
    assert array_of([[x, y], [y, x]])[0, 1] is y
