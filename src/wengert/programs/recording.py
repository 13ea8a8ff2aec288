"""How a transform records the function that it transforms.

A transformed function has ``__wengert_call__(context, args, kwargs)``: it is given trees of expressions and
gives back a tree of expressions. The arguments to vary are replaced by fresh symbols, the function is
recorded on these, its graph is differentiated by them, and then the symbols are replaced by the arguments
again. Two derivatives that are nested therefore never take each other's changes for their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from wengert.errors import GraphError, worded
from wengert.frontend.staging import context as staging
from wengert.frontend.staging.adopting import Adopted
from wengert.frontend.staging.context import Slot
from wengert.frontend.staging.handles import Array, Scalar
from wengert.frontend.staging.nested import Recording
from wengert.frontend.tables import load_tables
from wengert.frontend.trees import flatten
from wengert.ir.node import Expr, service
from wengert.ir.walk import substitute
from wengert.ops.algebra import lift
from wengert.ops.effects import first_token

__all__ = [
    "Context",
    "Program",
    "Substituted",
    "alone",
    "in_capture",
    "recorded",
    "substituted",
    "watched",
]

# Any, throughout: functions, arguments and results are whatever the user has.
Program: TypeAlias = Callable[..., Any]


class Context(Protocol):
    """What records a program (``frontend.staging.nested.Recording``)."""

    @property
    def token(self) -> Any:
        """The effects so far (see ``ops.effects``)."""

    @token.setter
    def token(self, value: Any, /) -> None: ...

    def call(self, function: Program, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Record a call on trees of expressions; the result is a tree of expressions and Python values."""


def alone(hook: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Record a transform of expressions that nobody is capturing: a formula of the user's symbols.

    Raises:
        GraphError: the program has effects, for which there is no place in a formula.
    """
    context = staging.Context()
    context.token = first_token()
    context.adopted = Adopted(context)
    load_tables()
    with staging.capturing(context):
        result = hook(Recording(context), args, kwargs)
    if context.token is not first_token():
        raise GraphError(
            worded(
                "a program with effects, called on expressions",
                expected="no checks, prints or clocks",
                hint="call it on numbers and arrays",
            )
        )
    return substituted(result, {h.symbol: lift(h.read()) for h in context.adopted.hidden})


def in_capture() -> bool:
    """Whether a program is being captured now."""
    return staging.current() is not None


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
    _give(context, symbols, values)
    with watched(context) as changed:
        yield found
    context.token = found.closed(context.token)
    _close_slots(changed.values(), dict(zip(symbols, values, strict=True)))


def watched(context: Context) -> AbstractContextManager[Mapping[Any, Slot]]:
    """What changes meanwhile outside of what is recorded."""
    inner = getattr(context, "context", None)
    return nullcontext({}) if inner is None else inner.watched()


def _give(context: Context, symbols: Sequence[Expr], values: Sequence[Expr]) -> None:
    """Tell the capture of one run (a tape) what the symbols stand for."""
    inner = getattr(context, "context", None)
    if inner is not None:
        for symbol, value in zip(symbols, values, strict=True):
            inner.give(symbol, service("extend")(inner.values, value) if inner.eager else None)


def _close_slots(slots: Iterable[Any], mapping: Mapping[Expr, Expr]) -> None:
    """Replace symbols in what the recorded program has changed outside itself: lists, attributes, arrays."""
    for slot in slots:
        content = slot.get()
        leaves, structure = flatten(content)
        changed = [_closed_leaf(leaf, mapping) for leaf in leaves]
        if any(new is not old for new, old in zip(changed, leaves, strict=True)):
            slot.set(structure.unflatten(changed))


def _closed_leaf(leaf: Any, mapping: Mapping[Expr, Expr]) -> Any:
    if isinstance(leaf, Array):
        leaf.buffer.expr = _closed(leaf.buffer.expr, mapping)
        return leaf
    if isinstance(leaf, Scalar):
        closed = _closed(leaf.expr, mapping)
        return leaf if closed is leaf.expr else Scalar(closed, leaf.python)
    return _closed(leaf, mapping) if isinstance(leaf, Expr) else leaf


def _closed(expr: Expr, mapping: Mapping[Expr, Expr]) -> Expr:
    return substitute([expr], mapping)[0]


def substituted(tree: Any, mapping: Mapping[Expr, Expr]) -> Any:
    """A tree with expressions replaced in all its leaves."""
    leaves, structure = flatten(tree)
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Expr)]
    changed = substitute([leaves[i] for i in places], mapping)
    for place, expr in zip(places, changed, strict=True):
        leaves[place] = expr
    return structure.unflatten(leaves)
