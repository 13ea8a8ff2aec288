"""Triangular systems in loops: row after row, each by what is known of those before it."""

from __future__ import annotations

from wengert.ir.node import Expr
from wengert.ir.types import is_complex
from wengert.ops.algebra import minus, times
from wengert.ops.arithmetic import divide
from wengert.ops.choice import logical_and, logical_or, ne
from wengert.ops.complexes import imag, real
from wengert.ops.floats import isfinite
from wengert.ops.leaves import ONE, ZERO
from wengert.ops.places import Loops

__all__ = ["FEW_ROWS", "triangular_in_loops"]

FEW_ROWS = 8
"""So few rows are solved for before a routine has begun."""


def triangular_in_loops(node: Expr, ask: Loops) -> bool:
    """By substitution, forward or back; matrices that have no solution are left to SciPy."""
    A, b = node.args
    lower, transposed, unit = node.attr
    stack, n = A.shape[:-2], ask.extent(A.shape[-1])
    columns = b.shape[len(stack) + 1 :]
    x, forward = ask.result(), lower != transposed

    def row(k: Expr) -> Expr:
        return k if forward else minus(minus(n, ONE), k)

    def one(*at: Expr) -> None:
        def entry(i: Expr, j: Expr) -> Expr:
            return ask.typed(
                ask.part(0, (*at, j, i) if transposed else (*at, i, j)), node.value_type
            )

        def solve(k: Expr) -> None:
            i = row(k)

            def column(*c: Expr) -> None:
                def term(j: Expr) -> Expr:
                    return times(entry(i, row(j)), ask.element(x, (*at, row(j), *c)))

                known = ask.fold("add", (k,), term, node.value_type.with_shape(()))
                rest = minus(ask.typed(ask.part(1, (*at, i, *c)), node.value_type), known)
                ask.put(x, (*at, i, *c), rest if unit else divide(rest, entry(i, i)))

            if not unit:
                ask.require(_has_inverse(entry(i, i)))
            ask.each(columns, column)

        ask.each((n,), solve, in_order=True)

    ask.each(stack, one)
    return True


def _has_inverse(number: Expr) -> Expr:
    if not is_complex(number.value_type):
        return logical_and(ne(number, ZERO), isfinite(number))
    parts = [real(number), imag(number)]
    some = logical_or(*[ne(part, ZERO) for part in parts])
    return logical_and(some, logical_and(*[isfinite(part) for part in parts]))
