"""A value together with the conditions under which it was obtained."""

from __future__ import annotations

from typing import Any

from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Domain, Laws, Linear, Op, Sample, Spelling, register
from wengert.ir.types import AnyType
from wengert.ops.algebra import lift

__all__ = ["GIVEN", "given"]


def given(value: Any, *conditions: Expr) -> Expr:
    """``value``, remembering that it stands for the original only where the conditions hold.

    Simplification returns such a node where it left a condition behind: ``x/x`` is 1 given that
    ``x != 0``. It evaluates to the value and is written as the value; ``expr.conditions`` names the
    conditions.

    >>> from wengert.ops.choice import ne
    >>> from wengert.ops.leaves import symbol
    >>> x = symbol("x")
    >>> given(x, ne(x, 0)).args[0] is x
    True
    """
    node = lift(value)
    if node.op is GIVEN:
        node, conditions = node.args[0], (*node.args[1:], *conditions)
    kept = tuple(dict.fromkeys(conditions))
    return make(GIVEN, (node, *kept)) if kept else node


def _first(value: Any, *_: Any) -> Any:
    return value


def _type(value: AnyType, *_: AnyType) -> AnyType:
    return value


GIVEN: Op = register(
    Op(
        name="given",
        doc="A value with the conditions under which it was obtained; evaluates to the value.",
        result=_type,
        evaluate=_first,
        diff=Linear(lambda ct, slot, *args: ct, slots=(0,), elementwise=True),
        domain=Domain(where=lambda value, *conditions: conditions),
        element=lambda node, places, ask: ask.part(0, places),
        spell=Spelling(notation="hidden"),
        laws=Laws(facts=lambda value, *_: value),
        build=given,
        cost=0.0,
        exempt={"text": "its conditions are not shown, only the value"},
        samples=(
            Sample((Argument(), Argument(draw="bool", dtype="bool")), note="scalar"),
            Sample((Argument((3,)), Argument((3,), draw="bool", dtype="bool")), note="vector"),
        ),
    )
)
