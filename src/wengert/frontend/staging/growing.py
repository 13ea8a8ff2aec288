"""Lists whose length depends on run-time values.

While a loop that appends is staged, and after it, a Python list has a *growing* part in front of its ordinary
elements: rows stacked along the first axis, one stack for each number in an element. Ordinary elements may be
:class:`Maybe`: there only where a condition holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wengert.frontend.staging.context import active, current
from wengert.ir.node import Expr

__all__ = ["Growing", "Maybe", "growing_of", "is_growing", "length_of", "set_growing"]

# Any: elements are whatever the program appends.


@dataclass(frozen=True, eq=False)
class Growing:
    """The elements in front: their number, the last one, and (after the loop) all of them."""

    length: Any  # a number, known or not
    form: Any  # of an element
    stacks: tuple[Expr, ...] | None  # None while the loop is being staged
    last: Any = None

    def element(self, index: Any) -> Any:
        """The element at a place that is inside."""
        from wengert.frontend.staging.forms import Building
        from wengert.frontend.staging.handles import to_expr
        from wengert.ops.subscripts import subscript

        assert self.stacks is not None
        place = index if isinstance(index, int) else to_expr(index)
        return self.form.build(Building(iter([subscript(s, place) for s in self.stacks])))


@dataclass(frozen=True, eq=False)
class Maybe:
    """An element of a list that is there where a condition holds."""

    present: Any  # a handle of a truth value
    value: Any


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


def is_growing(object_: list[Any]) -> bool:
    """Whether the length of a list depends on run-time values."""
    return growing_of(object_) is not None or any(type(v) is Maybe for v in object_)


def length_of(object_: list[Any]) -> Any:
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
