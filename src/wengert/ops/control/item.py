"""One result of an op with several."""

from __future__ import annotations

from typing import Any

from wengert.errors import GraphError, worded
from wengert.ir.node import Expr, make
from wengert.ir.op import Linear, Op, register
from wengert.ir.types import AnyType, TupleType, Type

__all__ = ["ITEM", "item", "items"]


def _item_type(results: AnyType, *, attr: int) -> Type:
    if not isinstance(results, TupleType) or not 0 <= attr < len(results.items):
        raise GraphError(worded("item", expected=f"a result number {attr}", got=str(results)))
    return results.items[attr]


def _transposed(ct: Expr, slot: int, *args: Expr, attr: int) -> Expr:
    raise GraphError(
        worded("item", expected="reverse mode to collect cotangents of several results")
    )


ITEM = register(
    Op(
        name="item",
        doc="One result of an op with several, by position.",
        result=_item_type,
        evaluate=lambda results, *, attr: results[attr],
        # Forward mode hands the change of this very result; reverse mode collects the list itself.
        diff=Linear(_transposed, joint=lambda tangents, args, *, attr: tangents[0]),
        projection=True,
        cost=0.0,
        count=lambda node: 0,
        exempt={
            "samples": "tried with every op that has several results",
            "text": "several results are no formula",
        },
    )
)


def item(results: Expr, index: int) -> Expr:
    """Result number ``index`` of an op with several results."""
    return make(ITEM, (results,), index)


def items(results: Expr) -> tuple[Expr, ...]:
    """All results of an op with several."""
    type_: Any = results.type
    return tuple(item(results, i) for i in range(len(type_.items)))
