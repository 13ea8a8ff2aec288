"""Loops that do nothing but put zeros into memory that is in one piece."""

from __future__ import annotations

from typing import NamedTuple

from wengert.ir.node import Expr
from wengert.lower.nest import Buffer, For, Program, Statement, Store
from wengert.lower.uses import uses_of
from wengert.ops.leaves import CONSTANT, const, size

__all__ = ["Zeros", "zeroed", "zeros_of"]


class Zeros(NamedTuple):
    """The part of a buffer at some first places, which becomes zero, and the axes of that part."""

    buffer: Buffer
    places: tuple[Expr, ...]
    axes: int


def zeros_of(statement: Statement) -> Zeros | None:
    """What a nest of loops makes zero, if it does nothing else."""
    counters: list[Expr] = []
    trips: list[Expr] = []
    while isinstance(statement, For):
        counters.append(statement.counter)
        trips.append(statement.trip)
        if len(statement.body.statements) != 1:
            return None
        (statement,) = statement.body
    if not counters or not isinstance(statement, Store) or statement.adds:
        return None
    buffer, axes = statement.buffer, len(counters)
    places, along = statement.places[:-axes], statement.places[-axes:]
    if len(buffer.shape) < axes or buffer.pairs or not _is_zero(statement.value):
        return None
    if any(a is not b for a, b in zip(along, counters, strict=True)):
        return None
    known = buffer.extents or tuple([_extent(e) for e in buffer.shape])
    if any(a is not b for a, b in zip(trips, known[-axes:], strict=True)):
        return None
    return Zeros(buffer, places, axes)


def _extent(extent: object) -> Expr:
    return const(extent) if isinstance(extent, int) else size(extent)  # type: ignore[arg-type]  # a Dim


def _is_zero(value: Expr) -> bool:
    while value.op.name == "cast":
        value = value.args[0]
    return value.op is CONSTANT and type(value.attr) is int and value.attr == 0


def zeroed(program: Program) -> dict[Buffer, Statement]:
    """Results that may just as well come full of zeros, and the statements that then do nothing."""
    found: dict[Buffer, Statement] = {}
    seen: set[Buffer] = set()
    for statement in program.body:
        zeros = zeros_of(statement)
        whole = zeros is not None and not zeros.places and zeros.buffer.role == "output"
        if zeros is not None and whole and zeros.buffer not in seen:
            found[zeros.buffer] = statement
        seen |= uses_of(statement).buffers()
    return found
