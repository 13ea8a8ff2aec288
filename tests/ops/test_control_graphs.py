"""Control flow built from graphs in symbols, and what is left of it when nobody uses the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert.diff.reverse import vjp
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ir.types import BOOL, FLOAT, INT, Type
from wengert.ir.verify import verify
from wengert.ir.walk import order
from wengert.ops.algebra import lift
from wengert.ops.control import (
    LOOP,
    Looped,
    branch,
    call,
    closed_loop,
    for_loop,
    items,
    joined_cond,
    merged,
    pruned,
    while_loop,
)
from wengert.ops.control.looped import COUNTER
from wengert.ops.einstein import sum_axes
from wengert.ops.extents import as_dim
from wengert.ops.leaves import ONE, const, fresh, size, symbol
from wengert.ops.trig import sin

x, y = symbol("x"), symbol("y")
v = symbol("v", "n")
n = size(v.shape[0])
AT = {"x": 0.8, "y": 0.5, "v": np.array([1.0, 0.5, 0.2, 0.7])}


# --- from symbols ------------------------------------------------------------------------------------------
def test_a_loop_with_trip_and_flag_of_ready_made_symbols() -> None:
    """Parts of the body that existed before the symbols are invariants, computed outside."""
    early = sin(x) * y
    k, go, s, token, joins = fresh(COUNTER), fresh(BOOL), fresh(FLOAT), fresh(INT), fresh(COUNTER)
    after = s + sin(x) * y + k
    node = closed_loop(
        Looped(
            k=k,
            carries=[
                (go, lift(True)), (s, x), (token, const(np.int64(0))), (joins, const(0))
            ],
            outputs=[after < 9, after, token + 1, joins + s],
            trip=lift(10),
            go=True,
        )
    )  # fmt: skip
    results = items(node)
    verify(results)
    assert early in node.args
    assert [str(r.type) for r in results] == ["bool", "float64", "int64", "float64"]
    total, steps, sum_ = 0.8, 0, 0.0
    for step in range(10):
        sum_, total, steps = sum_ + total, total + np.sin(0.8) * 0.5 + step, steps + 1
        if not total < 9:
            break
    assert [r.evaluate(AT) for r in results] == pytest.approx([False, total, steps, sum_])


def test_carried_values_of_all_kinds() -> None:
    z, f = symbol("z", dtype="complex128"), symbol("f", dtype="float32")
    results = for_loop(
        3, (f, z, lift(True), const(1)), lambda k, a, b, p, i: (a * x, b * a + 1, ~p, i * 2)
    )
    verify(results)
    assert [r.value_type.dtype for r in results] == ["float64", "complex128", "bool", "int64"]
    a: Any = np.float32(1.5)
    b, p, i = 1 + 2j, True, 1
    for _ in range(3):
        a, b, p, i = a * 0.8, b * a + 1, not p, i * 2
    assert [r.evaluate(AT, f=1.5, z=1 + 2j) for r in results] == pytest.approx([a, b, p, i])
    becomes = for_loop(3, x, lambda k, s: s * z)
    assert becomes.type is Type("complex128")
    assert becomes.evaluate(AT, z=1 + 2j) == pytest.approx(0.8 * (1 + 2j) ** 3)
    assert vjp([becomes], [ONE], [x])[0].evaluate(AT, z=1 + 2j) == pytest.approx(-11)  # type: ignore[union-attr]


class _Everything:
    def __contains__(self, node: object) -> bool:
        return True


def test_a_condition_of_two_lists_and_what_is_computed_outside() -> None:
    stands = fresh(FLOAT)
    computed = sin(y)
    first = joined_cond(x > 0, [stands * computed], [stands], {stands: x}, {computed})
    assert computed in first.args
    inside = joined_cond(x > 0, [stands * computed], [stands], {stands: x})
    assert computed not in inside.args
    assert joined_cond(x > 0, [x * computed], [x], {}, _Everything()).args[0] is (x > 0)
    (found,) = items(first)
    assert found.evaluate(AT) == pytest.approx(0.8 * np.sin(0.5))


# --- what nobody uses --------------------------------------------------------------------------------------
def generous() -> tuple[Expr, ...]:
    """Five carried values, some of which only pass through or depend on others."""

    def body(k: Expr, a: Expr, b: Expr, c: Expr, d: Expr, e: Expr) -> tuple[Expr, ...]:
        _, j, same = for_loop(3, (a, b, c), lambda q, a, b, c: (a * 1.1 + y, b + a, c))
        p, q = branch(a > 1, lambda a, d: (a * 2, d + 1), lambda a, d: (a + x, d - 1), a, d)
        return p, j, same, q, e + d

    found: tuple[Expr, ...] = for_loop(4, (x, y, sin(y), x * 2, 1.0), body)
    return found


def _carries(roots: tuple[Expr, ...]) -> list[int]:
    return [m.attr.carries for m in order(roots) if m.op is LOOP]


@pytest.mark.parametrize(
    ("chosen", "carried"),
    [([0], [1]), ([1], [2]), ([2], []), ([3], [2]), ([4], [3]), ([0, 2], [1]), ([0, 1, 3, 4], [4])],
)
def test_only_what_is_used_is_carried(chosen: list[int], carried: list[int]) -> None:
    everything = generous()
    function = Function((x, y), tuple(everything[i] for i in chosen))
    left = pruned(function)
    verify(left.outputs)
    assert _carries(left.outputs) == carried
    assert pruned(left) == left
    for before, after in zip(function.outputs, left.outputs, strict=True):
        assert after.evaluate(AT) == before.evaluate(AT)
        assert after.type is before.type


def test_inner_loops_branches_and_calls_are_pruned_too() -> None:
    def body(k: Expr, s: Expr) -> Expr:
        used, _ = for_loop(3, (s, s), lambda q, a, b: (a * y, b + a))
        also, _ = call(lambda p: (p + 1, sin(p) * y), used)
        chosen, _, _ = branch(s > 1, lambda: (also, s, 1), lambda: (s, also, 2))
        return chosen

    function = Function((x, y), (for_loop(4, x, body),))
    left = pruned(function)
    verify(left.outputs)
    (loop,) = [m for m in order(left.outputs) if m.op is LOOP]
    assert all(len(m.type.items) == 1 for m in loop.attr.body.nodes if m.op.bodies)
    assert left.outputs[0].evaluate(AT) == function.outputs[0].evaluate(AT)


def test_flags_counts_and_rows_stay() -> None:
    count, last, _, rows, _ = while_loop(
        lambda s, t: s < 9,
        lambda s, t: ((s * 1.5, t + s), (s * s, t)),
        [x, y],
        stacked=True,
        counted=True,
    )
    for outputs, carries in (((count,), 2), ((count, rows), 2), ((last, sum_axes(rows)), 2)):
        left = pruned(Function((x, y), outputs))
        verify(left.outputs)
        assert _carries(left.outputs) == [carries]  # the flag and what it depends on
        for before, after in zip(outputs, left.outputs, strict=True):
            assert np.array_equal(after.evaluate(AT), before.evaluate(AT))


def test_sizes_that_are_only_mentioned_stay() -> None:
    """The length of a slice is a use of what defines it."""

    def body(k: Expr, m: Expr, s: Expr, t: Expr) -> tuple[Expr, ...]:
        part = v[: as_dim(m)]
        w, _ = for_loop(2, (part * s, t), lambda j, w, t: (sin(w) + part, t * 2))
        return (m + 1), sum_axes(w), t * 3

    found = for_loop(3, (const(np.int64(1)), x, y), body)
    left = pruned(Function((x, y, v), (found[1],)))
    verify(left.outputs)
    assert _carries(left.outputs) == [2]
    assert left.outputs[0].evaluate(AT) == found[1].evaluate(AT)
    assert pruned(left) == left


def test_a_loop_that_alone_tells_a_length_keeps_a_row() -> None:
    """The cotangent of rows has their length, also where nobody reads the rows."""
    rows = while_loop(lambda s: s > 1, lambda s: ((s / 1.7,), (s,)), [x], stacked=True)[1]
    output = sum_axes(rows)
    (gradient,) = vjp([output], [ONE], [x])
    assert gradient is not None
    left = pruned(Function((x,), (gradient,)))
    both = pruned(merged(Function((x,), (output, gradient))))
    verify([*left.outputs, *both.outputs])
    assert pruned(left) == left
    expected = sum(1.7**-k for k in range(5))  # 9.5, 5.6, 3.3, 1.9, 1.1
    for found in (gradient, left.outputs[0], both.outputs[1]):
        assert found.evaluate(x=9.5) == pytest.approx(expected, rel=1e-14)


def test_derivatives_of_what_is_left_are_those_of_the_whole() -> None:
    everything = generous()
    left = pruned(Function((x, y), (everything[1],)))
    for s in (x, y):
        (whole,), (part,) = vjp([everything[1]], [ONE], [s]), vjp(left.outputs, [ONE], [s])
        assert whole is not None
        assert part is not None
        assert part.evaluate(AT) == pytest.approx(whole.evaluate(AT), rel=1e-14)
