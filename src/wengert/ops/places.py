"""Elements of arrays at places: what ops say about how their results lie beside their arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ops.routines import Routine

__all__ = ["Ask", "Calls", "Loops", "Memory", "Stores"]

Places = tuple[Expr, ...]


class Ask(Protocol):
    """What an op may ask while it says what an element is."""

    def part(self, argument: int, places: Sequence[Expr]) -> Expr:
        """The element of an argument at some places."""

    def extent(self, extent: Extent) -> Expr:
        """An extent as a number."""

    def chosen(self, condition: Expr, yes: Expr, no: Expr | float) -> Expr:
        """One of two numbers of the type of the first."""

    def typed(self, value: Expr, type_: Type) -> Expr:
        """A number as one of a type, truncated where that is one of integers."""

    def within(self, place: Expr, extent: Extent) -> Expr:
        """A place that may be counted from the end; outside of the array running stops with an error."""

    def require(self, condition: Expr) -> None:
        """Running stops with an error unless a condition holds."""

    def some(self, extents: Sequence[Extent]) -> None:
        """Running stops with an error where one of the extents is 0."""

    def fold(
        self,
        kind: str,
        extents: Sequence[Extent],
        term: Callable[..., Expr],
        type_: Type | None = None,
    ) -> Expr:
        """The ``add``, ``mul``, ``maximum`` or ``minimum`` of ``term(*counters)`` below the extents.

        It is of the type of the op's result unless told otherwise. Terms may hold earlier folds.
        """


Memory: TypeAlias = (
    Any  # an array in memory, as `Calls` gives it, or the number that a result without axes is
)


class Calls(Ask, Protocol):
    """What an op may ask that is computed by routines; all happens in the order in which it is asked.

    Routines compute with numbers of the type ``precision``, which is that of the first argument unless the
    op sets it; so do folds, and scratch memory is of it. What is put anywhere is converted.
    """

    precision: str

    def fold(
        self,
        kind: str,
        extents: Sequence[Extent | Expr],
        term: Callable[..., Expr],
        type_: Type | None = None,
    ) -> Expr:
        """As above, but for the type."""

    def memory(self, argument: int) -> Memory:
        """An argument with axes, in memory; it is only read."""

    def is_at_hand(self, argument: int) -> bool:
        """Whether an argument is in memory anyway, and need not be made for this."""

    def result(self, index: int = 0) -> Memory:
        """A result, still to be given its elements."""

    def scratch(self, shape: Sequence[Extent], dtype: str = "") -> Memory:
        """Memory for a while."""

    def steps(self, array: Memory) -> tuple[Expr, ...]:
        """How many elements lie between neighbours along each axis."""

    def is_dense(self, array: Memory) -> bool:
        """Whether the elements of an array fill its memory, so that neighbouring axes are like one."""

    def element(self, array: Memory, places: Sequence[Expr]) -> Expr:
        """An element as it is now."""

    def keep(self, value: Expr) -> Expr:
        """A number as it is now, whatever happens to the memory that it is read from."""

    def put(self, array: Memory, places: Sequence[Expr], value: Expr) -> None:
        """An element gets a value; a result without axes has no places."""

    def each(
        self, extents: Sequence[Extent | Expr], body: Callable[..., None], *, in_order: bool = False
    ) -> None:
        """``body(*counters)`` for all counters below the extents, in any order unless one is wanted."""

    def either(self, condition: Expr, then: Callable[[], None], orelse: Callable[[], None]) -> None:
        """One of two."""

    def call(self, routine: Routine, *arguments: Any) -> Expr:
        """Call a routine on letters, numbers and memory: an array, or a tuple of one and places in it.

        What it reports comes back as a number.
        """


class Loops(Calls, Protocol):
    """What an op may ask that writes its own loops, and uses no routines."""

    def number(self, value: Expr) -> Expr:
        """A variable with a value that may be changed."""

    def change(self, number: Expr, value: Expr) -> None:
        """Such a variable gets another value; what is made of the old one has to be kept before."""

    def add(self, array: Memory, places: Sequence[Expr], value: Expr) -> None:
        """A number is added to an element."""

    def when(self, condition: Expr, then: Callable[[], None]) -> None:
        """``then()`` if a condition holds."""

    def going(self, flag: Expr, body: Callable[[Expr], None]) -> None:
        """``body(count)`` as long as a variable is true, which it changes."""


class Stores(NamedTuple):
    """For all counters below ``extents``: the element at ``places(*counters)`` is replaced, or added to."""

    extents: tuple[Extent, ...]
    places: Callable[..., Places]
    value: Callable[..., Expr]
    adds: bool
