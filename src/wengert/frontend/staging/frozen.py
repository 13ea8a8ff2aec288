"""Things of which the rows of a list hold a copy: changing them would have to change the copy too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wengert.frontend.staging.context import active
from wengert.frontend.staging.handles import Array, Handle, Stale

__all__ = ["freeze", "freeze_like", "owners"]

# Any: whatever the program puts into lists.


def owners(value: Any) -> Iterator[Any]:
    """What can be changed in place in a value: memory of arrays, lists, dicts and objects."""
    from wengert.frontend.staging.forms import attributes_of, has_attributes

    todo, seen = [value], set()
    while todo:
        top = todo.pop()
        if isinstance(top, Array):
            yield top.buffer
        elif isinstance(top, tuple):
            todo += top
        elif id(top) not in seen and not isinstance(top, Handle):
            seen.add(id(top))
            if isinstance(top, list):
                todo += top
            elif isinstance(top, dict):
                todo += top.values()
            elif has_attributes(top):
                todo += attributes_of(top).values()
            else:
                continue
            yield top


def freeze(value: Any, why: str, loop: Any = None) -> None:
    """Refuse to change a value, or a part of it, from now on; a loop to blame is executed instead."""
    text = Stale(f"{why}; copy it first")
    text.loop = loop
    frozen = active().frozen
    for owner in owners(value):
        frozen.setdefault(id(owner), (owner, text))


def freeze_like(value: Any, sources: tuple[Any, ...]) -> Any:
    """A value that may be one of others: it is frozen if one of them is."""
    frozen = active().frozen
    if frozen:
        for source in sources:
            owner = source.buffer if isinstance(source, Array) else source
            if id(owner) in frozen:
                text = frozen[id(owner)][1]
                frozen |= {id(each): (each, text) for each in owners(value)}
                break
    return value
