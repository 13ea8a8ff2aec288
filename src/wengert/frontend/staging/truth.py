"""Truth values of handles."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.frontend.staging.context import NeedConcrete, active, refuse
from wengert.frontend.staging.growing import is_growing, length_of
from wengert.frontend.staging.handles import (
    UNKNOWN,
    Handle,
    Partial,
    Scalar,
    describe,
    known,
    scalar_of,
    to_expr,
    type_of,
)
from wengert.ops.choice import ne, where
from wengert.ops.leaves import const

__all__ = ["tested", "truth"]

# Any: whatever the program tests.


def tested(value: Any) -> Any:
    """A truth value: a Python bool if known at capture, else a handle of a boolean number."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Partial):
        if not value.none:
            return tested(value.certain())
        inner = tested(value.value)
        there = to_expr(inner) if isinstance(inner, Handle) else const(bool(inner))
        return _simplified(where(value.missing, const(False), there))
    if isinstance(value, list):
        return tested(length_of(value)) if is_growing(value) else bool(value)
    if isinstance(value, dict) and value:
        from wengert.frontend.staging.containers import keys_of

        return tested(length_of(keys_of(value)))
    if isinstance(value, np.ndarray):
        return bool(value)
    if not isinstance(value, Handle):
        return _of_object(value)
    type_ = type_of(value)
    if type_.shape and type_.shape != (1,):
        refuse(
            f"the truth value of an array ({describe(value)}) is ambiguous; "
            "use np.any(), np.all() or np.where()"
        )
    expr = to_expr(value)
    if type_.shape:
        expr = expr[0]
    if expr.value_type.dtype != "bool":
        expr = ne(expr, const(0))
    return _simplified(expr)


def _of_object(value: Any) -> Any:
    """The truth value of an object, by its own methods."""
    from wengert.frontend.staging.adopting import user_method
    from wengert.frontend.staging.calls import call

    method = user_method(type(value), "__bool__") or user_method(type(value), "__len__")
    return bool(value) if method is None else tested(call(method, value))


def _simplified(expr: Any) -> Any:
    found = known(scalar_of(expr))
    return Scalar(expr, python=True) if found is UNKNOWN else bool(found)


def truth(value: Any, generator: str = "") -> bool:
    """A truth value that has to be known at capture.

    Raises:
        NeedConcrete: it depends on the inputs.
    """
    found = tested(value)
    if isinstance(found, Scalar):
        if generator:
            refuse(
                f"the generator `{generator}` branches on a run-time value; return a list instead, "
                "or use mode='tape'",
                NeedConcrete,
            )
        without = [n.text for n in active().notes if n.kind == "unconverted"]
        if without:
            refuse(
                f"cannot capture a condition on run-time values: {without[-1]}; save it to a file, "
                "or use mode='tape'",
                NeedConcrete,
            )
        refuse(
            "a condition depends on run-time values where Python itself has to decide; "
            "use np.where, write it as an if statement, or mode='tape'",
            NeedConcrete,
        )
    return bool(found)
