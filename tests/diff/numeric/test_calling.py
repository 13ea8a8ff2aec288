"""How f is called: bounds, counting, vectorised calls, shapes, and what misuse is told."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wengert.diff import numeric
from wengert.errors import (
    DomainError,
    NumericError,
    ShapeError,
    TypeMismatchError,
    UnknownNameError,
)

METHODS = ["adaptive", "central", "forward", "backward"]


@settings(max_examples=40, deadline=None)
@example(
    low=2.0, width=0.0625, part=1e-6, method="backward", order=2
)  # a few units in the last place
@given(
    low=st.floats(-10, 10),
    width=st.floats(1e-6, 10),
    part=st.floats(0, 1),
    method=st.sampled_from(METHODS),
    order=st.integers(1, 4),
)
def test_never_outside_the_bounds(
    low: float, width: float, part: float, method: str, order: int
) -> None:
    high = low + width
    x = min(max(low + part * width, low), high)
    seen: list[float] = []

    def f(t: float) -> float:
        seen.append(t)
        return math.sin(t)

    try:
        found = numeric.derivative(f, x, order=order, method=method, bounds=(low, high))
    except DomainError:
        assert method != "adaptive", "adaptive finds a side by itself"
        return
    assert all(low <= t <= high for t in seen)
    assert found.calls == found.points == len(seen)


def test_bounds_hold_for_every_function_and_coordinate() -> None:
    lower, upper = np.array([0.0, 1.0, -1.0]), np.array([2.0, 1.5, 0.0])
    x = np.array([0.0, 1.4999, -0.5])

    def f(p: np.ndarray) -> float:
        assert (lower <= p).all()
        assert (p <= upper).all()
        return float(np.exp(p).sum() + p[0] * p[1] * p[2])

    numeric.gradient(f, x, bounds=(lower, upper))
    numeric.directional(f, x, [1.0, -1.0, 0.5], bounds=(lower, upper))
    H = numeric.hessian(f, x, bounds=(lower, upper))
    truth = np.array(
        [[1.0, -0.5, 1.4999], [-0.5, math.exp(1.4999), 0.0], [1.4999, 0.0, math.exp(-0.5)]]
    )
    assert (np.abs(H.value - truth) <= np.asarray(H.error) + 1e-14).all()


def test_one_sided_at_an_edge() -> None:
    found = numeric.derivative(math.exp, 0.0, bounds=(0, 1))
    assert abs(float(found) - 1) <= float(found.error) < 1e-8
    assert any("right" in note for note in found.notes)
    domain = numeric.derivative(lambda x: math.exp(x) if x <= 0 else math.nan, 0.0)
    assert abs(float(domain) - 1) <= float(domain.error) < 1e-8


@pytest.mark.parametrize("most", [10, 13, 20, 30])
def test_no_more_calls_than_allowed(most: int) -> None:
    for f in (math.exp, lambda x: math.sin(1e3 * x), abs):
        assert numeric.derivative(f, 1.0, max_calls=most).calls <= most


def test_vectorised_calls_are_few_and_give_the_same() -> None:
    x = np.array([1.0, 1e-5, 1e5])

    def f(p: np.ndarray) -> Any:
        return np.sum(np.sin(p) * [1, 1e6, 1e-6], axis=-1)

    one, many = numeric.gradient(f, x), numeric.gradient(f, x, vectorized=True)
    np.testing.assert_array_equal(one.value, many.value)
    np.testing.assert_array_equal(one.error, many.error)
    assert many.points == one.points == one.calls
    assert many.calls <= 12
    two = numeric.hessian(f, x, vectorized=True)
    assert two.calls <= 25
    np.testing.assert_array_equal(two.value, numeric.hessian(f, x).value)


def test_vectorised_function_that_raises_outside_its_domain() -> None:
    def f(t: np.ndarray) -> np.ndarray:
        if (t < 0).any():
            raise ValueError("negative")
        return np.sqrt(t)

    found = numeric.derivative(f, 1e-3, vectorized=True)
    assert abs(float(found) - 0.5 / math.sqrt(1e-3)) <= float(found.error) < 1e-6


@pytest.mark.parametrize("in_shape", [(), (3,), (2, 2), (0,)])
@pytest.mark.parametrize("out_shape", [(), (2,), (2, 3)])
@pytest.mark.parametrize("method", ["adaptive", "central", "complex"])
def test_jacobian_shape_is_out_then_in(
    in_shape: tuple[int, ...], out_shape: tuple[int, ...], method: str
) -> None:
    rng = np.random.default_rng(1)
    A = rng.normal(size=(*out_shape, *in_shape))
    x = rng.normal(size=in_shape)
    axes = list(range(-len(in_shape), 0))

    def f(p: Any) -> Any:
        return np.sum(A * p, axis=tuple(axes)) if axes else A * p

    found = numeric.jacobian(f, x, method=method)
    assert np.shape(found.value) == np.shape(found.error) == out_shape + in_shape
    np.testing.assert_allclose(found.value, A, atol=1e-8)
    assert found.reliable


def test_derivative_at_many_points() -> None:
    x = np.array([[0.0, 1.0], [2.0, 1e6]])
    found = numeric.derivative(lambda t: np.array([np.sin(t), t**2]), x)
    assert np.shape(found.value) == (2, 2, 2)
    np.testing.assert_allclose(np.asarray(found)[..., 0], np.cos(x), rtol=1e-9)


def test_each_coordinate_has_its_own_scale() -> None:
    x = np.array([1e-9, 1.0, 1e9])
    found = numeric.gradient(lambda p: np.log(p).sum(), x)
    np.testing.assert_allclose(found.value, 1 / x, rtol=1e-8)
    assert np.shape(found.step) == (3,)
    assert np.max(found.step) / np.min(found.step) > 1e12


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_hessians_are_symmetric_and_within_their_error(seed: int) -> None:
    rng = np.random.default_rng(seed)
    A, b, x = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=3)

    def f(p: np.ndarray) -> float:
        return float(p @ A @ p + np.sin(b @ p))

    found = numeric.hessian(f, x)
    truth = A + A.T - np.sin(b @ x) * np.outer(b, b)
    np.testing.assert_array_equal(found.value, np.transpose(found.value))
    error = np.asarray(found.error)
    assert (np.abs(found.value - truth) <= error + 1e-14 * np.abs(truth).max()).mean() >= 8 / 9
    np.testing.assert_allclose(found.value, truth, atol=1e-4 * np.abs(truth).max())


def test_directional_is_the_gradient_times_the_direction() -> None:
    x, v = np.array([0.3, -1.2]), np.array([2.0, 0.5])

    def f(p: np.ndarray) -> float:
        return float(np.exp(p[0] * p[1]))

    g = numeric.gradient(f, x)
    d = numeric.directional(f, x, v)
    assert abs(float(d) - float(np.asarray(g) @ v)) < 1e-9
    assert np.isclose(float(numeric.directional(f, x, 3 * v)), 3 * float(d))


def test_arguments_cannot_be_changed_by_f() -> None:
    x = np.array([1.0, 2.0])

    def f(p: np.ndarray) -> float:
        total = float(p @ p)
        p[:] = 0
        return total

    np.testing.assert_allclose(numeric.gradient(f, x).value, [2, 4])
    np.testing.assert_array_equal(x, [1.0, 2.0])


def test_integers_are_numbers() -> None:
    assert np.allclose(numeric.gradient(lambda p: (p**3).sum(), np.array([1, 2])).value, [3, 12])
    assert np.isclose(float(numeric.derivative(lambda x: x * x, 3)), 6)


def test_result_converts_to_float_and_array() -> None:
    found = numeric.derivative(math.sin, 0)
    assert float(found) == found.value
    assert np.asarray(found).shape == ()
    with pytest.raises(AttributeError):
        found.value = 1.0  # type: ignore[misc]


def _shapes_change(p: np.ndarray) -> np.ndarray:
    return p if p[0] > 1 else p[:1]


MISUSE: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: numeric.derivative(3, 1.0), TypeMismatchError, "callable"),  # type: ignore[arg-type]
    (lambda: numeric.derivative(lambda x: None, 1.0), TypeMismatchError, "NoneType.*return"),
    (lambda: numeric.derivative(lambda x: "a", 1.0), TypeMismatchError, "str"),
    (lambda: numeric.derivative(lambda x: (x - 2) ** 0.5, 1.0), TypeMismatchError, "real f"),
    (lambda: numeric.derivative(math.sin, 1j), TypeMismatchError, "real x"),
    (lambda: numeric.derivative(math.sin, "a"), TypeMismatchError, "numbers for x"),
    (lambda: numeric.derivative(math.sin, math.nan), DomainError, "finite x"),
    (lambda: numeric.derivative(math.log, 0.0), DomainError, "ValueError: (math domain|expected a positive)"),
    (lambda: numeric.derivative(np.log, 0.0), DomainError, "finite f"),
    (lambda: numeric.derivative(math.log, 2.0, bounds=(3, 4)), DomainError, "low <= x <= high"),
    (lambda: numeric.derivative(math.sin, 1.0, bounds=3), ShapeError, "bounds=\\(low, high\\)"),  # type: ignore[arg-type]
    (lambda: numeric.derivative(math.sin, 1.0, method="centrl"), UnknownNameError, "`central`"),
    (lambda: numeric.derivative(math.sin, 1.0, order=5), DomainError, "order from 1 to 4"),
    (lambda: numeric.derivative(math.sin, 1.0, order=1.5), DomainError, "integer"),  # type: ignore[arg-type]
    (lambda: numeric.derivative(math.sin, 1.0, step=-1.0), DomainError, "positive finite step"),
    (lambda: numeric.derivative(math.sin, 1.0, max_calls=3), DomainError, "at least 10"),
    (lambda: numeric.derivative(math.sin, 1.0, method="central", accuracy=3), DomainError, "even"),
    (lambda: numeric.derivative(math.sin, 1.0, method="central", accuracy=12, max_calls=9),
     NumericError, "max_calls"),
    (lambda: numeric.derivative(math.exp, 0.0, method="central", bounds=(0, 1)), DomainError, "room"),
    (lambda: numeric.gradient(lambda p: p, [1.0, 2.0]), ShapeError, "scalar.*jacobian"),
    (lambda: numeric.jacobian(_shapes_change, [1.0, 2.0]), ShapeError, "everywhere"),
    (lambda: numeric.gradient(lambda p: np.sum(p), [1.0, 2.0], vectorized=True), ShapeError, "each point"),
    (lambda: numeric.directional(lambda p: p @ p, [1.0, 2.0], [0.0, 0.0]), ShapeError, "direction"),
    (lambda: numeric.derivative(math.sin, 1.0, method="complex"), TypeMismatchError, "np.sin"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "words"), MISUSE)
def test_misuse_is_told_clearly(call: Callable[[], Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        call()
    assert "try: " in str(caught.value)


def test_a_mistake_inside_f_is_not_hidden() -> None:
    with pytest.raises(AttributeError, match="foo"):
        numeric.derivative(lambda x: x.foo, 1.0)
