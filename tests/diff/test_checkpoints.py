"""Reverse mode of loops with few copies of the carried values."""

from __future__ import annotations

from collections.abc import Callable
from math import comb
from typing import Any, Literal

import numpy as np
import pytest
from control_checks import check_derivatives
from metering import counts

from wengert.diff.reverse import vjp
from wengert.errors import TypeMismatchError
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ir.verify import verify
from wengert.ops.algebra import dot
from wengert.ops.control import for_loop, loop, while_loop
from wengert.ops.einstein import eye, sum_axes
from wengert.ops.leaves import ONE, size, symbol
from wengert.ops.trig import sin, tanh

x, y = symbol("x"), symbol("y")
v, w = symbol("v", "n"), symbol("w", "n")
A = symbol("A", ("n", "n"))
N = symbol("N", dtype="int64")
n = size(v.shape[0])
Snapshots = int | Literal["auto"] | None
RNG = np.random.default_rng(3)
AT: dict[str, Any] = {
    "x": 0.8,
    "y": 0.5,
    "v": np.array([1.0, 0.5, 0.2, 0.7]),
    "w": np.array([0.3, -0.4, 0.9, 0.1]),
    "A": RNG.normal(size=(4, 4)) / 3,
    "N": 5,
    "n": 4,
}


def steps(c: Snapshots) -> Expr:
    found: Expr = for_loop(N, v, lambda k, u: u + tanh(A @ u * y - u) / (10 + k), checkpoint=c)
    return dot(found, w)


def scan(c: Snapshots) -> Expr:
    """Elements are read, rows are given."""
    last, rows = loop(
        [x],
        lambda k, s, e: ((s * (e + y) + k / 9,), (s**2,)),
        trip=n,
        over=(v,),
        stacked=True,
        checkpoint=c,
    )
    return last + dot(rows, sin(w))


def until(c: Snapshots) -> Expr:
    found: Expr = while_loop(
        lambda s, t: s < 5, lambda s, t: (s * (1 + y), t * sin(s + v[1])), [x, x], checkpoint=c
    )[1]
    return found


def several(c: Snapshots) -> Expr:
    first, second = for_loop(
        7, (x, y), lambda k, s, t: (s * t + v[0] / (k + 1), sin(s) + t / 2), checkpoint=c
    )
    return first * second


PROGRAMS = [steps, scan, until, several]


def gradient(output: Expr, wrt: list[Expr]) -> list[Expr]:
    found = [g for g in vjp([output], [ONE], wrt) if g is not None]
    verify(found)
    return found


def inputs(output: Expr) -> list[Expr]:
    return [s for s in output.free_symbols if s is not N]


@pytest.mark.parametrize("snapshots", [1, 2, 3, "auto"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_the_gradient_is_the_same(
    program: Callable[[Snapshots], Expr], snapshots: Snapshots
) -> None:
    plain, few = program(None), program(snapshots)
    assert few.evaluate(AT) == plain.evaluate(AT)
    for expected, found in zip(
        gradient(plain, inputs(plain)), gradient(few, inputs(few)), strict=True
    ):
        np.testing.assert_allclose(
            found.evaluate(AT), expected.evaluate(AT), rtol=1e-13, atol=1e-15
        )


@pytest.mark.parametrize("trip", [-2, 0, 1, 2, 9, 30])
def test_any_number_of_iterations(trip: int) -> None:
    values = {**AT, "N": trip}
    wrt = [v, A, y]
    for expected, found in zip(gradient(steps(None), wrt), gradient(steps(2), wrt), strict=True):
        np.testing.assert_allclose(found.evaluate(values), expected.evaluate(values), rtol=1e-12)


@pytest.mark.parametrize("program", [scan, until], ids=lambda p: p.__name__)
def test_derivatives_of_two_orders(program: Callable[[Snapshots], Expr], rng: Any) -> None:
    output = program(2)
    check_derivatives(output, AT, inputs(output), rng)


@pytest.mark.parametrize("snapshots", [1, 2, 4, 8, "auto"])
def test_iterations_run_no_more_often_than_the_schedule_says(snapshots: Snapshots) -> None:
    """With s copies, C(s + r, s) iterations are reversed while none runs more than r times over."""
    trip = 60
    values = {**AT, "N": trip}
    plain = counts([steps(None)], values)
    found = gradient(steps(snapshots), [v])
    taken = counts(found, values)
    copies = 60 if snapshots == "auto" else snapshots
    assert isinstance(copies, int)
    repeats = next(r for r in range(trip) if comb(copies + r, copies) >= trip)
    if snapshots == "auto":
        repeats = 3
    per_step = plain.operations / trip
    assert taken.stacked == 0
    # The way back takes some three times the iteration, and the schedule some integers.
    assert taken.operations <= (repeats + 4) * trip * per_step + 200 * trip


def test_jacobians_and_single_precision() -> None:
    u = for_loop(N, v, lambda k, u: u + tanh(A @ u) / (10 + k), checkpoint=2)
    plain = for_loop(N, v, lambda k, u: u + tanh(A @ u) / (10 + k))
    (found,), (expected,) = (vjp([node], [eye(v.shape[0])], [v]) for node in (u, plain))
    assert found is not None
    assert expected is not None
    np.testing.assert_allclose(found.evaluate(AT), expected.evaluate(AT), rtol=1e-13)
    z = symbol("z", dtype="float32")
    node = for_loop(N, z, lambda k, s: s * z + 0.25 * k, checkpoint=2)
    (small,) = vjp([node], [ONE], [z])
    assert small is not None
    assert small.type is Type("float32")
    (same,) = vjp([for_loop(N, z, lambda k, s: s * z + 0.25 * k)], [ONE], [z])
    assert same is not None
    assert small.evaluate(z=0.7, N=5) == same.evaluate(z=0.7, N=5)


def test_a_loop_inside_may_be_checkpointed() -> None:
    def outer(c: Snapshots) -> Expr:
        def body(i: Expr, u: Expr) -> Expr:
            found: Expr = for_loop(
                i + 3, u, lambda k, u: u + tanh(A @ u - y * k) / 10, checkpoint=c
            )
            return found

        found: Expr = for_loop(3, v, body)
        return sum_axes(found * found)

    for expected, found in zip(
        gradient(outer(None), [v, A, y]), gradient(outer(2), [v, A, y]), strict=True
    ):
        np.testing.assert_allclose(found.evaluate(AT), expected.evaluate(AT), rtol=1e-12)


def test_what_is_no_number_of_copies_is_refused() -> None:
    with pytest.raises(TypeMismatchError, match="a positive number"):
        steps(0)
