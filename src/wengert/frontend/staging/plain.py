"""Loops that Python itself runs, as they touch nothing but known numbers, texts and containers of them.

Such a loop is kept beside its staged form. Which one runs is decided each time that it is reached, by the
values of its variables: what is computed from known values is known, so nothing of it needs to be recorded.
"""

from __future__ import annotations

import builtins
import math
import types
from collections.abc import Callable, Sequence
from typing import Any

from wengert.frontend.staging.adopting import Item, opaque_module
from wengert.frontend.staging.context import Context, DictSlot, ListSlot, SetSlot, current
from wengert.frontend.staging.plain_source import Plain
from wengert.frontend.staging.source import plain_function

__all__ = ["born", "is_plain", "is_plain_call"]

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
        effects = _effects(context, function)
        if effects is None:
            return False
        changes, makes = changes or effects[0], makes or effects[1]
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


def is_plain_call(function: types.FunctionType, args: tuple[Any, ...]) -> bool:
    """Whether Python itself may call a function of the user's."""
    context = current()
    if context is None or context.texts or not _SCALARS_AND_TEXTS.issuperset(map(type, args)):
        return False
    effects = _effects(context, function)
    return effects is not None and not effects[1]


def _effects(context: Context, function: Any) -> tuple[bool, bool] | None:
    """Whether calls of a function may change and make containers; None if they may do more than that."""
    if function is math or getattr(function, "__self__", None) is math or function in _FUNCTIONS:
        return False, False
    if function in _MAKERS:
        return False, True
    if type(function) is not types.FunctionType:
        return None
    if function not in context.plain:
        context.plain[function] = _effects_of_all(context, function)
    return context.plain[function]


def _effects_of_all(context: Context, function: types.FunctionType) -> tuple[bool, bool] | None:
    """The effects of a function and of all that it calls; relies on their names."""
    seen: dict[types.FunctionType, Plain] = {}
    names: list[tuple[dict[str, Any], str]] = []
    todo, changes, makes = [function], False, False
    while todo:
        top = todo.pop()
        if top in seen:
            continue
        part = None if opaque_module(top.__module__) else plain_function(top)
        defaults = (*(top.__defaults__ or ()), *(top.__kwdefaults__ or {}).values())
        if part is None or not _SCALARS_AND_TEXTS.issuperset(map(type, defaults)):
            return None
        seen[top] = part
        changes, makes = changes or part.changes, makes or part.makes
        for name in part.functions:
            space = top.__globals__
            value = space[name] if name in space else getattr(builtins, name)
            if name in space:
                names.append((space, name))
            if type(value) is types.FunctionType:
                todo.append(value)
                continue
            effects = _effects(context, value)
            if effects is None:
                return None
            makes = makes or effects[1]
    for space, name in names:
        context.adopted.guard(name, Item(space, name), space[name], "is")
    return changes, makes


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
