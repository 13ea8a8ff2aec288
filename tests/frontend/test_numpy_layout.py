"""Layout functions of NumPy: every option against NumPy itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend.numpy_cases import Case, case, check_constants, check_derivative, check_value, draw

import wengert.frontend.numpy_indices
import wengert.frontend.numpy_layout
import wengert.frontend.numpy_selecting  # noqa: F401
from wengert.errors import ShapeError, TypeMismatchError
from wengert.frontend.table import apply, entry_of
from wengert.ir.dims import Dim
from wengert.ops.leaves import symbol
from wengert.run.reference import evaluate

V, W, E = draw(5), draw(4), draw(0)
A, B, S = draw(3, 4), draw(3, 4, seed=2), draw(3, 3)
T, U = draw(2, 3, 4), draw(2, 1, 3)
F, C, J, K = (draw(3, 4, dtype=d) for d in ("float32", "complex128", "int64", "bool"))
Z = np.asarray(1.5)


def _shapes() -> list[Case]:
    return [
        *[case(np.reshape, A, s) for s in [(4, 3), 12, (-1,), (2, -1), (1, 3, 4), [6, 2]]],
        case(np.reshape, A, (4, 3), order="F"),
        case(np.reshape, A, (2, -1), "F"),
        case(np.reshape, Z, (1, 1)),
        case(np.reshape, 3, (1,)),
        case(np.reshape, 2.5, (1,)),
        case(np.reshape, E, (0, 3)),
        case(np.reshape, J, (2, 6), copy=True),
        case(np.ndarray.reshape, A, 4, 3),
        case(np.ndarray.reshape, A, (4, -1), order="F"),
        case(np.ravel, A),
        case(np.ravel, C, "F"),
        case(np.ravel, 1.5),
        case(np.ndarray.flatten, T, "F"),
        case(np.resize, A, (5, 4)),
        case(np.resize, A, (2, 2)),
        case(np.resize, A, (4, 3)),
        case(np.resize, E, (2,)),
        case(np.ndim, A),
        case(np.shape, T),
        case(np.size, T),
        case(np.size, T, 1),
        case(np.squeeze, U),
        case(np.squeeze, U, axis=1),
        case(np.squeeze, U, axis=(-2,)),
        case(np.squeeze, draw(1, 1)),
        *[case(np.expand_dims, A, a) for a in [0, 1, -1, (0, 2), (0, -1)]],
        case(np.expand_dims, 1.5, 0),
        *[
            case(f, x)
            for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d)
            for x in (2, Z, V, A, T)
        ],
        case(np.atleast_2d, V, A, 1.0),
        case(np.broadcast_to, V, (3, 5)),
        case(np.broadcast_to, 2.0, (2, 2)),
        case(np.broadcast_to, U, (2, 4, 3)),
        case(np.broadcast_arrays, V, draw(3, 1), 2),
        case(np.broadcast_shapes, (2, 1), (3,), 1),
    ]


def _axes() -> list[Case]:
    return [
        case(np.transpose, A),
        case(np.transpose, T, (1, 0, 2)),
        case(np.transpose, T, (-1, 0, 1)),
        case(np.transpose, 3.0),
        case(np.ndarray.transpose, T, 2, 0, 1),
        case(np.ndarray.transpose, T, (2, 0, 1)),
        case(np.ndarray.transpose, T),
        case(np.matrix_transpose, T),
        case(np.linalg.matrix_transpose, K),
        case(np.swapaxes, T, 0, -1),
        case(np.ndarray.swapaxes, T, 1, 2),
        case(np.moveaxis, T, 0, -1),
        case(np.moveaxis, T, [0, 1], [-1, 0]),
        case(np.moveaxis, T, (2, 0), (0, 1)),
        *[case(np.rollaxis, T, a, s) for a in range(-3, 3) for s in range(-3, 4)],
        *[case(np.flip, T, axis=a) for a in [None, 0, -1, (0, 2)]],
        case(np.fliplr, T),
        case(np.flipud, V),
        *[case(np.rot90, A, k) for k in range(-1, 5)],
        case(np.rot90, T, 1, (1, 2)),
        case(np.rot90, T, 3, axes=(2, 0)),
        *[case(np.roll, V, s) for s in (0, 1, -1, 3, -4, 7)],
        case(np.roll, A, 2),
        case(np.roll, A, 1, axis=0),
        case(np.roll, A, (1, -2), axis=(0, 1)),
        case(np.roll, A, 1, axis=(0, 1)),
        case(np.roll, A, (1, 2), axis=1),
        case(np.roll, E, 1),
        case(np.roll, J, np.int64(2), axis=1),
        case(np.copy, F),
        case(np.ndarray.copy, J),
        case(np.ascontiguousarray, 1.5),
        case(np.asfortranarray, A, dtype="float32"),
        Case(np.astype, (A, np.int64), smooth=False),
        case(np.astype, J, float),
        case(np.ndarray.astype, J, "f4"),
        case(np.ndarray.astype, A, complex),
        Case(np.ndarray.astype, (A, bool), smooth=False),
        case(np.unstack, T),
        case(np.unstack, T, axis=-1),
        case(np.require, A),
    ]


def _joining() -> list[Case]:
    return [
        case(np.concatenate, [A, B]),
        case(np.concatenate, (A, B), 1),
        case(np.concatenate, [A, V], axis=None),
        case(np.concatenate, [F, J]),
        case(np.concatenate, [F, K], axis=-1),
        case(np.concatenate, T),
        case(np.concatenate, [J, A], dtype="float32"),
        case(np.concatenate, [V, E]),
        case(np.stack, [A, B]),
        case(np.stack, [A, B], axis=-1),
        case(np.stack, [A, J, C], axis=1),
        case(np.stack, [1, 2.5]),
        case(np.stack, [1.5, np.float32(2)]),
        case(np.stack, [Z, 2]),
        case(np.stack, T, axis=1),
        case(np.vstack, [V, V]),
        case(np.vstack, [A, W]),
        case(np.vstack, [1.0, 2]),
        case(np.vstack, [A, B], dtype=np.float32),
        case(np.hstack, [V, 2.0, E]),
        case(np.hstack, [A, B]),
        case(np.hstack, [T, T]),
        case(np.dstack, [V, V]),
        case(np.dstack, [A, B]),
        case(np.dstack, [T, T]),
        case(np.column_stack, [V, V]),
        case(np.column_stack, [A, draw(3)]),
        case(np.block, [[A, B], [B, A]]),
        case(np.block, [V, 1.0, W]),
        case(np.block, [[1.0, draw(3)], [draw(3, 1), S]]),
        case(np.block, A),
        case(np.append, V, 2.0),
        case(np.append, A, B, axis=0),
        case(np.append, A, [[1, 2, 3, 4]], axis=0),
        case(np.append, J, A),
        *[case(np.split, A, s, axis=1) for s in (1, 2, 4, [1, 3], [2, 2, 9], [-1])],
        case(np.split, V, 5),
        case(np.array_split, V, 3),
        case(np.array_split, A, 7, 1),
        case(np.hsplit, A, 2),
        case(np.hsplit, V, [2]),
        case(np.vsplit, A, 3),
        case(np.dsplit, T, 2),
        *[case(np.tile, A, r) for r in (2, (2, 1), (1, 2, 2), (0,), [3])],
        case(np.tile, V, (2, 2)),
        case(np.tile, 1.5, 3),
        case(np.tile, T, 2),
        case(np.repeat, A, 2),
        case(np.repeat, A, 3, axis=1),
        case(np.repeat, A, 0, axis=1),
        case(np.repeat, A, [1, 0, 2], axis=0),
        case(np.repeat, V, [2]),
        case(np.repeat, 3.5, 2),
        case(np.ndarray.repeat, A, 2, 0),
        *[
            case(np.delete, V, o)
            for o in (0, 2, -1, -2, [0, 3], slice(1, 4), slice(None, None, 2), [])
        ],
        case(np.delete, A, 1, axis=1),
        case(np.delete, A, [0, -1], axis=1),
        case(np.delete, A, 5),
        case(np.delete, V, np.array([True, False, True, False, False])),
        *[case(np.insert, V, o, 9.5) for o in (0, 2, 5, -1, [1, 3], [2, 2], slice(0, 2))],
        case(np.insert, V, 2, [7.0, 8.0]),
        case(np.insert, V, [1, 4, 1], [7.0, 8.0, 9.0]),
        case(np.insert, V, [2], [7.0, 8.0]),
        case(np.insert, A, 1, draw(3), axis=1),
        case(np.insert, A, 1, draw(4), axis=0),
        case(np.insert, A, [1], draw(3, 2), axis=1),
        case(np.insert, A, 0, 5, axis=0),
        case(np.insert, A, 3, 1.5),
        case(np.insert, J, 3, 2.7),
        *[case(np.pad, V, w) for w in (1, (0, 2), ((2, 1),), 0)],
        case(np.pad, A, ((1, 0), (2, 3)), constant_values=2.5),
        case(np.pad, A, 1, constant_values=((1, 2), (3, 4))),
        case(np.pad, A, 1, constant_values=(5, 6)),
        case(np.pad, J, 1, constant_values=2.7),
        case(np.pad, V, 1, constant_values=draw()),
        case(np.pad, A, {0: (1, 2), -1: 1}),
        *[case(np.pad, A, ((1, 2), (0, 3)), m) for m in ("edge", "reflect", "symmetric", "wrap")],
        *[case(np.pad, V, 7, mode=m) for m in ("edge", "reflect", "symmetric", "wrap")],
    ]


def _selecting() -> list[Case]:
    places = np.array([[0, -1], [2, 1]])
    return [
        case(np.take, V, 2),
        case(np.take, V, -1),
        case(np.take, A, places),
        case(np.take, A, [0, 2], axis=1),
        case(np.take, A, places, axis=0),
        case(np.take, A, [7, -9], axis=1, mode="wrap"),
        case(np.take, A, [7, -9], axis=1, mode="clip"),
        case(np.ndarray.take, A, 1, axis=-1),
        case(np.take_along_axis, A, np.array([[0], [2], [-1]]), axis=1),
        case(np.take_along_axis, A, np.array([[0, 2, 1, 0]]), 0),
        case(np.take_along_axis, A, np.array([3, 1]), axis=None),
        case(np.take_along_axis, A, np.array([[1, 0]]), 1),
        case(np.choose, np.array([0, 1, 1, 0, 1]), [V, -V]),
        case(np.choose, np.array([3, -1, 1, 0, 1]), [V, 2.0], mode="wrap"),
        case(np.choose, np.array([3, -1, 1, 0, 1]), [V, 2.0], mode="clip"),
        case(np.choose, 1, [J, A]),
        case(np.select, [K, ~K], [A, B]),
        case(np.select, [K[0]], [A], default=2.0),
        case(np.select, [K], [F], 1),
        case(np.select, [K], [F], 1.5),
        case(np.select, [K, K], [1, 2]),
        case(np.select, [K, K], [J, 2.5]),
        case(np.compress, [True, False, True], A, axis=0),
        case(np.compress, [0, 1, 1], V),
        case(np.diag, V),
        Case(np.diag, (np.array([np.inf, 1.0, -np.inf]),), smooth=False),
        *[case(np.diag, x, k) for x in (W, A, S, J) for k in (-2, -1, 0, 1, 3, 5)],
        case(np.diagflat, A, 1),
        case(np.diagflat, 2.0),
        *[case(np.diagonal, A, k) for k in (-3, -1, 0, 2, 9)],
        case(np.diagonal, T, 1, 0, 2),
        case(np.diagonal, T, axis1=2, axis2=1),
        case(np.ndarray.diagonal, T, -1),
        case(np.linalg.diagonal, T, offset=1),
        case(np.trace, A),
        case(np.trace, T, 1, 1, 2),
        case(np.trace, K),
        case(np.trace, J.astype(np.int32)),
        case(np.trace, J, dtype=float),
        case(np.linalg.trace, T, offset=-1),
        *[case(f, x, k) for f in (np.tril, np.triu) for x in (A, T, K, V, J) for k in (-1, 0, 2)],
    ]


def _places() -> list[Case]:
    return [
        case(np.meshgrid, V, W),
        case(np.meshgrid, V, W, indexing="ij"),
        case(np.meshgrid, V, W, sparse=True),
        case(np.meshgrid, V, W, E, indexing="xy"),
        case(np.meshgrid, V),
        case(np.meshgrid, 1.5, W),
        case(np.ix_, np.array([0, 2]), np.array([1, 0, 3])),
        case(np.indices, (2, 3)),
        case(np.indices, (2, 3), dtype=float),
        case(np.indices, (2, 3), sparse=True),
        case(np.indices, ()),
        case(np.diag_indices, 3),
        case(np.diag_indices, 3, 3),
        case(np.diag_indices_from, S),
        *[case(f, 3, k) for f in (np.tril_indices, np.triu_indices) for k in (-1, 0, 1)],
        case(np.tril_indices, 3, 0, 5),
        case(np.triu_indices, 3, m=2),
        case(np.tril_indices_from, A),
        case(np.triu_indices_from, A, 1),
        case(np.unravel_index, np.array([3, 11, 0]), (3, 4)),
        case(np.unravel_index, 7, (2, 2, 3)),
        case(np.unravel_index, np.array([3, 11]), (3, 4), order="F"),
        case(np.ravel_multi_index, [[1, 2], [3, 0]], (3, 4)),
        case(np.ravel_multi_index, (1, 2, 1), (2, 3, 2), order="F"),
        case(np.ravel_multi_index, (np.array([1, 9]), np.array([-1, 3])), (3, 4), mode="wrap"),
        case(
            np.ravel_multi_index,
            (np.array([1, 9]), np.array([-1, 3])),
            (3, 4),
            mode=("clip", "wrap"),
        ),
    ]


CASES = [*_shapes(), *_axes(), *_joining(), *_selecting(), *_places()]


@pytest.mark.parametrize("c", CASES, ids=str)
def test_like_numpy(c: Case) -> None:
    check_value(c)
    check_constants(c)
    check_derivative(c)


# --- symbolic sizes --------------------------------------------------------------------------------------
X, Y, N_BY_N = symbol("X", ("m", "n")), symbol("Y", "n"), symbol("Q", ("n", "n"))
SIZED: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
    (np.reshape, (X, (-1,)), {}),
    (np.reshape, (X, (-1,)), {"order": "F"}),
    (np.ravel, (X,), {}),
    (np.transpose, (X,), {}),
    (np.moveaxis, (X, 0, 1), {}),
    (np.expand_dims, (X, 1), {}),
    (np.flip, (X,), {"axis": 1}),
    (np.rot90, (X,), {}),
    (np.roll, (Y, 1), {}),
    (np.roll, (Y, -3), {}),
    (np.roll, (X, (1, 2)), {"axis": (0, 1)}),
    (np.concatenate, ([Y, Y],), {}),
    (np.vstack, ([X, Y],), {}),
    (np.column_stack, ([Y, Y],), {}),
    (np.hstack, ([Y, 1.0],), {}),
    (np.split, (X, [1, 2]), {"axis": 1}),
    (np.tile, (X, (2, 3)), {}),
    (np.repeat, (X, 2), {"axis": 0}),
    (np.repeat, (X, 2), {}),
    (np.delete, (Y, 1), {}),
    (np.delete, (Y, -1), {}),
    (np.pad, (X, 2), {}),
    (np.pad, (X, ((1, 0), (0, 2)), "edge"), {}),
    (np.take, (X, [0, -1]), {"axis": 1}),
    (np.diag, (Y,), {"k": 1}),
    (np.diag, (N_BY_N,), {"k": -1}),
    (np.diag, (N_BY_N,), {"k": 2}),
    (np.trace, (N_BY_N,), {"offset": 1}),
    (np.tril, (X, 1), {}),
    (np.meshgrid, (Y, Y), {}),
    (np.append, (X, 2.0), {}),
]


@pytest.mark.parametrize(
    ("function", "args", "options"), SIZED, ids=lambda v: getattr(v, "__name__", "")
)
@pytest.mark.parametrize("sizes", [(2, 3), (5, 4)])
def test_symbolic_sizes(function: Any, args: Any, options: Any, sizes: tuple[int, int]) -> None:
    m, n = sizes
    values = {"X": draw(m, n), "Y": draw(n), "Q": draw(n, n)}

    def numbers(arg: Any) -> Any:
        if isinstance(arg, list):
            return [numbers(a) for a in arg]
        return values[arg.attr.name] if arg in (X, Y, N_BY_N) else arg

    entry = entry_of(function)
    assert entry is not None
    found = apply(entry, args, options)
    right = function(*map(numbers, args), **options)
    for node, want in zip(
        found if isinstance(found, (tuple, list)) else [found],
        right if isinstance(right, (tuple, list)) else [right],
        strict=True,
    ):
        np.testing.assert_allclose(evaluate(node, values), want, rtol=1e-14)


UNKNOWN = symbol("i", dtype="int64")
REFUSED: list[tuple[Any, tuple[Any, ...], dict[str, Any], type[Exception]]] = [
    (np.reshape, (X, (3, 4), "A"), {}, TypeMismatchError),
    (np.reshape, (A, (5, 5)), {}, ShapeError),
    (np.ravel, (A, "K"), {}, TypeMismatchError),
    (np.squeeze, (X,), {}, ShapeError),
    (np.squeeze, (A,), {"axis": 0}, ShapeError),
    (np.split, (A, 5), {"axis": 1}, ShapeError),
    (np.split, (X, 2), {}, ShapeError),
    (np.repeat, (A, UNKNOWN), {}, TypeMismatchError),
    (np.delete, (V, UNKNOWN), {}, TypeMismatchError),
    (np.delete, (V, 9), {}, ShapeError),
    (np.insert, (V, 9, 1.0), {}, ShapeError),
    (np.pad, (A, 1, "mean"), {}, TypeMismatchError),
    (np.pad, (A, -1), {}, ShapeError),
    (np.astype, (A, np.float16), {}, TypeMismatchError),
    (np.astype, (A, "int8"), {}, TypeMismatchError),
    (np.astype, (A, object), {}, TypeMismatchError),
    (np.ndarray.astype, (A, int), {"casting": "safe"}, TypeMismatchError),
    (np.concatenate, ([A, V],), {}, ShapeError),
    (np.concatenate, ([A, A],), {"dtype": int}, TypeMismatchError),
    (np.stack, ([A, V],), {}, ShapeError),
    (np.diag, (X,), {}, ShapeError),
    (np.transpose, (A, (0, 0)), {}, ShapeError),
    (np.take, (V, V), {}, TypeMismatchError),
    (np.compress, (symbol("k", (5, 2), dtype="bool"), V), {}, ShapeError),
]


@pytest.mark.parametrize(("function", "args", "options", "error"), REFUSED)
def test_refused(function: Any, args: Any, options: Any, error: type[Exception]) -> None:
    entry = entry_of(function)
    assert entry is not None
    with pytest.raises(error, match=r"expected .*, got "):
        apply(entry, args, options)


def test_one_axis_of_a_size_is_named() -> None:
    entry = entry_of(np.split)
    assert entry is not None
    halves = apply(entry, (symbol("z", Dim.named("n") * 2), 2), {})
    assert [h.shape for h in halves] == [(Dim.named("n"),)] * 2
