"""Loops over all axes of arrays as one loop over their elements.

Where all that is accessed lies along the same axes, in the same order and without gaps, the counters of the
outer loops are 0 and that of the innermost one counts all elements: no row is begun and ended, however short
rows are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce

from wengert.ir.node import OPERATORS, Expr
from wengert.ir.walk import order
from wengert.lower.changes import expressions, with_bodies
from wengert.lower.nest import READ, Accumulate, Assign, Block, For, Program, Statement, Store
from wengert.lower.parallel import extent_of
from wengert.lower.renamed import Renaming
from wengert.lower.zeros import zeros_of
from wengert.ops.leaves import const

__all__ = ["with_collapsed_loops"]


def with_collapsed_loops(program: Program) -> Program:
    """The same program with fewer loops inside of each other."""
    return replace(program, body=_block(program.body))


def _block(block: Block) -> Block:
    return Block([_statement(s) for s in block])


def _statement(statement: Statement) -> Statement:
    if isinstance(statement, For) and zeros_of(statement) is None:  # these are cleared at once
        loops, body = _nest(statement)
        if len(loops) > 1 and _go_through(loops, body):
            zeros: dict[Expr, Expr] = {loop.counter: const(0) for loop in loops[:-1]}
            trip = reduce(OPERATORS.mul, [loop.trip for loop in loops])
            return For(loops[-1].counter, trip, Renaming(zeros).block(body), parallel=True)
    return with_bodies(statement, _block)


def _nest(loop: For) -> tuple[list[For], Block]:
    """Parallel loops with nothing but the next one in each, and what is in the innermost one."""
    loops = [loop]
    while len(loops[-1].body.statements) == 1 and isinstance(loops[-1].body.statements[0], For):
        loops.append(loops[-1].body.statements[0])
    return loops, loops[-1].body


def _go_through(loops: list[For], body: Block) -> bool:
    """Whether all accesses are to whole arrays, along the axes of the loops."""
    counters = tuple([loop.counter for loop in loops])
    extents = [extent_of(loop.trip) for loop in loops]
    if not all(loop.parallel for loop in loops) or None in extents:
        return False

    def is_whole(shape: tuple[object, ...], places: tuple[Expr, ...], role: str) -> bool:
        first = len(places) - len(counters)
        if first < 0 or role == "heap" or places[first:] != counters:
            return False
        inner = list(shape[first + 1 :]) == extents[1:]
        return inner and set(counters).isdisjoint(order(places[:first]))

    for statement in body:
        if not isinstance(statement, (Assign, Accumulate, Store)):
            return False
        roots = list(expressions(statement))
        if isinstance(statement, Store):
            buffer = statement.buffer
            if not is_whole(buffer.shape, statement.places, buffer.role):
                return False
            roots = [statement.value]
        if not _is_elementwise(roots, set(counters), is_whole):
            return False
    return True


def _is_elementwise(roots: list[Expr], counters: set[Expr], is_whole: Callable[..., bool]) -> bool:
    """Whether counters are only mentioned as the places of whole arrays."""
    waiting, seen = list(roots), set(roots)
    while waiting:
        node = waiting.pop()
        if node in counters:
            return False
        if node.op is READ and not counters.isdisjoint(order([node])):
            buffer = node.attr.buffer
            if not is_whole(buffer.shape, node.args, buffer.role):
                return False
            continue
        fresh = [a for a in node.args if a not in seen]
        seen.update(fresh)
        waiting += fresh
    return True
