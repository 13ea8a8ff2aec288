"""What ops that LAPACK computes share: matrices column by column, and what has to hold for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wengert.ir.dims import Extent
from wengert.ir.known import is_symmetric
from wengert.ir.node import Expr
from wengert.ops.choice import absolute, eq, lt, maximum
from wengert.ops.leaves import const
from wengert.ops.places import Calls, Memory
from wengert.ops.sums import add, scale

__all__ = [
    "at_least_one", "by_columns", "product_of", "require_finite", "require_success", "symmetric_element",
]  # fmt: skip


def at_least_one(ask: Calls, extent: Extent) -> Expr:
    """An extent, or one: routines refuse strides of zero."""
    if isinstance(extent, int):
        return const(max(1, extent))
    return maximum(ask.extent(extent), const(1))


def product_of(extents: Sequence[Extent]) -> Extent:
    """How many elements there are."""
    total: Extent = 1
    for extent in extents:
        total = total * extent
    return total


def by_columns(
    ask: Calls, matrix: Memory, rows: Extent, columns: Extent, element: Callable[[Expr, Expr], Expr]
) -> None:
    """Put the elements of a matrix into memory of shape ``(columns, rows)``."""
    ask.each((columns, rows), lambda j, i: ask.put(matrix, (j, i), element(i, j)))


def symmetric_element(ask: Calls, A: Expr, at: Sequence[Expr], i: Expr, j: Expr) -> Expr:
    """An element of ``(A + A.T)/2``, for the first argument of a node."""
    one = ask.part(0, (*at, i, j))
    return one if is_symmetric(A) else scale(0.5, add(one, ask.part(0, (*at, j, i))))


def require_success(ask: Calls, status: Expr) -> None:
    """LAPACK reports no error."""
    ask.require(eq(status, const(0)))


def require_finite(
    ask: Calls, argument: int, extents: Sequence[Extent], at: Sequence[Expr]
) -> None:
    """Running stops at NaN and infinity, which functions of SciPy refuse."""
    largest = ask.fold(
        "maximum", extents, lambda *places: absolute(ask.part(argument, (*at, *places)))
    )
    ask.require(lt(largest, const(float("inf"))))
