"""``collections.deque`` whose length changes in loops and branches on run-time values: lists stand for them.

A program is first captured with deques as they are. Where one of them would have to change its length at run
time, it is captured anew with lists in their place: they have rows with room (see ``stacks``).
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterable
from typing import Any

from wengert.frontend.staging import helpers
from wengert.frontend.staging.calls import call, own
from wengert.frontend.staging.context import active, current, refuse
from wengert.frontend.staging.growing import is_growing
from wengert.frontend.staging.iteration import python_elements

__all__ = ["AsLists", "as_lists", "deque_of", "method_of"]

# Any: elements are whatever the program puts there.


class AsLists(BaseException):
    """Capture anew, with lists for deques."""


def as_lists() -> None:
    """Ask for lists in place of deques; once that is so, a deque of the caller's is refused."""
    if not active().lists_for_deques:
        raise AsLists
    refuse(
        "a deque from outside does not keep its length; copy it, or use maxlen, a list, or arrays"
    )


@own(deque)
def deque_(iterable: Iterable[Any] = (), maxlen: Any = None) -> Any:
    """``deque(iterable, maxlen)``."""
    context = active()
    if context.eager or not context.lists_for_deques:
        return context.birth(deque(python_elements(iterable), maxlen))
    elements = call(list, iterable)
    if maxlen is not None:
        if is_growing(elements) or maxlen < 1:
            refuse(
                "a deque with maxlen of a list whose length depends on run-time values; append one by one"
            )
        del elements[: max(len(elements) - maxlen, 0)]
    return _noted(elements, maxlen)


def _noted(elements: list[Any], maxlen: int | None) -> list[Any]:
    active().deques[id(elements)] = (elements, maxlen)
    return elements


def deque_of(owner: Any) -> tuple[Any, int | None] | None:
    """The list and the ``maxlen`` of a list that stands for a deque; else ``None``."""
    context = current()
    if context is None or not context.deques or type(owner) is not list:
        return None
    for each in context.origins_of(owner):
        found = context.deques.get(each)
        if found is not None:
            return found
    return None


def method_of(owner: Any, maxlen: int | None, name: str) -> Any:
    """What a deque has under a name."""
    if name == "maxlen":
        return maxlen
    if name == "copy":
        return lambda: _noted(call(list, owner), maxlen)
    program = _PROGRAMS.get(name)
    if program is None:
        return getattr(owner, name)
    if program in _WITH_LENGTH:
        return functools.partial(call, program, owner, maxlen)
    return functools.partial(call, program, owner)


_WITH_LENGTH = (
    helpers.deque_appended, helpers.deque_appended_left, helpers.deque_extended, helpers.deque_extended_left,
)  # fmt: skip
_PROGRAMS: dict[str, Any] = {
    "append": helpers.deque_appended,
    "appendleft": helpers.deque_appended_left,
    "extend": helpers.deque_extended,
    "extendleft": helpers.deque_extended_left,
    "pop": helpers.deque_popped,
    "popleft": helpers.deque_popped_left,
    "rotate": helpers.deque_rotated,
}
