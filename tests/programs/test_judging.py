"""The judge of captured programs finds what is planted, and lets through what is right."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any  # Any: programs take and return whatever ordinary code does

import numpy as np
import pytest
from programs.judging import Projection, gradients_differ, outcomes_differ, run, witness
from programs.structure import difference, leaves, map_leaves, reach

Pair = namedtuple("Pair", "left right")


@dataclass
class Box:
    width: float
    sides: list[float]


class Plain:
    def __init__(self, x: float) -> None:
        self.x = x


NESTED = {"a": (1.0, [np.ones(2), None]), "b": Pair(2, "text"), "c": Box(0.5, [1.5]), "d": Plain(3)}


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (1.0, np.float64(1.0)),
        (1.0, 1),
        (1, True),
        (np.float64(1.0), np.array(1.0)),
        (np.ones(2), np.ones(2, np.float32)),
        (np.ones(2), np.ones((2, 1))),
        (np.ones(2), [1.0, 1.0]),
        ((1.0,), [1.0]),
        ([1.0], [1.0, 2.0]),
        ({"a": 1.0}, {"b": 1.0}),
        ({"a": 1.0, "b": 2.0}, {"b": 2.0, "a": 1.0}),
        (Pair(1.0, 2.0), (1.0, 2.0)),
        (Pair(1.0, 2.0), Pair(1.0, 2.5)),
        (Box(1.0, []), Box(2.0, [])),
        (Plain(1.0), Plain(1.0 + 1e-6)),
        (float("nan"), 1.0),
        (1.0, float("nan")),
        (float("inf"), 1e308),
        (np.array([1e6, 1.0]), np.array([1e6, 1.1])),
        (None, 0.0),
        ("text", "texts"),
        (1 + 0j, 1 + 1e-6j),
    ],
)
def test_differences_are_found(expected: Any, got: Any) -> None:
    assert difference(expected, got, 1e-10)


def test_equals_are_let_through() -> None:
    assert not difference(NESTED, map_leaves(lambda _, leaf: leaf, NESTED), 0.0)
    assert not difference(float("nan"), float("nan"), 0.0)
    assert not difference(np.array([1.0, 1e-30]), np.array([1.0 + 1e-13, 0.0]), 1e-10)
    assert not difference(1, np.float64(1.0), 0.0, kinds=False)
    assert difference(1, 1.5, 1e-10, kinds=False)


def test_every_leaf_is_reached_by_its_path() -> None:
    found = dict(leaves(NESTED))
    assert len(found) == 8
    for path, leaf in found.items():
        assert reach(NESTED, path) is leaf


def appends(q: list[float], a: Any) -> float:
    q.append(2.0)
    a[0] = 5.0
    print("done", len(q))
    return sum(q)


def test_changes_of_arguments_and_what_is_printed_are_compared() -> None:
    args = ([1.0], np.zeros(2))
    expected = run(appends, args)
    assert args[0] == [1.0]
    assert not outcomes_differ(expected, run(appends, args), 0.0)

    def silent(q: list[float], a: Any) -> float:
        q.append(2.0)
        a[0] = 5.0
        return sum(q)

    def pure(q: list[float], a: Any) -> float:
        print("done", len(q) + 1)
        return sum(q) + 2.0

    def fails(q: list[float], a: Any) -> float:
        raise ValueError("no")

    assert "printed" in outcomes_differ(expected, run(silent, args), 0.0)
    assert "arguments" in outcomes_differ(expected, run(pure, args), 0.0)
    assert "raised" in outcomes_differ(expected, run(fails, args), 0.0)
    assert outcomes_differ(run(fails, args), expected, 0.0)


def cubic(x: float, a: Any) -> tuple[float, Any]:
    return x**3 * a[0], a * x


def slopes(weights: tuple[float, Any], wrong: float) -> Any:
    """The derivative of the projection of ``cubic``, with a mistake of a relative size."""

    def gradient(x: float, a: Any) -> tuple[float, Any]:
        w, v = weights
        by_a = v * x
        by_a[0] += w * x**3
        return (3 * w * x**2 * a[0] + v @ a) * (1 + wrong), by_a

    return gradient


def test_wrong_derivatives_are_found() -> None:
    args = (1.3, np.array([0.5, -2.0]))
    projection = Projection(cubic, args, (0, 1), np.random.default_rng(1))
    value = projection.function(*args)
    # The value is w x^3 a0 + v0 a0 x + v1 a1 x; the weights follow from its values at three points.
    both = projection.function(1.0, np.array([1.0, 0.0]))  # w + v0
    v1 = projection.function(1.0, np.array([0.0, 1.0]))
    rest = (value - v1 * -2.0 * 1.3) / 0.5  # w 1.3^3 + v0 1.3
    w = (rest - 1.3 * both) / (1.3**3 - 1.3)
    v = np.array([both - w, v1])
    right, wrong = slopes((w, v), 0.0), slopes((w, v), 1e-4)
    assert not gradients_differ(projection, right, right, args)
    assert "differences" in gradients_differ(projection, wrong, wrong, args)
    assert "forward" in gradients_differ(projection, right, wrong, args)


def test_the_witness_knows_when_it_does_not_know() -> None:
    value, error = witness(lambda t: (1 + t) ** 3)
    assert abs(value - 3) <= max(error, 1e-9)
    assert error < 1e-8
    _, error = witness(lambda t: abs(t) + t)
    assert error > 0.1
