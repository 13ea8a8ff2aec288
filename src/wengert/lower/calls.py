"""Nodes that routines of BLAS and LAPACK compute: what their ops ask for becomes statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wengert.ir.dims import Extent
from wengert.ir.node import OPERATORS, Expr
from wengert.ir.types import TupleType, Type
from wengert.lower.nest import Assign, Block, Call, For, If, Part, Store, variable
from wengert.lower.values import COUNTER, Asking, Lowers, Plan, Stored, Value, of_type
from wengert.ops.leaves import const, size
from wengert.ops.routines import Routine

__all__ = ["Calling"]


class Calling(Asking):
    """Answers to an op that routines compute; ``results`` are made when they are asked for."""

    def __init__(self, frame: Lowers, node: Expr) -> None:
        super().__init__(frame, node)
        type_ = node.type
        self.types = type_.items if isinstance(type_, TupleType) else (node.value_type,)
        self.results: dict[int, Stored | Expr] = {}
        self.precision: str = node.args[0].value_type.dtype

    @property
    def value(self) -> Value:
        """The node."""
        made: list[Value] = [self.result(i) for i in range(len(self.types))]
        return made if isinstance(self.node.type, TupleType) else made[0]

    # --- memory ------------------------------------------------------------------------------------------
    def memory(self, argument: int) -> Stored:
        return self.frame.array(self.node.args[argument])

    def is_at_hand(self, argument: int) -> bool:
        return self.frame.is_at_hand(self.node.args[argument])

    def result(self, index: int = 0) -> Stored | Expr:
        found = self.results.get(index)
        if found is None:
            type_ = self.types[index]
            if type_.shape and not isinstance(self.node.type, TupleType):
                found = self.frame.room(self.node)
            elif type_.shape:
                found = self.frame.local(type_.dtype, type_.shape)
            else:
                found = variable(Type(type_.dtype, weak=type_.weak), "found")
            self.results[index] = found
        return found

    def scratch(self, shape: Sequence[Extent], dtype: str = "") -> Stored:
        return self.frame.local(dtype or self.precision, shape)

    def steps(self, array: Stored) -> tuple[Expr, ...]:
        found: list[Expr] = []
        step: Expr = const(1)
        buffer = array.buffer
        extents = buffer.extents or [size(e) for e in buffer.shape]
        for extent in reversed(extents[len(array.prefix) :]):
            found.append(step)
            step = OPERATORS.mul(step, extent)
        return tuple(reversed(found))

    def is_dense(self, array: Stored) -> bool:
        buffer = array.buffer
        known = buffer.extents or [self.frame.extent(e) for e in buffer.shape]
        extents = known[len(array.prefix) :]
        return all(a is b for a, b in zip(extents, array.extents, strict=True))

    def element(self, array: Stored, places: Sequence[Expr]) -> Expr:
        return array.at(places)

    def put(self, array: Stored | Expr, places: Sequence[Expr], value: Expr) -> None:
        if isinstance(array, Expr):
            value = of_type(value, array.value_type.dtype)
            self.frame.add(Assign(array, value, again=True))
            return
        value = of_type(value, array.buffer.dtype)
        self.frame.add(Store(array.buffer, (*array.prefix, *places), value))
        array.version += 1

    def keep(self, value: Expr) -> Expr:
        found = variable(value.value_type, "kept")
        self.frame.add(Assign(found, value))
        return found

    def fold(
        self,
        kind: str,
        extents: Sequence[Extent | Expr],
        term: Callable[..., Expr],
        type_: Type | None = None,
    ) -> Expr:
        type_ = type_ or Type(self.precision)  # type: ignore[arg-type]  # of a Type
        plan = Plan(self.node, kind, extents, term, type_)
        plan.emit(self.frame)
        return plan.total

    # --- order -------------------------------------------------------------------------------------------
    def each(
        self, extents: Sequence[Extent | Expr], body: Callable[..., None], *, in_order: bool = False
    ) -> None:
        if not extents:
            body()
            return
        trips = [e if isinstance(e, Expr) else self.frame.extent(e) for e in extents]
        counters, innermost, nest = self.frame.nest(trips)
        with self.frame.inside(innermost):  # type: ignore[attr-defined]
            body(*counters)
        self.frame.add(_ordered(nest, len(counters)) if in_order else nest)

    def either(self, condition: Expr, then: Callable[[], None], orelse: Callable[[], None]) -> None:
        sides = Block(), Block()
        for block, body in zip(sides, (then, orelse), strict=True):
            with self.frame.inside(block):  # type: ignore[attr-defined]
                body()
        self.frame.add(If(condition, *sides))

    def require(self, condition: Expr) -> None:
        self.frame.check(condition, "a routine of LAPACK reports an error")

    # --- calls -------------------------------------------------------------------------------------------
    def call(self, routine: Routine, *arguments: Any) -> Expr:
        given = [self._given(a) for a in arguments]
        status = variable(COUNTER, "status") if routine.library == "lapack" else None
        call = Call(routine, self.precision, tuple(given), status, self.frame.code())
        self.frame.add(call)
        for position in routine.writes:
            array = arguments[position]
            (array[0] if isinstance(array, tuple) else array).version += 1
        return const(0) if status is None else status

    def _given(self, argument: Any) -> str | Expr | Part:
        match argument:
            case str() | Expr():
                return argument
            case int():
                return const(argument)
            case float():
                return of_type(const(argument), self.precision)
            case Stored():
                array, places = argument, ()
            case array, *places:
                pass
        axes = len(array.buffer.shape) - len(array.prefix)
        rest = [const(0)] * (axes - len(places))
        return Part(array.buffer, (*array.prefix, *places, *rest))


def _ordered(nest: For, depth: int) -> For:
    """The same nest, of so many loops, one iteration after the other."""
    body = nest.body
    if depth > 1:
        (inner,) = body
        assert isinstance(inner, For)
        body = Block([_ordered(inner, depth - 1)])
    return For(nest.counter, nest.trip, body, parallel=False, backward=nest.backward)
