"""The raw derivative of one graph by one symbol: forward for a scalar symbol, else reverse."""

from __future__ import annotations

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.ir.node import Expr
from wengert.ops.algebra import zeros
from wengert.ops.einstein import Label, broadcast_to, ein, eye
from wengert.ops.leaves import ONE

__all__ = ["derivative_by", "unit_seed"]


def derivative_by(expr: Expr, by: Expr) -> Expr:
    """The derivative, not simplified; its shape is that of ``expr`` followed by that of ``by``."""
    if not by.shape:
        change = jvp([expr], {by: ONE})[0]
        return zeros(expr.shape) if change is None else broadcast_to(change, expr.shape)
    found = vjp([expr], [unit_seed(expr)], [by])[0]
    return zeros(expr.shape + by.shape) if found is None else found


def unit_seed(expr: Expr) -> Expr:
    """One cotangent per output element: the identity, with the output's axes in front."""
    rank = expr.ndim
    factors: list[tuple[Expr, tuple[Label, ...]]] = [
        (eye(extent), (("out", i), ("in", i))) for i, extent in enumerate(expr.shape)
    ]
    out: list[Label] = [("out", i) for i in range(rank)]
    return ein(factors, [*out, *(("in", i) for i in range(rank))])
