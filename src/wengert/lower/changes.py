"""What statements change, and what expressions depend on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from wengert.ir.node import Expr
from wengert.lower.nest import (
    READ,
    Accumulate,
    Allocate,
    Assign,
    Block,
    Buffer,
    Call,
    Check,
    For,
    If,
    Program,
    Statement,
    Store,
    While,
)
from wengert.ops.leaves import SYMBOL

__all__ = [
    "Changing",
    "blocks",
    "bottom_up",
    "changed",
    "counters",
    "expressions",
    "slotted",
    "statements",
    "varying",
    "wild",
    "with_bodies",
]

Changing = Expr | Buffer
"""A variable or a buffer."""


def blocks(statement: Statement) -> tuple[Block, ...]:
    """The bodies of a statement."""
    match statement:
        case For() | While():
            return (statement.body,)
        case If():
            return (statement.then, statement.orelse)
        case _:
            return ()


def with_bodies(statement: Statement, new: Callable[[Block], Block]) -> Statement:
    """The same statement with other bodies."""
    match statement:
        case For() | While():
            return replace(statement, body=new(statement.body))
        case If():
            return replace(statement, then=new(statement.then), orelse=new(statement.orelse))
        case _:
            return statement


def expressions(statement: Statement) -> tuple[Expr, ...]:
    """What a statement itself computes, without its bodies."""
    match statement:
        case Assign() | Accumulate():
            return (statement.value,)
        case Store():
            return (*statement.places, statement.value)
        case Allocate():
            return statement.extents
        case For():
            return (statement.trip,)
        case While():
            return () if statement.trip is None else (statement.trip,)
        case If() | Check():
            return (statement.condition,)
        case Call():
            return statement.expressions


def statements(block: Block) -> Iterator[Statement]:
    """All statements of a block, and of the bodies in it."""
    waiting = [block]
    while waiting:
        for statement in waiting.pop():
            yield statement
            waiting.extend(blocks(statement))


def changed(block: Block) -> set[Changing]:
    """All variables that get a value in a block, counters too, and all buffers stored to."""
    found: set[Changing] = set()
    for statement in statements(block):
        match statement:
            case Assign() | Accumulate():
                found.add(statement.variable)
            case Store():
                found.add(statement.buffer)
            case Allocate():
                found.update((statement.buffer, *statement.buffer.extents))
            case For():
                found.add(statement.counter)
            case While():
                found.add(statement.counter)
                if statement.done is not None:
                    found.add(statement.done)
            case Call():
                found.update(statement.written)
                if statement.status is not None:
                    found.add(statement.status)
            case _:
                pass
    return found


def counters(block: Block) -> set[Expr]:
    """The counters of all loops in a block."""
    return {s.counter for s in statements(block) if isinstance(s, (For, While))}


def _arguments(node: Expr) -> tuple[Expr, ...]:
    return node.args


def bottom_up(
    roots: Iterable[Expr],
    seen: Callable[[Expr], bool],
    see: Callable[[Expr], None],
    needed: Callable[[Expr], tuple[Expr, ...]] = _arguments,
) -> None:
    """Give each node that has not been seen to ``see``, after those that it needs."""
    stack = list(roots)
    while stack:
        node = stack[-1]
        if seen(node):
            stack.pop()
            continue
        missing = [a for a in needed(node) if not seen(a)]
        if missing:
            stack.extend(missing)
        else:
            stack.pop()
            see(node)


def varying(block: Block, changing: set[Changing]) -> dict[Expr, bool]:
    """For every node in a block whether it depends on something that changes."""
    known: dict[Expr, bool] = {}

    def see(node: Expr) -> None:
        if node.op is SYMBOL:
            known[node] = node in changing
        elif node.op is READ and node.attr.buffer in changing:
            known[node] = True
        else:
            known[node] = any(known[a] for a in node.args)

    for statement in statements(block):
        bottom_up(expressions(statement), known.__contains__, see)
    return known


def wild(roots: Iterable[Expr], counting: set[Expr], known: dict[Expr, int]) -> None:
    """Mark nodes with 2 that read at places which the data tell (1: which themselves depend on data).

    Such places may be right only where the statements in front of them have checked so.
    """

    def see(node: Expr) -> None:
        bits = 0
        for a in node.args:
            bits |= known[a]
        if node.op is READ:
            bits = 3 if bits else 1
        elif node.op is SYMBOL:
            bits = 0 if node in counting else 1
        known[node] = bits

    bottom_up(roots, known.__contains__, see)


def slotted(program: Program) -> set[Expr]:
    """The variables that need a place of their own: they change, or outlive the block that sets them."""
    homes: dict[Expr, list[Block]] = {}
    found: set[Expr] = set()
    waiting = [program.body]
    while waiting:
        block = waiting.pop()
        for statement in block:
            match statement:
                case Assign():
                    homes.setdefault(statement.variable, []).append(block)
                    if statement.again:
                        found.add(statement.variable)
                case Accumulate():
                    found.add(statement.variable)
                case Allocate():
                    found.update(statement.buffer.extents)
                case While():
                    found.add(statement.flag)
                    if statement.done is not None:
                        homes.setdefault(statement.done, []).append(block)
                case Call() if statement.status is not None:
                    homes.setdefault(statement.status, []).append(block)
                case _:
                    pass
            waiting.extend(blocks(statement))
    found |= {v for v, places in homes.items() if len(places) > 1}
    _escaped(program, {v: places[0] for v, places in homes.items()}, found)
    return found


def _escaped(program: Program, homes: dict[Expr, Block], found: set[Expr]) -> None:
    """Add variables that are used where their block has ended."""
    open_blocks: set[int] = set()
    seen: set[Expr] = set()
    log: list[Expr] = []

    def see(node: Expr) -> None:
        seen.add(node)
        log.append(node)
        if node.op is SYMBOL and node in homes and id(homes[node]) not in open_blocks:
            found.add(node)

    def walk(block: Block) -> None:
        start = len(log)
        open_blocks.add(id(block))
        for statement in block:
            bottom_up(expressions(statement), seen.__contains__, see)
            for body in blocks(statement):
                walk(body)
        if block is program.body:
            numbers = [o for o in program.results() if isinstance(o, Expr)]
            bottom_up(numbers, seen.__contains__, see)
        open_blocks.discard(id(block))
        seen.difference_update(log[start:])
        del log[start:]

    walk(program.body)
