"""Activations of captured functions: inlined, or (recursion that only running ends) as functions of the graph."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

from wengert.frontend.staging.context import Context, refuse

__all__ = ["entered"]

# Any: functions and arguments are the program's.
_DEEPEST = 150


def entered(
    context: Context,
    staged: types.FunctionType,
    original: types.FunctionType,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    """Run converted code for its result."""
    context.depth += 1
    context.activations.append(original)
    try:
        if context.depth > _DEEPEST:
            refuse(
                f"{original.__name__}: recursion deeper than {_DEEPEST} during capture: the stopping "
                "condition depends on run-time values; rewrite it as a loop, or mode='tape'"
            )
        return staged(*args, **kwargs)
    finally:
        context.activations.pop()
        context.depth -= 1
