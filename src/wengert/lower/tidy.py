"""Loop nests without what nobody needs: values that are not used, and arrays that are only copied.

For source that people read and for memory that the caller provides; what a program computes stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.lower.changes import blocks, expressions
from wengert.lower.nest import (
    READ,
    Accumulate,
    Assign,
    Block,
    Buffer,
    For,
    If,
    Program,
    Statement,
    Store,
    While,
)
from wengert.ops.leaves import SYMBOL

__all__ = ["tidy"]


def tidy(program: Program) -> tuple[Program, dict[Buffer, Buffer]]:
    """The program without dead statements and without copies into results, whose blocks are changed in place.

    The second is for each local buffer that lies in the memory of a result that result.
    """
    _without_dead(program)
    into = _merged(program)
    program.body.statements[:] = [s for s in program.body if not _is_copy(s, into)]
    used = _buffers(program.body)
    kept = tuple(b for b in program.locals if b in used and b not in into)
    return replace(program, locals=kept), into


def _is_copy(nest: Statement, into: dict[Buffer, Buffer]) -> bool:
    """Whether loops copy an array to where it is anyway."""
    store = _stored(nest)
    if store is None or store.value.op is not READ or store.value.args != store.places:
        return False
    return into.get(store.value.attr.buffer) is store.buffer


def _all(block: Block) -> Iterator[tuple[Block, Statement]]:
    waiting = [block]
    while waiting:
        top = waiting.pop()
        for statement in top:
            yield top, statement
            waiting.extend(blocks(statement))


# --- what nobody needs -----------------------------------------------------------------------------------
def _without_dead(program: Program) -> None:
    """Drop assignments and stores that no result, check or condition depends on."""
    writers: dict[Expr | Buffer, list[Statement]] = {}
    around: dict[Statement, Statement] = {}
    live: set[Statement] = set()
    todo: list[Statement] = []
    for _, statement in _all(program.body):
        for body in blocks(statement):
            for inner in body:
                around[inner] = statement
        match statement:
            case Assign() | Accumulate():
                writers.setdefault(statement.variable, []).append(statement)
            case Store():
                writers.setdefault(statement.buffer, []).append(statement)
            case While():
                if statement.done is not None:
                    writers.setdefault(statement.done, []).append(statement)
                if statement.trip is None:
                    todo.append(statement)  # that it ends is up to its flag
            case For() | If():
                pass
            case _:
                todo.append(statement)
    wanted: set[Expr | Buffer] = set()

    def want(thing: Expr | Buffer) -> None:
        if thing not in wanted:
            wanted.add(thing)
            todo.extend(writers.get(thing, ()))

    for output in program.outputs:
        want(output)
    seen: set[Expr] = set()
    while todo:
        statement = todo.pop()
        if statement in live:
            continue
        live.add(statement)
        if statement in around:
            todo.append(around[statement])
        if isinstance(statement, While):
            want(statement.flag)
        stack = list(expressions(statement))
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if node.op is SYMBOL:
                want(node)
            elif node.op is READ:
                want(node.attr.buffer)
            stack.extend(node.args)
    waiting = [program.body]
    while waiting:
        block = waiting.pop()
        block.statements[:] = [s for s in block if s in live]
        for statement in block:
            waiting.extend(blocks(statement))


def _buffers(block: Block) -> set[Buffer]:
    found: set[Buffer] = set()
    for _, statement in _all(block):
        if isinstance(statement, Store):
            found.add(statement.buffer)
        for node in order(expressions(statement)):
            if node.op is READ:
                found.add(node.attr.buffer)
    return found


# --- copies into results -----------------------------------------------------------------------------------
def _merged(program: Program) -> dict[Buffer, Buffer]:
    """Which local buffers may lie in a result: those that the result is made of, element by element, last."""
    statements = program.body.statements
    found: dict[Buffer, Buffer] = {}
    for position in range(len(statements) - 1, -1, -1):
        nest = statements[position]
        store = _stored(nest)
        if store is None:
            continue
        target = store.buffer
        others = Block([s for s in statements if s is not nest])
        if target.role != "output" or target in found.values() or target in _buffers(others):
            continue
        later = _buffers(Block(statements[position + 1 :]))
        for source in _sources(nest, store):
            fits = source.dtype == target.dtype and source.shape == target.shape
            if fits and source.role == "local" and source not in later and source not in found:
                found[source] = target
                break
    return found


def _stored(nest: Statement) -> Store | None:
    """The store of loops that do nothing but store at each place once."""
    counters: list[Expr] = []
    while isinstance(nest, For) and nest.parallel and len(nest.body.statements) == 1:
        counters.append(nest.counter)
        nest = nest.body.statements[0]
    if not isinstance(nest, Store) or nest.adds or list(nest.places) != counters:
        return None
    return nest


def _sources(nest: Statement, store: Store) -> list[Buffer]:
    """What is read, at the place of the store only."""
    places: dict[Buffer, bool] = {}
    for node in order([store.value]):
        if node.op is READ:
            buffer = node.attr.buffer
            places[buffer] = places.get(buffer, True) and node.args == store.places
    while isinstance(nest, For):
        for node in order([nest.trip]):
            if node.op is READ:
                places[node.attr.buffer] = False
        (nest,) = nest.body.statements
    return [buffer for buffer, same in places.items() if same]
