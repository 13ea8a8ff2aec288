"""``copy.copy`` and ``copy.deepcopy`` of what a captured program has."""

from __future__ import annotations

import copy
from typing import Any

from wengert.frontend.staging.calls import call, own
from wengert.frontend.staging.context import active
from wengert.frontend.staging.growing import growing_of, set_growing
from wengert.frontend.staging.handles import Handle, Partial

__all__: list[str] = []

# Any: what the program has.


@own(copy.copy)
def copy_(value: Any) -> Any:
    """Handles copy themselves, lists as their own method does."""
    if isinstance(value, list):
        return call(value.copy)
    if isinstance(value, Partial):
        return Partial(value.missing, copy_(value.value), value.none, value.name)
    found = copy.copy(value)
    return found if isinstance(found, Handle) else active().birth(found)


@own(copy.deepcopy)
def deepcopy_(value: Any, memo: dict[int, Any] | None = None) -> Any:
    """Handles copy themselves; lists of a run-time length keep what only running tells."""
    memo = {} if memo is None else memo
    before = dict(active().growing)
    found = copy.deepcopy(value, memo)
    for original, (owner, growing) in before.items():
        made = memo.get(original)
        if made is not None and growing_of(owner) is growing:
            set_growing(active().birth(made), growing)
    return found
