"""Positions of extrema that pass over NaN."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.errors import EvaluationError, worded
from wengert.ir.facts import FINITE, INTEGER, NONNEGATIVE
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Laws, NoDerivative, Op, Sample, Spelling, register
from wengert.ir.types import Type, is_inexact
from wengert.ops.algebra import lift
from wengert.ops.axes import axes_of, axes_option, without_axes
from wengert.ops.choice import eq, ne, where
from wengert.ops.layout import cast
from wengert.ops.leaves import const
from wengert.ops.reductions import fold_over
from wengert.ops.shapes import real_type

__all__ = ["nanargmax", "nanargmin"]


def _argument(name: str, doc: str, evaluate: Callable[..., Any]) -> Callable[..., Expr]:
    def function(x: Any, axis: int | None = None) -> Expr:
        node = lift(x)
        return make(op, (node,), axes_of(axis, node.ndim, name))

    def value(x: Any, *, attr: tuple[int, ...]) -> Any:
        try:
            return evaluate(x, axis=attr[0] if len(attr) < np.ndim(x) else None)
        except ValueError as error:
            raise EvaluationError(
                worded(name, expected="a number in each slice", got=str(error))
            ) from None

    def result(x: Type, *, attr: tuple[int, ...]) -> Type:
        return without_axes(real_type(x), attr).with_dtype("int64")

    def element(node: Expr, places: Sequence[Expr], ask: Any) -> Expr:
        """The least position of what is the extremum; NaN counts as the last one of all."""
        ask.some([node.args[0].shape[a] for a in node.attr])
        type_ = node.args[0].value_type.with_shape(())
        kind, last = ("maximum", -math.inf) if name == "nanargmax" else ("minimum", math.inf)

        def number(part: Expr) -> Expr:
            if not is_inexact(type_):
                return part
            return where(ne(part, part), cast(const(last), type_.dtype), part)

        some = fold_over(node, places, ask, "or", lambda part: eq(part, part), Type("bool"))
        most = fold_over(node, places, ask, kind, number, type_)
        ask.require(some)
        none = const(np.iinfo(np.int64).max)

        def term(part: Expr, position: Expr) -> Expr:
            return where(eq(number(part), most), position, none)

        return fold_over(node, places, ask, "minimum", term)

    some = np.array([[0.5, np.nan, 2.0], [np.nan, -1.0, -3.0]])
    op = register(
        Op(
            name=name,
            doc=doc,
            result=result,
            evaluate=value,
            element=element,
            folds=lambda node: True,
            diff=NoDerivative("a position does not vary smoothly", zero=True),
            spell=Spelling(python=f"np.{name}({{0}})", options=axes_option),
            laws=Laws(facts=lambda x, *, attr: INTEGER | NONNEGATIVE | FINITE),
            call=function,
            samples=(
                Sample((Argument((4,), draw="distinct"),), (0,)),
                Sample((Argument((2, 3), value=some, varies=False),), (1,)),
                Sample((Argument((2, 3), value=some, varies=False),), (0, 1)),
            ),
        )
    )
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


nanargmax = _argument(
    "nanargmax", "Position of the first largest element that is not NaN.", np.nanargmax
)
nanargmin = _argument(
    "nanargmin", "Position of the first smallest element that is not NaN.", np.nanargmin
)
