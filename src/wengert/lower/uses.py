"""What a statement reads, stores and gives values to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from wengert.ir.node import Expr
from wengert.lower.changes import blocks, expressions
from wengert.lower.nest import (
    READ,
    Accumulate,
    Allocate,
    Assign,
    Buffer,
    Call,
    Check,
    For,
    If,
    Part,
    Statement,
    Store,
    While,
)
from wengert.ops.leaves import SYMBOL

__all__ = ["Places", "Uses", "remembering", "uses_of"]

Places = tuple[Expr, ...]


@dataclass
class Uses:
    """All that a statement and its bodies do."""

    reads: dict[Buffer, set[Places]] = field(default_factory=dict)
    stores: dict[Buffer, set[Places]] = field(default_factory=dict)
    used: set[Expr] = field(default_factory=set)  # variables
    given: set[Expr] = field(default_factory=set)
    checks: bool = False
    plain: bool = True  # nothing but loops, assignments, accumulations, stores and checks
    size: int = 0  # statements

    def aligned(self, buffer: Buffer, counter: Expr) -> bool:
        """Whether every access to a buffer is at a counter along the first axis."""
        return all(
            places and places[0] is counter
            for kind in (self.reads, self.stores)
            for places in kind.get(buffer, ())
        )

    def buffers(self) -> set[Buffer]:
        return {*self.reads, *self.stores}


class _Remembered(threading.local):
    """What is read and used by expressions, while somebody asks for the same ones again and again."""

    known: dict[Expr, tuple[tuple[Expr, ...], tuple[Expr, ...]]] | None = None


_REMEMBERED = _Remembered()


@contextmanager
def remembering() -> Iterator[None]:
    """What expressions read is found once meanwhile."""
    before, _REMEMBERED.known = _REMEMBERED.known, {}
    try:
        yield
    finally:
        _REMEMBERED.known = before


def uses_of(statement: Statement) -> Uses:
    """What a statement does."""
    found = Uses()
    waiting = [statement]
    while waiting:
        top = waiting.pop()
        found.size += 1
        for body in blocks(top):
            waiting.extend(body)
        for root in expressions(top):
            reads, symbols = _leaves(root)
            for node in reads:
                found.reads.setdefault(node.attr.buffer, set()).add(node.args)
            found.used.update(symbols)
        match top:
            case Assign() | Accumulate():
                found.given.add(top.variable)
                if isinstance(top, Accumulate):
                    found.used.add(top.variable)
            case Store():
                found.stores.setdefault(top.buffer, set()).add(top.places)
                if top.adds:
                    found.reads.setdefault(top.buffer, set()).add(top.places)
            case Allocate():
                found.stores.setdefault(top.buffer, set()).add(())
                found.given.update(top.buffer.extents)
                found.plain = False
            case For():
                found.given.add(top.counter)
                found.plain = found.plain and not top.backward
            case While():
                found.given |= {top.counter} if top.done is None else {top.counter, top.done}
                found.used.add(top.flag)
                found.plain = False
            case If():
                found.plain = False
            case Check():
                found.checks = True
            case Call():
                _look_at_call(top, found)
    for buffer in found.buffers():
        found.used.update(buffer.extents)  # an address needs them
    return found


def _look_at_call(call: Call, found: Uses) -> None:
    """A routine may read all of a buffer, and write all of those that it changes."""
    found.checks = True
    found.plain = False
    if call.status is not None:
        found.given.add(call.status)
    for argument in call.arguments:
        if isinstance(argument, Part):
            found.reads.setdefault(argument.buffer, set()).add(())
    for buffer in call.written:
        found.stores.setdefault(buffer, set()).add(())


def _leaves(root: Expr) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """What an expression reads of memory, and its variables."""
    known = _REMEMBERED.known
    if known is not None and root in known:
        return known[root]
    reads, symbols, seen, todo = [], [], {root}, [root]
    while todo:
        node = todo.pop()
        if node.op is READ:
            reads.append(node)
        elif node.op is SYMBOL:
            symbols.append(node)
        for arg in node.args:
            if arg not in seen:
                seen.add(arg)
                todo.append(arg)
    found = (tuple(reads), tuple(symbols))
    if known is not None:
        known[root] = found
    return found
