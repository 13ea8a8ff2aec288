"""Places that are certainly inside of an array, and those that are not."""

from __future__ import annotations

from wengert.ir.types import Type
from wengert.lower.nest import variable
from wengert.lower.ranges import Ranges
from wengert.ops.choice import maximum
from wengert.ops.leaves import const, size, symbol

N = size(symbol("v", "n").shape[0])


def test_places_of_a_triangle() -> None:
    ranges = Ranges()
    i, j = (variable(Type("int64", weak=True)) for _ in range(2))
    ranges.below(i, N)
    ranges.below(j, N - i - 1)
    assert ranges.inside(i, N)
    assert ranges.inside(i + j + 1, N)
    assert ranges.inside(N - 1 - i, N)
    assert not ranges.inside(i + j + 2, N)
    assert not ranges.inside(i + 1, N)
    assert not ranges.inside(i - 1, N)
    assert ranges.inside(i, N + 1)
    assert not ranges.inside(i, size(symbol("w", "m").shape[0]))


def test_what_is_unknown_is_not_certain() -> None:
    ranges = Ranges()
    k, other = (variable(Type("int64", weak=True)) for _ in range(2))
    ranges.below(k, None)
    assert not ranges.inside(k, N)
    assert not ranges.inside(other, N)
    ranges.below(other, const(5))
    assert ranges.inside(other, const(5))
    assert ranges.inside(2 * other + 1, const(10))
    assert not ranges.inside(2 * other + 2, const(10))


def test_the_most_that_a_number_can_be() -> None:
    ranges = Ranges()
    i = variable(Type("int64", weak=True))
    ranges.below(i, N)
    assert ranges.most(N - i - 1) is N
    assert ranges.most(maximum(N - i - 1, 0)) is N
    assert ranges.most(2 * i + 3) is 2 * N + 1
    assert ranges.most(i - N) is const(0)  # never negative
    assert ranges.most(i - 2 * N) is None
    assert ranges.most(i * i) is None
