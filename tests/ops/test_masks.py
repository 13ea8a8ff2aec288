"""Elements chosen by truth values, against NumPy: reading, writing, derivatives, loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import EvaluationError, ShapeError, TypeMismatchError
from wengert.ops.leaves import symbol
from wengert.ops.masks import mask_load, mask_store, nonzero, true_places
from wengert.ops.reductions import sum_
from wengert.ops.trig import sin

masks = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=1, max_dims=3, max_side=4))
x, m = symbol("x", ("n", 3)), symbol("m", "n", dtype="bool")


@given(masks)
def test_places(mask: Any) -> None:
    node = symbol("mask", mask.shape, dtype="bool")
    np.testing.assert_array_equal(true_places(node).evaluate(mask=mask), np.flatnonzero(mask))
    for mine, theirs in zip(nonzero(node), np.nonzero(mask), strict=True):
        np.testing.assert_array_equal(mine.evaluate(mask=mask), theirs)
        assert mine.value_type.dtype == "int64"


@given(masks, st.sampled_from([(), (2,)]))
def test_reading_and_writing(mask: Any, rest: tuple[int, ...]) -> None:
    a = np.arange(float(mask.size * int(np.prod(rest)))).reshape(*mask.shape, *rest)
    array, truths = symbol("a", a.shape), symbol("mask", mask.shape, dtype="bool")
    np.testing.assert_array_equal(mask_load(array, truths).evaluate(a=a, mask=mask), a[mask])
    for value in (7.0, np.full(rest, 3.5), -a[mask], np.full((1, *rest), 2.0)):
        expected = a.copy()
        expected[mask] = value
        node = symbol("v", np.shape(value))
        got = mask_store(array, truths, node).evaluate(a=a, mask=mask, v=value)
        np.testing.assert_array_equal(got, expected)


def test_one_graph_for_every_mask() -> None:
    """The derivative of what a mask chooses is that of the same elements."""
    y = sum_(sin(mask_load(x, m)) * 2) + sum_(mask_store(x, m, mask_load(x, m) ** 2))
    (grad,) = vjp([y], [symbol("c")], [x])
    (change,) = jvp([y], {x: symbol("t", ("n", 3))})
    assert grad is not None
    assert change is not None
    rng = np.random.default_rng(0)
    for rows in (1, 4):
        at, way = rng.uniform(-1, 1, (2, rows, 3))
        for mask in (np.ones(rows, bool), np.zeros(rows, bool), np.arange(rows) % 2 == 1):
            expected = np.where(mask[:, None], 2 * np.cos(at) + 2 * at, 1.0)
            np.testing.assert_allclose(grad.evaluate(x=at, m=mask, c=1.0), expected, 1e-12)
            np.testing.assert_allclose(change.evaluate(x=at, m=mask, t=way), np.sum(expected * way))


def test_integers_stay_integers() -> None:
    k = symbol("k", (3,), dtype="int64")
    stored = mask_store(k, k > 1, 5)
    assert stored.value_type.dtype == "int64"
    np.testing.assert_array_equal(stored.evaluate(k=[1, 2, 3]), [1, 5, 5])
    with pytest.raises(TypeMismatchError, match="int64"):
        mask_store(k, k > 1, np.array([1.5]))


def test_what_does_not_fit() -> None:
    with pytest.raises(ShapeError, match="mask"):
        mask_load(x, symbol("w", (4,), dtype="bool"))
    with pytest.raises(TypeMismatchError, match="truth"):
        mask_load(x, symbol("w", ("n",)))
    stored = mask_store(x, m, symbol("v", (2, 3)))
    with pytest.raises(EvaluationError):
        stored.evaluate(x=np.zeros((3, 3)), m=[True, False, False], v=np.zeros((2, 3)))
