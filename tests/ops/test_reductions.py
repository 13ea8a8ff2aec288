"""Reductions and scans: closed forms, zeros, ties, extremes, sizes that are only known later."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import ShapeError, TypeMismatchError
from wengert.ir.facts import NONNEGATIVE, POSITIVE
from wengert.ir.known import knows
from wengert.ir.node import Expr
from wengert.ops.einstein import eye, sum_axes
from wengert.ops.layout import reshape
from wengert.ops.leaves import ONE, symbol
from wengert.ops.norms import norm, normalized, std
from wengert.ops.powers import sqrt
from wengert.ops.reductions import (
    all_,
    any_,
    argmax,
    argmin,
    log_softmax,
    logsumexp,
    max_,
    mean,
    min_,
    softmax,
    sum_,
    var,
    vdot,
)
from wengert.ops.scans import cumprod, cumsum, prod, prod_except
from wengert.run.reference import evaluate

n = symbol("x", "n")
AXES: list[Any] = [None, 0, 1, -1, (0, 2), (-1, 0, 1)]


def gradient(out: Expr, x: Expr) -> Expr:
    """Of a scalar."""
    (found,) = vjp([out], [ONE], [x])
    assert found is not None
    return found


def hessian(out: Expr, x: Expr) -> Expr:
    """Of a scalar function of a vector, by a stack of cotangents."""
    (found,) = vjp([gradient(out, x)], [eye(x.shape[0])], [x])
    assert found is not None
    return found


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_axes_and_keepdims_are_numpys(axis: Any, keepdims: bool, rng: np.random.Generator) -> None:
    value = rng.normal(size=(2, 3, 4))
    symbolic, fixed = symbol("x", ("a", "b", "c")), symbol("x", (2, 3, 4))
    options: dict[str, Any] = {"axis": axis, "keepdims": keepdims}
    for ours, theirs in [
        (sum_, np.sum),
        (prod, np.prod),
        (max_, np.max),
        (min_, np.min),
        (mean, np.mean),
        (var, np.var),
        (std, np.std),
        (lambda x, **o: norm(x, **o), lambda x, **o: np.sqrt(np.sum(x**2, **o))),
        (logsumexp, lambda x, **o: np.log(np.sum(np.exp(x), **o))),
    ]:
        want = theirs(value, **options)
        assert ours(fixed, **options).shape == want.shape
        for x in (symbolic, fixed):
            np.testing.assert_allclose(evaluate(ours(x, **options), {"x": value}), want, rtol=1e-13)


@pytest.mark.parametrize("axis", [3, -4, (0, 0), (1, 7)])
def test_axes_that_are_not_there(axis: Any) -> None:
    x = symbol("x", (2, 3, 4))
    with pytest.raises(ShapeError, match=r"axes|axis"):
        max_(x, axis)


def test_one_node_however_the_axes_are_written() -> None:
    x = symbol("x", (2, 3))
    assert max_(x) is max_(x, (1, 0)) is max_(x, (-1, -2))
    assert softmax(x, -1) is softmax(x, 1)


# --- products and zeros ----------------------------------------------------------------------------------
def _exclusive(x: np.ndarray, *gone: int) -> float:
    return float(np.prod(np.delete(x, gone)))


@given(st.lists(st.sampled_from([0.0, 0.0, 2.0, -3.0, 0.5]), min_size=1, max_size=5))
def test_product_with_zeros_to_second_order(values: list[float]) -> None:
    x = np.array(values)
    places = range(len(x))
    first = evaluate(gradient(prod(n), n), {"x": x})
    np.testing.assert_array_equal(first, [_exclusive(x, i) for i in places])
    np.testing.assert_array_equal(first, evaluate(prod_except(n), {"x": x}))
    want = [[_exclusive(x, i, j) if i != j else 0.0 for j in places] for i in places]
    np.testing.assert_array_equal(evaluate(hessian(prod(n), n), {"x": x}), want)


def test_third_derivative_of_a_product_of_zeros() -> None:
    x = symbol("x", 3)
    (found,) = vjp([hessian(prod(x), x)], [_unit_tensor((3, 3))], [x])
    assert found is not None
    value = evaluate(found, {"x": np.zeros(3)}).reshape(3, 3, 3)
    for place in product(range(3), repeat=3):
        assert value[place] == (1.0 if len(set(place)) == 3 else 0.0)


def _unit_tensor(shape: tuple[int, ...]) -> Expr:
    size = int(np.prod(shape))
    return reshape(eye(size), (size, *shape))


@given(st.lists(st.sampled_from([0.0, 2.0, -3.0, 0.5]), min_size=1, max_size=5), st.booleans())
def test_running_product_with_zeros(values: list[float], reverse: bool) -> None:
    x = np.array(values)
    turned = x[::-1] if reverse else x
    size = len(x)
    want = np.zeros((size, size))
    for i in range(size):
        for j in range(i + 1):
            want[i, j] = np.prod(np.delete(turned[: i + 1], j))
    if reverse:
        want = want[::-1, ::-1]
    out = cumprod(n, 0, reverse)
    (jacobian,) = vjp([out], [eye(n.shape[0])], [n])
    assert jacobian is not None
    np.testing.assert_array_equal(evaluate(jacobian, {"x": x}), want)


def test_running_sums_turn_round_in_reverse() -> None:
    out = cumsum(n)
    (back,) = vjp([out], [symbol("ct", "n")], [n])
    assert back is not None
    ct = np.array([1.0, 2.0, 4.0])
    np.testing.assert_array_equal(evaluate(back, {"ct": ct}), [7.0, 6.0, 4.0])
    assert cumsum(symbol("A", ("m", 3))).ndim == 1


# --- extrema ---------------------------------------------------------------------------------------------
def test_ties_share_equally_and_nan_stays() -> None:
    x = np.array([1.0, 3.0, 3.0, 2.0, 3.0])
    third = 1 / 3
    np.testing.assert_allclose(
        evaluate(gradient(max_(n), n), {"x": x}), [0, third, third, 0, third]
    )
    np.testing.assert_array_equal(evaluate(gradient(min_(n), n), {"x": x}), [1, 0, 0, 0, 0])
    assert np.isnan(evaluate(max_(n), {"x": np.array([1.0, np.nan])}))


def test_infinite_branches_do_not_leak_into_a_maximum() -> None:
    """The derivative of sqrt is infinite at 0; an element that is not the largest contributes 0."""
    got = evaluate(gradient(max_(sqrt(n)), n), {"x": np.array([0.0, 4.0])})
    np.testing.assert_array_equal(got, [0.0, 0.25])


def test_positions_and_truth(rng: np.random.Generator) -> None:
    value = rng.normal(size=(3, 4))
    x = symbol("x", ("m", "n"))
    assert evaluate(argmax(x), {"x": value}) == np.argmax(value)
    np.testing.assert_array_equal(evaluate(argmin(x, 1), {"x": value}), np.argmin(value, 1))
    np.testing.assert_array_equal(evaluate(any_(x > 1, 0), {"x": value}), (value > 1).any(0))
    assert evaluate(all_(x < 9), {"x": value})
    assert evaluate(sum_(x > 0), {"x": value}) == np.sum(value > 0)
    assert jvp([argmax(x)], {x: x}) == [None]


# --- log-sum-exp and softmax -----------------------------------------------------------------------------
@given(st.lists(st.floats(-800, 800), min_size=1, max_size=4))
def test_softmax_and_logsumexp_at_extremes(values: list[float]) -> None:
    x = np.array(values)
    shifted = x - x.max()
    weights = np.exp(shifted) / np.exp(shifted).sum()
    total = evaluate(logsumexp(n), {"x": x})
    np.testing.assert_allclose(
        total, x.max() + np.log(np.exp(shifted).sum()), rtol=1e-14, atol=1e-14
    )
    np.testing.assert_allclose(evaluate(gradient(logsumexp(n), n), {"x": x}), weights, atol=1e-15)
    want = np.diag(weights) - np.outer(weights, weights)
    np.testing.assert_allclose(evaluate(hessian(logsumexp(n), n), {"x": x}), want, atol=1e-15)
    np.testing.assert_allclose(evaluate(log_softmax(n), {"x": x}), x - total, atol=1e-12)


def test_logsumexp_of_infinities() -> None:
    low, high = -np.inf, np.inf
    assert evaluate(logsumexp(n), {"x": np.array([low, low])}) == low
    assert evaluate(logsumexp(n), {"x": np.array([low, 1.0])}) == 1.0
    assert evaluate(logsumexp(n), {"x": np.array([high, 1.0])}) == high
    assert np.isnan(evaluate(logsumexp(n), {"x": np.array([np.nan, 1.0])}))


def test_gradient_of_logsumexp_is_the_softmax_node() -> None:
    assert gradient(logsumexp(n), n) is softmax(n)


# --- norms -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [1e200, 1e-200, 1.0, 5e-324])
def test_norm_neither_overflows_nor_vanishes(size: float) -> None:
    x = np.array([3 * size, 4 * size])
    assert evaluate(norm(n), {"x": x}) == 5 * size
    if size > 1e-300:
        np.testing.assert_allclose(evaluate(gradient(norm(n), n), {"x": x}), [0.6, 0.8])


def test_norm_at_its_edges() -> None:
    zero = np.zeros(2)
    assert evaluate(norm(n), {"x": zero}) == 0
    np.testing.assert_array_equal(evaluate(gradient(norm(n), n), {"x": zero}), zero)
    # The direction has a true pole there: nothing finite is claimed.
    assert not np.isfinite(evaluate(hessian(norm(n), n), {"x": zero})).any()
    assert evaluate(norm(n), {"x": np.array([np.inf, 1.0])}) == np.inf
    assert np.isnan(evaluate(norm(n), {"x": np.array([np.nan, 1.0])}))


def test_derivatives_of_the_norm(rng: np.random.Generator) -> None:
    assert gradient(norm(n), n) is normalized(n)
    x = rng.normal(size=3)
    size = np.linalg.norm(x)
    want = np.eye(3) / size - np.outer(x, x) / size**3
    np.testing.assert_allclose(evaluate(hessian(norm(n), n), {"x": x}), want, atol=1e-15)


@pytest.mark.parametrize("order", [None, 1, np.inf, -np.inf, "fro"])
def test_matrix_norms_are_numpys(order: Any, rng: np.random.Generator) -> None:
    value = rng.normal(size=(3, 4))
    A = symbol("A", ("m", "n"))
    np.testing.assert_allclose(evaluate(norm(A, order), {"A": value}), np.linalg.norm(value, order))
    for axis in [(0, 1), (1, 0)]:
        got = evaluate(norm(A, order, axis=axis), {"A": value})
        np.testing.assert_allclose(got, np.linalg.norm(value, order, axis=axis))


@pytest.mark.parametrize("order", [None, 1, 2, np.inf, -np.inf])
def test_vector_norms_are_numpys(order: Any, rng: np.random.Generator) -> None:
    value = rng.normal(size=(3, 4))
    A = symbol("A", ("m", "n"))
    got = evaluate(norm(A, order, axis=0, keepdims=True), {"A": value})
    np.testing.assert_allclose(got, np.linalg.norm(value, order, axis=0, keepdims=True))


def test_norms_that_do_not_exist() -> None:
    with pytest.raises(ShapeError, match="order 2"):
        norm(symbol("A", (2, 2)), 2)
    with pytest.raises(TypeMismatchError):
        max_(symbol("z", 2, dtype="complex128"))


# --- means -----------------------------------------------------------------------------------------------
def test_spread_of_equal_elements_has_derivative_zero() -> None:
    x = np.full(3, 0.7)
    for out in (std(n), var(n)):
        assert evaluate(out, {"x": x}) == pytest.approx(0, abs=1e-15)
        gradients = evaluate(gradient(out, n), {"x": np.zeros(3)})
        np.testing.assert_array_equal(gradients, np.zeros(3))


def test_the_mean_divides_by_a_size_known_later() -> None:
    for size in (2, 5):
        x = np.arange(size, dtype=float)
        assert evaluate(mean(n), {"x": x}) == x.mean()
        np.testing.assert_array_equal(
            evaluate(gradient(mean(n), n), {"n": size}), np.full(size, 1 / size)
        )
        assert evaluate(var(n, ddof=1), {"x": x}) == pytest.approx(x.var(ddof=1))


def test_vdot_conjugates_its_first() -> None:
    z, w = (symbol(s, "n", dtype="complex128") for s in "zw")
    values = {"z": np.array([1j, 2.0]), "w": np.array([1.0, 1j])}
    assert evaluate(vdot(z, w), values) == np.vdot(values["z"], values["w"])


def test_facts() -> None:
    assert knows(norm(n), NONNEGATIVE)
    assert knows(softmax(n), POSITIVE)
    positive = symbol("p", "n", assume="positive")
    assert knows(max_(positive), POSITIVE)
    assert knows(prod(positive), POSITIVE)
    assert knows(sum_axes(positive), POSITIVE)
    assert not knows(max_(n), NONNEGATIVE)
