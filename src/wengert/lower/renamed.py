"""Statements with other variables and other memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from wengert.ir.node import Expr
from wengert.ir.walk import build
from wengert.lower.changes import bottom_up, with_bodies
from wengert.lower.nest import (
    READ,
    Accumulate,
    Allocate,
    Argument,
    Assign,
    Block,
    Buffer,
    Call,
    Check,
    For,
    If,
    Part,
    Statement,
    Store,
    While,
    read,
)
from wengert.lower.uses import Places
from wengert.ops.leaves import SYMBOL

__all__ = ["Renaming"]

Moved = Callable[[Buffer, Places], tuple[Buffer, Places] | None]


class Renaming:
    """Replaces variables by expressions, and accesses to memory by others.

    ``moved`` says for a buffer and places that have been renamed where the element is instead; ``instead``
    are values that stand for elements. Both may be changed meanwhile, after `forget`.
    """

    def __init__(self, variables: Mapping[Expr, Expr], moved: Moved | None = None) -> None:
        self.variables = dict(variables)
        self.moved = moved
        self.instead: dict[tuple[Buffer, Places], Expr] = {}
        self._known: dict[Expr, Expr] = dict(variables)

    def forget(self) -> None:
        """What has been renamed so far is renamed anew."""
        self._known = dict(self.variables)

    def expr(self, node: Expr) -> Expr:
        """An expression, renamed."""
        if node not in self._known:
            bottom_up([node], self._known.__contains__, self._see)
        return self._known[node]

    def _see(self, node: Expr) -> None:
        args = tuple([self._known[a] for a in node.args])
        if node.op is READ:
            buffer, places = self.at(node.attr.buffer, args)
            value = self.instead.get((buffer, places))
            self._known[node] = read(buffer, places, node.attr.version) if value is None else value
        elif args == node.args or node.op is SYMBOL:
            self._known[node] = node
        else:
            self._known[node] = build(node.op, args, node.attr)

    def at(self, buffer: Buffer, places: Places) -> tuple[Buffer, Places]:
        """Where an element is whose places have been renamed."""
        found = None if self.moved is None else self.moved(buffer, places)
        return (buffer, places) if found is None else found

    def variable(self, node: Expr) -> Expr:
        """A variable that gets a value."""
        return self.variables.get(node, node)

    def head(self, statement: Statement) -> Statement:
        """A statement renamed, but for its bodies."""
        match statement:
            case Assign():
                return replace(
                    statement,
                    variable=self.variable(statement.variable),
                    value=self.expr(statement.value),
                )
            case Accumulate():
                return replace(
                    statement,
                    variable=self.variable(statement.variable),
                    value=self.expr(statement.value),
                )
            case Store():
                places = tuple([self.expr(p) for p in statement.places])
                buffer, places = self.at(statement.buffer, places)
                return Store(buffer, places, self.expr(statement.value), statement.adds)
            case For():
                return replace(
                    statement,
                    counter=self.variable(statement.counter),
                    trip=self.expr(statement.trip),
                )
            case While():
                trip = None if statement.trip is None else self.expr(statement.trip)
                return replace(statement, trip=trip)
            case Allocate():
                return replace(statement, extents=tuple([self.expr(e) for e in statement.extents]))
            case If() | Check():
                return replace(statement, condition=self.expr(statement.condition))
            case Call():
                arguments = tuple([self._argument(a) for a in statement.arguments])
                status = None if statement.status is None else self.variable(statement.status)
                return replace(statement, arguments=arguments, status=status)

    def _argument(self, argument: Argument) -> Argument:
        if isinstance(argument, Part):
            return Part(*self.at(argument.buffer, tuple([self.expr(p) for p in argument.places])))
        return self.expr(argument) if isinstance(argument, Expr) else argument

    def statement(self, statement: Statement) -> Statement:
        """A statement renamed, with its bodies."""
        return with_bodies(self.head(statement), self.block)

    def block(self, statements: Iterable[Statement]) -> Block:
        """Statements renamed."""
        return Block([self.statement(s) for s in statements])
