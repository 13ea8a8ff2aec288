"""Activations of captured functions: inlined, or as functions of the graph that call themselves.

Recursion that known values end is inlined. When a function is entered again with arguments of the same types
under a run-time condition, it is captured as a function of its own: the branches that do not recurse tell the
types of its result, then its calls of itself become calls in the graph.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NoReturn

from wengert.errors import ShapeError, TypeMismatchError
from wengert.frontend.staging.branches import NeedResult
from wengert.frontend.staging.context import (
    AttrSlot,
    CellSlot,
    Context,
    GlobalSlot,
    Layer,
    NeedConcrete,
    Slot,
    place,
    refuse,
)
from wengert.frontend.staging.effects import TokenSlot
from wengert.frontend.staging.extents import is_of_program
from wengert.frontend.staging.forms import (
    Building,
    Form,
    Seen,
    Side,
    Unfit,
    Uniting,
    alone,
    array_forms,
)
from wengert.frontend.staging.growing import is_growing, leaf_types
from wengert.frontend.staging.handles import (
    Array,
    Buffer,
    BufferSlot,
    Handle,
    Partial,
    Scalar,
    to_expr,
    type_of,
    write_buffer,
)
from wengert.frontend.staging.source import rebound_names
from wengert.frontend.trees import flatten
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ops.control.item import items
from wengert.ops.control.recursion import Recursion
from wengert.ops.extents import as_dim
from wengert.ops.leaves import const, fresh, size
from wengert.ops.numbers import python_number

__all__ = ["Restart", "entered", "touch_rebound"]

# Any: functions and arguments are the program's.
_DEEPEST = 150
_PASSES = 8


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
class _Held:
    """Something outside of a recursive function that it changes: an array, or a name with a number."""

    slot: Slot
    form: Form | None  # None: an array, which keeps its type

    def exprs(self) -> list[Expr]:
        """What it has now."""
        if isinstance(self.slot, BufferSlot):
            return [self.slot.buffer.read()]
        found: list[Expr] = []
        assert self.form is not None
        self.form.leaves(self.slot.get(), Side(), found, Seen())
        return found

    def types(self) -> list[Type]:
        """The types of that."""
        if isinstance(self.slot, BufferSlot):
            return [self.slot.buffer.expr.value_type]
        assert self.form is not None
        return leaf_types(self.form)

    def put(self, context: Context, exprs: Iterator[Expr]) -> None:
        """Give it new contents."""
        if isinstance(self.slot, BufferSlot):
            write_buffer(context, self.slot.buffer, next(exprs))
            return
        assert self.form is not None
        context.put(self.slot, self.form.build(Building(exprs)))


@dataclass
class _Tracing:
    """A recursive function that is being captured.

    Besides what it returns it gives back the arrays among its arguments that it changes in place
    (``written``, by their places), and what it changes outside (``held``).
    """

    name: str
    places: list[int]  # of the arguments that only running tells
    sizes: list[tuple[int, int]]  # arguments and axes whose extents are arguments too
    recursion: Recursion | None = None
    form: Form | None = None
    written: list[int] = field(default_factory=list)
    held: dict[tuple[Any, ...], _Held] = field(default_factory=dict)
    # What arrays of the result may be the same memory as: arguments by their places, and arrays outside.
    shared: set[int] = field(default_factory=set)
    outer: list[Buffer] = field(default_factory=list)

    def given(self, leaves: Sequence[Any], token: Expr) -> list[Expr]:
        """What a call passes on."""
        values = [
            python_number(size(leaves[p].type.shape[axis]), "int64") for p, axis in self.sizes
        ]
        values += [to_expr(leaves[p]) for p in self.places]
        return [*values, *(e for held in self.held.values() for e in held.exprs()), token]

    def result(self, context: Context, leaves: Sequence[Any], exprs: Sequence[Expr]) -> Any:
        """The result of a call, whose changes are made."""
        for expr in exprs:
            context.record(expr)
        self.check_apart(leaves)
        context.touch(TokenSlot(context))
        context.token = exprs[-1]
        left = iter(exprs[:-1])
        assert self.form is not None
        building = Building(left)
        result = self.form.build(building)
        self.relate(context, leaves, building)
        for p in self.written:
            leaves[p].write(next(left))
        for held in self.held.values():
            held.put(context, left)
        return result

    def relate(self, context: Context, leaves: Sequence[Any], building: Building) -> None:
        """Note what the arrays of a result may be the same memory as."""
        others = [*(leaves[p].buffer for p in sorted(self.shared)), *self.outer]
        reach = frozenset().union(*(b.origins | b.shadows for b in others))
        assert self.form is not None
        for form in array_forms(self.form) if others else ():
            for made in building.all(form):
                made.buffer.shadows = made.buffer.shadows | reach
                context.relate(made.buffer, *others)

    def note_shared(
        self, context: Context, layer: Layer, result: Any, inner: Mapping[int, Any]
    ) -> None:
        """Note which arrays of a result are those of the arguments, or arrays from outside."""
        found, _ = flatten(result, is_leaf=lambda v: isinstance(v, Handle))
        for leaf in found:
            value = leaf.value if isinstance(leaf, Partial) else leaf
            if not isinstance(value, Array):
                continue
            mine = value.buffer.origins | value.buffer.shadows
            for p, array in inner.items():
                if mine & (array.buffer.origins | array.buffer.shadows):
                    self.shared.add(p)
            for each in (value.buffer, *context.related(value.buffer, {value.buffer})):
                if context.born(each) is not layer and context.is_alive(each):
                    self.outer.append(each)

    def check_apart(self, leaves: Sequence[Any]) -> None:
        """Refuse that what is changed in place is also another argument, or changed from outside."""
        arrays = {p: leaves[p].buffer for p in self.places if isinstance(leaves[p], Array)}
        outer = [h.slot.buffer for h in self.held.values() if isinstance(h.slot, BufferSlot)]
        for p in self.written:
            mine = arrays[p].origins | arrays[p].shadows
            others = [*(b for q, b in arrays.items() if q != p), *outer]
            if any(mine & (b.origins | b.shadows) for b in others):
                refuse(
                    f"{self.name}() calls itself at run time and changes an array in place that it has "
                    "under another name too; pass a copy, or mode='tape'",
                    NeedConcrete,
                )


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
_MOST_ENTRIES = 300


def _counts(
    context: Context,
    function: types.FunctionType,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> bool:
    """Whether a function calls itself again and again with whole numbers that do not end it."""
    if function.__code__ in context.counting or not any(
        type(v) is int for v in (*args, *kwargs.values())
    ):
        return False
    nested = context.activations.count(function)
    if not nested:
        return False
    first = context.opened_at[context.activations.index(function)]
    if not any(layer.kind in ("branch", "loop") for layer in context.layers[first:]):
        return False
    entries = context.entries[function.__code__] = context.entries.get(function.__code__, 0) + 1
    return nested > _MOST_NESTED or entries > _MOST_ENTRIES


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
        result = staged(*args, **kwargs)
        if type(result) is types.GeneratorType:
            context.makers[id(result)] = (result, staged)
        return result
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
        touch_rebound(context, staged)
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
    if isinstance(leaf, Array):
        shape = ("?" if is_of_program(e) else e for e in leaf.type.shape)
        return (leaf.type.dtype, *shape)
    if isinstance(leaf, Scalar):
        return type_of(leaf)
    if isinstance(leaf, float):
        return Type("float64", weak=True)
    try:
        hash(leaf)
    except TypeError:
        return id(leaf)
    return (type(leaf), leaf)


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
    _check_lengths(original.__name__, (args, dict(kwargs)))
    leaves, tree = flatten((args, dict(kwargs)), is_leaf=lambda v: isinstance(v, Handle))
    places = _dynamic(leaves)
    sizes = [
        (p, axis)
        for p in places
        if isinstance(leaves[p], Array)
        for axis, extent in enumerate(leaves[p].type.shape)
        if is_of_program(extent)
    ]
    tracing = _Tracing(original.__name__, places, sizes)
    context.note("recursion", f"{original.__name__}() calls itself in the graph")
    for _ in range(_PASSES):
        with context.region("function") as layer:
            extents = {key: context.record(fresh(_INTEGER, "n")) for key in sizes}
            symbols = {p: context.record(fresh(_sized(leaves[p], p, extents), "r")) for p in places}
            token = context.record(fresh(_INTEGER, "token"))
            inner = list(leaves)
            for place, symbol in symbols.items():
                array = isinstance(leaves[place], Array)
                inner[place] = Array(Buffer(symbol)) if array else Scalar(symbol)
            positional, named = tree.unflatten(inner)
            touch_rebound(context, staged)
            context.touch(TokenSlot(context))
            context.token = token
            hidden = [
                [context.record(fresh(t, "h")) for t in held.types()]
                for held in tracing.held.values()
            ]
            for held, exprs in zip(tracing.held.values(), hidden, strict=True):
                held.put(context, iter(exprs))
            closed = _close(context, tracing, leaves)
            if tracing.form is not None:
                arguments = [
                    *extents.values(),
                    *symbols.values(),
                    *(e for exprs in hidden for e in exprs),
                    token,
                ]
                results = [
                    *leaf_types(tracing.form),
                    *(symbols[p].value_type for p in tracing.written),
                    *(e.value_type for exprs in hidden for e in exprs),
                    token.value_type,
                ]
                tracing.recursion = Recursion(original.__name__, arguments, results)
            context.functions[key] = tracing
            try:
                result = _inlined(context, staged, original, positional, named)
            except NeedResult:
                refuse(
                    f"{original.__name__}() calls itself on every path, or in a loop, before it has returned "
                    "anything, so what it returns cannot be told; return first under an if, or mode='tape'",
                    NeedConcrete,
                    context.calls.get(original.__code__),
                )
            finally:
                del context.functions[key]
            _check_containers(context, result, (positional, named), original.__name__)
            arrays = {p: inner[p] for p in places if isinstance(inner[p], Array)}
            tracing.note_shared(context, layer, result, arrays)
            form = _joined(tracing.form, result, original.__name__)
            written = [p for p, symbol in symbols.items() if _is_written(inner[p], symbol)]
            outputs: list[Expr] = []
            form.leaves(result, Side(), outputs, Seen())
            changed = _changed(context, layer, staged, tracing, closed)
            outputs += [inner[p].buffer.read() for p in tracing.written]
            outputs += [e for held in tracing.held.values() for e in held.exprs()]
            last = context.token
        settled = (
            tracing.recursion is not None
            and tracing.form is not None
            and leaf_types(form) == leaf_types(tracing.form)
            and set(written) <= set(tracing.written)
            and changed == tracing.held
        )
        if settled:
            assert tracing.recursion is not None
            try:
                function = tracing.recursion.closed([*outputs, last])
                node = function(*tracing.given(leaves, context.token))
            except (ShapeError, TypeMismatchError) as error:
                _unfit(original.__name__, error)
            return tracing.result(context, leaves, items(node))
        tracing.form, tracing.held = form, changed
        tracing.written = sorted({*tracing.written, *written})
    return refuse(f"{original.__name__}(): the types of its result do not settle", NeedConcrete)


_INTEGER = Type("int64", weak=True)


def _sized(leaf: Any, place: int, extents: Mapping[tuple[int, int], Expr]) -> Type:
    """The type of an argument, with its own sizes for extents that the program computes."""
    type_ = type_of(leaf)
    if not isinstance(leaf, Array):
        return type_
    shape = enumerate(type_.shape)
    return type_.with_shape(
        tuple(as_dim(extents[place, i]) if (place, i) in extents else e for i, e in shape)
    )


def _check_lengths(name: str, given: Any) -> None:
    """Refuse lists of run-time length as arguments: their elements are no leaves."""
    if any(type(top) is list and is_growing(top) for top in _containers(given)):
        refuse(
            f"{name}() calls itself at run time with a list whose length depends on run-time values; "
            "pass an array and the number of elements in use, or mode='tape'",
            NeedConcrete,
        )


def _check_containers(context: Context, result: Any, given: Any, name: str) -> None:
    """Refuse to give back a list or dict that was given: what is given back is made anew."""
    mine: set[int] = set()
    for top in _containers(given):
        mine |= context.origins_of(top)
    if any(not mine.isdisjoint(context.origins_of(top)) for top in _containers(result)):
        refuse(
            f"{name}() calls itself at run time and gives back a list or a dict that it was given; give "
            "back a copy, or mode='tape'",
            NeedConcrete,
        )


def _containers(value: Any) -> list[Any]:
    """The lists and dicts in a value."""
    found: list[Any] = []
    todo = [value]
    while todo:
        top = todo.pop()
        if isinstance(top, Partial):
            todo.append(top.value)
        elif isinstance(top, (list, dict)) and not any(top is each for each in found):
            found.append(top)
            todo += top.values() if isinstance(top, dict) else top
        elif isinstance(top, tuple):
            todo += top
    return found


def _joined(form: Form | None, value: Any, name: str) -> Form:
    uniting = Uniting(Side(), Side(), name, "of a recursive function")
    try:
        return alone(value, uniting) if form is None else form.join(value, uniting)
    except Unfit as error:
        return refuse(
            f"{name}() calls itself at run time and returns {error}; return the same structure on all ways",
            NeedConcrete,
        )


def _unfit(name: str, error: Exception) -> NoReturn:
    refuse(
        f"{name}() calls itself at run time with other types each time, or returns arrays whose extents it "
        f"computes ({error}); change arrays of fixed size in place, or mode='tape'",
        NeedConcrete,
    )


def _is_written(value: Any, symbol: Expr) -> bool:
    return isinstance(value, Array) and value.buffer.expr is not symbol


def _close(context: Context, tracing: _Tracing, leaves: Sequence[Any]) -> set[tuple[Any, ...]]:
    """Let nobody read arrays of the caller that are changed as arguments."""
    closed: set[tuple[Any, ...]] = set()
    for p in tracing.written:
        buffer = leaves[p].buffer
        for each in [buffer, *context.related(buffer, {buffer})]:
            slot = BufferSlot(each)
            context.touch(slot)
            closed.add(slot.key)
            each.stale = (
                f"{tracing.name}() calls itself at run time, and reads an array from outside that it also "
                "changes in place as its argument; use the argument, or mode='tape'"
            )
    return closed


def _changed(
    context: Context,
    layer: Layer,
    function: types.FunctionType,
    tracing: _Tracing,
    closed: set[tuple[Any, ...]],
) -> dict[tuple[Any, ...], _Held]:
    """What is changed outside of a function, with forms that hold it."""
    outer = _outer_cells(function)
    found = dict(tracing.held)
    for key, (slot, before) in layer.journal.items():
        if isinstance(slot, TokenSlot) or key in closed:
            continue
        if isinstance(slot, BufferSlot):
            if context.born(slot.buffer) is layer:
                continue
            if slot.buffer.stale is None and not slot.buffer.links:
                found.setdefault(key, _Held(slot, None))
                continue
            what = "an array in place that another name may stand for"
        elif isinstance(slot, CellSlot) and id(slot.cell) not in outer:
            continue  # a variable of the activation
        elif isinstance(slot, (CellSlot, GlobalSlot, AttrSlot)):
            now = slot.get()
            if now is before and key not in found:
                continue
            if _is_scalar(now) and _is_scalar(before):
                form = found[key].form if key in found else _joined(None, before, slot.name)
                assert form is not None
                joined = _joined(form, now, slot.name)
                if key not in found or joined is not form:
                    found[key] = _Held(slot, joined)
                continue
            what = f"`{slot.name}`, which is outside of it"
        else:
            what = f"a {slot.name} that is outside of it"
        refuse(
            f"{function.__name__}() calls itself at run time and changes {what}; "
            "return new values instead, or mode='tape'",
            NeedConcrete,
        )
    return found


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (Scalar, int, float, complex)) and not isinstance(value, Enum)


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


def _called_again(
    context: Context, tracing: _Tracing, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    if tracing.recursion is None or tracing.form is None:
        context.calls[context.activations[-1].__code__] = place()
        raise NeedResult
    _check_lengths(tracing.name, (args, dict(kwargs)))
    leaves, _ = flatten((args, dict(kwargs)), is_leaf=lambda v: isinstance(v, Handle))
    try:
        exprs = tracing.recursion.again(*tracing.given(leaves, context.token))
    except (ShapeError, TypeMismatchError) as error:
        _unfit(tracing.name, error)
    return tracing.result(context, leaves, exprs)
