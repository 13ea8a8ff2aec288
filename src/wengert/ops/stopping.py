"""A value that derivatives take for a constant."""

from __future__ import annotations

from typing import Any

from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Laws, NoDerivative, Op, Sample, Spelling, register
from wengert.ops.algebra import lift

__all__ = ["STOP_GRADIENT", "stopped"]


def stopped(value: Any) -> Expr:
    """The value, whose change counts as zero."""
    node = lift(value)
    return node if node.op is STOP_GRADIENT else make(STOP_GRADIENT, (node,))


STOP_GRADIENT: Op = register(
    Op(
        name="stop_gradient",
        doc="The value itself, which derivatives take for a constant.",
        result=lambda x: x,
        evaluate=lambda x: x,
        simpler=lambda node: node.args[0],
        diff=NoDerivative("its derivative is stopped", zero=True),
        spell=Spelling(latex="{0}", python="{0}"),
        laws=Laws(facts=lambda x: x),
        build=stopped,
        elementwise=True,
        arity=1,
        cost=0.0,
        exempt={"differences": "its derivative is zero on purpose"},
        samples=(Sample((Argument((3,)),)),),
    )
)
