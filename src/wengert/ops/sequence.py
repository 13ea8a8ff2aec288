"""``after``: a value that is not to be had before some effects have happened."""

from __future__ import annotations

from typing import Any

from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Laws, Linear, Op, Sample, Spelling, register
from wengert.ops.algebra import lift

__all__ = ["AFTER", "after"]


def after(value: Any, token: Expr) -> Expr:
    """``value``, when the effects up to the token have happened; its derivative asks for none of them.

    For bodies whose tokens nobody threads: functions that a solver calls as often as it likes.
    """
    return make(AFTER, (lift(value), token))


AFTER: Op = register(
    Op(
        name="after",
        doc="A value, when the effects up to a token have happened.",
        result=lambda value, token: value,
        evaluate=lambda value, token: value,
        element=lambda node, places, ask: ask.part(0, places),
        diff=Linear(lambda ct, slot, *args: ct, slots=(0,), elementwise=True),
        spell=Spelling(numpy=lambda node: "{0}"),
        laws=Laws(facts=lambda value, token: value),
        cost=0.0,
        exempt={"text": "a token is no formula"},
        samples=(Sample((Argument((3,)), Argument((), draw="integers", dtype="int64"))),),
    )
)
