"""The adjoint of a loop is a loop backwards over the iterations that were executed.

First the loop once more, now also stacking what the adjoint reads of an iteration. Then, from the last
iteration to the first, the body is repeated from the stacked values and its cotangents are pulled back:

* those of carries go from carry to carry, those of captures add up in carries of their own;
* those of scanned arrays are stacked, those of stacked results are scanned.

The number of iterations of a ``while`` is known by then. Where no iteration was executed, captures get a
strong zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ir.walk import depends_on, leaves, order, substitute
from wengert.ops.algebra import lift, plus
from wengert.ops.choice import gt
from wengert.ops.control.accumulate import in_place
from wengert.ops.control.changes import (
    Change,
    Transforms,
    batch_of,
    change_type,
    differentiable,
    or_zeros,
    result_types,
    strong,
    zeros_of,
)
from wengert.ops.control.item import ITEM, items
from wengert.ops.control.lengths import told_by
from wengert.ops.control.loop_checkpoint import Step, reversed_by_parts
from wengert.ops.control.loop_open import OpenLoop, element, emitted, open_loop
from wengert.ops.control.looped import Loop, Looped, closed_loop
from wengert.ops.control.merged import merged_nodes
from wengert.ops.control.regions import unbound
from wengert.ops.control.saving import (
    Row,
    affine_integers,
    computed_by_loop,
    price_of,
    row_of,
    what_to_save,
)
from wengert.ops.control.undo import undo_of
from wengert.ops.einstein import transpose
from wengert.ops.gathering import set_at
from wengert.ops.leaves import CONSTANT, ZERO, fresh

__all__ = ["loop_vjp"]


@dataclass(frozen=True, kw_only=True)
class _Pulled:
    """One iteration backwards, in symbols: cotangents of carries from carry to carry, and contributions."""

    carried: dict[int, Expr]  # symbol of the cotangent after the iteration, by carry
    outputs: dict[int, Change]  # the cotangent before it
    rows: list[tuple[Expr, Expr]]  # symbol and array of the cotangents of stacked results
    slices: dict[int, Expr]  # cotangents of elements of scanned arrays
    captures: dict[int, Expr]  # contributions to cotangents of captures


def loop_vjp(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Sequence[Change],
    out: Expr,
    *,
    attr: Loop,
    diff: Transforms,
) -> list[Change]:
    """Cotangents of the wanted arguments for cotangents of the results."""
    loop = open_loop(args, attr)
    batch = batch_of(ct, result_types(out))
    first = int(attr.trip)
    wanted_symbols = {
        s
        for s, want in zip(loop.symbols, wanted[first:], strict=True)
        if want and differentiable(s)
    }
    cotangents = list(ct)[int(attr.counted) :]
    pulled = _pull(loop, wanted_symbols, cotangents, batch, diff)
    found: list[Change] = [None] * len(args)
    if pulled is None:
        return found
    results = _backward_loop(loop, pulled, cotangents, batch)
    for position, symbol in enumerate(loop.symbols):
        if symbol in wanted_symbols:
            found[first + position] = results.get(symbol)
    return found


def varied(loop: OpenLoop, wanted: set[Expr]) -> set[Expr]:
    """Symbols of the body that change with the wanted ones, across iterations."""
    found = set(wanted)
    nodes = order(loop.outputs)
    while True:
        reached = depends_on(nodes, found)
        more = {
            s
            for s, output in zip(loop.carried, loop.outputs, strict=True)
            if output in reached and s not in found and differentiable(s)
        }
        if not more:
            return found
        found |= more


def _pull(
    loop: OpenLoop,
    wanted: set[Expr],
    cotangents: Sequence[Change],
    batch: tuple[Extent, ...],
    diff: Transforms,
) -> _Pulled | None:
    carries = loop.attr.carries
    moving = varied(loop, wanted)
    wrt = [s for s in loop.symbols if s in moving]
    rows: list[tuple[Expr, Expr]] = []
    row_seeds: list[Change] = [None] * len(loop.rows)
    for i, ct in enumerate(cotangents[carries:]):
        if ct is not None:
            array = _rows_first(ct, len(batch))
            seed = element(array, change_type(loop.rows[i].value_type, batch))
            row_seeds[i] = seed
            rows.append((seed, array))
    seeds: dict[int, Expr] = {}

    def start(i: int) -> None:
        seeds[i] = fresh(change_type(loop.carried[i].value_type, batch), "ct")

    for i, symbol in enumerate(loop.carried):
        if cotangents[i] is not None and symbol in moving:
            start(i)
    while True:
        given = [seeds.get(i) for i in range(carries)] + row_seeds
        changes = dict(zip(wrt, diff.vjp([*loop.outputs, *loop.rows], given, wrt), strict=True))
        started = [
            i for i, s in enumerate(loop.carried) if changes.get(s) is not None and i not in seeds
        ]
        if not started:
            break
        for i in started:
            start(i)
    if not seeds and not rows:
        return None

    def contributions(symbols: Sequence[Expr]) -> dict[int, Expr]:
        return {
            i: change
            for i, s in enumerate(symbols)
            if s in wanted and (change := changes.get(s)) is not None
        }

    return _Pulled(
        carried=seeds,
        outputs={i: changes.get(loop.carried[i]) for i in seeds},
        rows=rows,
        slices=contributions(loop.slices),
        captures=contributions(loop.captured),
    )


def _rows_first(ct: Expr, batch: int) -> Expr:
    """The cotangent of a stacked result with the axis of iterations in front of extra leading axes."""
    if not batch:
        return ct
    rest = range(batch + 1, ct.ndim)
    return transpose(ct, (batch, *range(batch), *rest))


def _rows_last(ct: Expr, batch: int) -> Expr:
    """The reverse of :func:`_rows_first`."""
    if not batch:
        return ct
    rest = range(batch + 1, ct.ndim)
    return transpose(ct, (*range(1, batch + 1), 0, *rest))


def _backward_loop(
    loop: OpenLoop, pulled: _Pulled, cotangents: Sequence[Change], batch: tuple[Extent, ...]
) -> dict[Expr, Change]:
    """Runs the iterations backwards; cotangents by symbol of the body."""
    carries: list[tuple[Expr, Expr]] = []
    outputs: list[Expr] = []
    for i, seed in pulled.carried.items():
        type_ = change_type(loop.carried[i].value_type, batch)
        carries.append((seed, or_zeros(cotangents[i], type_)))
        outputs.append(or_zeros(pulled.outputs[i], type_))
    for i, change in pulled.captures.items():
        type_ = change_type(loop.captured[i].value_type, batch)
        (total,) = unbound([type_], "sum")
        carries.append((total, zeros_of(type_)))
        outputs.append(plus(total, change))
    rows = list(pulled.slices.values())
    if loop.attr.checkpoint is not None:
        return _by_parts(loop, pulled, carries, in_place(outputs), rows, batch)
    tape = _recorded(loop, in_place([*outputs, *rows]))
    trip = tape.trip
    moving = [loop.k, *loop.symbols, *(symbol for symbol, _ in [*tape.states, *tape.saved])]
    changed = merged_nodes([*tape.restored, *tape.outputs], inside=moving)
    count = len(tape.restored)
    restored, changed = changed[:count], changed[count:]
    outputs, rows = changed[: len(outputs)], changed[len(outputs) :]
    used = set(leaves([*restored, *changed]))
    # Rows have one extent; arrays of another (the loop may read less than is there) are filled in place.
    length = next((loop.arrays[i].shape[0] for i in pulled.slices), None)
    stacked = [loop.arrays[i].shape[0] == length for i in pulled.slices]
    filled: list[tuple[Expr, Expr]] = []
    for i, row, together in zip(pulled.slices, rows, stacked, strict=True):
        if not together:
            type_ = row.value_type.with_shape((loop.arrays[i].shape[0], *row.shape))
            (stack,) = unbound([change_type(type_)], "stack")
            filled.append((stack, zeros_of(type_)))
            restored = [*restored, set_at(stack, row, loop.k)]
    node = closed_loop(
        Looped(
            k=loop.k,
            carries=[*carries, *tape.states, *filled],
            outputs=[*outputs, *restored],
            rows=[row for row, together in zip(rows, stacked, strict=True) if together],
            scans=[
                *((s, a) for s, a in zip(loop.slices, loop.arrays, strict=True) if s in used),
                *pulled.rows,
                *tape.saved,
            ],
            trip=trip,
            backward=not loop.attr.backward,
            length=length,
            given=dict(zip(loop.captured, loop.captures, strict=True)),
        ),
    )
    found = items(node)
    first = len(carries) + count
    arrays, left = iter(found[first : first + len(filled)]), iter(found[first + len(filled) :])
    slices = [next(left if together else arrays) for together in stacked]
    return _by_symbol(loop, pulled, [*found[: len(carries)], *slices], trip, len(carries), batch)


def _by_parts(
    loop: OpenLoop,
    pulled: _Pulled,
    carries: Sequence[tuple[Expr, Expr]],
    outputs: Sequence[Expr],
    rows: Sequence[Expr],
    batch: tuple[Extent, ...],
) -> dict[Expr, Change]:
    """The same with a few copies of the carried values."""
    trip = loop.trip
    if loop.attr.go:
        nothing = Looped(k=loop.k, carries=(), outputs=(), counted=True)
        (trip,) = emitted(loop, nothing)
    assert trip is not None, "a loop has a trip count or a flag"
    step = Step([s for s, _ in carries], list(outputs), pulled.rows, list(rows))
    stacks = [
        zeros_of(row.value_type.with_shape((loop.arrays[i].shape[0], *row.shape)))
        for i, row in zip(pulled.slices, rows, strict=True)
    ]
    results = reversed_by_parts(loop, step, trip, [start for _, start in carries], stacks)
    return _by_symbol(loop, pulled, results, trip, len(carries), batch)


def _by_symbol(
    loop: OpenLoop,
    pulled: _Pulled,
    results: Sequence[Expr],
    trip: Expr,
    first: int,
    batch: tuple[Extent, ...],
) -> dict[Expr, Change]:
    """Cotangents by symbol of the body; those of scanned arrays start at ``first``."""
    found: dict[Expr, Change] = {}
    for position, i in enumerate(pulled.carried):
        found[loop.carried[i]] = results[position]
    executed = _whether_executed(trip)
    for position, i in enumerate(pulled.captures, start=len(pulled.carried)):
        change = results[position]
        found[loop.captured[i]] = change if executed is None else strong(executed, change)
    for position, i in enumerate(pulled.slices, start=first):
        found[loop.slices[i]] = _rows_last(results[position], len(batch))
    return found


def _whether_executed(trip: Expr) -> Expr | None:
    """Whether there is any iteration; ``None`` if there surely is."""
    if trip.op is CONSTANT and int(trip.attr) > 0:
        return None
    return gt(trip, ZERO)


@dataclass(frozen=True, kw_only=True)
class _Tape:
    """What the loop has saved for its adjoint."""

    trip: Expr
    saved: list[tuple[Expr, Expr]]  # symbols and stacked arrays
    states: list[tuple[Expr, Expr]]  # arrays that are restored: symbol, and value after the loop
    restored: list[Expr]  # these arrays before an iteration
    outputs: list[Expr]  # the outputs in terms of all that


def _recorded(loop: OpenLoop, outputs: Sequence[Expr]) -> _Tape:
    """The loop once more, saving what the given outputs read of it."""
    loop, outputs = _united(loop, substitute(outputs, affine_integers(loop)))
    undone = _undone(loop, outputs)
    loop, outputs, rows = _with_records(loop, outputs, [row for one in undone for row in one.rows])
    symbols = [symbol for one in undone for symbol in one.symbols]
    restored = [one.restored for one in undone]
    change = {loop.outputs[one.place]: one.state for one in undone}
    change |= {loop.carried[one.place]: one.restored for one in undone}
    # What stood where something is written is saved to restore the array; whoever reads it too has it.
    change |= {row.value: row.read(s) for row, s in zip(rows, symbols, strict=True)}
    outputs = [*substitute(outputs, change), *restored]
    kept = what_to_save(loop, outputs)
    if loop.attr.stacked and told_by(loop.attr) and not rows and not kept:
        kept = [Row(lift(True), ())]  # cotangents of rows have the length that only rows tell
    rows += kept
    added = unbound((row.type for row in kept), "saved")
    counted = loop.attr.go
    finals = [one.place for one in undone]
    results: tuple[Expr, ...] = ()
    if rows or counted:
        wanted = Looped(
            k=loop.k,
            carries=(),
            outputs=(),
            rows=[row.filled for row in rows],
            counted=counted,
            length=loop.attr.length,
        )
        results = emitted(loop, wanted, finals)
    trip = results[0] if counted else loop.trip
    assert trip is not None, "a loop has a trip count or a flag"
    stacks = results[int(counted) : int(counted) + len(rows)]
    ends = results[int(counted) + len(rows) :]
    read = {row.value: row.read(symbol) for row, symbol in zip(kept, added, strict=True)}
    changed = substitute(outputs, read)
    first = len(outputs) - len(restored)
    return _Tape(
        trip=trip,
        saved=list(zip([*symbols, *added], stacks, strict=True)),
        states=[(one.state, end) for one, end in zip(undone, ends, strict=True)],
        restored=changed[first:],
        outputs=changed[:first],
    )


def _united(loop: OpenLoop, outputs: Sequence[Expr]) -> tuple[OpenLoop, list[Expr]]:
    """The loop and what reads it, where loops inside of both are one."""
    everything = [*loop.outputs, *outputs]
    ours = set(computed_by_loop(loop, order(everything)))
    united = merged_nodes(everything, ours, inside=[loop.k, *loop.symbols])
    count = len(loop.outputs)
    return replace(loop, outputs=tuple(united[:count])), united[count:]


def _with_records(
    loop: OpenLoop, outputs: Sequence[Expr], rows: Sequence[Row]
) -> tuple[OpenLoop, list[Expr], list[Row]]:
    """The same with rows, where loops inside of all that are one."""
    if not any(row.value.op is ITEM for row in rows):
        return loop, list(outputs), list(rows)
    loop, united = _united(loop, [*outputs, *(row.value for row in rows)])
    count = len(outputs)
    values = united[count:]
    return loop, united[:count], [Row(v, r.shape) for v, r in zip(values, rows, strict=True)]


@dataclass(frozen=True, kw_only=True)
class _Undone:
    """A carried array that is restored going backwards."""

    place: int
    rows: list[Row]
    symbols: tuple[Expr, ...]
    state: Expr  # the array after the iteration
    restored: Expr  # and before it


def _undone(loop: OpenLoop, outputs: Sequence[Expr]) -> list[_Undone]:
    """The carried arrays that are cheaper restored than saved as a whole."""
    known: dict[Expr, _Undone] = {}
    prices: dict[Expr, int] = {}
    read = set(order(outputs))
    for place, (symbol, output) in enumerate(zip(loop.carried, loop.outputs, strict=True)):
        wanted = symbol.ndim and (symbol in read or output in read)
        undo = undo_of(output, symbol) if wanted else None
        if undo is None:
            continue
        found = [row_of(loop, record) for record in undo.records]
        rows = [row for row in found if row is not None]
        if len(rows) < len(found):
            continue
        prices[symbol] = prices[output] = sum(map(price_of, rows))
        state = fresh(symbol.value_type, "state")
        symbols = unbound((row.type for row in rows), "old")
        values = [row.read(s) for row, s in zip(rows, symbols, strict=True)]
        known[symbol] = known[output] = _Undone(
            place=place,
            rows=rows,
            symbols=symbols,
            state=state,
            restored=undo.restore(state, values),
        )
    if not known:
        return []
    chosen = what_to_save(loop, outputs, prices)
    picked = {
        known[row.value].place: known[row.value]
        for row in chosen
        if row.value in known and prices[row.value] < price_of(row)
    }
    return list(picked.values())
