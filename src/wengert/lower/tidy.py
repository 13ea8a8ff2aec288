"""Loop nests without what nobody needs: values that are not used, and arrays that are only copied.

For source that people read and for memory that the caller provides; what a program computes stays the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.lower.changes import blocks, expressions
from wengert.lower.fusion import fused
from wengert.lower.nest import (
    READ,
    Accumulate,
    Assign,
    Block,
    Buffer,
    Check,
    For,
    If,
    Program,
    Statement,
    Store,
    While,
)
from wengert.lower.renamed import Renaming
from wengert.lower.values import at_most, of_type
from wengert.ops.choice import where
from wengert.ops.leaves import CONSTANT, SIZE, SYMBOL, const
from wengert.ops.sums import LIN

__all__ = ["tidy"]


def tidy(program: Program) -> Program:
    """The program with fewer loops and without copies into results; its blocks are changed in place."""
    _without_dead(program)
    _chosen(program)
    program = _moved(program, _merged(program, _is_only_copy))
    program = fused(program, tiles=False)
    program = _moved(program, _merged(program, lambda store, source: True))
    used = _buffers(program.body)
    return replace(program, locals=tuple(b for b in program.locals if b in used))


def _moved(program: Program, into: dict[Buffer, Buffer]) -> Program:
    """The program with other buffers in place of some; what is then copied to itself goes."""
    if not into or any(not isinstance(s, _KNOWN) for _, s in _all(program.body)):
        return program
    renaming = Renaming({}, lambda b, places: (into[b], places) if b in into else None)

    def statement(old: Statement) -> Statement:
        match old:
            case For():
                trip = renaming.expr(old.trip)
                return For(old.counter, trip, block(old.body), old.parallel, old.backward)
            case While():
                trip_ = None if old.trip is None else renaming.expr(old.trip)
                return While(old.counter, old.flag, trip_, block(old.body), old.done)
            case If():
                condition = renaming.expr(old.condition)
                if old.condition in program.comments:
                    program.comments[condition] = program.comments[old.condition]
                return If(condition, block(old.then), block(old.orelse))
            case Check():
                return Check(renaming.expr(old.condition), old.code, old.about)
            case _:
                return renaming.statement(old)

    def block(old: Block) -> Block:
        return Block([statement(s) for s in old])

    body = block(program.body)
    body.statements[:] = [s for s in body if not _is_copy(s)]
    return replace(program, body=body)


_KNOWN = (Accumulate, Assign, Check, For, If, Store, While)


def _is_copy(nest: Statement) -> bool:
    """Whether loops copy an array to where it is anyway."""
    store = _stored(nest)
    if store is None or store.value.op is not READ or store.value.args != store.places:
        return False
    return store.value.attr.buffer is store.buffer


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

    for output in program.results():
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


# --- branches that only choose -------------------------------------------------------------------------
_FEW = 16  # nodes of what is chosen
_HARMLESS = (CONSTANT, SIZE, SYMBOL, LIN)


def _chosen(program: Program) -> None:
    """Choices in place of branches that do nothing but give one variable one of two simple values."""
    times: dict[Expr, int] = {}
    for _, statement in _all(program.body):
        if isinstance(statement, Assign):
            times[statement.variable] = times.get(statement.variable, 0) + 1
    for block, statement in list(_all(program.body)):
        if not isinstance(statement, If):
            continue
        sides = [side.statements for side in (statement.then, statement.orelse)]
        if [len(side) for side in sides] != [1, 1]:
            continue
        ((yes,), (no,)) = sides
        if (
            not isinstance(yes, Assign)
            or not isinstance(no, Assign)
            or yes.variable is not no.variable
        ):
            continue
        if not (
            _is_simple(yes.value) and (no.value is statement.condition or _is_simple(no.value))
        ):
            continue
        value = _choice(statement.condition, yes, no)
        made = Assign(yes.variable, value, again=times[yes.variable] > 2)
        place = block.statements.index(statement)
        block.statements[place] = made
        if statement.condition in program.comments:
            program.comments[made.variable] = program.comments[statement.condition]


def _choice(condition: Expr, yes: Assign, no: Assign) -> Expr:
    dtype = yes.variable.value_type.dtype
    if dtype == "bool" and yes.value is condition:
        return where(condition, const(True), of_type(no.value, dtype))
    if dtype == "bool" and no.value is condition:
        return where(condition, of_type(yes.value, dtype), const(False))
    return where(condition, of_type(yes.value, dtype), of_type(no.value, dtype))


def _is_simple(value: Expr) -> bool:
    """Whether a value may as well be computed where it is not needed."""
    return at_most(value, _FEW) and all(
        n.op in _HARMLESS or n.op.name in ("lt", "le", "eq", "ne", "cast") for n in order([value])
    )


# --- copies into results -----------------------------------------------------------------------------------
def _is_only_copy(store: Store, source: Buffer) -> bool:
    return store.value.op is READ and store.value.attr.buffer is source


def _merged(program: Program, wanted: Callable[[Store, Buffer], bool]) -> dict[Buffer, Buffer]:
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
            if (
                fits
                and wanted(store, source)
                and source.role == "local"
                and source not in later
                and source not in found
            ):
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
