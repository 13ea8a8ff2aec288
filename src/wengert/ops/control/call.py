"""``call``: a function with a body of its own, applied to arguments.

The body stays one object however often it is called. The differential of a call is a call of the
function's differential.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from wengert.errors import GraphError, TypeMismatchError, worded
from wengert.ir.dump import codec
from wengert.ir.function import Function
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Domain, Op, Rule, Sample, register
from wengert.ir.region import Region
from wengert.ir.types import DType, TupleType, Type
from wengert.ops.algebra import lift
from wengert.ops.control.changes import (
    Change,
    Transforms,
    batch_of,
    change_type,
    differentiable,
    or_zeros,
    result_types,
)
from wengert.ops.control.cond import check_captures
from wengert.ops.control.item import item, items
from wengert.ops.control.recur import active, rewritten, shifted, signature_of
from wengert.ops.control.regions import (
    as_results,
    captured_sizes,
    hoisted,
    opened,
    opening,
    outer_sizes,
    outer_type,
    settled,
    unbound,
)
from wengert.ops.control.smooth import call_smooth
from wengert.ops.counting import Cost, count_operations, known_outside
from wengert.ops.layout import cast

__all__ = ["CALL", "Call", "call", "closed_call"]


class Call(NamedTuple):
    """The body, and the name under which people know it.

    The body of a ``recursive`` call may contain ``recur``.
    """

    body: Region
    name: str = "f"
    recursive: bool = False


codec(Call)


def _call_type(*types: Type, attr: Call, args: Sequence[Expr]) -> TupleType:
    what = f"call of {attr.name}"
    sizes = outer_sizes(attr.body, args)
    check_captures(what, attr.body, types, sizes)
    if attr.recursive:
        _check_calls(attr)
    return TupleType(tuple(outer_type(t, sizes, what) for t in attr.body.result_types))


def _check_calls(attr: Call) -> None:
    """Whether the calls of itself in a body have its signature.

    Raises:
        TypeMismatchError: one has not.
    """
    wanted = signature_of(attr.body.params, attr.body.result_types)

    def check(node: Expr, args: tuple[Expr, ...], level: int) -> None:
        if node.attr.level == level and node.attr.signature is not wanted:
            raise TypeMismatchError(
                worded(
                    f"recursion of {attr.name}",
                    expected=f"results of types {', '.join(map(str, attr.body.result_types))}",
                    got=", ".join(str(o.type) for o in node.attr.signature.outputs),
                    hint="return the same types on all ways",
                )
            )

    rewritten(attr.body.outputs, check)


def _call_value(
    *values: Any, attr: Call, run: Callable[[Region, Sequence[Any]], list[Any]]
) -> tuple[Any, ...]:
    return tuple(run(attr.body, values))


def _call_jvp(
    args: Sequence[Expr], tangents: Sequence[Change], out: Expr, *, attr: Call, diff: Transforms
) -> list[Change] | None:
    if attr.recursive:
        return _recursive_jvp(args, tangents, attr, diff)
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
    if attr.recursive:
        return _recursive_vjp(args, wanted, ct, result_types(out), attr, diff)
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


# --- recursion -------------------------------------------------------------------------------------------
def _recursive_jvp(
    args: Sequence[Expr], tangents: Sequence[Change], attr: Call, diff: Transforms
) -> list[Change]:
    """The change of a recursive function is a recursive function of arguments and their changes."""
    primals = opening(attr.body, [None] * len(args))
    outputs = opened(attr.body, primals)
    slots = active([p.value_type for p in primals])
    seeds = unbound((change_type(primals[i].value_type) for i in slots), "t")
    changes = diff.jvp(outputs, dict(zip((primals[i] for i in slots), seeds, strict=True)))
    moving = active([o.value_type for o in outputs])
    types = [change_type(outputs[i].value_type) for i in moving]
    results = [or_zeros(changes[i], t) for i, t in zip(moving, types, strict=True)]
    given = [or_zeros(tangents[i], change_type(args[i].value_type)) for i in slots]
    found = _again(attr, (*primals, *seeds), (*args, *given), results, types, "jvp")
    return _spread(found, moving, len(outputs))


def _recursive_vjp(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Sequence[Change],
    results: Sequence[Type],
    attr: Call,
    diff: Transforms,
) -> list[Change]:
    """The adjoint is a recursive function of arguments and cotangents; values on the way are recomputed."""
    batch = batch_of(ct, results)
    primals = opening(attr.body, [None] * len(args))
    outputs = opened(attr.body, primals)
    moving = active([o.value_type for o in outputs])
    seeds = unbound((change_type(outputs[i].value_type, batch) for i in moving), "ct")
    slots = active([p.value_type for p in primals])
    cotangents = _spread(seeds, moving, len(outputs))
    changes = diff.vjp(outputs, cotangents, [primals[i] for i in slots])
    types = [change_type(primals[i].value_type, batch) for i in slots]
    pulled = [or_zeros(c, t) for c, t in zip(changes, types, strict=True)]
    given = [or_zeros(ct[i], change_type(results[i], batch)) for i in moving]
    found = _spread(
        _again(attr, (*primals, *seeds), (*args, *given), pulled, types, "vjp"), slots, len(args)
    )
    return [c if want else None for c, want in zip(found, wanted, strict=True)]


def _spread(changes: Sequence[Expr], slots: Sequence[int], count: int) -> list[Change]:
    found: list[Change] = [None] * count
    for slot, change in zip(slots, changes, strict=True):
        found[slot] = change
    return found


def _again(
    attr: Call,
    symbols: Sequence[Expr],
    values: Sequence[Expr],
    outputs: Sequence[Expr],
    types: Sequence[Type],
    suffix: str,
) -> tuple[Expr, ...]:
    """A recursive call derived from another, which its body may still call for values."""
    primal = signature_of(attr.body.params, attr.body.result_types)

    def called(node: Expr, args: tuple[Expr, ...], level: int) -> Expr | None:
        if node.attr.level != level or node.attr.signature is not primal:
            return None
        return shifted(make(CALL, args, attr), level + 1)

    strict = [as_dtype(o, t.dtype) for o, t in zip(outputs, types, strict=True)]
    region, captures = hoisted(symbols, rewritten(strict, called), once=True)
    if captures:
        raise GraphError(worded(f"derivative of {attr.name}", expected="a closed body"))
    return items(make(CALL, tuple(values), Call(region, f"{attr.name}_{suffix}", recursive=True)))


def as_dtype(node: Expr, dtype: DType) -> Expr:
    """The value in a dtype, no longer a Python number."""
    type_ = node.value_type
    return node if type_.dtype == dtype and not type_.weak else cast(node, dtype)


# --- building --------------------------------------------------------------------------------------------
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


def _rebuilt(*args: Expr, attr: Call) -> Expr:
    if attr.recursive or settled(attr.body, args):
        return make(CALL, args, attr)
    symbols = opening(attr.body, args)
    pairs = [(s, a) for s, a in zip(symbols, args, strict=True) if s is not a]
    outputs = opened(attr.body, symbols)
    return closed_call([s for s, _ in pairs], [a for _, a in pairs], outputs, attr.name)


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


def _spent(node: Expr) -> Cost:
    """The body once: how often it calls itself is not known."""
    outside = known_outside(captured_sizes(node.attr.body.params, node.args))
    return count_operations(node.attr.body.outputs).mapped(outside)


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
        build=_rebuilt,
        dependent=True,
        evaluate=_call_value,
        diff=Rule(_call_jvp, _call_vjp, batched=True),
        domain=Domain(smooth=call_smooth),
        bodies=lambda attr: (attr.body,),
        applies=lambda attr: None if attr.recursive else attr.body,
        with_bodies=lambda attr, bodies: attr._replace(body=bodies[0]),
        binds=lambda attr: attr.recursive,
        exempt={"text": "a body is no formula"},
        spent=_spent,
        samples=(Sample((Argument((), 0.2, 2.0), Argument((), 0.2, 2.0)), build=_sample),),
    )
)
