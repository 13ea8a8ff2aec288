"""What Python does not evaluate has no effects: elements left out, messages not needed, tests not reached."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any  # Any: programs take and return whatever ordinary code does

import numpy as np
import pytest
from programs.judging import captured_differently

import wengert as wg
from wengert.errors import CaptureError

Program = Callable[..., Any]
X = np.array([4.0, 0.0, 2.0])
Y = np.array([0.0, 3.0, 1.5])


def draws(x):
    rng = np.random.default_rng(1)
    return sum([v * rng.normal() for v in x if v > 1])


def pops(x):
    todo = [1.0, 2.0, 3.0]
    return [todo.pop() * v for v in x if v > 1], todo


def counts(x):
    n = 0

    def square(t):
        nonlocal n
        n += 1
        return t * t

    return sum([square(v) for v in x if v > 1]), n


def stores(x):
    seen = np.zeros(3)

    def noted(i):
        seen[i] += 1
        return x[i]

    return [noted(i) for i in range(3) if x[i] > 1], seen


def guarded(x):
    return sum(math.log(float(v)) for v in x if v > 0)


def guarded_twice(x):
    return [1 / float(v) for v in x if v > 0 if 1 / float(v) < 0.6]


def bound_in_a_condition(x):
    return [y for v in x if (y := v * 2) > 3], y


def message_of_an_assertion(x):
    made = []
    assert x[0] > -5, made.append(1) or "small"
    return made


def one_of_a_short_list(x):
    found = [1.0, 2.5]
    if x[0] > 1:
        found.append(x[0])
    found.sort(reverse=True)
    return found


def pairs_in_order(x):
    found = [(v, i) for i, v in enumerate(x) if v > 1]
    found.sort()
    return [i for v, i in found]


def numpy_truth_is_another_object(x):
    return (x[0] > 2) is True, (float(x[0]) > 2) is True


def kinds_of_numbers(x):
    return float(x[0]).is_integer(), float(x[0]).__class__.__name__, x[x > 1.0].size


def attribute_of_a_function(x):
    def last(t):
        last.value = t
        return t

    return last(x[0]) if x[0] > 1 else x[1]


@pytest.mark.parametrize(
    "function",
    [draws, pops, counts, stores, guarded, guarded_twice, bound_in_a_condition, message_of_an_assertion,
     one_of_a_short_list, pairs_in_order, numpy_truth_is_another_object, kinds_of_numbers,
     attribute_of_a_function],
)  # fmt: skip
def test_what_is_left_out_has_no_effects(function: Program) -> None:
    assert not captured_differently(function, [(X,), (Y,)])


@pytest.mark.parametrize("function", [draws, guarded])
def test_gradient_of_what_is_left_out_is_zero(function: Program) -> None:
    gradient = wg.grad(function)(X)
    assert gradient[1] == 0.0
    assert gradient[0] != 0.0 != gradient[2]
    wg.check_grad(function, X)


def looks_at_few(x):
    rng = np.random.default_rng(1)
    return any(rng.random() < v / 4 for v in x), rng.random()


def sorted_by_recursion(a):
    if len(a) <= 1:
        return a[:]
    low, high = [v for v in a[1:] if v < a[0]], [v for v in a[1:] if v >= a[0]]
    return [*sorted_by_recursion(low), a[0], *sorted_by_recursion(high)]


@pytest.mark.parametrize(
    ("function", "given", "words"),
    [(looks_at_few, X, "use a for statement with a break"),
     (sorted_by_recursion, [3.0, 1.0, 2.5], "with a list whose length depends on run-time values")],
)  # fmt: skip
def test_what_cannot_be_left_out_is_refused(function: Program, given: Any, words: str) -> None:
    with pytest.raises(CaptureError, match=words):
        wg.jit(function)(given)


def polynomial(x, c):
    total = 0.0
    for k in range(len(c)):
        total += c[k] * x**k
    return total


def test_powers_with_a_counter_have_derivatives_at_zero() -> None:
    c = np.arange(1.0, 13.0)
    assert wg.grad(polynomial)(0.0, c) == wg.jacfwd(polynomial)(0.0, c) == 2.0
    assert wg.grad(wg.grad(polynomial))(0.0, c) == 6.0
    assert wg.grad(lambda x: np.sum(x ** np.arange(4)))(0.0) == 1.0


def pair_forces(x):
    force = np.zeros_like(x)
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            pull = x[j] - x[i]
            force[i] += pull / (pull * pull + 0.01)
            force[j] -= pull / (pull * pull + 0.01)
    return force @ force


def test_the_reverse_of_adding_to_elements_reads_them() -> None:
    x = np.random.default_rng(0).normal(size=12)
    gradient = wg.grad(pair_forces)
    assert gradient(x).shape == x.shape
    wg.check_grad(pair_forces, x)
    costs = [t.cost(x).operations.evaluate({"n": 12}) for t in (gradient, wg.jit(pair_forces))]
    assert costs[0] < 3 * costs[1]
    source = gradient.source()
    assert source.count("for ") == 4  # two forwards, two backwards
    assert "np.add.at" not in source
