"""Long programs in parts, each a function of its own: what LLVM does takes longer than in proportion.

What one part has computed and a later one needs stands in memory, as do variables that change and that
several of them know. Only what is needed is put there: a part is complete but for its last line when a later
one asks for a value of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from wengert.ir.node import Expr
from wengert.lower.changes import blocks, expressions
from wengert.lower.nest import Block, Program, Statement
from wengert.lower.uses import uses_of
from wengert.native import mathematics
from wengert.native.conversions import kind_of
from wengert.native.kinds import Kind
from wengert.native.text import I64, Function

__all__ = ["Earlier", "changing", "split"]

# Operations of a part, about, and of programs from which on there are parts at all.
ENOUGH, LONG = 1000, 5000


def split(program: Program) -> list[Block]:
    """The statements of a program in parts; only one where it is short or asks for memory as it runs."""
    if program.heap:
        return [program.body]
    seen: set[Expr] = set()
    weights = [_weight(statement, seen) for statement in program.body]
    if sum(weights) < LONG:
        return [program.body]
    found, filled = [Block()], 0
    for statement, weight in zip(program.body, weights, strict=True):
        if filled >= ENOUGH:
            found.append(Block())
            filled = 0
        found[-1].add(statement)
        filled += weight
    return found


def _weight(statement: Statement, seen: set[Expr]) -> int:
    """How many operations there are in a statement that have not been seen."""
    count, waiting = 1, [statement]
    while waiting:
        top = waiting.pop()
        for body in blocks(top):
            waiting.extend(body)
        todo = [e for e in expressions(top) if e not in seen]
        seen.update(todo)
        while todo:
            count += 1
            for arg in todo.pop().args:
                if arg not in seen:
                    seen.add(arg)
                    todo.append(arg)
    return count


def changing(
    program: Program, parts: list[Block], slotted: set[Expr]
) -> tuple[list[set[Expr]], set[Expr]]:
    """Variables among those that need a place: those of each part, and those that several know.

    The results count as a part of their own, the last one.
    """
    of_parts: list[set[Expr]] = []
    for part in parts:
        mine: set[Expr] = set()
        for statement in part:
            use = uses_of(statement)
            mine |= use.used & slotted
            mine |= use.given & slotted
        of_parts.append(mine)
    of_parts.append({p for p in program.results() if isinstance(p, Expr)} & slotted)
    counts = Counter(variable for mine in of_parts for variable in mine)
    return of_parts, {variable for variable, count in counts.items() if count > 1}


@dataclass
class Earlier:
    """What the parts so far have computed, and the places of what later ones have asked for."""

    words: int = 0  # taken so far
    _values: dict[Expr, tuple[Function, str]] = field(default_factory=dict)
    _pairs: dict[tuple[str, Expr], tuple[Function, str]] = field(default_factory=dict)
    _places: dict[Expr, int] = field(default_factory=dict)

    def add(self, f: Function, values: dict[Expr, str]) -> None:
        """What is known, and never changes, at the end of a part."""
        for node, value in values.items():
            self._values.setdefault(node, (f, value))
            if node.op.name in mathematics.CALLED and node.args[0] in values:
                kind = kind_of(node.value_type.dtype)
                both = mathematics.symbol(node.op.name, kind)
                given = f.known(mathematics.call(node.op.name, kind, values[node.args[0]]))
                if given:
                    self._pairs.setdefault((both, node.args[0]), (f, given))

    def knows(self, node: Expr) -> bool:
        """Whether an earlier part has computed a value."""
        return node in self._values or self._pair(node) is not None

    def _pair(self, node: Expr) -> tuple[Function, str] | None:
        if node.op.name not in mathematics.CALLED or node.args[0].value_type != node.value_type:
            return None
        both = mathematics.symbol(node.op.name, kind_of(node.value_type.dtype))
        return self._pairs.get((both, node.args[0]))

    def value(self, f: Function, node: Expr) -> str:
        """A value as a later part has it."""
        found = self._values.get(node)
        if found is not None and not found[1].startswith("%"):
            return found[1]  # a number
        kind = kind_of(node.value_type.dtype)
        place = self._places.get(node)
        if place is None:
            place = self._places[node] = self.words
            self.words += 1
            self._put(node, kind, place)
        return f.load(kind, address(f, place))

    def _put(self, node: Expr, kind: Kind, place: int) -> None:
        """Have the earlier part put a value there at its end."""
        found = self._values.get(node)
        with (found or self._pair(node) or _nobody())[0].before_end() as f:
            if found is not None:
                value = found[1]
            else:
                pair = self._pair(node)
                assert pair is not None
                value = mathematics.one_of(f, node.op.name, kind, pair[1])
            f.store(kind, value, address(f, place))


def _nobody() -> tuple[Function, str]:
    raise LookupError("no earlier part has computed it")


def address(f: Function, place: int) -> str:
    """Where a word is that several parts know."""
    return f.element(I64, "%kept", str(place))
