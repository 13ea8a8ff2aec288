"""Programs cut into phases, so that the iterations of long outer loops can be shared out.

A program is a sequence of statements. Those loops among them that may run in any order become programs of
their own, which run a range of the iterations: the first and the number are inputs. What stands between them
becomes programs too. Numbers go from phase to phase as outputs and inputs, arrays as memory that several
phases are given.

What the iterations of a loop put together would depend on who runs which of them. So each range has sums and
arrays of its own, which begin as zero (or what changes nothing) and are combined in the order of the ranges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wengert.ir.node import OPERATORS, Expr
from wengert.ir.types import Type
from wengert.ir.walk import order
from wengert.lower.changes import blocks, with_bodies
from wengert.lower.nest import (
    Accumulate,
    Assign,
    Block,
    Buffer,
    Call,
    For,
    Pair,
    Program,
    Statement,
    Store,
    While,
    variable,
)
from wengert.lower.renamed import Renaming
from wengert.lower.uses import Uses, uses_of
from wengert.ops.leaves import CONSTANT

__all__ = ["Phase", "phases"]

# Loops that are known to be shorter stay as they are; so do all but the largest few, by their statements.
SHORT, MOST = 64, 6

_WHOLE = Type("int64")


@dataclass(frozen=True, eq=False)
class Phase:
    """A part of a program.

    The inputs of ``program`` are those of the whole program, then ``numbers``; its outputs are ``arrays``,
    then ``found``, then, in the last phase, those of the whole program. A loop has more inputs at the end:
    what each of ``found`` begins as, the first iteration and how many there are. All its iterations are
    ``trip``, a variable of an earlier phase. ``sums`` says how each of ``found`` is combined, ``own`` are the
    arrays of which each range has one, to which it adds.
    """

    program: Program
    numbers: tuple[Expr, ...]
    arrays: tuple[Buffer, ...]
    found: tuple[Expr, ...]
    trip: Expr | None = None
    sums: tuple[str, ...] = ()
    own: frozenset[Buffer] = frozenset()


def phases(program: Program, *, strict: bool = False) -> list[Phase]:
    """The phases of a program; none if it has no loop whose iterations are worth sharing out.

    With ``strict``, only loops that put nothing together are cut out.
    """
    if program.heap:
        return []
    statements = list(program.body)
    results = {p for p in program.results() if isinstance(p, Expr)}
    cut = _largest(
        [
            s
            for s in statements
            if _is_long(s) and not (strict and _combines(s)) and not _leaves(s, statements, results)
        ]
    )
    if not cut:
        return []
    parts: list[list[Statement]] = [[]]
    trips: dict[int, Expr] = {}
    for statement in statements:
        if statement in cut:
            assert isinstance(statement, For)
            trip = variable(_WHOLE, "trip")
            parts[-1].append(Assign(trip, statement.trip))
            trips[len(parts)] = trip
            parts += [[statement], []]
        else:
            parts[-1].append(statement)
    return _Cutting(program, parts, trips).phases()


def _is_long(statement: Statement) -> bool:
    if not isinstance(statement, For) or not statement.parallel:
        return False
    trip = statement.trip
    if trip.op is CONSTANT and int(trip.attr) < SHORT:
        return False
    few = trip.op.name == "minimum" and any(
        a.op is CONSTANT and int(a.attr) < SHORT for a in trip.args
    )
    if few or any(isinstance(s, Call) for s in _all(statement)):
        return False
    return all(b.role == "local" for b in _scratch(statement))


def _leaves(loop: Statement, statements: Sequence[Statement], results: set[Expr]) -> bool:
    """Whether variables that a loop gives values to, other than by accumulating, are used outside of it."""
    given = {s.variable for s in _all(loop) if isinstance(s, Assign)}
    known = set(results)
    for other in statements:
        if other is not loop:
            uses = uses_of(other)
            known |= uses.given | uses.used
    return not given.isdisjoint(known)


def _all(statement: Statement) -> Iterator[Statement]:
    waiting = [statement]
    while waiting:
        top = waiting.pop()
        yield top
        for body in blocks(top):
            waiting.extend(body)


def _combines(loop: Statement) -> bool:
    assert isinstance(loop, For)
    given = {s.variable for s in _all(loop) if isinstance(s, Assign)}
    sums = any(isinstance(s, Accumulate) and s.variable not in given for s in _all(loop))
    return sums or bool(_only_added(loop))


def _only_added(loop: For) -> set[Buffer]:
    """The buffers that a loop does nothing to but add, maybe to one place in several iterations."""
    added = {s.buffer for s in _all(loop) if isinstance(s, Store) and s.adds}
    plain = {s.buffer for s in _all(loop) if isinstance(s, Store) and not s.adds}
    places = {
        b: [s.places for s in _all(loop) if isinstance(s, Store) and s.buffer is b] for b in added
    }
    read = _read(loop)
    return {
        b
        for b in added - plain - read
        if not all(any(p is loop.counter for p in at) for at in places[b])
    }


def _read(loop: For) -> set[Buffer]:
    """The buffers of which elements are used."""
    found: set[Buffer] = set()
    for statement in _all(loop):
        alone = with_bodies(statement, lambda _: Block())
        if isinstance(alone, Store):
            alone = replace(alone, adds=False)
        found |= set(uses_of(alone).reads)
    return found


def _scratch(loop: For) -> set[Buffer]:
    """The buffers that every iteration stores to at the same places: each has to fill them anew."""
    inner = {s.counter for s in _all(loop) if isinstance(s, (For, While)) and s is not loop}
    moving = {loop.counter} | {v for s in _all(loop) for v in uses_of(s).given} - inner
    stores = [s for s in _all(loop) if isinstance(s, Store)]
    return {
        s.buffer for s in stores if not any(n in moving for n in order(list(s.places)))
    } - _only_added(loop)


def _largest(loops: Sequence[Statement]) -> set[Statement]:
    sizes = {s: sum(1 for _ in _all(s)) for s in loops}
    largest = sorted(loops, key=lambda s: -sizes[s])[:MOST]
    return {s for s in largest if 3 * sizes[s] >= sizes[largest[0]]}


class _Cutting:
    """Makes the phases of a program."""

    def __init__(
        self, program: Program, parts: list[list[Statement]], trips: dict[int, Expr]
    ) -> None:
        self.program, self.parts, self.trips = program, parts, trips
        self.uses = [[uses_of(s) for s in part] for part in parts]
        loops = {k: part[0] for k, part in enumerate(parts) if k in trips}
        self.scratch = {k: _scratch(s) for k, s in loops.items() if isinstance(s, For)}
        self.given = [_given(each) for each in self.uses]
        self.shared = self._shared()

    def _shared(self) -> set[Buffer]:
        """The buffers of more than one phase, and those of the result."""
        found = {p for p in self.program.outputs if isinstance(p, Buffer)}
        seen: set[Buffer] = set()
        for k in range(len(self.parts)):
            here = self.buffers(k) - self.scratch.get(k, set())
            found |= here & seen
            seen |= here
        return found

    def phases(self) -> list[Phase]:
        last = len(self.parts) - 1
        return [
            self.loop(k) if k in self.trips else self.between(k, k == last)
            for k in range(len(self.parts))
        ]

    def numbers(self, k: int) -> tuple[Expr, ...]:
        """The variables of earlier phases that one uses."""
        before = set().union(*self.given[:k])
        used = set().union(*(use.used | use.given for use in self.uses[k]))
        if k == len(self.parts) - 1:
            used |= {p for p in self.program.results() if isinstance(p, Expr)}
        return _sorted(used & before)

    def outputs(self, k: int) -> tuple[Expr, ...]:
        """The variables that later phases use."""
        after: set[Expr] = set()
        for later in range(k + 1, len(self.parts)):
            after |= set().union(*(use.used | use.given for use in self.uses[later]))
            if later in self.trips:
                after.add(self.trips[later])
        after |= {p for p in self.program.results() if isinstance(p, Expr)}
        return _sorted(self.given[k] & after)

    def buffers(self, k: int) -> set[Buffer]:
        found = {b for use in self.uses[k] for b in use.buffers()}
        return {b for b in found if b.role in ("local", "output")}

    def between(self, k: int, last: bool) -> Phase:
        program = self.program
        numbers = self.numbers(k)
        used = self.buffers(k)
        arrays = [b for b in _in_order(program, used) if b in self.shared]
        results = [p for p in program.outputs if last and isinstance(p, Buffer)]
        arrays = [b for b in arrays if b not in results]
        found = () if last else self.outputs(k)
        rest: tuple[Expr | Pair | Buffer, ...] = program.outputs if last else ()
        made = replace(
            program,
            inputs=(*program.inputs, *numbers),
            outputs=(*arrays, *found, *rest),
            locals=tuple([b for b in program.locals if b in used and b not in self.shared]),
            body=Block(self.parts[k]),
        )
        return Phase(made, numbers, tuple(arrays), found)

    def loop(self, k: int) -> Phase:
        program = self.program
        (loop,) = self.parts[k]
        assert isinstance(loop, For)
        kinds = self.kinds(loop, k)
        numbers = tuple([n for n in self.numbers(k) if n not in kinds])
        first, count = variable(_WHOLE, "first"), variable(_WHOLE, "count")
        counter = variable(_WHOLE, "k")
        body = Renaming({loop.counter: OPERATORS.add(first, counter)}).block(loop.body)
        used = self.buffers(k)
        shared = self.shared - self.scratch[k]
        arrays = tuple([b for b in _in_order(program, used) if b in shared])
        made = replace(
            program,
            inputs=(*program.inputs, *numbers, *kinds, first, count),
            outputs=(*arrays, *kinds),
            locals=tuple([b for b in program.locals if b in used and b not in shared]),
            body=Block([For(counter, count, body, parallel=True)]),
        )
        own = frozenset(_only_added(loop)) & shared
        return Phase(made, numbers, arrays, tuple(kinds), self.trips[k], tuple(kinds.values()), own)

    def kinds(self, loop: For, k: int) -> dict[Expr, str]:
        """What a loop accumulates in variables that begin before it, and how."""
        before: set[Expr] = set().union(*self.given[:k])
        found: dict[Expr, str] = {}
        before -= {s.variable for s in _all(loop) if isinstance(s, Assign)}
        for statement in _all(loop):
            if isinstance(statement, Accumulate) and statement.variable in before:
                assert found.setdefault(statement.variable, statement.kind) == statement.kind
        return found


def _given(uses: Sequence[Uses]) -> set[Expr]:
    return set().union(*(use.given for use in uses))


def _in_order(program: Program, used: set[Buffer]) -> list[Buffer]:
    outputs = [p for p in program.outputs if isinstance(p, Buffer)]
    return [b for b in (*outputs, *program.locals) if b in used]


def _sorted(variables: set[Expr]) -> tuple[Expr, ...]:
    return tuple(sorted(variables, key=lambda node: node.serial))
