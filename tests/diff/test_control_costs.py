"""Reverse mode of loops: what it takes and what it keeps, and that it is right with that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from control_checks import check_derivatives
from metering import counts

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ir.verify import verify
from wengert.ir.walk import order
from wengert.ops.algebra import dot, zeros
from wengert.ops.choice import minimum
from wengert.ops.control import LOOP, branch, for_loop, loop, merged, pruned, while_loop
from wengert.ops.counting import count_operations
from wengert.ops.einstein import sum_axes
from wengert.ops.exponential import exp
from wengert.ops.extents import as_dim
from wengert.ops.leaves import ONE, size, symbol
from wengert.ops.subscripts import update, update_add
from wengert.ops.trig import sin, tanh

x, y, a = symbol("x"), symbol("y"), symbol("a")
v, w = symbol("v", "n"), symbol("w", "n")
A = symbol("A", ("n", "n"))
N = symbol("N", dtype="int64")
n = size(v.shape[0])


def at(extent: int) -> dict[str, Any]:
    rng = np.random.default_rng(extent)
    matrix = rng.normal(size=(extent, extent)) / extent
    return {
        "x": 0.8,
        "y": 0.5,
        "a": 2.3,
        "v": rng.uniform(0.2, 0.9, extent),
        "w": rng.normal(size=extent),
        "A": matrix + 2 * np.eye(extent),
        "N": 20,
        "n": extent,
    }


# --- programs ----------------------------------------------------------------------------------------------
def gauss_seidel() -> Expr:
    """Each element from all others: the whole array is read, one element is written."""

    def element(i: Expr, u: Expr) -> Expr:
        return update(u, i, (w[i] - dot(A[i], u) + A[i, i] * u[i]) / A[i, i])

    def sweep(t: Expr, u: Expr) -> Expr:
        found: Expr = for_loop(n, u, element)
        return found

    found: Expr = for_loop(4, v, sweep)
    return sum_axes(sin(found) * found)


def back_substitution() -> Expr:
    def row(k: Expr, u: Expr) -> Expr:
        i = n - 1 - k
        rest = slice(as_dim(i) + 1, None)
        return update(u, i, (v[i] - dot(A[i, rest], u[rest])) / A[i, i])

    found: Expr = for_loop(n, zeros(v.shape), row)
    return sum_axes(found * found)


def cholesky_by_elements() -> Expr:
    """Three loops, each over as much as the ones around it say."""
    b = A @ A.T

    def element(i: Expr, j: Expr, low: Expr) -> Expr:
        s = for_loop(j, b[i, j], lambda k, s: s - low[i, k] * low[j, k])
        found: Expr = branch(i > j, lambda s: s / low[j, j], lambda s: s**0.5, s)
        return update(low, (i, j), found)

    def row(i: Expr, low: Expr) -> Expr:
        found: Expr = for_loop(i + 1, low, lambda j, low: element(i, j, low))
        return found

    found: Expr = for_loop(n, zeros(A.shape), row)
    return sum_axes(sin(found) * found)


def lu() -> Expr:
    def row(k: Expr, i: Expr, u: Expr) -> Expr:
        d, e = as_dim(k), as_dim(i)
        factor = u[e, d] / u[d, d]
        u = update(u, (e, d), factor)
        after = slice(d + 1, None)
        return update(u, (e, after), u[e, after] - factor * u[d, after])

    def column(k: Expr, u: Expr) -> Expr:
        found: Expr = for_loop(n - k - 1, u, lambda j, u: row(k, k + 1 + j, u))
        return found

    found: Expr = for_loop(n, A, column)
    return sum_axes(sin(found) * found)


def alignment() -> Expr:
    """A table filled by rows from its own earlier elements (dynamic time warping)."""

    def cell(i: Expr, j: Expr, table: Expr) -> Expr:
        best = minimum(minimum(table[i - 1, j], table[i, j - 1]), table[i - 1, j - 1])
        return update(table, (i, j), (v[i] - w[j]) ** 2 + best)

    def row(i: Expr, table: Expr) -> Expr:
        found: Expr = for_loop(n - 1, table, lambda j, t: cell(i, j + 1, t))
        return found

    start = A * A
    found: Expr = for_loop(n - 1, start, lambda i, t: row(i + 1, t))
    return found[as_dim(n) - 1, as_dim(n) - 1] + sum_axes(found) / 50


def histogram() -> Expr:
    """Adding at places that data tells, and the whole read each time."""
    place = symbol("places", "n", dtype="int64")

    def body(i: Expr, u: Expr) -> Expr:
        return update_add(u, place[i], sin(dot(u, w) * v[i]) / 4)

    found: Expr = for_loop(n, v, body)
    return dot(found, found)


def time_steps() -> Expr:
    return dot(for_loop(N, v, lambda k, u: u + tanh(A @ u - u) / 10), w)


def newton_in_steps() -> Expr:
    """An implicit step: a loop until convergence in each of many steps."""

    def step(k: Expr, u: Expr) -> Expr:
        found: Expr = while_loop(
            lambda z: abs(z - u - exp(-z) * y / 5) > 1e-13,
            lambda z: z - (z - u - exp(-z) * y / 5) / (1 + exp(-z) * y / 5),
            u + 0.1,
        )
        return found

    return for_loop(N, x, step) * x


def three_loops() -> Expr:
    return for_loop(
        6,
        x,
        lambda i, s: for_loop(
            5, s, lambda j, s: for_loop(4, s, lambda k, s: sin(s * y) + s * v[0] / (i + j + k + 2))
        ),
    )


def with_break() -> Expr:
    return loop([x], lambda k, s: (s + sin(s * y) / 3,), trip=N, test=lambda s: s < 3)[0] * x


PROGRAMS: list[Callable[[], Expr]] = [
    gauss_seidel, back_substitution, cholesky_by_elements, lu, alignment, histogram, time_steps,
    newton_in_steps, three_loops, with_break,
]  # fmt: skip


def inputs(output: Expr) -> list[Expr]:
    return [s for s in output.free_symbols if s.value_type.dtype == "float64"]


def values_for(program: Callable[[], Expr], extent: int) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    places = rng.integers(0, extent, extent)
    return {**at(extent), "places": places} if program is histogram else at(extent)


def gradient(output: Expr) -> Function:
    wrt = inputs(output)
    parts = [g for g in vjp([output], [ONE], wrt) if g is not None]
    return pruned(merged(Function(output.free_symbols, (output, *parts))))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_derivatives_of_two_orders(program: Callable[[], Expr], rng: Any) -> None:
    output = program()
    values = values_for(program, 4)
    check_derivatives(output, {**values, "N": 3}, inputs(output), rng)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_value_and_gradient_take_five_times_the_value(program: Callable[[], Expr]) -> None:
    """Once for the value, which saves on the way, and at most four times for the way back."""
    output = program()
    values = values_for(program, 9)
    both = gradient(output)
    verify(both.outputs)
    alone = counts([output], values).operations
    assert counts(both.outputs, values).operations <= 5 * alone


@pytest.mark.parametrize(
    ("program", "written"),
    [
        (gauss_seidel, lambda m: 4 * m),
        (back_substitution, lambda m: m),
        (cholesky_by_elements, lambda m: m * m),
        (alignment, lambda m: m * m),
        (histogram, lambda m: m),
    ],
    ids=lambda p: getattr(p, "__name__", "?"),
)
def test_what_is_saved_is_what_is_written(
    program: Callable[[], Expr], written: Callable[[int], int]
) -> None:
    """A few numbers for each element that is replaced, and no array for each iteration."""
    both = gradient(program())
    for extent in (6, 12):
        stacked = counts(both.outputs, values_for(program, extent)).stacked
        assert stacked <= 12 * written(extent)


def test_arrays_are_restored_to_the_last_bit() -> None:
    """The adjoint with restored arrays is the one with saved arrays: differentiate what reads the bits."""
    output = gauss_seidel()
    (found,) = vjp([output], [ONE], [A])
    assert found is not None
    values = at(5)
    direction = np.zeros((5, 5))
    direction[2, 3] = 1.0
    t = symbol("t", A.shape)
    (forward,) = jvp([output], {A: t})
    assert forward is not None
    exact = forward.evaluate(values, t=direction)
    assert found.evaluate(values)[2, 3] == pytest.approx(exact, rel=1e-13)


# --- one loop for value and gradient ----------------------------------------------------------------------
def _loops(function: Function) -> int:
    return sum(m.op is LOOP for m in order(function.outputs))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_the_value_comes_from_the_loop_that_saves(program: Callable[[], Expr]) -> None:
    output = program()
    both = gradient(output)
    assert _loops(both) == 2 * _loops(Function(output.free_symbols, (output,)))
    values = values_for(program, 5)
    assert both.outputs[0].evaluate(values) == output.evaluate(values)


def test_a_tangent_shares_the_loop_of_the_value() -> None:
    output = three_loops()
    t = symbol("t")
    (change,) = jvp([output], {x: t})
    assert change is not None
    both = merged(Function((x, y, v, t), (output, change)))
    verify(both.outputs)
    assert _loops(both) == 1
    values = {**at(3), "t": 1.0}
    alone = counts([output], values)
    together = counts(both.outputs, values)
    assert together.iterations == alone.iterations
    assert both.outputs[1].evaluate(values) == pytest.approx(change.evaluate(values), rel=1e-15)


def test_loops_that_share_nothing_stay_apart() -> None:
    first = for_loop(5, x, lambda k, s: sin(s))
    second = for_loop(5, y, lambda k, s: s * s)
    assert _loops(merged(Function((x, y), (first, second)))) == 2
    same = for_loop(5, (x, y), lambda k, s, t: (sin(s), t + s))[1]
    both = merged(Function((x, y), (first, same, second)))
    assert _loops(both) == 2
    for before, after in zip((first, same, second), both.outputs, strict=True):
        assert after.evaluate(at(3)) == before.evaluate(at(3))


def test_a_loop_that_needs_the_other_is_not_united_with_it() -> None:
    first = for_loop(5, x, lambda k, s: sin(s) + y)
    second = for_loop(5, (x, x), lambda k, s, t: (sin(s) + y, t * s + first))[1]
    both = merged(Function((x, y), (first, second)))
    verify(both.outputs)
    assert _loops(both) == 2
    assert both.outputs[1].evaluate(at(3)) == second.evaluate(at(3))


def test_branches_of_one_condition_are_one() -> None:
    parts = [
        branch(x > y, lambda s=s: for_loop(4, s, lambda k, s: sin(s)), lambda s=s: s * 2)
        for s in (x, y, x * y)
    ]
    other = branch(x < y, lambda: sin(x), lambda: y)
    both = merged(Function((x, y), (*parts, other)))
    verify(both.outputs)
    assert sum(m.op.name == "cond" for m in order(both.outputs)) == 2
    for before, after in zip((*parts, other), both.outputs, strict=True):
        assert after.evaluate(at(3)) == before.evaluate(at(3))


# --- costs that are read off the graph --------------------------------------------------------------------
def _number(extent: Any, values: dict[str, Any]) -> int:
    return extent if isinstance(extent, int) else int(extent.evaluate(values))


@pytest.mark.parametrize(
    "program",
    [gauss_seidel, back_substitution, lu, alignment, histogram, three_loops],
    ids=lambda p: p.__name__,
)
def test_costs_and_the_tape_are_known_beforehand(program: Callable[[], Expr]) -> None:
    """Loops count as often as they run, at their largest; nested rows are counted where they are stacked."""
    output = program()
    both = gradient(output)
    values = values_for(program, 9)
    sizes = {"n": 9}
    for roots in ([output], both.outputs):
        cost, found = count_operations(roots), counts(roots, values)
        known = _number(cost.operations, sizes)
        assert found.operations * 0.9 <= known <= 7 * found.operations
    tape = _number(count_operations(both.outputs).tape_bytes, sizes)
    # Truth values take a byte, and while it runs rows are counted once more at every depth.
    assert found.stacked / 3 <= tape <= 8 * 2 * found.stacked


def test_costs_name_what_runs_and_how_often() -> None:
    cost = for_loop(n, x, lambda k, s: sin(s) + y * s).cost()
    assert str(cost) == "3*n operations (n ein, n lin, n sin)"
    assert cost.by_op["sin"] == v.shape[0]
    again = for_loop(N, x, lambda k, s: sin(s)).cost()
    assert str(again.operations) == "N"
    assert while_loop(lambda s: s < 5, lambda s: s * 2, x).cost().operations == 3
    assert output_of_a_tape().cost().tape_bytes == 8 * v.shape[0]


def output_of_a_tape() -> Expr:
    (found,) = vjp([for_loop(n, x, lambda k, s: sin(s))], [ONE], [x])
    assert found is not None
    return found
