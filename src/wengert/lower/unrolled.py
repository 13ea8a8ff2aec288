"""Short loops around loops over long axes, written out: one after the other, the long ones become one.

A polynomial by Horner's rule on an array is such a loop: all its steps are then done for one element after
the other, in registers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from wengert.ir.node import Expr
from wengert.lower.changes import blocks, with_bodies
from wengert.lower.nest import (
    READ,
    Accumulate,
    Assign,
    Block,
    Buffer,
    For,
    Program,
    Statement,
    Store,
    read,
    variable,
)
from wengert.lower.renamed import Renaming
from wengert.lower.uses import uses_of
from wengert.ops.leaves import CONSTANT, const

__all__ = ["with_short_loops_written_out"]

MOST_STEPS = 8
MOST_STATEMENTS = 64  # of all steps together
_VERSIONS = 1_000_000  # more than any memory has in one step
LONG = 32  # an axis that is worth it has more elements


def with_short_loops_written_out(program: Program) -> Program:
    """The same program without loops that do a few known steps on long axes."""
    mentions: Counter[Expr] = Counter()
    waiting = [program.body]
    while waiting:
        for statement in waiting.pop():
            mentions.update(_variables(statement))
            waiting.extend(blocks(statement))
    for output in program.results():
        if isinstance(output, Expr):
            mentions[output] += 1
    return replace(program, body=_block(program.body, mentions))


def _variables(statement: Statement) -> set[Expr]:
    """The variables that a statement itself uses or changes."""
    use = uses_of(with_bodies(statement, lambda body: Block()))
    return use.used | use.given


def _block(block: Block, mentions: Counter[Expr]) -> Block:
    found = Block()
    for statement in block:
        statement = with_bodies(statement, lambda body: _block(body, mentions))
        if isinstance(statement, For) and _is_worth_it(statement):
            for each in _steps(statement, mentions):
                found.add(each)
        else:
            found.add(statement)
    return found


def _is_worth_it(loop: For) -> bool:
    if loop.trip.op is not CONSTANT or not 1 < int(loop.trip.attr) <= MOST_STEPS:
        return False
    count, has_long = 0, False
    for statement in loop.body:
        inner = list(statement.body) if isinstance(statement, For) else [statement]
        if not all(isinstance(s, (Assign, Accumulate, Store)) for s in inner):
            return False
        count += len(inner)
        if isinstance(statement, For):
            if not statement.parallel:
                return False
            trip = statement.trip
            if trip.op is CONSTANT and int(trip.attr) <= LONG:
                return False
            has_long = True
    return has_long and count * int(loop.trip.attr) <= MOST_STATEMENTS


def _steps(loop: For, mentions: Counter[Expr]) -> list[Statement]:
    trip = int(loop.trip.attr)
    stored = set(uses_of(loop).stores)
    inside: Counter[Expr] = Counter()
    counters: list[Expr] = []
    given: list[Expr] = []
    for statement in loop.body:
        for each in (statement, *(statement.body if isinstance(statement, For) else ())):
            inside.update(_variables(each))
            if isinstance(each, For):
                counters.append(each.counter)
            elif isinstance(each, Assign):
                given.append(each.variable)
    own = [v for v in dict.fromkeys(given) if inside[v] == mentions[v] and _is_first(loop, v)]
    found: list[Statement] = []
    for step in range(trip):
        fresh = {v: variable(v.value_type, v.attr.name.lstrip("%")) for v in (*own, *counters)}
        at = const(trip - 1 - step if loop.backward else step)
        renaming = _Step({**fresh, loop.counter: at}, stored, step)
        found += renaming.block(loop.body)
    return found


def _is_first(loop: For, node: Expr) -> bool:
    """Whether each step gives a variable its value before it uses it."""
    for statement in loop.body:
        for each in (statement, *(statement.body if isinstance(statement, For) else ())):
            use = uses_of(with_bodies(each, lambda body: Block()))
            if node in use.used:
                return False
            if isinstance(each, Assign) and each.variable is node:
                return True
    return False


class _Step(Renaming):
    """A step; what it reads of memory that steps change is another value in each."""

    def __init__(self, variables: dict[Expr, Expr], stored: set[Buffer], step: int) -> None:
        super().__init__(variables)
        self.stored, self.step = stored, step

    def _see(self, node: Expr) -> None:
        if node.op is READ and node.attr.buffer in self.stored:
            places = tuple([self._known[a] for a in node.args])
            version = node.attr.version + self.step * _VERSIONS
            self._known[node] = read(node.attr.buffer, places, version)
        else:
            super()._see(node)
