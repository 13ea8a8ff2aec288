"""Loops over one axis, cut into blocks of it: one loop over blocks with all of them inside.

What the loops hand to each other then is as long as a block, and stays in the cache. A block's items are
worked on in one of two ways:

* in **rows**: the loops stay as they are, over the items of the block. Right where each item is a long row
  that is read once, and the loops inside run along it;
* side by side, in **lanes**: the loop over the items of the block becomes the innermost one, and memory of
  the block has the items last. Right where the work on an item is more than what is read of it: whatever is
  done for one item is then done for all of them with the same instructions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ir.walk import order
from wengert.lower.changes import expressions
from wengert.lower.nest import (
    Accumulate,
    Assign,
    Block,
    Buffer,
    Check,
    For,
    Statement,
    Store,
    read,
    variable,
)
from wengert.lower.renamed import Renaming
from wengert.lower.uses import Places, uses_of
from wengert.lower.values import COUNTER, combination, of_type, reads
from wengert.ops.choice import floor_divide, minimum
from wengert.ops.leaves import CONSTANT, const, size
from wengert.ops.sums import add, scale, subtract

__all__ = ["Tile", "tiled"]

# Items of a block: some vectors of any machine, few enough for the cache.
ITEMS = 32
# Operations on each item from which on lanes are better, even if what they store is not side by side.
MUCH = 200
# Axes known to be shorter are not worth it.
SHORT = 16


@dataclass(frozen=True, eq=False)
class Tile(For):
    """A loop over blocks of an axis; in ``rows``, or in lanes."""

    rows: bool = False


def tiled(
    loops: Sequence[For], private: set[Buffer], own: set[Buffer], locals_: list[Buffer]
) -> list[Tile] | None:
    """Loops of as many iterations as loops over blocks of them; ``None`` where that would not help.

    ``private`` are local buffers that only these loops use, at their counters; ``own`` are such that each
    iteration uses anew.
    """
    trip = loops[0].trip
    known = int(trip.attr) if trip.op is CONSTANT else None
    if known is not None and known < SHORT:
        return None
    if _streams(loops, private | own):
        return [_in_rows(loops, trip, private, locals_)] if len(loops) > 1 else None
    if not all(_swaps(loop) for loop in loops):
        return None
    return _in_lanes(loops, trip, known, private, own, locals_)


# --- which way -----------------------------------------------------------------------------------------
def _streams(loops: Sequence[For], private: set[Buffer]) -> bool:
    """Whether the deepest loops go once through what they read, or store without much work on each item."""
    deepest, read_once, stored_once, work = 0, False, False, 0
    for loop in loops:
        for inner, statement in _flat(loop):
            use = uses_of(statement)
            work += len(order(expressions(statement)))
            if len(inner) > deepest:
                deepest, read_once, stored_once = len(inner), False, False
            if len(inner) == deepest:
                read_once |= _goes_through(use.reads, loop, inner, private)
                stored_once |= _goes_through(use.stores, loop, inner, private)
    return read_once or (stored_once and work < MUCH)


def _goes_through(
    accesses: Mapping[Buffer, Collection[Places]],
    loop: For,
    inner: Sequence[Expr],
    private: set[Buffer],
) -> bool:
    """Whether something in loops inside is at a place of its own for each item and each iteration."""
    return any(
        all(any(_mentions(p, c) for p in place) for c in (loop.counter, *inner))
        for buffer, places in accesses.items()
        if buffer not in private
        for place in places
    )


def _flat(loop: For) -> list[tuple[tuple[Expr, ...], Statement]]:
    """The statements in a loop that are none, with the counters of the loops inside around each."""
    found: list[tuple[tuple[Expr, ...], Statement]] = []
    waiting: list[tuple[tuple[Expr, ...], Block]] = [((), loop.body)]
    while waiting:
        inner, block = waiting.pop()
        for statement in block:
            if isinstance(statement, For):
                waiting.append(((*inner, statement.counter), statement.body))
            else:
                found.append((inner, statement))
    return found


def _mentions(place: Expr, counter: Expr) -> bool:
    return place is counter or counter in order([place])


def _swaps(loop: For) -> bool:
    """Whether the loops inside run as often for every item."""
    changing = {loop.counter, *_assigned(loop)}
    waiting = [loop.body]
    while waiting:
        for statement in waiting.pop():
            if isinstance(statement, For):
                if statement.backward or not changing.isdisjoint(order([statement.trip])):
                    return False
                if reads(statement.trip):
                    return False
                waiting.append(statement.body)
            elif not isinstance(statement, (Assign, Accumulate, Store, Check)):
                return False
    return True


# --- in rows -------------------------------------------------------------------------------------------
def _in_rows(loops: Sequence[For], trip: Expr, private: set[Buffer], locals_: list[Buffer]) -> Tile:
    smaller = {b: Buffer(b.name, b.dtype, (ITEMS, *b.shape[1:])) for b in private}
    locals_ += smaller.values()
    block = variable(COUNTER, "block")
    start = scale(ITEMS, block)
    items = minimum(const(ITEMS), subtract(trip, start))
    body = Block()
    for loop in loops:
        item = variable(COUNTER, "item")
        shifted = add(start, item)

        def moved(buffer: Buffer, places: Places) -> tuple[Buffer, Places]:
            if buffer not in smaller:
                return buffer, places
            return smaller[buffer], (item, *places[1:])  # noqa: B023  used at once

        renaming = Renaming({loop.counter: shifted}, moved)
        body.add(For(item, items, renaming.block(loop.body), parallel=True))
    blocks = floor_divide(add(trip, const(ITEMS - 1)), const(ITEMS))
    return Tile(block, blocks, body, parallel=True, rows=True)


# --- in lanes ------------------------------------------------------------------------------------------
def _in_lanes(
    loops: Sequence[For],
    trip: Expr,
    known: int | None,
    private: set[Buffer],
    own: set[Buffer],
    locals_: list[Buffer],
) -> list[Tile]:
    """Blocks of a fixed number of items, and what remains as one more."""
    lanes = _Lanes(loops, private, own, locals_)
    found: list[Tile] = []
    whole: Expr = floor_divide(trip, const(ITEMS))
    if known is None or known >= ITEMS:
        block = variable(COUNTER, "block")
        body = lanes.body(scale(ITEMS, block), const(ITEMS))
        found.append(Tile(block, whole, body, parallel=True))
    if known is None or known % ITEMS:
        once = variable(COUNTER, "once")
        start = scale(ITEMS, whole) if known is None else const(known // ITEMS * ITEMS)
        items = subtract(trip, start)
        times: Expr = minimum(const(1), items)
        found.append(Tile(once, times, lanes.body(start, items), parallel=True))
    return found


@dataclass
class _Flat:
    """Statements without loops, which stand together."""

    statements: list[Statement]


@dataclass
class _Nested:
    """A loop with what is in it."""

    loop: For
    inside: list[_Flat | _Nested]


class _Lanes:
    """Writes the items of a block side by side."""

    def __init__(
        self,
        loops: Sequence[For],
        private: set[Buffer],
        own: set[Buffer],
        locals_: list[Buffer],
    ) -> None:
        self.loops = loops
        self.locals = locals_
        self.trees = [_tree(loop.body) for loop in loops]
        self.private = sorted(private, key=lambda b: b.name)
        self.smaller = {
            b: self.local(b, (*b.shape[1:], ITEMS)) for b in self.private if len(b.shape) > 1
        }
        self.own = {b: self.local(b, (*b.shape, ITEMS)) for b in own}
        self.apart = self._apart()
        self.shared = sorted(_shared(self.trees), key=lambda node: node.serial)
        self.spread: dict[Expr, Buffer] = {}
        self.versions = count(1000)  # of memory that is private to a block

    def local(self, like: Buffer, shape: tuple[object, ...]) -> Buffer:
        buffer = Buffer(like.name, like.dtype, shape)  # type: ignore[arg-type]  # extents
        self.locals.append(buffer)
        return buffer

    def _apart(self) -> dict[Buffer, Buffer]:
        """Arrays with a row for each item that are read again and again: where a block of them lies."""
        found: dict[Buffer, Buffer] = {}
        for loop in self.loops:
            for inner, statement in _flat(loop):
                for buffer, places in uses_of(statement).reads.items():
                    if buffer in found or buffer in self.smaller or buffer in self.own:
                        continue
                    if len(buffer.shape) < 2 or _stores_to(self.loops, buffer):
                        continue
                    if any(
                        place[0] is loop.counter
                        and any(not any(_mentions(p, c) for p in place[1:]) for c in inner)
                        for place in places
                    ):
                        found[buffer] = self.local(buffer, (*buffer.shape[1:], ITEMS))
        return found

    def body(self, start: Expr, items: Expr) -> Block:
        """The loops for so many items from some start on."""
        # One number of each item stays in registers where all places are known: each body has its own.
        for v in self.shared:
            like = Buffer(f"{v.attr.name}s", v.value_type.dtype, ())
            self.spread[v] = self.local(like, (ITEMS,))
        for b in self.private:
            if len(b.shape) == 1:
                self.smaller[b] = self.local(b, (ITEMS,))
        body = Block()
        for buffer, near in self.apart.items():
            item = variable(COUNTER, "item")
            axes = tuple(variable(COUNTER, "i") for _ in buffer.shape[1:])
            value = read(buffer, (add(start, item), *axes))
            nest = Block([Store(near, (*axes, item), value)])
            nest = Block([For(item, items, nest, parallel=True)])
            for axis, extent in zip(reversed(axes), reversed(buffer.shape[1:]), strict=True):
                trip = const(extent) if isinstance(extent, int) else size(extent)
                nest = Block([For(axis, trip, nest, parallel=True)])
            for each in nest:
                body.add(each)
        for loop, tree in zip(self.loops, self.trees, strict=True):
            writer = _Writer(self, loop, start, items)
            for each in writer.statements(tree):
                body.add(each)
        return body


class _Writer:
    """One of the loops, for the items of a block."""

    def __init__(self, lanes: _Lanes, loop: For, start: Expr, items: Expr) -> None:
        self.lanes, self.loop, self.items = lanes, loop, items
        self.item = variable(COUNTER, "item")
        # The body is written several times: each has variables of its own.
        mine = {v: variable(v.value_type, "t") for v in _assigned(loop) if v not in lanes.spread}
        mine |= {c: variable(COUNTER, "i") for c in _counters(loop)}
        self.renaming = Renaming({**mine, loop.counter: add(start, self.item)}, self.moved)
        self.shifted = self.renaming.variables[loop.counter]

    def moved(self, buffer: Buffer, places: Places) -> tuple[Buffer, Places]:
        found = self.lanes.smaller.get(buffer)
        if found is not None:
            return found, (*places[1:], self.item)
        if buffer in self.lanes.own:
            return self.lanes.own[buffer], (*places, self.item)
        if places and places[0] is self.shifted and buffer in self.lanes.apart:
            return self.lanes.apart[buffer], (*places[1:], self.item)
        return buffer, places

    def statements(self, tree: Sequence[_Flat | _Nested]) -> list[Statement]:
        found: list[Statement] = []
        for each in tree:
            if isinstance(each, _Flat):
                found += self.side_by_side(each.statements)
            else:
                loop = each.loop
                body = Block(self.statements(each.inside))
                counter = self.renaming.variable(loop.counter)
                trip = self.renaming.expr(loop.trip)
                found.append(For(counter, trip, body, parallel=loop.parallel))
        return found

    def side_by_side(self, statements: Sequence[Statement]) -> list[Statement]:
        """Statements for all items; sums over the items into one place are put there once."""
        renaming = self.renaming
        before: list[Statement] = []
        after: list[Statement] = []
        body = Block()
        for statement in statements:
            match statement:
                case Assign() if statement.variable in self.lanes.spread:
                    self.put(body, statement.variable, renaming.expr(statement.value))
                case Accumulate() if statement.variable in self.lanes.spread:
                    value = renaming.expr(statement.value)
                    if statement.kind == "add":
                        self.put(body, statement.variable, value, adds=True)
                    else:
                        now = renaming.expr(statement.variable)
                        self.put(body, statement.variable, combination(statement.kind, now, value))
                case Store() if statement.adds and self.is_one_place(statement):
                    store = renaming.statement(statement)
                    assert isinstance(store, Store)
                    dtype = store.buffer.dtype
                    total = variable(Type(dtype), "total")  # type: ignore[arg-type]  # of a Type
                    before.append(Assign(total, of_type(const(0), dtype)))
                    body.add(Accumulate(total, "add", of_type(store.value, dtype)))
                    after.append(Store(store.buffer, store.places, total, adds=True))
                case Check() if not self.varies(statement.condition):
                    before.append(renaming.statement(statement))
                case Check():
                    fine = variable(Type("bool"), "fine")
                    before.append(Assign(fine, const(True)))
                    body.add(Accumulate(fine, "and", renaming.expr(statement.condition)))
                    after.append(Check(fine, statement.code))
                case _:
                    body.add(renaming.statement(statement))
        return [*before, For(self.item, self.items, body, parallel=True), *after]

    def put(self, body: Block, node: Expr, value: Expr, *, adds: bool = False) -> None:
        """A number of each item, in memory of the block."""
        buffer = self.lanes.spread[node]
        body.add(Store(buffer, (self.item,), of_type(value, buffer.dtype), adds))
        self.renaming.variables[node] = of_type(
            read(buffer, (self.item,), next(self.lanes.versions)), node.value_type.dtype
        )
        self.renaming.forget()

    def is_one_place(self, store: Store) -> bool:
        """Whether all items add to the same place."""
        return not any(self.varies(p) for p in store.places)

    def varies(self, node: Expr) -> bool:
        """Whether a number may be another one for each item."""
        changing = {self.loop.counter, *_assigned(self.loop)}
        return not changing.isdisjoint(order([node])) or any(
            r.attr.buffer.role in ("local", "output") for r in reads(node)
        )


# --- what stands where ---------------------------------------------------------------------------------
def _tree(block: Block) -> list[_Flat | _Nested]:
    found: list[_Flat | _Nested] = []
    for statement in block:
        if isinstance(statement, For):
            found.append(_Nested(statement, _tree(statement.body)))
        elif found and isinstance(found[-1], _Flat) and not _checks(found[-1]):
            found[-1].statements.append(statement)
        else:
            found.append(_Flat([statement]))
    return found


def _checks(flat: _Flat) -> bool:
    """Whether what follows may rely on what is checked for all items first."""
    return any(isinstance(s, Check) for s in flat.statements)


def _shared(trees: Sequence[Sequence[_Flat | _Nested]]) -> set[Expr]:
    """Variables that are given values in some statements and used in others that stand apart."""
    homes: dict[Expr, set[int]] = {}
    given: set[Expr] = set()
    waiting = [each for tree in trees for each in tree]
    while waiting:
        each = waiting.pop()
        if isinstance(each, _Nested):
            waiting.extend(each.inside)
            continue
        for statement in each.statements:
            use = uses_of(statement)
            for node in use.used | use.given:
                homes.setdefault(node, set()).add(id(each))
            if isinstance(statement, Assign):
                given.add(statement.variable)
    return {v for v in given if len(homes[v]) > 1}


def _assigned(loop: For) -> list[Expr]:
    return [s.variable for _, s in _flat(loop) if isinstance(s, Assign)]


def _counters(loop: For) -> list[Expr]:
    """The counters of the loops inside."""
    found: list[Expr] = []
    waiting = [loop.body]
    while waiting:
        for statement in waiting.pop():
            if isinstance(statement, For):
                found.append(statement.counter)
                waiting.append(statement.body)
    return found


def _stores_to(loops: Sequence[For], buffer: Buffer) -> bool:
    return any(buffer in uses_of(loop).stores for loop in loops)
