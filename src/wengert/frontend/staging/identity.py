"""``is``, where which object it is depends on run-time values.

What is chosen from two objects is an object of its own in the capture. The context keeps from which two,
and by which condition; the question is then put to these. Where only a loop knows, the program is refused.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np

from wengert.frontend.staging.context import NeedConcrete, active, refuse
from wengert.frontend.staging.handles import (
    Array,
    Choice,
    Handle,
    Partial,
    Poison,
    Scalar,
    Stale,
    classes_of,
    is_number,
    is_stale,
    scalar_of,
    to_expr,
)
from wengert.ir.node import Expr
from wengert.ops.choice import where

__all__ = ["by_identity", "by_options", "has_choice", "identical"]

# Any: the values of the program.
_ATOMS = (str, bytes, type, Enum, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)


def identical(a: Any, b: Any) -> Any:
    """``a is b``: a bool, or a handle of a truth value."""
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Partial):
            return _partly(x, y)
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Choice):
            return x.chosen(lambda option, y=y: identical(option, y))  # type: ignore[misc]
        if isinstance(x, Poison):
            x._fail()
    if a is b:
        return True
    if is_number(a) and is_number(b) and not isinstance(a, Array) and not isinstance(b, Array):
        return _numbers(a, b)
    for x, y in ((a, b), (b, a)):
        if isinstance(y, _ATOMS) or y is None:
            return a is b
        found = active().which.get(id(_memory(x)))
        if found is not None and not (isinstance(x, Array) and x.views):
            _, test, first, second = found
            return _either(test, identical(first, y), identical(second, y))
    if isinstance(a, Array) and isinstance(b, Array):
        return _arrays(a, b)
    if active().may_be_same(a, b):
        refuse(
            f"whether two names stand for one {type(a).__name__} depends on run-time values in a loop; "
            "keep a number that tells",
            NeedConcrete,
        )
    return False


def _memory(value: Any) -> Any:
    return value.buffer if isinstance(value, Array) else value


def _either(test: Expr, yes: Any, no: Any) -> Any:
    if isinstance(yes, bool) and yes is no:
        return yes
    found = scalar_of(where(test, to_expr(yes), to_expr(no)))
    return Scalar(found.expr, python=True) if isinstance(found, Scalar) else bool(found)


def _partly(x: Partial, y: Any) -> Any:
    """Something that may be missing: it is None then, or it is an error to ask."""
    if not x.none:
        return identical(x.certain(), y)
    there = identical(None, y.value) if isinstance(y, Partial) and y is x else None
    if there is not None:
        return True
    return _either(x.missing, _none(y), identical(x.value, y))


def _none(value: Any) -> Any:
    """``value is None``."""
    if isinstance(value, Partial):
        return Scalar(value.missing, python=True) if value.none else False
    return value is None


def _numbers(a: Any, b: Any) -> Any:
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Scalar) and isinstance(y, bool) and x.expr.value_type.dtype == "bool":
            if bool not in classes_of(x):
                return False  # NumPy's truth values are other objects
            return _either(x.expr, y, not y)
    if isinstance(a, Handle) or isinstance(b, Handle):
        refuse("asks with `is` whether two numbers are one object; use ==", NeedConcrete)
    return a is b


def _arrays(a: Array, b: Array) -> Any:
    if a.buffer is b.buffer:
        return a.views == b.views
    if not a.views and not b.views:
        mine, other = a.buffer, b.buffer
        if (mine.origins | mine.shadows) & (other.origins | other.shadows):
            why = Stale(
                "whether two names stand for one array depends on run-time values in a loop; "
                "keep a number that tells"
            )
            why.loop = mine.loop or other.loop
            is_stale(why)
    return False


def by_identity(value: Any) -> bool:
    """Whether ``==`` of a value is ``is``."""
    if isinstance(value, (Handle, Poison, np.ndarray, np.generic)):
        return False
    method: Any = type(value).__eq__
    return method is object.__eq__


# --- texts, functions and members of an enumeration that are chosen at run time ---------------------------
def has_choice(value: Any) -> bool:
    """Whether a value is such a thing, or a tuple with one in it."""
    if type(value) is Choice:
        return True
    return isinstance(value, (tuple, list)) and any(has_choice(v) for v in value)


def by_options(value: Any, use: Callable[[Any], Any]) -> Any:
    """What ``use`` gives for the value with each such thing in it replaced by the one that is chosen."""
    if type(value) is Choice:
        return value.chosen(use)
    if isinstance(value, (tuple, list)):
        place = next((i for i, part in enumerate(value) if has_choice(part)), None)
        if place is not None:
            return by_options(value[place], lambda o: by_options(_replaced(value, place, o), use))
    return use(value)


def _replaced(value: Any, place: int, part: Any) -> Any:
    parts = (*value[:place], part, *value[place + 1 :])
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
