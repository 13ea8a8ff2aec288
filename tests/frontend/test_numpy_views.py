"""Functions that change arrays in place, and writes through views: NumPy does the same to its arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend.numpy_cases import Symbols, draw, values_of

from wengert.errors import ShapeError, TypeMismatchError
from wengert.frontend.numpy_inplace import IN_PLACE
from wengert.frontend.numpy_views import VIEWS
from wengert.frontend.table import apply
from wengert.ir.node import Expr
from wengert.ops.leaves import symbol
from wengert.run.reference import evaluate

A, S, V, W = draw(3, 4), draw(3, 3), draw(5), draw(3)
T, TALL, J = draw(2, 3, 4), draw(7, 3), draw(3, 4, dtype="int64")
C = draw(3, 4, dtype="complex128")
MASK = draw(3, 4, dtype="bool")

CHANGES: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
    *[(np.fill_diagonal, (x, 2.5), {}) for x in (A, S, TALL, TALL.T, J, draw(3, 3, 3))],
    (np.fill_diagonal, (S, W), {}),
    (np.fill_diagonal, (S, W[:2]), {}),
    (np.fill_diagonal, (S, V), {}),
    (np.fill_diagonal, (TALL, 1.0, True), {}),
    (np.fill_diagonal, (TALL, W), {"wrap": True}),
    (np.fill_diagonal, (A, W), {"wrap": True}),
    (np.put, (A, [0, 5, -1], [1.0, 2.0, 3.0]), {}),
    (np.put, (A, [[0, 5], [2, 3]], [1.0, 2.0]), {}),
    (np.put, (A, 7, 1), {}),
    (np.put, (A, [25, -30], V), {"mode": "wrap"}),
    (np.put, (A, [25, -30], V), {"mode": "clip"}),
    (np.ndarray.put, (J, [1, 2], 2.7), {}),
    (np.put_along_axis, (A, np.array([[1], [0], [3]]), 9.0, 1), {}),
    (np.put_along_axis, (A, np.array([[2, 1, 0, 1]]), draw(1, 4), 0), {}),
    (np.put_along_axis, (A, np.array([3, 0]), np.array([1.0, 2.0]), None), {}),
    (np.place, (A, MASK, [1.0, 2.0]), {}),
    (np.place, (A, A > 0, V), {}),
    (np.putmask, (A, MASK, A * 2), {}),
    (np.putmask, (A, MASK, V), {}),
    (np.putmask, (J, MASK, 2.5), {}),
    (np.copyto, (A, 1.5), {}),
    (np.copyto, (A, draw(4)), {}),
    (np.copyto, (A, 1), {"where": MASK}),
    (np.copyto, (A, S[:, :1]), {"where": MASK[0]}),
    (np.copyto, (C, A), {}),
    (np.ndarray.fill, (A, 2), {}),
    (np.ndarray.fill, (J, 2.7), {}),
]


@pytest.mark.parametrize(("function", "args", "options"), CHANGES)
def test_changes_in_place(function: Any, args: Any, options: Any) -> None:
    after = args[0].copy()
    function(after, *args[1:], **options)
    symbols = Symbols()
    node = apply(IN_PLACE[function], args, options, symbols)
    assert node.value_type.dtype == after.dtype.name
    np.testing.assert_array_equal(values_of([node], symbols.values)[0], after)


@pytest.mark.parametrize(
    ("function", "args", "error"),
    [
        (np.fill_diagonal, (V, 1.0), ShapeError),
        (np.fill_diagonal, (A, 1j), TypeMismatchError),
        (np.fill_diagonal, (draw(2, 3, 2), 1.0), ShapeError),
        (np.put, (A, [0.5], 1.0), TypeMismatchError),
        (np.place, (A, MASK, []), ShapeError),
        (np.place, (A, MASK[0], [1.0]), ShapeError),
        (np.copyto, (J, A), TypeMismatchError),
        (np.copyto, (A, V), ShapeError),
        (np.ndarray.fill, (A, V), ShapeError),
    ],
)
def test_refused_changes(function: Any, args: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="expected "):
        apply(IN_PLACE[function], args, {}, Symbols())


# --- views -----------------------------------------------------------------------------------------------
SHOWN: list[tuple[Any, Any, tuple[Any, ...], dict[str, Any]]] = [
    (np.reshape, A, ((4, 3),), {}),
    (np.reshape, A, ((2, -1),), {}),
    (np.ravel, A, (), {}),
    (np.ndarray.reshape, T, (4, -1), {}),
    (np.transpose, T, (), {}),
    (np.transpose, T, ((1, 2, 0),), {}),
    (np.ndarray.transpose, T, (2, 0, 1), {}),
    (np.matrix_transpose, T, (), {}),
    (np.swapaxes, T, (0, 2), {}),
    (np.moveaxis, T, (0, 2), {}),
    (np.moveaxis, T, ([0, 1], [-1, 0]), {}),
    (np.rollaxis, T, (2,), {}),
    (np.expand_dims, A, (1,), {}),
    (np.squeeze, draw(3, 1, 2), (), {}),
    (np.squeeze, draw(3, 1, 2), (), {"axis": 1}),
    (np.flip, A, (), {}),
    (np.flip, A, (1,), {}),
    (np.fliplr, A, (), {}),
    (np.flipud, A, (), {}),
    *[(np.rot90, A, (k,), {}) for k in (-1, 0, 1, 2, 3)],
    (np.rot90, T, (1, (2, 0)), {}),
    (np.split, A, (2,), {"axis": 1}),
    (np.split, A, ([1, 3],), {"axis": -1}),
    (np.array_split, V, (3,), {}),
    (np.hsplit, A, (2,), {}),
    (np.hsplit, V, ([2],), {}),
    (np.vsplit, A, (3,), {}),
    (np.dsplit, T, ([1],), {}),
    (np.unstack, T, (), {}),
    (np.unstack, T, (), {"axis": -1}),
    (np.atleast_1d, V, (), {}),
    (np.atleast_2d, V, (), {}),
    (np.atleast_3d, A, (), {}),
    (np.real, C, (), {}),
    (np.imag, C, (), {}),
    (np.real, A, (), {}),
]


@pytest.mark.parametrize(("function", "value", "args", "options"), SHOWN)
def test_writes_through_views(function: Any, value: Any, args: Any, options: Any) -> None:
    x = symbol("x", value.shape, dtype=value.dtype.name)
    made = VIEWS[function](x, *args, **options)
    views = made if isinstance(made, list) else [made]
    count = len(function(value, *args, **options)) if isinstance(made, list) else 1
    assert len(views) == count
    for number, (get, put) in enumerate(views):
        after = value.copy()
        shown = function(after, *args, **options)
        shown = shown[number] if isinstance(made, list) else shown
        np.testing.assert_array_equal(evaluate(get(x), {"x": value}), shown)
        new = draw(*shown.shape, seed=9)
        shown[...] = new
        assert put is not None
        written: Expr = put(x, symbol("new", shown.shape))
        assert written.shape == x.shape
        np.testing.assert_array_equal(evaluate(written, {"x": value, "new": new}), after)
        again = put(x, get(x))
        np.testing.assert_array_equal(evaluate(again, {"x": value}), value)


@pytest.mark.parametrize(
    ("function", "args"), [(np.diagonal, ()), (np.broadcast_to, ((2, 3, 4),)), (np.imag, ())]
)
def test_views_that_cannot_be_written(function: Any, args: Any) -> None:
    get, put = VIEWS[function](symbol("x", (3, 4)), *args)
    assert put is None
    np.testing.assert_array_equal(evaluate(get(symbol("x", (3, 4))), {"x": A}), function(A, *args))


def test_another_order_makes_a_copy() -> None:
    assert VIEWS[np.reshape](symbol("x", (3, 4)), (4, 3), order="F") is None
    assert VIEWS[np.ravel](symbol("x", (3, 4)), "F") is None
