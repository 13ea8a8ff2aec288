"""Linear systems, inverses and determinants by LAPACK, with the routines that NumPy and SciPy use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ops.choice import eq, le, lt, where
from wengert.ops.columns import (
    at_least_one,
    by_columns,
    product_of,
    require_finite,
    require_success,
    symmetric_element,
)
from wengert.ops.exponential import exp, log
from wengert.ops.leaves import const
from wengert.ops.places import Calls, Memory
from wengert.ops.routines import GESV, GETRF, POTRF, TRTRS
from wengert.ops.substitution import FEW_ROWS

__all__ = [
    "cholesky_by_routines", "det_by_routines", "detsign_by_routines", "factored", "inv_by_routines",
    "logdet_by_routines", "sign_and_log", "solve_by_routines", "triangular_by_routines",
]  # fmt: skip

INT = "int32"


# --- systems -------------------------------------------------------------------------------------------
def solve_by_routines(node: Expr, ask: Calls) -> bool:
    """As NumPy: LU factors of a copy, then the columns."""
    A, b = node.args
    stack, n = A.shape[:-2], A.shape[-1]
    columns = b.shape[len(stack) + 1 :]
    ask.precision = "float64"  # so does NumPy, whatever the type
    matrix, pivots, x = ask.scratch((n, n)), ask.scratch((n,), INT), ask.result()
    right = x if _is_in_place(node, ask) else ask.scratch((*columns, n))

    def one(*at: Expr) -> None:
        by_columns(ask, matrix, n, n, lambda i, j: ask.part(0, (*at, i, j)))
        start = _right_hand_side(node, ask, right, at)
        rows = at_least_one(ask, n)
        status = ask.call(
            GESV, ask.extent(n), ask.extent(product_of(columns)), matrix, rows, pivots, start, rows
        )
        require_success(ask, status)
        _solution(node, ask, right, at)

    ask.each(stack, one, in_order=True)
    return True


def _is_in_place(node: Expr, ask: Calls) -> bool:
    """Whether the result is the memory that the routine solves in: it lies there column by column anyway."""
    A, b = node.args
    return b.ndim == A.ndim - 1 and node.value_type.dtype == ask.precision


def _right_hand_side(node: Expr, ask: Calls, right: Memory, at: tuple[Expr, ...]) -> Any:
    """Put the right-hand side into memory column by column; where it begins."""
    n, columns = node.args[0].shape[-1], node.shape[len(at) + 1 :]
    start = at if _is_in_place(node, ask) else ()

    def copy(*places: Expr) -> None:
        ask.put(right, (*start, *places), ask.part(1, (*at, places[-1], *places[:-1])))

    ask.each((*columns, n), copy)
    return (right, *start)


def _solution(node: Expr, ask: Calls, right: Memory, at: tuple[Expr, ...]) -> None:
    n, columns = node.args[0].shape[-1], node.shape[len(at) + 1 :]

    def copy(i: Expr, *places: Expr) -> None:
        ask.put(ask.result(), (*at, i, *places), ask.element(right, (*places, i)))

    if not _is_in_place(node, ask):
        ask.each((n, *columns), copy)


def triangular_by_routines(node: Expr, ask: Calls) -> bool:
    """As SciPy: rows of memory are columns of the transposed matrix."""
    A, b = node.args
    lower, transposed, unit = node.attr
    stack, n = A.shape[:-2], A.shape[-1]
    if A.value_type.dtype != node.value_type.dtype or (isinstance(n, int) and n <= FEW_ROWS):
        return False
    columns = b.shape[len(stack) + 1 :]
    matrix, x = ask.memory(0), ask.result()
    right = x if _is_in_place(node, ask) else ask.scratch((*columns, n))
    apart = ask.steps(matrix)[-2]

    def one(*at: Expr) -> None:
        require_finite(ask, 0, (n, n), at)
        require_finite(ask, 1, (n, *columns), at)
        start = _right_hand_side(node, ask, right, at)
        status = ask.call(
            TRTRS,
            "U" if lower else "L", "N" if transposed else "T", "U" if unit else "N",
            ask.extent(n), ask.extent(product_of(columns)),
            (matrix, *at), where(lt(const(0), apart), apart, const(1)), start, at_least_one(ask, n),
        )  # fmt: skip
        require_success(ask, status)
        _solution(node, ask, right, at)

    ask.each(stack, one, in_order=True)
    return True


def inv_by_routines(node: Expr, ask: Calls) -> bool:
    """As NumPy: the solution for the columns of an identity matrix."""
    A = node.args[0]
    stack, n = A.shape[:-2], A.shape[-1]
    ask.precision = "float64"  # so does NumPy, whatever the type
    matrix, inverse, pivots = ask.scratch((n, n)), ask.scratch((n, n)), ask.scratch((n,), INT)

    def one(*at: Expr) -> None:
        by_columns(ask, matrix, n, n, lambda i, j: ask.part(0, (*at, i, j)))
        by_columns(ask, inverse, n, n, lambda i, j: where(eq(i, j), const(1.0), const(0.0)))
        rows, count = at_least_one(ask, n), ask.extent(n)
        status = ask.call(GESV, count, count, matrix, rows, pivots, inverse, rows)
        require_success(ask, status)
        target = ask.result()
        ask.each((n, n), lambda i, j: ask.put(target, (*at, i, j), ask.element(inverse, (j, i))))

    ask.each(stack, one, in_order=True)
    return True


# --- determinants --------------------------------------------------------------------------------------
def factored(ask: Calls, matrix: Memory, pivots: Memory, rows: Any, columns: Any) -> Expr:
    """LU factors in place of a matrix that lies in memory column by column; what LAPACK reports."""
    return ask.call(
        GETRF, ask.extent(rows), ask.extent(columns), matrix, at_least_one(ask, rows), pivots
    )


def _determinant(node: Expr, ask: Calls, combined: Callable[[Expr, Expr], Expr]) -> bool:
    """Something of the sign of a determinant and of the logarithm of its size, as NumPy has them."""
    A = node.args[0]
    stack, n = A.shape[:-2], A.shape[-1]
    ask.precision = "float64"
    matrix, pivots = ask.scratch((n, n)), ask.scratch((n,), INT)

    def one(*at: Expr) -> None:
        by_columns(ask, matrix, n, n, lambda i, j: ask.part(0, (*at, i, j)))
        status = factored(ask, matrix, pivots, n, n)
        sign, logarithm = sign_and_log(ask, matrix, pivots, n, status)
        ask.put(ask.result(), at, combined(sign, logarithm))

    ask.each(stack, one, in_order=True)
    return True


def sign_and_log(
    ask: Calls, matrix: Memory, pivots: Memory, n: Extent, status: Expr
) -> tuple[Expr, Expr]:
    """The sign of a determinant, and the logarithm of its size, from LU factors."""

    def sign_of(i: Expr) -> Expr:
        stays = eq(ask.element(pivots, (i,)), i + 1)
        below = lt(ask.element(matrix, (i, i)), const(0))
        return where(eq(stays, below), const(-1.0), const(1.0))

    def log_of(i: Expr) -> Expr:
        pivot = ask.element(matrix, (i, i))
        return log(where(lt(pivot, const(0)), -pivot, pivot))

    sign, logarithm = ask.fold("mul", (n,), sign_of), ask.fold("add", (n,), log_of)
    singular = lt(const(0), status)
    return where(singular, const(0.0), sign), where(singular, const(float("-inf")), logarithm)


def det_by_routines(node: Expr, ask: Calls) -> bool:
    """The determinant by LU factors."""
    return _determinant(node, ask, lambda sign, logarithm: sign * exp(logarithm))


def logdet_by_routines(node: Expr, ask: Calls) -> bool:
    """The logarithm of its size."""
    return _determinant(node, ask, lambda sign, logarithm: logarithm)


def detsign_by_routines(node: Expr, ask: Calls) -> bool:
    """Its sign."""
    return _determinant(node, ask, lambda sign, logarithm: sign)


# --- Cholesky ------------------------------------------------------------------------------------------
def cholesky_by_routines(node: Expr, ask: Calls) -> bool:
    """The lower triangle of LAPACK, and zeros."""
    A = node.args[0]
    stack, n = A.shape[:-2], A.shape[-1]
    ask.precision = "float64"
    matrix, L = ask.scratch((n, n)), ask.result()

    def one(*at: Expr) -> None:
        by_columns(ask, matrix, n, n, lambda i, j: symmetric_element(ask, A, at, i, j))
        require_success(ask, ask.call(POTRF, "L", ask.extent(n), matrix, at_least_one(ask, n)))

        def copy(i: Expr, j: Expr) -> None:
            ask.put(L, (*at, i, j), ask.chosen(le(j, i), ask.element(matrix, (j, i)), 0.0))

        ask.each((n, n), copy)

    ask.each(stack, one, in_order=True)
    return True
