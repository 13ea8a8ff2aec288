"""Activations of captured functions: inlined, or as functions of the graph that call themselves.

Recursion that known values end is inlined. When a function is entered again with arguments of the same types
under a run-time condition, it is captured as a function of its own: the branches that do not recurse tell the
types of its result, then its calls of itself become calls in the graph.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wengert.frontend.staging.branches import NeedResult
from wengert.frontend.staging.context import (
    AttrSlot,
    CellSlot,
    Context,
    GlobalSlot,
    NeedConcrete,
    place,
    refuse,
)
from wengert.frontend.staging.effects import TokenSlot
from wengert.frontend.staging.forms import Building, Form, Side, Uniting, alone
from wengert.frontend.staging.handles import (
    Array,
    Buffer,
    BufferSlot,
    Handle,
    Partial,
    Scalar,
    to_expr,
    type_of,
)
from wengert.frontend.staging.source import rebound_names
from wengert.frontend.trees import flatten
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ops.control.item import items
from wengert.ops.control.recursion import Recursion
from wengert.ops.leaves import const, fresh

__all__ = ["Restart", "entered", "touch_rebound"]

# Any: functions and arguments are the program's.
_DEEPEST = 150
_PASSES = 6


class Restart(BaseException):
    """What a function calls turned out otherwise: capture anew, knowing it.

    It calls itself through others, or with ever new whole numbers, which are run-time values then.
    """

    def __init__(self, code: types.CodeType, counting: bool = False) -> None:
        self.code, self.counting = code, counting


class _Again(BaseException):
    """A function is entered again with arguments of the same types: unwind to its first activation."""

    def __init__(self, key: Any) -> None:
        self.key = key


@dataclass
class _Tracing:
    """A recursive function that is being captured."""

    recursion: Recursion | None
    form: Form | None
    types: list[Type]


def entered(
    context: Context,
    staged: types.FunctionType,
    original: types.FunctionType,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    """Run converted code for its result."""
    if context.eager:
        return _inlined(context, staged, original, args, kwargs)
    if not _names_itself(original) and not (
        context.recursive and original.__code__ in context.recursive
    ):
        if context.activations.count(original) > 8 and any(
            layer.kind in ("branch", "loop") for layer in context.layers
        ):
            raise Restart(original.__code__)
        return _inlined(context, staged, original, args, kwargs)
    if _counts(context, original, args, kwargs):
        raise Restart(original.__code__, counting=True)
    if original.__code__ in context.counting:
        args, kwargs = _counted(args), {n: _counted((v,))[0] for n, v in kwargs.items()}
    key = _key(original, args, kwargs)
    tracing = context.functions.get(key)
    if tracing is not None:
        return _called_again(context, tracing, args, kwargs)
    layers = context.active_keys.get(key)
    if layers is not None and any(
        layer.kind in ("branch", "loop") for layer in context.layers[layers:]
    ):
        raise _Again(key)
    outermost = layers is None
    if outermost:
        context.active_keys[key] = len(context.layers)
    try:
        return _transacted(context, staged, original, args, kwargs)
    except _Again as again:
        context.caches.clear()  # what has been computed since is given up
        if not outermost or again.key != key:
            raise
    finally:
        if outermost:
            del context.active_keys[key]
    return _recursive(context, staged, original, args, kwargs, key)


_MOST_NESTED = 30


def _counts(
    context: Context,
    function: types.FunctionType,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> bool:
    """Whether a function calls itself again and again with whole numbers that do not end it."""
    if (
        function.__code__ in context.counting
        or context.activations.count(function) <= _MOST_NESTED
        or not any(type(v) is int for v in (*args, *kwargs.values()))
    ):
        return False
    first = context.opened_at[context.activations.index(function)]
    return any(layer.kind in ("branch", "loop") for layer in context.layers[first:])


def _counted(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments with handles of the whole numbers."""
    return tuple(Scalar(const(v)) if type(v) is int and abs(v) < 2**53 else v for v in args)


def touch_rebound(context: Context, staged: types.FunctionType) -> None:
    """Note that a function may change the variables that it declares global or nonlocal."""
    for name in rebound_names(staged):
        free = staged.__code__.co_freevars
        if name in free:
            assert staged.__closure__ is not None
            slot = CellSlot(staged.__closure__[free.index(name)], name)
            context.rebound.add(slot.key)
            context.touch(slot)
        else:
            context.touch(GlobalSlot(staged.__globals__, name))


# By identity of the code, which is kept: the name that was looked for, and whether the code has it.
_naming: dict[int, tuple[types.CodeType, str, bool]] = {}


def _names_itself(function: types.FunctionType) -> bool:
    code, name = function.__code__, function.__name__
    entry = _naming.get(id(code))
    if entry is None or entry[1] != name:
        inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
        found = any(name in c.co_names or name in c.co_freevars for c in (code, *inner))
        _naming[id(code)] = entry = (code, name, found)
    return entry[2]


def _inlined(
    context: Context,
    staged: types.FunctionType,
    original: types.FunctionType,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    context.depth += 1
    context.activations.append(original)
    context.opened_at.append(len(context.layers))
    try:
        if context.depth > _DEEPEST and not context.eager:
            refuse(
                f"{original.__name__}: recursion deeper than {_DEEPEST} during capture: the stopping "
                "condition depends on run-time values; rewrite it as a loop, or mode='tape'"
            )
        return staged(*args, **kwargs)
    finally:
        context.activations.pop()
        context.opened_at.pop()
        context.depth -= 1


def _transacted(
    context: Context,
    staged: types.FunctionType,
    original: types.FunctionType,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    """An activation whose changes are taken back if it turns out to be recursive."""
    with context.region("activation") as layer:
        result = _inlined(context, staged, original, args, kwargs)
        finals = context.finals(layer)
        recorded = layer.recorded
    context.top.recorded.update(recorded)
    for key, slot in finals.slots.items():
        context.put(slot, finals.values[key])
    return result


def _key(function: types.FunctionType, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    leaves, tree = flatten((args, dict(kwargs)), is_leaf=lambda v: isinstance(v, Handle))
    return (function.__code__, tree, tuple(_abstract(leaf) for leaf in leaves))


def _abstract(leaf: Any) -> Any:
    if isinstance(leaf, Partial):
        return ("partial", leaf.none, _abstract(leaf.value))
    if isinstance(leaf, (Scalar, Array)):
        type_ = type_of(leaf)
        return type_.with_shape(()) if isinstance(leaf, Array) and _shrinks(type_) else type_
    if isinstance(leaf, float):
        return Type("float64", weak=True)
    try:
        hash(leaf)
    except TypeError:
        return id(leaf)
    return (type(leaf), leaf)


def _shrinks(type_: Type) -> bool:
    return False


def _dynamic(leaves: Sequence[Any]) -> list[int]:
    return [i for i, leaf in enumerate(leaves) if isinstance(leaf, (Scalar, Array, float))]


def _recursive(
    context: Context,
    staged: types.FunctionType,
    original: types.FunctionType,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    key: Any,
) -> Any:
    leaves, tree = flatten((args, dict(kwargs)), is_leaf=lambda v: isinstance(v, Handle))
    places = _dynamic(leaves)
    tracing = _Tracing(None, None, [])
    context.note("recursion", f"{original.__name__}() calls itself in the graph")
    for _ in range(_PASSES):
        with context.region("function") as layer:
            symbols = [context.record(fresh(_plain(type_of(leaves[p])), "r")) for p in places]
            token = context.record(fresh(Type("int64", weak=True), "token"))
            given = list(leaves)
            born: set[int] = set()
            for place, symbol in zip(places, symbols, strict=True):
                if isinstance(leaves[place], Array):
                    array = Array(Buffer(symbol))
                    born.add(array.buffer.serial)
                    given[place] = array
                else:
                    given[place] = Scalar(symbol)
            positional, named = tree.unflatten(given)
            touch_rebound(context, staged)
            context.touch(TokenSlot(context))
            context.token = token
            if tracing.form is not None:
                tracing.recursion = Recursion(
                    original.__name__, [*symbols, token], [*tracing.types, token.value_type]
                )
            context.functions[key] = tracing
            try:
                result = _inlined(context, staged, original, positional, named)
            except NeedResult:
                refuse(
                    f"{original.__name__}() calls itself on every path, so the recursion never ends",
                    NeedConcrete,
                    context.calls.get(original.__code__),
                )
            finally:
                del context.functions[key]
            uniting = Uniting(Side(), Side(), original.__name__, "of a recursive function")
            form = (
                alone(result, uniting)
                if tracing.form is None
                else tracing.form.join(result, uniting)
            )
            found: list[Type] = []
            form.types(found, set())
            outputs: list[Expr] = []
            form.leaves(result, Side(), outputs, set())
            last = context.token
            _check_pure(context, layer, staged, born)
        settled = tracing.recursion is not None and found == tracing.types
        tracing.form, tracing.types = form, found
        if settled:
            assert tracing.recursion is not None
            function = tracing.recursion.closed([*outputs, last])
            node = function(*(to_expr(leaves[p]) for p in places), context.token)
            return _result(context, form, items(node))
    return refuse(f"{original.__name__}(): the types of its result do not settle", NeedConcrete)


def _plain(type_: Type) -> Type:
    return type_


def _check_pure(context: Context, layer: Any, function: types.FunctionType, born: set[int]) -> None:
    outer = _outer_cells(function)
    for slot, before in layer.journal.values():
        if isinstance(slot, TokenSlot):
            continue
        if isinstance(slot, BufferSlot):
            if slot.buffer.serial not in born and context.born(slot.buffer) is layer:
                continue
            what = "an array in place"
        elif isinstance(slot, CellSlot) and id(slot.cell) not in outer:
            continue  # a variable of the activation
        elif isinstance(slot, (CellSlot, GlobalSlot, AttrSlot)):
            if slot.get() is before:
                continue
            what = f"`{slot.name}`, which is outside of it"
        else:
            what = f"a {slot.name} that is outside of it"
        refuse(
            f"{function.__name__}() calls itself at run time and changes {what}; "
            "return new values instead, or mode='tape'",
            NeedConcrete,
        )


def _outer_cells(function: types.FunctionType) -> set[int]:
    """The variables that a function shares with what is around it, by id of their cells."""
    found: set[int] = set()
    todo = [function]
    while todo:
        for cell in todo.pop().__closure__ or ():
            if id(cell) in found:
                continue
            found.add(id(cell))
            try:
                inner = cell.cell_contents
            except ValueError:
                continue
            if isinstance(inner, types.FunctionType):
                todo.append(inner)
    return found


def _result(context: Context, form: Form, exprs: tuple[Expr, ...]) -> Any:
    for expr in exprs:
        context.record(expr)
    context.touch(TokenSlot(context))
    context.token = exprs[-1]
    return form.build(Building(iter(exprs[:-1])))


def _called_again(
    context: Context, tracing: _Tracing, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    if tracing.recursion is None or tracing.form is None:
        context.calls[context.activations[-1].__code__] = place()
        raise NeedResult
    leaves, _ = flatten((args, dict(kwargs)), is_leaf=lambda v: isinstance(v, Handle))
    values = [to_expr(leaves[p]) for p in _dynamic(leaves)]
    return _result(context, tracing.form, tracing.recursion.again(*values, context.token))
