"""Loops over the same axis that hand arrays to each other become one.

Statements that do not depend on each other may be put in another order. Loops with as many iterations, whose
iterations read and write what they share only at their own place of the first axis, become one loop
(`merged`), or, where they have loops inside and are not in such a loop themselves, loops over one block of
the axis after the other (`tiles`). What such a loop stores for itself alone then needs no memory, or that of
a block. Both keep the order of all additions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from wengert.lower.changes import blocks, with_bodies
from wengert.lower.nest import (
    Assign,
    Block,
    Buffer,
    For,
    If,
    Program,
    Statement,
    Store,
    variable,
)
from wengert.lower.parallel import is_own
from wengert.lower.renamed import Renaming
from wengert.lower.tiles import Tile, tiled
from wengert.lower.uses import Uses, uses_of
from wengert.lower.zeros import zeros_of
from wengert.ops.layout import cast

__all__ = ["fused"]

# Where a block stands: outside of all tiles; in one whose loops stay apart unless they are flat; in another.
Level = Literal["outer", "flat", "inner"]

# More statements in one block are left as they are: looking for loops that fit costs their square.
MOST = 400
# Loops of more statements than that are left alone.
LARGEST = 300


def fused(program: Program, *, tiles: bool = True) -> Program:
    """The same program with fewer loops and less memory; ``tiles``: also in blocks of an axis."""
    locals_ = list(program.locals)
    body = _Fusing(locals_).block(program.body, set(), "outer" if tiles else "inner")
    body = without_dead_stores(body)
    alive = _mentioned(body)
    return replace(program, locals=tuple([b for b in locals_ if b in alive]), body=body)


@dataclass
class _Cluster:
    """Statements that become one: a single one, or loops."""

    members: list[int]
    needs: set[int] = field(default_factory=set)  # statements that come first


class _Fusing:
    """A whole program, whose local buffers get more and fewer."""

    def __init__(self, locals_: list[Buffer]) -> None:
        self.locals = locals_

    def block(self, block: Block, elsewhere: set[Buffer], level: Level) -> Block:
        """A block with its loops fused, and theirs; ``elsewhere`` are buffers that others use too."""
        statements = list(block)
        loops = sum(isinstance(s, For) for s in statements)
        if len(statements) <= MOST and (loops > 1 or (loops and level == "outer")):
            statements = self.fuse(statements, elsewhere, level)
        if not any(blocks(s) for s in statements):
            return Block(statements)
        uses = [uses_of(s).buffers() for s in statements]
        counts = Counter(b for mine in uses for b in mine)
        return Block(
            [
                self.inside(s, {b for b in mine if counts[b] > 1 or b in elsewhere}, level)
                for s, mine in zip(statements, uses, strict=True)
            ]
        )

    def inside(self, statement: Statement, elsewhere: set[Buffer], level: Level) -> Statement:
        if isinstance(statement, Tile):
            body = self.block(statement.body, elsewhere, "flat" if statement.rows else "inner")
            return For(statement.counter, statement.trip, body, parallel=True)
        if level == "flat":
            level = "inner"
        return with_bodies(statement, lambda body: self.block(body, elsewhere, level))

    def fuse(
        self, statements: list[Statement], elsewhere: set[Buffer], level: Level
    ) -> list[Statement]:
        """Statements of a block with loops that fit together as one."""
        uses = [uses_of(s) for s in statements]
        counts = Counter(b for use in uses for b in use.buffers())
        found: list[Statement] = []
        for cluster in _clusters(statements, uses, _dependences(uses), level):
            members = [statements[n] for n in cluster]
            loops = [m for m in members if isinstance(m, For)]
            theirs = [uses[n] for n in cluster]
            if not all(map(_fits_somewhere, members, theirs, [level] * len(members))):
                found += members
                continue
            inside = Counter(b for use in theirs for b in use.buffers())
            mine = {
                b
                for b, count in inside.items()
                if b.role == "local" and counts[b] == count and b not in elsewhere
            }
            aligned = {
                b
                for b in mine
                if all(use.aligned(b, m.counter) for use, m in zip(theirs, loops, strict=True))
            }
            own = {
                b
                for b in mine - aligned
                if inside[b] == 1 and any(is_own(b, m) for m in loops if b in uses_of(m).stores)
            }
            cut = None
            if level == "outer" and any(_has_loops(loop.body) for loop in loops):
                cut = tiled(loops, aligned, own, self.locals)
            if cut is not None:
                found += cut
            elif len(loops) == 1:
                found += loops
            else:
                found.append(merged(loops, aligned, self.locals))
        return found


def _everything(block: Block) -> list[Statement]:
    found, waiting = [], [block]
    while waiting:
        for statement in waiting.pop():
            found.append(statement)
            waiting.extend(blocks(statement))
    return found


def _bare(statement: Statement) -> Statement:
    """A statement without its bodies."""
    return with_bodies(statement, lambda body: Block())


# --- what depends on what ------------------------------------------------------------------------------
def _dependences(uses: Sequence[Uses]) -> list[set[int]]:
    """For each statement those in front of it that have to stay there."""
    written: dict[object, int] = {}
    read: dict[object, list[int]] = {}
    checked = -1
    found: list[set[int]] = []
    for number, use in enumerate(uses):
        first = {written[r] for r in (*use.reads, *use.used) if r in written}
        for thing in (*use.stores, *use.given):
            first.update(read.get(thing, ()))
            if thing in written:
                first.add(written[thing])
        if checked >= 0:
            first.add(checked)  # what follows may rely on it
        found.append(first)
        for thing in (*use.reads, *use.used):
            read.setdefault(thing, []).append(number)
        for thing in (*use.stores, *use.given):
            written[thing] = number
            read[thing] = []
        if use.checks:
            checked = number
    return found


def _clusters(
    statements: Sequence[Statement],
    uses: Sequence[Uses],
    before: Sequence[set[int]],
    level: Level,
) -> list[list[int]]:
    """Statements that become one, in an order that respects what depends on what."""
    clusters: list[_Cluster] = []
    of: dict[int, _Cluster] = {}
    for number, statement in enumerate(statements):
        mine = None
        if _fits_somewhere(statement, uses[number], level):
            for cluster in reversed(clusters):
                if _joins(number, cluster, statements, uses, before, of, level):
                    mine = cluster
                    break
        if mine is None:
            mine = _Cluster([])
            clusters.append(mine)
        mine.members.append(number)
        mine.needs |= before[number]
        of[number] = mine
    return _in_order(clusters, of)


def _fits_somewhere(statement: Statement, use: Uses, level: Level) -> bool:
    return (
        isinstance(statement, For)
        and not _is_cleared(statement)
        and statement.parallel
        and not statement.backward
        and use.plain
        and use.size <= LARGEST
        and not (level == "flat" and _has_loops(statement.body))
    )


def _is_cleared(statement: For) -> bool:
    """Whether a whole result becomes zero, for which there is a better way than loops."""
    zeros = zeros_of(statement)
    return zeros is not None and not zeros.places and zeros.buffer.role == "output"


def _has_loops(block: Block) -> bool:
    return any(isinstance(s, For) for s in block)


def _joins(
    number: int,
    cluster: _Cluster,
    statements: Sequence[Statement],
    uses: Sequence[Uses],
    before: Sequence[set[int]],
    of: dict[int, _Cluster],
    level: Level,
) -> bool:
    """Whether a loop may become one with those of a cluster, and would gain from it."""
    loop, use = statements[number], uses[number]
    assert isinstance(loop, For)
    shared = False
    for member in cluster.members:
        other, its = statements[member], uses[member]
        if not _fits_somewhere(other, its, level):
            return False
        assert isinstance(other, For)
        if other.trip is not loop.trip:
            return False
        if (use.given & (its.given | its.used)) or (use.used & its.given):
            return False
        for buffer in use.buffers() & its.buffers():
            writes = buffer in use.stores or buffer in its.stores
            aligned = use.aligned(buffer, loop.counter) and its.aligned(buffer, other.counter)
            if writes and not aligned:
                return False
            shared = shared or aligned
    return shared and not _leads_to(before[number], cluster, of)


def _leads_to(first: set[int], cluster: _Cluster, of: dict[int, _Cluster]) -> bool:
    """Whether others that have to come first need a cluster themselves."""
    waiting = [of[n] for n in first if of[n] is not cluster]
    seen: set[int] = set()
    while waiting:
        top = waiting.pop()
        if id(top) in seen:
            continue
        seen.add(id(top))
        for n in top.needs:
            if of[n] is cluster:
                return True
            waiting.append(of[n])
    return False


def _in_order(clusters: Sequence[_Cluster], of: dict[int, _Cluster]) -> list[list[int]]:
    """Each cluster as soon as all is there that it needs."""
    found: list[list[int]] = []
    done: set[int] = set()
    left = list(clusters)
    while left:
        for cluster in left:
            if all(id(of[n]) in done or of[n] is cluster for n in cluster.needs):
                break
        else:
            raise AssertionError("clusters that need each other")
        left.remove(cluster)
        done.add(id(cluster))
        found.append(cluster.members)
    return found


# --- one loop ------------------------------------------------------------------------------------------
def merged(loops: Sequence[For], private: set[Buffer], locals_: list[Buffer]) -> For:
    """Loops of as many iterations as one."""
    first = loops[0]
    renaming = Renaming({loop.counter: first.counter for loop in loops[1:]})
    body = Block()
    for loop in loops:
        for statement in loop.body:
            body.add(statement if loop is first else renaming.statement(statement))
    body = _forwarded(body, private)
    if _has_loops(body):
        smaller = {b: Buffer(b.name, b.dtype, b.shape[1:]) for b in private if len(b.shape) > 1}
        locals_ += smaller.values()
        moving = Renaming(
            {}, lambda b, places: (smaller[b], places[1:]) if b in smaller else (b, places)
        )
        body = moving.block(body)
    return For(first.counter, first.trip, body, parallel=True)


def _forwarded(block: Block, private: set[Buffer]) -> Block:
    """What is stored in a block and read in it again is a variable meanwhile."""
    renaming = Renaming({})
    found = Block()
    for statement in block:
        if isinstance(statement, For):
            stored = set(uses_of(statement).stores)
            renaming.instead = {at: v for at, v in renaming.instead.items() if at[0] not in stored}
            renaming.forget()
        statement = renaming.statement(statement)
        if isinstance(statement, Store):
            buffer, places = statement.buffer, statement.places
            renaming.instead = {at: v for at, v in renaming.instead.items() if at[0] is not buffer}
            if not statement.adds and buffer in private:
                value = statement.value
                if value.value_type.dtype != buffer.dtype:
                    value = cast(value, buffer.dtype)  # type: ignore[arg-type]  # of a Type
                now = variable(value.value_type, "now")
                found.add(Assign(now, value))
                statement = Store(buffer, places, now)
                renaming.instead[buffer, places] = now
            renaming.forget()
        found.add(statement)
    return found


# --- what nobody reads ---------------------------------------------------------------------------------
def without_dead_stores(block: Block) -> Block:
    """Without stores to local buffers that nothing reads, and loops that do nothing."""
    while True:
        read: set[Buffer] = set()
        for statement in _everything(block):
            use = uses_of(_bare(statement))
            if isinstance(statement, Store) and statement.adds:
                places = use.reads[statement.buffer]
                places.discard(statement.places)
                if not places:
                    del use.reads[statement.buffer]
            read |= set(use.reads)
        before = len(_everything(block))
        block = _swept(block, read)
        if len(_everything(block)) == before:
            return block


def _swept(block: Block, read: set[Buffer]) -> Block:
    found = Block()
    for statement in block:
        if isinstance(statement, Store) and _is_dead(statement.buffer, read):
            continue
        statement = with_bodies(statement, lambda body: _swept(body, read))
        if isinstance(statement, (For, If)) and not any(b.statements for b in blocks(statement)):
            continue
        found.add(statement)
    return found


def _is_dead(buffer: Buffer, read: set[Buffer]) -> bool:
    return buffer.role == "local" and buffer not in read


def _mentioned(block: Block) -> set[Buffer]:
    return {b for s in _everything(block) for b in uses_of(_bare(s)).buffers()}
