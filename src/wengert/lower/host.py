"""Nodes that Python computes: what their values are passed as."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from threading import local
from typing import Any, Protocol

from wengert.errors import EvaluationError, worded
from wengert.ir.dims import Dim, defined_name, extent_text, is_defined
from wengert.ir.node import OPERATORS, Expr
from wengert.ir.op import Op
from wengert.ir.region import Region
from wengert.ir.types import TupleType, Type
from wengert.ir.walk import order
from wengert.lower.nest import Argument, Assign, Call, Host, Part, Passed, variable
from wengert.lower.values import Lowers, Stored, Value, in_sizes, of_type
from wengert.ops.leaves import const, size
from wengert.run.reference import value_of

__all__ = ["computed", "has_effects", "hosted", "is_effect", "knows", "put"]


class _Frame(Lowers, Protocol):
    """What a frame does besides, for a node that Python computes."""

    sizes: dict[str, Expr]

    def number(self, node: Expr) -> Expr: ...
    def kept(self, value: Expr) -> Expr: ...


# --- what needs it -------------------------------------------------------------------------------------
def knows(op: Op) -> bool:
    """Whether the record of an op says how it is computed in loops, or that it has bodies."""
    said = (op.element, op.stores, op.fills, op.calls, op.loops, op.checks, op.bodies)
    return op.elementwise or op.projection or any(each is not None for each in said)


def is_effect(op: Op) -> bool:
    """Whether an op does something that must not be done twice; to raise an error is no such thing."""
    return op.foreign or (op.effect and op.checks is None)


def has_effects(outputs: Iterable[Expr]) -> bool:
    """Whether any node has an effect, in bodies too."""
    seen: set[Region] = set()
    waiting: list[Sequence[Expr]] = [order(outputs)]
    while waiting:
        for node in waiting.pop():
            if is_effect(node.op):
                return True
            for body in bodies_of(node):
                if body not in seen:
                    seen.add(body)
                    waiting.append(body.nodes)
    return False


def bodies_of(node: Expr) -> tuple[Region, ...]:
    """The bodies of a node."""
    return () if node.op.bodies is None else node.op.bodies(node.attr)


# --- the call ------------------------------------------------------------------------------------------
def hosted(frame: _Frame, node: Expr) -> Value:
    """The results of a node that Python computes, after the call that does it here."""
    types = node.type.items if isinstance(node.type, TupleType) else (node.value_type,)
    arguments: list[Argument] = []
    takes = tuple([_taken(frame, arg, arguments) for arg in node.args])
    sizes = _sizes(frame, node)
    arguments += sizes.values()
    effect = is_effect(node.op) or any(has_effects(b.outputs) for b in bodies_of(node))
    host = Host(node, takes, tuple(sizes), (), effect)
    asked = _asked(frame, types)
    if asked:
        told = frame.local("int64", (len(asked),))
        host = replace(host, gives=(_array(told, arguments),), asks=tuple(asked.values()))
        frame.add(Call(host, "", tuple(arguments), None, 0))
        told.version += 1
        for number, name in enumerate(asked):
            frame.sizes[name] = frame.kept(told.at((const(number),)))
        host, arguments = Host(node, (), (), (), later=True), []
    gives: list[Passed] = []
    places: list[Stored] = []
    for type_ in types:
        place = frame.local(type_.dtype, type_.shape or (1,))
        if type_.shape:
            gives.append(_array(place, arguments))
        else:
            gives.append(Passed(type_.dtype))
            arguments.append(Part(place.buffer, (const(0),)))
        place.version += 1
        places.append(place)
    frame.add(Call(replace(host, gives=tuple(gives)), "", tuple(arguments), None, 0))
    results: list[Value] = [
        place if type_.shape else _read(frame, place, type_)
        for place, type_ in zip(places, types, strict=True)
    ]
    return results if isinstance(node.type, TupleType) else results[0]


def _asked(frame: _Frame, types: Sequence[Type]) -> dict[str, tuple[int, int]]:
    """The sizes that only the results tell, each with a result and an axis of it."""
    found: dict[str, tuple[int, int]] = {}
    for number, type_ in enumerate(types):
        for axis, extent in enumerate(type_.shape):
            name = str(extent)
            told = name in frame.sizes or is_defined(name)
            if isinstance(extent, Dim) and extent is Dim.named(name) and not told:
                found.setdefault(name, (number, axis))
    return found


def _taken(frame: _Frame, arg: Expr, arguments: list[Argument]) -> Passed:
    type_ = arg.value_type
    if type_.shape:
        return _array(frame.array(arg), arguments)
    arguments.append(frame.kept(of_type(frame.number(arg), type_.dtype)))
    return Passed(type_.dtype, weak=type_.weak)


def _array(array: Stored, arguments: list[Argument]) -> Passed:
    """Where an array is, as arguments of a call."""
    buffer, axes = array.buffer, len(array.extents)
    arguments.append(Part(buffer, (*array.prefix, *[const(0)] * axes)))
    arguments += array.extents
    around = list(buffer.extents or [size(e) for e in buffer.shape])[len(array.prefix) :]
    # The first extent says nothing about where elements are.
    spread = not all(map(_same, around[1:], array.extents[1:]))
    if spread:
        arguments += _steps(around)
    return Passed(buffer.dtype, axes, spread=spread)


def _same(extent: Expr, other: Expr) -> bool:
    """Whether two extents are certainly the same number."""
    return extent is other or in_sizes(extent) == in_sizes(other) is not None


def _steps(extents: Sequence[Expr]) -> list[Expr]:
    found: list[Expr] = []
    step: Expr = const(1)
    for extent in reversed(extents):
        found.append(step)
        step = OPERATORS.mul(step, extent)
    return found[::-1]


def _sizes(frame: _Frame, node: Expr) -> dict[str, Expr]:
    """The sizes with names that the node may need to know."""
    if node.op.resolve is None and node.op.bodies is None:
        return {}
    defined = {defined_name(each): frame.number(each) for each in node.needs}
    return {name: of_type(value, "int64") for name, value in (frame.sizes | defined).items()}


def _read(frame: _Frame, place: Stored, type_: Type) -> Expr:
    found = variable(Type(type_.dtype, weak=type_.weak), "found")
    frame.add(Assign(found, place.at((const(0),))))
    return found


# --- what it does --------------------------------------------------------------------------------------
Compute = Callable[[Expr, Sequence[Any], dict[str, int]], Any]  # Any: numbers and arrays


def computed(
    host: Host,
    values: Sequence[Any],
    sizes: dict[str, int],
    places: Sequence[Any],
    compute: Compute = value_of,
) -> None:
    """Compute the node for values of its arguments, and put the results into the arrays of ``places``.

    Raises:
        EvaluationError: the results are not what the types of the node say.
    """
    if host.later:
        found, _WAITING.results = _WAITING.results, ()
    else:
        found = compute(host.node, values, sizes)
        if not isinstance(host.node.type, TupleType):
            found = (found,)
    if host.asks:
        places[0][...] = [found[result].shape[axis] for result, axis in host.asks]
        _WAITING.results = found
    else:
        put(host, found, places)


class _Waiting(local):
    """Results of the last call of a thread that has asked for extents."""

    results: Sequence[Any] = ()


_WAITING = _Waiting()


def put(host: Host, found: Sequence[Any], places: Sequence[Any]) -> None:
    """Put results where they are to be."""
    for value, place in zip(found, places, strict=True):
        try:
            array = value if hasattr(value, "dtype") else place.dtype.type(value)
            if array.shape == place.shape and array.dtype.kind in _CASTS[place.dtype.kind]:
                place[...] = array
                continue
        except (TypeError, ValueError):
            array = None
        got = type(value).__name__ if array is None else f"{array.dtype}{extent_text(array.shape)}"
        raise EvaluationError(
            worded(
                f"result of `{host.name}`",
                expected=f"{place.dtype}{extent_text(place.shape)}, as its type says",
                got=got,
            )
        )


_CASTS = {"b": "b", "i": "biu", "f": "biuf", "c": "biufc"}  # kinds of NumPy's dtypes
