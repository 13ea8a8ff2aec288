"""Arrays that a body changes at some places only, restored on the way back from what stood there before.

The adjoint of an iteration may read the whole array, while the iteration replaces an element. Then the
element is saved, and going backwards it is put back: the array of every iteration for the memory of
what was written. Loops inside save what they replace and are undone by a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from wengert.ir.node import Expr
from wengert.ir.walk import substitute
from wengert.ops.control.item import ITEM, items
from wengert.ops.control.lengths import Loop
from wengert.ops.control.loop_open import OpenLoop, emitted, open_loop
from wengert.ops.control.looped import Looped, closed_loop
from wengert.ops.control.regions import unbound
from wengert.ops.control.saving import Row, affine_integers, row_of, what_to_save
from wengert.ops.gathering import ADD_AT, SET_AT, set_at, take
from wengert.ops.indexing import UPDATE, index_by, set_by
from wengert.ops.leaves import fresh

__all__ = ["Undo", "undo_of"]


class Undo(NamedTuple):
    """What stood before at the places that are replaced, and the array from what replaces it."""

    records: list[Expr]
    restore: Callable[[Expr, Sequence[Expr]], Expr]


def undo_of(output: Expr, symbol: Expr) -> Undo | None:
    """How to get the array ``symbol`` back from ``output``; ``None`` if not only places are replaced."""
    steps: list[tuple[Expr, Undo]] = []
    node = output
    while node is not symbol:
        if node.type is not symbol.type:
            return None
        step = _replaced(node) or _looped(node)
        if step is None:
            return None
        before, undo = step
        steps.append((before, undo))
        node = before
    if not steps:
        return None
    records = [record for _, undo in steps for record in undo.records]

    def restore(state: Expr, saved: Sequence[Expr]) -> Expr:
        left = list(saved)
        for _, undo in steps:
            own, left = left[: len(undo.records)], left[len(undo.records) :]
            state = undo.restore(state, own)
        return state

    return Undo(records, restore)


def _replaced(node: Expr) -> tuple[Expr, Undo] | None:
    if node.op is UPDATE:
        base = node.args[0]
        part = index_by(base, node.attr)
        return base, Undo([part], lambda state, saved: set_by(state, saved[0], node.attr))
    # Several values may be added at one place; putting the old one back twice has no derivative of its own.
    if node.op is SET_AT or (node.op is ADD_AT and not node.args[2].ndim):
        base, _, *places = node.args
        part = take(base, *places, axis=node.attr)
        return base, Undo(
            [part], lambda state, saved: set_at(state, saved[0], *places, axis=node.attr)
        )
    return None


def _looped(node: Expr) -> tuple[Expr, Undo] | None:
    """The array before a loop that only replaces places of it."""
    if node.op is not ITEM or not isinstance(node.args[0].attr, Loop):
        return None
    loop = open_loop(node.args[0].args, node.args[0].attr)
    place = node.attr - int(loop.attr.counted)
    if not 0 <= place < len(loop.carried) or (loop.trip is None and not loop.attr.go):
        return None
    inner = undo_of(loop.outputs[place], loop.carried[place])
    if inner is None:
        return None
    rows = [row_of(loop, record) for record in inner.records]
    found = [row for row in rows if row is not None]
    if len(found) < len(rows):
        return None
    return loop.inits[place], _undone_loop(loop, found, inner, fresh(node.value_type, "state"))


def _undone_loop(loop: OpenLoop, rows: list[Row], inner: Undo, state: Expr) -> Undo:
    symbols = list(unbound((row.type for row in rows), "old"))
    read = [row.read(symbol) for row, symbol in zip(rows, symbols, strict=True)]
    (restored,) = substitute([inner.restore(state, read)], affine_integers(loop))
    more = what_to_save(loop, [restored])
    added = unbound((row.type for row in more), "old")
    change = {row.value: row.read(symbol) for row, symbol in zip(more, added, strict=True)}
    (body,) = substitute([restored], change)
    rows, symbols = [*rows, *more], [*symbols, *added]
    attr = loop.attr
    records = emitted(
        loop,
        Looped(
            k=loop.k,
            carries=(),
            outputs=(),
            rows=[row.filled for row in rows],
            counted=attr.go,
            length=attr.length,
        ),
    )

    def restore(after: Expr, saved: Sequence[Expr]) -> Expr:
        arrays = saved[int(attr.go) :]
        node = closed_loop(
            Looped(
                k=loop.k,
                carries=[(state, after)],
                outputs=[body],
                scans=[
                    *zip(loop.slices, loop.arrays, strict=True),
                    *zip(symbols, arrays, strict=True),
                ],
                trip=saved[0] if attr.go else loop.trip,
                backward=not attr.backward,
                given=dict(zip(loop.captured, loop.captures, strict=True)),
            )
        )
        return items(node)[0]

    return Undo(list(records), restore)
