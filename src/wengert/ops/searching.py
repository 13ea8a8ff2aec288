"""Places in sorted vectors, and membership, in loops: halves are left out that cannot hold the place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.ir.node import Expr
from wengert.ir.types import DType, Type, is_complex
from wengert.ops.algebra import minus, plus
from wengert.ops.choice import eq, logical_and, logical_not, logical_or, lt, minimum, ne, where
from wengert.ops.integers import right_shift
from wengert.ops.layout import cast
from wengert.ops.leaves import ONE, ZERO
from wengert.ops.places import Loops

__all__ = ["common_dtype", "digitize_loops", "search_loops"]


def common_dtype(*nodes: Expr) -> DType:
    """The type in which NumPy compares the elements of arrays."""
    found: Any = np.result_type(*[np.dtype(n.value_type.dtype) for n in nodes])
    return found.name  # type: ignore[no-any-return]  # the name of a dtype


def _less(a: Expr, b: Expr) -> Expr:
    """Whether a number comes before another one; NaN comes last."""
    return logical_or(lt(a, b), logical_and(ne(b, b), eq(a, a)))


def _place(ask: Loops, n: Expr, comes_before: Callable[[Expr], Expr]) -> Expr:
    """How many of the elements at first come before something, of which this is told for each place."""
    first, left = ask.number(ZERO), ask.number(n)
    more = ask.number(lt(ONE, n))

    def halve(_: Expr) -> None:
        half = ask.keep(right_shift(left, ONE))
        ahead = comes_before(minus(plus(first, half), ONE))
        ask.change(first, where(ahead, plus(first, half), first))
        ask.change(left, minus(left, half))
        ask.change(more, lt(ONE, left))

    ask.going(more, halve)

    def last() -> None:
        ask.change(first, where(comes_before(first), plus(first, ONE), first))

    ask.when(lt(ZERO, n), last)
    return first


def _searched(node: Expr, ask: Loops, right: bool, turned: Expr | None) -> bool:
    """Where the elements of the second argument belong in the first one, which may be turned around."""
    a, v = node.args
    dtype, result = common_dtype(a, v), ask.result()
    memory, n = ask.memory(0), ask.extent(a.shape[0])

    def one(*at: Expr) -> None:
        x = ask.keep(cast(ask.part(1, at), dtype))

        def comes_before(k: Expr) -> Expr:
            if turned is not None:
                k = where(turned, minus(minus(n, ONE), k), k)
            y = cast(ask.element(memory, (k,)), dtype)
            return logical_not(_less(x, y)) if right else _less(y, x)

        found = _place(ask, n, comes_before)
        ask.put(result, at, found if turned is None else where(turned, minus(n, found), found))

    ask.each(v.shape, one)
    return True


def search_loops(node: Expr, ask: Loops) -> bool:
    """As ``np.searchsorted``."""
    if any(is_complex(a.value_type) for a in node.args):
        return False
    return _searched(node, ask, node.attr == "right", None)


def digitize_loops(node: Expr, ask: Loops) -> bool:
    """As ``np.digitize``: edges go up or down, and none is NaN."""
    if any(is_complex(a.value_type) for a in node.args):
        return False
    extent = node.args[0].shape[0]
    memory, end = ask.memory(0), minus(ask.extent(extent), ONE)

    def some(holds: Callable[[Expr, Expr], Expr]) -> Expr:
        def of(i: Expr) -> Expr:
            neighbour = ask.element(memory, (minimum(plus(i, ONE), end),))
            return holds(ask.element(memory, (i,)), neighbour)

        return ask.fold("or", (extent,), of, Type("bool"))

    rises, falls = some(lt), some(lambda a, b: lt(b, a))
    ask.require(logical_not(logical_and(rises, falls)))
    ask.require(logical_not(some(lambda a, b: ne(a, a))))
    return _searched(node, ask, not node.attr, falls)
