"""Directions, implicit equations and comparisons on odd input: right, or refused with a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg

LEAST_SQUARES = wg.parse("norm(A @ x - b)^2", A=("m", "n"), x="n", b="m")
PRODUCT = wg.parse("A @ x", A=("m", "n"), x="n")


@pytest.mark.parametrize("name", ["b", "x", "A", "2*u", "", "x y"])
def test_a_direction_has_a_name_of_its_own(name: str) -> None:
    with pytest.raises(wg.UnknownNameError, match="a new name"):
        wg.jvp_graph(LEAST_SQUARES, x=name)
    with pytest.raises(wg.UnknownNameError, match="a new name"):
        wg.vjp_graph(LEAST_SQUARES, "x", cotangent=name)


@pytest.mark.parametrize("equation", ["y - y + x", "sin(y)^2 + cos(y)^2 - x", "0*y + x", "x"])
def test_an_equation_that_does_not_hold_y_back(equation: str) -> None:
    with pytest.raises(wg.DomainError, match="equation in `y`"):
        wg.implicit_diff(equation, "y", "x")


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_implicit_orders_against_the_explicit_function(order: int) -> None:
    found = wg.implicit_diff("y^3 - x^2", "y", "x", order=order)
    explicit = wg.diff("x^(2/3)", ("x", order))
    assert found.evaluate(x=1.7, y=1.7 ** (2 / 3)) == pytest.approx(explicit.evaluate(x=1.7))


def test_comparing_at_empty_arrays() -> None:
    result = wg.compare(wg.parse("sum(x**2)", x="n"), x=np.zeros(0))
    assert [way.error for way in result.ways] == [0, 0, 0, 0]
    result = wg.compare(PRODUCT, A=np.ones((2, 0)), x=np.ones(0))
    assert [way.error for way in result.ways] == [0, 0, 0, 0]


def test_the_direction_of_forward_mode_is_no_symbol_of_the_user() -> None:
    formula = wg.parse("x @ dx_", x="n", dx_="n")
    result = wg.compare(formula, x=np.ones(2), dx_=np.array([3.0, 4.0]))
    assert result.way("forward").error == 0


def test_a_number_where_the_reference_has_none_is_an_error_and_no_agreement() -> None:
    result = wg.compare("sqrt(x)", x=0.0)
    assert result.way("symbolic").values["x"] == np.inf
    assert result.way("forward").error == 0
    if np.isfinite(result.way("numerical").values["x"]):
        assert result.way("numerical").error == np.inf


@pytest.mark.parametrize("value", ["a", object(), {"x": 1}])
def test_values_that_are_none(value: Any) -> None:
    with pytest.raises(wg.TypeMismatchError, match="a number or an array"):
        wg.compare("x**2", x=value)
