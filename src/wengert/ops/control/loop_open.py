"""A loop with its body opened on fresh symbols, and the loop emitted again with more or less in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ir.walk import leaves, order
from wengert.ops.control.item import items
from wengert.ops.control.looped import Loop, Looped, closed_loop
from wengert.ops.control.merged import merged_nodes
from wengert.ops.control.regions import joined, opened, opening
from wengert.ops.leaves import fresh

__all__ = ["OpenLoop", "element", "emitted", "open_loop"]


@dataclass(frozen=True, kw_only=True)
class OpenLoop:
    """A loop with its body opened on fresh symbols (captures first: they are older than what is bound)."""

    attr: Loop
    trip: Expr | None
    inits: tuple[Expr, ...]
    arrays: tuple[Expr, ...]
    captures: tuple[Expr, ...]
    captured: tuple[Expr, ...]
    k: Expr
    carried: tuple[Expr, ...]
    slices: tuple[Expr, ...]
    outputs: tuple[Expr, ...]
    rows: tuple[Expr, ...]

    @property
    def arguments(self) -> tuple[Expr, ...]:
        """What the loop is given, but for the trip count."""
        return (*self.inits, *self.arrays, *self.captures)

    @property
    def symbols(self) -> tuple[Expr, ...]:
        """The symbols that stand in the body for :attr:`arguments`."""
        return (*self.carried, *self.slices, *self.captured)


def open_loop(args: Sequence[Expr], attr: Loop) -> OpenLoop:
    given = list(args)
    trip = given.pop(0) if attr.trip else None
    first, second = attr.carries, attr.carries + attr.scans
    symbols = opening(attr.body, [*[None] * (1 + second), *given[second:]])
    k, *bound = symbols[: 1 + second]
    carried, slices = tuple(bound[:first]), tuple(bound[first:])
    captured = tuple(symbols[1 + second :])
    outputs = opened(attr.body, symbols)
    return OpenLoop(
        attr=attr,
        trip=trip,
        inits=tuple(given[:first]),
        arrays=tuple(given[first:second]),
        captures=tuple(given[second:]),
        captured=captured,
        k=k,
        carried=carried,
        slices=slices,
        outputs=tuple(outputs[:first]),
        rows=tuple(outputs[first:]),
    )


def emitted(loop: OpenLoop, added: Looped, finals: Sequence[int] = ()) -> tuple[Expr, ...]:
    """The loop with further carries, scans and rows; only its own carries that these need stay.

    Returns the count (if ``added.counted``), the final values of the further carries, the rows, and the
    final values of its own carries ``finals``.
    """
    attr = loop.attr
    kept = needed_carries(loop, [*added.outputs, *added.rows], finals)
    used = set(order([*(loop.outputs[i] for i in kept), *added.outputs, *added.rows]))
    scans = [(s, a) for s, a in zip(loop.slices, loop.arrays, strict=True) if s in used]
    carried = [*(loop.outputs[i] for i in kept), *added.outputs]
    moving = [*(symbol for symbol, _ in [*added.carries, *added.scans]), *(added.given or {})]
    together = merged_nodes([*carried, *added.rows], inside=[loop.k, *loop.symbols, *moving])
    node = closed_loop(
        Looped(
            k=loop.k,
            carries=[*((loop.carried[i], loop.inits[i]) for i in kept), *added.carries],
            outputs=together[: len(carried)],
            rows=together[len(carried) :],
            scans=[*scans, *added.scans],
            trip=loop.trip,
            go=attr.go,
            counted=added.counted,
            backward=attr.backward,
            checkpoint=added.checkpoint,
            length=added.length,
            given={**dict(zip(loop.captured, loop.captures, strict=True)), **(added.given or {})},
        ),
    )
    found = items(node)
    first = int(added.counted)
    own = [found[first + kept.index(i)] for i in finals]
    return (*found[:first], *found[first + len(kept) :], *own)


def needed_carries(
    loop: OpenLoop, outputs: Sequence[Expr], finals: Sequence[int] = ()
) -> list[int]:
    """The loop's own carries that outputs of its body depend on, across iterations, and ``finals``."""
    place = {s: i for i, s in enumerate(loop.carried)}
    kept = {*finals, *([0] if loop.attr.go else [])}
    while True:
        used = leaves([*outputs, *(loop.outputs[i] for i in kept)])
        more = {place[s] for s in used if s in place} - kept
        if not more:
            return sorted(kept)
        kept |= more


def element(array: Expr, type_: Type) -> Expr:
    """A symbol for one slice of an array of changes, usually of the given type."""
    slice_ = array.value_type.with_shape(array.shape[1:])
    return fresh(joined(slice_, type_, "change of a scanned array"), "t")
