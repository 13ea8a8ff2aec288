"""Emitted programs against the reference: single cases that once differed."""

from __future__ import annotations

import numpy as np
from emit.comparing import assert_emitted

from wengert.ops.control import branch, for_loop
from wengert.ops.joining import stack
from wengert.ops.leaves import symbol
from wengert.ops.subscripts import update

x = symbol("x")


def test_loops_that_change_an_array_of_whole_numbers_into_one_of_floats() -> None:
    start = stack([1, 1, 2])
    once = for_loop(5, start, lambda k, y: update(y, 0, y[0] * x / 2))
    again = for_loop(5, start, lambda k, y: update(stack([2, 3, y[1]]), k % 3, x))
    assert_emitted([once, again], {"x": 0.7})
    assert_emitted([branch(x > 0, lambda: start, lambda: start * x)], {"x": np.float64(0.7)})
