"""What has to hold for an expression to be defined."""

from __future__ import annotations

from wengert.ir.node import Expr, provide
from wengert.ir.walk import order

__all__ = ["conditions"]


def conditions(expr: Expr) -> tuple[Expr, ...]:
    """The conditions of all ops in the expression."""
    found: dict[Expr, None] = {}
    for node in order([expr]):
        where = node.op.domain.where
        if where is not None:
            options = {} if node.attr is None else {"attr": node.attr}
            for condition in where(*node.args, **options):
                if condition.args:
                    found[condition] = None
    return tuple(found)


provide("conditions", conditions)
