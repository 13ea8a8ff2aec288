"""From which sizes on a program is right: places that are not checked have to be there."""

from __future__ import annotations

from wengert.ir.dims import Dim, Extent
from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.lower.changes import blocks, expressions
from wengert.lower.nest import READ, Accumulate, Block, Buffer, For, Program, Store, While
from wengert.lower.ranges import Ranges
from wengert.ops.leaves import CONSTANT, SIZE, const, size
from wengert.ops.sums import LIN, add, scale, subtract

__all__ = ["as_number", "least_size"]


def as_number(extent: Extent) -> Expr:
    """An extent as a sum of products of sizes."""
    if isinstance(extent, int):
        return const(extent)
    total: Expr | None = None
    for monomial, coefficient in extent.terms:
        term = const(1)
        for name in monomial:
            term = term * size(Dim.named(name))
        term = scale(coefficient, term)
        total = term if total is None else add(total, term)
    return const(0) if total is None else total


def least_size(program: Program, most: int) -> int:
    """What all sizes have to be at least; no more than ``most``, from which on the program is right.

    Extents are never negative and places are inside, also those that nothing checks; an array without
    elements has no largest one.
    """
    if not program.symbols:
        return 0
    ranges = Ranges()
    found = 0

    def want(value: Expr) -> None:
        nonlocal found
        least = ranges.sizes_for(value)
        found = max(found, most if least is None else least)

    def want_place(buffer: Buffer, places: tuple[Expr, ...]) -> None:
        for place, extent in zip(places, buffer.shape, strict=True):
            if _is_checked(place, ranges):
                continue
            want(place)
            want(subtract(subtract(as_number(extent), place), const(1)))

    def walk(block: Block) -> None:
        nonlocal found
        for statement in block:
            for node in order(expressions(statement)):
                if node.op is READ:
                    want_place(node.attr.buffer, node.args)
                elif _has_size(node) and not _is_checked(node, ranges):
                    want(as_number(node.attr) if node.op is SIZE else node)
            if isinstance(statement, Store):
                want_place(statement.buffer, statement.places)
            if isinstance(statement, Accumulate) and statement.kind in ("maximum", "minimum"):
                found = max(found, 1)
            if isinstance(statement, (For, While)):
                ranges.below(statement.counter, statement.trip)
            for body in blocks(statement):
                walk(body)

    walk(program.body)
    for buffer in program.locals:
        for extent in buffer.shape:
            want(as_number(extent))
    return min(found, most)


def _has_size(node: Expr) -> bool:
    """Whether a node is an integer that is made of sizes."""
    if node.op is SIZE:
        return True
    return node.op is LIN and node.value_type.dtype == "int64" and any(map(_has_size, node.args))


def _is_checked(place: Expr, ranges: Ranges) -> bool:
    """Whether a place is more than counters and sizes: then it is checked, or made to be inside."""
    return any(
        node.op not in (CONSTANT, LIN, SIZE) and node not in ranges.trips for node in order([place])
    )
