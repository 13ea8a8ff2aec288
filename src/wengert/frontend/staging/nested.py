"""Transforms (``wg.grad(f)`` and its kin) that are called inside a captured program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wengert.frontend.staging.context import Context, active, refuse
from wengert.frontend.staging.effects import TokenSlot
from wengert.frontend.staging.growing import Maybe, growing_of, is_growing
from wengert.frontend.staging.handles import (
    UNKNOWN,
    Array,
    Buffer,
    Handle,
    Partial,
    Scalar,
    known,
    scalar_of,
    to_expr,
)
from wengert.frontend.staging.iteration import python_elements
from wengert.frontend.trees import flatten
from wengert.ir.node import Expr

__all__ = ["Recording", "as_exprs", "as_handles", "transformed_call"]

# Any: trees of whatever the program has.


class Recording:
    """The capture that is going on, as a transform sees it: trees of expressions in and out."""

    def __init__(self, context: Context) -> None:
        self.context = context

    @property
    def token(self) -> Any:
        """The effects so far."""
        return self.context.token

    @token.setter
    def token(self, value: Any) -> None:
        self.context.touch(TokenSlot(self.context))
        self.context.token = value

    def call(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """Record a call on trees of expressions."""
        from wengert.frontend.staging.calls import call

        hook = getattr(function, "__wengert_call__", None)
        if hook is not None:
            return hook(self, tuple(args), dict(kwargs))
        with_handles = as_handles((tuple(args), dict(kwargs)))
        program = self.context.adopted.program(function)
        result = call(program, *with_handles[0], **with_handles[1])
        return as_exprs(result)


def as_handles(tree: Any) -> Any:
    """A tree with expressions as fresh handles."""
    leaves, structure = flatten(tree)
    return structure.unflatten([_handle(leaf) for leaf in leaves])


def _handle(leaf: Any) -> Any:
    if not isinstance(leaf, Expr):
        return leaf
    active().record(leaf)
    if leaf.value_type.shape:
        return Array(Buffer(leaf))
    found = scalar_of(leaf)
    return found if isinstance(found, Scalar) else Scalar(leaf)


def as_exprs(tree: Any) -> Any:
    """A tree with handles as expressions."""
    leaves, structure = flatten(tree, is_leaf=_grows)
    return structure.unflatten([_expr(leaf) for leaf in leaves])


def _grows(value: Any) -> bool:
    return type(value) is list and is_growing(value)


def _expr(leaf: Any) -> Any:
    if _grows(leaf):
        growing = growing_of(leaf)
        if (
            growing is None
            or known(growing.length) is UNKNOWN
            or any(type(v) is Maybe for v in leaf)
        ):
            refuse(
                "a list whose length depends on run-time values is an argument or a result of a transformed "
                "function; use np.array(list)"
            )
        return as_exprs(list(python_elements(leaf)))
    if isinstance(leaf, Partial):
        leaf = leaf.certain()
    return to_expr(leaf) if isinstance(leaf, Handle) else leaf


def transformed_call(
    hook: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """Call a transformed function on handles."""
    context = active()
    given, named = as_exprs((args, dict(kwargs)))
    return as_handles(hook(Recording(context), given, named))
