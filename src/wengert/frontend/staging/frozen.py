"""Things of which the rows of a list hold a copy: changing them would have to change the copy too."""

from __future__ import annotations

from typing import Any

from wengert.frontend.staging.context import active
from wengert.frontend.staging.handles import Array, Handle, Stale

__all__ = ["freeze", "is_frozen"]

# Any: whatever the program puts into lists.


def freeze(value: Any, why: str, loop: Any = None) -> None:
    """Refuse to change a value, or a part of it, from now on; a loop to blame is executed instead."""
    from wengert.frontend.staging.forms import attributes_of, has_attributes

    context = active()
    text = Stale(f"{why}; copy it first")
    text.loop = loop
    todo = [value]
    while todo:
        top = todo.pop()
        if isinstance(top, Array):
            context.frozen[id(top.buffer)] = (top.buffer, text)
            continue
        if isinstance(top, tuple):
            todo += top
            continue
        if id(top) in context.frozen or isinstance(top, Handle):
            continue
        if isinstance(top, list):
            parts: list[Any] = list(top)
        elif isinstance(top, dict):
            parts = list(top.values())
        elif has_attributes(top):
            parts = list(attributes_of(top).values())
        else:
            continue
        context.frozen[id(top)] = (top, text)
        todo += parts


def is_frozen(value: Any) -> bool:
    """Whether a list, dict, object or array may not be changed any more."""
    owner = value.buffer if isinstance(value, Array) else value
    entry = active().frozen.get(id(owner))
    return entry is not None and entry[0] is owner
