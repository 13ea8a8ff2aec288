"""``loop``: a body repeated a number of times, or while a flag holds, with values carried along.

One op for ``for`` and ``while``: a trip count, a go flag (the first carried value, evaluated once before the
loop and again at the end of the body), or both (``for`` with ``break``). Per iteration the body may read one
slice of each *scanned* array and give one row of each *stacked* result.

``body(k, *carries, *slices, *captures) -> (*carries, *rows)``

The extent of a stacked result is the number of executed iterations. Where only running the loop tells, it
is an opaque extent, which the evaluator learns from the loop; loops derived from this one share it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, Literal

import numpy as np

from wengert.errors import EvaluationError, ShapeError, TypeMismatchError, worded
from wengert.ir.dims import Dim, Extent, defined_name, length, size_of
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Domain, Op, Rule, Sample, register
from wengert.ir.region import Region
from wengert.ir.types import TupleType, Type
from wengert.ops.algebra import lift
from wengert.ops.control.item import items
from wengert.ops.control.lengths import told_by
from wengert.ops.control.loop_forward import loop_jvp
from wengert.ops.control.loop_reverse import loop_vjp
from wengert.ops.control.looped import COUNTER, Loop, Looped, closed_loop
from wengert.ops.control.regions import (
    as_results,
    canonical_captures,
    captured_sizes,
    fits,
    opened,
    opening,
    outer_sizes,
    outer_type,
    retyped,
    settled,
    unbound,
)
from wengert.ops.control.smooth import loop_smooth
from wengert.ops.counting import Cost, count_operations, known_outside, largest
from wengert.ops.extents import as_dim
from wengert.ops.leaves import fresh

__all__ = ["LOOP", "for_loop", "loop", "while_loop"]


# --- types -----------------------------------------------------------------------------------------------
def _loop_type(*types: Type, attr: Loop, args: Sequence[Expr]) -> TupleType:
    given = list(types)
    bound = 1 + attr.carries + attr.scans
    sizes = outer_sizes(attr.body, [*[None] * bound, *args[int(attr.trip) + bound - 1 :]])
    if attr.trip:
        trip = given.pop(0)
        if trip.shape or trip.dtype not in ("int32", "int64"):
            raise TypeMismatchError(worded("loop", expected="an integer trip count", got=str(trip)))
    params = [p.value_type for p in attr.body.params]
    if len(given) != len(params) - 1:
        raise TypeMismatchError(
            worded("loop", expected=f"{len(params) - 1} values", got=f"{len(given)}")
        )
    scans = range(attr.carries, attr.carries + attr.scans)
    for position, (type_, param) in enumerate(zip(given, params[1:], strict=True)):
        if position in scans:
            type_ = _slice_type(type_)
        if not fits(type_, retyped(param, sizes)):
            raise _misfit(position, attr, type_, param)
    results = attr.body.result_types
    carried = params[1 : 1 + attr.carries]
    for position, (type_, param) in enumerate(zip(results, carried, strict=False)):
        if not fits(type_, param):
            raise _misfit(position, attr, param, type_)
    rows = results[attr.carries :]
    if len(rows) != attr.stacked or (attr.go and carried[0].dtype != "bool"):
        raise TypeMismatchError(worded("loop", expected="a body that fits it", got=str(results)))
    if attr.stacked and attr.length is None:
        raise TypeMismatchError(worded("loop", expected="a length for its rows", got="none"))
    found = [COUNTER] if attr.counted else []
    found += [outer_type(type_, sizes, "loop") for type_ in carried]
    for row in rows:
        type_ = outer_type(row, sizes, "loop: rows")
        found.append(type_.with_shape((attr.length or 0, *type_.shape)))
    return TupleType(tuple(found))


def _slice_type(type_: Type) -> Type:
    if not type_.shape:
        raise ShapeError(worded("loop", expected="arrays to scan", got=str(type_)))
    return type_.with_shape(type_.shape[1:])


def _misfit(position: int, attr: Loop, before: Type, after: Type) -> TypeMismatchError:
    kind = "loop variable" if position < attr.carries else "value used in the body"
    return TypeMismatchError(
        worded(
            f"loop: {kind} {position}",
            expected="the same type in every iteration",
            got=f"{before} before and {after} after",
            hint="give it its final shape and dtype before the loop",
        )
    )


# --- meaning ---------------------------------------------------------------------------------------------
def _resolved(attr: Loop, sizes: Mapping[str, int]) -> tuple[Loop, Mapping[str, int]]:
    return attr, sizes


def _number(extent: Extent | None, sizes: Mapping[str, int]) -> int | None:
    if isinstance(extent, Dim):
        return length(extent, sizes) if extent.names <= set(sizes) else None
    return extent


def _loop_value(
    *args: Any,
    attr: tuple[Loop, Mapping[str, int]],
    run: Callable[[Region, Sequence[Any]], list[Any]],
) -> tuple[Any, ...]:
    spec, sizes = attr
    given = list(args)
    trip = max(int(given.pop(0)), 0) if spec.trip else None
    carries = given[: spec.carries]
    scans = given[spec.carries : spec.carries + spec.scans]
    captures = given[spec.carries + spec.scans :]
    steps = count() if trip is None else range(trip)
    rows: list[tuple[int, list[Any]]] = []
    executed = 0
    for step in steps:
        if spec.go and not carries[0]:
            break
        k = step if not spec.backward or trip is None else trip - 1 - step
        results = run(spec.body, [k, *carries, *(s[k] for s in scans), *captures])
        carries = results[: spec.carries]
        if spec.stacked:
            rows.append((k, results[spec.carries :]))
        executed += 1
    length = _number(spec.length, sizes)
    stacks = [
        _stack(rows, i, executed if length is None else max(length, 0), type_, sizes)
        for i, type_ in enumerate(spec.body.result_types[spec.carries :])
    ]
    return ((executed,) if spec.counted else ()) + (*carries, *stacks)


def _stack(
    rows: Sequence[tuple[int, Sequence[Any]]],
    position: int,
    length: int,
    type_: Type,
    sizes: Mapping[str, int],
) -> Any:
    if rows:
        shape = np.shape(rows[0][1][position])
    else:
        shape = tuple(max(_number(e, sizes) or 0, 0) for e in type_.shape)
    if any(k >= length for k, _ in rows):
        raise EvaluationError(
            worded("loop", expected=f"at most {length} iterations", got=f"{len(rows)}")
        )
    stack = np.zeros((length, *shape), type_.dtype)
    for k, values in rows:
        stack[k] = values[position]
    return stack


# --- building --------------------------------------------------------------------------------------------
def _rebuilt(*args: Expr, attr: Loop) -> Expr:
    first = int(attr.trip)
    scans = first + attr.carries
    last = scans + attr.scans
    inits, arrays, captured = args[first:scans], args[scans:last], args[last:]
    unknown = [None] * attr.scans  # an array gives its elements
    if canonical_captures(captured) and settled(attr.body, [None, *inits, *unknown, *captured]):
        return make(LOOP, args, attr)
    symbols = opening(attr.body, [None, *[None] * attr.carries, *unknown, *captured])
    outputs = opened(attr.body, symbols)
    carried = symbols[1 : 1 + attr.carries]
    slices = symbols[1 + attr.carries : 1 + attr.carries + attr.scans]
    return closed_loop(
        Looped(
            k=symbols[0],
            carries=list(zip(carried, inits, strict=True)),
            outputs=outputs[: attr.carries],
            rows=outputs[attr.carries :],
            scans=list(zip(slices, arrays, strict=True)),
            trip=args[0] if attr.trip else None,
            go=attr.go,
            counted=attr.counted,
            backward=attr.backward,
            checkpoint=attr.checkpoint,
            length=attr.length,
            given=dict(zip(symbols[1 + attr.carries + attr.scans :], captured, strict=True)),
        )
    )


def loop(
    init: Sequence[Any],
    body: Callable[..., Any],
    *,
    trip: Any = None,
    test: Callable[..., Any] | None = None,
    over: Sequence[Any] = (),
    stacked: bool = False,
    counted: bool = False,
    checkpoint: int | Literal["auto"] | None = None,
) -> tuple[Any, ...]:
    """``body(k, *carries, *slices)`` repeated ``trip`` times and while ``test(*carries)`` holds.

    ``over``: arrays of which iteration k is given element k. With ``stacked`` the body returns
    ``(carries, rows)``, and the rows of all iterations are stacked. What the body uses from around it is
    computed once before the loop, unless it depends on what the loop changes. With ``checkpoint`` reverse
    mode keeps only so many copies of the carried values and computes the others again.

    Returns:
        Number of executed iterations (if ``counted``), final carries, stacked rows, in one tuple.

    Raises:
        TypeMismatchError: neither a trip count nor a test, a carried value that changes its shape, or a
            number of checkpoints that is not positive.
    """
    if checkpoint is not None and checkpoint != "auto" and checkpoint < 1:
        raise TypeMismatchError(
            worded("checkpoint", expected="'auto' or a positive number", got=repr(checkpoint))
        )
    arrays = [lift(a) for a in over]
    if trip is None and test is None:
        raise TypeMismatchError(worded("loop", expected="a trip count or a test", got="neither"))
    values = [lift(v) for v in init]
    limit = None if trip is None else lift(trip)
    k = fresh(COUNTER, "k")
    symbols = unbound(v.value_type for v in values)
    slices = unbound(_slice_type(a.value_type) for a in arrays)
    returned = body(k, *symbols, *slices)
    carried, rows = returned if stacked else (returned, ())
    outputs, results = list(as_results(carried)), list(as_results(rows))
    if len(outputs) != len(values):
        raise TypeMismatchError(
            worded("loop", expected=f"{len(values)} carried values", got=f"{len(outputs)}")
        )
    carries = list(zip(symbols, values, strict=True))
    if test is not None:
        (flag,) = unbound([Type("bool")], "go")
        carries.insert(0, (flag, lift(test(*values))))
        outputs.insert(0, lift(test(*outputs)))
    found = items(
        closed_loop(
            Looped(
                k=k,
                carries=carries,
                outputs=outputs,
                rows=results,
                scans=list(zip(slices, arrays, strict=True)),
                trip=limit,
                go=test is not None,
                counted=counted,
                checkpoint=0 if checkpoint == "auto" else checkpoint,
            ),
        )
    )
    if test is None:
        return found
    return (*found[: int(counted)], *found[int(counted) + 1 :])


def for_loop(trip: Any, init: Any, body: Callable[..., Any], **options: Any) -> Any:
    """``for k in range(trip): carries = body(k, *carries)``; options as for :func:`loop`.

    One initial value that is no sequence gives one result that is none.

    >>> from wengert.ops.leaves import symbol
    >>> x = symbol("x")
    >>> y = for_loop(10, x, lambda k, y: y - y**2 / 4)
    """
    return _unpacked(init, options, lambda values: loop(values, body, trip=trip, **options))


def while_loop(
    test: Callable[..., Any], body: Callable[..., Any], init: Any, **options: Any
) -> Any:
    """``while test(*carries): carries = body(*carries)``; options as for :func:`loop`.

    >>> from wengert.ops.leaves import symbol
    >>> a = symbol("a")
    >>> root = while_loop(lambda s: abs(s * s - a) > 1e-12, lambda s: (s + a / s) / 2, a)
    """
    return _unpacked(
        init,
        options,
        lambda values: loop(values, lambda _k, *carries: body(*carries), test=test, **options),
    )


def _unpacked(
    init: Any, options: Mapping[str, Any], run: Callable[[Sequence[Any]], tuple[Any, ...]]
) -> Any:
    if isinstance(init, (tuple, list)):
        return run(init)
    found = run((init,))
    return found if options.get("stacked") or options.get("counted") else found[0]


# --- record ------------------------------------------------------------------------------------------------
def _spent(node: Expr) -> Cost:
    """One iteration where it is largest, times the iterations where their number is known (else once)."""
    attr: Loop = node.attr
    trips = as_dim(node.args[0]) if attr.trip else 1
    k = defined_name(attr.body.params[0])
    bound = 1 + attr.carries + attr.scans
    captures = node.args[int(attr.trip) + bound - 1 :]
    outside = known_outside(captured_sizes(attr.body.params[bound:], captures))
    once = count_operations(attr.body.outputs)
    once = once.mapped(lambda n: outside(largest(n, k, trips - 1)))
    rows = once.times(trips)
    stacked = node.type.items[len(node.type.items) - attr.stacked :] if attr.stacked else ()  # type: ignore[union-attr]
    tape: Extent = 0
    for type_ in stacked:
        tape = tape + size_of(type_.shape) * np.dtype(type_.dtype).itemsize
    return replace(rows, nodes=once.nodes + 1, tape_bytes=tape + once.tape_bytes)


def _power_sample(*symbols: Expr) -> Expr:
    x, y = symbols
    result: Expr = for_loop(4, x, lambda k, s: s * y - s**2 / (k + 3))
    return result


def _root_sample(*symbols: Expr) -> Expr:
    (a,) = symbols
    result: Expr = while_loop(lambda s: abs(s * s - a) > 1e-13, lambda s: (s + a / s) / 2, a)
    return result


def _scan_sample(*symbols: Expr) -> tuple[Expr, ...]:
    v, c = symbols
    return tuple(
        loop([c], lambda k, s, e: ((s * e + c,), (s**2,)), trip=v.shape[0], over=(v,), stacked=True)
    )


LOOP = register(
    Op(
        name="loop",
        doc="A body repeated a number of times or while a flag holds, with carried values.",
        result=_loop_type,
        dependent=True,
        tells=told_by,
        evaluate=_loop_value,
        resolve=_resolved,
        diff=Rule(loop_jvp, loop_vjp, batched=True),
        domain=Domain(smooth=loop_smooth),
        bodies=lambda attr: (attr.body,),
        with_bodies=lambda attr, bodies: attr._replace(body=bodies[0]),
        exempt={"text": "a body is no formula"},
        build=_rebuilt,
        spent=_spent,
        samples=(
            Sample(
                (Argument((), 0.2, 0.9), Argument((), 0.2, 0.9)), build=_power_sample, note="for"
            ),
            Sample((Argument((), 1.0, 3.0),), build=_root_sample, note="while"),
            Sample((Argument((3,)), Argument()), build=_scan_sample, note="scan"),
        ),
    )
)
