"""``call``: a function with a body of its own, applied to arguments.

The body stays one object however often it is called. The differential of a call is a call of the
function's differential.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from wengert.ir.dump import codec
from wengert.ir.function import Function
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Domain, Op, Rule, Sample, register
from wengert.ir.region import Region
from wengert.ir.types import TupleType, Type
from wengert.ops.algebra import lift
from wengert.ops.control.changes import Change, Transforms, differentiable
from wengert.ops.control.cond import check_captures
from wengert.ops.control.item import item, items
from wengert.ops.control.regions import (
    as_results,
    hoisted,
    opened,
    opening,
    outer_sizes,
    outer_type,
    unbound,
)
from wengert.ops.control.smooth import call_smooth
from wengert.ops.counting import count_operations

__all__ = ["CALL", "Call", "call", "closed_call"]


class Call(NamedTuple):
    """The body, and the name under which people know it."""

    body: Region
    name: str = "f"


codec(Call)


def _call_type(*types: Type, attr: Call, args: Sequence[Expr]) -> TupleType:
    what = f"call of {attr.name}"
    sizes = outer_sizes(attr.body, args)
    check_captures(what, attr.body, types, sizes)
    return TupleType(tuple(outer_type(t, sizes, what) for t in attr.body.result_types))


def _call_value(
    *values: Any, attr: Call, run: Callable[[Region, Sequence[Any]], list[Any]]
) -> tuple[Any, ...]:
    return tuple(run(attr.body, values))


def _call_jvp(
    args: Sequence[Expr], tangents: Sequence[Change], out: Expr, *, attr: Call, diff: Transforms
) -> list[Change] | None:
    primals = opening(attr.body, args)
    moving = [
        (symbol, t)
        for symbol, arg, t in zip(primals, args, tangents, strict=True)
        if t is not None and differentiable(arg)
    ]
    seeds = unbound((t.value_type for _, t in moving), "t")
    changes = diff.jvp(
        opened(attr.body, primals), dict(zip((s for s, _ in moving), seeds, strict=True))
    )
    return _called(
        (*primals, *seeds), (*args, *(t for _, t in moving)), changes, f"{attr.name}_jvp"
    )


def _call_vjp(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Sequence[Change],
    out: Expr,
    *,
    attr: Call,
    diff: Transforms,
) -> list[Change]:
    primals = opening(attr.body, args)
    given = [c for c in ct if c is not None]
    seeds = unbound((c.value_type for c in given), "ct")
    left = iter(seeds)
    cotangents = [None if c is None else next(left) for c in ct]
    slots = [i for i, arg in enumerate(args) if wanted[i] and differentiable(arg)]
    changes = diff.vjp(opened(attr.body, primals), cotangents, [primals[i] for i in slots])
    results = _called((*primals, *seeds), (*args, *given), changes, f"{attr.name}_vjp")
    found: list[Change] = [None] * len(args)
    for slot, change in zip(slots, results, strict=True):
        found[slot] = change
    return found


def _called(
    symbols: Sequence[Expr], values: Sequence[Expr], changes: Sequence[Change], name: str
) -> list[Change]:
    """A call of the changes that are not zero, given all values that they use."""
    live = [c for c in changes if c is not None]
    if not live:
        return [None] * len(changes)
    pairs = [(s, v) for s, v in zip(symbols, values, strict=True) if s is not v]
    node = closed_call([s for s, _ in pairs], [v for _, v in pairs], live, name)
    results = iter(items(node))
    return [None if c is None else next(results) for c in changes]


def closed_call(
    symbols: Sequence[Expr], values: Sequence[Expr], outputs: Sequence[Expr], name: str
) -> Expr:
    """The ``call`` node (with several results) of a body in terms of symbols, given their values."""
    region, captures = hoisted(symbols, outputs, once=True)
    return make(CALL, (*values, *captures), Call(region, name))


def call(function: Callable[..., Any] | Function, *args: Any, name: str = "") -> Any:
    """``function(*args)`` kept as a call: its body is one object, however often it is called.

    ``function`` is a :class:`~wengert.ir.function.Function`, or a Python function of expressions that
    returns an expression or a tuple of them. A Python function may use expressions from around it.

    >>> from wengert.ops.leaves import symbol
    >>> x = symbol("x")
    >>> y = call(lambda t: t**2 + 1, call(lambda t: t**2 + 1, x))

    Raises:
        TypeMismatchError: the arguments do not fit the inputs of the function.
    """
    values = [lift(a) for a in args]
    if isinstance(function, Function):
        node = closed_call(function.inputs, values, function.outputs, name or function.name)
        found = items(node)
        return found if len(found) > 1 else found[0]
    symbols = unbound(v.value_type for v in values)
    result = function(*symbols)
    outputs = as_results(result)
    title = name or getattr(function, "__name__", "f")
    node = closed_call(symbols, values, outputs, title if title.isidentifier() else "f")
    return items(node) if isinstance(result, (tuple, list)) else item(node, 0)


def _sample(*symbols: Expr) -> Expr:
    x, y = symbols

    def f(u: Expr, v: Expr) -> Expr:
        return u * v + v**2

    result: Expr = call(f, call(f, x, y), y)
    return result


CALL = register(
    Op(
        name="call",
        doc="A function with a body of its own, applied to arguments.",
        result=_call_type,
        dependent=True,
        evaluate=_call_value,
        diff=Rule(_call_jvp, _call_vjp, batched=True),
        domain=Domain(smooth=call_smooth),
        bodies=lambda attr: (attr.body,),
        with_bodies=lambda attr, bodies: Call(bodies[0], attr.name),
        exempt={"text": "a body is no formula"},
        count=lambda node: count_operations(node.attr.body.outputs).operations,
        samples=(Sample((Argument((), 0.2, 2.0), Argument((), 0.2, 2.0)), build=_sample),),
    )
)
