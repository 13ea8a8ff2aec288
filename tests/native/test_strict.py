"""``fast=False``: sums are added one after another and every operation rounds, whatever the transform."""

from __future__ import annotations

import functools
import itertools
import operator

import numpy as np
import pytest

import wengert as wg
from wengert.errors import TypeMismatchError

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=1003) * 10.0 ** RNG.integers(-8, 8, 1003), RNG.normal(size=1003)


def quotient(x, y):
    return np.sum(x * y / (1 + y * y))


def test_sums_are_added_in_order() -> None:
    strict = wg.jit(quotient, backend="native", fast=False)
    terms = X * Y / (1 + Y * Y)
    in_order = functools.reduce(operator.add, terms, np.float64(0.0))
    for _ in range(3):  # the three ways to call it
        assert strict(X, Y) == in_order
    assert wg.jit(quotient, backend="native")(X, Y) != in_order  # these numbers do tell


def test_no_product_and_sum_in_one() -> None:
    strict = wg.jit(lambda x, y: x * x - y * y, backend="native", fast=False)
    np.testing.assert_array_equal(strict(X, X), np.zeros_like(X))
    again = wg.vmap(lambda x, y: x * x + y, backend="native", fast=False)
    np.testing.assert_array_equal(again(X, Y), X * X + Y)


def test_products_of_large_matrices_are_sums_in_order() -> None:
    a, b = X[:1000].reshape(20, 50), Y[:1000].reshape(50, 20)
    in_order = np.zeros((20, 20))
    for k in range(50):
        in_order += a[:, k, None] * b[k]
    strict = wg.jit(lambda a, b: a @ b, backend="native", fast=False)
    np.testing.assert_array_equal(strict(a, b), in_order)


def test_carried_sums() -> None:
    def decay(x):
        total = 0.0
        for k in range(len(x)):
            total = total * 0.9 + x[k] * x[k]
        return total

    strict = wg.jit(decay, backend="native", fast=False)
    assert strict(X) == decay(X)


@pytest.mark.parametrize("transform", [wg.grad, wg.jacrev, wg.jacobian])
def test_derivatives(transform) -> None:
    options = {"argnums": (0, 1)}
    strict = transform(quotient, backend="native", fast=False, **options)(X, Y)
    plain = transform(quotient, backend="python", **options)(X, Y)
    for mine, other in itertools.zip_longest(strict, plain):
        np.testing.assert_array_equal(mine, other)  # no sums in these


def test_only_a_truth_value() -> None:
    with pytest.raises(TypeMismatchError, match="fast: expected True or False, got 'no'"):
        wg.jit(quotient, fast="no")
    with pytest.raises(TypeMismatchError, match="fast"):
        wg.hvp(quotient, fast=1)
