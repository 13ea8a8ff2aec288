"""Handles: what a captured program holds in place of numbers and arrays.

A :class:`Scalar` is a number: an expression. An :class:`Array` is a chain of views on a :class:`Buffer`;
the buffer holds the expression of the whole array as it is now. Reading a view takes its part of the buffer;
writing puts the part back, so aliasing views in NumPy code keep their meaning while no array is ever mutated
in the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from enum import Enum
from itertools import count
from typing import Any, NamedTuple, NoReturn, TypeGuard

import numpy as np

from wengert.frontend.staging.context import (
    Context,
    NeedConcrete,
    Slot,
    active,
    current,
    refuse,
)
from wengert.ir.dims import Dim, Extent
from wengert.ir.node import Expr, service
from wengert.ir.region import acts
from wengert.ir.types import DTYPES, TupleType, Type, is_inexact
from wengert.ops.choice import where
from wengert.ops.control import branch
from wengert.ops.control.item import items
from wengert.ops.layout import cast
from wengert.ops.leaves import CONSTANT, const, machine_number, size

__all__ = [
    "PYTHON_NUMBERS",
    "UNKNOWN",
    "Array",
    "Buffer",
    "BufferSlot",
    "Choice",
    "Handle",
    "Partial",
    "Poison",
    "Scalar",
    "Stale",
    "View",
    "classes_of",
    "concrete",
    "describe",
    "is_handle",
    "is_number",
    "known",
    "may_miss",
    "new_array",
    "plain_number",
    "scalar_of",
    "to_expr",
    "type_of",
    "wrap",
]

# Any: handles stand for whatever numbers and arrays the program has.
_serial = count()
# Values of exactly these types are known and have nothing to do with the capture: Python goes on as it is.
PYTHON_NUMBERS = frozenset((int, float, complex, bool))
_NUMBERS = (bool, int, float, complex, np.number, np.bool_)  # also NumPy's, and subclasses


class View(NamedTuple):
    """A part of an array: how to take it, and how to put it back."""

    get: Callable[[Expr], Expr]
    put: Callable[[Expr, Expr], Expr] | None  # None: read-only
    probe: Callable[[np.ndarray], np.ndarray] | None = None  # the view in NumPy, where it is known


class Link(NamedTuple):
    """Where the condition holds, another buffer follows from this one."""

    condition: Expr
    other: Buffer
    follow: Callable[[Expr, Expr], Expr]  # this array now, the other before -> the other now
    back: Callable[[Expr, Expr], Expr]  # the other now, this one before -> this one now


class Buffer:
    """The memory of one array.

    ``origins`` are the allocations that it may be; a write to another buffer that may be the same memory
    makes it ``stale``. ``links`` tie buffers that are the same memory under a condition.
    """

    __slots__ = (
        "expr",
        "__weakref__",
        "links",
        "loop",
        "loose",
        "origins",
        "serial",
        "shadows",
        "stale",
        "strong",
        "type",
        "writable",
    )

    def __init__(
        self,
        expr: Expr,
        *,
        origins: frozenset[int] | None = None,
        shadows: frozenset[int] = frozenset(),
    ) -> None:
        type_ = expr.value_type
        self.expr = expr
        self.type = Type(type_.dtype, type_.shape)
        self.serial = next(_serial)
        self.origins = frozenset((self.serial,)) if origins is None else origins
        self.shadows = shadows
        self.stale: str | None = None
        self.links: tuple[Link, ...] = ()
        self.loop: Any = None  # the loop that carried it, if one did
        self.loose: frozenset[int] = frozenset()  # origins that the links do not tell all about
        self.writable: str | None = None  # else: why it may not be written
        context = current()
        if context is not None:
            context.birth(self)

    def read(self) -> Expr:
        """The array as it is now.

        Raises:
            CaptureError: it may have been changed through another name.
        """
        if self.stale is not None:
            is_stale(self.stale)
        return self.expr


class Unroll(BaseException):
    """Capture anew with a loop executed: its arrays change places in a way that one loop cannot hold."""

    def __init__(self, where: Any) -> None:
        self.where = where


def is_stale(why: str) -> NoReturn:
    """Refuse to read an array, or ask for the loop that is to blame to be executed."""
    loop = getattr(why, "loop", None)
    if loop is not None and loop in active().static_loops:
        raise Unroll(loop)
    refuse(why, NeedConcrete)


class BufferSlot(Slot):
    """The contents of an array."""

    __slots__ = ("buffer",)
    name = "array"

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer

    @property
    def key(self) -> tuple[Any, ...]:
        return ("buffer", self.buffer.serial)

    @property
    def owner(self) -> Any:
        return self.buffer

    def get(self) -> Any:
        return (self.buffer.expr, self.buffer.stale, self.buffer.links)

    def set(self, value: Any) -> None:
        self.buffer.expr, self.buffer.stale, self.buffer.links = value


class Handle:
    """Base of scalars and arrays: NumPy's protocols, operators and methods."""

    __slots__ = ()
    __array_priority__ = 1000.0
    # The operators and methods are filled in by ``operators`` and ``methods``.

    @property
    def expr(self) -> Expr:
        """The value as an expression."""
        raise NotImplementedError

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self


class Scalar(Handle):
    """A number: Python's if its type is weak, else NumPy's."""

    __slots__ = ("_expr", "python")

    def __init__(self, expr: Expr, python: bool = False) -> None:
        self._expr = expr
        self.python = python  # a truth value of Python's, not NumPy's

    @property
    def expr(self) -> Expr:
        return self._expr

    @property
    def weak(self) -> bool:
        """Whether it is a Python number."""
        return self.python or self._expr.type.weak  # type: ignore[union-attr]  # one result


class Array(Handle):
    """An array: views on a buffer."""

    __slots__ = ("_cache", "buffer", "views")

    def __init__(self, buffer: Buffer, views: tuple[View, ...] = ()) -> None:
        self.buffer = buffer
        self.views = views
        self._cache: tuple[Expr, Expr] | None = None

    @property
    def expr(self) -> Expr:
        base = self.buffer.read()
        if not self.views:
            return base
        if self._cache is not None and self._cache[0] is base:
            return self._cache[1]
        value = taken(self.views, base)
        active().record(value)
        self._cache = (base, value)
        return value

    @property
    def type(self) -> Type:
        """The type of the elements and the shape."""
        if not self.views:
            return self.buffer.type
        type_ = self.expr.value_type
        return Type(type_.dtype, type_.shape)

    def layout(self) -> np.ndarray | None:
        """An array that lies in memory as this one does in NumPy (its elements are not to be read)."""
        shape = self.buffer.type.shape
        if not all(isinstance(e, int) for e in shape) or any(v.probe is None for v in self.views):
            return None
        found = _fake(shape)
        for view in self.views:
            assert view.probe is not None
            found = view.probe(found)
        return found

    def place(self) -> tuple[Any, ...] | None:
        """Where the part lies in its buffer: offset, shape and strides, if that is known."""
        layout = self.layout()
        if layout is None:
            return None
        base = layout
        while isinstance(base.base, np.ndarray):
            base = base.base
        offset = layout.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        return offset, layout.shape, layout.strides

    def same_part(self, other: Array) -> bool:
        """Whether two handles show the very same elements."""
        if self.buffer is not other.buffer:
            return False
        if self.views == other.views:
            return True
        mine = self.place()
        return mine is not None and mine == other.place()

    def write(self, value: Expr) -> None:
        """Replace all elements; the value has the type of the array."""
        context = active()
        buffer = self.buffer
        if buffer.writable is not None:
            refuse(buffer.writable)
        if not self.views:
            write_buffer(context, buffer, value)
            return
        write_buffer(context, buffer, put_back(self.views, buffer.read(), value))

    def __copy__(self) -> Array:
        return Array(Buffer(self.expr))

    def __deepcopy__(self, memo: dict[int, Any]) -> Array:
        return self.__copy__()


def _fake(shape: tuple[Any, ...]) -> np.ndarray:
    strides, step = [], 8
    for e in reversed(shape):
        strides.append(step)
        step *= max(e, 1)
    return np.lib.stride_tricks.as_strided(np.zeros(1), shape, strides[::-1])


class Stale(str):
    """Why an array cannot be read, or a thing not be changed, and the loop that made it so."""

    loop: Any = None


def write_buffer(context: Context, buffer: Buffer, value: Expr) -> None:
    """Give a buffer new contents, and everything that may be the same memory."""
    if buffer.stale is not None:
        is_stale(buffer.stale)
    context.touch(BufferSlot(buffer))
    buffer.expr = context.record(value)
    reached = _follow_links(context, buffer)
    loose = frozenset().union(*(b.loose for b in reached))
    related = context.related(buffer, {b for b in reached if b.serial not in loose} | {buffer})
    for other in related:
        if other.stale is None:
            context.touch(BufferSlot(other))
            other.stale = Stale(
                "reads an array that may have been changed in place under another name, depending on a "
                "run-time value; write y = y.copy() where the names are given"
            )
            other.stale.loop = buffer.loop or other.loop


_MOST_PATHS = 24


def _follow_links(context: Context, buffer: Buffer) -> set[Buffer]:
    """Change what is tied to a buffer, along every chain of ties whose conditions all hold."""
    reached = {buffer}
    if not buffer.links:
        return reached
    todo: list[tuple[Buffer, Expr, Expr | None, tuple[Buffer, ...]]] = [
        (buffer, buffer.expr, None, (buffer,))
    ]
    changes: list[tuple[Buffer, Expr, Expr]] = []
    paths = 0
    while todo:
        top, value, condition, path = todo.pop()
        for link in top.links:
            other = link.other
            if other in path:
                continue
            paths += 1
            if paths > _MOST_PATHS:
                refuse(
                    "changes an array that is one of many depending on run-time values; "
                    "write y = y.copy() after the branch",
                    NeedConcrete,
                )
            both = (
                link.condition
                if condition is None
                else where(condition, link.condition, const(False))
            )
            new = link.follow(value, other.expr)
            changes.append((other, both, new))
            todo.append((other, new, both, (*path, other)))
            reached.add(other)
    for other, both, new in changes:
        context.touch(BufferSlot(other))
        other.expr = context.record(selected(both, new, other.expr))
    return reached


def put_back(views: tuple[View, ...], base: Expr, value: Expr) -> Expr:
    """The whole array with the part that a chain of views shows replaced."""
    if not views:
        return value
    stages = [base]
    for view in views[:-1]:
        stages.append(view.get(stages[-1]))
    for view, stage in zip(reversed(views), reversed(stages), strict=True):
        if view.put is None:
            refuse("writes into an array that is read-only; write y = y.copy() first")
        value = view.put(stage, value)
    return value


def taken(views: tuple[View, ...], base: Expr) -> Expr:
    """The part that a chain of views shows."""
    for view in views:
        base = view.get(base)
    return base


def selected(condition: Expr, yes: Expr, no: Expr) -> Expr:
    """One of two arrays of the same type by a truth value."""
    if yes is no:
        return yes
    found: Expr = branch(condition, lambda a, b: a, lambda a, b: b, yes, no)
    return found


# --- values that may be missing ---------------------------------------------------------------------------
class Partial(Handle):
    """A value that is missing (None, or not assigned) where a condition holds at run time."""

    __slots__ = ("missing", "name", "none", "value")

    def __init__(self, missing: Expr, value: Any, none: bool, name: str) -> None:
        self.missing, self.value, self.none, self.name = missing, value, none, name

    def __deepcopy__(self, memo: dict[int, Any]) -> Partial:
        return Partial(self.missing, deepcopy(self.value, memo), self.none, self.name)

    @property
    def expr(self) -> Expr:
        return to_expr(self.certain())

    def certain(self) -> Any:
        """The value, with a check at run time that it is there."""
        from wengert.frontend.staging.effects import require

        if self.none:
            name = "the result" if self.name.startswith("_wg_") else f"`{self.name}`"
            require(self.missing, "TypeError", f"{name} is None", wanted=False)
        else:
            message = f"cannot access local variable '{self.name}' where it is not associated with a value"
            require(self.missing, "UnboundLocalError", message, wanted=False)
        return self.value


def may_miss(value: Any) -> TypeGuard[Partial]:
    """Whether a variable, an attribute or an entry of a dict has its value under a condition only."""
    return isinstance(value, Partial) and not value.none


class Poison:
    """A value that differs between two ways in a manner that a graph cannot hold; using it is an error."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        object.__setattr__(self, "why", why)

    def _fail(self, *_: Any, **__: Any) -> Any:
        refuse(object.__getattribute__(self, "why"))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self._fail()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = (
        _fail
    )
    __pow__ = __rpow__ = __neg__ = __getitem__ = __call__ = __bool__ = __iter__ = __len__ = _fail
    __lt__ = __le__ = __gt__ = __ge__ = __float__ = __int__ = __index__ = __contains__ = _fail
    __eq__ = __ne__ = __hash__ = __str__ = __format__ = _fail

    def __deepcopy__(self, memo: Any) -> Any:
        return self


class Choice(Poison):
    """One of several texts, functions or members of an enumeration, chosen by a run-time number."""

    __slots__ = ("index", "options")

    def __init__(self, index: Expr, options: tuple[Any, ...]) -> None:
        shown = " or ".join(
            str(o) if isinstance(o, Enum) else getattr(o, "__name__", repr(o)) for o in options
        )
        first = options[0]
        kind = "string" if isinstance(first, str) else "function" if callable(first) else "constant"
        Poison.__init__(
            self,
            f"a value is the {kind} {shown} depending on a run-time value and is used in a way that "
            "cannot be captured; keep the numbers and use np.where or if/else on them",
        )
        object.__setattr__(self, "index", index)
        object.__setattr__(self, "options", options)

    def chosen(self, use: Callable[[Any], Any]) -> Any:
        """What ``use`` gives for the option that is chosen."""
        from wengert.frontend.staging.branches import choose
        from wengert.ops.choice import eq

        def one(number: int) -> Any:
            if number == len(self.options) - 1:
                return use(self.options[number])
            flag = Scalar(eq(self.index, const(number)), python=True)
            return choose(flag, lambda: use(self.options[number]), lambda: one(number + 1))

        return one(0)


# --- conversions --------------------------------------------------------------------------------------------
def is_handle(value: Any) -> bool:
    """Whether a value is a handle."""
    return isinstance(value, Handle)


def is_number(value: Any) -> bool:
    """Whether a value is a number or an array, known or not."""
    return isinstance(value, (Scalar, Array, np.ndarray, *_NUMBERS))


def to_expr(value: Any) -> Expr:
    """The expression of a number or an array."""
    if isinstance(value, Handle):
        return value.expr
    if isinstance(value, Expr):
        return value
    if isinstance(value, Poison):
        value._fail()
    return _constant(value)


def type_of(value: Any) -> Type:
    """The type of a number or an array."""
    if isinstance(value, Scalar):
        return value.expr.value_type
    if isinstance(value, Array):
        return value.type
    if isinstance(value, Partial):
        return type_of(value.value)
    if isinstance(value, Poison):
        value._fail()
    return _constant(value).value_type


def plain_number(value: Any) -> Any:
    """A member of an ``IntEnum`` or the like as the number that it is."""
    kinds: tuple[Any, ...] = (int, float, complex)
    return next(kind(value) for kind in kinds if isinstance(value, kind))


def _constant(value: Any) -> Expr:
    if isinstance(value, Enum) and isinstance(value, _NUMBERS):
        value = plain_number(value)
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.name not in DTYPES:
        refuse(
            f"an array or number of dtype {value.dtype} cannot be captured here; convert it first, as in "
            "a.astype(float)"
        )
    return const(value)


def classes_of(value: Any) -> frozenset[type]:
    """The classes that a number or an array may have in plain Python: one, or that of each of two ways."""
    if isinstance(value, (Array, np.ndarray)):
        return frozenset((np.ndarray,))
    if not isinstance(value, Handle):
        return frozenset((type(value),))
    context = current()
    known_classes = None if context is None else context.classes.get(value.expr)
    if known_classes is not None:
        return known_classes  # type: ignore[no-any-return]  # as forms put it there
    type_ = type_of(value)
    if type_.weak or (isinstance(value, Scalar) and value.python):
        return frozenset(({"b": bool, "i": int, "f": float, "c": complex}[type_.dtype[0]],))
    return frozenset((type(np.dtype(type_.dtype).type(0)),))


def scalar_of(expr: Expr) -> Any:
    """A number: known if the expression is a constant, else a handle."""
    if expr.op is CONSTANT:
        value = machine_number(expr.attr)
        type_ = expr.value_type
        if type_.weak or isinstance(value, np.generic):
            return value
        if isinstance(value, np.ndarray):
            return value[()]
        return np.dtype(type_.dtype).type(value) if type_.dtype != "bool" else value
    context = current()
    if context is not None:
        context.record(expr)
    return Scalar(expr)


def wrap(expr: Expr) -> Any:
    """The result of an op as a captured program sees it: a number, a new array, or a tuple of them."""
    type_ = expr.type
    if isinstance(type_, TupleType):
        return tuple(wrap(e) for e in items(expr))
    return new_array(expr) if type_.shape else scalar_of(expr)


def new_array(expr: Expr) -> Array:
    """An array of its own with the contents of an expression."""
    active().record(expr)
    if expr.value_type.weak:
        expr = cast(expr, expr.value_type.dtype)
    return Array(Buffer(expr))


def extents(shape: tuple[Extent, ...]) -> tuple[Any, ...]:
    """A shape as the program sees it."""
    from wengert.frontend.staging.library import as_python

    return tuple(e if isinstance(e, int) else as_python(scalar_of(size(e))) for e in shape)


def describe(value: Any) -> str:
    """What a value is, for messages."""
    if isinstance(value, Partial):
        return f"{describe(value.value)} or {'None' if value.none else 'unassigned'}"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(describe(v) for v in value[:4])
        return f"{type(value).__name__}({inner}{', ...' if len(value) > 4 else ''})"
    if is_number(value):
        type_ = type_of(value)
        if type_.weak and not type_.shape:
            return {"b": "bool", "i": "int", "f": "float", "c": "complex"}[type_.dtype[0]]
        return str(type_).removeprefix("weak ")
    if value is None:
        return "None"
    if isinstance(value, Poison):
        return "a value that differs between two paths"
    if isinstance(value, str):
        return f"the string {value!r}" if type(value) is str else "a text with run-time values"
    return type(value).__name__


# --- values that are known ------------------------------------------------------------------------
_FAR = 400


def _is_closed(context: Context, node: Expr) -> bool:
    """Whether a value depends on no input (looking at a limited number of new nodes)."""
    known = context.closed
    if node in known:
        return known[node]
    stack, seen = [node], [node]
    visited = {node}
    while stack:
        top = stack.pop()
        if top.op.free or _is_kept(top) or len(seen) > _FAR:
            known[node] = False
            return False
        for arg in top.args:
            flag = known.get(arg)
            if flag is False:
                known[node] = False
                return False
            if flag is None and arg not in visited:
                visited.add(arg)
                seen.append(arg)
                stack.append(arg)
    for each in seen:
        known[each] = True
    return True


def _is_kept(node: Expr) -> bool:
    """Whether a node has its value only when the program runs: it acts, or has the size of an input."""
    return acts(node) or (node.op.resolve is not None and _mentions_size(node))


def _mentions_size(node: Expr) -> bool:
    type_ = node.type
    types = type_.items if isinstance(type_, TupleType) else (type_,)
    return isinstance(node.attr, Dim) or any(isinstance(e, Dim) for t in types for e in t.shape)


class _Unknown:
    """Stands for a value that only running the program tells."""


UNKNOWN = _Unknown()


def known(value: Any) -> Any:
    """The Python or NumPy value of a number or an array, or ``UNKNOWN``."""
    if isinstance(value, Partial):
        value = value.certain()
    if not isinstance(value, Handle):
        return value
    context = active()
    expr = value.expr
    if context.eager:
        found = service("extend")(context.values, expr)
    elif _is_closed(context, expr):
        found = service("evaluate")(expr, {})
    else:
        return UNKNOWN
    type_ = expr.value_type
    if type_.shape:
        return np.asarray(found, type_.dtype)
    if type_.weak or type_.dtype == "bool":
        python = {"b": bool, "i": int, "f": float, "c": complex}[type_.dtype[0]]
        return python(found)
    return np.dtype(type_.dtype).type(found)


def concrete(value: Any, use: str = "") -> Any:
    """The Python or NumPy value of a number or an array.

    Raises:
        NeedConcrete: only running the program tells.
    """
    found = known(value)
    if found is UNKNOWN:
        refuse(
            f"needs {use or 'the value of a number'} while the function is captured, "
            "but only running it tells; use numbers that do not depend on the inputs, or mode='tape'",
            NeedConcrete,
        )
    return found


def is_active(value: Any) -> bool:
    """Whether a value is a float that depends on inputs."""
    return isinstance(value, Handle) and is_inexact(type_of(value))
