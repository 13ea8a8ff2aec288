"""A loop under construction, and its closing into a node with several results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wengert.ir.dims import Extent
from wengert.ir.node import Expr, make
from wengert.ir.op import lookup
from wengert.ir.types import Type
from wengert.ir.walk import substitute
from wengert.ops.control.lengths import Loop, opaque_length
from wengert.ops.control.regions import fits, hoisted, joined
from wengert.ops.extents import as_dim
from wengert.ops.layout import cast
from wengert.ops.leaves import ZERO, fresh

__all__ = ["COUNTER", "Loop", "Looped", "closed_loop", "extent_of"]

COUNTER = Type("int64", weak=True)


@dataclass(frozen=True, kw_only=True)
class Looped:
    """A loop that is being built: fresh symbols for what the body binds, and the body's outputs in them.

    ``carries`` and ``scans`` pair each symbol with its initial value or its array. ``given`` maps further
    symbols in the outputs to what they stand for outside.
    """

    k: Expr
    carries: Sequence[tuple[Expr, Expr]]
    outputs: Sequence[Expr]
    rows: Sequence[Expr] = ()
    scans: Sequence[tuple[Expr, Expr]] = ()
    trip: Expr | None = None
    go: bool = False
    counted: bool = False
    backward: bool = False
    checkpoint: int | None = None
    length: Extent | None = None
    given: Mapping[Expr, Expr] | None = None


def closed_loop(body: Looped) -> Expr:
    """The loop node (with several results) of a body.

    Carried values get the type that holds both the initial value and what the body gives.
    """
    carries, outputs, rows = _settled(body)
    bound = [body.k, *(s for s, _ in carries), *(s for s, _ in body.scans)]
    region, captures = hoisted(bound, [*outputs, *rows], body.given)
    attr = Loop(
        region,
        len(carries),
        len(body.scans),
        len(rows),
        body.trip is not None,
        body.go,
        body.counted,
        body.backward,
        body.checkpoint,
        body.length if rows else None,
    )
    args = [*([] if body.trip is None else [body.trip]), *(init for _, init in carries)]
    args += [*(array for _, array in body.scans), *captures]
    if rows and body.length is None:
        attr = attr._replace(length=_length(attr, args))
    return make(lookup("loop"), tuple(args), attr)


def _settled(body: Looped) -> tuple[list[tuple[Expr, Expr]], list[Expr], list[Expr]]:
    """Carries and outputs with symbols of their final types: a fix-point, as types only grow."""
    carries, outputs, rows = list(body.carries), list(body.outputs), list(body.rows)
    while True:
        change: dict[Expr, Expr] = {}
        for i, ((symbol, init), output) in enumerate(zip(carries, outputs, strict=True)):
            type_ = symbol.value_type
            for other in (init.value_type, output.value_type):
                if not fits(other, type_):
                    type_ = joined(type_, other, f"loop variable {i}")
            if type_ is not symbol.type:
                change[symbol] = fresh(type_, "b")
                carries[i] = (change[symbol], init)
        if not change:
            types = [s.value_type for s, _ in carries]
            starts = _converted([init for _, init in carries], types)
            symbols = [s for s, _ in carries]
            return list(zip(symbols, starts, strict=True)), _converted(outputs, types), rows
        # The new symbols must be older than what is built with them, also as bounds of `hoisted`.
        outputs = substitute(outputs, change)
        rows = substitute(rows, change)


def _converted(values: Sequence[Expr], types: Sequence[Type]) -> list[Expr]:
    """The values in the precision in which they are carried."""
    return [
        node if fits(node.value_type, type_) else cast(node, type_.dtype)
        for node, type_ in zip(values, types, strict=True)
    ]


def _length(attr: Loop, args: Sequence[Expr]) -> Extent:
    """The extent of the rows: the trip count if that says it, else an opaque extent named by the loop."""
    if attr.trip and not attr.go:
        return extent_of(args[0])
    return opaque_length(attr, args)


def extent_of(trip: Expr) -> Extent:
    """The number of iterations for a trip count, which may be negative."""
    extent = as_dim(trip)
    if isinstance(extent, int):
        return max(extent, 0)
    if len(extent.terms) == 1 and extent.needs:  # else a length is at least 0 anyway
        return as_dim(make(lookup("maximum"), (trip, ZERO)))
    return extent
