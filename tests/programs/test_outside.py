"""Values from outside a captured function: which are the same, and what happens when one changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any  # Any: programs take and return whatever ordinary code does

import numpy as np
import pytest

import wengert as wg


def scaled(factor: float) -> Callable[[float], float]:
    def apply(x: float) -> float:
        return x * factor

    return apply


double, sevenfold = scaled(2.0), scaled(7.0)


class Scaled:
    factor = 3.0

    def apply(self, x: float) -> float:
        return self.factor * x


class More(Scaled):
    factor = 9.0


three, nine = Scaled(), More()
first = second = np.ones(3)
pair = other_pair = (1.0, 2.0)
numbers = other_numbers = [1.0, 2.0]
rows = [first, first]


def closures(x: float) -> float:
    return double(x) + 100 * sevenfold(x)


def attributes(x: float) -> float:
    return three.apply(x) + 100 * nine.apply(x)


@pytest.mark.parametrize("program", [closures, attributes])
def test_floats_of_the_same_name_are_kept_apart(program: Callable[[float], float]) -> None:
    assert wg.jit(program)(1.5) == program(1.5)
    assert wg.grad(program)(1.5) == pytest.approx(program(1.0))


def arrays(x: float) -> Any:
    return x * first.sum() + x * second.sum()


def tuples(x: float) -> float:
    return x * pair[0] + x * other_pair[0]


def lists(x: float) -> float:
    return x * numbers[0] + x * other_numbers[0]


def elements(x: float) -> Any:
    return x * rows[0].sum() + x * rows[1].sum()


CHANGES: list[tuple[Callable[[float], Any], str, Any]] = [
    (arrays, "first", np.full(3, 5.0)),
    (arrays, "second", np.full(3, 5.0)),
    (tuples, "other_pair", (7.0, 2.0)),
    (lists, "numbers", [7.0, 2.0]),
    (lists, "other_numbers", [7.0, 2.0]),
    (elements, "rows", [first, np.full(3, 5.0)]),
]


@pytest.mark.parametrize(("program", "name", "value"), CHANGES)
def test_names_of_one_thing_may_part(
    program: Callable[[float], Any], name: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = wg.jit(program)
    assert compiled(1.5) == program(1.5)
    monkeypatch.setitem(globals(), name, value)
    assert compiled(1.5) == program(1.5)


codes = np.array([1, 2], np.uint8)


def test_global_arrays_of_any_integers_are_not_written() -> None:
    def program(x: float) -> Any:
        codes[0] = 7
        return x * codes

    with pytest.raises(wg.CaptureError, match="writes into an array of dtype uint8"):
        wg.jit(program)(1.5)


size = 3


def test_what_is_read_often_is_guarded_once() -> None:
    from wengert.frontend.capture import capture

    def program(x: float) -> float:
        total = x
        for k in (1, 2, 3, 4, 5):
            total = total + size * k
        return total

    guards = capture(program, (1.5,), {}).guards
    assert [guard.name for guard in guards] == ["size"]
