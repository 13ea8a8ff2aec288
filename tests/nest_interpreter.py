"""Loop nests run by Python, statement by statement: what they mean, without any machine code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any  # Any: numbers and arrays

import numpy as np
from numpy.lib.stride_tricks import as_strided

from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.lower.host import computed
from wengert.lower.nest import (
    READ,
    Accumulate,
    Allocate,
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
    Passed,
    Program,
    Store,
    While,
)
from wengert.ops.leaves import CONSTANT, SIZE
from wengert.ops.routines import Routine

__all__ = ["Stopped", "TooLong", "run"]

_COMBINED = {
    "add": np.add, "mul": np.multiply, "maximum": np.maximum, "minimum": np.minimum,
    "and": np.logical_and, "or": np.logical_or,
}  # fmt: skip


class Stopped(Exception):  # noqa: N818
    """A check did not hold."""


class TooLong(Exception):  # noqa: N818
    """More statements than were wanted."""


class _Machine:
    def __init__(
        self, program: Program, given: Sequence[Any], most: int, ordered: bool = False
    ) -> None:
        self.left, self.ordered = most, ordered
        self.values: dict[Expr, Any] = {}
        self.memory: dict[Buffer, np.ndarray] = {}
        self.sizes = {n: np.shape(given[i])[a] for n, (i, a) in program.symbols.items()}
        for place, value in zip(program.inputs, given, strict=True):
            if isinstance(place, Buffer):
                array = np.asarray(value)
                if place.pairs:
                    array = np.stack([array.real, array.imag], -1)
                self.memory[place] = array
            elif isinstance(place, Pair):
                self.values[place.re], self.values[place.im] = value.real, value.imag
            else:
                self.values[place] = value
        for buffer in [*program.locals, *(o for o in program.outputs if isinstance(o, Buffer))]:
            shape = [e if isinstance(e, int) else e.evaluate(self.sizes) for e in buffer.shape]
            garbage = np.full(shape, 77.0).astype(buffer.dtype)
            self.memory[buffer] = garbage

    def value(self, expr: Expr) -> Any:
        known: dict[Expr, Any] = {}
        for node in order([expr]):
            if node in self.values:
                known[node] = self.values[node]
            elif node.op is READ:
                array = self.memory.get(node.attr.buffer)
                if array is None:
                    array = np.asarray(node.attr.buffer.table)
                places = tuple(int(known[a]) for a in node.args)
                known[node] = array[_inside(places, array.shape)]
            elif node.op is SIZE:
                known[node] = node.attr.evaluate(self.sizes)
            else:
                options = {} if node.attr is None else {"attr": node.attr}
                with np.errstate(all="ignore"):
                    found = node.op.evaluate(*(known[a] for a in node.args), **options)
                if node.op is not CONSTANT:
                    found = np.asarray(found, node.value_type.dtype)[()]
                known[node] = found
        return known[expr]

    def run(self, block: Block) -> None:
        for each in block:
            self.left -= 1
            if self.left < 0:
                raise TooLong
            match each:
                case Assign(variable, value):
                    self.values[variable] = self.value(value)
                case Accumulate(variable, kind, value):
                    with np.errstate(all="ignore"):
                        found = _COMBINED[kind](self.values[variable], self.value(value))
                    self.values[variable] = found
                case Store(buffer, places, value, adds):
                    at = tuple(int(self.value(p)) for p in places)
                    at = _inside(at, self.memory[buffer].shape)
                    found = self.value(value)
                    self.memory[buffer][at] = self.memory[buffer][at] + found if adds else found
                case Allocate(buffer, extents, keeps):
                    self.allocate(buffer, [int(self.value(e)) for e in extents], keeps)
                case For(counter, trip, body, parallel, backward):
                    numbers = range(int(self.value(trip)))
                    # What may run in any order runs in another one than usual.
                    other = parallel and not self.ordered
                    for k in reversed(numbers) if backward or other else numbers:
                        self.values[counter] = k
                        self.run(body)
                case While(counter, flag, trip, body, done):
                    k, most = 0, None if trip is None else int(self.value(trip))
                    while self.values[flag] and (most is None or k < most):
                        self.values[counter] = k
                        self.run(body)
                        k += 1
                    if done is not None:
                        self.values[done] = k
                case If(condition, then, orelse):
                    self.run(then if self.value(condition) else orelse)
                case Check(condition, code):
                    if not self.value(condition):
                        raise Stopped(code)
                case Call(Host() as host, _, arguments):
                    self.host(host, list(arguments))
                case Call(routine, dtype, arguments, status, code):
                    assert isinstance(routine, Routine)
                    given = [self.argument(a, dtype, code) for a in arguments]
                    with np.errstate(all="ignore"):
                        report = routine.evaluate(*given)
                    if status is not None:
                        self.values[status] = np.int64(report)

    def host(self, host: Host, arguments: list[Any]) -> None:
        def number() -> Any:
            return self.value(arguments.pop(0))

        def array(passed: Passed) -> np.ndarray:
            start: Part = arguments.pop(0)
            memory = self.memory.get(start.buffer)
            if memory is None:
                memory = np.asarray(start.buffer.table)
            flat = memory.reshape(-1).view(passed.dtype)
            places = [int(self.value(p)) for p in start.places][: memory.ndim]
            steps = [s // flat.itemsize for s in memory.strides]
            at = sum(p * s for p, s in zip(places, steps, strict=True))
            shape = [int(number()) for _ in range(passed.axes)]
            apart = [int(number()) for _ in shape] if passed.spread else None
            if 0 in shape:
                return np.empty(shape, passed.dtype)
            usual = np.empty(shape, passed.dtype).strides
            strides = usual if apart is None else [s * flat.itemsize for s in apart]
            return as_strided(flat[at:], shape, strides)

        values: list[Any] = []
        for passed in host.takes:
            if passed.axes:
                values.append(array(passed).copy())
            elif passed.dtype.startswith("complex"):
                values.append(np.dtype(passed.dtype).type(complex(number(), number())))
            else:
                values.append(np.dtype(passed.dtype).type(number()))
            if passed.weak:
                values[-1] = values[-1].item()
        sizes = {name: int(number()) for name in host.sizes}
        computed(host, values, sizes, [array(passed) for passed in host.gives])

    def argument(self, argument: str | Expr | Part, dtype: str, code: int) -> Any:
        if isinstance(argument, str):
            return argument
        if isinstance(argument, Part):
            array = self.memory[argument.buffer]
            assert array.dtype in (dtype, np.int32, np.int64)
            places = tuple(int(self.value(p)) for p in argument.places)
            assert all(0 <= p < max(1, e) for p, e in zip(places, array.shape, strict=True))
            steps = [s // array.itemsize for s in np.empty(array.shape, array.dtype).strides]
            first = sum(p * s for p, s in zip(places, steps, strict=True))
            return array.reshape(-1)[first:]
        number = self.value(argument)
        if argument.value_type.dtype.startswith("float"):
            return number
        if not 0 <= number < 2**31:
            raise Stopped(code)
        return int(number)

    def allocate(self, buffer: Buffer, shape: Sequence[int], keeps: bool) -> None:
        assert buffer.role == "heap"
        assert all(e >= 0 for e in shape)
        old = self.memory.get(buffer)
        self.memory[buffer] = np.full(shape, 77.0).astype(buffer.dtype)
        if keeps:
            assert old is not None
            assert old.shape[1:] == tuple(shape[1:])
            self.memory[buffer][: len(old)] = old[: shape[0]]
        self.values.update(zip(buffer.extents, shape, strict=True))


def run(program: Program, *given: Any, most: int = 10_000_000, ordered: bool = False) -> list[Any]:
    """The outputs for the values of the inputs; ``ordered``: the usual order, also where any would do."""
    machine = _Machine(program, given, most, ordered)
    machine.run(program.body)
    return [_result(machine, place) for place in program.outputs]


def _result(machine: _Machine, place: Any) -> Any:
    if isinstance(place, Pair):
        return complex(machine.values[place.re], machine.values[place.im])
    if not isinstance(place, Buffer):
        return machine.values[place]
    array = machine.memory[place]
    if not place.pairs:
        return array
    found = np.empty(array.shape[:-1], np.result_type(array.dtype, np.complex64))
    found.real, found.imag = array[..., 0], array[..., 1]
    return found


def _inside(places: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Places that are inside of an array; the last one may count through whole rows, behind zeros."""
    assert len(places) == len(shape)
    assert all(p >= 0 for p in places), places
    if all(p < e for p, e in zip(places, shape, strict=True)):
        return places
    first = len(places) - 1
    while first and not places[first - 1]:
        first -= 1
    rows = shape[first:]
    assert places[-1] < math.prod(rows), (places, shape)
    assert all(p < e for p, e in zip(places[:first], shape[:first], strict=True)), (places, shape)
    return (*places[:first], *(int(p) for p in np.unravel_index(places[-1], rows)))
