"""Loops that Python itself runs, as they touch nothing but known numbers, texts and containers of them.

Such a loop is kept beside its staged form. Which one runs is decided each time that it is reached, by the
values of its variables: what is computed from known values is known, so nothing of it needs to be recorded.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Sequence
from typing import Any

from wengert.frontend.staging.context import Context, DictSlot, ListSlot, SetSlot, current

__all__ = ["born", "is_plain"]

# Any: values of the program.
_FUNCTIONS: frozenset[Any] = frozenset((
    abs, all, any, bool, chr, complex, divmod, enumerate, float, int, len, max, min, ord, pow, range,
    reversed, round, sum, zip,
))  # fmt: skip
_MAKERS: frozenset[Any] = frozenset((dict, list, set, sorted, str, tuple))
_SCALARS: frozenset[type] = frozenset((int, float, complex, bool, type(None), range))
_SCALARS_AND_TEXTS = _SCALARS | {str}
_MOST_LOOKED_AT = 3_000_000  # elements in one capture: they take some 30 ms


def is_plain(
    variables: types.FunctionType,
    functions: Sequence[Any],
    changes: bool,
    makes: bool,
) -> bool:
    """Whether Python itself may run a loop now; the variables are those that a function has free.

    Inside branches and loops that are being captured, changes have to be taken back: there, nothing but
    numbers may be used.
    """
    context = current()
    if context is None:
        return False
    top = len(context.layers) == 1 and not context.merged
    for function in functions:
        of_math = function is math or getattr(function, "__self__", None) is math
        if not (of_math or function in _FUNCTIONS or (top and function in _MAKERS)):
            return False
    if makes and not top:
        return False
    scalars = _SCALARS if context.texts else _SCALARS_AND_TEXTS
    containers: list[Any] = []
    for cell in variables.__closure__ or ():
        try:
            value = cell.cell_contents
        except ValueError:
            continue  # Python will tell
        if type(value) in scalars:
            continue
        if not top:
            return False
        found = _containers(context, value, scalars)
        if found is None:
            return False
        containers += found
    if changes:
        for container in containers:
            slot = _SLOTS.get(type(container))
            if slot is not None:
                context.touch(slot(container))
    return True


_SLOTS: dict[type, Callable[[Any], Any]] = {list: ListSlot, dict: DictSlot, set: SetSlot}


def _containers(context: Context, value: Any, scalars: frozenset[type]) -> list[Any] | None:
    """All containers in a value; None if there is something else than containers of known values in it."""
    found: dict[int, Any] = {}
    todo = [value]
    while todo:
        top = todo.pop()
        kind = type(top)
        if kind in scalars or id(top) in found:
            continue
        if kind not in (list, tuple, dict, set) or id(top) in context.growing:
            return None
        found[id(top)] = top
        context.looked_at += len(top)
        if context.looked_at > _MOST_LOOKED_AT:
            return None
        parts = (top, top.values()) if kind is dict else (top,)
        for part in parts:
            if not scalars.issuperset(map(type, part)):
                todo += part
    return list(found.values())


def born(variables: types.FunctionType) -> None:
    """Note what a plain loop has made."""
    context = current()
    assert context is not None
    for cell in variables.__closure__ or ():
        try:
            value = cell.cell_contents
        except ValueError:
            continue
        if type(value) in _SLOTS:
            for each in _containers(context, value, _SCALARS_AND_TEXTS) or ():
                context.birth(each)
