"""Where extrema are: by NumPy's own routine, or in loops that go through rows of elements in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wengert.ir.node import Expr
from wengert.ops.algebra import minus, plus
from wengert.ops.choice import eq, gt, logical_and, logical_or, lt, ne, where
from wengert.ops.columns import product_of
from wengert.ops.leaves import ONE, ZERO
from wengert.ops.places import Calls, Loops
from wengert.ops.routines import ARGMAX, ARGMIN

__all__ = ["place_by_routine", "place_in_loops"]

_SHORT = 16  # elements that are looked at before a routine has begun


def place_by_routine(name: str) -> Callable[..., bool]:
    """The place among the elements along the last axes."""
    routine = {"argmax": ARGMAX, "argmin": ARGMIN}[name]

    def calls(node: Expr, ask: Calls) -> bool:
        (x,), axes = node.args, node.attr
        first = x.ndim - len(axes)
        extents = x.shape[first:]
        count = product_of(extents)
        if axes != tuple(range(first, x.ndim)) or (isinstance(count, int) and count <= _SHORT):
            return False
        ask.precision = x.value_type.dtype
        memory = ask.memory(0)
        if len(axes) > 1 and not ask.is_dense(memory):
            return False
        ask.some(extents)
        found, result = ask.scratch((1,), "int64"), ask.result()

        def one(*at: Expr) -> None:
            ask.call(routine, (memory, *at), ask.extent(count), found)
            ask.put(result, at, ask.element(found, (ZERO,)))

        ask.each(x.shape[:first], one, in_order=True)
        return True

    return calls


def place_in_loops(name: str) -> Callable[..., bool]:
    """The places of the best elements so far, row after row, for an axis that is not the last."""
    beyond: Callable[[Any, Any], Expr] = {"argmax": gt, "argmin": lt}[name]

    def loops(node: Expr, ask: Loops) -> bool:
        (x,), axes = node.args, node.attr
        if len(axes) != 1 or axes[0] == x.ndim - 1:
            return False
        (axis,) = axes
        behind, result = x.shape[axis + 1 :], ask.result()
        best = ask.scratch(behind, x.value_type.dtype)
        ask.some([x.shape[axis]])

        def rows(*lead: Expr) -> None:
            def begin(*trail: Expr) -> None:
                ask.put(best, trail, ask.part(0, (*lead, ZERO, *trail)))
                ask.put(result, (*lead, *trail), ZERO)

            def one(k: Expr) -> None:
                ask.each(behind, lambda *trail: look(plus(k, ONE), trail))

            def look(k: Expr, trail: Sequence[Expr]) -> None:
                new = ask.keep(ask.part(0, (*lead, k, *trail)))
                old, place = ask.element(best, trail), ask.element(result, (*lead, *trail))
                better = logical_or(beyond(new, old), logical_and(ne(new, new), eq(old, old)))
                better = ask.keep(better)
                ask.put(result, (*lead, *trail), where(better, k, place))
                ask.put(best, trail, where(better, new, old))

            ask.each(behind, begin)
            ask.each((minus(ask.extent(x.shape[axis]), ONE),), one, in_order=True)

        ask.each(x.shape[:axis], rows, in_order=True)
        return True

    return loops
