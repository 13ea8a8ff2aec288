"""From a record to the function that users and rules call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.ir.node import Expr, intern, make
from wengert.ir.op import Op
from wengert.ir.types import FLOAT
from wengert.ops.algebra import broadcast_together, lift
from wengert.ops.sums import LIN, scale

__all__ = ["applied"]


def applied(op: Op) -> Callable[..., Expr]:
    """The function of an elementwise op: lifts numbers and arrays, broadcasts, interns.

    Odd functions pass a sign on, even ones drop it, as every implementation of them does to the last bit.
    """
    odd, even = op.laws.odd, op.laws.even
    float_type = op.result(FLOAT) if op.arity == 1 else FLOAT

    def unary(x: Any) -> Expr:
        if x.__class__ is not Expr:
            x = lift(x)
        if x.type is FLOAT and x.op is not LIN:
            return intern(op, None, (x,), float_type)
        if (odd or even) and x.op is LIN and x.attr == (-1,):
            return scale(-1, make(op, x.args)) if odd else make(op, x.args)
        return make(op, (x,))

    def several(*xs: Any) -> Expr:
        return make(op, broadcast_together(*(lift(x) for x in xs)))

    function = unary if op.arity == 1 else several
    function.__name__ = function.__qualname__ = op.name
    function.__doc__ = op.doc
    return function
