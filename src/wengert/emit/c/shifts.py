"""Loops that begin elsewhere than at 0: ``for (j = i + 1; j < n; j++)`` for places ``i + 1 + j``."""

from __future__ import annotations

from wengert.emit.c.places import Form, Places, is_sum, plus
from wengert.ir.node import Expr
from wengert.lower.changes import blocks, expressions
from wengert.lower.nest import Block, For

__all__ = ["shift_of"]


def shift_of(loop: For, places: Places) -> Form:
    """By how much the counter of the source had better be more than that of the loop.

    It is what most places in the body add to the counter, if that is the same at all of them.
    """
    counter = loop.counter
    own = places.called[counter]
    found: list[Form] = []
    inner = _counters(loop.body)
    for node in _sums(loop.body):
        form = places.form(node)
        if form.get(own) != 1:
            continue
        rest = {k: c for k, c in form.items() if k != own}
        if any(k in inner for k in rest):
            rest = {}
        found.append(rest)
    bare = _bare_uses(loop.body, counter)
    if bare or not found:
        return {}
    first = found[0]
    if not all(f == first for f in found) or not any(c > 0 for c in first.values()):
        return {}
    if any(k is not None and c < 0 for k, c in first.items()):
        return {}
    return plus({}, first)


def _counters(block: Block) -> set[Expr]:
    found: set[Expr] = set()
    waiting = [block]
    while waiting:
        for statement in waiting.pop():
            counter = getattr(statement, "counter", None)
            if counter is not None:
                found.add(counter)
            waiting.extend(blocks(statement))
    return found


def _roots(block: Block) -> list[Expr]:
    found: list[Expr] = []
    waiting = [block]
    while waiting:
        for statement in waiting.pop():
            found.extend(expressions(statement))
            waiting.extend(blocks(statement))
    return found


def _sums(block: Block) -> list[Expr]:
    """The outermost sums of integers in a block."""
    found: list[Expr] = []
    seen: set[Expr] = set()
    stack = _roots(block)
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if is_sum(node):
            found.append(node)
        else:
            stack.extend(node.args)
    return found


def _bare_uses(block: Block, counter: Expr) -> bool:
    """Whether a counter stands anywhere but in a sum."""
    seen: set[Expr] = set()
    stack = _roots(block)
    while stack:
        node = stack.pop()
        if node is counter:
            return True
        if node in seen or is_sum(node):
            continue
        seen.add(node)
        stack.extend(node.args)
    return False
