"""The change of a loop is a loop: the same one with the changes of its active carries beside them.

Which carries become active is a fix-point over the body's own forward mode.
"""

from __future__ import annotations

from collections.abc import Sequence

from wengert.ir.node import Expr
from wengert.ops.control.changes import (
    Change,
    Transforms,
    change_type,
    differentiable,
    or_zeros,
    zeros_of,
)
from wengert.ops.control.loop_open import OpenLoop, element, emitted, open_loop
from wengert.ops.control.looped import Loop, Looped
from wengert.ops.leaves import fresh

__all__ = ["loop_jvp"]


def loop_jvp(
    args: Sequence[Expr], tangents: Sequence[Change], out: Expr, *, attr: Loop, diff: Transforms
) -> list[Change] | None:
    """Changes of the results for changes of the arguments."""
    loop = open_loop(args, attr)
    incoming = dict(zip(loop.symbols, tangents[int(attr.trip) :], strict=True))
    initial = {
        s: t for s, t in incoming.items() if t is not None and differentiable(s)
    }  # by symbol of the body
    seeds: dict[Expr, Expr] = {}
    for symbol in loop.symbols:
        if symbol in initial:
            type_ = change_type(symbol.value_type)
            scanned = symbol in loop.slices
            seeds[symbol] = element(initial[symbol], type_) if scanned else fresh(type_, "t")
    while True:
        changes = diff.jvp([*loop.outputs, *loop.rows], dict(seeds))
        started = [
            s
            for s, change in zip(loop.carried, changes, strict=False)
            if change is not None and s not in seeds and differentiable(s)
        ]
        if not started:
            break
        for symbol in started:
            seeds[symbol] = fresh(change_type(symbol.value_type), "t")
    return _forward_loop(loop, initial, seeds, changes)


def _forward_loop(
    loop: OpenLoop, initial: dict[Expr, Expr], seeds: dict[Expr, Expr], changes: Sequence[Change]
) -> list[Change]:
    attr = loop.attr
    active = [i for i, s in enumerate(loop.carried) if s in seeds]
    live = [i for i, change in enumerate(changes[attr.carries :]) if change is not None]
    carries = [
        (seeds[s], initial.get(s, zeros_of(s.value_type)))
        for s in (loop.carried[i] for i in active)
    ]
    outputs = [or_zeros(changes[i], loop.carried[i].value_type) for i in active]
    rows: list[Expr] = []
    for i in live:
        change = changes[attr.carries + i]
        assert change is not None
        rows.append(change)
    found: list[Change] = [None] * (int(attr.counted) + attr.carries + attr.stacked)
    if not active and not live:
        return found
    results = emitted(
        loop,
        Looped(
            k=loop.k,
            carries=carries,
            outputs=outputs,
            rows=rows,
            scans=[(seeds[s], initial[s]) for s in loop.slices if s in seeds],
            backward=attr.backward,
            checkpoint=attr.checkpoint,
            length=attr.length,
            given={seeds[s]: initial[s] for s in loop.captured if s in seeds},
        ),
    )
    for position, i in enumerate(active):
        found[int(attr.counted) + i] = results[position]
    for position, i in enumerate(live):
        found[int(attr.counted) + attr.carries + i] = results[len(active) + position]
    return found
