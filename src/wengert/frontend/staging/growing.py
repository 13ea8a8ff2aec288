"""Lists whose length depends on run-time values.

Such a Python list has a *growing* part in front of its ordinary elements: rows stacked along the first axis,
one stack for each number in an element. While a loop that only appends is staged, the rows are not there
yet; where a list grows and shrinks, there are more rows than elements (see ``stacks``). Ordinary elements may
be :class:`Maybe`: there only where a condition holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from wengert.frontend.staging.context import NeedConcrete, active, current, place
from wengert.ir.node import Expr
from wengert.ir.types import Type

__all__ = [
    "CHANGED",
    "Growing",
    "Maybe",
    "NeedRows",
    "growing_of",
    "is_growing",
    "leaf_types",
    "length_of",
    "need_rows",
    "set_growing",
]

# Any: elements are whatever the program appends.
CHANGED = "changes an element of a list whose length depends on run-time values"


@dataclass(frozen=True, eq=False)
class Growing:
    """The elements in front: their number, the form of one, and their rows."""

    length: Any  # a number, known or not
    form: Any  # of an element
    rows: tuple[Expr, ...] | None  # None while a loop that only appends is being staged
    last: Any = None
    room: bool = False  # whether there may be more rows than elements
    loop: Any = None  # the place of the loop that made it
    slot: tuple[Any, ...] | None = None  # by which the loop knows the list while it is being staged

    @property
    def stacks(self) -> tuple[Expr, ...] | None:
        """The rows of the elements, and no others."""
        from wengert.frontend.staging.indexing import extent
        from wengert.ops.subscripts import subscript

        if self.rows is None or not self.room:
            return self.rows
        part = slice(0, extent(self.length, "the length of a list"))
        return tuple(active().record(subscript(rows, part)) for rows in self.rows)

    def element(self, index: Any) -> Any:
        """The element at a place that is inside."""
        from wengert.frontend.staging.forms import Building
        from wengert.frontend.staging.frozen import freeze
        from wengert.frontend.staging.handles import to_expr
        from wengert.ops.subscripts import subscript

        assert self.rows is not None
        place = index if isinstance(index, int) else to_expr(index)
        leaves = [
            _of_kind(subscript(rows, place), type_)
            for rows, type_ in zip(self.rows, leaf_types(self.form), strict=True)
        ]
        found = self.form.build(Building(iter(leaves)))
        freeze(found, CHANGED, self.loop)
        return found


def _of_kind(leaf: Expr, type_: Type) -> Expr:
    """A number out of rows, which are NumPy's, as the Python number that it was."""
    from wengert.ops.numbers import python_number

    if not type_.weak or leaf.value_type.weak or type_.shape or type_.dtype == "bool":
        return leaf
    return python_number(leaf, type_.dtype)


def leaf_types(form: Any) -> list[Type]:
    """The types of the numbers in a value of a form."""
    from wengert.frontend.staging.forms import Seen

    found: list[Type] = []
    form.types(found, Seen())
    return found


@dataclass(frozen=True, eq=False)
class Maybe:
    """An element of a list that is there where a condition holds."""

    present: Any  # a handle of a truth value
    value: Any

    def __post_init__(self) -> None:
        active().maybes = True


class NeedRows(NeedConcrete):
    """The elements of a list are needed while a loop that seemed only to append to it is staged."""

    slot: tuple[Any, ...] | None = None


def need_rows(growing: Growing) -> NoReturn:
    """Ask the loop that makes a list longer to keep its elements at hand."""
    spot = place()
    error = NeedRows(f"{spot}: reads a list while a loop on run-time values makes it longer")
    error.filename, error.lineno, error.slot = spot.file, spot.line, growing.slot
    raise error


def growing_of(object_: Any) -> Growing | None:
    """The growing part of a list."""
    context = current()
    if context is None:
        return None
    entry = context.growing.get(id(object_))
    return entry[1] if entry is not None and entry[0] is object_ else None


def set_growing(object_: list[Any], growing: Growing | None) -> None:
    """Give a list a growing part, or take it away."""
    context = active()
    if growing is None:
        context.growing.pop(id(object_), None)
    else:
        context.growing[id(object_)] = (object_, growing)


def is_growing(object_: Sequence[Any]) -> bool:
    """Whether the length of a list depends on run-time values."""
    context = current()
    if context is not None and not context.maybes and not context.growing:
        return False
    return growing_of(object_) is not None or any(type(v) is Maybe for v in object_)


def length_of(object_: Sequence[Any]) -> Any:
    """``len(list)``."""
    from wengert.frontend.staging.handles import Handle, scalar_of, to_expr
    from wengert.ops.choice import where
    from wengert.ops.leaves import const

    growing = growing_of(object_)
    certain = sum(1 for v in object_ if type(v) is not Maybe)
    if growing is not None and not isinstance(growing.length, Handle):
        certain += growing.length
    total = const(certain)
    if growing is not None and isinstance(growing.length, Handle):
        total = to_expr(growing.length) + certain if certain else to_expr(growing.length)
    for value in object_:
        if type(value) is Maybe:
            total = total + where(to_expr(value.present), const(1), const(0))
    return scalar_of(total)
