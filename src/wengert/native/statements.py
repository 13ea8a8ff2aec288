"""Statements as blocks of instructions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.lower.changes import (
    Changing,
    blocks,
    changed,
    counters,
    expressions,
    varying,
    wild,
)
from wengert.lower.nest import (
    READ,
    Accumulate,
    Allocate,
    Assign,
    Block,
    Call,
    Check,
    For,
    If,
    Program,
    Statement,
    Store,
    Unsupported,
    While,
)
from wengert.lower.zeros import Zeros, zeros_of
from wengert.native.conversions import kind_of, memory_kind
from wengert.native.heap import block_of, bytes_of, grown
from wengert.native.primitives import combined
from wengert.native.routines import call
from wengert.native.text import BOOL, I64, Function
from wengert.native.values import Values
from wengert.native.vectors import Vectors, simple
from wengert.ops.leaves import CONSTANT, SYMBOL

__all__ = ["Statements", "stop_unless_zero", "unrolled"]

_TRUTH = Type("bool")


class Statements:
    """Writes the statements of a program in order.

    A loop is entered through a test that it runs at all; what its body computes anew each time with the same
    result is computed behind that test, in front of the body.
    """

    def __init__(self, program: Program, values: Values, lanes: int) -> None:
        self.values = values
        self.f = values.f
        self.writer = values.writer
        self.memory = values.memory
        self.lanes = lanes
        self.heap = program.heap
        self.counting = counters(program.body)
        self._wild: dict[Expr, int] = {}
        # Of loops that make a whole result zero: what isn't zero if it has come so.
        self.given_zeros: dict[Statement, str] = {}

    def block(self, block: Block) -> None:
        """All statements of a block."""
        for statement in block:
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        match statement:
            case Assign():
                value = self.values.operand(statement.value, statement.variable.value_type)
                self.assign(statement.variable, value)
            case Accumulate():
                self._accumulate(statement)
            case Store():
                self._store(statement)
            case Allocate():
                self._allocate(statement)
            case For():
                self._for(statement)
            case While():
                self._while(statement)
            case If():
                self._if(statement)
            case Check():
                self._check(statement)
            case Call():
                call(statement, self)

    # --- one by one ------------------------------------------------------------------------------------
    def assign(self, variable: Expr, value: str) -> None:
        """A variable has this value from now on."""
        slot = self.values.slots.get(variable)
        if slot is not None:
            self.f.store(kind_of(variable.value_type.dtype), value, slot)
            self.values.touch([variable])
        self.values.bind(variable, value)

    def _accumulate(self, statement: Accumulate) -> None:
        type_ = statement.variable.value_type
        more = self.values.operand(statement.value, type_)
        before = self.values.value(statement.variable)
        kind = kind_of(type_.dtype)
        self.assign(statement.variable, combined(self.writer, kind, statement.kind, before, more))

    def _store(self, statement: Store) -> None:
        values, memory, buffer = self.values, self.memory, statement.buffer
        if buffer.role == "input":
            raise Unsupported("a store to an input")
        type_ = Type(buffer.dtype)  # type: ignore[arg-type]  # of a Type
        value = values.operand(statement.value, type_)
        address = memory.address(buffer, [values.index(p) for p in statement.places])
        if statement.adds:
            kind = kind_of(buffer.dtype)
            value = combined(self.writer, kind, "add", memory.load(buffer, address), value)
        memory.store(buffer, value, address)

    def _allocate(self, statement: Allocate) -> None:
        f, values, buffer = self.f, self.values, statement.buffer
        extents = [values.index(e) for e in statement.extents]
        size = memory_kind(buffer.dtype).bytes
        need, keep = bytes_of(f, size, extents), "0"
        if statement.keeps:
            keep = bytes_of(f, size, [values.value(e) for e in buffer.extents])
        block, capacity = values.blocks[buffer]
        with f.when(f.compare(I64, "ugt", need, f.load(I64, capacity))):
            at = block_of(f, self.heap.index(buffer))
            fresh = grown(f, at, need, keep)
            f.effect(f"store ptr {fresh}, ptr {block}, align 8")
            f.store(I64, f.load(I64, f.element(I64, at, "1")), capacity)
        for variable, extent in zip(buffer.extents, extents, strict=True):
            self.assign(variable, extent)
        values.touch([buffer])

    def _check(self, statement: Check) -> None:
        self.stop_unless(self.values.operand(statement.condition, _TRUTH), statement.code)

    def stop_unless(self, holds: str, code: int) -> None:
        """Give a code back unless something holds."""
        f = self.f
        fine, failed = f.block("fine"), f.block("failed")
        f.branch_if(holds, fine, failed)
        f.start(failed)
        f.ret(str(code))
        f.start(fine)

    def _if(self, statement: If) -> None:
        f = self.f
        condition = self.values.operand(statement.condition, _TRUTH)
        then, orelse, after = f.block("then"), f.block("else"), f.block("after")
        f.branch_if(condition, then, orelse)
        for label, body in ((then, statement.then), (orelse, statement.orelse)):
            f.start(label)
            with self.values.scope():
                self.block(body)
            f.branch(after)
        f.start(after)
        self.values.touch(changed(statement.then) | changed(statement.orelse))

    # --- loops -----------------------------------------------------------------------------------------
    def _for(self, loop: For) -> None:
        values, f = self.values, self.f
        zeros = zeros_of(loop)
        given = self.given_zeros.get(loop)
        if zeros is not None and given is not None:
            with f.when(f.compare(I64, "eq", given, "0")):
                self._clear(zeros)
            return
        if zeros is not None and zeros.axes > 1:
            self._clear(zeros)
            return
        trip = values.index(loop.trip)
        times = unrolled(loop, self.lanes)
        if times is not None:
            self._unrolled(loop, times)
            return
        changing = changed(loop.body) | {loop.counter}
        vary = varying(loop.body, changing)
        with self._guarded(f.compare(I64, "sgt", trip, "0"), changing):
            self.hoist(loop.body, vary)
            plan = simple(loop, vary, self.values, self.lanes) if loop.parallel else None
            if plan is not None:
                Vectors(plan, self).write(trip)
                return
            before, head, done = f.current, f.block("loop"), f.block("done")
            f.branch(head)
            f.start(head)
            count = f.phi(I64, ("0", before))
            with values.scope():
                counter = count
                if loop.backward:
                    counter = f.sub(I64, f.sub(I64, trip, "1", "nsw "), count, "nsw ")
                values.bind(loop.counter, counter)
                self.block(loop.body)
                following = f.value(f"add nsw i64 {count}, 1")
                more = f.compare(I64, "slt", following, trip)
            f.extend_phi(count, following, f.current)
            f.branch_if(more, head, done, self.once())
            f.start(done)

    def _clear(self, zeros: Zeros) -> None:
        """Set memory in one piece to zero."""
        f, buffer = self.f, zeros.buffer
        places = [self.values.index(p) for p in zeros.places]
        address = self.memory.address(buffer, [*places, *["0"] * zeros.axes])
        count = str(memory_kind(buffer.dtype).bytes)
        for axis in range(len(places), len(buffer.shape)):
            count = f.mul(I64, count, self.memory.extent(buffer, axis), "nsw ")
        f.module.declare("memset", "ptr, i32, i64", "ptr")
        f.call("ptr", "memset", [("ptr", address), ("i32", "0"), ("i64", count)])
        self.writer.imports.add("memset")
        self.values.touch([buffer])

    def once(self) -> str:
        """That a loop stays as it is written."""
        module = self.f.module
        rule = module.metadata('!{!"llvm.loop.unroll.disable"}')
        also = module.metadata('!{!"llvm.loop.interleave.count", i32 1}')
        return f", !llvm.loop {module.metadata(f'!{{self, {rule}, {also}}}', distinct=True)}"

    def _unrolled(self, loop: For, trip: int) -> None:
        """Write a loop as so many copies."""
        changing = changed(loop.body)
        for step in range(trip):
            self.values.touch(changing)
            with self.values.scope():
                self.values.bind(loop.counter, str(trip - 1 - step if loop.backward else step))
                self.block(loop.body)
        self.values.touch(changing)

    def _while(self, loop: While) -> None:
        values, f = self.values, self.f
        trip = None if loop.trip is None else values.index(loop.trip)
        changing = changed(loop.body) | {loop.counter}
        vary = varying(loop.body, changing)
        starts = values.operand(loop.flag, _TRUTH)
        if trip is not None:
            starts = f.binary("and", BOOL, starts, f.compare(I64, "sgt", trip, "0"))
        entered = f.current
        with self._guarded(starts, changing):
            self.hoist(loop.body, vary)
            before, head, done = f.current, f.block("loop"), f.block("done")
            f.branch(head)
            f.start(head)
            count = f.phi(I64, ("0", before))
            with values.scope():
                values.bind(loop.counter, count)
                self.block(loop.body)
                following = f.value(f"add nsw i64 {count}, 1")
                more = values.operand(loop.flag, _TRUTH)
                if trip is not None:
                    below = f.compare(I64, "slt", following, trip)
                    more = f.binary("and", BOOL, more, below)
            f.extend_phi(count, following, f.current)
            f.branch_if(more, head, done, self.once())
            f.start(done)
        if loop.done is not None:
            times = f.phi(I64, ("0", entered), (following, done))
            kind = kind_of(loop.done.value_type.dtype)
            self.assign(loop.done, times if kind is I64 else f.convert("trunc", I64, times, kind))

    @contextmanager
    def _guarded(self, runs: str, changing: set[Changing]) -> Iterator[None]:
        """What is written in here happens only if the loop runs."""
        f, values = self.f, self.values
        enter, after = f.block("enter"), f.block("after")
        f.branch_if(runs, enter, after)
        f.start(enter)
        values.touch(changing)
        begin = f.length
        self.writer.depth += 1
        with values.scope():
            yield
        self.writer.depth -= 1
        if not self.writer.depth:
            self.writer.looped += f.length - begin
        f.branch(after)
        f.start(after)
        values.touch(changing)

    def hoist(self, body: Block, vary: dict[Expr, bool]) -> None:
        """Compute in front of a body what it computes anew each time with the same result.

        What reads at places that the data tell waits for the checks that may stand in front of it, and for
        loops inside to run at all. Nothing is taken out of an `If`.
        """
        checked = _checked(body)
        seen: set[Expr] = set()
        waiting = [(body, checked)]
        for block, careful in waiting:
            for statement in block:
                if not isinstance(statement, If):
                    waiting.extend((inner, True) for inner in blocks(statement))
                self._hoist(expressions(statement), vary, seen, careful)
                if isinstance(statement, Store):
                    self._hoist_row(statement, vary, careful)

    def _hoist(
        self, roots: tuple[Expr, ...], vary: dict[Expr, bool], seen: set[Expr], careful: bool
    ) -> None:
        stack = list(roots)
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if vary[node]:
                stack.extend(node.args)
                if node.op is READ:
                    self._hoist_places(node.attr.buffer, node.args, vary, careful)
            elif node.op is not CONSTANT and not (
                node.op is SYMBOL and node not in self.values.slots
            ):
                if careful:
                    wild([node], self.counting, self._wild)
                    if self._wild[node] & 2:
                        continue
                self.values.value(node)

    def _hoist_row(self, store: Store, vary: dict[Expr, bool], careful: bool) -> None:
        self._hoist_places(store.buffer, store.places, vary, careful)

    def _hoist_places(
        self, buffer: object, places: tuple[Expr, ...], vary: dict[Expr, bool], careful: bool
    ) -> None:
        """Compute what the first places, which do not vary, say about the address."""
        fixed: list[Expr] = []
        for place in places[:-1]:
            if vary[place]:
                break
            fixed.append(place)
        if careful:
            wild(fixed, self.counting, self._wild)
            if any(self._wild[p] & 2 for p in fixed):
                return
        if fixed:
            indices = [self.values.index(p) for p in fixed]
            if len(fixed) == len(places) - 1:
                self.memory.row(buffer, indices)  # type: ignore[arg-type]  # a Buffer
            else:
                self.memory.lead(buffer, indices)  # type: ignore[arg-type]  # a Buffer


def unrolled(statement: Statement, lanes: int) -> int | None:
    """How many copies are written of a loop that is short and without loops of its own."""
    if not isinstance(statement, For) or statement.trip.op is not CONSTANT:
        return None
    trip = int(statement.trip.attr)
    return trip if trip < lanes and not any(blocks(s) for s in statement.body) else None


def stop_unless_zero(f: Function, code: str) -> None:
    """Give a code back unless it is zero."""
    fine, failed = f.block("fine"), f.block("failed")
    f.branch_if(f.compare(I64, "eq", code, "0"), fine, failed)
    f.start(failed)
    f.ret(code)
    f.start(fine)


def _checked(body: Block) -> bool:
    waiting = [body]
    while waiting:
        for statement in waiting.pop():
            if isinstance(statement, (Check, Call)):
                return True
            waiting.extend(blocks(statement))
    return False
