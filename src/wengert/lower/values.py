"""Values while a graph is being lowered, and what ops ask about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from wengert.errors import GraphError
from wengert.ir.dims import Extent
from wengert.ir.node import OPERATORS, Expr
from wengert.ir.types import Type
from wengert.lower.nest import READ, Accumulate, Assign, Block, Buffer, Check, For, read, variable
from wengert.ops.choice import le, logical_and, logical_or, lt, maximum, minimum, where
from wengert.ops.extents import polynomial_of
from wengert.ops.layout import cast
from wengert.ops.leaves import SIZE, const

__all__ = [
    "COUNTER",
    "Asking",
    "Folding",
    "Lowers",
    "Plan",
    "Riding",
    "Stored",
    "Value",
    "at_most",
    "combination",
    "in_sizes",
    "of_type",
    "reads",
]  # fmt: skip

COUNTER = Type("int64", weak=True)

# From what a combination of numbers of a kind starts.
_STARTS: dict[str, float | bool] = {
    "add": 0, "mul": 1, "and": True, "or": False, "maximum": float("-inf"), "minimum": float("inf"),
}  # fmt: skip


class Stored:
    """An array in memory: a buffer as it is after so many changes, or the part of it at some first places.

    ``extents`` are those of the array, as numbers. An array that is ``owned`` may be changed in place once
    nobody reads it any more.
    """

    __slots__ = ("buffer", "extents", "owned", "prefix", "version")

    def __init__(
        self,
        buffer: Buffer,
        extents: Sequence[Expr],
        version: int = 0,
        *,
        owned: bool = False,
        prefix: tuple[Expr, ...] = (),
    ) -> None:
        self.buffer, self.version, self.owned, self.prefix = buffer, version, owned, prefix
        self.extents = tuple(extents)

    def at(self, places: Sequence[Expr]) -> Expr:
        """An element."""
        return read(self.buffer, (*self.prefix, *places), self.version)

    def part(self, place: Expr) -> Stored:
        """The array at one place of the first axis."""
        return Stored(self.buffer, self.extents[1:], self.version, prefix=(*self.prefix, place))

    def changed(self) -> Stored:
        """The same memory after a change."""
        return Stored(self.buffer, self.extents, self.version + 1, owned=True)


Value: TypeAlias = "Expr | Stored | list[Value]"


class Lowers(Protocol):
    """What a frame does for the ops in it."""

    def at(self, node: Expr, places: tuple[Expr, ...]) -> Expr: ...
    def extent(self, extent: Extent) -> Expr: ...
    def add(self, statement: object) -> None: ...
    def inside(self, block: Block) -> object: ...
    def surely(self, place: Expr, extent: Expr) -> bool: ...
    def check(self, condition: Expr, about: str = ...) -> None: ...
    def first(self) -> object: ...
    def array(self, node: Expr) -> Stored: ...
    def room(self, node: Expr) -> Stored: ...

    def is_at_hand(self, node: Expr) -> bool: ...
    def local(self, dtype: str, shape: Sequence[Extent]) -> Stored: ...
    def nest(self, extents: Sequence[Expr]) -> tuple[tuple[Expr, ...], Block, For]: ...
    def code(self) -> int: ...


def combination(kind: str, a: Expr, b: Expr) -> Expr:
    """Two numbers as one, as an `Accumulate` of a kind does it."""
    match kind:
        case "add":
            return OPERATORS.add(a, b)
        case "mul":
            return OPERATORS.mul(a, b)
        case "maximum":
            return maximum(a, b)
        case "minimum":
            return minimum(a, b)
        case _:
            return (logical_and if kind == "and" else logical_or)(a, b)


def reads(value: Expr) -> list[Expr]:
    """What an expression reads of memory."""
    found, todo, seen = [], [value], {value}
    while todo:
        top = todo.pop()
        if top.op is READ:
            found.append(top)
        for arg in top.args:
            if arg not in seen:
                seen.add(arg)
                todo.append(arg)
    return found


def at_most(value: Expr, nodes: int) -> bool:
    """Whether an expression has no more nodes than that."""
    todo, seen = [value], {value}
    while todo and len(seen) <= nodes:
        for arg in todo.pop().args:
            if arg not in seen:
                seen.add(arg)
                todo.append(arg)
    return len(seen) <= nodes


def in_sizes(value: Expr) -> Extent | None:
    """An extent in the sizes that inputs tell, if it is one."""
    return polynomial_of(value, lambda atom: atom.attr if atom.op is SIZE else None)


def of_type(value: Expr, dtype: str) -> Expr:
    """A number as one of a dtype."""
    return value if value.value_type.dtype == dtype else cast(value, dtype)  # type: ignore[arg-type]  # of a type


class Asking:
    """Answers to an op about one of its nodes; what is folded is folded in place."""

    def __init__(self, frame: Lowers, node: Expr) -> None:
        self.frame, self.node = frame, node

    def part(self, argument: int, places: Sequence[Expr]) -> Expr:
        node = self.node.args[argument]
        return self.frame.at(node, tuple(places) if node.ndim else ())

    def extent(self, extent: Extent) -> Expr:
        return self.frame.extent(extent)

    def chosen(self, condition: Expr, yes: Expr, no: Expr | float) -> Expr:
        other = no if isinstance(no, Expr) else const(no)
        return where(condition, yes, of_type(other, yes.value_type.dtype))

    def typed(self, value: Expr, type_: Type) -> Expr:
        return of_type(value, type_.dtype)

    def within(self, place: Expr, extent: Extent) -> Expr:
        count = self.frame.extent(extent)
        if isinstance(place.attr, int) and isinstance(count.attr, int):
            return const(place.attr + count.attr if place.attr < 0 else place.attr)
        if self.frame.surely(place, count):
            return place
        inside = where(lt(place, const(0)), OPERATORS.add(place, count), place)
        self.frame.check(le(const(0), inside))
        self.frame.check(lt(inside, count))
        return inside

    def require(self, condition: Expr) -> None:
        self.frame.check(condition, f"ValueError: `{self.node.op.name}` has no value")

    def some(self, extents: Sequence[Extent]) -> None:
        with self.frame.first():  # type: ignore[attr-defined]
            for extent in extents:
                condition = lt(const(0), self.frame.extent(extent))
                self.frame.check(condition, f"ValueError: `{self.node.op.name}` of no elements")

    def fold(
        self,
        kind: str,
        extents: Sequence[Extent],
        term: Callable[..., Expr],
        type_: Type | None = None,
    ) -> Expr:
        plan = Plan(self.node, kind, extents, term, type_)
        plan.emit(self.frame)
        return plan.total


class Plan:
    """A fold that has been asked for: counters, the term, the variable of the total."""

    def __init__(
        self, node: Expr, kind: str, extents: Sequence[Extent | Expr], term: Callable[..., Expr],
        type_: Type | None = None,
    ) -> None:  # fmt: skip
        if kind not in _STARTS:
            raise GraphError(f"`{node.op.name}` folds by `{kind}`, which is none of {set(_STARTS)}")
        self.kind, self.extents, self.make = kind, tuple(extents), term
        self.counters = tuple(variable(COUNTER, "k") for _ in extents)
        type_ = type_ or node.value_type
        self.total = variable(Type(type_.dtype, weak=type_.weak), "total")

    @property
    def start(self) -> Expr:
        """From what it starts; integers start from the least or largest of them."""
        start, dtype = _STARTS[self.kind], self.total.value_type.dtype
        if isinstance(start, float) and dtype == "bool":
            return const(start > 0)
        if isinstance(start, float) and dtype.startswith("int"):
            bits = 31 if dtype == "int32" else 63
            return const(-(2**bits) if start < 0 else 2**bits - 1)
        return of_type(const(start), dtype)

    def trip(self, frame: Lowers, extent: Extent | Expr) -> Expr:
        """An extent as a number."""
        return extent if isinstance(extent, Expr) else frame.extent(extent)

    def emit(self, frame: Lowers) -> None:
        """The loops, in order, here."""
        frame.add(Assign(self.total, self.start))
        body = Block()
        with frame.inside(body):  # type: ignore[attr-defined]
            value = of_type(self.make(*self.counters), self.total.value_type.dtype)
            body.add(Accumulate(self.total, self.kind, value))
        for counter, extent in zip(reversed(self.counters), reversed(self.extents), strict=True):
            body = Block([For(counter, self.trip(frame, extent), body, parallel=True)])
        for statement in body:
            frame.add(statement)


class Folding(Asking):
    """The same, but what is folded is only noted: where its loops stand is decided afterwards."""

    plan: Plan | None = None
    several = False

    def fold(
        self,
        kind: str,
        extents: Sequence[Extent],
        term: Callable[..., Expr],
        type_: Type | None = None,
    ) -> Expr:
        if self.several or self.plan is not None:
            if self.plan is not None:  # the later one may need the earlier one
                self.plan.emit(self.frame)
            self.several, self.plan = True, None
            return super().fold(kind, extents, term, type_)
        self.plan = Plan(self.node, kind, extents, term, type_)
        return self.plan.total


class Riding(Asking):
    """The same in a nest that runs over all that is folded anyway."""

    def __init__(self, frame: Lowers, node: Expr, counters: tuple[Expr, ...], body: Block) -> None:
        super().__init__(frame, node)
        self.counters, self.body = counters, body
        self.plan: Plan | None = None

    def fold(
        self,
        kind: str,
        extents: Sequence[Extent],
        term: Callable[..., Expr],
        type_: Type | None = None,
    ) -> Expr:
        self.plan = plan = Plan(self.node, kind, extents, term, type_)
        value = of_type(term(*self.counters), plan.total.value_type.dtype)
        self.body.add(Accumulate(plan.total, kind, value))
        return plan.total


def unchecked(block: Block) -> bool:
    """Whether nothing in a block may stop the program."""
    return not any(isinstance(s, Check) for s in block)
