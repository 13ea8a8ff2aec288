"""Implicit differentiation against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg


def test_circle_first_three_orders() -> None:
    x, y = 0.6, 0.8  # y = sqrt(1 - x^2)
    expected = [-x / y, -1 / y**3, -3 * x / y**5]
    for order, value in enumerate(expected, start=1):
        d = wg.implicit_diff("x^2 + y^2 - 1", "y", "x", order=order)
        assert d.evaluate(x=x, y=y) == pytest.approx(value, rel=1e-12)


def test_kepler() -> None:
    d = wg.implicit_diff("E - ecc*sin(E) - M", "E", "M")
    assert d.evaluate(E=1.1, ecc=0.3) == pytest.approx(1 / (1 - 0.3 * np.cos(1.1)))


def test_linear_system() -> None:
    d = wg.implicit_diff(wg.parse("A @ y - x", A=("n", "n"), x="n", y="n"), "y", "x")
    a = np.array([[2.0, 1.0], [0.5, 3.0]])
    np.testing.assert_allclose(d.evaluate(A=a), np.linalg.inv(a))


def test_equation_without_the_unknown_is_refused() -> None:
    with pytest.raises(wg.DomainError, match="an equation in `y`"):
        wg.implicit_diff("x^2 - 1", "y", "x")


def test_counts_of_equations_and_unknowns_must_agree() -> None:
    with pytest.raises(wg.ShapeError, match="as many equations as unknowns"):
        wg.implicit_diff(wg.parse("sum(y) - x", y="n"), "y", "x")


def test_same_symbol_twice_is_refused() -> None:
    with pytest.raises(wg.TypeMismatchError, match="two symbols"):
        wg.implicit_diff("x^2 + y^2", "x", "x")
