"""Arrays that are last read where a result is stored, in the memory of that result.

A result whose elements are each made of one element of an array that nobody needs any more takes its place:
the program goes through one array less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from wengert.lower.changes import blocks, with_bodies
from wengert.lower.nest import Block, Buffer, For, Program, Statement, Store
from wengert.lower.renamed import Renaming
from wengert.lower.uses import Places, uses_of

__all__ = ["with_results_in_place"]


def with_results_in_place(program: Program) -> Program:
    """The same program with local arrays in the memory of results, where that is possible."""
    statements = list(program.body)
    uses = [uses_of(s) for s in statements]
    moved: dict[Buffer, Buffer] = {}
    for result in program.results():
        if not isinstance(result, Buffer):
            continue
        users = [n for n, use in enumerate(uses) if result in use.buffers()]
        if len(users) != 1 or result in uses[users[0]].reads:
            continue
        (last,) = users
        for local in sorted(uses[last].reads.keys() & set(program.locals), key=lambda b: b.name):
            if local in moved or not _is_alike(local, result):
                continue
            if any(local in use.buffers() for use in uses[last + 1 :]):
                continue
            if _takes_over(statements[last], local, result):
                moved[local] = result
                break
    if not moved:
        return program

    def move(buffer: Buffer, places: Places) -> tuple[Buffer, Places]:
        return moved.get(buffer, buffer), places

    locals_ = tuple([b for b in program.locals if b not in moved])
    body = Renaming({}, move).block(statements)
    return replace(program, locals=locals_, body=body)


def _is_alike(local: Buffer, result: Buffer) -> bool:
    return local.role == "local" and (local.dtype, local.shape) == (result.dtype, result.shape)


def _takes_over(statement: Statement, local: Buffer, result: Buffer) -> bool:
    """Whether each element of the result is stored once, behind all that reads the local array there."""
    found = list(_homes(statement, result, ()))
    if len(found) != 1 or not isinstance(statement, For):
        return False
    ((loops, block, at),) = found
    store = block.statements[at]
    if not isinstance(store, Store) or store.adds or not all(loop.parallel for loop in loops):
        return False
    use = uses_of(statement)
    if local in use.stores or use.reads[local] != {store.places}:
        return False
    # Other statements would read elements that are new already.
    here = [uses_of(s) for s in block.statements[: at + 1]]
    inside = sum(local in each.reads for each in here)
    return inside == _readers(statement, local)


def _homes(
    statement: Statement, result: Buffer, loops: tuple[For, ...]
) -> Iterator[tuple[tuple[For, ...], Block, int]]:
    """Where a buffer is stored to: the loops around, the block, the place in it."""
    around = (*loops, statement) if isinstance(statement, For) else loops
    for block in blocks(statement):
        for at, each in enumerate(block.statements):
            if isinstance(each, Store) and each.buffer is result:
                yield around, block, at
            yield from _homes(each, result, around)


def _readers(statement: Statement, local: Buffer) -> int:
    """How many statements read a buffer themselves."""
    own = uses_of(with_bodies(statement, lambda body: Block()))
    inside: Sequence[Statement] = [s for block in blocks(statement) for s in block]
    return int(local in own.reads) + sum(_readers(s, local) for s in inside)
