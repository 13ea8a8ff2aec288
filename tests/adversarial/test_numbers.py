"""Numbers of odd kinds and sizes: what is computed is right, or refused aloud."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import wengert as wg

K = wg.symbol("i", dtype="int64")
J = wg.symbol("j", dtype="int64")


@pytest.mark.parametrize(
    ("base", "exponent", "value"),
    [(3, -1, 1 / 3), (10**10, -2, 1e-20), (4, -0.5, 0.5), (-2, 3, -8)],
)
def test_powers_of_integers(base: int, exponent: float, value: float) -> None:
    assert (K**exponent).evaluate(i=base) == pytest.approx(value, rel=1e-15)
    assert wg.simplify(K**exponent).evaluate(i=base) == pytest.approx(value, rel=1e-15)


def test_integer_arrays_to_negative_powers() -> None:
    v = wg.symbol("v", "n", dtype="int32")
    assert np.array_equal((v**-1).evaluate(v=np.array([1, 2])), [1.0, 0.5])


@pytest.mark.parametrize("power", [2**K, J**K])
def test_an_integer_power_that_is_no_integer_is_refused(power: wg.Expr) -> None:
    assert power.evaluate(i=3, j=2) == 8
    with pytest.raises(wg.EvaluationError, match="integers of dtype int64"):
        power.evaluate(i=-1, j=2)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("large", [2, 10**16, 2**62])
def test_the_type_of_a_sum_does_not_depend_on_what_was_made_first(first: int, large: int) -> None:
    name = f"i{first}_{large}"
    values: dict[str, Any] = {name: 3}
    i = wg.symbol(name, dtype="int64")
    numbers = [large, float(large)]
    made = [i + numbers[first], i + numbers[1 - first]]
    assert made[0] is made[1]
    assert str(made[0].type) == "int64"
    assert made[0].evaluate(**values) == large + 3
    declared: dict[str, Any] = {name: i}
    assert wg.parse(str(made[0]), **declared) is made[0]


def test_integers_without_a_dtype_of_their_own_become_floats() -> None:
    ties = wg.diff(wg.parse("max(X, axis=1, keepdims=True)", X=(2, 3)), "X")
    x = np.arange(6.0).reshape(2, 3)
    assert np.sum(ties.evaluate(X=x)) == 2


def test_a_fraction_beside_an_integer_makes_a_float() -> None:
    assert (K + 0.1).evaluate(i=3) == 3.1
    assert (K + 0.5).evaluate(i=3) == 3.5
    assert (K + 1e300).evaluate(i=3) == 1e300


HUGE = 10**400


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (lambda x: wg.const(HUGE) * x, np.inf),
        (lambda x: x - wg.const(HUGE), -np.inf),
        (lambda x: x / wg.const(HUGE), 0.0),
        (lambda x: wg.const(Fraction(HUGE, 3)) * x, np.inf),
        (lambda x: wg.const(Fraction(HUGE, HUGE + 1)) * x, 1.5),
        (lambda x: wg.const(Fraction(3, HUGE)) * x, 0.0),
        (lambda x: x * wg.const(10**25) - x * wg.const(10**25 + 1), 0.0),
        (lambda x: x + wg.exp(wg.const(10**25)), np.inf),
        (lambda x: x * wg.sqrt(wg.const(10**30)), 1.5e15),
        (lambda x: wg.maximum(wg.const(10**25), 3) * x, 1.5e25),
    ],
)
def test_numbers_beyond_the_range_of_the_machine(
    make: Callable[[wg.Expr], wg.Expr], value: float
) -> None:
    expr = make(wg.symbol("x"))
    assert expr.evaluate(x=1.5) == pytest.approx(value, rel=1e-15, abs=0)
    assert wg.load(expr.dump())[0] is expr


def test_an_integer_that_does_not_fit_is_refused() -> None:
    with pytest.raises(wg.EvaluationError, match="int64"):
        (K + 10**25).evaluate(i=3)


def test_constants_are_copies() -> None:
    array = np.array([1.0, 2.0])
    expr = wg.const(array) * wg.symbol("v", 2)
    array[0] = 99
    assert np.array_equal(expr.evaluate(v=np.ones(2)), [1.0, 2.0])
    given = np.ones(2)
    (+wg.symbol("v", 2)).evaluate(v=given)[0] = 7
    assert given[0] == 1


@pytest.mark.parametrize(
    "text", ["2*(x/3)", "(2*x)/2", "2*(x/2)", "0.1*(2*x)", "2*(0.1*x)", "x/2/2"]
)
@pytest.mark.parametrize("x", [1.7e308, 9e307, 5e-324, 1.5e-323, -1.7e308, 0.3])
def test_merging_of_factors_changes_no_bit_at_the_ends_of_the_range(text: str, x: float) -> None:
    expected = eval(text, {"x": x})
    assert wg.parse(text).evaluate(x=x) == expected
