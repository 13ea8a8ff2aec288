"""Loop nests of complex numbers as loop nests of real ones.

A complex number becomes two variables, an array in memory two buffers, one per part. Inputs and outputs are
as NumPy has them: one buffer of real numbers with a last axis of two. What an op is on pairs stands in its
record (``parts``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import wengert.ops.floats  # noqa: F401  records that `ops.plane` looks up
from wengert.ir.node import Expr
from wengert.ir.types import Type, is_complex
from wengert.ir.walk import build, order
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
    Host,
    If,
    Pair,
    Part,
    Program,
    Statement,
    Store,
    Unsupported,
    While,
    read,
    variable,
)
from wengert.lower.values import of_type, reads
from wengert.ops import plane
from wengert.ops.complexes import part_type
from wengert.ops.leaves import CONSTANT, SYMBOL, const

__all__ = ["in_real_numbers"]


def in_real_numbers(program: Program) -> Program:
    """The program without complex numbers; the same one if it has none.

    Raises:
        Unsupported: an op that is not known in terms of real numbers.
    """
    return _Splitting().program(program) if _has_complex(program) else program


def _statements(block: Block) -> Iterator[Statement]:
    waiting = [block]
    while waiting:
        for statement in waiting.pop():
            yield statement
            match statement:
                case For() | While():
                    waiting.append(statement.body)
                case If():
                    waiting += [statement.then, statement.orelse]
                case _:
                    pass


def _expressions(statement: Statement) -> tuple[Expr, ...]:
    match statement:
        case Assign() | Accumulate():
            return statement.variable, statement.value
        case Store():
            return *statement.places, statement.value
        case If() | Check():
            return (statement.condition,)
        case Call():
            return statement.expressions
        case _:
            return ()


def _has_complex(program: Program) -> bool:
    roots: set[Expr] = set()
    for place in (*program.inputs, *program.outputs, *program.locals, *program.heap):
        if isinstance(place, Expr):
            roots.add(place)
        elif isinstance(place, Buffer) and place.dtype.startswith("complex"):
            return True
    for statement in _statements(program.body):
        roots.update(_expressions(statement))
    return any(is_complex(node.value_type) for node in order(roots))


class _Splitting:
    """What has become of nodes and of buffers so far."""

    def __init__(self) -> None:
        self.done: dict[Expr, Expr | Pair] = {}
        self.memory: dict[Buffer, tuple[Buffer, ...]] = {}  # one per part, or one for both
        self.together: set[Buffer] = set()  # those that Python sees have both parts in one

    def program(self, program: Program) -> Program:
        for statement in _statements(program.body):
            if isinstance(statement, Call) and isinstance(statement.routine, Host):
                parts = [a for a in statement.arguments if isinstance(a, Part)]
                self.together.update(p.buffer for p in parts)
        local = [part for b in program.locals for part in self._buffers(b)]
        if any(b.dtype.startswith("complex") for b in program.heap):
            raise Unsupported("complex numbers in memory whose size only running tells")
        return replace(
            program,
            inputs=tuple([self._place(p) for p in program.inputs]),
            outputs=tuple([self._place(p) for p in program.outputs]),
            locals=tuple(local),
            body=self.block(program.body),
        )

    # --- places ------------------------------------------------------------------------------------------
    def _place(self, place: Expr | Pair | Buffer) -> Expr | Pair | Buffer:
        if isinstance(place, Buffer):
            return self._buffers(place)[0]
        assert isinstance(place, Expr)
        return self.value(place)

    def _buffers(self, buffer: Buffer) -> tuple[Buffer, ...]:
        found = self.memory.get(buffer)
        if found is None:
            found = self.memory[buffer] = _parts_of(buffer, buffer in self.together)
        return found

    def _at(
        self, buffer: Buffer, places: tuple[Expr, ...], part: int
    ) -> tuple[Buffer, tuple[Expr, ...]]:
        """Where a part of a complex number is."""
        found = self._buffers(buffer)
        return (found[0], (*places, const(part))) if len(found) == 1 else (found[part], places)

    # --- values ------------------------------------------------------------------------------------------
    def value(self, node: Expr) -> Expr | Pair:
        """A number in real numbers."""
        found = self.done.get(node)
        if found is None:
            for each in order([node]):
                if each not in self.done:
                    self.done[each] = self._split(each)
            found = self.done[node]
        return found

    def real(self, node: Expr) -> Expr:
        """A number that is real."""
        found = self.value(node)
        assert isinstance(found, Expr)
        return found

    def reals(self, nodes: Iterable[Expr]) -> tuple[Expr, ...]:
        return tuple([self.real(node) for node in nodes])

    def _split(self, node: Expr) -> Expr | Pair:
        type_ = node.value_type
        args = [self.done[a] for a in node.args]
        if not is_complex(type_) and all(a is b for a, b in zip(args, node.args, strict=True)):
            if node.op is READ and self._buffers(node.attr.buffer) != (node.attr.buffer,):
                raise AssertionError("a real number read of complex ones")
            return node
        if node.op is READ:
            return self._read(node, args)
        if node.op is SYMBOL:
            return Pair(*[variable(part_type(type_), node.attr.name) for _ in "ri"])
        if node.op is CONSTANT:
            number = complex(node.attr)
            parts = [const(number.real), const(number.imag)]
            return Pair(*[of_type(p, part_type(type_).dtype) for p in parts])
        return self._by_record(node, args)

    def _read(self, node: Expr, args: Sequence[Expr | Pair]) -> Expr | Pair:
        buffer, version = node.attr
        places = tuple([a for a in args if isinstance(a, Expr)])
        assert len(places) == len(args), "places are integers"
        if not is_complex(node.value_type):
            return read(buffer, places, version)
        return Pair(*[read(*self._at(buffer, places, i), version) for i in range(2)])

    def _by_record(self, node: Expr, args: Sequence[Expr | Pair]) -> Expr | Pair:
        type_ = node.value_type
        plain = tuple([a for a in args if isinstance(a, Expr)])
        if len(plain) == len(args) and not is_complex(type_):
            return of_type(build(node.op, plain, node.attr), type_.dtype)
        parts = node.op.parts
        if parts is None:
            raise Unsupported(f"`{node.op.name}` of complex numbers", node.op.name)
        found = parts(*args) if node.attr is None else parts(*args, attr=node.attr)
        if not is_complex(type_):
            assert isinstance(found, Expr), f"`{node.op.name}` is real"
            return of_type(found, type_.dtype)
        return plane.paired(found, part_type(type_).dtype)

    # --- statements --------------------------------------------------------------------------------------
    def block(self, block: Block) -> Block:
        found = Block()
        for statement in block:
            for each in self.statement(statement):
                found.add(each)
        return found

    def statement(self, statement: Statement) -> Sequence[Statement]:
        match statement:
            case Assign():
                value = self.value(statement.value)
                make = partial(Assign, again=statement.again)
                return self._each(self.value(statement.variable), value, make)
            case Accumulate():
                return self._accumulated(statement)
            case Store():
                return self._stored(statement)
            case Allocate():
                return [replace(statement, extents=self.reals(statement.extents))]
            case For():
                body = self.block(statement.body)
                return [replace(statement, trip=self.real(statement.trip), body=body)]
            case While():
                trip = None if statement.trip is None else self.real(statement.trip)
                return [replace(statement, trip=trip, body=self.block(statement.body))]
            case If():
                condition = self.real(statement.condition)
                then, orelse = self.block(statement.then), self.block(statement.orelse)
                return [If(condition, then, orelse)]
            case Check():
                return [replace(statement, condition=self.real(statement.condition))]
            case Call():
                arguments = [a for given in statement.arguments for a in self._argument(given)]
                return [replace(statement, arguments=tuple(arguments))]

    def _argument(self, argument: Argument) -> tuple[Argument, ...]:
        """An argument of a call: of routines real numbers only."""
        if isinstance(argument, str):
            return (argument,)
        if isinstance(argument, Expr):
            value = self.value(argument)
            return tuple(value) if isinstance(value, Pair) else (value,)
        if argument.buffer.dtype.startswith("complex"):
            return (Part(*self._at(argument.buffer, self.reals(argument.places), 0)),)
        return (Part(argument.buffer, self.reals(argument.places)),)

    def _each(self, target: Expr | Pair, value: Expr | Pair, make: Any) -> list[Statement]:
        """The statement that ``make`` makes of a variable and a value, for each part."""
        # Any: a function of two expressions, with options
        if isinstance(target, Expr):
            assert isinstance(value, Expr)
            return [make(target, value)]
        pair = plane.paired(value, target.re.value_type.dtype)
        if target.re not in order([pair.im]):
            return [make(target.re, pair.re), make(target.im, pair.im)]
        spare = variable(pair.im.value_type, "spare")
        return [Assign(spare, pair.im), make(target.re, pair.re), make(target.im, spare)]

    def _accumulated(self, statement: Accumulate) -> list[Statement]:
        target, value = self.value(statement.variable), self.value(statement.value)
        if isinstance(target, Expr) or statement.kind == "add":
            make = lambda variable, part: Accumulate(variable, statement.kind, part)  # noqa: E731
            return self._each(target, value, make)
        if statement.kind != "mul":
            raise Unsupported(f"`{statement.kind}` of complex numbers")
        product = plane.product(target, value, attr=None)
        return self._each(target, product, partial(Assign, again=True))

    def _stored(self, statement: Store) -> list[Statement]:
        buffer, places = statement.buffer, self.reals(statement.places)
        value = self.value(statement.value)
        if not buffer.dtype.startswith("complex"):
            assert isinstance(value, Expr)
            return [Store(buffer, places, value, statement.adds)]
        pair = plane.paired(value, part_type(Type(buffer.dtype)).dtype)  # type: ignore[arg-type]
        before: list[Statement] = []
        targets = [self._at(buffer, places, part) for part in range(2)]
        if any(r.attr.buffer is targets[0][0] for r in reads(pair.im)):
            spare = variable(pair.im.value_type, "spare")
            before.append(Assign(spare, pair.im))
            pair = Pair(pair.re, spare)
        return [
            *before,
            *[Store(*at, v, statement.adds) for at, v in zip(targets, pair, strict=True)],
        ]


def _parts_of(buffer: Buffer, together: bool) -> tuple[Buffer, ...]:
    if not buffer.dtype.startswith("complex"):
        return (buffer,)
    dtype = part_type(Type(buffer.dtype)).dtype  # type: ignore[arg-type]  # of a Type
    if buffer.role in ("input", "output"):
        return (replace(buffer, dtype=dtype, shape=(*buffer.shape, 2), pairs=True),)
    table = None if buffer.table is None else np.asarray(buffer.table)
    if together:
        both = None if table is None else np.stack([table.real, table.imag], -1)
        return (replace(buffer, dtype=dtype, shape=(*buffer.shape, 2), table=both),)
    tables = [None, None] if table is None else [table.real, table.imag]
    return tuple(
        [
            replace(buffer, name=f"{buffer.name}_{part}", dtype=dtype, table=table)
            for part, table in zip(("re", "im"), tables, strict=True)
        ]
    )
