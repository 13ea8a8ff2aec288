"""Numbers of odd kinds and sizes: what is computed is right, or refused aloud."""

from __future__ import annotations

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
    with pytest.raises(wg.EvaluationError, match="not negative"):
        power.evaluate(i=-1, j=2)
