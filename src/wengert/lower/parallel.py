"""Which loops of a program may run in any order: those whose iterations only put sums together.

A loop is `parallel` if no iteration reads what another one writes:

* a variable that gets a value gets it before it is used, in each iteration, and is not used afterwards; or it
  is only accumulated;
* an array that is stored to is accessed at places that differ from iteration to iteration, or differ from all
  that is stored; or it is only added to; or all of it gets a value first, in each iteration, and nobody else
  uses it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any  # Any: nodes of the program

from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.lower.changes import blocks, with_bodies
from wengert.lower.nest import (
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
from wengert.lower.ranges import Ranges
from wengert.lower.uses import Places, Uses, uses_of
from wengert.lower.values import reads
from wengert.ops.choice import MAXIMUM, MINIMUM
from wengert.ops.einstein import EIN
from wengert.ops.extents import polynomial_of
from wengert.ops.leaves import CONSTANT, SIZE
from wengert.ops.sums import LIN, lin, scale

__all__ = ["extent_of", "is_own", "with_parallel_loops"]


def with_parallel_loops(program: Program, ranges: Ranges) -> Program:
    """The same program with all loops marked that may run in any order."""
    marking = _Marking(program, ranges)
    return replace(program, body=marking.block(program.body))


class _Marking:
    def __init__(self, program: Program, ranges: Ranges) -> None:
        self.ranges = ranges
        self.mentions = _mentions(program.body)
        for output in program.results():
            self.mentions[output] += 1

    def block(self, block: Block) -> Block:
        return Block([self.statement(s) for s in block])

    def statement(self, statement: Statement) -> Statement:
        statement = with_bodies(statement, self.block)
        if not isinstance(statement, For) or statement.parallel:
            return statement
        loop = replace(statement, body=self.accumulating(statement.body))
        if self.is_parallel(loop):
            return For(loop.counter, loop.trip, loop.body, parallel=True)
        return loop

    # --- sums ------------------------------------------------------------------------------------------
    def accumulating(self, body: Block) -> Block:
        """A body in which what is carried from iteration to iteration is accumulated, where it is."""
        statements = list(body)
        mentions = _mentions(body)
        for last in [s for s in statements if isinstance(s, Assign) and s.again]:
            carried, spare = last.variable, last.value
            first = next(
                (s for s in statements if isinstance(s, Assign) and s.variable is spare), None
            )
            if first is None or mentions[spare] != 2 or self.mentions[spare] != 2:
                continue
            if mentions[carried] != 2:
                continue
            found = _added(carried, first.value)
            if found is None:
                continue
            at = statements.index(first)
            statements[at : at + 1] = [Accumulate(carried, kind, more) for kind, more in found]
            statements.remove(last)
            self.mentions[spare] -= 2
            self.mentions[carried] -= 1
        return Block(statements)

    # --- independence ----------------------------------------------------------------------------------
    def is_parallel(self, loop: For) -> bool:
        use = uses_of(loop)
        if not all(isinstance(s, _KNOWN) for s in _all(loop.body)):
            return False
        mentions = _mentions(loop.body)
        accumulated = {s.variable for s in _all(loop.body) if isinstance(s, Accumulate)}
        free = _used_first(loop.body)
        for node in use.given:
            if node is loop.counter:
                continue
            if node not in free and mentions[node] == self.mentions[node]:
                continue
            if node not in accumulated or not _only_accumulated(loop.body, node):
                return False
        return all(self.is_apart(buffer, loop, use, mentions) for buffer in use.stores)

    def is_apart(self, buffer: Buffer, loop: For, use: Uses, mentions: Counter[Any]) -> bool:
        """Whether no iteration accesses what another one stores."""
        stores = [s for s in _all(loop.body) if isinstance(s, Store) and s.buffer is buffer]
        places = list(use.stores[buffer])
        reads = use.reads.get(buffer, set())
        if all(s.adds for s in stores) and mentions[buffer] == len(stores):
            return True
        if all(
            self.never_meet(one, other, loop.counter, use.given)
            for one in places
            for other in {*places, *reads}
        ):
            return True
        return mentions[buffer] == self.mentions[buffer] and is_own(buffer, loop)

    def never_meet(self, one: Places, other: Places, counter: Expr, given: set[Expr]) -> bool:
        """Whether different iterations access different places."""
        return any(
            (a is b and _steps(a, counter, given)) or self.ranges.differ(a, b, given)
            for a, b in zip(one, other, strict=True)
        )


# Axes of at most so many elements may be given values one by one.
_SINGLY = 16
_KNOWN = (Assign, Accumulate, Store, For, While, If, Check)


def _steps(place: Expr, counter: Expr, given: set[Expr]) -> bool:
    """Whether a place is another one in each iteration."""
    if place is counter:
        return True
    if place.op is not LIN or place.value_type.dtype != "int64":
        return False
    found = 0
    for coefficient, term in zip(place.attr, place.args, strict=True):
        if type(coefficient) is not int or not coefficient:
            return False
        if _steps(term, counter, given):
            found += 1
        elif reads(term) or not given.isdisjoint(order([term])):
            return False
    return found == 1


def is_own(buffer: Buffer, loop: For) -> bool:
    """Whether an iteration gives a value to all of a buffer before it does anything else with it."""
    return buffer.role == "local" and _is_filled_first(buffer, loop.body, ())


def _is_filled_first(buffer: Buffer, body: Block, places: Places) -> bool:
    """Whether all elements of a buffer at some first places get values before any of them is used."""
    users = [s for s in body if buffer in uses_of(s).buffers()]
    if not users:
        return False
    match users[0]:
        case Store():
            return _is_filled_singly(buffer, users, places)
        case For() as inner:
            row = (*places, inner.counter)
            whole = len(row) <= len(buffer.shape)
            if whole and extent_of(inner.trip) == buffer.shape[len(places)]:
                use = uses_of(inner)
                at = {*use.reads.get(buffer, ()), *use.stores.get(buffer, ())}
                if all(p[: len(row)] == row for p in at):
                    return _is_filled_first(buffer, inner.body, row)
            # A loop along no axis of it: each iteration fills all, but there may be none.
            runs = inner.trip.op is CONSTANT and int(inner.trip.attr) > 0
            return (runs or len(users) == 1) and _is_filled_first(buffer, inner.body, places)
    return False


def _is_filled_singly(buffer: Buffer, users: Sequence[Statement], places: Places) -> bool:
    """The same where all elements at some first places are stored to one after the other."""
    left: set[tuple[int, ...]] = {()}
    for extent in buffer.shape[len(places) :]:
        if not isinstance(extent, int) or extent > _SINGLY:
            return False
        left = {(*one, i) for one in left for i in range(extent)}
    for statement in users:
        if not isinstance(statement, Store) or statement.buffer is not buffer or statement.adds:
            return False
        if any(r.attr.buffer is buffer for r in reads(statement.value)):
            return False
        first, rest = statement.places[: len(places)], statement.places[len(places) :]
        if first != places or not all(p.op is CONSTANT for p in rest):
            return False
        left.discard(tuple([int(p.attr) for p in rest]))
        if not left:
            return True
    return False


def extent_of(trip: Expr) -> Extent | None:
    """How often a loop runs, if that is told by sizes alone."""
    return polynomial_of(trip, lambda atom: atom.attr if atom.op is SIZE else None)


# --- what is carried -----------------------------------------------------------------------------------
def _added(carried: Expr, value: Expr) -> list[tuple[str, Expr]] | None:
    """What is combined with a carried number one after the other, and how."""
    dtype = carried.value_type.dtype
    if value is carried:
        return []
    if value.value_type.dtype != dtype:
        return None
    within = [a for a in value.args if carried in order([a])]
    if len(within) != 1 or value.ndim:
        return None
    kind = _KINDS.get(value.op)
    if kind is None or (kind != "add" and len(value.args) != 2):
        return None
    first = _added(carried, within[0])
    if first is None or any(k != kind for k, _ in first):
        return None
    others = (
        _terms(value, within[0]) if kind == "add" else [a for a in value.args if a is not within[0]]
    )
    if others is None or any(o.value_type.dtype != dtype for o in others):
        return None
    return [*first, *[(kind, o) for o in others]]


_KINDS = {LIN: "add", EIN: "mul", MAXIMUM: "maximum", MINIMUM: "minimum"}


def _terms(total: Expr, one: Expr) -> list[Expr] | None:
    """What is added to one term of a sum, in order; what stands in front of it is one number."""
    pairs = list(zip(total.attr, total.args, strict=True))
    at = next(n for n, (_, term) in enumerate(pairs) if term is one)
    if pairs[at][0] != 1:
        return None
    ahead = [lin(pairs[:at])] if at else []
    return ahead + [scale(c, term) for c, term in pairs[at + 1 :]]


def _all(block: Block) -> list[Statement]:
    found, waiting = [], [block]
    while waiting:
        for statement in waiting.pop():
            found.append(statement)
            waiting.extend(blocks(statement))
    return found


def _bare(statement: Statement) -> Statement:
    return with_bodies(statement, lambda body: Block())


def _mentions(block: Block) -> Counter[Any]:
    """How many statements use or change each variable and each buffer."""
    found: Counter[Any] = Counter()
    for statement in _all(block):
        use = uses_of(_bare(statement))
        found.update(use.used | use.given)
        found.update(use.buffers())
    return found


def _only_accumulated(block: Block, node: Expr) -> bool:
    """Whether nothing else is done with a variable."""
    for statement in _all(block):
        if isinstance(statement, Accumulate) and statement.variable is node:
            if node in uses_of(Assign(node, statement.value)).used:
                return False
            continue
        use = uses_of(_bare(statement))
        if node in use.used or node in use.given:
            return False
    kinds = {s.kind for s in _all(block) if isinstance(s, Accumulate) and s.variable is node}
    return len(kinds) == 1


def _used_first(block: Block) -> set[Expr]:
    """Variables that are used in front of where they get a value, or may not get one."""
    found: set[Expr] = set()
    _walk(list(block), set(), found)
    return found


def _walk(statements: Sequence[Statement], known: set[Expr], found: set[Expr]) -> set[Expr]:
    """The variables that surely have values behind the statements; others that are used are found."""
    known = set(known)
    for statement in statements:
        use = uses_of(_bare(statement))
        found |= use.used - known
        match statement:
            case Assign():
                known.add(statement.variable)
            case For() | While():
                # A body may run no time at all.
                _walk(list(statement.body), {*known, statement.counter}, found)
                if isinstance(statement, While) and statement.done is not None:
                    known.add(statement.done)
            case If():
                then = _walk(list(statement.then), known, found)
                known = then & _walk(list(statement.orelse), known, found)
            case _:
                pass
    return known
