"""Innermost loops whose iterations do not depend on each other: many iterations at once.

Whole vectors first, in short loops that add something up several at a time; then what remains, under a mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.lower.nest import READ, Accumulate, Assign, Check, For, Store
from wengert.lower.uses import uses_of
from wengert.native.conversions import kind_of
from wengert.native.primitives import combined, identity
from wengert.native.text import FAST, I64
from wengert.native.values import Lanes, Values, last_offset
from wengert.ops.leaves import CONSTANT, SYMBOL

if TYPE_CHECKING:
    from wengert.native.statements import Statements

__all__ = ["Plan", "Vectors", "simple"]

# Bodies of at most so many operations that add something up run with several partial results, since an
# addition waits for the one before it.
SHORT = 16
PARTIAL = 4
# Loops of at most so many vectors, known to be, are written without a loop.
MOST = 8


@dataclass(frozen=True)
class Plan:
    """A loop that can be written with vectors: of so many lanes, in several copies."""

    loop: For
    varying: dict[Expr, bool]
    lanes: int
    copies: int
    sums: tuple[Accumulate, ...]


def simple(loop: For, varying: dict[Expr, bool], values: Values, lanes: int) -> Plan | None:
    """How to write a loop with vectors, if its statements and places allow it."""
    sums: list[Accumulate] = []
    for statement in loop.body:
        match statement:
            case Assign():
                if statement.variable in values.slots:
                    return None
            case Accumulate():
                loose = statement.kind in ("add", "mul") and _is_float(statement.variable)
                if loose and not values.writer.fast:
                    return None
                sums.append(statement)
            case Check():
                pass
            case Store():
                if not _separate(statement, loop.counter, varying):
                    return None
            case _:
                return None
    added = {(s.variable, s.kind) for s in sums}
    variables = {variable for variable, _ in added}
    if len(added) > len(variables) or not variables.isdisjoint(varying):
        return None
    if _narrow(loop, varying):
        lanes *= 2
    cost = sum([1 for n, v in varying.items() if v and n.op is not SYMBOL])
    copies = PARTIAL if sums and cost <= SHORT else 1
    if loop.trip.op is CONSTANT and cost <= SHORT and (sums or _is_of_registers(loop)):
        whole = int(loop.trip.attr) // lanes
        copies = whole if 0 < whole <= MOST else copies
    return Plan(loop, varying, lanes, copies, tuple(sums))


def _is_of_registers(loop: For) -> bool:
    """Whether a loop goes over memory that can be registers, if all places are known."""
    use = uses_of(loop)
    return any(b.role == "local" and b.shape == (loop.trip.attr,) for b in use.buffers())


def _is_float(node: Expr) -> bool:
    return node.value_type.dtype.startswith("float")


def _separate(store: Store, counter: Expr, varying: dict[Expr, bool]) -> bool:
    """Whether each iteration stores to a place of its own, as far as vectors care."""
    if last_offset(store.places, counter, varying) is not None:
        return True
    return not store.adds and any(varying[p] for p in store.places)


def _narrow(loop: For, varying: dict[Expr, bool]) -> bool:
    """Whether all numbers that vary are of 32 bits or fewer, but for places."""
    places: set[Expr] = {loop.counter}
    types: list[str] = []
    for statement in loop.body:
        match statement:
            case Store():
                places.update(statement.places)
                types.append(statement.buffer.dtype)
            case Accumulate():
                types.append(statement.variable.value_type.dtype)
            case _:
                pass
    for node, varies in varying.items():
        if varies and node.op is READ:
            if last_offset(node.args, loop.counter, varying) is None:
                return False
            places.update(node.args)
    types += [n.value_type.dtype for n, v in varying.items() if v and n not in places]
    return "float32" in types and {"float64", "int64"}.isdisjoint(types)


class Vectors:
    """Writes a loop with vectors."""

    def __init__(self, plan: Plan, statements: Statements) -> None:
        self.plan = plan
        self.statements = statements
        self.values = statements.values
        self.f = statements.f
        self.slots: list[list[str]] = []  # per accumulation, of its partial results

    def write(self, trip: str) -> None:
        """The loop, behind the test that it runs at all."""
        f, plan = self.f, self.plan
        for total in plan.sums:
            kind = kind_of(total.variable.value_type.dtype, plan.lanes)
            slots = [f.slot(kind) for _ in range(plan.copies)]
            for slot in slots:
                f.store(kind, identity(kind, total.kind), slot)
            self.slots.append(slots)
        known = int(plan.loop.trip.attr) if plan.loop.trip.op is CONSTANT else None
        start = "0"
        for copies in sorted({plan.copies, 1}, reverse=True):
            step = plan.lanes * copies
            if known is not None and known < step:
                continue
            stop = (
                f.binary("and", I64, trip, str(-step))
                if known is None
                else str(known // step * step)
            )
            if stop != start:
                self._whole(start, stop, copies)
            start = stop
        if known is None or known % plan.lanes:
            self._rest(start, trip, known is None)
        self._finish()

    def _whole(self, start: str, stop: str, copies: int) -> None:
        """Vectors without a mask."""
        f, lanes = self.f, self.plan.lanes
        if start == "0" and stop == str(lanes * copies):
            with self.values.scope():
                for copy in range(copies):
                    self._body(str(copy * lanes), copy)
            return
        with (
            f.loop(start, stop, str(lanes * copies), self.statements.once()) as base,
            self.values.scope(),
        ):
            for copy in range(copies):
                first = f.add(I64, base, str(copy * lanes), "nsw ") if copy else base
                self._body(first, copy)

    def _rest(self, start: str, trip: str, tested: bool) -> None:
        """The iterations that fill no vector."""
        f, lanes = self.f, self.plan.lanes
        kind = kind_of("int64", lanes)
        remains, after = f.block("rest"), f.block("after")
        f.branch_if(f.compare(I64, "slt", start, trip) if tested else "true", remains, after)
        f.start(remains)
        with self.values.scope():
            left = f.sub(I64, trip, start, "nsw ")
            mask = f.compare(kind, "slt", kind.listed(range(lanes)), f.splat(kind, left))
            self._body(start, 0, mask, f.sub(I64, trip, "1", "nsw "))
        f.branch(after)
        f.start(after)

    def _body(self, base: str, copy: int, mask: str = "", most: str = "") -> None:
        plan = self.plan
        lanes = Lanes(self.values, plan.lanes, plan.loop.counter, plan.varying, base, mask, most)
        sums = iter(self.slots)
        for statement in plan.loop.body:
            match statement:
                case Assign():
                    type_ = statement.variable.value_type
                    lanes.known[statement.variable] = lanes.operand(statement.value, type_)
                case Accumulate():
                    self._accumulate(statement, lanes, next(sums)[copy])
                case Store():
                    self._store(statement, lanes)
                case Check():
                    self._check(statement, lanes)
                case _:
                    raise AssertionError(statement)

    def _check(self, statement: Check, lanes: Lanes) -> None:
        f, kind = self.f, kind_of("bool", lanes.lanes)
        holds = lanes.operand(statement.condition, Type("bool"))
        if lanes.mask:
            holds = f.select(kind, lanes.mask, holds, kind.constant(1))
        self.statements.stop_unless(f.reduce("and", kind, holds), statement.code)

    def _accumulate(self, statement: Accumulate, lanes: Lanes, slot: str) -> None:
        f, type_ = self.f, statement.variable.value_type
        kind = lanes.kind(type_)
        more = lanes.operand(statement.value, type_)
        if lanes.mask:
            more = f.select(kind, lanes.mask, more, identity(kind, statement.kind))
        before = f.load(kind, slot)
        f.store(kind, combined(self.values.writer, kind, statement.kind, before, more), slot)

    def _store(self, statement: Store, lanes: Lanes) -> None:
        memory, buffer = self.statements.memory, statement.buffer
        value = lanes.operand(statement.value, Type(buffer.dtype))  # type: ignore[arg-type]  # of a Type
        first = lanes.contiguous(buffer, statement.places)
        if not first:
            addresses = lanes.scattered(buffer, statement.places)
            memory.scatter(buffer, value, addresses, lanes.lanes, lanes.mask)
            return
        if statement.adds:
            kind = kind_of(buffer.dtype, lanes.lanes)
            before = memory.load(buffer, first, lanes.lanes, lanes.mask)
            value = combined(self.values.writer, kind, "add", before, value)
        memory.store(buffer, value, first, lanes.lanes, lanes.mask)

    def _finish(self) -> None:
        """The partial results as one, added to what the variable had."""
        f, writer = self.f, self.values.writer
        for total, slots in zip(self.plan.sums, self.slots, strict=True):
            type_ = total.variable.value_type
            kind, scalar = kind_of(type_.dtype, self.plan.lanes), kind_of(type_.dtype)
            parts = [f.load(kind, slot) for slot in slots]
            while len(parts) > 1:
                pairs = zip(parts[::2], parts[1::2], strict=False)
                odd = parts[len(parts) // 2 * 2 :]
                parts = [combined(writer, kind, total.kind, a, b) for a, b in pairs] + odd
            names = {"and": "and", "or": "or", "add": "add", "mul": "mul"}
            if kind.is_float:
                names = {"add": "fadd", "mul": "fmul", "maximum": "fmaximum", "minimum": "fminimum"}
            elif scalar.mask is scalar:
                names |= {"add": "or", "mul": "and", "maximum": "or", "minimum": "and"}
            else:
                names |= {"maximum": "smax", "minimum": "smin"}
            name = names[total.kind]
            start = identity(scalar, total.kind) if name in ("fadd", "fmul") else ""
            value = f.reduce(name, kind, parts[0], FAST if start else "", start)
            before = self.values.value(total.variable)
            after = combined(writer, scalar, total.kind, before, value)
            self.statements.assign(total.variable, after)
