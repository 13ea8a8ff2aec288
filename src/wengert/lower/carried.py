"""Elements that an iteration stores and the next one reads, in variables.

Memory is slow to give back what was just stored.
``x[i] = f(x[i-1])`` is such a loop. Where the new element is a number plus a multiple of the last one, it is
computed as that, with one operation that waits for the last one (predictive commoning, and reassociation).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any  # Any: coefficients

from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ir.walk import order
from wengert.lower.changes import blocks, with_bodies
from wengert.lower.nest import (
    Assign,
    Block,
    Call,
    Check,
    For,
    If,
    Program,
    Statement,
    Store,
    While,
    read,
    variable,
)
from wengert.lower.renamed import Renaming
from wengert.lower.uses import Places, uses_of
from wengert.lower.values import of_type, reads
from wengert.ops.choice import lt
from wengert.ops.einstein import EIN, product_of_scalars
from wengert.ops.leaves import CONSTANT, const
from wengert.ops.sums import LIN, add, lin, subtract

__all__ = ["with_carried_elements"]

_UNKNOWN = (Check, Call, While)  # whatever comes behind them may not happen


def with_carried_elements(program: Program, *, strict: bool) -> Program:
    """The same program; ``strict`` keeps all operations as they are."""
    return replace(program, body=_block(program.body, strict))


def _block(block: Block, strict: bool) -> Block:
    found = Block()
    for statement in block:
        statement = with_bodies(statement, lambda body: _block(body, strict))
        if isinstance(statement, For) and not statement.parallel:
            for each in _carrying(statement, strict):
                found.add(each)
        else:
            found.add(statement)
    return found


def _carrying(loop: For, strict: bool) -> list[Statement]:
    """A loop, with what comes in front of it."""
    before: list[Statement] = []
    if any(isinstance(s, _UNKNOWN) for s in _all(loop.body)):
        return [loop]
    stores = [s for s in loop.body if isinstance(s, Store)]
    for store in stores:
        if sum(isinstance(s, Store) and s.buffer is store.buffer for s in _all(loop.body)) == 1:
            loop, more = _carried(loop, store, strict)
            before += more
    return [*before, loop]


def _all(block: Block) -> list[Statement]:
    found, waiting = [], [block]
    while waiting:
        for statement in waiting.pop():
            found.append(statement)
            waiting.extend(blocks(statement))
    return found


def _carried(loop: For, store: Store, strict: bool) -> tuple[For, list[Statement]]:
    """A loop in which what one store of it stored last is in a variable, where that is read."""
    buffer, type_ = store.buffer, Type(store.buffer.dtype)  # type: ignore[arg-type]  # of a Type
    if buffer.dtype not in ("float64", "float32"):
        return loop, []
    changing = {*uses_of(loop).given, loop.counter}
    step = const(-1 if loop.backward else 1)
    last = Renaming({loop.counter: subtract(loop.counter, step)})
    target = tuple([last.expr(p) for p in store.places])
    if not any(loop.counter in order([p]) for p in store.places) or not all(
        changing.isdisjoint(order([p])) or _is_of(p, loop.counter, changing) for p in store.places
    ):
        return loop, []
    at = loop.body.statements.index(store)
    here = loop.body.statements[: at + 1]
    places = {p for s in here for p in uses_of(s).reads.get(buffer, ()) if _same(p, target)}
    if store.adds:
        places.discard(store.places)
    if not places:
        return loop, []
    element = variable(type_, "last")
    carrying = _Carrying({}, {(buffer, p): element for p in places})
    body: list[Statement] = []
    known: dict[Expr, Expr] = {}
    for statement in here[:-1]:
        statement = carrying.statement(statement)
        body.append(statement)
        if isinstance(statement, Assign) and statement.value is element and not statement.again:
            known[statement.variable] = element
    value = Renaming(known).expr(carrying.expr(store.value))
    value = of_type(value, buffer.dtype)
    if store.adds:
        value = add(read(buffer, store.places, _NOW), value)
    if not strict:
        value = _apart(value, element)
    new = variable(type_, "new")
    body += [Assign(new, value), Store(buffer, store.places, new), Assign(element, new, again=True)]
    body += loop.body.statements[at + 1 :]
    first = subtract(loop.trip, const(1)) if loop.backward else const(0)
    start = Renaming({loop.counter: first})
    at_start = tuple([start.expr(p) for p in target])
    load: Statement = Assign(element, read(buffer, at_start, _NOW), again=True)
    front: list[Statement] = [Assign(element, of_type(const(0), buffer.dtype), again=True)]
    front.append(If(lt(const(0), loop.trip), Block([load]), Block()))
    return replace(loop, body=Block(body)), front


_NOW = 2_000_000  # a version of its own: what is in memory at that moment


class _Carrying(Renaming):
    """Reads variables instead of elements."""

    def __init__(
        self, variables: dict[Expr, Expr], instead: dict[tuple[Any, Places], Expr]
    ) -> None:
        super().__init__(variables)
        self.instead = instead


def _is_of(place: Expr, counter: Expr, changing: set[Expr]) -> bool:
    """Whether nothing but the counter makes a place change."""
    return changing.isdisjoint(set(order([place])) - {counter}) and not reads(place)


def _same(places: Places, others: Places) -> bool:
    return all(_is_zero_apart(a, b) for a, b in zip(places, others, strict=True))


def _is_zero_apart(a: Expr, b: Expr) -> bool:
    if a is b:
        return True
    found: dict[Expr, Any] = {}
    total = _collect(a, 1, found) + _collect(b, -1, found)
    return bool(total == 0 and not any(found.values()))


def _collect(node: Expr, factor: Any, found: dict[Expr, Any]) -> Any:
    """Terms of a sum of integers with their factors; gives the constant part."""
    if node.op is CONSTANT:
        return factor * int(node.attr)
    if node.op is LIN and node.value_type.dtype == "int64":
        parts = zip(node.attr, node.args, strict=True)
        return sum(_collect(term, factor * c, found) for c, term in parts)
    found[node] = found.get(node, 0) + factor
    return 0


# --- what waits for the last element -------------------------------------------------------------------
def _apart(value: Expr, element: Expr) -> Expr:
    """``rest + factor*element``, if the value is that."""
    found = _parts(value, element)
    if found is None:
        return value
    factor, rest = found
    if factor is None or rest is None or factor.value_type.dtype != element.value_type.dtype:
        return value
    return of_type(add(rest, product_of_scalars(factor, element)), value.value_type.dtype)


def _parts(node: Expr, element: Expr) -> tuple[Expr | None, Expr | None] | None:
    """The factor of an element in a sum, and the rest; each may be missing."""
    if node is element:
        return of_type(const(1), element.value_type.dtype), None
    if element not in order([node]):
        return None, node
    if node.value_type.dtype != element.value_type.dtype:
        return None
    if node.op is LIN:
        factors, rests = [], []
        for c, term in zip(node.attr, node.args, strict=True):
            parts = _parts(term, element)
            if parts is None:
                return None
            if parts[0] is not None:
                factors.append((c, parts[0]))
            if parts[1] is not None:
                rests.append((c, parts[1]))
        return lin(factors) if factors else None, lin(rests) if rests else None
    if node.op is EIN and not node.ndim and all(not a.ndim for a in node.args):
        having = [a for a in node.args if element in order([a])]
        if len(having) != 1 or node.args.count(having[0]) != 1:
            return None
        parts = _parts(having[0], element)
        if parts is None:
            return None
        others = [a for a in node.args if a is not having[0]]
        times = [None if p is None else _times(p, others) for p in parts]
        return times[0], times[1]
    return None


def _times(first: Expr, others: list[Expr]) -> Expr:
    for other in others:
        first = product_of_scalars(first, other)
    return first
