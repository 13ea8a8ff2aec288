"""How a transform records the function that it transforms.

A transformed function has ``__wengert_call__(context, args, kwargs)``: it is given trees of expressions and
gives back a tree of expressions. The arguments to vary are replaced by fresh symbols, the function is
recorded on these, its graph is differentiated by them, and then the symbols are replaced by the arguments
again. Two derivatives that are nested therefore never take each other's changes for their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from wengert.frontend.trees import flatten
from wengert.ir.node import Expr
from wengert.ir.walk import substitute
from wengert.ops.effects import first_token

__all__ = ["Context", "Operators", "Program", "Substituted", "active", "recorded", "substituted"]

# Any, throughout: functions, arguments and results are whatever the user has.
Program: TypeAlias = Callable[..., Any]


class Context(Protocol):
    """What records a program: the front end, or Python's operators alone."""

    @property
    def token(self) -> Any:
        """The effects so far (see ``ops.effects``)."""

    @token.setter
    def token(self, value: Any, /) -> None: ...

    def call(self, function: Program, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Record a call on trees of expressions; the result is a tree of expressions and Python values."""


class Operators:
    """Records what a function does with expressions by their operators: straight-line code."""

    def __init__(self) -> None:
        self.token: Any = first_token()

    def call(self, function: Program, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        hook = getattr(function, "__wengert_call__", None)
        if hook is not None:
            return hook(self, tuple(args), dict(kwargs))
        before = _active.set(self)
        try:
            return function(*args, **kwargs)
        finally:
            _active.reset(before)


_active: ContextVar[Context | None] = ContextVar("wengert_recording", default=None)


def active() -> Context | None:
    """What is recording the program that runs now, if anything is."""
    return _active.get()


@dataclass
class Substituted:
    """Symbols that stand for expressions while a function is recorded."""

    context: Context
    symbols: Sequence[Expr]
    values: Sequence[Expr]

    def closed(self, tree: Any) -> Any:
        """A tree of expressions with the values in place of the symbols."""
        return substituted(tree, dict(zip(self.symbols, self.values, strict=True)))


@contextmanager
def recorded(
    context: Context, symbols: Sequence[Expr], values: Sequence[Expr]
) -> Iterator[Substituted]:
    """Record with symbols that stand for values; effects that were recorded meanwhile get the values."""
    found = Substituted(context, symbols, values)
    yield found
    context.token = found.closed(context.token)


def substituted(tree: Any, mapping: Mapping[Expr, Expr]) -> Any:
    """A tree with expressions replaced in all its leaves."""
    leaves, structure = flatten(tree)
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Expr)]
    changed = substitute([leaves[i] for i in places], mapping)
    for place, expr in zip(places, changed, strict=True):
        leaves[place] = expr
    return structure.unflatten(leaves)
