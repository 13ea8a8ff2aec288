"""Elements of arrays at places: what ops say about how their results lie beside their arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ir.types import Type

__all__ = ["Ask", "Stores"]

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


class Stores(NamedTuple):
    """For all counters below ``extents``: the element at ``places(*counters)`` is replaced, or added to."""

    extents: tuple[Extent, ...]
    places: Callable[..., Places]
    value: Callable[..., Expr]
    adds: bool
